"""The bytes of mails as a stream of blocks: unpacked, and cut into mails, of each of which the first `MAX_BYTES`.

Python's `mailbox.mbox` goes through a whole file before its first mail, and holds mails whole.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from thalweg.mail import MAX_BYTES


MAX_UNPACKED = 250_000_000  # bytes of one mail in a gzip file: 10 MB of it can unpack to 10 GB, which takes a minute
MAX_MEMBERS = 10_000  # of a gzip file, each of which costs a step and may be empty

BLOCK = 1 << 18  # bytes read at once
_MARK = 600  # bytes of the line above a mail, as far as it is looked at: the longest that `_DATED` finds has 540
_MOST_QUOTED = 10_000  # lines of one mail that get their From back
# The line above each mail of an mbox, with its date (RFC 4155), or in an mbox without dates any such line below an
# empty one. A sender with spaces in it is one only before a date with its time. Each word is taken whole and there are
# at most eight, so that no line is gone through again and again: 25 MB of lines made for that took seconds.
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? {1,2}[A-Za-z0-9]{1,3} "
_TIME = rb" ?[A-Za-z0-9]{1,3} {1,2}\d\d:\d\d"
_DATED = re.compile(
    rb"\nFrom [^ \n]{1,250}+ {1,3}+(?:" + _DAY + rb"|(?:[^ \n]{1,32}+ {1,3}+){1,7}?" + _DAY + _TIME + rb")"
)
_UNDATED = re.compile(rb"\n\r?\nFrom [^\n]")
_QUOTED = re.compile(rb"\n>(>*From )")


class Unpacked:
    """The blocks of a gzip file unpacked; where it is damaged, or has unpacked to too much, they end and it says so."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.defect: str = ""
        self.next_mail()

    def next_mail(self) -> None:
        """From here on the bytes of another mail are counted."""
        self._room = MAX_UNPACKED

    def __iter__(self) -> Iterator[bytes]:
        members = 0
        unpacker = zlib.decompressobj(wbits=31)
        for packed in self._blocks:
            while packed:
                if unpacker.eof:  # another member: what two gzip files one behind the other are
                    members += 1
                    unpacker = zlib.decompressobj(wbits=31)
                try:
                    block = unpacker.decompress(packed, BLOCK)
                except zlib.error:
                    self.defect = "the gzip file is damaged: it was read up to there"
                    return
                self._room -= len(block)
                if self._room < 0:
                    self.defect = f"a mail that unpacks to over {MAX_UNPACKED / 1e6:.0f} MB: the rest left out"
                    return
                if members > MAX_MEMBERS:
                    self.defect = f"a gzip file of over {MAX_MEMBERS:,} members: the rest left out"
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


def single(blocks: Iterator[bytes], size: int | None) -> Iterator[tuple[bytes, int, bool]]:
    """The one mail that blocks are, its size, and that no other follows; read to the end only for want of `size`."""
    gathered = _Gathered()
    for block in blocks:
        gathered.add(block)
        if size is not None and gathered.size > MAX_BYTES:
            break
    yield gathered.raw(), max(gathered.size, size or 0), False


def split(blocks: Iterator[bytes], start: bytes) -> Iterator[tuple[bytes, int, bool]]:
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
