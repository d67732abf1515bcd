"""The vector functions of the core, on every instruction set: errors in ulp, special values, tails of any length."""

import itertools

import numpy as np
import pytest
import scipy.special

from thalweg import _core


# In units in the last place, a little above the largest errors found by longer searches (all float32 numbers from 2^−13
# to 2^8, 40 million float64). Φ is measured by the relative error instead.
BOUNDS = {
    "exp": 1.75,
    "expm1": 2.5,
    "log": 1.25,
    "log1p": 2.0,
    "tanh": 3.0,
    "logistic": 3.0,
    "softplus": 2.25,
}
NORMAL_BOUNDS = {"float32": 6e-7, "float64": 3e-15}
NORMAL_LOWEST = {"float32": -12.9, "float64": -37.5}  # below, Φ is not a normal number
FUNCTIONS = [*BOUNDS, "normal_distribution"]
DTYPES = ["float32", "float64"]
SETS = _core.cpu_features()["usable"]
EVERYWHERE = list(itertools.product(SETS, DTYPES))

# Digits beyond those of float64: on x86 outside Windows, and on arm64 Linux.
MORE_DIGITS = np.finfo(np.longdouble).nmant >= 63


def apply(instruction_set, function, x):
    out = np.empty_like(x)
    _core.apply(instruction_set, function, x, out)
    return out


def truth(function, x):
    """The function in long double, by NumPy, with no formula in common with the core's."""
    x = x.astype(np.longdouble)
    with np.errstate(all="ignore"):
        if function == "logistic":
            return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x)))
        if function == "softplus":
            return np.where(x < 0, np.log1p(np.exp(x)), x + np.log1p(np.exp(-x)))
        if function == "normal_distribution":
            # Not scipy.special.ndtr: it is off by 2e-13 in the lower tail.
            tail = np.exp(-x * x / 2) * scipy.special.erfcx((abs(x) * np.sqrt(np.longdouble(0.5))).astype(float)) / 2
            return np.where(x < 0, tail, 1 - tail)
        return getattr(np, function)(x)


def arguments(dtype, rng):
    """Numbers of every size and both signs, many near 1, and those beside the places where a reduction changes."""
    info = np.finfo(dtype)
    exponents = np.concatenate([rng.uniform(info.minexp - info.nmant, info.maxexp, 4000), rng.uniform(-20, 10, 12000)])
    sizes = np.exp2(exponents.astype(np.longdouble))
    halves = np.arange(1, 2100) * np.log(np.longdouble(2)) / 4
    powers = np.exp2(np.arange(-40, 41) + np.longdouble(0.5))
    edges = np.concatenate([halves, powers, powers - 1, [np.log(np.longdouble(info.max)), -np.log(info.tiny)]])
    x = np.concatenate([sizes, edges, 1 + 0.1 * rng.standard_normal(4000)])
    x = x[x < info.max].astype(dtype)
    x = np.concatenate([x, np.nextafter(x, dtype(0)), np.nextafter(x, dtype(1000))])
    return np.concatenate([x, -x])


def normal_numbers(expected, dtype):
    info = np.finfo(dtype)
    return (abs(expected) >= info.tiny) & (abs(expected) <= info.max)


def ulps(got, expected):
    _, exponent = np.frexp(expected)
    return abs(got - expected) / np.ldexp(np.longdouble(1), exponent - np.finfo(got.dtype).nmant - 1)


def test_the_functions_are_these():
    assert set(_core.math_functions()) == set(FUNCTIONS)


@pytest.mark.parametrize("function", BOUNDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_in_ulp(function, dtype, rng):
    if dtype == "float64" and not MORE_DIGITS:
        pytest.skip("long double is double here: nothing to measure float64 against")
    x = arguments(np.dtype(dtype).type, rng)
    expected = truth(function, x)
    here = normal_numbers(expected, dtype)
    x, expected = x[here], expected[here]
    for instruction_set in SETS:
        errors = ulps(apply(instruction_set, function, x), expected)
        worst = np.argmax(errors)  # the first NaN, if there is one
        assert errors[worst] <= BOUNDS[function], f"{instruction_set}: at {x[worst]!r}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_of_the_normal_distribution(dtype, rng):
    if dtype == "float64" and not MORE_DIGITS:
        pytest.skip("long double is double here: nothing to measure float64 against")
    x = np.concatenate([arguments(np.dtype(dtype).type, rng), rng.uniform(-40, 10, 10000).astype(dtype)])
    x = x[x >= NORMAL_LOWEST[dtype]]
    expected = truth("normal_distribution", x)
    for instruction_set in SETS:
        errors = abs(apply(instruction_set, "normal_distribution", x) / expected - 1)
        worst = np.argmax(errors)
        assert errors[worst] <= NORMAL_BOUNDS[dtype], f"{instruction_set}: at {x[worst]!r}"


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
def test_results_out_of_range(instruction_set, dtype, function, rng):
    """Those too small to be normal may be 0, those too large are infinite; nothing else comes out."""
    x = arguments(np.dtype(dtype).type, rng)
    expected = truth(function, x)
    got = apply(instruction_set, function, x)
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    tiny, largest = np.finfo(dtype).tiny, np.finfo(dtype).max
    small = abs(expected) < tiny
    assert np.all(abs(got[small]) <= tiny)
    assert np.all(got[small] * np.sign(expected[small]) >= 0)
    large = abs(expected) / largest > 1 + np.finfo(dtype).eps
    assert np.array_equal(got[large], np.copysign(np.inf, expected[large]))


INF, NAN = np.inf, np.nan
SPECIAL = {  # pairs of x and f(x)
    "exp": [(INF, INF), (-INF, 0), (0, 1), (-0.0, 1), (1000, INF), (-1000, 0)],
    "expm1": [(INF, INF), (-INF, -1), (0, 0), (1000, INF), (-1000, -1)],
    "log": [(INF, INF), (-INF, NAN), (0, -INF), (-0.0, -INF), (1, 0), (-1, NAN), (-1e-30, NAN)],
    "log1p": [(INF, INF), (-INF, NAN), (0, 0), (-1, -INF), (-1.5, NAN), (-1e30, NAN)],
    "tanh": [(INF, 1), (-INF, -1), (0, 0), (50, 1), (-50, -1)],
    "logistic": [(INF, 1), (-INF, 0), (0, 0.5), (1000, 1), (-1000, 0)],
    "softplus": [(INF, INF), (-INF, 0), (1000, 1000), (-1000, 0)],
    "normal_distribution": [(INF, 1), (-INF, 0), (0, 0.5), (50, 1), (-50, 0)],
}


@pytest.mark.parametrize("function", SPECIAL)
@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
def test_special_values(instruction_set, dtype, function):
    x, expected = np.array(SPECIAL[function], dtype).T.copy()
    np.testing.assert_array_equal(apply(instruction_set, function, x), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
def test_what_is_not_a_number_stays_so(instruction_set, dtype, function):
    word = np.dtype(dtype.replace("float", "uint")).type
    payloads = np.array([0, 1, 0x12345], word) + np.array(NAN, dtype).view(word)
    x = np.concatenate([payloads.view(dtype), -payloads.view(dtype)])
    assert np.isnan(apply(instruction_set, function, x)).all()


@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
def test_limits_are_not_crossed(instruction_set, dtype):
    x = np.linspace(-45, 45, 20001).astype(dtype)
    assert abs(apply(instruction_set, "tanh", x)).max() == 1
    for function in ("logistic", "normal_distribution"):
        got = apply(instruction_set, function, x)
        assert got.min() >= 0 and got.max() == 1


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("instruction_set", "dtype"), EVERYWHERE)
def test_every_length_gives_the_same_numbers(instruction_set, dtype, function, rng):
    x = rng.uniform(0.1, 3.0, 64).astype(dtype)
    whole = apply(instruction_set, function, x)
    for length in (0, 1, 7, 8, 9, 15, 16, 17, 31, 33):
        buffer = np.full(64, 7.0, dtype)
        _core.apply(instruction_set, function, x[:length], buffer[:length])
        assert np.array_equal(buffer[:length], whole[:length])
        assert np.all(buffer[length:] == 7.0)  # nothing was written beyond the end
