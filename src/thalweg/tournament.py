"""A tournament: the contenders on their folds, one after the other, while the budget lasts; then the evidence.

What the budget cannot hold is cut in this order, and said: further draws of folds, experiments, folds, training rows,
contenders that take too long even for few rows.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import folds, randomness, scores, trial_ring, trials
from thalweg.bouts import Bout, Fitted
from thalweg.budget import Budget
from thalweg.contenders import Contender
from thalweg.criteria import criteria
from thalweg.encoding import Encoder
from thalweg.errors import InputError, TableError, ThalwegWarning
from thalweg.interruption import Interruption
from thalweg.splitting import split
from thalweg.standings import FEWEST_FOLDS, OF_TASK, Outcome, Result, linear_share, settle
from thalweg.table import Table
from thalweg.tendencies import properties
from thalweg.trial_ring import groups_of, sample
from thalweg.trials import TRIALS


if TYPE_CHECKING:
    from jaxtyping import Float, Int

# Of a fold: more of them tell no more. Nor are there more than rows to learn from, but for so few.
MOST_TEST_ROWS, FEW_TEST_ROWS = 50_000, 2_000
# In proportion to its rows, which start-up and small batches make too much of.
PROBE_FACTOR = 0.7
# Rows, or share of a fold, whose times say what the whole will take. Fewer rows are tried first: 4 times as many follow
# as long as they take at most an eighth of what is left.
PROBE_ROWS, PROBE_SHARE, PROBE_GROWTH, PROBE_COST = 1_000, 16, 4, 8
# Of wide tables with many classes even 1,000 rows may take minutes: rows · features · classes of the first probe at
# most, and rows at least.
PROBE_CELLS, FEWEST_PROBED = 1_000_000, 250
# Of the time for folds, for one contender in the first probe: beside it all would learn from hardly more rows than
# these. Who can be stopped then is left out.
TOO_MUCH = 0.1
MOST_SAID = 200  # signs of what a library says of its breakdown
SURPRISE = 1.5  # times its expected seconds an experiment may take, and is made only if so many are left
TIMED_ROWS = 10_000  # to answer for, whose time stands for that of a million
BLOCKS = 5  # of the test rows of each fold, where the budget held fewer than FEWEST_FOLDS


@dataclass
class Tournament:
    """The contenders on their folds, one after the other, while the budget lasts."""

    whole: Table
    encoder: Encoder  # of all rows: which columns are used, and what the target is
    drop: tuple[str, ...]
    keep: tuple[str, ...]
    contenders: tuple[Contender, ...]
    clock: Budget
    seed: int
    options: dict[str, Any]
    groups: Int[np.ndarray, " n"] | None  # of each row, whose rows nobody may part
    progress: Callable[[str, float], Any]
    total: int  # fits that are asked for

    def __post_init__(self) -> None:
        self.done: list[FoldRun] = []
        self.interrupted: bool = False
        self.left_out: list[str] = []  # contenders, as they are called
        is_class = self.encoder.task == "classification"
        self.labels: Int[np.ndarray, " n"] | None = self.encoder.encode_targets(self.whole) if is_class else None
        self.evidence: dict[str, Any] = {}  # fields of a comparison
        self.speeds: dict[str, tuple[float, float]] = {}  # contender → seconds for one row and for a million
        self.first: Bout  # the training rows of the first fold, once it has begun
        self._interruption = Interruption(at_once=True)
        self._fits = 0
        self._rows = 0  # that a contender learns from

    def run(self, parts: Sequence[folds.Fold], reserve: float) -> None:
        """Run the folds in order, as many as fit into the budget but for the seconds in reserve."""
        if not self.done:
            self._rows = self._probe(parts[0], reserve, min(len(parts), FEWEST_FOLDS))
            parts = parts[len(self.done) :]
        for fold in parts:
            kept = reserve if len(self.done) >= FEWEST_FOLDS else 0.0  # of fewer folds nobody can tell anything
            if self.done and self._cost(min(self._rows, len(fold.train))) > self.clock.left - kept:
                return
            self._add(self._fold(len(self.done), fold, self._rows))

    def _add(self, run: FoldRun) -> None:
        if not self.done:
            self.speeds = {name: _speeds(one.fitted, run.tested) for name, one in run.answers.items()}
        self.done.append(run)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C in it leaves what is complete, if that is one fold or more."""
        try:
            with self._interruption:
                yield
        except KeyboardInterrupt:
            if not self.done:
                raise
            self.interrupted = True

    def look(self, measure: str) -> None:
        """What the data suggest, the lecture's criteria, and trials with the network and the best of the trees."""
        self.progress("properties of the data", self._fits / self.total)
        self.evidence["tendencies"] = properties(self.whole, self.encoder)
        outcome = self.judge(measure)
        if outcome is None:
            return
        train, test = (
            sample(self.first, trial_ring.ROWS, self.seed),
            sample(self.done[0].tested, trial_ring.TEST_ROWS, self.seed),
        )
        sides = {one.name: one for one in self.contenders}
        pair = sides["network"], sides[outcome.champion]
        groups, known = groups_of(self.done[0].encoder), {}
        made, left_out = [], []
        self.evidence["trials"] = made
        for name, kind in TRIALS.items():
            fits = kind.fits + (not known)
            cost = sum(
                fits * self.clock.expected(one.name, train.n)
                + kind.answers(len(groups)) * self._answering(one.name, test.n)
                for one in pair
            )
            if SURPRISE * cost > self.clock.left:
                left_out.append(name)
                continue
            self.progress(f"experiment: {name}", self._fits / self.total)
            made.append(trials.run(name, train, test, pair, seed=self.seed, groups=groups, known=known, **self.options))
        if left_out:
            what = "experiment" if len(left_out) == 1 else "experiments"
            self.clock.cut.append(f"without the {what} {', '.join(left_out)}")

    def judge(self, measure: str) -> Outcome | None:
        """How the folds that were run settle it, which the lecture's criteria then speak of."""
        results = self.results()
        outcome = settle(results, measure, self.ratio)
        if outcome is not None:
            self.evidence["criteria"] = criteria(
                self.whole, self.encoder, results["network"], results[outcome.champion],
                recipe=self.options["recipe"], linear=linear_share(results, measure),
            )  # fmt: skip
        return outcome

    def _cost(self, rows: int) -> float:
        """Seconds that one fold of so many training rows will take."""
        return sum(self.clock.expected(name, rows) for name in ("encode", *(one.name for one in self.contenders)))

    def _answering(self, name: str, rows: int) -> float:
        """Seconds that a contender takes to answer for so many rows."""
        one, million = self.speeds[name]
        return one + million * rows / 1e6

    def _probe(self, fold: folds.Fold, reserve: float, wanted: int) -> int:
        """How many training rows of a fold the budget holds for so many folds.

        If they are no more than those of the last probe, this is the first fold.
        """
        rows, k = len(fold.train), len(self.encoder.classes) if self.labels is not None else 1
        few = min(PROBE_ROWS, max(FEWEST_PROBED, PROBE_CELLS // (len(self.encoder.feature_columns) * k)))
        if rows <= 2 * few:
            return rows
        most = max(PROBE_ROWS, rows // PROBE_SHARE)
        limits = self._limited(TOO_MUCH * (self.clock.seconds - reserve))
        while True:
            try:
                run = self._fold(0, fold, few, probe=True, limits=limits)
                break
            except TableError:  # so few rows may have the same cell in every column
                few *= PROBE_GROWTH
                if few >= rows:
                    return rows
        while (more := PROBE_GROWTH * few) <= most and PROBE_COST * self._cost(more) <= self.clock.left - reserve:
            few = more
            run = self._fold(0, fold, few, probe=True)
        while rows > few and wanted * PROBE_FACTOR * self._cost(rows) > self.clock.left - reserve:
            rows = max(rows // 2, few)
        if rows == few:
            self._add(run)
            self._fits += len(self.contenders)
        if rows < len(fold.train):
            self.clock.cut.append(f"each contender learnt from {rows:,} of {len(fold.train):,} training rows")
        return rows

    def _limited(self, seconds: float) -> dict[str, float]:
        """These seconds for each of those that can be stopped and be spared, as one of their family goes on."""
        staying = {one.family for one in self.contenders if not one.stops}
        return {one.name: seconds for one in self.contenders if one.stops and one.family in staying}

    def _leave_out(self, one: Contender, why: str) -> None:
        """Go on without a contender, on all folds; raises InputError where nobody is left to compare with."""
        self.total = self.total * (len(self.contenders) - 1) // len(self.contenders)
        self.contenders = tuple(other for other in self.contenders if other.name != one.name)
        self.left_out.append(one.words)
        said = f"{one.words} was left out: {why}"
        if not self.contenders:
            message = f"{said}, and nobody is left to compare; ask for other contenders"
            raise InputError(message)
        self.clock.cut.append(said)

    def _fold(
        self, number: int, fold: folds.Fold, rows: int, probe: bool = False, limits: Mapping[str, float] | None = None
    ) -> FoldRun:
        """One fold; who takes more than its limit of seconds is left out from now on."""
        train = self._some(fold.train, rows, number)
        test = self._some(fold.test, min(MOST_TEST_ROWS, max(len(train), FEW_TEST_ROWS)), number)
        with self.clock.timing("encode", len(train)):
            learn_from, answer_for = self.whole.take(train), self.whole.take(test)
            names = [*self.encoder.targets]
            with warnings.catch_warnings():  # what is odd about the table its own encoder has said once
                warnings.simplefilter("ignore", ThalwegWarning)
                encoder = Encoder.learn(
                    learn_from, names, task=self.encoder.task, drop=self.drop, keep=self.keep, all_rows=self.whole
                )
            bout, tested = Bout.of(encoder, learn_from), Bout.of(encoder, answer_for)
            if self.groups is not None:
                bout = replace(bout, groups=self.groups[train])
        run = FoldRun(encoder, train, test, tested, {})
        if not self.done:
            self.first = bout
        for one in self.contenders:
            self.progress(f"fold {number + 1}: {one.name}", self._fits / self.total)
            with self.clock.timing(one.name, len(train)):
                options = {**self.options, "seed": (self.seed + number) % 2**64}
                limit = (limits or {}).get(one.name, np.inf)
                if limit < np.inf:
                    options["seconds"] = limit
                answer = self._answer(one, bout, tested, options)
            self._fits += not probe
            if isinstance(answer, str):
                self._leave_out(one, answer)
            elif self.clock.expected(one.name, len(train)) >= limit:
                self._leave_out(one, f"to learn from {len(train):,} rows took it over {limit:.1f} s")
            else:
                run.answers[one.name] = answer
        return run

    def _answer(self, one: Contender, bout: Bout, tested: Bout, options: dict[str, Any]) -> Answer | str:
        """What a contender answers for the test rows, or how it broke down."""
        started = perf_counter()
        try:
            fitted = one.learn(bout, **options)
            seconds = perf_counter() - started
            outputs = fitted.outputs(tested)
        except InputError:  # an option breaks its rule
            raise
        except Exception as error:  # whatever a library raises, the others have their comparison
            if self._interruption.requested():  # compiled code may turn Ctrl-C into an error of its own
                raise KeyboardInterrupt from error
            return f"it broke down: {type(error).__name__}: {textwrap.shorten(str(error), MOST_SAID, placeholder='…')}"
        if self._interruption.requested():
            raise KeyboardInterrupt
        shape = (tested.n, tested.n_classes) if tested.n_classes else (tested.n,)
        if np.shape(outputs) != shape:
            return f"it answered in the shape {np.shape(outputs)}, and {shape} was asked for"
        if not np.isfinite(outputs).all():
            return "it gave an answer that is not finite"
        if tested.n_classes and np.min(outputs) < 0.0:
            return f"it gave a probability of {np.min(outputs):.3g}"
        return Answer(fitted, outputs, seconds)

    def _some(self, rows: Int[np.ndarray, " n"], most: int, number: int) -> Int[np.ndarray, " m"]:
        """At most so many of the rows, of each class about the same share, and two of one that would be missing."""
        if len(rows) <= most:
            return rows
        labels = None if self.labels is None else self.labels[rows]
        seed = (self.seed + number) % 2**64
        drawn = split(len(rows), most / len(rows), seed=seed, purpose="comparison", labels=labels)[1]
        if labels is not None:
            missing = np.setdiff1d(labels, labels[drawn])
            drawn = np.sort(np.concatenate([drawn, *(np.flatnonzero(labels == one)[:2] for one in missing)]))
        return rows[drawn]

    @property
    def ratio(self) -> float:
        """Test rows for each training row, on average."""
        return float(np.mean([folds.Fold(run.train, run.test).ratio for run in self.done]))

    def results(self) -> dict[str, Result]:
        """The figures of each contender."""
        found = {}
        for one in self.contenders:
            answers = [run.answers[one.name] for run in self.done]
            first = answers[0].fitted
            found[one.name] = Result(
                name=one.name, family=one.family, what=one.what, scaling=one.scaling,
                by_fold=self._by_fold(one.name), fit_seconds=float(np.median([each.fit_seconds for each in answers])),
                row_seconds=self.speeds[one.name][0], million_seconds=self.speeds[one.name][1],
                size=first.size, count=first.count, unit=first.unit,
            )  # fmt: skip
        return found

    def _blocks(self, n: int, number: int) -> list[Int[np.ndarray, " rows"]]:
        order = randomness.permutation(self.seed, "comparison", n, epoch=number, step=1)
        return np.array_split(order, min(BLOCKS, n))

    def _by_fold(self, name: str) -> dict[str, tuple[float | None, ...]]:
        runs = [(run.tested, run.answers[name].outputs) for run in self.done]
        if len(runs) < FEWEST_FOLDS:  # their rows are parted, so that there is enough to take a variance of
            runs = [
                (tested.take(rows), outputs[rows])
                for number, (tested, outputs) in enumerate(runs)
                for rows in self._blocks(tested.n, number)
            ]
        figures = [figures_of(tested, outputs) for tested, outputs in runs]
        return {key: tuple(each[key] for each in figures) for key in OF_TASK[self.encoder.task]}


@dataclass(frozen=True, eq=False)
class Answer:
    """What a contender learnt on one fold, what it answered for the test rows, and how long both took."""

    fitted: Fitted
    outputs: Float[np.ndarray, "t ..."]
    fit_seconds: float


@dataclass(frozen=True, eq=False)
class FoldRun:
    """One fold after all contenders have run."""

    encoder: Encoder  # learnt from its training rows
    train: Int[np.ndarray, " m"]  # indices of rows
    test: Int[np.ndarray, " t"]
    tested: Bout
    answers: dict[str, Answer]


def figures_of(tested: Bout, outputs: Float[np.ndarray, "t ..."]) -> dict[str, float | None]:
    """The measures of a comparison on test rows."""
    if not tested.n_classes:
        figures = scores.regression(tested.y, outputs)
        return {key: figures[key] for key in OF_TASK["regression"]}
    figures = scores.classification(tested.y, outputs, range(tested.n_classes))
    figures |= {
        "error": 1.0 - figures["accuracy"],
        "calibration": scores.calibration_error(tested.y, outputs),
    }
    return {key: figures[key] for key in OF_TASK["classification"]}


def _speeds(fitted: Fitted, tested: Bout) -> tuple[float, float]:
    """Seconds to answer for one row, and for a million in proportion to fewer, their features made."""
    single, many = tested.take(slice(0, 1)), tested.take(np.resize(np.arange(tested.n), TIMED_ROWS))
    seconds = []
    for rows in (single, single, single, many):
        started = perf_counter()
        fitted.outputs(rows)
        seconds.append(perf_counter() - started)
    return min(seconds[:3]), seconds[3] * 1e6 / TIMED_ROWS
