"""What a walk leaves behind: a row for each step, thinned on long walks so that memory stays bounded."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from thalweg.landscape import Point, dot


if TYPE_CHECKING:
    from jaxtyping import Float, Int

MEMORY = 128 * 2**20  # bytes; a million steps in one dimension fit
SHORT = 8  # coordinates up to which one call that appends them all is sooner done than three
FEWEST = 3  # rows that are kept whatever their length


class Row(NamedTuple):
    """Where a walk stood after step `step`, 0 being the start, and what the step took."""

    step: int
    point: Point
    gradient_norm: float
    rate: float
    backtracks: int
    evaluations: int  # of f, since the start
    seconds: float  # since the start


COLUMNS = ("step", "value", "gradient_norm", "rate", "backtracks", "evaluations", "seconds", "turn")
TURN = COLUMNS.index("turn")


class Trail:
    """Rows in the order of the steps. When there are too many, every second one goes; first, last and best stay.

    It is read after `close`. The column "turn" is gᵀg₋ / g₋ᵀg₋: the share of the gradient that the step left, negative
    where it went past the bottom; nan where there is no step before.
    """

    def __init__(self, n: int, most: int | None = None) -> None:
        """`n` coordinates; `most` rows at most, by default as many as fit into 128 MiB."""
        self._n, self._width = n, len(COLUMNS) + 2 * n
        self._most = max(FEWEST, MEMORY // (8 * self._width)) if most is None else most
        self._numbers = array("d")  # grows in place, and a row is appended in well under a microsecond
        self._rows, self._stride, self._last = 0, 1, -1
        self._before: Float[np.ndarray, " n"] | None = None  # the gradient before this step, once rows are left out
        self._closed = np.empty((0, self._width))

    def add(self, row: Row | tuple[Any, ...]) -> None:
        """Add a step, unless thinning leaves it out."""
        if self._stride == 1:
            self._append(row, math.nan)  # its turn is told from the rows when they are thinned or closed: that is cheap
            if self._rows >= self._most:
                self._thin()
                self._before = row[1].gradient
            return
        if row[0] % self._stride == 0:
            self._append(row, self._turn(row[1]))
            if self._rows >= self._most:
                self._thin()
        self._before = row[1].gradient

    def close(self, best: Row, last: Row) -> None:
        """Make sure that the best step and the last one are among the rows, to which none is added any more."""
        for row in (last, best):
            rows = self._view()
            is_missing = not (rows[:, 0] == row.step).any()
            del rows  # a view forbids the array to grow
            if is_missing:
                self._append(row, math.nan)
        rows = self._view()
        if (np.diff(rows[:, 0]) < 0.0).any():
            rows = rows[np.argsort(rows[:, 0], kind="stable")]
        self._closed = rows
        self._tell_turns(rows)

    def column(self, name: str) -> Float[np.ndarray, " rows"]:
        """One of COLUMNS."""
        return self._closed[:, COLUMNS.index(name)]

    @property
    def steps(self) -> Int[np.ndarray, " rows"]:
        """The numbers of the steps that are kept, 0 being the start."""
        return self.column("step").astype(np.int64)

    @property
    def path(self) -> Float[np.ndarray, "rows n"]:
        """x after each step."""
        return self._closed[:, len(COLUMNS) : len(COLUMNS) + self._n]

    @property
    def gradients(self) -> Float[np.ndarray, "rows n"]:
        """∇f(x) after each step."""
        return self._closed[:, len(COLUMNS) + self._n :]

    def __len__(self) -> int:
        return len(self._closed)

    def _append(self, row: Row | tuple[Any, ...], turn: float) -> None:
        step, point, *others = row
        if self._n <= SHORT:
            self._numbers.extend((step, point.value, *others, turn, *point.x.tolist(), *point.gradient.tolist()))
        else:
            self._numbers.extend((step, point.value, *others, turn))
            self._numbers.frombytes(point.x.data.cast("B"))
            self._numbers.frombytes(point.gradient.data.cast("B"))
        self._rows += 1
        self._last = step

    def _turn(self, point: Point) -> float:
        if self._before is None:
            return math.nan
        length = dot(self._before, self._before)
        return dot(point.gradient, self._before) / length if length > 0.0 else math.nan

    def _tell_turns(self, rows: Float[np.ndarray, "rows width"]) -> None:
        """The turns of all rows whose step before is the row before."""
        g = rows[:, len(COLUMNS) + self._n :]
        with np.errstate(all="ignore"):
            told = np.einsum("ij,ij->i", g[1:], g[:-1]) / np.einsum("ij,ij->i", g[:-1], g[:-1])
        unknown = np.isnan(rows[1:, TURN]) & (np.diff(rows[:, 0]) == 1.0)
        rows[1:, TURN][unknown] = told[unknown]

    def _thin(self) -> None:
        rows = self._view()
        if self._stride == 1:
            self._tell_turns(rows)
        self._stride *= 2
        self._rows = (len(rows) + 1) // 2
        for i in range(1, self._rows):  # forwards: no row is overwritten before it has moved
            rows[i] = rows[2 * i]
        self._last = int(rows[self._rows - 1, 0])
        del rows  # a view forbids the array to shrink
        del self._numbers[self._rows * self._width :]

    def _view(self) -> Float[np.ndarray, "rows width"]:
        return np.frombuffer(self._numbers).reshape(-1, self._width)
