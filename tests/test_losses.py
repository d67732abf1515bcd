"""Losses: values by hand, fused pairs against their unfused formulas and far out, targets that are allowed."""

import math

import numpy as np
import pytest

import thalweg as tw
from thalweg.activations import ACTIVATIONS
from thalweg.losses import LOSSES, find_loss


OUT = np.array([[0.5, 2.0], [3.0, -1.0]])
Y = np.array([[1.0, 0.0], [3.0, 0.5]])
# residuals ŷ − y: −0.5, 2;  0, −1.5

BY_HAND = {  # loss -> E of each row, summed over the outputs
    "squared_error": [0.25 + 4.0, 0.0 + 2.25],
    "half_squared_error": [0.125 + 2.0, 1.125],
    "absolute_error": [0.5 + 2.0, 1.5],
    "huber": [0.125 + (2.0 - 0.5), 1.5 - 0.5],
    "quantile": [0.25 + 1.0, 0.75],
}
PARAMETRIC_BY_HAND = [
    (tw.Huber(0.5), [0.125 + 0.5 * (2.0 - 0.25), 0.5 * (1.5 - 0.25)]),
    (tw.Huber(5.0), [2.125, 1.125]),
    (tw.Quantile(0.9), [0.45 + 0.2, 1.35]),  # too low costs 0.9, too high 0.1
]


def value(loss, out, y):
    identity = ACTIVATIONS["identity"]
    return loss.of(identity, out, out, y)


@pytest.mark.parametrize("name", BY_HAND)
def test_values_on_any_output(name):
    np.testing.assert_allclose(value(LOSSES[name], OUT, Y), BY_HAND[name], rtol=1e-15)


@pytest.mark.parametrize(("loss", "expected"), PARAMETRIC_BY_HAND, ids=lambda one: repr(one))
def test_values_with_a_parameter(loss, expected):
    np.testing.assert_allclose(value(loss, OUT, Y), expected, rtol=1e-14)


def test_values_of_the_probabilistic_losses():
    p, y = np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([[1.0, 0.0], [0.25, 0.75]])
    expected = {
        "cross_entropy": [-math.log(0.2), math.log(2.0)],
        "binary_cross_entropy": [-math.log(0.2) - math.log(0.2), 2.0 * math.log(2.0)],
        "poisson": [0.2 - math.log(0.2) + 0.8, 1.0 + math.log(2.0)],
    }
    for name, rows in expected.items():
        np.testing.assert_allclose(LOSSES[name].value(p, y, 0.0).sum(axis=1), rows, rtol=1e-14, err_msg=name)
    assert set(expected) | set(BY_HAND) == set(LOSSES)


FUSED = [
    ("cross_entropy", "softmax"),
    ("binary_cross_entropy", "sigmoid"),
    ("poisson", "exp"),
    ("poisson", "softplus"),
    ("poisson", "sigmoid"),
]


def test_these_pairs_are_fused():
    assert [(loss.name, output) for loss in LOSSES.values() for output in loss.fused] == FUSED


def fused_targets(name, rng, n=97):
    if name == "cross_entropy":
        return rng.dirichlet([1.0, 1.0, 1.0], size=n) * 0.9  # the sum of a row is 1 at the door, in float32 nearly
    return rng.uniform(size=(n, 3)) if name == "binary_cross_entropy" else rng.poisson(2.0, size=(n, 3)).astype(float)


@pytest.mark.parametrize(("name", "output"), FUSED)
def test_a_fused_pair_equals_its_parts(name, output, rng):
    loss, g = LOSSES[name], ACTIVATIONS[output]
    a, y = rng.normal(scale=2.0, size=(97, 3)), fused_targets(name, rng)
    z = g(a)
    np.testing.assert_allclose(loss.of(g, a, z, y), loss.value(z, y, 0.0).sum(axis=1), rtol=1e-11, atol=1e-11)
    unfused = g.backward(a if g.saves == "a" else z, loss.gradient(z, y, 0.0))
    np.testing.assert_allclose(loss.backward(g, a, z, y), unfused, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_entropies_are_finite_and_right_far_out(dtype):
    a = np.array([[1000.0, -1000.0], [-1000.0, 1000.0], [1000.0, 1000.0]], dtype=dtype)
    y = np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]], dtype=dtype)
    for name, output, rows, deltas in (
        ("cross_entropy", "softmax", [0.0, 2000.0, math.log(2.0)], [[0, 0], [-1, 1], [0, 0]]),
        ("binary_cross_entropy", "sigmoid", [0.0, 2000.0, 1000.0], [[0, 0], [-1, 1], [0.5, 0.5]]),
    ):
        loss, g = LOSSES[name], ACTIVATIONS[output]
        E, delta = loss.of(g, a, g(a), y), loss.backward(g, a, g(a), y)
        np.testing.assert_allclose(E, rows, rtol=1e-6, err_msg=name)
        assert delta.tolist() == deltas
        assert (E.dtype, delta.dtype) == (dtype, dtype)


def test_a_small_binary_cross_entropy_is_not_rounded_away():
    """ln(1 + e⁻²⁰) = 2.06e−9 at a = 20, y = 1: as 20 + 2.06e−9 − 20 little of it would be left, in float32 nothing."""
    g, loss = ACTIVATIONS["sigmoid"], LOSSES["binary_cross_entropy"]
    for dtype, tolerance in ((np.float64, 1e-15), (np.float32, 1e-6)):
        a, y = np.array([[20.0], [-20.0]], dtype=dtype), np.array([[1.0], [0.0]], dtype=dtype)
        np.testing.assert_allclose(loss.of(g, a, g(a), y), math.log1p(math.exp(-20.0)), rtol=tolerance)


def test_a_class_of_no_weight_costs_nothing_however_improbable():
    z, y = np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]])
    with np.errstate(divide="ignore"):
        assert LOSSES["cross_entropy"].value(z, y, 0.0).sum() == 0.0


@pytest.mark.parametrize("name", ["squared_error", "half_squared_error", "absolute_error", "huber", "quantile"])
def test_a_perfect_prediction_has_no_loss_and_no_slope(name):
    identity = ACTIVATIONS["identity"]
    assert value(LOSSES[name], OUT, OUT).tolist() == [0.0, 0.0]
    assert not LOSSES[name].backward(identity, OUT, OUT, OUT).any()


def test_the_quantile_loss_is_least_at_the_quantile(rng):
    y = rng.normal(size=(1001, 1))
    guesses = np.sort(y[:, 0])
    costs = [value(tw.Quantile(0.9), np.full_like(y, guess), y).sum() for guess in guesses]
    assert int(np.argmin(costs)) == 900  # the 901st of 1001


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("squared_error", [[-1e9, 3.0]], None),
        ("cross_entropy", [[0.25, 0.75]], [[0.5, 0.6]]),
        ("cross_entropy", [[0.0, 1.0]], [[-0.5, 1.5]]),
        ("binary_cross_entropy", [[0.0, 1.0]], [[0.5, 1.01]]),
        ("binary_cross_entropy", [[0.3, 0.3]], [[-0.01, 0.5]]),
        ("poisson", [[0.0, 17.5]], [[1.0, -1.0]]),
    ],
)
def test_targets(name, allowed, refused):
    network = tw.Network([1, 2], loss=name, output={"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid",
                                                    "poisson": "exp"}.get(name, "identity"))  # fmt: skip
    p = network.initialize(0)
    assert np.isfinite(tw.loss_and_gradient(network, p, [[1.0]], allowed)[0])
    if refused:
        with pytest.raises(tw.InputError, match=f"the loss {name} takes .*, but row 1, column [12] is "):
            tw.loss_and_gradient(network, p, [[1.0]], refused)


@pytest.mark.parametrize(
    ("make", "value", "said"),
    [
        (tw.Huber, 0.0, "huber: delta must be a number > 0, not 0.0"),
        (tw.Huber, float("inf"), "not inf"),
        (tw.Huber, "1", "not '1'"),
        (tw.Quantile, 0.0, "quantile: level must be a number with 0 < level < 1, not 0.0"),
        (tw.Quantile, 1.0, "not 1.0"),
        (tw.Quantile, None, "not None"),
    ],
)
def test_a_parameter_out_of_range_is_refused(make, value, said):
    with pytest.raises(tw.InputError, match=said):
        make(value)


def test_an_unknown_loss_is_refused_with_the_known_ones():
    with pytest.raises(tw.InputError, match="there is no loss 'mse'; choose one of squared_error, .*poisson"):
        find_loss("mse")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("output", ["softplus", "sigmoid"])
def test_poisson_is_finite_and_right_far_out(output, dtype):
    """ln ŷ is nearly a where ŷ itself underflows; beside −30 the two forms of softplus meet."""
    loss, g = LOSSES["poisson"], ACTIVATIONS[output]
    a, y = np.array([[-900.0], [-120.0], [-30.1], [-29.9]], dtype=dtype), np.full((4, 1), 3.0, dtype=dtype)
    np.testing.assert_allclose(loss.of(g, a, g(a), y), -3.0 * a[:, 0], rtol=1e-6)
    np.testing.assert_allclose(loss.backward(g, a, g(a), y), -3.0, rtol=1e-6)
