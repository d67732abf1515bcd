"""What a walk is drawn on: the curve of a function, or its lines of equal height, with the minima.

Still and moving pictures share it. All of the grid that the caller has chosen is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import InputError
from thalweg.plots import BLUE, INK, SHADES, literal, new_figure, note
from thalweg.walk_drawing import (
    STAR,
    START,
    Window,
    key_below,
    look,
    number,
    padded,
    sane,
    say,
    shown_name,
)


if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Points = Float[np.ndarray, "k 2"]


def curve_arrays(grid_x: Any, grid_y: Any, path_x: Any, path_y: Any, slopes: Any, rates: Any) -> tuple[Any, ...]:
    """What `curve` was given, as arrays that go together: the grid in order, the walk (k, 2), a rate for each point."""
    grid_x, grid_y, path_x, path_y, slopes = (sane(part) for part in (grid_x, grid_y, path_x, path_y, slopes))
    if grid_x.shape != grid_y.shape or not path_x.shape == path_y.shape == slopes.shape:
        message = f"grid_x {grid_x.shape} must go with grid_y {grid_y.shape}, and path_x {path_x.shape} with path_y "
        raise InputError(f"{message}{path_y.shape} and slopes {slopes.shape}")
    rates = sane(rates)
    k = len(path_x)
    if rates.ndim and len(rates) not in (k - 1, k):
        raise InputError(f"{k} points make {k - 1} steps, but {len(rates)} rates were given")
    rates = np.full(k, float(rates)) if rates.ndim == 0 else np.append(rates, np.full(k - len(rates), np.nan))
    order = np.argsort(grid_x, kind="stable")
    order = order[np.isfinite(grid_x[order])]
    return grid_x[order], grid_y[order], np.column_stack([path_x, path_y]), slopes, rates


def draw_curve(
    axes: Axes,
    grid_x: np.ndarray,
    grid_y: np.ndarray,
    walk: Points,
    *,
    name: str,
    formula: str,
    minima: Sequence[float],
) -> Window | None:
    """The curve, its minima and the window of the axes; None where there is nothing to show."""
    title = f"f({literal(name, 20)}) = {literal(formula, 70)}" if formula else f"f({literal(name, 20)})"
    axes.set(title=title, ylabel=f"f({literal(name, 20)})")
    seen = np.isfinite(grid_y)
    if not seen.any():
        note(axes, "no finite values")
        return None
    stars = sane(minima).reshape(-1)
    low, high = padded(grid_x[0], grid_x[-1], 0.0)
    with np.errstate(invalid="ignore"):
        near = walk[(walk[:, 0] >= low) & (walk[:, 0] <= high), 1]
        stars = stars[(stars >= low) & (stars <= high)]
    heights = grid_y[seen]
    stars_y = np.interp(stars, grid_x[seen], grid_y[seen])
    # A pole may not press the rest of the curve flat: what is twice as far off as the walk and half the curve is cut.
    middle = np.concatenate([near[np.isfinite(near)], stars_y, np.quantile(heights, [0.25, 0.75])])
    span = np.ptp(middle)
    bottom = max(heights.min(), middle.min() - 2 * span)
    top = min(heights.max(), middle.max() + 2 * span)
    bottom, top = padded(min(bottom, middle.min()), max(top, middle.max()), 0.07)
    window = Window(np.array([low, bottom]), np.array([high, top]))
    with np.errstate(invalid="ignore"):
        line = np.where(np.abs(grid_y - (bottom + top) / 2) <= 2 * (top - bottom), grid_y, np.nan)
    axes.plot(grid_x, line, color=BLUE, linewidth=2.0, zorder=2)
    if len(stars):
        axes.plot(stars, stars_y, zorder=5, label="minimum", **STAR)
    axes.set(xlim=(low, high), ylim=(bottom, top))
    return window


def draw_tangent(axes: Axes, point: np.ndarray, slope: float, window: Window, label: str | None = None) -> Any:
    """A short piece of the tangent at a point of the curve; the line, empty where the slope is not finite."""
    x, y = tangent_ends(point, slope, window)
    return axes.plot(x, y, color=INK, linewidth=1.4, linestyle=(0, (4, 1.5)), zorder=3.5, label=label)[0]


def tangent_ends(point: np.ndarray, slope: float, window: Window) -> np.ndarray:
    """The two x and the two y of a tangent's ends, short in both directions; nan where the slope is not finite."""
    wide, tall = window.high - window.low
    half = min(0.09 * wide, 0.22 * tall / max(abs(slope), 1e-150))
    return point[:, None] + half * np.array([[-1, 1], [-slope, slope]])


def contour_arrays(grid_x: Any, grid_y: Any, Z: Any, paths: Mapping[str, Any]) -> tuple[Any, ...]:
    """What `contour` was given, as arrays that go together."""
    grid_x, grid_y, Z = sane(grid_x), sane(grid_y), sane(Z)
    if Z.shape != (len(grid_y), len(grid_x)):
        raise InputError(f"Z has the shape {Z.shape}; the grid needs (grid_y, grid_x): {(len(grid_y), len(grid_x))}")
    checked = {name: sane(path) for name, path in paths.items()}
    for name, path in checked.items():
        if path.ndim != 2 or path.shape[1] != 2:
            raise InputError(f"path {name!r} has the shape {path.shape}; a walk over two coordinates has (k, 2)")
    columns, rows = (g[np.isfinite(grid[g])] for grid, g in ((grid_x, grid_x.argsort()), (grid_y, grid_y.argsort())))
    return grid_x[columns], grid_y[rows], Z[np.ix_(rows, columns)], checked


def draw_contour(
    grid_x: np.ndarray,
    grid_y: np.ndarray,
    Z: np.ndarray,
    paths: Mapping[str, Points],
    *,
    names: tuple[str, str],
    minima: Sequence[Sequence[float]],
    title: str,
) -> tuple[Figure, Axes, Window | None]:
    """Figure, axes and window of the lines of equal height and the minima, without the walks."""
    from matplotlib.ticker import MaxNLocator

    window = contour_window(grid_x, grid_y, Z)
    wide, tall = (window.high - window.low) if window else (1.0, 1.0)
    faithful = 0.4 <= tall / wide <= 2.5
    beside = faithful and tall > 0.75 * wide  # the legend (contour_key)
    height = float(np.clip(5.8 * tall / wide if beside else 6.6 * tall / wide + 1.4, 3.6, 6.6)) if faithful else 5.2
    figure, axes = new_figure(height, literal(title, 80) or None)
    axes.set(xlabel=literal(names[0], 40), ylabel=literal(names[1], 40))
    axes.grid(False)
    if window is None:
        note(axes, "no finite values")
        return figure, axes, None
    axes.set(xlim=(window.low[0], window.high[0]), ylim=(window.low[1], window.high[1]))
    if faithful:
        axes.set_aspect("equal")  # one unit is one unit: the gradient is seen to cross the lines at right angles
        axes.set_anchor("NW")  # else the layout, which measures the unshrunk axes, could cut the title
    base, floor, top, powers = height_range(Z)
    if top > base:
        masked = np.ma.masked_invalid(np.clip(Z, base, top))
        if powers:
            rise = [float(f"{step:.1g}") for step in np.geomspace(floor, top - base, 13)[:-1]]
            levels = np.unique([base, *(base + np.array(rise)), top])
        else:
            inner = np.asarray(MaxNLocator(13).tick_values(base, top))
            levels = np.unique([base, *inner[(inner > base) & (inner < top)], top])
        levels = levels[levels <= top]
        if len(levels) > 2:
            colors = depths()(np.linspace(0, 1, len(levels) - 1))
            axes.contourf(grid_x, grid_y, masked, levels=levels, colors=colors, zorder=0)
            lines = axes.contour(
                grid_x, grid_y, masked, levels=levels[1:-1], colors="#5B6F80", linewidths=0.6, zorder=1
            )
            axes.clabel(lines, lines.levels[1::3], fmt=lambda level: number(level, 3), fontsize=7.5, colors=INK)
    else:
        axes.text(0.5, 0.96, "f is constant here", ha="center", va="top", transform=axes.transAxes, color=INK)
    stars = stars_within(minima, window)
    if len(stars):
        axes.plot(*stars.T, zorder=6, label="minimum", **STAR)
    return figure, axes, window


def contour_window(grid_x: np.ndarray, grid_y: np.ndarray, Z: np.ndarray) -> Window | None:
    """The grid's rectangle; None where there is nothing to show."""
    if min(Z.shape) < 2 or not np.isfinite(Z).any() or grid_x[0] == grid_x[-1] or grid_y[0] == grid_y[-1]:
        return None
    ends = [padded(grid[0], grid[-1], 0.0) for grid in (grid_x, grid_y)]
    return Window(*np.array(ends).T)


def height_range(Z: np.ndarray) -> tuple[float, float, float, bool]:
    """Lowest and least visible rise, highest, and whether heights are told by powers of ten: where most is low."""
    finite = Z[np.isfinite(Z)]
    low, quarter, half, most, high = np.quantile(finite, [0, 0.25, 0.5, 0.98, 1])
    low = max(low, quarter - 20 * (most - quarter))  # a pole
    high = min(high, most + 20 * (most - low)) if most > low else high
    if not high - low > 1e-12 * max(abs(low), abs(high)):
        return low, 0.0, low, False
    powers = half - low < 0.2 * (high - low)
    floor = max(np.quantile(finite - low, 0.01), 1e-6 * (high - low))
    return float(low), float(min(floor, 0.5 * (high - low))), float(high), bool(powers)


def depths() -> Any:
    """Deep is blue, high is white, pale enough for a walk to stand out."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("depths", ["#7FB2DA", SHADES[1], "#FFFFFF"])


def stars_within(minima: Any, window: Window) -> Points:
    """The minima (s, 2) that the window holds."""
    stars = sane(minima).reshape(-1, 2)
    return stars[window.holds(stars)]


def contour_key(figure: Figure, axes: Axes, paths: Mapping[str, Points], sentences: Sequence[str]) -> None:
    """The legend of a contour: each walk by dashes and mark with its number of steps, then start and minimum.

    Beside the picture where that is about square, else below.
    """
    from matplotlib.lines import Line2D

    handles = []
    for i, (name, path) in enumerate(paths.items()):
        steps = max(len(path) - 1, 0)
        label = f"{shown_name(name)}: {steps:,} step{'s' * (steps != 1)}"
        handles.append(Line2D([], [], **look(i), markersize=5, linewidth=1.5, label=label))
    handles.append(Line2D([], [], label="start", **START))
    handles += axes.get_legend_handles_labels()[0]
    x, y = axes.get_xlim(), axes.get_ylim()
    if axes.get_aspect() == 1 and y[1] - y[0] > 0.75 * (x[1] - x[0]):
        figure.legend(handles=handles, loc="outside right upper", fontsize=9, handlelength=3.0)
        say(figure, sentences)
    else:
        key_below(figure, handles, sentences)
