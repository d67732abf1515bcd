"""For tests: an ONNX model run by onnxruntime, and a whole model exported and run on the raw columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from exported import inputs_of
from thalweg import onnx_export
from thalweg.encoding import Encoder
from thalweg.model import Model
from thalweg.table import Table


def run(exported: Any, fed: dict[str, np.ndarray]) -> dict[str, Any]:
    """Outputs by name."""
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, fed), strict=True))


def feeds(exported: Any, encoder: Encoder, rows: Table) -> dict[str, np.ndarray]:
    """The raw columns of a table, by the names of the inputs, which are in the order of the encoder's columns."""
    names = [each.name for each in exported.graph.input]
    return {name: cells[:, None] for name, cells in zip(names, inputs_of(encoder, rows), strict=True)}


def answers(model: Model, rows: Table) -> dict[str, Any]:
    """Outputs by name of the exported model."""
    exported = onnx_export.model_graph(model.encoder, model.network, model.parameters)
    return run(exported, feeds(exported, model.encoder, rows))


def check(model: Model, rows: Table) -> None:
    """Assert that they are ours: probabilities to 1e-5, numbers to 1e-5 of the target's deviation or of themselves."""
    found, outputs = answers(model, rows), model.outputs(rows)
    if model.encoder.task == "classification":
        assert np.abs(found["probabilities"] - outputs).max() <= 1e-5
        return
    for i, target in enumerate(model.encoder.target_roles):
        if model.encoder.task == "multilabel":
            assert np.abs(list(found.values())[2 * i + 1] - outputs[:, i]).max() <= 1e-5
        else:
            ours = target.decode(outputs[:, i])  # pyright: ignore
            near = np.maximum(target.deviation, np.abs(ours)) * 1e-5  # pyright: ignore
            assert (np.abs(list(found.values())[i] / 2 - ours / 2) <= near).all()
