"""y and weights of the table estimators, checked by scikit-learn's rules: labels stay what they were."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils.validation import column_or_1d

from thalweg.errors import InputError
from thalweg.table import Table
from thalweg.table_inputs import as_frame


if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


@dataclass(frozen=True, eq=False)
class TargetRows:
    """Rows to train on or to validate with, checked."""

    X: Any  # as `checked` gives it
    y: Shaped[np.ndarray, "n ..."]
    weights: Float[np.ndarray, " n"] | None

    @property
    def targets(self) -> list[Shaped[np.ndarray, " n"]]:
        """The columns of y."""
        return [self.y] if self.y.ndim == 1 else list(self.y.T)


_AS_GIVEN: Any = {"dtype": None, "ensure_all_finite": "allow-nan"}


def checked_target(estimator: BaseEstimator, X: Any, y: Any, dtype: Any) -> Shaped[np.ndarray, "n ..."]:
    """y as an array (n,) or (n, k) without missing values, one value or row for each row of X."""
    if y is None:
        message = f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        raise InputError(message)
    if hasattr(y, "__array__"):  # of a pandas column of booleans check_array would make numbers
        y = np.asarray(y)
    rule: Any = {"ensure_2d": False, "input_name": "y", "estimator": estimator}
    y = check_array(y, **rule, **_AS_GIVEN)
    missing = np.array([_is_missing(value) for value in y.flat], dtype=bool).reshape(y.shape)
    if missing.any():
        row = int(np.argmax(missing.reshape(len(y), -1).any(axis=1)))
        message = (
            f"Input y contains NaN: the target is missing in row {row + 1}; leave out the rows without a target, as in "
            f"known = ~pandas.isna(y); fit(X[known], y[known])"
        )
        raise InputError(message)
    y = check_array(y, dtype=dtype, **rule)
    check_consistent_length(X, y)
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def _is_missing(value: Any) -> bool:
    """Whether a cell of y is None, NaN, or what pandas has for them, whose NA will not be compared."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def described(y: Shaped[np.ndarray, "n ..."]) -> str:
    targets = "one target" if y.ndim == 1 else f"{y.shape[1]} targets"
    return f"{targets} of {'text' if y.dtype.kind in 'OUS' else 'numbers or truths'}"


def weighty(table: Table, weights: np.ndarray | None) -> tuple[Table, np.ndarray | None]:
    """The rows whose weight is not 0, and their weights."""
    if weights is None:
        return table, None
    rows = np.flatnonzero(weights > 0.0)
    return table.take(rows), weights[rows]


def target_names(y: Any) -> list[Any]:
    """The names that y brings along: of a data frame or a series."""
    frame = as_frame(y)
    return [getattr(y, "name", None)] if frame is None else frame.columns


def free_names(called: Sequence[Any], count: int, taken: Collection[str]) -> list[str]:
    """Names of targets: as they are called, where that is text, else y or y0, y1, …, and none that X has."""
    names = list(called) if len(called) == count and all(isinstance(name, str) for name in called) else []
    names = names or (["y"] if count == 1 else [f"y{i}" for i in range(count)])
    while set(names) & set(taken):
        names = [f"{name}_" for name in names]
    return names


def plain_labels(y: Shaped[np.ndarray, "n ..."]) -> Shaped[np.ndarray, "n ..."]:
    """Labels that are Python objects as booleans or numbers, if all of them are; text stays as it is."""
    if y.dtype.kind != "O" or all(isinstance(label, str) for label in y.flat):
        return y
    plain = np.array(y.tolist())
    if plain.dtype.kind in "biuf":
        return plain
    kinds = ", ".join(sorted({type(label).__name__ for label in y.flat}))
    message = f"Unknown label type: labels must be all text, all booleans or all numbers, not {kinds}"
    raise InputError(message)


def checked_weights(estimator: BaseEstimator, X: Any, sample_weight: Any) -> Float[np.ndarray, " n"] | None:
    """A copy of the weights, one ≥ 0 for each row of X and not all of them 0."""
    if sample_weight is None:
        return None
    options: Any = {"ensure_2d": False, "dtype": np.float64, "input_name": "sample_weight", "copy": True}
    weights = check_array(sample_weight, estimator=estimator, **options)
    if weights.ndim != 1:
        message = f"sample_weight must be a 1D array, one weight for each row of X, not of shape {weights.shape}"
        raise InputError(message)
    check_consistent_length(X, weights)
    if (weights < 0.0).any():
        row = int(np.argmax(weights < 0.0))
        message = f"sample_weight must be ≥ 0, but row {row + 1} is {weights[row]:g}"
        raise InputError(message)
    if not weights.any():
        message = "sample_weight is zero for every row, so there is nothing to learn from; give some rows a weight"
        raise InputError(message)
    return weights


def seed_of(random_state: Any) -> int:
    """A whole number is the seed itself; any other state is asked for one."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
