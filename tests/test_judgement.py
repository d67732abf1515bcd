"""judgement: each sentence by hand, from made-up figures."""

from types import SimpleNamespace
from typing import Any

import pytest

from compared import SETTINGS, comparison, result, shifted
from thalweg import judgement
from thalweg.contenders import CONTENDERS


BY_CLASS: dict[str, Any] = {"error": [0.1] * 5, "auc": [0.9] * 5, "calibration": [0.05] * 5}


def one(name: str, centre: float, spread: float = 0.0, **more: Any):
    """A contender whose log-loss is that on average, and whose other figures are everybody's."""
    return result(name, {"log_loss": shifted(centre, spread), **BY_CLASS}, **more)


def test_the_network_does_better():
    # The differences are −0.25 ± 0.02: half of the interval is 1.4724 · 0.02 = 0.02945 (tests/test_standings.py).
    found = comparison(one("network", 0.25), one("tree", 0.5, 0.02))
    assert found.verdict == (
        "The network does better here, clearly: the network's log-loss is 0.2500, that of the pruned tree 0.5000 "
        "(difference 0.2500, 95% interval 0.2206 to 0.2794, over 5 folds)."
    )
    assert found.winner == "network"
    assert repr(found) == f"Comparison on made up, target 'y': {found.verdict}"


def test_trees_probably_do_better_and_the_best_of_several_is_named():
    found = comparison(one("network", 0.7, 0.1), one("tree", 0.6), one("boosting", 0.5))
    assert found.verdict == (
        "Trees do better here, probably: the network's log-loss is 0.7000, that of gradient boosting, the best of 2 "
        "kinds of trees, 0.5000 (difference 0.2000, 95% interval 0.05276 to 0.3472, over 5 folds)."
    )


def test_level_whatever_the_difference_is():
    found = comparison(one("network", 0.5, 0.002), one("xgboost", 0.495), one("baseline", 0.7))
    assert found.verdict == (
        "Level: choose by what you need. The network's log-loss is 0.5000, that of XGBoost 0.4950 (difference "
        "0.005000, 95% interval 0.002055 to 0.007945, over 5 folds). All of the interval is within 5 % of what "
        "the better one gains over the same answer for every row. There surely is a difference, of a size that this "
        "comparison calls no matter."
    )
    assert found.winner is None
    alike = comparison(one("network", 0.495, 0.002), one("xgboost", 0.495), one("baseline", 0.7))
    assert alike.verdict.endswith("for every row.")


def test_level_as_far_as_the_rows_can_tell():
    found = comparison(one("network", 0.5, 0.1), one("forest", 0.45))
    assert found.verdict == (
        "Level as far as these rows can tell: choose by what you need. The network's log-loss is 0.5000, that of the "
        "random forest 0.4500 (difference 0.05000, 95% interval −0.09724 to 0.1972, over 5 folds). More rows would be "
        "needed to tell them apart."
    )
    cut = comparison(one("network", 0.5, 0.1), one("forest", 0.45), cut=("only 1 of 5 folds were run",))
    assert cut.verdict.endswith("More rows, or a larger budget, would be needed to tell them apart.")


def test_the_best_of_several_trees_needs_a_wider_interval_and_the_sentence_says_so():
    # Of two kinds of trees these figures are enough (above); the third widens the interval to 0.2 ± 0.21.
    found = comparison(one("network", 0.7, 0.1), one("tree", 0.6), one("boosting", 0.5), one("forest", 0.6))
    assert found.winner is None and found.outcome is not None and found.outcome.certainty == "open"
    assert found.verdict.endswith(
        "95% interval 0.05276 to 0.3472, over 5 folds). The interval excludes 0, but not the wider one that the best "
        "of several, who may be lucky, needs. More rows would be needed to tell them apart."
    )


def test_neither_is_better_than_the_same_answer():
    found = comparison(one("network", 0.69, 0.1), one("tree", 0.7), one("baseline", 0.69))
    said = "to 0.1372, over 5 folds). By these folds neither can be told from always giving the same answer."
    assert said in found.verdict
    worse = comparison(one("network", 0.9, 0.01), one("tree", 0.8, 0.01), one("baseline", 0.69))
    assert " Both are worse than always giving the same answer." in worse.verdict
    better = comparison(one("network", 0.4, 0.01), one("tree", 0.7), one("baseline", 0.69))
    assert "neither" not in better.verdict
    unsteady = comparison(one("network", 0.4, 0.3), one("tree", 0.5, 0.01), one("baseline", 0.69))
    assert "neither" not in unsteady.verdict  # the tree can be told from it, though the network is better on average


def test_parts_of_one_fold_are_called_so():
    found = comparison(one("network", 0.25), one("tree", 0.5, 0.02), settings={**SETTINGS, "run": 1})
    assert "over 5 parts of one fold)" in found.verdict


def test_without_both_sides_the_best_is_named():
    found = comparison(one("linear", 0.5), one("tree", 0.4))
    assert found.verdict == "Of those compared the pruned tree has the best log-loss: 0.4000."
    assert found.reasons == []
    level = comparison(one("linear", 0.5), one("tree", 0.4), one("baseline", 0.4))
    assert level.verdict == (
        "Of those compared the pruned tree and always the same answer have the best log-loss: 0.4000."
    )
    assert level.reasons == []  # a tree that is no better than the same answer is no model to read


def test_where_more_is_better_the_difference_has_no_sign():
    others = {"log_loss": [0.5] * 5, "error": [0.1] * 5, "calibration": [0.05] * 5}
    network, tree = (
        result(name, {**others, "auc": shifted(centre, spread)})
        for name, centre, spread in (("network", 0.9, 0.0), ("tree", 0.8, 0.02))
    )
    found = comparison(network, tree, measure="auc")
    assert found.verdict == (
        "The network does better here, clearly: the network's AUC is 0.9000, that of the pruned tree 0.8000 "
        "(difference 0.1000, 95% interval 0.0706 to 0.1294, over 5 folds)."
    )
    assert [each.name for each in judgement.ranked(found)] == ["network", "tree"]


def test_another_measure_that_says_otherwise():
    network = result("network", {**BY_CLASS, "log_loss": shifted(0.25, 0.01), "error": shifted(0.3, 0.01)})
    tree = result("tree", {**BY_CLASS, "log_loss": [0.5] * 5, "error": [0.2] * 5})
    # 1.4724 · 0.01 = 0.0147
    assert comparison(network, tree).reasons[0] == (
        "By error trees are better (difference 10.0%, 95% interval 8.5% to 11.5%): choose the measure that your use "
        "needs."
    )
    assert comparison(tree, network).reasons[0].startswith("By error trees are better")
    assert comparison(network, tree, measure="error").reasons[0].startswith("By log-loss the network is better")


def test_another_measure_by_which_they_are_level():
    figures = {"calibration": [0.05] * 5, "auc": [0.9] * 5}
    network = result("network", {**figures, "log_loss": shifted(0.25, 0.01), "error": [0.2] * 5})
    tree = result("tree", {**figures, "log_loss": [0.5] * 5, "error": [0.2] * 5})
    baseline = result(
        "baseline", {"log_loss": [0.7] * 5, "error": [0.5] * 5, "auc": [0.5] * 5, "calibration": [0.1] * 5}
    )
    said = [reason for reason in comparison(network, tree, baseline).reasons if reason.startswith("By error")]
    assert said == [
        "By error they are level (difference 0.0%, 95% interval 0.0% to 0.0%): choose the measure that your use needs."
    ]


def test_a_simpler_model_that_does_as_well():
    baseline = one("baseline", 0.7)
    linear = one("linear", 0.26, 0.02, count=13, unit="coefficients")
    tree = one("tree", 0.5, 0.02, count=7, unit="leaves")
    reasons = comparison(one("network", 0.25), linear, tree, baseline).reasons
    assert reasons[0] == (
        "The linear model (13 coefficients) cannot be told from the best, the network, on these rows, and it has the "
        "fewest numbers to explain."
    )
    assert not any("read as rules" in reason for reason in reasons)  # it is worse
    best = comparison(one("network", 0.6), one("tree", 0.5, 0.02, count=7, unit="leaves"), baseline).reasons
    assert best[0] == "The pruned tree (7 leaves) is the best of all, and it can be read as rules."
    large = comparison(one("network", 0.6), one("tree", 0.5, 0.02, count=33, unit="leaves"), baseline).reasons
    assert not any("read as rules" in reason for reason in large)
    hopeless = comparison(one("network", 0.69, 0.1), one("linear", 0.7, 0.1), tree, baseline).reasons
    assert not any("linear" in reason for reason in hopeless)


def test_properties_are_counted_and_experiments_speak():
    tendencies = [SimpleNamespace(towards=side) for side in ("network", "trees", "network", "neither")]
    trials = [
        SimpleNamespace(towards="trees", because="Columns that tell nothing hurt the network more."),
        SimpleNamespace(towards="neither", because="Both bear it."),
    ]
    reasons = comparison(one("network", 0.25), one("tree", 0.5), tendencies=tendencies, trials=trials).reasons
    counted = [reason for reason in reasons if reason.startswith("Properties of the data")]
    assert len(counted) == 1
    assert counted[0].startswith("Properties of the data: 2 to the network and 1 to trees, of 4.")
    assert "Columns that tell nothing hurt the network more." in reasons and "Both bear it." not in reasons


def test_what_they_cost():
    network = one("network", 0.25, fit_seconds=75.0, size=108_000_000)
    assert comparison(network, one("tree", 0.5)).reasons[-1] == (
        "To train takes the network 75 s and the pruned tree 250 ms; one row 12 µs and 12 µs; the files have 108 MB "
        "and 145 kB."
    )


def test_they_are_ranked_by_the_measure_that_decides_whatever_is_missing():
    figures = {"log_loss": [0.5] * 5, "error": [0.1] * 5, "calibration": [0.05] * 5}
    found = comparison(
        result("network", {**figures, "auc": [None] * 5}),
        result("tree", {**figures, "auc": [0.7, None, 0.7, 0.7, 0.7]}),
        result("forest", {**figures, "auc": shifted(0.8)}),
        measure="auc",
    )
    assert [each.name for each in judgement.ranked(found)] == ["forest", "tree", "network"]


def test_every_contender_is_called_something_and_a_stranger_by_its_name():
    assert all(one.called for one in CONTENDERS.values()) and judgement.called("network") == "the network"
    assert judgement.called("my own") == "my own"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(1.2e-7, "0.1 µs"), (9.4e-6, "9.4 µs"), (1e-3, "1.0 ms"), (0.9994, "999 ms"), (1.0, "1.0 s"), (12.4, "12 s")],
)
def test_times_for_reading(seconds, shown):
    assert judgement.seconds(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (1_234, "1.23 kB"), (5 * 10**12, "5e+03 GB")]
)
def test_sizes_for_reading(count, shown):
    assert judgement.size(count) == shown


def test_a_verdict_says_who_was_left_out_and_from_how_few_rows_they_learnt():
    settings = {**SETTINGS, "learnt_from": 200, "left_out": ["gradient boosting"]}
    found = comparison(one("network", 0.5, 0.1), one("forest", 0.45), settings=settings)
    assert "over 5 folds, learnt from 200 of 400 training rows each), gradient boosting left out." in found.verdict


def test_parts_of_few_folds_make_nothing_clear():
    rest = {key: [0.1] * 10 for key in ("error", "auc", "calibration")}
    results = [
        result("network", {"log_loss": shifted(0.5, 0.002, 10), **rest}),
        result("tree", {"log_loss": [0.3] * 10, **rest}),
    ]
    found = comparison(*results, settings={**SETTINGS, "run": 2})
    assert found.verdict.startswith("Trees do better here, probably") and "over 10 parts of 2 folds" in found.verdict
    assert comparison(*results, settings={**SETTINGS, "run": 10}).verdict.startswith("Trees do better here, clearly")
