"""The texts of activations and losses: their values are those of the NumPy functions, their slopes are derivatives."""

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.arithmetic import evaluate
from thalweg.expressions import Symbol
from thalweg.formulas import formula
from thalweg.losses import LOSSES
from thalweg.parsing import parse


ROWS = [*(ACTIVATIONS[name] for name in HIDDEN), tw.LeakyReLU(0.0), tw.LeakyReLU(0.3), tw.ELU(0.5), tw.ELU(2.0)]
LOSS_ROWS = [*LOSSES.values(), tw.Huber(0.3), tw.Huber(2.0), tw.Quantile(0.1), tw.Quantile(0.9)]
FUSED = [(loss, output) for loss in LOSSES.values() for output, pair in loss.fused.items() if pair.slope]
PROBABILITIES = {"cross_entropy", "binary_cross_entropy", "poisson"}


def named(numbers) -> dict[Any, Any]:
    """The same numbers by symbols."""
    return {Symbol(name): number for name, number in numbers.items()}


def value(text, row, **numbers):
    """What a row's text comes to, in floats."""
    given = named({**row.constants, **numbers})
    return float(evaluate(formula(text).at(given), given))


def points_of(rng):
    return [*rng.normal(scale=3.0, size=97), 0.0, 1.0, -1.0, 1e-3, -1e-3]


def targets_of(loss, rng):
    """(z, y) that the loss takes: with y at its ends, and with residuals of 0, and of a delta."""
    z = rng.uniform(0.01, 0.99, size=97)
    if loss.name in PROBABILITIES:
        ends = [0.0, 1.0, 0.25] if loss.name != "poisson" else [0.0, 1.0, 3.0]
        return [(float(one), ends[place % 3]) for place, one in enumerate(z)]
    residuals = [0.0, 0.25, -0.25, 2.0, -2.0]
    return [(float(a), float(b)) for a, b in rng.normal(size=(97, 2))] + [(r + 0.5, 0.5) for r in residuals]


def test_every_row_has_both_texts():
    assert len(ROWS) == 16 and len(LOSS_ROWS) == 12
    assert [(loss.name, output) for loss, output in FUSED] == [
        ("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid"), ("poisson", "exp"), ("poisson", "sigmoid"),
    ]  # fmt: skip


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", ROWS, ids=repr)
def test_the_text_of_an_activation_is_its_function(g, rng):
    for a in points_of(rng):
        assert value(g.formula, g, a=a) == pytest.approx(float(g(np.array([a]))[0]), rel=1e-12, abs=1e-15), a


@pytest.mark.parametrize("g", ROWS, ids=repr)
def test_the_text_of_its_slope_is_what_the_backward_pass_multiplies_by(g, rng):
    for a in points_of(rng):
        saved = g(np.array([a])) if g.saves == "z" else np.array([a])
        expected = float(g.backward(saved, np.ones(1))[0])
        assert value(g.slope, g, **{g.saves: float(saved[0])}) == pytest.approx(expected, rel=1e-12, abs=1e-15), a


@pytest.mark.parametrize("loss", LOSS_ROWS, ids=repr)
def test_the_texts_of_a_loss_are_its_functions(loss, rng):
    for z, y in targets_of(loss, rng):
        one, other = np.array([[z]]), np.array([[y]])
        expected = float(loss.value(one, other, loss.parameter)[0, 0])
        assert value(loss.formula, loss, z=z, y=y) == pytest.approx(expected, rel=1e-12, abs=1e-15), (z, y)
        expected = float(loss.gradient(one, other, loss.parameter)[0, 0])
        assert value(loss.slope, loss, z=z, y=y) == pytest.approx(expected, rel=1e-12, abs=1e-15), (z, y)


@pytest.mark.parametrize(("loss", "output"), FUSED, ids=str)
def test_what_a_pair_simplifies_to_is_the_gradient_of_the_pair(loss, output, rng):
    g = ACTIVATIONS[output]
    a = rng.normal(scale=2.0, size=(31, 2))
    y = np.array([[0.25, 0.75]] * 31) if output == "softmax" else rng.integers(2, size=(31, 2)).astype(float)
    z = g(a)
    delta = loss.backward(g, a, z, y)
    for row, column in np.ndindex(31, 2):
        found = value(loss.fused[output].slope, loss, z=z[row, column], y=y[row, column])
        assert found == pytest.approx(delta[row, column], rel=1e-12, abs=1e-15)


def test_without_a_simpler_slope_a_pair_has_no_text():
    assert LOSSES["poisson"].fused["softplus"].slope == ""


# --- Slopes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", ROWS, ids=repr)
def test_the_slope_is_the_derivative_of_the_text(g, rng):
    for a in points_of(rng)[:97]:
        given = {**g.constants, "a": a}
        body = formula(g.formula).at(named(given))
        expected = body.derivative("a")(**given)
        z = float(g(np.array([a]))[0])
        assert value(g.slope, g, a=a, z=z) == pytest.approx(expected, rel=1e-9, abs=1e-12), a


@pytest.mark.parametrize("loss", LOSS_ROWS, ids=repr)
def test_the_slope_of_a_loss_is_the_derivative_of_its_text(loss, rng):
    for z, y in targets_of(loss, rng)[:97]:
        given = {**loss.constants, "z": z, "y": y}
        body = formula(loss.formula).at(named(given))
        assert value(loss.slope, loss, z=z, y=y) == pytest.approx(body.derivative("z")(**given), rel=1e-9, abs=1e-12)


# --- Branches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "given", "branch"),
    [
        ("a if a > 0 else 0", {"a": 0.0}, "0"),
        ("a if a > 0 else 0", {"a": 5e-324}, "a"),
        ("a if a > 0 else 0", {"a": Fraction(-1, 10**30)}, "0"),
        (LOSSES["huber"].formula, {"z": Fraction(3, 10), "y": 0.0, "delta": Fraction(3, 10)}, "(z - y)**2/2"),
        (LOSSES["huber"].formula, {"z": 0.31, "y": 0.0, "delta": 0.3}, "delta*(abs(z - y) - delta/2)"),
        (LOSSES["quantile"].slope, {"z": 1.0, "y": 2.0, "level": 0.1}, "-level"),
        (LOSSES["quantile"].slope, {"z": 2.0, "y": 1.0, "level": 0.1}, "1 - level"),
        (LOSSES["quantile"].slope, {"z": 2.0, "y": 2.0, "level": 0.1}, "0"),
        (LOSSES["cross_entropy"].formula, {"z": 0.0, "y": 0.0}, "0"),
        (LOSSES["binary_cross_entropy"].formula, {"z": 0.0, "y": 0.0}, "-log(1 - z)"),
        (LOSSES["binary_cross_entropy"].formula, {"z": 1.0, "y": 1.0}, "-log(z)"),
        (LOSSES["poisson"].slope, {"z": 0.0, "y": 0.0}, "1"),
        ("y if z >= 2 else a", {"z": 2.0, "y": 0.0, "a": 0.0}, "y"),
        ("y if z <= 2 else a", {"z": 2.0, "y": 0.0, "a": 0.0}, "y"),
        ("y if z < 2 else a", {"z": 2.0, "y": 0.0, "a": 0.0}, "a"),
        ("1/(z - y) if z > y else 0", {"z": 1.0, "y": 1.0}, "0"),  # what is not chosen is not worked out
    ],
)
def test_the_numbers_choose_the_branch(text, given, branch):
    assert formula(text).at(named(given)) == parse(branch)


def test_a_branch_by_the_target_alone_is_short_for_the_whole():
    by_target = {name for name, loss in LOSSES.items() if formula(loss.formula).by_target}
    assert by_target == set(LOSSES) - {"huber", "quantile"}
    assert str(formula(LOSSES["cross_entropy"].formula).fullest) == "-y*log(z)"
    assert str(formula(LOSSES["binary_cross_entropy"].formula).fullest) == "-y*log(z) - (1 - y)*log(1 - z)"
    assert str(formula(LOSSES["poisson"].slope).fullest) == "1 - y/z"
    assert not formula(ACTIVATIONS["relu"].slope).by_target


def test_formulas_are_written_for_people():
    assert str(formula(ACTIVATIONS["leaky_relu"].formula)) == "a if a > 0, else slope·a"
    assert str(formula(LOSSES["quantile"].formula)) == "level·(y − z) if z ≤ y, else (1 − level)·(z − y)"
    assert str(formula("1 if a >= 2 else -1")) == "1 if a ≥ 2, else −1"
    assert str(formula(ACTIVATIONS["tanh"].slope)) == "1 − z²"


def test_a_formula_is_read_once_and_frozen():
    relu = formula(ACTIVATIONS["relu"].formula)
    assert formula("a if a > 0 else 0") is relu
    with pytest.raises(dataclasses.FrozenInstanceError):
        relu.branches = ()  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("row", [*ROWS, *LOSS_ROWS], ids=repr)
def test_a_text_has_no_names_but_its_own(row):
    known = {"a", "z", "y", *row.constants}
    for text in (row.formula, row.slope):
        for body, condition in formula(text).branches:
            used = body.symbols | (condition.left.symbols | condition.right.symbols if condition else frozenset())
            assert used <= known, text


# --- Typed formulas ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("a", "a"),
        ("2*a if a>0 else 0", "2*a if a > 0 else 0"),
        (" a  if  a<=b else  -a ", "a if a <= b else -a"),
        ("1 if a ≥ 0 else 2 if a≤-1 else 3", "1 if a >= 0 else 2 if a <= -1 else 3"),
        ("if_a if else_b < 3 else iffy", "if_a if else_b < 3 else iffy"),
        ("(a if_x 1)", None),
        ("(a)if(a)>(0)else(1)", "a if a > 0 else 1"),
    ],
)
def test_a_formula_is_typed_in_many_ways_and_written_in_one(typed, text):
    if text is None:
        with pytest.raises(tw.FormulaError, match="a sign is missing"):
            formula(typed)
        return
    assert formula(typed).text == text and formula(text) == formula(typed)


@pytest.mark.parametrize("row", [*ROWS, *LOSS_ROWS], ids=repr)
def test_the_text_of_a_formula_makes_it_again(row):
    for text in (row.formula, row.slope):
        if row.name != "softmax":
            assert formula(formula(text).text) == formula(text)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a if a > 0", 3, "this if has no else"),
        ("a else 0", 3, "this else has no if"),
        ("a > 0", 3, "a comparison follows an if"),
        ("a if a else 0", 3, "after this if a comparison is missing"),
        ("a if 0 < a < 1 else 0", 12, "one comparison to an if"),
        ("a if a == 0 else 1", 8, "compares with <, <=, > or >= only"),
        ("a if a != 0 else 1", 8, "compares with <, <=, > or >= only"),
        ("1 + (a if a > 0 else 0)", 8, "if stands in brackets"),
        ("relu(a > 0)", 8, "> stands in brackets"),
        ("a if a > 0 else a if a > 1", 19, "this if has no else"),
        ("a if a > 0 if a > 1 else 2", 3, "this if has no else"),
        (" if a > 0 else 1", 1, "the formula is empty"),
        ("a if a > else 1", 1, "the formula is empty"),
        ("a if a > 0 else ", 1, "the formula is empty"),
        ("a if a > 0 and a < 1 else 2", 18, "one comparison to an if"),
        ("a" * 2001, 2001, "at most 2,000 characters"),
    ],
)
def test_what_is_no_formula_is_refused_with_its_place(text, place, said):
    with pytest.raises(tw.FormulaError, match=rf"(?s)at character {place}: .*{said}"):
        formula(text)


@pytest.mark.parametrize("wrong", [None, 3, ["a"], b"a"])
def test_a_formula_is_text(wrong):
    with pytest.raises(tw.InputError, match="a formula is text such as"):
        formula(wrong)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", [*ROWS, *LOSS_ROWS], ids=repr)
def test_on_arrays_a_formula_has_the_value_that_it_has_on_numbers(row, dtype, rng):
    variables = ["a", "z"] if row in ROWS else ["z", "y"]
    arrays = [rng.uniform(0.05, 0.95, size=(7, 3)).astype(dtype) * sign for sign in (1, 1 if row in LOSS_ROWS else -1)]
    for text in (row.formula, row.slope):
        if row.name == "softmax":
            continue
        found = formula(text).with_numbers(row.constants).on_arrays(variables)(*arrays)
        assert found.dtype == dtype and found.shape == (7, 3)
        for place in np.ndindex(7, 3):
            point = dict(zip(variables, (float(array[place]) for array in arrays), strict=True))
            expected = value(text, row, **point)
            assert found[place] == pytest.approx(expected, rel=2e-5 if dtype == np.float32 else 1e-12, abs=1e-6)


def test_the_derivative_of_a_formula_goes_branch_by_branch():
    given = formula("a**3 if a > b else sin(a) if a <= -1 else b")
    assert given.derivative("a").text == "3*a**2 if a > b else cos(a) if a <= -1 else 0"
    assert given.symbols == {"a", "b"} and len(given.parts) == 7
    assert given.with_numbers({"b": 0.5}).text == "a**3 if a > 0.5 else sin(a) if a <= -1 else 0.5"
