"""Held-out figures from plain arrays, by scikit-learn's metrics.

A network, a decision tree and a constant (rivals.py) are scored by the same function. Every result is a
dictionary of numbers, lists and strings, ready for JSON; None stands where a figure is undefined, and `notes` says
why. `MEASURES` says what the figures are called, which way is better and how they are written.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from thalweg import randomness
from thalweg.errors import InputError


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Num

CLIP = 1e-15  # a probability below it counts as it in the log-loss, so that one sure mistake is 34.5, not infinite


def number(value: float | None, digits: int = 4) -> str:
    """A number for reading: so many significant digits, thousands parted, a dash for None.

    >>> number(0.14), number(68590.43), number(-1234567890.0), number(None)
    ('0.1400', '68,590', '−1.235e+09', '–')
    """
    if value is None:
        return "–"
    text = f"{value:,.0f}" if 10 ** (digits - 1) <= abs(value) < 1e7 else f"{value:#.{digits}g}".rstrip(".")
    return text.replace("-", "−", 1) if value < 0 else text


def percent(value: float | None) -> str:
    """A share for reading.

    >>> percent(0.9736)
    '97.4%'
    """
    return "–" if value is None else f"{value:.1%}"


def decimals(value: float | None) -> str:
    """A measure whose best is 1, to four decimals (R² has no lower bound: beyond −10 its size is all that matters).

    >>> decimals(0.98), decimals(-1234.5)
    ('0.9800', '−1,234')
    """
    return number(value) if value is None or abs(value) > 10 else f"{value:.4f}".replace("-", "−")


class Measure(NamedTuple):
    """What a figure is called, how it is written, which way is better (`max` or `min`), and what it says."""

    name: str
    shown: Callable[[float | None], str]
    best: Callable[..., float]
    meaning: str


MEASURES = {  # by their keys in the figures, of which each task has some, in the order in which they are shown
    "exact": Measure("all targets right", percent, max, "the share of the rows whose targets are all predicted right"),
    "accuracy": Measure("accuracy", percent, max, "the share of the rows whose most probable class is the actual one"),
    "error": Measure("error", percent, min, "the share of the rows whose most probable class is not the actual one"),
    "log_loss": Measure(
        "log-loss", number, min,
        "the mean of −ln of the probability given to what was the case; 0 is perfect, sure mistakes cost the most",
    ),
    "auc": Measure(
        "AUC", decimals, max,
        "the area under the ROC curve, which is how often a row of a class gets a higher probability of it than a row "
        "of another; 0.5 is chance",
    ),
    "calibration": Measure(
        "calibration error", percent, min,
        "how far the probability of what was said lies from how often it was so, on average over ten bins of as many "
        "rows each",
    ),
    "rmse": Measure("RMSE", number, min, "the root of the mean squared error, in the unit of the target"),
    "mae": Measure("MAE", number, min, "the mean size of the error, in the unit of the target"),
    "r2": Measure("R²", decimals, max, "the explained share of the target’s variance; the mean alone explains 0"),
}  # fmt: skip


def classification(
    y: Int[np.ndarray, " n"],
    probability: Float[np.ndarray, "n k"],
    classes: Sequence[object],
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
    y = _scored_rows(y, probability)
    p = scaled(probability)
    guess = p.argmax(axis=1)
    notes: dict[str, str] = {}
    absent = np.flatnonzero(np.bincount(y, minlength=k) == 0)
    auc = None
    if len(absent):
        names = ", ".join(repr(classes[i]) for i in absent[:5]) + (", …" if len(absent) > 5 else "")
        notes["auc"] = f"no held-out row is of class {names}"
    elif k == 2:
        auc = float(metrics.roc_auc_score(y, p[:, 1]))
    else:
        one_hot = np.eye(k, dtype=int)[y]
        auc = float(metrics.roc_auc_score(one_hot, p, average="macro"))
    confusion = metrics.confusion_matrix(y, guess, labels=range(k))
    return {
        "rows": len(y),
        "accuracy": float(metrics.accuracy_score(y, guess)),
        "log_loss": _log_loss(y, p),
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
) -> dict[str, Any]:
    """Figures of several yes-or-no targets: each as a classification of its own, their means, and all right at once."""
    y = _scored_rows(y, probability)
    each = {
        name: classification(y[:, i].astype(np.int64), np.stack([1 - p, p], axis=1), ["no", "yes"])
        for i, (name, p) in enumerate(zip(names, np.asarray(probability, float).T, strict=True))
    }
    exact = np.all((np.asarray(probability) > 0.5) == (y > 0.5), axis=1)
    return {
        "rows": len(y),
        "exact": float(exact.mean()),
        **{key: _mean_of(each.values(), key) for key in ("accuracy", "log_loss", "auc")},
        "targets": each,
        "notes": {f"auc of {name}": figures["notes"]["auc"] for name, figures in each.items() if figures["notes"]},
    }


def regression(
    y: Float[np.ndarray, "n ..."],
    prediction: Float[np.ndarray, "n ..."],
    names: Sequence[str] = ("target",),
) -> dict[str, Any]:
    """Root mean squared error, mean absolute error (units of the target) and R²; of several targets also the means.

    Raises:
        InputError: no rows, or a prediction that is not finite.
    """
    y = _scored_rows(y, prediction)
    actual, predicted = y.reshape(len(y), -1).astype(float), np.asarray(prediction, float).reshape(len(y), -1)
    each = {
        name: _one_regression(actual[:, i], predicted[:, i])
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


def calibration_error(y: Int[np.ndarray, " n"], probability: Float[np.ndarray, "n k"], bins: int = 10) -> float:
    """Mean distance, weighted by rows, of the probability of the class that is said from how often it was right.

    Bins of as many rows each, by that probability; of two classes the second one's probability is taken instead, so
    that both directions of being wrong show (Guo et al. 2017, section 2, there with bins of equal width). Rows that are
    said the same share how often it was so: in their order, which parts them, a table sorted by class would show.

    >>> calibration_error(np.array([0, 1, 1, 1]), np.array([[0.25, 0.75]] * 4), bins=2)
    0.0
    """
    p = scaled(probability)
    said, was = (p[:, 1], y == 1) if p.shape[1] == 2 else (p.max(axis=1), p.argmax(axis=1) == y)
    _, place, count = np.unique(said, return_inverse=True, return_counts=True)
    was = (np.bincount(place, was) / count)[place]
    order = np.argsort(said, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    return float(sum(len(part) * abs(said[part].mean() - was[part].mean()) for part in parts) / len(order))


def row_losses(y: Num[np.ndarray, "n ..."], outputs: Float[np.ndarray, "n ..."], task: str) -> Float[np.ndarray, " n"]:
    """The loss of each row, of several targets the mean: −log p of what it is (mean: the log-loss), or for numbers the
    squared error in variances of `y` (mean: 1 − R²), `outputs` being predictions in the units of `y`."""
    if task == "classification":
        return -np.log(np.clip(scaled(outputs)[np.arange(len(y)), y], CLIP, 1.0))
    if task == "multilabel":
        return -np.log(np.clip(np.where(y > 0.5, outputs, 1 - outputs), CLIP, 1.0)).mean(axis=1)
    y, outputs = (np.asarray(a, float).reshape(len(y), -1) for a in (y, outputs))
    unit = np.maximum(np.maximum(np.abs(y), np.abs(outputs)).max(axis=0), sys.float_info.min)
    a, b = y / unit, outputs / unit
    deviation = a.std(axis=0)
    # The bound keeps the square of what is beyond all measure finite, and the square of that in `paired`.
    return (np.clip((a - b) / np.where(deviation > 0, deviation, 1.0), -1e70, 1e70) ** 2).mean(axis=1)


def paired(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " n"]) -> dict[str, Any]:
    """Mean of first − second, two models' losses on the same rows, and its standard error (None: there is one row).

    >>> paired(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]))["difference"]
    0.0
    """
    differences = first - second
    n = len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(n) if n > 1 else None
    return {"difference": float(differences.mean()), "error": error}


def standing(difference: float, error: float, margin: float = 0.0) -> str:
    """What the rows show of the first of two `paired` models, by difference ± 2 standard errors.

    "level" if the whole interval lies within ± `margin`, else "better" or "worse" if it lies below or above 0, else
    "unknown".

    >>> standing(-0.3, 0.1), standing(0.3, 0.1), standing(-0.3, 0.2), standing(-0.01, 0.02, margin=0.06)
    ('better', 'worse', 'unknown', 'level')
    """
    low, high = difference - 2 * error, difference + 2 * error
    if -margin < low and high < margin:
        return "level"
    return "better" if high < 0 else "worse" if low > 0 else "unknown"


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


def _scored_rows(y: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    y = np.asarray(y)
    if not len(y):
        message = "there are no rows to score; hold some rows out"
        raise InputError(message)
    sound = np.isfinite(outputs).reshape(len(y), -1).all(axis=1)
    if not sound.all():
        message = f"the output for row {int(np.argmin(sound)) + 1} is not finite; such a model cannot be scored"
        raise InputError(message)
    return y


def scaled(probability: np.ndarray) -> np.ndarray:
    """Rows scaled to sum 1; a row of zeros says nothing and becomes equal shares."""
    p = np.asarray(probability, float)
    if p.min(initial=0.0) < 0:
        message = f"a probability is {p.min():g}; it must not be negative"
        raise InputError(message)
    total = p.sum(axis=1, keepdims=True)
    return np.where(total > 0, p / np.where(total > 0, total, 1.0), 1.0 / p.shape[1])


def _log_loss(y: np.ndarray, p: np.ndarray) -> float:
    from sklearn import metrics

    return float(metrics.log_loss(y, np.clip(p, CLIP, 1.0), labels=range(p.shape[1])))


def _one_regression(y: np.ndarray, prediction: np.ndarray) -> dict[str, Any]:
    from sklearn import metrics

    # Squares of values beyond 1e154 overflow; a power of two as the unit changes no bit of the result.
    unit = 2.0 ** min(math.frexp(max(np.abs(y).max(), np.abs(prediction).max(), sys.float_info.min))[1], 1023)
    a, b = y / unit, prediction / unit
    notes = {}
    r2 = None
    if len(y) < 2 or np.ptp(a) == 0:
        notes["r2"] = "the held-out target does not vary"
    elif np.ptp(a) < 1e-150:  # a target so small beside the predictions that its squares are 0
        r2 = -sys.float_info.max
    else:
        with np.errstate(over="ignore"):
            r2 = max(float(metrics.r2_score(a, b)), -sys.float_info.max)
    return {
        # What is beyond the largest number is shown as the largest: JSON has no infinity.
        "rmse": min(unit * float(metrics.root_mean_squared_error(a, b)), sys.float_info.max),
        "mae": min(unit * float(metrics.mean_absolute_error(a, b)), sys.float_info.max),
        "r2": r2,
        "notes": notes,
    }


def _shares(part: np.ndarray, whole: np.ndarray) -> list[float | None]:
    return [float(a / b) if b else None for a, b in zip(part, whole, strict=True)]


def _mean_of(figures: Any, key: str) -> float | None:
    values = [figure[key] for figure in figures]
    return None if None in values else sum(value / len(values) for value in values)  # whose sum could overflow
