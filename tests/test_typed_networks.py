"""Networks that are typed in: exact numbers, three ways to type the same, what is refused and in which words."""

from __future__ import annotations

import os
import tomllib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

import by_hand
import thalweg as tw
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.errors import FileError, InputError
from thalweg.losses import LOSSES
from thalweg.text_files import MAX_BYTES
from thalweg.typed_networks import KEYS, TypedNetwork
from thalweg.typed_numbers import typed_number


# Matt Mazur, "A Step by Step Backpropagation Example", 2015.
MAZUR = """
activation = "sigmoid"
loss = "half_squared_error"
learning_rate = "1/2"
x = [0.05, 0.10]
y = [0.01, 0.99]
weights = [
    [[0.15, 0.25], [0.20, 0.30]],  # w1 and w3 leave i1, w2 and w4 leave i2
    [[0.40, 0.50], [0.45, 0.55]],
]
biases = [[0.35, 0.35], [0.60, 0.60]]
"""
BASE = {
    "weights": [[[1, 2], [3, 4], [5, 6]], [[1, 0, 1, 0, 1], [0, "1/2", 0, "1/3", 0]]],  # 3-2-5
    "biases": [[1, 2], 0],
    "x": [[1, 2, 3], [4, 5, 6]],
    "y": [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]],
}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("typed") / "net.toml"


def read(file: Path, content: str | bytes) -> TypedNetwork:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return TypedNetwork.from_toml(file)


def refusal(function, *arguments, **named) -> str:
    """The sentence, which is one line."""
    with pytest.raises(InputError) as caught:
        function(*arguments, **named)
    sentence = str(caught.value)
    assert "\n" not in sentence and len(sentence) < 400
    return sentence


# ---- networks whose numbers are known


def test_mazurs_example_gives_the_figures_he_published(file):
    typed = read(file, MAZUR)
    assert typed.network.sizes == (2, 2, 2) and typed.network.bias and typed.network.output.name == "sigmoid"
    assert typed.parameters[:4] == tuple(Fraction(n, 100) for n in (15, 25, 20, 30))
    assert typed.parameters[-2:] == (Fraction(3, 5), Fraction(3, 5)) and typed.learning_rate == Fraction(1, 2)
    X, Y = (np.array(rows, dtype=float) for rows in (typed.X, typed.Y))
    loss, gradient = tw.loss_and_gradient(typed.network, typed.p, X, Y, engine="reference")
    assert loss == pytest.approx(0.298371109, abs=5e-10)
    (W1, _), (W2, _) = typed.network.views(typed.p - 0.5 * gradient)
    np.testing.assert_allclose(W2, [[0.35891648, 0.511301270], [0.408666186, 0.561370121]], rtol=0, atol=5e-9)
    np.testing.assert_allclose(W1, [[0.149780716, 0.24975114], [0.19956143, 0.29950229]], rtol=0, atol=5e-9)


def test_the_lectures_spam_network_has_no_biases_and_adds_up_over_its_examples():
    weights = [[["1/2", "-1/3", "0,25"], ["−2", 1, 0.1]], [[1, "-1"], ["1/7", 0], [-0.3, "2e-1"]]]
    typed = TypedNetwork.from_dict({"weights": weights, "x": [[0.3, 1], [0.9, 0]], "y": [[0, 1], [1, 0]]})
    assert str(typed.network) == "2-3-2 sigmoid, sigmoid output, squared_error"  # L6, L7, L14
    assert not typed.network.bias and typed.network.reduction == "sum" and len(typed.parameters) == 12
    exact = [[["1/2", "-1/3", "1/4"], ["-2", "1", "1/10"]], [["1", "-1"], ["1/7", "0"], ["-3/10", "1/5"]]]
    hand = by_hand.batch(
        (2, 3, 2), "sigmoid", "sigmoid", "squared_error", exact, None, [["0.3", "1"], ["0.9", "0"]],
        [["0", "1"], ["1", "0"]], by_hand.PRECISE, reduction="sum",
    )  # fmt: skip
    X, Y = (np.array(rows, dtype=float) for rows in (typed.X, typed.Y))
    loss, gradient = tw.loss_and_gradient(typed.network, typed.p, X, Y, engine="reference")
    assert loss == pytest.approx(float(hand[("E",)]), rel=1e-14)
    expected = [
        float(hand["dE/dW", layer, i, j])
        for layer, below, above in ((1, 2, 3), (2, 3, 2))
        for i in range(1, below + 1)
        for j in range(1, above + 1)
    ]
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)


def test_xor_from_texts():
    typed = TypedNetwork.from_texts(
        sizes="2,2,1", activation="relu", output="identity", weights="1 1; 1 1 | 1; -2", biases="0 -1 | 0",
        x="0 0; 0 1; 1 0; 1 1", y="0, 1, 1, 0", learning_rate="0.1", reduction="mean",
    )  # fmt: skip
    X = np.array(typed.X, dtype=float)
    assert tw.predict(typed.network, typed.p, X).tolist() == [[0.0], [1.0], [1.0], [0.0]]
    assert typed.Y == ((0,), (1,), (1,), (0,)) and typed.learning_rate == Fraction(1, 10)
    assert typed.network.reduction == "mean"


def test_a_file_a_dictionary_and_texts_give_the_same(file):
    typed = read(file, MAZUR)
    assert typed == TypedNetwork.from_dict(
        {
            "sizes": (2, 2, 2), "loss": "half_squared_error", "learning_rate": 0.5, "x": [["5/100", "0,1"]],
            "y": [["1e-2", Fraction(99, 100)]],
            "weights": [[[0.15, ".25"], ["1/5", 0.3]], [["2/5", "½"], [0.45, 0.55]]],
            "biases": [["7/20", 0.35], ["+0.6", "3 / 5"]], "reduction": None, "output": "sigmoid",
        }
    )  # fmt: skip
    assert typed == TypedNetwork.from_texts(
        loss=" half_squared_error", learning_rate="1/2", weights="0.15,0.25;0.2,0.3|0.4 0.5; 0.45 0.55",
        biases="0.35 0.35 | 0.6, 0.6", x="0.05 0.1", y="0.01 0.99",
    )  # fmt: skip


def test_files_of_windows_with_tables_and_comments(file):
    text = '\ufeff# π…\nweights = [[[1_0.5]], [[2]]]\nx = "−½"\ny = 1\n[activation]\nname = "elu"\nalpha = "1/4"\n'
    typed = read(file, text.replace("\n", "\r\n"))
    assert typed.parameters == (Fraction(21, 2), 2) and typed.X == ((Fraction(-1, 2),),)
    assert typed.network.activation == (tw.ELU(0.25),) and typed.network.output == tw.ELU(0.25)


# ---- what is left out


@pytest.mark.parametrize(
    ("typed", "hidden", "output", "loss"),
    [
        ({}, "sigmoid", "sigmoid", "squared_error"),
        ({"activation": "tanh"}, "tanh", "tanh", "squared_error"),
        ({"activation": ["tanh"]}, "tanh", "identity", "squared_error"),
        ({"activation": "tanh", "output": "softmax"}, "tanh", "softmax", "cross_entropy"),
        ({"output": "softmax", "loss": "cross_entropy"}, "sigmoid", "softmax", "cross_entropy"),
        ({"loss": "binary_cross_entropy"}, "sigmoid", "sigmoid", "binary_cross_entropy"),
        ({"activation": {"name": "elu", "alpha": "1/3"}}, tw.ELU(1 / 3), tw.ELU(1 / 3), "squared_error"),
        ({"activation": ["leaky_relu(slope=1/10)"]}, tw.LeakyReLU(0.1), "identity", "squared_error"),
        ({"loss": " huber( delta = 0,5 )"}, "sigmoid", "sigmoid", tw.Huber(0.5)),
    ],
)
def test_what_is_left_out_is_as_in_the_lecture(typed, hidden, output, loss):
    network = TypedNetwork.from_dict({**BASE, **typed}).network
    assert network == tw.Network((3, 2, 5), activation=hidden, output=output, loss=loss, reduction="sum")


def test_activations_of_several_layers_are_parted_by_commas():
    network = TypedNetwork.from_texts(weights="1|2|3", x="1", y="1", activation="relu, elu(alpha=1/2)").network
    assert (
        network.activation == (tw.Network([1, 1, 1]).activation[0], tw.ELU(0.5)) and network.output.name == "identity"
    )


def test_a_zero_stands_for_the_biases_of_a_layer():
    typed = TypedNetwork.from_dict(BASE)
    assert typed.parameters[6:8] == (1, 2) and typed.parameters[-5:] == (0,) * 5
    texts = {"weights": "1 2; 3 4; 5 6 | 1 0 1 0 1; 0 1/2 0 1/3 0", "x": "1 2 3; 4 5 6", "y": "1 0 0 0 0; 0 0 0 0 1"}
    assert typed == TypedNetwork.from_texts(**texts, biases="1 2 | 0")


def test_examples_of_one_number_need_no_brackets():
    typed = TypedNetwork.from_dict({"weights": [[[2, 3]]], "x": [5, 7, 11], "y": [[1, 2], [3, 4], [5, 6]]})
    assert typed.X == ((5,), (7,), (11,)) and typed.Y[2] == (5, 6)


# ---- numbers


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (3, "3"), (-7, "-7"), (0.1, "1/10"), (1e-5, "1/100000"), (np.float64(0.1), "1/10"), (np.int64(5), "5"),
        (Fraction(2, 3), "2/3"), ("0.1", "1/10"), ("-2", "-2"), ("+2", "2"), (" 1e-3 ", "1/1000"), ("2.5E+1", "25"),
        ("1/3", "1/3"), ("-1/3", "-1/3"), ("4 / 6", "2/3"), ("0.5/0.25", "2"), ("1/2e1", "1/20"), ("0,5", "1/2"),
        ("−1/2", "-1/2"), ("½", "1/2"), ("-¾", "-3/4"), ("−⅒", "-1/10"), ("⅐", "1/7"), (".5", "1/2"), ("5.", "5"),
        ("0,125", "1/8"), ("1000,125", "8001/8"), ("0" * 70 + "7", "7"), ("1e-30", f"1/{10**30}"), ("0/5", "0"),
        ("1,25/5", "1/4"),
    ],
)  # fmt: skip
def test_a_number_is_the_fraction_that_was_typed(typed, meant):
    value = typed_number(typed, "x")
    assert type(value) is Fraction and value == Fraction(meant)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_float_is_its_shortest_decimal(value):
    assume(value == 0 or abs(value) > 1e-12)
    assert typed_number(value, "x") == Fraction(str(value)) and float(typed_number(str(value), "x")) == value


FINITE = "x must be a finite number such as 2, -0.5, 1e-3 or 1/3, not "
DIGITS = "x has more than 30 digits above or below the fraction line; round it"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        *((text, FINITE + repr(text)) for text in (
            "", "abc", "nan", "inf", "-Infinity", "1/", "/2", "1/2/3", "1/-2", "--1", "0x10", "1_0", "1j", "1½", "½/2",
            "²", "2**9", "1e", "e5", "1.2.3", "1,000,000", "٣", "1 2", "__import__('os')",
        )),
        (float("nan"), FINITE + "nan"), (float("-inf"), FINITE + "-inf"), (True, FINITE + "True"),
        (None, FINITE + "None"), ([1], FINITE + "[1]"), (1j, FINITE + "1j"), ({"a": 1}, FINITE + "{'a': 1}"),
        ("x" * 1000, FINITE + repr("x" * 1000)[:57] + "…"),
        ("1/0", "x is '1/0', and nothing can be divided by 0; write another number below the fraction line"),
        ("-1/0.00", "x is '-1/0.00', and nothing can be divided by 0; write another number below the fraction line"),
        ("1,000", "x is '1,000', which some read as 1.000 and some as 1000; write one of these"),
        ("−12,345", "x is '-12,345', which some read as -12.345 and some as -12345; write one of these"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(typed, said):
    assert refusal(typed_number, typed, "x") == said


@pytest.mark.parametrize(
    "typed",
    [
        "1e999999999", "1e-999999999", "0e999999999", "1/1e999999999", "1e31", "1e-31", "1" * 31, "1/" + "3" * 31,
        "9" * 1_000_000, "1e" + "9" * 1_000_000, 10**31, 10**5000, 5e-324, 1.7e308, Fraction(1, 10**31),
    ],
    ids=range(15),
)  # fmt: skip
def test_digits_without_end_are_never_computed(typed):
    assert refusal(typed_number, typed, "x") == DIGITS


@given(st.text(max_size=11) | st.text(alphabet="0123456789+-−.,/eE ½", max_size=13))
@example("1e99/1e-99")
def test_any_text_is_a_fraction_within_bounds_or_refused(text):
    try:
        value = typed_number(text, "x")
    except InputError:
        return
    assert max(abs(value.numerator), value.denominator) <= 10**30


# ---- to TOML and back


def fractions():
    small = st.fractions(-7, 7, max_denominator=1000) | st.decimals(-99, 99, places=3).map(Fraction)
    return small | st.builds(Fraction, st.integers(-(10**30), 10**30), st.integers(1, 10**30))


def positive():
    return st.builds(Fraction, st.integers(1, 10**30), st.integers(1, 10**30))


@st.composite
def typed_networks(draw):
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))

    def row(n, numbers=None):
        return draw(st.lists(fractions() if numbers is None else numbers, min_size=n, max_size=n))

    below_one = positive().map(lambda value: str(value if value < 1 else 1 / (value + 1)))
    assumed = draw(below_one.filter(lambda text: Fraction(text).denominator <= 10**30))
    hidden = st.sampled_from([*HIDDEN, f"elu(alpha={draw(positive())})", {"name": "leaky_relu", "slope": assumed}])
    rows = draw(st.integers(1, 3))
    output, loss = draw(
        st.sampled_from(
            [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"), ("exp", "poisson"),
             ("tanh", "quantile"), ("elu(alpha=1/3)", f"huber(delta={draw(positive())})")]
        )
    )  # fmt: skip
    plain = {
        "activation": draw(st.lists(hidden, min_size=len(sizes) - 2, max_size=len(sizes) - 2)),
        "output": output,
        "loss": loss,
        "reduction": draw(st.sampled_from(["sum", "mean"])),
        "weights": [[row(n) for _ in range(m)] for m, n in zip(sizes, sizes[1:], strict=False)],
        "x": [row(sizes[0]) for _ in range(rows)],
        "y": [[int(k == 0) for k in range(sizes[-1])] for _ in range(rows)],
    }
    if draw(st.booleans()):
        plain["biases"] = [row(n) for n in sizes[1:]]
    if draw(st.booleans()):
        plain["learning_rate"] = draw(positive())
    return TypedNetwork.from_dict(plain)


@given(typed_networks())
def test_what_is_saved_reads_back_as_the_same(file, typed):
    text = typed.to_toml()
    assert read(file, text) == typed
    # Any reader of TOML finds the numbers: here with floats for decimals, as most do.
    plain = tomllib.loads(text)
    assert tuple(plain) == tuple(key for key in KEYS if key in plain)
    W = [float(Fraction(one)) for matrix in plain["weights"] for row in matrix for one in row]
    views = typed.network.views(typed.p)
    np.testing.assert_array_equal(W, np.concatenate([W.ravel() for W, _ in views]))


def test_saved_numbers_are_written_as_people_write_them():
    numbers = "7 0.1 1/3 -0.125 1/1024 1e20 123456789012345678901 1e-7 12345.678"
    typed = TypedNetwork.from_texts(weights=numbers, x="1", y=" ".join("0" * 9))
    row = '[7, 0.1, "1/3", -0.125, 0.0009765625, 1e+20, "123456789012345678901", 1e-07, 12345.678]'
    assert f"    [{row}],\n" in typed.to_toml()


# ---- what is refused


def changed(**changes):
    return {key: value for key, value in {**BASE, **changes}.items() if value != "left out"}


SHORT = "has 1 number and needs 2"
WHOLE = "sizes must be whole numbers, the inputs first, such as [2, 3, 1], not"
NEED = "a row for each unit below, with a number for each unit above"


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ([], f"a typed network is a dictionary with the keys {', '.join(KEYS)}, not []"),
        (changed(wieghts=1), f"there is no key 'wieghts'; did you mean 'weights'? The keys are {', '.join(KEYS)}"),
        (changed(Bias=1), f"there is no key 'Bias'; did you mean 'biases'? The keys are {', '.join(KEYS)}"),
        ({7: 1}, f"there is no key 7; the keys are {', '.join(KEYS)}"),
        (changed(weights="left out"), "weights is missing; give weights, x, y"),
        (changed(x=None), "x is missing; give weights, x, y"),
        (changed(y="left out"), "y is missing; give weights, x, y"),
        (changed(weights=3), "weights must be a list of matrices, such as [[[1, 2], [3, 4]]], not 3"),
        (changed(weights=[]), "weights must be a list of matrices, such as [[[1, 2], [3, 4]]], not []"),
        (changed(weights=[1, 2]), "weights of layer 1 must be a list of rows, one for each unit below, not 1"),
        (changed(weights=[[1, 2], [3, 4]]), "weights of layer 1, row 1 must be a list of numbers, not 1"),
        (changed(weights=[[[1], []]]), "weights of layer 1, row 2 must be a list of numbers, not []"),
        (changed(weights=[[[1, 2], [3]]]), f"weights of layer 1, row 2 {SHORT}, as many as row 1; write 2"),
        (
            changed(weights=[[[1, "two"], [3, 4], [5, 6]]]),
            f"weights of layer 1, row 1, number 2 {FINITE[2:]}'two'",
        ),
        (
            changed(weights=[[[1]], [[2], ["1/0"]]]),
            "weights of layer 2, row 2, number 1 is '1/0', and nothing can be divided by 0; write another number below "
            "the fraction line",
        ),
        (
            changed(weights=[[[1, 2], [3, 4], [5, 6]], [[1], [2], [3]]]),
            f"weights of layer 2 has 3 × 1 numbers, and layer 1 of 2 units needs 2 × 1: {NEED}; "
            f"change the matrix or the sizes",
        ),
        (
            changed(sizes=[2, 3, 5]),
            f"weights of layer 1 has 3 × 2 numbers, and sizes [2, 3, 5] need 2 × 3: {NEED}; transpose it",
        ),
        (
            changed(sizes=(3, 2, 7)),
            f"weights of layer 2 has 2 × 5 numbers, and sizes [3, 2, 7] need 2 × 7: {NEED}; "
            f"change the matrix or the sizes",
        ),
        (
            changed(sizes=[3, 2, 2, 5]),
            "weights has 2 layers, and sizes [3, 2, 2, 5] need 3, one for each size after the first; "
            "change one of them",
        ),
        (changed(sizes=3), f"{WHOLE} 3"),
        (changed(sizes=["3", 2, 5]), f"{WHOLE} ['3', 2, 5]"),
        (
            changed(sizes=[3, 0, 5]),
            "sizes must be at least two whole numbers ≥ 1 (inputs, …, outputs), such as [57, 20, 2], not [3, 0, 5]",
        ),
        (
            changed(weights=[[[0] * 101] * 101]),
            "weights has 10,201 numbers, and at most 10,000 can be typed; make the layers narrower",
        ),
        (
            changed(x=[[1, 2, 3]] * 3334),
            "x has 10,002 numbers, and at most 10,000 can be typed; give fewer examples",
        ),
        (changed(biases=0), "biases must be a list, with a list of numbers, or 0, for each layer, not 0"),
        (changed(biases=[[1, 2]]), "biases has 1 layer, and the weights 2; give a list, or 0, for each"),
        (changed(biases=[[1], 0]), "biases of layer 1 has 1 number and needs 2, one for each unit; write 2"),
        (changed(biases=[[1, 2], 0.6]), "biases of layer 2 must be a list of numbers, not 0.6"),
        (changed(biases=[[1, "a"], 0]), f"biases of layer 1, number 2 {FINITE[2:]}'a'"),
        (changed(biases=[[1, 2], "b"]), f"biases of layer 2 {FINITE[2:]}'b'"),
        (changed(x=[1, 2]), "x, example 1 has 2 numbers and needs 3, one for each input of the network; write 3"),
        (changed(x=[[1, 2, 3], []]), "x, example 2 must be a list of numbers, not []"),
        (changed(x=[[1, 2, 3], [4, 5]]), "x, example 2 has 2 numbers and needs 3, one for each input of the network; "
         "write 3"),
        (changed(x=[[1, 2, 3], 4]), "x, example 2 must be a list of numbers, not 4"),
        (changed(x=[]), "x must be a list of numbers, not []"),
        (changed(x=[1, 2, "-"]), f"x, example 1, number 3 {FINITE[2:]}'-'"),
        (changed(y=1), "y, example 1 has 1 number and needs 5, one for each output of the network; write 5"),
        (changed(y=[1, 0, 0, 0, 0]), "x has 2 examples, and y has 1; give one y for each x"),
        (
            changed(y=[[1, 0, 0, 0, 0], [0, "1/2", 0, 0, 0]], output="softmax"),
            "y: the loss cross_entropy takes one class per row, or probabilities that sum to 1, and example 2, "
            "number 1 is 0; change it or the loss",
        ),
        (
            changed(y=[[1, 0, 0, 0, 0], [0, "3/2", 0, 0, 0]], loss="binary_cross_entropy"),
            "y: the loss binary_cross_entropy takes numbers from 0 to 1, and example 2, number 2 is 3/2; "
            "change it or the loss",
        ),
        (changed(learning_rate="-1/2"), "learning_rate must be a number > 0, such as 0.5, not -1/2"),
        (changed(learning_rate=0), "learning_rate must be a number > 0, such as 0.5, not 0"),
        (changed(learning_rate=[1]), f"learning_rate {FINITE[2:]}[1]"),
        (
            changed(activation=7),
            'activation must be a name, or a name and its parameter, as in "elu(alpha=0.5)", not 7',
        ),
        (
            changed(loss={"name": "huber"}),
            'loss must be a name, or a name and its parameter, as in "elu(alpha=0.5)", not {\'name\': \'huber\'}',
        ),
        (changed(output={"name": "elu", "alpha": "1/0"}), "output: 'alpha' is '1/0', and nothing can be divided by 0; "
         "write another number below the fraction line"),
        (changed(activation="elu(alpha=-1)"), "elu: alpha must be a number > 0, not -1.0"),
        (changed(activation=["relu", "relu"]),
         "activation must be one value or one per hidden layer, here 1, not 2: ['relu', 'relu']"),
        (changed(loss="cross_entropy"), "the loss cross_entropy needs the output softmax, not sigmoid; set output= or "
         "loss= accordingly"),
        (changed(reduction="max"), "reduction must be one of mean, sum, not 'max'"),
    ],
)  # fmt: skip
def test_what_disagrees_is_refused_with_its_place(plain, said):
    assert refusal(TypedNetwork.from_dict, plain) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": None}, "--weights is missing; give --weights, --x, --y"),
        ({"weights": ""}, "--weights of layer 1, row 1 must be a list of numbers, not []"),
        ({"weights": "1 2; 3 4;"}, "--weights of layer 1, row 3 must be a list of numbers, not []"),
        ({"weights": "1 2; 3"}, "--weights of layer 1, row 2 has 1 number and needs 2, as many as row 1; write 2"),
        ({"weights": "0,5 1; 2 3"}, "--weights of layer 1, row 1, number 2 must be a finite number such as 2, -0.5, "
         "1e-3 or 1/3, not '5 1'"),
        ({"sizes": "2,two"}, "--sizes must be whole numbers, the inputs first, such as [2, 3, 1], not [2, 'two']"),
        ({"sizes": "2 3 1"}, "--weights has 1 layer, and sizes [2, 3, 1] need 2, one for each size after the first; "
         "change one of them"),
        ({"x": "1 2; 3"}, "--x, example 2 has 1 number and needs 2, one for each input of the network; write 2"),
        ({"x": "1,,2"}, "--x, example 1 has 3 numbers and needs 2, one for each input of the network; write 2"),
        ({"x": "1,"}, "--x, example 1, number 2 must be a finite number such as 2, -0.5, 1e-3 or 1/3, not ''"),
        ({"biases": "1 2 | 3"}, "--biases has 2 layers, and the weights 1; give a list, or 0, for each"),
        ({"learning_rate": "fast"}, "--learning-rate must be a finite number such as 2, -0.5, 1e-3 or 1/3, not 'fast'"),
        ({"learning_rate": "-1"}, "--learning-rate must be a number > 0, such as 0.5, not -1"),
    ],
)  # fmt: skip
def test_texts_are_refused_by_the_name_of_their_option(changes, said):
    texts = {"weights": "1 2; 3 4", "x": "1 2", "y": "1 0", **changes}
    assert refusal(TypedNetwork.from_texts, **texts) == said


# ---- files


PLACE = "{}: weights of layer 2, row 2, number 1"
CORRECT = 'correct it there, and put fractions in quotes, as in "1/3"'
DEEP = "{} has too many brackets in brackets; weights have three deep, and x, y and biases two"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "{}: weights is missing; give weights, x, y"),
        ("lr = 1", f"{{}}: there is no key 'lr'; the keys are {', '.join(KEYS)}"),
        (MAZUR.replace("0.45", '"1/O"'), f"{PLACE} {FINITE[2:]}'1/O'"),
        (MAZUR.replace("0.45", "nan"), f"{PLACE} {FINITE[2:]}'nan'"),
        (MAZUR.replace("0.45", "1979-05-27"), f"{PLACE} {FINITE[2:]}datetime.date(1979, 5, 27)"),
        (MAZUR.replace("0.45", "1e999999999"), f"{PLACE} {DIGITS[2:]}"),
        (MAZUR.replace("0.45", "9" * 999), f"{PLACE} {DIGITS[2:]}"),
        (
            MAZUR.replace('"sigmoid"', '"relo"'),
            f"{{}}: there is no activation 'relo'; choose one of {', '.join(ACTIVATIONS)}",
        ),
        (MAZUR.replace("half_squared_error", "l2"), f"{{}}: there is no loss 'l2'; choose one of {', '.join(LOSSES)}"),
        ("x = [0.05 0.1]\n", f"{{}} is no TOML: Unclosed array (at line 1, column 11); {CORRECT}"),
        (
            "x = 1\ny = 1/3\n",
            f"{{}} is no TOML: Expected newline or end of document after a statement (at line 2, column 6); {CORRECT}",
        ),
        (b"x = 1\ny = \xff", "{} is no text in UTF-8, as byte 11 is 0xff; save it as UTF-8, or name another file"),
        (MAZUR.encode("utf-16"), "{} is no text in UTF-8, as byte 1 is 0xff; save it as UTF-8, or name another file"),
        (
            "#" * (MAX_BYTES + 1),
            "{} has over 1,000,000 bytes, too many for a network that was typed; name another file",
        ),
        ("a.b.c = 1", f"{{}}: '.b.' is part of no key and no number; the keys are {', '.join(KEYS)}"),
        ("weights = " + "[" * 100_000, DEEP),
        ("x = " + "{a=" * 100_000, DEEP),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_is_refused_with_its_name_and_the_place(file, content, said):
    assert refusal(read, file, content) == said.format(repr(str(file)))


def test_a_file_of_the_greatest_size_is_read(file):
    padding = "#" * (MAX_BYTES - len(MAZUR))
    assert read(file, MAZUR + padding) == read(file, MAZUR)


@pytest.mark.parametrize(
    "hostile",
    [
        ".".join("a" * 400_000) + " = 1",
        "[" + " . ".join(["a"] * 200_000) + "]\n",
        "x = {" + ".".join(['"a,b#\\"."', "'c = \"'", "d-e"] * 60_000) + " = 1}",
        'x = """\\""""".\'"\'' + "\ny" + "." * 900_000,
        '"' * 999_999,
        "x = '''" + "'" * 900_000,
        'x = """' + '\\"' * 450_000,
        "x = 0x" + "f" * 900_000,
        "x = " + "9" * 900_000,
        "x = 1" + "_1" * 400_000 + ".5",
        "x = [" + "0." * 400_000,
        "x" * 999_999,
        "x = " + " ." * 400_000,
        "x =." + " " * 900_000,
        "\n" * 999_999 + "=",
    ],
    ids=range(15),
)
def test_hostile_files_come_to_an_end(file, hostile):
    assert refusal(read, file, hostile).startswith(repr(str(file)))


def test_points_in_texts_and_comments_are_left_alone(file):
    comments = "# e.g. v.1.2.3 … www.a.b.c\n" + "# " + "x" * 2000 + "\n"
    assert read(file, comments + MAZUR) == read(file, MAZUR)
    sentence = refusal(read, file, "x = '''a.b.c\n.d.e.f'''\nz = \"a.b.c#\"")
    assert "there is no key 'z'" in sentence


def test_what_is_no_file_is_refused(tmp_path):
    absent, folder, pipe = tmp_path / "absent.toml", tmp_path / "folder", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    said = {
        absent: "does not exist",
        folder: "is a folder, not a file",
        pipe: "is not an ordinary file; choose another name",
    }
    for path, reason in said.items():
        with pytest.raises(FileError) as caught:
            TypedNetwork.from_toml(path)
        assert str(caught.value) == f"{str(path)!r} {reason}"


# ---- whatever is typed


def survives(file: Path, content: bytes) -> None:
    try:
        typed = read(file, content)
    except InputError:
        return
    assert read(file, typed.to_toml()) == typed


@given(st.binary(max_size=300))
def test_bytes_at_random_are_read_or_refused(file, content):
    survives(file, content)


PIECES = [
    *KEYS,
    *"=[]{},.'#-10½−\n\\\x00\"",
    "[[",
    '"""',
    "1/0",
    '"1/0"',
    "1e9999999999",
    "inf",
    "nan",
    "true",
    "1979-05-27",
]
PIECES += ["0x", '"softmax"', "name", '{name="elu",alpha=1}', "a.b.c"]


@given(
    cuts=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 7), st.sampled_from(PIECES) | st.text(max_size=3)), max_size=7
    )
)
def test_a_file_with_slips_is_read_or_refused(file, cuts):
    text = MAZUR
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]
    survives(file, text.encode("utf-8", "surrogatepass"))


def plain_values():
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["1/2", 0, 1]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=9,
    )


@given(st.dictionaries(st.sampled_from(KEYS), plain_values()), st.sets(st.sampled_from(KEYS)))
def test_values_at_random_are_read_or_refused(values, kept):
    plain = {**BASE, **{key: value for key, value in values.items() if key not in kept}}
    try:
        typed = TypedNetwork.from_dict(plain)
    except InputError:
        return
    assert len(typed.parameters) == typed.network.n_parameters and len(typed.X) == len(typed.Y)


@given(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=9) | st.text(alphabet="0123456789 .,;|/-", max_size=13)))
def test_texts_at_random_are_read_or_refused(texts):
    try:
        typed = TypedNetwork.from_texts(**{"weights": "1 2; 3 4", "x": "1 2", "y": "1 0", **texts})
    except InputError:
        return
    assert len(typed.parameters) == typed.network.n_parameters and len(typed.X) == len(typed.Y)
