"""Backpropagation by hand: one scalar after another, as the lecture writes it, sharing no code with Thalweg.

Numbers in brackets are the lecture's equations (docs/lecture.md). Layers ℓ and units i, j, k count from 1. `EXACT`
computes in fractions: identity, relu, leaky_relu, and losses without logarithms; `PRECISE` in 50 digits: all of them.
Numbers may be int, float (taken exactly as it is stored), Fraction, or text such as "1/3" or "0.1".

An activation or a loss is its name, or (name, parameter). Where g′ jumps it is the left limit; where ∂E/∂ŷ jumps, 0.
"""

from fractions import Fraction
from typing import Any

import mpmath


class Exact:
    """Fractions: nothing is rounded, and what is no fraction is refused."""

    def number(self, given: Any) -> Any:
        """The fraction that `given` is."""
        return Fraction(given)

    def __getattr__(self, name: str) -> Any:
        message = f"{name} leads out of the fractions; compute with PRECISE"
        raise ValueError(message)


class Precise:
    """Numbers of so many decimal digits and of any size."""

    def __init__(self, digits: int) -> None:
        self.context = mpmath.MPContext()
        self.context.dps = digits

    def number(self, given: Any) -> Any:
        """`given`, rounded to the digits."""
        if isinstance(given, (str, Fraction)):
            given = Fraction(given)
            return self.context.mpf(given.numerator) / given.denominator
        return self.context.mpf(given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)  # exp, log, tanh, …


EXACT = Exact()
PRECISE = Precise(50)  # where an output of sigmoid or softmax is within 1e-50 of 1, more: Precise(700)


# --- Activations: g(a) and g′(a), each with its parameter p where it has one. m knows exp, log, … -------------------


def sigmoid(m, a):
    return 1 / (1 + m.exp(-a))


def sigmoid_slope(m, a):
    return sigmoid(m, a) * (1 - sigmoid(m, a))  # L14


def distribution(m, a):
    return m.erfc(-a / m.sqrt(2)) / 2  # Φ


def density(m, a):
    return m.exp(-a * a / 2) / m.sqrt(2 * m.pi)  # φ = Φ′


def softplus(m, a):
    return m.log(1 + m.exp(a))


def selu_constants(m):
    """(scale, alpha): those for which mean 0 and variance 1 are a fixed point (Klambauer et al. 2017, equation 14)."""
    c, e = m.erfc(1 / m.sqrt(2)), m.e
    alpha = -m.sqrt(2 / m.pi) / (c * m.sqrt(e) - 1)
    below = 2 * m.erfc(m.sqrt(2)) * e**2 + m.pi * c**2 * e - 2 * (2 + m.pi) * c * m.sqrt(e) + m.pi + 2
    return (1 - c * m.sqrt(e)) * m.sqrt(2 * m.pi) / m.sqrt(below), alpha


def selu(m, a):
    scale, alpha = selu_constants(m)
    return scale * a if a > 0 else scale * alpha * (m.exp(a) - 1)


def selu_slope(m, a):
    scale, alpha = selu_constants(m)
    return scale if a > 0 else scale * alpha * m.exp(a)


def mish_slope(m, a):
    s = softplus(m, a)
    return m.tanh(s) + a * sigmoid(m, a) / m.cosh(s) ** 2  # tanh′ = 1/cosh², softplus′ = sigmoid


# name -> (g, g′, the parameter that the plain name stands for)
ACTIVATIONS: dict[str, tuple[Any, Any, Any]] = {
    "identity": (lambda m, a, p: a, lambda m, a, p: 1, None),
    "sigmoid": (lambda m, a, p: sigmoid(m, a), lambda m, a, p: sigmoid_slope(m, a), None),
    "tanh": (lambda m, a, p: m.tanh(a), lambda m, a, p: 1 / m.cosh(a) ** 2, None),
    "relu": (lambda m, a, p: a if a > 0 else 0, lambda m, a, p: 1 if a > 0 else 0, None),
    "leaky_relu": (lambda m, a, p: a if a > 0 else p * a, lambda m, a, p: 1 if a > 0 else p, "0.01"),
    "elu": (
        lambda m, a, p: a if a > 0 else p * (m.exp(a) - 1),
        lambda m, a, p: 1 if a > 0 else p * m.exp(a),
        "1",
    ),
    "selu": (lambda m, a, p: selu(m, a), lambda m, a, p: selu_slope(m, a), None),
    "gelu": (
        lambda m, a, p: a * distribution(m, a),
        lambda m, a, p: distribution(m, a) + a * density(m, a),
        None,
    ),
    "silu": (
        lambda m, a, p: a * sigmoid(m, a),
        lambda m, a, p: sigmoid(m, a) + a * sigmoid_slope(m, a),
        None,
    ),
    "mish": (lambda m, a, p: a * m.tanh(softplus(m, a)), lambda m, a, p: mish_slope(m, a), None),
    "softplus": (lambda m, a, p: softplus(m, a), lambda m, a, p: sigmoid(m, a), None),
    "exp": (lambda m, a, p: m.exp(a), lambda m, a, p: m.exp(a), None),
}


# --- Losses: what one output ŷ_k = z adds to E, and ∂E/∂z, with r = z − y --------------------------------------------


def sign(r):
    return (r > 0) - (r < 0)


def y_log(m, y, z):
    return y * m.log(z) if y else 0  # 0 · log 0 = 0


def huber(r, delta):
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


def quantile(r, level):
    return -level * r if r < 0 else (1 - level) * r


def quantile_slope(r, level):
    return -level if r < 0 else (1 - level) * sign(r)


# name -> (E, ∂E/∂z, the parameter that the plain name stands for)
LOSSES: dict[str, tuple[Any, Any, Any]] = {
    "squared_error": (lambda m, z, y, p: (z - y) ** 2, lambda m, z, y, p: 2 * (z - y), None),  # L7
    "half_squared_error": (lambda m, z, y, p: (z - y) ** 2 / 2, lambda m, z, y, p: z - y, None),
    "cross_entropy": (lambda m, z, y, p: -y_log(m, y, z), lambda m, z, y, p: -y / z, None),
    "binary_cross_entropy": (
        lambda m, z, y, p: -y_log(m, y, z) - y_log(m, 1 - y, 1 - z),
        lambda m, z, y, p: -y / z + (1 - y) / (1 - z),
        None,
    ),
    "absolute_error": (lambda m, z, y, p: abs(z - y), lambda m, z, y, p: sign(z - y), None),
    "huber": (
        lambda m, z, y, p: huber(z - y, p),
        lambda m, z, y, p: z - y if abs(z - y) <= p else p * sign(z - y),
        "1",
    ),
    "quantile": (lambda m, z, y, p: quantile(z - y, p), lambda m, z, y, p: quantile_slope(z - y, p), "0.5"),
    "poisson": (lambda m, z, y, p: z - y_log(m, y, z), lambda m, z, y, p: 1 - y / z, None),
}


def chosen(table, given, m):
    """(function, its derivative, its parameter as a number) of a name or of (name, parameter)."""
    name, parameter = (given, None) if isinstance(given, str) else given
    function, slope, usual = table[name]
    parameter = usual if parameter is None else parameter
    return function, slope, None if parameter is None else m.number(parameter)


# --- The two passes ---------------------------------------------------------------------------------------------------


def trace(sizes, activations, output, loss, weights, biases, x, y, arithmetic) -> dict[tuple, Any]:
    """Every intermediate of one example.

    Args:
        sizes: units of the input and of each layer.
        activations: a list, one for each hidden layer; or one that all of them share.
        output: the activation of the last layer, which may be softmax.
        weights: weights[ℓ − 1][i − 1][j − 1] is W_ij⁽ℓ⁾.
        biases: biases[ℓ − 1][j − 1] is b_j⁽ℓ⁾; None for a network without.
        arithmetic: EXACT, PRECISE, or Precise(digits).

    Returns:
        A dictionary with, for units i below and j above:
        ("x", i), ("y", k), ("a", ℓ, j), ("z", ℓ, j), ("E",), ("dE/dz", k),
        ("g'", ℓ, j), which is g′(a_j⁽ℓ⁾), or for softmax ("dz/da", ℓ, k, j), which is ∂z_k/∂a_j,
        ("sum", ℓ, j), which is Σ_k δ_k⁽ℓ⁺¹⁾ W_jk⁽ℓ⁺¹⁾ of a hidden unit,
        ("delta", ℓ, j), ("dE/dW", ℓ, i, j), ("dE/db", ℓ, j).
    """
    m, last = arithmetic, len(sizes) - 1
    hidden = activations if isinstance(activations, list) else [activations] * (last - 1)
    functions = [chosen(ACTIVATIONS, given, m) for given in hidden]
    functions.append((None, None, None) if output == "softmax" else chosen(ACTIVATIONS, output, m))
    assert len(functions) == len(weights) == last
    value, value_slope, loss_parameter = chosen(LOSSES, loss, m)

    def units(layer):
        return range(1, sizes[layer] + 1)

    W, b = {}, {}
    for layer in range(1, last + 1):
        for j in units(layer):
            for i in units(layer - 1):
                W[layer, i, j] = m.number(weights[layer - 1][i - 1][j - 1])
            if biases is not None:
                b[layer, j] = m.number(biases[layer - 1][j - 1])

    t: dict[tuple, Any] = {}
    for i in units(0):
        t["x", i] = m.number(x[i - 1])
    for k in units(last):
        t["y", k] = m.number(y[k - 1])

    def below(layer, i):  # what unit i below hands to this layer: x_i, or z_i of the layer before
        return t["x", i] if layer == 1 else t["z", layer - 1, i]

    # The forward pass.
    for layer in range(1, last + 1):
        g, _, parameter = functions[layer - 1]
        for j in units(layer):
            a = m.number(0)
            for i in units(layer - 1):
                a += below(layer, i) * W[layer, i, j]  # (2), (3)
            if biases is not None:
                a += b[layer, j]  # the weight of an input that is always 1
            t["a", layer, j] = a
        for j in units(layer):
            if g is not None:
                t["z", layer, j] = m.number(g(m, t["a", layer, j], parameter))  # (2), (3)
            else:
                total = m.number(0)
                for k in units(layer):
                    total += m.exp(t["a", layer, k])
                t["z", layer, j] = m.exp(t["a", layer, j]) / total
    E = m.number(0)
    for k in units(last):
        E += value(m, t["z", last, k], t["y", k], loss_parameter)  # L7
    t[("E",)] = E  # (4)

    # The backward pass.
    for k in units(last):
        t["dE/dz", k] = m.number(value_slope(m, t["z", last, k], t["y", k], loss_parameter))
    for layer in range(last, 0, -1):
        _, slope, parameter = functions[layer - 1]
        for j in units(layer):
            if slope is not None:
                t["g'", layer, j] = m.number(slope(m, t["a", layer, j], parameter))
            if layer == last and slope is not None:
                t["delta", layer, j] = t["dE/dz", j] * t["g'", layer, j]  # (5), and (7) for an output unit
            elif layer == last:
                delta = m.number(0)
                for k in units(layer):  # every output leans on every a: ∂z_k/∂a_j = z_k ([k = j] − z_j)   L15
                    t["dz/da", layer, k, j] = t["z", layer, k] * ((1 if k == j else 0) - t["z", layer, j])
                    delta += t["dE/dz", k] * t["dz/da", layer, k, j]
                t["delta", layer, j] = delta
            else:
                total = m.number(0)
                for k in units(layer + 1):
                    total += t["delta", layer + 1, k] * W[layer + 1, j, k]
                t["sum", layer, j] = total
                t["delta", layer, j] = total * t["g'", layer, j]  # (6), and (7) for a hidden unit
        for j in units(layer):
            for i in units(layer - 1):
                t["dE/dW", layer, i, j] = t["delta", layer, j] * below(layer, i)  # (5), (6)
            if biases is not None:
                t["dE/db", layer, j] = t["delta", layer, j]
    return t


def batch(
    sizes, activations, output, loss, weights, biases, X, Y, arithmetic, example_weights=None, reduction="mean"
) -> dict[tuple, Any]:
    """("E",), ("dE/dW", ℓ, i, j) and ("dE/db", ℓ, j) of examples: each times s_n and added up (L13), or that / Σ_n s_n.

    Args:
        example_weights: the s_n; without, each is 1.
        reduction: "sum" or "mean".
    """
    traces = [
        trace(sizes, activations, output, loss, weights, biases, x, y, arithmetic) for x, y in zip(X, Y, strict=True)
    ]
    return add_up(traces, arithmetic, example_weights, reduction)


def add_up(traces, arithmetic, example_weights=None, reduction="mean") -> dict[tuple, Any]:
    """`batch` from the traces of its examples."""
    assert reduction in ("mean", "sum")
    given = [1] * len(traces) if example_weights is None else example_weights
    s = [arithmetic.number(one) for one in given]
    total = {}
    for key in traces[0]:
        if key[0] in ("E", "dE/dW", "dE/db"):
            added = arithmetic.number(0)
            for t, share in zip(traces, s, strict=True):
                added += share * t[key]  # L13
            total[key] = added / sum(s) if reduction == "mean" else added
    return total
