"""What a walk downhill sees of a function: its value, gradient and curvature at a point, and along a ray from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]

# OpenBLAS shares longer dot products among threads, which then look for more work for tens of milliseconds, on the
# cores that an engine trains on; and their sums differ with the number of threads.
LONG = 10_000
FARTHER = 4  # distances that `bend` tries, each 30 times the one before
VANISHING = 1e-30  # squares of float32 below it lose digits


class Landscape(Protocol):
    """A function of n numbers. Where it is not defined its value is nan, where it overflows ±inf; it never raises."""

    def value(self, x: Vector) -> float:
        """f(x)."""
        ...

    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """f(x) and ∇f(x)."""
        ...

    def hessian(self, x: Vector) -> Float[np.ndarray, "n n"]:
        """The matrix of second derivatives."""
        ...

    def curvature(self, x: Vector, d: Vector) -> float:
        """dᵀ H(x) d."""
        ...


@dataclass(slots=True)
class Point:
    """A place of a walk. Nobody changes its vectors."""

    x: Vector
    value: float
    gradient: Vector

    @property
    def is_finite(self) -> bool:
        """Whether value and gradient are."""
        return math.isfinite(self.value) and bool(np.isfinite(self.gradient).all())


class Ray:
    """f along x + γ d for γ ≥ 0."""

    landscape: Landscape
    at: Point  # x
    d: Vector
    slope: float  # of f along the ray at γ = 0

    def __init__(self, landscape: Landscape, at: Point, d: Vector) -> None:
        self.landscape, self.at, self.d = landscape, at, d
        self.slope = dot(at.gradient, d)

    def x(self, rate: float) -> Vector:
        """x + γ d."""
        return self.at.x + rate * self.d

    def value(self, rate: float) -> float:
        """f(x + γ d), inf where it is not finite, so that a search turns back."""
        value = self.landscape.value(self.x(rate))
        return value if math.isfinite(value) else math.inf

    def point(self, rate: float) -> Point:
        """The point at γ, finite or not."""
        x = self.x(rate)
        return Point(x, *self.landscape.value_and_gradient(x))

    def curvature(self) -> float:
        """dᵀ H d at γ = 0."""
        return self.landscape.curvature(self.at.x, self.d)

    def reaches(self, rate: float) -> bool:
        """Whether a step of γ is long enough to change any coordinate."""
        return bool((self.x(rate) != self.at.x).any())


def bend(gradient: Callable[[Vector], Vector], x: Vector, d: Vector, reach: float) -> Vector:
    """H(x) d by central differences of the gradient, over x ± reach · d/‖d‖ at first.

    The distance grows while the gradient changes by little more than its rounding: a curvature of nothing but rounding
    helps nobody, and where the gradient is that large f is far from bending sharply.
    """
    length = norm(d)
    if not length > 0.0:
        return np.zeros_like(d)
    h = reach / length
    seen = float(np.finfo(d.dtype).eps) ** (2 / 3)
    best = np.full_like(d, math.nan)
    for farther in range(FARTHER):
        ahead, behind = gradient(x + h * d), gradient(x - h * d)
        change = ahead - behind
        if farther and not np.isfinite(change).all():
            break
        best = change / (2.0 * h)
        if not norm(change) < seen * (norm(ahead) + norm(behind)):
            break
        h *= 30.0
    return best


def dot(a: Vector, b: Vector) -> float:
    """aᵀ b.

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float(a.dot(b)) if len(a) < LONG else float(np.sum(a * b))


def norm(a: Vector) -> float:
    """‖a‖, also where its square would overflow or vanish.

    >>> norm(np.array([3.0, 4.0])), norm(np.array([3e-200, 4e-200]))
    (5.0, 5e-200)
    """
    square = float(a.dot(a) if len(a) < LONG else np.sum(a * a))
    if VANISHING < square < math.inf:
        return math.sqrt(square)
    largest = float(np.abs(a).max())
    return largest * math.sqrt(dot(a / largest, a / largest)) if 0.0 < largest < math.inf else largest
