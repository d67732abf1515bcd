"""One look at a network in training: what its units answer to some rows, and what gradient reaches each layer.

Every number comes from the reference engine's forward and backward pass in float64, whichever engine trains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg.engines.reference import loss_gradient_and_passed, one_thread


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.activations import Activation
    from thalweg.examples import Examples
    from thalweg.network import Layer, Network

FLAT = 1e-3  # a slope below this part of the activation's steepest: nothing to speak of passes such a unit
NEARLY_FLAT = 0.05  # of a unit that is flat on both sides: tanh beyond ±2.2, sigmoid beyond ±4.4
NEARLY_ALL = 0.95  # of the rows
FAR, NEAR = 100.0, 3.0  # where an activation is at its ends, and where a healthy a lies


@dataclass(frozen=True)
class Checkup:
    """What was seen after an epoch; arrays have a number for each layer, from the first."""

    epoch: int
    steps: int
    objective: float  # of the sample, penalty included
    gradient: Float[np.ndarray, " layers"]  # root mean square of ∂E/∂W
    update: Float[np.ndarray, " layers"]  # ‖change of W‖ / (‖W before‖ √steps) since the last look; nan at the first
    steps_between: int
    dead: Float[np.ndarray, " layers"]  # share of units without a slope on every row; nan where the rule does not apply
    saturated: Float[np.ndarray, " layers"]  # share of units with hardly a slope on nearly every row; nan likewise


def examine(
    network: Network,
    p: Float[np.ndarray, " p"],
    sample: Examples,
    *,
    epoch: int,
    steps: int,
    before: tuple[Float[np.ndarray, " p"], int] | None = None,
) -> Checkup:
    """Look at a network.

    Args:
        network: the network.
        p: its parameters, float64.
        sample: rows to show it, float64.
        epoch: epochs finished.
        steps: steps taken.
        before: parameters and steps at the last look.

    >>> from thalweg.examples import check_examples
    >>> from thalweg.network import Network
    >>> net = Network([1, 2, 1], bias=False)  # for x > 0 the first unit answers 0, the second x
    >>> rows = check_examples(net, [[1.0], [2.0]], [1.0, 2.0])
    >>> examine(net, np.array([-1.0, 1.0, 1.0, 1.0]), rows, epoch=1, steps=2).dead.tolist()
    [0.5, 0.0]
    """
    with one_thread(), np.errstate(all="ignore"):
        loss, gradient, passed = loss_gradient_and_passed(network, p, sample.X, sample.Y, sample.weights)
        slopes = [
            np.abs(layer.activation.backward(z if layer.activation.saves == "z" else a, np.ones_like(a)))
            for layer, a, z in zip(network.layers, passed.a, passed.z, strict=True)
        ]
        shares = [_shares(network, layer, slope) for layer, slope in zip(network.layers, slopes, strict=True)]
        between = steps - before[1] if before else 0
        return Checkup(
            epoch,
            steps,
            loss,
            np.array([_size(gradient[layer.weights]) for layer in network.layers]),
            np.array([_moved(p, before[0] if before else p, layer, between) for layer in network.layers]),
            between,
            np.array([dead for dead, _ in shares]),
            np.array([saturated for _, saturated in shares]),
        )


def _shares(network: Network, layer: Layer, slope: Float[np.ndarray, "n units"]) -> tuple[float, float]:
    """Dead and saturated units of a layer.

    The output is looked at only where one of its units has no slope at all: sure outputs are flat, and right to be,
    and where output and loss cancel, nothing passes through their slope.
    """
    activation = layer.activation
    if layer is network.layers[-1]:
        is_looked_at = activation.elementwise and activation.name not in network.loss.fused
        return (float((slope == 0.0).all(axis=0).mean()), math.nan) if is_looked_at else (math.nan, math.nan)
    sides, steepest = _flat_sides(activation)
    if sides == 1:
        return float((slope < FLAT * steepest).all(axis=0).mean()), math.nan
    if sides == 2:
        return math.nan, float(((slope < NEARLY_FLAT * steepest).mean(axis=0) >= NEARLY_ALL).mean())
    return math.nan, math.nan


def _flat_sides(activation: Activation) -> tuple[int, float]:
    """On how many sides g becomes flat (relu one, tanh two, identity none), and its steepest slope where a is usual."""
    a = np.concatenate([[-FAR, FAR], np.linspace(-NEAR, NEAR, 61)])[:, None]
    slope = np.abs(activation.backward(activation(a) if activation.saves == "z" else a, np.ones_like(a)))[:, 0]
    steepest = float(slope[2:].max())
    return int((slope[:2] < FLAT * steepest).sum()), steepest


def _size(values: np.ndarray) -> float:
    return math.sqrt(float(np.mean(values * values)))


def _moved(p: np.ndarray, before: np.ndarray, layer: Layer, steps: int) -> float:
    size = _size(before[layer.weights])
    return _size(p[layer.weights] - before[layer.weights]) / (size * math.sqrt(steps)) if steps and size else math.nan
