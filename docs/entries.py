"""How docs/api.md says a name: a function, a class, a constant, each in full, in Markdown, with links to the others."""

from __future__ import annotations

import enum
import functools
import inspect
import re
import sys
from collections.abc import Iterable
from typing import Any

from docstrings import (
    Part,
    bases,
    constant,
    fields,
    getter,
    is_ours,
    is_property,
    meant,
    members,
    parts_of,
    returned,
    section,
    shown,
    signature,
)
from page_parts import anchors, first_line, plain, table
from thalweg.estimators import MLPClassifier
from thalweg.mlp_parameters import OURS, PARAMETERS


TITLES = {"Args": "Arguments"}
STATUS = "reference.md#why-a-training-or-a-walk-stopped"
LINK = re.compile(r"\]\(@([\w.]+)\)")  # to a name: `placed` finds where it stands


class Entries:
    """The entries of a page; `things` are all that it has, by name: `fit`, or with its room as in `run.Failure`."""

    def __init__(self, things: dict[str, Any]) -> None:
        self.things = things
        self._seen: dict[Any, str] = {}  # methods that stand on the page already, with their names

    def entry(self, name: str) -> list[str]:
        """One name under its heading."""
        thing = self.things[name]
        lines = [f"### `{_shown(name)}`", ""]
        if isinstance(thing, type):
            return lines + self._class(name, thing)
        if inspect.isfunction(thing):
            return [*lines, *_call(signature(thing, _shown(name))), *self._documented(parts_of(thing))]
        found = constant(sys.modules[_room(name)], name)
        lines += [*_call(f"{_shown(name)}: {found.type or type(thing).__name__}"), self.words(found.meaning), ""]
        return lines + ([f"Keys: {', '.join(f'`{key}`' for key in thing)}.", ""] if isinstance(thing, dict) else [])

    @functools.cached_property
    def _classes(self) -> dict[str, str]:
        """The name of each class by its last part; of two the first."""
        return {thing.__name__: name for name, thing in reversed(self.things.items()) if isinstance(thing, type)}

    # ── words and links ───────────────────────────────────────────────────────────────────────────────────────────────

    def words(self, text: str) -> str:
        """Text of a docstring as Markdown, its names linked: `tw.fit`, and of classes `Network` too."""

        def linked(found: re.Match[str]) -> str:
            word, member = found[2], found[3] or ""
            name = word if found[1] and word in self.things else self._classes.get(word)
            return f"[{found[0]}](@{name}{member})" if name else found[0]

        return re.sub(r"`(tw\.)?(\w+)(\.\w+)?`", linked, plain(text))

    def placed(self, page: str) -> str:
        """The page with its links led to the heading of a name, or to that of the class of a member that has none."""
        headings = {re.sub(r"^(tw|thalweg)\.", "", name.strip("`")): anchor for name, anchor in anchors(page)}
        return LINK.sub(lambda found: f"](#{headings.get(found[1]) or headings[found[1].rpartition('.')[0]]})", page)

    def _documented(self, parts: Iterable[Part]) -> list[str]:
        """Parts of a docstring as Markdown."""
        lines: list[str] = []
        for part in parts:
            title = f"**{TITLES.get(part.kind, part.kind)}**"
            if part.kind == "example":
                lines += ["```pycon", part.text, "```", ""]
            elif part.kind == "text":
                lines += [self.words(part.text), ""]
            elif part.entries:
                lines += [title, "", *(f"- `{name}`: {self.words(text)}" for name, text in part.entries), ""]
            else:
                lines += [f"{title}: {self.words(part.text)}", ""]
        return lines

    # ── a class ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @functools.cached_property
    def makers(self) -> dict[type, list[str]]:
        """The functions, methods, properties and fields whose value is or holds an object of each class."""
        found: dict[type, list[str]] = {}

        def note(name: str, kind: str, *modules: str) -> None:
            for word in dict.fromkeys(re.findall(r"\w+", kind)):
                cls = meant(word, *modules)
                if isinstance(cls, type) and is_ours(cls) and self.things.get(name.rpartition(".")[0]) is not cls:
                    found.setdefault(cls, []).append(name)

        for name, thing in self.things.items():
            if inspect.isfunction(thing):
                note(name, returned(thing), thing.__module__)
            elif isinstance(thing, type):
                for key, member in members(thing):
                    note(f"{name}.{key}", returned(getter(member)), getter(member).__module__)
                for field in fields(thing).values() if not _is_estimator(thing) else ():
                    note(f"{name}.{field.name}", field.type, *(base.__module__ for base in bases(thing)))
        return found

    def is_result(self, cls: type) -> bool:
        """Whether it comes from functions rather than by its own name: its docstring shows no call of it."""
        if self.things.get(cls.__name__) is not cls:  # it has no public name
            return True
        return cls in self.makers and not explained(cls) and f"{cls.__name__}(" not in (inspect.getdoc(cls) or "")

    def _class(self, name: str, cls: type) -> list[str]:
        lines: list[str] = []
        if issubclass(cls, BaseException):
            above = [f"`{one.__name__}`" for one in cls.__bases__]
            lines += [self.words(f"An error that is {' and '.join(above)} too."), ""]
        elif self.is_result(cls):
            made = self.makers.get(cls, [])
            lines += [f"From {', '.join(map(link, made))}.", ""] * bool(made)
        elif not issubclass(cls, enum.Enum):
            lines += _call(signature(cls, _shown(name)))
        lines += self._documented(part for part in parts_of(cls) if part.kind != "Attributes")
        if "__init__" in vars(cls):
            lines += self._documented(part for part in parts_of(cls.__init__) if part.kind not in ("text", "example"))
        if issubclass(cls, enum.Enum):
            lines += [f"One of {', '.join(f'`{one.name}`' for one in cls)}; [what each says]({STATUS}).", ""]
        if _is_estimator(cls) and set(inspect.signature(cls).parameters) <= set(PARAMETERS):
            lines += self._parameters_of_mlp(cls)
        return lines + self._holds(cls) + self._methods(name, cls)

    def _holds(self, cls: type) -> list[str]:
        """What is read without a call: fields, fitted attributes, properties."""
        told, is_estimator = explained(cls), _is_estimator(cls)
        listed = [
            (f"`{field.name}`", self.words(f"`{field.type}`"), self.words(field.meaning))
            for field in fields(cls).values()
            if not (is_estimator or field.name in told or field.type.startswith("ClassVar"))
            if field.meaning or self.is_result(cls)
        ]
        properties = [
            (f"`{key}`", self.words(f"`{returned(getter(member))}`"), self._summary(getter(member)))
            for key, member in members(cls)
            if is_property(member) and not (is_estimator and key.endswith("_"))
        ]
        return [
            *_titled("Fields", ("field", "type", "what it is"), *listed),
            *_titled("After `fit`", ("attribute", "type", "what it is"), *(self._fitted(cls) if is_estimator else [])),
            *_titled("Properties", ("property", "type", "what it is"), *properties),
        ]

    def _summary(self, thing: Any) -> str:
        """The text of a docstring in a line."""
        return self.words(" ".join(part.text.replace("\n", " ") for part in parts_of(thing) if part.kind == "text"))

    def _fitted(self, cls: type) -> list[tuple[str, ...]]:
        """Rows (name, type, meaning) of what `fit` leaves: names that end with _, by the manners of scikit-learn."""
        told, rows = section(cls, "Attributes"), {}
        for name, field in fields(cls).items():
            if name.endswith("_"):
                rows[name] = (field.type, told.get(name, field.meaning))
        for name, member in members(cls):
            if name.endswith("_") and is_property(member):
                rows[name] = (returned(getter(member)), told.get(name, first_line(getter(member))))
        order = {name: i for i, name in enumerate(dict.fromkeys([*told, *rows]))}
        return [
            (f"`{name}`", self.words(f"`{kind}`"), self.words(meaning))
            for name, (kind, meaning) in sorted(rows.items(), key=lambda row: order[row[0]])
        ]

    def _parameters_of_mlp(self, cls: type) -> list[str]:
        """The parameters of an estimator that has the rows of PARAMETERS: in full once, then what differs."""
        defaults = _defaults(cls)
        if cls is not MLPClassifier:
            others = _defaults(MLPClassifier)
            changed = [f"`{name}={value}`" for name, value in defaults.items() if others.get(name) != value]
            absent = [f"`{name}`" for name in others if name not in defaults]
            but = [f"but for {', '.join(changed)}"] * bool(changed) + [f"without {', '.join(absent)}"] * bool(absent)
            return [f"The parameters are those of {link(MLPClassifier.__name__)}, {' and '.join(but)}.", ""]
        headings = ("parameter", "default", "what it is", "what it may be", "counts when")
        ours, theirs = [], []
        for name, row in PARAMETERS.items():
            if name in defaults:
                cells = (self.words(row.meaning), self.words(row.rule), self.words(row.when) or "always")
                (ours if name in OURS else theirs).append((f"`{name}`", f"`{defaults[name]}`", *cells))
        return _titled("Parameters of scikit-learn", headings, *theirs) + _titled(
            "Parameters of Thalweg", headings, *ours
        )

    def _methods(self, name: str, cls: type) -> list[str]:
        """The methods, each under its heading; those that stand elsewhere already, and scikit-learn's, by name."""
        lines, elsewhere = [], []
        for key, member in members(cls):
            function = getter(member)
            if is_property(member):
                continue
            if function in self._seen:
                elsewhere.append(f"[`{key}`](@{self._seen[function]})")
                continue
            self._seen[function] = f"{name}.{key}"
            bound = not isinstance(member, staticmethod)
            lines += [f"#### `{name}.{key}`", "", *_call(signature(function, f"{cls.__name__}.{key}", bound=bound))]
            lines += self._documented(parts_of(function))
        if elsewhere:
            lines += [f"Also {', '.join(elsewhere)}, as there.", ""]
        theirs = [key for key in dir(cls) if not key.startswith("_") and _room_of(cls, key).startswith("sklearn.")]
        return lines + ([f"From scikit-learn: {', '.join(f'`{key}`' for key in theirs)}.", ""] if theirs else [])


# ── what the code leaves unsaid ───────────────────────────────────────────────────────────────────────────────────────


def explained(cls: type) -> dict[str, str]:
    """What the Args of a class and of its __init__ say of each parameter."""
    return {**section(cls, "Args"), **section(cls.__init__, "Args")}


def undescribed(cls: type) -> list[str]:
    """The fields of which neither a comment nor the docstring of the class says what they are."""
    told = {**explained(cls), **section(cls, "Attributes"), **(PARAMETERS if _is_estimator(cls) else {})}
    text = " ".join(inspect.getdoc(base) or "" for base in bases(cls))
    return [
        name
        for name, field in fields(cls).items()
        if not (field.meaning or name in told or re.search(rf"`[^`]*\b{name}\b[^`]*`", text))
    ]


def unnamed(function: Any, cls: type | None = None) -> list[str]:
    """The parameters that a docstring, and those of the method in base classes, leave unsaid."""
    same = [vars(base).get(function.__name__) for base in bases(cls)] if cls else []
    text = " ".join(inspect.getdoc(getter(one)) or "" for one in [function, *filter(None, same)])
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    return [name for name in names if not re.search(rf"\b{name}\b", text)]


# ── small pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


def link(name: str) -> str:
    """A link to a name, or to a member of one."""
    return f"[`{name if '.' in name else f'tw.{name}'}`](@{name})"


def _shown(name: str) -> str:
    """A name as it is reached."""
    return f"thalweg.{name}" if "." in name else f"tw.{name}"


def _room(name: str) -> str:
    return vars(sys.modules["thalweg"])["_ROOMS"][name]


def _room_of(cls: type, key: str) -> str:
    return getattr(getattr(cls, key, None), "__module__", None) or ""


def _is_estimator(cls: type) -> bool:
    return hasattr(cls, "get_params")


def _defaults(cls: type) -> dict[str, str]:
    return {name: shown(one.default) for name, one in inspect.signature(cls).parameters.items()}


def _call(text: str) -> list[str]:
    """A signature as a block of code."""
    return ["```python", text, "```", ""]


def _titled(title: str, *rows: tuple[str, ...]) -> list[str]:
    """A table under a title, or nothing where it has no rows; the first row are headings."""
    return [f"**{title}**", "", table(*rows), ""] if len(rows) > 1 else []
