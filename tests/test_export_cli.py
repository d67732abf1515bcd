"""`thalweg export`: by the suffix ONNX or C, whole or not at all, and sentences for what cannot be."""

import subprocess
import sys

import numpy as np
import onnx
import pytest

import thalweg as tw
from command_line import mails, run, write_csv
from compiled import needs_compiler, program
from exported import fitted


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tables") / "mails.csv", mails())


@pytest.fixture(scope="module")
def model(data):
    path = data.with_name("spam.thalweg")
    fitted(data, "spam").save(path)
    return path


@pytest.mark.parametrize("name", ["spam.onnx", "SPAM.ONNX"])
def test_onnx_by_the_suffix(model, tmp_path, name):
    ran = run("export", model, tmp_path / name)
    assert ran.status == 0 and ran.err == "" and ran.text == f"export  {tmp_path / name}  (4 inputs)\n"
    tw.load(model).to_onnx(tmp_path / "same.onnx")
    assert (tmp_path / name).read_bytes() == (tmp_path / "same.onnx").read_bytes()
    assert [each.name for each in onnx.load(tmp_path / name).graph.output] == ["prediction", "probabilities"]


@needs_compiler
def test_c_by_the_suffix(model, data, tmp_path):
    ran = run("export", model, tmp_path / "spam-filter.c")
    assert ran.status == 0 and ran.err == ""
    assert "void spam_filter_predict(" in (tmp_path / "spam-filter.c").read_text(encoding="utf-8")
    row = ",".join(data.read_text(encoding="utf-8").splitlines()[1].split(",")[:4])
    made = program(tmp_path / "spam-filter.c")
    label, *p = subprocess.check_output([made], input=row, text=True).strip().split(",")
    expected = tw.load(model).predict_proba(data)[0]
    assert label == tw.load(model).predict(data)[0] and np.abs(np.array(p, dtype=float) - expected).max() <= 1e-5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("spam.txt", "an exported model is written as .onnx or .c, not '.txt'"),
        ("spam", "written as .onnx or .c"),
        ("none/spam.c", "the folder"),
        ("spam.thalweg", "written as .onnx or .c"),
    ],
)
def test_where_it_cannot_go_is_said(model, tmp_path, name, said):
    ran = run("export", model, tmp_path / name)
    assert ran.status == 2 and said in ran.sentence and list(tmp_path.iterdir()) == []


def test_a_model_is_not_overwritten(model, tmp_path):
    named = tmp_path / "model.c"
    named.write_bytes(model.read_bytes())
    ran = run("export", named, named)
    assert ran.status == 2 and "would overwrite the model" in ran.sentence
    assert named.read_bytes() == model.read_bytes()


def test_a_file_that_is_no_model_is_refused(data, tmp_path):
    ran = run("export", data, tmp_path / "spam.onnx")
    assert ran.status == 2 and ran.sentence and list(tmp_path.iterdir()) == []


def test_without_the_package_onnx_it_says_what_to_install_and_c_goes_on(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    ran = run("export", model, tmp_path / "spam.onnx")
    assert ran.status == 2 and "pip install 'thalweg[onnx]'" in ran.sentence and list(tmp_path.iterdir()) == []
    assert run("export", model, tmp_path / "spam.c").status == 0


def test_an_old_file_is_replaced_as_a_whole(model, tmp_path):
    (tmp_path / "spam.c").write_text("old")
    assert run("export", model, tmp_path / "spam.c").status == 0
    assert (tmp_path / "spam.c").read_text(encoding="utf-8").startswith("/* Made by Thalweg")
    assert [path.name for path in tmp_path.iterdir()] == ["spam.c"]


def test_help_has_examples():
    ran = run("export", "--help")
    assert ran.status == 0 and "thalweg export model.thalweg spam.onnx" in ran.text


def test_the_form_may_be_named(model, tmp_path):
    assert run("export", model, tmp_path / "spam.inc", "--c").status == 0
    assert run("export", model, tmp_path / "spam.bin", "--onnx").status == 0
    assert "void spam_predict(" in (tmp_path / "spam.inc").read_text(encoding="utf-8")
    onnx.checker.check_model(onnx.load(tmp_path / "spam.bin"))
    ran = run("export", model, tmp_path / "spam.c", "--c", "--onnx")
    assert ran.status == 2 and "--c and --onnx exclude each other" in ran.sentence
