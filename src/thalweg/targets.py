"""What is predicted: a column of classes, or a column of numbers in units of its standard deviation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.coercion import as_booleans, as_numbers, as_texts, factorize, is_plain_number, shown
from thalweg.errors import TableError
from thalweg.table import Column, Kind, Table


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped


MAX_CLASSES = 1_000
# Integers of at most this many values are classes unless the task says otherwise.
FEW_INTEGERS = 10
_EXACT = 2.0**53
# Standard deviations: no training row is so far out, and the square of another one's must be finite in float32.
FARTHEST = 1e15
_FORMS = {"text": str, "boolean": bool, "integer": int, "number": float}


@dataclass(frozen=True)
class ClassTarget:
    """A target of classes; labels keep their type and are in order, `form` names the type."""

    column: str
    form: str
    labels: tuple[str | bool | int | float, ...]

    def __post_init__(self) -> None:
        if self.form not in _FORMS or any(type(label) is not _FORMS[self.form] for label in self.labels):
            raise ValueError(f"labels must all be {self.form}")
        if len(self.labels) < 2 or any(a >= b for a, b in zip(self.labels, self.labels[1:], strict=False)):  # type: ignore[operator]
            raise ValueError("labels must be two or more, different and in order")

    @classmethod
    def learn(cls, column: Column, where: str) -> ClassTarget:
        """The classes in a column; raises TableError for dates, fewer than two classes or more than MAX_CLASSES."""
        _refuse_date(column, where)
        present = column.values[~column.missing]
        labels: list[Any] = sorted(set(present.tolist()))
        _refuse_constant(labels, column, where)
        if len(labels) > MAX_CLASSES:
            raise TableError(
                f"The target {column.name!r} of {where} has {len(labels):,} values, and at most {MAX_CLASSES:,} "
                f"can be classes; predict it as a number (task 'regression') or group its values."
            )
        form = {Kind.TEXT: "text", Kind.BOOLEAN: "boolean", Kind.NUMBER: "integer" if column.integer else "number"}
        if form[column.kind] == "integer":
            if max(abs(label) for label in labels) > _EXACT:
                raise TableError(
                    f"The classes of {column.name!r} in {where} are integers beyond 2^53; store them as text."
                )
            labels = [int(label) for label in labels]
        return cls(column.name, form[column.kind], tuple(labels))

    @property
    def classes(self) -> Shaped[np.ndarray, " k"]:
        """The labels as an array; text as objects."""
        return np.array(self.labels, dtype=object if self.form == "text" else None)

    def encode(self, column: Column, table: Table) -> Int[np.ndarray, " n"]:
        """The place of each cell's label; raises TableError for a missing cell or an unknown label."""
        if self.form == "text":
            cells, missing = as_texts(column, {str(label) for label in self.labels})
        elif self.form == "boolean":
            cells, missing = as_booleans(column, table)
        else:
            cells = as_numbers(column, table)
            missing = np.isnan(cells)
        _refuse_missing(missing, column, table)
        values, codes = np.unique(cells, return_inverse=True)
        places = {label: i for i, label in enumerate(self.labels)}
        found = np.array([places.get(value, -1) for value in values.tolist()], dtype=np.int64)[codes]
        if (found < 0).any():
            row = int(np.argmax(found < 0))
            raise TableError(
                f"Target {column.name!r} of {table.name} has {shown(cells.tolist()[row])} in row "
                f"{table.row_number(row)}, which is none of the classes in training; leave the row out."
            )
        return found


@dataclass(frozen=True)
class NumberTarget:
    """A target of numbers, standardised by the mean and the standard deviation of the training rows."""

    column: str
    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not self.deviation > 0.0:
            raise ValueError(f"a standard deviation must be positive, not {self.deviation!r}")

    @classmethod
    def learn(cls, column: Column, where: str) -> NumberTarget:
        """Mean and deviation; raises TableError for text, for dates and where all cells are equal or missing."""
        _refuse_date(column, where)
        present = column.values[~column.missing]
        values = factorize(present)[1] if column.kind is Kind.TEXT else np.unique(present).tolist()
        _refuse_constant(values, column, where)
        if column.kind is Kind.TEXT:
            odd = next((word for word in values if not is_plain_number(word)), values[0])
            raise TableError(
                f"The target {column.name!r} of {where} is text, not a number (it holds {shown(odd)}); predict it as "
                f"classes (task 'classification') or correct its cells."
            )
        present = present.astype(np.float64)
        # In units of the largest value, whose square cannot overflow.
        unit = float(np.abs(present).max())
        mean, deviation = float((present / unit).mean() * unit), float((present / unit).std() * unit)
        return cls(column.name, mean, deviation or float(np.finfo(np.float64).tiny))

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, " n"]:
        """Standardised; halves, because the difference of two finite numbers may overflow. At most FARTHEST."""
        values = as_numbers(column, table)
        _refuse_missing(np.isnan(values), column, table)
        with np.errstate(over="ignore"):
            standardised = (values / 2.0 - self.mean / 2.0) / (self.deviation / 2.0)
        return np.clip(standardised, -FARTHEST, FARTHEST)

    def decode(self, outputs: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """In the target's own units, at most the largest float64."""
        largest = np.finfo(np.float64).max
        with np.errstate(over="ignore"):
            # float32 outputs have neither the range nor, beside a large mean, the digits
            return np.clip(outputs.astype(np.float64) * self.deviation + self.mean, -largest, largest)


Target = ClassTarget | NumberTarget


def are_classes(column: Column) -> bool:
    """The rule of task "auto": text, booleans and integers of at most FEW_INTEGERS values are classes."""
    if column.kind is Kind.NUMBER:
        return column.integer and len(np.unique(column.values[~column.missing])) <= FEW_INTEGERS
    return True


def _refuse_date(column: Column, where: str) -> None:
    if column.kind is Kind.DATE:
        raise TableError(f"The target {column.name!r} of {where} is a date; take a number or classes derived from it.")


def _refuse_constant(values: list[Any], column: Column, where: str) -> None:
    if not values:
        raise TableError(f"The target {column.name!r} of {where} is missing in every row; there is nothing to learn.")
    if len(values) == 1:
        raise TableError(
            f"The target {column.name!r} of {where} is {shown(values[0])} in every row; there is nothing to learn."
        )


def _refuse_missing(missing: Any, column: Column, table: Table) -> None:
    if missing.any():
        row = table.row_number(int(np.argmax(missing)))
        raise TableError(
            f"Target {column.name!r} of {table.name} is missing in row {row}; leave out rows without a target."
        )
