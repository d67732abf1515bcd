"""HTML of a mail as text, its links, and how many tags it has, in one pass and linear time.

Python's `html.parser` takes quadratic time for some unclosed tags, so tags are found by patterns that never look back:
possessive ones, whose every part ends at the next `<`, or at most `MAX_QUOTED` characters on.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass


MAX_TAGS = 50_000  # a long newsletter has 5,000; each costs a few microseconds
MAX_LINKS = 1_000  # of one mail
MAX_LINK = 2_000  # characters; browsers and servers refuse longer ones
MAX_QUOTED = 8_000  # characters in the quotes of an attribute: where none closes them, they are no quotes

_MARKUP = re.compile(r"<[a-zA-Z/!?]")
_TAG = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]{0,40})"
    rf"""((?:[^<>=]++|=\s*+(?:"[^"]{{0,{MAX_QUOTED}}}+"|'[^']{{0,{MAX_QUOTED}}}+')?+)*+)>?"""
)
_LINK_IN_TAG = re.compile(
    r"""(?:href|src|action|background)\s*+=\s*+(?:"([^"]{0,8000})|'([^']{0,8000})|([^\s>"']{1,2000}))""", re.I
)
_LINK_IN_TEXT = re.compile(r"""(?:https?://|ftp://|mailto:|www\.)[^\s<>"']{2,2000}""", re.I)
_SCHEME = re.compile(r"(?:https?|ftp|mailto|tel|javascript):", re.I)
_UNSEEN = {name: re.compile(f"</{name}", re.I) for name in ("script", "style")}
_ZEROS = re.compile(r"&#([xX]?)0+(?=[0-9a-fA-F])")
_TOO_LARGE = re.compile(r"&#[xX]?[0-9a-fA-F]{8,};?")  # int() refuses numbers of over 4,300 digits
_SPACES = re.compile(r"[ \t\r\f\v]+")
# What begins a line of its own. Any other tag joins what stands around it: V<b></b>iagra is read as one word.
_BREAKS = frozenset(
    "address article aside blockquote body br caption center dd dir div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 "
    "head header hr html img input legend li main menu nav ol option p pre section select table tbody td textarea "
    "tfoot th thead title tr ul".split()
)


@dataclass(frozen=True)
class Page:
    """What HTML shows: its text, how many tags it opens, its links in their order, and whether some tags were left."""

    text: str
    tags: int
    links: tuple[str, ...]
    cut: bool


def read_html(source: str, max_tags: int = MAX_TAGS, max_links: int = MAX_LINKS) -> Page:
    """The text of HTML without tags, comments, scripts and styles; what is not closed ends with the source.

    >>> read_html("<p>V<b></b>iagra &amp; <a href='http://x.example/?a&amp;b'>more</a><style>p {}</style>")
    Page(text='Viagra & more', tags=4, links=('http://x.example/?a&b',), cut=False)
    """
    pieces: list[str] = []
    links: list[str] = []
    at = tags = 0
    cut = False
    last_end = source.rfind("-->")
    while markup := _MARKUP.search(source, at):
        start = markup.start()
        pieces.append(source[at:start])
        tag = _TAG.match(source, start)
        if tag is None:
            at = _after_declaration(source, start, last_end)
            continue
        if tags == max_tags:
            cut, at = True, len(source)
            break
        at = tag.end()
        closing, name, attributes = tag[1], tag[2].lower(), tag[3]
        tags += not closing
        if name in _BREAKS:
            pieces.append("\n")
        if not closing and attributes and len(links) < max_links:
            links += (link for found in _LINK_IN_TAG.finditer(attributes) if (link := target(found)))
        if not closing and name in _UNSEEN:
            end = _UNSEEN[name].search(source, at)
            at = end.start() if end else len(source)
    pieces.append(source[at:])
    return Page(lines(unescaped("".join(pieces))), tags, tuple(links[:max_links]), cut)


def _after_declaration(source: str, start: int, last_end: int) -> int:
    """The end of a comment, a declaration or a stray `</`: that of the source if it is not closed.

    Where no comment ends any more, at `last_end`, one ends as a tag does: spam has `<!--#rotate>`, which the browsers
    of its days passed over. Today's hide all that follows, but whoever wrote it wanted it to be seen.
    """
    comment = source.startswith("<!--", start) and start + 2 <= last_end
    end = source.find("-->", start + 2) if comment else source.find(">", start)
    return len(source) if end < 0 else end + (3 if comment else 1)


def lines(text: str) -> str:
    """Text with one space for each run of them, and without empty lines."""
    return "\n".join(line for part in text.split("\n") if (line := _SPACES.sub(" ", part).strip()))


def unescaped(text: str) -> str:
    """Text with its entities decoded, `&#0000000065;` too."""
    return html.unescape(_TOO_LARGE.sub("\ufffd", _ZEROS.sub(r"&#\1", text))) if "&" in text else text


def target(found: re.Match[str]) -> str:
    """The target of an attribute as a browser reads it, or "" if it is no link."""
    link = "".join(unescaped((found[1] or found[2] or found[3] or "")[:MAX_LINK]).split())
    return link if _SCHEME.match(link) else ""


def links_in_text(text: str, limit: int = MAX_LINKS) -> list[str]:
    """The addresses of pages and people that stand in text; www.x.org is http://www.x.org.

    >>> links_in_text("See (http://x.example/a), or www.y.example.")
    ['http://x.example/a', 'http://www.y.example']
    """
    links: list[str] = []
    for found in _LINK_IN_TEXT.finditer(text):
        link = found[0].rstrip(".,;:!?)]}*_")
        links.append(link if not link[:4].lower() == "www." else f"http://{link}")
        if len(links) >= limit:
            break
    return links
