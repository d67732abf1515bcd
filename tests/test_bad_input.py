"""Bad input gets a sentence (contract 10): every case is refused with exit status 2 and one line that helps, or works.

A case is a row of a table: what is done, and what the sentence must contain.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import thalweg as tw
from command_line import QUICK, mails, others, run, write_csv
from thalweg import table


ROWS = 60
X = [f"{i * 37 % 60}" for i in range(ROWS)]
Y = ["ham" if i * 37 % 60 > 25 else "spam" for i in range(ROWS)]


def cells(**changed):
    return {"x": X, "z": X[::-1], "y": Y} | changed


def changed(values, row, value):
    """The cells with another value in this row, counted from 1 without the header."""
    return [*values[: row - 1], value, *values[row:]]


def append(path, line):
    write_csv(path, cells())
    path.write_text(path.read_text() + line)


def duplicated(path):
    write_csv(path, cells())
    path.write_text(path.read_text().replace("x,z,y", "x,x,y", 1))


def cut_gzip(path):
    noise = np.random.default_rng(0).integers(0, 10**9, size=(5000, 2))
    whole = gzip.compress(("x,z,y\n" + "".join(f"{a},{b},{a % 2}\n" for a, b in noise)).encode())
    path.write_bytes(whole[: len(whole) // 2])


def csv(**columns):
    return lambda path: write_csv(path, cells(**columns))


def raw(content):
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())


JUNK = np.random.default_rng(1).bytes(4096)
DAYS = [f"20{i:02d}-01-01" for i in range(ROWS)]
NOTHING = [None] * ROWS

# name -> (what the file is called, what makes it, words of the sentence)
TABLES = {
    "missing file": ("none.csv", lambda path: None, ["There is no file", "none.csv", "check the name"]),
    "empty file": ("t.csv", raw(""), ["t.csv is empty", "column names"]),
    "blank file": ("t.csv", raw("\n \n\n"), ["t.csv is empty"]),
    "header only": ("t.csv", raw("x,z,y\n"), ["t.csv", "no rows", "at least one"]),
    "one row": ("t.csv", raw("x,z,y\n1,2,ham\n"), ["t.csv has 1 row", "at least 3 are needed"]),
    "two rows": ("t.csv", raw("x,z,y\n1,2,ham\n2,1,spam\n"), ["t.csv has 2 rows", "at least 3 are needed"]),
    "no header": ("t.csv", raw("1.5,2\n3.5,4\n"), ["t.csv", "numbers (1.5, 2)", "names on top"]),
    "target absent": (
        "t.csv", lambda path: write_csv(path, {"x": X, "Y": Y}), ["t.csv has no column 'y'", "columns are 'x', 'Y'"],
    ),
    "target constant": ("t.csv", csv(y=["ham"] * ROWS), ["'y'", "'ham' in every row"]),
    "target all missing": ("t.csv", csv(y=NOTHING), ["Every row of t.csv misses the target 'y'"]),
    "target a date": ("t.csv", csv(y=DAYS), ["'y' of t.csv is a date"]),
    "all columns constant": (
        "t.csv", csv(x=["1"] * ROWS, z=["a"] * ROWS), ["t.csv has no column to learn from", "'x'", "same value"],
    ),
    "all columns missing": ("t.csv", csv(x=NOTHING, z=["NA"] * ROWS), ["to learn from", "'x': every cell is missing"]),
    "only a target": ("t.csv", lambda path: write_csv(path, {"y": Y}), ["no column to learn from", "only the target"]),
    "names twice": ("t.csv", duplicated, ["t.csv has two columns called 'x'", "rename"]),
    "no name": ("t.csv", lambda path: write_csv(path, {"": X, "y": Y}), ["Column 1 of t.csv has no name"]),
    "infinite cell": ("t.csv", csv(x=changed(X, 17, "-inf")), ["Column 'x' of t.csv", "-inf", "row 17"]),
    "row too long": ("t.csv", lambda path: append(path, "1,2,ham,4\n"), ["Line 62 of t.csv", "(4)", "(3)"]),
    "quote without end": ("t.csv", lambda path: append(path, '1,2,"ham\n'), ["Line 62 of t.csv", "quote"]),
    "binary junk": ("t.csv", raw(JUNK), ["t.csv holds binary data"]),
    "junk called Parquet": ("t.parquet", raw(JUNK), ["t.parquet is not a whole Parquet file"]),
    "cut Parquet": ("t.parquet", raw(b"PAR1" + bytes(100)), ["t.parquet is not a whole Parquet file"]),
    "cut gzip": ("t.csv.gz", cut_gzip, ["t.csv.gz is cut short or damaged"]),
    "not a gzip": ("t.csv.gz", csv(), ["t.csv.gz is not compressed as its name says"]),
    "a zip": ("t.zip", raw(b"PK\x03\x04" + bytes(99)), ["t.zip is a zip archive"]),
    "a folder": ("t.csv", lambda path: path.mkdir(), ["t.csv is a directory", "inside it"]),
    "bad JSON": ("t.jsonl", raw('{"x": 1, "y": "ham"}\n{"x": 2, \n'), ["t.jsonl cannot be read"]),
}  # fmt: skip

LONG = 10_000


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def contains(sentence, words):
    missing = [word for word in words if word not in sentence]
    assert not missing, f"{missing} not in: {sentence}"
    assert len(sentence) < 700, f"too long for a sentence: {sentence}"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_learnt_from(name):
    file, make, words = TABLES[name]
    make(Path(file))
    ran = run("fit", file, "--target", "y", *QUICK)
    assert ran.status == 2
    contains(ran.sentence, words)
    assert not Path("model.thalweg").exists()


def test_a_name_that_is_no_text():
    try:
        write_csv(Path("t\udcff.csv"), cells())
    except OSError:
        pytest.skip("this file system refuses such names itself")
    ran = run("fit", "t\udcff.csv", "--target", "y", *QUICK)
    assert ran.status == 2
    contains(ran.sentence, ["The path 't\\udcff.csv' is not UTF-8 text", "rename"])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Trained on mails; x is a number."""
    folder = tmp_path_factory.mktemp("model")
    data = write_csv(folder / "mails.csv", mails())
    saved = folder / "m.thalweg"
    assert run("fit", data, "--target", "spam", "--drop", others("spam"), *QUICK, "-o", saved).status == 0
    return saved


def new(**changed):
    """A table that the model can read, changed; None takes a column away."""
    columns = {name: mails()[name] for name in ("length", "trusted", "sender", "sent")} | changed
    return {name: cells for name, cells in columns.items() if cells is not None}


PREDICT = {
    "text in a number column": (
        new(length=changed([0.5] * 211, 130, "long")), ["Column 'length' of new.csv", "'long'", "row 130", "a number"],
    ),
    "text in a boolean column": (
        new(trusted=changed(["true"] * 211, 7, "so so")), ["'trusted'", "'so so'", "row 7", "true or false"],
    ),
    "text in a date column": (
        new(sent=changed(["2024-05-31"] * 211, 211, "soon")), ["'sent'", "'soon'", "row 211", "ISO date"],
    ),
    "columns are missing": (new(sender=None, length=None), ["new.csv has no column 'length', 'sender'"]),
    "an infinite cell": (
        new(length=changed([0.5] * 211, 3, "inf")), ["Column 'length' of new.csv", "inf", "row 3"],
    ),
    "no rows": ({name: [] for name in new()}, ["new.csv", "no rows"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PREDICT)
@pytest.mark.parametrize("output", ["predictions.csv", "predictions.parquet", "-"])
def test_a_table_that_nothing_can_be_predicted_for(model, name, output):
    columns, words = PREDICT[name]
    write_csv(Path("new.csv"), columns)
    ran = run("predict", model, "new.csv", "-o", output)
    assert ran.status == 2
    contains(ran.sentence, words)
    assert [path.name for path in Path().iterdir()] == ["new.csv"]


# option values -> words of the sentence; each is added to a command that works
FIT_OPTIONS = {
    ("--learning-rate", "-1"): ["rate must be a number ≥ 0", "-1.0"],
    ("--learning-rate", "nan"): ["rate must be", "nan"],
    ("--holdout", "2"): ["must lie between 0 and 1", "2"],
    ("--holdout", "-0.2"): ["must lie between 0 and 1", "-0.2"],
    ("--holdout", "0.3", "--test", "t.csv"): ["holdout=0.3 would do nothing"],
    ("--hidden", "a,b"): ["--hidden takes whole numbers parted by commas", "'a,b'"],
    ("--hidden", "64,,32"): ["--hidden takes whole numbers", "'64,,32'"],
    ("--hidden", "64,-1"): ["whole numbers ≥ 1", "-1"],
    ("--hidden", "1000000,1000000"): ["more than 2^31 weights"],
    ("--hidden", "0", "--dropout", "0.5"): ["dropout=0.5 would do nothing"],
    ("--hidden", "0", "--activation", "tanh"): ["activation='tanh' would do nothing"],
    ("--activation", "zigzag"): ["'zigzag'", "relu"],
    ("--activation", "softmax"): ["softmax can only be the output"],
    ("--engine", "abacus"): ["no engine 'abacus'", "reference"],
    ("--dropout", "1"): ["dropout", "< 1"],
    ("--weight-decay", "-1"): ["weight_decay must be a number ≥ 0", "-1"],
    ("--epochs", "0"): ["epochs must be a whole number > 0", "0"],
    ("--epochs", "many"): ["Invalid value for '--epochs'", "thalweg fit --help"],
    ("--patience", "-3"): ["patience must be a whole number > 0", "-3"],
    ("--batch", "0"): ["batch must be a whole number of rows", "0"],
    ("--seconds", "0"): ["seconds must be a number > 0"],
    ("--seed", "-1"): ["seed must be a whole number", "-1"],
    ("--task", "guess"): ["task must be 'auto', 'classification' or 'regression'", "'guess'"],
    ("--task", "regression"): ["'y' of t.csv is text, not a number", "classification"],
    ("--target", "none"): ["t.csv has no column 'none'"],
    ("--target", ""): ["targets must name one column or more"],
    ("--target", "y,y"): ["each once"],
    ("--target", "x,y"): ["mix classes ('y') and numbers ('x')"],
    ("--drop", "none"): ["t.csv has no column 'none'"],
    ("--drop", "y"): ["Column 'y' cannot be a target and dropped"],
    ("--drop", "x,z"): ["no column to learn from", "left out on request"],
    ("--test", "none.csv"): ["There is no file 'none.csv'"],
    ("--test", "eggs.csv"): ["Target 'y' of eggs.csv has 'eggs' in row 1", "none of the classes"],
    ("--test", "short.csv"): ["short.csv has no column 'z'"],
    ("-o", "none/m.thalweg"): ["cannot be written", "does not exist"],
    ("-o", "folder"): ["'folder' is a folder"],
    ("-o", "t.csv"): ["the model would overwrite the table 't.csv'"],
    ("-o", "m.html", "--report", "m.html"): ["the report would overwrite the model 'm.html'"],
    ("--report", "none/r.html"): ["cannot be written", "does not exist"],
    ("--report", "r.html", "--no-report"): ["exclude each other"],
    ("--bogus", "1"): ["No such option: --bogus", "thalweg fit --help"],
    ("more.csv",): ["unexpected extra argument", "more.csv"],
}  # fmt: skip


@pytest.mark.parametrize("options", FIT_OPTIONS, ids=" ".join)
def test_an_option_of_fit_that_breaks_its_rule(options):
    write_csv(Path("t.csv"), cells())
    write_csv(Path("eggs.csv"), cells(y=["eggs"] * ROWS))
    write_csv(Path("short.csv"), {"x": X, "y": Y})
    Path("folder").mkdir()
    before = {path.name: path.is_file() and path.read_bytes() for path in Path().iterdir()}
    ran = run("fit", "t.csv", "--target", "y", "--quiet", "--epochs", 2, *options)
    assert ran.status == 2
    contains(ran.sentence, FIT_OPTIONS[options])
    assert {path.name: path.is_file() and path.read_bytes() for path in Path().iterdir()} == before


OTHER_COMMANDS = {
    ("predict", "m", "t.csv", "-o", "predictions.txt"): ["as .csv or .parquet", "'predictions.txt'"],
    ("predict", "m", "t.csv", "-o", "none/p.csv"): ["'none/p.csv' cannot be written", "does not exist"],
    ("predict", "m", "t.csv", "-o", "t.csv"): ["would overwrite the table 't.csv'"],
    ("predict", "m", "none.csv"): ["There is no file 'none.csv'"],
    ("predict", "m", "t.csv", "--engine", "abacus"): ["no engine 'abacus'"],
    ("predict", "none.thalweg", "t.csv"): ["'none.thalweg' does not exist"],
    ("predict", "t.csv", "t.csv"): ["'t.csv' is not a Thalweg file"],
    ("predict", ".", "t.csv"): ["'.' is a folder"],
    ("predict", "m"): ["Missing argument", "thalweg predict --help"],
    ("inspect", "none.thalweg"): ["'none.thalweg' does not exist"],
    ("inspect", "t.csv"): ["'t.csv' is not a Thalweg file"],
    ("demo", "--folder", "t.csv"): ["the folder 't.csv' cannot be made"],
    ("demo", "--folder", "t.csv/deeper"): ["cannot be made"],
    ("paint",): ["No such command 'paint'", "thalweg --help"],
    ("--loud",): ["No such option: --loud"],
    ("fit", "SELECT * FROM nowhere", "--target", "y"): ["the query cannot be read", "nowhere"],
    ("fit", "SELECT 1 AS y; DROP TABLE x", "--target", "y"): ["single SELECT"],
}  # fmt: skip


@pytest.mark.parametrize("words", OTHER_COMMANDS, ids=" ".join)
def test_other_commands(words, model):
    write_csv(Path("t.csv"), new())
    ran = run(*(model if word == "m" else word for word in words))
    assert ran.status == 2
    contains(ran.sentence, OTHER_COMMANDS[words])
    assert [path.name for path in Path().iterdir()] == ["t.csv"]


def lying(whole, length):
    return length.to_bytes(8, "little") + whole[8:]


def flipped(whole, place, bit):
    damaged = bytearray(whole)
    damaged[place] ^= bit
    return bytes(damaged)


def nines(whole: bytes, before: bytes) -> bytes:
    """Nines for the digits of the number that comes after this."""
    return re.sub(before + rb"(\d+)", lambda found: found[0][: -len(found[1])] + b"9" * len(found[1]), whole, count=1)


SHARES, LENGTHS = (0.02, 0.3, 0.6, 0.9), (0, 1, 7, 8, 9, 16)
DAMAGE = {
    **{f"cut at {share:.0%}": lambda whole, share=share: whole[: int(len(whole) * share)] for share in SHARES},
    **{f"{n} bytes": lambda whole, n=n: whole[:n] for n in LENGTHS},
    "one byte less": lambda whole: whole[:-1],
    "one byte more": lambda whole: whole + b"\0",
    "a bit of the last number": lambda whole: flipped(whole, -1, 1),
    "a bit in the middle": lambda whole: flipped(whole, len(whole) // 2, 16),
    "a header of 2^63 bytes": lambda whole: lying(whole, 2**63),
    "a header of 1 TB": lambda whole: lying(whole, 2**40),
    "a header beyond the end": lambda whole: lying(whole, len(whole)),
    "a shorter header": lambda whole: lying(whole, int.from_bytes(whole[:8], "little") - 8),
    "an array of too many numbers": lambda whole: nines(whole, rb'"parameters":\{"dtype":"F..","shape":\['),
    "an array beyond the end": lambda whole: nines(whole, rb'"data_offsets":\[0,'),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_file(model, name):
    whole = model.read_bytes()
    damaged = DAMAGE[name](whole)
    assert damaged != whole
    Path("m.thalweg").write_bytes(damaged)
    write_csv(Path("t.csv"), new())
    for command in (("inspect", "m.thalweg"), ("predict", "m.thalweg", "t.csv")):
        ran = run(*command)
        assert ran.status == 2
        contains(ran.sentence, ["'m.thalweg'"])
        assert re.search("not a Thalweg file|damaged", ran.sentence)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize("command", ["fit", "predict", "load", "write a model", "write predictions"])
def test_no_permission(model, command):
    """Nothing is forbidden to root, so root gives up that power first."""
    given_up = []
    if os.getuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("root may read everything, and setpriv of util-linux, which could change that, is absent")
        powers = "-dac_override,-dac_read_search"
        given_up = [setpriv, f"--inh-caps={powers}", f"--bounding-set={powers}"]
    data, secret = write_csv(Path("t.csv"), mails()), write_csv(Path("secret.csv"), mails())
    locked, closed = Path("locked.thalweg"), Path("closed")
    locked.write_bytes(model.read_bytes())
    closed.mkdir()
    for path, mode in ((secret, 0), (locked, 0), (closed, 0o555)):
        path.chmod(mode)
    words = {
        "fit": ["fit", secret, "--target", "spam"],
        "predict": ["predict", model, secret, "-o", "-"],
        "load": ["inspect", locked],
        "write a model": ["fit", data, "--target", "spam", "-o", closed / "m.thalweg", "--no-report"],
        "write predictions": ["predict", model, data, "-o", closed / "p.csv"],
    }[command]
    ran = subprocess.run(
        [*given_up, sys.executable, "-m", "thalweg", *map(str, words)], capture_output=True, text=True, check=False
    )
    closed.chmod(0o755)
    assert ran.returncode == 2 and ran.stdout == "" and ran.stderr.count("\n") == 1, ran
    assert ran.stderr.startswith("thalweg: ") and re.search("[Pp]ermission denied|not readable", ran.stderr), ran.stderr


# ── what works, with a warning where one is due ──────────────────────────────────────────────────────────────────────

WORKS = {
    "missing cells": (cells(x=[None if i % 3 else x for i, x in enumerate(X)]), None),
    "words for missing cells": (cells(x=["NA" if i % 3 else x for i, x in enumerate(X)]), None),
    "a column of 1e308": (cells(z=[f"{'-' * (i % 2)}1.{i % 7}e308" for i in range(ROWS)]), None),
    "a column of 1e12": (cells(z=[f"{i * 7 % 60}e12" for i in range(ROWS)]), None),
    "a column of 1e-308": (cells(z=[f"{i * 7 % 60}e-308" for i in range(ROWS)]), None),
    "a target of 1e308": (cells(y=[f"{'-' * (i % 2)}1.{i % 7}e308" for i in range(ROWS)]), None),
    "a target of 1e-308": (cells(y=[f"{i * 7 % 60}e-308" for i in range(ROWS)]), None),
    "a target of 1e15 and a bit": (cells(y=[f"{10**15 + i * 7 % 60}" for i in range(ROWS)]), None),
    "a class with one row": (cells(y=[*Y[:-1], "eggs"]), "Class 'eggs' of 'y' in t.csv has a single row"),
    "two such classes": (cells(y=[*Y[:-2], "eggs", "bacon"]), "Classes 'bacon', 'eggs' of 'y' in t.csv have"),
    "one word of many letters": (cells(x=[f"{'ab'[i % 2] * LONG}" for i in range(ROWS)]), None),
    "names of any letters": ({"größe 📏": X, "送信者": X[::-1], "y": Y}, None),
    "names with spaces and quotes": ({"a 'b' \"c\"": X, "d\te": X[::-1], "y": Y}, None),
    "names that differ in case": ({"x": X, "X": X[::-1], "y": Y}, None),
    "few rows": (cells(x=X[:7] + [None] * 53, y=["ham", "spam"] * 4 + [None] * 52), None),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKS)
def test_odd_tables_work_with_a_warning_where_one_is_due(name):
    columns, warning = WORKS[name]
    write_csv(Path("t.csv"), columns)
    ran = run("fit", "t.csv", "--target", "y", *QUICK, "--quiet")
    assert ran.status == 0, ran
    if warning is None:
        assert ran.err == ""
    else:
        assert ran.err.count("\n") == 1 and ran.err.startswith("thalweg: warning: ") and warning in ran.err
    model = tw.load("model.thalweg")
    assert np.isfinite(model.parameters).all() and np.isfinite(model.outputs("t.csv")).all()
    predictions = model.predict("t.csv")
    assert len(predictions) == ROWS
    if model.encoder.task == "regression":
        y = table.read("t.csv")["y"].values / ROWS  # no sum or difference of these overflows
        assert np.isfinite(predictions).all() and len(set(predictions)) > 3
        assert np.abs(predictions / ROWS - y.mean()).max() < 4 * np.ptp(y)


def test_latin_1_is_read_with_a_warning():
    write_csv(Path("t.csv"), cells(z=["schön", "übel"] * 30))
    Path("t.csv").write_bytes(Path("t.csv").read_text(encoding="utf-8").encode("latin-1"))
    ran = run("fit", "t.csv", "--target", "y", *QUICK, "--quiet")
    assert ran.status == 0 and ran.err.startswith("thalweg: warning: t.csv is not UTF-8") and ran.err.count("\n") == 1
