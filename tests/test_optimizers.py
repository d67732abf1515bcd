"""Update rules: two steps by hand, clipping, decay, state, and what is refused. (PyTorch's walks: tests/golden.)"""

import json
import math
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.optimizers import find_optimizer
from thalweg.update_rules import UPDATE_RULES


G = [np.array([1.0, -2.0, 0.5]), np.array([-3.0, 0.25, 0.0])]
P = np.array([1.0, 2.0, -3.0])


def walk(optimizer, rates=(0.1, 0.2), decay: Any = 1.0, dtype: Any = np.float64):
    p = P.astype(dtype)
    state = optimizer.start(len(p), dtype)
    for t, (g, rate) in enumerate(zip(G, rates, strict=True), start=1):
        optimizer.update(p, g.astype(dtype), state, rate, t, decay)
    return p, state


def test_gradient_descent_by_hand():
    p, state = walk(tw.GradientDescent())
    np.testing.assert_allclose(p, P - 0.1 * G[0] - 0.2 * G[1], rtol=1e-15)
    assert state == {}


def test_momentum_by_hand_keeps_the_rate_of_each_step():
    v1 = -0.1 * G[0]
    v2 = 0.9 * v1 - 0.2 * G[1]  # the rate belongs to the gradient of its step, not to the velocity before
    p, state = walk(tw.GradientDescent(momentum=0.9))
    np.testing.assert_allclose(p, P + v1 + v2, rtol=1e-15)
    np.testing.assert_allclose(state["velocity"], v2, rtol=1e-15)


def test_nesterov_by_hand():
    v1 = -0.1 * G[0]
    v2 = 0.9 * v1 - 0.2 * G[1]
    p, _ = walk(tw.GradientDescent(momentum=0.9, nesterov=True))
    np.testing.assert_allclose(p, P + (0.9 * v1 - 0.1 * G[0]) + (0.9 * v2 - 0.2 * G[1]), rtol=1e-15)


def test_nesterov_looks_ahead():
    """In q = p − μ v the walk is Nesterov's own: v := μ v − γ ∇f(q + μ v), q := q + v (Sutskever 2013, eq. 3–4)."""
    curvature = np.array([1.0, 4.0, 9.0])
    optimizer = tw.GradientDescent(momentum=0.8, nesterov=True)
    p, state = P.copy(), optimizer.start(3)
    q, v = P.copy(), np.zeros(3)
    for t in range(1, 20):
        optimizer.update(p, curvature * p, state, 0.05, t)
        v = 0.8 * v - 0.05 * curvature * (q + 0.8 * v)
        q = q + v
        np.testing.assert_allclose(p, q + 0.8 * v, rtol=1e-12)


def test_rmsprop_by_hand():
    v1 = 0.1 * G[0] ** 2
    v2 = 0.9 * v1 + 0.1 * G[1] ** 2
    p, _ = walk(tw.RMSprop(rho=0.9, epsilon=1e-3))
    expected = P - 0.1 * G[0] / (np.sqrt(v1) + 1e-3) - 0.2 * G[1] / (np.sqrt(v2) + 1e-3)
    np.testing.assert_allclose(p, expected, rtol=1e-14)


def test_adam_with_epsilon_beside_the_root_as_it_is_by_hand():
    p, m, v = P.copy(), np.zeros(3), np.zeros(3)
    for t, (g, rate) in enumerate(zip(G, (0.1, 0.2), strict=True), start=1):
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g**2
        p = p - rate * math.sqrt(1 - 0.9**t) / (1 - 0.8**t) * m / (np.sqrt(v) + 0.5)
    walked, _ = walk(tw.Adam(beta1=0.8, beta2=0.9, epsilon=0.5, epsilon_hat=True))
    np.testing.assert_allclose(walked, p, rtol=1e-14)


def adam(decay=None):
    p, m, v = P.copy(), np.zeros(3), np.zeros(3)
    for t, (g, rate) in enumerate(zip(G, (0.1, 0.2), strict=True), start=1):
        if decay is not None:
            p = p - rate * 0.3 * decay * p
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g**2
        p = p - rate * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.9**t)) + 1e-3)
    return p


def test_adam_by_hand():
    p, _ = walk(tw.Adam(beta1=0.8, beta2=0.9, epsilon=1e-3))
    np.testing.assert_allclose(p, adam(), rtol=1e-14)


def test_the_first_step_of_adam_is_the_rate_whatever_the_gradient():
    p = np.zeros(3)
    optimizer = tw.Adam()
    optimizer.update(p, np.array([1e-3, -5.0, 1e6]), optimizer.start(3), 0.25, 1)
    np.testing.assert_allclose(p, [-0.25, 0.25, -0.25], rtol=1e-4)


def test_adamw_decays_where_it_is_told_and_before_the_step():
    where = np.array([1.0, 0.0, 1.0])
    p, _ = walk(tw.AdamW(beta1=0.8, beta2=0.9, epsilon=1e-3, weight_decay=0.3), decay=where)
    np.testing.assert_allclose(p, adam(decay=where), rtol=1e-14)


def test_weights_decay_and_biases_do_not():
    """Training on a target that is met exactly: the gradient is zero, only the decay moves anything."""
    network = tw.Network([2, 3, 1], activation="identity")
    p = np.round(8.0 * network.initialize(seed=0)) / 8.0  # sums of such numbers are exact, in whatever order
    (W1, b1), (W2, b2) = network.views(p)
    assert b1 is not None and b2 is not None
    b1[:], b2[:] = [1.0, -2.0, 3.0], [-(np.array([1.0, -2.0, 3.0]) @ W2)[0]]
    result = tw.train(
        network, [[0.0, 0.0]], [0.0], parameters=p, optimizer=tw.AdamW(0.1, weight_decay=0.5), stop=tw.Stop(epochs=1),
        batch="all", dtype="float64",
    )  # fmt: skip
    moved = network.views(result.parameters)
    for (W, b), (old_W, old_b) in zip(moved, network.views(p), strict=True):
        np.testing.assert_allclose(W, 0.95 * old_W, rtol=1e-12)
        assert b is not None and old_b is not None and np.array_equal(b, old_b)


def test_clipping_shortens_long_gradients_only():
    g = np.array([3.0, 4.0, 0.0])
    for clip, expected in ((10.0, g), (5.0, g), (1.0, g / 5.0)):
        p = np.zeros(3)
        tw.GradientDescent(1.0, clip=clip).update(p, g.copy(), {}, 1.0, 1)
        np.testing.assert_allclose(-p, expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(np.float32, 1e-37), (np.float32, 1.0), (np.float32, 1e20), (np.float32, 1e38),
     (np.float64, 1e-300), (np.float64, 1.0), (np.float64, 1e200), (np.float64, 1e307)],
)  # fmt: skip
def test_clipping_gives_its_norm_however_large_the_gradient(dtype, size):
    """The square of the larger ones overflows, that of the smallest is 0."""
    p, clip = np.zeros(3, dtype=dtype), min(0.5, size / 10)
    gradient = np.array([0.6, -0.8, 0.0], dtype=dtype) * dtype(size)
    tw.GradientDescent(1.0, clip=clip).update(p, gradient, {}, 1.0, 1)
    np.testing.assert_allclose(p, [-0.6 * clip, 0.8 * clip, 0.0], rtol=1e-6)


def test_clipping_leaves_a_zero_gradient_and_one_that_is_not_finite():
    for g in ([0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]):
        p = np.zeros(2)
        tw.GradientDescent(1.0, clip=1.0).update(p, np.array(g), {}, 1.0, 1)
        np.testing.assert_array_equal(-p, g)


ALL = [
    tw.GradientDescent(0.1), tw.GradientDescent(0.1, momentum=0.9),
    tw.GradientDescent(0.1, momentum=0.5, nesterov=True),
    tw.RMSprop(0.01, rho=0.9), tw.Adam(tw.Cosine(0.1), clip=3.0), tw.AdamW(tw.WarmUp(0.1), weight_decay=0.2),
]  # fmt: skip


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_float32_stays_float32(optimizer):
    p, state = walk(optimizer, dtype=np.float32)
    assert p.dtype == np.float32 and all(vector.dtype == np.float32 for vector in state.values())
    np.testing.assert_allclose(p, walk(optimizer)[0], rtol=1e-5)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_an_optimizer_comes_back_from_a_file(optimizer):
    assert find_optimizer(json.loads(json.dumps(optimizer.to_dict()))) == optimizer
    assert find_optimizer(optimizer) is optimizer


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_a_name_gives_the_defaults(name):
    assert find_optimizer(name) == UPDATE_RULES[name]()


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_every_rule_walks_to_the_bottom_of_a_bowl(name):
    optimizer = UPDATE_RULES[name](0.05)
    p, state, curvature = P.copy(), optimizer.start(3), np.array([1.0, 3.0, 7.0])
    for t in range(1, 600):
        optimizer.update(p, curvature * p, state, 0.05 * 0.995**t, t)
    assert np.abs(p).max() < 0.05


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: find_optimizer("SGD"), "there is no optimizer 'SGD'; choose one of GradientDescent, RMSprop, Adam"),
        (lambda: find_optimizer(0.1), "there is no optimizer 0.1"),
        (lambda: find_optimizer(tw.Adam), "there is no optimizer <class"),
        (lambda: tw.Adam("fast"), "a learning rate is a number"),
        (lambda: tw.Adam(-0.1), "rate must be a number ≥ 0, not -0.1"),
        (lambda: tw.Adam(beta1=1.0), "Adam: beta1 must be a number with 0 ≤ beta1 < 1, not 1.0"),
        (lambda: tw.Adam(beta2=-0.1), "beta2 must be a number with 0 ≤ beta2 < 1, not -0.1"),
        (lambda: tw.Adam(epsilon=0.0), "epsilon must be a number > 0, not 0.0"),
        (lambda: tw.Adam(epsilon="1e-8"), "epsilon must be a number > 0, not '1e-8'"),  # pyright: ignore[reportArgumentType]
        (lambda: tw.Adam(clip=0.0), "clip must be a norm > 0, or None for no clipping, not 0.0"),
        (lambda: tw.Adam(clip=math.nan), "not nan"),
        (lambda: tw.RMSprop(rho=1.0), "RMSprop: rho must be a number with 0 ≤ rho < 1, not 1.0"),
        (lambda: tw.GradientDescent(momentum=1.1), "momentum must be a number with 0 ≤ momentum ≤ 1, not 1.1"),
        (lambda: tw.GradientDescent(nesterov=True), "nesterov=True would do nothing while momentum is 0"),
        (lambda: tw.AdamW(weight_decay=-1.0), "AdamW: weight_decay must be a number ≥ 0, not -1.0"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(make, said):
    with pytest.raises(tw.InputError, match=said):
        make()
