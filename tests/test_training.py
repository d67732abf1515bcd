"""The epoch loop on every engine: batches and orders, validation, stopping, callbacks, and the non-finite stop."""

import math
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import randomness
from thalweg.engines.base import Epoch
from thalweg.splitting import split
from trainings import HALVED, HALVED_STOPS


N = 13
NET = tw.Network([3, 7, 2], activation="tanh")
CLASSIFIER = tw.Network([3, 7, 2], activation="tanh", output="softmax", loss="cross_entropy")
X = np.random.default_rng(13).normal(size=(N, 3))
Y = np.random.default_rng(17).normal(size=(N, 2))
LABELS = np.random.default_rng(19).integers(2, size=N)
RATE = 0.05
ORDERS = {
    "sweep": lambda epoch: np.arange(N),
    "shuffle": lambda epoch: randomness.permutation(5, "order", N, epoch=epoch),
    "random": lambda epoch: randomness.choice(5, "order", N, epoch=epoch),
}


def train(engine, network=NET, X: Any = X, Y: Any = Y, **options):
    options = {
        "optimizer": tw.GradientDescent(RATE), "stop": tw.Stop(epochs=3), "dtype": "float64", "seed": 5, **options,
    }  # fmt: skip
    return tw.train(network, X, Y, engine=engine, **options)


def by_hand(network, p, batches, X=X, Y=Y, weights=None, rate=RATE):
    """Gradient descent over these batches, on the gradients that the contract tests have shown to be right."""
    p, losses = p.copy(), []
    for rows in batches:
        loss, gradient = tw.loss_and_gradient(
            network, p, X[rows], Y[rows], sample_weight=None if weights is None else weights[rows]
        )
        p -= rate * gradient
        losses.append(loss)
    return p, losses


def cut(rows, size):
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def close(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


class Recorder:
    """A callback that writes down what it sees."""

    def __init__(self, stop_at=None, answer=True):
        self.seen, self.started, self.ended, self.parameters = [], 0, 0, []
        self.stop_at, self.answer = stop_at, answer

    def on_start(self, run):
        self.started += 1
        assert run.epoch == 0 and math.isnan(run.loss) and run.validation_loss is None and run.best_epoch == 0

    def on_epoch(self, run):
        self.seen.append(
            (run.epoch, run.loss, run.validation_loss, run.learning_rate, run.best_epoch, run.patience_left)
        )
        self.parameters.append(run.parameters.copy())
        return self.answer if run.epoch == self.stop_at else None

    def on_end(self, run):
        self.ended += 1
        self.status = run.status


# Batches and orders


def test_incremental_gradient_descent_on_the_lectures_network(engine):
    """Two epochs written out with plain NumPy, from equations (2) to (6) and L8."""
    network = tw.Network([2, 2, 2], activation="sigmoid", output="sigmoid", bias=False)
    rows, targets = X[:5, :2], np.eye(2)[LABELS[:5]]
    p = network.initialize(seed=2)
    W1, W2 = p[:4].reshape(2, 2).copy(), p[4:].reshape(2, 2).copy()
    errors = []
    for x, y in [*zip(rows, targets, strict=True)] * 2:
        z1 = 1.0 / (1.0 + np.exp(-(x @ W1)))
        z2 = 1.0 / (1.0 + np.exp(-(z1 @ W2)))
        errors.append(np.sum((z2 - y) ** 2))
        delta2 = 2.0 * (z2 - y) * z2 * (1.0 - z2)
        delta1 = (W2 @ delta2) * z1 * (1.0 - z1)
        W2 -= 0.5 * np.outer(z1, delta2)
        W1 -= 0.5 * np.outer(x, delta1)
    result = train(
        engine, network, rows, targets, parameters=p, optimizer=tw.GradientDescent(0.5), batch=1, order="sweep",
        stop=tw.Stop(epochs=2), record="steps",
    )  # fmt: skip
    close(result.parameters, np.concatenate([W1.ravel(), W2.ravel()]))
    close(result.history.step_loss, errors)
    close(result.history.loss, [np.mean(errors[:5]), np.mean(errors[5:])])


@pytest.mark.parametrize("batch", [1, 4, 12, N, N + 1, 1000, "all"])
@pytest.mark.parametrize("order", ORDERS)
def test_batches_are_the_order_cut_in_pieces(order, batch, engine):
    """The last piece is smaller and used; a batch larger than the data is the data."""
    size = N if batch == "all" else batch
    batches = [rows for epoch in (1, 2, 3) for rows in cut(ORDERS[order](epoch), size)]
    p, losses = by_hand(NET, NET.initialize(5), batches)
    result = train(engine, batch=batch, order=order, record="steps")
    close(result.parameters, p)
    close(result.history.step_loss, losses)
    assert result.history.steps.tolist() == [math.ceil(N / size) * epoch for epoch in (1, 2, 3)]
    assert len(batches) == result.history.steps[-1]


def test_an_order_of_ones_own_may_take_what_it_likes(engine):
    orders = {1: [2, 2, 7], 2: (11,), 3: np.array([5, 4, 3, 2, 1], dtype=np.int32)}
    asked = []

    def order(epoch):
        asked.append(epoch)
        return orders[epoch]

    p, losses = by_hand(NET, NET.initialize(5), [np.array(rows) for rows in ([2, 2], [7], [11], [5, 4], [3, 2], [1])])
    result = train(engine, batch=2, order=order, record="steps")
    close(result.parameters, p)
    close(result.history.step_loss, losses)
    assert asked == [1, 2, 3]


@pytest.mark.parametrize(
    ("rows", "said"),
    [([], "at least one row index"), ([0, N], f"each from 0 to {N - 1}"), ([-1], "each from 0"),
     ([0.5], "not \\[0.5\\]"), ([[1, 2]], "row index"), (np.zeros(3, dtype=bool), "row index")],
)  # fmt: skip
def test_an_order_that_gives_no_rows_is_refused(rows, said, engine):
    with pytest.raises(tw.InputError, match=r"order\(1\) must give .*" + said):
        train(engine, order=lambda epoch: rows)


def test_weights_and_batches_that_have_none(engine):
    """A batch whose weights are all 0 is skipped without an update, and counts as no step."""
    weights = np.ones(N)
    weights[[4, 5, 6, 7, 9]] = 0.0, 0.0, 0.0, 0.0, 2.5
    batches = cut(np.arange(N), 4)
    p, losses = by_hand(NET, NET.initialize(5), [rows for rows in batches * 2 if weights[rows].any()], weights=weights)
    result = train(engine, sample_weight=weights, batch=4, order="sweep", stop=tw.Stop(epochs=2), record="steps")
    close(result.parameters, p)
    assert np.isnan(result.history.step_loss).tolist() == [False, True, False, False] * 2
    close(result.history.step_loss[~np.isnan(result.history.step_loss)], losses)
    close(result.history.loss, [np.mean(losses[:3]), np.mean(losses[3:])])
    assert result.history.steps.tolist() == [3, 6]


def test_a_skipped_batch_leaves_adam_where_it_was(engine):
    weights = np.repeat([1.0, 0.0, 1.0], [4, 4, 5])
    options = {"optimizer": tw.Adam(0.05), "batch": 4, "stop": tw.Stop(epochs=2)}
    kept = np.r_[0:4, 8:13]
    skipped = train(engine, sample_weight=weights, order="sweep", **options)
    absent = train(engine, X=X[kept], Y=Y[kept], order="sweep", **options)
    close(skipped.parameters, absent.parameters)


@pytest.mark.parametrize("order", ["shuffle", "random"])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(order, engine):
    dropped = tw.Network([3, 7, 2], activation="tanh", dropout=0.3)
    options = {"network": dropped, "order": order, "batch": 4, "dtype": "float32", "optimizer": tw.Adam()}
    one, again, other = (train(engine, seed=seed, **options) for seed in (7, 7, 8))
    assert one.parameters.dtype == np.float32
    assert np.array_equal(one.parameters, again.parameters) and np.array_equal(one.history.loss, again.history.loss)
    assert not np.array_equal(one.parameters, other.parameters)


def test_the_seed_decides_the_start_unless_parameters_are_given(engine):
    no_step = tw.GradientDescent(0.0)
    assert np.array_equal(train(engine, optimizer=no_step, seed=9).parameters, NET.initialize(9))
    p = np.arange(float(NET.n_parameters)) / 100
    given = p.copy()
    assert np.array_equal(train(engine, optimizer=no_step, parameters=given).parameters, p)
    train(engine, parameters=given)
    assert np.array_equal(given, p)


def test_dropout_changes_training_and_nothing_else(engine):
    dropped = tw.Network([3, 7, 2], activation="tanh", dropout=0.5)
    p = dropped.initialize(5)
    assert not np.allclose(train(engine, dropped).parameters, train(engine).parameters)
    assert np.array_equal(tw.predict(dropped, p, X, engine=engine), tw.predict(NET, p, X, engine=engine))


# Validation


def validation_loss(network, p, X, Y, weights=None):
    plain = tw.Network(**{**network.to_dict(), "l2": 0.0, "reduction": "mean"})
    return tw.loss_and_gradient(plain, p, X, Y, sample_weight=weights)[0]


@pytest.mark.parametrize("weighted", [False, True])
def test_validation_rows_of_ones_own(weighted, engine):
    network = tw.Network([3, 7, 2], activation="tanh", l2=0.5, reduction="sum")
    held = (X[:5] + 1.0, Y[:5], np.arange(5.0))[: 3 if weighted else 2]
    watcher = Recorder()
    result = train(engine, network, validation=held, optimizer=tw.GradientDescent(0.02), callbacks=[watcher])
    expected = [validation_loss(network, p, *held) for p in watcher.parameters]
    close(result.history.validation_loss, expected)
    close([seen[2] for seen in watcher.seen], expected)
    assert not np.isclose(result.history.loss, expected).any()


@pytest.mark.parametrize(
    ("network", "targets", "labels"),
    [
        (NET, Y, None),
        (CLASSIFIER, LABELS, LABELS),
        (tw.Network([3, 1], output="sigmoid", loss="binary_cross_entropy"), LABELS, LABELS),
        (tw.Network([3, 1], output="sigmoid", loss="binary_cross_entropy"), 0.1 + 0.8 * LABELS, LABELS),
    ],
    ids=["numbers", "classes", "0 or 1", "probabilities"],
)
def test_a_fraction_is_a_seeded_split_stratified_by_class(network, targets, labels, engine):
    kept, held = split(N, 0.3, seed=5, purpose="validation", labels=labels)
    assert len(held) == 4
    fraction = train(engine, network, Y=targets, validation=0.3)
    explicit = train(engine, network, X=X[kept], Y=targets[kept], validation=(X[held], targets[held]))
    assert np.array_equal(fraction.parameters, explicit.parameters)
    assert np.array_equal(fraction.history.validation_loss, explicit.history.validation_loss)


def test_every_soft_target_its_own_is_still_two_classes(engine):
    """Probabilities that are all different are no classes of one row each."""
    network = tw.Network([3, 1], output="sigmoid", loss="binary_cross_entropy")
    soft = np.linspace(0.05, 0.95, N)
    kept, held = split(N, 0.3, seed=5, purpose="validation", labels=soft >= 0.5)
    fraction = train(engine, network, Y=soft, validation=0.3)
    explicit = train(engine, network, X=X[kept], Y=soft[kept], validation=(X[held], soft[held]))
    assert np.array_equal(fraction.parameters, explicit.parameters)


def test_the_best_weights_come_back_and_the_last_are_kept(engine):
    """Training targets pull away from the validation target, so that the validation loss falls and then rises."""
    network = tw.Network([1, 1], bias=False)
    watcher = Recorder()
    result = train(
        engine, network, [[1.0]], [1.0], parameters=[0.0], validation=([[1.0]], [0.5]), callbacks=[watcher],
        optimizer=tw.GradientDescent(0.05), stop=tw.Stop(epochs=20),
    )  # fmt: skip
    w = 1.0 - 0.9 ** np.arange(1, 21)  # w := w − 0.05 · 2 (w − 1)
    close(result.history.validation_loss, (w - 0.5) ** 2)
    best = int(np.argmin((w - 0.5) ** 2))
    assert result.best_epoch == best + 1 == 7
    close(result.parameters, [w[best]])
    close(result.last_parameters, [w[-1]])
    close(np.concatenate(watcher.parameters), w)
    assert result.status is tw.Status.EPOCHS


def test_without_validation_the_last_weights_come_back(engine):
    growing = {**HALVED, "optimizer": tw.GradientDescent(1.05)}  # w := −1.1 w: the first epoch is the best
    result = train(engine, **growing, stop=tw.Stop(epochs=5))
    assert result.best_epoch == 1
    close(result.parameters, [(-1.1) ** 5])
    assert np.array_equal(result.parameters, result.last_parameters)
    result.last_parameters[:] = 0.0
    assert result.parameters.any()  # not the same memory


@pytest.mark.parametrize("patience", [1, 3])
def test_patience(patience, engine):
    network = tw.Network([1, 1], bias=False)
    watcher = Recorder()
    result = train(
        engine, network, [[1.0]], [1.0], parameters=[0.0], validation=([[1.0]], [0.5]), callbacks=[watcher],
        optimizer=tw.GradientDescent(0.05), stop=tw.Stop(epochs=50, patience=patience),
    )  # fmt: skip
    assert result.status is tw.Status.PATIENCE
    assert len(result.history) == 7 + patience  # the seventh is the best
    assert [seen[5] for seen in watcher.seen] == [patience] * 7 + list(range(patience - 1, -1, -1))


# Stopping


@pytest.mark.parametrize(("settings", "status", "epochs"), HALVED_STOPS, ids=lambda one: str(one))
def test_each_stop_and_its_status(settings, status, epochs, engine):
    result = train(engine, **HALVED, stop=tw.Stop(**{"epochs": 30, **settings}))
    assert (result.status, len(result.history)) == (status, epochs)
    assert result.parameters.tolist() == [2.0**-epochs]
    assert result.message == status.value and result.failure is None


def test_the_value_is_the_validation_loss_where_there_is_one(engine):
    result = train(engine, **HALVED, validation=([[2.0]], [0.0]), stop=tw.Stop(epochs=30, value_below=0.05))
    assert len(result.history) == 4  # (2 w)² = 4 · 4⁻⁴


@pytest.mark.parametrize("steps", [1, 4, 5, 6, 11])
def test_steps_end_inside_an_epoch(steps, engine):
    batches = [rows for epoch in range(1, 4) for rows in cut(ORDERS["shuffle"](epoch), 3)][:steps]
    result = train(engine, batch=3, stop=tw.Stop(steps=steps), record="steps")  # 5 batches in an epoch
    p, losses = by_hand(NET, NET.initialize(5), batches)
    close(result.parameters, p)
    close(result.history.step_loss, losses)
    assert result.status is tw.Status.STEPS
    assert result.history.steps[-1] == steps and len(result.history) == math.ceil(steps / 5)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_batches_that_are_skipped_are_no_steps(steps, engine):
    weights = np.repeat([0.0, 1.0, 0.0, 1.0], [4, 4, 4, 1])  # of 4 batches the second and the last are trained
    rows = [np.arange(4, 8), np.array([12])] * 2
    p, _ = by_hand(NET, NET.initialize(5), rows[:steps])
    result = train(engine, sample_weight=weights, batch=4, order="sweep", stop=tw.Stop(steps=steps))
    close(result.parameters, p)
    assert result.history.steps[-1] == steps and len(result.history) == math.ceil(steps / 2)


# Learning rates


def test_schedules_reach_the_optimizer(engine):
    """Rate t = epoch − 1 + step/steps; the history has that of each epoch's last step."""
    schedule = tw.InverseTime(0.2, decay=0.5)
    batches = [cut(np.arange(N), 4)] * 3
    p = NET.initialize(5)
    for epoch, rows in enumerate(batches):
        for k, some in enumerate(rows):
            p, _ = by_hand(NET, p, [some], rate=0.2 / (1.0 + 0.5 * (epoch + k / 4)))
    result = train(engine, optimizer=tw.GradientDescent(schedule), batch=4, order="sweep")
    close(result.parameters, p)
    close(result.history.learning_rate, [0.2 / (1.0 + 0.5 * (epoch + 0.75)) for epoch in range(3)])


@pytest.mark.parametrize(
    ("stop", "total"),
    [(tw.Stop(epochs=4), 4.0), (tw.Stop(steps=10), 2.5), (tw.Stop(epochs=4, steps=1000), 4.0),
     (tw.Stop(epochs=9, steps=8), 2.0)],
)  # fmt: skip
def test_schedules_that_end_with_the_training_end_there(stop, total, engine):
    rates = []
    result = train(
        engine, optimizer=tw.GradientDescent(tw.Cosine(0.1)), batch=4, stop=stop,
        callbacks=[type("Rates", (), {"on_epoch": staticmethod(lambda run: rates.append(run.learning_rate))})()],
    )  # fmt: skip
    ends = np.minimum(np.arange(1, math.ceil(total) + 1), total) - 0.25  # time of each epoch's last step
    close(result.history.learning_rate, 0.05 * (1.0 + np.cos(np.pi * ends / total)))
    assert rates == result.history.learning_rate.tolist()


@pytest.mark.parametrize("schedule", [tw.Cosine(0.1), tw.OneCycle(0.1), tw.WarmUp(tw.Cosine(0.1))], ids=repr)
def test_a_schedule_without_an_end_is_refused(schedule, engine):
    with pytest.raises(tw.InputError, match="ends with the training, so Stop needs epochs or steps"):
        train(engine, optimizer=tw.GradientDescent(schedule), stop=tw.Stop(seconds=1.0))


# Callbacks


def test_callbacks_see_every_epoch(engine):
    watcher = Recorder()
    result = train(engine, callbacks=[watcher], validation=(X, Y))
    history = result.history
    assert (watcher.started, watcher.ended, watcher.status) == (1, 1, tw.Status.EPOCHS)
    assert [seen[0] for seen in watcher.seen] == [1, 2, 3]
    assert [seen[1] for seen in watcher.seen] == history.loss.tolist()
    assert [seen[2] for seen in watcher.seen] == history.validation_loss.tolist()
    assert [seen[3] for seen in watcher.seen] == [RATE] * 3
    assert [seen[4] for seen in watcher.seen] == [int(np.argmin(history.validation_loss[:e])) + 1 for e in (1, 2, 3)]
    assert np.array_equal(watcher.parameters[-1], result.last_parameters)


@pytest.mark.parametrize("answer", [True, np.True_])
def test_a_callback_stops_the_training_by_true(answer, engine):
    stopping, watching = Recorder(stop_at=2, answer=answer), Recorder()
    result = train(engine, callbacks=[stopping, watching])
    assert result.status is tw.Status.CALLBACK and len(result.history) == 2
    assert len(watching.seen) == 2  # the others are asked in the same epoch still
    assert stopping.ended == watching.ended == 1


@pytest.mark.parametrize("answer", [None, False, 0, 1, "no", np.False_])
def test_no_other_answer_stops_it(answer, engine):
    assert train(engine, callbacks=[Recorder(stop_at=1, answer=answer)]).status is tw.Status.EPOCHS


@pytest.mark.parametrize("hook", ["on_start", "on_epoch", "on_end"])
def test_a_callback_may_have_one_hook_only(hook, engine):
    called = []
    callback = type("One", (), {hook: staticmethod(lambda run: called.append(run.epoch))})()
    train(engine, callbacks=[callback])
    assert called == {"on_start": [0], "on_epoch": [1, 2, 3], "on_end": [3]}[hook]


def test_an_error_in_a_callback_is_not_swallowed(engine):
    class Failing:
        def on_epoch(self, run):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(engine, callbacks=[Failing()])


class Setting:
    """A callback that sets things on the run: what it is told to, after the epoch it is told."""

    def __init__(self, epoch=1, stops=False, **values):
        self.epoch, self.stops, self.values = epoch, stops, values

    def on_epoch(self, run):
        if run.epoch == self.epoch:
            for name, value in self.values.items():
                setattr(run, name, value)
            return self.stops
        return False


@pytest.mark.parametrize("batch", [4, "all"])
def test_a_callback_may_scale_the_rates_of_the_epochs_to_come(batch, engine):
    size = N if batch == "all" else batch
    p = NET.initialize(5)
    for epoch, factor in enumerate((1.0, 1.0, 0.25, 0.5), start=1):
        p, _ = by_hand(NET, p, cut(ORDERS["shuffle"](epoch), size), rate=RATE * factor)
    result = train(engine, batch=batch, stop=tw.Stop(epochs=4),
                   callbacks=[Setting(2, rate_factor=0.25), Setting(3, rate_factor=0.5)])  # fmt: skip
    close(result.parameters, p)
    close(result.history.learning_rate, RATE * np.array([1.0, 1.0, 0.25, 0.5]))


def test_a_schedule_goes_on_below_the_factor(engine):
    schedule = tw.InverseTime(RATE, decay=0.5)
    free = train(engine, optimizer=tw.GradientDescent(schedule))
    scaled = train(engine, optimizer=tw.GradientDescent(schedule), callbacks=[Setting(1, rate_factor=0.1)])
    close(scaled.history.learning_rate, free.history.learning_rate * [1.0, 0.1, 0.1])


@pytest.mark.parametrize("validation", [None, (X, Y)])
def test_a_callback_may_choose_the_answer(validation, engine):
    answer = np.arange(float(NET.n_parameters))
    result = train(engine, validation=validation, callbacks=[Setting(2, answer=answer)])
    assert np.array_equal(result.parameters, answer) and result.parameters is not answer
    assert np.array_equal(result.last_parameters, train(engine).last_parameters)  # the walk itself is the same


def test_no_answer_is_taken_after_a_failure(engine):
    answer = np.arange(float(NET.n_parameters))
    result = train(engine, optimizer=tw.GradientDescent(1e6), batch=4, stop=tw.Stop(epochs=500),
                   validation=(X, Y), callbacks=[Setting(1, answer=answer)])  # fmt: skip
    assert result.failure and not np.array_equal(result.parameters, answer)


def test_why_is_said_with_the_status(engine):
    stopping = Setting(2, stops=True, why="the cat sat on the keyboard.")
    result = train(engine, callbacks=[stopping])
    assert result.status is tw.Status.CALLBACK and result.why == "the cat sat on the keyboard"
    assert result.message == "A callback asked to stop: the cat sat on the keyboard."
    assert train(engine, callbacks=[Setting(2, why="no reason at all")]).message == tw.Status.EPOCHS.value


def test_metrics_are_those_of_the_epoch(engine):
    seen = []

    class Look:
        def on_epoch(self, run):
            seen.append(dict(run.metrics))

    train(engine, callbacks=[Look(), Setting(2, metrics={"moon": 0.5}), Look()])
    assert seen == [{}, {}, {}, {"moon": 0.5}, {}, {}]


def test_callbacks_see_rows_engine_and_losses(engine):
    class Look:
        def on_start(self, run):
            assert np.array_equal(run.parameters, NET.initialize(5)) and not run.parameters.flags.writeable

        def on_epoch(self, run):
            assert (run.training.n, run.validation.n, run.engine.name) == (N, 5, engine)
            close(run.engine.mean_loss(run.network, run.parameters, run.validation), run.validation_loss)
            assert len(run.step_losses) == 4
            close(run.step_losses.mean(), run.loss)

    train(engine, batch=4, validation=(X[:5], Y[:5]), callbacks=[Look()])


def test_two_callbacks_cannot_both_choose_the_answer(engine):
    class Claiming:
        def on_start(self, run):
            run.claim_answer(self)

        def __repr__(self):
            return "Claiming"

    train(engine, callbacks=[Claiming()])
    with pytest.raises(tw.InputError, match="Claiming and Claiming would both choose the parameters"):
        train(engine, callbacks=[Claiming(), Claiming()])


# Values that are not finite (contract 2)


def test_a_learning_rate_of_a_million(engine):
    result = train(engine, optimizer=tw.GradientDescent(1e6), batch=4, stop=tw.Stop(epochs=500))
    failure = result.failure
    assert result.status is tw.Status.NON_FINITE and result.status.is_failure and failure is not None
    assert np.isfinite(result.parameters).all()
    assert math.isfinite(validation_loss(NET, result.parameters, X, Y))
    assert failure.epoch == len(result.history) + 1 and 1 <= failure.batch <= 4
    assert failure.layer in (1, 2) and failure.learning_rate == 1e6
    column = int(np.argmax(np.abs(X).max(axis=0)))
    assert failure.column == column + 1 and failure.largest == np.abs(X).max()
    for part in (
        f"In epoch {failure.epoch}, batch {failure.batch}, ", f"(layer {failure.layer}) was not finite",
        "at learning rate 1e+06", f"in column {column + 1} of X", "Use a smaller learning rate, such as 100000",
    ):  # fmt: skip
        assert part in result.message
    assert result.message.startswith(tw.Status.NON_FINITE.value)


def test_the_best_weights_come_back_after_a_failure(engine):
    watcher = Recorder()
    result = train(engine, optimizer=tw.GradientDescent(20.0), stop=tw.Stop(epochs=900), validation=(X, Y),
                   callbacks=[watcher])  # fmt: skip
    assert result.status is tw.Status.NON_FINITE and watcher.status is tw.Status.NON_FINITE and watcher.ended == 1
    assert len(result.history) == len(watcher.seen) > 1
    assert np.array_equal(result.parameters, watcher.parameters[result.best_epoch - 1])


def test_the_first_batch_can_fail(engine):
    """Nothing was updated yet: the start comes back, although its loss is not finite either."""
    network = tw.Network([3, 2])
    result = train(engine, network, X=X * 1e300, optimizer=tw.GradientDescent(0.1))
    assert result.status is tw.Status.NON_FINITE and len(result.history) == 0 and result.best_epoch == 0
    assert np.array_equal(result.parameters, network.initialize(5))
    failure = result.failure
    assert failure is not None and (failure.epoch, failure.batch) == (1, 1)
    assert "Scale the inputs to about −3 … 3, or use a smaller learning rate." in result.message


def test_a_validation_loss_that_overflows(engine):
    held = X.copy()
    held[3, 1] = 1e200
    result = train(engine, tw.Network([3, 2]), validation=(held, Y), optimizer=tw.GradientDescent(0.01))
    assert result.status is tw.Status.NON_FINITE and len(result.history) == 0
    assert "In epoch 1, after the last batch, the validation loss (layer 1) was not finite" in result.message
    assert "the largest input is 1e+200, in column 2 of X" in result.message  # the validation rows are looked at too
    assert np.isfinite(result.parameters).all()


@pytest.mark.parametrize("rate", [1e200, 1e306, 1e308])
@pytest.mark.parametrize("epochs", [1, 2])
def test_the_very_last_step_is_looked_at_too(rate, epochs, engine):
    """One step of this size ends in parameters without a finite loss, and no further step would notice."""
    network = tw.Network([1, 1])
    options = {"X": [[1.0], [2.0]], "Y": [9.0, 5.0], "batch": "all", "order": "sweep"}
    schedule = tw.Constant(rate) if epochs == 1 else tw.Step(1.0, factor=rate, every=1)
    result = train(engine, network, **options, optimizer=tw.GradientDescent(schedule), stop=tw.Stop(epochs=epochs))
    assert result.status is tw.Status.NON_FINITE
    assert "after the last batch, the " in result.message and f"at learning rate {rate:g}" in result.message
    assert np.isfinite(result.parameters).all()
    assert math.isfinite(validation_loss(network, result.parameters, np.array(options["X"]), np.array(options["Y"])))


def test_an_optimizer_that_overflows_is_noticed(engine):
    """Adam's running mean of g² is infinite in float32: from there on nothing would move, without a word."""
    network = tw.Network([1, 1], bias=False)
    result = train(
        engine, network, [[3e4]], [1e17], parameters=[0.0], optimizer=tw.Adam(1e-3), dtype="float32",
        stop=tw.Stop(epochs=5),
    )  # fmt: skip
    assert result.status is tw.Status.NON_FINITE
    assert "In epoch 1, after the last batch, the optimizer's square (layer 1) was not finite" in result.message


def test_a_failure_can_be_raised_and_carries_the_result(engine):
    options = {"optimizer": tw.GradientDescent(1e6), "batch": 4, "stop": tw.Stop(epochs=500)}
    returned = train(engine, **options)
    with pytest.raises(tw.TrainingFailed) as caught:
        train(engine, **options, on_failure="raise")
    assert str(caught.value) == returned.message
    assert np.array_equal(caught.value.result.parameters, returned.parameters)
    assert caught.value.result.status is tw.Status.NON_FINITE


def test_clipping_keeps_a_training_finite(engine):
    result = train(engine, X=100.0 * X, optimizer=tw.GradientDescent(0.1, clip=1.0), stop=tw.Stop(epochs=50))
    assert result.status is tw.Status.EPOCHS
    assert np.linalg.norm(result.parameters - NET.initialize(5)) <= 50 * 0.1 + 1e-9


# What is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch": 0}, "batch must be a whole number of rows ≥ 1 or 'all', not 0"),
        ({"batch": 1.5}, "not 1.5"),
        ({"batch": "some"}, "not 'some'"),
        ({"batch": True}, "not True"),
        (
            {"order": "sorted"},
            "order must be one of sweep, shuffle, random or a callable .*, not 'sorted'",
        ),
        ({"stop": 10}, r"stop must be a Stop, such as Stop\(epochs=100\), not 10"),
        ({"engine": "abacus"}, "there is no engine 'abacus'"),
        ({"dtype": "float16"}, "dtype must be float32 or float64, not 'float16'"),
        ({"seed": -1}, "the seed must be"),
        ({"optimizer": "SGD"}, "there is no optimizer 'SGD'"),
        ({"on_failure": "ignore"}, "on_failure must be one of return, raise, not 'ignore'"),
        ({"record": "all"}, "record must be one of epochs, steps, not 'all'"),
        ({"validation": 0.0}, "fraction of rows to hold out must lie between 0 and 1, not 0.0"),
        ({"validation": 1}, r"validation must be \(X, Y\), \(X, Y, weights\) or a fraction such as 0.1, not int"),
        ({"validation": (X,)}, "validation must be"),
        ({"validation": (X[:, :2], Y)}, "validation X must have shape"),
        ({"validation": (X, Y, -np.ones(N))}, "validation sample_weight must be ≥ 0"),
        ({"validation": (X, Y, np.zeros(N))}, "validation sample_weight is 0 for every row"),
        ({"validation": 0.1, "sample_weight": np.eye(N)[0]}, "all validation rows have weight 0 after holding out 0.1"),
        ({"parameters": np.zeros(5)}, "parameter vector of shape"),
        ({"parameters": np.full(NET.n_parameters, np.nan)}, r"finite numbers, but W\[1\]\[1,1\] is nan"),
        ({"parameters": NET.initialize(0), "resume": "x"}, "parameters and resume both say where to start"),
        ({"callbacks": [print]}, "the callback <built-in function print> would do nothing: it needs one of"),
        ({"callbacks": 3}, "the callback 3 would do nothing"),
        ({"checkpoint": "path"}, r"checkpoint must be a Checkpoint, such as Checkpoint\(.*, not 'path'"),
        ({"sample_weight": np.zeros(N)}, "sample_weight is 0 for every row"),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_cannot_be_is_refused_in_a_sentence(options, said):
    with pytest.raises(tw.InputError, match=said) as caught:
        tw.train(NET, X, Y, **{"stop": tw.Stop(epochs=1), **options})
    assert "\n" not in str(caught.value)


def test_threads_are_refused_where_they_would_do_nothing():
    with pytest.raises(tw.EngineError, match="threads=2 would do nothing: the engine 'reference' has no threads"):
        tw.train(NET, X, Y, engine="reference", threads=2)


def test_the_engine_is_handed_the_whole_epoch(engine, monkeypatch):
    """Order and rates are made here and not by the engine, so that every engine sees the same."""
    from thalweg import engines

    handed = []
    chosen = engines.get(engine)
    make = type(chosen).trainer

    def trainer(self, *given, **options):
        inner = make(self, *given, **options)
        run = inner.run
        inner.run = lambda epoch, should_stop: (handed.append(epoch), run(epoch, should_stop))[1]
        return inner

    monkeypatch.setattr(type(chosen), "trainer", trainer)
    train(engine, batch=4, stop=tw.Stop(epochs=2))
    assert [type(epoch) for epoch in handed] == [Epoch, Epoch]
    for number, epoch in enumerate(handed, start=1):
        assert (epoch.number, epoch.batch, epoch.seed) == (number, 4, 5)
        assert np.array_equal(epoch.order, ORDERS["shuffle"](number)) and epoch.rates.tolist() == [RATE] * 4


def test_the_full_training_loss_is_that_of_the_epochs_end(engine):
    X, Y = np.linspace(-1.0, 1.0, 26).reshape(13, 2), np.linspace(0.0, 2.0, 13)
    net = tw.Network([2, 3, 1], activation="tanh", l2=0.1)
    seen = []

    class Look:
        def on_epoch(self, run):
            seen.append(np.mean((tw.predict(net, run.parameters, X)[:, 0] - Y) ** 2))

    options = {"stop": tw.Stop(epochs=3), "batch": 5, "dtype": "float64", "engine": engine}
    full = tw.train(net, X, Y, training_loss="full", callbacks=[Look()], **options)
    np.testing.assert_allclose(full.history.loss, seen, rtol=1e-12)
    running = tw.train(net, X, Y, **options)
    assert (running.parameters == full.parameters).all() and (running.history.loss != full.history.loss).all()
    with pytest.raises(tw.InputError, match="training_loss must be one of batches, full, not 'none'"):
        tw.train(net, X, Y, training_loss="none", **options)
