"""A pruned tree as a drawing: questions from left to right, the answer "yes" above, a row for each leaf."""

from __future__ import annotations

import bisect
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.plots import BLUE, GREEN, GREY, SHADES, SKY, VERMILLION, literal, new_figure, style
from thalweg.pruned_tree import PrunedTree
from thalweg.scores import percent
from thalweg.tree_rules import OR_MISSING, Feature, condition_at, hidden_leaves, mean


if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LEAVES = 16
MAX_DEPTH = 5
# Okabe & Ito's colours, whose names plots.py has in part; a class beyond them is grey, and named as all are.
_COLOURS = (BLUE, VERMILLION, GREEN, "#E69F00", "#CC79A7", SKY, "#F0E442")
# Inches: what a text may take, from one level to the next, from one leaf to the next.
FEWEST_SIGNS = 4  # of a name that is shortened
_TEXT, _LEVEL, _ROW = 1.42, 1.86, 0.52
_ELBOW = 0.32  # before a child: room for "yes" and "no"
_SIZE = 8.0  # points


def drawing(
    tree: PrunedTree,
    features: Sequence[Feature],
    classes: Sequence[object] = (),
    *,
    unit: str = "",
    max_leaves: int = MAX_LEAVES,
    max_depth: int = MAX_DEPTH,
) -> Figure:
    """The tree's questions, leaves with their answers and rows; lines are the wider the more rows take them.

    A leaf has the colour of its class, the paler the less sure, or is the darker the larger the mean. A dashed leaf
    stands for the leaves of a part that is left out: what pruning would take first, or what lies deeper.

    Args:
        features: what the columns of X are.
        classes: names of the classes; none for regression.
        unit: of the target, for regression.

    >>> from thalweg.pruned_tree import grow
    >>> from thalweg.raw_features import RawFeature
    >>> tree = grow(np.arange(40.0)[:, None], np.repeat([0, 1], 20), "classification", 2)
    >>> figure = drawing(tree, [RawFeature("age", "age")], ["young", "old"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['age ≤ 19.5', 'yes', 'young\\n95.5%, 20 rows', 'no', 'old\\n95.5%, 20 rows']
    """
    opened = tree.opened(max_leaves, max_depth)
    hidden = hidden_leaves(tree, opened)
    order, depth = _placed(tree, opened)
    shown = int(opened.sum()) + 1
    deepest = max(depth.values())
    with style(), warnings.catch_warnings():
        # As in plots.py: a script that Matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        title = "Decision tree" if shown == tree.leaves else f"Decision tree, {shown} of its {tree.leaves:,} leaves"
        width, height = 0.3 + deepest * _LEVEL + _TEXT, 0.3 + shown * _ROW
        figure, axes = new_figure(height + 0.45, title, width=max(width, 3.6))
        fits = _fitter()
        fill = _fills(tree, [node for node in depth if not opened[node]])
        for node, level in depth.items():
            x, y = level * _LEVEL, order[node]
            if opened[node]:
                text = _question(tree, node, features, fits)
                box: dict[str, Any] = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": GREY}
                for child in tree.children(node):
                    turn, end = x + _LEVEL - _ELBOW, x + _LEVEL
                    wide = 0.7 + 5.0 * float(tree.rows[child]) / float(tree.rows[0])
                    axes.plot([x, turn, turn, end], [y, y, order[child], order[child]], color="#B8B8B8",
                              linewidth=wide, zorder=1, solid_joinstyle="round")  # fmt: skip
            else:
                text = _answer(tree, node, classes, unit, int(hidden[node]), fits)
                colour, edge = fill(node)
                box = {"boxstyle": "square,pad=0.25", "facecolor": colour, "edgecolor": edge, "linewidth": 1.3,
                       "linestyle": (0, (3, 2)) if hidden[node] else "-"}  # fmt: skip
            if node:
                above = (x - _ELBOW + 0.02, y)
                axes.annotate(_side(tree, node), above, (0, 3), textcoords="offset points", fontsize=_SIZE - 1,
                              ha="left", va="bottom", zorder=3)  # fmt: skip
            axes.text(x, y, text, fontsize=_SIZE, ha="left", va="center", linespacing=1.15, zorder=2, bbox=box)
        axes.set(xlim=(-0.08, max(width, 3.6) - 0.22), ylim=(-0.5 - (shown - 1) * _ROW, 0.3))
        axes.axis("off")
        return figure


def _placed(tree: PrunedTree, opened: np.ndarray) -> tuple[dict[int, float], dict[int, int]]:
    """Height (inches, the first leaf's is 0) and depth of each node that is shown, parents first."""
    depth: dict[int, int] = {}
    order: dict[int, float] = {}
    coming, leaves = [(0, 0)], 0
    while coming:
        node, level = coming.pop()
        depth[node] = level
        if opened[node]:
            left, right = tree.children(node)
            coming += [(right, level + 1), (left, level + 1)]
        else:
            order[node] = -leaves * _ROW
            leaves += 1
    for node in reversed(depth):
        if opened[node]:
            left, right = tree.children(node)
            order[node] = (order[left] + order[right]) / 2
    return order, depth


def _side(tree: PrunedTree, node: int) -> str:
    return "yes" if node in tree.left else "no"


def _question(tree: PrunedTree, node: int, features: Sequence[Feature], fits: Callable[[str], bool]) -> str:
    """The condition in at most three lines; if need be the feature's name is shortened, not the threshold."""
    said, name = condition_at(tree, node, features, True), features[int(tree.feature[node])].name
    lines = _wrapped(said, fits)
    if len(lines) > 3 and len(name) > FEWEST_SIGNS:

        def shortened(keep: int) -> list[str]:
            return _wrapped(said.replace(name, f"{name[:keep].rstrip()}…", 1), fits)

        # Halved, as each attempt is drawn to be measured: of a name of 300 signs one after the other took seconds.
        kept = range(FEWEST_SIGNS, len(name))
        fitting = bisect.bisect_right(kept, 3, key=lambda keep: len(shortened(keep)))
        lines = shortened(kept[max(fitting - 1, 0)])
    if len(lines) > 3:  # the name is not in what is said, as in "job is clerk" of a feature "job = clerk"
        lines = [*lines[:2], _cut(f"{lines[2]}…", fits)]
    return "\n".join(lines)


def _answer(
    tree: PrunedTree, node: int, classes: Sequence[object], unit: str, leaves: int, fits: Callable[[str], bool]
) -> str:
    n = int(tree.rows[node])
    rows = f"{n:,} row{'s' * (n != 1)}"
    if tree.task == "regression":
        lines = [mean(tree, node, unit), rows]
    else:
        p = tree.answers[node]
        lines = [str(classes[int(p.argmax())]), f"{percent(float(p.max()))}, {rows}"]
    lines[0] = _cut(literal(lines[0], 60), fits)
    return "\n".join([*lines, *([f"… {leaves:,} leaves"] if leaves else [])])


def _wrapped(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Lines that fit, broken at spaces where possible."""
    words = literal(text.removesuffix(OR_MISSING), 200).split(" ") + ["or missing"] * text.endswith(OR_MISSING)
    lines: list[str] = []
    for word in words:
        if lines and fits(f"{lines[-1]} {word}"):
            lines[-1] += f" {word}"
            continue
        rest = word
        while not fits(rest):
            part = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or fits(rest[:n]))
            lines.append(rest[:part])
            rest = rest[part:]
        lines.append(rest)
    return lines


def _cut(text: str, fits: Callable[[str], bool]) -> str:
    """Shortened in the middle: names that begin alike often end differently."""
    kept, n = text, len(text)
    while not fits(kept) and n > 2:
        n -= 1
        kept = f"{text[: n - n // 3].rstrip()}…{text[len(text) - n // 3 :].lstrip()}"
    return kept


def _fitter() -> Callable[[str], bool]:
    """Whether a text is narrow enough, by the font's own measures of its characters."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font, measure = FontProperties(size=_SIZE), TextToPath()
    widths: dict[str, float] = {}

    def width(character: str) -> float:
        if character not in widths:
            widths[character] = measure.get_text_width_height_descent(character, font, ismath=False)[0]
        return widths[character]

    return lambda text: sum(map(width, text)) <= _TEXT * 72


def _fills(tree: PrunedTree, leaves: Sequence[int]) -> Callable[[int], tuple[Any, Any]]:
    """The colours of a leaf: inside, where ink must be readable, and its edge."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    if tree.task == "regression":
        shades = LinearSegmentedColormap.from_list("shades", SHADES[:3])
        means = tree.value[leaves, 0]
        low, span = means.min(), np.ptp(means) or 1.0
        return lambda node: (shades(float((tree.value[node, 0] - low) / span)), SHADES[4])
    answers = tree.answers

    def fill(node: int) -> tuple[Any, Any]:
        likely = int(answers[node].argmax())
        colour = _COLOURS[likely] if likely < len(_COLOURS) else GREY
        chance = 1 / answers.shape[1]
        sure = (float(answers[node, likely]) - chance) / (1 - chance) if chance < 1 else 1.0
        strength = 0.08 + 0.37 * sure
        return tuple(1 - strength * (1 - part) for part in to_rgb(colour)), colour

    return fill
