"""A filter's answer as a header of the mail itself, for the programs that deliver it; all other bytes stay.

A header of that name that is there already was not written here and goes: anybody can send a mail that calls itself
wanted. Lines end with a line feed, as for the programs that deliver mail; a lone carriage return ends one too where a
forged header is looked for, because some programs that show mail think so.
"""

from __future__ import annotations

import re


NAME = "X-Thalweg-Spam"
_END = re.compile(rb"\n\r?\n")  # of the headers
_FORGED = re.compile(
    rb"(?:^|(?<=[\r\n]))" + NAME.encode() + rb"[ \t]*:[^\r\n]*(?:\r?\n|\r|\Z)(?:[ \t][^\r\n]*(?:\r?\n|\r|\Z))*",
    re.IGNORECASE,
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
    return _FORGED.sub(b"", raw[:body]) + raw[body:]
