"""Sparse rows spread out some at a time: the same steps as the dense matrix, whatever fits into a buffer."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import thalweg as tw
from thalweg import sparse_rows


N, D = 211, 37
MLPClassifier: Any = tw.MLPClassifier
MLPRegressor: Any = tw.MLPRegressor


@pytest.fixture
def small_buffers(monkeypatch):
    """As if memory were short: 13 rows make a buffer, two batches of 6 fit into it."""
    monkeypatch.setattr(sparse_rows, "MOST_BYTES", 1)
    monkeypatch.setattr(sparse_rows, "BUFFER_BYTES", 13 * D * 8)


@pytest.fixture
def rows(rng):
    X = scipy.sparse.random(N, D, density=0.2, rng=rng, format="csr")
    return X, (X[:, 0].toarray().ravel() + X[:, 1].toarray().ravel() > 0.1).astype(int)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("settings", [
    {"batch_size": 6}, {"batch_size": 1, "solver": "sgd"}, {"batch_size": 50}, {"batch_size": N},
    {"early_stopping": True, "batch_size": 6}, {"solver": "lbfgs"}, {"optimizer": tw.LBFGS()}, {"engine": "reference"},
    {"alpha": 1.0, "batch_size": 6, "activation": "tanh"},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True])
def test_large_sparse_rows_give_the_weights_of_the_dense_ones(settings, weighted, rows, rng, small_buffers):
    X, y = rows
    weights = rng.uniform(0.5, 2.0, N) if weighted else None
    options = {"hidden_layer_sizes": (5,), "max_iter": 7, "random_state": 0, **settings}
    dense = MLPClassifier(**options).fit(X.toarray(), y, weights)
    for form in ("csr", "csc"):
        sparse = MLPClassifier(**options).fit(X.asformat(form), y, weights)
        np.testing.assert_allclose(sparse.parameters_, dense.parameters_, atol=1e-9)
        assert sparse.loss_ == pytest.approx(dense.loss_, rel=1e-9)
        np.testing.assert_allclose(sparse.predict_proba(X), dense.predict_proba(X.toarray()), atol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_held_at_once_is_the_buffer(rows, small_buffers, monkeypatch):
    X, y = rows
    taken = []
    take = sparse_rows.SparseExamples.take
    monkeypatch.setattr(
        sparse_rows.SparseExamples, "take", lambda self, some: (taken.append(len(some)), take(self, some))[1]
    )
    model = MLPClassifier((5,), batch_size=6, max_iter=2, dropout=0.2, random_state=0).fit(X, y)
    assert max(taken) <= 13 and sum(taken) >= 2 * N
    assert np.isfinite(model.loss_curve_).all()


def test_a_step_that_breaks_down_is_found_in_its_batch(rows, small_buffers):
    X, y = rows
    wild = X.copy()
    wild.data[:] = 1e3 * wild.data
    with pytest.raises(tw.TrainingFailed, match=r"In epoch \d+, batch \d+"):
        MLPRegressor((5,), solver="sgd", learning_rate_init=1e6, batch_size=6, alpha=0.0,
                     random_state=0).fit(wild, 1e3 * y)  # fmt: skip


def test_small_sparse_rows_are_spread_out_at_once(rows):
    X, _ = rows
    assert not sparse_rows.is_large(X, 8) and not sparse_rows.is_large(X.toarray(), 8)
    assert sparse_rows.is_large(scipy.sparse.csr_matrix((100_000, 10_000)), 8)
