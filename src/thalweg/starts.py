"""Where a walk starts: the point looked at before the first step, and what is wrong with it said there and then."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.derivatives import GradientCheck, compare
from thalweg.differences import CENTRAL
from thalweg.errors import InputError, ThalwegWarning, shown
from thalweg.expressions import Expression
from thalweg.landscape import Point
from thalweg.objectives import Objective


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]

MOST_CHECKED = 100  # coordinates of a given gradient, which cost some ten values of f each
AGREES = 1e-5  # relative
# What a wrong gradient often is, times the right one.
SLIPS = {-1.0: "its sign is turned", 2.0: "it is twice the right one", 0.5: "it is half the right one"}


def names_and_start(formula: Expression | None, start: Any) -> tuple[tuple[str, ...], Vector, bool]:
    """The names of the coordinates (of a formula), the start as a vector, and whether it was one number.

    Raises:
        InputError: the start is not numbers, not finite, or not as many as the formula has variables.
    """
    names = formula.variables if formula is not None else ()
    if isinstance(start, Mapping):
        if formula is None or set(start) != set(names):
            wanted = ", ".join(names) or "none by name: f is a callable, so give a number or a list"
            message = f"start names {', '.join(map(str, start)) or 'nothing'}, and the variables are {wanted}"
            raise InputError(message)
        start = [start[name] for name in names]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            array = np.asarray(start, dtype=None)
            if array.dtype.kind not in "fiu":
                raise TypeError
            array = array.astype(np.float64)
    except (TypeError, ValueError, Warning):
        message = f"start must be a number or a list of numbers, not {shown(start)}"
        raise InputError(message) from None
    if array.ndim > 1 or array.size == 0:
        message = f"start must be a number or a list of numbers, not an array of shape {array.shape}"
        raise InputError(message)
    if not np.isfinite(array).all():
        place = "" if array.ndim == 0 else f" at place {int(np.flatnonzero(~np.isfinite(array))[0]) + 1}"
        message = f"start must be finite, and it is {array[~np.isfinite(array)].flat[0]}{place}"
        raise InputError(message)
    if formula is not None and array.size != max(1, len(names)):
        variables = f"{len(names)} variable{'s' * (len(names) != 1)} ({', '.join(names)})"
        message = f"the formula has {variables}, so start needs as many numbers in this order, and it has {array.size}"
        raise InputError(message)
    return names, array.reshape(-1), array.ndim == 0


def check_domain(domain: Any, start: Vector, names: Sequence[str]) -> tuple[Vector, Vector] | None:
    """The lower and upper bounds of each coordinate; one pair stands for all.

    Raises:
        InputError: it is not pairs low < high, or the start lies outside.
    """
    if domain is None:
        return None
    try:
        pairs = np.asarray(domain, dtype=np.float64)
        pairs = np.broadcast_to(pairs, (len(start), 2)) if pairs.ndim == 1 else pairs
        if pairs.shape != (len(start), 2) or not (pairs[:, 0] < pairs[:, 1]).all():
            raise ValueError
    except (TypeError, ValueError):
        message = f"domain must be (low, high), or one such pair for each coordinate, low < high, not {shown(domain)}"
        raise InputError(message) from None
    low, high = pairs[:, 0].copy(), pairs[:, 1].copy()
    for name, x, least, most in zip(names, start, low, high, strict=True):
        if not least <= x <= most:
            message = f"the start {name} = {x:g} lies outside the domain from {least:g} to {most:g}; start inside"
            raise InputError(message)
    return low, high


def first_point(objective: Objective, x: Vector, check: bool) -> Point:
    """The point at the start; with `check`, a gradient that the user wrote is compared with a numeric one there.

    Raises:
        InputError: f or its gradient is not finite there, or the gradient is wrong.
    """
    with np.errstate(all="ignore"):
        value, gradient = objective.value_and_gradient(x)
    place = ", ".join(f"{name} = {number:g}" for name, number in zip(objective.names[:5], x.tolist(), strict=False))
    if not math.isfinite(value):
        reason = objective.why or f"f is {value} there"
        message = f"f has no finite value at the start {place}: {reason}; choose another start"
        raise InputError(message)
    wrong = np.flatnonzero(~np.isfinite(gradient))
    if len(wrong):
        reason = objective.why or f"∂f/∂{objective.names[int(wrong[0])]} is {gradient[wrong[0]]} there"
        message = f"f has no finite gradient at the start {place}: {reason}; choose another start"
        raise InputError(message)
    first = Point(x, value, gradient)
    if check and objective.is_given:
        with objective.uncounted():
            check_given_gradient(objective, first)
    return first


def check_given_gradient(objective: Objective, at: Point) -> GradientCheck:
    """The given gradient against a numeric one at a point, coordinate by coordinate, at most 100 of them.

    Raises:
        InputError: they differ; the message lists the coordinates, the worst first.
    """
    places = np.unique(np.linspace(0, objective.n - 1, min(objective.n, MOST_CHECKED)).astype(int))
    names = tuple(f"∂f/∂{objective.names[i]}" for i in places)
    # `compare` reaches 1000 times as far as the differences whose reach `scale` is.
    scale = objective.scale(at.x)
    scale = np.where(scale < 1.0, 10.0 * CENTRAL * scale, 1.0)

    def f(u: Vector) -> float:  # in units of each coordinate, as f may bend within millionths
        return objective.value(u * scale)

    with np.errstate(all="ignore"):
        check = compare(f, at.x / scale, (at.gradient * scale)[places], names, places.tolist(), AGREES)
    check = dataclasses.replace(
        check, analytic=check.analytic / scale[places], numeric=check.numeric / scale[places]
    )  # fmt: skip
    if check.left_aside.all() and not check.at_kink.all():
        message = (
            "the gradient could not be checked at the start: f is so large beside its slope that rounding hides it"
        )
        warnings.warn(message, ThalwegWarning, stacklevel=4)
    if check.ok or check.left_aside.all():
        return check
    wrong = ~check.left_aside & ~(check.error <= AGREES)
    share = check.analytic[wrong] / np.where(check.numeric[wrong] == 0.0, np.nan, check.numeric[wrong])
    slip = next((what for factor, what in SLIPS.items() if np.allclose(share, factor, rtol=1e-3)), "")
    source = "the gradient that f gives" if objective.gradient_from == "f itself" else "the gradient given"
    message = (
        f"{source} is not that of f: at the start {int(wrong.sum())} of {len(places)} coordinates differ"
        f"{slip and ', and ' + slip}. Correct it, or leave it out (numeric), or go on with check=False.\n{check}"
    )
    raise InputError(message)
