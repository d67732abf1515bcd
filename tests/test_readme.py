"""README.md: its Python runs, its commands exist."""

import re
import shlex

import pytest

import pages
from thalweg import cli


README = (pages.ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = pages.python_blocks("README.md")
COMMANDS = re.findall(r"^    (thalweg .*?)(?:  #.*)?$", README, re.MULTILINE)
TARGETS = re.findall(r"^    make (\w+)", README, re.MULTILINE)


def test_there_is_something_to_run():
    assert len(BLOCKS) == 6 and len(COMMANDS) == 6 and TARGETS == ["demo", "test"]


def test_the_python_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pages.run("README.md", BLOCKS)
    printed = capsys.readouterr().out
    assert "agrees within" in printed and "choose by what you need" in printed and "History of" in printed
    assert (tmp_path / "run.checkpoint").is_file()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_are_understood(command):
    _, name, *arguments = shlex.split(command)
    cli.command_line().commands[name].make_context(name, arguments)
