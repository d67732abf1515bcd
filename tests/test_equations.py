"""Equations: a function g without a rule, Σ, ∂E/∂W, and chains of equals; the lecture's (5) to (7) by hand."""

import copy
import pickle
import xml.etree.ElementTree as ET

import pytest

import thalweg as tw
from thalweg.closures import compiled
from thalweg.equations import Applied, Partial, SumOver, equation
from thalweg.expressions import Symbol, call
from thalweg.notation import LATEX, MATHML, TEXT


x, E = Symbol("x", ("i",)), Symbol("E")
w, v = Symbol("W", ("i", "j"), 1), Symbol("W", ("j", "k"), 2)
a, z, delta = Symbol("a", ("j",), 1), Symbol("z", ("j",), 1), Symbol("delta", ("k",), 2)
slope = Applied("g", a, primes=1)
error = SumOver("k", delta * v)

LECTURE = [  # the sides, and the line in each notation
    (
        (z, Applied("g", a)),
        "z[1][j] = g(a[1][j])",
        "zⱼ⁽¹⁾ = g(aⱼ⁽¹⁾)",
        r"z_{j}^{(1)} = g\left(a_{j}^{(1)}\right)",
    ),
    (
        (a, SumOver("i", x * w)),
        "a[1][j] = sum[i](x[i]*W[1][i,j])",
        "aⱼ⁽¹⁾ = Σᵢ xᵢ·Wᵢⱼ⁽¹⁾",
        r"a_{j}^{(1)} = \sum_{i} x_{i} W_{ij}^{(1)}",
    ),
    (
        (Partial(E, v), delta * z),
        "dE/dW[2][j,k] = delta[2][k]*z[1][j]",
        "∂E/∂Wⱼₖ⁽²⁾ = δₖ⁽²⁾·zⱼ⁽¹⁾",
        r"\frac{\partial E}{\partial W_{jk}^{(2)}} = \delta_{k}^{(2)} z_{j}^{(1)}",
    ),
    (
        (Symbol("delta", ("j",), 1), Partial(E, z) * slope, error * slope),
        "delta[1][j] = (dE/dz[1][j])*g'(a[1][j]) = sum[k](delta[2][k]*W[2][j,k])*g'(a[1][j])",
        "δⱼ⁽¹⁾ = (∂E/∂zⱼ⁽¹⁾)·g′(aⱼ⁽¹⁾) = (Σₖ δₖ⁽²⁾·Wⱼₖ⁽²⁾)·g′(aⱼ⁽¹⁾)",
        r"\delta_{j}^{(1)} = \frac{\partial E}{\partial z_{j}^{(1)}} g'\left(a_{j}^{(1)}\right)"
        r" = \left(\sum_{k} \delta_{k}^{(2)} W_{jk}^{(2)}\right) g'\left(a_{j}^{(1)}\right)",
    ),
]


@pytest.mark.parametrize(("sides", "text", "unicode", "latex"), LECTURE, ids=[row[1] for row in LECTURE])
def test_the_equations_of_the_lecture(sides, text, unicode, latex):
    assert equation(*sides, notation=TEXT) == text
    assert equation(*sides) == unicode
    assert equation(*sides, notation=LATEX) == latex
    root = ET.fromstring(equation(*sides, notation=MATHML))
    assert [sign.text for sign in root[0].findall("{*}mo")] == ["="] * (len(sides) - 1)


def test_mathml_of_the_new_parts():
    whole = "{}</math>".format
    assert Partial(E, Symbol("z")).mathml.endswith(
        whole("<mfrac><mrow><mo>∂</mo><mi>E</mi></mrow><mrow><mo>∂</mo><mi>z</mi></mrow></mfrac>")
    )
    assert SumOver("k", Symbol("z")).mathml.endswith(
        whole("<mrow><munder><mo>∑</mo><mi>k</mi></munder><mi>z</mi></mrow>")
    )
    assert Applied("g", Symbol("z"), 1).mathml.endswith(
        whole(
            "<mrow><msup><mi>g</mi><mo>′</mo></msup><mo>&#x2061;</mo><mrow><mo>(</mo><mi>z</mi><mo>)</mo></mrow></mrow>"
        )
    )
    assert equation(E, 0.5, notation=MATHML).count("<math") == 1


def test_a_number_in_the_place_of_each_part_and_the_result_about_it():
    product = error * slope
    numbers = product.with_numbers({error: 0.75, slope: -0.25})
    assert equation(Symbol("delta", (3,), 1), product, numbers, round(numbers(), 2), about=True) == (
        "δ₃⁽¹⁾ = (Σₖ δₖ⁽²⁾·Wⱼₖ⁽²⁾)·g′(aⱼ⁽¹⁾) = 0.75·(−0.25) ≈ −0.19"
    )
    assert equation(E, numbers, -0.1875, notation=LATEX, about=True) == (
        r"E = 0.75 \cdot \left(-0.25\right) \approx -0.1875"
    )
    assert equation(E, 2, notation=TEXT, about=True) == "E ~ 2"
    assert Partial(E, z).with_numbers({z: 0.5}) == Partial(E, z)  # never ∂E/∂0.5
    with pytest.raises(tw.InputError, match="two parts or more, not 1"):
        equation(E)


def test_where_a_sum_and_a_quotient_need_brackets():
    y = Symbol("y")
    assert (1 + SumOver("k", y) + 2).unicode == "3 + Σₖ y"
    assert SumOver("k", y + 1).unicode == "Σₖ (y + 1)" and SumOver("k", -y).latex == r"\sum_{k} \left(-y\right)"
    assert (SumOver("k", y) ** 2 / 3).latex == r"\frac{\left(\sum_{k} y\right)^{2}}{3}"
    assert (SumOver("b", y) / 3).unicode == "(Σ_b y)/3" and (y / Partial(E, y)).unicode == "y/(∂E/∂y)"
    assert (Partial(E, y) ** 2).latex == r"\left(\frac{\partial E}{\partial y}\right)^{2}"
    assert Applied("sigma", y, 2).unicode == "σ′′(y)" and Applied("act", y).latex == r"\mathrm{act}\left(y\right)"


def test_the_chain_rule_through_a_function_without_a_rule():
    b = Symbol("b", (1,), 1)
    e = Applied("g", Applied("g", b**2))
    assert e.derivative("b[1][1]").unicode == "2·b₁⁽¹⁾·g′((b₁⁽¹⁾)²)·g′(g((b₁⁽¹⁾)²))"
    assert str(Applied("g", b).derivative("b[1][1]").derivative("b[1][1]")) == "g''(b[1][1])"
    assert e.derivative("x") == 0 * x


def test_what_can_only_be_written_has_no_value():
    for e, mark in ((Applied("g", a) + 1, "g"), (2 * error, "Σ_k"), (call("exp", Partial(E, z)), r"∂E/∂z\[1\]\[j\]")):
        sentence = rf"can only be written has no value: put numbers \(with_numbers\) in the place of {mark}$"
        for attempt in (
            lambda e=e: e(**dict.fromkeys(e.variables, 0.0)),
            lambda e=e: e(),  # before it asks for variables
            lambda e=e: e.on_grid(),
            lambda e=e: compiled([e], e.variables)([0.0] * len(e.variables)),
        ):
            with pytest.raises(tw.InputError, match=sentence):
                attempt()
        assert e.marks and repr(e) == f"<{e}>"
    for e in (error, error * Symbol("y"), Partial(E, z)):
        for name in ("y", "W[2][1,1]"):  # which may be one of what the sum runs over
            with pytest.raises(tw.InputError, match="no derivative is taken of what can only be written: "):
                e.derivative(name)


def test_they_are_parts_like_any_other():
    kinds = [Applied("g", a), Applied("g", a, 1), Applied("h", a), Applied("g", z), error, SumOver("j", delta * v),
             Partial(E, z), Partial(E, a), Partial(z, a)]  # fmt: skip
    assert len(set(kinds)) == len(kinds)
    for e in kinds:
        again = pickle.loads(pickle.dumps(e))
        assert again == e == copy.deepcopy(e) and hash(again) == hash(e) and again.mathml == e.mathml
        assert (e + e - 2 * e) == 0 * a and e / e == 0 * a + 1
    for wrong in (
        lambda: Applied("g(", a),
        lambda: Applied("1", a),
        lambda: SumOver("k=1", a),
        lambda: SumOver("3", a),
    ):
        with pytest.raises(tw.InputError, match="letter"):
            wrong()
