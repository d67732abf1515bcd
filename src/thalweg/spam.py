"""A spam filter: wanted mail and spam in, a network out that says of a mail how probably it is spam.

mails ─┬─ held out, at random or the last by time: figures, tree and baseline beside
       └─ kept ─┬─ validation: when to stop, which epoch's weights
                └─ training: the trusted domains, the encoder and the network learn from these alone

The lecture's example (L6–L9) in earnest. Its two features alone are measured beside the many on the same mails.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, safe_file, trusted_domains
from thalweg import model as models
from thalweg.errors import FileError, InputError, ThalwegWarning, shown
from thalweg.explaining import explain
from thalweg.fitting import HOLDOUT, fit
from thalweg.mail import Mail
from thalweg.mail_explanations import MailExplanation
from thalweg.mail_features import FEATURE_SETS, SPAM, TARGET, WANTED, arrival, mail_table, rows_table
from thalweg.mailboxes import mails as read_mails
from thalweg.model import Model
from thalweg.settings import check_choice, check_number
from thalweg.splitting import split as split_rows
from thalweg.table import Table
from thalweg.trusted_domains import TrustedDomains


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

KIND = "spam filter"  # of the file
SPLITS = {
    "random": "mails drawn at random, of each class alike",
    "time": "the last mails by the time of their arrival; those without one train",
}
VALIDATION = 0.15  # share of the mails kept
_MOST_NEEDED = 1000  # mails of each kind that a message asks for
# Mails that are classified together, and the bytes of them after which no more are waited for: large ones are many
# times as large once they are read.
BATCH, BATCH_BYTES = 256, 4_000_000
# The lecture's two inputs go through a network that can be read by hand. For the many, 16, 32, 64 and 256 + 256 units
# are level on the mails of benchmarks/spam.py (--hidden), at 98.6 to 98.8 % held out at random and 98.3 to 98.5 % by
# time, medians of three seeds.
RECIPES: dict[str, dict[str, Any]] = {
    "lecture": {"hidden": (4,), "activation": "sigmoid", "learning_rate": 0.1, "dropout": 0.0},
    "rich": {"hidden": (32,)},
}


@dataclass(frozen=True, repr=False)
class SpamFilter:
    """A network that was trained on wanted mail and spam, and what it needs to read a mail: `SpamFilter.train`."""

    model: Model  # with held-out figures of network, tree and baseline
    trusted: TrustedDomains  # of wanted mail in the training part, or your list
    features: str  # "rich" or "lecture"
    lecture: dict[str, Any] | None = None  # held-out figures of the lecture's two features alone, beside "rich"

    def __repr__(self) -> str:
        return f"SpamFilter({self.features}): {self.model.network}, {len(self.trusted):,} trusted domains"

    @classmethod
    def train(
        cls,
        ham: Any,
        spam: Any,
        *,
        trusted: Any = None,
        features: str = "rich",
        split: str = "random",
        holdout: float = HOLDOUT,
        validation: float = VALIDATION,
        seed: int = 0,
        engine: str = engines.DEFAULT,
        threads: int | None = None,
        callbacks: Iterable[Any] = (),
        **recipe: Any,
    ) -> SpamFilter:
        """Learn from mails whose class is known, and measure it on some of them that it has not seen.

        Args:
            ham: wanted mail: a path (mbox, Maildir, .eml, a folder), several, or Mail objects.
            spam: unwanted mail, likewise.
            trusted: domains whose mail counts as trusted: their names, a text file with one a line, or
                TrustedDomains; without, those that more wanted mail than spam of the training part came from.
            features: "rich", or the lecture's two: "lecture".
            split: how mails are held out: "random" (of each class alike), or "time" (the last to arrive; mails without
                a date train).
            holdout: share of the mails held out to measure on; 0 uses all.
            validation: share of the others that says when to stop.
            seed: of splits, initial weights and orders.
            engine: name of the engine.
            threads: for an engine with threads of its own.
            callbacks: as in `tw.train`.
            **recipe: settings of the network and its training, as of `tw.fit`.

        Raises:
            InputError: there are too few mails of a class, or an option breaks its rule.
            FileError: a mailbox or the file of trusted domains cannot be read.

        >>> from thalweg.mail import read_mail
        >>> ham = [read_mail(b"From: a@b.org\\nSubject: lunch %d\\n\\nAt noon?\\n" % i) for i in range(60)]
        >>> spam = [read_mail(b"From: c@d.com\\nSubject: WIN!\\n\\nClick now, friend %d!\\n" % i) for i in range(40)]
        >>> filter = SpamFilter.train(ham, spam, epochs=28)
        >>> (filter.classify([ham[0], spam[0]]) > 0.5).tolist()
        [False, True]
        """
        check_choice(features, tuple(FEATURE_SETS), "features")
        check_choice(split, tuple(SPLITS), "split")
        check_number(holdout, lambda share: 0 <= share < 1, "holdout", "a share of the mails, 0 <= holdout < 1")
        if split == "time" and not holdout:
            message = "split='time' would do nothing, as holdout=0 holds no mail out; leave one of them out"
            raise InputError(message)
        given = None if trusted is None else _trusted(trusted)
        known = _Known.read(ham, spam, features)
        kept, held = known.parts(holdout, split, seed)
        _check_enough(known.spam, kept, held if split == "random" else held[:0], holdout, validation, seed)
        training, valid = split_rows(len(kept), validation, seed=seed, purpose="validation", labels=known.spam[kept])
        training, valid = kept[training], kept[valid]
        domains = [known.domains[row] for row in training]
        learnt = trusted_domains.learn(domains, known.spam[training]) if given is None else given
        is_trusted = np.array([learnt.covers(domain) for domain in known.domains])
        if given is None:  # see there why these are not `covers` of all
            is_trusted[training] = trusted_domains.trusted_without_itself(domains, known.spam[training])
        options = {"seed": seed, "engine": engine, "threads": threads}

        def learned(name: str, settings: dict[str, Any], **more: Any) -> Model:
            fit_rows, valid_rows, held_rows = (known.table(name, rows, is_trusted) for rows in (training, valid, held))
            how = {"test": held_rows} if len(held) else {"holdout": 0}
            return fit(fit_rows, TARGET, validation=(valid_rows, None), **how, **options, **settings, **more)

        model = learned(features, {**RECIPES[features], **recipe}, callbacks=callbacks)
        figures, settings = dict(model.figures), dict(model.settings)
        figures["rows"] = {**figures["rows"], "given": len(known.spam), "copies": known.copies}
        undated = int(np.isnan(known.arrivals[kept]).sum())
        settings.update(data="mails", holdout=holdout, validation=validation, test=None, split=split, undated=undated)
        settings["trusted"] = "learnt" if given is None else "given"
        lecture = None
        if features != "lecture" and len(held):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ThalwegWarning)
                lecture = learned("lecture", RECIPES["lecture"]).figures["network"]
        return cls(dataclasses.replace(model, figures=figures, settings=settings), learnt, features, lecture)

    def classify(self, mails: Any, *, engine: str = engines.DEFAULT) -> Float[np.ndarray, " n"]:
        """The probability that each mail is spam.

        Args:
            mails: Mail objects, one or several, or paths of mailboxes.
            engine: name of the engine.
        """
        found = [part for _, part in self.classify_batches(mails, engine=engine)]
        return np.concatenate(found) if found else np.empty(0)

    def classify_batches(
        self, mails: Any, *, engine: str = engines.DEFAULT
    ) -> Iterator[tuple[list[Mail], Float[np.ndarray, " m"]]]:
        """The same for any number of mails: some of them at a time, and the probability of each.

        Args:
            mails: Mail objects, one or several, or paths of mailboxes.
            engine: name of the engine.
        """
        batch: list[Mail] = []
        for mail in _mails(mails):
            batch.append(mail)
            if len(batch) == BATCH or sum(one.size for one in batch) > BATCH_BYTES:
                yield batch, self._probabilities(batch, engine)
                batch = []
        if batch:
            yield batch, self._probabilities(batch, engine)

    def explain(self, mail: Any, *, spam: bool | None = None) -> MailExplanation:
        """The computation for one mail: what was made of it, the forward pass, and what carried the answer.

        Args:
            mail: a Mail, or the path of a file with one.
            spam: what it really is, if you know: then there is an error, and the backward pass.
        """
        first = list(itertools.islice(_mails(mail), 2))
        if len(first) != 1:
            message = f"explain takes one mail, and here {'are several' if first else 'is none'}; give one"
            raise InputError(message)
        (one,) = first
        table = self._table([one], None if spam is None else [spam])
        spam_unit = self._classes.index(SPAM) + 1
        return MailExplanation(one, self.features, explain(self.model, table, 1, output=spam_unit))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the filter to the file `path`, whole or not at all. No text of a mail, and no address, is in it.

        Raises:
            InputError: the folder does not exist or may not be written.
            OSError: the disk is full or broken; an old file of this name survives.
        """
        model, arrays = models.to_parts(self.model)
        trusted = {"salt": self.trusted.salt, "digests": sorted(self.trusted.digests)}
        header = {"model": model, "features": self.features, "trusted": trusted, "lecture": self.lecture}
        safe_file.write(path, kind=KIND, header=header, arrays=arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SpamFilter:
        """Read a filter that `save` wrote to `path`. Loading runs no code.

        Raises:
            FileError: the file is missing, damaged, cut, or no spam filter of ours.
        """
        header, arrays = safe_file.read(path, kind=KIND)
        try:
            features, trusted, lecture = header["features"], header["trusted"], header["lecture"]
            if not (lecture is None or {"accuracy", "log_loss", "auc"} <= set(dict(lecture))):
                raise ValueError("the figures of the lecture's features are none")
            model = models.from_parts(header["model"], arrays, path)
            found = cls(model, TrustedDomains(trusted["salt"], frozenset(trusted["digests"])), features, lecture)
            if not {*model.encoder.columns} <= {*FEATURE_SETS[features].columns, "trusted"}:
                raise ValueError("the columns of its network are not those of its features")
            if set(found._classes) != {SPAM, WANTED}:
                raise ValueError(f"its classes are not {SPAM} and {WANTED}")
            return found
        except FileError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            message = f"the spam filter {os.fspath(path)!r} is whole, but its parts do not fit together: {reason}"
            raise FileError(message) from error

    @property
    def _classes(self) -> list[str]:
        return [str(label) for label in self.model.classes]

    def _table(self, mails: Sequence[Mail], labels: Sequence[bool] | None = None) -> Table:
        return mail_table(mails, labels, features=self.features, trusted=self.trusted.covers)

    def _probabilities(self, mails: Sequence[Mail], engine: str) -> Float[np.ndarray, " m"]:
        outputs = self.model.predict_proba(self._table(mails), engine=engine)
        return outputs[:, self._classes.index(SPAM)].astype(np.float64)


@dataclass(frozen=True, eq=False)
class _Known:
    """Mails whose class is known, as rows: their texts are not kept."""

    features: str
    rows: Float[np.ndarray, "n d"]
    spam: Bool[np.ndarray, " n"]
    domains: list[str]
    arrivals: Float[np.ndarray, " n"]  # seconds since 1970; nan where unknown
    copies: int  # left out

    @classmethod
    def read(cls, ham: Any, spam: Any, features: str) -> _Known:
        """Both classes. A copy of a mail is left out: it could be held out while its twin trains."""
        seen: dict[bytes, bool] = {}
        rows, labels, domains, arrivals, copies = [], [], [], [], 0
        for given, is_spam in ((ham, False), (spam, True)):
            for mail in _mails(given):
                digest = hashlib.sha256(repr((mail.headers, mail.text)).encode("utf-8", "surrogatepass")).digest()
                if digest in seen:
                    if seen[digest] is not is_spam:
                        message = f"the mail {shown(mail.name)} is among wanted mail and spam; take it out of one"
                        raise InputError(message)
                    copies += 1
                    continue
                seen[digest] = is_spam
                rows.append(FEATURE_SETS[features].row(mail))
                labels.append(is_spam)
                domains.append(mail.domain)
                moment = arrival(mail)
                arrivals.append(_seconds(moment))
        counts = Counter(labels)
        for is_spam, what in ((False, "wanted mail"), (True, "spam")):
            if not counts[is_spam]:
                message = f"there is no {what} to learn from, but {counts[not is_spam]:,} of the other kind; give both"
                raise InputError(message)
        return cls(features, np.stack(rows), np.array(labels), domains, np.array(arrivals), copies)

    def parts(self, holdout: float, split: str, seed: int) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " h"]]:
        """The rows kept and the rows held out."""
        n = len(self.spam)
        if not holdout:
            return np.arange(n), np.arange(0)
        if split == "random":
            return split_rows(n, holdout, seed=seed, purpose="holdout", labels=self.spam)
        order = np.argsort(np.where(np.isnan(self.arrivals), -np.inf, self.arrivals), kind="stable")
        wanted = min(max(round(n * holdout), 1), int(np.isfinite(self.arrivals).sum()), n - 1)
        kept, held = np.sort(order[: n - wanted]), np.sort(order[n - wanted :])
        if len(held) and np.unique(self.spam[kept]).size == 2:
            return kept, held
        what = "has a date" if not len(held) else "of one class came before the others"
        message = f"split='time' cannot hold mails out: no mail {what}; use split='random'"
        raise InputError(message)

    def table(self, features: str, rows: Int[np.ndarray, " k"], trusted: Bool[np.ndarray, " n"]) -> Table:
        """The table of these rows; the columns of the lecture are among those of every set."""
        own = FEATURE_SETS[self.features].columns
        places = [own.index(name) for name in FEATURE_SETS[features].columns]
        return rows_table(features, self.rows[rows][:, places], trusted[rows], self.spam[rows])


def _check_enough(
    spam: Bool[np.ndarray, " n"],
    kept: Int[np.ndarray, " k"],
    held: Int[np.ndarray, " h"],
    holdout: float,
    validation: float,
    seed: int,
) -> None:
    """That both kinds are there to train on and, where mails are held out, to measure on."""

    def works(labels: np.ndarray, kept: np.ndarray, held: np.ndarray) -> bool:
        if len(kept) < 2:  # one trains, and one says when to stop
            return False
        training, _ = split_rows(len(kept), validation, seed=seed, purpose="validation", labels=labels[kept])
        return all(np.unique(labels[part]).size == 2 for part in (kept[training], held) if len(part))

    if works(spam, kept, held):
        return
    for needed in range(2, _MOST_NEEDED):
        rows, labels = np.arange(2 * needed), np.arange(2 * needed) % 2 == 1
        parts = split_rows(len(rows), holdout, seed=seed, purpose="holdout", labels=labels) if holdout else (rows, held)
        if works(labels, *parts):
            break
    else:
        message = f"holdout={holdout:g} leaves too few mails to train on; hold fewer out"
        raise InputError(message)
    many, some = int(np.sum(~spam)), "" if not holdout else " and to hold some out"
    message = (
        f"there {'is' if many == 1 else 'are'} {many:,} wanted mail{'' if many == 1 else 's'} and {len(spam) - many:,} "
        f"spam, and {needed:,} or more of each are needed to train{some}; give more mails"
    )
    raise InputError(message)


def _seconds(moment: datetime | None) -> float:
    return np.nan if moment is None else moment.timestamp()


def _mails(given: Any) -> Iterator[Mail]:
    """Mails from a Mail, a path, or several of them."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str | os.PathLike) else [given]
    # Paths that follow one another are read together: an empty file stops only where there is nothing else.
    for are_paths, some in itertools.groupby(several, lambda one: isinstance(one, str | os.PathLike)):
        if are_paths:
            yield from read_mails(some)
            continue
        for one in some:
            if not isinstance(one, Mail):
                message = f"mails are Mail objects or paths of mailboxes, not {shown(one)}"
                raise InputError(message)
            yield one


def _trusted(given: Any) -> TrustedDomains:
    if isinstance(given, TrustedDomains):
        return given
    if isinstance(given, str | os.PathLike):
        return TrustedDomains.read(given)
    names = list(given) if isinstance(given, Iterable) else [given]
    if all(isinstance(name, str) for name in names):
        return TrustedDomains.of(names)
    message = f"trusted must be names of domains, or a text file of them, not {shown(given)}"
    raise InputError(message)
