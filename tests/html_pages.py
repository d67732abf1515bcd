"""For tests: a page as a browser would see it, its figures, and that it needs nothing outside itself."""

import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser


SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a browser would see of a page: tags, attributes, ids, and the text; unbalanced tags are an error."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.open, self.words, self.cells = [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open}"
        self.open.pop()

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def values(self, attribute):
        return [value for name, value in self.attributes if name == attribute]


def svgs(text):
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg .*?</svg>", text, flags=re.DOTALL)]


def refers_to_nothing(text: str) -> None:
    """No script, no address, no file of another place; and the policy says so."""
    assert not re.search(r"https?:", re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text))
    assert not {"script", "link", "iframe", "object", "embed", "img", "base", "form"} & set(Page(text).tags)
    assert not re.search(r"@import|url\((?!#)", text)
    references = [value for key in ("src", "href", "xlink:href") for value in Page(text).values(key)]
    assert all(value.startswith(("#", "data:image/png;base64,")) for value in references)
    # The policy forbids everything else, and must not forbid the pixels of a confusion matrix.
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
