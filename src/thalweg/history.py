"""What happened, epoch by epoch: one row each, read as columns."""

from __future__ import annotations

import math
import zlib
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
        self._columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
        self._step_losses: list[Float[np.ndarray, " steps"]] = []
        self._best_epoch, self._lowest = 0, math.inf

    def add(self, *, loss: float, validation_loss: float, learning_rate: float, steps: int, seconds: float) -> None:
        """Add the record of one more epoch: loss, validation_loss, learning_rate, and steps and seconds so far."""
        for name, number in zip(COLUMNS, (loss, validation_loss, learning_rate, steps, seconds), strict=True):
            self._columns[name].append(float(number))
        value = loss if math.isnan(validation_loss) else validation_loss
        if value < self._lowest:
            self._best_epoch, self._lowest = len(self), value

    def add_steps(self, losses: Float[np.ndarray, " steps"]) -> None:
        """Add the batch losses of one more epoch."""
        self._step_losses.append(losses)

    def __len__(self) -> int:
        return len(self._columns["loss"])

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
        return self._best_epoch

    def latest(self, column: str, back: int = 0) -> float:
        """The number in a column (or "value") `back` epochs before the last one, nan where there is none.

        This costs the same however long the history is, unlike the columns.
        """
        if back >= len(self):
            return math.nan
        if column == "value":
            validation_loss = self.latest("validation_loss", back)
            return self.latest("loss", back) if math.isnan(validation_loss) else validation_loss
        return self._columns[column][-1 - back]

    def to_arrays(self) -> dict[str, Float[np.ndarray, " epochs"]]:
        """The columns by name, as a file keeps them."""
        return {**{name: self._column(name) for name in COLUMNS}, "step_loss": self.step_loss}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> History:
        """The history whose columns these `arrays` are, by name, as `to_arrays` gives them."""
        history = cls()
        for row in np.stack([arrays[name] for name in COLUMNS], axis=1).tolist():
            history.add(**dict(zip(COLUMNS, row, strict=True)))
        history._step_losses = [arrays["step_loss"]] if len(arrays["step_loss"]) else []
        return history

    def _column(self, name: str) -> np.ndarray:
        return np.array(self._columns[name], dtype=np.float64)

    def __reduce__(self) -> tuple[Any, ...]:
        # In few bytes: most columns repeat themselves, and of seconds the microseconds between epochs are kept.
        exact = np.stack([self._column(name) for name in COLUMNS if name != "seconds"])
        between = np.diff(np.rint(1e6 * self.seconds).astype(np.int64), prepend=0)
        return _unpacked, (zlib.compress(exact.tobytes()), zlib.compress(between.tobytes()), self.step_loss)

    def __repr__(self) -> str:
        if not len(self):
            return "History of 0 epochs"
        validation_loss = self.latest("validation_loss")
        validation = "" if math.isnan(validation_loss) else f", validation loss {validation_loss:.5g}"
        return (
            f"History of {len(self)} epochs: loss {self.latest('loss'):.5g}{validation}, best epoch {self.best_epoch}"
        )


def _unpacked(exact: bytes, between: bytes, step_loss: Float[np.ndarray, " steps"]) -> History:
    """The history that pickle kept."""
    names = [name for name in COLUMNS if name != "seconds"]
    columns = dict(zip(names, np.frombuffer(zlib.decompress(exact)).reshape(len(names), -1), strict=True))
    seconds = 1e-6 * np.cumsum(np.frombuffer(zlib.decompress(between), dtype=np.int64))
    return History.from_arrays({**columns, "seconds": seconds, "step_loss": step_loss})
