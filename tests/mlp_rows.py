"""For tests of the MLP estimators: rows and targets, both estimators of a name, whether they came to the same."""

from typing import Any

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.base import clone

import thalweg as tw


QUIET = [
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
    """scikit-learn's estimator of this name, and ours."""
    return getattr(neural_network, name)(**settings), getattr(tw, name)(**settings)
