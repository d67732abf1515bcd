"""Exercises as lines: every value asked for with the formula that leads to it, and those that slips follow instead.

What `answers` does for a trace, with the rules of backpropagation, is done here for any formulas that are written down
line by line, as those of a walk downhill. Answers are marked in the same way and with the same verdicts.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from thalweg.answers import Mark, Marking, Suspect
from thalweg.arithmetic import Arithmetic, Rounding, Value, evaluate
from thalweg.document import Chain, Display, Pieces
from thalweg.errors import InputError, shown
from thalweg.expressions import Expression, number
from thalweg.reckoning import SLACK, Near
from thalweg.settings import check_number
from thalweg.slips import Slip


NOISE = 1e-12  # absolute: what floats leave where terms cancel


@dataclass(frozen=True, eq=False)
class Line:
    """One value asked for: how it comes from what is given and from lines before it, and what it comes to."""

    symbol: Expression
    words: str
    formula: Expression
    numbers: Expression
    shown: Expression
    result: Value
    slips: Mapping[str, Expression]  # the sentence that is said of a slip → the formula that it follows instead
    choices: tuple[str, ...] = ()  # where the value is the number of one of these, from 1
    note: Pieces = ()

    example: ClassVar[None] = None  # a mark asks for them
    is_update: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Its symbol in plain letters, as in a table of answers."""
        return str(self.symbol)

    @property
    def is_about(self) -> bool:
        """Whether the printed result is only about what the printed numbers come to."""
        return Fraction(evaluate(self.numbers, {})) != Fraction(evaluate(self.shown, {}))

    @property
    def parts(self) -> tuple[Expression, ...]:
        """symbol = formula = with numbers = result, each once; of a choice, its number only."""
        parts = [self.symbol]
        for part in (self.shown,) if self.choices else (self.formula, self.numbers, self.shown):
            if part != parts[-1]:
                parts.append(part)
        return tuple(parts)

    @property
    def display(self) -> Display:
        """The line as a display."""
        return Display(Chain(self.parts, about=self.is_about and not self.choices), note=self.note)


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines one after the other, from what is given; each is worked out with its operands rounded as `rounding` says.

    >>> from thalweg.expressions import Symbol
    >>> x, half, twice = Symbol("x"), Symbol("h"), Symbol("t")
    >>> lines = Lines({x: Fraction(1, 3)}, Rounding(2))
    >>> lines = lines.and_line(half, "the half", x / 2, {"not halved": x}).and_line(twice, "twice that", 2 * half)
    >>> [str(line.result) for line in lines.each]
    ['17/100', '17/50']
    >>> marking = lines.check({"h": 0.33, "t": 0.66})
    >>> [mark.verdict for mark in marking.marks], marking.marks[0].suspects[0].slip.sentence
    (['wrong', 'follows'], 'not halved')
    """

    known: Mapping[Expression, Fraction]
    rounding: Rounding
    each: tuple[Line, ...] = ()

    def and_line(
        self,
        symbol: Expression,
        words: str,
        formula: Expression,
        slips: Mapping[str, Expression] | None = None,
        choices: Sequence[str] = (),
        because: Sequence[Pieces] = (),
    ) -> Lines:
        """The same with one more line; of `because`, the one for the choice is said above it.

        Raises:
            InputError: the line has no finite value.
        """
        arithmetic = Arithmetic("rounded", self.rounding)
        values: dict[Expression, Value] = {**self.known, **{line.symbol: line.result for line in self.each}}
        printed = {part: number(value, decimal=True) for part, value in self.known.items()}
        numbers = formula.with_numbers({**printed, **{line.symbol: line.shown for line in self.each}})
        result = arithmetic.settle(evaluate(formula, values), words)
        note = because[int(result) - 1] if because else ()
        one = Line(symbol, words, formula, numbers, arithmetic.shown(result), result, slips or {}, tuple(choices), note)
        return Lines(self.known, self.rounding, (*self.each, one))

    def near(self, line: Line) -> Near:
        """The right value of a line, and how far rounding on the way may have moved it."""
        return _Reckoning(self, {}).near(line.symbol)

    def check(self, answers: Mapping[str, Value]) -> Marking:
        """Mark answers: right, consistent with an earlier mistake, or wrong, and then by which slip.

        Args:
            answers: name in plain letters, or symbol as it is printed, to number.

        Raises:
            InputError: an answer has a name that no line has, or is no finite number.
        """
        given = self._by_symbol(answers)
        known = {symbol: (float(value), self.half_unit(float(value))) for symbol, value in given.items()}
        right: dict[Expression, Near] = {}
        marks = []
        for line in [line for line in self.each if line.symbol in given]:
            value = float(given[line.symbol])
            others = {symbol: near for symbol, near in known.items() if symbol != line.symbol}
            own, sure, truth = (_Reckoning(self, start).near(line.symbol) for start in (others, right, {}))
            suspects: tuple[Suspect, ...] = ()
            if _agrees(value, sure) or _agrees(value, (truth[0], self.half_unit(truth[0]))):
                verdict = "right"
                right[line.symbol] = known[line.symbol]
            elif _agrees(value, own):
                verdict = "follows"
            else:
                verdict, suspects = "wrong", tuple(self._suspects(line, value, others))
            asked: Any = line  # what is read of a step in a mark, a line has too
            expected = float(self.rounding(own[0]))
            marks.append(Mark(asked, given[line.symbol], verdict, expected, self.rounding, suspects))
        return Marking(tuple(marks))

    def _suspects(self, line: Line, value: float, others: Mapping[Expression, Near]) -> Iterator[Suspect]:
        """The slips that lead to this value, made wherever they can be or once; from own values, or from true ones."""
        for sentence in dict.fromkeys(sentence for line in self.each for sentence in line.slips):
            found = next(filter(None, (self._first(line, value, known, sentence) for known in (others, {}))), None)
            if found is not None:
                asked: Any = found
                yield Suspect(Slip(sentence, name=sentence), asked)

    def _first(self, line: Line, value: float, known: Mapping[Expression, Near], sentence: str) -> Line | None:
        """Where the slip was made first, if it gives this value; None if it does not."""
        everywhere = _Reckoning(self, known, sentence)
        near = everywhere.near(line.symbol)
        places = sorted(everywhere.slipped, key=self.each.index)
        if places and _agrees(value, near):
            return places[0]
        once = (place for place in places if len(places) > 1)
        return next(
            (place for place in once if _agrees(value, _Reckoning(self, known, sentence, place).near(line.symbol))),
            None,
        )

    def _by_symbol(self, answers: Mapping[str, Value]) -> dict[Expression, Value]:
        names = {name: line.symbol for line in self.each for name in (line.symbol.unicode, line.name)}
        found = {}
        for name, value in answers.items():
            symbol = names.get("".join(name.split()))
            if symbol is None:
                close = difflib.get_close_matches(name, names, n=3) or [line.name for line in self.each[:3]]
                message = f"there is no value {shown(name)} here; values have names such as {', '.join(close)}"
                raise InputError(message)
            check_number(value, lambda _: True, f"the answer for {name}", "a finite number")
            found[symbol] = value
        return found

    def lost(self, value: float, *, is_exact: bool) -> float:
        """How far rounding may move a value: one that is known exactly as far as it does, another by half a digit."""
        moved = abs(float(self.rounding(value)) - value) if is_exact else self.half_unit(value)
        return moved if moved > SLACK * abs(value) + NOISE else 0.0

    def half_unit(self, value: float) -> float:
        """Half of one of the last digit that is printed of a value of this size."""
        return float(self.rounding.unit(value)) / 2.0


def _agrees(given: float, near: Near) -> bool:
    value, margin = near
    return abs(given - value) <= margin + SLACK * abs(value) + NOISE


class _Reckoning:
    """Values with their margins, from what is known; with a slip, wherever it can be made or in one line only."""

    def __init__(
        self, lines: Lines, known: Mapping[Expression, Near], slip: str = "", place: Line | None = None
    ) -> None:
        self._lines = {line.symbol: line for line in lines.each}
        self._lost, self._slip, self._place = lines.lost, slip, place
        self._found: dict[Expression, Near] = {symbol: (float(value), 0.0) for symbol, value in lines.known.items()}
        self._found.update(known)
        self.slipped: list[Line] = []

    def near(self, symbol: Expression) -> Near:
        """The value of a symbol, and how far rounding may have moved it."""
        if symbol not in self._found:
            self._found[symbol] = self._work_out(self._lines[symbol])
        return self._found[symbol]

    def _work_out(self, line: Line) -> Near:
        formula = line.formula
        if self._slip in line.slips and self._place in (None, line):
            formula = line.slips[self._slip]
            self.slipped.append(line)
        near = {symbol: self.near(symbol) for symbol in self._operands(formula)}
        given: dict[Expression, Value] = {symbol: value for symbol, (value, _) in near.items()}
        value = float(evaluate(formula, given))
        edges = [[(symbol, here - off), (symbol, here + off)] for symbol, (here, off) in near.items() if off]
        corners = [float(evaluate(formula, {**given, **dict(corner)})) for corner in itertools.product(*edges)]
        off = max(abs(corner - value) for corner in corners)
        return value, off + self._lost(value, is_exact=not edges)

    def _operands(self, formula: Expression) -> list[Expression]:
        found: dict[Expression, None] = {}
        todo = [formula]
        while todo:
            part = todo.pop()
            if part in self._lines or part in self._found:
                found[part] = None
            else:
                todo += part.operands
        return list(found)
