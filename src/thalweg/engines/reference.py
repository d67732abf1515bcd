"""The reference engine: the lecture line by line, in NumPy. It is slow and true, and the others are tested against it.

Numbers in brackets are the equations of the lecture (docs/lecture.md). Shapes: x (n, d), a⁽ℓ⁾ and z⁽ℓ⁾ (n, units of ℓ),
W⁽ℓ⁾ (units below, units above), δ⁽ℓ⁾ as a⁽ℓ⁾: the rows of a batch pass through side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness
from thalweg.engines.base import Broken, Epoch, Outcome, TrainingState


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.examples import Examples
    from thalweg.network import Network
    from thalweg.update_rules import UpdateRule

    Vector = Float[np.ndarray, " p"]
    Masks = Sequence[np.ndarray | None]

ROWS_AT_ONCE = 8192  # rows that pass side by side where no gradient is wanted, to bound memory


@dataclass(frozen=True)
class Passed:
    """What the forward pass saves for the backward pass: for each layer its input, a and z."""

    inputs: list[np.ndarray]  # z⁽ℓ⁻¹⁾, what layer ℓ multiplies by W⁽ℓ⁾; the first is x
    a: list[np.ndarray]
    z: list[np.ndarray]


def forward(network: Network, p: Vector, x: Float[np.ndarray, "n d"], masks: Masks = ()) -> Passed:
    """The forward pass (2), (3): each layer's a and z, all saved.

    A mask is the factor of each unit of a hidden layer under inverted dropout: 0, or 1/(1 − rate).
    """
    passed = Passed([], [], [])
    below = x
    for number, layer in enumerate(network.layers):
        W, b = layer.views(p)
        a = below @ W  # (2), (3): a_j = Σ_i z_i W_ij
        if b is not None:
            a += b
        z = layer.activation(a)
        passed.inputs.append(below)
        passed.a.append(a)
        passed.z.append(z)
        mask = masks[number] if masks else None
        below = z if mask is None else z * mask
    return passed


def deltas(
    network: Network, p: Vector, passed: Passed, delta: np.ndarray, masks: Masks = ()
) -> Iterator[tuple[int, np.ndarray]]:
    """(ℓ, δ⁽ℓ⁾) from the last layer to the first by the recursion (7), from δ⁽ᴸ⁾ = ∂E/∂a⁽ᴸ⁾."""
    for number in range(len(network.layers), 1, -1):
        yield number, delta
        W, _ = network.layers[number - 1].views(p)
        dz = delta @ W.T  # (7): Σ_k δ_k W_jk for every unit j below
        if masks and masks[number - 2] is not None:
            dz *= masks[number - 2]
        below = network.layers[number - 2].activation
        delta = below.backward(passed.z[number - 2] if below.saves == "z" else passed.a[number - 2], dz)  # · g′(a)
    yield 1, delta


def backward(network: Network, p: Vector, passed: Passed, delta: np.ndarray, masks: Masks = ()) -> Vector:
    """The backward pass (5)–(7): from δ⁽ᴸ⁾ = ∂E/∂a⁽ᴸ⁾, summed over rows (L13), to ∂E/∂p."""
    gradient = np.empty_like(p)
    for number, above in deltas(network, p, passed, delta, masks):
        dW, db = network.layers[number - 1].views(gradient)
        np.matmul(passed.inputs[number - 1].T, above, out=dW)  # (5), (6), L15: ∂E/∂W = zᵀ δ
        if db is not None:
            np.sum(above, axis=0, out=db)  # a bias is the weight of an input that is always 1
    return gradient


def weighted_sum(weights: Float[np.ndarray, " n"], E: Float[np.ndarray, " n"]) -> float:
    """Σ_n s_n E_n in float64, where weights of any scale neither overflow nor vanish."""
    return float(np.dot(weights.astype(np.float64), E.astype(np.float64)))


def objective(
    network: Network, p: Vector, E: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"], l2: float
) -> float:
    """Σ_n s_n E_n, divided by Σ_n s_n for reduction="mean", plus ½ · l2 · ‖W‖²."""
    total = weighted_sum(weights, E)
    if network.reduction == "mean":
        total /= float(np.sum(weights, dtype=np.float64))
    if l2:
        total += 0.5 * l2 * sum(float(np.vdot(p[layer.weights], p[layer.weights])) for layer in network.layers)
    return total


def loss_gradient_and_passed(
    network: Network, p: Vector, x: np.ndarray, y: np.ndarray, weights: np.ndarray, masks: Masks = (), alpha: float = 0
) -> tuple[float, Vector, Passed]:
    """Objective, its gradient, and what the forward pass saved; alpha / Σ_n s_n is added to the penalty's strength."""
    l2 = network.l2 + alpha / float(np.sum(weights, dtype=np.float64))
    passed = forward(network, p, x, masks)
    a, z = passed.a[-1], passed.z[-1]
    E = network.loss.of(network.output, a, z, y)  # (4)
    loss = objective(network, p, E, weights, l2)
    factor = weights
    if network.reduction == "mean":  # as in `objective`, summed in float64
        factor = (weights / np.sum(weights, dtype=np.float64)).astype(weights.dtype)
    delta = network.loss.backward(network.output, a, z, y) * factor[:, None]  # (5), base case of (7)
    gradient = backward(network, p, passed, delta, masks)
    if l2:
        for layer in network.layers:
            gradient[layer.weights] += l2 * p[layer.weights]
    return loss, gradient, passed


class Reference:
    """The reference engine."""

    name = "reference"

    def loss_and_gradient(self, network: Network, p: Vector, examples: Examples) -> tuple[float, Vector]:
        """The network's objective over all rows (without dropout) and its gradient."""
        with one_thread(), np.errstate(all="ignore"):
            loss, gradient, _ = loss_gradient_and_passed(network, p, examples.X, examples.Y, examples.weights)
        return loss, gradient

    def predict(self, network: Network, p: Vector, X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """ŷ = z⁽ᴸ⁾ for each row."""
        out = np.empty((len(X), network.sizes[-1]), dtype=p.dtype)
        with one_thread(), np.errstate(all="ignore"):
            for rows in _chunks(len(X)):
                out[rows] = forward(network, p, X[rows]).z[-1]
        return out

    def mean_loss(self, network: Network, p: Vector, examples: Examples) -> float:
        """Σ_n s_n E_n / Σ_n s_n over all rows, without penalty."""
        total = 0.0
        with one_thread(), np.errstate(all="ignore"):
            for rows in _chunks(examples.n):
                passed = forward(network, p, examples.X[rows])
                E = network.loss.of(network.output, passed.a[-1], passed.z[-1], examples.Y[rows])
                total += weighted_sum(examples.weights[rows], E)
        return total / float(np.sum(examples.weights, dtype=np.float64))

    def trainer(
        self, network: Network, optimizer: UpdateRule, examples: Examples, state: TrainingState
    ) -> ReferenceTrainer:
        """Go on from `state`, which is not changed."""
        return ReferenceTrainer(network, optimizer, examples, state.copy())


class ReferenceTrainer:
    """A training in progress: one step after another, as L8 and L9 say."""

    def __init__(self, network: Network, optimizer: UpdateRule, examples: Examples, state: TrainingState) -> None:
        self._network, self._optimizer, self._examples, self._state = network, optimizer, examples, state
        self._decay = np.zeros_like(state.parameters)  # 1 for weights, 0 for biases
        for layer in network.layers:
            self._decay[layer.weights] = 1.0

    def state(self) -> TrainingState:
        """The state now."""
        return self._state

    def run(self, epoch: Epoch, should_stop: Callable[[], bool]) -> Outcome:
        """Run one epoch of steps; ends between two steps when `should_stop` says so, or at a non-finite value."""
        losses = np.full(len(epoch.rates), np.nan)
        with one_thread(), np.errstate(all="ignore"):
            for k, rate in enumerate(epoch.rates):
                if should_stop():
                    return Outcome(losses[:k], interrupted=True)
                rows = epoch.order[k * epoch.batch : (k + 1) * epoch.batch]
                broken = self._step(rows, float(rate), epoch, k, losses)
                if broken:
                    return Outcome(losses[:k], broken=broken)
        return Outcome(losses)

    def _step(self, rows: np.ndarray, rate: float, epoch: Epoch, k: int, losses: np.ndarray) -> Broken | None:
        """One update W := W − η ∂E/∂W (L8) on these rows; skipped where all their weights are 0."""
        examples, network, state = self._examples, self._network, self._state
        weights = examples.weights[rows]
        if not weights.any():
            return None
        p = state.parameters
        masks = dropout_masks(network, len(rows), epoch, k, p.dtype)
        loss, gradient, passed = loss_gradient_and_passed(
            network, p, examples.X[rows], examples.Y[rows], weights, masks, epoch.alpha
        )
        if not (np.isfinite(loss) and np.isfinite(gradient).all() and all(map(_is_finite, passed.a))):
            return _locate(network, passed, loss, gradient, k)
        losses[k] = loss
        state.steps += 1
        self._optimizer.update(p, gradient, state.optimizer, rate, state.steps, self._decay)
        return None


def dropout_masks(network: Network, n: int, epoch: Epoch, k: int, dtype: np.dtype) -> Masks:
    """Inverted dropout (Srivastava et al. 2014) for each layer: 0 with probability rate, else 1/(1 − rate), or None.

    Layer ℓ of step k draws from the stream k · L + ℓ − 1 of the epoch, row by row.
    """
    if not any(network.dropout):
        return ()
    masks: list[np.ndarray | None] = []
    for number, layer in enumerate(network.layers):
        if not layer.dropout:
            masks.append(None)
            continue
        stream = k * len(network.layers) + number
        kept = randomness.mask(
            epoch.seed, "dropout", n * layer.above, keep=1.0 - layer.dropout, epoch=epoch.number, step=stream
        )
        masks.append(kept.reshape(n, layer.above).astype(dtype) / dtype.type(1.0 - layer.dropout))
    return masks


def _locate(network: Network, passed: Passed, loss: float, gradient: Vector, k: int) -> Broken:
    """The first place, in the order of computation, where a value is not finite."""
    for number, (a, z) in enumerate(zip(passed.a, passed.z, strict=True), start=1):
        if not (np.isfinite(a).all() and np.isfinite(z).all()):
            return Broken(k, number, "the output")
    if not np.isfinite(loss):
        return Broken(k, len(network.layers), "the loss")
    return Broken(k, network.layer_not_finite(gradient), "the gradient")


def _is_finite(a: np.ndarray) -> bool:
    """Whether all of it is finite: an activation may hide an infinite a behind a finite z. A finite sum settles it."""
    return bool(np.isfinite(a.sum()) or np.isfinite(a).all())


def one_thread() -> Any:
    """BLAS on one thread: its sums differ with the number of threads, and small products wait for a second one."""
    return _blas().limit(limits=1, user_api="blas")


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _chunks(n: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, n, ROWS_AT_ONCE)]
