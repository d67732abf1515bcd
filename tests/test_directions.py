"""Directions against their formulas: matrices written out, quadratics that must end in n steps, and the eigenvalues."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg.directions import DIRECTIONS
from thalweg.landscape import Point
from thalweg.line_searches import NoStepError
from thalweg.steps import along_a_ray


SIZES = [1, 2, 3, 5, 7, 13]


class Quadratic:
    """½ (x − c)ᵀ H (x − c)."""

    def __init__(self, H, c):
        self.H, self.c = H, c

    def value(self, x):
        return 0.5 * float((x - self.c) @ self.H @ (x - self.c))

    def value_and_gradient(self, x):
        return self.value(x), self.H @ (x - self.c)

    def hessian(self, x):
        return self.H

    def curvature(self, x, d):
        return float(d @ self.H @ d)


def rotated(rng, bends):
    Q, _ = np.linalg.qr(rng.normal(size=(len(bends), len(bends))))
    H = (Q * bends) @ Q.T
    return 0.5 * (H + H.T)


def convex(rng, n, condition=30.0):
    return Quadratic(rotated(rng, np.geomspace(1.0, condition, n)), rng.normal(size=n))


def point(f, x):
    return Point(x, *f.value_and_gradient(x))


def walk(f, x, optimizer, steps, rate=np.nan):
    """The points of a walk and the directions between them; fewer where nothing leads downhill any more."""
    points, state, dtype = [point(f, x)], optimizer.start(len(x), x.dtype), x.dtype
    for _ in range(steps):
        try:
            points.append(along_a_ray(points[-1], f, optimizer, state, rate).point)
        except NoStepError:
            break
        assert points[-1].x.dtype == dtype
    return points


def gradients(points):
    return np.array([np.linalg.norm(at.gradient) for at in points])


# Conjugate gradients


@pytest.mark.parametrize("n", SIZES)
def test_conjugate_gradients_end_in_n_steps(n, rng):
    """With exact steps: gradients at right angles, directions conjugate, and no gradient after n of them."""
    f = convex(rng, n, condition=7.0)
    points = walk(f, rng.normal(size=n), tw.ConjugateGradient(tw.Exact()), n)
    lengths = gradients(points)
    assert lengths[-1] <= 1e-6 * lengths[0]
    np.testing.assert_allclose(points[-1].x, f.c, atol=1e-5)
    G = np.array([at.gradient for at in points[:-1]]) / lengths[:-1, None]
    np.testing.assert_allclose(G @ G.T, np.eye(len(G)), atol=1e-4)
    D = np.array([new.x - old.x for old, new in zip(points[:-1], points[1:], strict=True)])
    D /= np.sqrt(np.einsum("ij,jk,ik->i", D, f.H, D))[:, None]
    np.testing.assert_allclose(D @ f.H @ D.T, np.eye(len(D)), atol=1e-4)


def test_as_many_steps_as_there_are_different_eigenvalues(rng):
    f = Quadratic(rotated(rng, np.repeat([1.0, 5.0, 23.0], [4, 6, 3])), rng.normal(size=13))
    lengths = gradients(walk(f, rng.normal(size=13), tw.ConjugateGradient(tw.Exact()), 3))
    assert lengths[-1] <= 1e-10 * lengths[0] and lengths[2] > 1e-6 * lengths[0]


def told(rng, n, dtype=np.float64):
    return Point(rng.normal(size=n).astype(dtype), 0.0, rng.normal(size=n).astype(dtype))


def test_the_conjugate_direction_is_polak_and_ribieres(rng):
    """β = gᵀ(g − g₋) / g₋ᵀg₋, 0 where it is negative; −g where the sum would lead uphill."""
    optimizer, n, restarts = tw.ConjugateGradient(), 5, 0
    state, old = optimizer.start(n), told(rng, n)
    d = -old.gradient
    np.testing.assert_array_equal(optimizer.direction(old, state, None), d)  # pyright: ignore[reportArgumentType]
    for _ in range(40):
        new = told(rng, n)
        g, before = new.gradient, old.gradient
        optimizer.learn(old, new, state)
        beta = max(0.0, g @ (g - before) / (before @ before))
        expected = -g + beta * d
        if beta == 0.0 or expected @ g >= 0.0:
            expected, restarts = -g, restarts + 1
        given_out = optimizer.direction(new, state, None)  # pyright: ignore[reportArgumentType]
        np.testing.assert_allclose(given_out, expected, rtol=1e-12)
        assert given_out @ g < 0.0
        d, old = given_out.copy(), new
        given_out[:] = np.nan  # not the optimizer's own memory
    assert restarts and restarts < 40


# L-BFGS


@pytest.mark.parametrize("n", SIZES)
def test_lbfgs_with_room_for_all_pairs_ends_in_n_steps(n, rng):
    """On a quadratic with exact steps its directions are those of conjugate gradients (Nocedal 1980)."""
    f = convex(rng, n)
    lengths = gradients(walk(f, rng.normal(size=n), tw.LBFGS(tw.Exact(), memory=n), n + 1))
    assert lengths.min() <= 1e-8 * lengths[0]


def inverse_hessian(pairs):
    """The BFGS update B := (I − ρ s yᵀ) B (I − ρ y sᵀ) + ρ s sᵀ for each pair (Nocedal & Wright 6.17, 7.20)."""
    s, y = pairs[-1]
    B = np.eye(len(s)) * (s @ y) / (y @ y)
    for s, y in pairs:
        rho = 1.0 / (s @ y)
        V = np.eye(len(s)) - rho * np.outer(y, s)
        B = V.T @ B @ V + rho * np.outer(s, s)
    return B


@pytest.mark.parametrize("memory", [1, 2, 3, 5, 11])
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from(SIZES))
def test_the_two_loops_are_the_matrix(memory, seed, n):
    """With the last `memory` pairs since f was last seen to bend downwards."""
    rng = np.random.default_rng(seed)
    optimizer, H = tw.LBFGS(memory=memory), rotated(rng, rng.uniform(0.5, 9.0, size=n))
    state, pairs, old = optimizer.start(n), [], told(rng, n)
    first = -old.gradient * min(1.0, 1.0 / np.linalg.norm(old.gradient))
    np.testing.assert_allclose(optimizer.direction(old, state, None), first, rtol=1e-14)  # pyright: ignore[reportArgumentType]
    for _ in range(13):
        s = rng.normal(size=n)
        y = H @ s * (-1.0 if rng.random() < 0.2 else 1.0)
        new = Point(old.x + s, 0.0, old.gradient + y)
        s, y = new.x - old.x, new.gradient - old.gradient
        optimizer.learn(old, new, state)
        if s @ y > 0.0:
            pairs.append((s, y))
        else:  # f bends downwards: what was learnt is forgotten
            pairs.clear()
        old = new
        if pairs:
            expected = -inverse_hessian(pairs[-memory:]) @ old.gradient
            d = optimizer.direction(old, state, None)  # pyright: ignore[reportArgumentType]
            np.testing.assert_allclose(d, expected, rtol=1e-8, atol=1e-9 * np.abs(expected).max())
            assert d @ old.gradient < 0.0


def test_pairs_without_curvature_are_skipped(rng):
    optimizer, n = tw.LBFGS(memory=3), 5
    state, old = optimizer.start(n), told(rng, n)
    optimizer.learn(old, Point(old.x + 1.0, 0.0, old.gradient + 2.0), state)
    kept = {name: array.copy() for name, array in state.items()}
    s = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    across = np.array([2.0, -1.0, 0.0, 0.0, 0.0])
    for y in (np.zeros(n), across, across + 1e-11 * s, np.full(n, np.nan)):
        optimizer.learn(old, Point(old.x + s, 0.0, old.gradient + y), state)
    optimizer.learn(old, old, state)
    assert all(np.array_equal(state[name], kept[name], equal_nan=True) for name in kept)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [tw.LBFGS(0.1), tw.LBFGS()], ids=repr)
def test_pairs_whose_square_is_nothing_are_skipped(optimizer, dtype):
    """sᵀy > 0 and yᵀy = 0, as in float32 where a gradient changes by 1e-23."""
    small = 1e-23 if dtype == np.float32 else 1e-163
    old = Point(np.zeros(3, dtype), 0.0, np.array([1.0, -2.0, 0.5], dtype))
    new = Point(np.ones(3, dtype), 0.0, old.gradient)
    new.gradient = np.zeros(3, dtype)
    old.gradient = np.full(3, -small, dtype)
    state = optimizer.start(3, dtype)
    optimizer.learn(old, new, state)
    d = optimizer.direction(Point(new.x, 0.0, np.array([1.0, -2.0, 0.5], dtype)), state, None)  # pyright: ignore[reportArgumentType]
    assert np.isfinite(d).all() and d.dtype == dtype


def test_a_memory_that_leads_uphill_is_forgotten():
    optimizer = tw.LBFGS(memory=2)
    state, g = optimizer.start(3), np.array([1.0, -2.0, 0.5])
    state["s"][0], state["y"][0], state["pairs"][0] = g, -g, 1.0
    d = optimizer.direction(Point(np.zeros(3), 0.0, g), state, None)  # pyright: ignore[reportArgumentType]
    assert np.array_equal(d, -g) and state["pairs"][0] == 0.0


# Newton


@pytest.mark.parametrize("n", SIZES)
def test_newtons_direction_on_a_convex_function(n, rng):
    """−H⁻¹ g, however unlike the scales of the coordinates: one step of 1 is at the bottom."""
    f = convex(rng, n, condition=1e4)
    for scale in (np.ones(n), 10.0 ** rng.uniform(-5.0, 5.0, size=n)):
        scaled = Quadratic(scale[:, None] * f.H * scale, f.c / scale)
        at = point(scaled, rng.normal(size=n) / scale)
        d = tw.Newton().direction(at, {}, scaled)
        np.testing.assert_allclose(d * scale, (scaled.c - at.x) * scale, rtol=1e-8, atol=1e-9)
        assert d @ at.gradient < 0.0
        last = walk(scaled, at.x, tw.Newton(), 1)[-1]
        np.testing.assert_allclose(last.x * scale, f.c, rtol=1e-8, atol=1e-8)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from(SIZES))
def test_newtons_direction_where_f_bends_downwards_too(seed, n):
    """−|H|⁻¹ g, where |H|² = H², in coordinates that are scaled to the diagonal 1: always downhill."""
    rng = np.random.default_rng(seed)
    f = Quadratic(rotated(rng, rng.uniform(0.5, 5.0, size=n) * rng.choice([-1.0, 1.0], size=n)), rng.normal(size=n))
    at = point(f, rng.normal(size=n))
    d = tw.Newton().direction(at, {}, f)
    assert d @ at.gradient < 0.0
    scale = np.sqrt(np.abs(np.diag(f.H)))
    _, size = scipy.linalg.polar(f.H / np.outer(scale, scale))  # U |A|, by singular values
    np.testing.assert_allclose(d, -np.linalg.solve(size, at.gradient / scale) / scale, rtol=1e-6, atol=1e-8)


def test_saddles_push_away():
    """x² − 4 y²: to 0 in x, and in y as far away from it as Newton's own step would lead towards it; xy: |H| = 1."""
    for H, expected in ((np.diag([2.0, -8.0]), [-1.0, 0.1]), (np.array([[0.0, 1.0], [1.0, 0.0]]), [-0.1, -1.0])):
        f = Quadratic(H, np.zeros(2))
        d = tw.Newton().direction(point(f, np.array([1.0, 0.1])), {}, f)
        np.testing.assert_allclose(d, expected, rtol=1e-12)


@pytest.mark.parametrize("H", [np.zeros((3, 3)), np.full((3, 3), np.nan), np.diag([1.0, np.inf, 2.0])], ids=str)
def test_without_a_hessian_newton_walks_along_the_gradient(H):
    f = Quadratic(H, np.zeros(3))
    at = Point(np.ones(3), 0.0, np.array([1.0, -2.0, 0.5]))
    np.testing.assert_array_equal(tw.Newton().direction(at, {}, f), -at.gradient)


def test_newton_stays_finite_along_flat_directions(rng):
    """A singular Hessian: along its kernel there is no gradient, and nothing to divide."""
    f = Quadratic(rotated(rng, np.array([0.0, 0.0, 1.0, 2.0, 5.0])), rng.normal(size=5))
    points = walk(f, rng.normal(size=5), tw.Newton(), 5)
    assert points[-1].value <= 1e-12 * points[0].value


# All of them


ALL = [row(rate) for row in DIRECTIONS.values() for rate in (0.05, tw.Wolfe(), tw.Backtracking(), tw.Exact())]


def test_every_direction_is_tried_here():
    assert {type(one).__name__ for one in ALL} == set(DIRECTIONS) == {"ConjugateGradient", "LBFGS", "Newton"}


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_float32_stays_float32(optimizer, rng):
    """Vectors as the parameters are; β and the number of pairs, and what a search remembers, in float64."""
    f, start = convex(rng, 5), rng.normal(size=5)
    single = Quadratic(f.H.astype(np.float32), f.c.astype(np.float32))
    points = walk(single, start.astype(np.float32), optimizer, 4, rate=0.05)
    for at in points:
        assert at.x.dtype == at.gradient.dtype == np.float32
    for at, other in zip(points[:3], walk(f, start, optimizer, 2, rate=0.05), strict=True):
        np.testing.assert_allclose(at.x, other.x, rtol=1e-2, atol=1e-2)
    state = optimizer.start(5, np.float32)
    dtypes = {name: array.dtype for name, array in state.items()}
    assert all(dtypes[name] == np.float32 for name in {"direction", "s", "y"} & set(dtypes))
    along_a_ray(points[0], single, optimizer, state, 0.05)
    assert {name: array.dtype for name, array in state.items()} == dtypes


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
@pytest.mark.parametrize("n", SIZES)
def test_every_direction_leads_down_to_the_bottom(n, optimizer, rng):
    f = convex(rng, n, condition=10.0)
    points = walk(f, rng.normal(size=n), optimizer, 400, rate=0.1)
    np.testing.assert_allclose(points[-1].x, f.c, atol=1e-5)
