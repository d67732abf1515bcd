"""One mail, read from bytes whatever they are: who it is from, what it says, where it links to, and what was broken.

The parts of a mail are found by an own splitter, from a list of parts still to be looked at. Python's
`email.feedparser` recurses into them, and 10,000 multiparts within one another take it minutes. Each limit below is
there so that any mail takes well under a second and little memory; whatever it leaves out is said in `Mail.defects`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from thalweg import mail_headers, mail_html
from thalweg.mail_decoding import Defects, decoded_size, decoded_start, whole_text
from thalweg.mail_headers import Headers


MAX_BYTES = 25_000_000  # of a mail that are read: what most mail servers take at most
MAX_TEXT = 1_000_000  # bytes of text, decoded, over all parts: a long novel; the longest mail here has 300,000
MAX_PARTS = 100  # a digest of a mailing list has 50
MAX_DEPTH = 20  # of multiparts in multiparts and mails in mails; people come to 5
MAX_BOUNDARY = 250  # characters; RFC 2046 allows 70
MAX_SEARCHED = 4 * MAX_BYTES  # bytes in which boundaries are looked for: those of a multipart in another count again

MAX_PART_LINES = 500  # of headers of a part

_KIND = re.compile(r"[^\s/]+/[^\s/]+")
_MAILS = ("message/rfc822", "message/global")
_ENCODINGS = ("", "7bit", "8bit", "binary", "base64", "quoted-printable")
_LONE_RETURNS = 100_000  # bytes at the beginning without the end of a line: a mail whose lines end in carriage returns


@dataclass(frozen=True)
class Attachment:
    """A part that is not shown as text, or has a name to be saved under."""

    name: str  # "" if it has none
    kind: str  # content type, such as "image/png"
    size: int  # bytes, decoded, as far as read


@dataclass(frozen=True)
class Mail:
    """What a mail says, with nothing in it that could not be written to a file or would fill the memory."""

    name: str  # where it comes from: a path, or `path#17` for the 17th of an mbox
    size: int  # bytes of the whole mail, also where only a part was read; with the line "From …" of an mbox
    sender: str  # address of From in lower case, its domain as DNS has it; "" if there is none that can be read
    sender_name: str  # display name of From; "" if there is none
    domain: str  # of the sender; "" if there is none
    reply_to: str  # address of Reply-To as `sender`
    recipients: int  # addresses in To and Cc
    subject: str
    date: datetime | None  # of the Date header, in UTC; None if it is absent or cannot be read
    headers: tuple[tuple[str, str], ...]  # names as they stand, in their order
    text: str  # of all parts that are text, one below the other; HTML without tags, scripts and styles
    has_html: bool  # whether there is a part in HTML
    has_plain: bool  # whether there is a part in plain text
    html_tags: int  # tags that HTML opens
    links: tuple[str, ...]  # in HTML attributes and in text, each as often as it stands
    attachments: tuple[Attachment, ...]
    parts: int  # MIME parts that were looked at, those that hold other parts included
    defects: tuple[str, ...]  # what was broken or left out, in plain words


@dataclass(frozen=True)
class _Part:
    """Where a part of a mail stands in its bytes, headers included, and what it is if they do not say."""

    start: int
    end: int
    depth: int
    kind: str = "text/plain"


class _Content:
    """What the parts of a mail come to, filled while they are walked."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.links: list[str] = []
        self.attachments: list[Attachment] = []
        self.room = MAX_TEXT  # bytes of text that are still read
        self.unsearched = MAX_SEARCHED  # bytes in which boundaries may still be looked for
        self.tags = self.parts = 0
        self.html = self.plain = False


def read_mail(raw: bytes, name: str = "mail", size: int | None = None) -> Mail:
    """The mail that these bytes are; they may be broken or hostile in any way, and no bytes make this raise.

    Args:
        raw: the mail, with or without the line "From …" that mbox files have above it.
        name: where it comes from, for messages.
        size: of the whole mail in bytes if `raw` is its beginning; None means that `raw` is all.

    >>> mail = read_mail(b"From: Ann <Ann@Example.org>\\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\\n\\nSee http://x.example.\\n")
    >>> mail.sender, mail.sender_name, mail.domain, mail.subject, mail.text, mail.links
    ('ann@example.org', 'Ann', 'example.org', 'Grüße', 'See http://x.example.', ('http://x.example',))
    """
    size = len(raw) if size is None else size
    raw = bytes(raw[:MAX_BYTES])
    defects = Defects()
    if size > len(raw):
        defects.add(f"only the first {_megabytes(len(raw))} of {_megabytes(size)} were read")
    if b"\n" not in raw[:_LONE_RETURNS] and b"\r" in raw[:_LONE_RETURNS]:
        raw = raw.translate(bytes.maketrans(b"\r", b"\n"))
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0  # a mark of UTF-8 that an editor set
    if not raw[start:].strip(b"\0 \r\n\t"):
        defects.add("nothing in it")
    headers = mail_headers.read_headers(raw, start, len(raw), defects)
    content = _walk(raw, _Part(start, len(raw), 0), headers, defects)
    senders = headers.all("from")
    if len(senders) != 1:
        defects.add("more than one From: the first that has an address counts" if senders else "no From")
    found = [one for value in senders[:10] for one in mail_headers.addresses(value, defects)]
    sender = found[0] if found else mail_headers.Address("", "", "")
    replies = mail_headers.addresses(headers.first("reply-to"), defects)
    receivers = headers.all("to") + headers.all("cc")
    text = "\n".join(piece for piece in content.texts if piece)
    return Mail(
        name=name,
        size=size,
        sender=sender.address,
        sender_name=sender.name,
        domain=sender.domain,
        reply_to=replies[0].address if replies else "",
        recipients=sum(mail_headers.count_addresses(value, defects) for value in receivers),
        subject=mail_headers.shown_text(headers.first("subject"), defects),
        date=mail_headers.moment(headers.first("date")),
        headers=tuple((key, mail_headers.shown_text(value, defects)) for key, value in headers.raw),
        text=text,
        has_html=content.html,
        has_plain=content.plain,
        html_tags=content.tags,
        links=tuple(content.links[: mail_html.MAX_LINKS]),
        attachments=tuple(content.attachments),
        parts=content.parts,
        defects=defects.listed(),
    )


def _walk(raw: bytes, whole: _Part, headers: Headers, defects: Defects) -> _Content:
    """Look at every part in its order, within the limits."""
    content = _Content()
    waiting = [whole]
    while waiting:
        part = waiting.pop()
        if content.parts == MAX_PARTS:
            defects.add(f"more than {MAX_PARTS} parts: the rest left out")
            break
        content.parts += 1
        if part is not whole:
            headers = mail_headers.read_headers(raw, part.start, part.end, defects, MAX_PART_LINES)
        given, words = mail_headers.parameters(headers.first("content-type"), defects)
        kind = given if _KIND.fullmatch(given) else part.kind
        if given != kind and given:
            defects.add("a content type that is none")
        inside: list[_Part] = []
        if kind.startswith("multipart/"):
            stop = min(part.end, headers.end + content.unsearched)
            content.unsearched -= stop - headers.end
            if stop < part.end:
                defects.add(f"multiparts in multiparts of over {_megabytes(MAX_SEARCHED)}: searched in part")
            inside = _split(raw, part, headers.end, stop, kind, words.get("boundary", ""), defects)
            kind = kind if inside else "text/plain"
        elif kind in _MAILS:
            inside = [_Part(headers.end, part.end, part.depth + 1)]
        if not inside:
            _take(raw[headers.end : part.end], kind, words, headers, content, defects)
        elif part.depth == MAX_DEPTH:
            defects.add(f"parts in parts, more than {MAX_DEPTH} deep: the rest left out")
        else:
            waiting += reversed(inside)
    return content


def _split(raw: bytes, part: _Part, start: int, stop: int, kind: str, boundary: str, defects: Defects) -> list[_Part]:
    """The parts of a multipart, whose body begins at `start`; none if its boundary is nowhere before `stop`."""
    boundary = boundary.rstrip()
    if not 0 < len(boundary) <= MAX_BOUNDARY:
        defects.add("a multipart without a boundary, or with one that is too long, read as text")
        return []
    line = re.compile(rb"\n--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*+\r?(?=\n|\Z)")
    inside: list[_Part] = []
    begun = -1  # where the part begins that is not ended yet
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    for found in line.finditer(raw, max(start - 1, 0), stop):
        if begun >= 0:
            end = found.start() - (raw[found.start() - 1 : found.start()] == b"\r")
            inside.append(_Part(begun, max(begun, end), part.depth + 1, default))
        begun = min(found.end() + 1, part.end)
        if found[1]:
            return inside
        if len(inside) > MAX_PARTS:
            return inside
    if begun < 0:
        defects.add("a multipart whose boundary is nowhere, read as text")
        return []
    defects.add("a multipart that is not closed")
    return [*inside, _Part(begun, part.end, part.depth + 1, default)]


def _take(body: bytes, kind: str, words: dict[str, str], headers: Headers, content: _Content, defects: Defects) -> None:
    """A part that holds no others, as text or as an attachment."""
    disposition, more = mail_headers.parameters(headers.first("content-disposition"), defects)
    encoding = mail_headers.parameters(headers.first("content-transfer-encoding"), defects)[0].strip("\"' ")
    if encoding not in _ENCODINGS:
        defects.add("an unknown transfer encoding, read as it stands")
    if not kind.startswith("text/") or disposition == "attachment":
        filename = " ".join((more.get("filename") or words.get("name") or "").split())
        content.attachments.append(Attachment(filename[: mail_headers.MAX_NAME], kind, decoded_size(body, encoding)))
        return
    data, cut = decoded_start(body, encoding, content.room, defects)
    content.room -= len(data)
    text = whole_text(data, words.get("charset", ""), defects, cut)
    room = mail_html.MAX_LINKS - len(content.links)
    if kind == "text/html":
        page = mail_html.read_html(text, mail_html.MAX_TAGS - content.tags, room)
        content.html, content.tags = True, content.tags + page.tags
        content.links += page.links
        text, cut, room = page.text, cut or page.cut, room - len(page.links)
    else:
        content.plain = True
        text = mail_html.lines(text)
    content.links += mail_html.links_in_text(text, room)
    content.texts.append(text)
    if cut:
        defects.add(f"more than {MAX_TEXT:,} bytes of text, or {mail_html.MAX_TAGS:,} tags: the rest left out")


def _megabytes(size: int) -> str:
    """A size for a sentence.

    >>> _megabytes(25_000_000), _megabytes(31_460_000)
    ('25 MB', '31.5 MB')
    """
    return f"{size / 1e6:,.1f}".removesuffix(".0") + " MB"
