"""What every export of a model has in common: the inputs that it asks for, the labels that it gives, and names.

An exported model takes cells as a reader of tables gives them: a number, a text, a date, or only whether the cell is
there. Text has no spaces around it, and the words of `cells.MISSING_WORDS` are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg.activations import Activation
from thalweg.encoding import Encoder
from thalweg.errors import InputError, shown
from thalweg.features import Boolean, Category, Date, Number, Presence, Role, TwoValues
from thalweg.formulas import Formula, formula
from thalweg.labels import Labels
from thalweg.network import Network
from thalweg.targets import ClassTarget


@dataclass(frozen=True)
class Input:
    """A column of the table as an exported model takes it."""

    column: str
    kind: str  # "number", "boolean", "text", "date" or "presence"
    meaning: str


# For each role what its column is to an exported model: an unknown text or number is no error there.
INPUTS: Mapping[type[Role], tuple[str, str]] = {
    Number: ("number", "a number; missing: NaN"),
    Boolean: ("boolean", "1 for true, 0 for false; missing: NaN"),
    TwoValues: ("text", "a text; missing: empty"),
    Category: ("text", "a text; missing: empty"),
    Date: ("date", "microseconds since 1970-01-01 00:00 UTC; missing: -2^63, as NumPy's NaT"),
    Presence: ("presence", "any number where the cell is there, as only that counts; missing: NaN"),
}
MISSING_DATE = -(2**63)
MICROSECONDS = {"hour": 3_600_000_000, "day": 86_400_000_000}


def inputs(encoder: Encoder) -> tuple[Input, ...]:
    """The inputs, in the order of the encoder's columns."""
    return tuple(Input(role.column, *INPUTS[type(role)]) for role in encoder.roles)


def check_labels(labels: Sequence[Any] | Labels, network: Network) -> Labels:
    """The labels of a bare network's outputs, as an exported model can give them.

    Args:
        labels: what an estimator knows of its outputs; or one label for each output, or two for a single sigmoid
            output, which is the probability of the second.
        network: what they belong to.

    Raises:
        InputError: their number does not fit the network, or they are not all text, all integers, all numbers or all
            true or false.

    >>> check_labels(["ham", "spam"], Network([3, 1], output="sigmoid", loss="binary_cross_entropy")).kind
    'binary'
    """
    if not isinstance(labels, Labels):
        is_single = len(labels) == 2 and network.sizes[-1] == 1 and network.output.name == "sigmoid"
        if len(labels) != network.sizes[-1] and not is_single:
            message = (
                f"the network {network} has {network.sizes[-1]} outputs, but there are {len(labels)} labels; give one "
                f"for each"
            )
            raise InputError(message)
        return Labels("binary" if is_single else "multiclass", (label_array(labels),))
    return Labels(labels.kind, tuple(map(label_array, labels.classes)))


def label_array(labels: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Labels in a type that exported models have: text as objects, numbers in the type of an array of them.

    Raises:
        InputError: they are not all text, all integers, all numbers or all true or false.

    >>> label_array(np.array(["ham", "spam"])), label_array(np.array([3, 5], dtype=np.int16))
    (array(['ham', 'spam'], dtype=object), array([3, 5], dtype=int16))
    """
    plain = [label.item() if isinstance(label, np.generic) else label for label in labels]
    if len({type(label) for label in plain}) == 1 and isinstance(plain[0], str | bool | int | float):
        own = labels.dtype if isinstance(labels, np.ndarray) and labels.dtype.kind in "biuf" else np.array(plain).dtype
        if isinstance(plain[0], str):
            return np.array(plain, dtype=object)
        if own.kind in "biuf":  # an integer beyond 64 bits is an object
            return np.array(plain, dtype=own.newbyteorder("="))
    message = (
        f"labels must all be text, all integers, all numbers or all true or false, not {shown(plain)}; write them as "
        f"text"
    )
    raise InputError(message)


def classes_of(encoder: Encoder, labels: Sequence[np.ndarray] | None = None) -> list[np.ndarray]:
    """For each target that has classes their labels, in order.

    Args:
        encoder: knows them.
        labels: the same, in the type in which a user gave them.

    Raises:
        InputError: see `label_array`.
    """
    if labels is None:
        labels = [target.classes for target in encoder.target_roles if isinstance(target, ClassTarget)]
    return [label_array(known) for known in labels]


def formula_of(row: Activation) -> Formula:
    """The formula of an own activation, with numbers in the place of its constants.

    Raises:
        InputError: it is made of Python functions.
    """
    if not row.formula:
        message = (
            f"{row!r} is made of Python functions, which no exported file can hold; make it from a formula, such as "
            f'own_activation("swish2", "a*sigmoid(2*a)")'
        )
        raise InputError(message)
    return formula(row.formula).with_numbers(row.constants)


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
