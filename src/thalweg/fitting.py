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
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, rivals, scores, table
from thalweg.encoding import Encoder, drop_missing_targets
from thalweg.errors import InputError, ThalwegWarning
from thalweg.learning import Lesson, Recipe, check_recipe, check_rows, column_names, strata
from thalweg.model import Evidence, Model, n_outputs
from thalweg.run import check_callbacks
from thalweg.splitting import split
from thalweg.stopping import Status, Stop
from thalweg.table import Table
from thalweg.training import train


if TYPE_CHECKING:
    from jaxtyping import Float


HOLDOUT = 0.2  # share of the rows


def fit(
    data: Any,
    target: str | Sequence[str],
    *,
    task: str = "auto",
    drop: str | Sequence[str] = (),
    keep: str | Sequence[str] = (),
    test: Any = None,
    holdout: float = HOLDOUT,
    validation: float | tuple[Table, Float[np.ndarray, " m"] | None] = 0.15,
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
        validation: share of the remaining rows that says when to stop and which epoch's weights are best; or a Table of
            other rows for it, and their weights or None.
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
    settings, share = check_recipe(recipe), _share_to_hold_out(holdout, test)
    callbacks = check_callbacks(callbacks)
    blind = [one for one in callbacks if refit and getattr(one, "needs_validation", False)]
    if blind:
        message = (
            f"refit=True trains again on all rows, and {blind[0]!r} would find no validation rows to look at; leave "
            f"one of them out"
        )
        raise InputError(message)
    given = (target, "target"), (drop, "drop"), (keep, "keep")
    targets, drop, keep = (column_names(names, what) for names, what in given)
    unread = [name for name in drop if name not in targets]
    whole, without_target = drop_missing_targets(table.read(data, without=unread), targets)
    check_rows(whole, share)
    labels = strata(whole, targets, task)
    kept, held_out, test_without_target = whole, None, 0
    if share:
        kept_rows, held_rows = split(whole.n_rows, share, seed=seed, purpose="holdout", labels=labels)
        kept, held_out, labels = whole.take(kept_rows), whole.take(held_rows), _take(labels, kept_rows)
    lesson = Lesson.prepare(
        kept, targets, task=task, drop=drop, keep=keep, validation=validation, seed=seed, labels=labels, all_rows=whole
    )
    encoder = lesson.encoder
    if test is not None:
        columns = [*encoder.columns, *targets]
        test_rows = table.read(test, columns=columns, text=encoder.text_columns)
        held_out, test_without_target = drop_missing_targets(test_rows, targets)
    measured = None if held_out is None else (encoder.encode(held_out), _actual(encoder, held_out))
    options = {"seed": seed, "engine": engine, "threads": threads}
    model = lesson.learn(settings, callbacks=callbacks, **options)
    figures = model.figures
    figures["rows"] |= {
        "given": whole.n_rows + without_target, "without_target": without_target,
        "held_out": held_out.n_rows if held_out else 0, "held_out_without_target": test_without_target,
    }  # fmt: skip
    tested_on = held_out.name if test is not None and held_out else None
    model.settings.update(holdout=holdout, test=tested_on)
    evidence = None
    try:
        if measured is not None:
            X_held, y_held = measured
            p, fit_rows, valid_rows = model.parameters, lesson.training, lesson.validation
            outputs = engines.get(engine).predict(model.network, p, X_held.astype(p.dtype))
            tree_outputs, tree = rivals.tree(
                fit_rows.X, fit_rows.Y, valid_rows.X, valid_rows.Y, X_held, encoder.task, n_outputs(encoder), seed
            )
            baseline = lesson.baseline(len(X_held))
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
        if refit and model.status is not Status.INTERRUPTED:
            options |= settings.training(encoder.task, lesson.training.n)
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
    stop = {"stop": Stop(epochs=recipe.epochs), "callbacks": [*callbacks, _StopAfter(model.settings["best_epoch"])]}
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


def _share_to_hold_out(holdout: float, test: Any) -> float:
    if test is None:
        return holdout
    if holdout not in (HOLDOUT, 0):
        message = f"holdout={holdout!r} would do nothing, as there is a table to test on; leave one of them out"
        raise InputError(message)
    return 0.0


def _actual(encoder: Encoder, held_out: Table) -> np.ndarray:
    """What the held-out rows really are, as Evidence.y."""
    if encoder.task != "regression":
        return encoder.encode_targets(held_out)
    values = np.stack([held_out[name].values.astype(np.float64) for name in encoder.targets], axis=1)
    return values[:, 0] if values.shape[1] == 1 else values


def _take(labels: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if labels is None else labels[rows]
