"""The estimators against scikit-learn's of the same names: the same program, with only its import changed."""

import importlib.util
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import pages
import thalweg as tw
from command_line import run, write_csv
from thalweg.mlp_parameters import OURS


pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*scikit-learn ignores it in silence"),
]
MLPClassifier: Any = tw.MLPClassifier
MLPRegressor: Any = tw.MLPRegressor
N, D = 103, 7
RANDOM = np.random.default_rng(20261130)
X = RANDOM.normal(size=(N, D))
BENT = X[:, 0] + X[:, 1] ** 2
TWO, FOUR = np.where(BENT > 0.5, "yes", "no"), np.digitize(BENT, [0.0, 1.0, 2.0])
LABELS = np.stack([BENT > 0.5, X[:, 2] > 0.0, X[:, 3] * X[:, 1] > 0.0], axis=1).astype(int)
NUMBER = X[:, 0] * X[:, 1] + np.sin(X[:, 2])
NUMBERS, COUNTS = np.stack([NUMBER, X[:, 3] ** 2], axis=1), RANDOM.poisson(np.exp(0.3 * X[:, 0]))
WEIGHTS = RANDOM.uniform(0.2, 2.0, N)
clone_of: Any = clone
SHARED = {"max_iter": 20, "random_state": 3, "hidden_layer_sizes": (11,)}


def same(theirs, ours, *, losses=True):
    """Weights to 1e-5 as asked (mostly 1e-12), and what was reported on the way."""
    for one, other in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-5)
        assert other.dtype == one.dtype
    assert (ours.n_iter_, ours.t_, ours.n_layers_) == (theirs.n_iter_, theirs.t_, theirs.n_layers_)
    assert (ours.n_outputs_, ours.out_activation_) == (theirs.n_outputs_, theirs.out_activation_)
    if losses:
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-7)
        if hasattr(theirs, "loss_curve_"):
            np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-7)
            assert (ours.best_loss_ is None) == (theirs.best_loss_ is None)


def pair(name, **settings: Any):
    return getattr(neural_network, name)(**settings), getattr(tw, name)(**settings)


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


def test_hidden_layers_may_come_first_in_the_regressor():
    model = MLPRegressor((5, 3), max_iter=2).fit(X, NUMBER)
    assert model.loss == "squared_error" and model.hidden_layer_sizes == (5, 3)
    assert [W.shape for W in model.coefs_] == [(D, 5), (5, 3), (3, 1)]
    copied: Any = clone(model)
    assert MLPRegressor(7).hidden_layer_sizes == 7 and copied.get_params()["hidden_layer_sizes"] == (5, 3)
    assert MLPRegressor("poisson", (5,)).loss == "poisson"


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


@pytest.mark.filterwarnings("default:.*scikit-learn ignores it in silence")
@pytest.mark.parametrize("settings", [
    {"solver": "adam", "momentum": 0.5}, {"solver": "adam", "learning_rate": "adaptive"},
    {"solver": "lbfgs", "early_stopping": True}, {"solver": "lbfgs", "batch_size": 13},
    {"solver": "sgd", "beta_1": 0.5},
    {"validation_fraction": 0.3}, {"solver": "sgd", "power_t": 0.3}, {"max_fun": 3},
], ids=str)  # fmt: skip
def test_what_scikit_learn_ignores_in_silence_is_said(settings):
    idle = [key for key in settings if key != "solver"][0]
    with pytest.warns(tw.ThalwegWarning, match=f"{idle}=.* would do nothing: '{idle}' counts only when"):
        MLPClassifier(max_iter=2, **settings).fit(X, TWO)


@pytest.mark.filterwarnings("default:.*are ignored, as training goes on")
def test_other_hidden_layers_under_warm_start_are_said():
    model = MLPClassifier((5,), warm_start=True, max_iter=2).fit(X, TWO).set_params(hidden_layer_sizes=(7,))
    with pytest.warns(tw.ThalwegWarning, match=r"hidden layers \(7,\) are ignored.*the fitted ones, \(5,\)"):
        model.fit(X, TWO)
    assert model.coefs_[0].shape == (D, 5)


# ── beyond scikit-learn ───────────────────────────────────────────────────────────────────────────────────────────────


def test_several_columns_of_classes():
    y = np.stack([FOUR, (X[:, 0] > 0).astype(int) + 5], axis=1)
    with pytest.raises(ValueError, match="Multioutput target data is not supported"):
        neural_network.MLPClassifier().fit(X, y)
    model = MLPClassifier(max_iter=800, random_state=0).fit(X, y)
    assert [known.tolist() for known in model.classes_] == [[0, 1, 2, 3], [5, 6]]
    probabilities = model.predict_proba(X)
    for known, of_each, column in zip(model.classes_, probabilities, model.predict(X).T, strict=True):
        np.testing.assert_allclose(of_each.sum(axis=1), 1.0)
        assert np.array_equal(known[of_each.argmax(axis=1)], column)
    right = (model.predict(X) == y).all(axis=1)
    assert model.score(X, y) == right.mean() > 0.9
    assert model.score(X, y, WEIGHTS) == pytest.approx(np.average(right, weights=WEIGHTS))
    assert [p.shape for p in model.predict_log_proba(X)] == [(N, 4), (N, 2)]


@pytest.mark.parametrize(("settings", "network"), [
    ({"activation": ["gelu", tw.LeakyReLU(0.2)], "hidden_layer_sizes": (5, 3)},
     {"sizes": (D, 5, 3, 1), "activation": ["gelu", tw.LeakyReLU(0.2)]}),
    ({"n_layers": 3, "width": 5}, {"sizes": (D, 5, 5, 5, 1)}), ({"width": 5}, {"sizes": (D, 5, 1)}),
    ({"n_layers": 2}, {"sizes": (D, 100, 100, 1)}), ({"dropout": 0.3}, {"dropout": 0.3}), ({"l2": 0.01}, {"l2": 0.01}),
    ({"loss": "squared_error"}, {"loss": "half_squared_error"}), ({"loss": tw.Huber(0.3)}, {"loss": tw.Huber(0.3)}),
], ids=str)  # fmt: skip
def test_the_network_is_what_was_asked_for(settings, network):
    usual = {"sizes": (D, 100, 1), "output": "sigmoid", "loss": "binary_cross_entropy"}
    assert MLPClassifier(max_iter=2, **settings).fit(X, TWO).network_ == tw.Network(**{**usual, **network})


def test_training_with_our_own_optimizer_is_that_of_train():
    optimizer = tw.AdamW(tw.Cosine(0.01), weight_decay=0.1)
    model = MLPRegressor(
        (5,), optimizer=optimizer, l2=0.01, clip_gradient=0.5, batch_size=13, shuffle=False, max_iter=7, random_state=0,
        n_iter_no_change=np.inf,
    ).fit(X, NUMBER)  # fmt: skip
    start = MLPRegressor((5,), max_iter=1, learning_rate_init=1e-300, random_state=0).fit(X, NUMBER)
    result = tw.train(
        model.network_, X, NUMBER, parameters=start.parameters_, batch=13, order="sweep", dtype="float64",
        optimizer=tw.AdamW(tw.Cosine(0.01), weight_decay=0.1, clip=0.5), stop=tw.Stop(epochs=7),
    )  # fmt: skip
    np.testing.assert_allclose(model.parameters_, result.parameters, atol=1e-12)


def test_class_weight_multiplies_the_weights_of_the_rows():
    by_class = {"no": 1.0, "yes": 3.0}
    one = MLPClassifier(class_weight=by_class, **SHARED).fit(X, TWO, WEIGHTS)
    other = MLPClassifier(**SHARED).fit(X, TWO, WEIGHTS * np.where(TWO == "yes", 3.0, 1.0))
    assert np.array_equal(one.parameters_, other.parameters_)
    balanced = MLPClassifier(class_weight="balanced", **SHARED).fit(X, TWO)
    assert not np.array_equal(balanced.parameters_, one.parameters_)


def test_a_checkpoint_is_a_file_of_the_estimator_as_it_was(tmp_path):
    settings: dict[str, Any] = {**SHARED, "max_iter": 8, "validation": 0.2}
    MLPClassifier(**settings, callbacks=[tw.Checkpoint(tmp_path / "run.thalweg", every=5)]).fit(X, FOUR)
    five = MLPClassifier(**{**settings, "max_iter": 5}).fit(X, FOUR)
    again = MLPClassifier.load(tmp_path / "run.thalweg")
    assert np.array_equal(again.predict_proba(X), five.predict_proba(X)) and again.n_iter_ == 5
    assert again.status_ is tw.Status.INTERRUPTED and again.loss_curve_ == five.loss_curve_


def test_a_single_callback_needs_no_list(tmp_path, capsys):
    MLPClassifier(callbacks=tw.ProgressBar(), random_state=0, max_iter=3, tol=0.0).fit(X, FOUR)
    assert "epoch" in capsys.readouterr().err
    path = tmp_path / "run.thalweg"
    MLPClassifier(callbacks=tw.Checkpoint(path, every=2), random_state=0, max_iter=3).fit(X, FOUR)
    assert MLPClassifier.load(path).predict(X).shape == (len(X),)
    with pytest.raises(tw.InputError, match="'callbacks' parameter of MLPClassifier must be a callback as of tw.train"):
        MLPClassifier(callbacks=3).fit(X, FOUR)


def test_explain_of_tables_says_where_that_of_arrays_is():
    model = MLPClassifier(random_state=0, max_iter=3, n_iter_no_change=9).fit(X, FOUR)
    with pytest.raises(tw.InputError, match=r"not MLPClassifier; use its own method, model.explain\(x, y\)"):
        tw.explain(model, X, row=1)


def test_callbacks_of_training_work_in_an_estimator():
    average = tw.WeightAveraging(0.5)
    model = MLPClassifier(validation=0.2, callbacks=average, random_state=0, max_iter=9).fit(X, FOUR)
    plain = MLPClassifier(validation=0.2, restore="last", random_state=0, max_iter=9).fit(X, FOUR)
    assert model.loss_curve_ == plain.loss_curve_ and not np.array_equal(model.parameters_, plain.parameters_)
    with pytest.raises(tw.InputError, match="WeightAveraging.* and restore='best' of the estimator would both choose"):
        MLPClassifier(validation=0.2, restore="best", callbacks=[average]).fit(X, FOUR)
    stopping = tw.EarlyStopping("f1_macro", patience=3)
    model = MLPClassifier(validation=0.2, restore="last", callbacks=[stopping], learning_rate_init=0.1, random_state=0,
                          n_iter_no_change=np.inf).fit(X, FOUR)  # fmt: skip
    assert model.status_ is tw.Status.CALLBACK and model.best_epoch_ == stopping.best_epoch < model.n_iter_


def test_a_copy_of_an_estimator_whose_progress_was_shown(capsys):
    import copy

    model = MLPClassifier(callbacks=tw.ProgressBar(), **SHARED).fit(X, FOUR)
    assert "epoch 20/20" in capsys.readouterr().err and "callbacks=ProgressBar()" in repr(model)
    for other in (clone_of(model).fit(X, FOUR), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert np.array_equal(other.parameters_, model.parameters_)


class Half:
    """A splitter: the first half is trained on."""

    def split(self, X, y):
        yield np.arange(50), np.arange(50, N)


@pytest.mark.parametrize("form", ["rows", "weighted rows", "splitter"])
def test_validation_rows_of_ones_own(form):
    validation = {"rows": (X[50:], FOUR[50:]), "weighted rows": (X[50:], FOUR[50:], WEIGHTS[50:]), "splitter": Half()}
    model = MLPClassifier((11,), validation=validation[form], learning_rate_init=0.05, random_state=0, max_iter=150)
    model.fit(*((X, FOUR) if form == "splitter" else (X[:50], FOUR[:50])))
    weights = WEIGHTS[50:] if form == "weighted rows" else None
    losses = -np.log(model.predict_proba(X[50:])[np.arange(N - 50), FOUR[50:]])
    best = int(np.argmin(model.validation_loss_curve_))
    assert model.best_epoch_ == best + 1 < model.n_iter_ and model.status_ is tw.Status.PATIENCE
    assert np.average(losses, weights=weights) == pytest.approx(model.validation_loss_curve_[best])
    assert model.best_validation_score_ == pytest.approx(-model.validation_loss_curve_[best])
    assert len(model.validation_loss_curve_) == len(model.loss_curve_) == len(model.history_) == model.n_iter_


@pytest.mark.parametrize("metric", ["f1_macro", "neg_log_loss", lambda model, x, y: model.score(x, y)])
def test_any_scorer_says_when_to_stop_and_what_is_best(metric):
    from sklearn.metrics import get_scorer

    scorer = get_scorer(metric) if isinstance(metric, str) else metric
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(D)])
    settings: dict[str, Any] = {"learning_rate_init": 0.05, "random_state": 0, "max_iter": 60, "metric": metric}
    model = MLPClassifier(validation=(frame[50:], FOUR[50:]), **settings).fit(frame[:50], FOUR[:50])
    assert scorer(model, frame[50:], FOUR[50:]) == pytest.approx(max(model.validation_scores_))
    assert list(model.feature_names_in_) == list(frame.columns)
    last = MLPClassifier(validation=(X[50:], FOUR[50:]), restore="last", **settings).fit(X[:50], FOUR[:50])
    assert scorer(last, X[50:], FOUR[50:]) == pytest.approx(last.validation_scores_[-1])


def test_the_best_training_loss_is_restored_where_asked():
    settings: dict[str, Any] = {"solver": "sgd", "learning_rate_init": 2.0, "max_iter": 40, "random_state": 0}
    curve = MLPClassifier(**settings).fit(X, FOUR).loss_curve_
    settings["max_iter"] = 1 + next(i for i, loss in enumerate(curve) if loss > min(curve[: i + 1]))  # ends with a rise
    model = MLPClassifier(restore="best", **settings).fit(X, FOUR)
    assert model.best_epoch_ == int(np.argmin(model.loss_curve_)) + 1 < model.n_iter_
    until = MLPClassifier(**{**settings, "max_iter": model.best_epoch_}).fit(X, FOUR)
    assert np.array_equal(until.parameters_, model.parameters_)


@pytest.mark.parametrize("optimizer", [tw.LBFGS(), tw.GradientDescent(tw.Wolfe()), "ConjugateGradient"], ids=str)
def test_directions_on_all_rows_follow_alpha(optimizer):
    settings: dict[str, Any] = {"random_state": 0, "max_iter": 400, "tol": 0.0, "n_iter_no_change": np.inf}
    model = MLPRegressor(hidden_layer_sizes=(), alpha=3.0, optimizer=optimizer, **settings).fit(X, NUMBER)
    design = np.column_stack([X, np.ones(N)])
    penalty = 3.0 * np.diag([1.0] * D + [0.0])
    exact = np.linalg.solve(design.T @ design + penalty, design.T @ NUMBER)  # ridge regression
    np.testing.assert_allclose(np.append(model.coefs_[0][:, 0], model.intercepts_[0]), exact, atol=1e-6)


def test_time_and_engine_and_dtype():
    model = MLPClassifier(time_limit=0.05, max_iter=10**6, n_iter_no_change=np.inf).fit(X, TWO)
    assert model.status_ is tw.Status.SECONDS
    one = MLPClassifier(engine="reference", **SHARED).fit(X, FOUR)
    other = MLPClassifier(threads=1, **SHARED).fit(X, FOUR)
    np.testing.assert_allclose(one.parameters_, other.parameters_, atol=1e-9)
    assert MLPClassifier(dtype="float32", **SHARED).fit(X, FOUR).coefs_[0].dtype == np.float32


def test_what_is_inside():
    model = MLPClassifier((5, 3), "tanh", alpha=0.0, max_iter=20, random_state=0).fit(X, FOUR)
    first = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    second = np.tanh(first @ model.coefs_[1] + model.intercepts_[1])
    for one, other in zip(model.hidden_activations(X), (first, second), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-14)
    trace = model.explain(X[3], FOUR[3])
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(D)])
    named = MLPClassifier((5, 3), "tanh", alpha=0.0, max_iter=20, random_state=0).fit(frame, FOUR)
    for x, y in ((X[3:4], FOUR[3:4]), (frame.iloc[[3]], pd.Series(FOUR).iloc[[3]]), (frame.iloc[3], FOUR[3])):
        again = (model if x is not frame and isinstance(x, np.ndarray) else named).explain(x, y)
        assert again["E"].result == trace["E"].result
    loss, coefs, intercepts = model.loss_gradient(X[3:4], FOUR[3:4])
    assert float(trace["E"].result) == pytest.approx(loss)
    assert float(trace["dE/dW", 2, 4, 1].result) == pytest.approx(coefs[1][3, 0])
    assert float(trace["dE/db", 3, 2].result) == pytest.approx(intercepts[2][1])


def test_the_sweep_of_learning_rates(tmp_path):
    model = MLPClassifier((5,), solver="sgd", random_state=0)
    swept = model.learning_rate_range(X, FOUR, rates=[1e-6, 0.1, 1e12])
    assert swept.regimes[0] == "creeping" and swept.regimes[2] == "diverging" and swept.best == 0.1
    assert not hasattr(model, "coefs_")
    swept.plot(tmp_path / "rates.svg")
    assert (tmp_path / "rates.svg").stat().st_size > 1_000
    again = MLPClassifier((5,), optimizer=tw.RMSprop(), random_state=0).learning_rate_range(X, FOUR, epochs=2)
    assert len(again.rates) == 25 and again.best is not None
    with pytest.raises(tw.InputError, match="has no learning rate to choose"):
        MLPClassifier(solver="lbfgs").learning_rate_range(X, FOUR)


@pytest.mark.parametrize(("settings", "said"), [
    ({"alpha": -1}, r"The 'alpha' parameter of MLPClassifier must be a float in the range \[0.0, inf\). Got -1"),
    ({"hidden_layer_sizes": (5, 0)}, "The 'hidden_layer_sizes' parameter of MLPClassifier must be an array-like"),
    ({"solver": "sag"}, "'solver' parameter of MLPClassifier must be a str among 'lbfgs', 'sgd', 'adam'. Got 'sag'"),
    ({"activation": ["relu", "softmaxx"]}, "'activation' parameter"), ({"max_iter": 0}, "'max_iter'"),
    ({"n_iter_no_change": 0.5}, "'n_iter_no_change'"), ({"random_state": -1}, "'random_state'"),
    ({"l2": 0.1, "alpha": 0.1}, "The 'l2' parameter of MLPClassifier takes the place of 'alpha'"),
    ({"width": 3, "hidden_layer_sizes": (5,)}, "takes the place of 'hidden_layer_sizes'"),
    ({"optimizer": "Adam", "solver": "sgd"}, "takes the place of 'solver'"),
    ({"metric": "f1"}, "'metric' counts only when there are validation rows"),
    ({"solver": "lbfgs", "dropout": 0.1}, "'dropout' counts only when solver is 'sgd' or 'adam'; leave it out"),
    ({"optimizer": tw.LBFGS(), "clip_gradient": 1.0}, "'clip_gradient' parameter would do nothing with LBFGS"),
    ({"optimizer": "Adagrad"}, "there is no optimizer 'Adagrad'"), ({"engine": "gpu"}, "there is no engine 'gpu'"),
    ({"loss": "cross_entropy"}, "the loss cross_entropy needs the output softmax"),
    ({"callbacks": [3]}, "the callback 3 would do nothing"),
    ({"loss": "logloss"}, "a str among 'log_loss' .of classes., 'squared_error'"),
    ({"validation": (X,)}, "'validation' parameter"), ({"validation": 1.5}, "'validation' parameter"),
    ({"dropout": (0.1, 0.1)}, "dropout must be one value or one per hidden layer"), ({"dtype": "float16"}, "'dtype'"),
], ids=str)  # fmt: skip
def test_refusals_name_parameter_value_and_rule(settings, said):
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**settings).fit(X, TWO)


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


def test_weights_that_a_user_puts_in_are_the_ones_that_predict():
    model = MLPRegressor((5,), max_iter=2, random_state=0).fit(X, NUMBER)
    model.coefs_[1][:] = 0.0
    model.intercepts_[1][:] = 7.0
    assert np.array_equal(model.predict(X), np.full(N, 7.0))
    model.intercepts_ = [np.zeros(5), np.array([11.0])]
    assert np.array_equal(model.predict(X), np.full(N, 11.0))


# ── kept and used elsewhere ───────────────────────────────────────────────────────────────────────────────────────────


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
        tw.FileError, match="is a Thalweg model, but an estimator is needed here; load it with tw.load$"
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


# ── several quantiles ────────────────────────────────────────────────────────────────────────────────────────────────

LEVELS = [0.1, 0.6, 0.85]


@pytest.mark.parametrize(
    "loss", [tw.Quantile(LEVELS), [tw.Quantile(level) for level in LEVELS], LEVELS], ids=["one", "list", "levels"]
)
def test_several_quantiles_of_one_target(loss, tmp_path):
    y = NUMBER + np.random.default_rng(1).normal(size=N)
    model = MLPRegressor(loss=loss, early_stopping=True, **SHARED).fit(X, y, sample_weight=WEIGHTS)
    same_network = tw.Network([D, 11, 3], loss=tw.Quantile(LEVELS))
    assert model.network_ == same_network and model.n_outputs_ == 3
    out = model.predict(X)
    assert out.shape == (N, 3) and model.predict(X[:1]).shape == (1, 3)
    np.testing.assert_allclose(out, tw.predict(same_network, model.parameters_, X), rtol=1e-12)
    assert model.score(X, y) == pytest.approx(r2_score(y, out[:, 1]))
    assert model.score(X, y, WEIGHTS) == pytest.approx(r2_score(y, out[:, 1], sample_weight=WEIGHTS))
    assert model.score(X, y[:, None]) == model.score(X, y)
    residuals = y[:, None] - out
    losses = np.maximum(np.array(LEVELS) * residuals, (np.array(LEVELS) - 1) * residuals).sum(axis=1)
    loss_now, coefs, _ = model.set_params(alpha=0.0).loss_gradient(X, y, WEIGHTS)
    assert loss_now == pytest.approx(np.average(losses, weights=WEIGHTS)) and coefs[1].shape == (11, 3)
    model.save(tmp_path / "m.thalweg")
    for other in (
        MLPRegressor.load(tmp_path / "m.thalweg"),
        pickle.loads(pickle.dumps(model)),
        clone_of(model).fit(X, y),
    ):
        assert other.network_ == same_network and other.predict(X).shape == (N, 3)
    assert np.array_equal(MLPRegressor.load(tmp_path / "m.thalweg").predict(X), out)
    assert model.explain(X[0], y[0])["E"].result == pytest.approx(losses[0])


def test_early_stopping_scores_the_quantile_nearest_to_the_median():
    held = X[:23], NUMBER[:23]
    model = MLPRegressor(tw.Quantile([0.95, 0.45]), early_stopping=True, validation=held, restore="best", **SHARED)
    model.fit(X[23:], NUMBER[23:])
    assert model.best_validation_score_ == pytest.approx(r2_score(held[1], model.predict(held[0])[:, 1]))
    assert model.best_validation_score_ == pytest.approx(model.score(*held))
    by_loss = clone_of(model).set_params(early_stopping=False).fit(X[23:], NUMBER[23:])
    assert by_loss.best_validation_score_ == pytest.approx(-np.nanmin(by_loss.validation_loss_curve_))


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_quantiles_tell_apart_what_varies(solver):
    y = np.abs(X[:, 0]) * np.random.default_rng(2).normal(size=N)
    settings = {"solver": solver, "alpha": 0.0, "max_iter": 300, "random_state": 1, "learning_rate_init": 0.01}
    out = MLPRegressor(tw.Quantile([0.2, 0.8]), (13,), **settings).fit(X, y).predict(X)
    below = (y[:, None] < out).mean(axis=0)
    assert below[0] < 0.35 and below[1] > 0.65 and (out[:, 0] <= out[:, 1]).mean() > 0.9


def test_a_scorer_of_one_prediction_cannot_judge_several_quantiles():
    with pytest.raises(tw.InputError, match="metric='r2' judges one prediction for each row, and quantile.* makes 3"):
        MLPRegressor(tw.Quantile(LEVELS), validation=0.2, metric="r2", **SHARED).fit(X, NUMBER)


def test_one_level_in_a_list_is_one_output():
    one, listed = (MLPRegressor(loss, **SHARED).fit(X, NUMBER) for loss in (tw.Quantile(0.3), tw.Quantile([0.3])))
    assert np.array_equal(one.predict(X), listed.predict(X)) and listed.predict(X).shape == (N,)
    assert one.score(X, NUMBER) == listed.score(X, NUMBER)


@pytest.mark.parametrize(
    ("loss", "y", "said"),
    [
        (tw.Quantile([0.1, 0.9]), NUMBERS, "several quantiles are those of one target, and y has 2 columns"),
        ([tw.Quantile(0.1), tw.Huber()], NUMBER, "several losses are quantiles of one target"),
        ([tw.Quantile(0.1), tw.Quantile([0.2, 0.3])], NUMBER, "each of one level"),
        ([tw.Quantile(0.1), tw.Quantile(0.1)], NUMBER, "levels must be different"),
        (["squared_error"], NUMBER, "several losses are quantiles"),
    ],
)
def test_what_is_no_list_of_quantiles_is_refused(loss, y, said):
    with pytest.raises(tw.InputError, match=said):
        MLPRegressor(loss, **SHARED).fit(X, y)


# ── what a review found ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_loaded_estimator_goes_on_with_partial_fit(tmp_path):
    model = MLPClassifier(random_state=0)
    for _ in range(2):
        model.partial_fit(X, TWO, classes=["no", "yes"])
    model.save(tmp_path / "m.thalweg")
    again = MLPClassifier.load(tmp_path / "m.thalweg").set_params(random_state=0)
    assert not np.array_equal(again.partial_fit(X, TWO).parameters_, model.parameters_)


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


def test_sparse_labels_are_predicted_sparse():
    theirs, ours = pair("MLPClassifier", **SHARED)
    y = scipy.sparse.csr_matrix(LABELS)
    one, other = theirs.fit(X, y).predict(X), ours.fit(X, y).predict(X)
    assert type(one) is type(other) and (one != other).nnz == 0


def test_classes_of_partial_fit_for_several_columns():
    y = np.stack([TWO, FOUR.astype(str)], axis=1)
    model = MLPClassifier()
    for _ in range(2):
        model.partial_fit(X[:50], y[:50], classes=[["yes", "no", "maybe"], list("0123")])
    assert [known.tolist() for known in model.classes_] == [["maybe", "no", "yes"], list("0123")]
    with pytest.raises(ValueError, match="must be a list of as many"):
        MLPClassifier().partial_fit(X, y, classes=["yes", "no", "maybe"])
    with pytest.raises(ValueError, match="are 2, and y has 3 columns"):
        MLPClassifier().partial_fit(X, LABELS, classes=[0, 1])


def test_a_callable_metric_is_asked_without_weights():
    def metric(model, x, y):
        return model.score(x, y)

    for settings in (
        {"validation": 0.2},
        {"validation": (X, FOUR, WEIGHTS)},
        {"validation": 0.2, "metric": "adjusted_rand_score"},
    ):
        model = MLPClassifier(**{"metric": metric, **settings}, **SHARED).fit(X, FOUR, WEIGHTS)
        assert len(model.validation_scores_) == model.n_iter_


@pytest.mark.parametrize(("settings", "said"), [
    ({"optimizer": tw.LBFGS(), "dropout": 0.5}, "dropout=0.5 would do nothing, as LBFGS"),
    ({"solver": "lbfgs", "dtype": "float32"}, "'dtype' counts only when"),
    ({"optimizer": tw.Adam(clip=1.0), "clip_gradient": 2.0}, "both clip gradients"),
    ({"validation": "abc"}, "'validation' parameter"), ({"callbacks": [tw.ProgressBar]}, "is a class; make one of it"),
], ids=str)  # fmt: skip
def test_more_refusals(settings, said):
    with pytest.raises(ValueError, match=said):
        MLPClassifier(**settings).fit(X, TWO)


def test_refusals_name_the_rows_of_the_user():
    weights = WEIGHTS.copy()
    weights[70] = -1.0
    with pytest.raises(ValueError, match="row 71"):
        MLPClassifier(early_stopping=True).fit(X, TWO, weights)
    with pytest.raises(ValueError, match="fitted network has 1"):
        MLPRegressor(warm_start=True, max_iter=2).fit(X, NUMBER).fit(X, NUMBERS)
    with pytest.raises(ValueError, match="'loss' parameter"):
        MLPRegressor((5,), hidden_layer_sizes=(6,)).fit(X, NUMBER)
    assert MLPClassifier((), activation=[], max_iter=2).fit(X, TWO).n_layers_ == 2
    for rates, epochs, said in (([], 3, "one learning rate or more"), (None, 0, "epochs must be a whole number")):
        with pytest.raises(ValueError, match=said):
            MLPClassifier().learning_rate_range(X, TWO, rates=rates, epochs=epochs)


@pytest.mark.parametrize(("settings", "epochs"), [({"hidden_layer_sizes": (4,)}, 2000), ({}, 300),
                                                 ({"hidden_layer_sizes": (4,), "solver": "lbfgs"}, 50),
                                                 ({"hidden_layer_sizes": (4,)}, 2)])  # fmt: skip
def test_pickles_of_long_and_short_fits_are_no_larger(settings, epochs):
    usual = {} if "solver" in settings else {"n_iter_no_change": epochs}
    theirs, ours = pair("MLPClassifier", max_iter=epochs, random_state=0, **settings, **usual)
    sizes = [len(pickle.dumps(one.fit(X, TWO))) for one in (theirs, ours)]
    assert sizes[1] <= sizes[0]
