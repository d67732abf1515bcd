"""The numbers of a trace: paper, fractions, 50 digits, the reference engine, PyTorch's autograd, and numbers far out.

None of the oracles shares code with it but the engine, whose numbers it promises.
"""

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import by_hand
import thalweg as tw
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.engines import reference
from thalweg.losses import LOSSES
from thalweg.tracing import trace
from worked import WORKED, draw, from_oracle, in_numbers, keyed, read


EPS = 2.0**-52
PAIRS = [(loss, output) for loss, row in LOSSES.items() for output, g in ACTIVATIONS.items() if row.outputs(g)]


# --- Numbers: paper, fractions, 50 digits -----------------------------------------------------------------------------


def network_of(worked):
    bias = worked.biases is not None
    return tw.Network(worked.sizes, activation=worked.hidden, output=worked.output, loss=worked.loss, bias=bias)


def flat(weights, biases, kind: Any = float):
    parts = [[*sum(W, []), *b] for W, b in zip(weights, biases or itertools.repeat([]), strict=False)]
    return [kind(number) for part in parts for number in part]


@WORKED
def test_every_step_is_what_stands_on_the_paper(worked):
    exact = worked.arithmetic is by_hand.EXACT
    weights, biases, x, y = in_numbers(worked, worked.arithmetic)
    kind, arithmetic = (Fraction, FRACTIONS) if exact else (float, Arithmetic())
    t = trace(network_of(worked), flat(weights, biases, kind), [*map(kind, x)], [*map(kind, y)], arithmetic=arithmetic)
    entries = from_oracle(keyed(worked.paper), len(worked.sizes) - 1)
    assert {step.key for step in t} == {key for key in entries if key[0] not in ("x", "y")}
    for key, text in entries.items():
        expected, found = read(text, worked.arithmetic), t[key].result
        assert found == expected if exact else found == pytest.approx(float(expected), rel=8 * EPS, abs=4 * EPS), key


@WORKED
def test_a_step_of_descent_is_what_stands_on_the_paper(worked):
    weights, biases, x, y = in_numbers(worked, by_hand.PRECISE)
    p = flat(weights, biases)
    t = trace(network_of(worked), p, [*map(float, x)], [*map(float, y)], learning_rate=0.25)
    entries = keyed(worked.paper)
    assert len(t.steps("W_new", "b_new")) == len(p)
    for step in t.steps("W_new", "b_new"):
        old = t[step.kind[0], *step.place].result
        gradient = float(read(entries["dE/d" + step.kind[0], *step.place], by_hand.PRECISE))
        assert step.result == pytest.approx(old - 0.25 * gradient, rel=8 * EPS, abs=4 * EPS), step.key


FRACTIONAL = [("identity", "identity"), ("relu", "relu"), (tw.LeakyReLU(0.1), ("leaky_relu", "1/10"))]
FRACTIONAL_LOSSES = [
    ("squared_error", "squared_error"), ("half_squared_error", "half_squared_error"),
    ("absolute_error", "absolute_error"), (tw.Huber(0.3), ("huber", "3/10")), (tw.Quantile(0.9), ("quantile", "9/10")),
]  # fmt: skip


@pytest.mark.parametrize(("output", "by_hand_output"), FRACTIONAL, ids=repr)
@pytest.mark.parametrize(("loss", "by_hand_loss"), FRACTIONAL_LOSSES, ids=repr)
def test_in_fractions_every_step_is_that_of_the_oracle(output, by_hand_output, loss, by_hand_loss, rng):
    def some(*shape):
        return [[Fraction(int(n), 7) for n in row] for row in rng.integers(-9, 10, size=shape)]

    all_sizes = [[3, 2], [2, 3, 2], [2, 5, 1, 3], [1, 2, 3, 2, 1]]
    for (hidden, by_hand_hidden), sizes in itertools.product(FRACTIONAL, all_sizes):
        weights = [some(below, above) for below, above in itertools.pairwise(sizes)]
        biases = [some(1, above)[0] for above in sizes[1:]] if rng.random() < 0.7 else None
        (x,), (y,) = some(1, sizes[0]), some(1, sizes[-1])
        expected = by_hand.trace(
            sizes, by_hand_hidden, by_hand_output, by_hand_loss, weights, biases, x, y, by_hand.EXACT
        )
        network = tw.Network(sizes, activation=hidden, output=output, loss=loss, bias=biases is not None)
        t = trace(network, flat(weights, biases, Fraction), x, y, arithmetic=FRACTIONS)
        expected = from_oracle(expected, len(sizes) - 1)
        assert {step.key: step.result for step in t} == {key: expected[key] for key in t.keys()}
        assert len(t) == len(expected) - sizes[0] - sizes[-1]


@pytest.mark.parametrize("number", range(len(PAIRS)), ids=[":".join(pair) for pair in PAIRS])
def test_in_floats_every_step_is_that_of_the_oracle(number, rng):
    loss, output = PAIRS[number]
    hidden = [HIDDEN[(number + place) % len(HIDDEN)] for place in range(number % 4)]
    network, p, X, Y = draw(rng, loss, output, hidden, bias=bool(number % 3))
    weights = [W.tolist() for W, _ in network.views(p)]
    biases = [b.tolist() for _, b in network.views(p) if b is not None] or None
    x, y = X[0].tolist(), Y[0].tolist()
    expected = from_oracle(
        by_hand.trace(network.sizes, hidden, output, loss, weights, biases, x, y, by_hand.PRECISE), len(network.layers)
    )
    t = trace(network, p, x, y)
    found = {step.key: step.result for step in t}
    assert set(found) == {key for key in expected if key[0] not in ("x", "y")}
    for key, value in found.items():
        scale = max(1.0, *(abs(float(expected[other])) for other in expected if other[0] == key[0]))
        assert abs(by_hand.PRECISE.number(value) - expected[key]) < 1e-12 * scale, key


@pytest.mark.parametrize(("output", "loss"), [("softmax", "cross_entropy"), ("tanh", "huber"), ("exp", "poisson")])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("n", [1, 3])
def test_the_numbers_are_the_reference_engines_to_4_ulp(output, loss, reduction, l2, n, rng):
    network, p, X, Y = draw(rng, loss, output, ["gelu", "sigmoid"], n=n, reduction=reduction, l2=l2)
    t = trace(network, p, X, Y, learning_rate=0.3)
    passed = reference.forward(network, p, X)
    E = network.loss.of(network.output, passed.a[-1], passed.z[-1], Y)
    error, gradient = tw.loss_and_gradient(network, p, X, Y, engine="reference")
    new = p - 0.3 * gradient
    expected: dict[Any, float] = {}
    for example in range(n):
        prefix = (example + 1,) if t.has_totals else ()
        expected[*prefix, "E"] = E[example]
        for layer, (a, z) in enumerate(zip(passed.a, passed.z, strict=True), 1):
            for j in range(a.shape[1]):
                expected |= {(*prefix, "a", layer, j + 1): a[example, j], (*prefix, "z", layer, j + 1): z[example, j]}
    expected["E",] = error
    for layer, ((dW, db), (W, b)) in enumerate(zip(network.views(gradient), network.views(new), strict=True), 1):
        for i, j in np.ndindex(*dW.shape):
            expected |= {("dE/dW", layer, i + 1, j + 1): dW[i, j], ("W_new", layer, i + 1, j + 1): W[i, j]}
        for j in range(len(db)):  # pyright: ignore[reportArgumentType]
            expected |= {("dE/db", layer, j + 1): db[j], ("b_new", layer, j + 1): b[j]}  # pyright: ignore[reportOptionalSubscript]
    found = [t[key].result for key in expected]
    np.testing.assert_array_max_ulp(np.array(found), np.array(list(expected.values())), maxulp=4)


# --- PyTorch ----------------------------------------------------------------------------------------------------------


def by_autograd(torch, network, p, x, y):
    """Every a, z, slope, δ and gradient of one example by the keys of a trace, from PyTorch's own functions."""
    F = torch.nn.functional
    g = {
        "identity": lambda a: a, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "elu": F.elu,
        "selu": F.selu, "leaky_relu": F.leaky_relu, "gelu": F.gelu, "silu": F.silu, "mish": F.mish,
        "softplus": F.softplus, "exp": torch.exp, "softmax": lambda a: torch.softmax(a, dim=0),
    }  # fmt: skip
    losses = {
        "squared_error": lambda z, y: F.mse_loss(z, y, reduction="sum"),
        "half_squared_error": lambda z, y: 0.5 * F.mse_loss(z, y, reduction="sum"),
        "cross_entropy": lambda z, y: -torch.xlogy(y, z).sum(),
        "binary_cross_entropy": lambda z, y: F.binary_cross_entropy(z, y, reduction="sum"),
        "absolute_error": lambda z, y: F.l1_loss(z, y, reduction="sum"),
        "huber": lambda z, y: F.huber_loss(z, y, reduction="sum"),
        "quantile": lambda z, y: torch.maximum(0.5 * (y - z), -0.5 * (y - z)).sum(),
        "poisson": lambda z, y: F.poisson_nll_loss(z, y, log_input=False, eps=0.0, reduction="sum"),
    }
    z, layers = torch.tensor(x), []
    for (W, b), layer in zip(network.views(p), network.layers, strict=True):
        W, b = torch.tensor(W, requires_grad=True), torch.tensor(np.zeros(0) if b is None else b, requires_grad=True)
        a = z @ W + (b if network.bias else 0.0)
        z = g[layer.activation.name](a)
        for one in (a, z):
            one.retain_grad()
        layers.append((W, b, a, z))
    E = losses[network.loss.name](z, torch.tensor(y))
    E.backward()
    found = {("E",): E.item()}
    for number, (layer, (W, b, a, z)) in enumerate(zip(network.layers, layers, strict=True), 1):
        tables = {"a": a, "z": z, "delta": a.grad, "dE/dW": W.grad} | ({"dE/db": b.grad} if network.bias else {})
        tables |= {"dE/dz": z.grad} if number == len(layers) else {}
        slopes = torch.autograd.functional.jacobian(g[layer.activation.name], a.detach())
        tables |= {"g'": torch.diagonal(slopes)} if layer.activation.elementwise else {"dz/da": slopes}
        for kind, table in tables.items():
            array = table.detach().numpy()
            found |= {(kind, number, *(i + 1 for i in place)): array[place] for place in np.ndindex(*array.shape)}
    return found


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_autograd_finds_every_number_of_the_trace(loss, output, rng):
    """Each activation behind this loss, in networks of 1 to 5 layers."""
    torch = pytest.importorskip("torch")
    for hidden in [[], *([first, *rng.choice(HIDDEN, size=n % 4).tolist()] for n, first in enumerate(HIDDEN))]:
        network, p, X, Y = draw(rng, loss, output, hidden, bias=bool(rng.random() < 0.7))
        expected = by_autograd(torch, network, p, X[0], Y[0])
        found = {step.key: step.result for step in trace(network, p, X[0], Y[0])}
        assert set(found) == set(expected), network
        for key, value in found.items():
            assert value == pytest.approx(expected[key], rel=1e-9, abs=1e-12), (key, network)


# --- Far out ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [800.0, -800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
@pytest.mark.parametrize(("loss", "output"), [("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid"),
                                              ("poisson", "exp"), ("poisson", "softplus"), ("poisson", "sigmoid"),
                                              ("squared_error", "tanh")])  # fmt: skip
def test_far_out_every_line_can_be_written(loss, output, y, a):
    """E and δ are the fused pair's, which stay true; what is infinite says so."""
    k = 2 if output == "softmax" else 1
    network = tw.Network([1, k], output=output, loss=loss, bias=False)
    t = trace(network, [a, -a][:k], [1.0], [y, 1.0 - y][:k])
    error, gradient = tw.loss_and_gradient(network, [a, -a][:k], [[1.0]], [[y, 1.0 - y][:k]], engine="reference")
    assert t["E"].result == error and [t["delta", 1, j].result for j in range(1, k + 1)] == gradient.tolist()
    for step in t:
        assert " = nan" not in str(step), step
    if (output, a, y) == ("softmax", 800.0, 1.0):
        assert str(t["z", 1, 1]).endswith(" = exp(800)/(exp(800) + exp(−800)) ≈ 1")
        assert str(t["dE/dz", 1, 2]) == "∂E/∂z₂⁽¹⁾ = 0"  # y = 0 and z = 0: a class of no weight costs nothing
    if (loss, a, y) == ("poisson", -800.0, 0.0):
        assert str(t["dE/dz", 1, 1]) == "∂E/∂z₁⁽¹⁾ = 1"


def test_very_large_and_very_small_numbers_are_written():
    network = tw.Network([1, 1], bias=False)
    large = trace(network, [1e308], [1.0], [1.0])
    assert str(large["a", 1, 1]) == "a₁⁽¹⁾ = x₁·W₁₁⁽¹⁾ = 1·10³⁰⁸ = 10³⁰⁸"
    assert str(large["E"]) == "E = (z₁⁽¹⁾ − y₁)² = (10³⁰⁸ − 1)² ≈ inf"
    tiny = trace(network, [5e-324], [1.0], [0.0])
    assert str(tiny["a", 1, 1]) == "a₁⁽¹⁾ = x₁·W₁₁⁽¹⁾ = 1·(5·10⁻³²⁴) = 5·10⁻³²⁴"
    assert tiny["E"].result == 0.0
    far = tw.Network([1, 1, 1], activation="exp", bias=False)
    nan = trace(far, [1000.0, 0.0], [1.0], [0.0])
    assert str(nan["a", 2, 1]) == "a₁⁽²⁾ = z₁⁽¹⁾·W₁₁⁽²⁾ = inf·0 ≈ nan" and math.isnan(nan["E"].result)
    assert trace(network, [1e308], [100], [0], arithmetic=FRACTIONS)["a", 1, 1].result == Fraction(10) ** 310


def test_rounded_numbers_that_no_one_can_go_on_with_are_refused():
    network = tw.Network([1, 1], output="sigmoid", loss="binary_cross_entropy", bias=False)
    t = trace(network, [40.0], [1.0], [0.0], arithmetic=Arithmetic("rounded", Rounding(3)))
    assert str(t["z", 1, 1]).endswith("1/(1 + exp(−40)) ≈ 1")
    with pytest.raises(tw.InputError, match="E is inf, which cannot be computed by hand; choose smaller numbers"):
        _ = t["E"].result


def test_units_that_are_dead_say_zero():
    network = tw.Network([2, 3, 1], activation="relu", bias=False)
    t = trace(network, [-1.0] * 6 + [2.0] * 3, [1.0, 2.0], [3.0])
    assert [str(t["g'", 1, j]) for j in (1, 2, 3)] == [f"g′(a{j}⁽¹⁾) = 0" for j in "₁₂₃"]
    assert str(t["delta", 1, 2]) == "δ₂⁽¹⁾ = δ₁⁽²⁾·W₂₁⁽²⁾·g′(a₂⁽¹⁾) = (−6)·2·0 = 0"
    assert not any(step.result for step in t.steps("dE/dW"))
