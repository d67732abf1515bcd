"""What a walk downhill sees of a function: its value, gradient and curvature at a point, and along a ray from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]

# OpenBLAS shares longer dot products among threads, which then look for more work for tens of milliseconds, on the
# cores that an engine trains on; and their sums differ with the number of threads.
LONG = 10_000


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

    def __init__(self, landscape: Landscape, at: Point, d: Vector) -> None:
        self.landscape, self.at, self.d = landscape, at, d
        self.slope = dot(at.gradient, d)  # of f along the ray at γ = 0

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


def dot(a: Vector, b: Vector) -> float:
    """aᵀ b.

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    11.0
    """
    return float(a.dot(b)) if len(a) < LONG else float(np.sum(a * b))


def norm(a: Vector) -> float:
    """‖a‖, inf where its square overflows.

    >>> norm(np.array([3.0, 4.0]))
    5.0
    """
    return math.sqrt(a.dot(a) if len(a) < LONG else np.sum(a * a))
