"""`thalweg fit`: what is typed as a recipe, and one library call for it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from thalweg import console, engines
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
    names,
    saved,
    whole_numbers,
)
from thalweg.errors import InputError
from thalweg.fitting import HOLDOUT, Recipe, fit
from thalweg.outputs import check_outputs


HIDDEN = ",".join(map(str, Recipe.hidden))
EXAMPLES = (
    "Examples:\n\n  thalweg fit spam.csv --target class\n\n  thalweg fit houses.parquet --target price "
    "--drop id,date -o houses.thalweg\n\n"
    "  thalweg fit \"SELECT * FROM 'log.csv' WHERE year > 2020\" --target delay --task regression"
)


def command(
    data: Data,
    target: Annotated[str, typer.Option(help="The column to predict; several are parted by commas.")],
    task: Task = "auto",
    drop: Drop = "",
    keep: Keep = "",
    test: Annotated[str | None, typer.Option(help="A table to measure on, instead of holding rows out.")] = None,
    holdout: Annotated[
        float, typer.Option(help="Share of the rows held out to measure on; 0 uses every row.")
    ] = HOLDOUT,
    refit: Annotated[bool, typer.Option("--refit", help="Train again on all rows for the epochs found.")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the model goes.")] = Path("model.thalweg"),
    report: Annotated[
        Path | None, typer.Option(help="Where the report goes; without it, beside the model as .html.")
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    hidden: Hidden = HIDDEN,
    activation: Activation = Recipe.activation,
    dropout: Dropout = None,
    learning_rate: LearningRate = None,
    weight_decay: WeightDecay = Recipe.weight_decay,
    epochs: Epochs = Recipe.epochs,
    patience: Patience = Recipe.patience,
    batch: Batch = None,
    seconds: Annotated[float | None, typer.Option(help="Seconds of training at most.")] = None,
    seed: Annotated[int, typer.Option(help="Of splits, weights, orders and dropout.")] = 0,
    engine: Engine = engines.DEFAULT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no figures.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network on a table, measure it on rows held out, and leave a model and a report."""
    from thalweg import report as reports
    from thalweg.progress import ProgressBar

    if no_report and report is not None:
        message = f"--report {str(report)!r} and --no-report exclude each other; leave one of them out"
        raise InputError(message)
    page = None if no_report else (report or output.with_suffix(".html"))
    check_outputs({"model": output, "report": page}, {"table": data, "test table": test})
    model = fit(
        data, names(target), task=task, drop=names(drop), keep=names(keep), test=test, holdout=holdout,
        refit=refit, seed=seed, engine=engine, callbacks=() if quiet else (ProgressBar(),),
        hidden=whole_numbers(hidden, "--hidden"), activation=activation, dropout=dropout, learning_rate=learning_rate,
        weight_decay=weight_decay, epochs=epochs, patience=patience, batch=batch, seconds=seconds,
    )  # fmt: skip
    model.save(output)
    with saved(model, output):
        is_shown = not (quiet or as_json)
        if is_shown:
            console.fitted(model)
            typer.echo(f"model   {output}")
        if page is not None:
            reports.write(model, page, command=shlex.join(["thalweg", *sys.argv[1:]]))
        if as_json:
            console.as_json({**console.summary(model), "model": str(output), "report": str(page) if page else None})
        elif is_shown and page is not None:
            typer.echo(f"report  {page}")
    if model.status.is_failure:
        typer.echo(f"thalweg: {model.settings['message']} The best weights before that are saved.", err=True)
