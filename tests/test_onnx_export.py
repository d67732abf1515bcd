"""Exports to ONNX, run by onnxruntime on raw columns: on every real table, for every role, activation and output."""

import json
import sys

import numpy as np
import onnx
import pytest

import thalweg as tw
from command_line import mails, write_csv
from exported import CASES, Case, column, every_role, fitted, learned, own_rows, quick, rows_of, transparent
from onnx_answers import answers, check, feeds, run
from thalweg import onnx_export, onnx_features
from thalweg.activations import ACTIVATIONS, ELU, HIDDEN, LeakyReLU
from thalweg.cells import Kind
from thalweg.features import ROLES
from thalweg.network import Network
from thalweg.table import Column, Table


def named(case):  # pytest's id of a case
    return case.file.split(".")[0]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_predictions_on_real_tables_are_ours(shared, case: Case):
    model, rows = quick(case, shared)
    check(model, rows)
    if model.encoder.task == "regression":
        return
    answered, outputs, predicted = answers(model, rows), model.outputs(rows), model.predict(rows)
    assert answered["probabilities"].shape == outputs.shape and answered["probabilities"].dtype == np.float32
    # Where two classes are equally probable to the last digits, either may win.
    ordered = np.sort(outputs, axis=1)
    is_clear = ordered[:, -1] - ordered[:, -2] > 2e-5
    assert is_clear.mean() > 0.9
    assert answered["prediction"][is_clear].tolist() == predicted[is_clear].tolist()


@pytest.fixture(scope="module")
def encoder():
    return learned()


def test_every_role_and_activation_can_be_exported():
    assert set(onnx_features.ROLES) == set(ROLES.values())
    assert set(onnx_export.ACTIVATIONS) == set(ACTIVATIONS)


def features_of(encoder, rows, **changed):
    """Features as the exported encoder makes them; `changed` columns hold other cells."""
    own, network, parameters = transparent(encoder)
    exported = onnx_export.model_graph(own, network, parameters)
    fed = feeds(exported, encoder, rows) | {name: cells[:, None] for name, cells in changed.items()}
    return np.stack([*run(exported, fed).values()], axis=1)


def test_features_of_every_role_are_those_of_the_encoder(encoder):
    rows = every_role(503)
    expected = encoder.encode(rows)
    assert np.isfinite(expected).all() and (expected.std(axis=0) > 0).all()
    assert np.abs(features_of(encoder, rows) - expected).max() <= 1e-15


def test_outputs_give_way_to_columns_of_their_names(encoder):
    network = Network([len(encoder.feature_names), 1])
    exported = onnx_export.model_graph(encoder, network, network.initialize())
    assert [each.name for each in exported.graph.output] == ["prediction_3"]
    asked = [each.name for each in exported.graph.input]
    assert asked == [*encoder.columns[:-1], "_2"] and encoder.columns[-1] == ""


def test_unknown_words_and_words_for_missing_are_what_the_encoder_makes_of_them(encoder):
    rows = every_role(13)
    odd = np.array(
        ["never seen", "NA", "?", "null", "", "a", "A", "a ", "\0", "no", "YES", "yes", "None"], dtype=object
    )
    texts = ("@real", "a*/b ??/", "größe\n")
    found = features_of(encoder, rows, **dict.fromkeys(texts, odd))
    missing = np.array([word in ("NA", "?", "null", "", "None") for word in odd])
    clean = [Column(name, Kind.TEXT, np.where(missing, "", odd), missing) for name in texts]
    rest = [each for each in rows.columns if each.name not in texts]
    assert np.abs(found - encoder.encode(Table("odd", (*clean, *rest)))).max() <= 1e-15


def test_numbers_beyond_all_training_rows_are_clipped_as_ours(encoder):
    number = encoder.roles[0]
    extreme = np.array([np.nan, 0.0, -0.0, 5e-324, 1e308, -1.7976931348623157e308, 1e155, number.scale.centre])
    found = features_of(encoder, every_role(len(extreme)), prediction=extreme)[:, 0]
    assert np.abs(found - number.scale.apply(extreme)).max() <= 1e-15
    assert found[0] == found[-1] == 0.0 and found[4] == -found[5] == 3.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [*HIDDEN, LeakyReLU(0.3), LeakyReLU(0.0), ELU(2.5)], ids=str)
def test_networks_of_every_activation(activation, dtype, rng):
    network = Network([5, 7, 3, 2], activation=[activation, "tanh"], output=activation)
    parameters = network.initialize(seed=3).astype(dtype)
    X = np.concatenate([rng.normal(size=(31, 5)), 30.0 * rng.normal(size=(31, 5)), np.zeros((1, 5))]).astype(dtype)
    X = X / 8 if network.output.name == "exp" else X
    answered = run(onnx_export.network_graph(network, parameters), {"X": X})["prediction"]
    expected = tw.predict(network, parameters.astype(np.float64), X.astype(np.float64), engine="reference")
    # Of gelu in float64 the Erf is float32, as onnxruntime has no other.
    accuracy = 1e-12 if dtype == np.float64 and "gelu" != network.output.name else 1e-5
    assert answered.dtype == dtype
    assert (np.abs(answered - expected) <= accuracy * np.maximum(1.0, np.abs(expected))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_own_activations_in_hidden_layers_and_at_the_output(dtype, rng):
    *hidden, output = own_rows()
    network = Network([5, 7, 3, 11, 2], activation=hidden, output=output)
    parameters = network.initialize(seed=3).astype(dtype)
    X = (3.0 * rng.normal(size=(101, 5))).astype(dtype)
    answered = run(onnx_export.network_graph(network, parameters), {"X": X})["prediction"]
    expected = tw.predict(network, parameters.astype(np.float64), X.astype(np.float64), engine="reference")
    accuracy = 1e-12 if dtype == np.float64 else 1e-5
    assert answered.dtype == dtype and np.abs(answered - expected).max() <= accuracy


def test_an_activation_of_python_functions_is_refused_with_the_way_out(tmp_path):
    cube = tw.own_activation("cube", g=lambda a: a**3, derivative=lambda a: 3 * a**2)
    network = Network([3, 2], output=cube)
    with pytest.raises(tw.InputError, match="cube is made of Python functions.*make it from a formula"):
        onnx_export.write_network(tmp_path / "cube.onnx", network, network.initialize())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [(["a", "größe", "c"], object), ([3, 5, 7], np.int64), (np.array([1, 2, 4]), np.int64), ([0.5, 1.5, 2.5], float)],
)
def test_a_bare_network_with_labels(labels, dtype, rng, tmp_path):
    network = Network([5, 7, 3], output="softmax", loss="cross_entropy")
    parameters = network.initialize(seed=1).astype(np.float32)
    onnx_export.write_network(tmp_path / "n.onnx", network, parameters, labels)
    X = rng.normal(size=(41, 5)).astype(np.float32)
    answered = run(onnx.load(tmp_path / "n.onnx"), {"X": X})
    p = tw.predict(network, parameters, X, dtype="float32")
    assert np.abs(answered["probabilities"] - p).max() <= 1e-5
    assert answered["prediction"].dtype == dtype
    assert answered["prediction"].tolist() == np.asarray(labels)[answered["probabilities"].argmax(axis=1)].tolist()
    assert len(set(answered["prediction"].tolist())) > 1


def test_one_sigmoid_output_decides_between_two_labels(rng):
    network = Network([5, 1], output="sigmoid", loss="binary_cross_entropy")
    parameters = network.initialize(seed=1)
    X = rng.normal(size=(41, 5))
    answered = run(onnx_export.network_graph(network, parameters, [False, True]), {"X": X})
    p = tw.predict(network, parameters, X)[:, 0]
    assert np.abs(answered["probabilities"] - np.stack([1 - p, p], axis=1)).max() <= 1e-12
    assert answered["prediction"].dtype == bool and answered["prediction"].tolist() == (p > 0.5).tolist()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", "b"], "3 outputs, but there are 2 labels"),
        (["a", 1, 2], "must all be text"),
        ([None, "a", "b"], "must all be text"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, said):
    network = Network([5, 3])
    with pytest.raises(tw.InputError, match=said):
        onnx_export.network_graph(network, network.initialize(), labels)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tables") / "mails.csv", mails())


def test_several_targets_have_a_label_and_a_probability_each(data):
    model = fitted(data, "spam", "urgent")
    rows = rows_of(model, data)
    answered, expected = answers(model, rows), model.predict_table(rows)
    assert set(answered) == set(expected) == {
        "prediction_spam", "prediction_urgent", "probability_spam", "probability_urgent"
    }  # fmt: skip
    for name, cells in expected.items():
        if name.startswith("prediction"):
            assert answered[name].tolist() == cells.tolist() and len(set(cells.tolist())) == 2
        else:
            assert np.abs(answered[name] - cells.astype(float)).max() <= 1e-5
    assert answered["prediction_urgent"].dtype == bool


def test_several_numbers_are_in_their_own_units(data):
    model = fitted(data, "score", "delay")
    rows = rows_of(model, data)
    answered = answers(model, rows)
    for i, name in enumerate(("score", "delay")):
        assert np.abs(answered[f"prediction_{name}"] - model.predict(rows)[:, i]).max() <= 1e-4


def test_the_smallest_units_survive_the_optimizer_of_onnxruntime():
    """It leaves out an Add of 1e-270 (1.32)."""
    x = np.random.default_rng(3).normal(size=101)
    rows = Table("small", (column("x", Kind.NUMBER, (1e-270 * (x + 2)).tolist()),
                           column("y", Kind.NUMBER, (1e-270 * (3 - x)).tolist())))  # fmt: skip
    model = tw.fit(rows, "y", hidden=(5,), epochs=2)
    answered, predicted = answers(model, rows)["prediction"], model.predict(rows)
    assert np.abs(answered - predicted).max() <= 1e-5 * 1e-270 and np.ptp(predicted) > 1e-272


def test_whole_numbers_stay_whole_as_labels(data):
    model = fitted(data, "grade")
    rows = rows_of(model, data)
    prediction = answers(model, rows)["prediction"]
    assert prediction.dtype == np.int64 and prediction.tolist() == model.predict(rows).tolist()


def test_any_number_of_rows_one_and_none_included(data):
    model = fitted(data, "spam")
    rows = rows_of(model, data)
    whole = answers(model, rows)["probabilities"]
    assert np.abs(answers(model, rows.take([5]))["probabilities"] - whole[[5]]).max() <= 1e-6
    assert answers(model, rows.take([]))["probabilities"].shape == (0, 2)


def test_the_file_is_checked_described_and_the_same_each_time(data, tmp_path):
    model = fitted(data, "spam")
    model.to_onnx(tmp_path / "spam.onnx")
    model.to_onnx(tmp_path / "again.onnx")
    assert (tmp_path / "spam.onnx").read_bytes() == (tmp_path / "again.onnx").read_bytes()
    found = onnx.load(tmp_path / "spam.onnx")
    onnx.checker.check_model(found, full_check=True)
    assert (found.producer_name, found.producer_version) == ("thalweg", tw.__version__)
    assert {each.domain: each.version for each in found.opset_import} == {"": 13, "ai.onnx.ml": 2}
    metadata = {each.key: each.value for each in found.metadata_props}
    assert metadata["task"] == "classification" and json.loads(metadata["classes"]) == ["ham", "spam"]
    asked = json.loads(metadata["inputs"])
    assert [each["name"] for each in asked] == ["length", "trusted", "sender", "sent"]
    assert [each["type"] for each in asked] == ["number", "boolean", "text", "date"]
    assert all("missing" in each.doc_string for each in found.graph.input)
    assert "'spam'" in found.doc_string


def test_a_missing_package_is_said_with_what_to_do(data, tmp_path, monkeypatch):
    model = fitted(data, "spam")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(tw.InputError, match=r"pip install 'thalweg\[onnx\]'"):
        model.to_onnx(tmp_path / "spam.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_beyond_the_format_is_refused(monkeypatch):
    monkeypatch.setattr("thalweg.onnx_graph.MAX_BYTES", 1_000)
    network = Network([13, 17, 3])
    with pytest.raises(tw.InputError, match="at most 2 GiB"):
        onnx_export.network_graph(network, network.initialize())


def test_a_folder_that_is_missing_is_said(data, tmp_path):
    with pytest.raises(tw.FileError, match="does not exist"):
        fitted(data, "spam").to_onnx(tmp_path / "none" / "spam.onnx")
