"""Plain text: a document by hand, and the width that it keeps to."""

from hypothesis import given
from hypothesis import strategies as st

from documents import AWKWARD, CODE, EVERYTHING, FORWARD, TERMINAL, body, document
from thalweg.document import Blank, Chain, Display, Heading, Items, Paragraph, Table
from thalweg.expressions import Symbol
from thalweg.pieces import words
from thalweg.text_writer import text


def test_text_by_hand():
    example = document(
        Heading("Forward pass"),
        Paragraph(("Let ", Symbol("x", (1,)), " be ", 0.5, "; fill in ", Blank(4), ".")),
        Items(("one", ("two: ", Symbol("eta")))),
        FORWARD,
        Display(Chain((Symbol("w"), 2 / 3, 0.67), True, True)),
        Heading("Below", 2),
        Table(("weight", "was"), ((Symbol("W", (1, 2), 1), -0.5), ("b", 12)), caption="Weights"),
        CODE,
    )
    assert text(example, width=48) == (
        "Exercise\n========\n\n"
        "Forward pass\n------------\n\n"
        "Let x₁ be 0.5; fill in ____.\n\n"
        "• one\n• two: η\n\n"
        "The weighted sum, x₂ < 2 & so on\n\n"
        "    a₂⁽¹⁾ = x₁·W₁₂⁽¹⁾ + x₂·W₂₂⁽¹⁾\n"
        "          = 0.5·0.3 + 1·(−0.2)\n"
        "          = −0.05                            (2)\n\n"
        "    w := 0.6666666666666666\n"
        "       ≈ 0.67\n\n"
        "Below\n~~~~~\n\n"
        "Weights\n\n"
        "weight   was\n──────  ────\nW₁₂⁽¹⁾  −0.5\nb         12\n\n"
        "    import thalweg as tw\n\n    net = tw.Network([2, 3, 5])  # ŷ\n"
        "        print(f'{net!r} <<>> 100% \"x\"')\n"
    )


@given(st.integers(40, 130))
def test_text_keeps_to_its_width(width):
    lines = text(EVERYTHING, width).split("\n")
    titles = {line for line in lines if words(AWKWARD) in line or set(line) <= set("=-~.")}
    code = {" " * 4 + line for line in (CODE.shown + "\n" + TERMINAL.shown).split("\n")}
    assert [line for line in lines if len(line) > width and line not in titles | code] == []


def test_an_equation_number_that_has_no_room_stands_below():
    assert text(document(Display(FORWARD.chain, "2")), 37).endswith("          = −0.05                 (2)\n")
    long = Display(Chain((Symbol("x"), Symbol("an_uncommonly_long_name"))), "2")
    assert body(text(document(long), 30)).split("\n")[1] == " " * 27 + "(2)"


def test_a_table_too_wide_for_the_page_is_a_list_of_records():
    table = Table(("name", "what"), (("a", "word " * 7), ("b", "")))
    assert body(text(document(table), 31)) == ("name: a\nwhat: word word word word word\n    word word\n\nname: b")
