"""Network or tree: `tw.compare` with its defaults on real tables, and on tables whose answer is known by construction.

Writes the two tables of docs/network-or-tree.md, each between its marks.

    python benchmarks/compare.py tables [--only adult] [--data ../shared/data] [--dry]
    python benchmarks/compare.py constructed [--seeds 20] [--only rules] [--dry]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import thalweg as tw
from cases import CASES, Case
from thalweg.scores import MEASURES


ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "network-or-tree.md"
MORE = (
    Case("spamassassin_features.csv.gz", "label", "classification"),
    Case("higgs_7k.csv.gz", "label", "classification"),
    Case("mnist_10k.parquet", "label", "classification"),
    Case("skin_segmentation.parquet", "skin", "classification"),
    Case("kddcup99_10pct.parquet", "label", "classification"),
)


def tables(given: argparse.Namespace) -> Iterator[str]:
    """One row for each table: the figures, the verdict, and what points the same way."""
    yield (
        "| table | rows × columns | figure | network | best of the trees | pruned tree | linear | better | "
        "points the same way | s |"
    )
    yield "|---|---:|---|---:|---|---|---:|---|---|---:|"
    for case in (*CASES, *MORE):
        if given.only and given.only not in case.file:
            continue
        found = tw.compare(given.data / case.file, case.target, task=case.task, drop=case.drop, seed=0)
        shown = {name: MEASURES[found.measure].shown(one.figure(found.measure)) for name, one in found.results.items()}
        outcome, tree = found.outcome, found.results["tree"]
        assert outcome is not None
        same = [one.name for one in (*found.trials, *found.tendencies) if found.winner and one.towards == found.winner]
        better = f"{found.winner}, {outcome.certainty}" if found.winner else f"level ({outcome.certainty})"
        learnt, training = found.settings["learnt_from"], found.settings["training_rows"]
        cut = [f"{learnt:,} of {training:,} learnt from"] if learnt < training else []
        cut += [f"{who} left out" for who in found.settings["left_out"]]
        cut = f" ({', '.join(cut)})" if cut else ""
        yield (
            f"| {case.file.split('.')[0]} | {found.rows:,} × {found.columns}{cut} | {MEASURES[found.measure].name} | "
            f"{shown['network']} | {shown[outcome.champion]} ({outcome.champion}) | {shown['tree']} "
            f"({tree.count:,} leaves) | {shown['linear']} | {better} | {', '.join(same) or '–'} | "
            f"{found.settings['seconds']:.0f} |"
        )
        print(f"{case.file}: {found.verdict}", *found.cut, sep="\n  ", file=sys.stderr)


def constructed(given: argparse.Namespace) -> Iterator[str]:
    """How often each side was named on each construction."""
    sys.path.insert(0, str(ROOT / "tests"))
    from constructed import CONSTRUCTIONS, compared, copies

    yield (
        "| construction | rows | right | network named | trees named | level | network’s log-loss, median | "
        "best tree’s |"
    )
    yield "|---|---:|---|---:|---:|---:|---:|---:|"
    for name, one in CONSTRUCTIONS.items():
        if given.only and given.only != name:
            continue
        found = [compared(name, seed) for seed in range(given.seeds)]
        named = Counter(each.winner for each in found)
        medians = [
            statistics.median(min(each.results[who].figure("log_loss") or 0.0 for who in names) for each in found)
            for names in (("network",), ("tree", "boosting"))
        ]
        yield (
            f"| {name}: {one.draw.__doc__} | {one.rows:,} | {one.right} | {named['network']} | {named['trees']} | "
            f"{named[None]} | {medians[0]:.4f} | {medians[1]:.4f} |"
        )
    if not given.only or given.only == "copies":
        named = Counter(copies(seed).winner for seed in range(5 * given.seeds))
        yield (
            f"| copies: our network against itself with other initial weights | 500 | neither | {named['network']} | "
            f"{named['trees']} | {named[None]} | | |"
        )


PARTS = {"tables": tables, "constructed": constructed}


def main() -> None:
    """Measure, print, and write the part of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--only", help="a part of a file's name, or a construction")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--dry", action="store_true", help="print only")
    given = parser.parse_args()
    lines = []
    for line in PARTS[given.part](given):
        print(line, flush=True)
        lines.append(line)
    if given.dry or given.only:
        return
    begin, end = f"<!-- {given.part}: written by benchmarks/compare.py -->\n", f"<!-- end of {given.part} -->\n"
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    text = "\n".join(["", *lines, "", ""])
    PAGE.write_text(before + begin + text + end + rest.split(end)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
