"""Which rows are kept and which are held out: seeded, and stratified when there are classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from thalweg.errors import InputError
from thalweg.randomness import permutation


if TYPE_CHECKING:
    from jaxtyping import Int


def split(
    n: int, fraction: float, *, seed: int, purpose: str, labels: np.ndarray | None = None
) -> tuple[Int[np.ndarray, " kept"], Int[np.ndarray, " held"]]:
    """The rows kept and the rows held out, each in ascending order; about `fraction` of each class is held out.

    Rows are taken in a random order; within each class the first ones are held, and the remainders are shared out by
    largest fraction, so that the number held is that of an unstratified split, or less where many classes have one row:
    such a class is kept whole.

    Args:
        n: number of rows.
        fraction: share to hold out, 0 < fraction < 1; at least one row is held and one kept.
        seed: of the random order.
        purpose: "holdout" or "validation" (see randomness.PURPOSES).
        labels: shape (n,), the class of each row, or None.

    Raises:
        InputError: the fraction is outside (0, 1) or there are fewer than two rows.

    >>> kept, held = split(10, 0.3, seed=0, purpose="holdout", labels=np.array([0] * 6 + [1] * 4))
    >>> len(kept), len(held)
    (7, 3)
    """
    if not 0.0 < fraction < 1.0:
        message = f"the fraction of rows to hold out must lie between 0 and 1, not {fraction!r}"
        raise InputError(message)
    if n < 2:
        message = f"holding rows out needs at least 2 rows, and there are {n}; give a table of your own to test on"
        raise InputError(message)
    wanted = min(max(round(n * fraction), 1), n - 1)
    order = permutation(seed, purpose, n)
    if labels is None:
        held = order[:wanted]
    else:
        held = _stratified(order, np.asarray(labels)[order], wanted)
    is_held = np.zeros(n, dtype=bool)
    is_held[held] = True
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)


def _stratified(order: np.ndarray, labels: np.ndarray, wanted: int) -> np.ndarray:
    _, first, group, counts = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    share = wanted / len(labels)
    quota = counts * share
    take = np.minimum(np.floor(quota).astype(int), counts - 1)
    spare = (quota - take) * (counts - 1 > take)  # a class never gives its last row
    for _ in range(wanted - take.sum()):
        if not (spare > 0).any():
            break
        richest = int(np.lexsort((first, -spare))[0])  # of equals the one that comes first in the random order
        take[richest] += 1
        spare[richest] = spare[richest] - 1 if take[richest] < counts[richest] - 1 else 0
    by_group = np.argsort(group, kind="stable")
    rank = np.empty(len(labels), dtype=int)
    rank[by_group] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    held = order[rank < take[group]]
    return held if len(held) else order[:1]
