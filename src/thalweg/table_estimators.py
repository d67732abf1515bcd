"""scikit-learn estimators that take tables as they are: `TableClassifier` and `TableRegressor`.

Shells around `Lesson` and `Model`, which `fit` uses too: here are only scikit-learn's manners. Data frames keep their
names and types; columns of an array are called x0, x1, … Targets never pass through a reader, so that a label is what
it was.
"""

from __future__ import annotations

import dataclasses
import numbers
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from thalweg import c_export, engines, explaining, onnx_export, table_files
from thalweg.encoding import Encoder
from thalweg.errors import InputError, ThalwegWarning, shown
from thalweg.history import History
from thalweg.learning import Lesson, Recipe, check_recipe, column_names, strata
from thalweg.model import Model
from thalweg.progress import ProgressBar
from thalweg.run import check_callbacks
from thalweg.stopping import Status
from thalweg.table import Table, as_column
from thalweg.table_inputs import TableInput
from thalweg.table_targets import (
    TargetRows,
    checked_target,
    checked_weights,
    described,
    free_names,
    plain_labels,
    seed_of,
    target_names,
    weighty,
)


if TYPE_CHECKING:
    import os

    from jaxtyping import Float, Shaped

    from thalweg.explaining import RowExplanation


class _TableEstimator(TableInput):
    """What both have in common."""

    _task: str
    model_: Model
    seed_: int

    def __init__(
        self,
        *,
        hidden: int | Sequence[int] = Recipe.hidden,
        activation: Any = Recipe.activation,
        dropout: float | None = Recipe.dropout,
        learning_rate: float | None = Recipe.learning_rate,
        weight_decay: float = Recipe.weight_decay,
        epochs: int = Recipe.epochs,
        patience: int = Recipe.patience,
        batch: int | None = Recipe.batch,
        seconds: float | None = Recipe.seconds,
        validation: Any = 0.15,
        drop: str | Sequence[str] = (),
        keep: str | Sequence[str] = (),
        random_state: int | np.random.RandomState | None = None,
        engine: str = engines.DEFAULT,
        threads: int | None = None,
        callbacks: Any = (),
        verbose: bool = False,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.patience = patience
        self.batch = batch
        self.seconds = seconds
        self.validation = validation
        self.drop = drop
        self.keep = keep
        self.random_state = random_state
        self.engine = engine
        self.threads = threads
        self.callbacks = callbacks
        self.verbose = verbose

    @property
    def encoder_(self) -> Encoder:
        """The encoder of the columns and of the target, as learned on the training rows."""
        return self.model_.encoder

    @property
    def history_(self) -> History:
        """Losses, learning rate and time of each epoch."""
        return self.model_.history

    @property
    def status_(self) -> Status:
        """Why training stopped."""
        return self.model_.status

    @property
    def n_iter_(self) -> int:
        """Epochs of training."""
        return len(self.model_.history)

    @property
    def best_epoch_(self) -> int:
        """The epoch whose weights the model has: the one of the lowest validation loss."""
        return self.model_.settings["best_epoch"]

    @property
    def loss_(self) -> float:
        """The training loss of the last epoch, as in scikit-learn's MLPs."""
        return self.model_.history.latest("loss")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def explain(self, X: Any, row: int = 1, *, y: Any = None, **options: Any) -> RowExplanation:
        """One row of X through the model: what its cells became, both passes, and what carried the decision.

        Args:
            X: a table as in `predict`.
            row: its number, from 1.
            y: the right answer of each row of X, from whose error the backward pass goes; without, there is none.
            options: as in `tw.explain`.

        Raises:
            NotFittedError: `fit` has not been called.
            TableError: there is no such row, or a cell does not fit its column.
            ValueError: the columns are not those of `fit`.
        """
        check_is_fitted(self)
        X = self.checked(X, reset=False)
        table = self.read(X, self.encoder_.columns)
        if y is not None:
            answers = map(as_column, self.encoder_.targets, TargetRows(X, self._answers(X, y), None).targets)
            table = Table(table.name, (*table.columns, *answers))
        return explaining.explain(self.model_, table, row, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to the file `path`, which `load`, `tw.load` and the commands read, whole or not at all.

        Raises:
            NotFittedError: `fit` has not been called.
            InputError: the folder does not exist or may not be written.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        check_is_fitted(self)
        table_files.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The fitted estimator from the file `path`, of `save` or of `tw.fit`. Loading runs no code.

        Labels have y's own type again, from a file of `tw.fit` that of the table. `class_weight`, `random_state`,
        `threads`, `callbacks`, `verbose` and validation rows of your own are not in the file: they have their defaults.

        Raises:
            FileError: the file is missing, damaged, no model, or the model of another class.
        """
        return table_files.load(cls, path)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write encoder and network to the ONNX file `path`, which takes the raw columns of X (docs/export.md).

        Raises:
            NotFittedError: `fit` has not been called.
            InputError: the package onnx is missing, the network is larger than the format allows, labels are of no type
                of ONNX, or the folder does not exist.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        check_is_fitted(self)
        model = self.model_
        onnx_export.write_model(path, model.encoder, model.network, model.parameters, self._classes())

    def to_c(self, path: str | os.PathLike[str]) -> None:
        """Write encoder and network to the C99 file `path`, which takes raw cells and needs nothing (docs/export.md).

        Raises:
            NotFittedError: `fit` has not been called.
            InputError: C cannot hold a text of the model, a layer is too wide for its stack, or the folder does not
                exist.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        check_is_fitted(self)
        model = self.model_
        c_export.write_model(path, model.encoder, model.network, model.parameters, self._classes())

    def _classes(self) -> Sequence[np.ndarray] | None:
        """The labels of each target, as y had them; none for numbers."""
        return None

    def _answers(self, X: Any, y: Any) -> Shaped[np.ndarray, "n ..."]:
        """y checked: numbers."""
        return checked_target(self, X, y, np.float64)

    def _own_rows(self, y: Shaped[np.ndarray, "n ..."]) -> TargetRows | None:
        """The validation rows that were given, checked as those of `fit` are; None where a share is asked for."""
        given = self.validation
        if isinstance(given, numbers.Real):
            return None
        if not (isinstance(given, (tuple, list)) and len(given) in (2, 3)):
            message = (
                f"validation must be a share of the rows between 0 and 1, or rows of your own, (X, y) or "
                f"(X, y, sample_weight), not {shown(given)}"
            )
            raise InputError(message)
        X = self.checked(given[0], reset=False)
        own = self._answers(X, given[1])
        if own.shape[1:] != y.shape[1:] or (own.dtype.kind in "OUS") != (y.dtype.kind in "OUS"):
            message = f"the y of validation must be as that of fit: {described(y)}, not {described(own)}"
            raise InputError(message)
        alike = own.astype(y.dtype)  # labels come back in the type of y, as far as it holds them
        return TargetRows(
            X, alike if (alike == own).all() else own, checked_weights(self, X, given[2] if given[2:] else None)
        )

    def _learn(self, rows: TargetRows, own: TargetRows | None, called: Sequence[Any]) -> None:
        """Train on `rows`, with targets called so in y; rows of weight 0 are as if they were not."""
        started = time.perf_counter()
        drop, keep = column_names(self.drop, "drop"), column_names(self.keep, "keep")
        settings = {field.name: getattr(self, field.name) for field in dataclasses.fields(Recipe)}
        recipe, callbacks = check_recipe(settings), check_callbacks(self.callbacks)
        seed = seed_of(self.random_state)
        names = free_names(called, len(rows.targets), self.names)
        whole, validation = self._table(rows, names, drop), self.validation
        kept, weights = weighty(whole, rows.weights)
        if own is not None:
            held = self._table(own, names, drop)
            validation = weighty(dataclasses.replace(held, name=f"{held.name} of validation"), own.weights)
            both = (np.concatenate(pair) for pair in zip(rows.targets, own.targets, strict=True))
            whole = Table(whole.name, tuple(map(as_column, names, both)))  # the classes are those of both
        lesson = Lesson.prepare(
            kept, names, task=self._task, drop=drop, keep=keep, validation=validation, seed=seed,
            labels=strata(kept, names, self._task), all_rows=whole, weights=weights,
        )  # fmt: skip
        shown = (*callbacks, ProgressBar()) if self.verbose else callbacks
        model = lesson.learn(recipe, seed=seed, engine=self.engine, threads=self.threads, callbacks=shown)
        model.figures["seconds"]["all"] = time.perf_counter() - started
        self.model_, self.seed_ = model, seed
        if model.status.is_failure:
            message = f"{model.settings['message']} The weights are those of epoch {model.settings['best_epoch']}."
            warnings.warn(message, ThalwegWarning, stacklevel=3)
        if model.status is Status.INTERRUPTED:
            raise KeyboardInterrupt  # what was reached is kept: the estimator is fitted, and a search around it ends

    def _table(self, rows: TargetRows, names: Sequence[str], drop: Sequence[str]) -> Table:
        inputs = self.read(rows.X, drop=drop)
        return Table(inputs.name, (*inputs.columns, *map(as_column, names, rows.targets)))

    def _outputs(self, X: Any) -> Float[np.ndarray, "n k"]:
        check_is_fitted(self)
        X = self.checked(X, reset=False)
        return self.model_.outputs(self.read(X, self.encoder_.columns), engine=self.engine)


class TableClassifier(ClassifierMixin, _TableEstimator):
    """A network that predicts classes, as a scikit-learn estimator for tables as they are.

    `fit(X, y)` takes a data frame of any library (or an array) with missing cells, categories, dates and text, and
    trains as `tw.fit` does, but holds no rows out to measure on: that is what cross-validation is for. A y of shape
    (n, k) with two labels in each column is k yes-or-no questions (multilabel).

    Args:
        hidden: units of the hidden layers.
        activation: of the hidden layers.
        dropout: share of hidden units switched off in a step; None is 0.2.
        learning_rate: the largest of its cycles; None is 0.003.
        weight_decay: of AdamW.
        epochs: sweeps over the training rows at most.
        patience: epochs without a better validation loss until training stops.
        batch: rows per step; None suits the number of rows.
        seconds: of training at most.
        validation: share of the rows (stratified) that says when to stop and which epoch's weights are best, or rows
            of your own, (X, y) or (X, y, sample_weight), of which nothing else is learnt but the names of the classes.
        drop: columns of X to leave out.
        keep: columns to use although they look like identifiers or free text.
        class_weight: None, "balanced" or a weight for each label; multiplies `sample_weight`, not weights of rows of
            your own to validate with.
        random_state: a seed, a RandomState, or None for a new seed at each fit, which `seed_` keeps.
        engine: name of the engine.
        threads: for an engine with threads of its own; 1 where many fits run side by side.
        callbacks: as in `tw.train`.
        verbose: show the epochs on standard error.

    Attributes:
        model_: the `tw.Model`: save it, explain it, predict files with it.
        encoder_: its encoder; `encoder_.get_feature_names_out()` names the network's inputs.
        classes_: the labels in order, of y's own dtype; for several targets a list of them.
        n_features_in_: columns of X.
        feature_names_in_: their names, where X had names.
        n_iter_: epochs of training.
        best_epoch_: the epoch whose weights the model has.
        history_: losses, learning rate and time of each epoch.
        status_: why training stopped.
        loss_: training loss of the last epoch.
        seed_: the seed.

    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 80)[:, None]
    >>> y = np.where(X[:, 0] > 0, "high", "low")
    >>> classifier = TableClassifier(hidden=8, learning_rate=0.05, random_state=0).fit(X, y)
    >>> classifier.predict([[-0.9], [0.9]]).tolist()
    ['low', 'high']
    """

    _task = "classification"
    classes_: Any

    def __init__(
        self,
        *,
        hidden: int | Sequence[int] = Recipe.hidden,
        activation: Any = Recipe.activation,
        dropout: float | None = Recipe.dropout,
        learning_rate: float | None = Recipe.learning_rate,
        weight_decay: float = Recipe.weight_decay,
        epochs: int = Recipe.epochs,
        patience: int = Recipe.patience,
        batch: int | None = Recipe.batch,
        seconds: float | None = Recipe.seconds,
        validation: Any = 0.15,
        drop: str | Sequence[str] = (),
        keep: str | Sequence[str] = (),
        class_weight: str | Mapping[Any, float] | None = None,
        random_state: int | np.random.RandomState | None = None,
        engine: str = engines.DEFAULT,
        threads: int | None = None,
        callbacks: Any = (),
        verbose: bool = False,
    ) -> None:
        super().__init__(
            hidden=hidden, activation=activation, dropout=dropout, learning_rate=learning_rate,
            weight_decay=weight_decay, epochs=epochs, patience=patience, batch=batch, seconds=seconds,
            validation=validation, drop=drop, keep=keep, random_state=random_state, engine=engine, threads=threads,
            callbacks=callbacks, verbose=verbose,
        )  # fmt: skip
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: a data frame of any library, or an array, n rows.
            y: labels (text, booleans or numbers), shape (n,), or (n, k) with two labels in each column.
            sample_weight: weight of each row, shape (n,); a row of weight 0 is as if it were not there.

        Raises:
            TableError: a column cannot be used, or there is nothing to learn from.
            InputError: an option breaks its rule, or nothing was learnt before a value was not finite.
            ValueError: X, y or weights are not what scikit-learn allows.
        """
        X = self.checked(X, reset=True)
        names = target_names(y)
        y = self._answers(X, y)
        own = self._own_rows(y)
        weights = checked_weights(self, X, sample_weight)
        if self.class_weight is not None:
            weights = np.ones(len(y)) if weights is None else weights
            there = weights > 0.0
            weights[there] *= compute_sample_weight(self.class_weight, y[there])
        rows = TargetRows(X, y, weights)
        for column in rows.targets:
            found = np.unique(column if weights is None else column[weights > 0.0]).tolist()
            if len(found) < 2:
                message = (
                    f"{type(self).__name__} needs at least two classes to learn from, and y has only the class "
                    f"{found[0]!r}{'' if weights is None else ' in the rows whose weight is not 0'}"
                )
                raise InputError(message)
        whole = rows.targets if own is None else map(np.concatenate, zip(rows.targets, own.targets, strict=True))
        classes = [np.unique(column) for column in whole]
        self.classes_ = classes[0] if y.ndim == 1 else classes  # before training, which Ctrl-C may end
        self._learn(rows, own, names)
        return self

    def _answers(self, X: Any, y: Any) -> Shaped[np.ndarray, "n ..."]:
        labels = plain_labels(checked_target(self, X, y, None))
        check_classification_targets(labels)
        return labels

    def _classes(self) -> Sequence[np.ndarray]:
        return self.classes_ if isinstance(self.classes_, list) else [self.classes_]

    def predict(self, X: Any) -> Shaped[np.ndarray, "n ..."]:
        """The most probable label of each row of X, (n,), or of each target, (n, k).

        Raises:
            NotFittedError: `fit` has not been called.
            TableError: a cell does not fit its column.
            ValueError: the columns are not those of `fit`.
        """
        outputs = self._outputs(X)
        numbers = self.encoder_.class_numbers(outputs)
        if numbers.ndim == 1:
            return self.classes_[numbers]
        return np.stack([classes[column] for classes, column in zip(self.classes_, numbers.T, strict=True)], axis=1)

    def predict_proba(self, X: Any) -> Float[np.ndarray, "n k"]:
        """The probability of each class for each row of X, as in `classes_`; of several targets of the second label.

        Raises:
            NotFittedError: `fit` has not been called.
            TableError: a cell does not fit its column.
            ValueError: the columns are not those of `fit`.
        """
        outputs = self._outputs(X).astype(np.float64)
        if self.encoder_.task == "classification":  # the network's sum to 1 in float32 only
            outputs /= outputs.sum(axis=1, keepdims=True)
        return outputs

    def predict_log_proba(self, X: Any) -> Float[np.ndarray, "n k"]:
        """The logarithms of `predict_proba(X)`, −inf where that is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))


class TableRegressor(RegressorMixin, _TableEstimator):
    """A network that predicts numbers, as a scikit-learn estimator for tables as they are.

    `fit(X, y)` takes a data frame of any library (or an array) with missing cells, categories, dates and text, and
    trains as `tw.fit` does, but holds no rows out to measure on: that is what cross-validation is for. y may have
    several columns.

    Args:
        hidden: units of the hidden layers.
        activation: of the hidden layers.
        dropout: share of hidden units switched off in a step; None is 0.1.
        learning_rate: the largest of its cycles; None is 0.01.
        weight_decay: of AdamW.
        epochs: sweeps over the training rows at most.
        patience: epochs without a better validation loss until training stops.
        batch: rows per step; None suits the number of rows.
        seconds: of training at most.
        validation: share of the rows that says when to stop and which epoch's weights are best, or rows of your own,
            (X, y) or (X, y, sample_weight), of which nothing else is learnt.
        drop: columns of X to leave out.
        keep: columns to use although they look like identifiers or free text.
        random_state: a seed, a RandomState, or None for a new seed at each fit, which `seed_` keeps.
        engine: name of the engine.
        threads: for an engine with threads of its own; 1 where many fits run side by side.
        callbacks: as in `tw.train`.
        verbose: show the epochs on standard error.

    Attributes:
        model_: the `tw.Model`: save it, explain it, predict files with it.
        encoder_: its encoder; `encoder_.get_feature_names_out()` names the network's inputs.
        n_features_in_: columns of X.
        feature_names_in_: their names, where X had names.
        n_iter_: epochs of training.
        best_epoch_: the epoch whose weights the model has.
        history_: losses, learning rate and time of each epoch.
        status_: why training stopped.
        loss_: training loss of the last epoch.
        seed_: the seed.

    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 80)[:, None]
    >>> regressor = TableRegressor(hidden=8, learning_rate=0.05, random_state=0).fit(X, 100 + 5 * X[:, 0])
    >>> bool(regressor.score(X, 100 + 5 * X[:, 0]) > 0.9)
    True
    """

    _task = "regression"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train.

        Args:
            X: a data frame of any library, or an array, n rows.
            y: numbers in their unit, shape (n,) or (n, k).
            sample_weight: weight of each row, shape (n,); a row of weight 0 is as if it were not there.

        Raises:
            TableError: a column cannot be used, or there is nothing to learn from.
            InputError: an option breaks its rule, or nothing was learnt before a value was not finite.
            ValueError: X, y or weights are not what scikit-learn allows.
        """
        X = self.checked(X, reset=True)
        y, names = self._answers(X, y), target_names(y)
        self._learn(TargetRows(X, y, checked_weights(self, X, sample_weight)), self._own_rows(y), names)
        return self

    def predict(self, X: Any) -> Float[np.ndarray, "n ..."]:
        """The number for each row of X in y's unit, (n,), or for each target, (n, k).

        Raises:
            NotFittedError: `fit` has not been called.
            TableError: a cell does not fit its column.
            ValueError: the columns are not those of `fit`.
        """
        outputs = self._outputs(X)
        return self.encoder_.decode(outputs)
