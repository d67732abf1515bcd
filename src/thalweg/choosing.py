"""Which role each column of a training table gets, and why, in a sentence."""

import re
import warnings

import numpy as np

from thalweg.coercion import factorize, other_form, spoiled_number
from thalweg.errors import ThalwegWarning
from thalweg.features import MAX_SLOTS, Boolean, Category, Date, Number, Presence, Role, TwoValues, rare_below
from thalweg.table import Column, Kind, Table


# Text of more than MAX_SLOTS values is prose from this many words a cell on average.
PROSE_WORDS = 4.0
# A counter: integers that rise from row to row, of which at most half are left out (by held-out rows).
COUNTER_ROWS = 50
_ID_NAME = re.compile(r"(^|.*[\W_])(id|uuid|guid|index|idx|rowid)|.*[a-z](Id|ID)|unnamed: ?\d+", re.DOTALL)


def choose(column: Column, table: Table, keep: bool) -> tuple[Role | None, str]:
    """The role (None: dropped) and why; with `keep` a column is used though it looks like an identifier or prose."""
    rows = len(column.values)
    present = column.values[~column.missing]
    gaps = rows - len(present)
    distinct = len(factorize(present)[1]) if column.kind is Kind.TEXT else len(np.unique(present))
    if not len(present):
        return None, "every cell is missing"
    if distinct == 1:
        value = f"{present[0]:g}" if column.kind is Kind.NUMBER else str(present[0])
        if not gaps:
            return None, f"every training row has the same value, {value!r}"
        return Presence(column.name), f"the only value is {value!r}; whether it is missing ({_rows(gaps)}) may tell"
    if column.kind is Kind.NUMBER:
        return _number(column, table, keep, gaps)
    if column.kind is Kind.BOOLEAN:
        return Boolean(column.name), "true +1, false −1" + (f", missing ({_rows(gaps)}) 0" if gaps else "")
    if column.kind is Kind.DATE:
        date = Date.learn(column)
        if date is None:
            return None, "neither year, month, day, weekday nor hour varies"
        filled = f"; missing in {_rows(gaps)}, with a feature that says so" if gaps else ""
        return date, "a date, by the parts that vary" + filled
    role, why = _text(column, keep, distinct, gaps)
    spoiled = spoiled_number(column, table)
    if spoiled:
        message = f"Column {column.name!r} of {table.name} is used as text: {spoiled}; mend or empty such cells"
        warnings.warn(message + " to use it as a number.", ThalwegWarning, stacklevel=4)
        why = f"{spoiled}; {why}"
    elif not keep and (form := other_form(column)):
        message = f"Column {column.name!r} of {table.name} is {'used as' if role else 'left out as'} text: {form}"
        warnings.warn(f"{message}; keep={[column.name]!r} takes it as it is.", ThalwegWarning, stacklevel=4)
    return role, why


def _number(column: Column, table: Table, keep: bool, gaps: int) -> tuple[Role | None, str]:
    if column.integer and not gaps and not keep:
        numbers = np.arange(column.values.size) if table.numbers is None else table.numbers
        values = column.values[np.argsort(numbers, kind="stable")]
        steps = np.diff(values)
        rows = len(values)
        counter = rows >= COUNTER_ROWS and (steps > 0).all() and values[-1] - values[0] < 2 * rows
        named = bool(_ID_NAME.fullmatch(column.name) or _ID_NAME.fullmatch(column.name.lower()))
        if counter or (named and len(np.unique(values)) == rows):
            what = "counts the rows" if counter else "is different on every row and named like an identifier"
            return None, f"{what}, which tells nothing about new rows; to use it, keep={[column.name]!r}"
    present = column.values[~column.missing]
    why = f"a number from {present.min():g} to {present.max():g}"
    if gaps:
        why += f"; missing in {_rows(gaps)}, filled with the median, with a feature that says so"
    return Number.learn(column), why


def _text(column: Column, keep: bool, distinct: int, gaps: int) -> tuple[Role | None, str]:
    if distinct == 2:
        role = TwoValues.learn(column)
        return role, f"{role.low!r} −1, {role.high!r} +1" + (f", missing ({_rows(gaps)}) 0" if gaps else "")
    present = column.values[~column.missing]
    least = 1 if keep else rare_below(len(present))
    role = Category.learn(column, least)
    if not keep:
        advice = f"to use its frequent values as a category, keep={[column.name]!r}"
        _, words = factorize(present)
        if distinct > MAX_SLOTS and np.mean([word.count(" ") + 1 for word in words]) >= PROSE_WORDS:
            return None, f"free text ({distinct:,} different texts), of which only words would tell; {advice}"
        if distinct > len(present) / 2:
            return (
                None,
                f"{distinct:,} different values in {_rows(len(present))}, as of an identifier or free text; {advice}",
            )
        if not role.values:
            return None, f"none of its {distinct:,} values is in {least} rows or more; {advice}"
    rest = distinct - len(role.values)
    why = f"a category of {distinct:,} values"
    if rest:
        why += f": {len(role.values)} frequent ones (in {least} rows or more) have slots, the other {rest:,} share one"
    return role, why + (f"; missing in {_rows(gaps)}, which has its slot" if gaps else "")


def _rows(count: int) -> str:
    return f"{count:,} row" + ("" if count == 1 else "s")
