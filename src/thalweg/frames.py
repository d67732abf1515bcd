"""Data frames of any library (pandas, Polars, PyArrow and what else Narwhals knows) as one Arrow table."""

from collections.abc import Iterable, Sequence
from typing import Any

from thalweg.errors import TableError


def to_arrow(frame: Any, name: str) -> Any:
    """The Arrow table of a frame, its names as text, its index left out; categories of any type become text.

    Raises TableError for something that is no data frame and for a column whose cells are of different types.
    """
    import narwhals.stable.v2 as nw
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return _plain(frame)
    native = nw.to_native(frame, pass_through=True)
    if nw.dependencies.is_pandas_like_dataframe(native):
        return _plain(_from_pandas(native, name))
    try:
        table = nw.from_native(native)
    except TypeError as error:
        given = type(frame).__name__
        raise TableError(f"A table cannot be read from {given}; give a path, an SQL query or a data frame.") from error
    try:
        eager = table.collect() if isinstance(table, nw.LazyFrame) else table
        objects = [column for column, dtype in eager.schema.items() if dtype == nw.Object]
        arrow = None if objects else eager.to_arrow()
    except Exception as error:  # each library fails in its own way, as a column may hold any object
        raise TableError(f"The data frame cannot be read: {str(error).strip().splitlines()[0]}") from error
    if objects:
        raise TableError(
            f"Column {objects[0]!r} of {name} holds Python objects; make it numbers or text, or leave it out."
        )
    return _plain(arrow)


def from_cells(columns: Iterable[Any], labels: Sequence[str], name: str) -> Any:
    """The Arrow table of one-dimensional arrays or series; nan and None are missing.

    Raises TableError for a column whose cells are of different types.

    >>> import numpy as np
    >>> from_cells(np.array([[1, "a"], [None, "b"]], dtype=object).T, ["x0", "x1"], "the array").to_pydict()
    {'x0': [1, None], 'x1': ['a', 'b']}
    """
    import pyarrow as pa

    arrays = []
    for label, column in zip(labels, columns, strict=True):
        try:
            arrays.append(pa.array(column, from_pandas=True))
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise TableError(_mixed(column, label, name, error)) from error
    flat = [array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array for array in arrays]
    return pa.table(flat, names=list(labels))


def _from_pandas(frame: Any, name: str) -> Any:
    columns = (_without_intervals(frame.iloc[:, place]) for place in range(len(frame.columns)))
    return from_cells(columns, [str(label) for label in frame.columns], name)


def _without_intervals(column: Any) -> Any:
    """The column; the categories of pandas.cut, which Arrow has no type for, as the text that pandas shows."""
    categories = getattr(column.dtype, "categories", None)
    if not str(getattr(categories, "dtype", "")).startswith("interval"):
        return column
    return column.astype(object).map(str, na_action="ignore")


def _mixed(column: Any, label: str, name: str, error: Exception) -> str:
    """Which cell of a column does not fit the first."""
    first = None
    for row, cell in enumerate(column, 1):
        if cell is None or cell != cell:
            continue
        first = cell if first is None else first
        if type(cell) is not type(first):
            return (
                f"Column {label!r} of {name} mixes {type(first).__name__} and {type(cell).__name__} "
                f"(row {row}: {cell!r}); make it one type."
            )
    reason = str(error).strip().splitlines()[0].rstrip(".")
    return f"Column {label!r} of {name} cannot be read ({reason}); make it numbers or text, or leave it out."


def _plain(table: Any) -> Any:
    """Dictionaries (declared categories) as text and half-precision numbers, which DuckDB does not know, as single."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            text = table.column(place).cast(field.type.value_type).cast(pa.string())
            table = table.set_column(place, field.name, text)
        elif pa.types.is_float16(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.float32()))
    return table
