"""Documents: headings, words, formulas, tables and pictures as blocks, which `writers` writes in any format.

Wherever a block asks for pieces (see `pieces`), one of them or a tuple will do. What a format cannot do it says in
words: where nothing folds, a `Details` is a heading and what follows it. Text and Markdown leave pictures out: what
stands in one stands in the text too.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from thalweg.errors import InputError, shown
from thalweg.expressions import Number
from thalweg.network_drawing import Key, NetworkDrawing
from thalweg.pieces import UNKNOWN, UNSHOWN, Blank, Chain, Link, Piece, Pieces, each


ANCHOR = re.compile("[A-Za-z][A-Za-z0-9_-]*")
NUMBER = re.compile("[-−+±]?[0-9][0-9.,]*(e[-−+]?[0-9]+)?( ?%)?")
DEEPEST = 6  # level of a heading


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the highest below the title. With `new_page`, it begins one where there are pages.

    Raises:
        InputError: the level is not from 1 to 6.
    """

    text: str
    level: int = 1
    new_page: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if self.level not in range(1, DEEPEST + 1):
            message = f"the level of a heading is 1 to {DEEPEST}, not {shown(self.level)}: {shown(self.text)}"
            raise InputError(message)


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    pieces: Pieces


@dataclass(frozen=True)
class Items:
    """A list, of pieces each.

    Raises:
        InputError: there are none.
    """

    items: tuple[Pieces, ...]

    def __post_init__(self) -> None:
        if not self.items:
            message = "a list has one item or more"
            raise InputError(message)


@dataclass(frozen=True)
class Display:
    """A chain that stands by itself, aligned at its signs, one line for each part after the first.

    Args:
        number: of the equation in the lecture, without brackets.
        anchor: by which a `Link` finds it.
        lit: what a `Walk` lights for it.
        note: what is said above it.

    Raises:
        InputError: an anchor is of letters, digits, _ and -, a letter first, and this is none.
    """

    chain: Chain
    number: str = ""
    anchor: str = ""
    lit: frozenset[Key] = frozenset()
    note: Pieces = ()

    def __post_init__(self) -> None:
        if self.anchor and not ANCHOR.fullmatch(self.anchor):
            message = f"an anchor is of letters, digits, _ and -, and a letter first, not {shown(self.anchor)}"
            raise InputError(message)


@dataclass(frozen=True)
class Table:
    """Rows under headings; a column of numbers stands flush right.

    Raises:
        InputError: there are no headings, or a row has more or fewer cells than there are.
    """

    headings: tuple[Pieces, ...]
    rows: tuple[tuple[Pieces, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for place, row in enumerate(self.rows, 1):
            if len(row) != len(self.headings):
                message = f"row {place} of a table has {len(row)} cells under {len(self.headings)} headings"
                raise InputError(message)
        if not self.headings:
            message = "a table has headings: give it one for each column"
            raise InputError(message)

    @property
    def of_numbers(self) -> list[bool]:
        """For each column, whether all its cells are numbers, blanks or empty.

        >>> Table(("n", "what"), ((2, "two"), (Blank(), 3), ("1e-3", ""))).of_numbers
        [True, False]
        """
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.headings)
        return [bool(column) and all(map(_is_number, column)) for column in columns]


@dataclass(frozen=True)
class Code:
    """Lines of a program, or of a terminal."""

    text: str
    language: str = "python"

    @property
    def shown(self) -> str:
        """The lines without tabs, signs that cannot be shown, and line breaks around them."""
        lines = self.text.expandtabs(4).strip("\n").split("\n")
        return "\n".join(UNSHOWN.sub(UNKNOWN, line) for line in lines)


@dataclass(frozen=True)
class Picture:
    """The drawing of a network."""

    drawing: NetworkDrawing


@dataclass(frozen=True)
class Walk:
    """Displays one step after the other beside a picture, in which each lights what it is about.

    Raises:
        InputError: there is no display, or one lights what is not in the network.
    """

    picture: Picture
    displays: tuple[Display, ...]

    def __post_init__(self) -> None:
        if not self.displays:
            message = "a walk has one display or more"
            raise InputError(message)
        drawing = self.picture.drawing
        kept = drawing.kept.union(*[display.lit for display in self.displays])
        self.__dict__.update(picture=Picture(dataclasses.replace(drawing, kept=kept)))


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away under a summary, as a solution is."""

    summary: str
    blocks: tuple[Block, ...]


Flat = Heading | Paragraph | Items | Display | Table | Code | Picture
Block = Flat | Walk | Details


@dataclass(frozen=True)
class Document:
    """Blocks under a title; `language` is its code, such as en.

    Raises:
        InputError: two displays have one anchor, a link leads nowhere, or a heading skips a level.

    >>> Document("Exercise 1", (Heading("Forward pass", 2),))
    Traceback (most recent call last):
    thalweg.errors.InputError: the heading 'Forward pass' skips a level: after level 0 comes 1, not 2
    """

    title: str
    blocks: tuple[Block, ...]
    language: str = "en"

    def __post_init__(self) -> None:
        blocks = list(_inside(self.blocks))
        anchors = Counter(block.anchor for block in blocks if isinstance(block, Display) and block.anchor)
        for anchor, times in anchors.items():
            if times > 1:
                message = f"{times} displays have the anchor {anchor!r}: give each its own"
                raise InputError(message)
        for link in [piece for block in blocks for piece in _pieces(block) if isinstance(piece, Link)]:
            if link.anchor not in anchors:
                message = f"a link leads to {shown(link.anchor)}, and no display has this anchor"
                raise InputError(message)
        level = 0
        for heading in [block for block in blocks if isinstance(block, Heading)]:
            if heading.level > level + 1:
                message = f"the heading {shown(heading.text)} skips a level: after level {level} comes {level + 1}, "
                message += f"not {heading.level}"
                raise InputError(message)
            level = heading.level


def unfolded(blocks: Sequence[Block], level: int = 0) -> list[Flat]:
    """The same for what neither folds nor lights: no Details, no Walk; `level` is that of the heading above.

    >>> unfolded((Heading("Exercise"), Details("Solution", (Heading("Forward pass", 2), Paragraph("First …")))))
    [Heading(text='Exercise', level=1), Heading(text='Solution', level=2), Heading(text='Forward pass', level=3), \
Paragraph(pieces='First …')]
    """
    flat: list[Flat] = []
    for block in blocks:
        if isinstance(block, Heading):
            level = block.level
        if isinstance(block, Details):
            flat.append(Heading(block.summary, min(level + 1, DEEPEST)))
            flat += [_deeper(inner) for inner in unfolded(block.blocks, level)]
        elif isinstance(block, Walk):
            flat += [block.picture, *block.displays]
        else:
            flat.append(block)
    return flat


def _deeper(block: Flat) -> Flat:
    return Heading(block.text, min(block.level + 1, DEEPEST)) if isinstance(block, Heading) else block


def _is_number(cell: Pieces) -> bool:
    if isinstance(cell, str):
        return not cell or bool(NUMBER.fullmatch(cell))
    return isinstance(cell, float | int | Number | Blank)


def _inside(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks, and those inside of them."""
    for block in blocks:
        yield block
        if isinstance(block, Details):
            yield from _inside(block.blocks)
        if isinstance(block, Walk):
            yield from block.displays


def _pieces(block: Block) -> Iterator[Piece]:
    if isinstance(block, Paragraph):
        yield from each(block.pieces)
    if isinstance(block, Display):
        yield from each(block.note)
    cells = block.items if isinstance(block, Items) else ()
    if isinstance(block, Table):
        cells = [*block.headings, *(cell for row in block.rows for cell in row)]
    for cell in cells:
        yield from each(cell)
