"""Check-ups: each number beside one that is computed another way."""

import math
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.checkups import examine
from thalweg.examples import check_examples


N = 23
X = np.random.default_rng(5).normal(size=(N, 3))


def look(network, p, X: Any = X, Y: Any = None, **options):
    rows = check_examples(network, X, np.zeros((len(X), network.sizes[-1])) if Y is None else Y)
    return examine(network, np.asarray(p, float), rows, **{"epoch": 1, "steps": 1, **options})


def test_gradient_is_the_root_mean_square_of_numeric_derivatives(rng):
    network = tw.Network([3, 5, 2], activation="tanh", l2=0.1)
    p, Y = network.initialize(3), rng.normal(size=(N, 2))
    numeric = tw.numeric_gradient(lambda p: tw.loss_and_gradient(network, p, X, Y)[0], p)
    expected = [math.sqrt(np.mean(W**2)) for W, _ in network.views(np.asarray(numeric))]
    found = look(network, p, Y=Y)
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-5)
    np.testing.assert_allclose(found.objective, tw.loss_and_gradient(network, p, X, Y)[0], rtol=1e-12)


def test_update_is_the_change_of_the_weights_beside_them(rng):
    network = tw.Network([3, 5, 2])
    before, after = network.initialize(1), rng.normal(size=network.n_parameters)
    found = look(network, after, steps=13, before=(before, 4))
    norms = [
        np.linalg.norm(new - old) / np.linalg.norm(old)
        for (new, _), (old, _) in zip(network.views(after), network.views(before), strict=True)
    ]
    np.testing.assert_allclose(found.update, np.array(norms) / 3.0, rtol=1e-12)
    assert found.steps_between == 9
    assert np.isnan(look(network, after).update).all()
    assert np.isnan(look(network, after, steps=9, before=(np.zeros_like(before), 4)).update).all()


def weights_for(*a):
    """One input of 1 and 2 in turn, hidden units whose a is at the first these: weights and an output of ones."""
    return np.array([*a, *np.ones(len(a))], dtype=float)


@pytest.mark.parametrize(
    ("activation", "a", "dead", "saturated"),
    [
        ("relu", [-1.0, -2.0, 1.0], 2 / 3, math.nan),
        ("relu", [3.0, 1.0, 100.0], 0.0, math.nan),
        ("elu", [-9.0, -1.0, 1.0], 1 / 3, math.nan),
        ("gelu", [-9.0, -1.0, 9.0], 1 / 3, math.nan),
        ("silu", [-13.0, -1.0, 9.0], 1 / 3, math.nan),
        ("softplus", [-9.0, -1.0, 9.0], 1 / 3, math.nan),
        ("tanh", [-5.0, 1.0, 5.0], math.nan, 2 / 3),
        ("sigmoid", [-9.0, 1.0, 9.0], math.nan, 2 / 3),
        ("leaky_relu", [-9.0, 1.0, 9.0], math.nan, math.nan),
        ("identity", [-9.0, 1.0, 9.0], math.nan, math.nan),
    ],
)
def test_dead_and_saturated_units(activation, a, dead, saturated):
    network = tw.Network([1, 3, 1], activation=activation, bias=False)
    found = look(network, weights_for(*a), X=[[1.0], [2.0]] * 7)
    np.testing.assert_array_equal([found.dead[0], found.saturated[0]], [dead, saturated])
    np.testing.assert_array_equal([found.dead[1], found.saturated[1]], [0.0, math.nan])  # identity always has a slope


def test_a_unit_that_wakes_for_one_row_is_not_dead_and_one_asleep_for_nearly_all_is_saturated():
    rows = [[1.0]] * 39 + [[-1.0]]
    relu = tw.Network([1, 1, 1], activation="relu", bias=False)
    assert look(relu, [-1.0, 1.0], X=rows).dead[0] == 0.0 and look(relu, [-1.0, 1.0], X=rows[:39]).dead[0] == 1.0
    tanh = tw.Network([1, 1, 1], activation="tanh")  # a = 5 but for one row, where it is 0
    assert look(tanh, [2.5, 2.5, 1.0, 0.0], X=rows).saturated[0] == 1.0
    assert look(tanh, [2.5, 2.5, 1.0, 0.0], X=rows[-10:]).saturated[0] == 0.0


@pytest.mark.parametrize(
    ("output", "loss", "dead"),
    [
        ("relu", "squared_error", 0.5),  # the second output is 0 for ever
        ("sigmoid", "binary_cross_entropy", math.nan),  # they cancel
        ("softmax", "cross_entropy", math.nan),
        ("sigmoid", "squared_error", 0.0),  # sure, and perhaps right
    ],
)
def test_outputs_are_looked_at_where_their_slope_counts(output, loss, dead):
    network = tw.Network([1, 2], output=output, loss=loss, bias=False)
    found = look(network, [20.0, -20.0], X=[[1.0], [1.5]], Y=[[1.0, 0.0]] * 2)
    np.testing.assert_array_equal([found.dead[0], found.saturated[0]], [dead, math.nan])


@pytest.mark.parametrize("name", HIDDEN)
def test_a_usual_network_of_any_activation_is_neither_dead_nor_saturated(name):
    network = tw.Network([3, 11, 7, 1], activation=name)
    found = look(network, network.initialize(2))
    assert len(ACTIVATIONS) > len(HIDDEN) > 10
    assert not (found.dead[:2] > 0.2).any() and not (found.saturated[:2] > 0.0).any()


def test_numbers_that_overflow_are_no_reason_to_fail():
    network = tw.Network([3, 5, 1], activation="exp")
    assert not math.isfinite(look(network, np.full(network.n_parameters, 1e3)).objective)
