"""Networks to trace: three worked out on paper, every intermediate as a literal; and random ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from by_hand import EXACT, PRECISE
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.tracing import trace


PRIMES = [2, 3, 5, 7]


@dataclass(frozen=True)
class Worked:
    """A network and every intermediate of one example, each worked out on paper: text such as "-9/128 ln3"."""

    sizes: list[int]
    hidden: str
    output: str
    loss: str
    weights: list[Any]
    biases: list[Any] | None
    arithmetic: Any
    paper: dict[tuple, Any]


# Sigmoid takes ln 3 to 3/4 and 2 ln 3 to 9/10, so with these weights every number has a closed form.
LECTURE = Worked(
    [2, 2, 2], "sigmoid", "sigmoid", "squared_error",
    [[["1 ln3", "1/2 ln3"], ["-1 ln3", "1 ln3"]], [["8/3 ln3", "-4/3 ln3"], ["-10/9 ln3", "-10/9 ln3"]]], None, PRECISE,
    {
        ("x",): ["2", "1"],
        ("y",): ["1", "0"],
        ("a", 1): ["1 ln3", "2 ln3"],  # 2·1 − 1·1, 2·½ + 1·1                                                   (2)
        ("z", 1): ["3/4", "9/10"],  # 1/(1 + 1/3), 1/(1 + 1/9)                                                   (2)
        ("a", 2): ["1 ln3", "-2 ln3"],  # ¾·8/3 − 9/10·10/9, −¾·4/3 − 9/10·10/9                                  (3)
        ("z", 2): ["3/4", "1/10"],  # 1/(1 + 1/3), 1/(1 + 9)                                                     (3)
        ("E",): "29/400",  # (¾ − 1)² + (1/10 − 0)²                                                              (4)
        ("dE/dz",): ["-1/2", "1/5"],  # 2 (z − y)
        ("g'", 2): ["3/16", "9/100"],  # z (1 − z)                                                             (L14)
        ("delta", 2): ["-3/32", "9/500"],  # ∂E/∂z · g′                                                          (5)
        ("dE/dW", 2): [["-9/128", "27/2000"], ["-27/320", "81/5000"]],  # δ_k z_j                                (5)
        ("sum", 1): ["-137/500 ln3", "101/1200 ln3"],  # −3/32·8/3 − 9/500·4/3, 3/32·10/9 − 9/500·10/9           (6)
        ("g'", 1): ["3/16", "9/100"],
        ("delta", 1): ["-411/8000 ln3", "303/40000 ln3"],  # Σ_k δ_k W_jk · g′                                   (6)
        ("dE/dW", 1): [["-411/4000 ln3", "303/20000 ln3"], ["-411/8000 ln3", "303/40000 ln3"]],  # δ_j x_i       (6)
    },
)  # fmt: skip

RELU = Worked(
    [2, 3, 1], "relu", "identity", "squared_error",
    [[["2", "1", "-1"], ["1/2", "1", "-1/2"]], [["-3/4"], ["5"], ["2"]]], [["1/3", "1/4", "3/4"], ["1/2"]], EXACT,
    {
        ("x",): ["3/2", "-2"],
        ("y",): ["1/4"],
        ("a", 1): ["7/3", "-1/4", "1/4"],  # 3 − 1 + 1/3, 3/2 − 2 + 1/4, −3/2 + 1 + 3/4
        ("z", 1): ["7/3", "0", "1/4"],
        ("a", 2): ["-3/4"],  # −7/4 + 0 + 1/2 + 1/2
        ("z", 2): ["-3/4"],
        ("E",): "1",  # (−3/4 − 1/4)²
        ("dE/dz",): ["-2"],
        ("g'", 2): ["1"],
        ("delta", 2): ["-2"],
        ("dE/dW", 2): [["-14/3"], ["0"], ["-1/2"]],
        ("dE/db", 2): ["-2"],
        ("sum", 1): ["3/2", "-10", "-4"],
        ("g'", 1): ["1", "0", "1"],
        ("delta", 1): ["3/2", "0", "-4"],
        ("dE/dW", 1): [["9/4", "0", "-6"], ["-3", "0", "8"]],
        ("dE/db", 1): ["3/2", "0", "-4"],
    },
)  # fmt: skip

# tanh takes ln 2 to 3/5 and ln 3 to 4/5; softmax takes (1, 1 + ln 2, 1 + ln 3) to 1 : 2 : 3, whatever the 1.
SOFTMAX = Worked(
    [2, 2, 3], "tanh", "softmax", "cross_entropy",
    [[["1", "1/2"], ["2", "1"]], [["1", "-1", "3"], ["1/2", "2", "-1"]]],
    [["1 ln2", "1 ln3"], ["0", "1 ln2", "1 ln3"]], PRECISE,
    {
        ("x",): ["2", "-1"],
        ("y",): ["1/2", "1/4", "1/4"],
        ("a", 1): ["1 ln2", "1 ln3"],  # 2 − 2 + ln 2, 1 − 1 + ln 3
        ("z", 1): ["3/5", "4/5"],  # (2 − 1/2) / (2 + 1/2), (3 − 1/3) / (3 + 1/3)
        ("a", 2): ["1", "1 + 1 ln2", "1 + 1 ln3"],  # 3/5 + 2/5, −3/5 + 8/5 + ln 2, 9/5 − 4/5 + ln 3
        ("z", 2): ["1/6", "1/3", "1/2"],
        ("E",): "3/4 ln2 + 3/4 ln3",  # ½ ln 6 + ¼ ln 3 + ¼ ln 2
        ("dE/dz",): ["-3", "-3/4", "-1/2"],  # −y/z
        ("dz/da", 2): [["5/36", "-1/18", "-1/12"], ["-1/18", "2/9", "-1/6"], ["-1/12", "-1/6", "1/4"]],
        ("delta", 2): ["-1/3", "1/12", "1/4"],  # z − y, as the Jacobian gives: −3·5/36 + ¾·1/18 + ½·1/12, …
        ("dE/dW", 2): [["-1/5", "1/20", "3/20"], ["-4/15", "1/15", "1/5"]],
        ("dE/db", 2): ["-1/3", "1/12", "1/4"],
        ("sum", 1): ["1/3", "-1/4"],  # −1/3 − 1/12 + 3/4, −1/6 + 1/6 − 1/4
        ("g'", 1): ["16/25", "9/25"],  # 1 − z²
        ("delta", 1): ["16/75", "-9/100"],
        ("dE/dW", 1): [["32/75", "-9/50"], ["-16/75", "9/100"]],
        ("dE/db", 1): ["16/75", "-9/100"],
    },
)  # fmt: skip

WORKED = pytest.mark.parametrize("worked", [LECTURE, RELU, SOFTMAX], ids=["lecture", "relu", "softmax"])


def read(text, m):
    """The number that "1/3" or "1 + 3/4 ln2" says, in fractions or digits."""
    total = m.number(0)
    for term in text.split(" + "):
        factor, _, logarithm = term.partition(" ")
        total += m.number(factor) * (m.log(int(logarithm.removeprefix("ln"))) if logarithm else 1)
    return total


def read_all(nested, m) -> Any:
    return read(nested, m) if isinstance(nested, str) else [read_all(one, m) for one in nested]


def keyed(paper):
    """(…, i, j): text for every entry of every table on the paper."""
    entries = {}
    for prefix, table in paper.items():
        if isinstance(table, str):
            entries[prefix] = table
            continue
        for i, row in enumerate(table, start=1):
            if isinstance(row, str):
                entries[(*prefix, i)] = row
            else:
                entries |= {(*prefix, i, j): text for j, text in enumerate(row, start=1)}
    return entries


def in_numbers(worked, m) -> tuple[Any, Any, Any, Any]:
    """(weights, biases, x, y) as numbers."""
    biases = None if worked.biases is None else read_all(worked.biases, m)
    return read_all(worked.weights, m), biases, read_all(worked.paper["x",], m), read_all(worked.paper["y",], m)


# --- Random networks --------------------------------------------------------------------------------------------------


def draw(rng, loss, output, hidden, n=1, sizes=None, **options: Any):
    """A network with numbers of moderate size, whatever follows what: (network, p, X, Y)."""
    sizes = sizes or rng.choice(PRIMES, size=len(hidden) + 2).tolist()
    network = tw.Network(sizes, activation=list(hidden), output=output, loss=loss, **options)
    p = rng.normal(scale=0.3, size=network.n_parameters)
    for W, _ in network.views(p):
        W *= 2.0 / np.sqrt(len(W))
    return network, p, rng.normal(size=(n, sizes[0])), draw_targets(rng, network.loss.name, (n, sizes[-1]))


def draw_targets(rng, loss, shape):
    simple = rng.random() < 0.5
    if loss == "cross_entropy":
        n, k = shape
        return np.eye(k)[rng.integers(k, size=n)] if simple else rng.dirichlet(np.ones(k), size=n)
    if loss == "binary_cross_entropy":
        return rng.integers(2, size=shape).astype(float) if simple else rng.uniform(size=shape)
    return rng.poisson(1.0, size=shape).astype(float) if loss == "poisson" else rng.normal(size=shape)


def from_oracle(t, last):
    """The oracle's intermediates by the keys of a trace, without the inner sums, which are no steps."""
    return {("dE/dz", last, key[1]) if key[0] == "dE/dz" else key: value for key, value in t.items() if key[0] != "sum"}


def small(output="identity", **options: Any):
    """A trace of 2-2-1 with round numbers."""
    options = {"bias": False} | options
    network = tw.Network([2, 2, 1], activation="relu", output=output, **options)
    p = [1.0, -1.0, 2.0, 0.5, 3.0, -1.0] + [0.25, 0.5, 0.75] * network.bias
    return trace(network, p, [1.0, 2.0], [4.0])


def traces(rng):
    """One of each sort: softmax, a batch, a penalty, an update, no biases; in floats, rounded, in fractions."""
    softmax = draw(rng, "cross_entropy", "softmax", ["tanh"], sizes=[2, 5, 3])
    options = {"reduction": "sum", "bias": False, "l2": 0.1}
    batch = draw(rng, "squared_error", "relu", ["leaky_relu", "relu"], n=3, sizes=[2, 3, 1, 2], **options)
    poisson = draw(rng, "poisson", "softplus", ["mish", "elu"], n=2, sizes=[3, 1, 2, 1])
    yield trace(*softmax)
    yield trace(*softmax, learning_rate=0.1, arithmetic=Arithmetic("rounded", Rounding(4)))
    yield trace(*batch, learning_rate=0.1)
    yield trace(*batch, learning_rate=0.1, arithmetic=FRACTIONS)
    yield trace(*poisson)
    yield trace(*draw(rng, "half_squared_error", "identity", [], sizes=[5, 3]))
