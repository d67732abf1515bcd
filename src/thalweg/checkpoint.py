"""Checkpoints: what training needs to go on as if it had never stopped, in one safe file (contract 6)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import safe_file
from thalweg.engines.base import TrainingState
from thalweg.errors import FileError, InputError
from thalweg.history import History
from thalweg.settings import check_whole


if TYPE_CHECKING:
    from thalweg.examples import Examples


@dataclass(frozen=True)
class Checkpoint:
    """Write a checkpoint to `path` after every `every` epochs and at the end; resume with `train(resume=path)`."""

    path: str | os.PathLike[str]
    every: int = 1

    def __post_init__(self) -> None:
        check_whole(self.every, 1, "Checkpoint: every", "epochs")
        folder = Path(self.path).absolute().parent
        if not folder.is_dir():
            message = f"Checkpoint: the folder {str(folder)!r} of the path does not exist; make it first"
            raise InputError(message)


@dataclass
class Progress:
    """How far a training has come, at the end of an epoch."""

    state: TrainingState
    best: np.ndarray  # parameters of the epoch with the lowest value so far
    previous: np.ndarray  # parameters at the start of the last epoch
    history: History
    is_cut: bool = False  # whether Stop(steps=…) ended the last epoch before its end

    def write(self, path: str | os.PathLike[str], fingerprint: dict[str, Any]) -> None:
        """Write it, whole or not at all."""
        arrays = {"best": self.best, "previous": self.previous, **_vectors(self.state)}
        arrays |= {f"history.{name}": column for name, column in self.history.to_arrays().items()}
        header = {"fingerprint": fingerprint, "steps": self.state.steps, "is_cut": self.is_cut}
        safe_file.write(path, kind="checkpoint", header=header, arrays=arrays)

    @classmethod
    def read(cls, path: str | os.PathLike[str], fingerprint: dict[str, Any], start: TrainingState) -> Progress:
        """Read it, and refuse it where the training it belongs to is not the one that `fingerprint` describes.

        Args:
            path: of the file.
            fingerprint: the settings and data of the training that goes on.
            start: the state it would start from otherwise, whose vectors give the shapes.

        Raises:
            FileError: the file is damaged or no checkpoint.
            InputError: a setting, or the data, is another than when it was written: which.
        """
        header, arrays = safe_file.read(path, kind="checkpoint")
        try:
            written, steps = dict(header["fingerprint"]), int(header["steps"])
            if steps < 0:
                message = f"the steps it counts are {steps}"
                raise ValueError(message)
            groups = {prefix: _group(arrays, prefix) for prefix in ("optimizer.", "history.")}
            state = TrainingState(arrays["parameters"].copy(), groups["optimizer."], steps)
            progress = cls(
                state,
                arrays["best"].copy(),
                arrays["previous"].copy(),
                History.from_arrays(groups["history."]),
                is_cut=bool(header["is_cut"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            message = f"the checkpoint {str(path)!r} lacks a part ({error}); it was not written by train(checkpoint=…)"
            raise FileError(message) from error
        for name, value in fingerprint.items():
            if written.get(name) != value:
                message = (
                    f"the checkpoint {str(path)!r} was written with {name} = {written.get(name)!r}, and now it is "
                    f"{value!r}; resume with the same settings and data, or start without resume"
                )
                raise InputError(message)
        held = {"best": progress.best, "previous": progress.previous, **_vectors(progress.state)}
        for name, vector in {"best": start.parameters, "previous": start.parameters, **_vectors(start)}.items():
            if name not in held or (held[name].shape, held[name].dtype) != (vector.shape, vector.dtype):
                message = f"the checkpoint {str(path)!r} lacks {name} of shape {vector.shape} and dtype {vector.dtype}"
                raise FileError(message)
        return progress


def digest(*groups: Examples | None) -> str:
    """SHA-256 over the arrays of examples, to tell whether the data are the same."""
    sha = hashlib.sha256()
    for examples in groups:
        for array in (examples.X, examples.Y, examples.weights) if examples else ():
            sha.update(repr((array.shape, str(array.dtype))).encode())
            sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def _vectors(state: TrainingState) -> dict[str, np.ndarray]:
    return {"parameters": state.parameters, **{f"optimizer.{name}": vector for name, vector in state.optimizer.items()}}


def _group(arrays: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array.copy() for name, array in arrays.items() if name.startswith(prefix)}
