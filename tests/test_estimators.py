"""The estimators against scikit-learn's of the same names: the same program, with only its import changed."""

import importlib.util
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn import neural_network
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

import pages
import thalweg as tw
from mlp_rows import (
    COUNTS,
    FOUR,
    LABELS,
    NUMBER,
    NUMBERS,
    QUIET,
    SHARED,
    TWO,
    WEIGHTS,
    MLPClassifier,
    MLPRegressor,
    N,
    X,
    clone_of,
    pair,
    same,
)
from thalweg.mlp_parameters import OURS


pytestmark = QUIET


SGD = [
    {"solver": "sgd", "learning_rate": schedule, "momentum": momentum, "nesterovs_momentum": nesterov,
     "learning_rate_init": 0.05, "tol": tolerance, "n_iter_no_change": 3}
    for schedule in ("constant", "invscaling", "adaptive") for momentum in (0.0, 0.9) for nesterov in (True, False)
    for tolerance in (1e-4, 0.03)
]  # fmt: skip
OTHERS = [
    {"solver": "adam"},
    {"solver": "adam", "early_stopping": True, "n_iter_no_change": 3, "validation_fraction": 0.2},
    {"solver": "sgd", "early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.1},
    {"solver": "lbfgs"},
    {"solver": "sgd", "momentum": 1.0, "learning_rate_init": 1e-4},
    {"shuffle": False},
    {"batch_size": 13},
    {"batch_size": 1},
    {"alpha": 1.0, "batch_size": 17},
    {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 0.1},
    {"hidden_layer_sizes": (5, 3)},
    {"hidden_layer_sizes": 5},
    {"hidden_layer_sizes": ()},
    {"solver": "adam", "tol": 0.05, "n_iter_no_change": 2},
]  # fmt: skip


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("settings", SGD + OTHERS, ids=str)
def test_weights_after_twenty_epochs_are_those_of_scikit_learn(settings, weights):
    activation = ("relu", "tanh", "logistic", "identity")[(len(str(settings)) + (weights is None)) % 4]
    for name, y in (
        ("MLPClassifier", TWO),
        ("MLPClassifier", FOUR),
        ("MLPClassifier", LABELS),
        ("MLPRegressor", NUMBER),
    ):
        theirs, ours = pair(name, **{**SHARED, "activation": activation, **settings})
        theirs.fit(X, y, sample_weight=weights)
        ours.fit(X, y, sample_weight=weights)
        same(theirs, ours)
        assert ours.predict(X).dtype == theirs.predict(X).dtype
        if name == "MLPClassifier":
            assert np.array_equal(ours.classes_, theirs.classes_)
            assert np.array_equal(ours.predict(X), theirs.predict(X))
            np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)
            with np.errstate(divide="ignore"):  # scikit-learn's warns of its zeros
                expected = theirs.predict_log_proba(X)
            np.testing.assert_allclose(ours.predict_log_proba(X), expected, rtol=1e-3)
        if settings.get("early_stopping"):
            np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)
            assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
            assert len(ours.validation_loss_curve_) == ours.n_iter_


@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_input_gives_the_same_as_scikit_learn(form):
    thin = form(np.where(np.abs(X) > 1.0, X, 0.0))
    for name, y in (("MLPClassifier", FOUR), ("MLPRegressor", NUMBER)):
        theirs, ours = pair(name, **SHARED)
        same(theirs.fit(thin, y), ours.fit(thin, y))
        np.testing.assert_allclose(getattr(ours, "predict_proba", ours.predict)(thin),
                                   getattr(theirs, "predict_proba", theirs.predict)(thin), atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["unweighted", "weighted"])
def test_poisson_reports_half_the_deviance(solver, weights):
    theirs, ours = pair("MLPRegressor", loss="poisson", solver=solver, **SHARED)
    same(theirs.fit(X, COUNTS, weights), ours.fit(X, COUNTS, weights))


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_warm_start_goes_on_as_in_scikit_learn(solver):
    theirs, ours = pair("MLPClassifier", solver=solver, warm_start=True, max_iter=7, random_state=1)
    for _ in range(3):
        same(theirs.fit(X, FOUR), ours.fit(X, FOUR))


@pytest.mark.parametrize(("name", "y", "more"), [
    ("MLPClassifier", FOUR, {"classes": [0, 1, 2, 3, 7]}), ("MLPClassifier", LABELS, {"classes": [0, 1, 2]}),
    ("MLPRegressor", NUMBER, {}),
])  # fmt: skip
@pytest.mark.parametrize("settings", [{"solver": "adam"}, {"solver": "sgd", "learning_rate": "invscaling"}])
def test_partial_fit_and_fit_follow_one_another_as_in_scikit_learn(name, y, more, settings):
    theirs, ours = (estimator.set_params(random_state=np.random.RandomState(4)) for estimator in pair(name, **settings))
    for rows in [slice(0, 41), slice(41, 90)] * 3:
        same(theirs.partial_fit(X[rows], y[rows], **more), ours.partial_fit(X[rows], y[rows], **more))
    same(theirs.fit(X, y), ours.fit(X, y))
    same(theirs.partial_fit(X, y), ours.partial_fit(X, y))


def test_float32_stays_float32():
    theirs, ours = pair("MLPClassifier", **SHARED)
    x = X.astype(np.float32)
    theirs.fit(x, TWO)
    ours.fit(x, TWO)
    for one, other in zip(theirs.coefs_, ours.coefs_, strict=True):
        assert other.dtype == one.dtype == np.float32
        np.testing.assert_allclose(other, one, atol=1e-4)
    assert ours.predict_proba(x).dtype == theirs.predict_proba(x).dtype == np.float32
    assert ours.predict_proba(X).dtype == theirs.predict_proba(X).dtype == np.float64


def test_every_parameter_default_and_attribute_of_scikit_learn_is_there():
    for name, y in (("MLPClassifier", TWO), ("MLPRegressor", NUMBER)):
        theirs, ours = pair(name)
        given = ours.get_params()
        assert len(theirs.get_params()) > 20
        assert {key: given[key] for key in theirs.get_params()} == theirs.get_params()
        for settings in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
            theirs, ours = pair(name, max_iter=3, **settings)
            theirs.fit(X, y)
            ours.fit(X, y)
            public = {key for key in vars(theirs) if key.endswith("_") and not key.startswith("_")}
            assert len(public) > 8 and public <= set(vars(ours))
            assert {key for key in dir(theirs) if not key.startswith("_")} - set(dir(ours)) <= {"partial_fit"}


def test_what_is_printed_is_what_scikit_learn_prints(capsys):
    theirs, ours = pair("MLPClassifier", solver="sgd", learning_rate="adaptive", learning_rate_init=1e-5, max_iter=60,
                        tol=1.0, n_iter_no_change=2, verbose=True, random_state=0)  # fmt: skip
    theirs.fit(X, TWO)
    expected = capsys.readouterr().out
    ours.fit(X, TWO)
    assert capsys.readouterr().out == expected and "Learning rate too small" in expected


@parametrize_with_checks([tw.MLPClassifier(max_iter=60), MLPRegressor(max_iter=60)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


# ── the exceptions: rows of docs/scikit-learn.md ──────────────────────────────────────────────────────────────────────


def test_the_loss_of_several_outputs_is_the_one_whose_gradient_is_used():
    """scikit-learn reports the mean over outputs and follows the sum (its issue 8349)."""
    theirs, ours = pair("MLPRegressor", alpha=0.0, **SHARED)
    theirs.fit(X, NUMBERS)
    ours.fit(X, NUMBERS)
    same(theirs, ours, losses=False)
    np.testing.assert_allclose(ours.loss_curve_, 2.0 * np.array(theirs.loss_curve_), rtol=1e-7)
    loss, coefs, _ = ours.loss_gradient(X, NUMBERS)
    step = 1e-6
    ours.coefs_[0][2, 3] += step
    above = ours.loss_gradient(X, NUMBERS)[0]
    assert (above - loss) / step == pytest.approx(coefs[0][2, 3], rel=1e-3, abs=1e-6)


def test_training_stops_at_a_value_that_is_not_finite():
    wild: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 1e6, "random_state": 0, "max_iter": 50}
    model = MLPRegressor(activation="identity", **wild)
    with pytest.raises(
        ValueError, match="Solver produced non-finite parameter weights.*In epoch [0-9]+, batch"
    ) as raised:
        model.fit(1e3 * X, 1e3 * NUMBER)
    assert isinstance(raised.value, tw.TrainingFailed) and model.status_ is tw.Status.NON_FINITE
    assert all(np.isfinite(W).all() for W in model.coefs_)
    slower = MLPRegressor(
        activation="identity", early_stopping=True, **{**wild, "learning_rate_init": 1.0}, hidden_layer_sizes=(50,)
    )
    with pytest.warns(tw.ThalwegWarning, match="The weights are those of epoch"):
        slower.fit(X, NUMBER)
    assert str(slower.validation_scores_[-1]) == "nan" and slower.status_ is tw.Status.NON_FINITE
    assert np.isfinite(slower.predict(X)).all() and slower.n_iter_ < 50


def test_a_batch_of_no_weight_is_left_out():
    weights = np.where(np.arange(N) < 40, 0.0, 1.0)
    settings: dict[str, Any] = {**SHARED, "batch_size": 20, "shuffle": False}
    with pytest.raises(ZeroDivisionError):
        neural_network.MLPClassifier(**settings).fit(X, TWO, weights)
    ours = MLPClassifier(**settings).fit(X, TWO, weights)
    without = MLPClassifier(**settings).fit(X[40:], TWO[40:])
    for one, other in zip(without.coefs_, ours.coefs_, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-12)
    np.testing.assert_allclose(ours.loss_curve_, without.loss_curve_)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        MLPClassifier(**settings).fit(X, TWO, np.zeros(N))


def test_partial_fit_with_an_integer_seed_goes_on_with_its_stream():
    whole, repeated = (MLPClassifier(batch_size=20, random_state=seed) for seed in (np.random.RandomState(5), 5))
    orders = []
    for model in (whole, repeated):
        for _ in range(3):
            model.partial_fit(X, TWO, classes=["no", "yes"])
        orders.append(model.coefs_)
    for one, other in zip(*orders, strict=True):
        assert np.array_equal(one, other)
    theirs: Any = pair("MLPClassifier", batch_size=20, random_state=5)[0]
    for _ in range(3):
        theirs.partial_fit(X, TWO, classes=["no", "yes"])  # the same permutation each time
    assert np.abs(theirs.coefs_[0] - repeated.coefs_[0]).max() > 1e-6


class Interrupts:
    """Presses Ctrl-C in the fifth epoch."""

    def on_epoch(self, run):
        if run.epoch == 5:
            import signal

            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_keeps_what_was_reached_and_ends_what_is_around():
    model = MLPClassifier(callbacks=[Interrupts()], random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, TWO)
    assert model.status_ is tw.Status.INTERRUPTED and model.n_iter_ == 5
    five = MLPClassifier(max_iter=5, random_state=0).fit(X, TWO)
    assert np.array_equal(model.predict_proba(X), five.predict_proba(X))


def test_refusals_of_data_are_scikit_learns():
    model = MLPClassifier(max_iter=2)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        model.predict(X)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.fit(np.where(X > 2, np.nan, X), TWO)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        model.fit(X, NUMBER)
    model.fit(X, TWO)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 7 features as input"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, TWO)
    with pytest.raises(ValueError, match="is not the same as on last call to partial_fit"):
        model.partial_fit(X, TWO, classes=["no", "maybe"])
    with pytest.raises(ValueError, match="`y` has classes not in `self.classes_`"):
        model.partial_fit(X, np.where(TWO == "no", "perhaps", "yes"))
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
        model.set_params(warm_start=True).fit(X, np.full(N, "yes"))
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, TWO, classes=["no", "yes"])
    with pytest.raises(ValueError, match="The validation set is too small"):
        MLPRegressor(early_stopping=True, validation_fraction=0.001).fit(X, NUMBER)
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    assert not hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


# ── kept and used elsewhere ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_tools_of_scikit_learn():
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import BaggingClassifier, StackingClassifier
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401  (or there is no HalvingRandomSearchCV)
    from sklearn.inspection import permutation_importance
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_validate
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = MLPClassifier((5,), learning_rate_init=0.05, max_iter=60, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, TWO)
    assert pipeline.score(X, TWO) > 0.8
    grid = {"mlpclassifier__dropout": [0.0, 0.2], "mlpclassifier__alpha": [1e-4, 1e-2]}
    assert len(GridSearchCV(pipeline, grid, cv=2).fit(X, TWO).cv_results_["params"]) == 4
    search = HalvingRandomSearchCV(
        MLPClassifier(max_iter=20), {"n_layers": [1, 2], "width": list(range(3, 60))}, random_state=0, cv=2
    )
    assert 3 <= search.fit(X, TWO).best_params_["width"] < 60
    assert len(cross_validate(model, X, TWO, cv=3, n_jobs=2)["test_score"]) == 3
    assert CalibratedClassifierCV(model, cv=2).fit(X, TWO).predict_proba(X).shape == (N, 2)
    assert BaggingClassifier(model, n_estimators=2, random_state=0).fit(X, TWO, WEIGHTS).score(X, TWO) > 0.7
    stack = StackingClassifier([("mlp", model)], LogisticRegression(), cv=2).fit(X, TWO)
    assert stack.score(X, TWO) > 0.7
    importance: Any = permutation_importance(model.fit(X, TWO), X, TWO, n_repeats=2, random_state=0)
    assert importance.importances_mean.argmax() in (0, 1)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_estimators_fit_in_parallel(backend):
    import joblib

    models = [MLPClassifier((5,), max_iter=5, random_state=seed) for seed in range(4)]
    with joblib.parallel_config(backend, n_jobs=2):
        fitted: list[Any] = list(joblib.Parallel()(joblib.delayed(model.fit)(X, FOUR) for model in models))
    for seed, one in enumerate(fitted):
        assert np.array_equal(one.parameters_, models[seed].set_params(random_state=seed).fit(X, FOUR).parameters_)


def test_sample_weights_are_routed():
    import sklearn
    from sklearn.model_selection import cross_validate

    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPRegressor((5,), max_iter=3, random_state=0).set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        scores = cross_validate(model, X, NUMBER, cv=2, params={"sample_weight": WEIGHTS})["test_score"]
        assert len(scores) == 2


@pytest.mark.filterwarnings("ignore::thalweg.errors.ThalwegWarning")
def test_the_page_for_those_who_come_from_scikit_learn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = pages.python_blocks("docs/scikit-learn.md")
    assert len(blocks) == 6 and sum("import optuna" in block for block in blocks) == 1
    if not importlib.util.find_spec("optuna"):
        blocks = [block for block in blocks if "import optuna" not in block]
    names = pages.run("docs/scikit-learn.md", blocks)
    assert (
        names["swept"].best and (tmp_path / "rates.svg").exists() and "mlpclassifier__width" in capsys.readouterr().out
    )
    text = (pages.ROOT / "docs" / "scikit-learn.md").read_text(encoding="utf-8")
    for name in OURS:
        assert f"`{name}`" in text, f"the page says nothing of {name}"


def test_partial_fit_takes_the_dtype_of_each_call():
    theirs, ours = pair("MLPRegressor", random_state=np.random.RandomState(0))
    theirs, ours = (clone_of(one).set_params(random_state=np.random.RandomState(0)) for one in (theirs, ours))
    for rows in (X.astype(np.float32), X, X.astype(np.float32)):
        theirs.partial_fit(rows, NUMBER)
        ours.partial_fit(rows, NUMBER)
    for one, other in zip(theirs.coefs_, ours.coefs_, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_warm_start_with_early_stopping_ends_as_in_scikit_learn(seed):
    settings: dict[str, Any] = {
        "hidden_layer_sizes": (6,),
        "learning_rate_init": 0.1,
        "max_iter": 3,
        "random_state": seed,
    }
    theirs, ours = pair("MLPClassifier", warm_start=True, early_stopping=True, **settings)
    for _ in range(3):
        same(theirs.fit(X, FOUR), ours.fit(X, FOUR))
