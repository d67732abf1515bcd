"""Figures of walks downhill, from plain arrays: on a curve, on a contour, on a surface, against steps, over the rates.

A walk of k − 1 steps has k points x₀ … x₍k₋₁₎. Values that are not finite, or beyond 10¹⁰⁰, are left out and counted in
a note under the picture; so are the points outside its window. Walks are told apart by dashes and marks as well as
colour, directions by arrowheads, regimes by letter and hatch.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from thalweg.errors import InputError
from thalweg.plots import BLUE, GREEN, GREY, INK, SHADES, SKY, VERMILLION, literal, log_ticks, new_figure, note
from thalweg.plots import style as our_style


if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Points = Float[np.ndarray, "k 2"]

HUGE = 1e100  # a walk beyond it has diverged, and Matplotlib's own arithmetic would overflow
NUMBERED = 6  # points that carry their number
TANGENTS = 3
ROWS = 5  # steps shown as arrows under the curve
MARKED = 400  # points of one walk that are drawn at most: an SVG of 10,000 steps stays small

_COLORS = [INK, VERMILLION, BLUE, GREEN, "#AA4499"]
_DASHES = ["-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2))]
_MARKS = ["o", "s", "^", "D", "v", "P", "X"]
START: dict[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": "white", "markeredgecolor": INK,
                          "markeredgewidth": 1.8, "linestyle": "none"}  # fmt: skip
STAR: dict[str, Any] = {"marker": "*", "markersize": 16, "markerfacecolor": "#F0E442", "markeredgecolor": INK,
                         "markeredgewidth": 1.0, "linestyle": "none"}  # fmt: skip
PAPER: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.2}
# Letter, hatch and shade; the darker, the less one wants it.
REGIMES = {
    "creeping": ("C", "..", "#FFFFFF"),
    "monotone": ("M", "", "#E3EFF8"),
    "oscillating": ("O", "//", "#B9D3E8"),
    "diverging": ("D", "xx", "#8E9DAA"),
}


class Window(NamedTuple):
    """The rectangle of data coordinates that a picture shows, from `low` to `high`."""

    low: Float[np.ndarray, " 2"]
    high: Float[np.ndarray, " 2"]

    def holds(self, points: Points) -> np.ndarray:
        """Which points lie inside, as booleans."""
        with np.errstate(invalid="ignore"):
            return np.all((points >= self.low) & (points <= self.high), axis=1)

    def cut(self, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """Where the way from a point inside to one outside meets the edge."""
        way = outside - inside
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            shares = np.where(way > 0, (self.high - inside) / way, np.where(way < 0, (self.low - inside) / way, np.inf))
        return inside + min(1.0, float(shares.min())) * way


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
            _arrow(upper, walk[t], window.cut(walk[t], walk[t + 1]), VERMILLION, window)
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
            draw_walk(axes, path, window, i)
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
    heights = {name: _sane(values.get(name, ())) for name in paths}
    for name, path in paths.items():
        if len(heights[name]) != len(path):
            raise InputError(f"path {name!r} has {len(path)} points but {len(heights[name])} values: give one for each")
    with our_style():
        figure, axes = new_figure(5.8, literal(title, 80) or None, projection="3d", width=7.2)
        axes.set(xlabel=literal(names[0], 40), ylabel=literal(names[1], 40), zlabel="f")
        window = _contour_window(grid_x, grid_y, Z, paths, minima)
        if window is None:
            axes.text2D(0.5, 0.5, "no finite values", ha="center", transform=axes.transAxes, color=GREY)
            return figure
        grid_x, grid_y, Z = _within(grid_x, grid_y, Z, window)
        base, floor, top, powers = _range(Z)
        if powers:
            axes.set_zlabel("f − lowest, powers of ten" if base else "f, powers of ten")
            axes.zaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.zaxis.set_major_formatter(FuncFormatter(lambda p, _: f"{10.0**p:g}"))

        def height(f: np.ndarray) -> np.ndarray:
            f = np.clip(f, base, top)
            return np.log10(np.maximum(f - base, floor)) if powers else f

        axes.computed_zorder = False  # else the surface would hide half of what lies on it
        mesh = np.meshgrid(grid_x, grid_y)
        axes.plot_surface(*mesh, height(Z), cmap=_depths(), alpha=0.6, rcount=44, ccount=44, linewidth=0.2,
                          edgecolor="#5B6F80", zorder=1)  # fmt: skip
        for i, (name, path) in enumerate(paths.items()):
            shown = np.flatnonzero(window.holds(path) & np.isfinite(heights[name]) & (heights[name] <= top))
            shown = shown[kept(len(shown), MARKED)]
            if not shown.size:
                continue
            x, y, z = *path[shown].T, height(heights[name][shown])
            every = max(1, len(shown) // 20)
            axes.plot(
                x, y, z, **look(i), markersize=4, linewidth=1.6, markevery=every, zorder=4 + i, label=_named(name)
            )
            axes.plot(x[:1], y[:1], z[:1], zorder=20, label="start" if i == 0 else None, **START)
            axes.plot(x[-1:], y[-1:], z[-1:], zorder=21 + i, marker=look(i)["marker"], color=look(i)["color"],
                      markersize=8, markeredgecolor="white", linestyle="none",
                      label="last point shown" if len(paths) == 1 else None)  # fmt: skip
        stars = _stars(minima, window)
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

    walks = {name: [_sane(part) for part in parts] for name, parts in series.items()}
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
        key_below(figure, _handles(panels), [*sentences, *left_out(both, None)])
        return figure


def regime_strip(
    rates: Float[np.ndarray, " r"],
    values: Float[np.ndarray, " r"],
    regimes: Sequence[str],
    *,
    start_value: float,
    one_over_L: float | None = None,
    two_over_L: float | None = None,
    best: float | None = None,
) -> Figure:
    """The final value against the learning rate, the regimes as bands: creeping, monotone, oscillating, diverging.

    `rates`, `values` and `regimes` (r,) go together; rates that are not positive are left out. Values off the top are
    triangles at the edge. `one_over_L`, `two_over_L` and the `best` rate become vertical lines.

    >>> rates = np.array([0.01, 0.1, 0.3, 0.6, 1.2])
    >>> regimes = ["creeping", "monotone", "monotone", "oscillating", "diverging"]
    >>> figure = regime_strip(rates, (1 - 2 * rates) ** 20, regimes, start_value=1.0, two_over_L=1.0)
    >>> figure.axes[0].get_xscale()
    'log'
    """
    from matplotlib.patches import Patch

    rates, values = _sane(rates), _sane(values)
    if not len(rates) == len(values) == len(regimes):
        raise InputError(f"{len(rates)} rates, {len(values)} values and {len(regimes)} regimes: give one for each")
    with np.errstate(invalid="ignore"):
        order = np.flatnonzero(rates > 1 / HUGE)
    order = order[np.argsort(rates[order], kind="stable")]
    rates, values = rates[order], values[order]
    told: list[str] = [regimes[int(i)] for i in order]
    with our_style():
        figure, axes = new_figure(4.6, None)
        axes.set_title("Learning rate and what it does", pad=24)
        axes.set(xlabel="learning rate γ", ylabel="f after the last step")
        if not len(rates):
            note(axes, "no positive rates")
            return figure
        edges = _log_edges(rates)
        axes.set_xscale("log")
        axes.set_xlim(edges[0], edges[-1])
        log_ticks(axes.xaxis, edges[0], edges[-1])
        axes.grid(False)
        low, high, logarithmic = _value_range(values, start_value)
        if logarithmic:
            axes.set_yscale("log")
            log_ticks(axes.yaxis, low, high)
        axes.set_ylim(low, high)
        wide = np.log(edges[-1] / edges[0])
        for begin, end in _runs(told):
            letter, hatch, shade = regime_look(told[begin])
            left, right = edges[begin], edges[end]
            axes.axvspan(left, right, facecolor=shade, edgecolor=GREY, hatch=hatch, linewidth=0.6, zorder=0)
            share = np.log(right / left) / wide
            text = literal(told[begin], 20) if share > 0.016 * len(told[begin]) + 0.01 else letter
            if share > 0.02:
                axes.text(np.sqrt(left * right), 1.03, text, ha="center", va="bottom", fontsize=9,
                          transform=axes.get_xaxis_transform())  # fmt: skip
        with np.errstate(invalid="ignore"):
            beyond, below = ~(values <= high), values < low
        size = 3.5 if len(rates) <= 60 else 0
        axes.plot(rates, np.where(beyond | below, np.nan, values), color=INK, marker="o", markersize=size,
                  markerfacecolor="white", zorder=4, label="f after the last step")  # fmt: skip
        for where, y, mark, label in ((beyond, 0.965, "^", "higher, or not finite"), (below, 0.035, "v", "lower")):
            if where.any():
                axes.plot(rates[where], np.full(where.sum(), y), mark, color=INK, markersize=6, linestyle="none",
                          transform=axes.get_xaxis_transform(), markerfacecolor="white", zorder=4,
                          label=label)  # fmt: skip
        if low <= start_value <= high:
            axes.axhline(
                start_value, color=INK, linewidth=1.2, linestyle=(0, (1, 1.5)), zorder=3, label="f at the start"
            )
        for rate, dashes, text in ((one_over_L, (0, (4, 2)), "1/L"), (two_over_L, (0, (7, 2, 1, 2)), "2/L")):
            if rate is not None and edges[0] <= rate <= edges[-1]:
                label = f"{text} = {number(rate)}"
                axes.axvline(rate, color=VERMILLION, linewidth=1.8, linestyle=dashes, zorder=3, label=label)
                axes.text(rate, 0.5, text, ha="right", va="center", fontsize=9, zorder=5, bbox=PAPER,
                          transform=axes.get_xaxis_transform())  # fmt: skip
        if best is not None and edges[0] <= best <= edges[-1]:
            at = int(np.abs(np.log(rates / best)).argmin())
            axes.plot([best], [np.clip(np.nan_to_num(values[at], nan=high), low, high)], zorder=6, clip_on=False,
                      label=f"best: γ = {number(best)}", **STAR)  # fmt: skip
        bands = [
            Patch(facecolor=shade, edgecolor=GREY, hatch=hatch, label=f"{letter}  {literal(regime, 20)}")
            for regime in dict.fromkeys(told)
            for letter, hatch, shade in [regime_look(regime)]
        ]
        key_below(figure, [*axes.get_legend_handles_labels()[0], *bands])
        return figure


def regime_map(
    rates: Float[np.ndarray, " r"],
    momenta: Float[np.ndarray, " m"],
    regimes: np.ndarray,
    *,
    digits_per_step: Float[np.ndarray, "m r"] | None = None,
    steps_needed: Float[np.ndarray, "m r"] | None = None,
    bound: Float[np.ndarray, " m"] | None = None,
) -> Figure:
    """Which learning rate and momentum do what: regimes by letter, hatch and shade; the fastest cell starred.

    `regimes` (m, r) are words. The speed is digits won per step or steps needed (m, r), one of them or neither;
    it is written into the cells where there is room. `bound` (m,) is the theoretical limit of γ for each momentum.

    Raises:
        InputError: both speeds, or arrays that do not go together.

    >>> rates, momenta = np.array([0.1, 0.3, 0.9]), np.array([0.0, 0.5])
    >>> regimes = np.array([["monotone", "monotone", "diverging"], ["monotone", "oscillating", "oscillating"]])
    >>> figure = regime_map(rates, momenta, regimes, digits_per_step=np.array([[0.1, 0.3, -1], [0.2, 0.4, 0.1]]))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['M  monotone', 'D  diverging', 'O  oscillating', 'fastest: γ = 0.3, β = 0.5']
    """
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Patch, Rectangle

    rates, momenta, regimes = _sane(rates), _sane(momenta), np.asarray(regimes, dtype=object)
    if digits_per_step is not None and steps_needed is not None:
        raise InputError("digits_per_step and steps_needed say the same: give one of them")
    speed = digits_per_step if steps_needed is None else steps_needed
    speed = None if speed is None else _sane(speed)
    shape = (len(momenta), len(rates))
    for word, given in (("regimes", regimes), ("the speeds", speed)):
        if given is not None and given.shape != shape:
            raise InputError(
                f"{word} have the shape {given.shape}; {shape[0]} momenta by {shape[1]} rates need {shape}"
            )
    with np.errstate(invalid="ignore"):
        columns = np.flatnonzero(rates > 1 / HUGE)
    columns = columns[np.argsort(rates[columns], kind="stable")]
    rows = np.flatnonzero(np.isfinite(momenta))
    rows = rows[np.argsort(momenta[rows], kind="stable")]
    rates, momenta, regimes = rates[columns], momenta[rows], regimes[np.ix_(rows, columns)]
    speed = None if speed is None else speed[np.ix_(rows, columns)]
    with our_style():
        figure, axes = new_figure(5.0, "Learning rate and momentum")
        axes.set(xlabel="learning rate γ", ylabel="momentum β")
        axes.grid(False)
        if not regimes.size:
            note(axes, "no positive rates")
            return figure
        x, y = _log_edges(rates), _edges(momenta)
        axes.set_xscale("log")
        axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
        log_ticks(axes.xaxis, x[0], x[-1])
        for row in range(len(momenta)):
            for begin, end in _runs(regimes[row]):
                _, hatch, shade = regime_look(regimes[row, begin])
                axes.add_patch(Rectangle((x[begin], y[row]), x[end] - x[begin], y[row + 1] - y[row], facecolor=shade,
                                         edgecolor="#5B6F80", hatch=hatch, linewidth=0, zorder=1))  # fmt: skip
        i, j = np.nonzero(regimes[:, 1:] != regimes[:, :-1])
        borders = [[(x[b + 1], y[a]), (x[b + 1], y[a + 1])] for a, b in zip(i, j, strict=True)]
        i, j = np.nonzero(regimes[1:] != regimes[:-1])
        borders += [[(x[b], y[a + 1]), (x[b + 1], y[a + 1])] for a, b in zip(i, j, strict=True)]
        axes.add_collection(LineCollection(borders, colors=INK, linewidths=1.2, zorder=2), autolim=False)
        centre_x, centre_y = np.sqrt(x[1:] * x[:-1]), (y[1:] + y[:-1]) / 2
        roomy = len(rates) <= 12 and len(momenta) <= 10
        told = list(dict.fromkeys(regimes.ravel()))
        places = [(a, b) for a, b in np.ndindex(*regimes.shape)] if roomy else [_heart(regimes == r) for r in told]
        for a, b in places:
            letter = regime_look(regimes[a, b])[0]
            text = letter if not roomy or speed is None else f"{letter}\n{_short(speed[a, b])}"
            axes.text(centre_x[b], centre_y[a], text, ha="center", va="center", fontsize=8 if roomy else 12, bbox=PAPER,
                      zorder=4, linespacing=1.1)  # fmt: skip
        handles: list[Any] = [
            Patch(facecolor=shade, edgecolor="#5B6F80", hatch=hatch, label=f"{letter}  {literal(regime, 20)}")
            for regime in told
            for letter, hatch, shade in [regime_look(regime)]
        ]
        if bound is not None:
            limit = _sane(bound)[rows]
            handles += axes.plot(limit, momenta, color=VERMILLION, linestyle=(0, (6, 2)), linewidth=2.2, zorder=3,
                                 label="bound γ(β)")  # fmt: skip
        sentences = []
        if speed is not None:
            usable = np.where(regimes == "diverging", np.nan, speed)
            if np.isfinite(usable).any():
                a, b = np.unravel_index(np.nanargmin(usable if steps_needed is not None else -usable), usable.shape)
                label = f"fastest: γ = {number(rates[b])}, β = {number(momenta[a])}"
                corner = (x[b] ** 0.2 * x[b + 1] ** 0.8, y[a + 1] - 0.25 * (y[a + 1] - y[a]))
                spot = corner if roomy else (centre_x[b], centre_y[a])
                handles += axes.plot(*spot, zorder=5, label=label, **STAR)
            word = "digits won per step." if steps_needed is None else "steps needed."
            if roomy:
                sentences.append(f"Numbers: {word}")
            elif min(usable.shape) > 1 and np.nanmax(usable, initial=-np.inf) > np.nanmin(usable, initial=np.inf):
                levels = np.unique(np.nanquantile(usable, [0.2, 0.4, 0.6, 0.8, 0.9, 0.97]))
                lines = axes.contour(centre_x, centre_y, np.ma.masked_invalid(usable), levels=levels, colors=INK,
                                     linewidths=0.8, linestyles=":", zorder=2)  # fmt: skip
                axes.clabel(lines, fmt=_short, fontsize=7.5)
                sentences.append(f"Dotted lines: {word}")
        key_below(figure, handles, sentences)
        return figure


def cost(
    series: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    decayed: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None,
    *,
    measure: str = "mean loss per row",
) -> Figure:
    """What an update after all, one or some examples costs: the loss against examples seen and against seconds.

    `series` gives each mode of update (batch, incremental, stochastic, mini-batch) its examples seen, seconds and
    losses, all (k,), with a constant learning rate; `decayed` the same with a falling one, in a second row.

    >>> seen = np.array([0, 100, 200])
    >>> figure = cost({"batch": (seen, seen * 1e-3, np.array([1.0, 0.8, 0.7]))})
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['examples seen', 'seconds']
    """
    from matplotlib.ticker import EngFormatter, MaxNLocator

    groups = [("constant rate", series)] + ([] if decayed is None else [("decaying rate", decayed)])
    names = list(dict.fromkeys(name for _, group in groups for name in group))
    with our_style():
        figure, panels = new_figure(0.8 + 2.7 * len(groups), None, rows=len(groups), columns=2)
        panels = np.reshape(panels, (len(groups), 2))
        sentences, positive = [], []
        for row, (heading, group) in zip(panels, groups, strict=True):
            for axes, part, label in zip(row, (0, 1), ("examples seen", "seconds"), strict=True):
                lines = {name: (_sane(group[name][part]), _sane(group[name][2])) for name in names if name in group}
                said = draw_lines(axes, lines, always_log=True, what=heading, order=names)
                sentences += said if part == 0 else []
                axes.set_xlabel(label)
                axes.xaxis.set_major_locator(MaxNLocator(4))
                axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
                if axes.get_yscale() == "log":
                    positive.append(axes)
            row[0].set(title=heading, ylabel=literal(measure, 30))
        if positive:  # one scale for all, or the panels could not be compared
            low, high = (pick(axes.get_ylim()[i] for axes in positive) for i, pick in ((0, min), (1, max)))
            for axes in positive:
                axes.set_ylim(low, high)
                log_ticks(axes.yaxis, low, high)
        key_below(figure, _handles(panels.flat), sentences)
        return figure


# ---- what the pictures, and those that move, are made of


def look(i: int) -> dict[str, Any]:
    """Colour, dashes and mark of the i-th walk: neighbours differ in all three."""
    return {
        "color": _COLORS[i % len(_COLORS)],
        "linestyle": _DASHES[i % len(_DASHES)],
        "marker": _MARKS[i % len(_MARKS)],
    }


def regime_look(regime: str) -> tuple[str, str, str]:
    """Letter, hatch and shade of a regime; one that is not ours gets its initial."""
    return REGIMES.get(regime, (literal(regime[:1].upper(), 1) or "?", "++", "#F3F3F3"))


def number(value: float, digits: int = 4) -> str:
    """A number in a picture, with a real minus sign."""
    return f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0 makes −0 a plain 0


def kept(n: int, most: int) -> np.ndarray:
    """At most `most` of the indices 0 … n − 1: the first half of them all, then ever sparser ones, always the last.

    >>> kept(1000, 10).tolist()
    [0, 1, 2, 3, 4, 13, 40, 119, 345, 999]
    """
    if n <= most:
        return np.arange(n)
    half = most // 2
    return np.unique(np.concatenate([np.arange(half), np.geomspace(half, n, most - half + 1)[1:].astype(int) - 1]))


def trail(points: Points, window: Window) -> Points:
    """The walk's line as far as it is seen: thinned, cut at the edge of the window, gaps as nan."""
    points = points[kept(len(points), MARKED)]
    inside = window.holds(points)
    gap = np.full(2, np.nan)
    line = []
    for t, point in enumerate(points):
        if inside[t]:
            if t and not inside[t - 1] and np.isfinite(points[t - 1]).all():
                line.append(window.cut(point, points[t - 1]))
            line.append(point)
        elif t and inside[t - 1]:
            line += [window.cut(points[t - 1], point), gap] if np.isfinite(point).all() else [gap]
    return np.array(line).reshape(-1, 2)


def key_below(figure: Figure, handles: Sequence[Any], sentences: Sequence[str] = ()) -> None:
    """The legend under the picture and, over it, the sentences: the layout would put both in the same place."""
    from matplotlib.font_manager import FontProperties

    if handles:
        key = figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9, handlelength=3.0)
        key.set_title(_filled(figure, sentences), prop=FontProperties(size=9))
        key.set_alignment("left")
        figure.set_figheight(figure.get_figheight() + 0.17 * len(sentences))
    else:
        say(figure, sentences)


def key_beside(axes: Axes) -> None:
    """The legend to the right of axes, where there is anything to put into it."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=9, borderaxespad=0, labelspacing=0.9)


def say(figure: Figure, sentences: Sequence[str]) -> None:
    """Sentences under a picture that has no legend there."""
    if sentences:
        figure.supxlabel(_filled(figure, sentences), x=0.02, ha="left", fontsize=9)


def _filled(figure: Figure, sentences: Sequence[str]) -> str:
    return textwrap.fill(" ".join(sentences), int(figure.get_figwidth() * 14))


def curve_arrays(grid_x: Any, grid_y: Any, path_x: Any, path_y: Any, slopes: Any, rates: Any) -> tuple[Any, ...]:
    """What `curve` was given, as arrays that go together: the grid in order, the walk (k, 2), a rate for each point."""
    grid_x, grid_y, path_x, path_y, slopes = (_sane(part) for part in (grid_x, grid_y, path_x, path_y, slopes))
    if grid_x.shape != grid_y.shape or not path_x.shape == path_y.shape == slopes.shape:
        message = f"grid_x {grid_x.shape} must go with grid_y {grid_y.shape}, and path_x {path_x.shape} with path_y "
        raise InputError(f"{message}{path_y.shape} and slopes {slopes.shape}")
    rates = _sane(rates)
    k = len(path_x)
    if rates.ndim and len(rates) not in (k - 1, k):
        raise InputError(f"{k} points make {k - 1} steps, but {len(rates)} rates were given")
    rates = np.full(k, float(rates)) if rates.ndim == 0 else np.append(rates, np.full(k - len(rates), np.nan))
    order = np.argsort(grid_x, kind="stable")
    order = order[np.isfinite(grid_x[order])]
    return grid_x[order], grid_y[order], np.column_stack([path_x, path_y]), slopes, rates


def contour_arrays(grid_x: Any, grid_y: Any, Z: Any, paths: Mapping[str, Any]) -> tuple[Any, ...]:
    """What `contour` was given, as arrays that go together."""
    grid_x, grid_y, Z = _sane(grid_x), _sane(grid_y), _sane(Z)
    if Z.shape != (len(grid_y), len(grid_x)):
        raise InputError(f"Z has the shape {Z.shape}; the grid needs (grid_y, grid_x): {(len(grid_y), len(grid_x))}")
    checked = {name: _sane(path) for name, path in paths.items()}
    for name, path in checked.items():
        if path.ndim != 2 or path.shape[1] != 2:
            raise InputError(f"path {name!r} has the shape {path.shape}; a walk over two coordinates has (k, 2)")
    columns, rows = (g[np.isfinite(grid[g])] for grid, g in ((grid_x, grid_x.argsort()), (grid_y, grid_y.argsort())))
    return grid_x[columns], grid_y[rows], Z[np.ix_(rows, columns)], checked


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
    stars = _sane(minima).reshape(-1)
    low, high = _stretch(grid_x, [walk[:, 0]], stars)
    low, high = _padded(low, high, 0.0)
    with np.errstate(invalid="ignore"):
        here = (grid_x >= low) & (grid_x <= high)
        near = walk[(walk[:, 0] >= low) & (walk[:, 0] <= high), 1]
        stars = stars[(stars >= low) & (stars <= high)]
    heights = grid_y[here & seen]
    stars_y = np.interp(stars, grid_x[seen], grid_y[seen])
    # A pole may not press the rest of the curve flat: what is twice as far off as the walk and half the curve is cut.
    middle = np.concatenate([near[np.isfinite(near)], stars_y, np.quantile(heights, [0.25, 0.75])])
    span = np.ptp(middle)
    bottom = max(heights.min(), middle.min() - 2 * span)
    top = min(heights.max(), middle.max() + 2 * span)
    bottom, top = _padded(min(bottom, middle.min()), max(top, middle.max()), 0.07)
    window = Window(np.array([low, bottom]), np.array([high, top]))
    with np.errstate(invalid="ignore"):
        line = np.where(np.abs(grid_y - (bottom + top) / 2) <= 2 * (top - bottom), grid_y, np.nan)
    axes.plot(grid_x[here], line[here], color=BLUE, linewidth=2.0, zorder=2)
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

    window = _contour_window(grid_x, grid_y, Z, paths, minima)
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
    grid_x, grid_y, Z = _within(grid_x, grid_y, Z, window)
    base, floor, top, powers = _range(Z)
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
            colors = _depths()(np.linspace(0, 1, len(levels) - 1))
            axes.contourf(grid_x, grid_y, masked, levels=levels, colors=colors, zorder=0)
            lines = axes.contour(
                grid_x, grid_y, masked, levels=levels[1:-1], colors="#5B6F80", linewidths=0.6, zorder=1
            )
            axes.clabel(lines, lines.levels[1::3], fmt=lambda level: number(level, 3), fontsize=7.5, colors=INK)
    else:
        axes.text(0.5, 0.96, "f is constant here", ha="center", va="top", transform=axes.transAxes, color=INK)
    stars = _stars(minima, window)
    if len(stars):
        axes.plot(*stars.T, zorder=6, label="minimum", **STAR)
    return figure, axes, window


def draw_walk(axes: Axes, path: Points, window: Window, i: int) -> None:
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
        _arrow(axes, tail, tip, mine["color"], window)
    axes.plot(*path[shown[-1:]].T, marker=mine["marker"], color=mine["color"], markersize=8, markeredgecolor="white",
              linestyle="none", zorder=7)  # fmt: skip
    if shown[0] == 0:
        axes.plot(*path[:1].T, zorder=6.5, **START)


def contour_key(figure: Figure, axes: Axes, paths: Mapping[str, Points], sentences: Sequence[str]) -> None:
    """The legend of a contour: each walk by dashes and mark with its number of steps, then start and minimum.

    Beside the picture where that is about square, else below.
    """
    from matplotlib.lines import Line2D

    handles = []
    for i, (name, path) in enumerate(paths.items()):
        steps = max(len(path) - 1, 0)
        label = f"{_named(name)}: {steps:,} step{'s' * (steps != 1)}"
        handles.append(Line2D([], [], **look(i), markersize=5, linewidth=1.5, label=label))
    handles.append(Line2D([], [], label="start", **START))
    handles += axes.get_legend_handles_labels()[0]
    x, y = axes.get_xlim(), axes.get_ylim()
    if axes.get_aspect() == 1 and y[1] - y[0] > 0.75 * (x[1] - x[0]):
        figure.legend(handles=handles, loc="outside right upper", fontsize=9, handlelength=3.0)
        say(figure, sentences)
    else:
        key_below(figure, handles, sentences)


def draw_lines(
    axes: Axes,
    lines: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    always_log: bool,
    what: str,
    order: Sequence[str] | None = None,
) -> list[str]:
    """Several lines over steps, logarithmic where all is positive (or must be); sentences on what could not be shown.

    A zero on a logarithmic axis becomes a triangle at the bottom; what rises to a thousand times the highest start
    leaves the top.
    """
    pairs = {name: (x[ok], y[ok]) for name, (x, y) in lines.items() for ok in [np.isfinite(x) & np.isfinite(y)]}
    everything = np.concatenate([np.zeros(0), *(y for _, y in pairs.values())])
    if not everything.size:
        note(axes, "no finite values")
        return []
    positive = everything[everything > 1 / HUGE]
    logarithmic = positive.size and (always_log or (positive.size == everything.size and np.ptp(np.log(positive)) > 3))
    sentences = []
    starts = np.array([y[0] for _, y in pairs.values() if y.size])
    low, high = everything.min(), everything.max()
    if logarithmic:
        axes.set_yscale("log")
        low, high = positive.min(), max(min(high, 1e3 * starts.max(initial=0.0)), positive.min())
        low, high = low / 1.5 if low > 0.5 * high else low * (low / high) ** 0.05, high * 1.5
        log_ticks(axes.yaxis, low, high)
    else:
        high = min(high, starts.max() + 3 * (starts.max() - low) + 1e3 * np.ptp(starts)) if starts.max() > low else high
        low, high = _padded(low, high, 0.05)
    axes.set_ylim(low, high)
    order = list(pairs) if order is None else list(order)
    for name, (x, y) in pairs.items():
        mine = look(order.index(name))
        keep = _envelope(y, 600)
        shown = np.where(y > 1 / HUGE, y, np.nan) if logarithmic else y
        shown = np.where(shown <= high * 1e3 if logarithmic else shown == shown, shown, np.nan)
        every = max(1, len(keep) // 8)
        offset = min(order.index(name) * every // max(len(order), 1), max(len(keep) - 1, 0))
        width = 1.5 if len(keep) < 200 else 1.1
        axes.plot(x[keep], shown[keep], label=_named(name), **mine, markersize=4.5, linewidth=width,
                  markevery=(offset, every))  # fmt: skip
        zero = np.flatnonzero(y <= 1 / HUGE) if logarithmic else np.zeros(0, int)
        above = np.flatnonzero(y > high)
        if zero.size:
            axes.plot(x[zero[:1]], [0.03], "v", color=mine["color"], markerfacecolor="white", markersize=7, zorder=5,
                      transform=axes.get_xaxis_transform())  # fmt: skip
            sentences.append(f"{what}{_of(name)} is 0 or less at {zero.size:,} of {y.size:,} points, first at ▽.")
        if above.size:
            axes.plot(x[above[:1]], [0.97], "^", color=mine["color"], markerfacecolor="white", markersize=7, zorder=5,
                      transform=axes.get_xaxis_transform())  # fmt: skip
            sentences.append(f"{what}{_of(name)} leaves the top at △.")
    return sentences


def left_out(paths: Mapping[str, Points], window: Window | None) -> list[str]:
    """How many points of each walk are not in the picture."""
    sentences = []
    for name, path in paths.items():
        finite = np.isfinite(path).all(axis=1)
        outside = 0 if window is None else int(np.sum(finite & ~window.holds(path)))
        for count, what in ((outside, "outside the window"), (int(np.sum(~finite)), "not finite or beyond 1e100")):
            if count:
                sentences.append(f"{count:,} of {len(path):,} points{_of(name)} are {what}.")
    return sentences


# ---- small parts


def _sane(values: Any) -> np.ndarray:
    """As float64, what is not finite or huge as nan."""
    values = np.asarray(values, float)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < HUGE, values, np.nan)


def _padded(low: float, high: float, share: float) -> tuple[float, float]:
    """A range with room on both sides, never so narrow that ticks could not be told apart."""
    least = max(1e-9 * max(abs(low), abs(high)), 1e-90)
    if high - low < least:
        half = max(0.5 * least, 0.5 * max(abs(low), abs(high)), 1e-3)
        return float(low - half), float(high + half)
    return float(low - share * (high - low)), float(high + share * (high - low))


def _stretch(grid: np.ndarray, walks: Sequence[np.ndarray], minima: np.ndarray) -> tuple[float, float]:
    """From where to where the grid is shown: all of it, unless a walk that ran away made it so wide.

    Then as much as holds the starts, the first steps, the minima and twice the distance around them.
    """
    low, high = float(grid[0]), float(grid[-1])
    with np.errstate(invalid="ignore"):
        near = np.concatenate([minima, *(walk[:2] for walk in walks)])
        near = near[(near >= low) & (near <= high)]
        far = np.concatenate([near, *walks])
        far = far[(far >= low) & (far <= high)]
    if not near.size or np.ptp(near) == 0 or np.ptp(far) < 0.25 * (high - low):
        return low, high
    begin, end = near.min() - 2 * np.ptp(near), near.max() + 2 * np.ptp(near)
    if end - begin > 0.1 * (high - low):
        return low, high
    # Fewer than 40 points of the grid would not be a curve.
    centre = int(np.searchsorted(grid, (begin + end) / 2))
    few = grid[[max(centre - 20, 0), min(centre + 20, len(grid) - 1)]]
    return float(max(low, min(begin, few[0]))), float(min(high, max(end, few[1])))


def _contour_window(
    grid_x: np.ndarray, grid_y: np.ndarray, Z: np.ndarray, paths: Mapping[str, Points], minima: Any
) -> Window | None:
    if min(Z.shape) < 2 or not np.isfinite(Z).any() or grid_x[0] == grid_x[-1] or grid_y[0] == grid_y[-1]:
        return None
    stars = _sane(minima).reshape(-1, 2)
    ends = [
        _padded(*_stretch(grid, [path[:, axis] for path in paths.values()], stars[:, axis]), 0.0)
        for axis, grid in enumerate((grid_x, grid_y))
    ]
    return Window(*np.array(ends).T)


def _within(grid_x: np.ndarray, grid_y: np.ndarray, Z: np.ndarray, window: Window) -> tuple[np.ndarray, ...]:
    """The part of the grid that the window shows, one line more on each side."""
    parts = []
    for axis, grid in enumerate((grid_x, grid_y)):
        begin = max(int(np.searchsorted(grid, window.low[axis], "right")) - 1, 0)
        parts.append(slice(begin, int(np.searchsorted(grid, window.high[axis])) + 1))
    return grid_x[parts[0]], grid_y[parts[1]], Z[parts[1], parts[0]]


def _range(Z: np.ndarray) -> tuple[float, float, float, bool]:
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


def _depths() -> Any:
    """Deep is blue, high is white, pale enough for a walk to stand out."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("depths", ["#7FB2DA", SHADES[1], "#FFFFFF"])


def _stars(minima: Any, window: Window) -> Points:
    stars = _sane(minima).reshape(-1, 2)
    return stars[window.holds(stars)]


def _arrow(axes: Axes, tail: np.ndarray, tip: np.ndarray, color: str, window: Window) -> None:
    from matplotlib.patches import FancyArrowPatch

    if np.abs((tip - tail) / (window.high - window.low)).max() > 0.006:  # else nothing but a blot
        arrow = FancyArrowPatch((tail[0], tail[1]), (tip[0], tip[1]), arrowstyle="-|>", mutation_scale=11, color=color,
                                linewidth=1.2, shrinkA=0, shrinkB=0, zorder=4.5)  # fmt: skip
        axes.add_patch(arrow)


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
            _arrow(axes, tail, strip.cut(tail, np.array([to, float(t)])), VERMILLION, strip)
        if t + 1 < len(x) and np.isfinite(x[t + 1]) and abs(x[t + 1] - to) > 1e-6 * max(abs(to), abs(way)):
            heading = "the step −γ f′ along the axis;  | is where the walk went"
            axes.plot([x[t + 1]], [t], "|", color=INK, markersize=9, markeredgewidth=1.8, linestyle="none")
    axes.set_title(heading, fontsize=9, fontweight="normal", pad=3)


def _signed(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def _bare(axes: Axes) -> None:
    axes.set_yticks([])
    axes.grid(False)


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
            axes.annotate(_named(name), (at[0], at[1]), (side * 11, 9 * up - 13 * row), textcoords="offset points",
                          color=color, ha="left" if side > 0 else "right", va="center", zorder=8, bbox=PAPER,
                          fontsize=8.5)  # fmt: skip


def _of(name: str) -> str:
    return f" of {_named(name)}" if name else ""


def _named(name: str) -> str:
    """The name of a walk; a leading underscore would keep it out of Matplotlib's legend."""
    text = literal(name, 24)
    return "\N{ZERO WIDTH SPACE}" + text if text.startswith("_") else text


def _handles(panels: Iterable[Axes]) -> list[Any]:
    """The lines for the legend of several panels, each name once."""
    pairs = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    return [*{name: handle for pair in pairs for handle, name in pair}.values()]


def _envelope(y: np.ndarray, most: int) -> np.ndarray:
    """Indices of at most about `most` points that keep every peak and hollow of a long line."""
    if len(y) <= most:
        return np.arange(len(y))
    parts = np.array_split(np.arange(len(y)), most // 2)
    picked = {0, len(y) - 1} | {int(part[pick(y[part])]) for part in parts for pick in (np.argmin, np.argmax)}
    return np.array(sorted(picked))


def _runs(words: Sequence[str] | np.ndarray) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each stretch of equal words."""
    borders = [i for i in range(1, len(words)) if words[i] != words[i - 1]]
    return list(zip([0, *borders], [*borders, len(words)], strict=True))


def _edges(centres: np.ndarray) -> np.ndarray:
    """The borders half-way between centres, and as far beyond the first and last."""
    between = (centres[1:] + centres[:-1]) / 2
    first, last = (2 * centres[0] - between[0], 2 * centres[-1] - between[-1]) if len(between) else centres[[0, 0]]
    return np.concatenate([[_padded(first, last, 0.0)[0]], between, [_padded(first, last, 0.0)[1]]])


def _log_edges(centres: np.ndarray) -> np.ndarray:
    return np.exp(_edges(np.log(centres)))


def _value_range(values: np.ndarray, start: float) -> tuple[float, float, bool]:
    """From where to where final values are shown, and whether by powers of ten."""
    with np.errstate(invalid="ignore"):
        good = values[values <= start]
    good = np.append(good, start) if np.isfinite(start) else values[np.isfinite(values)]
    if not good.size:
        return 0.0, 1.0, False
    low, high = float(good.min()), float(good.max())
    if low > 1 / HUGE and high > 20 * low:
        low = max(low, 1e-16 * high)
        return low / (high / low) ** 0.08, high * (high / low) ** 0.25, True
    low, high = _padded(low, high, 0.08)
    return low, high + 0.25 * (high - low), False


def _short(value: float) -> str:
    """A speed in a cell: two digits, or whole steps; nothing where there is none."""
    return "" if not np.isfinite(value) else f"{value:,.0f}" if 10 <= value < 1e5 else number(value, 2)


def _heart(inside: np.ndarray) -> tuple[int, int]:
    """The cell of a region that is farthest from its border."""
    left = inside
    while left.any():
        inside = left
        wide = np.pad(left, 1)
        left = left & wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    cells = np.argwhere(inside)
    middle = cells[np.abs(cells - cells.mean(axis=0)).sum(axis=1).argmin()]
    return int(middle[0]), int(middle[1])
