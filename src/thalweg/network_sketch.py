"""Network sketches: what of a feed-forward network is drawn, and where it stands, for `network_drawing` to write down.

What is drawn goes by keys, counted from 1: ("x", i) is input i, ("unit", l, j) unit j of layer l, ("W", l, i, j) the
weight from unit i of layer l − 1 to it, ("b", l, j) its bias, ("E",) the error, to which all outputs are joined.
Places are in CSS pixels from the upper left.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, NamedTuple

from thalweg.errors import InputError, shown
from thalweg.expressions import Symbol
from thalweg.nodes import Node
from thalweg.notation import SUBSCRIPTS, SUPERSCRIPTS


Key = tuple[Any, ...]
Label = Node | str
Point = tuple[float, float]

MOST = 8  # units of a layer that are all shown
FIRST = 5  # units of a larger layer that are shown, and its last
FEW = 60  # labels at weights, and lines of full width
MANY = 200  # lines
LONGEST = 28  # characters of a label
DOTS = 0  # stands in a column for units left out

EM = 15.0  # of the labels
LINE = 20.0  # height of a label
STUB = 12.0  # length of a bias's line
INPUT = 7.0  # radius
UNIT = 18.0, 24.0  # radius at least, and at most; what is wider inside makes it longer only
PITCH = 180.0  # from unit to unit at most
STRIDE = 160.0, 480.0  # from layer to layer at least, and at most, unless labels need more
STEEP = 0.6  # a stride at least, as a share of what its steepest line climbs
GAP = 5.0  # between a unit and what is written beside it
MARGIN = 12.0
TRIES = 24  # places along a line where its label may go


@dataclass(frozen=True)
class NetworkDrawing:
    """What is drawn of a network, and what is written and lit in it.

    A layer of more than 8 units is abridged by dots. The labels of weights are written where at most 60 of those shown
    have one, and all lines are drawn where they are at most 200. What is lit or kept is shown and labelled in any case.

    Args:
        sizes: inputs, units of layer 1, …, outputs.
        labels: what is written there: before inputs, beside weights and biases, inside units and the error.
        lit: what is thick and in the accent colour; if anything is, the rest is paler.
        kept: what is shown in any case, so that `lit_svg_rules` can light it.
        negative: weights and biases whose lines are dashed.

    Raises:
        InputError: there are fewer than two sizes, one is not positive, or a key is of nothing in the network.

    >>> weight = ("W", 1, 2, 1)
    >>> print(NetworkDrawing((2, 1), labels={weight: "0.5"}, lit=frozenset({weight})).description)
    Network: 2 inputs, layer 1: 1 output, error. Lit: W 2→1 of layer 1. Labels: W 2→1 of layer 1 is 0.5.
    """

    sizes: tuple[int, ...]
    bias: bool = False
    labels: Mapping[Key, Label] = field(default_factory=dict)
    lit: frozenset[Key] = frozenset()
    kept: frozenset[Key] = frozenset()
    negative: frozenset[Key] = frozenset()

    def __post_init__(self) -> None:
        network = f"{'-'.join(map(str, self.sizes))} {'with' if self.bias else 'without'} biases"
        if len(self.sizes) < 2 or min(self.sizes) < 1:
            message = f"a network has inputs and a layer of units or more, a positive number of each: not {network}"
            raise InputError(message)
        for name in ("labels", "lit", "kept", "negative"):
            for key in getattr(self, name):
                if not self._has(key):
                    message = (
                        f"{name} has {shown(key)}, which is nothing in a network {network}: write ('x', i), "
                        "('unit', layer, j), ('W', layer, i, j), ('b', layer, j) or ('E',), all counted from 1"
                    )
                    raise InputError(message)

    def _has(self, key: Key) -> bool:
        if key == ("E",) or not all(isinstance(part, Integral) for part in key[1:]):
            return key == ("E",)
        ends = _ends(key)
        there = bool(ends) and (key[0] == "x" or key[1] in range(1, len(self.sizes))) and (self.bias or key[0] != "b")
        return there and all(unit in range(1, self.sizes[layer] + 1) for layer, unit in ends)

    @property
    def description(self) -> str:
        """The drawing in words, for those who do not see it: layers, what is lit, what is dashed, what is written."""
        layers = [_caption(layer, self.sizes) for layer in range(len(self.sizes))]
        text = f"Network: {', '.join(layers)}{', biases' if self.bias else ''}, error."
        for word, keys in (("Lit", self.lit), ("Dashed", self.negative)):
            if 0 < len(keys) <= FEW:
                text += f" {word}: {', '.join(map(_named, sorted(keys, key=forward)))}."
        if 0 < len(self.labels) <= FEW:
            labels = [f"{_named(key)} is {label_text(self.labels[key])}" for key in sorted(self.labels, key=forward)]
            text += f" Labels: {', '.join(labels)}."
        return text


def _ends(key: Key) -> list[tuple[int, int]]:
    """The units that a key is of or joins, as layer and number; inputs are layer 0."""
    match key:
        case ("x", unit):
            return [(0, unit)]
        case ("unit" | "b", layer, unit):
            return [(layer, unit)]
        case ("W", layer, below, unit):
            return [(layer - 1, below), (layer, unit)]
    return []


def forward(key: Key) -> tuple[Any, ...]:
    """The order in which a forward pass comes by: in a layer W, then b, then unit."""
    return 0 if key[0] == "x" else key[1] if len(key) > 2 else math.inf, *key


def _named(key: Key) -> str:
    match key:
        case ("x", unit):
            return f"input {unit}"
        case ("unit" | "b" as kind, layer, unit):
            return f"{kind} {unit} of layer {layer}"
        case ("W", layer, below, unit):
            return f"W {below}→{unit} of layer {layer}"
    return "the error"


def _caption(layer: int, sizes: Sequence[int]) -> str:
    what = "input" if layer == 0 else "output" if layer == len(sizes) - 1 else "unit"
    return (f"layer {layer}: " if layer else "") + f"{sizes[layer]:,} {what}{'s' if sizes[layer] > 1 else ''}"


# Where everything stands


class Line(NamedTuple):
    """A connection, or the stub of a bias, from point to point."""

    key: Key
    start: Point
    end: Point
    thin: bool = False


class Unit(NamedTuple):
    """An input, a unit or the error: a circle, or a longer box with round ends."""

    key: Key
    at: Point
    across: float  # half of its width
    down: float


class Words(NamedTuple):
    """A text at a place of the picture."""

    look: str  # inside a unit, beside a line, before an input, a caption, or dots
    at: Point  # the middle, or before an input the right end
    label: Label
    key: Key = ()


class Sketch(NamedTuple):
    """A whole picture of a network: its size, and what is drawn in it."""

    width: float
    height: float
    lines: list[Line]
    units: list[Unit]
    words: list[Words]


def label_text(label: Label) -> str:
    """A label as it is shown: no longer than LONGEST, and without what XML cannot hold."""
    text = label if isinstance(label, str) else label.unicode
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def label_width(label: Label) -> float:
    """About how wide a label is; no font is at hand."""
    small = {*SUPERSCRIPTS.values(), *SUBSCRIPTS.values()}
    shares = [
        0.0 if unicodedata.combining(sign) else 0.43 if ord(sign) in small else 0.64 for sign in label_text(label)
    ]
    return EM * (0.3 + sum(shares))


def _column(size: int, wanted: set[int]) -> list[int]:
    """The units of a layer that are shown; dots never stand for a single one, whose room they would take."""
    kept = set(range(1, size + 1)) if size <= MOST else {*range(1, FIRST + 1), *wanted, size}
    rows: list[int] = []
    before = 0
    for unit in sorted(kept):
        rows += [unit - 1] if unit - before == 2 else [DOTS] * (unit - before > 2)
        rows.append(unit)
        before = unit
    return rows


def _weights(drawing: NetworkDrawing, columns: Sequence[Sequence[int]]) -> tuple[dict[Key, bool], set[Key]]:
    """The weights that have a line, each with whether it is thin, and those of them whose label is written."""
    asked = drawing.lit | drawing.kept
    above = range(1, len(columns))
    between = [("W", at, i, j) for at in above for i in columns[at - 1] for j in columns[at] if i != DOTS != j]
    written = {key for key in between if key in drawing.labels}
    written = written if len(written) <= FEW else written & asked
    told = {*between} if len(between) <= FEW else written | asked
    return {key: key not in told for key in between if key in told or len(between) <= MANY}, written


class Grid(NamedTuple):
    """How large units are and where columns stand, so that there is room for what is written."""

    unit: Point  # half of its width, half of its height
    error: Point
    across: list[float]  # the columns, then the error
    parts: list[int]  # a label at a line to this layer stands one of so many parts of it away from the lower end
    pitch: float
    middle: float
    bottom: float


def _grid(columns: Sequence[Sequence[int]], labels: Mapping[Key, Label], bias: bool) -> Grid:
    def widest(kind: str) -> float:
        return max([label_width(label) for key, label in labels.items() if key[0] == kind], default=0.0)

    (wide, tall), error = (_half(widest(kind)) for kind in ("unit", "E"))
    foot = STUB + LINE if bias else 0.0
    # lines from units evenly spaced to q others are evenly spaced themselves at 1/(q + 1) of their way, and cross later
    fans = Counter(key[1:3] for key in labels if key[0] == "W")
    parts = [max([3, *[n + 1 for (at, _), n in fans.items() if at == layer]]) for layer in range(len(columns))]
    pitch = max(2 * tall + foot + 14, min(PITCH, 1.2 * LINE * max(parts)) if fans else 0)
    rows = [*map(len, columns)]
    across = [MARGIN + max(40.0, widest("x") + INPUT + GAP)]
    for layer, part in enumerate(parts[1:], 1):
        room = (INPUT if layer == 1 else wide) + GAP + widest("W") / 2
        climb = pitch * ((rows[layer - 1] + rows[layer]) / 2 - 1)
        ideal = min(STRIDE[1], max(STEEP * climb, room * part if fans else 0.0))
        across.append(across[-1] + max(STRIDE[0], ideal, room + wide + GAP + widest("W")))
    across.append(across[-1] + wide + 45 + error[0])
    half = max(tall, error[1]) + pitch * (max(rows) - 1) / 2
    return Grid((wide, tall), error, across, parts, pitch, MARGIN + half, MARGIN + 2 * half + foot)


def _half(width: float) -> Point:
    across = max(UNIT[0], width / 2 + 4)
    return across, min(UNIT[1], across)


def _units(columns: Sequence[Sequence[int]], grid: Grid) -> tuple[list[Unit], list[Words]]:
    """Inputs, units and at last the error; the dots between them."""
    units, dots = [], []
    for layer, column in enumerate(columns):
        for row, unit in enumerate(column):
            at = (grid.across[layer], grid.middle + grid.pitch * (row - (len(column) - 1) / 2))
            if unit == DOTS:
                dots.append(Words("dots", at, "⋮"))
            elif layer == 0:
                units.append(Unit(("x", unit), at, INPUT, INPUT))
            else:
                units.append(Unit(("unit", layer, unit), at, *grid.unit))
    return [*units, Unit(("E",), (grid.across[-1], grid.middle), *grid.error)], dots


def _lines(units: Sequence[Unit], weights: Mapping[Key, bool], bias: bool) -> list[Line]:
    at = {end: unit.at for unit in units for end in _ends(unit.key)}
    last = max(layer for layer, _ in at)
    lines = [Line(("E", *end), place, units[-1].at) for end, place in at.items() if end[0] == last]
    for key, (x, y), _, down in units if bias else ():
        if key[0] == "unit":
            lines.append(Line(("b", *key[1:]), (x, y), (x, y + down + STUB)))
    for key, thin in weights.items():
        below, above = _ends(key)
        lines.append(Line(key, at[below], at[above], thin))
    return lines


def _spots(line: Line, half: float, grid: Grid) -> Iterator[Point]:
    """Where the label of a line may go, the best first: below a bias, along a weight from its lower end."""
    (x, y), (to_x, to_y) = line.start, line.end
    if line.key[0] == "b":
        yield to_x, to_y + LINE / 2
        return
    layer = line.key[1]
    first = max(1 / grid.parts[layer], ((INPUT if layer == 1 else grid.unit[0]) + GAP + half) / (to_x - x))
    last = 1 - (grid.unit[0] + GAP + half) / (to_x - x)
    for step in range(TRIES):
        share = first + (last - first) * step / TRIES
        yield x + share * (to_x - x), y + share * (to_y - y)


def _beside(lines: Sequence[Line], labels: Mapping[Key, Label], grid: Grid) -> list[Words]:
    """The labels of lines, each in the first of its places that the ones before leave free."""
    words: list[Words] = []
    taken: list[tuple[float, float, float]] = []
    for line in lines:
        if line.key in labels:
            half = label_width(labels[line.key]) / 2
            spots = [*_spots(line, half, grid)]
            free = [
                (x, y)
                for x, y in spots
                if all(abs(x - a) >= half + other or abs(y - b) >= 0.9 * LINE for a, b, other in taken)
            ]
            at = [*free, *spots][0]
            taken.append((*at, half))
            words.append(Words("beside", at, labels[line.key], line.key))
    return words


def sketched(drawing: NetworkDrawing) -> Sketch:
    """Where everything stands that is shown."""
    asked = [end for key in drawing.lit | drawing.kept for end in _ends(key)]
    columns = [_column(size, {unit for at, unit in asked if at == layer}) for layer, size in enumerate(drawing.sizes)]
    weights, written = _weights(drawing, columns)
    seen = {(layer, unit) for layer, column in enumerate(columns) for unit in column}
    labels: dict[Key, Label] = {("E",): Symbol("E")}
    for key, label in drawing.labels.items():
        if key in written or (key[0] != "W" and seen.issuperset(_ends(key))):
            labels[key] = label
    grid = _grid(columns, labels, drawing.bias)
    units, words = _units(columns, grid)
    lines = _lines(units, weights, drawing.bias)
    for layer, x in enumerate(grid.across[:-1]):
        words.append(Words("caption", (x, grid.bottom + LINE), _caption(layer, drawing.sizes)))
    for key, (x, y), *_ in units:
        if key in labels:
            look, start = ("before", x - INPUT - GAP) if key[0] == "x" else ("inside", x)
            words.append(Words(look, (start, y), labels[key], key))
    words += _beside(lines, labels, grid)
    width, height = grid.across[-1] + grid.error[0] + MARGIN, grid.bottom + 2 * LINE
    if any(line.key in drawing.negative for line in lines):
        words.append(Words("caption", (width / 2, height), "dashed: negative"))
        height += LINE
    return Sketch(width, height, lines, units, words)


def with_joins(lit: Iterable[Key]) -> set[Key]:
    """What is lit, and the lines from lit outputs to the error if it is lit."""
    found = {*lit}
    units = {key[1:] for key in found if key[0] == "unit"}
    last = max([layer for layer, _ in units], default=0)
    return found | {("E", *unit) for unit in units if unit[0] == last and ("E",) in found}
