"""The real tables that benchmarks run on, with their targets; they lie beside the checkout, not in the repository."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One table and its target; `drop` names columns that give the target away."""

    file: str
    target: str
    task: str
    drop: tuple[str, ...] = ()


CASES = (
    Case("spambase.csv.gz", "class", "classification"),
    Case("adult.parquet", "income", "classification"),
    Case("bank_marketing.parquet", "y", "classification", ("duration",)),
    Case("german_credit.csv", "class", "classification"),
    Case("magic_telescope.parquet", "class", "classification"),
    Case("letter.parquet", "class", "classification"),
    Case("covertype_15k.parquet", "Cover_Type", "classification"),
    Case("california_housing.parquet", "median_house_value", "regression"),
    Case("abalone.csv", "rings", "regression"),
    Case("bike_sharing_hour.parquet", "cnt", "regression", ("casual", "registered", "instant", "dteday")),
    Case("wine_quality.csv", "quality", "regression"),
    Case("concrete_strength.csv", "strength", "regression"),
)
