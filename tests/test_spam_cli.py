"""`thalweg spam`: what it prints, its exit statuses, and that no mail is lost."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg as tw
from command_line import run
from hostile_mails import TOP
from letters import letters, write_folders


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with mails in `ham` and `spam`, and a filter of them, `spam.thalweg`, as the command makes it."""
    place = tmp_path_factory.mktemp("mail")
    write_folders(place, 151, 113)
    ran = run("spam", "train", "--ham", place / "ham", "--spam", place / "spam", "-o", place / "spam.thalweg")
    assert ran.status == 0, ran
    (place / "said").write_text(ran.text, encoding="utf-8")
    return place


@pytest.fixture
def typed(monkeypatch):
    """Puts bytes on standard input."""

    def put(raw: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    return put


def test_training_says_how_good_it_is(folder):
    said = (folder / "said").read_text(encoding="utf-8")
    assert "264: " in said and "53 held out" in said and "decision tree" in said
    assert re.search(r"It trusts \d+ domains of the wanted mail that it was trained on\.", said)
    assert "The lecture's two features alone, length and trust, reach accuracy" in said
    assert f"filter  {folder / 'spam.thalweg'}" in said
    assert 0 <= tw.SpamFilter.load(folder / "spam.thalweg").classify(folder / "ham").min() < 0.5


def test_training_in_json_and_with_a_list(folder, tmp_path):
    (tmp_path / "domains.txt").write_text("example.org\n", encoding="utf-8")
    ran = run(
        "spam", "train", "--ham", folder / "ham", "--spam", folder / "spam", "--trusted", tmp_path / "domains.txt",
        "--features", "lecture", "--split", "time", "--json", "-q", "-o", tmp_path / "a.thalweg",
    )  # fmt: skip
    said = json.loads(ran.text)
    assert ran.status == 0 and ran.err == "" and said["features"] == "lecture" and said["trusted_domains"] == 1
    assert said["settings"]["split"] == "time" and said["figures"]["rows"]["given"] == 264 and "decisions" not in said
    shown = run(
        "spam", "train", "--ham", folder / "ham", "--ham", folder / "ham", "--spam", folder / "spam", "--split", "time",
        "--features", "lecture", "-o", tmp_path / "b.thalweg",
    )  # fmt: skip
    assert shown.status == 0 and "151 copies of mails were left out." in shown.text
    assert (
        run("spam", "train", "--ham", folder / "ham", "--spam", folder / "spam", "-q", "-o", tmp_path / "c").out == b""
    )


def test_a_line_for_each_mail_and_the_status_says_whether_one_is_spam(folder):
    ham = run("spam", "classify", folder / "spam.thalweg", folder / "ham" / "000.eml")
    assert ham.status == 0 and re.fullmatch(r"0\.\d{4}  wanted  \S+000\.eml  \S.*\n", ham.text)
    both = run("spam", "classify", folder / "spam.thalweg", folder / "ham", folder / "spam")
    assert both.status == 3 and len(both.text.splitlines()) == 264
    assert all(re.match(r"[01]\.\d{4}  (spam  |wanted)  ", line) for line in both.text.splitlines())
    assert run("spam", "classify", folder / "spam.thalweg", folder / "spam", "--threshold", "1").status == 0
    quiet = run("spam", "classify", folder / "spam.thalweg", folder / "spam", "-q")
    assert quiet.status == 3 and quiet.out == b""


def test_classes_in_json_and_why(folder):
    ran = run("spam", "classify", folder / "spam.thalweg", folder / "spam", "--json")
    said = json.loads(ran.text)
    assert ran.status == 3 and said["spam"] == sum(mail["verdict"] == "spam" for mail in said["mails"]) > 90
    why = json.loads(
        run("spam", "classify", folder / "spam.thalweg", folder / "spam/000.eml", "--json", "--explain").text
    )
    (first,) = why["mails"]
    assert said["mails"][0] == {key: value for key, value in first.items() if key != "why"}
    assert first["why"]["features"][0]["carried"]
    shown = run("spam", "classify", folder / "spam.thalweg", folder / "spam" / "000.eml", "--explain")
    assert "From the mail to the answer" in shown.text and "Forward pass" not in shown.text
    passes = run("spam", "classify", folder / "spam.thalweg", folder / "spam" / "000.eml", "--explain", "--passes")
    assert "Forward pass" in passes.text


def test_what_a_stranger_wrote_cannot_command_the_terminal(folder, tmp_path):
    path = tmp_path / "a.eml"
    path.write_bytes(b"From: a@b.org\nSubject: =?utf-8?B?G1tIGzddMDthB+KAruKAnA==?=\n\nx")
    line = run("spam", "classify", folder / "spam.thalweg", path).text
    assert not set("\x1b\x07\u202e") & set(line) and line.count("\n") == 1


@pytest.mark.parametrize("from_file", [True, False])
def test_a_header_and_nothing_else(folder, tmp_path, typed, from_file):
    ham, spam = letters(1, 1, seed=8)
    for raw, answer in ((ham[0], b"no"), (spam[0], b"yes"), (b"\xff\x00 not a mail \r\r\n", None), (b"", None)):
        forged = b"X-Thalweg-Spam: no, probability=0.0000\r\n" + raw if answer else raw
        (tmp_path / "one.eml").write_bytes(forged)
        typed(forged)
        ran = run(
            "spam", "classify", folder / "spam.thalweg", "--header", *([tmp_path / "one.eml"] if from_file else [])
        )
        line, ending, rest = ran.out.partition(b"\r\n" if raw.partition(b"\n")[0].endswith(b"\r") else b"\n")
        assert ran.status == 0 and ran.err == "" and rest == raw and ending
        found = re.fullmatch(rb"X-Thalweg-Spam: (yes|no), probability=[01]\.\d{4}", line)
        assert found and answer in (None, found[1])


def test_when_the_filter_fails_the_mail_goes_on_unmarked(folder, tmp_path, typed, monkeypatch):
    raw = letters(1, 1)[1][0]
    typed(b"X-Thalweg-Spam: no\r\n" + raw)
    missing = run("spam", "classify", tmp_path / "none.thalweg", "--header")
    assert missing.status == 2 and missing.out == raw and "does not exist" in missing.err

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(tw.SpamFilter, "classify", full)
    typed(raw)
    failed = run("spam", "classify", folder / "spam.thalweg", "--header")
    assert failed.status == 1 and failed.out == raw and failed.err.startswith("thalweg: the memory")


def test_a_wrong_threshold_loses_no_mail(folder, typed):
    raw = letters(1, 1)[1][0]
    typed(b"X-Thalweg-Spam: no\r\n" + raw)
    ran = run("spam", "classify", folder / "spam.thalweg", "--header", "--threshold", "95")
    assert ran.status == 2 and ran.out == raw and "--threshold must be a probability from 0 to 1, not 95" in ran.err


def test_a_full_disk_loses_no_mail(folder, typed, monkeypatch):
    """Of the part of a large mail that is kept on the disk, some bytes are written before it is full."""

    class Full(io.BytesIO):
        def write(self, data):
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().write(data[:1_000])

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    raw = TOP + b"\n" + bytes(range(256)) * 100_000
    typed(raw)
    ran = run("spam", "classify", folder / "spam.thalweg", "--header")
    assert ran.status == 1 and ran.out == raw and "No space left" in ran.err


MEASURED = """
import sys
import hostile_mails
from thalweg.cli import main
sys.argv = ["thalweg", "spam", "classify", sys.argv[1], "--header"]
try:
    main()
finally:
    print(hostile_mails.peak_megabytes(), file=sys.stderr)
"""


def test_a_mail_of_200_mb_goes_on_byte_for_byte_within_300_mb(folder, tmp_path):
    mail, marked = tmp_path / "large.eml", tmp_path / "marked.eml"
    with mail.open("wb") as file:
        file.write(TOP + b"\n")
        for number in range(200):
            file.write(b"%06d\n" % number * 143_000)
    script = [sys.executable, "-c", MEASURED, str(folder / "spam.thalweg")]
    with mail.open("rb") as given, marked.open("wb") as out:
        ran = subprocess.run(script, stdin=given, stdout=out, stderr=subprocess.PIPE, cwd=Path(__file__).parent)
    assert ran.returncode == 0 and float(ran.stderr) < 300, ran.stderr
    with mail.open("rb") as given, marked.open("rb") as out:
        assert out.readline().startswith(b"X-Thalweg-Spam: ")
        while block := given.read(1 << 20):
            assert out.read(1 << 20) == block
        assert out.read() == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--header", "--json"), "--header and --json exclude each other"),
        (("--header", "--explain"), "--header and --explain exclude each other"),
        (("--header", "--quiet"), "--header and --quiet exclude each other"),
        (("--quiet", "--explain", "x"), "--quiet and --explain exclude each other"),
        (("--quiet", "--json", "x"), "--quiet and --json exclude each other"),
        (("--passes", "x"), "--passes would do nothing without --explain"),
        (("--threshold", "2", "x"), "--threshold"),
        (("--header", "x", "y"), "--header takes one mail, and here are 2"),
        (("--header", "no such file"), "'no such file' does not exist"),
        (("no such file",), "no such file"),
        ((), "which mail?"),
    ],
)
def test_wrong_use_of_classify_is_one_sentence(folder, arguments, said):
    ran = run("spam", "classify", folder / "spam.thalweg", *arguments)
    assert ran.status == 2 and said in ran.sentence


def test_wrong_use_of_train_is_one_sentence(folder, tmp_path):
    ham, spam = ("--ham", folder / "ham"), ("--spam", folder / "spam")
    for arguments, said in (
        ((*ham,), "--spam"),
        ((*ham, *spam, "--features", "many"), "features must be one of"),
        ((*ham, *spam, "-o", folder / "none" / "a"), "does not exist"),
        ((*ham, *spam, "-o", folder / "ham" / "000.eml", "--ham", folder / "ham" / "000.eml"), "would overwrite"),
        ((*ham, *spam, "--trusted", folder / "none"), "does not exist"),
        ((*ham, "--spam", folder / "none"), "none"),
        ((*ham, "--spam", folder / "ham"), "is among wanted mail and spam"),
    ):
        ran = run("spam", "train", *arguments, "-q")
        assert ran.status == 2 and said in ran.sentence, ran
    model = run("spam", "classify", folder / "ham" / "000.eml", folder / "ham")
    assert model.status == 2 and "is not a Thalweg file" in model.sentence


def test_files_without_a_mail_are_counted_once_and_stop_nobody(folder, tmp_path):
    for name, raw in (("a.eml", letters(1, 1)[0][0]), ("notes", b"no mail"), ("empty", b"")):
        (tmp_path / name).write_bytes(raw)
    filter = folder / "spam.thalweg"
    ran = run("spam", "classify", filter, tmp_path, tmp_path / "empty", tmp_path / "a.eml")
    assert ran.status == 0 and len(ran.text.splitlines()) == 2 and ran.err == "3 files that hold no mail were skipped\n"
    one = run("spam", "classify", filter, tmp_path / "empty", tmp_path / "a.eml")
    assert one.err == "1 file that holds no mail was skipped\n"
    told = run("spam", "classify", filter, tmp_path, "--json")
    assert json.loads(told.text)["skipped"] == 2 and told.err == ""
    assert run("spam", "classify", filter, tmp_path, "-q").err == ""
    assert run("spam", "classify", filter, tmp_path / "empty").status == 2
    known = "--ham", folder / "ham", "--ham", tmp_path, "--spam", folder / "spam", "--spam", tmp_path / "empty"
    trained = run("spam", "train", *known, "--features", "lecture", "-o", tmp_path / "f.thalweg")
    assert trained.status == 0 and trained.err.endswith("3 files that hold no mail were skipped\n")
    assert trained.err.count("skipped") == 1
    assert tw.SpamFilter.load(filter).classify([tmp_path / "empty", tmp_path / "a.eml"]).shape == (1,)


def test_a_model_and_a_filter_name_the_command_that_takes_each(folder, tmp_path):
    tw.SpamFilter.load(folder / "spam.thalweg").model.save(tmp_path / "model.thalweg")
    for command in (("inspect", folder / "spam.thalweg"), ("predict", folder / "spam.thalweg", folder / "said")):
        ran = run(*command)
        assert ran.status == 2 and "or use `thalweg spam classify FILTER MAIL`" in ran.sentence
    ran = run("spam", "classify", tmp_path / "model.thalweg", folder / "ham")
    assert ran.status == 2 and "or use `thalweg predict MODEL TABLE`" in ran.sentence


def test_the_group_has_help():
    ran = run("spam", "--help")
    assert ran.status == 0 and "train" in ran.text and "classify" in ran.text
    assert "procmail" not in ran.text and "0 no mail is spam" in run("spam", "classify", "--help").text
