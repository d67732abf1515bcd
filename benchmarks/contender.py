"""What everyone who is timed does, and what they are given."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workloads import SEED, Workload


Rows = Sequence[np.ndarray]  # of each epoch, in the order to be taken


@dataclass(frozen=True)
class Task:
    """What a contender is given."""

    workload: Workload
    threads: int
    all_threads: bool  # whether `threads` is all there are
    engine: str  # of Thalweg


class Contender:
    """One way to train a workload."""

    takes_parts = True  # whether it can stop inside an epoch without being compiled again

    def __init__(self, task: Task) -> None:
        self.task, self.workload = task, task.workload
        self.X, self.y = self.workload.data()
        self.p = self.workload.network.initialize(SEED).astype(np.float32)
        self.compile_seconds: float | None = None

    def start(self) -> None:
        """Go back to the initial weights."""
        raise NotImplementedError

    def hand_over(self, epochs: Rows) -> Any:
        """The rows in a form of the contender's own; not timed."""
        return epochs

    def train(self, handed: Any) -> None:
        """Train on what `hand_over` gave, and return when it is done."""
        raise NotImplementedError

    def parameters(self) -> np.ndarray:
        """The weights now, as one vector in the order of `tw.Network`."""
        raise NotImplementedError

    def after(self, steps: int) -> np.ndarray | None:
        """The weights after so many steps from the start."""
        self.start()
        self.train(self.hand_over(self.workload.stretch(steps)))
        return self.parameters()

    def step_seconds(self, first: Rows, timed: Rows) -> float:
        """Seconds of a step in the epochs `timed`, after the epochs `first` that are not timed."""
        self.start()
        self.train(self.hand_over(first))
        handed = self.hand_over(timed)
        started = time.perf_counter()
        self.train(handed)
        return (time.perf_counter() - started) / sum(len(rows) // self.workload.batch for rows in timed)

    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Copies of the initial (W, b) of each layer."""
        views = self.workload.network.views(self.p)
        return [(W.copy(), b.copy()) for W, b in views if b is not None]

    def batches(self, rows: np.ndarray) -> Sequence[Any]:
        """Indices of each batch; slices where the rows are taken as stored, which saves a copy."""
        size, starts = self.workload.batch, range(0, len(rows), self.workload.batch)
        if self.workload.order == "sweep":
            return [slice(start, start + size) for start in starts]
        return [rows[start : start + size] for start in starts]
