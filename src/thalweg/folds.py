"""Which rows train and which test: repeated k-fold, stratified for classes; by groups; by time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg.errors import InputError


if TYPE_CHECKING:
    from jaxtyping import Int, Shaped


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of the rows: indices, in ascending order."""

    train: Int[np.ndarray, " m"]
    test: Int[np.ndarray, " t"]

    @property
    def ratio(self) -> float:
        """Test rows for each training row."""
        return len(self.test) / len(self.train)


def repeated(
    n: int,
    k: int,
    repeats: int,
    *,
    seed: int,
    labels: Int[np.ndarray, " n"] | None = None,
    groups: Shaped[np.ndarray, " n"] | None = None,
) -> Iterator[Fold]:
    """k folds, `repeats` times with other shuffles; of each class about the same share, rows of a group together.

    Args:
        n: number of rows.
        k: folds, each of which is tested once in a repeat.
        repeats: how often.
        seed: of the shuffles.
        labels: class of each row, or None.
        groups: what must not be parted, such as the customer of each row, or None.

    Raises:
        InputError: there are fewer rows, or groups, than folds.

    >>> sorted(fold.test.tolist() for fold in repeated(4, 2, 1, seed=0, groups=np.array(["a", "b", "a", "b"])))
    [[0, 2], [1, 3]]
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    parts = n if groups is None else len(np.unique(groups))
    if parts < k:
        message = f"{k} folds need at least {k} {'rows' if groups is None else 'groups'}, and there are {parts}"
        raise InputError(f"{message}; ask for fewer folds")
    if labels is not None and np.bincount(labels).max() < k:
        labels = None  # no class has a row for every fold, so there is nothing to share out
    several = {(True, True): StratifiedGroupKFold, (True, False): StratifiedKFold, (False, True): GroupKFold}
    kind = several.get((labels is not None, groups is not None), KFold)
    for repeat in range(repeats):
        splitter = kind(k, shuffle=True, random_state=(seed + repeat * 7919) % 2**32)
        with warnings.catch_warnings():  # a class of fewer rows than folds is in as many folds as it has rows
            warnings.filterwarnings("ignore", "The least populated class")
            for train, test in splitter.split(np.zeros(n), labels, groups):
                yield Fold(np.sort(train), np.sort(test))


def by_time(moments: Shaped[np.ndarray, " n"], k: int) -> Iterator[Fold]:
    """The rows in order of time in k + 1 parts: each part but the first is tested by what all parts before it taught.

    Rows of one moment stay together. The last part, whose training rows are most, comes first.

    Raises:
        InputError: there are too few different moments.

    >>> [(fold.train.tolist(), fold.test.tolist()) for fold in by_time(np.array([3, 1, 2]), 2)]
    [([1, 2], [0]), ([1], [2])]
    """
    _, place, counts = np.unique(moments, return_inverse=True, return_counts=True)
    if len(counts) < k + 1:
        message = f"{k} folds by time need at least {k + 1} different times, and there are {len(counts)}"
        raise InputError(f"{message}; ask for fewer folds")
    # Each moment goes where the middle of its rows falls.
    middle = (np.cumsum(counts) - counts / 2) / len(place)
    part = np.minimum((middle * (k + 1)).astype(int), k)
    part = np.unique(part, return_inverse=True)[1]  # a moment of very many rows may leave a part empty
    of_row = part[place]
    for last in range(int(part.max()), 0, -1):
        yield Fold(np.flatnonzero(of_row < last), np.flatnonzero(of_row == last))
