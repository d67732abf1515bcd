"""Formulas in ONNX: one row of `INSTRUCTIONS` for each instruction of `instructions`, which adds its nodes to a graph.

onnxruntime (1.32) has Tan, Asin, Acos, Atan, Sinh, Cosh and Erf in float32 only; in float64 some are put together from
others, and the rest is taken in float32. Where its float32 Sigmoid, Relu, Sign and Softplus clip what they get, lose
digits or take what is no number for one, these are put together too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from thalweg.formulas import Formula
from thalweg.instructions import Instructions
from thalweg.onnx_graph import Graph


def formula_nodes(graph: Graph, formula: Formula, a: str, T: Any) -> str:
    """The value of a formula in a alone.

    Args:
        graph: gets the nodes.
        formula: whose only variable is a.
        a: the name of that value in the graph.
        T: NumPy's type of it.
    """
    instructions = Instructions(("a",))
    result = instructions.formula(formula)
    names: list[str] = []
    with np.errstate(over="ignore", under="ignore"):  # a number too large or too small for float32
        for name, operands, value in instructions.places:
            given = [names[place] for place in operands]
            names.append(a if name == "input" else INSTRUCTIONS[name](graph, T(value), *given))
    return names[result]


def softplus(g: Graph, a: str, T: Any) -> str:
    """ln(1 + eᵃ) = max(a, 0) + ln(1 + e), e = e^−|a|; ln(1 + e) is e · ln(u)/(u − 1), u = 1 + e rounded (Kahan)."""
    e = g.add("Exp", g.add("Neg", g.add("Abs", a)))
    u = g.add("Add", T(1.0), e)
    ratio = g.add("Div", g.add("Log", u), g.add("Sub", u, T(1.0)))
    rest = g.add("Where", g.add("Equal", u, T(1.0)), e, g.add("Mul", e, ratio))
    return g.add("Add", g.add("Max", a, T(0.0)), rest)


def erf(g: Graph, a: str, T: Any) -> str:
    """The error function, to the digits of float32."""
    return _single("Erf")(g, T(0.0), a)


Row = Callable[..., str]  # graph, the instruction's value in the type of the numbers, operands


def _node(operator: str) -> Row:
    return lambda g, value, *operands: g.add(operator, *operands)


def _single(operator: str) -> Row:
    """What onnxruntime has for float32 only."""

    def added(g: Graph, value: Any, x: str) -> str:
        if value.dtype == np.float32:
            return g.add(operator, x)
        return g.cast(g.add(operator, g.cast(x, np.float32)), value.dtype)

    return added


def _choice(comparison: str) -> Row:
    return lambda g, value, a, b, c, d: g.add("Where", g.add(comparison, a, b), c, d)


def _scale(g: Graph, value: Any, a: str) -> str:
    """onnxruntime (1.32) leaves out a Mul by what float32 cannot tell from 1, such as 1.00000001."""
    if value != 1.0 and np.float32(value) == 1.0:
        return g.add("Sum", a, g.add("Mul", a, value - type(value)(1.0)))
    return g.add("Mul", a, value)


def _not_zero(g: Graph, zero: Any, x: str) -> str:
    """x, and no number where it is 0."""
    return g.add("Where", g.add("Equal", x, zero), type(zero)(np.nan), x)


def _power(g: Graph, zero: Any, base: str, exponent: str) -> str:
    is_pole = g.add("And", g.add("Equal", base, zero), g.add("Less", exponent, zero))
    return g.add("Pow", g.add("Where", is_pole, type(zero)(np.nan), base), exponent)


def _sinh(g: Graph, zero: Any, x: str) -> str:
    """(eˣ − e⁻ˣ) / 2, and for small x, where that loses digits, 2 t / (1 − t²) of t = tanh(x/2)."""
    T = type(zero)
    far = g.add("Mul", T(0.5), g.add("Sub", g.add("Exp", x), g.add("Exp", g.add("Neg", x))))
    t = g.add("Tanh", g.add("Mul", T(0.5), x))
    near = g.add("Div", g.add("Mul", T(2.0), t), g.add("Sub", T(1.0), g.add("Mul", t, t)))
    return g.add("Where", g.add("Less", g.add("Abs", x), T(1.0)), near, far)


def _cosh(g: Graph, zero: Any, x: str) -> str:
    return g.add("Mul", type(zero)(0.5), g.add("Add", g.add("Exp", x), g.add("Exp", g.add("Neg", x))))


def _sign(g: Graph, zero: Any, x: str) -> str:
    T = type(zero)
    below = g.add("Where", g.add("Less", x, zero), T(-1.0), x)
    return g.add("Where", g.add("Greater", x, zero), T(1.0), below)


def _sigmoid(g: Graph, zero: Any, x: str) -> str:
    one, e = type(zero)(1.0), g.add("Exp", g.add("Neg", g.add("Abs", x)))
    return g.add("Div", g.add("Where", g.add("Less", x, zero), e, one), g.add("Add", one, e))


# Without a value of its own an instruction gets a zero. Add with a small constant is Sum: see onnx_export.
INSTRUCTIONS: Mapping[str, Row] = {
    "constant": lambda g, value: g.constant(value),
    "add": _node("Add"),
    "subtract": _node("Sub"),
    "multiply": _node("Mul"),
    "divide": lambda g, zero, a, b: g.add("Div", a, _not_zero(g, zero, b)),
    "shift": lambda g, value, a: g.add("Sum", a, value),
    "scale": _scale,
    "whole_power": lambda g, value, a: g.add("Pow", a, value),
    "power": _power,
    "if_less": _choice("Less"),
    "if_less_equal": _choice("LessOrEqual"),
    "sin": _node("Sin"),
    "cos": _node("Cos"),
    "tan": lambda g, _, a: g.add("Div", g.add("Sin", a), g.add("Cos", a)),
    "asin": _single("Asin"),
    "acos": _single("Acos"),
    "atan": _single("Atan"),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _node("Tanh"),
    "exp": _node("Exp"),
    "log": lambda g, zero, a: g.add("Log", _not_zero(g, zero, a)),
    "sqrt": _node("Sqrt"),
    "abs": _node("Abs"),
    "sign": _sign,
    "sigmoid": _sigmoid,
    "softplus": lambda g, zero, a: softplus(g, a, type(zero)),
    "erf": _single("Erf"),
    "relu": lambda g, zero, a: g.add("Where", g.add("Less", a, zero), zero, a),
}
