"""Why this weight? Every path from a weight to the error, the product of slopes along each, and their sum.

    ∂E/∂W_ij = Σ over paths   ∂E/∂z_k · g′(a_k) · … · W_jm · g′(a_j) · x_i

The recursion (7) adds the same products up layer by layer. Where the output is softmax and its slopes do not cancel
against those of the error, a path goes on from a_j of the last layer to every output k, and ∂z_k/∂a_j stands for g′.
Beside the paths stands the numeric derivative for steps of many sizes: long ones err by truncation, short ones by
cancellation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.arithmetic import exactly
from thalweg.engines import reference
from thalweg.equations import Partial
from thalweg.expressions import Expression
from thalweg.trace_rules import fused, symbol_of, times
from thalweg.trace_steps import in_json


if TYPE_CHECKING:
    from thalweg.arithmetic import Value
    from thalweg.conventions import Key
    from thalweg.trace_steps import Step, Steps

MANY_PATHS = 1_000  # paths up to which all are listed; beyond it the strongest
STRONGEST = 20
STEPS = tuple(10.0**-digits for digits in range(1, 14))


@dataclass(frozen=True)
class Path:
    """One way from a weight to the error, and the steps that are multiplied along it.

    Args:
        units: one of each layer from the weight's own up to the last; through softmax's Jacobian, the output k too.
        factors: the steps, from the error back to the weight.
        example: its number, where there are several.
    """

    units: tuple[int, ...]
    factors: tuple[Step, ...]
    example: int | None = None

    @property
    def product(self) -> Value:
        """What it adds to the gradient, not rounded."""
        return math.prod(factor.result for factor in self.factors)

    @property
    def formula(self) -> Expression:
        """The factors as symbols."""
        return times(*[factor.symbol for factor in self.factors])

    @property
    def numbers(self) -> Expression:
        """The factors as numbers."""
        return times(*[factor.shown for factor in self.factors])


@dataclass(frozen=True)
class Difference:
    """(E(w + ε) − E(w − ε)) / 2ε, and how far it is from the gradient."""

    epsilon: float  # the step to both sides
    quotient: float  # (E(w + ε) − E(w − ε)) / 2ε
    error: float  # |quotient − gradient|


@dataclass(frozen=True)
class Why:
    """The gradient of one weight or bias, taken apart."""

    trace: Steps  # that it is a part of
    key: Key  # of the gradient: ("dE/dW", ℓ, i, j) or ("dE/db", ℓ, j)

    @property
    def step(self) -> Step:
        """The gradient as the backward pass found it."""
        return self.trace[self.key]

    @property
    def weight(self) -> Step:
        """The weight or the bias."""
        return self.trace[(self.key[0][-1], *self.key[1:])]

    @property
    def layer(self) -> int:
        """Its layer."""
        return self.key[1]

    @property
    def unit(self) -> int:
        """The unit that it leads to."""
        return self.key[-1]

    @cached_property
    def n_paths(self) -> int:
        """How many paths there are, in all examples."""
        network = self.trace.network
        through = network.sizes[-1] if self._through_jacobian else 1
        return math.prod(network.sizes[self.layer + 1 :]) * through * self.trace.n_examples

    @property
    def is_complete(self) -> bool:
        """Whether `paths` has all of them."""
        return self.n_paths <= MANY_PATHS

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """All of them; where there are over 1,000, the 20 of the largest products, the largest first."""
        examples = range(1, self.trace.n_examples + 1) if self.trace.has_totals else (None,)
        if self.is_complete:
            return tuple(self._path(example, units) for example in examples for units in self._every())
        found = [self._path(example, units) for example in examples for units in self._strongest(example)]
        return strongest(found)[:STRONGEST]

    @property
    def total(self) -> Value:
        """What the paths come to: their sum, or mean over the examples if the objective is one, and the penalty."""
        return sum(path.product for path in self.paths) / self.divisor + self.penalty

    @property
    def divisor(self) -> int:
        """What the objective divides the sum over the examples by: their number, or 1."""
        return self.trace.n_examples if self.trace.network.reduction == "mean" else 1

    @property
    def penalty(self) -> Value:
        """What the penalty ½·l2·‖W‖² adds to the gradient, l2·W: on no path through the network. Biases have none."""
        l2 = self.trace.network.l2
        if not l2 or self.key[0] == "dE/db":
            return 0
        return exactly(l2) * self.weight.result

    def chain(self, path: Path) -> Expression:
        """The chain rule of a path in symbols: ∂E/∂z · ∂z/∂a · ∂a/∂z · … · ∂a/∂W."""
        return times(*itertools.starmap(self._rate, itertools.pairwise(self._variables(path))))

    def _rate(self, of: Expression, by: Expression) -> Expression:
        return Partial(of, by)  # type: ignore[arg-type]

    def _variables(self, path: Path) -> Iterator[Expression]:
        """E, z_k, a_k, …, a_j, W_ij: each leans on the next."""

        def written(*key: Any) -> Expression:
            return symbol_of(self.trace.conventions, key)

        last = len(self.trace.network.layers)
        yield written("E") if path.example is None else written(path.example, "E")
        if self._through_jacobian:
            yield written("z", last, path.units[-1])
        for layer, unit in reversed(list(enumerate(path.units[: last - self.layer + 1], self.layer))):
            if not (layer == last and (self._through_jacobian or self._from_delta)):
                yield written("z", layer, unit)
            yield written("a", layer, unit)
        yield self.weight.symbol

    @property
    def _from_delta(self) -> bool:
        """Whether the slopes of error and output are taken together, as they cancel: ŷ − y."""
        return fused(self.trace.network) is not None

    @property
    def _through_jacobian(self) -> bool:
        return not self._from_delta and not self.trace.network.output.elementwise

    def _every(self) -> Iterator[tuple[int, ...]]:
        sizes = self.trace.network.sizes
        above = [range(1, size + 1) for size in sizes[self.layer + 1 :]]
        outputs = [range(1, sizes[-1] + 1)] if self._through_jacobian else []
        return itertools.product((self.unit,), *above, *outputs)

    def _path(self, example: int | None, units: tuple[int, ...]) -> Path:
        def step(*key: Any) -> Step:
            return self.trace[(*key,) if example is None else (example, *key)]

        last = len(self.trace.network.layers)
        output = units[last - self.layer]
        if self._from_delta:
            factors = [step("delta", last, output)]
        elif self._through_jacobian:
            factors = [step("dE/dz", last, units[-1]), step("dz/da", last, units[-1], output)]
        else:
            factors = [step("dE/dz", last, output), step("g'", last, output)]
        for layer in range(last - 1, self.layer - 1, -1):
            unit, above = units[layer - self.layer : layer - self.layer + 2]
            factors += [self.trace["W", layer + 1, unit, above], step("g'", layer, unit)]
        if self.key[0] == "dE/dW":
            i = self.key[2]
            factors.append(step("x", i) if self.layer == 1 else step("z", self.layer - 1, i))
        return Path(units, tuple(factors), example)

    def _strongest(self, example: int | None) -> Iterator[tuple[int, ...]]:
        """The paths of the largest products: for each unit, from the last layer down, the best of those above it."""
        trace, network = self.trace, self.trace.network
        last = len(network.layers)

        def units(layer: int) -> Sequence[int]:
            return range(1, network.sizes[layer] + 1) if layer > self.layer else (self.unit,)

        def values(kind: str, *places: tuple[int, ...]) -> np.ndarray:
            keys = [(kind, *place) if example is None else (example, kind, *place) for place in places]
            return np.array([float(trace.value(key)) for key in keys])

        best = np.ones((network.sizes[-1], 1))  # (unit, rank): the products of the best ways from there to the error
        chosen: list[np.ndarray] = []  # for each layer (unit, rank, 2): the next unit and the rank of its way, from 0
        if self._through_jacobian:
            outputs = range(1, network.sizes[-1] + 1)
            slopes = values("dE/dz", *[(last, k) for k in outputs])
            rows = np.array([values("dz/da", *[(last, k, j) for k in outputs]) for j in units(last)]) * slopes
            best = _keep(rows, best, chosen)
        else:
            best = values("delta", *[(last, j) for j in units(last)])[:, None]
        for layer in range(last - 1, self.layer - 1, -1):
            W, _ = network.layers[layer].views(self._settled)
            slopes = values("g'", *[(layer, j) for j in units(layer)])
            best = _keep(W[[j - 1 for j in units(layer)]] * slopes[:, None], best, chosen)
        return (_follow(self.unit, chosen, rank) for rank in range(best.shape[1]))

    @cached_property
    def _settled(self) -> np.ndarray:
        """The parameters as the arithmetic has them."""
        trace = self.trace
        if trace.arithmetic.kind == "floats":
            return trace.p
        return np.array([float(trace.arithmetic.settle(value)) for value in trace.parameters])

    @cached_property
    def check(self) -> tuple[Difference, ...]:
        """The numeric derivative in float64 for steps ε = 0.1 … 1e-13, each with its distance from the gradient."""
        trace, network = self.trace, self.trace.network
        X, Y, ones = np.array(trace.X, dtype=float), np.array(trace.Y, dtype=float), np.ones(trace.n_examples)
        place = network.place_of(self.weight.kind, *self.weight.place)

        def objective(p: np.ndarray) -> float:
            passed = reference.forward(network, p, X)
            E = network.loss.of(network.output, passed.a[-1], passed.z[-1], Y)
            return reference.objective(network, p, E, ones, network.l2)

        def moved(distance: float) -> np.ndarray:
            p = trace.p.copy()
            p[place] += distance
            return p

        with reference.one_thread(), np.errstate(all="ignore"):
            exact = float(reference.loss_gradient_and_passed(network, trace.p, X, Y, ones)[1][place])
            rows = []
            for epsilon in STEPS:
                quotient = (objective(moved(epsilon)) - objective(moved(-epsilon))) / (2.0 * epsilon)
                rows.append(Difference(epsilon, quotient, abs(quotient - exact)))
        return tuple(rows)

    @property
    def best(self) -> Difference:
        """The step that comes closest."""
        return min(self.check, key=lambda row: math.inf if math.isnan(row.error) else row.error)

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types; fractions as text, and what is not finite by its name."""
        return {
            "weight": self.weight.name,
            "gradient": self.step.to_dict(),
            "n_paths": self.n_paths,
            "paths": [_plain(path) for path in self.paths],
            "penalty": in_json(self.penalty),
            "total": in_json(self.total) if self.is_complete else None,
            "check": [{name: in_json(value) for name, value in vars(row).items()} for row in self.check],
        }


def strongest(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The same, those of the largest products first."""
    return tuple(sorted(paths, key=lambda path: -abs(path.product)))


def _keep(ways: np.ndarray, best: np.ndarray, chosen: list[np.ndarray]) -> np.ndarray:
    """The products of the best ways from each unit, whose slopes to the units above are a row of `ways`."""
    products = (ways[:, :, None] * best[None]).reshape(len(ways), -1)
    kept = np.argsort(-np.abs(products), axis=1, kind="stable")[:, :STRONGEST]
    chosen.append(np.stack([kept // best.shape[1], kept % best.shape[1]], axis=-1))
    return np.take_along_axis(products, kept, axis=1)


def _follow(unit: int, chosen: list[np.ndarray], rank: int) -> tuple[int, ...]:
    """The units of the way of this rank, from the lowest layer, of a single unit, up."""
    place, units = 0, [unit]
    for table in reversed(chosen):
        place, rank = map(int, table[place, rank])
        units.append(place + 1)
    return tuple(units)


def _plain(path: Path) -> dict[str, Any]:
    return {
        **({"example": path.example} if path.example else {}),
        "units": list(path.units),
        "factors": [list(factor.key) for factor in path.factors],
        "names": [factor.name for factor in path.factors],
        "values": [in_json(factor.result) for factor in path.factors],
        "product": in_json(path.product),
    }
