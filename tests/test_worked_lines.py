"""Lines of a worked exercise: what they come to, how far rounding moves them, and how answers to them are marked."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg import InputError
from thalweg.arithmetic import Rounding
from thalweg.expressions import Symbol, call
from thalweg.worked_lines import Lines


A, B, S, P, R = (Symbol(name) for name in "abspr")
FORGOTTEN, DOUBLED = "b is left out", "a counts twice"


def lines(a: Fraction, b: Fraction, digits: int = 3) -> Lines:
    """s = a + b, p = s · b, r = √p."""
    first = Lines({A: a, B: b}, Rounding(digits)).and_line(S, "the sum", A + B, {FORGOTTEN: A, DOUBLED: 2 * A + B})
    return first.and_line(P, "the product", S * B, {FORGOTTEN: S}).and_line(R, "the root", call("sqrt", P))


def test_lines_by_hand():
    found = lines(Fraction(1, 3), Fraction(5, 7))
    assert [line.result for line in found.each] == [Fraction(105, 100), Fraction(75, 100), Fraction(866, 1000)]
    assert [" = ".join(part.unicode for part in line.parts) for line in found.each] == [
        "s = a + b = 1/3 + 5/7 = 1.05", "p = s·b = 1.05·(5/7) = 0.75", "r = √p = √0.75 = 0.866"
    ]  # fmt: skip
    assert [line.is_about for line in found.each] == [True, False, True]
    assert [line.name for line in found.each] == ["s", "p", "r"] and found.each[1].words == "the product"


POSITIVE = st.fractions(Fraction(1, 9), 9, max_denominator=13)


@given(POSITIVE, POSITIVE, st.integers(2, 6), st.booleans())
def test_whoever_rounds_at_every_step_or_at_the_end_only_is_right(a, b, digits, at_every_step):
    found = lines(a, b, digits)
    rounded = Rounding(digits) if at_every_step else float
    s = rounded(a + b)
    p = rounded(s * b)
    r = Rounding(digits)(float(p) ** 0.5)
    marking = found.check({"s": Rounding(digits)(s), "p": Rounding(digits)(p), "r": r})
    assert marking.is_right, str(marking)
    for line, value in zip(found.each, (s, p, r), strict=True):
        near, off = found.near(line)
        assert abs(float(value) - near) <= off + 1e-9 * abs(near)


def test_a_slip_is_named_once_and_what_follows_from_it_is_accepted():
    found = lines(Fraction(2), Fraction(5))
    marking = found.check({"s": 9, "p": 45, "r": 6.71})
    assert [mark.verdict for mark in marking.marks] == ["wrong", "follows", "follows"]
    (suspect,) = marking.marks[0].suspects
    assert suspect.slip.sentence == DOUBLED and suspect.step.name == "s"
    assert marking.accepted == 2 and marking.first_wrong is marking.marks[0]
    assert f"s = 9: wrong; {DOUBLED}, first in s" in str(marking)
    assert marking.to_dict()["marks"][0]["slips"][0]["sentence"] == DOUBLED


def test_a_slip_is_found_further_down_too():
    found = lines(Fraction(2), Fraction(5))
    (mark,) = found.check({"p": 2}).marks  # at both places
    assert [(one.slip.sentence, one.step.name) for one in mark.suspects] == [(FORGOTTEN, "s")]
    (mark,) = found.check({"p": 7}).marks  # only in p
    assert [(one.slip.sentence, one.step.name) for one in mark.suspects] == [(FORGOTTEN, "p")]
    (mark,) = found.check({"r": 3.16}).marks  # only in s: √(2·5)
    assert [(one.slip.sentence, one.step.name) for one in mark.suspects] == [(FORGOTTEN, "s")]


def test_a_number_that_nothing_explains_is_wrong_with_what_it_should_be():
    (s, p) = lines(Fraction(2), Fraction(5)).check({"s": 8, "p": 41}).marks
    assert (s.verdict, s.expected, s.suspects) == ("wrong", 7.0, ())
    assert (p.verdict, p.expected) == ("wrong", 40.0) and "40" in str(p)


def test_answers_go_by_name_and_by_symbol_as_printed():
    slope = Symbol("delta", (1,), layer=2)
    found = Lines({A: Fraction(3)}, Rounding(4)).and_line(slope, "twice a", 2 * A)
    assert found.check({"delta[2][1]": 6}).is_right and found.check({" δ₁⁽²⁾ ": 6.0}).is_right


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"q": 1}, "there is no value 'q' here; values have names such as"),
        ({"s": "7"}, "the answer for s must be a finite number, not '7'"),
        ({"s": float("nan")}, "the answer for s must be a finite number"),
        ({"s": None}, "the answer for s must be a finite number"),
    ],
)
def test_refusals(answers, said):
    with pytest.raises(InputError, match=said):
        lines(Fraction(2), Fraction(5)).check(answers)


def test_a_line_without_a_finite_value_is_refused():
    with pytest.raises(InputError, match="the quotient is inf"):
        Lines({A: Fraction(1), B: Fraction(0)}, Rounding(4)).and_line(P, "the quotient", A / B)
