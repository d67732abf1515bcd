"""Trials: small experiments that show on the user's own rows what makes networks or trees succeed.

Both contenders learn from a sample (`trial_ring.sample`), something is changed, and their losses on the same test rows
say whom it hurts more. `TRIALS` has one row for each; `run` makes one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thalweg import changed_columns, changed_rows
from thalweg.bouts import Bout, Fitted
from thalweg.contenders import CONTENDERS, Contender
from thalweg.errors import ThalwegWarning
from thalweg.learning import Recipe
from thalweg.trial_ring import BrokeDown, Found, Group, NotLearnt, Ring, groups_of_matrix


@dataclass(frozen=True)
class Trial:
    """What one trial found."""

    name: str  # its row in TRIALS
    question: str  # that it puts to the data
    rows: int  # that were learnt from
    figures: dict[str, Any]  # plain numbers, ready for JSON
    towards: str  # network, trees or neither
    strength: str  # strong, moderate, weak or none
    because: str  # a sentence with the numbers


@dataclass(frozen=True)
class TrialKind:
    """A trial that can be made."""

    question: str
    source: str  # whose experiment it is
    fits: float  # of each contender on all the rows, beside the first one on them, which all trials share
    make: Callable[[Ring], Found]
    answers: Callable[[int], int] = lambda _: 1  # of each for all test rows, by how many columns there are


GRINSZTAJN = "Grinsztajn et al. 2022, arXiv 2207.08815"
TRIALS: dict[str, TrialKind] = {
    "rotation": TrialKind(
        "Do the columns as they are carry meaning, or would any mixture of them do?",
        f"{GRINSZTAJN}, figure 6; Ng 2004, Feature selection, L1 vs. L2 regularization, and rotational invariance",
        2, changed_columns.rotation,
    ),
    "noise columns": TrialKind(
        "Whom do columns that tell nothing hurt more?", f"{GRINSZTAJN}, figure 5", 1, changed_columns.noise_columns,
    ),
    "uninformative columns": TrialKind(
        "How many of the columns tell nothing?", f"{GRINSZTAJN}, figure 4, with half of the columns left out", 0,
        changed_columns.uninformative_columns, changed_columns.answers,
    ),
    "learning curve": TrialKind(
        "Who gains more from more rows?",
        "Perlich, Provost and Simonoff 2003, Tree induction vs. logistic regression: a learning-curve analysis",
        sum(1 / part for part in changed_rows.CURVE if part > 1), changed_rows.learning_curve,
    ),
    "stability": TrialKind(
        f"Who changes its predictions more when {changed_rows.LEFT_OUT:.0%} of the rows are left out?",
        "Dwyer and Holte 2007, Decision tree instability and active learning",
        changed_rows.REFITS * (1 - changed_rows.LEFT_OUT), changed_rows.stability,
    ),
    "input noise": TrialKind(
        "Whom do small errors in the numbers hurt more?", "ours: a tree jumps at its thresholds", 0,
        changed_columns.input_noise,
    ),
}  # fmt: skip


def run(
    kind: str,
    train: Bout,
    test: Bout,
    contenders: tuple[str | Contender, str | Contender],
    *,
    seed: int,
    threads: int | None,
    recipe: Recipe,
    engine: str,
    groups: tuple[Group, ...] | None = None,
    known: dict[str, Fitted] | None = None,
) -> Trial:
    """One trial. A contender that breaks down makes it find nothing, and say why; a ThalwegWarning says it, too.

    Args:
        kind: a name in TRIALS.
        train: rows to learn from.
        test: other rows.
        contenders: the network and the trees, by their names in CONTENDERS or as they are.
        seed: of all that is drawn.
        threads: for training and answering.
        recipe: of the network.
        engine: of the network.
        groups: the columns (`groups_of`); None: every feature of a matrix is one.
        known: contenders that learnt from `train`, by name, with the same seed; what is learnt here is put in.
    """
    from threadpoolctl import threadpool_limits

    groups = groups_of_matrix(train.scaled) if groups is None else groups
    known = {} if known is None else known
    network, trees = (CONTENDERS[one] if isinstance(one, str) else one for one in contenders)
    ring = Ring(train, test, (network, trees), seed, threads, recipe, engine, groups, known)
    try:
        with threadpool_limits(1, "openmp"):  # to answer for few rows, where threads would wait for each other
            found = TRIALS[kind].make(ring)
    except NotLearnt as error:
        if isinstance(error, BrokeDown):
            warnings.warn(f"The trial {kind!r} found nothing: {error}.", ThalwegWarning, stacklevel=2)
        found = Found({}, "neither", "none", f"{error}, so that nothing is found.")
    because = found.because[:1].upper() + found.because[1:]
    return Trial(kind, TRIALS[kind].question, train.n, found.figures, found.towards, found.strength, because)
