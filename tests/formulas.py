"""Formulas for tests: random ones, and the same ones for SymPy, built node by node."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

from thalweg import InputError
from thalweg.elementary import FUNCTIONS
from thalweg.equations import Applied, Partial, SumOver
from thalweg.expressions import Call, Constant, Expression, Number, Power, Product, Sum, Symbol, call, number
from thalweg.nodes import postorder


EPS = 2.0**-52
NAMES = ("x", "y", "theta10")
SYMPY: dict[str, Any] = {
    name: getattr(sympy, name) for name in "sin cos tan asin acos atan sinh cosh tanh exp log sqrt sign erf".split()
} | {
    "abs": lambda u: sympy.sqrt(u**2),  # the derivative of its own Abs asks what complex numbers would do
    "log10": lambda u: sympy.log(u) / sympy.log(10),
    "log2": lambda u: sympy.log(u) / sympy.log(2),
    "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
    "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
    "relu": lambda u: sympy.Max(u, 0),
}


def to_sympy(e: Expression) -> Any:
    """Our tree as one of SymPy's, whose rules of derivation are not ours."""
    if isinstance(e, Number):
        return sympy.Rational(e.value.numerator, e.value.denominator)
    if isinstance(e, Constant):
        return {"pi": sympy.pi, "e": sympy.E}[e.name]
    if isinstance(e, Symbol):
        return sympy.Symbol(e.name, real=True)
    if isinstance(e, Sum):
        return sympy.Add(*map(to_sympy, e.terms))
    if isinstance(e, Product):
        return to_sympy(e.coefficient) * sympy.Mul(*map(to_sympy, e.over)) / sympy.Mul(*map(to_sympy, e.under))
    if isinstance(e, Power):
        return sympy.Pow(to_sympy(e.base), to_sympy(e.exponent))
    assert isinstance(e, Call), e
    return SYMPY[e.function.name](to_sympy(e.argument))


def sympy_value(e: Any, point: dict[str, float]) -> float:
    """SymPy's value with 30 digits, of the same floats; nan where it is not a real number."""
    # put in only where it is evaluated: rational numbers put in before would be simplified, which may take for ever
    value = e.evalf(30, subs={sympy.Symbol(name, real=True): value for name, value in point.items()}, maxn=200)
    return float(value) if value.is_Number and value.is_finite else math.nan


def attempt(make: Any, *parts: Any) -> Expression:
    """What `make` makes of them, or where that is refused (division by 0, a number out of range) the first of them."""
    try:
        return make(*parts)
    except InputError:
        return parts[0]


NUMBERS = st.one_of(
    st.integers(-7, 7).map(number),
    st.sampled_from([0.1, 0.5, -2.5, 1.25, 3e-5, 700.0]).map(number),
    st.tuples(st.integers(-7, 7), st.integers(1, 7)).map(lambda pair: number(Fraction(*pair))),
)
SYMBOLS = st.sampled_from(NAMES).map(Symbol)
LEAVES = st.one_of(SYMBOLS, SYMBOLS, SYMBOLS, NUMBERS)
EXPONENTS = st.sampled_from([2, 3, -1, -2, 0.5, -1.5, Fraction(1, 3)]).map(number)


STEPS: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
} | {name: lambda a, b, name=name: call(name, a) for name in FUNCTIONS}


INDICES = st.one_of(st.integers(0, 12), st.sampled_from("ijkb"))
INDEXED = st.builds(
    Symbol,
    st.sampled_from(["W", "a", "delta", "rate", "x1"]),
    st.lists(INDICES, max_size=3).map(tuple),
    st.one_of(st.none(), st.integers(0, 12), st.sampled_from(["l", "l-1", "L", "Q"])),
)
WRITTEN_ONLY: dict[str, Any] = {
    "g": lambda a, b: Applied("g", a),
    "g''": lambda a, b: Applied("sigma", a, primes=2),
    "Σ": lambda a, b: SumOver("k", a),
    "∂": lambda a, b: a * Partial(Symbol("E"), Symbol("W", (1, "j"), 2)),
    "numbers": lambda a, b: a.with_numbers({"x": -0.5, "y": 1.5e-7, b: 3}),
}


@st.composite
def expressions(draw: st.DrawFn, leaves: Any = LEAVES, steps: dict[str, Any] = STEPS) -> Expression:
    """A few leaves, and steps from what there is to something new, which also meets itself again."""
    parts = [*draw(st.lists(leaves, max_size=4)), draw(SYMBOLS)]
    for _ in range(draw(st.integers(1, 9))):
        step = steps[draw(st.sampled_from(["+", "-", "*", "/", "**", *steps]))]
        exponent = step is STEPS["**"] and draw(st.booleans())
        b = draw(EXPONENTS) if exponent else draw(st.sampled_from(parts))
        parts.append(attempt(step, parts[-1], b))
    return parts[-1]


# Texts in a, mostly with a value everywhere; with if and else too.
PIECES = st.recursive(
    st.sampled_from(["a", "0.45", "1/3", "2", "pi", "0.7"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*"]), inner),
        st.builds("({})/(1 + ({})**2)".format, inner, inner),
        st.builds(
            "{}({})".format, st.sampled_from(["tanh", "sigmoid", "softplus", "erf", "abs", "relu", "cosh"]), inner
        ),
        st.builds("sqrt(1 + ({})**2)".format, inner),
        st.builds("log(1 + abs({}))".format, inner),
        st.builds("(1 + abs({}))**0.3".format, inner),
        st.builds("tanh({})**3".format, inner),
    ),
    max_leaves=12,
)
CONDITIONS = st.builds("{} {} {}".format, PIECES, st.sampled_from(["<", "<=", ">", ">="]), PIECES)
FORMULAS = PIECES | st.builds("{} if {} else {}".format, PIECES, CONDITIONS, PIECES)

# Every function and kind of part, with places where there is no value.
EVERY_KIND = (
    *(f"{name}(a)" for name in FUNCTIONS),
    "a - 3", "3 - a", "a/3 - pi*a", "-a - 2*a**3 - 1", "5*a/(2 + a**2)/7", "a**7", "abs(a)**2.5", "a**1.5", "a**a",
    "abs(a)**(-0.5)", "a**(-2)", "(1 + a**2)**(-1.5)", "2**(a/9)", "1/a", "exp(1/a)", "tanh(1/a)", "tanh(log(a))",
    "sign(log(a)) + relu(log(a))", "log(sigmoid(a))", "log(softplus(a))", "sinh(a)/a", "a*sigmoid(1.7*a)",
    "a if a > 0 else 0.1*a", "a if a < 0 else 2*a if a <= 1/2 else 3*a if 2 >= a else -a if a > 4 else 7",
    "1 if a > 0 else -1", "a**2*1.00000001", "sqrt(a) if a > 0 else log(1 - a)",
)  # fmt: skip


def scaled_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference where there is a value, in units of the value or of 1."""
    known = np.isfinite(expected)
    found, expected = found[known].astype(np.float64), expected[known].astype(np.float64)
    return float((np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max(initial=0.0))


EXPRESSIONS = expressions()
WRITTEN = expressions(st.one_of(LEAVES, INDEXED), STEPS | WRITTEN_ONLY)  # of everything that can be written
# Off the kinks: no variable is 0 or equal to another.
POINTS = st.fixed_dictionaries(
    {
        name: st.integers(-3000, 3000).map(lambda value, place=place: value / 1000 + 0.00013 * (place + 1))
        for place, name in enumerate(NAMES)
    }
)


def value_and_error(e: Expression, point: dict[str, float]) -> tuple[float, float] | None:
    """The value in floats and how far rounding may have carried it; None where it is undefined, large, or near that.

    The error of a node is what the errors of its parts do to it, tried out one by one, and a rounding of its own.
    """
    found: dict[Expression, tuple[float, float]] = {}
    for node in postorder([e]):
        parts = [found[part] for part in node.operands]
        inputs = [value for value, _ in parts]
        try:
            value = node._scalar(*inputs) if parts else node._leaf(point)
            error = 4.0 * EPS * abs(value) + 1e-300
            for place, (part, off) in enumerate(parts):
                moved = [[*inputs[:place], part + side * off, *inputs[place + 1 :]] for side in (-1.0, 1.0)]
                error += max(abs(node._scalar(*one) - value) for one in moved)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        if not max(abs(value), error) < 1e8:  # nan too
            return None
        found[node] = value, error
    return found[e]
