"""boundaries: the columns that matter, axes of every kind, and answers on the grid that follow the rule in the data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from figures import assert_labelled
from small_comparisons import QUICK, TASKS, comparison, frame
from thalweg import boundaries, boundary_plots, comparison_plots, plots
from thalweg.boundaries import GRID, VALUES, Axis, boundary, column_importance
from thalweg.cells import Kind
from thalweg.comparing import compare
from thalweg.table import Column, as_column, read


def by_a_rule(rows: int = 197) -> pd.DataFrame:
    """The class is b > 5 and nothing else matters, but for a, which matters a little."""
    rng = np.random.default_rng(11)
    table = pd.DataFrame({"noise": rng.normal(size=rows), "a": rng.uniform(0, 10, rows), "b": rng.uniform(0, 10, rows)})
    table["y"] = np.where((table["b"] > 5) | (table["a"] > 9), "high", "low")
    return table


@pytest.fixture(scope="module")
def ruled():
    return compare(
        by_a_rule(), "y", contenders=["network", "tree", "baseline"], evidence=False, **{**QUICK, "epochs": 28}
    )


# --- Which columns ----------------------------------------------------------------------------------------------------


def test_the_columns_that_decide_are_the_important_ones(ruled):
    found = column_importance(ruled)
    assert list(found) == ["noise", "a", "b"] and sum(found.values()) == pytest.approx(1.0)
    assert found["b"] > 0.6 and found["b"] > found["a"] > found["noise"]


def test_who_has_learnt_nothing_has_no_say(ruled):
    run = ruled.runs[0]
    b = [*run.encoder.columns].index("b")

    def guess(bout):  # all but the same answer, by a column that tells nothing
        p = 0.5 + 1e-3 * np.sign(bout.plain[:, 0])
        return np.stack([p, 1.0 - p], axis=1)

    lost = replace(run.answers["network"], fitted=replace(run.answers["network"].fitted, outputs=guess))
    weak = replace(ruled, runs=(replace(run, answers={**run.answers, "network": lost}),))
    assert list(column_importance(weak).values())[b] > 0.6


@pytest.mark.parametrize("task", TASKS)
def test_importance_is_of_columns_not_of_features(task):
    compared = comparison(task)
    found = column_importance(compared)
    assert list(found) == list(compared.runs[0].encoder.columns)
    assert min(found.values()) >= 0.0 and sum(found.values()) == pytest.approx(1.0)


def test_of_many_columns_the_trees_are_asked_about_those_that_matter_to_the_network(ruled, monkeypatch):
    monkeypatch.setattr(boundaries, "MANY_COLUMNS", 2)
    monkeypatch.setattr(boundaries, "OF_MANY", 1)
    run, asked = ruled.runs[0], []
    network, tree = run.answers["network"], run.answers["tree"]
    b = [*run.encoder.columns].index("b")

    def knows(bout):
        p = np.where(bout.plain[:, b] > 5, 0.9, 0.1)
        return np.stack([p, 1.0 - p], axis=1)

    def counted(bout):
        asked.append(bout.n)
        return tree.fitted.outputs(bout)

    def found(told):
        answers = {
            "network": replace(network, fitted=replace(network.fitted, outputs=told)),
            "tree": replace(tree, fitted=replace(tree.fitted, outputs=counted)),
        }
        asked.clear()
        return column_importance(replace(ruled, runs=(replace(run, answers={**run.answers, **answers}),)))

    importance = found(knows)
    assert len(asked) == 2 + boundaries.MANY_REPEATS  # as they are, one column shuffled, and once more as they are
    assert importance["b"] == pytest.approx(1.0) and sum(importance.values()) == pytest.approx(1.0)
    found(lambda bout: np.full((bout.n, 2), 0.5))  # has learnt nothing
    assert len(asked) == 2 + 3 * boundaries.MANY_REPEATS


# --- Axes -------------------------------------------------------------------------------------------------------------


def test_an_axis_of_numbers_leaves_out_one_row_in_a_hundred_on_either_side(rng):
    values = np.append(rng.normal(size=1009), [1e9, np.nan])
    axis = Axis.of(as_column("x", values))
    assert axis is not None and len(axis.places) == GRID and not axis.labels
    assert axis.places[0] == np.nanquantile(values, 0.01) and axis.places[-1] == np.nanquantile(values, 0.99)
    assert axis.places[-1] < 10
    cells = axis.cells(np.array([0, GRID - 1]))
    assert cells.values.tolist() == axis.places[[0, -1]].tolist() and not cells.missing.any()
    along = axis.along(as_column("x", np.array([0.0, 1e9, np.nan])))
    assert along[0] == 0.0 and np.isnan(along[1:]).all()


def test_an_axis_of_mostly_one_number_spans_all_of_them():
    axis = Axis.of(as_column("x", np.append(np.zeros(997), [4.0])))
    assert axis is not None and (axis.places[0], axis.places[-1]) == (0.0, 4.0)


@pytest.mark.parametrize(
    "cells", [np.full(7, 3.0), np.full(5, np.nan), np.array([-1.7e308, 1.7e308]), np.array(["a", "a"], dtype=object)]
)
def test_what_does_not_vary_or_is_too_wide_is_no_axis(cells):
    assert Axis.of(as_column("x", cells)) is None


def test_an_axis_of_values_has_the_most_frequent_ones_in_order():
    words = np.array([f"w{i:02}" for i in range(19) for _ in range(1 + (i * 7) % 19)], dtype=object)
    axis = Axis.of(as_column("x", words))
    most = sorted(pd.Series(words).value_counts().index[:VALUES])
    assert axis is not None and list(axis.labels) == most
    assert axis.cells(np.array([1, 0])).values.tolist() == [most[1], most[0]]
    rare = (set(words.tolist()) - set(most)).pop()
    along = axis.along(as_column("x", np.array([most[3], rare], dtype=object)))
    assert along[0] == 3 and np.isnan(along[1])


def test_booleans_and_dates_come_back_as_cells():
    truth = Axis.of(as_column("x", np.array([True, False, True])))
    assert truth is not None and truth.labels == ("false", "true")
    assert truth.cells(np.array([1, 0])).values.tolist() == [True, False]
    assert truth.along(as_column("x", np.array([True, False]))).tolist() == [1.0, 0.0]
    days = np.arange("2024-01-31", "2024-05-10", dtype="M8[D]").astype("M8[us]")
    column = Column("d", Kind.DATE, days, np.zeros(len(days), dtype=bool))
    axis = Axis.of(column)
    assert axis is not None and axis.kind is Kind.DATE and axis.places[0] == pytest.approx(19753 + 0.99)
    back = axis.along(axis.cells(np.arange(GRID)))
    assert np.allclose(back[1:-1], axis.places[1:-1], atol=1e-9)
    gone = Column("d", Kind.DATE, np.array(["NaT"], dtype="M8[us]"), np.array([True]))
    assert np.isnan(axis.along(gone)).all()


# --- Boundaries -------------------------------------------------------------------------------------------------------


def test_the_tree_s_answers_follow_the_rule(ruled):
    found = boundary(ruled)
    assert found is not None and (found.x.column, found.y.column) == ("b", "a") and found.classes == ("high", "low")
    x, y = np.meshgrid(found.x.places, found.y.places)
    clear = (np.abs(x - 5) > 0.5) & (y < 8.5)
    assert ((found.answers["tree"] > 0.5) == (x < 5))[clear].all()
    assert found.losses["tree"] < 0.3 and found.rows == len(ruled.runs[0].train)


@pytest.mark.parametrize("task", TASKS)
def test_answers_and_points_are_what_can_be_drawn(task):
    compared = comparison(task)
    found = boundary(compared)
    assert found is not None and list(found.answers) == ["network", "tree"]
    for answers in found.answers.values():
        assert answers.shape == (len(found.y.places), len(found.x.places)) and np.isfinite(answers).all()
    every = np.concatenate([answers.ravel() for answers in found.answers.values()])
    if task == "two classes":
        assert 0.0 <= every.min() and every.max() <= 1.0
    elif task == "five classes":
        assert set(every.tolist()) <= set(range(5)) and len(compared.classes) == 5
    else:
        assert 900 < every.min() and every.max() < 1100
    assert 0 < len(found.at_x) == len(found.at_y) == len(found.outcomes) <= len(compared.runs[0].test)
    for axis, places in ((found.x, found.at_x), (found.y, found.at_y)):
        assert axis.places[0] <= places.min() and places.max() <= axis.places[-1]


def test_points_stand_where_the_table_has_them():
    found, compared = boundary(comparison("number")), comparison("number")
    assert found is not None
    table = frame()
    rows = {(float(number)) for number in table["number"].iloc[compared.runs[0].test]}
    assert set(found.outcomes.tolist()) <= rows
    for name, places in ((found.x.column, found.at_x), (found.y.column, found.at_y)):
        if name in ("length", "width"):
            cells = dict(zip(table["number"], table[name], strict=True))
            assert [cells[outcome] for outcome in found.outcomes.tolist()] == places.tolist()


@pytest.mark.parametrize("columns", [["colour", "heavy"], ["day", "colour"], ["day", "length"]])
@pytest.mark.parametrize("task", TASKS)
def test_axes_of_every_kind_can_be_drawn(columns, task):
    table = frame()[[*columns, task]]
    found = boundary(compare(table, task, contenders=["tree", "network"], evidence=False, **QUICK))
    assert found is not None and {found.x.column, found.y.column} == set(columns)
    assert_labelled(boundary_plots.boundary(found), ["The network", "The pruned tree", *columns])


@pytest.mark.parametrize("task", TASKS)
def test_one_alone_is_drawn_alone(task):
    found = boundary(comparison(task, ("tree", "baseline")))
    assert found is not None and list(found.answers) == ["tree"]
    figure = boundary_plots.boundary(found)
    assert_labelled(figure, ["The pruned tree"])
    assert plots.svg(figure) == plots.svg(boundary_plots.boundary(found))


def test_without_explainers_or_with_one_column_there_is_none():
    assert boundary(comparison("two classes", ("linear", "baseline"))) is None
    table = frame()[["length", "two classes"]]
    assert boundary(compare(table, "two classes", contenders=["tree", "baseline"], evidence=False, **QUICK)) is None


def test_more_classes_than_colours_share_the_last_one():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"a": rng.normal(size=210), "b": rng.normal(size=210), "y": np.arange(210) % 11})
    compared = compare(
        read(table), "y", task="classification", contenders=["tree", "baseline"], evidence=False, **QUICK
    )
    found = boundary(compared)
    assert found is not None and len(found.classes) == 11
    assert_labelled(boundary_plots.boundary(found), ["5 other classes"])


# --- The other figures ------------------------------------------------------------------------------------------------


def test_the_forest_says_which_intervals_tell_something():
    means = np.array([-0.3, 0.4, 0.0])
    figure = comparison_plots.forest(["a", "<b> & $c$", "c"], means, means - 0.1, means + 0.1, margin=0.05, measure="m")
    assert_labelled(
        figure, ["a", "<b> & $c$", "no matter", "the network is better", "the network is worse", "not to be told", "m"]
    )
    plain: Any = comparison_plots.forest([], *(np.zeros(0),) * 3)
    assert_labelled(plain, ["nobody else"])


def test_figures_fold_by_fold_show_every_fold_that_has_one():
    figure = comparison_plots.by_fold(
        ["a", "b", "c"], [np.array([1.0, 3.0]), np.array([np.nan, 5.0]), np.full(2, np.nan)]
    )
    axes = figure.axes[0]
    assert [np.asarray(line.get_xdata()).tolist() for line in axes.lines] == [[1.0, 3.0], [2.0], [5.0], [5.0]]


@pytest.mark.parametrize("several", [False, True])
def test_calibrations_of_several_stand_in_one_figure(rng, several):
    p = rng.dirichlet(np.ones(5), 211) if several else rng.random(211)
    y = rng.integers(0, 5 if several else 2, 211)
    figure: Any = comparison_plots.calibrations({"the network": (p, y), "a tree": (p, y)})
    assert_labelled(figure, ["the network, mean gap", "a tree, mean gap", "perfectly calibrated", "rows"])
    first, second = (container.lines[0].get_ydata() for container in figure.axes[0].containers)
    found = plots.calibration_bins(p, y)
    assert np.array_equal(first, found.came) and np.array_equal(second, found.came) and found.count.sum() == 211


def test_a_learning_curve_has_a_line_for_each():
    rows = np.array([53, 107, 211])
    losses = {"the network": np.array([0.9, np.nan, 0.4]), "trees": np.array([0.5, 0.4, 0.3])}
    figure = comparison_plots.learning_curves(rows, losses, measure="log-loss")
    assert_labelled(figure, ["the network", "trees", "training rows", "log-loss"])
