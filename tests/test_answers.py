"""The checker of answers: correct students of every style, follow-on mistakes, and what is said of each number."""

import json
import random
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from students import PARTS, STYLES, Ball, Student, mistakes, random_exercise, styled
from thalweg import InputError
from thalweg.answers import FOUR_DIGITS, check_answers
from thalweg.arithmetic import FRACTIONS, Rounding
from thalweg.exercises import exercise
from thalweg.network import Network
from thalweg.reckoning import Reckoning
from thalweg.tracing import Trace, trace


@cache
def logistic() -> Trace:
    """a = 2, z = 0.880797, ∂E/∂z = −0.238406, g′ = 0.104994, δ = −0.025031, ∂E/∂W = −0.050062, W := 1.025031."""
    net = Network([1, 1], output="sigmoid", bias=False)
    return trace(net, [1.0], [2.0], [1.0], learning_rate=0.5)


def marked(answers: dict[Any, Any], t: Trace | None = None, rounding: Rounding = FOUR_DIGITS) -> list[str]:
    """The verdicts, in the order of computation."""
    return [mark.verdict for mark in check_answers(t or logistic(), answers, rounding).marks]


# --- Correct students -------------------------------------------------------------------------------------------------


def assert_never_faulted(number: int) -> None:
    """Whoever makes no slip, in every style, whatever part is answered."""
    asked, r = random_exercise(number), random.Random(number)
    sheet = asked.sheet
    for style in STYLES:
        student = Student(sheet, **styled(sheet, style))
        for part in PARTS:
            tie = r.choice([ROUND_HALF_UP, ROUND_HALF_EVEN])
            answers = {key: sheet.rounded(student(*key), tie) for key in asked.part(r, part)}
            marking = check_answers(asked.trace, answers, asked.rounding)
            assert marking.is_right, (number, style, part, str(marking))


def test_a_correct_student_is_never_faulted():
    for number in range(100):  # 1,200 students
        assert_never_faulted(number)


@pytest.mark.acceptance
def test_correct_students_are_never_faulted_in_thousands_of_exercises():
    for number in range(100, 2_600):  # 30,000 students
        assert_never_faulted(number)


@given(st.integers(0, 99), st.sampled_from(STYLES), st.randoms(use_true_random=False))
def test_a_number_moved_by_twice_what_rounding_can_is_wrong(number, style, r):
    asked = random_exercise(number)
    sheet = asked.sheet
    student = Student(sheet, **styled(sheet, style))
    answers = {key: sheet.rounded(student(*key)) for key in asked.keys}
    key = r.choice(asked.keys)
    known = {other: Ball(value, sheet.half(value)) for other, value in answers.items()}
    can_be = sheet.blurred(Student(sheet, sheet.blurred, sheet.blurred, known=known).anew(key))
    answers[key] = can_be.mid + r.choice([-2, 2]) * (can_be.rad + 1e-6 * abs(can_be.mid) + 1e-9)
    assume(answers[key] not in sheet.blurred(Student(sheet)(*key)))  # where a student who rounds has drifted to
    wrong = check_answers(asked.trace, answers, asked.rounding).first_wrong
    assert wrong is not None and wrong.step.key == key


def test_ties_may_be_rounded_to_the_even_digit_or_away_from_0():
    t = trace(Network([1, 1], bias=False), [0.5], [0.2469], [0.0])  # a = 0.12345
    assert marked({"a[1][1]": 0.1234}, t) == marked({"a[1][1]": 0.1235}, t) == ["right"]
    assert marked({"a[1][1]": 0.1233}, t) == marked({"a[1][1]": 0.1236}, t) == ["wrong"]


def test_where_terms_cancel_the_answer_is_0_and_what_floats_leave_of_it():
    t = trace(Network([3, 1], bias=False), [0.1, 0.2, -0.3], [1.0, 1.0, 1.0], [5.0])
    assert marked({"a[1][1]": 0}, t) == marked({"a[1][1]": 0.1 + 0.2 - 0.3}, t) == ["right"]
    assert marked({"a[1][1]": 1e-5}, t) == ["wrong"]


def test_a_unit_that_is_off_has_the_slope_0_and_no_other():
    net = Network([1, 1, 1], activation="relu", bias=False)
    t = trace(net, [-1.5, 2.0], [0.7], [1.0])
    decimals = Rounding(2, decimals=True)
    for rounding in (Rounding(3), decimals):
        assert marked({"z[1][1]": 0, "g'(a[1][1])": 0}, t, rounding) == ["right", "right"]
        assert marked({"z[1][1]": 0, "g'(a[1][1])": 1}, t, rounding) == ["right", "wrong"]
    nearly = trace(net, [0.003, 2.0], [0.7], [1.0])  # z is 0.00 on the sheet, but the unit is on
    assert marked({"z[1][1]": 0, "g'(a[1][1])": 1}, nearly, decimals) == ["right", "right"]


def test_fractions_are_answered_as_fractions_or_as_decimals():
    net = Network([1, 1], bias=False)
    t = trace(net, [Fraction(1, 3)], [Fraction(1, 2)], [Fraction(1)], arithmetic=FRACTIONS)
    for answer in (Fraction(1, 6), 1 / 6, 0.1667):
        assert marked({"a[1][1]": answer}, t) == ["right"]
    assert marked({"a[1][1]": 0.166}, t) == ["wrong"]


# --- Mistakes that are carried on -------------------------------------------------------------------------------------


def test_one_mistake_is_counted_once_and_what_follows_from_it_is_accepted():
    marking = check_answers(logistic(), {"z[1][1]": 0.7311, "dE/dz[1][1]": -0.5378, "g'(a[1][1])": 0.1966,
                                         "delta[1][1]": -0.1057, "dE/dW[1][1,1]": -0.2115})  # fmt: skip
    assert [mark.verdict for mark in marking.marks] == ["wrong", "follows", "follows", "follows", "follows"]
    assert marking.accepted == 4 and not marking.is_right


def test_what_is_right_in_spite_of_a_wrong_number_before_it_is_right():
    """Of someone who mistyped z, and went on with the right one, rounded or not."""
    answers = {"z[1][1]": 0.8088, "dE/dz[1][1]": -0.2384, "g'(a[1][1])": 0.105, "delta[1][1]": -0.02503}
    assert marked(answers) == ["wrong", "right", "right", "right"]
    assert marked({**answers, "delta[1][1]": -0.2384 * 0.105}) == ["wrong", "right", "right", "right"]
    assert marked({**answers, "delta[1][1]": -0.0251}) == ["wrong", "right", "right", "wrong"]


def test_a_slip_before_the_first_answer_is_followed_to_the_later_ones():
    """g′ = 1 leads to both numbers: the second follows from what was wrong with the first."""
    marking = check_answers(logistic(), {"dE/dW[1][1,1]": -0.4768, "new W[1][1,1]": 1.238})
    assert [mark.verdict for mark in marking.marks] == ["wrong", "follows"]
    hidden = trace(Network([1, 1, 2], activation="tanh", bias=False), [0.5, 0.8, -0.3], [1.2], [1.0, 0.0])
    assert marked({"dE/dW[2][1,1]": -0.624, "dE/dW[1][1,1]": -0.556}, hidden) == ["wrong", "follows"]  # z = a = 0.6


def test_a_student_who_slips_once_and_answers_everything_has_at_most_one_wrong_answer():
    counted = 0
    for number in range(60):
        asked, r = random_exercise(number), random.Random(number)
        sheet = asked.sheet
        mistake = r.choice(mistakes(sheet))
        everywhere = Student(sheet, mistake=mistake)
        numbers = [everywhere(*key) for key in asked.keys]
        if not everywhere.made or max(map(abs, numbers)) > 1e6:
            continue
        place = r.choice(everywhere.made)
        student = Student(sheet, mistake=mistake, where=lambda key, place=place: key == place)
        answers = {key: sheet.rounded(student(*key)) for key in asked.keys}
        verdicts = {mark.step.key: mark.verdict for mark in check_answers(asked.trace, answers, asked.rounding).marks}
        wrong = [key for key, verdict in verdicts.items() if verdict == "wrong"]
        assert wrong in ([], [place]), (number, mistake, wrong, place)
        counted += len(wrong)
    assert counted > 30


# --- What is said -----------------------------------------------------------------------------------------------------


def test_each_answer_gets_one_line():
    answers = {
        "a[1][1]": 2,
        "z[1][1]": 0.8808,
        "delta[1][1]": -0.2384,
        "dE/dW[1][1,1]": -0.4768,
        "new W[1][1,1]": 0.7616,
    }
    assert str(check_answers(logistic(), answers)) == (
        "a₁⁽¹⁾ = 2: right\n"
        "z₁⁽¹⁾ = 0.8808: right\n"
        "δ₁⁽¹⁾ = −0.2384: wrong; the factor g′(a) is missing, first in δ₁⁽¹⁾; or the derivative is that of relu or "
        "identity, first in g′(a₁⁽¹⁾)\n"
        "∂E/∂W₁₁⁽¹⁾ = −0.4768: follows from an earlier value that is wrong: accepted\n"
        "new W₁₁⁽¹⁾ = 0.7616: wrong; the step goes uphill: the gradient is subtracted, first in new W₁₁⁽¹⁾\n"
        "3 of 5 accepted"
    )


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0.5, "wrong; from your own numbers it comes to 0.8808"),
        (-0.8808, "wrong; from your own numbers it comes to 0.8808: look at its sign"),
        (8.808, "wrong; from your own numbers it comes to 0.8808: look at its decimal point"),
        (0.08808, "wrong; from your own numbers it comes to 0.8808: look at its decimal point"),
        (0.881, "wrong; from your own numbers it comes to 0.8808: look at its rounding (4 significant digits)"),
    ],
)
def test_a_number_that_no_slip_explains_is_told_what_it_should_be(number, said):
    mark = check_answers(logistic(), {"z[1][1]": number}).first_wrong
    assert mark is not None and str(mark).endswith(said)


def test_what_it_should_be_comes_from_the_students_own_numbers():
    wrong = check_answers(logistic(), {"z[1][1]": 0.5, "g'(a[1][1])": 0.9}).marks[1]
    assert (wrong.verdict, wrong.expected) == ("wrong", 0.25)


def test_the_example_is_said_in_a_batch():
    t = trace(Network([1, 1], bias=False), [2.0], [[1.0], [3.0]], [[1.0], [5.0]])
    assert str(check_answers(t, {(2, "a", 1, 1): 5}).marks[0]).startswith("example 2: a₁⁽¹⁾ = 5: wrong; from your own")


def test_a_marking_goes_to_json():
    marking = check_answers(logistic(), {"delta[1][1]": -0.2384})
    assert json.loads(json.dumps(marking.to_dict()))["marks"][0] == {
        "name": "delta[1][1]", "given": -0.2384, "verdict": "wrong", "expected": -0.02503,
        "slips": [
            {"slip": "slope forgotten", "which": "", "sentence": "the factor g′(a) is missing", "first": "delta[1][1]"},
            *({"slip": "slope of another activation", "which": which, "sentence": "the derivative is that of",
               "first": "g'(a[1][1])"} for which in ("relu", "identity")),
        ],
    }  # fmt: skip


def test_answers_are_marked_in_the_order_of_computation_whatever_they_are_called():
    answers = {"∂E/∂W₁₁⁽¹⁾": -0.05006, ("delta", 1, 1): -0.02503, " z[1][1] ": 0.8808}
    marking = check_answers(logistic(), answers)
    assert [mark.step.name for mark in marking.marks] == ["z[1][1]", "delta[1][1]", "dE/dW[1][1,1]"]
    assert marking.is_right and marking.first_wrong is None


def test_no_answers_are_no_mistakes():
    assert check_answers(logistic(), {}).is_right


# --- How far rounding goes --------------------------------------------------------------------------------------------


def test_the_margin_of_a_product_by_hand():
    """δ = ∂E/∂z · g′ = −0.2384 · 0.105: 0.00005 of each, and 0.000005 of the last digit."""
    known = {("dE/dz", 1, 1): (-0.2384, 0.00005), ("g'", 1, 1): (0.105, 0.00005)}
    value, off = Reckoning(logistic(), Rounding(4), known).near(("delta", 1, 1))
    assert value == pytest.approx(-0.025032)
    assert off == pytest.approx(0.2384 * 0.00005 + 0.105 * 0.00005 + 0.000005, rel=0.02)


def test_what_is_exact_on_the_sheet_has_no_margin():
    assert Reckoning(logistic(), Rounding(4), {}).near(("a", 1, 1)) == (2.0, 0.0)


# --- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({("W", 1, 1, 1): 1.0}, "W[1][1,1] is given in the exercise; only what is computed is checked"),
        ({"delta[7][1]": 1.0}, "there is no value 'delta[7][1]' here; values have names such as delta[1][1]"),
        ({("delta", 1, 2): 1.0}, "delta[1][2] is out of range"),
        ({"z[1][1]": "0.88"}, "the answer for z[1][1] must be a finite number, not '0.88'"),
        ({"z[1][1]": float("nan")}, "the answer for z[1][1] must be a finite number, not nan"),
        ({"z[1][1]": 10**400}, "the answer for z[1][1] must be a finite number, not 1000"),
        ({"z[1][1]": None}, "the answer for z[1][1] must be a finite number, not None"),
        ({"z[1][1]": 0.88, "z₁⁽¹⁾": 0.88}, "there are two answers for z[1][1]; give one"),
    ],
)
def test_an_answer_that_is_none_is_refused_in_a_sentence(answers, said):
    with pytest.raises(InputError) as caught:
        check_answers(logistic(), answers)
    assert said in str(caught.value) and len(str(caught.value).splitlines()) == 1


def test_an_exercise_checks_to_the_digits_of_its_sheet():
    one = exercise("output-weight", seed=3, rounding=Rounding(6))
    assert one.check(one.solution).is_right
    short = {name: Rounding(3)(value) for name, value in one.solution.items()}
    assert not one.check(short).is_right
