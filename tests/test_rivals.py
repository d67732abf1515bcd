"""rivals: baselines, and a tree that is a fair opponent."""

import json

import numpy as np
import pytest

from thalweg import rivals, scores
from thalweg.errors import InputError


def test_majority_is_the_training_shares_for_every_row():
    y_train = np.array([2, 0, 2, 2, 1])
    p = rivals.majority(y_train, 4, 4)
    np.testing.assert_allclose(p, np.tile([0.2, 0.2, 0.6, 0.0], (4, 1)), atol=1e-14)
    figures = scores.classification(np.array([2, 2, 0, 1]), p, "abcd")
    assert figures["accuracy"] == 0.5
    assert figures["log_loss"] == pytest.approx(-np.log([0.6, 0.6, 0.2, 0.2]).mean())
    assert np.isfinite(scores.classification(np.array([3]), p[:1], "abcd")["log_loss"])


def test_no_constant_beats_the_baselines_on_their_own_rows():
    rng = np.random.default_rng(2)
    y = rng.normal(3, 2, 101)
    best = scores.regression(y, rivals.mean(y, 101))
    assert best["r2"] == pytest.approx(0, abs=1e-12)
    assert all(scores.regression(y, np.full(101, c))["rmse"] > best["rmse"] for c in y)


def test_mean_of_several_and_of_huge_targets():
    y_train = np.array([[1.0, 1.7e308], [3.0, 1.7e308]])
    np.testing.assert_allclose(rivals.mean(y_train, 3), np.tile([2.0, 1.7e308], (3, 1)))
    assert rivals.mean(np.ones(5), 3).shape == (3,)


# ---- tree


def checkerboard(n, *, seed):
    """Two classes on a 4 by 4 board, of which every tenth label is wrong: about 16 leaves are right, more overfit."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2)) * 4
    y = (np.floor(X).sum(axis=1) % 2).astype(int)
    return X, np.where(rng.random(n) < 0.1, 1 - y, y)


def grown(task, n_classes, *, transform=lambda y: y, sizes=(2003, 503, 701)):
    parts = [checkerboard(n, seed=seed) for seed, n in enumerate(sizes)]
    (X, y), (Xv, yv), (Xt, yt) = parts
    outputs, about = rivals.tree(X, transform(y), Xv, transform(yv), Xt, task, n_classes, 7)
    assert json.loads(json.dumps(about, allow_nan=False)) == about
    return outputs, about, transform(yt)


def test_the_tree_finds_the_right_size():
    from sklearn.tree import DecisionTreeClassifier

    outputs, about, y = grown("classification", 2)
    figures = scores.classification(y, outputs, "ab")
    assert figures["accuracy"] > 0.85  # 0.9 is the best that can be done
    assert 14 <= about["leaves"] <= 200
    (X, y_train), (X_test, _) = checkerboard(2003, seed=0), checkerboard(701, seed=2)
    full = np.asarray(DecisionTreeClassifier(random_state=0).fit(X, y_train).predict_proba(X_test))
    assert figures["log_loss"] < scores.classification(y, full, "ab")["log_loss"] / 5


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("rows_per_leaf", [1, 5])
def test_one_fit_holds_the_trees_of_every_size(task, rows_per_leaf):
    """The beginning of a tree grown best first is scikit-learn's own tree of that `max_leaf_nodes`."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    model = DecisionTreeClassifier if task == "classification" else DecisionTreeRegressor
    (X, y), (X_test, _) = checkerboard(401, seed=5), checkerboard(211, seed=6)
    X, X_test = X.astype(np.float32), X_test.astype(np.float32)
    options = {"min_samples_leaf": rows_per_leaf, "random_state": 3}
    grown = model(max_leaf_nodes=len(X), **options).fit(X, y)
    whole = int(grown.get_n_leaves())
    assert whole > 30
    for leaves in (2, 3, 7, 23, whole):
        theirs = model(max_leaf_nodes=leaves, **options).fit(X, y)
        ours = rivals._leaf(grown, X_test, leaves)
        np.testing.assert_array_equal(grown.tree_.value[ours], theirs.tree_.value[theirs.apply(X_test)])
        assert (leaves, rivals._depth(grown, leaves)) == (theirs.get_n_leaves(), theirs.get_depth())


def test_the_chosen_size_is_the_best_on_the_validation_rows_and_the_test_rows_do_not_matter():
    (X, y), (Xv, yv), (Xt, _) = (checkerboard(n, seed=n) for n in (503, 211, 307))
    outputs, about = rivals.tree(X, y, Xv, yv, Xt, "classification", 2, 7)
    few, about_few = rivals.tree(X, y, Xv, yv, Xt[:11], "classification", 2, 7)
    np.testing.assert_array_equal(few, outputs[:11])
    assert about_few == about
    on_valid, _ = rivals.tree(X, y, Xv, yv, Xv, "classification", 2, 7)
    assert about["validation_loss"] == pytest.approx(scores.classification(yv, on_valid, "ab")["log_loss"])


def test_a_class_that_only_the_test_rows_have_still_has_a_probability():
    outputs, _, y = grown("classification", 5)
    np.testing.assert_allclose(outputs.sum(axis=1), 1)
    assert outputs.min() > 0
    assert np.isfinite(scores.classification(np.full(len(y), 4), outputs, "abcde")["log_loss"])


def test_leaves_are_smoothed_by_the_stated_rule():
    """Two leaves of 3 and 4 pure rows: (n_c + s) / (n + 2 s) with the s that the tree says it chose."""
    X, y = np.array([[0.0]] * 3 + [[1.0]] * 4), np.array([0] * 3 + [1] * 4)
    outputs, about = rivals.tree(X, y, X, y, np.array([[0.0], [1.0]]), "classification", 2, 0)
    s = about["smoothing"]
    assert s == min(rivals.SMOOTHING)  # the validation rows say that the leaves are right
    np.testing.assert_allclose(
        outputs, [[(3 + s) / (3 + 2 * s), s / (3 + 2 * s)], [s / (4 + 2 * s), (4 + s) / (4 + 2 * s)]]
    )


@pytest.mark.parametrize("width", [None, 1, 3])
def test_regression_trees_have_the_form_of_the_target(width):
    def transform(y):
        return y * 2.0 if width is None else np.outer(y * 2.0, np.arange(1, width + 1))

    outputs, about, y = grown("regression", 0, transform=transform)
    assert outputs.shape == y.shape
    names = ["target"] if width is None else list("abc"[:width])
    assert scores.regression(y, outputs, names)["r2"] > 0.5
    assert about["smoothing"] is None


def test_multilabel_trees_give_probabilities():
    outputs, _, y = grown("multilabel", 0, transform=lambda y: np.stack([y, 1 - y, np.ones_like(y)], axis=1))
    assert outputs.shape == y.shape
    assert 0 < outputs.min() and outputs.max() < 1
    figures = scores.multilabel(y, outputs, ["a", "b", "c"])
    assert figures["targets"]["a"]["accuracy"] > 0.85


def test_trees_of_tiny_and_huge_values():
    X = np.array([[1e308], [-1e308], [0.0]])
    outputs, about = rivals.tree(X, np.array([0, 1, 0]), X[:1], np.array([0]), X, "classification", 2, 2**64 - 1)
    assert outputs.shape == (3, 2) and about["leaves"] <= 3


def test_a_tree_without_validation_rows_or_task_gets_a_sentence():
    X, y = np.zeros((3, 2)), np.zeros(3, int)
    with pytest.raises(InputError, match="validation rows"):
        rivals.tree(X, y, X[:0], y[:0], X, "classification", 2, 0)
    with pytest.raises(InputError, match="'ranking'"):
        rivals.tree(X, y, X, y, X, "ranking", 2, 0)
