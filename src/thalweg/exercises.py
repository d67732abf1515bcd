"""Exercises: a small network with numbers for paper and pencil, and what is asked of it. One row each in `EXERCISES`.

The same row, seed, variant and version give the same sheet for ever. Numbers are drawn until the exercise is a good
one: no gradient that vanishes, no saturated unit, no dead relu unless it is wanted, no two weights of a layer alike,
so that whoever swaps indices gets another number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from thalweg import randomness
from thalweg.activations import ACTIVATIONS
from thalweg.answers import Marking, check_answers
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding, Value
from thalweg.conventions import Conventions
from thalweg.errors import InputError
from thalweg.network import Network
from thalweg.settings import check_choice, check_number
from thalweg.tracing import Trace, trace
from thalweg.trace_rules import UPDATES
from thalweg.trace_steps import Step


if TYPE_CHECKING:
    from thalweg.conventions import Key

VERSION = 1  # of the numbers: a change that alters a sheet needs another one
TRIES = 2_000
LEAST_GRADIENT = Fraction(1, 100)
STEEPEST = 2  # |a| of a unit that saturates: beyond it g′ of a sigmoid is below 0.1
CLEAR = Fraction(1, 20)  # how far a stays from a kink
LARGEST_SIZE = 6  # units of a layer: more is no exercise
WEIGHTS = tuple(Fraction(sign * n, 10) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15) for sign in (1, -1))
HALVES = tuple(Fraction(sign * n, 2) for n in (1, 2, 3, 4, 5, 6) for sign in (1, -1))
INPUTS = tuple(Fraction(n, 2) for n in (-2, -1, 1, 2, 3, 4))
RATES = (Fraction(1, 10), Fraction(1, 2), Fraction(1))


@dataclass(frozen=True)
class Kind:
    """One kind of exercise: the network unless another is wanted, how many examples, and what is asked."""

    title: str
    sizes: tuple[int, ...]
    asked: Callable[[Trace, int, int], list[Key]]  # the trace, a unit below and a unit: the keys of the goals
    activation: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = "squared_error"
    examples: int = 1
    update: bool = False


def _of_last(t: Trace, i: int, j: int) -> list[Key]:
    last = len(t.network.layers)
    return [("dE/dW", last, 1 + i % t.network.sizes[-2], 1 + j % t.network.sizes[-1])]


def _of_first(t: Trace, i: int, j: int) -> list[Key]:
    return [("dE/dW", 1, 1 + i % t.network.sizes[0], 1 + j % t.network.sizes[1])]


def _every(t: Trace, i: int, j: int) -> list[Key]:
    return [step.key for step in t if step.kind in ("dE/dW", "dE/db") and step.example is None]


def _update(t: Trace, i: int, j: int) -> list[Key]:
    return [("W_new", *_of_first(t, i, j)[0][1:]), ("W_new", *_of_last(t, i, j)[0][1:])]


EXERCISES: dict[str, Kind] = {
    "output-weight": Kind("The gradient of an output weight", (2, 2, 1), _of_last),
    "hidden-weight": Kind("The gradient of a hidden weight", (2, 2, 2), _of_first),
    "two-hidden-layers": Kind("A weight below two hidden layers", (2, 2, 2, 1), _of_first),
    "relu": Kind("The gradient of a hidden weight, in fractions", (2, 2, 1), _of_first, "relu", "identity"),
    "softmax": Kind("Softmax and cross-entropy", (2, 2, 3), _of_first, output="softmax", loss="cross_entropy"),
    "batch": Kind("The gradient of a batch", (2, 2, 1), _of_first, examples=2),
    "update": Kind("One step of gradient descent", (2, 2, 1), _update, update=True),
    "all": Kind("Every gradient of a network", (2, 2, 1), _every),
}


@dataclass(frozen=True)
class Exercise:
    """One exercise: the trace that solves it, the goals, and the values on the way to them."""

    name: str
    seed: int
    variant: int
    trace: Trace
    goals: tuple[Key, ...]
    options: Mapping[str, Any]  # the arguments that were given, besides

    @property
    def title(self) -> str:
        """What it is about."""
        return EXERCISES[self.name].title

    @property
    def rounding(self) -> Rounding:
        """What answers are rounded to."""
        return self.trace.arithmetic.rounding

    @property
    def steps(self) -> tuple[Step, ...]:
        """The values asked for, in the order in which they are computed: the goals and all that they come from."""
        wanted = set(cone(self.trace, self.goals))
        return tuple(step for step in self.trace if step.key in wanted)

    @property
    def solution(self) -> dict[str, Value]:
        """The right values by name, rounded as the sheet says."""
        return {step.name: step.result for step in self.steps}

    def check(self, answers: Mapping[Any, Value]) -> Marking:
        """Mark answers: right, consistent with an earlier mistake, or wrong, and then by which slip.

        Raises:
            InputError: an answer has a name that no value of the exercise has, or is no finite number.

        >>> one = exercise("output-weight", seed=7)
        >>> one.check(one.solution).is_right
        True
        """
        return check_answers(self.trace, answers, self.rounding)

    @property
    def label(self) -> str:
        """What makes the same sheet again."""
        written = {option: value for option, value in self.options.items() if option != "conventions"}
        if "layers" in written:
            written["layers"] = "-".join(map(str, written["layers"]))
        options = [f"{option.replace('_', ' ')} {value}" for option, value in written.items()]
        return ", ".join((self.name, *options, f"seed {self.seed}", f"variant {self.variant}", f"version {VERSION}"))


def cone(t: Trace, goals: Sequence[Key]) -> list[Key]:
    """The keys of the steps that these goals come from, themselves included."""
    found: dict[Key, None] = {}
    todo = list(goals)
    while todo:
        key = todo.pop()
        if key not in found and not t[key].is_given:
            found[key] = None
            todo += [step.key for step in t[key].operands]
    return list(found)


def exercise(
    name: str = "hidden-weight",
    *,
    layers: Sequence[int] | None = None,
    activation: str | None = None,
    output: str | None = None,
    loss: str | None = None,
    bias: bool = True,
    seed: int = 0,
    variant: int = 1,
    rounding: Rounding | None = None,
    dead_units: bool = False,
    learning_rate: Fraction | None = None,
    conventions: Conventions | None = None,
) -> Exercise:
    """An exercise of this name (see `EXERCISES`); the same arguments give the same one for ever.

    Args:
        name: output-weight, hidden-weight, two-hidden-layers, relu, softmax, batch, update or all.
        layers: sizes, the inputs first, each at most 6; the row's own without.
        activation: of hidden layers; likewise output and loss.
        bias: whether the network has biases.
        seed: of the numbers.
        variant: from 1; each has other numbers.
        rounding: what every result is rounded to; 4 significant digits without.
            Where all functions keep fractions, numbers are exact.
        dead_units: True wants a hidden relu unit that is off.
        learning_rate: of "update"; drawn without.
        conventions: how it is written.

    Raises:
        InputError: there is no such exercise, its network cannot be, or no good numbers were found.

    >>> [step.name for step in exercise("output-weight", layers=[1, 1, 1], bias=False).steps]
    ['a[1][1]', 'z[1][1]', 'a[2][1]', 'z[2][1]', 'dE/dz[2][1]', "g'(a[2][1])", 'delta[2][1]', 'dE/dW[2][1,1]']
    """
    row = EXERCISES[check_choice(name, tuple(EXERCISES), "the exercise")]
    check_number(variant, lambda n: n >= 1 and n == int(n), "variant", "a whole number from 1")
    network = _network(row, layers, activation, output, loss, bias)
    if dead_units and not any(g.name == "relu" for g in network.activation):
        message = "dead_units needs hidden relu units, which can be off; choose activation='relu'"
        raise InputError(message)
    arithmetic = Arithmetic("rounded", rounding or Rounding(4))
    is_exact = rounding is None and all(layer.activation.name in EXACT for layer in network.layers)
    arithmetic = FRACTIONS if is_exact and network.loss.name in EXACT_LOSSES else arithmetic
    asked = {
        "layers": None if layers is None else list(layers), "activation": activation, "output": output, "loss": loss,
        "bias": None if bias else False, "rounding": rounding, "dead_units": dead_units or None,
        "learning_rate": learning_rate, "conventions": conventions,
    }  # fmt: skip
    options = {option: value for option, value in asked.items() if value is not None}
    for attempt in range(TRIES):
        drawn = _Draw(seed, int(variant), attempt)
        made = _trace(drawn, row, network, arithmetic, learning_rate, conventions)
        goals = row.asked(made, *drawn.units())
        if _is_good(made, goals, dead_units):
            return Exercise(name, seed, int(variant), made, tuple(goals), options)
    message = (
        f"no good numbers were found for {name} with the network {network} in {TRIES:,} tries; choose a smaller "
        f"network, another activation, or more digits"
    )
    raise InputError(message)


EXACT = ("identity", "relu", "leaky_relu")
EXACT_LOSSES = ("squared_error", "half_squared_error", "absolute_error", "huber")


def _network(row: Kind, layers: Sequence[int] | None, activation: Any, output: Any, loss: Any, bias: bool) -> Network:
    sizes = tuple(layers) if layers is not None else row.sizes
    output = output or row.output
    loss = loss or ("cross_entropy" if output == "softmax" else "squared_error" if output != row.output else row.loss)
    network = Network(
        sizes, activation=activation or row.activation, output=output, loss=loss, bias=bias, reduction="sum"
    )
    if max(network.sizes) > LARGEST_SIZE:
        message = f"a layer of an exercise has at most {LARGEST_SIZE} units, not {max(network.sizes)}"
        raise InputError(message)
    if len(sizes) < 3 and row.asked is not _every and row.asked is not _of_last:
        message = f"this exercise asks for a hidden weight, and {list(sizes)} has no hidden layer; add one, as 2,2,1"
        raise InputError(message)
    return network


class _Draw:
    """Numbers of one try, one after the other."""

    def __init__(self, seed: int, variant: int, attempt: int) -> None:
        self._numbers: Iterator[float] = iter(
            randomness.uniform(seed, "exercise", 512, epoch=variant, step=attempt).tolist()
        )

    def one_of(self, choices: Sequence[Any]) -> Any:
        """One of these."""
        return choices[int(next(self._numbers) * len(choices))]

    def units(self) -> tuple[int, int]:
        """Which unit below and which unit above are asked about."""
        return self.one_of(range(LARGEST_SIZE)), self.one_of(range(LARGEST_SIZE))


def _trace(
    drawn: _Draw, row: Kind, network: Network, arithmetic: Arithmetic, rate: Fraction | None, c: Conventions | None
) -> Trace:
    choices = HALVES if arithmetic.kind == "fractions" else WEIGHTS
    p = [drawn.one_of(choices) for _ in range(network.n_parameters)]
    X = [[drawn.one_of(INPUTS) for _ in range(network.sizes[0])] for _ in range(row.examples)]
    Y = [_target(drawn, network) for _ in range(row.examples)]
    rate = (rate or drawn.one_of(RATES)) if row.update else None
    return trace(network, p, X, Y, learning_rate=rate, arithmetic=arithmetic, conventions=c)


def _target(drawn: _Draw, network: Network) -> list[Fraction]:
    k = network.sizes[-1]
    if network.loss.name == "cross_entropy":
        one = drawn.one_of(range(k))
        return [Fraction(int(place == one)) for place in range(k)]
    top = 1 if network.output.name in ("sigmoid", "softmax") else 3
    return [Fraction(drawn.one_of(range(top + 1))) for _ in range(k)]


def _is_good(t: Trace, goals: Sequence[Key], dead_units: bool) -> bool:
    """Whether it can be computed by hand, shows something, and tells one slip from another."""
    network = t.network
    for layer in network.layers:
        weights = [t.parameters[place] for place in range(layer.weights.start, layer.weights.stop)]
        if len(set(weights)) < len(weights) and len(weights) <= 12:
            return False
    hidden, dead = sum(network.sizes[1:-1]) * t.n_examples, 0
    for step in t:
        size = abs(step.result)
        if step.kind == "a":
            g = network.layers[step.place[0] - 1].activation
            if size > (STEEPEST if g.name in ("sigmoid", "tanh", "softmax") else 20) or (g.kinks and size < CLEAR):
                return False
        elif step.kind == "g'" and step.result == 0:
            if step.place[0] == len(network.layers):
                return False
            dead += 1
        elif step.kind == "z" and ACTIVATIONS["sigmoid"] == network.output and size < LEAST_GRADIENT:
            return False
    if dead_units:
        last = ("delta", len(network.layers), 1)
        return 0 < dead < hidden and t.value((1, *last) if t.has_totals else last) != 0
    gradients = [("dE/d" + key[0][0], *key[1:]) if key[0] in UPDATES else key for key in goals]
    return not dead and all(abs(t.value(key)) >= LEAST_GRADIENT for key in gradients)
