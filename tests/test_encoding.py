"""The encoder: each role by hand-computed values, targets, new tables that differ, exact storage, each refusal."""

import copy
import datetime
import json
import math
import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from thalweg.cells import Kind
from thalweg.encoding import Encoder, drop_missing_targets
from thalweg.errors import FileError, InputError, TableError, ThalwegWarning
from thalweg.features import MAX_SLOTS, ROLES, Scale, rare_below
from thalweg.table import Column, Table, read


def column(name: str, cells: list[Any], kind: Kind, integer: bool = False) -> Column:
    missing = np.array([cell is None for cell in cells], dtype=bool)
    if kind is Kind.NUMBER:
        values = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    elif kind is Kind.BOOLEAN:
        values = np.array([bool(cell) for cell in cells])
    elif kind is Kind.DATE:
        values = np.array(["NaT" if cell is None else cell for cell in cells], dtype="datetime64[us]")
    else:
        values = np.array(["" if cell is None else cell for cell in cells], dtype=object)
    return Column(name, kind, values, missing, integer)


def numbers(name: str, cells: list[Any]) -> Column:
    return column(name, cells, Kind.NUMBER, all(cell is None or isinstance(cell, int) for cell in cells))


def texts(name: str, cells: list[Any]) -> Column:
    return column(name, cells, Kind.TEXT)


def booleans(name: str, cells: list[Any]) -> Column:
    return column(name, cells, Kind.BOOLEAN)


def dates(name: str, cells: list[Any]) -> Column:
    return column(name, cells, Kind.DATE)


def table(*columns: Column, name: str = "t.csv") -> Table:
    return Table(name, columns)


def target(rows: int) -> Column:
    return numbers("y", [0.5 + row for row in range(rows)])


def learned(*columns: Column, **options: Any) -> Encoder:
    return Encoder.learn(table(*columns, target(len(columns[0].values))), ["y"], **options)


def features(encoder: Encoder, *columns: Column) -> dict[str, list[float]]:
    matrix = encoder.encode(table(*columns, name="new.csv"))
    assert matrix.dtype == np.float64 and np.isfinite(matrix).all()
    return dict(zip(encoder.feature_names, matrix.T.tolist(), strict=True))


def role(encoder: Encoder, name: str) -> tuple[str, str]:
    return next((d.role, d.why) for d in encoder.decisions if d.column == name)


def squeeze(x: float) -> float:
    return x / (1 + (x / 3) ** 2) ** 0.5


# Numbers


def test_numbers_by_hand():
    encoder = learned(numbers("a", [1.0, 2.0, 3.0, 4.0, 9.0]))  # quartiles 2 and 4
    found = features(encoder, numbers("a", [3.0, 4.0, 9.0, -1.0, None]))
    assert found == {"a": pytest.approx([0.0, squeeze(0.5), squeeze(3.0), squeeze(-2.0), 0.0], abs=1e-15)}


def test_numbers_with_equal_quartiles_by_hand():
    encoder = learned(numbers("a", [0, 0, 0, 0, 0, 0, 0, 0, 5]))  # quartiles 0 and 0: 2 / (max − min)
    assert features(encoder, numbers("a", [0, 5, 10])) == {"a": pytest.approx([0, squeeze(2.0), squeeze(4.0)])}


def test_zeros_and_ones_by_hand():
    encoder = learned(numbers("a", [0, 1, 0, 1, 1, 1, 0]))  # median 1, quartiles 0 and 1
    assert features(encoder, numbers("a", [0, 1])) == {"a": pytest.approx([squeeze(-1.0), 0.0])}


def test_missing_numbers_are_the_median_and_said_where_training_had_some():
    with_gaps = learned(numbers("a", [1.0, None, 3.0, 5.0]))
    assert features(with_gaps, numbers("a", [None, 3.0])) == {"a": [0.0, 0.0], "a is missing": [1.0, 0.0]}
    without = learned(numbers("a", [1.0, 2.0, 3.0, 5.0]))
    assert features(without, numbers("a", [None, None])) == {"a": [0.0, 0.0]}
    assert "missing in 1 row, filled with the median" in role(with_gaps, "a")[1]


@pytest.mark.parametrize(
    "values",
    [[-1.7e308, 0.0, 1.7e308], [1e308, -1e308, 1e308, -1e308], [0.0, 5e-324], [1e-300, 2e-300, 1e308],
     [1e12, 1e12 + 1, 1e12 + 5], [0.0] * 9 + [1.7e308], [np.finfo(float).max, -np.finfo(float).max]],
)  # fmt: skip
def test_extreme_numbers_stay_finite_without_warnings(values):
    encoder = learned(numbers("a", values))
    largest = np.finfo(float).max
    (found,) = features(encoder, numbers("a", [*values, largest, -largest, 5e-324, 0.0])).values()
    assert max(map(abs, found)) <= 3.0 and found[len(values)] >= found[len(values) + 1]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=23).filter(
        lambda v: min(v) < max(v)
    ),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=23),
)
def test_scaling_is_finite_and_keeps_order(training, values):
    scaled = Scale.learn(np.array(training)).apply(np.sort(np.array(values)))
    assert np.isfinite(scaled).all() and np.abs(scaled).max() <= 3.0 and (np.diff(scaled) >= -1e-15).all()


@given(st.lists(st.integers(-1000, 1000).map(float), min_size=3, max_size=23).filter(lambda v: min(v) < max(v)))
def test_scaling_is_the_formula(values):
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    factor = 1 / (high - low) if high > low else 2 / (max(values) - min(values))
    expected = [squeeze((value - middle) * factor) for value in values]
    assert Scale.learn(np.array(values)).apply(np.array(values)).tolist() == pytest.approx(expected, abs=1e-12)


# Booleans, two values, categories, presence


def test_booleans_and_two_values():
    encoder = learned(booleans("b", [True, False, None]), texts("t", ["yes", "no", "no"]))
    assert features(encoder, booleans("b", [True, False, None]), texts("t", ["no", "yes", None])) == {
        "b": [1.0, -1.0, 0.0],
        "t = yes": [-1.0, 1.0, 0.0],
    }
    assert features(encoder, booleans("b", [True]), texts("t", ["perhaps"]))["t = yes"] == [0.0]


def test_categories_by_hand():
    encoder = learned(texts("c", ["x"] * 3 + ["y"] * 2 + ["z"] * 2 + ["rare"] + [None]))
    assert encoder.feature_names == ("c = x", "c = y", "c = z", "c = (rare or unseen)", "c = (missing)")
    found = features(encoder, texts("c", ["y", "rare", "unseen", None, "x"]))
    assert list(found.values()) == [[0, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 1, 0]]


def test_a_new_missing_category_is_an_unseen_one():
    encoder = learned(texts("c", ["x", "y", "z"] * 3))
    assert features(encoder, texts("c", [None, "x"]))["c = (rare or unseen)"] == [1.0, 0.0]


def test_slots_are_the_most_frequent_values():
    words = [f"w{i:02d}" for i in range(MAX_SLOTS + 7)]
    cells = [word for i, word in enumerate(words) for _ in range(13 + i % 3)]
    encoder = learned(texts("c", cells))
    kept = sorted(words, key=lambda word: (-(13 + words.index(word) % 3), word))[:MAX_SLOTS]
    assert encoder.feature_names == tuple(f"c = {slot}" for slot in [*kept, "(rare or unseen)"])
    assert rare_below(750) == 7 and rare_below(10**6) == 10 and rare_below(3) == 2


def test_one_value_and_missing_cells_is_presence():
    encoder = learned(texts("c", ["x", None, "x"]), numbers("n", [7, 7, None]))
    assert features(encoder, texts("c", [None, "other"]), texts("n", ["word", None])) == {
        "c is missing": [1.0, 0.0],
        "n is missing": [0.0, 1.0],
    }
    assert role(encoder, "n")[0] == "presence" and "'7'" in role(encoder, "n")[1]


# Dates


def test_dates_by_hand():
    cells = ["2020-01-31T06:00", "2021-04-01T06:00", None, "2023-10-15T06:00"]  # Friday, Thursday, Sunday
    encoder = learned(dates("d", cells))
    found = features(encoder, dates("d", ["2021-04-01T18:00", None]))
    assert list(found) == ["d: year", "d: day", "d: month sin", "d: month cos", "d: weekday sin", "d: weekday cos",
                           "d is missing"]  # fmt: skip
    assert found["d: year"][0] == 0.0 and found["d: month sin"][0] == pytest.approx(1.0)  # April: a quarter turn
    assert found["d: weekday sin"][0] == pytest.approx(np.sin(2 * np.pi * 3 / 7))
    assert found["d: day"][0] == pytest.approx(squeeze((1 - 15) / (23 - 8)))  # days 1, 15, 31: quartiles 8 and 23
    assert [values[1] for values in found.values()] == [0, 0, 0, 0, 0, 0, 1]


def test_hours_and_dates_before_1970():
    encoder = learned(dates("d", ["1969-12-31T23:00", "1969-12-31T05:00", "1969-12-31T06:00"]))
    assert encoder.feature_names == ("d: hour sin", "d: hour cos")
    found = features(encoder, dates("d", ["1969-12-31T18:00", "2020-05-05T06:00"]))
    assert found["d: hour sin"] == pytest.approx([-1.0, 1.0])


def test_dates_that_do_not_vary_by_any_part_are_dropped():
    encoder = learned(dates("d", ["2020-01-01T10:00", "2020-01-01T10:20"]), numbers("a", [1.5, 2.5]))
    assert role(encoder, "d") == ("dropped", "neither year, month, day, weekday nor hour varies")


# What is dropped


def test_constant_and_missing_columns_are_dropped_with_a_note():
    encoder = learned(
        numbers("a", [1.5, 2.5]), texts("c", ["x", "x"]), numbers("m", [None, None]), texts("e", [None] * 2)
    )
    assert role(encoder, "c") == ("dropped", "every training row has the same value, 'x'")
    assert role(encoder, "m") == role(encoder, "e") == ("dropped", "every cell is missing")
    assert [decision.column for decision in encoder.decisions] == ["a", "c", "m", "e", "y"]


ROWS = 97


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (numbers("i", list(range(1, ROWS + 1))), "counts the rows"),
        (numbers("i", [3 + 2 * i - i % 2 for i in range(ROWS)]), "counts the rows"),
        (numbers("user_id", [i * 37 % 101 for i in range(ROWS)]), "named like an identifier"),
        (numbers("customerID", [i * 37 % 101 for i in range(ROWS)]), "named like an identifier"),
        (texts("t", [f"key {i}" for i in range(ROWS)]), "97 different values in 97 rows"),
        (texts("t", [f"key {i // 2}" for i in range(600)]), "none of its 300 values is in 6 rows or more"),
        (texts("t", [f"these are many words {i // 4 * (i % 3)}" for i in range(977)]), "free text"),
    ],
)
def test_identifiers_and_free_text_are_dropped_and_can_be_kept(given, said):
    rows = len(given.values)
    other = numbers("a", [i % 7 + 0.5 for i in range(rows)])
    encoder = learned(given, other)
    what, why = role(encoder, given.name)
    assert what == "dropped" and said in why and f"keep=['{given.name}']" in why
    kept = learned(given, other, keep=[given.name])
    assert role(kept, given.name)[0] in ("number", "category") and given.name in kept.columns


@pytest.mark.parametrize(
    "given",
    [
        numbers("hours", list(range(1, 11))),  # a small table's only number
        numbers("i", [i * 37 % 101 for i in range(ROWS)]),  # unique, in no order
        numbers("i", [i + 0.5 for i in range(ROWS)]),  # no integers
        numbers("i", [10 * i for i in range(ROWS)]),  # rising, but sparse
        numbers("width", [i * 37 % 101 for i in range(ROWS)]),  # ends with the letters, not the word
        texts("t", ["many words that stand here", "other words that stand here", "x"] * 7),  # answers of a form
    ],
    ids=range(6),
)
def test_columns_that_only_resemble_identifiers_are_used(given):
    assert learned(given).columns == (given.name,)


def test_a_counter_is_found_in_shuffled_and_held_out_rows(rng):
    whole = table(numbers("i", list(range(1, 212))), numbers("a", [i * i % 31 for i in range(211)]), target(211))
    part = whole.take(rng.permutation(211)[:170])
    assert Encoder.learn(part, ["y"]).columns == ("a",)


def test_columns_left_out_on_request():
    encoder = learned(numbers("a", [1.5, 2.5]), numbers("b", [1.5, 2.5]), drop=["b"])
    assert encoder.columns == ("a",) and role(encoder, "b") == ("dropped", "left out on request")


def test_columns_that_the_table_was_read_without_are_among_the_decisions():
    encoder = learned(numbers("a", [1.5, 2.5]), numbers("b", [1.5, 2.5]), drop=["z", "b", "c"])
    assert [decision.column for decision in encoder.decisions] == ["a", "b", "y", "c", "z"]
    assert {role(encoder, name) for name in "bcz"} == {("dropped", "left out on request")}
    assert Encoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


# Targets


def learn_target(*targets: Column, **options: Any) -> Encoder:
    rows = len(targets[0].values)
    whole = table(numbers("a", [float(i) + 0.5 for i in range(rows)]), *targets)
    return Encoder.learn(whole, [column.name for column in targets], **options)


@pytest.mark.parametrize(
    ("given", "labels", "kind"),
    [
        (texts("y", ["b", "a", "b", "a"]), ["a", "b"], str),
        (booleans("y", [True, False, True, False]), [False, True], bool),
        (numbers("y", [3, -1, 3, -1]), [-1, 3], int),
    ],
)
def test_classes_keep_their_type_in_order(given, labels, kind):
    encoder = learn_target(given)
    assert encoder.task == "classification" and encoder.classes.tolist() == labels
    assert all(type(label) is kind for label in encoder.classes.tolist())
    indices = encoder.encode_targets(table(given))
    assert indices.dtype == np.int64 and indices.tolist() == [labels.index(cell) for cell in given.values.tolist()]
    assert encoder.decode(np.eye(2)[indices]).tolist() == given.values.tolist()


def test_integers_are_classes_up_to_ten_values():
    cells = [i % 10 for i in range(31)]
    assert learn_target(numbers("y", cells)).task == "classification"
    assert learn_target(numbers("y", [i % 11 for i in range(31)])).task == "regression"
    assert learn_target(numbers("y", [float(cell) for cell in cells])).task == "regression"
    assert "task 'regression'" in role(learn_target(numbers("y", cells)), "y")[1]
    assert "task 'classification'" in role(learn_target(numbers("y", [0.5, 1.5, 2.5])), "y")[1]


def test_the_task_can_be_chosen():
    as_classes = learn_target(numbers("y", [0.5, 1.5, 0.5, 1.5]), task="classification")
    assert as_classes.classes.tolist() == [0.5, 1.5] and as_classes.classes.dtype == np.float64
    as_numbers = learn_target(numbers("y", [1, 2, 1, 2]), task="regression")
    assert as_numbers.task == "regression" and as_numbers.classes is None


def test_numbers_are_standardised_and_back():
    given = numbers("y", [1.0, 2.0, 3.0, 6.0])  # mean 3, deviation √(14 / 4)
    encoder = learn_target(given)
    standard = encoder.encode_targets(table(given))
    assert standard.shape == (4, 1) and standard[:, 0] == pytest.approx(np.array([-2, -1, 0, 3]) / 3.5**0.5)
    assert encoder.decode(standard) == pytest.approx(given.values) and encoder.decode(standard).shape == (4,)


@pytest.mark.parametrize(
    "cells",
    [[-1.7e308, 1.7e308, 1.0], [1.7e308, *[-1.7e308] * 3], [0.0, 5e-324], [1e308, 1e308, 1.5e308], [1e12, 1e12 + 1]],
)
def test_extreme_targets_stay_finite_without_warnings(cells):
    encoder = learn_target(numbers("y", cells))
    assert np.isfinite(encoder.encode_targets(table(numbers("y", cells)))).all()
    assert np.isfinite(encoder.decode(np.array([[-1e300], [0.0], [1e300]]))).all()


def test_several_numbers_and_several_pairs():
    both = learn_target(numbers("u", [0.5, 1.5, 2.5]), numbers("v", [10.5, 30.5, 20.5]))
    assert both.task == "regression" and both.targets == ("u", "v")
    outputs = both.encode_targets(table(numbers("v", [10.5]), numbers("u", [2.5])))
    assert both.decode(outputs) == pytest.approx(np.array([[2.5, 10.5]]))
    pairs = learn_target(texts("t", ["no", "yes", "no", "yes"]), numbers("n", [0, 0, 1, 1]))
    assert pairs.task == "multilabel" and [labels.tolist() for labels in pairs.classes] == [["no", "yes"], [0, 1]]
    outputs = pairs.encode_targets(table(texts("t", ["yes", "no"]), numbers("n", [0, 1])))
    assert outputs.tolist() == [[1.0, 0.0], [0.0, 1.0]] and outputs.dtype == np.float64
    assert pairs.decode(np.array([[0.5, 0.49], [0.1, 0.9]])).tolist() == [["yes", 0], ["no", 1]]


def test_a_class_with_one_row_works_with_a_warning():
    with pytest.warns(ThalwegWarning, match=r"Class 'c' of 'y' in t\.csv has a single row"):
        encoder = learn_target(texts("y", ["a", "b", "a", "b", "c"]))
    assert encoder.classes.tolist() == ["a", "b", "c"]


def test_classes_of_all_rows_are_known_to_an_encoder_of_some():
    whole = table(numbers("a", [1.5, 2.5, 3.5, 9.5, 8.5]), texts("y", ["u", "v", "u", "w", None]))
    with pytest.warns(ThalwegWarning, match="Classes 'v', 'w'"):
        encoder = Encoder.learn(whole.take([0, 1, 2]), ["y"], all_rows=whole)
    assert encoder.encode_targets(whole.take([3])).tolist() == [2]
    assert features(encoder, numbers("a", [2.5])) == {"a": [0.0]}  # the median of the training rows


def test_rows_without_a_target_are_dropped():
    whole = table(numbers("u", [1, None, 3, 4]), texts("v", ["x", "y", None, "z"]))
    kept, dropped = drop_missing_targets(whole, ["u", "v"])
    assert dropped == 2 and kept["u"].values.tolist() == [1, 4] and kept.row_number(1) == 4
    assert drop_missing_targets(kept, ["u"]) == (kept, 0)
    with pytest.raises(TableError, match="Every row of t.csv misses the target 'u'"):
        drop_missing_targets(table(numbers("u", [None, None])), ["u"])


NAMES = [f"n{i}" for i in range(1_009)]


@pytest.mark.parametrize(
    ("targets", "options", "said"),
    [
        ([texts("y", ["a", "a"])], {}, "is 'a' in every row"),
        ([numbers("y", [1, 1])], {}, "is 1.0 in every row"),
        ([numbers("y", [0.5, 0.5])], {}, "is 0.5 in every row"),
        ([numbers("y", [None, None])], {}, "missing in every row"),
        ([texts("y", [None, None])], {}, "missing in every row"),
        ([dates("y", ["2020-01-01", "2020-01-02"])], {}, "is a date"),
        ([dates("y", ["2020-01-01", "2020-01-02"])], {"task": "regression"}, "is a date"),
        ([texts("y", ["a", "b"])], {"task": "regression"}, "is text, not a number (it holds 'a')"),
        ([texts("y", ["7", "0.5", "007"])], {"task": "regression"}, "is text, not a number (it holds '007')"),
        ([texts("y", ["7", "8"])], {"task": "regression"}, "is text, not a number (it holds '7')"),
        ([texts("y", ["a", "a"])], {"task": "regression"}, "is 'a' in every row"),
        ([texts("y", NAMES)], {}, "has 1,009 different texts in 1,009 rows, as of an identifier"),
        ([texts("y", [*NAMES, *NAMES])], {}, "has 1,009 values, and at most 1,000"),
        ([numbers("y", [0.5 + i for i in range(1_009)])], {"task": "classification"}, "has 1,009 values"),
        ([numbers("y", [2**60, 1])], {}, "beyond 2^53"),
        ([texts("u", ["a", "b"]), numbers("v", [0.5, 1.5])], {}, "mix classes ('u') and numbers ('v')"),
        ([texts("u", ["a", "b", "c"]), texts("v", ["a", "b", "a"])], {}, "Target 'u' of t.csv has 3 classes"),
    ],
)
def test_refused_targets(targets, options, said):
    with pytest.raises(TableError) as caught:
        learn_target(*targets, **options)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_refused_target_cells():
    with warnings.catch_warnings(action="ignore", category=ThalwegWarning):
        encoder = learn_target(texts("y", ["a", "b"]))
    with pytest.raises(TableError, match="'y' of new.csv has 'c' in row 2, which is none of the classes"):
        encoder.encode_targets(table(texts("y", ["a", "c"]), name="new.csv"))
    encoder = learn_target(numbers("y", [3, 4, 3, 4]))
    with pytest.raises(TableError, match=r"'y' of new.csv has 7\.0 in row 1, which is none of the classes"):
        encoder.encode_targets(table(numbers("y", [7]), name="new.csv"))
    with pytest.raises(TableError, match="'y' of t.csv is missing in row 1"):
        encoder.encode_targets(table(numbers("y", [None, 3])))
    with pytest.raises(TableError, match="no column 'y'"):
        encoder.encode_targets(table(texts("z", ["a"])))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"targets": ["z"]}, "t.csv has no column 'z'"),
        ({"targets": []}, "targets must name one column or more"),
        ({"targets": ["y", "y"]}, "each once"),
        ({"task": "guess"}, "not 'guess'"),
        ({"drop": ["y"]}, "'y' cannot be a target and dropped"),
        ({"keep": ["nothing"]}, "has no column 'nothing'"),
        ({"keep": ["a"], "drop": ["a"]}, "'a' cannot be kept and dropped"),
        ({"keep": ["b"], "drop": ["b"]}, "'b' cannot be kept and dropped"),
        ({"drop": ["a"]}, "no column to learn from ('a': left out on request)"),
    ],
)
def test_refused_requests(request_, said):
    with pytest.raises(InputError) as caught:
        Encoder.learn(table(numbers("a", [1.5, 2.5]), target(2)), **{"targets": ["y"], **request_})
    assert said in str(caught.value)


def test_nothing_to_learn_from():
    with pytest.raises(
        TableError, match="no column to learn from \\('c': every training row has the same value, '3'\\)"
    ):
        learned(numbers("c", [3, 3]))
    with pytest.raises(TableError, match="only the target"):
        Encoder.learn(table(target(3)), ["y"])


# New tables


def test_columns_in_another_order_beside_others():
    encoder = learned(numbers("a", [1.5, 2.5, 4.5]), texts("c", ["x", "y", "y"]))
    first = encoder.encode(table(numbers("a", [1.5]), texts("c", ["y"])))
    other = encoder.encode(table(texts("more", ["?"]), texts("c", ["y"]), numbers("a", [1.5])))
    assert np.array_equal(first, other)
    with pytest.raises(TableError, match=r"new\.csv has no column 'a', 'c'; its columns are 'x'\."):
        encoder.encode(table(numbers("x", [1]), name="new.csv"))


def test_dropped_columns_need_not_be_there():
    encoder = learned(numbers("a", [1.5, 2.5]), texts("c", ["x", "x"]))
    assert encoder.columns == ("a",) and encoder.encode(table(numbers("a", [2.0]))).shape == (1, 1)


@pytest.mark.parametrize(
    ("training", "new", "as_if"),
    [
        (numbers("a", [1.5, 2.5]), texts("a", ["2", " 2.5", "?", None, "NA", "1e0"]), [2, 2.5, None, None, None, 1]),
        (numbers("a", [1.5, 2.5]), texts("a", ["07", "-00.5", "7"]), [7, -0.5, 7]),
        (numbers("a", [0, 1]), booleans("a", [True, False, None]), [1, 0, None]),
        (numbers("a", [0.0, 9e4]), texts("a", ["10:30", "00:00:01.5"]), [37_800.0, 1.5]),
        (numbers("a", [1.5, 2.5]), dates("a", [None, None]), [None, None]),
        (texts("a", ["3", "4", "x"] * 3), numbers("a", [3, 4.0, None]), ["3", "4", None]),
        (texts("a", ["3.0", "4.5", "x"] * 3), numbers("a", [3, 4.5, 7]), ["3.0", "4.5", "7"]),
        (texts("a", ["True", "False", "x"] * 3), booleans("a", [True, False, None]), ["True", "False", None]),
        (texts("a", ["2020-01-31", "x", "y"] * 3), dates("a", ["2020-01-31", None]), ["2020-01-31", None]),
        (texts("a", ["2020-01-31 10:30:00", "x", "y"] * 3), dates("a", ["2020-01-31T10:30"]), ["2020-01-31 10:30:00"]),
        (booleans("a", [True, False]), texts("a", ["true", "0", "YES", "n", "?"]), [True, False, True, False, None]),
        (booleans("a", [True, False]), numbers("a", [0, 1, None]), [False, True, None]),
        (dates("a", ["2020-01-31T01:00", "2021-02-01T05:00"]),
         texts("a", ["2021/05/06", "2021-05-06T10:00+02:00", "?"]),
         ["2021-05-06", "2021-05-06T08:00", None]),
        (dates("a", ["2020-01-31", "2021-02-01"]), numbers("a", [None]), [None]),
    ],
    ids=range(14),
)  # fmt: skip
def test_another_kind_that_means_the_same(training, new, as_if):
    encoder = learned(training)
    assert np.array_equal(encoder.encode(table(new)), encoder.encode(table(column("a", as_if, training.kind))))


@pytest.mark.parametrize(
    ("training", "new", "said"),
    [
        (numbers("a", [1.5, 2.5]), texts("a", ["1", None, "x", "z"]), "has 'x' in row 3, which is not a number"),
        (numbers("a", [1.5, 2.5]), texts("a", ["1_000"]), "has '1_000' in row 1, which is not a number"),
        (numbers("a", [1.5, 2.5]), texts("a", ["1", "1e999"]), "has '1e999' in row 2, which is not a finite number"),
        (numbers("a", [1.5, 2.5]), dates("a", [None, "2020-01-31"]), "in row 2, which is not a number"),
        (
            booleans("a", [True, False]),
            texts("a", ["true", "maybe"]),
            "has 'maybe' in row 2, which is not true or false",
        ),
        (booleans("a", [True, False]), numbers("a", [0, 2]), "has 2.0 in row 2, which is not true or false"),
        (
            dates("a", ["2020-01-31", "2021-01-31"]),
            texts("a", ["2020-02-30"]),
            "'2020-02-30' in row 1, which is not an ISO",
        ),
        (
            dates("a", ["2020-01-31", "2021-01-31"]),
            numbers("a", [None, 7]),
            "has 7.0 in row 2, which is not an ISO date",
        ),
    ],
    ids=range(8),
)
def test_refused_cells(training, new, said):
    encoder = learned(training)
    with pytest.raises(TableError) as caught:
        encoder.encode(table(new, name="new.csv"))
    assert str(caught.value).startswith("Column 'a' of new.csv") and said in str(caught.value)
    shifted = Table("new.csv", (new,), np.arange(len(new.values)) + 65_537)
    with pytest.raises(TableError, match=r"in row 6553\d"):
        encoder.encode(shifted)


def test_codes_of_a_file_are_read_as_they_are_written(tmp_path):
    (tmp_path / "train.csv").write_text("zip,y\n" + "01234,0.5\nA12,1.5\n007,2.5\n" * 3)
    (tmp_path / "new.csv").write_text("zip\n01234\n007\n")
    encoder = Encoder.learn(read(tmp_path / "train.csv"), ["y"])
    assert encoder.text_columns == ("zip",)
    new = read(tmp_path / "new.csv", columns=encoder.columns, text=encoder.text_columns)
    found = features(encoder, *new.columns)
    assert found["zip = 01234"] == [1.0, 0.0] and found["zip = 007"] == [0.0, 1.0]


def test_labels_of_a_file_are_those_that_are_written(tmp_path):
    labels = ["000", "001", "2", "02"]
    (tmp_path / "train.csv").write_text("x,y\n" + "".join(f"{i % 7}.5,{labels[i % 4]}\n" for i in range(29)))
    (tmp_path / "new.csv").write_text("x,y\n1.5,2\n2.5,2\n")
    whole = read(tmp_path / "train.csv")
    encoder = Encoder.learn(whole, ["y"])
    assert encoder.task == "classification" and encoder.classes.tolist() == sorted(labels)
    indices = encoder.encode_targets(whole)
    assert encoder.decode(np.eye(4)[indices]).tolist() == whole["y"].values.tolist() == [*labels * 7, labels[0]]
    assert encoder.text_columns == ("y",)
    new = read(tmp_path / "new.csv", text=encoder.text_columns)
    assert encoder.classes[encoder.encode_targets(new)].tolist() == ["2", "2"]


ABSURD = st.one_of(
    st.lists(st.sampled_from([0.0, -0.0, 5e-324, 1e-308, 2.0**60, 1e155, 1.7976931348623157e308, None]), min_size=5,
             max_size=11).map(lambda cells: numbers("goal", cells)),
    st.lists(st.sampled_from(["x" * 5_003, "a\nb", "007", "1e5", "inf", None]), min_size=5, max_size=11).map(
        lambda cells: texts("goal", cells)),
    st.lists(st.integers(-(2**62), 2**62) | st.integers(2**53, 2**53 + 3), min_size=5, max_size=11).map(
        lambda cells: column("goal", cells, Kind.NUMBER, True)),
    st.lists(st.sampled_from(["1678-01-01", "2261-01-01", None]), min_size=5, max_size=11).map(
        lambda cells: dates("goal", cells)),
    st.lists(st.sampled_from([True, None]), min_size=5, max_size=11).map(lambda cells: booleans("goal", cells)),
)  # fmt: skip


@given(ABSURD, st.sampled_from(["auto", "classification", "regression"]))
def test_absurd_targets_are_learnt_or_named(given_, task):
    rows = len(given_.values)
    whole = table(numbers("colour", [i + 0.5 for i in range(rows)]), given_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ThalwegWarning)
        try:
            known, _ = drop_missing_targets(whole, ["goal"])
            if known.n_rows < 2:
                return
            encoder = Encoder.learn(known, ["goal"], task)
        except TableError as error:
            said = str(error)
            assert "'goal'" in said and len(said) < 300 and "\n" not in said
            assert not set(said.replace(",", " ").split()) & {"dtype", "float64", "array", "X", "Y"}
        else:
            assert np.isfinite(encoder.encode_targets(known)).all()


# Properties of any table

ROWS_OF_ANY = st.integers(6, 23)
WORDS = st.sampled_from(["x", "y", "z", "ü", " ", "3", "a, b", "long words stand here now"])
CELLS = {
    Kind.NUMBER: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3).map(float),
    Kind.BOOLEAN: st.booleans(),
    Kind.TEXT: WORDS,
    Kind.DATE: st.datetimes(min_value=datetime.datetime(1900, 1, 1)).map(lambda d: np.datetime64(d, "us")),
}


@st.composite
def any_table(draw) -> Table:
    rows = draw(ROWS_OF_ANY)
    columns = [numbers("sure", [i * i % 7 + 0.5 for i in range(rows)])]
    for i in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(list(Kind)))
        cells = draw(st.lists(st.none() | CELLS[kind], min_size=rows, max_size=rows))
        columns.append(column(f"c{i}", cells, kind))
    if draw(st.booleans()):
        columns.append(target(rows))
    else:
        columns.append(texts("y", [draw(st.sampled_from("uvw")) for _ in range(rows - 2)] + ["u", "v"]))
    return table(*columns)


@given(any_table(), st.data())
def test_any_table_encodes_stores_and_splits(whole, data):
    with warnings.catch_warnings(action="ignore", category=ThalwegWarning):
        encoder = Encoder.learn(whole, ["y"])
    matrix = encoder.encode(whole)
    assert np.isfinite(matrix).all() and matrix.shape == (whole.n_rows, len(encoder.feature_names))
    assert len(encoder.feature_columns) == len(encoder.feature_names) == len(set(encoder.feature_names))
    assert {decision.column for decision in encoder.decisions} == set(whole.names)
    again = Encoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    assert again == encoder and np.array_equal(again.encode(whole), matrix)
    cut = data.draw(st.integers(0, whole.n_rows))
    parts = [encoder.encode(whole.take(slice(None, cut))), encoder.encode(whole.take(slice(cut, None)))]
    assert np.array_equal(np.concatenate(parts), matrix)
    targets = encoder.encode_targets(whole)
    outputs = np.eye(len(encoder.classes))[targets] if encoder.task == "classification" else targets
    decoded, truth = encoder.decode(outputs), whole["y"].values
    assert (decoded == truth).all() if encoder.task == "classification" else np.allclose(decoded, truth)


# Storage


@pytest.fixture
def every_role() -> Encoder:
    rows = 24
    encoder = learned(
        numbers("n", [None, *[0.1 * i for i in range(1, rows)]]),
        booleans("b", [True, False] * 12),
        texts("two", ["u", "v"] * 12),
        texts("c", ["x", "y", None] * 8),
        texts("cat", ["p", "q", "r"] * 8),
        dates("d", [f"20{10 + i}-0{1 + i % 9}-1{i % 7}T1{i % 5}:00" for i in range(rows)]),
        texts("gone", ["x", None] * 12),
    )
    assert {decision.role for decision in encoder.decisions} == {*ROLES, "target"}
    return encoder


def test_storage_of_every_role(every_role):
    plain = json.loads(json.dumps(every_role.to_dict(), allow_nan=False))
    assert Encoder.from_dict(plain) == every_role and plain == every_role.to_dict()


def paths(value: Any, path: tuple = ()) -> list[tuple]:
    """Every place in a nest of dicts and lists."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, item in inside for deeper in paths(item, (*path, key)))]


@pytest.mark.parametrize(
    "junk", [None, 7, -1.5, float("nan"), float("inf"), "junk", [], {}, True, [[]], {"role": "number"}]
)
def test_junk_in_any_place_is_refused_or_harmless(every_role, junk):
    plain = every_role.to_dict()
    refused = 0
    for path in paths(plain):
        damaged = copy.deepcopy(plain)
        place: Any = {"whole": damaged}
        key: Any = "whole"
        for step in path:
            place, key = place[key], step
        place[key] = junk
        try:
            found = Encoder.from_dict(damaged if path else junk)
        except FileError as error:
            refused += 1
            assert "encoder in the file is damaged" in str(error) and "\n" not in str(error)
        else:  # then it is of the type that belongs there, and an encoder that works
            assert type(junk) in (float, str, bool, type(None)) or junk == []
            assert found.to_dict() == damaged and not (isinstance(junk, float) and not math.isfinite(junk))
    assert refused > len(paths(plain)) / 2


@pytest.mark.parametrize("change", ["remove", "add"])
def test_missing_and_unknown_keys_are_refused(every_role, change):
    plain = every_role.to_dict()
    tried = 0
    for path in paths(plain):
        damaged: Any = copy.deepcopy(plain)
        place = damaged
        for step in path:
            place = place[step]
        if not isinstance(place, dict):
            continue
        if change == "remove":
            place.pop(next(iter(place)))
        else:
            place["more"] = 1
        tried += 1
        with pytest.raises(FileError):
            Encoder.from_dict(damaged)
    assert tried > len(ROLES)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("roles", 0, "scale", "half_width"), 0.0),
        (("roles", 0, "column"), "other"),
        (("roles", 0, "role"), "unknown"),
        (("roles", 3, "values"), ["x", "x"]),
        (("targets", 0, "deviation"), -1.0),
        (("task",), "classification"),
        (("task",), "multilabel"),
        (("decisions",), []),
    ],
)
def test_values_that_cannot_be_are_refused(every_role, path, value):
    damaged: Any = every_role.to_dict()
    place = damaged
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(FileError):
        Encoder.from_dict(damaged)


@pytest.mark.parametrize("labels", [["a"], ["b", "a"], ["a", "a"], ["a", 1], [True, False], []])
def test_labels_that_cannot_be_are_refused(labels):
    encoder = learn_target(texts("y", ["a", "b"] * 3))
    damaged = encoder.to_dict()
    damaged["targets"][0]["labels"] = labels
    with pytest.raises(FileError):
        Encoder.from_dict(damaged)


# Real tables

REAL = {
    "adult.parquet": ("income", "classification", 113), "bank_marketing.parquet": ("y", "classification", 54),
    "german_credit.csv": ("class", "classification", 69), "magic_telescope.parquet": ("class", "classification", 10),
    "covertype_15k.parquet": ("Cover_Type", "classification", 52), "letter.parquet": ("class", "classification", 16),
    "spambase.csv.gz": ("class", "classification", 57), "higgs_7k.csv.gz": ("label", "classification", 28),
    "california_housing.parquet": ("median_house_value", "regression", 14), "abalone.csv": ("rings", "regression", 11),
    "concrete_strength.csv": ("strength", "regression", 8), "wine_quality.csv": ("quality", "classification", 12),
    "bike_sharing_hour.parquet": ("cnt", "regression", 65), "mnist_10k.parquet": ("label", "classification", 668),
    "skin_segmentation.parquet": ("skin", "classification", 3),
    "kddcup99_10pct.parquet": ("label", "classification", 102),
    "spamassassin_features.csv.gz": ("label", "classification", 187),
    "spamassassin_raw.parquet": ("label", "classification", 163),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_tables(shared, name):
    whole = read(shared / "data" / name)
    wanted, task, width = REAL[name]
    encoder = Encoder.learn(whole, [wanted])
    matrix = encoder.encode(whole)
    assert (encoder.task, matrix.shape) == (task, (whole.n_rows, width))
    assert np.isfinite(matrix).all() and np.abs(matrix).max() <= 3.0
    assert np.isfinite(encoder.encode_targets(whole)).all()
    assert Encoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


def test_a_table_of_messages_only_is_refused_with_advice(shared):
    with pytest.raises(TableError, match=r"free text .* keep=\['text'\]"):
        Encoder.learn(read(shared / "data" / "sms_spam.csv.gz"), ["label"])


def test_one_odd_cell_in_a_column_of_numbers_is_named():
    """It makes text of the column, which is used as such, or left out; but not without a word."""
    rng = np.random.default_rng(5)
    amounts = [f"{a:.2f}" for a in rng.normal(size=101)]
    amounts[76] = "see note"
    t = table(texts("amount", amounts), booleans("y", [i % 2 == 0 for i in range(101)]))
    with pytest.warns(
        ThalwegWarning, match="'amount' of .* 100 of its 101 cells are numbers, but row 77 has 'see note'"
    ):
        with pytest.raises(TableError, match="no column to learn from"):
            Encoder.learn(t, ["y"])
    with pytest.raises(
        TableError, match="The target 'amount' .* is text: 100 of its 101 cells .* row 77 has 'see note'"
    ):
        Encoder.learn(t, ["amount"])


def test_an_identifier_is_no_target():
    t = table(texts("name", [f"customer {i:03}" for i in range(53)]), numbers("x", [i * i % 7 for i in range(53)]))
    with pytest.raises(TableError, match="The target 'name' of .* has 53 different texts in 53 rows"):
        Encoder.learn(t, ["name"])


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([f"{1 + i % 28:02}.{1 + i % 12:02}.20{i % 10}4" for i in range(97)], "such as '01.01.2004' look like dates"),
        ([f"{1 + i % 12}/{1 + i % 28}/2024 10:00" for i in range(97)], "look like dates; make dates of them"),
        ([f"{i % 31},{i % 10}0" for i in range(97)], "such as '0,00' look like numbers with a comma; make numbers of"),
        ([f"1.{100 + i},50" for i in range(97)], "left out as text: cells such as '1.100,50' look like numbers"),
    ],
)
def test_dates_and_numbers_in_another_form_are_named(cells, said):
    t = table(
        texts("when", cells), numbers("x", [i * i % 7 for i in range(97)]), numbers("y", [i % 2 for i in range(97)])
    )
    with pytest.warns(ThalwegWarning, match=f"Column 'when' of .*{said}.*keep=\\['when'\\] takes it as it is"):
        Encoder.learn(t, ["y"])
    Encoder.learn(t, ["y"], keep=["when"])  # asked for: no warning


@pytest.mark.parametrize(
    "cells",
    [
        [f"1.{i % 5}.{i % 30}" for i in range(97)],  # versions
        [f"{i % 25:02}-{30 + i % 60}-{i % 70:02}" for i in range(97)],  # codes of banks
        [f"{i % 7},{i % 3},{i % 2}" for i in range(97)],  # lists
        [f"192.168.0.{i % 9}" for i in range(97)],
        [f"{i % 9}" for i in range(96)] + ["9,5"],  # one odd cell
        [f"0{i % 9}" for i in range(97)],  # codes
        ["1,5", "2,5"] * 48 + ["1,5"],  # two values are two values
        [f"{i % 20 + 40}.{i % 5}.2024" for i in range(97)],  # no such days
    ],
)  # fmt: skip
def test_what_only_resembles_dates_and_numbers_is_not_warned_of(cells):
    Encoder.learn(
        table(
            texts("c", cells), numbers("x", [i * i % 7 for i in range(97)]), numbers("y", [i % 2 for i in range(97)])
        ),
        ["y"],
    )
