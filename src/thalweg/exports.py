"""What every export of a model has in common: the inputs that it asks for, the labels that it gives, and names.

An exported model takes cells as a reader of tables gives them: a number, a text, a date, or only whether the cell is
there. Text has no spaces around it, and the words of `cells.MISSING_WORDS` are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg.encoding import Encoder
from thalweg.errors import InputError, shown
from thalweg.features import Boolean, Category, Date, Number, Presence, Role, TwoValues
from thalweg.network import Network


@dataclass(frozen=True)
class Input:
    """A column of the table as an exported model takes it."""

    column: str
    kind: str  # "number", "text", "date" or "presence"
    meaning: str


# For each role what its column is to an exported model: an unknown text or number is no error there.
INPUTS: Mapping[type[Role], tuple[str, str]] = {
    Number: ("number", "a number; missing: NaN"),
    Boolean: ("number", "1 for true, 0 for false; missing: NaN"),
    TwoValues: ("text", "a text; missing: empty"),
    Category: ("text", "a text; missing: empty"),
    Date: ("date", "microseconds since 1970-01-01 00:00 UTC; missing: -2^63, as NumPy's NaT"),
    Presence: ("presence", "any number where the cell is there, as only that counts; missing: NaN"),
}
MISSING_DATE = -(2**63)
MICROSECONDS = {"hour": 3_600_000_000, "day": 86_400_000_000}

Label = str | bool | int | float


def inputs(encoder: Encoder) -> tuple[Input, ...]:
    """The inputs, in the order of the encoder's columns."""
    return tuple(Input(role.column, *INPUTS[type(role)]) for role in encoder.roles)


def check_labels(labels: Sequence[Any], network: Network) -> tuple[Label, ...]:
    """The labels of a bare network's outputs as plain values of one type.

    Args:
        labels: one for each output, or two for a single sigmoid output, which is the probability of the second.
        network: what they belong to.

    Raises:
        InputError: their number does not fit the network, or they are not all text, all integers, all numbers or all
            true or false.

    >>> check_labels(np.array([0, 1]), Network([3, 1], output="sigmoid", loss="binary_cross_entropy"))
    (0, 1)
    """
    plain = tuple(label.item() if isinstance(label, np.generic) else label for label in labels)
    outputs = network.sizes[-1]
    if len(plain) != outputs and not is_single(network, plain):
        message = f"the network {network} has {outputs} outputs, but there are {len(plain)} labels; give one for each"
        raise InputError(message)
    if len({type(label) for label in plain}) != 1 or not isinstance(plain[0], str | bool | int | float):
        message = (
            f"labels must all be text, all integers, all numbers or all true or false, not {shown(list(plain))}; "
            f"write them as text"
        )
        raise InputError(message)
    return plain


def is_single(network: Network, labels: Sequence[Any]) -> bool:
    """Whether one sigmoid output decides between two labels."""
    return len(labels) == 2 and network.sizes[-1] == 1 and network.output.name == "sigmoid"


def unused(name: str, taken: set[str]) -> str:
    """The name, with a number behind it if it is taken; it is taken from then on.

    >>> taken = {"x"}
    >>> unused("x", taken), unused("x", taken), unused("y", taken)
    ('x_2', 'x_3', 'y')
    """
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found
