"""Figures of a comparison from plain arrays: differences with their intervals, figures of each fold, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import plots
from thalweg.plots import BLUE, GREEN, GREY, INK, PALE, SKY, VERMILLION, literal, new_figure


if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Lines that are told apart without colour too.
LOOKS: tuple[dict[str, Any], ...] = (
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": VERMILLION, "marker": "s", "linestyle": (0, (5, 2))},
    {"color": GREEN, "marker": "^", "linestyle": (0, (1, 1.5))},
    {"color": INK, "marker": "D", "linestyle": (0, (6, 2, 1, 2))},
)


def forest(
    names: Sequence[str],
    means: Float[np.ndarray, " m"],
    lows: Float[np.ndarray, " m"],
    highs: Float[np.ndarray, " m"],
    *,
    margin: float = 0.0,
    measure: str = "loss of the network − that of the other",
) -> Figure:
    """Network − each contender with its interval: left of 0 the network is better; the band is no matter.

    >>> figure = forest(["tree"], np.array([-0.2]), np.array([-0.3]), np.array([-0.1]), margin=0.05)
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['tree']
    """
    with plots.style():
        figure, axes = new_figure(1.6 + 0.34 * max(len(names), 2), "The network beside each of the others")
        _rows(axes, names)
        if margin > 0.0:
            axes.axvspan(-margin, margin, color=PALE, zorder=0, label="no matter")
        axes.axvline(0, color=INK, linewidth=1.2, zorder=1)
        kinds = (
            ("the network is better", highs < 0.0, BLUE, "o", BLUE),
            ("the network is worse", lows > 0.0, VERMILLION, "s", VERMILLION),
            ("not to be told", (lows <= 0.0) & (highs >= 0.0), GREY, "D", "white"),
        )
        for label, here, color, marker, fill in kinds:
            if not here.any():
                continue
            whiskers = [means[here] - lows[here], highs[here] - means[here]]
            axes.errorbar(means[here], np.flatnonzero(here), xerr=whiskers, fmt=marker, color=color, markersize=7,
                          markerfacecolor=fill, capsize=4, linewidth=1.8, zorder=3, label=label)  # fmt: skip
        if not len(names):
            plots.note(axes, "nobody else")
        axes.set_xlabel(literal(measure, 90))
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center", ncols=4, fontsize=9)
        return figure


def by_fold(names: Sequence[str], values: Sequence[Float[np.ndarray, " folds"]], *, measure: str = "loss") -> Figure:
    """The figure of each contender on each fold, and their mean; nan where a fold has none.

    >>> figure = by_fold(["network", "tree"], [np.array([0.2, 0.4]), np.array([0.5, np.nan])])
    >>> figure.axes[0].get_xlabel()
    'loss'
    """
    with plots.style():
        figure, axes = new_figure(1.6 + 0.34 * max(len(names), 2), "Fold by fold")
        _rows(axes, names)
        for place, each in enumerate(values):
            known = each[np.isfinite(each)]
            if not len(known):
                continue
            axes.plot(known, np.full(len(known), place), "o", color=SKY, markeredgecolor=BLUE, markersize=6,
                      label="a fold" if place == 0 else None, linestyle="none")  # fmt: skip
            axes.plot([known.mean()], [place], "|", color=INK, markersize=17, markeredgewidth=2.4,
                      label="mean" if place == 0 else None, linestyle="none")  # fmt: skip
        axes.set_xlabel(literal(measure, 90))
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center", ncols=2, fontsize=9)
        return figure


def calibrations(
    answers: Mapping[str, tuple[Float[np.ndarray, "n ..."], Int[np.ndarray, " n"]]], bins: int = 10
) -> Figure:
    """How often what each contender gave a probability came true, and how often it gave it.

    Args:
        answers: name → probability and outcome, both as `plots.calibration` takes them.
    """

    several = any(np.ndim(probability) == 2 for probability, _ in answers.values())
    with plots.style():
        figure, (upper, lower) = new_figure(5.6, None, rows=2, heights=(3, 1), width=6.4)
        upper.set_title("Calibration, test rows of all folds")
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle="--", label="perfectly calibrated")
        for (name, (probability, outcome)), look in zip(answers.items(), LOOKS, strict=False):
            found = plots.calibration_bins(probability, outcome, bins)
            gap = f", mean gap {found.error:.1%}" if found.count.any() else ""
            upper.errorbar(found.given, found.came, found.whiskers, markersize=6, capsize=3, linewidth=1.4,
                           label=f"{literal(name, 30)}{gap}", **look)  # fmt: skip
            edges = np.linspace(0.0, 1.0, bins + 1)
            lower.stairs(found.count, edges, color=look["color"], linestyle=look["linestyle"], linewidth=1.6)
        upper.legend(loc="best")
        plots.shares(upper, lower, several)
        return figure


def learning_curves(
    rows: Int[np.ndarray, " sizes"], losses: Mapping[str, Float[np.ndarray, " sizes"]], *, measure: str = "loss"
) -> Figure:
    """The loss of each contender on the same test rows, by how many rows it learnt from.

    >>> figure = learning_curves(np.array([100, 200]), {"network": np.array([0.5, 0.4])})
    >>> figure.axes[0].lines[0].get_label()
    'network'
    """
    with plots.style():
        figure, axes = new_figure(4.0, "What more rows bring")
        for (name, values), look in zip(losses.items(), LOOKS, strict=False):
            axes.plot(rows, np.where(np.isfinite(values), values, np.nan), label=literal(name, 30), **look)
        axes.set_xscale("log")
        plots.log_ticks(axes.xaxis, float(rows.min()), float(rows.max()))
        axes.set(xlabel="training rows", ylabel=literal(measure, 60))
        axes.legend(loc="best")
        return figure


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """One row for each name, the first on top."""
    axes.set_yticks(range(len(names)), [literal(name, 34) for name in names])
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
