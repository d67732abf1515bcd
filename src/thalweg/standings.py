"""What was measured of each contender on the same folds, and how they stand to each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from thalweg.criteria import Criterion
from thalweg.intervals import CONFIDENCE, Difference, corrected
from thalweg.scores import MEASURES
from thalweg.settings import check_choice
from thalweg.tendencies import Tendency
from thalweg.trials import Trial


OF_TASK: dict[str, tuple[str, ...]] = {  # the measures of a comparison, in the order in which they are shown
    "classification": ("log_loss", "error", "auc", "calibration"),
    "regression": ("rmse", "mae", "r2"),
}
# What may name a side. That what is said comes true so often is no end in itself: the shares of the classes do best.
DECIDING = {task: tuple(one for one in measures if one != "calibration") for task, measures in OF_TASK.items()}
LEVEL = 0.05  # of the gap between the baseline and the better of two: differences that are no matter
FEWEST_FOLDS = 3  # to take a variance of; of fewer the test rows are parted
CLEAR = 0.99  # a difference whose interval at this confidence still excludes 0 is called clear


@dataclass(frozen=True)
class Result:
    """One contender on all folds."""

    name: str  # its row in CONTENDERS
    family: str  # network, trees, linear or baseline
    what: str  # it is, in words
    scaling: bool  # whether it needs its inputs on one scale
    by_fold: Mapping[str, tuple[float | None, ...]]  # measure → its value on each fold
    fit_seconds: float  # of training, the median of the folds
    row_seconds: float  # to answer for one row, its features made
    million_seconds: float  # to answer for a million rows, in proportion to those of a fold
    size: int  # bytes of its file
    count: int  # how large it is, in `unit`
    unit: str  # parameters, leaves, coefficients, numbers

    @property
    def extent(self) -> str:
        """How large it is, in words."""
        one = "leaf" if self.unit == "leaves" else self.unit.removesuffix("s")
        return f"{self.count:,} {one if self.count == 1 else self.unit}"

    def figure(self, measure: str) -> float | None:
        """The mean over the folds that have the figure; None where none has."""
        check_choice(measure, tuple(self.by_fold), "measure")
        known = [value for value in self.by_fold[measure] if value is not None]
        return float(np.mean(known)) if known else None


@dataclass(frozen=True)
class Outcome:
    """How the network stands to the best of the trees by the measure that decides."""

    winner: str | None  # "network" or "trees"; None: level, or not to be told
    certainty: str  # clear, likely, level, or open
    champion: str  # the tree contender whose mean is best
    difference: Difference  # network − champion
    margin: float  # differences up to it are no matter


def loss_by_fold(result: Result, measure: str) -> np.ndarray:
    """The figure of each fold, turned so that less is better; nan where there is none."""
    values = np.array([np.nan if value is None else value for value in result.by_fold[measure]], dtype=float)
    return -values if MEASURES[measure].best is max else values


def mean_loss(result: Result, measure: str) -> float:
    """The figure, turned so that less is better; infinite where there is none."""
    figure = result.figure(measure)
    return math.inf if figure is None else -figure if MEASURES[measure].best is max else figure


def difference(
    first: Result, second: Result, measure: str, ratio: float, confidence: float = CONFIDENCE
) -> Difference | None:
    """First − second as losses, over the folds that both have; None where fewer than two folds tell."""
    differences = loss_by_fold(first, measure) - loss_by_fold(second, measure)
    differences = differences[np.isfinite(differences)]
    return corrected(differences, ratio, confidence) if len(differences) > 1 else None


def settle(results: Mapping[str, Result], measure: str, ratio: float, *, few: bool = False) -> Outcome | None:
    """Who is better of the network and the best of the trees; None where one of them is not there.

    That the champion is the best of m is known only afterwards, so that it may have been lucky: for the trees to win,
    the interval must exclude 0 at a confidence of 1 − 0.05/m (Bonferroni); the network must beat the lucky one.
    `few` is for parts of one or two folds, which know nothing of other training rows: then nothing is clear.
    """
    trees = [one for one in results.values() if one.family == "trees"]
    network = results.get("network")
    if network is None or not trees:
        return None
    champion = min(trees, key=lambda one: mean_loss(one, measure))
    found = difference(network, champion, measure, ratio)
    if found is None:
        return None
    best = min(mean_loss(one, measure) for one in (network, champion))
    baseline = results.get("baseline")
    gap = mean_loss(baseline, measure) - best if baseline else 0.0
    margin = LEVEL * max(gap, 0.0)
    standing = found.standing(margin)
    if standing == "worse":
        strict = difference(network, champion, measure, ratio, 1.0 - (1.0 - CONFIDENCE) / len(trees))
        standing = "worse" if strict is not None and strict.low > 0.0 else "unknown"
    winner = {"better": "network", "worse": "trees"}.get(standing)
    certainty = "level" if standing == "level" else "open"
    if winner:
        m = len(trees) if winner == "trees" else 1
        sure = difference(network, champion, measure, ratio, 1.0 - (1.0 - CLEAR) / m)
        certainty = "clear" if not few and sure is not None and (sure.low > 0.0 or sure.high < 0.0) else "likely"
    return Outcome(winner, certainty, champion.name, found, margin)


def linear_share(results: Mapping[str, Result], measure: str) -> float | None:
    """How far the linear model goes of the way from the baseline's loss to the best one's; None if nobody knows."""
    if not {"linear", "baseline"} <= results.keys():
        return None
    losses = {name: mean_loss(one, measure) for name, one in results.items()}
    gap = losses["baseline"] - min(losses.values())
    return (losses["baseline"] - losses["linear"]) / gap if gap > 0.0 else None


@dataclass(frozen=True, repr=False)
class Compared:
    """Network and trees on the same folds of one table, with evidence: what there is to know before words."""

    data: str  # name of the table
    target: str  # its column that is predicted
    task: str  # classification or regression
    classes: tuple[Any, ...]  # labels in order; empty for numbers
    rows: int  # with a target
    columns: int  # that are used
    folds: str  # how the rows were parted, in words
    ratio: float  # test rows for each training row of a fold
    measure: str  # that decides
    results: Mapping[str, Result]  # contender → its figures
    cut: tuple[str, ...]  # what was left out to keep the budget, in sentences
    settings: Mapping[str, Any]  # how it was made: seed, folds, repeats, budget, versions, seconds
    tendencies: Sequence[Tendency] = ()  # what the properties of the data suggest
    criteria: Sequence[Criterion] = ()  # the lecture's criteria, and what is so here
    trials: Sequence[Trial] = ()  # what experiments showed
    runs: Sequence[Any] = ()  # the folds of the first draw with their models, to look at (tournament.FoldRun)
    table: Any = None  # the rows that the folds number

    @cached_property
    def outcome(self) -> Outcome | None:
        """Who is better of the network and the best of the trees."""
        return settle(self.results, self.measure, self.ratio, few=self.settings["run"] < FEWEST_FOLDS)

    @property
    def winner(self) -> str | None:
        """Which side is better, "network" or "trees"; None where they are level, or these rows cannot tell."""
        return self.outcome.winner if self.outcome else None

    @property
    def measures(self) -> tuple[str, ...]:
        """The keys of what was measured, the deciding one first."""
        return (self.measure, *(key for key in OF_TASK[self.task] if key != self.measure))

    def difference(self, name: str, measure: str | None = None) -> Difference | None:
        """The network's loss − that of the contender `name`; below 0 the network is better.

        `measure` is a key of `measures`, None the one that decides; a measure of which more is better is turned. None
        comes back for the network itself, and where fewer than two folds tell.
        """
        network = self.results.get("network")
        if network is None or name == "network":
            return None
        check_choice(name, tuple(self.results), "contender")
        decides = self.measure if measure is None else check_choice(measure, self.measures, "measure")
        return difference(network, self.results[name], decides, self.ratio)
