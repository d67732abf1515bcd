"""Expressions as fast functions of floats: Python closures, one inside the other, and no code made from text.

A closure takes the list of values and gives a float. Parts that several expressions, or several places, have in common
are worked out once and appended to the list, as if they were further variables. What a float cannot do raises in
`math`, and only then are the expressions evaluated again part by part (`nodes.values`), for inf or for a sentence.
On arrays a part is one call of NumPy (`on_arrays`).
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from thalweg.errors import InputError
from thalweg.expressions import MINUS_ONE, Call, Expression, Number, Power, Product, Sum, Symbol
from thalweg.nodes import postorder, values


Closure = Callable[[Sequence[float]], float]

WORTH_SHARING = 5  # nodes in a part, from which on keeping its value costs less than working it out again


def compiled(expressions: Sequence[Expression], variables: Sequence[str]) -> Callable[[Sequence[float]], list[float]]:
    """A function from the values of the variables, Python floats in this order, to the values of the expressions.

    The function raises `Undefined` where an expression has no value, and gives inf, -inf or nan where a value is too
    large. It does not check its floats: NumPy's numbers would warn where Python's raise.

    Raises:
        InputError: a variable of an expression is not among the variables, or one is named twice.

    >>> from thalweg.parsing import parse
    >>> e = parse("x**2 + y")
    >>> compiled([e, e.derivative("x")], ["x", "y"])([3.0, 0.5])
    [9.5, 6.0]
    """
    roots, names = tuple(expressions), tuple(variables)
    unknown = sorted({name for root in roots for name in root.symbols} - set(names))
    if unknown or len(set(names)) < len(names):
        message = f"the variables must be all different and include {', '.join(unknown) or 'those used'}, not {names}"
        raise InputError(message)
    nodes = postorder(roots)
    uses = Counter([part for node in nodes for part in node.operands] + list(roots))
    places: dict[Expression, int] = {Symbol(name): place for place, name in enumerate(names)}
    made: dict[Expression, Closure] = {}
    shared: list[Closure] = []
    for node in nodes:
        closure = operator.itemgetter(places[node]) if node in places else _closure(node, made, places)
        if uses[node] > 1 and (node.size >= WORTH_SHARING or isinstance(node, Call)):
            places[node] = len(names) + len(shared)
            shared.append(closure)
            closure = operator.itemgetter(places[node])
        made[node] = closure
    return _function([made[root] for root in roots], shared, roots, names)


def on_arrays(expressions: Sequence[Expression], variables: Sequence[str]) -> Callable[..., list[Any]]:
    """A function from arrays, in the order of the variables, to the values of the expressions: nan where there is none.

    What has no variable is worked out once, as a Python float, which leaves float32 what it is.

    Raises:
        Undefined: a part without variables has no value.

    >>> from thalweg.parsing import parse
    >>> on_arrays([parse("1/x + sqrt(2)")], ["x"])(np.array([2.0, 0.0], dtype=np.float32))
    [array([1.9142135,       nan], dtype=float32)]
    """
    roots = tuple(expressions)
    nodes = postorder(roots)
    fixed: dict[Expression, Any] = {node: float(node()) for node in nodes if not node.symbols}
    varying = [node for node in nodes if node.operands and node.symbols]

    def values(*arrays: Any) -> list[Any]:
        known = {**fixed, **{Symbol(name): array for name, array in zip(variables, arrays, strict=True)}}
        with np.errstate(all="ignore"):
            for node in varying:
                known[node] = node._array(*[known[part] for part in node.operands])
        return [known[root] for root in roots]

    return values


def _function(
    outputs: list[Closure], shared: list[Closure], roots: Sequence[Expression], names: tuple[str, ...]
) -> Callable[[Sequence[float]], list[float]]:
    wanted = len(names)

    def check(v: Sequence[float]) -> None:
        message = f"{wanted} values are wanted, for {', '.join(names) or 'no variable'}, not {len(v)}"
        raise InputError(message)

    def again(v: Sequence[float]) -> list[float]:
        return values(roots, dict(zip(names, v, strict=True)))

    def many(v: Sequence[float]) -> list[float]:
        if len(v) != wanted:
            check(v)
        try:
            return [output(v) for output in outputs]
        except (ValueError, OverflowError, ZeroDivisionError):
            return again(v)

    def sharing(v: Sequence[float]) -> list[float]:
        if len(v) != wanted:
            check(v)
        known = list(v)
        try:
            for part in shared:
                known.append(part(known))
            return [output(known) for output in outputs]
        except (ValueError, OverflowError, ZeroDivisionError):
            return again(v)

    if shared:
        return sharing
    if len(outputs) != 2:
        return many
    first, second = outputs

    def two(v: Sequence[float]) -> list[float]:  # a value and a slope: the commonest case, and the smallest
        if len(v) != wanted:
            check(v)
        try:
            return [first(v), second(v)]
        except (ValueError, OverflowError, ZeroDivisionError):
            return again(v)

    return two


def _closure(node: Expression, made: dict[Expression, Closure], places: dict[Expression, int]) -> Closure:
    if isinstance(node, Call):
        return _call(node.function.scalar, made[node.argument], places.get(node.argument))
    if isinstance(node, Power):
        return _power(node, made, places.get(node.base))
    if isinstance(node, Sum):
        return _sum(node, made)
    if isinstance(node, Product):
        top, bottom = node.outer
        over = _row(top, node.over, made, places)
        if not node.under:
            return over if bottom == 1.0 else lambda v: over(v) / bottom
        under = _row(bottom, node.under, made, places)
        return (lambda v: over(v) / under(v)) if node.over else lambda v: top / under(v)
    constant = node._leaf({})
    return lambda v: constant


# Where an operand stands in the list, reading it there saves a call; it matters, for a call is most of what these cost.


def _call(f: Callable[[float], float], a: Closure, place: int | None) -> Closure:
    return (lambda v: f(a(v))) if place is None else lambda v: f(v[place])


def _power(node: Power, made: dict[Expression, Closure], place: int | None) -> Closure:
    a, b, pow = made[node.base], made[node.exponent], math.pow
    n = float(node.exponent.value) if isinstance(node.exponent, Number) else None
    if n == 2.0:
        return (lambda v: (x := a(v)) * x) if place is None else lambda v: v[place] * v[place]
    if n == 3.0:
        return lambda v: (x := a(v)) * x * x
    return (lambda v: pow(a(v), b(v))) if n is None else lambda v: pow(a(v), n)


def _sum(node: Sum, made: dict[Expression, Closure]) -> Closure:
    closures = [made[term] for term in node.terms]
    if len(closures) > 2:
        first, *rest = closures

        def total(v: Sequence[float]) -> float:
            result = first(v)
            for closure in rest:
                result += closure(v)
            return result

        return total
    a, b = closures
    second = node.terms[1]
    if isinstance(second, Product) and second.coefficient == MINUS_ONE and len(second.over) == 1 and not second.under:
        c = made[second.over[0]]  # a - c, without first turning c
        return lambda v: a(v) - c(v)
    return lambda v: a(v) + b(v)


def _row(
    c: float, factors: Sequence[Expression], made: dict[Expression, Closure], places: dict[Expression, int]
) -> Closure:
    """c times all factors."""
    if not factors:
        return lambda v: c
    if len(factors) == 1:
        a, place = made[factors[0]], places.get(factors[0])
        if c == 1.0:
            return a
        return (lambda v: c * a(v)) if place is None else lambda v: c * v[place]
    if len(factors) == 2:
        a, b = made[factors[0]], made[factors[1]]
        return (lambda v: a(v) * b(v)) if c == 1.0 else lambda v: c * a(v) * b(v)
    closures = [made[factor] for factor in factors]

    def product(v: Sequence[float]) -> float:
        result = c
        for closure in closures:
            result *= closure(v)
        return result

    return product
