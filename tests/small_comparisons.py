"""Small comparisons that several tests look at, each made once."""

import functools
from typing import Any

import numpy as np
import pandas as pd

from thalweg.comparing import compare
from thalweg.comparison import Comparison


QUICK: dict[str, Any] = {"hidden": (7,), "epochs": 3, "n_folds": 2, "repeats": 1, "budget": 600}
WHO = ("network", "tree", "linear", "baseline")
TASKS = ["two classes", "five classes", "number"]


def frame(rows: int = 211) -> pd.DataFrame:
    """Numbers, a category, a boolean, a date, missing cells, and a target for each task."""
    rng = np.random.default_rng(7)
    table = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["length", "width"])
    table["colour"] = rng.choice(["red", "green", "blue"], rows)
    table["heavy"] = rng.random(rows) < 0.4
    table["day"] = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 700, rows), "D")
    score = table["length"] + (table["colour"] == "red") * table["width"] + 0.2 * rng.normal(size=rows)
    table["two classes"] = np.where(score > 0, "yes", "no")
    table["five classes"] = [f"class {i}" for i in np.clip(np.floor(score + 2.5), 0, 4).astype(int)]
    table["number"] = 1000.0 + 10.0 * score
    table.loc[table.index % 11 == 3, "width"] = np.nan
    return table


def comparison(task: str, who: tuple[str, ...] = WHO, evidence: bool = False) -> Comparison:
    """The comparison of a task on the table above."""
    return _made(task, who, evidence)


@functools.cache  # whose keys tell a default from the same value given
def _made(task: str, who: tuple[str, ...], evidence: bool) -> Comparison:
    others = [name for name in TASKS if name != task]
    return compare(frame(), task, drop=others, contenders=list(who), evidence=evidence, **QUICK)
