"""Gradient descent worked out by hand: the lines of a walk, and those that tell for which learning rates it converges.

Every line has the formulas that known slips would follow instead, by the sentence that is said of them.
"""

from __future__ import annotations

from thalweg.equations import Applied, Partial
from thalweg.expressions import Expression, Symbol, call, number, power
from thalweg.trace_rules import plus, times, times_minus
from thalweg.worked_lines import Lines


BOUND_WORDS = "the bound: the walk converges for every learning rate between 0 and it"
CASES = ("creeps", "oscillates", "diverges")
BECAUSE = (
    "q lies between 0 and 1: the walk stays on its side of the minimum and comes closer; it creeps.",
    "q lies between −1 and 0: the walk changes sides at each step and comes closer; it oscillates.",
    "q lies below −1: the walk changes sides at each step and goes farther away; it diverges.",
)

F, X, Y = Symbol("f"), Symbol("x"), Symbol("y")
RATE, MOMENTUM, FACTOR, CASE = Symbol("eta"), Symbol("mu"), Symbol("q"), Symbol("case")
LIMIT, BEST = Symbol("eta", ("max",)), Symbol("eta", ("best",))
SMALLEST, STEEPEST = Symbol("lambda", ("min",)), Symbol("lambda", ("max",))

UPHILL = "the step goes uphill: the gradient is subtracted, not added"
RATE_FORGOTTEN = "the learning rate is missing"
OLD_POINT = "the slope is that at the point before; it is needed at the new one"
VALUE = "this is f itself, not its slope"
MOMENTUM_FORGOTTEN = "the momentum is missing: the old velocity, times μ"
MOVED = "one coordinate has moved already where the slope is taken; both move together"
MIXED_FORGOTTEN = "the term with x·y is left out"
EXPONENT_FORGOTTEN = "the 2 that comes down from the square is missing"
HALF_LIMIT = "the bound is 2 over the largest curvature, not 1"
FASTEST_OF_ONE = "this is fastest for the largest curvature alone"
BOUND = "this is the bound, beyond which the walk diverges"
SWAPPED = "the smallest and the largest curvature are swapped"
REVERSED = "the sign is reversed: q is 1 − η times the curvature"
CURVATURE_FORGOTTEN = "the curvature is missing: q is 1 − η times the curvature"


def walk(f: Expression, lines: Lines, steps: int = 3) -> Lines:
    """f′(x₀), x₁, f′(x₁), …; with momentum the velocity between the two."""
    slope = f.derivative("x")
    for k in range(steps):
        old, new = Symbol("x", (k,)), Symbol("x", (k + 1,))
        here = Applied("f", old, primes=1)
        slips = {VALUE: f.with_numbers({X: old})}
        if k:
            slips[OLD_POINT] = slope.with_numbers({X: Symbol("x", (k - 1,))})
        lines = lines.and_line(here, f"the slope of f {_when(k)}", slope.with_numbers({X: old}), slips)
        if MOMENTUM in lines.known:
            lines = _heavy(lines, k, here)
            formula, slips = plus(old, Symbol("v", (k + 1,))), {}
        else:
            formula, slips = _downhill(old, here)
        lines = lines.and_line(new, f"x {_when(k + 1)}", formula, slips)
    return lines


def _downhill(start: Expression, slope: Expression) -> tuple[Expression, dict[str, Expression]]:
    """start − η · slope, and what else is made of it."""
    step = times(RATE, slope)
    slips = {UPHILL: plus(start, step), RATE_FORGOTTEN: plus(start, times_minus(slope))}
    return plus(start, times_minus(step)), slips


def _heavy(lines: Lines, k: int, slope: Expression) -> Lines:
    """The velocity of a step: that of the step before times μ, less η times the slope."""
    formula, slips = _downhill(times(MOMENTUM, Symbol("v", (k,))), slope)
    if k:
        slips[MOMENTUM_FORGOTTEN] = times_minus(times(RATE, slope))
    return lines.and_line(Symbol("v", (k + 1,)), f"the velocity of step {k + 1}", formula, slips)


def _when(k: int) -> str:
    return f"after {k} step{'' if k == 1 else 's'}" if k else "at the start"


def walk_2d(f: Expression, lines: Lines, steps: int = 2) -> Lines:
    """∂f/∂x and ∂f/∂y at a point, then both coordinates of the next."""
    bare = plus(*[term for term in f.operands if term.symbols != {"x", "y"}])
    for k in range(steps):
        at, new, before = ({x: Symbol(x.name, (n,)) for x in (X, Y)} for n in (k, k + 1, max(k - 1, 0)))
        slopes = {x: Partial(F, at[x]) for x in (X, Y)}
        for x in (X, Y):
            slips = {MIXED_FORGOTTEN: bare.derivative(x.name).with_numbers(at)}
            if x == Y:
                slips[MOVED] = f.derivative(x.name).with_numbers({X: new[X], Y: at[Y]})
            if k:
                slips[OLD_POINT] = f.derivative(x.name).with_numbers(before)
            words = f"the slope of f along {x} {_when(k)}"
            lines = lines.and_line(slopes[x], words, f.derivative(x.name).with_numbers(at), slips)
        for x in (X, Y):
            lines = lines.and_line(new[x], f"{x} {_when(k + 1)}", *_downhill(at[x], slopes[x]))
    return lines


def _regime(lines: Lines, curvature: Expression) -> Lines:
    """q = 1 − η λ, and by it how the walk goes."""
    slips = {
        REVERSED: plus(times(RATE, curvature), number(-1)),
        CURVATURE_FORGOTTEN: plus(number(1), times_minus(RATE)),
    }
    words = "what a step with η multiplies the distance to the minimum by"
    if curvature == STEEPEST:
        words += ", where the curvature is largest"
    lines = lines.and_line(FACTOR, words, plus(number(1), times_minus(times(RATE, curvature))), slips)
    # 1, 2 or 3 by the signs of q and q + 1, so that it can be worked out from a student's own q
    signs = plus(call("sign", FACTOR), call("sign", plus(FACTOR, number(1))))
    choices = ", ".join(f"{place} it {case}" for place, case in enumerate(CASES, 1))
    return lines.and_line(CASE, f"how the walk with η goes: {choices}", 2 - signs / 2, choices=CASES, because=BECAUSE)


def convergence(f: Expression, lines: Lines) -> Lines:
    """f″, the bound 2/f″, the fastest rate 1/f″, and how the walk with a given rate goes."""
    bend = f.derivative("x").derivative("x")
    curvature = Applied("f", X, primes=2)
    lines = lines.and_line(curvature, "the curvature of f, the same everywhere", bend, {EXPONENT_FORGOTTEN: bend / 2})
    half, one = 2 / curvature, 1 / curvature
    lines = lines.and_line(LIMIT, BOUND_WORDS, half, {HALF_LIMIT: one})
    lines = lines.and_line(BEST, "the fastest learning rate", one, {BOUND: half})
    return _regime(lines, curvature)


def convergence_2d(f: Expression, lines: Lines) -> Lines:
    """The second derivatives, their eigenvalues, the bound 2/λ_max, the fastest rate, and how a given one goes."""
    h = {pair: Symbol("h", pair) for pair in ((1, 1), (1, 2), (2, 2))}
    names = {1: X, 2: Y}
    for (i, j), symbol in h.items():
        bend = f.derivative(names[i].name).derivative(names[j].name)
        words = f"the second derivative of f by {names[i]}{f' and {names[j]}' if i != j else ', twice'}"
        lines = lines.and_line(symbol, words, bend, {EXPONENT_FORGOTTEN: bend / 2} if i == j else {})
    middle, half = (h[1, 1] + h[2, 2]) / 2, (h[1, 1] - h[2, 2]) / 2
    root = call("sqrt", plus(power(half, number(2)), power(h[1, 2], number(2))))
    bare = call("abs", half)
    above, below = plus(middle, root), plus(middle, times_minus(root))
    lines = lines.and_line(
        STEEPEST, "the largest curvature", above, {SWAPPED: below, MIXED_FORGOTTEN: plus(middle, bare)}
    )
    lines = lines.and_line(
        SMALLEST, "the smallest curvature", below, {SWAPPED: above, MIXED_FORGOTTEN: plus(middle, times_minus(bare))}
    )
    lines = lines.and_line(LIMIT, BOUND_WORDS, 2 / STEEPEST, {HALF_LIMIT: 1 / STEEPEST, SWAPPED: 2 / SMALLEST})
    fastest = 2 / (SMALLEST + STEEPEST)
    lines = lines.and_line(
        BEST, "the fastest single learning rate", fastest, {FASTEST_OF_ONE: 1 / STEEPEST, BOUND: 2 / STEEPEST}
    )
    return _regime(lines, STEEPEST)
