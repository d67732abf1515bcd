"""comparison_report: one file that stands alone, with what was measured, whoever took part and whatever names are."""

import functools
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from html_pages import SVG, Page, refers_to_nothing, svgs
from small_comparisons import QUICK, TASKS, WHO, comparison, frame
from thalweg import comparison_report
from thalweg.comparing import compare
from thalweg.errors import FileError, TableError
from thalweg.explained_row import explained_row
from thalweg.raw_features import RawFeatures
from thalweg.scores import MEASURES
from thalweg.tree_rules import rules


SECTIONS = [
    "verdict", "reasons", "contenders", "evidence", "experiments", "criteria", "tree", "row", "boundary",
    "calibration", "cut", "repeat", "versions",
]  # fmt: skip
SOME = {  # who took part, and figures: forest, folds, tree, boundary, calibration
    "all": (WHO, 5),
    "no network": (("tree", "linear", "baseline"), 4),
    "no tree": (("network", "linear", "baseline"), 4),
    "no pruned tree": (("network", "boosting"), 4),
    "neither": (("linear", "baseline"), 1),
}
COMMAND = "thalweg compare 'a b.csv' --target y"


@functools.cache
def page(task: str, who: str = "all") -> str:
    return comparison_report.html(comparison(task, SOME[who][0]), command=COMMAND)


@pytest.mark.parametrize("who", SOME)
@pytest.mark.parametrize("task", TASKS)
def test_the_page_is_whole_and_needs_nothing_else(task, who):
    compared = comparison(task, SOME[who][0])
    text = page(task, who)
    seen = Page(text)
    assert [one for one in seen.values("id") if one in SECTIONS] == SECTIONS
    assert len(seen.values("id")) == len(set(seen.values("id")))
    assert seen.tags.count("h1") == 1 and seen.tags.count("main") == 1
    refers_to_nothing(text)
    assert " ".join(compared.verdict.split()) in seen.text and COMMAND in seen.text
    for reason in compared.reasons:
        assert " ".join(reason.split()) in seen.text
    calibrated = task != "number" or who == "neither"  # which has none for classes either
    assert len(svgs(text)) == SOME[who][1] - (not calibrated)
    for figure in svgs(text):
        assert figure.get("role") == "img" and len(str(figure.get("aria-label"))) > 20


@pytest.mark.parametrize("task", TASKS)
def test_every_contender_has_all_its_figures(task):
    compared, cells = comparison(task), Page(page(task)).cells
    for one in compared.results.values():
        for key in compared.measures:
            assert any(MEASURES[key].shown(one.figure(key)) in cell for cell in cells)
        assert one.extent in cells
    places = [cells.index(name) for name in ("The network", "The pruned tree", "The linear model")]
    assert len(set(places)) == 3 and cells.count("yes") >= 2


def test_sections_say_who_is_missing():
    said = {who: Page(page("two classes", who)).text for who in SOME}
    assert "The pruned tree did not take part, so there are no rules to read." in said["no tree"]
    assert "The network did not take part, so nobody is declared the winner." in said["no network"]
    assert "there is nobody to explain a row" in said["neither"] and "There is no picture" in said["neither"]
    assert "no probabilities to show" in said["neither"]
    assert "The target is a number" in Page(page("number")).text
    assert "No experiments were made." in said["all"] and "were not looked at" in said["all"]
    assert "Nothing: all of it fitted into the budget." in said["all"]


def test_rules_and_row_stand_in_the_page():
    compared, seen = comparison("five classes"), Page(page("five classes"))
    run = compared.runs[0]
    said = rules(run.answers["tree"].fitted.model, RawFeatures(run.encoder).plain_features, compared.classes)
    assert " ".join(said.split()) in seen.text
    found = explained_row(compared)
    assert found is not None and found.tree is not None and found.network is not None
    assert f"Row {found.row}, a test row of fold {found.fold}." in seen.text and found.tree.answer in seen.text
    assert found.network.prediction in seen.text
    for one in found.tree.questions:
        assert one.said in seen.cells
    asked = Page(comparison_report.html(compared, row=7)).text
    assert "Row 7, a test row of fold" in asked


def test_evidence_stands_in_the_page():
    compared = comparison("two classes", evidence=True)
    text = comparison_report.html(compared)
    seen = Page(text)
    assert compared.tendencies and compared.trials and compared.criteria
    for one in compared.tendencies:
        assert one.name in seen.cells and " ".join(one.because.split()) in seen.text
    for one in compared.trials:
        assert one.question in seen.text and " ".join(one.because.split()) in seen.text
    for one in compared.criteria:
        assert one.lecture in seen.cells and one.here in seen.cells
    drawn = "".join(t for svg in svgs(text) for e in svg.iter(SVG + "text") for t in e.itertext())
    assert "What more rows bring" in drawn and len(svgs(text)) == 6


def test_what_was_cut_is_said():
    compared = replace(comparison("number"), cut=("3 of 5 folds were run", "the experiment 'rotation' was left out"))
    seen = Page(comparison_report.html(compared))
    assert "3 of 5 folds were run" in seen.text and "the experiment 'rotation' was left out" in seen.text


def test_the_call_makes_the_same_comparison_again():
    table = frame().drop(columns=["five classes", "number"])
    compared = compare(
        table, "two classes", drop="day", contenders=["tree", "network"], evidence=False, measure="auc", seed=5, **QUICK
    )
    (call,) = re.findall(r"thalweg\.compare\(.*?\)(?=</code>)", comparison_report.html(compared))
    call = call.replace("&#39;", "'")
    assert "measure='auc'" in call and "seed=5" in call and "engine" not in call and "patience" not in call
    again = eval(call.replace("thalweg.compare", "compare"), {"compare": compare, "data": table})
    assert again.results["network"].by_fold == compared.results["network"].by_fold
    assert json.dumps(compared.to_dict())


@pytest.mark.parametrize("task", TASKS)
def test_the_same_comparison_gives_the_same_bytes(task, tmp_path):
    path = tmp_path / "report.html"
    comparison(task).report(path, command=COMMAND)
    assert path.read_bytes() == page(task).encode()


def test_names_from_the_table_are_inert():
    names = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{ 7 * 191 }}", "'&amp;$x_1$"]
    rng = np.random.default_rng(3)
    x = rng.normal(size=(211, 4))
    table = pd.DataFrame(x, columns=names)
    table["]]>-->"] = np.where(x[:, 1] > 0, "<i>1</i>", "</svg><script>")
    target = "</title><svg onload=alert(3)>"
    table[target] = np.where(x[:, 0] + (x[:, 1] > 0) > 0, "<b onclick='x'>", "\u202ey\"'>")
    compared = compare(table, target, contenders=["network", "tree", "baseline"], evidence=True, **QUICK)
    text = comparison_report.html(compared, command="thalweg compare '<script>.csv'")
    seen = Page(text)
    assert not {"script", "img", "b", "i"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "1337" not in seen.text
    refers_to_nothing(text)
    for name in [*names, target]:
        assert " ".join(name.split()) in seen.text
    assert seen.tags.count("svg") == 6


def test_a_report_that_cannot_be_made_says_why(tmp_path):
    compared = comparison("two classes")
    with pytest.raises(FileError):
        compared.report(tmp_path / "nowhere" / "report.html")
    with pytest.raises(TableError, match="no row 999"):
        compared.report(tmp_path / "report.html", row=999)
    assert not (tmp_path / "report.html").exists()
