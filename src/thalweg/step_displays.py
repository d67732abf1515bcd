"""Steps of a trace as displays: the line, the general formula above it, why a branch was taken, and what it lights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from thalweg.arithmetic import Value, evaluate, exactly
from thalweg.document import Chain, Display, Picture, Piece
from thalweg.expressions import Expression, Symbol, number
from thalweg.formulas import Condition, Formula, formula
from thalweg.network_drawing import NetworkDrawing
from thalweg.trace_rules import softmax_other_slope, softmax_own_slope, symbol_of
from thalweg.trace_steps import Step, Steps


if TYPE_CHECKING:
    from thalweg.conventions import Key
    from thalweg.losses import Loss
    from thalweg.network import Network

LONG = 12  # numbers of a vector that are still printed
LONG_SUM = 6  # terms beyond which a formula is written with Σ
MANY_WEIGHTS = 100  # weights and biases beyond which not all are shown
FEW_BRANCHES = 4  # of the error, one for each output, that are all explained
LIT: dict[str, tuple[str, ...]] = {
    "x": ("x",), "W": ("W",), "b": ("b",), "a": ("unit",), "z": ("unit",), "g'": ("unit",), "delta": ("unit",),
    "E": ("E",), "dE/dW": ("W",), "dE/db": ("b",), "W_new": ("W",), "b_new": ("b",),
}  # fmt: skip
SIGNS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}
OPPOSITES = {"<=": ">", ">=": "<", "<": ">=", ">": "<="}

Chosen = tuple[Formula, Mapping[str, float], Mapping[str, "Step"]]  # a formula, its constants, its variables


def lit(step: Step) -> frozenset[Key]:
    """What a step is about in the drawing: its own element and those of its operands."""
    return frozenset(element for one in (step, *step.operands) for element in elements(one))


def elements(step: Step) -> Iterator[Key]:
    """What stands for a step in the drawing."""
    if step.kind in ("dE/dz", "dz/da"):
        yield from (("unit", step.place[0], unit) for unit in step.place[1:])
        if step.kind == "dE/dz":
            yield ("E",)
    elif step.kind in LIT:
        yield (*LIT[step.kind], *step.place)


def anchor(key: Key) -> str:
    """The name of a step's display, for links.

    >>> anchor(("g'", 1, 2)), anchor((3, "dE/dW", 1, 2, 2))
    ('step-gslope-1-2', 'step-3-dE-dW-1-2-2')
    """
    return "step-" + re.sub("[^A-Za-z0-9]+", "-", "-".join(map(str, key)).replace("'", "slope")).strip("-")


def display(step: Step, *, general: bool = False, anchored: bool = True) -> Display:
    """A step as a display: symbol = formula = with numbers = result; with the general formula above it."""
    is_long = step.n_terms > LONG_SUM
    parts = (step.symbol, *step.abridged, step.shown) if is_long else step.parts
    return Display(
        Chain(parts, about=_is_about(step, is_long), becomes=step.is_update),
        number=step.equation.strip("()"),
        anchor=anchor(step.key) if anchored else "",
        lit=frozenset(elements(step)) if is_long else lit(step),
        note=_note(step, general),
    )


def _is_about(step: Step, is_long: bool) -> bool:
    if is_long:  # as it may be of a thousand terms, which are not shown
        return step.trace.arithmetic.kind != "fractions"
    return step.is_about


def displays(steps: Iterable[Step]) -> tuple[Display, ...]:
    """Steps one after the other; the first of each kind and layer brings the general formula."""
    seen: set[Any] = set()
    made = []
    for step in steps:
        group = (step.kind, step.place[:1] if len(step.place) > 1 else ())
        made.append(display(step, general=group not in seen))
        seen.add(group)
    return tuple(made)


def _note(step: Step, general: bool) -> tuple[Piece, ...]:
    """The general formula where it says more than the step's own, and why its branch was taken."""
    chosen = _chosen(step)
    said = _general(step, chosen) if general else ()
    reasons = [pieces for one in chosen if (pieces := _reason(step, one))] if len(chosen) <= FEW_BRANCHES else []
    if not reasons:
        return said
    joined = [piece for place, pieces in enumerate(reasons) for piece in ((", ", *pieces) if place else pieces)]
    return (*said, "; here ", *joined) if said else ("Here ", *joined)


def _chosen(step: Step) -> list[Chosen]:
    """The formulas made of branches that the numbers of a step choose from: of the error one for each output."""
    network, place = step.trace.network, step.place

    def operand(*key: Any) -> Step:
        return step.trace[key if step.example is None else (step.example, *key)]

    if step.kind in ("z", "g'"):
        g = network.layers[place[0] - 1].activation
        name, text = ("a", g.formula) if step.kind == "z" else (g.saves, g.slope)
        found: list[Chosen] = [(formula(text), g.constants, {name: operand(name, *place)})] if g.elementwise else []
    elif step.kind == "dE/dz" or (step.kind == "E" and (step.example or not step.trace.has_totals)):
        loss, last = network.loss, len(network.layers)
        text = loss.formula if step.kind == "E" else loss.slope
        outputs = range(1, network.sizes[-1] + 1) if step.kind == "E" else place[1:]
        found = [
            (formula(text), loss.at(k).constants, {"z": operand("z", last, k), "y": operand("y", k)}) for k in outputs
        ]
    else:
        found = []
    return [one for one in found if len(one[0].branches) > 1]


def _general(step: Step, chosen: list[Chosen]) -> tuple[Piece, ...]:
    """The formula with letters for units, all of its branches; nothing where the step's own says as much."""
    if step.kind == "dz/da":
        return _softmax_slope(step)
    if not chosen or chosen[0][0].by_target:
        says_more = step.general and (step.general != step.indexed or step.general_symbol != step.symbol)
        return (Chain((step.general_symbol, *step.general), becomes=step.is_update),) if says_more else ()
    text, _, variables = chosen[0]
    c, letter = step.trace.conventions, "j" if step.kind in ("z", "g'") else "k"
    names = {name: symbol_of(c, (*_without_example(one.key)[:-1], letter)) for name, one in variables.items()}
    if step.kind not in ("z", "g'"):
        names |= own_constants(step.trace.network.loss)
    if step.kind != "E":
        heads = step.general if step.kind == "z" else ()
        return cases((step.general_symbol, *heads), text, names)
    return Chain((step.symbol, *step.general)), " with ", *cases((Symbol(c.error, (letter,)),), text, names)


def _softmax_slope(step: Step) -> tuple[Piece, ...]:
    """Both cases of softmax's Jacobian."""
    after, last = step.trace.conventions.after, step.place[0]
    zk, zj = (Symbol(after, (letter,), last) for letter in "kj")
    own, other = softmax_own_slope(zk), softmax_other_slope(zk, zj)
    return Chain((step.general_symbol, own)), " if ", Chain((Symbol("k"), Symbol("j"))), ", else ", other


def _without_example(key: Key) -> Key:
    return key[1:] if isinstance(key[0], int) else key


def own_constants(loss: Loss) -> dict[str, Expression]:
    """How the loss's parameter is written where each output k has another."""
    return {loss.parameter_name: Symbol(loss.parameter_name, ("k",))} if loss.n_outputs else {}


def cases(heads: tuple[Expression, ...], text: Formula, names: Mapping[str, Expression]) -> tuple[Piece, ...]:
    """head = body if condition, else body: a formula with its variables written so.

    >>> from thalweg.pieces import plain
    >>> g = Symbol("z", ("j",))
    >>> plain(cases((g,), formula("a if a > 0 else 0"), {"a": Symbol("a", ("j",))}))
    'zⱼ = aⱼ if aⱼ > 0, else 0'
    """
    written = {Symbol(name): symbol for name, symbol in names.items()}
    pieces: list[Piece] = []
    for place, (body, condition) in enumerate(text.branches):
        shown = body.with_numbers(written)
        pieces += [", else ", shown] if place else [Chain((*heads, shown))]
        if condition is not None:
            left, right = (side.with_numbers(written) for side in (condition.left, condition.right))
            pieces += [" if ", left, f" {SIGNS[condition.sign]} ", right]
    return tuple(pieces)


def _reason(step: Step, chosen: Chosen) -> tuple[Piece, ...]:
    """Why this branch: the condition that holds, or those that do not; nothing where it is the whole formula."""
    text, constants, variables = chosen
    values: dict[Expression, Value] = {Symbol(name): exactly(value) for name, value in constants.items()}
    values |= {Symbol(name): one.result for name, one in variables.items()}
    reasons: list[Condition] = []
    for body, condition in text.branches:
        if condition is None or condition(values):
            if text.by_target and body == text.fullest:
                return ()
            reasons = [condition] if condition else reasons
            break
        reasons.append(Condition(condition.left, OPPOSITES[condition.sign], condition.right))
    told: list[tuple[Piece, ...]] = []
    for reason in reasons:
        if (pieces := _told(reason, chosen, values)) not in told:
            told.append(pieces)
    return tuple(piece for place, pieces in enumerate(told) for piece in ((" and ", *pieces) if place else pieces))


def _told(reason: Condition, chosen: Chosen, values: Mapping[Expression, Value]) -> tuple[Piece, ...]:
    """a₁ = −0.5 ≤ 0, or z₁ = y₁ = 0.5 where the two are equal."""
    _, constants, variables = chosen
    written = {Symbol(name): one.symbol for name, one in variables.items()}
    shown: dict[Expression, Expression] = {Symbol(name): one.shown for name, one in variables.items()}
    shown |= {Symbol(name): number(exactly(value), decimal=True) for name, value in constants.items()}
    left, right = ((side.with_numbers(written), side.with_numbers(shown)) for side in (reason.left, reason.right))
    if not reason.right.symbols & variables.keys():
        right = right[1:]
    if evaluate(reason.left, values) == evaluate(reason.right, values):
        return (Chain((left[0], *right)),)
    return Chain(left), f" {SIGNS[reason.sign]} ", Chain(right)


def picture(
    trace: Steps, example: int | None = None, lit: frozenset[Key] = frozenset(), about: Iterable[Key] = ()
) -> Picture:
    """The network with its numbers: inputs, weights, what leaves each unit, the error.

    Args:
        trace: of which the numbers are.
        example: the one whose numbers are written, where there are several.
        lit: what is lit.
        about: what else has its number in a network of over 100 weights, where not all of them are written.
    """
    network = trace.network
    prefix = () if not trace.has_totals else (example or 1,)
    written = _everything(network) if network.n_parameters <= MANY_WEIGHTS else lit.union(about)
    labels, negative = {}, set()
    for key in written:
        kind, *place = ("z", *key[1:]) if key[0] == "unit" else key
        step = trace[(kind, *place) if kind in ("W", "b") else (*prefix, kind, *place)]
        labels[key] = step.shown
        if kind in ("W", "b") and step.result < 0:
            negative.add(key)
    return Picture(NetworkDrawing(network.sizes, network.bias, labels, lit, negative=frozenset(negative)))


def _everything(network: Network) -> Iterator[Key]:
    """All that is drawn of a network."""
    yield from (("x", i) for i in range(1, network.sizes[0] + 1))
    for layer, one in enumerate(network.layers, 1):
        for j in range(1, one.above + 1):
            yield from (("W", layer, i, j) for i in range(1, one.below + 1))
            yield from [("b", layer, j)] if network.bias else []
            yield ("unit", layer, j)
    yield ("E",)
