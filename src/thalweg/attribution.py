"""What carried a decision: for one row through a trained network, the share of every input and of every weight.

The output ŷ_k goes from its value at a baseline x′ to its value at x along the straight path x(α) = x′ + α (x − x′),
0 ≤ α ≤ 1, and the difference is shared out:

    IG_i     = (x_i − x′_i) ∫ ∂ŷ_k/∂x_i dα                      Sundararajan, Taly and Yan 2017, equation 1
    F_ij⁽ℓ⁾  = ∫ dz_i⁽ℓ⁻¹⁾/dα · W_ij⁽ℓ⁾ · ∂ŷ_k/∂a_j⁽ℓ⁾ dα        the conductance of one weight (Dhamdhere,
                                                                Sundararajan and Yan 2018, there of one unit)

By the chain rule the IG_i sum to the difference, the F_ij⁽ℓ⁾ of each layer do too, and Σ_j F_ij⁽¹⁾ = IG_i. A bias is
the weight of an input that does not move: it carries nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.engines.reference import forward, one_thread
from thalweg.errors import InputError, shown
from thalweg.network import Network
from thalweg.settings import check_number
from thalweg.straight_path import PER_PIECE, pieces_of, slopes_of, straight_path


if TYPE_CHECKING:
    from jaxtyping import Float

    Alphas = Float[np.ndarray, " n"]

LEAST_OUTPUT = 1e-5  # the tolerance is relative to the difference, but at least to this part of the outputs
LEAST_TOLERANCE = 1e-9  # rounding hides what is smaller
MOST_POINTS = 10**8


@dataclass(frozen=True)
class Attribution:
    """What carried unit `output` of the output from its value at the baseline to its value at x.

    Shapes: x (d,), and for each layer ℓ one array (units below, units above), as W⁽ℓ⁾.
    """

    output: int  # from 1
    x: Float[np.ndarray, " d"]  # the row
    baseline: Float[np.ndarray, " d"]  # x′, the row it is set against
    value: float  # ŷ_k(x)
    baseline_value: float  # ŷ_k(x′)
    gradient_times_input: Float[np.ndarray, " d"]  # (x_i − x′_i) ∂ŷ_k/∂x_i at x; at a kink g′ is the left limit
    integrated_gradients: Float[np.ndarray, " d"]  # each input's share of the difference, on the way from x′
    gradient_times_weight: tuple[Float[np.ndarray, "below above"], ...]  # W_ij ∂ŷ_k/∂W_ij at x
    flows: tuple[Float[np.ndarray, "below above"], ...]  # each weight's share of the difference, a layer at a time
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
        path = straight_path(network, p, start, x, unit)
        left, right, allowed = pieces_of(path, most, tolerance, least)
        flows = path.flows(left, right)
        flows[0] = (x - start)[:, None] * flows[0][1]  # of the inputs 1 and α of the path, the one that moves
        slopes = slopes_of(network, p, passed, unit)
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
