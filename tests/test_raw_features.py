"""raw_features: every role by hand, in the units of the table, with missing and unseen cells."""

import numpy as np
import pandas as pd
import pytest

from thalweg import table
from thalweg.encoding import Encoder
from thalweg.raw_features import RawFeature, RawFeatures


NAN = np.nan
ROWS = pd.DataFrame(
    {
        "age": [1.5, None, 3.0, 2.0, 4.0, 5.0, 7.5, 2.5],
        "member": pd.array([True, False, None, True, True, False, False, True], dtype="boolean"),
        "coat": ["red", "blue", None, "red", "blue", "red", "blue", "red"],
        "job": ["clerk", "cook", "clerk", None, "smith", "cook", "clerk", "cook"],
        "born": pd.to_datetime(
            ["2001-03-04 07:30", "1999-12-31 23:00", None, "2001-03-05 07:00", "2000-01-01 00:00"]
            + ["2001-03-04 07:00"] * 3
        ),
        "note": ["seen", None, "seen", "seen", None, "seen", "seen", "seen"],
        "y": [0, 1, 0, 1, 0, 1, 0, 1],
    }
)


@pytest.fixture(scope="module")
def raw():
    return RawFeatures(Encoder.learn(table.read(ROWS), ["y"]))


def test_the_table_has_every_role(raw):
    assert [role.role for role in raw.encoder.roles] == [
        "number", "boolean", "two values", "category", "date", "presence",
    ]  # fmt: skip


def test_plain_is_the_table_in_its_own_units(raw):
    assert [one.name for one in raw.plain_features] == [
        "age", "member", "coat = red", "job = clerk", "job = cook", "job = (rare or unseen)", "job = (missing)",
        "born: year", "born: day", "born: month", "born: weekday", "born: hour", "note is missing",
    ]  # fmt: skip
    expected = [
        # age, member, red, clerk, cook, rare, missing, year, day, month, weekday from Monday, hour, note is missing
        [1.5, 1, 1, 1, 0, 0, 0, 2001, 4, 3, 6, 7, 0],
        [NAN, 0, 0, 0, 1, 0, 0, 1999, 31, 12, 4, 23, 1],
        [3.0, NAN, NAN, 1, 0, 0, 0, NAN, NAN, NAN, NAN, NAN, 0],
        [2.0, 1, 1, 0, 0, 0, 1, 2001, 5, 3, 0, 7, 0],
        [4.0, 1, 0, 0, 0, 1, 0, 2000, 1, 1, 5, 0, 1],
    ]
    np.testing.assert_array_equal(raw.plain(table.read(ROWS))[:5], expected)


def test_coded_has_one_number_for_each_category(raw):
    assert [one.name for one in raw.coded_features] == [
        "age", "member", "coat = red", "job", "born: year", "born: day", "born: month", "born: weekday", "born: hour",
        "note is missing",
    ]  # fmt: skip
    assert raw.categorical.tolist() == [False] * 3 + [True] + [False] * 6
    coded, plain = raw.coded(table.read(ROWS)), raw.plain(table.read(ROWS))
    assert coded.shape == (8, 10)
    np.testing.assert_array_equal(coded[:, 3], [0, 1, 0, NAN, 2, 1, 0, 1])  # clerk, cook, missing, rare or unseen
    np.testing.assert_array_equal(np.delete(coded, 3, axis=1), np.delete(plain, [3, 4, 5, 6], axis=1))


def test_cells_that_training_never_saw(raw):
    new = ROWS.iloc[:2].assign(job=["pilot", "clerk"], coat=["green", "blue"], note=["other", None], age=[1e9, -1.0])
    plain, coded = raw.plain(table.read(new)), raw.coded(table.read(new))
    np.testing.assert_array_equal(plain[:, :7], [[1e9, 1, NAN, 0, 0, 1, 0], [-1, 0, 0, 1, 0, 0, 0]])
    assert coded[:, 3].tolist() == [2.0, 0.0] and plain[:, -1].tolist() == [0.0, 1.0]


def test_a_feature_says_what_a_question_asks(raw):
    features = {one.name: one for one in raw.plain_features}
    said = {
        "age": ("age ≤ 2.5", "age > 2.5"),
        "member": ("member is false", "member is true"),
        "coat = red": ("coat is blue", "coat is red"),
        "job = clerk": ("job is not clerk", "job is clerk"),
        "born: hour": ("born: hour ≤ 2.5", "born: hour > 2.5"),
        "note is missing": ("note is not missing", "note is missing"),
    }
    for name, (at_most, above) in said.items():
        threshold = 2.5 if " is " not in at_most else 0.5
        assert (features[name].says(threshold, True), features[name].says(threshold, False)) == (at_most, above)
    assert RawFeature("x", "x").says(-1234567.8, True) == "x ≤ −1.23457e+06"
    assert RawFeature("x", "x").says(-1234.5, False) == "x > −1,234.5"
