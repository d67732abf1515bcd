"""Frozen settings: numbers checked when they are made, plain JSON and back."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

import thalweg as tw
from thalweg.optimizers import OPTIMIZERS, find_optimizer
from thalweg.schedules import SCHEDULES, find_schedule
from thalweg.settings import Settings, check_number, from_dict


@dataclass(frozen=True)
class Pace(Settings):
    """Settings of a test."""

    speed: float = 1.0

    def __post_init__(self) -> None:
        self.check("speed", lambda speed: speed > 0, "a number > 0")


@pytest.mark.parametrize("given", [3, 3.0, np.float32(3), np.int64(3)])
def test_numbers_of_any_kind_become_floats(given):
    assert type(Pace(given).speed) is float and Pace(given).speed == 3.0


@pytest.mark.parametrize("given", [0, -1.0, True, "3", None, float("nan"), float("inf"), 3 + 0j])
def test_anything_else_is_refused(given):
    with pytest.raises(tw.InputError) as caught:
        Pace(given)
    assert str(caught.value) == f"Pace: speed must be a number > 0, not {given!r}"
    with pytest.raises(tw.InputError, match="^x must be positive, not"):
        check_number(given, lambda x: x > 0, "x", "positive")


@pytest.mark.parametrize("plain", [None, 3, "Pace", {}, {"name": "Pace"}, {"name": "Pace", "speed": 2.0, "more": 1}])
def test_only_what_to_dict_writes_is_read(plain):
    assert from_dict(plain, {"Pace": Pace}) is None


def test_the_way_to_json_and_back():
    assert from_dict(json.loads(json.dumps(Pace(2).to_dict())), {"Pace": Pace}) == Pace(2.0)


@pytest.mark.parametrize("name", [*SCHEDULES, *OPTIMIZERS])
def test_a_description_with_a_part_too_many_is_no_schedule_and_no_optimizer(name):
    for find in (find_schedule, find_optimizer):
        with pytest.raises(tw.InputError, match="not|there is no"):
            find({"name": name, "unknown": 1.0})
