"""Figures of walks downhill, from plain arrays: on a curve, on a contour, on a surface, and against the steps.

A walk of k − 1 steps has k points x₀ … x₍k₋₁₎. Directions are told by arrowheads, ends by shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from thalweg.errors import InputError
from thalweg.plots import GREY, INK, SKY, VERMILLION, literal, new_figure
from thalweg.plots import style as our_style
from thalweg.walk_drawing import (
    MARKED,
    PAPER,
    STAR,
    START,
    Window,
    draw_arrow,
    draw_lines,
    kept,
    key_below,
    key_beside,
    left_out,
    line_handles,
    look,
    number,
    sane,
    say,
    shown_name,
    trail,
)
from thalweg.walk_ground import (
    contour_arrays,
    contour_key,
    contour_window,
    curve_arrays,
    depths,
    draw_contour,
    draw_curve,
    draw_tangent,
    height_range,
    stars_within,
)


if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Points = Float[np.ndarray, "k 2"]

NUMBERED = 6  # points that carry their number
TANGENTS = 3
ROWS = 5  # steps shown as arrows under the curve


def curve(
    grid_x: Float[np.ndarray, " m"],
    grid_y: Float[np.ndarray, " m"],
    path_x: Float[np.ndarray, " k"],
    path_y: Float[np.ndarray, " k"],
    slopes: Float[np.ndarray, " k"],
    rates: float | Float[np.ndarray, " steps"],
    *,
    name: str = "x",
    formula: str = "",
    minima: Sequence[float] = (),
) -> Figure:
    """A walk in one dimension on the curve of f, with tangents; below, the first steps −γ f′(x) along the x axis.

    `grid_x`, `grid_y` (m,) are the curve; `path_x`, `path_y`, `slopes` (k,) are x, f(x) and f′(x) at each point;
    `rates` is γ, one for all steps or one for each (k − 1, or k with the one that was not used); `minima` are x.

    Raises:
        InputError: arrays whose lengths do not go together.

    >>> x = np.linspace(-2, 2, 81)
    >>> path = np.array([1.5, 0.9, 0.54])
    >>> figure = curve(x, x**2, path, path**2, 2 * path, 0.2, formula="x**2")
    >>> figure.axes[0].get_title(loc="left")
    'f(x) = x**2'
    """
    grid_x, grid_y, walk, slopes, gammas = curve_arrays(grid_x, grid_y, path_x, path_y, slopes, rates)
    with our_style():
        figure, (upper, lower) = new_figure(5.6, None, rows=2, heights=(4, 1.15))
        window = draw_curve(upper, grid_x, grid_y, walk, name=name, formula=formula, minima=minima)
        lower.set_xlabel(literal(name, 40))
        lower.sharex(upper)
        upper.tick_params(labelbottom=False)
        if window is None:
            _bare(lower)
            return figure
        shown = np.flatnonzero(window.holds(walk))
        line = trail(walk, window)
        upper.plot(line[:, 0], line[:, 1], color=GREY, linewidth=0.8, zorder=3)
        first = [t for t in range(min(len(walk) - 1, 12)) if t in shown and np.isfinite(walk[t + 1]).all()]
        for t in first:
            draw_arrow(upper, walk[t], window.cut(walk[t], walk[t + 1]), VERMILLION, window)
        marked = kept(len(walk), MARKED)
        marked = marked[np.isin(marked, shown)]
        size = 4.5 if len(marked) <= 40 else 2.5
        upper.plot(*walk[marked].T, "o", color=VERMILLION, markersize=size, zorder=4, linestyle="none")
        place = (walk[:, 0] - window.low[0]) / (window.high[0] - window.low[0])
        apart: list[int] = []
        for t in shown[:NUMBERED]:  # tangents side by side would be a thicket
            if len(apart) < TANGENTS and np.all(np.abs(place[apart] - place[t]) > 0.15):
                draw_tangent(upper, walk[t], float(slopes[t]), window, label=None if apart else "tangent, slope f′")
                apart.append(int(t))
        _number_points(upper, walk, shown[shown < NUMBERED], window)
        _mark_ends(upper, walk, shown, name)
        key_beside(upper)
        _draw_steps(lower, walk[:, 0], slopes, gammas, window)
        say(figure, left_out({"": walk}, window))
        return figure


def contour(
    grid_x: Float[np.ndarray, " m"],
    grid_y: Float[np.ndarray, " n"],
    Z: Float[np.ndarray, "n m"],
    paths: Mapping[str, Points],
    *,
    names: tuple[str, str] = ("x", "y"),
    minima: Sequence[Sequence[float]] = (),
    title: str = "",
) -> Figure:
    """Walks in two dimensions over lines of equal height, the darker the deeper; arrowheads show the direction.

    `Z` (n, m) is f at `grid_y` (n,) by `grid_x` (m,); `paths` gives each walk (k, 2) its name; `minima` are starred.

    Raises:
        InputError: a `Z` that does not go with the grid, or a path that is not (k, 2).

    >>> x, y = np.linspace(-2, 2, 41), np.linspace(-1, 1, 31)
    >>> Z = x**2 + 3 * y[:, None] ** 2
    >>> figure = contour(x, y, Z, {"walk": np.array([[1.5, 0.9], [0.9, 0.1], [0.5, 0.0]])}, title="x**2 + 3*y**2")
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_title(loc="left")
    ('x', 'x**2 + 3*y**2')
    """
    grid_x, grid_y, Z, paths = contour_arrays(grid_x, grid_y, Z, paths)
    with our_style():
        figure, axes, window = draw_contour(grid_x, grid_y, Z, paths, names=names, minima=minima, title=title)
        if window is None:
            return figure
        ends: list[tuple[str, np.ndarray, str]] = []
        for i, (name, path) in enumerate(paths.items()):
            _draw_walk(axes, path, window, i)
            shown = np.flatnonzero(window.holds(path))
            if shown.size:
                ends.append((name, path[shown[-1]], look(i)["color"]))
        if len(paths) > 1:
            _label_ends(axes, ends, np.concatenate([trail(path, window) for path in paths.values()]), window)
        contour_key(figure, axes, paths, left_out(paths, window))
        return figure


def surface(
    grid_x: Float[np.ndarray, " m"],
    grid_y: Float[np.ndarray, " n"],
    Z: Float[np.ndarray, "n m"],
    paths: Mapping[str, Points],
    values: Mapping[str, Float[np.ndarray, " k"]],
    *,
    names: tuple[str, str] = ("x", "y"),
    minima: Sequence[Sequence[float]] = (),
    title: str = "",
) -> Figure:
    """Walks in two dimensions on the surface of f, which lets them shine through; heights by powers of ten if need be.

    As `contour`, with the `values` f (k,) along each path.

    Raises:
        InputError: a `Z` that does not go with the grid, a path that is not (k, 2), or values that are not (k,).

    >>> x = np.linspace(-2, 2, 41)
    >>> path = np.array([[1.5, 1.0], [0.9, 0.2]])
    >>> surface(x, x, x**2 + x[:, None] ** 2, {"walk": path}, {"walk": (path**2).sum(axis=1)}).axes[0].get_zlabel()
    'f'
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    grid_x, grid_y, Z, paths = contour_arrays(grid_x, grid_y, Z, paths)
    heights = {name: sane(values.get(name, ())) for name in paths}
    for name, path in paths.items():
        if len(heights[name]) != len(path):
            raise InputError(f"path {name!r} has {len(path)} points but {len(heights[name])} values: give one for each")
    with our_style():
        figure, axes = new_figure(5.8, literal(title, 80) or None, projection="3d", width=7.2)
        axes.set(xlabel=literal(names[0], 40), ylabel=literal(names[1], 40), zlabel="f")
        window = contour_window(grid_x, grid_y, Z)
        if window is None:
            axes.text2D(0.5, 0.5, "no finite values", ha="center", transform=axes.transAxes, color=GREY)
            return figure
        base, floor, top, powers = height_range(Z)
        if powers:
            axes.set_zlabel("f − lowest, powers of ten" if base else "f, powers of ten")
            axes.zaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.zaxis.set_major_formatter(FuncFormatter(lambda p, _: f"{10.0**p:g}"))

        def height(f: np.ndarray) -> np.ndarray:
            f = np.clip(f, base, top)
            return np.log10(np.maximum(f - base, floor)) if powers else f

        axes.computed_zorder = False  # else the surface would hide half of what lies on it
        mesh = np.meshgrid(grid_x, grid_y)
        axes.plot_surface(*mesh, height(Z), cmap=depths(), alpha=0.6, rcount=44, ccount=44, linewidth=0.2,
                          edgecolor="#5B6F80", zorder=1)  # fmt: skip
        for i, (name, path) in enumerate(paths.items()):
            shown = np.flatnonzero(window.holds(path) & np.isfinite(heights[name]) & (heights[name] <= top))
            shown = shown[kept(len(shown), MARKED)]
            if not shown.size:
                continue
            x, y, z = *path[shown].T, height(heights[name][shown])
            every = max(1, len(shown) // 20)
            axes.plot(
                x, y, z, **look(i), markersize=4, linewidth=1.6, markevery=every, zorder=4 + i, label=shown_name(name)
            )
            axes.plot(x[:1], y[:1], z[:1], zorder=20, label="start" if i == 0 else None, **START)
            axes.plot(x[-1:], y[-1:], z[-1:], zorder=21 + i, marker=look(i)["marker"], color=look(i)["color"],
                      markersize=8, markeredgecolor="white", linestyle="none",
                      label="last point shown" if len(paths) == 1 else None)  # fmt: skip
        stars = stars_within(minima, window)
        if len(stars):
            columns = [int(np.abs(grid_x - star[0]).argmin()) for star in stars]
            rows = [int(np.abs(grid_y - star[1]).argmin()) for star in stars]
            axes.plot(*stars.T, height(Z)[rows, columns], zorder=15, label="minimum", **STAR)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.view_init(elev=38, azim=-62)
        axes.set_box_aspect((4, 4, 2.6), zoom=0.98)
        key_below(figure, axes.get_legend_handles_labels()[0], left_out(paths, window))
        return figure


def progress(
    series: Mapping[str, tuple[Float[np.ndarray, " k"], Float[np.ndarray, " k"], Float[np.ndarray, " k"]]],
    *,
    lowest: float | None = None,
) -> Figure:
    """f − lowest (or f) and ‖∇f‖ against the steps, for one walk or several.

    `series` gives each walk's name its steps, values and gradient norms, all (k,). Where no value lies below `lowest`,
    the left panel is the distance to it on a logarithmic axis; points at a distance of 0 are marked at the bottom.

    >>> t = np.arange(5)
    >>> figure = progress({"γ = 0.1": (t, 0.64**t, 2 * 0.8**t)}, lowest=0.0)
    >>> figure.axes[0].get_title(loc="left"), figure.axes[0].get_yscale()
    ('f − lowest', 'log')
    """
    from matplotlib.ticker import MaxNLocator

    walks = {name: [sane(part) for part in parts] for name, parts in series.items()}
    values = np.concatenate([np.zeros(0), *(parts[1] for parts in walks.values())])
    values = values[np.isfinite(values)]
    floor = np.nan if lowest is None else float(lowest)
    # Rounding may pass it by a little.
    known = bool(np.isfinite(floor)) and not np.any(values < floor - 1e-12 * max(1.0, abs(floor)))
    with our_style():
        figure, panels = new_figure(4.0, None, columns=2)
        sentences = []
        for axes, part, heading in zip(panels, (1, 2), ("f − lowest" if known else "f", "‖∇f‖"), strict=True):
            axes.set(title=heading, xlabel="step")
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
            less = floor if known and part == 1 else 0.0
            lines = {name: (parts[0], parts[part] - less) for name, parts in walks.items()}
            sentences += draw_lines(axes, lines, always_log=part == 2 or known, what=heading)
        both = {name: np.column_stack([parts[0], parts[1]]) for name, parts in walks.items()}
        key_below(figure, line_handles(panels), [*sentences, *left_out(both, None)])
        return figure


# ---- parts of the curve


def _number_points(axes: Axes, walk: Points, steps: np.ndarray, window: Window) -> None:
    """The first points' numbers, those left out that would lie on another."""
    taken = np.zeros((0, 2))
    for t in steps:
        place = (walk[t] - window.low) / (window.high - window.low)
        if np.any(np.all(np.abs(taken - place) < (0.025, 0.05), axis=1)):
            continue
        taken = np.vstack([taken, place])
        axes.annotate(str(t), (walk[t, 0], walk[t, 1]), (-7, 6), textcoords="offset points", ha="right", va="bottom",
                      fontsize=9, zorder=7, bbox=PAPER)  # fmt: skip


def _mark_ends(axes: Axes, walk: Points, shown: np.ndarray, name: str) -> None:
    """Start, last and lowest point by shape, with their numbers in the legend."""
    if not shown.size:
        return
    last, best = shown[-1], shown[np.argmin(walk[shown, 1])]

    def told(t: int) -> str:
        return f"{literal(name, 12)} = {number(walk[t, 0])}\nf = {number(walk[t, 1])}"

    looks = {"linestyle": "none", "markeredgecolor": INK, "zorder": 6}
    if last:
        word = "last" if last == len(walk) - 1 else "last shown"
        axes.plot(
            *walk[[last]].T, "s", color=SKY, markersize=7.5, label=f"{word}: step {last:,}\n{told(last)}", **looks
        )
    if best and walk[last, 1] - walk[best, 1] > 1e-9 * np.ptp(walk[shown, 1]):
        label = f"lowest: step {best:,}\n{told(best)}"
        axes.plot(*walk[[best]].T, "D", color="white", markersize=7, label=label, **looks)
    if shown[0] == 0:
        axes.plot(*walk[:1].T, label=f"start\n{told(0)}", zorder=6, **START)


def _draw_steps(axes: Axes, x: np.ndarray, slopes: np.ndarray, rates: np.ndarray, window: Window) -> None:
    """One row for each of the first steps: −γ f′(x) as an arrow along the x axis, and its numbers."""
    steps = min(len(x) - 1, ROWS) if len(x) > 1 else 1
    axes.set_ylim(steps - 0.4, -0.6)
    axes.set_yticks(range(steps), [f"step {t + 1}" if len(x) > 1 else "next" for t in range(steps)], fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    heading = "the step −γ f′ along the axis"
    axes.text(1.01, 1.06, "−γ · f′ = step", transform=axes.transAxes, va="bottom", fontsize=9)
    strip = Window(np.array([window.low[0], -1.0]), np.array([window.high[0], steps]))
    for t in range(min(steps, len(x))):
        with np.errstate(over="ignore", invalid="ignore"):
            way = -rates[t] * slopes[t]
            to = x[t] + way
        if not np.isfinite(to):
            continue
        text = f"−{number(rates[t])} · {_signed(slopes[t])} = {number(way)}"
        axes.text(1.01, t, text, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
        tail = np.array([x[t], float(t)])
        if strip.holds(tail[None])[0]:
            axes.plot(*tail, "o", color=VERMILLION, markersize=4, linestyle="none")
            draw_arrow(axes, tail, strip.cut(tail, np.array([to, float(t)])), VERMILLION, strip)
        if t + 1 < len(x) and np.isfinite(x[t + 1]) and abs(x[t + 1] - to) > 1e-6 * max(abs(to), abs(way)):
            heading = "the step −γ f′ along the axis;  | is where the walk went"
            axes.plot([x[t + 1]], [t], "|", color=INK, markersize=9, markeredgewidth=1.8, linestyle="none")
    axes.set_title(heading, fontsize=9, fontweight="normal", pad=3)


def _signed(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def _bare(axes: Axes) -> None:
    axes.set_yticks([])
    axes.grid(False)


# ---- parts of the contour


def _draw_walk(axes: Axes, path: Points, window: Window, i: int) -> None:
    """The i-th walk: its line, marks, arrowheads, start and last point."""
    mine = look(i)
    line = trail(path, window)
    shown = np.flatnonzero(window.holds(path))
    if not shown.size:
        return
    long = len(shown) > 60
    for width, color, dashes in ((3.4 if not long else 2.4, "white", "-"), (1.5, mine["color"], mine["linestyle"])):
        axes.plot(*line.T, color=color, linewidth=width if not long else 0.7 * width, linestyle=dashes, zorder=3,
                  alpha=0.75 if color == "white" else 1)  # fmt: skip
    marked = kept(len(path), 40)
    marked = marked[np.isin(marked, shown)]
    axes.plot(*path[marked].T, marker=mine["marker"], color=mine["color"], markersize=3.2 if not long else 2.2,
              linestyle="none", zorder=4)  # fmt: skip
    for tail, tip in _heads(line, window, 6 if not long else 4):
        draw_arrow(axes, tail, tip, mine["color"], window)
    axes.plot(*path[shown[-1:]].T, marker=mine["marker"], color=mine["color"], markersize=8, markeredgecolor="white",
              linestyle="none", zorder=7)  # fmt: skip
    if shown[0] == 0:
        axes.plot(*path[:1].T, zorder=6.5, **START)


def _heads(line: Points, window: Window, most: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tails and tips of short arrows along a line, evenly spaced by its length in the window."""
    if len(line) < 2:
        return []
    size = window.high - window.low
    ways = np.diff(line, axis=0)
    lengths = np.nan_to_num(np.hypot(*(ways / size).T))
    total = lengths.cumsum()
    count = min(most, int(total[-1] / 0.08)) if total[-1] >= 0.03 else 0
    count = max(count, int(total[-1] >= 0.03))
    found = []
    for at in (np.arange(count) + 0.6) / max(count, 1) * total[-1]:
        segment = int(np.searchsorted(total, at))
        share = 1 - (total[segment] - at) / lengths[segment]
        tip = line[segment] + share * ways[segment]
        found.append((tip - 0.012 * ways[segment] / lengths[segment], tip))
    return found


def _label_ends(axes: Axes, ends: Sequence[tuple[str, np.ndarray, str]], lines: Points, window: Window) -> None:
    """Names beside the last points, on the side where the fewest lines are; those that end together are stacked."""
    size = window.high - window.low
    groups: list[list[tuple[str, np.ndarray, str]]] = []
    for end in ends:
        for group in groups:
            if np.all(np.abs((group[0][1] - end[1]) / size) < (0.2, 0.06 * len(ends))):
                group.append(end)
                break
        else:
            groups.append([end])
    shares = np.linspace(0, 1, 8)[:, None, None]
    crowd = ((1 - shares) * lines[:-1] + shares * lines[1:]).reshape(-1, 2)
    for group in groups:
        place = (group[0][1] - window.low) / size
        away = (crowd - group[0][1]) / size
        costs = {}
        for side, up in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            box = np.array([0.2 * side, (0.03 + 0.045 * len(group)) * up])
            within = np.all((away * np.sign(box) > 0.005) & (np.abs(away) < np.abs(box)), axis=1)
            spills = np.sum((place + box < 0) | (place + box > 1))
            costs[side, up] = int(within.sum()) + 10_000 * int(spills)
        side, up = min(costs, key=lambda corner: costs[corner])
        at = group[0][1]
        for j, (name, _, color) in enumerate(group):
            row = j if up < 0 else j - len(group) + 1
            axes.annotate(shown_name(name), (at[0], at[1]), (side * 11, 9 * up - 13 * row), textcoords="offset points",
                          color=color, ha="left" if side > 0 else "right", va="center", zorder=8, bbox=PAPER,
                          fontsize=8.5)  # fmt: skip
