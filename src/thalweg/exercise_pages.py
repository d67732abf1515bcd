"""Exercises as documents: the problem with blanks to fill in, the worked solution, the marking grid; sheets of many.

A sheet names for each variant what makes it again. `writers` writes the documents as text, Markdown, LaTeX, a page or
a notebook; `moodle` makes a quiz of them.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from thalweg import trace_pages
from thalweg.arithmetic import Rounding, exactly
from thalweg.conventions import Conventions
from thalweg.descent_exercises import DescentExercise
from thalweg.document import (
    Blank,
    Block,
    Chain,
    Code,
    Display,
    Document,
    Heading,
    Paragraph,
    Picture,
    Piece,
    Pieces,
    Table,
    Walk,
)
from thalweg.equations import Partial
from thalweg.exercises import Exercise
from thalweg.expressions import Product, Symbol, number
from thalweg.pieces import plain
from thalweg.reckoning import Reckoning
from thalweg.trace_rules import fused, softmax_other_slope, softmax_own_slope
from thalweg.trace_steps import Step
from thalweg.worked_lines import Line


Posed = Exercise | DescentExercise
FEW = 3  # goals that are named one by one
WIDTH = 10  # of a blank
FUZZ = Fraction(1, 10**6)  # of a last digit: what floats add
BACKWARD = ("dE/dz", "dz/da", "g'", "delta", "dE/dW", "dE/db")


def problem(exercise: Posed) -> Document:
    """What is given, the drawing, the question, and a blank for every value asked, in the order of computation.

    >>> from thalweg import writers
    >>> from thalweg.exercises import exercise
    >>> text = writers.write(problem(exercise("output-weight", layers=[1, 1], bias=False, seed=7)), "text")
    >>> print(text[text.index("value  ") :], end="")
    value       what it is                                                   result
    ──────────  ───────────────────────────────────────────────────────  ──────────
    a₁⁽¹⁾       what enters unit 1 of layer 1                            __________
    z₁⁽¹⁾       what leaves unit 1 of layer 1                            __________
    ∂E/∂z₁⁽¹⁾   slope of the error by output 1                           __________
    g′(a₁⁽¹⁾)   slope of the activation at unit 1 of layer 1             __________
    δ₁⁽¹⁾       δ of unit 1 of layer 1                                   __________
    ∂E/∂W₁₁⁽¹⁾  gradient of the weight from unit 1 to unit 1 of layer 1  __________
    """
    return Document(exercise.title, tuple(_problem(exercise, _blanks)))


def solution(exercise: Posed) -> Document:
    """Every step with its formula and its numbers, and the network with all of them."""
    return Document(f"{exercise.title}: solution", (_label(exercise), *_solution(exercise)))


def grid(exercise: Posed) -> Document:
    """The marking grid: every value with the right number, what is accepted, and its points."""
    return Document(f"{exercise.title}: marking grid", (_label(exercise), _grid(exercise)))


def sheet(exercises: Sequence[Posed], title: str, *, code: bool = False) -> Document:
    """Problems one after the other; with `code`, each ends with Python that checks the answers, for a notebook."""
    return Document(title, tuple(_of_each(exercises, lambda one: _problem(one, _cells if code else _blanks))))


def solutions(exercises: Sequence[Posed], title: str) -> Document:
    """Worked solutions one after the other, each with its marking grid."""
    parts = _of_each(exercises, lambda one: [_label(one), *_solution(one), Heading("Marking"), _grid(one)])
    return Document(title, tuple(parts))


def accepted(exercise: Posed, step: Any) -> tuple[float, float]:
    """From which to which number an answer is right.

    Between them lie what a careful student can get: one who rounds every result as the sheet says, and one who carries
    all digits along and rounds what is written down.

    Args:
        exercise: of either kind.
        step: one of its steps.

    >>> from thalweg.exercises import exercise
    >>> one = exercise("output-weight", layers=[1, 1], bias=False, seed=7)
    >>> low, high = accepted(one, one.steps[1])
    >>> low < one.steps[1].result < high and high - low < 2e-4
    True
    """
    if isinstance(exercise, DescentExercise):
        value, margin = exercise.near(step)
    else:
        value, margin = Reckoning(exercise.trace, exercise.rounding, {}).near(step.key)
    unit = max(exercise.rounding.unit(value), exercise.rounding.unit(step.result))  # 1 in floats may be below it
    margin = max(margin, float(unit) / 2.0)
    return value - margin, value + margin


def tolerance(exercise: Posed, step: Any) -> Fraction:
    """By how much an answer may differ from the printed result: the least, in two digits, with all that is accepted.

    >>> from thalweg.descent_exercises import descent_exercise
    >>> one = descent_exercise("descent-1d", seed=7)
    >>> [(float(step.result), float(tolerance(one, step))) for step in one.steps[:3]]
    [(-5.125, 0.0005), (0.7813, 0.0001), (-4.523, 0.00076)]
    """
    off = max(abs(exactly(edge) - Fraction(step.result)) for edge in accepted(exercise, step))
    unit = Rounding(2).unit(off)
    return math.ceil(off / unit - FUZZ) * unit


def _of_each(exercises: Sequence[Posed], blocks: Callable[[Posed], Iterable[Block]]) -> Iterator[Block]:
    """The blocks of each exercise; of several, under a heading for each variant."""
    if len(exercises) == 1:
        yield from blocks(exercises[0])
        return
    alike = len({one.name for one in exercises}) == 1
    for place, one in enumerate(exercises):
        name = f"Variant {one.variant}" if alike else f"Variant {one.variant}: {one.title}"
        yield Heading(name, new_page=place > 0)
        for block in blocks(one):
            yield Heading(block.text, block.level + 1) if isinstance(block, Heading) else block


def _label(exercise: Posed) -> Paragraph:
    return Paragraph(exercise.label)


def _problem(exercise: Posed, fields: Callable[[Posed], list[Block]]) -> list[Block]:
    """The blocks of a problem, with fields for the answers."""
    given = exercise.given if isinstance(exercise, DescentExercise) else _given(exercise)
    return [_label(exercise), *given, Heading("Question"), Paragraph(_question(exercise)), *fields(exercise)]


def _blanks(exercise: Posed) -> list[Block]:
    rows = tuple((_symbol(step), step.words, Blank(WIDTH)) for step in exercise.steps)
    return [Table(("value", "what it is", "result"), rows)]


def _given(exercise: Exercise) -> list[Block]:
    """What a trace is of, and the drawing with the numbers that are given: the rest is to be found."""
    trace = exercise.trace
    drawn = trace_pages.picture(trace).drawing
    kinds = ("W", "b") if trace.has_totals else ("x", "W", "b")
    labels = {key: label for key, label in drawn.labels.items() if key[0] in kinds}
    goals = frozenset(element for key in exercise.goals for element in trace_pages.elements(trace[key]))
    few = goals if len(goals) <= FEW else frozenset()
    return [*_in_line(trace_pages.given(trace)), Picture(dataclasses.replace(drawn, labels=labels, lit=few))]


def _in_line(blocks: Iterable[Block]) -> Iterator[Block]:
    """Displays that follow each other as paragraphs of two: a problem is to fit on a page."""
    waiting: list[Piece] = []
    for block in blocks:
        if isinstance(block, Display):
            waiting += [", ", block.chain] if waiting else [block.chain]
        if waiting and (len(waiting) > 1 or not isinstance(block, Display)):
            yield Paragraph(tuple(waiting))
            waiting = []
        if not isinstance(block, Display):
            yield block


def _question(exercise: Posed) -> tuple[Piece, ...]:
    if isinstance(exercise, DescentExercise):
        return *exercise.question, f" Fill in every value, in this order. {_rounded(exercise)}"
    goals = [step for step in exercise.steps if step.key in exercise.goals]
    if len(goals) > FEW:
        asked: list[Piece] = ["Compute the gradient of every weight and bias by backpropagation"]
    else:
        asked = ["Take one step of gradient descent: compute " if goals[0].is_update else "Compute "]
        for place, step in enumerate(goals):
            words = step.words if step.words.startswith("the ") else f"the {step.words}"
            asked += [" and " if place else "", *_symbol(step), f", {words},"]
        asked.append(" by backpropagation")
    return *asked, f". Fill in every value on the way, in this order. {_rounded(exercise)}"


def _rounded(exercise: Posed) -> str:
    if isinstance(exercise, Exercise) and exercise.trace.arithmetic.kind == "fractions":
        return "Compute in exact fractions."
    return f"Round every result to {exercise.rounding}."


def _symbol(step: Step | Line) -> tuple[Piece, ...]:
    """The symbol; one of a weight after its update says that it is new."""
    return ("new ", step.symbol) if isinstance(step, Step) and step.is_update else (step.symbol,)


def _solution(exercise: Posed) -> list[Block]:
    if isinstance(exercise, DescentExercise):
        return list(exercise.work)
    trace, steps = exercise.trace, exercise.steps
    blocks: list[Block] = []
    for example in range(1, trace.n_examples + 1) if trace.has_totals else [None]:
        name = f", example {example}" if example else ""
        own = [step for step in steps if step.example == example and not step.is_update]
        forward = [step for step in own if step.kind not in BACKWARD]
        backward = [step for step in own if step.kind in BACKWARD]
        blocks += [Heading(f"Forward pass{name}"), _walk(exercise, example, forward)]
        if not trace.network.output.elementwise:
            blocks += _softmax(exercise, example)
        blocks += [Heading(f"Backward pass{name}"), _walk(exercise, example, backward)]
    totals = [step for step in steps if trace.has_totals and step.example is None and not step.is_update]
    updates = [step for step in steps if step.is_update]
    if totals:
        blocks += [Heading("All examples together"), *_displays(totals)]
    if updates:
        blocks += [Heading("The step of gradient descent"), *_displays(updates)]
    return blocks


def _walk(exercise: Exercise, example: int | None, steps: Sequence[Step]) -> Walk:
    return Walk(trace_pages.picture(exercise.trace, example), _displays(steps))


def _displays(steps: Iterable[Step]) -> tuple[Display, ...]:
    """Without anchors: a document of many variants has the same steps many times."""
    return tuple(dataclasses.replace(display, anchor="") for display in trace_pages.displays(steps))


def _softmax(exercise: Exercise, example: int | None) -> list[Block]:
    """The slopes of softmax as a matrix with its numbers, and what is left of them beside cross-entropy: ŷ − y."""
    trace = exercise.trace
    last, c = len(trace.network.layers), trace.conventions
    jacobian, delta = Partial(Symbol(c.after, (), last), Symbol(c.before, (), last)), Symbol(c.delta, (), last)
    chains = [Display(Chain(step.parts)) for step in trace.matrices(example) if step.symbol in (jacobian, delta)]
    if not fused(trace.network):
        return [Heading("The slopes of softmax"), *chains[:1]]
    z_j, z_k, y_k = (c.symbol(key) for key in (("z", last, "j"), ("z", last, "k"), ("y", "k")))
    words: tuple[Piece, ...] = (
        "Every output of softmax depends on everything that enters the layer: ",
        c.symbol(("dz/da", last, "k", "j")), " is ", softmax_own_slope(z_k), " for k = j and ",
        softmax_other_slope(z_k, z_j), " elsewhere. Cross-entropy has the slopes ",
        Chain((c.symbol(("dE/dz", last, "k")), Product(number(-1), (y_k,), (z_k,)))), ". In the product ",
        z_k, " cancels, and as the targets sum to 1, what is left is output minus target:",
    )  # fmt: skip
    return [Heading("Softmax with cross-entropy"), Paragraph(words), *chains]


def _grid(exercise: Posed) -> Table:
    rows: list[tuple[Pieces, ...]] = []
    for step in exercise.steps:
        off = "" if choices_of(step) else number(tolerance(exercise, step), decimal=True)
        rows.append((_symbol(step), step.words, step.shown, off, 1))
    rows.append(("", "all together", "", "", len(rows)))
    caption = "A number is right if it differs from this one by at most ±, which allows for rounding on the way."
    return Table(("value", "what it is", "right", "±", "points"), tuple(rows), caption)


def choices_of(step: Step | Line) -> tuple[str, ...]:
    """Of a value that is the number of a choice: the choices; empty for others."""
    return step.choices if isinstance(step, Line) else ()


def _cells(exercise: Posed) -> list[Block]:
    """Two cells of a notebook: the answers to fill in, and the check."""
    names = "".join(f"    {_python(step.name)}: None,  # {_noted(step)}\n" for step in exercise.steps)
    check = (
        f"given = {{name: value for name, value in answers.items() if value is not None}}\n"
        f"print({call_of(exercise)}.check(given))"
    )
    imports = "".join(f"{line}\n" for line in _imports(exercise))
    return [
        Paragraph("Write your results in the place of None, and run this cell and the next; blanks are left out."),
        Code(f"answers = {{\n{names}}}"),
        Code(f"{imports}\n{check}"),
    ]


def _noted(step: Step | Line) -> str:
    return f"{plain(_symbol(step))}: {step.words}"


def call_of(exercise: Posed) -> str:
    """The Python that makes an exercise again, where thalweg is imported as tw.

    >>> from thalweg.exercises import exercise
    >>> print(call_of(exercise("hidden-weight", layers=[2, 3, 1], seed=7, variant=2)))
    tw.exercise("hidden-weight", seed=7, variant=2, layers=[2, 3, 1])
    """
    name = "exercise" if isinstance(exercise, Exercise) else "descent_exercise"
    more = "".join(f", {option}={_python(value)}" for option, value in exercise.options.items())
    return f"tw.{name}({_python(exercise.name)}, seed={exercise.seed}, variant={exercise.variant}{more})"


def _python(value: Any) -> str:
    if isinstance(value, Conventions):
        return f"tw.Conventions(**{value.to_dict()!r})"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return f"tw.{value!r}" if isinstance(value, Rounding) else repr(value)


def _imports(exercise: Posed) -> list[str]:
    needs_fractions = any(isinstance(value, Fraction) for value in exercise.options.values())
    return [*(["from fractions import Fraction", ""] if needs_fractions else []), "import thalweg as tw", ""]
