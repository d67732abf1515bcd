"""Expressions: tidy trees, values, and derivatives against SymPy, against differences and by hand."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import assume, given

import formulas
import thalweg as tw
from formulas import EXPRESSIONS, NAMES, POINTS, sympy_value, to_sympy, value_and_error
from thalweg.closures import compiled
from thalweg.elementary import FUNCTIONS
from thalweg.expressions import (
    MAX_EXPONENT,
    MAX_GRADIENT,
    MAX_NODES,
    ZERO,
    Number,
    Symbol,
    Undefined,
    add,
    call,
    number,
    power,
    quotient,
)
from thalweg.parsing import parse


x, y = Symbol("x"), Symbol("y")

TIDY = [  # typed, written again
    ("1 - x", "1 - x"),
    ("-x + 1", "-x + 1"),
    ("x + 0", "x"),
    ("x*1*0", "0"),
    ("x*2", "2*x"),
    ("2*x*3*y", "6*x*y"),
    ("2*0.5*x", "x"),
    ("x*x", "x**2"),
    ("x**2*x", "x**3"),
    ("x/x", "1"),
    ("x**2/x**3", "1/x"),
    ("x**0", "1"),
    ("x - x", "0"),
    ("x + y + x", "2*x + y"),
    ("x*y + y*x", "2*x*y"),
    ("2*(x + 1) - (x + 1)", "x + 1"),
    ("(x + 1) + (x + 1)", "2*x + 2"),
    ("2*(x + 1)", "2*(x + 1)"),  # nothing is expanded
    ("(x*y)**2", "(x*y)**2"),  # x**2 alone may be too large
    ("(x*y)**3/(x*y)**2", "x*y"),
    ("(2*x)**3", "8*x**3"),
    ("(-x)**3", "-x**3"),
    ("(x/3)**2", "x**2/9"),
    ("(1/x)**2", "1/x**2"),
    ("(x**2)**3", "x**6"),
    ("(x**2)**0.5", "(x**2)**0.5"),  # |x|, not x
    ("(x**0.5)**2", "x"),
    ("x**0.5*x", "x**1.5"),
    ("x*(x**3)**0.5*(x**3)**0.5", "x**4"),
    ("x**2/(x**3)**0.5/(x**3)**0.5", "1/x"),
    ("2**0.5*2**0.5*x", "2*x"),
    ("0.1 + 0.2", "0.3"),
    ("0.1*x + x/10", "0.2*x"),
    ("x/10", "x/10"),
    ("1/3 + 1/6", "1/2"),
    ("2/3*x/y", "2*x/(3*y)"),
    ("x/(y/2)", "2*x/y"),
    ("x/y/2", "x/(2*y)"),
    ("1/(1/x)", "x"),
    ("2**10", "1024"),
    ("2**-2", "1/4"),
    ("(-8)**(1/3)", "(-8)**(1/3)"),
    ("0**x", "0**x"),
    ("1**x", "1"),
    ("e**x", "e**x"),
    ("sin(0) + cos(0) + exp(0) + log(1) + sqrt(1) + log(e) + log10(10) + log2(2)", "6"),
    ("12345678901234567890*x", "1.2345678901234567e+19*x"),
    ("1e300*x", "1e+300*x"),
    ("x^2^3", "x**8"),
    ("-x^2", "-x**2"),
    ("2 − 3·x × y", "2 - 3*x*y"),
    ("2*π", "2*pi"),
    ("ln(x)", "log(x)"),
    ("x - -x", "2*x"),
    ("-(x + 1)*y", "-(x + 1)*y"),
    ("x**-y", "x**(-y)"),
    ("1/x**0.5", "1/x**0.5"),
]


@pytest.mark.parametrize(("typed", "written"), TIDY, ids=[typed for typed, _ in TIDY])
def test_an_expression_is_tidy_and_in_the_order_typed(typed, written):
    assert str(parse(typed)) == written
    assert parse(written) == parse(typed)


DERIVATIVES = [
    ("x**2 + 3*sin(x)", "2*x + 3*cos(x)"),
    ("x**4/4", "x**3"),
    ("0.5*x**2", "x"),
    ("exp(-x**2)", "-2*x*exp(-x**2)"),
    ("(1 - x)**2 + 100*(y - x**2)**2", "-2*(1 - x) - 400*x*(y - x**2)"),
    ("(x**2 + y - 11)**2 + (x + y**2 - 7)**2", "4*x*(x**2 + y - 11) + 2*(x + y**2 - 7)"),
    ("abs(x**3)", "3*x**2*sign(x**3)"),
    ("1/x", "-1/x**2"),
    ("1/(x*y)", "-1/(x**2*y)"),
    ("sin(x)/x", "cos(x)/x - sin(x)/x**2"),
    ("sin(x)*cos(x)", "cos(x)**2 - sin(x)**2"),
    ("x**x", "x**x*(log(x) + 1)"),
    ("2**x", "log(2)*2**x"),
    ("e**(2*x)", "2*e**(2*x)"),
    ("x**y", "y*x**(y - 1)"),
    ("y**x", "log(y)*y**x"),
    ("x**1.5", "1.5*x**0.5"),
    ("x**-0.5", "-0.5/x**1.5"),
    ("sqrt(x)", "1/(2*sqrt(x))"),
    ("log10(x)", "1/(x*log(10))"),
    ("relu(x)", "sign(relu(x))"),
    ("sign(x)", "0"),
    ("y**2 + pi", "0"),
    ("(1.5 - x + x*y)**2", "2*(-1 + y)*(1.5 - x + x*y)"),
    ("0.26*(x**2 + y**2) - 0.48*x*y", "0.52*x - 0.48*y"),
]


@pytest.mark.parametrize(("typed", "derivative"), DERIVATIVES, ids=[typed for typed, _ in DERIVATIVES])
def test_derivatives_by_hand(typed, derivative):
    assert str(parse(typed).derivative("x")) == derivative


def test_second_derivatives():
    rosenbrock = parse("(1 - x)**2 + 100*(y - x**2)**2")
    point = {"x": 1.5, "y": 0.25}
    assert rosenbrock.derivative("x").derivative("x")(**point) == 2 - 400 * (0.25 - 1.5**2) + 800 * 1.5**2
    assert rosenbrock.derivative("x").derivative("y") == rosenbrock.derivative("y").derivative("x")
    assert parse("x**5").derivative("x").derivative("x").derivative("x") == parse("60*x**2")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_derivative_of_each_function_against_differences(name):
    f = parse(f"{name}(0.3 + x/4)")
    slope, h = f.derivative("x"), 1e-4
    for at in (-0.7, 0.3, 1.1):  # 0.3 + x/4 lies between 0 and 1
        # five points: the error is of the order h⁴
        numeric = (8 * (f(at + h) - f(at - h)) - (f(at + 2 * h) - f(at - 2 * h))) / (12 * h)
        assert slope(x=at) == pytest.approx(numeric, rel=1e-8, abs=1e-9)


def test_at_a_kink_relu_has_slope_0_as_in_a_network_and_abs_too():
    assert parse("relu(x)").derivative("x")(0.0) == 0.0 == parse("abs(x)").derivative("x")(0.0)
    assert parse("relu(x)").derivative("x")(2.0) == 1.0 and parse("relu(x)").derivative("x")(-2.0) == 0.0


@given(EXPRESSIONS, POINTS)
def test_the_derivative_is_that_of_sympy(e, point):
    assume(value_and_error(e, point) is not None)
    for name in e.variables:
        ours = e.derivative(name)
        if value_and_error(ours, point) is None:
            continue
        theirs = sympy_value(sympy.diff(to_sympy(e), sympy.Symbol(name, real=True)), point)
        exact = sympy_value(to_sympy(ours), point)  # both with 30 digits: no rounding to allow for
        if math.isfinite(exact) and math.isfinite(theirs):
            assert exact == pytest.approx(theirs, rel=1e-12, abs=1e-12), (str(e), name)


@given(EXPRESSIONS, POINTS)
def test_the_value_is_that_of_sympy_and_that_of_numpy(e, point):
    known = value_and_error(e, point)
    assume(known)
    value, error = known or (0.0, 0.0)
    assert e(**point) == pytest.approx(value, rel=0, abs=error)
    grid = e.on_grid(**{name: np.full((2, 3), point[name]) for name in NAMES})
    assert grid.shape == (2, 3) and grid == pytest.approx(np.full((2, 3), value), rel=0, abs=2 * error)
    exact = sympy_value(to_sympy(e), point)
    if math.isfinite(exact):
        assert value == pytest.approx(exact, rel=0, abs=2 * error + 1e-60), str(e)  # SymPy too leaves a trace of a 0


@given(EXPRESSIONS)
def test_text_is_read_back(e):
    assert parse(str(e)) == e
    for name in e.variables:
        try:
            slope = e.derivative(name)
        except tw.InputError:
            continue
        if len(str(slope)) <= 2000:
            assert parse(str(slope)) == slope


@given(EXPRESSIONS)
def test_equal_expressions_have_equal_hashes_and_survive_pickling(e):
    again = pickle.loads(pickle.dumps(e))
    assert again == e and hash(again) == hash(e) and again is not e
    assert copy.deepcopy(e) == e and str(again) == str(e)
    assert e + Symbol("other") != e and e != "x" and {e: 1}[again] == 1


def test_a_symbol_with_indices_is_what_its_spelling_says():
    w = Symbol("W", (1, 2), layer=1)
    again = pickle.loads(pickle.dumps(w))
    assert again == w == copy.deepcopy(w) == Symbol("W[1][1,2]") == Symbol("W", ("1", np.int64(2)), "1")  # pyright: ignore[reportArgumentType]
    for same in (again, Symbol("W[1][1,2]")):
        assert hash(same) == hash(w) and same.unicode == w.unicode
        assert (same.name, same.indices, same.layer, same.spelling) == ("W", (1, 2), 1, "W[1][1,2]")
    others = [Symbol("W", (1, 2)), Symbol("W", (1, 2), 2), Symbol("W", (2, 1), 1), Symbol("W", (12,), 1), Symbol("W12")]
    whole, first = Symbol("W", layer=1), Symbol("W", (1,))
    assert len({w, *others, whole, first}) == 8
    assert Symbol(whole.spelling) == whole and Symbol(first.spelling) == first and whole.layer == 1 == first.indices[0]


def test_a_symbol_with_indices_is_a_variable_like_any_other():
    w, z = Symbol("W", (10, 2), layer=1), Symbol("W", (2, 1), layer=1)
    e = w * x**2 + call("exp", z)
    assert e.variables == ("W[1][2,1]", "W[1][10,2]", "x") and str(e) == "W[1][10,2]*x**2 + exp(W[1][2,1])"
    assert e.derivative("W[1][10,2]") == x**2 and e.derivative("W[1][2,1]") == call("exp", z)
    point = {"W[1][2,1]": 0.0, "W[1][10,2]": 3.0, "x": 2.0}
    assert e(**point) == 13.0 == e(0.0, 3.0, 2.0) and e.on_grid(**point) == 13.0
    assert compiled([e, e.derivative("x")], e.variables)([0.0, 3.0, 2.0]) == [13.0, 12.0]
    assert repr(x + 1) == "parse('x + 1')" and repr(w) == "<W[1][10,2]>"  # parse does not read it
    with pytest.raises(tw.InputError, match="no square brackets"):
        parse(str(e))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("W[1]", (2,)), r"begins with a letter .* not 'W\[1\]'"),
        (("a*b",), "begins with a letter"),
        (("",), "begins with a letter"),
        (("1x",), "begins with a letter"),
        (("<b>", (1,), 1), "begins with a letter"),
        (("W[1",), r"such as x\[2\], W\[1\]\[1,2\] or delta\[1\]\[:\], not 'W\[1'"),
        (("W[1][2][3]",), "such as x"),
        (("W[1][1,]",), "whole number or a letter"),
        (("W[:]",), "whole number or a letter"),
        (("W", (-1,)), "a whole number or a letter, .*: not -1"),
        (("W", (1.0,)), "not 1.0"),
        (("W", ("l+1",)), "not 'l\\+1'"),
        (("W", (1,), "l+"), "not 'l\\+'"),
        (("W", (1,), "²"), "not '²'"),
    ],
)
def test_what_is_no_name_or_index_is_refused(parts, said):
    with pytest.raises(tw.InputError, match=said):
        Symbol(*parts)


def test_numbers_in_the_place_of_variables_are_not_worked_out():
    w, z = Symbol("W", (1, 2), 1), Symbol("z", (1,), 1)
    e = 2 * w * z / y + call("sigmoid", w) - w**2 * x
    shown = e.with_numbers({"W[1][1,2]": -3, z: np.float64(0.5), "y": 1e-7, "unknown": 1.0})
    assert str(shown) == "2*(-3)*0.5/1e-07 + sigmoid(-3) - (-3)**2*x"
    assert shown.unicode == "2·(−3)·0.5/10⁻⁷ + σ(−3) − (−3)²·x"
    assert shown.latex.startswith(r"\frac{2 \cdot \left(-3\right) \cdot 0.5}{10^{-7}} + \sigma\left(-3\right)")
    assert shown(x=2.0) == e(**{"W[1][1,2]": -3.0, "z[1][1]": 0.5, "y": 1e-7, "x": 2.0}) and shown.variables == ("x",)
    assert e.with_numbers({}) == e and pickle.loads(pickle.dumps(shown)) == shown
    assert (x / y).with_numbers({"y": 1.5e-7}).unicode == "x/(1.5·10⁻⁷)"
    with pytest.raises(tw.InputError, match="finite"):
        e.with_numbers({"x": math.nan})


@given(EXPRESSIONS, POINTS)
def test_with_numbers_in_place_the_value_is_the_same(e, point):
    known = value_and_error(e, point)
    assume(known)
    value, error = known or (0.0, 0.0)
    shown = e.with_numbers(point)
    assert shown.symbols == frozenset() and shown() == pytest.approx(value, rel=0, abs=error)
    assert shown.size == e.size


def test_an_expression_is_frozen():
    with pytest.raises(AttributeError):
        x.name = "y"  # pyright: ignore[reportAttributeAccessIssue]


def test_variables_come_in_natural_order():
    assert parse("x10 + x2*x1 - y + a3b2 + a3b11 + theta").variables == (
        "a3b2",
        "a3b11",
        "theta",
        "x1",
        "x2",
        "x10",
        "y",
    )
    assert parse("pi*e").variables == ()


def test_operators_take_numbers_of_python_and_numpy():
    assert 2 * x + 1 == parse("2*x + 1") == np.int64(2) * x + np.float64(1.0)
    assert 1 - x / 4 == parse("1 - x/4") and 0.5**x == parse("0.5**x") and x**2 == parse("x**2")
    assert (
        Fraction(1, 3) * x == parse("x/3") and 1 / x == parse("1/x") and -x == parse("-x") and 3 + x == parse("3 + x")
    )
    for other in ("x", None, 1j, True):
        with pytest.raises(TypeError):
            add(x + other)
    with pytest.raises(tw.InputError, match="finite, not inf"):
        add(x + math.inf)


def test_numbers_are_exact_while_short_and_floats_beyond():
    assert number(0.1).value == Fraction(1, 10) and str(number(Fraction(1, 3))) == "1/3"
    assert number(10**15 + 1) == number(1000000000000001) and number(10**40).value == Fraction("1e40")
    third = number(Fraction(10**15, 3 * 10**15 + 1))
    assert third.decimal and float(third.value) == 10**15 / (3 * 10**15 + 1)
    for wrong, said in (
        (10**400, "too large"),
        (Fraction(1, 10**400), "too close to 0"),
        (math.nan, "finite, not nan"),
    ):
        with pytest.raises(tw.InputError, match=said):
            number(wrong)


def test_calls_with_places_and_names():
    e = parse("x - 2*y")
    assert e(5.0, 1.0) == e(y=1, x=5, z=7) == 3.0 and isinstance(e(5, 1), float) and parse("3")() == 3.0
    for wrong, said in (
        (lambda: e(1.0), r"a number for each variable in this order \(x, y\)"),
        (lambda: e(1.0, 2.0, 3.0), "a number for each"),
        (lambda: e(1.0, y=2.0), "a number for each"),
        (lambda: e(x=1.0), "no value is given for y; the variables are x, y"),
        (lambda: e("1", None), "the value of a variable is a number"),  # pyright: ignore[reportArgumentType]
        (lambda: e.on_grid(x=[1.0]), "no value is given for y"),
        (lambda: e.on_grid(x=[1.0, 2.0], y=[1.0, 2.0, 3.0]), "shapes fit together"),
        (lambda: e.on_grid(x="a", y=1), "arrays of numbers"),
        (lambda: e.derivative(0), "the name of a variable, not int"),  # pyright: ignore[reportArgumentType]
    ):
        with pytest.raises(tw.InputError, match=said):
            wrong()


UNDEFINED = [
    ("log(x - 5)", 3.0, "log(x - 5) is not defined at x = 3, where x - 5 is -2"),
    ("log(x)", 0.0, "log(x) is not defined at x = 0"),
    ("2 + 1/(x - 3)", 3.0, "1/(x - 3) is not defined at x = 3, where x - 3 is 0"),
    ("1/x", 0.0, "1/x is not defined at x = 0"),
    ("x**-2", 0.0, "1/x**2 is not defined at x = 0, where x**2 is 0"),
    ("(x - 5)**0.5", 3.0, "(x - 5)**0.5 is not defined at x = 3, where x - 5 is -2"),
    ("x**(x/2)", -1.0, "x**(x/2) is not defined at x = -1, where x/2 is -0.5"),
    ("0**x", -1.0, "0**x is not defined at x = -1"),
    ("asin(x)", 2.0, "asin(x) is not defined at x = 2"),
    ("sqrt(x)", -1e-9, "sqrt(x) is not defined at x = -1e-09"),
    ("acos(2)*x", 1.0, "acos(2) is not defined"),
    ("(-8)**(1/3) + x", 1.0, "(-8)**(1/3) is not defined"),
]


@pytest.mark.parametrize(("typed", "at", "said"), UNDEFINED, ids=[typed for typed, _, _ in UNDEFINED])
def test_where_there_is_no_value_a_sentence_says_which_part_has_none(typed, at, said):
    e = parse(typed)
    with pytest.raises(Undefined) as caught:
        e(at)
    assert str(caught.value) == said
    assert isinstance(caught.value, ArithmeticError) and isinstance(caught.value, tw.ThalwegError)
    assert np.isnan(e.on_grid(x=[at])).all()


def test_a_long_undefined_part_is_said_in_short():
    e = parse("log(" + " + ".join(f"x{i}*y" for i in range(97)) + " - x5**2)")
    with pytest.raises(Undefined, match=r"^log\(x0\*y .{70,80}… is not defined at .*, … *, where .*… is -1$") as caught:
        e(**{name: 0.0 for name in e.variables} | {"x5": 1.0})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("typed", "at", "value"),
    [
        ("exp(x)", 1000.0, math.inf),
        ("-exp(x)", 1000.0, -math.inf),
        ("sinh(x)", -1000.0, -math.inf),
        ("x**3", -1e200, -math.inf),
        ("x**2.5", 1e200, math.inf),
        ("exp(x) - exp(x + 1)", 1000.0, math.nan),
        ("sin(exp(x))", 1000.0, math.nan),
        ("1/exp(x)", 1000.0, 0.0),
        ("sigmoid(x)", -1e4, 0.0),
        ("sigmoid(x)", 1e4, 1.0),
        ("softplus(x)", 1e4, 1e4),
        ("tanh(x**3)", 1e200, 1.0),
        ("log(x)", math.inf, math.inf),
        ("log(x)", -math.inf, math.nan),
        ("x - 1", math.nan, math.nan),
    ],
)
def test_what_is_too_large_is_what_ieee_754_makes_of_it(typed, at, value):
    e = parse(typed)
    assert np.array_equal([e(at)], [value], equal_nan=True)
    assert np.array_equal(e.on_grid(x=[at]), [value], equal_nan=True)


def test_a_grid_broadcasts_and_a_constant_fills_it():
    rows, columns = np.arange(3.0)[:, None], np.arange(7.0)
    assert parse("x*y").on_grid(x=rows, y=columns).tolist() == (rows * columns).tolist()
    assert parse("5").on_grid(x=rows, y=columns).tolist() == np.full((3, 7), 5.0).tolist()
    assert parse("2*x").on_grid(x=rows, y=columns).shape == (3, 7)
    assert parse("x").on_grid(x=columns) is not columns
    assert parse("7/2").on_grid().shape == ()


def test_third_divides():
    assert parse("x/10")(3.0) == 0.3 != 3 * 0.1
    assert parse("x/10").on_grid(x=3.0) == 0.3


def test_what_cannot_be_built_is_refused():
    for wrong, said in (
        (lambda: power(x, number(MAX_EXPONENT + 1)), "at most 1,000"),
        (lambda: power(x, number(-MAX_EXPONENT - 1)), "at most 1,000"),
        (lambda: power(x, number(600)) * power(x, number(600)), "the exponent 1200 is too large"),
        (lambda: power(number(10), number(400)), "10 to the 400 is out of range"),
        (lambda: power(number(0.1), number(400)), "0.1 to the 400 is out of range"),
        (lambda: quotient((x,), (ZERO,)), "what is divided by is 0"),
        (lambda: power(ZERO, number(-1)), "what is divided by is 0"),
        (lambda: 1e200 * x * 1e200, "too large"),
        (lambda: add(number(1e308), number(1e308)), "too large"),
    ):
        with pytest.raises(tw.InputError, match=said):
            wrong()
    assert call("log", Number(Fraction(10))) != call("log10", Number(Fraction(10)))


def test_a_derivative_that_grows_too_large_is_refused():
    many = parse("*".join(f"(x+{i})" for i in range(1, 251)))
    with pytest.raises(tw.InputError, match=f"with respect to x .*{MAX_NODES:,} parts.*numeric differences"):
        many.derivative("x")
    wide = "*".join(f"x{i}" for i in range(200))
    for _ in range(31):
        wide = f"exp({wide})"
    with pytest.raises(tw.InputError, match=f"{MAX_GRADIENT // 200:,} parts"):
        parse(wide).derivative("x7")
    with pytest.raises(tw.InputError, match="the exponent 1001 is too large"):
        parse("1/x**1000").derivative("x").derivative("x")
    assert parse("1/y**1000").derivative("x") == ZERO


@pytest.mark.parametrize(
    "typed",
    [
        "**".join(["x"] * 51),
        "sin(" * 49 + "x" + ")" * 49,
        "tanh(1 + 2*" * 49 + "x" + ")" * 49,
        "(" * 49 + "x" + "+y)**2*x" * 49,
        "*".join(f"x{i}" for i in range(311)),
        "+".join(f"x{i}" for i in range(421)),
    ],
    ids=["powers", "sines", "tanhs", "squares", "product", "sum"],
)
def test_large_formulas_stay_within_the_limits(typed):
    e = parse(typed)
    slopes = [e.derivative(name) for name in e.variables]
    assert 0 < sum(slope.size for slope in slopes) <= MAX_GRADIENT
    point = {name: 0.1 for name in e.variables}
    assert all(math.isfinite(slope(**point)) for slope in slopes[:3])


def test_the_tests_know_every_function():
    assert set(formulas.SYMPY) == set(FUNCTIONS) and len(FUNCTIONS) == 20
