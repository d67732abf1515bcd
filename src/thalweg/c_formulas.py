"""Formulas in C: one row of `INSTRUCTIONS` for each instruction of `instructions`, an expression of C99."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np

from thalweg.c_words import WIDTH, number
from thalweg.formulas import Formula
from thalweg.instructions import Instructions


def formula_function(name: str, about: str, formula: Formula, T: type[np.floating]) -> str:
    """A function of C that puts the value of a formula in a in the place of each a.

    Args:
        name: the function's.
        about: stands in its comment.
        formula: whose only variable is a.
        T: NumPy's type of the numbers.
    """
    instructions = Instructions(("a",))
    result = instructions.formula(formula)
    names, lines = [], []
    for (kind, operands, value), place in instructions.places.items():
        if kind in ("input", "constant"):
            names.append("a" if kind == "input" else _literal(value, T))
            continue
        names.append(f"t{place}")
        lines.append(
            f"const @real t{place} = {INSTRUCTIONS[kind].format(*_four(operands, names), _literal(value, T))};"
        )
    body = "\n".join(f"        {line}" for line in [*lines, f"z[j] = {names[result]};"])
    comment = textwrap.fill(about, WIDTH, initial_indent="/* ", subsequent_indent="   ", break_on_hyphens=False)
    return f"""\
{comment} */
static void {name}(@real *z, size_t n)
{{
    for (size_t j = 0; j < n; j++) {{
        const @real a = z[j];
{body}
    }}
}}
"""


def _four(operands: tuple[int, ...], names: list[str]) -> list[str]:
    return [*(names[place] for place in operands), *[""] * (4 - len(operands))]


def _literal(value: float, T: type[np.floating]) -> str:
    """A number as an operand; what is too large for float is infinite, as it is to NumPy."""
    with np.errstate(over="ignore", under="ignore"):
        exact = T(value)
    text = ("-INFINITY" if exact < 0 else "INFINITY") if np.isinf(exact) else number(exact)
    return f"({text})" if text.startswith("-") else text


# {0} to {3} are the operands, names or numbers; {4} is the instruction's value. NAN where a formula has no value.
INSTRUCTIONS: Mapping[str, str] = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{1} == 0 ? NAN : {0} / {1}",
    "shift": "{0} + {4}",
    "scale": "{0} * {4}",
    "whole_power": "pow@f({0}, {4})",
    "power": "{0} == 0 && {1} < 0 ? NAN : pow@f({0}, {1})",
    "if_less": "{0} < {1} ? {2} : {3}",
    "if_less_equal": "{0} <= {1} ? {2} : {3}",
    "sin": "sin@f({0})",
    "cos": "cos@f({0})",
    "tan": "tan@f({0})",
    "asin": "asin@f({0})",
    "acos": "acos@f({0})",
    "atan": "atan@f({0})",
    "sinh": "sinh@f({0})",
    "cosh": "cosh@f({0})",
    "tanh": "tanh@f({0})",
    "exp": "exp@f({0})",
    "log": "{0} == 0 ? NAN : log@f({0})",
    "sqrt": "sqrt@f({0})",
    "abs": "fabs@f({0})",
    "sign": "{0} > 0 ? 1 : {0} < 0 ? -1 : {0}",
    "sigmoid": "({0} < 0 ? exp@f({0}) : 1) / (1 + exp@f(-fabs@f({0})))",
    "softplus": "fmax@f({0}, 0) + log1p@f(exp@f(-fabs@f({0})))",
    "erf": "erf@f({0})",
    "relu": "{0} < 0 ? 0 : {0}",
}
