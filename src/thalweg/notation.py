"""How formulas are written: one `Notation` each, a table of marks that knows no tree.

An expression hands its parts over bottom up, each as a `Written`: text without its sign, the sign, and how tightly it
holds together. A notation decides what to put between parts and where brackets are needed. To add one, for the page or
for MathML, is to add a table.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction


class Level(enum.IntEnum):
    """How tightly a written part holds together: a part of a lower level needs brackets where a higher one is due."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


@dataclass(frozen=True)
class Written:
    """A part already written: its text without the sign, which stands apart so that a sum can join by it."""

    text: str
    level: Level
    negative: bool = False


@dataclass(frozen=True)
class Notation:
    """The marks of one way to write formulas; in a mark, %s is a part."""

    plus: str
    minus: str
    sign: str
    times: str
    times_digit: str  # where a digit follows, which a space would not keep apart
    group: str
    quotient: str
    power: str
    holds: bool  # a quotient and an exponent hold their parts together without brackets
    digits: Callable[[Fraction], tuple[str, Level]]  # of a positive whole or decimal number
    symbol: Callable[[str], str]

    def number(self, value: Fraction, decimal: bool) -> Written:
        """A number: 3, 0.1, or 1/3."""
        if decimal or value.denominator == 1:
            text, level = self.digits(abs(value))
            return Written(text, level, value < 0)
        parts = tuple(self.digits(Fraction(part))[0] for part in (abs(value.numerator), value.denominator))
        return Written(self.quotient % parts, Level.PRODUCT, value < 0)

    def name(self, name: str) -> Written:
        """A variable or a constant."""
        return Written(self.symbol(name), Level.ATOM)

    def call(self, mark: str, argument: Written) -> Written:
        """A function, whose own mark says where the argument stands."""
        return Written(mark % self.signed(argument), Level.ATOM)

    def sum(self, terms: Sequence[Written]) -> Written:
        """Terms joined by their signs."""
        text = self.signed(terms[0]) + "".join(
            (self.minus if term.negative else self.plus) + term.text for term in terms[1:]
        )
        return Written(text, Level.SUM)

    def product(
        self, coefficient: Fraction, decimal: bool, over: Sequence[Written], under: Sequence[Written]
    ) -> Written:
        """Factors over factors; a coefficient such as 2/3 puts its 2 above and its 3 below."""
        size = abs(coefficient)
        top, bottom = (size, Fraction(1)) if decimal else (Fraction(size.numerator), Fraction(size.denominator))
        above = [*self._factor(top), *over] or [Written("1", Level.ATOM)]
        below = [*self._factor(bottom), *under]
        if not below:
            return Written(self._row(above, held=False), Level.PRODUCT, coefficient < 0)
        lower = self._row(below, held=self.holds)
        if len(below) > 1 and not self.holds:
            lower = self.group % lower
        return Written(self.quotient % (self._row(above, self.holds), lower), Level.PRODUCT, coefficient < 0)

    def raised(self, base: Written, exponent: Written) -> Written:
        """A base to an exponent."""
        upper = self.signed(exponent) if self.holds else self._at_least(Level.POWER, exponent)
        return Written(self.power % (self._at_least(Level.ATOM, base), upper), Level.POWER)

    def _factor(self, value: Fraction) -> list[Written]:
        return [] if value == 1 else [self.number(value, decimal=True)]

    def _row(self, factors: Sequence[Written], held: bool) -> str:
        if held and len(factors) == 1:
            return self.signed(factors[0])
        # a product below a fraction stroke never stands bare beside another factor, so a factor needs a power's level
        texts = [self._at_least(Level.POWER, factor) for factor in factors]
        joined = texts[0]
        for text in texts[1:]:
            joined += (self.times_digit if text[0].isdigit() else self.times) + text
        return joined

    def signed(self, part: Written) -> str:
        """The text of a part that stands by itself, with its sign."""
        return self.sign + part.text if part.negative else part.text

    def _at_least(self, level: Level, part: Written) -> str:
        return self.group % self.signed(part) if part.negative or part.level < level else part.text


GREEK = frozenset(
    """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi
    omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega""".split()
)


def _plain_digits(value: Fraction) -> tuple[str, Level]:
    text = str(value.numerator) if value.denominator == 1 and value < 10**15 else repr(float(value))
    return text.removesuffix(".0"), Level.ATOM


def _latex_digits(value: Fraction) -> tuple[str, Level]:
    mantissa, e, exponent = _plain_digits(value)[0].partition("e")
    if not e:
        return mantissa, Level.ATOM
    power = f"10^{{{int(exponent)}}}"
    return (power if mantissa == "1" else rf"{mantissa} \cdot {power}"), Level.POWER


def _latex_symbol(name: str) -> str:
    """theta → \\theta, x1 and x_1 → x_{1}, rate_max → \\mathrm{rate}_{\\mathrm{max}}."""
    parts = re.fullmatch(r"([^\W\d_]+)_?(\w*)", name)
    head, index = parts.groups() if parts else (name, "")
    head = "\\" + head if head in GREEK else _upright(head)
    return f"{head}_{{{index if index.isdigit() else _upright(index)}}}" if index else head


def _upright(word: str) -> str:
    return word if len(word) == 1 and word != "_" else rf"\mathrm{{{word}}}".replace("_", r"\_")


TEXT = Notation(
    plus=" + ", minus=" - ", sign="-", times="*", times_digit="*", group="(%s)", quotient="%s/%s", power="%s**%s",
    holds=False, digits=_plain_digits, symbol=str,
)  # fmt: skip
LATEX = Notation(
    plus=" + ", minus=" - ", sign="-", times=" ", times_digit=r" \cdot ", group=r"\left(%s\right)",
    quotient=r"\frac{%s}{%s}", power="%s^{%s}", holds=True, digits=_latex_digits, symbol=_latex_symbol,
)  # fmt: skip
