"""From the text of a formula to an `Expression`: a scanner and a parser by recursive descent; nothing is ever run.

sum      = product { ("+" | "-") product }
product  = signed { ("*" | "/") signed }
signed   = { "+" | "-" } power
power    = atom [ ("**" | "^") signed ]
atom     = number | name | function "(" sum ")" | "(" sum ")"

What is refused is refused with a sentence and, below it, the formula with a caret under the place. Lengths and depths
are bounded, so that no text can take long or reach the end of Python's stack.
"""

from __future__ import annotations

import difflib
import keyword
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from thalweg.elementary import FUNCTIONS
from thalweg.errors import FormulaError, InputError
from thalweg.expressions import (
    MAX_FLOAT,
    MIN_FLOAT,
    MINUS_ONE,
    PI,
    E,
    Expression,
    Symbol,
    add,
    call,
    number,
    power,
    quotient,
)


MAX_LENGTH = 2_000  # characters
MAX_NESTING = 50  # brackets, calls, signs and powers within each other
WINDOW = 60  # characters of a long formula that a message shows
WORD = 40  # characters of a long name that a message shows

SIGNS = {"**": "**", "^": "**", "*": "*", "·": "*", "⋅": "*", "×": "*", "/": "/", "+": "+", "-": "-", "−": "-",
         "(": "(", ")": ")", ",": ","}  # fmt: skip
CONSTANTS = {"pi": PI, "π": PI, "e": E}
ALIASES = {"ln": "log"}

TOKEN = re.compile(
    r"(?P<space>[ \t\r\n\u00a0]+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*|π)"
    r"|(?P<sign>//|\*\*|[-+*/^(),·⋅×−])"
)

# What people write elsewhere: the mark, what it is, what to do instead.
FOREIGN = {
    "[]": "a formula has no square brackets: write x0 or x_0 for a numbered variable, and ( ) to group",
    "{}": "a formula has no curly brackets: write ( ) to group",
    "'\"`‘’“”": "a formula has no quoted text: write the names of variables without quotes",
    "<>≤≥≠": "a formula does not compare: write the expression alone",
    "!": "a formula has no ! sign: it neither compares nor has factorials",
    "=": "a formula has no = sign: write the right-hand side alone, x**2 and not y = x**2",
    ".": "a formula has no attributes: a point stands only inside a number, as in 0.5",
    "%": "a formula has no % sign: write /100 for a share in per cent",
    "|": "a formula has no | sign: write abs(x)",
    "√": "write sqrt( ) for a root",
    "÷:": "write / to divide",
    "_": "the name of a variable begins with a letter, and a number has no _ in it",
    "²": "write **2 for a square",
    "³": "write **3 for a cube",
    "∞": "a formula has finite numbers only",
}


@dataclass(frozen=True)
class Token:
    """A piece of the text, and where it begins; `kind` is number, name, end, or the sign itself."""

    kind: str
    text: str
    place: int


def parse(text: str) -> Expression:
    """The expression that a formula says: numbers, variables, pi, e, + - * / ** ^ ( ) and functions of one argument.

    The functions are those of `elementary.FUNCTIONS`, and ln for log. ** binds tighter than a sign before it and to the
    right: -x**2 is -(x**2), x**2**3 is x**8.

    Raises:
        InputError: the text is no such formula, is too long or too deep, or has a number out of range.

    >>> parse("(1 - x)**2 + 100*(y - x**2)**2").derivative("x")
    parse('-2*(1 - x) - 400*x*(y - x**2)')
    """
    if not isinstance(text, str):
        message = f'a formula is text such as "x**2 + 3*sin(x)", not {type(text).__name__}'
        raise InputError(message)
    if len(text) > MAX_LENGTH:
        refuse(text, MAX_LENGTH, f"a formula has at most {MAX_LENGTH:,} characters, and this one {len(text):,}")
    return _Parser(text).whole()


def refuse(text: str, place: int, sentence: str) -> NoReturn:
    """Raise the FormulaError of this sentence, with the part of the text around the place and a caret under it."""
    first = max(0, min(place - WINDOW // 2, len(text) - WINDOW))
    shown = text[first : first + WINDOW]
    before, after = "…" if first else "", "…" if first + WINDOW < len(text) else ""
    line = before + "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in shown) + after
    message = f"at character {place + 1}: {sentence}\n  {line}\n  {' ' * (len(before) + place - first)}^"
    raise FormulaError(message)


def _scan(text: str) -> list[Token]:
    tokens = []
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            refuse(text, place, _foreign(text[place]))
        kind, found = str(match.lastgroup), match.group()
        if found == "//":
            refuse(text, place, "a formula has no // sign: write / to divide")
        if kind != "space":
            tokens.append(Token(SIGNS[found] if kind == "sign" else kind, found, place))
        place = match.end()
    return [*tokens, Token("end", "", len(text))]


def _foreign(character: str) -> str:
    for marks, sentence in FOREIGN.items():
        if character in marks:
            return sentence
    name = unicodedata.name(character, "").lower()
    if name.startswith("greek small letter "):
        return f"the names of variables are of the letters a to z: write {name.split()[3]} for {character}"
    shown = character if character.isprintable() else ascii(character)
    return f"{shown} has no meaning in a formula: use letters a to z, digits, + - * / ** ( ) and the functions"


class _Parser:
    """One walk over the tokens; every method leaves `at` behind what it has read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _scan(text)
        self.at = 0
        self.nesting = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def refuse(self, token: Token, sentence: str) -> NoReturn:
        refuse(self.text, token.place, sentence)

    def build(self, token: Token, make: Callable[..., Expression], *parts: Any) -> Expression:
        try:
            return make(*parts)
        except InputError as error:
            self.refuse(token, str(error))

    def whole(self) -> Expression:
        if self.token.kind == "end":
            self.refuse(Token("end", "", 0), "the formula is empty: write one such as x**2 + 3*sin(x)")
        expression = self.sum()
        token = self.token
        if token.kind == ")":
            self.refuse(token, "this ) closes nothing: take it away, or open a ( before it")
        if token.kind == ",":
            self.refuse(token, "a formula is one expression, and functions have one argument: a , has no place in it")
        return expression

    def sum(self) -> Expression:
        terms = [self.product()]
        place = self.token
        while self.token.kind in ("+", "-"):
            sign = self.next()
            term = self.product()
            terms.append(term if sign.kind == "+" else self.build(sign, quotient, (MINUS_ONE, term)))
        return self.build(place, add, *terms) if len(terms) > 1 else terms[0]

    def product(self) -> Expression:
        over, under = [self.signed()], []
        place = self.token
        while self.token.kind in ("*", "/"):
            sign = self.next()
            factor = self.signed()
            if sign.kind == "*":
                over.append(factor)
            else:
                self.build(sign, quotient, (), (factor,))  # a 0 is refused here, where it stands
                under.append(factor)
        expression = self.build(place, quotient, over, under) if len(over) + len(under) > 1 else over[0]
        token = self.token
        if token.kind in ("number", "name", "("):
            self.refuse(token, self._missing(self.tokens[self.at - 1], token))
        return expression

    def signed(self) -> Expression:
        token = self.token
        if token.kind not in ("+", "-"):
            return self.power()
        self.next()
        self._deeper(token)
        operand = self.signed()
        self.nesting -= 1
        return operand if token.kind == "+" else self.build(token, quotient, (MINUS_ONE, operand))

    def power(self) -> Expression:
        base = self.atom()
        token = self.token
        if token.kind != "**":
            return base
        self.next()
        self._deeper(token)
        exponent = self.signed()
        self.nesting -= 1
        return self.build(token, power, base, exponent)

    def atom(self) -> Expression:
        token = self.next()
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            return self._name(token)
        if token.kind == "(":
            return self._bracketed(token, "")
        self.at -= 1
        if token.kind == "end":
            self.refuse(token, "the formula ends where a number, a variable or a ( should follow")
        self.refuse(token, f"a number, a variable or a ( should stand before this {token.text}")

    def _bracketed(self, opening: Token, function: str) -> Expression:
        """What stands between brackets, those of a call or, where `function` is empty, plain ones."""
        self._deeper(opening)
        if self.token.kind == ")":
            what = f"{function} has one argument: write it" if function else "these brackets are empty: write something"
            self.refuse(self.token, f"{what} before this )")
        expression = self.sum()
        if self.token.kind == "end":
            self.refuse(opening, "this ( is never closed: write the ) that belongs to it")
        if self.token.kind == ",":
            what = f"{function} has one argument" if function else "a formula has no list in brackets"
            self.refuse(self.token, f"{what}: take the , away, and write decimals with a point, as in 0.5")
        self.next()
        self.nesting -= 1
        return expression

    def _number(self, token: Token) -> Expression:
        value = float(token.text)  # before the exact value, which may have a billion digits
        if value == 0.0:
            if token.text.lower().partition("e")[0].strip("0."):
                self.refuse(token, f"this number is too close to 0: at least {MIN_FLOAT} is possible")
            return number(0)
        if value == float("inf"):
            self.refuse(token, f"this number is too large: at most {MAX_FLOAT} is possible")
        whole = token.text.isdigit()
        return self.build(token, number, Fraction(token.text), not whole)

    def _name(self, token: Token) -> Expression:
        name = token.text
        function = ALIASES.get(name, name)
        if self.token.kind == "(":
            if function in FUNCTIONS:
                return self.build(token, call, function, self._bracketed(self.next(), name))
            self.refuse(token, self._no_function(name))
        if name in CONSTANTS:
            return CONSTANTS[name]
        if function in FUNCTIONS:
            self.refuse(token, f"{name} is a function: write its argument in brackets, {name}(x)")
        if keyword.iskeyword(name):
            self.refuse(token, _reserved(name))
        return Symbol(name)

    def _no_function(self, name: str) -> str:
        near = difflib.get_close_matches(name[:WORD].lower(), [*FUNCTIONS, *ALIASES], n=1)
        asked = f"; did you mean {near[0]}?" if near else f": to multiply, write {_short(name)}*( )."
        return f"there is no function '{_short(name)}'{asked} The functions are {', '.join([*FUNCTIONS, *ALIASES])}"

    def _missing(self, left: Token, right: Token) -> str:
        if keyword.iskeyword(right.text):
            return _reserved(right.text)
        if left.kind == "number" and right.kind == "number":
            return f"a sign is missing between {_short(left.text)} and {_short(right.text)}: write *, or one number"
        before = "( )" if left.kind == ")" else _short(left.text)
        after = "( )" if right.kind == "(" else _short(right.text)
        return f"a sign is missing here: to multiply, write {before}*{after}"

    def _deeper(self, token: Token) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.refuse(token, f"more than {MAX_NESTING} brackets, signs and powers are nested here: write it flatter")


def _reserved(word: str) -> str:
    return f"{word} is a word of the Python language: a formula has no such words, and a variable another name"


def _short(word: str) -> str:
    return word if len(word) <= WORD else word[: WORD - 1] + "…"
