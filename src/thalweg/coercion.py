"""Cells of a new table in the form that the training table had them.

A file with one odd cell arrives as text where training saw numbers, a column without a single value as anything, codes
that were text as numbers. What means the same is accepted; the first cell that does not is named with its row.
A cell such as 07, which makes text of its column in a file, is 7 where training saw numbers.
"""

from __future__ import annotations

import datetime
import re
import reprlib
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from thalweg.cells import MISSING_WORDS
from thalweg.errors import TableError
from thalweg.table import Column, Kind, Table


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Shaped


_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|infinity)", re.IGNORECASE)
_CODE = re.compile(r"[+-]?0[0-9]")
# 23.02.2024 and 02/23/24; 12,50, 1.234,50 and 1,234.50. (ISO dates that a typed source has as text are meant as text.)
_DATE_LIKE = re.compile(
    r"(?:([0-9]{1,2})([./-])([0-9]{1,2})\2[0-9]{4}|([0-9]{2})([./-])([0-9]{2})\5[0-9]{2})([ T][0-9]{1,2}:[0-9]{2}.*)?"
)
_COMMA_NUMBER = re.compile(r"[+-]?([0-9]+,[0-9]+|[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?)")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?")
TRUTH = {word: False for word in ("0", "false", "no", "f", "n")} | {
    word: True for word in ("1", "true", "yes", "t", "y")
}


def factorize(values: Shaped[np.ndarray, " n"]) -> tuple[Int[np.ndarray, " n"], list[str]]:
    """For each cell of text the index of its word, and the words in order of appearance.

    >>> codes, words = factorize(np.array(["b", "a", "b"], dtype=object))
    >>> codes.tolist(), words
    ([0, 1, 0], ['b', 'a'])
    """
    import pyarrow as pa

    coded = pa.array(values, type=pa.large_string()).dictionary_encode()
    return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()


def is_plain_number(word: str) -> bool:
    """Whether a cell of a text file is a number as it stands: not 007, which is a code.

    >>> [is_plain_number(word) for word in ("7", "-0.25", "007", "seven")]
    [True, True, False, False]
    """
    return bool(_NUMBER.fullmatch(word)) and not _CODE.match(word)


def spoiled_number(column: Column, table: Table) -> str | None:
    """A clause on the first cell that made text of a column of numbers, if that is what happened.

    It happened where at least 9 of 10 cells are numbers and there are more than 20 values, too many for categories.

    >>> cells = np.array([f"{i}.5" for i in range(30)] + ["see note"], dtype=object)
    >>> column = Column("price", Kind.TEXT, cells, np.zeros(31, dtype=bool))
    >>> spoiled_number(column, Table("t.csv", (column,)))
    "30 of its 31 cells are numbers, but row 31 has 'see note'"
    """
    if column.kind is not Kind.TEXT:
        return None
    places = np.flatnonzero(~column.missing)
    codes, words = factorize(column.values[places])
    plain = np.array([is_plain_number(word) for word in words])[codes] if len(words) > 20 else np.zeros(0, dtype=bool)
    if not len(plain) or plain.all() or plain.mean() < 0.9:
        return None
    row = int(places[np.argmin(plain)])
    return (
        f"{plain.sum():,} of its {len(plain):,} cells are numbers, but row {table.row_number(row)} has "
        f"{shown(column.values[row])}"
    )


def other_form(column: Column) -> str | None:
    """A clause on cells of text that are dates or numbers in a form that is not read, and on what to do.

    It is said where at least 9 of 10 cells are so and there are more than two values, which are no worse as text.

    >>> cells = np.array(["12,50", "3,20", "7"], dtype=object)
    >>> (other_form(Column("price", Kind.TEXT, cells, np.zeros(3, dtype=bool))) or "").partition(";")[0]
    "cells such as '12,50' look like numbers with a comma"
    """
    codes, words = factorize(column.values[~column.missing])
    if len(words) < 3:
        return None
    counts = np.bincount(codes)
    dates = np.array([_is_date_like(word) for word in words])
    commas = np.array([bool(_COMMA_NUMBER.fullmatch(word)) for word in words])
    plain = np.array([is_plain_number(word) for word in words])
    if counts[dates].sum() >= 0.9 * len(codes):
        return (
            f"cells such as {shown(words[int(np.argmax(dates))])} look like dates; make dates of them, in pandas with "
            f"to_datetime and its format, or in a text file write them as in 2024-02-23"
        )
    if counts[commas | plain].sum() >= 0.9 * len(codes) and counts[commas].sum() >= counts[plain].sum():
        example = words[int(np.argmax(commas))]
        return (
            f"cells such as {shown(example)} look like numbers with a comma; make numbers of them, in pandas with "
            f"read_csv and its decimal, or in a text file write them as in 12.50"
        )
    return None


def _is_date_like(word: str) -> bool:
    found = _DATE_LIKE.fullmatch(word)
    numbers = [int(part) for part in found.group(1, 3, 4, 6) if part] if found else []
    return bool(numbers) and 1 <= min(numbers) <= 12 and max(numbers) <= 31


def shown(value: Any) -> str:
    """A cell in a message, as Python writes it; of a long text the two ends.

    >>> shown("it"), shown(7.0), len(shown("long " * 1_000))
    ("'it'", '7.0', 60)
    """
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 60
    return short.repr(value)


def as_numbers(column: Column, table: Table) -> Float[np.ndarray, " n"]:
    """The cells as numbers, nan where missing; raises TableError for the first cell that is none.

    >>> age = Column("age", Kind.TEXT, np.array(["39", "?"], dtype=object), np.array([False, False]))
    >>> as_numbers(age, Table("new.csv", (age,))).tolist()
    [39.0, nan]
    """
    if column.kind is Kind.NUMBER:
        return column.values
    if column.kind is Kind.BOOLEAN:
        return np.where(column.missing, np.nan, column.values)
    if column.kind is Kind.TEXT:
        numbers = _each_word(column, table, _number, np.nan, np.float64, "a number")
        if np.isinf(numbers).any():
            _refuse(column, table, np.isinf(numbers), "a finite number")
        return numbers
    if not column.missing.all():
        _refuse(column, table, ~column.missing, "a number")
    return np.full(len(column.missing), np.nan)


def as_booleans(column: Column, table: Table) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """The cells as true or false, and which are missing; 0, 1, yes, no, t, f, y and n are understood."""
    if column.kind is Kind.BOOLEAN:
        return column.values, column.missing
    if column.kind is Kind.TEXT:
        truth = _each_word(column, table, lambda word: TRUTH.get(word.lower()), np.nan, np.float64, "true or false")
        return truth == 1.0, np.isnan(truth)
    values = as_numbers(column, table)
    missing = np.isnan(values)
    other = ~missing & (values != 0.0) & (values != 1.0)
    if other.any():
        _refuse(column, table, other, "true or false")
    return values == 1.0, missing


def as_dates(column: Column, table: Table) -> Shaped[np.ndarray, " n"]:
    """The cells as datetime64[us], NaT where missing; raises TableError for the first cell that is no ISO date."""
    nat = np.datetime64("NaT", "us")
    if column.kind is Kind.DATE:
        return column.values
    if column.kind is Kind.TEXT:
        return _each_word(column, table, _date, nat, "datetime64[us]", "an ISO date")
    if not column.missing.all():
        _refuse(column, table, ~column.missing, "an ISO date")
    return np.full(len(column.missing), nat)


def as_texts(column: Column, known: Collection[str]) -> tuple[Shaped[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """The cells as text, and which are missing; of several ways to write a number, truth or date, one that is `known`.

    >>> code = Column("code", Kind.NUMBER, np.array([3.0, 4.5]), np.array([False, False]))
    >>> as_texts(code, {"3.0"})[0].tolist()
    ['3.0', '4.5']
    """
    if column.kind is Kind.TEXT:
        return column.values, column.missing
    ways = {Kind.NUMBER: _ways_of_number, Kind.BOOLEAN: _ways_of_truth, Kind.DATE: _ways_of_date}[column.kind]
    texts = np.full(len(column.values), "", dtype=object)
    unique, codes = np.unique(column.values[~column.missing], return_inverse=True)
    written = [[*ways(value)] for value in unique]
    words = [next((way for way in way_list if way in known), way_list[0]) for way_list in written]
    texts[~column.missing] = np.array(words, dtype=object)[codes] if words else []
    return texts, column.missing


def _ways_of_number(value: float) -> Iterable[str]:
    if value == int(value):
        yield str(int(value))
    yield repr(float(value))


def _ways_of_truth(value: bool) -> Iterable[str]:
    word = "true" if value else "false"
    return word, word.title(), word.upper()


def _ways_of_date(value: np.datetime64) -> Iterable[str]:
    moment = str(value.astype("datetime64[us]"))
    day, _, time = moment.partition("T")
    time = time.removesuffix(".000000")
    return (day, f"{day} {time}", f"{day}T{time}") if time == "00:00:00" else (f"{day} {time}", f"{day}T{time}")


def _number(word: str) -> float | None:
    if _NUMBER.fullmatch(word):
        return float(word)
    time = _TIME.fullmatch(word)
    return None if time is None else 3600.0 * int(time[1]) + 60.0 * int(time[2]) + float(time[3] or 0.0)


def _date(word: str) -> np.datetime64 | None:
    try:
        moment = datetime.datetime.fromisoformat(word.replace("/", "-"))
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def _each_word(
    column: Column, table: Table, read: Callable[[str], Any], missing: Any, dtype: Any, what: str
) -> Shaped[np.ndarray, " n"]:
    """Every word read once; the words for missing, and cells marked missing, become `missing`."""
    codes, words = factorize(column.values)
    values = [missing if word.strip() in MISSING_WORDS else read(word.strip()) for word in words]
    unread = np.array([value is None for value in values], dtype=bool)
    wrong = unread[codes] & ~column.missing
    if wrong.any():
        _refuse(column, table, wrong, what)
    cells = np.array([missing if value is None else value for value in values], dtype=dtype)[codes]
    cells[column.missing] = missing
    return cells


def _refuse(column: Column, table: Table, wrong: Bool[np.ndarray, " n"], what: str) -> NoReturn:
    row = int(np.argmax(wrong))
    value = column.values[row]
    cell = shown(value) if column.kind is Kind.TEXT else str(value)
    raise TableError(
        f"Column {column.name!r} of {table.name} has {cell} in row {table.row_number(row)}, which is not {what} as in "
        f"training; correct the cell or leave it empty."
    )
