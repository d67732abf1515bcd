"""What happened, epoch by epoch: one row each, read as columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np


if TYPE_CHECKING:
    from jaxtyping import Float, Int

COLUMNS = ("loss", "validation_loss", "learning_rate", "steps", "seconds")


class History:
    """Records of a training, one per finished epoch.

    `loss` is the mean of the batch losses as they were trained (the objective, penalty included, while the weights
    moved); `validation_loss` the mean row loss on the validation rows after the epoch, without penalty (nan where
    there are none); `learning_rate` that of the epoch's last step; `steps` and `seconds` count from the start.
    `step_loss` is each batch loss, kept where train(record="steps") asks for it.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._step_losses: list[Float[np.ndarray, " steps"]] = []

    def add(self, *, loss: float, validation_loss: float, learning_rate: float, steps: int, seconds: float) -> None:
        """Add the record of one more epoch."""
        self._rows.append((loss, validation_loss, learning_rate, steps, seconds))

    def add_steps(self, losses: Float[np.ndarray, " steps"]) -> None:
        """Add the batch losses of one more epoch."""
        self._step_losses.append(losses)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def epoch(self) -> Int[np.ndarray, " epochs"]:
        """The numbers of the epochs, from 1."""
        return np.arange(1, len(self) + 1)

    @property
    def loss(self) -> Float[np.ndarray, " epochs"]:
        """Mean of the batch losses of each epoch."""
        return self._column("loss")

    @property
    def validation_loss(self) -> Float[np.ndarray, " epochs"]:
        """Mean row loss on the validation rows after each epoch, nan without them."""
        return self._column("validation_loss")

    @property
    def learning_rate(self) -> Float[np.ndarray, " epochs"]:
        """Learning rate of the last step of each epoch."""
        return self._column("learning_rate")

    @property
    def steps(self) -> Int[np.ndarray, " epochs"]:
        """Steps taken up to the end of each epoch."""
        return self._column("steps").astype(np.int64)

    @property
    def seconds(self) -> Float[np.ndarray, " epochs"]:
        """Seconds from the start of training to the end of each epoch."""
        return self._column("seconds")

    @property
    def step_loss(self) -> Float[np.ndarray, " steps"]:
        """Every batch loss, one step after another; empty unless asked for."""
        return np.concatenate(self._step_losses) if self._step_losses else np.empty(0)

    @property
    def value(self) -> Float[np.ndarray, " epochs"]:
        """What Stop looks at: the validation loss where there is one, else the training loss."""
        return np.where(np.isnan(self.validation_loss), self.loss, self.validation_loss)

    @property
    def best_epoch(self) -> int:
        """The first epoch with the lowest value; 0 where there is none."""
        values = self.value
        return int(np.nanargmin(values)) + 1 if np.isfinite(values).any() else 0

    def to_arrays(self) -> dict[str, Float[np.ndarray, " epochs"]]:
        """The columns by name, as a file keeps them."""
        columns: dict[str, Any] = {name: self._column(name) for name in COLUMNS}
        return {**columns, "step_loss": self.step_loss}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> History:
        """The history that `to_arrays` described."""
        history = cls()
        history._rows = [tuple(row) for row in np.stack([arrays[name] for name in COLUMNS], axis=1).tolist()]
        history._step_losses = [arrays["step_loss"]] if len(arrays["step_loss"]) else []
        return history

    def _column(self, name: str) -> np.ndarray:
        place = COLUMNS.index(name)
        return np.array([row[place] for row in self._rows], dtype=np.float64)

    def __repr__(self) -> str:
        if not self._rows:
            return "History of 0 epochs"
        last = dict(zip(COLUMNS, self._rows[-1], strict=True))
        validation = "" if math.isnan(last["validation_loss"]) else f", validation loss {last['validation_loss']:.5g}"
        return f"History of {len(self)} epochs: loss {last['loss']:.5g}{validation}, best epoch {self.best_epoch}"
