"""What a network is set beside on the same held-out rows: a decision tree, and a constant.

`majority` and `mean` give outputs in the form of the network's, as `tree` does, so that scores.py measures all alike.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import scores
from thalweg.errors import InputError


if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int, Num

LEAVES = (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)  # and as many as there are
ROWS_PER_LEAF = (1, 5, 20, 50)
SMOOTHING = (1.0, 0.1, 0.01)


def majority(
    y_train: Int[np.ndarray, " m"], rows: int, n_classes: int, weights: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, "rows k"]:
    """The baseline of classification: the training shares of the classes for every row, so the commonest is guessed.

    The shares are those of the `weights`, where there are any; a class that training lacks gets 1e-15.

    >>> majority(np.array([0, 1, 1, 1]), 2, 2)
    array([[0.25, 0.75],
           [0.25, 0.75]])
    """
    counts = np.bincount(y_train, weights, minlength=n_classes)
    shares = counts / counts.sum()
    shares = np.maximum(shares, scores.CLIP)
    return np.tile(shares / shares.sum(), (rows, 1))


def mean(
    y_train: Float[np.ndarray, "m ..."], rows: int, weights: Float[np.ndarray, " m"] | None = None
) -> Float[np.ndarray, "rows ..."]:
    """The baseline of regression, and the shares of multilabel: the (weighted) training mean for every row.

    >>> mean(np.array([0.0, 4.0]), 1), mean(np.array([0.0, 4.0]), 1, np.array([1.0, 3.0]))
    (array([2.]), array([3.]))
    """
    y_train = np.asarray(y_train, float)
    # Divided first: the sum of large values could overflow.
    if weights is None:
        return np.repeat((y_train / len(y_train)).sum(axis=0, keepdims=True), rows, axis=0)
    return np.repeat(np.tensordot(weights / weights.sum(), y_train, axes=1)[None], rows, axis=0)


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
    fit_rows, valid_rows, test_rows = (tree_rows(X) for X in (X_train, X_valid, X_test))
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
        with unasked():
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


def tree_rows(X: Float[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    """Rows as scikit-learn's trees take them: float32, beyond which all values are the same leaf's.

    >>> tree_rows(np.array([[1e300, 0.5, np.nan]])).tolist()
    [[3.4028234663852886e+38, 0.5, nan]]
    """
    limit = np.finfo(np.float32).max
    return np.clip(X, -limit, limit).astype(np.float32)


@contextlib.contextmanager
def unasked() -> Iterator[None]:
    """Without scikit-learn's advice that many classes could be numbers, which was not its to decide, and without
    NumPy's that the sum over all cells, by which it looks for missing ones, is beyond float32."""
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        yield


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
        return float(scores.row_losses(y, outputs, task).mean())
    names = range(1 if outputs.ndim == 1 else outputs.shape[1])
    return scores.regression(y, outputs, [str(i) for i in names])["rmse"]
