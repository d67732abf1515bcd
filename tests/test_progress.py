"""progress: what is seen on a terminal, in a log file, and never on standard output."""

import io
import math
import re
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from thalweg import progress
from thalweg.progress import FrameProgress, LateProgress, ProgressBar, WalkProgress, WorkProgress


@dataclass
class Run:
    epoch: int = 0
    epochs: int | None = 200
    loss: float = math.nan
    validation_loss: float | None = None
    best_epoch: int | None = None
    learning_rate: float = 1e-3
    seconds: float = 0.0


def trained(progress, run, epochs, *, seconds, validation=True):
    """A run of so many epochs at so many seconds each, seen by the callback."""
    progress.on_start(run)
    for epoch in range(run.epoch + 1, run.epoch + epochs + 1):
        run.epoch, run.seconds, run.loss = epoch, epoch * seconds, 1 / epoch
        if validation:
            run.validation_loss, run.best_epoch = 2 / epoch, epoch
        assert not progress.on_epoch(run)
    progress.on_end(run)


def plain(epochs, **more):
    run = more.pop("run", None) or Run()
    text = io.StringIO()
    trained(ProgressBar(Console(file=text, force_terminal=False, width=40)), run, epochs, **more)
    return text.getvalue().splitlines()


def terminal(width=100):
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=width, color_system=None, legacy_windows=False, _environ={})
    return console, text


def numbers(lines):
    return [int(re.match(r"epoch (\d+)", line)[1]) for line in lines]  # pyright: ignore[reportOptionalSubscript]


# ---- plain lines


def test_the_first_line_of_a_log():
    line = plain(1, seconds=0.31)[0]
    assert line == "epoch 1/200  loss 1.000  validation 2.000  best at 1  rate 0.001  0.3 s  ≤ 1:02 min left"


def test_lines_come_once_a_second_and_the_first_and_last_always():
    assert numbers(plain(200, seconds=0.25)) == [*range(1, 201, 4), 200]
    assert numbers(plain(7, seconds=3.0)) == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(plain(97, seconds=1e-4)) == [1, 97]


def test_the_last_line_is_not_said_twice():
    progress = ProgressBar(Console(file=(text := io.StringIO()), force_terminal=False))
    run = Run()
    trained(progress, run, 1, seconds=0.1)
    progress.on_end(run)
    assert numbers(text.getvalue().splitlines()) == [1]


def test_a_log_has_no_escape_codes_and_is_not_wrapped():
    for line in plain(5, seconds=2.0):
        assert line.isprintable() and line.startswith("epoch ") and line.endswith("left")


def test_no_limit_no_validation_no_epoch():
    assert plain(1, seconds=0.5, run=Run(epochs=None), validation=False) == ["epoch 1  loss 1.000  rate 0.001  0.5 s"]
    assert plain(0, seconds=1.0) == []


def test_the_end_has_no_time_left():
    assert plain(3, seconds=9.0, run=Run(epochs=3))[-1].endswith("rate 0.001  27 s")


def test_a_resumed_run_starts_with_its_first_own_epoch():
    assert numbers(plain(3, seconds=2.0, run=Run(epoch=40))) == [41, 42, 43]


def test_losses_that_are_not_finite_are_shown():
    progress = ProgressBar(Console(file=(text := io.StringIO()), force_terminal=False))
    run = Run(epoch=1, loss=math.inf, validation_loss=math.nan)
    progress.on_start(run)
    progress.on_epoch(run)
    assert "loss inf  validation nan" in text.getvalue()


# ---- terminal


def test_the_bar_shows_epoch_losses_rate_and_time_left():
    console, text = terminal()
    progress = ProgressBar(console)
    run = Run(epoch=50, loss=0.25, validation_loss=0.5, best_epoch=44, learning_rate=0.01, seconds=10.0)
    with progress:
        progress.on_start(run)
        progress.on_epoch(run)
        progress._bar.refresh()
        shown = text.getvalue().splitlines()[-1]
        for part in ("epoch 50/200", "loss 0.2500", "validation 0.5000", "rate 0.01", "≤ 30 s left"):
            assert part in shown
        assert 8 <= shown.count("━") <= 11  # a quarter of the room that is left
        assert (progress._bar.tasks[0].completed, progress._bar.tasks[0].total) == (50, 200)


@pytest.mark.parametrize("width", [30, 60, 80, 140])
@pytest.mark.parametrize("epochs", [None, 200])
def test_the_bar_is_one_line_at_any_width_and_is_taken_away(width, epochs):
    console, text = terminal(width)
    trained(ProgressBar(console), Run(epochs=epochs), 31, seconds=0.4)
    shown = text.getvalue()
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor is back
    *live, last, end = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\r", shown))
    assert end == ""
    assert all(len(line) <= width for line in live)
    assert last.startswith("epoch 31") and "loss 0.03226" in last  # one line stays behind
    assert "epoch" in "".join(live)


def test_fast_epochs_do_not_wait_for_the_display():
    console, _ = terminal()
    progress = ProgressBar(console)
    run = Run(epochs=None)
    with progress:
        progress.on_start(run)
        changes = []
        original = progress._bar.update
        progress._bar.update = lambda *given, **more: (changes.append(more["completed"]), original(*given, **more))
        for epoch in range(1, 1001):
            run.epoch, run.seconds, run.loss = epoch, epoch * 1e-3, 1.0
            progress.on_epoch(run)
        assert 15 <= len(changes) <= 21


def test_the_cursor_comes_back_when_training_raises():
    console, text = terminal()
    with pytest.raises(RuntimeError), ProgressBar(console) as progress:
        progress.on_start(Run())
        raise RuntimeError
    assert "\x1b[?25h" in text.getvalue()


def test_one_callback_serves_one_run_after_another():
    console, text = terminal()
    progress = ProgressBar(console)
    for _ in range(2):
        trained(progress, Run(), 3, seconds=0.4)
    assert text.getvalue().count("epoch 3/200  loss") == 2


# ---- streams


def test_everything_goes_to_standard_error(capsys):
    trained(ProgressBar(), Run(), 3, seconds=2.0)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert numbers(captured.err.splitlines()) == [1, 2, 3]


def test_rich_is_loaded_only_when_training_starts():
    code = "import sys; from thalweg.progress import ProgressBar; ProgressBar(); assert 'rich' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def walked(step: int, seconds: float) -> Any:
    return SimpleNamespace(step=step, seconds=seconds, point=SimpleNamespace(value=0.25), gradient_norm=1.5)


def test_a_walk_that_takes_long_has_a_bar_on_a_terminal():
    out = io.StringIO()
    with WalkProgress(1000, Console(file=out, force_terminal=True, width=120)) as progress:
        assert progress(walked(1, 0.01)) is None
        assert out.getvalue() == "", "a walk of less than a second has none"
        progress(walked(300, 1.2))
        progress(walked(301, 1.21))
        progress(walked(700, 2.0))
        progress._bar.refresh()
    shown = out.getvalue()
    assert "step 700/1,000  f 0.25  ‖∇f‖ 1.5" in shown and "step 301" not in shown


def test_work_whose_end_nobody_knows_has_a_bar_too():
    out = io.StringIO()
    with LateProgress(Console(file=out, force_terminal=True, width=120)) as progress:
        progress.show(1.5, 1_000, None, "7 mails read")
        progress._bar.refresh()
        progress.__exit__()
        progress.show(3.0, 2_000, 4_000, "9 mails read")  # other work, after the first has ended
        progress._bar.refresh()
    assert "7 mails read" in out.getvalue() and "9 mails read" in out.getvalue()


def test_a_walk_says_nothing_where_there_is_no_terminal():
    out = io.StringIO()
    with WalkProgress(1000, Console(file=out, force_terminal=False)) as progress:
        for step in range(5):
            progress(walked(step, 10.0 * step))
    assert out.getvalue() == ""


def test_frames_that_take_long_have_a_bar(monkeypatch):
    clock = iter([0.0, 0.5, 1.5, 9.0])
    monkeypatch.setattr("thalweg.progress.time.perf_counter", lambda: next(clock))
    out = io.StringIO()
    with FrameProgress(Console(file=out, force_terminal=True, width=120, get_time=lambda: 0.0)) as progress:
        progress(0, 60)
        assert out.getvalue() == ""
        progress(7, 60)
        progress(30, 60)
        progress._bar.refresh()
    assert "drawing frame 31/60" in out.getvalue()


# ---- work that says what begins and the share that is done


def test_work_off_a_terminal_has_a_line_at_once_and_then_at_most_one_a_second(monkeypatch):
    text, now = io.StringIO(), SimpleNamespace(seconds=7.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(perf_counter=lambda: now.seconds))
    with WorkProgress(Console(file=text, force_terminal=False, width=40)) as shown:
        for step in range(35):
            assert shown(f"[fold {step}]: a name that is longer than the console is wide", step / 34) is None
            now.seconds += 0.125
    lines = text.getvalue().splitlines()
    assert [re.match(r" *(\d+) %  \[fold (\d+)\]: a name .* wide$", line).groups() for line in lines] == [  # pyright: ignore[reportOptionalMemberAccess]
        ("0", "0"), ("24", "8"), ("47", "16"), ("71", "24"), ("94", "32"),
    ]  # fmt: skip


def test_work_on_a_terminal_is_a_bar_that_goes_away():
    console, text = terminal()
    with WorkProgress(console) as shown:
        shown("fold 1: network", 0.0)
        shown("fold [2]: tree", 0.375)
        shown._bar.refresh()
    plain = re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", text.getvalue())
    assert "fold [2]: tree" in plain and "38 %" in plain and "━" in plain
    assert shown._bar is None


def test_work_that_raises_leaves_no_bar():
    console, _ = terminal()
    shown = WorkProgress(console)
    with pytest.raises(KeyboardInterrupt), shown:
        shown("fold 1: network", 0.0)
        raise KeyboardInterrupt
    assert shown._bar is None


def test_work_is_shown_on_standard_error(capsys):
    with WorkProgress() as shown:
        shown("fold 1: network", 0.5)
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("", " 50 %  fold 1: network\n")
