"""Estimators in files and pickles."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import thalweg as tw
from command_line import run, write_csv
from mlp_rows import FOUR, NUMBERS, QUIET, TWO, MLPClassifier, X, pair, same


pytestmark = QUIET


@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs"}, {"solver": "sgd"}, {"early_stopping": True}], ids=str)
def test_a_pickle_is_no_larger_than_scikit_learns_and_goes_on(settings):
    theirs, ours = pair("MLPClassifier", max_iter=20, random_state=0, **settings)
    theirs.fit(X, TWO)
    ours.fit(X, TWO)
    data = pickle.dumps(ours)
    assert len(data) <= len(pickle.dumps(theirs))
    again = pickle.loads(data)
    assert np.array_equal(again.predict_proba(X), ours.predict_proba(X))
    assert np.shares_memory(again.coefs_[0], again.parameters_)
    if settings == {}:
        same(ours.partial_fit(X, TWO), again.partial_fit(X, TWO))


@pytest.mark.parametrize(("name", "y"), [("MLPClassifier", TWO), ("MLPClassifier", FOUR), ("MLPRegressor", NUMBERS)])
def test_a_file_holds_all_that_is_fitted(name, y, tmp_path):
    settings: dict[str, Any] = {"activation": ["gelu", tw.ELU(0.5)], "hidden_layer_sizes": (5, 3), "max_iter": 20,
                                "optimizer": tw.AdamW(tw.Cosine(0.01)), "validation": 0.2,
                                "random_state": 0}  # fmt: skip
    model = getattr(tw, name)(**settings).fit(X, y)
    model.save(tmp_path / "model.thalweg")
    again = type(model).load(tmp_path / "model.thalweg")
    assert np.array_equal(again.predict(X), model.predict(X)) and again.score(X, y) == model.score(X, y)
    for key in (
        "n_iter_",
        "t_",
        "loss_",
        "loss_curve_",
        "validation_scores_",
        "best_epoch_",
        "status_",
        "out_activation_",
    ):
        assert getattr(again, key) == getattr(model, key)
    assert again.get_params() == {**model.get_params(), "validation": None, "random_state": None, "activation":
                                  ("gelu", tw.ELU(0.5))}  # fmt: skip
    other = tw.MLPRegressor if name == "MLPClassifier" else tw.MLPClassifier
    with pytest.raises(tw.FileError, match=f"is an {name}, not an {other.__name__}; load it with tw.{name}.load"):
        other.load(tmp_path / "model.thalweg")
    with pytest.raises(
        tw.FileError, match=f"is a Thalweg estimator, but a model is needed here; load it with tw.{name}.load"
    ):
        tw.load(tmp_path / "model.thalweg")


@pytest.mark.parametrize("kind", [MLPClassifier, tw.MLPRegressor])
def test_an_estimator_is_not_loaded_from_a_models_file(kind, tmp_path):
    tw.fit(pd.DataFrame({"x": range(31), "y": range(31)}), "y", hidden=(3,), epochs=1).save(tmp_path / "m.thalweg")
    with pytest.raises(
        tw.FileError,
        match="but an estimator is needed here; load it with tw.load, or use `thalweg predict MODEL TABLE`$",
    ):
        kind.load(tmp_path / "m.thalweg")


@pytest.mark.parametrize("command", [("inspect",), ("predict", "new.csv")])
def test_commands_for_models_say_how_an_estimators_file_is_loaded(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    MLPClassifier(max_iter=2).fit(X, TWO).save("m.thalweg")
    write_csv(tmp_path / "new.csv", {"x": [1, 2]})
    ran = run(command[0], "m.thalweg", *command[1:])
    assert ran.status == 2 and ran.sentence.endswith("is needed here; load it with tw.MLPClassifier.load\n")


def test_what_no_file_can_hold(tmp_path):
    with pytest.raises(NotFittedError):
        MLPClassifier().save(tmp_path / "a.thalweg")
    model = MLPClassifier(validation=0.2, metric=lambda m, x, y: 1.0, max_iter=2).fit(X, TWO)
    with pytest.raises(tw.InputError, match="the parameter metric=.* is code, which no safe file holds"):
        model.save(tmp_path / "a.thalweg")
    assert not list(tmp_path.iterdir())


def test_a_loaded_estimator_goes_on_with_partial_fit(tmp_path):
    model = MLPClassifier(random_state=0)
    for _ in range(2):
        model.partial_fit(X, TWO, classes=["no", "yes"])
    model.save(tmp_path / "m.thalweg")
    again = MLPClassifier.load(tmp_path / "m.thalweg").set_params(random_state=0)
    assert not np.array_equal(again.partial_fit(X, TWO).parameters_, model.parameters_)


@pytest.mark.parametrize(("settings", "epochs"), [({"hidden_layer_sizes": (4,)}, 2000), ({}, 300),
                                                 ({"hidden_layer_sizes": (4,), "solver": "lbfgs"}, 50),
                                                 ({"hidden_layer_sizes": (4,)}, 2)])  # fmt: skip
def test_pickles_of_long_and_short_fits_are_no_larger(settings, epochs):
    usual = {} if "solver" in settings else {"n_iter_no_change": epochs}
    theirs, ours = pair("MLPClassifier", max_iter=epochs, random_state=0, **settings, **usual)
    sizes = [len(pickle.dumps(one.fit(X, TWO))) for one in (theirs, ours)]
    assert sizes[1] <= sizes[0]
