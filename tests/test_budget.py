"""budget: what is typed as a time, and a clock that runs out."""

from types import SimpleNamespace

import pytest

from thalweg import budget
from thalweg.budget import Budget, seconds_of
from thalweg.errors import InputError


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when it is told to."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(perf_counter=lambda: now.seconds))
    return now


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (7, 7.0), (0.25, 0.25), ("7", 7.0), ("60s", 60.0), (" 2 m ", 120.0), ("1.5min", 90.0), ("1H", 3600.0),
        (".5h", 1800.0), ("3.s", 3.0),
    ],
)  # fmt: skip
def test_a_time_is_read(given, seconds):
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", ["", "soon", "-3s", "3 days", "1m30s", "s", "1e3", "nan"])
def test_a_text_that_is_no_time_is_refused(given):
    with pytest.raises(InputError, match=r"^the budget must be a time such as 60s, 2m or 1h, not "):
        seconds_of(given)


@pytest.mark.parametrize("given", [0, -1.5, "0s", float("nan"), float("inf"), True, [60], {"s": 1}])
def test_a_number_that_is_no_time_is_refused(given):
    with pytest.raises(InputError, match=r"^budget must be a number of seconds > 0, or as 60s, 2m, not "):
        seconds_of(given)


def test_what_was_spent_is_no_longer_left(clock):
    one = Budget(60.0, started=clock.seconds)
    clock.seconds += 22.5
    assert (one.spent, one.left) == (22.5, 37.5)
    clock.seconds += 50.0
    assert one.left == -12.5


def test_work_is_expected_by_its_runs_and_beyond_the_largest_in_proportion_to_it(clock):
    one = Budget(60.0, started=clock.seconds)
    assert one.expected("fit", 1_000) == 0.0
    for rows, seconds in ((1_000, 7.0), (200, 3.0), (1_000, 5.0)):
        with one.timing("fit", rows):
            clock.seconds += seconds
    assert one.expected("fit", 3_000) == 15.0 and one.expected("fit", 600) == 4.0
    assert one.expected("fit", 200) == 3.0 and one.expected("fit", 100) == 1.5
    assert one.expected("other", 3_000) == 0.0


def test_work_that_fails_is_not_timed(clock):
    one = Budget(60.0, started=clock.seconds)
    with pytest.raises(KeyboardInterrupt), one.timing("fit", 100):
        raise KeyboardInterrupt
    assert one.expected("fit", 100) == 0.0
