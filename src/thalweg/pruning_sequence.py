"""The sequence of nested trees that weakest-link pruning makes of one whole tree, worked out without growing another.

Breiman, Friedman, Olshen & Stone, "Classification and Regression Trees", 1984, chapter 3. A tree is charged its cost
per row (its log-loss in bits, or the squared error) and α for every leaf. As α rises from 0, the tree that is cheapest
loses one split after another, and never gets one back. scikit-learn grows the whole tree.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import rivals


if TYPE_CHECKING:
    from jaxtyping import Float, Int


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
class Grown:
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
    def on(cls, rows: np.ndarray, y: np.ndarray, task: str, n_classes: int, rows_per_leaf: int, seed: int) -> Grown:
        """Grown on rows as `rivals.tree_rows` gives them."""
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
