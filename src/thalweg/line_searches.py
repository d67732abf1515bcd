"""Learning rates found by looking along the direction (L3): one frozen object each, one row each in `LINE_SEARCHES`.

They stand where a number or a schedule stands: `GradientDescent(Backtracking())`. Symbols: d the direction, γ the rate,
φ(γ) = f(x + γ d) with slope φ′(γ) = ∇f(x + γ d)ᵀ d; g the gradient, s = x − x₋ the step before, y = g − g₋.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg.errors import InputError
from thalweg.landscape import Point, Ray, dot, norm
from thalweg.schedules import SCHEDULES, Schedule, as_schedule
from thalweg.settings import Settings, check_choice, from_dict


if TYPE_CHECKING:
    from jaxtyping import Float

    Memory = Float[np.ndarray, " m"]

DECREASE = 1e-4  # of Armijo's condition: f must fall by this share of what the slope promises (Nocedal & Wright §3.1)
MOST_TRIALS = 100  # of Wolfe's search
WIDEST = 1e300  # rate
LAST_VALUES = 10  # among which a non-monotone search compares (Raydan 1997)
ROUNDING = 50.0  # ε of f: smaller differences tell nothing


class NoStepError(Exception):
    """There is no step to take; the message says why."""


@dataclass(slots=True)
class Found:
    """A step that a search has settled on."""

    rate: float
    point: Point
    backtracks: int  # trials that were not good enough


@dataclass(frozen=True)
class LineSearch(Settings):
    """Chooses the learning rate of each step by looking at f along the direction."""

    remembers: ClassVar[int] = 0  # numbers that it carries from step to step
    for_gradient: ClassVar[bool] = False  # whether its rates mean nothing along another direction than −g

    needs_total: ClassVar[bool] = False  # as schedules say it: no, whatever the length of the walk

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:
        """As schedules say it, the rate at each time t of `total` epochs: nan, it is found when the step is taken."""
        return np.full(len(t), np.nan)

    def start(self) -> Memory:
        """What it remembers before the first step."""
        return np.full(self.remembers, np.nan)

    def find(self, ray: Ray, memory: Memory, is_scaled: bool) -> Found:
        """The step to take along a ray that leads downhill.

        Args:
            ray: f along the direction.
            memory: what `start` gave, as the steps before have left it; changed in place.
            is_scaled: whether the direction has its own natural length, where γ = 1 is the step to try first.

        Raises:
            NoStepError: there is none.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Backtracking(LineSearch):
    """γ = rate, shortened by `factor` until f falls by `decrease` of what the slope promises (Armijo 1966).

    f never grows. Along the gradient, the first trial is the last γ made longer again by one factor, at most `rate`.
    """

    rate: float = 1.0  # the longest step
    factor: float = 0.5  # by which a step is shortened
    decrease: float = DECREASE  # the share c₁ of the promised fall that is asked for

    remembers: ClassVar[int] = 1  # the last γ, or the last estimate of L

    def __post_init__(self) -> None:
        self.check("rate", lambda rate: rate > 0.0, "a number > 0")
        self.check("factor", lambda factor: 0.0 < factor <= 0.99, "a factor between 0 and 0.99")
        self.check("decrease", lambda share: 0.0 < share < 1.0, "a share between 0 and 1")

    def find(self, ray: Ray, memory: Memory, is_scaled: bool) -> Found:  # noqa: D102
        last = float(memory[0])
        first = self.rate if is_scaled or math.isnan(last) else min(self.rate, last / self.factor)
        found = _armijo(ray, first, self.factor, self.decrease, ray.at.value)
        memory[0] = found.rate
        return found


@dataclass(frozen=True)
class Wolfe(LineSearch):
    """γ with f low enough and the slope flat enough: |φ′(γ)| ≤ curvature · |φ′(0)| (Nocedal & Wright, algorithm 3.5).

    Where f falls by no more than its rounding, the slope alone decides (approximate Wolfe: Hager & Zhang 2005).
    """

    decrease: float = DECREASE  # the share c₁ of the promised fall that is asked for
    curvature: float = 0.9  # the share c₂ of the slope at the start that may remain

    remembers: ClassVar[int] = 2  # the last γ and φ′(0)

    def __post_init__(self) -> None:
        self.check("decrease", lambda share: 0.0 < share < 0.5, "a share between 0 and 0.5")
        self.check("curvature", lambda share: self.decrease < share < 1.0, "a share between decrease and 1")

    def find(self, ray: Ray, memory: Memory, is_scaled: bool) -> Found:  # noqa: D102
        last, last_slope = memory.tolist()
        first = 1.0
        if not is_scaled:  # the same first-order change as in the step before; at first a step of length 1 at most
            first = min(1.0, 1.0 / norm(ray.d))
            first = last * last_slope / ray.slope if not math.isnan(last) else first
        found = _Bracketing(self, ray).find(first if math.isfinite(first) and first > 0.0 else 1.0)
        memory[:] = found.rate, ray.slope
        return found


@dataclass(frozen=True)
class Exact(LineSearch):
    """γ = −gᵀd / dᵀHd: the lowest point along the direction where f is quadratic, as in y = xᵀx (L4)."""

    def find(self, ray: Ray, memory: Memory, is_scaled: bool) -> Found:  # noqa: D102
        bend = ray.curvature()
        if not bend > 0.0:
            message = (
                f"f does not bend upwards along the direction (dᵀHd = {bend:.4g}): the quadratic model has no lowest "
                "point there; use Backtracking or Wolfe"
            )
            raise NoStepError(message)
        rate = -ray.slope / bend
        return Found(rate, ray.point(rate), 0)


@dataclass(frozen=True)
class BarzilaiBorwein(LineSearch):
    """γ = sᵀs/sᵀy ("long") or sᵀy/yᵀy ("short"): the curvature that the last step met (Barzilai & Borwein 1988).

    f may grow for a while, but not above the last 10 values (Raydan 1997).
    """

    length: str = "long"  # of steps: "long" (sᵀs/sᵀy) or "short" (sᵀy/yᵀy)

    remembers: ClassVar[int] = 2 + LAST_VALUES  # the next γ, the last γ, and the last values
    for_gradient: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choice(self.length, ("long", "short"), "BarzilaiBorwein: length")

    def find(self, ray: Ray, memory: Memory, is_scaled: bool) -> Found:  # noqa: D102
        rate, last, values = float(memory[0]), float(memory[1]), memory[2:]
        if math.isnan(last):
            rate = 1.0 / _curvature_seen(ray)
        elif math.isnan(rate):  # the last step met no curvature: a longer one may
            rate = 2.0 * last
        values[:] = [ray.at.value, *values[:-1]]
        found = _armijo(ray, rate, 0.5, DECREASE, float(np.nanmax(values)))
        s, y = found.point.x - ray.at.x, found.point.gradient - ray.at.gradient
        sy, yy = dot(s, y), dot(y, y)
        memory[0] = (dot(s, s) / sy if self.length == "long" else sy / yy) if sy > 0.0 and yy > 0.0 else np.nan
        memory[1] = found.rate
        return found


@dataclass(frozen=True)
class Lipschitz(LineSearch):
    """γ = 1/L, L the largest curvature: then f falls by at least ‖g‖²/2L at each step.

    Without L it is estimated: doubled whenever a step falls short of that (Beck & Teboulle 2009), never lowered.
    """

    L: float | None = None  # the largest curvature of f; None to estimate it

    remembers: ClassVar[int] = 1  # the last γ, or the last estimate of L
    for_gradient: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.L is not None:
            self.check("L", lambda L: L > 0.0, "a curvature > 0, or None to estimate it")

    def find(self, ray: Ray, memory: Memory, is_scaled: bool) -> Found:  # noqa: D102
        if self.L is not None:
            return Found(1.0 / self.L, ray.point(1.0 / self.L), 0)
        L = float(memory[0]) if not math.isnan(memory[0]) else _curvature_seen(ray)
        # On a quadratic the first estimate is met with equality: rounding may not decide whether it holds.
        found = _armijo(ray, 1.0 / L, 0.5, 0.5, ray.at.value, _slack(ray))
        memory[0] = 1.0 / found.rate
        return found


LINE_SEARCHES = {row.__name__: row for row in (Backtracking, Wolfe, Exact, BarzilaiBorwein, Lipschitz)}


def find_learning_rate(given: Any) -> Schedule | LineSearch:
    """A learning rate from a number (constant), a schedule, a line search, or what `to_dict` gave.

    Raises:
        InputError: it is none of these, or a number that is negative or not finite.

    >>> find_learning_rate(0.1), find_learning_rate(Exact())
    (Constant(rate=0.1), Exact())
    """
    found = given if isinstance(given, LineSearch) else from_dict(given, LINE_SEARCHES) or as_schedule(given)
    if found is None:
        names = ", ".join([*SCHEDULES, *LINE_SEARCHES])
        message = f"a learning rate is a number ≥ 0 or one of {names}, not {given!r}"
        raise InputError(message)
    return found


def _armijo(
    ray: Ray, first: float, factor: float, decrease: float, reference: float, slack: float = 0.0
) -> Found:  # fmt: skip
    """The first of first, first · factor, … with f(x + γ d) ≤ reference + decrease · γ · φ′(0), to within `slack`.

    Where that decrease is lost in the rounding of f, a step that leaves f as it is must shorten the gradient at least.
    """
    rate, backtracks = min(first, sys.float_info.max), 0
    while rate >= sys.float_info.min and ray.reaches(rate):  # of a smaller one, a share may be itself
        value = ray.value(rate)
        if value <= reference + decrease * rate * ray.slope + slack:
            point = ray.point(rate)
            gains = value < reference or norm(point.gradient) < norm(ray.at.gradient)
            if gains and point.is_finite:
                return Found(rate, point, backtracks)
        rate *= factor
        backtracks += 1
    message = f"no step along the direction lowers f any more: at γ = {rate:.3g} the change is lost in rounding"
    raise NoStepError(message)


def _slack(ray: Ray) -> float:
    """How much two values of f may differ by rounding alone."""
    return ROUNDING * float(np.finfo(ray.d.dtype).eps) * abs(ray.at.value)


def _curvature_seen(ray: Ray) -> float:
    """|dᵀHd| / dᵀd, or where f is straight along d, the curvature whose first step has length 1."""
    length = norm(ray.d)
    bend = abs(ray.curvature()) / length / length
    return bend if math.isfinite(bend) and bend > 0.0 else length


@dataclass
class _Trial:
    rate: float
    point: Point
    value: float  # inf where anything is not finite
    slope: float


class _Bracketing:
    """Steps outwards until an interval surely holds a point of Wolfe's conditions, then narrows it."""

    def __init__(self, rule: Wolfe, ray: Ray) -> None:
        self.rule, self.ray = rule, ray
        self.trials = 0
        self.slack = _slack(ray)

    def find(self, first: float) -> Found:
        """The step; the best one that lowers f where the slope never gets flat enough."""
        low = _Trial(0.0, self.ray.at, self.ray.at.value, self.ray.slope)
        rate = first
        while not self.ray.reaches(rate) and rate < WIDEST:  # a step that changes nothing teaches nothing
            rate *= 10.0
        while self.trials < MOST_TRIALS:
            trial = self._try(rate)
            if not self._is_low(trial) or (low.rate > 0.0 and trial.value >= low.value + self.slack):
                return self._narrow(low, trial)
            if self._is_flat(trial):
                return self._found(trial)
            if trial.slope >= 0.0:
                return self._narrow(trial, low)
            # The secant of the slopes foretells where it is flat; at least twice, at most ten times as far.
            bent = trial.slope - low.slope
            ahead = rate - trial.slope * (rate - low.rate) / bent if bent else math.inf
            low, rate = trial, min(max(ahead, 2.0 * rate), 10.0 * rate)
        return self._found(low)  # f falls and falls: take what there is

    def _narrow(self, low: _Trial, high: _Trial) -> Found:
        """`low` is low enough and the lowest so far, its slope points to `high`."""
        halve = False
        while self.trials < MOST_TRIALS and self.ray.reaches(width := abs(high.rate - low.rate)):
            trial = self._try(0.5 * (low.rate + high.rate) if halve else _between(low, high))
            if not self._is_low(trial) or trial.value > low.value + self.slack:
                high = trial
            elif self._is_flat(trial):
                return self._found(trial)
            else:
                high = low if trial.slope * (high.rate - low.rate) >= 0.0 else high
                low = trial
            halve = abs(high.rate - low.rate) > 0.66 * width  # interpolation gained too little
        return self._found(low)

    def _try(self, rate: float) -> _Trial:
        self.trials += 1
        point = self.ray.point(rate)
        if not point.is_finite:
            return _Trial(rate, point, math.inf, math.inf)
        return _Trial(rate, point, point.value, dot(point.gradient, self.ray.d))

    def _is_low(self, trial: _Trial) -> bool:
        start, slope = self.ray.at.value, self.ray.slope
        if trial.value <= start + self.rule.decrease * trial.rate * slope:
            return True
        return trial.value <= start + self.slack and trial.slope <= (2.0 * self.rule.decrease - 1.0) * slope

    def _is_flat(self, trial: _Trial) -> bool:
        return abs(trial.slope) <= self.rule.curvature * abs(self.ray.slope)

    def _found(self, trial: _Trial) -> Found:
        if trial.rate == 0.0 or (trial.value >= self.ray.at.value and not self._is_flat(trial)):
            message = "no step along the direction lowers f any more: what is left to gain is below its rounding"
            raise NoStepError(message)
        return Found(trial.rate, trial.point, self.trials - 1)


def _between(a: _Trial, b: _Trial) -> float:
    """The minimiser of the cubic through both values and slopes (Nocedal & Wright 3.59), kept off the ends."""
    width = b.rate - a.rate
    middle = 0.5
    if math.isfinite(b.value):
        d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.rate - b.rate)
        inside = d1 * d1 - a.slope * b.slope
        if inside >= 0.0:
            d2 = math.copysign(math.sqrt(inside), width)
            share = b.slope - a.slope + 2.0 * d2
            if share != 0.0:
                middle = 1.0 - (b.slope + d2 - d1) / share
    middle = middle if math.isfinite(middle) else 0.5
    return a.rate + min(max(middle, 0.1), 0.9) * width
