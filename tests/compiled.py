"""For tests: an exported C file compiled by the machine's compiler, and called on raw cells through its structures."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest


STRICT = "-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wvla -Wwrite-strings -Werror -O2".split()
CC = shutil.which("cc")
needs_compiler = pytest.mark.skipif(CC is None, reason="there is no C compiler (cc) here")
TYPES = {
    "number": ctypes.c_double, "boolean": ctypes.c_double, "presence": ctypes.c_double, "text": ctypes.c_char_p,
    "date": ctypes.c_int64,
}  # fmt: skip


def compile(*arguments: Any, options: Sequence[str] = STRICT) -> None:
    """Run the compiler; its complaints are the failure."""
    done = subprocess.run([str(CC), *options, *map(str, arguments), "-lm"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def program(source: Path, *options: str) -> Path:
    """The small program at the end of the file."""
    made = source.with_suffix("")
    compile(source, "-DTHALWEG_MAIN", "-o", made, options=[*STRICT, *options])
    return made


def library(source: Path) -> ctypes.CDLL:
    """The file as a shared library."""
    compile(source, "-shared", "-fPIC", "-o", source.with_suffix(".so"))
    return ctypes.CDLL(str(source.with_suffix(".so")))


def structure(members: Sequence[tuple[str, Any]]) -> Any:
    """A structure of C with these members."""
    return type("Structure", (ctypes.Structure,), {"_fields_": list(members)})


def classes(k: int, real: Any = ctypes.c_float) -> Any:
    """What a classifier answers."""
    return structure([("label", ctypes.c_char_p), ("index", ctypes.c_size_t), ("probabilities", real * k)])


def numbers(names: Sequence[str]) -> Any:
    """What a model of numbers answers."""
    return structure([(name, ctypes.c_double) for name in names])


def answers(path: Path, members: Sequence[tuple[str, Any]], cells: Sequence[np.ndarray], output: Any) -> list[Any]:
    """The answer for each row: the members of the input structure with their `exports.Input`, and their cells."""
    predict = getattr(library(path), f"{path.stem}_predict")
    predict.restype = None
    Row = structure([(name, TYPES[each.kind]) for name, each in members])
    found = []
    for row in zip(*cells, strict=True):
        plain = [_plain(cell) for cell in row]
        answer = output()
        predict(ctypes.byref(Row(*plain)), ctypes.byref(answer))
        found.append(answer)
    return found


def _plain(cell: Any) -> Any:
    if isinstance(cell, str):
        return cell.encode()
    return cell.item() if isinstance(cell, np.generic) else cell  # bytes, and None for NULL, as they are
