"""When to stop (L5): `Stop` says when, `Status` says why it did. Any of the tests ends it; all are absolute."""

from __future__ import annotations

import enum
import math
import numbers
import operator
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
    STALLED = "Found no further step to take."
    DIVERGING = "The steps lead farther and farther away."
    LEFT_DOMAIN = "A step left the region where the function is defined."
    NON_FINITE = "Met a value that is not finite."

    @property
    def is_failure(self) -> bool:
        """Whether it ended because the numbers broke down."""
        return self in (Status.DIVERGING, Status.LEFT_DOMAIN, Status.NON_FINITE)


@dataclass(slots=True)
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


# In the order in which they are looked at: a goal that is reached is named before a limit.
_TESTS = (
    (Status.VALUE_BELOW, "value", operator.lt, "value_below"),
    (Status.GRADIENT_NORM_BELOW, "gradient_norm", operator.lt, "gradient_norm_below"),
    (Status.VALUE_CHANGE_BELOW, "value_change", operator.lt, "value_change_below"),
    (Status.PARAMETER_CHANGE_BELOW, "parameter_change", operator.lt, "parameter_change_below"),
    (Status.PATIENCE, "since_best", operator.ge, "patience"),
    (Status.EPOCHS, "epochs", operator.ge, "epochs"),
    (Status.STEPS, "steps", operator.ge, "steps"),
    (Status.SECONDS, "seconds", operator.ge, "seconds"),
)


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

    epochs: int | None = None  # so many epochs
    steps: int | None = None  # so many steps
    seconds: float | None = None  # so many seconds since the start
    value_below: float | None = None  # the value is lower than this
    value_change_below: float | None = None  # the value differs from that at the look before by less than this
    parameter_change_below: float | None = None  # the parameters moved by less than this between two looks (Euclidean)
    gradient_norm_below: float | None = None  # the gradient is shorter than this (Euclidean)
    patience: int | None = None  # so many looks without a new best value

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

        active = [(status, name, reaches, getattr(self, bound)) for status, name, reaches, bound in _TESTS]
        object.__setattr__(self, "_active", tuple(row for row in active if row[-1] is not None))

    def met(self, at: Reached) -> Status | None:
        """The status if one of the tests is met where the walk stands (`at`), else None."""
        for status, name, reaches, bound in self._active:  # type: ignore[attr-defined]  (looked at after every step)
            if reaches(getattr(at, name), bound):
                return status
        return None
