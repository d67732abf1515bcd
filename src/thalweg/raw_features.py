"""The columns of an encoder as trees take them: in their own units, missing cells as nan, nothing scaled.

A tree asks whether a number is at most a threshold, which no scaling changes; so its rules are best written in the
units of the table. `plain` has a feature of 0 and 1 for each value of a category, which a single question can ask
about; `coded` has one feature for each category, whose numbers are names: boosted trees group them as they need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg.coercion import as_booleans, as_dates, as_numbers
from thalweg.encoding import Encoder
from thalweg.features import Boolean, Category, Date, Number, Presence, Role, TwoValues, codes_of, date_parts
from thalweg.table import Column, Table


if TYPE_CHECKING:
    from jaxtyping import Bool, Float

# The date parts as people count them: months and days from 1.
_FIRST = {"month": 1}


@dataclass(frozen=True)
class RawFeature:
    """One number that a tree can ask about.

    >>> RawFeature("age", "age").says(37.5, at_most=True), RawFeature("job = clerk", "job", "clerk").says(0.5, True)
    ('age ≤ 37.5', 'job is not clerk')
    """

    name: str
    column: str
    value: str | None = None  # where the number is 1 for this value and 0 for another
    other: str | None = None  # what 0 stands for, where it is one value

    def says(self, threshold: float, at_most: bool) -> str:
        """The condition that the number is at most the threshold, or that it is above it."""
        if self.value is None:
            bound = f"{threshold:,.6g}".replace("-", "−")
            return f"{self.name} {'≤' if at_most else '>'} {bound}"
        if not at_most:
            return f"{self.column} is {self.value}"
        return f"{self.column} is not {self.value}" if self.other is None else f"{self.column} is {self.other}"


@dataclass(frozen=True, eq=False)
class RawFeatures:
    """The features of an encoder's columns before scaling.

    >>> from thalweg.table import read
    >>> rows = read("SELECT * FROM (VALUES (1.5, 'a', 0), (NULL, 'b', 1), (3.0, 'c', 1), (2.0, 'a', 0), (4.0, 'b', 1), "
    ...             "(5.0, 'c', 0)) AS t(x, job, y)")
    >>> raw = RawFeatures(Encoder.learn(rows, ["y"]))
    >>> [one.name for one in raw.plain_features], raw.plain(rows)[1].tolist()
    (['x', 'job = a', 'job = b', 'job = c', 'job = (rare or unseen)'], [nan, 0.0, 1.0, 0.0, 0.0])
    >>> raw.coded(rows)[1].tolist(), raw.categorical.tolist()
    ([nan, 1.0], [False, True])
    """

    encoder: Encoder

    @property
    def plain_features(self) -> tuple[RawFeature, ...]:
        """What each column of `plain` is."""
        return tuple(one for role in self.encoder.roles for one in _named(role, slots=True))

    @property
    def coded_features(self) -> tuple[RawFeature, ...]:
        """What each column of `coded` is."""
        return tuple(one for role in self.encoder.roles for one in _named(role, slots=False))

    @property
    def categorical(self) -> Bool[np.ndarray, " e"]:
        """Which columns of `coded` hold numbers of categories."""
        return np.array([isinstance(role, Category) for role in self.encoder.roles for _ in _named(role, slots=False)])

    def plain(self, table: Table) -> Float[np.ndarray, "n d"]:
        """Features of which each category has one of 0 and 1 for every value; raises TableError as `encode` does."""
        return self._of(table, lambda role, column: role.encode(column, table))

    def coded(self, table: Table) -> Float[np.ndarray, "n e"]:
        """Features of which each category has one, the number of its value; raises TableError as `encode` does."""
        return self._of(table, lambda role, column: _coded(role, column)[:, None])

    def _of(self, table: Table, category: Callable[[Category, Column], np.ndarray]) -> np.ndarray:
        columns = {column.name: column for column in table.columns}
        parts = [
            category(role, columns[role.column])
            if isinstance(role, Category)
            else _numbers(role, columns[role.column], table)
            for role in self.encoder.roles
        ]
        return np.concatenate(parts, axis=1)


def _named(role: Role, *, slots: bool) -> Iterator[RawFeature]:
    if isinstance(role, Category) and slots:
        yield from (RawFeature(name, role.column, name.removeprefix(f"{role.column} = ")) for name in role.names)
    elif isinstance(role, Boolean):
        yield RawFeature(role.column, role.column, "true", "false")
    elif isinstance(role, TwoValues):
        yield RawFeature(role.names[0], role.column, role.high, role.low)
    elif isinstance(role, Presence):
        yield RawFeature(role.names[0], role.column, "missing")
    elif isinstance(role, Date):
        yield from (RawFeature(f"{role.column}: {part}", role.column) for part in _parts(role))
    else:
        yield RawFeature(role.column, role.column)


def _numbers(role: Role, column: Column, table: Table) -> np.ndarray:
    """One feature, or of a date one for each part that varied in training."""
    if isinstance(role, Number):
        return as_numbers(column, table)[:, None]
    if isinstance(role, Boolean):
        truth, missing = as_booleans(column, table)
        return np.where(missing, np.nan, truth.astype(np.float64))[:, None]
    if isinstance(role, TwoValues):
        return np.array([0.0, 1.0, np.nan])[codes_of(column, (role.low, role.high), missing=2, other=2)][:, None]
    if isinstance(role, Date):
        dates = as_dates(column, table)
        missing = np.isnat(dates)
        parts = date_parts(np.where(missing, np.datetime64(0, "us"), dates))
        return np.stack([np.where(missing, np.nan, parts[part] + _FIRST.get(part, 0)) for part in _parts(role)], axis=1)
    return role.encode(column, table)  # a presence is 0 or 1 as it is


def _parts(role: Date) -> tuple[str, ...]:
    return tuple(part for part, scale in (("year", role.year), ("day", role.day)) if scale is not None) + role.cycles


def _coded(role: Category, column: Column) -> np.ndarray:
    """The place of each value, then of rare and unseen ones; nan where missing, as boosted trees take it."""
    other = len(role.values)
    codes = codes_of(column, role.values, missing=other + 1, other=other)
    return np.where(codes > other, np.nan, codes.astype(np.float64))
