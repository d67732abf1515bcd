"""What every export has in common: labels in a type that exported models have, and refusals with the way out."""

import numpy as np
import pytest

import thalweg as tw
from thalweg.exports import check_labels, formula_of, label_array
from thalweg.labels import Labels
from thalweg.network import Network


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64", "float32", "float64", "bool"])
def test_numbers_keep_the_type_of_their_array(dtype):
    labels = np.array([0, 1], dtype=dtype)
    found = label_array(labels)
    assert found.dtype == labels.dtype and found.tolist() == labels.tolist()


def test_what_is_no_array_and_other_orders_of_bytes_get_numpys_own_type():
    assert label_array([3, 5]).dtype == np.int64 and label_array([0.5, 1.5]).dtype == np.float64
    assert label_array([False, True]).dtype == bool
    assert label_array(np.array([3, 5], dtype=">i4")).dtype == np.dtype("int32")
    assert label_array(np.array([3, 5], dtype=object)).dtype == np.int64


@pytest.mark.parametrize("labels", [["a", "ß"], np.array(["a", "ß"]), np.array(["a", "ß"], dtype=object)])
def test_text_is_objects(labels):
    found = label_array(labels)
    assert found.dtype == object and found.tolist() == ["a", "ß"] and {type(label) for label in found} == {str}


@pytest.mark.parametrize(
    "labels",
    [
        [1, "a"],
        [1, 2.5],
        [True, 2],
        [None, None],
        [b"a", b"b"],
        [1j, 2j],
        [2**70, 1],
        [],
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    ],
)
def test_other_labels_are_refused_with_the_way_out(labels):
    with pytest.raises(tw.InputError, match="labels must all be text.*write them as text"):
        label_array(labels)


def test_labels_fit_their_network_or_are_refused():
    three, one = Network([2, 3]), Network([2, 1], output="sigmoid", loss="binary_cross_entropy")
    assert check_labels(["a", "b", "c"], three).kind == "multiclass" and check_labels([0, 1], one).kind == "binary"
    with pytest.raises(tw.InputError, match="has 3 outputs, but there are 2 labels; give one for each"):
        check_labels(["a", "b"], three)
    columns = Labels("multioutput", (np.array(["x", "y"]), np.array([4, 2, 9], dtype=np.int8)))
    found = check_labels(columns, Network([2, 5], output="sigmoid", loss="binary_cross_entropy"))
    assert found.kind == "multioutput" and [known.dtype for known in found.classes] == [object, np.int8]


def test_the_formula_of_an_own_row_has_its_numbers():
    swish = tw.own_activation("swish2", "a*sigmoid(b*a)", b=2)
    found = formula_of(swish)
    a = np.array([-1.5, 0.0, 2.0])
    assert found.symbols == {"a"} and found.on_arrays(["a"])(a).tolist() == swish(a).tolist()
