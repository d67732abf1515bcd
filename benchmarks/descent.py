"""What a step of `tw.descend` costs beyond the function, and L-BFGS beside SciPy's: writes docs/descent.md.

Each figure is the median of REPEATS runs in this process, ours and SciPy's in turn; one thread.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path


os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import scipy  # noqa: E402
from scipy.optimize import minimize  # noqa: E402

import thalweg as tw  # noqa: E402


ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the Moré–Garbow–Hillstrom problems

from problems import PROBLEMS  # noqa: E402


PAGE = ROOT / "docs" / "descent.md"
REPEATS = 5
REACHED = 1e-8  # f − f*
BENDS = np.linspace(1.0, 10.0, 1000)


class Timed:
    """A function that adds up the seconds spent in it."""

    def __init__(self, f: Callable) -> None:
        self.f, self.seconds = f, 0.0

    def __call__(self, x):
        started = time.perf_counter()
        answer = self.f(x)
        self.seconds += time.perf_counter() - started
        return answer


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def beyond_the_function(optimizer: tw.GradientDescent, steps: int = 20_000) -> float:
    """Microseconds a step on a quadratic of 1,000 numbers, less those of the function itself."""
    f = Timed(lambda x: (0.5 * float((BENDS * x) @ x), BENDS * x))
    d = tw.descend(f, np.ones(1000), optimizer=optimizer, check=False, stop=tw.Stop(steps=steps))
    return (d.seconds - f.seconds) / steps * 1e6


def overheads() -> list[str]:
    lines = ["| walk | steps | seconds | µs a step |", "|---|---|---|---|"]
    million = statistics.median(
        seconds_of(lambda: tw.descend("x**2", 4, optimizer=tw.GradientDescent(1e-7), stop=tw.Stop(steps=1_000_000)))
        for _ in range(REPEATS)
    )
    lines.append(f"| `x**2`, constant rate, every step kept | 1,000,000 | {million:.2f} | {million:.2f} |")
    rules = {
        "plain": tw.GradientDescent(0.01), "momentum": tw.GradientDescent(0.01, momentum=0.9), "Adam": tw.Adam(1e-3)
    }  # fmt: skip
    for name, rule in rules.items():
        beyond = statistics.median(beyond_the_function(rule) for _ in range(REPEATS))
        lines.append(f"| quadratic of 1,000 numbers, {name}, beyond f | 20,000 | | {beyond:.1f} |")
    return lines


def until_reached(problem) -> tuple[int | None, int | None]:
    """Values of f until within 1e-8 of a listed minimum: ours, SciPy's; None where that is never reached."""
    counts = []
    for walk in (ours, scipys):
        asked, reached = 0, None

        def f(x):
            nonlocal asked, reached
            asked += 1
            value = problem.value(x)
            if reached is None and any(abs(value - minimum.value) <= REACHED for minimum in problem.minima):
                reached = asked
            return value, problem.gradient(x)

        walk(f, problem.start)
        counts.append(reached)
    return counts[0], counts[1]


def ours(f: Callable, start) -> None:
    tw.descend(
        f,
        np.array(start, float),
        optimizer=tw.LBFGS(),
        check=False,
        stop=tw.Stop(steps=2000, gradient_norm_below=1e-10),
    )


def scipys(f: Callable, start) -> None:
    options = {"maxiter": 2000, "maxfun": 100_000, "gtol": 1e-12, "ftol": 0.0}
    minimize(f, start, jac=True, method="L-BFGS-B", options=options)


def time_ratio(problem) -> float:
    """Seconds of ours over those of SciPy's, the median of pairs run one after the other."""

    def f(x):
        return problem.value(x), problem.gradient(x)

    pairs = [[seconds_of(lambda walk=walk: walk(f, problem.start)) for walk in (ours, scipys)] for _ in range(REPEATS)]
    return statistics.median(a / b for a, b in pairs)


def beside_scipy() -> list[str]:
    lines = ["| problem | values of f, `tw.LBFGS` | L-BFGS-B | time of ours / SciPy's |", "|---|---|---|---|"]
    ratios, values = [], np.zeros(2)
    for problem in PROBLEMS:
        mine, theirs = until_reached(problem)
        ratio = time_ratio(problem)
        if mine and theirs:
            ratios.append(ratio)
            values += (mine, theirs)
        lines.append(f"| {problem.name} | {mine or 'never'} | {theirs or 'never'} | {ratio:.2f} |")
    both, middle = f"**where both arrive ({len(ratios)})**", statistics.median(ratios)
    lines.append(f"| {both} | {values[0]:.0f} | {values[1]:.0f} | median {middle:.2f} |")
    return lines


def main() -> None:
    page = [
        "# What a step of descent costs",
        "",
        f"Written by `make bench-descent` (benchmarks/descent.py): Python {platform.python_version()}, NumPy "
        f"{np.__version__}, SciPy {scipy.__version__},",
        f"one thread of {platform.machine()}, median of {REPEATS} runs.",
        "",
        "## Beyond the function",
        "",
        *overheads(),
        "",
        "## L-BFGS beside SciPy's",
        "",
        "The problems of Moré, Garbow and Hillstrom (tests/problems.py), values of f until f − f* ≤ 1e-8 for a listed",
        "minimum. The time is of the whole walk to ‖∇f‖ < 1e-10 (SciPy: its own tests at their tightest); ours keeps",
        "every step and is written in Python, SciPy's is compiled and keeps none.",
        "",
        *beside_scipy(),
        "",
    ]
    PAGE.write_text("\n".join(page), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
