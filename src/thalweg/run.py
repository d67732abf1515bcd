"""A training seen from outside: `Run` while it goes on, for callbacks; `TrainingResult` at its end; `Failure`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import InputError
from thalweg.history import History
from thalweg.line_searches import LineSearch
from thalweg.stopping import Status
from thalweg.update_rules import Optimizer


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.engines.base import Engine
    from thalweg.examples import Examples
    from thalweg.network import Network

HOOKS = ("on_start", "on_epoch", "on_end")  # of a callback, which has one of them at least


@dataclass(frozen=True)
class Failure:
    """Where training met a value that is not finite, and what to do about it (contract 2)."""

    epoch: int  # in which it was, from 1
    batch: int  # within the epoch, from 1; 0 for what was looked at after the last one
    layer: int  # from 1
    what: str  # the value that was not finite
    learning_rate: float  # of the step; nan where there was none
    column: int  # of X, from 1: the one of the largest values
    largest: float  # the largest absolute value in it
    hint: str = ""  # what else may be the cause

    def __str__(self) -> str:
        return f"{self.place} {self._advice}{self.hint and f' {self.hint}'}"

    @property
    def place(self) -> str:
        """Where it was, in a sentence."""
        where = f"batch {self.batch}" if self.batch else "after the last batch"
        rate = "" if math.isnan(self.learning_rate) else f", at learning rate {self.learning_rate:g}"
        return (
            f"In epoch {self.epoch}, {where}, {self.what} (layer {self.layer}) was not finite{rate}; the largest input "
            f"is {self.largest:g}, in column {self.column} of X."
        )

    @property
    def _advice(self) -> str:
        if math.isnan(self.learning_rate):
            return "Scale the inputs to about −3 … 3, or start from smaller weights."
        if self.largest > 1e3:
            return "Scale the inputs to about −3 … 3, or use a smaller learning rate."
        return f"Use a smaller learning rate, such as {self.learning_rate / 10:g}, or an optimizer with clip=1.0."


@dataclass
class Run:
    """What callbacks see: how far the training has come. `parameters` are the current ones; copy what you keep.

    Four things are a callback's to set: `rate_factor`, by which the learning rates of the epochs to come are
    multiplied; `answer`, the parameters that training returns instead of its own choice, unless it broke down; `why`,
    said with the status where the callback asks to stop; and `metrics`, what it has measured after this epoch by name,
    empty before the first callback looks.
    """

    network: Network  # that is trained
    epochs: int | None  # asked for, where a number was
    history: History  # losses, learning rate, steps and seconds of each epoch
    parameters: Float[np.ndarray, " p"]
    optimizer: Optimizer  # that trains
    patience: int | None  # of stop; None without
    training: Examples  # the rows that are learnt
    validation: Examples | None  # those that are only looked at
    engine: Engine  # that computes
    status: Status | None = None
    step_losses: Float[np.ndarray, " steps"] = field(default_factory=lambda: np.empty(0))  # of the last epoch
    rate_factor: float = 1.0
    answer: Float[np.ndarray, " p"] | None = None
    why: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    _chooser: Any = None

    def claim_answer(self, callback: Any) -> None:
        """Say in on_start that this callback will set `answer`.

        Raises:
            InputError: another one has said so: of two answers one would be lost.
        """
        if self._chooser is not None:
            message = (
                f"{self._chooser!r} and {callback!r} would both choose the parameters that training returns; leave one "
                f"of them out, or give EarlyStopping restore=False, an estimator restore='last'"
            )
            raise InputError(message)
        self._chooser = callback

    @property
    def is_claimed(self) -> bool:
        """Whether a callback has said that it will set `answer`."""
        return self._chooser is not None

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.history)

    @property
    def loss(self) -> float:
        """Training loss of the last epoch."""
        return self.history.latest("loss")

    @property
    def validation_loss(self) -> float | None:
        """Validation loss after the last epoch, None without validation rows."""
        value = self.history.latest("validation_loss")
        return None if math.isnan(value) else value

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest value so far, 0 before there is one."""
        return self.history.best_epoch

    @property
    def learning_rate(self) -> float:
        """Learning rate of the last step; before the first one that of a schedule, nan of a line search."""
        if self.epoch:
            return self.history.latest("learning_rate")
        rate = self.optimizer.learning_rate
        return math.nan if isinstance(rate, LineSearch) else rate.rate

    @property
    def seconds(self) -> float:
        """Seconds since the start of training."""
        return self.history.latest("seconds") if self.epoch else 0.0

    @property
    def patience_left(self) -> int | None:
        """Epochs without a better value that are still allowed, None without patience."""
        return None if self.patience is None else self.patience - (self.epoch - self.best_epoch)


@dataclass(frozen=True)
class TrainingResult:
    """What training has reached."""

    parameters: Float[np.ndarray, " p"]  # the best by validation loss; without validation the last finite ones
    last_parameters: Float[np.ndarray, " p"]  # where the walk ended
    status: Status  # why training stopped
    history: History  # losses, learning rate, steps and seconds of each epoch
    network: Network = field(repr=False)  # the network that was trained
    failure: Failure | None = None  # where a value was not finite, and what to do; None if none was
    why: str = ""  # what else there is to say of the status
    chosen_epoch: int | None = None  # where a callback chose the parameters: the epoch in which it last did

    @property
    def message(self) -> str:
        """Why it stopped, in a sentence or two."""
        if self.failure:
            return f"{self.status.value} {self.failure}"
        return f"{self.status.value[:-1]}: {self.why}." if self.why else self.status.value

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss (training loss without), or a callback's choice; 0 for none."""
        return self.history.best_epoch if self.chosen_epoch is None else self.chosen_epoch


def as_callbacks(given: Any) -> tuple[Any, ...]:
    """Several callbacks as a tuple, and a single one."""
    return tuple(given) if isinstance(given, Iterable) else (given,)


def check_callbacks(callbacks: Any) -> tuple[Any, ...]:
    """The callbacks as a tuple, a single one too.

    Raises:
        InputError: one has none of the methods that training calls.
    """
    listed = as_callbacks(callbacks)
    for callback in listed:
        if isinstance(callback, type):
            message = f"the callback {callback.__name__} is a class; make one of it: {callback.__name__}()"
            raise InputError(message)
        if not any(hasattr(callback, hook) for hook in HOOKS):
            message = f"the callback {callback!r} would do nothing: it needs one of the methods {', '.join(HOOKS)}"
            raise InputError(message)
    return listed
