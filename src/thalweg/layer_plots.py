"""Figures of what happens in each layer over the epochs, from plain arrays; layers differ by mark and dash too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.plots import BLUE, GREEN, GREY, INK, SKY, VERMILLION, literal, log_ticks, new_figure, note
from thalweg.plots import style as our_style


if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from matplotlib.figure import Figure

LOOKS: list[tuple[str, Any, str]] = [
    (BLUE, "-", "o"), (VERMILLION, (0, (5, 2)), "s"), (GREEN, (0, (1, 1.5)), "^"), (INK, (0, (7, 2, 1, 2)), "D"),
    (SKY, (0, (3, 1, 1, 1, 1, 1)), "v"),
]  # fmt: skip


def layer_signs(
    epoch: Int[np.ndarray, " e"],
    gradient: Float[np.ndarray, "e layers"],
    update: Float[np.ndarray, "e layers"],
    names: Sequence[str],
    healthy: float,
) -> Figure:
    """Size of the gradient and of a step beside the weights, by layer over the epochs, on logarithmic axes.

    Of more than five layers the first, the last and three between are shown. What is 0 or not finite is a gap.

    >>> figure = layer_signs(np.arange(3), np.ones((3, 2)), np.full((3, 2), 1e-3), ["layer 1", "layer 2"], 1e-3)
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['layer 1', 'layer 2']
    """
    from matplotlib.ticker import MaxNLocator

    shown = np.unique(np.linspace(0, len(names) - 1, min(len(names), len(LOOKS))).round().astype(int))
    panels = (("Gradient of a weight", "root mean square of ∂E/∂W", gradient),
              ("Change of a weight in a step", "part of its size", update))  # fmt: skip
    with our_style():
        figure, both = new_figure(6.4, None, rows=2)
        for axes, (title, what, values) in zip(both, panels, strict=True):
            values = np.asarray(values, float)
            values = np.where(np.isfinite(values) & (values > 0), values, np.nan)
            axes.set(title=title, ylabel=what)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
            for layer, (color, dash, mark) in zip(shown, LOOKS, strict=False):
                axes.plot(
                    epoch, values[:, layer], color=color, linestyle=dash, marker=mark, markersize=4,
                    markevery=max(1, len(epoch) // 12), markerfacecolor="white", label=literal(names[layer], 30),
                )  # fmt: skip
            known = values[:, shown][np.isfinite(values[:, shown])]
            if known.size == 0:
                note(axes, "no finite values")
                continue
            low, high = known.min(), known.max()
            if axes is both[1]:
                axes.axhline(healthy, color=GREY, linewidth=1.2, linestyle="--", label=f"healthy: about {healthy:g}")
                low, high = min(low, healthy), max(high, healthy)
            axes.set_yscale("log")
            axes.set_ylim(low / 2, high * 2)
            log_ticks(axes.yaxis, low / 2, high * 2)
            axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        both[-1].set_xlabel("epoch")
        return figure
