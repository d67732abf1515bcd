"""The tutorials: their code runs, prints what the pages say, and draws the pictures that they show."""

import importlib.util
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest

import thalweg as tw
from command_line import run


def load_maker() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "docs" / "make_tutorial.py"
    spec = importlib.util.spec_from_file_location("make_tutorial", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


maker = load_maker()
TEXT = maker.PAGE.read_text(encoding="utf-8")
PICTURES = maker.SHOWN.findall(TEXT)
COMMANDS = re.findall(r"^    (thalweg [^#\n]*)", TEXT, re.MULTILINE)
BACKPROPAGATION = maker.BACKPROPAGATION.read_text(encoding="utf-8")
EXPLAINED = re.findall(r"^    (thalweg [^#\n]*)", BACKPROPAGATION, re.MULTILINE)
MADE_WITH = maker.MADE_WITH.search(TEXT)
MOST, MOST_OF_ALL = 300_000, 2_000_000  # bytes of a picture, and of all of them


def test_there_is_something_to_run():
    assert len(maker.CODE.findall(TEXT)) > 20 and len(COMMANDS) > 8 and MADE_WITH
    assert len(PICTURES) == len(set(PICTURES)) > 8
    assert len(re.findall(r"^```text$", TEXT, re.MULTILINE)) == sum(bool(text) for _, text in maker.CODE.findall(TEXT))


def test_the_page_and_its_pictures_are_up_to_date(tmp_path):
    """One test, so that the page runs once, however many processes the tests are shared among."""
    page = maker.run(TEXT, tmp_path)
    for said, printed in zip(maker.CODE.finditer(TEXT), maker.CODE.finditer(page), strict=True):
        assert said["text"] == printed["text"], f"{said['code']}run `make docs`"
    drawn, kept = ({path.name for path in folder.iterdir()} for folder in (tmp_path, maker.PICTURES))
    assert drawn == kept == set(PICTURES)
    same_program = bool(MADE_WITH) and MADE_WITH[1] == matplotlib.__version__
    old = [
        name
        for name in PICTURES
        if not maker.same_drawing(tmp_path / name, maker.PICTURES / name, same_program=same_program)
    ]
    assert old == [], "run `make docs`"


def test_no_seconds_are_printed():
    printed = "".join(text for _, text in maker.CODE.findall(TEXT))
    assert not re.search(r"\d (s|ms|seconds)\b", printed)


def test_the_pictures_are_small():
    sizes = {name: (maker.PICTURES / name).stat().st_size for name in PICTURES}
    assert {name: size for name, size in sizes.items() if size > MOST} == {}
    assert sum(sizes.values()) < MOST_OF_ALL


def test_the_picture_of_updates_shows_four_modes_twice():
    words = [node.text for node in ElementTree.parse(maker.PICTURES / "how-often.svg").iter() if node.text]
    for word in ("batch", "incremental", "stochastic", "mini-batch", "constant rate", "decaying rate"):
        assert words.count(word) == 1
    assert words.count("examples seen") == words.count("seconds") == words.count("loss − lowest") == 2


def test_cheap_steps_get_there_sooner_and_a_falling_rate_makes_them_settle():
    """L9, by the numbers on the page."""
    row = re.compile(r"^(\S+) +[\d,]+ steps; loss − lowest after sweep 1: (\S+), 2: \S+, 29: (\S+), 30: (\S+)$", re.M)
    numbers = [(name, *map(float, losses)) for name, *losses in row.findall(TEXT)]
    assert [name for name, *_ in numbers] == 2 * ["batch", "incremental", "stochastic", "mini-batch"]
    (batch, *constant), (slow, *falling) = numbers[:4], numbers[4:]
    for name, first, _, _ in [*constant, *falling]:
        assert first < 0.3 * batch[1], name  # sooner
    incremental, stochastic, mini = constant
    assert incremental[2] == incremental[3] > batch[3]  # the same round again and again
    assert stochastic[3] != pytest.approx(stochastic[2], rel=0.1)  # never at rest
    assert mini[3] < 0.1 * incremental[3]
    for before, after in zip(constant, falling, strict=True):
        assert after[3] < 0.1 * before[3]
    assert slow[3] > batch[3]  # batch is only slowed down


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_do_what_they_say(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = run(*shlex.split(command)[1:])
    assert ran.status == 0, ran
    files = re.findall(r"--(?:plot|animate) (\S+)", command)
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_the_page_of_backpropagation_is_up_to_date(tmp_path):
    assert len(maker.CODE.findall(BACKPROPAGATION)) > 12
    page = maker.run(BACKPROPAGATION, tmp_path, maker.BACKPROPAGATION)
    for said, printed in zip(maker.CODE.finditer(BACKPROPAGATION), maker.CODE.finditer(page), strict=True):
        assert said["text"] == printed["text"], f"{said['code']}run `make docs`"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def lecture_files(tmp_path_factory):
    """What the commands of the page of backpropagation are about."""
    folder = tmp_path_factory.mktemp("lecture")
    typed = tw.TypedNetwork.from_texts(weights="1/2 -1; 2 1 | 1; -2", x="1 2", y="3", activation="relu")
    (folder / "lecture.toml").write_text(typed.to_toml(), encoding="utf-8")
    rows = [f"{length},{trusted},{int(length > 50)}" for length in range(100) for trusted in (0, 1)]
    (folder / "spam.csv").write_text("\n".join(["length,trusted,class", *rows]), encoding="utf-8")
    tw.fit(folder / "spam.csv", "class", hidden=(3,), epochs=3).save(folder / "spam.thalweg")
    answers = tw.exercise("hidden-weight", layers=[2, 2, 2], seed=7, variant=3).solution
    lines = [f'"{name}",{float(value)}' for name, value in answers.items()]
    (folder / "answers.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("command", EXPLAINED)
def test_the_commands_about_backpropagation_do_what_they_say(command, lecture_files, tmp_path, monkeypatch):
    for path in lecture_files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    ran = run(*shlex.split(command)[1:])
    assert ran.status == 0, ran
    written = re.findall(r"-o (\S+)", command)
    assert all((tmp_path / name).is_file() for name in written) and (written or len(ran.text) > 200)


# ── the runner itself: what it must notice ───────────────────────────────────────────────────────────────────────────

TINY = "```python\nx = 1\nprint(x)\n```\n\n```text\n2\n```\n\n```python\nprint(x + 1)\n```\n\n```python\ny = 3\n```\n"
FRESH = (
    "```python\nx = 1\nprint(x)\n```\n\n```text\n1\n```\n\n```python\nprint(x + 1)\n```\n\n```text\n2\n```\n\n"
    "```python\ny = 3\n```\n"
)


def test_text_is_refreshed_added_and_left_out(tmp_path):
    assert maker.run(TINY, tmp_path) == FRESH == maker.run(FRESH, tmp_path)
    assert maker.run("```python\nx = 1\n```\n\n```text\n1\n```\n", tmp_path) == "```python\nx = 1\n```\n"


def test_a_long_line_is_folded():
    assert maker.folded("a" * 80) == "a" * 80
    assert maker.folded("word " * 30).splitlines() == ["word " * 21 + "word", "word word word word word word word word"]


def test_an_error_tells_the_line_of_the_page(tmp_path):
    with pytest.raises(ZeroDivisionError) as caught:
        maker.run("One.\n\n```python\nx = 1\nx / 0\n```\n", tmp_path)
    assert caught.traceback[-1].lineno + 1 == 5


def svg(text: str = "x", x: float = 1.0, digest: str = "a1b2") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg"><path id="p{digest}" d="M 0 0 L {x} 1e-3"/>'
        f'<g clip-path="url(#p{digest})"><text x="3">{text}</text><text>0.5</text></g></svg>'
    )


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (lambda: svg(), True),
        (lambda: svg(x=1.0001, digest="c3d4"), True),
        (lambda: svg(x=1.5), False),
        (lambda: svg(text="y"), False),
        (lambda: svg().replace('<text x="3">', '<text x="3" style="fill: red">'), False),
        (lambda: svg().replace("0.5", "0.6"), False),
    ],
)
def test_drawings_are_compared(change: Callable[[], Any], is_same: bool, tmp_path):
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    one.write_text(svg())
    other.write_text(change())
    assert maker.same_drawing(one, other) is is_same


def test_of_drawings_with_seconds_the_words_count(tmp_path):
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    one.write_text(svg(text="seconds"))
    other.write_text(svg(text="seconds", x=7.0).replace("0.5", "80 m"))
    assert maker.same_drawing(one, other)
    other.write_text(svg(text="seconds").replace("<text>", "<text>steps</text><text>"))
    assert not maker.same_drawing(one, other)
