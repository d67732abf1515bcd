"""The engines by name. One that is missing is refused with the fix; nothing is substituted silently."""

from __future__ import annotations

from collections.abc import Callable

from thalweg.engines.base import Engine
from thalweg.errors import EngineError


DEFAULT = "cpu"


MOST_THREADS = 64  # that an engine is asked for; the core takes no more


def _reference(threads: int | None) -> Engine:
    from thalweg.engines.reference import Reference

    if threads is not None:
        message = (
            f"threads={threads!r} would do nothing: the engine 'reference' has no threads of its own; leave it out"
        )
        raise EngineError(message)
    return Reference()


def _cpu(threads: int | None) -> Engine:
    from thalweg.engines.cpu import Cpu

    return Cpu(threads or 0)


# name -> (what makes it for a number of threads, what it is)
ENGINES: dict[str, tuple[Callable[[int | None], Engine], str]] = {
    "cpu": (_cpu, "C++, vectors and threads of this processor: what trains"),
    "reference": (_reference, "NumPy, the lecture line by line: readable, the truth the others are tested against"),
}


def available() -> tuple[str, ...]:
    """The names of the engines that work here."""
    return tuple(ENGINES)


def get(name: str, threads: int | None = None) -> Engine:
    """The engine of this name, to use that many threads; None lets it choose by the work.

    Raises:
        EngineError: there is none of this name, or it has no use for `threads`, or that is no number from 1 to 64.

    >>> get("reference").name
    'reference'
    """
    if name not in ENGINES:
        message = f"there is no engine {name!r} in this version; choose one of {', '.join(available())}"
        raise EngineError(message)
    whole = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (whole and 1 <= threads <= MOST_THREADS):
        message = f"threads must be a whole number from 1 to {MOST_THREADS}, or None, not {threads!r}"
        raise EngineError(message)
    return ENGINES[name][0](threads)
