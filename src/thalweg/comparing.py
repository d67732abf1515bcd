"""Network or tree: both on the same folds of the user's own data, within a time budget.

    rows ─┬─ fold 1 ─┬─ training rows: every contender learns from these (contenders.py)
          │          └─ test rows: every contender is measured on these
          ├─ fold 2 …        the differences fold by fold decide (intervals.py, comparison.py)
          └─ a subsample of fold 1: experiments (trials.py)

Here are the door and what is planned; tournament.py runs it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, folds, randomness, table
from thalweg._version import __version__
from thalweg.budget import Budget, seconds_of
from thalweg.comparison import Comparison
from thalweg.contenders import CONTENDERS, Contender
from thalweg.encoding import Encoder, drop_missing_targets
from thalweg.errors import InputError, TableError
from thalweg.learning import check_recipe, column_names, strata
from thalweg.settings import check_choice, check_whole
from thalweg.standings import DECIDING, FEWEST_FOLDS
from thalweg.table import Kind, Table
from thalweg.tournament import Tournament


if TYPE_CHECKING:
    from jaxtyping import Int

# Drawn twice, the intervals are narrower by a third: from five differences four real tables were called level (open)
# whose better side ten differences name.
FOLDS, REPEATS = 5, 2
FOR_EVIDENCE = 0.25  # of the budget, kept for experiments and pictures while folds are run


def default_budget(rows: int) -> float:
    """Seconds that a comparison may take where nothing else is asked for.

    >>> default_budget(200), default_budget(1_000), default_budget(48_842)
    (10.0, 11.0, 100.0)
    """
    return min(max(6.0 + rows / 200.0, 10.0), 100.0)


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
        repeats: how often new folds are drawn; None is 2, and 1 with `time`.
        contenders: names of CONTENDERS, or Contender objects of your own; None is all that are installed.
        measure: that decides: "log_loss" (default), "error" or "auc"; for numbers "rmse" (default), "mae" or "r2".
        budget: seconds, or a text such as "60s" or "2m"; None is 6 s and 1 s for each 200 rows, from 10 to 100 s.
        evidence: whether to look at the properties of the data and to make experiments.
        seed: of folds, initial weights, orders and subsamples.
        engine: name of the engine of our network.
        threads: for every contender; None is as many as there are.
        progress: called with what begins and the share that is done, from 0 to 1.
        **recipe: settings of our network, as in `fit`.

    Returns:
        The comparison: `verdict`, `winner`, `results`, `difference`, `to_dict`.

    Ctrl-C ends it with what all contenders have run, if that is one fold or more, and says so in `cut`.

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
    randomness.check_seed(seed)
    engines.get(engine, threads)  # or it says why not
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
    if {*columns} & {*targets}:
        message = f"the rows cannot be parted by {columns[0]!r}, as it is the target; choose another column"
        raise InputError(message)
    unread = [name for name in dropped if name not in (*targets, *columns)]
    whole, _ = drop_missing_targets(table.read(data, without=unread), targets)
    clock.seconds = seconds_of(default_budget(whole.n_rows) if budget is None else budget)
    whole, parts, of_group, how = _parted(whole, targets, task, groups, time, n_folds, repeats, seed)
    encoder = Encoder.learn(whole, targets, task=task, drop=dropped, keep=kept)
    measures = DECIDING[encoder.task]
    decides = measures[0] if measure is None else check_choice(measure, measures, "measure")
    asked = _asked(
        task=task, drop=tuple(dropped), keep=tuple(kept), groups=groups, time=time, n_folds=n_folds, repeats=repeats,
        contenders=None if contenders is None else [one.name for one in chosen], measure=measure, budget=budget,
        evidence=evidence, seed=seed, engine=engine, threads=threads,
    )  # fmt: skip
    ran = Tournament(
        whole=whole, encoder=encoder, drop=tuple(dropped), keep=tuple(kept), contenders=chosen, clock=clock, seed=seed,
        options={"threads": threads, "recipe": settings, "engine": engine}, progress=progress or (lambda *_: None),
        total=len(parts) * len(chosen), groups=of_group,
    )  # fmt: skip
    with ran.interruptible():
        ran.run(parts[:n_folds], reserve=FOR_EVIDENCE * clock.seconds if evidence else 0.0)
        if evidence:
            ran.look(decides)
        looked = len(ran.done)
        ran.run(parts[looked:], reserve=0.0)
        if evidence and len(ran.done) > looked:
            ran.judge(decides)
    if ran.interrupted:
        clock.cut.append("it was interrupted, and what was not complete is left out")
    if len(ran.done) < len(parts):
        clock.cut.append(f"only {len(ran.done)} of {len(parts)} folds were run")
        how += f"; {len(ran.done)} of these {len(parts)} run" + (
            ", its test rows in parts" if len(ran.done) < FEWEST_FOLDS else ""
        )
    return Comparison(
        data=whole.name, target=targets[0], task=encoder.task,
        classes=tuple(encoder.classes.tolist()) if encoder.task == "classification" else (),
        rows=whole.n_rows, columns=len(encoder.columns), folds=how, ratio=ran.ratio, measure=decides,
        results=ran.results(), cut=tuple(clock.cut),
        settings={
            "thalweg": __version__, "seed": seed, "folds": n_folds, "run": len(ran.done),
            "learnt_from": len(ran.done[0].train), "training_rows": len(parts[0].train), "left_out": ran.left_out,
            "unused": {one.column: one.why for one in encoder.decisions if one.role == "dropped"},
            "budget": clock.seconds, "seconds": clock.spent, "interrupted": ran.interrupted, "engine": engine,
            "recipe": settings.to_dict(), "asked": asked,
        },
        runs=tuple(ran.done[:n_folds]), table=whole, **ran.evidence,
    )  # fmt: skip


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
) -> tuple[Table, list[folds.Fold], Int[np.ndarray, " n"] | None, str]:
    """The table without the column that parts it, the folds, the groups, and how they were made, in words."""
    n = whole.n_rows
    if n < 4 * k:
        message = f"{whole.name} has {n} rows with a target, and {k} folds need at least {4 * k}; give more rows" + (
            " or ask for fewer folds" if k > 2 else ""
        )
        raise TableError(message)
    if time is not None:
        if repeats not in (None, 1):
            message = f"repeats={repeats} would do nothing, as there is one order in time; leave it out"
            raise InputError(message)
        column, without = whole[time], int(whole[time].missing.sum())
        if column.kind is Kind.TEXT:  # "02.01.2024" would come after "01.12.2024"
            message = f"the column {time!r} is text, which has no order in time; make dates or numbers of it"
            raise TableError(message)
        whole = whole.take(~column.missing) if without else whole
        parts = list(folds.by_time(whole[time].values, k))
        _check_varied(
            parts, whole, target[0], strata(whole, target, task), f"the earliest by {time!r} are; ask for fewer folds"
        )
        how = f"in order of {time!r}: each of {len(parts)} folds is tested by later rows"
        how += f"; {without:,} row{'s' * (without != 1)} without it left out" if without else ""
        return whole.drop([time]), parts, None, how
    repeats = REPEATS if repeats is None else check_whole(repeats, 1, "repeats")
    labels = strata(whole, target, task)
    of_group = None
    how = f"{k} folds" + (f", drawn {repeats} times" if repeats > 1 else "")
    if groups is not None:
        column = whole[groups]
        of_group = np.unique(np.where(column.missing, "", column.values.astype(str)), return_inverse=True)[1]
        whole, how = whole.drop([groups]), f"{how}, the rows of one {groups!r} together"
    parts = list(folds.repeated(n, k, repeats, seed=seed, labels=labels, groups=of_group))
    _check_varied(
        parts, whole, target[0], labels, "hardly any row is of another; give more rows" if groups is None else
        f"those of one {groups!r} stay together; ask for fewer folds",
    )  # fmt: skip
    return whole, parts, of_group, f"{how}, of each class about the same share" if labels is not None else how


def _check_varied(
    parts: Sequence[folds.Fold], whole: Table, target: str, labels: Int[np.ndarray, " n"] | None, why: str
) -> None:
    """Raises TableError where nobody can learn from a fold, as its training rows all have the same target."""
    answers, what = (whole[target].values, "value") if labels is None else (labels, "class")
    if (answers == answers[0]).all():
        return  # a target of one value is refused by name when the encoder learns it
    if any((answers[fold.train] == answers[fold.train[0]]).all() for fold in parts):
        message = f"a fold would learn from rows of one {what} alone, as {why}"
        raise TableError(message)
