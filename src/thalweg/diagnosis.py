"""How small is small enough (L3): why a walk went as it did, from the curvature that it met, and what to change.

On a quadratic with curvatures between μ and L, plain descent multiplies the distance along an eigenvector of curvature
λ by 1 − γλ at each step: it creeps where γλ is near 0, comes monotonely down up to γ = 1/λ, swings from side to side
between 1/λ and 2/λ, and runs away above 2/λ. What a walk did itself shows the same number: with d = −g,
g₊ᵀg / gᵀg = 1 − γλ, λ being the curvature along the step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.landscape import dot, norm
from thalweg.line_searches import LineSearch, Lipschitz
from thalweg.stopping import Status
from thalweg.update_rules import GradientDescent, Optimizer


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.objectives import Objective
    from thalweg.trail import Trail

REGIMES = ("creeping", "monotone", "oscillating", "diverging")
CREEPING = 0.9  # of the gradient and more is left after each step: 22 steps and more for each digit
FLAT = 1e-6  # of the largest gradient that the walk met
SWINGING = 0.2  # of the steps lead uphill: the walk swings
ROUNDING = 1e-12  # relative: a smaller rise of f is none
WHOLE_HESSIAN = 100  # coordinates; for more, only the largest curvature is looked for
POWER_STEPS = 100
ALIKE = 1e-3  # relative change of the largest curvature at which power iteration ends


@dataclass(frozen=True)
class Curvature:
    """The smallest and the largest curvature at a point; the smallest is nan where only the largest was looked for."""

    smallest: float  # eigenvalue
    largest: float  # eigenvalue, L

    @property
    def condition(self) -> float:
        """L/μ, inf unless f bends upwards in every direction, nan where that was not looked for."""
        if math.isnan(self.smallest):
            return math.nan
        return self.largest / self.smallest if self.smallest > 0.0 else math.inf

    @property
    def one_over_L(self) -> float:  # noqa: N802  (the lecture's symbol)
        """1/L, nan where f does not bend upwards: up to this rate plain descent never steps too far."""
        return 1.0 / self.largest if self.largest > 0.0 else math.nan

    def limit(self, momentum: float = 0.0, nesterov: bool = False) -> float:
        """The rate above which gradient descent runs away on a quadratic of curvature L, nan where it bends nowhere up.

        2(1 + β)/L with momentum β (Polyak 1964), (2 + 2β)/(1 + 2β)/L for Nesterov's: by the roots of their recursions.

        >>> Curvature(1.0, 8.0).limit(), Curvature(1.0, 8.0).limit(momentum=0.5)
        (0.25, 0.375)
        """
        return (2.0 + 2.0 * momentum) / (1.0 + 2.0 * momentum if nesterov else 1.0) * self.one_over_L


def curvature(objective: Objective, x: Float[np.ndarray, " n"]) -> Curvature | None:
    """The eigenvalues of the Hessian at x that matter; None where they are not finite."""
    with np.errstate(all="ignore"), objective.uncounted():
        if objective.n <= WHOLE_HESSIAN:
            H = objective.hessian(x)
            if not np.isfinite(H).all():
                return None
            eigenvalues = np.linalg.eigvalsh(0.5 * (H + H.T))
            return Curvature(float(eigenvalues[0]), float(eigenvalues[-1]))
        return _largest(objective, x)


def regime(trail: Trail, status: Status) -> str:
    """One of REGIMES; where the walk held, by the median of g₊ᵀg / gᵀg over the second half of the steps.

    With momentum it may swing without turning at once: then f rises in many of the steps.
    """
    values, turns = trail.column("value"), trail.column("turn")[1:]
    if status in (Status.DIVERGING, Status.NON_FINITE) or values[-1] > values[0]:
        return "diverging"
    last = turns[len(turns) // 2 :]
    last = last[np.isfinite(last)]
    left = float(np.median(last)) if len(last) else 0.0
    rises = np.diff(values) > ROUNDING * np.abs(values[:-1])
    if left < 0.0 or (len(rises) and rises[len(rises) // 2 :].mean() > SWINGING):
        return "oscillating"
    return "creeping" if left > CREEPING else "monotone"


@dataclass(frozen=True)
class Diagnosis:
    """Why a walk went as it did. Printed, it is a few sentences; `advice` is the last of them.

    1/L is the largest rate at which plain descent never steps too far on the quadratic model at `at`; at 2/L it
    begins to run away. `limit` is where the optimizer of this walk does, nan where the model knows no limit.
    """

    regime: str  # creeping, monotone, oscillating or diverging
    at: Float[np.ndarray, " n"]  # the point of the quadratic model: the best one
    curvature: Curvature | None  # the smallest and largest eigenvalue of the Hessian at `at`; None where not finite
    rate: float  # the median of the rates taken
    limit: float  # the largest rate that holds, see above
    advice: str  # what to change
    behaviour: str  # what the steps did, in a sentence

    @property
    def one_over_L(self) -> float:  # noqa: N802  (the lecture's symbol)
        """1/L, nan where f does not bend upwards."""
        return self.curvature.one_over_L if self.curvature else math.nan

    @property
    def two_over_L(self) -> float:  # noqa: N802
        """2/L, nan where f does not bend upwards."""
        return 2.0 * self.one_over_L

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; None for what is not known."""
        bends = self.curvature
        numbers = {
            "rate": self.rate, "limit": self.limit, "one_over_L": self.one_over_L, "two_over_L": self.two_over_L,
            "smallest_curvature": bends.smallest if bends else math.nan,
            "largest_curvature": bends.largest if bends else math.nan,
        }  # fmt: skip
        known = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
        return {"regime": self.regime, "at": self.at.tolist(), **known, "text": str(self), "advice": self.advice}

    def __str__(self) -> str:
        parts = [f"{self.regime.capitalize()}: {self.behaviour}", self._bounds(), self.advice]
        return " ".join(part for part in parts if part)

    def _bounds(self) -> str:
        place = ", ".join(f"{x:.4g}" for x in self.at[:5]) + (", …" if len(self.at) > 5 else "")
        place = f"At x = {place}" if len(self.at) == 1 else f"At x = ({place})"
        bends = self.curvature
        if bends is None:
            return f"{place} the curvature is not finite."
        if not bends.largest > 0.0:
            return f"{place} f bends upwards in no direction (largest curvature {bends.largest:.3g})."
        seen = f"the curvature is L = {bends.largest:.4g}"
        if len(self.at) > 1 and not math.isnan(bends.smallest):
            seen = f"the curvatures lie between {bends.smallest:.4g} and L = {bends.largest:.4g}"
            if math.isfinite(bends.condition):
                seen += f" (condition number {bends.condition:.4g})"
        text = (
            f"{place} {seen}: plain descent never overshoots up to 1/L = {self.one_over_L:.4g} and runs away above "
            f"2/L = {self.two_over_L:.4g}"
        )
        if not math.isnan(self.limit) and not math.isclose(self.limit, self.two_over_L):
            text += f", with this momentum above {self.limit:.4g}"
        if not math.isnan(self.rate) and not math.isnan(self.limit):  # other rules' rates have another unit
            text += f"; the rate was {self.rate:.4g}"
        return text + "."


def diagnose(
    objective: Objective, trail: Trail, optimizer: Optimizer, status: Status, best: Float[np.ndarray, " n"]
) -> Diagnosis:
    """Explain a walk; where it ran away the curvature is that of its start, else that of the best point."""
    found = regime(trail, status)
    at = trail.path[0] if found == "diverging" else best
    bends = curvature(objective, at)
    rates = trail.column("rate")[1:]
    rate = float(np.median(rates)) if len(rates) else math.nan
    overshoots = isinstance(optimizer, GradientDescent) and bends is not None and rate * bends.largest > 1.0 + ALIKE
    behaviour = _behaviour(found, trail, status, overshoots)
    advice = _advice(found, optimizer, bends, rate, len(at), trail, status)
    limit = math.nan
    if bends is not None and isinstance(optimizer, GradientDescent):
        limit = bends.limit(optimizer.momentum, optimizer.nesterov)
    return Diagnosis(found, at, bends, rate, limit, advice, behaviour)


def _behaviour(found: str, trail: Trail, status: Status, overshoots: bool) -> str:
    values = trail.column("value")
    steps = int(trail.steps[-1])
    if steps == 0:
        return "there was no step to take."
    fell = f"f went from {values[0]:.4g} to {values[-1]:.4g} in {steps:,} step{'s' * (steps != 1)}"
    if found == "diverging":
        if status in (Status.LEFT_DOMAIN, Status.NON_FINITE):
            return f"{fell}, and then broke off."
        return f"{fell}, farther and farther away{' and without end' if values[-1] < values[0] else ''}."
    if status is Status.LEFT_DOMAIN:
        return f"{fell}, and came to the edge of where f is defined."
    if found == "oscillating":
        return f"{fell}, swinging past the bottom and back."
    if overshoots:
        return f"{fell}: along the flat directions it came steadily, along the steep ones past the bottom and back."
    if found == "creeping":
        return f"{fell}; each step took off less than a tenth of the gradient."
    return f"{fell}, each step along the slope without going past the bottom."


def _advice(
    found: str, optimizer: Optimizer, bends: Curvature | None, rate: float, n: int, trail: Trail, status: Status
) -> str:
    L = bends.largest if bends else math.nan
    is_fixed = not isinstance(optimizer.learning_rate, LineSearch)
    is_plain = isinstance(optimizer, GradientDescent) and is_fixed
    if status is Status.LEFT_DOMAIN:
        return "Where the lowest point lies at the edge no rate helps; else take a smaller one, or a line search."
    if found == "diverging":
        values = trail.column("value")
        if values[-1] < values[0] and status is Status.DIVERGING:
            return "f falls without bound this way: there may be no minimum."
        if not isinstance(optimizer, GradientDescent):
            return "Take a smaller rate, or start nearer to a minimum."
        if isinstance(optimizer.learning_rate, Lipschitz):
            return "Give a larger L, or none: then it is estimated."
        if is_plain and L > 0.0 and rate > 1.0 / L:
            safe = f"{_round_down(1.0 / L):.2g}"
            return f"Take a smaller rate: {safe} is safe here; or Backtracking, which never goes uphill."
        return "Take a smaller rate, or Backtracking, which never goes uphill; or start nearer to a minimum."
    lengths = trail.column("gradient_norm")
    is_flat = lengths[-1] <= FLAT * lengths.max()
    if bends is not None and is_flat and bends.smallest < -ALIKE * abs(L):
        return "The gradient vanishes where f bends downwards: a saddle or a top, no minimum. Start a little aside."
    if lengths[-1] == 0.0:
        return "The gradient is zero: this is a stationary point."
    if bends is not None and not L > 0.0 and found == "oscillating":
        return "The slope does not shrink towards the bottom: let the rate fall, as InverseTime and Exponential do."
    if bends is not None and not L > 0.0:
        return "f still falls where the walk ended, and does not bend upwards there: this way there may be no minimum."
    if found == "creeping" and bends is not None:
        if n > 1 and math.isfinite(bends.condition) and bends.condition > 10.0 and (not is_fixed or rate > 0.5 / L):
            return (
                "No single rate suits such unlike curvatures: momentum, ConjugateGradient, LBFGS, Newton even them out."
            )
        if bends.smallest < -1e-6 * abs(L):
            return "f bends downwards here: a saddle or a plateau. Momentum, LBFGS or Newton get away from it sooner."
        if is_plain and L > 0.0 and rate < 0.5 / L:
            most = _round_down(1.0 / L)
            if not rate > 0.0:
                return f"At a rate of 0 nothing moves: up to {most:.2g} no step goes too far."
            times = 1.0 / L / rate
            return f"Take a larger rate: up to {most:.2g} no step goes too far, {times:.2g} times as much."
        return "Momentum, LBFGS or Newton would walk faster."
    if found == "oscillating" and is_plain and L > 0.0 and rate > 1.0 / L:
        best = 2.0 / (L + bends.smallest) if bends and bends.smallest > 0.0 else 1.0 / L
        if rate > 1.05 * best:
            return f"A smaller rate overshoots less: 2/(L + μ) = {best:.3g} is the best constant one here."
        return f"No constant rate does better than 2/(L + μ) = {best:.3g} here; momentum or LBFGS would walk faster."
    return ""


def _round_down(number: float) -> float:
    """To two digits, not above.

    >>> _round_down(0.4999)
    0.49
    """
    unit = 10.0 ** (math.floor(math.log10(number)) - 1)
    return math.floor(number / unit * (1.0 + 1e-12)) * unit


def _largest(objective: Objective, x: Float[np.ndarray, " n"]) -> Curvature | None:
    """The eigenvalue of largest size by power iteration on H d, each two gradients; the smallest is not looked for."""
    # Leaves out no eigenvector but by a rare chance, and is the same each time.
    d = np.cos(np.arange(1.0, len(x) + 1.0))
    d /= norm(d)
    before = math.inf
    for _ in range(POWER_STEPS):
        bent = objective.bend(x, d)
        length = norm(bent)
        if not 0.0 < length < math.inf:
            return Curvature(math.nan, 0.0) if length == 0.0 else None
        largest = dot(d, bent)
        if abs(largest - before) <= ALIKE * abs(largest):
            break
        before, d = largest, bent / length
    return Curvature(math.nan, largest)
