"""The command line: parses, calls one library function, prints.

Exit status: 0 success; 2 wrong use or bad input (one sentence on standard error); 130 interrupted (what was reached is
saved and said); 1 anything else, a bug or a full disk, also with a sentence.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.main

from thalweg import engines
from thalweg.command_options import Data, Engine, Json, fail, saved
from thalweg.errors import FormulaError, InputError, ThalwegWarning
from thalweg.outputs import check_outputs


app: typer.Typer = typer.Typer(
    name="thalweg",
    help="Feed-forward networks for tables: trained by gradient descent, every gradient open to inspection, and an "
    "honest answer when a tree would do better.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

# The commands that have files of their own, which are read when they are wanted: no other command waits for them.
ELSEWHERE = {
    "fit": "fit_cli",
    "compare": "compare_cli",
    "export": "export_cli",
    "descend": "descend_cli",
    "explain": "explain_cli",
    "exercise": "exercise_cli",
    "spam": "spam_cli",
}

UsageError: Any = typer.BadParameter.__base__  # of Click, which some releases of Typer bring along and some need


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
    from thalweg.model import load

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
    from thalweg import console
    from thalweg.model import load

    loaded = load(model)
    if as_json:
        console.as_json(console.summary(loaded))
        return
    console.fitted(loaded)
    console.columns(loaded)


@app.command(name="engines")
def engines_command(as_json: Json = False) -> None:
    """Show which engines work here, and what the processor offers them."""
    from thalweg import _core, console

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
    from thalweg import console
    from thalweg import demo as example
    from thalweg import report as reports
    from thalweg.fitting import fit
    from thalweg.progress import ProgressBar

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        message = f"the folder {str(folder)!r} cannot be made ({error.strerror}); choose another with --folder"
        raise InputError(message) from error
    model_path, page = folder / "breast_cancer.thalweg", folder / "breast_cancer.html"
    check_outputs({"model": model_path, "report": page}, {})
    typer.echo("1. A real table: is a breast tumour malignant, from 30 measurements of its cell nuclei (569 rows)\n")
    model = fit(example.table(), "diagnosis", callbacks=(ProgressBar(),))
    model.save(model_path)
    with saved(model, model_path):
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
    known |= {group.name for group in app.registered_groups}
    for name, room in ELSEWHERE.items():
        if name not in known and (name == wanted or wanted not in {*known, *ELSEWHERE}):
            module = importlib.import_module(f"thalweg.{room}")
            if hasattr(module, "group"):  # of commands under one name
                app.add_typer(module.group, name=name)
                continue
            settings = getattr(module, "SETTINGS", {})
            app.command(name, epilog=module.EXAMPLES, context_settings=settings)(module.command)
    return typer.main.get_command(app)


def commands() -> dict[str, Any]:
    """Every command by what is typed for it, those of a group as in "spam train"."""
    named: dict[str, Any] = {}
    for name, command in command_line().commands.items():
        below = getattr(command, "commands", None)
        named |= {name: command} if below is None else {f"{name} {key}": one for key, one in below.items()}
    return named


def main() -> None:
    """Run the command line; what it raises becomes a sentence and an exit status."""
    gc.set_threshold(100_000)  # what imports make stays: to look through it time and again takes a tenth of a command
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
        fail(2, f"{error.format_message().rstrip('.')}; see {where} --help")
    except FormulaError as error:  # its lines show the place
        typer.echo(f"thalweg: {error}", err=True)
        sys.exit(2)
    except InputError as error:
        fail(2, str(error))
    except (KeyboardInterrupt, typer.Abort):
        fail(130, "interrupted; nothing was saved")
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; Python would complain at exit
        sys.exit(1)
    except OSError as error:
        fail(1, f"{error.strerror or error}" + (f": {error.filename!r}" if error.filename else ""))
    except MemoryError:
        fail(1, "the memory of this machine is not enough; give fewer rows or columns, or a smaller network")
    except Exception as error:
        if os.environ.get("THALWEG_TRACEBACK"):
            raise
        fail(1, f"a bug: {type(error).__name__}: {error}. Set THALWEG_TRACEBACK=1 to see where, and please report it")
    if status == 130:  # some releases of Typer take Ctrl-C in their own hands
        fail(130, "interrupted; nothing was saved")
    sys.exit(status if isinstance(status, int) else 0)


def _show_warning(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
    if issubclass(category, ThalwegWarning):
        typer.echo(f"thalweg: warning: {message}", err=True)
