"""standings: who is better of made-up figures, whose intervals are worked out by hand.

Five folds whose differences are c − s, c − s/2, c, c + s/2, c + s have the standard deviation 0.7906 s. With 0.25 test
rows for each training row the interval is c ± t · √(1/5 + 0.25) · 0.7906 s = c ± t · 0.5303 s, t being Student's of 4
degrees of freedom: 2.776 at 95 %, 4.604 at 99 %; of two trees 3.495 and 5.598, of three 3.961 and 6.254 (Bonferroni).
"""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from compared import comparison, result, shifted
from thalweg.standings import LEVEL, OF_TASK, difference, loss_by_fold, settle


def settled(centre: float, spread: float = 0.1, trees: int = 1, measure: str = "rmse", **more: Any):
    """The network that far above the best of so many trees."""
    names = ["boosting", "tree", "forest"][:trees]
    results = [result("network", {measure: shifted(5.0 + centre, spread)})]
    results += [result(name, {measure: [5.0 + 2.0 * i] * 5}) for i, name in enumerate(names)]
    return settle({one.name: one for one in results} | more, measure, 0.25)


def test_the_numbers_of_the_explanation():
    assert math.isclose(np.std([-1, -0.5, 0, 0.5, 1], ddof=1) * math.sqrt(0.45), 0.5303, abs_tol=1e-4)
    confidences = [0.95, 0.99, 1 - 0.05 / 2, 1 - 0.01 / 2, 1 - 0.05 / 3, 1 - 0.01 / 3]
    expected = [2.776, 4.604, 3.495, 5.598, 3.961, 6.254]
    np.testing.assert_allclose([stats.t.ppf(0.5 + one / 2, 4) for one in confidences], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("centre", "trees", "winner", "certainty"),
    [  # with s = 0.1 the half width is t · 0.05303: 0.147, 0.244; of two 0.185, 0.297; of three 0.210, 0.332
        (-0.25, 1, "network", "clear"),
        (-0.24, 1, "network", "likely"),
        (-0.15, 1, "network", "likely"),
        (-0.14, 1, None, "open"),
        (0.14, 1, None, "open"),
        (0.15, 1, "trees", "likely"),
        (0.24, 1, "trees", "likely"),
        (0.25, 1, "trees", "clear"),
        (0.18, 2, None, "open"),  # one tree would have won
        (0.19, 2, "trees", "likely"),
        (0.29, 2, "trees", "likely"),
        (0.30, 2, "trees", "clear"),
        (0.20, 3, None, "open"),
        (0.22, 3, "trees", "likely"),
        (0.33, 3, "trees", "likely"),
        (0.34, 3, "trees", "clear"),
        (-0.15, 3, "network", "likely"),  # which beats the luckiest of them
        (-0.25, 3, "network", "clear"),
    ],
)
def test_who_wins_and_how_sure_that_is(centre, trees, winner, certainty):
    outcome = settled(centre, trees=trees)
    assert outcome is not None and (outcome.winner, outcome.certainty) == (winner, certainty)
    assert outcome.champion == "boosting" and outcome.margin == 0.0
    assert math.isclose(outcome.difference.mean, centre, abs_tol=1e-12)
    assert math.isclose(outcome.difference.high - centre, 2.776 * 0.05303, rel_tol=1e-3)


@pytest.mark.parametrize(
    ("centre", "spread", "certainty", "winner"),
    [  # the better of the two gains 4 over the baseline, and a twentieth of it, 0.2, is no matter
        (0.05, 0.1, "level", None),
        (0.15, 0.01, "level", None),  # different for certain, and no matter
        (-0.1, 0.001, "level", None),
        (0.1, 0.1, "open", None),
        (0.25, 0.05, "clear", "trees"),
        (-0.25, 0.05, "clear", "network"),
    ],
)
def test_a_difference_that_is_no_matter_is_level(centre, spread, certainty, winner):
    best = 5.0 + min(centre, 0.0)
    baseline = result("baseline", {"rmse": [best + 4.0] * 5})
    outcome = settled(centre, spread, baseline=baseline)
    assert outcome is not None and (outcome.certainty, outcome.winner) == (certainty, winner)
    assert math.isclose(outcome.margin, LEVEL * 4.0)


def test_a_baseline_that_nobody_beats_leaves_no_margin():
    outcome = settled(0.001, 0.1, baseline=result("baseline", {"rmse": [4.0] * 5}))
    assert outcome is not None and outcome.margin == 0.0 and outcome.certainty == "open"


def test_where_more_is_better_the_sign_is_turned():
    results = {
        "network": result("network", {"auc": shifted(0.9, 0.01)}),
        "tree": result("tree", {"auc": shifted(0.7, 0.02)}),
        "boosting": result("boosting", {"auc": shifted(0.8, 0.02)}),
    }
    outcome = settle(results, "auc", 0.25)
    assert outcome is not None and (outcome.winner, outcome.champion) == ("network", "boosting")
    assert math.isclose(outcome.difference.mean, -0.1) and outcome.difference.high < 0
    np.testing.assert_allclose(loss_by_fold(results["tree"], "auc"), [-0.68, -0.69, -0.7, -0.71, -0.72])


def test_folds_that_lack_a_figure_are_left_out():
    network, tree = (
        result("network", {"auc": [None, 0.9, 0.8, 0.7, None]}),
        result("tree", {"auc": [0.1, 0.6, 0.4, None, 0]}),
    )
    assert network.figure("auc") == pytest.approx(0.8) and tree.figure("auc") == pytest.approx(0.275)
    found = difference(network, tree, "auc", 0.25)
    assert found is not None and found.mean == pytest.approx(-0.35)
    assert np.isnan(loss_by_fold(network, "auc")[[0, 4]]).all()


def test_without_a_figure_nobody_is_better():
    nothing, once = [None] * 5, [None, None, 0.9, None, None]
    tree = result("tree", {"auc": nothing})
    assert tree.figure("auc") is None
    for figures in (nothing, once):
        network = result("network", {"auc": figures})
        assert settle({"network": network, "tree": tree}, "auc", 0.25) is None
        assert difference(network, network, "auc", 0.25) is None


def test_a_side_without_figures_is_never_the_champion():
    results = {
        "network": result("network", {"auc": shifted(0.9, 0.01)}),
        "tree": result("tree", {"auc": [None] * 5}),
        "forest": result("forest", {"auc": shifted(0.7, 0.01)}),
    }
    outcome = settle(results, "auc", 0.25)
    assert outcome is not None and outcome.champion == "forest"


@pytest.mark.parametrize("names", [["network", "linear", "baseline"], ["tree", "forest"]])
def test_without_both_sides_there_is_no_outcome(names):
    results = {name: result(name, {"rmse": shifted(1.0, 0.1)}) for name in names}
    assert settle(results, "rmse", 0.25) is None
    assert comparison(*results.values(), measure="rmse").winner is None


def test_a_comparison_knows_its_measures_and_differences():
    found = comparison(
        result("network", {"rmse": [1.0, 2.0], "mae": [1.0, 1.0], "r2": [0.5, 0.5]}),
        result("tree", {"rmse": [2.0, 4.0], "mae": [2.0, 2.5], "r2": [0.1, 0.1]}),
        measure="mae",
    )
    assert found.measures == ("mae", "rmse", "r2") and set(found.measures) == set(OF_TASK["regression"])
    by_default, by_rmse = found.difference("tree"), found.difference("tree", "rmse")
    assert by_default is not None and by_default.mean == -1.25
    assert by_rmse is not None and by_rmse.mean == -1.5
    assert found.difference("network") is None
    assert comparison(result("tree", {"rmse": [1.0, 2.0]}), measure="rmse").difference("tree") is None


@pytest.mark.parametrize("task", OF_TASK)
def test_every_measure_is_known(task):
    from thalweg.scores import MEASURES

    assert len(OF_TASK[task]) > 1 and set(OF_TASK[task]) <= set(MEASURES)


def test_one_leaf_is_one_leaf():
    sizes = {
        (1, "leaves"): "1 leaf",
        (2, "leaves"): "2 leaves",
        (1, "numbers"): "1 number",
        (1_234, "parameters"): "1,234 parameters",
    }
    for (count, unit), said in sizes.items():
        assert result("tree", {"log_loss": [0.5] * 5}, count=count, unit=unit).extent == said
