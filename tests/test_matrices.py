"""The matrix view (L15): NumPy's products, the numbers of the scalar steps, and lines that are right as printed."""

import functools
import operator
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import activations, losses
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.conventions import Conventions
from thalweg.equations import equation
from thalweg.notation import TEXT
from worked import RELU, SOFTMAX, draw, in_numbers, keyed, read, small, traces


COLUMNS = Conventions(error="L", before="z", after="a", weight="w", vectors="column")
PAIRS = [
    (loss, output)
    for loss, row in losses.LOSSES.items()
    for output, g in activations.ACTIVATIONS.items()
    if row.outputs(g)
]


def array(step):
    return np.array(step.values, dtype=float)


def by_symbol(t, example=None):
    """The matrix steps by what is computed, as it is written."""
    return {str(step.symbol): step for step in t.matrices(example)}


# --- The numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_the_numbers_are_those_of_products_in_numpy(loss, output, rng):
    network, p, X, Y = draw(rng, loss, output, ["tanh", "softplus"], sizes=[2, 5, 3, 7])
    found = by_symbol(tw.trace(network, p, X, Y))
    z, slopes = X, []
    for layer, (W, b) in enumerate(network.views(p), 1):
        g = network.layers[layer - 1].activation
        np.testing.assert_allclose(array(found[f"a[{layer}][:]"]), a := z @ W + b, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(array(found[f"z[{layer}][:]"]), z := g(a), rtol=1e-12, atol=1e-14)
        if g.elementwise:
            slopes.append(np.diag(g.derivative(z[0] if g.saves == "z" else a[0], g.parameter)))
        else:
            slopes.append(np.diag(z[0]) - np.outer(z[0], z[0]))
            np.testing.assert_allclose(array(found["dz[3][:]/da[3][:]"]), slopes[-1], rtol=1e-12, atol=1e-14)
    slope = network.loss.gradient(z, Y, network.loss.parameter)
    np.testing.assert_allclose(array(found["dE/dz[3][:]"]), slope, rtol=1e-9, atol=1e-12)
    delta = slope @ slopes[-1]
    for layer in (3, 2, 1):
        np.testing.assert_allclose(array(found[f"delta[{layer}][:]"]), delta, rtol=1e-9, atol=1e-12)
        below = X if layer == 1 else array(found[f"z[{layer - 1}][:]"])
        np.testing.assert_allclose(array(found[f"dE/dW[{layer}][:]"]), below.T @ delta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(array(found[f"dE/db[{layer}][:]"]), delta, rtol=1e-9, atol=1e-12)
        if layer > 1:
            delta = delta @ network.views(p)[layer - 1][0].T @ slopes[layer - 2]


def test_each_scalar_step_but_the_slopes_stands_in_one_matrix(rng):
    """g′ stands in the diagonals, and the error is a number."""
    for t in traces(rng):
        example = 1 if t.has_totals else None
        steps = [one for step in t.matrices(example) for row in step.steps for one in row]
        wanted = [one.key for one in t if one.example == example and one.kind not in ("g'", "E") and not one.is_update]
        assert sorted(map(str, (one.key for one in steps))) == sorted(map(str, wanted))
        for step in t.matrices(example):
            assert step.values == tuple(tuple(t[one.key].result for one in row) for row in step.steps)
            assert step.result.rows == tuple(tuple(one.shown for one in row) for row in step.steps)


@pytest.mark.parametrize("worked", [RELU, SOFTMAX], ids=["relu", "softmax"])
def test_what_stands_on_the_paper(worked):
    weights, biases, x, y = in_numbers(worked, worked.arithmetic)
    network = tw.Network(worked.sizes, activation=worked.hidden, output=worked.output, loss=worked.loss)
    p = [one for W, b in zip(weights, biases, strict=True) for row in [*W, b] for one in row]
    exact = worked is RELU
    numbers = [one if exact else [*map(float, one)] for one in (p, x, y)]
    t = tw.trace(network, *numbers, arithmetic=FRACTIONS if exact else Arithmetic())
    paper = keyed(worked.paper)
    for step in t.matrices():
        for row in step.steps:
            for one in row:
                key = ("dE/dz", one.place[1]) if one.kind == "dE/dz" else one.key
                expected = read(paper[key], worked.arithmetic)
                assert one.result == expected if exact else one.result == pytest.approx(float(expected), abs=1e-15)


# --- The lines --------------------------------------------------------------------------------------------------------


def matrix(text):
    """[[1, -1/2], [1 - 0.25, 4]] as it is printed."""
    rows = [row.split(", ") for row in re.findall(r"\[([^\[\]]+)\]", text)]
    return np.array([[functools.reduce(operator.sub, map(Fraction, one.split(" - "))) for one in row] for row in rows])


def recomputed(text) -> Any:
    """What printed matrices come to that are multiplied, added and subtracted."""
    matrices = [matrix(one) for one in re.findall(r"\[\[.*?\]\]", text)]
    numbered = iter(range(len(matrices)))
    products = re.sub(r"\[\[.*?\]\]", lambda _: f"m[{next(numbered)}]", text).replace("*", "@")
    assert re.fullmatch(r"[m0-9\[\]()@+ -]+", products)
    return eval(products, {"m": matrices})


@pytest.mark.parametrize("conventions", [Conventions(), COLUMNS], ids=["rows", "columns"])
@pytest.mark.parametrize("arithmetic", [Arithmetic("rounded", Rounding(4)), FRACTIONS, Arithmetic()], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_printed_products_come_to_the_printed_results(conventions, arithmetic, bias, rng):
    for loss, output in [("squared_error", "relu"), ("half_squared_error", "identity"), ("squared_error", "softmax"),
                         ("binary_cross_entropy", "sigmoid"), ("poisson", "sigmoid")]:  # fmt: skip
        if arithmetic == FRACTIONS and output not in ("relu", "identity"):
            continue
        network, p, X, Y = draw(rng, loss, output, ["relu", "relu"], sizes=[2, 3, 5, 7], bias=bias)
        p, X, Y = np.round(4 * p) / 2, np.round(X, 1), np.round(Y, 1)  # what is a fraction stays a short one
        t = tw.trace(network, p, X, Y, arithmetic=arithmetic, conventions=conventions)
        lines = 0
        for step in t.matrices():
            *_, shown = parts = equation(*step.parts, notation=TEXT).split(" = ")
            result = matrix(shown)
            assert result.shape == (len(step.values), len(step.values[0]))
            if not step.numbers:
                continue
            value, lines = recomputed(parts[-2]), lines + 1
            assert value.shape == result.shape, parts
            assert step.is_about == (value != result).any(), parts
            if arithmetic.kind == "rounded":
                assert (np.vectorize(arithmetic.rounding, otypes=[object])(value) == result).all(), parts
            elif arithmetic == FRACTIONS:
                assert (value == result).all(), parts
            else:
                size = float(max(1, *abs(matrix(re.findall(r"\[\[.*?\]\]", parts[-2])[0])).ravel()))
                np.testing.assert_allclose(value.astype(float), result.astype(float), rtol=1e-4, atol=1e-4 * size)
        assert lines == 3 + 1 + 2 + 3  # each a, δ of the outputs, δ below, each gradient


def test_columns_are_rows_turned_over():
    network = tw.Network([2, 3, 5], activation="tanh", output="softmax", loss="squared_error")
    p = network.initialize(seed=2)
    rows, columns = (tw.trace(network, p, [1.0, 2.0], [0, 1, 0, 0, 0], conventions=c) for c in (None, COLUMNS))
    for one, other in zip(rows.matrices(), columns.matrices(), strict=True):
        assert other.values == tuple(zip(*one.values, strict=True)) or one.values == other.values  # the Jacobian
        assert one.equation == other.equation


def test_the_lines_as_they_are_written():
    assert [equation(*step.parts) for step in small(loss="squared_error", bias=True).matrices()] == [
        "a⁽¹⁾ = x·W⁽¹⁾ + b⁽¹⁾ = [1 2]·[1 −1; 2 0.5] + [3 −1] = [8 −1]",
        "z⁽¹⁾ = g(a⁽¹⁾) = [8 0]",
        "a⁽²⁾ = z⁽¹⁾·W⁽²⁾ + b⁽²⁾ = [8 0]·[0.25; 0.5] + [0.75] = [2.75]",
        "z⁽²⁾ = g(a⁽²⁾) = [2.75]",
        "∂E/∂z⁽²⁾ = [−2.5]",
        "δ⁽²⁾ = (∂E/∂z⁽²⁾)·diag(g′(a⁽²⁾)) = [−2.5]·[1] = [−2.5]",
        "∂E/∂W⁽²⁾ = (z⁽¹⁾)ᵀ·δ⁽²⁾ = [8; 0]·[−2.5] = [−20; 0]",
        "∂E/∂b⁽²⁾ = δ⁽²⁾ = [−2.5]",
        "δ⁽¹⁾ = δ⁽²⁾·(W⁽²⁾)ᵀ·diag(g′(a⁽¹⁾)) = [−2.5]·[0.25 0.5]·[1 0; 0 0] = [−0.625 0]",
        "∂E/∂W⁽¹⁾ = xᵀ·δ⁽¹⁾ = [1; 2]·[−0.625 0] = [−0.625 0; −1.25 0]",
        "∂E/∂b⁽¹⁾ = δ⁽¹⁾ = [−0.625 0]",
    ]
    columns = tw.trace(tw.Network([1, 2], output="softmax", loss="cross_entropy", bias=False), [0.0, 0.0], [2.0],
                       [1.0, 0.0], conventions=COLUMNS)  # fmt: skip
    assert [(step.equation, equation(*step.parts)) for step in columns.matrices()] == [
        ("(2)", "z⁽¹⁾ = w⁽¹⁾·x = [0; 0]·[2] = [0; 0]"),
        ("(2)", "a⁽¹⁾ = softmax(z⁽¹⁾) = [0.5; 0.5]"),
        ("(5)", "∂L/∂a⁽¹⁾ = [−2; 0]"),
        ("(L15)", "∂a⁽¹⁾/∂z⁽¹⁾ = [0.25 −0.25; −0.25 0.25]"),
        ("(L15)", "δ⁽¹⁾ = (∂a⁽¹⁾/∂z⁽¹⁾)·(∂L/∂a⁽¹⁾) = a⁽¹⁾ − y = [0.5; 0.5] − [1; 0] = [−0.5; 0.5]"),
        ("(L15)", "∂L/∂w⁽¹⁾ = δ⁽¹⁾·xᵀ = [−0.5; 0.5]·[2] = [−1; 1]"),
    ]


def test_of_several_examples_it_is_that_of_one():
    network = tw.Network([1, 1], bias=False)
    t = tw.trace(network, [2.0], [[1.0], [3.0]], [1.0, 5.0])
    assert [equation(*step.parts) for step in t.matrices(2)][-2:] == [
        "δ⁽¹⁾ = (∂E₂/∂z⁽¹⁾)·diag(g′(a⁽¹⁾)) = [2]·[1] = [2]",
        "∂E₂/∂W⁽¹⁾ = xᵀ·δ⁽¹⁾ = [3]·[2] = [6]",
    ]
    assert [step.values for step in t.matrices()] == [step.values for step in t.matrices(1)]


def test_a_slope_that_overflows_leaves_the_zeros_beside_it():
    network = tw.Network([1, 2, 1], activation="exp", bias=False)
    t = tw.trace(network, [800.0, 1.0, 1.0, 1.0], [1.0], [0.0])
    (delta,) = [step for step in t.matrices() if str(step.symbol) == "delta[1][:]"]
    assert "[[inf, 0], [0, 2.71828]]" in equation(*delta.parts, notation=TEXT)
