"""Mails from wherever they lie: files with one mail, mbox files, Maildirs, folders of any of these, standard input.

Everything is read as a stream, one mail after another, and of a mail at most the first `mail.MAX_BYTES`; Python's
`mailbox.mbox` goes through the whole file before its first mail, and holds mails whole. gzip is unpacked on the way.
"""

from __future__ import annotations

import dataclasses
import errno
import itertools
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from thalweg import whole_file
from thalweg.errors import FileError, InputError
from thalweg.mail import MAX_BYTES, Mail, read_mail


STANDARD_INPUT = "-"
MAX_UNPACKED = 250_000_000  # bytes of one mail in a gzip file: 10 MB of it can unpack to 10 GB, which takes a minute

MAX_MEMBERS = 10_000  # of a gzip file, each of which costs a step and may be empty

_BLOCK = 1 << 18  # bytes read at once
_MARK = 300  # bytes of the line above a mail, as far as it is looked at
_MOST_QUOTED = 10_000  # lines of one mail that get their From back
_LOOK = 8_000  # bytes at the beginning of a file in which a mail shows a header
_HEADER = re.compile(
    rb"^(?:From |(?:from|to|cc|subject|date|received|return-path|delivered-to|message-id|mime-version|reply-to|sender"
    rb"|x-[a-z-]{1,50})[ \t]*:)",
    re.I | re.M,
)
# The line above each mail of an mbox, with its date (RFC 4155), or in an mbox without dates any such line below an
# empty one.
_DATED = re.compile(rb"\nFrom [^ \n]{1,250} {1,3}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? {1,2}[A-Za-z0-9]{1,3} ")
_UNDATED = re.compile(rb"\n\r?\nFrom [^\n]")
_QUOTED = re.compile(rb"\n>(>*From )")

Path = str | os.PathLike[str]


@dataclass
class Reading:
    """How far the reading has come: given to `mails`, which keeps it up to date; for a progress bar and a last word."""

    read: int = 0  # bytes, as they lie on the disk; `total_bytes` says of how many
    mails: int = 0
    skipped: int = 0  # files in folders that are no mails


class _Unpacked:
    """The blocks of a gzip file unpacked; where it is damaged, or has unpacked to too much, they end and it says so."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.room = MAX_UNPACKED  # bytes that the mail being read may still have
        self.defect = ""

    def __iter__(self) -> Iterator[bytes]:
        members = 0
        unpacker = zlib.decompressobj(wbits=31)
        for packed in self._blocks:
            while packed:
                if unpacker.eof:  # another member: what two gzip files one behind the other are
                    members += 1
                    unpacker = zlib.decompressobj(wbits=31)
                try:
                    block = unpacker.decompress(packed, _BLOCK)
                except zlib.error:
                    self.defect = "the gzip file is damaged: it was read up to there"
                    return
                self.room -= len(block)
                if self.room < 0 or members > MAX_MEMBERS:
                    self.defect = (
                        f"the gzip file unpacks to a mail of over {MAX_UNPACKED / 1e6:.0f} MB: the rest left out"
                    )
                    return
                if block:
                    yield block
                packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        if not unpacker.eof:
            self.defect = "the gzip file is cut off"


class _Gathered:
    """One mail out of blocks: its first `MAX_BYTES`, and how many it has."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._room = MAX_BYTES
        self.size = 0
        self._tail = b""

    def add(self, block: bytes) -> None:
        self.size += len(block)
        self._tail = (self._tail + block[-4:])[-4:]
        if self._room > 0:
            self._pieces.append(block[: self._room])
            self._room -= len(block)

    def without_last_line(self) -> int:
        """The size without an empty line at the end, which in an mbox belongs to no mail."""
        return self.size - (1 if self._tail.endswith(b"\n\n") else 2 if self._tail == b"\r\n\r\n" else 0)

    def raw(self) -> bytes:
        """What was gathered, which is then forgotten: 25 MB need not be held twice."""
        raw = b"".join(self._pieces)
        self._pieces.clear()
        return raw


def mails(paths: Path | Iterable[Path], *, reading: Reading | None = None) -> Iterator[Mail]:
    """Every mail in files and folders, one after another.

    A file that begins with "From " is an mbox, a folder with `cur` and `new` a Maildir; any other file that is named is
    one mail. In a folder, files and folders are taken in the order of their names; hidden ones, and files without any
    header of a mail, are left out. Links to folders are followed, and each folder is read once.

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
    for path in named:
        _check(path)
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
    if path == STANDARD_INPUT:
        return os.stat_result([0] * 10)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            empty = next(_files(path), None) is None
        else:
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
                message = f"{path!r} is a device or a socket; name a file or a folder of mails"
                raise FileError(message)
            empty = stat.S_ISREG(status.st_mode) and not status.st_size
            if not os.access(path, os.R_OK):
                raise PermissionError(errno.EACCES, "")
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        message = f"{path!r} is no path: {error}"
        raise FileError(message) from error
    except OSError as error:
        whole_file.raise_sentence(error, path, "read")
    if empty:
        message = f"{path!r} is empty; name a file or a folder of mails"
        raise InputError(message)
    return status


def _mails(paths: list[str], reading: Reading) -> Iterator[Mail]:
    for path in paths:
        before = reading.mails
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
        unpacked, size = _Unpacked(itertools.chain([start], blocks)), None
        blocks = iter(unpacked)
        start = next(blocks, b"")
    if not start or not (sure or _HEADER.search(start[:_LOOK])):
        reading.skipped += 1
        return
    name = os.fsencode(path).decode("utf-8", "replace")
    blocks = itertools.chain([start], blocks)
    number = 0
    for raw, whole, more in _split(blocks, start) if start.startswith(b"From ") else _single(blocks, size):
        number += 1
        mail = read_mail(raw, f"{name}#{number}" if more or number > 1 else name, whole)
        del raw  # not held while the mail is worked with
        if unpacked:
            unpacked.room = MAX_UNPACKED
            if unpacked.defect and not more:
                mail = dataclasses.replace(mail, defects=(*mail.defects, unpacked.defect))
        reading.mails += 1
        yield mail


def _blocks(file: IO[bytes], reading: Reading) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        reading.read += len(block)
        yield block


def _single(blocks: Iterator[bytes], size: int | None) -> Iterator[tuple[bytes, int, bool]]:
    """The one mail that blocks are, its size, and that no other follows; read to the end only for want of `size`."""
    gathered = _Gathered()
    for block in blocks:
        gathered.add(block)
        if size is not None and gathered.size > MAX_BYTES:
            break
    yield gathered.raw(), max(gathered.size, size or 0), False


def _split(blocks: Iterator[bytes], start: bytes) -> Iterator[tuple[bytes, int, bool]]:
    """Each mail of an mbox that begins with `start`, its size, and whether another follows."""
    mark = _DATED if _DATED.match(b"\n" + start[:_MARK]) else _UNDATED
    gathered = _Gathered()
    rest = b""  # the end of the block before, in which a mark may have begun
    for block in blocks:
        block = rest + block
        at = 0
        for found in mark.finditer(block):
            begin = block.index(b"From ", found.start())
            gathered.add(block[at:begin])
            yield *_unquoted(gathered), True
            gathered, at = _Gathered(), begin
        hold = max(at, len(block) - _MARK)
        gathered.add(block[at:hold])
        rest = block[hold:]
    gathered.add(rest)
    yield *_unquoted(gathered), False


def _unquoted(gathered: _Gathered) -> tuple[bytes, int]:
    """A mail as it was before it came into the mbox, which quotes lines that begin with From; and its size there."""
    size = gathered.without_last_line()
    raw = gathered.raw()[:size]
    read = len(raw)
    if b">From " in raw:
        raw = _QUOTED.sub(rb"\n\1", raw, count=_MOST_QUOTED)
    return raw, size - read + len(raw)
