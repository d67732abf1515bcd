"""Where files may go: looked at before the work whose result they are to hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from thalweg.errors import InputError


def form_of(path: str | os.PathLike[str], forms: Sequence[str], what: str) -> str:
    """The form in which `what` is written there: the suffix, if it is one of `forms`.

    Raises:
        InputError: it is not.

    >>> form_of("walk.SVG", ("svg", "png"), "a figure")
    'svg'
    """
    suffix = Path(path).suffix.lower()
    if suffix[1:] not in forms:
        listed = ", ".join(f".{form}" for form in forms[:-1])
        message = f"{what} is written as {listed} or .{forms[-1]}, not {suffix!r}: rename {os.fspath(path)!r}"
        raise InputError(message)
    return suffix[1:]


def check_outputs(outputs: dict[str, Path | None], inputs: dict[str, str | None]) -> None:
    """Said before minutes of work, not after: where a file cannot go, and what it would destroy.

    Args:
        outputs: what will be written, and where; None is not.
        inputs: what will be read, and where, as far as it is files.

    Raises:
        InputError: a file cannot be written there, or would overwrite an input or another output.
    """
    taken = {os.path.realpath(path): what for what, path in inputs.items() if path is not None and os.path.exists(path)}
    for what, path in outputs.items():
        if path is None:
            continue
        check_place(path)
        place = os.path.realpath(path)
        if place in taken:
            message = f"the {what} would overwrite the {taken[place]} {str(path)!r}; choose another name"
            raise InputError(message)
        taken[place] = what


def check_place(path: Path) -> None:
    """Whether a file can be written there.

    Raises:
        InputError: its folder is missing, it is no ordinary file, or it may not be written.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        message = f"{str(path)!r} cannot be written: the folder {str(folder)!r} does not exist"
        raise InputError(message)
    if path.is_dir():
        message = f"{str(path)!r} is a folder; name a file in it"
        raise InputError(message)
    if path.exists() and not path.is_file():
        message = f"{str(path)!r} is not an ordinary file; choose another name"
        raise InputError(message)
    if not os.access(path if path.exists() else folder, os.W_OK):
        message = f"{str(path)!r} may not be written: permission denied"
        raise InputError(message)
