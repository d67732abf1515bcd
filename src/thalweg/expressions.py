"""Expressions: the kinds of node of a formula, their derivatives, and what keeps them tidy.

Expression
├── Number                an exact fraction, written as typed: 3, 0.1, 1/3
├── Constant, Symbol      pi and e; a variable, W[1][1,2] too
├── Sum                   terms
├── Product               coefficient · Π over / Π under
├── Power                 base**exponent
└── Call                  a row of `elementary.FUNCTIONS` and its argument

They are made by `number`, `add`, `quotient`, `power` and `call` (the operators lead there), which fold numbers and
collect like terms and equal bases in the order they came, and expand nothing. The result equals the original wherever
that was defined: x/x is 1. Kinds, rules and makers stand in one file because each needs the others.
"""

from __future__ import annotations

import functools
import math
import numbers
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from thalweg.elementary import FUNCTIONS, Function
from thalweg.errors import InputError
from thalweg.nodes import MAX_DEPTH as MAX_DEPTH
from thalweg.nodes import MAX_NODES as MAX_NODES
from thalweg.nodes import Node, fold, postorder
from thalweg.nodes import Undefined as Undefined
from thalweg.notation import Index, spelled


MAX_GRADIENT = 100_000  # parts of the derivatives with respect to all variables together: under a second
MAX_EXPONENT = 1_000
EXACT = 10**15  # a numerator or denominator below it is kept; 15 digits are what a float gives back
MAX_FLOAT, MIN_FLOAT = 1.7976931348623157e308, 5e-324


class Expression(Node):
    """A formula: `variables`, `derivative`, values by calling it and `on_grid`, `str`, `latex`; + - * / ** build more.

    >>> from thalweg.parsing import parse
    >>> e = parse("x**2 + 3*sin(x)")
    >>> print(e.derivative("x"))
    2*x + 3*cos(x)
    >>> e(0.5) == e(x=0.5) == 0.25 + 3 * math.sin(0.5)
    True
    """

    def derivative(self, variable: str) -> Expression:
        """The derivative with respect to a variable, tidy; 0 where the variable does not occur.

        Raises:
            InputError: the result would be too large (see MAX_NODES, MAX_GRADIENT) or have a number out of range.

        >>> from thalweg.parsing import parse
        >>> print(parse("exp(-x**2)").derivative("x"))
        -2*x*exp(-x**2)
        """
        if not isinstance(variable, str):
            message = f"a derivative is taken with respect to the name of a variable, not {type(variable).__name__}"
            raise InputError(message)
        fixed = sorted(mark for mark in self.marks if mark[0] in "Σ∂")
        if fixed:
            message = f"no derivative is taken of what can only be written: {', '.join(fixed)}"
            raise InputError(message)
        rates: dict[Expression, Expression] = {}

        def rate(node: Expression) -> Expression:
            return rates[node] if variable in node.symbols else ZERO

        if variable in self.symbols:
            limit = min(MAX_NODES, MAX_GRADIENT // len(self.symbols))
            try:
                for node in postorder([self], lambda node: variable in node.symbols):
                    rates[node] = node._rate(rate)
                    if rates[node].size > limit:
                        message = f"it has over {limit:,} parts"
                        raise InputError(message)
            except InputError as error:
                message = (
                    f"the derivative with respect to {variable} is out of bounds: {error}; use numeric differences"
                )
                raise InputError(message) from None
        return rate(self)

    def _rate(self, rate: Callable[[Expression], Expression]) -> Expression:
        """The derivative from those of the parts, each ZERO itself where it is 0; asked where the variable occurs."""
        raise NotImplementedError

    def with_numbers(self, given: Mapping[Any, float | Expression]) -> Expression:
        """The same formula with numbers (or formulas) where the names or parts in `given` stand; nothing is worked out.

        >>> from thalweg.parsing import parse
        >>> e = parse("2*w*x + b").with_numbers({"w": 0.5, "x": -3})
        >>> print(e, "is", e(b=1.0))
        2*0.5*(-3) + b is -2.0
        """
        known = {
            key if isinstance(key, Expression) else Symbol(key): value
            if isinstance(value, Expression)
            else number(float(value))
            for key, value in given.items()
        }

        def again(node: Expression, parts: list[Expression]) -> Expression:
            return known[node] if node in known else node._with(*parts) if parts else node

        return fold([self], again)[self]

    def _with(self, *parts: Expression) -> Expression:
        """The same kind of node with other parts, as they are."""
        raise NotImplementedError

    __array_ufunc__ = None  # a NumPy number leaves the operators to us

    def __add__(self, other: Any) -> Expression:
        return _operate(add, self, other)

    def __radd__(self, other: Any) -> Expression:
        return _operate(add, other, self)

    def __sub__(self, other: Any) -> Expression:
        return _operate(_subtract, self, other)

    def __rsub__(self, other: Any) -> Expression:
        return _operate(_subtract, other, self)

    def __mul__(self, other: Any) -> Expression:
        return _operate(_multiply, self, other)

    def __rmul__(self, other: Any) -> Expression:
        return _operate(_multiply, other, self)

    def __truediv__(self, other: Any) -> Expression:
        return _operate(_divide, self, other)

    def __rtruediv__(self, other: Any) -> Expression:
        return _operate(_divide, other, self)

    def __pow__(self, other: Any) -> Expression:
        return _operate(power, self, other)

    def __rpow__(self, other: Any) -> Expression:
        return _operate(power, other, self)

    def __neg__(self) -> Expression:
        return quotient((MINUS_ONE, self))


@dataclass(frozen=True, eq=False, repr=False)
class Number(Expression):
    """A number, exact; `decimal` only says that it was written with a point and is to be written so again."""

    value: Fraction
    decimal: bool = False

    def __post_init__(self) -> None:
        self._settle((self.value,))

    def _leaf(self, given):
        return float(self.value)

    def _write(self, notation, parts):
        return notation.number(self.value, self.decimal)


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Expression):
    """A number that has a name."""

    name: str
    value: float

    def __post_init__(self) -> None:
        self._settle((self.name,))

    def _leaf(self, given):
        return self.value

    def _write(self, notation, parts):
        return notation.name(self.name)


@dataclass(frozen=True, eq=False, repr=False)
class Symbol(Expression):
    """A variable, with a layer and indices where it has them; its spelling is its name to everything that asks for one.

    Raises:
        InputError: the name has other signs than letters, digits and _, or an index is neither a number nor a letter.

    >>> w = Symbol("W", (1, 2), layer=1)
    >>> print(w, w.unicode, w.latex)
    W[1][1,2] W₁₂⁽¹⁾ W_{12}^{(1)}
    >>> w == Symbol("W[1][1,2]"), (w * Symbol("x")).derivative("W[1][1,2]")
    (True, parse('x'))
    """

    name: str
    indices: tuple[Index, ...] = ()
    layer: Index | None = None

    def __post_init__(self) -> None:
        name, indices, layer = self.name, self.indices, self.layer
        if "[" in name and not indices and layer is None:
            name, indices, layer = _unspelled(name)
        if indices or layer is not None:
            indices = tuple(_index(index, INDEX) for index in indices)
            layer = None if layer is None else _index(layer, LAYER)
            self.__dict__.update(name=name, indices=indices, layer=layer)
        if not NAME.fullmatch(name):
            message = (
                f"the name of a variable begins with a letter and has letters, digits, _ and spaces only: not {name!r}"
            )
            raise InputError(message)
        spelling = spelled(name, indices, layer)
        self._settle((spelling,), (), frozenset((spelling,)))

    @property
    def spelling(self) -> str:
        """The name with layer and indices, as `tw.check_gradient` prints it: W[1][1,2]."""
        return self.own[0]

    def _rate(self, rate):
        return ONE

    def _leaf(self, given):
        return given[self.spelling]

    def _write(self, notation, parts):
        return notation.name(self.name, self.indices, self.layer)


NAME = re.compile(r"[^\W\d][\w ]*")
SPELLING = re.compile(r"([^\[\]]*)(?:\[([^\[\]]+)\])?\[([^\[\]]+)\]")
INDEX = re.compile("[0-9]+|[A-Za-z]+")
LAYER = re.compile("([0-9]+|[A-Za-z]+)([+-]([0-9]+|[A-Za-z]+))*")  # l+1


def _index(value: Index, form: re.Pattern[str]) -> Index:
    text = str(value)
    if not form.fullmatch(text):
        message = f"an index is a whole number or a letter, and a layer may be such as l+1: not {value!r}"
        raise InputError(message)
    return int(text) if text.isdigit() else text


def _unspelled(spelling: str) -> tuple[str, tuple[Index, ...], Index | None]:
    """W[1][1,2] → W, (1, 2), 1."""
    match = SPELLING.fullmatch(spelling)
    if not match:
        message = f"the name of a variable with indices is such as x[2], W[1][1,2] or delta[1][:], not {spelling!r}"
        raise InputError(message)
    name, layer, inside = match.groups()
    return name, () if layer is not None and inside == ":" else tuple(inside.split(",")), layer


@dataclass(frozen=True, eq=False, repr=False)
class Sum(Expression):
    """Two terms or more."""

    terms: tuple[Expression, ...]

    def __post_init__(self) -> None:
        self._settle((), self.terms)

    def _rate(self, rate):
        return add(*[by for term in self.terms if (by := rate(term)) is not ZERO])

    def _scalar(self, *parts):
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    _array = _scalar

    def _with(self, *parts):
        return Sum(parts)

    def _write(self, notation, parts):
        return notation.sum(parts)


@dataclass(frozen=True, eq=False, repr=False)
class Product(Expression):
    """coefficient · Π over / Π under; neither has numbers, a base twice, or powers with negative constant exponents."""

    coefficient: Number
    over: tuple[Expression, ...]
    under: tuple[Expression, ...] = ()

    def __post_init__(self) -> None:
        self._settle((self.coefficient.value, len(self.over)), self.over + self.under)

    @property
    def outer(self) -> tuple[float, float]:
        """The coefficient as a float above and one below: x/3 is divided by 3, not multiplied by a rounded third."""
        value = self.coefficient.value
        return (float(value), 1.0) if self.coefficient.decimal else (float(value.numerator), float(value.denominator))

    def _rate(self, rate):
        terms = []
        for place, factor in enumerate(self.over):
            by = rate(factor)
            if by is not ZERO:
                others = (self.coefficient, *self.over[:place], by, *self.over[place + 1 :])
                terms.append(quotient(others, self.under))
        for factor in self.under:  # (1/uⁿ)′ = −n·u′/uⁿ⁺¹
            base, exponent, decimal = _base_and_exponent(factor)
            by = rate(base)
            if by is not ZERO:
                others = (number(-exponent, decimal), self.coefficient, by, *self.over)
                terms.append(quotient(others, (*self.under, base)))
        return add(*terms)

    def _scalar(self, *parts):
        top, bottom = self.outer
        for part in parts[: len(self.over)]:
            top = top * part
        for part in parts[len(self.over) :]:
            bottom = bottom * part
        return top / bottom

    def _array(self, *parts):
        top, bottom = self.outer
        top = top * math.prod(parts[: len(self.over)])
        bottom = bottom * math.prod(parts[len(self.over) :])
        return top / (np.where(bottom == 0.0, np.nan, bottom) if self.under else bottom)

    def _with(self, *parts):
        return Product(self.coefficient, parts[: len(self.over)], parts[len(self.over) :])

    def _write(self, notation, parts):
        above, below = parts[: len(self.over)], parts[len(self.over) :]
        return notation.product(self.coefficient.value, self.coefficient.decimal, above, below)


@dataclass(frozen=True, eq=False, repr=False)
class Power(Expression):
    """base**exponent, as real numbers: a negative base has powers with whole exponents only."""

    base: Expression
    exponent: Expression

    def __post_init__(self) -> None:
        self._settle((), (self.base, self.exponent))

    def _rate(self, rate):
        base, exponent = self.base, self.exponent
        by_base, by_exponent = rate(base), rate(exponent)
        if by_exponent is ZERO:
            return quotient((exponent, by_base, power(base, add(exponent, MINUS_ONE))))
        if by_base is ZERO:
            return quotient((by_exponent, call("log", base), self))
        growth = add(quotient((by_exponent, call("log", base))), quotient((exponent, by_base), (base,)))
        return quotient((self, growth))

    def _scalar(self, *parts):
        return math.pow(*parts)

    def _array(self, *parts):
        base, exponent = parts
        return np.power(np.where((base == 0.0) & (exponent < 0.0), np.nan, base), exponent)

    def _with(self, *parts):
        return Power(*parts)

    def _write(self, notation, parts):
        return notation.raised(*parts)


@dataclass(frozen=True, eq=False, repr=False)
class Call(Expression):
    """A function of one argument."""

    function: Function
    argument: Expression

    def __post_init__(self) -> None:
        self._settle((self.function.name,), (self.argument,))

    def _rate(self, rate):
        return _multiply(rate(self.argument), _expression(self.function.derivative(self.argument, call)))

    def _scalar(self, *parts):
        return self.function.scalar(*parts)

    def _array(self, *parts):
        return self.function.array(*parts)

    def _with(self, *parts):
        return Call(self.function, *parts)

    def _write(self, notation, parts):
        return notation.marked(notation.function(self.function.name, self.function.latex), *parts)


def number(value: Any, decimal: bool = False) -> Number:
    """A number: exact while it is short, else the nearest float.

    Raises:
        InputError: it is too large for a float, or so small that a float would be 0.

    >>> number(0.1) + number(0.2), number(1) / 3
    (parse('0.3'), parse('1/3'))
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            message = f"a number in a formula is finite, not {value}"
            raise InputError(message)
        value, decimal = Fraction(repr(value)), True
    value = Fraction(value)
    long = max(abs(value.numerator), value.denominator) >= EXACT
    if decimal or long:
        try:
            nearest = Fraction(repr(float(value)))
        except OverflowError:
            message = f"a number here is too large: at most {MAX_FLOAT} is possible"
            raise InputError(message) from None
        if nearest == 0 and value != 0:
            message = f"a number here is too close to 0: at least {MIN_FLOAT} is possible"
            raise InputError(message)
        value, decimal = nearest if long else value, long or nearest == value
    return Number(value, decimal)


ZERO, ONE, MINUS_ONE = number(0), number(1), number(-1)
PI, E = Constant("pi", math.pi), Constant("e", math.e)


def add(*terms: Expression) -> Expression:
    """The sum, like terms collected.

    >>> x = Symbol("x")
    >>> add(x, number(1), x, number(-3))
    parse('2*x - 2')
    """
    found: dict[Any, tuple[Number, Expression]] = {}  # a term without its coefficient → that, the first such
    flat = [part for term in terms for part in (term.terms if isinstance(term, Sum) else (term,))]
    for term in flat:
        if isinstance(term, Number):
            key, coefficient = (), term
        elif isinstance(term, Product):
            key, coefficient = (frozenset(term.over), frozenset(term.under)), term.coefficient
        else:
            key, coefficient = (frozenset((term,)), frozenset()), ONE
        if key in found:
            before, first = found[key]
            total = number(before.value + coefficient.value, before.decimal or coefficient.decimal)
            found[key] = (total, first)
        else:
            found[key] = (coefficient, term)
    collected = [_with_coefficient(*pair) for pair in found.values() if pair[0] != ZERO]
    if len(collected) < len(flat) and any(isinstance(term, Sum) for term in collected):
        return add(*collected)  # 2*(x + 1) - (x + 1) left x + 1
    return Sum(tuple(collected)) if len(collected) > 1 else collected[0] if collected else ZERO


def quotient(over: Iterable[Expression], under: Iterable[Expression] = ()) -> Expression:
    """Factors over factors, numbers and equal bases collected.

    Raises:
        InputError: a factor below is 0.

    >>> x, y = Symbol("x"), Symbol("y")
    >>> quotient((x, number(2), x**3), (y, number(4), x))
    parse('x**3/(2*y)')
    """
    coefficient = ONE
    found: dict[Expression, tuple[Any, bool, Expression]] = {}  # base → exponent, is it decimal, base**|exponent|
    todo = [(factor, 1) for factor in over] + [(factor, -1) for factor in under]
    while todo:
        merged: dict[Expression, None] = {}  # in the order they came
        for factor, side in _factors(todo):
            if isinstance(factor, Number):
                coefficient = _times(coefficient, factor, side)
                continue
            base, exponent, decimal = _base_and_exponent(factor)
            if base in found:
                merged[base] = None
                before, was_decimal, _ = found[base]
                found[base] = (before + side * exponent, was_decimal or decimal, base)
            else:
                found[base] = (side * exponent, decimal, factor)
        todo = []
        for base in merged:
            exponent, decimal, _ = found[base]
            whole = power(base, _exponent(abs(exponent), decimal)) if exponent else ONE
            # 2**0.5 * 2**0.5, (x*y)**2 / (x*y) or (x**3)**0.5 * (x**3)**0.5: once more around
            if isinstance(whole, Number | Product) or _base_and_exponent(whole)[0] != base:
                del found[base]
                todo.append((whole, 1 if exponent > 0 else -1))
            else:
                found[base] = (exponent, decimal, whole)
    if coefficient == ZERO:
        return ZERO
    above = tuple(factor for exponent, _, factor in found.values() if exponent > 0)
    below = tuple(factor for exponent, _, factor in found.values() if exponent < 0)
    return _product(coefficient, above, below)


def power(base: Expression, exponent: Expression) -> Expression:
    """base**exponent; whole constant exponents are brought together.

    Raises:
        InputError: a constant exponent beyond ±MAX_EXPONENT, 0 to a negative one, a number too large.

    >>> x = Symbol("x")
    >>> (2 * x**3) ** 2, x**-1, number(2) ** -2
    (parse('4*x**6'), parse('1/x'), parse('1/4'))
    """
    if not isinstance(exponent, Number):
        return ONE if base == ONE else Power(base, exponent)
    n = exponent.value
    if abs(n) > MAX_EXPONENT:
        message = f"the exponent {exponent} is too large: a constant exponent is at most {MAX_EXPONENT:,}, up or down"
        raise InputError(message)
    if n <= 0:
        return ONE if n == 0 else quotient((), (power(base, number(-n, exponent.decimal)),))
    if n == 1 or base in (ZERO, ONE):
        return base
    if n.denominator != 1:
        return Power(base, exponent)
    if isinstance(base, Number):
        if n * abs(math.log10(abs(base.value))) > 330:  # before it is worked out
            message = f"{base} to the {exponent} is out of range: numbers lie between {MIN_FLOAT} and {MAX_FLOAT}"
            raise InputError(message)
        return number(base.value ** int(n), base.decimal)
    if isinstance(base, Power) and isinstance(base.exponent, Number):
        return power(base.base, number(base.exponent.value * n, base.exponent.decimal))
    if isinstance(base, Product):
        if not base.over and len(base.under) == 1:
            return quotient((power(base.coefficient, exponent),), (power(base.under[0], exponent),))
        if base.coefficient != ONE:
            rest = _product(ONE, base.over, base.under)
            return quotient((power(base.coefficient, exponent), power(rest, exponent)))
    return Power(base, exponent)


def call(name: str, argument: Any) -> Expression:
    """The function of this name in `FUNCTIONS`, called.

    >>> call("cos", Symbol("x")), call("cos", 0)
    (parse('cos(x)'), parse('1'))
    """
    function, argument = FUNCTIONS[name], _expression(argument)
    known = argument.own[0] if isinstance(argument, Number | Constant) else ""
    return number(function.exact[known]) if known in function.exact else Call(function, argument)


def _with_coefficient(coefficient: Number, term: Expression) -> Expression:
    if isinstance(term, Number):
        return coefficient
    if isinstance(term, Product):
        same = coefficient is term.coefficient
        return term if same else _product(coefficient, term.over, term.under)
    return _product(coefficient, (term,), ())


def _product(coefficient: Number, over: tuple[Expression, ...], under: tuple[Expression, ...]) -> Expression:
    if not over and not under:
        return coefficient
    return over[0] if coefficient == ONE and len(over) == 1 and not under else Product(coefficient, over, under)


def _factors(sides: Iterable[tuple[Expression, int]]) -> Iterator[tuple[Expression, int]]:
    """The factors with their sides, 1 above and -1 below, those of products one by one."""
    for factor, side in sides:
        if isinstance(factor, Product):
            yield factor.coefficient, side
            yield from ((part, side) for part in factor.over)
            yield from ((part, -side) for part in factor.under)
        else:
            yield factor, side


def _base_and_exponent(factor: Expression) -> tuple[Expression, Any, bool]:
    if isinstance(factor, Power) and isinstance(factor.exponent, Number):
        return factor.base, factor.exponent.value, factor.exponent.decimal
    return factor, 1, False


@functools.lru_cache(maxsize=64)  # nearly always 1, 2 or 3, and asked for as often as two factors meet
def _exponent(value: Any, decimal: bool) -> Number:
    return number(value, decimal)


def _times(a: Number, b: Number, side: int) -> Number:
    if side < 0 and b == ZERO:
        message = "what is divided by is 0 for every value of the variables"
        raise InputError(message)
    if b == ONE:
        return a
    return number(a.value * b.value if side > 0 else a.value / b.value, a.decimal or b.decimal)


def _subtract(a: Expression, b: Expression) -> Expression:
    return add(a, quotient((MINUS_ONE, b)))


def _multiply(a: Expression, b: Expression) -> Expression:
    return quotient((a, b))


def _divide(a: Expression, b: Expression) -> Expression:
    return quotient((a,), (b,))


def _operate(rule: Callable[[Expression, Expression], Expression], a: Any, b: Any) -> Expression:
    try:
        parts = _expression(a), _expression(b)
    except TypeError:
        return NotImplemented  # Python says which types do not go together
    return rule(*parts)


def _expression(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return number(int(value))
    if isinstance(value, float | Fraction | np.floating):
        return number(value if isinstance(value, Fraction) else float(value))
    message = f"a part of an expression is an expression or a real number, not {type(value).__name__}"
    raise TypeError(message)
