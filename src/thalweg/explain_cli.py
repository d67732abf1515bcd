"""`thalweg explain`: a model and a row, or a network typed in, and one library call for what is asked about it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from thalweg import weight_pages, whole_file, writers
from thalweg.arithmetic import KINDS, Arithmetic, Rounding
from thalweg.command_options import ConventionsFile, format_of, rounding
from thalweg.conventions import Conventions
from thalweg.document import Document
from thalweg.errors import InputError
from thalweg.explaining import RowExplanation, explain
from thalweg.model import load
from thalweg.outputs import check_outputs
from thalweg.settings import check_choice
from thalweg.trace_pages import most_relevant, whole
from thalweg.tracing import Trace, trace
from thalweg.typed_networks import TypedNetwork
from thalweg.typed_numbers import typed_number


FORMATS = {**{name: row.suffix for name, row in writers.WRITERS.items()}, "json": ".json"}
TYPED = (
    "--sizes", "--activation", "--output-activation", "--loss", "--reduction", "--weights", "--biases", "--x", "--y",
)  # fmt: skip
DIGITS = {"floats": 6, "fractions": 6, "rounded": 4}
EVERY_STEP = 1_000  # parameters up to which JSON has them all

EXAMPLES = """Examples:

  thalweg explain spam.thalweg spam.csv --row 17

  thalweg explain spam.thalweg spam.csv --row 17 --weight 1,2,3 -o why.html

  thalweg explain lecture.toml --arithmetic rounded --digits 4 --format latex -o lecture.tex

  thalweg explain --weights "0.15 0.25; 0.2 0.3 | 0.4 0.5; 0.45 0.55" --x "0.05 0.1" --y "0.01 0.99" --weight 1,1,1

  thalweg explain --activation relu --weights "1/2 -1; 2 1/3 | 3; -1" --x "1 2" --y 4 --arithmetic fractions"""


def command(
    model: Annotated[
        str | None,
        typer.Argument(help="A model that `thalweg fit` wrote, or a network in a TOML file."),
    ] = None,
    data: Annotated[str | None, typer.Argument(help="For a model: a table, or a SELECT query.")] = None,
    row: Annotated[int | None, typer.Option(help="Which row of the table, from 1, the header not counted.")] = None,
    unit: Annotated[
        int | None,
        typer.Option(
            show_default="that of the predicted class, or the first", help="Of a model: the output that is explained."
        ),
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option(help="One weight: LAYER,I,J is that from unit I to unit J of the layer; LAYER,b,J a bias."),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="A network typed in: layers parted by |, a row for each unit below by ;, fractions allowed."),
    ] = None,
    biases: Annotated[
        str | None, typer.Option(help="Biases, layers parted by |; without, the network has none.")
    ] = None,
    x: Annotated[str | None, typer.Option(help="Its input; several examples are parted by ;.")] = None,
    y: Annotated[str | None, typer.Option(help="Its target, likewise.")] = None,
    sizes: Annotated[str | None, typer.Option(help="Units of each layer; they follow from the weights.")] = None,
    activation: Annotated[
        str | None, typer.Option(show_default="sigmoid", help="Of hidden layers: one, or one for each.")
    ] = None,
    output_activation: Annotated[
        str | None, typer.Option(show_default="the activation", help="Of the output layer.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(show_default="squared_error, for softmax cross_entropy", help="The error.")
    ] = None,
    reduction: Annotated[
        str | None, typer.Option(show_default="sum", help="Over several examples: sum or mean.")
    ] = None,
    learning_rate: Annotated[
        str | None, typer.Option(help="With it, each weight's step of gradient descent is shown.")
    ] = None,
    arithmetic: Annotated[
        str, typer.Option(help="floats; fractions; or rounded: every result is carried on as it is printed.")
    ] = "floats",
    digits: Annotated[
        int | None, typer.Option(show_default="6, rounded 4", help="Significant digits that are shown.")
    ] = None,
    decimals: Annotated[int | None, typer.Option(help="Decimals that are shown, instead of digits.")] = None,
    conventions: ConventionsFile = None,
    format: Annotated[
        str | None, typer.Option("--format", show_default="by the file's name, or text", help=f"{', '.join(FORMATS)}.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where it goes instead of the terminal.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Explain a network step by step: forward and backward pass with the numbers put in, or why one weight matters."""
    chosen = _format(format, output, as_json)
    check_outputs({"explanation": output}, {"network": model, "table": data, "conventions": _name(conventions)})
    how = Arithmetic(check_choice(arithmetic, KINDS, "--arithmetic"), _rounding(digits, decimals, arithmetic))
    written = Conventions() if conventions is None else Conventions.read(conventions)
    typed = {
        "sizes": sizes, "activation": activation, "output": output_activation, "loss": loss, "reduction": reduction,
        "weights": weights, "biases": biases, "x": x, "y": y,
    }  # fmt: skip
    found: RowExplanation | None = None
    if model is None or model.lower().endswith(".toml"):
        _refuse_for_typed(model, data, row, unit, typed)
        network = TypedNetwork.from_toml(model) if model else TypedNetwork.from_texts(**typed)
        rate = network.learning_rate if learning_rate is None else _rate(learning_rate)
        t = trace(
            network.network, network.parameters, network.X, network.Y,
            learning_rate=rate, arithmetic=how, conventions=written,
        )  # fmt: skip
    else:
        _refuse_for_model(data, row, typed)
        rate = None if learning_rate is None else float(_rate(learning_rate))
        found = explain(
            load(model),
            data,
            row,  # type: ignore[arg-type]
            arithmetic=how,
            conventions=written,
            learning_rate=rate,
            output=unit,
        )
        t = found.trace
    text = _json(t, found, weight) if chosen == "json" else writers.write(_document(t, found, weight), chosen)
    if output is None:
        typer.echo(text.rstrip("\n"))
        return
    with whole_file.writing(output) as file:
        file.write(text.encode("utf-8", "replace"))
    typer.echo(f"explanation  {output}")


def _document(t: Trace, found: RowExplanation | None, weight: str | None) -> Document:
    if weight is not None:
        _refuse_without_target(found)
        return weight_pages.one_weight(t.gradient_of(*_weight(weight)), found.summary() if found else ())
    if found is None:
        return whole(t)
    return whole(t, f"Why {found.prediction}", found.blocks(), backward=found.has_target)


def _json(t: Trace, found: RowExplanation | None, weight: str | None) -> str:
    if weight is not None:
        _refuse_without_target(found)
        plain: dict[str, Any] = {"why": t.gradient_of(*_weight(weight)).to_dict()}
    elif t.network.n_parameters <= EVERY_STEP:
        plain = {"trace": t.to_dict()}
    else:
        plain = {"trace": t.to_dict([step.key for step in most_relevant(t)])}
    if found:
        plain = {"explanation": found.to_dict(), **plain}
    return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False)


def _refuse_without_target(found: RowExplanation | None) -> None:
    if found is not None and not found.has_target:
        targets = ", ".join(map(repr, found.model.encoder.targets))
        message = (
            f"row {found.row} has no target ({targets}), so there is no error and no gradient; give a table that has it"
        )
        raise InputError(message)


def _refuse_for_typed(
    source: str | None, data: str | None, row: int | None, unit: int | None, typed: dict[str, Any]
) -> None:
    given = [option for option, value in zip(TYPED, typed.values(), strict=True) if value is not None]
    if source is not None and given:
        message = f"{given[0]} and the file {source!r} both describe the network; put it into the file, or leave it out"
        raise InputError(message)
    if data is not None or row is not None or unit is not None:
        what = "--row" if row is not None else "--unit" if unit is not None else f"the table {data!r}"
        message = f"{what} belongs to a model; a network typed in has its examples in x and y"
        raise InputError(message)
    if source is None and not given:
        message = (
            "explain needs a model and a table, a network in a TOML file, or --weights, --x and --y; see the examples"
        )
        raise InputError(message)


def _refuse_for_model(data: str | None, row: int | None, typed: dict[str, Any]) -> None:
    given = [option for option, value in zip(TYPED, typed.values(), strict=True) if value is not None]
    if given:
        message = f"{given[0]} belongs to a network typed in; a model has its own, so leave it out"
        raise InputError(message)
    if data is None or row is None:
        what = "a table after the model, and --row" if data is None else "--row, from 1, the header not counted"
        message = f"which row is explained? Give {what}"
        raise InputError(message)


def _rate(given: str) -> Fraction:
    rate = typed_number(given, "--learning-rate")
    if rate <= 0:
        message = f"--learning-rate must be a number > 0, such as 0.5, not {given!r}"
        raise InputError(message)
    return rate


def _weight(given: str) -> tuple[int, int | str, int]:
    parts = [part.strip() for part in given.split(",")]
    if len(parts) == 3 and parts[0].isdecimal() and parts[2].isdecimal() and (parts[1].isdecimal() or parts[1] == "b"):
        return int(parts[0]), parts[1] if parts[1] == "b" else int(parts[1]), int(parts[2])
    message = f"--weight takes LAYER,I,J such as 1,2,3, or LAYER,b,J for a bias, not {given!r}"
    raise InputError(message)


def _rounding(digits: int | None, decimals: int | None, arithmetic: str) -> Rounding:
    asked = rounding(digits, decimals)
    if asked and arithmetic == "fractions":
        option = "--decimals" if asked.decimals else "--digits"
        message = f"{option} would do nothing with --arithmetic fractions, which are not rounded; leave it out"
        raise InputError(message)
    return asked or Rounding(DIGITS[arithmetic])


def _format(given: str | None, output: Path | None, as_json: bool) -> str:
    if as_json and given not in (None, "json"):
        message = f"--json and --format {given} exclude each other; leave one of them out"
        raise InputError(message)
    return format_of("json" if as_json else given, output, FORMATS, "an explanation")


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
