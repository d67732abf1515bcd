"""The headers of a mail and what stands in them: encoded words, addresses, parameters, dates (RFC 5322, 2047, 2231).

Python's `email` package is not used but for dates: its parsers raise, recurse or take quadratic time for some headers
(`"(" * 10_000` as an address ends in a RecursionError). What stands here reads each byte a bounded number of times.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from thalweg.mail_decoding import Defects, from_base64, whole_text


MAX_HEADERS = 500  # a mail has about 20, one through many hands 100
MAX_HEADER = 64_000  # bytes of one header: over 1,000 addresses; signatures and spam reports have 10,000
MAX_HEADERS_BYTES = 256_000  # of all headers of one mail, or of one part
MAX_VALUE = 4_000  # characters of one header as it is kept: enough for words and hosts, little in memory
MAX_LINES = 10_000  # of headers, folded ones included: each costs a step of Python
MAX_NAME = 200  # characters of a display name or a file name

_NAME = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_BLANK_LINE = re.compile(rb"\n\r*\n")
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_ADDRESS_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[(),:;<>]|[^"(),:;<>]+', re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)
_PARAMETER = re.compile(r';\s*([^\s=;]{1,100})\s*=\s*("(?:[^"\\]|\\.)*+"?|[^;]*)', re.S)


@dataclass(frozen=True)
class Headers:
    """The headers of a mail or of one of its parts, in their order, as bytes without the ends of folded lines."""

    raw: tuple[tuple[str, bytes], ...]  # name as it stands, value
    end: int  # where the body begins, in the bytes they were read from

    def all(self, name: str) -> list[bytes]:
        """The values of every header of this name, which is given in lower case."""
        return [value for key, value in self.raw if key.lower() == name]

    def first(self, name: str) -> bytes:
        """The value of the first header of this name; b"" if there is none."""
        return next((value for key, value in self.raw if key.lower() == name), b"")


def read_headers(raw: bytes, start: int, end: int, defects: Defects, max_lines: int = MAX_LINES) -> Headers:
    """The headers at `start` of some bytes, up to an empty line; a line that is none ends them, or is skipped.

    >>> read_headers(b"Subject: a\\n b\\n\\nbody", 0, 19, Defects())
    Headers(raw=(('Subject', b'a b'),), end=15)
    """
    found: list[tuple[str, list[bytes], int]] = []  # name, lines of the value, its length
    at, total = start, 0
    for _ in range(max_lines):
        if at >= end:
            break
        stop = raw.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        after = min(stop + 1, end)
        line = raw[at : min(stop, at + MAX_HEADER + 1)].rstrip(b"\r")
        if not line:
            at = after
            break
        name = _NAME.match(line)
        if line[:1] in b" \t" and found:
            value = b" " + line.strip()
        elif name:
            if len(found) == MAX_HEADERS or total >= MAX_HEADERS_BYTES:
                defects.add(f"over {MAX_HEADERS} headers, or {MAX_HEADERS_BYTES:,} bytes of them: the rest left out")
                return Headers(_joined(found), _body(raw, at, end))
            found.append((name[1].decode("ascii"), [], 0))
            value = line[name.end() :].strip()
        elif line.startswith((b"From ", b">From ")):
            value = b""  # the mark of a mail in an mbox, also of one that was passed on
        elif found and _NAME.match(raw, after, min(end, after + 200)):
            defects.add("a line among the headers that is none")
            value = b""
        else:
            defects.add("no empty line between headers and body" if found else "no headers")
            break
        at = after
        if found and value:
            key, lines, length = found[-1]
            room = max(0, min(MAX_HEADER - length, MAX_HEADERS_BYTES - total))
            if len(value) > room:
                defects.add(f"a header of over {MAX_HEADER:,} bytes, or of over {MAX_HEADERS_BYTES:,} together: cut")
            if room:
                lines.append(value[:room])
            found[-1] = (key, lines, length + min(len(value), room))
            total += min(len(value), room)
    else:
        defects.add(f"over {max_lines:,} lines of headers: the rest left out")
        at = _body(raw, at, end)
    return Headers(_joined(found), at)


def _joined(found: list[tuple[str, list[bytes], int]]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, b"".join(lines).strip().replace(b"\0", b"")) for name, lines, _ in found)


def _body(raw: bytes, at: int, end: int) -> int:
    """Where the body begins behind headers that are not read any further."""
    blank = _BLANK_LINE.search(raw, at - 1, end)
    return blank.end() if blank else end


def shown_text(value: bytes, defects: Defects, limit: int = MAX_VALUE) -> str:
    """The text of a header: encoded words decoded, 8-bit bytes taken for UTF-8 or Latin-1.

    >>> shown_text(b"=?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?IGFu?= alle", Defects())
    'Grüße an alle'
    """
    text = _FOLD.sub(" ", whole_text(value[: 8 * limit], "", defects, cut=True))
    if "=?" in text:
        text = _decoded_words(text, defects)
    return " ".join(text[: 2 * limit].splitlines())[:limit].strip()


def _decoded_words(text: str, defects: Defects) -> str:
    """Encoded words decoded; those that follow one another are joined as bytes, for mailers cut within a character."""
    pieces: list[str] = []
    data: list[bytes] = []  # of words that follow one another in one charset
    charset, at = "", 0
    for word in _WORD.finditer(text):
        between = text[at : word.start()]
        apart = bool(between.strip()) or not at
        if apart or word[1].lower() != charset:
            pieces += [whole_text(b"".join(data), charset, defects), between if apart else ""]
            data, charset = [], word[1].lower()
        body = word[3].encode()
        data.append(from_base64(body, defects) if word[2] in "bB" else binascii.a2b_qp(body, header=True))
        at = word.end()
    return "".join([*pieces, whole_text(b"".join(data), charset, defects), text[at:]])


@dataclass(frozen=True)
class Address:
    """One address of a header: the display name, and the address in lower case with its domain as DNS has it."""

    name: str
    address: str
    domain: str


def addresses(value: bytes, defects: Defects, limit: int = 1) -> list[Address]:
    """The first addresses in From or Reply-To; groups are opened, a comment is the name where there is no other.

    >>> for one in addresses(b'"Meier, A." <a@Beispiel.DE>, team: b@x.org (Bo), c@y.org;, nobody', Defects(), 3):
    ...     print(one)
    Address(name='Meier, A.', address='a@beispiel.de', domain='beispiel.de')
    Address(name='Bo', address='b@x.org', domain='x.org')
    Address(name='', address='c@y.org', domain='y.org')
    """
    found: list[Address] = []
    for name, address in _mailboxes(value, defects):
        if len(found) == limit:
            break
        local, _, domain = address.lower().rpartition("@")
        domain = ascii_domain(domain) if local else ""
        address = f"{local}@{domain}" if domain else address.lower()
        shown = _decoded_words(name, defects) if "=?" in name else name
        found.append(Address(" ".join(shown.split())[:MAX_NAME], address[:MAX_NAME], domain[:MAX_NAME]))
    return found


def count_addresses(value: bytes, defects: Defects) -> int:
    """How many addresses there are in To or Cc.

    >>> count_addresses(b'"Meier, A." <a@x.org>, friends: b@x.org, c@x.org;, undisclosed-recipients:;', Defects())
    3
    """
    return sum(1 for _ in _mailboxes(value, defects))


def _mailboxes(value: bytes, defects: Defects) -> Iterator[tuple[str, str]]:
    """Display name and address of each that has an address, as they stand."""
    text = whole_text(value, "", defects)
    if "@" not in text and "=?" in text:  # someone encoded the address as well
        text = _decoded_words(text, defects)
    phrase: list[str] = []
    comment: list[str] = []
    angle: list[str] = []
    state = "before"  # the angle brackets of this address, "inside" or "behind" them
    depth = 0  # of comments in comments
    for token in [*_ADDRESS_TOKEN.findall(text), ","]:
        if token == "(":
            depth += 1
        elif token == ")":
            depth = max(0, depth - 1)
        elif depth and token != ",":
            comment.append(token)
        elif token == "<":
            state = "inside" if state == "before" else state
        elif token == ">":
            state = "behind"
        elif token == "," and state == "inside" and angle and angle[0].startswith("@"):
            angle.append(token)  # between two relays
        elif token in ",;" and not depth:
            one = _named("".join(phrase), "".join(comment), "".join(angle))
            if one[1]:
                yield one
            phrase, comment, angle, state = [], [], [], "before"
        elif state == "inside":
            angle.append(token)
        elif token == ":":
            phrase = []  # what stood before was the name of a group
        elif state == "before":
            phrase.append(token)


def _named(phrase: str, comment: str, angle: str) -> tuple[str, str]:
    """Display name and address of what stands before, and inside, angle brackets; the address is "" if it is none."""
    if angle:
        address = "".join(angle.split()).rpartition(":")[2]  # <@relay:a@b> goes by way of a relay
    else:
        words = phrase.split()
        address = next((word for word in words if "@" in word.strip("@")), "")
        if not address and "@" in phrase:
            address, words = "".join(words), []  # a @ b
        phrase = " ".join(word for word in words if word != address) if address else phrase
    name = phrase.strip()
    name = _ESCAPED.sub(r"\1", name.strip('"')) if "\\" in name else name.replace('"', "")
    return name.strip() or comment.strip(), address


def ascii_domain(domain: str) -> str:
    """A domain as DNS has it: müller.de is xn--mller-kva.de. What cannot be one is left as it is.

    >>> ascii_domain("müller.de"), ascii_domain("example.org.")
    ('xn--mller-kva.de', 'example.org')
    """
    domain = domain.strip(".")
    if domain.isascii() or len(domain) > 253:
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def parameters(value: bytes, defects: Defects) -> tuple[str, dict[str, str]]:
    """Content-Type or Content-Disposition as its kind, in lower case, and its parameters (RFC 2231 included).

    >>> parameters(b"Attachment; filename*0*=utf-8''Gr%C3%BC; filename*1*=%C3%9Fe; filename*2=.txt", Defects())
    ('attachment', {'filename': 'Grüße.txt'})
    """
    text = whole_text(value[:MAX_VALUE], "", defects)
    kind = text.partition(";")[0].strip().lower()[:MAX_NAME]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for key, given in _PARAMETER.findall(text):
        given = _ESCAPED.sub(r"\1", given.strip('"')) if given.startswith('"') else given.strip()
        name, star, rest = key.lower().partition("*")
        number = rest.rstrip("*")
        if star and (not number or (number.isascii() and number.isdigit() and len(number) < 4)):
            pieces.setdefault(name, {}).setdefault(int(number or 0), (given, not number or rest.endswith("*")))
        else:
            plain.setdefault(name, given)
    for name, numbered in pieces.items():
        plain[name] = _continued([numbered[number] for number in sorted(numbered)], defects)
    return kind, {name: _decoded_words(text, defects) if "=?" in text else text for name, text in plain.items()}


def _continued(pieces: list[tuple[str, bool]], defects: Defects) -> str:
    """The value of a parameter in pieces, each with whether it is percent-encoded (RFC 2231, section 4)."""
    first, encoded = pieces[0]
    charset = ""
    if encoded and first.count("'") >= 2:
        charset, _, first = first.split("'", 2)
    data = b"".join(
        unquote_to_bytes(text) if coded else text.encode() for text, coded in [(first, encoded), *pieces[1:]]
    )  # fmt: skip
    return whole_text(data, charset, defects)


def moment(value: bytes) -> datetime | None:
    """The moment of a Date header in UTC, also where it says no zone; None if it cannot be read.

    >>> moment(b"Thu, 22 Aug 2002 18:26:25 +0700")
    datetime.datetime(2002, 8, 22, 11, 26, 25, tzinfo=datetime.timezone.utc)
    """
    try:
        parsed = parsedate_tz(value[:200].decode("latin-1"))
        if parsed is None:
            return None
        year, month, day, hour, minute, second = parsed[:6]
        local = datetime(year, month, day, hour, minute, min(second, 59))  # 60 is a leap second
        return (local - timedelta(seconds=parsed[9] or 0)).replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # all of which parsedate_tz has raised for some header
        return None
