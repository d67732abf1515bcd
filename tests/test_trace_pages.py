"""A trace as a document: every step in it, every number the trace's, walks that light what is drawn, large networks."""

import re
from fractions import Fraction

import numpy as np
import pytest

import thalweg as tw
from test_html_writer import Page
from test_latex_writer import compiled
from thalweg import writers
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.conventions import Conventions
from thalweg.document import Display, Document, Heading, Items, Paragraph, Walk
from thalweg.network_drawing import css_class, svg
from thalweg.notation import UNICODE
from thalweg.pieces import plain
from thalweg.step_displays import anchor
from thalweg.trace_pages import distinct, given, largest_gradients, matrix_form, most_relevant, passes, totals, whole
from worked import draw, small, traces


# Digits of indices stand below and above the line, so that these are numbers, and what they are multiplied by.
NUMBER = re.compile(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?:/[0-9]+)?(?![\w.])")


def displayed(blocks):
    """All displays, those of walks too."""
    for block in blocks:
        if isinstance(block, Display):
            yield block
        if isinstance(block, Walk):
            yield from block.displays


def headings(document):
    return [block.text for block in document.blocks if isinstance(block, Heading)]


def said(blocks):
    return [plain(block.pieces) for block in blocks if isinstance(block, Paragraph)]


def functions(t):
    (items,) = [block for block in given(t) if isinstance(block, Items)]
    return [plain(one) for one in items.items]


def stands_alone(page: Page, text: str) -> None:
    """Nothing runs, nothing comes from elsewhere, and every link leads to a place on the page."""
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.elements}
    assert set(re.findall(r"https?://[^\"' <]*", text)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(|<[^>]* on\w+=|javascript:", text)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"] for link in page.all("a")} <= {f"#{one}" for one in ids}


def light_what_is_drawn(document: Document) -> int:
    """The number of walks of a document, after a check that each finds what it lights in its own picture."""
    walks = [block for block in document.blocks if isinstance(block, Walk)]
    for walk in walks:
        drawn = set(re.findall(r"k-[\w-]+", svg(walk.picture.drawing)))
        for display in walk.displays:
            assert display.lit and {css_class(key) for key in display.lit} <= drawn
    return len(walks)


# --- The whole of a small network -------------------------------------------------------------------------------------


def test_every_step_has_its_display_and_none_is_there_twice(rng):
    for t in traces(rng):
        document = whole(t)
        lines = [display for display in displayed(document.blocks) if display.anchor]
        assert [display.anchor for display in lines] == [anchor(step.key) for step in t]
        for display, step in zip(lines, t, strict=True):
            if len(step.operands) <= 12:
                assert (display.chain.parts, display.chain.about) == (step.parts, step.is_about)
        assert light_what_is_drawn(document) == 2 * t.n_examples + (t.learning_rate is not None)


def test_the_order_is_that_of_the_lecture():
    net = tw.Network([2, 2, 1], l2=0.1)
    t = tw.trace(net, net.initialize(seed=0), [[1.0, 2.0], [0.0, 1.0]], [[1.0], [0.0]], learning_rate=0.5)
    assert headings(whole(t)) == [
        "Given", "Forward pass, example 1", "Backward pass, example 1", "Forward pass, example 2",
        "Backward pass, example 2", "All examples together", "The step of gradient descent", "In matrices, example 1",
        "In matrices, example 2",
    ]  # fmt: skip
    one = small()
    assert headings(whole(one)) == ["Given", "Forward pass", "Backward pass", "In matrices"]
    assert headings(whole(one, backward=False)) == ["Given", "Forward pass"]
    document = whole(one, "A title", (Heading("Before"), Paragraph("…")))
    assert document.title == "A title" and headings(document)[:2] == ["Before", "Given"]


@pytest.mark.parametrize("arithmetic", [Arithmetic(), Arithmetic("rounded", Rounding(4)), FRACTIONS], ids=str)
def test_every_number_of_the_page_is_one_of_the_trace(arithmetic, rng):
    """But for those that formulas bring along: 0, 1 and 2."""
    network, p, X, Y = draw(rng, "squared_error", "relu", ["relu"], n=2, sizes=[2, 5, 3], reduction="sum")
    t = tw.trace(network, p, X, Y, arithmetic=arithmetic, learning_rate=0.25)
    steps = [*t, *(t[key] for step in t for key in [one.key for one in step.operands])]
    printed = {step.shown.unicode.lstrip("−") for step in steps} | {"0", "1", "2"}
    document = whole(t)
    shown = [display.chain.written(UNICODE) for display in displayed(document.blocks)]
    numbers = [number for line in shown for number in NUMBER.findall(line)]
    assert len(numbers) > 300 and set(numbers) <= printed


def test_pages_of_every_sort_stand_alone(rng):
    for t in traces(rng):
        document = whole(t)
        text = writers.write(document, "html")
        page = Page(text)
        stands_alone(page, text)
        ids = {attributes.get("id") for _, attributes in page.elements}
        assert {display.anchor for display in displayed(document.blocks) if display.anchor} <= ids
        for format in writers.WRITERS:
            assert document.title in writers.write(document, format)


def test_in_matrices_lines_are_those_of_the_trace(rng):
    for t in traces(rng):
        example = t.n_examples if t.has_totals else None
        lines = [block for block in matrix_form(t, example) if isinstance(block, Display)]
        for line, step in zip(lines, t.matrices(example), strict=True):
            assert line.chain.parts == distinct(step.parts) and line.chain.about == step.is_about
            assert line.number == step.equation.strip("()")


def test_distinct():
    assert distinct([1, 1, 2, 2, 1]) == (1, 2, 1) and distinct([]) == ()


# --- What is given ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "arithmetic", "sentence"),
    [
        (
            tw.Network([1, 1]), Arithmetic(),
            "A network with 1 input, no hidden layer and 1 output, with biases. Numbers are computed in full and shown "
            "to 6 significant digits.",
        ),
        (
            tw.Network([2, 1, 3], bias=False), FRACTIONS,
            "A network with 2 inputs, 1 hidden layer of 1 unit and 3 outputs, without biases. Numbers are exact "
            "fractions.",
        ),
        (
            tw.Network([2, 3, 2, 5, 1]), Arithmetic("rounded", Rounding(1, decimals=True)),
            "A network with 2 inputs, 3 hidden layers of 3, 2 and 5 units and 1 output, with biases. Every number is "
            "rounded to 1 decimal, and carried on as it is printed.",
        ),
    ],
)  # fmt: skip
def test_the_network_is_told(network, arithmetic, sentence):
    d, k = network.sizes[0], network.sizes[-1]
    t = tw.trace(network, np.ones(network.n_parameters), np.ones(d), np.ones(k), arithmetic=arithmetic)
    assert said(given(t))[0] == sentence


def test_its_functions_are_told_with_the_letters_of_the_lecture():
    network = tw.Network(
        [1, 1, 1, 3], activation=["relu", "tanh"], output="softmax", loss="cross_entropy", l2=0.5, dropout=0.2
    )
    conventions = Conventions(error="L", before="z", after="a", target="t", weight="w", activation="sigma")
    t = tw.trace(network, network.initialize(), [[1.0], [2.0]], [0, 2], conventions=conventions)
    assert functions(t) == [
        "Activation of layer 1: relu, σ(z) = z if z > 0, else 0",
        "Activation of layer 2: tanh, σ(z) = tanh(z)",
        "Activation of layer 3: softmax, aₖ = exp(zₖ)/(Σⱼ exp(zⱼ))",
        "Error: cross_entropy, L = Σₖ (−tₖ·ln(aₖ))",
        "Over the 2 examples: the mean",
        "Penalty, over all layers: 0.5·(Σᵢ Σⱼ wᵢⱼ²)/2",
        "Dropout, which switches units off while the network is trained, is off here",
    ]
    huber = tw.Network([1, 1, 1], activation=tw.LeakyReLU(0.2), output=tw.LeakyReLU(0.2), loss=tw.Huber(0.5))
    assert functions(tw.trace(huber, huber.initialize(), [1.0], [2.0])) == [
        "Activation of layers 1, 2: leaky_relu(slope=0.2), g(a) = a if a > 0, else slope·a",
        "Error: huber(delta=0.5), E = Σₖ Eₖ with Eₖ = (zₖ − yₖ)²/2 if |zₖ − yₖ| ≤ δ, else δ·(|zₖ − yₖ| − δ/2)",
    ]


def test_weights_and_examples_stand_as_the_lecture_has_them():
    network = tw.Network([2, 1])
    rows, columns = (
        given(tw.trace(network, [1, 1 / 3, 0.5], [[1, 2], [3, 4]], [[5], [6]], learning_rate=0.5, conventions=c))
        for c in (Conventions(), Conventions(vectors="column"))
    )
    assert [plain((display.chain,)) for display in displayed(rows)] == ["W⁽¹⁾ ≈ [1; 0.333333]", "b⁽¹⁾ = [0.5]"]
    assert [plain((display.chain,)) for display in displayed(columns)] == ["W⁽¹⁾ ≈ [1 0.333333]", "b⁽¹⁾ = [0.5]"]
    assert said(rows)[1:] == [
        "Example 1: x = [1 2], y = [5]", "Example 2: x = [3 4], y = [6]", "Learning rate: η = 0.5"
    ]  # fmt: skip
    assert said(columns)[1] == "Example 1: x = [1; 2], y = [5]"
    wide = tw.Network([7, 2])
    lines = list(displayed(given(tw.trace(wide, np.ones(16), np.ones((2, 7)), np.ones((2, 2))))))[-4:]
    assert [plain(line.note) for line in lines] == ["Example 1:", "", "Example 2:", ""]
    assert [plain((line.chain,)) for line in lines[:2]] == ["x = [1 1 1 1 1 1 1]", "y = [1 1]"]


# --- Large networks ---------------------------------------------------------------------------------------------------


def large(n=1, learning_rate=None, **options):
    network = tw.Network([11, 23, 3], activation="relu", output="softmax", loss="cross_entropy", **options)
    rng = np.random.default_rng(7)
    X, Y = rng.normal(size=(n, 11)), rng.integers(3, size=n)
    return network, tw.trace(network, network.initialize(seed=1), X, Y, learning_rate=learning_rate), X, Y


@pytest.mark.parametrize("options", [{}, {"n": 5}, {"n": 5, "reduction": "sum"}, {"n": 3, "l2": 2.0}], ids=str)
def test_the_largest_gradients_are_those_of_the_engine(options):
    network, t, X, Y = large(**options)
    _, gradient = tw.loss_and_gradient(network, t.p, X, Y, engine="reference")
    sizes = {
        ("dE/dW", layer, i + 1, j + 1): abs(dW[i, j])
        for layer, (dW, _) in enumerate(network.views(gradient), 1)
        for i, j in np.ndindex(dW.shape)
    }
    found = largest_gradients(t)
    assert found == sorted(sizes, key=lambda key: -sizes[key])[:10]
    if t.has_totals:
        _, of_one = tw.loss_and_gradient(tw.Network(**{**network.to_dict(), "l2": 0.0}), t.p, X[1:2], Y[1:2])
        biggest = max(float(abs(dW).max()) for dW, _ in network.views(of_one))
        assert largest_gradients(t, 2)[0][0] == 2
        assert abs(t[largest_gradients(t, 2)[0]].result) == pytest.approx(biggest)


def test_of_a_large_network_what_matters_most_is_shown_first():
    network, t, _, _ = large()
    document = whole(t)
    delta = np.array([t["delta", 1, j].result for j in range(1, 24)])
    alive = int((delta != 0.0).sum())
    assert 10 < alive < 23
    order = [int(j) for j in np.argsort(-np.abs(delta), kind="stable")[:10] + 1]
    steps = most_relevant(t)
    assert [step.place[1] for step in steps if step.kind == "a" and step.place[0] == 1] == order
    assert [step.place[1] for step in steps if step.kind == "delta" and step.place[0] == 1] == order
    assert sorted(step.key for step in steps if step.kind == "dE/dW") == sorted(largest_gradients(t))
    lines = [display for display in displayed(document.blocks) if display.anchor]
    assert [display.anchor for display in lines] == [
        display.anchor for block in passes(t, None) if isinstance(block, Walk) for display in block.displays
    ]
    assert len(lines) == len(steps) and light_what_is_drawn(document) == 2
    assert "In matrices" not in headings(document)
    assert (
        "Shown are 10 of the 23 units of layer 1, those of the largest |δ|, and the 10 of the largest gradients of 322 "
        "weights; the largest come first."
    ) in said(document.blocks)


def test_units_without_a_gradient_are_left_out_unless_none_has_one():
    network = tw.Network([17, 7, 1], activation="relu", bias=False)
    p = network.initialize(seed=1)
    W = network.views(p)[0][0]
    W[:, :5] = -1.0  # dead for positive inputs
    W[:, 5:] = 1.0
    t = tw.trace(network, p, np.ones(17), [0.0])
    assert {step.place[1] for step in most_relevant(t) if step.kind == "delta" and step.place[0] == 1} == {6, 7}
    W[:] = -1.0
    dead = tw.trace(network, p, np.ones(17), [1.0])
    assert {step.place[1] for step in most_relevant(dead) if step.kind == "delta" and step.place[0] == 1} == {
        *range(1, 8)
    }
    assert "Shown are the 10 of the largest gradients of 126 weights; the largest come first." in said(
        passes(dead, None)
    )


def test_of_a_large_batch_the_totals_and_the_step_are_those_of_the_largest_gradients():
    _, t, _, _ = large(n=2, learning_rate=0.5)
    lines = [display.anchor for display in displayed(totals(t))]
    expected = [("E",), *largest_gradients(t), *(("W_new", *key[1:]) for key in largest_gradients(t))]
    assert lines == [anchor(key) for key in expected]
    assert [step.key for step in most_relevant(t)][-21:] == expected


def test_of_a_small_network_all_weights_and_biases_have_their_totals_and_their_step():
    net = tw.Network([2, 3, 1])
    t = tw.trace(net, net.initialize(), [[1.0, 2.0]] * 2, [[1.0]] * 2, learning_rate=0.5)
    assert len(list(displayed(totals(t)))) == 1 + 2 * net.n_parameters
    assert totals(small()) == []


# --- LaTeX ------------------------------------------------------------------------------------------------------------


def test_latex_compiles_and_nothing_runs_off_the_page(tmp_path, rng):
    softmax, *_ = traces(rng)
    network = tw.Network([2, 3, 1], activation="relu", l2=0.5)
    p = [Fraction(int(one), 7) for one in rng.integers(-13, 14, size=network.n_parameters)]
    fractions = tw.trace(network, p, [[Fraction(1, 3), 2]] * 2, [[1], [Fraction(-1, 2)]], arithmetic=FRACTIONS)
    for number, one in enumerate([softmax, fractions, large(learning_rate=0.1)[1]]):
        folder = tmp_path / str(number)
        folder.mkdir()
        log = compiled(writers.write(whole(one), "latex"), folder)
        assert re.findall(r"Overfull \\hbox \(\d{2,}\.\d*pt too wide\)", log) == [], number
        assert "Missing character" not in log
