"""A document as a Jupyter notebook: Markdown cells, one for each heading, and a code cell for each piece of Python."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from thalweg import markdown_writer, network_drawing
from thalweg.document import Code, Document, Flat, Heading, Picture, unfolded
from thalweg.pieces import words


KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
PAPER = "<style>svg { background: white; color: black; }</style>"  # an image knows nothing of a dark page


def notebook(document: Document) -> str:
    """The document as the JSON of a notebook in format 4.5.

    >>> made = json.loads(notebook(Document("Forward pass", (Code("1 + 1"),))))
    >>> [(cell["id"], cell["cell_type"], cell["source"]) for cell in made["cells"]]
    [('cell-1', 'markdown', ['# Forward pass']), ('cell-2', 'code', ['1 + 1'])]
    """
    cells = [{**cell, "id": f"cell-{place}"} for place, cell in enumerate(_cells(document), 1)]
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "title": words(document.title)}
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _cells(document: Document) -> Iterator[dict[str, Any]]:
    texts = [markdown_writer.title(document)]
    for block in unfolded(document.blocks):
        code = block if isinstance(block, Code) and block.language == "python" else None
        if texts and (code or isinstance(block, Heading)):
            yield _cell("markdown", "\n\n".join(texts))
            texts = []
        if code:
            yield _cell("code", code.shown) | {"execution_count": None, "outputs": []}
        elif text := _markdown(block):
            texts.append(text)
    if texts:
        yield _cell("markdown", "\n\n".join(texts))


def _cell(kind: str, source: str) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}


def _markdown(block: Flat) -> str:
    if not isinstance(block, Picture):
        return markdown_writer.block(block)
    # an <svg> between words, or an attachment that is one, is not shown; an address that holds the image is
    drawn = network_drawing.svg(block.drawing, alone=True).removesuffix("</svg>") + PAPER + "</svg>"
    image = base64.b64encode(drawn.encode()).decode()
    return markdown_writer.picture(block, f"data:image/svg+xml;base64,{image}")
