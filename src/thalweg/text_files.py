"""Small text files that a person wrote, read within bounds: a pipe, a device or a huge file is refused."""

from __future__ import annotations

import os

from thalweg import whole_file
from thalweg.errors import FileError


MAX_BYTES = 1_000_000


def read(path: str | os.PathLike[str], what: str) -> str:
    """The text of a UTF-8 file of at most 1 MB, without a byte order mark.

    Args:
        path: of the file.
        what: is in it, such as "answers", for the message that it is too large.

    Raises:
        FileError: there is no such file, it may not be read, is no ordinary one, is over 1 MB, or not UTF-8.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("rate = 1")
    ...     file.flush()
    ...     read(file.name, "conventions")
    'rate = 1'
    """
    name = os.fspath(path)
    try:
        whole_file.ordinary_mode(os.stat(name), name)  # before opening, because opening a pipe could wait for ever
        with open(name, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        whole_file.raise_sentence(error, name, "read")
    if len(content) > MAX_BYTES:
        message = f"{name!r} has over {MAX_BYTES:,} bytes, too many for {what}; name another file"
        raise FileError(message)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"byte {error.start + 1} is 0x{content[error.start]:02x}"
        message = f"{name!r} is no text in UTF-8, as {byte}; save it as UTF-8, or name another file"
        raise FileError(message) from error
