"""What the cells of a column are, and the SQL that reads them: every column becomes one of four kinds.

The cells of a text file have no types; they are looked at in full before the first is handed out:

- Missing: an empty cell or one of NA, N/A, #N/A, <NA>, NaN, nan, NaT, null, NULL, None, ?, with spaces around or not.
- A column whose other cells are all numbers is a number, all true/false a boolean, all ISO dates (2020-01-31, with or
  without a time, - or / between) a date, all times of day (10:30, 10:30:15) a number of seconds; else it is text.
- 3,14 is a number where the comma does not part the cells.
- One cell that begins with a zero and a digit (007, -01, 00.5; not 0, 0.5 or 00:30) makes text of a column of numbers:
  such cells are codes, which as numbers would no longer be what is written.

Text from typed sources (Parquet, JSON, SQL, frames) stays text, with the same words for missing. Text loses the
spaces around it. Decimals and 128-bit integers become float64; times of day and intervals become seconds; times with a
zone become UTC; lists, structures, binary cells and anything else become the text that DuckDB prints for them.
"""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


MISSING_WORDS = ("", "NA", "N/A", "#N/A", "<NA>", "NaN", "nan", "NaT", "null", "NULL", "None", "?")
_INTEGER_TYPES = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|BIGNUM|DECIMAL\(\d+,0\)")
_OTHER_NUMBER_TYPES = re.compile(r"FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)")
_FIRST_LOOK = 1_000


class Kind(enum.Enum):
    """What the cells of a column are."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"


@dataclass(frozen=True)
class Field:
    """One column of a source: its name, its kind, whether its numbers are whole, and the SQL that yields its cells."""

    name: str
    kind: Kind
    integer: bool
    sql: str


def cast(name: str, column: str, kind: str) -> Field:
    """The field of a column that DuckDB gives the type `kind`."""
    if kind == "BOOLEAN":
        return Field(name, Kind.BOOLEAN, False, column)
    if _INTEGER_TYPES.fullmatch(kind) or _OTHER_NUMBER_TYPES.fullmatch(kind):
        return Field(name, Kind.NUMBER, bool(_INTEGER_TYPES.fullmatch(kind)), f"CAST({column} AS DOUBLE)")
    if kind in ("TIME", "TIME WITH TIME ZONE", "TIME_NS"):
        return Field(name, Kind.NUMBER, False, f"CAST(epoch(CAST({column} AS TIME)) AS DOUBLE)")
    if kind == "INTERVAL":
        return Field(name, Kind.NUMBER, False, f"CAST(epoch({column}) AS DOUBLE)")
    if kind == "TIMESTAMP WITH TIME ZONE":
        return Field(name, Kind.DATE, False, f"make_timestamp(epoch_us({column}))")
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return Field(name, Kind.DATE, False, f"CAST({column} AS TIMESTAMP)")
    return Field(
        name, Kind.TEXT, False, clean_sql(f"{column} ->> '$'" if kind == "JSON" else f"CAST({column} AS VARCHAR)")
    )


def kinds_of_cells(
    connection: Any, relation: str, names: Sequence[str], cells: dict[int, str], number: str
) -> dict[int, Field]:
    """Kinds of untyped columns, from all their cells; `number` is the SQL that turns a cell x into a number."""
    date = "make_timestamp(epoch_us(TRY_CAST(x AS TIMESTAMPTZ)))"
    time = "CAST(epoch(TRY_CAST(x AS TIME)) AS DOUBLE)"
    # What every cell must fulfil, the kind it then has, whether its numbers are whole, and what it becomes.
    trials = (
        (f"{number} IS NOT NULL AND {is_whole_sql(number, 'x')}", Kind.NUMBER, True, number),
        (f"{number} IS NOT NULL", Kind.NUMBER, False, number),
        ("lower(x) IN ('true', 'false')", Kind.BOOLEAN, False, "lower(x) = 'true'"),
        (
            rf"regexp_matches(x, '^\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}([ T]|$)') AND {date} IS NOT NULL",
            Kind.DATE,
            False,
            date,
        ),
        (rf"regexp_matches(x, '^\d{{1,2}}:\d{{2}}(:\d{{2}}|$)') AND {time} IS NOT NULL", Kind.NUMBER, False, time),
    )
    open_trials = [(i, trial) for i in cells for trial in trials]
    # A kind that the first rows rule out needs no look at the others; the second look decides.
    for seen in (f"(SELECT * FROM {relation} LIMIT {_FIRST_LOOK})", relation):
        open_trials = _passed(connection, seen, cells, open_trials)
    fields = {i: Field(names[i], Kind.TEXT, False, sql) for i, sql in cells.items()}
    for i, (_, kind, integer, becomes) in reversed(open_trials):
        fields[i] = Field(names[i], kind, integer, re.sub(r"\bx\b", lambda _, sql=cells[i]: f"({sql})", becomes))
    return fields


def _passed(
    connection: Any, relation: str, cells: dict[int, str], trials: list[tuple[int, Any]]
) -> list[tuple[int, Any]]:
    """The trials of (column, trial) that all cells pass which are not missing."""
    if not trials:
        return []
    tests = ", ".join(re.sub(r"\bx\b", f"x{i}", f"bool_and({trial[0]}) FILTER (x IS NOT NULL)") for i, trial in trials)
    inner = ", ".join(f"{cells[i]} AS x{i}" for i in {i for i, _ in trials})
    verdicts = connection.execute(f"SELECT {tests} FROM (SELECT {inner} FROM {relation})").fetchall()[0]
    return [trial for trial, verdict in zip(trials, verdicts, strict=True) if verdict is not False]


def number_sql(cell: str, decimal_comma: bool, known: bool = False) -> str:
    """SQL for the number in a cell, or NULL. DuckDB reads 1_000 and 007 as numbers; such cells are codes.

    Of a column that is `known` to be numbers no cell is looked at for that again, which is half of the time. The CASE
    also keeps DuckDB (2.0) from moving the cast into the reader, where it would be an error and not NULL.
    """
    written = (
        f"CASE WHEN contains({cell}, '.') THEN {cell} ELSE replace({cell}, ',', '.') END" if decimal_comma else cell
    )
    code = f"{cell} IS NULL" if known else f"contains({cell}, '_') OR {_is_code_sql(cell)}"
    return f"CASE WHEN {code} THEN NULL ELSE TRY_CAST({written} AS DOUBLE) END"


def _is_code_sql(cell: str) -> str:
    """SQL for whether a cell begins with a zero and a digit, after a sign or not, as 007, -01 and 00.5 do.

    Comparing is several times as fast as a regular expression: such texts are those from '00' up to '0:', the colon
    being next to the nine. Spaces, signs and the point stand before '0', so that few cells need to be trimmed.
    """
    return f"CASE WHEN {cell} < '0' THEN ltrim({cell}, E' \\t\\r\\n+-') ELSE {cell} END BETWEEN '00' AND '0:'"


def is_whole_sql(number: str, cell: str) -> str:
    """SQL for whether a cell is a whole number: 3 and 1e3, not 3.0."""
    return f"{number} = trunc({number}) AND NOT contains({cell}, '.')"


def clean_sql(cell: str) -> str:
    """SQL for a cell without the spaces around it, NULL for the words for missing.

    Not `IN (…)`: DuckDB (2.0) makes a hash join of five constants or more, and a join loses the order of the rows as
    soon as there are two threads.
    """
    trimmed = f"trim({cell}, E' \\t\\r\\n')"
    return f"CASE {trimmed} {' '.join(f'WHEN {quoted(word)} THEN NULL' for word in MISSING_WORDS)} ELSE {trimmed} END"


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
