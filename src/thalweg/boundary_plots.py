"""The figure of a decision boundary: network and pruned tree side by side on the two most important columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness
from thalweg.boundaries import Axis, Boundary
from thalweg.cells import Kind
from thalweg.explaining import word
from thalweg.judgement import called
from thalweg.plots import BLUE, GREEN, GREY, INK, SHADES, SKY, VERMILLION, literal, new_figure, style
from thalweg.scores import number


if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of the most frequent classes (Okabe & Ito 2008), each with a mark of its own; the rest share the last of each.
COLORS = (BLUE, VERMILLION, GREEN, "#E69F00", "#CC79A7", SKY, GREY)
MARKS = ("o", "^", "s", "D", "v", "P", "x")
PALER = 0.35  # how much of its colour an area has beside its points
JITTER = 0.3  # of the room of a value, so that points of categories do not hide each other
LONGEST = 16  # letters of a label


def boundary(found: Boundary) -> Figure:
    """What each answers on the grid as an area, and test rows as points: colour and mark are their class or number."""
    names = list(found.answers)
    with style():
        figure, panels = new_figure(4.6, None, columns=len(names), width=8.0 if len(names) > 1 else 4.8)
        draw = _numbers if not found.classes else _two_classes if len(found.classes) == 2 else _several_classes
        loss = "log-loss" if found.classes else "squared error / variance"
        for axes, name in zip(np.atleast_1d(panels), names, strict=True):
            title = called(name)
            axes.set_title(f"{title[0].upper()}{title[1:]}\n{loss} {number(found.losses[name], 3)}", fontsize=11)
            axes.grid(False)
            axes.set(xlabel=literal(found.x.column, 40), ylabel=literal(found.y.column, 40))
            _ticks(axes, "x", found.x)
            _ticks(axes, "y", found.y)
        draw(figure, list(np.atleast_1d(panels)), found)
        for axes in np.atleast_1d(panels)[1:]:
            axes.tick_params(labelleft=False)
            axes.set_ylabel("")
        for axes in np.atleast_1d(panels):
            axes.set(xlim=_ends(found.x), ylim=_ends(found.y))
        return figure


def _two_classes(figure: Figure, panels: list[Axes], found: Boundary) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import PercentFormatter

    shades = LinearSegmentedColormap.from_list("classes", [_pale(BLUE, 0.75), "#FFFFFF", _pale(VERMILLION, 0.75)])
    images = []
    for axes, answers in zip(panels, found.answers.values(), strict=True):
        images.append(_area(axes, found, answers, cmap=shades, vmin=0.0, vmax=1.0))
        if not (found.x.labels or found.y.labels) and answers.min() < 0.5 < answers.max():
            axes.contour(found.x.places, found.y.places, answers, levels=[0.5], colors=[INK], linewidths=1.4)
        for place, label in enumerate(found.classes):
            _points(axes, found, found.outcomes == place, COLORS[place], MARKS[place], label)
    bar = figure.colorbar(images[0], ax=panels, shrink=0.8, format=PercentFormatter(1.0, decimals=0))
    bar.set_label(literal(f"probability of {word(found.classes[1])}", 40))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    _legend(figure, panels[0])


def _several_classes(figure: Figure, panels: list[Axes], found: Boundary) -> None:
    from matplotlib.colors import ListedColormap

    seen = np.bincount(found.outcomes.astype(int), minlength=len(found.classes))
    own = np.argsort(-seen, kind="stable")[: len(COLORS) if len(seen) <= len(COLORS) else len(COLORS) - 1]
    look = np.full(len(seen), len(COLORS) - 1)
    look[np.sort(own)] = np.arange(len(own))
    shades = ListedColormap([_pale(color, PALER) for color in COLORS])
    for axes, answers in zip(panels, found.answers.values(), strict=True):
        _area(axes, found, look[answers.astype(int)], cmap=shades, vmin=-0.5, vmax=len(COLORS) - 0.5)
        for place in np.sort(own):
            style_of = look[place]
            here = found.outcomes == place
            _points(axes, found, here, COLORS[style_of], MARKS[style_of], found.classes[place])
        if len(own) < len(seen):
            others = ~np.isin(found.outcomes, own)
            _points(axes, found, others, COLORS[-1], MARKS[-1], f"{len(seen) - len(own)} other classes")
    _legend(figure, panels[0])


def _numbers(figure: Figure, panels: list[Axes], found: Boundary) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("shades", SHADES)
    every = np.concatenate([found.outcomes, *(answers.ravel() for answers in found.answers.values())])
    low, high = np.quantile(every, (0.01, 0.99))
    images = []
    for axes, answers in zip(panels, found.answers.values(), strict=True):
        images.append(_area(axes, found, answers, cmap=shades, vmin=low, vmax=high))
        x, y = _places(found)
        axes.scatter(x, y, c=found.outcomes, cmap=shades, vmin=low, vmax=high, s=20, edgecolors=INK, linewidths=0.7)
    bar = figure.colorbar(images[0], ax=panels, shrink=0.8)
    bar.set_label(literal(found.target, 40))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _area(axes: Axes, found: Boundary, answers: Float[np.ndarray, "h w"], **look: Any) -> Any:
    extent = (*_ends(found.x), *_ends(found.y))
    return axes.imshow(answers, extent=extent, origin="lower", aspect="auto", interpolation="nearest", **look)


def _points(axes: Axes, found: Boundary, here: np.ndarray, color: str, mark: str, label: object) -> None:
    x, y = _places(found)
    edge = {} if mark == "x" else {"markeredgecolor": "white", "markeredgewidth": 0.6}
    axes.plot(x[here], y[here], mark, color=color, markersize=5.5, linestyle="none",
              label=literal(word(label), LONGEST), **edge)  # fmt: skip


def _places(found: Boundary) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Where the points are drawn: those of categories a little beside their place."""
    moved = []
    for axis, places, step in ((found.x, found.at_x, 0), (found.y, found.at_y, 1)):
        beside = (randomness.uniform(0, "comparison", len(places), step=step) - 0.5) * 2.0 * JITTER
        moved.append(places + beside if axis.labels else places)
    return moved[0], moved[1]


def _ends(axis: Axis) -> tuple[float, float]:
    """Half a step beyond the first and the last place."""
    half = (axis.places[1] - axis.places[0]) / 2.0
    return float(axis.places[0] - half), float(axis.places[-1] + half)


def _ticks(axes: Axes, side: str, axis: Axis) -> None:
    """What stands along the axis of x or of y: values, dates, or few enough numbers not to run into each other."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    ticks = axes.xaxis if side == "x" else axes.yaxis
    if axis.labels:
        labels = [literal(label, LONGEST) for label in axis.labels]
        ticks.set_ticks(list(axis.places), labels, fontsize=9)
        ticks.set_tick_params(length=0)
        if side == "x" and sum(map(len, labels)) > 36:
            ticks.set_tick_params(rotation=90)
    elif axis.kind is Kind.DATE:
        locator = AutoDateLocator(maxticks=5)
        ticks.set_major_locator(locator)
        ticks.set_major_formatter(ConciseDateFormatter(locator))
    else:
        ticks.set_major_locator(MaxNLocator(4))


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4), fontsize=9)


def _pale(color: str, strength: float) -> str:
    """A colour mixed with white."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (1.0 - strength * (1.0 - part) for part in to_rgb(color))
    return to_hex((red, green, blue))
