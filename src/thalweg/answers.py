"""Answers to an exercise, checked value by value, and what went wrong where one is wrong.

Every value is worked out again from the student's own values before it, so that one mistake is counted once. A wrong
one is compared with what each known slip would have given (`slips`), made at this value or on the way to it. Whoever
rounds every value as the sheet says, and whoever carries all digits along, is right: with each value goes how far
rounding on the way may have moved it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thalweg.arithmetic import Rounding, Value
from thalweg.computation import RULES
from thalweg.conventions import Key
from thalweg.errors import InputError, shown
from thalweg.expressions import ONE, Expression, Number, Product, Sum, Symbol
from thalweg.formulas import Formula
from thalweg.slips import Rule, Slip, slips_of
from thalweg.trace_rules import GIVEN, SHARED, TOTALS, UPDATES, Writing


if TYPE_CHECKING:
    from thalweg.tracing import Step, Trace

FOUR_DIGITS = Rounding(4)
SLACK = 1e-9  # relative: what floats and the last digit of the student's calculator may add
NOISE = 1e-14  # absolute: what floats leave where terms cancel
CROSSED = 1.01  # two roundings multiplied
VERDICTS = {
    "right": "right",
    "follows": "follows from an earlier value that is wrong: accepted",
    "wrong": "wrong",
}
FAR = 0.5  # relative: rounding does not move a value as far as this
CLOSE = 0.01  # relative: nearer than this it is rather the rounding than the way

Near = tuple[float, float]  # a value, and how far rounding may have moved it
Part = Callable[[Sequence[float], Sequence[float]], float]  # of the operands, and of what rounding adds on the way


@dataclass(frozen=True)
class Suspect:
    """A slip that gives the student's number, the first value in which it was made, and all of them on the way."""

    slip: Slip
    step: Step
    places: frozenset[Key] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class Mark:
    """One answer: the value asked for, the number given, the verdict, and for a wrong one the slips that explain it."""

    step: Step
    given: Value
    verdict: str  # right, follows or wrong
    expected: float  # from the student's own earlier values, rounded as the sheet says
    rounding: Rounding
    suspects: tuple[Suspect, ...] = ()

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

    marks: tuple[Mark, ...]

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


class Plan(Writing):
    """How one value comes from others, by the rule or by a slip: written once, worked out from any numbers.

    Branches are chosen when there are numbers, and each operand has a place of its own.
    """

    def __init__(self, trace: Trace, key: Key, rule: Rule) -> None:
        example, (kind, *place) = (key[0], key[1:]) if isinstance(key[0], int) else (None, key)
        super().__init__(trace, example, trace.value, None)
        self.keys: list[Key] = []  # of the operands
        self.inner: list[tuple[Part, list[Part]]] = []  # what is computed on the way; of sums their terms too
        self._parts: dict[Expression, Part] = {}
        self._whole = self._part(rule(self, *place)[-1], self._parts, is_whole=True)

    def __call__(self, kind: str, *place: Any, example: int | None = None) -> Expression:
        """A symbol for the operand."""
        one = self.example if example is None else example
        key = (kind, *place) if one is None or kind in SHARED else (one, kind, *place)
        if key not in self.keys:
            self.keys.append(key)
        n = self.keys.index(key)
        return self._symbol("operand", n, lambda numbers, added: numbers[n])

    def branch(self, text: Formula, given: Mapping[str, Any], constants: Mapping[str, float]) -> Expression:
        """A symbol for whichever branch the numbers will choose."""
        parts: dict[Expression, Part] = {Symbol(name): self._parts[self(*key)] for name, key in given.items()}
        parts |= {Symbol(name): _constant(value) for name, value in constants.items()}
        bodies = {body: self._part(body, parts, is_whole=True) for body, _ in text.branches}

        def part(numbers: Sequence[float], added: Sequence[float]) -> float:
            return bodies[text.at({one: inner(numbers, added) for one, inner in parts.items()})](numbers, added)

        return self._symbol("branch", len(self._parts), part if len(bodies) > 1 else next(iter(bodies.values())))

    def _symbol(self, name: str, n: int, part: Part) -> Expression:
        symbol = Symbol(name, (n,))
        self._parts.setdefault(symbol, part)
        return symbol

    def _part(self, node: Expression, parts: Mapping[Expression, Part], *, is_whole: bool = False) -> Part:
        if node in parts:
            return parts[node]
        if not node.operands:
            return _constant(node._leaf({}))
        if isinstance(node, Product) and len(node.over) > 2:  # on paper two factors at a time
            node = Product(node.coefficient, (Product(ONE, node.over[:-1]), node.over[-1]), node.under)
        below = [self._part(operand, parts) for operand in node.operands]

        scalar = _product(node) if isinstance(node, Product) else node._scalar

        def part(numbers: Sequence[float], added: Sequence[float]) -> float:
            try:
                return scalar(*[one(numbers, added) for one in below])
            except OverflowError:
                return math.inf

        if is_whole or _keeps_digits(node):
            return part
        n = len(self.inner)
        self.inner.append((part, below if isinstance(node, Sum) else []))
        return lambda numbers, added: part(numbers, added) + added[n]

    def at(self, numbers: Sequence[float], added: Sequence[float] | None = None) -> float:
        """The value from those of the operands; nan where there is none."""
        return _number(self._whole, numbers, added or [0.0] * len(self.inner))

    def off(self, numbers: Sequence[float], offs: Sequence[float], paper: Paper) -> float:
        """How far rounding the operands, and each result on the way, may move the value."""
        none, total = [0.0] * len(self.inner), 0.0
        middle = self.at(numbers)
        for n, off in enumerate(offs):
            moved = ([*numbers[:n], numbers[n] + side * off, *numbers[n + 1 :]] for side in (-1.0, 1.0) if off)
            total += max((abs(self.at(other) - middle) for other in moved), default=0.0)
        is_exact = not any(offs)
        for n, (part, terms) in enumerate(self.inner):
            value = _number(part, numbers, none)
            off = paper.lost(value, is_exact=is_exact)
            if terms and off <= min(paper.half(_number(term, numbers, none)) for term in terms):
                continue  # numbers of so many digits add up without a new rounding
            total += abs(self.at(numbers, [*none[:n], off, *none[n + 1 :]]) - middle)
        return CROSSED * total


def _keeps_digits(node: Expression) -> bool:
    """Whether it is written with the digits of its operand, as −z and 1 − z are."""
    if isinstance(node, Product):
        return abs(node.coefficient.value) == 1 and len(node.operands) == 1 and not node.under
    return isinstance(node, Sum) and any(isinstance(term, Number) for term in node.terms)


def _product(node: Product) -> Callable[..., float]:
    """Its value from those of its parts, three times as fast as it has it itself."""
    (top, bottom), n = node.outer, len(node.over)
    coefficient = top / bottom
    if node.under:
        return lambda *parts: coefficient * math.prod(parts[:n]) / math.prod(parts[n:])
    return lambda *parts: coefficient * math.prod(parts)


def _number(part: Part, numbers: Sequence[float], added: Sequence[float]) -> float:
    try:
        return part(numbers, added)
    except (ArithmeticError, ValueError):
        return math.nan


def _constant(value: float) -> Part:
    return lambda numbers, added: value


class Paper:
    """What a trace gives and how its values come from each other, each found out once; and the sheet's rounding."""

    def __init__(self, trace: Trace, rounding: Rounding) -> None:
        self.trace, self.rounding = trace, rounding
        self.order = {key: place for place, key in enumerate(trace.keys())}
        self._given: dict[Key, Near] = {}
        self._plans: dict[Key, Plan] = {}
        self._slipped: dict[tuple[Slip, Key], Plan | None] = {}

    def half(self, size: float) -> float:
        """Half of the last digit of a value of this size."""
        digits = self.rounding.digits
        if self.rounding.decimals:
            return 0.5 * 10.0**-digits
        return 0.5 * 10.0 ** (math.floor(math.log10(abs(size))) - digits + 1) if size and math.isfinite(size) else 0.0

    def lost(self, value: float, *, is_exact: bool) -> float:
        """How far rounding may move a value: one that is known exactly as far as it does, another by half a digit."""
        if not is_exact or not math.isfinite(value):
            return self.half(value)
        moved = abs(float(self.rounding(value)) - value)
        return moved if moved > SLACK * abs(value) else 0.0

    def given(self, key: Key) -> Near:
        """An input, target or parameter, and how far it is from what is printed of it."""
        if key not in self._given:
            value = float(self.trace.typed(key))
            self._given[key] = value, self.lost(value, is_exact=True)
        return self._given[key]

    def plan(self, key: Key) -> Plan:
        """How a value comes from others, by the rule."""
        if key not in self._plans:
            rule = (TOTALS if self._is_total(key) else RULES)[_kind(key)]
            self._plans[key] = Plan(self.trace, key, rule)
        return self._plans[key]

    def slipped(self, key: Key, slip: Slip) -> Plan | None:
        """The same as the slip has it; None where it is no place for the slip."""
        if (slip, key) not in self._slipped:
            rule = (slip.totals if self._is_total(key) else slip.rules).get(_kind(key))
            self._slipped[slip, key] = rule and Plan(self.trace, key, rule)
        return self._slipped[slip, key]

    def _is_total(self, key: Key) -> bool:
        return self.trace.has_totals and not isinstance(key[0], int) and key[0] not in UPDATES


def _agrees(given: float, near: Near) -> bool:
    """Whether a number given is that value, rounded."""
    value, off = near
    return abs(given - value) <= off + SLACK * abs(value) + NOISE


def _kind(key: Key) -> str:
    return key[1] if isinstance(key[0], int) else key[0]


class Reckoning:
    """Values by the rules, or with a slip, from what is known; every step of the way is worked out once.

    With a slip in some places only, `base` has the values without it: what does not come from these places stays.
    """

    def __init__(
        self,
        trace: Trace,
        rounding: Rounding,
        known: Mapping[Key, Near],
        slip: Slip | None = None,
        places: frozenset[Key] | None = None,
        *,
        paper: Paper | None = None,
        base: Reckoning | None = None,
    ) -> None:
        self._paper = paper or Paper(trace, rounding)
        self._known, self._slip, self._places, self._base = known, slip, places, base
        self._values: dict[Key, float] = {}
        self._offs: dict[Key, float] = {}
        self._cones: dict[Key, frozenset[Key]] = {}
        self.tried: list[Key] = []  # where the slip was made
        self.slipped: list[Key] = []  # where that made a difference

    def value(self, key: Key) -> float:
        """The value by the rule, or by the slip where it is made; of the key itself also where it is known."""
        if key not in self._values:
            untouched = self._untouched(key)
            self._values[key] = untouched.value(key) if untouched else self._reckoned(key)
        return self._values[key]

    def off(self, key: Key) -> float:
        """How far rounding on the way may have moved it, before it is rounded itself."""
        if key not in self._offs:
            untouched = self._untouched(key)
            self._offs[key] = untouched.off(key) if untouched else self._uncertainty(key)
        return self._offs[key]

    def near(self, key: Key) -> Near:
        """The value and how far it may be off when it is rounded too."""
        value, off = self.value(key), self.off(key)
        return value, off + self._paper.lost(abs(value) + off, is_exact=not off)

    def cone(self, key: Key) -> frozenset[Key]:
        """What is worked out on the way to a key, itself included."""
        if key not in self._cones:
            operands = [operand for operand in self._paper.plan(key).keys if not self._is_read(operand)]
            self._cones[key] = frozenset((key,)).union(*map(self.cone, operands))
        return self._cones[key]

    def _untouched(self, key: Key) -> Reckoning | None:
        is_touched = self._base is None or self._places is None or self._places & self._base.cone(key)
        return None if is_touched else self._base

    def _reckoned(self, key: Key) -> float:
        right, wrong = self._paper.plan(key), self._wrong(key)
        value = right.at([self._operand(operand) for operand in right.keys])
        if wrong is None:
            return value
        self.tried.append(key)
        other = wrong.at([self._operand(operand) for operand in wrong.keys])
        if not abs(other - value) <= SLACK * abs(value):
            self.slipped.append(key)
        return other

    def _uncertainty(self, key: Key) -> float:
        plan = self._wrong(key) or self._paper.plan(key)
        numbers = [self._operand(operand) for operand in plan.keys]
        return plan.off(numbers, [self._operand_off(operand) for operand in plan.keys], self._paper)

    def _wrong(self, key: Key) -> Plan | None:
        """What is followed here instead of the rule."""
        if self._slip is None or (self._places is not None and key not in self._places):
            return None
        return self._paper.slipped(key, self._slip)

    def _operand(self, key: Key) -> float:
        return self._read(key)[0] if self._is_read(key) else self.value(key)

    def _operand_off(self, key: Key) -> float:
        return self._read(key)[1] if self._is_read(key) else self.near(key)[1]

    def _is_read(self, key: Key) -> bool:
        return key in self._known or _kind(key) in GIVEN

    def _read(self, key: Key) -> Near:
        return self._known[key] if key in self._known else self._paper.given(key)


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
