"""The formats a document can be written in: one row each in `WRITERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from thalweg.document import Document
from thalweg.html_writer import html
from thalweg.latex_writer import latex
from thalweg.markdown_writer import markdown
from thalweg.notebook_writer import notebook
from thalweg.settings import check_choice
from thalweg.text_writer import text


@dataclass(frozen=True)
class Writer:
    """A format: its name, how its files end, and the function that writes a document."""

    name: str
    suffix: str
    function: Callable[[Document], str]


_ROWS = (
    Writer("text", ".txt", text),
    Writer("markdown", ".md", markdown),
    Writer("latex", ".tex", latex),
    Writer("html", ".html", html),
    Writer("notebook", ".ipynb", notebook),
)
WRITERS: dict[str, Writer] = {row.name: row for row in _ROWS}


def write(document: Document, format: str) -> str:
    """The document in a format: text, markdown, latex, html or notebook.

    Raises:
        InputError: there is no such format.

    >>> from thalweg.document import Paragraph
    >>> print(write(Document("Exercise 1", (Paragraph("Compute the gradient."),)), "markdown"), end="")
    # Exercise 1
    <BLANKLINE>
    Compute the gradient.
    """
    return WRITERS[check_choice(format, tuple(WRITERS), "the format of a document")].function(document)
