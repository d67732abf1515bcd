"""What pictures of walks are drawn with: looks, windows, trails, arrows, lines over the steps, legends and notes.

Still and moving pictures share it. Walks are told apart by dashes and marks as well as colour. Values that are not
finite, or beyond 10¹⁰⁰, are left out and counted in a note under the picture; so are the points outside its window.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from thalweg.plots import BLUE, GREEN, INK, VERMILLION, literal, log_ticks, note


if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Points = Float[np.ndarray, "k 2"]

HUGE = 1e100  # a walk beyond it has diverged, and Matplotlib's own arithmetic would overflow
MARKED = 400  # points of one walk that are drawn at most: an SVG of 10,000 steps stays small

_COLORS = [INK, VERMILLION, BLUE, GREEN, "#AA4499"]
_DASHES = ["-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2))]
_MARKS = ["o", "s", "^", "D", "v", "P", "X"]
START: dict[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": "white", "markeredgecolor": INK,
                          "markeredgewidth": 1.8, "linestyle": "none"}  # fmt: skip
STAR: dict[str, Any] = {"marker": "*", "markersize": 16, "markerfacecolor": "#F0E442", "markeredgecolor": INK,
                         "markeredgewidth": 1.0, "linestyle": "none"}  # fmt: skip
PAPER: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.2}


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


def sane(values: Any) -> np.ndarray:
    """As float64, what is not finite or huge as nan."""
    values = np.asarray(values, float)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) < HUGE, values, np.nan)


def padded(low: float, high: float, share: float) -> tuple[float, float]:
    """A range with room on both sides, never so narrow that ticks could not be told apart."""
    least = max(1e-9 * max(abs(low), abs(high)), 1e-90)
    if high - low < least:
        half = max(0.5 * least, 0.5 * max(abs(low), abs(high)), 1e-3)
        return float(low - half), float(high + half)
    return float(low - share * (high - low)), float(high + share * (high - low))


def look(i: int) -> dict[str, Any]:
    """Colour, dashes and mark of the i-th walk: neighbours differ in all three."""
    return {
        "color": _COLORS[i % len(_COLORS)],
        "linestyle": _DASHES[i % len(_DASHES)],
        "marker": _MARKS[i % len(_MARKS)],
    }


def number(value: float, digits: int = 4) -> str:
    """A number in a picture, with a real minus sign."""
    return f"{value + 0.0:.{digits}g}".replace("-", "−")  # + 0.0 makes −0 a plain 0


def shown_name(name: str) -> str:
    """The name of a walk; a leading underscore would keep it out of Matplotlib's legend."""
    text = literal(name, 24)
    return "\N{ZERO WIDTH SPACE}" + text if text.startswith("_") else text


def of_walk(name: str) -> str:
    """Whose points a note tells of; nothing where the only walk has no name."""
    return f" of {shown_name(name)}" if name else ""


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


def draw_arrow(axes: Axes, tail: np.ndarray, tip: np.ndarray, color: str, window: Window) -> None:
    """An arrow from point to point, unless it is too short to be seen."""
    from matplotlib.patches import FancyArrowPatch

    if np.abs((tip - tail) / (window.high - window.low)).max() > 0.006:  # else nothing but a blot
        arrow = FancyArrowPatch((tail[0], tail[1]), (tip[0], tip[1]), arrowstyle="-|>", mutation_scale=11, color=color,
                                linewidth=1.2, shrinkA=0, shrinkB=0, zorder=4.5)  # fmt: skip
        axes.add_patch(arrow)


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
        low, high = padded(low, high, 0.05)
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
        axes.plot(x[keep], shown[keep], label=shown_name(name), **mine, markersize=4.5, linewidth=width,
                  markevery=(offset, every))  # fmt: skip
        zero = np.flatnonzero(y <= 1 / HUGE) if logarithmic else np.zeros(0, int)
        above = np.flatnonzero(y > high)
        if zero.size:
            axes.plot(x[zero[:1]], [0.03], "v", color=mine["color"], markerfacecolor="white", markersize=7, zorder=5,
                      transform=axes.get_xaxis_transform())  # fmt: skip
            sentences.append(f"{what}{of_walk(name)} is 0 or less at {zero.size:,} of {y.size:,} points, first at ▽.")
        if above.size:
            axes.plot(x[above[:1]], [0.97], "^", color=mine["color"], markerfacecolor="white", markersize=7, zorder=5,
                      transform=axes.get_xaxis_transform())  # fmt: skip
            sentences.append(f"{what}{of_walk(name)} leaves the top at △.")
    return sentences


def _envelope(y: np.ndarray, most: int) -> np.ndarray:
    """Indices of at most about `most` points that keep every peak and hollow of a long line."""
    if len(y) <= most:
        return np.arange(len(y))
    parts = np.array_split(np.arange(len(y)), most // 2)
    picked = {0, len(y) - 1} | {int(part[pick(y[part])]) for part in parts for pick in (np.argmin, np.argmax)}
    return np.array(sorted(picked))


def line_handles(panels: Iterable[Axes]) -> list[Any]:
    """The lines for the legend of several panels, each name once."""
    pairs = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    return [*{name: handle for pair in pairs for handle, name in pair}.values()]


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


def left_out(paths: Mapping[str, Points], window: Window | None) -> list[str]:
    """How many points of each walk are not in the picture."""
    sentences = []
    for name, path in paths.items():
        finite = np.isfinite(path).all(axis=1)
        outside = 0 if window is None else int(np.sum(finite & ~window.holds(path)))
        for count, what in ((outside, "outside the window"), (int(np.sum(~finite)), "not finite or beyond 1e100")):
            if count:
                sentences.append(f"{count:,} of {len(path):,} points{of_walk(name)} are {what}.")
    return sentences
