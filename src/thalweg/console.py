"""What the command line shows: a model, its figures and its columns, as tables for people or as JSON for programs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from thalweg import scores
from thalweg.model import Model
from thalweg.verdict import BASELINES, counted, verdict


if TYPE_CHECKING:
    from collections.abc import Iterable

    from thalweg.demo import SpamDemo
    from thalweg.functions import Function
    from thalweg.spam import SpamFilter
    from thalweg.sweeps import LearningRateRange, Race
    from thalweg.walk import Descent


def summary(model: Model) -> dict[str, Any]:
    """A model as plain JSON types."""
    classes = model.classes
    return {
        "targets": list(model.encoder.targets),
        "task": model.encoder.task,
        "classes": None if classes is None else [_plain(label) for label in classes],
        "network": model.network.to_dict(),
        "parameters": model.network.n_parameters,
        "epochs": len(model.history),
        "best_epoch": model.settings["best_epoch"],
        "status": model.status.name,
        "message": model.settings["message"],
        "figures": model.figures,
        "decisions": [vars(decision) for decision in model.encoder.decisions],
        "settings": model.settings,
    }


def _plain(label: Any) -> Any:
    return label.tolist() if hasattr(label, "tolist") else label


def as_json(value: Any) -> None:
    """Print as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def fitted(model: Model) -> None:
    """The compact table that `fit`, `inspect` and `demo` show."""
    figures, settings = model.figures, model.settings
    rows, columns = figures["rows"], figures["columns"]
    targets = ", ".join(model.encoder.targets)
    table = sheet("", "", title=f"{settings['data']}: {targets} ({model.encoder.task})")
    without = f", {rows['without_target']:,} left out without a target" if rows["without_target"] else ""
    unmeasured = rows["held_out_without_target"]
    test_without = f", {unmeasured:,} of the test table left out without a target" if unmeasured else ""
    table.add_row(
        "rows",
        f"{rows['given']:,}: {rows['training']:,} to train, {rows['validation']:,} to validate, "
        f"{rows['held_out']:,} held out{without}{test_without}",
    )
    for decision in model.encoder.decisions:
        if decision.role == "target":
            table.add_row("target", f"{decision.column}: {decision.why}")
    table.add_row("columns", f"{columns['used']} of {columns['given']} used, as {columns['features']} inputs")
    table.add_row("network", f"{model.network}: {model.network.n_parameters:,} parameters")
    training = f"{len(model.history)} epochs, best {settings['best_epoch']}: {settings['message']}"
    if settings["refit"]:
        training = (
            f"best epoch {settings['best_epoch']}: {settings['message']} Then trained again on all rows for as many "
            f"epochs: that is the model in the file, and the figures are those of the first."
        )
    table.add_row("training", training)
    table.add_row(
        "time", f"{figures['seconds']['training']:.1f} s of training, {figures['seconds'].get('all', 0):.1f} s in all"
    )
    show(table)
    if "network" in figures:
        _figures(model)
    else:
        losses = figures["validation"]
        print(
            f"The validation loss is {losses['loss']:.4g}; with the same answer for every row it would be "
            f"{losses['baseline']:.4g}."
        )
    print(verdict(model) + "\n")


def columns(model: Model) -> None:
    """How the model was made, and what each column became and why."""
    settings = model.settings
    recipe = ", ".join(f"{name} {value}" for name, value in settings["recipe"].items() if value is not None)
    made = f"made by Thalweg {settings['thalweg']} with seed {settings['seed']}, engine {settings['engine']}"
    print(f"{made}; {recipe}\n")
    table = sheet("column", "role", "why", title="What each column became")
    for decision in model.encoder.decisions:
        table.add_row(decision.column, decision.role, decision.why)
    show(table)


def engines(listed: dict[str, str], default: str, processor: dict[str, Any]) -> None:
    """The engines that work here, and what the processor offers them."""
    table = sheet("engine", "what it is")
    for name, what in listed.items():
        table.add_row(f"{name} (default)" if name == default else name, what)
    show(table)
    table = sheet("processor", "")
    for name, value in processor.items():
        table.add_row(name.replace("_", " "), ", ".join(value) if isinstance(value, list) else f"{value}")
    show(table)


def spam(demo: SpamDemo) -> None:
    """The lecture's network after training."""
    length, answer = demo.undecided
    losses = demo.result.history.loss
    table = sheet("", "", title=f"{demo.network}, no biases, incremental gradient descent")
    table.add_row("squared error per mail, epoch by epoch", f"{losses[0]:.3f}, {losses[1]:.3f} … {losses[-1]:.3f}")
    table.add_row("accuracy on 10,000 new mails", f"{demo.accuracy:.4f}")
    table.add_row("the best that any rule can do on them", f"{demo.best_accuracy:.4f}")
    table.add_row(f"a mail of {length:.0f} letters that cannot be told apart", f"[{answer[0]:.2f}, {answer[1]:.2f}]")
    show(table)


def spam_summary(found: SpamFilter) -> dict[str, Any]:
    """A spam filter as plain JSON types; its columns are those of its features, so they are not told one by one."""
    model = {name: value for name, value in summary(found.model).items() if name != "decisions"}
    return {"features": found.features, "trusted_domains": len(found.trusted), "lecture": found.lecture, **model}


def spam_filter(found: SpamFilter) -> None:
    """The table that `spam train` shows: the model, and beside it what the lecture's two features alone reach."""
    fitted(found.model)
    settings, rows = found.model.settings, found.model.figures["rows"]
    if rows["copies"]:
        print(f"{rows['copies']:,} copies of mails were left out.")
    if settings["split"] == "time" and settings["undated"]:
        print(f"{settings['undated']:,} mails without a date were not held out.")
    source = "your list" if settings["trusted"] == "given" else "the wanted mail that it was trained on"
    print(f"It trusts {len(found.trusted):,} domains of {source}.")
    if found.lecture is not None:
        shown = [f"{row.name} {row.shown(found.lecture[key])}" for key, row in scores.MEASURES.items()
                 if key in found.lecture]  # fmt: skip
        print(f"The lecture's two features alone, length and trust, reach {', '.join(shown)}.")
    print()


def walked(walk: Descent, rows: int, latex: bool, in_json: bool) -> None:
    """A walk downhill: f and its derivatives, the steps, where it ended and why."""
    if in_json:
        as_json(walk.to_dict())
        return
    if walk.formula is not None:
        marks = ["f′"] if len(walk.names) == 1 else [f"∂f/∂{name}" for name in walk.names]
        widest = max(map(len, marks))
        for mark, formula in zip(["f", *marks], [walk.formula, *walk.derivatives], strict=False):
            print(f"{mark:<{widest}} = {formula}")
            if latex:
                print(f"{'':<{widest}}   {formula.latex}")
        print()
    if rows:
        headings, cells = walk.cells(rows)
        table = sheet(*headings, numbers=True)
        table.columns[0].justify = "right"
        for row in cells:
            table.add_row(*row)
        show(table)
    print(f"{walk!r}\n{walk.message}\n\n{walk.diagnosis}")


def raced(race: Race, in_json: bool) -> None:
    """Several walks from one start."""
    if in_json:
        as_json({name: walk.to_dict() for name, walk in race.walks.items()})
        return
    print(f"{race}\n")


def swept(sweep: LearningRateRange, in_json: bool) -> None:
    """Learning rates and what became of them."""
    if in_json:
        as_json(
            {
                "rates": sweep.rates.tolist(),
                "values": [value if math.isfinite(value) else None for value in sweep.values.tolist()],
                "regimes": list(sweep.regimes), "best": sweep.best, "start_value": sweep.start_value,
                "one_over_L": sweep.one_over_L,
            }
        )  # fmt: skip
        return
    table = sheet("learning rate", "f at the end", "regime", numbers=True)
    for rate, value, regime in zip(sweep.rates.tolist(), sweep.values.tolist(), sweep.regimes, strict=True):
        table.add_row(f"{'*' if rate == sweep.best else ''}{rate:.4g}", f"{value:.6g}", regime)
    show(table)
    bound = sweep.one_over_L
    known = "" if bound is None else f"; at the start 1/L = {bound:.4g} and 2/L = {2 * bound:.4g}"
    print(f"The lowest f was reached at the rate {sweep.best:.4g}{known}.")


def functions(listed: Iterable[Function], in_json: bool) -> None:
    """The functions that have a name."""
    if in_json:
        as_json(
            {
                one.name: {"formula": one.text, "start": one.start, "shows": one.shows, "minima": one.minima}
                for one in listed
            }
        )
        return
    table = sheet("name", "f", "start", "what a walk meets there")
    for one in listed:
        table.add_row(one.name, one.text, ",".join(f"{x:g}" for x in one.start), one.shows)
    show(table)


def _figures(model: Model) -> None:
    figures = model.figures
    several = len(model.encoder.targets) > 1
    # Errors of several numbers in different units have no mean; R² has no unit.
    shown = [name for name in scores.MEASURES if name in figures["network"]]
    shown = ["r2"] if several and model.encoder.task == "regression" else shown
    leaves, held_out = figures["tree"]["size"]["leaves"], figures["rows"]["held_out"]
    named = {
        "network": "network",
        "tree": f"decision tree, {leaves:,} {'leaf' if leaves == 1 else 'leaves'}",
        "baseline": f"baseline: {BASELINES[model.encoder.task]}",
    }
    rows = f"on {counted(held_out, 'held-out ')}"
    table = sheet(rows, *(scores.MEASURES[name].name for name in shown), numbers=True)
    for key, label in named.items():
        table.add_row(label, *(scores.MEASURES[name].shown(figures[key][name]) for name in shown))
    show(table)
    for note in figures["network"].get("notes", {}).items():
        print(f"{note[0]}: {note[1]}\n")
    classes = model.classes
    if model.encoder.task == "classification" and len(classes) <= 10:
        table = sheet("actual \\ predicted", *map(str, classes), numbers=True)
        for label, counts in zip(classes, figures["network"]["confusion"], strict=True):
            table.add_row(str(label), *(f"{count:,}" for count in counts))
        show(table)


def on_one_line(text: str, width: int | None = None) -> str:
    """A text by a stranger on one line: no control characters, which a terminal would obey.

    >>> on_one_line("Re: \x1b[31mred"), on_one_line("a long subject", 7)
    ('Re:  [31mred', 'a long…')
    """
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def sheet(*headings: str, title: str | None = None, numbers: bool = False) -> Any:
    """A table whose columns after the first hold text, or numbers to line up on the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, show_header=any(headings))
    table.title = Text(title) if title else None
    for place, heading in enumerate(headings):
        table.add_column(Text(heading), justify="right" if numbers and place else "left")
    return table


def show(table: Any, width: int = 200) -> None:
    """Print a table, as wide as the terminal allows, elsewhere as `width`."""
    from rich.console import Console

    # Nothing is cut where the output is not a terminal; markup in names of columns is text.
    console = Console(markup=False, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = width
    console.print(table)
