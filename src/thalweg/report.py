"""One self-contained HTML file about a model: how good it is on held-out rows, what it learnt from, how to repeat it.

The template report.html holds the text; the figures are inline SVG of `thalweg.plots`. The file names
nothing outside itself and runs no script; the same model gives the same bytes. Figures of a model's held-out rows need
its evidence, which is there right after `fit`; a model from a file has the tables and the confusion matrix.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from thalweg import engines, optimizers, plots, randomness, report_page, scores
from thalweg.fitting import Recipe, fit, score
from thalweg.model import Model
from thalweg.report_page import Drawing, capital
from thalweg.scores import number
from thalweg.verdict import BASELINES, FEWEST, LEVEL, WHO, counted, judged_by, verdict
from thalweg.verdict import best as best_of


# Permutation importance costs rows × repeats × columns predictions: these bound it.
IMPORTANCE_ROWS, IMPORTANCE_REPEATS = 2_000, 3
MANY_COLUMNS = 100  # with more of them, the following two
MANY_COLUMNS_ROWS, MANY_COLUMNS_REPEATS = 500, 1
DRAWN_TARGETS = 6  # of several targets only the first ones are drawn; all are in the table


def write(model: Model, path: str | os.PathLike[str], *, command: str | None = None) -> None:
    """Write the report about a model to one HTML file, whole or not at all.

    Args:
        model: best right after `fit`, while it has its evidence.
        path: of the file; an older one is replaced.
        command: the command line that made the model, quoted for a shell; the call in Python is shown in any case.

    Raises:
        FileError: the path cannot be written: no such folder, no permission, not an ordinary file.
        OSError: the disk is full or fails; the old file is intact.
    """
    report_page.write(html(model, command=command), path)


def html(model: Model, *, command: str | None = None) -> str:
    """The report as the text of an HTML page."""
    encoder, figures, settings = model.encoder, model.figures, model.settings
    return report_page.render(
        "report.html", model=model, encoder=encoder, figures=figures, settings=settings, history=model.history,
        targets=", ".join(encoder.targets), verdict=verdict(model), key_figures=list(_key_figures(model)),
        best=best_of(model), fewest=FEWEST, level=LEVEL, measures=[
            (capital(scores.MEASURES[key].name), scores.MEASURES[key].meaning)
            for key in _measures(figures.get("network", {}))
        ],
        notes=figures.get("network", {}).get("notes", {}), baseline=BASELINES[encoder.task],
        loss=_loss_curves(model.evidence.model if model.evidence else model),
        results=list(_results(model)), calibrations=list(_calibrations(model)),
        importance=_importance(model), network=_network(model), omitted=max(0, len(encoder.targets) - DRAWN_TARGETS),
        classes=_by_class(model), settings_table=_settings(model), versions=report_page.versions(settings["thalweg"]),
        command=command, call=_call(model),
    )  # fmt: skip


def _key_figures(model: Model) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(heading, rows) for all held-out rows together and, of several targets, for each."""
    figures, encoder = model.figures, model.encoder
    if "network" not in figures:
        return
    who = [figures[name] for name in WHO]
    several = "targets" in figures["network"]
    # Errors in different units have no mean; R² has no unit.
    together = ["r2"] if several and encoder.task == "regression" else _measures(figures["network"])
    decides, best = judged_by(figures["network"], len(encoder.targets), encoder.task), best_of(model)
    rows = [_row(who, key, best if key == decides else None) for key in together]
    yield ("Mean of the targets" if several else "", rows)
    if several:
        for target in encoder.targets:
            single = [one["targets"][target] for one in who]
            yield target, [_row(single, key) for key in _measures(single[0])]


def _measures(figures: dict[str, Any]) -> list[str]:
    return [key for key in scores.MEASURES if key in figures]


def _row(who: Sequence[dict[str, Any]], key: str, best: str | None = None) -> dict[str, Any]:
    measure = scores.MEASURES[key]
    return {
        "name": capital(measure.name),
        "hint": "higher is better" if measure.best is max else "lower is better",
        "cells": [measure.shown(one[key]) for one in who],
        "best": WHO.index(best) if best else None,
    }


def _loss_curves(model: Model) -> Drawing | None:
    history = model.history
    if not len(history):
        return None
    validated = bool(np.isfinite(history.validation_loss).any())
    best = history.best_epoch if validated else None
    measure = f"mean {model.network.loss.name.replace('_', ' ')} per row"
    if model.encoder.task == "regression":
        measure += ", target standardised"
    description = f"Loss by epoch: training loss from {number(history.loss[0])} to {number(history.loss[-1])}"
    if best:
        description += f", lowest value {number(float(history.value[best - 1]))} at epoch {best}"
    note = (
        "Both lines should fall; where the dashed one, on rows that training never used, turns up again, the network "
        "has begun to learn its training rows by heart."
        if validated
        else "The line should fall; there were no rows to tell how it goes on rows that training never used."
    )
    figure = plots.loss_curves(history.epoch, history.loss, history.validation_loss, best, measure=measure)
    return Drawing(figure, description + ".", note)


def _results(model: Model) -> Iterator[Drawing]:
    """Confusion matrices, which figures in a file suffice for, or residuals, which need the evidence."""
    encoder, figures = model.encoder, model.figures
    several = len(encoder.targets) > 1
    if encoder.task == "regression":
        evidence = model.evidence
        if evidence is None:
            return
        actual, predicted = (_columns(a) for a in (evidence.y, evidence.model.encoder.decode(evidence.outputs)))
        for i, target in enumerate(encoder.targets[:DRAWN_TARGETS]):
            note = (
                "Left, points on the dashed line are predicted exactly; right, they should lie around zero without a "
                "pattern, for a pattern is something that the network has missed."
            )
            description = f"Predicted against actual {target}, and residuals, for the held-out rows."
            figure = plots.residuals(actual[:, i], predicted[:, i], target=target)
            yield Drawing(figure, description, note, target if several else "")
        return
    if "network" not in figures:
        return
    note = "Each row is an actual class and each column a predicted one; what is right lies on the diagonal."
    for target, figures_of_one, labels in _each_class_target(model):
        counts = np.array(figures_of_one["confusion"])
        right = f"{counts.trace():,} of {counted(int(counts.sum()), 'held-out ')} predicted right"
        description = f"Confusion matrix of {target}: {right}."
        yield Drawing(plots.confusion_matrix(counts, labels), description, note, target if several else "")


def _each_class_target(model: Model) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """(name, figures, labels) of each target that is drawn."""
    encoder, figures = model.encoder, model.figures["network"]
    if encoder.task == "classification":
        yield encoder.targets[0], figures, list(encoder.classes)
        return
    for target, labels in list(zip(encoder.targets, encoder.classes, strict=True))[:DRAWN_TARGETS]:
        yield target, figures["targets"][target], list(labels)


def _calibrations(model: Model) -> Iterator[Drawing]:
    encoder, evidence = model.encoder, model.evidence
    if evidence is None or encoder.task == "regression":
        return
    note = "On the dashed line, what was said to have a probability of 80 % is so in 80 % of the cases; below it, "
    if encoder.task == "classification" and len(encoder.classes) > 2:
        note += "the network is too sure of itself, above it too cautious."
        yield Drawing(plots.calibration(evidence.outputs, evidence.y), "Calibration of the most probable class.", note)
        return
    binary = encoder.task == "classification"
    classes = [encoder.classes] if binary else encoder.classes
    actual, given = (evidence.y[:, None], evidence.outputs[:, 1:]) if binary else (evidence.y, evidence.outputs)
    for i, target in enumerate(encoder.targets[:DRAWN_TARGETS]):
        label = f"“{classes[i][1]}”"
        description = f"Calibration: probability given to {label} of {target}, against how often it was so."
        figure = plots.calibration(given[:, i], actual[:, i])
        rest = f"{label}, whose probability this is, is rarer than the network says, above it more frequent."
        yield Drawing(figure, description, note + rest, "" if binary else target)


def _importance(model: Model) -> Drawing | None:
    """How much worse the held-out figure gets when a column is shuffled, on a bounded number of rows."""
    evidence = model.evidence
    if evidence is None:
        return None
    measured, encoder = evidence.model, evidence.model.encoder
    of = np.array(encoder.feature_columns, dtype=object)
    columns = list(dict.fromkeys(encoder.feature_columns))
    groups = [np.flatnonzero(of == column) for column in columns]
    many = len(columns) > MANY_COLUMNS
    rows, repeats = (MANY_COLUMNS_ROWS, MANY_COLUMNS_REPEATS) if many else (IMPORTANCE_ROWS, IMPORTANCE_REPEATS)
    seed = model.settings["seed"]
    # `epoch` sets this draw apart from the shuffles of the groups, which are numbered below it.
    drawn = np.sort(randomness.permutation(seed, "importance", len(evidence.X), epoch=len(groups))[:rows])
    X, y = evidence.X[drawn], evidence.y[drawn]
    key = judged_by(score(encoder, y, evidence.outputs[drawn]), len(encoder.targets), encoder.task)
    name, falls = scores.MEASURES[key].name, scores.MEASURES[key].best is max
    engine = engines.get(model.settings["engine"])
    means, deviations = scores.permutation_importance(
        lambda X: engine.predict(measured.network, measured.parameters, X.astype(measured.parameters.dtype)),
        X, y, groups, lambda y, outputs: score(encoder, y, outputs)[key] * (-1 if falls else 1), repeats, seed,
    )  # fmt: skip
    measure = f"{'fall' if falls else 'rise'} of the held-out {name} when the column is shuffled"
    top = [f"{columns[i]} ({number(float(means[i]), 3)})" for i in np.argsort(-means, kind="stable")[:3]]
    times = "once" if repeats == 1 else f"{repeats} times, the line showing the standard deviation"
    note = (
        f"The longer the bar, the more the network relies on the column; columns that say the same share their "
        f"importance. Measured on {counted(len(drawn), 'held-out ')}, each column shuffled {times}."
    )
    figure = plots.importance(columns, means, deviations, measure=measure)
    return Drawing(figure, f"Permutation importance; the largest: {', '.join(top)}.", note)


def _network(model: Model) -> Drawing:
    network, encoder = model.network, model.encoder
    labels = list(encoder.classes) if encoder.task == "classification" else encoder.targets
    figure = plots.network(
        network.sizes, [g.name for g in network.activation], network.output.name, encoder.feature_names, labels,
        [W for W, _ in network.views(model.parameters)],
    )  # fmt: skip
    note = (
        "A circle is a feature, a unit or an output; the wider a line, the larger the weight, solid if positive, "
        "dashed if negative; dots stand for what is left out of the drawing."
    )
    return Drawing(figure, f"Network of {network.n_parameters:,} parameters: {network}.", note)


def _by_class(model: Model) -> list[tuple[Any, int, float | None, float | None]]:
    """(label, held-out rows, recall, precision) of each class."""
    figures = model.figures.get("network", {})
    if model.encoder.task != "classification" or not figures:
        return []
    rows = np.array(figures["confusion"]).sum(axis=1).tolist()
    return list(zip(model.encoder.classes, rows, figures["recall"], figures["precision"], strict=True))


def _settings(model: Model) -> list[tuple[str, str]]:
    settings, network = model.settings, model.network
    stop, share = settings["recipe"], settings["validation"]
    return [
        ("Task", model.encoder.task + (" (found by itself)" if settings["task"] == "auto" else " (as asked)")),
        ("Network", f"{network}, {network.n_parameters:,} parameters"),
        ("Dropout", ", ".join(f"{rate:g}" for rate in network.dropout) or "none"),
        ("Optimizer", repr(optimizers.find_optimizer(settings["optimizer"]))),
        ("Batch", f"{settings['batch']} rows"),
        ("At most", f"{stop['epochs']} epochs" + (f", {stop['seconds']:g} seconds" if stop["seconds"] else "")),
        ("Patience", "none" if stop["patience"] is None else f"{stop['patience']} epochs without a better value"),
        ("Held out", f"the table {settings['test']}" if settings["test"] else f"{settings['holdout']:.4g} of the rows"),
        ("Validation", "rows of its own" if share is None else f"{share:.4g} of the other rows"),
        ("Left out", ", ".join(settings["drop"]) or "no column"),
        ("Seed", str(settings["seed"])),
        ("Engine", settings["engine"]),
    ]


def _call(model: Model) -> str:
    """The call of `fit` that makes the same model again, without what is its default anyway."""
    settings, targets = model.settings, model.encoder.targets
    options = inspect.signature(fit).parameters.values()
    usual = {option.name: option.default for option in options if option.kind is option.KEYWORD_ONLY} | asdict(Recipe())
    given = {name: value for name, value in settings.items() if name in usual and name != "test" and value is not None}
    given = {name: tuple(v) if isinstance(v, list) else v for name, v in (given | settings["recipe"]).items()}
    words = [f"target={(targets[0] if len(targets) == 1 else list(targets))!r}"]
    words += [f"{name}={value!r}" for name, value in given.items() if value != usual[name]]
    words += ["test=test"] * bool(settings["test"])
    own = "  # but validated with rows of its own" if settings["validation"] is None else ""
    return f"thalweg.fit(data, {', '.join(words)}){own}"


def _columns(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)
