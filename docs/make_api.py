"""Writes docs/api.md, every public name in full, from the code; tests/test_documented.py fails while it is out of date.

What the page says of a thing stands beside the thing: in its signature, its docstring, the comments of its fields. Here
is only where on the page it goes: one row of SUBJECTS for each subject. A new public name needs its place there.
"""

from __future__ import annotations

import enum
import functools
import inspect
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import thalweg as tw
from docstrings import (
    Part,
    bases,
    constant,
    fields,
    getter,
    is_ours,
    is_property,
    members,
    parts_of,
    returned,
    section,
    shown,
    signature,
)
from page_parts import anchor, anchors, first_line, plain, table
from thalweg.mlp_parameters import OURS, PARAMETERS


PAGE = Path(__file__).with_name("api.md")
TITLES = {"Args": "Arguments"}
STATUS = "reference.md#why-a-training-or-a-walk-stopped"


@dataclass(frozen=True)
class Subject:
    """Names in their order on the page, and the documents that show them at work."""

    names: str
    guides: tuple[str, ...] = ()


SUBJECTS = {
    "Estimators": Subject(
        "MLPClassifier MLPRegressor TableClassifier TableRegressor TableEncoder",
        ("table-estimators.md",),
    ),
    "Tables and models": Subject("fit Model load", ("tables.md",)),
    "Networks and training": Subject(
        "Network train TrainingResult History Checkpoint predict loss_and_gradient check_gradient numeric_gradient",
        ("lecture.md",),
    ),
    "Optimizers": Subject("GradientDescent RMSprop Adam AdamW ConjugateGradient LBFGS Newton"),
    "Learning rates": Subject("Constant Step Exponential InverseTime Cosine CosineCycles OneCycle WarmUp"),
    "Line searches": Subject("Backtracking Wolfe Exact BarzilaiBorwein Lipschitz", ("gradient-descent.md",)),
    "Stopping": Subject("Stop Status"),
    "Losses and activations": Subject("Huber Quantile LeakyReLU ELU own_activation own_loss", ("own-rows.md",)),
    "Callbacks": Subject(
        "EarlyStopping ReduceOnPlateau WeightAveraging Doctor Finding CSVLog JSONLog ProgressBar", ("callbacks.md",)
    ),
    "Descent on functions": Subject(
        "descend Descent Diagnosis race learning_rate_range regime_map FUNCTIONS bowl parse Expression",
        ("gradient-descent.md", "descent.md"),
    ),
    "Traces": Subject(
        "trace Trace Why show TypedNetwork Conventions Arithmetic FRACTIONS Rounding", ("backpropagation.md",)
    ),
    "Explanations": Subject("explain RowExplanation attribute Attribution", ("backpropagation.md",)),
    "Exercises": Subject("exercise descent_exercise Exercise check_answers Marking", ("backpropagation.md",)),
    "Exports": Subject("Model.to_onnx Model.to_c", ("export.md",)),  # methods: they stand with their class
    "Errors": Subject(
        "ThalwegError InputError TableError FormulaError FileError EngineError TrainingFailed DescentFailed "
        "ThalwegWarning"
    ),
    "Version": Subject("__version__"),
}


NAMES = [name for subject in SUBJECTS.values() for name in subject.names.split() if "." not in name]


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def link(text: str, dotted: str) -> str:
    """A link to a public name or a member of one; `page` finds the place."""
    return f"[`{text}`](@{dotted})"


def link_to(dotted: str) -> str:
    """A public name, or a member of one, as a link."""
    return link(dotted if "." in dotted else f"tw.{dotted}", dotted)


def placed(page: str) -> str:
    """The page with its links: to the heading of a name, or of the class of a member that has none."""
    headings = {name.strip("`").removeprefix("tw."): anchor for name, anchor in anchors(page)}
    return re.sub(
        r"\]\(@([\w.]+)\)", lambda found: f"](#{headings.get(found[1]) or headings[found[1].split('.')[0]]})", page
    )


def words(text: str) -> str:
    """Text of a docstring as Markdown, its public names linked: `tw.fit`, and of classes `Network` too."""

    def linked(found: re.Match[str]) -> str:
        name, member = found[2], found[3] or ""
        is_public = name in NAMES and (found[1] or isinstance(getattr(tw, name), type))
        return link(found[0].strip("`"), name + member) if is_public else found[0]

    return re.sub(r"`(tw\.)?(\w+)(\.\w+)?`", linked, plain(text))


def documented(parts: Iterable[Part]) -> list[str]:
    """Parts of a docstring as Markdown."""
    lines: list[str] = []
    for part in parts:
        if part.kind == "example":
            lines += ["```pycon", part.text, "```", ""]
        elif part.kind == "text":
            lines += [words(part.text), ""]
        elif part.entries:
            lines += [
                f"**{TITLES.get(part.kind, part.kind)}**",
                "",
                *(f"- `{name}`: {words(text)}" for name, text in part.entries),
                "",
            ]
        else:
            lines += [f"**{part.kind}**: {words(part.text)}", ""]
    return lines


def call(text: str) -> list[str]:
    """A signature as a block of code."""
    return ["```python", text, "```", ""]


def titled(title: str, *rows: tuple[str, ...]) -> list[str]:
    """A table under a title, or nothing where it has no rows; the first row are headings."""
    return [f"**{title}**", "", table(*rows), ""] if len(rows) > 1 else []


# ── a class ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def makers() -> dict[str, list[str]]:
    """The public functions, methods, properties and fields whose value is, or holds, an object of the class so named."""
    found: dict[str, list[str]] = {}
    for name in NAMES:
        thing = getattr(tw, name)
        made = {name: returned(thing)} if inspect.isfunction(thing) else {}
        if isinstance(thing, type):
            made = {f"{name}.{key}": returned(getter(member)) for key, member in members(thing)}
            if not hasattr(thing, "get_params"):
                made.update({f"{name}.{field.name}": field.type for field in fields(thing).values()})
        for key, kind in made.items():
            for word in set(re.findall(r"\w+", kind)) - {name}:
                found.setdefault(word, []).append(key)
    return found


def is_result(name: str, cls: type) -> bool:
    """Whether it comes from functions rather than by its own name: its docstring shows no call of it."""
    return name in makers() and not explained(cls) and f"{name}(" not in (inspect.getdoc(cls) or "")


def explained(cls: type) -> dict[str, str]:
    """What the Args of a class and of its __init__ say of each parameter."""
    return {**section(cls, "Args"), **section(cls.__init__, "Args")}


def undescribed(cls: type) -> list[str]:
    """The fields of which neither a comment nor the docstring of the class says what they are."""
    told = {**explained(cls), **section(cls, "Attributes")}
    text = " ".join(inspect.getdoc(base) or "" for base in bases(cls))
    if hasattr(cls, "get_params"):  # its parameters stand in PARAMETERS, or among the Args
        told.update(PARAMETERS)
    return [
        name
        for name, field in fields(cls).items()
        if not (field.meaning or name in told or re.search(rf"`[^`]*\b{name}\b[^`]*`", text))
    ]


def unnamed(function: Any) -> list[str]:
    """The parameters that a docstring leaves unsaid: neither among its Args nor anywhere in its words."""
    text = inspect.getdoc(function) or ""
    names = [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]
    return [name for name in names if not re.search(rf"\b{name}\b", text)]


def meaning_of_constant(name: str) -> str:
    """What the comment beside a constant says."""
    return constant(sys.modules[vars(tw)["_ROOMS"][name]], name).meaning


def parameters_of_mlp(cls: type) -> list[str]:
    """The parameters of an estimator that has the rows of PARAMETERS: in full once, then what differs."""
    first = tw.MLPClassifier
    defaults = {name: shown(one.default) for name, one in inspect.signature(cls).parameters.items()}
    if cls is not first:
        others = {name: shown(one.default) for name, one in inspect.signature(first).parameters.items()}
        changed = [f"`{name}={value}`" for name, value in defaults.items() if others.get(name) != value]
        absent = [f"`{name}`" for name in others if name not in defaults]
        return [
            f"The parameters are those of {link_to(first.__name__)}, but for {', '.join(changed)}"
            f"{' and without ' + ', '.join(absent) if absent else ''}.",
            "",
        ]
    rows = {
        name: (f"`{name}`", f"`{defaults[name]}`", words(row.meaning), words(row.rule), words(row.when) or "always")
        for name, row in PARAMETERS.items()
        if name in defaults
    }
    headings = ("parameter", "default", "what it is", "what it may be", "counts when")
    return [
        *titled("Parameters of scikit-learn", headings, *(row for name, row in rows.items() if name not in OURS)),
        *titled("Parameters of Thalweg", headings, *(row for name, row in rows.items() if name in OURS)),
    ]


def attributes(cls: type) -> list[tuple[str, ...]]:
    """Rows (name, type, meaning) of what `fit` leaves: names that end with _, by the manners of scikit-learn."""
    told, rows = section(cls, "Attributes"), {}
    for name, field in fields(cls).items():
        if name.endswith("_"):
            rows[name] = (field.type, told.get(name, field.meaning))
    for name, member in members(cls):
        if name.endswith("_") and is_property(member):
            function = getter(member)
            rows[name] = (returned(function), told.get(name, first_line(function)))
    order = {name: i for i, name in enumerate([*told, *rows])}
    return [
        (f"`{name}`", f"`{kind}`", words(meaning))
        for name, (kind, meaning) in sorted(rows.items(), key=lambda row: order[row[0]])
    ]


def class_(name: str, cls: type, seen: dict[Any, str]) -> list[str]:
    """A class in full; `seen` are the methods that stand on the page already, with the place."""
    lines: list[str] = []
    is_fitted = hasattr(cls, "get_params")
    if issubclass(cls, BaseException):
        above = [link(one.__name__, one.__name__) if is_ours(one) else f"`{one.__name__}`" for one in cls.__bases__]
        lines += [f"Class of errors under {' and '.join(above)}.", ""]
    elif is_result(name, cls):
        lines += [f"From {', '.join(map(link_to, makers()[name]))}.", ""]
    elif not issubclass(cls, enum.Enum):
        lines += call(signature(cls, f"tw.{name}"))
    lines += documented(part for part in parts_of(cls) if part.kind != "Attributes")
    if "__init__" in vars(cls):
        lines += documented(part for part in parts_of(cls.__init__) if part.kind not in ("text", "example"))
    if issubclass(cls, enum.Enum):
        lines += [f"One of {', '.join(f'`{one.name}`' for one in cls)}; [what each says]({STATUS}).", ""]
    if is_fitted and set(inspect.signature(cls).parameters) <= set(PARAMETERS):
        lines += parameters_of_mlp(cls)
    told = explained(cls)
    shown_fields = [
        (f"`{field.name}`", f"`{field.type}`", words(field.meaning))
        for field in fields(cls).values()
        if not is_fitted and field.name not in told and (field.meaning or is_result(name, cls))
    ]
    properties = [
        (f"`{key}`", f"`{returned(getter(member))}`", summary(getter(member)))
        for key, member in members(cls)
        if is_property(member) and not (is_fitted and key.endswith("_"))
    ]
    lines += titled("Fields", ("field", "type", "what it is"), *shown_fields)
    lines += titled("After `fit`", ("attribute", "type", "what it is"), *(attributes(cls) if is_fitted else []))
    lines += titled("Properties", ("property", "type", "what it is"), *properties)
    return lines + methods(name, cls, seen)


def summary(thing: Any) -> str:
    """The text of a docstring in a line."""
    return words(" ".join(part.text.replace("\n", " ") for part in parts_of(thing) if part.kind == "text"))


def methods(name: str, cls: type, seen: dict[Any, str]) -> list[str]:
    """The methods of a class, each under its heading; those that stand elsewhere already as links."""
    lines, elsewhere = [], []
    for key, member in members(cls):
        if is_property(member):
            continue
        function = getter(member)
        if function in seen:
            elsewhere.append(link(key, seen[function]))
            continue
        seen[function] = f"{name}.{key}"
        bound = not isinstance(member, staticmethod)
        lines += [f"#### `{name}.{key}`", "", *call(signature(function, f"{name}.{key}", bound=bound))]
        lines += documented(parts_of(function))
    if elsewhere:
        lines += [f"Also {', '.join(elsewhere)}, as there.", ""]
    theirs = sorted(
        f"`{key}`"
        for key in dir(cls)
        if not key.startswith("_") and getattr(getattr(cls, key, None), "__module__", "").startswith("sklearn.")
    )
    return lines + ([f"From scikit-learn: {', '.join(theirs)}.", ""] if theirs else [])


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def entry(name: str, seen: dict[Any, str]) -> list[str]:
    """One public name under its heading."""
    thing = getattr(tw, name)
    lines = [f"### `tw.{name}`", ""]
    if isinstance(thing, type):
        return lines + class_(name, thing, seen)
    if inspect.isfunction(thing):
        return [*lines, *call(signature(thing, f"tw.{name}")), *documented(parts_of(thing))]
    found = constant(sys.modules[vars(tw)["_ROOMS"][name]], name)
    lines += [*call(f"tw.{name}: {found.type or type(thing).__name__}"), words(found.meaning), ""]
    return lines + ([f"Keys: {', '.join(f'`{key}`' for key in thing)}.", ""] if isinstance(thing, dict) else [])


def page() -> str:
    """The whole page."""
    seen: dict[Any, str] = {}
    lines = [
        "# Every public name",
        "",
        "Made from the code by `make docs` (docs/make_api.py). `import thalweg as tw` comes first; the examples run",
        "as tests. Activations, losses, optimizers, schedules and functions that have a name in quotes, and the",
        "commands, are in the tables of the [reference](reference.md).",
        "",
        '`Float[np.ndarray, "n d"]` is an array of floats of shape (n, d): n rows or examples, d inputs, k outputs,',
        "p the parameters of a network in one vector. Where the type is `Any`, its sentence says what will do.",
        "",
        "## Contents",
        "",
    ]
    for title, subject in SUBJECTS.items():
        lines.append(f"- [{title}](#{anchor(title)}): {', '.join(map(link_to, subject.names.split()))}")
    lines.append("")
    for title, subject in SUBJECTS.items():
        lines += [f"## {title}", ""]
        lines += [f"See {' and '.join(f'[{guide}]({guide})' for guide in subject.guides)}.", ""] * bool(subject.guides)
        for name in subject.names.split():
            lines += [f"- {link_to(name)}: {summary_of(name)}", ""] if "." in name else entry(name, seen)
    return placed("\n".join(lines).rstrip("\n") + "\n")


def summary_of(dotted: str) -> str:
    """The first line of a member of a public class."""
    cls, member = dotted.split(".")
    return words(first_line(getattr(getattr(tw, cls), member)))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
