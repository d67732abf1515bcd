"""Comparisons of tables whose answer is known: the wrong side is hardly ever named, the right one where it matters."""

import pytest

from constructed import CONSTRUCTIONS, compared, copies


SEEDS, COPIES = 20, 100


def test_there_are_constructions():
    assert len(CONSTRUCTIONS) == 7 and {one.right for one in CONSTRUCTIONS.values()} == {"network", "trees"}


@pytest.mark.parametrize("name", ["rules", "rotated"])
def test_the_right_side_is_named_where_the_gap_is_large(name):
    found = compared(name, 1)
    assert found.winner == CONSTRUCTIONS[name].right, found.verdict


@pytest.mark.acceptance
@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_the_wrong_side_is_hardly_ever_named(name):
    construction = CONSTRUCTIONS[name]
    named = [compared(name, seed).winner for seed in range(SEEDS)]
    wrong = {"network": "trees", "trees": "network"}[construction.right]
    assert named.count(wrong) <= 2, named
    if construction.large:
        assert named.count(construction.right) >= 15, named


@pytest.mark.acceptance
def test_two_copies_of_one_model_are_level():
    named = [copies(seed).winner for seed in range(COPIES)]
    assert named.count(None) >= 90, named
