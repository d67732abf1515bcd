"""The encoder as C: a structure of raw cells, and a function that makes the features of `Encoder.encode` of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg.c_words import array, comment, identifier, number, string
from thalweg.cells import MISSING_WORDS
from thalweg.encoding import Encoder
from thalweg.exports import MICROSECONDS, Input, inputs
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


TYPES = {
    "number": "double ", "boolean": "double ", "text": "const char *", "date": "int64_t ", "presence": "double ",
}  # fmt: skip


@dataclass(frozen=True)
class Features:
    """The two parts of the file that the encoder becomes, and the members of the structure."""

    members: tuple[tuple[str, Input], ...]
    declarations: str
    code: str


def features(encoder: Encoder) -> Features:
    """The structure @_input and the function @_encode.

    Raises:
        InputError: a value of a category is a text that C cannot hold.
    """
    taken: set[str] = set()
    members = tuple((identifier(each.column, taken), each) for each in inputs(encoder))
    listed = [f"    {TYPES[each.kind]}{m}; /* {comment(each.column)}: {each.meaning} */" for m, each in members]
    declared = ["typedef struct {", *listed, "} @_input;", ""]
    made = _Encoding()
    for role, (member, _) in zip(encoder.roles, members, strict=True):
        ROLES[type(role)](made, role, f"input->{member}")
    if _DATE in made.pieces:
        declared.append(_DATE_DECLARED)
    function = [
        "static void @_encode(const @_input *input, @real *x)",
        "{",
        f"    memset(x, 0, {made.width} * sizeof *x);",
        *made.lines,
        "}",
        "",
    ]
    return Features(members, "\n".join(declared), "\n".join([*made.pieces, *made.tables.values(), *function, ""]))


class _Encoding:
    """What the roles have written so far: statements, constant tables, and the functions that they need."""

    def __init__(self) -> None:
        self.width = 0
        self.lines: list[str] = []
        self.tables: dict[str, str] = {}
        self.pieces: dict[str, None] = {}  # in the order of their first use

    def put(self, value: str) -> None:
        """The next feature."""
        self.lines.append(f"    x[{self.width}] = {value};")
        self.width += 1

    def scale(self, value: str, scale: Scale) -> None:
        """A number, scaled."""
        self.pieces[_SCALE] = None
        self.put(f"(@real)@_scale({value}, {number(scale.centre)}, {number(scale.half_width)})")

    def place(self, text: str, values: tuple[str, ...], missing: int) -> str:
        """The place of a text among the values, their number for another text, or `missing`."""
        self.pieces |= {MISSING: None, _FIND: None}
        table = "NULL"
        if values:
            table = f"@_values_{self.width}"
            self.tables[table] = array("char *const", table, map(string, values))
        return f"@_find({text}, {table}, {len(values)}, {missing})"

    def circle(self, part: str, steps: str) -> None:
        """A point on a circle; the last row of its table is that of a missing date."""
        points = np.zeros((CYCLES[part] + 1, 2))
        points[:-1] = np.stack(on_circle(np.arange(CYCLES[part]), part), axis=1)
        table = f"@_{part}"
        self.tables[table] = array("double", table, map(number, points.ravel()))
        for axis in (0, 1):
            self.put(f"(@real){table}[2 * {steps} + {axis}]")


def _number(to: _Encoding, role: Number, cell: str) -> None:
    to.scale(cell, role.scale)
    if role.indicator:
        to.put(f"(@real)(isnan({cell}) != 0)")


def _boolean(to: _Encoding, role: Boolean, cell: str) -> None:
    del role
    to.put(f"{cell} == 1 ? 1 : {cell} == 0 ? -1 : 0")


def _two_values(to: _Encoding, role: TwoValues, cell: str) -> None:
    to.pieces[_SIGNS] = None
    to.put(f"@_signs[{to.place(cell, (role.low, role.high), missing=2)}]")


def _category(to: _Encoding, role: Category, cell: str) -> None:
    place = to.place(cell, role.values, missing=len(role.values) + role.missing_slot)
    to.lines.append(f"    x[{to.width} + {place}] = 1;")
    to.width += len(role.names)


def _presence(to: _Encoding, role: Presence, cell: str) -> None:
    del role
    to.put(f"(@real)(isnan({cell}) != 0)")


def _date(to: _Encoding, role: Date, cell: str) -> None:
    to.pieces[_DATE] = None
    parts = f"parts_{to.width}"
    to.lines.append(f"    const @_parts {parts} = @_parts_of({cell});")
    for part, scale in (("year", role.year), ("day", role.day)):
        if scale is not None:
            to.scale(f"{parts}.{part}", scale)
    for part in role.cycles:
        to.circle(part, f"{parts}.{part}")
    if role.indicator:
        to.put(f"{cell} == INT64_MIN ? 1 : 0")


ROLES: Mapping[type[Role], Callable[[_Encoding, Any, str], None]] = {
    Number: _number,
    Boolean: _boolean,
    TwoValues: _two_values,
    Category: _category,
    Date: _date,
    Presence: _presence,
}

_SCALE = f"""\
/* Scaled by median and quartiles, smoothly clipped at 3; a missing number is the median. */
static double @_scale(double value, double centre, double half_width)
{{
    double scaled = (value / 2.0 - centre / 2.0) / half_width;
    if (isnan(value))
        return 0.0;
    scaled = fmin(fmax(scaled, {number(-HUGE)}), {number(HUGE)});
    return scaled / sqrt(1.0 + (scaled / 3.0) * (scaled / 3.0));
}}
"""

_SIGNS = """\
/* Of the first of two values, the second, and another or a missing one. */
static const @real @_signs[3] = {-1, 1, 0};
"""

MISSING = f"""\
static const char *const @_missing[{len(MISSING_WORDS)}] = {{
    {", ".join(map(string, MISSING_WORDS))},
}};

static int @_is_missing(const char *text)
{{
    for (size_t i = 0; i < {len(MISSING_WORDS)}; i++)
        if (strcmp(text, @_missing[i]) == 0)
            return 1;
    return 0;
}}
"""

_FIND = """\
/* The place of a text among the values; count for another text. */
static size_t @_find(const char *text, const char *const *values, size_t count, size_t missing)
{
    if (text == NULL)
        return missing;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, values[i]) == 0)
            return i;
    return @_is_missing(text) ? missing : count;
}
"""

_DATE_DECLARED = """\
/* A date as @_input takes it; months and days count from 1. */
int64_t @_date(int year, int month, int day, int hour, int minute, double second);

"""

# Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, 2013: days_from_civil and civil_from_days.
_DATE = f"""\
int64_t @_date(int year, int month, int day, int hour, int minute, double second)
{{
    const int64_t y = (int64_t)year - (month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t year_of_era = y - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    const int64_t minutes = ((era * 146097 + day_of_era - 719468) * 24 + hour) * 60 + minute;
    return minutes * 60000000 + (int64_t)floor(second * 1e6 + 0.5);
}}

typedef struct {{
    double year, day; /* NaN where missing */
    int month, weekday, hour; /* from 0; where missing the number of them */
}} @_parts;

static @_parts @_parts_of(int64_t date)
{{
    @_parts parts = {{NAN, NAN, {CYCLES["month"]}, {CYCLES["weekday"]}, {CYCLES["hour"]}}};
    if (date == INT64_MIN)
        return parts;
    const int64_t in_day = (date % {MICROSECONDS["day"]} + {MICROSECONDS["day"]}) % {MICROSECONDS["day"]};
    const int64_t days = (date - in_day) / {MICROSECONDS["day"]};
    const int64_t shifted = days + 719468; /* from 1 March of the year 0: the leap day is the last of a year */
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    const int64_t day_of_era = shifted - era * 146097;
    const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t from_march = (5 * day_of_year + 2) / 153;
    parts.month = (int)((from_march + 2) % 12);
    parts.year = (double)(year_of_era + era * 400 + (parts.month < 2));
    parts.day = (double)(day_of_year - (153 * from_march + 2) / 5 + 1);
    parts.weekday = (int)(((days + 3) % 7 + 7) % 7);
    parts.hour = (int)(in_day / {MICROSECONDS["hour"]});
    return parts;
}}
"""
