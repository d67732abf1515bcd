"""Where tables come from: text files, Parquet, JSON lines, SQL queries and data frames, as one stream of Arrow batches.

DuckDB does the parsing. Every source becomes a relation whose columns are called c0, c1, … (so that equal names, empty
names and names that differ in case are seen here and not renamed silently), and every column is cast to one of four
kinds, as `thalweg.cells` says.
"""

import os
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thalweg.cells import MISSING_WORDS, Field, Kind, cast, clean_sql, is_whole_sql, kinds_of_cells, number_sql, quoted
from thalweg.dialects import HEAD_BYTES, Dialect, detect
from thalweg.errors import TableError, ThalwegWarning


_QUERY = re.compile(r"\s*(select|from|with)[\s('\"]", re.IGNORECASE)
_MAX_THREADS = 8


class Source:
    """An open source: named, typed fields and a stream of their cells; close it after use."""

    def __init__(self, name: str, connection: Any, relation: str, fields: Sequence[Field], rows: int | None) -> None:
        self.name = name
        self.fields: tuple[Field, ...] = tuple(fields)
        self.declared_rows = rows  # what a Parquet file says of itself; None where only reading tells
        self._connection = connection
        self._relation = relation

    def select(self, columns: Sequence[str]) -> None:
        """Keep these columns, in this order; raises TableError naming those that are not there."""
        check_present(columns, [field.name for field in self.fields], self.name)
        by_name = {field.name: field for field in self.fields}
        self.fields = tuple(by_name[column] for column in columns)

    def stream(self, rows: int) -> Iterator[Any]:
        """Arrow record batches of at most `rows` rows, in the order of the source."""
        cells = ", ".join(f"{field.sql} AS v{i}" for i, field in enumerate(self.fields))
        with _sentences(self.name):
            yield from self._connection.sql(f"SELECT {cells} FROM {self._relation}").to_arrow_reader(rows)

    def memory(self) -> int:
        """Bytes that DuckDB would allow itself: 80 % of the memory of the machine or of its container."""
        number, unit = self._connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0].split()
        return int(float(number) * 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB").index(unit))

    def close(self) -> None:
        """Let go of the file and of DuckDB's memory."""
        self._connection.close()


def open_source(source: Any, text: Collection[str] = (), without: Collection[str] = ()) -> Source:
    """Open a path, an SQL query or a data frame; columns of a text file named in `text` keep their cells as text.

    Columns named in `without` are not read. Raises TableError, in one sentence, for whatever cannot be read.
    """
    if isinstance(source, str) and not os.path.exists(source) and _QUERY.match(source):
        return _open(_query, source, "the query", text, without)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _open(_file, path, path.name or str(path), text, without)
    return _open(_frame, source, "the data frame", text, without)


def check_present(wanted: Sequence[str], names: Sequence[str], where: str) -> None:
    """Raise one TableError naming each wanted column that `where` has not, with a near name if there is one."""
    import difflib

    absent = [name for name in wanted if name not in set(names)]
    if not absent:
        return
    shown = ", ".join(repr(name) for name in absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
    near = difflib.get_close_matches(absent[0], names, 1)
    some = ", ".join(repr(name) for name in names[:8]) + (", …" if len(names) > 8 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"its columns are {some}."
    raise TableError(f"{where} has no column {shown}; {hint}")


def _open(opener: Any, source: Any, name: str, text: Collection[str], without: Collection[str]) -> Source:
    import duckdb

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # No replacement scans: a query must not see Python variables. No extensions from the network, no spill files.
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": min(threads, _MAX_THREADS),
            "temp_directory": "",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        with _sentences(name):
            return opener(connection, source, name, text, without)
    except BaseException:
        connection.close()
        raise


def _query(connection: Any, query: str, name: str, text: Collection[str], without: Collection[str]) -> Source:
    import duckdb

    del text  # the query itself types its columns
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise TableError("A query must be a single SELECT, so that reading a table changes nothing.")
    # A query may join, and a join keeps an order on one thread only; a model must not depend on the luck of threads.
    connection.execute("SET threads = 1")
    names = connection.sql(query).columns
    connection.execute(f"CREATE TEMP VIEW the_query AS {query}")  # whatever comments and semicolons end it
    return _typed(connection, "the_query", names, name, without)


def _frame(connection: Any, frame: Any, name: str, text: Collection[str], without: Collection[str]) -> Source:
    from thalweg.frames import to_arrow

    del text
    table = to_arrow(_frame_without(frame, name, without) if without else frame, name)
    _check_names(table.column_names, name)
    connection.register("frame", table)
    return _typed(connection, "frame", table.column_names, name)


def _frame_without(frame: Any, name: str, without: Collection[str]) -> Any:
    """The frame without these columns, before their cells (Python objects, mixed types) are in the way."""
    import narwhals.stable.v2 as nw

    native = nw.to_native(frame, pass_through=True)
    if nw.dependencies.is_pandas_like_dataframe(native):
        return native.iloc[:, _kept([str(label) for label in native.columns], name, without)]
    try:
        table = nw.from_native(native)
        names = table.collect_schema().names()
    except Exception:  # nothing that could be a table: the reader says what it is
        return frame
    return table.select([names[i] for i in _kept(names, name, without)])


def _file(connection: Any, path: Path, name: str, text: Collection[str], without: Collection[str]) -> Source:
    compression, head, whole = _head(path, name)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = next((suffix for suffix in reversed(suffixes) if suffix not in (".gz", ".zst")), "")
    if head[:4] == b"PAR1" or kind in (".parquet", ".pq"):
        return _parquet(connection, path, name, without)
    if not head.strip():
        raise TableError(f"{name} is empty; a table has column names in its first row and one row or more below.")
    if kind in (".json", ".jsonl", ".ndjson") or (kind not in (".csv", ".tsv") and head.lstrip()[:1] == b"{"):
        options = f"compression='{compression}', sample_size=-1, map_inference_threshold=-1, records=true"
        relation = f"read_json({_path(path)}, {options}, hive_partitioning=false)"
        names = [row[0] for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()]
        return _typed(connection, relation, names, name, without)
    return _text(connection, path, compression, detect(head, whole, name), name, text, without)


def _head(path: Path, name: str) -> tuple[str, bytes, bool]:
    """Compression, first bytes after unpacking, and whether there are no more; a sentence for what cannot be opened."""
    import pyarrow as pa

    if path.is_dir():
        raise TableError(f"{name} is a directory; give the table file inside it.")
    if not path.exists():
        raise TableError(f"There is no file {str(path)!r}; check the name and the directory.")
    if not path.is_file():
        raise TableError(f"{name} is not a regular file; write the table to a file first.")
    try:
        str(path).encode()
    except UnicodeEncodeError as error:  # neither Arrow nor DuckDB can open it
        raise TableError(f"The path {str(path)!r} is not UTF-8 text; rename the file.") from error
    try:
        with path.open("rb") as file:
            magic = file.read(6)
    except OSError as error:
        raise TableError(f"{name} cannot be opened ({error.strerror}); check its permissions.") from error
    for start, what in ((b"PK\x03\x04", "a zip archive or an Excel workbook"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz")):
        if magic.startswith(start):
            raise TableError(
                f"{name} is {what}, which is not read here; unpack it or save the table as CSV or Parquet."
            )
    compression = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd"}.get(magic[:2], "none")
    if path.suffix.lower() in (".gz", ".zst") and compression == "none" and magic:
        raise TableError(f"{name} is not compressed as its name says; rename it or pack it again.")
    try:
        with pa.input_stream(str(path), compression=None if compression == "none" else compression) as stream:
            head = stream.read(HEAD_BYTES + 1)
    except OSError as error:
        raise TableError(f"{name} is cut short or damaged; unpacking it failed.") from error
    return compression, head[:HEAD_BYTES], len(head) <= HEAD_BYTES


def _parquet(connection: Any, path: Path, name: str, without: Collection[str]) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{name} is not a whole Parquet file; it may be cut short or of another format.") from error
    return _typed(connection, f"read_parquet({_path(path)}, hive_partitioning=false)", names, name, without, rows)


def _typed(
    connection: Any,
    relation: str,
    names: Sequence[str],
    name: str,
    without: Collection[str] = (),
    rows: int | None = None,
) -> Source:
    """A source whose columns have types; JSON columns of mixed type are looked at as the cells of a text file are."""
    kept = _kept(names, name, without)
    types = [str(row[1]) for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()]
    relation = f"{relation} AS t({_positions(len(names))})"
    fields = {i: cast(names[i], f"c{i}", types[i]) for i in kept}
    mixed = {i: fields[i].sql for i in kept if types[i] == "JSON"}
    fields |= kinds_of_cells(connection, relation, names, mixed, number_sql("x", False))
    return Source(name, connection, relation, [fields[i] for i in kept], rows)


def _text(
    connection: Any,
    path: Path,
    compression: str,
    dialect: Dialect,
    name: str,
    text: Collection[str],
    without: Collection[str],
) -> Source:
    import duckdb

    kept = _kept(dialect.names, name, without)
    # One reading of the whole file settles the columns of numbers, without trimming a cell: the cast allows spaces.
    # Each number is written once, and DuckDB does not look for what it could share: that takes the square of the
    # columns, 40 s for 2,000 of them.
    numbers = ", ".join(f"c{i}, {number_sql(f'c{i}', dialect.decimal_comma)} AS n{i}" for i in kept)
    counts = ", ".join(f"count(c{i}), count(n{i}), bool_and({is_whole_sql(f'n{i}', f'c{i}')})" for i in kept)
    while True:
        relation = _read_csv(path, compression, dialect)
        try:
            connection.execute("SET disabled_optimizers = 'common_subexpressions'")
            found = connection.execute(f"SELECT {counts} FROM (SELECT {numbers} FROM {relation})").fetchall()[0]
            connection.execute("SET disabled_optimizers = ''")
            break
        except duckdb.InvalidInputException as error:
            if "invalid state" in str(error) and dialect.strict:
                dialect = dialect.lenient()
            elif "not utf-8 encoded" in str(error) and dialect.encoding == "utf-8":
                dialect = dialect.latin()
            else:
                raise
    if dialect.encoding == "latin-1":
        warnings.warn(f"{name} is not UTF-8 and was read as Latin-1 (Western European).", ThalwegWarning, stacklevel=2)
    fields: dict[int, Field] = {}
    for place, i in enumerate(kept):
        cells, known, whole = found[3 * place : 3 * place + 3]
        if dialect.names[i] in text or not cells:
            fields[i] = Field(dialect.names[i], Kind.TEXT, False, clean_sql(f"c{i}"))
        elif cells == known:
            sql = number_sql(f"c{i}", dialect.decimal_comma, known=True)
            fields[i] = Field(dialect.names[i], Kind.NUMBER, bool(whole), sql)
    others = {i: clean_sql(f"c{i}") for i in kept if i not in fields}
    fields |= kinds_of_cells(connection, relation, dialect.names, others, number_sql("x", dialect.decimal_comma))
    return Source(name, connection, relation, [fields[i] for i in kept], None)


def _read_csv(path: Path, compression: str, dialect: Dialect) -> str:
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(dialect.names)))
    missing = ", ".join(quoted(space + word) for word in MISSING_WORDS for space in ("", " "))
    return (
        f"read_csv({_path(path)}, auto_detect=false, header=true, columns={{{columns}}}, nullstr=[{missing}], "
        f"delim={quoted(dialect.delimiter)}, quote={quoted(dialect.quote)}, escape={quoted(dialect.escape)}, "
        f"skip={dialect.skip}, compression='{compression}', encoding='{dialect.encoding}', "
        f"strict_mode={str(dialect.strict).lower()}, hive_partitioning=false)"
    )


def _check_names(names: Sequence[str], where: str) -> None:
    if not names:
        raise TableError(f"{where} has no columns.")
    seen: set[str] = set()
    for place, name in enumerate(names, 1):
        if not name:
            raise TableError(
                f"Column {place} of {where} has no name; name it or leave it out (an index: write with index=False)."
            )
        if name in seen:
            raise TableError(f"{where} has two columns called {name!r}; rename one of them.")
        seen.add(name)


def _kept(names: Sequence[str], where: str, without: Collection[str]) -> list[int]:
    """The positions of the columns that are not left out; all names must be there and in order."""
    _check_names(names, where)
    check_present(list(without), names, where)
    kept = [i for i, name in enumerate(names) if name not in without]
    if not kept:
        raise TableError(f"All columns of {where} are left out; leave one or more to read.")
    return kept


def _positions(count: int) -> str:
    return ", ".join(f"c{i}" for i in range(count))


def _path(path: Path) -> str:
    """SQL for a path that is one file, whatever pattern characters its name holds."""
    return quoted(re.sub(r"([*?\[])", r"[\1]", os.path.abspath(path)))


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Turn DuckDB's errors, which are pages long, into one sentence."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise TableError(_sentence(str(error), name)) from error


def _sentence(message: str, name: str) -> str:
    line = re.search(r"CSV Error on Line: (\d+)", message)
    widths = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if line and widths:
        return (
            f"Line {line[1]} of {name} has another number of cells ({widths[2]}) than names ({widths[1]}); repair it."
        )
    if line and "unterminated quote" in message:
        return f"Line {line[1]} of {name} has a quoted cell that does not end properly; repair the quotes."
    if line and "Maximum line size" in message:
        return f"Line {line[1]} of {name} is longer than 2 MB; a quote may be missing somewhere above."
    if "GZIP" in message or "zstd" in message.lower():
        return f"{name} is cut short or damaged; unpacking it failed."
    first = message.strip().splitlines()[0].rstrip(" .:!")
    return f"{name} cannot be read: {re.sub(r'^[A-Z][A-Za-z ]* Error: ', '', first)}."
