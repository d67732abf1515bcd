"""Conventions of a lecture: its symbols, its factor ½, sum or mean, rows or columns. They change what is written.

Everything that backpropagation computes has a key, a tuple that says what it is and where, counted from 1:

("x", i) ("y", k)                        input and target
("W", ℓ, i, j) ("b", ℓ, j)               weight from unit i below to unit j of layer ℓ, and bias
("a", ℓ, j) ("z", ℓ, j) ("g'", ℓ, j)     before and after the activation, and its slope there
("E",) ("dE/dz", L, k)                   the error, its slope by an output (the L-th layer is the last)
("dz/da", L, k, j)                       the Jacobian of softmax
("delta", ℓ, j)                          ∂E/∂a
("dE/dW", ℓ, i, j) ("dE/db", ℓ, j)       the gradient
("eta",)                                 the learning rate
("W_new", ℓ, i, j) ("b_new", ℓ, j)       after a step of gradient descent

`Conventions.symbol` writes a key.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thalweg import text_files
from thalweg.equations import Applied, Partial
from thalweg.errors import InputError
from thalweg.expressions import Expression, Symbol
from thalweg.losses import find_loss
from thalweg.network import REDUCTIONS, Network
from thalweg.settings import check_choice


Key = tuple[Any, ...]
SLOPES = ("dE/dz", "dE/dW", "dE/db")
NAME = re.compile(r"[A-Za-z]+(_[A-Za-z]+)?")
HALVES = {True: ("squared_error", "half_squared_error"), False: ("half_squared_error", "squared_error")}
VECTORS = ("row", "column")


@dataclass(frozen=True)
class Conventions:
    """How a lecture writes backpropagation. Names are letters, or Greek letters by name (eta, alpha, delta).

    `half` is True for E = ½ Σ (ŷ − y)², False for E = Σ (ŷ − y)², None for what the network has; `reduction` likewise.
    With vectors="column" a layer is W x with W of shape (units above, units below), and W_ji has the unit above first.

    Raises:
        InputError: a name is no name, or two things have the same one.

    >>> c = Conventions(error="L", before="z", after="a", weight="w", vectors="column")
    >>> print(c.symbol(("dE/dW", 1, 1, 2)).unicode, "=", (c.symbol(("delta", 1, 2)) * c.symbol(("x", 1))).unicode)
    ∂L/∂w₂₁⁽¹⁾ = δ₂⁽¹⁾·x₁
    """

    error: str = "E"  # the error
    rate: str = "eta"  # the learning rate
    before: str = "a"  # of a unit before its activation function
    after: str = "z"  # of a unit after it
    activation: str = "g"  # the activation function
    delta: str = "delta"  # ∂E/∂a
    weight: str = "W"  # a weight
    bias: str = "b"  # a bias
    input: str = "x"  # an input
    target: str = "y"  # a target
    half: bool | None = None  # whether the squared error has the factor ½
    reduction: str | None = None  # "sum" or "mean" over examples
    vectors: str = "row"  # "row" (x W) or "column" (W x)

    def __post_init__(self) -> None:
        names = [field for field, kind in _kinds().items() if kind == "name"]
        taken: dict[str, str] = {}
        for field in names:
            name = getattr(self, field)
            if not (isinstance(name, str) and NAME.fullmatch(name)):
                message = f"the symbol for {field} must be a letter or the name of one, such as eta, not {name!r}"
                raise InputError(message)
            if field == "activation" and "_" in name:
                message = f"the symbol for activation is the name of a function, of letters only, not {name!r}"
                raise InputError(message)
            if name in taken:
                message = f"the conventions write both {taken[name]} and {field} as {name!r}; choose different symbols"
                raise InputError(message)
            taken[name] = field
        if self.half not in (None, True, False):
            message = f"half must be true (E with the factor ½) or false, not {self.half!r}"
            raise InputError(message)
        if self.reduction is not None:
            check_choice(self.reduction, REDUCTIONS, "reduction")
        check_choice(self.vectors, VECTORS, "vectors")

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Conventions:
        """The conventions that the dictionary `plain` states; the lecture's own for what it does not name.

        Raises:
            InputError: there is no such convention, or a value breaks its rule.
        """
        known = list(_kinds())
        for key in plain:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, n=1)
                meant = f" (is {close[0]!r} meant?)" if close else ""
                message = f"there is no convention {key!r}{meant}; there are {', '.join(known)}"
                raise InputError(message)
        return cls(**plain)

    @classmethod
    def read(cls, path: str | Path) -> Conventions:
        """The conventions in the TOML file `path`, such as `error = "L"`.

        Raises:
            FileError: it cannot be read (see `text_files.read`).
            InputError: it is no TOML, or states what is no convention.
        """
        try:
            plain = tomllib.loads(text_files.read(path, "conventions"))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            message = f"the conventions {str(path)!r} are no TOML: {error}"
            raise InputError(message) from error
        try:
            return cls.from_dict(plain)
        except InputError as error:
            message = f"{str(path)!r}: {error}"
            raise InputError(message) from None

    def to_dict(self) -> dict[str, Any]:
        """What differs from the lecture's own, in plain JSON types."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) != field.default
        }

    def objective(self, network: Network) -> Network:
        """The network with the ½ and the reduction of these conventions."""
        change: dict[str, Any] = {} if self.reduction is None else {"reduction": self.reduction}
        if self.half is not None and network.loss.name == HALVES[self.half][0]:
            change["loss"] = find_loss(HALVES[self.half][1])
        return Network(**{**network.to_dict(), **change}) if change else network

    def symbol(self, key: Key) -> Expression:
        """What a key is written as; layers and units may be letters.

        >>> print(Conventions().symbol(("g'", "l", "j")).unicode, Conventions().symbol(("dE/dz", 3, 2)).unicode)
        g′(aⱼ⁽ˡ⁾) ∂E/∂z₂⁽³⁾
        """
        kind, *place = key
        if kind in ("x", "y"):
            return Symbol(self.input if kind == "x" else self.target, tuple(place))
        if kind == "E":
            return Symbol(self.error, tuple(place))
        if kind == "eta":
            return Symbol(self.rate)
        layer, *units = place
        if kind == "g'":
            return Applied(self.activation, self._named("a", place), primes=1)
        if kind == "dz/da":
            return Partial(self._named("z", place[:2]), self._named("a", (layer, *units[1:])))
        if kind in SLOPES:
            return Partial(Symbol(self.error), self._named(kind[-1], place))
        if kind in ("W", "W_new") and self.vectors == "column":
            units = units[::-1]
        names = {"W": self.weight, "b": self.bias, "a": self.before, "z": self.after, "delta": self.delta}
        return Symbol(names[kind.removesuffix("_new")], tuple(units), layer)

    def _named(self, kind: str, place: Any) -> Symbol:
        symbol = self.symbol((kind, *place))
        assert isinstance(symbol, Symbol)
        return symbol


def _kinds() -> dict[str, str]:
    """Field → name or choice."""
    return {
        field.name: "name" if isinstance(field.default, str) and field.name != "vectors" else "choice"
        for field in dataclasses.fields(Conventions)
    }
