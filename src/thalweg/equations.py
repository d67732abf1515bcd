"""Equations: what they need beyond formulas, and a chain of equals.

Expression
├── Applied               g(a), g′(a): a function that is a name only
├── SumOver               Σ over an index
├── Matrix, Transposed    rows of parts; Wᵀ
└── Partial               ∂E/∂W

These parts multiply, add and are written as any other. They have no value until `with_numbers` puts one in their place.
Only an Applied has a derivative: the chain rule needs no more of g than g′.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from thalweg.errors import InputError
from thalweg.expressions import INDEX, Expression, Symbol, number
from thalweg.nodes import Node
from thalweg.notation import UNICODE, Level, Notation, Written


class WrittenOnly(Expression):
    """A part that has no value."""

    def _leaf(self, given):
        raise self._unvalued()

    def _scalar(self, *parts):
        raise self._unvalued()

    _array = _scalar


@dataclass(frozen=True, eq=False, repr=False)
class Applied(WrittenOnly):
    """A function that is a name only, of one argument; with primes, its derivatives.

    >>> a = Symbol("a", (1,), layer=1)
    >>> z = Applied("g", a**2)
    >>> print(z.unicode, "→", z.derivative("a[1][1]").unicode)
    g((a₁⁽¹⁾)²) → 2·a₁⁽¹⁾·g′((a₁⁽¹⁾)²)
    """

    name: str
    argument: Expression
    primes: int = 0

    def __post_init__(self) -> None:
        if not INDEX.fullmatch(self.name) or self.name.isdigit():
            message = f"the name of a function is of the letters a to z, not {self.name!r}"
            raise InputError(message)
        self._settle((self.name, self.primes), (self.argument,), marks=frozenset((self.name,)))

    def _rate(self, rate):
        return rate(self.argument) * Applied(self.name, self.argument, self.primes + 1)

    def _with(self, *parts):
        return Applied(self.name, parts[0], self.primes)

    def _write(self, notation, parts):
        return notation.applied(self.name, self.primes, *parts)


@dataclass(frozen=True, eq=False, repr=False)
class SumOver(WrittenOnly):
    """Σ of a body over an index.

    >>> delta, w = Symbol("delta", ("k",), layer=2), Symbol("W", ("j", "k"), layer=2)
    >>> print((SumOver("k", delta * w) * Applied("g", Symbol("a", ("j",), layer=1), primes=1)).unicode)
    (Σₖ δₖ⁽²⁾·Wⱼₖ⁽²⁾)·g′(aⱼ⁽¹⁾)
    """

    index: str
    body: Expression

    def __post_init__(self) -> None:
        if not INDEX.fullmatch(self.index) or self.index.isdigit():
            message = f"the index of a sum is a letter, not {self.index!r}"
            raise InputError(message)
        self._settle((self.index,), (self.body,), marks=frozenset((f"Σ_{self.index}",)))

    def _with(self, *parts):
        return SumOver(self.index, *parts)

    def _write(self, notation, parts):
        return notation.marked(notation.total(self.index), *parts)


@dataclass(frozen=True, eq=False, repr=False)
class Partial(WrittenOnly):
    """The partial derivative of one variable with respect to another, unknown as yet.

    >>> print(Partial(Symbol("E"), Symbol("W", (1, 2), layer=1)).unicode)
    ∂E/∂W₁₂⁽¹⁾
    """

    of: Symbol
    by: Symbol

    def __post_init__(self) -> None:
        # both are own, not operands: a number in the place of the variable would make ∂E/∂0.5 of it
        self._settle((self.of, self.by), marks=frozenset((f"∂{self.of}/∂{self.by}",)))

    def _write(self, notation, parts):
        return notation.rate(self.of._whole(notation), self.by._whole(notation))


@dataclass(frozen=True, eq=False, repr=False)
class Matrix(WrittenOnly):
    """Rows of parts.

    >>> print(Matrix(((number(1), number(-2)), (number(3), number(4)))).unicode)
    [1 −2; 3 4]
    """

    rows: tuple[tuple[Expression, ...], ...]

    def __post_init__(self) -> None:
        self._settle((len(self.rows),), tuple(part for row in self.rows for part in row), marks=frozenset(("matrix",)))

    def _with(self, *parts):
        width = len(self.rows[0])
        return Matrix(tuple(parts[start : start + width] for start in range(0, len(parts), width)))

    def _write(self, notation, parts):
        width = len(self.rows[0])
        texts = [notation.signed(part) for part in parts]
        return Written(
            notation.matrix([texts[start : start + width] for start in range(0, len(texts), width)]), Level.ATOM
        )


@dataclass(frozen=True, eq=False, repr=False)
class Transposed(WrittenOnly):
    """A matrix with its rows as columns.

    >>> print(Transposed(Symbol("W", (), layer=2)).unicode)
    (W⁽²⁾)ᵀ
    """

    matrix: Expression

    def __post_init__(self) -> None:
        self._settle((), (self.matrix,), marks=frozenset(("transposed",)))

    def _with(self, *parts):
        return Transposed(*parts)

    def _write(self, notation, parts):
        return notation.marked(notation.transposed, *parts)


def distinct(parts: Sequence[Any]) -> tuple[Any, ...]:
    """Parts that are equal, each once where it follows itself."""
    return tuple(part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1])


def equation(*parts: Node | float, notation: Notation = UNICODE, about: bool = False, becomes: bool = False) -> str:
    """Parts written as equal, one after the other.

    With `about`, the last is rounded and said to be about the rest; with `becomes`, the first is a variable that gets
    a new value.

    >>> x, w = Symbol("x", (1,)), Symbol("W", (1, 2), layer=1)
    >>> print(equation(Symbol("a", (2,), layer=1), x * w, (x * w).with_numbers({x: 0.5, w: -0.3}), -0.15))
    a₂⁽¹⁾ = x₁·W₁₂⁽¹⁾ = 0.5·(−0.3) = −0.15
    """
    if len(parts) < 2:
        message = f"an equation has two parts or more, not {len(parts)}"
        raise InputError(message)
    nodes = [part if isinstance(part, Node) else number(float(part)) for part in parts]
    return notation.chain([node._whole(notation) for node in nodes], about, becomes)
