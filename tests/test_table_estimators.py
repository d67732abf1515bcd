"""`TableClassifier` and `TableRegressor`: scikit-learn's manners, tables as they are, the same training as `fit`."""

import copy
import dataclasses
import importlib.util
import pickle
import signal
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, StackingClassifier
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import pages
import thalweg as tw
from command_line import TARGETS, mails, run
from thalweg import report, table
from thalweg.splitting import split


QUICK: dict[str, Any] = {"hidden": (7,), "epochs": 4, "random_state": 0}
LEARNS: dict[str, Any] = {"hidden": (13,), "epochs": 28, "learning_rate": 0.03, "random_state": 0}
BOTH = pytest.mark.parametrize(("kind", "target"), [(tw.TableClassifier, "spam"), (tw.TableRegressor, "score")])

REPEATED = (
    "a row of weight 2 is in one batch, a row given twice is in two, and one of the two may be held out to validate "
    "with; what holds is that a row of weight 0 is no row, which is tested below"
)


@parametrize_with_checks(
    [
        tw.TableClassifier(hidden=(31,), epochs=60, learning_rate=0.02, dropout=0.0),
        tw.TableRegressor(hidden=(31,), epochs=60, learning_rate=0.02, dropout=0.0),
    ],
    expected_failed_checks=lambda estimator: {"check_sample_weight_equivalence_on_dense_data": REPEATED},
)
@pytest.mark.filterwarnings("ignore:Class:thalweg.ThalwegWarning", "ignore::sklearn.exceptions.SkipTestWarning")
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def mail():
    """A data frame with dates, truths, missing cells and text, and the targets."""
    columns = pd.DataFrame(mails(211, 5))
    columns["sent"] = pd.to_datetime(columns["sent"])
    columns = columns.assign(trusted=columns["trusted"] == "true", urgent=columns["urgent"] == "true")
    return columns.drop(columns=[*TARGETS]), columns[[*TARGETS]]


def same(one, other):
    return one.parameters.tobytes() == other.parameters.tobytes() and one.encoder == other.encoder


@pytest.mark.parametrize("target", ["spam", "urgent", "grade", "score"])
def test_it_is_the_training_of_fit(mail, target):
    X, y = mail
    kind, task = (tw.TableRegressor, "regression") if target == "score" else (tw.TableClassifier, "classification")
    estimator = kind(hidden=(7, 5), activation="tanh", epochs=5, batch=17, weight_decay=0.1, random_state=3)
    estimator.fit(X, y[target])
    options: dict[str, Any] = {"hidden": (7, 5), "activation": "tanh", "epochs": 5, "batch": 17, "weight_decay": 0.1}
    model = tw.fit(X.assign(**{target: y[target]}), target, task=task, holdout=0, seed=3, **options)
    assert same(estimator.model_, model) and estimator.seed_ == 3
    assert np.array_equal(estimator.predict(X), model.predict(X))
    assert estimator.model_.settings == model.settings and estimator.model_.figures["rows"] == model.figures["rows"]
    assert estimator.history_ is estimator.model_.history and estimator.encoder_ is estimator.model_.encoder
    assert estimator.n_iter_ == len(model.history) == 5 and estimator.best_epoch_ == model.history.best_epoch
    assert estimator.loss_ == model.history.loss[-1] and estimator.status_ is tw.Status.EPOCHS
    assert estimator.encoder_.get_feature_names_out().tolist() == list(model.encoder.feature_names)
    assert estimator.feature_names_in_.tolist() == list(X.columns) and estimator.n_features_in_ == 4


@pytest.mark.parametrize("made", ["polars", "pyarrow", "objects", "shuffled"])
@BOTH
def test_every_kind_of_table_is_the_same_table(mail, made, kind, target):
    X, y = mail
    frames = {
        "polars": lambda: pl.DataFrame({name: pl.Series(name, X[name].tolist()) for name in X}, nan_to_null=True),
        "pyarrow": lambda: pa.Table.from_pandas(X),
        "objects": lambda: X.astype(object).to_numpy(),
        "shuffled": lambda: X[["sent", "length", "trusted", "sender"]],
    }
    known = kind(**QUICK).fit(X, y[target])
    other = frames[made]()
    if made != "shuffled":
        fitted = kind(**QUICK).fit(other, y[target].tolist())
        assert fitted.model_.parameters.tobytes() == known.model_.parameters.tobytes()
        assert hasattr(fitted, "feature_names_in_") == (made != "objects")
    if made != "objects":  # columns are found by their names
        assert np.array_equal(known.predict(other), known.predict(X))


def test_columns_of_an_array_are_called_by_their_places(rng):
    X = rng.normal(size=(97, 3))
    X[rng.random((97, 3)) < 0.1] = np.nan
    regressor: Any = tw.TableRegressor(**QUICK, drop="x1").fit(X, np.nan_to_num(X[:, 0]))
    assert regressor.encoder_.columns == ("x0", "x2") and not hasattr(regressor, "feature_names_in_")
    assert {"x0", "x0 is missing"} <= set(regressor.encoder_.get_feature_names_out())
    numbered = pd.DataFrame(X)  # names that are numbers are places too
    assert np.array_equal(regressor.predict(numbered), regressor.predict(X))
    assert same(tw.TableRegressor(**QUICK, drop="x1").fit(numbered, np.nan_to_num(X[:, 0])).model_, regressor.model_)
    with pytest.raises(tw.TableError, match="the array has no column 'x7'"):
        tw.TableRegressor(**QUICK, drop=["x7"]).fit(X, np.arange(97))
    with pytest.raises(tw.InputError, match="all columns of the array are dropped"):
        tw.TableRegressor(**QUICK, drop=["x0", "x1", "x2"]).fit(X, np.arange(97))


def test_a_list_of_rows_keeps_numbers_and_texts_apart():
    rows = [[i, "ab"[i % 2], None if i % 7 == 0 else i / 3] for i in range(60)]
    classifier = tw.TableClassifier(**QUICK, keep=["x0"]).fit(rows, [i % 2 for i in range(60)])
    assert [role.role for role in classifier.encoder_.roles] == ["number", "two values", "number"]
    assert classifier.predict(rows[:3]).shape == (3,)


def test_a_table_of_other_columns_is_refused_in_the_words_of_scikit_learn(mail):
    X, y = mail
    regressor = tw.TableRegressor(**QUICK).fit(X, y["score"])
    with pytest.raises(ValueError, match=r"(?s)unseen at fit time:\n- weight\n.*yet now missing:\n- length"):
        regressor.predict(X.rename(columns={"length": "weight"}))
    with pytest.raises(ValueError, match="unseen at fit time:\n- score"):
        regressor.predict(X.assign(score=1.0))
    with pytest.raises(ValueError, match="yet now missing:\n- sent"):
        regressor.predict(X.drop(columns="sent"))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but TableRegressor was fitted with"):
        positional = regressor.predict(X.astype(object).to_numpy())
    assert np.array_equal(positional, regressor.predict(X))
    with pytest.raises(ValueError, match="X has 3 features, but TableRegressor is expecting 4"):
        tw.TableRegressor(**QUICK).fit(np.eye(4), np.arange(4)).predict(np.zeros((5, 3)))
    with pytest.raises(
        tw.TableError, match="Column 'length' of the data frame has 'long' in row 1, which is not a num"
    ):
        regressor.predict(X.assign(length="long"))


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes", "?"]),
        np.array(["NA", "None", " a "], dtype=object),
        np.array([-3, 0, 7], dtype=np.int16),
        np.array([2.0, 3.0, 10.0], dtype=np.float32),
        np.array([3, 5, 8], dtype=object),
        np.array([False, True]),
        pd.Series(["b", "a", "c"], dtype="category"),
        pd.Series([True, False], dtype="boolean"),
        pd.Series(["b", "a", "c"], dtype="string"),
        pl.Series(["b", "a", "c"]),
    ],
    ids=str,
)
def test_labels_come_back_as_they_were(rng, labels):
    X = rng.normal(size=(90, 2))
    codes = np.digitize(X[:, 0], [-0.5, 0.5][: len(labels) - 1])
    y = labels[codes.tolist()] if isinstance(labels, pl.Series) else labels.take(codes)
    classifier = tw.TableClassifier(**LEARNS).fit(X, y)
    plain = np.array(np.asarray(y).tolist()) if labels.dtype == object and labels[0] == 3 else np.asarray(y)
    assert classifier.classes_.tolist() == np.unique(plain).tolist()
    predictions = classifier.predict(X)
    assert predictions.dtype == classifier.classes_.dtype == plain.dtype
    assert classifier.score(X, plain) == accuracy_score(plain, predictions) > 0.8
    probabilities = classifier.predict_proba(X)
    assert np.array_equal(classifier.classes_[probabilities.argmax(axis=1)], predictions)
    assert np.allclose(probabilities.sum(axis=1), 1.0, rtol=1e-15, atol=1e-15)
    with np.errstate(divide="ignore"):
        assert np.array_equal(classifier.predict_log_proba(X), np.log(probabilities))
    assert np.array_equal(classifier.model_.predict(table.Table("X", _columns(X))), predictions)


def _columns(X):
    return tuple(table.as_column(f"x{i}", column) for i, column in enumerate(X.T))


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([1.5, 2.5] * 20, "Unknown label type: continuous"),
        (["a", 1] * 20, "Unknown label type"),
        ([0, np.nan] * 20, "Input y contains NaN: the target is missing in row 2; leave out the rows without a"),
        (["a", "b", None, "a"] * 10, "Input y contains NaN: the target is missing in row 3; leave out"),
        (["a", "b", "b", pd.NA] * 10, "Input y contains NaN: the target is missing in row 4; leave out"),
        ([1] * 40, "needs at least two classes to learn from, and y has only the class 1$"),
        ([0, 1], "inconsistent numbers of samples"),
        (None, "requires y to be passed, but the target y is None"),
    ],
)
def test_targets_that_are_no_classes(rng, y, said):
    y = np.array(y, dtype=object) if y and isinstance(y[0], str) else y
    with pytest.raises(ValueError, match=said):
        tw.TableClassifier(**QUICK).fit(rng.normal(size=(40, 2)), y)


def test_several_targets(mail):
    X, y = mail
    labels = np.stack([y["spam"] == "spam", y["urgent"]], axis=1).astype(int)
    classifier = tw.TableClassifier(**LEARNS).fit(X, pd.DataFrame(labels, columns=["spam", "urgent"]))
    assert classifier.encoder_.task == "multilabel" and classifier.encoder_.targets == ("spam", "urgent")
    assert [classes.tolist() for classes in classifier.classes_] == [[0, 1], [0, 1]]
    predictions, probabilities = classifier.predict(X), classifier.predict_proba(X)
    assert predictions.dtype == labels.dtype and np.array_equal(predictions, probabilities >= 0.5)
    assert classifier.score(X, labels) == np.mean((predictions == labels).all(axis=1)) > 0.6

    texts = np.stack([y["spam"], np.where(y["urgent"], "now", "later")], axis=1)
    named = tw.TableClassifier(**LEARNS).fit(X, texts)
    assert named.encoder_.targets == ("y0", "y1")
    assert np.array_equal(named.predict(X) == ["spam", "now"], predictions == 1)

    numbers = y[["score", "delay"]]
    regressor = tw.TableRegressor(**LEARNS).fit(X, numbers)
    assert regressor.encoder_.targets == ("score", "delay") and regressor.predict(X).shape == (211, 2)
    assert regressor.score(X, numbers) == r2_score(numbers, regressor.predict(X)) > 0.5
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        single = tw.TableRegressor(**QUICK).fit(X, numbers[["score"]])
    assert single.predict(X).shape == (211,)


def test_a_target_called_as_a_column_gets_another_name(rng):
    X = pd.DataFrame({"y": rng.normal(size=40), "y_": rng.normal(size=40)})
    assert tw.TableRegressor(**QUICK).fit(X, X["y"].to_numpy()).encoder_.targets == ("y__",)
    assert tw.TableRegressor(**QUICK).fit(X, X["y"]).encoder_.targets == ("y__",)


@BOTH
def test_a_row_of_weight_0_is_no_row(mail, kind, target, rng):
    X, y = mail
    weights = rng.integers(0, 3, len(X)) / 2.0
    there = weights > 0
    one = kind(**QUICK).fit(X, y[target], weights)
    other = kind(**QUICK).fit(X[there], y[target][there], sample_weight=weights[there])
    assert same(one.model_, other.model_) and np.array_equal(one.history_.value, other.history_.value)
    assert not same(one.model_, kind(**QUICK).fit(X[there], y[target][there]).model_)
    figures = one.model_.figures["validation"]
    assert figures == other.model_.figures["validation"] and figures["baseline"] > 0


@BOTH
def test_only_the_proportions_of_weights_count(mail, kind, target):
    X, y = mail
    none, ones, fours = (kind(**QUICK).fit(X, y[target], w) for w in (None, np.ones(211), [4.0] * 211))
    assert same(none.model_, ones.model_) and same(ones.model_, fours.model_)
    assert none.model_.figures["validation"] == pytest.approx(fours.model_.figures["validation"], rel=1e-12)


def test_weights_move_what_is_learnt_and_how_it_is_validated(rng):
    """Two answers to the same question: a network that minimises Σ s E / Σ s gives their weighted mean."""
    X, y = np.tile([[0.0], [1.0]], (150, 1)), np.repeat([0.0, 10.0], 150)
    weights = np.where(y > 5, 3.0, 1.0)
    regressor = tw.TableRegressor(hidden=(5,), epochs=60, dropout=0.0, random_state=0).fit(X, y, weights)
    assert regressor.predict(X) == pytest.approx(7.5, abs=0.5)
    fit_rows, valid_rows = split(300, 0.15, seed=0, purpose="validation")
    mean = np.average(y[fit_rows], weights=weights[fit_rows])
    deviation = np.std(y[fit_rows])
    bound = np.average(0.5 * ((y[valid_rows] - mean) / deviation) ** 2, weights=weights[valid_rows])
    assert regressor.model_.figures["validation"]["baseline"] == pytest.approx(bound)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (np.zeros(40), "sample_weight is zero for every row"),
        (np.linspace(-0.1, 1, 40), "sample_weight must be ≥ 0, but row 1 is -0.1"),
        (np.ones((40, 2)), "sample_weight must be a 1D array"),
        (np.ones(39), "inconsistent numbers of samples"),
        (np.arange(40) % 2, "only the class 'a' in the rows whose weight is not 0"),
    ],
)
def test_weights_that_break_a_rule(rng, weights, said):
    with pytest.raises(ValueError, match=said):
        tw.TableClassifier(**QUICK).fit(rng.normal(size=(40, 2)), ["b", "a"] * 20, weights)


def test_weights_of_classes_multiply_those_of_rows(mail, rng):
    X, y = mail
    shares = y["spam"].value_counts()
    row = {label: len(y) / (2 * count) for label, count in shares.items()}
    given, weights = y["spam"], rng.uniform(0.5, 2.0, len(X))
    by_name = tw.TableClassifier(**QUICK, class_weight="balanced").fit(X, given, weights)
    by_hand = tw.TableClassifier(**QUICK).fit(X, given, weights * given.map(row))
    assert same(by_name.model_, by_hand.model_)
    often = tw.TableClassifier(**LEARNS, class_weight={"spam": 50.0}).fit(X, given).predict(X)
    assert np.mean(often == "spam") > np.mean(tw.TableClassifier(**LEARNS).fit(X, given).predict(X) == "spam")


def test_the_user_s_weights_are_left_as_they_were(mail):
    X, y = mail
    weights = np.ones(211)
    tw.TableClassifier(**QUICK, class_weight="balanced").fit(X, y["spam"], weights)
    assert (weights == 1.0).all()


@BOTH
def test_random_states(mail, kind, target):
    X, y = mail
    one, other = (kind(hidden=(7,), epochs=2).fit(X, y[target]) for _ in range(2))
    assert one.seed_ != other.seed_ and not same(one.model_, other.model_)
    assert same(kind(hidden=(7,), epochs=2, random_state=one.seed_).fit(X, y[target]).model_, one.model_)
    states = [np.random.RandomState(5) for _ in range(2)]
    first, second = (kind(hidden=(7,), epochs=2, random_state=state).fit(X, y[target]) for state in states)
    assert same(first.model_, second.model_)
    assert first.fit(X, y[target]).seed_ != second.seed_, "a RandomState goes on"


@BOTH
def test_the_model_is_one_of_ours(mail, kind, target, tmp_path):
    X, y = mail
    estimator = kind(**QUICK).fit(X, y[target])
    estimator.model_.save(tmp_path / "m.thalweg")
    loaded = tw.load(tmp_path / "m.thalweg")
    assert same(loaded, estimator.model_) and np.array_equal(loaded.predict(X), estimator.predict(X))
    assert loaded.encoder.targets == (target,)
    X.to_csv(tmp_path / "new.csv", index=False)
    assert np.array_equal(loaded.predict(tmp_path / "new.csv"), estimator.predict(X))
    assert run("inspect", tmp_path / "m.thalweg").status == 0
    report.write(estimator.model_, tmp_path / "report.html", command="")
    assert target in (tmp_path / "report.html").read_text("utf-8")
    assert isinstance(tw.explain(estimator.model_, X, row=3), tw.RowExplanation)


@BOTH
@pytest.mark.parametrize("way", ["pickle", "loky", "deepcopy"])
def test_an_estimator_survives_pickle_copies_and_other_processes(mail, kind, target, way):
    X, y = mail
    estimator = kind(**QUICK).fit(X, y[target])
    back = {"pickle": lambda e: pickle.loads(pickle.dumps(e)), "loky": _through, "deepcopy": copy.deepcopy}[way](
        estimator
    )
    assert same(back.model_, estimator.model_) and back.model_.network == estimator.model_.network
    assert np.array_equal(back.predict(X), estimator.predict(X)) and back.get_params() == estimator.get_params()
    again: Any = clone(back)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        again.predict(X)
    assert not hasattr(again, "n_iter_")


def _through(estimator):
    with joblib.parallel_config(backend="loky"):
        there, _ = joblib.Parallel(n_jobs=2)(joblib.delayed(copy.copy)(estimator) for _ in range(2))
    return there


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_side_by_side_gives_the_same_as_one_after_the_other(mail, backend):
    X, y = mail
    classifier = tw.TableClassifier(**QUICK, threads=1)
    with joblib.parallel_config(backend=backend):
        parallel = cross_validate(classifier, X, y["spam"], cv=3, n_jobs=2, return_estimator=True)
    serial = cross_validate(classifier, X, y["spam"], cv=3, return_estimator=True)
    assert np.array_equal(parallel["test_score"], serial["test_score"])
    pairs = zip(parallel["estimator"], serial["estimator"], strict=True)
    assert all(same(one.model_, other.model_) for one, other in pairs)


def test_a_search_in_a_pipeline(mail):
    X, y = mail
    pipeline = make_pipeline(FunctionTransformer(lambda X: X.drop(columns="sent")), tw.TableClassifier(**QUICK))
    grid = {"tableclassifier__hidden": [(), (5,)], "tableclassifier__learning_rate": [0.01, 0.05]}
    search = GridSearchCV(pipeline, grid, cv=3, scoring="roc_auc").fit(X, y["spam"])
    assert search.best_params_.keys() == grid.keys() and len(search.cv_results_["params"]) == 4
    assert set(search.predict(X)) <= {"ham", "spam"}
    assert "sent" not in search.best_estimator_[-1].encoder_.columns


def test_weights_are_routed():
    X, y = np.linspace(-1, 1, 60)[:, None], np.arange(60) % 2
    weights = np.where(y == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        classifier: Any = tw.TableClassifier(**QUICK)
        classifier.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        routed = cross_validate(classifier, X, y, cv=2, params={"sample_weight": weights}, return_estimator=True)
    by_hand = tw.TableClassifier(**QUICK).fit(X[routed_rows := _train(X, y)], y[routed_rows], weights[routed_rows])
    assert same(routed["estimator"][0].model_, by_hand.model_)
    rest = np.setdiff1d(np.arange(60), routed_rows)
    assert routed["test_score"][0] == by_hand.score(X[rest], y[rest], weights[rest])


def _train(X, y):
    from sklearn.model_selection import StratifiedKFold

    return next(StratifiedKFold(2).split(X, y))[0]


def test_calibration_stacking_bagging_and_importance(mail):
    X, y = mail
    spam = y["spam"]
    classifier = tw.TableClassifier(**LEARNS)
    for meta in (
        CalibratedClassifierCV(classifier, cv=2),
        StackingClassifier([("table", classifier)], LogisticRegression(), cv=2),
        BaggingClassifier(classifier, n_estimators=2, random_state=0),
    ):
        assert meta.fit(X, spam).score(X, spam) > 0.8
        assert meta.predict_proba(X).shape == (211, 2)
    bags = BaggingRegressor(tw.TableRegressor(**LEARNS), n_estimators=2, random_state=0).fit(X, y["score"])
    assert bags.score(X, y["score"]) > 0.5
    fitted = classifier.fit(X, spam)
    importance: Any = permutation_importance(fitted, X, spam, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() != list(X.columns).index("sent"), "the date is noise"


@BOTH
def test_progress_and_callbacks(mail, kind, target, capsys):
    X, y = mail

    class Watch:
        epochs = 0

        def on_epoch(self, run):
            Watch.epochs += 1

    estimator = kind(**QUICK, callbacks=[Watch()], verbose=True).fit(X, y[target])
    assert "epoch 4/4" in capsys.readouterr().err and Watch.epochs == 4
    assert len(estimator.callbacks) == 1, "the parameters stay as they were given"
    kind(**QUICK).fit(X, y[target])
    assert capsys.readouterr() == ("", "")


def test_an_interruption_keeps_the_best_epoch_and_ends_what_is_around(mail):
    X, y = mail

    class Press:
        def on_epoch(self, run):
            if run.epoch == 2:
                signal.raise_signal(signal.SIGINT)

    regressor = tw.TableRegressor(**QUICK, callbacks=[Press()])
    with pytest.raises(KeyboardInterrupt):
        regressor.fit(X, y["score"])
    assert regressor.status_ is tw.Status.INTERRUPTED and regressor.n_iter_ == 2
    assert regressor.best_epoch_ in (1, 2) and len(regressor.predict(X)) == len(X)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden": "64"}, "hidden must be the units"),
        ({"hidden": (), "dropout": 0.5}, "dropout=0.5 would do nothing"),
        ({"keep": ["nothing"]}, "the data frame has no column 'nothing'"),
        ({"keep": 7}, "keep must be the name of a column"),
        ({"drop": ["length"], "keep": ["length"]}, "'length' cannot be kept and dropped"),
        ({"validation": 0.0}, "must lie between 0 and 1"),
        ({"validation": "half"}, r"validation must be a share of the rows .* or rows of your own, \(X, y\) or"),
        ({"validation": ([[1.0]],)}, "validation must be a share"),
        ({"engine": "abacus"}, "no engine 'abacus'"),
        ({"random_state": -1}, "the seed must be a whole number"),
        ({"random_state": "x"}, "cannot be used to seed"),
        ({"callbacks": [7]}, "callback 7 would do nothing"),
        ({"learning_rate": 1e9, "epochs": 60}, "nothing could be learnt"),
    ],
)
def test_an_option_that_breaks_its_rule_is_refused_in_fit(mail, options, said):
    X, y = mail
    with pytest.raises(ValueError, match=said):
        tw.TableRegressor(**{**QUICK, **options}).fit(X, y["score"])


def test_settings_are_those_of_the_recipe():
    from thalweg.learning import Recipe

    for kind in (tw.TableClassifier, tw.TableRegressor):
        defaults = kind().get_params()
        for field in dataclasses.fields(Recipe):
            assert defaults[field.name] == field.default


def test_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = "docs/table-estimators.md"
    blocks = pages.python_blocks(page)
    assert len(blocks) == 7
    if importlib.util.find_spec("optuna") is None:
        blocks = [block for block in blocks if "import optuna" not in block]
    names = pages.run(page, blocks)
    printed = capsys.readouterr().out
    assert "['leaves' 'stays']" in printed and "'job = nurse'" in printed and "tableclassifier__hidden" in printed
    assert names["balanced"].class_weight == "balanced" and (tmp_path / "stays.thalweg").is_file()


@pytest.mark.parametrize("kind", [tw.TableClassifier, tw.TableRegressor, tw.TableEncoder])
def test_a_fit_that_failed_leaves_no_fitted_estimator(kind):
    mixed = pd.DataFrame({"a": [1, "two", 3, 4] * 9})
    estimator = kind()
    with pytest.raises(tw.TableError, match="Column 'a' of the data frame mixes int and str"):
        estimator.fit(mixed, [0, 1] * 18)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        estimator.transform(mixed) if kind is tw.TableEncoder else estimator.predict(mixed)


def test_ctrl_c_leaves_a_classifier_that_predicts(mail):
    class Press:
        def on_epoch(self, run):
            signal.raise_signal(signal.SIGINT)

    X, y = mail
    classifier = tw.TableClassifier(**QUICK, callbacks=Press())
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(X, y["spam"])
    assert set(classifier.predict(X)) <= {"ham", "spam"}


@BOTH
def test_rows_of_one_s_own_to_validate_with(mail, kind, target):
    """The same two parts as a share would give are the same training, and nothing else is learnt of the second."""
    X, y = mail
    answers = y[target]
    labels = None if kind is tw.TableRegressor else np.unique(answers, return_inverse=True)[1]
    kept, held = split(len(X), 0.15, seed=0, purpose="validation", labels=labels)
    share = kind(**QUICK).fit(X, answers)
    given = kind(**QUICK, validation=(X.iloc[held], answers.iloc[held])).fit(X.iloc[kept], answers.iloc[kept])
    assert given.model_.parameters.tobytes() == share.model_.parameters.tobytes()
    assert given.model_.encoder.roles == share.model_.encoder.roles
    assert np.array_equal(given.history_.validation_loss, share.history_.validation_loss)
    assert np.array_equal(given.predict(X), share.predict(X)) and given.model_.settings["validation"] is None
    assert given.model_.figures["rows"] == share.model_.figures["rows"]
    again: Any = clone(given)
    again.fit(X.iloc[kept], answers.iloc[kept])
    assert same(again.model_, given.model_)


def test_weights_and_classes_of_rows_of_one_s_own(rng, tmp_path):
    X, y = rng.normal(size=(80, 2)), np.array(["a", "b"] * 40)
    other = np.append(rng.normal(size=(19, 2)), [[9.0, 9.0]], axis=0)
    found = np.array(["b", "a"] * 9 + ["b", "new"])
    with pytest.warns(tw.ThalwegWarning, match="new"):
        fitted: Any = tw.TableClassifier(**QUICK, validation=(other, found)).fit(X, y)
    assert fitted.classes_.tolist() == ["a", "b", "new"] and fitted.predict_proba(X).shape == (80, 3)
    weights = np.where(found == "new", 0.0, np.arange(1.0, 21.0))
    with pytest.warns(tw.ThalwegWarning, match="new"):
        weighted: Any = tw.TableClassifier(**QUICK, validation=(other, found, weights)).fit(X, y)
    probabilities = weighted.predict_proba(other)[np.arange(19), np.searchsorted(weighted.classes_, found[:19])]
    loss = np.average(-np.log(probabilities), weights=weights[:19])
    assert weighted.history_.validation_loss[weighted.best_epoch_ - 1] == pytest.approx(loss, rel=1e-5)
    report.write(weighted.model_, tmp_path / "report.html", command="")
    assert "rows of its own" in (tmp_path / "report.html").read_text("utf-8")


def test_rows_of_one_s_own_that_are_refused(mail):
    X, y = mail
    for validation, said in (
        ((X.rename(columns={"length": "weight"}), y["spam"]), "unseen at fit time"),
        (
            (X, y["score"].gt(0)),
            "the y of validation must be as that of fit: one target of text, not one target of num",
        ),
        ((X, y[["spam", "spam"]].to_numpy()), "one target of text, not 2 targets of text"),
        ((X, y["spam"], np.ones(5)), "inconsistent numbers of samples"),
        ((X.assign(length="long"), y["spam"]), "'length' of the data frame of validation has 'long' in row 1"),
    ):
        with pytest.raises(ValueError, match=said):
            tw.TableClassifier(**QUICK, validation=validation).fit(X, y["spam"])


@BOTH
def test_a_row_is_explained(mail, kind, target):
    X, y = mail
    fitted = kind(**QUICK).fit(X, y[target])
    found = fitted.explain(X, row=3)
    assert isinstance(found, tw.RowExplanation) and not found.has_target
    assert found.trained == tw.explain(fitted, X, row=3).trained
    told = fitted.explain(X, 3, y=y[target], learning_rate=0.1)
    assert told.has_target and str(told.trained) == str(found.trained)
    assert told.target == (y[target].iloc[2] if target == "spam" else f"{y[target].iloc[2]:.10g}")
    with pytest.raises(NotFittedError):
        kind().explain(X)


def test_a_row_of_an_array_is_explained(rng):
    X = rng.normal(size=(31, 2))
    found = tw.TableRegressor(**QUICK).fit(X, X[:, 0]).explain(X)
    assert found.cells == {"x0": f"{X[0, 0]:.10g}", "x1": f"{X[0, 1]:.10g}"}


def test_intervals_of_pandas_are_categories_and_names_are_told_apart():
    y = np.arange(60) % 2
    frame = pd.DataFrame({"a": np.arange(60.0), "b": pd.cut(np.arange(60) * 7 % 60, 3)})
    model = tw.TableClassifier(epochs=2, random_state=0).fit(frame, y)
    assert len(model.predict(frame)) == 60 and any("(" in name for name in model.encoder_.feature_names)
    with pytest.raises(tw.TableError, match="two columns of X have the same name; rename one of them .*'a' 2 times"):
        tw.TableClassifier(epochs=2).fit(pd.DataFrame(np.ones((60, 2)), columns=["a", "a"]), y)
