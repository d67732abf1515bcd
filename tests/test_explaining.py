"""One row through a trained model: cells to inputs, both passes, what carried the decision; and what is refused."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import thalweg as tw
from command_line import RECIPE, mails, others, write_csv
from thalweg import table, writers
from thalweg.arithmetic import Arithmetic, Rounding
from thalweg.attribution import attribute
from thalweg.conventions import Conventions
from thalweg.document import Document, Heading, Paragraph, Table
from thalweg.explaining import MISSING, SHOWN_INPUTS, RowExplanation, explain
from thalweg.pieces import plain


TARGETS = {
    "classes": ("spam",), "four classes": ("grade",), "number": ("score",), "numbers": ("score", "delay"),
    "yes or no, twice": ("spam", "urgent"),
}  # fmt: skip
MISSES = 4  # the row whose length is missing


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tables") / "mails.csv", mails())


@pytest.fixture(scope="module")
def models(data):
    return {
        name: tw.fit(data, list(targets), drop=others(*targets).split(","), **RECIPE)
        for name, targets in TARGETS.items()
    }


@pytest.fixture(params=TARGETS)
def model(request, models) -> tw.Model:
    return models[request.param]


def tables(found: RowExplanation) -> list[Table]:
    return [block for block in found.blocks() if isinstance(block, Table)]


def number(cell) -> float:
    return float(cell.replace("−", "-"))


# --- The row ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [1, MISSES, 211])
def test_the_row_is_that_of_the_table_and_the_model(model, data, row):
    found = explain(model, data, row)
    names, *rows = (line.split(",") for line in data.read_text().splitlines())
    typed = dict(zip(names, rows[row - 1], strict=True))
    for name, cell in found.cells.items():
        is_number = name == "length" and typed[name]
        assert (float(cell) == float(typed[name])) if is_number else (cell == (typed[name] or MISSING)), name
    assert set(found.cells) == set(model.encoder.columns) and found.row == row
    one = table.read(data).take(slice(row - 1, row))
    np.testing.assert_array_equal(found.attribution.x, model.encoder.encode(one)[0])
    outputs = model.outputs(one)[0]
    assert found.trained == float(outputs[found.attribution.output - 1])
    predicted = np.atleast_1d(model.predict(one)[0])
    for name, value in zip(model.encoder.targets, predicted, strict=True):
        assert f"{name} = " in found.prediction
        if model.encoder.task != "regression":
            assert f"{name} = {value}".lower() in found.prediction


def test_the_passes_are_those_of_the_trained_network_in_float64(model, data):
    found = explain(model, data, 17)
    t, last = found.trace, len(model.network.layers)
    one = table.read(data).take(slice(16, 17))
    X, Y = model.encoder.encode(one), model.encoder.encode_targets(one)
    outputs = tw.predict(model.network, model.parameters.astype(float), X, engine="reference")[0]
    for k, value in enumerate(outputs, 1):
        assert t["z", last, k].result == pytest.approx(value, rel=1e-12)
    assert found.attribution.value == pytest.approx(outputs[found.attribution.output - 1], rel=1e-12)
    assert found.trained == pytest.approx(found.attribution.value, rel=1e-4, abs=1e-5)
    loss, gradient = tw.loss_and_gradient(
        model.network, model.parameters.astype(float), X, Y, engine="reference", dtype="float64"
    )
    assert t["E"].result == pytest.approx(loss, rel=1e-12)
    dW, db = model.network.views(gradient)[0]
    assert db is not None
    assert t.gradient_of(1, 2, 3).step.result == pytest.approx(dW[1, 2], rel=1e-9, abs=1e-15)
    assert t.gradient_of(1, "b", 3).step.result == pytest.approx(db[2], rel=1e-9, abs=1e-15)


def test_the_output_that_is_explained_is_the_one_that_decided(models, data):
    for row in (1, 2, 3, 5, 8):
        one = table.read(data).take(slice(row - 1, row))
        for name in ("classes", "four classes"):
            found = explain(models[name], data, row)
            outputs = models[name].outputs(one)[0]
            assert found.attribution.output == int(np.argmax(outputs)) + 1
            assert found.output_name == f"{TARGETS[name][0]} = {models[name].predict(one)[0]}"
            assert f"(probability {outputs.max():.4g})" in found.prediction
        for name in ("number", "numbers", "yes or no, twice"):
            assert explain(models[name], data, row).output_name == TARGETS[name][0]


def test_any_other_output_can_be_explained_in_the_unit_of_its_own_target(models, data):
    numbers = models["numbers"]
    both = [explain(numbers, data, 17, output=output) for output in (1, 2)]
    zero = tw.predict(numbers.network, numbers.parameters.astype(float), np.zeros((1, numbers.network.sizes[0])))
    first, second = numbers.encoder.decode(zero)[0], numbers.predict(table.read(data).take(slice(16, 17)))[0]
    for found, name, low, high in zip(both, ("score", "delay"), first, second, strict=True):
        assert found.output_name == name
        assert sum(share for _, _, share, _ in found.columns) == pytest.approx(high - low, rel=2e-3, abs=1e-3)
    assert explain(models["four classes"], data, 17, output=3).output_name == "grade = 2"
    for wrong in (0, 3, 1.5):
        with pytest.raises(tw.InputError, match="output, a unit of the last layer, must be a whole number from 1 to 2"):
            explain(numbers, data, 17, output=wrong)  # type: ignore[arg-type]


def test_rows_are_counted_from_1_in_every_source(models, data, tmp_path):
    frame = pd.read_csv(data)
    frame.to_parquet(tmp_path / "mails.parquet")
    sources = (data, str(data), frame, table.read(data), tmp_path / "mails.parquet", f"SELECT * FROM '{data}'")
    expected = explain(models["number"], data, 7).to_dict()
    for source in sources:
        found = explain(models["number"], source, 7).to_dict()
        assert {name: cell for name, cell in found.items() if name != "cells"} == {
            name: cell for name, cell in expected.items() if name != "cells"
        }
    whole_number: Any = np.int64(7)
    assert explain(models["number"], frame, whole_number).row == 7


def test_a_row_far_down_is_found():
    rows = "SELECT range % 7 AS x, (range % 7 > 3)::INT AS y FROM range(200)"
    model = tw.fit(rows, "y", epochs=2, hidden=(3,))
    many = "SELECT range % 7 AS x, range AS n, (range % 7 > 3)::INT AS y FROM range(150000)"
    assert 150_000 > table._ROWS
    assert explain(model, many, 150_000).cells == {"x": str(149_999 % 7)}
    with pytest.raises(tw.TableError, match="the query has rows 1 to 150,000, and no row 150,001; choose one of them"):
        explain(model, many, 150_001)


# --- From cells to inputs ---------------------------------------------------------------------------------------------


def test_each_printed_scaling_leads_from_the_cell_to_the_printed_value(model, data):
    """s = (cell − median)/spread and then s/√(1 + (s/3)²), recomputed from what is printed."""
    for row in (3, 5, 29):
        found = explain(model, data, row)
        rows = tables(found)[0].rows
        scaled = 0
        for i, column, cell, becomes, value in rows:
            assert (
                isinstance(column, str)
                and model.encoder.feature_columns[int(str(i)) - 1] == column
                and found.cells[column] == cell
            )
            formula = re.fullmatch(r"\(([^ ]+) − \(?([^ )]+)\)?\)/(.+)", str(becomes))
            if formula:
                scaled += 1
                typed, centre, width = map(number, formula.groups())
                s = (typed - centre) / width
                assert typed == float(str(cell)) and number(value) == pytest.approx(s / np.hypot(1, s / 3), rel=1e-4)
            else:
                assert becomes == model.encoder.feature_names[int(str(i)) - 1]
                assert number(value) == pytest.approx(found.attribution.x[int(str(i)) - 1], rel=1e-5)
        assert scaled == 1  # length is the only number


def test_a_missing_cell_and_the_slots_of_a_category_are_named(models, data):
    found = explain(models["number"], data, MISSES)
    assert found.cells["length"] == MISSING
    rows = {str(becomes): (cell, value) for _, _, cell, becomes, value in tables(found)[0].rows}
    if "length is missing" in rows:
        assert rows["length is missing"] == (MISSING, "1")
    sender = found.cells["sender"]
    assert rows[f"sender = {sender}"] == (sender, "1")
    assert rows["trusted"] == (found.cells["trusted"], "1" if found.cells["trusted"] == "true" else "−1")
    assert {value for name, (_, value) in rows.items() if name.startswith("sender = ") and sender not in name} == {"0"}


# --- What carried the decision ----------------------------------------------------------------------------------------


def test_the_shares_are_complete_and_in_the_unit_of_the_target(model, data):
    found = explain(model, data, 17)
    zero = tw.predict(model.network, model.parameters.astype(float), np.zeros((1, model.network.sizes[0])))
    unit = found.attribution.output - 1
    one = model.encoder.encode(table.read(data).take(slice(16, 17)))
    both = np.concatenate([zero, tw.predict(model.network, model.parameters.astype(float), one)])
    if model.encoder.task == "regression":
        decoded = np.atleast_2d(model.encoder.decode(both).T).T
        difference = decoded[1, unit] - decoded[0, unit]
    else:
        difference = both[1, unit] - both[0, unit]
    total = sum(share for _, _, share, _ in found.columns)
    assert total == pytest.approx(difference, rel=2e-3, abs=1e-5 * max(1.0, found.scale))
    plain_dict = found.to_dict()
    assert plain_dict["sum"] == pytest.approx(total, rel=1e-9) and plain_dict["difference"] == pytest.approx(
        difference, rel=1e-4, abs=1e-5 * found.scale
    )
    for layer in range(1, len(model.network.layers) + 1):
        flow = found.attribution.weight_flow(layer).sum() * found.scale
        assert flow == pytest.approx(total, rel=1e-6, abs=1e-9 * found.scale)


def test_columns_are_sums_over_their_inputs_the_largest_first(model, data):
    found = explain(model, data, 29)
    direct = attribute(model.network, model.parameters, found.attribution.x, output=found.attribution.output)
    names = np.array(model.encoder.feature_columns)
    sizes = [abs(share) for _, _, share, _ in found.columns]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == len(model.encoder.columns)
    for name, cell, share, slope in found.columns:
        assert cell == found.cells[name]
        assert share == pytest.approx(direct.integrated_gradients[names == name].sum() * found.scale, abs=1e-12)
        assert slope == pytest.approx(direct.gradient_times_input[names == name].sum() * found.scale, abs=1e-12)


def test_the_printed_tables_add_up(model, data):
    found = explain(model, data, 17)
    _, shares, weights = tables(found)
    total = sum(number(row[2]) for row in shares.rows)
    assert total == pytest.approx(
        found.to_dict()["sum"], rel=2e-3, abs=2e-3 * max(abs(number(r[2])) for r in shares.rows)
    )
    text = [plain(block.pieces) for block in found.blocks() if isinstance(block, Paragraph)]
    (sentence,) = [one for one in text if "The shares sum to" in one]
    said, difference = (float(one.replace("−", "-")) for one in re.findall(
        r"shares sum to ([−\d.·⁻⁰-⁹]+), the difference is ([−\d.·⁻⁰-⁹]+)[.:]", sentence)[0])  # fmt: skip
    assert said == pytest.approx(found.to_dict()["sum"], rel=1e-5)
    assert difference == pytest.approx(found.to_dict()["difference"], rel=1e-5)
    for which, below, above, flow in weights.rows:
        layer, i, j = map(int, str(which).split(","))
        assert number(flow) == pytest.approx(found.attribution.flows[layer - 1][i - 1, j - 1] * found.scale, rel=1e-3)
        assert below == (model.encoder.feature_names[i - 1] if layer == 1 else f"unit {i}")
        assert above == (f"output {j}" if layer == len(model.network.layers) else f"unit {j}")


def test_columns_that_carried_nothing_are_counted_only():
    rng = np.random.default_rng(3)
    numbers = rng.integers(-3, 4, size=(301, 17))
    frame = pd.DataFrame(np.concatenate([numbers, -numbers]), columns=[f"c{i}" for i in range(1, 18)])  # middle 0
    frame["y"] = frame["c1"] - frame["c2"] + 0.1 * rng.normal(size=602)
    middle = pd.DataFrame({**{name: [0] for name in frame.columns}, "c1": [3], "c2": [2], "y": [1.0]})
    model = tw.fit(frame, "y", hidden=(3,), epochs=3)
    whole = pd.concat([middle, frame])
    found = explain(model, whole, 1)
    zero = [role.scale.centre for role in model.encoder.roles if role.column not in ("c1", "c2")]  # type: ignore[attr-defined]
    inputs, shares, _ = tables(found)
    assert zero == [0.0] * 15 and {str(row[1]) for row in inputs.rows} == {"c1", "c2"}
    assert inputs.caption == "2 of 17 inputs, of the columns that carried most"
    assert [row[0] for row in shares.rows][-1] == "15 others" and shares.rows[-1][2:] == ("0", "0")
    nothing = explain(model, pd.DataFrame({name: [0] for name in frame.columns}), 1)
    assert len(tables(nothing)[1].rows) == 2 and "The shares sum to 0, the difference is 0." in writers.write(
        Document("", tuple(nothing.blocks())), "text"
    ).replace("\n", " ")
    busy = explain(model, frame.drop(columns="y").assign(y=1.0) + 1, 1)
    assert len(tables(busy)[1].rows) == SHOWN_INPUTS + 1 and len(tables(busy)[0].rows) == SHOWN_INPUTS
    total = sum(number(row[2]) for row in tables(busy)[1].rows)
    assert total == pytest.approx(busy.to_dict()["sum"], abs=1e-3 * max(abs(one[2]) for one in busy.columns))


# --- Targets that are not there ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["no column", "no cell"])
def test_without_a_target_there_is_the_forward_pass_and_what_carried_it(model, data, how):
    frame = pd.read_csv(data)
    targets = list(model.encoder.targets)
    frame = frame.drop(columns=targets) if how == "no column" else frame.assign(**{targets[0]: None})
    found, known = explain(model, frame, 17), explain(model, data, 17)
    assert (found.target, found.has_target) == (None, False) and known.has_target
    assert found.prediction == known.prediction and found.attribution.value == known.attribution.value
    text = [plain(block.pieces) for block in found.blocks() if isinstance(block, Paragraph)]
    assert "The table does not say what is right, so there is no error to go backward from." in text
    assert text[0] == f"The model says {found.prediction}."
    assert found.to_dict()["target"] is None


def test_what_is_right_is_said(models, data):
    frame = pd.read_csv(data)
    assert explain(models["classes"], data, 17).target == frame["spam"][16]
    numbers = explain(models["numbers"], data, 17)
    assert numbers.target == f"{frame['score'][16]:.10g}, {frame['delay'][16]:.10g}"
    heading, told, *_ = numbers.summary()
    assert isinstance(heading, Heading) and heading.text == "Row 17"
    assert isinstance(told, Paragraph)
    assert plain(told.pieces) == f"The model says {numbers.prediction}; in the table it is {numbers.target}."


# --- Plain types, and how it is written -------------------------------------------------------------------------------


def test_plain_types_say_the_same(model, data):
    found = explain(model, data, 17)
    plain_dict = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain_dict == found.to_dict() and plain_dict["row"] == 17 and plain_dict["cells"] == found.cells
    assert [one["value"] for one in plain_dict["inputs"]] == found.attribution.x.tolist()
    assert [one["name"] for one in plain_dict["inputs"]] == list(model.encoder.feature_names)
    assert [one["column"] for one in plain_dict["columns"]] == [name for name, *_ in found.columns]
    assert plain_dict["output_name"] == found.output_name and len(plain_dict["weights"]) == 10
    assert plain_dict["value_as_trained"] == found.trained and plain_dict["value"] == found.attribution.value


def test_arithmetic_conventions_and_rate_are_those_of_the_trace(models, data):
    arithmetic, conventions = Arithmetic("rounded", Rounding(3)), Conventions(error="L")
    found = explain(models["number"], data, 1, arithmetic=arithmetic, conventions=conventions, learning_rate=0.5)
    t: Any = found.trace
    assert (t.arithmetic, t.conventions, float(t.learning_rate)) == (arithmetic, conventions, 0.5)
    assert t["W_new", 1, 1, 1].result is not None and str(t["E"]).startswith("L = ")


def test_every_format_can_be_written(model, data):
    document = Document("Row 17", tuple(explain(model, data, 17).blocks()))
    for format in writers.WRITERS:
        assert "What carried the decision" in writers.write(document, format)


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [0, -1, 1.0, "1", None, True])
def test_a_row_that_is_no_number_is_refused(models, data, row):
    with pytest.raises(
        tw.InputError, match=f"rows are numbered from 1, the header not counted; there is no row {row!r}"
    ):
        explain(models["number"], data, row)


def test_a_row_or_a_column_that_is_not_there_is_refused(models, data):
    with pytest.raises(tw.TableError, match="mails.csv has rows 1 to 211, and no row 212; choose one of them"):
        explain(models["number"], data, 212)
    frame = pd.read_csv(data)
    with pytest.raises(tw.TableError, match="no column 'sender'"):
        explain(models["number"], frame.drop(columns=["sender", "score"]), 1)
    with pytest.raises(tw.TableError, match="There is no file 'none.csv'"):
        explain(models["number"], "none.csv", 1)


def test_a_class_that_the_model_does_not_know_is_refused(models, data):
    frame = pd.read_csv(data).assign(spam="maybe")
    with pytest.raises(tw.TableError, match="'maybe' in row 3, which is none of the classes in training"):
        explain(models["classes"], frame, 3)
