"""The numbers behind a trace: the reference engine's arrays, or scalar after scalar by the rules, as on paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.arithmetic import Arithmetic, Found, Value, evaluate
from thalweg.engines import reference
from thalweg.expressions import Expression, Symbol
from thalweg.formulas import formula
from thalweg.trace_rules import GIVEN, KINDS, SHARED, TOTALS, Formulas, Ground, Writing, name_of


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.conventions import Key
    from thalweg.network import Network

Rules = Mapping[str, Callable[..., Formulas]]
RULES: Rules = {kind: row.rule for kind, row in KINDS.items()}


class Passes:
    """Forward and backward pass of the reference engine, in float64; what a step asks for is looked up."""

    def __init__(
        self,
        network: Network,
        p: Float[np.ndarray, " p"],
        X: Float[np.ndarray, "n d"],
        Y: Float[np.ndarray, "n k"],
        learning_rate: float | None,
    ):
        self._network, self._p, self._X, self._Y, self._rate = network, p, X, Y, learning_rate

    @cached_property
    def _passed(self) -> reference.Passed:
        with reference.one_thread(), np.errstate(all="ignore"):
            return reference.forward(self._network, self._p, self._X)

    @cached_property
    def _E(self) -> Float[np.ndarray, " n"]:
        with np.errstate(all="ignore"):
            return self._network.loss.of(self._network.output, self._passed.a[-1], self._passed.z[-1], self._Y)

    @cached_property
    def _error_slope(self) -> Float[np.ndarray, "n k"]:
        with np.errstate(all="ignore"):
            return self._network.loss.slopes(self._passed.z[-1], self._Y)

    @cached_property
    def _deltas(self) -> dict[int, Float[np.ndarray, "n above"]]:
        network, passed = self._network, self._passed
        with reference.one_thread(), np.errstate(all="ignore"):
            last = network.loss.backward(network.output, passed.a[-1], passed.z[-1], self._Y)
            return dict(reference.deltas(network, self._p, passed, last))

    @cached_property
    def _objective(self) -> tuple[float, Float[np.ndarray, " p"]]:
        with reference.one_thread(), np.errstate(all="ignore"):
            loss, gradient, _ = reference.loss_gradient_and_passed(
                self._network, self._p, self._X, self._Y, np.ones(len(self._X))
            )
        return loss, gradient

    def value(self, key: Key) -> float:
        """The number of a step or of what is given."""
        example, (kind, *place) = (key[0], key[1:]) if isinstance(key[0], int) else (None, key)
        n = 0 if example is None else example - 1
        if kind in ("x", "y"):
            return float((self._X if kind == "x" else self._Y)[n, place[0] - 1])
        if kind == "E":
            return float(self._objective[0] if example is None else self._E[n])
        if kind == "eta":
            assert self._rate is not None
            return self._rate
        layer, *units = place
        at = tuple(unit - 1 for unit in units)
        if kind in ("W", "b"):
            return self._parameter(self._p, kind, layer, at)
        if kind in ("W_new", "b_new"):
            old, gradient = (self._parameter(vector, kind[0], layer, at) for vector in (self._p, self._objective[1]))
            return old - self._rate * gradient  # type: ignore[operator]
        if kind in ("dE/dW", "dE/db") and example is None:
            return self._parameter(self._objective[1], kind[-1], layer, at)
        return self._of_example(kind, layer, n, at)

    def _parameter(self, vector: Float[np.ndarray, " p"], kind: str, layer: int, at: tuple[int, ...]) -> float:
        W, b = self._network.layers[layer - 1].views(vector)
        return float(W[at] if kind == "W" else b[at])  # type: ignore[index]

    def _of_example(self, kind: str, layer: int, n: int, at: tuple[int, ...]) -> float:
        passed = self._passed
        if kind in ("a", "z"):
            return float((passed.a if kind == "a" else passed.z)[layer - 1][n, at[0]])
        if kind == "g'":
            g = self._network.layers[layer - 1].activation
            saved = (passed.z if g.saves == "z" else passed.a)[layer - 1][n : n + 1, at[0]]
            with np.errstate(all="ignore"):
                return float(g.derivative(saved, g.parameter)[0])
        if kind == "dE/dz":
            slope = float(self._error_slope[n, at[0]])
            return self._limit_slope(n, at[0]) if math.isnan(slope) else slope
        if kind == "dz/da":
            z = passed.z[layer - 1][n]
            return float(z[at[0]] * (float(at[0] == at[1]) - z[at[1]]))
        if kind == "dE/dW":
            return float(self._deltas[layer][n, at[1]] * passed.inputs[layer - 1][n, at[0]])
        return float(self._deltas[layer][n, at[0]])  # delta, and dE/db, which is the same

    def _limit_slope(self, n: int, k: int) -> float:
        """∂E/∂z where the array has 0/0, from the branch that is short for it: a target of 0 costs nothing."""
        loss = self._network.loss.at(k + 1)
        numbers = {**loss.constants, "z": float(self._passed.z[-1][n, k]), "y": float(self._Y[n, k])}
        given: dict[Expression, Value] = {Symbol(name): value for name, value in numbers.items()}
        return float(evaluate(formula(loss.slope).at(given), given))


class ByHand:
    """Scalar after scalar by the rules, each result settled by the arithmetic; what is `known` is taken as such.

    Other rules than the lecture's may be given: that is how a slip is followed to where it leads.
    """

    def __init__(
        self,
        ground: Ground,
        given: Callable[[Key], Value],
        arithmetic: Arithmetic,
        *,
        rules: Rules = RULES,
        totals: Rules = TOTALS,
        known: Mapping[Key, Value] | None = None,
    ) -> None:
        self._ground, self._given, self._arithmetic = ground, given, arithmetic
        self._rules, self._totals = rules, totals
        self._found: dict[Key, Value] = dict(known or {})

    def value(self, key: Key) -> Value:
        """The number of a step, or of what is given."""
        found = self._found.get(key)
        if found is None:
            kind = key[1] if isinstance(key[0], int) else key[0]
            raw = self._given(key) if kind in GIVEN else self.work_out(key)
            found = self._found[key] = self._arithmetic.settle(raw, what=name_of(self._ground.conventions, key))
        return found

    def work_out(self, key: Key) -> Found:
        """A step's number before it is settled."""
        w, formulas = form(self._ground, key, self.value, rules=self._rules, totals=self._totals)
        given = {symbol: self.value(operand) for symbol, operand in w.operands.items()}
        constants = {name: self._arithmetic.settle(value) for name, value in w.constants.items()}
        return evaluate(formulas[-1], {**given, **constants})


def form(
    ground: Ground,
    key: Key,
    value: Callable[[Key], Value],
    *,
    letters: bool = False,
    sums: bool = False,
    rules: Rules = RULES,
    totals: Rules = TOTALS,
) -> tuple[Writing, Formulas]:
    """The formulas of a step: with letters for its units, or with its own numbers; `sums` are written Σ in any case."""
    example, (kind, *place) = (key[0], key[1:]) if isinstance(key[0], int) else (None, key)
    is_total = ground.has_totals and example is None and kind not in SHARED
    names = KINDS[kind].place.replace("l", "").replace("L", "")
    units: Sequence[Any] = place[-len(names) :] if names else ()
    w = Writing(ground, example, value, dict(zip(names, units, strict=True)) if letters else {} if sums else None)
    layer = place[: len(place) - len(names)]
    rule = (totals if is_total else rules)[kind]
    return w, rule(w, *layer, *(names if letters else units))
