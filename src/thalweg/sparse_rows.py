"""Sparse rows too many to be spread out at once: an engine that spreads some at a time (CSR in, dense to the engine).

The engines know dense rows only. A buffer of whole batches is filled, row after row in the order of the epoch, and the
engine trains on it; the steps, and so the weights, are those of the dense matrix.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.engines.base import Engine, Epoch, Outcome, Trainer, TrainingState
from thalweg.examples import Examples, check_examples, check_targets, check_weights


if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from thalweg.network import Network
    from thalweg.update_rules import UpdateRule

    Vector = Float[np.ndarray, " p"]

MOST_BYTES = 2**28  # that rows may take when they are spread out: more are spread out some at a time
BUFFER_BYTES = 2**26
STREAM = 1_000_003  # between the seeds of the dropout masks of one buffer and the next


def is_large(X: Any, itemsize: int) -> bool:
    """Whether a sparse matrix would take more than MOST_BYTES as a dense one."""
    return hasattr(X, "toarray") and X.shape[0] * X.shape[1] * itemsize > MOST_BYTES


class SparseExamples(Examples):
    """Examples whose X is a CSR matrix."""

    def take(self, rows: Int[np.ndarray, " m"]) -> Examples:
        """Some of the rows, spread out."""
        X: Any = self.X
        return Examples(X[rows].toarray(order="C"), self.Y[rows], self.weights[rows])

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    @property
    def largest(self) -> Float[np.ndarray, " d"]:
        """The largest absolute value of each column."""
        X: Any = self.X
        return abs(X).max(axis=0).toarray().ravel()

    def parts(self) -> Iterator[Examples]:
        """All rows, some at a time."""
        size = rows_of_buffer(self, 1)
        for start in range(0, self.n, size):
            yield self.take(np.arange(start, min(start + size, self.n)))


def rows_of_buffer(examples: Examples, batch: int) -> int:
    """How many rows are spread out at once: as many whole batches as fit into BUFFER_BYTES, at least one."""
    return max(1, BUFFER_BYTES // (examples.X.shape[1] * examples.Y.dtype.itemsize) // batch) * batch


def check_rows(network: Network, X: Any, Y: Any, sample_weight: Any, *, dtype: Any, what: str = "") -> Examples:
    """Examples of dense or sparse X; sparse ones stay so where they are large.

    Raises:
        InputError: as `check_examples`.
    """
    if not is_large(X, np.dtype(dtype).itemsize):
        return check_examples(network, dense(X), Y, sample_weight, dtype=dtype, what=what)
    n = X.shape[0]
    return SparseExamples(
        X.tocsr().astype(dtype), check_targets(network, Y, n, dtype, what), check_weights(sample_weight, n, dtype, what)
    )


def dense(X: Any) -> np.ndarray:
    """An array of what may be a sparse matrix."""
    return X.toarray(order="C") if hasattr(X, "toarray") else X


class SparseEngine:
    """An engine for sparse examples, which dense ones go through unchanged."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name: str = engine.name

    def predict(self, network: Network, p: Vector, X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """ŷ of dense rows."""
        return self._engine.predict(network, p, X)

    def mean_loss(self, network: Network, p: Vector, examples: Examples) -> float:
        """Σ_n s_n E_n / Σ_n s_n over all rows."""
        return self._mean(examples, lambda part: np.array([self._engine.mean_loss(network, p, part)]))[0]

    def loss_and_gradient(self, network: Network, p: Vector, examples: Examples) -> tuple[float, Vector]:
        """The objective (a mean) and its gradient: weighted means over the parts, each with the same penalty."""
        both = self._mean(examples, lambda part: np.append(*self._engine.loss_and_gradient(network, p, part)))
        return float(both[0]), both[1:].astype(p.dtype)

    def _mean(self, examples: Examples, of: Callable[[Examples], np.ndarray]) -> np.ndarray:
        if not isinstance(examples, SparseExamples):
            return of(examples)
        total, weight = np.zeros(1), float(examples.weights.sum(dtype=np.float64))
        for part in examples.parts():
            share = float(part.weights.sum(dtype=np.float64)) / weight
            if share:
                total = total + share * of(part)
        return total

    def trainer(self, network: Network, optimizer: UpdateRule, examples: Examples, state: TrainingState) -> Trainer:
        """A trainer that spreads out the rows of an epoch some at a time."""
        return SparseTrainer(self._engine, network, optimizer, examples, state)


class SparseTrainer:
    """A training in progress: the engine's own, over a buffer that is filled again and again."""

    def __init__(
        self, engine: Engine, network: Network, optimizer: UpdateRule, examples: Examples, state: TrainingState
    ) -> None:
        self._make = lambda buffer: engine.trainer(network, optimizer, buffer, state)
        self._examples, self._start = examples, state
        self._trainer: Trainer | None = None
        self._buffer: Examples | None = None

    def state(self) -> TrainingState:
        """The state now."""
        return self._start if self._trainer is None else self._trainer.state()

    def run(self, epoch: Epoch, should_stop: Callable[[], bool]) -> Outcome:
        """Run one epoch, buffer after buffer."""
        size = min(rows_of_buffer(self._examples, epoch.batch), -(-len(epoch.order) // epoch.batch) * epoch.batch)
        losses = np.empty(0)
        for number, start in enumerate(range(0, len(epoch.order), size)):
            rows = epoch.order[start : start + size]
            first, steps = start // epoch.batch, -(-len(rows) // epoch.batch)
            trainer = self._filled(rows, size)
            part = Epoch(
                epoch.number, np.arange(len(rows)), min(epoch.batch, size), epoch.rates[first : first + steps],
                epoch.seed + number * STREAM, epoch.alpha,
            )  # fmt: skip
            outcome = trainer.run(part, should_stop)
            losses = np.append(losses, outcome.losses)
            if outcome.broken or outcome.interrupted:
                broken = outcome.broken and dataclasses.replace(outcome.broken, step=outcome.broken.step + first)
                return Outcome(losses, broken, outcome.interrupted)
        return Outcome(losses)

    def _filled(self, rows: Int[np.ndarray, " m"], size: int) -> Trainer:
        """The engine's trainer over the buffer, with these rows in it."""
        taken = self._examples.take(rows)
        if self._buffer is None or self._trainer is None:
            self._buffer = Examples(
                *(np.zeros((size, *a.shape[1:]), a.dtype) for a in (taken.X, taken.Y, taken.weights))
            )
            self._trainer = self._make(self._buffer)
        for place, array in (
            (self._buffer.X, taken.X),
            (self._buffer.Y, taken.Y),
            (self._buffer.weights, taken.weights),
        ):
            place[: len(rows)] = array
        return self._trainer
