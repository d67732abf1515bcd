"""Where network and tree draw the line: both learn from the two most important columns alone, and answer on a grid.

A boundary in many columns cannot be drawn; one in the two that matter most can, and shows what each kind of model does:
a tree cuts at right angles to the axes, a network bends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness, rivals, scores
from thalweg.bouts import Bout, Fitted
from thalweg.contenders import CONTENDERS
from thalweg.encoding import Encoder
from thalweg.errors import TableError
from thalweg.explained_row import explainers
from thalweg.features import Presence
from thalweg.judgement import ranked
from thalweg.learning import Recipe
from thalweg.standings import Compared
from thalweg.table import Column, Kind, Table
from thalweg.trial_ring import groups_of


if TYPE_CHECKING:
    from jaxtyping import Float, Shaped

ROWS = 2_000  # to learn from: more of them move a line in a picture by less than its width
POINTS = 300  # test rows that are drawn
SHUFFLED, REPEATS = 500, 2  # rows, and times each column is shuffled
MANY_COLUMNS, MANY_SHUFFLED, MANY_REPEATS = 100, 100, 1  # with more columns than the first, the others instead
OF_MANY = 30  # of many columns, those that matter most to the network, which the trees are asked about
GRID = 81  # places on an axis of numbers
TAILS = 0.01  # of the rows on either side of an axis of numbers, whose outliers would press the rest together
VALUES = 12  # of a category at most, the most frequent ones
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Axis:
    """One column as an axis: places along it, and what a cell is there."""

    column: str
    kind: Kind
    places: Float[np.ndarray, " m"]  # numbers; days since 1970 of dates; 0, 1, … for values
    labels: tuple[str, ...] = ()  # of the values

    @classmethod
    def of(cls, column: Column) -> Axis | None:
        """An axis for the cells of a column; None where fewer than two of them differ, or their span is infinite."""
        present = column.values[~column.missing]
        if column.kind in (Kind.TEXT, Kind.BOOLEAN):
            counts = Counter(present.tolist())
            values = sorted(sorted(counts, key=lambda value: (-counts[value], value))[:VALUES])
            words = tuple(str(value).lower() if column.kind is Kind.BOOLEAN else value for value in values)
            return cls(column.name, column.kind, np.arange(len(words), dtype=float), words) if len(words) > 1 else None
        numbers = _numbers(column.kind, present)
        if not len(numbers):
            return None
        low, high = 2.0 * np.quantile(numbers / 2.0, (TAILS, 1.0 - TAILS))  # the difference of halves is finite
        if not low < high:
            low, high = numbers.min(), numbers.max()
        if not 0.0 < high / 2.0 - low / 2.0 < np.finfo(np.float64).max / 4.0:
            return None
        return cls(column.name, column.kind, np.linspace(low, high, GRID))

    def cells(self, at: Any) -> Column:
        """The column whose cells are those at these places (indices)."""
        none = np.zeros(len(at), dtype=bool)
        if self.kind is Kind.TEXT:
            return Column(self.column, self.kind, np.array(self.labels, dtype=object)[at], none)
        if self.kind is Kind.BOOLEAN:
            return Column(self.column, self.kind, np.array([word == "true" for word in self.labels])[at], none)
        if self.kind is Kind.DATE:
            days = np.datetime64(0, "us") + np.round(self.places * (DAY / np.timedelta64(1, "us"))).astype("m8[us]")
            return Column(self.column, self.kind, days[at], none)
        return Column(self.column, self.kind, self.places[at], none)

    def along(self, column: Column) -> Float[np.ndarray, " n"]:
        """Where cells lie on the axis; nan for missing ones, and for values that have no place on it."""
        if not self.labels:
            numbers = _numbers(self.kind, column.values)
            inside = (self.places[0] <= numbers) & (numbers <= self.places[-1])
            return np.where(inside & ~column.missing, numbers, np.nan)
        place = {word: i for i, word in enumerate(self.labels)}
        words = (str(value).lower() if self.kind is Kind.BOOLEAN else value for value in column.values.tolist())
        found = np.array([place.get(word, np.nan) for word in words], dtype=float)
        return np.where(column.missing, np.nan, found)


@dataclass(frozen=True, eq=False)
class Boundary:
    """What both answer on a grid of two columns, and test rows to put on it.

    Shapes: answers (y places, x places) of the probability of the second class of two, the number of the most
    probable class of several, or the prediction.
    """

    target: str
    task: str
    classes: tuple[Any, ...]  # labels; empty for numbers
    x: Axis
    y: Axis
    answers: Mapping[str, Float[np.ndarray, "h w"]]  # contender → its answers
    losses: Mapping[str, float]  # contender → mean log-loss on test rows, or squared error in variances of the target
    at_x: Float[np.ndarray, " n"]  # places of test rows on the axes
    at_y: Float[np.ndarray, " n"]
    outcomes: Shaped[np.ndarray, " n"]  # their classes' numbers, or the target
    rows: int  # that were learnt from


def boundary(comparison: Compared) -> Boundary | None:
    """Network and pruned tree, learnt from the two most important columns alone, on a grid of these.

    Returns:
        None where neither took part, or no two columns can be axes.

    >>> from thalweg.comparing import compare
    >>> rows = "SELECT range % 11 AS a, range % 13 AS b, range % 11 + range % 13 > 11 AS big FROM range(120)"
    >>> found = compare(rows, "big", contenders=["network", "tree"], epochs=2, hidden=3, n_folds=2, repeats=1,
    ...                 evidence=False)
    >>> drawn = boundary(found)
    >>> sorted((drawn.x.column, drawn.y.column)), drawn.answers["tree"].shape
    (['a', 'b'], (81, 81))
    """
    if not comparison.runs or not (who := explainers(comparison.runs[0])):
        return None
    run, seed = comparison.runs[0], comparison.settings["seed"]
    chosen = run.train[randomness.permutation(seed, "comparison", len(run.train))[:ROWS]]
    rows, tests = comparison.table.take(np.sort(chosen)), comparison.table.take(run.test)
    axes = [axis for axis in map(Axis.of, (rows[name] for name in _by_importance(comparison))) if axis][:2]
    if len(axes) < 2:
        return None
    x, y = axes
    names = [x.column, y.column]
    rows, tests = (_only(one, [*names, comparison.target]) for one in (rows, tests))
    try:
        encoder = Encoder.learn(rows, [comparison.target], task=comparison.task, keep=names, all_rows=comparison.table)
    except TableError:  # the rows that were drawn leave nothing to learn
        return None
    at_y, at_x = np.divmod(np.arange(len(y.places) * len(x.places)), len(x.places))
    grid = Bout.of(encoder, Table("the grid", (x.cells(at_x), y.cells(at_y))), answered=False)
    bout, tested = Bout.of(encoder, rows), Bout.of(encoder, tests)
    recipe = Recipe(**comparison.settings["recipe"])
    answers, losses = {}, {}
    for name in who:
        fitted = CONTENDERS[name].learn(
            bout, seed=seed, threads=None, recipe=recipe, engine=comparison.settings["engine"]
        )
        answers[name] = _shown(fitted.outputs(grid)).reshape(len(y.places), len(x.places))
        losses[name] = float(scores.row_losses(tested.y, fitted.outputs(tested), comparison.task).mean())
    places = x.along(tests[x.column]), y.along(tests[y.column])
    inside = np.flatnonzero(np.isfinite(places[0]) & np.isfinite(places[1]))
    inside = np.sort(inside[randomness.permutation(seed, "comparison", len(inside))[:POINTS]])
    return Boundary(
        target=comparison.target, task=comparison.task, classes=comparison.classes, x=x, y=y, answers=answers,
        losses=losses, at_x=places[0][inside], at_y=places[1][inside], outcomes=tested.y[inside], rows=rows.n_rows,
    )  # fmt: skip


def column_importance(comparison: Compared) -> dict[str, float]:
    """How much each column matters, from 0 to 1, summing to 1, to the network and to the best of the trees.

    A share is the rise of the mean loss on test rows of the first fold when the column is shuffled, over the sum of
    all columns' rises; what falls counts as 0. Of many columns the trees, whose answers may take a hundred times as
    long as the network's, are asked about few. The shares of the two are averaged by how far each is ahead of always
    the same answer: who has learnt next to nothing has shares of noise.
    """
    run, seed = comparison.runs[0], comparison.settings["seed"]
    groups = groups_of(run.encoder)
    rows, repeats = (MANY_SHUFFLED, MANY_REPEATS) if len(groups) > MANY_COLUMNS else (SHUFFLED, REPEATS)
    order = randomness.permutation(seed, "comparison", run.tested.n)[:rows]
    tested = run.tested.take(np.sort(order))
    views = (tested.scaled, tested.plain, tested.coded)
    ends = np.cumsum([view.shape[1] for view in views])[:2]
    places = [np.concatenate([one.scaled, one.plain + ends[0], one.coded + ends[1]]) for one in groups]

    def loss(y: np.ndarray, outputs: np.ndarray) -> float:
        return float(scores.row_losses(y, outputs, comparison.task).mean())

    k = tested.n_classes
    same = rivals.majority(tested.y, tested.n, k) if k else rivals.mean(tested.y, tested.n)
    shares: list[np.ndarray] = []
    ahead = []
    for name in _asked(comparison):
        few = len(groups) > MANY_COLUMNS and sum(ahead) > 0.0  # by the network, which has learnt something
        asked = np.sort(np.argsort(-shares[0], kind="stable")[:OF_MANY]) if few else np.arange(len(groups))
        fitted: Fitted = run.answers[name].fitted

        def predict(X: np.ndarray, fitted: Fitted = fitted) -> np.ndarray:
            scaled, plain, coded = np.split(X, ends, axis=1)
            return fitted.outputs(
                Bout(tested.task, tested.n_classes, scaled, plain, coded, tested.categorical, tested.y)
            )

        rises = np.zeros(len(groups))
        rises[asked], _ = scores.permutation_importance(
            predict, np.hstack(views), tested.y, [places[i] for i in asked], loss, repeats, seed
        )
        rises = np.maximum(rises, 0.0)
        shares.append(rises / rises.sum() if rises.any() else np.full(len(rises), 1.0 / len(rises)))
        ahead.append(max(loss(tested.y, same) - loss(tested.y, fitted.outputs(tested)), 0.0))
    means = np.average(shares, axis=0, weights=ahead if any(ahead) else None)
    return dict(zip((one.name for one in groups), means.tolist(), strict=True))


def _asked(comparison: Compared) -> Iterator[str]:
    """The network and the best of the trees."""
    trees = next((one.name for one in ranked(comparison) if one.family == "trees"), None)
    yield from (name for name in ("network", trees) if name is not None and name in comparison.results)


def _by_importance(comparison: Compared) -> list[str]:
    importance = column_importance(comparison)
    return sorted(
        (role.column for role in comparison.runs[0].encoder.roles if not isinstance(role, Presence)),
        key=lambda name: -importance[name],
    )


def _shown(outputs: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, " n"]:
    """Of two classes the probability of the second, of more the most probable, of numbers the prediction."""
    if outputs.ndim == 1:
        return outputs
    return outputs[:, 1] if outputs.shape[1] == 2 else outputs.argmax(axis=1).astype(np.float64)


def _numbers(kind: Kind, values: np.ndarray) -> Float[np.ndarray, " n"]:
    """Numbers as they are, dates as days since 1970."""
    return (
        values if kind is Kind.NUMBER else np.where(np.isnat(values), np.nan, (values - np.datetime64(0, "us")) / DAY)
    )


def _only(table: Table, names: list[str]) -> Table:
    return Table(table.name, tuple(table[name] for name in names), table.numbers)
