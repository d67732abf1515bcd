"""A filter's answer as a header of the mail itself, for the programs that deliver it; all other bytes stay.

A header of that name that is there already was not written here and goes: anybody can send a mail that calls itself
wanted. Lines end with a line feed, as for the programs that deliver mail; a lone carriage return ends one too where a
forged header is looked for, because some programs that show mail think so. The beginning of a mail that has all its
headers in it is enough.
"""

from __future__ import annotations

import re


NAME = "X-Thalweg-Spam"
_END = re.compile(rb"\n\r?\n")  # of the headers
_NAMED = NAME.encode() + rb"[ \t]*:"
# Whole lines with such a header in them, and those below that continue it. Cut out of them is only what carriage
# returns part: were a line end taken with it, two lines would become one, or an empty one would end the headers.
_LINES = re.compile(
    rb"(?:^|(?<=\n))(?:[^\n]*\r)?" + _NAMED + rb"[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*+", re.IGNORECASE
)
_FORGED = re.compile(
    rb"(?:^|(?<=[\r\n]))" + _NAMED + rb"[^\r\n]*(?:\r?\n|\r|\Z)(?:[ \t][^\r\n]*(?:\r?\n|\r|\Z))*", re.IGNORECASE
)
# What must stay above: the line that mbox files begin a mail with, and lines that would continue the header put there.
_ABOVE = re.compile(rb"(?:>?From [^\n]*(?:\n|\Z))?(?:[ \t][^\n]*(?:\n|\Z))*")


def marked(raw: bytes, probability: float, is_spam: bool) -> bytes:
    r"""The mail with the answer as its first header.

    >>> marked(b"Subject: hello\nX-Thalweg-Spam: no\n\nX-Thalweg-Spam: text\n", 0.97312, True)
    b'X-Thalweg-Spam: yes, probability=0.9731\nSubject: hello\n\nX-Thalweg-Spam: text\n'
    """
    bare = unmarked(raw)
    first, _, _ = bare.partition(b"\n")
    ending = "\r\n" if first.endswith(b"\r") else "\n"
    header = f"{NAME}: {'yes' if is_spam else 'no'}, probability={probability:.4f}{ending}".encode()
    found = _ABOVE.match(bare)
    above, below = (bare[: found.end()], bare[found.end() :]) if found else (b"", bare)
    if above and not above.endswith(b"\n"):  # such a line is all there is
        above += ending.encode()
    return above + header + below


def unmarked(raw: bytes) -> bytes:
    r"""The mail without any such header.

    >>> unmarked(b"A: b\r\nx-thalweg-SPAM: no,\r\n perhaps\r\nC: d\r\n\r\ntext")
    b'A: b\r\nC: d\r\n\r\ntext'
    """
    if raw.startswith((b"\n", b"\r\n")):
        return raw  # no headers at all
    end = _END.search(raw)
    body = len(raw) if end is None else end.start() + 1
    return _LINES.sub(_bare, raw[:body]) + raw[body:]


def _bare(lines: re.Match[bytes]) -> bytes:
    """Lines without the header in them: their last end stays if anything else does."""
    left = _FORGED.sub(b"", lines[0])
    if not left.strip(b"\r\n"):
        return b""
    return left if left.endswith(b"\n") or not lines[0].endswith(b"\n") else left.removesuffix(b"\r") + b"\n"
