"""Rows that have a name and perhaps one parameter: activations and losses, those of our tables and a user's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from thalweg.errors import InputError
from thalweg.settings import check_number


@dataclass(frozen=True, eq=False)
class Named:
    """A name, its formula and slope as text (see `formulas`), perhaps a parameter. Equal if those and `own` are."""

    name: str  # by which it is given
    formula: str  # as an expression
    slope: str  # its derivative
    parameter: float = field(default=0.0, kw_only=True)
    parameter_name: str = field(default="", kw_only=True)  # of its parameter; empty where it has none
    fixed: Mapping[str, float] = field(default_factory=dict, kw_only=True)  # further constants that have a name
    own: tuple[tuple[str, Any], ...] = field(default=(), kw_only=True)  # what made a user's own row (see `own_rows`)

    @property
    def constants(self) -> dict[str, float]:
        """What the names in the formula stand for that are no variables."""
        return {**self.fixed, **({self.parameter_name: self.parameter} if self.parameter_name else {})}

    def with_parameter(self, value: float, valid: Callable[[float], bool], rule: str) -> Self:
        """The same row with another parameter.

        Raises:
            InputError: the value is not a number or not valid; the message states the rule.
        """
        checked = check_number(value, valid, f"{self.name}: {self.parameter_name}", rule)
        return dataclasses.replace(self, parameter=checked)

    def to_dict(self) -> str | dict[str, Any]:
        """Its name, or name and parameter where it has one, or all that made an own row: what a file keeps.

        Raises:
            InputError: it was made of Python functions.
        """
        if any(callable(value) for _, value in self.own):
            message = (
                f"{self.name} is made of Python functions, which no file keeps; make it from a formula to save it, "
                f'such as own_activation("swish2", "a*sigmoid(2*a)")'
            )
            raise InputError(message)
        if self.own:
            return {"name": self.name, **dict(self.own)}
        return {"name": self.name, self.parameter_name: self.parameter} if self.parameter_name else self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and type(self) is type(other) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        given = self.constants if self.own else {self.parameter_name: self.parameter} if self.parameter_name else {}
        return f"{self.name}({', '.join(f'{name}={value:g}' for name, value in given.items())})" if given else self.name

    def _key(self) -> tuple[Any, ...]:
        return self.name, self.parameter, self.own


Row = TypeVar("Row", bound=Named)


def find(
    given: object, what: str, kind: type[Row], rows: Mapping[str, Row], parametric: Mapping[str, Callable[..., Row]]
) -> Row:
    """The row of this name, or the given row itself, or the one that a dictionary of `to_dict` describes.

    Raises:
        InputError: there is no such row; the message lists those there are.
    """
    if isinstance(given, kind):
        return given
    if isinstance(given, str) and given in rows:
        return rows[given]
    name = given.get("name") if isinstance(given, dict) else None
    if isinstance(given, dict) and isinstance(name, str) and name in parametric:
        if set(given) == {"name", rows[name].parameter_name}:
            return parametric[name](given[rows[name].parameter_name])
    message = f"there is no {what} {given!r}; choose one of {', '.join(rows)}"
    raise InputError(message)
