"""Tables whose answer is known by construction: which side, network or trees, comes closer to the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thalweg.comparing import compare
from thalweg.comparison import Comparison
from thalweg.contenders import CONTENDERS
from thalweg.table import Table, as_column


CHOSEN = ("network", "tree", "boosting", "baseline")
BUDGET = 40.0  # seconds for each, which only the largest needs


@dataclass(frozen=True)
class Construction:
    """How rows are drawn, how many, and who is right."""

    rows: int
    draw: Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]  # inputs, probability of class 1
    right: str  # network or trees
    large: bool  # whether the true gap is large


def table_of(X: np.ndarray, y: np.ndarray) -> Table:
    """Columns x1, x2, … and the class y."""
    columns = [as_column(f"x{i}", column) for i, column in enumerate(X.T, 1)]
    return Table("constructed", (*columns, as_column("y", np.where(y, "yes", "no"))))


def drawn(construction: Construction, seed: int, rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels."""
    rng = np.random.default_rng([seed, 77])
    X, p = construction.draw(rng, construction.rows if rows is None else rows)
    return X, rng.random(len(p)) < p


def rules(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A decision list over six uniform columns; one label in twenty is wrong."""
    X = rng.random((n, 6))
    yes = np.where(
        X[:, 0] < 0.3, X[:, 1] > 0.6, np.where(X[:, 2] > 0.55, X[:, 3] < 0.4, (X[:, 4] > 0.25) & (X[:, 1] < 0.7))
    )
    return X, np.where(yes, 0.95, 0.05)


def rotated(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A smooth curved boundary at an angle to all of ten columns."""
    X = rng.normal(size=(n, 10))
    directions = np.linalg.qr(np.random.default_rng(5).normal(size=(10, 10)))[0]
    U = X @ directions
    score = 2.0 * U[:, 0] + 1.5 * np.sin(2.0 * U[:, 1]) + U[:, 2] * U[:, 3]
    return X, 1.0 / (1.0 + np.exp(-8.0 * score))


def linear(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """A linear score of ten columns, and noise."""
    X = rng.normal(size=(n, 10))
    w = np.random.default_rng(6).normal(size=10)
    return X, 1.0 / (1.0 + np.exp(-X @ w))


def xor(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether two columns of 0 and 1 differ, beside fifty uniform columns that say nothing."""
    X = rng.uniform(-1.0, 1.0, size=(n, 52))
    X[:, :2] = X[:, :2] > 0
    return X, np.where(X[:, 0] != X[:, 1], 0.98, 0.02)


def signs(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether two uniform columns have different signs, beside fifty that say nothing."""
    X = rng.uniform(-1.0, 1.0, size=(n, 52))
    return X, np.where((X[:, 0] > 0) != (X[:, 1] > 0), 0.98, 0.02)


CONSTRUCTIONS = {
    "rules": Construction(1_500, rules, "trees", True),
    "rotated": Construction(2_000, rotated, "network", True),
    "linear": Construction(1_500, linear, "network", False),
    "xor": Construction(1_500, xor, "network", True),
    "few rows": Construction(200, rotated, "network", False),
    "signs": Construction(3_000, signs, "trees", False),
    "many rows": Construction(100_000, rules, "trees", False),
}


def compared(name: str, seed: int, **options: Any) -> Comparison:
    """A comparison on rows drawn with this seed."""
    X, y = drawn(CONSTRUCTIONS[name], seed)
    return compare(table_of(X, y), "y", contenders=CHOSEN, evidence=False, budget=BUDGET, seed=seed, **options)


def copies(seed: int) -> Comparison:
    """Our network against itself with other initial weights, which is called a tree."""
    X, y = drawn(CONSTRUCTIONS["rotated"], seed, 500)
    network = CONTENDERS["network"]
    other = replace(
        network, name="copy", family="trees", learn=lambda bout, *, seed, **rest: network.learn(
            bout, seed=seed + 1_000, **rest
        ),
    )  # fmt: skip
    return compare(
        table_of(X, y), "y", contenders=[network, other, "baseline"], evidence=False, repeats=1, budget=BUDGET,
        seed=seed, hidden=(32,), epochs=28,
    )  # fmt: skip
