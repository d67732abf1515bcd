"""docs/spam.md: its commands and its Python do what the page says, on mails that are made up here."""

import io
import re
import shlex
import sys
from pathlib import Path

import pytest

import pages
import thalweg as tw
from command_line import run
from letters import letters, write_folders


PAGE = "docs/spam.md"
TEXT = (pages.ROOT / PAGE).read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (thalweg .*)$", TEXT, re.MULTILINE)
BLOCKS = pages.python_blocks(PAGE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the mailboxes that the page names, after its commands; what each of them did."""
    place = tmp_path_factory.mktemp("page")
    write_folders(place, 131, 109)
    (place / "ham").rename(place / "wanted")
    junk = letters(1, 109)[1]
    (place / "junk.mbox").write_bytes(b"".join(b"From a Mon Mar  4 10:00:00 2024\n" + raw + b"\n" for raw in junk))
    (place / "new").mkdir()
    for name, (raw, *_) in zip(("a.eml", "b.eml"), letters(1, 1, seed=7), strict=True):
        (place / "new" / name).write_bytes(raw)
    (place / "letter.eml").write_bytes(next(raw for raw in letters(1, 7, seed=9)[1] if b"@shop" in raw))
    (place / "domains.txt").write_text("example.org  # the university\nwork.example.net\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        done = [(command, typed(command, patch)) for command in COMMANDS]
    return place, done


def typed(command, patch):
    """What a command did, its `<` and `>` included."""
    words = shlex.split(command)
    for sign in ("<", ">"):
        if sign in words:
            at = words.index(sign)
            name = words[at + 1]
            del words[at : at + 2]
            if sign == "<":
                patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(name).read_bytes())))
            else:
                ran = run(*words[1:])
                Path(name).write_bytes(ran.out)
                return ran
    return run(*words[1:])


def test_there_is_something_to_run():
    assert len(COMMANDS) == 9 and len(BLOCKS) == 3


def test_the_commands_do_what_the_page_says(folder):
    place, done = folder
    for command, ran in done:
        assert ran.status == (3 if "classify" in command and "--header" not in command else 0), (command, ran)
    said = dict(done)
    train, only, by_time, listed = (ran.text for command, ran in done if " train " in command)
    assert "48 held out" in train and "The lecture's two features alone" in train
    assert (
        "The lecture's two" not in only and "48 held out" in by_time and "It trusts 2 domains of your list." in listed
    )
    lines = said["thalweg spam classify spam.thalweg new"].text.splitlines()
    assert [line.split()[1] for line in lines] == ["wanted", "spam"]
    first, _, rest = (place / "marked.eml").read_bytes().partition(b"\r\n")
    assert rest == (place / "letter.eml").read_bytes()
    assert re.fullmatch(re.sub(r"0\.\d+", r"[01]\\.\\d+", "X-Thalweg-Spam: yes, probability=0.9731"), first.decode())
    assert "Forward pass" in said["thalweg spam classify lecture.thalweg letter.eml --explain"].text
    assert "Forward pass" not in said["thalweg spam classify spam.thalweg letter.eml --explain"].text


def test_the_python_runs(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder[0])
    names = pages.run(PAGE, BLOCKS)
    printed = capsys.readouterr().out
    assert "Backward pass" in printed and "with the lecture's two: 0." in printed and "Model of class" in printed
    assert isinstance(names["spam_filter"], tw.SpamFilter) and len(names["table"].names) == 3
