"""Update rules: from the gradient to the next parameters, one frozen object each, one row each in `UPDATE_RULES`.

Every rule works on one flat vector p, so that the same rules walk down any function (L1) and train networks (L8).
Symbols: g the gradient, γ the learning rate of this step, t the number of the step from 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg.errors import InputError
from thalweg.landscape import Landscape, Point
from thalweg.line_searches import LineSearch, find_learning_rate
from thalweg.settings import Settings


if TYPE_CHECKING:
    from jaxtyping import Float

    State = dict[str, Float[np.ndarray, "..."]]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Settings):
    """A way downhill with its learning rate: a number, a schedule, or, along a direction, a line search."""

    learning_rate: Any = field(default=1e-3, kw_only=False)  # γ: a number, a schedule or a line search

    is_scaled: ClassVar[bool] = False  # whether its directions have a natural length: γ = 1 is the step to try first

    def __post_init__(self) -> None:
        object.__setattr__(self, "learning_rate", find_learning_rate(self.learning_rate))
        rate = self.learning_rate
        if not isinstance(rate, LineSearch):
            return
        name = type(self).__name__
        if not self.walks_rays:
            message = (
                f"{name}: {rate!r} looks along a straight direction, and the steps of this rule follow none; use "
                "GradientDescent without momentum and clip, ConjugateGradient, LBFGS or Newton, or give a number"
            )
            raise InputError(message)
        if rate.for_gradient and not isinstance(self, GradientDescent):
            message = (
                f"{name}: {rate!r} gives rates for the gradient itself; use GradientDescent, or Wolfe or Backtracking"
            )
            raise InputError(message)

    @property
    def walks_rays(self) -> bool:
        """Whether each step goes along a direction downhill, whose length a line search may choose."""
        return False

    @property
    def needs_all_rows(self) -> bool:
        """Whether the function must stay the same from step to step, as it does not with mini-batches."""
        return isinstance(self.learning_rate, LineSearch)

    def start(self, n: int, dtype: Any = np.float64) -> State:
        """The state before the first step on n numbers of this dtype, by name."""
        return {"search": self.learning_rate.start()} if isinstance(self.learning_rate, LineSearch) else {}

    def direction(self, at: Point, state: State, landscape: Landscape) -> Float[np.ndarray, " n"]:
        """The direction downhill, only where `walks_rays`.

        Args:
            at: the point, with value and gradient.
            state: what `start` gave, as the steps before have left it; changed in place.
            landscape: the function, for those who need more than the gradient.
        """
        raise NotImplementedError

    def learn(self, old: Point, new: Point, state: State) -> None:
        """Remember the step from `old` to `new`; `state` changes in place."""


@dataclass(frozen=True, kw_only=True)
class UpdateRule(Optimizer):
    """From one gradient to the next parameters; `clip` shortens longer gradients to that Euclidean norm."""

    clip: float | None = None  # Euclidean norm to which longer gradients are shortened; None for no clipping

    state_names: ClassVar[tuple[str, ...]] = ()  # the vectors of length n that it keeps from step to step

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.clip is not None:
            self.check("clip", lambda clip: clip > 0.0, "a norm > 0, or None for no clipping")

    def start(self, n: int, dtype: Any = np.float64) -> State:
        """The state before the first step: a zero vector of length n for each name."""
        return {**super().start(n, dtype), **{name: np.zeros(n, dtype=dtype) for name in self.state_names}}

    def update(self, p: np.ndarray, g: np.ndarray, state: State, rate: float, t: int, decay: Any = 1.0) -> None:
        """Take one step, `rate`, `t` and `decay` as in `moved`: `p` and `state` change in place, `g` does not."""
        p[...] = self.moved(p, g, state, rate, t, decay)

    def moved(self, p: np.ndarray, g: np.ndarray, state: State, rate: float, t: int, decay: Any = 1.0) -> np.ndarray:
        """The next parameters, shape (n,); `state` changes in place, `p` and `g` do not.

        Args:
            p: parameters, shape (n,).
            g: gradient at p, shape (n,).
            state: what `start` gave, as the steps before have left it.
            rate: γ of this step.
            t: number of the step, from 1.
            decay: 1 where weight decay applies, 0 where not (biases), shape (n,) or a number.
        """
        return self._moved(p, g if self.clip is None else self._clipped(g, self.clip), state, rate, t, decay)

    def _moved(self, p: np.ndarray, g: np.ndarray, state: State, rate: float, t: int, decay: Any) -> np.ndarray:
        raise NotImplementedError

    @staticmethod
    def _clipped(g: np.ndarray, clip: float) -> np.ndarray:
        """Clip by global norm (Pascanu, Mikolov & Bengio 2013)."""
        largest = float(np.max(np.abs(g)))
        if not 0.0 < largest < math.inf:
            return g
        direction = g / largest  # no square of it overflows, as that of a large g would
        length = math.sqrt(float(np.dot(direction, direction)))
        return direction * (clip / length) if largest * length > clip else g


@dataclass(frozen=True, kw_only=True)
class GradientDescent(UpdateRule):
    """p := p − γ g (equation 1).

    With momentum μ: v := μ v − γ g, p := p + v (Polyak 1964); with nesterov: p := p + μ v − γ g, v being the new one
    (Sutskever et al. 2013, written in the looked-ahead point as scikit-learn does).
    """

    learning_rate: Any = field(default=0.1, kw_only=False)
    momentum: float = 0.0  # μ: the share of the last step that goes on; 0 for plain descent
    nesterov: bool = False  # whether the gradient acts as at the place where the momentum leads

    state_names: ClassVar[tuple[str, ...]] = ("velocity",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("momentum", lambda momentum: 0.0 <= momentum <= 1.0, "a number with 0 ≤ momentum ≤ 1")
        if self.nesterov and not self.momentum:
            message = "GradientDescent: nesterov=True would do nothing while momentum is 0; set momentum, such as 0.9"
            raise InputError(message)

    @property
    def walks_rays(self) -> bool:
        """Plain gradient descent walks along −g."""
        return not self.momentum and self.clip is None

    def start(self, n: int, dtype: Any = np.float64) -> State:
        """Without momentum nothing that changes, else the velocity."""
        return super().start(n, dtype) if self.momentum else Optimizer.start(self, n, dtype)

    def direction(self, at: Point, state: State, landscape: Landscape) -> Float[np.ndarray, " n"]:
        """−g."""
        return -at.gradient

    def _moved(self, p, g, state, rate, t, decay):
        if not self.momentum:
            return p - rate * g
        v = state["velocity"]
        v *= self.momentum
        v -= rate * g
        return p + (self.momentum * v - rate * g if self.nesterov else v)


@dataclass(frozen=True, kw_only=True)
class RMSprop(UpdateRule):
    """v := ρ v + (1 − ρ) g²,  p := p − γ g / (√v + ε) (Tieleman & Hinton 2012)."""

    rho: float = 0.99  # ρ: how slowly the mean of g² forgets
    epsilon: float = 1e-8  # ε: keeps the divisor from 0

    state_names: ClassVar[tuple[str, ...]] = ("square",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("rho", lambda rho: 0.0 <= rho < 1.0, "a number with 0 ≤ rho < 1")
        self.check("epsilon", lambda epsilon: epsilon > 0.0, "a number > 0")

    def _moved(self, p, g, state, rate, t, decay):
        v = state["square"]
        v *= self.rho
        v += (1.0 - self.rho) * g * g
        return p - rate * g / (np.sqrt(v) + self.epsilon)


@dataclass(frozen=True, kw_only=True)
class Adam(UpdateRule):
    """m := β₁ m + (1 − β₁) g,  v := β₂ v + (1 − β₂) g²,  p := p − γ m̂ / (√v̂ + ε) (Kingma & Ba 2015, algorithm 1).

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) undo the start from zero. `epsilon_hat` adds ε to √v instead of √v̂, as the
    order of computation at the end of the paper's section 2 does, and scikit-learn: p := p − γ √(1 − β₂ᵗ) m̂ / (√v + ε).
    """

    beta1: float = 0.9  # β₁: how slowly the mean of g forgets
    beta2: float = 0.999  # β₂: how slowly the mean of g² forgets
    epsilon: float = 1e-8  # ε: keeps the divisor from 0
    epsilon_hat: bool = False  # whether ε is added before the correction of √v, as in scikit-learn

    state_names: ClassVar[tuple[str, ...]] = ("mean", "square")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("beta1", lambda beta1: 0.0 <= beta1 < 1.0, "a number with 0 ≤ beta1 < 1")
        self.check("beta2", lambda beta2: 0.0 <= beta2 < 1.0, "a number with 0 ≤ beta2 < 1")
        self.check("epsilon", lambda epsilon: epsilon > 0.0, "a number > 0")

    def _moved(self, p, g, state, rate, t, decay):
        m, v = state["mean"], state["square"]
        m *= self.beta1
        m += (1.0 - self.beta1) * g
        v *= self.beta2
        v += (1.0 - self.beta2) * (g * g)
        root = math.sqrt(1.0 - self.beta2**t)
        denominator = np.sqrt(v)
        if not self.epsilon_hat:
            denominator *= 1.0 / root
        denominator += self.epsilon
        return p - (rate / (1.0 - self.beta1**t) * (root if self.epsilon_hat else 1.0)) * (m / denominator)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled decay: first p := p − γ · weight_decay · p for weights, not biases (Loshchilov 2019)."""

    weight_decay: float = 0.01  # the share γ · weight_decay of each weight is taken off in a step

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("weight_decay", lambda decay: decay >= 0.0, "a number ≥ 0")

    def _moved(self, p, g, state, rate, t, decay):
        return super()._moved(p * (1.0 - (rate * self.weight_decay) * decay), g, state, rate, t, decay)


UPDATE_RULES = {row.__name__: row for row in (GradientDescent, RMSprop, Adam, AdamW)}
