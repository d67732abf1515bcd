"""Values worked out again from what is known, by the rules or with a slip, and how far rounding may have moved each.

Plan ── how one value comes from others ── Paper ── all of them, and the sheet's rounding ── Reckoning ── the numbers
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from thalweg.arithmetic import Rounding
from thalweg.computation import RULES
from thalweg.conventions import Key
from thalweg.expressions import ONE, Expression, Number, Product, Sum, Symbol
from thalweg.formulas import Formula
from thalweg.slips import Rule, Slip
from thalweg.trace_rules import GIVEN, SHARED, TOTALS, UPDATES, Writing


if TYPE_CHECKING:
    from thalweg.tracing import Trace

SLACK = 1e-9  # relative: what floats and the last digit of the student's calculator may add
CROSSED = 1.01  # two roundings multiplied

Near = tuple[float, float]  # a value, and how far rounding may have moved it
Part = Callable[[Sequence[float], Sequence[float]], float]  # of the operands, and of what rounding adds on the way


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

    def branch(
        self, text: Formula, given: Mapping[str, Any], constants: Mapping[str, float], unit: tuple[Any, ...] = ()
    ) -> Expression:
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
        self.trace: Trace = trace
        self.rounding: Rounding = rounding
        self.order: dict[Key, int] = {key: place for place, key in enumerate(trace.keys())}
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
