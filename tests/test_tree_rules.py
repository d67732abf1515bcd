"""tree_rules: what is said is true of the rows, every row is under one sentence, large trees are abridged."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pytest

from thalweg.pruned_tree import grow
from thalweg.tree_rules import path_of, paths, rules


@dataclass(frozen=True)
class Number:
    name: str

    def says(self, threshold: float, at_most: bool) -> str:
        return f"{self.name} {'≤' if at_most else '>'} {threshold!r}"


@dataclass(frozen=True)
class Value:
    name: str

    def says(self, threshold: float, at_most: bool) -> str:
        return f"job is {'not ' * at_most}clerk"


FEATURES = [Number("a"), Number("b"), Number("c"), Value("job = clerk")]


def table(rng, task, *, n=401, missing=0.15):
    X = rng.normal(size=(n, 4))
    X[:, 3] = X[:, 3] > 0
    y = np.nan_to_num(X[:, 0]).round() + (X[:, 1] > 0) * (X[:, 3] == 1) * 3 + rng.normal(0, 0.2, n)
    X[:, :3][rng.random((n, 3)) < missing] = np.nan
    return X, y if task == "regression" else np.digitize(y, np.quantile(y, [0.3, 0.7]))


def holds(condition, x):
    """Whether a condition, read as text, is true of a row: an own reading of what the sentences mean."""
    condition = condition.strip("()")
    lacking = condition.endswith(" or missing")
    condition = condition.removesuffix(" or missing")
    if condition in ("job is clerk", "job is not clerk"):
        return (x[3] == 1) == (condition == "job is clerk")
    value = x["abc".index(re.search(r"\b[abc]\b", condition)[0])]  # pyright: ignore[reportOptionalSubscript]
    if condition.endswith(("is missing", "is known")):
        return math.isnan(value) == condition.endswith("is missing")
    if math.isnan(value):
        return lacking
    match re.split(r" (<|≤|>) ", condition):
        case [low, "<", _, "≤", high]:
            return float(low) < np.float32(value) <= float(high)
        case [_, "≤", high]:
            return np.float32(value) <= float(high)
        case [_, ">", low]:
            return np.float32(value) > float(low)
    raise AssertionError(condition)


@pytest.mark.parametrize("most", [10**6, 5])
@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_each_row_is_under_one_sentence_and_its_number_of_rows_is_right(rng, most, missing):
    X, y = table(rng, "regression", missing=missing)
    tree = grow(X, y, "regression", 0)
    lines = [line for line in paths(tree, FEATURES, max_leaves=most) if not line.startswith("…")]
    assert len(lines) == min(tree.leaves, most) > 3
    under = np.zeros((len(lines), len(X)), bool)
    for at, line in enumerate(lines):
        said = line.removeprefix("if ").split(": ")[0].split(" and ")
        under[at] = [all(holds(one, x) for one in said) for x in X]
        rows = int(re.search(r"([\d,]+) rows?\)", line)[1].replace(",", ""))  # pyright: ignore[reportOptionalSubscript]
        assert rows == under[at].sum()
    assert np.all(under.sum(axis=0) == 1)


def test_conditions_on_a_number_are_merged():
    X = np.arange(60.0)[:, None]
    tree = grow(X, np.repeat([3.0, 5.0, 9.0], 20), "regression", 0)
    assert paths(tree, [Number("a")]) == [
        "if a ≤ 19.5: 3 (mean of 20 rows)",
        "if 19.5 < a ≤ 39.5: 5 (mean of 20 rows)",
        "if a > 39.5: 9 (mean of 20 rows)",
    ]


def test_indented_rules_have_a_line_for_each_node_but_the_root_and_each_answer(rng):
    X, y = table(rng, "classification")
    tree = grow(X, y, "classification", 3)
    lines = rules(tree, FEATURES, "pqr", max_leaves=10**6).splitlines()
    assert sum("→" in line for line in lines) == tree.leaves
    assert sum(line.endswith(":") for line in lines) == 2 * (tree.leaves - 1)
    for one, after in zip(lines, lines[1:], strict=False):  # a question is followed by what is one step further in
        indent, then = (len(line) - len(line.lstrip()) for line in (one, after))
        assert then == indent + 2 if one.endswith(":") else then < indent
    text = "\n".join(lines)
    assert ("or missing" in text) and "p with probability" in text


def test_missing_is_not_spoken_of_where_training_lacked_nothing(rng):
    X, y = table(rng, "classification", missing=0.0)
    tree = grow(X, y, "classification", 3)
    assert "missing" not in rules(tree, FEATURES, "pqr") and tree.leaves > 2


def test_missing_values_alone_on_one_side():
    X = np.array([[1.0], [2.0], [3.0], [np.nan]] * 20)
    tree = grow(X, np.array([0, 0, 0, 1] * 20), "classification", 2)
    said = rules(tree, [Number("a")], ["no", "yes"])
    assert said.splitlines()[0::2] == ["if a is known:", "else, if a is missing:"]
    assert [line.split(":")[0] for line in paths(tree, [Number("a")], ["no", "yes"])] == [
        "if a is known",
        "if a is missing",
    ]
    assert path_of(tree, X[3], [Number("a")], ["no", "yes"])[0] == "a is missing"
    assert path_of(tree, X[0], [Number("a")], ["no", "yes"])[0] == "a = 1, so a is known"


def test_a_large_tree_is_abridged_and_says_by_how_much(rng):
    X = rng.random((1009, 4))
    tree = grow(X, X[:, 0] * 7 + X[:, 1], "regression", 0)
    assert tree.leaves > 30
    for lines in (rules(tree, FEATURES, max_leaves=7).splitlines(), paths(tree, FEATURES, max_leaves=7)):
        assert lines[-1] == f"… {tree.leaves - 7} more leaves"
        hidden = [int(match[1]) - 1 for match in (re.search(r"… (\d+) leaves$", line) for line in lines[:-1]) if match]
        assert sum(hidden) == tree.leaves - 7


def test_the_way_of_a_row_is_true_of_it_and_ends_with_its_answer(rng):
    X, y = table(rng, "classification")
    tree = grow(X, y, "classification", 3)
    p = tree.outputs(X)
    for x, shares in zip(X[:23], p, strict=False):
        *steps, last = path_of(tree, x, FEATURES, "pqr")
        assert len(steps) == len(tree.path(x)) > 0
        assert last.startswith(f"→ {'pqr'[shares.argmax()]} with probability {shares.max():.1%}")
        for step in steps:
            if "which goes with" in step:
                assert math.isnan(x["abc".index(step[0])])
            elif not step.endswith("is missing"):
                assert holds(step.split(", so ")[-1], x)


def test_a_single_leaf_has_an_answer_without_conditions():
    tree = grow(np.ones((7, 4)), np.full(7, -2.5), "regression", 0)
    assert rules(tree, FEATURES, unit="m") == "→ −2.5 m (mean of 7 rows)"
    assert paths(tree, FEATURES, unit="m") == ["always: −2.5 m (mean of 7 rows)"]
    assert path_of(tree, np.ones(4), FEATURES, unit="m") == ["→ −2.5 m (mean of 7 rows)"]
