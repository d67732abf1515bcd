"""Records of a training: columns, the best epoch, and the way to a file and back."""

import math
import pickle

import numpy as np
import pytest

import thalweg as tw
from thalweg.history import COLUMNS


def make(losses, validation=None):
    history = tw.History()
    for epoch, loss in enumerate(losses, start=1):
        history.add(
            loss=loss, validation_loss=math.nan if validation is None else validation[epoch - 1],
            learning_rate=0.1 / epoch, steps=5 * epoch, seconds=0.5 * epoch,
        )  # fmt: skip
    return history


def test_columns():
    history = make([3.0, 1.0, 2.0], [5.0, 6.0, 4.0])
    assert len(history) == 3
    assert history.epoch.tolist() == [1, 2, 3]
    assert history.loss.tolist() == [3.0, 1.0, 2.0]
    assert history.validation_loss.tolist() == [5.0, 6.0, 4.0]
    assert history.learning_rate.tolist() == [0.1, 0.05, 0.1 / 3]
    assert history.steps.tolist() == [5, 10, 15] and history.steps.dtype == np.int64
    assert history.seconds.tolist() == [0.5, 1.0, 1.5]
    assert history.step_loss.shape == (0,)


def test_the_value_is_the_validation_loss_where_there_is_one():
    assert make([3.0, 1.0], [5.0, 6.0]).value.tolist() == [5.0, 6.0]
    assert make([3.0, 1.0]).value.tolist() == [3.0, 1.0]
    assert make([3.0, 1.0, 2.0], [math.nan, 6.0, math.nan]).value.tolist() == [3.0, 6.0, 2.0]


@pytest.mark.parametrize(
    ("losses", "validation", "best"),
    [
        ([], None, 0),
        ([3.0, 1.0, 2.0], None, 2),
        ([3.0, 1.0, 1.0], None, 2),  # the first of equals
        ([3.0, 1.0, 2.0], [5.0, 6.0, 4.0], 3),
        ([math.nan, math.nan], None, 0),
        ([math.nan, 2.0, 3.0], None, 2),
        ([-1.0, -2.0, 0.0], None, 2),
    ],
)
def test_the_best_epoch(losses, validation, best):
    assert make(losses, validation).best_epoch == best


def test_the_latest_number_of_a_column():
    history = make([3.0, 1.0, 2.0], [5.0, math.nan, 4.0])
    for name in (*COLUMNS, "value"):
        for back in range(3):
            np.testing.assert_array_equal(history.latest(name, back), getattr(history, name)[-1 - back])
        assert math.isnan(history.latest(name, 3)) and math.isnan(tw.History().latest(name))


def test_step_losses_follow_one_another():
    history = make([1.5, 3.5])
    history.add_steps(np.array([1.0, 2.0]))
    history.add_steps(np.array([3.0, 4.0]))
    assert history.step_loss.tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("losses", [[], [3.0, 1.0, 2.0]])
@pytest.mark.parametrize("steps", [False, True])
def test_a_history_comes_back_from_a_file(losses, steps):
    history = make(losses)
    if steps:
        history.add_steps(np.array([1.0, math.nan, 2.0]))
    back = tw.History.from_arrays(history.to_arrays())
    assert len(back) == len(history) and back.best_epoch == history.best_epoch
    for name, column in history.to_arrays().items():
        np.testing.assert_array_equal(back.to_arrays()[name], column)
    back.add(loss=0.5, validation_loss=math.nan, learning_rate=0.1, steps=99, seconds=9.0)
    assert back.best_epoch == len(history) + 1


def test_a_history_says_how_it_went():
    assert repr(tw.History()) == "History of 0 epochs"
    assert repr(make([3.0, 1.25])) == "History of 2 epochs: loss 1.25, best epoch 2"
    assert repr(make([3.0], [2.5])) == "History of 1 epochs: loss 3, validation loss 2.5, best epoch 1"


def test_a_pickle_keeps_every_column():
    history = tw.History()
    for epoch in range(1, 8):
        history.add(
            loss=1.0 / epoch, validation_loss=2.0 / epoch, learning_rate=0.1, steps=3 * epoch, seconds=0.1234567 * epoch
        )
    history.add_steps(np.array([1.0, 2.0]))
    again = pickle.loads(pickle.dumps(history))
    for name, column in history.to_arrays().items():
        np.testing.assert_allclose(again.to_arrays()[name], column, rtol=0, atol=1e-6 if name == "seconds" else 0)
    assert again.best_epoch == 7 and len(pickle.loads(pickle.dumps(tw.History()))) == 0
