"""Mails that no honest program sends, and any number of them made out of those: for tests, and to be measured alone.

`python tests/hostile_mails.py N SEED` reads N of them and prints as JSON which took longest and how much memory the
process has had; it is a process of its own, so that nothing but reading counts.
"""

from __future__ import annotations

import base64
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from thalweg.mail import Mail, read_mail
from thalweg.mail_decoding import CHARSETS


TOP = b"From: Ann <ann@example.org>\nTo: bob@example.org\nDate: Thu, 22 Aug 2002 18:26:25 +0700\nSubject: s\n"
MEGA = 1_000_000


def html(body: bytes) -> bytes:
    return TOP + b"Content-Type: text/html; charset=utf-8\n\n" + body


def plain(body: bytes, charset: bytes = b"utf-8", encoding: bytes = b"8bit") -> bytes:
    kind = b"Content-Type: text/plain; charset=" + charset + b"\nContent-Transfer-Encoding: " + encoding
    return TOP + kind + b"\n\n" + body


def multipart(boundary: bytes, body: bytes) -> bytes:
    return TOP + b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="' + boundary + b'"\n\n' + body


def nested(depth: int, same: bool = False) -> bytes:
    pieces = [TOP]
    for level in range(depth):
        boundary = b"b" if same else b"b%d" % level
        pieces.append(b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n--" + boundary + b"\n")
    return b"".join(pieces) + b"\n\ndeep\n"


def nested_in(boundaries: list[bytes], line: bytes) -> bytes:
    """Multiparts with these boundaries, the innermost of which is 25 MB of one line; none is ever closed."""
    kinds = [b"Content-Type: multipart/mixed; boundary=" + one + b"\n\n--" + one + b"\n" for one in boundaries]
    above = TOP + b"".join(kinds) + b"\n"
    return above + line * ((25 * MEGA - len(above)) // len(line))


def siblings(count: int) -> bytes:
    return multipart(b"x", b"--x\nContent-Type: text/plain\n\na\n" * count + b"--x--\n")


# The whole zoo at full size: name → a mail. Functions, because they would fill the memory together.
ABUSES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"x",
    "only ends of lines": lambda: b"\n" * (25 * MEGA),
    "only carriage returns": lambda: b"\r" * (25 * MEGA),
    "only NUL": lambda: b"\0" * (25 * MEGA),
    "no headers": lambda: b"just text\nand more\n" * 1000,
    "only a header": lambda: b"Subject: x",
    "noise": lambda: random.Random(1).randbytes(25 * MEGA),
    "noise below headers": lambda: plain(random.Random(2).randbytes(20 * MEGA)),
    "larger than is read": lambda: plain(b"word " * (6 * MEGA)),
    "a header of 10 MB": lambda: b"Subject: " + b"x" * (10 * MEGA) + b"\n" + TOP + b"\nbody\n",
    "a header of 10 MB in folds": lambda: b"Subject: x\n" + b" y\n" * (3 * MEGA) + TOP + b"\nbody\n",
    "a name of 10 MB": lambda: b"X" * (10 * MEGA) + b": x\n" + TOP + b"\nbody\n",
    "100,000 headers": lambda: TOP + b"X-Spam: yes\n" * 100_000 + b"\nbody\n",
    "lines among headers that are none": lambda: TOP + b"no header\nX: y\n" * 500_000 + b"\nbody\n",
    "500 headers of 64,000 bytes": lambda: (b"X: " + b"=?utf-8?q?a?= " * 4500 + b"\n") * 300 + TOP + b"\nbody\n",
    "millions of addresses": lambda: b"To: " + b"a@b.c," * (3 * MEGA) + b"\n" + TOP + b"\nbody\n",
    "addresses in folds": lambda: b"To: " + b"a@b.c,\n " * (2 * MEGA) + b"\n" + TOP + b"\nbody\n",
    "100 To of IDN": lambda: b"".join(b"To: " + b"a@\xc3\xbc.de," * 6000 + b"\n" for _ in range(100)) + TOP + b"\nb\n",
    "open comments": lambda: b"From: " + b"(" * MEGA + b"\nTo: " + b"(" * MEGA + b"\n\nbody\n",
    "open quotes": lambda: b'From: "' + b'\\"' * MEGA + b'\nTo: "' + b'a"b' * MEGA + b"\n\nbody\n",
    "open angles": lambda: b"From: " + b"<" * MEGA + b"\nReply-To: " + b"<@a:" * MEGA + b"\n\nbody\n",
    "at signs": lambda: b"From: " + b"@" * MEGA + b"\nTo: " + b"a@" * MEGA + b"\n\nbody\n",
    "words without an address": lambda: b"From: " + b"a b " * MEGA + b"\nTo: " + b"a" * MEGA + b"\n\nbody\n",
    "encoded words by the thousand": lambda: b"Subject: " + b"=?utf-8?B?w6Q=?= " * 100_000 + b"\n" + TOP + b"\nb\n",
    "encoded words in many charsets": lambda: (
        b"Subject: " + b" ".join(b"=?x-%d?B?w6Q=?=" % number for number in range(9999)) + b"\n" + TOP + b"\nbody\n"
    ),
    "open encoded words": lambda: b"Subject: " + b"=?utf-8?q?" * MEGA + b"\n" + TOP + b"\nbody\n",
    "question marks": lambda: b"Subject: " + b"=?" * MEGA + b"?" * MEGA + b"\n" + TOP + b"\nbody\n",
    "parameters by the thousand": lambda: TOP + b"Content-Type: text/plain" + b"; a*1*=b" * MEGA + b"\n\nbody\n",
    "a parameter of spaces": lambda: TOP + b"Content-Type: text/plain;" + b" " * MEGA + b"a" + b" " * MEGA + b"\n\nb\n",
    "pieces of a file name": lambda: (
        TOP + b"Content-Disposition: attachment" + b"".join(b"; filename*%d*=%%41" % n for n in range(99_999)) + b"\n\n"
    ),
    "a date of digits": lambda: b"Date: " + b"9" * MEGA + b"\n\nbody\n",
    "a date out of time": lambda: b"Date: Thu, 31 Dec 9999 23:59:60 -9999\n\nbody\n",
    "nested 10,000 deep": lambda: nested(10_000),
    "nested in one boundary": lambda: nested(10_000, same=True),
    "nested in 20 MB": lambda: nested(25) + b"--b" * (7 * MEGA),
    "20 multiparts around 25 MB of ends of lines": lambda: nested_in([b"b%d" % one for one in range(20)], b"\n"),
    "20 multiparts around dashes": lambda: nested_in([b"b" * one for one in range(1, 21)], b"\n--"),
    "20 multiparts around what is nearly their boundary": lambda: nested_in(
        [b"b" * (200 - one) for one in range(20)], b"\n--" + b"b" * 201 + b"x"
    ),
    "20 multiparts around boundaries and spaces": lambda: nested_in(
        [b"b%d" % one for one in range(20)], b"".join(b"\n--b%d      y" % one for one in range(20))
    ),
    "mails in mails": lambda: (TOP + b"Content-Type: message/rfc822\n\n") * 10_000 + b"deep\n",
    "100,000 siblings": lambda: siblings(100_000),
    "100 siblings of 10,000 headers": lambda: multipart(b"x", (b"--x\n" + b"X: y\n" * 10_000 + b"\na\n") * 100),
    "digest of nothing": lambda: TOP + b"Content-Type: multipart/digest; boundary=d\n\n" + b"--d\n" * MEGA,
    "one boundary begins another": lambda: multipart(
        b"a", b"--a\nContent-Type: multipart/mixed; boundary=aa\n\n--aa\n\nx\n--aaa\n--aa--\n--a--\n"
    ),
    "nearly the boundary": lambda: multipart(b"x", b"--x\n\n" + b"--xy\n" * (4 * MEGA)),
    "boundary of dashes": lambda: multipart(b"-" * 70, (b"-" * 71 + b"\n") * 300_000),
    "boundary and spaces": lambda: multipart(b"x", b"--x" + b" " * (20 * MEGA) + b"y\n"),
    "empty boundary": lambda: multipart(b"", b"--\n\nx\n----\n" * 1000),
    "no boundary": lambda: TOP + b"Content-Type: multipart/mixed\n\n--\n\nx\n",
    "boundary of a megabyte": lambda: multipart(b"y" * MEGA, b"--" + b"y" * MEGA + b"\n\nx\n"),
    "boundary of patterns": lambda: multipart(b"(.*)*[", b"--(.*)*[\n\nx\n--(.*)*[--\n"),
    "base64 of 20 MB": lambda: plain(base64.encodebytes(b"word " * (3 * MEGA)), encoding=b"base64"),
    "base64 of nothing good": lambda: plain(b"=" * (20 * MEGA), encoding=b"base64"),
    "base64 with holes": lambda: plain(b"!A!" * (7 * MEGA), encoding=b"base64"),
    "quoted-printable of 20 MB": lambda: plain(b"=C3=A4=\n" * (2 * MEGA), encoding=b"quoted-printable"),
    "quoted-printable of signs": lambda: plain(b"=" * (20 * MEGA), encoding=b"quoted-printable"),
    "attachment of 24 MB": lambda: (
        TOP + b"Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\n" + b"QUJD" * (6 * MEGA)
    ),
    "quoted attachment": lambda: (
        TOP + b"Content-Type: image/png\nContent-Transfer-Encoding: quoted-printable\n\n" + b"=41" * (8 * MEGA)
    ),
    "HTML of 20 MB": lambda: html(b"<p>word <a href='http://x.example/'>more</a></p>\n" * 410_000),
    "1,000,000 tags": lambda: html(b"<b>" * MEGA),
    "1,000,000 open tags": lambda: html(b"<b " * MEGA),
    "open brackets": lambda: html(b"<" * (3 * MEGA)),
    "open quotes in tags": lambda: html(b"<a href=\"<a href='" * MEGA),
    "open quotes far apart": lambda: html((b'<a href="' + b"x" * 9_000) * 2_000),
    "equals signs in a tag": lambda: html(b"<a " + b"=" * (3 * MEGA)),
    "equals and spaces in a tag": lambda: html(b"<a " + b"= " * (3 * MEGA)),
    "href without end": lambda: html(b"<a " + b"href " * MEGA + b">" + b"<a href=" * MEGA),
    "href and spaces": lambda: html(b"<a href" + b" " * (2 * MEGA) + b">"),
    "open comments in HTML": lambda: html(b"<!--" * MEGA),
    "declarations": lambda: html(b"<!" * MEGA + b"<?" * MEGA + b"</" * MEGA),
    "open scripts": lambda: html(b"<script>" * MEGA),
    "styles without content": lambda: html(b"<style></style>" * 200_000),
    "entities": lambda: html(b"&" + b"amp" * MEGA + b"&ampamp" * MEGA),
    "entities that are none": lambda: html(b"&abcdefghijklmnopqrstuvwxyzabcdef" * 100_000),
    "numbers of characters": lambda: html(b"&#" + b"9" * 9_000 + b";&#x" + b"f" * 9_000 + b";&#xD800;&#0;" * 100_000),
    "links": lambda: plain(b"http://a.example/ " * 200_000),
    "links in links": lambda: plain(b"http://" * MEGA),
    "ends of links": lambda: plain((b"http://" + b"." * 3_000 + b" ") * 500),
    "one word": lambda: plain(b"x" * (20 * MEGA)),
    "spaces": lambda: plain(b" " * (20 * MEGA)),
    "UTF-16": lambda: "Subject: x\n\nbody\n".encode("utf-16") * 1000,
    **{
        f"noise in {name}": (lambda name=name: plain(random.Random(3).randbytes(MEGA), name.encode()))
        for name in sorted(set(CHARSETS.values()) | {"punycode", "idna", "unicode_escape", "rot13", "zlib", "x" * MEGA})
    },
    "open shifts of UTF-7": lambda: plain(b"+" * MEGA, b"utf-7"),
    "halves of characters in UTF-7": lambda: plain(b"+2AA-" * 200_000, b"utf-7"),
}

# Small ones that the mutations begin with, of the kinds that there are.
SMALL: tuple[bytes, ...] = (
    plain(b"Hello http://x.example/a?b=c, and goodbye.\n"),
    plain(b"Gr=C3=BC=C3=9Fe =\nan alle\n", encoding=b"quoted-printable"),
    plain(base64.encodebytes(b"word " * 200), encoding=b"base64"),
    html(b"<html><style>p {}</style><p class='a'>V<b></b>iagra &amp; <a href=\"http://x.example/\">more</a><br>" * 20),
    multipart(
        b"out",
        b"preamble\n--out\nContent-Type: multipart/alternative; boundary=in\n\n--in\n\nplain\n--in\n"
        b"Content-Type: text/html\n\n<p>html</p>\n--in--\n--out\nContent-Type: application/pdf;"
        b" name*=utf-8''%C3%A4.pdf\n"
        b"Content-Transfer-Encoding: base64\nContent-Disposition: attachment\n\nQUJDRA==\n--out\n"
        b"Content-Type: message/rfc822\n\nSubject: inside\n\nforwarded\n--out--\nepilogue\n",
    ),
    b"From ann@example.org  Thu Aug 22 12:36:23 2002\n"
    b'From: =?utf-8?Q?J=C3=BCrgen?= "the, man" <j@m\xc3\xbcller.de>\n'
    b'To: team: a@x.org, "b, c" <b@x.org>;, d@x.org (D)\n'
    b"Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\n =?utf-8?B?w6Q=?=\nDate: Thu, 22 Aug 2002 18:26:25 +0700 (ICT)\n\n"
    b"body\n>From here\n",
    nested(30),
    siblings(150),
)


def mutated(raw: bytes, other: bytes, chance: random.Random) -> bytes:
    """A mail with one to four things done to it: each kind of damage that happens, and that is done."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((1, 2, 10, 100, 1000)))
        match chance.randrange(9):
            case 0:  # bits
                for place in (chance.randrange(len(data)) for _ in range(chance.randint(1, 20)) if data):
                    data[place] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:to]
            case 2:
                del data[at:]
            case 3:
                data[at:at] = data[at:to] * chance.randint(1, 50)
            case 4:
                data[at:at] = b"\0" * chance.randint(1, 50)
            case 5:  # boundaries that are those of others
                data = data.replace(b"--out", chance.choice((b"--in", b"--out--", b"--", b"--o"))).replace(
                    b"=in", b"=out"
                )
            case 6:  # headers in another order
                lines = bytes(data).split(b"\n")
                head = lines[:12]
                chance.shuffle(head)
                data = bytearray(b"\n".join(head + lines[12:]))
            case 7:
                data[at:at] = chance.choice((b"(", b'"', b"<a ", b"=?", b"\n--out\n", b"\r", b"&#", b"\xff")) * 5_000
            case _:  # the rest of another mail
                data[at:] = other[chance.randrange(len(other) + 1) :]
    return bytes(data)


def hostile(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many mails with names to find them by: first the abuses at full size, then mutations of small mails.

    One in 30 is a mutation of the beginning of an abuse.
    """
    chance = random.Random(seed)
    for name, make in list(ABUSES.items())[:count]:
        yield name, make()
    for number in range(count - len(ABUSES)):
        raw = chance.choice(SMALL) if number % 30 else ABUSES[chance.choice(list(ABUSES))]()[:100_000]
        raw = mutated(raw, chance.choice(SMALL), chance)
        yield f"mutation {number} of seed {seed}", raw


def check(mail: Mail, raw: bytes) -> None:
    """What holds for every mail: its limits, and that all of it can be written as UTF-8."""
    assert mail.size == len(raw)
    assert len(mail.text) <= MEGA and len(mail.links) <= 1_000 and len(mail.headers) <= 500 and len(mail.defects) <= 20
    assert mail.parts <= 100 and len(mail.attachments) <= 100 and mail.html_tags <= 50_000
    assert all(len(name) <= 100 and len(value) <= 4_000 for name, value in mail.headers)
    assert len(set(mail.defects)) == len(mail.defects) and all(len(defect) < 200 for defect in mail.defects)
    assert len(mail.sender) <= 200 and mail.sender == mail.sender.lower()
    assert mail.date is None or mail.date.utcoffset() is not None
    assert "\0" not in mail.text
    repr(mail).encode()
    mail.text.encode()


def peak_megabytes() -> float:
    """The most memory this process has had.

    On Linux not what getrusage says: `ru_maxrss` outlives exec, so a child of a large process
    is said to have been as large.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.M)
        if found:
            return int(found[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def main(count: int, seed: int) -> None:
    import numpy  # what a filter has loaded counts

    assert numpy.__version__
    slowest, name_of_slowest, total = 0.0, "", 0.0
    for name, raw in hostile(count, seed):
        before = time.process_time()
        mail = read_mail(raw, name)
        seconds = time.process_time() - before
        total += seconds
        if seconds > slowest:
            slowest, name_of_slowest = seconds, name
        check(mail, raw)
    print(
        json.dumps(
            {"mails": count, "slowest": slowest, "name": name_of_slowest, "total": total, "peak": peak_megabytes()}
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
