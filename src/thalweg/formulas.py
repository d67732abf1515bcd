"""The texts of activations and losses as formulas: with `if … else …` where they are made of pieces.

"a if a > 0 else slope*a" has two branches; the numbers choose one, and only that one is computed and printed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from thalweg.arithmetic import Value, evaluate
from thalweg.expressions import Expression
from thalweg.parsing import parse


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


@cache
def formula(text: str) -> Formula:
    """The formula that a row's text says."""
    branches: list[tuple[Expression, Condition | None]] = []
    *pieces, last = text.split(" else ")
    for piece in pieces:
        body, _, condition = piece.partition(" if ")
        left, sign, right = next(
            (left, sign, right)
            for sign in COMPARE
            for left, found, right in [condition.partition(f" {sign} ")]
            if found
        )
        branches.append((parse(body), Condition(parse(left), sign, parse(right))))
    return Formula((*branches, (parse(last), None)))
