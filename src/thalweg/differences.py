"""Slopes by differences: how far they may reach, central ones, and the complex step."""

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
