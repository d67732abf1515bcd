"""Documents: what is refused at the door, and what unfolds to what."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import EVERYTHING, FORWARD, PICTURE, UPDATE, A, backward
from thalweg import InputError
from thalweg.document import (
    Blank,
    Chain,
    Details,
    Display,
    Document,
    Heading,
    Items,
    Link,
    Paragraph,
    Table,
    Walk,
    unfolded,
)
from thalweg.expressions import Symbol, number
from thalweg.notation import LATEX, UNICODE
from thalweg.pieces import chain, plain, words


X, Y = Symbol("x"), Symbol("y")


def test_a_chain_has_its_signs_in_their_places():
    assert Chain((X, 2.0, 1.96), about=True).written(UNICODE) == "x = 2 ≈ 1.96"
    assert Chain((X, X - 1, 0.3, 0.25), about=True, becomes=True).written(UNICODE) == "x := x − 1 = 0.3 ≈ 0.25"
    assert Chain((X, X - 1), becomes=True).written(LATEX) == "x := x - 1"
    assert Chain((X,)).written(UNICODE) == "x"
    assert Chain((X, -2.5)).nodes == (X, number(-2.5)) == Chain((X, number(-2.5))).parts


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Chain(()), "1 parts or more, not 0"),
        (lambda: Chain((X,), about=True), "2 parts or more, not 1"),
        (lambda: Chain((X, 1), about=True, becomes=True), "3 parts or more, not 2"),
        (lambda: Chain((X, float("inf"))), "a number in a formula is finite, not inf"),
        (lambda: Blank(0), "a blank is 1 to 60 characters wide, not 0"),
        (lambda: Blank(True), "not True"),
        (lambda: Heading("Deep", 7), "the level of a heading is 1 to 6, not 7: 'Deep'"),
        (lambda: Items(()), "a list has one item or more"),
        (lambda: Display(Chain((X,)), anchor="1st"), "an anchor is of letters, digits, _ and -, and a letter first"),
        (lambda: Display(Chain((X,)), anchor="a b"), "not 'a b'"),
        (lambda: Table((), ()), "a table has headings"),
        (
            lambda: Table(("a", "b", "c"), (("1", "2", "3"), ("1", "2"))),
            "row 2 of a table has 2 cells under 3 headings",
        ),
        (lambda: Walk(PICTURE, ()), "a walk has one display or more"),
        (lambda: Walk(PICTURE, (Display(Chain((X,)), lit=frozenset({("W", 1, 3, 2)})),)), r"('W', 1, 3, 2)"),
        (lambda: Document("A", (FORWARD, Details("B", (FORWARD,)))), "2 displays have the anchor 'a-1-2'"),
        (lambda: Document("A", (Paragraph(Link("b", "c")),)), "a link leads to 'c', and no display has this anchor"),
        (lambda: Document("A", (Table(("b",), ((("see ", Link("b", "c")),),)),)), "a link leads to 'c'"),
        (lambda: Document("A", (Items((Link("b", "c"),)),)), "a link leads to 'c'"),
        (lambda: Document("A", (Details("B", (Walk(PICTURE, (UPDATE,)),)),)), "a link leads to 'delta-1-1'"),
        (lambda: Document("A", (Heading("B"), Heading("C", 3))), "'C' skips a level: after level 1 comes 2, not 3"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_a_sentence(make, said):
    with pytest.raises(InputError) as caught:
        make()
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_link_may_lead_forward_and_into_what_is_folded():
    solution = Details("Solution", (FORWARD, Walk(PICTURE, (backward(2),))))
    assert Document("A", (Paragraph((Link("b", "a-1-2"), Link(A, "delta-1-1"))), solution)).blocks[1] is solution


def test_what_a_walk_lights_is_shown_in_its_picture():
    walk = Walk(PICTURE, (FORWARD, UPDATE))
    assert walk.picture.drawing.kept == FORWARD.lit | UPDATE.lit
    assert walk.picture.drawing.labels == PICTURE.drawing.labels


def test_columns_of_numbers():
    rows = ((1, "1.5", "a", Blank(), "", "−2.5e-05"), (number(-2), "12 %", 2, "", "", "+1,000"))
    assert Table(("a", "b", "c", "d", "e", "f"), rows).of_numbers == [True, True, False, True, True, True]
    assert Table(("a", "b"), ()).of_numbers == [False, False]
    assert Table(("a", "b"), (("v1.2", ("1", "2")),)).of_numbers == [False, False]


def test_what_unfolds_is_nested_below_the_heading_above_it():
    inner = Details("Hint", (Paragraph("deep"),))
    solution = Details("Solution", (Heading("Forward", 2), inner, Walk(PICTURE, (UPDATE,))))
    found = unfolded((Heading("Exercise"), solution, Heading("Next")))
    assert [(block.text, block.level) for block in found if isinstance(block, Heading)] == [
        ("Exercise", 1), ("Solution", 2), ("Forward", 3), ("Hint", 4), ("Next", 1),
    ]  # fmt: skip
    assert [type(block).__name__ for block in found] == [
        "Heading", "Heading", "Heading", "Heading", "Paragraph", "Picture", "Display", "Heading",
    ]  # fmt: skip


def test_unfolding_leaves_nothing_folded_and_loses_nothing():
    found = unfolded(EVERYTHING.blocks)
    kinds = Counter(type(block).__name__ for block in found)
    assert kinds == {"Heading": 5, "Paragraph": 4, "Items": 1, "Display": 7, "Table": 3, "Code": 2, "Picture": 3}


@given(st.integers(0, 12))
def test_no_heading_is_deeper_than_six(depth):
    block = Paragraph("core")
    for _ in range(depth):
        block = Details("more", (block,))
    levels = [found.level for found in unfolded((block,)) if isinstance(found, Heading)]
    assert levels == [min(level, 6) for level in range(1, depth + 1)]


def test_plain_text_of_pieces():
    assert (
        plain(("a\t b ", X, " ", Chain((X, 0.5)), " ", Blank(3), " ", Link(X + 1, "c"), " "))
        == "a b x x = 0.5 ___ x + 1"
    )
    assert chain(0.5) == Chain((0.5,)) and chain(Chain((X, 1))) == Chain((X, 1))


@given(st.text(alphabet=st.characters()))
def test_words_can_be_shown_and_written_to_any_file(text):
    found = words(text)
    assert words(found) == found
    assert found.encode("utf-8").decode("utf-8") == found
    assert not set(found) & set(map(chr, [*range(32), *range(127, 160)]))
