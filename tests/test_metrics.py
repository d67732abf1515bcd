"""Metrics: scorers agree with scikit-learn's own functions on the network's answers; what cannot be had is refused."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

import thalweg as tw
from thalweg.examples import check_examples
from thalweg.metrics import find_metric, score


N = 53
CLASSES = tw.Network([3, 3], output="softmax", loss="cross_entropy")
TWO = tw.Network([3, 1], output="sigmoid", loss="binary_cross_entropy")
LABELS = tw.Network([3, 2], output="sigmoid", loss="binary_cross_entropy")
LECTURE = tw.Network([3, 3], output="sigmoid")  # squared error on 0 and 1
NUMBERS = tw.Network([3, 1])
SEVERAL = tw.Network([3, 2])


def run_of(network, Y, weights=None, X=None) -> Any:
    rng = np.random.default_rng(7)
    rows = check_examples(network, rng.normal(size=(N, 3)) if X is None else X, Y, weights)
    engine = SimpleNamespace(predict=lambda network, p, X: tw.predict(network, p, X))
    return SimpleNamespace(
        network=network, validation=rows, engine=engine, parameters=network.initialize(3), metrics={},
        history=tw.History(), loss=0.5,
    )  # fmt: skip


def outputs_of(run):
    return tw.predict(run.network, run.parameters, run.validation.X)


def classes(k):
    return np.random.default_rng(k).integers(k, size=N)


def softened(p):
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("network", "Y", "name", "by_hand"),
    [
        (CLASSES, classes(3), "accuracy", lambda y, p: np.mean(p.argmax(1) == y)),
        (CLASSES, classes(3), "f1_macro", lambda y, p: sk.f1_score(y, p.argmax(1), average="macro")),
        (CLASSES, classes(3), "balanced_accuracy", lambda y, p: sk.balanced_accuracy_score(y, p.argmax(1))),
        (CLASSES, classes(3), "neg_log_loss", lambda y, p: np.mean(np.log(p[np.arange(N), y]))),
        (CLASSES, classes(3), "roc_auc_ovr", lambda y, p: sk.roc_auc_score(y, p, multi_class="ovr")),
        (CLASSES, np.eye(3)[classes(3)] * 0.7 + 0.1, "accuracy", lambda y, p: np.mean(p.argmax(1) == y.argmax(1))),
        (TWO, classes(2), "accuracy", lambda y, p: np.mean((p[:, 0] >= 0.5) == y)),
        (TWO, classes(2), "f1", lambda y, p: sk.f1_score(y, p[:, 0] >= 0.5)),
        (TWO, classes(2), "roc_auc", lambda y, p: sk.roc_auc_score(y, p[:, 0])),
        (TWO, classes(2), "neg_brier_score", lambda y, p: -np.mean((p[:, 0] - y) ** 2)),
        (TWO, classes(2) * 0.8 + 0.1, "accuracy", lambda y, p: np.mean((p[:, 0] >= 0.5) == (y >= 0.5))),
        (LABELS, np.stack([classes(2), classes(3) % 2], 1), "accuracy", lambda y, p: ((p >= 0.5) == y).all(1).mean()),
        (LABELS, np.stack([classes(2), classes(3) % 2], 1), "roc_auc", lambda y, p: sk.roc_auc_score(y, p)),
        (LECTURE, np.eye(3)[classes(3)], "accuracy", lambda y, p: np.mean(p.argmax(1) == y.argmax(1))),
        (
            LECTURE, np.eye(3)[classes(3)], "roc_auc_ovo",
            lambda y, p: sk.roc_auc_score(y.argmax(1), softened(p), multi_class="ovo"),
        ),
        (NUMBERS, classes(3) / 7, "r2", lambda y, p: 1 - np.sum((y - p[:, 0]) ** 2) / np.sum((y - y.mean()) ** 2)),
        (NUMBERS, classes(3) / 7, "neg_mean_absolute_error", lambda y, p: -np.mean(np.abs(y - p[:, 0]))),
        (
            SEVERAL, np.stack([classes(2), classes(3)], 1), "neg_root_mean_squared_error",
            lambda y, p: -np.mean(np.sqrt(np.mean((y - p) ** 2, axis=0))),
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)  # fmt: skip
def test_a_scorer_judges_what_the_network_answers(network, Y, name, by_hand):
    run = run_of(network, Y)
    metric = find_metric(name)
    metric.check(run)
    assert metric.higher_is_better and metric.name == name
    np.testing.assert_allclose(metric.of(run), by_hand(Y, outputs_of(run)), rtol=1e-12)


def test_weights_of_rows_count():
    weights = np.random.default_rng(1).random(N) + 0.1
    y = classes(3)
    run = run_of(CLASSES, y, weights)
    right = outputs_of(run).argmax(axis=1) == y
    np.testing.assert_allclose(find_metric("accuracy").of(run), np.average(right, weights=weights), rtol=1e-12)
    with pytest.raises(tw.InputError, match="'neg_max_error' cannot be had of the network .*; choose another one"):
        find_metric("neg_max_error").check(run_of(NUMBERS, classes(3), weights))


def test_a_function_sees_targets_and_outputs_of_the_validation_rows():
    seen = []

    def largest_miss(y, outputs):
        seen.append((y.shape, outputs.shape))
        return np.abs(y - outputs).max()

    run = run_of(SEVERAL, np.stack([classes(2), classes(3)], 1))
    metric = find_metric(largest_miss, higher_is_better=False)
    metric.check(run)
    assert metric.name == "largest_miss" and not metric.higher_is_better and seen == []
    assert metric.of(run) == np.abs(run.validation.Y - outputs_of(run)).max() and seen == [((N, 2), (N, 2))]
    with pytest.raises(tw.InputError, match="the metric <lambda> must give a number, not 'good'"):
        find_metric(lambda y, outputs: "good", higher_is_better=True).of(run)


def test_the_losses_are_those_of_the_history():
    run = run_of(NUMBERS, classes(3))
    run.history.add(loss=0.5, validation_loss=0.75, learning_rate=0.1, steps=1, seconds=1.0)
    assert find_metric("validation_loss").of(run) == 0.75 and find_metric("loss").of(run) == 0.5
    assert not find_metric("loss").higher_is_better


@pytest.mark.parametrize("name", ["validation_loss", "accuracy", "own"])
def test_without_validation_rows_only_the_loss_is_there(name):
    run = run_of(CLASSES, classes(3))
    run.validation = None
    given = (lambda y, outputs: 0.0) if name == "own" else name
    with pytest.raises(tw.InputError, match="needs validation rows, and there are none; give some, or watch 'loss'"):
        find_metric(given, True if name == "own" else None).check(run)
    find_metric("loss").check(run)


@pytest.mark.parametrize(
    ("network", "Y", "name", "said"),
    [
        (NUMBERS, classes(3), "roc_auc", "predict_proba"),
        (NUMBERS, classes(3) / 7, "accuracy", "continuous is not supported"),
        (CLASSES, classes(3), "f1", "multiclass but average='binary'"),
        (TWO, np.ones(N), "roc_auc", ""),
        (NUMBERS, [1.0], "r2", "it is undefined for these validation rows"),
    ],
)
def test_a_scorer_that_cannot_be_had_is_refused_before_the_first_epoch(network, Y, name, said):
    run = run_of(network, Y, X=None if len(Y) == N else [[1.0, 2.0, 3.0]])
    with pytest.raises(tw.InputError, match=f"the metric '{name}' cannot be had of the network {network}: .*{said}"):
        find_metric(name).check(run)


def test_a_class_that_is_never_predicted_is_no_warning():
    rows = check_examples(CLASSES, np.zeros((5, 3)), [0, 1, 2, 0, 1])
    assert 0.0 <= score("precision_macro", CLASSES, rows, np.tile([1.0, 0.0, 0.0], (5, 1))) < 0.5


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ("acuracy", {}, "there is no metric 'acuracy'; give loss, validation_loss, a function"),
        (3, {}, "there is no metric 3"),
        (max, {}, "say which way is better: higher_is_better=True or False, as the function max cannot"),
        ("accuracy", {"higher_is_better": False}, "of accuracy the higher is better, whatever higher_is_better says"),
        ("loss", {"higher_is_better": True}, "of loss the lower is better"),
        ("loss", {"higher_is_better": "yes"}, "higher_is_better must be True, False or None, not 'yes'"),
    ],
)
def test_what_is_no_metric_is_refused(given, options, said):
    with pytest.raises(tw.InputError, match=said):
        find_metric(given, **options)
