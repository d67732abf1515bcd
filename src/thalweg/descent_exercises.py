"""Exercises in gradient descent: a function, and what is to be worked out by hand. One row each in `DESCENT_EXERCISES`.

They are asked, solved and marked as those of backpropagation are. The same row, seed, variant and version give the
same sheet for ever. Numbers are drawn until the walk stays within reach, no slope vanishes, and each known slip gives
another number than the right way and than the other slips.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from thalweg import randomness
from thalweg.answers import Marking
from thalweg.arithmetic import Rounding, Value, evaluate, exactly
from thalweg.descent_lines import (
    CASE,
    CASES,
    FACTOR,
    MOMENTUM,
    RATE,
    RATE_FORGOTTEN,
    F,
    X,
    Y,
    convergence,
    convergence_2d,
    walk,
    walk_2d,
)
from thalweg.document import Block, Chain, Display, Heading, Items, Piece
from thalweg.equations import Applied, Partial
from thalweg.errors import InputError
from thalweg.expressions import Expression, Symbol, number
from thalweg.parsing import parse
from thalweg.reckoning import Near
from thalweg.settings import check_choice, check_number
from thalweg.trace_rules import plus, times, times_minus
from thalweg.worked_lines import Line, Lines


VERSION = 1  # of the numbers: a change that alters a sheet needs another one
TRIES = 400
LEAST_SLOPE, LARGEST = Fraction(1, 20), 20
CLEAR = Fraction(1, 10)  # how far the factor of a step stays from where the walk changes its kind
FARTHEST = 3  # the factor of a walk that diverges, at most
STARTS = tuple(Fraction(n, 2) for n in (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6))
RATES = tuple(Fraction(n, 20) for n in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20))
MOMENTA = (Fraction(1, 2), Fraction(9, 10))
SHAPES = ("x**2 + {b}*x", "2*x**2 + {b}*x", "x**2/2 + {b}*x", "x**4/4 + {b}*x", "x**4/4 - x**2 + {b}*x")
BOWLS = ("x**2/2 + {b}*x", "x**2 + {b}*x", "3*x**2/2 + {b}*x", "2*x**2 + {b}*x", "5*x**2/2 + {b}*x", "4*x**2 + {b}*x")
GIVEN = {"x": "start", "y": "start", "v": "velocity at the start", "e": "learning rate", "m": "momentum"}
SLOPES = (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)


class _Draw:
    """Numbers of one try, one after the other."""

    def __init__(self, seed: int, variant: int, attempt: int) -> None:
        self._numbers: Iterator[float] = iter(
            randomness.uniform(seed, "exercise", 16, epoch=variant, step=attempt).tolist()
        )

    def one_of(self, choices: Any) -> Any:
        """One of these."""
        return choices[int(next(self._numbers) * len(choices))]


@dataclass(frozen=True)
class DescentKind:
    """One kind of exercise: its function, how its lines are laid out, and what is given besides f and η."""

    title: str
    question: tuple[Piece, ...]
    function: Callable[[_Draw], str]
    lines: Callable[[Expression, Lines], Lines]
    start: tuple[str, ...] = ()  # the variables that have one
    momentum: bool = False


@dataclass(frozen=True, eq=False)
class DescentExercise:
    """One exercise in gradient descent: f, and the lines that solve it from what is given besides."""

    name: str  # a key of DESCENT_EXERCISES
    seed: int  # from which its numbers are drawn
    variant: int  # which of the exercises of this seed, from 1
    f: Expression  # the function to walk on
    lines: Lines  # the solution, line by line
    options: Mapping[str, Any]  # the arguments that were given, besides

    @property
    def title(self) -> str:
        """What it is about."""
        return DESCENT_EXERCISES[self.name].title

    @property
    def label(self) -> str:
        """What makes the same sheet again."""
        options = [f"{name.replace('_', ' ')} {value}" for name, value in self.options.items()]
        return ", ".join((self.name, *options, f"seed {self.seed}", f"variant {self.variant}", f"version {VERSION}"))

    @property
    def rounding(self) -> Rounding:
        """What answers are rounded to."""
        return self.lines.rounding

    @property
    def steps(self) -> tuple[Line, ...]:
        """The values asked for, in the order in which they are computed."""
        return self.lines.each

    @property
    def solution(self) -> dict[str, Value]:
        """The right values by name, rounded as the sheet says."""
        return {line.name: line.result for line in self.steps}

    @property
    def given(self) -> tuple[Block, ...]:
        """The function and the numbers to begin with."""
        items: dict[str, tuple[Piece, ...]] = {}
        for symbol, value in self.lines.known.items():
            words = GIVEN[str(symbol)[0]]
            head = (*items[words], ", ") if words in items else (f"{words}: ",)
            items[words] = (*head, Chain((symbol, number(value, decimal=True))))
        return (
            Heading("Given"),
            Display(Chain((F if self._is_plane else Applied("f", X), self.f))),
            Items(tuple(items.values())),
        )

    @property
    def _is_plane(self) -> bool:
        return "y" in self.f.symbols

    @property
    def question(self) -> tuple[Piece, ...]:
        """What is asked, in words."""
        return DESCENT_EXERCISES[self.name].question

    @property
    def work(self) -> tuple[Block, ...]:
        """The derivatives of f, then every line with its formula and its numbers."""
        slopes = [
            Display(Chain((Partial(F, x) if self._is_plane else Applied("f", X, primes=1), self.f.derivative(x.name))))
            for x in ((X, Y) if self._is_plane else (X,))
        ]
        lines = [line.display for line in self.steps]
        if not DESCENT_EXERCISES[self.name].start:  # of a walk the symbols say what they are
            lines = [
                dataclasses.replace(display, note=display.note or f"{line.words[0].upper()}{line.words[1:]}:")
                for display, line in zip(lines, self.steps, strict=True)
            ]
        return Heading("Derivatives"), *slopes, Heading("Step by step"), *lines

    def near(self, line: Line) -> Near:
        """The right value of a line, and how far rounding on the way may have moved it."""
        return self.lines.near(line)

    def check(self, answers: Mapping[str, Value]) -> Marking:
        """Mark answers: right, consistent with an earlier mistake, or wrong, and then by which slip.

        Args:
            answers: name as in `solution`, or symbol as it is printed, to number.

        Raises:
            InputError: an answer has a name that no value of the exercise has, or is no finite number.

        >>> one = descent_exercise("momentum", seed=7)
        >>> one.check(one.solution).is_right
        True
        """
        return self.lines.check(answers)


def descent_exercise(
    name: str = "descent-1d",
    *,
    seed: int = 0,
    variant: int = 1,
    rounding: Rounding | None = None,
    learning_rate: Fraction | float | None = None,
) -> DescentExercise:
    """An exercise of this name (see `DESCENT_EXERCISES`); the same arguments give the same one for ever.

    Args:
        name: descent-1d, descent-2d, momentum, convergence or convergence-2d.
        seed: of the numbers.
        variant: from 1; each has other numbers.
        rounding: what every result is rounded to; 4 significant digits without.
        learning_rate: η; drawn without.

    Raises:
        InputError: there is no such exercise, or no good numbers were found.

    >>> one = descent_exercise("descent-1d", seed=7)
    >>> [line.name for line in one.steps]
    ["f'(x[0])", 'x[1]', "f'(x[1])", 'x[2]', "f'(x[2])", 'x[3]']
    """
    row = DESCENT_EXERCISES[check_choice(name, tuple(DESCENT_EXERCISES), "the exercise")]
    check_number(variant, lambda n: n >= 1 and n == int(n), "variant", "a whole number from 1")
    if learning_rate is not None:
        check_number(learning_rate, lambda rate: rate > 0, "learning_rate", "a number > 0")
    given = {"rounding": rounding, "learning_rate": learning_rate}
    options = {option: value for option, value in given.items() if value is not None}
    for attempt in range(TRIES):
        drawn = _Draw(seed, int(variant), attempt)
        f = parse(row.function(drawn))
        known: dict[Expression, Fraction] = {Symbol(x, (0,)): drawn.one_of(STARTS) for x in row.start}
        rate, momentum, case = (drawn.one_of(choices) for choices in (RATES, MOMENTA, CASES))
        known[RATE] = rate if learning_rate is None else exactly(learning_rate)
        if row.momentum:
            known |= {MOMENTUM: momentum, Symbol("v", (0,)): Fraction(0)}
        lines = row.lines(f, Lines(known, rounding or Rounding(4)))
        if _is_good(lines, "" if learning_rate is not None else case):
            return DescentExercise(name, seed, int(variant), f, lines, options)
    message = f"no good numbers were found for {name} in {TRIES:,} tries; choose another learning rate, or more digits"
    raise InputError(message)


def _is_good(lines: Lines, case: str) -> bool:
    """Whether it can be done by hand, shows something, and tells one slip from another."""
    values = {line.symbol: line.result for line in lines.each}
    if max(abs(value) for value in values.values()) > LARGEST:
        return False
    if CASE in values:
        q = values[FACTOR]
        is_clear = min(abs(q - limit) for limit in (1, 0, -1)) >= CLEAR and q >= -FARTHEST
        if not is_clear or (case and CASES[int(values[CASE]) - 1] != case):
            return False
    slopes = [line.result for line in lines.each if isinstance(line.symbol, Applied | Partial)]
    return all(abs(slope) >= LEAST_SLOPE for slope in slopes) and all(_is_told(line, lines) for line in lines.each)


def _is_told(line: Line, lines: Lines) -> bool:
    """Whether every slip in a line gives another number than the right way and than the others."""
    given = {**lines.known, **{one.symbol: one.result for one in lines.each}}
    slips = [way for slip, way in line.slips.items() if slip != RATE_FORGOTTEN or lines.known[RATE] != 1]
    ways = [float(evaluate(formula, given)) for formula in (line.formula, *slips)]
    apart = 4 * lines.half_unit(float(line.result))
    return all(abs(one - other) >= apart for one, other in itertools.combinations(ways, 2))


def _of_shape(shapes: tuple[str, ...]) -> Callable[[_Draw], str]:
    return lambda drawn: drawn.one_of(shapes).format(b=drawn.one_of(SLOPES))


def _bowl_2d(drawn: _Draw) -> str:
    """a x² + b y² + c x y, which bends upwards in every direction."""
    a, b = drawn.one_of((1, 2, 3, 4)), drawn.one_of((1, 2, 3, 4))
    c = drawn.one_of([c for c in range(-5, 6) if c and c * c < 3 * a * b])
    return f"{a}*x**2 + {b}*y**2 + {c}*x*y"


_V, _SLOPE = Symbol("v"), Applied("f", X, primes=1)
_VELOCITY = Chain((_V, plus(times(MOMENTUM, _V), times_minus(times(RATE, _SLOPE)))), becomes=True)

DESCENT_EXERCISES: dict[str, DescentKind] = {
    "descent-1d": DescentKind(
        "Three steps of gradient descent", ("Take three steps of gradient descent on ", F, "."),
        _of_shape(SHAPES), walk, ("x",),
    ),
    "descent-2d": DescentKind(
        "Two steps of gradient descent in the plane", ("Take two steps of gradient descent on ", F, "."),
        _bowl_2d, walk_2d, ("x", "y"),
    ),
    "momentum": DescentKind(
        "Three steps of gradient descent with momentum",
        ("Take three steps of gradient descent with momentum on ", F, ". In each the velocity becomes ", _VELOCITY,
         ", and ", X, " moves by it."),
        _of_shape(SHAPES), walk, ("x",), momentum=True,
    ),
    "convergence": DescentKind(
        "For which learning rates does gradient descent converge?",
        ("Gradient descent walks on ", F, " with a constant learning rate. Below which bound does it converge from "
         "every start, which rate is the fastest, and how does the walk with the rate given above go?"),
        _of_shape(BOWLS), convergence,
    ),
    "convergence-2d": DescentKind(
        "For which learning rates does gradient descent in the plane converge?",
        ("Gradient descent walks on ", F, " with a constant learning rate. Below which bound does it converge from "
         "every start, which single rate is the fastest, and how does the walk with the rate given above go?"),
        _bowl_2d, convergence_2d,
    ),
}  # fmt: skip
