"""The epoch loop (L8, L9): rows in an order, batches through an engine, validation, stopping, best weights back."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, randomness
from thalweg.checkpoint import Checkpoint, Progress, digest
from thalweg.engines.base import Broken, Engine, Epoch, Outcome, Trainer, TrainingState
from thalweg.errors import InputError, TrainingFailed
from thalweg.examples import Examples, check_dtype, check_examples
from thalweg.history import History
from thalweg.interruption import Interruption
from thalweg.landscape import norm
from thalweg.optimizers import find_optimizer
from thalweg.orders import check_batch, check_order, rows_of
from thalweg.own_rows import own_row_hint
from thalweg.run import Failure, Run, TrainingResult, check_callbacks
from thalweg.settings import check_choice
from thalweg.splitting import split
from thalweg.stopping import Reached, Status, Stop
from thalweg.update_rules import Adam, Optimizer, UpdateRule
from thalweg.whole_batch import WholeBatchTrainer, check_whole_batch


if TYPE_CHECKING:
    import os

    from thalweg.network import Network
    from thalweg.orders import Order


def train(
    network: Network,
    X: Any,
    Y: Any,
    *,
    parameters: Any = None,
    sample_weight: Any = None,
    validation: Any = None,
    optimizer: Any = Adam(learning_rate=1e-3),  # noqa: B008  (frozen)
    batch: int | str = 32,
    order: Order = "shuffle",
    stop: Stop = Stop(epochs=100),  # noqa: B008  (frozen)
    engine: str = engines.DEFAULT,
    dtype: Any = "float32",
    threads: int | None = None,
    seed: int = 0,
    callbacks: Iterable[Any] = (),
    checkpoint: Checkpoint | None = None,
    resume: str | os.PathLike[str] | None = None,
    on_failure: str = "return",
    training_loss: str = "batches",
    record: str = "epochs",
) -> TrainingResult:
    """Train a network by gradient descent with backpropagation.

    Batch gradient descent is batch="all", incremental batch=1 with order="sweep", stochastic batch=1 with
    order="random", mini-batch anything between (L9).

    Args:
        network: layers and objective.
        X: inputs, shape (n, d).
        Y: targets, shape (n, k), or (n,) where k = 1, for classes 0 … k − 1, or for 0/1.
        parameters: where to start; None is network.initialize(seed).
        sample_weight: weight of each row, shape (n,); a batch whose weights are all 0 is skipped.
        validation: (X, Y), (X, Y, weights) or the fraction of the rows to hold out (seeded, stratified for classes).
        optimizer: an update rule such as GradientDescent(0.1) or Adam(Cosine(1e-3)); with batch="all" also a direction
            such as LBFGS(), or a line search, as in GradientDescent(Backtracking()): then a step is an epoch.
        batch: rows per step, or "all"; larger than the data is the data.
        order: "sweep" (as stored), "shuffle" (a new permutation each epoch), "random" (with replacement), or a callable
            from the epoch's number (from 1) to row indices.
        stop: when to stop, looked at after each epoch.
        engine: name of the engine.
        dtype: float32 or float64.
        threads: for an engine with threads of its own: how many; None lets it choose by the work.
        seed: of initial weights, orders, dropout and validation rows; the same seed gives the same result.
        callbacks: objects with any of on_start(run), on_epoch(run) -> True to stop, on_end(run).
        checkpoint: Checkpoint(path, every=…) to write as it goes.
        resume: path of a checkpoint to go on from, with the same settings and data, to the result of an uninterrupted
            training.
        on_failure: "return" the best parameters, or "raise" TrainingFailed, when a value is not finite.
        training_loss: what history.loss is: "batches", the mean of the batch losses as they were trained, or "full",
            the mean row loss of all training rows after the epoch, without penalty, like validation_loss.
        record: "epochs", or "steps" to keep every batch loss in history.step_loss.

    Raises:
        InputError: an array or a setting breaks its rule, or would do nothing.
        EngineError: there is no such engine, or it has no use for `threads`.
        TrainingFailed: on_failure="raise" and a value was not finite.

    >>> from thalweg.network import Network
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]); y = np.array([0, 1, 1, 0])
    >>> net = Network([2, 8, 2], activation="tanh", output="softmax", loss="cross_entropy")
    >>> result = train(net, X, y, optimizer=Adam(0.05), batch="all", stop=Stop(epochs=200))
    >>> result.status.name, bool(result.history.loss[-1] < 0.01)
    ('EPOCHS', True)
    """
    check_choice(on_failure, ("return", "raise"), "on_failure")
    check_choice(record, ("epochs", "steps"), "record")
    check_choice(training_loss, ("batches", "full"), "training_loss")
    if not isinstance(stop, Stop):
        message = f"stop must be a Stop, such as Stop(epochs=100), not {stop!r}"
        raise InputError(message)
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        message = f"checkpoint must be a Checkpoint, such as Checkpoint('run.checkpoint', every=10), not {checkpoint!r}"
        raise InputError(message)
    if parameters is not None and resume is not None:
        message = "parameters and resume both say where to start; give one of them"
        raise InputError(message)
    kind = check_dtype(dtype)
    randomness.check_seed(seed)
    chosen = engines.get(engine, threads)
    rule = find_optimizer(optimizer)
    training, held = _with_validation(network, X, Y, sample_weight, validation, kind, seed)
    size, rows = check_batch(batch, training.n), check_order(order)
    if rule.needs_all_rows:
        check_whole_batch(network, rule, size, training.n, rows)
    loop = Loop(
        network, training, held, rule, size, rows, stop, chosen, seed, kind,
        check_callbacks(callbacks), checkpoint,
        training_loss == "full", record == "steps",
    )  # fmt: skip
    p = (network.initialize(seed) if parameters is None else network.check_parameters(parameters)).astype(kind)
    start = TrainingState(p, rule.start(len(p), kind), 0)
    if resume is not None:
        progress = Progress.read(resume, loop.fingerprint(), start)
    else:
        progress = Progress(start, p, p, History())
    del p, start  # the loop lets go of them when it has better ones
    result = loop.run(progress)
    if result.failure and on_failure == "raise":
        raise TrainingFailed(result.message, result)
    return result


@dataclass
class Loop:
    """One training with everything settled: what `train` makes of its arguments, and the estimators of theirs.

    `alpha` is that of the penalty ½ · alpha · ‖W‖² / Σ_n s_n over the rows of a batch, beside the network's l2.
    """

    network: Network
    training: Examples
    validation: Examples | None
    optimizer: Optimizer
    batch: int
    order: Order
    stop: Stop
    engine: Engine
    seed: int
    dtype: Any
    callbacks: tuple[Any, ...]
    checkpoint: Checkpoint | None
    full_loss: bool = False
    records_steps: bool = False
    alpha: float = 0.0

    def __post_init__(self) -> None:
        self._has_idle_rows = not self.training.weights.all()  # of weight 0
        if self.optimizer.learning_rate.needs_total and self._total() is None:
            message = (
                f"{self.optimizer.learning_rate!r} ends with the training, so Stop needs epochs or steps to say when"
            )
            raise InputError(message)

    def fingerprint(self) -> dict[str, Any]:
        """What must be the same when a training is resumed: plain JSON types."""
        return {
            "network": self.network.to_dict(),
            "optimizer": self.optimizer.to_dict(),
            "batch": self.batch,
            "order": self.order if isinstance(self.order, str) else "a callable",
            "seed": self.seed,
            "engine": self.engine.name,
            "dtype": self.dtype.__name__,
            "training_loss": "full" if self.full_loss else "batches",
            "record": "steps" if self.records_steps else "epochs",
            "epochs of the learning rate": self._total() if self.optimizer.learning_rate.needs_total else None,
            "digest of the data": digest(self.training, self.validation),
        }

    def run(self, progress: Progress) -> TrainingResult:
        """Epoch after epoch until something says stop."""
        history = progress.history
        started = time.perf_counter() - (history.latest("seconds") if len(history) else 0.0)
        trainer = self._trainer(progress.state)
        at = trainer.state().parameters.copy()  # where the epoch starts
        shown = at.view()  # to callbacks that look before the first epoch
        shown.flags.writeable = False
        run = Run(
            self.network, self.stop.epochs, history, shown, self.optimizer, self.stop.patience, self.training,
            self.validation, self.engine,
        )  # fmt: skip
        status, failure, why, fingerprint = None, None, "", self.fingerprint() if self.checkpoint else {}
        epoch, written, answered = None, len(history), 0
        if len(history):
            status = self.stop.met(self._reached(history, time.perf_counter() - started, progress, at))
            if status is None and progress.is_cut:
                message = (
                    "the checkpoint ends inside an epoch, where Stop(steps=…) had it end, so going on would not equal "
                    "an uninterrupted training; end with an epoch, as Stop(epochs=…) does, where you mean to resume"
                )
                raise InputError(message)
        try:
            self._call("on_start", run)
            with Interruption() as interruption:
                while status is None:
                    epoch, is_cut = self._epoch(len(history) + 1, trainer.state().steps, run.rate_factor)
                    outcome = trainer.run(epoch, interruption.requested)
                    if outcome.interrupted:
                        status = Status.INTERRUPTED
                        break
                    if outcome.stalled:
                        status, why = Status.STALLED, outcome.stalled
                        break
                    state = trainer.state()
                    broken, validation_loss = self._look(outcome, state)
                    if broken:
                        status, failure = Status.NON_FINITE, self._failure(epoch, broken)
                        break
                    progress.previous, at = at, state.parameters.copy()
                    seconds = time.perf_counter() - started
                    history.add(
                        loss=self._mean_loss(state.parameters) if self.full_loss else outcome.loss,
                        validation_loss=validation_loss,
                        learning_rate=float(epoch.rates[-1]) if outcome.rate is None else outcome.rate,
                        steps=state.steps, seconds=seconds,
                    )  # fmt: skip
                    if self.records_steps:
                        history.add_steps(outcome.losses)
                    if history.best_epoch == len(history):
                        progress.best = at
                    run.parameters, run.step_losses, run.metrics = state.parameters, outcome.losses, {}
                    progress.state = state.copy() if self.checkpoint else state
                    progress.is_cut = is_cut
                    before = run.answer
                    asked = [self._stops(callback, run) for callback in self.callbacks]
                    answered = answered if run.answer is before else len(history)
                    status = self.stop.met(self._reached(history, seconds, progress, at))
                    if any(asked):
                        status, why = Status.CALLBACK, run.why.rstrip(".")
                    if interruption.requested():
                        status, why = Status.INTERRUPTED, ""
                    if self.checkpoint and len(history) % self.checkpoint.every == 0:
                        progress.write(self.checkpoint.path, fingerprint)
                        written = len(history)
                if self.checkpoint and written < len(history):  # of an epoch cut short, the end of the one before
                    progress.write(self.checkpoint.path, fingerprint)
                last = trainer.state().parameters  # the trainer is done with it
                if epoch and not failure and not self.validation and not math.isfinite(self._mean_loss(last)):
                    broken = Broken(-1, len(self.network.layers), "the loss over all rows")
                    status, failure = Status.NON_FINITE, self._failure(epoch, broken)
            best = self._best(progress, at, last, failure)
            chosen = None
            if run.answer is not None and not failure:
                best, chosen = run.answer.copy(), answered
            return TrainingResult(best, last, status, history, self.network, failure, why, chosen)
        finally:  # a display must be closed whatever happened
            run.status = status
            self._call("on_end", run)

    def _trainer(self, state: TrainingState) -> Trainer:
        """The engine's own where each step needs its batch only, else steps along directions on all rows."""
        if isinstance(self.optimizer, UpdateRule) and not self.optimizer.needs_all_rows:
            return self.engine.trainer(self.network, self.optimizer, self.training, state)
        return WholeBatchTrainer(self.network, self.optimizer, self.training, state, self.engine)

    def _epoch(self, number: int, steps: int, rate_factor: float) -> tuple[Epoch, bool]:
        """Rows and rates of an epoch, and whether Stop(steps=…) cuts it short."""
        rows = rows_of(self.order, seed=self.seed, epoch=number, n=self.training.n)
        if callable(self.order) and self._has_idle_rows and not self.training.weights[rows].any():
            message = f"order({number}) gives only rows of weight 0, from which nothing can be learnt"
            raise InputError(message)
        count = whole = math.ceil(len(rows) / self.batch)
        if self.stop.steps is not None:  # batches whose weights are all 0 are no steps
            has_weight = np.logical_or.reduceat(self.training.weights[rows] > 0, np.arange(0, len(rows), self.batch))
            count = min(whole, 1 + int(np.searchsorted(np.cumsum(has_weight), self.stop.steps - steps)))
        t = number - 1 + np.arange(count) / whole
        rates = rate_factor * self.optimizer.learning_rate.at(t, self._total())
        return Epoch(number, rows[: count * self.batch], self.batch, rates, self.seed, self.alpha), count < whole

    def _total(self) -> float | None:
        """Epochs of the whole training, where Stop says so."""
        totals = []
        if self.stop.epochs is not None:
            totals.append(float(self.stop.epochs))
        if self.stop.steps is not None:
            totals.append(self.stop.steps / math.ceil(self.training.n / self.batch))
        return min(totals, default=None)

    def _look(self, outcome: Outcome, state: TrainingState) -> tuple[Broken | None, float]:
        """What is not finite after an epoch, if anything, and the validation loss (nan without validation rows)."""
        if outcome.broken:
            return outcome.broken, math.nan
        moments = {f"the optimizer's {name}": vector for name, vector in state.optimizer.items()}
        if self.optimizer.needs_all_rows:  # what line searches do not know yet is nan
            moments = {}
        for what, vector in {"the weights": state.parameters, **moments}.items():
            if number := self.network.layer_not_finite(vector):
                return Broken(-1, number, what), math.nan
        if self.validation is None:
            return None, math.nan
        value = self.engine.mean_loss(self.network, state.parameters, self.validation)
        if math.isfinite(value):
            return None, value
        return Broken(-1, len(self.network.layers), "the validation loss"), value

    def _mean_loss(self, p: np.ndarray) -> float:
        return self.engine.mean_loss(self.network, p, self.training)

    def _reached(self, history: History, seconds: float, progress: Progress, p: np.ndarray) -> Reached:
        length = moved = math.nan
        if self.stop.parameter_change_below is not None:
            with np.errstate(over="ignore"):  # an infinite distance is a true answer, and no reason to stop
                moved = norm(progress.state.parameters.astype(np.float64) - progress.previous)
        if self.stop.gradient_norm_below is not None:
            _, gradient = self.engine.loss_and_gradient(self.network, p, self.training)
            with np.errstate(over="ignore"):
                length = norm(gradient.astype(np.float64))
        return Reached(
            epochs=len(history), steps=int(history.latest("steps")), seconds=seconds, value=history.latest("value"),
            value_change=abs(history.latest("value") - history.latest("value", back=1)),
            parameter_change=moved, gradient_norm=length, since_best=len(history) - history.best_epoch,
        )  # fmt: skip

    def _failure(self, epoch: Epoch, broken: Broken) -> Failure:
        largest = self.training.largest
        if self.validation:
            largest = np.maximum(largest, self.validation.largest)
        column = int(np.argmax(largest))
        rate = float(epoch.rates[broken.step])
        hint = own_row_hint(self.network.layers[broken.layer - 1].activation, self.network.loss, broken.what)
        return Failure(
            epoch.number, broken.step + 1, broken.layer, broken.what, rate, column + 1, float(largest[column]), hint
        )

    def _best(self, progress: Progress, at: np.ndarray, last: np.ndarray, failure: Failure | None) -> np.ndarray:
        """Contract 4: the best by validation; without it the last, or after a failure the last with a finite loss."""
        if self.validation and len(progress.history):
            return progress.best.copy()
        if failure is None:
            return last.copy()
        candidates = (last, at, progress.previous, progress.best)
        return next((p for p in candidates if math.isfinite(self._mean_loss(p))), progress.best).copy()

    def _call(self, name: str, run: Run) -> None:
        for callback in self.callbacks:
            if hasattr(callback, name):
                getattr(callback, name)(run)

    @staticmethod
    def _stops(callback: Any, run: Run) -> bool:
        answer = callback.on_epoch(run) if hasattr(callback, "on_epoch") else None
        return isinstance(answer, (bool, np.bool_)) and bool(answer)


def _with_validation(
    network: Network, X: Any, Y: Any, weights: Any, validation: Any, kind: Any, seed: int
) -> tuple[Examples, Examples | None]:
    """Training and validation examples."""
    examples = check_examples(network, X, Y, weights, dtype=kind)
    if validation is None:
        return examples, None
    if isinstance(validation, (tuple, list)) and len(validation) in (2, 3):
        return examples, check_examples(network, *validation, dtype=kind, what="validation ")
    if isinstance(validation, float):
        labels = None
        if network.loss.name in ("cross_entropy", "binary_cross_entropy"):
            labels = examples.Y.argmax(axis=1) if network.sizes[-1] > 1 else examples.Y[:, 0] >= 0.5
        kept, held = split(examples.n, validation, seed=seed, purpose="validation", labels=labels)
        parts = examples.take(kept), examples.take(held)
        for part, name in zip(parts, ("training", "validation"), strict=True):
            if not part.weights.any():
                message = (
                    f"all {name} rows have weight 0 after holding out {validation:g} of them; give validation=(X, Y)"
                )
                raise InputError(message)
        return parts
    message = f"validation must be (X, Y), (X, Y, weights) or a fraction such as 0.1, not {type(validation).__name__}"
    raise InputError(message)
