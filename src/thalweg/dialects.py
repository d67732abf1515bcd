"""How a text file of cells is written: encoding, delimiter, quotes and the names in its first row.

DuckDB parses the cells; its guesses about the dialect are not used, because it decides on a sample and then skips rows
that do not fit, renames equal names and treats `a` and `A` as one. Here the first row alone holds the names, and a
row with another number of cells is an error.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, replace

from thalweg.errors import TableError


# The csv module refuses a cell longer than this, so a head of this size can hold none.
HEAD_BYTES = 131_072
DELIMITERS = (",", "\t", ";", "|")
# Stands in for the delimiter of a file with a single column, whose cells may hold commas; it never occurs in text.
NO_DELIMITER = "\x1f"
_RECORDS = 1_000
# A cell between quotes Q, whatever the delimiter; a quote inside it is doubled or escaped.
_ENCLOSED = r"(?:^|(?<=[,\t;|\r\n])) *Q(?:[^Q\\\r\n]|QQ|\\.)*Q *(?=[,\t;|\r\n]|\Z)"
_LINE_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """How to read the cells of one text file; `skip` counts the empty lines above the names."""

    names: tuple[str, ...]
    delimiter: str
    quote: str = '"'
    escape: str = '"'
    encoding: str = "utf-8"
    skip: int = 0
    strict: bool = True

    @property
    def decimal_comma(self) -> bool:
        """Whether `3,14` can be a number: not where the comma parts the cells."""
        return self.delimiter not in (",", NO_DELIMITER)

    def lenient(self) -> Dialect:
        """The same for a file that mixes the line ends of Windows and Unix, which the strict parser gives up on."""
        return replace(self, strict=False)

    def latin(self) -> Dialect:
        """The same in Latin-1, in which every byte is a character."""
        return replace(self, encoding="latin-1")


def detect(head: bytes, whole: bool, name: str) -> Dialect:
    r"""The dialect of a text file whose first bytes are `head` (`whole`: there are no more); `name` is for messages.

    Raises TableError for an empty file, for bytes that are no text and for a first row that holds data.

    >>> detect(b"age;job\n39;clerk\n", True, "x.csv").names
    ('age', 'job')
    """
    encoding, text = _decode(head, name)
    body = text.lstrip("\r\n")
    skip = len(_LINE_END.findall(text[: len(text) - len(body)]))
    if not body.strip():
        raise TableError(f"{name} is empty; a table has column names in its first row and one row or more below.")
    delimiter, quote = _delimiter_and_quote(body, whole)
    first = _records(body, delimiter, quote)[0]
    names = tuple(cell.strip() for cell in first)
    _refuse_data_as_names(names, name)
    # A line end in a name that is not how lines end makes the strict parser skip every row, without an error.
    strict = not _LINE_END.search("".join(first)) or len(set(_LINE_END.findall(body))) == 1
    # A backslash before a quote inside a cell escapes it; before a quote that ends the cell it is just a character.
    escaped = re.search(rf"\\{quote}(?![{re.escape(delimiter)}\r\n])", body)
    return Dialect(names, delimiter, quote, "\\" if escaped else quote, encoding, skip, strict)


def _decode(head: bytes, name: str) -> tuple[str, str]:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", head[: len(head) // 2 * 2].decode("utf-16", "ignore")
    try:
        # The cut at the end of the head may fall inside a character: at most three of its bytes are left over.
        text, encoding = head.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        cut = error.end >= len(head) - 3 and error.reason == "unexpected end of data"
        text, encoding = (head[: error.start].decode("utf-8-sig"), "utf-8") if cut else (head.decode("latin-1"), "")
    if "\x00" in text or (not encoding and _CONTROL.search(text)):
        raise TableError(f"{name} holds binary data, not text; give a CSV, JSON lines or Parquet file.")
    return encoding or "latin-1", text


def _delimiter_and_quote(body: str, whole: bool) -> tuple[str, str]:
    """Those under which most rows have as many cells as the first; of equals, those that give most cells.

    A double quote that stands alone spoils the count of cells, and so does taking ' for the quote of a file that
    quotes its commas; so ' is tried only where more cells begin and end with it than with double quotes.
    """
    single, double = (len(re.findall(_ENCLOSED.replace("Q", quote), body)) for quote in ("'", '"'))
    best = (0.0, 0, NO_DELIMITER, '"')
    for quote in ('"', "'") if single > double else ('"',):
        for delimiter in DELIMITERS:
            records = _records(body, delimiter, quote)
            width = len(records[0])
            # The last record of a head may be cut.
            below = records[1:] if whole or len(records) > _RECORDS else records[1:-1]
            agree = sum(len(record) == width for record in below) / len(below) if below else 1.0
            if width > 1 and (agree, width) > best[:2]:
                best = (agree, width, delimiter, quote)
    delimiter = best[2]
    names = _records(body, delimiter, '"')[0]
    return delimiter, "'" if all(re.fullmatch(r"\s*'.*'\s*", cell, re.DOTALL) for cell in names) else best[3]


def _records(body: str, delimiter: str, quote: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, quotechar=quote, skipinitialspace=True)
    records: list[list[str]] = []
    for record in reader:
        if record:
            records.append(record)
        if len(records) > _RECORDS:
            break
    return records


def _refuse_data_as_names(names: tuple[str, ...], name: str) -> None:
    """Whole numbers from a frame without names (0, 1, 2 …) are names; any other row of numbers is a row of data."""
    numbers = all(_NUMBER.fullmatch(cell) for cell in names)
    if numbers and not (len(set(names)) == len(names) and all(cell.isdecimal() for cell in names)):
        shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        raise TableError(
            f"The first row of {name} holds numbers ({shown}), not column names; put a row of names on top."
        )
