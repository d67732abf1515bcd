"""How often to update, and on which rows (L9): the order of an epoch's rows, and how many make a batch.

Batch gradient descent: all rows at once. Incremental: one by one as stored ("sweep"). Stochastic: one by one at random
("random"). Mini-batch: some at a time, usually in a new permutation each epoch ("shuffle").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from thalweg import randomness
from thalweg.errors import InputError
from thalweg.settings import check_choice


if TYPE_CHECKING:
    from jaxtyping import Int

    Order = str | Callable[[int], Sequence[int] | Int[np.ndarray, " rows"]]

ORDERS: dict[str, Callable[[int, int, int], np.ndarray]] = {  # name -> rows of an epoch from (seed, epoch, n)
    "sweep": lambda seed, epoch, n: np.arange(n),
    "shuffle": lambda seed, epoch, n: randomness.permutation(seed, "order", n, epoch=epoch),
    "random": lambda seed, epoch, n: randomness.choice(seed, "order", n, epoch=epoch),
}


def check_order(order: Any) -> Order:
    """A name of ORDERS, or a callable; InputError for anything else."""
    if callable(order):
        return cast("Order", order)
    return check_choice(order, tuple(ORDERS), "order", "or a callable from the epoch's number to row indices")


def rows_of(order: Order, *, seed: int, epoch: int, n: int) -> Int[np.ndarray, " rows"]:
    """The rows of an epoch (from 1), in their order.

    Raises:
        InputError: a callable gave something else than one index or more from 0 to n − 1.

    >>> rows_of("sweep", seed=0, epoch=1, n=3).tolist()
    [0, 1, 2]
    >>> rows_of(lambda epoch: [epoch, 0], seed=0, epoch=2, n=3).tolist()
    [2, 0]
    """
    if isinstance(order, str):
        return ORDERS[order](seed, epoch, n)
    rows = order(epoch)
    array = np.asarray(rows)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not len(array) or array.min() < 0 or array.max() >= n:
        message = f"order({epoch}) must give at least one row index, each from 0 to {n - 1}, not {rows!r}"
        raise InputError(message)
    return array.astype(np.int64)


def check_batch(batch: Any, n: int) -> int:
    """Rows per step: `batch`, "all" being n, and n where it is larger than the data; InputError for anything else.

    >>> check_batch(32, 1000), check_batch("all", 1000), check_batch(32, 10)
    (32, 1000, 10)
    """
    if isinstance(batch, str) and batch == "all":
        return n
    if isinstance(batch, bool) or not isinstance(batch, (int, np.integer)) or batch < 1:
        message = f"batch must be a whole number of rows ≥ 1 or 'all', not {batch!r}"
        raise InputError(message)
    return min(int(batch), n)
