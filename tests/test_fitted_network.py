"""Inside a fitted estimator: activations, gradients, traces, weights that a user changes."""

import numpy as np
import pandas as pd
import pytest

import thalweg as tw
from mlp_rows import FOUR, NUMBER, QUIET, D, MLPClassifier, MLPRegressor, N, X


pytestmark = QUIET


def test_explain_of_tables_says_where_that_of_arrays_is():
    model = MLPClassifier(random_state=0, max_iter=3, n_iter_no_change=9).fit(X, FOUR)
    with pytest.raises(tw.InputError, match=r"not MLPClassifier; use its own method, model.explain\(x, y\)"):
        tw.explain(model, X, row=1)


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


def test_weights_that_a_user_puts_in_are_the_ones_that_predict():
    model = MLPRegressor((5,), max_iter=2, random_state=0).fit(X, NUMBER)
    model.coefs_[1][:] = 0.0
    model.intercepts_[1][:] = 7.0
    assert np.array_equal(model.predict(X), np.full(N, 7.0))
    model.intercepts_ = [np.zeros(5), np.array([11.0])]
    assert np.array_equal(model.predict(X), np.full(N, 11.0))
