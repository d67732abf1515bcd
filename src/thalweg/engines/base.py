"""What every engine does. The arrays it gets are checked (examples.py); it knows nothing of tables, files or users.

The order of the rows and the learning rates are arguments, made by training.py from the seed, so that every engine
sees the same batches at the same rates, and their results can be compared step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np


if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from thalweg.examples import Examples
    from thalweg.network import Network
    from thalweg.update_rules import UpdateRule


@dataclass
class TrainingState:
    """All that changes in training, as flat vectors: what a checkpoint keeps and a trainer goes on from."""

    parameters: Float[np.ndarray, " p"]
    optimizer: dict[str, Float[np.ndarray, " p"]]  # the optimizer's state by name
    steps: int  # updates done, which Adam counts

    def copy(self) -> TrainingState:
        """A copy that later steps do not change."""
        vectors = {name: vector.copy() for name, vector in self.optimizer.items()}
        return TrainingState(self.parameters.copy(), vectors, self.steps)


@dataclass(frozen=True)
class Epoch:
    """One epoch to run: step k trains on rows order[k·batch : (k + 1)·batch] at the rate rates[k]."""

    number: int  # from 1
    order: Int[np.ndarray, " rows"]
    batch: int
    rates: Float[np.ndarray, " steps"]
    seed: int  # of the dropout masks, drawn at (seed, "dropout", number, k)
    alpha: float = 0.0  # of the penalty ½ · alpha · ‖W‖² / Σ_n s_n over the rows of a step, as scikit-learn has it


@dataclass(frozen=True)
class Broken:
    """Where a value that is not finite was first met: nothing was updated in that step."""

    step: int  # within the epoch, from 0; −1 for what was looked at after the last one
    layer: int  # from 1
    what: str  # such as "the output"


@dataclass(frozen=True)
class Outcome:
    """What became of an epoch."""

    losses: Float[np.ndarray, " steps"]  # objective of each batch, before its update; nan where all weights were 0
    broken: Broken | None = None
    interrupted: bool = False
    stalled: str = ""  # why there was no step to take, and nothing was updated
    rate: float | None = None  # the learning rate that a line search chose

    @property
    def loss(self) -> float:
        """Mean of the batch losses, as they were trained."""
        trained = self.losses[~np.isnan(self.losses)]
        return float(trained.mean()) if len(trained) else np.nan


class Trainer(Protocol):
    """A training in progress on one network, optimizer and set of examples."""

    def run(self, epoch: Epoch, should_stop: Callable[[], bool]) -> Outcome:
        """Run one epoch; `should_stop` is asked often (every 0.2 s at least), and ends it between two steps."""
        ...

    def state(self) -> TrainingState:
        """The state now; its vectors may be the trainer's own, so copy what must stay."""
        ...


class Engine(Protocol):
    """Forward pass, backward pass and update, for float32 and float64."""

    name: str

    def loss_and_gradient(
        self, network: Network, p: Float[np.ndarray, " p"], examples: Examples
    ) -> tuple[float, Float[np.ndarray, " p"]]:
        """The network's objective over all rows (without dropout) and its gradient, in the dtype of `p`."""
        ...

    def predict(
        self, network: Network, p: Float[np.ndarray, " p"], X: Float[np.ndarray, "n d"]
    ) -> Float[np.ndarray, "n k"]:
        """ŷ = z⁽ᴸ⁾ for each row, in the dtype of `p`."""
        ...

    def mean_loss(self, network: Network, p: Float[np.ndarray, " p"], examples: Examples) -> float:
        """Σ_n s_n E_n / Σ_n s_n over all rows, without penalty: what validation looks at."""
        ...

    def trainer(self, network: Network, optimizer: UpdateRule, examples: Examples, state: TrainingState) -> Trainer:
        """Go on from `state`, which is not changed and must not change before the first run."""
        ...
