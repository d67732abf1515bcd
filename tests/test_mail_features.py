"""Features of mails: by hand for single mails, and for any mail finite numbers."""

import dataclasses
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import thalweg as tw
from letters import mails
from thalweg.mail import Attachment, Mail, read_mail
from thalweg.mail_features import FEATURE_SETS, FEATURES, Letter, arrival, bucket, mail_table, words


RAW = (
    b"Received: from c by d; Fri, 1 Mar 2024 12:00:00 +0100\r\n"
    b"Received: from a by b; Tue, 5 Mar 2024 03:00:00 +0000\r\n"
    b'From: "win@prize.example" <agent007@mail.shop24.test>\r\nReply-To: other@elsewhere.test\r\n'
    b"To: a@example.org, b@example.org\r\nDate: Fri, 1 Mar 2024 14:00:00 +0000\r\n"
    b"Subject: [SPAM?] BUY 3 now!\r\nContent-Type: text/html\r\n\r\n"
    b'<p>Only $5! <a href="http://10.0.0.1/x">HERE</a> <a href="https://www.shop24.test/y">there</a></p>\r\n'
)


def value(name: str, raw: bytes) -> float:
    return FEATURES[name].value(Letter(read_mail(raw)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ln(length)", math.log(len(RAW))),
        ("no Date", 0.0),
        ("no To", 0.0),
        ("no Message-ID", 1.0),
        ("no mailer", 1.0),
        ("reply", 0.0),
        ("hours off", math.log(1 + 3)),  # sent at 14:00, says Date; the last server had it at 11:00
        ("recipients", math.log(3)),
        ("no sender", 0.0),
        ("address digits", math.log(4)),
        ("name has @", 1.0),
        ("no name", 0.0),
        ("domain digits", math.log(3)),
        ("free mail", 0.0),
        ("replies elsewhere", 1.0),
        ("links", math.log(3)),
        ("hosts", math.log(3)),
        ("numeric hosts", math.log(2)),
        ("links home", 0.0),  # www.shop24.test is not below mail.shop24.test
        ("HTML", 1.0),
        ("HTML only", 1.0),
        ("no subject", 0.0),
        ("subject length", math.log(5)),  # buy 0 now !
        ("subject capitals", 0.5),  # without the mark of another filter
        ("subject marks", math.log(2)),
        ("subject digits", math.log(2)),
        ("attachments", 0.0),
    ],
)
def test_a_mail_by_hand(name, expected):
    assert value(name, RAW) == pytest.approx(expected)


def test_the_opposite_of_each_header():
    mail = (
        b"From: A <a@gmail.com>\nTo: x\nDate: 1 Mar 2024 10:00:00 +0000\nMessage-ID: <1@b>\nX-Mailer: pine\n"
        b"In-Reply-To: <2@c>\nSubject: re\n\n> you said\n> so\nYes. http://gmail.com/a\n"
    )
    assert value("no Message-ID", mail) == value("no mailer", mail) == value("replies elsewhere", mail) == 0.0
    assert value("reply", mail) == value("free mail", mail) == value("links home", mail) == 1.0
    assert value("quoted lines", mail) == pytest.approx(2 / 3) and value("hours off", mail) == 0.0
    assert value("no Date", b"\n\nhello") == value("no To", b"\n\nhello") == value("no subject", b"\n\nhello") == 1.0


def test_attachments_that_can_run_are_counted():
    raw = (
        b"From: a@b.org\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\ntext\n"
        b"--x\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=A.PDF.exe\n\nMZ\n"
        b"--x\nContent-Type: image/png\nContent-Disposition: attachment; filename=a.png\n\nPNG\n--x--\n"
    )
    assert value("attachments", raw) == pytest.approx(math.log(3))
    assert value("programs", raw) == value("images", raw) == pytest.approx(math.log(2))


def test_words_and_their_buckets():
    assert words("Rock'n'roll, E-MAIL 24/7 über www.x.test me@x.test") == ["rock'n'roll", "e-mail", "0", "0", "über"]
    assert words("") == [] and all(0 <= bucket(word, 7) < 7 for word in words("a few words of any kind $$ ?!"))
    rich = FEATURE_SETS["rich"]
    mail = read_mail(b"From: a@b.org\nSubject: garden\n\ngarden garden train\n")
    row = dict(zip(rich.columns, rich.row(mail).tolist(), strict=True))
    subject = f"subject words {bucket('garden', rich.subject_buckets) + 1}"
    garden, train = (f"words {bucket(word, rich.body_buckets) + 1}" for word in ("garden", "train"))
    counted = {name: number for name, number in row.items() if "words " in name and number}
    assert counted == pytest.approx({subject: math.log(2), garden: math.log(3), train: math.log(2)})
    assert rich.words_of(mail, garden) == rich.words_of(mail, subject) == ["garden"]
    assert rich.words_of(mail, "links") == [] and len(rich.columns) == len(rich.row(mail)) == len(set(rich.columns))


def test_no_value_of_a_header_but_the_subject_is_a_feature():
    """Another server, list, filter or mailer gives the same row; only the size in bytes may differ."""
    ham, _ = mails(7, 3)
    for mail in ham:
        headers = tuple(
            (name, value if name.lower() in ("received", "date", "subject") else "spam spam list.example " * 3)
            for name, value in mail.headers
        )
        one, other = (FEATURE_SETS["rich"].row(each) for each in (mail, dataclasses.replace(mail, headers=headers)))
        assert np.array_equal(one, other)
    marked = dataclasses.replace(ham[0], subject=f"***SPAM*** {ham[0].subject}")
    assert np.array_equal(FEATURE_SETS["rich"].row(marked), FEATURE_SETS["rich"].row(ham[0]))


def test_a_mail_arrived_when_the_last_server_had_it_or_else_by_its_date():
    assert arrival(read_mail(RAW)) == datetime(2024, 3, 1, 11, tzinfo=UTC)
    assert arrival(read_mail(b"Date: 1 Mar 2024 14:00:00 +0000\n\n")) == datetime(2024, 3, 1, 14, tzinfo=UTC)
    assert arrival(read_mail(b"Received: ; soon\n\n")) is None


TEXTS = st.text(max_size=60)
DATES = st.none() | st.datetimes(timezones=st.just(UTC))
ANY_MAIL = st.builds(
    Mail,
    name=TEXTS, size=st.integers(0, 2**50), sender=TEXTS, sender_name=TEXTS, domain=TEXTS, reply_to=TEXTS,
    recipients=st.integers(0, 2**40), subject=TEXTS, date=DATES,
    headers=st.lists(st.tuples(st.sampled_from(["Received", "To", "", "X-\x00"]) | TEXTS,
                               TEXTS | st.just("by x; Mon, 31 Dec 9999 23:59:59 -2359")), max_size=5).map(tuple),
    text=TEXTS | st.text("!$< >\n\x00A1ü\ud800", max_size=200), has_html=st.booleans(), has_plain=st.booleans(),
    html_tags=st.integers(0, 2**40), links=st.lists(TEXTS | TEXTS.map("http://".__add__), max_size=5).map(tuple),
    attachments=st.lists(st.builds(Attachment, TEXTS, TEXTS, st.integers(0, 2**40)), max_size=3).map(tuple),
    parts=st.integers(0, 2**40), defects=st.lists(TEXTS, max_size=3).map(tuple),
)  # fmt: skip


@given(ANY_MAIL)
def test_any_mail_has_finite_features(mail):
    for features in FEATURE_SETS.values():
        row = features.row(mail)
        assert row.shape == (len(features.columns),) and np.isfinite(row).all()


@given(st.binary(max_size=300))
def test_any_bytes_have_finite_features(raw):
    assert np.isfinite(FEATURE_SETS["rich"].row(read_mail(raw))).all()


@pytest.mark.parametrize("sign", ["*", "a", "@", "http:", "!", "a'", "<", " ", "\n>", "é", "["])
def test_long_texts_of_one_sign_take_no_time(sign):
    """A pattern that goes back and forth would take hours."""
    long = sign * 300_000
    mail = dataclasses.replace(read_mail(RAW), text=long, subject=long, links=(long, "http://" + long), sender=long)
    assert np.isfinite(FEATURE_SETS["rich"].row(mail)).all()


def test_a_table_of_mails_is_what_fit_takes():
    ham, spam = mails(43, 31)
    labels = [False] * len(ham) + [True] * len(spam)
    table = mail_table([*ham, *spam], labels, features="lecture", trusted=lambda domain: domain.endswith(".example"))
    assert table.names == ("ln(length)", "trusted", "class") and table.n_rows == 74
    assert table["ln(length)"].values[0] == pytest.approx(math.log(ham[0].size), rel=1e-6)
    assert table["class"].values.tolist() == ["wanted"] * 43 + ["spam"] * 31
    model = tw.fit(table, "class", epochs=4, hidden=(3,))
    assert model.classes.tolist() == ["spam", "wanted"]  # so that [1, 0] is spam, as in the lecture
    assert "class" not in tw.mail_table(ham).names


def test_what_makes_no_table_is_refused():
    ham, _ = mails(3, 1)
    table_of: Any = mail_table  # so that a type checker lets what is wrong through
    for given_mails, labels in ((ham, [True]), ([], None)):
        with pytest.raises(tw.InputError, match="labels; give one for each"):
            table_of(given_mails, labels)
    for given_mails in (["letter.eml"], "letter.eml", Path("letter.eml"), 5, [*ham, "letter.eml"]):
        said = r"mail \d is .*, and mails are Mail objects; read those .* with thalweg\.mailboxes\.mails\(paths\)"
        with pytest.raises(tw.InputError, match=said):
            table_of(given_mails, [True])
    assert table_of(ham[0], [True]).n_rows == 1 and table_of(ham, np.array([0, 1, 0]) == 1).n_rows == 3
    assert table_of(iter(ham), iter([0, 1, 0]))["class"].values.tolist() == ["wanted", "spam", "wanted"]
    with pytest.raises(tw.InputError, match="label 2 is 'spam', and labels say whether a mail is spam; give True or"):
        table_of(ham, [False, "spam", True])
    with pytest.raises(tw.InputError, match="there are 3 mails and 1 labels"):
        table_of(ham, True)
    with pytest.raises(tw.InputError, match="features must be one of lecture, rich"):
        table_of(ham, features="many")


def test_hours_off_has_the_sign_of_the_fault():
    late = read_mail(RAW)
    early = dataclasses.replace(late, date=late.date and late.date - timedelta(hours=10))
    assert FEATURES["hours off"].value(Letter(early)) == pytest.approx(-math.log(1 + 7))
