"""A mail as a row of numbers: the lecture's two, or the many of a spam filter.

What is left out on purpose. No value of a header but the subject is looked at, only whether a header is there and how
many there are: the hosts of Received lines, the addresses of mailing lists and the marks of other filters say which
collection a mail was taken from, and so, in any training set, which class it has; on new mail they say nothing. For the
same reason neither the date (only how far it is from the time of arrival) nor the number of Received lines is a feature
(which counts the servers of whoever collected the mail, and without which the filter is as good), nor are List-* and
Precedence (wanted mail in collections comes from a few lists); the marks that other filters put into a subject are cut
out of it, and addresses and links out of the text before its words are counted.

Words are counted in buckets by CRC-32, so that no list of words is needed, kept or written to a file (Weinberger et
al., "Feature hashing for large scale multitask learning", 2009, here without their signs). Different words can share
one.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from thalweg.errors import InputError, shown
from thalweg.mail import Mail
from thalweg.mail_headers import moment
from thalweg.settings import check_choice
from thalweg.table import Table, as_column


if TYPE_CHECKING:
    from jaxtyping import Bool, Float


SUBJECT_BUCKETS, BODY_BUCKETS = 256, 1024
READ, READ_SUBJECT = 200_000, 2_000  # characters that are looked at; what is beyond says no more, and takes time
FREE_MAIL = frozenset(
    "aol.com excite.com gmail.com gmx.de gmx.net googlemail.com hotmail.com icloud.com lycos.com mail.com mail.ru "
    "msn.com outlook.com proton.me protonmail.com qq.com t-online.de web.de yahoo.co.uk yahoo.com yandex.ru 126.com "
    "163.com".split()
)
PROGRAMS = tuple(
    ".bat .cmd .com .cpl .exe .hta .jar .js .jse .lnk .msi .pif .ps1 .reg .scr .vbe .vbs .wsf .docm .xlsm".split()
)
SPAM, WANTED = "spam", "wanted"  # the classes; in alphabetical order, so that [1, 0] is spam, as in the lecture

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*|[$€£!?%]+")
_DIGITS = re.compile(r"\d+")
_LINK = re.compile(r"\b(?:https?|ftp|mailto):\S+|\bwww\.\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>()\[\]]{1,64}@[^\s@<>()\[\]]{1,255}")
_MARK = re.compile(
    r"[*\[{(<]{1,5}\s{0,2}(?:possible |suspected |probable )?(?:spam|junk)[?!]{0,2}\s{0,2}[*\]})>]{1,5}", re.IGNORECASE
)
_HOST = re.compile(r"^[a-z][a-z0-9+.\-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:\s]*)", re.IGNORECASE)
_NUMERIC_HOST = re.compile(r"\d+|0x[0-9a-f]+|[\d.]+|\[.*\]", re.IGNORECASE)


@dataclass(frozen=True)
class Letter:
    """A mail and what several features need of it."""

    mail: Mail

    @cached_property
    def names(self) -> Counter[str]:
        """How many headers of each name, in lower case, there are."""
        return Counter(name.lower() for name, _ in self.mail.headers)

    @cached_property
    def text(self) -> str:
        """The text, as far as it is looked at."""
        return self.mail.text[:READ]

    @cached_property
    def subject(self) -> str:
        """The subject without the marks of other filters."""
        return _MARK.sub(" ", self.mail.subject[:READ_SUBJECT]).strip()

    @cached_property
    def subject_words(self) -> list[str]:
        """Its words."""
        return words(self.subject)

    @cached_property
    def words(self) -> list[str]:
        """The words of the text."""
        return words(self.text)

    @cached_property
    def hosts(self) -> list[str]:
        """The host of each link that has one, in lower case."""
        found = (_HOST.match(link[:2000].strip()) for link in self.mail.links)
        return [match[1].lower() for match in found if match and match[1]]

    @cached_property
    def signs(self) -> Counter[str]:
        """How often each character occurs in the text."""
        return Counter(self.text)

    def count(self, is_so: Callable[[str], bool]) -> int:
        """Characters of the text that are so."""
        return sum(count for sign, count in self.signs.items() if is_so(sign))

    def share(self, is_so: Callable[[str], bool]) -> float:
        """Share of such characters in the text."""
        return _part_of(self.count(is_so), len(self.text))


@dataclass(frozen=True)
class Feature:
    """A number of a mail: what it says, in a few words, and how it is found."""

    meaning: str
    value: Callable[[Letter], float]


def words(text: str) -> list[str]:
    """The words of a text in lower case, digits as 0, without links and addresses; signs such as $$ and !! are words.

    >>> words("Dear Friend, WIN $5,000 now!! http://example.com/a?b=c bob@example.com")
    ['dear', 'friend', 'win', '$', '0', '0', 'now', '!!']
    """
    bare = _ADDRESS.sub(" ", _LINK.sub(" ", text)).lower()
    return [_DIGITS.sub("0", word)[:40] for word in _WORD.findall(bare)]


def bucket(word: str, buckets: int) -> int:
    """The bucket of a word, from 0: CRC-32 of its UTF-8, which is the same on every machine and in every year.

    >>> bucket("money", 1024), bucket("money", 256)
    (996, 228)
    """
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) % buckets


def length(mail: Mail) -> float:
    """The lecture's x₁: ln of the mail's size in bytes."""
    return math.log(max(mail.size, 1))


def _log(count: float) -> float:
    return math.log1p(max(count, 0.0))


def _part_of(many: float, of: float) -> float:
    return many / of if of else 0.0


def _lacks(*names: str) -> Callable[[Letter], float]:
    return lambda letter: float(not any(name in letter.names for name in names))


def received(mail: Mail) -> datetime | None:
    """When it was received: the topmost Received line, which your own server wrote, ends with that."""
    first = next((value for name, value in mail.headers if name.lower() == "received"), "")
    return moment(first[-200:].rpartition(";")[2].encode("latin-1", "replace"))


def arrival(mail: Mail) -> datetime | None:
    """When it was received, or else its Date, which anybody can make up."""
    return received(mail) or mail.date


def _hours_off(letter: Letter) -> float:
    sent, arrived = letter.mail.date, received(letter.mail)
    if sent is None or arrived is None:
        return 0.0
    hours = (sent - arrived).total_seconds() / 3600.0
    return math.copysign(_log(abs(hours)), hours)


def _replies_elsewhere(letter: Letter) -> float:
    mail = letter.mail
    return float(bool(mail.reply_to) and mail.reply_to.rpartition("@")[2].lower().strip("> ") != mail.domain)


def _below(host: str, domain: str) -> bool:
    return bool(domain) and (host == domain or host.endswith("." + domain) or domain.endswith("." + host))


def _capitals(text: str) -> float:
    letters = [letter for letter in text if letter.isalpha()]
    return _part_of(sum(map(str.isupper, letters)), len(letters))


def _quoted(letter: Letter) -> float:
    lines = [line for line in letter.text.splitlines() if line.strip()]
    return _part_of(sum(line.lstrip().startswith((">", "|")) for line in lines), len(lines))


FEATURES: dict[str, Feature] = {
    "ln(length)": Feature("ln of the size in bytes", lambda one: length(one.mail)),
    # headers: whether they are there, never what they say
    "no Date": Feature("no date that can be read", lambda one: float(one.mail.date is None)),
    "no To": Feature("neither To nor Cc", _lacks("to", "cc")),
    "no Message-ID": Feature("no Message-ID", _lacks("message-id")),
    "no mailer": Feature("no header names the program that wrote it", _lacks("x-mailer", "user-agent", "x-newsreader")),
    "reply": Feature("1 for an answer to a mail", lambda one: 1.0 - _lacks("in-reply-to", "references")(one)),
    "hours off": Feature("±ln(1 + hours) by which Date is after or before its arrival", _hours_off),
    "recipients": Feature("ln(1 + recipients)", lambda one: _log(one.mail.recipients)),
    "defects": Feature("ln(1 + faults in its form)", lambda one: _log(len(one.mail.defects))),
    # the sender's address
    "no sender": Feature("no sender's address", lambda one: float(not one.mail.sender)),
    "address digits": Feature(
        "ln(1 + digits in the address before the @)",
        lambda one: _log(sum(map(str.isdigit, one.mail.sender.rpartition("@")[0]))),
    ),
    "address length": Feature("ln(1 + length of the address)", lambda one: _log(len(one.mail.sender))),
    "name has @": Feature("the sender's name looks like an address", lambda one: float("@" in one.mail.sender_name)),
    "no name": Feature("the sender has no name", lambda one: float(not one.mail.sender_name.strip())),
    "free mail": Feature("from a free mail service", lambda one: float(one.mail.domain in FREE_MAIL)),
    "domain digits": Feature("digits in the domain", lambda one: _log(sum(map(str.isdigit, one.mail.domain)))),
    "replies elsewhere": Feature("answers go to another domain than the sender's", _replies_elsewhere),
    # links
    "links": Feature("ln(1 + links)", lambda one: _log(len(one.mail.links))),
    "hosts": Feature("ln(1 + different hosts of links)", lambda one: _log(len(set(one.hosts)))),
    "numeric hosts": Feature(
        "ln(1 + links to a bare IP address)",
        lambda one: _log(sum(_NUMERIC_HOST.fullmatch(host) is not None for host in one.hosts)),
    ),
    "links home": Feature(
        "share of the links that lead to the sender's domain",
        lambda one: _part_of(sum(_below(host, one.mail.domain) for host in one.hosts), len(one.hosts)),
    ),
    "links per word": Feature(
        "ln(1 + links per 100 words)", lambda one: _log(100.0 * _part_of(len(one.mail.links), len(one.words)))
    ),
    # attachments and form
    "attachments": Feature("ln(1 + attachments)", lambda one: _log(len(one.mail.attachments))),
    "programs": Feature(
        "attachments that can run",
        lambda one: _log(sum(each.name.lower().endswith(PROGRAMS) for each in one.mail.attachments)),
    ),
    "images": Feature(
        "attachments that are images",
        lambda one: _log(sum(each.kind.lower().startswith("image/") for each in one.mail.attachments)),
    ),
    "parts": Feature("ln(1 + parts)", lambda one: _log(one.mail.parts)),
    "HTML": Feature("has HTML", lambda one: float(one.mail.has_html)),
    "HTML only": Feature("has HTML and no plain text", lambda one: float(one.mail.has_html and not one.mail.has_plain)),
    "tags per word": Feature(
        "ln(1 + HTML tags per word)", lambda one: _log(_part_of(one.mail.html_tags, len(one.words) + 1))
    ),
    # the text
    "words": Feature("ln(1 + words)", lambda one: _log(len(one.words))),
    "different words": Feature(
        "share of the words that are different ones", lambda one: _part_of(len(set(one.words)), len(one.words))
    ),
    "word length": Feature(
        "mean length of a word", lambda one: _part_of(sum(map(len, one.words)), len(one.words))
    ),
    "capitals": Feature(
        "share of capitals among the letters", lambda one: _part_of(one.count(str.isupper), one.count(str.isalpha))
    ),
    "digits": Feature("share of digits in the text", lambda one: one.share(str.isdigit)),
    "not ASCII": Feature("share of letters beyond ASCII", lambda one: one.share(lambda sign: sign > "\x7f")),
    "blanks": Feature("share of blanks and line ends", lambda one: one.share(str.isspace)),
    "exclamations": Feature(
        "ln(1 + exclamation marks per 1,000 characters)",
        lambda one: _log(1000.0 * one.share("!".__eq__)),
    ),
    "money": Feature(
        "ln(1 + signs of money per 1,000 characters)",
        lambda one: _log(1000.0 * one.share("$€£¥".__contains__)),
    ),
    "quoted lines": Feature("share of the lines that quote another mail", _quoted),
    # the subject
    "no subject": Feature("no subject", lambda one: float(not one.subject)),
    "subject length": Feature("ln(1 + words of the subject)", lambda one: _log(len(one.subject_words))),
    "subject capitals": Feature("share of capitals in the subject", lambda one: _capitals(one.subject)),
    "subject marks": Feature(
        "ln(1 + ! ? $ % in the subject)", lambda one: _log(sum(map(one.subject.count, "!?$%")))
    ),
    "subject digits": Feature("ln(1 + digits in the subject)", lambda one: _log(sum(map(str.isdigit, one.subject)))),
    "subject not ASCII": Feature("the subject has signs beyond ASCII", lambda one: float(not one.subject.isascii())),
}  # fmt: skip
TARGET = "class"  # the column that says what a mail is
TRUSTED = "trusted"  # comes with the filter's list of domains (trusted_domains.py)


@dataclass(frozen=True)
class FeatureSet:
    """Which features make the row of a mail, beside `trusted`, and how many buckets words are counted in."""

    meaning: str
    features: tuple[str, ...]  # of FEATURES
    subject_buckets: int = 0
    body_buckets: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns without `trusted`, which comes last."""
        return (
            *self.features,
            *(f"subject words {place}" for place in range(1, self.subject_buckets + 1)),
            *(f"words {place}" for place in range(1, self.body_buckets + 1)),
        )

    def row(self, mail: Mail) -> Float[np.ndarray, " d"]:
        """The numbers of a mail in the order of `columns`, all finite; float32, as many mails are kept."""
        letter = Letter(mail)
        own = [FEATURES[name].value(letter) for name in self.features]
        subject, body = np.zeros(self.subject_buckets), np.zeros(self.body_buckets)
        for counts, text in ((subject, "subject_words"), (body, "words")):
            if len(counts):
                for word, count in Counter(getattr(letter, text)).items():
                    counts[bucket(word, len(counts))] += count
        return np.concatenate([own, np.log1p(subject), np.log1p(body)]).astype(np.float32)

    def words_of(self, mail: Mail, column: str) -> list[str]:
        """The words of a mail that a column of buckets counts, the most frequent first; none for another column."""
        kind, _, place = column.rpartition("words ")
        if kind not in ("", "subject ") or not place.isdecimal():
            return []
        letter = Letter(mail)
        found, buckets = (letter.subject_words, self.subject_buckets) if kind else (letter.words, self.body_buckets)
        return [word for word, _ in Counter(found).most_common() if bucket(word, buckets) == int(place) - 1]


FEATURE_SETS: dict[str, FeatureSet] = {
    "lecture": FeatureSet("the lecture's two: length, and whether the sender is trusted", ("ln(length)",)),
    "rich": FeatureSet(
        "headers, address, links, attachments, signs and words", tuple(FEATURES), SUBJECT_BUCKETS, BODY_BUCKETS
    ),
}


def rows_table(
    features: str,
    rows: Float[np.ndarray, "n d"],
    trusted: Bool[np.ndarray, " n"],
    spam: Bool[np.ndarray, " n"] | None = None,
    *,
    name: str = "mails",
) -> Table:
    """The table of rows that `FeatureSet.row` made: its columns, `trusted`, and with labels the target `class`."""
    columns = [as_column(name, rows[:, j]) for j, name in enumerate(FEATURE_SETS[features].columns)]
    columns.append(as_column(TRUSTED, trusted))
    if spam is not None:
        columns.append(as_column(TARGET, np.where(spam, SPAM, WANTED)))
    return Table(name, tuple(columns))


def mail_table(
    mails: Iterable[Mail],
    labels: Sequence[bool] | None = None,
    *,
    features: str = "rich",
    trusted: Callable[[str], bool] = lambda domain: False,
) -> Table:
    """The table of mails, for `tw.fit`, `tw.explain` and whatever takes a table.

    Args:
        mails: in any number.
        labels: for each whether it is spam; with them there is a column `class`: 'spam' or 'wanted'.
        features: "lecture" or "rich".
        trusted: tells of a domain whether it is trusted, such as `TrustedDomains.covers`.

    Raises:
        InputError: there are no mails, or what is no Mail; another number of labels, or what is none; no such features.
    """
    check_choice(features, tuple(FEATURE_SETS), "features")
    rows, of_trusted = [], []
    for number, mail in enumerate(mails if isinstance(mails, Iterable) and not isinstance(mails, str) else [mails], 1):
        if not isinstance(mail, Mail):
            message = (
                f"mail {number} is {shown(mail)}, and mails are Mail objects; read those of a file or a folder with "
                "thalweg.mailboxes.mails(paths)"
            )
            raise InputError(message)
        rows.append(FEATURE_SETS[features].row(mail))
        of_trusted.append(trusted(mail.domain))
    known = None if labels is None else list(labels) if isinstance(labels, Iterable) else [labels]
    if not rows or (known is not None and len(known) != len(rows)):
        message = f"there are {len(rows)} mails and {'no' if known is None else len(known)} labels; give one for each"
        raise InputError(message)
    for number, label in enumerate(known or (), 1):
        if not isinstance(label, bool | np.bool_) and not (isinstance(label, int | float) and label in (0, 1)):
            message = f"label {number} is {shown(label)}, and labels say whether a mail is spam; give True or False"
            raise InputError(message)
    spam = None if known is None else np.array(known, dtype=np.bool_)
    return rows_table(features, np.stack(rows), np.array(of_trusted, dtype=np.bool_), spam)
