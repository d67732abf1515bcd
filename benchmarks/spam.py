"""The spam filter on 6,046 mails of the SpamAssassin corpus: the lecture's two features and the many, by both splits.

Writes the end of docs/spam.md. Needs the folder of real tables beside the checkout.

    python benchmarks/spam.py [--seeds 5] [--dry] [--hidden 64,32]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

import thalweg as tw
from thalweg.mail import Mail, read_mail
from thalweg.mail_features import FEATURE_SETS, arrival
from thalweg.scores import MEASURES
from thalweg.spam import SPLITS


ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "spam.md"
MARK = "<!-- measured: written by benchmarks/spam.py -->\n"
MAILS = ROOT.parent / "shared" / "data" / "spamassassin_raw.parquet"
WHO = {"network": "network", "tree": "decision tree", "baseline": "shares of the classes"}


def read() -> tuple[list[Mail], list[Mail]]:
    """Wanted mail and spam."""
    rows = pq.read_table(MAILS, columns=["id", "label", "text"]).to_pylist()
    mails = [read_mail(row["text"].encode("utf-8", "surrogatepass"), row["id"]) for row in rows]
    return tuple(
        [mail for mail, row in zip(mails, rows, strict=True) if row["label"] == label] for label in ("ham", "spam")
    )  # type: ignore[return-value]


def lines(ham: list[Mail], spam: list[Mail], seeds: Sequence[int], recipe: dict[str, Any]) -> list[str]:
    """A line of the table for each set of features, split and model; the recipe, if any, is of the many features."""
    shown = [key for key in MEASURES if key in ("accuracy", "log_loss", "auc")]
    headings = ["features", "held out", "", *(MEASURES[key].name for key in shown)]
    table = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for features in ["rich"] if recipe else FEATURE_SETS:
        for split in SPLITS:
            started = time.perf_counter()
            found = [
                tw.SpamFilter.train(ham, spam, features=features, split=split, seed=seed, **recipe).model.figures
                for seed in seeds
            ]
            print(f"{features}, {split}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
            for who, name in WHO.items():
                cells = [spread(MEASURES[key], [figures[who][key] for figures in found]) for key in shown]
                table.append(f"| {features} | {split} | {name} | {' | '.join(cells)} |")
    return table


def spread(measure: Any, values: list[float]) -> str:
    """The median, and from where to where if the seeds differ."""
    middle, low, high = (measure.shown(value) for value in (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low} – {high})"


def by_time(ham: list[Mail], spam: list[Mail]) -> str:
    """How much the time of arrival alone tells in this collection."""
    moments = [arrival(mail) for mail in [*ham, *spam]]
    is_spam = np.array([False] * len(ham) + [True] * len(spam))
    dated = np.array([moment is not None for moment in moments])
    when = np.array([moment.timestamp() for moment in moments if moment is not None])
    labels = is_spam[dated][np.argsort(when, kind="stable")]
    shares = ", ".join(f"{part.mean():.0%}" for part in np.array_split(labels, 5))
    auc = roc_auc_score(~is_spam[dated], when)
    return (
        f"In this collection time and class go together: of five parts by the time of arrival {shares} are spam, and "
        f"the later of a wanted mail and a spam is the wanted one with probability {auc:.2f}. So the last fifth, which "
        f"is held out by time, has other shares of the classes than the mails before it."
    )


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="how many (default 5)")
    parser.add_argument("--dry", action="store_true", help="print only, leave the page as it is")
    parser.add_argument("--hidden", help="try other hidden layers for the many features, such as 64,32; print only")
    given = parser.parse_args()
    recipe = {"hidden": tuple(map(int, given.hidden.split(",")))} if given.hidden else {}
    ham, spam = read()
    about = (
        f"{len(ham):,} wanted mails and {len(spam):,} spam of the SpamAssassin corpus (2002); a fifth held out; the "
        f"median of {given.seeds} seeds, and the lowest and highest. Thalweg {tw.__version__}."
    )
    text = "\n".join(["", about, "", *lines(ham, spam, range(given.seeds), recipe), "", by_time(ham, spam), ""])
    print(text)
    if not (given.dry or recipe):
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(page[: page.index(MARK) + len(MARK)] + text, encoding="utf-8")


if __name__ == "__main__":
    main()
