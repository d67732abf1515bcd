"""Tables: named, typed columns with a mask of missing cells, read from files, queries and data frames.

What counts as missing, and how kinds are found, is said in `thalweg.cells`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.cells import Field, Kind
from thalweg.errors import TableError
from thalweg.sources import Source, check_present, open_source


if TYPE_CHECKING:
    from jaxtyping import Bool, Int, Shaped


# A file of 75 KB can declare 80 MB of equal cells, so a whole table may take at most this share of DuckDB's limit
# (itself 80 % of the memory), at 8 bytes a cell: the encoded matrix and its copies need the rest.
SHARE_OF_MEMORY = 0.5
_BYTES_PER_CELL = 8
_ROWS = 65_536


@dataclass(frozen=True, eq=False)
class Column:
    """One column. `values` is float64 (nan where missing) for NUMBER, bool for BOOLEAN, an object array of str (""
    where missing) for TEXT, datetime64[us] (NaT where missing) for DATE; `integer`: the source has whole numbers."""

    name: str
    kind: Kind
    values: Shaped[np.ndarray, " n"]
    missing: Bool[np.ndarray, " n"]
    integer: bool = False

    def take(self, rows: Any) -> Column:
        """The same column with these rows (indices or a mask)."""
        return Column(self.name, self.kind, self.values[rows], self.missing[rows], self.integer)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length; `name` is for messages, `numbers` are the rows' numbers in the source, from 1.

    >>> age = Column("age", Kind.NUMBER, np.array([39.0, np.nan]), np.array([False, True]))
    >>> table = Table("people.csv", (age,))
    >>> table.n_rows, table.names, table.row_number(1)
    (2, ('age',), 2)
    """

    name: str
    columns: tuple[Column, ...]
    numbers: Int[np.ndarray, " n"] | None = None

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(self.columns[0].values) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        check_present([name], self.names, self.name)
        return self.columns[self.names.index(name)]

    def row_number(self, row: int) -> int:
        """The number in the source, from 1 and without the header, of the row at this index."""
        return row + 1 if self.numbers is None else int(self.numbers[row])

    def take(self, rows: Any) -> Table:
        """The table of these rows (indices or a mask); they keep their numbers."""
        numbers = np.arange(1, self.n_rows + 1) if self.numbers is None else self.numbers
        return Table(self.name, tuple(column.take(rows) for column in self.columns), numbers[rows])

    def drop(self, names: Collection[str]) -> Table:
        """The table without these columns; raises TableError for a name that it has not."""
        check_present(list(names), self.names, self.name)
        return Table(self.name, tuple(c for c in self.columns if c.name not in names), self.numbers)


def read(
    source: Any, *, columns: Sequence[str] | None = None, text: Collection[str] = (), without: Collection[str] = ()
) -> Table:
    """A whole table from a path (CSV, TSV, JSON lines, Parquet, .gz, .zst), a SELECT query or a data frame.

    `columns` picks columns, in that order; those of a text file named in `text` keep their cells as they are written;
    those named in `without` are not read, whatever their cells are.
    Raises TableError, in one sentence, for whatever cannot be read: which file, column, row (from 1) and value.

    >>> read("SELECT 1.5 AS age, 'clerk' AS job UNION ALL SELECT NULL, '?'")["job"].missing.tolist()
    [False, True]
    """
    if isinstance(source, Table):
        source = source.drop(without) if without else source
        return source if columns is None else Table(source.name, tuple(source[c] for c in columns), source.numbers)
    opened = _open(source, columns, text, without)
    try:
        most = int(opened.memory() * SHARE_OF_MEMORY) // (_BYTES_PER_CELL * len(opened.fields))
        _check_size(opened.declared_rows or 0, most, opened)
        batches, rows = [], 0
        for batch in opened.stream(_ROWS):
            batches.append(batch)
            rows += batch.num_rows
            _check_size(rows, most, opened)
        return _table(opened, batches, 1)
    finally:
        opened.close()


def as_column(name: str, cells: Shaped[np.ndarray, " n"]) -> Column:
    """The column of an array of numbers (nan is missing), of booleans, or of texts, every one as it is.

    >>> as_column("x", np.array([3, 4])).integer, as_column("y", np.array(["?", "a"])).values.tolist()
    (True, ['?', 'a'])
    """
    if cells.dtype.kind in "iuf":
        values = cells.astype(np.float64)
        return Column(name, Kind.NUMBER, values, np.isnan(values), cells.dtype.kind != "f")
    kind, dtype = (Kind.BOOLEAN, np.bool_) if cells.dtype.kind == "b" else (Kind.TEXT, object)
    return Column(name, kind, cells.astype(dtype), np.zeros(len(cells), dtype=np.bool_))


def batches(
    source: Any,
    *,
    rows: int = _ROWS,
    columns: Sequence[str] | None = None,
    text: Collection[str] = (),
    without: Collection[str] = (),
) -> Iterator[Table]:
    """The same table in pieces of at most `rows` rows, in order, in bounded memory; kinds are those of the whole.

    >>> [batch.n_rows for batch in batches("SELECT range AS x FROM range(5)", rows=2)]
    [2, 2, 1]
    """
    if isinstance(source, Table):
        whole = read(source, columns=columns, without=without)
        for start in range(0, whole.n_rows, rows):
            yield whole.take(slice(start, start + rows))
        return
    opened = _open(source, columns, text, without)
    try:
        first = 1
        for batch in opened.stream(rows):
            for start in range(0, batch.num_rows, rows):
                piece = _table(opened, [batch.slice(start, rows)], first)
                first += piece.n_rows
                yield piece
        if first == 1:
            _table(opened, [], first)
    finally:
        opened.close()


def _open(source: Any, columns: Sequence[str] | None, text: Collection[str], without: Collection[str]) -> Source:
    opened = open_source(source, text, without)
    if columns is not None:
        try:
            opened.select(columns)
        except BaseException:
            opened.close()
            raise
    return opened


def _check_size(rows: int, most: int, source: Source) -> None:
    if rows > most:
        raise TableError(
            f"{source.name} has {rows:,} rows or more and {len(source.fields)} columns, of which half of the memory "
            f"holds {most:,} rows; take fewer columns, or a sample of the rows with a query."
        )


def _table(source: Source, batches: Sequence[Any], first: int) -> Table:
    """Arrow record batches as a table whose first row has the number `first`; refuses one without rows."""
    import pyarrow as pa

    rows = sum(batch.num_rows for batch in batches)
    if not rows:
        raise TableError(f"{source.name} has column names but no rows; at least one row is needed.")
    numbers = np.arange(first, first + rows)
    arrays = (pa.chunked_array([batch.column(i) for batch in batches]) for i in range(len(source.fields)))
    columns = (_column(field, array, numbers, source.name) for field, array in zip(source.fields, arrays, strict=True))
    return Table(source.name, tuple(columns), numbers)


def _column(field: Field, cells: Any, numbers: Int[np.ndarray, " n"], where: str) -> Column:
    import pyarrow as pa

    missing = _array(cells.is_null().cast(pa.uint8())).view(np.bool_)
    if field.kind is Kind.TEXT:
        # Each word becomes one Python string, shared by all its cells.
        coded = cells.dictionary_encode().combine_chunks()
        coded = pa.concat_arrays(coded.chunks) if isinstance(coded, pa.ChunkedArray) else coded
        words = np.array([*coded.dictionary.to_pylist(), ""], dtype=object)
        values = words[np.where(missing, len(words) - 1, _array(pa.chunked_array([coded.indices])))]
    elif field.kind is Kind.BOOLEAN:
        values = _array(cells.cast(pa.uint8())).view(np.bool_) & ~missing
    elif field.kind is Kind.DATE:
        values = _array(cells.cast(pa.timestamp("us")).cast(pa.int64())).view("datetime64[us]")
        values[missing] = np.datetime64("NaT")
        extreme = np.iinfo(np.int64).max  # DuckDB's infinity; its minus infinity is the negative of it
        _refuse_infinite(np.abs(values.view(np.int64)) == extreme, values, field, numbers, where)
    else:
        values = _array(cells.cast(pa.float64(), safe=False))
        values[missing] = np.nan
        missing = missing | np.isnan(values)
        _refuse_infinite(np.isinf(values), values, field, numbers, where)
    return Column(field.name, field.kind, values, missing, field.integer)


def _array(cells: Any) -> np.ndarray:
    """Numbers as an array, anything where they are null. (to_numpy and fill_null import pandas: half a second.)"""
    import pyarrow as pa

    whole = pa.concat_arrays(cells.chunks)
    bare = pa.Array.from_buffers(whole.type, len(whole), [None, whole.buffers()[1]], offset=whole.offset)
    return np.array(np.from_dlpack(bare))


def _refuse_infinite(
    infinite: Bool[np.ndarray, " n"], values: np.ndarray, field: Field, numbers: Int[np.ndarray, " n"], where: str
) -> None:
    if infinite.any():
        row = int(np.argmax(infinite))
        value = "infinity" if field.kind is Kind.DATE else str(values[row])
        raise TableError(
            f"Column {field.name!r} of {where} has an infinite value ({value}) in row {numbers[row]}; "
            f"correct the cell or leave it empty."
        )
