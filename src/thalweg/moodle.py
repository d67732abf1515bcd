r"""Exercises as a quiz for Moodle, in its XML: a cloze question each, with a field for every value asked.

A field takes every number that lies within the rounding on the way; the worked solution is the feedback. Formulas
stand as LaTeX between \( and \), which Moodle's MathJax filter shows, and drawings as images within the text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from html import escape

from thalweg import network_drawing
from thalweg.alignment import aligned_latex
from thalweg.document import (
    Code,
    Display,
    Document,
    Flat,
    Heading,
    Items,
    Paragraph,
    Picture,
    Table,
    unfolded,
)
from thalweg.exercise_pages import Posed, choices_of, problem, solution, tolerance
from thalweg.notation import LATEX
from thalweg.notebook_writer import PAPER
from thalweg.pieces import Blank, Link, Piece, Pieces, chain, each, words
from thalweg.trace_steps import Step
from thalweg.worked_lines import Line


ROOM = 64  # characters of a row of a display
HIGHEST = 3  # heading: above it are those of Moodle's page
DIGITS = 20  # decimals of a fraction that has no end
SPECIAL = re.compile(r'[}#~/"\\]')  # within a field
POINT = "Write numbers with a decimal point, and fractions as decimals."


def moodle(exercises: Sequence[Posed], category: str = "Thalweg") -> str:
    """The quiz as the text of an XML file, which a question bank imports as "Moodle XML".

    Args:
        exercises: of either kind, in this order.
        category: of the question bank; it is made if it does not exist.

    >>> from thalweg.descent_exercises import descent_exercise
    >>> quiz = moodle([descent_exercise("descent-1d", seed=7)])
    >>> quiz[quiz.index("{1:") :].partition("</td>")[0]
    '{1:NUMERICAL:=-5.125:0.0005}'
    """
    parts = ['<?xml version="1.0" encoding="UTF-8"?>', "<quiz>", _category(category), *map(_question, exercises)]
    return "\n".join([*parts, "</quiz>"]) + "\n"


def _category(name: str) -> str:
    # a slash parts a category from one inside it, unless it is doubled
    path = f"$course$/top/{words(name).replace('/', '//')}"
    return f'<question type="category"><category><text>{escape(path)}</text></category></question>'


def _question(exercise: Posed) -> str:
    fields = iter([_field(exercise, step) for step in exercise.steps])
    asked = _fragment(problem(exercise), fields) + f"\n<p>{POINT}</p>"
    solved = _fragment(solution(exercise), iter(()))
    return "\n".join(
        [
            '<question type="cloze">',
            f"<name><text>{escape(f'{exercise.title} ({exercise.label})')}</text></name>",
            f'<questiontext format="html"><text>{_data(asked)}</text></questiontext>',
            f'<generalfeedback format="html"><text>{_data(solved)}</text></generalfeedback>',
            "<penalty>0.3333333</penalty>",
            "<hidden>0</hidden>",
            "</question>",
        ]
    )


def _data(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _field(exercise: Posed, step: Step | Line) -> str:
    """A cloze: one point for a number within its tolerance, or for the right choice."""
    choices = choices_of(step)
    if choices:
        right = int(step.result) - 1
        listed = "~".join("=" * (place == right) + _escaped(choice) for place, choice in enumerate(choices))
        return f"{{1:MULTICHOICE:{listed}}}"
    value = _decimal(Fraction(step.result))
    off = tolerance(exercise, step) + abs(Fraction(value) - Fraction(step.result))
    return f"{{1:NUMERICAL:={value}:{_decimal(off)}}}"


def _escaped(text: str) -> str:
    """Words within a field: as HTML, and what would end or part them behind a backslash."""
    return SPECIAL.sub(r"\\\g<0>", escape(words(text), quote=False))


def _decimal(value: Fraction) -> str:
    """A number in decimals, without an exponent."""
    text = f"{abs(value.numerator) * 10**DIGITS // value.denominator:0{DIGITS + 1}d}"
    text = f"{text[:-DIGITS]}.{text[-DIGITS:]}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 and text != "0" else text


def _fragment(document: Document, fields: Iterator[str]) -> str:
    """A document without its title as HTML for within a page, with the next of the fields for each blank."""
    return "\n".join(_block(block, fields) for block in unfolded(document.blocks))


def _block(block: Flat, fields: Iterator[str]) -> str:
    match block:
        case Heading():
            level = min(block.level + HIGHEST - 1, 6)
            return f"<h{level}>{escape(words(block.text))}</h{level}>"
        case Paragraph():
            return f"<p>{_line(block.pieces, fields)}</p>"
        case Items():
            items = "".join(f"<li>{_line(item, fields)}</li>" for item in block.items)
            return f"<ul>{items}</ul>"
        case Display():
            note = f"<p>{_line(block.note, fields)}</p>\n" if block.note else ""
            return rf"{note}<p>\[{escape(aligned_latex(block.chain, ROOM), quote=False)}\]</p>"
        case Table():
            return _table(block, fields)
        case Code():
            return f"<pre>{escape(block.shown)}</pre>"
        case Picture():
            return _picture(block)


def _line(pieces: Pieces, fields: Iterator[str]) -> str:
    return "".join(_piece(piece, fields) for piece in each(pieces))


def _piece(piece: Piece, fields: Iterator[str]) -> str:
    match piece:
        case str():
            return escape(words(piece))
        case Blank():
            return next(fields)
        case Link():
            return _piece(piece.piece, fields)
        case _:
            return rf"\({escape(chain(piece).written(LATEX), quote=False)}\)"


def _table(table: Table, fields: Iterator[str]) -> str:
    caption = f"<caption>{escape(words(table.caption))}</caption>" if table.caption else ""
    head = "".join(f'<th scope="col">{_line(cell, fields)}</th>' for cell in table.headings)
    rows = "\n".join(f"<tr>{''.join(f'<td>{_line(cell, fields)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f'<table class="generaltable">{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'


def _picture(picture: Picture) -> str:
    # an image knows nothing of a dark page
    drawn = network_drawing.svg(picture.drawing, alone=True).removesuffix("</svg>") + PAPER + "</svg>"
    image = base64.b64encode(drawn.encode()).decode()
    look = "width: 100%; max-width: 480px"
    alt = escape(picture.drawing.description)
    return f'<p><img alt="{alt}" style="{look}" src="data:image/svg+xml;base64,{image}"></p>'
