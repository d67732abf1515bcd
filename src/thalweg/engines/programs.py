"""Formulas as programs for the core: instructions on registers, run by core/formula.inl on whole vectors.

A part that occurs several times, in value and slope too, is worked out once. What the core has no instruction for is
refused with the way out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from thalweg import _core
from thalweg.activations import Activation
from thalweg.errors import EngineError, InputError
from thalweg.formulas import Formula, formula
from thalweg.instructions import MULTIPLES, Instructions
from thalweg.losses import Loss


REGISTERS = 32  # that the core has


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
    instructions = Instructions(variables)
    try:
        results = [instructions.formula(one) for one in formulas]
    except InputError as error:
        message = f"the engine 'cpu' cannot compile {row!r}: {error}; use engine='reference'"
        raise EngineError(message) from error
    return _program(row, instructions, results)


def _program(row: Activation | Loss, instructions: Instructions, results: Sequence[int]) -> _core.Program:
    """Registers for places: one is free again behind the last instruction that reads it."""
    places = instructions.places
    last = {place: place for place in places.values()}
    for (_, operands, _), place in places.items():
        last.update(dict.fromkeys(operands, place))
    last.update(dict.fromkeys(results, len(places)))
    inputs = len(instructions.variables)
    held = {place: place for place in range(inputs)}  # place → register
    free = list(range(REGISTERS - 1, inputs - 1, -1))
    code = []
    for (name, operands, value), place in places.items():
        if place < inputs:
            continue
        if name not in _instructions():
            message = (
                f"the engine 'cpu' has no function {name}, which {row!r} needs for its formula or its derivative; use "
                f"engine='reference', or write the formula with those that it has: {', '.join(functions())}"
            )
            raise EngineError(message)
        read = [held[operand] for operand in operands]
        for operand in dict.fromkeys(operands):
            if last[operand] == place:
                free.append(held.pop(operand))
        if not free:
            message = (
                f"{row!r} has more than {REGISTERS} parts that wait for one another, more than the engine "
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
