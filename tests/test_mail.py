"""Mails written by hand, real ones, and thousands that are broken: none raises, none is slow, none fills the memory."""

import email
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile_mails
from hostile_mails import TOP, html, multipart, nested, plain, siblings
from thalweg import mail_headers, mail_html
from thalweg.mail import MAX_BYTES, MAX_DEPTH, MAX_PARTS, MAX_TEXT, Attachment, read_mail
from thalweg.mail_decoding import CHARSETS, Defects, decoded_size, decoded_start, from_base64, whole_text


def header(line: str | bytes):
    return read_mail((line if isinstance(line, bytes) else line.encode()) + b"\n\nbody\n")


# Headers


@pytest.mark.parametrize(
    ("line", "sender", "name", "domain"),
    [
        ("From: ann@Example.ORG", "ann@example.org", "", "example.org"),
        ("FROM : Ann <Ann@Example.org>", "ann@example.org", "Ann", "example.org"),
        ('From: "Meier, Ann" <ann@x.org>', "ann@x.org", "Meier, Ann", "x.org"),
        (r'From: "Ann \"A\" Meier" <ann@x.org>', "ann@x.org", 'Ann "A" Meier', "x.org"),
        ("From: ann@x.org (Ann (the one) Meier)", "ann@x.org", "Ann the one Meier", "x.org"),
        ("From: ann@x.org, bob@y.org", "ann@x.org", "", "x.org"),
        ("From: staff: ann@x.org, bob@y.org;", "ann@x.org", "", "x.org"),
        ("From: <@relay.org,@other.org:ann@x.org>", "ann@x.org", "", "x.org"),
        ("From: =?utf-8?Q?M=C3=BCller=2C_J?= <j@x.org>", "j@x.org", "Müller, J", "x.org"),
        ('From: "=?utf-8?B?TcO8bGxlcg==?=" <j@x.org>', "j@x.org", "Müller", "x.org"),
        ("From: =?utf-8?Q?=22Ann=22_=3Cann=40x.org=3E?=", "ann@x.org", "Ann", "x.org"),
        ("From: j@müller.de", "j@xn--mller-kva.de", "", "xn--mller-kva.de"),
        (b"From: M\xfcller <j@x.org>", "j@x.org", "Müller", "x.org"),
        ("From: Ann Meier ann@x.org", "ann@x.org", "Ann Meier", "x.org"),
        ("From: ann @ x.org", "ann@x.org", "", "x.org"),
        ("From: Mail <MAILER-DAEMON>", "mailer-daemon", "Mail", ""),
        ("From: nobody", "", "", ""),
        ("From: ann@[127.0.0.1]", "ann@[127.0.0.1]", "", "[127.0.0.1]"),
        ("From:", "", "", ""),
        ("From: <>", "", "", ""),
        ("From: " + "(" * 10_000 + "@", "", "", ""),  # a RecursionError in Python's email.utils
        ("To: ann@x.org", "", "", ""),
    ],
)
def test_who_it_is_from(line, sender, name, domain):
    mail = header(line)
    assert (mail.sender, mail.sender_name, mail.domain) == (sender, name, domain)


def test_of_several_from_the_first_with_an_address_counts_and_it_is_said():
    mail = header("From: nobody\nFrom: ann@x.org\nFrom: bob@y.org")
    assert mail.sender == "ann@x.org" and mail.defects == ("more than one From: the first that has an address counts",)


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ("To: a@x.org", 1),
        ('To: "b, c" <a@x.org>, b@x.org,\n\tc@x.org\nCc: d@x.org', 4),
        ("To: team: a@x.org, b@x.org;, c@x.org\nTo: d@x.org", 4),
        ("To: undisclosed-recipients:;", 0),
        ("Subject: none", 0),
    ],
)
def test_recipients_are_counted(lines, count):
    assert header(lines).recipients == count


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        ("Subject: =?ISO-8859-1?Q?Gr=FC=DFe_an?= alle", "Grüße an alle"),
        ("Subject: =?utf-8?B?R3LDvMM=?=\n =?utf-8?B?n2U=?=", "Grüße"),  # cut within a character
        ("Subject: =?utf-8*de?q?Gr=C3=BC?= =?koi8-r?B?7sXU?=", "GrüНет"),
        ("Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        ("Subject: =?x-foo?q?a=FC?=", "aü"),
        ("Subject: =?utf-8?q?open", "=?utf-8?q?open"),
        ("Subject: =?utf-8?B?!?=", ""),
        ("Subject: one\n two\n\tthree", "one two three"),
        ("Subject: Grüße", "Grüße"),
        (b"Subject: Gr\xfc\xdfe \x80", "Grüße €"),
        ("Subject: a\0b", "ab"),
    ],
)
def test_subjects(line, subject):
    assert header(line).subject == subject


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("Date: Thu, 22 Aug 2002 18:26:25 +0700", datetime(2002, 8, 22, 11, 26, 25, tzinfo=UTC)),
        ("Date: 22 Aug 02 11:26 GMT (it is)", datetime(2002, 8, 22, 11, 26, tzinfo=UTC)),
        ("Date: Thu, 22 Aug 2002 11:26:60 -0000", datetime(2002, 8, 22, 11, 26, 59, tzinfo=UTC)),
        ("Date: yesterday", None),
        ("Date: Thu, 31 Dec 9999 23:59:00 -0800", None),
        ("Date: Thu, 99 Aug 2002 11:26:00 +0000", None),
        ("Date: " + "9" * 10_000, None),
        ("X: y", None),
    ],
)
def test_dates_are_in_utc(line, date):
    assert header(line).date == date


@given(st.binary(max_size=300))
def test_no_date_raises(value):
    mail_headers.moment(value)


def test_headers_in_their_order_and_what_is_among_them():
    mail = read_mail(b"From x@y  Thu Aug 22 12:36:23 2002\r\nA: 1\r\nb: 2\r\n 3\r\nnothing\r\nA: 4\r\n\r\nbody\r\n")
    assert mail.headers == (("A", "1"), ("b", "2 3"), ("A", "4")) and mail.text == "body"
    assert "a line among the headers that is none" in mail.defects


def test_without_an_empty_line_the_body_begins_at_the_line_that_is_no_header():
    mail = read_mail(b"Subject: s\nHello\nyou\n")
    assert mail.subject == "s" and mail.text == "Hello\nyou"
    assert "no empty line between headers and body" in mail.defects


def test_without_headers_all_is_text():
    mail = read_mail(b"\xffHello you\n\nand you\n")
    assert mail.text == "ÿHello you\nand you" and mail.headers == () and "no headers" in mail.defects


@pytest.mark.parametrize("raw", [b"", b"\n", b"\0" * 7, b"\xef\xbb\xbf"])
def test_of_nothing_there_is_a_mail_that_says_so(raw):
    mail = read_mail(raw)
    assert mail.text == "" and mail.parts == 1 and mail.size == len(raw) and "nothing in it" in mail.defects


def test_ends_of_lines_may_be_carriage_returns_and_a_mark_of_utf_8_may_come_first():
    assert read_mail(TOP.replace(b"\n", b"\r") + b"\rHello\r").text == "Hello"
    assert read_mail(b"\xef\xbb\xbf" + TOP + b"\nHello").sender == "ann@example.org"


# Text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (plain("Grüße".encode()), "Grüße"),
        (plain("Grüße".encode("latin-1"), b"ISO-8859-1"), "Grüße"),
        (plain("“Grüße”".encode("cp1252"), b'"iso-8859-1"'), "“Grüße”"),
        (plain("Grüße".encode(), b"us-ascii"), "Grüße"),
        (plain("Привет".encode("koi8_r"), b"KOI8-R"), "Привет"),
        (plain("日本語".encode("iso2022_jp"), b"ISO-2022-JP"), "日本語"),
        (plain("中文".encode("gb18030"), b"gb2312"), "中文"),
        (plain(b"Gr=FC=DF=\n=20=\r\ne=", b"latin1", b"quoted-printable"), "Grüß e"),
        (plain(b"a=ZZb =C3", b"utf-8", b"Quoted-Printable"), "a=ZZb \ufffd"),
        (plain(b"SGFsbG8g\nZHUh", encoding=b"BASE64"), "Hallo du!"),
        (plain(b"SGFs*bG8gZHU", encoding=b"base64"), "Hallo du"),
        (plain(b"SGFsbG8=\n-- \nYour mailing list\n", encoding=b"base64"), "Hallo"),
        (plain(b"a\0b"), "ab"),
        (plain(b"one   two\n\n\nthree &amp; four"), "one two\nthree &amp; four"),
    ],
)
def test_plain_text(raw, text):
    mail = read_mail(raw)
    assert mail.text == text and mail.has_plain and not mail.has_html and mail.html_tags == 0


def test_unknown_charsets_and_encodings_are_said():
    assert "unknown charset 'x-foo' read as Latin-1" in read_mail(plain(b"\xe4", b"x-foo")).defects
    assert "unknown charset 'punycode' read as UTF-8" in read_mail(plain(b"a", b"punycode")).defects
    assert "an unknown transfer encoding, read as it stands" in read_mail(plain(b"a", encoding=b"x-uu")).defects
    assert "broken base64" in read_mail(plain(b"SGFsbG8gZHU", encoding=b"base64")).defects
    assert "bytes that are nothing in the charset 'utf-16-le'" in read_mail(plain(b"\x00\xd8a", b"utf-16-le")).defects


def test_a_mail_in_order_has_no_defects():
    assert [read_mail(raw).defects for raw in hostile_mails.SMALL[:6]] == [()] * 6


def test_every_charset_that_is_known_can_be_read():
    assert len(CHARSETS) > 300
    for name in set(CHARSETS.values()):
        assert whole_text(bytes(range(256)), name, Defects()).encode()


def test_html_is_text_links_and_tags():
    mail = read_mail(
        html(
            b"<html><head><title>T&auml;</title><style>p {color: red}</style><script>if (a < b) x()</script></head>"
            b"<!-- hidden <b> --><p title='a > b'>V<b></b>ia<!-- x -->gra<br>f&#252;r&nbsp;&#0000000065;ll<td>e"
            b"<A HREF = 'http://x.example/?a=1&amp;b=2'>here</a> <img src=http://y.example/i.gif>"
            b'<a href="mailto:ann@x.org">mail</a> <a href="#top">top</a> <a href="java\nscript:x()">j</a> 3 < 4'
        )
    )
    assert mail.text == "Tä\nViagra\nfür\xa0All\nehere\nmail top j 3 < 4"
    assert mail.links == (
        "http://x.example/?a=1&b=2",
        "http://y.example/i.gif",
        "mailto:ann@x.org",
        "javascript:x()",
    )
    assert mail.has_html and not mail.has_plain and mail.html_tags == 14


def test_what_is_not_closed_in_html():
    assert mail_html.read_html("a<!-- b").text == "a"
    assert mail_html.read_html("a<!-- b>c<!-- d -->e<!-- f>g").text == "aeg"
    assert mail_html.read_html("a<script>b").text == "a"
    assert mail_html.read_html("a<b c<i d>e").text == "ae"
    assert mail_html.read_html("a<b c='d>e<i>f").text == "aef"
    assert mail_html.read_html("<" * 1000).text == "<" * 1000


@given(st.text(st.sampled_from("<>/!-abp=\"' &#;x9\n"), max_size=200))
def test_html_of_any_kind_is_read(source):
    page = mail_html.read_html(source)
    assert page.tags <= source.count("<") and len(page.text) <= 2 * len(source)


def test_links_in_text():
    mail = read_mail(
        plain(b"See http://x.example/a?b=1&copy=2, (www.y.example) or <HTTPS://z.example>. ftp://f.example!")
    )
    assert mail.links == (
        "http://x.example/a?b=1&copy=2",
        "http://www.y.example",
        "HTTPS://z.example",
        "ftp://f.example",
    )


# Parts


def test_alternatives_attachments_and_mails_in_mails():
    mail = read_mail(hostile_mails.SMALL[4])
    assert mail.text == "plain\nhtml\nforwarded" and mail.has_html and mail.has_plain
    assert mail.attachments == (Attachment("ä.pdf", "application/pdf", 4),)
    assert mail.parts == 7  # outer, alternative, plain, html, pdf, mail, its text
    assert mail.defects == ()


def test_boundaries_of_parts_in_parts_are_looked_for_in_so_many_bytes_and_what_stands_first_is_read(monkeypatch):
    raw = hostile_mails.nested_in([b"a", b"b", b"c"], b"\nlines")[:2_000]
    whole = read_mail(raw)
    assert whole.parts == 4 and not any("searched in part" in defect for defect in whole.defects)
    monkeypatch.setattr("thalweg.mail.MAX_SEARCHED", 4_000)
    part = read_mail(raw)
    assert part.parts == 4 and "multiparts in multiparts of over 0 MB: searched in part" in part.defects
    assert part.text == whole.text
    monkeypatch.setattr("thalweg.mail.MAX_SEARCHED", 2_500)  # none are left for the third, which is text
    assert read_mail(raw).parts == 3 and "lines" in read_mail(raw).text


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ('Content-Disposition: attachment; filename="a b.txt"', "a b.txt"),
        ("Content-Disposition: attachment; filename*=utf-8'de'%C3%A4%20b.txt", "ä b.txt"),
        ("Content-Disposition: attachment;\n filename*1=b.txt; filename*0*=iso-8859-1''%E4", "äb.txt"),
        ('Content-Disposition: attachment; filename="=?utf-8?B?w6QudHh0?="', "ä.txt"),
        (r'Content-Disposition: attachment; filename="a\"b.txt"', 'a"b.txt'),
        ("Content-Disposition: attachment; filename=a\nContent-Type: text/plain; name=b", "a"),
        ("Content-Disposition: ATTACHMENT\nContent-Type: text/plain; name=b", "b"),
        ("Content-Type: image/png", ""),
        ("Content-Type: image/png; name=" + "x" * 5000, "x" * 200),
    ],
)
def test_names_of_attachments(lines, name):
    (found,) = read_mail(f"From: a@x.org\n{lines}\n\nabc".encode()).attachments
    assert found.name == name and found.size == 3


@given(st.binary(max_size=500))
def test_sizes_and_beginnings_of_attachments_are_those_of_the_decoded_bytes(data):
    import base64
    import quopri

    packed = {"base64": base64.encodebytes(data), "quoted-printable": quopri.encodestring(data), "8bit": data}
    for encoding, body in packed.items():
        assert decoded_size(body, encoding) == len(data)
        start, more = decoded_start(body, encoding, 100, Defects())
        assert start == data[:100] and more == (len(data) > 100)


@given(st.binary(max_size=100))
def test_no_base64_raises(data):
    from_base64(data, Defects())


def test_boundaries_that_begin_others_and_parts_that_are_not_closed():
    mail = read_mail(multipart(b"a", b"--a\n\n1\n--ab\n--a \n\n2\n"))
    assert mail.text == "1\n--ab\n2" and mail.parts == 3 and "a multipart that is not closed" in mail.defects
    inner = b"--a\nContent-Type: multipart/mixed; boundary=aa\n\n--aa\n\n1\n--a\n\n2\n--a--\nend"
    assert read_mail(multipart(b"a", inner)).text == "1\n2"


def test_the_end_of_the_line_above_a_boundary_is_not_the_parts():
    for end in (b"\n", b"\r\n"):
        raw = multipart(b"a", b"--a\nContent-Type: image/png\n\nabc\n\n--a--\n").replace(b"\n", end)
        assert read_mail(raw).attachments == (Attachment("", "image/png", 3 + len(end)),)


@pytest.mark.parametrize("boundary", [b"", b"nowhere", b"y" * 1000])
def test_multiparts_without_their_boundary_are_text(boundary):
    mail = read_mail(multipart(boundary, b"--\n\nx\n"))
    assert mail.text == "--\nx" and mail.parts == 1 and any("boundary" in defect for defect in mail.defects)


def test_too_many_parts_too_deep_too_long():
    assert read_mail(siblings(150)).defects == (f"more than {MAX_PARTS} parts: the rest left out",)
    assert read_mail(siblings(99)).defects == () and read_mail(siblings(99)).parts == 100
    deep = read_mail(nested(10_000))
    assert f"parts in parts, more than {MAX_DEPTH} deep: the rest left out" in deep.defects and deep.parts == 21
    long = read_mail(plain(b"word " * 300_000))
    assert len(long.text) <= MAX_TEXT and any("the rest left out" in defect for defect in long.defects)
    cut = read_mail(plain("ä".encode() * 600_000))
    assert set(cut.text) == {"ä"} and len(cut.defects) == 1


def test_a_mail_that_was_read_in_part_says_so():
    assert read_mail(plain(b"x"), "a", 31_000_000).defects[0].endswith(" of 31 MB were read")
    mail = read_mail(TOP + b"\n" + b"x " * 13_000_000)
    assert mail.size > 26_000_000 and mail.defects[0] == "only the first 25 MB of 26 MB were read"
    assert MAX_BYTES == 25_000_000


# Everything that is broken


@given(st.binary(max_size=400), st.sampled_from(hostile_mails.SMALL), st.integers(0, 400))
def test_no_bytes_raise(junk, raw, at):
    data = raw[:at] + junk + raw[at:]
    hostile_mails.check(read_mail(data), data)


def measured(count: int, seed: int) -> dict:
    script = Path(hostile_mails.__file__)
    ran = subprocess.run(
        [sys.executable, str(script), str(count), str(seed)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout)


def test_of_5_000_broken_mails_none_raises_none_takes_a_second_and_all_fit_in_300_mb(request):
    assert len(hostile_mails.ABUSES) > 100
    found = measured(5_000, request.config.option.seed)
    assert found["mails"] == 5_000
    assert found["slowest"] < 1, found
    assert found["peak"] < 300, found


@pytest.mark.acceptance
def test_of_100_000_broken_mails_none_raises_none_takes_a_second_and_all_fit_in_300_mb(request):
    found = measured(100_000, request.config.option.seed)
    assert found["slowest"] < 1 and found["peak"] < 300, found


# Real mails


def test_real_mails_have_the_sender_that_was_found_before_and_a_date(shared):
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(shared / "data" / "spamassassin_raw.parquet").to_pylist()
    assert len(rows) == 6046
    read = [read_mail(row["text"].encode(), row["id"]) for row in rows]
    domains = [mail.domain == (row["from_domain"] or "") for mail, row in zip(read, rows, strict=True)]
    assert sum(domains) >= 6041  # the others have no sender in the table, and one here that can be made out
    assert sum(mail.date is not None for mail in read) >= 6044  # two have "2002/09/14 Sat 02:29:32 CDT"
    assert all(mail.size == row["size_bytes"] for mail, row in zip(read, rows, strict=True))
    assert sum(not mail.text for mail in read) < 20  # some are pictures only
    for mail, row in list(zip(read, rows, strict=True))[::13]:  # Python's own parser, where it is not in doubt
        message = email.message_from_string(row["text"])
        if not any(part.defects for part in message.walk()):
            assert mail.parts == len(list(message.walk())), mail.name
            kinds = {part.get_content_type() for part in message.walk() if not part.get_filename()}
            assert mail.has_html == ("text/html" in kinds) or "Content-Disposition" in row["text"], mail.name
