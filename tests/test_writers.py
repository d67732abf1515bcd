"""Every format writes a document that has every block, and the same each time."""

import pytest

from documents import EVERYTHING
from thalweg import InputError
from thalweg.writers import WRITERS, write


@pytest.mark.parametrize("format", WRITERS)
def test_every_format_writes_every_block_the_same_each_time(format):
    written = write(EVERYTHING, format)
    assert written == write(EVERYTHING, format) and written.endswith("\n")
    assert written.encode("utf-8")
    assert " object at 0x" not in written


def test_formats_have_names_and_suffixes():
    assert {name: row.suffix for name, row in WRITERS.items()} == {
        "text": ".txt", "markdown": ".md", "latex": ".tex", "html": ".html", "notebook": ".ipynb",
    }  # fmt: skip
    with pytest.raises(InputError, match="text, markdown, latex, html, notebook, not 'pdf'"):
        write(EVERYTHING, "pdf")
