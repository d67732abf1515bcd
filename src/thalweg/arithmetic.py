"""How numbers are computed and shown by hand: in floats, in fractions, or with every result rounded.

A formula is worked out by `evaluate` from the numbers of its symbols: fractions stay fractions as long as every
function on the way allows, then go on with 100 digits, so that 1 + erf(−6) is right in all that are printed, where
float64 has 9 left. An arithmetic settles the result:

FLOATS      float64, as the engines compute; `digits` says how many are shown
FRACTIONS   nothing is rounded, and what is no fraction is refused
Rounded     each result is rounded as it is printed, so that whoever multiplies what is on paper gets what is on paper
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

from thalweg.errors import InputError
from thalweg.expressions import MAX_FLOAT, PI, Call, Constant, Expression, Number, Power, Product, Sum, number
from thalweg.settings import check_choice


Value = float | Fraction
Found = Value | Decimal  # the last where a function led out of the fractions
EXACT_CALLS: dict[str, Callable[[Fraction], Fraction | None]] = {
    "abs": abs, "relu": lambda u: max(u, Fraction(0)), "sign": lambda u: Fraction((u > 0) - (u < 0)),
    "sigmoid": lambda u: None if u else Fraction(1, 2),
}  # fmt: skip
MANY_DIGITS = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
PI_DIGITS = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651"
)
MAX_DIGITS = 15
SMALL, LARGE, WIDE = 1e-12, 1e12, Context(prec=40)  # between the two a rounded number has at most 27 digits
MAX_BITS = 14_000  # of a numerator or denominator: beyond it a fraction is of no use, and Python does not print it
KINDS = ("floats", "fractions", "rounded")


INFINITE = Constant("inf", math.inf)


@dataclass(frozen=True)
class Rounding:
    """To so many significant digits, or to so many decimals; a tie goes away from 0, as at school.

    Of a large number with decimals 15 digits are kept in all, as more are not printed.

    Raises:
        InputError: the digits are not a whole number from 1 to 15 (decimals from 0).

    >>> Rounding(3)(Fraction(2, 3)), Rounding(2, decimals=True)(0.125), Rounding(2, decimals=True)(-0.125)
    (Fraction(667, 1000), Fraction(13, 100), Fraction(-13, 100))
    """

    digits: int  # how many, 1 to 15 (decimals from 0)
    decimals: bool = False  # whether they are counted from the point

    def __post_init__(self) -> None:
        least = 0 if self.decimals else 1
        whole = isinstance(self.digits, int) and not isinstance(self.digits, bool)
        if not (whole and least <= self.digits <= MAX_DIGITS):
            what = "decimals" if self.decimals else "significant digits"
            message = f"numbers are shown to {least} to {MAX_DIGITS} {what}, not {self.digits!r}"
            raise InputError(message)

    def __call__(self, value: Found) -> Fraction:
        """The value, rounded."""
        if isinstance(value, float | Decimal) and SMALL < abs(value) < LARGE:  # the same, eight times as fast
            decimal = Decimal(value)
            last = self._last(decimal.adjusted())
            return Fraction(decimal.quantize(Decimal((0, (1,), last)), ROUND_HALF_UP, WIDE))
        exact = Fraction(value)
        if not exact:
            return exact
        unit = self.unit(exact)
        size = abs(exact) / unit
        rounded = math.floor(size + Fraction(1, 2)) * unit
        return rounded if exact > 0 else -rounded

    def unit(self, value: Value) -> Fraction:
        """What one of the last digit shown is worth at a value of this size.

        >>> Rounding(3).unit(0.0123), Rounding(3, decimals=True).unit(0.0123)
        (Fraction(1, 10000), Fraction(1, 1000))
        """
        if not value:
            return Fraction(1, 10**self.digits)
        return Fraction(10) ** self._last(_exponent(abs(Fraction(value))))

    def _last(self, first: int) -> int:
        """The power of ten of the last digit that is shown, where this is that of the first."""
        return max(-self.digits, first - MAX_DIGITS + 1) if self.decimals else first - self.digits + 1

    def __str__(self) -> str:
        what = "decimal" if self.decimals else "significant digit"
        return f"{self.digits} {what}{'' if self.digits == 1 else 's'}"


def _exponent(value: Fraction) -> int:
    """The power of ten of the first digit."""
    estimate = len(str(value.numerator)) - len(str(value.denominator))
    return estimate if Fraction(10) ** estimate <= value else estimate - 1


@dataclass(frozen=True)
class Arithmetic:
    """One way to compute: `kind` is one of floats, fractions, rounded; `rounding` is for what is shown, or computed.

    >>> thirds = Arithmetic("rounded", Rounding(2)).settle(Fraction(1, 3)) * 3
    >>> thirds, Arithmetic("fractions").settle(Fraction(1, 3)) * 3
    (Fraction(99, 100), Fraction(1, 1))
    """

    kind: str = "floats"
    rounding: Rounding = Rounding(6)

    def __post_init__(self) -> None:
        check_choice(self.kind, KINDS, "arithmetic")

    @property
    def is_exact(self) -> bool:
        """Whether a printed number is the number itself."""
        return self.kind != "floats"

    def settle(self, value: Found, what: str = "this value") -> Value:
        """A result `value` as it is kept; `what` names it in messages.

        Raises:
            InputError: it is no fraction where fractions were asked for, or not finite.
        """
        if self.kind == "floats":
            return float(value)
        if not isinstance(value, Fraction):
            if not math.isfinite(value):
                message = f"{what} is {value}, which cannot be computed by hand; choose smaller numbers, or floats"
                raise InputError(message)
            if self.kind == "fractions":
                message = (
                    f"{what} is no fraction: its function leads out of the fractions, which identity, relu and "
                    f"leaky_relu keep; compute with rounded numbers or floats"
                )
                raise InputError(message)
        if self.kind == "rounded":
            return self.rounding(value)
        exact = Fraction(value)
        if max(exact.numerator.bit_length(), exact.denominator.bit_length()) > MAX_BITS:
            message = (
                f"{what} is a fraction of over {MAX_BITS * 3 // 10:,} digits; compute with rounded numbers or floats"
            )
            raise InputError(message)
        return exact

    def shown(self, value: Value) -> Expression:
        """The number `value` as it is printed.

        >>> str(Arithmetic("floats", Rounding(3)).shown(2 / 3)), str(Arithmetic("fractions").shown(Fraction(2, 3)))
        ('0.667', '2/3')
        """
        if self.kind == "floats":
            value = float(value)
            if not math.isfinite(value):
                return INFINITE if value > 0 else -INFINITE if value < 0 else Constant("nan", math.nan)
            rounded = self.rounding(value)  # upwards, perhaps, beyond the largest float
            return number(rounded if abs(rounded) <= MAX_FLOAT else value, decimal=True)
        return number(Fraction(value), decimal=self.kind == "rounded")

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types; `from_dict` makes it again."""
        return {"kind": self.kind, "digits": self.rounding.digits, "decimals": self.rounding.decimals}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Arithmetic:
        """What `to_dict` described: `plain` is its result."""
        return cls(plain["kind"], Rounding(plain["digits"], plain["decimals"]))


FLOATS = Arithmetic("floats")  # results are float64
# Computes with exact fractions: for the `arithmetic` of a trace; where a result is no fraction, InputError.
FRACTIONS: Arithmetic = Arithmetic("fractions")


def exactly(value: Any) -> Fraction:
    """A number as it was typed: 0.1 is a tenth.

    >>> exactly(0.1), exactly(Fraction(1, 3))
    (Fraction(1, 10), Fraction(1, 3))
    """
    return Fraction(value) if isinstance(value, int | Fraction) else Fraction(repr(float(value)))


def evaluate(expression: Expression, given: Mapping[Expression, Value]) -> Found:
    """The value of a formula where these parts of it have these values.

    It is a fraction while it can be one, else it has 100 digits; it is a float where a float is given.

    >>> from thalweg.parsing import parse
    >>> from thalweg.expressions import Symbol
    >>> evaluate(parse("x**2/3"), {Symbol("x"): Fraction(1, 2)}), evaluate(parse("exp(x)"), {Symbol("x"): Fraction(0)})
    (Fraction(1, 12), Fraction(1, 1))
    >>> e = parse("exp(x)")
    >>> evaluate(e, {Symbol("x"): 0.5}), str(evaluate(e, {Symbol("x"): Fraction(1, 2)}))[:30]
    (1.6487212707001282, '1.6487212707001281468486507878')
    """
    found: dict[Expression, Found] = dict(given)
    stack = [expression]
    while stack:
        node = stack[-1]
        missing = [] if node in found else [part for part in node.operands if part not in found]
        if missing:
            stack.extend(missing)  # what is given is never looked into: g′(a) may have a value where g has none
            continue
        stack.pop()
        if node not in found:
            found[node] = _value(node, [found[part] for part in node.operands])
    value = found[expression]
    # beyond floats there is nothing to print, and a fraction might have as many digits as there are atoms
    is_far = isinstance(value, Decimal) and not (value.is_finite() and -324 < value.adjusted() < 309)
    return float(value) if is_far else value


def _value(node: Expression, parts: list[Any]) -> Found:
    if isinstance(node, Number):
        return node.value
    if not parts:
        return PI_DIGITS if node == PI else node._leaf({})
    if any(isinstance(part, float) for part in parts):
        return _in_floats(node, [nearest_float(part) for part in parts])
    exact = _in_fractions(node, parts)
    return _in_digits(node, parts) if exact is None else exact


def _in_fractions(node: Expression, parts: list[Any]) -> Fraction | None:
    """The value if it is a fraction, and known to be one."""
    if isinstance(node, Product):
        above, below = parts[: len(node.over)], parts[len(node.over) :]
        if all(below) and any(part == 0 for part in above) and all(map(math.isfinite, parts)):
            return Fraction(0)  # whatever it is multiplied by
    if not all(isinstance(part, Fraction) for part in parts):
        return None
    if isinstance(node, Sum):
        return sum(parts, Fraction(0))
    if isinstance(node, Product):
        return node.coefficient.value * math.prod(above) / math.prod(below) if all(below) else None
    if isinstance(node, Power):
        whole = parts[1].denominator == 1 and (parts[0] or parts[1] >= 0)
        return parts[0] ** int(parts[1]) if whole else None
    assert isinstance(node, Call)
    known = node.function.exact.get(int(parts[0])) if parts[0].denominator == 1 else None
    if known is not None:
        return Fraction(known)
    return EXACT_CALLS[node.function.name](parts[0]) if node.function.name in EXACT_CALLS else None


def _in_digits(node: Expression, parts: list[Any]) -> Found:
    with localcontext(MANY_DIGITS):
        if isinstance(node, Call) and node.function.name not in DIGIT_CALLS:
            return _in_floats(node, [nearest_float(part) for part in parts])
        numbers = [_to_digits(part) for part in parts]
        if isinstance(node, Sum):
            return sum(numbers, Decimal(0))
        if isinstance(node, Product):
            above, below = numbers[: len(node.over)], numbers[len(node.over) :]
            return _to_digits(node.coefficient.value) * math.prod(above) / math.prod(below, start=Decimal(1))
        if isinstance(node, Power):
            return numbers[0] ** numbers[1]
        assert isinstance(node, Call)
        return DIGIT_CALLS[node.function.name](numbers[0])


def _to_digits(value: Fraction | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(value.numerator) / Decimal(value.denominator)


def _tanh(u: Decimal) -> Decimal:
    e = (-2 * abs(u)).exp()
    return ((1 - e) / (1 + e)).copy_sign(u)


def _erf(u: Decimal) -> Decimal:
    """2/√π e^(−u²) Σ 2ⁿ u²ⁿ⁺¹/(1·3·…·(2n + 1)): its terms have one sign, so that none takes digits from another."""
    if abs(u) > 16:
        return Decimal(1).copy_sign(u)  # to 100 digits
    term, total, odd = u, u, 1
    while abs(term) > abs(total) * Decimal("1e-101"):
        odd += 2
        term *= 2 * u * u / odd
        total += term
    return 2 / PI_DIGITS.sqrt() * (-u * u).exp() * total


DIGIT_CALLS: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": Decimal.exp, "log": Decimal.ln, "sqrt": Decimal.sqrt, "tanh": _tanh, "erf": _erf,
    "sigmoid": lambda u: 1 / (1 + (-u).exp()), "softplus": lambda u: max(u, Decimal(0)) + (1 + (-abs(u)).exp()).ln(),
    "abs": abs, "relu": lambda u: max(u, Decimal(0)), "sign": lambda u: Decimal((u > 0) - (u < 0)),
}  # fmt: skip


def _in_floats(node: Expression, parts: list[float]) -> float:
    """The value in floats, with what IEEE 754 says where there is no finite one."""
    try:
        return node._scalar(*parts)
    except (OverflowError, ZeroDivisionError, ValueError):
        import numpy as np

        with np.errstate(all="ignore"):
            return float(node._array(*map(np.float64, parts)))


def nearest_float(value: Any) -> float:
    """The number as a float: an infinity if it is beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
