"""Rows kept and rows held: whole, seeded, stratified."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import InputError
from thalweg.splitting import split


@given(n=st.integers(2, 97), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 2**32))
def test_every_row_is_on_one_side(n, fraction, seed):
    kept, held = split(n, fraction, seed=seed, purpose="holdout")
    assert np.array_equal(np.sort(np.concatenate([kept, held])), np.arange(n))
    assert np.array_equal(kept, np.sort(kept)) and np.array_equal(held, np.sort(held))
    assert len(held) == min(max(round(n * fraction), 1), n - 1)


@given(labels=st.lists(st.integers(0, 4), min_size=2, max_size=97), fraction=st.floats(0.05, 0.95))
def test_every_class_gives_its_share_and_keeps_a_row(labels, fraction):
    labels = np.array(labels)
    kept, held = split(len(labels), fraction, seed=3, purpose="validation", labels=labels)
    assert np.array_equal(np.sort(np.concatenate([kept, held])), np.arange(len(labels)))
    assert len(kept) >= 1 and len(held) >= 1
    classes, counts = np.unique(labels, return_counts=True)
    wanted = min(max(round(len(labels) * fraction), 1), len(labels) - 1)
    assert len(held) <= wanted
    if len(labels) > len(classes):  # otherwise each class has one row, and one of them has to go
        for label, count in zip(classes, counts, strict=True):
            given_up = int((labels[held] == label).sum())
            assert given_up <= count - 1
            assert abs(given_up - count * wanted / len(labels)) < 2.0 or count == 1
    if (counts > 5).all() and 0.2 < fraction < 0.8:
        assert len(held) == wanted


def test_remainders_go_to_the_largest_fractions():
    labels = np.repeat([0, 1, 2], [6, 7, 17])  # of 30 rows 10 are held: quotas 2, 2.33 and 5.67
    _, held = split(30, 1 / 3, seed=0, purpose="holdout", labels=labels)
    assert np.bincount(labels[held]).tolist() == [2, 2, 6]


def test_classes_of_one_row_are_kept():
    labels = np.array(["a"] * 10 + list("bcdefghijk"))
    kept, held = split(20, 0.5, seed=0, purpose="holdout", labels=labels)
    assert set(labels[held]) == {"a"}
    assert set(labels[kept]) == set(labels)


def test_a_split_is_seeded_and_has_a_purpose_of_its_own():
    def held(seed, purpose):
        return tuple(split(97, 0.3, seed=seed, purpose=purpose)[1])

    assert held(0, "holdout") == held(0, "holdout")
    assert len({held(0, "holdout"), held(1, "holdout"), held(0, "validation"), held(1, "validation")}) == 4


def test_a_split_never_changes():
    assert split(13, 0.3, seed=5, purpose="holdout")[1].tolist() == [0, 8, 11, 12]
    labels = [0, 1, 0, 1, 1, 0, 0, 2, 2, 2, 2, 0, 1]
    assert split(13, 0.3, seed=5, purpose="validation", labels=np.array(labels))[1].tolist() == [1, 6, 9, 11]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(InputError, match="fraction of rows to hold out must lie between 0 and 1, not"):
        split(10, fraction, seed=0, purpose="holdout")


def test_one_row_cannot_be_split():
    with pytest.raises(InputError, match="at least 2 rows, and there are 1"):
        split(1, 0.5, seed=0, purpose="holdout")
