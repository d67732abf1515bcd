"""Which learning rate to take for an estimator (Smith 2017): short trainings from the same start, rate after rate."""

from __future__ import annotations

import dataclasses
import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.diagnosis import CREEPING
from thalweg.errors import InputError, TrainingFailed
from thalweg.mlp_parameters import optimizer_of
from thalweg.settings import check_number
from thalweg.sweeps import LearningRateRange


if TYPE_CHECKING:
    from thalweg.mlp_base import MLP

RATES = 25
LOWEST, HIGHEST = 1e-5, 1.0


def learning_rate_range(
    estimator: MLP, X: Any, y: Any, sample_weight: Any, rates: Any, epochs: int
) -> LearningRateRange:
    """Train `epochs` epochs with each rate; the value is the objective over all rows at the end.

    "creeping" lost less than a tenth of what the best rate did, "oscillating" rose from one epoch to the next,
    "diverging" ended above the start or beyond all numbers, "monotone" is what is left.

    Raises:
        InputError: a rate is not a number > 0, or the estimator takes no steps of a learning rate.
    """
    from sklearn.base import clone

    if estimator.optimizer is None and estimator.solver == "lbfgs":
        message = (
            "solver='lbfgs' has no learning rate to choose; learning_rate_range is for 'sgd', 'adam' and optimizer="
        )
        raise InputError(message)
    given = np.geomspace(LOWEST, HIGHEST, RATES) if rates is None else np.atleast_1d(rates)
    tried = np.array([check_number(rate, lambda rate: rate > 0.0, "a rate", "a number > 0") for rate in given.tolist()])
    seed = estimator.random_state if isinstance(estimator.random_state, (int, np.integer)) else 0
    first: Any = clone(estimator)
    first._begin(X, y, sample_weight)
    start = first.loss_gradient(X, y, sample_weight)[0]
    values, rises = [], []
    for rate in tried.tolist():
        trial: Any = clone(estimator)
        trial.set_params(
            random_state=int(seed), max_iter=epochs, early_stopping=False, validation=None,
            metric=None, restore="last", callbacks=(), warm_start=False, n_iter_no_change=np.inf, verbose=False,
        )  # fmt: skip
        if estimator.optimizer is None:
            trial.set_params(learning_rate_init=rate)
        else:
            trial.set_params(optimizer=dataclasses.replace(optimizer_of(estimator), learning_rate=rate, clip=None))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                trial.fit(X, y, sample_weight)
                value = trial.loss_gradient(X, y, sample_weight)[0]
                curve = trial.loss_curve_
            except TrainingFailed:
                value, curve = math.inf, []
        values.append(value if math.isfinite(value) else math.inf)
        rises.append(any(late > early for early, late in itertools.pairwise(curve)))
    deepest = start - min(values)
    return LearningRateRange(
        tried,
        np.array(values),
        tuple(_regime(value, start, deepest, rose) for value, rose in zip(values, rises, strict=True)),
        start,
        None,
    )


def _regime(value: float, start: float, deepest: float, rose: bool) -> str:
    if not value <= start:
        return "diverging"
    if start - value < (1.0 - CREEPING) * deepest:
        return "creeping"
    return "oscillating" if rose else "monotone"
