"""Speed of training beside scikit-learn, PyTorch and JAX: the same networks, rows, order and initial weights.

Every contender runs in a process of its own; those of a workload wait side by side and are timed in turn, round after
round, so that a machine that slows down slows all of them. Before that, each trains the same steps, and the losses it
comes to are compared. Peers that are not installed are left out.

examples:
  python benchmarks/engines.py                                   all of it: half an hour on two cores
  python benchmarks/engines.py --workloads 57-20-2 --peers jax --rounds 3
  python benchmarks/engines.py --json build/speed.json --write   also docs/performance.md and its chart
  python benchmarks/engines.py --from build/speed.json --write   the page again, without measuring
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import fresh
import performance
import thalweg as tw
from peers import BLAS, CONTENDERS, OURS, PEERS
from thalweg import _core, engines
from worker import Worker, WorkerError, cores
from workloads import SQUARE, WORKLOADS, Workload


FIRST_CALLS = 9


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


def loss_of(workload: Workload, parameters: np.ndarray) -> float:
    """Mean cross-entropy over all rows, by one and the same program for every contender."""
    X, y = workload.data()
    outputs = tw.predict(workload.network, parameters, X, engine="reference")
    return float(-np.log(np.maximum(outputs[np.arange(len(y)), y], 1e-300)).mean())


def measure(workload: Workload, names: list[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every contender with every number of threads, timed in turn: one entry each."""
    entries, workers = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            for threads in options.threads:
                entry: dict[str, Any] = {"contender": name, "threads": threads}
                entries.append(entry)
                worker = Worker(
                    Path(folder) / f"{name}-{threads}", name=name, workload=workload.name, threads=threads,
                    all_threads=threads == cores(), engine=options.engine, seconds=options.seconds,
                )  # fmt: skip
                try:
                    entry.update(worker.answer(), rounds=[])
                    if worker.parameters.exists():
                        entry["loss"] = loss_of(workload, np.load(worker.parameters))
                    workers.append((worker, entry))
                except WorkerError as error:
                    entry["error"] = str(error)
                    worker.close()
                say(f"{workload.name}  {name}, {threads} threads: {entry.get('error', 'ready')}")
        _take_turns(workload, workers, options.rounds)
    return entries


def _take_turns(workload: Workload, workers: list[tuple[Worker, dict[str, Any]]], rounds: int) -> None:
    """Round after round, every worker once; the medians go into the entries."""
    for number in range(1, rounds + 1):
        for worker, entry in workers:
            if "error" in entry:
                continue
            time.sleep(0.25)  # threads of the one before may still be turning, waiting for work
            try:
                entry["rounds"].append(worker.measure())
                took = f"{entry['rounds'][-1]:.4g} µs"
            except WorkerError as error:
                took = entry["error"] = str(error)
            say(f"{workload.name}  round {number}: {worker.name}, {worker.threads} threads: {took}")
    for worker, entry in workers:
        worker.close()
        if "error" not in entry:
            entry["us"] = statistics.median(entry["rounds"])


def first_calls(engine: str) -> list[float]:
    """Milliseconds of the first training in new processes, less the first of them, which warms the disk's cache."""
    calls = [fresh.ask("first-call", engine) for _ in range(1 + FIRST_CALLS)][1:]
    say(f"first call: {statistics.median(calls):.3g} ms")
    return calls


def memory(engine: str, workload: Workload) -> int | None:
    """Bytes that training adds to the peak of memory."""
    added = fresh.ask("memory", engine, workload.name)
    say(f"{workload.name}  memory added: {added} bytes")
    return added


def machine() -> dict[str, Any]:
    """The processor and the versions."""
    packages = ("thalweg", "numpy", "scikit-learn", "torch", "jax")
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    features: dict[str, Any] = dict(_core.cpu_features())
    return {
        "processor": _processor(),
        "cores": cores(),
        "caches": {level: features[f"{level}_bytes"] for level in ("l1", "l2", "l3")},
        "instruction set": features["instruction_set"],
        "compiler": features["compiler"],
        "system": platform.system(),
        "versions": {"python": platform.python_version(), **found},
    }


def _processor() -> str:
    """Name, and on x86 family and model, as virtual machines often shorten the name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().split("\n\n")[0].splitlines() if path.exists() else []
    about = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if "model name" not in about:
        return platform.processor() or platform.machine()
    return f"{about['model name']} (family {about.get('cpu family', '?')}, model {about.get('model', '?')})"


def everything(options: argparse.Namespace) -> dict[str, Any]:
    """All that was asked for, in plain JSON types."""
    blas = [name for name in BLAS if importlib.util.find_spec(CONTENDERS[name][2])]
    chosen = [WORKLOADS[name] for name in options.workloads]
    results: dict[str, Any] = {
        "machine": machine(),
        "engine": options.engine,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "threads": options.threads,
        "fma_peak": max(fresh.ask("peak", threads=1) or 0.0 for _ in range(3)) or None,
        "first_call_ms": first_calls(options.engine),
        "memory": {workload.name: memory(options.engine, workload) for workload in chosen},
        "square": measure(SQUARE, blas, options) if any(workload.is_big for workload in chosen) else [],
        "workloads": {},
    }
    for workload in chosen:
        names = [OURS, *options.peers, *(blas if workload.is_big else [])]
        entries = measure(workload, names, options)
        start = workload.network.initialize(0)
        results["workloads"][workload.name] = {"loss_before": loss_of(workload, start), "entries": entries}
        if options.json:  # what is measured is kept, should a later one be interrupted
            options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


def installed(names: list[str]) -> list[str]:
    """Those whose packages are here; how to get the others is said."""
    here = [name for name in names if importlib.util.find_spec(CONTENDERS[name][2])]
    for name in set(names) - set(here):
        say(f"{CONTENDERS[name][0]} is left out, as it is not installed: pip install -e '.[bench]'")
    return here


def parse() -> argparse.Namespace:
    """The command line."""
    about = __doc__ or ""
    description, examples = about.split("examples:\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=f"examples:\n{examples}", formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def listed(allowed: Any) -> Any:
        def parts(text: str) -> list[str]:
            given = text.split(",")
            if wrong := [part for part in given if part not in allowed]:
                raise argparse.ArgumentTypeError(f"{wrong[0]!r} is none of {', '.join(allowed)}")
            return given

        return parts

    parser.add_argument("--engine", choices=engines.available(), default="cpu", help="engine of Thalweg (default cpu)")
    parser.add_argument(
        "--workloads", type=listed(WORKLOADS), default=list(WORKLOADS), metavar="NAME,…",
        help=f"which of {', '.join(WORKLOADS)} (default all)",
    )  # fmt: skip
    parser.add_argument(
        "--peers", type=listed(PEERS), default=list(PEERS), metavar="NAME,…",
        help=f"which of {', '.join(PEERS)} (default all that are installed)",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=listed(("1", "all")), default=["1", "all"], metavar="1,all",
        help="numbers of threads to time each of them with (default 1,all)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="times that each of them is timed (default 5)")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one timing, about (default 0.5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured to this file")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="read what --json wrote; measure nothing"
    )
    parser.add_argument("--write", action="store_true", help="bring docs/performance.md and its chart up to date")
    options = parser.parse_args()
    if options.write and not options.source and options.workloads != list(WORKLOADS):
        parser.error("--write needs every workload: leave --workloads out")
    options.threads = sorted({1 if threads == "1" else cores() for threads in options.threads})
    return options


def main() -> None:
    options = parse()
    if options.source:
        results = json.loads(options.source.read_text(encoding="utf-8"))
    else:
        options.peers = installed(options.peers)
        if options.json:
            options.json.parent.mkdir(parents=True, exist_ok=True)
        results = everything(options)
    print(performance.tables(results))
    if options.write:
        performance.write(results)


if __name__ == "__main__":
    main()
