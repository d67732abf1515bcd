"""`thalweg spam train` and `thalweg spam classify`: a filter from your own mail, and what it says of new mail."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, NoReturn

import typer

from thalweg import console, engines, spam_header, whole_file, writers
from thalweg.command_options import Engine, Json, saved
from thalweg.errors import FileError, InputError
from thalweg.fitting import HOLDOUT
from thalweg.mail import MAX_BYTES, Mail, read_mail
from thalweg.mail_features import FEATURE_SETS, SPAM, WANTED
from thalweg.mail_streams import BLOCK
from thalweg.mailboxes import Reading, mails, total_bytes
from thalweg.outputs import check_outputs
from thalweg.progress import LateProgress, ProgressBar
from thalweg.settings import check_number
from thalweg.spam import SPLITS, SpamFilter


FOUND_SPAM = 3  # exit status
WIDTH = 60  # of a subject in a line

group: typer.Typer = typer.Typer(
    help="A spam filter: learn from mail that you know, and say of other mail how probably it is spam.",
    no_args_is_help=True,
)


@group.command(
    epilog="Examples:\n\n  thalweg spam train --ham ~/Mail/inbox --ham ~/Mail/work.mbox --spam ~/Mail/junk\n\n"
    "  thalweg spam train --ham wanted.mbox --spam junk.mbox --trusted domains.txt --split time -o mine.thalweg\n\n"
    "  thalweg spam train --ham wanted.mbox --spam junk.mbox --features lecture -o lecture.thalweg"
)
def train(
    ham: Annotated[
        list[str], typer.Option(help="Wanted mail: mbox, Maildir, .eml or a folder of them; may be given again.")
    ],
    spam: Annotated[list[str], typer.Option(help="Unwanted mail, likewise.")],
    trusted: Annotated[
        Path | None,
        typer.Option(show_default="learnt from the wanted mail", help="A text file of domains to trust, one a line."),
    ] = None,
    features: Annotated[
        str, typer.Option(help=f"What is looked at: {'; '.join(f'{n}, {s.meaning}' for n, s in FEATURE_SETS.items())}.")
    ] = "rich",
    split: Annotated[
        str, typer.Option(help=f"Which are held out: {'; '.join(f'{name}, {what}' for name, what in SPLITS.items())}.")
    ] = "random",
    holdout: Annotated[
        float, typer.Option(help="Share of the mails held out to measure on; 0 uses every one.")
    ] = HOLDOUT,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the filter goes.")] = Path("spam.thalweg"),
    seed: Annotated[int, typer.Option(help="Of splits, weights, orders and dropout.")] = 0,
    engine: Engine = engines.DEFAULT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no figures.")] = False,
    as_json: Json = False,
) -> None:
    """Learn a spam filter from wanted mail and spam, and measure it on mails held out."""
    single = {f"mailbox {path}": path for path in (*ham, *spam)} | {"list": None if trusted is None else str(trusted)}
    check_outputs({"filter": output}, single)
    with _Reading(quiet) as reading:
        found = SpamFilter.train(
            reading.mails(ham), reading.mails(spam), trusted=trusted, features=features, split=split, holdout=holdout,
            seed=seed, engine=engine, callbacks=() if quiet else (ProgressBar(),),
        )  # fmt: skip
    found.save(output)
    with saved(found.model, output):
        if as_json:
            console.as_json({**console.spam_summary(found), "skipped": reading.skipped, "filter": str(output)})
        elif not quiet:
            _tell_skipped(reading.skipped)
            console.spam_filter(found)
            typer.echo(f"filter  {output}")


@group.command(
    epilog="Examples:\n\n  thalweg spam classify spam.thalweg ~/Mail/new\n\n"
    "  thalweg spam classify spam.thalweg letter.eml --explain\n\n"
    "  thalweg spam classify spam.thalweg --header < letter.eml > marked.eml\n\n"
    "Exit status: 0 no mail is spam, 3 at least one is; with --header 0. 2 wrong use, 1 a failure."
)
def classify(
    filter: Annotated[Path, typer.Argument(help="A filter that `thalweg spam train` wrote.")],
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Mail: mbox, Maildir, .eml or folders; - is standard input.", show_default=False),
    ] = None,
    threshold: Annotated[float, typer.Option(help="The probability from which on a mail is spam.")] = 0.5,
    explain: Annotated[bool, typer.Option("--explain", help="Show for each mail how the answer came about.")] = False,
    passes: Annotated[
        bool, typer.Option("--passes", help="With --explain: the forward pass too, where the network is large.")
    ] = False,
    header: Annotated[
        bool,
        typer.Option(
            "--header",
            help=f"Write the one mail of standard input, or of a file, to standard output with a header "
            f"{spam_header.NAME}, and nothing else changed.",
        ),
    ] = False,
    engine: Engine = engines.DEFAULT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the exit status tells.")] = False,
    as_json: Json = False,
) -> None:
    """Say of each mail how probably it is spam; the exit status says whether one is."""
    for one, other, both in (
        ("--header", "--explain", header and explain), ("--header", "--json", header and as_json),
        ("--header", "--quiet", header and quiet), ("--quiet", "--explain", quiet and explain),
        ("--quiet", "--json", quiet and as_json),
    ):  # fmt: skip
        if both:
            message = f"{one} and {other} exclude each other; leave one of them out"
            raise InputError(message)
    if passes and not explain:
        message = "--passes would do nothing without --explain; give both"
        raise InputError(message)
    if header:
        _mark(filter, paths or ["-"], threshold, engine)
        return
    _check_threshold(threshold)
    if not paths:
        message = "which mail? Give mailboxes or files after the filter, or - for standard input"
        raise InputError(message)
    found, told, spam = SpamFilter.load(filter), [], 0
    with _Reading(quiet or not (as_json or not sys.stdout.isatty())) as reading:  # lines show how far it is
        for batch, probabilities in found.classify_batches(reading.mails(paths), engine=engine):
            for mail, probability in zip(batch, probabilities.tolist(), strict=True):
                is_spam = probability >= threshold
                spam += is_spam
                why = found.explain(mail) if explain else None
                if as_json:
                    told.append(
                        {
                            "mail": mail.name, "probability": probability, "verdict": SPAM if is_spam else WANTED,
                            "subject": mail.subject, **({"why": why.to_dict()} if why else {}),
                        }
                    )  # fmt: skip
                elif not quiet:
                    verdict = SPAM if is_spam else WANTED
                    name, subject = console.on_one_line(mail.name), console.on_one_line(mail.subject, WIDTH)
                    typer.echo(f"{probability:.4f}  {verdict:<6}  {name}  {subject}")
                    if why is not None:
                        typer.echo(writers.write(why.document(passes=True if passes else None), "text"))
    if as_json:
        console.as_json({"threshold": threshold, "spam": spam, "skipped": reading.skipped, "mails": told})
    elif not quiet:
        _tell_skipped(reading.skipped)
    if spam:
        raise typer.Exit(FOUND_SPAM)


def _mark(filter: Path, paths: list[str], threshold: float, engine: str) -> None:
    """Write the mail with its header; whatever fails, the mail is written first."""
    if len(paths) > 1:
        message = f"--header takes one mail, and here are {len(paths)}; give one, or none for standard input"
        raise InputError(message)
    with contextlib.ExitStack() as stack:
        mail = sys.stdin.buffer if paths[0] == "-" else stack.enter_context(_opened(paths[0]))
        written = b""
        rest = stack.enter_context(_Rest(mail))
        try:
            start = _start(mail, paths[0])
            written = spam_header.unmarked(start)
            size = len(start) + rest.keep()
            # Here, because a mail must not be lost to a wrong number in a pipeline either.
            _check_threshold(threshold)
            probability = float(SpamFilter.load(filter).classify(read_mail(start, size=size), engine=engine)[0])
            written = spam_header.marked(start, probability, probability >= threshold)
        finally:
            # Whatever failed: no mail is lost to a reader that does not look at the exit status; nor does a forged
            # header get through.
            sys.stdout.flush()
            sys.stdout.buffer.write(written)
            rest.write_to(sys.stdout.buffer)
            sys.stdout.buffer.flush()


def _check_threshold(threshold: float) -> None:
    check_number(threshold, lambda p: 0 <= p <= 1, "--threshold", "a probability from 0 to 1")


def _opened(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        _no_mail(error, path)


def _start(mail: IO[bytes], path: str) -> bytes:
    """As much of it as is read of any mail, in which its headers are looked for too."""
    try:
        return mail.read(MAX_BYTES)
    except OSError as error:
        _no_mail(error, path)


def _no_mail(error: OSError | ValueError, path: str) -> NoReturn:
    if isinstance(error, OSError):
        whole_file.raise_sentence(error, path, "read")
    message = f"{path!r} is no path: {error}"
    raise FileError(message) from error


class _Rest:
    """What follows the beginning of a mail: on the disk until it is written, so that a large mail needs no memory.

    If the disk is full, nothing is lost: what did not go there is still at hand, and the rest was not read yet.
    """

    def __init__(self, mail: IO[bytes]) -> None:
        self._mail = mail
        self._kept: IO[bytes] | None = None
        self._hand = b""  # read, and not yet kept

    def __enter__(self) -> _Rest:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kept is not None:
            self._kept.close()

    def keep(self) -> int:
        """Read to the end of the mail; how many bytes that were."""
        size = 0
        while block := self._mail.read(BLOCK):
            self._hand, size = block, size + len(block)
            if self._kept is None:
                self._kept = tempfile.TemporaryFile(buffering=0)  # without a buffer it is known what was written
            while self._hand:
                self._hand = self._hand[self._kept.write(self._hand) :]
        return size

    def write_to(self, out: IO[bytes]) -> None:
        """All of it."""
        if self._kept is not None:
            self._kept.seek(0)
            shutil.copyfileobj(self._kept, out, BLOCK)
        out.write(self._hand)
        shutil.copyfileobj(self._mail, out, BLOCK)


def _tell_skipped(files: int) -> None:
    """Say it once, beside what is printed: a file among many may have been meant to be read."""
    if files:
        said = "1 file that holds no mail was" if files == 1 else f"{files:,} files that hold no mail were"
        typer.echo(f"{said} skipped", err=True)


class _Reading(LateProgress):
    """How far mailboxes have been read, on a terminal, after a second."""

    def __init__(self, quiet: bool) -> None:
        super().__init__()
        self._quiet, self._started = quiet, time.perf_counter()
        self._all: list[Reading] = []

    @property
    def skipped(self) -> int:
        """Files without a mail, over all mailboxes."""
        return sum(reading.skipped for reading in self._all)

    def mails(self, paths: list[str]) -> Iterator[Mail]:
        """The mails of these mailboxes, which are looked for now."""
        reading, total = Reading(), None if self._quiet else total_bytes(paths)
        self._all.append(reading)
        return self._counted(mails(paths, reading=reading), reading, total)

    def _counted(self, several: Iterator[Mail], reading: Reading, total: int | None) -> Iterator[Mail]:
        for mail in several:
            if not self._quiet:
                seconds = time.perf_counter() - self._started
                self.show(seconds, reading.read, total, f"{reading.mails:,} mails read")
            yield mail
        self.__exit__()  # training, or the other class, has a bar of its own
