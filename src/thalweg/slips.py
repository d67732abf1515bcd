"""The slips that people make in backpropagation: one row each in `SLIPS`, as the rule that they followed instead.

A slip is a rule like those of `trace_rules`, so that it can be followed to where it leads: what a student who made it
would have written down, here and further on. A row that does not apply to a network gives no rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from thalweg.activations import ACTIVATIONS
from thalweg.expressions import ONE, ZERO, Expression, Product, call, number
from thalweg.formulas import formula
from thalweg.trace_rules import KINDS, TOTALS, UPDATES, Formulas, Writing, delta, fused, plus, times, times_minus


if TYPE_CHECKING:
    from thalweg.tracing import Trace

Rule = Callable[..., Formulas]
SUSPECTS = ("sigmoid", "tanh", "relu", "identity")  # whose slope is taken for another's


@dataclass(frozen=True, eq=False)
class Slip:
    """One slip: what is said of it, and the rules that were followed instead, of single examples and of totals."""

    sentence: str
    rules: Mapping[str, Rule] = field(default_factory=dict)
    totals: Mapping[str, Rule] = field(default_factory=dict)
    which: str = ""  # of several that are called the same
    name: str = ""  # its row


def _right(kind: str) -> Rule:
    """The rule itself, of single examples."""
    return KINDS[kind].rule


def _at_output(rule: Rule) -> Rule:
    """This rule for δ of output units, the right one for hidden units."""
    return lambda w, layer, j: rule(w, layer, j) if layer == len(w.layers) else delta(w, layer, j)


def _at_hidden(total: Callable[[Writing, int, Any], Expression]) -> dict[str, Rule]:
    """δ of hidden units with another sum in the place of Σ_k δ_k W_jk."""

    def rule(w: Writing, layer: int, j: Any) -> Formulas:
        if layer == len(w.layers):
            return delta(w, layer, j)
        return (times(total(w, layer, j), w("g'", layer, j)),)

    return {"delta": rule}


def _above(w: Writing, layer: int) -> range:
    return range(1, w.layers[layer].above + 1)


def _backward_sum(w: Writing, layer: int, j: Any, kind: str = "W") -> Expression:
    """Σ_k δ_k W_jk with these weights."""
    return plus(*[times(w("delta", layer + 1, k), w(kind, layer + 1, j, k)) for k in _above(w, layer)])


def _slope_forgotten(trace: Trace) -> Iterator[Slip]:
    def rule(w: Writing, layer: int, j: Any) -> Formulas:
        if layer < len(w.layers):
            return (_backward_sum(w, layer, j),)
        if fused(w.network) or not w.network.output.elementwise:
            return delta(w, layer, j)
        return (w("dE/dz", layer, j),)

    yield Slip("the factor g′(a) is missing", {"delta": rule})


def _slope_twice(trace: Trace) -> Iterator[Slip]:
    def rule(w: Writing, layer: int, j: Any) -> Formulas:
        z = w("z", layer, j)
        return (times(delta(w, layer, j)[-1], z, plus(ONE, times_minus(z))),)

    if fused(trace.network) and trace.network.output.name in ("sigmoid", "softmax"):
        yield Slip("g′(a) has already cancelled, and is multiplied once more", {"delta": _at_output(rule)})


def _slope_at_the_other(trace: Trace) -> Iterator[Slip]:
    for saved, other in (("z", "a"), ("a", "z")):

        def rule(w: Writing, layer: int, j: Any, saved: str = saved, other: str = other) -> Formulas:
            g = w.layers[layer - 1].activation
            if g.saves != saved:
                return _right("g'")(w, layer, j)
            return (w.branch(formula(g.slope), {saved: (other, layer, j)}, g.constants),)

        yield Slip(f"g′ is computed from {other} where {saved} belongs", {"g'": rule})


def _slope_of_another(trace: Trace) -> Iterator[Slip]:
    used = {layer.activation.name for layer in trace.network.layers if layer.activation.elementwise}
    for name in dict.fromkeys((*SUSPECTS, *sorted(used))):
        if used <= {name}:
            continue

        def rule(w: Writing, layer: int, j: Any, other: Any = ACTIVATIONS[name]) -> Formulas:
            return (w.branch(formula(other.slope), {other.saves: (other.saves, layer, j)}, other.constants),)

        yield Slip("the derivative is that of", {"g'": rule}, which=name)


def _updated_weights(trace: Trace) -> Iterator[Slip]:
    if trace.learning_rate is not None:
        yield Slip(
            "the weights above are taken after their update, and the backward pass needs the old ones",
            _at_hidden(lambda w, layer, j: _backward_sum(w, layer, j, kind="W_new")),
        )


def _one_output(trace: Trace) -> Iterator[Slip]:
    widest = max(trace.network.sizes[2:], default=1)
    for k in range(1, widest + 1 if widest > 1 else 1):

        def total(w: Writing, layer: int, j: Any, k: int = k) -> Expression:
            if k not in _above(w, layer):
                return _backward_sum(w, layer, j)
            return times(w("delta", layer + 1, k), w("W", layer + 1, j, k))

        yield Slip("the sum goes over all units above, and only one is counted:", _at_hidden(total), which=f"unit {k}")


def _weights_forgotten(trace: Trace) -> Iterator[Slip]:
    yield Slip(
        "the weights are missing in the sum over the units above",
        _at_hidden(lambda w, layer, j: plus(*[w("delta", layer + 1, k) for k in _above(w, layer)])),
    )


def _deltas_forgotten(trace: Trace) -> Iterator[Slip]:
    yield Slip(
        "the δ are missing in the sum over the units above",
        _at_hidden(lambda w, layer, j: plus(*[w("W", layer + 1, j, k) for k in _above(w, layer)])),
    )


def _bias_forgotten(trace: Trace) -> Iterator[Slip]:
    def rule(w: Writing, layer: int, j: Any) -> Formulas:
        one = w.layers[layer - 1]
        return (w.total("i", one.below, lambda i: w.weighted(layer, i, j, w.from_below(layer, i))),)

    if trace.network.bias:
        yield Slip("the bias is missing", {"a": rule})


def _bias_gradient_forgotten(trace: Trace) -> Iterator[Slip]:
    if trace.network.bias:
        yield Slip(
            "a bias has a gradient too, the δ of its unit",
            {"dE/db": lambda w, layer, j: (times(ZERO, w("delta", layer, j)),)},
        )


def _activation_forgotten(trace: Trace) -> Iterator[Slip]:
    yield Slip("the activation is missing: z = g(a)", {"z": lambda w, layer, j: (w("a", layer, j),)})


def _not_normalised(trace: Trace) -> Iterator[Slip]:
    def rule(w: Writing, layer: int, j: Any) -> Formulas:
        softmax = not w.layers[layer - 1].activation.elementwise
        return (call("exp", w("a", layer, j)),) if softmax else _right("z")(w, layer, j)

    if not trace.network.output.elementwise:
        yield Slip("the sum below the fraction of softmax is missing", {"z": rule})


def _diagonal_only(trace: Trace) -> Iterator[Slip]:
    def rule(w: Writing, layer: int, j: Any) -> Formulas:
        return (times(w("dE/dz", layer, j), w("dz/da", layer, j, j)),)

    if not trace.network.output.elementwise:
        words = "every output of softmax depends on every a, and only the diagonal of its Jacobian is counted"
        yield Slip(words, {"delta": _at_output(rule)})


def _input_forgotten(trace: Trace) -> Iterator[Slip]:
    yield Slip(
        "the factor that enters through the weight is missing",
        {"dE/dW": lambda w, layer, i, j: (w("delta", layer, j),)},
    )


def _output_for_input(trace: Trace) -> Iterator[Slip]:
    yield Slip(
        "the factor is what enters through the weight, and the unit's own z is taken",
        {"dE/dW": lambda w, layer, i, j: (times(w("delta", layer, j), w("z", layer, j)),)},
    )


def _before_for_after(trace: Trace) -> Iterator[Slip]:
    def rule(w: Writing, layer: int, i: Any, j: Any) -> Formulas:
        if layer == 1:
            return _right("dE/dW")(w, layer, i, j)
        return (times(w("delta", layer, j), w("a", layer - 1, i)),)

    if len(trace.network.layers) > 1:
        yield Slip("a of the unit below stands where its z belongs", {"dE/dW": rule})


def _update_sign(trace: Trace) -> Iterator[Slip]:
    def rule(kind: str) -> Rule:
        return lambda w, *place: (plus(w(kind, *place), times(w("eta"), w("dE/d" + kind, *place))),)

    if trace.learning_rate is not None:
        yield Slip("the step goes uphill: the gradient is subtracted", {kind: rule(kind[0]) for kind in UPDATES})


def _rate_forgotten(trace: Trace) -> Iterator[Slip]:
    def rule(kind: str) -> Rule:
        return lambda w, *place: (plus(w(kind, *place), times_minus(w("dE/d" + kind, *place))),)

    if trace.learning_rate is not None:
        yield Slip("the learning rate is missing", {kind: rule(kind[0]) for kind in UPDATES})


def _factor_two(trace: Trace) -> Iterator[Slip]:
    if trace.network.loss.name not in ("squared_error", "half_squared_error"):
        return
    for sentence, over, under in (
        ("there is a factor ½ too many, or the 2 of the square's derivative is missing", ONE, (number(2),)),
        ("there is a factor 2 too many, or the ½ is missing", number(2), ()),
    ):

        def rule(kind: str, over: Any = over, under: Any = under) -> Rule:
            return lambda w, *place: (Product(over, (_right(kind)(w, *place)[-1],), under),)

        yield Slip(sentence, {"E": rule("E"), "dE/dz": rule("dE/dz")})


def _difference_reversed(trace: Trace) -> Iterator[Slip]:
    def rule(kind: str) -> Rule:
        return lambda w, *place: (times_minus(_right(kind)(w, *place)[-1]),)

    sentence = "the sign is reversed: it is output minus target"
    if fused(trace.network):
        yield Slip(sentence, {"delta": _at_output(rule("delta"))})
        sentence = "the sign is reversed"
    yield Slip(sentence, {"dE/dz": rule("dE/dz")})


def _together(w: Writing, kind: str, place: Any, *, mean: bool) -> Expression:
    """The sum of what the examples add, or its mean."""
    n = w.ground.n_examples
    total = plus(*[w(kind, *place, example=one) for one in range(1, n + 1)])
    return Product(ONE, (total,), (number(n),)) if mean else total


def _mean_for_sum(trace: Trace) -> Iterator[Slip]:
    mean = trace.network.reduction == "mean"

    def rule(kind: str) -> Rule:
        def other(w: Writing, *place: Any) -> Formulas:
            right = _together(w, kind, place, mean=mean)
            return (plus(TOTALS[kind](w, *place)[-1], times_minus(right), _together(w, kind, place, mean=not mean)),)

        return other

    if trace.n_examples > 1:
        taken, wanted = ("sum", "mean") if mean else ("mean", "sum")
        sentence = f"the {taken} over the examples is taken where their {wanted} is asked for"
        yield Slip(sentence, {}, {kind: rule(kind) for kind in TOTALS})


def _one_example(trace: Trace) -> Iterator[Slip]:
    for n in range(1, trace.n_examples + 1 if trace.n_examples > 1 else 1):

        def rule(kind: str, n: int = n) -> Rule:
            return lambda w, *place: (w(kind, *place, example=n),)

        sentence = "all examples count, and only one is taken:"
        yield Slip(sentence, {}, {kind: rule(kind) for kind in TOTALS}, which=f"example {n}")


def _penalty_forgotten(trace: Trace) -> Iterator[Slip]:
    def rule(kind: str) -> Rule:
        return lambda w, *place: (_together(w, kind, place, mean=trace.network.reduction == "mean"),)

    if trace.network.l2:
        yield Slip("the penalty's part is missing", {}, {kind: rule(kind) for kind in ("E", "dE/dW")})


def _transposed(trace: Trace) -> Iterator[Slip]:
    def is_square(w: Writing, layer: int) -> bool:
        return w.layers[layer - 1].below == w.layers[layer - 1].above

    def forward(w: Writing, layer: int, j: Any) -> Formulas:
        one = w.layers[layer - 1]
        if not is_square(w, layer):
            return _right("a")(w, layer, j)
        total = plus(*[times(w.from_below(layer, i), w("W", layer, j, i)) for i in range(1, one.below + 1)])
        return (plus(total, w("b", layer, j)) if one.biases else total,)

    def backward(w: Writing, layer: int, j: Any) -> Expression:
        if not is_square(w, layer + 1):
            return _backward_sum(w, layer, j)
        return plus(*[times(w("delta", layer + 1, k), w("W", layer + 1, k, j)) for k in _above(w, layer)])

    def gradient(w: Writing, layer: int, i: Any, j: Any) -> Formulas:
        if not is_square(w, layer):
            return _right("dE/dW")(w, layer, i, j)
        return (times(w("delta", layer, i), w.from_below(layer, j)),)

    if any(layer.below == layer.above > 1 for layer in trace.network.layers):
        words = "the indices of the weight are swapped: W is taken transposed"
        for rules in ({"a": forward}, _at_hidden(backward), {"a": forward, **_at_hidden(backward)}):
            yield Slip(words, rules)
        yield Slip(words, {"dE/dW": gradient})


SLIPS: dict[str, Callable[[Trace], Iterator[Slip]]] = {
    "slope forgotten": _slope_forgotten,
    "slope twice": _slope_twice,
    "slope at the other side": _slope_at_the_other,
    "slope of another activation": _slope_of_another,
    "updated weights": _updated_weights,
    "one output only": _one_output,
    "weights forgotten": _weights_forgotten,
    "deltas forgotten": _deltas_forgotten,
    "bias forgotten": _bias_forgotten,
    "bias gradient forgotten": _bias_gradient_forgotten,
    "activation forgotten": _activation_forgotten,
    "not normalised": _not_normalised,
    "diagonal only": _diagonal_only,
    "input forgotten": _input_forgotten,
    "output for input": _output_for_input,
    "before for after": _before_for_after,
    "update sign": _update_sign,
    "rate forgotten": _rate_forgotten,
    "factor two": _factor_two,
    "difference reversed": _difference_reversed,
    "mean for sum": _mean_for_sum,
    "one example only": _one_example,
    "penalty forgotten": _penalty_forgotten,
    "transposed": _transposed,
}


def slips_of(trace: Trace) -> list[Slip]:
    """The slips that can be made on this trace.

    >>> from thalweg.network import Network
    >>> from thalweg.tracing import trace
    >>> net = Network([1, 1], output="sigmoid", bias=False)
    >>> [slip.which for slip in slips_of(trace(net, [1.0], [2.0], [1.0])) if slip.name == "slope of another activation"]
    ['tanh', 'relu', 'identity']
    """
    return [dataclasses.replace(slip, name=name) for name, row in SLIPS.items() for slip in row(trace)]
