"""The header of the spam filter: the mail stays as it was, byte for byte, and a forged header goes."""

import email
import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from thalweg.spam_header import marked, unmarked


LINE = b"X-Thalweg-Spam: no, probability=0.1250"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: a\n\ntext", LINE + b"\nSubject: a\n\ntext"),
        (b"Subject: a\r\n\r\ntext\r\n", LINE + b"\r\nSubject: a\r\n\r\ntext\r\n"),
        (b"From b Mon Mar  4\nSubject: a\n\n", b"From b Mon Mar  4\n" + LINE + b"\nSubject: a\n\n"),
        (b"", LINE + b"\n"),
        (b"\n\nX-Thalweg-Spam: text\n", LINE + b"\n\n\nX-Thalweg-Spam: text\n"),
        (b" folded?\nSubject: a\n\n", b" folded?\n" + LINE + b"\nSubject: a\n\n"),  # would be a part of our header
        (b"A: b\nx-THALWEG-spam : yes\n\tmore\n and more\nC: d\n\n", LINE + b"\nA: b\nC: d\n\n"),
        (b"X-Thalweg-Spam: a\nX-Thalweg-Spam: b", LINE + b"\n"),
        (b"A: b\rX-Thalweg-Spam: a\rC: d\n\n", LINE + b"\nA: b\rC: d\n\n"),
        (b"A: b\n\nX-Thalweg-Spam: text\n", LINE + b"\nA: b\n\nX-Thalweg-Spam: text\n"),
        (b"A: b\rX-Thalweg-Spam: a\nC: d\n\n", LINE + b"\nA: b\nC: d\n\n"),
        (b"A: b\rX-Thalweg-Spam: a\n more\nC: d\n\n", LINE + b"\nA: b\nC: d\n\n"),
        (b"\rX-Thalweg-Spam: no\n\r\nx-thalweg-spam : no", LINE + b"\r\n\r\nx-thalweg-spam : no"),
        (b"X-Thalweg-Spam: a\r\r\nC: d\n\ntext", LINE + b"\nC: d\n\ntext"),
        (b"A: X-Thalweg-Spam: text\n\n", LINE + b"\nA: X-Thalweg-Spam: text\n\n"),
        (b"X-Thalweg-Spamming: b\n\n", LINE + b"\nX-Thalweg-Spamming: b\n\n"),
    ],
)
def test_by_hand(raw, expected):
    assert marked(raw, 0.125, False) == expected


SIGNS = [
    b"\n",
    b"\r\n",
    b"\r",
    b" ",
    b"Subject: a",
    b"X-Thalweg-Spam: no",
    b"x-thalweg-spam",
    b":",
    b"From b",
    b"\xff\0",
]
PIECES = st.lists(st.sampled_from(SIGNS) | st.binary(max_size=5), max_size=23).map(b"".join)


@given(PIECES, st.booleans())
def test_only_headers_of_this_name_differ(raw, is_spam):
    line = b"X-Thalweg-Spam: %s, probability=0.5000" % (b"yes" if is_spam else b"no")
    written, bare = marked(raw, 0.5, is_spam), unmarked(raw)
    before, _, after = written.partition(line)
    rest = after[2:] if after.startswith(b"\r\n") else after[1:]
    # A line that must stay above ours and has no end gets one.
    assert before + rest == bare or (before in (bare + b"\n", bare + b"\r\n") and not rest and b"\n" not in bare[-1:])
    assert unmarked(written) == before + rest
    if b"thalweg" not in raw.lower():
        assert bare == raw


@given(PIECES)
def test_the_body_stays_byte_for_byte(raw):
    """The body as programs that deliver mail see it: what follows the first line that is empty."""
    whole = b"A: b\n" + raw
    other = re.search(rb"\n\r?\n", whole)
    if other is not None:
        found = re.search(rb"\n\r?\n", unmarked(whole))
        assert found is not None and unmarked(whole)[found.end() :] == whole[other.end() :]
    again = unmarked(whole)
    assert unmarked(again) == again


@given(PIECES)
def test_whoever_reads_the_mail_finds_the_answer_and_no_other(raw):
    found = email.message_from_bytes(marked(b"A: b\n" + raw, 0.75, True)).get_all("X-Thalweg-Spam")
    assert found is not None and str(found[0]).startswith("yes, probability=0.7500")


def test_a_mail_of_many_megabytes_takes_no_time():
    for sign in (b"X-Thalweg-Spam: a\n ", b"\n", b" ", b"\r", b"X-Thalweg-Spam:"):
        raw = b"A: b\n" + sign * 500_000
        assert unmarked(marked(raw, 0.5, True)) == unmarked(raw)
