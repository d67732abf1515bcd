"""Ctrl-C as a flag that is looked at between steps, so that an interrupted training is whole."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interruption:
    """While it is entered, the first Ctrl-C sets `requested`; a second one raises KeyboardInterrupt at once.

    Outside the main thread, and where somebody else handles Ctrl-C already, it changes nothing. With `at_once` the
    first one raises too; `requested` then tells of one that a library's own code has swallowed.

    >>> with Interruption() as interruption:
    ...     interruption.requested()
    False
    """

    def __init__(self, *, at_once: bool = False) -> None:
        self._at_once = at_once
        self._requested = False
        self._installed = False

    def requested(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self._requested

    def __enter__(self) -> Interruption:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again, self._requested = self._requested, True
        if again or self._at_once:
            raise KeyboardInterrupt
