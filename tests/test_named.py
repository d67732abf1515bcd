"""Named rows: equality, spelling, and the way to a file and back."""

import json

import pytest

import thalweg as tw
from thalweg.activations import ACTIVATIONS, find_activation
from thalweg.losses import LOSSES, find_loss


ACTIVATION_OBJECTS = [*ACTIVATIONS.values(), tw.LeakyReLU(0.2), tw.ELU(0.1 + 0.2)]
LOSS_OBJECTS = [*LOSSES.values(), tw.Huber(0.3), tw.Quantile(1 / 3)]


@pytest.mark.parametrize(
    ("row", "find"),
    [(row, find_activation) for row in ACTIVATION_OBJECTS] + [(row, find_loss) for row in LOSS_OBJECTS],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_a_row_comes_back_from_a_file(row, find):
    back = find(json.loads(json.dumps(row.to_dict())))
    assert back == row and back.parameter == row.parameter
    assert getattr(back, "kinks", None) == row.kinks
    assert find(row) is row


def test_rows_are_equal_by_name_and_parameter():
    assert tw.LeakyReLU(0.01) == ACTIVATIONS["leaky_relu"] and hash(tw.LeakyReLU()) == hash(ACTIVATIONS["leaky_relu"])
    assert tw.LeakyReLU(0.2) != tw.LeakyReLU(0.3)
    assert tw.Huber(1.0) == LOSSES["huber"] != tw.Huber(2.0)
    assert len({*ACTIVATIONS.values(), *LOSSES.values()}) == len(ACTIVATIONS) + len(LOSSES)
    assert ACTIVATIONS["relu"] != "relu"


def test_rows_are_spelt_as_they_are_made():
    assert repr(ACTIVATIONS["relu"]) == "relu"
    assert repr(tw.LeakyReLU(0.2)) == "leaky_relu(slope=0.2)"
    assert repr(tw.Quantile(0.9)) == "quantile(level=0.9)"


@pytest.mark.parametrize(
    "given",
    [
        "Relu", "", None, 3, tw.Huber(1.0), {}, {"name": "relu"}, {"name": "elu"}, {"name": "elu", "slope": 1.0},
        {"name": "elu", "alpha": 1.0, "more": 2}, {"name": ["elu"], "alpha": 1.0}, ["relu"],
        {"name": "elu", "alpha": "1"},
    ],
)  # fmt: skip
def test_what_is_no_activation_is_refused(given):
    with pytest.raises(tw.InputError, match="there is no activation|elu: alpha must be a number > 0, not '1'"):
        find_activation(given)
