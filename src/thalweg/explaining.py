"""One row of a table through a trained model: cells → inputs → both passes, and what carried the decision.

The numbers are computed in float64 from the weights that were trained, through the same definition; how far the float32
of training is from them is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import table, writers
from thalweg.arithmetic import FLOATS, Arithmetic
from thalweg.attribution import Attribution, attribute, by_group
from thalweg.conventions import Conventions
from thalweg.document import Block, Document, Heading, Paragraph, Piece
from thalweg.document import Table as Rows
from thalweg.errors import InputError, TableError
from thalweg.features import Number, Role
from thalweg.model import Model
from thalweg.scores import number
from thalweg.targets import NumberTarget
from thalweg.trace_pages import whole
from thalweg.tracing import Trace, trace


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.table import Table

SHOWN_INPUTS = 12  # of those that carried most
TOP_WEIGHTS = 10
MISSING = "(missing)"
SCALING = (
    "A number becomes s, its distance from the median of the training rows over their spread, and is then clipped "
    "softly: s/√(1 + (s/3)²)."
)


@dataclass(frozen=True, repr=False)
class RowExplanation:
    """A row, what its cells became, the trace of its way through the network, and what carried the decision."""

    model: Model  # that was asked
    row: int  # its number in the table, from 1
    cells: dict[str, str]  # column → cell as it stands in the table
    target: str | None  # the right answer, where the table has it
    prediction: str  # what the model says, as it is printed
    trace: Trace  # its way through the network
    attribution: Attribution  # what carried the output that is explained
    trained: float  # the output explained, in the precision of training
    scale: float  # what one unit of the output is in the target's unit

    @property
    def has_target(self) -> bool:
        """Whether there is a right answer, so that there is an error to go backward from."""
        return self.target is not None

    @property
    def columns(self) -> list[tuple[str, str, float, float]]:
        """(column, cell, integrated gradients, gradient × input) of the inputs of each column, by size."""
        names = self.model.encoder.feature_columns
        plain = dict(by_group(self.attribution.gradient_times_input * self.scale, names))
        return [
            (name, self.cells[name], share, plain[name])
            for name, share in by_group(self.attribution.integrated_gradients * self.scale, names)
        ]

    @property
    def output_name(self) -> str:
        """What the output that is explained stands for: a target, or one of its classes."""
        encoder, unit = self.model.encoder, self.attribution.output - 1
        if encoder.task == "classification":
            return f"{encoder.targets[0]} = {word(encoder.classes[unit])}"
        return encoder.targets[unit]

    def document(self) -> Document:
        """The whole explanation."""
        return whole(self.trace, f"{self.prediction}: why", self.blocks(), backward=self.has_target)

    def __str__(self) -> str:
        return writers.write(self.document(), "text")

    def blocks(self) -> list[Block]:
        """The row, its encoding and what carried the decision, to put before the passes."""
        return [*self.summary(), *self._encoding(), *self._carried(), self._weights()]

    def summary(self) -> list[Block]:
        """The row: what the model says, what is right, and how far the numbers below are from those of training."""
        said = f"The model says {self.prediction}" + (f"; in the table it is {self.target}." if self.target else ".")
        float64, trained = self.attribution.value, self.trained
        output = f"Output {self.attribution.output} ({self.output_name}) is "
        gap = _digits(abs(float64 - trained), 2)
        numbers = (output, _digits(float64, 9), " in float64, as below, and ", _digits(trained, 9))
        told = [Paragraph(said), Paragraph((*numbers, " as the model computes it: a difference of ", gap, "."))]
        if self.model.encoder.task == "regression":
            told += [Paragraph(self._standardised(one)) for one in self.model.encoder.target_roles]
        if not self.has_target:
            told.append(Paragraph("The table does not say what is right, so there is no error to go backward from."))
        return [Heading(f"Row {self.row}"), *told]

    def _standardised(self, target: Any) -> str:
        """How the network's numbers are those of the table."""
        text = f"The network computes {target.column} standardised, (value − {target.mean:.6g})/{target.deviation:.6g}"
        return _typeset(text + "; E is of these numbers.")

    def _encoding(self) -> list[Block]:
        encoder, x = self.model.encoder, self.attribution.x
        roles = [(role, place) for role in encoder.roles for place in range(len(role.names))]
        names, carried = encoder.feature_names, [name for name, *_ in self._told]
        inputs = sorted((carried.index(role.column), i) for i, (role, _) in enumerate(roles) if role.column in carried)
        chosen = [i for _, i in inputs[:SHOWN_INPUTS]]
        rows = [
            (f"{i + 1}", roles[i][0].column, self.cells[roles[i][0].column],
             self._how(*roles[i]) or names[i], _typeset(f"{x[i]:.6g}"))
            for i in chosen
        ]  # fmt: skip
        left_out = f"{len(rows)} of {len(names)} inputs, of the columns that carried most"
        blocks: list[Block] = [Heading("From cells to inputs")]
        if any(self._how(*roles[i]) for i in chosen):
            blocks.append(Paragraph(SCALING))
        headings = ("input", "column", "cell", "becomes", "value")
        return [*blocks, Rows(headings, tuple(rows), "" if len(rows) == len(names) else left_out)]

    def _how(self, role: Role, place: int) -> str:
        """For a number, how the cell is scaled."""
        if not isinstance(role, Number) or place or self.cells[role.column] == MISSING:
            return ""
        centre, width = f"{role.scale.centre:.6g}", f"{2.0 * role.scale.half_width:.6g}"
        return _typeset(f"({self.cells[role.column]} − {f'({centre})' if centre.startswith('-') else centre})/{width}")

    @property
    def _told(self) -> list[tuple[str, str, float, float]]:
        """The columns that are shown: those that carried most, and none that carried nothing beside others."""
        return [one for one in self.columns[:SHOWN_INPUTS] if one[2]] or self.columns[:1]

    def _carried(self) -> list[Block]:
        found, shown = self.attribution, self._told
        rows = tuple((name, cell, signed(share), signed(plain)) for name, cell, share, plain in shown)
        others = self.columns[len(shown) :]
        if others:
            name = f"{len(others)} other{'' if len(others) == 1 else 's'}"
            rest, slope = sum(one[2] for one in others), sum(one[3] for one in others)
            rows = (*rows, (name, "", signed(rest), signed(slope)))
        total, difference = float(found.integrated_gradients.sum()) * self.scale, found.difference * self.scale
        gap = _digits(abs(total - difference), 2)
        text: tuple[Piece, ...] = (
            "From a row whose inputs are all 0 (of numbers, the median in training) to this row the output goes from ",
            self._in_units(found.baseline_value), " to ", self._in_units(found.value), ". Integrated gradients share "
            "that difference out among the columns; gradient × input is the slope at the row alone. The shares sum to ",
            _digits(total, 6), ", the difference is ", _digits(difference, 6),
            *(() if found.complete else (": they miss ", gap, " of it")), ".",
        )  # fmt: skip
        headings = ("column", "cell", "integrated gradients", "gradient × input")
        return [Heading("What carried the decision"), Paragraph(text), Rows(headings, rows)]

    def _in_units(self, output: float) -> float:
        """An output in the target's unit."""
        target = self.model.encoder.target_roles[min(self.attribution.output, len(self.model.encoder.targets)) - 1]
        value = target.mean + target.deviation * output if isinstance(target, NumberTarget) else output
        return _digits(value, 4)

    def _weights(self) -> Block:
        sizes, names = self.model.network.sizes, self.model.encoder.feature_names
        rows = []
        for layer, i, j, flow in self._top_weights:
            below = names[i - 1] if layer == 1 else f"unit {i}"
            above = f"output {j}" if layer == len(sizes) - 1 else f"unit {j}"
            rows.append((f"{layer},{i},{j}", below, above, signed(flow)))
        caption = "The weights that carried most, as LAYER,I,J: the flow through all of a layer sums to the difference."
        return Rows(("weight", "from", "to", "flow"), tuple(rows), caption)

    @property
    def _top_weights(self) -> list[tuple[int, int, int, float]]:
        found = self.attribution.top_weights(min(TOP_WEIGHTS, sum(flow.size for flow in self.attribution.flows)))
        return [(layer, i, j, flow * self.scale) for layer, i, j, flow in found]

    def to_dict(self) -> dict[str, Any]:
        """In plain JSON types, without the trace."""
        found = self.attribution
        return {
            "row": self.row,
            "cells": self.cells,
            "target": self.target,
            "prediction": self.prediction,
            "inputs": [
                {"input": i, "name": name, "column": column, "value": float(value)}
                for i, (name, column, value) in enumerate(
                    zip(self.model.encoder.feature_names, self.model.encoder.feature_columns, found.x, strict=True), 1
                )
            ],
            "output": found.output,
            "output_name": self.output_name,
            "value": found.value,
            "value_as_trained": self.trained,
            "baseline_value": found.baseline_value,
            "scale": self.scale,
            "columns": [
                {"column": name, "cell": cell, "integrated_gradients": share, "gradient_times_input": plain}
                for name, cell, share, plain in self.columns
            ],
            "sum": float(found.integrated_gradients.sum()) * self.scale,
            "difference": found.difference * self.scale,
            "weights": [{"layer": layer, "i": i, "j": j, "flow": flow} for layer, i, j, flow in self._top_weights],
        }


def explain(
    model: Any,
    data: Any,
    row: int,
    *,
    arithmetic: Arithmetic = FLOATS,
    conventions: Conventions | None = None,
    learning_rate: float | None = None,
    output: int | None = None,
) -> RowExplanation:
    """One row of a table through a model: what its cells became, both passes, and what carried the decision.

    Args:
        model: a trained model, or a fitted table estimator.
        data: a path, a query, a data frame or a Table, with the columns that the model was trained on; with the target
            there is an error and a backward pass.
        row: the number of the row, from 1, the header not counted.
        arithmetic: how numbers are shown.
        conventions: how the passes are written.
        learning_rate: with it, each weight's step of gradient descent is in the trace.
        output: the unit of the output, from 1, whose decision is shared out; without, that of the predicted class, or
            of the first target.

    Raises:
        TableError: the table cannot be read, or has no such row.
        InputError: there is no such output, or the model has no columns of a table.

    >>> import thalweg as tw
    >>> rows = "SELECT range % 7 AS x, (range % 7 > 3)::INT AS y FROM range(200)"
    >>> model = tw.fit(rows, "y", epochs=4, hidden=(3,))
    >>> found = explain(model, rows, 5)
    >>> found.cells, found.target, round(found.trace["E"].result, 3) > 0
    ({'x': '4'}, '1', True)
    """
    model = _with_columns(model)
    encoder = model.encoder
    one, has_target = _row(model, data, row)
    x = encoder.encode(one)[0]
    outputs = model.outputs(one)
    decided = int(np.argmax(outputs[0])) + 1 if encoder.task == "classification" else 1
    found = attribute(model.network, model.parameters, x, output=decided if output is None else output)
    y = encoder.encode_targets(one)[0] if has_target else _said(model, outputs[0])
    decoded = encoder.decode(outputs)[0]
    target = encoder.target_roles[min(found.output, len(encoder.targets)) - 1]
    return RowExplanation(
        model=model,
        row=row,
        cells={name: cell(one, name) for name in encoder.columns},
        target=", ".join(cell(one, name) for name in encoder.targets) if has_target else None,
        prediction=_prediction(model, decoded, outputs[0]),
        trace=trace(
            model.network,
            model.parameters,
            x,
            y,
            arithmetic=arithmetic,
            conventions=conventions,
            learning_rate=learning_rate,
        ),
        attribution=found,
        trained=float(outputs[0, found.output - 1]),
        scale=target.deviation if isinstance(target, NumberTarget) else 1.0,
    )


def _with_columns(given: Any) -> Model:
    """The model itself, or that of a table estimator; an estimator of arrays explains by a method of its own."""
    model = getattr(given, "model_", given)
    if not isinstance(model, Model):
        way = "its own method, model.explain(x, y)" if hasattr(given, "explain") else "tw.fit or tw.load to have one"
        message = f"tw.explain takes a model of a table, as tw.fit makes, not {type(given).__name__}; use {way}"
        raise InputError(message)
    return model


def _said(model: Model, output: Float[np.ndarray, " k"]) -> Any:
    """What the network says, as a target where the table has none."""
    return int(np.argmax(output)) if model.encoder.task == "classification" else output.astype(np.float64)


def _prediction(model: Model, decoded: Any, output: Float[np.ndarray, " k"]) -> str:
    targets, task = model.encoder.targets, model.encoder.task
    values = list(np.atleast_1d(decoded))
    said = ", ".join(
        f"{name} = {number(value) if task == 'regression' else word(value)}"
        for name, value in zip(targets, values, strict=True)
    )
    return f"{said} (probability {output.max():.4g})" if task == "classification" else said


def _row(model: Model, data: Any, row: int) -> tuple[Table, bool]:
    """The table of this row alone, and whether it has the targets."""
    encoder = model.encoder
    if not (isinstance(row, int | np.integer) and not isinstance(row, bool) and row >= 1):
        message = f"rows are numbered from 1, the header not counted; there is no row {row!r}"
        raise InputError(message)
    try:
        one = _find(data, row, (*encoder.columns, *encoder.targets), encoder.text_columns)
    except TableError:
        return _find(data, row, encoder.columns, encoder.text_columns), False
    return one, not any(bool(one[name].missing[0]) for name in encoder.targets)


def _find(data: Any, row: int, columns: tuple[str, ...], text: tuple[str, ...]) -> Table:
    rows, name = 0, ""
    for batch in table.batches(data, columns=columns, text=text):
        if row <= rows + batch.n_rows:
            return batch.take(slice(row - rows - 1, row - rows))
        rows, name = rows + batch.n_rows, batch.name
    message = f"{name} has rows 1 to {rows:,}, and no row {row:,}; choose one of them"
    raise TableError(message)


def cell(one: Table, name: str) -> str:
    """The cell of a table's only row as it is written in tables."""
    column = one[name]
    if column.missing[0]:
        return MISSING
    return word(column.values[0])


def word(value: Any) -> str:
    """A cell or a class as it is written in tables."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, np.datetime64):
        return np.datetime_as_string(value, unit="auto").replace("T", " ")
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _digits(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def signed(value: float) -> str:
    """A number with its sign, four digits.

    >>> signed(-0.25), signed(0.0)
    ('−0.25', '0')
    """
    return _typeset(f"{value:+.4g}") if value else "0"


def _typeset(text: str) -> str:
    """Numbers with a minus sign in place of the hyphen."""
    return re.sub(r"-(?=[0-9])", "−", text)
