"""Thalweg: feed-forward networks for tables, with every gradient open to inspection.

The public names stand in __init__.pyi, for type checkers and for this file, which imports the room of a name when the
name is first asked for: a command or a program waits for no room that it does not enter.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any


_ROOMS: dict[str, str] = {
    name: room
    for room, name in re.findall(
        r"^from (\S+) import (\w+) as", Path(__file__).with_suffix(".pyi").read_text("utf-8"), re.MULTILINE
    )
}
__all__ = list(_ROOMS)  # noqa: PLE0605  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        import difflib  # only here: it costs a program that misspells nothing a millisecond

        close = difflib.get_close_matches(name, _ROOMS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        message = f"module {__name__!r} has no attribute {name!r}{hint}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
