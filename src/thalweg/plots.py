"""Figures from plain arrays: told apart without colour (lines, marks, numbers), colours that the colour-blind see too.

Every function returns a Matplotlib `Figure` made without pyplot and without touching anybody's settings; `svg` and
`save` write it. Names from a table are shown literally: no `$` starts mathematics, no control character breaks the SVG.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.outputs import form_of


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Num
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe & Ito, "Color universal design", 2008.
BLUE, VERMILLION, GREEN, SKY = "#0072B2", "#D55E00", "#009E73", "#56B4E9"
INK, GREY, PALE = "#222222", "#767676", "#E4E4E4"
# White to nearly black through blue: as ordered in grey as in colour.
SHADES = ["#FFFFFF", "#D6E8F5", "#8FC1E3", "#2F8BC9", "#0B5C94", "#052F4F"]
_STYLE = {
    "font.size": 10, "text.color": INK, "text.usetex": False, "svg.fonttype": "none", "svg.hashsalt": "thalweg",
    "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 10,
    "axes.labelcolor": INK, "axes.edgecolor": GREY, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.axisbelow": True, "axes.formatter.limits": (-4, 6), "axes.formatter.useoffset": False,
    "grid.color": PALE, "grid.linewidth": 0.8, "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "lines.linewidth": 1.8, "legend.frameon": False, "hatch.linewidth": 0.8,
}  # fmt: skip
FORMS = ("svg", "png", "pdf")
WIDTH = 8.0  # inches: 768 CSS pixels
_MANY = 3000  # points; above it a scatter would be a blot and its SVG megabytes


def loss_curves(
    epoch: Int[np.ndarray, " e"],
    loss: Float[np.ndarray, " e"],
    validation_loss: Float[np.ndarray, " e"] | None = None,
    best_epoch: int | None = None,
    *,
    measure: str = "mean loss per row",
) -> Figure:
    """Training and validation loss over the epochs, the best epoch marked; gaps where a loss is not finite.

    >>> figure = loss_curves(np.arange(1, 4), np.array([0.9, 0.5, 0.4]), np.array([0.8, 0.6, 0.7]), best_epoch=2)
    >>> [line.get_label() for line in figure.axes[0].lines[:2]]
    ['training', 'validation']
    """
    from matplotlib.ticker import MaxNLocator

    with style():
        figure, axes = new_figure(4.2, "Loss by epoch")
        dots = {"marker": "o", "markersize": 4} if len(epoch) <= 12 else {}
        series = [("training", np.asarray(loss, float), {"color": BLUE, "linestyle": "-"})]
        if validation_loss is not None and np.any(np.isfinite(validation_loss)):
            look = {"color": VERMILLION, "linestyle": (0, (5, 2)), "markerfacecolor": "white"}
            series.append(("validation", np.asarray(validation_loss, float), look))
        for label, values, look in series:
            axes.plot(epoch, np.where(np.isfinite(values), values, np.nan), label=label, **dots, **look)
        shown = np.concatenate([values for _, values, _ in series])
        shown = shown[np.isfinite(shown)]
        if shown.size == 0:
            note(axes, "no finite loss")
        elif shown.min() > 0 and shown.max() > 20 * shown.min():
            axes.set_yscale("log")
            log_ticks(axes.yaxis, shown.min(), shown.max())
        if best_epoch is not None and best_epoch in epoch:
            values = series[-1][1]
            best = values[np.flatnonzero(np.asarray(epoch) == best_epoch)[0]]
            axes.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":", zorder=1)
            text = f"best: epoch {best_epoch}" + (f", {best:.4g}" if np.isfinite(best) else "")
            axes.plot([best_epoch], [best], "*", color=INK, markersize=11, zorder=4, linestyle="none", label=text)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        axes.set(xlabel="epoch", ylabel=literal(measure, 60))
        if len(axes.lines) > 1:
            axes.legend(loc="best")
        return figure


def confusion_matrix(matrix: Int[np.ndarray, "k k"], classes: Sequence[object]) -> Figure:
    """Rows are the actual classes, columns the predicted ones; the shade is the share of the actual class."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm
    from matplotlib.ticker import PercentFormatter

    counts = np.asarray(matrix)
    size = len(counts)
    totals = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(totals, 1)
    longest = 18 if size <= 12 else 12
    with style():
        side = float(np.clip(1.2 + 0.62 * size, 3.4, 6.4))
        figure, axes = new_figure(side, "Confusion matrix, held-out rows", width=min(WIDTH, side + 1.6))
        shades = LinearSegmentedColormap.from_list("shades", SHADES)
        # Square-root shades: a confusion of 2 % must be seen.
        image = axes.imshow(share, cmap=shades, norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
        step = max(1, -(-size // 40))  # more than 40 labels would overlap
        labels = [literal(name, longest) for name in classes][::step]
        tilt = {"rotation": 90} if size > 5 and max(map(len, labels)) > 3 else {}
        axes.set_xticks(range(0, size, step), labels, fontsize=_fit(size), **tilt)
        axes.set_yticks(range(0, size, step), labels, fontsize=_fit(size))
        axes.set(xlabel="predicted class", ylabel="actual class")
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.set_xticks(np.arange(1, size) - 0.5, minor=True)
        axes.set_yticks(np.arange(1, size) - 0.5, minor=True)
        axes.grid(which="minor", color=PALE if size > 1 else "none", linewidth=1.2 if size <= 12 else 0.6)
        axes.tick_params(which="minor", length=0)
        if size <= 12:
            for i, j in np.ndindex(size, size):
                percent = f"\n{share[i, j]:.0%}" if size <= 6 and totals[i, 0] else ""
                axes.text(j, i, f"{counts[i, j]:,}{percent}", ha="center", va="center", fontsize=10 if size <= 6 else 8,
                          color="white" if share[i, j] > 0.3 else INK)  # fmt: skip
        else:
            bar = figure.colorbar(image, ax=axes, shrink=0.7, format=PercentFormatter(1.0, decimals=0))
            bar.set_label("share of the actual class")
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        return figure


def residuals(actual: Float[np.ndarray, " n"], predicted: Float[np.ndarray, " n"], *, target: str = "target") -> Figure:
    """Predicted against actual with the line of perfect prediction, and the residual actual − predicted."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    actual, predicted = np.asarray(actual, float), np.asarray(predicted, float)
    finite = np.isfinite(actual) & np.isfinite(predicted)
    actual, predicted = actual[finite], predicted[finite]
    with style():
        figure, (left, right) = new_figure(4.0, None, columns=2)
        name = literal(target, 30)
        left.set(title="Predicted and actual", xlabel=f"actual {name}", ylabel=f"predicted {name}")
        right.set(title="Residuals", xlabel=f"predicted {name}", ylabel="actual − predicted")
        clouds = []
        for axes, x, y in ((left, actual, predicted), (right, predicted, actual - predicted)):
            axes.xaxis.set_major_locator(MaxNLocator(4))  # six digits have room beside each other
            if x.size == 0:
                note(axes, "no finite values")
            elif x.size > _MANY:
                shades = LinearSegmentedColormap.from_list("shades", SHADES[1:])
                clouds.append(axes.hexbin(x, y, gridsize=36, mincnt=1, cmap=shades, linewidths=0.2))
            else:
                axes.plot(x, y, "o", color=BLUE, markersize=4, alpha=0.45, markeredgewidth=0, linestyle="none")
        if clouds:
            norm = LogNorm(1, max(2, *(float(cloud.get_array().max()) for cloud in clouds)))
            for cloud in clouds:
                cloud.set_norm(norm)
            bar = figure.colorbar(clouds[-1], ax=right, shrink=0.8, format=FuncFormatter(lambda v, _: f"{v:,.0f}"))
            bar.set_label("rows per cell")
            bar.minorticks_off()
            bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        if actual.size:
            low, high = min(actual.min(), predicted.min()), max(actual.max(), predicted.max())
            left.plot([low, high], [low, high], color=INK, linewidth=1.2, linestyle="--", label="perfect prediction")
            left.legend(loc="upper left")
        right.axhline(0, color=INK, linewidth=1.2, linestyle="--")
        return figure


@dataclass(frozen=True, eq=False)
class CalibrationBins:
    """Rows by the probability that they were given, in bins of equal width; all but `count` are of used bins only."""

    count: Int[np.ndarray, " bins"]  # rows
    given: Float[np.ndarray, " used"]  # mean probability
    came: Float[np.ndarray, " used"]  # share that came true
    whiskers: Float[np.ndarray, "2 used"]  # how far its 95% interval (Wilson) reaches below and above

    @property
    def error(self) -> float:
        """The mean gap between the two, weighted by rows (Guo et al. 2017, section 2)."""
        n = self.count[self.count > 0]
        return float(np.sum(n * np.abs(self.given - self.came)) / n.sum())


def calibration_bins(
    probability: Float[np.ndarray, "n ..."], outcome: Int[np.ndarray, " n"], bins: int = 10
) -> CalibrationBins:
    """How often what was given a probability came true; the arguments are those of `calibration`.

    >>> found = calibration_bins(np.array([0.72, 0.78, 0.1]), np.array([1, 0, 0]))
    >>> found.count[[1, 7]].tolist(), found.given.round(2).tolist(), found.came.tolist()
    ([1, 2], [0.1, 0.75], [0.0, 0.5])
    """
    probability, outcome = np.asarray(probability, float), np.asarray(outcome)
    if probability.ndim == 2:
        outcome = probability.argmax(axis=1) == outcome
        probability = probability.max(axis=1, initial=0.0)
    cell = np.minimum((np.clip(probability, 0, 1) * bins).astype(int), bins - 1)
    count = np.bincount(cell, minlength=bins)
    used = count > 0
    n = count[used]
    given = np.bincount(cell, probability, bins)[used] / n
    came = np.bincount(cell, outcome, bins)[used] / n
    z = 1.96
    middle = (came + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(came * (1 - came) / n + z**2 / (4 * n**2))
    whiskers = np.maximum([came - (middle - half), middle + half - came], 0)
    return CalibrationBins(count, given, came, whiskers)


def calibration(probability: Float[np.ndarray, "n ..."], outcome: Int[np.ndarray, " n"], bins: int = 10) -> Figure:
    """How often what was given a probability came true, with 95% intervals (Wilson), and how often it was given.

    `probability` (n,) is that of the positive class and `outcome` 0 or 1; with (n, k) it is the probability of each
    class, `outcome` the index of the actual one, and the figure is about the class held most probable.
    """
    several = np.ndim(probability) == 2
    found = calibration_bins(probability, outcome, bins)
    with style():
        figure, (upper, lower) = new_figure(5.6, None, rows=2, heights=(3, 1), width=6.4)
        upper.set_title("Calibration, held-out rows")
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle="--", label="perfectly calibrated")
        upper.errorbar(found.given, found.came, found.whiskers, color=BLUE, marker="o", markersize=6, capsize=3,
                       linewidth=1.4, label="measured, with 95% interval")  # fmt: skip
        if found.count.any():
            text = f"mean gap (ECE) {found.error:.1%}"
            upper.text(0.98, 0.04, text, ha="right", va="bottom", transform=upper.transAxes)
            upper.legend(loc="upper left")
        lower.bar(
            (np.arange(bins) + 0.5) / bins, found.count, width=0.9 / bins, color=SKY, edgecolor=BLUE, linewidth=0.8
        )
        lower.grid(axis="x", visible=False)
        shares(upper, lower, several)
        return figure


def shares(upper: Axes, lower: Axes, several: bool) -> None:
    """The axes of a calibration: what was said against how often it was so, and rows; `several` of k classes."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel=f"share that {'were right' if several else 'came true'}")
    lower.set(xlim=(-0.02, 1.02), ylabel="rows")
    lower.set_xlabel("probability of the predicted class" if several else "predicted probability")
    lower.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    upper.tick_params(labelbottom=False)
    for axis in (upper.yaxis, lower.xaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def importance(
    names: Sequence[str],
    means: Float[np.ndarray, " f"],
    deviations: Float[np.ndarray, " f"],
    *,
    measure: str = "rise of the held-out loss when the column is shuffled",
) -> Figure:
    """The 20 columns that matter most, longest bar on top, with the standard deviation over repeats."""
    means, deviations = np.nan_to_num(np.asarray(means, float)), np.nan_to_num(np.asarray(deviations, float))
    order = np.argsort(-means, kind="stable")[:20][::-1]
    with style():
        rest = f" (the largest 20 of {len(means)} columns)" if len(means) > 20 else ""
        figure, axes = new_figure(1.3 + 0.3 * max(len(order), 2), f"Permutation importance{rest}")
        rows = np.arange(len(order))
        for sign, color, hatch in ((1, BLUE, ""), (-1, VERMILLION, "////")):
            here = (means[order] >= 0) == (sign > 0)
            axes.barh(rows[here], means[order][here], height=0.66, color=color if sign > 0 else "white",
                      edgecolor=color, hatch=hatch, zorder=2)  # fmt: skip
        axes.errorbar(means[order], rows, xerr=deviations[order], fmt="none", ecolor=INK, elinewidth=1.1, capsize=2.5)
        axes.set_yticks(rows, [literal(names[i], 34) for i in order])
        axes.set_ylim(-0.6, max(len(order), 1) - 0.4)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(literal(measure, 90))
        if not len(order):
            note(axes, "no columns")
        return figure


def network(
    sizes: Sequence[int],
    activations: Sequence[str],
    output: str,
    feature_names: Sequence[str] | None = None,
    classes: Sequence[object] | None = None,
    weights: Sequence[Num[np.ndarray, "below above"]] | None = None,
) -> Figure:
    """The layers as circles and lines; wide layers and deep networks are abridged by dots.

    With weights, a line's width is |W| over the largest of its layer: solid blue if positive, dashed red if negative.

    Args:
        sizes: inputs, hidden units …, outputs; `activations`: one name for each hidden layer.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    last = len(sizes) - 1
    columns = _abridged(len(sizes), 9)
    shown = [_abridged(size, 10) for size in sizes]
    tall = max(len(units) for units in shown)
    heights = [
        {unit: (len(units) - 1) / 2 - at for at, unit in enumerate(units) if unit is not None} for units in shown
    ]
    with style():
        figure, axes = new_figure(float(np.clip(1.5 + 0.36 * tall, 2.6, 5.4)), "Network")
        for at, layer in enumerate(columns):
            if layer is None:
                axes.text(at, 0, "⋯", ha="center", va="center", fontsize=18, color=GREY)
                continue
            places = heights[layer]
            if None in shown[layer]:
                gap = (len(shown[layer]) - 1) / 2 - shown[layer].index(None)
                axes.text(at, gap, "⋮", ha="center", va="center", fontsize=15, color=GREY)
            fill = "white" if layer == 0 else SKY if layer < last else BLUE
            axes.plot([at] * len(places), [*places.values()], "o", color=fill, markersize=15 if tall <= 8 else 12,
                      markeredgecolor=INK, markeredgewidth=1.1, zorder=3, linestyle="none")  # fmt: skip
            kind = "input" if layer == 0 else "output" if layer == last else f"hidden {layer}"
            what = "features" if layer == 0 else output if layer == last else activations[layer - 1]
            caption = f"{kind}\n{sizes[layer]:,} {'' if layer == 0 else '· '}{literal(what, 14)}"
            axes.text(at, -tall / 2 - 0.15, caption, ha="center", va="top", fontsize=9, linespacing=1.4)
            if at == 0 or columns[at - 1] != layer - 1:
                continue
            below = heights[layer - 1]
            pairs = [(i, j) for i in below for j in places]
            lines = [[(at - 1, below[i]), (at, places[j])] for i, j in pairs]
            if weights is None:
                axes.add_collection(LineCollection(lines, colors="#B0B0B0", linewidths=0.7, zorder=1))
                continue
            matrix = np.nan_to_num(np.asarray(weights[layer - 1], float))
            largest = np.max(np.abs(matrix), initial=0.0) or 1.0
            strength = np.array([matrix[i, j] / largest for i, j in pairs])
            axes.add_collection(
                LineCollection(
                    lines, linewidths=0.25 + 2.75 * np.abs(strength), alpha=0.75, zorder=1,
                    colors=[VERMILLION if s < 0 else BLUE for s in strength],
                    linestyles=[(0, (3, 1.5)) if s < 0 else "-" for s in strength],
                )
            )  # fmt: skip
        for at, layer, names, side in ((0, 0, feature_names, -1), (len(columns) - 1, last, classes, 1)):
            for unit, y in heights[layer].items():
                if names is None:
                    break
                axes.annotate(literal(names[unit], 20), (at, y), (side * 11, 0), textcoords="offset points",
                              ha="right" if side < 0 else "left", va="center", fontsize=9)  # fmt: skip
        if weights is not None:
            key = [Line2D([], [], color=BLUE, label="positive weight"),
                   Line2D([], [], color=VERMILLION, linestyle=(0, (3, 1.5)), label="negative weight")]  # fmt: skip
            axes.legend(handles=key, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=9)
        axes.set(xlim=(-0.15, len(columns) - 0.85), ylim=(-tall / 2, tall / 2))
        axes.axis("off")
        return figure


def svg(figure: Figure) -> str:
    """The figure as one `<svg>` element to put into a page: text stays text, the same figure always the same."""
    text = _render(figure, "svg").decode("utf-8")
    return text[text.index("<svg") :]


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write the figure as the suffix says: .svg, .png (150 dots per inch) or .pdf.

    Raises:
        InputError: another suffix.
    """
    Path(path).write_bytes(_render(figure, form_of(path, FORMS, "a figure")))


def written(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """The figure itself, saved where a path is given."""
    if path is not None:
        save(figure, path)
    return figure


def _render(figure: Figure, form: str) -> bytes:
    dates = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None, "ModDate": None}, "png": {}}
    buffer = io.BytesIO()
    with style(), warnings.catch_warnings():
        # A name in a script that Matplotlib's own font lacks: in SVG the browser's fonts show it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        # A second layout of the same figure would move things a little: lay out once, then keep the places.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        figure.savefig(buffer, format=form, dpi=150, metadata=dates[form])
    return buffer.getvalue()


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Our looks, whatever the user's settings are, which come back afterwards."""
    from matplotlib.style import context

    with context(["default", _STYLE]):
        yield


def new_figure(
    height: float,
    title: str | None,
    *,
    width: float = WIDTH,
    rows: int = 1,
    columns: int = 1,
    heights: Sequence[float] | None = None,
    projection: str | None = None,
) -> tuple[Figure, Any]:
    """A figure that lays itself out, and its axes (an array of them for several rows or columns); within `style`."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    axes = figure.subplots(rows, columns, height_ratios=heights, subplot_kw={"projection": projection})
    if title:
        axes.set_title(title)
    return figure, axes


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Ticks of a logarithmic axis from `low` to `high`: plain numbers, few of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e4 * low else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def note(axes: Axes, text: str) -> None:
    """A word in the middle of axes that have nothing else to show."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)


def literal(name: object, longest: int) -> str:
    """A name as Matplotlib shows it literally: shortened, on one line, `$` escaped, nothing XML forbids."""
    text = "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in str(name))
    if len(text) > longest:
        text = text[: longest - 1].rstrip() + "…"
    return text.replace("$", r"\$")


def _fit(size: int) -> float:
    return 10 if size <= 12 else 9 if size <= 20 else 7.5


def _abridged(size: int, most: int) -> list[int | None]:
    """The indices to draw: all, or the first and last few with None between them.

    >>> _abridged(3, 5), _abridged(9, 5)
    ([0, 1, 2], [0, 1, None, 7, 8])
    """
    if size <= most:
        return list(range(size))
    half = (most - 1) // 2
    return [*range(most - 1 - half), None, *range(size - half, size)]
