"""Beyond scikit-learn: optimizers, callbacks, validation rows of one's own, metrics, what is restored."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

import thalweg as tw
from mlp_rows import (
    FOUR,
    NUMBER,
    NUMBERS,
    QUIET,
    SHARED,
    TWO,
    WEIGHTS,
    D,
    MLPClassifier,
    MLPRegressor,
    N,
    X,
    clone_of,
)


pytestmark = QUIET


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
