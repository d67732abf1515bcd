"""The functions of one argument that a formula may call: one row each in `FUNCTIONS`.

A row knows its value twice, for one float and for arrays, and its derivative as a rule that builds an expression. The
float form raises ValueError where the function is not defined and OverflowError where the value is too large, as
`math` does; the array form gives nan and an infinity there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Function:
    """One function f: its values, f′ as an expression builder, how LaTeX writes it, and where its value is exact.

    `derivative(u, call)` builds f′(u) from the expression u by operators and by `call(name, u)`.
    """

    name: str
    scalar: Callable[[float], float]
    array: Callable[[Any], Any]
    derivative: Callable[[Any, Callable[[str, Any], Any]], Any]
    latex: str  # %s is the argument
    exact: Mapping[int | str, int] = field(default_factory=dict)  # whole number or name of a constant → whole number

    def __reduce__(self) -> tuple[Any, ...]:
        return _row, (self.name,)  # a row is itself again where it is read back


def _row(name: str) -> Function:
    return FUNCTIONS[name]


def _pole(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A logarithm that is nan at 0, where NumPy says -inf: no number is its value there."""
    return lambda a: function(np.where(a == 0.0, np.nan, a))


def _sign(a: float) -> float:
    return 1.0 if a > 0.0 else -1.0 if a < 0.0 else a  # what is left is 0, or nan


def _sigmoid(a: float) -> float:
    e = math.exp(-abs(a))  # raised to negative powers only: never too large
    return (1.0 if a >= 0.0 else e) / (1.0 + e)


def sigmoid(a: Any) -> Any:
    """1 / (1 + e⁻ᵃ) of an array, without overflow: e is only raised to negative powers."""
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1.0, e) / (1.0 + e)


def softplus(a: Any) -> Any:
    """ln(1 + eᵃ) of an array, without overflow."""
    return np.maximum(a, 0.0) + np.log1p(np.exp(-np.abs(a)))


def _erf(a: Any) -> Any:
    from scipy.special import erf

    return erf(a)


def _softplus(a: float) -> float:
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
_ROWS = (
    Function("sin", math.sin, np.sin, lambda u, f: f("cos", u), r"\sin\left(%s\right)", {0: 0}),
    Function("cos", math.cos, np.cos, lambda u, f: -f("sin", u), r"\cos\left(%s\right)", {0: 1}),
    Function("tan", math.tan, np.tan, lambda u, f: 1 + f("tan", u) ** 2, r"\tan\left(%s\right)", {0: 0}),
    Function("asin", math.asin, np.arcsin, lambda u, f: 1 / f("sqrt", 1 - u**2), r"\arcsin\left(%s\right)", {0: 0}),
    Function("acos", math.acos, np.arccos, lambda u, f: -1 / f("sqrt", 1 - u**2), r"\arccos\left(%s\right)"),
    Function("atan", math.atan, np.arctan, lambda u, f: 1 / (1 + u**2), r"\arctan\left(%s\right)", {0: 0}),
    Function("sinh", math.sinh, np.sinh, lambda u, f: f("cosh", u), r"\sinh\left(%s\right)", {0: 0}),
    Function("cosh", math.cosh, np.cosh, lambda u, f: f("sinh", u), r"\cosh\left(%s\right)", {0: 1}),
    Function("tanh", math.tanh, np.tanh, lambda u, f: 1 - f("tanh", u) ** 2, r"\tanh\left(%s\right)", {0: 0}),
    Function("exp", math.exp, np.exp, lambda u, f: f("exp", u), r"\exp\left(%s\right)", {0: 1}),
    Function("log", math.log, _pole(np.log), lambda u, f: 1 / u, r"\ln\left(%s\right)", {1: 0, "e": 1}),
    Function("log10", math.log10, _pole(np.log10), lambda u, f: 1 / (u * f("log", 10)), r"\log_{10}\left(%s\right)",
             {1: 0, 10: 1}),
    Function("log2", math.log2, _pole(np.log2), lambda u, f: 1 / (u * f("log", 2)), r"\log_{2}\left(%s\right)",
             {1: 0, 2: 1}),
    Function("sqrt", math.sqrt, np.sqrt, lambda u, f: 1 / (2 * f("sqrt", u)), r"\sqrt{%s}", {0: 0, 1: 1}),
    Function("abs", math.fabs, np.abs, lambda u, f: f("sign", u), r"\left|%s\right|", {0: 0}),
    Function("sign", _sign, np.sign, lambda u, f: 0, r"\operatorname{sign}\left(%s\right)", {0: 0}),
    Function("sigmoid", _sigmoid, sigmoid,
             lambda u, f: f("sigmoid", u) * (1 - f("sigmoid", u)), r"\sigma\left(%s\right)"),
    Function("softplus", _softplus, softplus,
             lambda u, f: f("sigmoid", u), r"\operatorname{softplus}\left(%s\right)"),
    Function("erf", math.erf, _erf, lambda u, f: TWO_OVER_ROOT_PI * f("exp", -(u**2)),
             r"\operatorname{erf}\left(%s\right)", {0: 0}),
    # 1 where u > 0 and 0 elsewhere, also at the kink, as in `activations`
    Function("relu", lambda a: max(a, 0.0), lambda a: np.maximum(a, 0.0),
             lambda u, f: f("sign", f("relu", u)), r"\operatorname{relu}\left(%s\right)", {0: 0}),
)  # fmt: skip
FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}
