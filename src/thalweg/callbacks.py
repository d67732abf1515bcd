"""Callbacks that steer a training: when it stops, how fast it learns, and which parameters it returns.

Each can be used for several trainings, one after the other: it begins anew with each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import InputError
from thalweg.line_searches import LineSearch
from thalweg.metrics import LOSSES, Metric, find_metric
from thalweg.settings import check_number, check_whole


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.run import Run

AVERAGED = "averaged_validation_loss"


@dataclass
class Watch:
    """How a metric has done, epoch by epoch, and for how long it has not become better.

    `waited` counts the epochs since it was last better by more than `tolerance` than when that last happened, so that
    many small gains count as one large one. The best value is the best, whatever the tolerance.
    """

    metric: Metric
    tolerance: float
    values: list[float] = field(default_factory=list)
    best_value: float = math.nan
    best_epoch: int = 0
    waited: int = 0
    _mark: float = math.nan

    def look(self, run: Run) -> bool:
        """Measure the epoch that has just ended; whether it is the best so far."""
        value = self.metric.of(run)
        self.values.append(value)
        if self.metric.name not in LOSSES:  # which the history has
            run.metrics[self.metric.name] = value
        self.waited = 0 if self._gain(value, self._mark) > self.tolerance else self.waited + 1
        if not self.waited:
            self._mark = value
        better = self._gain(value, self.best_value) > 0.0
        if better:
            self.best_value, self.best_epoch = value, run.epoch
        return better

    def _gain(self, value: float, over: float) -> float:
        """By how much it is better: of the first number endlessly, of what is no number never."""
        if math.isnan(value):
            return -math.inf
        if math.isnan(over):
            return math.inf
        return value - over if self.metric.higher_is_better else over - value


@dataclass(eq=False)
class EarlyStopping:
    """Stop when a metric has not become better for `patience` epochs, and return the parameters of its best epoch.

    Args:
        metric: "validation_loss", "loss", the name of a scorer of scikit-learn, such as "roc_auc", or a function
            (y, outputs) -> number of the validation rows' targets and outputs, both of shape (n, k).
        patience: epochs without a better value that are allowed.
        tolerance: a value must be better by more than this to count for patience, in the metric's own unit.
        restore: whether training returns the parameters of the best epoch by this metric, however it ends (unless the
            numbers broke down); otherwise it chooses as without this callback.
        higher_is_better: needed with a function only.

    Afterwards `values` holds the metric of each epoch, `best_value` the best of them and `best_epoch` its epoch (nan
    and 0 where none was a number).

    Raises:
        InputError: a setting breaks its rule; when training starts, the metric cannot be computed.

    >>> import thalweg as tw
    >>> X = np.linspace(-1.0, 1.0, 40)[:, None]
    >>> stopping = EarlyStopping("r2", patience=3, tolerance=0.01)
    >>> options = {"validation": 0.25, "optimizer": tw.Adam(0.03), "callbacks": [stopping]}
    >>> tw.train(tw.Network([1, 7, 1]), X, X[:, 0]**2, **options).status.name
    'CALLBACK'
    """

    metric: str | Callable[[np.ndarray, np.ndarray], float] = "validation_loss"
    patience: int = 10
    tolerance: float = 0.0
    restore: bool = True
    higher_is_better: bool | None = None
    _watch: Watch = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_whole(self.patience, 1, "EarlyStopping: patience", "epochs")
        self._begin()

    def _begin(self) -> None:
        self._watch = new_watch("EarlyStopping", self.metric, self.higher_is_better, self.tolerance)

    @property
    def values(self) -> list[float]:
        """The metric after each epoch."""
        return self._watch.values

    @property
    def best_value(self) -> float:
        """The best of the values, nan before there is one."""
        return self._watch.best_value

    @property
    def best_epoch(self) -> int:
        """The epoch of the best value, 0 before there is one."""
        return self._watch.best_epoch

    @property
    def needs_validation(self) -> bool:
        """Whether it looks at validation rows."""
        return self._watch.metric.name != "loss"

    def on_start(self, run: Run) -> None:
        """Before training: begin, if the metric can be had in this run."""
        self._begin()
        self._watch.metric.check(run)
        if self.restore:
            run.claim_answer(self)

    def on_epoch(self, run: Run) -> bool:
        """After an epoch of the run: whether it is time to stop."""
        watch = self._watch
        if watch.look(run) and self.restore:
            run.answer = run.parameters.copy()
        if watch.waited < self.patience:
            return False
        run.why = self._why()
        return True

    def _why(self) -> str:
        watch = self._watch
        epochs = f"for {watch.waited} epoch{'s' * (watch.waited > 1)}"
        if not watch.best_epoch:
            return f"{watch.metric.name} has been no number {epochs}"
        risen = "risen" if watch.metric.higher_is_better else "fallen"
        by = f" by more than {self.tolerance:g}" if self.tolerance else ""
        best = f"its best value is {watch.best_value:.6g}, of epoch {watch.best_epoch}"
        return f"{watch.metric.name} has not {risen}{by} {epochs}; {best}"


@dataclass(eq=False)
class ReduceOnPlateau:
    """Multiply the learning rate by `factor` whenever a metric has not become better for `patience` epochs.

    Args:
        metric: as in EarlyStopping.
        factor: 0 < factor < 1.
        patience: epochs without a better value that are allowed, counted anew after each reduction.
        tolerance: a value must be better by more than this to count, in the metric's own unit.
        smallest: the learning rate is not reduced below it.
        higher_is_better: needed with a function only.

    A schedule goes on as before, its rates multiplied. Afterwards `reductions` holds (epoch, factor of the rates from
    then on) for each, and `values` the metric of each epoch.

    Raises:
        InputError: a setting breaks its rule; when training starts, the metric cannot be computed, or there is nothing
            to reduce: a line search chooses the rate, or it is at `smallest` already.

    >>> import thalweg as tw
    >>> plateau = ReduceOnPlateau("loss", factor=0.1, patience=2)
    >>> flat = {"optimizer": tw.GradientDescent(0.5), "callbacks": [plateau], "stop": tw.Stop(epochs=6)}
    >>> result = tw.train(tw.Network([1, 1]), [[0.0], [0.0]], [0.0, 0.0], **flat)
    >>> plateau.reductions
    [(3, 0.1), (5, 0.010000000000000002)]
    """

    metric: str | Callable[[np.ndarray, np.ndarray], float] = "validation_loss"
    factor: float = 0.5
    patience: int = 5
    tolerance: float = 0.0
    smallest: float = 1e-6
    higher_is_better: bool | None = None
    reductions: list[tuple[int, float]] = field(init=False, repr=False, default_factory=list)
    _watch: Watch = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_number(self.factor, lambda x: 0.0 < x < 1.0, "ReduceOnPlateau: factor", "a number with 0 < factor < 1")
        check_whole(self.patience, 1, "ReduceOnPlateau: patience", "epochs")
        check_number(self.smallest, lambda x: x >= 0.0, "ReduceOnPlateau: smallest", "a learning rate ≥ 0")
        self._begin()

    def _begin(self) -> None:
        self._watch = new_watch("ReduceOnPlateau", self.metric, self.higher_is_better, self.tolerance)
        self.reductions = []

    @property
    def values(self) -> list[float]:
        """The metric after each epoch."""
        return self._watch.values

    def on_start(self, run: Run) -> None:
        """Before training: begin, if there is something to reduce in this run."""
        self._begin()
        self._watch.metric.check(run)
        rate = run.optimizer.learning_rate
        if isinstance(rate, LineSearch):
            message = f"ReduceOnPlateau would do nothing, as {rate!r} chooses each learning rate; leave one of them out"
            raise InputError(message)
        if rate.rate <= self.smallest:
            message = (
                f"ReduceOnPlateau would do nothing, as the learning rate {rate.rate:g} is not above "
                f"smallest={self.smallest:g}; give a smaller one"
            )
            raise InputError(message)

    def on_epoch(self, run: Run) -> None:
        """After an epoch of the run: reduce, if it is time to."""
        self._watch.look(run)
        if self._watch.waited < self.patience:
            return
        self._watch.waited = 0
        unreduced = run.learning_rate / run.rate_factor  # what the schedule says now
        least = self.smallest / unreduced if unreduced > 0.0 else math.inf
        factor = max(run.rate_factor * self.factor, least)
        if factor < run.rate_factor:
            run.rate_factor = factor
            self.reductions.append((run.epoch, factor))


@dataclass(eq=False)
class WeightAveraging:
    """Return the average of the parameters over the epochs instead of those of one epoch.

    Args:
        decay: p̄ := decay · p̄ + (1 − decay) · p after each epoch, divided by 1 − decayᵗ after t of them (Kingma & Ba
            2015, section 3, for averages of this kind); None is the plain mean of the epochs since `start`
            (Izmailov et al. 2018, "Averaging weights leads to wider optima").
        start: the first epoch that counts.

    With validation rows the answer is the average with the lowest validation loss, after `best_epoch`, otherwise the
    last one. `average` is the last one, `validation_losses` holds that of the average after each epoch (nan before
    `start`, and without validation rows), which logs write down as averaged_validation_loss.

    Raises:
        InputError: a setting breaks its rule; when training starts, it would end before `start`.

    >>> import thalweg as tw
    >>> averaging = WeightAveraging(decay=None, start=2)
    >>> halved = {"parameters": [1.0], "optimizer": tw.GradientDescent(0.25), "stop": tw.Stop(epochs=3)}
    >>> net = tw.Network([1, 1], bias=False)  # w = 1/2, 1/4, 1/8
    >>> tw.train(net, [[1.0]], [0.0], callbacks=[averaging], **halved).parameters.tolist()
    [0.1875]
    """

    decay: float | None = 0.99
    start: int = 1
    average: Float[np.ndarray, " p"] | None = field(init=False, repr=False, default=None)
    validation_losses: list[float] = field(init=False, repr=False, default_factory=list)
    best_epoch: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        rule = "None or a number with 0 < decay < 1"
        if self.decay is not None:
            check_number(self.decay, lambda x: 0.0 < x < 1.0, "WeightAveraging: decay", rule)
        check_whole(self.start, 1, "WeightAveraging: start")

    def on_start(self, run: Run) -> None:
        """Before training: begin the average of this run with nothing."""
        if run.epochs is not None and self.start > run.epochs:
            message = f"WeightAveraging(start={self.start}) would do nothing in {run.epochs} epochs; start earlier"
            raise InputError(message)
        run.claim_answer(self)
        self.average, self.validation_losses, self.best_epoch = None, [], 0
        self._sum, self._weight, self._lowest = np.zeros(len(run.parameters)), 0.0, math.inf

    def on_epoch(self, run: Run) -> None:
        """After an epoch of the run: take it into the average."""
        loss = math.nan
        if run.epoch >= self.start:
            keep, take = (1.0, 1.0) if self.decay is None else (self.decay, 1.0 - self.decay)
            self._sum *= keep
            self._sum += take * run.parameters.astype(np.float64)
            self._weight = keep * self._weight + take  # 1 − decayᵗ, or t
            self.average = (self._sum / self._weight).astype(run.parameters.dtype)
            if run.validation is not None:
                loss = run.engine.mean_loss(run.network, self.average, run.validation)
            if run.validation is None or loss < self._lowest:
                run.answer, self.best_epoch, self._lowest = self.average, run.epoch, loss
        self.validation_losses.append(loss)
        if run.validation is not None:
            run.metrics[AVERAGED] = loss


def new_watch(who: str, metric: Any, higher_is_better: bool | None, tolerance: float) -> Watch:
    """A metric to watch for the callback `who`.

    Raises:
        InputError: a setting breaks its rule.
    """
    check_number(tolerance, lambda x: x >= 0.0, f"{who}: tolerance", "a number ≥ 0, in the metric's unit")
    return Watch(find_metric(metric, higher_is_better), float(tolerance))
