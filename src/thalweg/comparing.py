"""Network or tree: both on the same folds of the user's own data, within a time budget.

    rows ─┬─ fold 1 ─┬─ training rows: every contender learns from these (contenders.py)
          │          └─ test rows: every contender is measured on these
          ├─ fold 2 …        the differences fold by fold decide (intervals.py, comparison.py)
          └─ a subsample of fold 1: experiments (trials.py)

What a budget cannot hold is cut in this order, and said: further repeats, experiments, folds, training rows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, folds, randomness, scores, table, trial_ring, trials
from thalweg._version import __version__
from thalweg.budget import Budget, seconds_of
from thalweg.comparison import Comparison
from thalweg.contenders import CONTENDERS, Bout, Contender, Fitted
from thalweg.criteria import criteria
from thalweg.encoding import Encoder, drop_missing_targets
from thalweg.errors import InputError, TableError
from thalweg.learning import check_recipe, column_names, strata
from thalweg.settings import check_choice, check_whole
from thalweg.standings import OF_TASK, Result, linear_share, settle
from thalweg.table import Table
from thalweg.tendencies import properties
from thalweg.trial_ring import groups_of, sample
from thalweg.trials import TRIALS


if TYPE_CHECKING:
    from jaxtyping import Float, Int

FOLDS = 5
FEW_ROWS = 5_000  # below it the folds are drawn twice: few test rows make figures that differ from draw to draw
MOST_TEST_ROWS = 50_000  # of a fold: more of them tell no more
PROBE_ROWS, PROBE_SHARE = 1_000, 16  # rows, or share of a fold, whose times say what the whole will take
FEWEST_FOLDS = 3  # training rows are cut before fewer folds are run
FOR_EVIDENCE = 0.25  # of the budget, kept for experiments and pictures while folds are run
TIMED_ROWS = 10_000  # to answer for, whose time stands for that of a million
BLOCKS = 5  # of the test rows, where the budget held one fold only


def default_budget(rows: int) -> float:
    """Seconds that a comparison may take where nothing else is asked for.

    >>> default_budget(1_000), default_budget(48_842)
    (13.0, 100.0)
    """
    return min(11.0 + rows / 500.0, 100.0)


def compare(
    data: Any,
    target: str,
    *,
    task: str = "auto",
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    groups: str | None = None,
    time: str | None = None,
    n_folds: int = FOLDS,
    repeats: int | None = None,
    contenders: Sequence[str | Contender] | None = None,
    measure: str | None = None,
    budget: float | str | None = None,
    evidence: bool = True,
    seed: int = 0,
    engine: str = engines.DEFAULT,
    threads: int | None = None,
    progress: Callable[[str, float], Any] | None = None,
    **recipe: Any,
) -> Comparison:
    """Compare our network with trees, a linear model and a constant on the same folds of a table.

    Args:
        data: a path (CSV, Parquet, JSON lines), a SELECT query, a data frame or a Table.
        target: the column to predict.
        task: "classification", "regression", or "auto", as in `fit`.
        drop: column or columns to leave out.
        keep: columns to use although they look like identifiers or free text.
        groups: a column whose rows of one value are never parted between training and test; it is no input.
        time: a column to sort by: every fold is tested by rows later than those it learns from; it is no input.
        n_folds: parts of the rows, each of which is tested once.
        repeats: how often new folds are drawn; None is 2 below 5,000 rows, else 1, and 1 with `time`.
        contenders: names of CONTENDERS, or Contender objects of your own; None is all that are installed.
        measure: that decides: "log_loss" (default), "error" or "auc"; for numbers "rmse" (default), "mae" or "r2".
        budget: seconds, or a text such as "60s" or "2m"; None is 11 s and 1 s for 500 rows, at most 100 s.
        evidence: whether to look at the properties of the data and to make experiments.
        seed: of folds, initial weights, orders and subsamples.
        engine: name of the engine of our network.
        threads: for every contender; None is as many as there are.
        progress: called with what begins and the share that is done, from 0 to 1.
        **recipe: settings of our network, as in `fit`.

    Returns:
        The comparison: `verdict`, `winner`, `results`, `difference`, `to_dict`.

    Raises:
        TableError: the table cannot be read or used, in one sentence.
        InputError: an option breaks its rule or would do nothing.

    >>> found = compare("SELECT range * 37 % 101 AS x, range % 7 > 3 AS big FROM range(300)", "big", epochs=3,
    ...                 contenders=["network", "tree", "baseline"], n_folds=3, repeats=1, evidence=False)
    >>> sorted(found.results), found.winner
    (['baseline', 'network', 'tree'], None)
    """
    clock = Budget(np.inf)
    settings = check_recipe(recipe)
    chosen = _check_contenders(contenders)
    check_whole(n_folds, 2, "n_folds")
    columns = [one for one in (groups, time) if one is not None]
    if len(columns) == 2:
        message = "groups and time exclude each other; leave one of them out"
        raise InputError(message)
    targets, dropped, kept = (
        column_names(given, what) for given, what in ((target, "target"), (drop, "drop"), (keep, "keep"))
    )
    if len(targets) != 1:
        message = f"a comparison is of one target, not of {len(targets)}; compare one after the other"
        raise InputError(message)
    unread = [name for name in dropped if name not in (*targets, *columns)]
    whole, _ = drop_missing_targets(table.read(data, without=unread), targets)
    clock.seconds = seconds_of(default_budget(whole.n_rows) if budget is None else budget)
    whole, parts, how = _parted(whole, targets, task, groups, time, n_folds, repeats, seed)
    encoder = Encoder.learn(whole, targets, task=task, drop=dropped, keep=kept)
    measures = OF_TASK[encoder.task]
    decides = measures[0] if measure is None else check_choice(measure, measures, "measure")
    asked = _asked(
        task=task, drop=tuple(dropped), keep=tuple(kept), groups=groups, time=time, n_folds=n_folds, repeats=repeats,
        contenders=None if contenders is None else [one.name for one in chosen], measure=measure, budget=budget,
        evidence=evidence, seed=seed, engine=engine, threads=threads,
    )  # fmt: skip
    race = Race(
        whole=whole, encoder=encoder, drop=tuple(dropped), keep=tuple(kept), contenders=chosen, clock=clock, seed=seed,
        options={"threads": threads, "recipe": settings, "engine": engine}, progress=progress or (lambda *_: None),
        total=len(parts) * len(chosen),
    )  # fmt: skip
    race.run(parts[:n_folds], reserve=FOR_EVIDENCE * clock.seconds if evidence else 0.0)
    found = race.evidence(decides) if evidence else {}
    if len(race.done) == n_folds:
        race.run(parts[n_folds:], reserve=0.0)
    if len(race.done) < len(parts):
        clock.cut.append(f"{len(race.done)} of {len(parts)} folds were run")
    return Comparison(
        data=whole.name, target=targets[0], task=encoder.task,
        classes=tuple(encoder.classes.tolist()) if encoder.task == "classification" else (),
        rows=whole.n_rows, columns=len(encoder.columns), folds=how, ratio=race.ratio, measure=decides,
        results=race.results(), cut=tuple(clock.cut),
        settings={
            "thalweg": __version__, "seed": seed, "folds": n_folds, "run": len(race.done), "budget": clock.seconds,
            "seconds": clock.spent, "engine": engine, "recipe": settings.to_dict(), "asked": asked,
        },
        runs=tuple(race.done[:n_folds]), table=whole, **found,
    )  # fmt: skip


@dataclass
class Race:
    """The contenders on their folds, one after the other, while the budget lasts."""

    whole: Table
    encoder: Encoder  # of all rows: which columns are used, and what the target is
    drop: tuple[str, ...]
    keep: tuple[str, ...]
    contenders: tuple[Contender, ...]
    clock: Budget
    seed: int
    options: dict[str, Any]
    progress: Callable[[str, float], Any]
    total: int  # fits that are asked for

    def __post_init__(self) -> None:
        self.done: list[FoldRun] = []
        self.speeds: dict[str, tuple[float, float]] = {}  # contender → seconds for one row and for a million
        self._fits = 0
        self._rows = 0  # that a contender learns from

    def run(self, parts: Sequence[folds.Fold], reserve: float) -> None:
        """Run the folds in order, as many as fit into the budget but for the seconds in reserve."""
        if not self.done:
            self._rows = self._probe(parts[0], reserve, min(len(parts), FEWEST_FOLDS))
        for fold in parts:
            if self.done and self._cost(min(self._rows, len(fold.train))) > self.clock.left - reserve:
                return
            self.done.append(self._fold(len(self.done), fold, self._rows))

    def evidence(self, measure: str) -> dict[str, Any]:
        """What the data suggest, the lecture's criteria, and trials with the network and the best of the trees."""
        self.progress("properties of the data", self._fits / self.total)
        found: dict[str, Any] = {"tendencies": properties(self.whole, self.encoder)}
        results = self.results()
        outcome = settle(results, measure, self.ratio)
        if outcome is None:
            return found
        network, trees = results["network"], results[outcome.champion]
        linear = linear_share(results, measure)
        found["criteria"] = criteria(
            self.whole, self.encoder, network, trees, recipe=self.options["recipe"], linear=linear
        )
        train, test = (
            sample(self.first, trial_ring.ROWS, self.seed),
            sample(self.done[0].tested, trial_ring.TEST_ROWS, self.seed),
        )
        groups, known, made = groups_of(self.done[0].encoder), {}, []
        for name, kind in TRIALS.items():
            cost = kind.fits * sum(self.clock.expected(one, train.n) for one in ("network", outcome.champion))
            if cost > self.clock.left:
                self.clock.cut.append(f"the experiment {name!r} was left out")
                continue
            self.progress(f"experiment: {name}", self._fits / self.total)
            made.append(
                trials.run(
                    name, train, test, ("network", outcome.champion), seed=self.seed, groups=groups, known=known,
                    **self.options,
                )
            )  # fmt: skip
        return {**found, "trials": made}

    def _cost(self, rows: int) -> float:
        """Seconds that one fold of so many training rows will take."""
        return sum(self.clock.expected(name, rows) for name in ("encode", *(one.name for one in self.contenders)))

    def _probe(self, fold: folds.Fold, reserve: float, wanted: int) -> int:
        """How many training rows of a fold the budget holds for so many folds."""
        rows = len(fold.train)
        few = max(PROBE_ROWS, rows // PROBE_SHARE)
        if rows <= 2 * few:
            return rows
        self._fold(0, fold, few, probe=True)
        while rows > few and wanted * self._cost(rows) > self.clock.left - reserve:
            rows = max(rows // 2, few)
        if rows < len(fold.train):
            self.clock.cut.append(f"each contender learnt from {rows:,} of {len(fold.train):,} training rows")
        return rows

    def _fold(self, number: int, fold: folds.Fold, rows: int, probe: bool = False) -> FoldRun:
        train, test = (
            self._some(indices, most, number) for indices, most in ((fold.train, rows), (fold.test, MOST_TEST_ROWS))
        )
        with self.clock.timing("encode", len(train)):
            learn_from, answer_for = self.whole.take(train), self.whole.take(test)
            names = [*self.encoder.targets]
            encoder = Encoder.learn(
                learn_from, names, task=self.encoder.task, drop=self.drop, keep=self.keep, all_rows=self.whole
            )
            bout, tested = Bout.of(encoder, learn_from), Bout.of(encoder, answer_for)
        run = FoldRun(encoder, train, test, tested, {})
        if not self.done:
            self.first = bout
        for one in self.contenders:
            self.progress(f"fold {number + 1}: {one.name}", self._fits / self.total)
            with self.clock.timing(one.name, len(train)):
                run.answers[one.name] = _answer(one, bout, tested, {**self.options, "seed": self.seed + number})
            if not self.done:
                self.speeds[one.name] = _speeds(run.answers[one.name].fitted, tested)
            self._fits += not probe
        return run

    def _some(self, rows: Int[np.ndarray, " n"], most: int, number: int) -> Int[np.ndarray, " m"]:
        if len(rows) <= most:
            return rows
        return np.sort(rows[randomness.permutation(self.seed, "comparison", len(rows), epoch=number)[:most]])

    @property
    def ratio(self) -> float:
        """Test rows for each training row, on average."""
        return float(np.mean([len(run.test) / len(run.train) for run in self.done]))

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

    def _by_fold(self, name: str) -> dict[str, tuple[float | None, ...]]:
        runs = [(run.tested, run.answers[name].outputs) for run in self.done]
        if len(runs) == 1:  # the rows of one fold are parted, so that there is something to take a variance of
            tested, outputs = runs[0]
            order = randomness.permutation(self.seed, "comparison", tested.n, step=1)
            runs = [(tested.take(rows), outputs[rows]) for rows in np.array_split(order, min(BLOCKS, tested.n))]
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


def _answer(one: Contender, bout: Bout, tested: Bout, options: dict[str, Any]) -> Answer:
    started = perf_counter()
    fitted = one.learn(bout, **options)
    seconds = perf_counter() - started
    return Answer(fitted, fitted.outputs(tested), seconds)


def _speeds(fitted: Fitted, tested: Bout) -> tuple[float, float]:
    """Seconds to answer for one row, and for a million in proportion to fewer, their features made."""
    single, many = tested.take(slice(0, 1)), tested.take(np.resize(np.arange(tested.n), TIMED_ROWS))
    seconds = []
    for rows in (single, single, single, many):
        started = perf_counter()
        fitted.outputs(rows)
        seconds.append(perf_counter() - started)
    return min(seconds[:3]), seconds[3] * 1e6 / TIMED_ROWS


def _asked(**given: Any) -> dict[str, Any]:
    """Those arguments of `compare` that differ from their defaults."""
    usual = inspect.signature(compare).parameters
    return {name: value for name, value in given.items() if value != usual[name].default}


def _check_contenders(given: Sequence[str | Contender] | None) -> tuple[Contender, ...]:
    """The contenders; raises InputError for a name that is unknown, given twice, or whose package is missing."""
    if given is None:
        return tuple(one for one in CONTENDERS.values() if one.installed)
    if isinstance(given, str) or not isinstance(given, Iterable):
        message = f"contenders must be a list of names such as ['network', 'tree'], not {given!r}"
        raise InputError(message)
    found = [
        one if isinstance(one, Contender) else CONTENDERS[check_choice(one, tuple(CONTENDERS), "contender")]
        for one in given
    ]
    names = [one.name for one in found]
    if len(set(names)) < len(names) or len(names) < 2:
        message = f"a comparison needs two or more contenders of different names, not {names}"
        raise InputError(message)
    for one in found:
        if not one.installed:
            message = (
                f"the contender {one.name!r} needs the package {one.package}; install it: pip install {one.package}"
            )
            raise InputError(message)
    return tuple(found)


def _parted(
    whole: Table,
    target: Sequence[str],
    task: str,
    groups: str | None,
    time: str | None,
    k: int,
    repeats: int | None,
    seed: int,
) -> tuple[Table, list[folds.Fold], str]:
    """The table without the column that parts it, the folds, and how they were made, in words."""
    n = whole.n_rows
    if n < 4 * k:
        message = f"{whole.name} has {n} rows with a target, and {k} folds need at least {4 * k}; give more rows"
        raise TableError(message)
    if time is not None:
        if repeats not in (None, 1):
            message = f"repeats={repeats} would do nothing, as there is one order in time; leave it out"
            raise InputError(message)
        column = whole[time]
        whole = whole.take(~column.missing) if column.missing.any() else whole
        parts = list(folds.by_time(whole[time].values, k))
        return whole.drop([time]), parts, f"in order of {time!r}: each of {len(parts)} folds is tested by later rows"
    repeats = (2 if n < FEW_ROWS else 1) if repeats is None else check_whole(repeats, 1, "repeats")
    labels = strata(whole, target, task)
    of_group = None
    how = f"{k} folds" + (f", drawn {repeats} times" if repeats > 1 else "")
    if groups is not None:
        column = whole[groups]
        of_group = np.unique(np.where(column.missing, "", column.values.astype(str)), return_inverse=True)[1]
        whole, how = whole.drop([groups]), f"{how}, the rows of one {groups!r} together"
    parts = list(folds.repeated(n, k, repeats, seed=seed, labels=labels, groups=of_group))
    return whole, parts, f"{how}, of each class about the same share" if labels is not None else how
