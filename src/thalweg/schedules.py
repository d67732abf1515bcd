"""Learning rates γ as functions of time (L3): one small frozen object each, one row each in `SCHEDULES`.

Time t is measured in epochs since the start and moves with every step: step k of K in epoch e (from 1) is taken at
t = e − 1 + k/K. `total` is the number of epochs asked for, which cosine and one-cycle need to know where they end.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from thalweg.errors import InputError
from thalweg.settings import Settings, from_dict


if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Schedule(Settings):
    """A learning rate over time."""

    needs_total: ClassVar[bool] = False  # whether it has to know how many epochs there will be

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:
        """The rate at each time t (in epochs), `total` being the epochs of the whole training.

        >>> Step(0.1, factor=0.5, every=10).at(np.array([0.0, 9.9, 10.0]), None).tolist()
        [0.1, 0.1, 0.05]
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Rated(Schedule):
    """A schedule with a largest rate of its own."""

    rate: float  # the largest rate

    def __post_init__(self) -> None:
        self.check("rate", lambda rate: rate >= 0.0, "a number ≥ 0")


@dataclass(frozen=True)
class Constant(Rated):
    """γ = rate."""

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        return np.full(len(t), self.rate)


@dataclass(frozen=True)
class Step(Rated):
    """γ = rate · factor^⌊t / every⌋."""

    factor: float = 0.5  # by which the rate is multiplied at each step
    every: float = 10.0  # epochs from step to step

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("factor", lambda factor: factor > 0.0, "a number > 0")
        self.check("every", lambda every: every > 0.0, "a number of epochs > 0")

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        return self.rate * self.factor ** np.floor(t / self.every)


@dataclass(frozen=True)
class Exponential(Rated):
    """γ = rate · decay^t."""

    decay: float = 0.95  # factor per epoch

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("decay", lambda decay: 0.0 < decay <= 1.0, "a number with 0 < decay ≤ 1")

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        return self.rate * self.decay**t


@dataclass(frozen=True)
class InverseTime(Rated):
    """γ = rate / (1 + decay · t): the decay under which stochastic gradient descent settles (Robbins & Monro 1951)."""

    decay: float = 0.1  # how fast it falls: at t = 1/decay to half of rate

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("decay", lambda decay: decay >= 0.0, "a number ≥ 0")

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        return self.rate / (1.0 + self.decay * t)


@dataclass(frozen=True)
class Cosine(Rated):
    """γ falls from rate to final along half a cosine over the whole training (Loshchilov & Hutter 2017)."""

    final: float = 0.0  # the rate at the end

    needs_total: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("final", lambda final: final >= 0.0, "a number ≥ 0")

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        return _cosine(self.rate, self.final, t / total)


@dataclass(frozen=True)
class OneCycle(Rated):
    """γ rises from rate/25 to rate over the share `rise` of the training, then falls to rate/10,000 (Smith 2018)."""

    rise: float = 0.3  # share of the training that goes upwards

    needs_total: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("rise", lambda rise: 0.0 < rise < 1.0, "a share between 0 and 1")

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        share = t / total
        up = _cosine(self.rate / 25.0, self.rate, share / self.rise)
        down = _cosine(self.rate, self.rate / 1e4, (share - self.rise) / (1.0 - self.rise))
        return np.where(share < self.rise, up, down)


@dataclass(frozen=True)
class CosineCycles(Rated):
    """γ rises from 0 to rate and falls back to 0 `cycles` times, each cycle twice as long as the one before.

    ½ rate (1 − cos(2π log₂(1 + (2^cycles − 1) share))): coslog of Holzmüller, Grinsztajn & Steinwart 2024. A settled
    network at the end of each cycle, for validation to choose among: some tables want short training, some long.
    """

    cycles: int = 4  # how many

    needs_total: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check("cycles", lambda cycles: cycles >= 1 and cycles == int(cycles), "a whole number ≥ 1")

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        share = np.clip(t / total, 0.0, 1.0)
        return 0.5 * self.rate * (1.0 - np.cos(2.0 * np.pi * np.log2(1.0 + (2.0**self.cycles - 1.0) * share)))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """The schedule `then`, multiplied over its first `epochs` by a factor that grows linearly from `start` to 1."""

    then: Any  # a schedule, or a number for a constant one
    epochs: float = 1.0  # length of the warm-up
    start: float = 0.1  # the factor at the beginning

    def __post_init__(self) -> None:
        object.__setattr__(self, "then", find_schedule(self.then))
        self.check("epochs", lambda epochs: epochs > 0.0, "a number of epochs > 0")
        self.check("start", lambda start: 0.0 <= start <= 1.0, "a factor from 0 to 1")

    @property
    def needs_total(self) -> bool:  # type: ignore[override]
        """Whether `then` has to know the number of epochs."""
        return self.then.needs_total

    @property
    def rate(self) -> float:
        """The rate of `then`."""
        return self.then.rate

    def at(self, t: Float[np.ndarray, " steps"], total: float | None) -> Float[np.ndarray, " steps"]:  # noqa: D102
        factor = self.start + (1.0 - self.start) * np.minimum(t / self.epochs, 1.0)
        return factor * self.then.at(t, total)


SCHEDULES = {
    row.__name__: row for row in (Constant, Step, Exponential, InverseTime, Cosine, CosineCycles, OneCycle, WarmUp)
}


def find_schedule(given: Any) -> Any:
    """A schedule from a number (constant), a schedule, or what `to_dict` gave.

    Raises:
        InputError: it is none of these, or a number that is negative or not finite.

    >>> find_schedule(0.1)
    Constant(rate=0.1)
    """
    found = as_schedule(given)
    if found is None:
        message = f"a learning rate is a number ≥ 0 or one of {', '.join(SCHEDULES)}, not {given!r}"
        raise InputError(message)
    return found


def as_schedule(given: Any) -> Schedule | None:
    """As `find_schedule`, but None where it is none of these."""
    if isinstance(given, Schedule):
        return given
    if isinstance(given, numbers.Real) and not isinstance(given, bool):
        return Constant(float(given))
    return from_dict(given, SCHEDULES)


def _cosine(start: float, end: float, share: np.ndarray) -> np.ndarray:
    return end + 0.5 * (start - end) * (1.0 + np.cos(np.pi * np.clip(share, 0.0, 1.0)))
