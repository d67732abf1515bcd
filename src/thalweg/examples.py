"""The door for arrays: training examples (x, y) checked once against the network, so that inner code need not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import InputError


if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from thalweg.network import Network

DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}


@dataclass(frozen=True)
class Examples:
    """Rows of inputs, targets and weights that fit a network: finite, C-ordered, of one dtype."""

    X: Float[np.ndarray, "n d"]
    Y: Float[np.ndarray, "n k"]
    weights: Float[np.ndarray, " n"]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.X)

    @property
    def largest(self) -> Float[np.ndarray, " d"]:
        """The largest absolute value of each column."""
        return np.abs(self.X).max(axis=0)

    def take(self, rows: Int[np.ndarray, " m"]) -> Examples:
        """Some of the rows."""
        return Examples(self.X[rows], self.Y[rows], self.weights[rows])


def check_dtype(dtype: Any) -> type[np.floating]:
    """np.float32 or np.float64 from its name or itself.

    Raises:
        InputError: it is neither.
    """
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", getattr(dtype, "name", None))
    if name not in DTYPES:
        message = f"dtype must be float32 or float64, not {dtype!r}"
        raise InputError(message)
    return DTYPES[name]


def check_examples(
    network: Network, X: Any, Y: Any, sample_weight: Any = None, *, dtype: Any = "float64", what: str = ""
) -> Examples:
    """Examples from arrays: X (n, d), Y (n, k) or (n,) and weights (n,), converted to `dtype`.

    Y may be (n,) where k = 1, whole numbers 0 … k − 1 of shape (n,) for cross_entropy, 0/1 for binary_cross_entropy.

    Args:
        network: gives d, k and what the loss allows as targets.
        X: inputs.
        Y: targets.
        sample_weight: weight of each row, or None for 1.
        dtype: float32 or float64.
        what: put before the names in messages, such as "validation ".

    Raises:
        InputError: a wrong shape, a value that is not finite or not allowed: which row, which column.
    """
    kind = check_dtype(dtype)
    X = check_inputs(network, X, dtype=kind, what=what)
    Y = check_targets(network, Y, len(X), kind, what)
    return Examples(X, Y, check_weights(sample_weight, len(X), kind, what))


def check_inputs(network: Network, X: Any, *, dtype: Any = "float64", what: str = "") -> Float[np.ndarray, "n d"]:
    """Inputs as a C-ordered (n, d) array of `dtype`.

    Raises:
        InputError: not a table of finite numbers with as many columns as the network has inputs, or no rows.
    """
    name, d = f"{what}X", network.sizes[0]
    X = _numbers(X, name)
    if X.ndim != 2 or X.shape[1] != d:
        hint = "; one example is a row: X[None, :]" if X.ndim == 1 else ""
        message = f"{name} must have shape (n, {d}) for the network {network}, not {X.shape}{hint}"
        raise InputError(message)
    if len(X) == 0:
        message = f"{name} has no rows; at least one is needed"
        raise InputError(message)
    return _finite(X, check_dtype(dtype), name)


def check_targets(network: Network, Y: Any, n: int, kind: Any, what: str) -> Float[np.ndarray, "n k"]:
    """Targets of n rows as a C-ordered (n, k) array that the loss takes; raises InputError as `check_examples`."""
    name, k, loss = f"{what}Y", network.sizes[-1], network.loss
    Y = _numbers(Y, name)
    if Y.ndim == 1 and len(Y) == n and loss.name == "cross_entropy" and k > 1:
        Y = _one_hot(Y, k, name)
    elif Y.ndim == 1 and k == 1:
        Y = Y[:, None]
    if Y.shape != (n, k):
        or_classes = f" or ({n},) whole numbers from 0 to {k - 1}" if loss.name == "cross_entropy" else ""
        message = f"{name} must have shape ({n}, {k}){or_classes}, one row for each row of X, not {Y.shape}"
        raise InputError(message)
    Y = _finite(Y, kind, name)
    valid = np.broadcast_to(loss.targets(Y), Y.shape)
    if not valid.all():
        row, column = np.argwhere(~valid)[0]
        message = (
            f"{name}: the loss {loss!r} takes {loss.targets_rule}, "
            f"but row {row + 1}, column {column + 1} is {Y[row, column]:g}"
        )
        raise InputError(message)
    return Y


def _one_hot(Y: np.ndarray, k: int, name: str) -> Float[np.ndarray, "n k"]:
    invalid = ~((Y >= 0) & (Y < k) & (Y == np.floor(Y)))
    if invalid.any():
        row = int(np.flatnonzero(invalid)[0])
        message = f"{name} must hold classes as whole numbers from 0 to {k - 1}, but row {row + 1} is {Y[row]:g}"
        raise InputError(message)
    return np.eye(k)[Y.astype(np.int64)]


def check_weights(weights: Any, n: int, kind: Any, what: str) -> Float[np.ndarray, " n"]:
    """Weights of n rows, None being 1; raises InputError as `check_examples`."""
    name = f"{what}sample_weight"
    if weights is None:
        return np.ones(n, dtype=kind)
    weights = _numbers(weights, name)
    if weights.shape != (n,):
        message = f"{name} must have shape ({n},), one for each row of X, not {weights.shape}"
        raise InputError(message)
    weights = _finite(weights, kind, name)
    if (weights < 0).any():
        row = int(np.flatnonzero(weights < 0)[0])
        message = f"{name} must be ≥ 0, but row {row + 1} is {weights[row]:g}"
        raise InputError(message)
    smallest = np.finfo(kind).tiny
    if ((weights > 0) & (weights < smallest)).any():
        row = int(np.flatnonzero((weights > 0) & (weights < smallest))[0])
        message = (
            f"{name} must be 0 or at least {smallest:.3g}, the smallest normal number of {kind.__name__}, "
            f"but row {row + 1} is {weights[row]:g}; multiply all weights by the same number"
        )
        raise InputError(message)
    if not weights.any():
        message = f"{name} is 0 for every row, so there is nothing to learn from; give at least one row a weight"
        raise InputError(message)
    return weights


def _numbers(given: Any, name: str) -> np.ndarray:
    """As an array of real numbers (booleans count as 0 and 1)."""
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        kind = f"an array of {array.dtype}" if array.ndim else f"{type(given).__name__}"
        message = f"{name} must be an array of numbers, not {kind}; encode text and categories first (see tw.fit)"
        raise InputError(message)
    return array


def _finite(array: np.ndarray, kind: Any, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):  # a number too large for float32 becomes inf, and is named below
        converted = np.ascontiguousarray(array, dtype=kind)
    if not np.isfinite(converted).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(converted))[0])
        where = ", ".join(f"{part} {i + 1}" for part, i in zip(("row", "column"), place, strict=False))
        too_large = " (too large for float32; scale it or use dtype='float64')" if np.isfinite(array[place]) else ""
        message = f"{name} must be finite numbers, but {where} is {array[place]}{too_large}"
        raise InputError(message)
    return converted
