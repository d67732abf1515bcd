"""How formulas are written: LaTeX by hand, and that a new notation is a new table."""

import dataclasses

import pytest

from thalweg.expressions import Symbol
from thalweg.notation import TEXT
from thalweg.parsing import parse


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x**2 + 3*sin(x)", r"x^{2} + 3 \sin\left(x\right)"),
        ("-x/3", r"-\frac{x}{3}"),
        ("2*x/(3*y)", r"\frac{2 x}{3 y}"),
        ("(x + 1)/(y - 1)", r"\frac{x + 1}{y - 1}"),
        ("2*(x + 1)/y", r"\frac{2 \left(x + 1\right)}{y}"),
        ("1/3", r"\frac{1}{3}"),
        ("-1/x**2", r"-\frac{1}{x^{2}}"),
        ("(x/y)**2", r"\left(\frac{x}{y}\right)^{2}"),
        ("(-2)**x", r"\left(-2\right)^{x}"),
        ("x**(-y)", r"x^{-y}"),
        ("x**(y + 1)", r"x^{y + 1}"),
        ("x**y**2", r"x^{y^{2}}"),
        ("(x**y)**z", r"\left(x^{y}\right)^{z}"),
        ("x**(1/3)", r"x^{\frac{1}{3}}"),
        ("2*3**x", r"2 \cdot 3^{x}"),
        ("0.5*x", "0.5 x"),
        ("1e300*x", "10^{300} x"),
        ("1.5e-7*x", r"1.5 \cdot 10^{-7} x"),
        ("sqrt(x + 1)", r"\sqrt{x + 1}"),
        ("abs(x)", r"\left|x\right|"),
        ("exp(-x**2)", r"\exp\left(-x^{2}\right)"),
        ("log(x) + log10(x)", r"\ln\left(x\right) + \log_{10}\left(x\right)"),
        ("sigmoid(x)", r"\sigma\left(x\right)"),
        ("pi*e", r"\pi e"),
        ("theta + x1 + x_2 + theta10", r"\theta + x_{1} + x_{2} + \theta_{10}"),
        ("rate_max + rate + Gamma", r"\mathrm{rate}_{\mathrm{max}} + \mathrm{rate} + \Gamma"),
        ("w_i_j*x_i", r"w_{\mathrm{i\_j}} x_{i}"),
        ("1 - (x - 2)", r"1 - \left(x - 2\right)"),
        ("-(x + y)", r"-\left(x + y\right)"),
        ("-5", "-5"),
        ("cos(-x)", r"\cos\left(-x\right)"),
    ],
)
def test_latex_by_hand(text, latex):
    assert parse(text).latex == latex
    assert parse(text)._repr_latex_() == rf"$\displaystyle {latex}$"


def test_names_that_were_not_typed():
    assert (
        Symbol("δ1").latex == "δ_{1}" and Symbol("_").latex == r"\mathrm{\_}" and Symbol("a b").latex == r"\mathrm{a b}"
    )


def test_a_notation_is_a_table():
    pretty = dataclasses.replace(TEXT, times="·", times_digit="·", minus=" − ", sign="−", power="%s^%s")
    assert parse("-2*x**2 - 3/y").written(pretty) == "−2·x^2 − 3/y"
