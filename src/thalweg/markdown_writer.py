"""A document as Markdown: CommonMark with tables, and formulas between dollars, as notebooks have them."""

from __future__ import annotations

import re

from thalweg.alignment import aligned_latex
from thalweg.document import DEEPEST, Code, Display, Document, Flat, Heading, Items, Paragraph, Picture, Table, unfolded
from thalweg.notation import LATEX
from thalweg.pieces import Blank, Link, Piece, Pieces, chain, each, words


ROOM = 64  # characters of a row of a display
SPECIAL = re.compile(r"[\\`*_\[\]<>&$|~#]")
# at the beginning of a paragraph these would begin a list or underline a heading
BEGINNING = re.compile(r"^(?:([+=-])|(\d{1,9})([.)]))")


def markdown(document: Document) -> str:
    """The document as Markdown.

    >>> from thalweg.pieces import Chain
    >>> from thalweg.expressions import Symbol
    >>> a, x = Symbol("a", (2,), layer=1), Symbol("x", (1,))
    >>> print(markdown(Document("Forward pass", (Paragraph(("Let ", x, " be *small*.")),))), end="")
    # Forward pass
    <BLANKLINE>
    Let $x_{1}$ be \\*small\\*.
    """
    blocks = [block(one) for one in unfolded(document.blocks)]
    return "\n\n".join([title(document), *filter(None, blocks)]) + "\n"


def title(document: Document) -> str:
    """The title as the highest heading."""
    return f"# {_line(document.title)}"


def picture(image: Picture, address: str) -> str:
    """A picture by its address; its description is what is said where it cannot be seen."""
    return f"![{_line(image.drawing.description)}]({address})"


def block(block: Flat) -> str:
    """A block that is not folded as Markdown, without a line break at its end."""
    match block:
        case Heading():
            return f"{'#' * min(block.level + 1, DEEPEST)} {_line(block.text)}"
        case Paragraph():
            return _paragraph(block.pieces)
        case Items():
            return "\n".join(f"- {_paragraph(item)}" for item in block.items)
        case Display():
            return "\n\n".join(filter(None, [_paragraph(block.note), _display(block)]))
        case Table():
            return _table(block)
        case Code():
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
            return f"{fence}{block.language}\n{block.shown}\n{fence}"
        case _:
            return ""  # its numbers are in the text


def _piece(piece: Piece) -> str:
    match piece:
        case str():
            return SPECIAL.sub(r"\\\g<0>", words(piece))
        case Blank():
            return r"\_" * piece.width
        case Link():
            return _piece(piece.piece)
        case _:
            return f"${_math(chain(piece).written(LATEX))}$"


def _math(latex: str) -> str:
    return latex.replace("|", r"\vert ")  # in a table it would end the cell


def _line(pieces: Pieces) -> str:
    line = ""
    for part in map(_piece, each(pieces)):
        line += " " + part if line.endswith("$") and part.startswith("$") else part  # $$ would begin a display
    return line.strip()


def _paragraph(pieces: Pieces) -> str:
    return BEGINNING.sub(lambda mark: rf"\{mark[1]}" if mark[1] else rf"{mark[2]}\{mark[3]}", _line(pieces))


def _display(display: Display) -> str:
    tag = rf" \tag{{{words(display.number)}}}" if display.number else ""
    return f"$$\n{_math(aligned_latex(display.chain, ROOM))}{tag}\n$$"


def _table(table: Table) -> str:
    lines = [f"| {' | '.join(map(_line, row))} |" for row in (table.headings, *table.rows)]
    rule = f"| {' | '.join('---:' if right else ':---' for right in table.of_numbers)} |"
    return "\n".join([*([_paragraph(table.caption), ""] if table.caption else []), lines[0], rule, *lines[1:]])
