"""What the command line shows of a comparison: the verdict, the contenders, what speaks for either side."""

from __future__ import annotations

import math
import textwrap
from typing import Any

from thalweg import console, tree_rules
from thalweg.comparison import Comparison
from thalweg.intervals import CONFIDENCE, Difference
from thalweg.judgement import ranked, seconds, size
from thalweg.raw_features import RawFeatures
from thalweg.scores import MEASURES


WIDTH = 100  # columns of a terminal that hold everything
READ_AT_A_GLANCE = 16  # leaves


def compared(comparison: Comparison) -> None:
    """The verdict, the contenders with the best of each measure marked, evidence, reasons, and what was cut."""
    _paragraph(comparison.verdict)
    print()
    _figures(comparison)
    _costs(comparison)
    _evidence(comparison)
    _rules(comparison)
    for reason in comparison.reasons:
        _paragraph(reason, "- ")
    for cut in comparison.cut:
        _paragraph(f"Cut: {cut}.", "- ")
    print()


def _rules(comparison: Comparison) -> None:
    """The pruned tree of the first fold in words, if it is small enough to be read at a glance."""
    answer = comparison.runs[0].answers.get("tree") if comparison.runs else None
    if answer is None or not 1 < answer.fitted.count <= READ_AT_A_GLANCE:
        return
    print(f"The pruned tree of the first fold, {answer.fitted.count} leaves:\n")
    features = RawFeatures(comparison.runs[0].encoder).plain_features
    lines = tree_rules.rules(answer.fitted.model, features, comparison.classes).splitlines()
    print("".join(f"  {console.on_one_line(line)}\n" for line in lines))


def as_json(comparison: Comparison, report: str | None) -> None:
    """Print all of it as JSON, which has no word for what is not finite: null stands there."""
    console.as_json(_finite({**comparison.to_dict(), "report": report}))


def _figures(comparison: Comparison) -> None:
    measures = comparison.measures
    best = {measure: _best(comparison, measure) for measure in measures}
    used = f"{comparison.columns} of its columns used" if comparison.columns != 1 else "1 of its columns used"
    headings = ["", *(MEASURES[measure].name for measure in measures), f"network − it, {CONFIDENCE:.0%} interval"]
    title = f"{comparison.data}: {comparison.target} ({comparison.task}), {comparison.rows:,} rows, {used}"
    table = console.sheet(*headings, title=title, numbers=True)
    for one in ranked(comparison):
        cells = [
            f"{'*' if one.figure(measure) == best[measure] else ''}{MEASURES[measure].shown(one.figure(measure))}"
            for measure in measures
        ]
        table.add_row(one.name, *cells, _difference(comparison.difference(one.name), comparison.measure))
    console.show(table, WIDTH)
    turned = ", turned" if MEASURES[comparison.measure].best is max else ""
    _paragraph(
        f"* is the best. Means over folds ({comparison.folds}). The last column is of the "
        f"{MEASURES[comparison.measure].name}{turned}: below 0 the network is better."
    )


def _costs(comparison: Comparison) -> None:
    headings = ("", "to train", "one row", "a million rows", "its file", "size", "scaling")
    table = console.sheet(*headings, numbers=True)
    for one in ranked(comparison):
        table.add_row(
            one.name, seconds(one.fit_seconds), seconds(one.row_seconds), seconds(one.million_seconds), size(one.size),
            f"{one.extent}", "needed" if one.scaling else "not needed",
        )  # fmt: skip
    console.show(table, WIDTH)


def _evidence(comparison: Comparison) -> None:
    """What the data are like, what the lecture would ask, what experiments showed, and which side each points to."""
    if comparison.tendencies:
        table = console.sheet("property of the data", "here", "points to", "how strongly")
        for one in comparison.tendencies:
            table.add_row(one.name, one.shown, one.towards, one.strength)
        console.show(table, WIDTH)
    if comparison.criteria:
        table = console.sheet("criterion of the lecture", "here", "points to")
        for one in comparison.criteria:
            table.add_row(one.name, one.here, one.towards)
        console.show(table, WIDTH)
    if comparison.trials:
        table = console.sheet("experiment", "question", "points to", "how strongly")
        for one in comparison.trials:
            table.add_row(one.name, one.question, one.towards, one.strength)
        console.show(table, WIDTH)


def _best(comparison: Comparison, measure: str) -> float | None:
    known = [figure for one in comparison.results.values() if (figure := one.figure(measure)) is not None]
    return MEASURES[measure].best(known) if known else None


def _difference(found: Difference | None, measure: str) -> str:
    """A difference with its sign and its interval."""
    if found is None:
        return "–"
    mean, low, high = (
        MEASURES[measure].shown(value).replace("-", "−") for value in (found.mean, found.low, found.high)
    )
    return f"{mean} ({low} to {high})"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _paragraph(text: str, bullet: str = "") -> None:
    print(textwrap.fill(console.on_one_line(text), WIDTH, initial_indent=bullet, subsequent_indent=" " * len(bullet)))
