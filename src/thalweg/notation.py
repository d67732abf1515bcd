"""How formulas are written: one `Notation` each, a table of marks that knows no tree.

An expression hands its parts over bottom up, each as a `Written`: text without its sign, the sign, and how tightly it
holds together. A notation decides what to put between parts and where brackets are needed. There are TEXT, which
`parse` reads again, UNICODE for the screen, LATEX, and MATHML for a page. To add one is to add a table.
"""

from __future__ import annotations

import enum
import html
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
    digit: bool = False  # it begins with one


@dataclass(frozen=True)
class Mark:
    """What is written around a part, %s; how tight this must be to need no brackets; how tight the whole is."""

    text: str
    inner: Level = Level.SUM
    level: Level = Level.ATOM


Index = int | str  # a number or a letter
Head = tuple[str, Level]


@dataclass(frozen=True)
class Notation:
    """The marks of one way to write formulas; in a mark, %s is a part."""

    plus: str
    minus: str
    sign: str
    times: str
    times_digit: str  # where a digit follows, which a space would not keep apart
    equals: str
    about: str
    becomes: str
    group: str
    quotient: str
    holds: bool  # a quotient holds its parts together without brackets
    power: Callable[[str, str], str]  # of a base and an exponent, both as they stand there
    exponent: Level  # what an exponent must reach to need no brackets
    call: str  # of a function and its argument
    prime: str
    partial: str
    total: Callable[[str], Mark]  # Σ over this index
    function: Callable[[str, str], Mark]  # a row of `elementary.FUNCTIONS`: its name, and its mark for LaTeX
    digits: Callable[[Fraction], Head]  # of a positive whole or decimal number
    symbol: Callable[[str, Sequence[Index], Index | None], Head]  # a name, its indices and its layer
    matrix: Callable[[Sequence[Sequence[str]]], str]  # of rows, held together by its own brackets
    transposed: Mark
    row: str = "%s"  # holds together what has several pieces
    whole: str = "%s"  # goes around a formula, once

    def number(self, value: Fraction, decimal: bool) -> Written:
        """A number: 3, 0.1, or 1/3."""
        if decimal or value.denominator == 1:
            text, level = self.digits(abs(value))
            return Written(text, level, value < 0, digit=True)
        parts = tuple(self.digits(Fraction(part))[0] for part in (abs(value.numerator), value.denominator))
        return Written(self.quotient % parts, Level.PRODUCT, value < 0)

    def name(self, name: str, indices: Sequence[Index] = (), layer: Index | None = None) -> Written:
        """A variable or a constant."""
        return Written(*self.symbol(name, indices, layer))

    def marked(self, mark: Mark, part: Written) -> Written:
        """A part in its mark, as the argument of a function."""
        return Written(mark.text % self._at_least(mark.inner, part), mark.level)

    def applied(self, name: str, primes: int, argument: Written) -> Written:
        """g(a), g′(a): a function that is a name only."""
        head = self.symbol(name, (), None)[0]
        for _ in range(primes):
            head = self.prime % head
        return self.marked(Mark(self.call % (head, "%s")), argument)

    def rate(self, of: Written, by: Written) -> Written:
        """∂ of / ∂ by."""
        text = self.quotient % (self.partial % of.text, self.partial % by.text)
        return Written(text, Level.POWER if self.holds else Level.PRODUCT)

    def signs(self, parts: int, about: bool = False, becomes: bool = False) -> list[str]:
        """What stands between so many parts that are equal: the last is only about, the first becomes the second."""
        signs = [self.equals] * (parts - 1)
        if about:
            signs[-1] = self.about
        if becomes:
            signs[0] = self.becomes
        return signs

    def chain(self, parts: Sequence[Written], about: bool = False, becomes: bool = False) -> str:
        """Parts that are equal, one after the other."""
        signs = ["", *self.signs(len(parts), about, becomes)]
        text = "".join(sign + self.signed(part) for sign, part in zip(signs, parts, strict=True))
        return self.whole % (self.row % text)

    def sum(self, terms: Sequence[Written]) -> Written:
        """Terms joined by their signs."""
        text = self.signed(terms[0]) + "".join(
            (self.minus if term.negative else self.plus) + term.text for term in terms[1:]
        )
        return Written(self.row % text, Level.SUM)

    def product(
        self, coefficient: Fraction, decimal: bool, over: Sequence[Written], under: Sequence[Written]
    ) -> Written:
        """Factors over factors; a coefficient such as 2/3 puts its 2 above and its 3 below."""
        size = abs(coefficient)
        top, bottom = (size, Fraction(1)) if decimal else (Fraction(size.numerator), Fraction(size.denominator))
        above = [*self._factor(top), *over] or [self.number(Fraction(1), decimal=False)]
        below = [*self._factor(bottom), *under]
        if not below:
            return Written(self._row(above, held=False), Level.PRODUCT, coefficient < 0)
        lower = self._row(below, held=self.holds)
        if len(below) > 1 and not self.holds:
            lower = self.group % lower
        return Written(self.quotient % (self._row(above, self.holds), lower), Level.PRODUCT, coefficient < 0)

    def raised(self, base: Written, exponent: Written) -> Written:
        """A base to an exponent."""
        lower = self._at_least(Level.ATOM, base)
        bare = lower == base.text
        return Written(
            self.power(lower, self._at_least(self.exponent, exponent)), Level.POWER, digit=bare and base.digit
        )

    def _factor(self, value: Fraction) -> list[Written]:
        return [] if value == 1 else [self.number(value, decimal=True)]

    def _row(self, factors: Sequence[Written], held: bool) -> str:
        if held and len(factors) == 1:
            return self.signed(factors[0])
        # a product below a fraction stroke never stands bare beside another factor, so a factor needs a power's level
        texts = [self._at_least(Level.POWER, factor) for factor in factors]
        joined = texts[0]
        for factor, text in zip(factors[1:], texts[1:], strict=True):
            joined += (self.times_digit if factor.digit else self.times) + text  # (−2) too: 3(−2) looks like a call
        return self.row % joined if len(texts) > 1 else joined

    def signed(self, part: Written) -> str:
        """The text of a part that stands by itself, with its sign."""
        return self.row % (self.sign + part.text) if part.negative else part.text

    def _at_least(self, level: Level, part: Written) -> str:
        own = Level.SUM if part.negative else part.level
        return self.group % self.signed(part) if own < level else self.signed(part)


GREEK: dict[str, str] = dict(
    zip(
        """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi
        omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega""".split(),
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ",
        strict=True,
    )
)
HEADS = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "log": "ln", "sigmoid": "sigma"}  # where not the name


def _parts(name: str, indices: Sequence[Index]) -> tuple[str, list[str]]:
    """The head of a name and its indices: x1 and x_1 are x with the index 1, rate_max is rate with the index max."""
    parts = re.fullmatch(r"([^\W\d_]+)_?(\w*)", name)
    head, index = parts.groups() if parts else (name, "")
    return head, [*filter(None, [index]), *map(str, indices)]


def _comma(words: Sequence[str]) -> str:
    """12 is 1 and 2; with a word of several characters among them, commas keep them apart: 10,2."""
    return "," if any(len(word) > 1 for word in words) else ""


def spelled(name: str, indices: Sequence[Index] = (), layer: Index | None = None) -> str:
    """The spelling of a name, which tells it from every other.

    >>> spelled("x"), spelled("x", (3,)), spelled("W", ("i", "j"), 1), spelled("delta", (), "l+1")
    ('x', 'x[3]', 'W[1][i,j]', 'delta[l+1][:]')
    """
    inside = ",".join(map(str, indices))
    if layer is None:
        return f"{name}[{inside}]" if inside else name
    return f"{name}[{layer}][{inside or ':'}]"


def _plain_digits(value: Fraction) -> Head:
    text = str(value.numerator) if value.denominator == 1 and value < 10**15 else repr(float(value))
    return text.removesuffix(".0"), Level.ATOM


def _scientific(value: Fraction, mark: str, power: Callable[[int], str], level: Level = Level.POWER) -> Head:
    """3, 0.1, a power of ten, or digits times a power of ten in this mark, which is as tight as `level`."""
    mantissa, e, exponent = _plain_digits(value)[0].partition("e")
    if not e:
        return mantissa, Level.ATOM
    ten = power(int(exponent))
    return (ten, Level.POWER) if mantissa == "1" else (mark % (mantissa, ten), level)


def _layered(layer: Index | None) -> Level:
    return Level.ATOM if layer is None else Level.POWER  # what stands above it already leaves no room for an exponent


# LaTeX


def _latex_symbol(name: str, indices: Sequence[Index], layer: Index | None) -> Head:
    """theta → \\theta, x1 and x_1 → x_{1}, rate_max → \\mathrm{rate}_{\\mathrm{max}}."""
    head, words = _parts(name, indices)
    text = "\\" + head if head in GREEK else _latex_word(head)
    if words:
        text += f"_{{{_comma(words).join(map(_latex_word, words))}}}"
    if layer is not None:
        text += "^{(" + re.sub(r"\bl\b", r"\\ell", str(layer)) + ")}"
    return text, _layered(layer)


def _latex_matrix(rows: Sequence[Sequence[str]]) -> str:
    return r"\begin{pmatrix} " + r" \cr ".join(map(" & ".join, rows)) + r" \end{pmatrix}"


def _latex_word(word: str) -> str:
    single = word.isdigit() or (len(word) == 1 and word != "_")
    return word if single else rf"\mathrm{{{word}}}".replace("_", r"\_")


# Unicode

SUPERSCRIPTS = str.maketrans("0123456789+−-()abcdefghijklmnoprstuvwxyzL", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴸ")
SUBSCRIPTS = str.maketrans("0123456789aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
RAISED = re.compile("−?([0-9]+|[a-pr-z])( [+−] ([0-9]+|[a-pr-z]))*")  # an exponent that superscripts can write


def _unicode_symbol(name: str, indices: Sequence[Index], layer: Index | None) -> Head:
    """theta → θ, x1 → x₁, rate_max → rateₘₐₓ, x_b → x_b: there is no b among the subscripts."""
    head, words = _parts(name, indices)
    text = GREEK.get(head, head) + _unicode_below(words)
    if layer is not None:
        above = f"({layer})"
        known = all(ord(character) in SUPERSCRIPTS for character in above)
        text += above.translate(SUPERSCRIPTS) if known else "^" + above
    return text, _layered(layer)


def _unicode_below(words: Sequence[str]) -> str:
    comma = _comma(words) if len(words) > 1 else ""
    text = comma.join(words)
    if all(character == "," or ord(character) in SUBSCRIPTS for character in text):
        return text.translate(SUBSCRIPTS)
    return f"_({text})" if comma else f"_{text}"


def _unicode_power(base: str, exponent: str) -> str:
    if RAISED.fullmatch(exponent):
        return base + exponent.replace(" ", "").translate(SUPERSCRIPTS)
    return f"{base}^({exponent})"


def _unicode_digits(value: Fraction) -> Head:
    return _scientific(value, "%s·%s", lambda exponent: "10" + str(exponent).translate(SUPERSCRIPTS), Level.PRODUCT)


UNICODE_MARKS: dict[str, Mark] = {"sqrt": Mark("√%s", Level.ATOM, Level.POWER), "abs": Mark("|%s|")}


def _unicode_function(name: str, latex: str) -> Mark:
    return UNICODE_MARKS.get(name) or Mark(_unicode_symbol(HEADS.get(name, name), (), None)[0] + "(%s)")


# MathML


def _mathml_word(word: str) -> str:
    tag = "mn" if word.isdigit() else "mi"
    return f"<{tag}>{html.escape(word)}</{tag}>"


def _mathml_symbol(name: str, indices: Sequence[Index], layer: Index | None) -> Head:
    head, words = _parts(name, indices)
    text = _mathml_word(GREEK.get(head, head))
    below = (f"<mo>{comma}</mo>" if (comma := _comma(words)) else "").join(map(_mathml_word, words))
    if len(words) > 1:
        below = f"<mrow>{below}</mrow>"
    if layer is None:
        return f"<msub>{text}{below}</msub>" if words else text, Level.ATOM
    inside = re.sub(r"[0-9]+|[A-Za-z]+", lambda word: _mathml_word("ℓ" if word[0] == "l" else word[0]), str(layer))
    inside = re.sub(r"(?<=>)[+-](?=<)", lambda sign: f"<mo>{sign[0].replace('-', '−')}</mo>", inside)
    above = f"<mrow><mo>(</mo>{inside}<mo>)</mo></mrow>"
    return (f"<msubsup>{text}{below}{above}</msubsup>" if words else f"<msup>{text}{above}</msup>"), _layered(layer)


def _mathml_matrix(rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
    return f"<mrow><mo>(</mo><mtable>{cells}</mtable><mo>)</mo></mrow>"


def _mathml_digits(value: Fraction) -> Head:
    def power(exponent: int) -> str:
        size = f"<mn>{abs(exponent)}</mn>"
        return f"<msup><mn>10</mn>{size if exponent > 0 else f'<mrow><mo>−</mo>{size}</mrow>'}</msup>"

    text, level = _scientific(value, "<mrow><mn>%s</mn><mo>·</mo>%s</mrow>", power)
    return f"<mn>{text}</mn>" if level is Level.ATOM else text, level


MATHML_CALL = "<mrow>%s<mo>&#x2061;</mo><mrow><mo>(</mo>%s<mo>)</mo></mrow></mrow>"  # 2061: is applied to
MATHML_MARKS: dict[str, Mark] = {"sqrt": Mark("<msqrt>%s</msqrt>"), "abs": Mark("<mrow><mo>|</mo>%s<mo>|</mo></mrow>")}


def _mathml_function(name: str, latex: str) -> Mark:
    head = _mathml_symbol(HEADS.get(name, name), (), None)[0]
    return MATHML_MARKS.get(name) or Mark(MATHML_CALL % (head, "%s"))


TEXT = Notation(
    plus=" + ", minus=" - ", sign="-", times="*", times_digit="*", equals=" = ", about=" ~ ", group="(%s)",
    quotient="%s/%s", holds=False, power="{}**{}".format, exponent=Level.POWER, call="%s(%s)", prime="%s'",
    partial="d%s", total=lambda index: Mark(f"sum[{index}](%s)"), function=lambda name, latex: Mark(name + "(%s)"),
    becomes=" := ", digits=_plain_digits, symbol=lambda *parts: (spelled(*parts), Level.ATOM),
    matrix=lambda rows: "[" + ", ".join(f"[{', '.join(row)}]" for row in rows) + "]",
    transposed=Mark("%s.T", Level.ATOM),
)  # fmt: skip
UNICODE = Notation(
    plus=" + ", minus=" − ", sign="−", times="·", times_digit="·", equals=" = ", about=" ≈ ", group="(%s)",
    quotient="%s/%s", holds=False, power=_unicode_power, exponent=Level.SUM, call="%s(%s)", prime="%s′", partial="∂%s",
    total=lambda index: Mark(f"Σ{_unicode_below([index])} %s", Level.PRODUCT, Level.PRODUCT),
    becomes=" := ", function=_unicode_function, digits=_unicode_digits, symbol=_unicode_symbol,
    matrix=lambda rows: "[" + "; ".join(map(" ".join, rows)) + "]", transposed=Mark("%sᵀ", Level.ATOM, Level.POWER),
)  # fmt: skip
LATEX = Notation(
    plus=" + ", minus=" - ", sign="-", times=" ", times_digit=r" \cdot ", equals=" = ", about=r" \approx ",
    group=r"\left(%s\right)", quotient=r"\frac{%s}{%s}", holds=True, power="{}^{{{}}}".format, exponent=Level.SUM,
    call=r"%s\left(%s\right)", prime="%s'", partial=r"\partial %s",
    total=lambda index: Mark(rf"\sum_{{{_latex_word(index)}}} %s", Level.PRODUCT, Level.PRODUCT),
    becomes=" := ", function=lambda name, latex: Mark(latex),
    digits=lambda value: _scientific(value, r"%s \cdot %s", "10^{{{}}}".format), symbol=_latex_symbol,
    matrix=_latex_matrix, transposed=Mark("%s^{T}", Level.ATOM, Level.POWER),
)  # fmt: skip
MATHML = Notation(
    plus="<mo>+</mo>", minus="<mo>−</mo>", sign="<mo>−</mo>", times="<mo>&#x2062;</mo>",  # 2062: times, not shown
    times_digit="<mo>·</mo>", equals="<mo>=</mo>", about="<mo>≈</mo>", group="<mrow><mo>(</mo>%s<mo>)</mo></mrow>",
    quotient="<mfrac>%s%s</mfrac>", holds=True, power="<msup>{}{}</msup>".format, exponent=Level.SUM, call=MATHML_CALL,
    becomes="<mo>:=</mo>", prime="<msup>%s<mo>′</mo></msup>", partial="<mrow><mo>∂</mo>%s</mrow>",
    total=lambda index: Mark(
        f"<mrow><munder><mo>∑</mo>{_mathml_word(index)}</munder>%s</mrow>", Level.PRODUCT, Level.PRODUCT
    ),
    function=_mathml_function, digits=_mathml_digits, symbol=_mathml_symbol,
    matrix=_mathml_matrix, transposed=Mark("<msup>%s<mi>T</mi></msup>", Level.ATOM, Level.POWER), row="<mrow>%s</mrow>",
    whole='<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">%s</math>',
)  # fmt: skip
