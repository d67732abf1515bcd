"""Callbacks that steer, on every engine: stopping by a metric, falling rates, averages."""

import copy
import math
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.callbacks import Watch
from thalweg.metrics import Metric


N = 29
NET = tw.Network([3, 5, 1], activation="tanh")
X = np.random.default_rng(2).normal(size=(N, 3))
Y = X[:, 0] * X[:, 1]
HELD = (X[:7] + 0.1, Y[:7])
CLASSES = tw.Network([3, 5, 2], activation="tanh", output="softmax", loss="cross_entropy")


class Keeper:
    """A callback that keeps the parameters of each epoch."""

    def on_start(self, run):
        self.parameters = []

    def on_epoch(self, run):
        self.parameters.append(run.parameters.copy())


def train(engine, *callbacks, network=NET, Y=Y, **options):
    options = {
        "optimizer": tw.Adam(0.02), "stop": tw.Stop(epochs=20), "validation": HELD, "dtype": "float64", "seed": 3,
        **options,
    }  # fmt: skip
    return tw.train(network, X, Y, engine=engine, callbacks=callbacks, **options)


def told(values):
    """A metric that says these, one after the other."""
    coming = iter(values)

    def moon(y, outputs):
        return next(coming)

    return moon


def largest_miss(y, outputs):
    return float(np.abs(y - outputs).max())


# EarlyStopping

VALUES = [0.5, 0.6, 0.55, 0.7, 0.7, 0.69, 0.71, 0.2, 0.3, 0.1, 0.0, 0.9]


@pytest.mark.parametrize(
    ("higher", "patience", "tolerance", "epochs", "best"),
    [
        (True, 1, 0.0, 3, 2),
        (True, 2, 0.0, 6, 4),
        (True, 3, 0.0, 10, 7),
        (True, 2, 0.15, 3, 2),  # 0.6 is better than 0.5, but not by enough
        (True, 3, 0.15, 7, 7),  # counted from 0.7; the best is 0.71 all the same
        (False, 6, 0.0, 7, 1),
        (False, 7, 0.0, 12, 11),
    ],
)
def test_it_stops_after_patience_and_returns_the_best_epoch(higher, patience, tolerance, epochs, best, engine):
    stopping = tw.EarlyStopping(told(VALUES), patience, tolerance, higher_is_better=higher)
    keeper = Keeper()
    result = train(engine, stopping, keeper, stop=tw.Stop(epochs=12))
    assert len(result.history) == epochs and stopping.best_epoch == best
    assert stopping.values == VALUES[:epochs] and stopping.best_value == VALUES[best - 1]
    assert np.array_equal(result.parameters, keeper.parameters[best - 1])
    assert np.array_equal(result.last_parameters, keeper.parameters[-1])


def test_it_says_why(engine):
    result = train(engine, tw.EarlyStopping(told(VALUES), 2, higher_is_better=True))
    assert result.status is tw.Status.CALLBACK
    assert result.message == (
        "A callback asked to stop: moon has not risen for 2 epochs; its best value is 0.7, of epoch 4."
    )
    result = train(engine, tw.EarlyStopping(told(VALUES), 1, 0.3, higher_is_better=False))
    assert result.why == "moon has not fallen by more than 0.3 for 1 epoch; its best value is 0.5, of epoch 1"
    result = train(engine, tw.EarlyStopping(told([math.nan] * 9), 3, higher_is_better=False))
    assert result.why == "moon has been no number for 3 epochs" and len(result.history) == 3
    assert result.best_epoch and np.isfinite(result.parameters).all()  # chosen as if there were no callback


def test_a_number_after_none_is_better(engine):
    stopping = tw.EarlyStopping(told([math.nan, math.nan, -5.0, math.nan, -6.0]), 3, higher_is_better=True)
    result = train(engine, stopping, stop=tw.Stop(epochs=5))
    assert (stopping.best_epoch, stopping.best_value) == (3, -5.0) and result.status is tw.Status.EPOCHS


@given(st.lists(st.sampled_from([math.nan, *range(5)]), min_size=1, max_size=20), st.integers(1, 4), st.booleans())
def test_patience_counts_from_the_first_best(values, patience, higher):
    """Without tolerance it has waited since the first of the best; the oracle looks at all values so far."""
    watch = Watch(Metric("moon", higher, lambda run: float(vars(run)["value"]), print), 0.0)
    for epoch, value in enumerate(values, start=1):
        run: Any = SimpleNamespace(value=float(value), epoch=epoch, metrics={})
        watch.look(run)
        numbers = [number for number in values[:epoch] if not math.isnan(number)]
        best = (max if higher else min)(numbers, default=math.nan)
        first = values.index(best) + 1 if numbers else 0
        assert (watch.best_epoch, watch.waited) == (first, epoch - first)


@pytest.mark.parametrize("restore", [True, False])
@pytest.mark.parametrize("validation", [HELD, None])
def test_restore_is_about_the_answer_only(restore, validation, engine):
    """Without it training chooses as ever: by validation loss, or the last."""
    stopping, keeper = tw.EarlyStopping("loss", 4, tolerance=0.5, restore=restore), Keeper()
    result = train(engine, stopping, keeper, validation=validation)
    best = stopping.best_epoch if restore else result.best_epoch if validation else len(result.history)
    assert result.status is tw.Status.CALLBACK
    assert np.array_equal(result.parameters, keeper.parameters[best - 1])


def test_the_best_comes_back_however_training_ends(engine):
    stopping, keeper = tw.EarlyStopping(told(VALUES), 9, higher_is_better=True), Keeper()
    result = train(engine, stopping, keeper, stop=tw.Stop(epochs=6))
    assert result.status is tw.Status.EPOCHS and stopping.best_epoch == 4
    assert np.array_equal(result.parameters, keeper.parameters[3])


def test_a_scorer_is_that_of_the_parameters_of_each_epoch(engine):
    labels = (Y > 0).astype(int)
    stopping, keeper = tw.EarlyStopping("accuracy", 20), Keeper()
    result = train(engine, stopping, keeper, network=CLASSES, Y=labels, validation=(X[:7], labels[:7]))
    predicted = [tw.predict(CLASSES, p, X[:7]).argmax(axis=1) for p in keeper.parameters]
    assert stopping.values == [np.mean(one == labels[:7]) for one in predicted]
    assert np.array_equal(result.parameters, keeper.parameters[int(np.argmax(stopping.values))])


def test_it_can_be_used_again_and_copied(engine):
    stopping = tw.EarlyStopping("loss", 3)
    first = train(engine, stopping)
    values = list(stopping.values)
    second = train(engine, copy.deepcopy(stopping))
    again = train(engine, stopping)
    assert stopping.values == values and len(values) == len(first.history)
    assert np.array_equal(first.parameters, again.parameters) and np.array_equal(first.parameters, second.parameters)


def test_what_cannot_be_watched_is_refused_before_training(engine):
    with pytest.raises(tw.InputError, match="needs validation rows"):
        train(engine, tw.EarlyStopping(), validation=None)
    with pytest.raises(tw.InputError, match="the metric 'roc_auc' cannot be had"):
        train(engine, tw.EarlyStopping("roc_auc"))


def test_it_works_with_fit():
    from sklearn.datasets import load_wine

    stopping = tw.EarlyStopping("balanced_accuracy", patience=4)
    wine: Any = load_wine(as_frame=True)
    model = tw.fit(wine.frame, target="target", callbacks=[stopping], epochs=30)
    assert len(stopping.values) == len(model.history) and stopping.best_value > 0.8


# ReduceOnPlateau


def test_the_rate_falls_when_a_metric_does_not(engine):
    """Waited two epochs without a better value: after the epochs 4, 6 and 9."""
    values = [3.0, 2.0, 2.0, 2.0, 2.5, 2.5, 1.0, 1.0, 1.5, 0.5]
    plateau = tw.ReduceOnPlateau(told(values), factor=0.25, patience=2, higher_is_better=False)
    result = train(engine, plateau, stop=tw.Stop(epochs=10))
    assert plateau.reductions == [(4, 0.25), (6, 0.0625), (9, 0.015625)] and plateau.values == values
    np.testing.assert_allclose(
        result.history.learning_rate, 0.02 * 0.25 ** np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, 3]), rtol=1e-12
    )


def test_the_rate_stays_above_the_smallest(engine):
    plateau = tw.ReduceOnPlateau(told([1.0] * 12), patience=1, smallest=0.003, higher_is_better=True)
    result = train(engine, plateau, stop=tw.Stop(epochs=12))
    np.testing.assert_allclose(result.history.learning_rate, [0.02, 0.02, 0.01, 0.005, *[0.003] * 8], rtol=1e-12)
    assert [epoch for epoch, _ in plateau.reductions] == [2, 3, 4]


def test_it_never_raises_the_rate_of_a_schedule(engine):
    """Cosine falls to 0 by itself, far below the smallest."""
    plateau = tw.ReduceOnPlateau(told([1.0] * 20), patience=3, smallest=1e-3, higher_is_better=True)
    result = train(engine, plateau, optimizer=tw.Adam(tw.Cosine(0.02)))
    factors = [factor for _, factor in plateau.reductions]
    assert factors == sorted(factors, reverse=True) and 0 < len(factors) < 6 and max(factors) < 1.0
    assert (np.diff(result.history.learning_rate) < 0).all()


def test_two_factors_multiply_and_a_second_training_begins_anew(engine):
    plateau = tw.ReduceOnPlateau("loss", patience=1, tolerance=10.0)
    first = train(engine, plateau, stop=tw.Stop(epochs=4))
    rates = first.history.learning_rate
    np.testing.assert_allclose(rates, [0.02, 0.02, 0.01, 0.005], rtol=1e-12)
    again = train(engine, plateau, stop=tw.Stop(epochs=4))
    assert np.array_equal(again.history.learning_rate, rates) and len(plateau.reductions) == 3
    both = train(engine, plateau, tw.ReduceOnPlateau("loss", patience=1, tolerance=10.0), stop=tw.Stop(epochs=4))
    np.testing.assert_allclose(both.history.learning_rate, [0.02, 0.02, 0.005, 0.00125], rtol=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (tw.LBFGS(), "would do nothing, as .* chooses each learning rate"),
        (tw.GradientDescent(1e-6), "the learning rate 1e-06 is not above smallest=1e-06"),
    ],
)
def test_where_there_is_nothing_to_reduce_it_is_refused(optimizer, said, engine):
    with pytest.raises(tw.InputError, match=said):
        train(engine, tw.ReduceOnPlateau(), optimizer=optimizer, batch="all")


# WeightAveraging


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("decay", "start"), [(0.9, 1), (0.5, 3), (None, 1), (None, 5)])
def test_the_answer_is_the_average(decay, start, dtype, engine):
    averaging, keeper = tw.WeightAveraging(decay, start), Keeper()
    result = train(engine, averaging, keeper, validation=None, dtype=dtype, stop=tw.Stop(epochs=7))
    taken = np.array(keeper.parameters[start - 1 :], dtype=np.float64)
    ages = np.arange(len(taken))[::-1]
    weights = np.ones(len(taken)) if decay is None else (1 - decay) * decay**ages
    expected = np.average(taken, axis=0, weights=weights)
    np.testing.assert_allclose(result.parameters, expected, rtol=1e-6 if dtype == "float32" else 1e-13, atol=1e-15)
    assert result.parameters.dtype == dtype and averaging.average is not None
    assert np.array_equal(averaging.average, result.parameters) and averaging.best_epoch == 7
    assert np.isnan(averaging.validation_losses).all() and len(averaging.validation_losses) == 7


def test_with_validation_rows_the_best_average_comes_back(engine):
    """The target of validation is passed on the way, so that the last average is not the best."""
    averaging, keeper = tw.WeightAveraging(None), Keeper()
    result = tw.train(
        tw.Network([1, 1], bias=False), [[1.0]], [1.0], parameters=[0.0], validation=([[1.0]], [0.5]),
        optimizer=tw.GradientDescent(0.05), stop=tw.Stop(epochs=30), dtype="float64", engine=engine,
        callbacks=[averaging, keeper],
    )  # fmt: skip
    w = 1.0 - 0.9 ** np.arange(1, 31)
    averages = np.cumsum(w) / np.arange(1, 31)
    np.testing.assert_allclose(averaging.validation_losses, (averages - 0.5) ** 2, atol=1e-14)
    best = int(np.argmin((averages - 0.5) ** 2))
    assert averaging.best_epoch == best + 1 < 30
    np.testing.assert_allclose(result.parameters, averages[[best]], rtol=1e-12)


def test_logs_see_the_loss_of_the_average(engine):
    seen = []

    class Look:
        def on_epoch(self, run):
            seen.append(run.metrics["averaged_validation_loss"])

    averaging = tw.WeightAveraging(start=3)
    train(engine, averaging, Look(), stop=tw.Stop(epochs=5))
    assert np.isnan(seen[:2]).all() and np.isfinite(seen[2:]).all()
    np.testing.assert_array_equal(seen, averaging.validation_losses)


def test_averages_begin_anew_with_each_training(engine):
    averaging = tw.WeightAveraging(0.7)
    first, again = train(engine, averaging), train(engine, averaging)
    assert np.array_equal(first.parameters, again.parameters) and len(averaging.validation_losses) == 20


def test_averages_and_restored_weights_do_not_go_together(engine):
    both = tw.EarlyStopping("loss", 3), tw.WeightAveraging()
    for order in (both, both[::-1]):
        with pytest.raises(tw.InputError, match="would both choose the parameters .* or give EarlyStopping restore=F"):
            train(engine, *order)
    stopping = tw.EarlyStopping("loss", 3, tolerance=1.0, restore=False)
    averaging = tw.WeightAveraging(None)
    result = train(engine, stopping, averaging, validation=None)
    assert result.status is tw.Status.CALLBACK and averaging.average is not None
    assert np.array_equal(result.parameters, averaging.average)


def test_an_average_that_would_never_begin_is_refused(engine):
    with pytest.raises(tw.InputError, match=r"WeightAveraging\(start=21\) would do nothing in 20 epochs"):
        train(engine, tw.WeightAveraging(start=21))


def test_callbacks_go_to_other_processes_and_come_back():
    for callback in (
        tw.EarlyStopping("roc_auc"), tw.EarlyStopping(largest_miss, higher_is_better=False), tw.ReduceOnPlateau("loss"),
        tw.WeightAveraging(), tw.CSVLog("run.csv"), tw.JSONLog("run.json"), tw.Doctor(), tw.ProgressBar(),
    ):  # fmt: skip
        back = pickle.loads(pickle.dumps(callback))
        assert type(back) is type(callback) and (repr(back) == repr(callback) or "object at" in repr(back))
    stopping = tw.EarlyStopping("r2", 3)
    train("cpu", stopping)
    assert pickle.loads(pickle.dumps(stopping)).values == stopping.values


@pytest.mark.parametrize(
    ("callback", "options", "said"),
    [
        (tw.EarlyStopping, {"patience": 0}, "EarlyStopping: patience must be a whole number of epochs ≥ 1, not 0"),
        (tw.EarlyStopping, {"patience": 1.5}, "patience must be a whole number"),
        (tw.EarlyStopping, {"tolerance": -1}, "EarlyStopping: tolerance must be a number ≥ 0"),
        (tw.EarlyStopping, {"metric": "beauty"}, "there is no metric 'beauty'"),
        (tw.ReduceOnPlateau, {"factor": 1.0}, "ReduceOnPlateau: factor must be a number with 0 < factor < 1, not 1.0"),
        (tw.ReduceOnPlateau, {"patience": True}, "ReduceOnPlateau: patience"),
        (tw.ReduceOnPlateau, {"smallest": -1.0}, "ReduceOnPlateau: smallest"),
        (tw.ReduceOnPlateau, {"tolerance": math.nan}, "ReduceOnPlateau: tolerance"),
        (tw.WeightAveraging, {"decay": 1.0}, "WeightAveraging: decay must be None or a number with 0 < decay < 1"),
        (tw.WeightAveraging, {"start": 0}, "WeightAveraging: start must be a whole number ≥ 1, not 0"),
    ],
)
def test_settings_are_checked_when_made(callback: Any, options, said):
    with pytest.raises(tw.InputError, match=said):
        callback(**options)
