"""Estimators exported to ONNX and C give their own labels, probabilities and numbers; their files are exported too."""

import ctypes
import json
import subprocess
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import thalweg as tw
from command_line import run
from compiled import library, needs_compiler, program, structure
from onnx_answers import run as run_onnx
from thalweg import safe_file


FAST: dict[str, Any] = {
    "hidden_layer_sizes": (17, 11),
    "max_iter": 100,
    "tol": 0.0,
    "random_state": 3,
    "learning_rate_init": 0.03,
}
pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
SHIFTS = np.array([[0.7, -0.2, 0.1], [-0.5, 0.9, 0.3], [0.2, 0.4, -0.8]])


def rows(rng, n=211):
    return rng.normal(size=(n, 3))


def codes(X, k):
    return (X @ SHIFTS)[:, :k].argmax(axis=1)


def classifier(X, y, **more):
    return tw.MLPClassifier(**{**FAST, **more}).fit(X, y)


def onnx_of(model, path, X):
    model.to_onnx(path)
    return run_onnx(onnx.load(path), {"X": X})


def clear(p, gap=2e-5):
    """Rows whose most probable class is so by more than rounding."""
    ordered = np.sort(p, axis=1)
    return ordered[:, -1] - ordered[:, -2] > gap


LABELS = {
    "text": (np.array(["ham", "größe", "a,b"]), object),
    "objects": (np.array(["ham", "größe", "a,b"], dtype=object), object),
    "int16": (np.array([7, -3, 30_000], dtype=np.int16), np.int16),
    "int64": (np.array([2**40, -1, 3]), np.int64),
    "uint8": (np.array([0, 1, 255], dtype=np.uint8), np.uint8),
    "floats": (np.array([1.0, 2.0, 3.0], dtype=np.float32), np.float32),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("kind", LABELS)
def test_a_classifiers_labels_and_probabilities_in_onnx(kind, k, dtype, rng, tmp_path):
    labels, own = LABELS[kind]
    X = rows(rng).astype(dtype)
    model = classifier(X, labels[codes(X, k)])
    found, p = onnx_of(model, tmp_path / "m.onnx", X), model.predict_proba(X)
    assert list(found) == ["prediction", "probabilities"]
    assert found["probabilities"].dtype == dtype and found["probabilities"].shape == (211, k)
    assert np.abs(found["probabilities"] - p).max() <= (1e-5 if dtype == np.float32 else 1e-12)
    assert found["prediction"].dtype == own and len(set(found["prediction"].tolist())) == k
    assert (found["prediction"] == model.predict(X))[clear(p)].all() and clear(p).mean() > 0.9
    metadata = {each.key: each.value for each in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert json.loads(metadata["classes"]) == model.classes_.tolist()


def test_true_and_false(rng, tmp_path):
    X = rows(rng)
    model = classifier(X, codes(X, 2) == 1)
    found = onnx_of(model, tmp_path / "m.onnx", X)
    assert found["prediction"].dtype == bool and (found["prediction"] == model.predict(X)).all()


def test_a_single_class_is_the_label_of_every_row(rng, tmp_path):
    X = rows(rng, 31)
    model = classifier(X, np.full(31, "only"))
    found = onnx_of(model, tmp_path / "m.onnx", X)
    assert found["prediction"].tolist() == ["only"] * 31 == model.predict(X).tolist()
    assert np.abs(found["probabilities"] - model.predict_proba(X)).max() <= 1e-12
    model.to_c(tmp_path / "m.c")
    assert "m_labels[2]" in (tmp_path / "m.c").read_text(encoding="utf-8")


def several(X):
    """A matrix of 0 and 1."""
    return (X @ SHIFTS > 0.1).astype(int)


def columns(X):
    """Two columns of classes, of 3 and of 2."""
    return np.stack([np.array([5, 7, 11])[codes(X, 3)], np.array([7, 2])[codes(X, 2)]], axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_of_labels_in_onnx(dtype, rng, tmp_path):
    X = rows(rng).astype(dtype)
    model = classifier(X, several(X))
    found, p = onnx_of(model, tmp_path / "m.onnx", X), model.predict_proba(X)
    assert found["probabilities"].shape == (211, 3) and found["prediction"].dtype == np.int64
    assert np.abs(found["probabilities"] - p).max() <= 1e-5
    is_clear = np.abs(p - 0.5) > 1e-5
    assert (found["prediction"] == model.predict(X))[is_clear].all() and set(np.unique(found["prediction"])) == {0, 1}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_columns_of_classes_in_onnx(dtype, rng, tmp_path):
    X = rows(rng).astype(dtype)
    model = classifier(X, columns(X))
    found, p = onnx_of(model, tmp_path / "m.onnx", X), model.predict_proba(X)
    assert list(found) == ["prediction_0", "probabilities_0", "prediction_1", "probabilities_1"]
    for column in range(2):
        assert np.abs(found[f"probabilities_{column}"] - p[column]).max() <= 1e-5
        is_clear = clear(p[column])
        assert is_clear.mean() > 0.9
        assert (found[f"prediction_{column}"] == model.predict(X)[:, column])[is_clear].all()
    metadata = {each.key: each.value for each in onnx.load(tmp_path / "m.onnx").metadata_props}
    assert json.loads(metadata["classes"]) == [[5, 7, 11], [2, 7]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_regressors_numbers_in_onnx(outputs, loss, dtype, rng, tmp_path):
    X = rows(rng).astype(dtype)
    y = np.exp((X @ SHIFTS)[:, :outputs] / 2).astype(dtype)
    model = tw.MLPRegressor(loss, **FAST).fit(X, y[:, 0] if outputs == 1 else y)
    found = onnx_of(model, tmp_path / "m.onnx", X)
    assert list(found) == ["prediction"] and found["prediction"].dtype == dtype
    assert found["prediction"].shape == model.predict(X).shape == ((211,) if outputs == 1 else (211, 3))
    error = np.abs(found["prediction"] - model.predict(X)) / np.maximum(1.0, np.abs(model.predict(X)))
    assert error.max() <= (1e-5 if dtype == np.float32 else 1e-12)


# --- C ----------------------------------------------------------------------------------------------------------------


def c_of(model, path, X, members):
    """The answer of each row, as a structure of C; members that are functions of the type of the numbers."""
    model.to_c(path)
    real = ctypes.c_float if X.dtype == np.float32 else ctypes.c_double
    Output = structure([(name, kind(real) if callable(kind) and not isinstance(kind, type) else kind)
                        for name, kind in members])  # fmt: skip
    predict = getattr(library(path), f"{path.stem}_predict")
    predict.restype = None
    found = []
    for row in X:
        answer = Output()
        predict((real * len(row))(*row.tolist()), ctypes.byref(answer))
        found.append(answer)
    return found


def chosen(k):
    return [("label", ctypes.c_char_p), ("index", ctypes.c_size_t), ("probabilities", lambda real: real * k)]


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("kind", ["text", "int16"])
def test_a_classifiers_labels_and_probabilities_in_c(kind, k, dtype, rng, tmp_path):
    X = rows(rng).astype(dtype)
    model = classifier(X, LABELS[kind][0][codes(X, k)])
    found, p = c_of(model, tmp_path / "m.c", X, chosen(k)), model.predict_proba(X)
    assert np.abs(np.array([list(each.probabilities) for each in found]) - p).max() <= 1e-5
    is_clear = clear(p)
    assert is_clear.mean() > 0.9
    assert (model.classes_[[each.index for each in found]] == model.predict(X))[is_clear].all()
    labels = np.array([each.label.decode() for each in found])
    assert (labels == model.predict(X).astype(str))[is_clear].all()


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_matrix_of_labels_in_c(dtype, rng, tmp_path):
    X = rows(rng).astype(dtype)
    model = classifier(X, several(X))
    members = [("prediction", ctypes.c_int * 3), ("probabilities", lambda real: real * 3)]
    found, p = c_of(model, tmp_path / "m.c", X, members), model.predict_proba(X)
    assert np.abs(np.array([list(each.probabilities) for each in found]) - p).max() <= 1e-5
    is_clear = np.abs(p - 0.5) > 1e-5
    assert (np.array([list(each.prediction) for each in found]) == model.predict(X))[is_clear].all()


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_columns_of_classes_in_c(dtype, rng, tmp_path):
    X = rows(rng).astype(dtype)
    model = classifier(X, columns(X))
    parts = [
        (f"y{i}", lambda real, k=k: structure([(n, t(real) if n == "probabilities" else t) for n, t in chosen(k)]))
        for i, k in enumerate((3, 2))
    ]
    found, p = c_of(model, tmp_path / "m.c", X, parts), model.predict_proba(X)
    for column in range(2):
        answers = [getattr(each, f"y{column}") for each in found]
        assert np.abs(np.array([list(each.probabilities) for each in answers]) - p[column]).max() <= 1e-5
        labels = np.array([int(each.label) for each in answers])
        assert labels.tolist() == model.classes_[column][[each.index for each in answers]].tolist()
        assert (labels == model.predict(X)[:, column])[clear(p[column])].all()


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("outputs", [1, 3])
def test_a_regressors_numbers_in_c(outputs, dtype, rng, tmp_path):
    X = rows(rng).astype(dtype)
    y = (X @ SHIFTS)[:, :outputs]
    model = tw.MLPRegressor(**FAST).fit(X, y[:, 0] if outputs == 1 else y)
    kind = (lambda real: real) if outputs == 1 else (lambda real: real * outputs)
    found = c_of(model, tmp_path / "m.c", X, [("prediction", kind)])
    numbers = np.array([each.prediction if outputs == 1 else list(each.prediction) for each in found])
    assert numbers.shape == model.predict(X).shape
    assert np.abs(numbers - model.predict(X)).max() <= (1e-5 if dtype == np.float32 else 1e-12)


@needs_compiler
@pytest.mark.parametrize("make", [several, columns, lambda X: codes(X, 3)])
def test_the_program_prints_labels_and_probabilities(make, rng, tmp_path):
    X = rows(rng, 17)
    model = classifier(X, make(X))
    model.to_c(tmp_path / "m.c")
    text = "".join(",".join(map(repr, row)) + "\n" for row in X.tolist())
    done = subprocess.run([program(tmp_path / "m.c")], input=text, capture_output=True, text=True, check=True)
    printed = np.array([line.split(",") for line in done.stdout.splitlines()], dtype=float)
    predicted, p = model.predict(X), model.predict_proba(X)
    if isinstance(p, list):
        parts = [part for column in range(2) for part in (predicted[:, [column]], p[column])]
    else:
        parts = [predicted.reshape(17, -1), p]
    assert np.abs(printed - np.hstack(parts)).max() <= 1e-8


# --- Own activations, files, refusals ---------------------------------------------------------------------------------


def test_an_own_activation_goes_along_into_the_file_and_into_exports(rng, tmp_path):
    X = rows(rng)
    swish = tw.own_activation("swish2", "a*sigmoid(2*a)")
    model = tw.MLPRegressor(**{**FAST, "activation": swish}).fit(X, X @ SHIFTS[0])
    model.save(tmp_path / "m.thalweg")
    again = tw.MLPRegressor.load(tmp_path / "m.thalweg")
    assert again.activation == swish and (again.predict(X) == model.predict(X)).all()
    found = onnx_of(again, tmp_path / "m.onnx", X)["prediction"]
    assert np.abs(found - model.predict(X)).max() <= 1e-12


def test_weights_put_in_place_of_coefs_are_exported(rng, tmp_path):
    X = rows(rng)
    model = tw.MLPRegressor(**FAST).fit(X, X @ SHIFTS[0])
    model.coefs_[0] = model.coefs_[0] * 1.5
    assert np.abs(onnx_of(model, tmp_path / "m.onnx", X)["prediction"] - model.predict(X)).max() <= 1e-12


@pytest.mark.parametrize("form", ["onnx", "c"])
@pytest.mark.parametrize("make", [several, columns, lambda X: codes(X, 3).astype("U"), None])
def test_the_command_exports_an_estimators_file_as_the_estimator_does(make, form, rng, tmp_path):
    X = rows(rng)
    model = tw.MLPRegressor(**FAST).fit(X, X @ SHIFTS) if make is None else classifier(X, make(X))
    model.save(tmp_path / "m.thalweg")
    ran = run("export", tmp_path / "m.thalweg", tmp_path / f"m.{form}")
    assert ran.status == 0 and ran.text == f"export  {tmp_path / f'm.{form}'}  (3 inputs)\n"
    written = (tmp_path / f"m.{form}").read_bytes()
    getattr(model, f"to_{form}")(tmp_path / f"m.{form}")
    assert (tmp_path / f"m.{form}").read_bytes() == written


def test_a_file_whose_labels_are_not_those_of_its_network_is_refused(rng, tmp_path):
    X = rows(rng, 53)
    model = classifier(X, codes(X, 3), max_iter=2)
    model.save(tmp_path / "m.thalweg")
    header, arrays = safe_file.read(tmp_path / "m.thalweg", kind="estimator")
    header["labels"]["classes"][0]["labels"].append(99)
    safe_file.write(tmp_path / "odd.thalweg", kind="estimator", header=header, arrays=arrays)
    ran = run("export", tmp_path / "odd.thalweg", tmp_path / "m.onnx")
    assert ran.status == 2 and "the network has 3 outputs, and the labels take 4" in ran.sentence
    with pytest.raises(tw.FileError, match="the labels take 4"):
        tw.MLPClassifier.load(tmp_path / "odd.thalweg")


@pytest.mark.parametrize("kind", [tw.MLPClassifier, tw.MLPRegressor, tw.TableClassifier, tw.TableRegressor])
@pytest.mark.parametrize("name", ["to_onnx", "to_c"])
def test_what_is_not_fitted_cannot_be_exported(kind, name, tmp_path):
    with pytest.raises(NotFittedError):
        getattr(kind(), name)(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


# --- Table estimators -------------------------------------------------------------------------------------------------


def frame(rng, n=307):
    return pd.DataFrame({"height": rng.normal(170, 10, n), "colour": rng.choice(["red", "green", "blue"], n)})


def feeds(X):
    return {"height": X[["height"]].to_numpy(), "colour": X[["colour"]].to_numpy(object)}


TABLE: dict[str, Any] = {"hidden": 7, "epochs": 3, "random_state": 3}


@pytest.mark.parametrize("kind", LABELS)
def test_a_table_classifiers_labels_in_their_own_type(kind, rng, tmp_path):
    labels, own = LABELS[kind]
    X = frame(rng)
    y = labels[(X["height"].to_numpy() > 170).astype(int) + (X["colour"] == "red").to_numpy()]
    model = tw.TableClassifier(**TABLE).fit(X, y)
    model.to_onnx(tmp_path / "m.onnx")
    found, p = run_onnx(onnx.load(tmp_path / "m.onnx"), feeds(X)), model.predict_proba(X)
    assert np.abs(found["probabilities"] - p).max() <= 1e-5
    assert found["prediction"].dtype == own and (found["prediction"] == model.predict(X))[clear(p)].all()
    model.to_c(tmp_path / "m.c")
    source = (tmp_path / "m.c").read_text(encoding="utf-8")
    assert all(f'"{label}"' in source for label in model.classes_) or kind in ("text", "objects")


def test_several_targets_of_a_table_classifier(rng, tmp_path):
    X = frame(rng)
    y = np.stack([X["height"] > 170, X["colour"] == "red"], axis=1).astype(np.int8)
    model = tw.TableClassifier(**TABLE).fit(X, y)
    model.to_onnx(tmp_path / "m.onnx")
    found, p = run_onnx(onnx.load(tmp_path / "m.onnx"), feeds(X)), model.predict_proba(X)
    for i in range(2):
        assert np.abs(found[f"probability_y{i}"] - p[:, i]).max() <= 1e-5
        assert found[f"prediction_y{i}"].dtype == np.int8
        assert (found[f"prediction_y{i}"] == model.predict(X)[:, i])[np.abs(p[:, i] - 0.5) > 1e-5].all()


def test_a_table_regressors_numbers(rng, tmp_path):
    X = frame(rng)
    model = tw.TableRegressor(**TABLE).fit(X, 3.0 * X["height"])
    model.to_onnx(tmp_path / "m.onnx")
    found = run_onnx(onnx.load(tmp_path / "m.onnx"), feeds(X))["prediction"]
    assert np.abs(found / model.predict(X) - 1.0).max() <= 1e-5
    model.to_c(tmp_path / "m.c")
    assert "double height;" in (tmp_path / "m.c").read_text(encoding="utf-8")
