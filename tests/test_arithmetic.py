"""Arithmetic by hand: rounding as at school, what stays a fraction, and the digits of what does not."""

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from formulas import EPS, POINTS, STEPS, expressions, value_and_error
from recomputed import LEAVING, STAYING, M, exact_of, in_digits, of_text
from thalweg.arithmetic import DIGIT_CALLS, FLOATS, FRACTIONS, MAX_BITS, Arithmetic, Rounding, evaluate, exactly
from thalweg.elementary import FUNCTIONS
from thalweg.expressions import MAX_FLOAT, Call, Symbol
from thalweg.parsing import parse


X, Y = Symbol("x"), Symbol("y")

# --- Rounding ---------------------------------------------------------------------------------------------------------

decimals = st.decimals(allow_nan=False, allow_infinity=False, min_value=-1e20, max_value=1e20)


@given(decimals, st.integers(1, 15))
def test_significant_digits_are_those_of_decimal(value, digits):
    assert Rounding(digits)(Fraction(value)) == Fraction(Context(prec=digits, rounding=ROUND_HALF_UP).plus(value))


@given(decimals, st.integers(0, 15))
def test_decimals_are_those_of_decimal(value, digits):
    wide = Context(prec=99, rounding=ROUND_HALF_UP)
    expected = value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=wide)
    if value and value.adjusted() + digits > 14:  # no more than 15 digits in all
        expected = Context(prec=15, rounding=ROUND_HALF_UP).plus(value)
    assert Rounding(digits, decimals=True)(Fraction(value)) == Fraction(expected)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 15), st.booleans())
def test_rounding_is_near_odd_and_done_once(value, digits, to_decimals):
    rounding = Rounding(digits, to_decimals)
    rounded = rounding(value)
    assert abs(rounded - Fraction(value)) * 2 <= rounding.unit(value)
    assert (rounded / rounding.unit(value)).denominator == 1
    assert rounding(rounded) == rounded == -rounding(-value)


@pytest.mark.parametrize(
    ("rounding", "value", "expected"),
    [
        (Rounding(3), "9.995", "10"),
        (Rounding(3), "9.9949", "9.99"),
        (Rounding(1), "0.95", "1"),
        (Rounding(2), "-2.45", "-2.5"),
        (Rounding(2), "1e-300", "1e-300"),
        (Rounding(3), "0", "0"),
        (Rounding(0, decimals=True), "0.5", "1"),
        (Rounding(2, decimals=True), "0.004", "0"),
        (Rounding(2, decimals=True), "-0.005", "-0.01"),
    ],
)
def test_rounding_by_hand(rounding, value, expected):
    assert rounding(Fraction(value)) == Fraction(expected)


def test_what_one_of_the_last_digit_is_worth():
    assert (
        Rounding(3).unit(999) == 1
        and Rounding(3).unit(1000) == 10
        and Rounding(3).unit(Fraction(1, 3)) == Fraction(1, 1000)
    )
    assert Rounding(3).unit(0) == Rounding(3, decimals=True).unit(12345) == Fraction(1, 1000)
    assert Rounding(3, decimals=True).unit(10**12 - 1) == Fraction(1, 1000)
    assert Rounding(3, decimals=True).unit(10**12) == Fraction(1, 100)


def test_roundings_say_what_they_are():
    assert [str(one) for one in (Rounding(1), Rounding(3), Rounding(1, True), Rounding(0, True))] == [
        "1 significant digit", "3 significant digits", "1 decimal", "0 decimals",
    ]  # fmt: skip


@pytest.mark.parametrize("digits", [0, 16, -1, 2.0, "3", True, None])
def test_digits_that_are_none(digits):
    with pytest.raises(tw.InputError, match="numbers are shown to 1 to 15 significant digits, not "):
        Rounding(digits)


def test_decimals_that_are_none():
    with pytest.raises(tw.InputError, match="numbers are shown to 0 to 15 decimals, not -1"):
        Rounding(-1, decimals=True)
    with pytest.raises(tw.InputError, match="arithmetic must be one of floats, fractions, rounded, not 'exact'"):
        Arithmetic("exact")


# --- Results as they are kept and shown -------------------------------------------------------------------------------


def test_a_result_is_kept_as_the_arithmetic_says():
    third = Fraction(1, 3)
    assert FLOATS.settle(third) == 1 / 3 and isinstance(FLOATS.settle(third), float)
    assert FRACTIONS.settle(third) == third
    assert Arithmetic("rounded", Rounding(2)).settle(1 / 3) == Fraction(33, 100)
    assert Arithmetic("rounded", Rounding(2)).settle(math.pi) == Fraction(31, 10)
    assert FRACTIONS.is_exact and Arithmetic("rounded").is_exact and not FLOATS.is_exact


@pytest.mark.parametrize(
    ("arithmetic", "value", "said"),
    [
        (
            FRACTIONS,
            0.5,
            "z is no fraction: its function leads out of the fractions, which identity, relu and leaky_relu",
        ),
        (FRACTIONS, math.inf, "z is inf, which cannot be computed by hand"),
        (Arithmetic("rounded"), math.nan, "z is nan, which cannot be computed by hand"),
        (FRACTIONS, Fraction(1, 2**MAX_BITS), r"z is a fraction of over 4,200 digits; compute with rounded numbers"),
    ],
)
def test_what_cannot_be_kept_is_refused(arithmetic, value, said):
    with pytest.raises(tw.InputError, match=said):
        arithmetic.settle(value, what="z")


def test_the_largest_fractions_that_are_kept_can_be_printed():
    largest = FRACTIONS.settle(Fraction(2**MAX_BITS - 1, 2 ** (MAX_BITS - 1) + 1))
    assert len(str(largest)) > 8_000  # where Python's own limit is 4,300 digits for a number


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (2 / 3, 3, "0.667"),
        (0.1 + 0.2, 15, "0.3"),
        (-1234.5, 2, "-1200"),
        (1e22, 3, "1e+22"),
        (5e-324, 6, "5e-324"),
        (1.5e-323, 1, "1e-323"),
        (2.2250738585072014e-308, 6, "2.22507e-308"),
        (MAX_FLOAT, 6, "1.79769e+308"),
        (1.797e308, 2, "1.797e+308"),  # 1.8e308 is beyond floats
        (-MAX_FLOAT, 3, "-1.7976931348623157e+308"),
        (-0.0, 3, "0"),
        (math.inf, 3, "inf"),
        (-math.inf, 3, "-inf"),
        (math.nan, 3, "nan"),
    ],
)
def test_floats_are_shown_to_so_many_digits(value, digits, text):
    assert str(Arithmetic("floats", Rounding(digits)).shown(value)) == text


def test_exact_numbers_are_shown_as_they_are():
    assert str(FRACTIONS.shown(Fraction(-22, 7))) == "-22/7" and str(FRACTIONS.shown(Fraction(4, 2))) == "2"
    assert str(Arithmetic("rounded", Rounding(2)).shown(Fraction(33, 100))) == "0.33"
    assert str(Arithmetic("rounded", Rounding(2)).shown(Fraction(12000))) == "12000"


@pytest.mark.parametrize("arithmetic", [FLOATS, FRACTIONS, Arithmetic("rounded", Rounding(4, decimals=True))], ids=str)
def test_an_arithmetic_comes_back_from_plain_types(arithmetic):
    assert Arithmetic.from_dict(arithmetic.to_dict()) == arithmetic
    assert set(arithmetic.to_dict()) == {"kind", "digits", "decimals"}


@pytest.mark.parametrize(
    ("given", "fraction"),
    [(0.1, "1/10"), (1e-7, "1/10000000"), (np.float64(2.5), "5/2"), (np.int64(-3), "-3"), (7, "7"), (-0.0, "0"),
     (Fraction(1, 3), "1/3"), (np.float32(0.5), "1/2"), (True, "1"), (5e-324, f"5/{10**324}")],
)  # fmt: skip
def test_numbers_are_what_was_typed(given, fraction):
    assert exactly(given) == Fraction(fraction) and isinstance(exactly(given), Fraction)


# --- Values of formulas -----------------------------------------------------------------------------------------------

RATIONAL = expressions(
    steps={name: STEPS[name] for name in ("+", "-", "*", "/", "abs", "relu", "sign")} | {"**": lambda a, b: a**3}
)


@given(RATIONAL, st.fractions(-9, 9, max_denominator=7), st.fractions(-9, 9, max_denominator=11))
def test_fractions_stay_fractions(e, x, y):
    point = {"x": x, "y": y, "theta10": Fraction(-5, 13)}
    try:
        expected = of_text(str(e), point)
    except ZeroDivisionError:
        return
    if isinstance(expected, Fraction):
        found = evaluate(e, {Symbol(name): number for name, number in point.items()})
        assert isinstance(found, Fraction) and found == expected


@given(expressions(), POINTS)
def test_in_floats_it_is_the_value_of_the_expression(e, point):
    """One way to add and multiply need not be the other, so up to what rounding does."""
    known = value_and_error(e, point)
    if known is None:
        return
    value, error = known
    found = evaluate(e, {Symbol(name): number for name, number in point.items()})
    assert float(found) == pytest.approx(value, rel=16 * EPS, abs=4 * error)


@pytest.mark.parametrize(
    ("text", "x", "exact"),
    [
        ("exp(x)", 0, "1"), ("log(x)", 1, "0"), ("tanh(x)", 0, "0"), ("erf(x)", 0, "0"), ("1/(1 + exp(-x))", 0, "1/2"),
        ("x*(1 + erf(x/sqrt(2)))/2", 0, "0"), ("x*tanh(softplus(x))", 0, "0"), ("sigmoid(x)", 0, "1/2"),
        ("(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)", 0, "1/2"), ("abs(x)", Fraction(-1, 3), "1/3"),
        ("sign(x)", Fraction(-1, 3), "-1"), ("relu(x)", Fraction(-1, 3), "0"), ("x**3", Fraction(-1, 3), "-1/27"),
    ],
)  # fmt: skip
def test_what_is_exact_stays_exact(text, x, exact):
    found = evaluate(parse(text), {X: Fraction(x)})
    assert isinstance(found, Fraction) and found == Fraction(exact)


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("exp(x)", 1000, math.inf), ("exp(-x)", 1000, 0.0), ("exp(x)", 10**30, math.inf), ("exp(-x)", 10**30, 0.0),
        ("tanh(x)", -(10**400), -1.0), ("erf(x)", 10**400, 1.0), ("sin(x)", 10**400, math.nan),
        ("x + exp(1)", 10**400, math.inf), ("x*exp(1)", -(10**400), -math.inf), ("x**0.5", -1, math.nan),
        ("1/x", 0, math.inf), ("-1/x", 0, -math.inf), ("x/x**2", 0, math.inf), ("(x - y)/x**2", 0, math.nan),
        ("log(x)", 0, -math.inf), ("log(x)", -1, math.nan), ("sqrt(x)", -1, math.nan), ("erf(log(x))", -1, math.nan),
    ],
)  # fmt: skip
def test_beyond_the_numbers_there_is_what_ieee_754_says(text, x, expected):
    assert float(evaluate(parse(text), {X: Fraction(x), Y: Fraction(0)})) == pytest.approx(expected, nan_ok=True)


@given(st.sampled_from(sorted(DIGIT_CALLS)), st.fractions(-40, 40), st.integers(-30, 3))
def test_what_is_no_fraction_has_100_digits(name, x, exponent):
    x *= Fraction(10) ** exponent
    if name in ("log", "sqrt"):
        x = abs(x) or Fraction(1)
    found = evaluate(Call(FUNCTIONS[name], X), {X: x})
    expected = exact_of(LEAVING[name](in_digits(x)) if name in LEAVING else STAYING[name](x))
    if isinstance(found, float):  # beyond the floats there is nothing to print
        assert (found == math.inf and expected > MAX_FLOAT) or (found == 0.0 and 0 < expected < 1e-300)
        return
    lost = Fraction(1, 10**94) * max(abs(expected), 1)  # 1 + eᵘ, or 1 − e⁻ᵘ, is known to 100 digits of 1
    assert abs(Fraction(found) - expected) <= lost, (name, x)


@pytest.mark.parametrize("x", ["-6", "-8", "-14.9", "-15.99"])
def test_the_tail_of_erf_keeps_its_digits(x):
    found = exact_of(M.erfc(-M.mpf(x))) - Fraction(evaluate(parse("1 + erf(x)"), {X: Fraction(x)}))
    assert abs(found) <= Fraction(1, 10**98)


def test_a_small_difference_keeps_its_digits():
    assert str(evaluate(parse("exp(x) - 1"), {X: Fraction(1, 10**12)})).startswith("1.000000000000500000000000166")
    assert str(evaluate(parse("log(1 + exp(x))"), {X: Fraction(-40)})).startswith("4.2483542552915889863")


def test_what_is_given_is_not_looked_into():
    e = parse("log(x - 5) + y")
    assert evaluate(e, {parse("log(x - 5)"): Fraction(1, 3), Y: Fraction(1, 3)}) == Fraction(2, 3)
