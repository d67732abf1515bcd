"""Formulas as lists of instructions, for what runs them elsewhere: the core, an exported ONNX file, exported C.

input          the variable number `value`              add, subtract, multiply    of two
constant       `value`                                  divide                     no value where the second is 0
shift, scale   + `value`, · `value`                     power, sqrt                no value for 0 to a negative one
whole_power    to the power of `value`, whole and > 2   if_less, if_less_equal     third where first < (≤) second, else
                                                                                   fourth

All others are functions of `elementary`, which have one operand.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from thalweg.expressions import Call, Expression, Number, Power, Product, Sum, Symbol
from thalweg.formulas import Formula


Operands = tuple[int, ...]  # places in the list of instructions

# Functions that are another one, times a number.
MULTIPLES = {"log2": ("log", 1.0 / math.log(2.0)), "log10": ("log", 1.0 / math.log(10.0))}


class Instructions:
    """Instructions in the making, each with the places of its operands; equal ones are one.

    >>> from thalweg.formulas import formula
    >>> instructions = Instructions(("a",))
    >>> instructions.formula(formula("a*sigmoid(2*a)"))
    3
    >>> for (name, operands, value), place in instructions.places.items():
    ...     print(place, name, operands, value)
    0 input () 0.0
    1 scale (0,) 2.0
    2 sigmoid (1,) 0.0
    3 multiply (0, 2) 0.0
    """

    def __init__(self, variables: tuple[str, ...]) -> None:
        self.variables = variables
        self.places: dict[tuple[str, Operands, float], int] = {}  # in the order in which they run
        for place in range(len(variables)):
            self.emit("input", value=float(place))
        self.known: dict[Expression, int] = {}

    def emit(self, name: str, *operands: int, value: float = 0.0) -> int:
        return self.places.setdefault((name, operands, value), len(self.places))

    def constant(self, value: float) -> int:
        return self.emit("constant", value=value)

    def formula(self, given: Formula) -> int:
        """The place of its value: the branches from the last to the first, each chosen where its comparison holds."""
        chosen = self.expression(given.branches[-1][0])
        for body, condition in reversed(given.branches[:-1]):
            assert condition is not None
            sides = self.expression(condition.left), self.expression(condition.right)
            if condition.sign[0] == ">":
                sides = sides[::-1]
            name = "if_less_equal" if condition.sign.endswith("=") else "if_less"
            chosen = self.emit(name, *sides, self.expression(body), chosen)
        return chosen

    def expression(self, node: Expression) -> int:
        if node not in self.known:
            self.known[node] = self._expression(node)
        return self.known[node]

    def _expression(self, node: Expression) -> int:
        if not node.symbols:
            return self.constant(float(node()))
        if isinstance(node, Symbol):
            return self.variables.index(node.spelling)
        if isinstance(node, Sum):
            return self._sum(node)
        if isinstance(node, Product):
            return self._product(node)
        if isinstance(node, Power):
            return self._power(node)
        assert isinstance(node, Call)
        return self._call(node)

    def _sum(self, node: Sum) -> int:
        constant = math.fsum(float(term()) for term in node.terms if not term.symbols)
        added, taken = [], []
        for term in node.terms:
            if term.symbols:
                negative = isinstance(term, Product) and term.coefficient.value < 0
                (taken if negative else added).append(self.expression(-term if negative else term))
        if added:
            total, *added = added
        else:
            total, constant = self.constant(constant), 0.0
        for place in added:
            total = self.emit("add", total, place)
        for place in taken:
            total = self.emit("subtract", total, place)
        return self.emit("shift", total, value=constant) if constant else total

    def _product(self, node: Product) -> int:
        top, bottom = node.outer
        sides: list[list[int]] = []
        for factors in (node.over, node.under):
            sides.append([self.expression(factor) for factor in factors if factor.symbols])
        top *= math.prod(float(factor()) for factor in node.over if not factor.symbols)
        bottom *= math.prod(float(factor()) for factor in node.under if not factor.symbols)
        if math.frexp(bottom)[0] == 0.5:  # a power of two: exact as a factor, and faster
            top, bottom = top / bottom, 1.0
        above = self._multiplied(top, sides[0])
        return (
            above if bottom == 1.0 and not sides[1] else self.emit("divide", above, self._multiplied(bottom, sides[1]))
        )

    def _multiplied(self, number: float, places: Sequence[int]) -> int:
        if not places:
            return self.constant(number)
        total, *rest = places
        for place in rest:
            total = self.emit("multiply", total, place)
        return total if number == 1.0 else self.emit("scale", total, value=number)

    def _power(self, node: Power) -> int:
        base = self.expression(node.base)
        exponent = node.exponent.value if isinstance(node.exponent, Number) else None
        if exponent == 2:
            return self.emit("multiply", base, base)
        if exponent is not None and exponent.denominator == 1 and exponent > 2:
            return self.emit("whole_power", base, value=float(exponent))
        if exponent is not None and 2 * exponent == 1:
            return self.emit("sqrt", base)
        return self.emit("power", base, self.expression(node.exponent))

    def _call(self, node: Call) -> int:
        name, factor = MULTIPLES.get(node.function.name, (node.function.name, 1.0))
        place = self.emit(name, self.expression(node.argument))
        return place if factor == 1.0 else self.emit("scale", place, value=factor)
