"""The notebook: what its format asks for, where its cells begin, and the pictures in them."""

import base64
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from documents import CODE, EVERYTHING, FORWARD, PICTURE, document
from thalweg.document import Heading, Paragraph
from thalweg.writers import write


def test_a_notebook_has_what_its_format_asks_for():
    made = json.loads(write(EVERYTHING, "notebook"))
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert set(made) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in made["cells"]]
    assert len(ids) == len(set(ids)) and all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", one) for one in ids)
    for cell in made["cells"]:
        code = {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"id", "cell_type", "metadata", "source"} | code
        assert "".join(cell["source"]).strip()
    code = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    assert code == [CODE.shown]


def test_a_notebook_is_valid_where_that_can_be_asked():
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(write(EVERYTHING, "notebook"), as_version=4))


def test_cells_of_a_notebook_begin_at_headings_and_hold_the_pictures():
    made = json.loads(write(document(Paragraph("one"), Heading("two"), FORWARD, CODE, PICTURE), "notebook"))
    sources = ["".join(cell["source"]) for cell in made["cells"]]
    assert sources[0] == "# Exercise\n\none" and sources[1].startswith("## two\n\nThe weighted sum, $x_{2}$")
    assert sources[2] == CODE.shown and len(sources) == 4
    image = re.fullmatch(r"!\[(.*)\]\(data:image/svg\+xml;base64,([\w+/=]*)\)", sources[3])
    assert image and "2 inputs" in image[1]
    drawing = ElementTree.fromstring(base64.b64decode(image[2]).decode("utf-8"))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
