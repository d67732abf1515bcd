"""What the code says of itself: docstrings in parts, signatures as they were typed, the comments beside fields."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
import importlib
import inspect
import io
import json
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


WIDTH = 100  # of a signature
SECTION = re.compile(r"(Args|Returns|Yields|Raises|Attributes):")
ENTRY = re.compile(r"    ([\w*, ]+): (.*)")


@dataclass(frozen=True)
class Part:
    """One part of a docstring: a paragraph, an example, or a section of entries (name, meaning)."""

    kind: str  # text, example, or the title of a section
    text: str = ""
    entries: tuple[tuple[str, str], ...] = ()


def parts_of(thing: Any) -> list[Part]:
    """A docstring in its parts, in their order.

    >>> [(part.kind, part.text, part.entries) for part in parts_of(Part)]
    [('text', 'One part of a docstring: a paragraph, an example, or a section of entries (name, meaning).', ())]
    """
    found: list[Part] = []
    own, *_ = (inspect.getdoc(thing) or "").split("\n\nParameters\n")  # what follows is a table of its own here
    for block in re.split(r"\n\s*\n", own):
        lines = block.splitlines()
        if not lines:
            continue
        if section := SECTION.fullmatch(lines[0]):
            found.append(Part(section[1], *_entries(lines[1:])))
        elif lines[0].startswith(">>> "):
            if found and found[-1].kind == "example":
                block = f"{found.pop().text}\n\n{block}"
            found.append(Part("example", block))
        elif lines[0].startswith("    ") and found and found[-1].entries:  # a section goes on below an empty line
            text, entries = _entries(lines)
            found[-1] = dataclasses.replace(found[-1], text=text, entries=found[-1].entries + entries)
        else:
            found.append(Part("text", block))
    return found


def _entries(lines: list[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(text, entries): the entries of a section, or its text where it has none."""
    entries: list[tuple[str, str]] = []
    for line in lines:
        if entry := ENTRY.fullmatch(line):
            entries.append((entry[1], entry[2]))
        elif entries:
            entries[-1] = (entries[-1][0], f"{entries[-1][1]} {line.strip()}")
        else:
            return " ".join(map(str.strip, lines)), ()
    return "", tuple(entries)


def section(thing: Any, title: str) -> dict[str, str]:
    """The entries of a section by name; `a, b: …` is an entry of both."""
    return {
        name.lstrip("*"): text
        for part in parts_of(thing)
        if part.kind == title
        for names, text in part.entries
        for name in names.split(", ")
    }


# ── signatures ────────────────────────────────────────────────────────────────────────────────────────────────────────


def typed(annotation: Any, module: str) -> str:
    """A type as it was typed in this module, with its short names for types written out."""
    if annotation is inspect.Parameter.empty:
        return ""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = re.sub(r"\[ | (?=\])", lambda found: found[0].strip(), re.sub(r"\s+", " ", text))  # typed over several lines
    text = text.replace("'", '"')  # Python makes all of them single
    path = getattr(sys.modules.get(module), "__file__", None)
    for name, meaning in (_aliases(path) if path else {}).items():
        text = re.sub(rf"\b{name}\b", lambda _, meaning=meaning: meaning, text)
    return text


def returned(function: Callable[..., Any]) -> str:
    """The type of the result, or nothing where none is typed."""
    return typed(inspect.signature(function).return_annotation, function.__module__)


@functools.cache
def _aliases(path: str) -> dict[str, str]:
    """The short names of types that a file makes for itself under `if TYPE_CHECKING`."""
    source, tree, _ = _read(path)
    found = {}
    for block in tree.body:
        if isinstance(block, ast.If):
            for node in block.body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    found[node.targets[0].id] = ast.get_source_segment(source, node.value) or ""
    return found


def shown(value: Any) -> str:
    """A default as it would be typed: a function or a class by its name, an object with what is not its default."""
    if isinstance(value, type) or inspect.isroutine(value):
        return value.__name__
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if not dataclasses.is_dataclass(value):
        text = repr(value)
        return "…" if text.startswith("<") else text
    usual = {field.name: field.default for field in dataclasses.fields(value)}
    with contextlib.suppress(TypeError, ValueError):  # some need an argument
        usual = vars(type(value)())
    given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.init}
    return f"{type(value).__name__}({', '.join(f'{k}={shown(v)}' for k, v in given.items() if v != usual[k])})"


def signature(thing: Callable[..., Any], name: str, *, bound: bool = False) -> str:
    """The call of a function or of a class, with types and defaults; a long one has a line for each argument."""
    known = inspect.signature(thing)
    module = _maker(thing).__module__
    parameters = list(known.parameters.values())[bound:]
    listed, starred = [], False
    for parameter in parameters:
        kind = parameter.kind
        if kind is parameter.KEYWORD_ONLY and not starred:
            listed.append("*")
        starred = starred or kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(kind, "")
        text = stars + parameter.name
        if annotation := typed(parameter.annotation, module):
            text += f": {annotation}"
        if parameter.default is not parameter.empty:
            text += f" = {shown(parameter.default)}" if annotation else f"={shown(parameter.default)}"
        listed.append(text)
    returns = typed(known.return_annotation, module)
    arrow = f" -> {returns}" if returns and not isinstance(thing, type) else ""
    line = f"{name}({', '.join(listed)}){arrow}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {text}," for text in listed), f"){arrow}"])


def _maker(thing: Any) -> Any:
    """What has the parameters: of a class the class that defines or makes its __init__."""
    if not isinstance(thing, type) or dataclasses.is_dataclass(thing):
        return thing
    return next((base for base in thing.__mro__ if "__init__" in vars(base)), thing)


def meant(word: str, *modules: str) -> Any:
    """What a word of a type stands for in the first of these modules that knows it; None where none does."""
    for module in modules:
        if word in vars(sys.modules[module]):
            return vars(sys.modules[module])[word]
        path = sys.modules[module].__file__
        if path and word in (imported := _imports(path)):
            return getattr(importlib.import_module(imported[word]), word)
    return None


@functools.cache
def _imports(path: str) -> dict[str, str]:
    """Names that a file takes from rooms of this package, for types only too, with the room."""
    return {
        one.name: node.module
        for node in ast.walk(_read(path)[1])
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("thalweg")
        for one in node.names
    }


# ── classes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def is_ours(thing: Any) -> bool:
    """Whether it was written in this package."""
    return getattr(thing, "__module__", "").split(".")[0] == "thalweg"


def bases(cls: type) -> list[type]:
    """The class and what it inherits from in this package."""
    return [base for base in cls.__mro__ if is_ours(base)]


SPECIAL = ("__call__", "__getitem__", "__iter__", "__len__", "__contains__", "__add__")


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties by name, its own first; and special methods with a docstring."""
    seen = dict.fromkeys(name for base in bases(cls) for name in vars(base))
    for name in seen:
        value = inspect.getattr_static(cls, name)
        if isinstance(value, (property, functools.cached_property, classmethod, staticmethod)):
            if not name.startswith("_"):
                yield name, value
        elif inspect.isfunction(value) or hasattr(value, "fn"):  # available_if of scikit-learn
            if not name.startswith("_") or (name in SPECIAL and value.__doc__):
                yield name, value


def is_property(member: Any) -> bool:
    """Whether it is read without a call."""
    return isinstance(member, (property, functools.cached_property))


def getter(member: Any) -> Any:
    """The function behind a property, a method, or a method of the class."""
    for name in ("fget", "func", "__func__", "fn"):
        if not inspect.isfunction(member) and hasattr(member, name):
            return getattr(member, name)
    return member


@dataclass(frozen=True)
class Field:
    """An annotated name of a class, or a constant."""

    name: str
    type: str
    meaning: str  # of the comment beside it or the lines above it


def fields(cls: type) -> dict[str, Field]:
    """The annotated public names of a class and of what it inherits, base classes first."""
    found: dict[str, Field] = {}
    for base in reversed(bases(cls)):
        for name, field in _own_fields(base).items():
            inherited = found[name].meaning if name in found else ""
            found[name] = dataclasses.replace(field, meaning=field.meaning or inherited)
    known = {field.name: field for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else {}
    hidden = {name for name, field in known.items() if not (field.repr or field.init)}
    return {name: field for name, field in found.items() if not name.startswith("_") and name not in hidden}


@functools.cache
def _own_fields(cls: type) -> dict[str, Field]:
    path = sys.modules[cls.__module__].__file__
    assert path
    source, tree, comments = _read(path)
    body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == cls.__name__)
    found = {}
    for node in body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            annotation = typed(ast.get_source_segment(source, node.annotation) or "", cls.__module__)
            found[node.target.id] = Field(node.target.id, annotation, _comment(node, comments))
    return found


@functools.cache
def _read(path: str) -> tuple[str, ast.Module, dict[int, tuple[bool, str]]]:
    """(source, tree, comments): of each line whether the comment stands alone, and what it says, without directives."""
    with open(path, encoding="utf-8") as file:
        source = file.read()
    comments = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = re.sub(r"#\s*(noqa|fmt|pyright|type):.*", "", token.string).lstrip("# ").strip()
            if text and not text.startswith("──"):
                comments[token.start[0]] = (not token.line[: token.start[1]].strip(), text)
    return source, ast.parse(source), comments


def constant(module: Any, name: str) -> Field:
    """A constant of a module: its type, where one is typed, and the comment beside it or above it."""
    source, tree, comments = _read(module.__file__)
    for node in tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if name in {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}:
            kind = ast.get_source_segment(source, node.annotation) or "" if isinstance(node, ast.AnnAssign) else ""
            return Field(name, kind, _comment(node, comments))
    message = f"{module.__name__} assigns no {name}"
    raise LookupError(message)


def _comment(node: ast.stmt, comments: dict[int, tuple[bool, str]]) -> str:
    """What the comment on the lines of a statement says, or else the lines above it."""
    beside = [comments[at][1] for at in range(node.lineno, (node.end_lineno or node.lineno) + 1) if at in comments]
    above: list[str] = []
    at = node.lineno - 1
    while not beside and at in comments and comments[at][0]:
        above.insert(0, comments[at][1])
        at -= 1
    return " ".join(beside or above)
