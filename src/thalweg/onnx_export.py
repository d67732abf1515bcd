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
from thalweg.activations import SELU_ALPHA, SELU_SCALE, SQRT_HALF
from thalweg.encoding import Encoder
from thalweg.exports import Label, check_labels, inputs, is_single
from thalweg.network import Network
from thalweg.onnx_features import features
from thalweg.onnx_graph import Graph
from thalweg.targets import ClassTarget, NumberTarget


if TYPE_CHECKING:
    from jaxtyping import Float


def write_model(
    path: str | os.PathLike[str], encoder: Encoder, network: Network, parameters: Float[np.ndarray, " p"]
) -> None:
    """Write encoder and network to one ONNX file, whole or not at all.

    Raises:
        InputError: the package onnx is missing, the network is too large for the format, or the folder is missing.
        OSError: the disk is full or broken; an old file of this name survives.
    """
    _write(path, model_graph(encoder, network, parameters))


def write_network(
    path: str | os.PathLike[str],
    network: Network,
    parameters: Float[np.ndarray, " p"],
    labels: Sequence[Any] | None = None,
) -> None:
    """Write a network without an encoder: one input "X" of shape (rows, inputs) in the type of the parameters.

    With `labels` (one for each output, or two for a single sigmoid output) its outputs are "prediction" and
    "probabilities", without them "outputs".

    Raises:
        InputError: as `write_model`, or the labels do not fit.
        OSError: the disk is full or broken; an old file of this name survives.
    """
    _write(path, network_graph(network, parameters, labels))


def model_graph(encoder: Encoder, network: Network, parameters: Float[np.ndarray, " p"]) -> Any:
    """Encoder and network as an `onnx.ModelProto`, with an input of shape (rows, 1) for each used column."""
    graph = Graph()
    x, names = features(graph, encoder)
    z = _network(graph, network, parameters, graph.cast(x, parameters.dtype))
    kinds = {
        "classification": _one_class,
        "multilabel": _several_classes,
        "regression": _numbers,
    }
    kinds[encoder.task](graph, encoder, z, parameters.dtype)
    targets = ", ".join(map(repr, encoder.targets))
    asked = [{"name": names[each.column], "type": each.kind, "meaning": each.meaning} for each in inputs(encoder)]
    metadata = {"task": encoder.task, "targets": list(encoder.targets), "inputs": asked, "network": str(network)}
    if encoder.task != "regression":
        classes = [list(target.labels) for target in encoder.target_roles if isinstance(target, ClassTarget)]
        metadata["classes"] = classes[0] if encoder.task == "classification" else classes
    return graph.model(f"Predicts {targets} ({encoder.task}) from {len(asked)} raw columns of a table.", metadata)


def network_graph(network: Network, parameters: Float[np.ndarray, " p"], labels: Sequence[Any] | None = None) -> Any:
    """A network without an encoder as an `onnx.ModelProto`: "X" in, and out "outputs", or what `labels` say.

    Raises:
        InputError: the package onnx is missing, the network is too large, or the labels do not fit.
    """
    named = None if labels is None else check_labels(labels, network)
    parameters = network.check_parameters(parameters)
    graph = Graph()
    x = graph.input("X", parameters.dtype, network.sizes[0], "one row for each example")
    z = _network(graph, network, parameters, x)
    if named is None:
        graph.output(z, "outputs", network.sizes[-1], parameters.dtype, "the network's outputs")
    else:
        if is_single(network, named):
            z = graph.add("Concat", graph.add("Sub", parameters.dtype.type(1.0), z), z, axis=1)
        _most_probable(graph, z, named, parameters.dtype)
    return graph.model(f"The network {network}.", {} if named is None else {"classes": list(named)})


def _network(graph: Graph, network: Network, parameters: Float[np.ndarray, " p"], x: str) -> str:
    """The forward pass: a = z W + b, z = g(a), layer by layer."""
    z = x
    for number, (layer, (W, b)) in enumerate(zip(network.layers, network.views(parameters), strict=True), start=1):
        operands = [z, graph.constant(W, f"W{number}")]
        if b is None:
            a = graph.add("MatMul", *operands, name=f"a{number}")
        else:
            a = graph.add("Gemm", *operands, graph.constant(b, f"b{number}"), name=f"a{number}")
        z = ACTIVATIONS[layer.activation.name](graph, a, parameters.dtype.type, layer.activation.parameter)
    return z


def _one_class(graph: Graph, encoder: Encoder, z: str, dtype: np.dtype) -> None:
    for target in encoder.target_roles:
        assert isinstance(target, ClassTarget)
        _most_probable(graph, z, target.labels, dtype)


def _most_probable(graph: Graph, z: str, labels: Sequence[Label], dtype: np.dtype) -> None:
    """Outputs "prediction" and "probabilities"; of equal ones the first, as np.argmax does."""
    names = _array(labels)
    place = graph.add("ArgMax", z, axis=1, keepdims=0)
    graph.output(
        graph.add("Gather", names, place), "prediction", None, names.dtype, "the label of the largest probability"
    )
    graph.output(z, "probabilities", len(labels), dtype, "one for each class, in the order of the metadata's classes")


def _several_classes(graph: Graph, encoder: Encoder, z: str, dtype: np.dtype) -> None:
    """Outputs "prediction_<target>" and "probability_<target>" of its second label."""
    for i, target in enumerate(encoder.target_roles):
        assert isinstance(target, ClassTarget)
        names = _array(target.labels)
        p = graph.add("Gather", z, np.int64(i), axis=1)
        place = graph.cast(graph.add("GreaterOrEqual", p, dtype.type(0.5)), np.int64)
        graph.output(graph.add("Gather", names, place), f"prediction_{target.column}", None, names.dtype, "the label")
        graph.output(p, f"probability_{target.column}", None, dtype, f"that it is {target.labels[1]!r}")


def _numbers(graph: Graph, encoder: Encoder, z: str, dtype: np.dtype) -> None:
    """Output "prediction", or "prediction_<target>" for several: NumberTarget.decode."""
    del dtype
    largest = np.finfo(np.float64).max
    for i, target in enumerate(encoder.target_roles):
        assert isinstance(target, NumberTarget)
        standardised = graph.cast(graph.add("Gather", z, np.int64(i), axis=1), np.float64)
        scaled = graph.add("Mul", standardised, np.float64(target.deviation))
        number = graph.add("Clip", graph.add("Sum", scaled, np.float64(target.mean)), -largest, largest)
        name = "prediction" if len(encoder.targets) == 1 else f"prediction_{target.column}"
        graph.output(number, name, None, np.float64, f"{target.column!r} in its own units")


def _array(labels: Sequence[Label]) -> np.ndarray:
    return np.array(labels, dtype=object if isinstance(labels[0], str) else None)


def _softplus(g: Graph, a: str, T: Any, _: float) -> str:
    rest = g.add("Log", g.add("Add", T(1.0), g.add("Exp", g.add("Neg", g.add("Abs", a)))))
    return g.add("Add", g.add("Max", a, T(0.0)), rest)


def _elu(g: Graph, a: str, T: Any, alpha: float) -> str:
    below = g.add("Sub", g.add("Exp", g.add("Min", a, T(0.0))), T(1.0))
    return g.add("Where", g.add("Greater", a, T(0.0)), a, g.add("Mul", below, T(alpha)))


def _gelu(g: Graph, a: str, T: Any, _: float) -> str:
    erf = g.add("Erf", g.cast(g.add("Mul", a, T(SQRT_HALF)), np.float32))
    return g.add("Mul", a, g.add("Mul", g.add("Add", g.cast(erf, T), T(1.0)), T(0.5)))


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
    "mish": lambda g, a, T, _: g.add("Mul", a, g.add("Tanh", _softplus(g, a, T, 0.0))),
    "softplus": _softplus,
    "exp": lambda g, a, T, _: g.add("Exp", a),
    "softmax": lambda g, a, T, _: g.add("Softmax", a, axis=1),
}


def _write(path: str | os.PathLike[str], model: Any) -> None:
    content = model.SerializeToString(deterministic=True)
    with whole_file.writing(path) as file:
        file.write(content)
