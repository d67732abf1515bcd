"""A model, or a bare network, as one ONNX file: raw columns or a matrix in, labels and probabilities or numbers out.

The network computes in the type of its parameters, features and units in float64. Formulas are those of activations.py
in ONNX's operators; onnxruntime has no float64 version of LeakyRelu, Elu, Selu, Softplus and Erf (1.32), so the
first four are put together from others, and Erf is taken in float32. A small constant is added by Sum: an Add of a
number that float32 cannot tell from 0, such as 1e-270, onnxruntime leaves out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import whole_file
from thalweg.activations import SELU_ALPHA, SELU_SCALE, SQRT_HALF, Activation
from thalweg.encoding import Encoder
from thalweg.exports import check_labels, classes_of, formula_of, inputs
from thalweg.labels import Labels
from thalweg.network import Network
from thalweg.onnx_features import features
from thalweg.onnx_formulas import erf, formula_nodes, softplus
from thalweg.onnx_graph import Graph
from thalweg.targets import NumberTarget


if TYPE_CHECKING:
    from jaxtyping import Float


def write_model(
    path: str | os.PathLike[str],
    encoder: Encoder,
    network: Network,
    parameters: Float[np.ndarray, " p"],
    labels: Sequence[np.ndarray] | None = None,
) -> None:
    """Write encoder and network to one ONNX file, whole or not at all.

    With `labels`, for each target its classes in order, predictions have their type instead of the encoder's.

    Raises:
        InputError: the package onnx is missing, the network is too large for the format, an activation is made of
            Python functions, labels are of no type of ONNX, or the folder is missing.
        OSError: the disk is full or broken; an old file of this name survives.
    """
    _write(path, model_graph(encoder, network, parameters, labels))


def write_network(
    path: str | os.PathLike[str],
    network: Network,
    parameters: Float[np.ndarray, " p"],
    labels: Sequence[Any] | Labels | None = None,
) -> None:
    """Write a network without an encoder: one input "X" of shape (rows, inputs) in the type of the parameters.

    Its output "prediction" is what the network puts out, (rows,) or (rows, outputs). With `labels` (an estimator's, or
    one for each output, or two for a single sigmoid output) it is the label, or for "multilabel" 0 or 1 for each, and
    "probabilities" are beside it; for several columns of classes there are "prediction_0", "probabilities_0" and so on.

    Raises:
        InputError: as `write_model`, or the labels do not fit.
        OSError: the disk is full or broken; an old file of this name survives.
    """
    _write(path, network_graph(network, parameters, labels))


def model_graph(
    encoder: Encoder,
    network: Network,
    parameters: Float[np.ndarray, " p"],
    labels: Sequence[np.ndarray] | None = None,
) -> Any:
    """Encoder and network as an `onnx.ModelProto`, with an input of shape (rows, 1) for each used column."""
    graph = Graph()
    x, names = features(graph, encoder)
    z = _network(graph, network, parameters, graph.cast(x, parameters.dtype))
    classes = classes_of(encoder, labels)
    if encoder.task == "classification":
        _most_probable(graph, z, classes[0], parameters.dtype)
    elif encoder.task == "multilabel":
        _several_classes(graph, encoder, z, classes, parameters.dtype)
    else:
        _numbers(graph, encoder, z)
    targets = ", ".join(map(repr, encoder.targets))
    asked = [{"name": names[each.column], "type": each.kind, "meaning": each.meaning} for each in inputs(encoder)]
    metadata = {"task": encoder.task, "targets": list(encoder.targets), "inputs": asked, "network": str(network)}
    if encoder.task != "regression":
        listed = [known.tolist() for known in classes]
        metadata["classes"] = listed[0] if encoder.task == "classification" else listed
    return graph.model(f"Predicts {targets} ({encoder.task}) from {len(asked)} raw columns of a table.", metadata)


def network_graph(
    network: Network, parameters: Float[np.ndarray, " p"], labels: Sequence[Any] | Labels | None = None
) -> Any:
    """A network without an encoder as an `onnx.ModelProto`: see `write_network`.

    Raises:
        InputError: the package onnx is missing, the network is too large, or the labels do not fit.
    """
    named = None if labels is None else check_labels(labels, network)
    parameters = network.check_parameters(parameters)
    graph = Graph()
    x = graph.input("X", parameters.dtype, network.sizes[0], "one row for each example")
    z = _network(graph, network, parameters, x)
    metadata = {}
    if named is None:
        width = network.sizes[-1] if network.sizes[-1] > 1 else None
        z = z if width else graph.add("Gather", z, np.int64(0), axis=1)
        graph.output(z, "prediction", width, parameters.dtype, "what the network puts out")
    else:
        _KINDS[named.kind](graph, z, named.classes, parameters.dtype)
        listed = [known.tolist() for known in named.classes]
        metadata["classes"] = listed if named.kind == "multioutput" else listed[0]
    return graph.model(f"The network {network}.", metadata)


def _network(graph: Graph, network: Network, parameters: Float[np.ndarray, " p"], x: str) -> str:
    """The forward pass: a = z W + b, z = g(a), layer by layer."""
    z = x
    for number, (layer, (W, b)) in enumerate(zip(network.layers, network.views(parameters), strict=True), start=1):
        operands = [z, graph.constant(W, f"W{number}")]
        if b is None:
            a = graph.add("MatMul", *operands, name=f"a{number}")
        else:
            a = graph.add("Gemm", *operands, graph.constant(b, f"b{number}"), name=f"a{number}")
        z = _activation(graph, layer.activation, a, parameters.dtype.type)
    return z


def _activation(graph: Graph, row: Activation, a: str, T: Any) -> str:
    return formula_nodes(graph, formula_of(row), a, T) if row.own else ACTIVATIONS[row.name](graph, a, T, row.parameter)


def _most_probable(graph: Graph, z: str, labels: np.ndarray, dtype: np.dtype, p: str = "", column: str = "") -> None:
    """Outputs "prediction" and "probabilities", z or `p`; of equal ones the first, as np.argmax does."""
    place = graph.add("ArgMax", z, axis=1, keepdims=0)
    label = graph.add("Gather", labels, place)
    order = "one for each class, in the order of the metadata's classes"
    graph.output(label, f"prediction{column}", None, labels.dtype, "the label of the largest probability")
    graph.output(p or z, f"probabilities{column}", len(labels), dtype, order)


def _two_classes(graph: Graph, z: str, classes: Sequence[np.ndarray], dtype: np.dtype) -> None:
    """One output is the probability of the second label. Where training knew one label only, it is both."""
    (labels,) = classes
    both = graph.add("Concat", graph.add("Sub", dtype.type(1.0), z), z, axis=1)
    _most_probable(graph, both, np.resize(labels, 2), dtype)


def _yes_or_no(graph: Graph, z: str, classes: Sequence[np.ndarray], dtype: np.dtype) -> None:
    """For each output 1 where it is above a half, and 0 elsewhere."""
    (columns,) = classes
    is_more = graph.cast(graph.add("Greater", z, dtype.type(0.5)), np.int64)
    graph.output(is_more, "prediction", len(columns), np.int64, "1 where the probability is above 0.5, else 0")
    graph.output(z, "probabilities", len(columns), dtype, "of the 1 in each column")


def _columns_of_classes(graph: Graph, z: str, classes: Sequence[np.ndarray], dtype: np.dtype) -> None:
    """For each column its outputs' largest; its probabilities are these outputs, scaled to sum to 1."""
    first = 0
    for column, labels in enumerate(classes):
        group = graph.add("Gather", z, np.arange(first, first + len(labels)), axis=1)
        total = graph.add("ReduceSum", group, np.array([1]), keepdims=1)
        p = graph.add("Div", group, graph.add("Max", total, np.finfo(dtype).tiny))
        _most_probable(graph, group, labels, dtype, p, f"_{column}")
        first += len(labels)


# What outputs stand for: see labels.Labels.
_KINDS: Mapping[str, Callable[[Graph, str, Sequence[np.ndarray], np.dtype], None]] = {
    "binary": _two_classes,
    "multiclass": lambda graph, z, classes, dtype: _most_probable(graph, z, classes[0], dtype),
    "multilabel": _yes_or_no,
    "multioutput": _columns_of_classes,
}


def _several_classes(graph: Graph, encoder: Encoder, z: str, classes: Sequence[np.ndarray], dtype: np.dtype) -> None:
    """Outputs "prediction_<target>" and "probability_<target>" of its second label."""
    for i, (target, labels) in enumerate(zip(encoder.target_roles, classes, strict=True)):
        p = graph.add("Gather", z, np.int64(i), axis=1)
        place = graph.cast(graph.add("GreaterOrEqual", p, dtype.type(0.5)), np.int64)
        graph.output(graph.add("Gather", labels, place), f"prediction_{target.column}", None, labels.dtype, "the label")
        graph.output(p, f"probability_{target.column}", None, dtype, f"that it is {labels.tolist()[1]!r}")


def _numbers(graph: Graph, encoder: Encoder, z: str) -> None:
    """Output "prediction", or "prediction_<target>" for several: NumberTarget.decode."""
    largest = np.finfo(np.float64).max
    for i, target in enumerate(encoder.target_roles):
        assert isinstance(target, NumberTarget)
        standardised = graph.cast(graph.add("Gather", z, np.int64(i), axis=1), np.float64)
        scaled = graph.add("Mul", standardised, np.float64(target.deviation))
        number = graph.add("Clip", graph.add("Sum", scaled, np.float64(target.mean)), -largest, largest)
        name = "prediction" if len(encoder.targets) == 1 else f"prediction_{target.column}"
        graph.output(number, name, None, np.float64, f"{target.column!r} in its own units")


def _elu(g: Graph, a: str, T: Any, alpha: float) -> str:
    below = g.add("Sub", g.add("Exp", g.add("Min", a, T(0.0))), T(1.0))
    return g.add("Where", g.add("Greater", a, T(0.0)), a, g.add("Mul", below, T(alpha)))


def _gelu(g: Graph, a: str, T: Any, _: float) -> str:
    share = g.add("Add", erf(g, g.add("Mul", a, T(SQRT_HALF)), T), T(1.0))
    return g.add("Mul", a, g.add("Mul", share, T(0.5)))


# Each gets the graph, a, the NumPy type of the network's numbers, and the activation's parameter.
ACTIVATIONS: Mapping[str, Callable[[Graph, str, Any, float], str]] = {
    "identity": lambda g, a, T, _: a,
    "sigmoid": lambda g, a, T, _: g.add("Sigmoid", a),
    "tanh": lambda g, a, T, _: g.add("Tanh", a),
    "relu": lambda g, a, T, _: g.add("Relu", a),
    "leaky_relu": lambda g, a, T, slope: g.add("Max", a, g.add("Mul", a, T(slope))),  # as 0 ≤ slope < 1
    "elu": _elu,
    "selu": lambda g, a, T, _: g.add("Mul", _elu(g, a, T, SELU_ALPHA), T(SELU_SCALE)),
    "gelu": _gelu,
    "silu": lambda g, a, T, _: g.add("Mul", a, g.add("Sigmoid", a)),
    "mish": lambda g, a, T, _: g.add("Mul", a, g.add("Tanh", softplus(g, a, T))),
    "softplus": lambda g, a, T, _: softplus(g, a, T),
    "exp": lambda g, a, T, _: g.add("Exp", a),
    "softmax": lambda g, a, T, _: g.add("Softmax", a, axis=1),
}


def _write(path: str | os.PathLike[str], model: Any) -> None:
    content = model.SerializeToString(deterministic=True)
    with whole_file.writing(path) as file:
        file.write(content)
