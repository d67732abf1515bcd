"""Writes docs/reference.md from the tables of the program; tests/test_documented.py fails while it is out of date."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import thalweg as tw
from page_parts import first_line, table
from thalweg import cli, engines
from thalweg.activations import ACTIVATIONS
from thalweg.elementary import FUNCTIONS as ELEMENTARY
from thalweg.findings import RULES
from thalweg.fitting import Recipe
from thalweg.functions import FUNCTIONS
from thalweg.line_searches import LINE_SEARCHES
from thalweg.losses import LOSSES
from thalweg.network import INITIALIZATIONS
from thalweg.optimizers import OPTIMIZERS
from thalweg.orders import ORDERS
from thalweg.schedules import SCHEDULES
from thalweg.stopping import Status


CALLBACKS = (tw.EarlyStopping, tw.ReduceOnPlateau, tw.WeightAveraging, tw.Doctor, tw.CSVLog, tw.JSONLog)
PAGE = Path(__file__).with_name("reference.md")


def signature(thing: Any) -> str:
    """Name and settings of an optimizer, a schedule or a recipe."""
    shown = []
    for field in dataclasses.fields(thing):
        if not field.init:
            continue
        default = field.default
        shown.append(field.name if default is dataclasses.MISSING else f"{field.name}={default!r}")
    return f"`{thing.__name__}({', '.join(shown)})`"


def shown(default: Any) -> str:
    """A default as it would be typed, or nothing."""
    return "" if default is None or default is False or default == "" else f"`{default}`"


def commands() -> list[str]:
    """Each command with its options, as its --help says."""
    parts = []
    for name, command in sorted(cli.commands().items()):
        rows = [("argument or option", "what it is", "default")]
        for parameter in command.params:
            names = ", ".join(parameter.opts) if parameter.param_type_name == "option" else parameter.name.upper()
            if names != "--help":
                told = getattr(parameter, "show_default", None)
                default = told if isinstance(told, str) else shown(parameter.default)
                rows.append((f"`{names}`", parameter.help or "", default))
        parts += [f"### `thalweg {name}`", "", command.help.strip(), "", table(*rows), ""]
    return parts


def page() -> str:
    """The whole page."""
    names = sorted(name for name in tw.__all__ if not name.startswith("_"))
    parts = [
        "# Reference",
        "",
        "Made from the program by `make docs` (docs/make_reference.py).",
        "",
        "## Commands",
        "",
        "Exit status: 0 success; 2 wrong use or bad input, in one sentence; 130 interrupted, what was reached is saved",
        "and said; 1 anything else, also in a sentence. `THALWEG_TRACEBACK=1` shows where a bug is; `THALWEG_CPU`",
        "chooses the core's instruction set.",
        "",
        *commands(),
        "## Python",
        "",
        "In full, with arguments, methods and fields: [every public name](api.md).",
        "",
        table(
            ("`import thalweg as tw`", "what it is"),
            *((f"`tw.{name}`", first_line(getattr(tw, name))) for name in names),
        ),
        "",
        "`tw.fit` takes the settings of " + signature(Recipe) + ".",
        "",
        "## Activations",
        "",
        "For hidden layers and outputs; softmax for outputs only. `tw.LeakyReLU(slope)` and `tw.ELU(alpha)` have a",
        "parameter; [`tw.own_activation`](own-rows.md) makes one from a formula or from two Python functions.",
        "",
        table(
            ("name", "g(a)", "g′, from the a or z that was saved"),
            *((f"`{n}`", f"`{r.formula}`", f"`{r.slope}`") for n, r in ACTIVATIONS.items()),
        ),
        "",
        "## Losses",
        "",
        "Of a row, summed over the outputs k. `tw.Huber(delta)` and `tw.Quantile(level)` have a parameter;",
        "[`tw.own_loss`](own-rows.md) makes one from a formula or from two Python functions.",
        "",
        "`tw.Quantile([0.1, 0.5, 0.9])` has a level for each output: one network learns three quantiles of a target,",
        "an interval and its middle, and takes targets of shape (n,).",
        "`tw.MLPRegressor(loss=tw.Quantile([0.1, 0.5, 0.9]))` predicts (n, 3), in the order of the levels; its `score`",
        "and that of early stopping are R² of the level nearest to 0.5 (of two as near, the first).",
        "",
        table(
            ("name", "of an output z = ŷ_k", "output activation", "targets"),
            *((f"`{n}`", f"`{r.formula}`", r.outputs_rule, r.targets_rule) for n, r in LOSSES.items()),
        ),
        "",
        'The objective of a batch is Σ s E / Σ s over its rows (`reduction="mean"`) or Σ s E (`"sum"`), plus',
        "½ · l2 · ‖W‖².",
        "",
        "## Optimizers",
        "",
        "Update rules take any batches. ConjugateGradient, LBFGS and Newton need the whole function: `tw.descend`, or",
        '`tw.train(batch="all")`.',
        "",
        table(("settings", "rule"), *((signature(row), first_line(row)) for row in OPTIMIZERS.values())),
        "",
        "## Learning rates",
        "",
        "A number, or one of these; time t is in epochs and moves with every step.",
        "",
        table(("settings", "γ"), *((signature(row), first_line(row)) for row in SCHEDULES.values())),
        "",
        'Or a search along the direction, in `tw.descend` or `tw.train(batch="all")`, for GradientDescent without',
        "momentum and clip, ConjugateGradient, LBFGS and Newton:",
        "",
        table(("settings", "γ"), *((signature(row), first_line(row)) for row in LINE_SEARCHES.values())),
        "",
        "## Callbacks",
        "",
        "For `callbacks=[…]` of `tw.train` and `tw.fit`; see [callbacks](callbacks.md).",
        "",
        table(("settings", "what it does"), *((signature(row), first_line(row)) for row in CALLBACKS)),
        "",
        "### Findings of the doctor",
        "",
        table(
            ("finding", "number", "from", "source"),
            *(
                (f"`{kind}`", rule.of, f"{rule.limit:g}{' down' if rule.is_floor else ''}", rule.source)
                for kind, rule in RULES.items()
            ),
        ),
        "",
        "## Formulas",
        "",
        "`tw.parse`, `tw.descend` and `thalweg descend` read numbers, names of variables, `pi`, `e`, `+ - * /`, `**`",
        f"or `^`, parentheses, and the functions {', '.join(f'`{name}`' for name in ELEMENTARY)}.",
        "",
        "These have a name; `tw.bowl(condition, n)` makes more:",
        "",
        table(
            ("name", "f", "start", "what a walk meets there"),
            *((f"`{n}`", f"`{r.text}`", ", ".join(f"{x:g}" for x in r.start), r.shows) for n, r in FUNCTIONS.items()),
        ),
        "",
        "## Names",
        "",
        f"Initial weights: {', '.join(f'`{name}`' for name in ('auto', *INITIALIZATIONS))}. "
        f"Orders: {', '.join(f'`{name}`' for name in ORDERS)}. "
        f"Engines: {', '.join(f'`{name}`' for name in engines.ENGINES)}.",
        "",
        "## Why a training or a walk stopped",
        "",
        table(("`Status`", "sentence"), *((f"`{status.name}`", status.value) for status in Status)),
        "",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
