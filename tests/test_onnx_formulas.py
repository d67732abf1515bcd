"""Formulas in ONNX, run by onnxruntime: the values of the formula, and none where it has none."""

import numpy as np
import pytest
from hypothesis import given, settings

import thalweg as tw
from formulas import EVERY_KIND, FORMULAS, scaled_error
from onnx_answers import run
from thalweg.elementary import FUNCTIONS
from thalweg.formulas import formula
from thalweg.instructions import MULTIPLES
from thalweg.onnx_export import network_graph
from thalweg.onnx_formulas import INSTRUCTIONS, formula_nodes
from thalweg.onnx_graph import Graph


SINGLE = ("erf", "asin", "acos", "atan")  # which onnxruntime has in float32 only


def values(text, a):
    graph = Graph()
    x = graph.input("X", a.dtype, 1, "")
    graph.output(formula_nodes(graph, formula(text), x, a.dtype.type), "z", 1, a.dtype)
    return run(graph.model(""), {"X": a[:, None]})["z"][:, 0]


def test_every_function_has_a_row():
    assert set(FUNCTIONS) - set(MULTIPLES) < set(INSTRUCTIONS)


def arguments(dtype):
    return np.concatenate([np.linspace(-30, 30, 601), np.linspace(-0.99, 0.99, 99), [0.0, 1e-8, -1e-8]]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("text", EVERY_KIND)
def test_values_are_those_of_the_formula_and_none_where_it_has_none(text, dtype):
    a = arguments(dtype)
    expected, found = formula(text).on_arrays(["a"])(a), values(text, a)
    assert found.dtype == dtype and np.array_equal(np.isfinite(found), np.isfinite(expected))
    assert np.array_equal(np.isnan(found), np.isnan(expected)) and np.isfinite(expected).sum() > 50
    is_double = dtype == np.float64 and not any(name in text for name in SINGLE)
    assert scaled_error(found, expected) <= (1e-12 if is_double else 1e-6)


@settings(max_examples=60, deadline=None)
@given(FORMULAS)
def test_any_formula(text):
    a = np.linspace(-2.03, 1.97, 83)
    try:
        row = tw.own_activation("mine", text)
    except tw.InputError:
        return  # a constant, or too large somewhere
    network = tw.Network([1, 1], output=row, bias=False)
    found = run(network_graph(network, np.ones(1)), {"X": a[:, None]})["prediction"]
    expected = row(a)
    inside = np.abs(expected) < 1e30
    limit = 1e-5 if "erf" in text else 1e-10
    assert scaled_error(found[inside], expected[inside]) <= limit


def test_numbers_beyond_float32_are_infinite_there():
    text = "a*1e300 if a > 1 else a/1e300"
    a = np.array([-1.0, 0.5, 2.0], dtype=np.float32)
    assert values(text, a).tolist() == [0.0, 0.0, np.inf]
    assert values(text, a.astype(np.float64)).tolist() == [-1e-300, 0.5e-300, 2e300]
