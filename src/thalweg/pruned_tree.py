"""A decision tree whose size is chosen by cross-validation, for a network to be set beside.

Breiman, Friedman, Olshen & Stone, "Classification and Regression Trees", 1984, chapter 3: weakest-link pruning, of
whose sequence of trees (pruning_sequence.py) cross-validation picks one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg import randomness, rivals
from thalweg.folds import repeated
from thalweg.pruning_sequence import Grown, levels, smoothed


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Num

# Each costs a fit per fold, and each is the best on some table: held out 1 beats 20 by 14 % of the RMSE on
# concrete_strength, 20 beats 1 by 4 % on abalone and 3 % on california_housing, 5 beats both by 6 % on
# bike_sharing_hour.
# Classification gains less: up to 6 %, on spambase.
ROWS_PER_LEAF = (1, 5, 20)
# Deviations from 0 beyond which the mean of a target is taken off it: of sums of squares half of the digits are lost
# with a mean of 10⁴ deviations, and all with 10⁸.
FAR = 1e3


@dataclass(frozen=True, eq=False)
class PrunedTree:
    """A binary tree; node 0 is its root, and a node comes after the one above it and before what is right of it.

    A row goes left where its feature is at most the threshold; where it is missing (nan), as `missing_left` says.

    Args:
        task: "classification" or "regression".
        left: the child on the left, −1 for a leaf; `right` likewise.
        feature: the column of X that a node asks for, −1 for a leaf.
        threshold: what the column is compared to, nan for a leaf.
        missing_left: whether missing values go left.
        value: training rows of each class, or (nodes, 1) the mean of the target.
        rows: training rows in the node.
        leaf_from: the α from which on the node would be a leaf too; 0 for a leaf.
        asked_missing: of each column of X, whether a training row lacked it.
        importance: the share of each column of X in the decrease of the cost; all 0 for a tree without splits.
        alpha: the charge for a leaf, in units of the cost per row, by which the tree was pruned.
        smoothing: s of (n_c + s) / (n + s · k), the probability of class c in a leaf; 0 for regression.
        rows_per_leaf: the least rows of a leaf.
        loss: cross-validated log-loss, or the squared error in squared units of the target, of trees so pruned.
    """

    task: str
    left: Int[np.ndarray, " nodes"]
    right: Int[np.ndarray, " nodes"]
    feature: Int[np.ndarray, " nodes"]
    threshold: Float[np.ndarray, " nodes"]
    missing_left: Bool[np.ndarray, " nodes"]
    value: Float[np.ndarray, "nodes k"]
    rows: Int[np.ndarray, " nodes"]
    leaf_from: Float[np.ndarray, " nodes"]
    asked_missing: Bool[np.ndarray, " d"]
    importance: Float[np.ndarray, " d"]
    alpha: float
    smoothing: float
    rows_per_leaf: int
    loss: float

    @property
    def leaves(self) -> int:
        """How many leaves."""
        return int(np.count_nonzero(self.left < 0))

    @property
    def depth(self) -> int:
        """The most questions that a row is asked."""
        return len(levels(self.left, self.right)) - 1

    @property
    def answers(self) -> Float[np.ndarray, "nodes k"]:
        """What each node would answer as a leaf: probabilities of the classes, or (nodes, 1) the mean."""
        return self.value if self.task == "regression" else smoothed(self.value, self.smoothing)

    def opened(self, most: int, deepest: int | None = None) -> Bool[np.ndarray, " nodes"]:
        """Which nodes are split in the cheapest tree of at most so many leaves, down to a depth: the splits that
        pruning would take last."""
        order = np.argsort(-self.leaf_from, kind="stable")  # of equals the upper one first, whose number is smaller
        found = np.zeros(len(self.left), dtype=bool)
        found[order[: max(most - 1, 0)]] = True
        found &= self.left >= 0
        if deepest is not None:
            for level in levels(self.left, self.right)[deepest:]:
                found[level] = False
        return found

    def outputs(self, X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n ..."]:
        """Probabilities (n, k) of the classes, all above 0, or means (n,)."""
        found = self.answers[self.leaf(X)]
        return found[:, 0] if self.task == "regression" else found

    def leaf(self, X: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
        """The node where each row ends."""
        rows = rivals.tree_rows(X)
        node = np.zeros(len(rows), dtype=np.int64)
        going = np.flatnonzero(self.left[node] >= 0)
        while len(going):
            at = node[going]
            cells = rows[going, self.feature[at]]
            goes_left = np.where(np.isnan(cells), self.missing_left[at], cells <= self.threshold[at])
            node[going] = np.where(goes_left, self.left[at], self.right[at])
            going = going[self.left[node[going]] >= 0]
        return node

    def path(self, x: Float[np.ndarray, " d"]) -> list[tuple[int, int, float, bool]]:
        """What one row is asked, from the root down: node, feature, threshold, and whether it goes left.

        >>> tree = grow(np.array([[0.0], [0.0], [1.0], [1.0]] * 5), np.array([2.0, 2.0, 7.0, 7.0] * 5), "regression", 0)
        >>> tree.path(np.array([1.0]))
        [(0, 0, 0.5, False)]
        """
        last = int(self.leaf(np.asarray(x)[None])[0])
        above = {int(child): node for node in np.flatnonzero(self.left >= 0) for child in self.children(int(node))}
        steps = []
        while last in above:
            node = int(above[last])
            steps.append((node, int(self.feature[node]), float(self.threshold[node]), last == self.left[node]))
            last = node
        return [(node, feature, threshold, bool(goes_left)) for node, feature, threshold, goes_left in reversed(steps)]

    def children(self, node: int) -> tuple[int, ...]:
        """The nodes below on the left and on the right, none for a leaf."""
        return () if self.left[node] < 0 else (int(self.left[node]), int(self.right[node]))


def grow(
    X: Float[np.ndarray, "n d"],
    y: Num[np.ndarray, " n"],
    task: str,
    n_classes: int,
    *,
    folds: int = 5,
    groups: Int[np.ndarray, " n"] | None = None,
    seed: int = 0,
    standard_errors: float = 0.0,
) -> PrunedTree:
    """The tree of all rows, pruned by the α with the least cross-validated loss: log-loss, or squared error.

    One tree is grown on all rows and one without each of the folds (stratified where there are classes). The whole
    tree's cheapest for α_k ≤ α < α_(k + 1) is judged by what √(α_k · α_(k + 1)) makes of the folds' trees. The
    smoothing and the least rows of a leaf are chosen with α. Of equals the smallest tree is taken.

    Args:
        X: nan where a value is missing.
        y: class numbers from 0, or the target's values.
        n_classes: how many classes there are, some perhaps without a row; 0 for regression.
        folds: at most so many; as many as there are groups, if these are fewer.
        groups: of each row, whose rows no fold parts; None or a single one: rows are drawn.
        standard_errors: take the smallest tree whose loss is at most the least and so many standard errors of it (from
            the folds' means). Breiman et al. prefer 1, for a simpler tree. It is 0 because what a network is compared
            to should be as good as it can.

    >>> X, y = np.arange(40.0)[:, None], np.repeat([0, 1], 20)
    >>> tree = grow(X, y, "classification", 2)
    >>> tree.leaves, float(tree.threshold[0]), tree.value.tolist()
    (2, 19.5, [[20.0, 20.0], [20.0, 0.0], [0.0, 20.0]])
    """
    rows = rivals.tree_rows(X)
    unit, centre = 1.0, 0.0
    if task == "regression":  # squares beyond 1e308 overflow; a power of two as the unit changes no bit
        unit = 2.0 ** min(math.frexp(np.abs(y).max())[1], 1023)
        y = y / unit
        if abs(y.mean()) > FAR * y.std():
            centre = float(y.mean())
            y = y - centre
            within = 2.0 ** math.frexp(np.abs(y).max())[1]  # of the values that are left
            unit, centre, y = unit * within, centre / within, y / within
    fold = _folds(y, task, min(folds, len(y)), seed, groups)
    held_out = [fold == number for number in range(fold.max() + 1)] if len(y) > 1 else []
    smoothings = rivals.SMOOTHING if task == "classification" else (0.0,)
    tried = []
    for rows_per_leaf in ROWS_PER_LEAF:
        whole = Grown.on(rows, y, task, n_classes, rows_per_leaf, seed)
        alphas = whole.alphas()
        sums = np.zeros((max(len(held_out), 1), len(alphas), len(smoothings)))
        for number, held in enumerate(held_out):
            part = Grown.on(rows[~held], y[~held], task, n_classes, rows_per_leaf, seed)
            sums[number] = part.losses(rows[held], y[held], alphas, smoothings)
        tried.append((sums.sum(axis=0).min(), rows_per_leaf, whole, alphas, sums))
    least, rows_per_leaf, whole, alphas, sums = min(tried, key=lambda each: each[0])  # of equals the fewest rows
    loss = sums.sum(axis=0)
    allowed = 1e-12 * loss.max()  # losses that differ in rounding only are equal
    if standard_errors and len(held_out) > 1:
        means = sums[(slice(None), *np.argwhere(loss == least)[0])] / np.bincount(fold)
        allowed += standard_errors * len(y) * means.std(ddof=1) / math.sqrt(len(means))
    at = int(np.flatnonzero(loss.min(axis=1) <= least + allowed)[-1])
    which = int(loss[at].argmin())
    return pruned(
        whole, float(alphas[at]), smoothings[which], rows_per_leaf, float(loss[at, which]) / len(y),
        np.asarray(np.isnan(rows).any(axis=0)), unit, centre,
    )  # fmt: skip


def pruned(
    whole: Grown,
    alpha: float,
    smoothing: float,
    rows_per_leaf: int,
    loss: float,
    asked_missing: np.ndarray,
    unit: float = 1.0,
    centre: float = 0.0,
) -> PrunedTree:
    """The cheapest tree at `alpha`, of equals the smallest, for a target divided by `unit` and then less `centre`."""
    kept = np.flatnonzero((whole.gone_from > alpha) | (np.arange(len(whole.left)) == 0))  # the root even at α = ∞
    number = np.zeros(len(whole.left), dtype=np.int64)
    number[kept] = np.arange(len(kept))
    split = whole.leaf_from[kept] > alpha
    inner = kept[split]
    gain = whole.cost[inner] - whole.cost[whole.left[inner]] - whole.cost[whole.right[inner]]
    importance = np.bincount(whole.feature[inner], gain, len(asked_missing))
    total = importance.sum()
    with np.errstate(over="ignore"):  # squares of a huge unit
        return PrunedTree(
            task=whole.task,
            left=np.where(split, number[whole.left[kept]], -1),
            right=np.where(split, number[whole.right[kept]], -1),
            feature=np.where(split, whole.feature[kept], -1),
            threshold=np.where(split, whole.threshold[kept], np.nan),
            missing_left=split & whole.missing_left[kept],
            value=(whole.value[kept] + centre) * unit,
            rows=whole.rows[kept],
            leaf_from=np.where(split, whole.leaf_from[kept] * unit * unit, 0.0),
            asked_missing=asked_missing,
            importance=importance / total if total > 0 else importance,
            alpha=float(
                min(alpha, whole.cost[0]) * np.float64(unit) * unit
            ),  # at the root's own cost only the root is left
            smoothing=smoothing,
            rows_per_leaf=rows_per_leaf,
            loss=float(np.float64(loss) * unit * unit),
        )


def _folds(y: np.ndarray, task: str, folds: int, seed: int, groups: np.ndarray | None = None) -> np.ndarray:
    """The fold of each row: about equally many rows in each, and as equally as can be of each class."""
    k = 1 if groups is None else min(folds, len(np.unique(groups)))
    if k > 1:
        fold = np.empty(len(y), dtype=np.int64)
        labels = y.astype(np.int64) if task == "classification" else None
        for number, one in enumerate(repeated(len(y), k, 1, seed=seed, labels=labels, groups=groups)):
            fold[one.test] = number
        return fold
    order = randomness.permutation(seed, "pruning", len(y))
    if task == "classification":
        order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), dtype=np.int64)
    fold[order] = np.arange(len(y)) % folds
    return fold
