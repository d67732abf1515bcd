"""A trace as a document: what is given, forward pass, error, backward pass, updates, the matrix form.

The document is written by `writers` as text, Markdown, LaTeX, a page or a notebook. On the page each step lights what
it is about in the drawing of the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.document import Block, Chain, Display, Document, Heading, Items, Paragraph, Piece, Walk
from thalweg.equations import Applied, Matrix, SumOver, distinct
from thalweg.expressions import ONE, Expression, Product, Symbol, call
from thalweg.formulas import formula
from thalweg.step_displays import LONG, MANY_WEIGHTS, cases, displays, own_constants, picture
from thalweg.step_displays import elements as elements
from thalweg.trace_rules import penalty
from thalweg.trace_steps import Step, Steps
from thalweg.tracing import Trace


if TYPE_CHECKING:
    from thalweg.conventions import Key
    from thalweg.network import Network

ONE_LINE = 8  # numbers of an example that stand among words
MANY_EXAMPLES = 10  # beyond which only the first are shown
LARGEST = 10  # units of a layer, and weights, that are shown of a network of over 100 weights


def given(trace: Steps, target: bool = True) -> list[Block]:
    """The network, its functions, its weights and its examples; without `target` their inputs only."""
    network, c = trace.network, trace.conventions
    blocks: list[Block] = [Heading("Given"), Paragraph(_sentence(trace)), Items(tuple(_functions(trace)))]
    if network.n_parameters <= MANY_WEIGHTS:
        for layer in range(1, len(network.layers) + 1):
            blocks.append(Display(_matrix(trace, c.weight, "W", layer)))
            if network.bias:
                blocks.append(Display(_matrix(trace, c.bias, "b", layer)))
    for example in _examples(trace) if network.sizes[0] <= LONG else ():
        name = "" if example is None or trace.n_examples == 1 else f"Example {example}: "
        x, y = (_matrix(trace, what, kind, example=example) for what, kind in ((c.input, "x"), (c.target, "y")))
        if network.sizes[0] + network.sizes[-1] > ONE_LINE:
            blocks += [Display(x, note=name), *([Display(y)] if target else [])]
        else:
            blocks.append(Paragraph((name, x, ", ", y) if target else (name, x)))
    if trace.learning_rate is not None:
        blocks.append(Paragraph(("Learning rate: ", Chain((Symbol(c.rate), trace["eta"].shown)))))
    return blocks


def _sentence(trace: Steps) -> str:
    network = trace.network
    inputs, *hidden, outputs = network.sizes
    layers = "no hidden layer"
    if hidden:
        units = ", ".join(map(str, hidden[:-1])) + (" and " if hidden[:-1] else "") + _counted(hidden[-1], "unit")
        layers = f"{_counted(len(hidden), 'hidden layer')} of {units}"
    computed = {
        "floats": f"Numbers are computed in full and shown to {trace.arithmetic.rounding}.",
        "fractions": "Numbers are exact fractions.",
        "rounded": f"Every number is rounded to {trace.arithmetic.rounding}, and carried on as it is printed.",
    }
    biases = "with biases" if network.bias else "without biases"
    told = f"A network with {_counted(inputs, 'input')}, {layers} and {_counted(outputs, 'output')}, {biases}."
    return f"{told} {computed[trace.arithmetic.kind]}"


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _functions(trace: Steps) -> Iterator[tuple[Piece, ...]]:
    network, c = trace.network, trace.conventions
    before, after, target, error = (Symbol(name) for name in (c.before, c.after, c.target, c.error))
    for g in dict.fromkeys((*network.activation, network.output)):
        layers = [str(n) for n, layer in enumerate(network.layers, 1) if layer.activation == g]
        name = f"Activation of layer{'' if len(layers) == 1 else 's'} {', '.join(layers)}: {g!r}, "
        if g.elementwise:
            yield name, *cases((Applied(c.activation, before),), formula(g.formula), {"a": before})
        else:
            over, under = (call("exp", Symbol(c.before, (letter,))) for letter in "kj")
            yield name, Chain((Symbol(c.after, ("k",)), Product(ONE, (over,), (SumOver("j", under),))))
    yield f"Error: {network.loss!r}, ", *_error(network, error, {"z": after, "y": target})
    if trace.n_examples > 1:
        yield (f"Over the {trace.n_examples} examples: the {network.reduction}",)
    if network.l2:
        yield "Penalty, over all layers: ", Chain((penalty(network.l2, c),))
    if any(network.dropout):
        yield ("Dropout, which switches units off while the network is trained, is off here",)


def _error(network: Network, error: Symbol, names: dict[str, Symbol]) -> tuple[Piece, ...]:
    """The sum over the outputs, of what each of them adds."""
    text = formula(network.loss.formula)
    of_output: dict[str, Expression] = {name: Symbol(symbol.name, ("k",)) for name, symbol in names.items()}
    of_output |= own_constants(network.loss)
    if text.by_target:
        body = text.fullest.with_numbers({Symbol(name): symbol for name, symbol in of_output.items()})
        return (Chain((error, SumOver("k", body))),)
    part = Symbol(error.name, ("k",))
    return Chain((error, SumOver("k", part))), " with ", *cases((part,), text, of_output)


def _matrix(trace: Steps, name: str, kind: str, *layer: int, example: int | None = None) -> Chain:
    """symbol = what is given of this kind, as rows or columns."""
    above = trace.network.sizes[layer[0] if layer else 0 if kind == "x" else -1]
    prefix = () if example is None else (example,)
    rows = [[trace[(*prefix, kind, *layer, *i, j)] for j in range(1, above + 1)] for i in _below(trace, kind, *layer)]
    if trace.conventions.vectors == "column":
        rows = list(zip(*rows, strict=True))
    shown = Matrix(tuple(tuple(step.shown for step in row) for row in rows))
    return Chain((Symbol(name, (), *layer), shown), about=any(step.is_about for row in rows for step in row))


def _below(trace: Steps, kind: str, *layer: int) -> list[tuple[int, ...]]:
    """The rows of a weight matrix by their number; a vector is one row without."""
    return [(i,) for i in range(1, trace.network.sizes[layer[0] - 1] + 1)] if kind == "W" else [()]


def _examples(trace: Steps) -> list[int | None]:
    """The examples that are shown: the first few of many."""
    return list(range(1, min(trace.n_examples, MANY_EXAMPLES) + 1)) if trace.has_totals else [None]


def passes(trace: Steps, example: int | None, target: bool = True) -> list[Block]:
    """Forward pass, error and backward pass of one example; of a large network, where the gradient is largest.

    Without `target`, which the error needs, the forward pass only.
    """
    steps = _large(trace, example) if trace.network.n_parameters > MANY_WEIGHTS else _all(trace, example)
    forward = [step for step in steps if step.kind in (("a", "z", "E") if target else ("a", "z"))]
    backward = [step for step in steps if step.kind not in ("a", "z", "E")]
    name = "" if example is None or trace.n_examples == 1 else f", example {example}"
    left_out = [Paragraph(told)] if (told := _left_out(trace, example)) else []
    blocks: list[Block] = [Heading(f"Forward pass{name}"), *left_out, walk(trace, example, forward)]
    return [*blocks, Heading(f"Backward pass{name}"), walk(trace, example, backward)] if target else blocks


def walk(trace: Steps, example: int | None, steps: Sequence[Step]) -> Walk:
    """Steps of an example beside the network with its numbers."""
    shown = displays(steps)
    return Walk(picture(trace, example, about=frozenset[Any]().union(*[display.lit for display in shown])), shown)


def _all(trace: Steps, example: int | None) -> list[Step]:
    steps = (trace[key] for key in trace.keys())
    return [step for step in steps if step.example == example and not step.is_update]


def _large(trace: Steps, example: int | None) -> list[Step]:
    """The units of the largest |δ| of each layer and the weights of the largest gradients, the largest first."""
    network = trace.network
    last = len(network.layers)
    units = [(), *(_units(trace, layer, example) for layer in range(1, last + 1))]
    keys: list[Key] = []
    for layer in range(1, last + 1):
        elementwise = network.layers[layer - 1].activation.elementwise
        pairs = [[("a", layer, j), ("z", layer, j)] for j in units[layer]]
        keys += [key for pair in (pairs if elementwise else zip(*pairs, strict=True)) for key in pair]
    keys += [("E",), *(("dE/dz", last, k) for k in units[last])]
    gradients = [trace[key] for key in largest_gradients(trace, example)]
    for layer in range(last, 0, -1):
        for j in units[layer]:
            keys += [("g'", layer, j)] if network.layers[layer - 1].activation.elementwise else []
            keys.append(("delta", layer, j))
        keys += [("dE/dW", *step.place) for step in gradients if step.place[0] == layer]
    return [trace[key if example is None else (example, *key)] for key in keys]


def _units(trace: Steps, layer: int, example: int | None) -> list[int]:
    """The units of a layer that are shown, those of the largest |δ| first; none whose δ is 0, if another's is not."""
    prefix = () if example is None else (example,)
    size = {j: abs(float(trace.value((*prefix, "delta", layer, j)))) for j in range(1, trace.network.sizes[layer] + 1)}
    order = sorted(size, key=lambda j: -size[j])[:LARGEST]
    return [j for j in order if size[j] != 0.0] or order


def _left_out(trace: Steps, example: int | None) -> str:
    """Which units and weights of a large network are shown."""
    network = trace.network
    if network.n_parameters <= MANY_WEIGHTS:
        return ""
    shown = [
        f"{n} of the {size} units of layer {layer}"
        for layer, size in enumerate(network.sizes[1:], 1)
        if (n := len(_units(trace, layer, example))) < size
    ]
    units = f"{', '.join(shown)}, those of the largest |δ|, and " if shown else ""
    weights = (
        f"the {LARGEST} of the largest gradients of {sum(one.below * one.above for one in network.layers):,} weights"
    )
    return f"Shown are {units}{weights}; the largest come first."


def largest_gradients(trace: Steps, example: int | None = None) -> list[Key]:
    """The keys of the weights' gradients that are largest in size; of all examples together unless one is named."""
    network = trace.network
    examples: Sequence[int | None] = [example] if example or not trace.has_totals else range(1, trace.n_examples + 1)
    found: list[tuple[float, Key]] = []
    for layer, one in enumerate(network.layers, 1):
        gradient = np.sum([_outer(trace, layer, n) for n in examples], axis=0)
        if trace.has_totals and example is None:
            gradient = gradient / (trace.n_examples if network.reduction == "mean" else 1)
            gradient = gradient + network.l2 * one.views(trace.p)[0]
        for place in np.argsort(-np.abs(gradient), axis=None, kind="stable")[:LARGEST]:
            i, j = divmod(int(place), one.above)
            key = ("dE/dW", layer, i + 1, j + 1)
            found.append((-abs(float(gradient[i, j])), key if example is None else (example, *key)))
    return [key for _, key in sorted(found)[:LARGEST]]


def _outer(trace: Steps, layer: int, example: int | None) -> np.ndarray:
    """z δ of a layer, (units below, units above)."""
    prefix, one = () if example is None else (example,), trace.network.layers[layer - 1]
    below = [("x", i) if layer == 1 else ("z", layer - 1, i) for i in range(1, one.below + 1)]
    above = [("delta", layer, j) for j in range(1, one.above + 1)]
    z, delta = ([float(trace.value((*prefix, *key))) for key in keys] for keys in (below, above))
    return np.outer(z, delta)


def totals(trace: Steps) -> list[Block]:
    """The sum over the examples (L13), and the step of gradient descent (L8)."""
    blocks: list[Block] = []
    if trace.has_totals:
        blocks += [Heading("All examples together"), *displays(_totals(trace))]
    if trace.learning_rate is not None:
        blocks += [Heading("The step of gradient descent"), walk(trace, None, _updates(trace))]
    return blocks


def _totals(trace: Steps) -> list[Step]:
    return [trace["E"], *(trace[key] for key in _parameters(trace, "dE/dW", "dE/db"))]


def _updates(trace: Steps) -> list[Step]:
    return [trace[key] for key in _parameters(trace, "W_new", "b_new")]


def _parameters(trace: Steps, weight: str, bias: str) -> Iterator[Key]:
    """What there is of each weight and bias; of a large network, of the weights of the largest gradients."""
    if trace.network.n_parameters > MANY_WEIGHTS:
        yield from ((weight, *place) for _, *place in largest_gradients(trace))
    else:
        yield from (key for key in trace.keys() if key[0] in (weight, bias))


def most_relevant(trace: Steps) -> list[Step]:
    """The steps that are shown of a network of over 100 weights and biases, in their order."""
    steps = [step for example in _examples(trace) for step in _large(trace, example)]
    steps += _totals(trace) if trace.has_totals else []
    return steps + (_updates(trace) if trace.learning_rate is not None else [])


def matrix_form(trace: Trace, example: int | None = None) -> list[Block]:
    """The same numbers in matrices (L15)."""
    name = "" if example is None or trace.n_examples == 1 else f", example {example}"
    lines = [
        Display(Chain(distinct(step.parts), about=step.is_about), number=step.equation.strip("()"))
        for step in trace.matrices(example)
    ]
    return [Heading(f"In matrices{name}"), *lines]


def whole(
    trace: Trace, title: str = "Backpropagation, step by step", before: Sequence[Block] = (), backward: bool = True
) -> Document:
    """The document of a whole trace; `before` goes in front, and without `backward` it ends at the outputs."""
    blocks = [*before, *given(trace, backward)]
    for example in _examples(trace):
        blocks += passes(trace, example, backward)
    if not backward:
        return Document(title, tuple(blocks))
    blocks += totals(trace)
    if trace.network.n_parameters <= MANY_WEIGHTS:
        for example in _examples(trace):
            blocks += matrix_form(trace, example)
    return Document(title, tuple(blocks))
