"""What an epoch is judged by: a loss of the history, a scorer of scikit-learn, or a function of one's own."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import InputError, shown
from thalweg.scores import scaled


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.examples import Examples
    from thalweg.network import Network
    from thalweg.run import Run

LOSSES = ("loss", "validation_loss")


@dataclass(frozen=True)
class Metric:
    """A number for each epoch: what it is called, which way is better, and how it is had from a run. Can be pickled."""

    name: str
    higher_is_better: bool
    of: Callable[[Run], float]
    check: Callable[[Run], object]  # whether it can be had at all, before the first epoch


def find_metric(given: Any, higher_is_better: bool | None = None) -> Metric:
    """The metric of this name, or of this function.

    Args:
        given: "loss", "validation_loss", the name of a scorer of scikit-learn, or a function (y, outputs) -> number of
            the validation rows' targets and the network's outputs for them, both of shape (n, k).
        higher_is_better: for a function, which way is better; a name knows.

    Raises:
        InputError: there is no such metric, or `higher_is_better` is missing or not what the name knows.

    >>> find_metric("roc_auc").higher_is_better, find_metric("validation_loss").higher_is_better
    (True, False)
    """
    if higher_is_better is not None and not isinstance(higher_is_better, bool):
        message = f"higher_is_better must be True, False or None, not {higher_is_better!r}"
        raise InputError(message)
    if callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        if higher_is_better is None:
            message = f"say which way is better: higher_is_better=True or False, as the function {name} cannot"
            raise InputError(message)
        return Metric(name, higher_is_better, partial(_own, given, name), partial(_needs_rows, name))
    if isinstance(given, str) and given in LOSSES:
        check = _needs_rows if given == "validation_loss" else _needs_nothing
        metric = Metric(given, False, partial(_loss, given), partial(check, given))
    elif isinstance(given, str) and given in _scorers():
        metric = Metric(given, True, partial(_score, given), partial(_check_scorer, given))
    else:
        message = (
            f"there is no metric {shown(given)}; give loss, validation_loss, a function (y, outputs) -> number, or the "
            f"name of a scorer of scikit-learn, such as roc_auc, f1_macro, r2 (sklearn.metrics.get_scorer_names())"
        )
        raise InputError(message)
    if higher_is_better not in (None, metric.higher_is_better):
        better = "higher" if metric.higher_is_better else "lower"
        message = f"of {given} the {better} is better, whatever higher_is_better says; leave it out"
        raise InputError(message)
    return metric


def _needs_rows(name: str, run: Run) -> Examples:
    if run.validation is None:
        message = f"the metric {name!r} needs validation rows, and there are none; give some, or watch 'loss'"
        raise InputError(message)
    return run.validation


def _needs_nothing(name: str, run: Run) -> None:
    pass


def _loss(name: str, run: Run) -> float:
    return run.history.latest(name)


def _outputs(run: Run, rows: Examples) -> Float[np.ndarray, "n k"]:
    return run.engine.predict(run.network, run.parameters, rows.X)


def _own(function: Callable[..., Any], name: str, run: Run) -> float:
    rows = _needs_rows(name, run)
    value = function(rows.Y, _outputs(run, rows))
    if not isinstance(value, numbers.Real):
        message = f"the metric {name} must give a number, not {shown(value)}"
        raise InputError(message)
    return float(value)


# Scorers: they ask an estimator for its predictions, and get one that has them already.


@cache
def _scorers() -> frozenset[str]:
    from sklearn.metrics import get_scorer_names

    return frozenset(get_scorer_names())


def _score(name: str, run: Run) -> float:
    rows = _needs_rows(name, run)
    return score(name, run.network, rows, _outputs(run, rows))


def score(name: str, network: Network, rows: Examples, outputs: Float[np.ndarray, "n k"]) -> float:
    """What a scorer of scikit-learn says of these outputs; nan where it is undefined.

    Outputs of softmax are probabilities of classes. So are those of sigmoid where the targets are 0 or 1, or the loss
    is binary_cross_entropy: of the second of two classes (one output), of classes of which each row has one, or of
    labels of which a row may have several. All others are numbers, in the units in which the network learns. The
    predicted class is the most probable one, a label from 0.5 on; weights of the rows count.

    >>> from thalweg.examples import check_examples
    >>> from thalweg.network import Network
    >>> net = Network([1, 2], output="softmax", loss="cross_entropy")
    >>> rows = check_examples(net, [[0.0], [1.0], [2.0]], [0, 1, 1])
    >>> score("balanced_accuracy", net, rows, np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]))
    0.75
    """
    from sklearn.metrics import get_scorer

    estimator, y = _answering(network, rows.Y, outputs.astype(np.float64))
    weights = {} if (rows.weights == rows.weights[0]).all() else {"sample_weight": rows.weights}
    with warnings.catch_warnings():  # that a class was never predicted is no news while a network learns
        warnings.simplefilter("ignore")
        return float(get_scorer(name)(estimator, rows.X, y, **weights))


def _check_scorer(name: str, run: Run) -> None:
    """Try it on outputs that know nothing, so that what cannot be computed is said before the first epoch."""
    rows = _needs_rows(name, run)
    numeric = not _are_probabilities(run.network, rows.Y)
    constant = rows.Y.mean(axis=0) if numeric else np.full(rows.Y.shape[1], 1.0 / max(2, rows.Y.shape[1]))
    try:
        value = score(name, run.network, rows, np.tile(constant, (rows.n, 1)))
        reason = "it is undefined for these validation rows" if np.isnan(value) else ""
    except (ValueError, TypeError, AttributeError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
    if reason:
        message = f"the metric {name!r} cannot be had of the network {run.network}: {reason}; choose another one"
        raise InputError(message)


def _are_probabilities(network: Network, Y: np.ndarray) -> bool:
    if network.output.name == "sigmoid":
        return network.loss.name == "binary_cross_entropy" or bool(((Y == 0) | (Y == 1)).all())
    return network.output.name == "softmax"


def _answering(network: Network, Y: np.ndarray, outputs: np.ndarray) -> tuple[Any, np.ndarray]:
    """An estimator that answers these outputs, and the targets as scikit-learn writes them."""
    classifier, regressor = _estimators()
    k = outputs.shape[1]
    if not _are_probabilities(network, Y):
        flat = (lambda array: array[:, 0]) if k == 1 else (lambda array: array)
        return regressor(flat(outputs), None, None), flat(Y)
    if k == 1:
        two = np.hstack([1.0 - outputs, outputs])
        return classifier((outputs[:, 0] >= 0.5).astype(int), two, np.arange(2)), (Y[:, 0] >= 0.5).astype(int)
    if network.output.name == "softmax" or (((Y == 0) | (Y == 1)).all() and (Y.sum(axis=1) == 1).all()):
        return classifier(outputs.argmax(axis=1), scaled(outputs), np.arange(k)), Y.argmax(axis=1)
    return classifier((outputs >= 0.5).astype(int), outputs, [np.arange(2)] * k), (Y >= 0.5).astype(int)


@cache
def _estimators() -> tuple[Any, Any]:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    class Answers(BaseEstimator):
        def __init__(self, predicted: Any, probabilities: Any, classes: Any) -> None:
            self.predicted, self.probabilities, self.classes_ = predicted, probabilities, classes

        def predict(self, _: Any) -> Any:
            return self.predicted

    class Classifier(ClassifierMixin, Answers):
        def predict_proba(self, _: Any) -> Any:
            return self.probabilities

    return Classifier, type("Regressor", (RegressorMixin, Answers), {})
