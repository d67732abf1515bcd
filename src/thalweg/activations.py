"""Activations: one row each in `ACTIVATIONS`, with g(a), g′ and what the backward pass has to find saved.

Notation of the lecture: a is what enters the activation, z = g(a) what leaves it. `saves` says which of the two the
derivative is computed from: z where the formula allows (g′ = z(1 − z) for the sigmoid, L14), a where it must (gelu,
silu and mish take the same z at two different a). `kinks` lists the a at which g′ jumps; there g′ is the left
limit, as for relu, whose g′(0) is 0.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from thalweg.elementary import sigmoid, softplus
from thalweg.named import Named, find


if TYPE_CHECKING:
    from jaxtyping import Float

# name -> (standard deviation, or half width of the uniform distribution, for fan_in and fan_out; is it uniform)
INITIALIZATIONS: dict[str, tuple[Callable[[int, int], float], bool]] = {
    "glorot": (lambda fan_in, fan_out: math.sqrt(6.0 / (fan_in + fan_out)), True),  # Glorot & Bengio 2010, eq. 16
    "he": (lambda fan_in, fan_out: math.sqrt(2.0 / fan_in), False),  # He et al. 2015, eq. 10
    "lecun": (lambda fan_in, fan_out: math.sqrt(1.0 / fan_in), False),  # LeCun et al. 1998, section 4.6
    "normal": (lambda fan_in, fan_out: 0.1, False),
    "uniform": (lambda fan_in, fan_out: 0.5, True),
    "zero": (lambda fan_in, fan_out: 0.0, True),
}
SQRT_HALF = math.sqrt(0.5)
SQRT_2_PI = math.sqrt(2.0 * math.pi)
SELU_SCALE = 1.0507009873554804934193349852946  # Klambauer et al. 2017, equation 14
SELU_ALPHA = 1.6732632423543772848170429916717


@dataclass(frozen=True, eq=False, repr=False)
class Activation(Named):
    """One activation: z = g(a), and g′ from the saved a or z."""

    g: Callable[[np.ndarray, float], np.ndarray]  # (a, parameter) -> z
    derivative: Callable[[np.ndarray, float], np.ndarray]  # of the saved array, see `saves`
    saves: Literal["a", "z"]  # what the derivative is computed from
    kinks: tuple[float, ...] = ()  # values of a where the derivative jumps
    positive: bool = False  # every output is > 0
    elementwise: bool = True  # not softmax
    initialization: str = "glorot"  # what suits it: see INITIALIZATIONS

    def __call__(self, a: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """z = g(a).

        >>> ACTIVATIONS["relu"](np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
        """
        return self.g(a, self.parameter)

    def backward(
        self, saved: Float[np.ndarray, "n d"], gradient_z: Float[np.ndarray, "n d"]
    ) -> Float[np.ndarray, "n d"]:
        """∂E/∂a from ∂E/∂z: the product with g′ (equation 7), for softmax with its full Jacobian (L15)."""
        if self.elementwise:
            return gradient_z * self.derivative(saved, self.parameter)
        z = saved
        return z * (gradient_z - np.sum(gradient_z * z, axis=1, keepdims=True))


def softmax(a: np.ndarray) -> np.ndarray:
    """e^{a_k} / Σ_j e^{a_j} along the last axis, shifted by the largest a so that nothing overflows."""
    e = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def normal_distribution(a: np.ndarray) -> np.ndarray:
    """Φ(a), the standard normal distribution function."""
    from scipy.special import ndtr

    return ndtr(a)


def _gelu_derivative(a: np.ndarray, _: float) -> np.ndarray:
    return normal_distribution(a) + a * np.exp(-0.5 * a * a) / SQRT_2_PI


def _silu_derivative(a: np.ndarray, _: float) -> np.ndarray:
    s = sigmoid(a)
    return s * (1.0 + a * (1.0 - s))


def _mish_derivative(a: np.ndarray, _: float) -> np.ndarray:
    t = np.tanh(softplus(a))
    return t + a * sigmoid(a) * (1.0 - t * t)


def _elu(a: np.ndarray, alpha: float) -> np.ndarray:
    return np.where(a > 0, a, alpha * np.expm1(np.minimum(a, 0.0)))


def _selu(a: np.ndarray, _: float) -> np.ndarray:
    return SELU_SCALE * _elu(a, SELU_ALPHA)


def _ones_like(saved: np.ndarray, _: float) -> np.ndarray:
    return np.ones_like(saved)


_ROWS = (
    Activation("identity", "a", "1", lambda a, _: a, _ones_like, "z"),
    Activation("sigmoid", "1/(1 + exp(-a))", "z*(1 - z)",
               lambda a, _: sigmoid(a), lambda z, _: z * (1.0 - z), "z", positive=True),
    Activation("tanh", "tanh(a)", "1 - z**2", lambda a, _: np.tanh(a), lambda z, _: 1.0 - z * z, "z"),
    Activation("relu", "a if a > 0 else 0", "1 if z > 0 else 0",
               lambda a, _: np.maximum(a, 0.0), lambda z, _: (z > 0).astype(z.dtype), "z",
               kinks=(0.0,), initialization="he"),
    Activation("leaky_relu", "a if a > 0 else slope*a", "1 if a > 0 else slope",
               lambda a, slope: np.where(a > 0, a, slope * a),
               lambda a, slope: np.where(a > 0, 1.0, slope).astype(a.dtype), "a",
               kinks=(0.0,), parameter=0.01, parameter_name="slope", initialization="he"),
    Activation("elu", "a if a > 0 else alpha*(exp(a) - 1)", "1 if z > 0 else z + alpha",
               _elu, lambda z, alpha: np.where(z > 0, 1.0, z + alpha), "z",
               parameter=1.0, parameter_name="alpha", initialization="he"),
    Activation("selu", "scale*a if a > 0 else scale*alpha*(exp(a) - 1)", "scale if z > 0 else z + scale*alpha", _selu,
               lambda z, _: np.where(z > 0, SELU_SCALE, z + SELU_SCALE * SELU_ALPHA).astype(z.dtype), "z",
               kinks=(0.0,), initialization="lecun", fixed={"scale": SELU_SCALE, "alpha": SELU_ALPHA}),
    Activation("gelu", "a*(1 + erf(a/sqrt(2)))/2", "(1 + erf(a/sqrt(2)))/2 + a*exp(-a**2/2)/sqrt(2*pi)",
               lambda a, _: a * normal_distribution(a), _gelu_derivative, "a", initialization="he"),
    Activation("silu", "a*sigmoid(a)", "sigmoid(a)*(1 + a*(1 - sigmoid(a)))",
               lambda a, _: a * sigmoid(a), _silu_derivative, "a", initialization="he"),
    Activation("mish", "a*tanh(softplus(a))", "tanh(softplus(a)) + a*sigmoid(a)*(1 - tanh(softplus(a))**2)",
               lambda a, _: a * np.tanh(softplus(a)), _mish_derivative, "a", initialization="he"),
    Activation("softplus", "log(1 + exp(a))", "1/(1 + exp(-a))",
               lambda a, _: softplus(a), lambda a, _: sigmoid(a), "a", positive=True),
    Activation("exp", "exp(a)", "z", lambda a, _: np.exp(a), lambda z, _: z, "z", positive=True),
    Activation("softmax", "exp(a_k) / Σ_j exp(a_j)", "z_k ([k = j] - z_j)",
               lambda a, _: softmax(a), _ones_like, "z", positive=True, elementwise=False),
)  # fmt: skip
ACTIVATIONS: dict[str, Activation] = {row.name: row for row in _ROWS}

# What hidden layers may use: softmax ties the units of a layer together and belongs at the output.
HIDDEN = tuple(name for name, row in ACTIVATIONS.items() if row.elementwise)


def LeakyReLU(slope: float = 0.01) -> Activation:
    """Leaky relu with this slope for a ≤ 0 (0 ≤ slope < 1).

    >>> LeakyReLU(0.2)
    leaky_relu(slope=0.2)
    """
    row = ACTIVATIONS["leaky_relu"]
    return row.with_parameter(slope, lambda slope: 0.0 <= slope < 1.0, "a number with 0 ≤ slope < 1")


def ELU(alpha: float = 1.0) -> Activation:
    """Exponential linear unit: alpha·(eᵃ − 1) for a ≤ 0 (alpha > 0; its derivative jumps at 0 unless alpha is 1).

    >>> ELU(0.5)
    elu(alpha=0.5)
    """
    row = ACTIVATIONS["elu"].with_parameter(alpha, lambda alpha: 0.0 < alpha < math.inf, "a number > 0")
    return row if alpha == 1.0 else dataclasses.replace(row, kinks=(0.0,))


PARAMETRIC: dict[str, Callable[..., Activation]] = {"leaky_relu": LeakyReLU, "elu": ELU}


def find_activation(given: Any) -> Activation:
    """The activation of this name (or itself, or the one that a file's dictionary describes).

    Raises:
        InputError: there is none of this name.
    """
    return find(given, "activation", Activation, ACTIVATIONS, PARAMETRIC)
