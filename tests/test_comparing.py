"""comparing: contenders on the same folds, what a budget cuts, what Ctrl-C leaves, and what is refused."""

import contextlib
import json
import signal
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import thalweg as tw
from thalweg import budget, comparing, tournament
from thalweg.bouts import Fitted
from thalweg.budget import Budget
from thalweg.comparing import compare, default_budget
from thalweg.contenders import CONTENDERS, Contender
from thalweg.errors import InputError, TableError
from thalweg.trials import TRIALS


QUICK: dict[str, Any] = {"hidden": (11,), "epochs": 3, "evidence": False, "budget": "10m"}
THREE = ["network", "tree", "baseline"]


def rows(n: int = 97, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, colour = rng.normal(size=n), rng.choice(["red", "green", "blue"], n)
    score = x + (colour == "red") + 0.3 * rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "colour": colour,
            "shop": rng.integers(0, 11, n).astype(str),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(n), unit="D"),
            "good": np.where(score > 0.3, "yes", "no"),
            "price": 100.0 + 10.0 * score,
        }
    )


def of(target: str) -> pd.DataFrame:
    return rows().drop(columns=["good", "price"]).assign(**{target: rows()[target]})


def figures(comparison: tw.Comparison) -> dict[str, Any]:
    return {name: one.by_fold for name, one in comparison.results.items()}


@pytest.fixture(scope="module")
def classes():
    return compare(of("good"), "good", drop=["shop", "day"], contenders=THREE, n_folds=3, **QUICK)


# ---- what comes back


def test_everyone_is_measured_on_every_fold(classes):
    assert classes.task == "classification" and classes.classes == ("no", "yes")
    assert (classes.rows, classes.columns, classes.target) == (97, 2, "good")
    assert [*classes.results] == THREE
    assert classes.folds == "3 folds, drawn 2 times, of each class about the same share"
    assert classes.settings["run"] == 6 and len(classes.runs) == 3 and classes.cut == ()
    assert all(len(values) == 6 for one in classes.results.values() for values in one.by_fold.values())
    assert classes.results["tree"].figure("log_loss") < classes.results["baseline"].figure("log_loss")
    assert classes.ratio == pytest.approx(0.5, abs=0.02)
    assert classes.outcome is not None and classes.outcome.champion == "tree"


def test_the_figures_are_those_of_the_models_that_are_kept(classes):
    from sklearn import metrics

    y = rows()["good"].to_numpy() == "yes"
    for number, run in enumerate(classes.runs):
        assert not set(run.train) & set(run.test)
        p = run.answers["tree"].outputs[:, 1]
        by_fold = classes.results["tree"].by_fold
        assert by_fold["auc"][number] == pytest.approx(metrics.roc_auc_score(y[run.test], p))
        assert by_fold["error"][number] == pytest.approx(np.mean((p > 0.5) != y[run.test]))
        assert by_fold["log_loss"][number] == pytest.approx(metrics.log_loss(y[run.test], np.clip(p, 1e-15, 1 - 1e-15)))


def test_it_is_plain_json(classes):
    plain = json.loads(json.dumps(classes.to_dict(), allow_nan=False))
    assert plain["winner"] == classes.winner and plain["verdict"] == classes.verdict
    assert [*plain["contenders"]] == THREE and plain["measure"] == "log_loss"
    assert plain["contenders"]["tree"]["network_minus_it"]["auc"].keys() == {"mean", "low", "high"}
    assert plain["settings"]["interrupted"] is False


def test_numbers_and_the_task_that_is_asked_for():
    found = compare(of("price"), "price", drop=["shop", "day"], contenders=THREE, n_folds=3, repeats=1, **QUICK)
    assert (found.task, found.classes, found.measure) == ("regression", (), "rmse")
    assert found.folds == "3 folds" and found.measures == ("rmse", "mae", "r2")
    grades = of("good").assign(grade=np.arange(97) % 4).drop(columns=["good", "shop", "day"])
    for task, expected in (("auto", "classification"), ("regression", "regression")):
        assert tw.fit(grades, "grade", task=task, hidden=(3,), epochs=1).encoder.task == expected
        assert compare(grades, "grade", task=task, contenders=THREE, n_folds=2, repeats=1, **QUICK).task == expected


def test_the_same_seed_gives_the_same_numbers(classes):
    again = compare(of("good"), "good", drop=["shop", "day"], contenders=THREE, n_folds=3, **QUICK)
    other = compare(of("good"), "good", drop=["shop", "day"], contenders=THREE, n_folds=3, seed=1, **QUICK)
    assert figures(again) == figures(classes) != figures(other)


def test_the_measure_that_decides(classes):
    found = compare(of("good"), "good", drop=["shop", "day"], contenders=THREE, n_folds=3, measure="auc", **QUICK)
    assert found.measure == found.measures[0] == "auc" and figures(found) == figures(classes)
    assert "AUC" in found.verdict


def test_evidence_is_there_when_it_is_wanted():
    wanted = {**QUICK, "evidence": True}
    found = compare(of("good"), "good", drop=["shop", "day"], contenders=THREE, n_folds=3, repeats=1, **wanted)
    assert found.tendencies and found.criteria and found.trials
    json.dumps(found.to_dict(), allow_nan=False)
    without = compare(of("good"), "good", drop=["shop", "day"], contenders=THREE, n_folds=3, repeats=1, **QUICK)
    assert not (without.tendencies or without.criteria or without.trials)
    assert figures(found) == figures(without)


def test_progress_says_what_begins_and_how_far_it_is():
    said: list[tuple[str, float]] = []
    compare(
        of("good"), "good", drop=["shop", "day"], contenders=["tree", "baseline"], n_folds=2, repeats=1,
        progress=lambda *given: said.append(given), **QUICK,
    )  # fmt: skip
    assert said == [
        ("fold 1: tree", 0.0), ("fold 1: baseline", 0.25), ("fold 2: tree", 0.5), ("fold 2: baseline", 0.75),
    ]  # fmt: skip


def test_the_largest_seed_has_folds_enough():
    found = compare(of("good"), "good", contenders=["tree", "baseline"], n_folds=2, seed=2**64 - 1, **QUICK)
    assert found.settings["run"] == 4


# ---- how rows are parted


def test_a_group_is_never_parted_and_is_no_input():
    found = compare(of("good"), "good", drop="day", groups="shop", contenders=["tree", "baseline"], n_folds=3, **QUICK)
    assert found.columns == 2 and "the rows of one 'shop' together" in found.folds
    shops = rows()["shop"].to_numpy()
    for run in found.runs:
        assert not set(shops[run.train]) & set(shops[run.test])
        assert [role.column for role in run.encoder.roles] == ["x", "colour"]


def test_every_fold_by_time_is_tested_by_later_rows_and_the_time_is_no_input():
    table = of("price").assign(day=lambda old: old["day"].where(old.index != 5))
    found = compare(table, "price", drop="shop", time="day", contenders=["tree", "baseline"], n_folds=3, **QUICK)
    assert found.rows == 96 and found.columns == 2  # a row without a time is left out
    assert found.folds == "in order of 'day': each of 3 folds is tested by later rows; 1 row without it left out"
    days = found.settings["run"], rows().drop(index=5)["day"].to_numpy()
    assert days[0] == 3
    for run in found.runs:
        assert days[1][run.train].max() < days[1][run.test].min()


# ---- the budget, by a clock that contenders move


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(budget, "time", SimpleNamespace(perf_counter=lambda: now.seconds))
    monkeypatch.setattr(comparing, "Budget", lambda seconds: Budget(seconds, started=now.seconds))
    return now


def slow(
    clock, name: str, seconds_per_row: float, interrupted_at: int | None = None, *, family: str = "trees",
    stops: bool = False, seen: list[tuple[int, float]] | None = None, answering: float = 0.0,
) -> Contender:  # fmt: skip
    """Takes so long for each row, and always answers the same; `seen` gets its rows and its limits of seconds."""
    times = iter(range(1_000))

    def outputs(rows):
        clock.seconds += answering * rows.n
        return np.full((rows.n, rows.n_classes), 1 / rows.n_classes)

    def learn(bout, seconds: float = np.inf, **_):
        if seen is not None:
            seen.append((bout.n, seconds))
        if next(times) == interrupted_at:
            raise KeyboardInterrupt
        clock.seconds += min(seconds_per_row * bout.n, seconds)
        return Fitted(outputs, None, 1, "numbers", 8)

    return Contender(name, family, "slow", False, learn, stops=stops)


def run(clock, n: int, seconds: Any, **more: Any) -> tw.Comparison:
    X = np.random.default_rng(1).normal(size=n)
    table = pd.DataFrame({"x": X, "y": np.where(X > 0, "a", "b")})
    two = [slow(clock, "one", 0.001), slow(clock, "two", 0.001)]
    return compare(table, "y", **{"contenders": two, "budget": seconds, "evidence": False, "repeats": 1, **more})


@pytest.mark.parametrize(
    ("seconds", "more", "folds"),
    [  # 300 rows: a fold of 240 takes 0.48 s, and it runs if so much is left
        (2.5, {}, 5),
        (2.4, {}, 5),
        (2.3, {}, 4),
        (1.0, {}, 2),
        (0.001, {}, 1),  # one fold is run in any case
        (1.0, {"evidence": True}, 2),  # a quarter is kept for it, but not of three folds
        (2.3, {"evidence": True}, 4),  # what the evidence leaves is spent on a fold
        (2.5, {"repeats": 2}, 5),  # further draws are cut first
        (4.9, {"repeats": 2}, 10),
    ],
)
def test_folds_that_do_not_fit_are_cut_and_said(clock, seconds, more, folds):
    found = run(clock, 300, seconds, **more)
    asked = 5 * more.get("repeats", 1)
    assert found.settings["run"] == folds and len(found.runs) == min(folds, 5)
    assert found.cut == ((f"only {folds} of {asked} folds were run",) if folds < asked else ())
    said = f"; {folds} of these {asked} run" + (", its test rows in parts" if folds < 3 else "")
    assert found.folds.endswith(said if folds < asked else "of each class about the same share")
    parts = found.results["one"].by_fold["log_loss"]
    assert len(parts) == (folds if folds > 2 else folds * tournament.BLOCKS)
    assert np.allclose(np.array(parts, float), np.log(2))


def test_a_single_fold_is_measured_in_blocks_of_all_its_rows(clock):
    found = run(clock, 300, 0.001)
    errors = found.results["one"].by_fold["error"]
    y = found.runs[0].tested.y
    assert len(y) == 60 and np.mean(np.array(errors, float)) == pytest.approx(np.mean(y != 0))
    assert found.ratio == 0.25


@pytest.mark.parametrize(
    ("seconds", "learnt", "folds"),
    [  # 6,000 rows: 4,800 train; a probe of 1,000 takes 2 s, by which three folds are taken to need 0.7 · 3 · 9.6 s
        (60.0, None, 5),
        (31.0, None, 3),
        (30.0, None, 2),  # the folds take what the probe said, not less
        (20.0, 2_400, 3),
        (12.0, 1_200, 4),
        (9.0, 1_200, 2),
        (0.5, 1_000, 1),
    ],
)
def test_training_rows_that_do_not_fit_are_cut_so_that_about_three_folds_can_run(clock, seconds, learnt, folds):
    found = run(clock, 6_000, seconds)
    cut = [] if learnt is None else [f"each contender learnt from {learnt:,} of 4,800 training rows"]
    cut += [] if folds == 5 else [f"only {folds} of 5 folds were run"]
    assert [*found.cut] == cut
    assert all(len(one.train) == (learnt or 4_800) for one in found.runs)
    assert all(len(one.test) == 1_200 for one in found.runs)


@pytest.mark.parametrize(
    ("seconds", "learnt"),
    [  # 20,000 rows: 16,000 train; both take 0.5 s for 250 rows
        (1_000.0, [250, 1_000, *[16_000] * 5]),  # four times as many take less than an eighth of what is left
        (10.0, [250, 2_000, 2_000]),
        (2.5, [250] * 5),  # the first of which is the first fold, too
        (0.4, [250]),
    ],
)
def test_of_wide_tables_few_rows_are_tried_first(clock, monkeypatch, seconds, learnt):
    monkeypatch.setattr(tournament, "PROBE_CELLS", 500)  # two classes, one column
    seen: list[tuple[int, float]] = []
    found = run(clock, 20_000, seconds, contenders=[slow(clock, "one", 0.001, seen=seen), slow(clock, "two", 0.001)])
    assert [n for n, _ in seen] == learnt
    assert found.settings["run"] == learnt.count(learnt[-1])
    assert found.settings["seconds"] == pytest.approx(0.002 * sum(learnt))


def test_who_takes_too_long_for_few_rows_is_stopped_and_left_out_if_it_can_be_spared(clock):
    def ran(rate: float, family: str = "trees"):
        seen: list[tuple[int, float]] = []
        two = slow(clock, "one", 0.0001), slow(clock, "two", rate, family=family, stops=True, seen=seen)
        return run(clock, 6_000, 100.0, contenders=two), seen

    found, seen = ran(0.011)
    assert [*found.results] == ["one"] and seen == [(1_000, 10.0)]
    assert found.cut == ("two was left out: to learn from 1,000 rows took it over 10.0 s",)
    assert found.settings["seconds"] == pytest.approx(10.0 + 0.1 + 5 * 0.48)
    found, seen = ran(0.003)  # and later takes as long as it wants
    assert [*found.results] == ["one", "two"] and [*found.cut] == []
    assert seen == [(1_000, 10.0), *[(4_800, np.inf)] * 5]
    found, seen = ran(0.011, "boosted")  # the only one of its family
    assert [*found.results] == ["one", "two"] and all(limit == np.inf for _, limit in seen)


def test_an_experiment_costs_its_answers_too(clock, monkeypatch):
    monkeypatch.setattr(tournament, "perf_counter", lambda: clock.seconds)
    monkeypatch.setattr(tournament, "TIMED_ROWS", 100)
    monkeypatch.setattr(tournament.trials, "run", lambda name, *_, **__: SimpleNamespace(name=name))
    two = [slow(clock, name, 0.0, family=name, answering=0.001) for name in ("network", "trees")]

    def made(seconds: float):
        found = run(clock, 300, seconds, contenders=two, evidence=True)
        return [one.name for one in found.trials], [*found.cut]

    # Five folds of 60 test rows take 0.6 s, and to time answers 0.2 s. To shuffle a column takes 7 answers of 0.12 s.
    everything = [*TRIALS]
    others = [name for name in TRIALS if name != "uninformative columns"]
    assert made(5.0) == (everything, [])
    assert made(1.8) == (others, ["without the experiment uninformative columns"])


def broken(what: str) -> Contender:
    """Raises, or answers with what is no number."""

    def learn(bout, **_):
        if what == "raises":
            raise RuntimeError("the oven is cold")
        return Fitted(lambda rows: np.full((rows.n, bout.n_classes), np.nan), None, 1, "numbers", 8)

    return Contender("mine", "trees", "broken", False, learn)


@pytest.mark.parametrize(
    ("what", "why"),
    [("raises", "it broke down: RuntimeError: the oven is cold"), ("nan", "it gave an answer that is not finite")],
)
def test_who_breaks_down_is_left_out_and_the_others_go_on(clock, what, why):
    contenders = [slow(clock, "one", 0.001), broken(what), slow(clock, "two", 0.001)]
    found = run(clock, 300, 60.0, contenders=contenders)
    assert [*found.results] == ["one", "two"] and found.settings["run"] == 5
    assert found.cut == (f"mine was left out: {why}",) and found.settings["left_out"] == ["mine"]
    with pytest.raises(InputError, match="nobody is left to compare; ask for other contenders"):
        run(clock, 300, 60.0, contenders=[broken(what), replace(broken(what), name="other")])


def test_a_fold_is_tested_by_no_more_rows_than_tell_nor_than_were_learnt_from(clock, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tournament, "MOST_TEST_ROWS", 31)
        found = run(clock, 300, 60.0)
    assert all(len(one.test) == 31 for one in found.runs)
    monkeypatch.setattr(tournament, "FEW_TEST_ROWS", 31)
    (only,) = run(clock, 6_000, 0.5).runs
    assert (len(only.train), len(only.test)) == (1_000, 1_000)


def test_a_number_that_varies_in_one_row_alone_is_refused_before_anything_is_run():
    table = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40) == 7}).astype(float)
    with pytest.raises(TableError, match="a fold would learn from rows of one value alone, as hardly any row is of"):
        compare(table, "y", task="regression", evidence=False)


def test_what_is_not_used_is_said_with_its_reason(classes):
    unused = classes.settings["unused"]
    assert set(unused) == {"shop", "day"} and all(unused.values())


def test_unknown_names_are_refused_with_those_that_are_known(classes):
    for ask, said in (
        (lambda: classes.difference("oak"), "contender must be one of network, "),
        (lambda: classes.difference("tree", "rmse"), "measure must be one of log_loss, error, auc, calibration, not"),
        (lambda: classes.results["tree"].figure("rmse"), "measure must be one of log_loss, error, auc, calibration"),
    ):
        with pytest.raises(InputError, match=said):
            ask()


def test_a_class_that_a_probe_would_miss_costs_nobody_his_place():
    rng = np.random.default_rng(3)
    rare = np.zeros(6_000, dtype=int)
    rare[rng.choice(6_000, 8, replace=False)] = 1
    table = pd.DataFrame({"x": rng.normal(size=6_000), "y": rare})
    found = compare(table, "y", task="classification", contenders=["boosting", "linear", "baseline"], n_folds=2,
                    repeats=1, evidence=False, budget="10m")  # fmt: skip
    assert [*found.results] == ["boosting", "linear", "baseline"] and found.cut == ()


def test_rows_that_are_all_alike_are_no_probe():
    x = np.zeros(9_000)
    x[[17, 5_003, 8_101, 8_500]] = 1.0
    table = pd.DataFrame({"x": x, "y": np.arange(9_000) % 2 == 0})
    found = compare(table, "y", contenders=["tree", "baseline"], n_folds=2, repeats=1, evidence=False, budget="10m")
    assert found.settings["run"] == 2 and found.cut == ()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda rows: np.ones(rows.n), "answered in the shape (60,), and (60, 2) was asked for"),
        (lambda rows: np.tile([2.0, -1.0], (rows.n, 1)), "gave a probability of -1"),
    ],
)
def test_an_answer_that_is_none_leaves_the_others_their_comparison(clock, answer, said):
    odd = replace(slow(clock, "odd", 0.001), learn=lambda bout, **_: Fitted(answer, None, 1, "numbers", 8))
    found = run(clock, 300, 60.0, contenders=[odd, slow(clock, "one", 0.001)])
    assert [*found.results] == ["one"] and said in found.cut[0]


def test_the_budget_that_nobody_asked_for_grows_with_the_rows():
    assert [default_budget(n) for n in (0, 800, 1_200, 10_000, 10**7)] == [10.0, 10.0, 12.0, 56.0, 100.0]


# ---- Ctrl-C


def test_ctrl_c_leaves_the_folds_that_are_whole(clock):
    contenders = [slow(clock, "one", 0.001), slow(clock, "two", 0.001, interrupted_at=2)]
    found = run(clock, 300, 60.0, contenders=contenders)
    assert found.settings["interrupted"] is True and found.settings["run"] == 2
    assert found.cut == ("it was interrupted, and what was not complete is left out", "only 2 of 5 folds were run")
    assert all(len(one.by_fold["error"]) == 2 * tournament.BLOCKS for one in found.results.values())


def test_ctrl_c_before_a_fold_is_whole_leaves_nothing(clock):
    with pytest.raises(KeyboardInterrupt):
        run(clock, 300, 60.0, contenders=[slow(clock, "one", 0.001), slow(clock, "two", 0.001, interrupted_at=0)])
    with pytest.raises(KeyboardInterrupt):  # nor while it looks how long things take
        run(clock, 6_000, 60.0, contenders=[slow(clock, "one", 0.001), slow(clock, "two", 0.001, interrupted_at=0)])


@pytest.mark.parametrize("leaves", ["another error", "nothing"])
def test_ctrl_c_that_compiled_code_swallows_counts_all_the_same(clock, leaves):
    times = iter(range(100))

    def learn(bout, **options):
        if next(times) == 2:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            if leaves == "another error":
                message = "a buffer that Ctrl-C left half full"
                raise ValueError(message)
        return one.learn(bout, **options)

    one = slow(clock, "one", 0.001)
    found = run(clock, 300, 60.0, contenders=[one, replace(one, name="two", learn=learn)])
    assert found.settings["interrupted"] is True and found.settings["run"] == 2
    assert found.settings["left_out"] == [] and [*found.results] == ["one", "two"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_an_experiment_leaves_the_folds_and_the_experiments_before(monkeypatch):
    from thalweg import trials

    real, made = trials.run, []

    def third_is_interrupted(name, *given, **more):
        made.append(name)
        if len(made) == 3:
            raise KeyboardInterrupt
        return real(name, *given, **more)

    monkeypatch.setattr(trials, "run", third_is_interrupted)
    found = compare(
        of("good"), "good", drop=["shop", "day"], contenders=THREE, n_folds=2, repeats=2, **{**QUICK, "evidence": True}
    )
    assert [one.name for one in found.trials] == made[:2] and found.tendencies
    assert (
        found.settings["interrupted"] and found.settings["run"] == 2 and found.cut[-1] == "only 2 of 4 folds were run"
    )


def test_a_contender_of_ones_own_is_in_the_experiments_too(tmp_path):
    mine = replace(CONTENDERS["tree"], name="mine", called=None)
    found = compare(
        of("good"), "good", drop=["shop", "day"], contenders=["network", mine, "baseline"], n_folds=2, repeats=1,
        **{**QUICK, "evidence": True},
    )  # fmt: skip
    assert found.outcome is not None and found.outcome.champion == "mine"
    assert [one.name for one in found.trials] == [*TRIALS]
    found.report(tmp_path / "own.html")
    assert "mine" in (tmp_path / "own.html").read_text(encoding="utf-8")


# ---- what is refused


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"contenders": ["network", "oak"]}, InputError, "contender must be one of network, tree, .*, not 'oak'"),
        ({"contenders": "tree"}, InputError, "contenders must be a list of names such as"),
        ({"contenders": 7}, InputError, "contenders must be a list of names such as"),
        ({"contenders": ["tree"]}, InputError, "two or more contenders of different names"),
        ({"contenders": ["tree", "tree"]}, InputError, "two or more contenders of different names"),
        ({"target": ["good", "x"]}, InputError, "of one target, not of 2; compare one after the other"),
        ({"target": "bad"}, TableError, "'bad'"),
        ({"groups": "shop", "time": "day"}, InputError, "groups and time exclude each other; leave one of them out"),
        ({"groups": "stall"}, TableError, "'stall'"),
        ({"time": "hour"}, TableError, "'hour'"),
        ({"time": "colour"}, TableError, "'colour' is text, which has no order in time; make dates or numbers of it"),
        ({"time": "good"}, InputError, "cannot be parted by 'good', as it is the target; choose another column"),
        ({"groups": "good"}, InputError, "cannot be parted by 'good', as it is the target; choose another column"),
        ({"drop": "nothing"}, TableError, "'nothing'"),
        ({"measure": "rmse"}, InputError, "measure must be one of log_loss, error, auc, not 'rmse'"),
        ({"measure": "calibration"}, InputError, "measure must be one of log_loss, error, auc, not 'calibration'"),
        ({"time": "day", "repeats": 2}, InputError, "repeats=2 would do nothing, as there is one order in time"),
        ({"repeats": 0}, InputError, "repeats must be a whole number ≥ 1, not 0"),
        ({"n_folds": 1}, InputError, "n_folds must be a whole number ≥ 2, not 1"),
        ({"n_folds": 25}, TableError, "has 97 rows with a target, and 25 folds need at least 100; give more rows"),
        ({"groups": "shop", "n_folds": 12}, InputError, "12 folds need at least 12 groups, and there are 11"),
        ({"budget": "soon"}, InputError, "the budget must be a time such as 60s, 2m or 1h, not 'soon'"),
        ({"budget": -1}, InputError, "budget must be a number of seconds > 0"),
        ({"task": "guess"}, InputError, "task must be 'auto', 'classification' or 'regression', not 'guess'"),
        ({"sizes": (3,)}, InputError, "sizes"),
        ({"epochs": 0}, InputError, "epochs"),
        ({"engine": "gpu"}, InputError, "gpu"),
        ({"threads": 0}, InputError, "threads must be a whole number from 1 to"),
        ({"threads": 0, "contenders": ["tree", "forest"]}, InputError, "threads must be a whole number from 1 to"),
        ({"seed": -1}, InputError, "the seed must be a whole number from 0 to"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_an_option_that_breaks_its_rule_is_refused_in_a_sentence(given, error, said):
    arguments = {"target": "good", "contenders": THREE, "n_folds": 3, **QUICK, **given}
    with pytest.raises(error, match=said):
        compare(of("good"), **arguments)


def test_a_contender_whose_package_is_missing(monkeypatch):
    absent = Contender("absent", "trees", "absent", False, CONTENDERS["tree"].learn, "no_such_package")
    monkeypatch.setitem(CONTENDERS, "absent", absent)
    with pytest.raises(InputError, match="'absent' needs the package no_such_package; install it: pip install no_su"):
        compare(of("good"), "good", contenders=["tree", "absent"], **QUICK)
    assert "absent" not in [one.name for one in comparing._check_contenders(None)]


def test_too_few_rows_by_time_and_rows_of_one_class_alone():
    few = of("good").assign(day=pd.Timestamp("2024-01-01"))
    with pytest.raises(InputError, match="3 folds by time need at least 4 different times, and there are 1"):
        compare(few, "good", time="day", contenders=THREE, n_folds=3, **QUICK)
    late = of("good").sort_values("day").assign(good=["no"] * 60 + ["yes"] * 37)
    with pytest.raises(TableError, match="would learn from rows of one class alone, as the earliest by 'day' are"):
        compare(late, "good", time="day", contenders=THREE, n_folds=3, **QUICK)
    apart = of("good").assign(good=lambda old: np.where(old["shop"] == "7", "yes", "no"))
    with pytest.raises(TableError, match="of one class alone, as those of one 'shop' stay together; ask for fewer fol"):
        compare(apart, "good", groups="shop", contenders=THREE, n_folds=3, **QUICK)


def test_a_contender_of_your_own(clock):
    own = slow(clock, "mine", 0.0)
    found = compare(of("good"), "good", drop=["shop", "day"], contenders=["network", own], n_folds=3, **QUICK)
    assert found.outcome is not None and found.outcome.champion == "mine" and "that of mine" in found.verdict


def test_a_class_of_a_single_row_is_no_obstacle():
    table = of("good").drop(columns=["shop", "day"])
    table.loc[7, "good"] = "maybe"
    everyone = [one.name for one in CONTENDERS.values() if one.installed]
    with pytest.warns(tw.ThalwegWarning, match="'maybe' .* has a single row") as warned:
        found = compare(table, "good", contenders=everyone, n_folds=3, repeats=1, **QUICK)
        by_auc = compare(table, "good", contenders=THREE, n_folds=3, repeats=1, measure="auc", **QUICK)
    assert len(warned) == 2  # once a comparison, not once a fold
    assert found.classes == ("maybe", "no", "yes") and found.outcome is not None
    for one in found.results.values():
        assert sum(value is None for value in one.by_fold["auc"]) == 2  # the folds that do not test it
    json.dumps(found.to_dict(), allow_nan=False)
    assert by_auc.winner is None
