"""Which learning rate to take for an estimator (Smith 2017): short trainings from the same start, rate after rate."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.diagnosis import CREEPING
from thalweg.errors import InputError, TrainingFailed
from thalweg.mlp_parameters import check_parameters
from thalweg.optimizers import find_optimizer
from thalweg.progress import LateProgress
from thalweg.settings import check_number, check_whole
from thalweg.sweeps import LearningRateRange


if TYPE_CHECKING:
    from thalweg.mlp_base import MLP

RATES = 25
LOWEST, HIGHEST = 1e-5, 1.0
ROSE = 1.01  # times the epoch before: less of a rise is noise of the batches


def learning_rate_range(
    estimator: MLP, X: Any, y: Any, sample_weight: Any, rates: Any, epochs: int
) -> LearningRateRange:
    """Train `epochs` epochs with each rate; the value is the objective over all rows at the end.

    "creeping" is below the best rate and lost less than a tenth of what that did, "oscillating" is above and did, or
    rose by more than 1 % from one epoch to the next, "diverging" ended above the start or beyond all numbers,
    "monotone" is what is left. A bar shows how far it is, once it has taken a second.

    Raises:
        InputError: a rate is not a number > 0, or the estimator takes no steps of a learning rate.
    """
    from sklearn.base import clone

    if estimator.optimizer is None and estimator.solver == "lbfgs":
        message = (
            "solver='lbfgs' has no learning rate to choose; learning_rate_range is for 'sgd', 'adam' and optimizer="
        )
        raise InputError(message)
    check_parameters(estimator)
    check_whole(epochs, 1, "epochs", "epochs")
    given = np.geomspace(LOWEST, HIGHEST, RATES) if rates is None else np.atleast_1d(rates)
    if not len(given):
        message = "rates must hold one learning rate or more, not none"
        raise InputError(message)
    tried = np.array([check_number(rate, lambda rate: rate > 0.0, "a rate", "a number > 0") for rate in given.tolist()])
    seed = estimator.random_state if isinstance(estimator.random_state, (int, np.integer)) else 0
    first: Any = clone(estimator)
    first._begin(X, y, sample_weight)
    start = first.loss_gradient(X, y, sample_weight)[0]
    values, rises, started = [], [], time.perf_counter()
    with LateProgress() as progress:
        for done, rate in enumerate(tried.tolist()):
            progress.show(time.perf_counter() - started, done, len(tried), f"learning rate {rate:.3g}")
            value, curve = _trained(estimator, X, y, sample_weight, rate, int(seed), epochs)
            values.append(value)
            rises.append(any(late > ROSE * early for early, late in itertools.pairwise(curve)))
    found = np.array(values)
    best = int(np.argmin(found))
    names = tuple(
        _regime(value, start, start - found[best], rose, rate < tried[best])
        for rate, value, rose in zip(tried, values, rises, strict=True)
    )
    epochs_said = f"{epochs} epoch{'s' * (epochs > 1)}"
    return LearningRateRange(tried, found, names, start, None, f"training loss after {epochs_said}")


def _trained(
    estimator: MLP, X: Any, y: Any, sample_weight: Any, rate: float, seed: int, epochs: int
) -> tuple[float, list[float]]:
    """The objective after so many epochs at this rate, inf where it broke down, and the loss of each epoch."""
    from sklearn.base import clone

    trial: Any = clone(estimator)
    trial.set_params(
        random_state=seed, max_iter=epochs, early_stopping=False, validation=None, metric=None, restore="last",
        callbacks=(), warm_start=False, n_iter_no_change=np.inf, verbose=False,
    )  # fmt: skip
    if estimator.optimizer is None:
        trial.set_params(learning_rate_init=rate)
    else:
        trial.set_params(optimizer=dataclasses.replace(find_optimizer(estimator.optimizer), learning_rate=rate))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            trial.fit(X, y, sample_weight)
        except TrainingFailed:
            return math.inf, []
        value = trial.loss_gradient(X, y, sample_weight)[0]
    return value if math.isfinite(value) else math.inf, trial.loss_curve_


def _regime(value: float, start: float, deepest: float, rose: bool, is_below_best: bool) -> str:
    """What came of one rate; `deepest` is what the best rate lost, beyond which little is lost for other reasons."""
    if not value <= start:
        return "diverging"
    if start - value < (1.0 - CREEPING) * deepest:
        return "creeping" if is_below_best else "oscillating"
    return "oscillating" if rose else "monotone"
