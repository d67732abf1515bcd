"""Alignment: a chain of equals as rows with their signs in one column, long parts broken in front of a plus sign.

    δ₁⁽¹⁾ = (δ₁⁽²⁾·W₁₁⁽²⁾
              + δ₂⁽²⁾·W₁₂⁽²⁾)·g′(a₁⁽¹⁾)
          = −0.05

A formula is broken in writing, not in its tree: what is open at the break is closed there and opened again in the next
row. Each notation has its `Breaks`, which know what is open, what a break may stand in, and how wide a writing is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from thalweg.notation import LATEX, MATHML, UNICODE, Notation
from thalweg.pieces import Chain


MORE = r"\quad "  # how far a row stands in that goes on
SIGN = 4  # characters of the widest sign, :=
# of places to break at, the less the better: between rows of a matrix, in a sum, between factors
RANKS = {"row": -1, "sum": 0, "product": 100}


@dataclass(frozen=True)
class Breaks:
    """How formulas of one notation are broken."""

    notation: Notation
    token: re.Pattern[str]  # what may `open` and `close`, and places to break at, named as in RANKS
    width: Callable[[str], int]  # in characters, more or less
    inside: frozenset[str] = frozenset()  # what may be open at a break
    closes: str = ""  # it before the break
    opens: str = ""  # it again after the break
    begins: str = ""  # a row, so that the sign has something to its left
    times: str = ""  # begins a row that was broken off between factors


@dataclass(frozen=True)
class Row:
    """What stands left of a sign, the sign, and what stands right of it; `more` where it goes on from the row above."""

    left: str
    sign: str
    right: str
    more: bool = False


@dataclass(frozen=True)
class Place:
    """Where a formula may be broken: the better, the less the rank."""

    position: int
    width: int  # of what stands before it
    rest: str  # of the formula
    depth: int
    rank: int


def _latex_width(text: str) -> int:
    """Each command and each character one, but nothing for what stands above an index or says how things are set."""
    for silent in (
        r"\\(begin|end)\{\w+\}",
        r"(?<=\})\^\{\([^{}]*\)\}",
        r"\\(left|right)\.?",
        r"\\(frac|mathrm|operatorname|partial|cdot) ?",
    ):
        text = re.sub(silent, "", text)
    return len(re.findall(r"\\[A-Za-z]+|[^{}^_\\]", text))


def _mathml_width(text: str) -> int:
    """Each character one, and what stands above an index too."""
    text = re.sub("<mrow><mo>[(]</mo>((?!</mrow>).)*</mrow></msubsup>", "^", text)
    return len(re.sub("<[^>]*>|&#x[0-9]+;", "", text))


BREAKS_UNICODE = Breaks(
    notation=UNICODE,
    token=re.compile(
        r"(?P<open>[(\[])|(?P<close>[)\]])|(?P<row>(?<=;) )|(?P<sum> (?=[+−] ))|(?P<product>·(?!10[⁰¹²³⁴-⁹⁻]))"
    ),
    width=len,
    inside=frozenset("(["),
    times="·",
)
BREAKS_LATEX = Breaks(
    notation=LATEX,
    token=re.compile(r"(?P<open>\\begin\{\w+\}|\\left.|\{)|(?P<close>\\end\{\w+\}|\\right.|\})|(?P<sum> (?=[+-] ))"),
    width=_latex_width,
    inside=frozenset((r"\left(", r"\left.")),
    closes=r"\right.",
    opens=r"\left.",
    begins="{} ",
)
BREAKS_MATHML = Breaks(
    notation=dataclasses.replace(MATHML, whole="%s"),
    # a sign that begins a row belongs to its term
    token=re.compile(
        "(?P<sum>(?<!<mrow>)<mo>[+−]</mo>)|(?P<product><mo>(&#x2062;|·)</mo>(?!<msup><mn>10</mn>))"
        "|(?P<open><[a-z][^>]*(?<!/)>)|(?P<close></[a-z]+>)"
    ),
    width=_mathml_width,
    inside=frozenset(("<mrow>",)),
    closes="</mrow>",
    opens="<mrow>",
    begins="<mrow></mrow>",
    times="<mo>·</mo>",
)


def rows(chain: Chain, breaks: Breaks, room: int) -> list[Row]:
    """The rows of a chain on so many characters: the first part left of the signs, the others right of them.

    A first part that is long has rows of its own above the others.

    >>> from thalweg.expressions import Symbol
    >>> a, x, y = Symbol("a"), Symbol("x"), Symbol("y")
    >>> for row in rows(Chain((a, 3 * x - 2 * y, 0.5)), BREAKS_UNICODE, 10):
    ...     print(row)
    Row(left='a', sign=' = ', right='3·x', more=False)
    Row(left='', sign='', right='− 2·y', more=True)
    Row(left='', sign=' = ', right='0.5', more=False)
    """
    notation = breaks.notation
    first, *rest = [notation.signed(node._whole(notation)) for node in chain.nodes]
    signs = notation.signs(len(chain.parts), chain.about, chain.becomes)
    left = first if rest and breaks.width(first) <= room // 3 else ""
    room -= breaks.width(left) + SIGN
    found = [] if left else _rows("", "", broken(first, breaks, room))
    for sign, part in zip(signs, rest, strict=True):
        found += _rows(left, sign, broken(part, breaks, room))
        left = ""
    return found


def aligned_latex(chain: Chain, room: int) -> str:
    """A chain for a display of LaTeX, its rows aligned if there are several."""
    found = rows(chain, BREAKS_LATEX, room)
    if len(found) == 1:
        return found[0].left + found[0].sign + found[0].right
    lines = [f"{row.left} &{row.sign}{row.more * MORE}{row.right}".strip() for row in found]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _rows(left: str, sign: str, lines: list[str]) -> list[Row]:
    return [Row(left, sign, lines[0]), *(Row("", "", line, more=True) for line in lines[1:])]


def broken(text: str, breaks: Breaks, room: int) -> list[str]:
    """A written formula on lines of so many characters; a line that cannot be broken is longer."""
    lines = []
    while breaks.width(text) > room and (place := _best(text, breaks, room)):
        lines.append(text[: place.position] + breaks.closes * place.depth)
        text = breaks.opens * place.depth + breaks.begins + place.rest
    return [*lines, text]


def _best(text: str, breaks: Breaks, room: int) -> Place | None:
    """The last of the best places in the room; if there is none, the first beyond it."""
    best = None
    for place in _places(text, breaks):
        if best and place.width > room:
            break
        best = place if best is None or place.rank <= best.rank else best
    return best


def _places(text: str, breaks: Breaks) -> Iterator[Place]:
    opened: list[str] = []
    outside = 0  # how many brackets were closed that a row above has opened
    for token in breaks.token.finditer(text):
        if token.lastgroup == "open":
            opened.append(token[0])
        elif token.lastgroup == "close":
            if opened:
                opened.pop()
            else:
                outside += 1
        elif breaks.inside.issuperset(opened) and (width := breaks.width(text[: token.start()])):
            kind = str(token.lastgroup)
            rest = breaks.times + text[token.end() :] if kind == "product" else text[token.start() :].lstrip()
            yield Place(token.start(), width, rest, len(opened), len(opened) - outside + RANKS[kind])
