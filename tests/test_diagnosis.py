"""How small is small enough: regimes and bounds against quadratics, where theory says exactly what happens."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.callables import coordinate_names, of_callable
from thalweg.diagnosis import REGIMES, Curvature, curvature
from thalweg.landscape import norm


def seen(told: tw.Diagnosis) -> Curvature:
    assert told.curvature is not None
    return told.curvature


@pytest.mark.parametrize(
    ("share", "regime"), [(0.02, "creeping"), (0.3, "monotone"), (0.95, "monotone"), (1.3, "oscillating"),
                          (1.9, "oscillating"), (2.01, "diverging"), (7.0, "diverging")]
)  # fmt: skip
@pytest.mark.parametrize("L", [0.5, 4.0, 300.0])
def test_the_regimes_of_a_quadratic_in_one_dimension(share, regime, L):
    """γ = share / L: |1 − γL| says all."""
    d = tw.descend(f"{L}*x**2/2", 3.0, optimizer=tw.GradientDescent(share / L), stop=tw.Stop(steps=30))
    told = d.diagnosis
    assert told.regime == regime in REGIMES
    assert (told.one_over_L, told.two_over_L, told.limit) == pytest.approx((1 / L, 2 / L, 2 / L))
    assert f"2/L = {2 / L:.4g}" in str(told) and str(told).startswith(regime.capitalize())
    json.dumps(told.to_dict(), allow_nan=False)


LIMITS = {
    "plain": {},
    "heavy ball": {"momentum": 0.7},
    "nesterov": {"momentum": 0.7, "nesterov": True},
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_limit_of_each_rule_is_where_walks_begin_to_run_away(name):
    bowl = tw.bowl(50.0)
    limit = tw.descend(bowl, optimizer=tw.GradientDescent(1e-3, **LIMITS[name]), stop=tw.Stop(steps=1)).diagnosis.limit
    assert limit == pytest.approx({"plain": 2.0, "heavy ball": 3.4, "nesterov": 3.4 / 2.4}[name] / 50)
    for share, converges in ((0.99, True), (1.01, False)):
        rule = tw.GradientDescent(share * limit, **LIMITS[name])
        d = tw.descend(bowl, optimizer=rule, stop=tw.Stop(steps=20_000, gradient_norm_below=1e-9))
        assert d.converged == converges, (name, share, d)


def test_what_to_change_is_what_helps():
    creeping = tw.descend("5*x**2", 3.0, optimizer=tw.GradientDescent(1e-4), stop=tw.Stop(steps=50)).diagnosis
    assert "Take a larger rate: up to 0.1" in creeping.advice and "1e+03 times as much" in creeping.advice
    diverging = tw.descend("5*x**2", 3.0, optimizer=tw.GradientDescent(0.3), stop=tw.Stop(steps=50)).diagnosis
    assert "Take a smaller rate: 0.1 is safe here" in diverging.advice
    swinging = tw.descend(tw.bowl(4), optimizer=tw.GradientDescent(0.49), stop=tw.Stop(steps=50)).diagnosis
    assert "2/(L + μ) = 0.4 is the best constant one here" in swinging.advice
    narrow = tw.descend(tw.bowl(1e4), optimizer=tw.GradientDescent(1e-4), stop=tw.Stop(steps=500)).diagnosis
    assert narrow.regime == "creeping" and "condition number 1e+04" in str(narrow) and "LBFGS, Newton" in narrow.advice
    saddle = tw.descend("saddle", [0.5, 0.0], stop=tw.Stop(steps=9)).diagnosis
    assert seen(saddle).smallest == pytest.approx(-2) and math.isinf(seen(saddle).condition)
    ended = tw.descend("saddle", [2.0, 0.0])
    assert ended.converged and "a saddle or a top, no minimum" in ended.diagnosis.advice
    best = tw.descend(tw.bowl(10), optimizer=tw.GradientDescent(0.18), stop=tw.Stop(steps=30)).diagnosis
    assert "No constant rate does better than 2/(L + μ) = 0.182" in best.advice
    both = tw.descend("x**2 + 10*y**2", [8.0, 2.0], optimizer=tw.GradientDescent(0.08)).diagnosis
    assert both.regime == "monotone" and "along the steep ones past the bottom and back" in both.behaviour
    downhill = tw.descend("-x", 1.0, stop=tw.Stop(steps=9)).diagnosis
    assert "there may be no minimum" in downhill.advice and math.isnan(downhill.two_over_L)
    still = tw.descend("x**2", 0.0).diagnosis
    assert still.behaviour == "there was no step to take." and "stationary" in still.advice


def test_momentum_that_swings_is_called_so():
    d = tw.descend("x**2", 4.0, optimizer=tw.GradientDescent(0.05, momentum=0.97), stop=tw.Stop(steps=200))
    assert d.diagnosis.regime == "oscillating" and "with this momentum above 1.97" in str(d.diagnosis)


@given(seed=st.integers(0, 10**6), n=st.sampled_from([1, 2, 5, 13]))
def test_the_curvature_is_that_of_the_hessian(seed, n):
    rng = np.random.default_rng(seed)
    M = rng.normal(size=(n, n))
    H = M + M.T
    x = rng.normal(size=n)
    one = of_callable(lambda x: (0.5 * x @ H @ x, H @ x), x, False, None, None, None)
    found, exact = curvature(one, x), np.linalg.eigvalsh(H)
    assert found is not None
    np.testing.assert_allclose([found.smallest, found.largest], exact[[0, -1]], atol=1e-7 * np.abs(exact).max())
    assert one.names == coordinate_names(n, False)


def test_the_largest_curvature_of_many_coordinates():
    bends = np.linspace(1, 37, 1009)
    d = tw.descend(lambda x: (0.5 * bends @ (x * x), bends * x), np.ones(1009), optimizer=tw.GradientDescent(0.01),
                   check=False, stop=tw.Stop(steps=5))  # fmt: skip
    asked = dict(d.evaluations)
    assert seen(d.diagnosis).largest == pytest.approx(37, rel=0.02)
    assert math.isnan(seen(d.diagnosis).smallest) and math.isnan(seen(d.diagnosis).condition)
    assert d.objective.counts == asked == d.evaluations, "a diagnosis is not counted"


def test_the_regimes_of_a_sweep():
    swept = tw.learning_rate_range("2*x**2", 3.0, rates=[1e-3, 0.1, 0.25, 0.45, 0.6], steps=50)
    assert swept.regimes == ("creeping", "monotone", "monotone", "oscillating", "diverging")
    assert swept.best == 0.25 and swept.one_over_L == pytest.approx(0.25) and math.isinf(swept.values[-1])
    assert swept.rates_of("monotone") == (0.1, 0.25) and swept.rates_of("diverging") == (0.6, 0.6)
    assert str(swept).splitlines()[3].split() == ["0.25", "0", "monotone", "*"]
    given = tw.learning_rate_range("2*x**2", 3.0)
    assert len(given.rates) == 49 and set(given.regimes) == set(REGIMES)
    assert (given.rates_of("diverging") or (0.0, 0.0))[0] == pytest.approx(0.5, rel=0.25)
    with pytest.raises(tw.InputError, match="rates must be a list of finite numbers > 0"):
        tw.learning_rate_range("x**2", 1.0, rates=[0.0, 1.0])


def test_a_sweep_of_another_optimizer_and_of_a_callable():
    swept = tw.learning_rate_range(lambda x: x @ x, [1.0, 2.0, 3.0], rates=[1e-4, 0.1], optimizer=tw.Adam(), steps=60)
    assert swept.values[1] < swept.values[0] < 14.0


def test_the_map_agrees_with_the_bound():
    mapped = tw.regime_map(tw.bowl(10), rates=np.linspace(0.02, 0.5, 13), momenta=[0.0, 0.3, 0.6], steps=400)
    assert mapped.bound is not None
    np.testing.assert_allclose(mapped.bound, np.array([2.0, 2.6, 3.2]) / 10)
    beyond = mapped.rates > mapped.bound[:, None] * 1.05
    assert (mapped.regimes[beyond] == "diverging").all() and beyond.any()
    within = mapped.rates < mapped.bound[:, None] * 0.95
    assert (mapped.regimes[within] != "diverging").all()
    assert mapped.best is not None
    rate, momentum = mapped.best
    assert (
        mapped.digits_per_step.max()
        == mapped.digits_per_step[list(mapped.momenta).index(momentum), list(mapped.rates).index(rate)]
    )
    nesterov = tw.regime_map(tw.bowl(10), rates=[0.1], momenta=[0.5], nesterov=True, steps=20)
    assert nesterov.bound is not None
    np.testing.assert_allclose(nesterov.bound, [3.0 / 2.0 / 10])


def test_a_race_is_fair():
    raced = tw.race("rosenbrock", optimizers=["LBFGS", "Newton", tw.GradientDescent(1e-3), tw.GradientDescent(2e-3)])
    assert list(raced.walks) == ["LBFGS", "Newton", "GradientDescent", "GradientDescent 2"]
    alone = tw.descend("rosenbrock", optimizer="Newton")
    np.testing.assert_array_equal(raced["Newton"].path, alone.path)
    assert raced["Newton"].evaluations == alone.evaluations
    lines = str(raced).splitlines()
    assert len(lines) == 5 and lines[2].split()[0] == "Newton" and lines[2].split()[-1] == "GRADIENT_NORM_BELOW"
    for none in ([], {}):
        with pytest.raises(tw.InputError, match="race needs one optimizer at least"):
            tw.race("x**2", 1.0, optimizers=none)


def test_norms_do_not_hang_on_the_length(rng):
    for n in (1, 7, 9_999, 10_007):
        a = rng.normal(size=n)
        assert norm(a) == pytest.approx(float(np.linalg.norm(a)), rel=1e-13)
