"""One step downhill, from a point to the next: the same for any function (L1) and for a network on all rows (L8)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from thalweg.landscape import Landscape, Point, Ray
from thalweg.line_searches import Found, LineSearch, NoStepError


if TYPE_CHECKING:
    import numpy as np

    from thalweg.update_rules import Optimizer, UpdateRule


def along_a_ray(at: Point, landscape: Landscape, optimizer: Optimizer, state: dict[str, Any], rate: float) -> Found:
    """x := x + γ d, γ being `rate` unless the optimizer's line search finds one; `state` changes in place.

    Raises:
        NoStepError: nothing leads downhill from here, or the search finds no step.
    """
    d = optimizer.direction(at, state, landscape)
    ray = Ray(landscape, at, d)
    if not ray.slope < 0.0:
        message = (
            "the gradient is zero here" if ray.slope == 0.0 else f"the direction is not finite (gᵀd = {ray.slope})"
        )
        raise NoStepError(message)
    search = optimizer.learning_rate
    if isinstance(search, LineSearch):
        found = search.find(ray, state["search"], optimizer.is_scaled)
    else:
        found = Found(rate, ray.point(rate), 0)
    if math.isfinite(found.point.value):
        optimizer.learn(at, found.point, state)
    return found


def by_rule(
    at: Point, landscape: Landscape, rule: UpdateRule, state: dict[str, np.ndarray], rate: float, t: int
) -> Found:
    """The update rule's step number t (from 1); `state` changes in place."""
    x = rule.moved(at.x, at.gradient, state, rate, t)
    return Found(rate, Point(x, *landscape.value_and_gradient(x)), 0)
