"""A document as one HTML page: formulas in MathML, drawings in SVG, no script, nothing from elsewhere.

A walk's displays are the labels of radio buttons, so that the arrow keys go through its steps, and rules of CSS light
in the picture what the chosen step is about. A link to a step lights it as well, until one is chosen again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from thalweg import network_drawing
from thalweg.alignment import BREAKS_MATHML, Row, rows
from thalweg.document import (
    DEEPEST,
    Block,
    Code,
    Details,
    Display,
    Document,
    Heading,
    Items,
    Paragraph,
    Picture,
    Table,
    Walk,
)
from thalweg.notation import UNICODE
from thalweg.pieces import Blank, Chain, Link, Piece, Pieces, chain, each, words


ROOM, ROOM_BESIDE = 56, 38  # characters of a row of a display, and of one beside a picture
PAGE = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def html(document: Document) -> str:
    """The document as a page.

    >>> page = html(Document("5 < 7", (Paragraph(("Half is ", 0.5, ".")),)))
    >>> page[page.index("<h1>") : page.index("</main>")]
    '<h1>5 &lt; 7</h1>\\n<p>Half is <math alttext="0.5"><mrow><mn>0.5</mn></mrow></math>.</p>\\n'
    """
    return PAGE.format(
        language=escape(document.language),
        title=_words(document.title),
        style=_style(document),
        body=_blocks(document.blocks),
    )


def _style(document: Document) -> str:
    parts = [Path(__file__).with_name("document.css").read_text("utf-8"), network_drawing.STYLE]
    rules = [rule for place, walk in _walks(document.blocks) for rule in _rules(place, walk)]
    return "".join(parts) + (f"@media screen {{\n{chr(10).join(rules)}\n}}\n" if rules else "")


def _blocks(blocks: Sequence[Block], place: str = "") -> str:
    """Blocks one after the other; their place in the document makes the names of what is in a walk its only ones."""
    return "\n".join(_block(block, f"{place}_{number}") for number, block in enumerate(blocks, 1))


def _walks(blocks: Sequence[Block], place: str = "") -> Iterator[tuple[str, Walk]]:
    for number, block in enumerate(blocks, 1):
        if isinstance(block, Walk):
            yield f"{place}_{number}", block
        if isinstance(block, Details):
            yield from _walks(block.blocks, f"{place}_{number}")


def _block(block: Block, place: str) -> str:
    match block:
        case Heading():
            tag = f"h{min(block.level + 1, DEEPEST)}"
            look = ' class="new-page"' if block.new_page else ""
            return f"<{tag}{look}>{_words(block.text)}</{tag}>"
        case Paragraph():
            return f"<p>{_line(block.pieces)}</p>"
        case Items():
            items = "\n".join(f"<li>{_line(item)}</li>" for item in block.items)
            return f"<ul>\n{items}\n</ul>"
        case Display():
            return f'<div class="display"{_id(block)}>{_display(block, ROOM)}</div>'
        case Table():
            return _table(block)
        case Code():
            return f"<pre><code>{escape(block.shown)}</code></pre>"
        case Picture():
            return f'<figure class="picture">\n{network_drawing.svg(block.drawing)}\n</figure>'
        case Walk():
            return _walk(block, place)
        case Details():
            inside = _blocks(block.blocks, place)
            return f"<details>\n<summary>{_words(block.summary)}</summary>\n{inside}\n</details>"


def _words(text: str) -> str:
    return escape(words(text).strip())


def _piece(piece: Piece) -> str:
    match piece:
        case str():
            return escape(words(piece))
        case Blank():
            return f'<span class="blank" style="width: {piece.width}ch" role="img" aria-label="to be filled in"></span>'
        case Link():
            return f'<a href="#{escape(piece.anchor)}">{_piece(piece.piece)}</a>'
        case _:
            return _math(chain(piece), chain(piece).written(BREAKS_MATHML.notation))


def _math(chain: Chain, inside: str, look: str = "") -> str:
    return f'<math alttext="{escape(chain.written(UNICODE))}"{look}>{inside}</math>'


def _line(pieces: Pieces) -> str:
    return "".join(map(_piece, each(pieces)))


def _id(display: Display) -> str:
    return f' id="{display.anchor}"' if display.anchor else ""


def _display(display: Display, room: int) -> str:
    """What may stand in a label too."""
    note = f'<span class="note">{note}</span>' if (note := _line(display.note)) else ""
    table = "".join(map(_row, rows(display.chain, BREAKS_MATHML, room)))
    formula = _math(display.chain, f'<mtable displaystyle="true">{table}</mtable>', ' display="block"')
    number = f'<span class="number">({_words(display.number)})</span>' if display.number else ""
    return f'{note}<span class="formula"><span class="rows">{formula}</span>{number}</span>'


def _row(row: Row) -> str:
    look = ' class="more"' if row.more else ""
    left, sign = f'<mtd class="left">{row.left}</mtd>', f'<mtd class="sign">{row.sign}</mtd>'
    return f"<mtr>{left}{sign}<mtd{look}>{row.right}</mtd></mtr>"


def _table(table: Table) -> str:
    looks = [' class="n"' if right else "" for right in table.of_numbers]
    named = not table.of_numbers[0]  # rows by what stands first in them
    heads = zip(table.headings, looks, strict=True)
    head = "".join(f'<th scope="col"{look}>{_line(cell)}</th>' for cell, look in heads)
    lines = [f"<caption>{_words(table.caption)}</caption>"] if table.caption else []
    lines += [f"<thead><tr>{head}</tr></thead>", "<tbody>"]
    for row in table.rows:
        cells = [f"<td{look}>{_line(cell)}</td>" for cell, look in zip(row, looks, strict=True)]
        if named:
            cells[0] = f'<th scope="row">{_line(row[0])}</th>'
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join(['<div class="scroll"><table>', *lines, "</tbody>", "</table></div>"])


def _walk(walk: Walk, place: str) -> str:
    steps = []
    for number, display in enumerate(walk.displays, 1):
        button = f'<input type="radio" name="{place}" id="{place}_step_{number}"{" checked" * (number == 1)}>'
        inside = f'{button}<span class="display">{_display(display, ROOM_BESIDE)}</span>'
        steps.append(f'<label class="step"{_id(display)}>{inside}</label>')
    picture = f'<figure class="picture">\n{network_drawing.svg(walk.picture.drawing)}\n</figure>'
    fields = "\n".join(steps)
    return f'<div class="walk" id="{place}">\n{picture}\n<fieldset aria-label="Steps">\n{fields}\n</fieldset>\n</div>'


def _rules(place: str, walk: Walk) -> Iterator[str]:
    """What lights the picture: the chosen step; the step that a link led to, while no button has the focus."""
    focused, led = f":has(#{place} input:focus)", f":has(#{place} .step:target)"
    for number, display in enumerate(walk.displays, 1):
        when = [f":has(#{place}_step_{number}:checked):is({focused}, :not({led}))"]
        if display.anchor:
            when.append(f":has(#{display.anchor}:target):not({focused})")
        yield network_drawing.lit_svg_rules(display.lit, f":root:is({', '.join(when)}) #{place}")
