"""For tests: comparisons whose figures are made up."""

from collections.abc import Sequence
from typing import Any

from thalweg.comparison import Comparison
from thalweg.contenders import CONTENDERS
from thalweg.standings import Result


SETTINGS = {
    "thalweg": "0", "seed": 0, "folds": 5, "run": 5, "learnt_from": 400, "training_rows": 400, "left_out": [],
    "budget": 60.0, "seconds": 1.0, "interrupted": False,
}  # fmt: skip


def result(name: str, by_fold: dict[str, Sequence[float | None]], **more: Any) -> Result:
    """A contender of CONTENDERS with these figures of each fold, or one of nobody's family."""
    one = CONTENDERS.get(name)
    given = {
        "family": one.family if one else "others", "what": one.what if one else name,
        "scaling": bool(one and one.scaling),
        "fit_seconds": 0.25, "row_seconds": 0.0000123, "million_seconds": 1.5, "size": 145_000, "count": 1_234,
        "unit": "parameters", **more,
    }  # fmt: skip
    return Result(name=name, by_fold={key: tuple(values) for key, values in by_fold.items()}, **given)


def shifted(centre: float, spread: float = 0.0, folds: int = 5) -> list[float]:
    """Figures of folds around a centre, that far to either side."""
    return [centre + spread * (2 * i / (folds - 1) - 1) for i in range(folds)]


def comparison(*results: Result, measure: str = "log_loss", **more: Any) -> Comparison:
    """A comparison of these."""
    task = "regression" if measure in ("rmse", "mae", "r2") else "classification"
    given = {
        "data": "made up", "target": "y", "task": task, "classes": ("no", "yes") if task == "classification" else (),
        "rows": 500, "columns": 3, "folds": "5 folds", "ratio": 0.25, "cut": (), "settings": SETTINGS, **more,
    }  # fmt: skip
    return Comparison(measure=measure, results={one.name: one for one in results}, **given)
