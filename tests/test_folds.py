"""folds: every row is tested as it should be, and nothing that belongs together is parted."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.errors import InputError
from thalweg.folds import Fold, by_time, repeated


seeds = st.integers(0, 2**40)


def check(parts: list[Fold], n: int) -> None:
    """One repeat: training and test rows are the whole, no row is in both, each is tested once."""
    for fold in parts:
        assert len(fold.test) and len(fold.train)
        assert np.array_equal(np.union1d(fold.train, fold.test), np.arange(n))
        assert len(fold.train) + len(fold.test) == n
        assert (np.diff(fold.train) > 0).all() and (np.diff(fold.test) > 0).all()
    assert np.array_equal(np.sort(np.concatenate([fold.test for fold in parts])), np.arange(n))


@st.composite
def rows_and_folds(draw: Any) -> tuple[int, int]:
    k = draw(st.integers(2, 7))
    return draw(st.integers(k, 61)), k


@given(rows_and_folds(), st.integers(1, 3), seeds)
def test_each_row_is_tested_once_in_each_repeat(sizes, repeats, seed):
    n, k = sizes
    parts = list(repeated(n, k, repeats, seed=seed))
    assert len(parts) == k * repeats
    for first in range(0, k * repeats, k):
        check(parts[first : first + k], n)
        sizes = [len(fold.test) for fold in parts[first : first + k]]
        assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(0, 4), min_size=7, max_size=61), st.integers(2, 7), seeds)
def test_of_each_class_every_fold_gets_the_same_number_within_one(labels, k, seed):
    y = np.array(labels)
    parts = list(repeated(len(y), k, 1, seed=seed, labels=y))
    check(parts, len(y))
    counts = np.array([np.bincount(y[fold.test], minlength=5) for fold in parts])
    if np.bincount(y).max() >= k:
        assert (np.ptp(counts, axis=0) <= 1).all()


@given(st.data(), st.integers(2, 5), seeds, st.booleans())
def test_a_group_is_never_parted(data, k, seed, with_labels):
    groups = np.array(data.draw(st.lists(st.integers(0, 12), min_size=13, max_size=59)))
    if len(np.unique(groups)) < k:
        return
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=len(groups), max_size=len(groups))))
    parts = list(repeated(len(groups), k, 1, seed=seed, groups=groups, labels=labels if with_labels else None))
    check(parts, len(groups))
    for fold in parts:
        assert not set(groups[fold.train]) & set(groups[fold.test])


@given(rows_and_folds(), seeds)
def test_the_same_seed_makes_the_same_folds(sizes, seed):
    n, k = sizes
    first, second = (list(repeated(n, k, 2, seed=seed)) for _ in range(2))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(first, second, strict=True))


def test_repeats_and_seeds_shuffle_anew():
    parts = list(repeated(101, 5, 2, seed=3))
    other = list(repeated(101, 5, 1, seed=4))
    assert not np.array_equal(parts[0].test, parts[5].test) and not np.array_equal(parts[0].test, other[0].test)


@given(st.lists(st.integers(0, 30), min_size=8, max_size=67), st.integers(2, 6))
def test_by_time_nobody_learns_from_the_time_of_the_test_or_after_it(moments, k):
    at = np.array(moments)
    if len(np.unique(at)) < k + 1:
        return
    parts = list(by_time(at, k))
    assert 1 <= len(parts) <= k
    for fold in parts:
        assert at[fold.train].max() < at[fold.test].min()
    tested = np.concatenate([fold.test for fold in parts])
    assert len(tested) == len(np.unique(tested))
    assert [len(fold.train) for fold in parts] == sorted((len(fold.train) for fold in parts), reverse=True)
    # The last part has been tested with all others; what was never tested is the first part.
    assert len(parts[0].train) + len(parts[0].test) == len(at)
    assert np.array_equal(np.sort(np.concatenate([tested, parts[-1].train])), np.arange(len(at)))


def test_by_time_rows_of_one_moment_stay_together():
    at = np.array([5, 1, 1, 1, 1, 1, 1, 2, 3, 4, 4])
    parts = [(fold.train.tolist(), fold.test.tolist()) for fold in by_time(at, 3)]
    assert parts == [([1, 2, 3, 4, 5, 6, 7, 8], [0, 9, 10]), ([1, 2, 3, 4, 5, 6], [7, 8])]  # of 3 parts one is empty


def test_by_time_takes_dates_and_text_as_they_are_sorted():
    dates = np.array(["2024-03-01", "2023-01-01", "2024-01-01"], dtype="datetime64[D]")
    for moments in (dates, dates.astype(str)):
        assert [(fold.train.tolist(), fold.test.tolist()) for fold in by_time(moments, 2)] == [
            ([1, 2], [0]),
            ([1], [2]),
        ]


def test_the_ratio_is_of_test_rows_to_training_rows():
    assert [fold.ratio for fold in repeated(20, 5, 1, seed=0)] == [0.25] * 5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: list(repeated(3, 5, 1, seed=0)), "5 folds need at least 5 rows, and there are 3; ask for fewer folds"),
        (
            lambda: list(repeated(7, 3, 1, seed=0, groups=np.array([0, 1, 0, 1, 0, 1, 1]))),
            "3 folds need at least 3 groups, and there are 2; ask for fewer folds",
        ),
        (
            lambda: list(by_time(np.array([1, 1, 2, 2, 3]), 3)),
            "3 folds by time need at least 4 different times, and there are 3; ask for fewer folds",
        ),
    ],
)
def test_too_few_of_something_is_said(make, said):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value) == said
