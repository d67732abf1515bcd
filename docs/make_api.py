"""Writes docs/api.md, every public name in full, from the code; tests/test_documented.py fails while it is out of date.

What the page says of a thing stands beside the thing: in its signature, its docstring, the comments of its fields. Here
is only where on the page it goes: one row of SUBJECTS for each subject. A new public name needs its place there.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import thalweg as tw
from entries import Entries, link
from page_parts import anchor, first_line


PAGE = Path(__file__).with_name("api.md")


@dataclass(frozen=True)
class Subject:
    """Names in their order on the page, and the documents that show them at work."""

    names: str
    guides: tuple[str, ...] = ()


SUBJECTS = {
    "Estimators": Subject(
        "MLPClassifier MLPRegressor TableClassifier TableRegressor TableEncoder",
        ("scikit-learn.md", "table-estimators.md"),
    ),
    "Tables and models": Subject("fit Model load", ("tables.md",)),
    "Comparisons": Subject("compare Comparison"),
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
    "Mail": Subject("SpamFilter mail_table", ("spam.md",)),
    "Exports": Subject("Model.to_onnx Model.to_c", ("export.md",)),  # methods: they stand with their class
    "Errors": Subject(
        "ThalwegError InputError TableError FormulaError FileError EngineError TrainingFailed DescentFailed "
        "ThalwegWarning"
    ),
    "Version": Subject("__version__"),
    "What these names return, or take": Subject(  # classes that nobody makes by name, with their rooms
        "run.Run run.Failure learning.Recipe encoding.Encoder model.Evidence derivatives.GradientCheck "
        "activations.Activation losses.Loss functions.Function diagnosis.Curvature sweeps.LearningRateRange "
        "sweeps.Race sweeps.RegimeMap trace_steps.Step paths.Path paths.Difference matrices.MatrixStep answers.Mark "
        "answers.Suspect descent_exercises.DescentExercise contenders.Contender standings.Result standings.Outcome "
        "intervals.Difference tendencies.Tendency criteria.Criterion trials.Trial mail_explanations.MailExplanation "
        "trusted_domains.TrustedDomains"
    ),
}


def thing(name: str) -> Any:
    """What a name of SUBJECTS names: `fit` and `Model.to_c` of thalweg, `run.Failure` of a room."""
    first, _, rest = name.partition(".")
    if first in tw.__all__:
        return functools.reduce(getattr, filter(None, [rest]), getattr(tw, first))
    return getattr(importlib.import_module(f"thalweg.{first}"), rest)


def is_member(name: str) -> bool:
    """Whether it stands with its class."""
    return "." in name and name.partition(".")[0] in tw.__all__


def page() -> str:
    """The whole page."""
    listed = [name for subject in SUBJECTS.values() for name in subject.names.split()]
    entries = Entries({name: thing(name) for name in listed if not is_member(name)})
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
        lines.append(f"- [{title}](#{anchor(title)}): {', '.join(map(link, subject.names.split()))}")
    lines.append("")
    for title, subject in SUBJECTS.items():
        lines += [f"## {title}", ""]
        lines += [f"See {' and '.join(map(guide, subject.guides))}.", ""] * bool(subject.guides)
        for name in subject.names.split():
            here = [f"- {link(name)}: {entries.words(first_line(thing(name)))}", ""]
            lines += here if is_member(name) else entries.entry(name)
    return entries.placed("\n".join(lines).rstrip("\n") + "\n")


def guide(name: str) -> str:
    """A link to a document by its title."""
    title = PAGE.with_name(name).read_text("utf-8").partition("\n")[0].lstrip("# ")
    return f"[{title}]({name})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
