"""contenders: every row of CONTENDERS learns small tables of every kind."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from thalweg import engines, scores, table
from thalweg.bouts import Bout
from thalweg.contenders import CONTENDERS, Contender
from thalweg.encoding import Encoder
from thalweg.learning import Recipe
from thalweg.table import Table


OPTIONS = {
    "threads": 1, "recipe": Recipe(hidden=(29,), epochs=28, learning_rate=0.02, dropout=0.0), "engine": engines.DEFAULT,
}  # fmt: skip
N = 307


def rows(kind: str, n: int = N, seed: int = 3) -> Table:
    """Numbers with missing cells, a category with missing ones, a truth, and what follows from them but for noise."""
    rng = np.random.default_rng(seed)
    size, weight = rng.normal(size=n), 50.0 + 20.0 * rng.random(n)
    colour, old = rng.choice(["red", "green", "blue"], n), rng.random(n) < 0.5
    score = size + 1.5 * (colour == "red") - 1.0 * old + 0.05 * (weight - 60.0) + 0.2 * rng.normal(size=n)
    y = {
        "2": np.where(score > 0.2, "yes", "no"),
        "5": np.array(list("abcde"))[np.digitize(score, [-1.0, -0.2, 0.6, 1.4])],
        "numbers": 1_000.0 + 200.0 * score,
    }[kind]
    size[rng.random(n) < 0.1] = np.nan
    colours = [None if missing else one for one, missing in zip(colour, rng.random(n) < 0.1, strict=True)]
    columns = {"size": size, "weight": weight, "colour": colours, "old": old, "y": y}
    return table.read(pd.DataFrame(columns))


def bouts(kind: str) -> tuple[Bout, Bout]:
    whole = rows(kind)
    encoder = Encoder.learn(whole, ["y"])
    return Bout.of(encoder, whole.take(np.arange(200))), Bout.of(encoder, whole.take(np.arange(200, N)))


@pytest.fixture(scope="module", params=CONTENDERS)
def one(request) -> Contender:
    found = CONTENDERS[request.param]
    if not found.installed:
        pytest.skip(f"{found.package} is not installed: pip install {found.package}")
    return found


def loss(bout: Bout, outputs: np.ndarray) -> float:
    if bout.n_classes:
        return scores.classification(bout.y, outputs, range(bout.n_classes))["log_loss"]
    return scores.regression(bout.y, outputs)["rmse"]


def check(bout: Bout, outputs: np.ndarray) -> None:
    assert outputs.shape == ((bout.n, bout.n_classes) if bout.n_classes else (bout.n,))
    assert np.isfinite(outputs).all()
    if bout.n_classes:
        assert (outputs >= 0).all()
        np.testing.assert_allclose(outputs.sum(axis=1), 1.0, atol=1e-5)


def test_the_table_has_who_is_asked_for():
    assert [*CONTENDERS] == [one.name for one in CONTENDERS.values()] and len(CONTENDERS) >= 9
    assert {one.family for one in CONTENDERS.values()} == {"network", "trees", "linear", "baseline"}
    assert all(one.installed for one in CONTENDERS.values() if one.package is None)
    assert not replace(CONTENDERS["tree"], package="no_such_package").installed


@pytest.mark.parametrize("kind", ["2", "5", "numbers"])
def test_it_learns_and_beats_the_baseline(one, kind):
    train, test = bouts(kind)
    fitted = one.learn(train, seed=7, **OPTIONS)
    outputs = fitted.outputs(test)
    check(test, outputs)
    constant = CONTENDERS["baseline"].learn(train, seed=7, **OPTIONS).outputs(test)
    if one.family == "baseline":
        assert np.ptp(outputs, axis=0).max() == 0
        assert (fitted.count, fitted.unit) == (test.n_classes or 1, "numbers")
    else:
        assert loss(test, outputs) < 0.9 * loss(test, constant)
    assert fitted.count >= 1 and fitted.size >= 1 and fitted.unit


def test_the_same_seed_answers_the_same(one):
    train, test = bouts("2")
    first, second = (one.learn(train, seed=11, **OPTIONS).outputs(test) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rare", [0, 1, 2])
def test_a_class_of_hardly_any_training_rows(one, rare):
    train, test = bouts("5")
    of_class = np.flatnonzero(train.y == 3)
    train = train.take(np.sort(np.concatenate([np.flatnonzero(train.y != 3), of_class[:rare]])))
    outputs = one.learn(train, seed=7, **OPTIONS).outputs(test)
    check(test, outputs)
    assert outputs[:, 3].mean() < 0.1


def test_a_single_row_is_answered_as_among_many(one):
    train, test = bouts("5")
    outputs = one.learn(train, seed=7, **OPTIONS).outputs
    np.testing.assert_allclose(outputs(test.take(slice(4, 5))), outputs(test)[4:5], atol=1e-6)


def test_columns_of_numbers_without_a_table(one):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(211, 3))
    y = X[:, 0] - 2.0 * X[:, 2] + 5.0
    bout = Bout.of_matrix(X, y, "regression", 0)
    outputs = one.learn(bout, seed=7, **OPTIONS).outputs(bout)
    check(bout, outputs)
    assert one.family == "baseline" or loss(bout, outputs) < 0.6 * y.std()


def test_cells_beyond_float32_are_the_largest(one):
    train, test = bouts("2")
    views = {name: getattr(train, name).copy() for name in ("plain", "coded")}
    for cells in views.values():
        cells[3, 1] = 1e39
    check(test, one.learn(replace(train, **views), seed=7, **OPTIONS).outputs(test))


def test_the_rows_to_stop_by_are_15_percent_of_each_class():
    train, _ = bouts("5")
    fit_rows, valid_rows = train.parts(3)
    assert np.array_equal(np.sort(np.concatenate([fit_rows, valid_rows])), np.arange(train.n))
    expected = 0.15 * np.bincount(train.y)
    assert (np.abs(np.bincount(train.y[valid_rows]) - expected) <= 1).all()


def test_the_size_is_that_of_its_file():
    train, _ = bouts("2")
    fitted = CONTENDERS["forest"].learn(train, seed=7, **OPTIONS)
    assert fitted.size == len(pickle.dumps(fitted.model, protocol=5))


def test_the_forest_is_never_sure():
    train, test = bouts("2")
    outputs = CONTENDERS["forest"].learn(train, seed=7, **OPTIONS).outputs(test)
    shares = np.bincount(train.y) / train.n
    assert (outputs >= shares / 101 - 1e-12).all() and outputs.min() > 0


@pytest.mark.parametrize(("factor", "offset"), [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e9)])
def test_neither_the_unit_of_a_number_nor_where_it_begins_matters(one, factor, offset):
    train, test = bouts("numbers")
    usual = one.learn(train, seed=7, **OPTIONS).outputs(test)
    other = one.learn(replace(train, y=train.y * factor + offset), seed=7, **OPTIONS).outputs(test)
    # Rounding may turn a split into its equal; the answers then differ on a few rows.
    errors = [np.sqrt(np.mean((answers - test.y) ** 2)) for answers in (usual, (other - offset) / factor)]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


def test_rows_to_stop_by_are_of_other_groups(one):
    """What is learnt of groups that stay apart is judged by groups that stay apart."""
    for kind in ("2", "numbers"):
        train, test = bouts(kind)
        groups = np.arange(train.n) % 11
        train = replace(train, groups=groups)
        fit_rows, valid_rows = train.parts(7)
        assert not {*groups[fit_rows]} & {*groups[valid_rows]} and len(fit_rows) + len(valid_rows) == train.n
        assert 0.05 < len(valid_rows) / train.n < 0.3
        check(test, one.learn(train, seed=7, **OPTIONS).outputs(test))
        assert len(replace(train, groups=groups * 0).parts(7)[1]) == 30  # a single group is parted


def test_a_network_that_is_interrupted_is_no_contender(monkeypatch):
    train, _ = bouts("2")
    monkeypatch.setattr("thalweg.interruption.Interruption.requested", lambda self: True)
    with pytest.raises(KeyboardInterrupt):
        CONTENDERS["network"].learn(train, seed=7, **OPTIONS)


@pytest.mark.parametrize("kind", ["2", "5", "numbers"])
def test_who_can_be_stopped_stops_early_and_with_time_enough_is_the_same(one, kind):
    if not one.stops:
        pytest.skip("it cannot be stopped")
    train, test = bouts(kind)
    at_once, in_time, at_zero = (
        one.learn(train, seed=7, **OPTIONS, **limit) for limit in ({}, {"seconds": 1e9}, {"seconds": 0.0})
    )
    np.testing.assert_allclose(in_time.outputs(test), at_once.outputs(test), rtol=1e-9)
    assert in_time.count == at_once.count and at_zero.count < at_once.count / 2
    check(test, at_zero.outputs(test))
