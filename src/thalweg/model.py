"""A model: encoder + network + parameters + how they came about. One safe file, never pickle (contract 9)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import c_export, engines, onnx_export, safe_file, table
from thalweg.encoding import Encoder
from thalweg.errors import FileError, InputError
from thalweg.history import History
from thalweg.network import Network
from thalweg.stopping import Status
from thalweg.table import Table


if TYPE_CHECKING:
    from jaxtyping import Float

# What shows a model: no file may come without it.
NEEDED: dict[str, tuple[str, ...]] = {
    "figures": ("rows", "columns", "seconds", "validation"),
    "settings": ("thalweg", "data", "engine", "seed", "recipe", "message", "best_epoch"),
}


@dataclass(frozen=True)
class Evidence:
    """The held-out rows that the report draws from; it is not saved with the model."""

    model: Model  # that was measured on them: the first one where `refit` has made another since
    X: Float[np.ndarray, "n d"]  # encoded
    y: np.ndarray  # class numbers (n,); 0/1 (n, targets); numbers in the target's units, (n,) or (n, targets)
    outputs: Float[
        np.ndarray, "n k"
    ]  # the network's: probabilities, or standardised numbers (encoder.decode undoes it)


@dataclass(frozen=True, repr=False)
class Model:
    """A trained network together with the encoder that its inputs and targets went through."""

    encoder: Encoder  # makes inputs of columns, and labels or units of outputs
    network: Network  # the layers and the loss
    parameters: Float[np.ndarray, " p"]  # weights and biases, as the network lays them out
    history: History  # losses, learning rate and time of each epoch
    status: Status  # why training stopped
    figures: dict[str, Any]  # rows, seconds, held-out scores of network, tree and baseline
    settings: dict[str, Any]  # how it was made: options of fit, versions
    evidence: Evidence | None = field(default=None, compare=False)  # right after fit only

    def __repr__(self) -> str:
        targets = ", ".join(self.encoder.targets)
        return f"Model of {targets} ({self.encoder.task}): {self.network}, {self.network.n_parameters:,} parameters"

    @property
    def classes(self) -> Any:
        """The labels in the order of `predict_proba`; for several targets an array each; for numbers None."""
        return self.encoder.classes

    def outputs(self, data: Any, *, engine: str = engines.DEFAULT) -> Float[np.ndarray, "n k"]:
        """The network's outputs for each row of a table: the encoder, then the forward pass.

        Args:
            data: a path, a query, a data frame or a Table, with the columns that the model was trained on.
            engine: name of the engine.

        Raises:
            TableError: the table cannot be read, lacks a column or holds a cell that does not fit its column.
        """
        rows = (
            data
            if isinstance(data, Table)
            else table.read(data, columns=self.encoder.columns, text=self.encoder.text_columns)
        )
        X = self.encoder.encode(rows).astype(self.parameters.dtype)
        return engines.get(engine).predict(self.network, self.parameters, X)

    def predict(self, data: Any, *, engine: str = engines.DEFAULT) -> np.ndarray:
        """The prediction for each row, in the target's own labels or units.

        Args:
            data: a path, a query, a data frame or a Table, with the columns that the model was trained on.
            engine: name of the engine.

        Returns:
            Shape (n,), or (n, targets) where there are several targets.

        Raises:
            TableError: the table cannot be read, lacks a column or holds a cell that does not fit its column.
        """
        return self.encoder.decode(self.outputs(data, engine=engine))

    def predict_proba(self, data: Any, *, engine: str = engines.DEFAULT) -> Float[np.ndarray, "n k"]:
        """The probability of each class in the order of `classes`; for several targets that of each one's second label.

        Args:
            data: a path, a query, a data frame or a Table, with the columns that the model was trained on.
            engine: name of the engine.

        Raises:
            InputError: the target is a number.
            TableError: as `predict`.
        """
        if self.encoder.task == "regression":
            message = f"the target {self.encoder.targets[0]!r} is a number, which has no classes; use predict"
            raise InputError(message)
        return self.outputs(data, engine=engine)

    def predict_table(self, data: Any, *, engine: str = engines.DEFAULT) -> dict[str, np.ndarray]:
        """Predictions as named columns: `prediction` and, for classes, `probability_<class>` each.

        With several targets: `prediction_<target>`, and `probability_<target>` of its second label.

        Args:
            data: a path, a query, a data frame or a Table, with the columns that the model was trained on.
            engine: name of the engine.
        """
        outputs = self.outputs(data, engine=engine)
        predictions = self.encoder.decode(outputs)
        targets, task = self.encoder.targets, self.encoder.task
        if predictions.ndim == 1:
            columns = {"prediction": predictions}
        else:
            columns = {f"prediction_{name}": predictions[:, j] for j, name in enumerate(targets)}
        if task != "regression":
            names = self.classes if task == "classification" else targets
            columns |= {f"probability_{name}": outputs[:, j] for j, name in enumerate(names)}
        return columns

    def predict_batches(self, source: Any, *, engine: str = engines.DEFAULT) -> Iterator[dict[str, np.ndarray]]:
        """`predict_table` for a table of any size, some rows at a time, in their order.

        Args:
            source: a path, a query or a data frame, with the columns that the model was trained on.
            engine: name of the engine.
        """
        for rows in table.batches(source, columns=self.encoder.columns, text=self.encoder.text_columns):
            yield self.predict_table(rows, engine=engine)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to the file `path`, whole or not at all.

        Raises:
            InputError: the folder does not exist or may not be written.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        header, arrays = to_parts(self)
        safe_file.write(path, kind="model", header=header, arrays=arrays)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write encoder and network to `path` as one ONNX file that takes the raw columns of a table (docs/export.md).

        Raises:
            InputError: the package onnx is missing, the network is larger than the format allows, or the folder does
                not exist.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        onnx_export.write_model(path, self.encoder, self.network, self.parameters)

    def to_c(self, path: str | os.PathLike[str]) -> None:
        """Write encoder and network to `path` as one C99 file of its own that takes raw cells (docs/export.md).

        Raises:
            InputError: C cannot hold a text of the model, a layer is too wide for its stack, or the folder does not
                exist.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        c_export.write_model(path, self.encoder, self.network, self.parameters)


def n_outputs(encoder: Encoder) -> int:
    """Outputs of a network for this encoder's targets: one for each class, or for each target."""
    return len(encoder.classes) if encoder.task == "classification" else len(encoder.targets)


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model that `Model.save` wrote to `path`. Loading runs no code.

    Raises:
        FileError: the file is missing, damaged, cut, or no model of ours.
    """
    header, arrays = safe_file.read(path, kind="model")
    return from_parts(header, arrays, path)


def to_parts(model: Model) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file that holds the model, by itself or among other things."""
    header = {
        "encoder": model.encoder.to_dict(),
        "network": model.network.to_dict(),
        "status": model.status.name,
        "figures": model.figures,
        "settings": model.settings,
    }
    arrays = {"parameters": model.parameters}
    arrays |= {f"history.{name}": column for name, column in model.history.to_arrays().items()}
    return header, arrays


def from_parts(header: dict[str, Any], arrays: dict[str, np.ndarray], path: str | os.PathLike[str]) -> Model:
    """The model of `to_parts`, read from the file `path`.

    Raises:
        FileError: the parts are not those of one model.
    """
    try:
        network = Network(**header["network"])
        columns = {
            name.removeprefix("history."): array for name, array in arrays.items() if name.startswith("history.")
        }
        encoder = Encoder.from_dict(header["encoder"])
        _check_fit(encoder, network, header)
        return Model(
            encoder=encoder,
            network=network,
            parameters=network.check_parameters(arrays["parameters"]),
            history=History.from_arrays(columns),
            status=Status[header["status"]],
            figures=header["figures"],
            settings=header["settings"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        message = f"the model file {str(path)!r} is whole, but its parts do not fit together: {reason}"
        raise FileError(message) from error


def _check_fit(encoder: Encoder, network: Network, header: dict[str, Any]) -> None:
    """What the file format cannot know: that the parts are those of one model."""
    sizes = len(encoder.feature_names), n_outputs(encoder)
    if (network.sizes[0], network.sizes[-1]) != sizes:
        message = f"the network {network} does not have the {sizes[0]} inputs and {sizes[1]} outputs of the encoder"
        raise ValueError(message)
    for part, needed in NEEDED.items():
        if absent := [name for name in needed if name not in header[part]]:
            raise KeyError(f"{part}.{absent[0]}")
