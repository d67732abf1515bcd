"""The contenders of a comparison beside each other, the best on top: cells for a terminal, plain text, HTML."""

from __future__ import annotations

import textwrap
from html import escape

from thalweg.intervals import CONFIDENCE, Difference
from thalweg.judgement import ranked
from thalweg.scores import MEASURES
from thalweg.standings import Compared


WIDTH = 100  # columns of a terminal that hold everything


def headings(comparison: Compared) -> list[str]:
    """Above the columns of `rows`."""
    return [
        "",
        *(MEASURES[measure].name for measure in comparison.measures),
        f"network − it, {CONFIDENCE:.0%} interval",
    ]


def rows(comparison: Compared) -> list[list[str]]:
    """A row for each contender: its name, its mean of each measure (* is the best), the difference to the network."""
    best = {measure: _best(comparison, measure) for measure in comparison.measures}
    return [
        [
            one.name,
            *(_marked(one.figure(measure), measure, best[measure]) for measure in comparison.measures),
            _difference(comparison.difference(one.name), comparison.measure),
        ]
        for one in ranked(comparison)
    ]


def note(comparison: Compared) -> str:
    """What the marks and the last column mean."""
    measured = MEASURES[comparison.measure]
    turned = ", turned" if measured.best is max else ""
    return (
        f"* is the best. Means over folds ({comparison.folds}). The last column is of the {measured.name}{turned}: "
        f"below 0 the network is better."
    )


def text(comparison: Compared) -> str:
    """The table in columns of plain text."""
    lines = [headings(comparison), *rows(comparison)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines
    )


def paragraph(words: str, bullet: str = "") -> str:
    """Words in lines that fit into the width of the table.

    >>> print(paragraph("word " * 30, "- "))
    - word word word word word word word word word word word word word word word word word word word
      word word word word word word word word word word word
    """
    return textwrap.fill(words, WIDTH, initial_indent=bullet, subsequent_indent=" " * len(bullet))


def html(comparison: Compared) -> str:
    """The table as an element of HTML; every text in it is escaped."""
    above = "".join(f"<th>{escape(cell)}</th>" for cell in headings(comparison))
    below = "".join(
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in others)}</tr>"
        for first, *others in rows(comparison)
    )
    return f"<table><thead><tr>{above}</tr></thead><tbody>{below}</tbody></table>"


def _best(comparison: Compared, measure: str) -> float | None:
    known = [figure for one in comparison.results.values() if (figure := one.figure(measure)) is not None]
    return MEASURES[measure].best(known) if known else None


def _marked(figure: float | None, measure: str, best: float | None) -> str:
    return f"{'*' if figure is not None and figure == best else ''}{MEASURES[measure].shown(figure)}"


def _difference(found: Difference | None, measure: str) -> str:
    """A difference with its sign and its interval."""
    if found is None:
        return "–"
    mean, low, high = (
        MEASURES[measure].shown(value).replace("-", "−") for value in (found.mean, found.low, found.high)
    )
    return f"{mean} ({low} to {high})"
