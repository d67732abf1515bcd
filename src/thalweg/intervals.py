"""What the same folds show of two models: the mean difference and how far it may be off.

The folds of a cross-validation share most of their training rows, so the usual variance of a mean is far too small.
Nadeau and Bengio, "Inference for the generalization error", 2003, section 4: of J differences d_j with variance s²,
whose folds have n₂ test rows for n₁ training rows, the variance of the mean is about (1/J + n₂/n₁) s², to be compared
with Student's distribution of J − 1 degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg import scores


if TYPE_CHECKING:
    from jaxtyping import Float

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """First − second of a measure, with the interval that holds the true one at the stated confidence."""

    mean: float  # over the folds
    low: float  # end of the interval
    high: float  # end of the interval

    def standing(self, margin: float = 0.0) -> str:
        """How the first of two losses stands to the second: better, worse, level or unknown, as `scores.standing`."""
        return scores.standing(self.mean, (self.high - self.low) / 4.0, margin)


def corrected(differences: Float[np.ndarray, " folds"], ratio: float, confidence: float = CONFIDENCE) -> Difference:
    """The difference that several folds show, with Nadeau and Bengio's interval.

    Args:
        differences: first − second for each fold, two or more.
        ratio: test rows for each training row.
        confidence: that the interval holds the true difference.

    >>> found = corrected(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 0.25)  # s² = 2.5, t = 2.776
    >>> round(found.mean, 3), round(found.high - found.mean, 3) == round(2.7764451 * math.sqrt((0.2 + 0.25) * 2.5), 3)
    (3.0, True)
    """
    from scipy.special import stdtrit

    J = len(differences)
    mean = float(differences.mean())
    error = math.sqrt((1.0 / J + ratio) * float(differences.var(ddof=1)))
    half = float(stdtrit(J - 1, 0.5 + confidence / 2.0)) * error
    return Difference(mean, mean - half, mean + half)


def of_rows(differences: Float[np.ndarray, " n"], confidence: float = CONFIDENCE) -> Difference:
    """The difference that the rows of a single fold show; it knows nothing of other training rows.

    >>> of_rows(np.array([1.0, 1.0, 1.0]))
    Difference(mean=1.0, low=1.0, high=1.0)
    """
    from scipy.special import stdtrit

    n = len(differences)
    mean = float(differences.mean())
    if n < 2:
        return Difference(mean, -math.inf, math.inf)
    half = float(stdtrit(n - 1, 0.5 + confidence / 2.0)) * float(differences.std(ddof=1)) / math.sqrt(n)
    return Difference(mean, mean - half, mean + half)
