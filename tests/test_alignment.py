"""Chains on several rows: nothing is lost or made up where a formula is broken, and each row can be read by itself."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import FORWARD, backward
from formulas import WRITTEN
from thalweg.alignment import BREAKS_LATEX, BREAKS_MATHML, BREAKS_UNICODE, Breaks, Row, aligned_latex, broken, rows
from thalweg.equations import Matrix
from thalweg.expressions import Symbol, number
from thalweg.pieces import Chain


ROOMS = st.integers(5, 101)
X, Y, Z = Symbol("x"), Symbol("y"), Symbol("z")


def lines(node, breaks: Breaks, room: int) -> list[str]:
    return broken(breaks.notation.chain([node._whole(breaks.notation)]), breaks, room)


def plain(text: str) -> str:
    """What is left of a row of LaTeX when the brackets that the break has closed and opened are joined again."""
    return re.sub(r"\\right\.|\\left\.|\{\} | ", "", text)


def test_rows_by_hand():
    assert rows(FORWARD.chain, BREAKS_UNICODE, 100) == [
        Row("a₂⁽¹⁾", " = ", "x₁·W₁₂⁽¹⁾ + x₂·W₂₂⁽¹⁾"),
        Row("", " = ", "0.5·0.3 + 1·(−0.2)"),
        Row("", " = ", "−0.05"),
    ]
    assert rows(FORWARD.chain, BREAKS_UNICODE, 20) == [
        Row("a₂⁽¹⁾", " = ", "x₁·W₁₂⁽¹⁾"),
        Row("", "", "+ x₂·W₂₂⁽¹⁾", more=True),
        Row("", " = ", "0.5·0.3"),
        Row("", "", "+ 1·(−0.2)", more=True),
        Row("", " = ", "−0.05"),
    ]


def test_a_long_first_part_has_rows_of_its_own():
    assert rows(Chain((X + Y - Z, 7), about=True), BREAKS_UNICODE, 9) == [
        Row("", "", "x + y"),
        Row("", "", "− z", more=True),
        Row("", " ≈ ", "7"),
    ]
    assert rows(Chain((X + Y - Z,)), BREAKS_UNICODE, 30) == [Row("", "", "x + y − z")]


def test_a_sum_in_brackets_is_broken_in_every_notation():
    whole = backward(3).chain.nodes[2]
    assert lines(whole, BREAKS_UNICODE, 30) == [
        "(δ₁⁽²⁾·W₁₁⁽²⁾ + δ₂⁽²⁾·W₁₂⁽²⁾",
        "+ δ₃⁽²⁾·W₁₃⁽²⁾)·g′(a₁⁽¹⁾)",
    ]
    assert lines(whole, BREAKS_LATEX, 16) == [
        r"\left(\delta_{1}^{(2)} W_{11}^{(2)} + \delta_{2}^{(2)} W_{12}^{(2)}\right.",
        r"\left.{} + \delta_{3}^{(2)} W_{13}^{(2)}\right) g'\left(a_{1}^{(1)}\right)",
    ]


def test_a_break_outside_of_brackets_is_better_than_one_inside_and_any_sum_than_a_product():
    assert lines(Z + X * (X + Y), BREAKS_UNICODE, 11) == ["z", "+ x·(x + y)"]
    assert lines(X * (X + Y), BREAKS_UNICODE, 6) == ["x·(x", "+ y)"]
    assert lines(X * Y * Z, BREAKS_UNICODE, 4) == ["x·y", "·z"]
    assert lines(number(3e-12), BREAKS_UNICODE, 3) == ["3·10⁻¹²"]


def test_a_matrix_is_broken_between_its_rows_in_text_and_nowhere_else():
    matrix = Matrix(((X + Y, number(2)), (number(-3), Z)))
    assert lines(matrix, BREAKS_UNICODE, 11) == ["[x + y 2;", "−3 z]"]
    for breaks in (BREAKS_LATEX, BREAKS_MATHML):
        assert len(lines(matrix, breaks, 1)) == 1
    assert aligned_latex(Chain((matrix,)), 64) == r"\begin{pmatrix} x + y & 2 \cr -3 & z \end{pmatrix}"


def test_rows_for_latex_by_hand():
    assert aligned_latex(Chain((X, Y, -0.5)), 64) == "\\begin{aligned}\nx & = y \\\\\n& = -0.5\n\\end{aligned}"
    assert aligned_latex(Chain((X, Y + Z), becomes=True), 64) == "x := y + z"
    assert aligned_latex(Chain((X, Y + Z)), 7) == "\\begin{aligned}\nx & = y \\\\\n&\\quad {} + z\n\\end{aligned}"


@pytest.mark.parametrize("terms", [2, 5, 12])
@pytest.mark.parametrize("breaks", [BREAKS_UNICODE, BREAKS_LATEX, BREAKS_MATHML], ids=["text", "latex", "mathml"])
def test_twelve_terms_fit(breaks, terms):
    for room in (40, 64, 100):
        for row in rows(backward(terms).chain, breaks, room):
            assert breaks.width(row.left) + 3 + breaks.width(row.right) <= room


@given(WRITTEN, ROOMS)
def test_text_is_the_same_when_its_lines_are_joined(node, room):
    found = lines(node, BREAKS_UNICODE, room)
    assert "".join(found).replace(" ", "") == node.unicode.replace(" ", "")
    assert all(len(line) <= room or not re.search(r"[^ ] [+−] ", line[1:room]) for line in found)


@given(WRITTEN, ROOMS)
def test_latex_is_the_same_when_its_lines_are_joined_and_closes_in_each_what_it_opens(node, room):
    found = lines(node, BREAKS_LATEX, room)
    assert plain(" ".join(found)) == node.latex.replace(" ", "")
    for line in found:
        assert len(re.findall(r"\\left[^a-z]", line)) == len(re.findall(r"\\right[^a-z]", line))
        depth = 0
        for brace in re.findall("[{}]", line):
            depth += 1 if brace == "{" else -1
            assert depth >= 0
        assert depth == 0


@given(WRITTEN, ROOMS)
def test_mathml_is_well_formed_in_each_line_and_says_the_same(node, room):
    found = lines(node, BREAKS_MATHML, room)
    said = ["".join(ElementTree.fromstring(f"<math>{line}</math>").itertext()) for line in found]
    whole = "".join(ElementTree.fromstring(node.mathml).itertext())
    times = str.maketrans("", "", "\u2062·")  # shown where a line begins with it
    assert "".join(said).translate(times) == whole.translate(times)
