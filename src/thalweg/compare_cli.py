"""`thalweg compare`: our network and trees on the same folds of a table, and one library call for it."""

from __future__ import annotations

import shlex
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from thalweg import comparison_console, engines
from thalweg.budget import seconds_of
from thalweg.command_options import (
    Activation,
    Batch,
    Data,
    Drop,
    Dropout,
    Engine,
    Epochs,
    Hidden,
    Json,
    Keep,
    LearningRate,
    Patience,
    Task,
    WeightDecay,
    fail,
    names,
    whole_numbers,
)
from thalweg.comparing import FOLDS, REPEATS, compare
from thalweg.contenders import CONTENDERS
from thalweg.errors import InputError
from thalweg.fit_cli import HIDDEN
from thalweg.learning import Recipe
from thalweg.outputs import check_outputs
from thalweg.standings import DECIDING


FOR_REPORT = 3.0  # seconds of a budget, for start and report
_ABSENT = [f"{one.name} (pip install {one.package})" for one in CONTENDERS.values() if not one.installed]
EXAMPLES = (
    "Examples:\n\n  thalweg compare spam.csv --target class\n\n  thalweg compare visits.parquet --target returns "
    "--groups patient --budget 5m --report visits.html\n\n  thalweg compare \"SELECT * FROM 'log.csv' WHERE year > "
    '2020" --target delay --time day --contenders network,tree,boosting\n\n'
    + (
        f"Contenders that are not installed here: {', '.join(_ABSENT)}."
        if _ABSENT
        else "Every contender is installed here."
    )
)


def command(
    data: Data,
    target: Annotated[str, typer.Option(help="The column to predict.")],
    task: Task = "auto",
    drop: Drop = "",
    keep: Keep = "",
    groups: Annotated[
        str | None,
        typer.Option(help="A column whose rows of one value are never parted between training and test; no input."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="A column to sort by: folds are tested by later rows only; no input.")
    ] = None,
    n_folds: Annotated[int, typer.Option("--folds", help="Parts of the rows, each of which is tested once.")] = FOLDS,
    repeats: Annotated[
        int | None,
        typer.Option(show_default=f"{REPEATS}, or 1 with --time", help="How often new folds are drawn."),
    ] = None,
    contenders: Annotated[
        str | None,
        typer.Option(
            show_default="all that are installed",
            help=f"Parted by commas: {', '.join(f'{one.name} ({one.what})' for one in CONTENDERS.values())}.",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            show_default=" or ".join(measures[0] for measures in DECIDING.values()),
            help=f"That decides, of classes: {', '.join(DECIDING['classification'])}; of numbers: "
            f"{', '.join(DECIDING['regression'])}.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            show_default="8 s and 1 s for each 200 rows, about 12 to 102 s",
            help="How long it may take, such as 60s, 5m or 1h; what it does not hold is cut, and said.",
        ),
    ] = None,
    row: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default="where network and tree disagree most",
            help="Which row of the table the report explains, from 1, the header not counted.",
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(show_default="comparison.html", help="Where the report goes.")] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    no_evidence: Annotated[
        bool, typer.Option("--no-evidence", help="No properties of the data and no experiments.")
    ] = False,
    hidden: Hidden = HIDDEN,
    activation: Activation = Recipe.activation,
    dropout: Dropout = None,
    learning_rate: LearningRate = None,
    weight_decay: WeightDecay = Recipe.weight_decay,
    epochs: Epochs = Recipe.epochs,
    patience: Patience = Recipe.patience,
    batch: Batch = None,
    seed: Annotated[int, typer.Option(help="Of folds, weights, orders and subsamples.")] = 0,
    engine: Engine = engines.DEFAULT,
    threads: Annotated[
        int | None, typer.Option(show_default="as many as there are", help="For every contender.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no tables.")] = False,
    as_json: Json = False,
) -> None:
    """Compare our network with trees, a linear model and a constant on the same folds, and say which to use."""
    from thalweg.progress import WorkProgress

    for option, given in (("--report", report and str(report)), ("--row", row)):
        if no_report and given is not None:
            message = f"{option} {given!r} and --no-report exclude each other; leave one of them out"
            raise InputError(message)
    page = None if no_report else (report or Path("comparison.html"))
    check_outputs({"report": page}, {"table": data})
    asked = None if budget is None else seconds_of(budget)
    seconds = asked if asked is None or page is None else asked - min(FOR_REPORT, asked / 2.0)
    with nullcontext() if quiet else WorkProgress() as progress:
        found = compare(
            data, target, task=task, drop=names(drop), keep=names(keep), groups=groups, time=time, n_folds=n_folds,
            repeats=repeats, contenders=None if contenders is None else names(contenders), measure=measure,
            budget=seconds, evidence=not no_evidence, seed=seed, engine=engine, threads=threads, progress=progress,
            hidden=whole_numbers(hidden, "--hidden"), activation=activation, dropout=dropout,
            learning_rate=learning_rate, weight_decay=weight_decay, epochs=epochs, patience=patience, batch=batch,
        )  # fmt: skip
    if asked is not None:  # the report is in it
        settings = {**found.settings, "budget": asked, "asked": {**found.settings["asked"], "budget": budget}}
        found = replace(found, settings=settings)
    is_shown = not (quiet or as_json)
    if is_shown:
        comparison_console.compared(found)
    refused = None
    if page is not None:
        command = shlex.join(["thalweg", *sys.argv[1:]])
        try:
            found.report(page, command=command, row=row)
        except InputError as error:  # a row that no fold tested: what was compared is worth more than that
            if row is None:
                raise
            refused = error
            found.report(page, command=command)
    if as_json:
        comparison_console.as_json(found, str(page) if page else None)
    elif is_shown and page is not None:
        typer.echo(f"report  {page}")
    if refused is not None:
        message = f"{refused} (the report explains another row)"
        raise InputError(message)
    if found.settings["interrupted"]:
        where = (
            f"saved in {str(page)!r}" if page is not None else "shown" if is_shown or as_json else "lost with --quiet"
        )
        fail(130, f"interrupted; what was compared so far is {where}")
