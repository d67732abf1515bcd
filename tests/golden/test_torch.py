"""PyTorch's losses, gradients and optimizer walks, stored in torch.json by make_torch.py, are ours."""

import json
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from thalweg.activations import HIDDEN
from thalweg.losses import LOSSES
from thalweg.update_rules import UPDATE_RULES


GOLDEN = json.loads(Path(__file__).with_name("torch.json").read_text(encoding="utf-8"))
DATA = {name: np.array(values) for name, values in GOLDEN["data"].items()}
P = np.array(GOLDEN["parameters"])
LOSS_OBJECTS = {"huber": tw.Huber, "quantile": tw.Quantile}
OPTIMIZER_NAMES = {"momentum": "GradientDescent", "nesterov": "GradientDescent"}


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13 * max(1.0, np.abs(theirs).max()))


def test_the_file_has_a_case_for_every_row_of_our_tables():
    assert GOLDEN["torch"].startswith("2.13.0")
    assert set(GOLDEN["activations"]) == set(HIDDEN)
    assert {case["loss"] for case in GOLDEN["losses"].values()} == set(LOSSES)
    assert {OPTIMIZER_NAMES.get(name, name) for name in GOLDEN["optimizers"]} == set(UPDATE_RULES)
    assert len(GOLDEN["optimizers"]) == 6


@pytest.mark.parametrize("name", GOLDEN["activations"])
def test_each_hidden_activation(name, engine):
    network = tw.Network(GOLDEN["sizes"], activation=name)
    loss, gradient = tw.loss_and_gradient(network, P, DATA["X"], DATA["Y"], engine=engine)
    close(loss, GOLDEN["activations"][name]["loss"])
    close(gradient, GOLDEN["activations"][name]["gradient"])


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weights and l2"])
@pytest.mark.parametrize("name", GOLDEN["losses"])
def test_each_loss(name, weighted, engine):
    case = GOLDEN["losses"][name]
    loss = LOSS_OBJECTS[case["loss"]](case["parameter"]) if case["parameter"] else case["loss"]
    network = tw.Network(
        GOLDEN["sizes"], activation="tanh", output=case["output"], loss=loss, l2=0.3 if weighted else 0.0
    )
    weights = DATA["weights"] if weighted else None
    value, gradient = tw.loss_and_gradient(
        network, P, DATA["X"], DATA[case["targets"]], sample_weight=weights, engine=engine
    )
    theirs = case["weighted" if weighted else "plain"]
    close(value, theirs["loss"])
    close(gradient, theirs["gradient"])


@pytest.mark.parametrize("name", GOLDEN["optimizers"])
def test_each_optimizer_walks_the_same_way(name, engine):
    case = GOLDEN["optimizers"][name]
    optimizer = UPDATE_RULES[str(OPTIMIZER_NAMES.get(name, name))](**case["settings"])
    network = tw.Network(GOLDEN["sizes"], activation="tanh", bias=False)
    for steps, places in case["parameters"].items():
        result = tw.train(
            network, DATA["X"], DATA["Y"], parameters=GOLDEN["parameters_without_bias"], optimizer=optimizer,
            batch="all", order="sweep", stop=tw.Stop(epochs=int(steps)), engine=engine, dtype="float64",
        )  # fmt: skip
        close(result.parameters, places)
    assert len(result.history) == GOLDEN["steps"] == 20
    close(result.history.loss, case["losses"])
