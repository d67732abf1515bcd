"""The network as a description: layers, objective, and where each weight stands in one flat parameter vector.

Layer ℓ = 1 … L:  a⁽ℓ⁾ = z⁽ℓ⁻¹⁾ W⁽ℓ⁾ + b⁽ℓ⁾,  z⁽ℓ⁾ = g(a⁽ℓ⁾),  W⁽ℓ⁾ of shape (units below, units above). Rows: examples.
The vector holds W⁽¹⁾ (row by row), b⁽¹⁾, W⁽²⁾, b⁽²⁾ …: an optimizer, a file, a gradient check take one array.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness
from thalweg.activations import HIDDEN, INITIALIZATIONS, Activation
from thalweg.errors import InputError
from thalweg.losses import Loss
from thalweg.own_rows import find_activation_or_own, find_loss_or_own
from thalweg.settings import check_choice, check_number


if TYPE_CHECKING:
    from jaxtyping import Float

REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class Layer:
    """Layer ℓ: its widths, activation, dropout behind it, and its places in the parameter vector."""

    below: int
    above: int
    activation: Activation
    dropout: float
    weights: slice
    biases: slice | None

    def views(
        self, vector: Float[np.ndarray, " p"]
    ) -> tuple[Float[np.ndarray, "below above"], Float[np.ndarray, " above"] | None]:
        """(W, b) of this layer as views of a parameter (or gradient) vector; b is None without biases."""
        W = vector[self.weights].reshape(self.below, self.above)
        return W, None if self.biases is None else vector[self.biases]


@dataclass(frozen=True, init=False)
class Network:
    """A multi-layer feed-forward network and its objective (L6, L7). It holds no weights.

    The objective over the rows of a batch is Σ_n s_n E_n / Σ_n s_n (`reduction="mean"`) or Σ_n s_n E_n ("sum", the
    lecture's L13), plus ½ · l2 · ‖W‖² over the weights, not the biases.

    >>> net = Network([2, 3, 1], activation="tanh")
    >>> net.n_parameters, [W.shape for W, b in net.views(net.initialize(seed=0))]
    (13, [(2, 3), (3, 1)])
    """

    sizes: tuple[int, ...]
    activation: tuple[Activation, ...]  # one per hidden layer
    output: Activation
    loss: Loss
    bias: bool
    reduction: str
    l2: float
    dropout: tuple[float, ...]  # one per hidden layer: the share of its units that a training step switches off
    layers: tuple[Layer, ...] = field(repr=False, compare=False)  # each with its places in the parameter vector

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Any = "relu",
        output: Any = "identity",
        loss: Any = "squared_error",
        bias: bool = True,
        reduction: str = "mean",
        l2: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
    ) -> None:
        """Describe a network.

        Args:
            sizes: units of each layer, the inputs first: [57, 20, 2].
            activation: of hidden layers: a name (see ACTIVATIONS), an object such as LeakyReLU(0.2), or one per layer;
                `own_activation` makes one from a formula.
            output: activation of the output layer; "softmax" goes with the loss "cross_entropy".
            loss: a name (see LOSSES) or an object such as Huber(0.5); `own_loss` makes one from a formula.
            bias: False gives the lecture's networks to the letter.
            reduction: "mean" or "sum" over the rows of a batch.
            l2: strength of the penalty ½ · l2 · ‖W‖², which depends on neither batch size nor number of rows.
            dropout: share of hidden units switched off in each training step: a number, or one per hidden layer.

        Raises:
            InputError: a value breaks its rule, or output and loss do not go together.
        """
        put = object.__setattr__  # frozen: the fields are set here once
        put(self, "sizes", _checked_sizes(sizes))
        hidden = len(self.sizes) - 2
        put(self, "activation", tuple(_find_hidden(one) for one in _one_each(activation, hidden, "activation")))
        put(self, "output", find_activation_or_own(output))
        put(self, "loss", find_loss_or_own(loss))
        put(self, "bias", bool(bias))
        put(self, "reduction", check_choice(reduction, REDUCTIONS, "reduction"))
        put(self, "l2", _in_range(l2, 0.0, math.inf, "l2"))
        put(
            self, "dropout", tuple(_in_range(one, 0.0, 1.0, "dropout") for one in _one_each(dropout, hidden, "dropout"))
        )
        if isinstance(dropout, (int, float)) and dropout and not hidden:
            message = f"dropout={dropout!r} would do nothing, as {list(self.sizes)} has no hidden layer; leave it out"
            raise InputError(message)
        if not self.loss.outputs(self.output):
            message = (
                f"the loss {self.loss!r} needs the output {self.loss.outputs_rule}, not {self.output!r}; "
                f"set output= or loss= accordingly"
            )
            raise InputError(message)
        put(self, "layers", self._lay_out())

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_of, ({f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.compare},)

    def _lay_out(self) -> tuple[Layer, ...]:
        layers, start = [], 0
        for below, above, g, rate in zip(
            self.sizes[:-1], self.sizes[1:], (*self.activation, self.output), (*self.dropout, 0.0), strict=True
        ):
            weights = slice(start, start + below * above)
            start = weights.stop
            biases = slice(start, start + above) if self.bias else None
            start = biases.stop if biases else start
            layers.append(Layer(below, above, g, rate, weights, biases))
        return tuple(layers)

    @property
    def n_parameters(self) -> int:
        """Length of the parameter vector: weights and biases."""
        last = self.layers[-1]
        return last.biases.stop if last.biases else last.weights.stop

    def views(
        self, p: Float[np.ndarray, " p"]
    ) -> list[tuple[Float[np.ndarray, "below above"], Float[np.ndarray, " above"] | None]]:
        """[(W⁽¹⁾, b⁽¹⁾), …] without copying: writing into a view writes into `p`. b is None where bias=False.

        Raises:
            InputError: `p` is not a vector of n_parameters numbers.
        """
        vector = self._vector(p)
        return [layer.views(vector) for layer in self.layers]

    def initialize(self, seed: int = 0, scheme: str = "auto") -> Float[np.ndarray, " p"]:
        """A new parameter vector, float64: weights at random (L8), biases 0.

        Args:
            seed: the same seed gives the same vector for ever.
            scheme: "glorot", "he", "lecun" (by fan-in and fan-out), "normal" (sd 0.1), "uniform" (−0.5 to 0.5), "zero";
                "auto" takes what suits each layer's activation: he for the relu family, lecun for selu, else glorot.

        Raises:
            InputError: the scheme is unknown.
        """
        check_choice(scheme, ("auto", *INITIALIZATIONS), "scheme")
        p = np.zeros(self.n_parameters)
        for number, layer in enumerate(self.layers, start=1):
            half_width, is_uniform = INITIALIZATIONS[layer.activation.initialization if scheme == "auto" else scheme]
            n = layer.below * layer.above
            if is_uniform:
                drawn = 2.0 * randomness.uniform(seed, "initialize", n, step=number) - 1.0
            else:
                drawn = randomness.normal(seed, "initialize", n, step=number)
            p[layer.weights] = half_width(layer.below, layer.above) * drawn + 0.0  # no −0 in "zero"
        return p

    def check_parameters(self, p: Any) -> Float[np.ndarray, " p"]:
        """`p` as a finite floating-point vector (the same memory if it is one).

        Raises:
            InputError: its shape is not (n_parameters,) or it holds what is not a finite number.
        """
        vector = self._vector(p)
        finite = np.isfinite(vector)
        if not finite.all():
            place = int(np.argmin(finite))
            message = f"parameters must be finite numbers, but {self.name_of(place)} is {vector[place]}"
            raise InputError(message)
        return vector

    def _vector(self, p: Any) -> Float[np.ndarray, " p"]:
        p = np.asarray(p)
        if p.dtype.kind not in "biuf":
            message = f"parameters must be a vector of numbers, not an array of {p.dtype}"
            raise InputError(message)
        if p.dtype not in (np.float32, np.float64):
            p = p.astype(np.float64)
        if p.shape != (self.n_parameters,):
            message = (
                f"the network {self} has a parameter vector of shape ({self.n_parameters},), not {p.shape}; "
                f"make one with initialize(seed=0)"
            )
            raise InputError(message)
        return p

    def name_of(self, index: int) -> str:
        """What stands at place `index`, from 0, of the parameter vector, in the lecture's indices (from 1).

        >>> Network([2, 3, 1]).name_of(4), Network([2, 3, 1]).name_of(6)
        ('W[1][2,2]', 'b[1][1]')
        """
        for number, layer in enumerate(self.layers, start=1):
            if 0 <= index < layer.weights.stop:
                i, j = divmod(index - layer.weights.start, layer.above)
                return f"W[{number}][{i + 1},{j + 1}]"
            if layer.biases is not None and 0 <= index < layer.biases.stop:
                return f"b[{number}][{index - layer.biases.start + 1}]"
        message = f"the parameters of {self} are numbered 0 to {self.n_parameters - 1}, not {index}"
        raise InputError(message)

    def place_of(self, kind: str, layer: int, *units: int) -> int:
        """The place in the parameter vector of a weight (kind "W", units i, j) or bias ("b", j) of a layer, from 1.

        >>> Network([2, 3, 1]).place_of("W", 1, 2, 2), Network([2, 3, 1]).place_of("b", 1, 1)
        (4, 6)
        """
        one = self.layers[layer - 1]
        if kind == "b":
            assert one.biases is not None
            return one.biases.start + units[0] - 1
        return one.weights.start + (units[0] - 1) * one.above + units[1] - 1

    def layer_not_finite(self, vector: Float[np.ndarray, " p"]) -> int:
        """The last layer with a value that is not finite in this parameter or gradient vector; 0 if there is none."""
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(np.sum(vector)):  # then all of it is
                return 0
        finite = np.isfinite(vector)
        for number, layer in reversed(tuple(enumerate(self.layers, start=1))):
            if not all(part.all() for part in layer.views(finite) if part is not None):
                return number
        return 0

    def to_dict(self) -> dict[str, Any]:
        """The description in plain JSON types; `Network(**d)` makes the same network again."""
        return {
            "sizes": list(self.sizes),
            "activation": [g.to_dict() for g in self.activation],
            "output": self.output.to_dict(),
            "loss": self.loss.to_dict(),
            "bias": self.bias,
            "reduction": self.reduction,
            "l2": self.l2,
            "dropout": list(self.dropout),
        }

    def __str__(self) -> str:
        hidden = ", ".join(dict.fromkeys(repr(g) for g in self.activation))
        return (
            f"{'-'.join(map(str, self.sizes))}{f' {hidden},' if hidden else ','} {self.output!r} output, {self.loss!r}"
        )


def _made_of(settings: dict[str, Any]) -> Network:
    return Network(**settings)


def _find_hidden(given: Any) -> Activation:
    found = find_activation_or_own(given)
    if not found.elementwise:
        message = f"{found!r} can only be the output; choose the hidden activations among {', '.join(HIDDEN)}"
        raise InputError(message)
    return found


def _checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    listed: list[Any] = list(sizes) if isinstance(sizes, Iterable) and not isinstance(sizes, str) else [sizes]
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in listed)
    if len(listed) < 2 or not whole:
        message = (
            f"sizes must be at least two whole numbers ≥ 1 (inputs, …, outputs), such as [57, 20, 2], not {sizes!r}"
        )
        raise InputError(message)
    if sum(below * above for below, above in zip(listed, listed[1:], strict=False)) > 2**31:
        message = f"the network {sizes!r} would have more than 2^31 weights; make its layers narrower"
        raise InputError(message)
    return tuple(int(n) for n in listed)


def _one_each(given: Any, hidden: int, what: str) -> list[Any]:
    """One value for each hidden layer, from one for all or a list."""
    if not isinstance(given, (list, tuple)):
        return [given] * hidden
    if len(given) != hidden:
        message = f"{what} must be one value or one per hidden layer, here {hidden}, not {len(given)}: {given!r}"
        raise InputError(message)
    return list(given)


def _in_range(given: Any, low: float, high: float, what: str) -> float:
    """`given` as a float with low ≤ given < high."""
    return check_number(given, lambda x: low <= x < high, what, f"a number with {low:g} ≤ {what} < {high:g}")
