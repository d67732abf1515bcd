"""What a printed formula comes to: worked out from its text in fractions and 150 digits, by nothing of Thalweg's."""

import ast
from fractions import Fraction
from typing import Any

import mpmath

from thalweg.arithmetic import Rounding


M = mpmath.MPContext()
M.dps = 150
LEAVING: dict[str, Any] = {
    "exp": M.exp, "log": M.log, "tanh": M.tanh, "erf": M.erf, "sqrt": M.sqrt,
    "sigmoid": lambda u: 1 / (1 + M.exp(-u)), "softplus": lambda u: M.log(1 + M.exp(u)),
}  # fmt: skip
STAYING: dict[str, Any] = {
    "abs": abs,
    "sign": lambda u: Fraction((u > 0) - (u < 0)),
    "relu": lambda u: max(u, Fraction(0)),
}
EXACTLY = {("exp", 0): 1, ("log", 1): 0, ("tanh", 0): 0, ("erf", 0): 0, ("sigmoid", 0): Fraction(1, 2)}


def of_text(text, point=None) -> Any:
    """What a formula in plain text comes to: a Fraction while it is one, else 150 digits."""
    return of_node(ast.parse(text, mode="eval").body, point or {})


def of_node(node: Any, point) -> Any:
    if isinstance(node, ast.Constant):
        return Fraction(repr(node.value))  # 0.1 is a tenth
    if isinstance(node, ast.Name):
        return +M.pi if node.id == "pi" else point[node.id]
    if isinstance(node, ast.UnaryOp):
        return -of_node(node.operand, point)
    if isinstance(node, ast.Call):
        name, u = node.func.id, of_node(node.args[0], point)  # pyright: ignore[reportAttributeAccessIssue]
        if name in STAYING:
            return STAYING[name](u)
        return Fraction(EXACTLY[name, u]) if (name, u) in EXACTLY else LEAVING[name](in_digits(u))
    left, right = of_node(node.left, point), of_node(node.right, point)
    if isinstance(node.op, ast.Pow):
        return left ** int(right)
    if isinstance(node.op, ast.Mult) and 0 in (left, right) or isinstance(node.op, ast.Div) and left == 0 != right:
        return Fraction(0)  # exactly, whatever the other is
    if not (isinstance(left, Fraction) and isinstance(right, Fraction)):
        left, right = in_digits(left), in_digits(right)
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    return left * right if isinstance(node.op, ast.Mult) else left / right


def in_digits(u):
    return M.mpf(u.numerator) / u.denominator if isinstance(u, Fraction) else u


def exact_of(u) -> Fraction:
    """The fraction that a number of 150 digits is."""
    if isinstance(u, Fraction):
        return u
    sign, mantissa, exponent, _ = u._mpf_
    return (-1) ** sign * Fraction(int(mantissa)) * Fraction(2) ** exponent


def as_at_school(u: Fraction, rounding: Rounding) -> Fraction:
    """Rounded half away from zero, digit by digit."""
    unit = Fraction(1, 10**rounding.digits)
    while rounding.decimals and abs(u) >= unit * 10**15:  # no more than 15 digits in all
        unit *= 10
    if u and not rounding.decimals:
        while abs(u) >= unit * 10**rounding.digits:
            unit *= 10
        while abs(u) < unit * 10 ** (rounding.digits - 1):
            unit /= 10
    whole, rest = divmod(abs(u), unit)
    return (whole + (2 * rest >= unit)) * unit * (1 if u > 0 else -1)
