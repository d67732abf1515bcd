"""Findings: each of them on a training made to have it, and not on the same training made well."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.checkups import Checkup
from thalweg.findings import RULES, Seen, judge


N, D = 97, 5
X = np.random.default_rng(11).normal(size=(N, D))
Y = np.tanh(X[:, 0]) + 0.5 * X[:, 1]


def examined(X: Any = X, Y: Any = Y, *, sizes=(D, 11, 1), epochs=14, parameters=None, engine="cpu", **options):
    """The kinds found in a training, and the layers of each."""
    names = ("activation", "output", "loss")
    network = tw.Network(sizes, **{name: options.pop(name) for name in names if name in options})
    doctor = tw.Doctor()
    options = {"optimizer": tw.Adam(0.01), "seed": 2, **options}
    tw.train(
        network, X, Y, parameters=parameters, stop=tw.Stop(epochs=epochs), callbacks=[doctor], engine=engine, **options
    )
    found: dict[str, list[int]] = {}
    for finding in doctor.findings:
        found.setdefault(finding.kind, []).append(finding.layer)
    return found


def started(sizes, **weights):
    """Initial parameters with something changed: `scale` of all weights, `shift` of the first biases."""
    network = tw.Network(sizes)
    p = network.initialize(2) * weights.get("scale", 1.0)
    _, b = network.views(p)[0]
    assert b is not None
    b += weights.get("shift", 0.0)
    return p


def scaled(column, by):
    changed = X.copy()
    changed[:, column] *= by
    return changed


DEEP = (D, *[7] * 9, 1)
CASES: dict[str, tuple[dict[str, Any], list[int], dict[str, Any]]] = {  # what has it, in which layers, what has it not
    "large inputs": ({"X": scaled(2, 50.0)}, [0], {"X": scaled(2, 5.0)}),
    "small inputs": ({"X": scaled(2, 1e-4)}, [0], {"X": scaled(2, 0.05)}),
    "large targets": ({"Y": Y * 1000.0}, [0], {"Y": Y * 10.0}),
    "dead units": ({"parameters": started((D, 11, 1), shift=-20.0)}, [1], {}),
    "saturated units": (
        {"activation": "tanh", "parameters": started((D, 11, 1), scale=50.0)}, [1], {"activation": "tanh"},
    ),
    "vanishing gradient": (
        {"sizes": DEEP, "activation": "sigmoid"}, [1], {"sizes": DEEP, "activation": "relu"},
    ),
    "exploding gradient": (
        {"sizes": (D, 7, 7, 7, 1), "activation": "identity", "epochs": 1,
         "parameters": started((D, 7, 7, 7, 1), scale=np.repeat([1e-4, 1e3], [D * 7 + 7, 2 * (7 * 7 + 7) + 8])),
         "optimizer": tw.Adam(1e-9)}, [1],
        {"sizes": (D, 7, 7, 7, 1), "activation": "identity"},
    ),
    "growing gradient": (
        {"sizes": (D, 1), "optimizer": tw.GradientDescent(2.0), "batch": "all", "epochs": 20}, [1],
        {"sizes": (D, 1), "optimizer": tw.GradientDescent(0.2), "batch": "all", "epochs": 20},
    ),
    "large steps": ({"optimizer": tw.Adam(1.0), "batch": "all"}, [1, 2], {"batch": "all"}),
    "small steps": (
        {"optimizer": tw.GradientDescent(1e-7), "dtype": "float64"}, [0], {"optimizer": tw.GradientDescent(1e-2)},
    ),
    "loss not falling": ({"Y": Y, "optimizer": tw.GradientDescent(1e-7)}, [0], {}),
    "loss oscillating": (
        {"sizes": (D, 1), "optimizer": tw.GradientDescent(0.35, momentum=0.98), "batch": "all", "epochs": 24}, [0],
        {"sizes": (D, 1), "optimizer": tw.GradientDescent(0.35), "batch": "all", "epochs": 24},
    ),
}  # fmt: skip


def test_every_rule_has_its_cases():
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("kind", CASES)
def test_a_training_that_has_it_and_one_that_has_not(kind, engine):
    bad, layers, good = CASES[kind]
    assert examined(**bad, engine=engine).get(kind) == layers
    assert kind not in examined(**good, engine=engine)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "silu"])
@pytest.mark.parametrize(
    "optimizer", [tw.Adam(0.01), tw.GradientDescent(0.03), tw.GradientDescent(0.02, momentum=0.9)], ids=repr
)
def test_a_healthy_training_has_no_findings(activation, optimizer):
    assert examined(activation=activation, optimizer=optimizer, epochs=40) == {}


def test_the_lectures_xor_has_no_findings():
    X, Y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    options = {"activation": "sigmoid", "output": "sigmoid", "batch": 1, "order": "sweep", "epochs": 300}
    assert examined(X, Y, sizes=(2, 3, 1), optimizer=tw.GradientDescent(0.5), **options) == {}


def test_rare_ones_and_empty_columns_are_not_called_small():
    rare = X.copy()
    rare[:, 1] = 0.0
    rare[:, 2] = 0.0
    rare[5, 2] = 1.0
    assert examined(rare) == {}


def test_a_loss_that_is_nearly_nothing_may_oscillate():
    """Noise of Adam at the bottom of a line that fits exactly."""
    assert "loss oscillating" not in examined(Y=X @ np.arange(5.0), sizes=(D, 1), optimizer=tw.Adam(0.3), epochs=60)


def seen(gradients, objectives=(1.0,), updates=None, **network):
    """Check-ups made up."""
    layers = len(gradients[-1])
    checkups = [
        Checkup(
            epoch, epoch, objectives[min(epoch, len(objectives) - 1)], np.array(gradient),
            np.array([1e-3] * layers if updates is None else updates[epoch]), 1, np.zeros(layers), np.zeros(layers),
        )
        for epoch, gradient in enumerate(gradients)
    ]  # fmt: skip
    sample: Any = SimpleNamespace(X=np.ones((3, 1)), Y=np.ones((3, 1)), n=3)
    return Seen(tw.Network([1] * (layers + 1), **network), sample, checkups)


@pytest.mark.parametrize(
    ("gradient", "kind", "layer"),
    [
        ([1.0, 1.0, 1.0], None, 0),
        ([0.0, 0.0, 0.0], None, 0),  # arrived, or dead: no ratio says anything
        ([1e-3, 1.0, 1.0], "vanishing gradient", 1),
        ([2e-3, 1.0, 1.0], None, 0),
        ([1.0, 1e-4, 1.0], "vanishing gradient", 2),
        ([1.0, 0.0, 1.0], "vanishing gradient", 2),
        ([1e3, 1.0, 1.0], "exploding gradient", 1),
        ([1.0, 1e5, 1.0], "exploding gradient", 2),
        ([900.0, 1.0, 1.0], None, 0),
        ([np.nan, 1.0, 1.0], None, 0),
    ],
)
def test_gradients_are_compared_between_layers(gradient, kind, layer):
    found = [(one.kind, one.layer) for one in judge(seen([gradient])) if one.kind == kind or not kind]
    assert found == ([(kind, layer)] if kind else [])


def test_a_gradient_may_grow_while_the_loss_falls():
    gradients = [[1e-3], [1.0]]
    assert [one.kind for one in judge(seen(gradients, (1.0, 1.0)))] == ["growing gradient"]
    assert list(judge(seen(gradients, (1.0, 0.9)))) == []


def test_large_steps_are_those_that_last():
    ones = [[1.0]] * 6
    late, lasting = ([[np.nan], [1.0], [1.0], [last], [1.0], [1.0]] for last in (1e-3, 0.1))
    assert list(judge(seen(ones, updates=late))) == []
    assert [one.kind for one in judge(seen(ones, updates=lasting))] == ["large steps"]


def test_numbers_are_in_the_sentences():
    (finding,) = judge(seen([[2e-4, 1.0]]))
    assert finding.sentence == "the gradient of a weight of layer 1 is 0.0002 of what reaches a layer above."
    assert (finding.number, finding.epoch, finding.last_epoch) == (2e-4, 0, 0)
    assert str(finding).startswith("vanishing gradient (epoch 0): the gradient") and finding.advice in str(finding)


@pytest.mark.parametrize("kind", RULES)
def test_each_limit_has_a_source_and_each_finding_an_advice(kind):
    assert RULES[kind].source and RULES[kind].advice.endswith(".") and RULES[kind].limit > 0
