"""Losses: one row each in `LOSSES`. The scale of every loss is stated here and nowhere else.

A loss gives E_n for each row, summed over the outputs k (never averaged over them), and its derivative ∂E/∂ŷ, with
ŷ = z⁽ᴸ⁾ the activated output. The objective made of the E_n is a property of the Network (sum or weighted mean).

Where the output activation and the loss cancel (softmax and cross-entropy, sigmoid and binary cross-entropy, exp and
poisson) the pair is fused: value and ∂E/∂a are computed from a = a⁽ᴸ⁾ directly, which neither overflows nor takes the
logarithm of 0.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.activations import Activation
from thalweg.elementary import sigmoid, softplus
from thalweg.named import Named, find


if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Fused:
    """A loss and the output activation that it cancels with: E and ∂E/∂a from a, ŷ and y."""

    value: Callable[[np.ndarray, np.ndarray], np.ndarray]  # (a, y) -> (n,)
    gradient: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # (a, ŷ, y) -> (n, k)
    slope: str = ""  # what ∂E/∂a simplifies to, as text (see `formulas`); "" where it is not simpler


@dataclass(frozen=True, eq=False, repr=False)
class Loss(Named):
    """One loss: E_n(ŷ, y) for each row and ∂E/∂ŷ. Its texts say what one output adds to E, and the slope of that."""

    value: Callable[[np.ndarray, np.ndarray, float], np.ndarray]  # (ŷ, y, parameter) -> per element (n, k)
    gradient: Callable[[np.ndarray, np.ndarray, float], np.ndarray]  # -> ∂E/∂ŷ (n, k)
    outputs: Callable[[Activation], bool]  # which output activations are valid
    outputs_rule: str  # the same in words
    targets: Callable[[np.ndarray], np.ndarray]  # (n, k) -> which elements are valid
    targets_rule: str  # the same in words
    fused: dict[str, Fused] = dataclasses.field(default_factory=dict)  # by name of the output activation
    kinks: tuple[float, ...] = ()  # values of ŷ − y where the derivative jumps

    def of(self, output: Activation, a: Float[np.ndarray, "n k"], z: Float[np.ndarray, "n k"],
           y: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:  # fmt: skip
        """E_n for each row (equation 4), from a = a⁽ᴸ⁾ where the pair is fused, else from z = ŷ."""
        pair = self.fused.get(output.name)
        return pair.value(a, y) if pair else self.value(z, y, self.parameter).sum(axis=1)

    def backward(self, output: Activation, a: Float[np.ndarray, "n k"], z: Float[np.ndarray, "n k"],
                 y: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:  # fmt: skip
        """δ⁽ᴸ⁾ = ∂E_n/∂a⁽ᴸ⁾ for each row (equation 5, and the base case of 7)."""
        pair = self.fused.get(output.name)
        if pair:
            return pair.gradient(a, z, y)
        return output.backward(z if output.saves == "z" else a, self.gradient(z, y, self.parameter))


def _times(y: np.ndarray, logarithm: np.ndarray) -> np.ndarray:
    """y · logarithm, with 0 · (−∞) = 0: a class of no weight costs nothing however improbable it is."""
    return np.multiply(y, logarithm, where=y != 0, out=np.zeros_like(logarithm))


def _softmax_cross_entropy(a: np.ndarray, y: np.ndarray) -> np.ndarray:
    shifted = a - a.max(axis=1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -_times(y, log_probability).sum(axis=1)


def _softmax_cross_entropy_gradient(a: np.ndarray, z: np.ndarray, y: np.ndarray) -> np.ndarray:
    # The familiar ŷ − y is the case Σ_k y_k = 1, which a target held in float32 meets only nearly.
    return z * y.sum(axis=1, keepdims=True) - y


def _sigmoid_cross_entropy(a: np.ndarray, y: np.ndarray) -> np.ndarray:
    # softplus(a) − a y, with softplus(a) = max(a, 0) + softplus(−|a|): the small term is added last, and not lost.
    return (np.maximum(a, 0.0) - a * y + softplus(-np.abs(a))).sum(axis=1)


def _log_softplus(a: np.ndarray) -> np.ndarray:
    """ln softplus(a); below −30 it is a − ½ eᵃ to the last bit, and softplus itself would underflow in the end."""
    return np.where(a < _LOW, a - 0.5 * np.exp(np.minimum(a, _LOW)), np.log(softplus(np.maximum(a, _LOW))))


def _log_softplus_derivative(a: np.ndarray) -> np.ndarray:
    high = np.maximum(a, _LOW)
    return np.where(a < _LOW, 1.0 - 0.5 * np.exp(np.minimum(a, _LOW)), sigmoid(high) / softplus(high))


_LOW = -30.0


def _huber(z: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    r = np.abs(z - y)
    return np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta))


def _quantile(z: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    return np.maximum(level * (y - z), (level - 1.0) * (y - z))


def _quantile_gradient(z: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    return np.where(z > y, 1.0 - level, np.where(z < y, -level, 0.0)).astype(z.dtype)


def _any_output(_: Activation) -> bool:
    return True


def _finite(y: np.ndarray) -> np.ndarray:
    return np.isfinite(y)


def _distribution(y: np.ndarray) -> np.ndarray:
    sums_to_one = np.abs(y.sum(axis=1, keepdims=True) - 1.0) <= 1e-6
    return (y >= 0.0) & sums_to_one


_ANYTHING = {"outputs": _any_output, "outputs_rule": "any", "targets": _finite, "targets_rule": "finite numbers"}
_ROWS = (
    Loss("squared_error", "(z - y)**2", "2*(z - y)",
         lambda z, y, _: (z - y) ** 2, lambda z, y, _: 2.0 * (z - y), **_ANYTHING),
    Loss("half_squared_error", "(z - y)**2/2", "z - y",
         lambda z, y, _: 0.5 * (z - y) ** 2, lambda z, y, _: z - y, **_ANYTHING),
    Loss("cross_entropy", "-y*log(z) if y > 0 else 0", "-y/z if y > 0 else 0",
         lambda z, y, _: -_times(y, np.log(z)), lambda z, y, _: -y / z,
         outputs=lambda output: output.name == "softmax", outputs_rule="softmax", targets=_distribution,
         targets_rule="one class per row, or probabilities that sum to 1",
         fused={"softmax": Fused(_softmax_cross_entropy, _softmax_cross_entropy_gradient, "z - y")}),
    Loss("binary_cross_entropy", "-log(1 - z) if y <= 0 else -log(z) if y >= 1 else -y*log(z) - (1 - y)*log(1 - z)",
         "1/(1 - z) if y <= 0 else -1/z if y >= 1 else (z - y)/(z*(1 - z))",
         lambda z, y, _: -_times(y, np.log(z)) - _times(1.0 - y, np.log1p(-z)), lambda z, y, _: (z - y) / (z * (1 - z)),
         outputs=lambda output: output.name == "sigmoid", outputs_rule="sigmoid",
         targets=lambda y: (y >= 0.0) & (y <= 1.0), targets_rule="numbers from 0 to 1",
         fused={"sigmoid": Fused(_sigmoid_cross_entropy, lambda a, z, y: z - y, "z - y")}),
    Loss("absolute_error", "abs(z - y)", "sign(z - y)",
         lambda z, y, _: np.abs(z - y), lambda z, y, _: np.sign(z - y), kinks=(0.0,), **_ANYTHING),
    Loss("huber", "(z - y)**2/2 if abs(z - y) <= delta else delta*(abs(z - y) - delta/2)",
         "z - y if abs(z - y) <= delta else delta*sign(z - y)",
         _huber, lambda z, y, delta: np.clip(z - y, -delta, delta), parameter=1.0, parameter_name="delta", **_ANYTHING),
    Loss("quantile", "level*(y - z) if z <= y else (1 - level)*(z - y)",
         "-level if z < y else 1 - level if z > y else 0",
         _quantile, _quantile_gradient, kinks=(0.0,), parameter=0.5, parameter_name="level", **_ANYTHING),
    Loss("poisson", "z - y*log(z) if y > 0 else z", "1 - y/z if y > 0 else 1",
         lambda z, y, _: z - _times(y, np.log(z)), lambda z, y, _: 1.0 - y / z,
         outputs=lambda output: output.positive and output.elementwise, outputs_rule="exp, softplus or sigmoid",
         targets=lambda y: np.isfinite(y) & (y >= 0.0), targets_rule="numbers ≥ 0",
         fused={
             "exp": Fused(lambda a, y: (np.exp(a) - y * a).sum(axis=1), lambda a, z, y: z - y, "z - y"),
             "softplus": Fused(lambda a, y: (softplus(a) - y * _log_softplus(a)).sum(axis=1),
                               lambda a, z, y: sigmoid(a) - y * _log_softplus_derivative(a)),
             "sigmoid": Fused(lambda a, y: (sigmoid(a) + y * softplus(-a)).sum(axis=1),
                              lambda a, z, y: (1.0 - z) * (z - y), "(1 - z)*(z - y)"),
         }),
)  # fmt: skip
LOSSES: dict[str, Loss] = {row.name: row for row in _ROWS}


def Huber(delta: float = 1.0) -> Loss:
    """Huber's loss: quadratic up to |r| = delta (> 0), linear beyond.

    >>> Huber(0.5)
    huber(delta=0.5)
    """
    return LOSSES["huber"].with_parameter(delta, lambda delta: 0.0 < delta < math.inf, "a number > 0")


def Quantile(level: float = 0.5) -> Loss:
    """The quantile (pinball) loss, least at the `level` quantile (0 < level < 1) of y given x.

    >>> Quantile(0.9)
    quantile(level=0.9)
    """
    return LOSSES["quantile"].with_parameter(level, lambda level: 0.0 < level < 1.0, "a number with 0 < level < 1")


PARAMETRIC: dict[str, Callable[..., Loss]] = {"huber": Huber, "quantile": Quantile}


def find_loss(given: Any) -> Loss:
    """The loss of this name (or itself, or the one that a file's dictionary describes).

    Raises:
        InputError: there is none of this name.
    """
    return find(given, "loss", Loss, LOSSES, PARAMETRIC)
