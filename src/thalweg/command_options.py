"""What several commands have in common: options, and what is typed in them."""

from __future__ import annotations

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
ConventionsFile = Annotated[
    Path | None, typer.Option(help="A TOML file with your lecture's symbols, ½, sum or mean, rows or columns.")
]


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
