"""Why a weight has its gradient, as a document: its paths, their sum, the steps they lean on, the numeric check.

`show` brings this, or the document of a whole trace, to a notebook or a terminal.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thalweg import writers
from thalweg.arithmetic import evaluate
from thalweg.document import Block, Chain, Display, Document, Heading, Link, Paragraph, Piece, Pieces, Table, Walk
from thalweg.equations import distinct
from thalweg.errors import InputError, shown
from thalweg.expressions import ONE, Expression, Product, Symbol, number
from thalweg.paths import Path, Why, strongest
from thalweg.step_displays import LONG_SUM, anchor, displays, elements, picture
from thalweg.trace_pages import given, walk, whole
from thalweg.trace_rules import plus, times
from thalweg.trace_steps import Step
from thalweg.tracing import Trace


if TYPE_CHECKING:
    from thalweg.arithmetic import Value
    from thalweg.conventions import Key

MOST_PATHS = 20  # that are shown
MOST_STEPS = 60  # that the gradient leans on, and that are shown


def one_weight(why: Why, before: Sequence[Block] = ()) -> Document:
    """The document of one weight: its paths, the sum, the steps that they lean on, and the numeric check.

    Args:
        why: what `Trace.gradient_of` gave.
        before: what goes in front.
    """
    paths = why.paths if len(why.paths) <= MOST_PATHS else strongest(why.paths)[:MOST_PATHS]
    steps = _needed(why, paths)
    blocks = [*before, *given(why.trace), Heading("Every path to the error"), Paragraph(_how_many(why, len(paths)))]
    blocks += _walks(why, paths, {step.key for step in steps})
    if len(paths) > 1 or why.penalty or why.trace.n_examples > 1:
        blocks += [Heading("Their sum"), *_sum(why, paths)]
    blocks += [Heading("The same, as forward and backward pass compute it"), *_passes(why, steps)]
    blocks += [Heading("Checked by differences"), *_check(why)]
    return Document(f"Why {why.step.symbol.unicode} is {why.step.shown.unicode}", tuple(blocks))


def _how_many(why: Why, shown: int) -> tuple[Piece, ...]:
    n, noun = why.n_paths, "path" if why.n_paths == 1 else "paths"
    one = f"{n:,} {noun} lead{'s' if n == 1 else ''} from "
    pieces: list[Piece] = [
        one,
        why.weight.symbol,
        " to the error. Along each, the chain rule multiplies the slopes.",
    ]
    if shown < n:
        pieces.append(f" Here are the {shown} of the largest products.")
    zeros = [key for key in _factors(why.paths[0]) if all(key in _factors(path) for path in why.paths)]
    zeros = [key for key in zeros if why.trace.value(key) == 0]
    if zeros and why.is_complete:
        pieces.append(" All are 0, as ")
        for place, key in enumerate(zeros):
            pieces += [" and "] if place else []
            pieces.append(Chain((why.trace[key].symbol, number(0))))
        pieces.append(".")
    return tuple(pieces)


def _factors(path: Path) -> list[Key]:
    return [factor.key for factor in path.factors]


def _walks(why: Why, paths: Sequence[Path], linked: set[Key]) -> Iterator[Block]:
    """The paths, those of each example beside a picture with its numbers."""
    for example in dict.fromkeys(path.example for path in paths):
        own = [(n, path) for n, path in enumerate(paths, 1) if path.example == example]
        lit = frozenset(element for _, path in own for element in _on_path(why, path))
        yield Walk(picture(why.trace, example, lit), tuple(_path(why, n, path, linked) for n, path in own))


def _on_path(why: Why, path: Path) -> Iterator[Key]:
    yield from elements(why.weight)
    for factor in path.factors:
        yield from elements(factor)
    yield ("E",)


def _path(why: Why, n: int, path: Path, linked: set[Key]) -> Display:
    """chain rule = factors = numbers = product, with links to the steps of the factors."""
    product = why.trace.arithmetic.shown(_rounded(why, path.product))
    example = f", example {path.example}" if path.example and why.trace.n_examples > 1 else ""
    pieces: list[Piece] = [f"Path {n}{example}: the factors come from "]
    for place, factor in enumerate(path.factors):
        pieces += [", "] if place else []
        pieces.append(Link(factor.symbol, anchor(factor.key)) if factor.key in linked else factor.symbol)
    parts = distinct((why.chain(path), path.formula, path.numbers, product))
    return Display(
        Chain(parts, about=not _comes_to(path.numbers, product)),
        lit=frozenset(_on_path(why, path)),
        note=tuple(pieces),
    )


def _rounded(why: Why, value: Value) -> Value:
    """As it is printed, where every result is carried on so."""
    arithmetic = why.trace.arithmetic
    return arithmetic.rounding(value) if arithmetic.kind == "rounded" else value


def _comes_to(numbers: Expression, result: Expression) -> bool:
    return evaluate(numbers, {}) == evaluate(result, {})


def _sum(why: Why, paths: Sequence[Path]) -> Iterator[Block]:
    """The products added up as the objective has it, of many paths the rest in one term."""
    trace, show = why.trace, why.trace.arithmetic.shown
    rounded = trace.arithmetic.kind == "rounded"
    terms = [_rounded(why, path.product) for path in paths]
    n_others = why.n_paths - len(paths)
    if n_others:
        if rounded and not why.is_complete:
            yield Paragraph(f"The other {n_others:,} are not added up here.")
            return
        others = "other path" if n_others == 1 else f"other {n_others:,} paths together"
        yield Paragraph(f"The last term is that of the {others}.")
        every = why.total if why.is_complete else why.step.result
        rest = (every - why.penalty) * why.divisor - sum(path.product for path in paths)
        terms.append(_rounded(why, rest))
    numbers = plus(*[show(term) for term in terms])
    if why.divisor > 1:
        numbers = Product(ONE, (numbers,), (number(why.divisor),))
    if why.penalty:
        numbers = plus(numbers, times(number(trace.network.l2), why.weight.shown))
    total = show(trace.arithmetic.settle(evaluate(numbers, {}))) if trace.arithmetic.is_exact else why.step.shown
    yield Display(Chain(distinct((why.step.symbol, numbers, total)), about=not _comes_to(numbers, total)))
    if total != why.step.shown:
        yield Paragraph(("Forward and backward pass round other results on the way, and come to ", why.step.shown, "."))


def _needed(why: Why, paths: Sequence[Path]) -> list[Step]:
    """The steps that the gradient leans on, in the order in which they are computed; of many, those of first paths."""
    found = _leaned_on([why.step])
    for path in paths:
        more = found | _leaned_on(path.factors)
        if len(more) > MOST_STEPS:
            break
        found = more
    return sorted(found.values(), key=_order)


def _leaned_on(steps: Sequence[Step]) -> dict[Key, Step]:
    """These steps and what they came from, but not what only a sum of many came from."""
    found: dict[Key, Step] = {}
    todo = list(steps)
    while todo:
        step = todo.pop()
        if step.key not in found and not step.is_given:
            found[step.key] = step
            todo += step.operands if step.n_terms <= LONG_SUM else ()
    return found


def _order(step: Step) -> tuple[float, ...]:
    """Where a step stands among those of its example, and examples before what is of all of them."""
    layer, *units = step.place or (0,)
    last, kind = len(step.trace.network.layers), step.kind
    alone = step.trace.network.layers[layer - 1].activation.elementwise
    example = step.example or (math.inf if step.trace.has_totals else 0)
    if kind in ("a", "z"):  # softmax needs every a of its layer
        return example, layer, *(units if alone else ()), kind == "z", *units
    if kind in ("E", "dE/dz", "dz/da"):
        return example, last + 1, ("E", "dE/dz", "dz/da").index(kind), *units
    of_unit = kind in ("g'", "delta")
    return example, 2 * last + 2 - layer, not of_unit, *(units if of_unit else ()), kind in ("delta", "dE/db"), *units


def _passes(why: Why, steps: Sequence[Step]) -> Iterator[Block]:
    """The steps of each example beside a picture with its numbers, then those of all examples."""
    for example in dict.fromkeys(step.example for step in steps):
        own = [step for step in steps if step.example == example]
        if example and why.trace.n_examples > 1:
            yield Heading(f"Example {example}", 2)
        if example or not why.trace.has_totals:
            yield walk(why.trace, example, own)
        else:
            yield Heading("All examples together", 2)
            yield from displays(own)


def _check(why: Why) -> Iterator[Block]:
    weight, error = why.weight.symbol, Symbol(why.trace.conventions.error)
    yield Paragraph(
        (
            "The weight is moved by ±ε, and the quotient (", error, "(", weight, " + ε) − ", error, "(", weight,
            " − ε))/2ε is compared with the gradient, in float64. Long steps err by truncation, which shrinks with ε²; "
            "short ones by cancellation, which grows with 1/ε.",
        )
    )  # fmt: skip
    if any(g.kinks for g in (*why.trace.network.activation, why.trace.network.output)) or why.trace.network.loss.kinks:
        yield Paragraph("Where a step passes a kink, the quotient mixes the slopes on both sides of it.")
    best = why.best
    rows = tuple(
        (row.epsilon, _cell(row.quotient, 12), _cell(row.error, 2), "closest" if row is best else "")
        for row in why.check
    )
    yield Table(("ε", "difference quotient", "distance from the gradient", ""), rows)


def _cell(value: float, digits: int) -> Pieces:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else str(value)


@dataclass(frozen=True)
class Shown:
    """A document that a notebook shows as a page of its own, and a terminal as text."""

    document: Document

    def _repr_html_(self) -> str:
        page, title = html.escape(writers.write(self.document, "html")), html.escape(self.document.title)
        return f'<iframe srcdoc="{page}" title="{title}" style="width:100%;height:36rem;border:0"></iframe>'

    def __str__(self) -> str:
        return writers.write(self.document, "text")

    __repr__ = __str__


def show(what: Any) -> Shown:
    """A trace, why a weight has its gradient, or the explanation of a row, to look at: in a notebook as a page.

    Args:
        what: what `trace`, `Trace.gradient_of` or `explain` made.

    Raises:
        InputError: it is something else.

    >>> from thalweg.network import Network
    >>> from thalweg.tracing import trace
    >>> print(str(show(trace(Network([1, 1], bias=False), [0.5], [2.0], [3.0]))).splitlines()[0])
    Backpropagation, step by step
    """
    if isinstance(what, Why):
        return Shown(one_weight(what))
    if isinstance(what, Trace):
        return Shown(whole(what))
    if hasattr(what, "document"):
        return Shown(what.document())
    message = f"show takes what tw.trace, tw.explain or t.gradient_of(1, 2, 3) made, not {shown(what)}"
    raise InputError(message)
