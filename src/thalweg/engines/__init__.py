"""The engines by name. One that is missing is refused with the fix; nothing is substituted silently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from thalweg.engines.base import Engine
from thalweg.errors import EngineError


DEFAULT = "cpu"


def _reference() -> Engine:
    from thalweg.engines.reference import Reference

    return Reference()


def _cpu() -> Engine:
    from thalweg.engines.cpu import Cpu

    return Cpu()


# name -> (what makes it, what it is)
ENGINES: dict[str, tuple[Callable[[], Engine], str]] = {
    "cpu": (_cpu, "C++, vectors and threads of this processor: what trains"),
    "reference": (_reference, "NumPy, the lecture line by line: readable, the truth the others are tested against"),
}


def available() -> tuple[str, ...]:
    """The names of the engines that work here."""
    return tuple(ENGINES)


def get(name: str) -> Engine:
    """The engine of this name.

    Raises:
        EngineError: there is none of this name.

    >>> get("reference").name
    'reference'
    """
    if name not in ENGINES:
        message = f"there is no engine {name!r} in this version; choose one of {', '.join(available())}"
        raise EngineError(message)
    return ENGINES[name][0]()


def threads_for(engine: Engine, threads: int | None) -> dict[str, Any]:
    """The options that `threads` makes for this engine's trainer.

    Raises:
        EngineError: a number of threads was given to an engine that has no use for it, or it is not a number ≥ 1.
    """
    if threads is None:
        return {}
    if not engine.uses_threads:
        message = (
            f"threads={threads!r} would do nothing: the engine {engine.name!r} has no threads of its own; leave it out"
        )
        raise EngineError(message)
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        message = f"threads must be a whole number ≥ 1, not {threads!r}"
        raise EngineError(message)
    return {"threads": threads}
