"""`thalweg export`: a model as a file that other programs run without Thalweg, ONNX or C by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thalweg import c_export, estimator_files, onnx_export, safe_file
from thalweg.errors import InputError
from thalweg.model import load
from thalweg.outputs import check_outputs, form_of


# A form, its suffix without the dot, and the room that writes it.
FORMS = {"onnx": onnx_export, "c": c_export}

EXAMPLES = """Examples:

  thalweg export model.thalweg spam.onnx

  thalweg export model.thalweg spam.c

  cc -std=c99 -O2 -DTHALWEG_MAIN spam.c -lm -o spam"""


def command(
    model: Annotated[Path, typer.Argument(help="A model that `thalweg fit` wrote, or an estimator's file.")],
    out: Annotated[
        Path, typer.Argument(help="Where it goes: .onnx for ONNX runtimes, .c for C99 without dependencies.")
    ],
    as_c: Annotated[bool, typer.Option("--c", help="Write C whatever the name of the file.")] = False,
    as_onnx: Annotated[bool, typer.Option("--onnx", help="Write ONNX whatever the name of the file.")] = False,
) -> None:
    """Write a model as ONNX or as C, the encoding of the columns included: raw cells in, predictions out.

    What an MLPClassifier or MLPRegressor saved is written too: rows of numbers in, predictions out.
    """
    if as_c and as_onnx:
        message = "--c and --onnx exclude each other; leave one of them out"
        raise InputError(message)
    form = "c" if as_c else "onnx" if as_onnx else form_of(out, tuple(FORMS), "an exported model")
    check_outputs({"export": out}, {"model": str(model)})
    if safe_file.kind_of(model) == "estimator":
        network, parameters, labels = estimator_files.load_network(model)
        FORMS[form].write_network(out, network, parameters, labels)
        inputs = network.sizes[0]
    else:
        loaded = load(model)
        FORMS[form].write_model(out, loaded.encoder, loaded.network, loaded.parameters)
        inputs = len(loaded.encoder.columns)
    typer.echo(f"export  {out}  ({inputs} input{'s' if inputs > 1 else ''})")
