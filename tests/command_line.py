"""For tests: the command line run in this process, and small tables to run it on."""

import contextlib
import io
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from thalweg.cli import main


# A network that trains in a moment; options of the command line, and the same as arguments of `fit`.
QUICK = ("--hidden", "7", "--epochs", "4", "--no-report")
RECIPE: dict[str, Any] = {"hidden": (7,), "epochs": 4}


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def sentence(self) -> str:
        """The one sentence of a refusal: nothing else is on either stream."""
        assert self.out == b"" and self.err.startswith("thalweg: ") and self.err.endswith("\n"), self
        assert self.err.count("\n") == 1 and "Traceback" not in self.err, self
        return self.err


def run(*arguments: Any) -> Ran:
    """`thalweg …` through its entry point. A warning that is not ours is an error here, as everywhere in the tests."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    status = None
    with (
        patch.object(sys, "argv", ["thalweg", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        try:
            main()
        except SystemExit as stopped:
            status = stopped.code
    for stream in (out, err):
        stream.seek(0)
    ran = Ran(int(status or 0), out.buffer.read(), err.read())
    assert "a bug:" not in ran.err, ran
    return ran


def write_csv(path: Path, columns: dict[str, Any]) -> Path:
    """A CSV file of these columns; None is an empty cell, and names or cells with a comma are quoted."""

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n\r') else text

    rows = [columns.keys(), *zip(*columns.values(), strict=True)]
    path.write_text("".join(",".join(map(cell, row)) + "\n" for row in rows), encoding="utf-8")
    return path


def mails(n: int = 211, seed: int = 5) -> dict[str, Any]:
    """A small table of every kind of column, with missing cells, and targets of every kind to learn from it."""
    rng = np.random.default_rng(seed)
    length, trusted = rng.normal(size=n).round(3), rng.random(n) < 0.4
    sender = rng.choice(["work", "shop", "friend"], n)
    score = length + 2.0 * (sender == "shop") - 1.5 * trusted + 0.3 * rng.normal(size=n)
    lengths: list[Any] = length.tolist()
    lengths[3] = lengths[17] = None
    return {
        "length": lengths,
        "trusted": ["true" if one else "false" for one in trusted],
        "sender": sender.tolist(),
        "sent": [f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)],
        "spam": np.where(score > 0, "spam", "ham").tolist(),
        "urgent": ["true" if one else "false" for one in score > 0.7],
        "grade": np.digitize(score, [-1.0, 0.0, 1.0]).tolist(),
        "score": (40.0 + 10.0 * score).round(4).tolist(),
        "delay": (3.0 - 2.0 * score).round(4).tolist(),
    }


TARGETS = ("spam", "urgent", "grade", "score", "delay")


def others(*targets: str) -> str:
    """For --drop: the targets that are not asked for, which would give the answer away."""
    return ",".join(name for name in TARGETS if name not in targets)
