"""The network as C: its parameters as constants, and a function that passes a row forward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from thalweg.activations import SELU_ALPHA, SELU_SCALE, SQRT_HALF, Activation
from thalweg.c_formulas import formula_function
from thalweg.c_words import array, number
from thalweg.errors import InputError
from thalweg.exports import formula_of
from thalweg.network import Network


if TYPE_CHECKING:
    from jaxtyping import Float

WIDEST = 2**15  # units of a layer; three layers lie on the stack, in doubles 768 KiB of the 1 MiB that Windows gives


def real_of(parameters: Float[np.ndarray, " p"]) -> str:
    """The type of C that the parameters have.

    >>> real_of(np.zeros(3, dtype=np.float32))
    'float'
    """
    return "float" if parameters.dtype == np.float32 else "double"


def network_code(network: Network, parameters: Float[np.ndarray, " p"]) -> str:
    """The function @_network(x, y), and what it needs.

    Raises:
        InputError: a layer is too wide for the stack, or an activation is made of Python functions.
    """
    if max(network.sizes) > WIDEST:
        message = (
            f"a layer of {max(network.sizes):,} units is too wide for C that allocates nothing (at most {WIDEST:,}); "
            f"export to ONNX instead"
        )
        raise InputError(message)
    constants, body = [], []
    own: dict[Activation, str] = {}  # and what its function is called: their own names may be those of ours
    below = "x"
    for place, (layer, (W, b)) in enumerate(zip(network.layers, network.views(parameters), strict=True), start=1):
        constants.append(array("@real", f"@_W{place}", map(number, W.ravel())))
        if b is not None:
            constants.append(array("@real", f"@_b{place}", map(number, b)))
        above = "y" if place == len(network.layers) else ("two", "one")[place % 2]
        biases = "NULL" if b is None else f"@_b{place}"
        body.append(f"    @_layer({below}, {layer.below}, @_W{place}, {biases}, {layer.above}, {above});")
        g = layer.activation
        if g.own:
            body.append(f"    {own.setdefault(g, f'@_own{len(own) + 1}')}({above}, {layer.above});")
        elif g.name != "identity":
            parameter = f", {number(parameters.dtype.type(g.parameter))}" if g.parameter_name else ""
            body.append(f"    @_{g.name}({above}, {layer.above}{parameter});")
        below = above
    buffers = [f"{buffer}[{max(network.sizes[1:-1])}]" for buffer in ("one", "two")[: len(network.layers) - 1]]
    function = [
        "static void @_network(const @real *x, @real *y)",
        "{",
        *([f"    @real {', '.join(buffers)};"] if buffers else []),
        *body,
        "}",
        "",
    ]
    used = dict.fromkeys(layer.activation.name for layer in network.layers if not layer.activation.own)
    activations = [ACTIVATIONS[g] for g in used if g != "identity"]
    activations += [
        formula_function(name, f"{g!r}: {g.formula}", formula_of(g), parameters.dtype.type) for g, name in own.items()
    ]
    return "\n".join([*constants, "", _LAYER, *activations, *function, ""])


def _elementwise(name: str, formula: str, parameter: str = "") -> str:
    more = f", @real {parameter}" if parameter else ""
    return f"""\
static void @_{name}(@real *z, size_t n{more})
{{
    for (size_t j = 0; j < n; j++) {{
        const @real a = z[j];
        z[j] = {formula};
    }}
}}
"""


_SOFTPLUS = "fmax@f(a, 0) + log1p@f(exp@f(-fabs@f(a)))"
_SOFTMAX = """\
static void @_softmax(@real *z, size_t n)
{
    @real largest = z[0], sum = 0;
    for (size_t j = 1; j < n; j++)
        largest = fmax@f(largest, z[j]);
    for (size_t j = 0; j < n; j++)
        sum += z[j] = exp@f(z[j] - largest);
    for (size_t j = 0; j < n; j++)
        z[j] /= sum;
}
"""
# In place, each from a to z. The formulas of activations.py; e to the power of a large number is infinite, and 1 / (1 +
# infinity) is 0, as it should be.
ACTIVATIONS: Mapping[str, str] = {
    "sigmoid": _elementwise("sigmoid", "1 / (1 + exp@f(-a))"),
    "tanh": _elementwise("tanh", "tanh@f(a)"),
    "relu": _elementwise("relu", "a > 0 ? a : 0"),
    "leaky_relu": _elementwise("leaky_relu", "a > 0 ? a : slope * a", "slope"),
    "elu": _elementwise("elu", "a > 0 ? a : alpha * expm1@f(a)", "alpha"),
    "selu": _elementwise("selu", f"(@real){SELU_SCALE!r} * (a > 0 ? a : (@real){SELU_ALPHA!r} * expm1@f(a))"),
    "gelu": _elementwise("gelu", f"a * erfc@f(-a * (@real){SQRT_HALF!r}) / 2"),
    "silu": _elementwise("silu", "a / (1 + exp@f(-a))"),
    "mish": _elementwise("mish", f"a * tanh@f({_SOFTPLUS})"),
    "softplus": _elementwise("softplus", _SOFTPLUS),
    "exp": _elementwise("exp", "exp@f(a)"),
    "softmax": _SOFTMAX,
}

_LAYER = """\
/* a = z W + b, where W has a row for each unit below. */
static void @_layer(const @real *below, size_t n, const @real *W, const @real *b, size_t m, @real *above)
{
    for (size_t j = 0; j < m; j++)
        above[j] = b == NULL ? 0 : b[j];
    for (size_t i = 0; i < n; i++, W += m) {
        const @real z = below[i];
        if (z == 0) /* as most features of categories are, and half of the units of relu */
            continue;
        for (size_t j = 0; j < m; j++)
            above[j] += z * W[j];
    }
}
"""
