"""The encoder as nodes of an ONNX graph: raw columns in, the features of `Encoder.encode` out, in float64 throughout.

All numbers, and years and days of dates, pass side by side through one chain of nodes, as do a table's hundreds of
columns: a runtime spends more on a node than on its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from thalweg.cells import MISSING_WORDS
from thalweg.encoding import Encoder
from thalweg.exports import MICROSECONDS, MISSING_DATE, inputs
from thalweg.features import (
    CYCLES,
    HUGE,
    Boolean,
    Category,
    Date,
    Number,
    Presence,
    Role,
    Scale,
    TwoValues,
    on_circle,
)
from thalweg.onnx_graph import Graph


DTYPES: dict[str, Any] = {
    "number": np.float64, "boolean": np.float64, "text": object, "date": np.int64, "presence": np.float64,
}  # fmt: skip


def features(graph: Graph, encoder: Encoder) -> tuple[str, dict[str, str]]:
    """The value of shape (rows, features), float64, and for each column the name of its graph input."""
    names = {each.column: graph.input(each.column, DTYPES[each.kind], 1, each.meaning) for each in inputs(encoder)}
    collected = _Features(graph)
    for role in encoder.roles:
        ROLES[type(role)](collected, role, names[role.column])
    return collected.joined(), names


class _Features:
    """Features in the order of the encoder; those to scale are kept apart until all are known."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._scaled: list[tuple[str, Scale]] = []
        self._ready: list[str] = []
        self._ready_width = 0
        self._order: list[tuple[bool, int]] = []  # is it ready, and its place among those that are or are not

    def scale(self, value: str, scale: Scale) -> None:
        """A float64 value of shape (rows, 1), nan where missing."""
        self._order.append((False, len(self._scaled)))
        self._scaled.append((value, scale))

    def ready(self, value: str, width: int) -> None:
        """A float64 value of shape (rows, width) that is what the network gets."""
        self._order += [(True, self._ready_width + i) for i in range(width)]
        self._ready.append(value)
        self._ready_width += width

    def flag(self, truth: str) -> None:
        """A truth of shape (rows, 1), which becomes 0 or 1."""
        self.ready(self.graph.cast(truth, np.float64), 1)

    def joined(self) -> str:
        """All features side by side."""
        parts = [self._all_scaled()] if self._scaled else []
        together = self.graph.add("Concat", *parts, *self._ready, axis=1)
        places = np.array([place + len(self._scaled) * is_ready for is_ready, place in self._order], dtype=np.int64)
        in_order = np.array_equal(places, np.arange(len(places)))
        return together if in_order else self.graph.add("Gather", together, places, name="features", axis=1)

    def _all_scaled(self) -> str:
        """Scale.apply, for all columns at once."""
        add = self.graph.add
        centres = np.array([scale.centre for _, scale in self._scaled])
        widths = np.array([scale.half_width for _, scale in self._scaled])
        raw = add("Concat", *(value for value, _ in self._scaled), axis=1)
        halves = add("Sum", add("Div", raw, np.float64(2.0)), -centres / 2.0)  # Sum: see onnx_export.py
        scaled = add("Where", add("IsNaN", raw), np.float64(0.0), add("Div", halves, widths))
        scaled = add("Clip", scaled, np.float64(-HUGE), np.float64(HUGE))
        thirds = add("Div", scaled, np.float64(3.0))
        root = add("Sqrt", add("Add", np.float64(1.0), add("Mul", thirds, thirds)))
        return add("Div", scaled, root, name="scaled")


def _number(to: _Features, role: Number, value: str) -> None:
    to.scale(value, role.scale)
    if role.indicator:
        to.flag(to.graph.add("IsNaN", value))


def _boolean(to: _Features, role: Boolean, value: str) -> None:
    del role
    add, cast = to.graph.add, to.graph.cast
    true, false = (cast(add("Equal", value, np.float64(truth)), np.float64) for truth in (1.0, 0.0))
    to.ready(add("Sub", true, false), 1)


def _two_values(to: _Features, role: TwoValues, value: str) -> None:
    codes = _codes(to.graph, value, (role.low, role.high), missing=2, other=2)
    to.ready(to.graph.add("Gather", np.array([[-1.0], [1.0], [0.0]]), codes), 1)


def _category(to: _Features, role: Category, value: str) -> None:
    width, other = len(role.names), len(role.values)
    codes = _codes(to.graph, value, role.values, missing=other + role.missing_slot, other=other)
    to.ready(to.graph.add("Gather", np.eye(width), codes), width)


def _presence(to: _Features, role: Presence, value: str) -> None:
    del role
    to.flag(to.graph.add("IsNaN", value))


def _date(to: _Features, role: Date, value: str) -> None:
    add = to.graph.add
    missing = add("Equal", value, np.int64(MISSING_DATE))
    parts = _date_parts(to.graph, add("Where", missing, np.int64(0), value))
    for part, scale in (("year", role.year), ("day", role.day)):
        if scale is not None:
            to.scale(add("Where", missing, np.float64(np.nan), to.graph.cast(parts[part], np.float64)), scale)
    for part in role.cycles:
        steps = CYCLES[part]
        # One row for each step, and a last one of zeros for a missing date.
        points = np.zeros((steps + 1, 2))
        points[:steps] = np.stack(on_circle(np.arange(steps), part), axis=1)
        codes = _flat(to.graph, add("Where", missing, np.int64(steps), parts[part]))
        to.ready(add("Gather", points, codes), 2)
    if role.indicator:
        to.flag(missing)


def _date_parts(graph: Graph, moment: str) -> dict[str, str]:
    """Year, month (0 = January), day, weekday (0 = Monday) and hour of microseconds since 1970, in whole numbers.

    The calendar is Howard Hinnant's civil_from_days (chrono-Compatible Low-Level Date Algorithms, 2013), whose years
    begin in March so that the leap day is the last.
    """

    def add(operator: str, *operands: Any) -> str:
        return graph.add(operator, *(np.int64(each) if isinstance(each, int) else each for each in operands))

    def parted(value: str, unit: int) -> tuple[str, str]:
        """Quotient and remainder ≥ 0; ONNX divides whole numbers towards zero."""
        rest = add("Mod", value, unit)
        return add("Div", add("Sub", value, rest), unit), rest

    days, _ = parted(moment, MICROSECONDS["day"])
    hours, _ = parted(moment, MICROSECONDS["hour"])
    era, day_of_era = parted(add("Add", days, 719_468), 146_097)
    leaps = add("Sub", add("Div", day_of_era, 36_524), add("Div", day_of_era, 1_460))
    leaps = add("Sub", leaps, add("Div", day_of_era, 146_096))
    year_of_era = add("Div", add("Add", day_of_era, leaps), 365)
    before = add("Sub", add("Div", year_of_era, 4), add("Div", year_of_era, 100))
    day_of_year = add("Sub", day_of_era, add("Add", add("Mul", year_of_era, 365), before))
    from_march = add("Div", add("Add", add("Mul", day_of_year, 5), 2), 153)
    month = add("Mod", add("Add", from_march, 2), 12)
    is_next_year = graph.cast(add("Less", month, 2), np.int64)
    in_months = add("Div", add("Add", add("Mul", from_march, 153), 2), 5)
    return {
        "year": add("Add", add("Add", add("Mul", era, 400), year_of_era), is_next_year),
        "month": month,
        "day": add("Add", add("Sub", day_of_year, in_months), 1),
        "weekday": add("Mod", add("Add", days, 3), 7),
        "hour": add("Mod", hours, 24),
    }


def _codes(graph: Graph, value: str, values: tuple[str, ...], missing: int, other: int) -> str:
    """The place of each text among `values`, `missing` or `other`, of shape (rows,)."""
    places = {**dict.fromkeys(MISSING_WORDS, missing), **{word: i for i, word in enumerate(values)}}
    codes = graph.add(
        "LabelEncoder",
        value,
        domain="ai.onnx.ml",
        keys_strings=list(places),
        values_int64s=list(places.values()),
        default_int64=other,
    )
    return _flat(graph, codes)


def _flat(graph: Graph, value: str) -> str:
    return graph.add("Squeeze", value, np.array([1], dtype=np.int64))


ROLES: Mapping[type[Role], Callable[[_Features, Any, str], None]] = {
    Number: _number,
    Boolean: _boolean,
    TwoValues: _two_values,
    Category: _category,
    Date: _date,
    Presence: _presence,
}
