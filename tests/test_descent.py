"""Gradient descent on any function: what f may be, each step by hand, why walks end, and what is kept of them."""

import json
import math
import os
import re
import signal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.update_rules import UPDATE_RULES


def test_the_lectures_parabola_by_hand():
    d = tw.descend("x**2", 4, optimizer=tw.GradientDescent(0.1), stop=tw.Stop(steps=3))
    np.testing.assert_allclose(d.path, [4, 4 * 0.8, 4 * 0.64, 4 * 0.512], rtol=1e-15)
    np.testing.assert_allclose(d.values, [16, 16 * 0.64, 16 * 0.64**2, 16 * 0.64**3], rtol=1e-14)
    np.testing.assert_allclose(d.gradients, 2 * d.path, rtol=1e-15)
    np.testing.assert_array_equal(d.gradient_norms, np.abs(d.gradients))
    assert math.isnan(d.rates[0]) and d.rates[1:].tolist() == [0.1] * 3
    assert (d.n_steps, d.best_step, d.status) == (3, 3, tw.Status.STEPS)
    assert type(d.x) is float and type(d.gradient) is float


@pytest.mark.parametrize("name", UPDATE_RULES)
def test_the_rules_that_train_networks_walk_on_functions(name, rng):
    """The walk is that of the update rule on the gradients of f, at the rates of its schedule."""
    H, start = np.diag([1.0, 3.0, 7.0]), rng.normal(size=3)
    rule = UPDATE_RULES[name](tw.InverseTime(0.05, decay=0.3))
    d = tw.descend(lambda x: 0.5 * x @ H @ x, start, gradient=lambda x: H @ x, optimizer=rule, stop=tw.Stop(steps=11))
    x, state = start.copy(), rule.start(3)
    for t in range(1, 12):
        rule.update(x, H @ x, state, 0.05 / (1 + 0.3 * (t - 1)), t)
        np.testing.assert_allclose(d.path[t], x, rtol=1e-14)


QUADRATIC = {  # one function, (x − 1)² + 3 (y + 2)², in every form that f may have
    "formula": ("(x - 1)**2 + 3*(y + 2)**2", {}),
    "expression": (tw.parse("(x - 1)**2 + 3*(y + 2)**2"), {}),
    "vector": (lambda x: (x[0] - 1) ** 2 + 3 * (x[1] + 2) ** 2, {}),
    "numbers": (lambda x, y: (x - 1) ** 2 + 3 * (y + 2) ** 2, {}),
    "array of one": (lambda x: np.array([(x[0] - 1) ** 2 + 3 * (x[1] + 2) ** 2]), {}),
    "both": (lambda x: ((x[0] - 1) ** 2 + 3 * (x[1] + 2) ** 2, [2 * (x[0] - 1), 6 * (x[1] + 2)]), {}),
    "both of numbers": (lambda x, y: ((x - 1) ** 2 + 3 * (y + 2) ** 2, (2 * (x - 1), 6 * (y + 2))), {}),
    "gradient": (
        lambda x: (x[0] - 1) ** 2 + 3 * (x[1] + 2) ** 2, {"gradient": lambda x: [2 * (x[0] - 1), 6 * (x[1] + 2)]}
    ),
    "central": (lambda x: (x[0] - 1) ** 2 + 3 * (x[1] + 2) ** 2, {"gradient": "central"}),
    "complex": (lambda x: (x[0] - 1) ** 2 + 3 * (x[1] + 2) ** 2, {"gradient": "complex"}),
    "hessian": (lambda x: (x[0] - 1) ** 2 + 3 * (x[1] + 2) ** 2, {"hessian": lambda x: [[2, 0], [0, 6]]}),
}  # fmt: skip
SOURCES = {
    "formula": "the formula", "expression": "the formula", "both": "f itself", "both of numbers": "f itself",
    "gradient": "gradient", "central": "central differences",
}  # fmt: skip


@pytest.mark.parametrize("form", QUADRATIC)
@pytest.mark.parametrize(
    "optimizer", [tw.GradientDescent(0.1), tw.Newton(), tw.LBFGS()], ids=lambda o: type(o).__name__
)
def test_every_form_of_f_is_the_same_walk(form, optimizer):
    f, more = QUADRATIC[form]
    d = tw.descend(f, [3, 1], optimizer=optimizer, stop=tw.Stop(steps=500, gradient_norm_below=1e-7), **more)
    assert d.converged, d
    np.testing.assert_allclose(d.x, [1, -2], atol=1e-7)
    assert d.gradient_from == SOURCES.get(form, "the complex step")
    reference = tw.descend(QUADRATIC["formula"][0], [3, 1], optimizer=optimizer, stop=tw.Stop(steps=2))
    np.testing.assert_allclose(d.path[:2], reference.path[:2], atol=1e-6)


def test_a_function_of_one_number_and_a_vector_of_one():
    number = tw.descend(lambda x: math.cosh(x - 1), 3.0, stop=tw.Stop(steps=300, gradient_norm_below=1e-9))
    vector = tw.descend(lambda x: np.cosh(x - 1)[0], [3.0], stop=tw.Stop(steps=300, gradient_norm_below=1e-9))
    assert type(number.x) is float and vector.x.shape == (1,) and vector.path.shape == (len(vector.steps), 1)
    assert number.gradient_from == "central differences"  # math.cosh takes no complex numbers
    np.testing.assert_allclose([number.x, vector.x[0]], 1.0, atol=1e-8)


def test_a_start_by_names_and_a_named_function():
    by_name = tw.descend("x**2 + y", {"y": 2.0, "x": 1.0}, stop=tw.Stop(steps=1))
    np.testing.assert_array_equal(by_name.path[0], [1.0, 2.0])
    d = tw.descend("rosenbrock", optimizer=tw.LBFGS())
    np.testing.assert_allclose(d.x, [1, 1], atol=1e-6)
    np.testing.assert_array_equal(d.path[0], tw.FUNCTIONS["rosenbrock"].start)
    assert [str(one) for one in d.derivatives] == [
        str(tw.FUNCTIONS["rosenbrock"].formula.derivative(name)) for name in ("x", "y")
    ]


@pytest.mark.parametrize("f", [lambda x: float(np.sum(np.abs(x))), lambda x: np.linalg.norm(x) ** 2])
def test_what_does_not_go_along_with_complex_numbers_is_differenced(f):
    """|x + ih| = |x|: the complex step would see no slope."""
    assert tw.descend(f, [3.0, -2.0], stop=tw.Stop(steps=2)).gradient_from == "central differences"
    with pytest.raises(tw.InputError, match="gradient='complex' needs an f that computes with complex numbers"):
        tw.descend(f, [3.0, -2.0], gradient="complex")


def test_numeric_gradients_are_right(rng):
    def f(x):
        return np.sin(x[0]) * np.exp(x[1]) + x[2] ** 4 / (1 + x[0] ** 2)

    x = rng.normal(size=3)
    exact = [
        np.cos(x[0]) * np.exp(x[1]) - 2 * x[0] * x[2] ** 4 / (1 + x[0] ** 2) ** 2,
        np.sin(x[0]) * np.exp(x[1]), 4 * x[2] ** 3 / (1 + x[0] ** 2),
    ]  # fmt: skip
    for how, tolerance in (("complex", 1e-14), ("central", 1e-8)):
        d = tw.descend(f, x, gradient=how, stop=tw.Stop(steps=1))
        np.testing.assert_allclose(d.gradients[0], exact, rtol=tolerance, atol=tolerance * np.abs(exact).max())


@pytest.mark.parametrize(
    ("gradient", "said"),
    [
        (lambda x: -np.array([2 * x[0], 8 * x[1], 1.0]), "3 of 3 coordinates differ, and its sign is turned"),
        (
            lambda x: np.array([2 * x[0], 4 * x[1], 1.0]),
            r"1 of 3 coordinates differ, and it is half the right one[^$]*∂f/∂x\[2\]",
        ),
        (lambda x: np.array([2 * x[0] + 0.3, 8 * x[1], 1.0]), r"1 of 3[^$]*∂f/∂x\[1\] +6.3 +6 [^$]*WRONG"),
    ],
)
def test_a_wrong_gradient_is_named_coordinate_by_coordinate(gradient, said):
    def f(x):
        return x[0] ** 2 + 4 * x[1] ** 2 + x[2]

    with pytest.raises(tw.InputError, match=said):
        tw.descend(f, [3.0, 2.0, 1.0], gradient=gradient)
    with pytest.raises(tw.InputError, match="the gradient that f gives is not that of f"):
        tw.descend(lambda x: (f(x), gradient(x)), [3.0, 2.0, 1.0])
    assert tw.descend(f, [3.0, 2.0, 1.0], gradient=gradient, check=False, stop=tw.Stop(steps=2)).n_steps == 2


def test_a_gradient_at_a_kink_is_not_called_wrong():
    assert tw.descend(lambda x: abs(x), 0.0, gradient=lambda x: 0.0, stop=tw.Stop(steps=3)).x == 0.0


STOPS = {
    "value_below": ({"value_below": 1.0}, tw.Status.VALUE_BELOW, 7),  # 16 · 0.64^k < 1
    "value_change_below": ({"value_change_below": 1.0}, tw.Status.VALUE_CHANGE_BELOW, 5),
    "parameter_change_below": ({"parameter_change_below": 0.5}, tw.Status.PARAMETER_CHANGE_BELOW, 4),
    "gradient_norm_below": ({"gradient_norm_below": 4.0}, tw.Status.GRADIENT_NORM_BELOW, 4),
    "steps": ({"steps": 3}, tw.Status.STEPS, 3),
    "epochs": ({"epochs": 3}, tw.Status.EPOCHS, 3),
}


@pytest.mark.parametrize("name", STOPS)
def test_each_stop_on_the_parabola_by_hand(name):
    settings, status, steps = STOPS[name]
    d = tw.descend("x**2", 4, stop=tw.Stop(**{"steps": 100, **settings} if name != "epochs" else settings))
    assert (d.status, d.n_steps) == (status, steps)
    assert d.message == status.value


def test_other_ends():
    assert tw.descend("x**2", 4, stop=tw.Stop(seconds=1e-9)).status is tw.Status.SECONDS
    swings = tw.descend("x**2", 4, optimizer=tw.GradientDescent(1.0), stop=tw.Stop(steps=99, patience=7))
    assert (swings.status, swings.n_steps, swings.best_step) == (tw.Status.PATIENCE, 7, 0)
    at_once = tw.descend("x**2", 0.0, stop=tw.Stop(steps=9, gradient_norm_below=1e-9))
    assert (at_once.status, at_once.n_steps, at_once.x) == (tw.Status.GRADIENT_NORM_BELOW, 0, 0.0)


def test_a_walk_that_does_not_move_has_stalled():
    constant = tw.descend("x**2", 0.0, stop=tw.Stop(steps=1000))
    assert constant.status is tw.Status.STALLED and constant.converged and "too short to change x" in constant.message
    flat = tw.descend("x**2 + 1", 1e-3, optimizer=tw.GradientDescent(tw.Backtracking()), stop=tw.Stop(steps=1000))
    assert flat.status is tw.Status.STALLED and "below the rounding" in flat.message or flat.x == 0.0
    tiny = tw.descend("x", 1.0, optimizer=tw.GradientDescent(1e-30), stop=tw.Stop(steps=1000))
    assert tiny.status is tw.Status.STALLED and not tiny.converged and tiny.n_steps == 10


def test_a_schedule_that_starts_at_zero_is_no_stall():
    rule = tw.GradientDescent(tw.WarmUp(0.1, epochs=30, start=0.0))
    assert tw.descend("x**2", 4, optimizer=rule, stop=tw.Stop(steps=60)).value < 1.0


@pytest.mark.parametrize("rate", [1.01, 3.0, 1e10, 1e200, 1e308])
@pytest.mark.parametrize("f", ["x**2", lambda x: x**2, lambda x: (x**2, 2 * x)], ids=["formula", "numeric", "both"])
def test_too_large_a_rate_diverges_and_gives_the_start_back(f, rate):
    d = tw.descend(f, 3.0, optimizer=tw.GradientDescent(rate), stop=tw.Stop(steps=10_000))
    assert d.status is tw.Status.DIVERGING and d.status.is_failure and not d.converged
    assert (d.x, d.value) == (3.0, 9.0) and np.isfinite(d.path).all() and np.isfinite(d.values).all()
    assert "use a smaller learning rate" in d.message
    with pytest.raises(tw.DescentFailed, match="steps lead farther and farther away") as caught:
        tw.descend(f, 3.0, optimizer=tw.GradientDescent(rate), stop=tw.Stop(steps=10_000), on_failure="raise")
    assert caught.value.result.x == 3.0


def test_momentum_may_go_uphill_for_a_while():
    """Heavy ball at its best rate and momentum: the double root of its recursion first carries it far away."""
    rule = tw.GradientDescent(4 / (math.sqrt(10_000) + 1) ** 2, momentum=((100 - 1) / (100 + 1)) ** 2)
    d = tw.descend(tw.bowl(10_000), [0.0, 1.0], optimizer=rule, stop=tw.Stop(steps=5000, gradient_norm_below=1e-7))
    assert (np.diff(d.values[:11]) > 0).all() and d.values.max() > 100 * d.values[0]
    assert d.converged and d.diagnosis.regime == "oscillating"


LEAVES = {
    "box": (lambda: tw.descend("x**2 + 2*x", 1.0, domain=(0, 5)), "x = -0.[0-9]+ lies outside the domain from 0 to 5"),
    "formula": (lambda: tw.descend("log(x) + x/100", 1.0), r"log\(x\) is not defined at x = -"),
    "math": (lambda: tw.descend(lambda x: math.log(x), 1.0), "f raised ValueError: math domain error"),
    "division": (
        lambda: tw.descend(lambda x: x + (0.0 if x > 0 else 1 / 0), 0.25, gradient=lambda x: 1.0),
        "ZeroDivisionError",
    ),
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_step_out_of_the_domain_is_told(name):
    walk, said = LEAVES[name]
    d = walk()
    assert d.status is tw.Status.LEFT_DOMAIN and d.status.is_failure, d
    assert re.search(said, d.message), d.message
    assert math.isfinite(d.value) and d.x > 0


def test_a_line_search_stays_in_the_domain():
    d = tw.descend("x**2 + 2*x", 1.0, domain=(0, 5), optimizer=tw.GradientDescent(tw.Backtracking()))
    assert d.status is tw.Status.STALLED and 0 <= d.x < 1e-6
    walled = tw.descend("x - log(x)", 5.0, optimizer=tw.GradientDescent(tw.Wolfe()))
    assert walled.converged and walled.x == pytest.approx(1.0)


def test_what_is_not_finite_nearby_is_told():
    d = tw.descend(lambda x: np.log(x) if x > 0 else np.nan, 1.0, gradient=lambda x: 1 / x)
    assert d.status is tw.Status.NON_FINITE and "f is nan at x = -" in d.message and "give the domain" in d.message
    d = tw.descend(lambda x: abs(x), 1.0, gradient=lambda x: 1.0 if x > 0.5 else np.inf, check=False)
    assert d.status is tw.Status.NON_FINITE and "the gradient is not finite" in d.message
    wall = tw.descend(lambda x: x if x > 0 else np.inf, 0.25, gradient=lambda x: 1.0)
    assert wall.status is tw.Status.NON_FINITE and wall.x == pytest.approx(0.05)


def test_the_best_point_is_returned_not_the_last():
    rule = tw.GradientDescent(0.3, momentum=0.9)
    d = tw.descend("x**2", 4, optimizer=rule, stop=tw.Stop(steps=25))
    assert d.value == d.values.min() < d.last_value == d.values[-1]
    assert d.x == d.path[d.values.argmin()] and d.best_step == d.steps[d.values.argmin()]
    assert d.last_x == d.path[-1]


@given(record=st.integers(2, 40), steps=st.integers(1, 300))
def test_thinning_keeps_first_best_and_last(record, steps):
    rule = tw.GradientDescent(0.4, momentum=0.85)
    settings = {"optimizer": rule, "stop": tw.Stop(steps=steps)}
    full, thin = tw.descend("bowl", **settings), tw.descend("bowl", record=record, **settings)
    assert len(full.steps) == full.n_steps + 1 and len(thin.steps) <= record + 2
    assert {0, full.best_step, full.n_steps} <= set(thin.steps.tolist())
    assert (np.diff(thin.steps) > 0).all() and thin.value == full.value
    kept = thin.steps
    for name in ("path", "values", "gradients", "gradient_norms", "backtracks", "evaluations_by_step"):
        np.testing.assert_array_equal(getattr(thin, name), getattr(full, name)[kept])


def test_memory_is_bounded_in_many_dimensions():
    d = tw.descend(lambda x: (0.5 * x @ x, x), np.ones(5003), optimizer=tw.GradientDescent(1e-3), check=False,
                   stop=tw.Stop(steps=3000))  # fmt: skip
    assert d.trail.path.nbytes + d.trail.gradients.nbytes < 140e6 and d.n_steps == 3000


@pytest.mark.parametrize("gradient", ["complex", "central", None])
def test_evaluations_are_those_that_f_saw(gradient):
    seen = []

    def f(x):
        seen.append(x)
        return float(x @ x) if not np.iscomplexobj(x) else x @ x

    def slope(x):
        return 2 * x

    settings = {"gradient": slope if gradient is None else gradient, "check": False}
    asked = []
    for steps in (5, 10):
        seen.clear()
        d = tw.descend(f, [1.0, 2.0, 3.0], stop=tw.Stop(steps=steps), **settings)
        asked.append((len(seen), d.evaluations["values"]))
        assert d.evaluations_by_step[-1] == d.evaluations["values"] == (steps + 1) * d.evaluations_by_step[0]
    assert asked[1][0] - asked[0][0] == asked[1][1] - asked[0][1]  # before the walk, f was looked at as often in both


def test_callbacks_see_each_step_and_may_end_it():
    rows = []
    d = tw.descend("x**2", 4, callbacks=[rows.append, lambda row: row.step == 4])
    assert (d.status, d.n_steps) == (tw.Status.CALLBACK, 4)
    assert [row.step for row in rows] == [1, 2, 3, 4]
    np.testing.assert_array_equal([row.point.x[0] for row in rows], d.path[1:])


def test_ctrl_c_ends_the_walk_with_what_was_reached():
    def press(row):
        if row.step == 5:
            os.kill(os.getpid(), signal.SIGINT)

    d = tw.descend("x**2", 4, callbacks=[press], stop=tw.Stop(steps=10**9))
    assert d.status is tw.Status.INTERRUPTED and 5 <= d.n_steps < 100 and d.value < 16


WRONG: Any = {"stop": 100, "callbacks": [3]}  # what a type checker would not let pass
REFUSED = {
    "no start": (lambda: tw.descend("x**2"), "descend needs a start"),
    "too few": (lambda: tw.descend("x*y + z", [1, 2]), "the formula has 3 variables .x, y, z., so start needs"),
    "too many": (lambda: tw.descend("x**2", [1, 2]), r"1 variable \(x\).*it has 2"),
    "a word": (lambda: tw.descend("x**2", "four"), "start must be a number or a list of numbers, not 'four'"),
    "words": (lambda: tw.descend("x**2", ["4"]), "start must be a number"),
    "ragged": (lambda: tw.descend("x**2", [[1], [1, 2]]), "start must be a number"),
    "a matrix": (lambda: tw.descend("x**2", [[1.0]]), r"shape \(1, 1\)"),
    "nothing": (lambda: tw.descend("x**2", []), r"shape \(0,\)"),
    "true": (lambda: tw.descend("x**2", True), "start must be a number"),
    "complex": (lambda: tw.descend("x**2", 1j), "start must be a number"),
    "nan": (lambda: tw.descend("x + y", [1, math.nan]), "start must be finite, and it is nan at place 2"),
    "inf": (lambda: tw.descend("x", math.inf), "start must be finite, and it is inf"),
    "names": (lambda: tw.descend("x**2", {"y": 1}), "start names y, and the variables are x"),
    "names for a callable": (lambda: tw.descend(abs, {"x": 1}), "none by name"),
    "outside": (lambda: tw.descend("x**2", 4, domain=(0, 1)), "the start x = 4 lies outside the domain from 0 to 1"),
    "domain": (lambda: tw.descend("x**2", 4, domain=(5, 1)), r"domain must be \(low, high\)"),
    "domains": (lambda: tw.descend("x*y", [1, 1], domain=[(0, 5)] * 3), r"domain must be \(low, high\)"),
    "undefined": (lambda: tw.descend("log(x)", -1), r"at the start x = -1: log\(x\) is not defined"),
    "undefined callable": (lambda: tw.descend(lambda x: math.log(x), -1), "f is not defined at the start x = -1"),
    "infinite": (lambda: tw.descend(lambda x: math.inf, 1.0), "f has no finite value at the start x = 1: f is inf"),
    "steep": (lambda: tw.descend("sqrt(x)", 0.0), "f has no finite gradient at the start x = 0"),
    "no f": (lambda: tw.descend(7, 1), "f must be a formula"),
    "constant": (lambda: tw.descend("3 + 4", 1), "the formula 7 has no variable"),
    "vector valued": (lambda: tw.descend(lambda x: x * x, [1.0, 2.0, 3.0]), "f must give one number.*shape"),
    "text valued": (lambda: tw.descend(lambda x: "1", 1.0), "f must give one number.*'1'"),
    "complex valued": (lambda: tw.descend(lambda x: 1j * x, 1.0), "f gives the complex number"),
    "short gradient": (lambda: tw.descend(lambda x: x @ x, [1.0, 2.0], gradient=lambda x: [1.0]), "must give 2 num"),
    "two gradients": (lambda: tw.descend(lambda x: (x, 1.0), 1.0, gradient=lambda x: 1.0), "f gives value and"),
    "gradient's name": (lambda: tw.descend(abs, 1.0, gradient="exact"), "gradient must be a callable, 'complex'"),
    "formula's gradient": (lambda: tw.descend("x", 1.0, gradient=abs), "a formula brings its own gradient"),
    "hessian": (lambda: tw.descend(lambda x: x @ x, [1.0, 2.0], hessian=lambda x: 2.0), "hessian must give 2 × 2"),
    "stop": (lambda: tw.descend("x", 1.0, stop=WRONG["stop"]), "stop must be a Stop"),
    "optimizer": (lambda: tw.descend("x", 1.0, optimizer="SGD"), "there is no optimizer 'SGD'.*LBFGS"),
    "record": (lambda: tw.descend("x", 1.0, record=1), "record must be a number of rows ≥ 2"),
    "callback": (lambda: tw.descend("x", 1.0, callbacks=WRONG["callbacks"]), "3 cannot be called"),
    "failure": (lambda: tw.descend("x", 1.0, on_failure="ignore"), "on_failure must be one of return, raise"),
    "endless schedule": (
        lambda: tw.descend("x", 1.0, optimizer=tw.Adam(tw.Cosine(0.1)), stop=tw.Stop(seconds=1)),
        "ends with the walk, so Stop needs steps",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_and_how(name):
    call, said = REFUSED[name]
    with pytest.raises(tw.InputError, match=said):
        call()


def test_an_error_of_f_is_its_own():
    with pytest.raises(KeyError):
        tw.descend(lambda x: {}[x], 1.0)


def test_table_and_dictionary():
    d = tw.descend("bowl", stop=tw.Stop(steps=50), optimizer=tw.GradientDescent(0.1))
    lines = d.table(7).splitlines()
    assert len(lines) == 8 and lines[0].split()[:5] == ["step", "x", "y", "f", "change"]
    assert lines[1].split()[:4] == ["0", "8", "2", "52"] and lines[-1].split()[0] == "*50"
    told = json.loads(json.dumps(d.to_dict(), allow_nan=False))
    assert told["formula"]["derivatives"]["y"]["text"] == "10*y" and told["status"] == "STEPS"
    assert len(told["steps"]["x"]) == 51 and told["steps"]["rate"][0] is None
    assert told["x"] == d.x.tolist() and told["diagnosis"]["two_over_L"] == pytest.approx(0.2)
    with pytest.raises(tw.InputError, match="a number of rows ≥ 1, not 0"):
        d.table(0)
    assert repr(d).startswith("Descent to f = ") and repr(d) in str(d)
    many = tw.descend(lambda x: x @ x, np.ones(7), stop=tw.Stop(steps=2))
    assert many.table().splitlines()[0].split()[:3] == ["step", "f", "change"]


def test_each_named_function_has_the_minima_it_says():
    assert len(tw.FUNCTIONS) >= 8
    for function in tw.FUNCTIONS.values():
        assert function.minima, function.name
        for place, value in function.minima:
            assert function(*place) == pytest.approx(value, abs=1e-12)
            if function.name == "absolute":
                continue
            at = dict(zip(function.formula.variables, place, strict=True))
            slopes = [function.formula.derivative(name)(**at) for name in at]
            np.testing.assert_allclose(slopes, 0.0, atol=1e-6)
            around = np.array(place) + 1e-3 * np.random.default_rng(0).normal(size=(50, len(place)))
            assert all(function(*near) > value - 1e-12 for near in around)
        for x, (low, high) in zip(function.start, function.window, strict=True):
            assert low <= x <= high


@pytest.mark.parametrize(("condition", "n"), [(1.0, 1), (100.0, 2), (1e4, 5), (7.0, 20)])
def test_a_bowl_has_its_condition_number(condition, n):
    bowl = tw.bowl(condition, n)
    at = dict(zip(bowl.formula.variables, bowl.start, strict=True))
    bends = [bowl.formula.derivative(name).derivative(name)(**at) for name in at]
    assert max(bends) == pytest.approx(condition) and min(bends) == pytest.approx(1.0 if n > 1 else condition)
    wrong: list[Any] = [0.5, math.nan, "ten"]
    for refused in wrong:
        with pytest.raises(tw.InputError, match="bowl: condition must be a number from 1"):
            tw.bowl(refused)
    with pytest.raises(tw.InputError, match="n must be a whole number from 1 to 20"):
        tw.bowl(3, 21)


def test_a_branch_without_complex_numbers_is_met_on_the_way():
    """Far from the start |x| turns complex numbers real: the slope that the complex step sees there is 0, and wrong."""

    def f(x):
        return np.where(x[0] > 2, x[0] ** 2, 2 * np.abs(x[0]))

    d = tw.descend(f, [4.0], optimizer=tw.GradientDescent(0.1), stop=tw.Stop(steps=60))
    assert d.gradient_from == "central differences" and abs(d.x[0]) < 0.2
    assert np.abs(d.gradients[20:]).min() == pytest.approx(2.0)


def test_functions_that_bend_within_millionths():
    def f(x):
        return math.cosh(x / 1e-6 - 1)

    def slope(x):
        return math.sinh(x / 1e-6 - 1) / 1e-6

    numeric = tw.descend(f, 3e-6, stop=tw.Stop(steps=1))
    assert numeric.gradients[0] == pytest.approx(slope(3e-6), rel=1e-4)
    walked = tw.descend(f, 3e-6, gradient=slope, optimizer=tw.LBFGS())
    assert walked.x == pytest.approx(1e-6) and walked.diagnosis.curvature is not None
    assert walked.diagnosis.curvature.largest == pytest.approx(1e12, rel=1e-3)
    with pytest.raises(tw.InputError, match="its sign is turned"):
        tw.descend(f, 3e-6, gradient=lambda x: -slope(x))


@pytest.mark.parametrize(("f", "start"), [("-x**2", 1), ("x**3", -1), (lambda x: -x * x, 1.0)])
def test_f_without_a_bound_is_told_so(f, start):
    d = tw.descend(f, start)
    assert d.status is tw.Status.DIVERGING and "f falls without end" in d.message
    assert d.value < -1e100 and "f falls without bound" in d.diagnosis.advice


def test_where_the_walk_fled_from_a_lower_point_it_has_not_converged():
    d = tw.descend("log(1 + x**2)", 3, optimizer=tw.Newton(learning_rate=5.0))
    assert d.status is tw.Status.GRADIENT_NORM_BELOW and d.x == 3.0 and not d.converged


def test_the_edge_of_the_domain_is_no_divergence():
    d = tw.descend("x**2", 4, domain=(1, 5))
    assert d.status is tw.Status.LEFT_DOMAIN and d.diagnosis.regime == "monotone"
    assert "came to the edge" in d.diagnosis.behaviour


def test_what_f_may_give():
    assert tw.descend(lambda x: 10**30 * int(x) ** 2, 4).values[0] == 1.6e31
    assert tw.descend(lambda x: (x[0] ** 2, 2 * x[0]), [4]).converged
    assert tw.descend(lambda x: x @ x, [4.0, 1.0], gradient=lambda x: (2 * x)[:, None]).converged
    for call, said in (
        (
            lambda: tw.descend(lambda x: x @ x, [4.0, 1.0], gradient=lambda x: "abc"),
            "gradient must give 2 real numbers",
        ),
        (lambda: tw.descend(lambda x: x @ x, [4.0, 1.0], gradient=lambda x: 2j * x), "must give 2 real numbers"),
        (
            lambda: tw.descend(lambda x, y: x * y, [1]),
            "the callable takes 2 numbers, so start needs as many, and it has 1",
        ),
        (lambda: tw.descend(lambda x: x[0] + x[1], [1]), "f cannot take the start.*IndexError"),
        (lambda: tw.descend("rosenbrok", 1), "did you mean 'rosenbrock'"),
    ):
        with pytest.raises(tw.InputError, match=said):
            call()


def test_a_rate_of_zero_and_sweeps_that_all_run_away():
    assert "At a rate of 0 nothing moves" in tw.descend("x**2", 1, optimizer=tw.GradientDescent(0)).diagnosis.advice
    assert tw.learning_rate_range("x**2", 4, rates=[5, 10]).best is None
    assert tw.regime_map("x**2", 4, rates=[5, 6], momenta=[0.0]).best is None
    swings = tw.descend("abs(x)", 3.3, optimizer=tw.GradientDescent(0.5), stop=tw.Stop(steps=100)).diagnosis
    assert "let the rate fall" in swings.advice


def test_ctrl_c_ends_a_race_and_a_sweep():
    seen = []

    def f(x):
        seen.append(x)
        if len(seen) == 50:
            os.kill(os.getpid(), signal.SIGINT)
        return x * x

    for many in (
        lambda: tw.race(f, 4.0, optimizers=["Adam", "LBFGS"]),
        lambda: tw.learning_rate_range(f, 4.0, optimizer="Adam"),
    ):
        seen.clear()
        with pytest.raises(KeyboardInterrupt):
            many()
        assert len(seen) < 2000
