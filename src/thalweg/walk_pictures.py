"""Pictures of finished walks: which window of f to show, f on a grid, and the figure of the kind that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from thalweg import animations, plots, walk_plots
from thalweg.errors import InputError
from thalweg.objectives import Objective
from thalweg.settings import check_choice
from thalweg.trail import Trail


if TYPE_CHECKING:
    import os

    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure


class Walked(Protocol):
    """What a picture needs of a finished walk."""

    trail: Trail
    objective: Objective


KINDS = {"curve": 1, "contour": 2, "surface": 2, "progress": 0}  # and the number of coordinates; 0 is any
FINE, COARSE = {1: 601, 2: 161}, {1: 301, 2: 61}  # points a side: of a formula, and of a callable, asked one by one
ROOM = 0.25  # of the walk's extent, left around it
NEAR, FAR = 4.0, 1e6  # times the size of the start: how much is shown of a walk that runs away, and of any other
LEAST = 1e-3  # of the size of x: the least half-width that a window has


def check_kind(kind: str, n: int, walks: int = 1) -> str:
    """The kind of a picture of so many walks in n dimensions, "auto" settled.

    Raises:
        InputError: the kind is unknown, or does not suit the number of coordinates or walks.

    >>> check_kind("auto", 2), check_kind("auto", 7)
    ('contour', 'progress')
    """
    if kind == "auto":
        return "progress" if n > 2 else "contour" if n == 2 else "curve" if walks == 1 else "progress"
    check_choice(kind, tuple(KINDS), "a picture's kind", ' or "auto"')
    if KINDS[kind] not in (0, n):
        message = (
            f"a {kind} shows a function of {KINDS[kind]} coordinate{'s' * (KINDS[kind] > 1)}, and this one has {n}; "
            "choose kind='progress'"
        )
        raise InputError(message)
    if kind == "curve" and walks > 1:
        message = "a curve shows one walk; choose kind='progress' to compare several"
        raise InputError(message)
    return kind


def check_animated(n: int) -> None:
    """Whether a walk in n dimensions can be animated.

    Raises:
        InputError: it has more than two coordinates.
    """
    if n > 2:
        message = (
            f"an animation shows a function of 1 or 2 coordinates, and this one has {n}; plot('progress') shows any"
        )
        raise InputError(message)


def picture(walks: Mapping[str, Any], kind: str, path: str | os.PathLike[str] | None) -> Figure:
    """A figure of walks on one function by name; one walk has the name "". It is written where a path is given.

    Raises:
        InputError: the kind is unknown, or does not suit the number of coordinates or walks.
    """
    first: Walked = next(iter(walks.values()))
    kind = check_kind(kind, first.objective.n, len(walks))
    return plots.written(_figure(walks, first, kind), path)


def _figure(walks: Mapping[str, Any], first: Walked, kind: str) -> Figure:
    if kind == "curve":
        return walk_plots.curve(*_curve_arrays(first), **_curve_words(first))
    if kind == "progress":
        series = {
            name or "f": (walk.trail.steps, walk.trail.column("value"), walk.trail.column("gradient_norm"))
            for name, walk in walks.items()
        }
        return walk_plots.progress(series, lowest=_lowest(first.objective))
    x, y, Z, words = _plane(first.objective, [walk.trail for walk in walks.values()])
    paths = {name or "walk": walk.trail.path for name, walk in walks.items()}
    if kind == "contour":
        return walk_plots.contour(x, y, Z, paths, **words)
    values = {name or "walk": walk.trail.column("value") for name, walk in walks.items()}
    return walk_plots.surface(x, y, Z, paths, values, **words)


def animation(
    walk: Any, path: str | os.PathLike[str] | None, progress: Callable[[int, int | None], None] | None
) -> FuncAnimation:
    """The walk step by step, on a curve or a contour. It is written where a path is given.

    Raises:
        InputError: f has more than two coordinates.
    """
    check_animated(walk.objective.n)
    if walk.objective.n == 1:
        moving = animations.curve_animation(*_curve_arrays(walk), **_curve_words(walk))
    else:
        x, y, Z, words = _plane(walk.objective, [walk.trail])
        moving = animations.contour_animation(x, y, Z, {"walk": walk.trail.path}, **words)
    if path is not None:
        animations.save(moving, path, progress)
    return moving


def _curve_arrays(walk: Walked) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    trail = walk.trail
    path = trail.path[:, 0]
    low, high = window(walk.objective, [trail])[0]
    grid = np.linspace(low, high, _points(walk.objective))
    rates = trail.column("rate")[1:]
    return grid, walk.objective.on_grid(grid), path, trail.column("value"), trail.gradients[:, 0], rates


def _curve_words(walk: Walked) -> dict[str, Any]:
    known = walk.objective.minima
    formula = "" if walk.objective.formula is None else str(walk.objective.formula)
    return {"name": walk.objective.names[0], "formula": formula, "minima": [place[0] for place, _ in known]}


def _plane(objective: Objective, trails: Sequence[Trail]) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
    """The axes of the grid, f on it, and the words of a picture in two dimensions."""
    x, y = (np.linspace(low, high, _points(objective)) for low, high in window(objective, trails))
    words = {
        "names": objective.names, "minima": [place for place, _ in objective.minima],
        "title": "" if objective.formula is None else f"f = {objective.formula}",
    }  # fmt: skip
    return x, y, objective.on_grid(x, y), words


def window(objective: Objective, trails: Sequence[Trail]) -> list[tuple[float, float]]:
    """The part of each axis to show: around the walks, but of those that run away only where they began.

    Known minima come into the picture where they lie no farther than the walks reach.
    """
    start = trails[0].path[0]
    scale = 1.0 + np.abs(start)
    shown = [start[None]]
    for trail in trails:
        values, path = trail.column("value"), trail.path
        runs_away = values[-1] > values[0]
        if runs_away:
            shown.append(start + np.array([[-1.0], [1.0]]) * scale)
        near = (np.abs(path - start) <= (NEAR if runs_away else FAR) * scale).all(axis=1)
        shown.append(path[near])
    points = np.concatenate(shown)
    low, high = points.min(axis=0), points.max(axis=0)
    reach = np.maximum(high - low, LEAST * scale)
    for place, _ in objective.minima:
        at = np.array(place)
        if ((at >= low - reach) & (at <= high + reach)).all():
            low, high = np.minimum(low, at), np.maximum(high, at)
    room = np.maximum(ROOM * (high - low), 0.1 * (high - low).max())
    room = np.maximum(room, LEAST * scale)
    low, high = low - room, high + room
    if objective.domain is not None:
        low, high = np.maximum(low, objective.domain[0]), np.minimum(high, objective.domain[1])
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _points(objective: Objective) -> int:
    return (FINE if objective.formula is not None else COARSE)[objective.n]


def _lowest(objective: Objective) -> float | None:
    """The lowest value that f is known to have."""
    return min((value for _, value in objective.minima), default=None)
