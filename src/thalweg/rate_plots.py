"""Figures on the learning rate, from plain arrays: what each rate does, with momentum too, and what an update costs.

Regimes are told apart by letter and hatch as well as shade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import InputError
from thalweg.plots import GREY, INK, VERMILLION, literal, log_ticks, new_figure, note
from thalweg.plots import style as our_style
from thalweg.walk_drawing import (
    HUGE,
    PAPER,
    STAR,
    draw_lines,
    key_below,
    line_handles,
    number,
    padded,
    sane,
)


if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.figure import Figure

# Letter, hatch and shade; the darker, the less one wants it.
REGIMES = {
    "creeping": ("C", "..", "#FFFFFF"),
    "monotone": ("M", "", "#E3EFF8"),
    "oscillating": ("O", "//", "#B9D3E8"),
    "diverging": ("D", "xx", "#8E9DAA"),
}


def regime_strip(
    rates: Float[np.ndarray, " r"],
    values: Float[np.ndarray, " r"],
    regimes: Sequence[str],
    *,
    start_value: float,
    one_over_L: float | None = None,
    two_over_L: float | None = None,
    best: float | None = None,
    value_name: str = "f after the last step",
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

    rates, values = sane(rates), sane(values)
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
        axes.set(xlabel="learning rate γ", ylabel=value_name)
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
                  markerfacecolor="white", zorder=4, label=value_name)  # fmt: skip
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

    rates, momenta, regimes = sane(rates), sane(momenta), np.asarray(regimes, dtype=object)
    if digits_per_step is not None and steps_needed is not None:
        raise InputError("digits_per_step and steps_needed say the same: give one of them")
    speed = digits_per_step if steps_needed is None else steps_needed
    speed = None if speed is None else sane(speed)
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
            limit = sane(bound)[rows]
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
    headings: tuple[str, str] = ("constant rate", "decaying rate"),
) -> Figure:
    """What an update after all, one or some examples costs: the loss against examples seen and against seconds.

    `series` gives each mode of update (batch, incremental, stochastic, mini-batch) its examples seen, seconds and
    losses, all (k,), with a constant learning rate; `decayed` the same with a falling one, in a second row. The rows
    have `headings`.

    >>> seen = np.array([0, 100, 200])
    >>> figure = cost({"batch": (seen, seen * 1e-3, np.array([1.0, 0.8, 0.7]))})
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['examples seen', 'seconds']
    """
    from matplotlib.ticker import EngFormatter, MaxNLocator

    given = [series] if decayed is None else [series, decayed]
    groups = [(literal(heading, 40), group) for heading, group in zip(headings, given, strict=False)]
    names = list(dict.fromkeys(name for _, group in groups for name in group))
    with our_style():
        figure, panels = new_figure(0.8 + 2.7 * len(groups), None, rows=len(groups), columns=2)
        panels = np.reshape(panels, (len(groups), 2))
        sentences, positive = [], []
        for row, (heading, group) in zip(panels, groups, strict=True):
            for axes, part, label in zip(row, (0, 1), ("examples seen", "seconds"), strict=True):
                lines = {name: (sane(group[name][part]), sane(group[name][2])) for name in names if name in group}
                said = draw_lines(axes, lines, always_log=True, what=heading, order=names)
                sentences += said if part == 0 else []
                axes.set_xlabel(label)
                axes.xaxis.set_major_locator(MaxNLocator(4))
                if part == 0:  # 200 k; but 40 m would not be taken for milliseconds
                    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
                if axes.get_yscale() == "log":
                    positive.append(axes)
            row[0].set(title=heading, ylabel=literal(measure, 30))
        if positive:  # one scale for all, or the panels could not be compared
            low, high = (pick(axes.get_ylim()[i] for axes in positive) for i, pick in ((0, min), (1, max)))
            for axes in positive:
                axes.set_ylim(low, high)
                log_ticks(axes.yaxis, low, high)
        key_below(figure, line_handles(panels.flat), sentences)
        return figure


def regime_look(regime: str) -> tuple[str, str, str]:
    """Letter, hatch and shade of a regime; one that is not ours gets its initial."""
    return REGIMES.get(regime, (literal(regime[:1].upper(), 1) or "?", "++", "#F3F3F3"))


def _runs(words: Sequence[str] | np.ndarray) -> list[tuple[int, int]]:
    """Begin and end (exclusive) of each stretch of equal words."""
    borders = [i for i in range(1, len(words)) if words[i] != words[i - 1]]
    return list(zip([0, *borders], [*borders, len(words)], strict=True))


def _edges(centres: np.ndarray) -> np.ndarray:
    """The borders half-way between centres, and as far beyond the first and last."""
    between = (centres[1:] + centres[:-1]) / 2
    first, last = (2 * centres[0] - between[0], 2 * centres[-1] - between[-1]) if len(between) else centres[[0, 0]]
    return np.concatenate([[padded(first, last, 0.0)[0]], between, [padded(first, last, 0.0)[1]]])


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
    low, high = padded(low, high, 0.08)
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
