"""MLPClassifier and MLPRegressor: scikit-learn's names, meaning and numbers, and what its users have asked for.

docs/scikit-learn.md lists what is the same, what is more, and the few things that differ on purpose.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from thalweg import c_export, estimator_files, onnx_export, rate_tests
from thalweg.errors import InputError
from thalweg.examples import Examples
from thalweg.labels import Labels
from thalweg.mlp_base import MLP
from thalweg.mlp_parameters import are_sizes, described
from thalweg.mlp_settings import loss_of
from thalweg.sweeps import LearningRateRange


if TYPE_CHECKING:
    import os

    from jaxtyping import Float


def _steps(estimator: Any) -> bool:
    if estimator.optimizer is None and estimator.solver == "lbfgs":
        message = "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        raise AttributeError(message)
    return True


class Estimator(MLP):
    """What stands on a fitted estimator: its file, its exports, and the sweep of learning rates."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted estimator to the file `path`; callbacks, validation and random_state stay behind.

        Raises:
            NotFittedError: before `fit`.
            InputError: a parameter is a function, or the folder does not exist.
        """
        check_is_fitted(self)
        estimator_files.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote to `path`. Loading runs no code.

        Raises:
            FileError: the file is missing, damaged or of another class.
        """
        return estimator_files.load(cls, path)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted network to the ONNX file `path`: X in, labels and probabilities or numbers out.

        Raises:
            NotFittedError: before `fit`.
            InputError: the package onnx is missing, an activation is made of Python functions, labels are neither text
                nor numbers, or the folder does not exist.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        check_is_fitted(self)
        onnx_export.write_network(path, self.network_, self._vector(), getattr(self, "_labels", None))

    def to_c(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted network to the C99 file `path`, which needs nothing else: X in, predictions out.

        Raises:
            NotFittedError: before `fit`.
            InputError: C cannot hold a label or a layer, an activation is made of Python functions, or the folder does
                not exist.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        check_is_fitted(self)
        c_export.write_network(path, self.network_, self._vector(), getattr(self, "_labels", None))

    def learning_rate_range(
        self, X: Any, y: Any, sample_weight: Any = None, *, rates: Any = None, epochs: int = 3
    ) -> LearningRateRange:
        """Train so many epochs with each of many learning rates from the same start, and tell what came of each.

        The estimator itself is not changed. `.best` is the rate that came lowest, `.plot(path)` draws them all.

        Args:
            X: rows, as for `fit`.
            y: labels or targets.
            sample_weight: of each row.
            rates: to try, each > 0; None is 25 from 1e-5 to 1.
            epochs: of each training.

        Raises:
            InputError: a rate is not a number > 0, or the solver has no learning rate.
        """
        return rate_tests.learning_rate_range(self, X, y, sample_weight, rates, epochs)


class MLPClassifier(ClassifierMixin, Estimator):
    """A feed-forward network for classes: scikit-learn's MLPClassifier, many times faster, every gradient in view.

    The parameters up to max_fun are scikit-learn's, with its defaults and meaning; those after it are Thalweg's.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((20,), learning_rate_init=0.01, max_iter=1000, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95, model.status_.name
    (True, 'PATIENCE')
    """

    class_weight: Any
    classes_: Any  # the labels in order, shape (k,); a list of these for several columns of classes

    def __init__(
        self, hidden_layer_sizes: int | Sequence[int] = (100,), activation: Any = "relu", *, solver: str = "adam",
        alpha: float = 0.0001, batch_size: int | str = "auto", learning_rate: str = "constant",
        learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200, shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None, tol: float = 1e-4, verbose: bool | int = False,
        warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-8, n_iter_no_change: float = 10, max_fun: int = 15000, loss: Any = "log_loss",
        dropout: float | Sequence[float] = 0.0, class_weight: Any = None, l2: float | None = None,
        optimizer: Any = None, validation: Any = None, metric: Any = None, restore: str | None = None,
        clip_gradient: float | None = None, callbacks: Any = (), n_layers: int | None = None,
        width: int | None = None, engine: str = "cpu", threads: int | None = None, dtype: Any = None,
        time_limit: float | None = None,
    ) -> None:  # fmt: skip
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, d), dense or sparse, and their labels y: (n,), a 0/1 matrix, or several columns.

        Args:
            X: rows, shape (n, d), dense or sparse.
            y: labels, shape (n,); 0/1 for yes-or-no questions, shape (n, k); or several columns of classes.
            sample_weight: weight of each row, shape (n,); None for 1 each.

        Raises:
            ValueError: a parameter, X or y breaks its rule.
            TrainingFailed: a value was not finite (also a ValueError); the weights before it are kept.
            KeyboardInterrupt: Ctrl-C; what was reached is kept.
        """
        return self._fit(X, y, sample_weight)

    @available_if(_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch more on these rows; the first call needs all `classes`.

        Args:
            X: rows, as for `fit`.
            y: labels, as for `fit`.
            sample_weight: weight of each row, shape (n,); None for 1 each.
            classes: all labels that will ever come; later None, or the same.
        """
        if not hasattr(self, "classes_") and classes is None:
            raise InputError("classes must be passed on the first call to partial_fit.")
        if hasattr(self, "classes_") and classes is not None and not self._labels.are(classes):
            message = f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            raise InputError(message)
        return self._fit(X, y, sample_weight, goes_on=True, classes=classes)

    def predict(self, X: Any) -> Any:
        """The label of each row of X (n, d), (n,) or (n, columns)."""
        outputs = self._outputs(X)
        labels = self._labels.decode(outputs)
        if not self._labels.sparse:
            return labels
        from scipy.sparse import csr_matrix

        return csr_matrix(labels)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class for each row of X, (n, k), as in classes_; for several columns a list."""
        outputs = self._outputs(X)
        return self._labels.probabilities(outputs)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithm of predict_proba(X), −inf where that is 0."""
        with np.errstate(divide="ignore"):
            probabilities = self.predict_proba(X)
            return [np.log(p) for p in probabilities] if isinstance(probabilities, list) else np.log(probabilities)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose label is right; of several columns, the share of rows that are right in all.

        Args:
            X: rows, as for `fit`.
            y: the right labels.
            sample_weight: weight of each row, shape (n,); None for 1 each.
        """
        if not hasattr(self, "_labels") or self._labels.kind != "multioutput":
            return super().score(X, y, sample_weight)
        return float(np.average((self.predict(X) == np.asarray(y)).all(axis=1), weights=sample_weight))

    def _read(self, X, y, *, is_first):
        checked: Any = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=(np.float64, np.float32), reset=is_first
        )
        X, y = checked
        y = y.toarray() if hasattr(y, "toarray") else y
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _know(self, y, *, is_sparse, is_first, goes_on, classes):
        if is_first and not (goes_on and hasattr(self, "_labels")):
            self._labels = dataclasses.replace(Labels.learn(y, classes), sparse=is_sparse)
            self.classes_ = self._labels.listed
        elif not goes_on:
            self._labels.check_same(y)

    def _targets(self, y, dtype):
        return self._labels.encode(y, dtype)

    def _output_and_loss(self):
        output = self._labels.output
        if self.loss == "log_loss":
            return output, "cross_entropy" if output == "softmax" else "binary_cross_entropy"
        return output, loss_of(self.loss)

    def _weigh(self, weights, y):
        if self.class_weight is None:
            return weights
        from sklearn.utils.class_weight import compute_sample_weight

        by_class = compute_sample_weight(self.class_weight, y)
        return by_class if weights is None else weights * by_class

    def _strata(self, Y):
        return Y.astype(bool) if Y.shape[1] == 1 else None

    def _score_outputs(self, outputs, held: Examples):
        right = self._labels.decide(outputs) == self._labels.decide(held.Y)
        return float(np.average(right if right.ndim == 1 else right.all(axis=1), weights=held.weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        return tags


class MLPRegressor(RegressorMixin, Estimator):
    """A feed-forward network for numbers: scikit-learn's MLPRegressor, many times faster, every gradient in view.

    The parameters up to max_fun are scikit-learn's, with its defaults and meaning (its "squared_error" is our
    half_squared_error); those after it are Thalweg's. Hidden layers may come first, as they could before 1.7.

    With loss=tw.Quantile([0.1, 0.5, 0.9]), or a list of quantiles, one network learns several quantiles of one target.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor((20,), learning_rate_init=0.1, max_iter=2000, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.5
    True
    """

    def __init__(
        self, loss: Any = "squared_error", hidden_layer_sizes: int | Sequence[int] = (100,), activation: Any = "relu",
        *, solver: str = "adam", alpha: float = 0.0001, batch_size: int | str = "auto",
        learning_rate: str = "constant", learning_rate_init: float = 0.001, power_t: float = 0.5, max_iter: int = 200,
        shuffle: bool = True, random_state: int | np.random.RandomState | None = None, tol: float = 1e-4,
        verbose: bool | int = False, warm_start: bool = False, momentum: float = 0.9, nesterovs_momentum: bool = True,
        early_stopping: bool = False, validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-8, n_iter_no_change: float = 10, max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0, l2: float | None = None, optimizer: Any = None,
        validation: Any = None, metric: Any = None, restore: str | None = None, clip_gradient: float | None = None,
        callbacks: Any = (), n_layers: int | None = None, width: int | None = None, engine: str = "cpu",
        threads: int | None = None, dtype: Any = None, time_limit: float | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(loss, str) and are_sizes(loss) and hidden_layer_sizes == (100,):
            loss, hidden_layer_sizes = "squared_error", loss  # the order of arguments before scikit-learn 1.7
        self._keep(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, d), dense or sparse, and their numbers y, (n,) or (n, outputs).

        Args:
            X: rows, shape (n, d), dense or sparse.
            y: numbers, shape (n,) or (n, outputs).
            sample_weight: weight of each row, shape (n,); None for 1 each.

        Raises:
            ValueError: a parameter, X or y breaks its rule.
            TrainingFailed: a value was not finite (also a ValueError); the weights before it are kept.
            KeyboardInterrupt: Ctrl-C; what was reached is kept.
        """
        return self._fit(X, y, sample_weight)

    @available_if(_steps)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch more on these rows.

        Args:
            X: rows, as for `fit`.
            y: numbers, as for `fit`.
            sample_weight: weight of each row, shape (n,); None for 1 each.
        """
        return self._fit(X, y, sample_weight, goes_on=True)

    def predict(self, X: Any) -> Float[np.ndarray, "n ..."]:
        """The number of each row of X (n, d), (n,), or (n, outputs); a column for each of several quantiles."""
        outputs = self._outputs(X)
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of the predictions; of several quantiles, of the one nearest to the median (of two, the first).

        Args:
            X: rows, as for `predict`.
            y: their numbers.
            sample_weight: weight of each row, shape (n,); None for 1 each.
        """
        from sklearn.metrics import r2_score

        return float(r2_score(y, self._scored(self.predict(X)), sample_weight=sample_weight))

    def _scored(self, outputs: np.ndarray) -> np.ndarray:
        """What scikit-learn's score looks at."""
        loss = self.network_.loss
        if not loss.n_outputs or outputs.ndim == 1:
            return outputs
        return outputs[:, np.argmin(np.abs(np.array(loss.parameter) - 0.5))]

    def _read(self, X, y, *, is_first):
        checked: Any = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, y_numeric=True,
            dtype=(np.float64, np.float32), reset=is_first,
        )  # fmt: skip
        X, y = checked
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _targets(self, y, dtype):
        Y, levels = np.asarray(y, dtype=dtype).reshape(len(y), -1), loss_of(self.loss).n_outputs
        if levels and Y.shape[1] > 1:
            message = (
                f"several quantiles are those of one target, and y has {Y.shape[1]} columns; "
                f"fit an estimator for each column"
            )
            raise InputError(message)
        return np.repeat(Y, levels, axis=1) if levels else Y

    def _output_and_loss(self):
        loss = loss_of(self.loss)
        return "exp" if loss.name == "poisson" else "identity", loss

    def _score_outputs(self, outputs, held: Examples):
        from sklearn.metrics import r2_score

        return float(r2_score(self._scored(held.Y), self._scored(outputs), sample_weight=held.weights))

    def _loss_offset(self, Y):
        if self.loss != "poisson":
            return None
        from scipy.special import xlogy

        return (xlogy(Y, Y) - Y).sum(axis=1)  # half the Poisson deviance: what makes it 0 where ŷ = y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags


for _kind in (MLPClassifier, MLPRegressor):  # for help(): the table is the one that `fit` checks by
    _kind.__doc__ = f"{inspect.cleandoc(_kind.__doc__ or '')}\n\n{described(_kind)}\n"
