"""The problems of Moré, Garbow & Hillstrom: the table is right, SciPy solves it, and so does `descend`.

The table comes first, because a wrong Jacobian or a wrong minimum would put the blame on the wrong side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

import thalweg as tw
from problems import PROBLEMS, Minimum, Problem


BY_NUMBER = {problem.number: problem for problem in PROBLEMS}
FINITE = [(problem, minimum) for problem in PROBLEMS for minimum in problem.minima if minimum.at is not None]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The threads of BLAS spin while they wait, which on matrices of 10 × 10 is all they do."""
    with threadpoolctl.threadpool_limits(1):
        yield


every_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=str)
every_minimum = pytest.mark.parametrize(
    ("problem", "minimum"), FINITE, ids=[f"{problem}:{minimum.value:.6g}" for problem, minimum in FINITE]
)


def near(problem: Problem, rng: np.random.Generator) -> list[np.ndarray]:
    """The start, and points about it that keep the signs and sizes that the problem was made for."""
    start = np.array(problem.start)
    return [start, *(start * (1.0 + 0.1 * rng.normal(size=problem.n)) + 0.01 * rng.normal(size=(3, problem.n)))]


def reached(problem: Problem, value: float, within: float = 1e-8) -> Minimum | None:
    """The local minimum of the table that f = value has come to, if any."""
    for minimum in problem.minima:
        if minimum.at is not None and not minimum.saddle and abs(value - minimum.value) <= within:
            return minimum
    return None


# The table.


def test_the_table_is_the_whole_paper():
    assert [problem.number for problem in PROBLEMS] == list(range(1, 36))
    assert len({problem.name for problem in PROBLEMS}) == 35
    assert len(FINITE) >= 35 and all(any(minimum.paper for minimum in problem.minima) for problem in PROBLEMS)


@every_problem
def test_shapes(problem, rng):
    for x in near(problem, rng):
        assert problem.residuals(x).shape == (problem.m,)
        assert problem.jacobian(x).shape == (problem.m, problem.n)
        r = problem.residuals(x)
        np.testing.assert_allclose(problem.value(x), math.fsum(r * r), rtol=1e-14)
        np.testing.assert_allclose(problem.gradient(x), 2.0 * problem.jacobian(x).T @ r, rtol=1e-14)


@every_problem
def test_every_entry_of_the_jacobian_by_an_imaginary_step(problem, rng):
    for x in near(problem, rng):
        J = problem.jacobian(x)
        expected = np.stack([problem.residuals(x + 1e-100j * e).imag for e in np.eye(problem.n)], axis=1) / 1e-100
        np.testing.assert_allclose(J, expected, rtol=1e-12, atol=1e-14 * np.abs(J).max())


@every_problem
def test_the_gradient_is_the_numeric_one_of_the_value(problem, rng):
    """Real arithmetic only, so that code which takes complex numbers wrongly cannot agree with itself."""
    for x in near(problem, rng):
        analytic, numeric = problem.gradient(x), tw.numeric_gradient(problem.value, x)
        rounding = 1e-12 * problem.value(x)  # of f, over a step of 1e-3 and more
        np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-7 * np.abs(analytic).max() + rounding)


@every_problem
def test_the_hessian_is_the_numeric_gradient_of_the_gradient(problem, rng):
    for x in near(problem, rng):
        exact = problem.hessian(x)
        numeric = [tw.numeric_gradient(lambda v, i=i: float(problem.gradient(v)[i]), x) for i in range(problem.n)]
        rounding = 1e-12 * np.abs(problem.gradient(x)).max()
        np.testing.assert_allclose(exact, numeric, rtol=1e-6, atol=1e-7 * np.abs(exact).max() + rounding)


# By hand where f is a short number; the others are the norms that MINPACK's own test program prints.
STARTS = {
    1: math.sqrt(24.2), 2: math.sqrt(400.5), 5: math.sqrt(14.203125), 6: 64.5856498144943, 7: 50.0,
    8: 6.45613629515967, 10: 41153.4665543031, 12: 32.1115837449572, 13: math.sqrt(215.0), 14: math.sqrt(19192.0),
    15: 0.0728915102882945, 16: 2815.43839161816, 17: 0.937564021037838, 19: 1.44686540984712, 20: math.sqrt(30.0),
    35: 0.196513862833975,
}  # fmt: skip


@pytest.mark.parametrize("number", STARTS)
def test_norms_at_the_start(number):
    problem = BY_NUMBER[number]
    norm = math.sqrt(problem.value(np.array(problem.start)))
    np.testing.assert_allclose(norm, STARTS[number], rtol=1e-13)


@every_minimum
def test_f_at_each_minimum_is_what_the_table_says(problem, minimum):
    x = np.array(minimum.at)
    # In float64 the residuals of Meyer's problem, of size 1, come from numbers of size 1e4.
    np.testing.assert_allclose(problem.value(x), minimum.value, rtol=1e-11, atol=1e-28)
    longer = problem.residuals(x.astype(np.longdouble))
    np.testing.assert_allclose(float(longer @ longer), minimum.value, rtol=1e-11, atol=1e-28)


@every_minimum
def test_each_minimum_is_one(problem, minimum):
    """Newton's step promises nothing more, and nothing bends downwards: both free of the scale of x."""
    x = np.array(minimum.at)
    g, H = problem.gradient(x), problem.hessian(x)
    bends, Q = np.linalg.eigh(H)
    certain = np.abs(bends) > 1e-13 * bends[-1]
    promised = np.sum((Q.T @ g)[certain] ** 2 / bends[certain])
    assert 0.0 <= promised <= 1e-14 * minimum.value + 1e-28
    assert bends[0] >= -1e-15 * bends[-1]


@pytest.mark.parametrize(("problem", "minimum"), [(p, m) for p in PROBLEMS for m in p.minima if m.paper], ids=str)
def test_the_digits_of_the_paper(problem, minimum):
    if minimum.paper.startswith("="):  # a formula in n and m
        n, m = problem.n, problem.m
        formulas = {32: m - n, 33: m * (m - 1) / (2 * (2 * m + 1)), 34: (m**2 + 3 * m - 6) / (2 * (2 * m - 3))}
        np.testing.assert_allclose(minimum.value, formulas[problem.number], rtol=1e-15)
        return
    printed = Decimal(minimum.paper)
    last = Decimal(1).scaleb(int(printed.as_tuple().exponent)) if printed else Decimal(0)
    assert abs(Decimal(minimum.value) - printed) <= last  # some are rounded, some cut off


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (5, lambda s: [-s, 1.0 + 0.9910714285714286 / s]),
        (8, lambda s: [12.61 / 15.0, -s, -s]),
        (15, lambda s: [s, -14.07588348, -45.25719216 * s, -28.23149695 * s]),
    ],
)
def test_infima_at_infinity(number, path):
    problem = BY_NUMBER[number]
    (infimum,) = [minimum.value for minimum in problem.minima if minimum.at is None]
    close, far, farther = (abs(problem.value(np.array(path(s))) - infimum) for s in (1e3, 1e5, 1e7))
    assert farther < 1e-4 * infimum and far < 0.02 * close and farther < 0.02 * far


@given(a=st.floats(-1.0, 12.0))
def test_box_has_a_line_of_minima(a):
    assert BY_NUMBER[12].value(np.array([a, a, 0.0])) == 0.0


@given(share=st.floats(-3.0, 3.0))
def test_biggs_has_a_line_of_minima(share):
    """x_1 = x_5, and the two heights may be shared out in any way."""
    problem = BY_NUMBER[18]
    minimum = problem.minima[0]
    x = np.array(minimum.at)
    height = x[2] + x[5]
    x[2], x[5] = share * height, (1.0 - share) * height
    np.testing.assert_allclose(problem.value(x), minimum.value, rtol=1e-12)


@given(d=st.floats(0.05, 0.3), sign=st.sampled_from([-1.0, 1.0]))
def test_the_saddle_that_the_paper_lists_as_a_minimum(d, sign):
    """From (0, …, 0, n + 1), n odd, f falls both ways."""
    problem = BY_NUMBER[27]
    x = np.full(7, sign * d)
    x[-1] = 8.0 - 7.0 * sign * d
    assert problem.value(x) < 1.0 - d**6


# SciPy, which knows nothing of us.


@every_problem
def test_scipy_reaches_a_listed_minimum(problem):
    """BFGS does on all 35. Levenberg–Marquardt on its own is no proof: from Beale's start and from Biggs' the rounding
    of the machine decides to which valley it goes."""
    options = {"maxiter": 5000, "gtol": 1e-10}
    bfgs = optimize.minimize(problem.value, problem.start, jac=problem.gradient, method="BFGS", options=options).x
    tight = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 2000}
    lm = optimize.least_squares(problem.residuals, problem.start, problem.jacobian, method="lm", **tight).x
    values = [problem.value(found) for found in (bfgs, lm)]
    assert any(reached(problem, value) for value in values), values


# `descend`.

STOP = tw.Stop(steps=2000, gradient_norm_below=1e-10)


@every_problem
def test_lbfgs_reaches_a_listed_minimum(problem):
    d = tw.descend(problem.value, problem.start, gradient=problem.gradient, optimizer=tw.LBFGS(), stop=STOP)
    assert reached(problem, d.value), f"{d.value!r}, {d.status}"
    assert not d.status.is_failure
    np.testing.assert_equal(problem.value(d.x), d.value)
    np.testing.assert_array_equal(problem.gradient(d.x), d.gradient)


@every_problem
@pytest.mark.parametrize("exact", [False, True], ids=["differences", "exact"])
def test_damped_newton_reaches_a_listed_minimum(problem, exact):
    d = tw.descend(
        problem.value, problem.start, gradient=problem.gradient, hessian=problem.hessian if exact else None,
        optimizer=tw.Newton(learning_rate=tw.Backtracking()), stop=STOP,
    )  # fmt: skip
    assert reached(problem, d.value, 1e-8), f"{d.value!r}, {d.status}"
    assert not d.status.is_failure


@every_problem
def test_backtracking_never_goes_up(problem):
    """Armijo's condition at every step, computed anew; the last step before a stop included."""
    optimizer = tw.GradientDescent(tw.Backtracking())
    stop = tw.Stop(steps=500, gradient_norm_below=1e-10)
    d = tw.descend(problem.value, problem.start, gradient=problem.gradient, optimizer=optimizer, stop=stop)
    assert len(d.values) == len(d.path) == len(d.gradient_norms) >= 2
    assert (np.diff(d.values) <= 0.0).all() and d.value == d.values[-1] < d.values[0]
    for x, after, value, below in zip(d.path, d.path[1:], d.values, d.values[1:], strict=False):
        promised = problem.gradient(x) @ (after - x)
        assert promised <= 0.0 and below <= value + 1e-4 * promised + 1e-15 * value
    # Of Brown's badly scaled problem the valley is 1e12 times as steep as long; elsewhere 500 steps go much farther.
    assert d.gradient_norms.min() <= (0.9 if problem.number == 4 else 0.05) * d.gradient_norms[0]


@every_problem
@pytest.mark.parametrize(
    "optimizer",
    [tw.ConjugateGradient(), tw.GradientDescent(tw.BarzilaiBorwein()), tw.GradientDescent(tw.Lipschitz())],
    ids=lambda optimizer: f"{type(optimizer).__name__}-{type(optimizer.learning_rate).__name__}",
)
def test_others_come_down(problem, optimizer):
    """However far they get, none of them breaks down or ends above its start."""
    stop = tw.Stop(steps=300, gradient_norm_below=1e-10)
    d = tw.descend(problem.value, problem.start, gradient=problem.gradient, optimizer=optimizer, stop=stop)
    assert not d.status.is_failure and d.value < d.values[0]
    assert np.isfinite(d.x).all() and d.value == problem.value(d.x) == d.values.min()


def evaluations(values: list[float], problem: Problem) -> int | None:
    """How many values it took to come to a minimum of the table."""
    return next((k for k, value in enumerate(values, 1) if reached(problem, value)), None)


class Asked:
    """A problem that keeps what it was asked, in this order."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.values: list[float] = []

    def value(self, x: np.ndarray) -> float:
        self.values.append(self.problem.value(x))
        return self.values[-1]


def test_lbfgs_needs_no_more_values_than_scipys():
    """Measured: about the same in sum, where both arrive; SciPy's L-BFGS-B ends early on three problems."""
    ours, theirs = {}, {}
    options = {"maxcor": 10, "maxiter": 5000, "maxfun": 5000, "gtol": 1e-10, "ftol": 0.0}
    for problem in PROBLEMS:
        asked = Asked(problem)
        optimizer = tw.LBFGS(memory=10)
        tw.descend(asked.value, problem.start, gradient=problem.gradient, optimizer=optimizer, stop=STOP, check=False)
        ours[problem] = evaluations(asked.values, problem)
        asked = Asked(problem)
        optimize.minimize(asked.value, problem.start, jac=problem.gradient, method="L-BFGS-B", options=options)
        theirs[problem] = evaluations(asked.values, problem)
    both = [problem for problem in PROBLEMS if ours[problem] and theirs[problem]]
    assert len(both) >= 30 and all(ours.values())
    assert sum(ours[problem] for problem in both) <= 1.25 * sum(theirs[problem] for problem in both)


# Plain gradient descent on quadratics: x − c shrinks by max |1 − γ λ| at each step, so that 2/L parts the two ends.


@dataclass(frozen=True)
class Quadratic:
    """f(x) = ½ (x − c)ᵀ A (x − c), A with eigenvalues from L/κ to L along directions drawn at random."""

    A: np.ndarray
    c: np.ndarray
    L: float

    def value(self, x):
        return 0.5 * float((x - self.c) @ self.A @ (x - self.c))

    def gradient(self, x):
        return self.A @ (x - self.c)


def quadratic(n: int, condition: float, L: float, seed: int) -> tuple[Quadratic, np.ndarray]:
    """One, and a start that has a share of every eigenvector."""
    rng = np.random.default_rng(seed)
    Q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    bends = L * np.logspace(0.0, -math.log10(condition), n)
    c = rng.normal(size=n)
    start = c + Q @ (rng.uniform(0.5, 2.0, size=n) * rng.choice([-1.0, 1.0], size=n))
    return Quadratic((Q * bends) @ Q.T, c, L), start


DIMENSIONS, CONDITIONS = (1, 2, 5, 13), (1.0, 30.0, 1e4, 1e9)


@pytest.mark.parametrize("n", DIMENSIONS)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("factor", [2.01, 2.1, 3.0, 17.0, 1e3, 1e10, 1e50, 1e150, 1e160, 1e300])
def test_rates_above_two_over_L_diverge(n, condition, factor):
    f, start = quadratic(n, condition, L=7.0, seed=n)
    check_diverged(f, start, factor / f.L)


@given(
    n=st.integers(1, 7), condition=st.floats(0.0, 12.0), L=st.floats(-8.0, 8.0), factor=st.floats(0.0, 299.0),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_any_rate_above_two_over_L_diverges(n, condition, L, factor, seed):
    f, start = quadratic(n, 10.0**condition, 10.0**L, seed)
    check_diverged(f, start, (2.0 + 10.0 ** (factor - 2.0)) / f.L)


def check_diverged(f: Quadratic, start: np.ndarray, rate: float) -> None:
    d = tw.descend(f.value, start, gradient=f.gradient, optimizer=tw.GradientDescent(rate), stop=tw.Stop(steps=20_000))
    assert d.status is tw.Status.DIVERGING, d.message
    assert d.status.is_failure and not d.converged
    assert np.isfinite(d.x).all() and math.isfinite(d.value) and np.isfinite(d.gradient).all()
    assert d.value == f.value(d.x) <= f.value(start)  # the best point: never worse than the start
    assert not np.isnan(d.path).any() and not np.isnan(d.values).any() and not np.isnan(d.gradient_norms).any()


@pytest.mark.parametrize("n", DIMENSIONS)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("factor", [0.1, 1.0, 1.7, 1.99])
def test_rates_below_two_over_L_converge_as_fast_as_theory_says(n, condition, factor):
    f, start = quadratic(n, condition, L=7.0, seed=n)
    check_converged(f, start, factor / f.L)


@given(
    n=st.integers(1, 7), condition=st.floats(0.0, 12.0), L=st.floats(-8.0, 8.0), factor=st.floats(1e-3, 1.999),
    seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_any_rate_below_two_over_L_converges(n, condition, L, factor, seed):
    f, start = quadratic(n, 10.0**condition, 10.0**L, seed)
    check_converged(f, start, factor / f.L)


def check_converged(f: Quadratic, start: np.ndarray, rate: float) -> None:
    d = tw.descend(f.value, start, gradient=f.gradient, optimizer=tw.GradientDescent(rate), stop=tw.Stop(steps=300))
    assert not d.status.is_failure, d.message
    bends, Q = np.linalg.eigh(f.A)
    shares, first = (d.path - f.c) @ Q, (start - f.c) @ Q
    expected = np.abs(first) * np.abs(1.0 - rate * bends) ** d.steps[:, None]
    rounding = 1e-13 * np.abs(d.path).max() * d.steps[:, None] + 1e-14
    assert (np.abs(np.abs(shares) - expected) <= 1e-9 * expected + rounding).all()
    slack = 1e-13 * d.values[0]
    assert (np.diff(d.values) <= slack).all()


SEARCHES = (tw.Backtracking(), tw.Wolfe(), tw.BarzilaiBorwein(), tw.Lipschitz())


def bowl(L: float, learning_rate: tw.Backtracking | tw.Wolfe | tw.BarzilaiBorwein | tw.Lipschitz) -> tw.Descent:
    """A walk on ½ L xᵀx."""
    return tw.descend(
        lambda x: 0.5 * L * float(x @ x), [1.0, -2.0], gradient=lambda x: L * x,
        optimizer=tw.GradientDescent(learning_rate), stop=tw.Stop(steps=300),
    )  # fmt: skip


@pytest.mark.parametrize("L", [1e-100, 1e-10, 1.0, 1e10, 1e29, 1e31, 1e100])
@pytest.mark.parametrize("learning_rate", SEARCHES, ids=lambda search: type(search).__name__)
def test_searches_find_a_step_however_steep_or_flat(learning_rate, L):
    """A step of 2/L is 2⁻³³¹ for the steepest: the search goes on until it is found."""
    d = bowl(L, learning_rate)
    assert not d.status.is_failure
    # Backtracking never steps farther than its rate of 1, which on flat ground is not far.
    assert d.value <= (1e-6 if L >= 1.0 or not isinstance(learning_rate, tw.Backtracking) else 1.0) * d.values[0]


@pytest.mark.parametrize("learning_rate", SEARCHES, ids=lambda search: type(search).__name__)
def test_a_gradient_whose_square_overflows_warns_of_nothing(learning_rate):
    d = bowl(1e200, learning_rate)
    assert np.isfinite(d.x).all() and d.value <= d.values[0]


def test_the_long_way_down_from_ten_times_the_standard_start():
    """Jennrich & Sampson's f begins there at 6e34 with a gradient of 1e36: no step above 1e-35 lowers it."""
    problem = BY_NUMBER[6]
    start = 10.0 * np.array(problem.start)
    for optimizer in (tw.GradientDescent(tw.Backtracking()), tw.LBFGS(), tw.Newton()):
        d = tw.descend(problem.value, start, gradient=problem.gradient, optimizer=optimizer, stop=tw.Stop(steps=50))
        assert d.value < 1e-3 * d.values[0], d.message
