"""How long an explanation takes: a trace, one weight of a large network, whole commands. Prints medians, one thread.

There is no peer that opens a gradient, so each figure stands beside the time that was asked for. The commands run as a
user's do, in processes of their own, Python's start included.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

import thalweg as tw  # noqa: E402


REPEATS = 7
COLUMNS, ROWS = 57, 4601  # of spambase, whose shape the table has


def milliseconds(work: Callable[[], object]) -> float:
    """The median of REPEATS runs, after one that does not count."""
    work()
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - started))
    return statistics.median(taken)


def small_trace(written: bool) -> Callable[[], object]:
    """A 2-2-2 network through and back with an update: the numbers, or every line too."""
    net = tw.Network([2, 2, 2], activation="sigmoid", output="sigmoid", loss="squared_error")
    p = net.initialize(seed=0)

    def work() -> object:
        t = tw.trace(net, p, [0.05, 0.1], [0.01, 0.99], learning_rate=0.5)
        return [str(step) if written else step.result for step in t]

    return work


def large_weight() -> Callable[[], object]:
    """Why one weight of a 784-256-10 network: paths, sum and numeric check."""
    net = tw.Network([784, 256, 10], output="softmax", loss="cross_entropy")
    p, x = net.initialize(seed=0), np.linspace(0.0, 1.0, 784)
    return lambda: str(tw.show(tw.trace(net, p, x, 3).gradient_of(1, 300, 20)))


def command(*arguments: str) -> Callable[[], object]:
    """A command of Thalweg in a process of its own."""
    return lambda: subprocess.run([sys.executable, "-m", "thalweg", *arguments], check=True, capture_output=True)


def main() -> None:
    """Print each figure beside what was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        table, model, network = (str(Path(folder) / name) for name in ("mails.csv", "model.thalweg", "net.toml"))
        rng = np.random.default_rng(0)
        X = rng.normal(size=(ROWS, COLUMNS)).round(3)
        y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
        head = ",".join([*(f"x{i}" for i in range(1, COLUMNS + 1)), "class"])
        np.savetxt(table, np.column_stack([X, y]), fmt="%g", delimiter=",", header=head, comments="")
        tw.fit(table, "class", hidden=(20,), epochs=4).save(model)
        typed = tw.TypedNetwork.from_texts(weights="0.15 0.25; 0.2 0.3 | 0.4 0.5; 0.45 0.55", x="0.05 0.1", y="0 1")
        Path(network).write_text(typed.to_toml(), encoding="utf-8")
        rows = [
            ("trace of a 2-2-2 network, every number", small_trace(written=False), 20),
            ("the same with every line written out", small_trace(written=True), 20),
            ("one weight of a 784-256-10 network", large_weight(), 1000),
            ("thalweg --version", command("--version"), None),
            ("thalweg explain, typed 2-2-2 network", command("explain", network), None),
            ("thalweg explain, row of a 57-20-2 model", command("explain", model, table, "--row", "17"), 1000),
            ("the same, one weight",
             command("explain", model, table, "--row", "17", "--weight", "1,2,3"), 1000),
        ]  # fmt: skip
        for name, work, asked in rows:
            print(f"{name:<42}{milliseconds(work):>9.1f} ms" + (f"   asked: below {asked}" if asked else ""))


if __name__ == "__main__":
    main()
