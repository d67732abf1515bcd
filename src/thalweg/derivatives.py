"""Numeric derivatives, and the gradient check: the analytic gradient against the loss it should be the slope of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines
from thalweg.differences import EPSILON, STEPS, four_points, one_sided
from thalweg.evaluation import loss_and_gradient
from thalweg.examples import check_examples


if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from thalweg.network import Network

SHOWN = 40  # parameters that a printed check lists


def numeric_gradient(f: Callable[[Float[np.ndarray, " n"]], float], x: Any) -> Float[np.ndarray, " n"]:
    """The gradient of f at x by central differences: (f(x−2h) − 8 f(x−h) + 8 f(x+h) − f(x+2h)) / 12h per coordinate.

    Args:
        f: takes a float64 vector of shape (n,), gives a number.
        x: the point, shape (n,).

    >>> numeric_gradient(lambda x: float(x @ x), [1.0, -3.0]).round(9).tolist()
    [2.0, -6.0]
    """
    x = np.array(x, dtype=np.float64)
    return np.array([float(four_points(_along(f, x, i), x[i])[0]) for i in range(len(x))])


@dataclass(frozen=True)
class GradientCheck:
    """The analytic gradient beside the numeric one, parameter by parameter."""

    names: tuple[str, ...]  # such as "W[1][2,3]"
    analytic: Float[np.ndarray, " p"]  # the gradient of backpropagation
    numeric: Float[np.ndarray, " p"]  # by differences of the loss
    at_kink: Bool[np.ndarray, " p"]  # the slope jumps here (relu at 0 …): there is no derivative to compare with
    too_rough: Bool[np.ndarray, " p"]  # the loss is so much larger than its slope that rounding hides the slope
    tolerance: float  # the largest error that counts as agreement

    @property
    def left_aside(self) -> Bool[np.ndarray, " p"]:
        """The parameters that cannot be compared: at a kink, or too rough."""
        return self.at_kink | self.too_rough

    @property
    def error(self) -> Float[np.ndarray, " p"]:
        """|analytic − numeric|, relative to the larger of both but at least to the gradient's root mean square."""
        return np.abs(self.analytic - self.numeric) / _size(self.analytic, self.numeric)

    @property
    def worst(self) -> str:
        """The name of the parameter of the largest error among those compared."""
        return self.names[int(np.argmax(np.where(self.left_aside, -1.0, self.error)))]

    @property
    def ok(self) -> bool:
        """Whether every parameter that can be compared agrees within the tolerance, and there is one."""
        return bool((self.left_aside | (self.error <= self.tolerance)).all() and not self.left_aside.all())

    def __str__(self) -> str:
        """The worst first, at most SHOWN of them where there are many."""
        shown = range(len(self.names))
        if len(self.names) > SHOWN:
            shown = np.argsort(np.where(self.left_aside, 1.0, -self.error), kind="stable")[:SHOWN]
        lines = [f"{'parameter':<14}{'analytic':>18}{'numeric':>18}{'error':>12}"]
        errors = self.error
        for i in shown:
            wrong = "" if errors[i] <= self.tolerance else "  WRONG"
            verdict = "  at a kink" if self.at_kink[i] else "  too rough to tell" if self.too_rough[i] else wrong
            lines.append(
                f"{self.names[i]:<14}{self.analytic[i]:>18.10g}{self.numeric[i]:>18.10g}{errors[i]:>12.1e}{verdict}"
            )
        if len(self.names) > SHOWN:
            lines.append(f"… and {len(self.names) - SHOWN:,} more with smaller errors, or left aside")
        if self.left_aside.all():
            lines.append("nothing could be compared; choose another point, or targets of smaller scale")
        else:
            lines.append(f"{'agrees' if self.ok else 'DISAGREES'} within {self.tolerance:g}; worst: {self.worst}")
        return "\n".join(lines)


def check_gradient(
    network: Network,
    p: Any,
    X: Any,
    Y: Any,
    *,
    sample_weight: Any = None,
    which: Sequence[int] | None = None,
    engine: str = engines.DEFAULT,
    tolerance: float = 1e-6,
) -> GradientCheck:
    """Compare the engine's gradient with the numeric derivative of the loss that the same engine returns.

    Args:
        network: the network and its objective.
        p: its parameter vector, shape (n_parameters,).
        X: inputs, shape (n, d).
        Y: targets, shape (n, k), or (n,) as `check_examples` allows.
        sample_weight: weight of each row, shape (n,), or None for 1.
        which: places in the vector of the parameters to check; None is all of them, at some 10 losses each.
        engine: name of the engine.
        tolerance: largest relative error that counts as agreement.

    Raises:
        InputError: an array has a wrong shape or values that are not finite or not allowed.

    >>> from thalweg.network import Network
    >>> net = Network([2, 3, 1], activation="sigmoid")
    >>> check_gradient(net, net.initialize(seed=1), [[0.5, -1.0]], [[1.0]]).ok
    True
    """
    p = network.check_parameters(p).astype(np.float64)
    _, analytic = loss_and_gradient(network, p, X, Y, sample_weight=sample_weight, engine=engine)
    examples = check_examples(network, X, Y, sample_weight)
    chosen = engines.get(engine)

    def f(q: np.ndarray) -> float:
        return chosen.loss_and_gradient(network, q, examples)[0]

    places = range(len(p)) if which is None else list(which)
    names = tuple(network.name_of(i) for i in places)  # refuses a place that is none
    return compare(f, p, analytic[list(places)], names, places, tolerance)


def compare(
    f: Callable[[Float[np.ndarray, " n"]], float],
    x: Float[np.ndarray, " n"],
    analytic: Float[np.ndarray, " p"],
    names: tuple[str, ...],
    places: Sequence[int],
    tolerance: float,
) -> GradientCheck:
    """Partial derivatives of f at x, those of `places`, against numeric ones; `names` are for the table."""
    slopes = [four_points(_along(f, x, i), x[i]) for i in places]
    numeric = np.array([float(slope) for slope, _ in slopes])
    rounding = 8.0 * EPSILON * abs(f(x))  # at most: the error of one value of f
    unsure = np.array([float(off) for _, off in slopes])
    unclear = ~(unsure <= 0.1 * tolerance * _size(analytic, numeric))  # also where f is not defined beside x
    beyond_rounding = unsure > rounding / STEPS[-1]
    jumps = np.array([bool(one_sided(_along(f, x, i), x[i], rounding)[2]) for i in places])
    at_kink = jumps | (unclear & beyond_rounding)
    return GradientCheck(names, analytic, numeric, at_kink, unclear & ~at_kink, tolerance)


def _size(analytic: Float[np.ndarray, " p"], numeric: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
    """What errors are relative to: the larger of both, but at least either gradient's root mean square."""
    largest = max(float(np.abs(one).max(initial=0.0)) for one in (analytic, numeric))
    if not 0.0 < largest < np.inf:
        largest = 1.0
    floor = largest * max(float(np.sqrt(np.mean((one / largest) ** 2))) for one in (analytic, numeric)) or 1.0
    return np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), floor)


def _along(f: Callable[[np.ndarray], float], x: np.ndarray, i: int) -> Callable[[Any], float]:
    """f of coordinate i alone, the others as in x."""

    def moved(to: Any) -> float:
        other = x.copy()
        other[i] = to
        return float(f(other))

    return moved
