"""Answers to an exercise in a CSV file, as a student or a spreadsheet writes them: a name and a number in each row.

Columns are parted by commas, semicolons or tabs; names may be quoted, and are found in any of their spellings, though
they have commas in their brackets; numbers may be fractions or have a decimal comma, which parts no thousands here.
A header may come first.
"""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

from thalweg import text_files
from thalweg.errors import InputError, shown
from thalweg.typed_numbers import typed_number


NAMED = 3  # unknown names that a message names
ALIKE = str.maketrans({"’": "'", "`": "'", "−": "-", "\ufeff": None})

Row = tuple[int, str, str]  # line, name, number


def read_answers(path: str | Path, known: Mapping[str, str]) -> dict[str, Fraction]:
    """The numbers in an answer file by name; rows without a number are left out.

    Args:
        path: of the file, UTF-8.
        known: every spelling of a name → the name.

    Raises:
        FileError: there is no such file, it is over 1 MB, or not UTF-8.
        InputError: it has no answers, a name that is not known or comes twice, or what is no number: in which line.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     _ = file.write("value;answer\\na[1][1];0,25\\nW[1][1,2];1/3\\n")
    ...     file.flush()
    ...     read_answers(file.name, {"a[1][1]": "a[1][1]", "W[1][1,2]": "W[1][1,2]"})
    {'a[1][1]': Fraction(1, 4), 'W[1][1,2]': Fraction(1, 3)}
    """
    file = os.fspath(path)
    spelled = {_bare(spelling): name for spelling, name in known.items()}
    rows = list(_rows(text_files.read(file, "answers"), file, spelled))
    if rows and _bare(rows[0][1]) not in spelled and not _is_number(rows[0][2]):
        del rows[0]  # a header
    _check_names(rows, file, spelled)
    found: dict[str, Fraction] = {}
    for line, typed, number in rows:
        name = spelled[_bare(typed)]
        if number:
            place = f"{file!r}, line {line}: the answer for {name}"
            if name in found:
                message = f"{place} is there already, further up; leave one of them out"
                raise InputError(message)
            found[name] = typed_number(number, place)
    if not found:
        message = f"{file!r} has no answers: write a name and a number in each row, such as {next(iter(known))},0.5"
        raise InputError(message)
    return found


def _rows(text: str, file: str, spelled: Mapping[str, str]) -> Iterator[Row]:
    sign = "\t" if "\t" in text else ";" if ";" in text else ","
    reader = csv.reader(text.splitlines(), delimiter=sign, skipinitialspace=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, *_parted(fields, sign, spelled)
    except csv.Error as error:
        message = f"{file!r}, line {reader.line_num + 1} is no row of a CSV file: {error}"
        raise InputError(message) from error


def _parted(fields: list[str], sign: str, spelled: Mapping[str, str]) -> tuple[str, str]:
    """Name and number: a name that is known, however many commas it has; else what stands in front."""
    ways = [(sign.join(fields[:n]), sign.join(fields[n:])) for n in range(1, len(fields) + 1)]
    name, number = next((way for way in ways if _bare(way[0]) in spelled), ways[0])
    number = number.strip(f"{sign} ")
    return name, number.replace(",", ".") if number.count(",") == 1 and "." not in number else number


def _bare(name: str) -> str:
    return "".join(name.translate(ALIKE).split())


def _is_number(text: str) -> bool:
    try:
        typed_number(text, "")
    except InputError:
        return False
    return True


def _check_names(rows: list[Row], file: str, spelled: Mapping[str, str]) -> None:
    unknown = [(line, name) for line, name, _ in rows if _bare(name) not in spelled]
    if not unknown:
        return
    told = ", ".join(f"{shown(name)} (line {line})" for line, name in unknown[:NAMED])
    more = f" and {len(unknown) - NAMED} others" if len(unknown) > NAMED else ""
    close = [one for _, name in unknown[:NAMED] for one in difflib.get_close_matches(_bare(name), spelled, n=2)]
    names = list(dict.fromkeys([spelled[one] for one in close] or spelled.values()))[:NAMED]
    message = f"{file!r}: no value is called {told}{more}; values have names such as {', '.join(names)}"
    raise InputError(message)
