"""What benchmarks/engines.py has measured as Markdown tables and a chart, and their place in docs/performance.md."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers import BLAS, CONTENDERS, OURS
from thalweg import plots
from workloads import SQUARE, WORKLOADS, Workload


if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, CHART = DOCS / "performance.md", DOCS / "performance.svg"
BEGIN, END = "<!-- measured: written by benchmarks/engines.py -->", "<!-- end of what was measured -->"

TOLERANCE = 0.01  # of the losses
FIRST_CALL_GOAL = 50.0  # ms
MEMORY_GOAL = 64 * 2**20, 10  # bytes, and copies of the parameters
PRODUCTS_GOAL = 0.85
# Told apart without colour: shape, and filled or not.
LOOKS = {
    OURS: {"marker": "o", "color": plots.BLUE, "markersize": 9},
    "scikit-learn": {"marker": "^", "color": plots.GREY, "markerfacecolor": "white"},
    "torch": {"marker": "s", "color": plots.VERMILLION, "markerfacecolor": "white"},
    "torch-compiled": {"marker": "s", "color": plots.VERMILLION},
    "jax": {"marker": "D", "color": plots.GREEN, "markerfacecolor": "white"},
}


class Timed:
    """What was measured on one workload."""

    def __init__(self, workload: Workload, entries: list[dict[str, Any]]) -> None:
        self.workload, self.entries = workload, entries
        self.threads = sorted({entry["threads"] for entry in entries})

    def get(self, name: str, threads: int, what: str = "us") -> float | None:
        """A figure of a contender, None where it has none."""
        for entry in self.entries:
            if (entry["contender"], entry["threads"]) == (name, threads):
                return entry.get(what)
        return None

    def best(self, names: Any, threads: list[int] | None = None) -> float | None:
        """Microseconds of the fastest of these contenders, over these numbers of threads."""
        found = [self.get(name, t) for name in names for t in threads or self.threads]
        return min((us for us in found if us is not None), default=None)

    @property
    def names(self) -> list[str]:
        """The contenders that train, in the order of the tables."""
        present = {entry["contender"] for entry in self.entries}
        return [name for name in CONTENDERS if name in present and name not in BLAS]

    @property
    def ours(self) -> float | None:
        """Microseconds of Thalweg where it chooses its threads itself."""
        return self.get(OURS, self.threads[-1])

    @property
    def ratio(self) -> float | None:
        """How many times faster than the best peer."""
        return over(self.best([name for name in self.names if name != OURS]), self.ours)

    @property
    def spread(self) -> float | None:
        """The largest relative difference of two losses."""
        losses = [entry["loss"] for entry in self.entries if "loss" in entry]
        return (max(losses) - min(losses)) / min(losses) if losses else None


def over(upper: float | None, lower: float | None) -> float | None:
    """The ratio, None where a part is missing."""
    return None if upper is None or not lower else upper / lower


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many digits, a dash where there is none.

    >>> number(0.07129), number(12345.6), number(None)
    ('0.0713', '12,346', '–')
    """
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 10**digits else f"{value:.{digits}g}"


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Markdown, all but the first column to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]


def times(timed: list[Timed]) -> list[str]:
    """µs of a step, every contender, every number of threads; the ratio and its goal."""
    names = [name for name in CONTENDERS if any(name in one.names for one in timed)]
    rows = []
    for one in timed:
        workload, spread = one.workload, one.spread
        mark = " †" if spread is not None and spread > TOLERANCE else ""
        cells = [" / ".join(number(one.get(name, t)) for t in one.threads) for name in names]
        batch = "all" if workload.is_full_batch else str(workload.batch)
        goal = f"{workload.goal:g} ×"
        rows.append([f"{workload.name}{mark}", batch, *cells, f"{number(one.ratio)} ×", goal])
    header = ["network", "batch", *(CONTENDERS[name][0] for name in names), "faster than the best peer", "goal"]
    return table(header, rows)


def losses(timed: list[Timed], before: dict[str, float]) -> list[str]:
    """The loss that everyone comes to, which shows that all did the same work."""
    names = [name for name in CONTENDERS if any(name in one.names for one in timed)]
    rows = []
    for one in timed:
        reached = [one.get(name, one.threads[-1], "loss") for name in names]
        spread = "–" if one.spread is None else f"{100 * one.spread:.2g} %"
        cells = ["–" if loss is None else f"{loss:.5f}" for loss in (before[one.workload.name], *reached)]
        rows.append([one.workload.name, str(one.workload.checked), *cells, spread])
    header = ["network", "steps", "loss before", *(CONTENDERS[name][0] for name in names), "difference"]
    return table(header, rows)


def compiling(timed: list[Timed]) -> list[str]:
    """Seconds before the first step of those who compile."""
    names = [name for name in CONTENDERS if any(one.get(name, one.threads[-1], "compile_seconds") for one in timed)]
    if not names:
        return []
    rows = [
        [one.workload.name, *(number(one.get(name, one.threads[-1], "compile_seconds")) for name in names)]
        for one in timed
    ]
    return table(["seconds to compile", *(CONTENDERS[name][0] for name in names)], rows)


def roofline(timed: list[Timed], square: Timed, peak: float | None) -> list[str]:
    """What the large networks reach of the machine: multiply-add peak, BLAS on squares, BLAS on their own products."""
    rows = []
    for one in (one for one in timed if one.workload.is_big):
        for threads in one.threads:
            rate = over(one.workload.operations / 1e3, one.get(OURS, threads))
            blas = over(SQUARE.operations / 1e3, square.best(BLAS, [threads]))
            fraction = over(one.best(BLAS, [threads]), one.get(OURS, threads))
            rows.append(
                [one.workload.name, str(threads), number(one.workload.operations / 1e6), number(rate)]
                + [number(over(rate, peak and peak * threads), 2), number(over(rate, blas), 2), number(fraction, 2)]
            )
    if not rows:
        return []
    rates = ", ".join(
        f"{number(over(SQUARE.operations / 1e3, square.best(BLAS, [t])))} GFLOP/s with {_threads(t)}"
        for t in square.threads
    )
    header = ["network", "threads", "Mflop per step", "GFLOP/s", "of the multiply-add peak", "of BLAS on squares"]
    return [
        "## What the machine allows",
        "",
        f"Multiply-adds in registers: {number(peak)} GFLOP/s a thread. The best BLAS on square products of 2048:",
        f"{rates}.",
        "The last column is the time that the best BLAS takes for the matrix products of the step alone, over that of",
        f"Thalweg's whole step; the goal is {PRODUCTS_GOAL:g} or more.",
        "",
        *table([*header, "its products by BLAS / step"], rows),
    ]


def memory(added: dict[str, int | None]) -> list[str]:
    """Peak memory that training adds."""
    rows = []
    for name, size in added.items():
        parameters = WORKLOADS[name].network.n_parameters
        allowed = MEMORY_GOAL[0] + MEMORY_GOAL[1] * 4 * parameters
        cells = [None if size is None else size / 2**20, allowed / 2**20]
        rows.append([name, f"{parameters:,}", *map(number, cells)])
    return table(["network", "parameters", "memory added, MiB", "goal, at most"], rows)


def tables(results: dict[str, Any]) -> str:
    """Everything measured, as Markdown."""
    timed = [Timed(WORKLOADS[name], one["entries"]) for name, one in results["workloads"].items()]
    before = {name: one["loss_before"] for name, one in results["workloads"].items()}
    calls = results["first_call_ms"]
    return "\n".join(
        [
            *setting(results),
            "## Microseconds of a training step",
            "",
            f"With {' / '.join(map(_threads, results['threads']))}. The best peer is the fastest of all of them with",
            "any number of threads; Thalweg's figure for it is the last one, where it chooses its threads itself.",
            *(["† losses differ by more than 1 %."] if any((one.spread or 0.0) > TOLERANCE for one in timed) else []),
            "",
            *times(timed),
            "## The same work",
            "",
            "Mean cross-entropy over all rows after the same steps from the same weights, computed by one program.",
            "",
            *losses(timed, before),
            "## Before the first step",
            "",
            f"The first `tw.train` of a new process takes {number(statistics.median(calls))} ms: the median of "
            f"{len(calls)}, the longest {number(max(calls))} ms.",
            f"The goal is under {FIRST_CALL_GOAL:g} ms. Nothing is compiled.",
            "",
            *compiling(timed),
            *roofline(timed, Timed(SQUARE, results["square"]), results["fma_peak"]),
            "## Memory",
            "",
            "How far an epoch of training raises the peak of resident memory above what data and packages take.",
            "The goal is at most 64 MiB and ten times the parameters.",
            "",
            *memory(results["memory"]),
            *failures(timed),
        ]
    ).rstrip("\n")


def setting(results: dict[str, Any]) -> list[str]:
    """Processor and versions."""
    machine = results["machine"]
    caches = ", ".join(f"{level.upper()} {size // 1024:,} KiB" for level, size in machine["caches"].items() if size)
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return [
        f"Processor: {machine['processor']}, {machine['cores']} cores, {caches}; {machine['system']}.",
        f"Engine `{results['engine']}`, instruction set {machine['instruction set']}, built by {machine['compiler']}.",
        f"Versions: {versions}.",
        f"Medians of {results['rounds']} rounds of about {results['seconds']:g} s.",
        "",
    ]


def failures(timed: list[Timed]) -> list[str]:
    """Who could not take part, and why."""
    return [
        f"- {one.workload.name}, {CONTENDERS[entry['contender']][0]}, {_threads(entry['threads'])}: {entry['error']}"
        for one in timed
        for entry in one.entries
        if "error" in entry
    ]


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def chart(results: dict[str, Any]) -> Figure:
    """A row for each network, a mark for each contender at its best; to the left is faster."""
    from matplotlib.figure import Figure

    timed = [Timed(WORKLOADS[name], one["entries"]) for name, one in results["workloads"].items()]
    figure = Figure(figsize=(8.0, 1.6 + 0.42 * len(timed)), layout="constrained")
    axes = figure.subplots()
    for name, look in LOOKS.items():
        us = [one.ours if name == OURS else one.best([name]) for one in timed]
        known = [(value, row) for row, value in enumerate(us) if value is not None]
        if known:
            x, y = zip(*known, strict=True)
            axes.plot(x, y, linestyle="none", label=CONTENDERS[name][0], zorder=3, **{"markersize": 7, **look})
    for row, one in enumerate(timed):
        if one.ratio is not None:
            axes.annotate(
                f"{number(one.ratio)} ×", (1.01, row), xycoords=("axes fraction", "data"), verticalalignment="center"
            )
    labels = [
        f"{one.workload.name}, {'all rows' if one.workload.is_full_batch else f'batch {one.workload.batch}'}"
        for one in timed
    ]
    axes.set_yticks(range(len(timed)), labels)
    axes.set(xscale="log", xlabel="microseconds of a training step (right: times faster than the best peer)")
    axes.xaxis.set_major_formatter(lambda us, _: f"{us:,g}" if us < 1e6 else f"{us:,.0f}")
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.grid(axis="y", alpha=0.3, linestyle=":")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(LOOKS), frameon=False, handletextpad=0.2)
    return figure


def write(results: dict[str, Any]) -> None:
    """Put tables and chart in their place in docs/."""
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    picture = f"![Microseconds of a training step, Thalweg and its peers]({CHART.name})"
    PAGE.write_text(f"{before}{BEGIN}\n\n{picture}\n\n{tables(results)}\n\n{END}{after}", encoding="utf-8")
    plots.save(chart(results), CHART)
