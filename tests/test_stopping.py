"""Stop and Status: each test alone, their order, and what is refused."""

import math

import numpy as np
import pytest

import thalweg as tw
from thalweg.stopping import Reached


AT = Reached(
    epochs=7, steps=70, seconds=3.5, value=0.5, value_change=0.01, parameter_change=0.1, gradient_norm=0.2, since_best=3
)
TESTS = [  # field, a bound that is met, one that is not, status
    ("epochs", 7, 8, tw.Status.EPOCHS),
    ("steps", 70, 71, tw.Status.STEPS),
    ("seconds", 3.5, 3.6, tw.Status.SECONDS),
    ("value_below", 0.51, 0.5, tw.Status.VALUE_BELOW),
    ("value_change_below", 0.011, 0.01, tw.Status.VALUE_CHANGE_BELOW),
    ("parameter_change_below", 0.11, 0.1, tw.Status.PARAMETER_CHANGE_BELOW),
    ("gradient_norm_below", 0.21, 0.2, tw.Status.GRADIENT_NORM_BELOW),
    ("patience", 3, 4, tw.Status.PATIENCE),
]
FAR = {"epochs": 10**6}


@pytest.mark.parametrize(("field", "met", "unmet", "status"), TESTS, ids=lambda one: str(one))
def test_each_test_ends_it_alone(field, met, unmet, status):
    assert tw.Stop(**{**FAR, field: met}).met(AT) is status
    assert tw.Stop(**{**FAR, field: unmet}).met(AT) is None


def test_every_field_has_a_test():
    assert [field for field, *_ in TESTS] == list(tw.Stop.__dataclass_fields__)


def test_a_goal_that_is_reached_is_named_before_a_limit():
    everything = tw.Stop(**{field: met for field, met, _, _ in TESTS})
    assert everything.met(AT) is tw.Status.VALUE_BELOW
    assert tw.Stop(epochs=7, patience=3).met(AT) is tw.Status.PATIENCE


def test_what_is_not_known_ends_nothing():
    nothing = Reached(epochs=1, steps=1, seconds=0.0, value=math.nan)
    stop = tw.Stop(
        epochs=2, value_below=1.0, value_change_below=1.0, parameter_change_below=1.0, gradient_norm_below=1.0
    )
    assert stop.met(nothing) is None


def test_each_status_is_a_sentence():
    sentences = [status.value for status in tw.Status]
    assert len(set(sentences)) == len(sentences) == 14
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert [status for status in tw.Status if status.is_failure] == [
        tw.Status.DIVERGING,
        tw.Status.LEFT_DOMAIN,
        tw.Status.NON_FINITE,
    ]


@pytest.mark.parametrize("settings", [{}, {"patience": 3}, {"value_below": 0.1}, {"gradient_norm_below": 1e-6}])
def test_a_stop_that_might_never_come_is_refused(settings):
    with pytest.raises(tw.InputError, match="Stop needs epochs, steps or seconds, or it might never end"):
        tw.Stop(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 0}, "Stop: epochs must be a whole number > 0, not 0"),
        ({"epochs": 1.5}, "epochs must be a whole number > 0, not 1.5"),
        ({"epochs": True}, "not True"),
        ({"epochs": "10"}, "not '10'"),
        ({"steps": -1}, "steps must be a whole number > 0, not -1"),
        ({"seconds": 0}, "seconds must be a number > 0, not 0"),
        ({"seconds": math.nan}, "not nan"),
        ({"epochs": 1, "patience": 0}, "patience must be a whole number > 0, not 0"),
        ({"epochs": 1, "value_change_below": 0.0}, "value_change_below must be a number > 0, not 0.0"),
        ({"epochs": 1, "gradient_norm_below": "1"}, "not '1'"),
        ({"epochs": 1, "value_below": math.nan}, "value_below must be a finite number, not nan"),
        ({"epochs": 1, "value_below": "1"}, "value_below must be a finite number, not '1'"),
    ],
)
def test_a_bound_that_cannot_be_is_refused(settings, said):
    with pytest.raises(tw.InputError, match=said):
        tw.Stop(**settings)


def test_bounds_of_any_sign_and_of_numpy():
    assert tw.Stop(epochs=1, value_below=-3.0).value_below == -3.0
    assert tw.Stop(epochs=np.int64(3), seconds=np.float32(0.5)).epochs == 3  # pyright: ignore[reportArgumentType]
