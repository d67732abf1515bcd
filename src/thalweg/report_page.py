"""What reports in one HTML file have in common: the page they are rendered to, figures within it, versions at its end.

A page names nothing outside itself and runs no script: every text goes through the template's escaping, every figure is
inline SVG. page_style.html has the styles, how a figure stands in the page and how the page says how to repeat it; a
report has a template of its own.
"""

from __future__ import annotations

import os
import platform
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import plots, scores, whole_file
from thalweg.scores import number
from thalweg.verdict import counted


if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure for the page, what it shows in words, and how to read it."""

    figure: Figure
    description: str
    note: str
    heading: str = ""  # the target, where there are several

    def svg(self) -> str:
        """The figure as one `<svg>` element that says to a screen reader what it shows."""
        from markupsafe import Markup, escape

        text = re.sub(r"<metadata>.*?</metadata>\s*", "", plots.svg(self.figure), count=1, flags=re.DOTALL)
        text = re.sub(r'<g id="[^"]*"', "<g", text)  # nothing refers to a group
        # Figures have marks and frames in common: a prefix makes their names the page's only ones. What stands between
        # < and > is never text of a table, where these characters are escaped.
        prefix = f"f{zlib.crc32(text.encode('utf-8', 'replace')):08x}-"
        names = re.compile(r'\b(id="|url\(#|href="#)')
        text = re.sub("<[^>]*>", lambda tag: names.sub(rf"\1{prefix}", tag[0]), text)
        return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{escape(self.description)}" ', 1))


def render(template: str, **values: Any) -> str:
    """The text of the page that a template of this folder makes of the values."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent, encoding="utf-8"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": number, "percent": scores.percent, "count": "{:,}".format, "rows": counted}
    return environment.get_template(template).render(**values)


def write(page: str, path: str | os.PathLike[str]) -> None:
    """Write a page to one file, whole or not at all.

    Raises:
        FileError: the path cannot be written: no such folder, no permission, not an ordinary file.
        OSError: the disk is full or fails; the old file is intact.
    """
    content = page.encode("utf-8", "replace")
    with whole_file.writing(path) as file:
        file.write(content)


def capital(text: str) -> str:
    """The text with a capital letter at its beginning, the rest as it is."""
    return text[0].upper() + text[1:]


def versions(thalweg: str) -> list[tuple[str, str]]:
    """What a report is made with: this version of Thalweg, and those of what runs here."""
    import matplotlib
    import sklearn

    return [
        ("Thalweg", thalweg),
        ("Python", platform.python_version()),
        ("NumPy", np.__version__),
        ("scikit-learn", sklearn.__version__),
        ("Matplotlib", matplotlib.__version__),
    ]
