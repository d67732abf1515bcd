"""intervals: Nadeau and Bengio's formula against scipy.stats, and that the interval holds what it should."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from thalweg.intervals import CONFIDENCE, Difference, corrected, of_rows


finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, min_size=2, max_size=23), st.floats(0.01, 1.0), st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]))
def test_corrected_is_the_formula(values, ratio, confidence):
    d, J = np.array(values), len(values)
    mean = sum(values) / J
    variance = sum((one - mean) ** 2 for one in values) / (J - 1)
    half = stats.t.ppf(0.5 + confidence / 2, J - 1) * math.sqrt((1 / J + ratio) * variance)
    found = corrected(d, ratio, confidence)
    scale = 1e-9 * (1 + np.abs(d).max())
    assert math.isclose(found.mean, mean, abs_tol=scale)
    assert math.isclose(found.low, mean - half, rel_tol=1e-8, abs_tol=1e3 * scale)
    assert math.isclose(found.high, mean + half, rel_tol=1e-8, abs_tol=1e3 * scale)


def test_the_corrected_interval_holds_the_truth_as_often_as_it_says_and_the_plain_one_does_not(rng):
    # Folds that share training rows: correlation ρ = n₂ / (n₁ + n₂), the assumption of the formula.
    J, ratio, times, truth = 10, 0.25, 4_000, 0.7
    rho = ratio / (1 + ratio)
    shared, own = rng.normal(size=(times, 1)), rng.normal(size=(times, J))
    draws = truth + math.sqrt(rho) * shared + math.sqrt(1 - rho) * own

    def holds(ratio):
        found = [corrected(d, ratio) for d in draws]
        return np.mean([one.low <= truth <= one.high for one in found])

    assert abs(holds(ratio) - CONFIDENCE) < 0.02  # its standard error is 0.0034
    assert holds(0.0) < 0.85


def test_more_confidence_is_wider_and_twice_the_differences_twice_as_wide():
    d = np.array([0.3, -0.1, 0.4, 0.25, 0.05])
    narrow, wide, twice = corrected(d, 0.25, 0.9), corrected(d, 0.25, 0.99), corrected(2 * d, 0.25, 0.9)
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high
    assert math.isclose(twice.high - twice.low, 2 * (narrow.high - narrow.low))


@given(st.lists(finite, min_size=2, max_size=29), st.sampled_from([0.8, 0.95]))
def test_of_rows_is_students_interval(values, confidence):
    d = np.array(values)
    found = of_rows(d, confidence)
    half = stats.t.ppf(0.5 + confidence / 2, len(d) - 1) * d.std(ddof=1) / math.sqrt(len(d))
    assert math.isclose(found.mean, d.mean()) and math.isclose(found.high - found.mean, half, abs_tol=1e-6)


def test_one_row_tells_nothing():
    assert of_rows(np.array([3.0])) == Difference(3.0, -math.inf, math.inf)


@pytest.mark.parametrize(
    ("found", "margin", "standing"),
    [
        (Difference(-0.2, -0.3, -0.1), 0.0, "better"),
        (Difference(0.2, 0.1, 0.3), 0.0, "worse"),
        (Difference(0.1, -0.1, 0.3), 0.0, "unknown"),
        (Difference(0.1, -0.1, 0.3), 0.31, "level"),
        (Difference(0.2, 0.1, 0.3), 0.31, "level"),
        (Difference(-0.2, -0.3, -0.1), 0.2, "better"),
    ],
)
def test_how_the_first_stands(found, margin, standing):
    assert found.standing(margin) == standing
