"""Labels of several columns, of sparse matrices, and those that are yet to come."""

import numpy as np
import pytest
import scipy.sparse
from sklearn import neural_network

from mlp_rows import (
    FOUR,
    LABELS,
    QUIET,
    SHARED,
    TWO,
    WEIGHTS,
    MLPClassifier,
    N,
    X,
    pair,
)


pytestmark = QUIET


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


def test_sparse_labels_are_predicted_sparse(tmp_path):
    theirs, ours = pair("MLPClassifier", **SHARED)
    y = scipy.sparse.csr_matrix(LABELS)
    one, other = theirs.fit(X, y).predict(X), ours.fit(X, y).predict(X)
    assert type(one) is type(other) and (one != other).nnz == 0
    ours.save(tmp_path / "m.thalweg")
    assert (type(ours).load(tmp_path / "m.thalweg").predict(X) != one).nnz == 0


def test_validation_rows_need_not_have_every_class_of_a_warm_start():
    few = FOUR < 2
    model = MLPClassifier(warm_start=True, validation=(X[few], FOUR[few]), **SHARED).fit(X, FOUR)
    assert len(model.fit(X, FOUR).loss_curve_) > 20


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
