"""Pieces of running text: words, a number or a formula, a chain of equals, a link, a blank to be filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from thalweg.errors import InputError, shown
from thalweg.expressions import number
from thalweg.nodes import Node
from thalweg.notation import UNICODE, Notation


WIDEST = 60  # blank
BLANKS = re.compile("[\t-\r ]+")
# what orders a terminal about, and halves of characters, which no file can hold
UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Chain:
    """Parts that are equal; with `about`, the last is rounded, and with `becomes`, the first takes a new value.

    Raises:
        InputError: there are fewer parts than these signs need, or a number is not finite.

    >>> from thalweg.expressions import Symbol
    >>> from thalweg.notation import UNICODE
    >>> w, rate = Symbol("W", (1, 2), layer=1), Symbol("eta")
    >>> update = w - rate * Symbol("delta", (2,), layer=1)
    >>> print(Chain((w, update, 1 / 3, 0.333), about=True, becomes=True).written(UNICODE))
    W₁₂⁽¹⁾ := W₁₂⁽¹⁾ − η·δ₂⁽¹⁾ = 0.3333333333333333 ≈ 0.333
    """

    parts: tuple[Node | float, ...]
    about: bool = False
    becomes: bool = False

    def __post_init__(self) -> None:
        fewest = 1 + self.about + self.becomes
        if len(self.parts) < fewest:
            message = f"a chain with these signs has {fewest} parts or more, not {len(self.parts)}"
            raise InputError(message)
        self.__dict__.update(parts=self.nodes)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The parts, all of them as nodes."""
        return tuple(part if isinstance(part, Node) else number(float(part)) for part in self.parts)

    def written(self, notation: Notation) -> str:
        """The chain in this notation, on one line."""
        return notation.chain([node._whole(notation) for node in self.nodes], self.about, self.becomes)


@dataclass(frozen=True)
class Link:
    """A piece that leads to the `Display` of this anchor, where a format has links."""

    piece: str | Node | Chain
    anchor: str


@dataclass(frozen=True)
class Blank:
    """A field to be filled in by hand, as wide as so many characters.

    Raises:
        InputError: the width is not a whole number from 1 to 60.
    """

    width: int = 8

    def __post_init__(self) -> None:
        whole = isinstance(self.width, int) and not isinstance(self.width, bool)
        if not (whole and 1 <= self.width <= WIDEST):
            message = f"a blank is 1 to {WIDEST} characters wide, not {shown(self.width)}"
            raise InputError(message)


Formula = Node | float | Chain
Piece = str | Formula | Link | Blank
Pieces = Piece | tuple[Piece, ...]


def each(pieces: Pieces) -> tuple[Piece, ...]:
    """The pieces one by one.

    >>> each("two"), each(("one", 2))
    (('two',), ('one', 2))
    """
    return pieces if isinstance(pieces, tuple) else (pieces,)


def chain(formula: Formula) -> Chain:
    """A number or a formula as a chain of one part; a chain as it is."""
    return formula if isinstance(formula, Chain) else Chain((formula,))


def words(text: str) -> str:
    """Words with single blanks between them, of characters that can be shown.

    >>> words("one\\ttwo\\n three\\x00")
    'one two three�'
    """
    return UNSHOWN.sub(UNKNOWN, BLANKS.sub(" ", text))


def plain(pieces: Pieces) -> str:
    """The pieces as one line of plain text.

    >>> print(plain(("A rate of ", 0.5, ": ", Blank(3))))
    A rate of 0.5: ___
    """
    return "".join(map(_plain, each(pieces))).strip()


def _plain(piece: Piece) -> str:
    if isinstance(piece, Link):
        return _plain(piece.piece)
    if isinstance(piece, Blank):
        return "_" * piece.width
    return words(piece) if isinstance(piece, str) else chain(piece).written(UNICODE)
