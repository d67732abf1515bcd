"""How formulas are written: each notation by hand, what is always true of it, and that a new one is a new table."""

import dataclasses
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given

from formulas import EXPRESSIONS, WRITTEN
from thalweg.elementary import FUNCTIONS
from thalweg.expressions import Symbol
from thalweg.notation import SUBSCRIPTS, SUPERSCRIPTS, TEXT, spelled
from thalweg.parsing import parse


OPENING = '<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">'

LATEX_AND_UNICODE = [
    ("x**2 + 3*sin(x)", r"x^{2} + 3 \sin\left(x\right)", "x² + 3·sin(x)"),
    ("-x/3", r"-\frac{x}{3}", "−x/3"),
    ("2*x/(3*y)", r"\frac{2 x}{3 y}", "2·x/(3·y)"),
    ("(x + 1)/(y - 1)", r"\frac{x + 1}{y - 1}", "(x + 1)/(y − 1)"),
    ("2*(x + 1)/y", r"\frac{2 \left(x + 1\right)}{y}", "2·(x + 1)/y"),
    ("1/3", r"\frac{1}{3}", "1/3"),
    ("-1/x**2", r"-\frac{1}{x^{2}}", "−1/x²"),
    ("(x/y)**2", r"\left(\frac{x}{y}\right)^{2}", "(x/y)²"),
    ("(-2)**x", r"\left(-2\right)^{x}", "(−2)ˣ"),
    ("x**(-y)", r"x^{-y}", "x⁻ʸ"),
    ("x**(y + 1)", r"x^{y + 1}", "xʸ⁺¹"),
    ("x**(12 - y)", r"x^{12 - y}", "x¹²⁻ʸ"),
    ("x**y**2", r"x^{y^{2}}", "x^(y²)"),
    ("(x**y)**z", r"\left(x^{y}\right)^{z}", "(xʸ)ᶻ"),
    ("x**(1/3)", r"x^{\frac{1}{3}}", "x^(1/3)"),
    ("x**(2*y)", r"x^{2 y}", "x^(2·y)"),
    ("x**0.5", "x^{0.5}", "x^(0.5)"),
    ("x**q + x**rate", r"x^{q} + x^{\mathrm{rate}}", "x^(q) + x^(rate)"),
    ("x**x1", "x^{x_{1}}", "x^(x₁)"),
    ("2*3**x", r"2 \cdot 3^{x}", "2·3ˣ"),
    ("0.5*x", "0.5 x", "0.5·x"),
    ("1e300*x", "10^{300} x", "10³⁰⁰·x"),
    ("1.5e-7*x", r"1.5 \cdot 10^{-7} x", "(1.5·10⁻⁷)·x"),
    ("1/1.5e-7**x", r"\frac{1}{\left(1.5 \cdot 10^{-7}\right)^{x}}", "1/(1.5·10⁻⁷)ˣ"),
    ("sqrt(x + 1)", r"\sqrt{x + 1}", "√(x + 1)"),
    ("1/sqrt(x)", r"\frac{1}{\sqrt{x}}", "1/√x"),
    ("sqrt(x)**3", r"\sqrt{x}^{3}", "(√x)³"),
    ("sqrt(x**3)", r"\sqrt{x^{3}}", "√(x³)"),
    ("abs(x)", r"\left|x\right|", "|x|"),
    ("exp(-x**2)", r"\exp\left(-x^{2}\right)", "exp(−x²)"),
    ("log(x) + log10(x)", r"\ln\left(x\right) + \log_{10}\left(x\right)", "ln(x) + log₁₀(x)"),
    ("sigmoid(x)", r"\sigma\left(x\right)", "σ(x)"),
    ("pi*e", r"\pi e", "π·e"),
    ("theta + x1 + x_2 + theta10", r"\theta + x_{1} + x_{2} + \theta_{10}", "θ + x₁ + x₂ + θ₁₀"),
    ("rate_max + rate + Gamma", r"\mathrm{rate}_{\mathrm{max}} + \mathrm{rate} + \Gamma", "rateₘₐₓ + rate + Γ"),
    ("w_i_j*x_i", r"w_{\mathrm{i\_j}} x_{i}", "w_i_j·xᵢ"),
    ("1 - (x - 2)", r"1 - \left(x - 2\right)", "1 − (x − 2)"),
    ("-(x + y)", r"-\left(x + y\right)", "−(x + y)"),
    ("-5", "-5", "−5"),
    ("cos(-x)", r"\cos\left(-x\right)", "cos(−x)"),
]


@pytest.mark.parametrize(("text", "latex", "unicode"), LATEX_AND_UNICODE)
def test_latex_and_unicode_by_hand(text, latex, unicode):
    assert parse(text).latex == latex
    assert parse(text)._repr_latex_() == rf"$\displaystyle {latex}$"
    assert parse(text).unicode == unicode


X, Y, TWO, MINUS, TIMES = "<mi>x</mi>", "<mi>y</mi>", "<mn>2</mn>", "<mo>−</mo>", "<mo>&#x2062;</mo>"


@pytest.mark.parametrize(
    ("text", "mathml"),
    [
        ("x", X),
        ("-x", f"<mrow>{MINUS}{X}</mrow>"),
        ("x**2 - 0.5", f"<mrow><msup>{X}{TWO}</msup>{MINUS}<mn>0.5</mn></mrow>"),
        ("2*x/y", f"<mfrac><mrow>{TWO}{TIMES}{X}</mrow>{Y}</mfrac>"),
        ("-1/y", f"<mrow>{MINUS}<mfrac><mn>1</mn>{Y}</mfrac></mrow>"),
        ("x*2**y", f"<mrow>{X}<mo>·</mo><msup>{TWO}{Y}</msup></mrow>"),
        ("x*(2 + x)**2", f"<mrow>{X}{TIMES}<msup><mrow><mo>(</mo><mrow>{TWO}<mo>+</mo>{X}</mrow><mo>)</mo></mrow>{TWO}"
         "</msup></mrow>"),
        ("1e-7 + x", f"<mrow><msup><mn>10</mn><mrow>{MINUS}<mn>7</mn></mrow></msup><mo>+</mo>{X}</mrow>"),
        ("1.5e300", "<mrow><mn>1.5</mn><mo>·</mo><msup><mn>10</mn><mn>300</mn></msup></mrow>"),
        ("sin(x)", f"<mrow><mi>sin</mi><mo>&#x2061;</mo><mrow><mo>(</mo>{X}<mo>)</mo></mrow></mrow>"),
        ("log2(x)", "<mrow><msub><mi>log</mi><mn>2</mn></msub>"
         f"<mo>&#x2061;</mo><mrow><mo>(</mo>{X}<mo>)</mo></mrow></mrow>"),
        ("sqrt(x)", f"<msqrt>{X}</msqrt>"),
        ("abs(x)", f"<mrow><mo>|</mo>{X}<mo>|</mo></mrow>"),
        ("theta10 + pi", "<mrow><msub><mi>θ</mi><mn>10</mn></msub><mo>+</mo><mi>π</mi></mrow>"),
        ("rate_max", "<msub><mi>rate</mi><mi>max</mi></msub>"),
    ],
)  # fmt: skip
def test_mathml_by_hand(text, mathml):
    assert parse(text).mathml == f"{OPENING}{mathml}</math>"


INDEXED = [
    (Symbol("W", (1, 2), 1), "W[1][1,2]", "W₁₂⁽¹⁾", "W_{12}^{(1)}",
     "<msubsup><mi>W</mi><mrow><mn>1</mn><mn>2</mn></mrow><mrow><mo>(</mo><mn>1</mn><mo>)</mo></mrow></msubsup>"),
    (Symbol("W", (10, 2), 1), "W[1][10,2]", "W₁₀,₂⁽¹⁾", "W_{10,2}^{(1)}",
     "<msubsup><mi>W</mi><mrow><mn>10</mn><mo>,</mo><mn>2</mn></mrow><mrow><mo>(</mo><mn>1</mn><mo>)</mo></mrow></msubsup>"),
    (Symbol("W", ("i", "j"), 12), "W[12][i,j]", "Wᵢⱼ⁽¹²⁾", "W_{ij}^{(12)}",
     "<msubsup><mi>W</mi><mrow><mi>i</mi><mi>j</mi></mrow><mrow><mo>(</mo><mn>12</mn><mo>)</mo></mrow></msubsup>"),
    (Symbol("delta", (3,), 2), "delta[2][3]", "δ₃⁽²⁾", r"\delta_{3}^{(2)}",
     "<msubsup><mi>δ</mi><mn>3</mn><mrow><mo>(</mo><mn>2</mn><mo>)</mo></mrow></msubsup>"),
    (Symbol("delta", ("k",), "l+1"), "delta[l+1][k]", "δₖ⁽ˡ⁺¹⁾", r"\delta_{k}^{(\ell+1)}",
     "<msubsup><mi>δ</mi><mi>k</mi><mrow><mo>(</mo><mi>ℓ</mi><mo>+</mo><mn>1</mn><mo>)</mo></mrow></msubsup>"),
    (Symbol("z", ("i",), "l-1"), "z[l-1][i]", "zᵢ⁽ˡ⁻¹⁾", r"z_{i}^{(\ell-1)}",
     "<msubsup><mi>z</mi><mi>i</mi><mrow><mo>(</mo><mi>ℓ</mi><mo>−</mo><mn>1</mn><mo>)</mo></mrow></msubsup>"),
    (Symbol("W", (), "L"), "W[L][:]", "W⁽ᴸ⁾", "W^{(L)}",
     "<msup><mi>W</mi><mrow><mo>(</mo><mi>L</mi><mo>)</mo></mrow></msup>"),
    (Symbol("x", (3,)), "x[3]", "x₃", "x_{3}", "<msub><mi>x</mi><mn>3</mn></msub>"),
    (Symbol("b", ("b",), "Q"), "b[Q][b]", "b_b^(Q)", "b_{b}^{(Q)}",
     "<msubsup><mi>b</mi><mi>b</mi><mrow><mo>(</mo><mi>Q</mi><mo>)</mo></mrow></msubsup>"),
    (Symbol("W", (10, "b"), 1), "W[1][10,b]", "W_(10,b)⁽¹⁾", "W_{10,b}^{(1)}",
     "<msubsup><mi>W</mi><mrow><mn>10</mn><mo>,</mo><mi>b</mi></mrow><mrow><mo>(</mo><mn>1</mn><mo>)</mo></mrow></msubsup>"),
    (Symbol("x1", (2,)), "x1[2]", "x₁₂", "x_{12}", "<msub><mi>x</mi><mrow><mn>1</mn><mn>2</mn></mrow></msub>"),
]  # fmt: skip


@pytest.mark.parametrize(("symbol", "text", "unicode", "latex", "mathml"), INDEXED, ids=[row[1] for row in INDEXED])
def test_layers_and_indices_by_hand(symbol, text, unicode, latex, mathml):
    assert (str(symbol), symbol.unicode, symbol.latex) == (text, unicode, latex)
    assert symbol.mathml == f"{OPENING}{mathml}</math>"
    assert spelled(symbol.name, symbol.indices, symbol.layer) == text


def test_a_power_of_what_has_a_layer_keeps_layer_and_exponent_apart():
    w = Symbol("W", (1, 2), 1)
    assert (w**2).unicode == "(W₁₂⁽¹⁾)²" and (w**2).latex == r"\left(W_{12}^{(1)}\right)^{2}"
    assert str(w**2 * w) == "W[1][1,2]**3" and (2 * w / 3).unicode == "2·W₁₂⁽¹⁾/3"
    assert (Symbol("x", (3,)) ** 2).unicode == "x₃²" and (Symbol("x", (3,)) ** 2).latex == "x_{3}^{2}"


def test_names_that_were_not_typed():
    assert Symbol("δ1").latex == "δ_{1}" and Symbol("_").latex == r"\mathrm{\_}"
    assert Symbol("a b").latex == r"\mathrm{a b}" and Symbol("ŷ", (1,)).unicode == "ŷ₁"


def test_a_notation_is_a_table():
    pretty = dataclasses.replace(TEXT, times="·", times_digit="·", minus=" − ", sign="−", power="{}^{}".format)
    assert parse("-2*x**2 - 3/y").written(pretty) == "−2·x^2 − 3/y"


@given(WRITTEN)
def test_every_brace_of_latex_is_closed(e):
    latex, depth = e.latex, 0
    for brace in re.findall(r"(?<!\\)[{}]", latex):
        depth += 1 if brace == "{" else -1
        assert depth >= 0, latex
    assert depth == 0, latex
    assert latex.count(r"\left") == latex.count(r"\right")
    assert not re.search(r"\^\{[^{}]*\}\^", latex), latex  # a double superscript


@given(WRITTEN)
def test_unicode_has_no_star_and_no_ascii_minus(e):
    assert not set(e.unicode) & set("*-<>&\\{}"), e.unicode


@given(WRITTEN)
def test_mathml_is_well_formed_and_its_elements_have_the_parts_they_need(e):
    root = ET.fromstring(e.mathml)
    assert e.mathml.count("<math") == 1
    wanted = {"msup": 2, "msub": 2, "msubsup": 3, "mfrac": 2, "munder": 2, "msqrt": 1, "math": 1}
    for element in root.iter():
        tag = element.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")
        if tag in ("mi", "mn", "mo"):
            assert element.text and not len(element)
        else:
            assert tag in wanted or tag == "mrow", tag
            assert len(element) == wanted.get(tag, len(element)) and not element.text, e.mathml
        assert not element.tail, e.mathml


@given(EXPRESSIONS)
def test_mathml_says_the_same_formula(e):
    assert parse(from_mathml(ET.fromstring(e.mathml))) == e


@given(EXPRESSIONS)
def test_unicode_says_the_same_formula(e):
    assert parse(from_unicode(e.unicode)) == e


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_told_from_the_others(name):
    e = parse(f"{name}(x + 1)**2")
    assert parse(from_mathml(ET.fromstring(e.mathml))) == parse(from_unicode(e.unicode)) == e
    head = FUNCTIONS[name].latex.partition(r"\left")[0]
    if name not in ("abs", "sqrt"):  # the same word as LaTeX has
        word = head.removeprefix(r"\operatorname").replace("{", "").replace("}", "").strip("\\").replace("_", "")
        assert e.unicode.startswith({"sigma": "σ"}.get(word, word.translate(SUBSCRIPT_DIGITS)) + "(")


SUBSCRIPT_DIGITS = {place: SUBSCRIPTS[place] for place in map(ord, "0123456789")}
NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "ln": "log", "σ": "sigmoid", "θ": "theta", "π": "pi"}
SIGNS = {"−": "-", "\u2062": "*", "·": "*", "\u2061": ""}


def from_mathml(element: ET.Element) -> str:
    """The formula as `parse` reads it, from what the elements mean and with more brackets than are needed."""
    tag = element.tag.rpartition("}")[2]
    text = element.text or ""
    parts = [from_mathml(part) for part in element]
    if tag in ("mi", "mn", "mo"):
        return NAMES.get(text) or SIGNS.get(text, text)
    if tag == "mrow" and parts[0] == "|":
        return f"abs({''.join(parts[1:-1])})"
    if tag == "mrow" and len(element) > 1 and element[1].text == "\u2061":
        return "".join(parts)
    marks = {"msub": "%s%s", "msup": "((%s)**(%s))", "mfrac": "((%s)/(%s))", "msqrt": "sqrt(%s)", "math": "%s"}
    return marks[tag] % tuple(parts) if tag in marks else f"({''.join(parts)})"


def from_unicode(text: str) -> str:
    """The same from characters."""
    above = {chr(above): chr(plain) for plain, above in SUPERSCRIPTS.items()} | {"⁻": "-"}
    below = {chr(below): chr(plain) for plain, below in SUBSCRIPTS.items()}
    text = re.sub(f"[{''.join(above)}]+", lambda run: f"^({''.join(above[c] for c in run[0])})", text)
    text = "".join(below.get(character, character) for character in text)
    text = re.sub(r"[^\W\d]+", lambda word: NAMES.get(word[0], word[0]), text)
    text = re.sub(r"√(?!\()", "√ ", text)
    done, opened = "", True  # would a | open here?
    for character in text:
        done += ("abs(" if opened else ")") if character == "|" else character
        opened = character in "(·/√^+−" or (character in " |" and opened)
    while "√" in done:  # from the last, so that what follows has none
        before, _, after = done.rpartition("√")
        if after.startswith(" "):  # of one name, number, call or value between strokes
            end = re.match(r"[\w.]*", after[1:]).end() + 1  # pyright: ignore[reportOptionalMemberAccess]
            depth = 0
            while after[end : end + 1] == "(" or depth:
                depth += {"(": 1, ")": -1}.get(after[end], 0)
                end += 1
            after = f"({after[1:end]}){after[end:]}"
        done = f"{before}sqrt{after}"
    return done
