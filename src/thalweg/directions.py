"""Directions downhill that need the whole function: one frozen object each, one row each in `DIRECTIONS`.

Their step is x := x + γ d, where the learning rate γ is a number, a schedule or a line search. Mini-batches would
change the function between two steps, so `train` takes them with batch="all" only. Symbols: g the gradient, s = x − x₋
and y = g − g₋ the changes of the last step, H the Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg.landscape import Landscape, Point, dot, norm
from thalweg.line_searches import Backtracking, Wolfe
from thalweg.update_rules import Optimizer


if TYPE_CHECKING:
    from jaxtyping import Float

    State = dict[str, Float[np.ndarray, "..."]]
    Vector = Float[np.ndarray, " n"]

# Hager & Zhang 2005: a pair whose curvature sᵀy is lost in rounding would spoil all later directions.
LEAST_CURVATURE = 1e-10
# Smallest eigenvalue of the Hessian that counts, relative to the largest: below it there is rounding only. In float32
# the Hessian is one of differences of gradients, right to ε^(2/3) = 2e-5.
LEAST_EIGENVALUE: dict[Any, float] = {np.dtype(np.float64): 1e-14, np.dtype(np.float32): 1e-4}


@dataclass(frozen=True, kw_only=True)
class Direction(Optimizer):
    """A direction from more than the gradient of one point."""

    @property
    def walks_rays(self) -> bool:
        """Yes."""
        return True

    @property
    def needs_all_rows(self) -> bool:
        """Yes, whatever the learning rate."""
        return True


@dataclass(frozen=True, kw_only=True)
class ConjugateGradient(Direction):
    """d = −g + β d₋ with β = max(0, gᵀy / g₋ᵀg₋) (Polak & Ribière 1969; restarts where β = 0 or d leads uphill)."""

    learning_rate: Any = field(default=Wolfe(curvature=0.1), kw_only=False)

    def start(self, n: int, dtype: Any = np.float64) -> State:
        """The last direction, zero; and β of the next one, where it has been told."""
        return {**super().start(n, dtype), "direction": np.zeros(n, dtype), "beta": np.zeros(1)}

    def direction(self, at: Point, state: State, landscape: Landscape) -> Vector:
        """−g + β d₋."""
        d = state["direction"]
        d *= state["beta"].astype(d.dtype)
        d -= at.gradient
        if not dot(d, at.gradient) < 0.0:
            d[:] = -at.gradient
        return d.copy()

    def learn(self, old: Point, new: Point, state: State) -> None:
        """β of the next step."""
        length = dot(old.gradient, old.gradient)
        beta = dot(new.gradient, new.gradient - old.gradient) / length if length > 0.0 else 0.0
        state["beta"][0] = max(0.0, beta) if np.isfinite(beta) else 0.0


@dataclass(frozen=True, kw_only=True)
class LBFGS(Direction):
    """d = −B g, B being the inverse Hessian as the last `memory` steps show it (Nocedal 1980; Liu & Nocedal 1989)."""

    learning_rate: Any = field(default=Wolfe(), kw_only=False)
    memory: int = 10

    is_scaled: ClassVar[bool] = True  # the last steps tell the length, and the first one is no longer than 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("memory", lambda memory: memory >= 1 and memory == int(memory), "a whole number ≥ 1")
        object.__setattr__(self, "memory", int(self.memory))

    def start(self, n: int, dtype: Any = np.float64) -> State:
        """Rows for the last s and y, and how many there have been."""
        rows = (self.memory, n)
        return {**super().start(n, dtype), "s": np.zeros(rows, dtype), "y": np.zeros(rows, dtype), "pairs": np.zeros(1)}

    def direction(self, at: Point, state: State, landscape: Landscape) -> Vector:
        """The two-loop recursion (Nocedal & Wright, algorithm 7.4)."""
        pairs = int(state["pairs"][0])
        if not pairs:
            return -at.gradient * min(1.0, 1.0 / norm(at.gradient)) if at.gradient.any() else -at.gradient
        rows = [i % self.memory for i in range(max(0, pairs - self.memory), pairs)]
        d = -at.gradient
        kept = []
        for i in reversed(rows):
            s, y = state["s"][i], state["y"][i]
            alpha = dot(s, d) / dot(s, y)
            d = d - alpha * y
            kept.append((alpha, s, y))
        _, s, y = kept[0]
        d = d * (dot(s, y) / dot(y, y))
        for alpha, s, y in reversed(kept):
            d = d + (alpha - dot(y, d) / dot(s, y)) * s
        if not dot(d, at.gradient) < 0.0:  # rounding has spoilt it: forget, and begin again along the gradient
            state["pairs"][0] = 0.0
            return -at.gradient
        return d

    def learn(self, old: Point, new: Point, state: State) -> None:
        """Keep s and y where they show a curvature; where f bends downwards, what was learnt elsewhere is forgotten."""
        s, y = new.x - old.x, new.gradient - old.gradient
        bend, least = dot(s, y), LEAST_CURVATURE * norm(s) * norm(y)
        if bend > least and min(bend, dot(y, y)) > np.finfo(s.dtype).tiny:  # their quotient is taken
            row = int(state["pairs"][0]) % self.memory
            state["s"][row], state["y"][row] = s, y
            state["pairs"][0] += 1.0
        elif bend < -least:  # a line search that looks at f alone would go the same way again and again
            state["pairs"][0] = 0.0


@dataclass(frozen=True, kw_only=True)
class Newton(Direction):
    """d = −|H|⁻¹ g: Newton's step, turned downhill where f bends downwards; the line search damps it.

    |H| has the eigenvectors of H, coordinates being scaled to the diagonal 1, and the absolute eigenvalues (Dauphin et
    al. 2014), so that saddles push away.
    """

    learning_rate: Any = field(default=Backtracking(), kw_only=False)

    is_scaled: ClassVar[bool] = True

    def direction(self, at: Point, state: State, landscape: Landscape) -> Vector:
        """−|H|⁻¹ g."""
        H = landscape.hessian(at.x)
        H = 0.5 * (H + H.T)
        if not np.isfinite(H).all():
            return -at.gradient
        # Coordinates of unlike scale are brought to one first: else the floor would swallow the flat ones.
        scale = np.sqrt(np.abs(np.diag(H)))
        scale[scale == 0.0] = 1.0
        eigenvalues, Q = np.linalg.eigh(H / np.outer(scale, scale))
        bends = np.abs(eigenvalues)
        floor = LEAST_EIGENVALUE[at.x.dtype] * float(bends.max())
        if floor == 0.0:
            return -at.gradient
        return -(Q @ ((Q.T @ (at.gradient / scale)) / np.maximum(bends, floor))) / scale


DIRECTIONS = {row.__name__: row for row in (ConjugateGradient, LBFGS, Newton)}
