"""An ONNX graph in the making: values with names, nodes, constants. The one room that builds ONNX's own objects.

Operators are those of opset 13 (2020) and ai.onnx.ml 2, which runtimes of the last years all have.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from thalweg._version import __version__
from thalweg.errors import InputError
from thalweg.exports import unused


OPSETS = {"": 13, "ai.onnx.ml": 2}
IR_VERSION = 7  # the file format that came with opset 13
MAX_BYTES = 2**31 - 2**20  # a protocol buffer ends at 2 GiB; the rest is room for names and nodes


class Graph:
    """Nodes are added in the order of computation; NumPy arrays and scalars among their inputs become constants.

    >>> graph = Graph()
    >>> x = graph.input("x", np.float32, 3, "three numbers")
    >>> graph.output(graph.add("Mul", x, np.float32(2.0)), "twice", 3)
    'twice'
    >>> [node.op_type for node in graph.model("doubles").graph.node]
    ['Mul', 'Identity']
    """

    def __init__(self) -> None:
        self._onnx = _package()
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._types: dict[str, Any] = {}
        self._taken: set[str] = {""}  # the empty name means: no value
        self._bytes = 0

    def input(self, name: str, dtype: Any, width: int, meaning: str) -> str:
        """A graph input of shape (rows, width); its name, which is the one asked for if that can be."""
        name = unused(name, self._taken)
        value = self._value(name, np.dtype(dtype), ("rows", width), meaning)
        self._inputs.append(value)
        return name

    def output(self, value: str, name: str, width: int | None, dtype: Any = np.float32, meaning: str = "") -> str:
        """Make a value an output, of shape (rows,) or (rows, width); the name under which it is."""
        name = self.add("Identity", value, name=name)
        shape = ("rows",) if width is None else ("rows", width)
        self._outputs.append(self._value(name, np.dtype(dtype), shape, meaning))
        return name

    def add(self, operator: str, *inputs: Any, name: str = "", domain: str = "", **attributes: Any) -> str:
        """A node of one output; the name of that."""
        name = unused(name or operator, self._taken)
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        self._nodes.append(self._onnx.helper.make_node(operator, names, [name], name, domain=domain, **attributes))
        return name

    def cast(self, value: str, dtype: Any) -> str:
        """The value in another type."""
        return self.add("Cast", value, to=self._type(np.dtype(dtype)))

    def constant(self, array: Any, name: str = "constant") -> str:
        """A constant; equal ones are kept once. Text is an array of objects."""
        array = np.asarray(array)
        key = (
            array.dtype.str,
            array.shape,
            repr(array.tolist()).encode() if array.dtype.kind == "O" else array.tobytes(),
        )
        if key not in self._constants:
            self._bytes += len(key[2])
            if self._bytes > MAX_BYTES:
                message = "an ONNX file holds at most 2 GiB, and this network is larger; make its layers narrower"
                raise InputError(message)
            self._constants[key] = self._onnx.numpy_helper.from_array(array, unused(name, self._taken))
        return self._constants[key].name

    def model(self, description: str, metadata: dict[str, Any] | None = None) -> Any:
        """The whole as a checked `onnx.ModelProto`; metadata that is no text is written as JSON."""
        helper = self._onnx.helper
        graph = helper.make_graph(
            self._nodes, "thalweg", self._inputs, self._outputs, [*self._constants.values()], doc_string=description
        )
        model = helper.make_model(
            graph,
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSETS.items()],
            producer_name="thalweg",
            producer_version=__version__,
            doc_string=description,
        )
        texts = {
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in (metadata or {}).items()
        }
        helper.set_model_props(model, texts)
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _type(self, dtype: np.dtype) -> Any:
        helper = self._onnx.helper
        return self._onnx.TensorProto.STRING if dtype.kind == "O" else helper.np_dtype_to_tensor_dtype(dtype)

    def _value(self, name: str, dtype: np.dtype, shape: tuple[Any, ...], meaning: str) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._type(dtype), shape, meaning)


def _package() -> Any:
    try:
        import onnx
        import onnx.checker
    except ImportError as error:
        message = "ONNX files need the package onnx, which is not installed; install it: pip install 'thalweg[onnx]'"
        raise InputError(message) from error
    return onnx
