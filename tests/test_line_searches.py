"""Line searches on small functions whose steps can be told by hand or by law, and what they remember between steps."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg.landscape import Point, Ray
from thalweg.line_searches import LINE_SEARCHES, NoStepError, find_learning_rate
from thalweg.optimizers import OPTIMIZERS, find_optimizer
from thalweg.steps import along_a_ray


class Curve:
    """A function of one number from its value, slope and bend, which counts the looks along a ray and bears so many."""

    def __init__(self, f, slope, bend=lambda x: math.nan):
        self.f, self.slope, self.bend, self.looks = f, slope, bend, 0

    def value(self, x):
        self.looks += 1
        assert self.looks < 100_000, "the search goes on and on"
        return float(self.f(float(x[0])))

    def value_and_gradient(self, x):
        return self.value(x), np.array([float(self.slope(float(x[0])))])

    def hessian(self, x):
        return np.array([[float(self.bend(float(x[0])))]])

    def curvature(self, x, d):
        return float(d @ self.hessian(x) @ d)


class Quadratic:
    """½ xᵀ H x + c."""

    def __init__(self, H, c=0.0):
        self.H, self.c = np.asarray(H, dtype=np.float64), c

    def value(self, x):
        return 0.5 * float(x @ self.H @ x) + self.c

    def value_and_gradient(self, x):
        return self.value(x), self.H @ x

    def hessian(self, x):
        return self.H

    def curvature(self, x, d):
        return float(d @ self.H @ d)


def quadratic(rng, n, lowest=0.5, highest=50.0):
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    return Quadratic((Q * np.geomspace(lowest, highest, n)) @ Q.T)


def ray(landscape, x, d=None):
    """From x along d, or along −g."""
    landscape.looks = 0
    x = np.atleast_1d(np.asarray(x, dtype=np.float64))
    at = Point(x, *landscape.value_and_gradient(x))
    return Ray(landscape, at, -at.gradient if d is None else np.atleast_1d(np.asarray(d, dtype=np.float64)))


def find(search, along, memory=None, is_scaled=False):
    with np.errstate(all="ignore"):
        return search.find(along, search.start() if memory is None else memory, is_scaled)


class Walk:
    """Gradient descent with a search, step by step."""

    def __init__(self, search, landscape, x):
        self.search, self.landscape, self.memory = search, landscape, search.start()
        self.x = np.array(x, dtype=np.float64)

    def step(self):
        along = ray(self.landscape, self.x)
        if along.slope == 0.0:
            raise NoStepError
        found = find(self.search, along, self.memory)
        self.x = found.point.x
        return along, found


PARABOLA = Curve(lambda x: x * x, lambda x: 2 * x, lambda x: 2.0)
QUARTIC = Curve(lambda x: x**4 - x, lambda x: 4 * x**3 - 1, lambda x: 12 * x * x)
KINK = Curve(abs, lambda x: math.copysign(1.0, x), lambda x: 0.0)
WALL = Curve(  # (x − 3)², and nothing from 2 on
    lambda x: (x - 3) ** 2 if x < 2 else math.nan, lambda x: 2 * (x - 3) if x < 2 else math.nan, lambda x: 2.0
)
SLOPE = Curve(lambda x: -x, lambda x: -1.0, lambda x: 0.0)  # falls for ever
FADING = Curve(lambda x: math.exp(-x) if x > -700 else math.inf, lambda x: -math.exp(-x), lambda x: math.exp(-x))
SMALL = {"parabola": PARABOLA, "quartic": QUARTIC, "kink": KINK, "wall": WALL, "fading": FADING}

WAVES = st.lists(st.tuples(st.floats(-3.0, 3.0), st.floats(0.2, 3.0), st.floats(0.0, 6.0)), max_size=4)


def wavy(waves, bowl):
    """Σ a cos(ω x + p) + ½ bowl x²: smooth, and bounded below as bowl > 0."""
    return Curve(
        lambda x: sum(a * math.cos(w * x + p) for a, w, p in waves) + 0.5 * bowl * x * x,
        lambda x: sum(-a * w * math.sin(w * x + p) for a, w, p in waves) + bowl * x,
        lambda x: sum(-a * w * w * math.cos(w * x + p) for a, w, p in waves) + bowl,
    )


# Backtracking


def test_backtracking_on_the_parabola_by_hand():
    """From 1 along −2: γ = 1 leads to −1, which is no lower; γ = ½ to the bottom."""
    found = find(tw.Backtracking(), ray(PARABOLA, 1.0))
    assert (found.rate, found.point.x.tolist(), found.point.value, found.backtracks) == (0.5, [0.0], 0.0, 1)


@pytest.mark.parametrize("name", SMALL)
@settings(max_examples=60)
@given(
    x=st.floats(-5.0, 1.5), rate=st.floats(1e-3, 1e3), factor=st.sampled_from([0.1, 0.5, 0.8]),
    decrease=st.sampled_from([1e-4, 0.1, 0.49]),
)  # fmt: skip
def test_armijos_condition_holds_and_failed_one_factor_before(name, x, rate, factor, decrease):
    along = ray(SMALL[name], x)
    assume(abs(along.slope) > 1e-6 and abs(x) > 1e-9)

    def holds(rate):
        value = along.landscape.value(along.at.x + rate * along.d)
        return value <= along.at.value + decrease * rate * along.slope  # no if it is nan

    found = find(tw.Backtracking(rate, factor, decrease), along)
    tried = [rate]
    for _ in range(found.backtracks):
        tried.append(tried[-1] * factor)
    assert tried[-1] == found.rate
    assert [holds(one) for one in tried] == [False] * found.backtracks + [True]
    assert found.point.is_finite and np.array_equal(found.point.x, along.at.x + found.rate * along.d)


def test_backtracking_starts_one_factor_above_the_last_rate():
    """Along the gradient it remembers; where the direction has a length of its own, γ = rate is tried first."""
    search, narrow = tw.Backtracking(rate=8.0, factor=0.5), Quadratic([[10.0]])
    memory = search.start()
    assert find(search, ray(narrow, 1.0), memory).rate == 0.125  # 8, 4, … are too long: γ < 2/10 · (1 − 1e-4)
    assert memory.tolist() == [0.125]
    found = find(search, ray(narrow, 1.0), memory)
    assert (found.rate, found.backtracks) == (0.125, 1)  # ¼ was first
    found = find(search, ray(Quadratic([[1e-6]]), 1.0), memory)
    assert (found.rate, found.backtracks) == (0.25, 0)
    assert find(search, ray(narrow, 1.0), memory, is_scaled=True).backtracks == 6
    flat = search.start()
    rates = [find(search, ray(Quadratic([[1e-6]]), 1.0), flat).rate for _ in range(3)]
    assert rates == [8.0] * 3  # never above rate


def test_backtracking_goes_on_until_the_step_is_short_enough_whatever_the_factor():
    steep = Quadratic([[1e12]])
    for factor in (0.01, 0.5, 0.9, 0.99):
        found = find(tw.Backtracking(1.0, factor), ray(steep, 1.0))
        assert 0.99 * factor * 2e-12 < found.rate < 2e-12


def test_a_gradient_that_leads_uphill_finds_no_step():
    wrong = Curve(lambda x: x * x, lambda x: -2 * x, lambda x: 2.0)
    for search in (tw.Backtracking(), tw.Wolfe(), tw.Lipschitz(), tw.BarzilaiBorwein()):
        with pytest.raises(NoStepError, match="no step along the direction lowers f any more"):
            find(search, ray(wrong, 1.0))


@pytest.mark.parametrize("factor", [0.1, 0.5, 0.8, 0.99])
def test_no_step_leads_down_from_the_tip_of_a_kink(factor):
    """At x = 0 every rate moves x, down to the smallest number there is, which times 0.8 is itself."""
    with pytest.raises(NoStepError, match="no step along the direction lowers f any more"):
        find(tw.Backtracking(1.0, factor), ray(KINK, 0.0))
    for search in (tw.Wolfe(), tw.Lipschitz(), tw.BarzilaiBorwein()):
        with pytest.raises(NoStepError, match="no step along the direction lowers f any more"):
            find(search, ray(KINK, 0.0))


def test_where_f_is_all_rounding_a_step_must_shorten_the_gradient():
    """10¹⁶ + x² is 10¹⁶ near 0, to rounding: γ = 1 leads to the same slope on the other side, γ = ½ to the bottom."""
    along = ray(Curve(lambda x: 1e16 + x * x, lambda x: 2 * x, lambda x: 2.0), 1e-3)
    found = find(tw.Backtracking(), along)
    assert (found.rate, found.point.value) == (0.5, along.at.value)
    found = find(tw.Wolfe(), along)
    assert abs(found.point.gradient[0]) < abs(along.at.gradient[0])
    with pytest.raises(NoStepError):  # the slope never shortens
        find(tw.Backtracking(), ray(Curve(lambda x: 1e16, lambda x: 2.0), 1e-3))


# Wolfe


def conditions(rule, along, rate):
    """Strong Wolfe conditions (Nocedal & Wright 3.7), and Hager & Zhang's approximate ones, straight from φ."""
    x = along.at.x + rate * along.d
    value, gradient = along.landscape.value_and_gradient(x)
    slope = float(gradient @ along.d)
    flat = abs(slope) <= rule.curvature * abs(along.slope)
    low = value <= along.at.value + rule.decrease * rate * along.slope
    close = value <= along.at.value + 50 * 2.3e-16 * abs(along.at.value)
    return flat and low, flat and close and slope <= (2 * rule.decrease - 1) * along.slope


@settings(max_examples=300)
@given(
    waves=WAVES, bowl=st.floats(1e-3, 10.0), x=st.floats(-10.0, 10.0), length=st.floats(-4.0, 4.0),
    curvature=st.sampled_from([0.1, 0.5, 0.9]), is_scaled=st.booleans(),
)  # fmt: skip
def test_wolfes_conditions_hold(waves, bowl, x, length, curvature, is_scaled):
    """On any smooth function that is bounded below, from anywhere, however long the direction."""
    f = wavy(waves, bowl)
    g = f.slope(x)
    assume(abs(g) > 1e-3)
    rule, along = tw.Wolfe(curvature=curvature), ray(f, x, [-math.copysign(10.0**length, g)])
    found = find(rule, along, is_scaled=is_scaled)
    assert any(conditions(rule, along, found.rate))
    assert np.array_equal(found.point.x, along.at.x + found.rate * along.d)
    assert found.point.value == f.f(float(found.point.x[0])) and found.backtracks <= 40


def test_wolfe_takes_a_good_first_step_with_one_look():
    f = Curve(lambda x: x * x, lambda x: 2 * x)
    along = ray(f, 1.0, [-1.0])
    f.looks = 0
    found = find(tw.Wolfe(), along, is_scaled=True)
    assert (found.rate, found.point.value, found.backtracks, f.looks) == (1.0, 0.0, 0, 1)


def test_wolfes_first_trial_by_hand():
    """A step of length 1 at most; then the first-order change of the step before, γ₋ φ₋′(0) / φ′(0)."""
    search = tw.Wolfe()
    memory = search.start()
    first = find(search, ray(PARABOLA, 4.0), memory)  # d = −8: γ = 1/8 leads to 3, slope 6 ≤ 0.9 · 8
    assert (first.rate, first.backtracks, memory.tolist()) == (0.125, 0, [0.125, -64.0])
    second = find(search, ray(PARABOLA, 3.0), memory)  # γ = ⅛ · 64/36
    assert second.rate == 0.125 * 64 / 36 and second.backtracks == 0
    assert memory.tolist() == [second.rate, -36.0]
    assert find(search, ray(PARABOLA, 0.25)).rate == 1.0 / 2.0  # d = −½: γ = 1 leads to −¼, as high: then inwards


def test_wolfe_at_a_kink_takes_the_lowest_it_saw():
    """The slope of |x| is ±1 everywhere, never flat: what is left is to go down."""
    found = find(tw.Wolfe(), ray(KINK, 0.7))
    assert 0.0 <= found.point.value < 1e-9


def test_wolfe_at_a_wall_keeps_on_this_side():
    """(x − 3)² up to a wall at 2: no slope on this side is as flat as 0.1 · 6."""
    along = ray(WALL, 0.0)
    for search in (tw.Wolfe(curvature=0.1), tw.Wolfe(), tw.Backtracking(), tw.Lipschitz(), tw.BarzilaiBorwein()):
        found = find(search, along)
        assert found.point.is_finite and found.point.x[0] < 2.0
        assert found.point.value <= 9.0 - 1e-4 * found.rate * 36.0
    assert find(tw.Wolfe(curvature=0.1), along).point.value < 1.0 + 1e-6


def test_what_falls_for_ever_is_followed():
    along = ray(SLOPE, 0.0)
    found = find(tw.Wolfe(), along)
    assert found.point.is_finite and found.point.value < -1e9
    fading = ray(FADING, 0.0)
    assert any(conditions(tw.Wolfe(curvature=0.1), fading, find(tw.Wolfe(curvature=0.1), fading).rate))
    assert find(tw.Backtracking(4.0), along).rate == 4.0
    assert find(tw.Lipschitz(), along).point.is_finite
    with pytest.raises(NoStepError):
        find(tw.Exact(), along)


@settings(max_examples=100)
@given(
    waves=WAVES, bowl=st.floats(1e-3, 10.0), x=st.floats(-10.0, 10.0), noise=st.floats(-15.0, -5.0),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_a_search_ends_on_a_function_with_noise(waves, bowl, x, noise, seed):
    """It takes a step that it saw to be lower, or says that there is none; it neither hangs nor goes uphill."""
    smooth, shake = wavy(waves, bowl), 10.0**noise

    def shaken(x):
        return smooth.f(x) + shake * math.sin(1e9 * x + seed)

    along = ray(Curve(shaken, smooth.slope, smooth.bend), x)
    assume(along.slope < 0.0)
    for search in (tw.Backtracking(), tw.Wolfe(), tw.Lipschitz(), tw.BarzilaiBorwein()):
        try:
            found = find(search, along)
        except NoStepError:
            continue
        assert found.point.value <= along.at.value + 50 * 2.3e-16 * abs(along.at.value)
        assert found.rate > 0.0 and not np.array_equal(found.point.x, along.at.x)


# Exact


@pytest.mark.parametrize("n", [1, 2, 5, 13])
def test_exact_lands_on_the_lowest_point_of_the_ray(n, rng):
    f = quadratic(rng, n)
    for _ in range(7):
        x, d = rng.normal(size=n), rng.normal(size=n)
        d = d if d @ f.H @ x < 0.0 else -d
        along = ray(f, x, d)
        found = find(tw.Exact(), along)
        scale = np.linalg.norm(along.at.gradient) * np.linalg.norm(d)
        assert abs(found.point.gradient @ d) <= 1e-10 * scale  # the slope there is 0
        for other in (0.9, 1.1):
            assert f.value(x + other * found.rate * d) > found.point.value
        assert found.backtracks == 0


@pytest.mark.parametrize("n", [1, 3, 7])
def test_exact_reaches_the_bottom_of_a_round_bowl_in_one_step(n, rng):
    x = rng.normal(size=n)
    found = find(tw.Exact(), ray(Quadratic(3.7 * np.eye(n)), x))
    np.testing.assert_allclose(found.point.x, np.zeros(n), atol=1e-10 * np.abs(x).max())
    assert found.rate == pytest.approx(1 / 3.7, rel=1e-14)


def test_exact_refuses_what_does_not_bend_upwards():
    for bend in (-2.0, 0.0, math.nan):
        f = Curve(lambda x: math.cos(x), lambda x: -math.sin(x), lambda x, bend=bend: bend)
        with pytest.raises(NoStepError, match="f does not bend upwards along the .*; use Backtracking or Wolfe"):
            find(tw.Exact(), ray(f, 1.0))


# Barzilai–Borwein


BY_HAND = {"long": [10 / 28, 10 / 28, 5 / 6], "short": [10 / 28, 28 / 82, 2 / 3]}


@pytest.mark.parametrize("length", BY_HAND)
def test_three_steps_of_barzilai_and_borwein_by_hand(length):
    """½ (x² + 3 y²) from (1, 1): g = (1, 3), so gᵀg = 10, gᵀHg = 28, ‖Hg‖² = 82; then (18, −6)/28: 360, 432, 648."""
    walk = Walk(tw.BarzilaiBorwein(length), Quadratic(np.diag([1.0, 3.0])), [1.0, 1.0])
    found = [walk.step()[1] for _ in range(3)]
    np.testing.assert_allclose([one.rate for one in found], BY_HAND[length], rtol=1e-13)
    np.testing.assert_allclose(found[0].point.x, [18 / 28, -2 / 28], rtol=1e-13)
    assert [one.backtracks for one in found] == [0, 0, 0]


@pytest.mark.parametrize("length", BY_HAND)
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), n=st.sampled_from([2, 5, 7]))
def test_its_rates_are_the_formulas_unless_f_would_grow_too_far(length, seed, n):
    """s = −γ g of the step before; shortened by halves only; f stays below the highest of the last 10 values."""
    rng = np.random.default_rng(seed)
    f = quadratic(rng, n)
    walk, values, last = Walk(tw.BarzilaiBorwein(length), f, rng.normal(size=n)), [], None
    start = f.value(walk.x)
    while len(values) < 23 and f.value(walk.x) > 1e-20 * start:
        along, found = walk.step()
        values.append(along.at.value)
        if last is not None:
            s = along.at.x - last.x
            y = f.H @ s
            expected = s @ s / (s @ y) if length == "long" else s @ y / (y @ y)
            assert found.rate == pytest.approx(expected * 0.5**found.backtracks, rel=1e-6)
        bound = max(values[-10:])
        assert found.point.value <= bound + 1e-4 * found.rate * along.slope
        last = along.at


@settings(max_examples=60)
@given(waves=WAVES, bowl=st.floats(1e-2, 10.0), x=st.floats(-10.0, 10.0), length=st.sampled_from(["long", "short"]))
def test_it_never_rises_above_the_last_ten(waves, bowl, x, length):
    walk, values = Walk(tw.BarzilaiBorwein(length), wavy(waves, bowl), [x]), []
    for _ in range(29):
        try:
            along, found = walk.step()
        except NoStepError:
            break
        values.append(along.at.value)
        assert found.point.value <= max(values[-10:])


def test_barzilai_and_borwein_step_twice_as_far_where_the_last_step_met_no_curvature():
    """Near the top of cos: |bend| is cos 0.1 at first, and from there the slope gets steeper, so sᵀy < 0."""
    top = Curve(math.cos, lambda x: -math.sin(x), lambda x: -math.cos(x))
    walk = Walk(tw.BarzilaiBorwein(), top, [0.1])
    rates = [walk.step()[1].rate for _ in range(2)]
    assert rates == [pytest.approx(1 / math.cos(0.1)), pytest.approx(2 / math.cos(0.1))]


@pytest.mark.parametrize("length", BY_HAND)
@pytest.mark.parametrize("size", [1e-170, 1e-161, 1e-158, 1e-150])
def test_changes_whose_square_is_nothing_are_no_error(size, length):
    """yᵀy is 0 in float64 where the gradients differ by less than 1e-162, and sᵀy need not be."""
    f, optimizer = Quadratic(size * np.diag([1.0, 1e-3])), tw.GradientDescent(tw.BarzilaiBorwein(length))
    x, state = np.array([1.0, 2.0]), optimizer.start(2)
    at = Point(x, *f.value_and_gradient(x))
    with np.errstate(all="ignore"):
        try:
            for _ in range(11):
                at = along_a_ray(at, f, optimizer, state, math.nan).point
        except NoStepError:
            pass
    assert at.is_finite and at.value <= f.value(x)


@pytest.mark.parametrize("bend", [1e-310, 1e-323, 1e-300])
def test_a_curvature_near_nothing_ends(bend):
    """Its inverse is infinite, and half of that is infinite again."""
    straight = Curve(lambda x: x + 0.5 * bend * x * x, lambda x: 1.0 + bend * x, lambda x: bend)
    for search in (tw.BarzilaiBorwein(), tw.BarzilaiBorwein("short"), tw.Lipschitz()):
        memory = search.start()
        for _ in range(3):
            try:
                found = find(search, ray(straight, 1.0), memory)
            except NoStepError:
                break
            assert found.point.is_finite and found.point.value < 1.0


# Lipschitz


def test_a_known_curvature_gives_its_inverse_every_time(rng):
    f = quadratic(rng, 5)
    walk = Walk(tw.Lipschitz(50.0), f, rng.normal(size=5))
    for _ in range(7):
        along, found = walk.step()
        assert (found.rate, found.backtracks) == (1 / 50.0, 0)
        promised = along.at.value - along.at.gradient @ along.at.gradient / 100.0  # ‖g‖²/2L
        assert found.point.value <= promised + 1e-12 * along.at.value


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1), n=st.sampled_from([1, 2, 5, 7]), condition=st.floats(0.0, 3.0),
    size=st.floats(-6.0, 6.0),
)  # fmt: skip
def test_an_estimated_curvature_is_within_a_factor_of_two(seed, n, condition, size):
    """It begins with one that a step meets, so not above L, and doubles where f falls by less than ‖g‖²/2L.

    Below L/2 the steepest share would grow with each step, until that is seen.
    """
    rng, L = np.random.default_rng(seed), 10.0**size
    f = quadratic(rng, n, L / 10.0**condition, L)
    walk, estimates = Walk(tw.Lipschitz(), f, f.H @ rng.normal(size=n) / L), []
    start = f.value(walk.x)
    while len(estimates) < 300 and f.value(walk.x) > 1e-8 * start:
        along, found = walk.step()
        estimates.append(1 / found.rate)
        promised = along.at.value - along.at.gradient @ along.at.gradient / (2 * estimates[-1])
        assert found.point.value <= promised + 1e-13 * along.at.value
    assert (np.diff(estimates) >= 0.0).all()
    if estimates:
        assert estimates[-1] <= 2.0001 * L
    if len(estimates) == 300:
        assert estimates[-1] >= 0.49 * L


# All of them


SEARCHES = [
    tw.Backtracking(), tw.Backtracking(2.0, 0.3, 0.2), tw.Wolfe(), tw.Wolfe(0.01, 0.2), tw.Exact(),
    tw.BarzilaiBorwein(), tw.BarzilaiBorwein("short"), tw.Lipschitz(), tw.Lipschitz(900.0),
]  # fmt: skip
ALL = [
    *(tw.GradientDescent(search) for search in SEARCHES), tw.ConjugateGradient(), tw.ConjugateGradient(tw.Exact()),
    tw.ConjugateGradient(0.25), tw.LBFGS(), tw.LBFGS(tw.Backtracking(), memory=3), tw.LBFGS(tw.Cosine(0.5)),
    tw.Newton(), tw.Newton(tw.Wolfe()), tw.Newton(1.0),
]  # fmt: skip


def test_every_search_and_every_optimizer_is_tried_here():
    assert {type(search).__name__ for search in SEARCHES} == set(LINE_SEARCHES) and LINE_SEARCHES
    assert set(OPTIMIZERS) - {type(one).__name__ for one in ALL} == {"RMSprop", "Adam", "AdamW"}


class Bent:
    """Σ λ (cosh x − 1) + ¼ (Σ x)⁴ / 5: convex, and no quadratic."""

    bends = np.array([1.0, 3.0, 0.5, 7.0, 2.0])

    def value(self, x):
        return float(self.bends @ (np.cosh(x) - 1.0)) + 0.05 * float(x.sum()) ** 4

    def value_and_gradient(self, x):
        return self.value(x), self.bends * np.sinh(x) + 0.2 * x.sum() ** 3

    def hessian(self, x):
        return np.diag(self.bends * np.cosh(x)) + 0.6 * x.sum() ** 2

    def curvature(self, x, d):
        return float(d @ self.hessian(x) @ d)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_walk_goes_on_from_a_copy_of_its_state(optimizer):
    """All that it remembers are the arrays of its state: from a copy, each of them the same bits."""
    f, state = Bent(), optimizer.start(5)
    x = np.array([3.0, -5.0, 2.0, 1.0, -4.0])
    at = Point(x, *f.value_and_gradient(x))

    def walk(at, state, steps):
        seen = []
        for _ in range(steps):
            found = along_a_ray(at, f, optimizer, state, 0.01)
            at = found.point
            seen.append((found.rate, at.x.tolist(), at.value))
        return at, seen

    at, _ = walk(at, state, 2)
    copy = {name: array.copy() for name, array in state.items()}
    _, went_on = walk(at, state, 3)
    _, again = walk(Point(at.x.copy(), at.value, at.gradient.copy()), copy, 3)
    assert went_on == again
    assert all(np.array_equal(state[name], copy[name], equal_nan=True) for name in state) and set(state) == set(copy)


@pytest.mark.parametrize("optimizer", ALL, ids=repr)
def test_a_step_lowers_f_and_changes_no_point(optimizer):
    f, state = Bent(), optimizer.start(5)
    x = np.array([0.5, -1.0, 0.3, 0.2, -0.7])
    at = Point(x, *f.value_and_gradient(x))
    kept = x.copy(), at.gradient.copy()
    found = along_a_ray(at, f, optimizer, state, 0.05)
    along_a_ray(found.point, f, optimizer, state, 0.05)
    assert np.array_equal(at.x, kept[0]) and np.array_equal(at.gradient, kept[1])
    value, gradient = f.value_and_gradient(found.point.x)
    assert found.point.value == value < at.value and np.array_equal(found.point.gradient, gradient)


def test_a_zero_gradient_and_one_that_is_not_finite_are_no_direction():
    for optimizer in ALL:
        flat = Point(np.zeros(5), 0.0, np.zeros(5))
        with pytest.raises(NoStepError, match="the gradient is zero here"):
            along_a_ray(flat, Bent(), optimizer, optimizer.start(5), 0.05)
        wild = Point(np.zeros(5), 0.0, np.array([np.nan, 0.0, 1.0, 0.0, 0.0]))
        with pytest.raises(NoStepError, match="the direction is not finite"):
            along_a_ray(wild, Bent(), optimizer, optimizer.start(5), 0.05)


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_a_search_comes_back_from_a_file(search):
    plain = json.loads(json.dumps(search.to_dict()))
    assert plain["name"] == type(search).__name__
    assert find_learning_rate(plain) == search and find_learning_rate(search) is search
    assert hash(search) == hash(find_learning_rate(plain))


@pytest.mark.parametrize("optimizer", [*ALL, *(row() for row in OPTIMIZERS.values())], ids=repr)
def test_an_optimizer_comes_back_from_a_file(optimizer):
    plain = json.loads(json.dumps(optimizer.to_dict()))
    again = find_optimizer(plain)
    assert again == optimizer and type(again) is type(optimizer) and again.to_dict() == plain
    assert find_optimizer(optimizer) is optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_name_gives_the_defaults(name):
    assert find_optimizer(name) == OPTIMIZERS[name]()


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_a_rate_that_is_to_be_found_is_unknown_before(search):
    assert np.isnan(search.at(np.arange(3.0), None)).all() and not search.needs_total
    assert search.start().shape == (search.remembers,) and np.isnan(search.start()).all()


REFUSED = [
    (lambda: tw.Backtracking(rate=0.0), "Backtracking: rate must be a number > 0, not 0.0"),
    (lambda: tw.Backtracking(rate=math.inf), "Backtracking: rate must be a number > 0, not inf"),
    (lambda: tw.Backtracking(factor=1.0), "Backtracking: factor must be a factor between 0 and 0.99, not 1.0"),
    (lambda: tw.Backtracking(factor=0.0), "Backtracking: factor must be a factor between 0 and 0.99, not 0.0"),
    (lambda: tw.Backtracking(decrease=0.0), "Backtracking: decrease must be a share between 0 and 1, not 0.0"),
    (lambda: tw.Backtracking(decrease=1.0), "decrease must be a share between 0 and 1, not 1.0"),
    (lambda: tw.Backtracking(decrease="1"), "not '1'"),  # pyright: ignore[reportArgumentType]
    (lambda: tw.Wolfe(decrease=0.5), "Wolfe: decrease must be a share between 0 and 0.5, not 0.5"),
    (lambda: tw.Wolfe(decrease=0.0), "Wolfe: decrease must be a share between 0 and 0.5, not 0.0"),
    (lambda: tw.Wolfe(curvature=1.0), "Wolfe: curvature must be a share between decrease and 1, not 1.0"),
    (lambda: tw.Wolfe(0.3, 0.3), "Wolfe: curvature must be a share between decrease and 1, not 0.3"),
    (lambda: tw.Wolfe(curvature=math.nan), "not nan"),
    (lambda: tw.BarzilaiBorwein("medium"), "BarzilaiBorwein: length must be one of long, short, not 'medium'"),
    (lambda: tw.Lipschitz(0.0), "Lipschitz: L must be a curvature > 0, or None to estimate it, not 0.0"),
    (lambda: tw.Lipschitz(-1.0), "not -1.0"),
    (lambda: tw.Lipschitz(True), "not True"),
    (lambda: tw.LBFGS(memory=0), "LBFGS: memory must be a whole number ≥ 1, not 0"),
    (lambda: tw.LBFGS(memory=2.5), "LBFGS: memory must be a whole number ≥ 1, not 2.5"),  # pyright: ignore[reportArgumentType]
    (lambda: tw.LBFGS("fast"), "a learning rate is a number ≥ 0 or one of Constant, .*Backtracking, .*, not 'fast'"),
    (lambda: tw.LBFGS({"name": "Wolfe"}), "a learning rate is a number ≥ 0 or one of"),
    (lambda: find_optimizer({"name": "Newton"}), "there is no optimizer {'name': 'Newton'}"),
    (lambda: find_optimizer("BFGS"), "there is no optimizer 'BFGS'; choose one of GradientDescent, .*Newton, such as"),
    (lambda: tw.Newton(-1.0), "rate must be a number ≥ 0, not -1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=lambda one: one if isinstance(one, str) else "")
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(tw.InputError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
