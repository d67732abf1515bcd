"""scores: hand-computed figures, laws and odd held-out parts."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from thalweg import scores
from thalweg.errors import InputError


def json_ready(figures):
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    return figures


def random_problem(n=211, k=3, *, seed=0):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(k), rng.integers(0, k, n - k)])
    logits = rng.normal(size=(n, k)) + np.eye(k)[y]
    p = np.exp(logits)
    return y, p / p.sum(axis=1, keepdims=True)


# ---- classification


def test_classification_by_hand():
    y = np.array([0, 0, 1, 1, 1])
    p1 = np.array([0.2, 0.6, 0.7, 0.4, 0.9])
    figures = json_ready(scores.classification(y, np.stack([1 - p1, p1], axis=1), ["ham", "spam"]))
    assert figures["rows"] == 5
    assert figures["accuracy"] == pytest.approx(3 / 5)
    assert figures["log_loss"] == pytest.approx(-np.log([0.8, 0.4, 0.7, 0.4, 0.9]).mean())
    assert figures["auc"] == pytest.approx(5 / 6)  # of the 6 pairs only (0.6, 0.4) is the wrong way round
    assert figures["confusion"] == [[1, 1], [1, 2]]
    assert figures["recall"] == pytest.approx([1 / 2, 2 / 3])
    assert figures["precision"] == pytest.approx([1 / 2, 2 / 3])
    assert figures["notes"] == {}


def test_auc_of_several_classes_is_the_mean_of_each_against_the_rest():
    y, p = random_problem()
    expected = []
    for c in range(3):
        pairs = np.subtract.outer(p[y == c, c], p[y != c, c])
        expected.append(np.mean(pairs > 0) + np.mean(pairs == 0) / 2)
    assert scores.classification(y, p, "abc")["auc"] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("k", [2, 3, 7])
def test_an_absent_class_leaves_auc_undefined_and_says_why(k):
    y, p = random_problem(k=k)
    present = y != k - 1
    figures = json_ready(scores.classification(y[present], p[present], [f"c{i}" for i in range(k)]))
    assert figures["auc"] is None
    assert figures["notes"]["auc"] == f"no held-out row is of class 'c{k - 1}'"
    assert figures["recall"][k - 1] is None
    assert np.shape(figures["confusion"]) == (k, k)
    assert np.isfinite(figures["log_loss"])


def test_one_held_out_row():
    figures = json_ready(scores.classification(np.array([1]), np.array([[0.25, 0.75]]), ["a", "b"]))
    assert (figures["accuracy"], figures["auc"]) == (1.0, None)


def test_a_sure_mistake_costs_a_finite_sum():
    figures = scores.classification(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]), ["a", "b"])
    assert figures["log_loss"] == pytest.approx(-np.log(1e-15) / 2, rel=1e-9)


def test_separate_sigmoids_are_scaled_and_a_row_of_zeros_is_equal_shares():
    y = np.array([0, 1, 1])
    raw = np.array([[0.9, 0.6], [0.1, 0.4], [0.0, 0.0]])
    scaled = np.array([[0.6, 0.4], [0.2, 0.8], [0.5, 0.5]])
    left, right = (scores.classification(y, p, ["a", "b"]) for p in (raw, scaled))
    for key in ("accuracy", "log_loss", "auc"):
        assert left[key] == pytest.approx(right[key])


def test_float32_probabilities_are_taken_as_they_are():
    y, p = random_problem(k=5)
    left, right = (scores.classification(y, q, "abcde") for q in (p, p.astype(np.float32)))
    assert left["log_loss"] == pytest.approx(right["log_loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("y", "p", "classes", "says"),
    [
        ([], np.zeros((0, 2)), "ab", "no rows to score"),
        ([0], [[1.0]], "a", "at least two classes"),
        ([0, 1], [[0.5, 0.5], [np.nan, 1.0]], "ab", "row 2 is not finite"),
        ([0], [[-0.1, 1.1]], "ab", "must not be negative"),
    ],
)
def test_what_cannot_be_scored_gets_a_sentence(y, p, classes, says):
    with pytest.raises(InputError, match=says):
        scores.classification(np.array(y, dtype=int), np.array(p), list(classes))


# ---- multilabel


def test_multilabel_by_hand():
    y = np.array([[0, 1], [1, 1], [1, 1]])
    p = np.array([[0.2, 0.9], [0.7, 0.6], [0.4, 0.8]])
    figures = json_ready(scores.multilabel(y, p, ["red", "round"]))
    assert figures["exact"] == pytest.approx(2 / 3)
    assert figures["accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    expected = [-np.log([0.8, 0.7, 0.4]).mean(), -np.log([0.9, 0.6, 0.8]).mean()]
    assert figures["log_loss"] == pytest.approx(np.mean(expected))
    assert figures["targets"]["red"]["log_loss"] == pytest.approx(expected[0])
    assert figures["targets"]["red"]["auc"] == 1.0
    assert figures["auc"] is None
    assert figures["notes"] == {"auc of round": "no held-out row is of class 'no'"}


# ---- regression


def test_regression_by_hand():
    figures = json_ready(scores.regression(np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0])))
    assert [figures[key] for key in ("rmse", "mae", "r2")] == pytest.approx([np.sqrt(5 / 3), 1.0, 1 - 5 / 14])
    assert (figures["rows"], figures["notes"]) == (3, {})


def test_several_targets_and_their_means():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(31, 3)) * [1, 10, 100]
    prediction = y + rng.normal(size=(31, 3))
    figures = json_ready(scores.regression(y, prediction, ["a", "b", "c"]))
    for i, name in enumerate("abc"):
        alone = scores.regression(y[:, i], prediction[:, i])
        assert {"rows": 31, **figures["targets"][name]} == alone
    assert figures["rmse"] == pytest.approx(np.mean([t["rmse"] for t in figures["targets"].values()]))


@pytest.mark.parametrize(("y", "rows"), [([3.0, 3.0], 2), ([3.0], 1)])
def test_r2_is_undefined_where_the_target_does_not_vary(y, rows):
    figures = json_ready(scores.regression(np.array(y), np.array(y) + 1))
    assert (figures["r2"], figures["rmse"], figures["rows"]) == (None, 1.0, rows)
    assert "does not vary" in figures["notes"]["r2"]


@pytest.mark.parametrize("exponent", [-1000, -300, 0, 300, 1010])
def test_the_unit_of_the_target_does_not_matter(exponent):
    y, prediction = np.array([1.0, 2.5, 6.0]), np.array([2.0, 2.5, 4.0])
    figures, base = (
        scores.regression(np.ldexp(y, exponent), np.ldexp(prediction, exponent)),
        scores.regression(y, prediction),
    )
    assert figures["rmse"] == np.ldexp(base["rmse"], exponent)
    assert figures["mae"] == np.ldexp(base["mae"], exponent)
    assert figures["r2"] == base["r2"]


@pytest.mark.parametrize("miss", [1e169, 1e190, 1e300])
def test_a_miss_beyond_all_measure_has_a_finite_r2(miss):
    figures = json_ready(scores.regression(np.array([0.0, 1e13, 0.0]), np.array([miss, 0.0, 0.0])))
    assert figures["r2"] == -1.7976931348623157e308 and figures["rmse"] == pytest.approx(miss / 3**0.5)


def test_the_largest_numbers_there_are_give_figures_for_json():
    json_ready(scores.regression(np.array([1.7e308, -1.7e308]), np.array([-1.7e308, 1.7e308])))
    json_ready(scores.regression(np.array([0.0, 0.0]), np.array([0.0, 0.0])))


# ---- permutation importance


def test_importance_of_a_group_is_that_of_its_column():
    """y depends on columns 0 and 1, which always move together; 2 repeats 0 but is not used; 3 is noise."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=503)
    X = np.stack([x, -x, x, rng.normal(size=503)], axis=1)
    before = X.copy()
    calls = []

    def predict(rows):
        calls.append(rows)
        assert len(np.unique(rows[:, 0] + rows[:, 1])) == 1  # never torn apart
        return rows[:, 0] - rows[:, 1]

    def loss(y, outputs):
        return float(np.mean((y - outputs) ** 2))

    groups = [np.array([0, 1]), np.array([2]), np.array([3])]
    means, deviations = scores.permutation_importance(predict, X, 2 * x, groups, loss, 5, 11)
    # A shuffled copy of a variable differs from it by twice its variance on average; 2 x has the variance 4.
    assert means[0] == pytest.approx(8 * x.var(), rel=0.15)
    assert deviations[0] > 0
    np.testing.assert_array_equal(means[1:], 0)
    np.testing.assert_array_equal(deviations[1:], 0)
    np.testing.assert_array_equal(X, before)
    assert len(calls) == 1 + 3 * 5


def test_importance_is_repeatable_and_depends_on_the_seed():
    X = np.random.default_rng(4).normal(size=(53, 2))

    def importance(seed):
        groups = [np.array([0]), np.array([1])]
        return scores.permutation_importance(
            lambda r: r.sum(axis=1), X, X[:, 0], groups, lambda y, o: abs(y - o).sum(), 3, seed
        )

    np.testing.assert_array_equal(importance(1), importance(1))
    assert np.any(importance(1)[0] != importance(2)[0])


def test_row_losses_are_what_the_figures_are_means_of(rng):
    p = rng.dirichlet(np.ones(3), 23)
    y = rng.integers(0, 3, 23)
    figures = scores.classification(y, p, ["a", "b", "c"])
    assert scores.row_losses(y, p, "classification").mean() == pytest.approx(figures["log_loss"])
    many = (rng.random((29, 2)) > 0.5).astype(float)
    given = rng.random((29, 2))
    figures = scores.multilabel(many, given, ["a", "b"])
    assert scores.row_losses(many, given, "multilabel").mean() == pytest.approx(figures["log_loss"])
    actual = rng.normal(size=(31, 2)) * [1.0, 1e6]
    predicted = actual + rng.normal(size=(31, 2))
    figures = scores.regression(actual, predicted, ["a", "b"])
    assert scores.row_losses(actual, predicted, "regression").mean() == pytest.approx(1 - figures["r2"])


def test_row_losses_are_finite():
    sure = scores.row_losses(np.array([1]), np.array([[1.0, 0.0]]), "classification")
    assert sure == pytest.approx(-np.log(1e-15))
    for y in ([1e308, -1e308, 3.0], [7.0, 7.0, 7.0], [0.0, 0.0, 0.0]):
        assert np.isfinite(scores.row_losses(np.array(y), np.array([1e308, 1.0, 0.0]), "regression")).all()


def test_paired_differences(rng):
    a, b = rng.normal(size=(2, 41))
    found = scores.paired(a, b)
    test = stats.ttest_rel(a, b)
    assert found["difference"] / found["error"] == pytest.approx(test.statistic)
    assert scores.paired(a[:1], b[:1]) == {"difference": a[0] - b[0], "error": None}
    # Four standard errors are the width of the interval: it touches 0 where the difference is two of them.
    assert scores.standing(found["difference"], abs(found["difference"]) / 2) == "unknown"


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(0, 10))
def test_standing_by_the_interval(difference, error, margin):
    found = scores.standing(difference, error, margin)
    mirrored = scores.standing(-difference, error, margin)
    assert mirrored == {"better": "worse", "worse": "better"}.get(found, found)
    inside = abs(difference) + 2 * error < margin
    assert (found == "level") == inside
    if not inside:
        assert (found == "unknown") == (abs(difference) <= 2 * error)
        assert found != ("worse" if difference < 0 else "better")


def test_odd_numbers():
    shown = {
        0.0: "0.000",
        1e-9: "1.000e-09",
        999.96: "1000",
        1000.4: "1,000",
        -0.5: "−0.5000",
        9.99e6: "9,990,000",
        1e300: "1.000e+300",
        float("-inf"): "−inf",
    }
    assert {value: scores.number(value) for value in shown} == shown
    assert [scores.decimals(value) for value in (-1234.5, -0.00062, None)] == ["−1,234", "−0.0006", "–"]
    assert (scores.percent(0.97368), scores.percent(None)) == ("97.4%", "–")


def test_every_figure_has_its_measure():
    y, p = random_problem()
    many = (p[:, :2] > 0.3).astype(float)
    told = {"rows", "notes", "targets", "confusion", "recall", "precision"}
    for figures in (
        scores.classification(y, p, "abc"),
        scores.multilabel(many, p[:, :2], "ab"),
        scores.regression(p, p / 2, "abc"),
    ):
        assert set(figures) - told <= set(scores.MEASURES)
    assert [key for key, one in scores.MEASURES.items() if one.best is min] == [
        "error",
        "log_loss",
        "calibration",
        "rmse",
        "mae",
    ]


@pytest.mark.parametrize("k", [2, 3])
def test_the_order_of_the_rows_does_not_show_in_the_calibration(rng, k):
    y = np.sort(rng.integers(0, k, 307))
    same = np.bincount(y, minlength=k) / len(y)  # of a constant every row is said the same, and rightly so
    assert scores.calibration_error(y, np.repeat([same], len(y), axis=0)) == pytest.approx(0.0, abs=1e-12)
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])[rng.integers(0, 2, len(y)), :k]
    order = rng.permutation(len(y))
    found = scores.calibration_error(y, p / p.sum(axis=1, keepdims=True))
    assert scores.calibration_error(y[order], (p / p.sum(axis=1, keepdims=True))[order]) == pytest.approx(found)


def test_calibration_by_hand():
    y, said = np.array([1, 0, 0, 1, 1, 0]), np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    p = np.stack([1.0 - said, said], axis=1)
    # In two bins 0.2 is said and 1/3 is so, 0.8 is said and 2/3 is so.
    assert scores.calibration_error(y, p, bins=2) == pytest.approx(0.4 / 3)
