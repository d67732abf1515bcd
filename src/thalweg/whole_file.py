"""A file is whole or absent: written beside its place, made durable, then renamed (DESIGN.md, contract 9).

A process killed while writing can leave a `.thalweg-….tmp` behind; it may be deleted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn

from thalweg.errors import FileError


# Sentences for what a user can put right; anything else (a full disk, a broken one) stays an OSError.
_REASONS = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist: a part of the path is not a folder",
    errno.EISDIR: "is a folder, not a file",
    errno.EACCES: "may not be {}: permission denied",
    errno.EPERM: "may not be {}: permission denied",
    errno.EROFS: "may not be {}: the file system is read-only",
    errno.ENAMETOOLONG: "has too long a name",
    errno.ELOOP: "is a circle of links",
}
_CANNOT_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EBADF}


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file to write to; its content takes the place of `path` at the end, or not at all after an error.

    Ordinary permissions, or those of the file it replaces; a link stays a link.

    Raises:
        FileError: the path cannot be written: no such folder, no permission, not an ordinary file.
        OSError: the disk is full or fails; the old file is intact.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with writing(folder + "/a.txt") as file:
    ...         _ = file.write(b"whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    name = os.fspath(path)
    target = Path(os.path.realpath(path))  # a link stays a link: what it points to is replaced
    try:
        mode = None
        if os.path.lexists(target):
            mode = ordinary_mode(os.stat(target), name)
            if not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, "")
        temporary = target.parent / f".thalweg-{secrets.token_hex(8)}.tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        if error.errno == errno.ENOENT:
            message = f"{name!r} cannot be written: the folder {str(target.parent)!r} does not exist"
            raise FileError(message) from error
        raise_sentence(error, name, "written")
    try:
        try:
            with open(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if mode is not None:
                os.chmod(temporary, mode)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise_sentence(error, name, "written")


def ordinary_mode(found: os.stat_result, name: str) -> int:
    """The permissions of an ordinary file; anything else is refused (replacing /dev/null would harm everybody)."""
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "")
    if not stat.S_ISREG(found.st_mode):
        message = f"{name!r} is not an ordinary file; choose another name"
        raise FileError(message)
    return stat.S_IMODE(found.st_mode)


def raise_sentence(error: OSError, name: str, done: str) -> NoReturn:
    """Raise the error of the system as a sentence that says what to do; `done` is what could not be done."""
    if error.errno in _REASONS:
        message = f"{name!r} {_REASONS[error.errno].format(done)}"
        raise FileError(message) from error
    raise OSError(error.errno, f"{error.strerror or error}; it could not be {done}", name) from error


def _sync_folder(folder: Path) -> None:
    """Make the new name in the folder durable; Windows and some file systems have no such call."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
