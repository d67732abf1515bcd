"""The description of a network: layout of the parameter vector, initial weights, and what is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.network import INITIALIZATIONS


def test_the_vector_holds_each_layer_row_by_row_weights_before_biases():
    network = tw.Network([2, 3, 1])
    p = np.arange(13.0)
    (W1, b1), (W2, b2) = network.views(p)
    assert b1 is not None and b2 is not None
    assert W1.tolist() == [[0, 1, 2], [3, 4, 5]] and b1.tolist() == [6, 7, 8]
    assert W2.tolist() == [[9], [10], [11]] and b2.tolist() == [12]
    assert network.n_parameters == 13


def test_views_share_memory():
    network = tw.Network([2, 3, 1])
    p = network.initialize(seed=0)
    W2, b2 = network.views(p)[1]
    assert b2 is not None
    W2[1, 0], b2[0] = 17.0, -5.0
    assert p[10] == 17.0 and p[12] == -5.0


def test_without_biases_there_are_none():
    network = tw.Network([2, 3, 5], bias=False)
    assert network.n_parameters == 2 * 3 + 3 * 5
    assert [b for _, b in network.views(network.initialize())] == [None, None]


@given(sizes=st.lists(st.integers(1, 7), min_size=2, max_size=5), bias=st.booleans())
def test_every_parameter_has_a_name_and_stands_where_it_says(sizes, bias):
    network = tw.Network(sizes, bias=bias)
    p = np.arange(float(network.n_parameters))
    named = {network.name_of(i): i for i in range(network.n_parameters)}
    assert len(named) == network.n_parameters
    for number, (W, b) in enumerate(network.views(p), start=1):
        for (i, j), at in np.ndenumerate(W):
            assert named[f"W[{number}][{i + 1},{j + 1}]"] == at
        for j, at in enumerate([] if b is None else b):
            assert named[f"b[{number}][{j + 1}]"] == at


@pytest.mark.parametrize("index", [-1, 13, 100])
def test_a_place_that_is_none_has_no_name(index):
    with pytest.raises(tw.InputError, match=f"numbered 0 to 12, not {index}"):
        tw.Network([2, 3, 1]).name_of(index)


def test_layer_not_finite_names_the_last_layer():
    network = tw.Network([2, 3, 5, 1])
    for place, layer in ((0, 1), (8, 1), (9, 2), (28, 2), (29, 3), (34, 3)):
        for bad in (np.nan, np.inf, -np.inf):
            p = np.zeros(35)
            p[[0, place]] = 0.0, bad
            assert network.layer_not_finite(p) == layer
    assert network.layer_not_finite(np.zeros(35)) == 0
    assert network.layer_not_finite(np.full(35, np.nan)) == 3


SPREADS = {  # scheme -> (half width of the uniform distribution or None, standard deviation) for 211 below, 97 above
    "glorot": (np.sqrt(6.0 / 308.0), np.sqrt(2.0 / 308.0)),
    "he": (None, np.sqrt(2.0 / 211.0)),
    "lecun": (None, np.sqrt(1.0 / 211.0)),
    "normal": (None, 0.1),
    "uniform": (0.5, 0.5 / np.sqrt(3.0)),
    "zero": (0.0, 0.0),
}


@pytest.mark.parametrize("scheme", SPREADS)
def test_initial_weights_have_the_spread_of_their_scheme(scheme):
    network = tw.Network([211, 97])
    ((W, b),) = network.views(network.initialize(seed=1, scheme=scheme))
    assert b is not None and not b.any()
    half_width, deviation = SPREADS[scheme]
    assert W.std() == pytest.approx(deviation, rel=0.03)
    assert abs(W.mean()) <= 4 * deviation / np.sqrt(W.size)
    if half_width is None:
        assert np.abs(W).max() > 3 * deviation
    else:
        assert np.abs(W).max() <= half_width and np.abs(W).max() >= 0.99 * half_width


def test_the_schemes_are_these():
    assert set(INITIALIZATIONS) == set(SPREADS)
    with pytest.raises(tw.InputError, match="scheme must be one of auto, glorot, .*, not 'xavier'"):
        tw.Network([1, 1]).initialize(scheme="xavier")


def test_auto_takes_what_suits_each_layer():
    network = tw.Network([7, 5, 3, 2], activation=["relu", "selu"], output="sigmoid")
    auto = network.views(network.initialize(seed=3))
    for layer, scheme in enumerate(("he", "lecun", "glorot")):
        assert np.array_equal(auto[layer][0], network.views(network.initialize(seed=3, scheme=scheme))[layer][0])


def test_initial_weights_never_change():
    assert tw.Network([2, 3, 1], activation="relu", output="sigmoid").initialize(seed=42).tolist() == [
        0.8446385673396435, 0.28814694899119786, -0.24288692454229022, -0.3258614713422503, -0.48982956547024514,
        1.1028872258666524, 0.0, 0.0, 0.0, -0.8498643418779539, 0.07111279918789591, 1.1152114250167309, 0.0,
    ]  # fmt: skip


def test_seeds_and_layers_draw_apart():
    network = tw.Network([5, 5, 5], activation="tanh")
    first, second = network.views(network.initialize(seed=0))
    assert not np.isin(first[0], second[0]).any()
    assert not np.isin(network.initialize(seed=1)[:25], network.initialize(seed=0)[:25]).any()


DESCRIBED = [
    tw.Network([2, 1]),
    tw.Network([7, 5, 3], activation="gelu", output="softmax", loss="cross_entropy", dropout=0.5, l2=1e-3),
    tw.Network([7, 5, 3, 2], activation=[tw.LeakyReLU(0.2), "tanh"], loss=tw.Huber(0.7), bias=False, reduction="sum",
               dropout=[0.0, 0.25]),
]  # fmt: skip


@pytest.mark.parametrize("network", DESCRIBED, ids=str)
def test_a_description_makes_the_same_network_again(network):
    again = tw.Network(**json.loads(json.dumps(network.to_dict())))
    assert again == network and hash(again) == hash(network)
    assert again.to_dict() == network.to_dict()
    assert again != tw.Network([2, 2])


def test_a_network_describes_itself_in_a_line():
    assert str(DESCRIBED[0]) == "2-1, identity output, squared_error"
    assert str(DESCRIBED[2]) == "7-5-3-2 leaky_relu(slope=0.2), tanh, identity output, huber(delta=0.7)"


def test_a_network_cannot_be_changed():
    with pytest.raises(AttributeError):
        tw.Network([2, 1]).l2 = 1.0  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("sizes", "options", "said"),
    [
        ([2], {}, r"sizes must be at least two whole numbers ≥ 1 .*, not \[2\]"),
        ([2, 0], {}, r"not \[2, 0\]"),
        ([2, 1.5], {}, r"not \[2, 1.5\]"),
        ([2, True], {}, r"not \[2, True\]"),
        (3, {}, "not 3"),
        (2.5, {}, "not 2.5"),
        ("2-3", {}, "not '2-3'"),
        ([2**16, 2**16], {}, "more than 2\\^31 weights"),
        ([2, 3, 1], {"activation": "softmax"}, "softmax can only be the output"),
        ([2, 3, 1], {"activation": ["relu"] * 2}, "activation must be one value or one per hidden layer, here 1"),
        ([2, 3, 1], {"activation": "nope"}, "there is no activation 'nope'"),
        ([2, 3, 1], {"loss": "nope"}, "there is no loss 'nope'"),
        ([2, 3, 1], {"loss": "cross_entropy"}, "the loss cross_entropy needs the output softmax, not identity"),
        ([2, 3, 1], {"reduction": "average"}, "reduction must be one of mean, sum, not 'average'"),
        ([2, 3, 1], {"l2": -1.0}, "l2 must be a number with 0 ≤ l2 < inf, not -1.0"),
        ([2, 3, 1], {"l2": float("nan")}, "not nan"),
        ([2, 3, 1], {"dropout": 1.0}, "dropout must be a number with 0 ≤ dropout < 1, not 1.0"),
        ([2, 3, 1], {"dropout": [0.1, 0.2]}, "dropout must be one value or one per hidden layer, here 1, not 2"),
        ([2, 1], {"dropout": 0.5}, "dropout=0.5 would do nothing"),
    ],
)  # fmt: skip
def test_a_network_that_cannot_be_is_refused(sizes, options, said):
    with pytest.raises(tw.InputError, match=said):
        tw.Network(sizes, **options)


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (np.zeros(5), r"parameter vector of shape \(13,\), not \(5,\); make one with initialize"),
        (np.zeros((13, 1)), r"not \(13, 1\)"),
        (["a"] * 13, "parameters must be a vector of numbers"),
        (np.zeros(13, dtype=complex), "parameters must be a vector of numbers, not an array of complex128"),
        ([0.0] * 6 + [np.inf] + [0.0] * 6, r"parameters must be finite numbers, but b\[1\]\[1\] is inf"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(p, said):
    with pytest.raises(tw.InputError, match=said):
        tw.Network([2, 3, 1]).check_parameters(p)


def test_parameters_may_be_whole_numbers_or_float32():
    network = tw.Network([2, 3, 1])
    assert network.check_parameters(list(range(13))).dtype == np.float64
    narrow = np.zeros(13, dtype=np.float32)
    assert network.check_parameters(narrow) is narrow
    assert len(network.views(np.full(13, np.nan))) == 2  # a gradient may be looked at whatever it holds
