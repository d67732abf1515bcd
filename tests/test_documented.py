"""Whatever a user can ask for is in --help or in the documents; the reference page is that of this program."""

import importlib.util
import re
from pathlib import Path

import pytest

import thalweg as tw
from command_line import run
from thalweg import cli, engines
from thalweg.activations import ACTIVATIONS
from thalweg.functions import FUNCTIONS
from thalweg.line_searches import LINE_SEARCHES
from thalweg.losses import LOSSES
from thalweg.network import INITIALIZATIONS
from thalweg.optimizers import OPTIMIZERS
from thalweg.schedules import SCHEDULES
from thalweg.stopping import Status


ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
COMMANDS = cli.command_line().commands
OPTIONS = [
    (name, option)
    for name, command in COMMANDS.items()
    for parameter in command.params
    if parameter.param_type_name == "option"
    for option in parameter.opts
    if option.startswith("--") and option != "--help"
]


def test_there_is_something_to_look_for():
    assert {"fit", "predict", "inspect", "demo", "engines"} <= set(COMMANDS) and len(OPTIONS) > 20
    assert len(PAGES) > 2 and len(TEXT) > 5_000


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_every_option_and_a_sentence_for_it(name):
    command = COMMANDS[name]
    ran = run(name, "--help")
    assert ran.status == 0 and command.help
    shown = re.sub(r"[\s│]+", " ", ran.text)
    for parameter in command.params:
        if parameter.name == "help":
            continue
        assert parameter.help, f"{name} {parameter.name} has no help"
        assert (parameter.opts[0] if parameter.param_type_name == "option" else parameter.name).lower() in shown.lower()
    assert f"thalweg {name}" in TEXT


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=lambda value: str(value))
def test_each_option_is_in_the_reference(command, option):
    section = TEXT.split(f"### `thalweg {command}`", 1)[1].split("\n##", 1)[0]
    assert re.search(rf"`[^`]*{option}\b[^`]*`", section)


@pytest.mark.parametrize(
    "name",
    [
        *ACTIVATIONS,
        *LOSSES,
        *OPTIMIZERS,
        *SCHEDULES,
        *LINE_SEARCHES,
        *INITIALIZATIONS,
        *FUNCTIONS,
        *engines.available(),
        *(status.name for status in Status),
    ],  # fmt: skip
)
def test_each_name_that_can_be_given_is_documented(name):
    assert re.search(rf"`(tw\.)?{name}[(`]", TEXT), f"{name} is in none of {', '.join(page.name for page in PAGES)}"


def test_each_public_name_is_documented():
    names = [name for name in tw.__all__ if not name.startswith("_")]
    assert len(names) > 30
    assert [name for name in names if f"tw.{name}" not in TEXT and f"thalweg.{name}" not in TEXT] == []


def test_the_reference_page_is_up_to_date():
    path = ROOT / "docs" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == module.PAGE.read_text(encoding="utf-8"), "run `make fix`"


def test_what_the_documents_tell_to_type_exists():
    """Commands in indented lines of the documents, and their options."""
    typed = re.findall(r"^ {4}thalweg ([a-z]+)([^#\n]*)", TEXT, re.MULTILINE)
    assert typed
    for command, rest in typed:
        assert command in COMMANDS, f"thalweg {command}"
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        unknown = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest)) - known
        assert not unknown, f"thalweg {command} has no {unknown}"
