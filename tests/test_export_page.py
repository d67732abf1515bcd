"""docs/export.md: its commands, its Python and its C do what the page says."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from command_line import mails, run, write_csv
from compiled import needs_compiler
from exported import fitted


PAGE = (Path(__file__).resolve().parents[1] / "docs" / "export.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (\w.*?)(?: *#.*)?$", PAGE, re.MULTILINE)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the model and the table of the page; the exports made by its commands."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "new.csv", {name: cells for name, cells in mails().items() if name in tuple(mails())[:4]})
    fitted(write_csv(tmp_path / "mails.csv", mails()), "spam").save("model.thalweg")
    typed = [command.split()[1:] for command in COMMANDS if command.startswith("thalweg export")]
    assert len(typed) == 2
    for arguments in typed:
        assert run(*arguments).status == 0
    return tmp_path


def block(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_the_python_gives_our_predictions(folder):
    names: dict = {}
    exec(compile(block("python"), "export.md", "exec"), names)
    model = tw.load("model.thalweg")
    assert np.abs(names["probabilities"] - model.predict_proba("new.csv")).max() <= 1e-5
    assert names["prediction"].tolist() == model.predict("new.csv").tolist()


@needs_compiler
def test_the_c_gives_our_predictions(folder):
    Path("main.c").write_text(block("c"), encoding="utf-8")
    built = [command for command in COMMANDS if command.startswith("cc ")]
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
    assert [line.split(",")[0] for line in lines] == model.predict("new.csv").tolist()
