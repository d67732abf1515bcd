"""What several commands have in common: options, and what is typed in them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from thalweg import engines
from thalweg.arithmetic import Rounding
from thalweg.errors import InputError
from thalweg.settings import check_choice
from thalweg.stopping import Status


if TYPE_CHECKING:
    from thalweg.model import Model


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Engine = Annotated[str, typer.Option(help=f"Which engine computes: {', '.join(engines.available())}.")]
Data = Annotated[str, typer.Argument(help="A table: CSV (also .gz, .zst), Parquet, JSON lines, or a SELECT query.")]
Task = Annotated[str, typer.Option(help="auto, classification or regression.")]
Drop = Annotated[str, typer.Option(help="Columns to leave out, parted by commas.")]
Keep = Annotated[str, typer.Option(help="Columns to use although they look like identifiers or free text.")]
# Of the recipe of a network for a table.
Hidden = Annotated[str, typer.Option(help="Units of the hidden layers, parted by commas; 0 for none.")]
Activation = Annotated[str, typer.Option(help="Activation of the hidden layers.")]
Dropout = Annotated[
    float | None,
    typer.Option(show_default="0.2 for classes, 0.1 for numbers", help="Share of hidden units switched off in a step."),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        show_default="0.003 for classes, 0.01 for numbers", help="The largest; it follows four cosine cycles."
    ),
]
WeightDecay = Annotated[float, typer.Option(help="Decoupled weight decay.")]
Epochs = Annotated[int, typer.Option(help="Sweeps over the training rows at most.")]
Patience = Annotated[int, typer.Option(help="Epochs without a better validation loss until it stops.")]
Batch = Annotated[
    int | None, typer.Option(show_default="64 below 3,000 rows, 128 below 16,000, else 256", help="Rows per step.")
]
ConventionsFile = Annotated[
    Path | None, typer.Option(help="A TOML file with your lecture's symbols, ½, sum or mean, rows or columns.")
]


def names(listed: str) -> list[str]:
    """Names parted by commas; one that has a comma itself stands in double quotes, as in a CSV file.

    Raises:
        InputError: a double quote is not closed, or a name has a line end outside of them.

    >>> names('age, "income, monthly"')
    ['age', 'income, monthly']
    """
    try:
        return [name.strip() for name in next(csv.reader([listed], skipinitialspace=True), []) if name.strip()]
    except csv.Error as error:
        message = f"{listed!r} is no list of names ({error}); put a name with a line end in double quotes"
        raise InputError(message) from error


def whole_numbers(listed: str, option: str) -> tuple[int, ...]:
    """Whole numbers parted by commas; none of them for 0.

    Raises:
        InputError: there is something else, at this option.

    >>> whole_numbers("64,32", "--hidden"), whole_numbers("0", "--hidden")
    ((64, 32), ())
    """
    try:
        numbers = tuple(int(number) for number in listed.split(","))
    except ValueError:
        message = f"{option} takes whole numbers parted by commas, such as 64,32, not {listed!r}"
        raise InputError(message) from None
    return () if numbers == (0,) else numbers


def rounding(digits: int | None, decimals: int | None) -> Rounding | None:
    """What --digits or --decimals ask for; None where neither is given.

    Raises:
        InputError: both are given, or one is out of range.

    >>> rounding(None, 2)
    Rounding(digits=2, decimals=True)
    """
    if digits is not None and decimals is not None:
        message = "--digits and --decimals exclude each other; leave one of them out"
        raise InputError(message)
    if decimals is not None:
        return Rounding(decimals, decimals=True)
    return None if digits is None else Rounding(digits)


def format_of(given: str | None, output: Path | None, formats: Mapping[str, str], what: str) -> str:
    """The format that is asked for by name, else that of the file's suffix, else text.

    Args:
        given: by --format.
        output: the file, if any.
        formats: format → suffix of its files.
        what: is written, for the message.

    Raises:
        InputError: there is no such format, or no suffix tells it.

    >>> format_of(None, Path("sheet.TEX"), {"text": ".txt", "latex": ".tex"}, "a sheet")
    'latex'
    """
    if given is not None:
        return check_choice(given, tuple(formats), "--format")
    if output is None:
        return "text"
    for name, suffix in formats.items():
        if output.suffix.lower() == suffix:
            return name
    message = (
        f"{what} is written as {', '.join(formats.values())}, and the name {str(output)!r} ends with none of them; "
        f"change it, or give --format"
    )
    raise InputError(message)


@contextmanager
def saved(model: Model, path: Path) -> Iterator[None]:
    """After a model has been saved, Ctrl-C, now or in the training before, ends with a word that it has."""
    try:
        yield
        is_interrupted = model.status is Status.INTERRUPTED
    except (KeyboardInterrupt, typer.Abort):
        is_interrupted = True
    if is_interrupted:
        fail(130, f"interrupted; the best weights so far are saved in {str(path)!r}")


def fail(status: int, message: str) -> NoReturn:
    """End with a sentence on standard error and this exit status."""
    typer.echo(f"thalweg: {' '.join(message.split())}", err=True)
    sys.exit(status)
