"""Students for tests: they compute backpropagation from the lecture's formulas, each in a style, with a slip or not.

They share no code with Thalweg. Keys are those of a trace, ("delta", 1, 2) or (3, "delta", 1, 2) of example 3. Numbers
are floats, Fractions, or `Ball`s, which say how far rounding can have moved them. At the end: exercises to work on.
"""

import decimal
import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from thalweg.arithmetic import Rounding
from thalweg.exercises import EXERCISES, cone, exercise
from thalweg.network import Network
from thalweg.tracing import Trace, trace


EXACT_DECIMALS = decimal.Context(prec=1_000)
FUSED = {("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")}  # whose δ is ŷ − y


class Ball:
    """A number between mid − rad and mid + rad."""

    def __init__(self, mid: float, rad: float = 0.0) -> None:
        self.mid, self.rad = float(mid), rad

    def __add__(self, other: Any) -> "Ball":
        other = ball(other)
        return Ball(self.mid + other.mid, self.rad + other.rad)

    def __mul__(self, other: Any) -> "Ball":
        other = ball(other)
        rad = abs(self.mid) * other.rad + self.rad * abs(other.mid) + self.rad * other.rad
        return Ball(self.mid * other.mid, rad)

    def __rtruediv__(self, other: Any) -> "Ball":
        least = abs(self.mid) - self.rad
        return Ball(1.0 / self.mid, self.rad / (abs(self.mid) * least) if least > 0 else math.inf) * other

    def __neg__(self) -> "Ball":
        return Ball(-self.mid, self.rad)

    def __sub__(self, other: Any) -> "Ball":
        return self + -ball(other)

    def __rsub__(self, other: Any) -> "Ball":
        return -self + other

    def __truediv__(self, other: Any) -> "Ball":
        return self * (1.0 / ball(other))

    __radd__, __rmul__ = __add__, __mul__

    def __contains__(self, number: float) -> bool:
        return abs(number - self.mid) <= self.rad * (1 + 1e-9) + 1e-9 * abs(self.mid) + 1e-14


def ball(number: Any) -> Ball:
    return number if isinstance(number, Ball) else Ball(number)


def exp(u: Any) -> Any:
    return Ball(math.exp(u.mid), math.exp(u.mid) * math.expm1(u.rad)) if isinstance(u, Ball) else math.exp(u)


def log(u: Any) -> Any:
    return Ball(math.log(u.mid), u.rad / max(u.mid - u.rad, 1e-300)) if isinstance(u, Ball) else math.log(u)


def tanh(u: Any) -> Any:
    return Ball(math.tanh(u.mid), u.rad) if isinstance(u, Ball) else math.tanh(u)


def step(u: Any) -> Any:
    """1 where u > 0, else 0; either where rounding decides."""
    if isinstance(u, Ball) and 0.0 < abs(u.mid) < u.rad:
        return Ball(0.5, 0.5)
    return int((u.mid if isinstance(u, Ball) else u) > 0)


# name -> (g(a), g′ from a and z, whether g′ is computed from z); s rounds what is computed on the way
ACTIVATIONS: dict[str, tuple[Any, Any, bool]] = {
    "identity": (lambda a, s: a, lambda a, z, s: 1, False),
    "sigmoid": (lambda a, s: 1 / (1 + s(exp(-a))), lambda a, z, s: z * (1 - z), True),
    "tanh": (lambda a, s: tanh(a), lambda a, z, s: 1 - s(z * z), True),
    "relu": (lambda a, s: a * step(a), lambda a, z, s: step(z), True),
    "leaky_relu": (
        lambda a, s: a * step(a) + s(Fraction(1, 100) * a) * (1 - step(a)),
        lambda a, z, s: step(a) + Fraction(1, 100) * (1 - step(a)),
        False,
    ),
    "softplus": (lambda a, s: log(1 + s(exp(a))), lambda a, z, s: 1 / (1 + s(exp(-a))), False),
}


class Mistake(NamedTuple):
    """A slip by the name that the checker has for it, and which of several it is."""

    name: str
    which: Any = None


@dataclass(frozen=True)
class Sheet:
    """What stands on an exercise sheet."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]  # of each layer, the output's last
    loss: str
    weights: Mapping[tuple[int, ...], Any]  # (ℓ, i, j), and of biases (ℓ, j)
    X: tuple[tuple[Any, ...], ...]
    Y: tuple[tuple[Any, ...], ...]
    rate: Any
    mean: bool
    digits: int
    decimals: bool

    @classmethod
    def of(cls, t: Any, rounding: Any) -> "Sheet":
        """The sheet of a trace."""
        net, numbers, weights = t.network, iter(t.parameters), {}
        for layer, (below, above) in enumerate(zip(net.sizes, net.sizes[1:], strict=False), 1):
            weights |= {(layer, i, j): next(numbers) for i in range(1, below + 1) for j in range(1, above + 1)}
            weights |= {(layer, j): next(numbers) for j in range(1, above + 1) if net.bias}
        names = tuple(layer.activation.name for layer in net.layers)
        return cls(net.sizes, names, net.loss.name, weights, t.X, t.Y, t.learning_rate, net.reduction == "mean",
                   rounding.digits, rounding.decimals)  # fmt: skip

    @property
    def last(self) -> int:
        return len(self.activations)

    @property
    def examples(self) -> list[int | None]:
        """Their numbers; one that is alone has none."""
        return [None] if len(self.X) == 1 else list(range(1, len(self.X) + 1))

    def rounded(self, number: Any, way: str = ROUND_HALF_UP) -> Any:
        """As it is written on paper: of a float the exact binary value is rounded."""
        exact = Fraction(number)
        value = EXACT_DECIMALS.divide(Decimal(exact.numerator), Decimal(exact.denominator))
        return float(value.quantize(self._unit(value), way, EXACT_DECIMALS)) if value else 0.0

    def _unit(self, value: Decimal) -> Decimal:
        return Decimal(1).scaleb(-self.digits if self.decimals else value.adjusted() - self.digits + 1)

    def half(self, size: float) -> float:
        """Half of the last digit."""
        return float(self._unit(Decimal(float(size)))) / 2 if size or self.decimals else 0.0

    def blurred(self, number: Any) -> Ball:
        """What a number may be after it was rounded."""
        b = ball(number)
        return Ball(b.mid, b.rad + self.half(abs(b.mid) + b.rad))


def same(number: Any) -> Any:
    return number


class Student:
    """Computes the values of a sheet when asked; `made` are the places where the mistake made a difference.

    Args:
        carry: what is done with each value before it is used further.
        scratch: what is done with each result inside a formula.
        mistake: the slip that is made at every key of which `where` says so.
        known: values that are taken as they are.
    """

    def __init__(
        self,
        sheet: Sheet,
        carry: Callable[[Any], Any] = same,
        scratch: Callable[[Any], Any] = same,
        mistake: Mistake | None = None,
        where: Callable[[tuple], bool] = lambda key: True,
        known: Mapping[tuple, Any] | None = None,
    ) -> None:
        self.sheet, self.carry, self.s, self.mistake, self.where = sheet, carry, scratch, mistake, where
        self.values: dict[tuple, Any] = dict(known or {})
        self.made: list[tuple] = []
        self._key: tuple = ()

    def __call__(self, *key: Any) -> Any:
        if key not in self.values:
            self.values[key] = self.carry(self.anew(key))
        return self.values[key]

    def anew(self, key: tuple) -> Any:
        """A value from those before it, whether it is known or not."""
        n, (kind, *place) = (key[0], key[1:]) if isinstance(key[0], int) else (None, key)
        rule = getattr(self, RULES[kind])
        value, slipped = self._attentive(key, rule, n, kind, place)
        if slipped:
            right, _ = self._attentive((), rule, n, kind, place)
            if not abs(ball(value).mid - ball(right).mid) <= 1e-9 * abs(ball(right).mid):
                self.made.append(key)
        return value

    def _attentive(self, key: tuple, rule: Any, n: Any, kind: str, place: list[int]) -> tuple[Any, bool]:
        before, self._key, self._slipped = (self._key, getattr(self, "_slipped", False)), key, False
        value = rule(n, kind, *place)
        slipped, (self._key, self._slipped) = self._slipped, before
        return value, slipped

    def slips(self, name: str, which: Any = None) -> bool:
        """Whether this mistake is made here."""
        made = bool(self._key) and self.mistake == Mistake(name, which) and self.where(self._key)
        self._slipped = self._slipped or made
        return made

    def of(self, n: int | None, *key: Any) -> Any:
        """A value of this example."""
        return self(*key) if n is None else self(n, *key)

    def units(self, layer: int) -> range:
        return range(1, self.sheet.sizes[layer] + 1)

    def below(self, n: int | None, layer: int, i: int) -> Any:
        """What unit i hands to this layer."""
        return self.sheet.X[(n or 1) - 1][i - 1] if layer == 1 else self.of(n, "z", layer - 1, i)

    def square(self, layer: int) -> bool:
        return self.sheet.sizes[layer - 1] == self.sheet.sizes[layer]

    # --- the forward pass (2), (3), (4) ---

    def enters(self, n, kind, layer, j):
        W, swapped = self.sheet.weights, self.square(layer) and self.swaps("forward")
        terms = [
            self.s(self.below(n, layer, i) * W[(layer, j, i) if swapped else (layer, i, j)])
            for i in self.units(layer - 1)
        ]
        if (layer, j) in W and not self.slips("bias forgotten"):
            terms.append(W[layer, j])
        return total(terms)

    def swaps(self, way: str) -> bool:
        return self.slips("transposed", way) or (way != "gradient" and self.slips("transposed", "both ways"))

    def leaves(self, n, kind, layer, j):
        a, name = self.of(n, "a", layer, j), self.sheet.activations[layer - 1]
        if self.slips("activation forgotten"):
            return a
        if name != "softmax":
            return ACTIVATIONS[name][0](a, self.s)
        powers = [self.s(exp(self.of(n, "a", layer, k))) for k in self.units(layer)]
        return powers[j - 1] if self.slips("not normalised") else powers[j - 1] / self.s(total(powers))

    def outputs(self, n):
        """(ŷ_k, y_k)."""
        return [(self.of(n, "z", self.sheet.last, k + 1), y) for k, y in enumerate(self.sheet.Y[(n or 1) - 1])]

    def error(self, n, kind):
        if n is None and len(self.sheet.X) > 1:
            return self.together(kind)
        loss = self.sheet.loss
        if loss == "cross_entropy":
            return total([self.s(-y * log(z)) for z, y in self.outputs(n) if y])
        if loss == "binary_cross_entropy":
            return total([self.s(-log(z) if y else -log(1 - z)) for z, y in self.outputs(n)])
        E = total([self.s((z - y) * (z - y)) for z, y in self.outputs(n)])
        return self.doubled(E / 2 if loss == "half_squared_error" else E)

    def doubled(self, value):
        if self.slips("factor two", "less"):
            return value / 2
        return value * 2 if self.slips("factor two", "more") else value

    # --- the backward pass (5), (6), (7) ---

    def error_slope(self, n, kind, layer, k):
        z, y = self.outputs(n)[k - 1]
        loss = self.sheet.loss
        if loss == "cross_entropy":
            value = -y / z
        elif loss == "binary_cross_entropy":
            value = self.s(z - y) / self.s(z * (1 - z))
        else:
            value = self.doubled(z - y if loss == "half_squared_error" else 2 * self.s(z - y))
        return -value if self.slips("difference reversed", "slope") else value

    def jacobian(self, n, kind, layer, k, j):
        zk, zj = self.of(n, "z", layer, k), self.of(n, "z", layer, j)
        return zk * (1 - zk) if k == j else -(zk * zj)

    def slope(self, n, kind, layer, j):
        name = self.sheet.activations[layer - 1]
        a, z = self.of(n, "a", layer, j), self.of(n, "z", layer, j)
        for other in ACTIVATIONS:
            if self.slips("slope of another activation", other):
                name = other
        if self.slips("slope at the other side", "a" if ACTIVATIONS[name][2] else "z"):
            a, z = z, a
        return ACTIVATIONS[name][1](a, z, self.s)

    def delta(self, n, kind, layer, j):
        return self.delta_of_output(n, layer, j) if layer == self.sheet.last else self.delta_of_hidden(n, layer, j)

    def delta_of_output(self, n, layer, j):
        name = self.sheet.activations[-1]
        if name == "softmax" and self.slips("diagonal only"):
            return self.of(n, "dE/dz", layer, j) * self.of(n, "dz/da", layer, j, j)
        if (name, self.sheet.loss) in FUSED:
            z, y = self.outputs(n)[j - 1]
            value = y - z if self.slips("difference reversed", "delta") else z - y
            return self.s(value * z) * (1 - z) if self.slips("slope twice") else value
        value = self.of(n, "dE/dz", layer, j)
        return value if self.slips("slope forgotten") else value * self.of(n, "g'", layer, j)

    def delta_of_hidden(self, n, layer, j):
        units, W = self.units(layer + 1), self.sheet.weights
        for k in units:
            if self.slips("one output only", k):
                units = [k]
        swapped = self.square(layer + 1) and self.swaps("backward")
        updated = self.slips("updated weights")
        no_weights, no_deltas = self.slips("weights forgotten"), self.slips("deltas forgotten")
        terms = []
        for k in units:
            w = self("W_new", layer + 1, j, k) if updated else W[(layer + 1, *((k, j) if swapped else (j, k)))]
            delta = self.of(n, "delta", layer + 1, k)
            terms.append(delta if no_weights else w if no_deltas else self.s(delta * w))
        if self.slips("slope forgotten"):
            return total(terms)
        return self.s(total(terms)) * self.of(n, "g'", layer, j)

    def weight_slope(self, n, kind, layer, i, j):
        if n is None and len(self.sheet.X) > 1:
            return self.together(kind, layer, i, j)
        delta = self.of(n, "delta", layer, j)
        if self.slips("input forgotten"):
            return delta
        if self.slips("output for input"):
            return delta * self.of(n, "z", layer, j)
        if layer > 1 and self.slips("before for after"):
            return delta * self.of(n, "a", layer - 1, i)
        if self.square(layer) and self.swaps("gradient"):
            return self.of(n, "delta", layer, i) * self.below(n, layer, j)
        return delta * self.below(n, layer, i)

    def bias_slope(self, n, kind, layer, j):
        if n is None and len(self.sheet.X) > 1:
            return self.together(kind, layer, j)
        delta = self.of(n, "delta", layer, j)
        return 0 * delta if self.slips("bias gradient forgotten") else delta

    def together(self, *key):
        """L13: the sum over the examples, or their mean."""
        parts = [self(n, *key) for n in self.sheet.examples]
        for n, part in enumerate(parts, 1):
            if self.slips("one example only", n):
                return part
        mean = self.sheet.mean != self.slips("mean for sum")
        return self.s(total(parts)) / len(parts) if mean else total(parts)

    # --- the update (1), L8 ---

    def updated(self, n, kind, *place):
        slope = self("dE/d" + kind[0], *place)
        change = slope if self.slips("rate forgotten") else self.s(self.sheet.rate * slope)
        old = self.sheet.weights[place]
        return old + change if self.slips("update sign") else old - change


RULES = {"a": "enters", "z": "leaves", "E": "error", "dE/dz": "error_slope", "dz/da": "jacobian", "g'": "slope",
         "delta": "delta", "dE/dW": "weight_slope", "dE/db": "bias_slope", "W_new": "updated",
         "b_new": "updated"}  # fmt: skip


def total(terms: list[Any]) -> Any:
    return sum(terms[1:], terms[0])


def mistakes(sheet: Sheet) -> list[Mistake]:
    """Those that can be made on a sheet; that one makes no difference may be."""
    plain = ["slope forgotten", "weights forgotten", "deltas forgotten", "activation forgotten", "input forgotten",
             "output for input", "before for after"]  # fmt: skip
    hidden = sheet.activations[:-1]
    plain += ["bias forgotten", "bias gradient forgotten"] if (1, 1) in sheet.weights else []
    plain += ["update sign", "rate forgotten", "updated weights"] if sheet.rate is not None else []
    plain += ["not normalised", "diagonal only"] if sheet.activations[-1] == "softmax" else []
    plain += ["mean for sum"] if len(sheet.X) > 1 else []
    fused = (sheet.activations[-1], sheet.loss) in FUSED
    found = [Mistake(name) for name in plain] + ([Mistake("slope twice")] if fused else [])
    used = set(sheet.activations) - {"softmax"}
    others = [name for name in ("sigmoid", "tanh", "relu", "identity", *sorted(used)) if used - {name}]
    found += [Mistake("slope of another activation", name) for name in dict.fromkeys(others)]
    found += [Mistake("slope at the other side", side) for side in "az"]
    found += [Mistake("factor two", way) for way in ("less", "more") if sheet.loss.endswith("squared_error")]
    found += [Mistake("difference reversed", way) for way in (["delta"] if fused else []) + ["slope"]]
    widest = max(sheet.sizes[2:]) if hidden else 1
    found += [Mistake("one output only", k) for k in range(1, widest + 1) if widest > 1]
    found += [Mistake("one example only", n) for n in sheet.examples if n]
    return found + [Mistake("transposed", way) for way in ("forward", "backward", "both ways", "gradient")]


# --- Styles, and what is answered -------------------------------------------------------------------------------------

STYLES = ("all digits", "half up", "half even", "on paper")
PARTS = ("all", "goals", "half")


def styled(sheet: Sheet, style: str) -> dict[str, Any]:
    """What a student of this style does with results: on paper also those inside a formula are rounded."""
    if style == "all digits":
        return {}
    carry = (lambda u: sheet.rounded(u, ROUND_HALF_EVEN)) if style == "half even" else sheet.rounded
    return {"carry": carry, "scratch": sheet.rounded} if style == "on paper" else {"carry": carry}


class Asked(NamedTuple):
    """An exercise: its trace, the keys of all values on the way in order, those of the goals, and the rounding."""

    trace: Trace
    keys: list[tuple]
    goals: list[tuple]
    rounding: Rounding

    @property
    def sheet(self) -> Sheet:
        return Sheet.of(self.trace, self.rounding)

    def part(self, r: random.Random, which: str) -> list[tuple]:
        """What a student answers: all of it, the goals only, or half of it."""
        if which == "half":
            return [key for key in self.keys if r.random() < 0.5] or self.goals
        return self.keys if which == "all" else [key for key in self.keys if key in self.goals]


# --- Random exercises -------------------------------------------------------------------------------------------------

ROUNDINGS = (Rounding(3), Rounding(4), Rounding(5), Rounding(6), Rounding(3, decimals=True),
             Rounding(4, decimals=True), Rounding(5, decimals=True))  # fmt: skip
ENDS = (("sigmoid", "squared_error"), ("identity", "half_squared_error"), ("tanh", "squared_error"),
        ("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"), ("identity", "squared_error"))  # fmt: skip
KINDS = (*EXERCISES, "batch", "update", "softmax", "all")


@cache
def random_exercise(n: int) -> Asked:
    """The n-th: every third is a network with any numbers, the others are exercises with any options."""
    r = random.Random(n)
    if n % 3 == 0:
        return _any_network(r)
    kind, options = r.choice(KINDS), {}
    if r.random() < 0.4:
        options["activation"] = r.choice(list(ACTIVATIONS))
    if r.random() < 0.3:
        options["bias"] = False
    if kind != "softmax" and r.random() < 0.5:
        options["output"], options["loss"] = r.choice(ENDS)
    least = {"output-weight": 0, "all": 0, "two-hidden-layers": 2}.get(kind, 1)
    if r.random() < 0.5:
        hidden = r.choice([max(least, 1), max(least, 1), 2, 3, 5] if kind != "all" else [1, 1, 2])
        options["layers"] = [2, *[2] * hidden, 1] if hidden > 2 else [r.choice([2, 3]) for _ in range(hidden + 2)]
    if kind == "softmax" or options.get("output") == "softmax":
        options["layers"] = [*options.get("layers", EXERCISES[kind].sizes)[:-1], 3]
    if r.random() < 0.7:
        options["rounding"] = r.choice(ROUNDINGS)
    if kind == "update" and r.random() < 0.5:
        options["learning_rate"] = Fraction(1, 4)
    one = exercise(kind, seed=n, **options)
    return Asked(one.trace, [step.key for step in one.steps], list(one.goals), one.rounding)


def _any_network(r: random.Random) -> Asked:
    hidden, (output, loss) = r.choice([1, 1, 2, 2, 3, 4, 5]), r.choice(ENDS)
    examples = range(r.choice([1, 1, 2, 3]) if hidden == 1 else 1)
    units = [2, 3, 5] if hidden + len(examples) == 2 else [2, 3] if hidden < 4 else [1, 2]
    sizes = [*(r.choice(units) for _ in range(hidden + 1)), r.choice([2, 3] if output == "softmax" else [1, 2, 3])]
    names = [r.choice(list(ACTIVATIONS)) for _ in range(hidden)]
    reduction = r.choice(["sum", "mean"])
    net = Network(sizes, activation=names, output=output, loss=loss, bias=r.random() < 0.7, reduction=reduction)
    p = [r.choice([-1, 1]) * r.randint(1, 150) / 100 for _ in range(net.n_parameters)]
    X = [[r.randint(-20, 30) / 10 for _ in range(sizes[0])] for _ in examples]
    Y = [[float(r.random() < 0.5) for _ in range(sizes[-1])] for _ in examples]
    if output == "softmax":
        Y = [[float(k == chosen) for k in range(sizes[-1])] for chosen in (r.randrange(sizes[-1]) for _ in examples)]
    t = trace(net, p, X, Y, learning_rate=r.choice([None, 0.1, 0.5]))
    of_all = [step.key for step in t if step.kind[:5] in ("dE/dW", "dE/db", "W_new", "b_new") and step.example is None]
    goals = r.sample(of_all, min(len(of_all), 2))
    on_the_way = set(cone(t, goals))
    return Asked(t, [key for key in t.keys() if key in on_the_way], goals, r.choice(ROUNDINGS))


def exercises_with(name: str) -> Iterator[tuple[int, Mistake]]:
    """The numbers of the exercises in which the slip of this name can be made, each with one of its ways."""
    for number in itertools.count():
        ways = [mistake for mistake in mistakes(random_exercise(number).sheet) if mistake.name == name]
        if ways:
            yield number, random.Random(f"{number} {name}").choice(ways)
