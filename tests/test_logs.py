"""Logs: one row for each epoch, there as soon as it ends, and no file of anybody is lost."""

import csv
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg.logs import COLUMNS


NET = tw.Network([2, 3, 1])
X = np.random.default_rng(1).normal(size=(17, 2))
Y = X[:, 0] - X[:, 1]
LOGS: dict[str, Any] = {"csv": tw.CSVLog, "json": tw.JSONLog}


def train(*callbacks, epochs=4, validation: Any = (X[:5], Y[:5])):
    return tw.train(NET, X, Y, validation=validation, stop=tw.Stop(epochs=epochs), callbacks=callbacks, batch=5)


def rows_of(path) -> list[dict[str, Any]]:
    """Its rows, as another program would read them: None for what is no number."""
    text = Path(path).read_text(encoding="utf-8")
    if Path(path).suffix == ".json":
        return [json.loads(line, parse_constant=lambda name: pytest.fail(name)) for line in text.splitlines()]
    read = csv.DictReader(text.splitlines())
    return [{name: float(cell) if cell else None for name, cell in row.items()} for row in read]


class Measuring:
    """A callback that measures something from an epoch on."""

    def __init__(self, start=1, name="moon"):
        self.start, self.name = start, name

    def on_epoch(self, run):
        if run.epoch >= self.start:
            run.metrics[self.name] = run.epoch / 7


@pytest.fixture(params=LOGS)
def kind(request) -> str:
    return request.param


@pytest.fixture
def path(kind, tmp_path) -> Path:
    return tmp_path / f"run.{kind}"


def test_every_epoch_is_a_row_with_what_the_history_has(kind, path):
    history = train(LOGS[kind](path)).history
    rows = rows_of(path)
    assert len(rows) == 4 and all(tuple(row) == COLUMNS for row in rows)
    for name in COLUMNS:
        np.testing.assert_array_equal([row[name] for row in rows], getattr(history, name))


def test_whole_numbers_are_written_as_such(kind, path):
    train(LOGS[kind](path), epochs=1)
    last = path.read_text().splitlines()[-1]
    assert last.startswith({"csv": "1,4,", "json": '{"epoch": 1, "steps": 4, '}[kind])


def test_a_row_is_there_as_soon_as_its_epoch_ends(kind, path):
    seen = []

    class Look:
        def on_epoch(self, run):
            seen.append(len(rows_of(path)))

    train(LOGS[kind](path), Look())
    assert seen == [1, 2, 3, 4]


def test_what_is_no_number_is_empty_or_null(kind, path):
    train(LOGS[kind](path), validation=None)
    assert [row["validation_loss"] for row in rows_of(path)] == [None] * 4


def test_what_other_callbacks_measure_is_written_too(kind, path):
    stopping = tw.EarlyStopping("r2", patience=9)
    train(stopping, Measuring(), LOGS[kind](path))
    rows = rows_of(path)
    assert [row["r2"] for row in rows] == stopping.values and tuple(rows[0]) == (*COLUMNS, "r2", "moon")
    assert [row["moon"] for row in rows] == [epoch / 7 for epoch in (1, 2, 3, 4)]


def test_averages_have_a_column_from_the_first_epoch_on(kind, path):
    averaging = tw.WeightAveraging(start=3)
    train(averaging, LOGS[kind](path))
    losses = [row["averaged_validation_loss"] for row in rows_of(path)]
    assert losses[:2] == [None, None] and losses[2:] == averaging.validation_losses[2:]


def test_a_log_in_the_wrong_place_says_so(kind, path):
    with pytest.warns(tw.ThalwegWarning, match=f"{kind.upper()}Log.* stands before the callback that measures 'moon'"):
        train(LOGS[kind](path), Measuring())
    assert tuple(rows_of(path)[0]) == COLUMNS


def test_a_metric_that_comes_late(tmp_path):
    with pytest.warns(tw.ThalwegWarning, match="no column for moon, which came after its first row"):
        train(Measuring(start=4), tw.CSVLog(tmp_path / "run.csv"))
    assert tuple(rows_of(tmp_path / "run.csv")[-1]) == COLUMNS
    train(Measuring(start=4), tw.JSONLog(tmp_path / "run.json"))
    assert [row.get("moon") for row in rows_of(tmp_path / "run.json")] == [None, None, None, 4 / 7]


def test_a_file_that_is_there_is_refused_unless_asked(kind, path):
    path.write_text("precious")
    for options in ({}, {"if_exists": "refuse"}):
        with pytest.raises(
            tw.InputError, match="exists; give .*Log another path, or if_exists='append' or 'overwrite'"
        ):
            train(LOGS[kind](path, **options))
    assert path.read_text() == "precious"
    train(LOGS[kind](path, "overwrite"), epochs=2)
    assert [row["epoch"] for row in rows_of(path)] == [1, 2]
    train(LOGS[kind](path, "append"), epochs=3)
    assert [row["epoch"] for row in rows_of(path)] == [1, 2, 1, 2, 3]


def test_appending_to_nothing_begins_a_file(kind, path):
    train(LOGS[kind](path, "append"), epochs=2)
    assert [row["epoch"] for row in rows_of(path)] == [1, 2]


def test_a_resumed_training_goes_on_in_its_log(kind, path, tmp_path):
    options = {"batch": 5, "callbacks": [LOGS[kind](path, "append")], "checkpoint": tw.Checkpoint(tmp_path / "c")}
    tw.train(NET, X, Y, stop=tw.Stop(epochs=2), **options)
    tw.train(NET, X, Y, stop=tw.Stop(epochs=5), resume=tmp_path / "c", **options)
    assert [row["epoch"] for row in rows_of(path)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("if_exists", ["refuse", "append", "overwrite"])
def test_a_second_training_with_the_same_log_goes_on_below(if_exists, kind, path):
    log = LOGS[kind](path, if_exists)
    train(log, epochs=2)
    train(log, epochs=3)
    assert [row["epoch"] for row in rows_of(path)] == [1, 2, 1, 2, 3]


def test_fit_writes_a_refit_too(kind, path):
    rows = "SELECT range * 37 % 101 AS x, range % 7 > 3 AS big FROM range(300)"
    model = tw.fit(rows, target="big", epochs=3, refit=True, callbacks=[LOGS[kind](path)])
    epochs = [row["epoch"] for row in rows_of(path)]
    assert epochs == [1, 2, 3, *range(1, len(model.history) + 1)]


def test_other_columns_are_not_appended_to(tmp_path):
    path = tmp_path / "run.csv"
    train(Measuring(), tw.CSVLog(path), epochs=1)
    before = path.read_text()
    with pytest.raises(tw.InputError, match="has the columns epoch, .*, moon, and there would be epoch, .*_rate now"):
        train(tw.CSVLog(path, "append"))
    assert path.read_text() == before


def test_names_with_commas_stay_in_their_cells(tmp_path):
    path = tmp_path / "run.csv"
    train(Measuring(name='a "b", c'), tw.CSVLog(path), epochs=1)
    assert rows_of(path)[0]['a "b", c'] == 1 / 7


def test_what_is_infinite_is_written_as_each_kind_can(kind, path):
    class Endless:
        def on_epoch(self, run):
            run.metrics["endless"] = math.inf

    train(Endless(), LOGS[kind](path), epochs=1)
    assert rows_of(path)[0]["endless"] == {"csv": math.inf, "json": None}[kind]


@pytest.mark.parametrize("place", ["missing/run", "."])
def test_a_place_where_no_file_can_be(place, kind, tmp_path):
    with pytest.raises(tw.InputError, match="does not exist|is a folder"):
        train(LOGS[kind](tmp_path / place))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused(kind, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(tw.InputError, match="is not an ordinary file"):
        train(LOGS[kind](tmp_path / "pipe", "append"))


def test_a_training_that_cannot_start_closes_the_file(kind, path):
    log = LOGS[kind](path)
    with pytest.raises(tw.InputError, match="needs validation rows"):
        train(log, tw.EarlyStopping(), validation=None)
    train(log, epochs=1)
    assert len(rows_of(path)) == 1
    with pytest.raises(tw.InputError, match="needs validation rows"):
        train(tw.EarlyStopping(), LOGS[kind](path, "append"), validation=None)  # its on_end comes without on_start


def test_settings_are_checked_when_made(kind, path):
    with pytest.raises(tw.InputError, match=r"Log: if_exists must be one of refuse, append, overwrite, not 'ask'"):
        LOGS[kind](path, "ask")
