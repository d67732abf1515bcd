"""For tests of exports: real tables with quick models of them, a model of every role, and raw cells of a table."""

from __future__ import annotations

import dataclasses
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import thalweg as tw
from command_line import RECIPE, TARGETS
from thalweg import table
from thalweg.cells import Kind
from thalweg.encoding import Encoder
from thalweg.features import ROLES, Presence
from thalweg.network import Network
from thalweg.table import Column, Table
from thalweg.targets import NumberTarget


@dataclass(frozen=True)
class Case:
    """A real table, its target, columns that give the target away, and those to keep though they look like prose."""

    file: str
    target: str
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    task: str = "auto"


CASES = (
    Case("spambase.csv.gz", "class"),
    Case("sms_spam.csv.gz", "label", keep=("text",)),
    Case("spamassassin_raw.parquet", "label"),
    Case("spamassassin_features.csv.gz", "label"),
    Case("adult.parquet", "income"),
    Case("bank_marketing.parquet", "y", drop=("duration",)),
    Case("german_credit.csv", "class"),
    Case("covertype_15k.parquet", "Cover_Type"),
    Case("higgs_7k.csv.gz", "label"),
    Case("magic_telescope.parquet", "class"),
    Case("letter.parquet", "class"),
    Case("mnist_10k.parquet", "label"),
    Case("skin_segmentation.parquet", "skin"),
    Case("kddcup99_10pct.parquet", "label"),
    Case("california_housing.parquet", "median_house_value"),
    Case("bike_sharing_hour.parquet", "cnt", drop=("casual", "registered", "instant", "dteday")),
    Case("abalone.csv", "rings"),
    Case("wine_quality.csv", "quality", task="regression"),
    Case("concrete_strength.csv", "strength"),
)
LEARNT, HELD_OUT = 1_501, 499  # rows, of those tables that have as many


@cache
def quick(case: Case, folder: Path) -> tuple[Any, Table]:
    """A model of some rows, and other rows as its tables are read."""
    whole = table.read(folder / "data" / case.file)
    rows = np.random.default_rng(3).permutation(whole.n_rows)
    kept, held = rows[: min(LEARNT, whole.n_rows - 101)], rows[-min(HELD_OUT, 101) :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tw.ThalwegWarning)  # so few rows have classes of a single one
        model = tw.fit(
        whole.take(np.sort(kept)), case.target, task=case.task, drop=case.drop, keep=case.keep,
        hidden=(16, 8), epochs=2, holdout=0,
    )  # fmt: skip
    return model, Table("held", tuple(whole[name] for name in model.encoder.columns)).take(held)


def column(name: str, kind: Kind, cells: list[Any]) -> Column:
    """A column of these cells, None where missing."""
    missing = np.array([cell is None for cell in cells], dtype=bool)
    filler, dtype = {
        Kind.NUMBER: (np.nan, np.float64),
        Kind.BOOLEAN: (False, bool),
        Kind.TEXT: ("", object),
        Kind.DATE: ("NaT", "datetime64[us]"),
    }[kind]
    return Column(name, kind, np.array([filler if cell is None else cell for cell in cells], dtype=dtype), missing)


def every_role(rows: int = 211) -> Table:
    """A table of which every role comes, with missing cells and without, under names that are hard to write."""
    rng = np.random.default_rng(11)

    def some(cells: Any, share: float) -> list[Any]:
        return [None if lost else cell for cell, lost in zip(cells, rng.random(rows) < share, strict=True)]

    words = ["a", 'say "hi"', "km/h */", "??/", "größe", "日本", "x,y", "back\\slash", "@real", "tab\there"]
    rare = [*(f"rare {i}" for i in range(3)), *rng.choice(words, rows - 3).tolist()]
    dates = np.datetime64("1961-02-27") + rng.integers(0, 31_000, rows)
    moments = np.datetime64("1899-12-31T22:30") + rng.integers(0, 4 * 10**15, rows).astype("timedelta64[us]")
    return Table(
        "roles",
        (
            column("prediction", Kind.NUMBER, rng.normal(5.0, 3.0, rows).tolist()),
            column("prediction_2", Kind.NUMBER, some((10.0 ** rng.uniform(-300, 300, rows)).tolist(), 0.1)),
            column("int", Kind.BOOLEAN, some((rng.random(rows) < 0.5).tolist(), 0.2)),
            column("@real", Kind.TEXT, some(rng.choice(["no", "yes"], rows).tolist(), 0.1)),
            column("a*/b ??/", Kind.TEXT, rare),
            column("größe\n", Kind.TEXT, some(rare[::-1], 0.1)),
            column("grö e", Kind.DATE, some(dates.astype("datetime64[us]"), 0.1)),
            column("NAN", Kind.DATE, list(moments.astype("datetime64[us]"))),
            column("INT64_MIN", Kind.NUMBER, some([7.0] * rows, 0.5)),
            column("", Kind.TEXT, some(["always"] * rows, 0.5)),
            column("y", Kind.NUMBER, rng.normal(size=rows).tolist()),
        ),
    )


def transparent(encoder: Encoder) -> tuple[Encoder, Network, np.ndarray]:
    """An encoder, network and parameters whose predictions are the features themselves, in float64."""
    d = len(encoder.feature_names)
    targets = tuple(NumberTarget(f"feature {i}", 0.0, 1.0) for i in range(d))
    network = Network([d, d], bias=False)
    return dataclasses.replace(encoder, task="regression", target_roles=targets), network, np.eye(d).ravel()


def raw_cells(rows: Table) -> dict[str, np.ndarray]:
    """The columns as exported models take them: float64 with nan, text with "", int64 of microseconds."""
    cells = {}
    for each in rows.columns:
        if each.kind is Kind.TEXT:
            cells[each.name] = each.values
        elif each.kind is Kind.DATE:
            cells[each.name] = each.values.astype("datetime64[us]").astype(np.int64)
        else:
            cells[each.name] = np.where(each.missing, np.nan, each.values.astype(np.float64))
    return cells


def presence(rows: Table, name: str) -> np.ndarray:
    """A column of which only the presence counts: 1, or nan."""
    return np.where(rows[name].missing, np.nan, 1.0)


def learned() -> Encoder:
    """An encoder that has every role."""
    encoder = Encoder.learn(every_role(), ["y"])
    assert {type(role) for role in encoder.roles} == set(ROLES.values()), encoder.decisions
    return encoder


def fitted(data: Path, *targets: str) -> Any:
    """A quick model of the small table of mails for these of its targets."""
    return tw.fit(data, list(targets), **RECIPE, drop=[name for name in TARGETS if name not in targets])


def rows_of(model: Any, data: Path) -> Table:
    """A file as the model's tables are read."""
    return table.read(data, columns=model.encoder.columns, text=model.encoder.text_columns)


def inputs_of(encoder: Encoder, rows: Table) -> list[np.ndarray]:
    """Raw cells for each input of an exported model."""
    cells = raw_cells(rows)
    return [presence(rows, r.column) if isinstance(r, Presence) else cells[r.column] for r in encoder.roles]


def own_rows() -> tuple[Any, ...]:
    """Activations of one's own: two of a name, one whose name is a word of exported C, one of two branches."""
    return (
        tw.own_activation("swish2", "a*sigmoid(b*a)", b=2),
        tw.own_activation("swish2", "a*sigmoid(b*a)", b=0.5),
        tw.own_activation("layer", "a if a > 0 else slope*a if a > -1 else -slope", slope=0.25, initialization="he"),
        tw.own_activation("network", "sign(a)*log(1 + abs(a)) + a/9"),
    )
