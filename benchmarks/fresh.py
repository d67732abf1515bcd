"""What is measured in a new process each: the first training after import, the memory that training adds, the peak.

python benchmarks/fresh.py first-call ENGINE | memory ENGINE WORKLOAD | peak
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from worker import WorkerError, cores, environment, pin


def ask(*arguments: str, threads: int | None = None) -> Any:
    """What this file answers as a program in a new process.

    Raises:
        WorkerError: it failed.
    """
    ran = subprocess.run(
        [sys.executable, __file__, *arguments], env=environment(threads or cores()), capture_output=True, text=True
    )
    if ran.returncode:
        raise WorkerError(ran.stderr.strip().splitlines()[-1] if ran.stderr else f"status {ran.returncode}")
    return json.loads(ran.stdout)


def first_call(engine: str) -> float:
    """Milliseconds of the first tw.train in this process, on a small network, from import to result without import."""
    import numpy as np

    import thalweg as tw

    rng = np.random.default_rng(0)
    X = rng.standard_normal((320, 57), dtype=np.float32)
    y = (X[:, 0] > 0).astype(int)
    network = tw.Network([57, 20, 2], output="softmax", loss="cross_entropy")
    started = time.perf_counter()
    tw.train(network, X, y, batch=32, stop=tw.Stop(epochs=1), engine=engine)
    return (time.perf_counter() - started) * 1e3


def memory(engine: str, name: str) -> int | None:
    """Bytes by which the peak of resident memory grows in an epoch; None where the system does not tell (not Linux)."""
    import thalweg as tw
    from workloads import LEARNING_RATE, WORKLOADS

    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not (status.exists() and reset.exists()):
        return None
    workload = WORKLOADS[name]
    X, y = workload.data()
    reset.write_text("5")  # the peak is counted from here
    before = _kilobytes(status, "VmRSS")
    tw.train(
        workload.network, X, y, batch=workload.batch, order=workload.order, optimizer=tw.Adam(LEARNING_RATE),
        stop=tw.Stop(epochs=1), engine=engine,
    )  # fmt: skip
    return 1024 * (_kilobytes(status, "VmHWM") - before)


def _kilobytes(status: Path, name: str) -> int:
    return int(next(line for line in status.read_text().splitlines() if line.startswith(name)).split()[1])


def peak() -> float:
    """GFLOP/s of multiply-adds in registers on one thread."""
    from thalweg import _core

    pin(1)
    return _core.fma_peak(_core.cpu_features()["instruction_set"], "float32", 0.5)


if __name__ == "__main__":
    chosen = {"first-call": first_call, "memory": memory, "peak": peak}[sys.argv[1]]
    print(json.dumps(chosen(*sys.argv[2:])))
