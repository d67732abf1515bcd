"""`thalweg export`: a model as a file that other programs run without Thalweg, ONNX or C by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thalweg.model import Model, load
from thalweg.outputs import check_outputs, form_of


# A form, its suffix without the dot, and what writes it.
FORMS = {"onnx": Model.to_onnx, "c": Model.to_c}

EXAMPLES = """Examples:

  thalweg export model.thalweg spam.onnx

  thalweg export model.thalweg spam.c

  cc -std=c99 -O2 -DTHALWEG_MAIN spam.c -lm -o spam"""


def command(
    model: Annotated[Path, typer.Argument(help="A model that `thalweg fit` wrote.")],
    out: Annotated[
        Path, typer.Argument(help="Where it goes: .onnx for ONNX runtimes, .c for C99 without dependencies.")
    ],
) -> None:
    """Write a model as ONNX or as C, the encoding of the columns included: raw cells in, predictions out."""
    form = form_of(out, tuple(FORMS), "an exported model")
    check_outputs({"export": out}, {"model": str(model)})
    loaded = load(model)
    FORMS[form](loaded, out)
    columns = len(loaded.encoder.columns)
    typer.echo(f"export  {out}  ({columns} input{'s' if columns > 1 else ''})")
