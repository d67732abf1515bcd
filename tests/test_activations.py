"""Activations: values against formulas at many digits, derivatives, limits, and what the backward pass is given."""

import math

import numpy as np
import pytest

import thalweg as tw
from thalweg.activations import ACTIVATIONS, HIDDEN, find_activation


# g written out for one number with the math module; the table's rows are compared with these.
FORMULAS = {
    "identity": lambda a: a,
    "sigmoid": lambda a: 1.0 / (1.0 + math.exp(-a)),
    "tanh": math.tanh,
    "relu": lambda a: a if a > 0 else 0.0,
    "leaky_relu": lambda a: a if a > 0 else 0.01 * a,
    "elu": lambda a: a if a > 0 else math.expm1(a),
    "selu": lambda a: 1.0507009873554805 * (a if a > 0 else 1.6732632423543772 * math.expm1(a)),
    "gelu": lambda a: 0.5 * a * math.erfc(-a / math.sqrt(2.0)),
    "silu": lambda a: a / (1.0 + math.exp(-a)),
    "mish": lambda a: a * math.tanh(math.log1p(math.exp(a))),
    "softplus": lambda a: math.log1p(math.exp(a)),
    "exp": math.exp,
}
POINTS = np.array([-17.0, -5.0, -1.3, -0.2, -1e-3, 1e-3, 0.4, 1.7, 3.1, 11.0])
PARAMETRIC = [tw.LeakyReLU(0.0), tw.LeakyReLU(0.3), tw.ELU(0.5), tw.ELU(2.0)]
ELEMENTWISE = [ACTIVATIONS[name] for name in FORMULAS] + PARAMETRIC


def test_the_table_has_these_rows():
    assert set(ACTIVATIONS) == {*FORMULAS, "softmax"}
    assert set(HIDDEN) == set(FORMULAS)
    assert all(row.name == name and row.formula for name, row in ACTIVATIONS.items())


@pytest.mark.parametrize("name", FORMULAS)
def test_values(name):
    expected = [FORMULAS[name](float(a)) for a in POINTS]
    np.testing.assert_allclose(ACTIVATIONS[name](POINTS), expected, rtol=1e-12)


def test_values_with_a_parameter():
    a = np.array([-2.0, 0.0, 3.0])
    assert tw.LeakyReLU(0.3)(a).tolist() == [-0.6, 0.0, 3.0]
    np.testing.assert_allclose(tw.ELU(0.5)(a), [0.5 * math.expm1(-2.0), 0.0, 3.0], rtol=1e-15)


@pytest.mark.parametrize("g", ELEMENTWISE, ids=repr)
def test_derivatives_are_the_slopes(g):
    h = 1e-3
    numeric = (g(POINTS - 2 * h) - 8 * g(POINTS - h) + 8 * g(POINTS + h) - g(POINTS + 2 * h)) / (12 * h)
    away = np.abs(POINTS) > 2 * h
    saved = g(POINTS) if g.saves == "z" else POINTS
    ones = np.ones_like(POINTS)
    np.testing.assert_allclose(g.backward(saved, ones)[away], numeric[away], rtol=1e-9, atol=1e-11)
    assert np.array_equal(g.backward(saved, 3.0 * ones), 3.0 * g.backward(saved, ones))


@pytest.mark.parametrize("g", ELEMENTWISE, ids=repr)
def test_at_a_kink_the_derivative_is_the_left_one(g):
    below, at = np.array([-1e-9]), np.array([0.0])
    slopes = [g.backward(g(a) if g.saves == "z" else a, np.ones(1))[0] for a in (below, at)]
    assert slopes[1] == pytest.approx(slopes[0], abs=1e-8)
    above = np.array([1e-9])
    right = g.backward(g(above) if g.saves == "z" else above, np.ones(1))[0]
    assert (abs(right - slopes[1]) > 1e-3) == (g.kinks == (0.0,))


def test_z_is_saved_only_where_it_tells_the_slope():
    """gelu, silu and mish take one z at two a with different slopes, so they must save a."""
    for name in ("gelu", "silu", "mish"):
        g = ACTIVATIONS[name]
        a = np.linspace(-5.0, -1e-3, 5000)
        z = g(a)
        lowest = int(np.argmin(z))
        left, right = a[:lowest], a[lowest:]
        twin = float(np.interp(z[lowest // 2], z[lowest:], right))  # z rises again to the right of its lowest point
        slopes = g.derivative(np.array([left[lowest // 2], twin]), 0.0)
        assert slopes[0] < -1e-3 < 1e-3 < slopes[1]
        assert g.saves == "a"
    assert {name for name, row in ACTIVATIONS.items() if row.saves == "z"} >= {"sigmoid", "tanh", "relu"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("g", [*ELEMENTWISE, ACTIVATIONS["softmax"]], ids=repr)
def test_dtype_and_shape_are_kept(g, dtype):
    a = np.linspace(-3.0, 3.0, 15).astype(dtype).reshape(5, 3)
    z = g(a)
    back = g.backward(z if g.saves == "z" else a, np.ones_like(a))
    assert (z.dtype, z.shape, back.dtype, back.shape) == (dtype, a.shape, dtype, a.shape)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("g", [g for g in ELEMENTWISE if g.name != "exp"], ids=repr)
def test_nothing_overflows_far_out(g, dtype):
    a = np.array([-1e4, -800.0, -100.0, 100.0, 800.0, 1e4], dtype=dtype)
    z = g(a)  # a warning would be an error
    back = g.backward(z if g.saves == "z" else a, np.ones_like(a))
    assert np.isfinite(z).all() and np.isfinite(back).all()
    assert np.all(np.diff(z[3:]) >= 0)


def test_a_value_that_is_not_a_number_stays_one():
    with np.errstate(invalid="ignore"):
        for g in ELEMENTWISE:
            assert np.isnan(g(np.array([np.nan]))).all(), g


def test_softmax_is_a_distribution_and_knows_only_differences():
    a = np.array([[1.0, 2.0, 4.0], [-1000.0, 0.0, 1000.0], [7.0, 7.0, 7.0]])
    z = ACTIVATIONS["softmax"](a)
    np.testing.assert_allclose(z.sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(z[0], np.exp([1, 2, 4]) / np.exp([1, 2, 4]).sum(), rtol=1e-15)
    assert z[1].tolist() == [0.0, 0.0, 1.0]
    np.testing.assert_allclose(z, ACTIVATIONS["softmax"](a + 500.0), rtol=1e-12)


def test_softmax_has_a_full_jacobian():
    a, v = np.array([[0.3, -1.2, 0.9]]), np.array([[0.5, -2.0, 1.5]])
    z = ACTIVATIONS["softmax"](a)[0]
    jacobian = np.diag(z) - np.outer(z, z)  # ∂z_i/∂a_j = z_i (δ_ij − z_j)
    np.testing.assert_allclose(ACTIVATIONS["softmax"].backward(z[None], v)[0], v[0] @ jacobian, rtol=1e-14)


def test_positive_is_said_of_what_is_positive():
    a = np.linspace(-30.0, 30.0, 601)
    for name, g in ACTIVATIONS.items():
        z = g(a[:, None] * [1.0, -1.0]) if name == "softmax" else g(a)
        assert g.positive == bool((z > 0).all()), name


@pytest.mark.parametrize(
    ("make", "value", "said"),
    [
        (tw.LeakyReLU, -0.1, "leaky_relu: slope must be a number with 0 ≤ slope < 1, not -0.1"),
        (tw.LeakyReLU, 1.0, "not 1.0"),
        (tw.LeakyReLU, "0.1", "not '0.1'"),
        (tw.LeakyReLU, float("nan"), "not nan"),
        (tw.ELU, 0.0, "elu: alpha must be a number > 0, not 0.0"),
        (tw.ELU, float("inf"), "not inf"),
        (tw.ELU, None, "not None"),
    ],
)
def test_a_parameter_out_of_range_is_refused(make, value, said):
    with pytest.raises(tw.InputError, match=said):
        make(value)


def test_an_unknown_activation_is_refused_with_the_known_ones():
    with pytest.raises(
        tw.InputError, match="there is no activation 'rellu'; choose one of identity, sigmoid, .*softmax"
    ):
        find_activation("rellu")
