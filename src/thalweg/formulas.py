"""The texts of activations and losses as formulas: with `if … else …` where they are made of pieces.

"a if a > 0 else slope*a" has two branches; the numbers choose one, and only that one is computed and printed. On arrays
all are computed, and each element takes its own.

formula    = sum { "if" comparison "else" sum }        (sum as in `parsing`)
comparison = sum ( "<" | "<=" | ">" | ">=" ) sum
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

import numpy as np

from thalweg.arithmetic import Value, evaluate
from thalweg.closures import on_arrays
from thalweg.errors import InputError
from thalweg.expressions import Expression
from thalweg.parsing import MAX_LENGTH, parse, refuse


SIGNS = {"≤": "<=", "≥": ">="}
MARK = re.compile(r"[()]|\b(?:if|else)\b|[<>]=?|[≤≥]|[=!]=")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """When a branch holds: left sign right."""

    left: Expression
    sign: str
    right: Expression

    def __call__(self, given: Mapping[Expression, Value]) -> bool:
        """Whether it holds where the symbols have these values."""
        return COMPARE[self.sign](evaluate(self.left, given), evaluate(self.right, given))

    def __str__(self) -> str:
        return f"{self.left.unicode} {self.sign.replace('<=', '≤').replace('>=', '≥')} {self.right.unicode}"


@dataclass(frozen=True)
class Formula:
    """Branches with their conditions, tried in order; the last has none.

    >>> from thalweg.expressions import Symbol
    >>> relu = formula("a if a > 0 else 0")
    >>> relu.at({Symbol("a"): 3.0}), relu.at({Symbol("a"): -3.0}), print(relu)
    a if a > 0, else 0
    (parse('a'), parse('0'), None)
    """

    branches: tuple[tuple[Expression, Condition | None], ...]

    def at(self, given: Mapping[Expression, Value]) -> Expression:
        """The branch that holds there."""
        return next(body for body, condition in self.branches if condition is None or condition(given))

    @property
    def text(self) -> str:
        """As it may be typed: `formula` makes the same of it.

        >>> formula("a if a>0 else 2*a/2").text
        'a if a > 0 else a'
        """
        return " else ".join(
            str(body) + (f" if {condition.left} {condition.sign} {condition.right}" if condition else "")
            for body, condition in self.branches
        )

    @property
    def parts(self) -> tuple[Expression, ...]:
        """All expressions in it: bodies, and what is compared."""
        conditions = [condition for _, condition in self.branches if condition]
        compared = [side for condition in conditions for side in (condition.left, condition.right)]
        return (*(body for body, _ in self.branches), *compared)

    @property
    def symbols(self) -> frozenset[str]:
        """The names of its variables and constants."""
        return frozenset().union(*[part.symbols for part in self.parts])

    def derivative(self, variable: str) -> Formula:
        """The derivative, branch by branch; where two meet it is that of the branch which holds there.

        Raises:
            InputError: it would be too large.

        >>> print(formula("a**2 if a > 0 else 0").derivative("a"))
        2·a if a > 0, else 0
        """
        return Formula(tuple((body.derivative(variable), condition) for body, condition in self.branches))

    def with_numbers(self, given: Mapping[str, float]) -> Formula:
        """The same with numbers in the place of these names."""

        def filled(condition: Condition | None) -> Condition | None:
            if condition is None:
                return None
            left, right = condition.left.with_numbers(given), condition.right.with_numbers(given)
            return Condition(left, condition.sign, right)

        return Formula(tuple((body.with_numbers(given), filled(condition)) for body, condition in self.branches))

    def on_arrays(self, variables: Sequence[str]) -> Callable[..., np.ndarray]:
        """A function from arrays of one shape and dtype, in this order, to the values: nan where there is none.

        Raises:
            Undefined: a part without variables has no value.

        >>> formula("sqrt(a) if a > 0 else -1").on_arrays(["a"])(np.array([4.0, -4.0], dtype=np.float32))
        array([ 2., -1.], dtype=float32)
        """
        evaluated = on_arrays(self.parts, variables)
        bodies, signs = len(self.branches), [condition.sign for _, condition in self.branches if condition]

        def values(*arrays: np.ndarray) -> np.ndarray:
            found = evaluated(*arrays)
            chosen = found[bodies - 1]
            for place in range(bodies - 2, -1, -1):
                holds = COMPARE[signs[place]](found[bodies + 2 * place], found[bodies + 2 * place + 1])
                chosen = np.where(holds, found[place], chosen)
            out = np.empty_like(arrays[0])
            with np.errstate(all="ignore"):
                out[...] = chosen
            return out

        return values

    @property
    def by_target(self) -> bool:
        """Whether the target alone chooses the branch: one is the whole formula then, the others short for it."""
        return all(
            condition is None or condition.left.symbols | condition.right.symbols <= {"y"}
            for _, condition in self.branches
        )

    @property
    def fullest(self) -> Expression:
        """The longest branch."""
        return max((body for body, _ in self.branches), key=lambda body: body.size)

    def __str__(self) -> str:
        return ", else ".join(
            body.unicode + (f" if {condition}" if condition else "") for body, condition in self.branches
        )


def formula(text: str) -> Formula:
    """The formula that a text says.

    Raises:
        InputError: it says none; the message has the place.
    """
    if not isinstance(text, str):
        message = f'a formula is text such as "a if a > 0 else 0", not {type(text).__name__}'
        raise InputError(message)
    if len(text) > MAX_LENGTH:
        refuse(text, MAX_LENGTH, f"a formula has at most {MAX_LENGTH:,} characters, and this one {len(text):,}")
    return _read(text)


@lru_cache(maxsize=256)
def _read(text: str) -> Formula:
    marks = _marks(text)
    if not marks:
        return Formula(((parse(text), None),))
    branches: list[tuple[Expression, Condition | None]] = []
    begin = 0
    while marks:
        found = [word for word, _, _ in marks[:3]]
        if found[0] != "if" or len(found) < 3 or found[1] not in COMPARE or found[2] != "else":
            _refuse_order(text, marks)
        (_, at, after_if), (sign, at_sign, after_sign), (_, at_else, after_else) = marks[:3]
        condition = Condition(parse(text[after_if:at_sign]), sign, parse(text[after_sign:at_else]))
        branches.append((parse(text[begin:at]), condition))
        begin, marks = after_else, marks[3:]
    return Formula((*branches, (parse(text[begin:]), None)))


def _marks(text: str) -> list[tuple[str, int, int]]:
    """Each if, else and comparison: what it is, where it begins and ends."""
    marks, depth = [], 0
    for match in MARK.finditer(text):
        found = match.group()
        if found in "()":
            depth += 1 if found == "(" else -1
        elif found in ("==", "!="):
            refuse(text, match.start(), "a formula compares with <, <=, > or >= only")
        elif depth > 0:
            refuse(text, match.start(), f"{found} stands in brackets: a formula compares, and has if and else, outside")
        else:
            marks.append((SIGNS.get(found, found), match.start(), match.end()))
    return marks


def _refuse_order(text: str, marks: Sequence[tuple[str, int, int]]) -> NoReturn:
    """Of marks that do not begin with if, a comparison and else, say what is missing where."""
    words = [word for word, _, _ in marks[:3]]
    if words[0] == "else":
        refuse(text, marks[0][1], "this else has no if: write such as a if a > 0 else 0")
    if words[0] != "if":
        refuse(text, marks[0][1], "a comparison follows an if: write such as a if a > 0 else 0")
    if len(words) < 2 or words[1] not in COMPARE:
        refuse(text, marks[0][1], "after this if a comparison is missing: write such as a if a > 0 else 0")
    if len(words) > 2 and words[2] in COMPARE:
        refuse(text, marks[2][1], "one comparison to an if: write 0 if a < 0 else 1 if a > 1 else a")
    refuse(text, marks[0][1], "this if has no else: every formula ends with what holds elsewhere")
