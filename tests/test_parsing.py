"""From text to expressions: what is read, what is refused and where, and that no text does anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.closures import compiled
from thalweg.elementary import FUNCTIONS
from thalweg.expressions import Expression, Number, Symbol, Undefined, call
from thalweg.parsing import MAX_LENGTH, MAX_NESTING, WINDOW, parse


x, y = Symbol("x"), Symbol("y")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2*3", 7),
        ("(1 + 2)*3", 9),
        ("2 - 3 - 4", -5),
        ("16/4/2", 2),
        ("2**3**2", 512),
        ("2^3^2", 512),
        ("-2**2", -4),
        ("(-2)**2", 4),
        ("2**-1", 0.5),
        ("2**-2**2", 1 / 16),
        ("2*-3", -6),
        ("2--3", 5),
        ("+2", 2),
        ("-+-2", 2),
        ("--2", 2),
        (".5 + 5. + 0.25", 5.75),
        ("1e3 + 1.5E-1 + 2e+1", 1020.15),
        ("0e999999999 + 0.0e-5", 0),
        ("7−2·3×1⋅1", 1),
        (" 1\t+\n 1 ", 2),
        ("6/2*3", 9),
    ],
)
def test_numbers_and_how_tightly_signs_bind(text, value):
    e = parse(text)
    assert isinstance(e, Number) and float(e.value) == value


def test_names_constants_and_functions():
    assert parse("x") == x and parse("theta_1a").variables == ("theta_1a",)
    assert parse("E + Pi").variables == ("E", "Pi") and parse("e + pi + π").variables == ()
    assert parse("sinx + exp1").variables == ("exp1", "sinx")
    assert parse("ln(x)") == parse("log(x)") == call("log", x)
    for name in FUNCTIONS:
        assert parse(f"{name} (x*y)") == call(name, x * y)


def test_a_long_number_is_the_nearest_float():
    assert parse("0." + "3" * 1990 + "*x")(1.0) == float("0." + "3" * 20)
    assert parse("9" * 300)() == float("9" * 300)


REFUSED = [  # text, where the caret stands, what is said
    ("", 0, "the formula is empty: write one such as"),
    (" \n ", 0, "the formula is empty"),
    ("sinus(x)", 0, "there is no function 'sinus'; did you mean sin? The functions are sin, cos,"),
    ("1 + arcsin(x)", 4, "did you mean asin?"),
    ("Sin(x)", 0, "did you mean sin?"),
    ("x(3)", 0, "there is no function 'x': to multiply, write x*( )"),
    ("2*pi(x)", 2, "no function 'pi'"),
    ("__import__('os')", 0, "the name of a variable begins with a letter"),
    ("x.real", 1, "no attributes"),
    ("0.1.x", 3, "no attributes"),
    ("x[0]", 1, "no square brackets: write x0 or x_0"),
    ("{x}", 0, "no curly brackets"),
    ("'x'", 0, "no quoted text"),
    ('x + "y"', 4, "no quoted text"),
    ("x < 3", 2, "does not compare"),
    ("x != 3", 2, "a formula has no ! sign"),
    ("x == 3", 2, "no = sign: write the right-hand side alone"),
    ("y = x**2", 2, "no = sign"),
    ("x := 3", 2, "write / to divide"),
    ("lambda", 0, "lambda is a word of the Python language"),
    ("x if y else z", 2, "if is a word of the Python language"),
    ("None", 0, "None is a word"),
    ("2x", 1, "to multiply, write 2*x"),
    ("x y", 2, "to multiply, write x*y"),
    ("2(x)", 1, "to multiply, write 2*( )"),
    ("(x)(y)", 3, "to multiply, write ( )*( )"),
    ("(x)2", 3, "to multiply, write ( )*2"),
    ("sin(x)cos(x)", 6, "to multiply, write ( )*cos"),
    ("10 000", 3, "between 10 and 000"),
    ("1.2.3", 3, "between 1.2 and .3"),
    ("1_000", 1, "a number has no _ in it"),
    ("0x10", 1, "write 0*x10"),
    ("1j", 1, "write 1*j"),
    ("sin x", 0, "sin is a function: write its argument in brackets, sin(x)"),
    ("2*ln", 2, "ln is a function"),
    ("(x", 0, "this ( is never closed"),
    ("2*(x + (y)", 2, "this ( is never closed"),
    ("sin(x", 3, "this ( is never closed"),
    ("x)", 1, "this ) closes nothing"),
    ("()", 1, "these brackets are empty"),
    ("log()", 4, "log has one argument: write it before this )"),
    ("log(x, 2)", 5, "log has one argument: take the , away"),
    ("(x, y)", 2, "no list in brackets"),
    ("3,5", 1, "a formula is one expression"),
    ("x +", 3, "the formula ends where a number"),
    ("x**", 3, "the formula ends where"),
    ("-", 1, "the formula ends where"),
    ("* x", 0, "should stand before this *"),
    ("x***2", 3, "should stand before this *"),
    ("x + / y", 4, "should stand before this /"),
    ("1/0", 1, "what is divided by is 0"),
    ("x + 1/(y - y)", 5, "what is divided by is 0"),
    ("0**-1", 1, "what is divided by is 0"),
    ("1e999", 0, "this number is too large: at most 1.7976931348623157e+308"),
    ("x + 1e-999", 4, "this number is too close to 0: at least 5e-324"),
    ("x + 1e308*10", 9, "too large"),
    ("1e-200*1e-200*x", 6, "too close to 0"),
    ("x**(10**10)", 1, "the exponent 10000000000 is too large: a constant exponent is at most 1,000"),
    ("x**-1001", 1, "the exponent -1001 is too large"),
    ("9**9**9**9", 4, "the exponent 387420489 is too large"),
    ("10**400", 2, "10 to the 400 is out of range"),
    ("2 + (x**500)**500", 12, "the exponent 250000 is too large"),
    ("x²", 1, "write **2"),
    ("√x", 0, "write sqrt( )"),
    ("|x|", 0, "write abs(x)"),
    ("10%", 2, "write /100"),
    ("a//b", 1, "no // sign"),
    ("2*θ", 2, "write theta for θ"),
    ("naïve", 2, "ï has no meaning"),
    ("x & y", 2, "& has no meaning"),
    ("x\0", 1, r"'\x00' has no meaning"),
    ("\ud800", 0, r"'\ud800' has no meaning"),
    ("１", 0, "１ has no meaning"),
    ("-" * 51 + "x", 50, "more than 50 brackets, signs and powers"),
    ("(" * 60, 50, "more than 50"),
    ("(" * 51 + "x" + ")" * 51, 50, "more than 50"),
    ("sin(" * 51 + "x" + ")" * 51, 203, "more than 50"),
    ("**".join("x" * 52), 151, "more than 50"),
    ("x" * (MAX_LENGTH + 1), MAX_LENGTH, "at most 2,000 characters, and this one 2,001"),
    ("x + " * 2500 + "x", MAX_LENGTH, "and this one 10,001"),
    ("q" * 97 + "(x)", 0, "there is no function 'qqq"),
    ("x" + " + x" * 41 + " + $ + " + "x + " * 41 + "x", 168, "$ has no meaning"),
]


@pytest.mark.parametrize(("text", "place", "said"), REFUSED, ids=[ascii(text)[:30] for text, _, _ in REFUSED])
def test_what_is_no_formula_is_refused_with_a_sentence_and_the_place(text, place, said):
    with pytest.raises(tw.InputError) as caught:
        parse(text)
    sentence, line, caret = str(caught.value).split("\n")
    assert sentence.startswith(f"at character {place + 1}: ") and said in sentence and len(sentence) < 300
    assert len(line) <= WINDOW + 4 and line.startswith("  ") and set(caret) <= {" ", "^"}
    at = len(caret) - 1
    if place < len(text):
        assert line[at] in (text[place], "�") or text[place].isspace()
    else:
        assert at == len(line)
    if len(text) <= WINDOW and text.isprintable():
        assert line == "  " + text and at == 2 + place


@pytest.mark.parametrize("given", [None, 3, b"x", ["x"], object(), float])
def test_what_is_no_text_is_refused(given):
    with pytest.raises(tw.InputError, match=f"not {type(given).__name__}$"):
        parse(given)


def test_the_limits_are_reached_but_not_passed():
    assert parse("(" * MAX_NESTING + "x" + ")" * MAX_NESTING) == x
    assert parse("-" * MAX_NESTING + "x") == x
    assert parse("**".join("x" * (MAX_NESTING + 1))).depth == MAX_NESTING + 1
    assert parse(("x + " * 499 + "x").ljust(MAX_LENGTH)) == 500 * x


def tried(text: str) -> None:
    """Reads the text, and what was read goes through everything that an expression can do."""
    try:
        e = parse(text)
    except tw.InputError as error:
        if text:
            assert len(str(error).split("\n")) == 3
        return
    assert isinstance(e, Expression) and e.size <= 2 * MAX_LENGTH and e.depth <= 4 * MAX_NESTING
    assert parse(str(e)) == e and e.latex and e._repr_latex_()
    values = [0.75 + place for place in range(len(e.variables))]
    for expressions in [[e], *[[e, slope(e, name)] for name in e.variables]]:
        try:
            assert all(type(value) is float for value in compiled(expressions, e.variables)(values))
        except Undefined as error:
            assert " is not defined" in str(error)
    assert e.on_grid(**dict(zip(e.variables, values, strict=True))).shape == ()


def slope(e: Expression, name: str) -> Expression:
    try:
        return e.derivative(name)
    except tw.InputError:
        return e


PIECES = [
    *"0129.xye()+-*/^, ",
    "**",
    "1e9",
    "1e-300",
    "e30",
    "θ",
    "π",
    "−",
    "x1",
    "pi",
    "if",
    *(f"{f}(" for f in FUNCTIONS),
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_pieces_of_formulas_are_read_or_refused(text):
    tried(text)


@given(st.one_of(st.text(), st.text(st.characters()), st.text("x1.e+-*/^()[]'\"=<>!_ \n\\{}%$#@&|~`;:?,", max_size=40)))
def test_any_text_is_read_or_refused(text):
    tried(text)


@given(st.recursive(st.sampled_from(["x", "y", "2", "0.5", "x1"]), lambda part: st.one_of(
    st.builds("({} {} {})".format, part, st.sampled_from(["+", "-", "*", "/", "**"]), part),
    st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), part),
    st.builds("-{}".format, part),
), max_leaves=60))  # fmt: skip
def test_whole_formulas_are_read_or_refused(text):
    tried(text)
