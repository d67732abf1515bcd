"""The steps of a trace: what was computed, from what, by which formula; they are made when they are asked for."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.arithmetic import FLOATS, Arithmetic, Value, evaluate, exactly, nearest_float
from thalweg.computation import ByHand, Passes, form
from thalweg.conventions import Conventions, Key
from thalweg.equations import distinct, equation
from thalweg.errors import InputError, shown
from thalweg.expressions import Expression
from thalweg.network import Network
from thalweg.notation import LATEX, UNICODE, Notation, spelled
from thalweg.trace_rules import GIVEN, KINDS, SHARED, TOTALS, UPDATES, in_order, name_of, symbol_of


if TYPE_CHECKING:
    from jaxtyping import Float


MOST_TERMS = 2_000  # of a sum that is written out
MISPRINT, TINY = 1e-3, 1e-15  # relative and absolute: how far printed operands may come to lie from a result


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """One step of a trace: what was computed, from what, by which formula.

    >>> from thalweg.tracing import trace
    >>> net = Network([2, 1], output="sigmoid", bias=False, loss="squared_error")
    >>> step = trace(net, [0.5, -1.0], [2.0, 1.0], [1.0])["delta", 1, 1]
    >>> print(step, "|", [operand.name for operand in step.operands])
    δ₁⁽¹⁾ = (∂E/∂z₁⁽¹⁾)·g′(a₁⁽¹⁾) = (−1)·0.25 = −0.25 | ['dE/dz[1][1]', "g'(a[1][1])"]
    """

    trace: Steps = field(repr=False)  # that it is a part of
    key: Key  # by which the trace has it, such as ("delta", 1, 2)

    @property
    def example(self) -> int | None:
        """The number of its example, from 1, where there are several."""
        return self.key[0] if isinstance(self.key[0], int) else None

    @property
    def kind(self) -> str:
        """What it is: a, z, delta, dE/dW, …"""
        return self.key[0] if self.example is None else self.key[1]

    @property
    def place(self) -> tuple[int, ...]:
        """Its layer and units, from 1."""
        return self.key[1:] if self.example is None else self.key[2:]

    @property
    def is_given(self) -> bool:
        """Whether it is an input, a target, a weight: computed from nothing."""
        return self.kind in GIVEN

    @property
    def is_update(self) -> bool:
        """Whether it is a step of gradient descent: the symbol on the left gets a new value."""
        return self.kind in UPDATES

    @property
    def result(self) -> Value:
        """Its number: a float, or a Fraction where the trace is computed by hand."""
        return self.trace.value(self.key)

    @property
    def symbol(self) -> Expression:
        """What it is written as."""
        return symbol_of(self.trace.conventions, self.key)

    @property
    def equation(self) -> str:
        """The number of its equation in the lecture."""
        if self.is_given:
            return ""
        if self._is_total:
            return "(4)" if self.kind == "E" else "(L13)"
        return KINDS[self.kind].equation(self.place[0] if self.place else 0, len(self.trace.network.layers))

    @property
    def name(self) -> str:
        """Its symbol in plain letters, as in a table of answers: delta[1][2]."""
        return name_of(self.trace.conventions, self.key)

    @property
    def words(self) -> str:
        """What it is, in words."""
        words = {"x": "input {i}", "y": "target {k}", "W": "the weight from unit {i} to unit {j} of layer {l}",
                 "b": "the bias of unit {j} of layer {l}", "eta": "the learning rate"}  # fmt: skip
        text = words[self.kind] if self.is_given else KINDS[self.kind].words
        letters = GIVEN[self.kind] if self.is_given else KINDS[self.kind].place
        said = text.format(**dict(zip(letters, self.place, strict=True)))
        return said + (f", example {self.example}" if self.example else "")

    @property
    def operands(self) -> tuple[Step, ...]:
        """The steps and given numbers that it came from."""
        return () if self.is_given else tuple(Step(self.trace, key) for key in self._writing[0].operands.values())

    @property
    def n_terms(self) -> int:
        """How many terms its formula sums, told without making it: units of a large layer have thousands."""
        layers, sizes = self.trace.network.layers, self.trace.network.sizes
        if self.is_given:
            return 0
        if self._is_total:
            return self.trace.n_examples + (len(self.trace.p) if self.kind == "E" and self.trace.network.l2 else 0)
        if self.kind == "a":
            return layers[self.place[0] - 1].below
        if self.kind == "delta" and self.place[0] < len(layers):
            return layers[self.place[0]].above
        alone = self.kind == "z" and layers[self.place[0] - 1].activation.elementwise
        return sizes[-1] if self.kind in ("E", "z", "delta") and not alone else 1

    @property
    def general(self) -> tuple[Expression, ...]:
        """The general formula, with letters for units: one, or two that are equal."""
        return () if self.is_given else form(self.trace, self.key, self.trace.value, letters=True)[1]

    @property
    def general_symbol(self) -> Expression:
        """The symbol with letters for units."""
        letters = (GIVEN[self.kind] if self.is_given else KINDS[self.kind].place)[-len(self.place) :]
        place = [n if letter in "lL" else letter for n, letter in zip(self.place, letters, strict=True)]
        return symbol_of(self.trace.conventions, (*self.key[: len(self.key) - len(place)], *place))

    @property
    def abridged(self) -> tuple[Expression, ...]:
        """The formula of this very step with its sums written Σ: for units that a thousand others lead to."""
        return () if self.is_given else form(self.trace, self.key, self.trace.value, sums=True)[1]

    @property
    def indexed(self) -> tuple[Expression, ...]:
        """The formula of this very step; of several equal ones, the last is what is computed."""
        return () if self.is_given else self._writing[1]

    @cached_property
    def numbers(self) -> Expression | None:
        """The same with the numbers put in, as they are shown."""
        if self.is_given:
            return None
        w, formulas = self._writing
        arithmetic = self.trace.arithmetic
        given: dict[Expression, Value] = {symbol: self.trace.value(key) for symbol, key in w.operands.items()}
        given |= {name: arithmetic.settle(value) for name, value in w.constants.items()}
        return formulas[-1].with_numbers({part: arithmetic.shown(value) for part, value in given.items()})

    @cached_property
    def shown(self) -> Expression:
        """The result as it is shown."""
        return self.trace.arithmetic.shown(self.result)

    @cached_property
    def is_about(self) -> bool:
        """Whether the printed result is only about what the printed numbers come to."""
        if self.n_terms > MOST_TERMS:
            return True
        if self.is_given:
            return exactly(self.result) != evaluate(self.shown, {})
        assert self.numbers is not None
        if self.numbers == self.shown:
            return False
        found = evaluate(self.numbers, {})  # no fraction where a function leads out of them: σ(40) is not 1
        return not isinstance(found, Fraction) or found != evaluate(self.shown, {})

    @property
    def parts(self) -> tuple[Expression, ...]:
        """symbol = formula = with numbers = result: what is equal, each once."""
        if self.is_given:
            return self.symbol, self.shown
        if self.n_terms > MOST_TERMS:
            return self.symbol, *self.abridged, self.shown
        return distinct((self.symbol, *self.indexed, *self._honest_numbers, self.shown))

    @property
    def _honest_numbers(self) -> tuple[Expression, ...]:
        """The formula with numbers, but not where printed digits are too few for it: 1 − 1 is not about 10⁻⁹.

        By hand they never are. In floats, an output within 10⁻⁷ of 1 is printed as 1, and its error comes from a.
        """
        assert self.numbers is not None
        result = float(self.result)
        if self.trace.arithmetic.is_exact or not math.isfinite(result):
            return (self.numbers,)
        found = nearest_float(evaluate(self.numbers, {}))
        return (self.numbers,) if abs(found - result) <= MISPRINT * abs(result) + TINY else ()

    def written(self, notation: Notation = UNICODE) -> str:
        """The whole line in a notation."""
        return equation(*self.parts, notation=notation, about=self.is_about, becomes=self.is_update)

    def __str__(self) -> str:
        return self.written()

    __repr__ = __str__

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.written(LATEX)}$"

    @property
    def _is_total(self) -> bool:
        return self.trace.has_totals and self.example is None and self.kind in TOTALS

    @cached_property
    def _writing(self) -> tuple[Any, tuple[Expression, ...]]:
        return form(self.trace, self.key, self.trace.value)

    def to_dict(self) -> dict[str, Any]:
        """The step in plain JSON types."""
        plain: dict[str, Any] = {"key": list(self.key), "name": self.name}
        if self.example:
            plain["example"] = self.example
        return plain | {
            "equation": self.equation,
            "operands": [list(step.key) for step in self.operands],
            "result": in_json(self.result),
            "general": [part.unicode for part in self.general],
            "text": self.written(),
        }


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps of one example or of a batch, by key; `trace.Trace` is made of them."""

    network: Network  # layers and objective
    parameters: tuple[Value, ...] | Float[np.ndarray, " p"] = field(repr=False)  # as they were given
    X: tuple[tuple[Value, ...], ...] = field(repr=False)  # inputs, a row for each example
    Y: tuple[tuple[Value, ...], ...] = field(repr=False)  # targets, a row for each example
    learning_rate: Value | None = None  # γ of the step of gradient descent; None without that step
    arithmetic: Arithmetic = FLOATS  # floats, fractions or rounded; digits shown
    conventions: Conventions = field(default_factory=Conventions)  # symbols

    @property
    def n_examples(self) -> int:
        """How many examples there are."""
        return len(self.X)

    @property
    def has_totals(self) -> bool:
        """Whether steps of single examples carry their number, and totals come after them: of a batch or a penalty."""
        return self.n_examples > 1 or self.network.l2 > 0.0

    @cached_property
    def _numbers(self) -> Passes | ByHand:
        if self.arithmetic.kind != "floats":
            return ByHand(self, self.typed, self.arithmetic)
        rate = None if self.learning_rate is None else float(self.learning_rate)
        return Passes(self.network, self.p, np.array(self.X, dtype=float), np.array(self.Y, dtype=float), rate)

    @cached_property
    def p(self) -> Float[np.ndarray, " p"]:
        """The parameter vector in float64, which cannot be written to."""
        p = np.array(self.parameters, dtype=np.float64)
        p.setflags(write=False)
        return p

    def typed(self, key: Key) -> Value:
        """What is given at a key, as it was typed."""
        example, (kind, *place) = (key[0], key[1:]) if isinstance(key[0], int) else (1, key)
        if kind in ("x", "y"):
            return (self.X if kind == "x" else self.Y)[example - 1][place[0] - 1]
        if kind == "eta":
            assert self.learning_rate is not None
            return self.learning_rate
        return self.parameters[self.network.place_of(kind, *place)]

    def value(self, key: Key) -> Value:
        """The number at a key, which is one of this trace."""
        return self._numbers.value(key)

    def keys(self) -> Iterator[Key]:
        """The keys of all steps, in the order in which the lecture computes them."""
        return in_order(
            self.network, totals=self.has_totals, n_examples=self.n_examples, update=self.learning_rate is not None
        )

    def __iter__(self) -> Iterator[Step]:
        return (Step(self, key) for key in self.keys())

    def __len__(self) -> int:
        return sum(1 for _ in self.keys())

    def __contains__(self, key: Any) -> bool:
        try:
            self.checked(key)
        except InputError:
            return False
        return True

    def __getitem__(self, key: Any) -> Step:
        """The step at a key: t["delta", 1, 2] is δ₂⁽¹⁾, t["E"] the error, t[3, "delta", 1, 2] that of example 3.

        Raises:
            InputError: there is no such step; the message says the ranges.
        """
        return Step(self, self.checked(key))

    def checked(self, given: Any) -> Key:
        """The key that is given, as this trace has it.

        Raises:
            InputError: it has none such; the message says which there are.
        """
        key = given if isinstance(given, tuple) else (given,)
        example, rest = (key[0], key[1:]) if key and _is_whole(key[0]) else (None, key)
        kind = rest[0] if rest and isinstance(rest[0], str) else None
        letters = {**GIVEN, **{kind: row.place for kind, row in KINDS.items()}}.get(kind or "")
        if kind is None or letters is None:
            message = f"a trace has no {shown(rest[0] if rest else given)}; it has {', '.join([*GIVEN, *KINDS])}"
            raise InputError(message)
        self._check_kind(kind, example)
        place: tuple[Any, ...] = rest[1:]
        names = ", ".join(_LETTERS[letter] for letter in letters)
        if len(place) != len(letters) or not all(map(_is_whole, place)):
            message = f"{kind!r} takes {names or 'no indices'}, each a whole number from 1, not {place!r}"
            raise InputError(message)
        for letter, low_high, index in zip(letters, self._ranges(letters, place), place, strict=True):
            low, high = low_high
            if not low <= index <= high:
                layer, units = (place[0], place[1:]) if letters[0] in "lL" else (None, place)
                message = (
                    f"{spelled(kind, units, layer)} is out of range: {_LETTERS[letter]} is {index}, "
                    f"but {'it is' if low == high else 'there are'} {low if low == high else f'{low} to {high}'} "
                    f"in {self.network}"
                )
                raise InputError(message)
        if kind == "g'" and not self.network.layers[place[0] - 1].activation.elementwise:
            message = (
                f"softmax has no {kind}, as each output leans on every a; see its Jacobian 'dz/da', {place[0]}, k, j"
            )
            raise InputError(message)
        checked = (kind, *map(int, place))
        return checked if example is None or not self.has_totals or kind in SHARED else (int(example), *checked)

    @cached_property
    def _by_name(self) -> dict[str, Key]:
        steps = list(self)
        return {step.symbol.unicode: step.key for step in steps if not (step.is_update or step.example)} | {
            step.name: step.key for step in steps
        }

    def named(self, name: str) -> Step:
        """The step of this name, such as "delta[1][2]", or of a symbol as it is printed.

        Raises:
            InputError: there is none; the message names some that come close.
        """
        plain = " ".join(name.split())
        key = self._by_name.get(plain) or self._by_name.get(plain.replace(", ", ","))
        if key is None:
            close = difflib.get_close_matches(plain, self._by_name, n=3) or list(self._by_name)[:3]
            message = f"there is no value {shown(name)} here; values have names such as {', '.join(close)}"
            raise InputError(message)
        return Step(self, key)

    def _check_kind(self, kind: Any, example: Any) -> None:
        network = self.network
        if kind in ("b", "dE/db", "b_new") and not network.bias:
            message = "this network has no biases (bias=False)"
            raise InputError(message)
        if kind in ("W_new", "b_new", "eta") and self.learning_rate is None:
            message = "this trace has no update of the weights; make it with learning_rate="
            raise InputError(message)
        if kind == "dz/da" and network.output.elementwise:
            message = f"the Jacobian of {network.output!r} is diagonal; its diagonal is g'(a)"
            raise InputError(message)
        if not self.has_totals and example is not None and example != 1:
            message = f"there is one example here, not {example}"
            raise InputError(message)
        if not self.has_totals or kind in SHARED:
            return
        if example is None and kind not in TOTALS:
            message = f"{kind!r} is that of an example here: say which of 1 to {self.n_examples}, as t[1, {kind!r}, …]"
            raise InputError(message)
        if example is not None and not 1 <= example <= self.n_examples:
            message = f"the examples are numbered 1 to {self.n_examples}, not {example}"
            raise InputError(message)

    def _ranges(self, letters: str, place: Sequence[int]) -> list[tuple[int, int]]:
        sizes, last = self.network.sizes, len(self.network.layers)
        layer = min(max(place[0], 1), last) if letters[:1] in ("l", "L") else last
        ends = {"l": (1, last), "L": (last, last), "j": (1, sizes[layer]), "k": (1, sizes[-1]),
                "i": (1, sizes[layer - 1] if letters.startswith("l") else sizes[0])}  # fmt: skip
        return [ends[letter] for letter in letters]

    def steps(self, *kinds: str, layer: int | None = None, example: int | None = None) -> list[Step]:
        """The steps of these kinds, of this layer, of this example.

        >>> from thalweg.tracing import trace
        >>> net = Network([2, 3, 1], bias=False)
        >>> t = trace(net, net.initialize(seed=0), [1.0, 2.0], [0.5])
        >>> [step.name for step in t.steps("delta", layer=1)]
        ['delta[1][1]', 'delta[1][2]', 'delta[1][3]']
        """
        return [
            step
            for step in self
            if (not kinds or step.kind in kinds)
            and (layer is None or step.place[:1] == (layer,))
            and example in (None, step.example)
        ]


_LETTERS = {"l": "the layer", "L": "the layer", "i": "the unit below", "j": "the unit", "k": "the output"}


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def in_json(value: Value) -> float | str | None:
    """A number for JSON: a fraction as text, and what is not finite as its name."""
    if isinstance(value, Fraction):
        return str(value)
    return float(value) if np.isfinite(value) else repr(float(value))
