"""`thalweg exercise`: the sheets it prints and writes, the answers it marks, and its refusals."""

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

import thalweg as tw
from command_line import run
from thalweg import progress, text_writer, writers
from thalweg.arithmetic import Rounding
from thalweg.descent_exercises import DESCENT_EXERCISES, descent_exercise
from thalweg.exercise_pages import problem, sheet, solutions
from thalweg.exercises import EXERCISES, exercise
from thalweg.moodle import moodle


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def told(*arguments: Any) -> Any:
    ran = run("exercise", *arguments, "--json")
    assert ran.status == 0, ran
    return json.loads(ran.text)


def test_the_designs_command_prints_a_problem():
    ran = run("exercise", "--layers", "2,2,2", "--seed", 7)
    assert ran.status == 0 and ran.err == ""
    assert ran.text == writers.write(problem(exercise("hidden-weight", layers=[2, 2, 2], seed=7)), "text")
    assert "∂E/∂W" in ran.text and "__________" in ran.text


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ((), "hidden-weight"), (("--layers", "3,2,1"), "hidden-weight"), (("--layers", "2,1"), "output-weight"),
        (("--layers", "2,3,2,1"), "two-hidden-layers"), (("--output-activation", "softmax"), "softmax"),
        (("--learning-rate", "1/2"), "update"), (("momentum",), "momentum"), (("batch", "--layers", "2,2,1"), "batch"),
    ],
)  # fmt: skip
def test_the_kind_follows_from_the_network(arguments, kind):
    (one,) = told(*arguments)
    assert one["kind"] == kind


def test_every_option_arrives():
    arguments = ("two-hidden-layers", "--layers", "2,3,2,1", "--activation", "tanh", "--output-activation", "identity",
                 "--loss", "half_squared_error", "--no-bias", "--seed", 5, "--variant", 3, "--decimals", 4)  # fmt: skip
    Path("lecture.toml").write_text('error = "L"\n', encoding="utf-8")
    one = exercise(
        "two-hidden-layers", layers=[2, 3, 2, 1], activation="tanh", output="identity", loss="half_squared_error",
        bias=False, seed=5, variant=3, rounding=Rounding(4, decimals=True), conventions=tw.Conventions(error="L"),
    )  # fmt: skip
    ran = run("exercise", *arguments, "--conventions", "lecture.toml")
    assert ran.text == writers.write(problem(one), "text") and "∂L/∂W" in ran.text
    walk = descent_exercise("descent-2d", seed=5, learning_rate=Fraction(1, 5), rounding=Rounding(3))
    ran = run("exercise", "descent-2d", "--seed", 5, "--learning-rate", "0,2", "--digits", 3)
    assert ran.text == writers.write(problem(walk), "text")
    assert "that is off" not in run("exercise", "relu", "--dead-units").text
    (one,) = told("relu", "--dead-units", "--seed", 2)
    assert one["python"] == 'tw.exercise("relu", seed=2, variant=1, dead_units=True)'


def test_solutions_and_many_variants():
    ones = [exercise("output-weight", seed=7, variant=n) for n in (1, 2, 3)]
    title = ones[0].title
    ran = run("exercise", "output-weight", "--seed", 7, "--variants", 3)
    assert ran.text == writers.write(sheet(ones, title), "text")
    ran = run("exercise", "output-weight", "--seed", 7, "--variants", 3, "--solutions")
    assert ran.text == text_writer.text(solutions(ones, f"{title}: solutions"), 110)
    assert re.search(r"^value +what it is +right +± +points$", ran.text, re.MULTILINE), "the grid is a table"
    assert run("exercise", "output-weight", "--seed", 7, "--variant", 2).text == writers.write(problem(ones[1]), "text")


@pytest.mark.parametrize(
    ("file", "form"), [("s.txt", "text"), ("s.md", "markdown"), ("s.TEX", "latex"), ("s.html", "html")]
)
def test_a_sheet_and_its_solutions_are_written_side_by_side(file, form):
    ran = run("exercise", "relu", "--seed", 3, "--variants", 2, "-o", file)
    beside = Path(file).with_stem(f"{Path(file).stem}-solutions")
    assert ran.status == 0 and ran.text == f"sheet      {file}\nsolutions  {beside}\n"
    ones = [exercise("relu", seed=3, variant=n) for n in (1, 2)]
    assert Path(file).read_text("utf-8") == writers.write(sheet(ones, ones[0].title), form)
    assert ones[0].label in beside.read_text("utf-8") and "all together" in beside.read_text("utf-8")
    assert sorted(Path().iterdir()) == sorted([Path(file), beside])


def test_a_quiz_is_one_file_and_a_notebook_has_code():
    ran = run("exercise", "momentum", "--variants", 2, "-o", "quiz.xml")
    ones = [descent_exercise("momentum", variant=n) for n in (1, 2)]
    assert ran.text == "sheet      quiz.xml\n" and list(Path().iterdir()) == [Path("quiz.xml")]
    assert Path("quiz.xml").read_text("utf-8") == moodle(ones, f"Thalweg: {ones[0].title}")
    assert len(ElementTree.parse("quiz.xml").getroot()) == 3
    assert run("exercise", "--format", "moodle").text.startswith("<?xml")
    run("exercise", "--seed", 7, "-o", "sheet.ipynb")
    cells = json.loads(Path("sheet.ipynb").read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code[0].startswith("answers = {") and 'tw.exercise("hidden-weight", seed=7, variant=1).check' in code[1]
    assert not any(
        cell["cell_type"] == "code" for cell in json.loads(Path("sheet-solutions.ipynb").read_text())["cells"]
    )


def test_json_has_what_is_right():
    ones = told("convergence", "--variants", 2, "--seed", 4)
    assert [one["variant"] for one in ones] == [1, 2]
    for one in ones:
        again = descent_exercise("convergence", seed=4, variant=one["variant"])
        assert {value["name"]: value["right"] for value in one["values"]} == {
            k: float(v) for k, v in again.solution.items()
        }
        assert all(value["from"] <= value["right"] <= value["to"] for value in one["values"])
        assert one["values"][-1]["choices"] == ["creeps", "oscillates", "diverges"] and one["label"] == again.label


def test_the_list_names_every_kind():
    text = run("exercise", "--list").text
    rows = {**EXERCISES, **DESCENT_EXERCISES}
    assert len(text.splitlines()) == len(rows) and all(
        f"{name} " in text and row.title in text for name, row in rows.items()
    )
    assert json.loads(run("exercise", "--list", "--json").text) == {name: row.title for name, row in rows.items()}


def answers(posed: Any, change: dict[str, float] | None = None) -> Path:
    """A file with the right answers, but for some."""
    numbers = {name: float(value) for name, value in posed.solution.items()} | (change or {})
    path = Path("answers.csv")
    path.write_text(
        "name;answer\n" + "".join(f"{k};{v!r}".replace(".", ",") + "\n" for k, v in numbers.items()), "utf-8"
    )
    return path


@pytest.mark.parametrize("kind", [*EXERCISES, *DESCENT_EXERCISES])
def test_right_answers_are_right(kind):
    draw = exercise if kind in EXERCISES else descent_exercise
    one = draw(kind, seed=7, variant=2)
    ran = run("exercise", kind, "--seed", 7, "--variant", 2, "--check", answers(one))
    n = len(one.steps)
    assert ran.status == 0 and ran.text.endswith(f"{n} of {n} accepted\n") and "wrong" not in ran.text
    assert ran.text == f"{one.check(one.solution)}\n"


def test_a_wrong_answer_is_told_and_what_follows_from_it_is_accepted():
    one = exercise("hidden-weight", seed=7)
    t = one.trace
    doubled = float(one.solution["delta[2][1]"]) * 2
    (goal,) = one.goals
    unit = goal[-1]
    W = [float(t.value(("W", 2, unit, k))) for k in (1, 2)]
    total = doubled * W[0] + float(one.solution["delta[2][2]"]) * W[1]
    below = float(Rounding(4)(total * float(one.solution[f"g'(a[1][{unit}])"])))
    end = {t[goal].name: float(Rounding(4)(below * float(t.value(("x", goal[2])))))}
    ran = run(
        "exercise", "--seed", 7, "--check", answers(one, {"delta[2][1]": doubled, f"delta[1][{unit}]": below, **end})
    )
    assert ran.status == 0 and "δ₁⁽²⁾ = " in ran.text and "16 of 17 accepted" in ran.text
    marking = told("--seed", 7, "--check", "answers.csv")
    verdicts = [mark["verdict"] for mark in marking["marks"]]
    assert verdicts.count("right") == 14 and verdicts[-2:] == ["follows", "follows"] and verdicts[11] == "wrong"
    assert marking["marks"][11]["name"] == "delta[2][1]"


def test_symbols_as_they_are_printed_are_names():
    one = exercise("update", seed=7)
    lines = [f"{'new ' if step.is_update else ''}{step.symbol.unicode},{float(step.result)}" for step in one.steps]
    Path("answers.csv").write_text("\n".join(lines), "utf-8")
    assert (
        f"{len(lines)} of {len(lines)} accepted"
        in run("exercise", "update", "--seed", 7, "--check", "answers.csv").text
    )
    two = exercise("batch", seed=7)
    labels = [(f"example {step.example}: " if step.example else "") + step.symbol.unicode for step in two.steps]
    lines = [f"{label},{float(step.result)}" for label, step in zip(labels, two.steps, strict=True)]
    Path("answers.csv").write_text("\n".join(lines), "utf-8")
    assert (
        f"{len(lines)} of {len(lines)} accepted" in run("exercise", "batch", "--seed", 7, "--check", "answers.csv").text
    )


NETWORK = """\
weights = [[["1/3", 0.25], [0.5, -1]], [[1], [2]]]
biases = [0, [0.5]]
x = [2, 1]
y = [1]
learning_rate = 0.5
"""


def test_answers_to_a_network_typed_in():
    """Every value of it, by hand: a₁ = 2/3 + 1/2, a₂ = 1/2 − 1."""
    Path("net.toml").write_text(NETWORK, "utf-8")
    Path("answers.csv").write_text("a[1][1],1.167\na₂⁽¹⁾,-1/2\nz[1][2],0.3775\nnew W[2][2,1],3\n", "utf-8")
    ran = run("exercise", "--network", "net.toml", "--check", "answers.csv")
    lines = ran.text.splitlines()
    assert ran.status == 0 and [line.split(": ")[1].split(";")[0] for line in lines[:-1]] == ["right"] * 3 + ["wrong"]
    assert lines[-1] == "3 of 4 accepted"
    Path("answers.csv").write_text("a[1][1],1.17\n", "utf-8")
    assert "1 of 1" in run("exercise", "--network", "net.toml", "--check", "answers.csv", "--decimals", 2).text
    assert "0 of 1" in run("exercise", "--network", "net.toml", "--check", "answers.csv").text


def test_a_bar_is_shown_for_many_variants(monkeypatch):
    shown: list[tuple[int, int]] = []
    monkeypatch.setattr(progress.LateProgress, "show", lambda self, s, done, total, text: shown.append((done, total)))
    run("exercise", "descent-1d", "--variants", 3)
    assert shown == [(1, 3), (2, 3), (3, 3)]


def test_the_bar_goes_to_standard_error_and_late(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("thalweg.exercise_cli.time.perf_counter", lambda: float(next(clock)))
    recorded = Console(force_terminal=True, record=True, width=80, file=io.StringIO())
    monkeypatch.setattr("rich.console.Console", lambda **_: recorded)
    out = run("exercise", "descent-1d", "--variants", 5).out
    assert b"exercise" not in out.split(b"\n")[0] and "5/5" in recorded.export_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("newton",), "the kind of exercise must be one of output-weight, hidden-weight"),
        (("--layers", "2,x"), "--layers takes whole numbers parted by commas, the inputs first"),
        (("--layers", "2,9,1"), "a layer of an exercise has at most 6 units, not 9"),
        (("hidden-weight", "--layers", "2,1"), "has no hidden layer; add one"),
        (("--activation", "sigmoyd"), "sigmoyd"),
        (("--dead-units",), "dead_units needs hidden relu units"),
        (("--learning-rate", "fast"), "--learning-rate must be a finite number"),
        (("hidden-weight", "--learning-rate", "1"), "--learning-rate does nothing in an exercise of the kind hidden"),
        (("momentum", "--layers", "2,2,1"), "--layers does nothing in an exercise of the kind momentum; leave it out"),
        (("momentum", "--no-bias"), "--no-bias does nothing"),
        (("momentum", "--output-activation", "tanh"), "--output-activation does nothing"),
        (("--digits", "3", "--decimals", "3"), "--digits and --decimals exclude each other"),
        (("--digits", "0"), "1 to 15 significant digits, not 0"),
        (("--variants", "0"), "--variants takes a number from 1 to 1,000, not 0"),
        (("--variants", "1001"), "not 1,001"),
        (("--variant", "0"), "variant must be a whole number from 1, not 0"),
        (("--variants", "2", "--variant", "2"), "--variants and --variant exclude each other"),
        (("--seed", "-1"), "the seed must be a whole number"),
        (("--format", "word"), "--format must be one of text, markdown, latex, html, notebook, moodle"),
        (("--format", "moodle", "--solutions"), "leave out --solutions"),
        (("-o", "s.tex", "--solutions"), "the solutions are written beside the sheet, to 's-solutions.tex'"),
        (("-o", "no/s.tex"), "the folder"),
        (("-o", "s"), "the name 's' ends with none of them; change it, or give --format"),
        (("--json", "-o", "s.tex"), "--json prints exercises as data; leave it out, or --output"),
        (("--conventions", "no.toml"), "'no.toml' does not exist"),
        (("--network", "net.toml"), "there are none; give --check answers.csv too"),
        (("--check", "no.csv"), "'no.csv' does not exist"),
        (("--check", "no.csv", "-o", "s.tex"), "--check marks answers and makes no sheet; leave out --output"),
        (("--check", "no.csv", "--variants", "2"), "say which with --variant"),
        (("--check", "no.csv", "--network", "net.toml", "--layers", "2,1"), "exercise of a kind; leave out --layers"),
        (("relu", "--check", "no.csv", "--network", "net.toml"), "leave out the kind relu"),
    ],
)  # fmt: skip
def test_refusals(arguments, said):
    ran = run("exercise", *arguments)
    assert ran.status == 2 and said in ran.sentence
    assert not list(Path().iterdir()), "nothing is written"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "'a.csv' has no answers"),
        (b"delt[1][1],0.5\n", "no value is called 'delt[1][1]' (line 1); values have names such as delta[1][1]"),
        (b"x[1],0.5\n", "no value is called 'x[1]' (line 1)"),
        (b"a[1][1],half\n", "'a.csv', line 1: the answer for a[1][1] must be a finite number"),
        ("a[1][1],½".encode("latin-1"), "'a.csv' is no text in UTF-8"),
    ],
)
def test_bad_answer_files_are_told_in_a_sentence(content, said):
    Path("a.csv").write_bytes(content)
    assert said in run("exercise", "--check", "a.csv").sentence
    assert Path("a.csv").read_bytes() == content


def test_a_sheet_never_overwrites_what_it_reads():
    Path("lecture.toml").write_text('error = "L"\n', "utf-8")
    ran = run("exercise", "--conventions", "lecture.toml", "-o", "lecture.toml", "--format", "text")
    assert ran.status == 2 and "would overwrite the conventions" in ran.sentence


def test_the_help_has_examples():
    text = run("exercise", "--help").text
    assert all(
        word in text for word in ("--layers", "--check", "--solutions", "thalweg exercise --layers 2,2,2 --seed 7")
    )


WORDS = (
    "relu momentum --layers 2,1 2,2 --digits 2 --dead-units --seed é --loss huber --variants --json --solutions"
).split()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(WORDS), max_size=6))
def test_whatever_is_typed_is_answered(arguments):
    ran = run("exercise", *arguments)
    assert ran.status in (0, 2) and (ran.status == 0 or ran.err.startswith("thalweg: "))
