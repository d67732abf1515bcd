"""Held-out figures from plain arrays, by scikit-learn's metrics, and the simple models they are set beside.

A network, a decision tree and a constant are scored by the same function: `majority` and `mean` give outputs, not
figures. Every result is a dictionary of numbers, lists and strings, ready for JSON; None stands where a figure is
undefined, and `notes` says why. Weights count in every mean; the confusion matrix and `rows` count rows.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness
from thalweg.errors import InputError


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Num

CLIP = 1e-15  # a probability below it counts as it in the log-loss, so that one sure mistake is 34.5, not infinite
LEAVES = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)  # and as many as there are
ROWS_PER_LEAF = (1, 5, 20, 50)
SMOOTHING = (1.0, 0.1, 0.01)


def classification(
    y: Int[np.ndarray, " n"],
    probability: Float[np.ndarray, "n k"],
    classes: Sequence[object],
    weights: Float[np.ndarray, " n"] | None = None,
) -> dict[str, Any]:
    """Accuracy, log-loss, area under the ROC curve, confusion matrix (rows: actual) and recall and precision by class.

    `y` are class indices. Rows of `probability` are scaled to sum 1 (separate sigmoids need not), and clipped at 1e-15
    in the log-loss. AUC is that of the second class of two, else the plain mean over each class against the rest.

    Raises:
        InputError: no rows, fewer than two classes, or a probability that is negative or not finite.

    >>> figures = classification(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]), ["ham", "spam"])
    >>> round(figures["accuracy"], 3), round(figures["log_loss"], 3), figures["auc"], figures["confusion"]
    (0.667, 0.607, 1.0, [[1, 0], [1, 1]])
    """
    from sklearn import metrics

    k = len(classes)
    if k < 2:
        message = f"classification needs at least two classes, not {list(classes)!r}"
        raise InputError(message)
    y, weights = _scored_rows(y, weights, probability)
    p = _scaled(probability)
    guess = p.argmax(axis=1)
    notes: dict[str, str] = {}
    counted = y if weights is None else y[weights > 0]
    absent = np.flatnonzero(np.bincount(counted, minlength=k) == 0)
    auc = None
    if len(absent):
        names = ", ".join(repr(classes[i]) for i in absent[:5]) + (", …" if len(absent) > 5 else "")
        notes["auc"] = f"no held-out row is of class {names}"
    elif k == 2:
        auc = float(metrics.roc_auc_score(y, p[:, 1], sample_weight=weights))
    else:
        one_hot = np.eye(k, dtype=int)[y]
        auc = float(metrics.roc_auc_score(one_hot, p, average="macro", sample_weight=weights))
    confusion = metrics.confusion_matrix(y, guess, labels=range(k))
    return {
        "rows": len(y),
        "accuracy": float(metrics.accuracy_score(y, guess, sample_weight=weights)),
        "log_loss": _log_loss(y, p, weights),
        "auc": auc,
        "confusion": confusion.tolist(),
        "recall": _shares(confusion.diagonal(), confusion.sum(axis=1)),
        "precision": _shares(confusion.diagonal(), confusion.sum(axis=0)),
        "notes": notes,
    }


def multilabel(
    y: Num[np.ndarray, "n k"],
    probability: Float[np.ndarray, "n k"],
    names: Sequence[str],
    weights: Float[np.ndarray, " n"] | None = None,
) -> dict[str, Any]:
    """Figures of several yes-or-no targets: each as a classification of its own, their means, and all right at once."""
    y, weights = _scored_rows(y, weights, probability)
    each = {
        name: classification(y[:, i].astype(np.int64), np.stack([1 - p, p], axis=1), ["no", "yes"], weights)
        for i, (name, p) in enumerate(zip(names, np.asarray(probability, float).T, strict=True))
    }
    exact = np.all((np.asarray(probability) > 0.5) == (y > 0.5), axis=1)
    return {
        "rows": len(y),
        "exact": float(np.average(exact, weights=weights)),
        **{key: _mean_of(each.values(), key) for key in ("accuracy", "log_loss", "auc")},
        "targets": each,
        "notes": {f"auc of {name}": figures["notes"]["auc"] for name, figures in each.items() if figures["notes"]},
    }


def regression(
    y: Float[np.ndarray, "n ..."],
    prediction: Float[np.ndarray, "n ..."],
    names: Sequence[str] = ("target",),
    weights: Float[np.ndarray, " n"] | None = None,
) -> dict[str, Any]:
    """Root mean squared error, mean absolute error (units of the target) and R²; of several targets also the means.

    Raises:
        InputError: no rows, or a prediction that is not finite.
    """
    y, weights = _scored_rows(y, weights, prediction)
    actual, predicted = y.reshape(len(y), -1).astype(float), np.asarray(prediction, float).reshape(len(y), -1)
    each = {
        name: _one_regression(actual[:, i], predicted[:, i], weights)
        for i, name in zip(range(actual.shape[1]), names, strict=True)
    }
    if len(each) == 1:
        return {"rows": len(y), **next(iter(each.values()))}
    return {
        "rows": len(y),
        **{key: _mean_of(each.values(), key) for key in ("rmse", "mae", "r2")},
        "targets": each,
        "notes": {f"r2 of {name}": figures["notes"]["r2"] for name, figures in each.items() if figures["notes"]},
    }


def row_losses(y: Num[np.ndarray, "n ..."], outputs: Float[np.ndarray, "n ..."], task: str) -> Float[np.ndarray, " n"]:
    """The loss of each row, of several targets the mean: −log p of what it is (mean: the log-loss), or for numbers the
    squared error in variances of `y` (mean: 1 − R²), `outputs` being predictions in the units of `y`."""
    if task == "classification":
        return -np.log(np.clip(_scaled(outputs)[np.arange(len(y)), y], CLIP, 1.0))
    if task == "multilabel":
        return -np.log(np.clip(np.where(y > 0.5, outputs, 1 - outputs), CLIP, 1.0)).mean(axis=1)
    y, outputs = (np.asarray(a, float).reshape(len(y), -1) for a in (y, outputs))
    unit = np.maximum(np.maximum(np.abs(y), np.abs(outputs)).max(axis=0), sys.float_info.min)
    a, b = y / unit, outputs / unit
    deviation = a.std(axis=0)
    # The bound keeps the square of what is beyond all measure finite, and the square of that in `paired`.
    return (np.clip((a - b) / np.where(deviation > 0, deviation, 1.0), -1e70, 1e70) ** 2).mean(axis=1)


def paired(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> dict[str, float]:
    """Mean of first − second, two models' losses on the same rows, and its standard error (of one row: its size).

    >>> paired(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))["difference"]
    0.0
    """
    differences = first - second
    mean = float(differences.mean())
    n = len(differences)
    return {"difference": mean, "error": float(differences.std(ddof=1)) / math.sqrt(n) if n > 1 else abs(mean)}


def majority(y_train: Int[np.ndarray, " m"], rows: int, n_classes: int) -> Float[np.ndarray, "rows k"]:
    """The baseline of classification: the training shares of the classes for every row, so the commonest is guessed.

    A class that training lacks gets 1e-15.

    >>> majority(np.array([0, 1, 1, 1]), 2, 2)
    array([[0.25, 0.75],
           [0.25, 0.75]])
    """
    shares = np.bincount(y_train, minlength=n_classes) / len(y_train)
    return np.tile(_scaled(np.maximum(shares, CLIP)[None]), (rows, 1))


def mean(y_train: Float[np.ndarray, "m ..."], rows: int) -> Float[np.ndarray, "rows ..."]:
    """The baseline of regression, and the shares of multilabel: the training mean for every row."""
    y_train = np.asarray(y_train, float)
    # Divided first: the sum of large values could overflow.
    return np.repeat((y_train / len(y_train)).sum(axis=0, keepdims=True), rows, axis=0)


def tree(
    X_train: Float[np.ndarray, "m d"],
    y_train: Num[np.ndarray, "m ..."],
    X_valid: Float[np.ndarray, "v d"],
    y_valid: Num[np.ndarray, "v ..."],
    X_test: Float[np.ndarray, "n d"],
    task: str,
    n_classes: int,
    seed: int,
) -> tuple[Float[np.ndarray, "n ..."], dict[str, Any]]:
    """Outputs of scikit-learn's decision tree on `X_test`, in the form of the network's, and what the tree is.

    The counterpart of early stopping: fitted on the training rows alone, and of all numbers of leaves, least rows in
    a leaf and smoothings it is the one that does best on the validation rows, by log-loss (classification,
    multilabel) or RMSE (regression). Smoothing: a leaf with n_c of n rows in class c says (n_c + s) / (n + s · k) for
    k classes, Laplace's rule for s = 1, so that the log-loss is finite.

    Raises:
        InputError: there are no validation rows to choose by, or the task is unknown.
    """
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if task not in ("classification", "regression", "multilabel"):
        message = f"the task of a tree is 'classification', 'regression' or 'multilabel', not {task!r}"
        raise InputError(message)
    if not len(X_valid):
        message = "a tree needs validation rows to choose its size by; hold some rows out"
        raise InputError(message)
    # What scikit-learn would do at every fit; beyond float32 all values are the same leaf's.
    limit = np.finfo(np.float32).max
    fit_rows, valid_rows, test_rows = (np.clip(X, -limit, limit).astype(np.float32) for X in (X_train, X_valid, X_test))
    # A multilabel tree is grown on 0 and 1 as numbers: their squared error is half of Gini's impurity.
    model = DecisionTreeClassifier if task == "classification" else DecisionTreeRegressor
    smoothings = SMOOTHING if task != "regression" else (0.0,)

    def outputs(grown: Any, node: np.ndarray, smoothing: float) -> np.ndarray:
        value = grown.tree_.value[node]
        n = grown.tree_.n_node_samples[node][:, None]
        if task == "regression":
            return value[:, :, 0].reshape(len(node), *y_train.shape[1:])
        if task == "multilabel":
            return (value[:, :, 0] * n + smoothing) / (n + 2 * smoothing)
        counts = np.zeros((len(node), n_classes))
        counts[:, grown.classes_] = value[:, 0, :] * n
        return (counts + smoothing) / (n + n_classes * smoothing)

    tried = []
    for rows_per_leaf in ROWS_PER_LEAF:
        # A limit on the leaves, even one never reached, makes scikit-learn split the node of the largest gain first.
        # So this one fit holds the tree of every smaller number of leaves. Its seed, of 32 bits, decides among ties.
        grown = model(max_leaf_nodes=max(len(fit_rows), 2), min_samples_leaf=rows_per_leaf, random_state=seed % 2**32)
        with warnings.catch_warnings():  # that many classes could be numbers was not its to decide
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            grown.fit(fit_rows, y_train)
        whole = int(grown.get_n_leaves())
        for leaves in [*(leaves for leaves in LEAVES if leaves < whole), whole]:
            node = _leaf(grown, valid_rows, leaves)
            for smoothing in smoothings:
                loss = _loss(y_valid, outputs(grown, node, smoothing), task)
                tried.append((loss, leaves, rows_per_leaf, smoothing, grown))
    # Of equals the first: the fewest leaves of the fewest rows.
    loss, leaves, rows_per_leaf, smoothing, grown = min(tried, key=lambda each: each[0])
    return outputs(grown, _leaf(grown, test_rows, leaves), smoothing), {
        "leaves": leaves,
        "depth": _depth(grown, leaves),
        "rows_per_leaf": rows_per_leaf,
        "smoothing": smoothing if task != "regression" else None,
        "validation_loss": loss,
        "tried": len(tried),
    }


def permutation_importance(
    predict: Callable[[np.ndarray], np.ndarray],
    X: Float[np.ndarray, "n d"],
    y: Num[np.ndarray, "n ..."],
    groups: Sequence[Int[np.ndarray, " g"]],
    score: Callable[[np.ndarray, np.ndarray], float],
    repeats: int,
    seed: int,
) -> tuple[Float[np.ndarray, " f"], Float[np.ndarray, " f"]]:
    """How much `score(y, outputs)`, a loss, rises when a group of features is shuffled: means, standard deviations.

    The features of a group (what one column was encoded to) move together, by the same permutation of the rows.

    >>> X = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    >>> error = lambda y, out: float(np.mean((y - out) ** 2))
    >>> means, _ = permutation_importance(lambda X: X[:, 0], X, X[:, 0], [np.array([0]), np.array([1])], error, 7, 0)
    >>> bool(means[0] > 1), float(means[1])
    (True, 0.0)
    """
    before = score(y, predict(X))
    shuffled = np.array(X)
    rises = np.empty((len(groups), repeats))
    for i, group in enumerate(groups):
        for repeat in range(repeats):
            order = randomness.permutation(seed, "importance", len(X), epoch=i, step=repeat)
            shuffled[:, group] = X[order[:, None], group]
            rises[i, repeat] = score(y, predict(shuffled)) - before
        shuffled[:, group] = X[:, group]
    return rises.mean(axis=1), rises.std(axis=1)


def _scored_rows(
    y: np.ndarray, weights: np.ndarray | None, outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    y = np.asarray(y)
    if not len(y):
        message = "there are no rows to score; hold some rows out"
        raise InputError(message)
    sound = np.isfinite(outputs).reshape(len(y), -1).all(axis=1)
    if not sound.all():
        message = f"the output for row {int(np.argmin(sound)) + 1} is not finite; such a model cannot be scored"
        raise InputError(message)
    return y, None if weights is None else np.asarray(weights, float)


def _scaled(probability: np.ndarray) -> np.ndarray:
    """Rows scaled to sum 1; a row of zeros says nothing and becomes equal shares."""
    p = np.asarray(probability, float)
    if p.min(initial=0.0) < 0:
        message = f"a probability is {p.min():g}; it must not be negative"
        raise InputError(message)
    total = p.sum(axis=1, keepdims=True)
    return np.where(total > 0, p / np.where(total > 0, total, 1.0), 1.0 / p.shape[1])


def _log_loss(y: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> float:
    from sklearn import metrics

    return float(metrics.log_loss(y, np.clip(p, CLIP, 1.0), sample_weight=weights, labels=range(p.shape[1])))


def _one_regression(y: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None) -> dict[str, Any]:
    from sklearn import metrics

    # Squares of values beyond 1e154 overflow; a power of two as the unit changes no bit of the result.
    unit = 2.0 ** min(math.frexp(max(np.abs(y).max(), np.abs(prediction).max(), sys.float_info.min))[1], 1023)
    a, b = y / unit, prediction / unit
    notes = {}
    r2 = None
    if len(y) < 2 or np.ptp(a if weights is None else a[weights > 0]) == 0:
        notes["r2"] = "the held-out target does not vary"
    else:
        r2 = float(metrics.r2_score(a, b, sample_weight=weights))
    return {
        # An error beyond the largest number is shown as the largest: JSON has no infinity.
        "rmse": min(unit * float(metrics.root_mean_squared_error(a, b, sample_weight=weights)), sys.float_info.max),
        "mae": min(unit * float(metrics.mean_absolute_error(a, b, sample_weight=weights)), sys.float_info.max),
        "r2": r2,
        "notes": notes,
    }


def _leaf(grown: Any, rows: np.ndarray, leaves: int) -> np.ndarray:
    """The leaf of each row in the tree of so many leaves that a tree grown best first began as.

    Splits are numbered as they are made, so that tree is nodes 0 … 2 · leaves − 2, and a row is in the deepest of them
    that it passes.
    """
    node = grown.apply(rows)
    parent = _parents(grown)
    while np.any(beyond := node > 2 * leaves - 2):
        node = np.where(beyond, parent[node], node)
    return node


def _depth(grown: Any, leaves: int) -> int:
    parent = _parents(grown)
    depth = np.zeros(2 * leaves - 1, dtype=int)
    for node in range(1, len(depth)):
        depth[node] = depth[parent[node]] + 1
    return int(depth.max())


def _parents(grown: Any) -> np.ndarray:
    parent = np.zeros(grown.tree_.node_count, dtype=np.int64)
    for child in (grown.tree_.children_left, grown.tree_.children_right):
        inner = np.flatnonzero(child >= 0)
        parent[child[inner]] = inner
    return parent


def _loss(y: np.ndarray, outputs: np.ndarray, task: str) -> float:
    """What a tree's size is chosen by."""
    if task != "regression":  # scikit-learn's own takes 2 ms a call for its checks, whatever the number of rows
        return float(row_losses(y, outputs, task).mean())
    names = range(1 if outputs.ndim == 1 else outputs.shape[1])
    return regression(y, outputs, [str(i) for i in names])["rmse"]


def _shares(part: np.ndarray, whole: np.ndarray) -> list[float | None]:
    return [float(a / b) if b else None for a, b in zip(part, whole, strict=True)]


def _mean_of(figures: Any, key: str) -> float | None:
    values = [figure[key] for figure in figures]
    return None if None in values else float(np.mean(values))
