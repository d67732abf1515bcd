"""Pieces of Markdown that the pages made from the program share."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any


SPAN = re.compile(r"(`[^`]*`)")  # what a text sets as code


def table(*rows: tuple[str, ...]) -> str:
    """A Markdown table, its first row the headings."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def first_line(thing: Any) -> str:
    """What a docstring says first."""
    return (inspect.getdoc(thing) or "").split("\n")[0]


def plain(text: str) -> str:
    """Text of a docstring as Markdown: what Markdown would take for emphasis, tags or links is escaped; code is code.

    >>> plain("a*b*c and `a*b`, p < 1")
    'a\\\\*b\\\\*c and `a*b`, p \\\\< 1'
    """
    parts = SPAN.split(text)
    return "".join(part if i % 2 else re.sub(r"([*<])|\](?=\()", r"\\\g<0>", part) for i, part in enumerate(parts))


def anchor(heading: str) -> str:
    """Where a heading is found, as GitHub makes it of its text.

    >>> anchor("`tw.own_loss`"), anchor("Losses and activations")
    ('twown_loss', 'losses-and-activations')
    """
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: str) -> Iterator[tuple[str, str]]:
    """Each heading of a page with its anchor: of the second one of a name it ends with -1."""
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?)$", without_code(page), re.MULTILINE):
        name = anchor(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading))
        yield heading, f"{name}-{seen[name]}" if seen[name] else name
        seen[name] += 1


def without_code(page: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
