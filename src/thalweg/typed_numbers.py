"""A number as a person types it: a decimal, a fraction, with a point or a comma. It is kept exactly, within bounds."""

from __future__ import annotations

import numbers
import re
import unicodedata
from fractions import Fraction
from typing import Any

from thalweg.errors import InputError, shown


MAX_DIGITS = 30  # above and below the fraction line
MAX_LENGTH = 100  # characters of a number or a name

_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_DECIMAL = r"(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?"
_NUMBER = re.compile(rf"[+-]?(?:[{_VULGAR}]|({_DECIMAL})(?:\s*/\s*({_DECIMAL}))?)")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")


def typed_number(given: Any, place: str) -> Fraction:
    """The fraction that a person means: 3, 0.1, "-2", "1e-3", "1/3", "0,5" (decimal comma), "−1/2", "½".

    Args:
        given: a whole number, a fraction, a float (which means its shortest decimal), or a text.
        place: where it was typed, as a message is to begin.

    Raises:
        InputError: it is no finite number, divides by 0, has more than 30 digits above or below the fraction line, or
            is such as "1,000", which some read as 1 and some as 1000.

    >>> typed_number(0.1, "x"), typed_number("−1/3", "x"), typed_number("2,5e1", "x")
    (Fraction(1, 10), Fraction(-1, 3), Fraction(25, 1))
    """
    is_exact = isinstance(given, numbers.Rational) and not isinstance(given, bool)
    value = Fraction(given) if is_exact else _value(given, place)
    if value is None or max(abs(value.numerator), value.denominator) > 10**MAX_DIGITS:
        message = f"{place} has more than {MAX_DIGITS} digits above or below the fraction line; round it"
        raise InputError(message)
    return value


def _value(given: Any, place: str) -> Fraction | None:
    """The number; None where it would have digits without end, which is seen before they are computed."""
    text = str(given).strip().replace("−", "-") if isinstance(given, (str, float)) else ""
    if len(text) > MAX_LENGTH and set(text) <= set("0123456789+-.,/eE"):
        return None
    found = _NUMBER.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        message = f"{place} must be a finite number such as 2, -0.5, 1e-3 or 1/3, not {shown(given)}"
        raise InputError(message)
    if _THOUSANDS.fullmatch(text):
        point, none = text.replace(",", "."), text.replace(",", "")
        message = f"{place} is {text!r}, which some read as {point} and some as {none}; write one of these"
        raise InputError(message)
    if text[-1] in _VULGAR:
        return Fraction(unicodedata.normalize("NFKC", text).replace("⁄", "/"))
    parts = [(part or "1").replace(",", ".").lower() for part in found.groups()]
    if any(abs(int(part.partition("e")[2] or 0)) > MAX_LENGTH for part in parts):
        return None
    above, below = map(Fraction, parts)
    if not below:
        message = f"{place} is {text!r}, and nothing can be divided by 0; write another number below the fraction line"
        raise InputError(message)
    return (-above if text[0] == "-" else above) / below
