"""Update rules: from the gradient to the next parameters, one frozen object each, one row each in `OPTIMIZERS`.

Every rule works on one flat vector p, so that the same rules walk down any function (L1) and train networks (L8).
Symbols: g the gradient, γ the learning rate of this step, t the number of the step from 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg.errors import InputError
from thalweg.schedules import find_schedule
from thalweg.settings import Settings, from_dict


if TYPE_CHECKING:
    from jaxtyping import Float

    State = dict[str, Float[np.ndarray, " p"]]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Settings):
    """An update rule with its learning rate; `clip` shortens longer gradients to that Euclidean norm."""

    learning_rate: Any = field(default=1e-3, kw_only=False)
    clip: float | None = None

    state_names: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", find_schedule(self.learning_rate))
        if self.clip is not None:
            self.check("clip", lambda clip: clip > 0.0, "a norm > 0, or None for no clipping")

    def start(self, n: int, dtype: Any = np.float64) -> State:
        """The state before the first step: a zero vector of length n for each name."""
        return {name: np.zeros(n, dtype=dtype) for name in self.state_names}

    def update(self, p: np.ndarray, g: np.ndarray, state: State, rate: float, t: int, decay: Any = 1.0) -> None:
        """Take one step: `p` and `state` change in place, `g` may be overwritten.

        Args:
            p: parameters, shape (n,).
            g: gradient at p, shape (n,).
            state: what `start` gave, as the steps before have left it.
            rate: γ of this step.
            t: number of the step, from 1.
            decay: 1 where weight decay applies, 0 where not (biases), shape (n,) or a number.
        """
        self._step(p, self._clipped(g), state, rate, t, decay)

    def _step(self, p: np.ndarray, g: np.ndarray, state: State, rate: float, t: int, decay: Any) -> None:
        raise NotImplementedError

    def _clipped(self, g: np.ndarray) -> np.ndarray:
        """Clip by global norm (Pascanu, Mikolov & Bengio 2013)."""
        if self.clip is None:
            return g
        largest = float(np.max(np.abs(g)))
        if not 0.0 < largest < math.inf:
            return g
        direction = g / largest  # no square of it overflows, as that of a large g would
        length = math.sqrt(float(np.dot(direction, direction)))
        return direction * (self.clip / length) if largest * length > self.clip else g


@dataclass(frozen=True, kw_only=True)
class GradientDescent(Optimizer):
    """p := p − γ g (equation 1).

    With momentum μ: v := μ v − γ g, p := p + v (Polyak 1964); with nesterov: p := p + μ v − γ g, v being the new one
    (Sutskever et al. 2013, written in the looked-ahead point as scikit-learn does).
    """

    learning_rate: Any = field(default=0.1, kw_only=False)
    momentum: float = 0.0
    nesterov: bool = False

    state_names = ("velocity",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("momentum", lambda momentum: 0.0 <= momentum < 1.0, "a number with 0 ≤ momentum < 1")
        if self.nesterov and not self.momentum:
            message = "GradientDescent: nesterov=True would do nothing while momentum is 0; set momentum, such as 0.9"
            raise InputError(message)

    def start(self, n: int, dtype: Any = np.float64) -> State:
        """No state without momentum, else the velocity."""
        return super().start(n, dtype) if self.momentum else {}

    def _step(self, p, g, state, rate, t, decay):
        if not self.momentum:
            p -= rate * g
            return
        v = state["velocity"]
        v *= self.momentum
        v -= rate * g
        p += self.momentum * v - rate * g if self.nesterov else v


@dataclass(frozen=True, kw_only=True)
class RMSprop(Optimizer):
    """v := ρ v + (1 − ρ) g²,  p := p − γ g / (√v + ε) (Tieleman & Hinton 2012)."""

    rho: float = 0.99
    epsilon: float = 1e-8

    state_names = ("square",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("rho", lambda rho: 0.0 <= rho < 1.0, "a number with 0 ≤ rho < 1")
        self.check("epsilon", lambda epsilon: epsilon > 0.0, "a number > 0")

    def _step(self, p, g, state, rate, t, decay):
        v = state["square"]
        v *= self.rho
        v += (1.0 - self.rho) * g * g
        p -= rate * g / (np.sqrt(v) + self.epsilon)


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """m := β₁ m + (1 − β₁) g,  v := β₂ v + (1 − β₂) g²,  p := p − γ m̂ / (√v̂ + ε) (Kingma & Ba 2015, algorithm 1).

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) undo the start from zero.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    state_names = ("mean", "square")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("beta1", lambda beta1: 0.0 <= beta1 < 1.0, "a number with 0 ≤ beta1 < 1")
        self.check("beta2", lambda beta2: 0.0 <= beta2 < 1.0, "a number with 0 ≤ beta2 < 1")
        self.check("epsilon", lambda epsilon: epsilon > 0.0, "a number > 0")

    def _step(self, p, g, state, rate, t, decay):
        m, v = state["mean"], state["square"]
        m *= self.beta1
        m += (1.0 - self.beta1) * g
        v *= self.beta2
        v += (1.0 - self.beta2) * (g * g)
        denominator = np.sqrt(v)
        denominator *= 1.0 / math.sqrt(1.0 - self.beta2**t)
        denominator += self.epsilon
        p -= (rate / (1.0 - self.beta1**t)) * (m / denominator)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled decay: first p := p − γ · weight_decay · p for weights, not biases (Loshchilov 2019)."""

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("weight_decay", lambda decay: decay >= 0.0, "a number ≥ 0")

    def _step(self, p, g, state, rate, t, decay):
        p *= 1.0 - (rate * self.weight_decay) * decay
        super()._step(p, g, state, rate, t, decay)


OPTIMIZERS = {row.__name__: row for row in (GradientDescent, RMSprop, Adam, AdamW)}


def find_optimizer(given: Any) -> Optimizer:
    """An optimizer from itself, the name of one (with its defaults), or what `to_dict` gave.

    Raises:
        InputError: there is none of this name, or a setting breaks its rule.
    """
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, str) and given in OPTIMIZERS:
        return OPTIMIZERS[given]()
    described = from_dict(given, OPTIMIZERS)
    if described is not None:
        return described
    message = (
        f"there is no optimizer {given!r}; choose one of {', '.join(OPTIMIZERS)}, such as Adam(learning_rate=1e-3)"
    )
    raise InputError(message)
