"""How the estimators train: scikit-learn's stopping rule as a callback of our loop, and its L-BFGS.

What differs from `train` is handed to the loop: initial weights and orders drawn from a RandomState, a penalty by
`alpha`, a learning rate that follows the epochs. The arithmetic is the engine's.
"""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.engines.base import Engine
from thalweg.history import History
from thalweg.network import Network
from thalweg.run import Run
from thalweg.stopping import Status


if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from thalweg.activations import Activation
    from thalweg.examples import Examples

    Vector = Float[np.ndarray, " p"]

SMALLEST_RATE = 1e-6  # at which "adaptive" stops dividing by 5


@dataclass
class Record:
    """What is kept from one fit to the next by warm_start and partial_fit: scikit-learn's fitted attributes."""

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    no_improvement: int = 0
    samples: int = 0  # seen: t_
    rate_factor: float = 1.0

    @classmethod
    def of(cls, fitted: Any) -> Record:
        """The record behind an estimator's attributes, as far as a file keeps them."""
        record = cls(fitted.loss_curve_ or [], fitted.validation_scores_ or [], samples=fitted.t_)
        record.best_loss = math.inf if fitted.best_loss_ is None else fitted.best_loss_
        record.best_score = -math.inf if fitted.best_validation_score_ is None else fitted.best_validation_score_
        return record


def initial_parameters(network: Network, first: Activation, random: np.random.RandomState, dtype: Any) -> Vector:
    """scikit-learn's initial weights and biases: uniform, Glorot & Bengio 2010, with 2 for 6 where units are logistic.

    The output layer goes by the activation before it; without hidden layers by `first`, which nothing else asks for.
    """
    parts = []
    hidden = [*network.activation, (network.activation or (first,))[-1]]
    for g, layer in zip(hidden, network.layers, strict=True):
        half_width = math.sqrt((2.0 if g.name == "sigmoid" else 6.0) / (layer.below + layer.above))
        parts.append(random.uniform(-half_width, half_width, (layer.below, layer.above)).astype(dtype).ravel())
        parts.append(random.uniform(-half_width, half_width, layer.above).astype(dtype))
    return np.concatenate(parts)


class Shuffles:
    """The rows of each epoch: scikit-learn's permutations, each of the one before, or the rows as they stand."""

    def __init__(self, n: int, random: np.random.RandomState | None) -> None:
        self._random = random
        self.rows: Int[np.ndarray, " n"] = np.arange(n)

    def __call__(self, epoch: int) -> Int[np.ndarray, " n"]:
        if self._random is not None:
            order = np.arange(len(self.rows))
            self._random.shuffle(order)
            self.rows = self.rows[order]
        return self.rows


@dataclass(repr=False)
class NoImprovement:
    """scikit-learn's rule after each epoch, as a callback: losses, scores, learning rate, when to stop, what to keep.

    `score` gives the score of parameters on the validation rows, or is None where the training loss is looked at.
    """

    record: Record
    score: Callable[[Vector], float] | None
    tolerance: float
    patience: float
    rate: float
    schedule: str
    power: float
    restore: str  # "best", "last", or "best if nobody else chooses"
    verbose: int
    batch: int
    rows: Shuffles
    offset: Float[np.ndarray, " n"] | None  # what scikit-learn's loss of each row has beyond ours
    stopped: bool = False
    best_epoch: int = 0
    restores: bool = False
    run: Run | None = None
    starts: Int[np.ndarray, " steps"] = field(default_factory=lambda: np.empty(0, int))  # of the batches

    def __repr__(self) -> str:
        return "restore='best' of the estimator"

    def on_start(self, run: Run) -> None:
        """Go on at the learning rate of the last fit; a callback before it may choose the weights instead."""
        self.run, self.starts = run, np.arange(0, run.training.n, self.batch)
        self.restores = self.restore == "best" or (self.restore != "last" and not run.is_claimed)
        if self.restores:
            run.claim_answer(self)
        run.rate_factor = self.record.rate_factor

    def on_epoch(self, run: Run) -> bool:
        """Whether nothing has improved for too long."""
        record = self.record
        loss = self._loss(run)
        record.samples += run.training.n
        record.loss_curve.append(loss)
        if self.verbose:
            print(f"Iteration {run.epoch}, loss = {loss:.8f}")
        is_best = self._improved(loss, run)
        if is_best:
            self.best_epoch = run.epoch
            if self.restores:
                run.answer = run.parameters.copy()
        if self.schedule == "invscaling":
            record.rate_factor = run.rate_factor = 1.0 / (record.samples + 1) ** self.power
        return record.no_improvement > self.patience and self._gives_up(run)

    def _loss(self, run: Run) -> float:
        """The mean of the batch losses by their rows; batches whose weights are all 0 were not trained."""
        losses, starts = run.step_losses, self.starts
        sizes = np.diff(starts, append=run.training.n)
        if self.offset is not None:
            weights = run.training.weights[self.rows.rows]
            sums = np.add.reduceat(weights, starts)
            with np.errstate(invalid="ignore"):
                losses = losses + np.add.reduceat(weights * self.offset[self.rows.rows], starts) / sums
        trained = ~np.isnan(losses)
        return float(np.dot(losses[trained], sizes[trained]) / sizes[trained].sum())

    def _improved(self, loss: float, run: Run) -> bool:
        record = self.record
        if self.score is None:
            record.no_improvement = record.no_improvement + 1 if loss > record.best_loss - self.tolerance else 0
            is_best = loss < record.best_loss
            record.best_loss = min(loss, record.best_loss)
            return is_best
        score = self.score(run.parameters)
        record.validation_scores.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")
        record.no_improvement = record.no_improvement + 1 if score < record.best_score + self.tolerance else 0
        is_best = score > record.best_score
        record.best_score = max(score, record.best_score)
        return is_best

    def _gives_up(self, run: Run) -> bool:
        """Whether it stops; "adaptive" divides the learning rate by 5 instead, as long as it is not tiny."""
        what = "Training loss" if self.score is None else "Validation score"
        said = f"{what} did not improve more than tol={self.tolerance:f} for {self.patience} consecutive epochs."
        rate = self.rate * run.rate_factor
        if self.schedule != "adaptive" or rate <= SMALLEST_RATE:
            if self.verbose:
                print(f"{said}{' Learning rate too small.' if self.schedule == 'adaptive' else ''} Stopping.")
            run.why, self.stopped = said, True
            return True
        self.record.rate_factor = run.rate_factor = run.rate_factor / 5.0
        self.record.no_improvement = 0
        if self.verbose:
            print(f"{said} Setting learning rate to {self.rate * run.rate_factor:f}")
        return False


@dataclass(frozen=True)
class Reached:
    """Where L-BFGS ended."""

    parameters: Vector
    loss: float
    history: History
    status: Status

    @property
    def is_finite(self) -> bool:
        """Whether all of it is."""
        return bool(np.isfinite(self.parameters).all() and math.isfinite(self.loss))


# The beginning of SciPy's message -> what it means here
_MESSAGES = {
    "CONVERGENCE: NORM": Status.GRADIENT_NORM_BELOW, "CONVERGENCE: RELATIVE": Status.VALUE_CHANGE_BELOW,
    "STOP: TOTAL NO. OF ITERATIONS": Status.EPOCHS, "STOP: TOTAL NO. OF F": Status.STEPS,
}  # fmt: skip


def lbfgs(
    network: Network, examples: Examples, start: Vector, engine: Engine, *, max_iter: int, max_fun: int, tol: float,
    verbose: int,
) -> Reached:  # fmt: skip
    """SciPy's L-BFGS-B on the objective over all rows: what solver="lbfgs" means.

    Warns ConvergenceWarning where it ends elsewhere than at a minimum, in scikit-learn's words.
    """
    from scipy.optimize import minimize
    from sklearn.exceptions import ConvergenceWarning

    history, started = History(), time.perf_counter()

    def objective(p: Vector) -> tuple[float, Vector]:
        return engine.loss_and_gradient(network, p, examples)

    def record(intermediate_result: Any) -> None:
        history.add(
            loss=intermediate_result.fun, validation_loss=math.nan, learning_rate=math.nan, steps=len(history) + 1,
            seconds=time.perf_counter() - started,
        )  # fmt: skip
        if verbose:
            print(f"Iteration {len(history)}, loss = {intermediate_result.fun:.8f}")

    with np.errstate(all="ignore"):
        found = minimize(
            objective, start, method="L-BFGS-B", jac=True, callback=record,
            options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
        )  # fmt: skip
    status = next((status for words, status in _MESSAGES.items() if found.message.startswith(words)), Status.STALLED)
    reached = Reached(found.x, float(found.fun), history, status)
    if not reached.is_finite:
        return dataclasses.replace(reached, status=Status.NON_FINITE)
    if found.status != 0:
        warnings.warn(
            f"lbfgs failed to converge after {found.nit} iteration(s) (status={found.status}):\n{found.message}\n\n"
            f"Increase the number of iterations to improve the convergence (max_iter={max_iter}), or scale the data.",
            ConvergenceWarning,
            stacklevel=5,
        )
    return reached
