"""A decision tree whose size is chosen by cross-validation: weakest-link pruning, for a network to be set beside.

Breiman, Friedman, Olshen & Stone, "Classification and Regression Trees", 1984, chapters 3 and 8. A tree is charged its
cost per row (its log-loss in bits, or the squared error) and α for every leaf. As α rises from 0, the tree that is
cheapest loses one split after another, and never gets one back: it is a sequence of nested trees, of which
cross-validation picks one. scikit-learn grows the trees; the sequence is worked out here, from one fit
(`weakest_links`).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness, rivals


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Num

# Each costs a fit per fold, and each is the best on some table: held out 1 beats 20 by 14 % of the RMSE on
# concrete_strength, 20 beats 1 by 4 % on abalone and 3 % on california_housing, 5 beats both by 6 % on
# bike_sharing_hour.
# Classification gains less: up to 6 %, on spambase.
ROWS_PER_LEAF = (1, 5, 20)


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
        standard_errors: take the smallest tree whose loss is at most the least and so many standard errors of it (from
            the folds' means). Breiman et al. prefer 1, for a simpler tree. It is 0 because what a network is compared
            to should be as good as it can.

    >>> X, y = np.arange(40.0)[:, None], np.repeat([0, 1], 20)
    >>> tree = grow(X, y, "classification", 2)
    >>> tree.leaves, float(tree.threshold[0]), tree.value.tolist()
    (2, 19.5, [[20.0, 20.0], [20.0, 0.0], [0.0, 20.0]])
    """
    rows = rivals.tree_rows(X)
    unit = 1.0
    if task == "regression":  # squares beyond 1e308 overflow; a power of two as the unit changes no bit
        unit = 2.0 ** min(math.frexp(np.abs(y).max())[1], 1023)
        y = y / unit
    fold = _folds(y, task, min(folds, len(y)), seed)
    held_out = [fold == number for number in range(fold.max() + 1)] if len(y) > 1 else []
    smoothings = rivals.SMOOTHING if task == "classification" else (0.0,)
    tried = []
    for rows_per_leaf in ROWS_PER_LEAF:
        whole = _Grown.on(rows, y, task, n_classes, rows_per_leaf, seed)
        alphas = whole.alphas()
        sums = np.zeros((max(len(held_out), 1), len(alphas), len(smoothings)))
        for number, held in enumerate(held_out):
            part = _Grown.on(rows[~held], y[~held], task, n_classes, rows_per_leaf, seed)
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
    return whole.pruned(
        float(alphas[at]), smoothings[which], rows_per_leaf, float(loss[at, which]) / len(y),
        np.asarray(np.isnan(rows).any(axis=0)), unit,
    )  # fmt: skip


def smoothed(counts: Float[np.ndarray, "nodes k"], smoothing: float) -> Float[np.ndarray, "nodes k"]:
    """Probabilities from a leaf's counts: (n_c + s) / (n + s · k), Laplace's rule for s = 1.

    >>> smoothed(np.array([[3.0, 0.0]]), 1.0)
    array([[0.8, 0.2]])
    """
    return (counts + smoothing) / (counts.sum(axis=1, keepdims=True) + smoothing * counts.shape[1])


def levels(left: Int[np.ndarray, " nodes"], right: Int[np.ndarray, " nodes"]) -> list[Int[np.ndarray, " level"]]:
    """The nodes by their depth, the root first.

    >>> [level.tolist() for level in levels(np.array([1, -1, 3, -1, -1]), np.array([2, -1, 4, -1, -1]))]
    [[0], [1, 2], [3, 4]]
    """
    found = [np.zeros(1, dtype=np.int64)]
    while len(inner := found[-1][left[found[-1]] >= 0]):
        found.append(np.concatenate([left[inner], right[inner]]))
    return found


def weakest_links(
    left: Int[np.ndarray, " nodes"], right: Int[np.ndarray, " nodes"], cost: Float[np.ndarray, " nodes"]
) -> Float[np.ndarray, " nodes"]:
    """The α from which on a node is a leaf, in the cheapest tree below that node alone; 0 for a leaf.

    With cost R, this α of a node t solves R(t) + α = Σ (R(leaf) + α) over the leaves of the tree below t pruned at α.
    As a function of α the difference of the two sides is convex, so the solution is approached from above: begin with
    both children as leaves, and as long as the last split made below t would be made later than t is a leaf, undo it.
    What is undone never comes back for the nodes above, so each split enters and leaves a heap once, and with
    the smaller heap poured into the larger one all takes O(n log² n) steps. (One split after another, as in the book,
    costs the depth of the tree for each.)

    >>> left, right = np.array([1, 2, -1, -1, -1]), np.array([4, 3, -1, -1, -1])
    >>> weakest_links(left, right, np.array([10.0, 5.0, 1.0, 1.0, 2.0])).tolist()
    [3.0, 3.0, 0.0, 0.0, 0.0]
    """
    alpha_of = np.zeros(len(left))
    costs, lefts, rights = cost.tolist(), left.tolist(), right.tolist()
    heaps: list[list[tuple[float, int, float]]] = [[] for _ in lefts]  # −α of a split, leaves it adds, cost it saves
    for node in range(len(lefts) - 1, -1, -1):
        if lefts[node] < 0:
            continue
        splits, others = sorted((heaps[lefts[node]], heaps[rights[node]]), key=len, reverse=True)
        heaps[lefts[node]] = heaps[rights[node]] = []
        for split in others:
            heapq.heappush(splits, split)
        more, saved = 1, costs[node] - costs[lefts[node]] - costs[rights[node]]
        while splits and -splits[0][0] >= saved / more:
            _, leaves, gain = heapq.heappop(splits)
            more, saved = more + leaves, saved + gain
        alpha = max(saved / more, 0.0)
        heapq.heappush(splits, (-alpha, more, saved))
        heaps[node] = splits
        alpha_of[node] = alpha
    return alpha_of


@dataclass(frozen=True, eq=False)
class _Grown:
    """A whole tree, and at which α each of its nodes becomes a leaf (`leaf_from`) and vanishes (`gone_from`)."""

    task: str
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    rows: np.ndarray
    cost: np.ndarray
    leaf_from: np.ndarray
    gone_from: np.ndarray
    levels: list[np.ndarray]
    leaf_of: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def on(cls, rows: np.ndarray, y: np.ndarray, task: str, n_classes: int, rows_per_leaf: int, seed: int) -> _Grown:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        options: dict[str, Any] = {"min_samples_leaf": rows_per_leaf, "random_state": seed % 2**32}
        if task == "classification":
            # What the size is chosen by. With Gini's impurity, their default, trees of 5 of 7 real tables were worse
            # held out by 0.8 to 9 % of the log-loss, one as good and one better by 1.6 % (means of 3 splits).
            model = DecisionTreeClassifier(criterion="log_loss", **options)
        else:
            model = DecisionTreeRegressor(**options)
        with rivals.unasked():
            model.fit(rows, y)
        theirs = model.tree_
        n = theirs.n_node_samples
        left, right = theirs.children_left, theirs.children_right
        if isinstance(model, DecisionTreeClassifier):
            value = np.zeros((theirs.node_count, n_classes))
            value[:, model.classes_] = np.rint(theirs.value[:, 0, :] * n[:, None])  # they keep shares
        else:
            value = theirs.value[:, :, 0]
        cost = np.maximum(theirs.impurity, 0.0) * n / len(rows)  # of equal values theirs may be below 0 by rounding
        by_depth = levels(left, right)
        leaf_from = weakest_links(left, right, cost)
        gone_from = np.full(len(left), np.inf)
        for level in by_depth:
            inner = level[left[level] >= 0]
            for child in (left[inner], right[inner]):
                gone_from[child] = leaf_from[inner]
                leaf_from[child] = np.minimum(leaf_from[child], leaf_from[inner])
        missing_left = theirs.missing_go_to_left.astype(bool)
        return cls(
            task, left, right, theirs.feature, theirs.threshold, missing_left, value, n, cost, leaf_from, gone_from,
            by_depth, theirs.apply,
        )  # fmt: skip

    def alphas(self) -> np.ndarray:
        """The geometric midpoints of the sequence's α, ascending; the last, ∞, is for the root alone."""
        each = np.unique(np.append(self.leaf_from, 0.0))
        # What differs in rounding only is one step.
        each = each[np.diff(each, prepend=-np.inf) > 1e-9 * each + 1e-12 * self.cost[0]]
        return np.append(np.sqrt(each[:-1] * each[1:]), np.inf)

    def losses(self, rows: np.ndarray, y: np.ndarray, alphas: np.ndarray, smoothings: tuple[float, ...]) -> np.ndarray:
        """The sum of the losses of held-out rows, (alphas, smoothings), for the tree pruned at each α.

        A node is a leaf from one α to another, and adds the loss of its rows to all of them there: so all α together
        take one pass over the nodes.
        """
        start = np.searchsorted(alphas, self.leaf_from)
        end = np.searchsorted(alphas, self.gone_from)
        end[0] = len(alphas)
        summed = np.zeros((len(alphas), len(smoothings)))
        for which, loss in enumerate(self._node_losses(rows, y, smoothings)):
            steps = np.bincount(start, loss, len(alphas) + 1) - np.bincount(end, loss, len(alphas) + 1)
            summed[:, which] = np.cumsum(steps[:-1])
        return summed

    def _node_losses(self, rows: np.ndarray, y: np.ndarray, smoothings: tuple[float, ...]) -> list[np.ndarray]:
        """The sum of the losses of the held-out rows that pass each node, were it their leaf."""
        leaf = self.leaf_of(rows)
        if self.task == "classification":
            counts = np.zeros_like(self.value)
            np.add.at(counts, (leaf, y), 1.0)
            counts = self._passing(counts)
            return [-(counts * np.log(smoothed(self.value, s))).sum(axis=1) for s in smoothings]
        centre = self.value[0, 0]  # deviations from the mean lose fewer digits
        deviation, mean = y - centre, self.value[:, 0] - centre
        sums = np.stack([np.bincount(leaf, w, len(mean)) for w in (np.ones(len(y)), deviation, deviation**2)], axis=1)
        n, first, second = self._passing(sums).T
        return [np.maximum(second - 2 * mean * first + n * mean**2, 0.0)]

    def _passing(self, sums: np.ndarray) -> np.ndarray:
        """Sums over the rows of the leaves, made sums over the rows that pass each node."""
        for level in reversed(self.levels):
            inner = level[self.left[level] >= 0]
            sums[inner] = sums[self.left[inner]] + sums[self.right[inner]]
        return sums

    def pruned(
        self,
        alpha: float,
        smoothing: float,
        rows_per_leaf: int,
        loss: float,
        asked_missing: np.ndarray,
        unit: float = 1.0,
    ) -> PrunedTree:
        """The cheapest tree at `alpha`, of equals the smallest, for a target that was divided by `unit`."""
        kept = np.flatnonzero((self.gone_from > alpha) | (np.arange(len(self.left)) == 0))  # the root even at α = ∞
        number = np.zeros(len(self.left), dtype=np.int64)
        number[kept] = np.arange(len(kept))
        split = self.leaf_from[kept] > alpha
        inner = kept[split]
        gain = self.cost[inner] - self.cost[self.left[inner]] - self.cost[self.right[inner]]
        importance = np.bincount(self.feature[inner], gain, len(asked_missing))
        total = importance.sum()
        with np.errstate(over="ignore"):  # squares of a huge unit
            return PrunedTree(
                task=self.task,
                left=np.where(split, number[self.left[kept]], -1),
                right=np.where(split, number[self.right[kept]], -1),
                feature=np.where(split, self.feature[kept], -1),
                threshold=np.where(split, self.threshold[kept], np.nan),
                missing_left=split & self.missing_left[kept],
                value=self.value[kept] * unit,
                rows=self.rows[kept],
                leaf_from=np.where(split, self.leaf_from[kept] * unit * unit, 0.0),
                asked_missing=asked_missing,
                importance=importance / total if total > 0 else importance,
                alpha=float(
                    min(alpha, self.cost[0]) * np.float64(unit) * unit
                ),  # at the root's own cost only the root is left
                smoothing=smoothing,
                rows_per_leaf=rows_per_leaf,
                loss=float(np.float64(loss) * unit * unit),
            )


def _folds(y: np.ndarray, task: str, folds: int, seed: int) -> np.ndarray:
    """The fold of each row: equally many rows in each, and as equally as can be of each class."""
    order = randomness.permutation(seed, "pruning", len(y))
    if task == "classification":
        order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), dtype=np.int64)
    fold[order] = np.arange(len(y)) % folds
    return fold
