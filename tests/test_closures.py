"""Expressions compiled to closures: the values, shared parts, and what happens where a float gives up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from formulas import EXPRESSIONS, NAMES, POINTS, value_and_error
from thalweg.closures import compiled, on_arrays
from thalweg.expressions import Undefined
from thalweg.parsing import parse


def with_slopes(text):
    e = parse(text)
    return [e, *(e.derivative(name) for name in e.variables)], e.variables


@pytest.mark.parametrize(
    ("text", "at", "values"),
    [
        ("x**2", [3.0], [9.0, 6.0]),
        ("x**3", [2.0], [8.0, 12.0]),
        ("x**5", [2.0], [32.0, 80.0]),
        ("1/x", [4.0], [0.25, -0.0625]),
        ("x/4", [3.0], [0.75, 0.25]),
        ("3*x/7", [14.0], [6.0, 3 / 7]),
        ("(1 - x)**2 + 100*(y - x**2)**2", [3.0, 5.0], [1604.0, 4804.0, -800.0]),
        ("x*y*z/(2*w)", [5.0, 7.0, 2.0, 3.0], [4.2, -0.84, 0.6, 2.1, 1.4]),
        ("x - y", [3.0, 5.0], [-2.0, 1.0, -1.0]),
        ("2 - x*y*z", [3.0, 5.0, 7.0], [-103.0, -35.0, -21.0, -15.0]),
        ("x**y", [2.0, 3.0], [8.0, 12.0, 8 * math.log(2)]),
        ("sin(x)**2 + cos(x)**2", [0.3], [1.0, 0.0]),
        ("7/2", [], [3.5]),
    ],
)
def test_values_by_hand(text, at, values):
    found = compiled(*with_slopes(text))(at)
    assert found == pytest.approx(values, rel=1e-15, abs=1e-15) and all(type(value) is float for value in found)


@given(st.lists(EXPRESSIONS, max_size=5), POINTS)
def test_closures_give_what_the_tree_gives(expressions, point):
    f = compiled(expressions, NAMES)
    known = [value_and_error(e, point) for e in expressions]
    try:
        found = f([point[name] for name in NAMES])
    except Undefined:
        assert None in known
        return
    for value, pair in zip(found, known, strict=True):
        assert type(value) is float
        assert pair is None or value == pytest.approx(pair[0], rel=0, abs=2 * pair[1])


def test_a_part_in_common_is_worked_out_once(monkeypatch):
    calls = []

    def counted(a):
        calls.append(a)
        return math.exp(a)

    row = parse("exp(x)").function  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(row.__dict__, "scalar", counted)
    f = compiled(*with_slopes("exp(-x**2)*sin(x) + log(1 + exp(-x**2))"))
    f([0.5])
    assert calls == [-0.25]
    f([0.25])  # nothing is kept from one point to the next
    assert calls == [-0.25, -0.0625]


def test_the_values_given_stay_as_they_are():
    given = [0.5]
    compiled(*with_slopes("exp(sin(x))"))(given)
    assert given == [0.5]
    assert compiled(*with_slopes("exp(sin(x))"))((0.5,)) == compiled(*with_slopes("exp(sin(x))"))(given)


@pytest.mark.parametrize(
    ("text", "at", "values"),
    [
        ("exp(x)", 1000.0, [math.inf, math.inf]),
        ("x**7", -1e100, [-math.inf, math.inf]),
        ("x**2", 1e200, [math.inf, 2e200]),
        ("x**7 + exp(x)", 1e100, [math.inf, math.inf]),
        ("tanh(exp(x))", 1000.0, [1.0, math.nan]),
        ("x*exp(-x)", -1000.0, [-math.inf, math.inf]),
    ],
)
def test_overflow_gives_what_ieee_754_has(text, at, values):
    assert compiled(*with_slopes(text))([at]) == pytest.approx(values, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("log(x - 5)", 3.0, "log(x - 5) is not defined at x = 3, where x - 5 is -2"),
        ("1/(x - 3)", 3.0, "1/(x - 3) is not defined at x = 3, where x - 3 is 0"),
        ("x**0.5", -2.0, "x**0.5 is not defined at x = -2"),
        ("x**0.5", 0.0, "0.5/x**0.5 is not defined at x = 0, where x**0.5 is 0"),  # the slope, not the value
        ("exp(900*x) + asin(x)", 2.0, "asin(x) is not defined at x = 2"),  # overflow elsewhere does not hide it
    ],
)
def test_where_there_is_no_value_the_part_is_named(text, at, said):
    with pytest.raises(Undefined) as caught:
        compiled(*with_slopes(text))([at])
    assert str(caught.value) == said


def test_an_unknown_or_doubled_variable_and_a_wrong_number_of_values_are_refused():
    e = parse("x*sin(y)")
    with pytest.raises(tw.InputError, match=r"must be all different and include y, not \('x',\)"):
        compiled([e], ["x"])
    with pytest.raises(tw.InputError, match="all different"):
        compiled([e], ["x", "y", "x"])
    for expressions in ([e], [e, e], [e, e + 1, 2 * e]):
        f = compiled(expressions, ["y", "x"])
        assert f([0.0, 7.0])[0] == 0.0
        for wrong in ([1.0], [1.0, 2.0, 3.0], []):
            with pytest.raises(tw.InputError, match=f"2 values are wanted, for y, x, not {len(wrong)}"):
                f(wrong)
    assert compiled([], ["x"])([1.0]) == []


def test_deep_formulas_are_evaluated():
    f = compiled(*with_slopes("tanh(1 + 2*" * 49 + "x" + ")" * 49))
    assert f([0.5]) == pytest.approx([0.995, 0.0], abs=0.01)


# --- On arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_on_arrays_each_element_has_the_value_of_the_formula(dtype, rng):
    texts = ["x**2 + y", "sin(x)*exp(-y)", "sigmoid(x) - softplus(3*x)", "pi*x/3 + sqrt(2)", "erf(x)**3", "2**x", "y"]
    expressions = [parse(text) for text in texts]
    x, y = rng.uniform(0.1, 2.0, size=(2, 5, 3)).astype(dtype)
    for expression, found in zip(expressions, on_arrays(expressions, ["x", "y"])(x, y), strict=True):
        assert found.shape == (5, 3)
        for place in np.ndindex(5, 3):
            expected = expression(x=float(x[place]), y=float(y[place]))
            assert found[place] == pytest.approx(expected, rel=1e-5 if dtype == np.float32 else 1e-13)


def test_on_arrays_what_has_no_value_is_nan_and_constants_are_floats():
    x, y = np.array([0.0, -1.0, 1.0]), np.array([1.0, 1.0, 0.0])
    found = on_arrays([parse("log(x)/y"), parse("sqrt(2)")], ["x", "y"])(x, y)
    assert np.isnan(found[0]).all() and found[1] == math.sqrt(2.0)
    with pytest.raises(Undefined, match=r"log\(-1\) is not defined"):
        on_arrays([parse("x + log(-1)")], ["x"])
