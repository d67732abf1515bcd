"""Formulas as programs for the core: instructions on registers, run by core/formula.inl on whole vectors.

A part that occurs several times, in value and slope too, is worked out once. What the core has no instruction for is
refused with the way out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from thalweg import _core
from thalweg.activations import Activation
from thalweg.errors import EngineError, InputError
from thalweg.expressions import Call, Expression, Number, Power, Product, Sum, Symbol
from thalweg.formulas import Formula, formula
from thalweg.losses import Loss


REGISTERS = 32  # that the core has
Operands = tuple[int, ...]  # places in the list of instructions

# Functions that are another one, times a number.
MULTIPLES = {"log2": ("log", 1.0 / math.log(2.0)), "log10": ("log", 1.0 / math.log(10.0))}


@lru_cache(maxsize=256)
def activation_programs(row: Activation) -> tuple[_core.Program, _core.Program]:
    """g and g′ of an own activation, each from a.

    Raises:
        EngineError: it is made of Python functions, or has a function that the core does not have.
    """
    value, slope = _formulas(row)
    return _compiled(row, [value], ("a",)), _compiled(row, [slope], ("a",))


@lru_cache(maxsize=256)
def loss_program(row: Loss) -> _core.Program:
    """Value and slope of an own loss, from z and y.

    Raises:
        EngineError: it is made of Python functions, or has a function that the core does not have.
    """
    return _compiled(row, _formulas(row), ("z", "y"))


def _formulas(row: Activation | Loss) -> list[Formula]:
    if not row.formula:
        message = (
            f"{row!r} is made of Python functions, which the engine 'cpu' does not call; use engine='reference', or "
            f"make it from a formula"
        )
        raise EngineError(message)
    return [formula(text).with_numbers(row.constants) for text in (row.formula, row.slope)]


def _compiled(row: Activation | Loss, formulas: Sequence[Formula], variables: tuple[str, ...]) -> _core.Program:
    compiler = _Compiler(row, variables)
    try:
        results = [compiler.formula(one) for one in formulas]
    except InputError as error:
        if isinstance(error, EngineError):
            raise
        message = f"the engine 'cpu' cannot compile {row!r}: {error}; use engine='reference'"
        raise EngineError(message) from error
    return compiler.program(results)


class _Compiler:
    """Instructions in the making, each with the places of its operands; equal ones are one."""

    def __init__(self, row: Activation | Loss, variables: tuple[str, ...]) -> None:
        self.row = row
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
        """Where its value is: the branches from the last to the first, each chosen where its comparison holds."""
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
        if name not in _instructions():
            message = (
                f"the engine 'cpu' has no function {name}, which {self.row!r} needs for its formula or its derivative; "
                f"use engine='reference', or write the formula with those that it has: {', '.join(functions())}"
            )
            raise EngineError(message)
        place = self.emit(name, self.expression(node.argument))
        return place if factor == 1.0 else self.emit("scale", place, value=factor)

    def program(self, results: Sequence[int]) -> _core.Program:
        """Registers for places: one is free again behind the last instruction that reads it."""
        last = {place: place for place in self.places.values()}
        for (_, operands, _), place in self.places.items():
            last.update(dict.fromkeys(operands, place))
        last.update(dict.fromkeys(results, len(self.places)))
        inputs = len(self.variables)
        held = {place: place for place in range(inputs)}  # place → register
        free = list(range(REGISTERS - 1, inputs - 1, -1))
        code = []
        for (name, operands, value), place in self.places.items():
            if place < inputs:
                continue
            read = [held[operand] for operand in operands]
            for operand in dict.fromkeys(operands):
                if last[operand] == place:
                    free.append(held.pop(operand))
            if not free:
                message = (
                    f"{self.row!r} has more than {REGISTERS} parts that wait for one another, more than the engine "
                    f"'cpu' has places for; write it shorter, or use engine='reference'"
                )
                raise EngineError(message)
            held[place] = free.pop()
            code.append((name, held[place], read, value))
        return _core.Program(inputs, code, [held[place] for place in results])


def functions() -> tuple[str, ...]:
    """The functions of formulas that the core has.

    >>> "tanh" in functions(), "sin" in functions()
    (True, False)
    """
    from thalweg.elementary import FUNCTIONS

    return tuple(name for name in FUNCTIONS if name in MULTIPLES or name in _instructions())


@lru_cache(maxsize=1)
def _instructions() -> frozenset[str]:
    return frozenset(_core.program_instructions())
