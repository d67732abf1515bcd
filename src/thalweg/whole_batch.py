"""Training on all rows at once along directions: L-BFGS, Newton, conjugate gradient, and every line search.

The network is one more function to walk down: the same step (steps.py) as on any function, the engine giving loss and
gradient. A step is an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from thalweg.directions import Newton
from thalweg.engines.base import Broken, Engine, Epoch, Outcome, TrainingState
from thalweg.errors import InputError
from thalweg.landscape import Point, bend, dot
from thalweg.line_searches import NoStepError
from thalweg.steps import along_a_ray


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.examples import Examples
    from thalweg.network import Network
    from thalweg.orders import Order
    from thalweg.update_rules import Optimizer

    Vector = Float[np.ndarray, " p"]

MOST_PARAMETERS = 2_000  # whose Hessian Newton's step takes, by two gradients for each


class Loss:
    """The objective of a network over all rows, as a landscape of its parameters."""

    def __init__(self, network: Network, examples: Examples, engine: Engine) -> None:
        self._network, self._examples, self._engine = network, examples, engine
        self._asked: tuple[Vector, float, Vector] | None = None

    def value(self, x: Vector) -> float:
        """The objective; its gradient, which the engine gives along with it, is kept for who asks next."""
        return self.value_and_gradient(x)[0]

    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """The objective and its gradient."""
        if self._asked is None or not np.array_equal(self._asked[0], x):
            self._asked = (x, *self._engine.loss_and_gradient(self._network, x, self._examples))
        return self._asked[1:]

    def hessian(self, x: Vector) -> Float[np.ndarray, "p p"]:
        """Differences of gradients along each parameter."""
        return np.stack([self._bend(x, d) for d in np.eye(len(x), dtype=x.dtype)])

    def curvature(self, x: Vector, d: Vector) -> float:
        """dᵀ H d."""
        return dot(d, self._bend(x, d))

    def _bend(self, x: Vector, d: Vector) -> Vector:
        """H d: h = ε^(1/3) balances truncation O(h²) and rounding O(ε/h)."""
        reach = float(np.finfo(x.dtype).eps) ** (1 / 3) * max(1.0, float(np.abs(x).max()))
        return bend(lambda x: self.value_and_gradient(x)[1], x, d, reach)


class WholeBatchTrainer:
    """A training in progress whose steps see all rows."""

    def __init__(
        self, network: Network, optimizer: Optimizer, examples: Examples, state: TrainingState, engine: Engine
    ) -> None:
        self._network, self._optimizer, self._state = network, optimizer, state.copy()
        self._loss = Loss(network, examples, engine)

    def state(self) -> TrainingState:
        """The state now."""
        return self._state

    def run(self, epoch: Epoch, should_stop: Callable[[], bool]) -> Outcome:
        """Take the one step of an epoch; a line search is not cut in the middle."""
        if should_stop():
            return Outcome(np.empty(0), interrupted=True)
        state = self._state
        with np.errstate(all="ignore"):
            at = Point(state.parameters, *self._loss.value_and_gradient(state.parameters))
            if not at.is_finite:
                return Outcome(np.empty(0), broken=self._broken(at))
            try:
                found = along_a_ray(at, self._loss, self._optimizer, state.optimizer, float(epoch.rates[0]))
            except NoStepError as error:
                return Outcome(np.array([at.value]), stalled=str(error))
        state.parameters = found.point.x
        state.steps += 1
        return Outcome(np.array([at.value]), rate=found.rate)

    def _broken(self, at: Point) -> Broken:
        if not math.isfinite(at.value):
            return Broken(0, len(self._network.layers), "the loss")
        return Broken(0, self._network.layer_not_finite(at.gradient), "the gradient")


def check_whole_batch(network: Network, optimizer: Optimizer, batch: int, rows: int, order: Order) -> None:
    """Whether a training can walk along directions.

    Raises:
        InputError: mini-batches or dropout change the function between two looks at it, or Newton's matrix is large.
    """
    name = f"{optimizer!r}"
    if batch < rows:
        message = (
            f"{name} needs the same function at every look, and with batches of {batch} of {rows} rows it changes from "
            'step to step; use batch="all", or an update rule such as Adam(1e-3) with a number or a schedule'
        )
        raise InputError(message)
    if order not in ("shuffle", "sweep"):
        message = f"{name} sees all rows at each step, so order={order!r} would do nothing; leave it out"
        raise InputError(message)
    if any(network.dropout):
        message = f"{name} needs the same loss at every look, and dropout draws it anew; use dropout=0, or Adam(1e-3)"
        raise InputError(message)
    if isinstance(optimizer, Newton) and network.n_parameters > MOST_PARAMETERS:
        message = (
            f"Newton takes a matrix of {network.n_parameters:,} × {network.n_parameters:,} numbers at each step, and "
            f"{MOST_PARAMETERS:,} parameters are the most that it is good for; use LBFGS()"
        )
        raise InputError(message)
