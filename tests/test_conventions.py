"""How a lecture writes it: symbols by hand, and each kind of step in letters, with indices and with numbers."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest

import thalweg as tw
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.conventions import Conventions
from thalweg.notation import LATEX, MATHML, TEXT, UNICODE
from thalweg.tracing import trace
from worked import RELU, SOFTMAX, in_numbers


OTHER = Conventions(error="L", rate="alpha", before="z", after="a", activation="f", weight="w", vectors="column")
OPENING = '<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">'

# --- Symbols ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "unicode", "latex", "other"),
    [
        (("x", 3), "x[3]", "x₃", "x_{3}", "x₃"),
        (("y", 2), "y[2]", "y₂", "y_{2}", "y₂"),
        (("W", 1, 2, 3), "W[1][2,3]", "W₂₃⁽¹⁾", "W_{23}^{(1)}", "w₃₂⁽¹⁾"),
        (("b", 1, 3), "b[1][3]", "b₃⁽¹⁾", "b_{3}^{(1)}", "b₃⁽¹⁾"),
        (("a", 2, 5), "a[2][5]", "a₅⁽²⁾", "a_{5}^{(2)}", "z₅⁽²⁾"),
        (("z", 2, 5), "z[2][5]", "z₅⁽²⁾", "z_{5}^{(2)}", "a₅⁽²⁾"),
        (("g'", 2, 5), "g'(a[2][5])", "g′(a₅⁽²⁾)", r"g'\left(a_{5}^{(2)}\right)", "f′(z₅⁽²⁾)"),
        (("E",), "E", "E", "E", "L"),
        (("dE/dz", 3, 2), "dE/dz[3][2]", "∂E/∂z₂⁽³⁾", r"\frac{\partial E}{\partial z_{2}^{(3)}}", "∂L/∂a₂⁽³⁾"),
        (("dz/da", 3, 2, 1), "dz[3][2]/da[3][1]", "∂z₂⁽³⁾/∂a₁⁽³⁾",
         r"\frac{\partial z_{2}^{(3)}}{\partial a_{1}^{(3)}}", "∂a₂⁽³⁾/∂z₁⁽³⁾"),
        (("delta", 2, 5), "delta[2][5]", "δ₅⁽²⁾", r"\delta_{5}^{(2)}", "δ₅⁽²⁾"),
        (("dE/dW", 1, 2, 3), "dE/dW[1][2,3]", "∂E/∂W₂₃⁽¹⁾", r"\frac{\partial E}{\partial W_{23}^{(1)}}",
         "∂L/∂w₃₂⁽¹⁾"),
        (("dE/db", 1, 3), "dE/db[1][3]", "∂E/∂b₃⁽¹⁾", r"\frac{\partial E}{\partial b_{3}^{(1)}}", "∂L/∂b₃⁽¹⁾"),
        (("eta",), "eta", "η", r"\eta", "α"),
        (("W_new", 1, 2, 3), "W[1][2,3]", "W₂₃⁽¹⁾", "W_{23}^{(1)}", "w₃₂⁽¹⁾"),
        (("b_new", 1, 3), "b[1][3]", "b₃⁽¹⁾", "b_{3}^{(1)}", "b₃⁽¹⁾"),
        (("W", "l", "i", "j"), "W[l][i,j]", "Wᵢⱼ⁽ˡ⁾", r"W_{ij}^{(\ell)}", "wⱼᵢ⁽ˡ⁾"),
        (("W", 1, 10, 2), "W[1][10,2]", "W₁₀,₂⁽¹⁾", "W_{10,2}^{(1)}", "w₂,₁₀⁽¹⁾"),
    ],
)  # fmt: skip
def test_symbols_by_hand(key, text, unicode, latex, other):
    symbol = Conventions().symbol(key)
    assert (str(symbol), symbol.unicode, symbol.latex) == (text, unicode, latex)
    assert OTHER.symbol(key).unicode == other


def test_any_letter_and_any_greek_one_will_do():
    c = Conventions(
        error="J", rate="gamma", activation="sigma", delta="epsilon", weight="theta", input="xi", target="t"
    )
    keys = [("E",), ("eta",), ("g'", 1, 2), ("delta", 1, 2), ("W", 1, 2, 3), ("x", 1), ("y", 1)]
    assert [c.symbol(key).unicode for key in keys] == ["J", "γ", "σ′(a₂⁽¹⁾)", "ε₂⁽¹⁾", "θ₂₃⁽¹⁾", "ξ₁", "t₁"]
    assert Conventions(after="h_out").symbol(("z", 1, 2)).latex == r"h_{\mathrm{out},2}^{(1)}"


# --- The profile ------------------------------------------------------------------------------------------------------


def test_a_profile_comes_back_from_plain_types_and_holds_what_differs():
    assert Conventions().to_dict() == {}
    plain = json.loads(json.dumps(OTHER.to_dict()))
    assert plain == {"error": "L", "rate": "alpha", "before": "z", "after": "a", "activation": "f", "weight": "w",
                     "vectors": "column"}  # fmt: skip
    assert Conventions.from_dict(plain) == OTHER != Conventions()


def test_a_profile_is_a_small_file(tmp_path):
    path = tmp_path / "lecture.toml"
    path.write_text('error = "J"\nhalf = true\nreduction = "sum"\n', encoding="utf-8")
    assert Conventions.read(path) == Conventions(error="J", half=True, reduction="sum")
    path.write_text("", encoding="utf-8")
    assert Conventions.read(str(path)) == Conventions()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"error": "1"}, "the symbol for error must be a letter or the name of one, such as eta, not '1'"),
        ({"rate": "e ta"}, "the symbol for rate must be a letter"),
        ({"rate": ""}, "the symbol for rate must be a letter"),
        ({"bias": None}, "the symbol for bias must be a letter"),
        ({"weight": "W[1]"}, "the symbol for weight must be a letter"),
        ({"activation": "g_max"}, "the symbol for activation is the name of a function, of letters only, not 'g_max'"),
        ({"before": "z"}, "the conventions write both before and after as 'z'; choose different symbols"),
        ({"error": "y"}, "the conventions write both error and target as 'y'"),
        ({"half": "yes"}, "half must be true .* or false, not 'yes'"),
        ({"reduction": "max"}, "reduction must be one of mean, sum, not 'max'"),
        ({"vectors": "rows"}, "vectors must be one of row, column, not 'rows'"),
        ({"vectors": None}, "vectors must be one of row, column, not None"),
        ({"eror": "L"}, r"there is no convention 'eror' \(is 'error' meant\?\); there are error, rate, before"),
        ({"colour": "red"}, "there is no convention 'colour'; there are"),
    ],
)
def test_what_is_no_convention_gets_a_sentence(given, said):
    with pytest.raises(tw.InputError, match=said):
        Conventions.from_dict(given)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"'.*lecture.toml' does not exist"),
        (b"error = ", r"the conventions '.*lecture.toml' are no TOML: "),
        (b"error = '\xff'", r"'.*lecture.toml' is no text in UTF-8, as byte 10 is 0xff"),
        (b"error = 1", r"^'.*lecture.toml': the symbol for error must be a letter"),
    ],
)
def test_a_file_that_is_no_profile_is_named(content, said, tmp_path):
    path = tmp_path / "lecture.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(tw.InputError, match=said):
        Conventions.read(path)


def test_a_profile_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        OTHER.error = "J"  # pyright: ignore[reportAttributeAccessIssue]


# --- What is computed -------------------------------------------------------------------------------------------------


def test_the_factor_one_half_and_the_reduction_are_the_lectures():
    network = tw.Network([2, 1], loss="squared_error", reduction="mean", l2=0.5, dropout=())
    assert Conventions().objective(network) is network
    assert Conventions(half=False).objective(network) == network
    halved = Conventions(half=True, reduction="sum").objective(network)
    assert (halved.loss.name, halved.reduction, halved.l2, halved.sizes) == ("half_squared_error", "sum", 0.5, (2, 1))
    assert Conventions(half=False).objective(halved).loss.name == "squared_error"
    other = tw.Network([2, 3, 2], output="softmax", loss="cross_entropy", activation=tw.LeakyReLU(0.2))
    assert Conventions(half=True).objective(other) == other
    assert Conventions(reduction="sum").objective(other).activation == (tw.LeakyReLU(0.2),)


@pytest.mark.parametrize(("half", "error", "slope"), [(None, 9, 6), (False, 9, 6), (True, Fraction(9, 2), 3)])
def test_one_half_is_in_error_and_gradient(half, error, slope):
    t = trace(tw.Network([1, 1], bias=False), [2], [1], [-1], conventions=Conventions(half=half), arithmetic=FRACTIONS)
    assert (t["E"].result, t["delta", 1, 1].result) == (error, slope)


# --- Each kind of step at three depths --------------------------------------------------------------------------------


def relu_example(conventions=None):
    network = tw.Network(RELU.sizes, activation=RELU.hidden, output=RELU.output, loss=RELU.loss)
    weights, biases, x, y = in_numbers(RELU, RELU.arithmetic)
    p = [number for W, b in zip(weights, biases, strict=True) for number in [*sum(W, []), *b]]
    return trace(network, p, x, y, learning_rate=Fraction(1, 10), arithmetic=FRACTIONS, conventions=conventions)


STEPS = [
    (("x", 2), "xᵢ", "x[2] = -2", "x₂ = −2", "x_{2} = -2"),
    (("W", 1, 2, 3), "Wᵢⱼ⁽¹⁾", "W[1][2,3] = -1/2", "W₂₃⁽¹⁾ = −1/2", r"W_{23}^{(1)} = -\frac{1}{2}"),
    (("a", 1, 1), "aⱼ⁽¹⁾ = Σᵢ xᵢ·Wᵢⱼ⁽¹⁾ + bⱼ⁽¹⁾",
     "a[1][1] = x[1]*W[1][1,1] + x[2]*W[1][2,1] + b[1][1] = (3/2)*2 + (-2)*(1/2) + 1/3 = 7/3",
     "a₁⁽¹⁾ = x₁·W₁₁⁽¹⁾ + x₂·W₂₁⁽¹⁾ + b₁⁽¹⁾ = (3/2)·2 + (−2)·(1/2) + 1/3 = 7/3",
     r"a_{1}^{(1)} = x_{1} W_{11}^{(1)} + x_{2} W_{21}^{(1)} + b_{1}^{(1)} = \left(\frac{3}{2}\right) \cdot 2 "
     r"+ \left(-2\right) \left(\frac{1}{2}\right) + \frac{1}{3} = \frac{7}{3}"),
    (("a", 2, 1), "aⱼ⁽²⁾ = Σᵢ zᵢ⁽¹⁾·Wᵢⱼ⁽²⁾ + bⱼ⁽²⁾",
     "a[2][1] = z[1][1]*W[2][1,1] + z[1][2]*W[2][2,1] + z[1][3]*W[2][3,1] + b[2][1] "
     "= (7/3)*(-3/4) + 0*5 + (1/4)*2 + 1/2 = -3/4",
     "a₁⁽²⁾ = z₁⁽¹⁾·W₁₁⁽²⁾ + z₂⁽¹⁾·W₂₁⁽²⁾ + z₃⁽¹⁾·W₃₁⁽²⁾ + b₁⁽²⁾ = (7/3)·(−3/4) + 0·5 + (1/4)·2 + 1/2 = −3/4",
     None),
    (("z", 1, 3), "zⱼ⁽¹⁾ = g(aⱼ⁽¹⁾)", "z[1][3] = g(a[1][3]) = a[1][3] = 1/4", "z₃⁽¹⁾ = g(a₃⁽¹⁾) = a₃⁽¹⁾ = 1/4",
     r"z_{3}^{(1)} = g\left(a_{3}^{(1)}\right) = a_{3}^{(1)} = \frac{1}{4}"),
    (("z", 1, 2), "zⱼ⁽¹⁾ = g(aⱼ⁽¹⁾)", "z[1][2] = g(a[1][2]) = 0", "z₂⁽¹⁾ = g(a₂⁽¹⁾) = 0",
     r"z_{2}^{(1)} = g\left(a_{2}^{(1)}\right) = 0"),
    (("E",), "E = Σₖ (zₖ⁽²⁾ − yₖ)²", "E = (z[2][1] - y[1])**2 = (-3/4 - (1/4))**2 = 1",
     "E = (z₁⁽²⁾ − y₁)² = (−3/4 − (1/4))² = 1",
     None),
    (("dE/dz", 2, 1), "∂E/∂zₖ⁽²⁾ = 2·(zₖ⁽²⁾ − yₖ)", "dE/dz[2][1] = 2*(z[2][1] - y[1]) = 2*(-3/4 - (1/4)) = -2",
     "∂E/∂z₁⁽²⁾ = 2·(z₁⁽²⁾ − y₁) = 2·(−3/4 − (1/4)) = −2",
     None),
    (("g'", 1, 1), "g′(aⱼ⁽¹⁾)", "g'(a[1][1]) = 1", "g′(a₁⁽¹⁾) = 1", r"g'\left(a_{1}^{(1)}\right) = 1"),
    (("delta", 2, 1), "δⱼ⁽²⁾ = (∂E/∂zⱼ⁽²⁾)·g′(aⱼ⁽²⁾)", "delta[2][1] = (dE/dz[2][1])*g'(a[2][1]) = (-2)*1 = -2",
     "δ₁⁽²⁾ = (∂E/∂z₁⁽²⁾)·g′(a₁⁽²⁾) = (−2)·1 = −2",
     r"\delta_{1}^{(2)} = \frac{\partial E}{\partial z_{1}^{(2)}} g'\left(a_{1}^{(2)}\right) "
     r"= \left(-2\right) \cdot 1 = -2"),
    (("delta", 1, 3), "δⱼ⁽¹⁾ = (Σₖ δₖ⁽²⁾·Wⱼₖ⁽²⁾)·g′(aⱼ⁽¹⁾)",
     "delta[1][3] = delta[2][1]*W[2][3,1]*g'(a[1][3]) = (-2)*2*1 = -4",
     "δ₃⁽¹⁾ = δ₁⁽²⁾·W₃₁⁽²⁾·g′(a₃⁽¹⁾) = (−2)·2·1 = −4",
     r"\delta_{3}^{(1)} = \delta_{1}^{(2)} W_{31}^{(2)} g'\left(a_{3}^{(1)}\right) "
     r"= \left(-2\right) \cdot 2 \cdot 1 = -4"),
    (("dE/dW", 1, 2, 3), "∂E/∂Wᵢⱼ⁽¹⁾ = δⱼ⁽¹⁾·xᵢ", "dE/dW[1][2,3] = delta[1][3]*x[2] = (-4)*(-2) = 8",
     "∂E/∂W₂₃⁽¹⁾ = δ₃⁽¹⁾·x₂ = (−4)·(−2) = 8",
     r"\frac{\partial E}{\partial W_{23}^{(1)}} = \delta_{3}^{(1)} x_{2} = \left(-4\right) \cdot \left(-2\right) = 8"),
    (("dE/dW", 2, 3, 1), "∂E/∂Wᵢⱼ⁽²⁾ = δⱼ⁽²⁾·zᵢ⁽¹⁾", "dE/dW[2][3,1] = delta[2][1]*z[1][3] = (-2)*(1/4) = -1/2",
     "∂E/∂W₃₁⁽²⁾ = δ₁⁽²⁾·z₃⁽¹⁾ = (−2)·(1/4) = −1/2", None),
    (("dE/db", 1, 1), "∂E/∂bⱼ⁽¹⁾ = δⱼ⁽¹⁾", "dE/db[1][1] = delta[1][1] = 3/2", "∂E/∂b₁⁽¹⁾ = δ₁⁽¹⁾ = 3/2",
     r"\frac{\partial E}{\partial b_{1}^{(1)}} = \delta_{1}^{(1)} = \frac{3}{2}"),
    (("W_new", 1, 2, 3), "Wᵢⱼ⁽¹⁾ = Wᵢⱼ⁽¹⁾ − η·(∂E/∂Wᵢⱼ⁽¹⁾)",
     "W[1][2,3] := W[1][2,3] - eta*(dE/dW[1][2,3]) = -1/2 - (1/10)*8 = -13/10",
     "W₂₃⁽¹⁾ := W₂₃⁽¹⁾ − η·(∂E/∂W₂₃⁽¹⁾) = −1/2 − (1/10)·8 = −13/10",
     r"W_{23}^{(1)} := W_{23}^{(1)} - \eta \frac{\partial E}{\partial W_{23}^{(1)}} "
     r"= -\frac{1}{2} - \left(\frac{1}{10}\right) \cdot 8 = -\frac{13}{10}"),
    (("b_new", 1, 1), "bⱼ⁽¹⁾ = bⱼ⁽¹⁾ − η·(∂E/∂bⱼ⁽¹⁾)",
     "b[1][1] := b[1][1] - eta*(dE/db[1][1]) = 1/3 - (1/10)*(3/2) = 11/60",
     "b₁⁽¹⁾ := b₁⁽¹⁾ − η·(∂E/∂b₁⁽¹⁾) = 1/3 − (1/10)·(3/2) = 11/60", None),
]  # fmt: skip


@pytest.mark.parametrize(("key", "general", "text", "unicode", "latex"), STEPS, ids=[repr(row[0]) for row in STEPS])
def test_each_kind_of_step_by_hand(key, general, text, unicode, latex):
    step = relu_example()[key]
    assert " = ".join(part.unicode for part in (step.general_symbol, *step.general)) == general
    assert (step.written(TEXT), step.written(UNICODE), str(step)) == (text, unicode, unicode)
    assert latex is None or step.written(LATEX) == latex


def test_steps_in_mathml_by_hand():
    t = relu_example()
    minus, dot, times = "<mo>−</mo>", "<mo>·</mo>", "<mo>&#x2062;</mo>"
    quarter = "<mfrac><mn>1</mn><mn>4</mn></mfrac>"

    def sub(name, below):
        return f"<msub><mi>{name}</mi><mn>{below}</mn></msub>"

    def layered(name, below, layer):
        inside = "".join(f"<mn>{one}</mn>" for one in below)
        below = f"<mrow>{inside}</mrow>" if len(below) > 1 else inside
        return f"<msubsup><mi>{name}</mi>{below}<mrow><mo>(</mo><mn>{layer}</mn><mo>)</mo></mrow></msubsup>"

    def bracketed(inside):
        return f"<mrow><mo>(</mo>{inside}<mo>)</mo></mrow>"

    two = f"<mrow>{minus}<mn>2</mn></mrow>"
    symbol = f"<mfrac><mrow><mo>∂</mo><mi>E</mi></mrow><mrow><mo>∂</mo>{layered('W', '31', 2)}</mrow></mfrac>"
    formula = f"<mrow>{layered('δ', '1', 2)}{times}{layered('z', '3', 1)}</mrow>"
    numbers = f"<mrow>{bracketed(two)}{times}{bracketed(quarter)}</mrow>"
    half = f"<mrow>{minus}<mfrac><mn>1</mn><mn>2</mn></mfrac></mrow>"
    parts = "<mo>=</mo>".join([symbol, formula, numbers, half])
    assert t["dE/dW", 2, 3, 1].written(MATHML) == f"{OPENING}<mrow>{parts}</mrow></math>"
    product = f"<mrow>{bracketed(two)}{dot}<mn>2</mn>{dot}<mn>1</mn></mrow>"
    assert product in t["delta", 1, 3].written(MATHML)
    assert f"{sub('x', 2)}<mo>=</mo>{two}" in t["x", 2].written(MATHML)
    assert f"{layered('W', '23', 1)}<mo>:=</mo>" in t["W_new", 1, 2, 3].written(MATHML)


def test_softmax_at_three_depths():
    weights, biases, x, y = in_numbers(SOFTMAX, SOFTMAX.arithmetic)
    p = [float(number) for W, b in zip(weights, biases, strict=True) for number in [*sum(W, []), *b]]
    network = tw.Network(SOFTMAX.sizes, activation="tanh", output="softmax", loss="cross_entropy")
    t = trace(
        network, p, [float(one) for one in x], [float(one) for one in y], arithmetic=Arithmetic("rounded", Rounding(3))
    )
    assert str(t["z", 1, 1]) == "z₁⁽¹⁾ = g(a₁⁽¹⁾) = tanh(a₁⁽¹⁾) = tanh(0.693) ≈ 0.6"
    assert str(t["z", 2, 2]) == (
        "z₂⁽²⁾ = exp(a₂⁽²⁾)/(exp(a₁⁽²⁾) + exp(a₂⁽²⁾) + exp(a₃⁽²⁾)) = exp(1.69)/(exp(1) + exp(1.69) + exp(2.1)) ≈ 0.332"
    )
    assert t["z", 2, 2].general[-1].unicode == "exp(aⱼ⁽²⁾)/(Σₖ exp(aₖ⁽²⁾))"
    assert str(t["dz/da", 2, 2, 2]) == "∂z₂⁽²⁾/∂a₂⁽²⁾ = z₂⁽²⁾·(1 − z₂⁽²⁾) = 0.332·(1 − 0.332) ≈ 0.222"
    assert str(t["dz/da", 2, 1, 2]) == "∂z₁⁽²⁾/∂a₂⁽²⁾ = −z₁⁽²⁾·z₂⁽²⁾ = −0.167·0.332 ≈ −0.0554"
    assert t["dz/da", 2, 1, 2].general[-1].unicode == "−zₖ⁽²⁾·zⱼ⁽²⁾"
    assert str(t["dE/dz", 2, 3]) == "∂E/∂z₃⁽²⁾ = −y₃/z₃⁽²⁾ = −0.25/0.501 ≈ −0.499"
    assert str(t["delta", 2, 1]) == "δ₁⁽²⁾ = z₁⁽²⁾ − y₁ = 0.167 − 0.5 = −0.333"
    general = " = ".join(part.unicode for part in t["delta", 2, 1].general)
    assert general == "Σₖ (∂E/∂zₖ⁽²⁾)·(∂zₖ⁽²⁾/∂aⱼ⁽²⁾) = zⱼ⁽²⁾ − yⱼ"
    assert str(t["E"]).startswith("E = −y₁·ln(z₁⁽²⁾) − y₂·ln(z₂⁽²⁾) − y₃·ln(z₃⁽²⁾) = −0.5·ln(0.167) − 0.25·ln(0.332)")
    assert t["E"].general[-1].unicode == "Σₖ (−yₖ·ln(zₖ⁽²⁾))"


def test_the_sums_of_a_wide_layer_may_be_abridged():
    t = relu_example()
    abridged = [" = ".join(part.unicode for part in t[key].abridged) for key in [("a", 2, 1), ("delta", 1, 3), ("E",)]]
    assert abridged == ["Σᵢ zᵢ⁽¹⁾·Wᵢ₁⁽²⁾ + b₁⁽²⁾", "(Σₖ δₖ⁽²⁾·W₃ₖ⁽²⁾)·g′(a₃⁽¹⁾)", "Σₖ (zₖ⁽²⁾ − yₖ)²"]
    assert t["x", 1].abridged == t["x", 1].general == t["x", 1].indexed == ()


def test_batch_and_penalty_by_hand():
    """w = 2, no bias: x = 1, y = 1 has E = 1, ∂E/∂w = 2; x = 3, y = 5 has E = 1, ∂E/∂w = 6; ½·0.5·2² = 1."""
    network = tw.Network([1, 1], bias=False, l2=0.5)
    t = trace(network, [2], [[1], [3]], [[1], [5]], learning_rate=1, arithmetic=FRACTIONS)
    assert str(t[2, "dE/dW", 1, 1, 1]) == "∂E₂/∂W₁₁⁽¹⁾ = δ₁⁽¹⁾·x₁ = 2·3 = 6"
    assert str(t["E"]) == "E = (E₁ + E₂)/2 + 0.5·(W₁₁⁽¹⁾)²/2 = (1 + 1)/2 + 0.5·2²/2 = 2"
    assert str(t["dE/dW", 1, 1, 1]) == (
        "∂E/∂W₁₁⁽¹⁾ = (∂E₁/∂W₁₁⁽¹⁾ + ∂E₂/∂W₁₁⁽¹⁾)/2 + 0.5·W₁₁⁽¹⁾ = (2 + 6)/2 + 0.5·2 = 5"
    )
    assert str(t["W_new", 1, 1, 1]) == "W₁₁⁽¹⁾ := W₁₁⁽¹⁾ − η·(∂E/∂W₁₁⁽¹⁾) = 2 − 1·5 = −3"
    summed = trace(tw.Network([1, 1], bias=False, reduction="sum"), [2], [[1], [3]], [[1], [5]], arithmetic=FRACTIONS)
    assert str(summed["dE/dW", 1, 1, 1]) == "∂E/∂W₁₁⁽¹⁾ = ∂E₁/∂W₁₁⁽¹⁾ + ∂E₂/∂W₁₁⁽¹⁾ = 2 + 6 = 8"
    names = [summed[key].name for key in [(2, "a", 1, 1), (2, "E"), (2, "dE/dW", 1, 1, 1), ("dE/dW", 1, 1, 1)]]
    assert names == ["example 2: a[1][1]", "example 2: E[2]", "example 2: dE[2]/dW[1][1,1]", "dE/dW[1][1,1]"]


def test_steps_in_the_lecturers_notation():
    t = relu_example(OTHER)
    assert str(t["a", 1, 1]) == "z₁⁽¹⁾ = w₁₁⁽¹⁾·x₁ + w₁₂⁽¹⁾·x₂ + b₁⁽¹⁾ = 2·(3/2) + (1/2)·(−2) + 1/3 = 7/3"
    assert t["a", 1, 1].general[-1].unicode == "Σᵢ wⱼᵢ⁽¹⁾·xᵢ + bⱼ⁽¹⁾"
    assert str(t["z", 1, 3]) == "a₃⁽¹⁾ = f(z₃⁽¹⁾) = z₃⁽¹⁾ = 1/4"
    assert str(t["delta", 1, 3]) == "δ₃⁽¹⁾ = w₁₃⁽²⁾·δ₁⁽²⁾·f′(z₃⁽¹⁾) = 2·(−2)·1 = −4"
    assert t["delta", 1, 3].general[-1].unicode == "(Σₖ wₖⱼ⁽²⁾·δₖ⁽²⁾)·f′(zⱼ⁽¹⁾)"
    assert str(t["W_new", 1, 2, 3]) == "w₃₂⁽¹⁾ := w₃₂⁽¹⁾ − α·(∂L/∂w₃₂⁽¹⁾) = −1/2 − (1/10)·8 = −13/10"
    assert t["dE/dz", 2, 1].written(LATEX).startswith(r"\frac{\partial L}{\partial a_{1}^{(2)}} = 2 \left(a_{1}^{(2)}")
    assert t["W_new", 1, 2, 3].name == "new w[1][3,2]"
    assert {step.key for step in t} == {step.key for step in relu_example()}


@pytest.mark.parametrize("conventions", [Conventions(), OTHER, Conventions(delta="slope", rate="alpha", error="level")])
@pytest.mark.parametrize(("activation", "loss"), [(tw.LeakyReLU(0.1), tw.Huber(0.5)), (tw.ELU(0.5), tw.Quantile(0.3))])
def test_how_it_is_written_changes_no_number(conventions, activation, loss, rng):
    """Not even where a symbol is a name that the text of an activation or a loss has, such as delta."""
    network = tw.Network([3, 2, 2], activation=activation, loss=loss, l2=0.1)
    p, x, y = rng.normal(size=network.n_parameters), rng.normal(size=(2, 3)), rng.normal(size=(2, 2))
    rounded = Arithmetic("rounded", Rounding(5))
    one = trace(network, p, x, y, learning_rate=0.1, arithmetic=rounded)
    other = trace(network, p, x, y, learning_rate=0.1, arithmetic=rounded, conventions=conventions)
    assert [step.result for step in one] == [step.result for step in other]
    assert np.array_equal([step.equation for step in one], [step.equation for step in other])
