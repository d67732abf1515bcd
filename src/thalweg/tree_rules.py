"""A pruned tree in words: its questions indented, one sentence for each leaf, and the way of one row.

What a feature is called and how a condition about it reads, the feature says itself (raw_features.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from thalweg.pruned_tree import PrunedTree
from thalweg.pruning_sequence import levels
from thalweg.scores import number, percent


if TYPE_CHECKING:
    from jaxtyping import Bool, Float

MAX_LEAVES = 30
ARROW = "→"
OR_MISSING = " or missing"


class Feature(Protocol):
    """One column of the numbers that a tree asks about."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def says(self, threshold: float, at_most: bool) -> str:
        """The condition that the number is at most the threshold, or that it is above it."""
        ...


@dataclass
class _Bounds:
    """What is known of one feature on the way to a leaf; `missing`: whether a row that lacks it can be there."""

    missing: bool
    low: float = -math.inf
    high: float = math.inf

    def narrow(self, threshold: float, goes_left: bool, missing_too: bool) -> None:
        self.missing = self.missing and missing_too
        if goes_left:
            self.high = min(self.high, threshold)
        else:
            self.low = max(self.low, threshold)


def rules(
    tree: PrunedTree,
    features: Sequence[Feature],
    classes: Sequence[object] = (),
    *,
    unit: str = "",
    max_leaves: int = MAX_LEAVES,
) -> str:
    """The tree as indented questions, one line each, and the leaves' answers.

    Args:
        features: what the columns of X are.
        classes: names of the classes; none for regression.
        unit: of the target, for regression.
        max_leaves: of a larger tree only the splits are shown that pruning would take last.

    >>> from thalweg.pruned_tree import grow
    >>> from thalweg.raw_features import RawFeature
    >>> tree = grow(np.arange(40.0)[:, None], np.repeat([0, 1], 20), "classification", 2)
    >>> print(rules(tree, [RawFeature("age", "age")], ["young", "old"]))
    if age ≤ 19.5:
      → young with probability 95.5% (20 of 20 rows)
    else, if age > 19.5:
      → old with probability 95.5% (20 of 20 rows)
    """
    opened = tree.opened(max_leaves)
    hidden = hidden_leaves(tree, opened)
    lines: list[str] = []
    coming: list[tuple[int, int, str]] = [(0, 0, "")]
    while coming:
        node, depth, condition = coming.pop()
        if condition:
            lines.append(f"{'  ' * (depth - 1)}{condition}:")
        if not opened[node]:
            lines.append(f"{'  ' * depth}{ARROW} {answer(tree, node, classes, unit=unit)}{_folded(int(hidden[node]))}")
            continue
        for goes_left, word in ((False, "else, if"), (True, "if")):  # what is put on last comes off first
            child = int(tree.left[node] if goes_left else tree.right[node])
            coming.append((child, depth + 1, f"{word} {condition_at(tree, node, features, goes_left)}"))
    return "\n".join([*lines, *_rest(tree, opened)])


def paths(
    tree: PrunedTree,
    features: Sequence[Feature],
    classes: Sequence[object] = (),
    *,
    unit: str = "",
    max_leaves: int = MAX_LEAVES,
) -> list[str]:
    """One line for each leaf, from left to right, the conditions about the same number merged; arguments as `rules`.

    >>> from thalweg.pruned_tree import grow
    >>> from thalweg.raw_features import RawFeature
    >>> tree = grow(np.arange(60.0)[:, None], np.repeat([3.0, 5.0, 9.0], 20), "regression", 0)
    >>> print(*paths(tree, [RawFeature("age", "age")], unit="cm"), sep=chr(10))
    if age ≤ 19.5: 3 cm (mean of 20 rows)
    if 19.5 < age ≤ 39.5: 5 cm (mean of 20 rows)
    if age > 39.5: 9 cm (mean of 20 rows)
    """
    opened = tree.opened(max_leaves)
    hidden = hidden_leaves(tree, opened)
    lines = []
    coming: list[tuple[int, tuple[tuple[int, bool], ...]]] = [(0, ())]
    while coming:
        node, steps = coming.pop()
        if opened[node]:
            coming += [(int(tree.right[node]), (*steps, (node, False))), (int(tree.left[node]), (*steps, (node, True)))]
            continue
        each = _merged(tree, steps, features)
        said = " and ".join(f"({one})" if len(each) > 1 and one.endswith(OR_MISSING) else one for one in each)
        end = f"{answer(tree, node, classes, unit=unit)}{_folded(int(hidden[node]))}"
        lines.append(f"if {said}: {end}" if said else f"always: {end}")
    return [*lines, *_rest(tree, opened)]


def path_of(
    tree: PrunedTree,
    x: Float[np.ndarray, " d"],
    features: Sequence[Feature],
    classes: Sequence[object] = (),
    *,
    unit: str = "",
) -> list[str]:
    """What one row was asked and what it answered, a line each, then the answer of its leaf; arguments as `rules`.

    >>> from thalweg.pruned_tree import grow
    >>> from thalweg.raw_features import RawFeature
    >>> tree = grow(np.arange(40.0)[:, None], np.repeat([0, 1], 20), "classification", 2)
    >>> path_of(tree, np.array([12.0]), [RawFeature("age", "age")], ["young", "old"])
    ['age = 12, so age ≤ 19.5', '→ young with probability 95.5% (20 of 20 rows)']
    """
    lines = []
    for _, feature, threshold, goes_left in tree.path(x):
        one, value = features[feature], float(x[feature])
        said = _says(one, threshold, goes_left)
        if math.isnan(value):
            lines.append(f"{one.name} is missing" + (f", which goes with {said}" if math.isfinite(threshold) else ""))
        elif _is_number(one):
            lines.append(f"{one.name} = {_plain(value)}, so {said}")
        else:
            lines.append(said)
    return [*lines, f"{ARROW} {answer(tree, int(tree.leaf(np.asarray(x)[None])[0]), classes, unit=unit)}"]


def answer(tree: PrunedTree, node: int, classes: Sequence[object] = (), *, unit: str = "") -> str:
    """What a node answers, and of how many training rows: "yes with probability 91.5% (128 of 140 rows)"."""
    n = int(tree.rows[node])
    rows = f"{n:,} row{'s' * (n != 1)}"
    if tree.task == "regression":
        return f"{mean(tree, node, unit)} ({'mean of ' * (n > 1)}{rows})"
    p = tree.answers[node]
    likely = int(p.argmax())
    return (
        f"{classes[likely]} with probability {percent(float(p[likely]))} ({int(tree.value[node, likely]):,} of {rows})"
    )


def mean(tree: PrunedTree, node: int, unit: str = "") -> str:
    """The mean of a node's rows in their unit."""
    text = number(float(tree.value[node, 0]))
    # Trailing zeros would claim digits that were never asked for.
    text = text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    return f"{text} {unit}".rstrip()


def condition_at(tree: PrunedTree, node: int, features: Sequence[Feature], goes_left: bool) -> str:
    """What is true of the rows that go left, or right, at a node: "age ≤ 37.5 or missing"."""
    threshold, feature = float(tree.threshold[node]), int(tree.feature[node])
    missing_too = bool(tree.asked_missing[feature]) and tree.missing_left[node] == goes_left
    said = _says(features[feature], threshold, goes_left)
    return f"{said}{OR_MISSING}" if missing_too and math.isfinite(threshold) else said


def hidden_leaves(tree: PrunedTree, opened: Bool[np.ndarray, " nodes"]) -> np.ndarray:
    """How many leaves are below each node that is not opened; 0 where it is a leaf, or opened."""
    leaves = np.ones(len(tree.left), dtype=np.int64)
    for level in reversed(levels(tree.left, tree.right)):
        inner = level[tree.left[level] >= 0]
        leaves[inner] = leaves[tree.left[inner]] + leaves[tree.right[inner]]
    return np.where(opened | (tree.left < 0), 0, leaves)


def _says(feature: Feature, threshold: float, goes_left: bool) -> str:
    """A condition; scikit-learn parts missing values from all others by an infinite threshold."""
    if math.isfinite(threshold):
        return feature.says(threshold, goes_left)
    return f"{feature.name} is {'known' if goes_left else 'missing'}"


def _is_number(feature: Feature) -> bool:
    return feature.says(0.5, True).startswith(f"{feature.name} ≤ ")


def _merged(tree: PrunedTree, steps: Sequence[tuple[int, bool]], features: Sequence[Feature]) -> list[str]:
    """The conditions of a path, one for each feature, in the order in which they were first asked."""
    known: dict[int, _Bounds] = {}
    for node, goes_left in steps:
        feature = int(tree.feature[node])
        bounds = known.setdefault(feature, _Bounds(bool(tree.asked_missing[feature])))
        bounds.narrow(float(tree.threshold[node]), goes_left, bool(tree.missing_left[node] == goes_left))
    said = [_range(features[feature], bounds, bool(tree.asked_missing[feature])) for feature, bounds in known.items()]
    return [text for text in said if text]


def _range(feature: Feature, bounds: _Bounds, asked_missing: bool) -> str:
    if bounds.low >= bounds.high:  # no number is left
        return f"{feature.name} is missing"
    above = feature.says(bounds.low, False) if math.isfinite(bounds.low) else ""
    below = feature.says(bounds.high, True) if math.isfinite(bounds.high) else ""
    if not above and not below:
        return f"{feature.name} is known" if asked_missing and not bounds.missing else ""
    if above and below and _is_number(feature):
        least, most = above.removeprefix(f"{feature.name} > "), below.removeprefix(f"{feature.name} ≤ ")
        said = f"{least} < {feature.name} ≤ {most}"
    else:
        said = " and ".join(filter(None, (above, below)))
    return f"{said}{OR_MISSING}" if bounds.missing else said


def _plain(value: float) -> str:
    return f"{value:,.6g}".replace("-", "−")


def _folded(leaves: int) -> str:
    return f", … {leaves:,} leaves" if leaves else ""


def _rest(tree: PrunedTree, opened: np.ndarray) -> list[str]:
    """The last line, where not everything is shown."""
    more = tree.leaves - (int(opened.sum()) + 1)
    return [f"… {more:,} more {'leaf' if more == 1 else 'leaves'}"] if more else []
