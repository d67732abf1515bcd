"""`TableEncoder`: the encoding of `fit` as a scikit-learn transformer, for other estimators behind it in a Pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from thalweg.encoding import Encoder
from thalweg.errors import InputError
from thalweg.learning import column_names
from thalweg.table_inputs import TableInput


if TYPE_CHECKING:
    from jaxtyping import Float, Shaped


class TableEncoder(TransformerMixin, TableInput):
    """Data frames as they are into a matrix: numbers scaled, categories one-hot, dates in parts, missing cells marked.

    Args:
        drop: columns of X to leave out.
        keep: columns to use although they look like identifiers or free text.

    Attributes:
        encoder_: the encoder, of which `decisions` says what became of each column.
        n_features_in_: columns of X.
        feature_names_in_: their names, where X had names.

    >>> import pyarrow as pa
    >>> X = pa.table({"age": [31.0, None, 40.0, 22.0], "job": ["clerk", "nurse", "clerk", "nurse"]})
    >>> TableEncoder().fit_transform(X).round(2).tolist()
    [[0.0, 0.0, -1.0], [0.0, 1.0, 1.0], [0.95, 0.0, -1.0], [-0.95, 0.0, 1.0]]
    """

    encoder_: Encoder

    def __init__(self, *, drop: str | Sequence[str] = (), keep: str | Sequence[str] = ()) -> None:
        self.drop = drop
        self.keep = keep

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what becomes of each column.

        Args:
            X: a data frame of any library, or an array.
            y: ignored.

        Raises:
            TableError: a column cannot be used, or none is left.
        """
        del y
        X = self.checked(X, reset=True)
        drop, keep = column_names(self.drop, "drop"), column_names(self.keep, "keep")
        self.encoder_ = Encoder.of_inputs(self.read(X, drop=drop), drop, keep=keep)
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "n features"]:
        """The features of each row of X.

        Raises:
            NotFittedError: `fit` has not been called.
            TableError: a cell does not fit its column.
            ValueError: the columns are not those of `fit`.
        """
        check_is_fitted(self)
        X = self.checked(X, reset=False)
        return self.encoder_.encode(self.read(X, self.encoder_.columns))

    def get_feature_names_out(self, input_features: Any = None) -> Shaped[np.ndarray, " features"]:
        """Names of the features, as in "age", "age is missing", "job = clerk".

        Raises:
            NotFittedError: `fit` has not been called.
            InputError: `input_features` are not the columns of `fit`.
        """
        check_is_fitted(self)
        if input_features is not None and list(input_features) != self.names:
            message = (
                f"input_features should have length equal to the columns of fit and be these: {', '.join(self.names)}"
            )
            raise InputError(message)
        return self.encoder_.get_feature_names_out()
