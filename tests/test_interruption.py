"""Ctrl-C ends a training cleanly between two steps; the second one at once. The handler is always given back."""

import os
import signal
import threading

import numpy as np
import pytest

import thalweg as tw
from thalweg import engines
from thalweg.interruption import Interruption


NET = tw.Network([3, 7, 1], activation="tanh")
X = np.random.default_rng(31).normal(size=(97, 3))
Y = np.sin(X).sum(axis=1)


@pytest.fixture(autouse=True)
def handler_is_given_back():
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    yield
    found = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert found is signal.default_int_handler


class PressAt:
    """Presses Ctrl-C in the callback of this epoch, as often as told."""

    def __init__(self, epoch, times=1):
        self.epoch, self.times = epoch, times

    def on_epoch(self, run):
        if run.epoch == self.epoch:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)

    def on_end(self, run):
        self.status = run.status


def train(engine, **options):
    options = {"stop": tw.Stop(epochs=50), "dtype": "float64", "batch": 8, "validation": 0.3, **options}
    return tw.train(NET, X, Y, engine=engine, **options)


def test_ctrl_c_in_a_callback_ends_after_its_epoch(engine):
    press = PressAt(3)
    result = train(engine, callbacks=[press])
    assert result.status is press.status is tw.Status.INTERRUPTED
    assert result.message == "Interrupted from the keyboard."
    whole = train(engine, stop=tw.Stop(epochs=3))
    assert np.array_equal(result.parameters, whole.parameters)
    assert np.array_equal(result.history.loss, whole.history.loss)


@pytest.mark.parametrize("validation", [0.3, None])
def test_ctrl_c_inside_an_epoch_ends_it_between_two_steps(engine, validation, tmp_path):
    """An order that presses while it makes the third epoch: the engine is asked before its first step of it."""

    def order(epoch):
        if epoch == 3:
            signal.raise_signal(signal.SIGINT)
        return np.arange(60)

    checkpoint = tw.Checkpoint(tmp_path / "c", every=100)
    result = train(engine, order=order, validation=validation, checkpoint=checkpoint)
    assert result.status is tw.Status.INTERRUPTED and len(result.history) == 2
    assert np.isfinite(result.parameters).all() and np.isfinite(result.last_parameters).all()
    if validation is None:
        assert np.array_equal(result.parameters, result.last_parameters)
    # The checkpoint holds the end of the last whole epoch, though 100 had not passed: going on equals no interruption.
    gone_on = train(engine, order=lambda epoch: np.arange(60), validation=validation, stop=tw.Stop(epochs=5),
                    resume=tmp_path / "c")  # fmt: skip
    never = train(engine, order=lambda epoch: np.arange(60), validation=validation, stop=tw.Stop(epochs=5))
    assert np.array_equal(gone_on.last_parameters, never.last_parameters)
    assert np.array_equal(gone_on.parameters, never.parameters)


def test_ctrl_c_after_a_few_steps_of_an_epoch(engine, tmp_path, monkeypatch):
    """Those steps are kept in last_parameters; the checkpoint holds the end of the epoch before, to go on from."""
    # A fast engine asks by the clock, so its epochs must last: some tenths of a second.
    rows, times = {"reference": (60, 4)}.get(engine, (6_000_000, 3))
    chosen, asked = type(engines.get(engine)), []
    make = chosen.trainer

    def trainer(self, *given, **options):
        inner = make(self, *given, **options)
        run = inner.run

        def press_in_epoch_3(epoch, should_stop):
            def asking():
                asked.append(epoch.number)
                if asked.count(3) == times:
                    signal.raise_signal(signal.SIGINT)
                return should_stop()

            return run(epoch, asking)

        inner.run = press_in_epoch_3
        return inner

    options = {"validation": None, "optimizer": tw.Adam(0.03), "order": lambda epoch: np.arange(rows) % len(X)}
    with monkeypatch.context() as patch:
        patch.setattr(chosen, "trainer", trainer)
        cut = train(engine, **options, checkpoint=tw.Checkpoint(tmp_path / "c", every=100))
    assert cut.status is tw.Status.INTERRUPTED and len(cut.history) == 2
    assert not np.array_equal(cut.last_parameters, train(engine, **options, stop=tw.Stop(epochs=2)).parameters)
    gone_on = train(engine, **options, stop=tw.Stop(epochs=5), resume=tmp_path / "c")
    assert np.array_equal(gone_on.parameters, train(engine, **options, stop=tw.Stop(epochs=5)).parameters)


def test_ctrl_c_from_outside_while_the_engine_runs(engine):
    """The signal comes from another thread at any time; the training would otherwise take days."""
    reached = threading.Event()

    class Reached:
        def on_epoch(self, run):
            reached.set()

    def press():
        assert reached.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    try:
        result = train(engine, stop=tw.Stop(epochs=10**9), callbacks=[Reached()])
    finally:
        presser.join()
    assert result.status is tw.Status.INTERRUPTED and len(result.history) >= 1
    assert np.isfinite(result.parameters).all()
    assert result.history.validation_loss[result.best_epoch - 1] == result.history.validation_loss.min()
    best = tw.loss_and_gradient(NET, result.parameters, X, Y)[0]
    assert np.isfinite(best)


def test_the_second_ctrl_c_raises_at_once(engine):
    with pytest.raises(KeyboardInterrupt):
        train(engine, callbacks=[PressAt(2, times=2)])


def test_before_the_first_epoch_there_is_the_start(engine):
    def order(epoch):
        signal.raise_signal(signal.SIGINT)
        return [0]

    result = train(engine, order=order, parameters=NET.initialize(4))
    assert result.status is tw.Status.INTERRUPTED and len(result.history) == 0
    assert np.array_equal(result.parameters, NET.initialize(4))


def test_an_error_gives_the_handler_back_too(engine):
    class Failing:
        def on_epoch(self, run):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(engine, callbacks=[Failing()])  # the fixture looks at the handler


def test_somebody_elses_handler_is_left_alone():
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        mine = signal.getsignal(signal.SIGINT)
        with Interruption() as interruption:
            assert signal.getsignal(signal.SIGINT) is mine
            signal.raise_signal(signal.SIGINT)
            assert pressed == [True] and not interruption.requested()
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_training_works_in_another_thread(engine):
    """Python allows handlers in the main thread only."""
    results = []
    worker = threading.Thread(target=lambda: results.append(train(engine, stop=tw.Stop(epochs=2))))
    worker.start()
    worker.join()
    assert results[0].status is tw.Status.EPOCHS
    assert np.array_equal(results[0].parameters, train(engine, stop=tw.Stop(epochs=2)).parameters)
