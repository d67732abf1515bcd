"""Which senders' domains count as trusted, the lecture's x₂: from a list of yours, or learnt from wanted mail.

Nothing proves that a mail comes from the domain in its From line. The filter weighs this feature by what it was worth
on the mails it learnt from, forged ones included.

Kept are only SHA-256 digests of salt + domain, so that a file does not show at a glance who writes to you. They hide no
domain from somebody who guesses it and tries: the names of domains are few enough for that.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from thalweg import text_files
from thalweg.errors import FileError, InputError, shown


if TYPE_CHECKING:
    from jaxtyping import Bool


MOST_LABELS = 127  # of a domain (RFC 1035: 255 octets), so that a hostile one costs nothing
_DOMAIN = re.compile(r"[^\s@./\\,;:<>()\[\]\"']+(\.[^\s@./\\,;:<>()\[\]\"']+)*")
_SALT, _DIGEST = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class TrustedDomains:
    """Domains as digests; each covers its subdomains.

    >>> trusted = TrustedDomains.of(["example.org"])
    >>> trusted.covers("mail.example.org"), trusted.covers("example.com"), "example" in repr(trusted)
    (True, False, False)
    """

    salt: str  # 32 hexadecimal digits, made from the domains: no table of digests made beforehand fits
    digests: frozenset[str]  # SHA-256 of salt + domain, in hexadecimal digits

    def __post_init__(self) -> None:
        if not _SALT.fullmatch(self.salt) or not all(map(_DIGEST.fullmatch, self.digests)):
            message = "the trusted domains must be a salt of 32 and digests of 64 hexadecimal digits"
            raise InputError(message)

    def __repr__(self) -> str:
        return f"TrustedDomains({len(self.digests):,} digests)"

    def __len__(self) -> int:
        return len(self.digests)

    @classmethod
    def of(cls, domains: Iterable[str]) -> TrustedDomains:
        """Of domains by name; @ in front and upper case do not matter.

        Raises:
            InputError: one is no domain.
        """
        names = sorted({_checked(domain) for domain in domains})
        salt = hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return cls(salt, frozenset(_digest(salt, name) for name in names))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> TrustedDomains:
        """Of a text file: one domain, or address, a line; what follows # is a comment.

        Raises:
            FileError: the file cannot be read, or has a line that is no domain.
        """
        lines = [line.partition("#")[0].strip() for line in text_files.read(path, "trusted domains").splitlines()]
        for number, line in enumerate(lines, 1):
            if line and not _DOMAIN.fullmatch(_bare(line)):
                message = (
                    f"line {number} of {os.fspath(path)!r} is {shown(line)}, which is no domain; write one a line, "
                    f"such as example.org"
                )
                raise FileError(message)
        return cls.of(line for line in lines if line)

    def covers(self, domain: str) -> bool:
        """Whether this domain, or one that it is a subdomain of, is among them."""
        return any(_digest(self.salt, name) in self.digests for name in lineage(domain))


def lineage(domain: str) -> Iterator[str]:
    """A domain and those above it.

    >>> list(lineage("mail.example.org"))
    ['mail.example.org', 'example.org', 'org']
    """
    labels = domain.strip(".").split(".")[-MOST_LABELS:]
    for place in range(len(labels)):
        if labels[place]:
            yield ".".join(labels[place:])


def learn(domains: Sequence[str], spam: Bool[np.ndarray, " n"]) -> TrustedDomains:
    """The domains that more wanted mails than spam came from.

    >>> learned = learn(["a.org", "b.com", "b.com", "b.com"], np.array([False, False, True, True]))
    >>> learned.covers("a.org"), learned.covers("b.com")
    (True, False)
    """
    balance = _balance(domains, spam)
    return TrustedDomains.of(domain for domain, more in balance.items() if more > 0)


def trusted_without_itself(domains: Sequence[str], spam: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """For each of the mails that the domains are learnt from, whether the others would have it trusted.

    >>> trusted_without_itself(["a.org", "b.org", "b.org"], np.array([False, False, False])).tolist()
    [False, True, True]
    """
    # `learn(domains, spam).covers` would be wrong here: the only mail of a domain would be trusted exactly if it is
    # wanted, so in training the feature would be the label itself, and the network would lean on it; on new mails,
    # whose domain nobody has seen, it would then fail. So each mail is left out of the counts that decide about it.
    # What it gets depends on the labels of other mails alone, as for a new mail; where labels are drawn at random, it
    # says nothing of the mail's own (tests/test_trusted_domains.py).
    balance = _balance(domains, spam)
    own = np.where(spam, -1, 1)
    return np.array(
        [
            any(balance[name] - (mine if name == domain else 0) > 0 for name in lineage(domain) if name in balance)
            for domain, mine in zip(domains, own.tolist(), strict=True)
        ],
        dtype=np.bool_,
    )


def _balance(domains: Sequence[str], spam: Bool[np.ndarray, " n"]) -> Counter[str]:
    """Wanted mails less spam of each domain; a name without a dot is no domain to learn: it would cover all below."""
    balance: Counter[str] = Counter()
    for domain, is_spam in zip(domains, spam.tolist(), strict=True):
        if "." in domain and _DOMAIN.fullmatch(domain):
            balance[domain] += -1 if is_spam else 1
    return balance


def _bare(domain: str) -> str:
    return domain.rpartition("@")[2].strip(".").lower()


def _checked(domain: str) -> str:
    name = _bare(domain)
    if not _DOMAIN.fullmatch(name):
        message = f"{shown(domain)} is no domain; give one such as example.org"
        raise InputError(message)
    return name


def _digest(salt: str, domain: str) -> str:
    return hashlib.sha256((salt + domain).encode("utf-8", "surrogatepass")).hexdigest()
