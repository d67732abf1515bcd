"""Properties of tables: by SciPy and by hand, on real tables as measured before, and where there is nothing."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats

from thalweg.encoding import Encoder
from thalweg.table import Column, Kind, Table, as_column, read
from thalweg.tendencies import PROPERTIES, Seen, properties, words


# Measured before this code was written, by other code, moments without bias: rows, columns, largest skewness, range of
# skewness, standard deviation of kurtosis, median canonical correlation, share of the smallest class.
MEASURED: dict[str, tuple[Any, ...]] = {
    "spambase.csv.gz": (4_601, 57, 31.06, 29.47, 297.2, 0.14, 0.39404),
    "spamassassin_features.csv.gz": (6_046, 47, 52.92, 53.53, 847.7, 0.186, 0.3136),
    "adult.parquet": (48_842, 14, 11.89, 12.21, 60.4, 0.225, 0.23928),
    "bank_marketing.parquet": (45_211, 16, 41.85, 41.75, 1_691.3, 0.073, 0.11698),
    "german_credit.csv": (1_000, 20, 1.95, 2.48, 1.9, 0.072, 0.3),
    "covertype_15k.parquet": (15_120, 54, 122.96, 124.06, 2_926.5, 0.224, 0.14286),
    "higgs_7k.csv.gz": (7_500, 28, 5.73, 5.74, 14.1, 0.018, 0.46827),
    "magic_telescope.parquet": (19_020, 10, 3.37, 4.49, 5.6, 0.146, 0.35163),
    "letter.parquet": (20_000, 16, 1.16, 1.47, 0.7, 0.566, 0.0367),
    "mnist_10k.parquet": (10_000, 784, 100.0, 100.28, 2_271.8, 0.336, 0.0892),
    "skin_segmentation.parquet": (245_057, 3, 0.62, 0.58, 0.2, 0.12, 0.20754),
    "kddcup99_10pct.parquet": (494_021, 41, 699.21, 701.94, 95_596.2, 0.658, 0.0),
    "california_housing.parquet": (20_640, 9, 4.94, 5.23, 25.6, 0.086, None),
    "bike_sharing_hour.parquet": (17_379, 12, 5.64, 6.42, 8.9, 0.16, None),
    "abalone.csv": (4_177, 8, 3.13, 3.77, 28.7, 0.557, None),
    "wine_quality.csv": (6_497, 12, 5.4, 5.4, 14.6, 0.077, None),
    "concrete_strength.csv": (1_030, 8, 3.27, 3.52, 4.4, 0.228, None),
}
KEYS = ("rows", "", "largest skewness", "range of skewness", "unequal tails", "linear signal", "smallest class")
TARGETS = {"german_credit.csv": "class", "spambase.csv.gz": "class", "abalone.csv": "rings", "adult.parquet": "income"}
DUPLICATES = {"german_credit.csv": 0, "spambase.csv.gz": 391, "abalone.csv": 0, "adult.parquet": 52}


def _half_digit(key: str) -> float:
    """By how much rounding may have moved a figure of MEASURED."""
    return {"unequal tails": 0.05, "linear signal": 5e-4, "smallest class": 5e-6}.get(key, 5e-3)


def measured(table: Table, target: str = "y", **options: Any) -> dict[str, Any]:
    return {one.name: one for one in properties(table, Encoder.learn(table, [target], **options))}


def table_of(**columns: Any) -> Table:
    return Table("made", tuple(as_column(name, np.asarray(cells)) for name, cells in columns.items()))


@pytest.mark.parametrize("file", TARGETS)
def test_the_figures_of_real_tables_are_those_measured_before(file, shared):
    table = read(shared / "data" / file)
    found = measured(table, TARGETS[file], task="regression" if file == "abalone.csv" else "auto")
    rows, columns, *others = MEASURED[file]
    assert (found["rows"].value, found["rows per column"].value) == (rows, pytest.approx(rows / columns))
    for key, figure in zip(KEYS[2:], others, strict=True):
        if figure is not None:
            assert found[key].value == pytest.approx(figure, rel=3e-3, abs=_half_digit(key)), key
    assert found["duplicate rows"].value == pytest.approx(DUPLICATES[file] / rows)


def test_the_limits_part_the_measured_tables_into_thirds():
    figures = {
        key: [row[i] for row in MEASURED.values() if row[i] is not None]
        for i, key in enumerate(KEYS)
        if key
    }  # fmt: skip
    figures["rows per column"] = [row[0] / row[1] for row in MEASURED.values()]
    for key, values in figures.items():
        thirds = np.quantile(values, (1 / 3, 2 / 3))
        assert (PROPERTIES[key].low, PROPERTIES[key].high) == pytest.approx(tuple(thirds), rel=0.04), key


def test_moments_and_correlations_are_scipys(rng):
    n = 211
    columns = {f"x{i}": rng.gamma(shape, size=n) for i, shape in enumerate((0.3, 1.0, 7.0, 40.0))}
    y = columns["x0"] - 2.0 * columns["x2"] + rng.normal(size=n)
    found = measured(table_of(**columns, y=y))
    skewness = [float(stats.skew(x)) for x in columns.values()]
    assert found["largest skewness"].value == pytest.approx(max(abs(value) for value in skewness))
    assert found["range of skewness"].value == pytest.approx(max(skewness) - min(skewness))
    assert found["unequal tails"].value == pytest.approx(np.std([stats.kurtosis(x) for x in columns.values()], ddof=1))
    assert found["linear signal"].value == pytest.approx(
        np.median([abs(np.corrcoef(x, y)[0, 1]) for x in columns.values()])
    )


def test_a_column_follows_classes_as_far_as_their_indicators_explain_it(rng):
    y = rng.integers(0, 3, size=101)
    x = rng.normal(size=101) + y**2
    residual = x - np.eye(3)[y] @ np.linalg.lstsq(np.eye(3)[y], x, rcond=None)[0]
    found = measured(table_of(x=x, y=y))
    assert found["linear signal"].value == pytest.approx(np.sqrt(1.0 - residual.var() / x.var()))
    assert found["smallest class"].value == np.bincount(y).min() / 101
    assert found["smallest class"].shown.startswith(f"{np.bincount(y).min()} rows in the smallest class (")
    assert found["classes"].value == 3


def test_missing_cells_are_the_median_and_rows_without_a_target_are_left_out(rng):
    x = rng.gamma(1.0, size=53)
    whole = measured(table_of(x=np.append(x, np.full(11, np.median(x))), z=np.arange(64.0) ** 2, y=np.arange(64.0)))
    with_gaps = table_of(
        x=np.r_[x, np.full(11, np.nan), 1e9], z=np.r_[np.arange(64.0) ** 2, 0.0], y=np.r_[np.arange(64.0), np.nan]
    )
    found = measured(with_gaps.take(np.arange(64)))
    encoder = Encoder.learn(with_gaps.take(np.arange(64)), ["y"])
    again = {one.name: one for one in properties(with_gaps, encoder)}
    for key in ("rows", "largest skewness", "unequal tails", "linear signal"):
        assert found[key].value == pytest.approx(whole[key].value) == again[key].value


def test_duplicates_are_rows_that_are_there_before(rng):
    cells = [rng.integers(0, 3, size=97) for _ in range(3)]
    words = np.array(["a", "b", "c"], dtype=object)[cells[1]]
    numbers = np.where(cells[0] == 2, np.nan, cells[0] * 0.5)
    table = table_of(a=numbers, b=words, c=cells[2] == 1, y=cells[0] + 1.5 * cells[2])
    different = {(a, b, c == 1, a + 1.5 * c) for a, b, c in zip(*cells, strict=True)}
    assert measured(table)["duplicate rows"].value == pytest.approx(1 - len(different) / 97)


def test_minus_zero_is_zero_and_not_missing():
    table = table_of(x=[0.0, -0.0, np.nan, 1.0], y=[0.5, 0.5, 0.5, 3.5])
    assert Seen(table, Encoder.learn(table, ["y"])).different_rows == 3


def test_a_table_without_numbers_has_no_moments():
    found = measured(table_of(job=np.array(["a", "b", "c"] * 7, dtype=object), y=np.arange(21) % 2))
    for key in ("largest skewness", "range of skewness", "unequal tails", "linear signal"):
        one = found[key]
        assert (one.value, one.shown, one.towards, one.strength) == (None, "–", "neither", "none")
        assert "Here there is" in one.because and "of numbers." in one.because
    assert (found["categorical columns"].value, found["categorical columns"].towards) == (1.0, "trees")


def test_a_column_may_be_constant_in_these_rows_or_missing_in_all_of_them():
    learnt = table_of(x=np.arange(7.0), z=[1.0, 2.0, 5.0, 1.0, 2.0, 9.0, 4.0], y=[0, 1, 0, 1, 1, 0, 1])
    encoder = Encoder.learn(learnt, ["y"])
    seen = table_of(x=[4.0, 4.0, 4.0], z=[np.nan, np.nan, np.nan], y=[0, 1, 1])
    found = {one.name: one for one in properties(seen, encoder)}
    assert found["largest skewness"].value is None and found["linear signal"].value is None


def test_one_row_for_each_class():
    with pytest.warns(UserWarning, match="single row"):
        found = measured(table_of(x=[1.5, 2.5, 4.0], y=np.array(["a", "b", "c"], dtype=object)))
    assert found["smallest class"].value == pytest.approx(1 / 3)
    assert found["linear signal"].value == pytest.approx(1.0)


def test_numbers_at_the_end_of_the_range_do_not_overflow():
    x = np.array([-1.7e308, 1.7e308, 1e308, np.nan, -3e307])
    found = measured(table_of(x=x, z=x * 1e-300, w=[1, 2, 3, 4, 5], y=x[[0, 1, 2, 4, 1]]))
    same = measured(table_of(x=x / 2**1000, z=x / 2**1010, w=[1, 2, 3, 4, 5], y=x[[0, 1, 2, 4, 1]] / 2**1000))
    assert found["unequal tails"].value == pytest.approx(same["unequal tails"].value)
    assert found["linear signal"].value == pytest.approx(same["linear signal"].value)


@pytest.mark.parametrize("name", PROPERTIES)
def test_each_property_points_by_its_limits_and_counts_by_its_correlation(name, monkeypatch):
    one = PROPERTIES[name]
    table = table_of(x=np.arange(12.0) ** 3, z=np.arange(12.0) % 5, y=np.arange(12) % 2)
    cases = [(one.low, "neither"), (one.low * 0.99 - 1e-9, one.low_is)]
    if np.isfinite(one.high):
        cases += [(one.high, one.high_is), (one.high * 0.99, "neither")]
    for value, towards in cases:
        changed = dataclasses.replace(one, measure=lambda _, value=value: value)
        monkeypatch.setitem(PROPERTIES, name, changed)
        found = measured(table)[name]
        assert found.value == value and found.towards == towards
        assert found.strength == ("none" if towards == "neither" else words(one.r))
        assert found.because.startswith(one.research) and found.shown in found.because


def test_numbers_as_targets_have_no_classes():
    assert PROPERTIES
    found = measured(table_of(x=[1.0, 2.0, 4.0], y=[0.5, 1.5, 2.5]))
    assert set(PROPERTIES) - set(found) == {"smallest class", "classes"}


def test_a_column_that_is_not_used_does_not_count():
    same = Column("same", Kind.NUMBER, np.ones(4), np.zeros(4, dtype=bool))
    table = Table("made", (*table_of(x=[1.0, 2.0, 4.0, 1.0], y=[0.5, 1.5, 2.5, 0.5]).columns, same))
    found = measured(table)
    assert found["rows per column"].value == 4.0
    assert found["duplicate rows"].shown == "1 row (25.0%)"
