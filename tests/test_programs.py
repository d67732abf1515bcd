"""Formulas compiled for the core: on every instruction set they are what the formula says, to rounding."""

import dataclasses
import itertools

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import thalweg as tw
from formulas import FORMULAS
from thalweg import _core
from thalweg.elementary import FUNCTIONS
from thalweg.engines.cpu import Cpu
from thalweg.engines.programs import REGISTERS, activation_programs, functions, loss_program
from thalweg.engines.reference import Reference
from thalweg.examples import check_examples
from thalweg.formulas import formula


SETS = _core.cpu_features()["usable"]
EVERYWHERE = list(itertools.product(SETS, ["float32", "float64"]))


def unchecked(text, slope=""):
    """A row of a formula that may have no value somewhere, or no slope."""
    read = formula(text)
    g = read.on_arrays(["a"])
    return dataclasses.replace(
        tw.own_activation("mine", "a + 1"), formula=text, slope=slope or read.derivative("a").text,
        g=lambda a, _: g(a), own=(("formula", text),),
    )  # fmt: skip


def values(row, a, instruction_set):
    """g(a) by the core: a network of one unit whose weight is 1."""
    network = tw.Network([1, 1], output=row, bias=False)
    return Cpu(instruction_set=instruction_set).predict(network, np.ones(1, a.dtype), a[:, None].copy())[:, 0]


def slopes(row, a, instruction_set):
    """g′(a) by the core: the gradient of E = z with respect to the bias of a layer that gets 0·x + a, one at a time."""
    network = tw.Network([1, 1], output=row, loss=tw.own_loss("as_it_is", "z"))
    found = []
    for one in a:
        examples = check_examples(network, [[1.0]], [0.0], dtype=a.dtype)
        p = np.array([0.0, one], dtype=a.dtype)
        found.append(Cpu(instruction_set=instruction_set).loss_and_gradient(network, p, examples)[1][1])
    return np.array(found)


def arguments(dtype, rng):
    """Both signs, sizes from tiny to 8, and numbers where something changes."""
    sizes = np.exp2(rng.uniform(-30, 3, size=1009))
    edges = [0.0, 0.5, 1.0, 2.0, np.nextafter(0.5, 0), 0.5000001, 5.0]
    return np.concatenate([sizes, -sizes, edges, np.negative(edges)]).astype(dtype)


def errors(found, expected):
    """In units of ε, relative to the value."""
    scale = np.maximum(np.abs(expected), 1e-30)
    return np.abs(found.astype(np.longdouble) - expected) / scale / np.finfo(found.dtype).eps


# The function in long double by NumPy, or by SciPy: no formula in common with the core's.
TRUE = {
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "exp": np.exp,
    "abs": np.abs,
    "sign": np.sign,
    "relu": lambda a: np.maximum(a, 0),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "softplus": lambda a: np.maximum(a, 0) + np.log1p(np.exp(-np.abs(a))),
    "erf": lambda a: scipy.special.erf(a.astype(np.float64)),
}
ONLY_POSITIVE = {"log": np.log, "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt}


def test_the_functions_here_are_those_of_the_core():
    assert set(functions()) == set(TRUE) | set(ONLY_POSITIVE) and set(functions()) < set(FUNCTIONS)


@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
@pytest.mark.parametrize("name", [*TRUE, *ONLY_POSITIVE])
def test_a_function_is_right_to_a_few_units_in_the_last_place(name, instruction_set, dtype, rng):
    a = arguments(dtype, rng)
    if name in ONLY_POSITIVE:
        a = a[a > 0]
    found = values(unchecked(f"{name}(a)"), a, instruction_set)
    expected = (TRUE | ONLY_POSITIVE)[name](a.astype(np.longdouble))
    assert errors(found, expected).max() < 4.5


POWERS = {
    "a**2": lambda a: a**2,
    "a**7": lambda a: a**7,
    "abs(a)**2.5": lambda a: np.abs(a) ** np.longdouble(2.5),
    "(1 + a**2)**(-1.5)": lambda a: (1 + a**2) ** np.longdouble(-1.5),
    "(1 + a**2)**a": lambda a: (1 + a**2) ** a,
    "(1 + a**2)**0.5": lambda a: np.sqrt(1 + a**2),
    "2**a": lambda a: np.longdouble(2) ** a,
    "a/3 - pi*a": lambda a: a / 3 - np.pi * a,
    "5*a/(2 + a**2)/7": lambda a: 5 * a / (2 + a**2) / 7,
    "-a - 2*a**3 - 1": lambda a: -a - 2 * a**3 - 1,
    "1 - a": lambda a: 1 - a,
    "3 - abs(a) + relu(a)": lambda a: 3 - np.abs(a) + np.maximum(a, 0),
    "a if a < 0 else 2*a if a <= 1/2 else 3*a if 2 >= a else -a if a > 4 else 7": lambda a: np.select(
        [a < 0, a <= 0.5, a <= 2, a > 4], [a, 2 * a, 3 * a, -a], 7
    ),
}


@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
@pytest.mark.parametrize("text", POWERS)
def test_arithmetic_is_that_of_the_formula(text, instruction_set, dtype, rng):
    a = arguments(dtype, rng)
    found = values(tw.own_activation("mine", text), a, instruction_set)
    expected = POWERS[text](a.astype(np.longdouble))
    size = np.maximum(np.abs(expected), 1.0)
    assert (np.abs(found - expected) / size / np.finfo(dtype).eps).max() < (40 if "**a" in text else 20)


@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
def test_there_is_no_value_where_the_reference_has_none(instruction_set, dtype):
    a = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0], dtype=dtype)
    for text in (
        "tanh(1/a)", "log(a)", "sqrt(a)", "exp(-1/a**2)", "a**(-2)", "a**1.5", "log(a**2)", "a**a", "(a - 1)**(2*a)",
        "abs(a)**a", "2**(1/a)", "sigmoid(log(a))",
    ):  # fmt: skip
        row = unchecked(text)
        network = tw.Network([1, 1], output=row, bias=False)
        expected = Reference().predict(network, np.ones(1, dtype), a[:, None].copy())[:, 0]
        found = values(row, a, instruction_set)
        assert np.array_equal(np.isfinite(found), np.isfinite(expected)), text
        known = np.isfinite(expected)
        tolerance = 1e-5 if dtype == "float32" else 1e-13
        np.testing.assert_allclose(found[known], expected[known], rtol=tolerance, err_msg=text)


def test_what_is_not_chosen_may_have_no_value():
    a = np.array([-1.0, 0.0, 4.0])
    for instruction_set in SETS:
        found = values(tw.own_activation("mine", "sqrt(a) if a > 0 else log(1 - a)"), a, instruction_set)
        np.testing.assert_allclose(found, [np.log(2.0), 0.0, 2.0], rtol=1e-14)


@settings(max_examples=150)
@given(FORMULAS, st.sampled_from(SETS))
def test_any_formula_has_the_values_and_slopes_of_the_reference(text, instruction_set):
    try:
        row = tw.own_activation("mine", text)
    except tw.InputError:
        return  # a constant, or too large somewhere
    a = np.linspace(-2.03, 1.97, 83)
    z, slope = row(a), row.backward(a, np.ones_like(a))
    inside = np.abs(z) < 1e200
    size = np.maximum(np.abs(z), np.abs(slope * a)) + 1.0
    found = values(row, a, instruction_set)
    assert (np.abs(found - z) <= 1e-11 * size)[inside].all()
    some = slice(None, None, 9)
    near = np.abs(slopes(row, a[some], instruction_set) - slope[some]) <= 1e-9 * (np.abs(slope[some]) + size[some])
    assert (near | ~(np.abs(slope[some]) < 1e100)).all()


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sin", "cos", "tan", "atan"])
def test_a_function_that_the_core_has_not_is_refused_by_name_with_the_way_out(name):
    row = tw.own_activation("mine", f"{name}(a/9) + a")
    with pytest.raises(
        tw.EngineError, match=rf"the engine 'cpu' has no function {name}, which mine needs.*use engine="
    ):
        activation_programs(row)
    assert tw.predict(tw.Network([1, 1], output=row), [1.0, 0.0], [[0.5]], engine="reference").shape == (1, 1)


def test_a_loss_is_refused_alike():
    with pytest.raises(tw.EngineError, match="has no function cos, which mine needs"):
        loss_program(tw.own_loss("mine", "2 - 2*cos(z - y)"))


def test_a_formula_that_needs_too_many_places_is_refused():
    def nest(depth):  # two values wait at each depth
        return "a" if depth == 0 else f"tanh({depth}*a)*(sigmoid({depth}*a) + {nest(depth - 1)})"

    activation_programs(unchecked(nest(REGISTERS // 2 - 2), "1"))
    with pytest.raises(tw.EngineError, match="mine has more than 32 parts that wait.*write it shorter, or use engine="):
        activation_programs(unchecked(nest(REGISTERS // 2 + 1), "1"))
    activation_programs(unchecked(" else ".join(f"{n}*a if a > {n}" for n in range(1, 60)) + " else 0"))


@pytest.mark.parametrize(
    ("code", "results", "said"),
    [
        ([("launch", 1, [0], 0.0)], [1], "an instruction that there is"),
        ([("exp", 1, [2], 0.0)], [1], "what is read has been written"),
        ([("exp", 1, [-1], 0.0)], [1], "what is read has been written"),
        ([("exp", 1, [99], 0.0)], [1], "what is read has been written"),
        ([("exp", 32, [0], 0.0)], [0], "a register that there is"),
        ([("exp", -1, [0], 0.0)], [0], "a register that there is"),
        ([("add", 1, [0], 0.0)], [1], "an instruction has its operands"),
        ([("exp", 1, [0, 0], 0.0)], [1], "an instruction has its operands"),
        ([("whole_power", 1, [0], 1e12)], [1], "a whole power"),
        ([("whole_power", 1, [0], float("nan"))], [1], "a whole power"),
        ([], [1], "what is read has been written"),
        ([], [0, 0], "a program has a result"),
        ([], [], "a program has a result"),
    ],
)
def test_the_core_takes_no_program_that_reads_or_writes_elsewhere(code, results, said):
    with pytest.raises(ValueError, match=said):
        _core.Program(1, code, results)


def test_the_core_takes_programs_for_own_rows_only():
    one, two = _core.Program(1, [], [0]), _core.Program(2, [], [0, 1])
    _core.Network([(1, 1, "own", 0.0, 0.0, 0, -1, one, one)], "own", [0.0], True, 0.0, two)
    wrong = [
        ("tanh", one, one, "squared_error", None), ("own", None, one, "squared_error", None),
        ("own", one, None, "squared_error", None), ("own", one, one, "own", None), ("own", one, one, "huber", two),
        ("own", two, one, "squared_error", None), ("own", one, one, "own", one),
    ]  # fmt: skip
    for activation, g, slope, loss, own_loss in wrong:
        with pytest.raises(ValueError, match="own row"):
            _core.Network([(1, 1, activation, 0.0, 0.0, 0, -1, g, slope)], loss, [0.0], True, 0.0, own_loss)
