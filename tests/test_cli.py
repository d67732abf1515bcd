"""The command line, through its entry point: what it prints, what it leaves, and its exit status."""

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from sklearn import metrics

import thalweg as tw
from command_line import QUICK, TARGETS, mails, others, run, write_csv
from thalweg import fitting, table


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tables") / "mails.csv", mails())


@pytest.fixture(scope="module")
def model(data):
    """A saved model of four classes."""
    path = data.with_name("grade.thalweg")
    assert run("fit", data, "--target", "grade", "--drop", others("grade"), "-o", path, *QUICK, "-q").status == 0
    return path


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fit(data, *targets, **ran):
    arguments = [word for name, value in ran.items() for word in (f"--{name.replace('_', '-')}", value)]
    return run("fit", data, "--target", ",".join(targets), "--drop", others(*targets), *QUICK, *arguments)


def held_out(data, target, is_class):
    whole = table.read(data)
    labels = np.unique(whole[target].values, return_inverse=True)[1] if is_class else None
    return whole.take(fitting.split(whole.n_rows, 0.2, seed=0, purpose="holdout", labels=labels)[1])


def row(text, first):
    """The cells after the first of the last printed line that begins so."""
    line = [line for line in text.splitlines() if line.strip().startswith(first)][-1]
    return re.split(r"\s{2,}", line.strip())[1:]


def test_the_printed_figures_of_classes_are_those_of_scikit_learn(data):
    ran = fit(data, "spam")
    assert ran.status == 0 and Path("model.thalweg").is_file() and not Path("model.html").exists()
    held = held_out(data, "spam", True)
    loaded = tw.load("model.thalweg")
    p, y = loaded.predict_proba(held)[:, 1].astype(float), held["spam"].values == "spam"
    expected = [metrics.accuracy_score(y, p > 0.5), metrics.log_loss(y, p), metrics.roc_auc_score(y, p)]
    assert row(ran.text, "network   ") == [f"{expected[0]:.1%}", f"{expected[1]:.4g}", f"{expected[2]:.4f}"]
    assert row(ran.text, "baseline: shares of the classes")[0] == f"{max(y.mean(), 1 - y.mean()):.1%}"
    assert len(row(ran.text, "decision tree, ")) == 3
    confusion = metrics.confusion_matrix(y, p > 0.5)
    assert [row(ran.text, label + " ") for label in ("ham", "spam")] == [
        [str(n) for n in counts] for counts in confusion
    ]
    assert "211: 144 to train, 25 to validate, 42 held out" in ran.text
    assert "4 of 8 used" in ran.text and "held-out rows the network " in ran.text
    assert ran.text.endswith("model   model.thalweg\n")


def test_the_printed_figures_of_numbers_are_those_of_scikit_learn(data):
    ran = fit(data, "score")
    held, loaded = held_out(data, "score", False), tw.load("model.thalweg")
    y, predictions = held["score"].values, loaded.predict(held)
    expected = [metrics.root_mean_squared_error(y, predictions), metrics.mean_absolute_error(y, predictions)]
    r2 = f"{metrics.r2_score(y, predictions):.4f}"
    assert row(ran.text, "network   ") == [*(f"{one:#.4g}" for one in expected), r2]
    target: Any = loaded.encoder.target_roles[0]
    of_the_mean = metrics.root_mean_squared_error(y, np.full(len(y), target.mean))
    assert row(ran.text, "baseline: mean")[0] == f"{of_the_mean:#.4g}"


@pytest.mark.parametrize(
    ("targets", "task"),
    [
        (["spam"], "classification"), (["urgent"], "classification"), (["grade"], "classification"),
        (["score"], "regression"), (["score", "delay"], "regression"), (["spam", "urgent"], "multilabel"),
    ],
)  # fmt: skip
def test_targets_of_every_kind(data, targets, task):
    ran = fit(data, *targets)
    assert ran.status == 0 and f"{', '.join(targets)} ({task})" in ran.text
    assert tw.load("model.thalweg").encoder.targets == tuple(targets)


def test_progress_is_on_standard_error_only(data):
    ran = fit(data, "spam")
    assert re.search(r"^epoch 1/4  loss [\d.]+  validation [\d.]+", ran.err, re.MULTILINE) and "epoch 4/4" in ran.err
    assert "epoch 1/4" not in ran.text


def test_quiet_prints_nothing(data):
    ran = run("fit", data, "--target", "spam", "--drop", others("spam"), *QUICK, "--quiet")
    assert (ran.status, ran.out, ran.err) == (0, b"", "") and Path("model.thalweg").is_file()


def test_json_says_the_same(data):
    ran = run("fit", data, "--target", "grade", "--drop", others("grade"), *QUICK, "--json")
    said = json.loads(ran.text)
    loaded = tw.load("model.thalweg")
    assert said["figures"] == loaded.figures and said["settings"] == loaded.settings
    assert said["classes"] == [0, 1, 2, 3] and said["task"] == "classification" and said["targets"] == ["grade"]
    assert said["model"] == "model.thalweg" and said["report"] is None and said["status"] == "EPOCHS"
    for who in ("network", "tree", "baseline"):
        assert {"accuracy", "log_loss", "auc", "confusion"} <= set(said["figures"][who])
    assert said["parameters"] == len(loaded.parameters) and said["epochs"] == 4
    inspected = json.loads(run("inspect", "model.thalweg", "--json").text)
    assert inspected == {key: value for key, value in said.items() if key not in ("model", "report")}


def test_task_seed_and_output(data):
    same = [fit(data, "grade", task="regression", seed=seed, output=f"{i}.thalweg") for i, seed in enumerate((7, 7, 8))]
    assert all(ran.status == 0 and "grade (regression)" in ran.text for ran in same)
    one, two, three = (tw.load(f"{i}.thalweg").parameters.tobytes() for i in range(3))
    assert one == two != three


def test_the_same_command_gives_the_same_predictions_in_another_process(data):
    words = ["fit", str(data), "--target", "score", *QUICK, "-q"]
    there = [sys.executable, "-m", "thalweg", *words, "-o", "other.thalweg"]
    assert subprocess.run(there, check=False).returncode == run(*words).status == 0
    one, other = tw.load("model.thalweg"), tw.load("other.thalweg")
    assert one.parameters.tobytes() == other.parameters.tobytes() and one.figures["network"] == other.figures["network"]


def test_names_with_commas_stand_in_quotes(tmp_path):
    cells = mails()
    names = {"a, b": "score", "c": "delay", "x": "length", "s,t": "spam"}
    write_csv(tmp_path / "m.csv", {name: cells[what] for name, what in names.items()})
    assert run("fit", "m.csv", "--target", '"s,t"', "--drop", '"a, b", c', *QUICK).status == 0
    loaded = tw.load("model.thalweg")
    assert loaded.settings["drop"] == ["a, b", "c"]
    assert loaded.encoder.columns == ("x",) and loaded.encoder.targets == ("s,t",)


def test_keep(tmp_path):
    write_csv(tmp_path / "m.csv", {"mail id": [f"m{i}" for i in range(211)], **mails()})
    words = ["fit", "m.csv", "--target", "score", "--drop", others("score"), *QUICK, "-q"]
    assert run(*words).status == 0 and "mail id" not in tw.load("model.thalweg").encoder.columns
    assert run(*words, "--keep", "mail id").status == 0 and "mail id" in tw.load("model.thalweg").encoder.columns
    assert "'none'" in run(*words, "--keep", "none").sentence


def test_a_test_table(data):
    test = write_csv(data.with_name("test.csv"), mails(53, seed=9))
    ran = fit(data, "score", test=test)
    assert "211: 179 to train, 32 to validate, 53 held out" in ran.text
    rmse = metrics.root_mean_squared_error(table.read(test)["score"].values, tw.load("model.thalweg").predict(test))
    assert row(ran.text, "network   ")[0] == f"{rmse:#.4g}"


def test_nothing_held_out(data):
    ran = fit(data, "score", holdout=0)
    assert "211: 179 to train, 32 to validate, 0 held out" in ran.text
    assert "No rows were held out, so nothing is known" in ran.text
    assert re.search(r"The validation loss is [\d.]+; with the same answer for every row it would be [\d.]+", ran.text)
    assert run("inspect", "model.thalweg").status == 0


def test_refit(data):
    first = fit(data, "score", output="first.thalweg")
    second = run("fit", data, "--target", "score", "--drop", others("score"), *QUICK, "--refit")
    assert row(first.text, "network   ") == row(second.text, "network   ")
    one, two = tw.load("first.thalweg"), tw.load("model.thalweg")
    assert one.figures["network"] == two.figures["network"] and one.parameters.tobytes() != two.parameters.tobytes()


def test_the_recipe_reaches_the_training(data):
    ran = fit(
        data, "score", hidden="5,3", activation="tanh", dropout=0.25, learning_rate=0.02, weight_decay=0.5, epochs=6,
        patience=2, batch=16, seconds=60,
    )  # fmt: skip
    settings, network = tw.load("model.thalweg").settings, tw.load("model.thalweg").network
    assert ran.status == 0 and network.sizes[1:] == (5, 3, 1) and network.dropout == (0.25, 0.25)
    assert [g.name for g in network.activation] == ["tanh", "tanh"]
    assert settings["recipe"] == {
        "hidden": [5, 3], "activation": "tanh", "dropout": 0.25, "learning_rate": 0.02, "weight_decay": 0.5,
        "epochs": 6, "patience": 2, "batch": 16, "seconds": 60.0,
    }  # fmt: skip
    assert settings["optimizer"]["weight_decay"] == 0.5 and settings["batch"] == 16
    assert "tanh" in ran.text and ran.status == 0


def test_patience_and_seconds_end_a_training(data):
    words = ["fit", data, "--target", "score", "--drop", others("score"), "--hidden", 0, "--no-report", "--json"]
    ran = run(*words, "--patience", 1, "--learning-rate", 3, "--epochs", 500)
    said = json.loads(ran.text)
    assert said["status"] == "PATIENCE" and said["epochs"] == said["best_epoch"] + 1 < 500
    ran = run("fit", data, "--target", "score", "--hidden", 5, "--no-report", "--seconds", 1e-9, "--json")
    assert json.loads(ran.text)["status"] == "SECONDS" and json.loads(ran.text)["epochs"] == 1


def test_the_report_lies_beside_the_model_or_where_it_is_asked_for(data):
    options = ["--target", "spam", "--drop", others("spam"), *QUICK[:-1], "-o", "my model.thalweg"]
    ran = run("fit", data, *options)
    page = Path("my model.html").read_text(encoding="utf-8")
    assert ran.text.endswith("model   my model.thalweg\nreport  my model.html\n")
    assert "thalweg fit" in page and "my model.thalweg" in page and page.rstrip().endswith("</html>")
    assert run("fit", data, *options, "--report", "other.html").status == 0 and Path("other.html").is_file()


def test_inspect_shows_network_training_figures_and_decisions(model, data):
    ran = run("inspect", model)
    assert ran.status == 0 and ran.err == ""
    for column in ("length", "trusted", "sender", "sent", *TARGETS):
        assert row(ran.text, column + " "), column
    assert row(ran.text, "score ")[:2] == ["dropped", "left out on request"] and row(ran.text, "grade ")[0] == "target"
    for part in ("mails.csv: grade (classification)", "Reached the number of epochs", "with seed 0, engine cpu"):
        assert part in ran.text
    assert len(row(ran.text, "network   ")) >= 1 and "decision tree" in ran.text


def test_predict_csv(model, data):
    ran = run("predict", model, data)
    assert ran.status == 0 and ran.text == "211 predictions  predictions.csv\n"
    written, loaded = pd.read_csv("predictions.csv"), tw.load(model)
    assert list(written) == ["prediction", *(f"probability_{k}" for k in range(4))]
    assert written["prediction"].tolist() == loaded.predict(data).tolist()
    p = written.to_numpy()[:, 1:]
    assert np.array_equal(p.astype(np.float32), loaded.predict_proba(data)) and np.allclose(p.sum(axis=1), 1, atol=1e-6)


def test_predict_parquet_from_a_query(model, data):
    query = f"SELECT * FROM '{data}' ORDER BY score"
    assert run("predict", model, query, "-o", "p.parquet").status == 0
    expected = pd.read_csv(data).sort_values("score")
    written = pyarrow.parquet.read_table("p.parquet")
    assert written["prediction"].to_pylist() == tw.load(model).predict(expected).tolist()


def test_predict_to_standard_output_is_the_file(model, data):
    ran = run("predict", model, data, "-o", "-")
    assert run("predict", model, data).status == 0
    assert ran.err == "" and ran.out == Path("predictions.csv").read_bytes() and not Path("-").exists()


def test_engines():
    ran = run("engines")
    assert ran.status == 0 and "cpu (default)" in ran.text and "instruction" in ran.text
    said = json.loads(run("engines", "--json").text)
    assert said["default"] in said["engines"] and said["processor"]


def test_version_and_help():
    assert run("--version").text == f"thalweg {tw.__version__}\n"
    assert run("--help").status == 0 and "inspect" in run("--help").text
    nothing = run()
    assert nothing.status == 2 and "Usage" in nothing.text + nothing.err


def test_names_of_any_letters(tmp_path):
    cells = mails()
    names = {"Länge 📏": cells["length"], "送信者": cells["sender"], "[bold]x[/bold]": cells["delay"]}
    labels = np.where(np.array(cells["spam"]) == "spam", "Müll ☠", "[red]gut[/red]")
    write_csv(tmp_path / "Größe 表.csv", {**names, "клас": labels})
    ran = run("fit", "Größe 表.csv", "--target", "клас", *QUICK[:-1], "-o", "модель.thalweg")
    assert ran.status == 0 and "[red]gut[/red]" in ran.text and "Größe 表.csv: клас" in ran.text
    assert Path("модель.html").is_file() and "[bold]x[/bold]" in run("inspect", "модель.thalweg").text
    assert run("predict", "модель.thalweg", "Größe 表.csv").status == 0
    header = Path("predictions.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == '"prediction","probability_Müll ☠","probability_[red]gut[/red]"'


# ── what only a process of its own can show ──────────────────────────────────────────────────────────────────────────

COMMAND = Path(sysconfig.get_path("scripts")) / "thalweg"


def start(*arguments, **options) -> Any:
    words = [sys.executable, "-m", "thalweg", *map(str, arguments)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_the_installed_command(data):
    if not COMMAND.exists():
        pytest.skip(f"{COMMAND} is absent: Thalweg is imported from its sources here")
    ran = subprocess.run([COMMAND, "engines"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "reference" in ran.stdout and ran.stderr == ""
    ran = subprocess.run([COMMAND, "fit", "none.csv", "--target", "y"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and ran.stdout == "" and ran.stderr.startswith("thalweg: There is no file 'none.csv'")


def test_engines_with_an_instruction_set_that_does_not_exist():
    shown = start("engines", env={**os.environ, "THALWEG_CPU": "nonsense"})
    out, err = shown.communicate(timeout=60)
    assert (shown.returncode, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("thalweg: THALWEG_CPU='nonsense' is not an instruction set") and "unset it" in err


def test_a_terminal_that_lacks_letters_shows_their_codes(model):
    shown = start("inspect", model, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    out, err = shown.communicate(timeout=60)
    assert (shown.returncode, err) == (0, "") and "grade (classification)" in out and out.isascii()


def interrupted(data, *options, presses=1):
    """A training that would never end, Ctrl-C after its first lines of progress; (status, output, errors)."""
    training = start("fit", data, "--target", "score", "--drop", others("score"), "--hidden", 7, "--epochs", 10**6,
                     "--patience", 10**6, *options)  # fmt: skip
    shown = [training.stderr.readline(), training.stderr.readline()]
    assert all(line.startswith("epoch ") for line in shown), shown
    for _ in range(presses):
        training.send_signal(signal.SIGINT)
    out, err = training.communicate(timeout=60)
    return training.returncode, out, err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_saves_the_best_weights_and_says_so(data):
    status, out, err = interrupted(data)
    assert status == 130 and "Traceback" not in err
    assert err.splitlines()[-1] == "thalweg: interrupted; the best weights so far are saved in 'model.thalweg'"
    assert "Interrupted from the keyboard." in out and "report  model.html" in out
    loaded = tw.load("model.thalweg")
    losses = loaded.history.validation_loss
    assert loaded.status is tw.Status.INTERRUPTED and loaded.settings["best_epoch"] == np.argmin(losses) + 1
    predictions = loaded.predict(data)
    valid = fitting.split(211, 0.2, seed=0, purpose="holdout")[0]
    valid = valid[fitting.split(len(valid), 0.15, seed=0, purpose="validation")[1]]
    target: Any = loaded.encoder.target_roles[0]
    z = (table.read(data)["score"].values - predictions)[valid] / target.deviation
    assert np.mean(z**2) / 2 == pytest.approx(losses.min(), rel=1e-4), "the weights are those of the best epoch"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_more_ctrl_c_ends_at_once_and_says_truly_what_is_left(data):
    status, _, err = interrupted(data, "--no-report", presses=2)
    last = err.splitlines()[-1]
    assert status == 130 and "Traceback" not in err
    if Path("model.thalweg").exists():
        assert last.endswith("the best weights so far are saved in 'model.thalweg'") and tw.load("model.thalweg")
    else:
        assert last == "thalweg: interrupted; nothing was saved"
    assert not list(Path().glob(".thalweg-*"))


def test_a_reader_that_goes_away_is_no_error(model, data):
    many = write_csv(Path("many.csv"), {name: cells * 200 for name, cells in mails().items()})
    writing = start("predict", model, many, "-o", "-")
    assert writing.stdout.readline() == '"prediction","probability_0","probability_1","probability_2","probability_3"\n'
    writing.stdout.close()
    assert "Traceback" not in (err := writing.stderr.read()) and "Exception" not in err
    assert writing.wait(60) != 0
    writing.stderr.close()


LIMITED = """
import resource, signal, sys
from thalweg.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
sys.argv = ["thalweg", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize("what", ["model", "report", "predictions.csv", "predictions.parquet"])
def test_a_full_disk_is_said_and_the_old_file_survives(model, data, what):
    words = ["fit", data, "--target", "grade", "--drop", others("grade"), "--hidden", 7, "--epochs", 1, "-q", "-o"]
    words = {"model": [*words, "old", "--no-report"], "report": [*words, "m.thalweg", "--report", "old"]}.get(
        what, ["predict", model, data, "-o", what]
    )
    old = Path("old" if what in ("model", "report") else what)
    old.write_text("what was there before")
    # A report is larger than this model, which has its place on the disk.
    script = LIMITED if what != "report" else LIMITED.replace("3000, 3000", "60_000, 60_000")
    ran = subprocess.run([sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran
    assert ran.stderr == f"thalweg: File too large; it could not be written: '{old}'\n"
    assert old.read_text() == "what was there before" and not list(Path().glob(".thalweg-*"))
    if what == "report":
        assert tw.load("m.thalweg"), "the model had been saved before"
