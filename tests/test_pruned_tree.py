"""pruned_tree: its sequence of trees is scikit-learn's, which gets there by another way, and its size is right."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from thalweg import pruned_tree, scores
from thalweg.pruned_tree import grow, pruned
from thalweg.pruning_sequence import Grown, levels, weakest_links


def table(rng, task, *, n=211, d=5, missing=0.0, ties=False, classes=3):
    """Noisy rows; with ties the columns have four values each, and many splits are equally good."""
    X = rng.integers(0, 4, (n, d)).astype(float) if ties else rng.normal(size=(n, d))
    y = X[:, 0] + (X[:, 1] > 1) * 2 + rng.normal(0, 0.8, n)
    X[rng.random((n, d)) < missing] = np.nan
    if task == "regression":
        return X, np.round(y) if ties else y
    return X, np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))


KINDS = [
    (task, options)
    for task in ("classification", "regression")
    for options in ({}, {"missing": 0.2}, {"ties": True}, {"ties": True, "missing": 0.1})
] + [("classification", {"classes": 2}), ("classification", {"classes": 7, "n": 503})]


def theirs(task, **more):
    options = {"random_state": 3, "min_samples_leaf": more.pop("rows_per_leaf", 1), **more}
    if task == "classification":
        return DecisionTreeClassifier(criterion="log_loss", **options)
    return DecisionTreeRegressor(**options)


def whole_of(X, y, task, n_classes, rows_per_leaf=1):
    return Grown.on(X.astype(np.float32), y, task, n_classes, rows_per_leaf, 3)


@pytest.mark.parametrize("rows_per_leaf", [1, 5])
@pytest.mark.parametrize(("task", "options"), KINDS)
def test_at_every_alpha_the_tree_is_that_of_scikit_learn(rng, task, options, rows_per_leaf):
    X, y = table(rng, task, **options)
    k = int(y.max()) + 1 if task == "classification" else 0
    whole = whole_of(X, y, task, k, rows_per_leaf)
    new = table(rng, task, **{**options, "n": 307})[0].astype(np.float32)
    alphas = whole.alphas()
    alphas[0] = 1e-9 * whole.cost[0]  # at 0 itself theirs leaves splits that gain nothing
    for alpha in [*alphas[:-1][:: max(1, len(alphas) // 13)], alphas[-2], 1e9]:
        ours = pruned(whole, alpha, 0.0, rows_per_leaf, 0.0, np.isnan(X).any(axis=0))
        model = theirs(task, ccp_alpha=alpha, rows_per_leaf=rows_per_leaf).fit(X, y)
        assert (ours.leaves, ours.depth) == (model.get_n_leaves(), model.get_depth())
        expected = model.predict_proba(new) if isinstance(model, DecisionTreeClassifier) else model.predict(new)
        np.testing.assert_allclose(ours.outputs(new), expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(ours.importance, model.feature_importances_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("task", "options"), KINDS)
def test_the_alphas_are_those_of_scikit_learn(rng, task, options):
    X, y = table(rng, task, **options)
    whole = whole_of(X, y, task, int(y.max()) + 1 if task == "classification" else 0)
    path = theirs(task).cost_complexity_pruning_path(X, y).ccp_alphas
    steps = np.unique(whole.leaf_from)
    # Theirs repeats an α where several splits go at once; each way differs in its last digits.
    scale = path.max()
    for one, other in ((steps, path), (path, steps)):
        assert np.abs(one[:, None] - other[None, :]).min(axis=1).max() < 1e-12 * scale


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.booleans())
def test_no_other_pruning_is_cheaper(seed, splits, tied):
    """Of every pruning of a small tree with made-up costs (to each leaf its own node) none costs less at any α."""
    rng = np.random.default_rng(seed)
    left, right, cost = [-1], [-1], [100.0]
    leaves = [0]
    for _ in range(splits):
        node = leaves.pop(int(rng.integers(len(leaves))))
        left[node], right[node] = len(left), len(left) + 1
        share = rng.integers(0, 4, 2) / 8 if tied else rng.random(2) / 2
        left += [-1, -1]
        right += [-1, -1]
        cost += list(cost[node] * share)
        leaves += [left[node], right[node]]

    def prunings(node):
        yield frozenset([node])
        if left[node] >= 0:
            yield from (a | b for a in prunings(left[node]) for b in prunings(right[node]))

    alpha_of = weakest_links(np.array(left), np.array(right), np.array(cost))

    def cut(node, alpha):
        if left[node] < 0 or alpha_of[node] <= alpha:
            return frozenset([node])
        return cut(left[node], alpha) | cut(right[node], alpha)

    every = list(prunings(0))
    assert len(every) > 1
    for alpha in [0.0, *(alpha_of[alpha_of > 0] * 0.999), *(alpha_of * 1.001), 1e6]:
        ours = sum(cost[node] + alpha for node in cut(0, alpha))
        cheapest = min(sum(cost[node] + alpha for node in leaves) for leaves in every)
        assert ours == pytest.approx(cheapest, rel=1e-9)


def test_children_come_after_their_parents_and_levels_hold_every_node_once(rng):
    X, y = table(rng, "regression")
    tree = grow(X, y, "regression", 0)
    inner = np.flatnonzero(tree.left >= 0)
    assert len(inner) and np.all(tree.left[inner] > inner) and np.all(tree.right[inner] > inner)
    assert sorted(np.concatenate(levels(tree.left, tree.right))) == list(range(len(tree.left)))
    np.testing.assert_array_equal(tree.rows[inner], tree.rows[tree.left[inner]] + tree.rows[tree.right[inner]])


@pytest.mark.parametrize(("task", "options"), KINDS)
def test_held_out_losses_are_those_of_the_pruned_trees(rng, task, options):
    """The sum over nodes for all α at once is the loss of the outputs of each pruned tree."""
    X, y = table(rng, task, **options)
    k = int(y.max()) + 1 if task == "classification" else 0
    whole = whole_of(X, y, task, k)
    held, y_held = table(rng, task, **{**options, "n": 97})
    alphas = np.append(np.geomspace(1e-6, 1, 17), np.inf)
    smoothings = (1.0, 0.1) if k else (0.0,)
    found = whole.losses(held.astype(np.float32), y_held, alphas, smoothings)
    for which, smoothing in enumerate(smoothings):
        for at, alpha in enumerate(alphas):
            outputs = pruned(whole, alpha, smoothing, 1, 0.0, np.zeros(X.shape[1], bool)).outputs(held)
            loss = scores.row_losses(y_held, outputs, task).sum() if k else ((y_held - outputs) ** 2).sum()
            assert found[at, which] == pytest.approx(loss, rel=1e-9)


def test_outputs_are_shares_of_the_leaf_smoothed_and_never_zero(rng):
    X, y = table(rng, "classification")
    tree = grow(X, y, "classification", 5)
    p = tree.outputs(X)
    assert p.shape == (len(y), 5) and p.min() > 0
    np.testing.assert_allclose(p.sum(axis=1), 1)
    leaf = tree.leaf(X)
    for node in np.unique(leaf):
        here = y[leaf == node]
        assert len(here) == tree.rows[node]
        share = (np.count_nonzero(here == 1) + tree.smoothing) / (len(here) + 5 * tree.smoothing)
        np.testing.assert_allclose(p[leaf == node, 1], share)


def test_the_path_of_a_row_leads_to_its_leaf(rng):
    X, y = table(rng, "classification", missing=0.2)
    tree = grow(X, y, "classification", 3)
    for x, leaf in zip(X[:29], tree.leaf(X[:29]), strict=True):
        node = 0
        for at, feature, threshold, goes_left in tree.path(x):
            assert (at, feature, threshold) == (node, tree.feature[node], tree.threshold[node])
            missing = math.isnan(x[feature])
            assert goes_left == (tree.missing_left[node] if missing else np.float32(x[feature]) <= threshold)
            node = tree.left[node] if goes_left else tree.right[node]
        assert node == leaf and tree.left[node] == -1


# ---- the size


def test_noise_gives_one_leaf():
    """With a fixed seed: chance finds a split now and then."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(503, 7))
    for task, y in (("classification", rng.integers(0, 2, 503)), ("regression", rng.normal(size=503))):
        tree = grow(X, y, task, 2 if task == "classification" else 0)
        assert (tree.leaves, tree.depth, tree.path(X[0])) == (1, 0, [])
        assert tree.importance.tolist() == [0.0] * 7


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_rule_with_noise_gives_its_number_of_leaves(task):
    rng = np.random.default_rng(11)
    X = rng.random((4001, 5))
    box = np.where(X[:, 2] <= 0.3, 0, np.where(X[:, 4] <= 0.6, 1, np.where(X[:, 0] <= 0.5, 3, 2)))  # 4 boxes
    if task == "classification":
        y = np.where(rng.random(4001) < 0.1, rng.integers(0, 4, 4001), box)
    else:  # such that each split gains less than the one above it
        y = np.array([9.0, 0.0, 2.0, 3.0])[box] + rng.normal(0, 0.5, 4001)
    tree = grow(X, y, task, 4, standard_errors=1)
    assert tree.leaves == 4
    assert tree.feature[0] == 2 and tree.threshold[0] == pytest.approx(0.3, abs=0.01)
    assert set(np.flatnonzero(tree.importance)) == {0, 2, 4} and tree.importance.sum() == pytest.approx(1)
    least = grow(X, y, task, 4)  # often has a leaf or two more
    assert 4 <= least.leaves <= 8 and least.loss <= tree.loss


def test_the_tree_opened_to_fewer_leaves_is_the_cheapest_of_so_many(rng):
    """scikit-learn's own at the α in the middle of where the sequence has so many leaves."""
    X, y = table(rng, "classification", n=401)
    whole = whole_of(X, y, "classification", 3)
    tree = pruned(whole, 1e-9, 0.0, 1, 0.0, np.zeros(5, bool))
    alphas = whole.alphas()[1:]
    for alpha in alphas[-7:-1]:
        model = theirs("classification", ccp_alpha=alpha).fit(X, y)
        opened = tree.opened(int(model.get_n_leaves()))
        assert opened.sum() + 1 == model.get_n_leaves()
        np.testing.assert_array_equal(tree.threshold[opened], model.tree_.threshold[model.tree_.feature >= 0])
    assert tree.opened(1).sum() == tree.opened(0).sum() == tree.opened(99, deepest=0).sum() == 0
    assert tree.opened(99, deepest=2).sum() <= 3
    assert np.array_equal(tree.opened(10**6), tree.left >= 0)


def test_the_tree_is_as_good_held_out_as_promised(rng):
    X, y = table(rng, "classification", n=3001)
    X_new, y_new = table(rng, "classification", n=3001)
    tree = grow(X, y, "classification", 3)
    held = scores.row_losses(y_new, tree.outputs(X_new), "classification").mean()
    assert held == pytest.approx(tree.loss, rel=0.25)
    full = DecisionTreeClassifier(random_state=0).fit(X, y).predict_proba(X_new)
    assert held < scores.row_losses(y_new, np.asarray(full), "classification").mean() / 3


def test_missing_values_decide_where_they_tell_something(rng):
    X = rng.normal(size=(401, 3))
    y = rng.integers(0, 2, 401)
    X[y == 1, 1] = np.nan
    tree = grow(X, y, "classification", 2)
    assert tree.feature[0] == 1 and tree.asked_missing.tolist() == [False, True, False]
    assert np.array_equal(tree.outputs(X).argmax(axis=1), y)


# ---- corners


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_fewer_rows_than_folds(task, n):
    X = np.arange(n, dtype=float)[:, None]
    tree = grow(X, np.arange(n) if task == "classification" else np.arange(n) * 1.5, task, n)
    assert np.all(np.isfinite(tree.outputs(X))) and math.isfinite(tree.loss)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_constant_target_gives_one_leaf(rng, task):
    y = np.full(53, 2)
    tree = grow(rng.normal(size=(53, 3)), y if task == "classification" else y * 1.1, task, 4)
    assert tree.leaves == 1 and tree.alpha == pytest.approx(0, abs=1e-12)
    if task == "regression":
        np.testing.assert_allclose(tree.outputs(np.zeros((2, 3))), 2.2)


def test_constant_columns_give_one_leaf(rng):
    assert grow(np.ones((61, 2)), rng.normal(size=61), "regression", 0).leaves == 1


def test_one_row_of_each_class(rng):
    tree = grow(rng.normal(size=(7, 2)), np.arange(7), "classification", 7)
    np.testing.assert_allclose(tree.outputs(np.zeros((1, 2))).sum(), 1)


def test_huge_values_and_targets(rng):
    X = np.where(rng.random((101, 2)) < 0.5, 1e300, -1e300)
    for size in (1e308, 1e100, 1e-100, 1e-300):
        y = X[:, 0] / 1e300 * size
        tree = grow(X, y, "regression", 0)
        assert tree.leaves == 2
        np.testing.assert_allclose(tree.outputs(X), y)


def test_the_same_seed_gives_the_same_tree_and_the_unit_of_the_target_does_not_matter(rng):
    X, y = table(rng, "regression")
    first, again, larger = grow(X, y, "regression", 0), grow(X, y, "regression", 0), grow(X, y * 2**20, "regression", 0)
    for other in (again, larger):
        np.testing.assert_array_equal(first.feature, other.feature)
        np.testing.assert_array_equal(first.threshold, other.threshold)
    np.testing.assert_array_equal(first.outputs(X), again.outputs(X))


def test_folds_have_equal_sizes_and_shares_of_classes():
    y = np.repeat([0, 1, 2], [50, 31, 20])
    fold = pruned_tree._folds(y, "classification", 5, 7)
    assert np.bincount(fold).tolist() == [21, 20, 20, 20, 20]
    for k, n in enumerate((50, 31, 20)):
        each = np.bincount(fold[y == k], minlength=5)
        assert each.max() - each.min() <= 1 and each.sum() == n


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_no_fold_parts_a_group(task):
    rng = np.random.default_rng(5)
    y, groups = rng.integers(0, 3, 211).astype(float), rng.integers(0, 13, 211)
    fold = pruned_tree._folds(y, task, 5, 7, groups)
    assert set(fold) == set(range(5)) and all(len(set(fold[groups == one])) == 1 for one in range(13))
    assert set(pruned_tree._folds(y, task, 5, 7, groups % 2)) == {0, 1}
    alone = pruned_tree._folds(y, task, 5, 7, np.zeros(211))
    np.testing.assert_array_equal(alone, pruned_tree._folds(y, task, 5, 7))


@pytest.mark.parametrize("name", ["german_credit.csv", "abalone.csv"])
def test_a_real_table(shared, name):
    from thalweg import table as tables

    data = tables.read(shared / "data" / name)
    numbers = np.column_stack([c.values for c in data.columns if c.values.dtype == float and c.name != "rings"])
    if name == "abalone.csv":
        tree = grow(numbers, data["rings"].values, "regression", 0)
        assert tree.loss < 0.6 * np.var(data["rings"].values)
    else:
        tree = grow(numbers, (data["class"].values == data["class"].values[0]).astype(int), "classification", 2)
        assert tree.loss <= 0.611  # the entropy of 0.3
    assert 2 <= tree.leaves <= 120
