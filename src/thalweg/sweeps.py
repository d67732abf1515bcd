"""Many walks on one function: learning rates swept (L3), rate against momentum, optimizers raced (G2)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.descent import on, walk_on
from thalweg.diagnosis import Curvature, curvature, regime
from thalweg.errors import InputError
from thalweg.optimizers import find_optimizer
from thalweg.starts import first_point
from thalweg.stopping import Status, Stop
from thalweg.update_rules import GradientDescent, Optimizer
from thalweg.walk import Descent


if TYPE_CHECKING:
    import os

    from jaxtyping import Float
    from matplotlib.figure import Figure

WIDE = 30  # a column of values
RATES, MAP_RATES, MAP_MOMENTA = 49, 33, 20  # of a sweep, and of the two sides of a map
DECADES = (-3.0, 1.0)  # around 1/L, where no rates are given


@dataclass(frozen=True)
class LearningRateRange:
    """What each learning rate came to after the same number of steps.

    >>> swept = learning_rate_range("x**2", 4, rates=[0.001, 0.3, 0.9, 1.1])
    >>> swept.regimes
    ('creeping', 'monotone', 'oscillating', 'diverging')
    """

    rates: Float[np.ndarray, " r"]  # that were tried
    values: Float[np.ndarray, " r"]  # f at the end; inf where the walk ran away
    regimes: tuple[str, ...]  # of each rate
    start_value: float  # f at the start
    curvature: Curvature | None  # at the start
    value_name: str = "f after the last step"  # what `values` are, for tables and pictures

    @property
    def best(self) -> float | None:
        """The rate that came lowest; of several equal ones the smallest; None where every walk ran away."""
        return float(self.rates[int(np.argmin(self.values))]) if np.isfinite(self.values).any() else None

    @property
    def one_over_L(self) -> float | None:  # noqa: N802  (the lecture's symbol)
        """1/L at the start, None where f does not bend upwards there."""
        return self.curvature.one_over_L if self.curvature and self.curvature.largest > 0.0 else None

    def rates_of(self, name: str) -> tuple[float, float] | None:
        """The smallest and the largest rate of a regime, None where there is none."""
        found = [rate for rate, one in zip(self.rates.tolist(), self.regimes, strict=True) if one == name]
        return (min(found), max(found)) if found else None

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The final value against the rate, with the regimes and the bounds 1/L and 2/L; written to `path`."""
        from thalweg import plots, rate_plots

        bound = self.one_over_L
        figure = rate_plots.regime_strip(
            self.rates, self.values, self.regimes, start_value=self.start_value, one_over_L=bound,
            two_over_L=None if bound is None else 2.0 * bound, best=self.best, value_name=self.value_name,
        )  # fmt: skip
        return plots.written(figure, path)

    def __str__(self) -> str:
        lines = [f"{'learning rate':>14}{self.value_name:>{WIDE}}  regime"]
        for rate, value, name in zip(self.rates, self.values, self.regimes, strict=True):
            lines.append(f"{rate:>14.4g}{value:>{WIDE}.6g}  {name}{'  *' if rate == self.best else ''}")
        return "\n".join(lines)


def learning_rate_range(
    f: Any, start: Any = None, *, rates: Any = None, steps: int = 100, optimizer: Any = GradientDescent(0.1),  # noqa: B008
    **more: Any,
) -> LearningRateRange:  # fmt: skip
    """Walk so many steps with each of many learning rates, and tell creeping, monotone, oscillating and diverging.

    Args:
        f: as for `descend`.
        start: as for `descend`.
        rates: to try, each > 0; None is 49 from 0.001/L to 10/L, L being the largest curvature at the start.
        steps: of each walk.
        optimizer: an optimizer, whose own rate does not count.
        more: gradient, hessian, domain and check, as for `descend`.

    Raises:
        InputError: as `descend`, or a rate is not a number > 0.

    >>> learning_rate_range("x**2", 4).best
    0.5
    """
    rule = find_optimizer(optimizer)
    ground = _Ground(f, start, **more)
    tried = ground.rates(rates, RATES)
    walks = [ground.walk(replace(rule, learning_rate=rate), Stop(steps=steps)) for rate in tried.tolist()]
    names = tuple(regime(walk.trail, walk.status) for walk in walks)
    values = np.array(
        [math.inf if name == "diverging" else walk.last_value for name, walk in zip(names, walks, strict=True)]
    )
    return LearningRateRange(tried, values, names, ground.first.value, ground.bends)


@dataclass(frozen=True)
class RegimeMap:
    """Regimes over learning rate × momentum, after the same number of steps.

    >>> map = regime_map("x**2", 4, rates=[0.1, 1.5], momenta=[0.0, 0.5], steps=50)
    >>> map.regimes.tolist()
    [['monotone', 'diverging'], ['oscillating', 'diverging']]
    """

    rates: Float[np.ndarray, " r"]  # that were tried
    momenta: Float[np.ndarray, " m"]  # that were tried
    regimes: np.ndarray  # (m, r) names
    digits_per_step: Float[np.ndarray, "m r"]  # decimal digits of the gradient's norm lost in each step
    bound: Float[np.ndarray, " m"] | None  # above which the quadratic model at the start runs away

    @property
    def best(self) -> tuple[float, float] | None:
        """The rate and the momentum that lose most digits a step; None where every walk ran away."""
        if not np.isfinite(self.digits_per_step).any():
            return None
        m, r = np.unravel_index(int(np.argmax(self.digits_per_step)), self.digits_per_step.shape)
        return float(self.rates[r]), float(self.momenta[m])

    def plot(self, path: str | os.PathLike[str] | None = None) -> Figure:
        """The map, told by letter and hatch, with the bound of the model and the best cell; written to `path`."""
        from thalweg import plots, rate_plots

        figure = rate_plots.regime_map(
            self.rates, self.momenta, self.regimes, digits_per_step=self.digits_per_step, bound=self.bound
        )  # fmt: skip
        return plots.written(figure, path)


def regime_map(
    f: Any, start: Any = None, *, rates: Any = None, momenta: Any = None, steps: int = 100, nesterov: bool = False,
    **more: Any,
) -> RegimeMap:  # fmt: skip
    """Walk with each pair of learning rate and momentum, and tell how it went.

    Args:
        f: as for `descend`.
        start: as for `descend`.
        rates: to try, each > 0; None is 33 from 0.001/L to 10/L.
        momenta: to try, each from 0 to below 1; None is 20 from 0 to 0.95.
        steps: of each walk.
        nesterov: whether the momentum is Nesterov's.
        more: gradient, hessian, domain and check, as for `descend`.

    Raises:
        InputError: as `descend`, or a number breaks its rule.
    """
    ground = _Ground(f, start, **more)
    tried = ground.rates(rates, MAP_RATES)
    betas = np.linspace(0.0, 0.95, MAP_MOMENTA) if momenta is None else _numbers(momenta, "momenta", 0.0)
    names = np.empty((len(betas), len(tried)), dtype=object)
    digits = np.empty(names.shape)
    for m, beta in enumerate(betas.tolist()):
        for r, rate in enumerate(tried.tolist()):
            rule = GradientDescent(rate, momentum=beta, nesterov=nesterov and beta > 0.0)
            walk = ground.walk(rule, Stop(steps=steps))
            names[m, r] = regime(walk.trail, walk.status)
            digits[m, r] = -math.inf if names[m, r] == "diverging" else _digits(walk)
    bound, bends = None, ground.bends
    if bends is not None and bends.largest > 0.0:
        bound = np.array([bends.limit(beta, nesterov) for beta in betas.tolist()])
    return RegimeMap(tried, betas, names, digits, bound)


@dataclass(frozen=True)
class Race:
    """Walks of several optimizers from one start, by name, in the order given."""

    walks: Mapping[str, Descent] = field(repr=False)  # by the name of the optimizer

    def __getitem__(self, name: str) -> Descent:
        return self.walks[name]

    def plot(self, kind: str = "auto", path: str | os.PathLike[str] | None = None) -> Figure:
        """All paths on one "contour" or "surface" (2-D), or their "progress" against steps (any); written to `path`."""
        from thalweg.walk_pictures import picture

        return picture(self.walks, kind, path)

    def __str__(self) -> str:
        widest = max(len(name) for name in self.walks)
        lines = [f"{'optimizer':<{widest}}{'f':>14}{'‖∇f‖':>12}{'steps':>9}{'evaluations':>13}  ended"]
        for name, walk in self.walks.items():
            length = float(np.linalg.norm(np.atleast_1d(walk.gradient)))
            lines.append(
                f"{name:<{widest}}{walk.value:>14.6g}{length:>12.3g}{walk.n_steps:>9,}"
                f"{walk.evaluations['values']:>13,}  {walk.status.name}"
            )
        return "\n".join(lines)


def race(
    f: Any, start: Any = None, *, optimizers: Any, stop: Stop = Stop(steps=10_000, gradient_norm_below=1e-8),  # noqa: B008
    **more: Any,
) -> Race:  # fmt: skip
    """Let several optimizers walk on f from the same start.

    Args:
        f: as for `descend`.
        start: as for `descend`.
        optimizers: a list of optimizers, or a dict of them by name.
        stop: of each walk.
        more: gradient, hessian, domain and check, as for `descend`.

    Raises:
        InputError: as `descend`, or there is nothing to race.

    >>> raced = race("rosenbrock", optimizers={"L-BFGS": "LBFGS", "Newton": "Newton"})
    >>> [(name, walk.converged) for name, walk in raced.walks.items()]
    [('L-BFGS', True), ('Newton', True)]
    """
    if isinstance(optimizers, Mapping):
        named = {str(name): find_optimizer(one) for name, one in optimizers.items()}
    else:
        found = [
            find_optimizer(one) for one in ([optimizers] if isinstance(optimizers, (str, Optimizer)) else optimizers)
        ]
        named = {}
        for one in found:
            name = type(one).__name__
            alike = sum(type(other) is type(one) for other in named.values())
            named[f"{name} {alike + 1}" if alike else name] = one
    if not named:
        message = "race needs one optimizer at least, such as optimizers=[GradientDescent(0.1), Adam(0.1)]"
        raise InputError(message)
    ground = _Ground(f, start, **more)
    return Race({name: ground.walk(one, stop) for name, one in named.items()})


class _Ground:
    """A function and a start on which many walks are made."""

    def __init__(self, f: Any, start: Any, *, check: bool = True, **more: Any) -> None:
        self.objective, x, self._is_number = on(f, start, **more)
        self.first = first_point(self.objective, x, check)
        self._counts = dict(self.objective.counts)
        self.bends = curvature(self.objective, x)

    def walk(self, rule: Optimizer, stop: Stop) -> Descent:
        """A walk from the start, its evaluations counted from there."""
        self.objective.counts.update(self._counts)
        walk = walk_on(self.objective, self.first, self._is_number, rule, stop)
        if walk.status is Status.INTERRUPTED:  # a walk cut short would be told as one that went its way
            raise KeyboardInterrupt
        return walk

    def rates(self, given: Any, count: int) -> Float[np.ndarray, " r"]:
        """The rates given, or `count` around 1/L at the start."""
        if given is not None:
            return _numbers(given, "rates", math.ulp(0.0))
        bends = [abs(bend) for bend in (self.bends.smallest, self.bends.largest)] if self.bends else []
        largest = max((bend for bend in bends if bend > 0.0), default=1.0)  # nan is not
        return np.logspace(*DECADES, count) / largest


def _numbers(given: Sequence[float], what: str, least: float) -> Float[np.ndarray, " r"]:
    try:
        numbers = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        numbers = np.empty((0, 0))
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all() or not (numbers >= least).all():
        message = f"{what} must be a list of finite numbers {'> 0' if least else '≥ 0'}, not {given!r}"
        raise InputError(message)
    return numbers


def _digits(walk: Descent) -> float:
    """Decimal digits of ‖∇f‖ lost a step."""
    norms = walk.gradient_norms
    ends = np.flatnonzero(norms > 0.0)
    last = ends[-1] if len(ends) else 0
    return float(math.log10(norms[0] / norms[last]) / walk.steps[last]) if last else 0.0
