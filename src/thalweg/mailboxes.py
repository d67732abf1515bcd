"""Mails from wherever they lie: files with one mail, mbox files, Maildirs, folders of any of these, standard input.

Everything is read as a stream, one mail after another, and of a mail at most the first `mail.MAX_BYTES`; gzip is
unpacked on the way.
"""

from __future__ import annotations

import dataclasses
import errno
import itertools
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, NoReturn

from thalweg import whole_file
from thalweg.errors import FileError, InputError
from thalweg.mail import Mail, read_mail
from thalweg.mail_streams import BLOCK, Unpacked, single, split


STANDARD_INPUT = "-"

_LOOK = 8_000  # bytes at the beginning of a file in which a mail shows a header
_HEADER = re.compile(
    rb"^(?:From |(?:from|to|cc|subject|date|received|return-path|delivered-to|message-id|mime-version|reply-to|sender"
    rb"|x-[a-z-]{1,50})[ \t]*:)",
    re.I | re.M,
)
Path = str | os.PathLike[str]


@dataclass
class Reading:
    """How far the reading has come: given to `mails`, which keeps it up to date; for a progress bar and a last word."""

    read: int = 0  # bytes, as they lie on the disk; `total_bytes` says of how many
    mails: int = 0
    skipped: int = 0  # files in folders that are no mails, and empty ones that are named


def mails(paths: Path | Iterable[Path], *, reading: Reading | None = None) -> Iterator[Mail]:
    """Every mail in files and folders, one after another.

    A file that begins with "From " is an mbox, a folder with `cur` and `new` a Maildir; any other file that is named is
    one mail, or left out if it is empty and not the only path. In a folder, files and folders are taken in the order of
    their names; hidden ones, and files without any header of a mail, are left out. Links to folders are followed, and
    each folder is read once.

    Args:
        paths: of files and folders, and "-" for standard input, which is one mail or an mbox.
        reading: kept up to date with how far the reading has come.

    Raises:
        InputError: nothing is named, or a file or folder has no mail in it; the latter when its turn comes.
        FileError: a path does not exist or may not be read.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "a.eml").write_bytes(b"From: a@x.org\\n\\nHello")
    ...     _ = pathlib.Path(folder, "notes").write_bytes(b"no mail")
    ...     [mail.sender for mail in mails(folder)]
    ['a@x.org']
    """
    named = _named(paths)
    empty = [path for path in named if path != STANDARD_INPUT and _is_empty(_check(path))]
    if len(empty) == len(named):  # one among others, as a delivery that broke off leaves it, stops nobody
        _raise_empty(empty[0])
    return _mails(named, Reading() if reading is None else reading)


def total_bytes(paths: Path | Iterable[Path]) -> int | None:
    """How many bytes `mails` will read, at most; None for standard input and pipes, whose end nobody knows.

    Raises:
        FileError: a path does not exist or may not be read.
    """
    total = 0
    for path in _named(paths):
        if path == STANDARD_INPUT:
            return None
        status = _check(path)
        if stat.S_ISFIFO(status.st_mode):
            return None
        if not stat.S_ISDIR(status.st_mode):
            total += status.st_size
            continue
        for file, _ in _files(path):
            found = _status(file)
            total += found.st_size if found else 0
    return total


def _named(paths: Path | Iterable[Path]) -> list[str]:
    named = [os.fspath(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    if not named:
        message = "there is no path to read mails from; name a file, a folder, or - for standard input"
        raise InputError(message)
    return named


def _check(path: str) -> os.stat_result:
    """The status of a path, if there is something in it to read."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            if next(_files(path), None) is None:
                _raise_empty(path)
        else:
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
                message = f"{path!r} is a device or a socket; name a file or a folder of mails"
                raise FileError(message)
            if not os.access(path, os.R_OK):
                raise PermissionError(errno.EACCES, "")
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        message = f"{path!r} is no path: {error}"
        raise FileError(message) from error
    except OSError as error:
        whole_file.raise_sentence(error, path, "read")
    return status


def _is_empty(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and not status.st_size


def _raise_empty(path: str) -> NoReturn:
    message = f"{path!r} is empty; name a file or a folder of mails"
    raise InputError(message)


def _mails(paths: list[str], reading: Reading) -> Iterator[Mail]:
    for path in paths:
        before = reading.mails
        status = None if path == STANDARD_INPUT else _status(path)
        if status is not None and _is_empty(status):
            reading.skipped += 1
            continue
        if path == STANDARD_INPUT:
            yield from _mails_of(sys.stdin.buffer, path, True, reading)
        elif os.path.isdir(path):
            for file, sure in _files(path):
                yield from _mails_in_file(file, sure, False, reading)
        else:
            yield from _mails_in_file(path, True, True, reading)
        if reading.mails == before:
            shown = "standard input" if path == STANDARD_INPUT else repr(path)
            message = f"there is no mail in {shown}; name a file or a folder of mails"
            raise InputError(message)


def _files(folder: str) -> Iterator[tuple[str, bool]]:
    """Every file below a folder in the order of names, and whether it is sure to be a mail: those of Maildirs are."""
    seen: set[tuple[int, int]] = set()
    waiting = [(folder, False)]
    while waiting:
        path, sure = waiting.pop()
        status = _status(path)
        if status is None or not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
            continue
        if stat.S_ISREG(status.st_mode):
            yield path, sure
            continue
        # On systems without inodes each is 0: there links to folders are rare, and the length of a path ends a circle.
        if status.st_ino and (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        try:
            names = sorted(os.listdir(path), reverse=True)
        except OSError as error:
            whole_file.raise_sentence(error, path, "read")
        maildir = "cur" in names and "new" in names
        waiting += [
            (os.path.join(path, name), sure or (maildir and name in ("cur", "new")))
            for name in names
            if not name.startswith(".") and not (maildir and name == "tmp")
        ]


def _status(path: str) -> os.stat_result | None:
    """What a path in a folder is; None if it is gone, as files of a Maildir may be, or is a link to nowhere."""
    try:
        return os.stat(path)
    except OSError:
        return None


def _mails_in_file(path: str, sure: bool, named: bool, reading: Reading) -> Iterator[Mail]:
    done = reading.read
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            size = status.st_size if stat.S_ISREG(status.st_mode) else None
            yield from _mails_of(file, path, sure, reading, size)
            reading.read = max(reading.read, done + (size or 0))
    except FileNotFoundError as error:
        if named:
            whole_file.raise_sentence(error, path, "read")
        reading.skipped += 1
    except OSError as error:
        whole_file.raise_sentence(error, path, "read")


def _mails_of(file: IO[bytes], path: str, sure: bool, reading: Reading, size: int | None = None) -> Iterator[Mail]:
    """The mails of an open file of `size` bytes, which is looked into unless it is `sure` to be one."""
    blocks = _blocks(file, reading)
    start = next(blocks, b"")
    unpacked = None
    if start.startswith(b"\x1f\x8b"):
        unpacked, size = Unpacked(itertools.chain([start], blocks)), None
        blocks = iter(unpacked)
        start = next(blocks, b"")
    if not start or not (sure or _HEADER.search(start[:_LOOK])):
        reading.skipped += 1
        return
    name = os.fsencode(path).decode("utf-8", "replace")
    blocks = itertools.chain([start], blocks)
    number = 0
    for raw, whole, more in split(blocks, start) if start.startswith(b"From ") else single(blocks, size):
        number += 1
        mail = read_mail(raw, f"{name}#{number}" if more or number > 1 else name, whole)
        del raw  # not held while the mail is worked with
        if unpacked:
            unpacked.next_mail()
            if unpacked.defect and not more:
                mail = dataclasses.replace(mail, defects=(*mail.defects, unpacked.defect))
        reading.mails += 1
        yield mail


def _blocks(file: IO[bytes], reading: Reading) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        reading.read += len(block)
        yield block
