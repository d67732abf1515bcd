"""Words for LaTeX: what is written by hand, and that any text at all comes out as ASCII with its braces closed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thalweg.latex_words import ASCII, LETTERS, SIGNS, latex_formula, latex_words
from thalweg.notation import GREEK, SUBSCRIPTS, SUPERSCRIPTS


def braces_close(latex: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", latex.replace(r"\\", "")):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("50 % of a_b & #1 $5 {x}", r"50 \% of a\_b \& \#1 \$5 \{x\}"),
        ("~ ^ \\", r"\textasciitilde{} \textasciicircum{} \textbackslash{}"),
        ("[a] * b", "{[}a{]} {*} b"),
        ("a -- b --- c, d,, <<e>> f-g", "a -{}- b -{}-{}- c, d,{}, <{}<e>{}> f-g"),
        ("don't ''a'' \"b\" `c", r"don't '{}'a'{}' \textquotedbl{}b\textquotedbl{} \textasciigrave{}c"),
        ("ŷ é ñ Å ç ş", r"\^{y} \'{e} \~{n} \r{A} \c{c} \c{s}"),
        ("ẑ x\u0302 y\u0302", r"\^{z} \^{x} \^{y}"),
        ("Straße, Œuvre", r"Stra\ss{}e, \OE{}uvre"),
        ("η → ½ ≈ 10⁻", r"\ensuremath{\eta} \ensuremath{\to} 1/2 \ensuremath{\approx} 10\ensuremath{^{-}}"),
        ("W₁⁽²⁾", r"W\ensuremath{_{1}}\ensuremath{^{(}}\ensuremath{^{2}}\ensuremath{^{)}}"),
        ("“a” – b…", "``a'' -- b\\ldots{}"),
        ("中 😀", r"\texttt{U+4E2D} \texttt{U+1F600}"),
        ("a\u0359 \x00", r"a\texttt{U+0359} \texttt{U+FFFD}"),
        ("ﬁ Ａ", "fi A"),
        ("a\u00a0b\nc", "a~b c"),
    ],
)  # fmt: skip
def test_words_by_hand(text, latex):
    assert latex_words(text) == latex


@pytest.mark.parametrize(
    ("formula", "latex"),
    [
        (r"ŷ_{1}^{(2)}", r"\hat{y}_{1}^{(2)}"),
        (r"\mathrm{Größe}", r"\mathrm{Gr\ddot{o}\text{\ss{}}e}"),
        ("ά + θ", r"\acute{\alpha} + \ensuremath{\theta}"),
        ("ş 中", r"\text{\c{s}} \text{\texttt{U+4E2D}}"),
        (r"x\left(1\right) \cdot 2", r"x\left(1\right) \cdot 2"),
    ],
)
def test_formulas_by_hand(formula, latex):
    assert latex_formula(formula) == latex


def test_whatever_unicode_formulas_are_written_with_is_known():
    written = [*GREEK.values(), *map(chr, SUPERSCRIPTS.values()), *map(chr, SUBSCRIPTS.values()), *"−·≈′∂√ᵀ∑Σℓ"]
    assert len(written) > 80
    assert [sign for sign in written if sign not in SIGNS] == []


@given(st.text(alphabet=st.characters()))
def test_any_words_are_ascii_and_closed(text):
    found = latex_words(text)
    assert found.isascii() and braces_close(found)
    assert not re.search(r"(?<!\\)[&#$%_]", re.sub(r"\\ensuremath\{[^}]*\}*", "", found))


@given(st.text(alphabet=st.characters(exclude_characters="{}\\", codec="utf-8")))
def test_any_formula_is_ascii_and_keeps_what_is_ascii(text):
    found = latex_formula(text)
    assert found.isascii() and braces_close(found)
    if text.isascii():
        assert found == text


def test_no_sign_has_two_rows():
    assert not set(ASCII) & set(LETTERS) and not set(LETTERS) & set(SIGNS) and not set(ASCII) & set(SIGNS)
