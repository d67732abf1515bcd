"""The doctor: looks when it is told to, changes nothing, and says what it has seen once."""

import copy
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from figures import assert_labelled


N, D = 97, 5
NET = tw.Network([D, 7, 1])
X = np.random.default_rng(11).normal(size=(N, D))
Y = np.tanh(X[:, 0]) + 0.5 * X[:, 1]
LARGE = X * [1.0, 1.0, 30.0, 1.0, 1.0]


def train(*callbacks, engine="cpu", X=X, **options):
    options = {"stop": tw.Stop(epochs=7), "seed": 4, "batch": 10, **options}
    return tw.train(options.pop("network", NET), X, Y, engine=engine, callbacks=callbacks, **options)


@pytest.mark.parametrize(("every", "epochs"), [(1, [0, 1, 2, 3, 4, 5, 6, 7]), (3, [0, 3, 6]), (8, [0])])
def test_it_looks_before_training_and_then_every_so_often(every, epochs, engine):
    doctor = tw.Doctor(every)
    train(doctor, engine=engine)
    assert [one.epoch for one in doctor.checkups] == epochs
    assert [one.steps for one in doctor.checkups] == [10 * epoch for epoch in epochs]
    assert [one.steps_between for one in doctor.checkups] == [0, *[10 * every] * (len(epochs) - 1)]


def test_it_changes_nothing(engine):
    with_doctor, without = train(tw.Doctor(), engine=engine), train(engine=engine)
    assert np.array_equal(with_doctor.parameters, without.parameters)
    assert np.array_equal(with_doctor.history.loss, without.history.loss)


def test_it_sees_the_network_of_each_epoch(engine):
    """All rows in the sample: the objective is that of a full pass, the first one that of the initial weights."""
    doctor = tw.Doctor()
    result = train(doctor, engine=engine, training_loss="full", dtype="float64")
    objectives = [one.objective for one in doctor.checkups]
    np.testing.assert_allclose(objectives[1:], result.history.loss, rtol=1e-12)
    np.testing.assert_allclose(objectives[0], tw.loss_and_gradient(NET, NET.initialize(4), X, Y)[0], rtol=1e-12)


def test_the_sample_is_fixed_seeded_and_of_rows_that_count():
    """Weights of 0 are left out; the objective of one row tells which it is."""
    weights = np.arange(N) % 2.0
    options = {"sample_weight": weights, "optimizer": tw.GradientDescent(1e-30), "stop": tw.Stop(epochs=1)}
    errors = (tw.predict(NET, NET.initialize(4), X)[:, 0] - Y) ** 2
    chosen = set()
    for seed in range(11):
        doctor = tw.Doctor(rows=1, seed=seed)
        train(doctor, dtype="float64", **options)
        assert doctor.checkups[0].objective == doctor.checkups[1].objective
        row = int(np.abs(errors - doctor.checkups[0].objective).argmin())
        assert np.isclose(errors[row], doctor.checkups[0].objective) and weights[row]
        chosen.add(row)
    assert len(chosen) > 5


def test_a_finding_is_said_once_with_its_epochs():
    doctor = tw.Doctor()
    train(doctor, X=LARGE)
    (finding,) = [one for one in doctor.findings if one.kind == "large inputs"]
    assert (finding.epoch, finding.last_epoch, finding.layer) == (0, 7, 0)
    np.testing.assert_allclose(finding.number, np.sqrt(np.mean(LARGE[:, 2] ** 2)), rtol=1e-6)


def test_it_can_be_used_again_and_copied():
    doctor = tw.Doctor()
    train(doctor, X=LARGE)
    assert doctor.findings
    train(doctor)
    assert doctor.findings == [] and len(doctor.checkups) == 8
    clone = copy.deepcopy(doctor)
    train(clone)
    assert clone.report() == doctor.report()


def test_a_resumed_training_is_looked_at_from_where_it_goes_on(tmp_path):
    path, doctor = tmp_path / "run.checkpoint", tw.Doctor(2)
    train(checkpoint=tw.Checkpoint(path), stop=tw.Stop(epochs=3))
    train(doctor, resume=path)
    assert [one.epoch for one in doctor.checkups] == [3, 5, 7]
    assert [one.steps for one in doctor.checkups] == [30, 50, 70]


def test_the_report_says_it_in_words():
    doctor = tw.Doctor(rows=31)
    train(doctor, X=LARGE)
    text = doctor.report()
    assert str(doctor) == text
    first, *_ = text.split("\n")
    assert first.startswith("8 looks, the last after epoch 7, at 31 of 97 training rows. ")
    for finding in doctor.findings:
        assert finding.sentence in text and finding.advice in text
    heads, one, two = text.split("\n")[-3:]
    assert heads.split("  ")[0] == "layer" and one.split()[:4] == ["1", "7", "relu", "0%"]
    assert two.split()[:5] == ["2", "1", "identity", "0%", "–"]
    healthy = tw.Doctor()
    train(healthy)
    assert "training rows. No findings.\n" in healthy.report()


def test_the_report_of_a_training_that_broke_down():
    doctor = tw.Doctor()
    result = train(doctor, optimizer=tw.GradientDescent(5.0), network=tw.Network([D, 1]), stop=tw.Stop(epochs=99))
    assert result.failure and "\nThe training ended early: Met a value that is not finite.\n" in doctor.report()
    assert {one.kind for one in doctor.findings} >= {
        "growing gradient"
    } and "growing gradient (epoch" in doctor.report()


def test_the_picture_shows_each_layer(tmp_path):
    doctor = tw.Doctor()
    train(doctor)
    figure = doctor.plot(tmp_path / "doctor.svg")
    assert (tmp_path / "doctor.svg").read_bytes().startswith(b"<?xml")
    assert_labelled(figure, ["Gradient of a weight", "layer 1 (relu)", "layer 2 (identity)", "healthy: about 0.001"])
    line = figure.axes[0].lines[0]
    np.testing.assert_array_equal(line.get_xdata(), range(8))
    np.testing.assert_array_equal(line.get_ydata(), [one.gradient[0] for one in doctor.checkups])


def test_before_a_training_there_is_nothing_to_say():
    for ask in (tw.Doctor().report, tw.Doctor().plot):
        with pytest.raises(tw.InputError, match="the Doctor has seen no training yet"):
            ask()
    assert repr(tw.Doctor(every=5)) == "Doctor(every=5, rows=1000, seed=0)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"every": 0}, "Doctor: every must be a whole number of epochs ≥ 1, not 0"),
        ({"rows": 2.5}, "Doctor: rows must be a whole number ≥ 1, not 2.5"),
        ({"seed": -1}, "the seed must be a whole number"),
    ],
)
def test_settings_are_checked_when_made(options, said):
    with pytest.raises(tw.InputError, match=said):
        tw.Doctor(**options)


def test_it_works_with_fit():
    from sklearn.datasets import load_wine

    doctor = tw.Doctor(every=5)
    wine: Any = load_wine(as_frame=True)
    tw.fit(wine.frame, target="target", callbacks=[doctor], epochs=20)
    assert doctor.report().startswith("5 looks") and doctor.findings == []
