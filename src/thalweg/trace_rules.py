"""The steps of backpropagation: one row each in `KINDS`, with the rule that says how it comes from steps before it.

A rule is written once and run twice: with letters for units it gives the general formula, Σ and all; with numbers for
units it gives the formula of this very step. What it asks `Writing` for are its operands. Numbers in brackets are the
lecture's equations (docs/lecture.md); keys are those of `conventions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from thalweg.arithmetic import Value, exactly
from thalweg.equations import Applied, Partial, SumOver
from thalweg.expressions import MINUS_ONE, ONE, Expression, Product, Sum, Symbol, call, number
from thalweg.formulas import Formula, formula
from thalweg.losses import Fused


if TYPE_CHECKING:
    from thalweg.conventions import Conventions, Key
    from thalweg.network import Layer, Network


class Ground(Protocol):
    """What rules are about: a network, its examples, how things are called, and the numbers so far."""

    @property
    def network(self) -> Network:
        """The network and its objective."""
        ...

    @property
    def conventions(self) -> Conventions:
        """How things are called."""
        ...

    @property
    def n_examples(self) -> int:
        """How many examples there are."""
        ...

    @property
    def has_totals(self) -> bool:
        """Whether steps of single examples carry the number of theirs, and totals come after them (L13)."""
        ...


class Writing:
    """One formula in the making: hands out symbols, and remembers those that are operands."""

    ground: Ground
    example: int | None  # from 1; None where there is only one
    letters: Mapping[str, int]  # the unit that a letter stands for where a branch is chosen by a number
    in_letters: bool  # there may be no units to have letters for, as of E
    network: Network
    conventions: Conventions
    layers: tuple[Layer, ...]

    def __init__(
        self, ground: Ground, example: int | None, value: Callable[[Key], Value], letters: Mapping[str, int] | None
    ):
        self.ground, self.example, self.letters, self._value = ground, example, letters or {}, value
        self.in_letters = letters is not None
        self.network, self.conventions = ground.network, ground.conventions
        self.layers = self.network.layers
        self.operands: dict[Expression, Key] = {}
        self.constants: dict[
            Expression, Value
        ] = {}  # what stands for a number that is no step: the slope of a leaky relu

    def __call__(self, kind: str, *place: Any, example: int | None = None) -> Expression:
        """The symbol of an operand."""
        one = self.example if example is None else example
        key = (kind, *place) if one is None or kind in SHARED else (one, kind, *place)
        symbol = symbol_of(self.conventions, key)
        if not self.in_letters:
            self.operands[symbol] = key
        return symbol

    def value(self, kind: str, *place: Any) -> Value:
        """The number of a step, to choose a branch by."""
        place = tuple(self.letters.get(part, part) for part in place)
        return self._value((kind, *place) if self.example is None else (self.example, kind, *place))

    def total(self, letter: str, n: int, body: Callable[[Any], Expression]) -> Expression:
        """Σ over units: with its sign where units are letters, else term by term."""
        return SumOver(letter, body(letter)) if self.in_letters else plus(*[body(one) for one in range(1, n + 1)])

    def from_below(self, layer: int, i: Any) -> Expression:
        """What unit i hands to this layer."""
        return self("x", i) if layer == 1 else self("z", layer - 1, i)

    def weighted(self, layer: int, i: Any, j: Any, other: Expression) -> Expression:
        """W_ij times something, on the side on which the conventions have it."""
        weight = self("W", layer, i, j)
        return times(weight, other) if self.conventions.vectors == "column" else times(other, weight)

    def branch(self, text: Formula, given: Mapping[str, Any], constants: Mapping[str, float]) -> Expression:
        """The branch of a formula that these operands choose, written with them; given: variable → kind and place."""
        named: dict[Expression, Value] = {Symbol(name): exactly(value) for name, value in constants.items()}
        values: dict[Expression, Value] = {Symbol(name): self.value(*key) for name, key in given.items()}
        body = text.at({**named, **values})
        self.constants.update(named)
        return body.with_numbers(
            {Symbol(name): self(*key) for name, key in given.items()}
        )  # all are operands: they choose


def symbol_of(conventions: Conventions, key: Key) -> Expression:
    """What a key is written as, that of an example too: ∂E₂/∂W₁₁⁽¹⁾ is what example 2 adds to the gradient."""
    return _of_example(conventions, key[0], key[1:]) if isinstance(key[0], int) else conventions.symbol(key)


def _of_example(conventions: Conventions, example: int | str, key: Key) -> Expression:
    """The symbol of an example by its number, or of any by a letter."""
    error = Symbol(conventions.error, (example,))
    if key[0] == "E":
        return error
    symbol = conventions.symbol(key)
    return Partial(error, symbol.by) if isinstance(symbol, Partial) and key[0] in GRADIENT else symbol


def name_of(conventions: Conventions, key: Key) -> str:
    """A key in plain letters: delta[1][2]; new W[1][1,2] after a step; example 2: delta[1][2] in a batch."""
    example, rest = (key[0], key[1:]) if isinstance(key[0], int) else (None, key)
    text = str(symbol_of(conventions, key))
    return (f"example {example}: " if example else "") + ("new " if rest[0] in UPDATES else "") + text


def plus(*terms: Expression) -> Expression:
    """The sum as it stands: nothing is collected, so that the formula shows every term."""
    flat = [part for term in terms for part in (term.terms if isinstance(term, Sum) else (term,))]
    return Sum(tuple(flat)) if len(flat) > 1 else flat[0]


def times(*factors: Expression) -> Expression:
    """The product as it stands."""
    flat: list[Expression] = []
    for factor in factors:
        bare = isinstance(factor, Product) and factor.coefficient == ONE and not factor.under
        flat.extend(factor.over if bare else (factor,))  # type: ignore[attr-defined]
    return Product(ONE, tuple(flat)) if len(flat) > 1 else flat[0]


Formulas = tuple[Expression, ...]  # equal ones; the last is the one that is computed


def enters(w: Writing, layer: int, j: Any) -> Formulas:
    """(2), (3): a_j = Σ_i z_i W_ij + b_j."""
    one = w.layers[layer - 1]
    total = w.total("i", one.below, lambda i: w.weighted(layer, i, j, w.from_below(layer, i)))
    return (plus(total, w("b", layer, j)) if one.biases else total,)


def leaves(w: Writing, layer: int, j: Any) -> Formulas:
    """(2), (3): z_j = g(a_j)."""
    g = w.layers[layer - 1].activation
    if not g.elementwise:
        total = w.total("k", w.layers[layer - 1].above, lambda k: call("exp", w("a", layer, k)))
        return (Product(ONE, (call("exp", w("a", layer, j)),), (total,)),)
    named = Applied(w.conventions.activation, w("a", layer, j))
    text = formula(g.formula)
    if w.in_letters and len(text.branches) > 1:
        return (named,)
    body = w.branch(text, {"a": ("a", layer, j)}, g.constants)
    return named, body


def error(w: Writing) -> Formulas:
    """(4), L7: what each output adds, summed."""
    loss, last = w.network.loss, len(w.layers)
    text = formula(loss.formula)
    if w.in_letters and not text.by_target:
        return (SumOver("k", Symbol(w.conventions.error, ("k",))),)
    if w.in_letters:
        return (SumOver("k", text.fullest.with_numbers({"z": w("z", last, "k"), "y": w("y", "k")})),)
    parts = [
        w.branch(text, {"z": ("z", last, k), "y": ("y", k)}, loss.constants) for k in range(1, w.layers[-1].above + 1)
    ]
    counted = [part for part in parts if part != number(0)]
    return (plus(*counted or parts[:1]),)


def error_slope(w: Writing, last: int, k: Any) -> Formulas:
    """∂E/∂z_k."""
    loss = w.network.loss
    text = formula(loss.slope)
    if w.in_letters and text.by_target:
        return (text.fullest.with_numbers({"z": w("z", last, k), "y": w("y", k)}),)
    return (w.branch(text, {"z": ("z", last, k), "y": ("y", k)}, loss.constants),)


def jacobian(w: Writing, last: int, k: Any, j: Any) -> Formulas:
    """L15: ∂z_k/∂a_j = z_k ([k = j] − z_j), softmax's full Jacobian."""
    if w.letters.get(k, k) == w.letters.get(j, j):
        return (softmax_own_slope(w("z", last, k)),)
    return (softmax_other_slope(w("z", last, k), w("z", last, j)),)


def softmax_own_slope(z: Expression) -> Expression:
    """∂z_k/∂a_k = z_k (1 − z_k)."""
    return times(z, plus(number(1), times_minus(z)))


def softmax_other_slope(z_k: Expression, z_j: Expression) -> Expression:
    """∂z_k/∂a_j = −z_k z_j for another unit j."""
    return times_minus(times(z_k, z_j))


def times_minus(factor: Expression) -> Expression:
    """− factor, as it stands."""
    if isinstance(factor, Product):
        coefficient = number(-factor.coefficient.value, factor.coefficient.decimal)
        return Product(coefficient, factor.over, factor.under)
    return Product(MINUS_ONE, (factor,))


def slope(w: Writing, layer: int, j: Any) -> Formulas:
    """L14: g′(a_j), from what the forward pass saved."""
    g = w.layers[layer - 1].activation
    text = formula(g.slope)
    if w.in_letters and len(text.branches) > 1:
        return ()
    return (w.branch(text, {g.saves: (g.saves, layer, j)}, g.constants),)


def fused(network: Network) -> Fused | None:
    """The pair of output and loss whose ∂E/∂a is simpler than the product of slopes."""
    pair = network.loss.fused.get(network.output.name)
    return pair if pair and pair.slope else None


def delta(w: Writing, layer: int, j: Any) -> Formulas:
    """(5), (6), (7): δ_j = ∂E/∂a_j, of an output unit or of a hidden one."""
    if layer < len(w.layers):
        above = layer + 1
        total = w.total("k", w.layers[layer].above, lambda k: w.weighted(above, j, k, w("delta", above, k)))
        return (times(total, w("g'", layer, j)),)
    pair = fused(w.network)
    if pair and not w.in_letters:
        return (w.branch(formula(pair.slope), {"z": ("z", layer, j), "y": ("y", j)}, {}),)
    if w.network.output.elementwise:
        chain = times(w("dE/dz", layer, j), w("g'", layer, j))
    else:
        chain = w.total("k", w.layers[-1].above, lambda k: times(w("dE/dz", layer, k), w("dz/da", layer, k, j)))
    if not pair:
        return (chain,)
    return chain, formula(pair.slope).fullest.with_numbers({"z": w("z", layer, j), "y": w("y", j)})


def weight_slope(w: Writing, layer: int, i: Any, j: Any) -> Formulas:
    """(5), (6): ∂E/∂W_ij = δ_j z_i."""
    return (times(w("delta", layer, j), w.from_below(layer, i)),)


def bias_slope(w: Writing, layer: int, j: Any) -> Formulas:
    """∂E/∂b_j = δ_j: a bias is the weight of an input that is always 1."""
    return (w("delta", layer, j),)


def total_error(w: Writing) -> Formulas:
    """The objective: the sum of the examples' errors or their mean, and the penalty."""
    return (plus(_over_examples(w, "E"), *_penalty(w)),)


def total_slope(w: Writing, kind: str, *place: Any) -> Formulas:
    """L13: the sum of what the examples add to the gradient, or their mean; with the penalty's part."""
    total = _over_examples(w, kind, *place)
    if w.network.l2 and kind == "dE/dW":
        total = plus(total, times(number(w.network.l2), w("W", *place)))
    return (total,)


def _over_examples(w: Writing, kind: str, *place: Any) -> Expression:
    n = w.ground.n_examples
    if w.in_letters:
        total = SumOver("n", _of_example(w.conventions, "n", (kind, *place))) if n > 1 else w(kind, *place, example=1)
    else:
        total = plus(*[w(kind, *place, example=one) for one in range(1, n + 1)])
    return Product(ONE, (total,), (number(n),)) if w.network.reduction == "mean" and n > 1 else total


def _penalty(w: Writing) -> list[Expression]:
    if not w.network.l2:
        return []
    if w.in_letters:
        return [penalty(w.network.l2, w.conventions)]
    squares = [
        w("W", layer, i, j) ** 2
        for layer, one in enumerate(w.layers, 1)
        for i in range(1, one.below + 1)
        for j in range(1, one.above + 1)
    ]
    return [Product(number(w.network.l2), (plus(*squares),), (number(2),))]


def penalty(l2: float, conventions: Conventions) -> Expression:
    """½ · l2 · ‖W‖², over all layers."""
    squares = SumOver("i", SumOver("j", Symbol(conventions.weight, ("i", "j")) ** 2))
    return Product(number(l2), (squares,), (number(2),))


def new_weight(w: Writing, kind: str, *place: Any) -> Formulas:
    """L8: W := W − η ∂E/∂W."""
    rate = w("eta")
    return (plus(w(kind, *place), times_minus(times(rate, w("dE/d" + kind, *place)))),)


@dataclass(frozen=True)
class Kind:
    """One kind of step. `place` says what its indices are: l or L a layer, i a unit below, j a unit, k an output."""

    place: str
    rule: Callable[..., Formulas]
    words: str  # what it is, for people
    equation: Callable[[int, int], str] = lambda layer, last: ""  # of the lecture, at this layer of so many


KINDS: dict[str, Kind] = {
    "a": Kind("lj", enters, "what enters unit {j} of layer {l}", lambda layer, last: "(2)" if layer == 1 else "(3)"),
    "z": Kind("lj", leaves, "what leaves unit {j} of layer {l}", lambda layer, last: "(2)" if layer == 1 else "(3)"),
    "E": Kind("", error, "the error", lambda layer, last: "(4)"),
    "dE/dz": Kind("Lk", error_slope, "slope of the error by output {k}", lambda layer, last: "(5)"),
    "dz/da": Kind("Lkj", jacobian, "slope of output {k} by what enters unit {j}", lambda layer, last: "(L15)"),
    "g'": Kind("lj", slope, "slope of the activation at unit {j} of layer {l}", lambda layer, last: "(L14)"),
    "delta": Kind("lj", delta, "δ of unit {j} of layer {l}",
                  lambda layer, last: "(5)" if layer == last else "(6)" if last == 2 else "(7)"),
    "dE/dW": Kind("lij", weight_slope, "gradient of the weight from unit {i} to unit {j} of layer {l}",
                  lambda layer, last: "(5)" if layer == last else "(6)"),
    "dE/db": Kind("lj", bias_slope, "gradient of the bias of unit {j} of layer {l}",
                  lambda layer, last: "(5)" if layer == last else "(6)"),
    "W_new": Kind("lij", lambda w, *place: new_weight(w, "W", *place),
                  "the weight from unit {i} to unit {j} of layer {l} after the step", lambda layer, last: "(1)"),
    "b_new": Kind("lj", lambda w, *place: new_weight(w, "b", *place),
                  "the bias of unit {j} of layer {l} after the step", lambda layer, last: "(1)"),
}  # fmt: skip
GIVEN: dict[str, str] = {"x": "i", "y": "k", "W": "lij", "b": "lj", "eta": ""}  # what is no step, and its indices
TOTALS: dict[str, Callable[..., Formulas]] = {
    "E": total_error,
    "dE/dW": lambda w, *place: total_slope(w, "dE/dW", *place),
    "dE/db": lambda w, *place: total_slope(w, "dE/db", *place),
}
GRADIENT = ("dE/dz", "dE/dW", "dE/db")
UPDATES = ("W_new", "b_new")
SHARED = ("W", "b", "eta", *UPDATES)  # the same for every example


def in_order(network: Network, *, totals: bool, n_examples: int, update: bool) -> Iterator[Key]:
    """The keys of all steps in the order in which the lecture computes them."""
    for example in range(1, n_examples + 1):
        for key in _one_example(network):
            yield (example, *key) if totals else key
    if totals:
        yield ("E",)
        for layer in range(len(network.layers), 0, -1):
            yield from _parameters(network, layer, "dE/dW", "dE/db")
    if update:
        for layer in range(len(network.layers), 0, -1):
            yield from _parameters(network, layer, "W_new", "b_new")


def _one_example(network: Network) -> Iterator[Key]:
    last = len(network.layers)
    for layer, one in enumerate(network.layers, 1):
        units = range(1, one.above + 1)
        if one.activation.elementwise:
            for j in units:
                yield from (("a", layer, j), ("z", layer, j))
        else:
            yield from (("a", layer, j) for j in units)
            yield from (("z", layer, j) for j in units)
    yield ("E",)
    outputs = range(1, network.sizes[-1] + 1)
    yield from (("dE/dz", last, k) for k in outputs)
    if not network.output.elementwise:
        yield from (("dz/da", last, k, j) for k in outputs for j in outputs)
    for layer in range(last, 0, -1):
        one = network.layers[layer - 1]
        for j in range(1, one.above + 1):
            if one.activation.elementwise:
                yield ("g'", layer, j)
            yield ("delta", layer, j)
        yield from _parameters(network, layer, "dE/dW", "dE/db")


def _parameters(network: Network, layer: int, weight: str, bias: str) -> Iterator[Key]:
    one = network.layers[layer - 1]
    for i in range(1, one.below + 1):
        yield from ((weight, layer, i, j) for j in range(1, one.above + 1))
    if one.biases is not None:
        yield from ((bias, layer, j) for j in range(1, one.above + 1))
