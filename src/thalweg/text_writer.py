"""A document as plain text for a terminal: formulas in Unicode, lines of a given width."""

from __future__ import annotations

import textwrap

from thalweg.alignment import BREAKS_UNICODE, rows
from thalweg.document import Code, Display, Document, Flat, Heading, Items, Paragraph, Table, unfolded
from thalweg.pieces import Piece, Pieces, each, plain, words


UNDERLINES = "=-~."  # of the title and the highest headings
INDENT = 4  # of displays and code
MORE = "  "  # how far a row stands in that goes on
GLUE = "\N{NO-BREAK SPACE}"  # holds a formula together while a paragraph is wrapped


def text(document: Document, width: int = 100) -> str:
    """The document as text, no line longer than `width` unless a formula, a name or a line of code is.

    >>> from thalweg.pieces import Chain
    >>> from thalweg.expressions import Symbol
    >>> a, x = Symbol("a", (2,), layer=1), Symbol("x", (1,))
    >>> print(text(Document("Forward pass", (Display(Chain((a, 0.5 * x, -0.05)), number="2"),)), width=36), end="")
    Forward pass
    ============
    <BLANKLINE>
        a₂⁽¹⁾ = 0.5·x₁
              = −0.05                (2)
    """
    blocks = [_block(block, width) for block in unfolded(document.blocks)]
    return "\n\n".join([_underlined(document.title, 0), *filter(None, blocks)]) + "\n"


def _block(block: Flat, width: int) -> str:
    match block:
        case Heading():
            return _underlined(block.text, block.level)
        case Paragraph():
            return _wrapped(block.pieces, width)
        case Items():
            return "\n".join(_wrapped(item, width, "• ", "  ") for item in block.items)
        case Display():
            return _display(block, width)
        case Table():
            return _table(block, width)
        case Code():
            return textwrap.indent(block.shown, " " * INDENT)
        case _:  # a picture: whoever reads on in a terminal has its numbers in the text, and would read them twice
            return ""


def _wrapped(pieces: Pieces, width: int, begins: str = "", goes_on: str = "") -> str:
    lines = textwrap.fill(
        "".join(_glued(piece, width // 2) for piece in each(pieces)).strip(), width, initial_indent=begins,
        subsequent_indent=goes_on, break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return lines.replace(GLUE, " ")


def _glued(piece: Piece, most: int) -> str:
    text = words(piece) if isinstance(piece, str) else plain(piece)
    whole = not isinstance(piece, str) and len(text) <= most  # a longer one would leave lines half empty
    return text.replace(" ", GLUE) if whole else text


def _underlined(heading: str, level: int) -> str:
    line = words(heading).strip()
    return line if level >= len(UNDERLINES) else f"{line}\n{UNDERLINES[level] * len(line)}"


def _display(display: Display, width: int) -> str:
    tag = f"({words(display.number)})" if display.number else ""
    lines = _aligned(display, width - INDENT - (len(tag) and len(tag) + 2))
    if tag and len(lines[-1]) + len(tag) + 2 > width:
        lines.append("")
    lines[-1] = (lines[-1].ljust(width - len(tag)) + tag).rstrip()
    note = _wrapped(display.note, width)
    return "\n".join([*([note, ""] if note else []), *lines])


def _aligned(display: Display, room: int) -> list[str]:
    found = rows(display.chain, BREAKS_UNICODE, room - len(MORE))
    left, sign = max(len(row.left) for row in found), max(len(row.sign) for row in found)
    return [f"{'':{INDENT}}{row.left:<{left}}{row.sign:>{sign}}{row.more * MORE}{row.right}" for row in found]


def _table(table: Table, width: int) -> str:
    cells = [[plain(cell) for cell in row] for row in (table.headings, *table.rows)]
    sizes = [max(map(len, column)) for column in zip(*cells, strict=True)]
    caption = [_wrapped(table.caption, width), ""] if table.caption else []
    if sum(sizes) + 2 * len(sizes) > width + 2:
        return "\n".join([*caption, *_records(cells, width)])
    lines = [
        "  ".join(
            cell.rjust(size) if right else cell.ljust(size)
            for cell, size, right in zip(row, sizes, table.of_numbers, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join([*caption, lines[0], "  ".join("─" * size for size in sizes), *lines[1:]])


def _records(cells: list[list[str]], width: int) -> list[str]:
    """A table too wide for the page, a line for each cell and a paragraph for each row."""
    headings, *records = cells
    lines = []
    for record in records:
        pairs = zip(headings, record, strict=True)
        lines += [*(_wrapped(f"{heading}: {cell}", width, goes_on=" " * INDENT) for heading, cell in pairs if cell), ""]
    return lines[:-1]
