"""Seconds to spend: what was spent, what a piece of work will take by what the like of it took, what was cut."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from thalweg.errors import InputError, shown
from thalweg.settings import check_number


_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(s|m|min|h|)\s*")


def seconds_of(given: Any) -> float:
    """A budget as seconds: a number of them, or a text such as "60s", "2m" or "1h".

    Raises:
        InputError: it is neither, or not positive.

    >>> seconds_of(30), seconds_of("1.5m")
    (30.0, 90.0)
    """
    if isinstance(given, str):
        found = _WRITTEN.fullmatch(given.lower())
        if not found:
            message = f"the budget must be a time such as 60s, 2m or 1h, not {shown(given)}"
            raise InputError(message)
        given = float(found[1]) * _UNITS[found[2]]
    return float(check_number(given, lambda seconds: seconds > 0, "budget", "a number of seconds > 0, or as 60s, 2m"))


@dataclass
class Budget:
    """A number of seconds that runs out from now on.

    >>> budget = Budget(60.0)
    >>> with budget.timing("fit", 1_000):
    ...     pass
    >>> budget.expected("fit", 2_000) < 1.0, budget.expected("never timed", 2_000)
    (True, 0.0)
    """

    seconds: float
    started: float = field(default_factory=time.perf_counter)
    timed: dict[str, dict[int, float]] = field(default_factory=dict)  # work → rows → seconds
    cut: list[str] = field(default_factory=list)  # what was left out, in sentences

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def left(self) -> float:
        """Seconds that are left; negative where there are none."""
        return self.seconds - self.spent

    @contextmanager
    def timing(self, work: str, rows: int) -> Iterator[None]:
        """Take the time of this work on so many rows."""
        started = time.perf_counter()
        yield
        self.timed.setdefault(work, {})[rows] = time.perf_counter() - started

    def expected(self, work: str, rows: int) -> float:
        """Seconds that the work will take on so many rows; 0 if it never ran.

        Beyond its largest run in proportion to that one, below it on the straight lines that join 0 and all runs: what
        starting costs is no less with fewer rows.
        """
        known, seconds = zip(*sorted(self.timed.get(work, {1: 0.0}).items()), strict=True)
        if rows > known[-1]:
            return seconds[-1] * rows / max(known[-1], 1)
        return float(np.interp(rows, (0, *known), (0.0, *seconds)))
