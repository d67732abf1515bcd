"""report: one file that stands alone, says what the figures say, and stays inert whatever the table is called."""

import ast
import copy
import dataclasses
import functools
import html
import json
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

import thalweg.model
from html_pages import SVG, Page, refers_to_nothing, svgs
from thalweg import report, scores
from thalweg.errors import FileError
from thalweg.fitting import fit
from thalweg.stopping import Status


SECTIONS = ["key-figures", "data", "training", "results", "calibration", "importance", "network", "columns", "repeat"]
QUICK: dict[str, Any] = {"hidden": (7,), "epochs": 3}
LOADERS: tuple[Any, ...] = (datasets.load_wine, datasets.load_diabetes)


def cancer():
    bunch: Any = datasets.load_breast_cancer(as_frame=True)
    frame = bunch.data.iloc[:, :11].copy()
    frame["diagnosis"] = [str(bunch.target_names[i]) for i in bunch.target]
    return frame


def yes_or_no():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(211, 2))
    noise = rng.normal(size=(211, 2))
    table = pd.DataFrame(x, columns=["x", "z"])
    table["red"] = np.where(x[:, 0] + noise[:, 0] > 0, "yes", "no")
    table["tall"] = x[:, 1] + noise[:, 1] > 0
    return table


@functools.cache
def models():
    wine, diabetes = (load(as_frame=True).frame for load in LOADERS)
    return {
        "two classes": fit(cancer(), "diagnosis", **QUICK),
        "three classes": fit(wine, "target", **QUICK),
        "number": fit(diabetes, "target", **QUICK),
        "two numbers": fit(diabetes, ["target", "bmi"], task="regression", **QUICK),
        "multilabel": fit(yes_or_no(), ["red", "tall"], **QUICK),
        "nothing held out": fit(cancer(), "diagnosis", holdout=0, **QUICK),
        "refitted": fit(diabetes, "target", refit=True, **QUICK),
    }


NAMES = ["two classes", "three classes", "number", "two numbers", "multilabel", "nothing held out", "refitted"]


@functools.cache
def page(name):
    return report.html(models()[name], command="thalweg fit 'a b.csv' --target y")


def changed(model, **figures):
    """The model with other figures: network, tree and baseline by the deciding measure, and what else is named."""
    new = copy.deepcopy(model.figures)
    for who in ("network", "tree", "baseline"):
        if who in figures:
            new[who] |= figures.pop(who)
    return dataclasses.replace(model, figures=new | figures)


def test_every_kind_of_model_is_here():
    assert list(models()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_whole_and_in_order(name):
    seen = Page(page(name))
    ids = seen.values("id")
    expected = [one for one in SECTIONS if one != "calibration" or models()[name].encoder.task != "regression"]
    assert [one for one in ids if one in SECTIONS] == expected
    assert ids.index("verdict") < ids.index("key-figures") and ids[-1] == "versions"
    assert len(ids) == len(set(ids))
    assert seen.tags.count("h1") == 1 and seen.tags.count("main") == 1 and ("lang", "en") in seen.attributes
    assert " ".join(report.verdict(models()[name]).split()) in seen.text
    assert "thalweg fit 'a b.csv' --target y" in seen.text


@pytest.mark.parametrize("name", NAMES)
def test_the_page_needs_nothing_else(name):
    refers_to_nothing(page(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_says_what_it_shows(name):
    figures = svgs(page(name))
    assert len(figures) >= 2
    for figure in figures:
        assert figure.get("role") == "img" and len(str(figure.get("aria-label"))) > 20
    assert page(name).count("<figcaption>") == len(figures) == page(name).count("<svg ")
    for figure in figures:
        own = {element.get("id") for element in figure.iter()}
        links = [value for element in figure.iter() for key, value in element.items() if key.endswith("}href")]
        frames = re.findall(r"url\(#([^)]*)\)", ElementTree.tostring(figure, "unicode"))
        assert own >= {link[1:] for link in links if link.startswith("#")} | set(frames)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("two classes", 5), ("three classes", 5), ("number", 4), ("two numbers", 5), ("multilabel", 7),
        ("nothing held out", 2), ("refitted", 4),
    ],
)  # fmt: skip
def test_the_figures_are_all_there(name, figures):
    assert len(svgs(page(name))) == figures


def test_the_same_model_gives_the_same_bytes():
    assert report.html(models()["multilabel"], command="thalweg fit 'a b.csv' --target y") == page("multilabel")


def test_names_from_the_table_are_inert():
    names = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{ 7 * 191 }}", "'&amp;$x_1$", "]]>-->"]
    rng = np.random.default_rng(3)
    x = rng.normal(size=(149, 5))
    frame = pd.DataFrame(x, columns=names)
    target = "</title><svg onload=alert(3)>"
    frame[target] = np.where(x[:, 0] > 0, "<b onclick='x'>", "\u202ey\"'>")
    text = report.html(fit(frame, target, **QUICK), command="thalweg fit '<script>.csv'")
    seen = Page(text)
    assert not {"script", "img", "b"} & set(seen.tags)
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "1337" not in seen.text
    for name in [*names, target]:
        assert " ".join(name.split()) in seen.text
    # Column names stand in the drawing and the labels of classes in the confusion matrix, as text.
    drawn = "".join(t for svg in svgs(text) for e in svg.iter(SVG + "text") for t in e.itertext())
    assert "<script>" in drawn and "<b onclick" in drawn and seen.tags.count("svg") == 5


def test_the_key_figures_are_those_of_the_model():
    model = models()["two classes"]
    cells = [" ".join(cell.split()) for cell in Page(page("two classes")).cells]
    at = cells.index("Accuracy higher is better")
    who = [model.figures[name] for name in ("network", "tree", "baseline")]
    assert cells[at + 1 : at + 4] == [f"{one['accuracy']:.1%}" for one in who]
    at = cells.index("AUC higher is better")
    assert cells[at + 1 : at + 4] == [f"{one['auc']:.4f}" for one in who]
    at = cells.index("Log-loss lower is better")
    assert cells[at + 1 : at + 4] == [f"{one['log_loss']:#.4g}" for one in who]
    assert [key for key in scores.MEASURES if scores.MEASURES[key].meaning in Page(page("two classes")).text] == [
        "accuracy", "log_loss", "auc",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tree", "baseline", "best"),
    [(-0.1, -0.5, "0.1111"), (0.1, -0.5, "0.2222"), (-0.1, 0.5, "0.3333"), (0.01, -0.5, None), (-0.1, 0.01, None)],
)
def test_bold_is_what_the_sentence_says(tree, baseline, best):
    scored = {
        "network": {"log_loss": 0.11111}, "tree": {"log_loss": 0.22222}, "baseline": {"log_loss": 0.33333},
        "paired": {"tree": {"difference": tree, "error": 0.02}, "baseline": {"difference": baseline, "error": 0.02}},
    }  # fmt: skip
    text = report.html(changed(models()["two classes"], **scored))
    assert re.findall(r'class="n best">([^<]*)<', text) == ([best] if best else [])
    assert ("bold is what they show" in text) == bool(best)


@pytest.mark.parametrize("name", ["two numbers", "multilabel"])
def test_several_targets_have_figures_each(name):
    model, cells = models()[name], [" ".join(cell.split()) for cell in Page(page(name)).cells]
    key, label, shown = ("r2", "R² higher is better", "{:.4f}") if name == "two numbers" else ("log_loss", "", "")
    label, shown = label or "Log-loss lower is better", shown or "{:#.4g}"
    places = [cells.index(target, cells.index("Mean of the targets")) for target in model.encoder.targets]
    for target, place in zip(model.encoder.targets, places, strict=True):
        value = model.figures["network"]["targets"][target][key]
        assert cells[cells.index(label, place) + 1] == shown.format(value).replace("-", "−")
    if name == "two numbers":  # of errors in different units there is no mean
        assert cells.count("RMSE lower is better") == 2 and cells.count("R² higher is better") == 3


def judged(name, tree, baseline, /, **figures):
    """The verdict where network − tree and network − baseline are these (difference, standard error)."""
    paired = {
        who: dict(zip(("difference", "error"), one, strict=True))
        for who, one in {"tree": tree, "baseline": baseline}.items()
    }
    return report.verdict(changed(models()[name], **figures, paired=paired))


GUESS = "always answering with the shares of the classes"


@pytest.mark.parametrize(
    ("tree", "baseline", "middle", "end"),
    [
        ((-0.1, 0.04), (-0.5, 0.1), f" is better than TREE and than {GUESS}: ", "."),
        ((-0.1, 0.05), (-0.5, 0.1), f" is better than {GUESS}, but these rows cannot tell it from TREE: ",
         "; more rows would be needed to tell them apart."),
        ((0.1, 0.05), (-0.5, 0.1), f" is better than {GUESS}, but these rows cannot tell it from TREE: ",
         "; more rows would be needed to tell them apart."),
        # The gap is 0.5, or 0.51 where the tree is better by 0.01: the margins are 0.025 and 0.0255.
        ((-0.01, 0.007), (-0.5, 0.1), f" is better than {GUESS} and level with TREE: ",
         "; choose by what you need, the tree is easier to read."),
        ((-0.01, 0.008), (-0.5, 0.1), "these rows cannot tell it from TREE", "to tell them apart."),
        ((0.01, 0.0077), (-0.5, 0.1), f" is better than {GUESS} and level with TREE: ", "easier to read."),
        ((0.01, 0.0078), (-0.5, 0.1), "these rows cannot tell it from TREE", "to tell them apart."),
        ((0.01, 0.0), (-0.5, 0.1), "and level with TREE: ", "easier to read."),  # sure, but no matter
        ((0.0, 0.0), (-0.5, 0.1), "and level with TREE: ", "easier to read."),
        ((0.03, 0.001), (-0.5, 0.1), f" is better than {GUESS} but worse than TREE: ", "a tree would do better here."),
        ((-0.1, 0.04), (-0.5, 0.25), f" is better than TREE, but these rows cannot tell it from {GUESS}: ",
         "; more rows would be needed to say that it has learnt anything."),
        ((0.0, 0.0), (0.0, 0.0), f" cannot be told from TREE nor from {GUESS}: ", "needed to tell them apart."),
        ((0.0, 0.001), (-0.5, 0.25), f" cannot be told from TREE nor from {GUESS}: ", "needed to tell them apart."),
        ((0.1, 0.04), (0.1, 0.1), f" is worse than TREE, and these rows cannot tell it from {GUESS}: ",
         "; a tree would do better here."),
        ((-0.1, 0.04), (0.5, 0.1), f" is better than TREE but worse than {GUESS}: ",
         "; neither has learnt anything that holds for new rows."),
        ((-0.1, 0.06), (0.5, 0.1), f" is worse than {GUESS}, and these rows cannot tell it from TREE: ",
         "; what it has learnt does not hold for new rows."),
        ((0.1, 0.04), (0.5, 0.1), f" is worse than TREE and than {GUESS}: ",
         "; what it has learnt does not hold for new rows."),
    ],
)  # fmt: skip
def test_verdict(tree, baseline, middle, end):
    scored = {"network": {"log_loss": 0.15}, "tree": {"log_loss": 0.24}, "baseline": {"log_loss": 0.6}}
    leaves = models()["two classes"].figures["tree"]["size"]["leaves"]
    middle = middle.replace("TREE", f"a decision tree of {leaves} leaves")
    sentence = judged("two classes", tree, baseline, **scored)
    assert sentence.startswith("On the 114 held-out rows the network ") and middle in sentence
    assert ": log-loss 0.150, decision tree 0.240, baseline 0.600" in sentence and sentence.endswith(end)
    assert ("; " in sentence) == (end != ".")


@pytest.mark.parametrize(
    ("rows", "start"),
    [
        (1, "1 held-out row is too few to say how good the network is, which takes at least 30: log-loss 0.150, "),
        (29, "29 held-out rows are too few to say how good the network is, "),
        (30, "On the 30 held-out rows the network is better than a decision tree of "),
        (12345, "On the 12,345 held-out rows the network is better than a decision tree of "),
    ],
)
def test_verdict_by_rows(rows, start):
    model = models()["two classes"]
    scored = {"network": {"log_loss": 0.15}, "tree": {"log_loss": 0.24}, "baseline": {"log_loss": 0.6}}
    sentence = judged("two classes", (-0.1, 0.01), (-0.5, 0.01), **scored,
                      rows=model.figures["rows"] | {"held_out": rows})  # fmt: skip
    assert sentence.startswith(start)
    assert sentence.endswith("log-loss 0.150, decision tree 0.240, baseline 0.600.")


def test_verdict_of_one_row_of_a_test_table():
    frame = cancer()
    model = fit(frame[:300], "diagnosis", test=frame[300:301], **QUICK)
    assert report.verdict(model).startswith("1 row of the test table is too few to say")
    text = Page(report.html(model)).text
    assert "On 1 row that neither" in text and "Measured on 1 held-out row, each" in text
    assert "1 held-out rows" not in text
    assert "n best" not in Page(report.html(model)).values("class")


def test_verdict_where_the_held_out_target_does_not_vary():
    x = np.random.default_rng(2).normal(size=(197, 2))
    train = pd.DataFrame({"x": x[:, 0], "a": x[:, 0] + x[:, 1], "b": x[:, 1]})
    model = fit(train, ["a", "b"], test=train.assign(b=7.0)[:31], **QUICK)
    assert model.figures["network"]["r2"] is None
    assert "On the 31 rows of the test table the network " in report.verdict(model)
    assert ": mean RMSE " in report.verdict(model) and report.verdict(model) in " ".join(Page(report.html(model)).words)


def test_the_pairs_are_those_of_the_figures():
    for name in ("two classes", "three classes", "multilabel"):
        figures = models()[name].figures
        for who in ("tree", "baseline"):
            difference = figures["network"]["log_loss"] - figures[who]["log_loss"]
            assert figures["paired"][who]["difference"] == pytest.approx(difference)
            assert figures["paired"][who]["error"] > 0


def test_verdict_by_rmse_or_by_mean_r2():
    better, worse, learnt = (-0.2, 0.05), (0.2, 0.05), (-0.5, 0.05)
    one = judged("number", better, learnt, network={"rmse": 50.0}, tree={"rmse": 60.0}, baseline={"rmse": 12345.6})
    assert "leaves and than always answering with the mean: RMSE" in one
    assert one.endswith("RMSE 50.0, decision tree 60.0, baseline 12,346.")
    two = judged("two numbers", worse, learnt, network={"r2": 0.5}, tree={"r2": 0.7}, baseline={"r2": -0.01})
    assert "is better than always answering with the mean but worse than a decision tree" in two
    assert "mean R² 0.500, decision tree 0.700, baseline −0.0100; a tree" in two
    each = judged("multilabel", better, learnt)
    assert "than always answering with the share of each target: mean log-loss " in each


def test_verdict_without_held_out_rows():
    assert report.verdict(models()["nothing held out"]).startswith("No rows were held out")
    text = Page(page("nothing held out")).text
    assert text.count("No rows were held out, so") == 5 and "residuals" not in text
    assert "Accuracy" not in text


def test_a_model_from_a_file_has_all_but_the_rows(tmp_path):
    for name, figures in {"two classes": 3, "number": 2}.items():
        models()[name].save(tmp_path / "m.thalweg")
        loaded = thalweg.model.load(tmp_path / "m.thalweg")
        text = report.html(loaded)
        assert len(svgs(text)) == figures
        assert Page(text).text.count("The held-out rows are not saved with the model") == 2
        assert report.verdict(loaded) == report.verdict(models()[name])
        assert report._call(loaded) == report._call(models()[name])


def test_a_refitted_model_shows_the_one_that_was_measured(monkeypatch):
    model = models()["refitted"]
    assert "The network was then trained again on all rows" in Page(page("refitted")).text
    seen = measured(monkeypatch, model)
    assert seen["before"] == pytest.approx(model.figures["network"]["rmse"])
    assert model.evidence and not np.array_equal(model.evidence.model.parameters, model.parameters)


def test_a_failed_training_is_marked():
    model = dataclasses.replace(models()["two classes"], status=Status.NON_FINITE)
    assert '<p class="warning">' in report.html(model) and '<p class="warning">' not in page("two classes")


def test_the_call_makes_the_same_model_again():
    model = fit(cancer(), "diagnosis", drop=["mean area"], seed=3, validation=0.25, learning_rate=0.02, **QUICK)
    call = report._call(model)
    assert f"<code>{html.escape(call, quote=True).replace('&#x27;', '&#39;')}</code>" in report.html(model)
    parsed = ast.parse(call, mode="eval").body
    assert isinstance(parsed, ast.Call)
    options: dict[str, Any] = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in parsed.keywords}
    assert options == {
        "target": "diagnosis", "drop": ("mean area",), "seed": 3, "validation": 0.25, "learning_rate": 0.02, **QUICK,
    }  # fmt: skip
    assert np.array_equal(fit(cancer(), **options).parameters, model.parameters)


def test_a_test_table_is_named():
    frame = cancer()
    model = fit(frame[:400], "diagnosis", test=frame[400:], **QUICK)
    assert "On the 169 rows of the test table the network " in report.verdict(model)
    assert "test=test" in report._call(model)


def measured(monkeypatch, model):
    """What permutation importance was asked, and what it answered."""
    seen = {}
    real = scores.permutation_importance

    def watched(predict, X, y, groups, score, repeats, seed):
        result = real(predict, X, y, groups, score, repeats, seed)
        seen.update(X=X, y=y, groups=groups, repeats=repeats, means=result[0], before=score(y, predict(X)))
        return result

    monkeypatch.setattr(scores, "permutation_importance", watched)
    report.html(model)
    return seen


def mixed(rows, columns):
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{i}" for i in range(columns)])
    frame["color"] = rng.choice(["red", "green", "blue"], rows)
    frame["y"] = np.where(frame.color == "red", 3.0, 0.0) + rng.normal(0, 0.1, rows)
    return frame


def test_importance_is_by_source_column(monkeypatch):
    model = fit(mixed(499, 2), "y", hidden=(13,), epochs=20)
    seen = measured(monkeypatch, model)
    assert [len(group) for group in seen["groups"]][:2] == [1, 1] and len(seen["groups"]) == 3
    assert len(seen["groups"][2]) == len(model.encoder.feature_names) - 2 > 2
    assert seen["means"].argmax() == 2
    assert seen["before"] == pytest.approx(model.figures["network"]["rmse"])


@pytest.mark.parametrize(("columns", "rows", "repeats"), [(2, 2000, 3), (101, 500, 1)])
def test_importance_is_bounded(monkeypatch, columns, rows, repeats):
    frame = mixed(2111 if columns == 2 else 1013, columns)
    model = fit(frame[:100], "y", test=frame[100:] if columns == 2 else frame[400:], hidden=(3,), epochs=1)
    seen = measured(monkeypatch, model)
    assert len(seen["X"]) == len(seen["y"]) == rows and seen["repeats"] == repeats
    assert len(np.unique(seen["X"], axis=0)) == rows


def test_a_written_report_is_whole(tmp_path, monkeypatch):
    model, path = models()["nothing held out"], tmp_path / "über <report>.html"
    path.write_text("old")
    report.write(model, path, command="thalweg demo")
    assert path.read_text("utf-8") == report.html(model, command="thalweg demo")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    with pytest.raises(FileError, match="folder"):
        report.write(model, tmp_path / "absent" / "r.html")
    kept = path.read_bytes()
    monkeypatch.setattr(report, "verdict", lambda model: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report.write(model, path)
    assert path.read_bytes() == kept


def test_26_classes(shared):
    letters = f"""SELECT class, "x-ege", "y-ege", "x2bar" FROM '{shared / "data" / "letter.parquet"}'"""
    model = fit(letters, "class", hidden=(11,), epochs=1)
    text = report.html(model)
    assert len(text) < 1_500_000 and len(svgs(text)) == 5
    cells = Page(text).cells
    assert {chr(ord("A") + i) for i in range(26)} <= set(cells)
    assert json.loads(json.dumps(model.figures)) == model.figures
