"""What the command line shows of a comparison: the verdict, the contenders, what speaks for either side."""

from __future__ import annotations

import math
from typing import Any

from thalweg import comparison_table, console, tree_rules
from thalweg.comparison import Comparison
from thalweg.judgement import ranked, seconds, size
from thalweg.raw_features import RawFeatures


READ_AT_A_GLANCE = 16  # leaves
UNUSED_SHOWN = 8  # columns; the report has them all


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
    used = f"{comparison.columns} of its columns used" if comparison.columns != 1 else "1 of its columns used"
    title = f"{comparison.data}: {comparison.target} ({comparison.task}), {comparison.rows:,} rows, {used}"
    table = console.sheet(*comparison_table.headings(comparison), title=console.on_one_line(title), numbers=True)
    for row in comparison_table.rows(comparison):
        table.add_row(*row)
    console.show(table, comparison_table.WIDTH)
    _paragraph(comparison_table.note(comparison))
    if unused := comparison.settings["unused"]:
        shown = [f"{column} ({why})" for column, why in unused.items()]
        more = [f"and {len(shown) - UNUSED_SHOWN:,} more"] * (len(shown) > UNUSED_SHOWN)
        _paragraph(f"Not used: {'; '.join([*shown[:UNUSED_SHOWN], *more])}.")


def _costs(comparison: Comparison) -> None:
    headings = ("", "to train", "one row", "a million rows", "its file", "size", "scaling")
    table = console.sheet(*headings, numbers=True)
    for one in ranked(comparison):
        table.add_row(
            one.name, seconds(one.fit_seconds), seconds(one.row_seconds), seconds(one.million_seconds), size(one.size),
            f"{one.extent}", "needed" if one.scaling else "not needed",
        )  # fmt: skip
    console.show(table, comparison_table.WIDTH)


def _evidence(comparison: Comparison) -> None:
    """What the data are like, what the lecture would ask, what experiments showed, and which side each points to."""
    if comparison.tendencies:
        table = console.sheet("property of the data", "here", "points to", "how strongly")
        for one in comparison.tendencies:
            table.add_row(one.name, one.shown, one.towards, one.strength)
        console.show(table, comparison_table.WIDTH)
    if comparison.criteria:
        table = console.sheet("criterion of the lecture", "here", "points to")
        for one in comparison.criteria:
            table.add_row(one.name, one.here, one.towards)
        console.show(table, comparison_table.WIDTH)
    if comparison.trials:
        table = console.sheet("experiment", "question", "points to", "how strongly")
        for one in comparison.trials:
            table.add_row(one.name, one.question, one.towards, one.strength)
        console.show(table, comparison_table.WIDTH)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _paragraph(text: str, bullet: str = "") -> None:
    print(comparison_table.paragraph(console.on_one_line(text), bullet))
