"""Exercises: the same sheet for ever, numbers that are good to compute by hand, and solutions by students' formulas."""

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from students import Sheet, Student, mistakes, same
from thalweg import Conventions, InputError, exercises
from thalweg.arithmetic import Rounding
from thalweg.exercises import EXERCISES, Exercise, cone, exercise


# Seed 1, variant 1: parameters, inputs, targets, learning rate, and what the goals come to.
GOLDEN: dict[str, tuple[str, list[str], list[str], str, dict[str, str]]] = {
    "output-weight": ("3/2 -1/2 -11/10 -7/10 -9/10 1/10 -4/5 -2/5 -9/10", ["2 1/2"], ["1"], "",
                      {"dE/dW[2][2,1]": "-0.05053"}),
    "hidden-weight": ("4/5 9/10 -4/5 -2/5 -3/5 -4/5 3/5 -1/5 1/5 7/10 4/5 -3/2", ["3/2 1/2"], ["1 0"], "",
                      {"dE/dW[1][1,1]": "-0.02337"}),
    "two-hidden-layers": ("3/5 4/5 1/5 -9/10 11/10 -6/5 -1/2 -4/5 9/10 2/5 1/5 9/10 1/2 11/10 -1/5", ["-1 -3/2"], ["1"],
                          "", {"dE/dW[1][2,1]": "-0.01311"}),
    "relu": ("1/2 -2 -5/2 -1/2 5/2 2 -3 5/2 3/2", ["-1/2 -3/2"], ["1"], "", {"dE/dW[1][1,2]": "325/16"}),
    "softmax": ("1/2 1/5 -4/5 4/5 3/5 1/5 3/5 3/10 -7/10 -3/2 -3/5 4/5 -9/10 -9/10 -2/5", ["-1/2 3/2"], ["1 0 0"], "",
                {"dE/dW[1][1,1]": "0.1022"}),
    "batch": ("1/10 -9/10 9/10 11/10 -2/5 4/5 6/5 -3/10 1/10", ["2 1/2", "5/2 3/2"], ["0", "1"], "",
              {"dE/dW[1][1,1]": "0.1085"}),
    "update": ("-3/10 3/5 1/10 2/5 3/5 -1/2 2/5 1/5 -1/10", ["5/2 3/2"], ["1"], "2/5",
               {"new W[1][2,1]": "0.1128", "new W[2][2,1]": "0.2709"}),
    "all": ("4/5 6/5 7/10 9/10 -9/10 4/5 -11/10 -4/5 6/5", ["-5/2 2"], ["1"], "",
            {"dE/dW[2][1,1]": "-0.02741", "dE/dW[2][2,1]": "-0.06032", "dE/db[2][1]": "-0.1503",
             "dE/dW[1][1,1]": "-0.06163", "dE/dW[1][1,2]": "-0.07223", "dE/dW[1][2,1]": "0.0493",
             "dE/dW[1][2,2]": "0.05778", "dE/db[1][1]": "0.02465", "dE/db[1][2]": "0.02889"}),
}  # fmt: skip


@pytest.mark.parametrize("name", EXERCISES)
def test_the_sheet_is_the_same_for_ever(name):
    one = exercise(name, seed=1)
    p, X, Y, rate, goals = GOLDEN[name]
    t = one.trace
    assert list(t.parameters) == numbers(p)
    assert [list(row) for row in t.X] == list(map(numbers, X))
    assert [list(row) for row in t.Y] == list(map(numbers, Y))
    assert t.learning_rate == (Fraction(rate) if rate else None)
    assert {t[key].name: t[key].result for key in one.goals} == {goal: Fraction(text) for goal, text in goals.items()}


def numbers(text: str) -> list[Fraction]:
    return list(map(Fraction, text.split()))


@given(st.sampled_from(list(EXERCISES)), st.integers(0, 2**64 - 1), st.integers(1, 1_000))
def test_the_same_seed_and_variant_give_the_same_sheet_and_others_do_not(name, seed, variant):
    def made(seed: int, variant: int) -> Any:
        one = exercise(name, seed=seed, variant=variant)
        return one.trace.to_json(()), one.goals

    assert made(seed, variant) == made(seed, variant)
    assert len({made(seed, variant), made(seed, variant + 1), made((seed + 1) % 2**64, variant)}) == 3


# --- Good numbers -----------------------------------------------------------------------------------------------------

OPTIONS: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"layers": [2, 3, 2]},
    {"layers": [3, 2, 2, 1]},
    {"layers": [2, 2, 2, 2, 2]},
    {"layers": [5, 3, 2]},
    {"activation": "relu"},
    {"activation": "relu", "dead_units": True},
    {"activation": "tanh", "layers": [2, 3, 2, 1]},
    {"activation": "leaky_relu", "output": "identity", "loss": "half_squared_error"},
    {"output": "softmax", "layers": [2, 3, 3]},
    {"output": "sigmoid", "loss": "binary_cross_entropy"},
    {"rounding": Rounding(3, decimals=True)},
]
DEEP: list[dict[str, Any]] = [{"layers": [2, 2, 2, 2, 2, 2, 1]}, {"layers": [6, 6, 6]}, {"layers": [6, 5, 3, 2, 2]}]


def fitting(name: str, options: dict[str, Any]) -> dict[str, Any] | None:
    """The options for an exercise of this name; None where they make no sense for it."""
    layers = options.get("layers", EXERCISES[name].sizes)
    if name == "softmax" and ("output" in options or "loss" in options):
        return None
    if name == "softmax" or options.get("output") == "softmax":
        options, layers = {**options, "layers": [*layers[:-1], 3]}, [*layers[:-1], 3]
    return None if name == "two-hidden-layers" and len(layers) < 4 else options


def assert_good(one: Exercise, *, dead: bool) -> None:
    """Every promise of the module, by a student's exact numbers."""
    t, student = one.trace, Student(Sheet.of(one.trace, one.rounding))
    for layer, (below, above) in enumerate(itertools.pairwise(t.network.sizes), 1):
        weights = [t.typed(("W", layer, i, j)) for i in range(1, below + 1) for j in range(1, above + 1)]
        assert 1 not in weights
        assert len(set(weights)) == len(weights) or len(weights) > 10
    assert all(len(set(row)) == len(row) and 1 not in row for row in t.X)
    slopes = []
    for step in t.steps("a", "g'"):
        value = float(student(*step.key))
        name = t.network.layers[step.place[0] - 1].activation.name
        if step.kind == "g'":
            slopes.append(value)
        else:
            assert abs(value) <= (2.001 if name in ("sigmoid", "tanh", "softmax") else 20.01)
            assert abs(value) >= 0.0499 or "relu" not in name
    assert (0.0 in slopes) == dead
    gradients = [("dE/d" + key[0][0], *key[1:]) if key[0].endswith("_new") else key for key in one.goals]
    assert dead or all(abs(student(*key)) >= 0.0099 for key in gradients)


def assert_all_found(seeds: range, all_options: list[dict[str, Any]]) -> None:
    for name, options, seed in itertools.product(EXERCISES, all_options, seeds):
        fit = fitting(name, options)
        if fit is not None:
            assert_good(exercise(name, seed=seed, **fit), dead=fit.get("dead_units", False))


def test_good_numbers_are_found():
    assert_all_found(range(3), OPTIONS)


@pytest.mark.acceptance
def test_good_numbers_are_found_for_hundreds_of_seeds():
    assert_all_found(range(200), OPTIONS)


@pytest.mark.parametrize("options", DEEP, ids=lambda options: str(options["layers"]))
def test_good_numbers_are_found_for_the_largest_networks(options):
    for name in ("hidden-weight", "output-weight", "two-hidden-layers", "update"):
        fit = fitting(name, options)
        if fit is not None:
            assert_good(exercise(name, seed=5, **fit), dead=False)


def test_a_slip_gives_another_number_than_another_one():
    """Of two slips that are made everywhere, the goals tell which it was: all but those that nothing can tell apart."""
    alike = [
        {"slope forgotten", "slope of another activation"},  # g′ = 1 is that of the identity
        {"difference reversed", "update sign"},  # twice minus
        {"factor two", "mean for sum"},  # of two examples
        {"diagonal only", "one output only"},  # of one class that is right
    ]
    pairs = told = 0
    for name, seed in itertools.product(EXERCISES, range(5)):
        one = exercise(name, seed=seed)
        sheet = Sheet.of(one.trace, one.rounding)
        found: dict[Any, set[str]] = {}
        for mistake in mistakes(sheet):
            student = Student(sheet, mistake=mistake)
            goals = tuple(sheet.rounded(student(*key)) for key in one.goals)
            if student.made:
                found.setdefault(goals, set()).add(mistake.name)
        names = sorted(set().union(*found.values()))
        for pair in itertools.combinations(names, 2):
            pairs += set(pair) not in alike
            told += set(pair) not in alike and not any({*pair} <= together for together in found.values())
    assert told >= 0.99 * pairs > 1_000


# --- Solutions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_is_what_a_student_has_who_rounds_every_result(name, seed):
    one = exercise(name, seed=seed)
    sheet = Sheet.of(one.trace, one.rounding)
    is_exact = one.trace.arithmetic.kind == "fractions"
    student = Student(sheet, carry=same if is_exact else lambda u: Fraction(str(sheet.rounded(u))))
    assert {step.name: step.result for step in one.steps} == {step.name: student(*step.key) for step in one.steps}
    assert one.check(one.solution).is_right


def test_relu_is_computed_in_fractions_unless_digits_are_asked_for():
    exact, rounded = exercise("relu", seed=2), exercise("relu", seed=2, rounding=Rounding(3))
    assert exact.trace.arithmetic.kind == "fractions" and rounded.trace.arithmetic.kind == "rounded"
    quarters = {name: float(Rounding(4)(value)) for name, value in exact.solution.items()}
    assert exact.check(exact.solution).is_right and exact.check(quarters).is_right


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_asked_are_the_goals_and_all_that_they_come_from(name):
    one = exercise(name, seed=4)
    asked = [step.key for step in one.steps]
    order = list(one.trace.keys())
    assert sorted(asked, key=order.index) == asked and set(one.goals) <= set(asked)
    used = {operand.key for step in one.steps for operand in step.operands if not operand.is_given}
    assert set(asked) == used | set(one.goals) == set(cone(one.trace, one.goals))


def test_a_half_of_another_lecture_changes_the_objective_and_not_the_kind():
    one = exercise("hidden-weight", conventions=Conventions(half=True))
    assert one.trace.network.loss.name == "half_squared_error"


def test_the_learning_rate_that_is_asked_for_is_taken():
    assert exercise("update", learning_rate=Fraction(1, 4)).trace.learning_rate == Fraction(1, 4)


@pytest.mark.parametrize("options", [{}, {"layers": [2, 3, 1], "bias": False}, {"rounding": Rounding(5)}])
def test_its_name_seed_variant_and_options_make_it_again(options):
    one = exercise("output-weight", seed=7, variant=3, **options)
    again = exercise(one.name, seed=one.seed, variant=one.variant, **one.options)
    assert (again.trace, again.goals, again.label) == (one.trace, one.goals, one.label)
    assert "seed 7" in one.label and "variant 3" in one.label and "version 1" in one.label


# --- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("hiden-weight", {}, "'hiden-weight'"),
        ("hidden-weight", {"layers": [2, 1]}, "[2, 1] has no hidden layer; add one, as 2,2,1"),
        ("two-hidden-layers", {"layers": [2, 2, 1]}, "two hidden layers or more"),
        ("hidden-weight", {"layers": [2, 7, 1]}, "at most 6 units, not 7"),
        ("hidden-weight", {"layers": [2]}, "sizes must be at least two whole numbers"),
        ("hidden-weight", {"layers": 5}, "sizes must be at least two whole numbers"),
        ("hidden-weight", {"activation": "sigmoidal"}, "sigmoid"),
        ("softmax", {"output": "sigmoid", "loss": "cross_entropy"}, "needs the output softmax"),
        ("softmax", {"layers": [2, 2, 1]}, "softmax needs two outputs or more"),
        ("hidden-weight", {"dead_units": True}, "choose activation='relu'"),
        ("hidden-weight", {"learning_rate": Fraction(1, 2)}, "learning_rate does nothing here"),
        ("update", {"learning_rate": Fraction(0)}, "learning_rate must be a number > 0"),
        ("hidden-weight", {"variant": 0}, "variant must be a whole number from 1"),
        ("hidden-weight", {"seed": -1}, "the seed must be a whole number from 0"),
        ("hidden-weight", {"rounding": 4}, "rounding must be such as Rounding(4)"),
    ],
)
def test_what_is_no_exercise_is_refused_in_a_sentence(name, options, said):
    with pytest.raises(InputError) as caught:
        exercise(name, **options)
    assert said in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_numbers_that_cannot_be_good_are_given_up(monkeypatch):
    monkeypatch.setattr(exercises, "TRIES", 7)
    with pytest.raises(InputError, match="no good numbers were found for all with the network 2-6-6-6-6-6-1"):
        exercise("all", layers=[2, 6, 6, 6, 6, 6, 1])
