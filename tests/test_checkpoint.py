"""Interrupted and resumed equals uninterrupted, bit for bit (contract 6); what does not belong together is refused."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg import safe_file
from trainings import assert_same


EPOCHS, N = 7, 13
X = np.random.default_rng(23).normal(size=(N, 3))
LABELS = (X @ [1.0, -1.0, 0.5] > 0).astype(int)
OPTIMIZERS = {
    "plain": tw.GradientDescent(0.1),
    "momentum": tw.GradientDescent(0.05, momentum=0.9),
    "nesterov": tw.GradientDescent(0.05, momentum=0.9, nesterov=True),
    "RMSprop": tw.RMSprop(0.01),
    "Adam": tw.Adam(0.03, clip=0.5),
    "AdamW": tw.AdamW(0.03, weight_decay=0.1),
    "Adam with an end": tw.Adam(tw.WarmUp(tw.Cosine(0.05), epochs=2)),
}
ORDERS = {"sweep": "sweep", "shuffle": "shuffle", "random": "random", "own": lambda epoch: [epoch, 0, 5, 2 * epoch % 9]}


def network(dropout=0.0, **options):
    return tw.Network([3, 7, 2], activation="tanh", output="softmax", loss="cross_entropy", dropout=dropout, **options)


class StopAt:
    """A cut: what a crash or Ctrl-C leaves is what the last checkpoint holds."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch(self, run):
        return run.epoch == self.epoch


def train(engine, net=None, **options):
    options = {
        "optimizer": tw.Adam(0.03), "batch": 4, "stop": tw.Stop(epochs=EPOCHS), "validation": 0.3, "seed": 3, **options,
    }  # fmt: skip
    return tw.train(net or network(), options.pop("X", X), options.pop("Y", LABELS), engine=engine, **options)


def resumed(engine, path, cut, **options):
    """Trained up to `cut`, then gone on from the checkpoint to the end."""
    first = train(engine, **options, checkpoint=tw.Checkpoint(path, every=3), callbacks=[StopAt(cut)])
    assert len(first.history) <= cut
    return train(engine, **options, resume=path)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", OPTIMIZERS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, EPOCHS))
def test_resumed_equals_uninterrupted(name, order, dropout, cut, engine, tmp_path):
    options = {
        "net": network(dropout), "optimizer": OPTIMIZERS[name], "order": ORDERS[order], "record": "steps",
        "dtype": ("float32", "float64")[cut % 2],
    }  # fmt: skip
    assert_same(resumed(engine, tmp_path / "c", cut, **options), train(engine, **options))


STOPS = {
    tw.Status.PATIENCE: {"patience": 5},
    tw.Status.STEPS: {"steps": 43},
    tw.Status.VALUE_BELOW: {"value_below": 0.1},
    tw.Status.VALUE_CHANGE_BELOW: {"value_change_below": 0.002},
    tw.Status.PARAMETER_CHANGE_BELOW: {"parameter_change_below": 0.2},
    tw.Status.GRADIENT_NORM_BELOW: {"gradient_norm_below": 0.02},
}


@pytest.mark.parametrize("status", STOPS, ids=lambda status: status.name)
def test_every_stop_goes_on_counting(status, engine, tmp_path):
    """Patience, changes and steps are counted from what came before the cut, also where that was the very end."""
    labels = (
        np.random.default_rng(29).integers(2, size=N) if status is tw.Status.PATIENCE else LABELS
    )  # nothing to learn
    options = {"Y": labels, "optimizer": tw.Adam(0.1), "stop": tw.Stop(epochs=60, **STOPS[status])}
    uninterrupted = train(engine, **options)
    assert uninterrupted.status is status
    length = len(uninterrupted.history)
    assert 4 <= length < 40
    for cut in {1, 2, 3, length // 2, length - 2, length - 1, length}:
        assert_same(resumed(engine, tmp_path / "c", cut, **options), uninterrupted)


@pytest.mark.parametrize("steps", [1, 3, 4, 7, 8])
def test_a_training_cut_inside_an_epoch_by_steps_is_whole(steps, engine, tmp_path):
    """Stop(steps=…) ended it in the middle of an epoch; it is that training which the checkpoint holds."""
    stop = {"stop": tw.Stop(steps=steps)}
    first = train(engine, **stop, checkpoint=tw.Checkpoint(tmp_path / "c"))
    assert_same(train(engine, **stop, resume=tmp_path / "c"), first)
    if steps % 3:  # 9 rows in batches: 3 steps an epoch
        with pytest.raises(tw.InputError, match="the checkpoint ends inside an epoch, where Stop"):
            train(engine, stop=tw.Stop(steps=11), resume=tmp_path / "c")


@pytest.mark.parametrize("every", [1, 2, 3, 100])
def test_checkpoints_come_every_so_many_epochs_and_at_the_end(every, engine, tmp_path):
    path, found = tmp_path / "c", []

    class Look:
        def on_start(self, run):
            found.append(path.exists())

        def on_epoch(self, run):
            found.append(safe_file.read(path, kind="checkpoint")[0]["steps"] if path.exists() else None)

    train(engine, checkpoint=tw.Checkpoint(path, every=every), callbacks=[Look()])
    written = [None if epoch < every else 3 * (epoch - epoch % every) for epoch in range(EPOCHS)]  # 9 rows: 3 steps
    assert found == [False, *written]
    assert safe_file.read(path, kind="checkpoint")[0]["steps"] == 3 * EPOCHS
    assert os.listdir(tmp_path) == ["c"]


def test_a_training_can_go_on_longer_than_was_asked(engine, tmp_path):
    train(engine, stop=tw.Stop(epochs=3), checkpoint=tw.Checkpoint(tmp_path / "c"))
    assert_same(train(engine, resume=tmp_path / "c"), train(engine))


def test_a_resumed_training_writes_on(engine, tmp_path):
    path = tmp_path / "c"
    for cut in (2, 4, 6):
        train(engine, checkpoint=tw.Checkpoint(path), resume=path if cut > 2 else None, callbacks=[StopAt(cut)])
    assert_same(train(engine, resume=path), train(engine))


def test_seconds_go_on_counting(engine, tmp_path):
    first = train(engine, checkpoint=tw.Checkpoint(tmp_path / "c"), callbacks=[StopAt(3)])
    seconds = train(engine, resume=tmp_path / "c").history.seconds
    assert np.array_equal(seconds[:3], first.history.seconds) and (np.diff(seconds) > 0).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"net": network(l2=0.1)}, "network"),
        ({"net": network(dropout=0.1)}, "network"),
        ({"optimizer": tw.Adam(0.02)}, "optimizer"),
        ({"optimizer": tw.GradientDescent(0.03)}, "optimizer"),
        ({"batch": 5}, "batch"),
        ({"order": "sweep"}, "order"),
        ({"order": ORDERS["own"]}, "order"),
        ({"seed": 4}, "seed"),
        ({"dtype": "float64"}, "dtype"),
        ({"X": X + 1e-6}, "digest of the data"),
        ({"Y": 1 - LABELS}, "digest of the data"),
        ({"sample_weight": np.arange(1.0, N + 1.0)}, "digest of the data"),
        ({"validation": 0.2}, "digest of the data"),
    ],
    ids=lambda one: ", ".join(one) if isinstance(one, dict) else one,
)
def test_other_settings_or_data_are_refused_by_name(change, named, engine, tmp_path):
    train(engine, checkpoint=tw.Checkpoint(tmp_path / "c"), callbacks=[StopAt(2)])
    with pytest.raises(
        tw.InputError, match=rf"c' was written with {named} = .*, and now it is .*; resume with the same"
    ):
        train(engine, **change, resume=tmp_path / "c")


def test_a_schedule_that_ends_elsewhere_is_other_settings(engine, tmp_path):
    optimizer = tw.Adam(tw.Cosine(0.05))
    train(engine, optimizer=optimizer, checkpoint=tw.Checkpoint(tmp_path / "c"), callbacks=[StopAt(2)])
    with pytest.raises(tw.InputError, match="written with epochs of the learning rate = 7.0, and now it is 9.0"):
        train(engine, optimizer=optimizer, stop=tw.Stop(epochs=9), resume=tmp_path / "c")


def test_a_damaged_checkpoint_is_refused(engine, tmp_path, rng):
    path = tmp_path / "c"
    train(engine, checkpoint=tw.Checkpoint(path), callbacks=[StopAt(2)])
    whole = path.read_bytes()
    damaged = [whole[:-1], whole[: len(whole) // 2], b"", whole + b"\0", b"not a checkpoint at all" * 50]
    for place in rng.integers(len(whole), size=50):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(tw.FileError):
            train(engine, resume=path)
    path.write_bytes(whole)
    assert_same(train(engine, resume=path), train(engine))


def test_an_absent_checkpoint_and_another_file_are_refused(engine, tmp_path):
    with pytest.raises(tw.FileError, match="does not exist"):
        train(engine, resume=tmp_path / "absent")
    safe_file.write(tmp_path / "model", kind="model", header={}, arrays={"W": np.eye(2)})
    with pytest.raises(tw.FileError, match="model"):
        train(engine, resume=tmp_path / "model")


def rewritten(path, header_change=None, array_change=None):
    """The checkpoint with a part made other, under a right checksum: what damage cannot do, but somebody might."""
    header, arrays = safe_file.read(path, kind="checkpoint")
    header, arrays = dict(header), dict(arrays)
    if header_change:
        header_change(header)
    if array_change:
        array_change(arrays)
    safe_file.write(path, kind="checkpoint", header=header, arrays=arrays)


@pytest.mark.parametrize(
    ("header_change", "array_change"),
    [
        (lambda header: header.pop("steps"), None),
        (lambda header: header.update(steps="many"), None),
        (lambda header: header.update(fingerprint=[1, 2]), None),
        (None, lambda arrays: arrays.pop("best")),
        (None, lambda arrays: arrays.pop("optimizer.mean")),
        (None, lambda arrays: arrays.pop("history.loss")),
        (None, lambda arrays: arrays.update({"history.loss": np.zeros(1)})),
        (None, lambda arrays: arrays.update(parameters=arrays["parameters"][:-1])),
        (None, lambda arrays: arrays.update(best=arrays["best"][None, :])),
        (None, lambda arrays: arrays.update(previous=arrays["previous"].astype(np.float64))),
        (None, lambda arrays: arrays.update({"optimizer.square": np.zeros(3, dtype=np.float32)})),
    ],
)
def test_a_checkpoint_that_lacks_a_part_is_refused(header_change, array_change, engine, tmp_path):
    train(engine, checkpoint=tw.Checkpoint(tmp_path / "c"), callbacks=[StopAt(2)])
    rewritten(tmp_path / "c", header_change, array_change)
    with pytest.raises(tw.FileError, match=r"the checkpoint .*c' lacks "):
        train(engine, resume=tmp_path / "c")


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "1"])
def test_a_checkpoint_every_nothing_is_refused(every, tmp_path):
    with pytest.raises(tw.InputError, match="every must be a whole number of epochs ≥ 1, not"):
        tw.Checkpoint(tmp_path / "c", every=every)


def test_a_folder_that_does_not_exist_is_refused_before_training(tmp_path):
    with pytest.raises(tw.InputError, match="the folder .*absent' of the path does not exist; make it first"):
        tw.Checkpoint(tmp_path / "absent" / "c")
