"""Slips: by hand in small numbers, and simulated students who make each of them in random exercises.

A student's slip counts where it moves an answer further than rounding can. It has to be named at the first such answer
with the place where it was made first, and alone where no other slip leads to that number: both by students' own
formulas.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from students import PARTS, STYLES, Ball, Mistake, Student, exercises_with, mistakes, random_exercise, styled
from thalweg.answers import Suspect, check_answers
from thalweg.arithmetic import FRACTIONS
from thalweg.network import Network
from thalweg.slips import SLIPS, slips_of
from thalweg.tracing import Trace, trace


HERE = (ArithmeticError, ValueError)  # what a slip may lead to: numbers that are too large
HALF = Fraction(1, 2)


# --- By hand ----------------------------------------------------------------------------------------------------------


@cache
def squares() -> Trace:
    """x = (2, 3), z = (5, 2), ŷ = (7, 9), ∂E/∂z = δ⁽²⁾ = (6, −2), δ⁽¹⁾ = (2, 20): all activations are the identity."""
    net = Network([2, 2, 2], activation="identity", loss="squared_error")
    p = [1, -1, 2, 1, -3, 1, 1, 2, 3, -1, -4, 1]  # W⁽¹⁾ by rows, b⁽¹⁾, W⁽²⁾, b⁽²⁾
    return trace(net, list(map(Fraction, p)), [2, 3], [4, 10], learning_rate=HALF, arithmetic=FRACTIONS)


@cache
def logistic() -> Trace:
    """a = 0 in both layers: z = ½ and g′ = ¼; ∂E/∂z = −1, δ⁽²⁾ = −¼, δ⁽¹⁾ = −¼ · 4 · ¼ = −¼, ∂E/∂W⁽¹⁾ = −½."""
    net = Network([1, 1, 1], activation="sigmoid", output="sigmoid", loss="squared_error")
    return trace(net, [-1.0, 2.0, 4.0, -2.0], [2.0], [1.0])


@cache
def classes() -> Trace:
    """a = (0, 0), ŷ = (½, ½), δ = (−½, ½), ∂E/∂W = 3 δ."""
    return trace(Network([1, 2], output="softmax", loss="cross_entropy", bias=False), [0.0, 0.0], [3.0], [1.0, 0.0])


@cache
def two_examples() -> Trace:
    """ŷ = 2 and 6, ∂E/∂z = 2 and 2, ∂E/∂W = 2 and 6: together 8."""
    return trace(Network([1, 1], bias=False, reduction="sum"), [2.0], [[1.0], [3.0]], [[1.0], [5.0]])


@cache
def penalised() -> Trace:
    """∂E/∂W = 2, and of the penalty ½ · 2."""
    return trace(Network([1, 1], bias=False, l2=0.5), [2.0], [1.0], [1.0])


BY_HAND: list[tuple[Callable[[], Trace], str, float, set[tuple[str, str]]]] = [
    (squares, "a[1][1]", 2 * 1 + 3 * 2, {("bias forgotten", "")}),
    (squares, "a[1][1]", 2 * 1 + 3 * -1 - 3, {("transposed", "")}),
    (squares, "dE/dz[2][1]", 3, {("factor two", "")}),
    (squares, "dE/dz[2][1]", 12, {("factor two", "")}),
    (squares, "dE/dz[2][1]", -6, {("difference reversed", "")}),
    (squares, "delta[1][1]", 6 * 1, {("one output only", "unit 1")}),
    (squares, "delta[1][1]", -2 * 2, {("one output only", "unit 2")}),
    (squares, "delta[1][1]", 6 - 2, {("weights forgotten", "")}),
    (squares, "delta[1][1]", 1 + 2, {("deltas forgotten", "")}),
    (squares, "delta[1][1]", 6 * 1 - 2 * 3, {("transposed", "")}),
    (squares, "delta[1][1]", 6 * -14 - 2 * 7, {("updated weights", "")}),  # 1 − ½ · 30 and 2 − ½ · −10
    (squares, "dE/dW[1][1,1]", 2, {("input forgotten", "")}),
    (squares, "dE/dW[1][1,1]", 2 * 5, {("output for input", "")}),
    (squares, "dE/dW[1][1,2]", 2 * 3, {("transposed", "")}),
    (squares, "dE/db[1][2]", 0, {("bias gradient forgotten", "")}),
    (squares, "new W[2][1,1]", 1 + 15, {("update sign", "")}),
    (squares, "new b[2][2]", 1 - 1, {("update sign", "")}),
    (squares, "new W[2][1,1]", 1 - 30, {("rate forgotten", "")}),
    (squares, "g'(a[1][1])", 5 * (1 - 5), {("slope of another activation", "sigmoid")}),
    (squares, "g'(a[1][1])", 1 - 5 * 5, {("slope of another activation", "tanh")}),
    (logistic, "z[1][1]", 0, {("activation forgotten", "")}),
    (logistic, "g'(a[1][1])", 0, {("slope at the other side", "")}),
    (logistic, "g'(a[1][1])", 0.75, {("slope of another activation", "tanh")}),
    (
        logistic,
        "g'(a[1][1])",
        1,
        {("slope of another activation", "relu"), ("slope of another activation", "identity")},
    ),
    (logistic, "delta[2][1]", -1, {("slope forgotten", "")}),
    (logistic, "delta[1][1]", -1, {("slope forgotten", "")}),
    (logistic, "dE/dW[2][1,1]", 0, {("before for after", "")}),
    (classes, "z[1][1]", 1, {("not normalised", "")}),
    (classes, "delta[1][1]", 0.5, {("difference reversed", "")}),
    (classes, "delta[1][2]", 0, {("diagonal only", "")}),
    (classes, "delta[1][1]", -0.125, {("slope twice", "")}),
    (classes, "dE/dz[1][1]", 2, {("difference reversed", "")}),
    (two_examples, "dE/dW[1][1,1]", 4, {("mean for sum", "")}),
    (two_examples, "dE/dW[1][1,1]", 2, {("one example only", "example 1")}),
    (two_examples, "dE/dW[1][1,1]", 6, {("one example only", "example 2")}),
    (penalised, "dE/dW[1][1,1]", 2, {("penalty forgotten", "")}),
]


@pytest.mark.parametrize(("made", "name", "number", "named"), BY_HAND, ids=lambda value: str(value)[:24])
def test_a_wrong_number_among_right_ones_names_its_slip_and_its_place(made, name, number, named):
    t = made()
    answers = {step.key: step.result for step in t} | {t.named(name).key: number}
    mark = check_answers(t, answers).first_wrong
    assert mark is not None and mark.step.name == name
    assert {(suspect.slip.name, suspect.slip.which) for suspect in mark.suspects} == named
    assert {suspect.step.name for suspect in mark.suspects} == {name}


def test_every_slip_is_made_by_hand():
    assert {name for *_, named in BY_HAND for name, _ in named} == set(SLIPS)


def test_all_slips_that_lead_to_the_number_are_named_each_with_its_own_first_place():
    """Without g′ among the answers it may be missing, or that of relu; without ∂E/∂z too the sum may be wrong."""
    mark = check_answers(logistic(), {"dE/dW[1][1,1]": -2.0}).first_wrong  # −½ / ¼
    assert mark is not None
    assert {(one.slip.name, one.step.name) for one in mark.suspects} == {
        ("slope forgotten", "delta[2][1]"),  # made once
        ("slope of another activation", "g'(a[2][1])"),
    }
    assert "relu or identity" in str(mark)


def test_slips_that_cannot_be_made_are_not_looked_for():
    names = {slip.name for slip in slips_of(trace(Network([1, 1, 1], bias=False), [1.0, 1.0], [1.0], [1.0]))}
    assert names == {
        "slope forgotten", "slope at the other side", "slope of another activation", "weights forgotten",
        "deltas forgotten", "activation forgotten", "input forgotten", "output for input", "before for after",
        "factor two", "difference reversed",
    }  # fmt: skip


# --- Simulated students -----------------------------------------------------------------------------------------------

Where = Callable[[tuple], bool]  # at which keys a slip is made


def anywhere(key: tuple) -> bool:
    return True


def at(places: Any) -> Where:
    return lambda key: key in places


def in_layer(layer: Any) -> Where:
    return lambda key: layer_of(key) == layer


def layer_of(key: tuple) -> Any:
    return key[2:3] if isinstance(key[0], int) else key[1:2]


class Diagnosis:
    """A student of some style who makes a slip everywhere, in one layer, or once; and what the checker says of it."""

    def __init__(self, number: int, mistake: Mistake) -> None:
        r = random.Random(f"{number} {mistake}")
        self.asked, self.mistake, self.where = random_exercise(number), mistake, anywhere
        self.sheet = self.asked.sheet
        self.order = {key: place for place, key in enumerate(self.asked.trace.keys())}
        self.keys = self.asked.part(r, r.choice(PARTS))
        style, tie = styled(self.sheet, r.choice(STYLES)), r.choice([ROUND_HALF_UP, ROUND_HALF_EVEN])
        self.answers: dict[tuple, float] = {}
        made = self.answered(Student(self.sheet, mistake=mistake), tie)[1]
        if made:
            place = r.choice(made)
            self.where = r.choice([anywhere, in_layer(layer_of(place)), at([place])])
            student = Student(self.sheet, mistake=mistake, where=self.where, **style)
            self.answers, made = self.answered(student, tie)
        self.makes_a_difference = bool(made)

    def answered(self, student: Student, tie: str) -> tuple[dict[tuple, float], list[tuple]]:
        """The answers, and where the slip made a difference; nowhere if numbers get too large."""
        try:
            return {key: self.sheet.rounded(student(*key), tie) for key in self.keys}, student.made
        except HERE:
            return {}, []

    def outcome(self) -> str:
        """nothing: it makes no difference; unseen: none beyond rounding; alone or shared: as it should be."""
        if not self.makes_a_difference:
            return "nothing"
        seen = next((key for key in self.keys if not self.can_be(key, None, anywhere)), None)
        if seen is None:
            return "unseen"
        mark = check_answers(self.asked.trace, self.answers, self.asked.rounding).first_wrong
        if mark is None or self.order[mark.step.key] > self.order[seen]:
            return "missed"
        return self.judged(mark.step.key, mark.suspects)

    def judged(self, key: tuple, suspects: tuple[Suspect, ...]) -> str:
        """Whether the slip is named, with its place, and alone if the numbers tell it from all others."""
        mine = [suspect for suspect in suspects if suspect.slip.name == self.mistake.name]
        if not mine:
            return "not named"
        made = self.goes_on(key, self.mistake, self.where)[1]
        first = min(made, key=self.order.__getitem__)
        if not any(one.step.key == first or self.can_be(key, self.mistake, at(one.places)) for one in mine):
            return "wrong place"
        if len({suspect.slip.name for suspect in suspects}) == 1:
            return "alone"
        return "shared" if any(self.can_be(key, other, where) for other, where in self.others(key)) else "not alone"

    def others(self, key: tuple) -> Iterator[tuple[Mistake, Where]]:
        """Every other slip, made everywhere, in one layer, or once on the way to this value."""
        for other in mistakes(self.sheet):
            if other.name != self.mistake.name:
                made = self.goes_on(key, other, anywhere)[1]
                wheres = [anywhere, *map(in_layer, set(map(layer_of, made))), *(at([place]) for place in made)]
                yield from ((other, where) for where in wheres)

    def goes_on(self, key: tuple, mistake: Mistake | None, where: Where) -> tuple[float, list[tuple]]:
        """What a student with this slip comes to from the other answers, and where it makes a difference."""
        student = Student(self.sheet, mistake=mistake, where=where, known=self.answers)
        try:
            return float(student.anew(key)), student.made
        except HERE:
            return math.nan, student.made

    def can_be(self, key: tuple, mistake: Mistake | None, where: Where) -> bool:
        """Whether this slip leads from the other answers to the one for this key, but for rounding."""
        number, value = self.answers[key], self.goes_on(key, mistake, where)[0]
        if not abs(value - number) <= max(abs(value), abs(number)) / 2 + 200 * self.sheet.half(number):
            return False  # as is found out in the long way too, but for numbers of hardly a digit
        known = {key: Ball(given, self.sheet.half(given)) for key, given in self.answers.items()}
        student = Student(self.sheet, self.sheet.blurred, self.sheet.blurred, mistake, where, known)
        return number in self.sheet.blurred(student.anew(key))


def tally(name: str, n: int) -> Counter[str]:
    """The outcomes of so many students who made this slip, so that it makes a difference."""
    found: Counter[str] = Counter()
    for number, mistake in exercises_with(name):
        found[Diagnosis(number, mistake).outcome()] += 1
        if found.total() - found["nothing"] == n:
            break
    return found


def assert_diagnosed(found: Counter[str]) -> None:
    made = found.total() - found["nothing"]
    seen = made - found["unseen"]
    assert seen >= 0.75 * made > 0, found
    assert found["alone"] + found["shared"] >= 0.95 * seen, found


SIMULATED = sorted(set(SLIPS) - {"penalty forgotten"})  # exercises have no penalty


@pytest.mark.parametrize("name", SIMULATED)
def test_a_student_who_makes_a_slip_is_told_which_and_where(name):
    assert_diagnosed(tally(name, 30))


@pytest.mark.acceptance
@pytest.mark.parametrize("name", SIMULATED)
def test_a_student_who_makes_a_slip_is_told_which_and_where_in_a_thousand_exercises(name):
    found = tally(name, 1_000)
    print(name, dict(found))
    assert_diagnosed(found)
