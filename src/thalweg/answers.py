"""Answers to an exercise, checked value by value, and what went wrong where one is wrong.

Every value is worked out again from the student's own values before it, so that one mistake is counted once. A wrong
one is compared with what each known slip would have given (`slips`), made at this value or on the way to it. Whoever
rounds every value as the sheet says, and whoever carries all digits along, is right: with each value goes how far
rounding on the way may have moved it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thalweg.arithmetic import Rounding, Value
from thalweg.conventions import Key
from thalweg.errors import InputError, shown
from thalweg.reckoning import SLACK, Near, Paper, Reckoning
from thalweg.slips import Slip, slips_of


if TYPE_CHECKING:
    from thalweg.tracing import Step, Trace

FOUR_DIGITS = Rounding(4)
NOISE = 1e-14  # absolute: what floats leave where terms cancel
VERDICTS = {
    "right": "right",
    "follows": "follows from an earlier value that is wrong: accepted",
    "wrong": "wrong",
}
FAR = 0.5  # relative: rounding does not move a value as far as this
CLOSE = 0.01  # relative: nearer than this it is rather the rounding than the way


@dataclass(frozen=True)
class Suspect:
    """A slip that gives the student's number, the first value in which it was made, and all of them on the way."""

    slip: Slip  # the mistake
    step: Step  # the first value in which it was made
    places: frozenset[Key] = field(default=frozenset(), repr=False)  # all values in which it was made


@dataclass(frozen=True)
class Mark:
    """One answer: the value asked for, the number given, the verdict, and for a wrong one the slips that explain it."""

    step: Step  # the value asked for
    given: Value  # the number given
    verdict: str  # right, follows or wrong
    expected: float  # from the student's own earlier values, rounded as the sheet says
    rounding: Rounding  # of the sheet
    suspects: tuple[Suspect, ...] = ()  # slips that explain a wrong one

    @property
    def is_accepted(self) -> bool:
        """Whether it counts."""
        return self.verdict != "wrong"

    def __str__(self) -> str:
        text = f"{_label(self.step)} = {_decimal(self.given)}: {VERDICTS[self.verdict]}"
        if self.verdict != "wrong":
            return text
        if self.suspects:
            return f"{text}; {'; or '.join(self._reasons())}"
        return f"{text}; from your own numbers it comes to {_decimal(self.expected)}{self._hint()}"

    def _reasons(self) -> Iterator[str]:
        """What went wrong and where, slips of one name together."""
        together: dict[tuple[str, str], list[str]] = {}
        for suspect in self.suspects:
            together.setdefault((suspect.slip.sentence, _label(suspect.step)), []).append(suspect.slip.which)
        for (sentence, place), which in together.items():
            named = " or ".join(dict.fromkeys(filter(None, which)))
            yield f"{sentence}{' ' if named else ''}{named}, first in {place}"

    def _hint(self) -> str:
        """What the two numbers have in common, where no slip explains the one that was given."""
        given = float(self.given)
        if _is_close(-given, self.expected):
            return ": look at its sign"
        if any(_is_close(given * factor, self.expected) for factor in (10.0, 0.1, 100.0, 0.01)):
            return ": look at its decimal point"
        return f": look at its rounding ({self.rounding})" if _is_close(given, self.expected) else ""


def _is_close(given: float, expected: float) -> bool:
    return abs(given - expected) <= CLOSE * abs(expected)


def _label(step: Step) -> str:
    """The symbol as it is printed, with what else tells it from others."""
    example = f"example {step.example}: " if step.example else ""
    return f"{example}{'new ' if step.is_update else ''}{step.symbol.unicode}"


def _decimal(value: Value) -> str:
    return f"{float(value):.10g}".replace("-", "−")


@dataclass(frozen=True)
class Marking:
    """All answers marked, in the order in which the values are computed."""

    marks: tuple[Mark, ...]  # one for each answer

    @property
    def is_right(self) -> bool:
        """Whether every value is right."""
        return all(mark.verdict == "right" for mark in self.marks)

    @property
    def accepted(self) -> int:
        """How many values count."""
        return sum(mark.is_accepted for mark in self.marks)

    @property
    def first_wrong(self) -> Mark | None:
        """Where it went wrong first."""
        return next((mark for mark in self.marks if not mark.is_accepted), None)

    def __str__(self) -> str:
        return "\n".join([*map(str, self.marks), f"{self.accepted} of {len(self.marks)} accepted"])

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types."""
        return {
            "accepted": self.accepted,
            "asked": len(self.marks),
            "marks": [
                {"name": mark.step.name, "given": float(mark.given), "verdict": mark.verdict, "expected": mark.expected}
                | {
                    "slips": [
                        {"slip": one.slip.name, "which": one.slip.which, "sentence": one.slip.sentence,
                         "first": one.step.name}
                        for one in mark.suspects
                    ]
                }
                for mark in self.marks
            ],
        }  # fmt: skip


def _agrees(given: float, near: Near) -> bool:
    """Whether a number given is that value, rounded."""
    value, off = near
    return abs(given - value) <= off + SLACK * abs(value) + NOISE


class _Marker:
    """Marks answers in the order of computation, and remembers what to make of those before."""

    def __init__(self, trace: Trace, answers: Mapping[Key, Value], rounding: Rounding) -> None:
        self._paper, self._answers, self._slips = Paper(trace, rounding), answers, slips_of(trace)
        self._known = {key: (float(value), self._paper.half(float(value))) for key, value in answers.items()}
        self._right: dict[Key, Near] = {}
        self._truth = self._from({})
        self._explained: list[Suspect] = []  # of values marked wrong: what else was wrong on the way to them
        self._all_right = True

    def _from(self, known: Mapping[Key, Near], *slip: Any, base: Reckoning | None = None) -> Reckoning:
        return Reckoning(self._paper.trace, self._paper.rounding, known, *slip, paper=self._paper, base=base)

    def marks(self) -> Iterator[Mark]:
        """All marks."""
        for key in sorted(self._answers, key=self._paper.order.__getitem__):
            yield self._mark(key)

    def _mark(self, key: Key) -> Mark:
        paper, given = self._paper, float(self._answers[key])
        own = self._from(self._known)
        sure = own if self._all_right else self._from(self._right)
        suspects: tuple[Suspect, ...] = ()
        if _agrees(given, sure.near(key)) or self._is_exact(key, given):
            verdict = "right"
            self._settle(key, sure)
            self._right[key] = self._known[key]
        elif _agrees(given, own.near(key)):
            verdict = "follows"
            self._settle(key, own)
        elif any(self._is_by(one.slip, one.places, key, given, own) for one in self._explained):
            verdict = "follows"
        else:
            verdict = "wrong"
            suspects = tuple(self._suspects(key, given, own))
            self._explained += suspects
        self._all_right = self._all_right and verdict == "right"
        expected = own.value(key)
        expected = float(paper.rounding(expected)) if math.isfinite(expected) else expected
        return Mark(paper.trace[key], self._answers[key], verdict, expected, paper.rounding, suspects)

    def _is_exact(self, key: Key, given: float) -> bool:
        """Whether it is what comes out if nothing is rounded on the way."""
        value = self._truth.value(key)
        return _agrees(given, (value, self._paper.half(value)))

    def _settle(self, key: Key, by: Reckoning) -> None:
        """The number behind a written one lies near both: the one that was written and the one that it comes to."""
        given, half = self._known[key]
        self._known[key] = given, min(half, abs(given - by.value(key)) + by.off(key))

    def _suspects(self, key: Key, given: float, own: Reckoning) -> Iterator[Suspect]:
        """The slips that lead to the number given, made wherever they can be, in one layer, or once."""
        order = self._paper.order.__getitem__
        for slip in self._slips:
            everywhere = self._from(self._known, slip)
            everywhere.value(key)
            for places in _choices(sorted(everywhere.tried, key=order)):
                slipped = self._is_by(slip, places, key, given, own)
                if slipped:
                    yield Suspect(slip, self._paper.trace[min(slipped, key=order)], slipped)
                    break

    def _is_by(self, slip: Slip, places: frozenset[Key], key: Key, given: float, own: Reckoning) -> frozenset[Key]:
        """Where a slip made in these places makes a difference, if it leads to the number given; else nothing."""
        with_slip = self._from(self._known, slip, places, base=own)
        value = with_slip.value(key)
        # Whether rounding may be all that lies between the two is found out much faster than how far it goes.
        near_by = FAR * max(abs(given), abs(value)) + 100.0 * self._paper.half(own.value(key))
        is_by = abs(given - value) <= near_by and _agrees(given, with_slip.near(key))
        return frozenset(with_slip.slipped if is_by else ())


def _choices(places: Sequence[Key]) -> Iterator[frozenset[Key]]:
    """All of these places, those of each layer, and each alone."""
    layers: dict[Any, list[Key]] = {}
    for key in places:
        layers.setdefault((key[2:3] if isinstance(key[0], int) else key[1:2]), []).append(key)
    yield from dict.fromkeys(frozenset(keys) for keys in (places, *layers.values(), *([key] for key in places)) if keys)


def check_answers(trace: Trace, answers: Mapping[Any, Value], rounding: Rounding = FOUR_DIGITS) -> Marking:
    """Mark answers: right, consistent with an earlier mistake, or wrong, and then by which slip.

    Args:
        trace: of the exercise; with `learning_rate` if updates are asked for.
        answers: name as on the sheet, such as "delta[1][2]", or key, such as ("delta", 1, 2), to number.
        rounding: what the sheet asks for; the answers may be rounded so, at the end or at every step.

    Raises:
        InputError: an answer has a name that no value has, is no step, or is no finite number.

    >>> from thalweg.network import Network
    >>> from thalweg.tracing import trace
    >>> net = Network([1, 1], output="sigmoid", bias=False)
    >>> t = trace(net, [1.0], [2.0], [1.0])  # a = 2, z = 0.8808, ∂E/∂z = −0.2384, g′ = 0.105, δ = −0.02503
    >>> print(check_answers(t, {"g'(a[1][1])": 0.105, "delta[1][1]": -0.2384, "dE/dW[1][1,1]": -0.4768}))
    g′(a₁⁽¹⁾) = 0.105: right
    δ₁⁽¹⁾ = −0.2384: wrong; the factor g′(a) is missing, first in δ₁⁽¹⁾
    ∂E/∂W₁₁⁽¹⁾ = −0.4768: follows from an earlier value that is wrong: accepted
    2 of 3 accepted
    """
    return Marking(tuple(_Marker(trace, _by_key(trace, answers), rounding).marks()))


def _by_key(trace: Trace, answers: Mapping[Any, Value]) -> dict[Key, Value]:
    found: dict[Key, Value] = {}
    for name, value in answers.items():
        step = trace.named(name) if isinstance(name, str) else trace[name]
        if step.is_given:
            message = f"{step.name} is given in the exercise; only what is computed is checked"
            raise InputError(message)
        if step.key in found:
            message = f"there are two answers for {step.name}; give one"
            raise InputError(message)
        if not _is_finite(value):
            message = f"the answer for {step.name} must be a finite number, not {shown(value)}"
            raise InputError(message)
        found[step.key] = value
    return found


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):
        return False
