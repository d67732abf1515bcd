"""Learning rates over time: values by hand, ends, and what is refused."""

import json

import numpy as np
import pytest

import thalweg as tw
from thalweg.schedules import SCHEDULES, CosineCycles, find_schedule


TOTAL = 10.0
VALUES = [  # schedule, {time in epochs: rate}
    (tw.Constant(0.3), {0.0: 0.3, 9.99: 0.3}),
    (tw.Step(0.8, factor=0.5, every=3), {0.0: 0.8, 2.99: 0.8, 3.0: 0.4, 9.0: 0.1}),
    (tw.Exponential(0.8, decay=0.5), {0.0: 0.8, 1.0: 0.4, 3.0: 0.1, 0.5: 0.8 * 0.5**0.5}),
    (tw.InverseTime(0.6, decay=0.5), {0.0: 0.6, 2.0: 0.3, 4.0: 0.2}),
    (tw.Cosine(0.8, final=0.2), {0.0: 0.8, 5.0: 0.5, 10.0: 0.2, 10 / 3: 0.65}),
    # peaks where 1 + 3 share = √2 and 2√2, ends of cycles at 2 and 4
    (
        CosineCycles(0.8, cycles=2),
        {0.0: 0.0, (2**0.5 - 1) / 0.3: 0.8, 1 / 0.3: 0.0, (2**1.5 - 1) / 0.3: 0.8, 10.0: 0.0},
    ),
    (tw.OneCycle(0.5, rise=0.4), {0.0: 0.02, 2.0: 0.26, 4.0: 0.5, 7.0: 0.250025, 10.0: 0.00005}),
    (tw.WarmUp(tw.Constant(0.5), epochs=4, start=0.2), {0.0: 0.1, 2.0: 0.3, 4.0: 0.5, 9.0: 0.5}),
    (tw.WarmUp(0.5, epochs=4, start=0.0), {0.0: 0.0, 1.0: 0.125}),
    (tw.WarmUp(tw.Cosine(0.8), epochs=2.5, start=0.5), {0.0: 0.4, 5.0: 0.4, 10.0: 0.0}),
]


@pytest.mark.parametrize(("schedule", "values"), VALUES, ids=lambda one: repr(one)[:30])
def test_rates_by_hand(schedule, values):
    rates = schedule.at(np.array(list(values)), TOTAL)
    np.testing.assert_allclose(rates, list(values.values()), rtol=1e-12, atol=1e-15)


def test_every_schedule_has_rates_by_hand():
    assert {type(schedule).__name__ for schedule, _ in VALUES} == set(SCHEDULES)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in VALUES], ids=repr)
def test_rates_are_never_negative_and_never_above_the_rate(schedule):
    rates = schedule.at(np.linspace(0.0, 1.3 * TOTAL, 500), TOTAL)  # also past the end
    assert (rates >= 0).all() and rates.max() <= schedule.rate * (1 + 1e-12)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in VALUES], ids=repr)
def test_a_schedule_comes_back_from_a_file(schedule):
    assert find_schedule(json.loads(json.dumps(schedule.to_dict()))) == schedule


def test_only_those_that_end_with_the_training_need_its_length():
    assert {schedule for schedule, _ in VALUES if schedule.needs_total} == {VALUES[i][0] for i in (4, 5, 6, 9)}


def test_a_number_is_a_constant_rate():
    assert find_schedule(0.25) == find_schedule(np.float32(0.25)) == tw.Constant(0.25)
    assert find_schedule(1) == tw.Constant(1.0)
    assert json.dumps(tw.Step(np.float32(0.5), factor=np.float32(0.25)).to_dict())  # numbers of NumPy become plain  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: find_schedule("fast"), "a learning rate is a number ≥ 0 or one of Constant, .*WarmUp, not 'fast'"),
        (lambda: find_schedule(True), "not True"),
        (lambda: find_schedule(None), "not None"),
        (lambda: find_schedule(-0.1), "Constant: rate must be a number ≥ 0, not -0.1"),
        (lambda: find_schedule(float("nan")), "not nan"),
        (lambda: tw.Constant(float("inf")), "not inf"),
        (lambda: tw.Step("0.1"), "Step: rate must be a number ≥ 0, not '0.1'"),  # pyright: ignore[reportArgumentType]
        (lambda: tw.Step(0.1, factor=0.0), "Step: factor must be a number > 0, not 0.0"),
        (lambda: tw.Step(0.1, every=0), "Step: every must be a number of epochs > 0, not 0"),
        (lambda: tw.Exponential(0.1, decay=1.1), "Exponential: decay must be a number with 0 < decay ≤ 1, not 1.1"),
        (lambda: tw.InverseTime(0.1, decay=-1), "InverseTime: decay must be a number ≥ 0, not -1"),
        (lambda: tw.Cosine(0.1, final=-1), "Cosine: final must be a number ≥ 0, not -1"),
        (lambda: CosineCycles(0.1, cycles=0), "CosineCycles: cycles must be a whole number ≥ 1, not 0"),
        (lambda: CosineCycles(0.1, cycles=1.5), "not 1.5"),  # pyright: ignore[reportArgumentType]
        (lambda: tw.OneCycle(0.1, rise=1.0), "OneCycle: rise must be a share between 0 and 1, not 1.0"),
        (lambda: tw.WarmUp(0.1, epochs=0), "WarmUp: epochs must be a number of epochs > 0, not 0"),
        (lambda: tw.WarmUp(0.1, epochs="3"), "not '3'"),  # pyright: ignore[reportArgumentType]
        (lambda: tw.WarmUp(0.1, start=2.0), "WarmUp: start must be a factor from 0 to 1, not 2.0"),
        (lambda: tw.WarmUp("fast"), "a learning rate is"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(make, said):
    with pytest.raises(tw.InputError, match=said):
        make()
