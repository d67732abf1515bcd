"""Formulas as lists of instructions: run one by one in plain Python, they give the values of the formula."""

import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from formulas import FORMULAS
from thalweg import instructions
from thalweg.elementary import FUNCTIONS
from thalweg.formulas import formula
from thalweg.instructions import MULTIPLES, Instructions


def divided(a, b):
    return a / b if b else math.nan


ARITHMETIC = {
    "add": lambda value, a, b: a + b,
    "subtract": lambda value, a, b: a - b,
    "multiply": lambda value, a, b: a * b,
    "divide": lambda value, a, b: divided(a, b),
    "shift": lambda value, a: a + value,
    "scale": lambda value, a: a * value,
    "whole_power": lambda value, a: math.prod([a] * int(value)),
    "power": lambda value, a, b: math.pow(a, b),
    "if_less": lambda value, a, b, c, d: c if a < b else d,
    "if_less_equal": lambda value, a, b, c, d: c if operator.le(a, b) else d,
}


def value(listed, result, *variables):
    """What the instructions give, one after the other."""
    found = []
    for name, operands, number in listed.places:
        given = [found[place] for place in operands]
        if name in ("input", "constant"):
            found.append(variables[int(number)] if name == "input" else number)
        elif name in ARITHMETIC:
            found.append(ARITHMETIC[name](number, *given))
        else:
            found.append(FUNCTIONS[name].scalar(*given))
    return found[result]


@given(FORMULAS, st.floats(-2.0, 2.0))
def test_they_give_the_values_of_the_formula(text, a):
    try:
        read = formula(text)
        listed = Instructions(("a",))
        result = listed.formula(read)
    except tw.InputError:
        return  # a number out of range
    expected = float(read.on_arrays(["a"])(np.array([a]))[0])
    try:
        found = value(listed, result, a)
    except OverflowError:  # in a branch that is not taken, or an infinity to NumPy
        return
    if math.isfinite(expected) and abs(expected) < 1e100:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def names(text, variables=("a",)):
    listed = Instructions(variables)
    listed.formula(formula(text))
    return [name for name, _, _ in listed.places]


def test_equal_parts_are_worked_out_once():
    assert names("a*tanh(a)") == ["input", "tanh", "multiply"]
    assert names("tanh(a) + tanh(a)**2 + exp(tanh(a))").count("tanh") == 1


def test_every_function_is_its_own_instruction_or_another_ones_multiple():
    for name in FUNCTIONS:
        assert names(f"{name}(a)")[1:] == ([MULTIPLES[name][0], "scale"] if name in MULTIPLES else [name])


def test_the_page_of_the_room_names_all_that_is_no_function():
    assert all(name in str(instructions.__doc__) for name in ARITHMETIC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a**2", ["multiply"]),
        ("a**5", ["whole_power"]),
        ("a**0.5", ["sqrt"]),
        ("a/4", ["scale"]),
        ("a/3", ["constant", "divide"]),
        ("3 - a", ["constant", "subtract"]),
        ("a - 3", ["shift"]),
        ("1/a", ["constant", "divide"]),
    ],
)
def test_what_is_short_stays_short(text, expected):
    assert names(text)[1:] == expected
