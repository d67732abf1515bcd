"""Callbacks that write a row for every epoch to a file, at once, so that `tail -f` shows it."""

from __future__ import annotations

import csv
import json
import math
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from thalweg import whole_file
from thalweg.errors import InputError, ThalwegWarning
from thalweg.outputs import check_place
from thalweg.settings import check_choice


if TYPE_CHECKING:
    from thalweg.run import Run

COLUMNS = ("epoch", "steps", "seconds", "loss", "validation_loss", "learning_rate")
IF_EXISTS = ("refuse", "append", "overwrite")


@dataclass(eq=False)
class EpochLog(ABC):
    """One row for each epoch: what all kinds of such files share.

    A file that was there before is refused, appended to or overwritten. A second training with the same object (as in
    fit(refit=True)) goes on below the first. What other callbacks put into run.metrics is written too, if they are
    listed before the log.
    """

    path: str | os.PathLike[str]
    if_exists: str = "refuse"
    _file: TextIO | None = field(init=False, repr=False, default=None)
    _is_ours: bool = field(init=False, repr=False, default=False)
    _names: tuple[str, ...] | None = field(init=False, repr=False, default=None)  # of the metrics in the last row

    def __post_init__(self) -> None:
        check_choice(self.if_exists, IF_EXISTS, f"{type(self).__name__}: if_exists")

    def on_start(self, run: Run) -> None:
        """Before the run: open the file.

        Raises:
            InputError: it cannot be written there, or exists and is to be kept.
        """
        path = Path(self.path)
        check_place(path)
        if path.exists() and not self._is_ours and self.if_exists == "refuse":
            message = (
                f"the log {str(path)!r} exists; give {type(self).__name__} another path, or if_exists='append' or "
                f"'overwrite'"
            )
            raise InputError(message)
        goes_on = path.exists() and (self._is_ours or self.if_exists == "append")
        try:
            self._file = open(path, "a" if goes_on else "w", encoding="utf-8", newline="")
        except OSError as error:
            whole_file.raise_sentence(error, os.fspath(path), "written")
        self._is_ours, self._names = True, None

    def on_epoch(self, run: Run) -> None:
        """Write the row of the epoch of the run that has just ended."""
        assert self._file is not None
        row: dict[str, Any] = {"epoch": run.epoch, "steps": int(run.history.latest("steps"))}
        row |= {name: run.history.latest(name) for name in COLUMNS[2:]}
        self._names = tuple(run.metrics)
        self._write(self._file, row | {name: float(value) for name, value in run.metrics.items()})
        self._file.flush()

    def on_end(self, run: Run) -> None:
        """After the run: close the file; safe to call twice."""
        if self._file is None:
            return
        self._file.close()
        self._file = None
        late = [name for name in run.metrics if self._names is not None and name not in self._names]
        if late:
            message = (
                f"{self!r} stands before the callback that measures {late[0]!r}, and could not write it; list the log "
                f"after it"
            )
            warnings.warn(message, ThalwegWarning, stacklevel=2)

    @abstractmethod
    def _write(self, file: TextIO, row: Mapping[str, Any]) -> None:
        """Write one row."""


@dataclass(eq=False)
class CSVLog(EpochLog):
    """Write epoch, steps, seconds, losses, learning rate and metrics of each epoch to a CSV file; nan is empty.

    Args:
        path: of the file.
        if_exists: "refuse" a file that is there, "append" to it, if its columns are the same, or "overwrite" it.

    The columns are those of the first row: a metric that comes later is left out, with a warning.

    Raises:
        InputError: if_exists is none of these; when training starts, the file cannot be written, or exists.

    >>> import tempfile, thalweg as tw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/run.csv"
    ...     result = tw.train(tw.Network([1, 1]), [[1.0]], [1.0], stop=tw.Stop(epochs=2), callbacks=[CSVLog(path)])
    ...     Path(path).read_text().split()[0]
    'epoch,steps,seconds,loss,validation_loss,learning_rate'
    """

    _columns: list[str] | None = field(init=False, repr=False, default=None)

    def on_start(self, run: Run) -> None:
        """Before the run: open the file, and read what columns it has."""
        super().on_start(run)
        with open(self.path, encoding="utf-8", newline="") as file:
            self._columns = next(csv.reader(file), None)
        self._is_checked = False

    def _write(self, file: TextIO, row: Mapping[str, Any]) -> None:
        writer = csv.writer(file, lineterminator="\n")
        if self._columns is None:
            self._columns = list(row)
            writer.writerow(self._columns)
        elif not self._is_checked and self._columns != list(row):
            message = (
                f"the log {str(self.path)!r} has the columns {', '.join(self._columns)}, and there would be "
                f"{', '.join(row)} now; give another path, or if_exists='overwrite'"
            )
            raise InputError(message)
        elif new := [name for name in row if name not in self._columns]:
            message = f"the log {str(self.path)!r} has no column for {', '.join(new)}, which came after its first row"
            warnings.warn(message, ThalwegWarning, stacklevel=2)
        self._is_checked = True
        values = [row.get(name, math.nan) for name in self._columns]
        writer.writerow(["" if math.isnan(value) else value for value in values])


@dataclass(eq=False)
class JSONLog(EpochLog):
    """Write epoch, steps, seconds, losses, learning rate and metrics of each epoch to a file of JSON lines.

    Args:
        path: of the file.
        if_exists: "refuse" a file that is there, "append" to it, or "overwrite" it.

    What is not finite is null, as JSON has no such numbers.

    Raises:
        InputError: if_exists is none of these; when training starts, the file cannot be written, or exists.

    >>> import tempfile, thalweg as tw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = folder + "/run.jsonl"
    ...     result = tw.train(tw.Network([1, 1]), [[1.0]], [1.0], stop=tw.Stop(epochs=2), callbacks=[JSONLog(path)])
    ...     [json.loads(line)["epoch"] for line in Path(path).read_text().splitlines()]
    [1, 2]
    """

    def _write(self, file: TextIO, row: Mapping[str, Any]) -> None:
        plain = {name: value if math.isfinite(value) else None for name, value in row.items()}
        file.write(json.dumps(plain, ensure_ascii=False) + "\n")
