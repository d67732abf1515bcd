"""The command line: parses, calls one library function, prints.

Exit status: 0 success; 2 wrong use or bad input (one sentence on standard error); 130 interrupted (what was reached is
saved and said); 1 anything else, a bug or a full disk, also with a sentence.
"""

from __future__ import annotations

import csv
import importlib
import io
import os
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import typer.main

from thalweg import console, engines
from thalweg.errors import FormulaError, InputError, ThalwegWarning
from thalweg.fitting import HOLDOUT, Recipe, fit
from thalweg.model import Model, load
from thalweg.outputs import check_outputs
from thalweg.stopping import Status


app = typer.Typer(
    name="thalweg",
    help="Feed-forward networks for tables: trained by gradient descent, every gradient open to inspection, and an "
    "honest answer when a tree would do better.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

# The commands that have files of their own, which are read when they are wanted: no other command waits for them.
ELSEWHERE = {"descend": "descend_cli", "explain": "explain_cli", "exercise": "exercise_cli"}

UsageError: Any = typer.BadParameter.__base__  # of Click, which some releases of Typer bring along and some need

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Engine = Annotated[str, typer.Option(help=f"Which engine computes: {', '.join(engines.available())}.")]
Data = Annotated[str, typer.Argument(help="A table: CSV (also .gz, .zst), Parquet, JSON lines, or a SELECT query.")]


def _version(wanted: bool) -> None:
    if wanted:
        from thalweg._version import __version__

        typer.echo(f"thalweg {__version__}")
        raise typer.Exit


@app.callback()
def start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What comes before every command."""


@app.command(
    "fit",
    epilog="Examples:\n\n  thalweg fit spam.csv --target class\n\n  thalweg fit houses.parquet --target price "
    "--drop id,date -o houses.thalweg\n\n"
    "  thalweg fit \"SELECT * FROM 'log.csv' WHERE year > 2020\" --target delay --task regression",
)
def fit_command(
    data: Data,
    target: Annotated[str, typer.Option(help="The column to predict; several are parted by commas.")],
    task: Annotated[str, typer.Option(help="auto, classification or regression.")] = "auto",
    drop: Annotated[str, typer.Option(help="Columns to leave out, parted by commas.")] = "",
    keep: Annotated[str, typer.Option(help="Columns to use although they look like identifiers or free text.")] = "",
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
    hidden: Annotated[str, typer.Option(help="Units of the hidden layers, parted by commas; 0 for none.")] = ",".join(
        map(str, Recipe.hidden)
    ),
    activation: Annotated[str, typer.Option(help="Activation of the hidden layers.")] = Recipe.activation,
    dropout: Annotated[
        float | None,
        typer.Option(
            show_default="0.2 for classes, 0.1 for numbers", help="Share of hidden units switched off in a step."
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            show_default="0.003 for classes, 0.01 for numbers", help="The largest; it follows four cosine cycles."
        ),
    ] = None,
    weight_decay: Annotated[float, typer.Option(help="Decoupled weight decay.")] = Recipe.weight_decay,
    epochs: Annotated[int, typer.Option(help="Sweeps over the training rows at most.")] = Recipe.epochs,
    patience: Annotated[
        int, typer.Option(help="Epochs without a better validation loss until it stops.")
    ] = Recipe.patience,
    batch: Annotated[
        int | None, typer.Option(show_default="64 below 3,000 rows, 128 below 16,000, else 256", help="Rows per step.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Seconds of training at most.")] = None,
    seed: Annotated[int, typer.Option(help="Of splits, weights, orders and dropout.")] = 0,
    engine: Engine = engines.DEFAULT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no figures.")] = False,
    as_json: Json = False,
) -> None:
    """Train a network on a table, measure it on rows held out, and leave a model and a report."""
    from thalweg import report as reports
    from thalweg.progress import Progress

    if no_report and report is not None:
        message = f"--report {str(report)!r} and --no-report exclude each other; leave one of them out"
        raise InputError(message)
    page = None if no_report else (report or output.with_suffix(".html"))
    check_outputs({"model": output, "report": page}, {"table": data, "test table": test})
    model = fit(
        data, _names(target), task=task, drop=_names(drop), keep=_names(keep), test=test, holdout=holdout,
        refit=refit, seed=seed, engine=engine, callbacks=() if quiet else (Progress(),),
        hidden=_whole_numbers(hidden, "--hidden"), activation=activation, dropout=dropout, learning_rate=learning_rate,
        weight_decay=weight_decay, epochs=epochs, patience=patience, batch=batch, seconds=seconds,
    )  # fmt: skip
    model.save(output)
    with _saved(model, output):
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


@app.command(
    epilog="Examples:\n\n  thalweg predict model.thalweg new.csv\n\n  thalweg predict model.thalweg new.parquet "
    "-o out.parquet\n\n  thalweg predict model.thalweg new.csv -o - | head"
)
def predict(
    model: Annotated[Path, typer.Argument(help="A model that `thalweg fit` wrote.")],
    data: Data,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Where the predictions go: .csv, .parquet, or - for standard output.")
    ] = "predictions.csv",
    engine: Engine = engines.DEFAULT,
) -> None:
    """Predict the target for each row: a column `prediction`, and `probability_<class>` for each class."""
    from thalweg import predictions

    predictions.check_output(output)
    if output != "-":
        check_outputs({"predictions": Path(output)}, {"model": str(model), "table": data})
    rows = predictions.write(load(model).predict_batches(data, engine=engine), output)
    if output != "-":
        typer.echo(f"{rows:,} predictions  {output}")


@app.command(epilog="Example:\n\n  thalweg inspect model.thalweg")
def inspect(
    model: Annotated[Path, typer.Argument(help="A model that `thalweg fit` wrote.")], as_json: Json = False
) -> None:
    """Show what a model is: its network, how it was trained, its figures, and what each column became and why."""
    loaded = load(model)
    if as_json:
        console.as_json(console.summary(loaded))
        return
    console.fitted(loaded)
    console.columns(loaded)


@app.command(name="engines")
def engines_command(as_json: Json = False) -> None:
    """Show which engines work here, and what the processor offers them."""
    from thalweg import _core

    try:
        processor = dict(_core.cpu_features())
    except ValueError as error:
        raise InputError(str(error)) from error
    listed = {name: what for name, (_, what) in engines.ENGINES.items()}
    if as_json:
        console.as_json({"engines": listed, "default": engines.DEFAULT, "processor": processor})
        return
    console.engines(listed, engines.DEFAULT, processor)


@app.command(epilog="Example:\n\n  thalweg demo --folder /tmp/thalweg-demo")
def demo(
    folder: Annotated[Path, typer.Option(help="Where the model and the report go.")] = Path("thalweg-demo"),
) -> None:
    """Train on a real table that comes along, and on the lecture's spam example."""
    from thalweg import demo as example
    from thalweg import report as reports
    from thalweg.progress import Progress

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        message = f"the folder {str(folder)!r} cannot be made ({error.strerror}); choose another with --folder"
        raise InputError(message) from error
    model_path, page = folder / "breast_cancer.thalweg", folder / "breast_cancer.html"
    check_outputs({"model": model_path, "report": page}, {})
    typer.echo("1. A real table: is a breast tumour malignant, from 30 measurements of its cell nuclei (569 rows)\n")
    model = fit(example.table(), "diagnosis", callbacks=(Progress(),))
    model.save(model_path)
    with _saved(model, model_path):
        reports.write(model, page, command="thalweg demo")
        console.fitted(model)

    typer.echo(
        "2. The lecture's example: is an e-mail spam, from its length and whether it comes from a trusted sender\n"
    )
    console.spam(example.spam())
    typer.echo(f"model   {model_path}\nreport  {page}")


def command_line(wanted: str | None = None) -> Any:
    """The commands as Typer makes them: all of them, or those in this file and the one that is wanted."""
    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    for name, room in ELSEWHERE.items():
        if name not in known and (name == wanted or wanted not in {*known, *ELSEWHERE}):
            module = importlib.import_module(f"thalweg.{room}")
            numbers = {"ignore_unknown_options": True}  # -3 is one
            app.command(name, epilog=module.EXAMPLES, context_settings=numbers)(module.command)
    return typer.main.get_command(app)


def main() -> None:
    """Run the command line; what it raises becomes a sentence and an exit status."""
    warnings.showwarning = _show_warning
    warnings.simplefilter("always", ThalwegWarning)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that lacks a letter shows its code, and no error
            stream.reconfigure(errors="backslashreplace")
    try:
        status = command_line(sys.argv[1] if len(sys.argv) > 1 else None)(standalone_mode=False)
    except UsageError as error:
        if not error.format_message():  # no arguments at all: the help is there already
            sys.exit(2)
        where = error.ctx.command_path if error.ctx else "thalweg"
        _fail(2, f"{error.format_message().rstrip('.')}; see {where} --help")
    except FormulaError as error:  # its lines show the place
        typer.echo(f"thalweg: {error}", err=True)
        sys.exit(2)
    except InputError as error:
        _fail(2, str(error))
    except (KeyboardInterrupt, typer.Abort):
        _fail(130, "interrupted; nothing was saved")
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; Python would complain at exit
        sys.exit(1)
    except OSError as error:
        _fail(1, f"{error.strerror or error}" + (f": {error.filename!r}" if error.filename else ""))
    except MemoryError:
        _fail(1, "the memory of this machine is not enough; give fewer rows or columns, or a smaller network")
    except Exception as error:
        if os.environ.get("THALWEG_TRACEBACK"):
            raise
        _fail(1, f"a bug: {type(error).__name__}: {error}. Set THALWEG_TRACEBACK=1 to see where, and please report it")
    if status == 130:  # some releases of Typer take Ctrl-C in their own hands
        _fail(130, "interrupted; nothing was saved")
    sys.exit(status if isinstance(status, int) else 0)


@contextmanager
def _saved(model: Model, path: Path) -> Iterator[None]:
    """After a model has been saved, Ctrl-C, now or in the training before, ends with a word that it has."""
    try:
        yield
        is_interrupted = model.status is Status.INTERRUPTED
    except (KeyboardInterrupt, typer.Abort):
        is_interrupted = True
    if is_interrupted:
        _fail(130, f"interrupted; the best weights so far are saved in {str(path)!r}")


def _fail(status: int, message: str) -> NoReturn:
    typer.echo(f"thalweg: {' '.join(message.split())}", err=True)
    sys.exit(status)


def _show_warning(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
    if issubclass(category, ThalwegWarning):
        typer.echo(f"thalweg: warning: {message}", err=True)


def _names(listed: str) -> list[str]:
    """Names parted by commas; one that has a comma itself stands in double quotes, as in a CSV file."""
    try:
        return [name.strip() for name in next(csv.reader([listed], skipinitialspace=True), []) if name.strip()]
    except csv.Error as error:
        message = f"{listed!r} is no list of names ({error}); put a name with a line end in double quotes"
        raise InputError(message) from error


def _whole_numbers(listed: str, option: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(number) for number in listed.split(","))
    except ValueError:
        message = f"{option} takes whole numbers parted by commas, such as 64,32, not {listed!r}"
        raise InputError(message) from None
    return () if numbers == (0,) else numbers
