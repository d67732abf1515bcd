"""The engines against backpropagation by hand (by_hand.py), and that against paper, PyTorch and the chain rule itself.

Paper, scalar loops, the sum over paths, numeric derivatives in 50 digits and PyTorch's autograd are five ways to one
gradient, and none of them is Thalweg's. Sizes are different primes where they are free.
"""

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from by_hand import ACTIVATIONS, EXACT, LOSSES, PRECISE, Precise, add_up, batch, chosen, trace
from thalweg import activations, losses
from worked import WORKED, in_numbers, keyed, read


EPS = 2.0**-52
ULPS = 64  # how far float64 may be from 50 digits, in EPS of the largest term; 17 was the most in 14 runs
PRIMES = [2, 3, 5, 7, 11, 13]
N = 3
CLEAR = 1e-9  # how far every a and every residual stays from a kink: float64 and 50 digits must take the same side
PARAMETERS = {"leaky_relu": 0.2, "elu": 0.6, "huber": 0.3, "quantile": 0.9}
PAIRS = [(loss, output) for loss, row in losses.LOSSES.items() for output, g in activations.ACTIVATIONS.items()
         if row.outputs(g)]  # fmt: skip


def given(spec):
    """What the network is told: a name, or the row of (name, parameter)."""
    if isinstance(spec, str):
        return spec
    made = {"leaky_relu": tw.LeakyReLU, "elu": tw.ELU, "huber": tw.Huber, "quantile": tw.Quantile}
    return made[spec[0]](spec[1])


def flat(weights, biases):
    """The parameter vector: W⁽¹⁾ row by row, b⁽¹⁾, W⁽²⁾, …"""
    parts = []
    for number, W in enumerate(weights):
        parts.append(np.asarray(W, dtype=float).ravel())
        if biases is not None:
            parts.append(np.asarray(biases[number], dtype=float))
    return np.concatenate(parts)


def by_layer(network, gradient):
    """[{("dE/dW", ℓ, i, j): …, ("dE/db", ℓ, j): …} for each layer ℓ] of a flat gradient."""
    named = []
    for layer, (dW, db) in enumerate(network.views(gradient), start=1):
        entries = {("dE/dW", layer, i + 1, j + 1): dW[i, j] for i, j in np.ndindex(*dW.shape)}
        if db is not None:
            entries |= {("dE/db", layer, j + 1): db[j] for j in range(len(db))}
        named.append(entries)
    return named


def test_by_hand_knows_every_activation_and_loss():
    assert set(ACTIVATIONS) | {"softmax"} == set(activations.ACTIVATIONS)
    assert set(LOSSES) == set(losses.LOSSES)
    assert len(PAIRS) == 70


# --- Worked on paper --------------------------------------------------------------------------------------------------


@WORKED
def test_by_hand_finds_what_stands_on_the_paper(worked):
    m = worked.arithmetic
    t = trace(worked.sizes, worked.hidden, worked.output, worked.loss, *in_numbers(worked, m), m)
    entries = keyed(worked.paper)
    assert set(t) == set(entries)  # no intermediate without its number on the paper, none on the paper left out
    for key, text in entries.items():
        if m is EXACT:
            assert t[key] == Fraction(text), key
        else:
            assert abs(t[key] - read(text, m)) < 1e-46, key


@WORKED
def test_the_engines_find_what_stands_on_the_paper(worked, engine):
    weights, biases, x, y = in_numbers(worked, PRECISE)
    bias = biases is not None
    network = tw.Network(worked.sizes, activation=worked.hidden, output=worked.output, loss=worked.loss, bias=bias)
    p = flat(weights, biases)
    X, Y = np.array([x], dtype=float), np.array([y], dtype=float)
    loss, gradient = tw.loss_and_gradient(network, p, X, Y, engine=engine, dtype="float64")
    entries = keyed(worked.paper)
    assert loss == pytest.approx(float(read(entries["E",], PRECISE)), rel=4 * EPS)
    for entries_of_layer in by_layer(network, gradient):
        for key, found in entries_of_layer.items():
            assert found == pytest.approx(float(read(entries[key], PRECISE)), rel=8 * EPS, abs=2 * EPS), key


def test_examples_are_added_up_on_paper():
    """One weight w = 2, no bias: x = 1, y = 1 has E = 1, ∂E/∂w = 2; x = 3, y = 5 has E = 1, ∂E/∂w = 6 (L13)."""
    network = [1, 1], "identity", "identity", "squared_error", [[[2]]], None, [[1], [3]], [[1], [5]], EXACT
    assert batch(*network, reduction="sum") == {("E",): 2, ("dE/dW", 1, 1, 1): 8}
    assert batch(*network) == {("E",): 1, ("dE/dW", 1, 1, 1): 4}
    shares = ["1/2", "5/2"]
    assert batch(*network, example_weights=shares, reduction="sum") == {("E",): 3, ("dE/dW", 1, 1, 1): 16}
    assert batch(*network, example_weights=shares) == {("E",): 1, ("dE/dW", 1, 1, 1): Fraction(16, 3)}


def test_what_is_no_fraction_is_refused():
    with pytest.raises(ValueError, match="exp leads out of the fractions"):
        trace([1, 1], [], "sigmoid", "squared_error", [[[1]]], None, [1], [0], EXACT)


# --- Derivatives in 50 digits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_slope_by_hand_is_the_derivative_of_its_activation(name, rng):
    for spec in (name, (name, PARAMETERS.get(name))):
        g, slope, parameter = chosen(ACTIVATIONS, spec, PRECISE)
        for a in [*rng.normal(scale=3.0, size=7), -1e-3, 1e-3]:
            numeric = PRECISE.diff(lambda a, g=g, p=parameter: PRECISE.number(g(PRECISE, a, p)), PRECISE.number(a))
            assert abs(slope(PRECISE, PRECISE.number(a), parameter) - numeric) < 1e-30, a


@pytest.mark.parametrize("name", LOSSES)
def test_each_slope_by_hand_is_the_derivative_of_its_loss(name, rng):
    for spec in (name, (name, PARAMETERS.get(name))):
        value, slope, parameter = chosen(LOSSES, spec, PRECISE)
        for z, y in [*rng.uniform(0.01, 0.99, size=(7, 2)), (0.3, 0.0), (0.3, 1.0)]:  # logarithms want 0 < z < 1
            y = PRECISE.number(y)

            def of(z, value=value, y=y, parameter=parameter):
                return PRECISE.number(value(PRECISE, z, y, parameter))

            numeric = PRECISE.diff(of, PRECISE.number(z))
            assert abs(slope(PRECISE, PRECISE.number(z), y, parameter) - numeric) < 1e-30, (z, y)


# --- Random networks --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """What a random network is, before its weights are drawn."""

    sizes: list[int]
    hidden: list[Any]
    output: Any
    loss: Any
    bias: bool
    weighted: bool
    reduction: str

    def network(self):
        """The same for Thalweg."""
        return tw.Network(
            self.sizes, activation=[given(spec) for spec in self.hidden], output=given(self.output),
            loss=given(self.loss), bias=self.bias, reduction=self.reduction,
        )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A random network with its examples; what 50 digits make of them; and how large the terms of each sum are."""

    options: Options
    weights: list[np.ndarray]
    biases: list[np.ndarray] | None
    X: np.ndarray
    Y: np.ndarray
    shares: np.ndarray | None
    expected: dict[tuple, Any]
    loss_scale: float
    scales: list[float]  # of each layer

    def check(self, loss, gradient_by_layer):
        """Compare the loss, and the entries of each layer, with 50 digits."""
        difference = abs(PRECISE.number(loss) - self.expected["E",])
        assert difference <= ULPS * EPS * self.loss_scale, self.options
        seen = 1
        for scale, entries in zip(self.scales, gradient_by_layer, strict=True):
            for key, found in entries.items():
                difference = abs(PRECISE.number(found) - self.expected[key])
                assert difference <= ULPS * EPS * scale, (key, found, self.options)
            seen += len(entries)
        assert seen == len(self.expected)


HIDDEN = (None, *activations.HIDDEN)  # of the first hidden layer; None: there is none


def draw_options(random, loss, output, first):
    depth = 1 if first is None else 2 + (PAIRS.index((loss, output)) + HIDDEN.index(first)) % 4
    sizes = random.permutation(PRIMES)[: depth + 1].tolist()
    if random.random() < 0.2:
        sizes[-1] = 1
    alike = random.random() < 0.6
    hidden = [first if alike or not layer else str(random.choice(activations.HIDDEN)) for layer in range(depth - 1)]

    def spec(name):
        return (name, PARAMETERS[name]) if name in PARAMETERS and random.random() < 0.5 else name

    bias, weighted, mean = random.random(size=3) < [0.7, 0.5, 0.5]
    hidden = [spec(name) for name in hidden]
    return Options(sizes, hidden, spec(output), spec(loss), bool(bias), bool(weighted), "mean" if mean else "sum")


def draw_targets(random, loss, k):
    simple = random.random() < 0.5
    if loss == "cross_entropy":
        return np.eye(k)[random.integers(k, size=N)] if simple else random.dirichlet(np.ones(k), size=N)
    if loss == "binary_cross_entropy":
        return random.integers(2, size=(N, k)).astype(float) if simple else random.uniform(size=(N, k))
    if loss == "poisson":
        return random.poisson(2.0, size=(N, k)).astype(float)
    return random.normal(size=(N, k))


class Floats:
    """float64 for the activations of by_hand, where weights are chosen."""

    exp, log, tanh, cosh, erfc, sqrt = math.exp, math.log, math.tanh, math.cosh, math.erfc, math.sqrt
    number, pi, e = float, math.pi, math.e


def draw_weights(random, options, X):
    """Weights and biases with which no |a| exceeds 3 on any example, however deep the network is.

    Where exp follows exp it exceeds 1 nowhere: a rounding error of a grows with each, and would be all there is to see.
    """
    reach = 1.0 if "exp" in options.hidden else 3.0
    weights, biases, z = [], [], X
    for below, above, spec in zip(options.sizes, options.sizes[1:], [*options.hidden, "identity"], strict=False):
        W, b = random.normal(size=(below, above)), random.normal(size=above) * options.bias
        a = z @ W + b
        shrink = reach / max(reach, float(np.abs(a).max()))
        weights.append(W * shrink)
        biases.append(b * shrink)
        g, _, parameter = chosen(ACTIVATIONS, spec, Floats)
        z = np.array([[g(Floats, one, parameter) for one in row] for row in (a * shrink).tolist()])
    return weights, biases if options.bias else None


def name_of(spec):
    return spec if isinstance(spec, str) else spec[0]


def is_clear(t, options):
    """Whether every a and every residual of this trace keeps its distance from the kinks."""
    for layer, spec in enumerate([*options.hidden, options.output], start=1):
        if name_of(spec) in ("relu", "leaky_relu", "elu", "selu"):
            if any(abs(t["a", layer, j]) < CLEAR for j in range(1, options.sizes[layer] + 1)):
                return False
    _, _, delta = chosen(LOSSES, options.loss, PRECISE)
    corners = {"absolute_error": [0], "quantile": [0], "huber": [delta]}.get(name_of(options.loss), [])
    residuals = [abs(t["z", len(options.sizes) - 1, k] - t["y", k]) for k in range(1, options.sizes[-1] + 1)]
    return all(abs(r - corner) >= CLEAR for r in residuals for corner in corners)


def size_of_g_slope(name, z, slope):
    """How large the terms of g′ are: z (1 − z), 1 − z², z + alpha, Φ + a φ may be small where their terms are not."""
    if name in ("tanh", "elu", "selu", "gelu", "silu", "mish"):
        return max(1.0, abs(slope))
    return z if name == "sigmoid" else abs(slope)


def size_of_loss_slope(loss, z, y, slope):
    """How large the terms of ∂E/∂z are: of 2 (z − y), of 1 − y/z, …"""
    if loss in ("squared_error", "half_squared_error") or loss == "huber" and abs(slope) == abs(z - y):
        return 2.0 * (abs(z) + abs(y))
    if loss == "binary_cross_entropy":
        return y / z + (1.0 - y) / (1.0 - z)
    return 1.0 + y / z if loss == "poisson" else abs(slope)


def sizes_of_terms(t, options, weights):
    """How large the terms of E, and those of each layer's gradient, are: absolute values along all paths."""
    last = len(options.sizes) - 1
    slopes = {
        k: float(size_of_loss_slope(name_of(options.loss), t["z", last, k], t["y", k], t["dE/dz", k]))
        for k in range(1, options.sizes[-1] + 1)
    }
    units = [range(1, size + 1) for size in options.sizes]
    of_loss = max(1.0, abs(float(t["E",])), max(abs(float(t["a", last, k])) for k in units[last]))
    largest, delta = [0.0] * last, {}
    for layer, spec in reversed(list(enumerate([*options.hidden, options.output], start=1))):
        for j in units[layer]:
            if name_of(spec) == "softmax":  # z_k [k = j] − z_k z_j
                z = {k: float(t["z", layer, k]) for k in units[layer]}
                delta[layer, j] = sum(slopes[k] * z[k] * ((k == j) + z[j]) for k in units[layer])
            else:
                if layer == last:
                    above = slopes[j]
                else:
                    above = sum(delta[layer + 1, k] * abs(weights[layer][j - 1][k - 1]) for k in units[layer + 1])
                slope = size_of_g_slope(name_of(spec), t["z", layer, j], t["g'", layer, j])
                delta[layer, j] = above * float(slope)
            below = [abs(float(t["x", i] if layer == 1 else t["z", layer - 1, i])) for i in units[layer - 1]]
            largest[layer - 1] = max(largest[layer - 1], delta[layer, j] * max(1.0, *below))
    return of_loss, np.array(largest)


@cache  # one for all engines
def make_case(seed, loss, output, first):
    """A network whose first hidden layer has this activation (None: without hidden layers); the rest is drawn."""
    random = np.random.default_rng([seed, PAIRS.index((loss, output)), HIDDEN.index(first)])
    options = draw_options(random, loss, output, first)
    shares = random.uniform(0.1, 3.0, size=N) if options.weighted else None
    for _ in range(100):  # where every unit below is off, a relu without bias is at its kink
        X, Y = random.normal(size=(N, options.sizes[0])), draw_targets(random, loss, options.sizes[-1])
        weights, biases = draw_weights(random, options, X)
        network = options.sizes, options.hidden, options.output, options.loss, weights, biases
        traces = [trace(*network, x, y, PRECISE) for x, y in zip(X, Y, strict=True)]
        if all(is_clear(t, options) for t in traces):
            break
    else:
        raise AssertionError("found no point away from kinks")
    s = np.ones(N) if shares is None else shares
    measured = [sizes_of_terms(t, options, weights) for t in traces]
    loss_scale = sum(share * of_loss for share, (of_loss, _) in zip(s, measured, strict=True))
    scales = np.sum([share * of_layers for share, (_, of_layers) in zip(s, measured, strict=True)], axis=0)
    if options.reduction == "mean":
        loss_scale, scales = loss_scale / s.sum(), scales / s.sum()
    expected = add_up(traces, PRECISE, shares, options.reduction)
    return Case(options, weights, biases, X, Y, shares, expected, float(loss_scale), list(scales))


def test_the_random_networks_cover_everything(rng):
    drawn = [draw_options(rng, *pair, first) for pair in PAIRS for first in HIDDEN]
    assert len(drawn) == 70 * 13
    assert {len(one.sizes) - 1 for one in drawn} == {1, 2, 3, 4, 5}
    assert len({(one.bias, one.weighted, one.reduction) for one in drawn}) == 8
    specs = {spec for one in drawn for spec in (*one.hidden, one.output, one.loss)}
    assert specs == {*ACTIVATIONS, *LOSSES, "softmax", *PARAMETERS.items()}
    assert {one.hidden[0] for one in drawn if len(one.sizes) == 6} >= set(activations.HIDDEN)


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_the_engines_agree_with_backpropagation_by_hand(loss, output, engine, rng):
    for first in HIDDEN:
        case = make_case(rng.seed, loss, output, first)
        network, p = case.options.network(), flat(case.weights, case.biases)
        value, gradient = tw.loss_and_gradient(
            network, p, case.X, case.Y, sample_weight=case.shares, engine=engine, dtype="float64"
        )
        case.check(value, by_layer(network, gradient))


def test_an_error_in_the_loss_or_in_one_entry_would_be_found(rng):
    case = make_case(rng.seed, "squared_error", "tanh", "sigmoid")
    network, p = case.options.network(), flat(case.weights, case.biases)
    value, gradient = tw.loss_and_gradient(network, p, case.X, case.Y, sample_weight=case.shares, engine="reference")
    with pytest.raises(AssertionError):
        case.check(value + 1e-12 * case.loss_scale, by_layer(network, gradient))
    for layer, place in enumerate(part.start for part in (one.weights for one in network.layers)):
        wrong = gradient.copy()
        wrong[place] += 1e-12 * case.scales[layer]
        with pytest.raises(AssertionError):
            case.check(value, by_layer(network, wrong))


# Where softmax and its kin are saturated, 50 digits lose 1 − z; so many do not.
MANY = Precise(700)
FAR = [-701.0, -89.0, -31.0, -1.0, 0.0, 2.0, 37.0, 89.0, 701.0]


@pytest.mark.parametrize(
    ("loss", "output", "y"),
    [
        ("cross_entropy", "softmax", 1.0),
        ("binary_cross_entropy", "sigmoid", 0.0),
        ("binary_cross_entropy", "sigmoid", 0.25),
        ("binary_cross_entropy", "sigmoid", 1.0),
        ("poisson", "exp", 0.0),
        ("poisson", "exp", 3.0),
        ("poisson", "softplus", 0.0),
        ("poisson", "softplus", 3.0),
        ("poisson", "sigmoid", 0.0),
        ("poisson", "sigmoid", 3.0),
    ],
)
def test_saturated_outputs_are_true_to_the_last_bits(loss, output, y, engine):
    for a in FAR:
        k = 2 if output == "softmax" else 1  # the second unit of softmax has a = 0
        weights, target = [[[a, 0.0][:k]]], [y, 1.0 - y][:k]
        t = trace([1, k], [], output, loss, weights, None, [1.0], target, MANY)
        network = tw.Network([1, k], output=output, loss=loss, bias=False)
        found, gradient = tw.loss_and_gradient(
            network, flat(weights, None), np.ones((1, 1)), np.array([target]), engine=engine, dtype="float64"
        )
        # The fused binary cross-entropy says that it keeps a small E; the others may lose what is below EPS of a term.
        lost = 1e-300 if loss == "binary_cross_entropy" else 4 * EPS
        assert found == pytest.approx(float(t["E",]), rel=8 * EPS, abs=lost), a
        largest = max(1.0, y, abs(float(t["delta", 1, 1])))
        for entry, j in zip(gradient, range(1, k + 1), strict=True):
            assert entry == pytest.approx(float(t["dE/dW", 1, 1, j]), rel=8 * EPS, abs=4 * EPS * largest), a


# --- PyTorch ----------------------------------------------------------------------------------------------------------

WITHOUT_QUANTILE = [pair for pair in PAIRS if pair[0] != "quantile"]  # PyTorch has no such loss


def by_autograd(torch, case):
    """Loss and gradient of each layer, by PyTorch's autograd in float64."""
    F, options = torch.nn.functional, case.options
    functions = {
        "identity": lambda a, p: a, "sigmoid": lambda a, p: torch.sigmoid(a), "tanh": lambda a, p: torch.tanh(a),
        "relu": lambda a, p: F.relu(a), "leaky_relu": lambda a, p: F.leaky_relu(a, p), "elu": lambda a, p: F.elu(a, p),
        "selu": lambda a, p: F.selu(a), "gelu": lambda a, p: F.gelu(a), "silu": lambda a, p: F.silu(a),
        "mish": lambda a, p: F.mish(a), "softplus": lambda a, p: F.softplus(a), "exp": lambda a, p: torch.exp(a),
        "softmax": lambda a, p: torch.softmax(a, dim=1),
    }  # fmt: skip
    loss_functions = {
        "squared_error": lambda z, a, y, p: F.mse_loss(z, y, reduction="none"),
        "half_squared_error": lambda z, a, y, p: 0.5 * F.mse_loss(z, y, reduction="none"),
        "cross_entropy": lambda z, a, y, p: F.cross_entropy(a, y, reduction="none")[:, None],
        "binary_cross_entropy": lambda z, a, y, p: F.binary_cross_entropy(z, y, reduction="none"),
        "absolute_error": lambda z, a, y, p: F.l1_loss(z, y, reduction="none"),
        "huber": lambda z, a, y, p: F.huber_loss(z, y, reduction="none", delta=p),
        "poisson": lambda z, a, y, p: F.poisson_nll_loss(z, y, log_input=False, eps=0.0, reduction="none"),
    }

    def row(table, spec):
        name, parameter = (spec, {"leaky_relu": 0.01}.get(spec, 1.0)) if isinstance(spec, str) else spec
        return table[name], parameter

    z, a, W, b = torch.tensor(case.X), None, [], []
    for layer, spec in enumerate([*options.hidden, options.output]):
        W.append(torch.tensor(case.weights[layer], requires_grad=True))
        a = z @ W[-1]
        if case.biases is not None:
            b.append(torch.tensor(case.biases[layer], requires_grad=True))
            a = a + b[-1]
        g, parameter = row(functions, spec)
        z = g(a, parameter)
    E, parameter = row(loss_functions, options.loss)
    s = torch.ones(N, dtype=torch.float64) if case.shares is None else torch.tensor(case.shares)
    loss = (s * E(z, a, torch.tensor(case.Y), parameter).sum(dim=1)).sum()
    if options.reduction == "mean":
        loss = loss / s.sum()
    loss.backward()
    dW, db = [one.grad.numpy() for one in W], [one.grad.numpy() for one in b]
    return loss.item(), by_layer(options.network(), flat(dW, db if options.bias else None))


@pytest.mark.parametrize(("loss", "output"), WITHOUT_QUANTILE)
def test_autograd_agrees_with_backpropagation_by_hand(loss, output, rng):
    torch = pytest.importorskip("torch")
    place = WITHOUT_QUANTILE.index((loss, output))
    for first in (None, *(activations.HIDDEN[(place + step) % 12] for step in (0, 1, 5, 8))):
        case = make_case(rng.seed, loss, output, first)
        case.check(*by_autograd(torch, case))


# --- The chain rule: a sum over paths ---------------------------------------------------------------------------------


def paths(sizes, layer, j):
    """Every way from unit j of this layer up to an output: (j, a unit of the next layer, …, an output unit)."""
    return itertools.product([j], *(range(1, size + 1) for size in sizes[layer + 1 :]))


def along_paths(t, sizes, weights, layer, i, j, m):
    """∂E/∂W_ij⁽ℓ⁾ (∂E/∂b_j⁽ℓ⁾ for i = 0): the product of the factors on each path, summed over all paths; their number.

    The factors: what enters the weight; g′ of each unit on the way; the weights between them; ∂E/∂z of the output.
    Under softmax every a of the last layer leads to every output: a path is longer by one choice, with ∂z_k/∂a for g′.
    """
    last = len(sizes) - 1
    enters = 1 if i == 0 else t["x", i] if layer == 1 else t["z", layer - 1, i]
    total, n = m.number(0), 0
    for path in paths(sizes, layer, j):
        product = m.number(enters)
        for step, (u, v) in enumerate(itertools.pairwise(path), start=layer):
            product *= t["g'", step, u] * m.number(weights[step][u - 1][v - 1])
        u = path[-1]
        ways = [u] if ("g'", last, u) in t else range(1, sizes[-1] + 1)
        for k in ways:
            leaves = t["g'", last, u] if ("g'", last, u) in t else t["dz/da", last, k, u]
            total += product * leaves * t["dE/dz", k]
            n += 1
    return total, n


def entries_of(sizes):
    for layer in range(1, len(sizes)):
        yield from itertools.product([layer], range(sizes[layer - 1] + 1), range(1, sizes[layer] + 1))


@pytest.mark.parametrize("sizes", [[3, 2], [2, 5, 3], [3, 2, 5, 2], [2, 3, 5, 2, 3]], ids=str)
@pytest.mark.parametrize(
    ("hidden", "output", "loss"),
    [
        ("identity", "identity", "half_squared_error"),
        ("relu", "identity", "squared_error"),
        ("leaky_relu", ("leaky_relu", "1/5"), "squared_error"),
        (("leaky_relu", "1/7"), "relu", ("huber", "1/2")),
    ],
    ids=str,
)
def test_the_sum_over_paths_is_the_gradient_in_fractions(sizes, hidden, output, loss, rng):
    def draw(*shape):
        return (Fraction(int(n), 7) for n in rng.integers(-13, 14, size=math.prod(shape)))

    weights = [[list(draw(above)) for _ in range(below)] for below, above in itertools.pairwise(sizes)]
    biases = [list(draw(above)) for above in sizes[1:]]
    x, y = list(draw(sizes[0])), list(draw(sizes[-1]))
    t = trace(sizes, hidden, output, loss, weights, biases, x, y, EXACT)
    for layer, i, j in entries_of(sizes):
        total, n = along_paths(t, sizes, weights, layer, i, j, EXACT)
        assert total == t["dE/dW", layer, i, j] if i else total == t["dE/db", layer, j]
        assert n == math.prod(sizes[layer + 1 :])


@pytest.mark.parametrize("sizes", [[3, 2], [2, 5, 3], [3, 2, 5, 2]], ids=str)
@pytest.mark.parametrize(
    ("hidden", "output", "loss"),
    [
        ("sigmoid", "sigmoid", "squared_error"),
        ("tanh", "sigmoid", "binary_cross_entropy"),
        ("gelu", "softmax", "cross_entropy"),
        ("mish", "softmax", "squared_error"),
        ("silu", "softplus", "poisson"),
        ("selu", "exp", "poisson"),
        ("softplus", "elu", "huber"),
        ("exp", "tanh", "absolute_error"),
    ],
)
def test_the_sum_over_paths_is_the_gradient(sizes, hidden, output, loss, engine, rng):
    """In 50 digits against by_hand, and the engine against the sum over paths."""
    options = Options(sizes, [hidden] * (len(sizes) - 2), output, loss, True, False, "sum")
    x, y = rng.normal(size=sizes[0]), rng.dirichlet(np.ones(sizes[-1]))
    weights, biases = draw_weights(rng, options, x[None, :])
    t = trace(sizes, hidden, output, loss, weights, biases, x, y, PRECISE)
    network = options.network()
    _, gradient = tw.loss_and_gradient(
        network, flat(weights, biases), x[None, :], y[None, :], engine=engine, dtype="float64"
    )
    found = by_layer(network, gradient)
    _, scales = sizes_of_terms(t, options, weights)
    for layer, i, j in entries_of(sizes):
        key = ("dE/dW", layer, i, j) if i else ("dE/db", layer, j)
        total, n = along_paths(t, sizes, weights, layer, i, j, PRECISE)
        assert abs(total - t[key]) <= 1e-45 * scales[layer - 1], key
        assert abs(found[layer - 1][key] - total) <= ULPS * EPS * scales[layer - 1], key
        assert n == math.prod(sizes[layer + 1 :]) * (sizes[-1] if output == "softmax" else 1)
