"""The order of the steps of backpropagation, and the equations of the lecture that they are."""

import numpy as np

import thalweg as tw
from thalweg.tracing import trace


def test_steps_come_in_the_order_of_the_lecture():
    network = tw.Network([2, 2, 1], activation="tanh")
    t = trace(network, network.initialize(), [1.0, 2.0], [3.0], learning_rate=0.1)
    assert [step.key for step in t] == [
        ("a", 1, 1), ("z", 1, 1), ("a", 1, 2), ("z", 1, 2), ("a", 2, 1), ("z", 2, 1), ("E",), ("dE/dz", 2, 1),
        ("g'", 2, 1), ("delta", 2, 1), ("dE/dW", 2, 1, 1), ("dE/dW", 2, 2, 1), ("dE/db", 2, 1),
        ("g'", 1, 1), ("delta", 1, 1), ("g'", 1, 2), ("delta", 1, 2),
        ("dE/dW", 1, 1, 1), ("dE/dW", 1, 1, 2), ("dE/dW", 1, 2, 1), ("dE/dW", 1, 2, 2),
        ("dE/db", 1, 1), ("dE/db", 1, 2),
        ("W_new", 2, 1, 1), ("W_new", 2, 2, 1), ("b_new", 2, 1), ("W_new", 1, 1, 1), ("W_new", 1, 1, 2),
        ("W_new", 1, 2, 1), ("W_new", 1, 2, 2), ("b_new", 1, 1), ("b_new", 1, 2),
    ]  # fmt: skip
    assert len(t) == 32
    assert [step.equation for step in t][:23] == [
        "(2)", "(2)", "(2)", "(2)", "(3)", "(3)", "(4)", "(5)", "(L14)", "(5)", "(5)", "(5)", "(5)",
        "(L14)", "(6)", "(L14)", "(6)", "(6)", "(6)", "(6)", "(6)", "(6)", "(6)",
    ]  # fmt: skip
    assert {step.equation for step in t if step.is_update} == {"(1)"}
    deep = tw.Network([1, 1, 1, 1])
    deltas = trace(deep, deep.initialize(), [1.0], [1.0]).steps("delta")
    assert [step.equation for step in deltas] == ["(5)", "(7)", "(7)"]


def test_softmax_has_its_jacobian_between_the_slopes_and_delta():
    network = tw.Network([3, 2], output="softmax", loss="cross_entropy", bias=False)
    t = trace(network, network.initialize(), [1.0, 2.0, 3.0], 1)
    assert [step.key for step in t][:13] == [
        ("a", 1, 1), ("a", 1, 2), ("z", 1, 1), ("z", 1, 2), ("E",), ("dE/dz", 1, 1), ("dE/dz", 1, 2),
        ("dz/da", 1, 1, 1), ("dz/da", 1, 1, 2), ("dz/da", 1, 2, 1), ("dz/da", 1, 2, 2),
        ("delta", 1, 1), ("delta", 1, 2),
    ]  # fmt: skip
    assert not t.steps("g'") and len(t) == 13 + 6


def test_examples_pass_one_after_the_other_and_are_summed():
    network = tw.Network([1, 2], bias=True)
    t = trace(network, network.initialize(), [[1.0], [2.0], [3.0]], [[1.0, 2.0]] * 3, learning_rate=0.1)
    keys = [step.key for step in t]
    one = [step.key for step in trace(network, network.initialize(), [1.0], [1.0, 2.0])]
    assert keys[: 3 * len(one)] == [(n, *key) for n in (1, 2, 3) for key in one]
    gradient = [("dE/dW", 1, 1, 1), ("dE/dW", 1, 1, 2), ("dE/db", 1, 1), ("dE/db", 1, 2)]
    new = [("W_new", 1, 1, 1), ("W_new", 1, 1, 2), ("b_new", 1, 1), ("b_new", 1, 2)]
    assert keys[3 * len(one) :] == [("E",), *gradient, *new]
    assert [t[key].equation for key in [(2, "E"), ("E",), *gradient]] == ["(4)", "(4)", *["(L13)"] * 4]


def test_steps_of_a_kind_a_layer_an_example():
    network = tw.Network([3, 5, 2], bias=False)
    t = trace(network, network.initialize(), np.ones((2, 3)), np.ones((2, 2)))
    assert [step.key for step in t.steps("delta", layer=2, example=2)] == [(2, "delta", 2, 1), (2, "delta", 2, 2)]
    assert {step.kind for step in t.steps("a", "z")} == {"a", "z"} and len(t.steps("a", "z")) == 2 * 2 * 7
    assert len(t.steps(layer=1, example=1)) == 5 * 4 + 15
