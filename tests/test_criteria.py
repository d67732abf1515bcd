"""The lecture's criteria: every answer on facts that are made to have it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from thalweg.criteria import CRITERIA, criteria
from thalweg.encoding import Encoder
from thalweg.learning import Recipe
from thalweg.table import Table, as_column


NETWORK: Any = SimpleNamespace(name="network", fit_seconds=3.0, million_seconds=0.7, count=66_000, unit="parameters")
TREE = SimpleNamespace(name="tree", fit_seconds=0.1, million_seconds=0.2, count=7, unit="leaves")
FOREST = SimpleNamespace(name="forest", fit_seconds=2.9, million_seconds=20.0, count=70_000, unit="leaves")


def table_of(**columns: Any) -> Table:
    return Table("made", tuple(as_column(name, np.asarray(cells)) for name, cells in columns.items()))


def answers(table: Table | None = None, trees: Any = TREE, **options: Any) -> dict[str, Any]:
    table = table or table_of(x=[1.0, 2.0, 4.0, 3.0], y=[0, 1, 1, 0])
    found = criteria(table, Encoder.learn(table, ["y"]), NETWORK, trees, **options)
    assert [one.name for one in found] == list(CRITERIA)
    assert all(one.lecture == CRITERIA[one.name].lecture and one.here for one in found)
    return {one.name: (one.here, one.towards) for one in found}


def test_many_columns_that_range_alike_are_the_networks(rng):
    pixels = {f"p{i}": rng.integers(0, 256, size=31) / 1.0 for i in range(67)}
    y = np.arange(31) % 2
    here, towards = answers(table_of(**pixels, y=y))["kind of data"]
    assert here == "67 columns: 67 of numbers, which range about as wide as each other, as pixels or counts of words do"
    assert towards == "network"
    few = {name: pixels[name] for name in list(pixels)[:13]}
    assert answers(table_of(**few, y=y))["kind of data"] == ("13 columns: 13 of numbers", "neither")
    unlike = {name: cells * 10.0 ** (i % 7) for i, (name, cells) in enumerate(pixels.items())}
    assert answers(table_of(**unlike, y=y))["kind of data"] == ("67 columns: 67 of numbers", "neither")


def test_categories_and_missing_cells_are_the_trees():
    words = np.array(["a", "b", "c"] * 7, dtype=object)
    y, x = np.arange(21) % 2, np.arange(21.0) ** 2
    here = answers(table_of(x=x, job=words, y=y))["kind of data"]
    assert here == ("2 columns: 1 of numbers, 1 of categories", "trees")
    gaps = np.where(np.arange(21) == 5, np.nan, x)
    here = answers(table_of(x=gaps, z=x, y=y))["kind of data"]
    assert here == ("2 columns: 2 of numbers; 1 of them have missing cells", "trees")
    text = np.array([f"free text number {i}" for i in range(21)], dtype=object)
    here = answers(table_of(x=x, z=x, text=text, y=y))["kind of data"]
    assert here[0].endswith("; beside them 1 of text, which neither takes as it is") and here[1] == "neither"


def test_numbers_at_the_end_of_the_range_do_not_overflow():
    assert answers(table_of(x=[-1.7e308, 1.7e308, 0.0, 1.0], y=[0, 1, 1, 0]))["kind of data"][1] == "neither"


def test_a_small_tree_can_be_read_and_a_forest_cannot():
    assert answers()["need to explain"] == ("tree of 7 leaves, which can be read as so many rules", "trees")
    here, towards = answers(trees=FOREST)["need to explain"]
    assert "forest of 70,000 leaves, which nobody reads as rules" in here and towards == "neither"


def test_times_count_where_they_differ_and_somebody_waits():
    assert answers()["time to train"] == ("network 3.0 s, tree 0.10 s", "trees")
    assert answers()["time for a million rows"] == ("network 0.70 s, tree 0.20 s: neither is waited for", "neither")
    assert answers(trees=FOREST)["time to train"] == ("network 3.0 s, forest 2.9 s: about the same", "neither")
    assert answers(trees=FOREST)["time for a million rows"] == ("network 0.70 s, forest 20 s", "network")


def test_a_target_that_is_a_weighted_sum_is_the_networks():
    assert answers()["form of the target function"] == ("not measured", "neither")
    here, towards = answers(linear=0.97)["form of the target function"]
    assert here.startswith("a linear model goes 97% of the way") and towards == "network"
    assert answers(linear=0.6)["form of the target function"][1] == "neither"


@pytest.mark.parametrize(("hidden", "said"), [((32, 16), "layers of 32 and 16 units"), ((), "layers of no units")])
def test_the_choices_are_those_of_the_recipe(hidden, said):
    here, towards = answers(recipe=Recipe(hidden=hidden, epochs=20))["choices to be made"]
    assert here.startswith(f"{said}, 20 epochs at most") and towards == "trees"


def test_the_amount_of_data_points_nowhere_by_itself():
    here, towards = answers()["amount of data"]
    assert here.startswith("4 rows for network of 66,000 parameters and tree of 7 leaves") and towards == "neither"
