"""tw.MLPClassifier and tw.MLPRegressor beside scikit-learn's: same parameters, same data, the same number of epochs.

Fits take turns, round after round, in one process; the figures are medians and their ratio. The weights start alike and
follow the same rows, so the loss curves are compared too. Then: one row predicted, beyond scikit-learn's own validation
of it, and the size of a pickle. Writes the end of docs/scikit-learn.md.

    python benchmarks/estimators.py [--threads 1] [--rounds 5] [--dry]
"""

from __future__ import annotations

import argparse
import functools
import os
import pickle
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=1, help="of both, BLAS included (default 1)")
parser.add_argument("--rounds", type=int, default=5, help="fits of each (default 5)")
parser.add_argument("--dry", action="store_true", help="print only, leave the page as it is")
given = parser.parse_args()
for library in ("OMP", "OPENBLAS", "MKL"):  # before NumPy is imported
    os.environ[f"{library}_NUM_THREADS"] = str(given.threads)

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn import neural_network  # noqa: E402
from sklearn.utils.validation import check_is_fitted, validate_data  # noqa: E402

import thalweg as tw  # noqa: E402


PAGE = Path(__file__).resolve().parents[1] / "docs" / "scikit-learn.md"
MARK = "<!-- measured: written by benchmarks/estimators.py -->\n"
ROUNDS_OF_ONE_ROW, ROWS_OF_ONE_ROW = 15, 1_000


@dataclass(frozen=True)
class Case:
    """A table's shape and what is trained on it, for so many epochs; `goal` is the ratio asked for, if one was."""

    name: str
    rows: int
    inputs: int
    classes: int  # 1: a number is predicted
    epochs: int
    goal: float | None
    settings: dict[str, Any] = field(default_factory=dict)


CASES = (
    Case("57-20-2, batch 32, adam", 4_601, 57, 2, 20, 10.0, {"hidden_layer_sizes": (20,), "batch_size": 32}),
    Case("57-20-2, batch 32, sgd", 4_601, 57, 2, 20, None,
         {"hidden_layer_sizes": (20,), "batch_size": 32, "solver": "sgd"}),
    Case("default settings, 10,000 × 50", 10_000, 50, 2, 20, 5.0),
    Case("784-256-10, batch 200", 10_000, 784, 10, 3, 2.0, {"hidden_layer_sizes": (256,)}),
    Case("8-64-64-1, early stopping", 20_640, 8, 1, 5, None,
         {"hidden_layer_sizes": (64, 64), "early_stopping": True}),
    Case("30-16-2, lbfgs", 569, 30, 2, 50, None, {"hidden_layer_sizes": (16,), "solver": "lbfgs"}),
)  # fmt: skip


def data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Rows and what a linear model with noise makes of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(case.rows, case.inputs))
    Z = X @ rng.normal(size=(case.inputs, case.classes)) / np.sqrt(case.inputs) + rng.normal(
        size=(case.rows, case.classes)
    )
    return X, Z[:, 0] if case.classes == 1 else Z.argmax(axis=1)


def estimators(case: Case) -> tuple[Any, Any]:
    """scikit-learn's and ours, alike."""
    name = "MLPRegressor" if case.classes == 1 else "MLPClassifier"
    settings: dict[str, Any] = {"max_iter": case.epochs, "random_state": 1, **case.settings}
    if settings.get("solver") != "lbfgs":
        settings["n_iter_no_change"] = case.epochs + 1  # all epochs, whatever the loss does
    theirs = getattr(neural_network, name)(**settings)
    return theirs, getattr(tw, name)(**settings, threads=given.threads)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fits() -> list[str]:
    """A line of the table for each case."""
    lines = [
        "| | scikit-learn s | Thalweg s | ratio | goal | losses differ by | pickle |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for case in CASES:
        X, y = data(case)
        theirs, ours = estimators(case)
        times: tuple[list[float], list[float]] = ([], [])
        for turn in range(given.rounds + 1):
            for estimator, taken in zip((theirs, ours), times, strict=True):
                spent = seconds(functools.partial(estimator.fit, X, y))
                if turn:  # the first one does not count
                    taken.append(spent)
        slow, fast = map(statistics.median, times)
        curves = [np.array(getattr(one, "loss_curve_", [one.loss_])) for one in (theirs, ours)]
        apart = float(np.max(np.abs(curves[1] / curves[0] - 1.0)))
        sizes = [len(pickle.dumps(one)) for one in (theirs, ours)]
        lines.append(
            f"| {case.name}, {case.epochs} epochs | {slow:.3g} | {fast:.3g} | **{slow / fast:.1f}** | "
            f"{'' if case.goal is None else f'{case.goal:g}'} | {apart:.0e} | {sizes[1] / sizes[0]:.2f} |"
        )
        print(lines[-1], file=sys.stderr)
    return lines


def one_row() -> list[str]:
    """Microseconds of one row: validation alone, and what predict and predict_proba take beyond it."""
    lines = ["| one row, float64 | validation µs | Thalweg beyond it | scikit-learn beyond it |", "|---|---|---|---|"]
    for case in CASES:
        if case.classes == 1 or case.settings.get("solver"):
            continue
        X, y = data(case)
        theirs, ours = (one.set_params(max_iter=2).fit(X[:500], y[:500]) for one in estimators(case))
        row = X[:1]
        works = {
            "validation": lambda row=row, ours=ours: (
                check_is_fitted(ours),
                validate_data(ours, row, accept_sparse=["csr", "csc"], reset=False),
            ),
            "ours": lambda row=row, ours=ours: ours.predict(row),
            "theirs": lambda row=row, theirs=theirs: theirs.predict(row),
        }
        taken: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(ROUNDS_OF_ONE_ROW):
            for name, work in works.items():
                spent = seconds(lambda work=work: [work() for _ in range(ROWS_OF_ONE_ROW)])
                taken[name].append(1e6 * spent / ROWS_OF_ONE_ROW)
        median = {name: statistics.median(times) for name, times in taken.items()}
        beyond = [median[name] - median["validation"] for name in ("ours", "theirs")]
        lines.append(f"| {case.name} | {median['validation']:.0f} | {beyond[0]:.0f} | {beyond[1]:.0f} |")
        print(lines[-1], file=sys.stderr)
    return lines


def main() -> None:
    """Measure, print, and write the page."""
    warnings.simplefilter("ignore")
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    versions = f"thalweg {tw.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}"
    threads = "one thread" if given.threads == 1 else f"{given.threads} threads"
    about = (
        f"{names[0] if names else 'An unknown processor'}; {threads} for both; medians of {given.rounds}; {versions}."
    )
    text = "\n".join(["", about, "", *fits(), "", *one_row(), ""])
    print(text)
    if not given.dry:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(page[: page.index(MARK) + len(MARK)] + text, encoding="utf-8")


if __name__ == "__main__":
    main()
