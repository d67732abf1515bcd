"""The straight path from a baseline to a row, cut into pieces whose sums are good: what attributions are taken along.

Along the path a⁽¹⁾ is straight in α, so the network is one of the inputs 1 and α: a point on the path costs the same
however wide x is. The path is cut where a unit passes a kink of its activation, since between kinks Gauss and
Legendre's points gain digits fast. What the sum over a piece should be is known, for the outputs of all units at its
ends are: pieces that miss it are halved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg.engines.reference import Passed, deltas, forward
from thalweg.network import Network


if TYPE_CHECKING:
    from jaxtyping import Float

    Alphas = Float[np.ndarray, " n"]

PER_PIECE = 4  # points in a piece of the path: exact for polynomials of degree 7
PIECES = 8  # before it is cut at kinks
LEAST_CARRIED = 1e-3  # the tolerance is relative to the difference, but at least to this part of what is carried
NUMBERS_AT_ONCE = 2**20  # units × points that pass side by side, to bound memory
STEPS_TO_KINK = 30  # one suffices where all activations below are made of straight pieces, ten or so elsewhere


@dataclass(frozen=True)
class StraightPath:
    """The network along the path, of the inputs 1 and α; `unit` of its output is looked at, from 0."""

    network: Network
    p: Float[np.ndarray, " p"]
    unit: int

    def forward(self, alphas: Alphas) -> Passed:
        """The forward pass at these α."""
        return forward(self.network, self.p, np.column_stack([np.ones_like(alphas), alphas]))

    def parts(self, alphas: Alphas) -> Iterator[tuple[slice, Passed]]:
        """The same, as many α side by side as memory should hold; never a part of a piece."""
        n = PER_PIECE * max(1, NUMBERS_AT_ONCE // (PER_PIECE * sum(self.network.sizes)))
        for begin in range(0, len(alphas), n):
            part = slice(begin, min(begin + n, len(alphas)))
            yield part, self.forward(alphas[part])

    def before(self, layer: int, alphas: Alphas) -> Float[np.ndarray, "n above"]:
        """a of this layer, from 0, at these α."""
        return np.concatenate([passed.a[layer] for _, passed in self.parts(alphas)])

    def balance(self, left: Alphas, right: Alphas) -> tuple[Float[np.ndarray, " pieces"], Float[np.ndarray, " pieces"]]:
        """For each piece what the sums over its points miss, and what passes in all, both in units of the output.

        For every unit it is known: the sum of its dz/dα should be the rise of its z. What it misses counts as much as
        the output leans on the unit, signs left aside, or two units that jump between two points, one up and one down,
        would go unseen; the layer that misses most decides.
        """
        alphas, shares = points_of(left, right)
        missed, carried = np.zeros(len(left)), np.zeros(len(left))
        for part, passed in self.parts(alphas):
            pieces = slice(part.start // PER_PIECE, part.stop // PER_PIECE)
            rises = [high - low for low, high in zip(*(self.forward(e[pieces]).z for e in (left, right)), strict=True)]
            leans = np.zeros_like(rises[-1])
            leans[:, self.unit] = 1.0
            speeds, slopes = _speeds(self.network, self.p, passed), slopes_of(self.network, self.p, passed, self.unit)
            for number in reversed(range(len(rises))):
                by_piece = (-1, PER_PIECE, rises[number].shape[1])
                misses = (shares[part, None] * speeds[number + 1]).reshape(by_piece).sum(axis=1) - rises[number]
                for of_pieces, of_units in ((missed, misses), (carried, rises[number])):
                    of_pieces[pieces] = np.maximum(of_pieces[pieces], np.abs(of_units * leans).sum(axis=1))
                leans = slopes[number].reshape(by_piece).mean(axis=1) @ self.network.layers[number].views(self.p)[0].T
        return missed, carried

    def flows(self, left: Alphas, right: Alphas) -> list[Float[np.ndarray, "below above"]]:
        """∫ dz_i⁽ℓ⁻¹⁾/dα · ∂ŷ_k/∂a_j⁽ℓ⁾ dα for each layer."""
        alphas, shares = points_of(left, right)
        flows = [np.zeros((layer.below, layer.above)) for layer in self.network.layers]
        for part, passed in self.parts(alphas):
            speeds, slopes = _speeds(self.network, self.p, passed), slopes_of(self.network, self.p, passed, self.unit)
            for flow, dz, slope in zip(flows, speeds[:-1], slopes, strict=True):
                flow += dz.T @ (shares[part, None] * slope)
        return flows


def straight_path(network: Network, p: np.ndarray, start: np.ndarray, x: np.ndarray, unit: int) -> StraightPath:
    """The path from `start` to `x`, and the unit of the output, from 0, that is looked at."""
    parts = {name: getattr(network, name) for name in ("activation", "output", "loss", "bias")}
    along = Network([2, *network.sizes[1:]], **parts)
    first = network.layers[0]
    moved = (x - start) @ first.views(p)[0]
    above = p[(first.biases or first.weights).stop :]
    none = np.zeros(first.above if network.bias else 0)  # the first input, 1, has the weights a⁽¹⁾(x′): biases included
    return StraightPath(along, np.concatenate([forward(network, p, start[None]).a[0][0], moved, none, above]), unit)


def pieces_of(path: StraightPath, most: int, tolerance: float, least: float) -> tuple[Alphas, Alphas, float]:
    """Left and right ends of the pieces of the path, and what they may miss together: no more, or there are `most`."""
    breaks = _cut_at_kinks(path, np.linspace(0.0, 1.0, min(PIECES, most) + 1), most)
    left, right = breaks[:-1], breaks[1:]
    missed, carried = path.balance(left, right)
    allowed = tolerance * max(least, LEAST_CARRIED * float(carried.sum()))
    while allowed < missed.sum() < np.inf and len(missed) < most:
        worst = np.argsort(-missed, kind="stable")[: most - len(missed)]
        worst = worst[missed[worst] >= 0.25 * missed[worst[0]]]
        middle = 0.5 * (left[worst] + right[worst])
        halves = np.append(left[worst], middle), np.append(middle, right[worst])
        left, right = (np.append(np.delete(old, worst), new) for old, new in zip((left, right), halves, strict=True))
        missed = np.append(np.delete(missed, worst), path.balance(*halves)[0])
    return left, right, allowed


def points_of(left: Alphas, right: Alphas) -> tuple[Alphas, Alphas]:
    """Gauss and Legendre's points in each piece, and the share of the integral that each stands for."""
    nodes, weights = np.polynomial.legendre.leggauss(PER_PIECE)
    half = 0.5 * (right - left)[:, None]
    return (0.5 * (left + right)[:, None] + half * nodes).ravel(), (half * weights).ravel()


def _cut_at_kinks(path: StraightPath, breaks: Alphas, most: int) -> Alphas:
    """These breaks and those where a unit passes a kink, at most most + 1.

    Layers go from below, because a(α) of a unit is smooth only between the kinks of those below it.
    """
    for number, layer in enumerate(path.network.layers):
        for kink in layer.activation.kinks:
            breaks = np.unique(np.append(breaks, _crossings(path, breaks, number, kink)))
            if len(breaks) > most + 1:
                breaks = breaks[np.linspace(0, len(breaks) - 1, most + 1).astype(int)]
    return breaks


def _crossings(path: StraightPath, breaks: Alphas, layer: int, kink: float) -> Alphas:
    """The α between two breaks at which a unit of this layer has a = kink."""
    a = path.before(layer, breaks) - kink
    piece, units = np.nonzero((a[1:] > 0.0) != (a[:-1] > 0.0))
    if not len(piece):
        return breaks[:0]
    n = np.arange(len(piece))
    ends = breaks[piece], breaks[piece + 1], a[piece, units], a[piece + 1, units]
    return _roots(lambda alphas: path.before(layer, alphas)[n, units] - kink, *ends)


def _roots(f: Callable[[Alphas], Alphas], x0: Alphas, x1: Alphas, f0: Alphas, f1: Alphas) -> Alphas:
    """Where f is 0, each between an x0 and an x1 on different sides of it: regula falsi, as made fast at Illinois.

    Dowell and Jarratt 1971: an end that stays twice counts half, or it would stay for ever where f is curved.
    """
    close = 1e-14 * np.abs(f1 - f0)
    for _ in range(STEPS_TO_KINK):
        x2 = x1 - f1 * (x1 - x0) / (f1 - f0)
        f2 = f(x2)
        crossed = (f2 > 0.0) != (f1 > 0.0)
        x0, f0 = np.where(crossed, x1, x0), np.where(crossed, f1, 0.5 * f0)
        x1, f1 = x2, f2
        if (np.abs(f1) <= close).all():
            break
    return x1


def _speeds(network: Network, p: np.ndarray, passed: Passed) -> list[np.ndarray]:
    """dz⁽⁰⁾/dα … dz⁽ᴸ⁾/dα along the path, where z⁽⁰⁾ = (1, α)."""
    dz = [np.tile([0.0, 1.0], (len(passed.inputs[0]), 1))]
    for number, layer in enumerate(network.layers):
        W, _ = layer.views(p)
        # g′, or the Jacobian of softmax, is symmetric: it carries forwards what it carries backwards
        dz.append(layer.activation.backward(_saved(network, passed, number), dz[-1] @ W))
    return dz


def slopes_of(network: Network, p: np.ndarray, passed: Passed, unit: int) -> list[np.ndarray]:
    """∂ŷ_k/∂a⁽¹⁾ … ∂ŷ_k/∂a⁽ᴸ⁾: the backward pass with this unit of the output in the place of the error."""
    dz = np.zeros_like(passed.z[-1])
    dz[:, unit] = 1.0
    delta = network.output.backward(_saved(network, passed, -1), dz)
    return [slope for _, slope in deltas(network, p, passed, delta)][::-1]


def _saved(network: Network, passed: Passed, number: int) -> np.ndarray:
    return passed.z[number] if network.layers[number].activation.saves == "z" else passed.a[number]
