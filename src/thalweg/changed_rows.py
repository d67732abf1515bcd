"""Trials that change which rows are learnt from: ever more of them, or all but a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from thalweg import intervals, randomness, scores
from thalweg.bouts import Bout
from thalweg.intervals import Difference
from thalweg.trial_ring import STREAMS, SURE, Found, Ring, bounds, pointing


if TYPE_CHECKING:
    from jaxtyping import Int

CURVE = (8, 4, 2, 1)  # parts of the rows
FEWEST = 80  # rows for a curve, whose first point has an eighth of them
REFITS, LEFT_OUT = 3, 0.05


def learning_curve(ring: Ring) -> Found:
    """What each doubling of the rows is worth, by least squares over the points of the curve, for each test row."""
    n = ring.train.n
    if n < FEWEST:
        return Found({}, "neither", "none", f"a curve takes at least {FEWEST} rows to learn from, and there are {n}.")
    order = nested(ring.train, ring.seed)
    sizes = [n // part for part in CURVE]
    parts = [ring.train.take(np.sort(order[:size])) for size in sizes[:-1]]
    losses = [ring.losses(ring.both(part), ring.test) for part in parts]
    losses.append(ring.before)
    unit = ring.learnt(ring.before)
    doublings = np.log2(sizes) - np.log2(sizes).mean()
    slopes = [sum(x * both[i] for x, both in zip(doublings, losses, strict=True)) for i in (0, 1)]
    slopes = [slope / (doublings**2).sum() for slope in slopes]
    each = [intervals.of_rows(np.asarray(slope), SURE) for slope in slopes]
    contrast = intervals.of_rows(np.asarray(slopes[0] - slopes[1]), SURE)
    figures = {
        "points": [
            {"rows": size, **{name: float(one.mean()) for name, one in zip(ring.contenders, both, strict=True)}}
            for size, both in zip(sizes, losses, strict=True)
        ],
        "slope": {name: bounds(one) for name, one in zip(ring.contenders, each, strict=True)},
        "difference": bounds(contrast),
        "learnt": unit,
    }
    ahead = float(ring.before[0].mean() - ring.before[1].mean())  # network − trees, with all the rows
    says = f"From {sizes[0]:,} to {n:,} rows the {ring.measure} falls by each doubling by " + " and ".join(
        f"{scores.number(-one.mean, 2)} ({name})" for name, one in zip(ring.words, each, strict=True)
    )
    gain = Difference(-contrast.mean, -contrast.high, -contrast.low)
    says += f"; {ring.more(gain, unit, 'gains')}"
    # Its size is that over the whole curve, three doublings.
    towards, strength = pointing(contrast, unit / np.log2(n / sizes[0]))
    figures["cross"] = None
    if towards != "neither" and ahead * contrast.mean < 0.0 and -ahead / contrast.mean <= len(CURVE) - 1:
        figures["cross"] = n * 2.0 ** (-ahead / contrast.mean)
        says += f"; if this went on, it would be level at about {scores.number(figures['cross'], 1)} rows"
    return Found(figures, towards, strength, f"{says}.")


def nested(bout: Bout, seed: int) -> Int[np.ndarray, " n"]:
    """An order of the rows, of which every beginning has of each class about the same share.

    >>> y = np.array([0, 0, 0, 0, 1, 1])
    >>> y[nested(Bout.of_matrix(np.zeros((6, 1)), y, "classification", 2), 0)].tolist()
    [0, 1, 0, 0, 1, 0]
    """
    order = randomness.permutation(seed, "trial", bout.n, epoch=STREAMS["curve"])
    if not bout.n_classes:
        return order
    y = bout.y[order]
    place = np.empty(bout.n)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    return order[np.argsort(place, kind="stable")]


def stability(ring: Ring) -> Found:
    """How much of what is said of the test rows changes when few of the training rows are left out.

    The start of the weights and all other draws stay, so that the rows alone are to blame.
    """
    left_out = max(round(LEFT_OUT * ring.train.n), 1)
    first = [ring.outputs(name, one, ring.test) for name, one in zip(ring.contenders, ring.whole, strict=True)]
    changed = [np.zeros(ring.test.n), np.zeros(ring.test.n)]
    width = float(ring.train.y.std()) or 1.0
    for refit in range(REFITS):
        order = randomness.permutation(ring.seed, "trial", ring.train.n, epoch=STREAMS["stability"], step=refit)
        part = ring.train.take(np.sort(order[left_out:]))
        for i, (name, fitted) in enumerate(zip(ring.contenders, ring.both(part), strict=True)):
            outputs = ring.outputs(name, fitted, ring.test)
            if ring.test.n_classes:
                changed[i] += outputs.argmax(axis=1) != first[i].argmax(axis=1)
            else:
                changed[i] += np.abs(outputs - first[i]) / width
    each = [intervals.of_rows(one / REFITS, SURE) for one in changed]
    contrast = intervals.of_rows((changed[0] - changed[1]) / REFITS, SURE)
    figures = {
        "changed": {name: bounds(one) for name, one in zip(ring.contenders, each, strict=True)},
        "difference": bounds(contrast),
        "refits": REFITS,
    }
    what = "of its classes" if ring.test.n_classes else "of the target's spread in its numbers"
    says = f"Without {left_out:,} of the rows " + " and ".join(
        f"{name} changes {one.mean:.1%}" for name, one in zip(ring.words, each, strict=True)
    )
    # An unsteady model is the harder to trust and to explain; that it predicts worse does not follow.
    towards, strength = pointing(contrast, 1.0)
    more = "a difference that may be chance" if towards == "neither" else f"steadier: {_other(ring, contrast.mean)}"
    return Found(figures, towards, strength, f"{says} {what} (mean of {REFITS} refits); {more}.")


def _other(ring: Ring, difference: float) -> str:
    return ring.words[1 if difference > 0 else 0]
