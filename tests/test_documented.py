"""Whatever a user can ask for is in --help or in the documents; the pages made from the program are those of it."""

import inspect
import re
import sys
from pathlib import Path

import pytest

import docstrings
import entries
import make_api
import make_reference
import page_parts
import thalweg as tw
from command_line import run
from thalweg import cli, engines
from thalweg.activations import ACTIVATIONS
from thalweg.functions import FUNCTIONS
from thalweg.line_searches import LINE_SEARCHES
from thalweg.losses import LOSSES
from thalweg.mlp_parameters import PARAMETERS
from thalweg.network import INITIALIZATIONS
from thalweg.optimizers import OPTIMIZERS
from thalweg.schedules import SCHEDULES
from thalweg.stopping import Status


ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
COMMANDS = cli.commands()
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
    ran = run(*name.split(), "--help")
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


@pytest.mark.parametrize("maker", [make_reference, make_api], ids=lambda maker: maker.PAGE.name)
def test_the_page_is_up_to_date(maker):
    assert maker.page() == maker.PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_every_public_name_has_its_subject():
    listed = [name for subject in make_api.SUBJECTS.values() for name in subject.names.split()]
    assert sorted(set(listed) & set(tw.__all__)) == sorted(tw.__all__), "each has its place in SUBJECTS, make_api.py"
    assert len(listed) == len(set(listed))


def test_every_public_name_and_method_is_on_the_page_of_them():
    parts = re.split(r"^### `tw\.", make_api.PAGE.read_text("utf-8"), flags=re.M)[1:]
    sections = {part.split("`", 1)[0]: part for part in parts}
    assert len(parts) == len(sections) and sorted(sections) == sorted(tw.__all__)
    checked = 0
    for name in tw.__all__:
        cls = getattr(tw, name)
        for key in dir(cls) if inspect.isclass(cls) else ():
            member = getattr(cls, key, None)
            if (
                not key.startswith("_")
                and inspect.isroutine(member)
                and "thalweg" in str(getattr(member, "__module__", ""))
            ):
                assert re.search(rf"^#### `{name}\.{key}`$|\[`{key}`\]\(#", sections[name], re.M), f"{name}.{key}"
                checked += 1
    assert checked > 150


@pytest.mark.parametrize("name", tw.__all__)
def test_whatever_a_public_name_has_says_what_it_is(name):
    """Each has a docstring that speaks of every parameter, and each field a comment or a word in the docstring."""
    thing = getattr(tw, name)
    functions = {name: thing} if inspect.isfunction(thing) else {}
    if inspect.isclass(thing):
        functions = {f"{name}.{key}": docstrings.getter(member) for key, member in docstrings.members(thing)}
        assert inspect.getdoc(thing) and entries.undescribed(thing) == []
    elif not functions:
        assert docstrings.constant(sys.modules[vars(tw)["_ROOMS"][name]], name).meaning
    for key, function in functions.items():
        assert inspect.getdoc(function), key
        assert entries.unnamed(function, thing if inspect.isclass(thing) else None) == [], key


def test_whatever_else_is_on_the_page_says_what_its_fields_are():
    met = [make_api.thing(name) for name in make_api.SUBJECTS["What these names return, or take"].names.split()]
    assert met and {cls.__name__: entries.undescribed(cls) for cls in met if entries.undescribed(cls)} == {}


def test_every_parameter_of_the_estimators_is_on_the_page_with_its_meaning_and_rule():
    page = make_api.PAGE.read_text("utf-8")
    for name, row in PARAMETERS.items():
        assert row.meaning and re.search(rf"^\| `{name}` \| `[^|]+` \| [^|]+ \| [^|]+ \| [^|]+ \|$", page, re.M), name


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_links_inside_the_documents_lead_somewhere(page):
    text = re.sub(r"`[^`\n]*`", "", page_parts.without_code(page.read_text(encoding="utf-8")))
    links = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]
    for target in links:
        path, _, heading = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), f"there is no {target}"
        if heading:
            anchors = [anchor for _, anchor in page_parts.anchors(found.read_text(encoding="utf-8"))]
            assert heading in anchors, f"there is no {target}"


def test_a_link_that_leads_nowhere_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `b.c`\n\n## a bc\n\n[x](#a-bc-1) [y](page.md#a-bc)", encoding="utf-8")
    test_links_inside_the_documents_lead_somewhere(page)
    for wrong in ("[x](#a-bc-2)", "[`x`](other.md)"):
        page.write_text(f"# A bc\n\n{wrong}", encoding="utf-8")
        with pytest.raises(AssertionError):
            test_links_inside_the_documents_lead_somewhere(page)


def test_what_the_documents_tell_to_type_exists():
    """Commands in indented lines of the documents, and their options."""
    groups = {name.split()[0] for name in COMMANDS if " " in name}
    pattern = rf"^ {{4}}thalweg ((?:(?:{'|'.join(groups)}) )?[a-z]+)([^#\n]*)"
    typed = re.findall(pattern, TEXT, re.MULTILINE)
    assert typed and groups
    for command, rest in typed:
        assert command in COMMANDS, f"thalweg {command}"
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        unknown = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest)) - known
        assert not unknown, f"thalweg {command} has no {unknown}"
