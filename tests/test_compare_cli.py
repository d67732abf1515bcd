"""`thalweg compare`: what it prints, what it leaves, and its exit status."""

import html
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import thalweg as tw
from command_line import mails, others, run, write_csv
from thalweg import comparison_console, comparison_table, tournament
from thalweg.contenders import CONTENDERS


QUICK = ("--hidden", "7", "--epochs", "3", "--folds", "3", "--repeats", "1", "--budget", "10m")
THREE = ("--contenders", "network,tree,baseline")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tables") / "mails.csv", mails())


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def compare(data, target, *more):
    return run("compare", data, "--target", target, "--drop", others(target), *QUICK, *THREE, *more)


def cells(text, first):
    """The cells after the first of each line that begins so."""
    return [
        re.split(r"\s{2,}", line.strip())[1:] for line in text.splitlines() if line.strip().startswith(f"{first}  ")
    ]


def test_the_verdict_comes_first_and_the_figures_are_those_of_the_library(data):
    ran = compare(data, "spam", "--no-evidence", "--no-report")
    assert ran.status == 0 and not list(Path().iterdir())
    found = tw.compare(
        data, "spam", drop=others("spam").split(","), contenders=["network", "tree", "baseline"], hidden=(7,), epochs=3,
        n_folds=3, repeats=1, budget="10m", evidence=False,
    )  # fmt: skip
    text = " ".join(ran.text.split())
    assert text.startswith(found.verdict)
    assert "mails.csv: spam (classification), 211 rows, 4 of its columns used" in ran.text
    for name, one in found.results.items():
        figures, costs = cells(ran.text, name)
        assert figures[0].lstrip("*") == f"{one.figure('log_loss'):#.4g}"
        assert figures[1].lstrip("*") == f"{one.figure('error'):.1%}"
        assert figures[2].lstrip("*") == f"{one.figure('auc'):.4f}"
        assert costs[4] == f"{one.count:,} {one.unit}" and costs[5] == ("needed" if one.scaling else "not needed")
    best = min(found.results.values(), key=lambda one: one.figure("log_loss") or 0.0)
    marked = [line.split()[0] for line in ran.text.splitlines() if re.match(rf"\s*{best.name}\s+\*", line)]
    assert marked == [best.name] and ran.text.count("*") == len(found.measures) + 1  # and what * is
    assert all(reason in text for reason in found.reasons if not reason.startswith("To train"))
    difference = found.difference("tree")
    assert difference is not None and cells(ran.text, "network")[0][4] == "–"
    assert cells(ran.text, "tree")[0][4].startswith(f"{difference.mean:#.4g} (".replace("-", "−"))


def test_everything_can_be_read_at_a_hundred_columns(data):
    ran = compare(data, "spam", "--no-report")
    assert ran.status == 0 and max(map(len, ran.text.splitlines())) <= comparison_table.WIDTH
    for heading in ("property of the data", "criterion of the lecture", "experiment  ", "scaling"):
        assert ran.text.count(heading) == 1
    assert "smallest class" in ran.text and "rotation" in ran.text


def test_a_small_tree_is_shown_in_words(data):
    ran = compare(data, "spam", "--no-evidence", "--no-report")
    shown = re.search(r"The pruned tree of the first fold, (\d+) leaves:\n\n((?:  .*\n)+)", ran.text)
    assert shown and shown[2].count("→") == int(shown[1]) <= 16
    assert re.search(r"if (length|sender|trusted)", shown[2]) and re.search(r"→ (ham|spam) with probability", shown[2])


def test_the_report_goes_beside_what_is_printed(data):
    ran = compare(data, "spam", "--no-evidence", "--row", "7")
    assert ran.status == 0 and ran.text.endswith("report  comparison.html\n")
    assert [path.name for path in Path().iterdir()] == ["comparison.html"]
    page = Path("comparison.html").read_text(encoding="utf-8")
    assert " ".join(ran.text.split())[:40] in " ".join(html.unescape(page).split()) and "--row 7" in page
    plain = compare(data, "spam", "--no-evidence", "--report", "other.html", "--json")
    assert json.loads(plain.text)["report"] == "other.html" and Path("other.html").is_file()


def test_a_row_that_is_not_there_costs_the_report_alone(data):
    ran = compare(data, "spam", "--no-evidence", "--row", "100000")
    assert ran.status == 2 and "100000" in ran.err.replace(",", "") and "log-loss" in ran.text
    assert "(the report explains another row)" in ran.err and Path("comparison.html").exists()
    assert "--row" in compare(data, "spam", "--row", "0").sentence


def test_the_report_never_overwrites_the_table():
    path = write_csv(Path("comparison.html"), mails())
    before = path.read_bytes()
    ran = compare(path, "spam", "--no-evidence")
    assert ran.status == 2 and "the report would overwrite the table" in ran.sentence and path.read_bytes() == before
    assert "does not exist" in compare(path, "spam", "--report", "nowhere/page.html").sentence


def test_json_is_the_comparison_and_nothing_else(data):
    ran = compare(data, "score", "--no-report", "--json")
    plain = json.loads(ran.text, parse_constant=pytest.fail)
    assert ran.status == 0 and plain["task"] == "regression" and plain["report"] is None
    assert [*plain["contenders"]] == ["network", "tree", "baseline"] and plain["tendencies"] and plain["trials"]
    assert plain["settings"]["recipe"]["hidden"] == [7] and plain["settings"]["seed"] == 0


def test_what_is_not_finite_is_null(capsys):
    plain = {"a": [1.0, float("nan"), (float("inf"), 2)], "b": {"c": -float("inf"), "d": True, "e": None}}
    found = SimpleNamespace(to_dict=lambda: plain)
    comparison_console.as_json(found, None)  # type: ignore[arg-type]
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"a": [1.0, None, [None, 2]], "b": {"c": None, "d": True, "e": None}, "report": None}


def test_progress_goes_to_standard_error_and_quiet_prints_nothing(data):
    ran = compare(data, "spam", "--no-evidence", "--no-report")
    assert re.match(r"  0 %  fold 1: network\n", ran.err) and "fold" not in ran.text.split("\n")[0]
    quiet = compare(data, "spam", "--no-evidence", "--no-report", "--quiet")
    assert (quiet.status, quiet.out, quiet.err) == (0, b"", "")


def test_every_option_reaches_the_library(data, monkeypatch):
    asked: dict = {}

    def noted(data, target, **more):
        asked.update(more, data=data, target=target)
        raise KeyboardInterrupt

    monkeypatch.setattr("thalweg.compare_cli.compare", noted)
    ran = run(
        "compare", data, "--target", "spam", "--task", "classification", "--drop", "a,b", "--keep", "c", "--groups",
        "g", "--time", "t", "--folds", "7", "--repeats", "3", "--contenders", "tree, linear", "--measure", "auc",
        "--budget", "2m", "--no-report", "--no-evidence", "--hidden", "5,3", "--activation", "tanh", "--dropout", "0.3",
        "--learning-rate", "0.01", "--weight-decay", "0.1", "--epochs", "9", "--patience", "4", "--batch", "16",
        "--seed", "11", "--engine", "reference", "--threads", "2", "--quiet",
    )  # fmt: skip
    assert (ran.status, ran.err) == (130, "thalweg: interrupted; nothing was saved\n")
    assert asked == {
        "data": str(data), "target": "spam", "task": "classification", "drop": ["a", "b"], "keep": ["c"], "groups": "g",
        "time": "t", "n_folds": 7, "repeats": 3, "contenders": ["tree", "linear"], "measure": "auc", "budget": 120.0,
        "evidence": False, "hidden": (5, 3), "activation": "tanh", "dropout": 0.3, "learning_rate": 0.01,
        "weight_decay": 0.1, "epochs": 9, "patience": 4, "batch": 16, "seed": 11, "engine": "reference", "threads": 2,
        "progress": None,
    }  # fmt: skip


def test_ctrl_c_shows_what_is_complete(data, monkeypatch):
    real, folds = tournament.Tournament._fold, []

    def third_is_interrupted(self, number, *given, **more):
        folds.append(number)
        if len(folds) == 3:
            raise KeyboardInterrupt
        return real(self, number, *given, **more)

    monkeypatch.setattr(tournament.Tournament, "_fold", third_is_interrupted)
    ran = compare(data, "spam", "--no-evidence", "--no-report")
    assert ran.status == 130 and ran.err.endswith("thalweg: interrupted; what was compared so far is shown\n")
    assert "- Cut: it was interrupted, and what was not complete is left out." in ran.text
    assert "- Cut: only 2 of 3 folds were run." in ran.text and len(cells(ran.text, "tree")) == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--contenders", "tree,oak"), "contender must be one of network, tree, "),
        (("--contenders", "tree"), "two or more contenders"),
        (("--measure", "rmse"), "measure must be one of log_loss, error, auc, not 'rmse'"),
        (("--budget", "soon"), "the budget must be a time such as 60s, 2m or 1h, not 'soon'"),
        (("--groups", "sender", "--time", "sent"), "groups and time exclude each other; leave one of them out"),
        (("--hidden", "many"), "--hidden takes whole numbers parted by commas"),
        (("--folds", "100"), "100 folds need at least 400"),
        (("--report", "x.html"), "--report 'x.html' and --no-report exclude each other; leave one of them out"),
        (("--row", "3"), "--row 3 and --no-report exclude each other; leave one of them out"),
        (("--target", "spam,urgent"), "'spam,urgent'"),
        (("--folds", "few"), "thalweg compare --help"),
    ],
)
def test_wrong_use_is_one_sentence(data, more, said):
    ran = compare(data, "spam", "--no-report", "--quiet", *more)
    assert ran.status == 2 and said in ran.sentence
    assert not list(Path().iterdir())


def test_help_lists_the_contenders_and_examples():
    ran = run("compare", "--help")
    shown = re.sub(r"[\s│]+", " ", ran.text)
    assert ran.status == 0 and "thalweg compare spam.csv --target class" in shown
    for one in CONTENDERS.values():
        assert f"{one.name} ({one.what})" in shown
        assert one.installed or f"{one.name} (pip install {one.package})" in shown


def test_a_table_of_numbers_that_a_query_makes():
    query = "SELECT range % 17 AS x, 3.5 * (range % 17) + range % 2 AS y FROM range(120)"
    ran = run(
        "compare", query, "--target", "y", *QUICK, "--contenders", "network,tree,linear,baseline", "--no-report",
        "--no-evidence", "--measure", "mae",
    )  # fmt: skip
    assert ran.status == 0 and "y (regression), 120 rows" in ran.text and "MAE is" in " ".join(ran.text.split())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_of_a_running_command(data):
    command = [sys.executable, "-m", "thalweg", "compare", str(data), "--target", "spam", "--drop", others("spam")]
    command += [*QUICK, "--repeats", "900", "--contenders", "network,tree,baseline", "--no-report", "--no-evidence"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        for line in running.stderr:
            if (found := re.search(r"fold (\d+):", line)) and int(found[1]) > 1:
                running.send_signal(signal.SIGINT)
                break
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130 and err.endswith("thalweg: interrupted; what was compared so far is shown\n")
    assert "log-loss" in out and re.search(r"- Cut: only \d+ of 2700 folds were run\.", out)
