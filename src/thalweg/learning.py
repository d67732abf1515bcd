"""From the rows that are kept to a trained model: what `fit` and the scikit-learn estimators share.

    rows kept ─┬─ validation: when to stop, which epoch's weights
               └─ training: the encoder and the network learn from these alone

`Lesson.prepare` splits, learns the encoder and encodes; `Lesson.learn` trains. What is measured on rows held out, and
on which, is `fit`'s business.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, rivals, scores
from thalweg._version import __version__
from thalweg.encoding import Encoder
from thalweg.errors import InputError, TableError
from thalweg.examples import check_examples
from thalweg.model import Model, n_outputs
from thalweg.network import Network
from thalweg.own_rows import plain_activation
from thalweg.run import TrainingResult
from thalweg.schedules import CosineCycles
from thalweg.splitting import split
from thalweg.stopping import Status, Stop
from thalweg.table import Table
from thalweg.targets import are_classes
from thalweg.training import train
from thalweg.update_rules import AdamW


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Num


@dataclass(frozen=True)
class Recipe:
    """How a network for a table is built and trained. The defaults were chosen on the tables of benchmarks/tables.py.

    None stands for what suits the task or the number of rows: `learning_rate` 0.003 for classes and 0.01 for numbers,
    `dropout` 0.2 and 0.1, `batch` 64 below 3,000 training rows, 128 below 16,000, else 256. The learning rate follows
    CosineCycles, so that with 60 epochs a settled network is there to choose at epochs 4, 12, 28 and 60; `patience` is
    as long as the last cycle, so that a cycle that has begun to pay is not cut.
    """

    hidden: tuple[int, ...] = (256, 256)  # units of each hidden layer
    activation: Any = "relu"  # all that Network takes
    dropout: float | None = None
    learning_rate: float | None = None
    weight_decay: float = 0.01  # of AdamW
    epochs: int = 60
    patience: int = 32
    batch: int | None = None
    seconds: float | None = None  # of training at most

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types.

        Raises:
            InputError: an activation is made of Python functions.
        """
        return {**vars(self), "activation": plain_activation(self.activation)}

    def network(self, encoder: Encoder) -> Network:
        """The network for this encoder's columns and target."""
        return self.of_sizes(len(encoder.feature_names), n_outputs(encoder), encoder.task)

    def of_sizes(self, inputs: int, outputs: int, task: str) -> Network:
        """The network for so many inputs and outputs."""
        output, loss = _OUTPUT_AND_LOSS[task]
        dropout = self.dropout if self.dropout is not None else 0.1 if task == "regression" else 0.2
        sizes = [inputs, *self.hidden, outputs]
        return Network(
            sizes, activation=self.activation, output=output, loss=loss, dropout=dropout if self.hidden else 0.0
        )

    def training(self, task: str, rows: int) -> dict[str, Any]:
        """The arguments of `train` that follow from this recipe."""
        rate = self.learning_rate if self.learning_rate is not None else (0.01 if task == "regression" else 0.003)
        return {
            "optimizer": AdamW(CosineCycles(rate), beta2=0.99, weight_decay=self.weight_decay),
            "batch": self.batch if self.batch is not None else (64 if rows < 3_000 else 128 if rows < 16_000 else 256),
            "stop": Stop(epochs=self.epochs, patience=self.patience, seconds=self.seconds),
        }


_OUTPUT_AND_LOSS = {
    "classification": ("softmax", "cross_entropy"),
    "multilabel": ("sigmoid", "binary_cross_entropy"),
    "regression": ("identity", "half_squared_error"),
}


@dataclass(frozen=True, eq=False)
class Rows:
    """Encoded rows; `weights` is None where all rows weigh the same."""

    X: Float[np.ndarray, "n d"]
    Y: Num[np.ndarray, "n ..."]
    weights: Float[np.ndarray, " n"] | None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.X)


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a network is to learn: an encoder, the rows that it trains on, and those that say when to stop."""

    encoder: Encoder
    training: Rows
    validation: Rows
    request: dict[str, Any]  # what was asked for, as the settings of a model tell it

    @classmethod
    def prepare(
        cls,
        kept: Table,
        targets: Sequence[str],
        *,
        task: str,
        drop: Collection[str],
        keep: Collection[str],
        validation: float | tuple[Table, Float[np.ndarray, " m"] | None],
        seed: int,
        labels: Int[np.ndarray, " n"] | None,
        all_rows: Table | None = None,
        weights: Float[np.ndarray, " n"] | None = None,
    ) -> Lesson:
        """Split the rows, learn the encoder from the training rows, and encode both parts.

        `validation` is a share of the rows, or a table of other rows and their weights; then all of `kept` train, and
        the settings of the model say None. `labels` (see `strata`) are shared out alike; `all_rows` is as in
        `Encoder.learn`; `weights` are positive. Raises TableError where there is nothing to learn.
        """
        check_rows(kept)
        if isinstance(validation, tuple):
            share, parts = None, ((kept, weights), validation)
        else:
            share, places = validation, split(kept.n_rows, validation, seed=seed, purpose="validation", labels=labels)
            parts = tuple((kept.take(rows), None if weights is None else weights[rows]) for rows in places)
        encoder = Encoder.learn(parts[0][0], targets, task=task, drop=drop, keep=keep, all_rows=all_rows or kept)
        fit_rows, valid_rows = (
            Rows(encoder.encode(part), encoder.encode_targets(part), of_part) for part, of_part in parts
        )
        request = {"data": kept.name, "task": task, "drop": [*drop], "keep": [*keep], "validation": share}
        return cls(encoder, fit_rows, valid_rows, request)

    def learn(
        self, recipe: Recipe, *, seed: int, engine: str, threads: int | None, callbacks: Iterable[Any] = ()
    ) -> Model:
        """The model of the best epoch, with the figures and settings that need no rows held out.

        Raises:
            InputError: nothing was learnt before a value was not finite.
            KeyboardInterrupt: Ctrl-C came before an epoch was finished.
        """
        encoder, network = self.encoder, recipe.network(self.encoder)
        options = recipe.training(encoder.task, self.training.n)
        result = train(
            network, self.training.X, self.training.Y, sample_weight=self.training.weights,
            validation=(self.validation.X, self.validation.Y, self.validation.weights),
            seed=seed, engine=engine, threads=threads, callbacks=callbacks, **options,
        )  # fmt: skip
        why = _why(result, encoder, options["optimizer"].learning_rate.rate)
        n, n_valid = self.training.n, self.validation.n
        figures = {
            "validation": self._validated(result, why, engine),
            "rows": {
                "given": n + n_valid, "without_target": 0, "training": n, "validation": n_valid, "held_out": 0,
                "held_out_without_target": 0,
            },
            "columns": {
                "given": len(encoder.decisions) - len(encoder.targets), "used": len(encoder.columns),
                "features": len(encoder.feature_names),
            },
            "seconds": {"training": float(result.history.seconds[-1])},
        }  # fmt: skip
        settings = {
            "thalweg": __version__, **self.request, "holdout": 0.0, "test": None, "refit": False, "seed": seed,
            "engine": engine,
            "recipe": recipe.to_dict(), "message": why, "best_epoch": result.best_epoch,
            "optimizer": options["optimizer"].to_dict(), "batch": options["batch"],
        }  # fmt: skip
        return Model(encoder, network, result.parameters, result.history, result.status, figures, settings)

    def baseline(self, rows: int) -> Float[np.ndarray, "rows k"]:
        """Outputs that are the same for every row: the training rows' shares of the classes, or their mean."""
        Y, weights = self.training.Y, self.training.weights
        if self.encoder.task == "classification":
            return rivals.majority(Y, rows, n_outputs(self.encoder), weights)
        return rivals.mean(Y, rows, weights)

    def _validated(self, result: TrainingResult, why: str, engine: str) -> dict[str, float]:
        """The validation loss, and what it would be with the same answer for every row.

        Refuses a training that broke down before it was better than that (contract 2).
        """
        if result.status is Status.INTERRUPTED and not result.best_epoch:
            raise KeyboardInterrupt
        valid = check_examples(result.network, self.validation.X, self.validation.Y, self.validation.weights)
        loss, baseline = result.network.loss, self.baseline(valid.n)
        if self.encoder.task != "regression":
            baseline = np.clip(baseline, scores.CLIP, 1.0 - scores.CLIP)
        losses = loss.value(baseline, valid.Y, loss.parameter).sum(axis=1)
        bound = float(np.average(losses, weights=valid.weights))
        reached = float(result.history.value[result.best_epoch - 1]) if result.best_epoch else np.inf
        if result.chosen_epoch is not None:  # by a callback, perhaps an average that is of no epoch
            p = result.parameters.astype(np.float64)
            reached = engines.get(engine).mean_loss(result.network, p, valid)
        if result.failure and not reached < bound:
            message = f"nothing could be learnt. {why}"
            raise InputError(message)
        return {"loss": reached, "baseline": bound}


def strata(table: Table, targets: Sequence[str], task: str) -> np.ndarray | None:
    """A number for the class of each row, to hold rows out of each; None for numbers and for several targets."""
    if len(targets) != 1 or not (task == "classification" or (task == "auto" and are_classes(table[targets[0]]))):
        return None
    return np.unique(table[targets[0]].values, return_inverse=True)[1]


def column_names(given: Any, what: str) -> list[str]:
    """Names of columns from one name or several.

    Raises:
        InputError: it is neither.
    """
    names = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else None
    if names is None or not all(isinstance(name, str) for name in names):
        message = f"{what} must be the name of a column, or several, not {type(given).__name__}"
        raise InputError(message)
    return names


def check_recipe(settings: dict[str, Any]) -> Recipe:
    """A recipe of checked settings; what the network and the optimizer check themselves is left to them.

    Raises:
        InputError: a setting is unknown, would do nothing, or is no more than Python functions.
    """
    known = [field.name for field in dataclasses.fields(Recipe)]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        message = f"fit has no setting {unknown[0]!r}; the settings of its recipe are {', '.join(known)}"
        raise InputError(message)
    hidden: Any = settings.get("hidden", Recipe.hidden)
    if isinstance(hidden, str) or not isinstance(hidden, (int, Sequence)):
        message = f"hidden must be the units of the hidden layers, such as (64, 32), or () for none, not {hidden!r}"
        raise InputError(message)
    hidden = ((hidden,) if hidden else ()) if isinstance(hidden, int) else tuple(hidden)
    for name, usual in (("activation", Recipe.activation), ("dropout", None)):
        if not hidden and settings.get(name, usual) != usual:
            message = f"{name}={settings[name]!r} would do nothing, as there is no hidden layer; leave it out"
            raise InputError(message)
    recipe = Recipe(**{**settings, "hidden": hidden})
    recipe.to_dict()  # before any work: it may be refused
    return recipe


def check_rows(table: Table, share: float = 0.0) -> None:
    """Raise TableError where a table has too few rows to train, to validate and, with a share, to hold out."""
    needed, parts = (3, "train on, to validate with and to hold out") if share else (2, "train on and to validate with")
    if table.n_rows < needed:
        message = (
            f"{table.name} has {table.n_rows} row{'s' * (table.n_rows > 1)} with a target, and at least {needed} are "
            f"needed, to {parts}; give more rows"
        )
        raise TableError(message)


def _why(result: TrainingResult, encoder: Encoder, rate: float) -> str:
    """Why training stopped, in the words of `fit`: its columns and its settings."""
    if not result.failure:
        return result.message
    column = encoder.feature_names[result.failure.column - 1]
    return (
        f"{result.status.value} {result.failure.place} (That column is {column!r}.) "
        f"Use a smaller learning rate: the largest was {rate:g}."
    )
