"""A contender in a process of its own, so that its threads disturb nobody: one JSON line for each question.

`Worker` is the asking side. The answering side is this file as a program, with the task as its argument: it makes the
contender, trains the steps whose loss is compared, says that it is ready, and times once more for each line it reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


# A library must not be slowed down, or given another number of threads, by what happens to be set here.
NOT_HANDED_ON = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "XLA_FLAGS", "OMP_PROC_BIND", "KMP_AFFINITY"}
THREADS = [f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL")]
LONGEST = 3000  # epochs in one go


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment(threads: int) -> dict[str, str]:
    """The environment of a process that is to use so many threads."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_HANDED_ON}
    kept.update(dict.fromkeys(THREADS, str(threads)))
    if threads == 1:
        kept["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return kept


def pin(threads: int) -> None:
    """Keep to one processor where one thread is asked for: JAX has no other way to be held to one."""
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class WorkerError(Exception):
    """A contender could not do its work: the text says why."""


class Worker:
    """The contender `name` on a workload, waiting to be asked."""

    def __init__(self, folder: Path, **task: Any) -> None:
        folder.mkdir()
        self.name, self.threads = task["name"], task["threads"]
        self.parameters = folder / "parameters.npy"
        # Compiled code of its own, so that compiling is timed, and nothing is left behind.
        own = {"TORCHINDUCTOR_CACHE_DIR": str(folder), "TASK": json.dumps({**task, "parameters": str(self.parameters)})}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environment(self.threads), **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            WorkerError: the contender failed.
        """
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def measure(self) -> float:
        """Microseconds of a step, timed now."""
        assert self.process.stdin
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        return self.answer()["us"]

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def serve(task: dict[str, Any], answer: Any) -> None:
    """Make the contender and time it whenever a line comes."""
    import numpy as np

    from contender import Task
    from peers import CONTENDERS
    from workloads import SQUARE, WORKLOADS

    workload = {**WORKLOADS, SQUARE.name: SQUARE}[task["workload"]]
    given = Task(workload, task["threads"], task["all_threads"], task["engine"])
    contender = CONTENDERS[task["name"]][1](given)
    parameters = contender.after(workload.checked)
    if parameters is not None:
        np.save(task["parameters"], parameters)

    sample = workload.stretch(min(workload.checked, workload.steps))
    wanted = task["seconds"] / contender.step_seconds(sample, sample)  # steps
    if wanted < workload.steps / 2 and contender.takes_parts:
        first = timed = workload.stretch(max(1, round(wanted)))
    else:
        first, timed = workload.epochs(1, 1), workload.epochs(2, min(LONGEST, max(1, round(wanted / workload.steps))))
    steps = sum(len(rows) // workload.batch for rows in timed)
    answer({"steps": steps, "compile_seconds": contender.compile_seconds})
    for _ in sys.stdin:
        answer({"us": contender.step_seconds(first, timed) * 1e6})


def main() -> None:
    task = json.loads(os.environ.pop("TASK"))
    pin(task["threads"])
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer

    def answer(content: dict[str, Any]) -> None:
        out.write(json.dumps(content) + "\n")
        out.flush()

    try:
        serve(task, answer)
    except Exception as error:  # whatever it was, the others go on
        answer({"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"})


if __name__ == "__main__":
    main()
