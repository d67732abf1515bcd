"""What a column can be to a network: one small class for each role, learned on training rows and frozen.

Each role has `learn`, `names` (of its features) and `encode`; a further role is a class and a row in ROLES.
Numbers, and the year and day of dates, are scaled as in RealMLP (Holzmüller et al., arXiv 2407.04491, section 3):
x ← (x − median) · s with s = 1 / (q75 − q25), or 2 / (max − min) where the quartiles are equal, then
x ← x / √(1 + (x / 3)²), which keeps order and stays below 3 in size. Features that are 0 or 1 are not scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from thalweg.coercion import as_booleans, as_dates, as_numbers, as_texts, factorize
from thalweg.table import Column, Table


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Shaped


# A value in fewer training rows than `rare_below` shares one slot with the other rare and all unseen values.
RARE_ROWS = 10
RARE_SHARE = 100
MAX_SLOTS = 50
# Beyond this a scaled value is ±3 to the last bit, and its square is still finite.
HUGE = 1e150


class Role(Protocol):
    """A column's part in the input of a network."""

    role: ClassVar[str]

    @property
    def column(self) -> str:
        """The column of the table."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """One name for each feature."""
        ...

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, "n width"]:
        """The features; raises TableError for a cell that cannot be what it was in training."""
        ...


@dataclass(frozen=True)
class Scale:
    """Robust scaling and smooth clipping; half of each number is kept so that no difference of two overflows.

    >>> Scale.learn(np.array([1.0, 2.0, 3.0, 4.0, 5.0])).apply(np.array([3.0, 5.0])).round(4).tolist()
    [0.0, 0.9487]
    """

    centre: float
    half_width: float

    def __post_init__(self) -> None:
        if not self.half_width > 0.0:
            raise ValueError(f"a scale's width must be positive, not {self.half_width!r}")

    @classmethod
    def learn(cls, values: Float[np.ndarray, " n"]) -> Scale:
        """From training values without nan, of which two or more differ."""
        halves = values / 2.0
        low, middle, high = np.quantile(halves, (0.25, 0.5, 0.75))
        width = high - low if high > low else (halves.max() - halves.min()) / 2.0
        return cls(float(2.0 * middle), float(width) or float(np.finfo(np.float64).tiny))

    def apply(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Scaled and clipped; a missing value (nan) is the median, 0."""
        with np.errstate(over="ignore"):
            scaled = (values / 2.0 - self.centre / 2.0) / self.half_width
        scaled = np.clip(np.nan_to_num(scaled, nan=0.0, posinf=HUGE, neginf=-HUGE), -HUGE, HUGE)
        return scaled / np.sqrt(1.0 + (scaled / 3.0) ** 2)


@dataclass(frozen=True)
class Number:
    """A scaled number, and whether it is missing where training saw missing cells."""

    role: ClassVar[str] = "number"
    column: str
    scale: Scale
    indicator: bool

    @classmethod
    def learn(cls, column: Column) -> Number:
        """From a NUMBER column of which two or more values differ."""
        return cls(column.name, Scale.learn(column.values[~column.missing]), bool(column.missing.any()))

    @property
    def names(self) -> tuple[str, ...]:
        """The number, and the indicator if there is one."""
        return (self.column, f"{self.column} is missing") if self.indicator else (self.column,)

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, "n width"]:
        """One or two features."""
        values = as_numbers(column, table)
        return _beside([self.scale.apply(values)], np.isnan(values), self.indicator)


@dataclass(frozen=True)
class Boolean:
    """True +1, false −1, missing 0."""

    role: ClassVar[str] = "boolean"
    column: str

    @property
    def names(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.column,)

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, "n width"]:
        """One feature."""
        truth, missing = as_booleans(column, table)
        return np.where(missing, 0.0, np.where(truth, 1.0, -1.0))[:, None]


@dataclass(frozen=True)
class TwoValues:
    """Text of two values: the first in alphabetical order −1, the second +1, missing or unseen 0."""

    role: ClassVar[str] = "two values"
    column: str
    low: str
    high: str

    @classmethod
    def learn(cls, column: Column) -> TwoValues:
        """From a TEXT column with exactly two values."""
        low, high = sorted(set(column.values[~column.missing].tolist()))
        return cls(column.name, low, high)

    @property
    def names(self) -> tuple[str, ...]:
        """The column and the value that is +1."""
        return (f"{self.column} = {self.high}",)

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, "n width"]:
        """One feature."""
        del table  # any text is accepted
        codes = codes_of(column, (self.low, self.high), missing=2, other=2)
        return np.array([-1.0, 1.0, 0.0])[codes][:, None]


@dataclass(frozen=True)
class Category:
    """A slot (0 or 1) for each frequent value, one for rare and unseen ones, one for missing where training had it."""

    role: ClassVar[str] = "category"
    column: str
    values: tuple[str, ...]
    missing_slot: bool

    def __post_init__(self) -> None:
        if len(set(self.values)) != len(self.values):
            raise ValueError("a category's values must differ")

    @classmethod
    def learn(cls, column: Column, rare_below: int) -> Category:
        """From a TEXT column: the MAX_SLOTS most frequent values of at least `rare_below` rows."""
        codes, words = factorize(column.values[~column.missing])
        counts = np.bincount(codes, minlength=len(words))
        order = sorted(range(len(words)), key=lambda i: (-counts[i], words[i]))
        kept = tuple(words[i] for i in order[:MAX_SLOTS] if counts[i] >= rare_below)
        return cls(column.name, kept, bool(column.missing.any()))

    @property
    def names(self) -> tuple[str, ...]:
        """One for each slot."""
        slots = (*self.values, "(rare or unseen)", *(("(missing)",) if self.missing_slot else ()))
        return tuple(f"{self.column} = {slot}" for slot in slots)

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, "n width"]:
        """One feature for each slot, exactly one of them 1."""
        del table  # any text is accepted
        other = len(self.values)
        codes = codes_of(column, self.values, missing=other + self.missing_slot, other=other)
        features = np.zeros((len(codes), len(self.names)))
        features[np.arange(len(codes)), codes] = 1.0
        return features


@dataclass(frozen=True)
class Date:
    """The parts of a date that vary in training: year and day scaled, month, weekday and hour as points on a circle."""

    role: ClassVar[str] = "date"
    column: str
    year: Scale | None
    day: Scale | None
    cycles: tuple[str, ...]
    indicator: bool

    def __post_init__(self) -> None:
        if not set(self.cycles) <= set(CYCLES):
            raise ValueError(f"a date's cycles must be among {', '.join(CYCLES)}")

    @classmethod
    def learn(cls, column: Column) -> Date | None:
        """From a DATE column; None where no part varies."""
        parts = date_parts(column.values[~column.missing])
        varies = {part for part, values in parts.items() if len(values) and values.min() < values.max()}
        if not varies:
            return None
        year, day = (Scale.learn(parts[p].astype(np.float64)) if p in varies else None for p in ("year", "day"))
        cycles = tuple(part for part in CYCLES if part in varies)
        return cls(column.name, year, day, cycles, bool(column.missing.any()))

    @property
    def names(self) -> tuple[str, ...]:
        """The parts in the order year, day, month, weekday, hour."""
        scaled = [part for part, scale in (("year", self.year), ("day", self.day)) if scale is not None]
        cyclic = [f"{part} {axis}" for part in self.cycles for axis in ("sin", "cos")]
        parts = (f"{self.column}: {part}" for part in scaled + cyclic)
        return (*parts, f"{self.column} is missing") if self.indicator else tuple(parts)

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, "n width"]:
        """One feature for year and day, two for each cycle; all are 0 where the date is missing."""
        dates = as_dates(column, table)
        missing = np.isnat(dates)
        parts = date_parts(np.where(missing, np.datetime64(0, "us"), dates))
        scaled = [
            scale.apply(parts[part].astype(np.float64))
            for part, scale in (("year", self.year), ("day", self.day))
            if scale is not None
        ]
        features = [*scaled, *(axis for part in self.cycles for axis in on_circle(parts[part], part))]
        return _beside([np.where(missing, 0.0, feature) for feature in features], missing, self.indicator)


@dataclass(frozen=True)
class Presence:
    """Only whether the cell is missing: of a column with a single value and missing cells."""

    role: ClassVar[str] = "presence"
    column: str

    @property
    def names(self) -> tuple[str, ...]:
        """The indicator."""
        return (f"{self.column} is missing",)

    def encode(self, column: Column, table: Table) -> Float[np.ndarray, "n width"]:
        """One feature, 1 where missing."""
        del table  # any cell is accepted
        return column.missing.astype(np.float64)[:, None]


# How many steps make a full turn.
CYCLES: Mapping[str, int] = {"month": 12, "weekday": 7, "hour": 24}
ROLES = {role.role: role for role in (Number, Boolean, TwoValues, Category, Date, Presence)}
# Kinds whose files are best read with the cells as they are written: 007 is not 7.
TEXT_ROLES = (TwoValues, Category)


def rare_below(rows: int) -> int:
    """The fewest training rows that give a value its own slot: 1 % of the rows, but at least 2 and at most 10.

    >>> rare_below(48_842), rare_below(300), rare_below(20)
    (10, 3, 2)
    """
    return min(RARE_ROWS, max(2, rows // RARE_SHARE))


def on_circle(steps: Int[np.ndarray, " n"], part: str) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Sine and cosine of these months, weekdays or hours, a full turn being CYCLES[part] steps."""
    angles = 2.0 * np.pi * steps / CYCLES[part]
    return np.sin(angles), np.cos(angles)


def codes_of(column: Column, values: tuple[str, ...], missing: int, other: int) -> Int[np.ndarray, " n"]:
    """The place of each cell's text among `values`, `missing` or `other`."""
    texts, absent = as_texts(column, values)
    codes, words = factorize(texts)
    places = {value: i for i, value in enumerate(values)}
    found = np.array([places.get(word, other) for word in words], dtype=np.int64)[codes]
    return np.where(absent, missing, found)


def date_parts(dates: Shaped[np.ndarray, " n"]) -> dict[str, Int[np.ndarray, " n"]]:
    """Year, month (0 = January), day, weekday (0 = Monday) and hour."""
    days = dates.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return {
        "year": dates.astype("datetime64[Y]").astype(np.int64) + 1970,
        "month": months.astype(np.int64) % 12,
        "day": (days - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "weekday": (days.astype(np.int64) + 3) % 7,  # 1 January 1970 was a Thursday
        "hour": dates.astype("datetime64[h]").astype(np.int64) % 24,
    }


def _beside(
    features: list[Float[np.ndarray, " n"]], missing: Bool[np.ndarray, " n"], indicator: bool
) -> Float[np.ndarray, "n width"]:
    return np.stack([*features, missing.astype(np.float64)] if indicator else features, axis=1)
