"""One self-contained HTML file about a comparison: the verdict, what it rests on, and both to look at.

The template comparison.html holds the text. What a comparison has not got (no network, no tree, no evidence, numbers
instead of classes) its section says in a sentence. The tree, the row and the boundary are of folds of the first draw.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from thalweg import boundary_plots, comparison_plots, judgement, report_page
from thalweg.boundaries import boundary
from thalweg.explained_row import explained_row, tree_of
from thalweg.explaining import word
from thalweg.judgement import called, ranked, seconds, size
from thalweg.learning import Recipe
from thalweg.raw_features import RawFeatures
from thalweg.report_page import Drawing, capital
from thalweg.scores import MEASURES
from thalweg.standings import CLEAR, CONFIDENCE, LEVEL, Compared, Result
from thalweg.tree_drawing import drawing
from thalweg.tree_rules import rules


CERTAINTY = {  # what the word of an outcome says
    "clear": f"clear: the interval excludes 0 at a confidence of {CLEAR:.0%}",
    "likely": f"likely: the interval excludes 0 at a confidence of {CONFIDENCE:.0%}, but not at {CLEAR:.0%}",
    "level": "level: the whole interval lies within the differences that are no matter",
    "open": "open: the interval, or the wider one for the best of several kinds of trees, holds 0 and more than what "
    "is no matter, so these rows cannot tell",
}
STANDING = {"better": "the network is better", "worse": "the network is worse", "level": "level", "unknown": "open"}


def write(
    comparison: Compared, path: str | os.PathLike[str], *, command: str | None = None, row: int | None = None
) -> None:
    """Write the report about a comparison to one HTML file, whole or not at all.

    Args:
        comparison: as `compare` returns it.
        path: of the file; an older one is replaced.
        command: the command line that made it, quoted for a shell; the call in Python is shown in any case.
        row: number of the row to explain, from 1; None is the one on which network and pruned tree disagree most.

    Raises:
        FileError: the path cannot be written: no such folder, no permission, not an ordinary file.
        InputError: the row is no whole number from 1.
        TableError: the table has no such row with a target, or no fold tested it.
        OSError: the disk is full or fails; the old file is intact.
    """
    report_page.write(html(comparison, command=command, row=row), path)


def html(comparison: Compared, *, command: str | None = None, row: int | None = None) -> str:
    """The report as the text of an HTML page; arguments as `write`."""
    outcome = comparison.outcome
    return report_page.render(
        "comparison.html", comparison=comparison, outcome=outcome, verdict=judgement.verdict(comparison),
        reasons=judgement.reasons(comparison), certainty=CERTAINTY.get(outcome.certainty) if outcome else None,
        columns=[(capital(MEASURES[key].name), _hint(key), MEASURES[key].meaning) for key in comparison.measures],
        contenders=[_contender(comparison, one) for one in ranked(comparison)], measured=MEASURES[comparison.measure],
        margin=MEASURES[comparison.measure].shown(outcome.margin) if outcome else None, level=f"{100 * LEVEL:g} %",
        figures=list(_figures(comparison)), curve=_curve(comparison), tree=_tree(comparison),
        explained=explained_row(comparison, row), boundary=_boundary(comparison), calibration=_calibration(comparison),
        difference=_difference_in_words(comparison.measure), confidence=f"{100 * CONFIDENCE:g} %",
        command=command, call=_call(comparison), seconds=seconds,
        versions=report_page.versions(comparison.settings["thalweg"]),
    )  # fmt: skip


def _contender(comparison: Compared, one: Result) -> dict[str, Any]:
    found, outcome = comparison.difference(one.name), comparison.outcome
    shown = MEASURES[comparison.measure].shown
    return {
        "name": capital(called(one.name)),
        "what": one.what,
        "figures": [MEASURES[key].shown(one.figure(key)) for key in comparison.measures],
        "difference": f"{shown(found.mean)} ({shown(found.low)} to {shown(found.high)})" if found else "–",
        "standing": STANDING[found.standing(outcome.margin if outcome else 0.0)] if found else "–",
        "fit": seconds(one.fit_seconds),
        "row": seconds(one.row_seconds),
        "million": seconds(one.million_seconds),
        "size": size(one.size),
        "count": f"{one.extent}",
        "scaling": "yes" if one.scaling else "no",
    }


def _figures(comparison: Compared) -> Iterator[Drawing]:
    """The differences with their intervals, and the figures of each fold."""
    key, outcome = comparison.measure, comparison.outcome
    name = MEASURES[key].name
    order = ranked(comparison)
    # What always answers the same is so far off that beside it all other differences would be one.
    others = [one.name for one in order if one.family != "baseline"]
    found = {one: difference for one in others if (difference := comparison.difference(one)) is not None}
    if found:
        what = _difference_in_words(key)
        means, lows, highs = np.array([(one.mean, one.low, one.high) for one in found.values()]).T
        figure = comparison_plots.forest(
            [called(one) for one in found], means, lows, highs, margin=outcome.margin if outcome else 0.0, measure=what
        )
        note = (
            f"Left of 0 the network is better. A line is the {CONFIDENCE:.0%} interval; one that crosses 0 tells "
            f"nothing, one that lies within the grey band says that the difference is no matter."
        )
        yield Drawing(figure, f"Differences of the network to {len(found)} others, by {name}.", note)
    values = [np.array([np.nan if v is None else v for v in one.by_fold[key]], dtype=float) for one in order]
    figure = comparison_plots.by_fold([called(one.name) for one in order], values, measure=name)
    note = "All contenders had the same folds; how far the dots of one spread says how much depends on the rows."
    yield Drawing(figure, f"The {name} of {len(order)} contenders on each fold.", note)


def _curve(comparison: Compared) -> Drawing | None:
    """The learning curve, where a trial has made one."""
    points = next((one.figures.get("points") for one in comparison.trials if one.name == "learning curve"), None)
    if not points:
        return None
    rows = np.array([one["rows"] for one in points])
    losses = {called(key): np.array([one[key] for one in points]) for key in points[0] if key != "rows"}
    measure = "log-loss" if comparison.classes else "squared error / variance"
    figure = comparison_plots.learning_curves(rows, losses, measure=measure)
    text = f"Loss on the same test rows after learning from {rows[0]:,} to {rows[-1]:,} rows."
    return Drawing(figure, text, "A line that still falls at its end says that more rows would help that contender.")


def _tree(comparison: Compared) -> dict[str, Any] | None:
    """The pruned tree of the first fold: its rules and its drawing."""
    run = comparison.runs[0] if comparison.runs else None
    tree = tree_of(run) if run else None
    if run is None or tree is None:
        return None
    features = RawFeatures(run.encoder).plain_features
    about = f"The pruned tree of the first fold: {tree.leaves:,} leaves, {tree.depth:,} questions deep at most."
    note = "“Yes” goes up, “no” goes down; the wider a line, the more training rows take it."
    return {
        "leaves": tree.leaves, "depth": tree.depth, "rows": len(run.train),
        "rules": rules(tree, features, comparison.classes),
        "drawing": Drawing(drawing(tree, features, comparison.classes), about, note),
    }  # fmt: skip


def _boundary(comparison: Compared) -> Drawing | None:
    found = boundary(comparison)
    if found is None:
        return None
    who = " and ".join(called(name) for name in found.answers)
    areas = (
        "The area is the predicted number."
        if not found.classes
        else "The area is the probability; the line is where it is one half."
        if len(found.classes) == 2
        else "The area is the most probable class."
    )
    note = (
        f"Here {who} learnt again, from {found.x.column} and {found.y.column} alone ({found.rows:,} rows): shuffled, "
        f"these two cost the network and the best of the trees most. {areas} The points are test rows. A tree cuts at "
        f"right angles to the axes, a network bends."
    )
    return Drawing(
        boundary_plots.boundary(found),
        f"What {who} answer in the plane of {found.x.column} and {found.y.column}.", note,
    )  # fmt: skip


def _calibration(comparison: Compared) -> Drawing | None:
    """The network and the best of the trees, on the test rows of the first draw."""
    if not comparison.classes or not comparison.runs:
        return None
    trees = next((one.name for one in ranked(comparison) if one.family == "trees"), None)
    who = [name for name in ("network", trees) if name in comparison.results]
    if not who:
        return None
    y = np.concatenate([run.tested.y for run in comparison.runs])
    answers = {}
    for name in who:
        outputs = np.concatenate([run.answers[name].outputs for run in comparison.runs])
        answers[called(str(name))] = (outputs[:, 1] if len(comparison.classes) == 2 else outputs), y
    *_, last = comparison.classes
    what = "the most probable class" if len(comparison.classes) > 2 else f"“{word(last)}”"
    note = (
        "On the dashed line, what was said to have a probability of 80 % is so in 80 % of the cases. Bars are 95 % "
        "intervals; below, how many rows were given each probability."
    )
    text = f"Calibration: probability given to {what} by {' and '.join(answers)}, against how often it was so."
    return Drawing(comparison_plots.calibrations(answers), text, note)


def _call(comparison: Compared) -> str:
    """The call of `compare` that makes the same comparison again, without what is its default anyway."""
    settings, usual = comparison.settings, asdict(Recipe())
    words = [f"target={comparison.target!r}"]
    words += [f"{name}={value!r}" for name, value in settings["asked"].items()]
    recipe = {name: tuple(v) if isinstance(v, list) else v for name, v in settings["recipe"].items()}
    words += [f"{name}={value!r}" for name, value in recipe.items() if value != usual[name]]
    return f"thalweg.compare(data, {', '.join(words)})"


def _difference_in_words(key: str) -> str:
    """What a difference by this measure is, below 0 where the network is better."""
    first, second = ("the other", "the network") if MEASURES[key].best is max else ("the network", "the other")
    return f"{MEASURES[key].name} of {first} − that of {second}"


def _hint(key: str) -> str:
    return "higher is better" if MEASURES[key].best is max else "lower is better"
