"""Numeric derivatives against known ones; the gradient check finds wrong gradients and excuses only true kinks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg import derivatives, engines
from thalweg.activations import HIDDEN


@given(x=st.lists(st.floats(-3.0, 3.0), min_size=1, max_size=5))
def test_the_numeric_gradient_of_a_known_function(x):
    x = np.array(x)
    numeric = tw.numeric_gradient(lambda v: float(np.sum(np.sin(3.0 * v) + v**4)), x)
    np.testing.assert_allclose(numeric, 3.0 * np.cos(3.0 * x) + 4.0 * x**3, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e3, 1e8])
def test_the_step_follows_the_size_of_x(size):
    numeric = tw.numeric_gradient(lambda v: float(np.sum((v / size) ** 3)), [2.0 * size])
    np.testing.assert_allclose(numeric, [12.0 / size], rtol=1e-6)


def test_the_step_shrinks_where_the_function_bends_sharply():
    numeric = tw.numeric_gradient(lambda v: float(np.sin(300.0 * v[0])), [0.1])
    np.testing.assert_allclose(numeric, [300.0 * np.cos(30.0)], rtol=1e-6)


def test_a_kink_nearby_is_stepped_around():
    numeric = tw.numeric_gradient(lambda v: float(np.abs(v[0])), [1e-4])
    np.testing.assert_allclose(numeric, [1.0], rtol=1e-6)


def test_x_is_not_changed():
    x = np.array([1.0, 2.0])
    tw.numeric_gradient(lambda v: float(v @ v), x)
    assert x.tolist() == [1.0, 2.0]


def problem(rng, activation="tanh", scale=1.0, **options):
    network = tw.Network([3, 7, 2], activation=activation, **options)
    p = rng.normal(scale=0.5, size=network.n_parameters)
    return network, p, rng.normal(size=(11, 3)), scale * rng.normal(size=(11, 2)), rng.uniform(0.1, 2.0, size=11)


@pytest.mark.parametrize("activation", HIDDEN)
def test_a_right_gradient_passes_whole(activation, engine, rng):
    network, p, X, Y, weights = problem(rng, activation, l2=0.1)
    check = tw.check_gradient(network, p, X, Y, sample_weight=weights, engine=engine)
    assert check.ok, str(check)
    assert check.left_aside.mean() < 0.25  # a random point seldom has a kink within reach
    assert len(check.names) == len(check.analytic) == network.n_parameters
    np.testing.assert_allclose(
        check.numeric[~check.left_aside], check.analytic[~check.left_aside], rtol=1e-5, atol=1e-5
    )


class Wrong:
    """The reference engine with a relative error in one entry of the gradient."""

    def __init__(self, place, error):
        self.place, self.error, self.right = place, error, engines.get("reference")

    def loss_and_gradient(self, network, p, examples):
        loss, gradient = self.right.loss_and_gradient(network, p, examples)
        gradient[self.place] *= 1.0 + self.error
        return loss, gradient


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e5])
@pytest.mark.parametrize("error", [1e-4, -0.5, 1.0])
def test_a_wrong_gradient_is_found_and_named(error, scale, monkeypatch, rng):
    true = engines.get
    for _ in range(50):  # until rounding does not hide the largest slope
        network, p, X, Y, _ = problem(rng, scale=scale)
        place = int(np.argmax(np.abs(tw.loss_and_gradient(network, p, X, Y)[1])))
        wrong = Wrong(place, error)
        monkeypatch.setattr(engines, "get", lambda name, wrong=wrong: wrong)
        check = tw.check_gradient(network, p, X, Y)
        monkeypatch.setattr(engines, "get", true)
        if not check.left_aside[place]:
            break
    assert not check.ok
    assert check.worst == network.name_of(place)
    lines = str(check).splitlines()
    assert [line.split()[0] for line in lines if line.endswith("WRONG")] == [network.name_of(place)]
    assert lines[-1] == f"DISAGREES within 1e-06; worst: {network.name_of(place)}"


def test_a_kink_is_left_aside_and_nothing_else(rng):
    """relu at exactly 0: the weights into that unit have no derivative there."""
    network = tw.Network([2, 3, 1], activation="relu")
    p = network.initialize(seed=1)
    (W1, b1), (W2, _) = network.views(p)
    assert b1 is not None
    b1[:] = 0.5
    W1[:, 1], b1[1], W2[1] = 0.0, 0.0, 2.0  # unit 2 is at its kink for every row
    check = tw.check_gradient(network, p, rng.normal(size=(7, 2)), rng.normal(size=(7, 1)) + 5.0)
    at_kink = {name for name, kink in zip(check.names, check.at_kink, strict=True) if kink}
    assert {"W[1][1,2]", "W[1][2,2]", "b[1][2]"} >= at_kink >= {"b[1][2]"}
    assert not check.too_rough.any() and check.ok
    assert "at a kink" in str(check)


def test_large_targets_do_not_excuse_anything(rng):
    """A loss of 1e10 hides a part of its slope in rounding: what can be compared still is."""
    network, p, X, Y, _ = problem(rng, scale=1e5)
    check = tw.check_gradient(network, p, X, Y)
    assert check.ok and not check.at_kink.any()
    assert not check.left_aside.all()


def test_where_nothing_can_be_compared_the_check_does_not_pass(rng):
    network, p, X, Y, _ = problem(rng)
    check = tw.check_gradient(network, p, X, Y + 1e9)
    assert check.too_rough.all() and not check.ok
    assert str(check).splitlines()[-1].startswith("nothing could be compared")


def test_the_tolerance_is_what_counts():
    names, right = ("a", "b"), np.array([1.0, -2.0])
    no = np.zeros(2, dtype=bool)
    for error, ok in ((0.9e-3, True), (1.1e-3, False)):
        check = derivatives.GradientCheck(names, right, right * [1.0, 1.0 + error], no, no, tolerance=1e-3)
        assert check.ok is ok and check.worst == "b"
    none = derivatives.GradientCheck(names, np.zeros(2), np.array([0.0, 2e-3]), no, no, tolerance=1e-3)
    assert not none.ok  # beside a zero gradient errors are absolute


def test_bad_input_is_refused_as_everywhere():
    network = tw.Network([2, 1])
    with pytest.raises(tw.InputError, match="X must have shape"):
        tw.check_gradient(network, network.initialize(), [1.0, 2.0], [1.0])


def test_some_parameters_of_many(rng):
    net = tw.Network([7, 11, 3], activation="tanh")
    p, X, Y = net.initialize(seed=4), rng.normal(size=(5, 7)), rng.normal(size=(5, 3))
    whole = tw.check_gradient(net, p, X, Y)
    some = tw.check_gradient(net, p, X, Y, which=[3, 100])
    assert some.names == (whole.names[3], whole.names[100]) and some.ok
    assert some.analytic.tolist() == whole.analytic[[3, 100]].tolist()
    assert some.numeric.tolist() == whole.numeric[[3, 100]].tolist()
    assert str(whole).count("\n") < 50 and f"{len(p) - 40} more" in str(whole) and whole.worst in str(whole)
    with pytest.raises(tw.InputError, match="numbered 0 to"):
        tw.check_gradient(net, p, X, Y, which=[len(p)])


def test_a_gradient_of_nothing_but_zeros_is_found(monkeypatch):
    """Errors are relative to the larger of both gradients, so that a missing one cannot hide behind its own size."""
    net = tw.Network([1, 1], bias=False)
    engine = type(engines.get(engines.DEFAULT))
    right = engine.loss_and_gradient
    monkeypatch.setattr(engine, "loss_and_gradient", lambda *given: (right(*given)[0], np.zeros(1)))
    assert not tw.check_gradient(net, [0.3], [[1e-3]], [[1e-4]]).ok
