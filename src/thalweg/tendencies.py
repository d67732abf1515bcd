"""Properties of a table that went with the success of networks or of trees on many others, and what they are here.

Sources: McElfresh et al., "When do neural nets outperform boosted trees on tabular data?", 2023, arXiv 2305.02997, who
correlate properties of 176 classification tables with how the families fared; Grinsztajn, Oyallon and Varoquaux, "Why
do tree-based models still outperform deep learning on tabular data?", 2022, arXiv 2207.08815, with experiments on 45.

They are tendencies: of all properties together (675 of them) the first paper's best model foretells the better family
for 74 % of the tables, and a tree of depth 3 for 60 % (table 15). `PROPERTIES` has one row for each that is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from thalweg import coercion
from thalweg.encoding import Encoder, drop_missing_targets
from thalweg.features import Category, Number, TwoValues
from thalweg.scores import number
from thalweg.table import Table
from thalweg.targets import ClassTarget


if TYPE_CHECKING:
    from jaxtyping import Float, Int

FORETOLD = (
    "From 675 such properties research foretold for 74 % of 176 tables whether networks or boosted trees do better, "
    "and with a few questions for 60 % (McElfresh et al. 2023, table 15): they are tendencies, no verdict."
)
_MISSING = 0x9E3779B97F4A7C15  # of no cell's bits
MCELFRESH, GRINSZTAJN = "McElfresh et al. 2023, arXiv 2305.02997", "Grinsztajn et al. 2022, arXiv 2207.08815"


@dataclass(frozen=True)
class Tendency:
    """One property of the data, and which way it points."""

    name: str  # of the property
    value: float | None  # None where the data have not got it
    shown: str  # the value for reading
    towards: str  # network, trees or neither
    strength: str  # strong, moderate, weak or none: how much such a property counted in research
    because: str  # what research measured, and where this table stands


@dataclass(frozen=True, eq=False)
class Seen:
    """A table whose every row has a target, as properties look at it."""

    table: Table
    encoder: Encoder

    @cached_property
    def numbers(self) -> Float[np.ndarray, "n c"]:
        """The columns of numbers, missing cells set to the median, in units of each column's largest value."""
        columns = [_filled(values) / unit for values, unit in zip(self._columns, self.units, strict=True)]
        return np.stack(columns, axis=1) if columns else np.empty((self.rows, 0))

    @cached_property
    def units(self) -> Float[np.ndarray, " c"]:
        """The largest value of each column of numbers, without its sign; 1 where all are 0."""
        return np.array([np.abs(values[~np.isnan(values)]).max(initial=0.0) or 1.0 for values in self._columns])

    @cached_property
    def varying(self) -> Float[np.ndarray, "n v"]:
        """Those of them that vary, with mean 0 and variance 1."""
        return _standardised(self.numbers)

    @cached_property
    def _columns(self) -> list[np.ndarray]:
        names = [role.column for role in self.encoder.roles if isinstance(role, Number)]
        return [coercion.as_numbers(self.table[name], self.table) for name in names]

    @property
    def rows(self) -> int:
        """How many."""
        return self.table.n_rows

    @cached_property
    def moments(self) -> Float[np.ndarray, "2 c"]:
        """Skewness and kurtosis (that of a normal distribution is 3) of each column that varies."""
        squares = self.varying * self.varying  # NumPy's powers beyond 2 take 20 times as long
        return np.stack([np.mean(squares * self.varying, axis=0), np.mean(squares * squares, axis=0)])

    @cached_property
    def class_rows(self) -> Int[np.ndarray, " k"]:
        """Rows of each class."""
        target = self.encoder.target_roles[0]
        assert isinstance(target, ClassTarget)
        return np.bincount(self.encoder.encode_targets(self.table), minlength=len(target.labels))

    @cached_property
    def signals(self) -> Float[np.ndarray, " c"]:
        """The canonical correlation of each varying column of numbers with the target.

        For classes it is the multiple correlation of the column with their indicators, √(variance of the class means /
        variance); for a number |r|.
        """
        if self.encoder.task == "classification":
            y, counts = self.encoder.encode_targets(self.table), self.class_rows
            sums = [np.bincount(y, column, len(counts)) for column in self.varying.T]
            return np.array([np.sqrt(np.sum(total**2 / np.maximum(counts, 1)) / self.rows) for total in sums])
        y = self.table[self.encoder.targets[0]].values.astype(np.float64)
        y = _standardised((y / (np.abs(y).max() or 1.0))[:, None])
        return np.abs(self.varying.T @ y)[:, 0] / self.rows if y.shape[1] else np.zeros(self.varying.shape[1])

    @cached_property
    def different_rows(self) -> int:
        """Rows that differ in some column that is used, or in the target.

        Rows are told apart by 64-bit hashes (the finalizer of SplitMix64, Steele et al. 2014), which agree by chance in
        one of 40 million tables of a million rows; to sort 494,000 rows by 41 columns took 8 s.
        """
        hashes = np.zeros(self.rows, dtype=np.uint64)
        for name in (*self.encoder.targets, *self.encoder.columns):
            column = self.table[name]
            codes = coercion.factorize(column.values)[0] if column.values.dtype == object else column.values
            bits = (codes + 0.0 if codes.dtype.kind == "f" else codes.astype(np.int64)).view(np.uint64)  # −0 is 0
            hashes ^= np.where(column.missing, np.uint64(_MISSING), bits)
            for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
                hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(factor)
            hashes ^= hashes >> np.uint64(31)
        return len(np.unique(hashes))


@dataclass(frozen=True)
class Property:
    """What is measured, and which way it points when it is low or high.

    A value below `low` is towards `low_is`, one of `high` or more towards `high_is`, and what is between is towards
    neither.
    """

    measure: Callable[[Seen], float | None]
    shown: Callable[[Seen, float], str]
    low: float
    high: float
    low_is: str
    high_is: str
    r: float  # the correlation that research measured, without its sign; 0: no figure, but an effect
    research: str  # what it measured, in a sentence
    tasks: tuple[str, ...] = ("classification", "regression")
    absent: str = "no column of numbers"  # what is said where the measure is None


# Below, `low` and `high` part 17 real tables of 1,000 to 494,000 rows (tests/test_tendencies.py has their figures) into
# thirds, rounded: the research gives correlations, no thresholds. Other reasons stand beside the figures.


def _share(seen: Seen) -> float:
    return float(seen.class_rows.min() / seen.rows)


def _categories(seen: Seen) -> float:
    return sum(isinstance(role, (Category, TwoValues)) for role in seen.encoder.roles) / len(seen.encoder.roles)


def _duplicates(seen: Seen) -> float:
    return 1.0 - seen.different_rows / seen.rows


def _plain(_: Seen, value: float) -> str:
    return number(value, 3)


def _count_and_share(count: int, of: str, share: float) -> str:
    return f"{count:,} {of if count != 1 else of.replace('rows', 'row')} ({share:.1%})"


PROPERTIES: dict[str, Property] = {
    "rows": Property(
        lambda seen: float(seen.rows), lambda seen, _: f"{seen.rows:,} rows", 7_000, 20_000, "network", "trees", 0.14,
        "The more rows, the better boosted trees did beside networks trained from scratch: r = 0.14 with the lead of "
        "CatBoost over ResNet on 176 tables (0.63 where the best network may be TabPFN, which is made for small data; "
        f"{MCELFRESH}, tables 14 and 20). Against it, networks did best on tables of millions of rows (TabM, arXiv "
        "2410.24210).",
    ),
    "rows per column": Property(
        lambda seen: seen.rows / len(seen.encoder.roles), _plain, 280, 1_750, "network", "trees", 0.14,
        "The more rows for each column, the better boosted trees did beside networks trained from scratch: r = 0.14 "
        f"with the lead of CatBoost over ResNet on 176 tables (0.55 with TabPFN among the networks; {MCELFRESH}, "
        "tables 14 and 20).",
    ),
    "largest skewness": Property(
        lambda seen: float(np.abs(seen.moments[0]).max()) if seen.moments.size else None, _plain, 3.9, 25,
        "network", "trees", 0.25,
        "Trees ask only whether a number is above a threshold, so that long tails do them no harm: r = 0.25 with the "
        f"lead of CatBoost over ResNet, 0.29 with that of XGBoost ({MCELFRESH}, table 19).",
    ),
    "range of skewness": Property(
        lambda seen: float(np.ptp(seen.moments[0])) if seen.moments.shape[1] > 1 else None, _plain, 4.7, 24,
        "network", "trees", 0.24,
        "Columns of unlike shapes were easier for trees: r = 0.24 with the lead of CatBoost over ResNet, 0.28 with "
        f"that of XGBoost ({MCELFRESH}, table 19).", absent="fewer than two columns of numbers",
    ),
    "unequal tails": Property(
        lambda seen: float(seen.moments[1].std(ddof=1)) if seen.moments.shape[1] > 1 else None,
        lambda _, value: f"a standard deviation of {number(value, 3)} among the columns' kurtosis", 11, 220,
        "network", "trees", 0.23,
        "Columns of which some have far heavier tails than others were easier for trees: r = 0.23 (of the logarithm) "
        f"with the lead of CatBoost over ResNet, 0.28 with that of XGBoost ({MCELFRESH}, table 19).",
        absent="fewer than two columns of numbers",
    ),
    "smallest class": Property(
        _share,
        lambda seen, share: _count_and_share(int(seen.class_rows.min()), "rows in the smallest class", share),
        0.13, 0.3, "trees", "network", 0.35,
        "The smaller the smallest class, the better boosted trees did beside networks: r = 0.35 with the logarithm of "
        f"its share ({MCELFRESH}, table 14).", tasks=("classification",),
    ),
    # Ours: more than ten classes are called many; of the 12 tables of classes 8 have two.
    "classes": Property(
        lambda seen: float(len(seen.class_rows)), lambda _, value: f"{value:,.0f} classes", 0, 11, "neither", "trees",
        0.23,
        "Many classes made a network (FT-Transformer) do worse beside the others: r = 0.23 to 0.32 with its own loss "
        f"({MCELFRESH}, table 3); nothing is known of few.", tasks=("classification",),
    ),
    "linear signal": Property(
        lambda seen: float(np.median(seen.signals)) if seen.signals.size else None,
        lambda _, value: f"a median correlation of {value:.3f} between a column of numbers and the target", 0.13, 0.22,
        "trees", "network", 0.41,
        "Where single columns follow the target in a straight line, networks did better: r = 0.41 with the median "
        f"canonical correlation ({MCELFRESH}, table 14).",
    ),
    # Ours: half of the columns. The paper compares tables with categories to tables of numbers alone, no shares.
    "categorical columns": Property(
        _categories, lambda seen, share: _count_and_share(
            round(share * len(seen.encoder.roles)), f"of {len(seen.encoder.roles):,} columns", share
        ), 0, 0.5, "neither", "trees", 0.0,
        "The lead of trees was somewhat larger on tables with categories than on tables of numbers alone, where most "
        f"of it remained ({GRINSZTAJN}, figures 1 and 2).",
    ),
    # No direction is known, but whoever reads figures of a comparison should know it.
    "duplicate rows": Property(
        _duplicates, lambda seen, share: _count_and_share(seen.rows - seen.different_rows, "rows", share),
        0, np.inf, "neither", "neither", 0.0,
        "Rows that are there several times may train and test at once, which flatters every model that remembers rows; "
        "no research says whom it flatters more.",
    ),
}  # fmt: skip


def properties(table: Table, encoder: Encoder) -> list[Tendency]:
    """What each property of `PROPERTIES` is on the rows that have a target, and which way it points.

    How much a property counts is by Cohen's words for a correlation (Statistical power analysis, 1988, section 3.2):
    strong from 0.5, moderate from 0.3, else weak; none where the value points neither way.

    Raises:
        TableError: the table has not the encoder's columns, or no row with a target.

    >>> from thalweg.table import read
    >>> rows = read("SELECT range AS x, range % 2 = 0 AS y FROM range(40)")
    >>> found = properties(rows, Encoder.learn(rows, ["y"], keep=["x"]))
    >>> found[0].name, found[0].shown, found[0].towards, found[0].strength
    ('rows', '40 rows', 'network', 'weak')
    """
    seen = Seen(drop_missing_targets(table, encoder.targets)[0], encoder)
    return [_tendency(name, one, seen) for name, one in PROPERTIES.items() if encoder.task in one.tasks]


def _tendency(name: str, one: Property, seen: Seen) -> Tendency:
    value = one.measure(seen)
    if value is None:
        return Tendency(name, None, "–", "neither", "none", f"{one.research} Here there is {one.absent}.")
    shown = one.shown(seen, value)
    towards = one.low_is if value < one.low else one.high_is if value >= one.high else "neither"
    strength = "none" if towards == "neither" else words(one.r)
    return Tendency(name, value, shown, towards, strength, f"{one.research} Here: {shown}{_place(one, value)}.")


def _place(one: Property, value: float) -> str:
    """Where the value lies, after the value."""
    if one.low_is == one.high_is:
        return ""
    low, high = (number(bound, 2) if bound < 10 else f"{bound:,.0f}" for bound in (one.low, one.high))
    if value < one.low:
        return f", which is low (below {low})"
    if value >= one.high:
        return f", which is high (from {high})"
    return f", which is between (from {low} to {high})" if one.low else f", which is not high (from {high})"


def words(r: float) -> str:
    """A correlation as Cohen calls it.

    >>> words(0.41)
    'moderate'
    """
    return "strong" if r >= 0.5 else "moderate" if r >= 0.3 else "weak"


def _filled(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Missing values set to the median, halved on the way: the middle of two large numbers may overflow."""
    present = values[~np.isnan(values)]
    return np.where(np.isnan(values), 2.0 * np.median(present / 2.0) if len(present) else 0.0, values)


def _standardised(columns: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n v"]:
    """Those columns that vary beyond rounding, with mean 0 and variance 1."""
    centred = columns - columns.mean(axis=0)
    deviation = centred.std(axis=0)
    varies = deviation > 1e-14 * np.abs(columns).max(axis=0, initial=1e-300)
    return centred[:, varies] / deviation[varies]
