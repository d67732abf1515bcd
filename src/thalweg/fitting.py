"""The main job: a table in, a trained network out, with honest figures on rows that it has never seen.

rows with a target ─┬─ held out (or a table of your own): figures, tree and baseline beside
                    └─ kept ─┬─ validation: when to stop, which epoch's weights, the size of the tree
                             └─ training: the encoder and the network learn from these alone
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, rivals, scores, table
from thalweg._version import __version__
from thalweg.encoding import Encoder, drop_missing_targets
from thalweg.errors import InputError, TableError, ThalwegWarning
from thalweg.examples import Examples, check_examples
from thalweg.model import Evidence, Model, n_outputs
from thalweg.network import Network
from thalweg.own_rows import plain_activation
from thalweg.run import TrainingResult
from thalweg.schedules import CosineCycles
from thalweg.splitting import split
from thalweg.stopping import Status, Stop
from thalweg.table import Table
from thalweg.targets import are_classes
from thalweg.training import check_callbacks, train
from thalweg.update_rules import AdamW


if TYPE_CHECKING:
    from jaxtyping import Float


HOLDOUT = 0.2  # share of the rows


@dataclass(frozen=True)
class Recipe:
    """How `fit` builds and trains the network. The defaults were chosen on the tables of benchmarks/tables.py.

    None stands for what suits the task or the number of rows: `learning_rate` 0.003 for classes and 0.01 for numbers,
    `dropout` 0.2 and 0.1, `batch` 64 below 3,000 training rows, 128 below 16,000, else 256. The learning rate follows
    CosineCycles, so that with 60 epochs a settled network is there to choose at epochs 4, 12, 28 and 60; `patience` is
    as long as the last cycle, so that a cycle that has begun to pay is not cut.
    """

    hidden: tuple[int, ...] = (256, 256)
    activation: Any = "relu"  # all that Network takes
    dropout: float | None = None
    learning_rate: float | None = None
    weight_decay: float = 0.01
    epochs: int = 60
    patience: int = 32
    batch: int | None = None
    seconds: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types.

        Raises:
            InputError: an activation is made of Python functions.
        """
        return {**vars(self), "activation": plain_activation(self.activation)}

    def network(self, encoder: Encoder) -> Network:
        """The network for this encoder's columns and target."""
        output, loss = _OUTPUT_AND_LOSS[encoder.task]
        dropout = self.dropout if self.dropout is not None else 0.1 if encoder.task == "regression" else 0.2
        sizes = [len(encoder.feature_names), *self.hidden, n_outputs(encoder)]
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


def fit(
    data: Any,
    target: str | Sequence[str],
    *,
    task: str = "auto",
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    test: Any = None,
    holdout: float = HOLDOUT,
    validation: float = 0.15,
    refit: bool = False,
    seed: int = 0,
    engine: str = engines.DEFAULT,
    threads: int | None = None,
    callbacks: Iterable[Any] = (),
    **recipe: Any,
) -> Model:
    """Train a network on a table, and measure it on rows held out.

    Args:
        data: a path (CSV, Parquet, JSON lines), a SELECT query, a data frame or a Table.
        target: the column to predict, or several.
        task: "classification", "regression", or "auto": text, booleans, categories and whole numbers of at most 10
            values are classes, everything else a number.
        drop: column or columns to leave out.
        keep: columns to use although they look like identifiers or free text.
        test: a table of its own to measure on, instead of holding rows out.
        holdout: share of the rows held out to measure on (stratified for classes); 0 uses every row.
        validation: share of the remaining rows that says when to stop and which epoch's weights are best.
        refit: train again on all rows, for as many epochs as were best; the figures stay those of the first training,
            which is what you get where the second was interrupted or failed.
        seed: of splits, initial weights, orders and dropout.
        engine: name of the engine.
        threads: for an engine with threads of its own.
        callbacks: as in `train`; they see a `refit` as well.
        **recipe: settings of `Recipe`: hidden, activation, dropout, learning_rate, weight_decay, epochs, patience,
            batch, seconds.

    Returns:
        The model; `model.figures` holds the held-out figures of the network, of a decision tree and of the baseline.

    Raises:
        TableError: the table cannot be read or used, in one sentence.
        InputError: an option breaks its rule or would do nothing, or nothing was learnt before a value was not finite.
        KeyboardInterrupt: Ctrl-C came before an epoch was finished; later, the model of the best epoch is returned.

    >>> model = fit("SELECT range * 37 % 101 AS x, range % 7 > 3 AS big FROM range(300)", target="big", epochs=3)
    >>> sorted(model.figures)
    ['baseline', 'columns', 'network', 'paired', 'rows', 'seconds', 'tree', 'validation']
    """
    started = time.perf_counter()
    settings, share = _recipe(recipe), _share_to_hold_out(holdout, test)
    plain = settings.to_dict()  # before any work: it may be refused
    callbacks = check_callbacks(callbacks)
    targets, drop, keep = (_names(given, what) for given, what in ((target, "target"), (drop, "drop"), (keep, "keep")))
    unread = [name for name in drop if name not in targets]
    whole, without_target = drop_missing_targets(table.read(data, without=unread), targets)
    _check_rows(whole, share)
    labels = _classes(whole, targets, task)
    kept, held_out, test_without_target = whole, None, 0
    if share:
        kept_rows, held_rows = split(whole.n_rows, share, seed=seed, purpose="holdout", labels=labels)
        kept, held_out, labels = whole.take(kept_rows), whole.take(held_rows), _take(labels, kept_rows)
    _check_rows(kept, 0.0)
    fit_rows, valid_rows = split(kept.n_rows, validation, seed=seed, purpose="validation", labels=labels)
    training, validating = kept.take(fit_rows), kept.take(valid_rows)

    encoder = Encoder.learn(training, targets, task=task, drop=drop, keep=keep, all_rows=whole)
    X, Y = encoder.encode(training), encoder.encode_targets(training)
    X_valid, Y_valid = encoder.encode(validating), encoder.encode_targets(validating)
    if test is not None:
        columns = [*encoder.columns, *targets]
        test_rows = table.read(test, columns=columns, text=encoder.text_columns)
        held_out, test_without_target = drop_missing_targets(test_rows, targets)
    measured = None if held_out is None else (encoder.encode(held_out), _actual(encoder, held_out))
    network = settings.network(encoder)
    options = {"seed": seed, "engine": engine, "threads": threads, **settings.training(encoder.task, len(X))}
    result = train(network, X, Y, validation=(X_valid, Y_valid), callbacks=callbacks, **options)

    why = _why(result, encoder, options["optimizer"].learning_rate.rate)
    figures: dict[str, Any] = {
        "validation": _validation(result, encoder, Y, check_examples(network, X_valid, Y_valid), why),
        "rows": {
            "given": whole.n_rows + without_target, "without_target": without_target, "training": len(X),
            "validation": len(X_valid), "held_out": held_out.n_rows if held_out else 0,
            "held_out_without_target": test_without_target,
        },
        "columns": {
            "given": len(encoder.decisions) - len(targets), "used": len(encoder.columns), "features": X.shape[1],
        },
        "seconds": {"training": float(result.history.seconds[-1])},
    }  # fmt: skip
    model = Model(
        encoder, network, result.parameters, result.history, result.status, figures,
        {
            "thalweg": __version__, "data": whole.name, "task": task, "drop": list(drop), "keep": list(keep),
            "holdout": holdout,
            "test": held_out.name if test is not None and held_out else None, "validation": validation, "refit": False,
            "seed": seed, "engine": engine, "recipe": plain, "message": why,
            "best_epoch": result.best_epoch, "optimizer": options["optimizer"].to_dict(), "batch": options["batch"],
        },
    )  # fmt: skip
    evidence = None
    try:
        if measured is not None:
            X_held, y_held = measured
            outputs = engines.get(engine).predict(network, result.parameters, X_held.astype(result.parameters.dtype))
            tree_outputs, tree = rivals.tree(X, Y, X_valid, Y_valid, X_held, encoder.task, n_outputs(encoder), seed)
            baseline = _baseline(encoder, Y, len(X_held))
            losses, *others = (_row_losses(encoder, y_held, one) for one in (outputs, tree_outputs, baseline))
            figures |= {
                "network": score(encoder, y_held, outputs),
                "tree": {**score(encoder, y_held, tree_outputs), "size": tree},
                "baseline": score(encoder, y_held, baseline),
                "paired": {
                    name: scores.paired(losses, of) for name, of in zip(("tree", "baseline"), others, strict=True)
                },
            }
            evidence = Evidence(model, X_held, y_held, outputs)
        if refit and result.status is not Status.INTERRUPTED:
            model = _refit(model, whole, settings, options, callbacks)
    except KeyboardInterrupt:  # the trained network is there, and worth more than what was to come
        model = _interrupted(model)
    figures["seconds"]["all"] = time.perf_counter() - started
    return dataclasses.replace(model, evidence=evidence)


def score(encoder: Encoder, y: np.ndarray, outputs: Float[np.ndarray, "n k"]) -> dict[str, Any]:
    """Held-out figures (scores.py) of a model's outputs, in the target's own labels or units."""
    if encoder.task == "classification":
        return scores.classification(y, outputs, encoder.classes.tolist())
    if encoder.task == "multilabel":
        return scores.multilabel(y, outputs, encoder.targets)
    return scores.regression(y, encoder.decode(outputs), encoder.targets)


def _row_losses(encoder: Encoder, y: np.ndarray, outputs: Float[np.ndarray, "n k"]) -> Float[np.ndarray, " n"]:
    return scores.row_losses(y, encoder.decode(outputs) if encoder.task == "regression" else outputs, encoder.task)


class _StopAfter:
    """A callback that ends training after so many epochs, its learning rates being those of a longer one."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def on_epoch(self, run: Any) -> bool:
        """Whether they are done."""
        return run.epoch >= self._epochs


def _refit(model: Model, whole: Table, recipe: Recipe, options: dict[str, Any], callbacks: Sequence[Any]) -> Model:
    """The same again on all rows, for as many epochs as were best when there were rows to tell."""
    old = model.encoder
    encoder = Encoder.learn(
        whole, old.targets, task=model.settings["task"], drop=model.settings["drop"], keep=model.settings["keep"]
    )
    network = recipe.network(encoder)
    stop = {"stop": Stop(epochs=recipe.epochs), "callbacks": [*callbacks, _StopAfter(model.history.best_epoch)]}
    result = train(network, encoder.encode(whole), encoder.encode_targets(whole), **{**options, **stop})
    if result.status is Status.INTERRUPTED:
        return _interrupted(model)
    if result.failure:
        message = f"the training on all rows failed, so the model is that of the first training. {result.message}"
        warnings.warn(message, ThalwegWarning, stacklevel=3)
        return model
    settings = {**model.settings, "refit": True}
    return dataclasses.replace(
        model, encoder=encoder, network=network, parameters=result.parameters, history=result.history, settings=settings
    )


def _interrupted(model: Model) -> Model:
    settings = {**model.settings, "message": Status.INTERRUPTED.value}
    return dataclasses.replace(model, status=Status.INTERRUPTED, settings=settings)


def _validation(
    result: TrainingResult, encoder: Encoder, Y: np.ndarray, validation: Examples, why: str
) -> dict[str, float]:
    """The validation loss, and what it would be with the same answer for every row.

    Refuses a training that broke down before it was better than that (contract 2).
    """
    if result.status is Status.INTERRUPTED and not result.best_epoch:
        raise KeyboardInterrupt
    loss, baseline = result.network.loss, _baseline(encoder, Y, validation.n)
    if encoder.task != "regression":
        baseline = np.clip(baseline, scores.CLIP, 1.0 - scores.CLIP)
    bound = float(np.mean(loss.value(baseline, validation.Y, loss.parameter).sum(axis=1)))
    reached = float(result.history.value[result.best_epoch - 1]) if result.best_epoch else np.inf
    if result.failure and not reached < bound:
        message = f"nothing could be learnt. {why}"
        raise InputError(message)
    return {"loss": reached, "baseline": bound}


def _why(result: TrainingResult, encoder: Encoder, rate: float) -> str:
    """Why training stopped, in the words of `fit`: its columns and its settings."""
    if not result.failure:
        return result.message
    column = encoder.feature_names[result.failure.column - 1]
    return (
        f"{result.status.value} {result.failure.place} (That column is {column!r}.) "
        f"Use a smaller learning rate: the largest was {rate:g}."
    )


def _baseline(encoder: Encoder, Y: np.ndarray, rows: int) -> Float[np.ndarray, "n k"]:
    if encoder.task == "classification":
        return rivals.majority(Y, rows, n_outputs(encoder))
    return rivals.mean(Y, rows)


def _names(given: Any, what: str) -> list[str]:
    """Names of columns from one name or several."""
    names = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else None
    if names is None or not all(isinstance(name, str) for name in names):
        message = f"{what} must be the name of a column, or several, not {type(given).__name__}"
        raise InputError(message)
    return names


def _recipe(settings: dict[str, Any]) -> Recipe:
    """A recipe of checked settings; what the network and the optimizer check themselves is left to them."""
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
    return Recipe(**{**settings, "hidden": hidden})


def _share_to_hold_out(holdout: float, test: Any) -> float:
    if test is None:
        return holdout
    if holdout not in (HOLDOUT, 0):
        message = f"holdout={holdout!r} would do nothing, as there is a table to test on; leave one of them out"
        raise InputError(message)
    return 0.0


def _check_rows(table: Table, share: float) -> None:
    needed, parts = (3, "train on, to validate with and to hold out") if share else (2, "train on and to validate with")
    if table.n_rows < needed:
        message = (
            f"{table.name} has {table.n_rows} row{'s' * (table.n_rows > 1)} with a target, and at least {needed} are "
            f"needed, to {parts}; give more rows"
        )
        raise TableError(message)


def _classes(table: Table, targets: Sequence[str], task: str) -> np.ndarray | None:
    """A number for the class of each row, to hold rows out of each; None for numbers and for several targets."""
    if len(targets) != 1 or not (task == "classification" or (task == "auto" and are_classes(table[targets[0]]))):
        return None
    return np.unique(table[targets[0]].values, return_inverse=True)[1]


def _actual(encoder: Encoder, held_out: Table) -> np.ndarray:
    """What the held-out rows really are, as Evidence.y."""
    if encoder.task != "regression":
        return encoder.encode_targets(held_out)
    values = np.stack([held_out[name].values.astype(np.float64) for name in encoder.targets], axis=1)
    return values[:, 0] if values.shape[1] == 1 else values


def _take(labels: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if labels is None else labels[rows]
