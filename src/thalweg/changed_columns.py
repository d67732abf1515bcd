"""Trials that change columns: rotated, joined by columns of noise, shuffled one by one, or disturbed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from thalweg import intervals, randomness, scores
from thalweg.bouts import Bout, Fitted
from thalweg.intervals import CONFIDENCE
from thalweg.trial_ring import STREAMS, SURE, Found, Group, Ring, pointing


if TYPE_CHECKING:
    from jaxtyping import Float

FEW_VALUES = 10  # with fewer a feature is no number to rotate (Grinsztajn et al. 2022 leave such features out)
MOST_COLUMNS = 100  # of noise that are added
# Where there are more columns than the first, so many are shuffled: each takes SHUFFLES answers for all test rows.
MANY_COLUMNS, OF_MANY = 100, 30
LEVEL = 0.05  # of what was learnt: what is no matter, as in a comparison
NOISE = 0.1  # of a column's spread
SHUFFLES = 5
MATTERS = 0.01  # of what was learnt: a column whose shuffling costs less tells next to nothing


def gaussian(X: Float[np.ndarray, "n d"], rows: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m d"]:
    """`rows` by columns as normal scores of the ranks in `X`, with variance 1 there: every order is kept.

    Equal values share the middle of their ranks, so that a column that is mostly 0 gets no outliers (scikit-learn's
    QuantileTransformer, which Grinsztajn et al. use, puts such a column's least value at −5.2).

    >>> gaussian(np.array([[1.0], [5.0], [90.0]]), np.array([[5.0], [-3.0]])).round(3).tolist()
    [[0.0], [-1.225]]
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    columns = []
    for x, x_rows in zip(X.T, rows.T, strict=True):
        score = ndtri((rankdata(x) - 0.5) / len(x))
        known, first = np.unique(x, return_index=True)
        columns.append(np.interp(x_rows, known, score[first]) / (score.std() or 1.0))
    return np.stack(columns, axis=1)


def rotation_matrix(d: int, seed: int) -> Float[np.ndarray, "d d"]:
    """A random rotation or reflection, each as likely (Haar): Q of normal numbers' QR, signs of R's diagonal moved.

    Mezzadri, "How to generate random matrices from the classical compact groups", 2007, section 5.

    >>> Q = rotation_matrix(3, 0)
    >>> bool(np.allclose(Q @ Q.T, np.eye(3)))
    True
    """
    normal = randomness.normal(seed, "trial", d * d, epoch=STREAMS["rotation"]).reshape(d, d)
    Q, R = np.linalg.qr(normal)
    return Q * np.where(np.diag(R) < 0, -1.0, 1.0)


def rotation(ring: Ring) -> Found:
    """Numbers only, as Grinsztajn et al. rotate tables of numbers; slots of categories stay as they are.

    To rotate slots would show that categories are categories, which nobody doubts. Both contenders learn before and
    after from the same matrix (normal scores of the numbers of `scaled`, beside the rest of it), so that nothing but
    the rotation differs.
    """
    X, rows = ring.train.scaled, ring.test.scaled
    numbers = np.array([len(np.unique(x)) >= FEW_VALUES for x in X.T])
    d = int(numbers.sum())
    if d < 2:
        return Found({"rotated": d}, "neither", "none", f"{_features(d)} can be rotated, and it takes two.")
    both = gaussian(X[:, numbers], X[:, numbers]), gaussian(X[:, numbers], rows[:, numbers])
    Q = rotation_matrix(d, ring.seed)
    losses = []
    for turn in (np.eye(d), Q):
        train, test = (
            Bout.of_matrix(np.hstack([part @ turn, bout.scaled[:, ~numbers]]), bout.y, bout.task, bout.n_classes)
            for part, bout in zip(both, (ring.train, ring.test), strict=True)
        )
        losses.append(ring.losses(ring.both(train), test))
    before, after = losses
    figures, contrast, unit, says = ring.rises(before, after, f"When {_features(d)} are rotated,")
    fall = intervals.of_rows(after[1] - before[1], SURE)
    figures["rotated"] = d
    if fall.low > 0.0 and contrast.high < 0.0:
        more = "the columns as they are carry meaning, which trees find and a network does not need"
        return Found(figures, "trees", pointing(contrast, unit)[1], f"{says}: {more}.")
    if fall.high < LEVEL * unit:
        more = "the trees lose next to nothing, so that the columns as they are have no meaning that helps them"
        return Found(figures, "network", "weak", f"{says}; {more}.")
    return Found(figures, "neither", "none", f"{says}.")


def noise_columns(ring: Ring) -> Found:
    k = min(ring.train.scaled.shape[1], MOST_COLUMNS)
    draws = randomness.normal(ring.seed, "trial", (ring.train.n + ring.test.n) * k, epoch=STREAMS["columns"]).reshape(
        -1, k
    )
    train, test = _beside(ring.train, draws[: ring.train.n]), _beside(ring.test, draws[ring.train.n :])
    after = ring.losses(ring.both(train), test)
    figures, contrast, unit, says = ring.rises(ring.before, after, f"With {k} columns of noise more")
    towards, strength = pointing(contrast, unit)
    return Found({**figures, "columns": k}, towards, strength, f"{says}.")


def _beside(bout: Bout, more: Float[np.ndarray, "n k"]) -> Bout:
    return replace(
        bout,
        scaled=np.hstack([bout.scaled, more]),
        plain=np.hstack([bout.plain, more]),
        coded=np.hstack([bout.coded, more]),
        categorical=np.append(bout.categorical, np.zeros(more.shape[1], dtype=bool)),
    )


def uninformative_columns(ring: Ring) -> Found:
    """Columns that say the same hide each other: none of them matters as long as the others are there.

    Were a column of no use, the loss as it is would be one more draw beside the shuffled ones; the interval of the rise
    is that of such a draw (Student's, SHUFFLES − 1 degrees of freedom). A column matters if the whole of it is above 0
    for one contender, and is idle if the whole of it is below MATTERS of what was learnt for both; of the others these
    rows cannot tell, and they count for the side that the trial would not point to.
    """
    from scipy.special import stdtrit

    groups = _some(ring.groups, ring.seed)
    ends = np.cumsum([ring.test.scaled.shape[1], ring.test.plain.shape[1]])
    joined = np.hstack([ring.test.scaled, ring.test.plain, ring.test.coded])
    places = [np.concatenate([one.scaled, one.plain + ends[0], one.coded + ends[1]]) for one in groups]
    unit = ring.learnt(ring.before)
    t = float(stdtrit(SHUFFLES - 1, 0.5 + CONFIDENCE / 2.0)) * np.sqrt((SHUFFLES + 1) / (SHUFFLES - 1))
    matters, idle = np.zeros(len(groups), dtype=bool), np.ones(len(groups), dtype=bool)
    each = {}
    for name, fitted in zip(ring.contenders, ring.whole, strict=True):

        def predict(X: np.ndarray, name: str = name, fitted: Fitted = fitted) -> np.ndarray:
            scaled, plain, coded = np.split(X, ends, axis=1)
            return ring.outputs(name, fitted, replace(ring.test, scaled=scaled, plain=plain, coded=coded))

        rise, deviation = scores.permutation_importance(
            predict, joined, ring.test.y, places, ring.mean_loss, SHUFFLES, ring.seed
        )
        matters |= rise - t * deviation > 0.0
        idle &= rise + t * deviation < MATTERS * unit
        each[name] = {one.name: float(value) for one, value in zip(groups, rise, strict=True)}
    n, count = len(groups), int(idle.sum())
    low, high = wilson(count, n)[0], wilson(n - int(matters.sum()), n)[1]
    figures = {"columns": n, "idle": count, "matter": int(matters.sum()), "low": low, "high": high, "rise": each}
    says = (
        f"shuffled, {figures['matter']:,} of {n:,} columns raise the {ring.measure} beyond chance and {count:,} surely "
        f"by less than {MATTERS:.0%} of what was learnt; {low:.0%} to {high:.0%} of columns like these tell nothing"
    )
    if low > 0.5:
        return Found(figures, "trees", "moderate", f"{says}, which trees leave out and a network has to learn to.")
    if high < 0.5:
        return Found(figures, "network", "weak", f"{says}, so that to leave them out is worth little here.")
    return Found(figures, "neither", "none", f"{says}.")


def input_noise(ring: Ring) -> Found:
    """The same noisy cells for both: what a number becomes in `scaled` is read off the training rows.

    The spread is the distance of the quartiles, in which a normal distribution has 1.349 deviations. A column whose
    quartiles are equal stays as it is (its commonest value, mostly 0, is exact), as do categories, dates, missing cells
    and those outside the range of training, for which nothing can be read off; noise leads to its ends and no further.
    """
    views = {name: np.array(getattr(ring.test, name)) for name in ("scaled", "plain", "coded")}
    disturbed = 0
    for i, one in enumerate(ring.groups):
        if not one.is_number:
            continue
        seen = ring.train.plain[:, one.plain[0]]
        there = ~np.isnan(seen)
        low, high = np.quantile(seen[there] / 2.0, (0.25, 0.75)) if there.any() else (0.0, 0.0)
        if not low < high:
            continue
        disturbed += 1
        known, first = np.unique(seen[there], return_index=True)
        z = randomness.normal(ring.seed, "trial", ring.test.n, epoch=STREAMS["noise"], step=i)
        noise = 2.0 * NOISE / 1.349 * (high - low) * z
        before = views["plain"][:, one.plain[0]]
        moved = (known[0] <= before) & (before <= known[-1])
        noisy = np.where(moved, np.clip(before + noise, known[0], known[-1]), before)
        scaled = np.interp(noisy, known, ring.train.scaled[there, one.scaled[0]][first])
        views["scaled"][:, one.scaled[0]] = np.where(moved, scaled, views["scaled"][:, one.scaled[0]])
        views["plain"][:, one.plain[0]] = views["coded"][:, one.coded[0]] = noisy
    if not disturbed:
        return Found({"columns": 0}, "neither", "none", "there is no column of numbers to disturb.")
    after = ring.losses(ring.whole, replace(ring.test, **views))
    what = f"With noise of {NOISE:.0%} of the spread of {_features(disturbed)}"
    figures, contrast, unit, says = ring.rises(ring.before, after, what)
    return Found({**figures, "columns": disturbed}, *pointing(contrast, unit), f"{says}.")


def answers(columns: int) -> int:
    """How often each contender answers for all test rows where so many columns are shuffled.

    >>> answers(4), answers(784)
    (22, 152)
    """
    return 2 + SHUFFLES * _shuffled(columns)


def _shuffled(columns: int) -> int:
    return columns if columns <= MANY_COLUMNS else OF_MANY


def _some(groups: tuple[Group, ...], seed: int) -> list[Group]:
    """Those that are shuffled, of many columns a few at random."""
    order = randomness.permutation(seed, "trial", len(groups), epoch=STREAMS["chosen"])
    return [groups[i] for i in np.sort(order[: _shuffled(len(groups))])]


def wilson(count: int, n: int) -> tuple[float, float]:
    """The interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in wilson(3, 10)]
    [0.108, 0.603]
    """
    from scipy.stats import binomtest

    found = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


def _features(n: int) -> str:
    return f"{n:,} column{'' if n == 1 else 's'} of numbers"
