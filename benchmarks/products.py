"""The matrix products of a training step and nothing else, by the BLAS of NumPy and of PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from contender import Contender, Rows, Task
from workloads import SEED


class Products(Contender):
    """Nothing but the matrix products of a step, by NumPy's BLAS: what a step could not be faster than with it."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        n, rng = self.workload.batch, np.random.default_rng(SEED)
        shapes = []
        for k, m, inner in self.workload.products:
            z, W, delta = (self.array(rng.standard_normal(s, dtype=np.float32)) for s in ((n, k), (k, m), (n, m)))
            shapes += [(z, W), (z.T, delta), *([(delta, W.T)] if inner else [])]
        self.pairs = [(a, b, self.array(np.empty((a.shape[0], b.shape[1]), np.float32))) for a, b in shapes]

    def array(self, values: np.ndarray) -> Any:
        """The array in the library's own form."""
        return values

    def multiply(self, a: Any, b: Any, out: Any) -> None:
        """One product."""
        np.matmul(a, b, out=out)

    def after(self, steps: int) -> None:
        self.train(self.workload.stretch(steps))

    def start(self) -> None:
        """There is no state."""

    def train(self, handed: Rows) -> None:
        for _ in range(sum(len(rows) // self.workload.batch for rows in handed)):
            for a, b, out in self.pairs:
                self.multiply(a, b, out)


class TorchProducts(Products):
    """The same by PyTorch's BLAS."""

    def __init__(self, task: Task) -> None:
        import torch

        torch.set_num_threads(task.threads)
        self.torch = torch
        super().__init__(task)

    def array(self, values: np.ndarray) -> Any:
        return self.torch.from_numpy(values)

    def multiply(self, a: Any, b: Any, out: Any) -> None:
        self.torch.mm(a, b, out=out)
