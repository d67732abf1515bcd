"""Small frozen objects that hold settings: numbers checked when they are made, and the way to plain JSON and back."""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from thalweg.errors import InputError


def check_number(given: Any, valid: Callable[[float], bool], what: str, rule: str) -> float:
    """`given` as a float, if it is a finite number and valid.

    Raises:
        InputError: it is not; the message says what must be which.

    >>> check_number(1, lambda x: x > 0, "rate", "a number > 0")
    1.0
    """
    is_number = isinstance(given, numbers.Real) and not isinstance(given, bool)
    if not (is_number and math.isfinite(given) and valid(float(given))):
        message = f"{what} must be {rule}, not {given!r}"
        raise InputError(message)
    return float(given)


def check_whole(given: Any, least: int, what: str, unit: str = "") -> int:
    """`given` as an int, if it is a whole number and large enough.

    Raises:
        InputError: it is not; `unit` says of what it is a number.

    >>> check_whole(3, 1, "every", "epochs")
    3
    """
    if isinstance(given, bool) or not isinstance(given, numbers.Integral) or given < least:
        message = f"{what} must be a whole number{unit and f' of {unit}'} ≥ {least}, not {given!r}"
        raise InputError(message)
    return int(given)


def check_choice(given: Any, choices: Sequence[str], what: str, also: str = "") -> str:
    """`given`, if it is one of the choices.

    Raises:
        InputError: it is not; the message lists them, and `also` says what else is allowed.

    >>> check_choice("sum", ("mean", "sum"), "reduction")
    'sum'
    """
    if not isinstance(given, str) or given not in choices:
        message = f"{what} must be one of {', '.join(choices)}{also and f' {also}'}, not {given!r}"
        raise InputError(message)
    return given


class Settings:
    """A frozen dataclass of settings. Its name and fields are all there is to it."""

    def check(self, field: str, valid: Callable[[float], bool], rule: str) -> None:
        """Make a field a float; InputError, which says the rule, if it is no number or not valid."""
        value = check_number(getattr(self, field), valid, f"{type(self).__name__}: {field}", rule)
        object.__setattr__(self, field, value)

    def to_dict(self) -> dict[str, Any]:
        """Its name and fields in plain JSON types; `from_dict` makes it again."""
        fields: Any = dataclasses.fields(self)  # type: ignore[arg-type]
        values = {field.name: getattr(self, field.name) for field in fields}
        plain = {name: value.to_dict() if isinstance(value, Settings) else value for name, value in values.items()}
        return {"name": type(self).__name__, **plain}


Kind = TypeVar("Kind", bound=Settings)


def from_dict(plain: Any, rows: Mapping[str, type[Kind]]) -> Kind | None:
    """What `Settings.to_dict` described, by the table of its kinds; None if it describes none of them."""
    row = rows.get(plain.get("name", "")) if isinstance(plain, dict) else None
    if row is None or set(plain) != {"name", *(field.name for field in dataclasses.fields(row))}:  # type: ignore[arg-type]
        return None
    return row(**{name: value for name, value in plain.items() if name != "name"})
