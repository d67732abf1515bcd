"""Node: what a tree of any kind of node can do: be compared, be evaluated, be written. The kinds are in `expressions`.

A node is frozen and knows its hash, so that equal parts of a tree are found and worked out once. Every walk is a loop
over `postorder`, never a recursion: no tree is too deep for it.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from thalweg.errors import InputError, ThalwegError
from thalweg.notation import LATEX, MATHML, TEXT, UNICODE, Notation, Written


MAX_NODES = 20_000  # parts of a tree, written out
MAX_DEPTH = 250  # of parts within parts; compiled functions call each other that deep
SHOWN = 80  # characters of an expression in a message
NONE: frozenset[str] = frozenset()


class Undefined(ThalwegError, ArithmeticError):
    """An expression has no value at a point, as log of a negative number or a division by 0; the message says which."""


class Node:
    """A part of a tree. A kind of node gives `_leaf` or `_scalar` and `_array`, and `_write`."""

    operands: tuple[Any, ...]  # the parts
    own: tuple[Any, ...]  # what else tells two nodes of a kind apart
    symbols: frozenset[str]  # names of the variables below
    marks: frozenset[str]  # what below is written only and has no value: g, Σ_k, ∂E/∂z
    size: int  # parts in all
    depth: int  # parts in each other
    hash: int  # the same for equal formulas

    def _settle(
        self,
        own: tuple[Any, ...],
        operands: tuple[Any, ...] = (),
        symbols: frozenset[str] | None = None,
        marks: frozenset[str] = NONE,
    ):
        size = 1 + sum([operand.size for operand in operands])
        depth = 1 + max([operand.depth for operand in operands], default=0)
        if size > MAX_NODES or depth > MAX_DEPTH:
            message = f"the expression is too large: it has over {MAX_NODES:,} parts, or over {MAX_DEPTH} in each other"
            raise InputError(message)
        if symbols is None:
            symbols = frozenset().union(*[operand.symbols for operand in operands])
        marks = marks.union(*[operand.marks for operand in operands if operand.marks])
        known = {"own": own, "operands": operands, "size": size, "depth": depth, "symbols": symbols, "marks": marks}
        self.__dict__.update(known, hash=hash((type(self), own, operands)))  # past the setter of a frozen dataclass

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in dataclasses.fields(self))  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        if self.hash != other.hash:  # nearly always enough, and this is asked very often
            return False
        pairs: list[tuple[Any, Any]] = [(self, other)]
        while pairs:
            a, b = pairs.pop()
            if a is b:
                continue
            if a.hash != b.hash or type(a) is not type(b) or a.own != b.own or len(a.operands) != len(b.operands):
                return False
            pairs.extend(zip(a.operands, b.operands, strict=True))
        return True

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables, in natural order: x2 before x10.

        >>> from thalweg.parsing import parse
        >>> parse("x10 + b*x2").variables
        ('b', 'x2', 'x10')
        """
        return tuple(sorted(self.symbols, key=_natural))

    def __call__(self, /, *places: float, **named: float) -> float:
        """The value at a point: its places in the order of `variables`, or named (other names are not looked at).

        Raises:
            Undefined: there is no value at this point.
            InputError: a variable has no number, or there are too many.

        >>> from thalweg.parsing import parse
        >>> parse("x/y")(3.0, 2.0), parse("x/y")(y=2.0, x=3.0)
        (1.5, 1.5)
        """
        if places and (named or len(places) != len(self.symbols)):
            wanted = ", ".join(self.variables) or "none"
            message = f"give a number for each variable in this order ({wanted}), or all of them by name"
            raise InputError(message)
        named = dict(zip(self.variables, places, strict=True)) if places else named
        self._check_given(named)
        try:
            given = {name: float(named[name]) for name in self.variables}
        except (TypeError, ValueError, OverflowError) as error:
            message = f"the value of a variable is a number: {error}"
            raise InputError(message) from None
        return values([self], given)[0]

    def on_grid(self, /, **arrays: Any) -> np.ndarray:
        """The values on arrays that broadcast together, in their common shape; nan where there is none.

        Raises:
            InputError: a variable has no array, or the arrays do not fit together.

        >>> from thalweg.parsing import parse
        >>> parse("1/x").on_grid(x=[2.0, 0.0, -4.0]).tolist()
        [0.5, nan, -0.25]
        """
        self._check_given(arrays)
        try:
            given = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
            shape = np.broadcast_shapes(*(array.shape for array in given.values()))
        except (TypeError, ValueError) as error:
            message = f"the values of variables are arrays of numbers whose shapes fit together: {error}"
            raise InputError(message) from None
        with np.errstate(all="ignore"):
            whole = fold([self], lambda node, parts: node._array(*parts) if parts else node._leaf(given))[self]
        return np.array(np.broadcast_to(whole, shape))

    def _check_given(self, given: Mapping[str, Any]) -> None:
        if self.marks:
            raise self._unvalued()
        missing = [name for name in self.variables if name not in given]
        if missing:
            message = f"no value is given for {', '.join(missing)}; the variables are {', '.join(self.variables)}"
            raise InputError(message)

    def _unvalued(self) -> InputError:
        marks = ", ".join(sorted(self.marks))
        return InputError(f"what can only be written has no value: put numbers (with_numbers) in the place of {marks}")

    def written(self, notation: Notation) -> str:
        """The expression in this notation.

        >>> from thalweg.parsing import parse
        >>> print(parse("2*theta1**2").written(LATEX))
        2 \\theta_{1}^{2}
        """
        return notation.whole % notation.signed(self._whole(notation))

    def _whole(self, notation: Notation) -> Written:
        return fold([self], lambda node, parts: node._write(notation, parts))[self]

    def __str__(self) -> str:
        return self.written(TEXT)

    def __repr__(self) -> str:
        read = not self.marks and all(name.isidentifier() for name in self.symbols)
        return f"parse({str(self)!r})" if read else f"<{self}>"

    @property
    def latex(self) -> str:
        """The expression for LaTeX, without dollars.

        >>> from thalweg.parsing import parse
        >>> print(parse("x/3").latex)
        \\frac{x}{3}
        """
        return self.written(LATEX)

    @property
    def unicode(self) -> str:
        """The expression for a screen or a terminal, in plain characters.

        >>> from thalweg.parsing import parse
        >>> print(parse("theta1**2/3 - 2*sqrt(x)").unicode)
        θ₁²/3 − 2·√x
        """
        return self.written(UNICODE)

    @property
    def mathml(self) -> str:
        """The expression for a page: a <math> element, which browsers show as it is.

        >>> from thalweg.parsing import parse
        >>> print(parse("x**2").mathml)
        <math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true"><msup><mi>x</mi><mn>2</mn></msup></math>
        """
        return self.written(MATHML)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def _leaf(self, given: Mapping[str, Any]) -> Any:
        """The value of a node without parts."""
        raise NotImplementedError

    def _scalar(self, *parts: float) -> float:
        """The value from the values of the parts, as floats; may raise what `math` and a division raise."""
        raise NotImplementedError

    def _array(self, *parts: Any) -> Any:
        """The same on arrays, nan where there is no value."""
        raise NotImplementedError

    def _write(self, notation: Notation, parts: Sequence[Written]) -> Written:
        raise NotImplementedError


AnyNode = TypeVar("AnyNode", bound=Node)


def postorder(roots: Iterable[AnyNode], wanted: Callable[[AnyNode], bool] = lambda node: True) -> list[AnyNode]:
    """Every different node once, parts before the whole; a part that is not wanted is left out with all below it."""
    order: dict[AnyNode, None] = {}
    stack = [(root, False) for root in roots][::-1]
    while stack:
        node, opened = stack.pop()
        if node in order:
            continue
        if opened:
            order[node] = None
        else:
            stack.append((node, True))
            stack.extend([(part, False) for part in node.operands[::-1] if part not in order and wanted(part)])
    return list(order)


def fold(roots: Iterable[Any], rule: Callable[[Any, list[Any]], Any]) -> dict[Any, Any]:
    """Node → what `rule` makes of it and of what it made of its parts."""
    found: dict[Any, Any] = {}
    for node in postorder(roots):
        found[node] = rule(node, [found[part] for part in node.operands])
    return found


def values(roots: Sequence[Node], given: Mapping[str, float]) -> list[float]:
    """The value of each expression where its variables have these values.

    What is too large becomes inf, -inf or nan, as IEEE 754 has it.

    Raises:
        Undefined: there is none, though what goes in is finite; the message says which part and why.
    """

    def value(node: Node, parts: list[float]) -> float:
        try:
            return node._scalar(*parts) if parts else node._leaf(given)
        except (ValueError, ZeroDivisionError):
            if all(map(math.isfinite, parts)):
                raise Undefined(_undefined(node, parts, given)) from None
        except OverflowError:
            pass
        with np.errstate(all="ignore"):
            return float(node._array(*map(np.float64, parts)))

    found = fold(roots, value)
    return [found[root] for root in roots]


def _undefined(node: Node, parts: Sequence[float], given: Mapping[str, float]) -> str:
    """log(x - 5) is not defined at x = 3, where x - 5 is -2."""
    point = [f"{name} = {given[name]:.10g}" for name in node.variables]
    point = [*point[:5], "…"] if len(point) > 5 else point
    inner = [
        f"{_shown(part)} is {value:.10g}"
        for part, value in zip(node.operands, parts, strict=True)
        if part.operands and part.symbols
    ]
    inner = [*inner[:2], "…"] if len(inner) > 2 else inner
    at = f" at {', '.join(point)}" if point else ""
    return f"{_shown(node)} is not defined{at}" + (f", where {' and '.join(inner)}" if inner else "")


def _shown(node: Node) -> str:
    text = str(node)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _natural(name: str) -> list[Any]:
    return [int(part) if place % 2 else part for place, part in enumerate(re.split("([0-9]+)", name))]
