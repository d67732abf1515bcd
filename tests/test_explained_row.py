"""explained_row: the row on which both disagree, and that what explains it is what was compared."""

import json

import numpy as np
import pytest

from small_comparisons import QUICK, TASKS, comparison, frame
from thalweg.comparing import compare
from thalweg.errors import InputError, TableError
from thalweg.explained_row import explained_row
from thalweg.features import Number
from thalweg.targets import NumberTarget


def answers(found, compared):
    """What network and tree answered to the explained row during the comparison."""
    run = compared.runs[found.fold - 1]
    (place,) = np.flatnonzero([compared.table.row_number(int(index)) == found.row for index in run.test])
    return (run.answers[name].outputs[place] for name in ("network", "tree"))


@pytest.mark.parametrize("task", TASKS)
def test_it_is_the_row_on_which_both_disagree_most(task):
    compared = comparison(task)
    found = explained_row(compared)
    assert found is not None
    gaps = [
        float(np.abs(run.answers["network"].outputs[i] - run.answers["tree"].outputs[i]).sum())
        for run in compared.runs
        for i in range(len(run.test))
    ]
    ours, tree = answers(found, compared)
    assert np.abs(ours - tree).sum() == pytest.approx(max(gaps))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("row", [None, 1, 4, 211])
def test_both_explain_what_they_answered_in_the_comparison(task, row):
    compared = comparison(task)
    found = explained_row(compared, row)
    assert found is not None and found.network is not None and found.tree is not None
    assert row is None or found.row == row == found.network.row
    ours, tree = answers(found, compared)
    target = found.network.model.encoder.target_roles[0]
    if isinstance(target, NumberTarget):
        assert found.network.trained * target.deviation + target.mean == pytest.approx(ours, rel=1e-6)
        assert float(found.tree.answer.split()[0].replace(",", "")) == pytest.approx(tree, rel=1e-3)
    else:
        assert found.network.trained == pytest.approx(ours.max(), rel=1e-6)
        assert found.tree.answer.startswith(str(compared.classes[int(tree.argmax())]))
        assert f"{tree.max():.1%}" in found.tree.answer
    # The shares of the columns sum to what they share out.
    shares = sum(share for _, _, share, _ in found.network.columns)
    assert shares == pytest.approx(found.network.attribution.difference * found.network.scale, rel=0.02, abs=1e-3)
    # The cells are those of the table, and the row is one that this fold has not learnt from.
    cells = frame().iloc[found.row - 1]
    assert found.network.cells["colour"] == cells["colour"] and found.target == str(found.network.target)
    assert found.row - 1 not in compared.runs[found.fold - 1].train


@pytest.mark.parametrize("task", TASKS)
def test_the_tree_s_questions_are_true_of_the_row(task):
    compared = comparison(task)
    for row in range(1, 212, 8):
        found = explained_row(compared, row)
        assert found is not None and found.tree is not None
        cells = frame().iloc[row - 1]
        for one in found.tree.questions:
            said = one.said.rpartition(", so ")[2].replace("−", "-").replace(",", "")
            name, _, bound = said.rpartition(" ≤ " if " ≤ " in said else " > ")
            if name in ("length", "width") and one.cell != "(missing)":
                value = float(cells[name])
                assert (
                    value <= float(bound) * (1 + 1e-5 * np.sign(float(bound)))
                    if " ≤ " in said
                    else value > float(bound) * (1 - 1e-5 * np.sign(float(bound)))
                )
            elif said.startswith("colour is not "):
                assert cells["colour"] != said.removeprefix("colour is not ")
            elif said.startswith("colour is "):
                assert cells["colour"] == said.removeprefix("colour is ")


@pytest.mark.parametrize("task", TASKS)
def test_it_is_there_as_text_and_as_json(task):
    found = explained_row(comparison(task))
    assert found is not None and found.tree is not None and found.network is not None
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["row"] == found.row and plain["tree"]["answer"] == found.tree.answer
    assert [one["column"] for one in plain["network"]["columns"]] == [name for name, *_ in found.network.columns]
    text = str(found)
    assert text.startswith(f"Row {found.row}\n") and "The pruned tree" in text and "integrated gradients" in text
    assert found.network.prediction in " ".join(text.split())


def test_one_alone_explains_the_row_that_it_answers_worst():
    for who in ("network", "tree"):
        compared = comparison("two classes", (who, "baseline"))
        found = explained_row(compared)
        assert found is not None
        assert (found.network is None) == (who == "tree") and (found.tree is None) == (who == "network")
        wrong = [
            (1.0 - run.answers[who].outputs[i, run.tested.y[i]], compared.table.row_number(int(run.test[i])))
            for run in compared.runs
            for i in range(len(run.test))
        ]
        assert dict((row, gap) for gap, row in wrong)[found.row] == max(gap for gap, _ in wrong)
        assert json.dumps(found.to_dict()) and str(found)
    assert explained_row(comparison("two classes", ("linear", "baseline"))) is None


def test_a_tree_of_one_leaf_has_no_question():
    rng = np.random.default_rng(3)
    table = frame()[["length", "width"]].assign(y=rng.permutation(np.repeat(["a", "b"], [106, 105])))
    found = explained_row(compare(table, "y", contenders=["tree", "baseline"], evidence=False, **QUICK))
    assert found is not None and found.tree is not None and not found.tree.questions
    assert "one leaf" in str(found)


def test_rows_that_are_not_there_are_refused():
    compared = comparison("two classes")
    for row in (0, -3, True, 2.0, "7"):
        with pytest.raises(InputError, match="numbered from 1"):
            explained_row(compared, row)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TableError, match="no row 212 with a target"):
        explained_row(compared, 212)


def test_rows_keep_their_numbers_where_others_lack_the_target_or_were_never_tested():
    table = frame().drop(columns=["five classes", "number"])
    table.loc[[0, 4], "two classes"] = None
    compared = compare(table, "two classes", contenders=["network", "tree"], evidence=False, time="day", **QUICK)
    with pytest.raises(TableError, match="no row 5 with a target"):
        explained_row(compared, 5)
    tested = {compared.table.row_number(int(i)) for run in compared.runs for i in run.test}
    first = min(tested)
    found = explained_row(compared, first)
    assert found is not None and found.row == first
    assert found.network is not None and found.network.cells["colour"] == table["colour"][first - 1]
    never = min(set(range(6, 212)) - tested)
    with pytest.raises(TableError, match="no fold that was run tested row"):
        explained_row(compared, never)


def test_the_inputs_are_those_of_the_fold_s_own_encoder():
    compared = comparison("number")
    found = explained_row(compared, 1)
    assert found is not None and found.network is not None
    run = compared.runs[found.fold - 1]
    role = next(one for one in run.encoder.roles if isinstance(one, Number))
    learnt_from = frame()["length"].to_numpy()[run.train]
    assert role.column == "length" and role.scale.centre == pytest.approx(np.median(learnt_from))
