"""An X that is a table, for scikit-learn estimators: names and checks by scikit-learn's rules, then our reader.

Data frames keep their names and types; columns of an array are called x0, x1, …
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from thalweg import frames, table
from thalweg.errors import InputError, TableError
from thalweg.sources import check_present
from thalweg.table import Table, as_column


if TYPE_CHECKING:
    from jaxtyping import Shaped


class TableInput(BaseEstimator):
    """An estimator whose X is a table."""

    feature_names_in_: Shaped[np.ndarray, " d"]  # names of the columns of X; where X had names
    n_features_in_: int  # columns of X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "encoder_")  # a fit that failed leaves the names of its columns, and nothing learnt

    def checked(self, X: Any, *, reset: bool) -> Any:
        """X as a data frame, its columns in their order, or an array (n, d); with `reset` the names are remembered."""
        frame = as_frame(X)
        if frame is None:
            if not hasattr(X, "dtype") and np.asarray(X).dtype.kind in "US":
                X = np.array(X, dtype=object)  # a list of rows of numbers and texts; NumPy would make texts of all
            least = 2 if reset else 1
            return validate_data(
                self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=least
            )
        known = [] if reset else list(getattr(self, "feature_names_in_", ()))
        if frame.columns != known and sorted(map(str, frame.columns)) == sorted(known):
            frame = frame.select(known)
        return validate_data(self, frame.to_native(), reset=reset, skip_check_array=True)

    @property
    def names(self) -> list[str]:
        """The names of the columns of X, by scikit-learn's rule: those of a frame where all are text, else x0, x1, …"""
        if hasattr(self, "feature_names_in_"):
            return self.feature_names_in_.tolist()
        return [f"x{i}" for i in range(self.n_features_in_)]

    def read(self, X: Any, wanted: Sequence[str] | None = None, *, drop: Sequence[str] = ()) -> Table:
        """The `wanted` columns of X as `checked` gave it, or all but those of `drop`.

        Raises:
            TableError: a column of `drop` is not there, or cells cannot be read.
            InputError: no column is left.
        """
        frame = as_frame(X)
        where = "the array" if frame is None else "the data frame"
        check_present([*drop], self.names, where)
        wanted = [name for name in self.names if name not in set(drop)] if wanted is None else wanted
        if not wanted:
            message = f"all columns of {where} are dropped; leave one or more to learn from"
            raise InputError(message)
        place = {name: i for i, name in enumerate(self.names)}
        places = [place[name] for name in wanted]
        if frame is not None:
            read = table.read(frame[:, places].to_native())
            columns = (
                dataclasses.replace(column, name=name) for column, name in zip(read.columns, wanted, strict=True)
            )
            return Table(where, tuple(columns), read.numbers)
        cells = X[:, places].T
        if X.dtype.kind in "biuf":
            return Table(where, tuple(map(as_column, wanted, cells)))
        read = table.read(frames.from_cells(cells, wanted, where))
        return dataclasses.replace(read, name=where)


def as_frame(X: Any) -> Any:
    """A data frame as Narwhals sees it; None for anything else.

    Raises:
        TableError: two columns have the same name.
    """
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        frame = nw.from_native(X, eager_only=True, pass_through=True)
    except DuplicateError as error:
        message = f"two columns of X have the same name; rename one of them ({' '.join(str(error).split())})"
        raise TableError(message) from error
    return frame if isinstance(frame, nw.DataFrame) else None
