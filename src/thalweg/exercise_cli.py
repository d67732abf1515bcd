"""`thalweg exercise`: what is typed as kinds, numbers and files, sheets written by the library, and answers marked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from thalweg import text_writer, whole_file, writers
from thalweg.answer_files import read_answers
from thalweg.answers import FOUR_DIGITS, Marking, check_answers
from thalweg.command_options import ConventionsFile, format_of, rounding
from thalweg.conventions import Conventions
from thalweg.descent_exercises import DESCENT_EXERCISES, DescentExercise, descent_exercise
from thalweg.errors import InputError
from thalweg.exercise_pages import Posed, accepted, call_of, choices_of, sheet, solutions
from thalweg.exercises import EXERCISES, exercise
from thalweg.moodle import moodle
from thalweg.outputs import check_outputs
from thalweg.progress import LateProgress
from thalweg.settings import check_choice
from thalweg.tracing import trace
from thalweg.typed_networks import TypedNetwork
from thalweg.typed_numbers import typed_number
from thalweg.worked_lines import Line


FORMATS = {**{name: row.suffix for name, row in writers.WRITERS.items()}, "moodle": ".xml"}
MOST = 1_000  # variants of a sheet
WIDE = 110  # characters of a line of solutions in text, whose grid is a wide table

EXAMPLES = """Examples:

  thalweg exercise --layers 2,2,2 --seed 7

  thalweg exercise softmax --variants 30 --seed 7 -o sheet.tex

  thalweg exercise two-hidden-layers --activation tanh --no-bias --digits 3 --solutions

  thalweg exercise momentum --variants 30 -o quiz.xml

  thalweg exercise --seed 7 --variant 3 --check answers.csv

  thalweg exercise --list"""


def command(
    kind: Annotated[
        str | None,
        typer.Argument(show_default="hidden-weight, or what suits --layers", help="The kind of exercise (see --list)."),
    ] = None,
    layers: Annotated[
        str | None, typer.Option(show_default="the kind's own", help="Units of each layer, the inputs first.")
    ] = None,
    activation: Annotated[str | None, typer.Option(show_default="the kind's own", help="Of the hidden layers.")] = None,
    output_activation: Annotated[
        str | None, typer.Option(show_default="the kind's own", help="Of the output layer.")
    ] = None,
    loss: Annotated[str | None, typer.Option(show_default="the kind's own", help="The error.")] = None,
    no_bias: Annotated[bool, typer.Option("--no-bias", help="A network without biases.")] = False,
    dead_units: Annotated[bool, typer.Option("--dead-units", help="With a hidden relu unit that is off.")] = False,
    learning_rate: Annotated[
        str | None, typer.Option(show_default="drawn", help="Of a step of gradient descent; fractions such as 1/2 too.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the numbers: the same seed gives the same exercises for ever.")] = 0,
    variants: Annotated[int | None, typer.Option(help="How many variants, each with other numbers.")] = None,
    variant: Annotated[int | None, typer.Option(show_default="1", help="One variant alone, by its number.")] = None,
    digits: Annotated[
        int | None,
        typer.Option(show_default="4, or fractions", help="Significant digits that results are rounded to."),
    ] = None,
    decimals: Annotated[
        int | None, typer.Option(help="Decimals that results are rounded to, instead of digits.")
    ] = None,
    conventions: ConventionsFile = None,
    format: Annotated[
        str | None, typer.Option("--format", show_default="by the file's name, or text", help=f"{', '.join(FORMATS)}.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where the sheet goes; the solutions go beside it.")
    ] = None,
    show_solutions: Annotated[
        bool, typer.Option("--solutions", help="Print the worked solutions with the marking grid.")
    ] = False,
    check: Annotated[
        Path | None, typer.Option(help="Mark the answers in this CSV file: a name and a number in each row.")
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="With --check: a network in TOML of which the answers are, every value of it.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the kinds of exercises.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make exercises in backpropagation and gradient descent, with worked solutions, and mark answers to them."""
    if listing:
        _list(as_json)
        return
    making = {"--output": output, "--format": format, "--solutions": show_solutions}
    _check_together(check, network, as_json, making, {"--variants": variants, "--variant": variant})
    typed: dict[str, Any] = {
        "layers": layers, "activation": activation, "output": output_activation, "loss": loss,
        "bias": False if no_bias else None, "dead_units": dead_units or None, "learning_rate": learning_rate,
        "rounding": rounding(digits, decimals), "conventions": conventions,
    }  # fmt: skip
    given = {option: value for option, value in typed.items() if value is not None}
    if network is not None and check is not None:
        _check_network_alone(kind, given, variant)
        _show(_marked_network(network, check, given), as_json)
        return
    how = format_of(format, output, FORMATS, "a sheet")
    beside = None if output is None or how == "moodle" else output.with_stem(f"{output.stem}-solutions")
    read = {"conventions": conventions, "answers": check}
    check_outputs({"sheet": output, "solutions": beside}, {what: path and str(path) for what, path in read.items()})
    if how == "moodle" and show_solutions:
        message = "a quiz for Moodle has the solutions in it, as feedback; leave out --solutions"
        raise InputError(message)
    if output is not None and show_solutions:
        message = f"the solutions are written beside the sheet, to {str(beside)!r}; leave out --solutions"
        raise InputError(message)
    numbers = range(1, _count(variants) + 1) if variants is not None else [1 if variant is None else variant]
    posed = _make(kind, given, seed, numbers)
    if check is not None:
        _show(_marked(posed[0], check), as_json, posed[0].steps)
    elif as_json:
        typer.echo(json.dumps([_plain(one) for one in posed], ensure_ascii=False, indent=1))
    elif output is None:
        typer.echo((_solutions if show_solutions else _sheet)(posed, how).rstrip("\n"))
    else:
        _write("sheet", output, _sheet(posed, how))
        if beside is not None:
            _write("solutions", beside, _solutions(posed, how))


def _list(as_json: bool) -> None:
    titles = {name: row.title for name, row in [*EXERCISES.items(), *DESCENT_EXERCISES.items()]}
    if as_json:
        typer.echo(json.dumps(titles, ensure_ascii=False, indent=1))
        return
    width = max(map(len, titles))
    typer.echo("\n".join(f"{name:<{width}}  {title}" for name, title in titles.items()))


def _check_together(
    check: Path | None, network: Path | None, as_json: bool, making: Mapping[str, Any], numbers: Mapping[str, Any]
) -> None:
    """Refuse what would do nothing: `making` are options of sheets, `numbers` those of variants."""
    beside = " and ".join(option for option, value in making.items() if value)
    several = [option for option, value in numbers.items() if value is not None]
    if beside and check is not None:
        message = f"--check marks answers and makes no sheet; leave out {beside}"
        raise InputError(message)
    if beside and as_json:
        message = f"--json prints exercises as data; leave it out, or {beside}"
        raise InputError(message)
    if network is not None and check is None:
        message = "--network says of which network answers are, and there are none; give --check answers.csv too"
        raise InputError(message)
    if len(several) > 1:
        message = f"{' and '.join(several)} exclude each other; leave one of them out"
        raise InputError(message)
    if check is not None and several == ["--variants"]:
        message = "answers belong to one variant; say which with --variant instead of --variants"
        raise InputError(message)


def _check_network_alone(kind: str | None, given: Mapping[str, Any], variant: int | None) -> None:
    extra = [_option(option) for option in given if option not in ("rounding", "conventions")]
    extra += [what for what, value in ((f"the kind {kind}", kind), ("--variant", variant)) if value is not None]
    if extra:
        message = f"the network in --network is no exercise of a kind; leave out {' and '.join(extra)}"
        raise InputError(message)


def _option(name: str) -> str:
    """The option that an argument of `exercise` has here."""
    others = {"output": "--output-activation", "bias": "--no-bias", "rounding": "--digits and --decimals"}
    return others.get(name, f"--{name.replace('_', '-')}")


def _kind(given: str | None, options: Mapping[str, Any], layers: Sequence[int] | None) -> str:
    """The kind that was named, or the one that suits the network."""
    if given is not None:
        return check_choice(given, (*EXERCISES, *DESCENT_EXERCISES), "the kind of exercise")
    if layers is not None and len(layers) != 3:
        return "output-weight" if len(layers) == 2 else "two-hidden-layers"
    if options.get("output") == "softmax":
        return "softmax"
    return "update" if "learning_rate" in options else "hidden-weight"


def _make(kind: str | None, given: Mapping[str, Any], seed: int, numbers: Sequence[int]) -> list[Posed]:
    """The exercises of these variants."""
    options = dict(given)
    if "layers" in options:
        options["layers"] = _sizes(options["layers"])
    if "learning_rate" in options:
        options["learning_rate"] = typed_number(options["learning_rate"], "--learning-rate")
    if "conventions" in options:
        options["conventions"] = Conventions.read(options["conventions"])
    chosen = _kind(kind, options, options.get("layers"))
    is_walk = chosen in DESCENT_EXERCISES
    _check_options(chosen, options)
    draw: Any = descent_exercise if is_walk else exercise
    made, start = [], time.perf_counter()
    with LateProgress() as progress:
        for done, number in enumerate(numbers, 1):
            made.append(draw(chosen, seed=seed, variant=number, **options))
            progress.show(time.perf_counter() - start, done, len(numbers), f"exercise {done}/{len(numbers)}")
    return made


def _check_options(kind: str, options: Mapping[str, Any]) -> None:
    """Refuse what does nothing in this kind."""
    is_step = kind in DESCENT_EXERCISES or EXERCISES[kind].update
    known = ("rounding", "learning_rate") if kind in DESCENT_EXERCISES else tuple(options)
    for option in options:
        if option not in known or (option == "learning_rate" and not is_step):
            message = f"{_option(option)} does nothing in an exercise of the kind {kind}; leave it out"
            raise InputError(message)


def _sizes(listed: str) -> list[int]:
    try:
        return [int(number) for number in listed.split(",")]
    except ValueError:
        message = f"--layers takes whole numbers parted by commas, the inputs first, such as 2,2,1, not {listed!r}"
        raise InputError(message) from None


def _count(variants: int) -> int:
    if not 1 <= variants <= MOST:
        message = f"--variants takes a number from 1 to {MOST:,}, not {variants:,}"
        raise InputError(message)
    return variants


def _sheet(posed: Sequence[Posed], how: str) -> str:
    if how == "moodle":
        return moodle(posed, f"Thalweg: {posed[0].title}")
    return writers.write(sheet(posed, posed[0].title, code=how == "notebook"), how)


def _solutions(posed: Sequence[Posed], how: str) -> str:
    document = solutions(posed, f"{posed[0].title}: solutions")
    return text_writer.text(document, WIDE) if how == "text" else writers.write(document, how)


def _write(what: str, path: Path, text: str) -> None:
    with whole_file.writing(path) as file:
        file.write(text.encode("utf-8"))
    typer.echo(f"{what:<10} {path}")


def _plain(posed: Posed) -> dict[str, Any]:
    """An exercise in plain JSON types, with what is right and what is accepted."""
    values = []
    for step in posed.steps:
        low, high = accepted(posed, step)
        named = {"name": step.name, "symbol": step.symbol.unicode, "words": step.words}
        choices = {"choices": list(choices_of(step))} if choices_of(step) else {}
        values.append({**named, **choices, "right": float(step.result), "from": low, "to": high})
    return {
        "kind": posed.name, "seed": posed.seed, "variant": posed.variant, "title": posed.title, "label": posed.label,
        "python": call_of(posed), "values": values,
    }  # fmt: skip


def _marked(posed: Posed, answers: Path) -> Marking:
    steps = posed.steps if isinstance(posed, DescentExercise) else posed.trace
    return posed.check(read_answers(answers, _spellings(steps)))


def _marked_network(network: Path, answers: Path, given: Mapping[str, Any]) -> Marking:
    typed = TypedNetwork.from_toml(network)
    conventions = Conventions.read(given["conventions"]) if "conventions" in given else None
    t = trace(
        typed.network, typed.parameters, typed.X, typed.Y, learning_rate=typed.learning_rate, conventions=conventions
    )
    return check_answers(t, read_answers(answers, _spellings(t)), given.get("rounding", FOUR_DIGITS))


def _spellings(steps: Iterable[Any]) -> dict[str, str]:
    """What answers may be called: names in plain letters, and symbols as they are printed."""
    found: dict[str, str] = {}
    for step in (step for step in steps if isinstance(step, Line) or not step.is_given):
        example = f"example {step.example}: " if step.example else ""
        symbol = step.symbol.unicode
        found |= {step.name: step.name, f"{example}{'new ' if step.is_update else ''}{symbol}": step.name}
        if step.is_update:  # the old one is given, and nobody asks for it
            found |= {symbol: step.name, str(step.symbol): step.name}
    return found


def _show(marking: Marking, as_json: bool, asked: Sequence[Any] = ()) -> None:
    answered = {mark.step.name for mark in marking.marks}
    open_ones = [step for step in asked if step.name not in answered]
    if as_json:
        plain = {**marking.to_dict(), "not_answered": [step.name for step in open_ones]}
        typer.echo(json.dumps(plain, ensure_ascii=False, indent=1))
        return
    typer.echo(str(marking))
    if open_ones:
        typer.echo(f"not answered: {', '.join(step.symbol.unicode for step in open_ones)}")
