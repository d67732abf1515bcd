"""Where two contenders meet in a trial: the rows, what was learnt of them, and losses row by row.

What a trial finds is a difference of the network and the trees on the same test rows. Its interval (`of_rows`) knows of
the rows alone, not of what another start of the weights or another rotation would change; and there are several trials.
So it is taken at 99 %, and an effect counts by the end of its interval that is nearer to 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import intervals, scores
from thalweg.bouts import Bout, Fitted
from thalweg.contenders import CONTENDERS, Contender
from thalweg.encoding import Encoder
from thalweg.features import Number
from thalweg.intervals import Difference
from thalweg.learning import Recipe
from thalweg.raw_features import RawFeature, RawFeatures
from thalweg.splitting import split


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Num

ROWS, TEST_ROWS = 2_000, 1_000  # of the sample that trials are made with
SURE = 0.99  # confidence of the intervals
# An effect that is surely so large a share of what was learnt counts so much (ours: a twentieth is also what a
# comparison calls level).
STRENGTHS = {"strong": 0.2, "moderate": 0.05, "weak": 0.0}
# The trials' own streams of random numbers: `epoch` of the purpose "trial", of which 0 is the sample.
STREAMS = {"rotation": 1, "columns": 2, "curve": 3, "stability": 4, "noise": 5, "chosen": 6}


class NotLearnt(Exception):
    """Nobody learnt anything: the trial says so and finds nothing."""


class BrokeDown(NotLearnt):
    """A contender raised an error, or answered with what is not finite."""


@dataclass(frozen=True, eq=False)
class Group:
    """One column of the table: its features in each view of a bout."""

    name: str
    scaled: Int[np.ndarray, " a"]
    plain: Int[np.ndarray, " b"]
    coded: Int[np.ndarray, " c"]
    is_number: bool  # whose first feature of `scaled` and only one of the others is the number


@dataclass(frozen=True)
class Found:
    """What a trial says."""

    figures: dict[str, Any]
    towards: str
    strength: str
    because: str


def groups_of(encoder: Encoder) -> tuple[Group, ...]:
    """The columns of an encoder."""
    raw = RawFeatures(encoder)

    def places(features: Sequence[RawFeature], name: str) -> np.ndarray:
        return np.flatnonzero([one.column == name for one in features])

    scaled = np.array(encoder.feature_columns)
    return tuple(
        Group(
            role.column,
            np.flatnonzero(scaled == role.column),
            places(raw.plain_features, role.column),
            places(raw.coded_features, role.column),
            isinstance(role, Number),
        )
        for role in encoder.roles
    )


def groups_of_matrix(X: Float[np.ndarray, "n d"]) -> tuple[Group, ...]:
    """The columns of a matrix (`Bout.of_matrix`); what has more than two values is a number."""
    places = [np.array([i]) for i in range(X.shape[1])]
    return tuple(
        Group(f"column {i + 1}", place, place, place, len(np.unique(X[:, i])) > 2) for i, place in enumerate(places)
    )


def sample(bout: Bout, rows: int, seed: int) -> Bout:
    """At most so many of the rows, of each class about the same share.

    >>> sample(Bout.of_matrix(np.arange(9.0)[:, None], np.repeat([0, 1, 2], 3), "classification", 3), 3, 0).y.tolist()
    [0, 1, 2]
    """
    if rows >= bout.n:
        return bout
    labels = bout.y if bout.n_classes else None
    return bout.take(split(bout.n, rows / bout.n, seed=seed, purpose="trial", labels=labels)[1])


@dataclass(frozen=True, eq=False)
class Ring:
    """Two contenders, the rows they learn from and the rows they are tested on."""

    train: Bout
    test: Bout
    sides: tuple[Contender, Contender]  # the network, then the trees
    seed: int
    threads: int | None
    recipe: Recipe
    engine: str
    groups: tuple[Group, ...]
    known: dict[str, Fitted] = field(default_factory=dict)  # contenders as they learnt from `train`

    @property
    def contenders(self) -> tuple[str, str]:
        """Their names."""
        return self.sides[0].name, self.sides[1].name

    @property
    def words(self) -> tuple[str, str]:
        """What they are called within a sentence."""
        return self.sides[0].words, self.sides[1].words

    def learn(self, side: Contender, bout: Bout) -> Fitted:
        """The contender on these rows."""
        try:
            return side.learn(bout, seed=self.seed, threads=self.threads, recipe=self.recipe, engine=self.engine)
        except Exception as error:  # whatever a library raises, the rest of the comparison stands
            raise BrokeDown(f"{side.words} could not learn: {error}") from error

    def both(self, bout: Bout) -> tuple[Fitted, Fitted]:
        """Both contenders on these rows."""
        return self.learn(self.sides[0], bout), self.learn(self.sides[1], bout)

    @property
    def whole(self) -> tuple[Fitted, Fitted]:
        """Both contenders on all training rows."""
        for side in self.sides:
            if side.name not in self.known:
                self.known[side.name] = self.learn(side, self.train)
        network, trees = self.contenders
        return self.known[network], self.known[trees]

    def outputs(self, name: str, fitted: Fitted, bout: Bout) -> Float[np.ndarray, "n ..."]:
        """What a contender says of the rows."""
        try:
            outputs = fitted.outputs(bout)
        except Exception as error:
            raise BrokeDown(f"{name} could not answer: {error}") from error
        if not np.isfinite(outputs).all():
            raise BrokeDown(f"{name} gives answers that are not finite")
        return outputs

    def losses(self, pair: Sequence[Fitted], bout: Bout) -> tuple[np.ndarray, np.ndarray]:
        """The loss of each row, of the network and of the trees."""
        network, trees = (
            scores.row_losses(bout.y, self.outputs(name, fitted, bout), bout.task)
            for name, fitted in zip(self.contenders, pair, strict=True)
        )
        return network, trees

    @cached_property
    def before(self) -> tuple[np.ndarray, np.ndarray]:
        """The losses of both on the test rows as they are."""
        return self.losses(self.whole, self.test)

    def mean_loss(self, y: Num[np.ndarray, " n"], outputs: Float[np.ndarray, "n ..."]) -> float:
        """What all row losses come to."""
        return float(scores.row_losses(y, outputs, self.test.task).mean())

    def learnt(self, losses: Sequence[np.ndarray]) -> float:
        """How far the better of the two is below the loss of the baseline: the unit of every effect."""
        outputs = CONTENDERS["baseline"].learn(self.train).outputs(self.test)
        baseline = scores.row_losses(self.test.y, outputs, self.test.task)
        better = min(losses, key=np.mean)
        found = intervals.of_rows(baseline - better, SURE)
        if not found.low > 0.0:
            raise NotLearnt("neither contender is better than the baseline beyond chance")
        return found.mean

    def rises(
        self, before: Sequence[np.ndarray], after: Sequence[np.ndarray], what: str
    ) -> tuple[dict[str, Any], Difference, float, str]:
        """Figures, the network's rise − that of the trees, what was learnt, and the sentence that says it all."""
        unit = self.learnt(before)
        rise = [intervals.of_rows(a - b, SURE) for a, b in zip(after, before, strict=True)]
        contrast = intervals.of_rows((after[0] - before[0]) - (after[1] - before[1]), SURE)
        figures = {
            "before": self._each([float(a.mean()) for a in before]),
            "after": self._each([float(a.mean()) for a in after]),
            "rise": self._each([bounds(one) for one in rise]),
            "difference": bounds(contrast),
            "learnt": unit,
        }
        says = " and that of ".join(
            f"{name} goes from {scores.number(float(b.mean()), 3)} to {scores.number(float(a.mean()), 3)}"
            for name, b, a in zip(self.words, before, after, strict=True)
        )
        return figures, contrast, unit, f"{what} the {self.measure} of {says}; {self.more(contrast, unit, 'loses')}"

    def more(self, contrast: Difference, unit: float, verb: str) -> str:
        """A clause on the difference of the two."""
        who = self.words[0 if contrast.mean > 0 else 1]
        low, high = sorted(abs(end) / unit for end in (contrast.low, contrast.high))
        if contrast.low <= 0.0 <= contrast.high:
            return f"that {who} {verb} more ({abs(contrast.mean) / unit:.0%} of what was learnt) may be chance"
        return f"{who} {verb} more, by {abs(contrast.mean) / unit:.0%} of what was learnt ({low:.0%} to {high:.0%})"

    @property
    def measure(self) -> str:
        """What a loss is called."""
        return "log-loss" if self.test.n_classes else "squared error in variances of the target"

    def _each(self, values: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self.contenders, values, strict=True))


def bounds(difference: Difference) -> dict[str, float | None]:
    """A difference in plain numbers; None where a single row leaves its ends open.

    >>> bounds(Difference(0.5, -np.inf, np.inf))
    {'mean': 0.5, 'low': None, 'high': None}
    """
    ends = {"mean": difference.mean, "low": difference.low, "high": difference.high}
    return {name: value if np.isfinite(value) else None for name, value in ends.items()}


def pointing(contrast: Difference, unit: float) -> tuple[str, str]:
    """Which way a difference of losses, network − trees, points, and how strongly: by its nearer end in `unit`s.

    >>> pointing(Difference(0.3, 0.25, 0.35), 1.0), pointing(Difference(-0.3, -0.59, -0.01), 1.0)
    (('trees', 'strong'), ('network', 'weak'))
    >>> pointing(Difference(0.3, -0.1, 0.7), 1.0)
    ('neither', 'none')
    """
    sure = max(contrast.low, -contrast.high, 0.0) / unit
    if not sure > 0.0:
        return "neither", "none"
    return "trees" if contrast.low > 0.0 else "network", next(w for w, least in STRENGTHS.items() if sure >= least)
