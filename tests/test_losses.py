"""Losses: values by hand, fused pairs against their unfused formulas and far out, targets that are allowed."""

import json
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

import thalweg as tw
from thalweg.activations import ACTIVATIONS
from thalweg.losses import LOSSES, find_loss
from thalweg.text_writer import text
from thalweg.trace_pages import whole


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
    (tw.Quantile([0.9, 0.25]), [0.45 + 0.75 * 2.0, 0.25 * 1.5]),  # each output has a level of its own
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


# --- Several quantiles ------------------------------------------------------------------------------------------------

LEVELS = (0.1, 0.5, 0.85)


@pytest.mark.parametrize("given", [list(LEVELS), LEVELS, np.array(LEVELS)])
def test_levels_are_a_row_like_any_other(given):
    row = tw.Quantile(given)
    assert row.parameter == LEVELS and row.n_outputs == 3 and tw.Quantile(0.5).n_outputs is None
    assert repr(row) == "quantile(level=[0.1, 0.5, 0.85])"
    assert row.to_dict() == {"name": "quantile", "level": [0.1, 0.5, 0.85]}
    for other in (find_loss(json.loads(json.dumps(row.to_dict()))), pickle.loads(pickle.dumps(row))):
        assert other == row and hash(other) == hash(row)
    assert row not in (tw.Quantile(LEVELS[::-1]), tw.Quantile(LEVELS[:2]), tw.Quantile(0.5))
    assert [row.at(k) for k in (1, 2, 3)] == [tw.Quantile(level) for level in LEVELS]
    assert tw.Quantile(0.9).at(2) == tw.Quantile(0.9)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([], "different numbers, at least one"), ([0.5, 0.5], "different numbers"), ([0.1, 1.0], "not 1.0"),
        ([[0.1], [0.9]], r"not \[0.1\]"), (["0.1"], "not '0.1'"),
    ],
)  # fmt: skip
def test_levels_that_are_none_are_refused(levels, said):
    with pytest.raises(tw.InputError, match=said):
        tw.Quantile(levels)


def test_a_network_has_as_many_outputs_as_levels():
    tw.Network([2, 3], loss=tw.Quantile(LEVELS))
    for outputs in (1, 2, 4):
        with pytest.raises(
            tw.InputError, match=rf"has 3 levels, one for each output, and \[2, {outputs}\] has {outputs}"
        ):
            tw.Network([2, outputs], loss=tw.Quantile(LEVELS))


def test_one_target_is_compared_with_every_output(engine, rng):
    network = tw.Network([2, 5, 3], loss=tw.Quantile(LEVELS))
    p, X, y = network.initialize(seed=1), rng.normal(size=(11, 2)), rng.normal(size=11)
    expected = tw.loss_and_gradient(network, p, X, np.stack([y, y, y], axis=1), engine=engine)
    for form in (y, y[:, None]):
        loss, gradient = tw.loss_and_gradient(network, p, X, form, engine=engine)
        assert loss == expected[0] and np.array_equal(gradient, expected[1])
    out, r = tw.predict(network, p, X), y[:, None] - tw.predict(network, p, X)
    assert loss == pytest.approx(np.where(r > 0, np.array(LEVELS) * r, (np.array(LEVELS) - 1) * r).sum() / len(out))
    with pytest.raises(tw.InputError, match=r"\(11, 3\) or \(11,\), one target for all outputs, .* not \(11, 2\)"):
        tw.loss_and_gradient(network, p, X, np.stack([y, y], axis=1))


def test_each_output_learns_its_quantile(engine, rng):
    """Of a constant y is enough to tell them apart: the bias alone finds the quantiles of y."""
    y = rng.exponential(size=4001)
    network = tw.Network([1, 3], loss=tw.Quantile(LEVELS))
    result = tw.train(
        network, np.zeros((len(y), 1)), y, optimizer=tw.Adam(tw.Exponential(0.05, 0.98)), batch=997,
        stop=tw.Stop(epochs=300), engine=engine,
    )  # fmt: skip
    found = tw.predict(network, result.parameters, np.zeros((1, 1)))[0]
    shares = [(y < one).mean() for one in found]
    np.testing.assert_allclose(shares, LEVELS, atol=0.02)


def test_traces_name_the_level_of_each_output():
    network = tw.Network([1, 2], loss=tw.Quantile([0.1, 0.75]), bias=False)
    half = Fraction(1, 2)
    for y in ([half], [half, half]):
        t = tw.trace(network, [1, 0], [1], y, arithmetic=tw.Arithmetic("fractions"))
        assert t["E"].result == Fraction(9, 10) * half + Fraction(3, 4) * half
        assert str(t["E"]).startswith("E = (1 − level₁)·(z₁⁽¹⁾ − y₁) + level₂·(y₂ − z₂⁽¹⁾) = (1 − (1/10))·(1 − (1/2))")
        assert [t["dE/dz", 1, k].result for k in (1, 2)] == [Fraction(9, 10), Fraction(-3, 4)]
        assert str(t["dE/dz", 1, 2]) == "∂E/∂z₂⁽¹⁾ = −level₂ = −(3/4) = −3/4"
    assert "levelₖ·(yₖ − zₖ) if zₖ ≤ yₖ, else (1 − levelₖ)·(zₖ − yₖ)" in " ".join(text(whole(t)).split())
    assert tw.Trace.from_json(t.to_json()) == t
