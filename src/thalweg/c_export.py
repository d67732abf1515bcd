"""A model, or a bare network, as one file of C99 that needs nothing but the standard library.

Parameters are constants, nothing is allocated, nothing is kept between two calls: any number of threads may predict.
The network computes in the type of its parameters, features and units in double. All names in the file begin with that
of the file, so that several models fit into one program.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import c_answers, c_program, whole_file
from thalweg._version import __version__
from thalweg.c_features import features
from thalweg.c_network import network_code, real_of
from thalweg.c_words import comment, filled, letters
from thalweg.encoding import Encoder
from thalweg.exports import check_labels, classes_of
from thalweg.labels import Labels
from thalweg.network import Network


if TYPE_CHECKING:
    from jaxtyping import Float


def write_model(
    path: str | os.PathLike[str],
    encoder: Encoder,
    network: Network,
    parameters: Float[np.ndarray, " p"],
    labels: Sequence[np.ndarray] | None = None,
) -> None:
    """Write encoder and network to one C file, whole or not at all.

    With `labels`, for each target its classes in order, they are written as these instead of the encoder's.

    Raises:
        InputError: C cannot hold a text, a layer is too wide for the stack, an activation is made of Python functions,
            or the folder is missing.
        OSError: the disk is full or broken; an old file of this name survives.
    """
    _write(path, model_source(name_of(path), encoder, network, parameters, labels))


def write_network(
    path: str | os.PathLike[str],
    network: Network,
    parameters: Float[np.ndarray, " p"],
    labels: Sequence[Any] | Labels | None = None,
) -> None:
    """Write a network without an encoder, whose input is an array X in the type of the parameters.

    The answer has `prediction`, what the network puts out: a number or an array. With `labels` (an estimator's, or one
    for each output, or two for a single sigmoid output) it has `label`, `index` and `probabilities`; for "multilabel"
    `prediction`, 0 or 1 for each, and `probabilities`; for several columns of classes a member y0, y1, … of each.

    Raises:
        InputError: as `write_model`, or the labels do not fit.
        OSError: the disk is full or broken; an old file of this name survives.
    """
    _write(path, network_source(name_of(path), network, parameters, labels))


def model_source(
    name: str,
    encoder: Encoder,
    network: Network,
    parameters: Float[np.ndarray, " p"],
    labels: Sequence[np.ndarray] | None = None,
) -> str:
    """Encoder and network as C, every name beginning with `name`.

    Raises:
        InputError: C cannot hold a text, or a layer is too wide for the stack.
    """
    asked, answer = features(encoder), c_answers.of_table(encoder, classes_of(encoder, labels))
    targets = ", ".join(map(comment, encoder.targets))
    return _file(
        name,
        parameters,
        about=f"Predicts {targets} ({encoder.task}) from the raw cells of a row",
        declarations=asked.declarations + answer.declarations,
        signature="void @_predict(const @_input *input, @_output *output)",
        code=asked.code + network_code(network, parameters) + answer.code,
        body=f"@real x[{network.sizes[0]}], y[{network.sizes[-1]}];\n    @_encode(input, x);\n    @_network(x, y);",
        program=c_program.of_table(asked.members, answer.printed),
    )


def network_source(
    name: str, network: Network, parameters: Float[np.ndarray, " p"], labels: Sequence[Any] | Labels | None = None
) -> str:
    """A network without an encoder as C, every name beginning with `name`.

    Raises:
        InputError: a layer is too wide for the stack, the labels do not fit, or C cannot hold one.
    """
    named = None if labels is None else check_labels(labels, network)
    parameters = network.check_parameters(parameters)
    inputs, outputs = network.sizes[0], network.sizes[-1]
    answer = c_answers.of_network(named, outputs, parameters.dtype)
    return _file(
        name,
        parameters,
        about=f"A network of {inputs} inputs and {outputs} outputs",
        declarations=answer.declarations,
        signature=f"void @_predict(const @real X[{inputs}], @_output *output)",
        code=network_code(network, parameters) + answer.code,
        body=f"@real y[{outputs}];\n    @_network(X, y);",
        program=c_program.of_network(inputs, answer.printed),
    )


def name_of(path: str | os.PathLike[str]) -> str:
    """What all names in a file begin with: the file's name as C can have it.

    >>> name_of("models/spam-2.c")
    'spam_2'
    """
    return letters(Path(path).stem)


def _file(
    name: str,
    parameters: Float[np.ndarray, " p"],
    *,
    about: str,
    declarations: str,
    signature: str,
    code: str,
    body: str,
    program: str,
) -> str:
    whole = _FILE.format(about=about, declarations=declarations, signature=signature, code=code, body=body)
    return filled(whole + program, name, real_of(parameters))


_FILE = (
    f"/* Made by Thalweg {__version__}. "
    + """{about}.

   C99 and the standard library only, compiled without -ffast-math, which knows no missing numbers:
       cc -std=c99 -O2 -c @.c                        and link with -lm
       cc -std=c99 -O2 -DTHALWEG_MAIN @.c -lm        for a program that reads rows (see its end)
   In other files: #define THALWEG_DECLARATIONS before #include "@.c". */
#ifndef @_DECLARED
#define @_DECLARED
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {{
#endif

{declarations}
{signature};

#ifdef __cplusplus
}}
#endif
#endif

#ifndef THALWEG_DECLARATIONS
#include <math.h>
#include <string.h>

{code}{signature}
{{
    {body}
    @_answer(y, output);
}}
#endif
"""
)


def _write(path: str | os.PathLike[str], source: str) -> None:
    with whole_file.writing(path) as file:
        file.write(source.encode())
