"""A table estimator in the file of its model: what comes back, and what is refused."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

import thalweg as tw
from thalweg.learning import Recipe


QUICK: dict[str, Any] = {"hidden": (7, 3), "epochs": 4, "random_state": 0}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"b": rng.normal(size=83), "job": rng.choice(["x", "y", "z"], 83), "a": rng.normal(size=83)})
    return X, rng.integers(0, 3, 83)


@pytest.mark.parametrize(
    "labels",
    [np.array(["no", "yes", "?"]), np.array(["b", "a", "c"], dtype=object), np.array([-3, 0, 7], dtype=np.int16),
     np.array([2.0, 3.0, 10.0], dtype=np.float32), np.array([False, True, True])],
    ids=str,
)  # fmt: skip
def test_a_classifier_comes_back_with_its_labels(table, labels, tmp_path):
    X, codes = table
    fitted = tw.TableClassifier(**QUICK, drop="a", activation=["tanh", "silu"]).fit(X, labels[codes])
    fitted.save(tmp_path / "m.thalweg")
    loaded = tw.TableClassifier.load(tmp_path / "m.thalweg")
    assert loaded.classes_.dtype == fitted.classes_.dtype and loaded.classes_.tolist() == fitted.classes_.tolist()
    assert loaded.feature_names_in_.tolist() == ["b", "job", "a"] and loaded.n_features_in_ == 3
    assert np.array_equal(loaded.predict_proba(X[["a", "job", "b"]]), fitted.predict_proba(X))
    assert loaded.predict(X).dtype == fitted.predict(X).dtype
    assert loaded.seed_ == 0 and loaded.history_.value.tolist() == fitted.history_.value.tolist()
    again = loaded.set_params(random_state=0).fit(X, labels[codes])
    assert again.model_.parameters.tobytes() == fitted.model_.parameters.tobytes()
    assert np.array_equal(tw.load(tmp_path / "m.thalweg").predict(X), fitted.predict(X))


def test_columns_of_an_array_and_several_targets_come_back(table, tmp_path):
    X = np.random.default_rng(5).normal(size=(61, 3))
    fitted = tw.TableRegressor(**QUICK, drop="x0", validation=0.3).fit(X, X[:, 1:])
    fitted.save(tmp_path / "m.thalweg")
    loaded = tw.TableRegressor.load(tmp_path / "m.thalweg")
    assert np.array_equal(loaded.predict(X), fitted.predict(X)) and not hasattr(loaded, "feature_names_in_")
    assert loaded.validation == 0.3 and loaded.drop == ("x0",) and loaded.hidden == (7, 3)
    questions = np.where(X[:, :2] > 0, "yes", "no")
    both = tw.TableClassifier(**QUICK).fit(X, questions)
    both.save(tmp_path / "k.thalweg")
    back = tw.TableClassifier.load(tmp_path / "k.thalweg")
    assert np.array_equal(back.predict(X), both.predict(X)) and back.predict(X).dtype == questions.dtype


def test_a_model_of_fit_is_a_fitted_estimator(table, tmp_path):
    X, codes = table
    model = tw.fit(X.assign(kind=np.array(["p", "q", "r"])[codes]), "kind", hidden=(5,), epochs=3, drop=["a"])
    model.save(tmp_path / "m.thalweg")
    loaded = tw.TableClassifier.load(tmp_path / "m.thalweg")
    assert loaded.predict(X).tolist() == model.predict(X).tolist() and loaded.hidden == (5,)


def test_files_that_are_refused(table, tmp_path):
    X, codes = table
    fitted = tw.TableRegressor(**QUICK).fit(X, codes.astype(float))
    fitted.save(tmp_path / "m.thalweg")
    with pytest.raises(tw.FileError, match="is a model of regression, not of a TableClassifier; load it with TableReg"):
        tw.TableClassifier.load(tmp_path / "m.thalweg")
    with pytest.raises(tw.FileError):
        tw.TableRegressor.load(tmp_path / "nothing.thalweg")
    settings = fitted.model_.settings
    for damage in (
        {"recipe": {}},
        {"estimator": {"columns": ["b"], "named": True, "labels": []}},
        {"drop": 7},
    ):
        dataclasses.replace(fitted.model_, settings={**settings, **damage}).save(tmp_path / "d.thalweg")
        with pytest.raises(tw.FileError, match="its parts do not fit together"):
            tw.TableRegressor.load(tmp_path / "d.thalweg")


def test_every_setting_of_the_recipe_comes_back(table, tmp_path):
    X, codes = table
    recipe = {"hidden": (5,), "activation": "elu", "dropout": 0.3, "learning_rate": 0.02, "weight_decay": 0.03}
    recipe |= {"epochs": 2, "patience": 3, "batch": 11, "seconds": 60.0}
    assert set(recipe) == {field.name for field in dataclasses.fields(Recipe)}
    tw.TableRegressor(**recipe, random_state=0).fit(X, codes).save(tmp_path / "m.thalweg")
    params = tw.TableRegressor.load(tmp_path / "m.thalweg").get_params()
    assert {name: params[name] for name in recipe} == recipe
