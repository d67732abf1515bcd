"""Exercises in gradient descent: against walks, eigenvalues and slopes of chords; students right and wrong."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import descent_lines
from thalweg.arithmetic import Rounding
from thalweg.descent_exercises import DESCENT_EXERCISES, DescentExercise, descent_exercise


GOLDEN: dict[str, tuple[str, dict[str, str], list[float]]] = {
    "descent-1d": (
        "x**4/4 - 5*x", {"x[0]": "-1/2", "eta": "1/4"},
        [-5.125, 0.7813, -4.523, 1.912, 1.99, 1.415],
    ),
    "descent-2d": (
        "4*x**2 + y**2 - x*y", {"x[0]": "-1", "y[0]": "-5/2", "eta": "1/5"},
        [-5.5, -4.0, 0.1, -1.7, 2.5, -3.5, -0.4, -1.0],
    ),
    "momentum": (
        "x**4/4 - 5*x", {"x[0]": "-1/2", "eta": "1/4", "mu": "1/2", "v[0]": "0"},
        [-5.125, 1.281, 0.781, -4.524, 1.772, 2.553, 11.64, -2.024, 0.529],
    ),
    "convergence": ("5*x**2/2 + x", {"eta": "1/4"}, [5.0, 0.4, 0.2, -0.25, 2.0]),
    "convergence-2d": (
        "4*x**2 + y**2 - 2*x*y", {"eta": "1/10"},
        [8.0, -2.0, 2.0, 8.606, 1.394, 0.2324, 0.2, 0.1394, 1.0],
    ),
}  # fmt: skip
WALKS = ("descent-1d", "descent-2d", "momentum")
LIMITS = ("convergence", "convergence-2d")
SEEDS = range(17)
PRECISE = Rounding(15)


def known(one: DescentExercise) -> dict[str, float]:
    return {str(symbol): float(value) for symbol, value in one.lines.known.items()}


def values(one: DescentExercise) -> dict[str, float]:
    return {name: float(value) for name, value in one.solution.items()}


def test_there_is_a_golden_sheet_for_each_kind():
    assert set(GOLDEN) == set(DESCENT_EXERCISES) == {*WALKS, *LIMITS}


@pytest.mark.parametrize("name", DESCENT_EXERCISES)
def test_the_same_seed_gives_the_same_sheet_for_ever(name):
    f, given, results = GOLDEN[name]
    one = descent_exercise(name, seed=7)
    assert str(one.f) == f and {str(symbol): str(value) for symbol, value in one.lines.known.items()} == given
    assert list(values(one).values()) == results
    assert one.label == f"{name}, seed 7, variant 1, version 1"
    others = {
        (str(two.f), *two.lines.known.values())
        for two in (descent_exercise(name, seed=7, variant=n) for n in range(1, 14))
    }
    assert len(others) >= 11


def descended(one: DescentExercise) -> Any:
    """The walk of the library on the same function."""
    given = known(one)
    start = [given["x[0]"], given["y[0]"]] if "y[0]" in given else given["x[0]"]
    rule = tw.GradientDescent(given["eta"], momentum=given.get("mu", 0.0))
    return tw.descend(str(one.f), start, optimizer=rule, stop=tw.Stop(steps=3))


@pytest.mark.parametrize("name", WALKS)
def test_the_steps_are_those_of_the_library(name):
    for seed in SEEDS:
        for rounding in (PRECISE, None):
            one = descent_exercise(name, seed=seed, rounding=rounding)
            d = descended(one)
            path, gradients = np.atleast_2d(d.path.T), np.atleast_2d(d.gradients.T)
            expected = {}
            for variable, points, slopes in zip("xy", path, gradients, strict=False):
                expected |= {f"{variable}[{k}]": points[k] for k in range(1, 4)}
                slope = "f'(x[{}])" if name != "descent-2d" else f"df/d{variable}[{{}}]"
                expected |= {slope.format(k): slopes[k] for k in range(3)}
            expected |= {f"v[{k}]": path[0, k] - path[0, k - 1] for k in range(1, 4)}
            for line in one.steps:
                value, off = one.near(line)
                assert value == pytest.approx(expected[line.name], rel=1e-9, abs=1e-12), (seed, line.name)
                within = 1e-9 if rounding else off + 1e-12
                assert abs(float(line.result) - expected[line.name]) <= within, (seed, line.name)


def bends(f: Any, n: int) -> np.ndarray:
    """The second derivatives of a quadratic, by differences, which are exact for it."""
    unit = np.eye(n)

    def at(point: np.ndarray) -> float:
        return f(*point)

    zero = np.zeros(n)
    return np.array([[at(a + b) - at(a) - at(b) + at(zero) for b in unit] for a in unit])


@pytest.mark.parametrize("name", LIMITS)
def test_bounds_are_those_of_the_eigenvalues_and_walks_keep_to_them(name):
    n = 1 if name == "convergence" else 2
    cases = set()
    for seed in SEEDS:
        one = descent_exercise(name, seed=seed, rounding=PRECISE)
        found, H = values(one), bends(one.f, n)
        low, high = np.linalg.eigvalsh(H)[[0, -1]]
        assert low > 0 and found["eta[max]"] == pytest.approx(2 / high)
        assert found["eta[best]"] == pytest.approx(2 / (low + high))
        if n == 1:
            assert found["f''(x)"] == pytest.approx(high)
        else:
            assert [found["lambda[max]"], found["lambda[min]"]] == pytest.approx([high, low])
            assert [found["h[1,1]"], found["h[1,2]"], found["h[2,2]"]] == pytest.approx([H[0, 0], H[0, 1], H[1, 1]])
        rate = known(one)["eta"]
        assert found["q"] == pytest.approx(1 - rate * high)
        minimum = np.linalg.solve(
            H, [-(one.f.derivative(x)(**dict.fromkeys(one.f.variables, 0.0))) for x in one.f.variables]
        )
        steepest = np.linalg.eigh(H)[1][:, -1]
        kept = (np.eye(n) - rate * H) @ steepest @ steepest
        assert kept == pytest.approx(found["q"])
        case = 1 if 0 < kept < 1 else 2 if -1 < kept < 0 else 3
        assert found["case"] == case
        cases.add(case)
        start = minimum + steepest
        for eta, converges in ((0.97 / high * 2, True), (1.03 / high * 2, False), (rate, case < 3)):
            d = tw.descend(
                str(one.f), start if n > 1 else start[0], optimizer=tw.GradientDescent(eta), stop=tw.Stop(steps=199)
            )
            assert (np.linalg.norm(np.atleast_1d(d.last_x) - minimum) < 0.1) == converges
    assert cases == {1, 2, 3}


def test_the_fastest_rate_is_the_fastest():
    for seed in SEEDS:
        for name in LIMITS:
            one = descent_exercise(name, seed=seed, rounding=PRECISE)
            spectrum = np.linalg.eigvalsh(bends(one.f, len(one.f.variables)))
            best = values(one)["eta[best]"]
            slowest = {eta: np.abs(1 - eta * spectrum).max() for eta in (best, 0.98 * best, 1.02 * best)}
            assert min(slowest, key=lambda eta: slowest[eta]) == best


def plain_walk(one: DescentExercise, written: Any, slip: str = "") -> dict[str, float]:
    """A student who walks on f with plain numbers, each passed through `written`, and makes the slip at every step."""
    given = known(one)
    eta, mu = given["eta"], given.get("mu")

    def f(x: float) -> float:
        return one.f(x)

    def slope(x: float) -> float:
        h = 1e-3  # the chord of a fifth-order rule is exact for polynomials of this degree
        return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h)

    x, before, v, found = given["x[0]"], given["x[0]"], 0.0, {}
    for k in range(3):
        at = before if slip == "old point" else x
        g = found[f"f'(x[{k}])"] = written(f(x) if slip == "value" else slope(at))
        step = (-1.0 if slip == "uphill" else 1.0) * (1.0 if slip == "rate" else eta) * g
        before = x
        if mu is None:
            x = written(x - step)
        else:
            v = found[f"v[{k + 1}]"] = written((0.0 if slip == "momentum" else mu * v) - step)
            x = written(x + v)
        found[f"x[{k + 1}]"] = x
    return found


@pytest.mark.parametrize("name", ("descent-1d", "momentum"))
@pytest.mark.parametrize("digits", (3, 4, 6))
def test_a_right_student_is_never_faulted(name, digits):
    rounding = Rounding(digits)
    for seed in range(23):
        one = descent_exercise(name, seed=seed, rounding=rounding)
        carried = plain_walk(one, lambda value: float(rounding(round(value, 9))))
        at_the_end = {key: float(rounding(round(value, 9))) for key, value in plain_walk(one, float).items()}
        for answers in (carried, at_the_end, dict(list(carried.items())[::2]), dict(list(at_the_end.items())[-1:])):
            marking = one.check(answers)
            assert marking.is_right, f"{one.label}: {marking}"


SENTENCES = {
    "uphill": descent_lines.UPHILL,
    "rate": descent_lines.RATE_FORGOTTEN,
    "old point": descent_lines.OLD_POINT,
    "value": descent_lines.VALUE,
    "momentum": descent_lines.MOMENTUM_FORGOTTEN,
}


@pytest.mark.parametrize(
    ("name", "slip"),
    [(name, slip) for name in ("descent-1d", "momentum") for slip in SENTENCES if slip != "momentum" or slip == name],
)
def test_each_slip_is_named_where_it_is_first_made(name, slip):
    alone = 0
    for seed in range(23):
        one = descent_exercise(name, seed=seed)
        answers = plain_walk(one, lambda value: float(Rounding(4)(round(value, 9))), slip)
        marking = one.check(answers)
        right = plain_walk(one, lambda value: float(Rounding(4)(round(value, 9))))
        first = next(key for key in answers if answers[key] != right[key])
        mark = marking.first_wrong
        assert mark is not None and mark.step.name == first, f"{one.label}: {marking}"
        named = [suspect.slip.sentence for suspect in mark.suspects]
        assert SENTENCES[slip] in named, f"{one.label}: {marking}"
        assert mark.suspects[named.index(SENTENCES[slip])].step.name == first
        alone += len(named) == 1
    assert alone >= 22


class Once:
    """Writes this number first, and then what it is given, rounded."""

    def __init__(self, first: float) -> None:
        self._first: float | None = first

    def __call__(self, value: float) -> float:
        written, self._first = self._first, None
        return float(Rounding(4)(round(value, 9))) if written is None else written


@pytest.mark.parametrize("name", ("descent-1d", "momentum"))
def test_what_follows_from_a_mistake_is_accepted(name):
    for seed in range(20):
        one = descent_exercise(name, seed=seed)
        answers = plain_walk(one, lambda value: float(Rounding(4)(round(value, 9))))
        first = one.steps[0].name
        wrong = answers[first] + 1.0
        follows = plain_walk(one, Once(wrong))
        marking = one.check(follows)
        assert follows[first] == wrong
        assert [mark.verdict for mark in marking.marks][0] == "wrong"
        assert {mark.verdict for mark in marking.marks[1:]} <= {"follows", "right"}


SLIPS_2D = {
    descent_lines.MOVED: ("df/dy[0]", lambda f, x, y, x1: f.derivative("y")(x=x1, y=y)),
    descent_lines.MIXED_FORGOTTEN: ("df/dx[0]", lambda f, x, y, x1: f.derivative("x")(x=x, y=0.0)),
    descent_lines.UPHILL: ("x[1]", lambda f, x, y, x1: 2 * x - x1),
}


@pytest.mark.parametrize("sentence", SLIPS_2D)
def test_slips_in_the_plane(sentence):
    name, value = SLIPS_2D[sentence]
    for seed in range(20):
        one = descent_exercise("descent-2d", seed=seed)
        given, right = known(one), values(one)
        x1 = given["x[0]"] - given["eta"] * one.f.derivative("x")(x=given["x[0]"], y=given["y[0]"])
        answer = value(one.f, given["x[0]"], given["y[0]"], x1)
        (mark,) = one.check({name: float(Rounding(4)(answer))}).marks
        assert mark.verdict == "wrong" and abs(answer - right[name]) > 1e-3
        assert sentence in [suspect.slip.sentence for suspect in mark.suspects], str(mark)


def test_slips_about_bounds():
    one = descent_exercise("convergence-2d", seed=7)
    said = str(one.check({"eta[max]": 0.1162, "eta[best]": 0.2324, "q": -0.1394, "lambda[max]": 1.394, "case": 2}))
    assert descent_lines.SWAPPED in said and descent_lines.REVERSED in said and "case = 2: follows" in said
    one = descent_exercise("convergence", seed=7)
    assert descent_lines.HALF_LIMIT in str(one.check({"eta[max]": 0.2}))
    assert descent_lines.EXPONENT_FORGOTTEN in str(one.check({"f''(x)": 2.5}))
    assert one.check({"f''(x)": 2.5, "eta[max]": 0.8}).marks[1].verdict == "follows"


@pytest.mark.parametrize("name", DESCENT_EXERCISES)
def test_good_numbers_are_found_for_every_seed_and_are_good(name):
    for seed in range(29):
        one = descent_exercise(name, seed=seed, variant=1 + seed % 5)
        found = values(one)
        assert all(abs(value) <= 20 for value in found.values())
        slopes = [value for key, value in found.items() if key.startswith(("f'(", "df/"))]
        assert all(abs(value) >= 0.05 for value in slopes)
        assert one.check(one.solution).is_right


def test_options():
    one = descent_exercise("momentum", seed=3, learning_rate=Fraction(1, 3), rounding=Rounding(2, decimals=True))
    assert known(one)["eta"] == pytest.approx(1 / 3)
    assert one.label == "momentum, rounding 2 decimals, learning rate 1/3, seed 3, variant 1, version 1"
    assert all(Fraction(value).denominator in (1, 2, 4, 5, 10, 20, 25, 50, 100) for value in one.solution.values())
    assert known(descent_exercise("descent-1d", seed=3, learning_rate=0.1))["eta"] == 0.1
    assert known(descent_exercise("descent-1d", seed=3, learning_rate=1))["eta"] == 1.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "newton"}, "the exercise must be one of descent-1d, descent-2d, momentum, convergence"),
        ({"variant": 0}, "variant must be a whole number from 1, not 0"),
        ({"learning_rate": -1}, "learning_rate must be a number > 0, not -1"),
        ({"learning_rate": 10}, "no good numbers were found for descent-1d in 400 tries; choose another"),
        ({"seed": -1}, "the seed must be a whole number"),
    ],
)
def test_refusals(given, said):
    with pytest.raises(tw.InputError, match=said):
        descent_exercise(**given)
