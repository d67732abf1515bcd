"""What parameters come to: layers, losses, several quantiles at once."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score

import thalweg as tw
from mlp_rows import (
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


def test_hidden_layers_may_come_first_in_the_regressor():
    model = MLPRegressor((5, 3), max_iter=2).fit(X, NUMBER)
    assert model.loss == "squared_error" and model.hidden_layer_sizes == (5, 3)
    assert [W.shape for W in model.coefs_] == [(D, 5), (5, 3), (3, 1)]
    copied: Any = clone(model)
    assert MLPRegressor(7).hidden_layer_sizes == 7 and copied.get_params()["hidden_layer_sizes"] == (5, 3)
    assert MLPRegressor("poisson", (5,)).loss == "poisson"


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
