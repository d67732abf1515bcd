"""docs/export.md: its commands, its Python and its C do what the page says."""

import re
import subprocess
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import thalweg as tw
from command_line import run, write_csv
from compiled import needs_compiler


PAGE = (Path(__file__).resolve().parents[1] / "docs" / "export.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (\w.*?)(?: *#.*)?$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the model and the table that the page makes; the exports made by its commands."""
    monkeypatch.chdir(tmp_path)
    ran(0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.thalweg", "new.csv"]
    typed = [command.split()[1:] for command in COMMANDS if command.startswith("thalweg export model")]
    assert len(typed) == 3
    for arguments in typed:
        assert run(*arguments).status == 0
    return tmp_path


def block(language, place):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[place]


def ran(place):
    """The names that the Python at this place of the page leaves."""
    names: dict = {}
    exec(compile(block("python", place), "export.md", "exec"), names)
    return names


def test_the_python_gives_our_predictions(folder):
    names = ran(1)
    model = tw.load("model.thalweg")
    assert np.abs(names["probabilities"] - model.predict_proba("new.csv")).max() <= 1e-5
    assert names["prediction"].tolist() == model.predict("new.csv").tolist()


@needs_compiler
def test_the_c_gives_our_predictions(folder):
    Path("main.c").write_text(block("c", 0), encoding="utf-8")
    built = [command for command in COMMANDS if command.startswith("cc ") and "spam.c" in command]
    assert len(built) == 2
    for command in built:
        subprocess.run(command.split(), check=True)
    model = tw.load("model.thalweg")
    one = write_csv(
        Path("one.csv"), {"length": [None], "trusted": ["true"], "sender": ["shop"], "sent": ["2024-01-31 10:30"]}
    )
    p = model.predict_proba(one)[0]
    said = subprocess.check_output(["./a.out"], text=True)
    assert said == f"{model.predict(one)[0]} ({p.max():.3f})\n"
    (piped,) = [command for command in COMMANDS if command.startswith("tail")]
    lines = subprocess.check_output(piped, shell=True, text=True).splitlines()
    found = np.array([line.split(",") for line in lines])
    assert found[:, 0].tolist() == model.predict("new.csv").tolist()
    assert len(found) == 100 and "True" in Path("new.csv").read_text(encoding="utf-8")
    assert np.abs(found[:, 1:].astype(float) - model.predict_proba("new.csv")).max() <= 1e-5


@pytest.fixture
def iris(tmp_path, monkeypatch):
    """A folder with the exports of the estimator of the page; what its Python left."""
    monkeypatch.chdir(tmp_path)
    return ran(2)


def test_the_estimators_exports_give_its_predictions(iris):
    model, X = iris["model"], iris["X"]
    assert np.abs(iris["probabilities"] - model.predict_proba(X)).max() <= 1e-12
    assert iris["prediction"].tolist() == model.predict(X).tolist()
    (command,) = [command for command in COMMANDS if command.startswith("thalweg export iris")]
    assert run(*command.split()[1:]).status == 0
    assert Path("same.onnx").read_bytes() == Path("iris.onnx").read_bytes()


@needs_compiler
def test_the_c_of_the_estimator_gives_its_predictions(iris):
    Path("flower.c").write_text(block("c", 1), encoding="utf-8")
    (command,) = [command for command in COMMANDS if command.startswith("cc ") and "iris.c" in command]
    subprocess.run(command.split(), check=True)
    first = iris["X"][:1]
    assert first.tolist() == [[5.1, 3.5, 1.4, 0.2]]
    said = f"{iris['model'].predict(first)[0]} ({iris['model'].predict_proba(first).max():.3f})\n"
    assert subprocess.check_output(["./flower"], text=True) == said


def test_an_own_activation_is_exported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    left = ran(3)
    session = onnxruntime.InferenceSession("diabetes.onnx")
    (prediction,) = session.run(None, {"X": left["X"]})
    assert np.abs(prediction / left["model"].predict(left["X"]) - 1.0).max() <= 1e-9
    assert len(re.findall("```python", PAGE)) == 4 and len(re.findall("```c\n", PAGE)) == 2
