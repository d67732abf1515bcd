"""docs/callbacks.md: its Python runs from top to bottom, and does what the page says."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from thalweg.logs import COLUMNS


PAGE = (Path(__file__).resolve().parents[1] / "docs" / "callbacks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PRINTED = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The names of the page after its last block, what it printed, and its folder."""
    folder, lines = tmp_path_factory.mktemp("page"), []
    names: dict = {"print": lambda *values: lines.append(" ".join(map(str, values)))}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in BLOCKS:
            exec(compile(block, "callbacks.md", "exec"), names)
    return names, "\n".join(lines), folder


def test_there_is_something_to_run():
    assert len(BLOCKS) == 10 and len(PRINTED) == 1


def test_it_prints_what_it_says(page):
    _, printed, _ = page
    assert PRINTED[0] in printed
    assert "A callback asked to stop: roc_auc has not risen for 10 epochs; its best value is 0." in printed
    assert "A callback asked to stop: it is late." in printed


def test_its_files_are_written(page):
    names, _, folder = page
    assert (folder / "doctor.svg").is_file() and len((folder / "run.jsonl").read_text().splitlines()) == 80
    with open(folder / "stopped.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == (*COLUMNS, "roc_auc") and len(rows) < 80


def test_its_examples_do_what_they_are_for(page):
    names, _, _ = page
    assert names["plateau"].reductions and names["stopping"].best_value < 60
    assert names["averaging"].best_epoch > 0


class Writer:
    """Stands in for TensorBoard's writer and for the module mlflow."""

    def __init__(self):
        self.scalars, self.params, self.metrics, self.closed = [], {}, [], 0

    def add_scalar(self, name, number, step):
        self.scalars.append((name, number, step))

    def log_params(self, params):
        self.params |= params

    def log_metrics(self, metrics, step):
        self.metrics.append((step, metrics))

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("validation", [0.2, None])
def test_tensorboard_and_mlflow(validation, page):
    names, _, _ = page
    board, flow = Writer(), Writer()
    stopping = tw.EarlyStopping("accuracy" if validation else "loss", patience=9)
    history = tw.train(
        names["net"], names["X"], names["y"], validation=validation, stop=tw.Stop(epochs=3),
        callbacks=[stopping, names["TensorBoard"](board), names["MLflow"](flow)],
    ).history  # fmt: skip
    expected = {"loss", *(["validation_loss", "accuracy"] if validation else [])}
    assert {name for name, _, _ in board.scalars} == {*expected, "rate"} and board.closed == 1
    assert [number for name, number, _ in board.scalars if name == "loss"] == history.loss.tolist()
    assert [step for step, _ in flow.metrics] == [1, 2, 3] and "optimizer" in flow.params
    assert all(metrics.keys() == expected for _, metrics in flow.metrics)
    np.testing.assert_array_equal([metrics["loss"] for _, metrics in flow.metrics], history.loss)
