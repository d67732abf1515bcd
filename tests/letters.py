"""For tests: mails that are made up, as the bytes that come from a server and as files."""

from pathlib import Path

import numpy as np

from thalweg.mail import Mail, read_mail


TALK = "lunch meeting orchard picnic garden trumpet choir draft weekend coffee holiday printer budget bicycle".split()
OFFER = "winner pills casino discount urgent prize millions guarantee viagra click credit miracle bonus refund".split()
BOTH = "the a to of and we you for with on this that your please now today".split()
FRIENDS = ("uni.example.org", "work.example.net", "family.example", "club.example.com")


def letter(rng: np.random.Generator, spam: bool, number: int) -> bytes:
    """One mail: friends write from few domains, spam comes from anywhere and now and then from a friend's."""
    own = OFFER if spam else TALK
    words = [str(rng.choice(own if rng.random() < 0.4 else BOTH)) for _ in range(int(rng.integers(20, 120)))]
    stranger = spam and rng.random() < 0.9
    domain = f"shop{rng.integers(10_000)}.test" if stranger else str(rng.choice(FRIENDS))
    subject = " ".join(words[:4]).upper() if spam and rng.random() < 0.5 else " ".join(words[:4])
    day, hour = 1 + number % 28, int(rng.integers(24))
    link = f"http://{domain}/{number}" if rng.random() < (0.8 if spam else 0.2) else ""
    body = " ".join(words) + ("!!" if spam else ".")
    return (
        f"Received: from mx.example.org by mail.example.org; {day} Mar 2024 {hour:02d}:30:00 +0000\r\n"
        f"From: {'' if spam else 'A Friend '}<person{number}@{domain}>\r\nTo: you@example.org\r\n"
        f"Date: {day} Mar 2024 {hour:02d}:00:00 +0000\r\nMessage-ID: <{number}.{int(spam)}@{domain}>\r\n"
        f"Subject: {subject}\r\n\r\n{body}\r\n{link}\r\n"
    ).encode()


def letters(ham: int, spam: int, seed: int = 3) -> tuple[list[bytes], list[bytes]]:
    """So many wanted mails and so much spam."""
    rng = np.random.default_rng(seed)
    return [letter(rng, False, i) for i in range(ham)], [letter(rng, True, i) for i in range(spam)]


def mails(ham: int, spam: int, seed: int = 3) -> tuple[list[Mail], list[Mail]]:
    """The same as read."""
    wanted, unwanted = letters(ham, spam, seed)
    return (
        [read_mail(raw, f"ham {i}") for i, raw in enumerate(wanted)],
        [read_mail(raw, f"spam {i}") for i, raw in enumerate(unwanted)],
    )


def write_folders(folder: Path, ham: int = 67, spam: int = 53, seed: int = 3) -> tuple[Path, Path]:
    """The same in two folders, `ham` and `spam`, a file for each."""
    for name, several in zip(("ham", "spam"), letters(ham, spam, seed), strict=True):
        (folder / name).mkdir()
        for number, raw in enumerate(several):
            (folder / name / f"{number:03d}.eml").write_bytes(raw)
    return folder / "ham", folder / "spam"
