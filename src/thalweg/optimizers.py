"""Every way downhill by its name: update rules from one gradient, and directions that need the whole function."""

from __future__ import annotations

from typing import Any

from thalweg.directions import DIRECTIONS
from thalweg.errors import InputError
from thalweg.settings import from_dict
from thalweg.update_rules import UPDATE_RULES, Optimizer


OPTIMIZERS: dict[str, type[Optimizer]] = {**UPDATE_RULES, **DIRECTIONS}


def find_optimizer(given: Any) -> Optimizer:
    """An optimizer from itself, the name of one (with its defaults), or what `to_dict` gave.

    Raises:
        InputError: there is none of this name, or a setting breaks its rule.
    """
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, str) and given in OPTIMIZERS:
        return OPTIMIZERS[given]()
    described = from_dict(given, OPTIMIZERS)
    if described is not None:
        return described
    message = (
        f"there is no optimizer {given!r}; choose one of {', '.join(OPTIMIZERS)}, such as Adam(learning_rate=1e-3)"
    )
    raise InputError(message)
