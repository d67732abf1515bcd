"""When to stop (L5): `Stop` says when, `Status` says why it did. Any of the tests ends it; all are absolute."""

from __future__ import annotations

import enum
import math
import numbers
from dataclasses import dataclass, fields

from thalweg.errors import InputError


class Status(enum.Enum):
    """Why it ended: the value is a sentence."""

    EPOCHS = "Reached the number of epochs asked for."
    STEPS = "Reached the number of steps asked for."
    SECONDS = "Reached the time allowed."
    VALUE_BELOW = "The value fell below the bound asked for."
    VALUE_CHANGE_BELOW = "The value changed by less than the bound asked for."
    PARAMETER_CHANGE_BELOW = "The parameters moved by less than the bound asked for."
    GRADIENT_NORM_BELOW = "The norm of the gradient fell below the bound asked for."
    PATIENCE = "No better value was found for as long as patience allows."
    CALLBACK = "A callback asked to stop."
    INTERRUPTED = "Interrupted from the keyboard."
    NON_FINITE = "Met a value that is not finite."

    @property
    def is_failure(self) -> bool:
        """Whether it ended because the numbers broke down."""
        return self is Status.NON_FINITE


@dataclass(frozen=True)
class Reached:
    """Where a walk stands when `Stop` looks at it. Unknown values are nan and never end it."""

    epochs: int
    steps: int
    seconds: float
    value: float
    value_change: float = math.nan  # |value − value at the look before|
    parameter_change: float = math.nan  # ‖p − p at the look before‖
    gradient_norm: float = math.nan
    since_best: int = 0  # looks since the best value


@dataclass(frozen=True)
class Stop:
    """When to stop: any of these ends it.

    Looked at after each epoch in `train` (the value is the validation loss, else the training loss), after each step
    in `descend` (the value is f). `steps` ends an epoch early where it has to.

    Raises:
        InputError: without epochs, steps or seconds (it might never end), or a value is not positive.

    >>> Stop(epochs=100, patience=10).patience
    10
    """

    epochs: int | None = None
    steps: int | None = None
    seconds: float | None = None
    value_below: float | None = None
    value_change_below: float | None = None
    parameter_change_below: float | None = None
    gradient_norm_below: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        if self.epochs is None and self.steps is None and self.seconds is None:
            message = "Stop needs epochs, steps or seconds, or it might never end; for example Stop(epochs=100)"
            raise InputError(message)
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            whole, signed = field.name in ("epochs", "steps", "patience"), field.name == "value_below"
            is_number = isinstance(value, numbers.Integral if whole else numbers.Real) and not isinstance(value, bool)
            if not (is_number and (math.isfinite(value) and (signed or float(value) > 0.0))):
                rule = "finite number" if signed else f"{'whole ' if whole else ''}number > 0"
                message = f"Stop: {field.name} must be a {rule}, not {value!r}"
                raise InputError(message)

    def met(self, at: Reached) -> Status | None:
        """The status if one of the tests is met, else None."""
        tests = (
            (Status.VALUE_BELOW, self.value_below, lambda bound: at.value < bound),
            (Status.GRADIENT_NORM_BELOW, self.gradient_norm_below, lambda bound: at.gradient_norm < bound),
            (Status.VALUE_CHANGE_BELOW, self.value_change_below, lambda bound: at.value_change < bound),
            (Status.PARAMETER_CHANGE_BELOW, self.parameter_change_below, lambda bound: at.parameter_change < bound),
            (Status.PATIENCE, self.patience, lambda bound: at.since_best >= bound),
            (Status.EPOCHS, self.epochs, lambda bound: at.epochs >= bound),
            (Status.STEPS, self.steps, lambda bound: at.steps >= bound),
            (Status.SECONDS, self.seconds, lambda bound: at.seconds >= bound),
        )
        for status, bound, is_met in tests:
            if bound is not None and is_met(bound):
                return status
        return None
