"""Training shown while it runs, on standard error: a live bar on a terminal, plain lines anywhere else.

Pure presentation: a training callback that reads the run and changes nothing. `--quiet` is to do without it.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Protocol, Self


if TYPE_CHECKING:
    from rich.console import Console


class Run(Protocol):
    """What is read of a run; None where there is no such thing."""

    @property
    def epoch(self) -> int: ...  # finished
    @property
    def epochs(self) -> int | None: ...  # at most, if there is a limit
    @property
    def loss(self) -> float: ...
    @property
    def validation_loss(self) -> float | None: ...
    @property
    def best_epoch(self) -> int | None: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def seconds(self) -> float: ...


class _OneBar:
    """`with` takes the bar away, also where the work raises."""

    _bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._take_away()

    def _take_away(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class ProgressBar(_OneBar):
    """A callback for `train`: epoch, losses, learning rate and time left.

    Where the output is no terminal there is a line for the first epoch, then at most one a second of training, and
    always one for the last. `with ProgressBar() as progress:` takes the bar away also when training raises.

    >>> from types import SimpleNamespace
    >>> from rich.console import Console
    >>> run = SimpleNamespace(epoch=1, epochs=3, loss=0.5, validation_loss=0.625, best_epoch=1, learning_rate=0.1,
    ...                       seconds=0.25)
    >>> with ProgressBar(Console(force_terminal=False)) as progress:
    ...     progress.on_start(run)
    ...     progress.on_epoch(run)
    ...     progress.on_end(run)
    epoch 1/3  loss 0.5000  validation 0.6250  best at 1  rate 0.1  0.2 s  ≤ 0.5 s left
    """

    def __init__(self, console: Console | None = None) -> None:
        """`console`: where to write; standard error by default, so that standard output stays clean."""
        self._given = self._console = console
        self._bar: Any = None
        self._task: Any = None
        self._at = -math.inf  # seconds of training at the last change of the display
        self._shown = 0  # the last epoch that has a line

    def __repr__(self) -> str:
        return "ProgressBar()"

    def __reduce__(self) -> tuple[Any, ...]:  # what is on a screen stays there: a copy is one that has shown nothing
        return type(self), ()

    def __deepcopy__(self, memo: object) -> ProgressBar:
        return type(self)(self._given)

    def on_start(self, run: Run) -> None:
        """Begin, also again with another run."""
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar
        from rich.table import Column

        self._console = self._console or Console(stderr=True)
        self._at, self._shown = -math.inf, 0
        self._take_away()
        if not self._live:
            return
        self._bar = Bar(
            TextColumn("{task.fields[epoch]}", style="bold", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(min_width=6, ratio=1)),
            TextColumn("{task.fields[losses]}  {task.fields[rate]}", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[left]}", style="dim", table_column=Column(no_wrap=True)),
            console=self._console,
            transient=True,  # the last state stays behind as a line, without the bar
            expand=True,
        )
        self._task = self._bar.add_task("", total=run.epochs, completed=run.epoch, **_fields(run))
        self._bar.start()

    def on_epoch(self, run: Run) -> None:
        """Show the epoch of the run that has just ended."""
        if run.seconds < self._at + (0.05 if self._bar else 1.0):
            return
        if self._bar is None:
            self._print(run)
        else:
            self._bar.update(self._task, completed=run.epoch, **_fields(run))
        self._at = run.seconds

    def on_end(self, run: Run) -> None:
        """Leave the last epoch of the run as a line, without the bar; safe to call twice, and after an interruption."""
        self._take_away()
        if run.epoch > self._shown:
            self._print(run)

    @property
    def _live(self) -> bool:
        return self._console is not None and _is_live(self._console)

    def _print(self, run: Run) -> None:
        assert self._console is not None  # set in on_start
        self._shown = run.epoch
        # One line of plain text whatever the width: a log file is read by eye and by grep.
        line = "  ".join(part for part in _fields(run).values() if part)
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class WorkProgress(_OneBar):
    """For work that says what begins and the share that is done, as `compare` does: `progress(what, share)`.

    A bar with the time so far where the output is a terminal, elsewhere a line at once, then at most one a second.

    >>> from rich.console import Console
    >>> with WorkProgress(Console(force_terminal=False)) as progress:
    ...     progress("fold 1: network", 0.0)
    ...     progress("fold 1: tree", 0.125)  # within the same second
      0 %  fold 1: network
    """

    def __init__(self, console: Console | None = None) -> None:
        """`console`: where to write; standard error by default, so that standard output stays clean."""
        self._console = console
        self._next = -math.inf  # when there may be a line again

    def __call__(self, what: str, share: float) -> None:
        """Show what begins, and which share of the whole, from 0 to 1, is done."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(stderr=True)
        if _is_live(self._console):
            self._move(what, share)
            return
        now = time.perf_counter()
        if now >= self._next:
            self._next = now + 1.0
            line = f"{100.0 * share:3.0f} %  {what}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _move(self, what: str, share: float) -> None:
        if self._bar is None:
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar
            from rich.table import Column

            self._bar = Bar(
                TextColumn("{task.description}", style="bold", markup=False, table_column=Column(no_wrap=True)),
                BarColumn(bar_width=None, table_column=Column(min_width=6, ratio=1)),
                TextColumn("{task.percentage:.0f} %", table_column=Column(no_wrap=True)),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
                expand=True,
            )
            self._bar.add_task("", total=1.0)
            self._bar.start()
        self._bar.update(0, completed=share, description=what)


class LateProgress(_OneBar):
    """A bar that appears where the output is a terminal and the work has taken a second."""

    def __init__(self, console: Console | None = None) -> None:
        """`console`: where to write, standard error by default."""
        self._console = console
        self._next = 1.0  # seconds of work before there is a bar, then until its next change

    def show(self, seconds: float, done: int, total: int | None, text: str) -> None:
        """How far the work has come after so many seconds; the total may be unknown."""
        if seconds < self._next:
            return
        self._next = seconds + 0.1
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            console = self._console or Console(stderr=True)
            if not console.is_terminal or console.is_dumb_terminal:
                self._next = math.inf
                return
            self._bar = Bar(TextColumn("{task.description}"), BarColumn(), console=console, transient=True)
            self._bar.add_task("", total=total)
            self._bar.start()
        self._bar.update(0, completed=done, description=text)


class WalkProgress(LateProgress):
    """A callback for `descend`: step, f and ‖∇f‖.

    >>> from types import SimpleNamespace
    >>> from rich.console import Console
    >>> with WalkProgress(10, Console(force_terminal=False)) as progress:
    ...     print(progress(SimpleNamespace(step=1, seconds=5.0, gradient_norm=2.0, point=SimpleNamespace(value=1.0))))
    None
    """

    def __init__(self, steps: int, console: Console | None = None) -> None:
        """`steps` at most; `console`: where to write, standard error by default."""
        super().__init__(console)
        self._steps = steps

    def __call__(self, row: Any) -> None:
        """Show the step that has just been taken."""
        if row.seconds >= self._next:
            text = f"step {row.step:,}/{self._steps:,}  f {row.point.value:.6g}  ‖∇f‖ {row.gradient_norm:.3g}"
            self.show(row.seconds, row.step, self._steps, text)


class FrameProgress(LateProgress):
    """For `Descent.animate(progress=…)`: the frames that are drawn.

    >>> from rich.console import Console
    >>> with FrameProgress(Console(force_terminal=False)) as progress:
    ...     print(progress(3, 60))
    None
    """

    def __init__(self, console: Console | None = None) -> None:
        """`console`: where to write, standard error by default."""
        super().__init__(console)
        self._started = time.perf_counter()

    def __call__(self, frame: int, frames: int | None) -> None:
        """Show the frame, from 0, that has just been drawn."""
        total = frames or frame + 1
        self.show(time.perf_counter() - self._started, frame + 1, total, f"drawing frame {frame + 1}/{total}")


def _is_live(console: Console) -> bool:
    """Whether a bar can move there."""
    return console.is_terminal and not console.is_dumb_terminal and not console.is_jupyter


def _fields(run: Run) -> dict[str, str]:
    """The texts of the display; the bar has no room for all of them."""
    of = "" if run.epochs is None else f"/{run.epochs}"
    if not run.epoch:
        return {"epoch": f"epoch 0{of}", "losses": "", "best": "", "rate": "", "elapsed": "", "left": "starting"}
    losses = f"loss {run.loss:#.4g}"
    if run.validation_loss is not None:
        losses += f"  validation {run.validation_loss:#.4g}"
    left = ""
    if run.epochs is not None and run.epoch < run.epochs:
        # An upper bound: training may stop early.
        left = f"≤ {_duration(run.seconds / run.epoch * (run.epochs - run.epoch))} left"
    return {
        "epoch": f"epoch {run.epoch}{of}",
        "losses": losses,
        "best": f"best at {run.best_epoch}" if run.best_epoch else "",
        "rate": f"rate {run.learning_rate:.3g}",
        "elapsed": _duration(run.seconds),
        "left": left,
    }


def _duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> _duration(0.314), _duration(42.3), _duration(252), _duration(11_530)
    ('0.3 s', '42 s', '4:12 min', '3:12 h')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d} h"
