"""Thalweg beside scikit-learn's MLP on real tables: the same rows to learn from, the same rows held out.

Thalweg runs as `thalweg fit` does, with its defaults; scikit-learn runs MLPClassifier / MLPRegressor with theirs,
inside SimpleImputer + StandardScaler + OneHotEncoder, the target of a regression standardised. Compared are log-loss
and RMSE; the time of both fits stands beside them, each on one thread. Writes docs/tables.md.

    python benchmarks/tables.py [--seeds 3] [--only adult] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any


for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402  (after the number of threads)

import thalweg as tw  # noqa: E402
from cases import CASES, Case  # noqa: E402
from thalweg import splitting, table  # noqa: E402
from thalweg.table import Kind, Table  # noqa: E402


ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "tables.md"


@dataclass(frozen=True)
class Result:
    """Log-loss or RMSE of both on the held-out rows, and the seconds that each took to fit."""

    ours: float
    theirs: float
    our_seconds: float
    their_seconds: float


def run(case: Case, folder: Path, seed: int) -> Result:
    """One split of one table."""
    whole = table.read(folder / case.file)
    labels = whole[case.target].values if case.task == "classification" else None
    kept, held = splitting.split(whole.n_rows, 0.2, seed=seed, purpose="holdout", labels=labels)
    train, test = whole.take(kept), whole.take(held)

    model = tw.fit(train, case.target, task=case.task, drop=case.drop, test=test, seed=seed)
    our_seconds = model.figures["seconds"]["training"]
    ours = model.figures["network"]["log_loss" if case.task == "classification" else "rmse"]

    peer = scikit_learn(train.drop([case.target, *case.drop]), case.task, seed)
    X, y = frame(train, peer.columns), train[case.target].values
    started = time.perf_counter()
    with warnings.catch_warnings(action="ignore"):  # it says that 200 epochs were not enough
        peer.model.fit(X, y)
    their_seconds = time.perf_counter() - started
    theirs = measure(peer.model, frame(test, peer.columns), test[case.target].values, case.task)
    return Result(ours, theirs, our_seconds, their_seconds)


@dataclass(frozen=True)
class Peer:
    """scikit-learn's pipeline and the columns that it takes."""

    model: Any
    columns: tuple[str, ...]


def scikit_learn(train: Table, task: str, seed: int) -> Peer:
    """MLPClassifier or MLPRegressor with default settings, behind the usual preprocessing."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = tuple(c.name for c in train.columns if c.kind is not Kind.DATE and not c.missing.all())
    numbers = [name for name in columns if train[name].kind in (Kind.NUMBER, Kind.BOOLEAN)]
    texts = [name for name in columns if train[name].kind is Kind.TEXT]
    encode = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), texts),
        sparse_threshold=0,
    )
    if task == "classification":
        return Peer(make_pipeline(encode, MLPClassifier(random_state=seed)), columns)
    network = make_pipeline(encode, MLPRegressor(random_state=seed))
    return Peer(TransformedTargetRegressor(network, transformer=StandardScaler()), columns)


def frame(rows: Table, columns: tuple[str, ...]) -> Any:
    """The same cells as a pandas data frame."""
    import pandas as pd

    cells = {}
    for name in columns:
        column = rows[name]
        is_text = column.kind is Kind.TEXT
        values = column.values if is_text else column.values.astype(np.float64)
        cells[name] = np.where(column.missing, np.nan, values) if is_text else values
    return pd.DataFrame(cells)


def measure(model: Any, X: Any, y: np.ndarray, task: str) -> float:
    """Log-loss or RMSE on held-out rows."""
    from sklearn.metrics import log_loss, root_mean_squared_error

    if task == "classification":
        return float(log_loss(y, model.predict_proba(X), labels=model.classes_))
    return float(root_mean_squared_error(y, model.predict(X)))


def page(rows: list[tuple[Case, list[Result]]], seeds: int) -> str:
    """The results as Markdown."""
    lines = [
        "# Thalweg and scikit-learn's MLP on real tables",
        "",
        f"Made by `make bench-tables` (benchmarks/tables.py): medians over {seeds} splits, both with their defaults,",
        "on one thread.",
        "Thalweg's defaults (fitting.Recipe) were chosen on these same tables: a table that neither knows may differ.",
        "Log-loss for classes, RMSE in the target's units for numbers; less is better. Ratio: Thalweg's error over",
        "scikit-learn's. Seconds: to fit the network.",
        "",
        "| table | figure | Thalweg | scikit-learn | ratio | splits won | seconds, Thalweg | seconds, scikit-learn |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    won = 0
    for case, results in rows:
        ours, theirs = (statistics.median(getattr(r, name) for r in results) for name in ("ours", "theirs"))
        times = [statistics.median(getattr(r, name) for r in results) for name in ("our_seconds", "their_seconds")]
        won += ours <= theirs
        figure = "log-loss" if case.task == "classification" else "RMSE"
        wins = sum(r.ours <= r.theirs for r in results)
        lines.append(
            f"| {case.file.split('.')[0]} | {figure} | {ours:.5g} | {theirs:.5g} | {ours / theirs:.3f} "
            f"| {wins} of {len(results)} | {times[0]:.1f} | {times[1]:.1f} |"
        )
    return "\n".join([*lines, "", f"At least as good on {won} of {len(rows)} tables.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="splits of each table (default 3)")
    parser.add_argument("--only", help="tables whose file name contains this; the page is then not written")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the tables")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"the folder of real tables, {options.data}, is absent; it is not part of the repository")
    rows = []
    for case in CASES:
        if options.only and options.only not in case.file:
            continue
        results = [run(case, options.data, seed) for seed in range(options.seeds)]
        rows.append((case, results))
        print(page([rows[-1]], options.seeds).splitlines()[-3], flush=True)
    if options.only:
        return
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(rows, options.seeds), encoding="utf-8")
    print(f"\n{page(rows, options.seeds)}\nwritten to {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
