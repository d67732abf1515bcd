"""Markdown: a document by hand, and any words as another program reads them."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import EVERYTHING, FORWARD, PICTURE, TABLE, TERMINAL, body, document
from thalweg.document import Blank, Chain, Display, Heading, Items, Paragraph, Table
from thalweg.expressions import Symbol
from thalweg.pieces import words
from thalweg.writers import write


TEXTS = st.text(alphabet=st.characters())


def test_markdown_by_hand():
    example = document(
        Heading("a_b"),
        Paragraph(("1. Let ", Symbol("x", (1,)), Symbol("y"), " be *", 0.5, "*; fill in ", Blank(2))),
        Items(("- one", "2) two $3")),
        Display(FORWARD.chain, "2"),
        Display(Chain((Symbol("w"), 2 / 3), becomes=True)),
        Table(("w", "a|b"), ((Symbol("W"), -0.5), (Chain((Symbol("y"), 1)), 12)), caption="= Weights"),
        TERMINAL,
        PICTURE,
    )
    assert body(write(example, "markdown")) == (
        "## a\\_b\n\n"
        "1\\. Let $x_{1}$ $y$ be \\*$0.5$\\*; fill in \\_\\_\n\n"
        "- \\- one\n- 2\\) two \\$3\n\n"
        "$$\n\\begin{aligned}\n"
        "a_{2}^{(1)} & = x_{1} W_{12}^{(1)} + x_{2} W_{22}^{(1)} \\\\\n"
        "& = 0.5 \\cdot 0.3 + 1 \\cdot \\left(-0.2\\right) \\\\\n"
        "& = -0.05\n\\end{aligned} \\tag{2}\n$$\n\n"
        "$$\nw := 0.6666666666666666\n$$\n\n"
        "\\= Weights\n\n"
        "| w | a\\|b |\n| :--- | ---: |\n| $W$ | $-0.5$ |\n| $y = 1$ | $12$ |\n\n"
        "````console\n$ thalweg explain m.thalweg\n```\n\\end{verbatim}\n````"
    )


def rendered(markdown: str) -> str:
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    return parser.render(markdown)


@given(TEXTS)
def test_any_words_in_markdown_are_read_as_themselves(said):
    shown = words(said).strip()
    expected = f"<p>{html.escape(shown, quote=False)}</p>\n" if shown else ""
    assert rendered(body(write(document(Paragraph(said)), "markdown"))).replace("&quot;", '"') == expected


@given(TEXTS, TEXTS)
def test_any_words_in_a_table_of_markdown_stay_in_their_cell(one, two):
    found = rendered(body(write(document(Table((one, "b", "c"), ((two, one, "d"), ("", "e", "f")))), "markdown")))
    cells = re.findall("<t[hd][^>]*>(.*?)</t[hd]>", found)
    said = [html.escape(words(cell).strip(), quote=False) for cell in (one, "b", "c", two, one, "d", "", "e", "f")]
    assert [cell.replace("&quot;", '"').strip() for cell in cells] == said


def test_a_bar_in_a_formula_does_not_end_a_cell_of_markdown():
    assert r"$y = \left\vert x\right\vert $" not in write(EVERYTHING, "text")
    row = next(line for line in write(document(TABLE), "markdown").split("\n") if line.startswith("| \\* star"))
    assert row == r"| \* star | $-12.25$ |  | $\left\vert y\right\vert  = 1$ |"
