"""What `descend` walks on: a function as a landscape that counts, knows its domain, and never raises on the way."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.closures import compiled
from thalweg.differences import CENTRAL, CENTRAL_TWICE, central, scales
from thalweg.errors import InputError
from thalweg.expressions import Expression, Undefined
from thalweg.landscape import bend, dot, norm


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]

SYMBOLIC_HESSIAN = 10  # coordinates; for more, n²/2 formulas cost more than n differences of gradients
THE_FORMULA, DIFFERENCES, COMPLEX_STEP = "the formula", "central differences", "the complex step"
GIVEN = ("gradient", "f itself")  # where a gradient comes from that the user wrote


@dataclass
class Objective:
    """A function of n numbers that counts what it is asked; outside `domain` it is not defined.

    `names` are those of the coordinates; `gradient_from` says where the gradient comes from.
    """

    names: tuple[str, ...]
    domain: tuple[Vector, Vector] | None
    gradient_from: str = ""
    formula: Expression | None = None
    minima: tuple[tuple[tuple[float, ...], float], ...] = ()  # those known: (place, value)
    why: str = ""  # f was not defined where it was last asked
    counts: dict[str, int] = field(default_factory=lambda: {"values": 0, "gradients": 0, "hessians": 0})

    # How it is asked; what is not there is made of the others.
    value_of: Callable[[Vector], float] = field(init=False, repr=False)
    gradient_of: Callable[[Vector], Vector] | None = field(init=False, repr=False, default=None)
    both_of: Callable[[Vector], tuple[float, Vector]] | None = field(init=False, repr=False, default=None)
    hessian_of: Callable[[Vector], np.ndarray] | None = field(init=False, repr=False, default=None)
    _scale: Vector | None = field(init=False, repr=False, default=None)

    def scale(self, x: Vector) -> Vector:
        """How far along each coordinate f looks straight where x is 0: looked for once, at the first x."""
        if self._scale is None:
            with self.uncounted():
                self._scale = scales(self.value, x) if self.formula is None else np.ones(self.n)
        return self._scale

    @contextlib.contextmanager
    def uncounted(self) -> Iterator[None]:
        """What is asked meanwhile is not counted."""
        counts = dict(self.counts)
        try:
            yield
        finally:
            self.counts.update(counts)

    @property
    def is_given(self) -> bool:
        """Whether the user wrote the gradient."""
        return self.gradient_from in GIVEN

    @property
    def n(self) -> int:
        """How many numbers f takes."""
        return len(self.names)

    def value(self, x: Vector) -> float:
        """f(x); nan where it is not defined, ±inf where it overflows."""
        if self.domain is not None and not self._is_inside(x):
            return math.nan
        self.counts["values"] += 1
        try:
            return self.value_of(x)
        except (ArithmeticError, ValueError) as error:
            return self._instead(error)

    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """f(x) and ∇f(x); the gradient is nan where either is not defined."""
        if self.both_of is None:
            value = self.value(x)
            return value, (self.gradient(x) if math.isfinite(value) else np.full(self.n, math.nan))
        if self.domain is not None and not self._is_inside(x):
            return math.nan, np.full(self.n, math.nan)
        self.counts["values"] += 1
        self.counts["gradients"] += 1
        try:
            return self.both_of(x)
        except (ArithmeticError, ValueError) as error:
            value = self._instead(error)
            # A formula may have a value where its slope has none, as sqrt(x) at 0.
            return value if self.formula is None else self.value(x), np.full(self.n, math.nan)

    def gradient(self, x: Vector) -> Vector:
        """∇f(x), nan where it is not defined."""
        self.counts["gradients"] += 1
        try:
            return self.both_of(x)[1] if self.both_of else self.gradient_of(x)  # type: ignore[misc]
        except (ArithmeticError, ValueError) as error:
            self._instead(error)
            return np.full(self.n, math.nan)

    def hessian(self, x: Vector) -> Float[np.ndarray, "n n"]:
        """The second derivatives: given, symbolic, or differences of the gradient."""
        self.counts["hessians"] += 1
        try:
            if self.hessian_of is not None:
                return self.hessian_of(x)
            return np.stack([self.bend(x, d) for d in np.eye(self.n)])
        except (ArithmeticError, ValueError) as error:
            self._instead(error)
            return np.full((self.n, self.n), math.nan)

    def curvature(self, x: Vector, d: Vector) -> float:
        """dᵀ H(x) d."""
        if self.hessian_of is not None:
            return float(d @ self.hessian(x) @ d)
        return dot(d, self.bend(x, d))

    def bend(self, x: Vector, d: Vector) -> Vector:
        """H(x) d, by central differences of the gradient along d."""
        share = CENTRAL_TWICE if self.gradient_from == DIFFERENCES else CENTRAL
        wide, scale = max(1.0, float(np.abs(x).max())), self.scale(x)
        reach = np.where(scale < 1.0, np.maximum(scale, np.abs(x)), wide)  # of each coordinate
        length = norm(d)
        return bend(self.gradient, x, d, share / float((np.abs(d) / length / reach).max()) if length > 0.0 else share)

    def differences(self, x: Vector) -> Vector:
        """∇f(x) by central differences of f."""
        return central(self.value, x, self.scale(x), self.domain)

    def on_grid(self, *axes: Float[np.ndarray, " m"]) -> np.ndarray:
        """f on the grid of one or two axes, shape (m,) or (m₂, m₁) with x along the columns; nan where not defined."""
        grids = np.meshgrid(*axes)
        if self.formula is not None:
            return self.formula.on_grid(**dict(zip(self.names, grids, strict=True)))
        points = np.stack([grid.ravel() for grid in grids], axis=1)
        with np.errstate(all="ignore"), self.uncounted():
            heights = [self.value(point) for point in points]
        return np.array(heights).reshape(grids[0].shape)

    def _is_inside(self, x: Vector) -> bool:
        low, high = self.domain  # type: ignore[misc]
        outside = np.flatnonzero(~((low <= x) & (x <= high)))
        if not len(outside):
            return True
        i = int(outside[0])
        self.why = f"{self.names[i]} = {x[i]:.6g} lies outside the domain from {low[i]:g} to {high[i]:g}"
        return False

    def _instead(self, error: Exception) -> float:
        """The value where f raised an arithmetic error; what it tells is kept."""
        if isinstance(error, InputError):
            raise error
        self.why = str(error) if isinstance(error, Undefined) else f"f raised {type(error).__name__}: {error}"
        return math.inf if isinstance(error, OverflowError) else math.nan


def of_formula(formula: Expression, names: tuple[str, ...], domain: Any, gradient: Any, hessian: Any) -> Objective:
    """A formula with its symbolic derivatives; numeric ones where those would be too long."""
    if gradient is not None or hessian is not None:
        message = (
            "a formula brings its own gradient and Hessian; leave gradient and hessian out, or give f as a callable"
        )
        raise InputError(message)
    one = Objective(names, domain, THE_FORMULA, formula)
    value = compiled([formula], names)
    one.value_of = lambda x: value(x.tolist())[0]
    try:
        partials = [formula.derivative(name) for name in names]
    except InputError:
        one.gradient_from, one.gradient_of = DIFFERENCES, one.differences
        return one
    both = compiled([formula, *partials], names)

    def value_and_gradient(x: Vector) -> tuple[float, Vector]:
        value, *slopes = both(x.tolist())
        return value, np.array(slopes)

    one.both_of = value_and_gradient
    if len(names) <= SYMBOLIC_HESSIAN:
        try:
            entries = compiled([partial.derivative(name) for partial in partials for name in names], names)
        except InputError:
            return one
        one.hessian_of = lambda x: np.array(entries(x.tolist())).reshape(len(names), len(names))
    return one
