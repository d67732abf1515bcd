"""What carried a decision: for one row through a trained network, the share of every input and of every weight.

The output ŷ_k goes from its value at a baseline x′ to its value at x along the straight path x(α) = x′ + α (x − x′),
0 ≤ α ≤ 1, and the difference is shared out:

    IG_i     = (x_i − x′_i) ∫ ∂ŷ_k/∂x_i dα                      Sundararajan, Taly and Yan 2017, equation 1
    F_ij⁽ℓ⁾  = ∫ dz_i⁽ℓ⁻¹⁾/dα · W_ij⁽ℓ⁾ · ∂ŷ_k/∂a_j⁽ℓ⁾ dα        the conductance of one weight (Dhamdhere,
                                                                Sundararajan and Yan 2018, there of one unit)

By the chain rule the IG_i sum to the difference, the F_ij⁽ℓ⁾ of each layer do too, and Σ_j F_ij⁽¹⁾ = IG_i. A bias is
the weight of an input that does not move: it carries nothing.

Along the path a⁽¹⁾ is straight in α, so the network is one of the inputs 1 and α: a point on the path costs the same
however wide x is. The path is cut where a unit passes a kink of its activation, since between kinks Gauss and
Legendre's points gain digits fast. What the sum over a piece should be is known, for the outputs of all units at its
ends are: pieces that miss it are halved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.engines.reference import Passed, deltas, forward, one_thread
from thalweg.errors import InputError, shown
from thalweg.network import Network
from thalweg.settings import check_number


if TYPE_CHECKING:
    from jaxtyping import Float

    Alphas = Float[np.ndarray, " n"]

PER_PIECE = 4  # points in a piece of the path: exact for polynomials of degree 7
PIECES = 8  # before it is cut at kinks
# The tolerance is relative to the difference, but at least to these parts of what is carried and of the outputs.
LEAST_CARRIED, LEAST_OUTPUT = 1e-3, 1e-5
LEAST_TOLERANCE = 1e-9  # rounding hides what is smaller
NUMBERS_AT_ONCE = 2**20  # units × points that pass side by side, to bound memory
MOST_POINTS = 10**8
STEPS_TO_KINK = 30  # one suffices where all activations below are made of straight pieces, ten or so elsewhere


@dataclass(frozen=True)
class Attribution:
    """What carried unit `output` of the output from its value at the baseline to its value at x.

    Shapes: x (d,), and for each layer ℓ one array (units below, units above), as W⁽ℓ⁾.
    """

    output: int  # from 1
    x: Float[np.ndarray, " d"]
    baseline: Float[np.ndarray, " d"]
    value: float  # ŷ_k(x)
    baseline_value: float  # ŷ_k(x′)
    gradient_times_input: Float[np.ndarray, " d"]  # (x_i − x′_i) ∂ŷ_k/∂x_i at x; at a kink g′ is the left limit
    integrated_gradients: Float[np.ndarray, " d"]
    gradient_times_weight: tuple[Float[np.ndarray, "below above"], ...]  # W_ij ∂ŷ_k/∂W_ij at x
    flows: tuple[Float[np.ndarray, "below above"], ...]
    points: int  # on the path, over which the sums run
    allowed: float  # the gap that was asked for

    @property
    def difference(self) -> float:
        """ŷ_k(x) − ŷ_k(x′), what is shared out."""
        return self.value - self.baseline_value

    @property
    def gap(self) -> float:
        """Σ_i IG_i − difference: what the sum misses. It is the same for the flows of every layer, but for rounding."""
        return float(self.integrated_gradients.sum()) - self.difference

    @property
    def complete(self) -> bool:
        """Whether the sum comes as close to the difference as was asked for."""
        return abs(self.gap) <= self.allowed

    def weight_flow(self, layer: int) -> Float[np.ndarray, "below above"]:
        """What every weight of this layer, from 1, carried; the sum is the difference.

        Raises:
            InputError: there is no such layer.
        """
        return self.flows[_whole(layer, 1, len(self.flows), "layer") - 1]

    def top_weights(self, n: int) -> list[tuple[int, int, int, float]]:
        """(layer, unit i below, unit j above, flow) of the n weights of the network that carried most; all from 1.

        Raises:
            InputError: n is not a whole number from 1 to the number of weights.

        >>> found = attribute(Network([2, 1], bias=False), [3.0, -2.0], [1.0, 2.0], output=1)
        >>> [(layer, i, j, round(flow, 9)) for layer, i, j, flow in found.top_weights(2)]
        [(1, 2, 1, -4.0), (1, 1, 1, 3.0)]
        """
        flow = np.concatenate([one.ravel() for one in self.flows])
        starts = np.cumsum([0, *(one.size for one in self.flows)])
        top = []
        # stable: of two that carry the same the first one comes first
        for place in np.argsort(-np.abs(flow), kind="stable")[: _whole(n, 1, len(flow), "n")]:
            layer = int(np.searchsorted(starts, place, side="right"))
            i, j = divmod(int(place - starts[layer - 1]), self.flows[layer - 1].shape[1])
            top.append((layer, i + 1, j + 1, float(flow[place])))
        return top


def attribute(
    network: Network,
    p: Any,
    x: Any,
    *,
    output: int,
    baseline: Any = None,
    tolerance: float = 1e-3,
    max_points: int = 20_000,
) -> Attribution:
    """What carried unit `output` of the output for this row: each input's share, each weight's share.

    Args:
        network: the network.
        p: its parameter vector, shape (n_parameters,).
        x: the row, shape (d,).
        output: unit k of the output, from 1.
        baseline: the row x′ that x is set against, shape (d,); None is zeros, the mean of standardised columns.
        tolerance: how far the sum of the shares may miss ŷ_k(x) − ŷ_k(x′), relative to it, at least 1e-9; where shares
            cancel and leave little of it, relative to a thousandth of what they carry.
        max_points: at most so many points on the path; if they do not suffice, `complete` is False and `gap` says by
            how much.

    Raises:
        InputError: an array has a wrong shape or holds what is not finite, there is no such unit, or the network
            overflows between x′ and x.

    >>> found = attribute(Network([2, 1], bias=False), [3.0, -2.0], [1.0, 2.0], output=1)  # ŷ = 3 x₁ − 2 x₂
    >>> found.value, found.integrated_gradients.round(9).tolist()
    (-1.0, [3.0, -4.0])
    """
    p = network.check_parameters(p).astype(np.float64)
    x = _checked_row(network, x, "x")
    start = np.zeros_like(x) if baseline is None else _checked_row(network, baseline, "baseline")
    unit = _whole(output, 1, network.sizes[-1], "output, a unit of the last layer,") - 1
    tolerance = check_number(tolerance, lambda t: t >= LEAST_TOLERANCE, "tolerance", "a number ≥ 1e-9")
    most = _whole(max_points, PER_PIECE, MOST_POINTS, "max_points") // PER_PIECE
    with one_thread(), np.errstate(all="ignore"):  # what overflows is named below
        passed = forward(network, p, x[None])
        baseline_value, value = (float(z[0, unit]) for z in (forward(network, p, start[None]).z[-1], passed.z[-1]))
        least = max(abs(value - baseline_value), LEAST_OUTPUT * max(abs(value), abs(baseline_value)))
        path = _path(network, p, start, x, unit)
        left, right, allowed = _pieces(path, most, tolerance, least)
        flows = path.flows(left, right)
        flows[0] = (x - start)[:, None] * flows[0][1]  # of the inputs 1 and α of the path, the one that moves
        slopes = _slopes(network, p, passed, unit)
        W = [W for W, _ in network.views(p)]
        slope = W[0] @ slopes[0][0]
        found = Attribution(
            unit + 1, x, start, value, baseline_value,
            gradient_times_input=(x - start) * slope,
            integrated_gradients=(flows[0] * W[0]).sum(axis=1),
            gradient_times_weight=tuple(w * (z.T @ d) for w, z, d in zip(W, passed.inputs, slopes, strict=True)),
            flows=tuple(w * flow for w, flow in zip(W, flows, strict=True)),
            points=PER_PIECE * len(left), allowed=allowed,
        )  # fmt: skip
    if not (np.isfinite(found.gap) and np.isfinite(slope).all()):
        message = (
            f"output {unit + 1} of the network {network} overflows between baseline ({baseline_value:g}) and "
            f"x ({value:g}), so there is nothing to share out; standardise the inputs, or take a nearer baseline"
        )
        raise InputError(message)
    return found


def by_group(values: Any, groups: Sequence[str]) -> list[tuple[str, float]]:
    """The sum over the inputs of each group, such as the column that they come from, by size.

    Args:
        values: a number for each input, shape (d,).
        groups: the name of the group of each input.

    Raises:
        InputError: there is not one name for each value.

    >>> by_group([0.5, -1.0, -0.75], ["age", "city", "age"])
    [('city', -1.0), ('age', -0.25)]
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (len(groups),):
        message = (
            f"by_group takes one name for each value, not {len(groups)} names for values of shape {values.shape}; "
            f"repeat the name of a column for each of its inputs"
        )
        raise InputError(message)
    sums: dict[str, float] = {}
    for name, value in zip(groups, values, strict=True):
        sums[name] = sums.get(name, 0.0) + float(value)
    return sorted(sums.items(), key=lambda pair: -abs(pair[1]))


@dataclass(frozen=True)
class _Path:
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
        alphas, shares = _points(left, right)
        missed, carried = np.zeros(len(left)), np.zeros(len(left))
        for part, passed in self.parts(alphas):
            pieces = slice(part.start // PER_PIECE, part.stop // PER_PIECE)
            rises = [high - low for low, high in zip(*(self.forward(e[pieces]).z for e in (left, right)), strict=True)]
            leans = np.zeros_like(rises[-1])
            leans[:, self.unit] = 1.0
            speeds, slopes = _speeds(self.network, self.p, passed), _slopes(self.network, self.p, passed, self.unit)
            for number in reversed(range(len(rises))):
                by_piece = (-1, PER_PIECE, rises[number].shape[1])
                misses = (shares[part, None] * speeds[number + 1]).reshape(by_piece).sum(axis=1) - rises[number]
                for of_pieces, of_units in ((missed, misses), (carried, rises[number])):
                    of_pieces[pieces] = np.maximum(of_pieces[pieces], np.abs(of_units * leans).sum(axis=1))
                leans = slopes[number].reshape(by_piece).mean(axis=1) @ self.network.layers[number].views(self.p)[0].T
        return missed, carried

    def flows(self, left: Alphas, right: Alphas) -> list[Float[np.ndarray, "below above"]]:
        """∫ dz_i⁽ℓ⁻¹⁾/dα · ∂ŷ_k/∂a_j⁽ℓ⁾ dα for each layer."""
        alphas, shares = _points(left, right)
        flows = [np.zeros((layer.below, layer.above)) for layer in self.network.layers]
        for part, passed in self.parts(alphas):
            speeds, slopes = _speeds(self.network, self.p, passed), _slopes(self.network, self.p, passed, self.unit)
            for flow, dz, slope in zip(flows, speeds[:-1], slopes, strict=True):
                flow += dz.T @ (shares[part, None] * slope)
        return flows


def _path(network: Network, p: np.ndarray, start: np.ndarray, x: np.ndarray, unit: int) -> _Path:
    parts = {name: getattr(network, name) for name in ("activation", "output", "loss", "bias")}
    along = Network([2, *network.sizes[1:]], **parts)
    first = network.layers[0]
    moved = (x - start) @ first.views(p)[0]
    above = p[(first.biases or first.weights).stop :]
    none = np.zeros(first.above if network.bias else 0)  # the first input, 1, has the weights a⁽¹⁾(x′): biases included
    return _Path(along, np.concatenate([forward(network, p, start[None]).a[0][0], moved, none, above]), unit)


def _pieces(path: _Path, most: int, tolerance: float, least: float) -> tuple[Alphas, Alphas, float]:
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


def _points(left: Alphas, right: Alphas) -> tuple[Alphas, Alphas]:
    """Gauss and Legendre's points in each piece, and the share of the integral that each stands for."""
    nodes, weights = np.polynomial.legendre.leggauss(PER_PIECE)
    half = 0.5 * (right - left)[:, None]
    return (0.5 * (left + right)[:, None] + half * nodes).ravel(), (half * weights).ravel()


def _cut_at_kinks(path: _Path, breaks: Alphas, most: int) -> Alphas:
    """These breaks and those where a unit passes a kink, at most most + 1.

    Layers go from below, because a(α) of a unit is smooth only between the kinks of those below it.
    """
    for number, layer in enumerate(path.network.layers):
        for kink in layer.activation.kinks:
            breaks = np.unique(np.append(breaks, _crossings(path, breaks, number, kink)))
            if len(breaks) > most + 1:
                breaks = breaks[np.linspace(0, len(breaks) - 1, most + 1).astype(int)]
    return breaks


def _crossings(path: _Path, breaks: Alphas, layer: int, kink: float) -> Alphas:
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


def _slopes(network: Network, p: np.ndarray, passed: Passed, unit: int) -> list[np.ndarray]:
    """∂ŷ_k/∂a⁽¹⁾ … ∂ŷ_k/∂a⁽ᴸ⁾: the backward pass with this unit of the output in the place of the error."""
    dz = np.zeros_like(passed.z[-1])
    dz[:, unit] = 1.0
    delta = network.output.backward(_saved(network, passed, -1), dz)
    return [slope for _, slope in deltas(network, p, passed, delta)][::-1]


def _saved(network: Network, passed: Passed, number: int) -> np.ndarray:
    return passed.z[number] if network.layers[number].activation.saves == "z" else passed.a[number]


def _checked_row(network: Network, given: Any, name: str) -> Float[np.ndarray, " d"]:
    try:
        row = np.asarray(given)
    except ValueError:  # a list of lists of different lengths
        row = np.asarray(None)
    if row.dtype.kind not in "biuf" or row.shape != (network.sizes[0],):
        what = f"an array of shape {row.shape}" if row.dtype.kind in "biuf" else shown(given)
        message = (
            f"{name} must be {network.sizes[0]} numbers, one for each input of the network {network}, not {what}; "
            f"one row of a table is X[0]"
        )
        raise InputError(message)
    row = row.astype(np.float64)
    if not np.isfinite(row).all():
        place = int(np.argmin(np.isfinite(row)))
        message = f"{name} must be finite numbers, but input {place + 1} is {row[place]}; fill it, or take another row"
        raise InputError(message)
    return row


def _whole(given: Any, low: int, high: int, what: str) -> int:
    return int(
        check_number(given, lambda n: n == int(n) and low <= n <= high, what, f"a whole number from {low} to {high}")
    )
