"""Frozen dataclasses as plain JSON types and back, exactly and strictly: what a model file holds of an encoder."""

import math
import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any

from thalweg.errors import FileError, shown


def to_plain(record: Any) -> Any:
    """A dataclass as a dict, tuples as lists; floats survive JSON exactly, because both write the shortest digits.

    >>> from dataclasses import make_dataclass
    >>> to_plain(make_dataclass("Point", [("x", float), ("tags", tuple)])(0.1, ("a",)))
    {'x': 0.1, 'tags': ['a']}
    """
    if is_dataclass(record):
        return {field.name: to_plain(getattr(record, field.name)) for field in fields(record)}
    return [to_plain(item) for item in record] if isinstance(record, tuple) else record


def from_plain(form: Any, value: Any, place: str) -> Any:
    """The value of type `form` that `to_plain` made `value` of; `place` is for messages.

    Raises FileError for a missing or unknown key, another type, a number that is not finite, or a value that the
    dataclass itself refuses.
    """
    if is_dataclass(form) and isinstance(form, type):
        return _record(form, value, place)
    if isinstance(form, types.UnionType):
        # One type decides: True is no int here, and 1 no float, so the members never overlap.
        member = next((m for m in typing.get_args(form) if _is(m, value)), None)
        if member is not None:
            return from_plain(member, value, place)
    elif typing.get_origin(form) is tuple:
        if isinstance(value, list):
            item = typing.get_args(form)[0]
            return tuple(from_plain(item, cell, f"{place}[{i}]") for i, cell in enumerate(value))
    elif _is(form, value):
        return value
    raise FileError(f"The encoder in the file is damaged: {place} is {shown(value)}, which is not what belongs there.")


def _record(form: type, value: Any, place: str) -> Any:
    hints = {
        name: hint for name, hint in typing.get_type_hints(form).items() if typing.get_origin(hint) != typing.ClassVar
    }
    if not isinstance(value, dict) or set(value) != set(hints):
        raise FileError(f"The encoder in the file is damaged: {place} must have exactly {', '.join(hints)}.")
    read = {name: from_plain(hint, value[name], f"{place}.{name}") for name, hint in hints.items()}
    try:
        return form(**read)
    except ValueError as error:
        raise FileError(f"The encoder in the file is damaged: in {place}, {error}.") from error


def _is(form: Any, value: Any) -> bool:
    if is_dataclass(form):
        return isinstance(value, dict)
    return type(value) is form and (form is not float or math.isfinite(value))
