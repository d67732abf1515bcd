"""Trials: on data with a known answer, and with contenders that are made to answer as they do."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from thalweg import changed_columns, changed_rows, intervals, trials
from thalweg.bouts import Bout, Fitted
from thalweg.changed_columns import gaussian, rotation_matrix
from thalweg.changed_rows import nested
from thalweg.contenders import CONTENDERS, Contender
from thalweg.encoding import Encoder
from thalweg.errors import ThalwegWarning
from thalweg.features import Number
from thalweg.learning import Recipe
from thalweg.table import read
from thalweg.trial_ring import Ring, groups_of, groups_of_matrix, sample
from thalweg.trials import TRIALS, Trial, run


SMALL = Recipe(hidden=(32,), epochs=20)
OPTIONS: dict[str, Any] = {"seed": 3, "threads": 1, "recipe": SMALL, "engine": "cpu"}


def halves(X: np.ndarray, y: np.ndarray, n: int, n_classes: int = 2) -> tuple[Bout, Bout]:
    """The first n rows to learn from and the others to be tested on."""
    task = "classification" if n_classes else "regression"
    return Bout.of_matrix(X[:n], y[:n], task, n_classes), Bout.of_matrix(X[n:], y[n:], task, n_classes)


def made(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
    """Contenders that learn nothing: (training rows, rows) → outputs."""
    for name, answer in answers.items():

        def learn(bout: Bout, answer: Any = answer, **_: Any) -> Fitted:
            return Fitted(lambda rows: answer(bout, rows), None, 1, "numbers", 0)

        monkeypatch.setitem(CONTENDERS, name, Contender(name, "made", "made", False, learn))


def sure(right: Any, p: float = 0.9) -> np.ndarray:
    """Probabilities of two classes of those who are so sure of the second where `right` is true."""
    second = np.where(right, p, 1.0 - p)
    return np.stack([1.0 - second, second], axis=1)


# Rules that ask about one column at a time, and a plane across all of them.
def rules(n: int = 701, d: int = 7) -> tuple[Bout, Bout]:
    X = np.random.default_rng(1).normal(size=(n, d))
    return halves(X, ((X[:, 0] > 0.3) | (X[:, 1] < -0.8)).astype(np.int64), 401)


def plane(n: int = 701, d: int = 7) -> tuple[Bout, Bout]:
    random = np.random.default_rng(2)
    X = random.normal(size=(n, d))
    return halves(X, X @ random.normal(size=d) + 0.1 * random.normal(size=n), 401, 0)


def test_rules_lose_their_form_by_rotation():
    found = run("rotation", *rules(), ("network", "tree"), **OPTIONS)
    assert (found.towards, found.strength) == ("trees", "strong")
    assert found.figures["rise"]["tree"]["low"] > 0.1 and found.figures["difference"]["high"] < 0.0
    assert found.figures["rotated"] == 7 and "carry meaning" in found.because


def test_a_plane_is_no_harder_for_trees_when_it_is_rotated():
    found = run("rotation", *plane(), ("network", "boosting"), **OPTIONS)
    assert found.towards != "trees"


def test_trees_that_keep_their_answers_in_spite_of_rotation_are_told(monkeypatch):
    train, test = rules()
    made(monkeypatch, fixed=lambda _, rows: sure(rows.y == 1, 0.8), other=lambda _, rows: sure(rows.y == 1, 0.9))
    found = run("rotation", train, test, ("other", "fixed"), **OPTIONS)
    assert (found.towards, found.strength) == ("network", "weak")
    assert found.figures["rise"]["fixed"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_only_numbers_are_rotated(monkeypatch, rng):
    X = np.stack([rng.normal(size=97), rng.integers(0, 2, size=97), rng.integers(0, 5, size=97)], axis=1)
    y = (X[:, 0] > 0).astype(np.int64)
    found = run("rotation", *halves(X, y, 61), ("network", "tree"), **OPTIONS)
    assert found.figures == {"rotated": 1} and found.because == "1 column of numbers can be rotated, and it takes two."
    seen = []
    made(monkeypatch, look=lambda bout, rows: seen.append((bout.plain, rows.scaled)) or sure(rows.y == 1))
    X = np.column_stack([X, rng.normal(size=97)])
    run("rotation", *halves(X, y, 61), ("look", "look"), **OPTIONS)
    (plain, _), (turned, rows) = seen[0], seen[2]
    assert plain.shape == (61, 4) and rows.shape == (36, 4)
    np.testing.assert_array_equal(turned[:, 2:], X[:61, 1:3])
    np.testing.assert_allclose(turned[:, :2] @ turned[:, :2].T, plain[:, :2] @ plain[:, :2].T, atol=1e-9)
    assert not np.allclose(turned[:, :2], plain[:, :2])


def test_noise_columns_hurt_a_network_of_few_rows():
    X = np.random.default_rng(5).normal(size=(701, 19))
    train, test = halves(X, (X[:, 0] > 0) + X[:, 1], 201, 0)
    found = run("noise columns", train, test, ("network", "tree"), **OPTIONS)
    assert found.towards == "trees" and found.figures["columns"] == 19
    assert found.figures["difference"]["low"] > 0.0
    assert found.figures["rise"]["network"]["mean"] > found.figures["rise"]["tree"]["mean"]


def test_noise_stands_beside_every_view_and_is_no_category(monkeypatch):
    train, test = rules()
    seen = []
    made(monkeypatch, look=lambda bout, rows: seen.append((bout, rows)) or sure(rows.y == 1))
    run("noise columns", train, test, ("look", "look"), **OPTIONS)
    bout, rows = seen[0]
    assert bout.scaled.shape == bout.plain.shape == bout.coded.shape == (401, 14) and not bout.categorical.any()
    np.testing.assert_array_equal(bout.coded[:, :7], train.coded)
    assert abs(np.vstack([bout.plain, rows.plain])[:, 7:].std() - 1.0) < 0.05


def test_columns_that_nobody_asks_about_tell_nothing(monkeypatch, rng):
    X = rng.normal(size=(401, 37))
    train, test = halves(X, (X[:, 3] + 0.5 * X[:, 5] > 0).astype(np.int64), 211)
    made(
        monkeypatch,
        one=lambda _, rows: sure(rows.plain[:, 3] > 0),
        two=lambda _, rows: sure(rows.scaled[:, 3] + 0.5 * rows.scaled[:, 5] > 0),
    )
    found = run("uninformative columns", train, test, ("two", "one"), **OPTIONS)
    assert (found.towards, found.strength) == ("trees", "moderate")
    assert (found.figures["columns"], found.figures["idle"], found.figures["matter"]) == (37, 35, 2)
    assert found.figures["low"] == pytest.approx(stats.binomtest(35, 37).proportion_ci(0.95, "wilson").low)
    assert found.figures["rise"]["one"]["column 6"] == 0.0 < found.figures["rise"]["one"]["column 4"]


@pytest.mark.parametrize("d", [3, 101])
def test_columns_are_shuffled_as_often_as_is_said_and_of_many_only_some(monkeypatch, rng, d):
    X = rng.normal(size=(120, d))
    train, test = halves(X, (X[:, 0] > 0).astype(np.int64), 61)
    answered = []
    made(monkeypatch, counted=lambda _, rows: answered.append(rows.n) or sure(rows.plain[:, 0] > 0))
    found = run("uninformative columns", train, test, ("counted", "counted"), **OPTIONS)
    assert sum(answered) == 2 * TRIALS["uninformative columns"].answers(d) * test.n
    assert found.figures["columns"] == (d if d <= 100 else 30)


def test_columns_that_all_matter_are_told(monkeypatch, rng):
    X = rng.normal(size=(801, 7))
    train, test = halves(X, X.sum(axis=1), 211, 0)
    made(monkeypatch, one=lambda _, rows: rows.plain.sum(axis=1), two=lambda _, rows: rows.coded.sum(axis=1))
    found = run("uninformative columns", train, test, ("two", "one"), **OPTIONS)
    assert (found.towards, found.figures["matter"], found.figures["idle"]) == ("network", 7, 0)


def test_who_gains_from_rows_is_the_slope_of_the_curve(monkeypatch, rng):
    """A contender that is right with a probability of its training rows' number has the curve that is said."""
    train, test = rules()
    better = {50: 0.6, 100: 0.7, 200: 0.8, 401: 0.9}
    made(
        monkeypatch,
        learner=lambda bout, rows: sure(rows.y == 1, better[bout.n]),
        settled=lambda _, rows: sure(rows.y == 1, 0.88),
    )
    found = run("learning curve", train, test, ("learner", "settled"), **OPTIONS)
    losses = [-np.log(p) for p in better.values()]
    slope = np.polyfit(np.log2(list(better)), losses, 1)[0]
    assert found.figures["slope"]["learner"]["mean"] == pytest.approx(slope)
    assert found.figures["slope"]["settled"]["mean"] == pytest.approx(0.0)
    assert [point["rows"] for point in found.figures["points"]] == list(better)
    assert [point["learner"] for point in found.figures["points"]] == pytest.approx(losses)
    assert (found.towards, found.strength) == ("network", "strong")
    assert found.figures["cross"] is None  # it is ahead already
    behind = run("learning curve", train, test, ("settled", "learner"), **OPTIONS)
    assert behind.towards == "trees"


def test_where_curves_cross_is_where_the_slope_makes_up_for_the_difference(monkeypatch):
    train, test = rules()
    better = {50: 0.6, 100: 0.7, 200: 0.8, 401: 0.85}
    made(
        monkeypatch,
        learner=lambda bout, rows: sure(rows.y == 1, better[bout.n]),
        settled=lambda _, rows: sure(rows.y == 1, 0.9),
    )
    found = run("learning curve", train, test, ("learner", "settled"), **OPTIONS)
    slope = found.figures["slope"]["learner"]["mean"]
    doublings = np.log(0.9 / 0.85) / -slope
    assert found.figures["cross"] == pytest.approx(401 * 2**doublings)
    assert "if this went on, it would be level at about" in found.because


def test_a_curve_takes_rows():
    train, test = rules()
    found = run("learning curve", train.take(np.arange(79)), test, ("network", "tree"), **OPTIONS)
    assert (found.towards, found.strength, found.rows) == ("neither", "none", 79)


def test_every_beginning_of_the_order_has_its_share_of_each_class(rng):
    y = rng.choice(3, size=211, p=[0.1, 0.3, 0.6])
    order = nested(Bout.of_matrix(np.zeros((211, 1)), y, "classification", 3), 5)
    assert sorted(order) == list(range(211))
    for size in (26, 52, 105):
        expected = np.bincount(y, minlength=3) * size / 211
        assert np.abs(np.bincount(y[order[:size]], minlength=3) - expected).max() <= 1.5
    numbers = nested(Bout.of_matrix(np.zeros((211, 1)), y / 1.0, "regression", 0), 5)
    assert sorted(numbers) == list(range(211))


def test_the_steadier_one_is_told(monkeypatch):
    train, test = rules()

    def moody(bout: Bout, rows: Bout) -> np.ndarray:  # without some rows it says the opposite on the first 60
        flip = (np.arange(rows.n) < 60) & (bout.n < train.n)
        return sure((rows.y == 1) ^ flip)

    made(monkeypatch, moody=moody, steady=lambda _, rows: sure(rows.y == 1))
    found = run("stability", train, test, ("moody", "steady"), **OPTIONS)
    assert found.figures["changed"]["moody"]["mean"] == pytest.approx(60 / 300)
    assert found.figures["changed"]["steady"]["mean"] == 0.0
    assert (found.towards, found.strength) == ("trees", "moderate") and "steadier: steady" in found.because
    assert run("stability", train, test, ("steady", "moody"), **OPTIONS).towards == "network"


def test_numbers_change_in_units_of_the_targets_spread(monkeypatch):
    train, test = plane()
    made(
        monkeypatch,
        shifted=lambda bout, rows: rows.y + 0.3 * train.y.std() * (bout.n < train.n),
        steady=lambda _, rows: rows.y,
    )
    found = run("stability", train, test, ("shifted", "steady"), **OPTIONS)
    assert found.figures["changed"]["shifted"]["mean"] == pytest.approx(0.3) and found.towards == "trees"


def housing(rng: np.random.Generator) -> tuple[Encoder, Bout, Bout]:
    """Rows with every kind of column."""
    rows = read(
        "SELECT range * range * 1.5 AS x, CASE WHEN range % 7 = 0 THEN NULL ELSE sin(range) END AS gaps, "
        "['a', 'b', 'c'][range % 3 + 1] AS job, range % 2 = 0 AS flag, ['u', 'v'][range % 5 // 3 + 1] AS two, "
        "DATE '2020-01-01' + (range * 3)::INTEGER AS day, greatest(range - 88, 0) AS mostly, "
        "range % 3 > 0 AS y FROM range(101)"
    )
    encoder = Encoder.learn(rows, ["y"], keep=["x"])
    places = rng.permutation(101)
    return encoder, Bout.of(encoder, rows.take(places[:61])), Bout.of(encoder, rows.take(places[61:]))


def test_groups_share_out_all_features_of_every_view(rng):
    encoder, train, _ = housing(rng)
    groups = groups_of(encoder)
    assert [one.name for one in groups] == ["x", "gaps", "job", "flag", "two", "day", "mostly"]
    for view in ("scaled", "plain", "coded"):
        places = np.concatenate([getattr(one, view) for one in groups])
        np.testing.assert_array_equal(np.sort(places), np.arange(getattr(train, view).shape[1]))
    assert [one.is_number for one in groups] == [True, True, False, False, False, False, True]


def test_noise_in_the_inputs_is_the_same_to_both(monkeypatch, rng):
    encoder, train, test = housing(rng)
    seen = []
    made(monkeypatch, look=lambda _, rows: seen.append(rows) or sure(rows.y == 1))
    groups = groups_of(encoder)
    found = run("input noise", train, test, ("look", "look"), groups=groups, **OPTIONS)
    assert found.figures["columns"] == 2  # the quartiles of `mostly` are equal
    noisy = seen[0]
    for one, role in zip(groups, encoder.roles, strict=True):
        before, after = test.plain[:, one.plain], noisy.plain[:, one.plain]
        np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
        if one.name not in ("x", "gaps"):
            for view in ("scaled", "plain", "coded"):
                places = getattr(one, view)
                np.testing.assert_array_equal(getattr(noisy, view)[:, places], getattr(test, view)[:, places])
            continue
        assert isinstance(role, Number)
        there = ~np.isnan(after[:, 0])
        assert (before[there] != after[there]).mean() > 0.8
        width = 2.0 * role.scale.half_width  # from the quartile to the quartile
        assert np.std((after - before)[there]) < 1.5 * 0.1 * width / 1.349
        np.testing.assert_array_equal(noisy.coded[:, one.coded], after)
        expected = role.scale.apply(after[:, 0])
        assert np.abs(noisy.scaled[:, one.scaled[0]] - expected).max() < 0.15  # read off between training rows
        np.testing.assert_array_equal(noisy.scaled[:, one.scaled[1:]], test.scaled[:, one.scaled[1:]])


def test_an_answer_that_jumps_is_hurt_by_noise_and_a_slope_is_not(monkeypatch, rng):
    """In y = x noise of σ costs σ²; an answer that is 3 off beyond each multiple of ½ jumps at every one of them."""
    X = rng.normal(size=(1501, 1))
    train, test = halves(X, X[:, 0], 501, 0)

    def jumping(_: Bout, rows: Bout) -> np.ndarray:
        x = rows.plain[:, 0]
        return np.where(np.floor(2.0 * x) == np.floor(2.0 * rows.y), x, x + 3.0)

    made(monkeypatch, jumping=jumping, slope=lambda _, rows: rows.scaled[:, 0])
    found = run("input noise", train, test, ("slope", "jumping"), **OPTIONS)
    assert 0.005 < found.figures["rise"]["slope"]["mean"] < 0.02
    assert (found.towards, found.strength) == ("network", "strong")


def test_columns_without_a_cell_in_the_sample_stay_as_they_are(monkeypatch):
    train, test = rules()
    made(monkeypatch, look=lambda _, rows: sure(rows.y == 1))
    empty = np.full((train.n, 7), np.nan)
    train = replace(train, plain=empty, coded=empty)
    found = run("input noise", train, test, ("look", "look"), **OPTIONS)
    assert found.because == "There is no column of numbers to disturb."


@pytest.mark.parametrize("kind", TRIALS)
def test_one_row_to_test_on_says_nothing(kind):
    train, test = rules()
    found = run(kind, train, test.take(np.array([0])), ("linear", "tree"), **OPTIONS)
    assert (found.towards, found.strength) == ("neither", "none")
    json.dumps(found.figures, allow_nan=False)


@pytest.mark.parametrize("kind", TRIALS)
def test_a_contender_that_breaks_down_leaves_a_trial_without_a_finding(kind, monkeypatch):
    def breaks(bout: Bout, rows: Bout) -> np.ndarray:
        raise RuntimeError("out of luck")

    def learn(bout: Bout, **_: Any) -> Fitted:
        raise RuntimeError("out of memory")

    train, test = rules(301)
    train, test = train.take(np.arange(200)), train.take(np.arange(200, 301))
    made(monkeypatch, vague=lambda _, rows: np.full((rows.n, 2), np.nan), breaks=breaks)
    monkeypatch.setitem(CONTENDERS, "broken", Contender("broken", "made", "made", False, learn))
    for name, said in (
        ("vague", "Vague gives answers that are not finite"),
        ("broken", "Broken could not learn: out of memory"),
        ("breaks", "Breaks could not answer: out of luck"),
    ):
        with pytest.warns(ThalwegWarning, match=f"The trial '{kind}' found nothing: {name} "):
            found = run(kind, train, test, ("linear", name), **OPTIONS)
        assert (found.towards, found.strength, found.figures) == ("neither", "none", {})
        assert found.because == f"{said}, so that nothing is found."


@pytest.mark.parametrize("kind", TRIALS)
def test_where_nobody_learns_anything_nothing_is_found(kind, rng):
    X = rng.normal(size=(301, 5))
    found = run(kind, *halves(X, rng.integers(0, 2, size=301), 201), ("baseline", "baseline"), **OPTIONS)
    assert (found.towards, found.strength) == ("neither", "none")
    if kind != "stability":  # which needs no loss
        assert found.because == "Neither contender is better than the baseline beyond chance, so that nothing is found."


@pytest.mark.parametrize("kind", TRIALS)
def test_trials_are_made_again_to_the_last_digit(kind):
    train, test = rules()
    train, known = train.take(np.arange(161)), {}
    first = run(kind, train, test, ("network", "tree"), known=known, **OPTIONS)
    assert first == run(kind, train, test, ("network", "tree"), **OPTIONS)
    assert set(known) <= {"network", "tree"}
    assert isinstance(first, Trial) and (first.name, first.rows) == (kind, 161)
    assert json.loads(json.dumps(first.figures, allow_nan=False)) == first.figures
    assert first.towards in ("network", "trees", "neither")
    assert (first.strength == "none") == (first.towards == "neither")
    assert first.because[0].isupper() and first.because.endswith(".")


@pytest.mark.parametrize("kind", TRIALS)
def test_the_fits_of_a_trial_are_as_many_as_are_said(kind, monkeypatch):
    train, test = rules()
    rows = []

    def learn(bout: Bout, **_: Any) -> Fitted:
        rows.append(bout.n)
        return Fitted(lambda rows: sure(rows.y == 1), None, 1, "numbers", 0)

    monkeypatch.setitem(CONTENDERS, "counted", Contender("counted", "made", "made", False, learn))
    known = {"counted": learn(train)}
    rows.clear()
    run(kind, train, test, ("counted", "counted"), known=known, **OPTIONS)
    assert sum(rows) / train.n / 2 == pytest.approx(TRIALS[kind].fits, abs=0.01)


def test_a_seed_draws_another_rotation_and_each_turns_all_directions_alike():
    d = 3
    turns = np.stack([rotation_matrix(d, seed) for seed in range(400)])
    np.testing.assert_allclose(np.swapaxes(turns, 1, 2) @ turns, np.broadcast_to(np.eye(d), turns.shape), atol=1e-12)
    # Haar's distribution: entries have mean 0 and mean square 1/d, and reflections are as frequent as rotations.
    assert np.abs(turns.mean(axis=0)).max() < 5 / np.sqrt(d * 400)
    assert np.abs((turns**2).mean(axis=0) - 1 / d).max() < 0.08
    assert 0.35 < (np.linalg.det(turns) > 0).mean() < 0.65


def test_normal_scores_keep_order_and_know_the_ends(rng):
    x = rng.gamma(0.4, size=(211, 1)).round(2)
    score = gaussian(x, x)[:, 0]
    order = np.argsort(x[:, 0], kind="stable")
    steps, scores_up = np.diff(x[order, 0]), np.diff(score[order])
    assert ((scores_up > 0) == (steps > 0)).all() and score.std() == pytest.approx(1.0)
    ends = gaussian(x, np.array([[-7.0], [1e9]]))[:, 0]
    assert tuple(ends) == (score.min(), score.max())
    distinct = rng.normal(size=(97, 1))
    expected = stats.norm.ppf((np.argsort(np.argsort(distinct[:, 0])) + 0.5) / 97)
    np.testing.assert_allclose(gaussian(distinct, distinct)[:, 0], expected / expected.std())


def test_a_sample_has_its_share_of_each_class_and_never_more_rows_than_there_are(rng):
    y = rng.choice(2, size=211, p=[0.2, 0.8])
    bout = Bout.of_matrix(np.arange(211.0)[:, None], y, "classification", 2)
    part = sample(bout, 50, 3)
    assert part.n == 50 and abs(part.y.mean() - y.mean()) < 0.02
    np.testing.assert_array_equal(y[part.scaled[:, 0].astype(int)], part.y)
    assert sample(bout, 211, 3) is bout


def test_what_the_rows_say_of_a_rise_is_their_mean_and_its_interval(monkeypatch):
    train, test = rules()
    made(monkeypatch, one=lambda _, rows: sure(rows.y == 1), two=lambda _, rows: sure(rows.y == 1, 0.8))
    groups = groups_of_matrix(train.scaled)
    ring = Ring(train, test, (CONTENDERS["one"], CONTENDERS["two"]), 0, 1, SMALL, "cpu", groups)
    after = [ring.before[0] + np.linspace(0.0, 1.0, test.n), ring.before[1] + 0.2]
    figures, contrast, unit, _ = ring.rises(ring.before, after, "Then")
    expected = intervals.of_rows(np.linspace(0.0, 1.0, test.n) - 0.2, 0.99)
    assert (contrast.mean, contrast.low, contrast.high) == pytest.approx((expected.mean, expected.low, expected.high))
    assert figures["rise"]["one"]["mean"] == pytest.approx(0.5)
    shares = np.bincount(train.y) / train.n
    assert unit == pytest.approx(-np.log(shares[test.y]).mean() + np.log(0.9))


def test_streams_and_kinds_are_all_different():
    assert len(TRIALS) == 6 and set(trials.__dict__) >= {"changed_columns", "changed_rows"}
    makers = [one.make for one in TRIALS.values()]
    assert len(set(makers)) == len(makers)
    assert all(maker.__module__ in (changed_columns.__name__, changed_rows.__name__) for maker in makers)
