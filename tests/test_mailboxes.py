"""Files, mbox files, Maildirs, folders, gzip and standard input; what is no mail; and memory that stays bounded."""

import gzip
import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_mails import TOP
from thalweg import mail_streams
from thalweg.errors import FileError, InputError
from thalweg.mail import read_mail
from thalweg.mailboxes import Reading, mails, total_bytes


MARK = b"From ann@example.org  Thu Aug 22 12:36:23 2002\n"


def mail(number: int, body: bytes = b"body\n") -> bytes:
    return b"Subject: %d\nFrom: a%d@x.org\n\n" % (number, number) + body


def mbox(*raws: bytes, mark: bytes = MARK) -> bytes:
    return b"".join(mark + raw.replace(b"\nFrom ", b"\n>From ") + b"\n" for raw in raws)


def subjects(*paths: object, **more) -> list[str]:
    return [one.subject for one in mails([str(path) for path in paths], **more)]


def test_a_file_is_one_mail_and_an_mbox_many(tmp_path):
    (tmp_path / "one.eml").write_bytes(mail(1))
    (tmp_path / "many").write_bytes(mbox(mail(2), mail(3), mail(5)))
    (tmp_path / "marked").write_bytes(mbox(mail(7)))
    found = list(mails([tmp_path / name for name in ("one.eml", "many", "marked")]))
    assert [(one.subject, os.path.basename(one.name)) for one in found] == [
        ("1", "one.eml"),
        ("2", "many#1"),
        ("3", "many#2"),
        ("5", "many#3"),
        ("7", "marked"),
    ]
    assert subjects(tmp_path / "one.eml") == [one.subject for one in mails(tmp_path / "one.eml")] == ["1"]


def test_lines_that_begin_with_from_are_as_they_were(tmp_path):
    body = b"From here on\n>From there\n\nFrom that, Thursday at 12:00\n"
    path = tmp_path / "mbox"
    path.write_bytes(MARK + mail(1, body.replace(b"From", b">From")) + b"\n" + MARK + mail(2) + b"\n")
    assert [one.text for one in mails(path)] == ["From here on\n>From there\nFrom that, Thursday at 12:00", "body"]


def test_an_unquoted_from_is_no_mark_where_marks_have_dates_and_one_below_an_empty_line_where_not(tmp_path):
    path = tmp_path / "mbox"
    path.write_bytes(MARK + mail(1, b"a\n\nFrom time to time\n") + b"\n" + MARK + mail(2))
    assert subjects(path) == ["1", "2"]
    mark = b"From nobody\n"
    path.write_bytes(mark + mail(1, b"a\nFrom time to time\n") + b"\n" + mark + mail(2) + b"\r\n" + mark + mail(3))
    assert subjects(path) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("sender", "is_mark"),
    [("a@x.org", True), ("Ann", True), ("Ann B. of the  Third   Row", True), ("word " * 8, True), ("word " * 9, False)],
)
def test_a_sender_may_have_spaces_before_a_date_with_its_time(sender, is_mark):
    other = MARK.replace(b"ann@example.org", sender.strip().encode())
    assert len(list(mail_streams.split(iter([MARK + mail(1) + b"\n" + other + mail(2)]), MARK))) == 1 + is_mark
    undated = other.replace(b" 12:36:23", b"")
    assert (len(list(mail_streams.split(iter([MARK + mail(1) + undated + mail(2)]), MARK))) == 2) == (" " not in sender)


@pytest.mark.parametrize(
    "line",
    [
        "x" + " " * 250,
        "x" + " x" * 125,
        "x " + "Mon" * 80,
        "a b c d ",
        "a b c d e f g h",
        "x Mon",
        "x y Tue, a Tue, b ",
        "",
    ],
    ids=["blanks", "letters", "days", "words", "eight words", "a day", "two days", "nothing"],
)
def test_no_line_that_is_nearly_a_mark_takes_long(line):
    raw = MARK + mail(1, (b"\nFrom " + line.encode()) * (25_000_000 // (len(line) + 6)))
    packed = gzip.compress(raw, 1)
    before = time.process_time()
    found = list(mail_streams.split(iter(mail_streams.Unpacked(iter([packed]))), MARK))
    assert time.process_time() - before < 1.0 and [size for _, size, _ in found] == [len(raw)]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=7), st.integers(1, 1000), st.sampled_from([b"\n", b"\r\n"]))
def test_mails_are_split_alike_wherever_blocks_end(lengths, block, end):
    raws = [mail(number, b"x" * length + b"\n").replace(b"\n", end) for number, length in enumerate(lengths)]
    whole = b"".join(MARK.replace(b"\n", end) + raw + end for raw in raws)
    blocks = (whole[at : at + block] for at in range(0, len(whole), block))
    found = list(mail_streams.split(blocks, whole))
    assert [raw.split(end, 1)[1] for raw, _, _ in found] == raws
    assert [more for _, _, more in found] == [True] * (len(raws) - 1) + [False]
    assert all(size == len(raw) for raw, size, _ in found)


def test_a_maildir_is_read_as_it_is_and_hidden_and_temporary_files_are_not(tmp_path):
    for folder in ("cur", "new", "tmp", ".Junk/cur", ".Junk/new"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "cur" / "2:2,S").write_bytes(mail(2))
    (tmp_path / "cur" / "1:2,S").write_bytes(mail(1))
    (tmp_path / "new" / "3").write_bytes(b"no header, but in a Maildir")
    (tmp_path / "new" / ".hidden").write_bytes(mail(5))
    (tmp_path / "tmp" / "4").write_bytes(mail(4))
    (tmp_path / ".Junk" / "cur" / "7").write_bytes(mail(7))
    (tmp_path / "subscriptions").write_bytes(b"INBOX\n")
    reading = Reading()
    assert subjects(tmp_path, reading=reading) == ["1", "2", ""]
    assert reading.mails == 3 and reading.skipped == 1
    assert subjects(tmp_path / ".Junk") == ["7"]


def test_a_folder_is_read_in_order_and_what_is_no_mail_left_out(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "box").write_bytes(mbox(mail(2), mail(3)))
    (tmp_path / "a").write_bytes(mail(1))
    (tmp_path / "c").write_bytes(mail(5))
    (tmp_path / "cmds").write_bytes(b"mv 1 00001.7c53336b37003a9286aba55d2945844c\n" * 100)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10)
    reading = Reading()
    assert subjects(tmp_path, reading=reading) == ["1", "2", "3", "5"]
    assert reading == Reading(read=total_bytes(tmp_path) or 0, mails=4, skipped=3)


def test_circles_of_links_and_links_to_nowhere_end(tmp_path):
    (tmp_path / "a").write_bytes(mail(1))
    try:
        (tmp_path / "circle").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "itself").symlink_to(tmp_path / "itself")
        (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    except OSError:
        pytest.skip("no links here")
    assert subjects(tmp_path) == ["1"]
    with pytest.raises(FileError, match="circle of links|does not exist"):
        mails(tmp_path / "itself")


def test_folders_in_folders_as_deep_as_paths_go(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 500)
    deep.mkdir(parents=True)
    (deep / "a").write_bytes(mail(1))
    assert subjects(tmp_path) == ["1"]


def test_gzip_is_unpacked_and_where_it_is_damaged_it_is_said(tmp_path):
    path = tmp_path / "box.gz"
    packed = gzip.compress(mbox(mail(1), mail(2))) + gzip.compress(mbox(mail(3)))
    path.write_bytes(packed)
    assert subjects(path) == ["1", "2", "3"]
    path.write_bytes(gzip.compress(mail(1, os.urandom(5000)))[:-2000])
    (cut,) = mails(path)
    assert cut.subject == "1" and cut.defects[-1] == "the gzip file is cut off"
    path.write_bytes(packed[:-30] + b"\xff" * 30)
    assert list(mails(path))[-1].defects[-1].startswith("the gzip file is")
    (tmp_path / "notes.gz").write_bytes(gzip.compress(b"no mail"))
    assert len(subjects(tmp_path)) == len(subjects(path))


def test_what_unpacks_to_too_much_is_read_in_part(tmp_path, monkeypatch):
    monkeypatch.setattr(mail_streams, "MAX_UNPACKED", 3_000_000)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(mail(1, b"x" * 10_000_000)))
    (found,) = mails(path)
    assert found.size <= 3_000_000 and "unpacks to over 3 MB" in found.defects[-1]
    path.write_bytes(gzip.compress(mbox(*[mail(number, b"x" * 1_000_000) for number in range(11)])))
    assert len(subjects(path)) == 11  # each of which is within the limit
    path.write_bytes(gzip.compress(b"") * 20_000 + gzip.compress(mail(2)))
    with pytest.raises(InputError, match="no mail"):
        list(mails(path))


# Named, because pytest would name the third case by its bytes, and gzip writes the second of the day into them: two
# processes of one run would then collect different tests.
@pytest.mark.parametrize("raw", [mail(1), mbox(mail(1)), gzip.compress(mail(1))], ids=["mail", "mbox", "gzip"])
def test_standard_input(raw, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    (found,) = mails("-")
    assert found.subject == "1" and found.name == "-" and total_bytes("-") is None


def test_standard_input_may_be_an_mbox(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(mbox(mail(1), mail(2)))))
    assert [(one.name, one.subject) for one in mails("-")] == [("-#1", "1"), ("-#2", "2")]


def test_there_must_be_something_to_read(tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "nothing.eml").write_bytes(b"")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes").write_bytes(b"no mail")
    with pytest.raises(FileError, match="absent' does not exist"):
        mails([tmp_path / "absent"])
    with pytest.raises(FileError, match="no path"):
        mails("a\0b")
    with pytest.raises(InputError, match="no path to read mails from"):
        mails([])
    for path in (empty, tmp_path / "nothing.eml"):
        with pytest.raises(InputError, match="is empty"):
            mails(path)
    with pytest.raises(InputError, match="no mail in .*other'"):
        list(mails(tmp_path / "other"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match="no mail in standard input"):
        list(mails("-"))


def test_an_empty_file_among_others_is_skipped_and_counted(tmp_path):
    (tmp_path / "a.eml").write_bytes(mail(1))
    for name in ("empty", "other"):
        (tmp_path / name).write_bytes(b"")
    reading = Reading()
    assert subjects(*(tmp_path / name for name in ("empty", "a.eml", "other")), reading=reading) == ["1"]
    assert (reading.mails, reading.skipped) == (1, 2)
    assert total_bytes([tmp_path / "empty", tmp_path / "a.eml"]) == len(mail(1))
    with pytest.raises(InputError, match="empty' is empty; name a file"):
        mails([tmp_path / "empty", tmp_path / "other"])


def test_devices_are_refused_and_pipes_read(tmp_path):
    if not os.path.exists("/dev/zero"):
        pytest.skip("no devices here")
    with pytest.raises(FileError, match="device"):
        mails("/dev/zero")
    reader, writer = os.pipe()
    os.write(writer, mail(1))
    os.close(writer)
    assert subjects(f"/dev/fd/{reader}") == ["1"]
    os.close(reader)


def test_what_may_not_be_read_is_said(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(mail(1))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    for named in (path, tmp_path):
        with pytest.raises(FileError, match="permission denied"):
            list(mails(named))


def test_names_that_are_no_text(tmp_path):
    try:
        with open(os.fsencode(tmp_path) + b"/\xff.eml", "wb") as file:
            file.write(mail(1))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    (found,) = mails(tmp_path)
    assert found.name.endswith("\ufffd.eml")


@given(st.lists(st.sampled_from([MARK, b"From x\n", b"\n", b"\r\n", mail(1), b">From y\n", b"\x1f\x8b", b"\0\xff"])))
def test_no_file_raises_but_for_there_being_no_mail(pieces):
    raw = b"".join(pieces)
    for data in (raw, gzip.compress(raw), gzip.compress(raw)[:-3]):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "a")
            path.write_bytes(data)
            try:
                found = list(mails(path))
            except InputError as error:
                assert not raw or data.startswith(b"\x1f\x8b"), error  # gzip of which nothing can be unpacked
            else:
                assert found and sum(one.size for one in found) <= max(len(raw), len(data))


MEASURED = """
import sys
import numpy
import hostile_mails
from thalweg.mail import read_mail
from thalweg.mailboxes import mails, Reading
reading = Reading()
print([(mail.size, len(mail.defects)) for mail in mails(sys.argv[1:], reading=reading)], reading.read)
print(hostile_mails.peak_megabytes())
"""


def test_mails_that_are_too_large_are_read_in_part_within_300_mb(tmp_path):
    large = TOP + b"\n" + b"word\n" * 12_000_000  # 60 MB
    (tmp_path / "a.eml").write_bytes(large)
    (tmp_path / "box").write_bytes(mbox(large, mail(2), large))
    (tmp_path / "box.gz").write_bytes(gzip.compress(mbox(large, mail(2)), 1))
    del large
    script = [sys.executable, "-c", MEASURED, *(str(tmp_path / name) for name in ("a.eml", "box", "box.gz"))]
    ran = subprocess.run(script, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    found, peak = ran.stdout.splitlines()
    size = len(TOP) + 1 + 60_000_000
    marked = size + len(MARK)
    small = len(MARK) + len(mail(2))
    read = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert found == f"{[(size, 2), (marked, 2), (small, 0), (marked, 2), (marked, 2), (small, 0)]} {read}"
    assert float(peak) < 300


def test_real_mails_in_one_mbox_are_those_in_files(shared, tmp_path):
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(shared / "data" / "spamassassin_raw.parquet").to_pylist()[::7]
    with open(tmp_path / "box", "wb") as file:
        for row in rows:
            raw = row["text"].encode()
            raw = raw.split(b"\n", 1)[1] if raw.startswith(b"From ") else raw
            file.write(MARK + raw.replace(b"\nFrom ", b"\n>From ").rstrip(b"\n") + b"\n\n")
    found = list(mails(tmp_path / "box"))
    assert len(found) == len(rows) == 864
    assert [one.domain for one in found] == [one.domain for one in (read_mail(row["text"].encode()) for row in rows)]
