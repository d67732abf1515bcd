"""The engine `cpu`: the C++ core (core/), float32 and float64, on the instruction set chosen at import.

It computes what the reference engine computes, to rounding. Threads share the work so that the order of every sum is
fixed by the problem: the same seed gives the same bits for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import _core
from thalweg.engines.base import Broken, Epoch, Outcome, TrainingState
from thalweg.engines.programs import activation_programs, loss_program
from thalweg.errors import EngineError
from thalweg.update_rules import Adam, AdamW, GradientDescent, RMSprop, UpdateRule


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.activations import Activation
    from thalweg.examples import Examples
    from thalweg.losses import Loss
    from thalweg.network import Network

    Vector = Float[np.ndarray, " p"]

# Optimizer -> what the core calls its numbers. A subclass with rules of its own has no row and is refused.
SETTINGS: dict[type[UpdateRule], Callable[[Any], dict[str, Any]]] = {
    GradientDescent: lambda rule: {"momentum": rule.momentum, "nesterov": rule.nesterov},
    RMSprop: lambda rule: {"beta2": rule.rho, "epsilon": rule.epsilon},
    Adam: lambda rule: {
        "beta1": rule.beta1, "beta2": rule.beta2, "epsilon": rule.epsilon, "epsilon_hat": rule.epsilon_hat
    },
    AdamW: lambda rule: {**SETTINGS[Adam](rule), "weight_decay": rule.weight_decay},
}  # fmt: skip
UNUSED: dict[str, Any] = {
    "momentum": 0.0, "nesterov": False, "beta1": 0.0, "beta2": 0.0, "epsilon": 0.0, "epsilon_hat": False,
    "weight_decay": 0.0,
}  # fmt: skip
TRAINERS: dict[Any, Any] = {np.dtype(np.float32): _core.TrainerFloat32, np.dtype(np.float64): _core.TrainerFloat64}


class Cpu:
    """The C++ engine.

    Args:
        threads: how many to use; 0 lets each call choose by its work.
        instruction_set: "avx512", "avx2", "neon" or "portable"; empty for the one chosen at import (THALWEG_CPU).

    Raises:
        EngineError: THALWEG_CPU named a set that is unknown or cannot run here.
    """

    name = "cpu"

    def __init__(self, threads: int = 0, instruction_set: str = "") -> None:
        self._threads = threads
        self._set = instruction_set or _best_set()

    def loss_and_gradient(self, network: Network, p: Vector, examples: Examples) -> tuple[float, Vector]:
        """The network's objective over all rows (without dropout) and its gradient."""
        gradient = np.empty_like(p)
        loss = _core.loss_and_gradient(
            described(network), p, examples.X, examples.Y, _weights(examples), self._threads, self._set, gradient
        )
        return loss, gradient

    def predict(self, network: Network, p: Vector, X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """ŷ = z⁽ᴸ⁾ for each row."""
        out = np.empty((len(X), network.sizes[-1]), dtype=p.dtype)
        _core.predict(described(network), p, X, self._threads, self._set, out)
        return out

    def mean_loss(self, network: Network, p: Vector, examples: Examples) -> float:
        """Σ_n s_n E_n / Σ_n s_n over all rows, without penalty."""
        return _core.mean_loss(
            described(network), p, examples.X, examples.Y, _weights(examples), self._threads, self._set
        )

    def trainer(self, network: Network, optimizer: UpdateRule, examples: Examples, state: TrainingState) -> CpuTrainer:
        """Go on from `state`, which is not changed and must not change before the first run."""
        return CpuTrainer(network, optimizer, examples, state, self._threads, self._set)


class CpuTrainer:
    """A training in progress; the core keeps the parameters in its own layout and hands them out when asked."""

    def __init__(
        self,
        network: Network,
        optimizer: UpdateRule,
        examples: Examples,
        state: TrainingState,
        threads: int,
        instruction_set: str,
    ) -> None:
        self._names = tuple(state.optimizer)
        self._core = TRAINERS[state.parameters.dtype](
            described(network), _rule(optimizer), examples.X, examples.Y, _weights(examples), state.parameters,
            list(state.optimizer.values()), state.steps, threads, instruction_set,
        )  # fmt: skip
        self._state = state  # the given one, unchanged, until there is another: large vectors are not held twice
        self._is_current = self._is_given = True

    def state(self) -> TrainingState:
        """The state now."""
        if not self._is_current:
            if self._is_given:
                vectors = {name: np.empty_like(vector) for name, vector in self._state.optimizer.items()}
                self._state = TrainingState(np.empty_like(self._state.parameters), vectors, 0)
                self._is_given = False
            self._core.state(self._state.parameters, [self._state.optimizer[name] for name in self._names])
            self._state.steps = self._core.t
            self._is_current = True
        return self._state

    def run(self, epoch: Epoch, should_stop: Callable[[], bool]) -> Outcome:
        """Run one epoch of steps; ends between two steps when `should_stop` says so, or at a non-finite value."""
        losses = np.empty(len(epoch.rates))
        self._is_current = False
        done, broken, interrupted = self._core.run(
            epoch.number, epoch.order, epoch.batch, epoch.rates, epoch.alpha, epoch.seed, losses, should_stop
        )
        return Outcome(losses[:done], None if broken is None else Broken(*broken), interrupted)


@cache
def _best_set() -> str:
    """The instruction set for this process: the answer is the same each time, and asking reads a dozen system files."""
    try:
        return _core.cpu_features()["instruction_set"]
    except ValueError as error:
        raise EngineError(str(error)) from error


def described(network: Network) -> _core.Network:
    """The network as the core knows it.

    Raises:
        EngineError: the core has no such activation or loss.
    """
    rows = [
        (
            layer.below, layer.above, _name(layer.activation), layer.activation.parameter, layer.dropout,
            layer.weights.start, layer.biases.start if layer.biases else -1, *_programs(layer.activation),
        )
        for layer in network.layers
    ]  # fmt: skip
    loss = network.loss
    try:
        return _core.Network(
            rows, _name(loss), loss.parameter, network.reduction == "mean", network.l2,
            loss_program(loss) if loss.own else None,
        )  # fmt: skip
    except ValueError as error:
        raise EngineError(str(error)) from error


def _name(row: Activation | Loss) -> str:
    return "own" if row.own else row.name


def _programs(g: Activation) -> tuple[_core.Program | None, _core.Program | None]:
    return activation_programs(g) if g.own else (None, None)


def _rule(optimizer: UpdateRule) -> _core.Optimizer:
    kind = type(optimizer)
    if kind not in SETTINGS:
        message = f"the engine 'cpu' has no optimizer {optimizer!r}; use engine='reference'"
        raise EngineError(message)
    return _core.Optimizer(kind.__name__, **(UNUSED | SETTINGS[kind](optimizer)), clip=optimizer.clip or 0.0)


def _weights(examples: Examples) -> Float[np.ndarray, " n"] | None:
    """The weights, or None where all are 1: then they need not be read at every step."""
    return None if (examples.weights == 1).all() else examples.weights
