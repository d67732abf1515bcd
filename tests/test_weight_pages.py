"""Why a weight has its gradient, as a document: paths, sum and steps that hang together, in every format."""

import html
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from test_html_writer import Page
from test_latex_writer import compiled
from test_trace_pages import displayed, headings, large, light_what_is_drawn, said, stands_alone
from thalweg import paths, weight_pages, writers
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding, evaluate
from thalweg.document import Display, Heading, Paragraph, Table, Walk
from thalweg.expressions import Expression
from thalweg.network_drawing import css_class
from thalweg.pieces import Link, each, plain
from thalweg.step_displays import anchor
from thalweg.weight_pages import MOST_PATHS, MOST_STEPS, one_weight, show
from worked import draw, small, traces


def places(network):
    """Weights and biases of every layer, at most some seven of each."""
    for layer, one in enumerate(network.layers, 1):
        rows = [*range(1, one.below + 1), *["b"] * network.bias]
        every = [(layer, i, j) for j in range(1, one.above + 1) for i in rows]
        yield from every[:: 1 + len(every) // 7]


def path_lines(document):
    return [display for display in displayed(document.blocks) if plain(display.note).startswith("Path ")]


def under(document, heading):
    """The blocks between a heading and the next of its level."""
    blocks = list(document.blocks)
    start = next(place for place, block in enumerate(blocks) if isinstance(block, Heading) and block.text == heading)
    rest = blocks[start + 1 :]
    end = next(
        (place for place, block in enumerate(rest) if isinstance(block, Heading) and block.level == 1), len(rest)
    )
    return rest[:end]


def value(part) -> Any:
    return evaluate(part, {})


# --- Paths ------------------------------------------------------------------------------------------------------------


def test_every_path_is_a_line_whose_factors_lead_to_their_steps(rng):
    for t in traces(rng):
        for place in places(t.network):
            why = t.gradient_of(*place)
            document = one_weight(why)
            assert document.title == f"Why {why.step.symbol.unicode} is {why.step.shown.unicode}"
            lines, anchors = path_lines(document), {display.anchor for display in displayed(document.blocks)}
            assert len(lines) == len(why.paths) <= MOST_PATHS
            for line, path in zip(lines, why.paths, strict=True):
                chain, *_, product = line.chain.parts
                assert chain == why.chain(path) and path.formula in line.chain.parts
                assert path.numbers in line.chain.parts
                kept = t.arithmetic.rounding(path.product) if t.arithmetic.kind == "rounded" else path.product
                assert product == t.arithmetic.shown(kept)
                assert line.chain.about == (value(path.numbers) != value(product))
                links = [piece for piece in each(line.note) if isinstance(piece, Link)]
                assert [link.anchor for link in links] == [
                    anchor(factor.key) for factor in path.factors if not factor.is_given
                ]
                assert {link.anchor for link in links} <= anchors
                lit = {css_class(key) for key in line.lit}
                assert {"k-E", css_class((why.weight.kind, *why.weight.place))} <= lit
            assert light_what_is_drawn(document) >= 1 + bool(lines)


def test_the_paths_of_an_example_stand_beside_its_own_numbers():
    network = tw.Network([2, 3, 1], activation="tanh")
    t = tw.trace(network, network.initialize(seed=2), [[1.0, 2.0], [3.0, -1.0]], [[1.0], [0.0]])
    walks = [block for block in under(one_weight(t.gradient_of(1, 1, 2)), "Every path to the error")
             if isinstance(block, Walk)]  # fmt: skip
    assert len(walks) == 2
    for n, walk in enumerate(walks, 1):
        drawing = walk.picture.drawing
        assert drawing.labels["E",] == t[n, "E"].shown and drawing.labels["x", 2] == t[n, "x", 2].shown
        assert drawing.lit == walk.displays[0].lit
        assert plain(walk.displays[0].note).startswith(f"Path {n}, example {n}: the factors come from ∂E")


def test_how_many_paths_there_are_is_said():
    one = small(loss="squared_error")
    document = one_weight(one.gradient_of(2, 1, 1))
    assert said(under(document, "Every path to the error")) == [
        "1 path leads from W₁₁⁽²⁾ to the error. Along each, the chain rule multiplies the slopes."
    ]
    assert "Their sum" not in headings(document)
    assert said(under(one_weight(one.gradient_of(1, 2, 2)), "Every path to the error")) == [
        "1 path leads from W₂₂⁽¹⁾ to the error. Along each, the chain rule multiplies the slopes. "
        "All are 0, as g′(a₂⁽¹⁾) = 0."
    ]
    network = tw.Network([2, 1], bias=False)
    t = tw.trace(network, [1.0, 2.0], [0.0, 3.0], [6.0])
    assert said(under(one_weight(t.gradient_of(1, 1, 1)), "Every path to the error"))[0].endswith(
        "All are 0, as ∂E/∂z₁⁽¹⁾ = 0 and x₁ = 0."
    )


def test_of_many_paths_the_largest_products_are_shown_and_the_rest_in_one_term(rng):
    network, p, X, Y = draw(rng, "squared_error", "tanh", ["sigmoid", "silu"], sizes=[2, 3, 5, 7])
    t = tw.trace(network, p, X, Y)
    why = t.gradient_of(1, 2, 3)
    assert why.is_complete and len(why.paths) == 35
    document = one_weight(why)
    assert said(under(document, "Every path to the error"))[0] == (
        "35 paths lead from W₂₃⁽¹⁾ to the error. Along each, the chain rule multiplies the slopes. Here are the 20 of "
        "the largest products."
    )
    shown = [value(line.chain.parts[-1]) for line in path_lines(document)]
    expected = sorted((path.product for path in why.paths), key=lambda product: -abs(product))[:MOST_PATHS]
    assert [float(one) for one in shown] == pytest.approx(expected, rel=1e-5)
    note, line = under(document, "Their sum")
    assert isinstance(note, Paragraph) and plain(note.pieces) == "The last term is that of the other 15 paths together."
    assert isinstance(line, Display) and line.chain.parts[-1] == t.arithmetic.shown(why.total)
    assert float(value(line.chain.parts[1])) == pytest.approx(why.total, rel=1e-4, abs=1e-5 * abs(expected[0]))


def test_of_more_paths_than_are_listed_the_rest_comes_from_the_gradient(monkeypatch):
    monkeypatch.setattr(paths, "MANY_PATHS", 7)
    network = tw.Network([2, 3, 3, 3], activation="relu", bias=False)
    p = np.random.default_rng(3).integers(1, 7, size=network.n_parameters).tolist()
    for arithmetic in (Arithmetic(), FRACTIONS):
        t = tw.trace(network, p, [1, 2], [3, 4, 5], arithmetic=arithmetic)
        monkeypatch.setattr(paths, "STRONGEST", 5)
        line = under(one_weight(t.gradient_of(1, 1, 1)), "Their sum")[-1]
        assert isinstance(line, Display) and not line.chain.about
        assert value(line.chain.parts[1]) == value(line.chain.parts[-1]) == t["dE/dW", 1, 1, 1].result
    rounded = tw.trace(network, p, [1, 2], [3, 4, 5], arithmetic=Arithmetic("rounded", Rounding(3)))
    assert said(under(one_weight(rounded.gradient_of(1, 1, 1)), "Their sum")) == ["The other 4 are not added up here."]


# --- Their sum --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("l2", [0.0, 0.5])
@pytest.mark.parametrize("arithmetic", [Arithmetic(), Arithmetic("rounded", Rounding(3)), FRACTIONS], ids=str)
def test_the_printed_sum_is_right_when_it_is_recomputed(reduction, l2, arithmetic, rng):
    network = tw.Network([2, 5, 3], activation="relu", reduction=reduction, l2=l2)
    p = [Fraction(int(one), 7) for one in rng.integers(-13, 14, size=network.n_parameters)]
    t = tw.trace(network, p, [[1, -2], [Fraction(1, 3), 3]], [[1, 0, 2], [0, 3, 1]], arithmetic=arithmetic)
    for place in places(network):
        why = t.gradient_of(*place)
        line, *rest = under(one_weight(why), "Their sum")
        assert isinstance(line, Display)
        *_, numbers, total = line.chain.parts
        recomputed = value(numbers)
        assert line.chain.parts[0] == why.step.symbol and line.chain.about == (recomputed != value(total))
        if arithmetic.kind == "floats":
            assert total == why.step.shown
            size = max(abs(path.product) for path in why.paths)
            assert float(recomputed) == pytest.approx(why.step.result, rel=1e-4, abs=1e-4 * size)
        else:
            assert value(total) == arithmetic.settle(recomputed)
        # the products are rounded, the steps of the backward pass are too, and that is said where it shows
        assert bool(rest) == (total != why.step.shown) and (not rest or arithmetic.kind == "rounded")
        for block in rest:
            assert isinstance(block, Paragraph) and why.step.shown.unicode in plain(block.pieces)


def test_the_sum_as_it_is_written():
    network = tw.Network([1, 2, 1], l2=0.5)
    t = tw.trace(network, [1.0, 1.0, 0.0, 0.0, 2.0, 3.0, 0.0], [[1.0], [2.0]], [[4.0], [9.0]])
    line = under(one_weight(t.gradient_of(1, 1, 1)), "Their sum")[0]
    assert isinstance(line, Display)
    assert plain((line.chain,)) == "∂E/∂W₁₁⁽¹⁾ = (4 + 8)/2 + 0.5·1 = 6.5"  # 2(5 − 4)·2·1 and 2(10 − 9)·2·2, over 2
    bias = under(one_weight(t.gradient_of(1, "b", 2)), "Their sum")[0]
    assert isinstance(bias, Display) and plain((bias.chain,)) == "∂E/∂b₂⁽¹⁾ = (6 + 6)/2 = 6"


# --- The steps that it leans on ---------------------------------------------------------------------------------------


def test_the_steps_are_those_that_the_gradient_comes_from_in_the_order_of_the_trace(rng):
    for t in traces(rng):
        order = {anchor(step.key): number for number, step in enumerate(t)}
        for place in places(t.network):
            why = t.gradient_of(*place)
            shown = [display.anchor for display in displayed(one_weight(why).blocks) if display.anchor]
            assert [order[one] for one in shown] == sorted(order[one] for one in shown)
            assert shown[-1] == anchor(why.step.key)
            needed, todo = set(), [why.step]
            while todo:
                step = todo.pop()
                if not step.is_given and step.key not in needed:
                    needed.add(step.key)
                    todo += step.operands if len(step.operands) <= 12 else ()
            if len(needed) <= MOST_STEPS - 20:
                assert {anchor(key) for key in needed} <= set(shown)


def test_of_a_large_network_only_what_is_near_the_weight_is_shown():
    network, t, _, _ = large()
    document = one_weight(t.gradient_of(1, 3, 5))
    shown = {display.anchor for display in displayed(document.blocks) if display.anchor}
    assert anchor(("a", 1, 5)) in shown and anchor(("delta", 1, 5)) in shown and anchor(("delta", 2, 3)) in shown
    others = {anchor((kind, 1, j)) for kind in ("a", "z", "delta") for j in range(1, 24) if j != 5}
    assert not others & shown and len(shown) < 25
    deep = tw.Network([5, 31, 31, 11], activation="tanh", output="softmax", loss="cross_entropy")
    t = tw.trace(deep, deep.initialize(seed=3), np.ones(5), 1)
    document = one_weight(t.gradient_of(1, 2, 7))
    shown = [display.anchor for display in displayed(document.blocks) if display.anchor]
    assert len(path_lines(document)) == MOST_PATHS and 20 < len(shown) <= MOST_STEPS
    first = path_lines(document)[0]
    assert {piece.anchor for piece in each(first.note) if isinstance(piece, Link)} <= set(shown)
    assert light_what_is_drawn(document) == 2


def test_the_steps_of_several_examples_stand_under_their_numbers():
    network = tw.Network([1, 1], bias=False)
    t = tw.trace(network, [2.0], [[1.0], [3.0]], [[1.0], [5.0]])
    blocks = under(one_weight(t.gradient_of(1, 1, 1)), "The same, as forward and backward pass compute it")
    assert [block.text for block in blocks if isinstance(block, Heading)] == [
        "Example 1", "Example 2", "All examples together"
    ]  # fmt: skip
    assert [display.anchor for display in displayed(blocks)][-1] == anchor(("dE/dW", 1, 1, 1))


# --- The numeric check ------------------------------------------------------------------------------------------------


def number(cell) -> float:
    return float(value(cell)) if isinstance(cell, Expression) else float(cell)


def test_the_table_says_what_the_check_found(rng):
    network, p, X, Y = draw(rng, "squared_error", "sigmoid", ["tanh"], sizes=[2, 5, 3])
    why = tw.trace(network, p, X, Y).gradient_of(1, 1, 1)
    text, table = under(one_weight(why), "Checked by differences")
    assert isinstance(table, Table) and len(table.rows) == len(why.check) == 13
    for (epsilon, quotient, error, closest), row in zip(table.rows, why.check, strict=True):
        assert number(epsilon) == row.epsilon
        assert number(quotient) == pytest.approx(row.quotient, rel=1e-11)
        assert number(error) == pytest.approx(row.error, rel=0.06)
        assert (closest == "closest") == (row is why.best)
    assert isinstance(text, Paragraph) and "(E(W₁₁⁽¹⁾ + ε) − E(W₁₁⁽¹⁾ − ε))/2ε" in plain(text.pieces)


def test_a_kink_is_spoken_of_where_there_is_one():
    sentence = "Where a step passes a kink, the quotient mixes the slopes on both sides of it."
    for network in (tw.Network([1, 1], output="relu"), tw.Network([1, 2, 1]), tw.Network([1, 1], loss="quantile")):
        t = tw.trace(network, np.ones(network.n_parameters), [1.0], [0.5])
        assert sentence in said(one_weight(t.gradient_of(1, 1, 1)).blocks)
    smooth = tw.trace(tw.Network([1, 1], output="tanh"), [1.0, 1.0], [1.0], [0.5])
    assert sentence not in said(one_weight(smooth.gradient_of(1, 1, 1)).blocks)


def test_what_overflows_is_named_in_the_table():
    network = tw.Network([1, 1, 1], activation="exp", output="exp", bias=False)
    document = one_weight(tw.trace(network, [5.85, 1.0], [1.0], [0.0]).gradient_of(1, 1, 1))
    (table,) = [block for block in document.blocks if isinstance(block, Table)]
    assert table.rows[0][1:] == ("inf", "inf", "") and math.isfinite(number(table.rows[3][1]))
    for format in writers.WRITERS:
        assert "inf" in writers.write(document, format)


# --- Formats ----------------------------------------------------------------------------------------------------------


def test_pages_stand_alone_in_every_format(rng):
    for t in traces(rng):
        document = one_weight(t.gradient_of(1, 1, 1), (Heading("Before"),))
        assert headings(document)[:2] == ["Before", "Given"]
        text = writers.write(document, "html")
        stands_alone(Page(text), text)
        assert text.count('<a href="#step-') >= len(path_lines(document))
        for format in writers.WRITERS:
            assert len(writers.write(document, format)) > 1000


def test_latex_compiles_and_nothing_runs_off_the_page(tmp_path, rng):
    network, p, X, Y = draw(rng, "squared_error", "softmax", ["relu"], n=2, sizes=[2, 3, 2], l2=0.1)
    batch = tw.trace(network, p, X, Y)
    for number, why in enumerate([batch.gradient_of(1, 1, 1), large()[1].gradient_of(1, 3, 5)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        log = compiled(writers.write(one_weight(why), "latex"), folder)
        assert re.findall(r"Overfull \\hbox \(\d{2,}\.\d*pt too wide\)", log) == [], number
        assert "Missing character" not in log


def test_show_draws_in_a_notebook_and_writes_on_a_terminal():
    t = small(loss="squared_error")
    for what, document in ((t, weight_pages.whole(t)), (t.gradient_of(1, 1, 1), one_weight(t.gradient_of(1, 1, 1)))):
        shown = tw.show(what)
        assert shown.document == document and repr(shown) == str(shown) == writers.write(document, "text")
        frame = shown._repr_html_()
        (inner,) = re.findall(r'<iframe srcdoc="([^"]*)" title="([^"]*)"', frame)
        assert html.unescape(inner[0]) == writers.write(document, "html")
        assert html.unescape(inner[1]) == document.title and "<svg" in html.unescape(inner[0])
    assert show is tw.show
