"""The lecture's plain criteria for a network or a decision tree, each beside what it is on this table.

They follow Mitchell, Machine Learning, 1997: section 3.3, "Appropriate problems for decision tree learning", and
section 4.3, "Appropriate problems for neural network learning". `CRITERIA` has one row for each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from thalweg.encoding import Encoder, drop_missing_targets
from thalweg.features import Category, Date, Number, TwoValues
from thalweg.learning import Recipe
from thalweg.scores import number
from thalweg.table import Kind, Table
from thalweg.tendencies import Seen


# Limits of ours. A page holds about as many rules as READABLE; times are called different from twice as long, and from
# a second on, below which nobody waits; nearly all is said by a straight line from LINEAR of the way.
READABLE, TWICE, NOTICED, LINEAR = 32, 2.0, 1.0, 0.95
WIDE, ALIKE = 64, 3.0  # columns, and how many times as wide as another such a column may range


class Measured(Protocol):
    """What is known of a contender."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def fit_seconds(self) -> float:
        """Seconds of training."""
        ...

    @property
    def million_seconds(self) -> float:
        """Seconds to answer for a million rows."""
        ...

    @property
    def count(self) -> int:
        """How large it is, in `unit`."""
        ...

    @property
    def unit(self) -> str:
        """Parameters or leaves."""
        ...


@dataclass(frozen=True)
class Criterion:
    """What the lecture would ask, and the answer."""

    name: str  # of the criterion
    lecture: str  # what it says of networks and trees
    here: str  # what is so on this table
    towards: str  # network, trees or neither


@dataclass(frozen=True, eq=False)
class Facts:
    """All that there is to answer with."""

    seen: Seen
    network: Measured
    trees: Measured
    recipe: Recipe
    linear: float | None  # of the way from the baseline to the best contender, how far a linear model goes


Answer = Callable[[Facts], tuple[str, str]]  # what is so here, and which way it points


def _kind(facts: Facts) -> tuple[str, str]:
    encoder, table = facts.seen.encoder, facts.seen.table
    kinds = {"numbers": Number, "categories": (Category, TwoValues), "dates": Date}
    counts = {what: sum(isinstance(role, form) for role in encoder.roles) for what, form in kinds.items()}
    counts["other kinds"] = len(encoder.roles) - sum(counts.values())
    columns = [table[name] for name in encoder.columns]
    gaps = sum(bool(column.missing.any()) for column in columns)
    used = {*encoder.columns, *encoder.targets}
    texts = [
        column.name
        for column in table.columns
        if column.kind is Kind.TEXT and column.name not in used and not column.missing.all()
    ]
    here = f"{len(columns):,} columns: " + ", ".join(f"{n:,} of {what}" for what, n in counts.items() if n)
    here += f"; {gaps:,} of them have missing cells" if gaps else ""
    here += f"; beside them {len(texts):,} of text, which neither takes as it is" if texts else ""
    ranges = np.ptp(facts.seen.numbers, axis=0) * (facts.seen.units / 2.0)  # halves do not overflow
    narrow, wide = np.quantile(ranges[ranges > 0], (0.25, 0.75)) if (ranges > 0).any() else (0.0, np.inf)
    if counts["numbers"] == len(columns) >= WIDE and wide <= ALIKE * narrow:
        return f"{here}, which range about as wide as each other, as pixels or counts of words do", "network"
    return here, "trees" if counts["categories"] * 2 >= len(columns) or gaps else "neither"


def _amount(facts: Facts) -> tuple[str, str]:
    rows = facts.seen.rows
    here = f"{rows:,} rows for {_counted(facts.network)} and {_counted(facts.trees)}"
    return f"{here}; on tables research found rather the opposite (see the tendency of rows)", "neither"


def _form(facts: Facts) -> tuple[str, str]:
    if facts.linear is None:
        return "not measured", "neither"
    here = f"a linear model goes {facts.linear:.0%} of the way from the baseline to the best contender"
    if facts.linear >= LINEAR:
        return f"{here}: the target is all but a weighted sum, which a tree has to build from steps", "network"
    return f"{here}; the trials of rotation and of noise tell more", "neither"


def _explanation(facts: Facts) -> tuple[str, str]:
    trees = facts.trees
    if trees.unit == "leaves" and trees.count <= READABLE:
        return f"{_counted(trees)}, which can be read as so many rules", "trees"
    return f"{_counted(trees)}, which nobody reads as rules; {_counted(facts.network)} no more", "neither"


def _time(of: Callable[[Measured], float]) -> Answer:
    def answer(facts: Facts) -> tuple[str, str]:
        ours, theirs = of(facts.network), of(facts.trees)
        here = f"{facts.network.name} {number(ours, 2)} s, {facts.trees.name} {number(theirs, 2)} s"
        if max(ours, theirs) < NOTICED:
            return f"{here}: neither is waited for", "neither"
        if max(ours, theirs) < TWICE * min(ours, theirs):
            return f"{here}: about the same", "neither"
        return here, "trees" if ours > theirs else "network"

    return answer


def _choices(facts: Facts) -> tuple[str, str]:
    layers = " and ".join(str(units) for units in facts.recipe.hidden) or "no"
    here = f"layers of {layers} units, {facts.recipe.epochs} epochs at most and the rest of the recipe of `fit`"
    return f"{here}, none of them searched for; {facts.trees.name} with settings of its own, not searched for", "trees"


@dataclass(frozen=True)
class Question:
    """A criterion of the lecture."""

    lecture: str
    answer: Answer


CRITERIA = {
    "kind of data": Question(
        "A tree asks about one column at a time, which suits columns that each have a meaning, categories and missing "
        "cells; a network weighs many columns together, which suits pixels, sounds and other many columns of one kind.",
        _kind,
    ),
    "amount of data": Question(
        "A network has many weights to determine, which takes many examples; a tree makes do with few.", _amount,
    ),
    "form of the target function": Question(
        "A tree cuts at right angles to the axes: it suits rules with and, or and jumps. A network suits smooth "
        "functions and weighted sums, of discrete or real values.", _form,
    ),
    "need to explain": Question(
        "A tree can be read as rules; a network suits where nobody has to understand what was learnt.", _explanation,
    ),
    "time to train": Question(
        "A network suits where long training times are acceptable; a tree is grown quickly.",
        _time(lambda one: one.fit_seconds),
    ),
    "time for a million rows": Question(
        "Both answer fast: a network by a few products of matrices, a tree by a few questions.",
        _time(lambda one: one.million_seconds),
    ),
    "choices to be made": Question(
        "A network needs layers, units, activations, a learning rate and an end; a tree needs its size only.", _choices,
    ),
}  # fmt: skip


def criteria(
    table: Table,
    encoder: Encoder,
    network: Measured,
    trees: Measured,
    *,
    recipe: Recipe | None = None,
    linear: float | None = None,
) -> list[Criterion]:
    """Each criterion of `CRITERIA` with its answer for these rows and these two contenders.

    Args:
        table: rows of which some have a target.
        encoder: what was learnt of their columns.
        network: the network as it was measured.
        trees: the contender of trees.
        recipe: how the network was trained; None: as `fit` does.
        linear: how far a linear model goes of the way from the baseline's loss to the best contender's, about 0 to 1.

    Raises:
        TableError: the table has not the encoder's columns, or no row with a target.

    >>> from types import SimpleNamespace
    >>> from thalweg.table import read
    >>> rows = read("SELECT range AS x, range % 2 = 0 AS y FROM range(40)")
    >>> ours = SimpleNamespace(name="network", fit_seconds=3.0, million_seconds=0.5, count=66_000, unit="parameters")
    >>> theirs = SimpleNamespace(name="tree", fit_seconds=0.1, million_seconds=0.2, count=7, unit="leaves")
    >>> for one in criteria(rows, Encoder.learn(rows, ["y"], keep=["x"]), ours, theirs)[3:5]:
    ...     print(f"{one.name}: {one.here} → {one.towards}")
    need to explain: tree of 7 leaves, which can be read as so many rules → trees
    time to train: network 3.0 s, tree 0.10 s → trees
    """
    seen = Seen(drop_missing_targets(table, encoder.targets)[0], encoder)
    facts = Facts(seen, network, trees, recipe or Recipe(), linear)
    return [Criterion(name, one.lecture, *one.answer(facts)) for name, one in CRITERIA.items()]


def _counted(one: Measured) -> str:
    return f"{one.name} of {one.count:,} {one.unit}"
