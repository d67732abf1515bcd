"""Slopes by differences: of two points, of four, and the complex step; how far they may reach, where a slope jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]

EPSILON = float(np.finfo(np.float64).eps)
# Central differences err by O(h²) for truncation and O(ε/h) for rounding: h = ε^(1/3), relative to x, balances them.
CENTRAL = EPSILON ** (1 / 3)
# Of gradients that are themselves central differences, exact to about ε^(2/3): h = ε^(2/9).
CENTRAL_TWICE = EPSILON ** (2 / 9)
# The four-point formula errs by O(h⁴) for truncation and O(ε/h) for rounding: h = ε^(1/5) balances the two where f and
# its derivatives are of one size. The first step is longer, for an f much larger than its slope; where f bends sharply,
# or a kink lies within reach, a shorter one is better, so shorter ones are tried until two agree.
STEPS = tuple(EPSILON**0.2 * 8.0 / 8.0**shorter for shorter in range(5))
# One-sided slopes over so short a way differ by h·f″ ≈ 1e-6 where f is smooth, and by a finite jump at a kink.
SHORT_STEP = 1e-6
COMPLEX = 1e-100  # f(x + ih) = f(x) + ih f′(x) subtracts nothing, so that h may be as short as numbers allow
MOST_SCALED = 1_000  # coordinates whose scale is looked for, at four values of f each or more
SMALLEST = 13  # powers of ten that a scale may be below 1


def scales(value: Callable[[Vector], float], x: Vector) -> Vector:
    """How far along each coordinate differences may reach: 1, or less where f bends within that, by powers of ten.

    Two central differences, one over half the distance of the other, agree where f looks straight over both.

    >>> scales(lambda x: float(np.sin(1e6 * x[0]) + x[1]), np.array([0.0, 2.0])).tolist()
    [0.001, 1.0]
    """
    scale = np.ones(len(x))
    if len(x) > MOST_SCALED:
        return scale
    for i, xi in enumerate(x.tolist()):
        if abs(xi) >= 1.0:
            continue
        for decade in range(SMALLEST):
            h = CENTRAL * max(10.0**-decade, abs(xi))
            ends = [value(_moved(x, i, distance)) for distance in (-h, -0.5 * h, 0.5 * h, h)]
            wide, narrow = (ends[3] - ends[0]) / (2.0 * h), (ends[2] - ends[1]) / h
            rounding = 10.0 * EPSILON * max(map(abs, ends)) / h
            if abs(wide - narrow) <= 1e-4 * abs(narrow) + rounding or abs(xi) >= 10.0**-decade:
                scale[i] = 10.0**-decade
                break
    return scale


def central(
    value: Callable[[Vector], float], x: Vector, scale: Vector, domain: tuple[Vector, Vector] | None = None
) -> Vector:
    """(f(x + h) − f(x − h)) / 2h per coordinate; one-sided at the edge of the domain.

    >>> central(lambda x: float(x @ x), np.array([1.0, -3.0]), np.ones(2)).round(8).tolist()
    [2.0, -6.0]
    """
    slopes = np.empty(len(x))
    for i, h in enumerate((CENTRAL * np.maximum(scale, np.abs(x))).tolist()):
        ahead, behind = _moved(x, i, h), _moved(x, i, -h)
        if domain is not None:
            ahead[i], behind[i] = min(ahead[i], domain[1][i]), max(behind[i], domain[0][i])
        slopes[i] = (value(ahead) - value(behind)) / (ahead[i] - behind[i])
    return slopes


def four_points(f: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """f′ at each x, and how far it may be off: (f(x−2h) − 8 f(x−h) + 8 f(x+h) − f(x+2h)) / 12h at the best of `STEPS`.

    How far is the difference to the next shorter step, but at least its rounding: without it, two short steps that
    agree by chance would win over a long one that is better.

    >>> four_points(np.exp, np.array([0.0, 1.0]))[0].round(9).tolist()
    [1.0, 2.718281828]
    """
    best, unsure = np.full(np.shape(x), np.nan), np.full(np.shape(x), np.inf)
    longer, rounding = _four_points(f, x, STEPS[0])
    for step in STEPS[1:]:
        shorter, next_rounding = _four_points(f, x, step)
        off = np.maximum(np.abs(longer - shorter), rounding)
        better = ~(off >= unsure)
        best, unsure = np.where(better, longer, best), np.where(better, off, unsure)
        if np.all(unsure <= 1e-9 * np.maximum(1.0, np.abs(best))):
            break
        longer, rounding = shorter, next_rounding
    return best, unsure


def _four_points(f: Callable[[Any], Any], x: Any, step: float) -> tuple[Any, Any]:
    """The four-point formula, and what the rounding of f makes of it."""
    h = step * np.maximum(1.0, np.abs(x))
    values = [f(x + distance) for distance in (-2 * h, -h, h, 2 * h)]
    slope = (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * h)
    return slope, EPSILON * np.max(np.abs(values), axis=0) / h


def one_sided(f: Callable[[Any], Any], x: Any, rounding: Any) -> tuple[Any, Any, Any]:
    """The slopes to the left and to the right of each x, and whether they differ by more than a smooth f explains.

    >>> one_sided(np.abs, np.array([0.0, 1.0]), 0.0)[2].tolist()
    [True, False]
    """
    h = SHORT_STEP * np.maximum(1.0, np.abs(x))
    here = f(x + 0.0 * h)
    left, right = (here - f(x - h)) / h, (f(x + h) - here) / h
    size = np.maximum(np.maximum(np.abs(left), np.abs(right)), 1e-3)
    return left, right, np.abs(right - left) > 1e-3 * size + 4.0 * rounding / h


def complex_step(f: Callable[[np.ndarray], Any], x: Vector) -> Vector:
    """Im f(x + ih) / h per coordinate, right to rounding where f computes with complex numbers (Squire & Trapp 1998).

    >>> complex_step(lambda x: x[0] ** 3 * np.exp(x[1]), np.array([2.0, 0.0])).tolist()
    [12.0, 8.0]
    """
    slopes = np.empty(len(x))
    for i in range(len(x)):
        moved = x.astype(np.complex128)
        moved[i] += 1j * COMPLEX
        slopes[i] = complex(np.asarray(f(moved)).item()).imag / COMPLEX
    return slopes


def foretold(value: Callable[[Vector], float], x: Vector, scale: Vector, slopes: Vector) -> bool:
    """Whether one difference of f, along all coordinates at once, is what these slopes foretell."""
    signs = np.where(np.arange(len(x)) % 2, -1.0, 1.0)
    d = CENTRAL * np.maximum(scale, np.abs(x)) * signs
    ahead, behind = value(x + d), value(x - d)
    seen, expected = ahead - behind, 2.0 * float(slopes @ d)
    rounding = 10.0 * EPSILON / CENTRAL * max(abs(ahead), abs(behind))  # that of x ± d counts most
    sure = 1e-3 * (abs(expected) + abs(seen)) + 2e-3 * float(np.abs(slopes * d).sum()) + rounding
    return not np.isfinite(seen) or abs(seen - expected) <= sure


def _moved(x: Vector, i: int, distance: float) -> Vector:
    moved = x.copy()
    moved[i] += distance
    return moved
