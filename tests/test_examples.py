"""The door for arrays: what fits comes out finite, C-ordered and of one dtype; what does not gets one sentence."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.examples import check_dtype, check_examples, check_inputs


NUMBERS = tw.Network([3, 2])
ONE = tw.Network([3, 1])
CLASSES = tw.Network([3, 5], output="softmax", loss="cross_entropy")
BINARY = tw.Network([3, 1], output="sigmoid", loss="binary_cross_entropy")
COUNTS = tw.Network([3, 2], output="exp", loss="poisson")
X = np.arange(21.0).reshape(7, 3)
Y = np.arange(14.0).reshape(7, 2)


def with_value(array, place, value):
    array = np.array(array, dtype=float)
    array[place] = value
    return array


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.float64, np.dtype("float32")])
@pytest.mark.parametrize(
    "given_X", [X, X.tolist(), X.astype(np.int8), np.asfortranarray(X), X[::-1][::-1], X.astype(np.float16)],
    ids=["array", "list", "int8", "Fortran", "reversed twice", "float16"],
)  # fmt: skip
def test_what_fits_comes_out_plain(given_X, dtype):
    examples = check_examples(NUMBERS, given_X, Y, dtype=dtype)
    wanted = check_dtype(dtype)
    for array, expected in ((examples.X, X), (examples.Y, Y), (examples.weights, np.ones(7))):
        assert array.dtype == wanted and array.flags.c_contiguous
        assert np.array_equal(array, expected)
    assert examples.n == 7


def test_what_is_given_is_not_changed():
    given_X, given_Y, weights = X.copy(), Y.copy(), np.arange(7.0)
    check_examples(NUMBERS, given_X, given_Y, weights, dtype="float32")
    assert np.array_equal(given_X, X) and np.array_equal(given_Y, Y) and np.array_equal(weights, np.arange(7.0))


def test_rows_can_be_taken():
    some = check_examples(NUMBERS, X, Y, np.arange(7.0)).take(np.array([5, 2]))
    assert some.X.tolist() == X[[5, 2]].tolist() and some.Y.tolist() == Y[[5, 2]].tolist()
    assert some.weights.tolist() == [5.0, 2.0]


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.float64])
def test_classes_become_ones_and_zeros(dtype):
    labels = np.array([0, 4, 2, 2, 1, 3, 0], dtype=dtype)
    assert check_examples(CLASSES, X, labels).Y.tolist() == np.eye(5)[labels.astype(int)].tolist()


def test_truth_values_are_classes_and_zero_or_one():
    truth = np.array([True, False, True, True, False, False, True])
    two = tw.Network([3, 2], output="softmax", loss="cross_entropy")
    assert check_examples(two, X, truth).Y[:, 1].tolist() == truth.astype(float).tolist()
    assert check_examples(BINARY, X, truth).Y[:, 0].tolist() == truth.astype(float).tolist()


def test_one_target_may_stand_in_a_row_or_a_column():
    y = np.arange(7.0)
    assert np.array_equal(check_examples(ONE, X, y).Y, check_examples(ONE, X, y[:, None]).Y)


@given(
    shares=st.lists(st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5), min_size=1, max_size=7),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_probabilities_are_targets_in_either_dtype(shares, dtype):
    probabilities = np.array(shares) / np.sum(shares, axis=1, keepdims=True)
    examples = check_examples(CLASSES, np.zeros((len(shares), 3)), probabilities, dtype=dtype)
    np.testing.assert_allclose(examples.Y, probabilities, rtol=1e-6)


REFUSED = [  # network, X, Y, weights, what is said
    (NUMBERS, X[0], Y, None, "X must have shape (n, 3) for the network 3-2, identity output, squared_error, not (3,); "
                             "one example is a row: X[None, :]"),
    (NUMBERS, X[:, :2], Y, None, "X must have shape (n, 3) for the network 3-2, identity output, squared_error, "
                                 "not (7, 2)"),
    (NUMBERS, X[None], Y, None, "not (1, 7, 3)"),
    (NUMBERS, 3.0, Y, None, "not ()"),
    (NUMBERS, X[:0], Y[:0], None, "X has no rows; at least one is needed"),
    (NUMBERS, with_value(X, (4, 1), np.nan), Y, None, "X must be finite numbers, but row 5, column 2 is nan"),
    (NUMBERS, with_value(X, (0, 2), -np.inf), Y, None, "X must be finite numbers, but row 1, column 3 is -inf"),
    (NUMBERS, [["a", "b", "c"]], Y[:1], None, "X must be an array of numbers, not an array of <U1; encode text and "
                                              "categories first (see tw.fit)"),
    (NUMBERS, X.astype(object), Y, None, "X must be an array of numbers, not an array of object"),
    (NUMBERS, X.astype(complex), Y, None, "X must be an array of numbers, not an array of complex128"),
    (NUMBERS, [[1.0, 2.0, 3.0], [4.0]], Y[:2], None, "X must be an array of numbers, not list"),
    (NUMBERS, None, Y, None, "X must be an array of numbers, not NoneType"),
    (NUMBERS, {"a": 1}, Y, None, "X must be an array of numbers, not dict"),
    (NUMBERS, np.array(["2024-01-01"] * 21, dtype="datetime64[D]").reshape(7, 3), Y, None, "datetime64[D]"),
    (NUMBERS, X, Y[:6], None, "Y must have shape (7, 2), one row for each row of X, not (6, 2)"),
    (NUMBERS, X, Y[:, 0], None, "Y must have shape (7, 2), one row for each row of X, not (7,)"),
    (NUMBERS, X, with_value(Y, (6, 0), np.nan), None, "Y must be finite numbers, but row 7, column 1 is nan"),
    (NUMBERS, X, [["yes", "no"]] * 7, None, "Y must be an array of numbers, not an array of <U3"),
    (ONE, X, np.arange(6.0), None, "Y must have shape (7, 1), one row for each row of X, not (6, 1)"),
    (ONE, X, with_value(np.arange(7.0), 2, np.inf), None, "Y must be finite numbers, but row 3, column 1 is inf"),
    (CLASSES, X, [0, 1, 2, 3, 4, 5, 0], None, "Y must hold classes as whole numbers from 0 to 4, but row 6 is 5"),
    (CLASSES, X, [0, 1, 2, -1, 4, 0, 0], None, "but row 4 is -1"),
    (CLASSES, X, [0, 1, 2.5, 1, 4, 0, 0], None, "but row 3 is 2.5"),
    (CLASSES, X, [0, np.nan, 2, 1, 4, 0, 0], None, "but row 2 is nan"),
    (CLASSES, X, [0, 1], None, "Y must have shape (7, 5) or (7,) whole numbers from 0 to 4, one row for each row of X, "
                               "not (2,)"),
    (CLASSES, X, np.full((7, 5), 0.25), None, "Y: the loss cross_entropy takes one class per row, or probabilities "
                                              "that sum to 1, but row 1, column 1 is 0.25"),
    (BINARY, X, with_value(np.ones(7), 4, 2.0), None, "Y: the loss binary_cross_entropy takes numbers from 0 to 1, but "
                                                      "row 5, column 1 is 2"),
    (COUNTS, X, with_value(Y, (3, 1), -1.0), None, "Y: the loss poisson takes numbers ≥ 0, but row 4, column 2 is -1"),
    (NUMBERS, X, Y, np.ones(6), "sample_weight must have shape (7,), one for each row of X, not (6,)"),
    (NUMBERS, X, Y, np.ones((7, 1)), "sample_weight must have shape (7,), one for each row of X, not (7, 1)"),
    (NUMBERS, X, Y, with_value(np.ones(7), 3, -0.5), "sample_weight must be ≥ 0, but row 4 is -0.5"),
    (NUMBERS, X, Y, with_value(np.ones(7), 1, np.nan), "sample_weight must be finite numbers, but row 2 is nan"),
    (NUMBERS, X, Y, np.zeros(7), "sample_weight is 0 for every row, so there is nothing to learn from"),
    (NUMBERS, X, Y, ["1"] * 7, "sample_weight must be an array of numbers, not an array of <U1"),
]  # fmt: skip


@pytest.mark.parametrize(("network", "X", "Y", "weights", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_does_not_fit_gets_a_sentence(network, X, Y, weights, said):
    with pytest.raises(tw.InputError, match=re.escape(said)) as caught:
        check_examples(network, X, Y, weights)
    assert "\n" not in str(caught.value)


def test_what_is_too_large_for_float32_is_named():
    large = with_value(X, (2, 0), 1e39)
    assert check_inputs(NUMBERS, large)[2, 0] == 1e39
    said = r"row 3, column 1 is 1e\+39 \(too large for float32; scale it or use dtype='float64'\)"
    with pytest.raises(tw.InputError, match=said):
        check_inputs(NUMBERS, large, dtype="float32")


def test_the_name_of_the_array_can_be_told():
    with pytest.raises(tw.InputError, match="^validation X must have shape"):
        check_examples(NUMBERS, X[0], Y, what="validation ")


@pytest.mark.parametrize("dtype", ["float16", "int", np.float16, int, float, None, []])
def test_another_dtype_is_refused(dtype):
    with pytest.raises(tw.InputError, match="dtype must be float32 or float64, not "):
        check_dtype(dtype)
