"""Exercises: a small network with numbers for paper and pencil, and what is asked of it. One row each in `EXERCISES`.

The same row, seed, variant and version give the same sheet for ever. Numbers are drawn until the exercise is a good
one: no gradient that vanishes, no saturated unit, no dead relu unless it is wanted, no two weights of a layer alike,
so that whoever swaps indices gets another number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness
from thalweg.answers import FOUR_DIGITS, Marking, check_answers
from thalweg.arithmetic import FLOATS, Arithmetic, Rounding, Value
from thalweg.conventions import Conventions
from thalweg.errors import InputError, shown
from thalweg.network import Network
from thalweg.settings import check_choice, check_number
from thalweg.trace_rules import UPDATES
from thalweg.trace_steps import Step
from thalweg.tracing import Trace, trace


if TYPE_CHECKING:
    from thalweg.activations import Activation
    from thalweg.conventions import Key
    from thalweg.network import Layer

Given = tuple[list[Any], list[Any], list[Any], Any]  # parameters, inputs, targets, learning rate
VERSION = 1  # of the numbers: a change that alters a sheet needs another one
TRIES = 2_000
TRIES_OF_UNIT = 50
LEAST_GRADIENT = Fraction(1, 100)
STEEPEST = 2  # |a| of a unit that saturates: beyond it g′ of a sigmoid is below 0.1
LARGEST = 20  # |a| of a unit that does not
CLEAR = Fraction(1, 20)  # how far a stays from a kink
LARGEST_SIZE = 6  # units of a layer: more is no exercise
# None is 1, which hides that a factor was forgotten.
WEIGHTS = tuple(Fraction(sign * n, 10) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15) for sign in (1, -1))
HALVES = tuple(Fraction(sign * n, 2) for n in (1, 3, 4, 5, 6) for sign in (1, -1))
STRONG = tuple(Fraction(sign * n, 10) for n in (5, 7, 8, 9, 11, 12, 15, 18, 20, 24, 25, 30) for sign in (1, -1))
INPUTS = tuple(Fraction(n, 2) for n in (-5, -3, -2, -1, 1, 3, 4, 5))
HIDING = (Fraction(-1), Fraction(1, 2), Fraction(2))  # an input that is forgotten, as a sign or a factor 2 may be
RATES = (Fraction(1, 5), Fraction(3, 10), Fraction(2, 5), Fraction(3, 5))


@dataclass(frozen=True)
class Kind:
    """One kind of exercise: the network unless another is wanted, how many examples, and what is asked."""

    title: str
    sizes: tuple[int, ...]
    asked: Callable[[Network, int, int], list[Key]]  # the network, a unit below and a unit: the keys of the goals
    activation: str = "sigmoid"
    output: str = "sigmoid"
    loss: str = "squared_error"
    examples: int = 1
    update: bool = False


def _of_last(network: Network, i: int, j: int) -> list[Key]:
    sizes = network.sizes
    return [("dE/dW", len(network.layers), 1 + i % sizes[-2], 1 + j % sizes[-1])]


def _of_first(network: Network, i: int, j: int) -> list[Key]:
    return [("dE/dW", 1, 1 + i % network.sizes[0], 1 + j % network.sizes[1])]


def _every(network: Network, i: int, j: int) -> list[Key]:
    found: list[Key] = []
    for layer, one in reversed(list(enumerate(network.layers, 1))):
        units = range(1, one.above + 1)
        found += [("dE/dW", layer, below, unit) for below in range(1, one.below + 1) for unit in units]
        found += [("dE/db", layer, unit) for unit in units if one.biases]
    return found


def _update(network: Network, i: int, j: int) -> list[Key]:
    return [("W_new", *key[1:]) for key in (*_of_first(network, i, j), *_of_last(network, i, j))]


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

    name: str  # a key of EXERCISES
    seed: int  # from which its numbers are drawn
    variant: int  # which of the exercises of this seed, from 1
    trace: Trace  # the solution
    goals: tuple[Key, ...]  # keys of the values asked for
    options: Mapping[str, Any]  # the arguments that were given, besides

    @property
    def title(self) -> str:
        """What it is about."""
        title = EXERCISES[self.name].title
        return title if self.trace.arithmetic.kind == "fractions" else title.removesuffix(", in fractions")

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
    if learning_rate is not None and not row.update:
        message = (
            f"{name} has no step of gradient descent, and learning_rate does nothing here; take the exercise update"
        )
        raise InputError(message)
    if rounding is not None and not isinstance(rounding, Rounding):
        message = f"rounding must be such as Rounding(4), or Rounding(3, decimals=True), not {shown(rounding)}"
        raise InputError(message)
    arithmetic = _arithmetic(network, rounding)
    asked = {
        "layers": None if layers is None else list(layers), "activation": activation, "output": output, "loss": loss,
        "bias": None if bias else False, "rounding": rounding, "dead_units": dead_units or None,
        "learning_rate": learning_rate, "conventions": conventions,
    }  # fmt: skip
    options = {option: value for option, value in asked.items() if value is not None}
    drawn = _Draw(network, row, seed, int(variant), _choices(network, arithmetic))
    for _ in range(TRIES):
        given, goals = drawn.given(learning_rate, dead_units), drawn.goals()
        if given is None or not _is_good(_trace(network, given, FLOATS, conventions), goals, dead_units):
            continue  # tried in floats first, as that is fast
        made = _trace(network, given, arithmetic, conventions)
        if _is_good(made, goals, dead_units):
            return Exercise(name, seed, int(variant), made, tuple(goals), options)
    message = (
        f"no good numbers were found for {name} with the network {network} in {TRIES:,} tries; choose a smaller "
        f"network or another activation"
    )
    raise InputError(message)


SATURATING = ("sigmoid", "tanh", "softmax")
EXACT = ("identity", "relu", "leaky_relu")
EXACT_LOSSES = ("squared_error", "half_squared_error", "absolute_error", "huber")


def _network(row: Kind, layers: Sequence[int] | None, activation: Any, output: Any, loss: Any, bias: bool) -> Network:
    output = output or row.output
    loss = loss or ("cross_entropy" if output == "softmax" else "squared_error" if output != row.output else row.loss)
    sizes: Any = row.sizes if layers is None else layers
    network = Network(
        sizes, activation=activation or row.activation, output=output, loss=loss, bias=bias, reduction="sum"
    )
    sizes = network.sizes
    if max(network.sizes) > LARGEST_SIZE:
        message = f"a layer of an exercise has at most {LARGEST_SIZE} units, not {max(network.sizes)}"
        raise InputError(message)
    if network.output.name == "softmax" and sizes[-1] < 2:
        message = f"softmax needs two outputs or more, for its only one would always be 1: not layers {list(sizes)}"
        raise InputError(message)
    if len(sizes) < len(row.sizes) and row is EXERCISES["two-hidden-layers"]:
        message = f"this exercise needs two hidden layers or more, such as 2,2,2,1: not layers {list(sizes)}"
        raise InputError(message)
    if len(sizes) < 3 and row.asked is not _every and row.asked is not _of_last:
        message = f"this exercise asks for a hidden weight, and {list(sizes)} has no hidden layer; add one, as 2,2,1"
        raise InputError(message)
    return network


def _arithmetic(network: Network, rounding: Rounding | None) -> Arithmetic:
    is_exact = all(layer.activation.name in EXACT for layer in network.layers) and network.loss.name in EXACT_LOSSES
    return Arithmetic("fractions" if is_exact and rounding is None else "rounded", rounding or FOUR_DIGITS)


def _choices(network: Network, arithmetic: Arithmetic) -> Sequence[Fraction]:
    """What weights are drawn from: through many layers that flatten, only strong ones hand on a gradient."""
    flattening = sum(g.name in SATURATING for g in network.activation)
    return HALVES if arithmetic.kind == "fractions" else STRONG if flattening > 2 else WEIGHTS


class _Draw:
    """Numbers for one exercise after the other, as long as they are asked for."""

    def __init__(self, network: Network, row: Kind, seed: int, variant: int, choices: Sequence[Fraction]) -> None:
        self._network, self._row, self._choices = network, row, choices
        self._next = _numbers(seed, variant).__next__

    def one_of(self, choices: Sequence[Any]) -> Any:
        """One of these."""
        return choices[int(self._next() * len(choices))]

    def goals(self) -> list[Key]:
        """What is asked for."""
        return self._row.asked(self._network, self.one_of(range(LARGEST_SIZE)), self.one_of(range(LARGEST_SIZE)))

    def given(self, rate: Fraction | None, dead_units: bool) -> Given | None:
        """Parameters, inputs, targets and learning rate; None if a layer has no good ones."""
        network, p = self._network, []
        X = [self._different(INPUTS, network.sizes[0], []) for _ in range(self._row.examples)]
        below = X
        for layer in network.layers:
            bag: list[Fraction] = []
            units = [self._unit(layer, below, bag, dead_units) for _ in range(layer.above)]
            if None in units:
                return None
            columns, biases, entered = zip(*units, strict=True)  # type: ignore[arg-type]
            p += [weight for row in zip(*columns, strict=True) for weight in row]
            p += biases if layer.biases else ()
            below = [[float(layer.activation(np.array([a]))[0]) for a in one] for one in zip(*entered, strict=True)]
        Y = [_target(self, network) for _ in X]
        if self._row.update and rate is None:
            rate = self.one_of(RATES)
        return p, X, Y, rate

    def _unit(self, layer: Layer, below: Any, bag: list[Fraction], dead_units: bool) -> Any:
        """Weights and bias of a unit, and what enters it in each example."""
        for _ in range(TRIES_OF_UNIT):
            left = bag.copy()
            weights = self._different(self._choices, layer.below, left)
            bias = self.one_of(self._choices) if layer.biases else 0
            entered = [float(bias + sum(weight * z for weight, z in zip(weights, one, strict=True))) for one in below]
            if all(_is_clear(layer.activation, a) for a in entered) and (
                dead_units or layer.activation.name != "relu" or min(entered) > 0.0
            ):
                bag[:] = left
                return weights, bias, entered
        return None

    def _different(self, choices: Sequence[Any], n: int, bag: list[Any]) -> list[Any]:
        """So many out of the bag, which is filled when it is empty: no two are alike as long as there are others."""
        drawn = []
        for _ in range(n):
            if not bag:
                bag += choices
            drawn.append(bag.pop(int(self._next() * len(bag))))
        return drawn


def _numbers(seed: int, variant: int) -> Iterator[float]:
    for step in itertools.count():
        yield from randomness.uniform(seed, "exercise", 256, epoch=variant, step=step).tolist()


def _is_clear(g: Activation, a: Value) -> bool:
    """Whether a unit is neither saturated nor near a kink."""
    size = abs(a)
    return size <= (STEEPEST if g.name in SATURATING else LARGEST) and not (g.kinks and size < CLEAR)


def _trace(network: Network, given: Given, arithmetic: Arithmetic, conventions: Conventions | None) -> Trace:
    p, X, Y, rate = given
    return trace(network, p, X, Y, learning_rate=rate, arithmetic=arithmetic, conventions=conventions)


def _target(drawn: _Draw, network: Network) -> list[Fraction]:
    k = network.sizes[-1]
    if network.loss.name == "cross_entropy":
        one = drawn.one_of(range(k))
        return [Fraction(int(place == one)) for place in range(k)]
    top = 1 if network.output.name in ("sigmoid", "softmax") else 3
    return [Fraction(drawn.one_of(range(top + 1))) for _ in range(k)]


def _is_good(t: Trace, goals: Sequence[Key], dead_units: bool) -> bool:
    """Whether it can be computed by hand, and shows something."""
    layers, dead = t.network.layers, 0
    for key in t.keys():
        kind, layer = (key[1], key[2:3]) if isinstance(key[0], int) else (key[0], key[1:2])
        if kind == "a":
            if not _is_clear(layers[layer[0] - 1].activation, t.value(key)):
                return False
        elif kind == "g'" and t.value(key) == 0:
            if layer[0] == len(layers) or not dead_units:
                return False
            dead += 1
    if dead_units:
        last = ("delta", len(layers), 1)
        hidden = sum(t.network.sizes[1:-1]) * t.n_examples
        return 0 < dead < hidden and t.value((1, *last) if t.has_totals else last) != 0
    entering = {row[key[2] - 1] for key in goals if key[1] == 1 and len(key) == 4 for row in t.X}
    if entering and entering <= set(HIDING):
        return False
    gradients = [("dE/d" + key[0][0], *key[1:]) if key[0] in UPDATES else key for key in goals]
    return all(abs(t.value(key)) >= LEAST_GRADIENT for key in gradients)
