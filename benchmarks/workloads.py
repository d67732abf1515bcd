"""The networks that are timed: their data, the order of the rows, and how many operations a step takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

import thalweg as tw
from thalweg import randomness


SEED = 0
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Workload:
    """One network to train on synthetic rows with Adam and cross-entropy, in float32.

    `rows` is a multiple of `batch`, as a compiled loop cannot take a shorter last batch. `checked` is the number of
    steps after which all contenders must have the same loss: a part of the first epoch, or whole epochs. `goal` says
    how many times faster than the best peer Thalweg should be; None is no workload but what BLAS is measured on.
    """

    sizes: tuple[int, ...]
    batch: int
    rows: int
    checked: int
    goal: float | None
    activation: str = "relu"
    is_big: bool = False  # large enough for matrix products to decide: compared with BLAS besides

    @property
    def name(self) -> str:
        """The widths of the layers, such as 57-20-2."""
        return "-".join(map(str, self.sizes))

    @property
    def is_full_batch(self) -> bool:
        """Whether all rows make one step."""
        return self.batch == self.rows

    @property
    def order(self) -> str:
        """Row by row as stored, all at once, or shuffled in each epoch."""
        return "sweep" if self.batch == 1 or self.is_full_batch else "shuffle"

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.rows // self.batch

    @cached_property
    def network(self) -> tw.Network:
        """The network: biases, softmax, cross-entropy."""
        return tw.Network(self.sizes, activation=self.activation, output="softmax", loss="cross_entropy")

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs in float32, and classes that a small random network with noise gives them: there is much to learn.

        The noise keeps the loss away from 0, where numbers too small for float32 would slow everybody down.
        """
        rng = np.random.default_rng([SEED, *self.sizes])
        inputs, classes = self.sizes[0], self.sizes[-1]
        X = rng.standard_normal((self.rows, inputs), dtype=np.float32)
        hidden = np.tanh(X @ rng.normal(scale=2.0 / inputs**0.5, size=(inputs, 8)))
        scores = hidden @ rng.normal(size=(8, classes)) + rng.gumbel(scale=0.3, size=(self.rows, classes))
        return X, scores.argmax(axis=1)

    def epochs(self, first: int, count: int) -> list[np.ndarray]:
        """The rows of these epochs, in the order in which `tw.train` takes them."""
        if self.order == "sweep":
            return [np.arange(self.rows)] * count
        return [randomness.permutation(SEED, "order", self.rows, epoch=e) for e in range(first, first + count)]

    def stretch(self, steps: int) -> list[np.ndarray]:
        """The rows of the first `steps` steps, epoch by epoch."""
        epochs = self.epochs(1, -(-steps // self.steps))
        epochs[-1] = epochs[-1][: (steps - (len(epochs) - 1) * self.steps) * self.batch]
        return epochs

    @property
    def products(self) -> list[tuple[int, int, bool]]:
        """(units below, units above, whether the gradient of its input is wanted) for each layer."""
        return [(k, m, number > 0) for number, (k, m) in enumerate(zip(self.sizes, self.sizes[1:], strict=False))]

    @property
    def operations(self) -> int:
        """Additions and multiplications in the products of a step: forward, ∂E/∂W, and ∂E/∂z but for the input."""
        return sum(2 * self.batch * k * m * (3 if inner else 2) for k, m, inner in self.products)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload((2, 2, 2), 1, 20_000, 2_000, 20),
        Workload((30, 16, 2), 1, 20_000, 2_000, 10),
        Workload((57, 20, 2), 32, 19_200, 1_200, 8),
        Workload((20, 64, 2), 32, 19_200, 1_200, 8),
        Workload((54, 100, 7), 200, 20_000, 500, 5),
        Workload((4, 32, 16, 4), 10_000, 10_000, 100, 4, activation="tanh"),
        Workload((28, 300, 300, 300, 300, 300, 2), 100, 10_000, 100, 2, activation="tanh"),
        Workload((200, 256, 256, 256, 2), 256, 25_600, 100, 2.3, is_big=True),
        Workload((784, 256, 128, 10), 128, 12_800, 100, 2.3, is_big=True),
        Workload((1024, 2048, 2048, 10), 512, 2_048, 24, 1.2, is_big=True),
    )
}

# One layer whose products are square: what the machine's BLAS can do at best.
SQUARE = Workload((2048, 2048), 2048, 2048, 1, None, is_big=True)
