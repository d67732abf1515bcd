"""Predictions of a table of any size, written as CSV or Parquet by the name of the output, some rows at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from thalweg import whole_file
from thalweg.errors import InputError


if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".csv", ".parquet")


def check_output(path: str | os.PathLike[str]) -> str:
    """The suffix of an output, "-" meaning CSV on standard output.

    Raises:
        InputError: the name ends neither in .csv nor in .parquet.
    """
    suffix = Path(path).suffix.lower()
    if str(path) != "-" and suffix not in SUFFIXES:
        message = f"predictions are written as .csv or .parquet, by the name of the output, not {str(path)!r}"
        raise InputError(message)
    return suffix or ".csv"


def write(batches: Iterable[dict[str, np.ndarray]], path: str | os.PathLike[str]) -> int:
    """Write named columns, batch after batch, to one file, whole or not at all; the number of rows.

    Raises:
        InputError: the name ends neither in .csv nor in .parquet, or the folder does not exist.
        OSError: the disk is full or fails; an old file of this name survives.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    suffix = check_output(path)
    rows, writer = 0, None
    with _opened(path) as file:
        try:
            for columns in batches:
                batch = pa.table({name: pa.array(values) for name, values in columns.items()})
                if writer is None:
                    start: Any = pyarrow.parquet.ParquetWriter if suffix == ".parquet" else pyarrow.csv.CSVWriter
                    writer = start(file, batch.schema)
                writer.write_table(batch)
                rows += batch.num_rows
        finally:  # also after an error, or it would try to close a file that has gone
            if writer is not None:
                writer.close()
    return rows


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with whole_file.writing(path) as file:
            yield file
