"""docs/lecture.md: every row names code, a command or call, and a test that exist."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import thalweg
from thalweg import cli


ROOT = Path(__file__).resolve().parents[1]
LINES = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8").splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES if re.match(r"\| [LG]\d", line)]


def exists(name: str) -> bool:
    """Whether a dotted name, such as thalweg.network.Network.initialize, is a module or something in one."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def command_exists(shown: str) -> bool:
    """Whether `tw.name` is public, or `thalweg command --option` a command with this option."""
    if shown.startswith("tw."):
        return hasattr(thalweg, shown.removeprefix("tw."))
    _, command, *options = shown.split()
    commands = cli.command_line().commands
    return command in commands and set(options) <= {name for p in commands[command].params for name in p.opts}


def has_test(place: str) -> bool:
    """Whether tests/file.py (::function) is there."""
    file, _, function = place.partition("::")
    path = ROOT / file
    if not path.is_file():
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    return not function or function in names


def test_the_table_has_rows():
    numbers = {row[0] for row in ROWS}
    assert {"L1", "L5", *(f"L{n}" for n in range(6, 16)), *(f"G{n}" for n in range(1, 6))} <= numbers


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{i}" for i, row in enumerate(ROWS)])
def test_what_a_row_names_exists(row):
    _, _, code, shown, test = (cell.strip("`") for cell in row)
    assert exists(code), f"{code} does not exist"
    assert command_exists(shown), f"{shown} is no public name or command"
    assert has_test(test), f"{test} does not exist"


def test_what_does_not_exist_is_noticed():
    assert not exists("thalweg.network.Net") and not exists("thalweg.nothing")
    assert not any(command_exists(shown) for shown in ("tw.nothing", "thalweg fly", "thalweg fit --fly"))
    assert not has_test("tests/test_nothing.py") and not has_test("tests/test_lecture.py::test_nothing")
