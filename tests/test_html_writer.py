"""The page: it stands alone, its links lead somewhere, its formulas can be read, its walks light the picture."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from documents import EVERYTHING, FORWARD, PICTURE, backward, document
from thalweg.document import Display, Document, Paragraph, Walk
from thalweg.network_drawing import css_class
from thalweg.pieces import words
from thalweg.writers import write


TEXTS = st.text(alphabet=st.characters())
VOID = {"meta", "input"}


class Page(HTMLParser):
    """The elements of a page, after a check that what is opened is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), (tag, attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.said.append(data)

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for found, attributes in self.elements if found == tag]


PAGE = write(EVERYTHING, "html")


def test_the_page_stands_alone():
    page = Page(PAGE)
    assert page.all("html") == [{"lang": "en"}]
    assert set(re.findall(r"https?://[^\"' <]*", PAGE)) == {"http://www.w3.org/2000/svg"}
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.elements}
    assert not re.search(r"@import|url\(|<[^>]* on\w+=|javascript:", PAGE)
    assert "default-src 'none'" in page.all("meta")[1]["content"]


def test_names_of_the_page_are_its_only_ones_and_every_link_leads_to_one():
    page = Page(PAGE)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 7
    links = [attributes["href"] for attributes in page.all("a")]
    assert sorted(links) == ["#a-1-2", "#a-1-2", "#delta-1-1", "#delta-1-1"]
    assert {link[1:] for link in links} <= set(ids)


def test_headings_are_in_order_and_tables_have_scopes():
    page = Page(PAGE)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels == [1, 2, 3, 2, 3]
    assert {cell["scope"] for cell in page.all("th")} == {"col", "row"}
    assert len(page.all("caption")) == 1 and len(page.all("details")) == 1


def test_every_formula_of_the_page_says_what_it_is_in_text():
    page = Page(PAGE)
    said = [attributes["alttext"] for attributes in page.all("math")]
    assert said.count("a₂⁽¹⁾ = x₁·W₁₂⁽¹⁾ + x₂·W₂₂⁽¹⁾ = 0.5·0.3 + 1·(−0.2) = −0.05") == 2
    assert said.count("x₂ = 1") == 1
    for formula in re.findall("<math.*?</math>", PAGE, re.DOTALL):
        ElementTree.fromstring(formula)


def test_each_step_of_a_walk_lights_what_it_is_about():
    walk = Walk(PICTURE, (FORWARD, backward(2)))
    written = write(document(walk), "html")
    page = Page(written)
    buttons = page.all("input")
    assert [button["type"] for button in buttons] == ["radio"] * 2
    assert len({button["name"] for button in buttons}) == 1
    assert ["checked" in button for button in buttons] == [True, False]
    assert [label["id"] for label in page.all("label")] == ["a-1-2", "delta-1-1"]
    for button, display in zip(buttons, walk.displays, strict=True):
        rules = [line for line in written.split("\n") if f"#{button['id']}:checked" in line]
        rule = next(line for line in rules if ".k-" in line)
        assert f"#{display.anchor}:target" in rule
        assert set(re.findall(r"\.(k-[\w-]+)", rule)) == {css_class(key) for key in display.lit}
        assert all(css_class(key) in written.split("</style>")[1] for key in display.lit)


def test_two_walks_light_their_own_pictures_only():
    one, two = Walk(PICTURE, (FORWARD,)), Walk(PICTURE, (Display(FORWARD.chain, lit=FORWARD.lit),))
    written = write(document(one, two), "html")
    rules = [line for line in written.split("\n") if line.startswith(":root:is(") and "{" in line]
    assert {re.search(r"\) (#\w+) \.network-drawing", line)[1] for line in rules} == {"#_1", "#_2"}  # type: ignore[index]


@given(TEXTS)
def test_any_words_on_a_page_are_read_as_themselves(said):
    page = Page(write(Document(said, (Paragraph(said),)), "html"))
    shown = words(said)
    lines = "".join(page.said).split("\n")
    assert [line for line in lines if line] == [line for line in (shown.strip(), shown.strip(), shown) if line]
