"""Why a weight has its gradient: its paths against backpropagation by hand, the strongest of many, numeric slopes."""

import itertools
import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import by_hand
import thalweg as tw
from thalweg import activations, losses, paths
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.trace_steps import Steps
from worked import draw, small, traces


PAIRS = [
    (loss, output)
    for loss, row in losses.LOSSES.items()
    for output, g in activations.ACTIVATIONS.items()
    if row.outputs(g)
]
# Where the slopes of error and output cancel, ∂E/∂a is one factor; that of softplus and Poisson stays a product.
CANCEL = {
    ("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid"), ("poisson", "exp"), ("poisson", "sigmoid"),
}  # fmt: skip


def weights_of(network, p):
    """(weights, biases) of a parameter vector as by_hand takes them, whatever its numbers are."""
    weights, biases = [], []
    for layer in network.layers:
        flat = list(p[layer.weights])
        weights.append([flat[i : i + layer.above] for i in range(0, len(flat), layer.above)])
        biases.append(list(p[layer.biases]) if network.bias else [])
    return weights, biases if network.bias else None


def by_hand_traces(network, p, X, Y, m):
    hidden, output, loss = [g.name for g in network.activation], network.output.name, network.loss.name
    weights = weights_of(network, p)
    return [by_hand.trace(network.sizes, hidden, output, loss, *weights, x, y, m) for x, y in zip(X, Y, strict=True)]


def products(t, network, p, layer, i, j, m) -> dict[tuple[int, ...], Any]:
    """units of a path → its product, from a trace by hand; i is "b" for a bias."""
    last, sizes = len(network.layers), network.sizes
    cancels = (network.loss.name, network.output.name) in CANCEL
    weights, _ = weights_of(network, p)
    enters = m.number(1) if i == "b" else t["x", i] if layer == 1 else t["z", layer - 1, i]
    found = {}
    for units in itertools.product([j], *(range(1, size + 1) for size in sizes[layer + 1 :])):
        product = enters
        for step, (u, v) in enumerate(itertools.pairwise(units), layer):
            product = product * t["g'", step, u] * m.number(weights[step][u - 1][v - 1])
        u = units[-1]
        if cancels:
            found[units] = product * t["delta", last, u]
        elif network.output.name == "softmax":
            for k in range(1, sizes[-1] + 1):
                found[*units, k] = product * t["dz/da", last, k, u] * t["dE/dz", k]
        else:
            found[units] = product * t["g'", last, u] * t["dE/dz", u]
    return found


def places(network):
    """(layer, i, j) of each weight, and (layer, "b", j) of each bias."""
    for layer, one in enumerate(network.layers, 1):
        rows = [*range(1, one.below + 1), *["b"] * network.bias]
        yield from itertools.product([layer], rows, range(1, one.above + 1))


def fractions(rng, n):
    return [Fraction(int(one), 7) for one in rng.integers(-13, 14, size=n)]


# --- Against backpropagation by hand ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[3, 2], [2, 5, 3], [3, 2, 5, 7]], ids=str)
@pytest.mark.parametrize(
    ("hidden", "output", "loss"),
    [
        ("identity", "identity", "half_squared_error"),
        ("relu", "identity", "squared_error"),
        ("leaky_relu", "relu", "huber"),
        ("relu", "leaky_relu", "absolute_error"),
        ("leaky_relu", "identity", "quantile"),
    ],
)
def test_paths_are_those_by_hand_in_fractions(sizes, hidden, output, loss, rng):
    network = tw.Network(sizes, activation=hidden, output=output, loss=loss)
    p, x, y = (fractions(rng, n) for n in (network.n_parameters, sizes[0], sizes[-1]))
    (t,) = by_hand_traces(network, p, [x], [y], by_hand.EXACT)
    trace = tw.trace(network, p, x, y, arithmetic=FRACTIONS)
    for layer, i, j in places(network):
        why = trace.gradient_of(layer, i, j)
        expected = products(t, network, p, layer, i, j, by_hand.EXACT)
        assert {path.units: path.product for path in why.paths} == expected
        assert why.n_paths == len(why.paths) == math.prod(sizes[layer + 1 :]) and why.is_complete
        gradient = t["dE/db", layer, j] if i == "b" else t["dE/dW", layer, i, j]
        assert why.total == why.step.result == gradient == sum(expected.values())
        assert all(path.example is None for path in why.paths) and (why.penalty, why.divisor) == (0, 1)


@pytest.mark.parametrize(("loss", "output"), PAIRS)
def test_paths_are_those_by_hand_in_50_digits(loss, output, rng):
    hidden = [str(rng.choice(activations.HIDDEN)) for _ in range(2)]
    network, p, X, Y = draw(rng, loss, output, hidden, sizes=[7, 2, 5, 3])
    (t,) = by_hand_traces(network, p, X, Y, by_hand.PRECISE)
    trace = tw.trace(network, p, X, Y)
    for layer, i, j in places(network):
        why = trace.gradient_of(layer, i, j)
        expected = products(t, network, p, layer, i, j, by_hand.PRECISE)
        assert {path.units for path in why.paths} == set(expected)
        size = max(1e-3, *(abs(float(product)) for product in expected.values()))
        for path in why.paths:
            assert path.product == pytest.approx(float(expected[path.units]), rel=1e-9, abs=1e-12 * size), path
        n = len(why.paths)
        assert why.total == pytest.approx(why.step.result, rel=1e-9, abs=1e-12 * n * size)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("l2", [0.0, 0.1])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_examples_are_added_up_and_the_penalty_comes_to_them(reduction, l2, n, rng):
    network = tw.Network([2, 5, 3], activation="leaky_relu", reduction=reduction, l2=l2)
    p = fractions(rng, network.n_parameters)
    X, Y = ([fractions(rng, size) for _ in range(n)] for size in (2, 3))
    by_example = by_hand_traces(network, p, X, Y, by_hand.EXACT)
    trace = tw.trace(network, p, X, Y, arithmetic=FRACTIONS)
    added = by_hand.add_up(by_example, by_hand.EXACT, reduction=reduction)
    weights, _ = weights_of(network, p)
    for layer, i, j in places(network):
        why = trace.gradient_of(layer, i, j)
        expected: Any = {}
        for number, t in enumerate(by_example, 1):
            example = number if n > 1 or l2 else None
            one = products(t, network, p, layer, i, j, by_hand.EXACT)
            expected |= {(example, units): product for units, product in one.items()}
        assert {(path.example, path.units): path.product for path in why.paths} == expected
        assert why.n_paths == len(expected)
        penalty = 0 if i == "b" or not l2 else Fraction(1, 10) * weights[layer - 1][i - 1][j - 1]
        assert why.penalty == penalty
        gradient = added["dE/db", layer, j] if i == "b" else added["dE/dW", layer, i, j]
        assert why.total == why.step.result == gradient + penalty


def test_of_rounded_numbers_the_products_are_those_of_the_printed_factors(rng):
    network, p, X, Y = draw(rng, "squared_error", "sigmoid", ["tanh"], sizes=[2, 5, 3])
    trace = tw.trace(network, p, X, Y, arithmetic=Arithmetic("rounded", Rounding(3)))
    for layer, i, j in places(network):
        for path in trace.gradient_of(layer, i, j).paths:
            printed = [Fraction(str(factor.shown)) for factor in path.factors]
            assert path.product == math.prod(printed)


def test_each_factor_is_a_step_of_the_trace_and_a_slope_of_the_chain(rng):
    """∂a/∂z is a weight, ∂z/∂a is g′, ∂a/∂W is what the unit below hands over, ∂a/∂b is 1 and no factor."""
    for trace in traces(rng):
        for layer, i, j in places(trace.network):
            why = trace.gradient_of(layer, i, j)
            for path in why.paths:
                assert all(factor.key in trace and factor.trace is trace for factor in path.factors)
                chain: Any = why.chain(path)
                links = chain.operands or (chain,)
                assert len(links) == len(path.factors) + (i == "b")
                for link, following in itertools.pairwise(links):
                    assert link.by == following.of
                first, last = links[0], links[-1]
                assert first.of.name == "E" and first.of.indices == (() if path.example is None else (path.example,))
                assert last.by == why.weight.symbol
                assert path.numbers.with_numbers({}) == path.numbers
                assert float(path.product) == pytest.approx(math.prod(float(one.result) for one in path.factors))


@pytest.mark.parametrize(
    ("network", "place", "chains"),
    [
        (
            tw.Network([1, 1], output="sigmoid"), (1, 1, 1),
            ["(∂E/∂z₁⁽¹⁾)·(∂z₁⁽¹⁾/∂a₁⁽¹⁾)·(∂a₁⁽¹⁾/∂W₁₁⁽¹⁾) = (∂E/∂z₁⁽¹⁾)·g′(a₁⁽¹⁾)·x₁"],
        ),
        (
            tw.Network([1, 1], output="sigmoid", loss="binary_cross_entropy"), (1, "b", 1),
            ["(∂E/∂a₁⁽¹⁾)·(∂a₁⁽¹⁾/∂b₁⁽¹⁾) = δ₁⁽¹⁾"],
        ),
        (
            tw.Network([1, 1, 2], activation="tanh", output="softmax", loss="squared_error"), (1, "b", 1),
            [
                "(∂E/∂z₁⁽²⁾)·(∂z₁⁽²⁾/∂a₁⁽²⁾)·(∂a₁⁽²⁾/∂z₁⁽¹⁾)·(∂z₁⁽¹⁾/∂a₁⁽¹⁾)·(∂a₁⁽¹⁾/∂b₁⁽¹⁾) = "
                "(∂E/∂z₁⁽²⁾)·(∂z₁⁽²⁾/∂a₁⁽²⁾)·W₁₁⁽²⁾·g′(a₁⁽¹⁾)",
                "(∂E/∂z₂⁽²⁾)·(∂z₂⁽²⁾/∂a₁⁽²⁾)·(∂a₁⁽²⁾/∂z₁⁽¹⁾)·(∂z₁⁽¹⁾/∂a₁⁽¹⁾)·(∂a₁⁽¹⁾/∂b₁⁽¹⁾) = "
                "(∂E/∂z₂⁽²⁾)·(∂z₂⁽²⁾/∂a₁⁽²⁾)·W₁₁⁽²⁾·g′(a₁⁽¹⁾)",
                "(∂E/∂z₁⁽²⁾)·(∂z₁⁽²⁾/∂a₂⁽²⁾)·(∂a₂⁽²⁾/∂z₁⁽¹⁾)·(∂z₁⁽¹⁾/∂a₁⁽¹⁾)·(∂a₁⁽¹⁾/∂b₁⁽¹⁾) = "
                "(∂E/∂z₁⁽²⁾)·(∂z₁⁽²⁾/∂a₂⁽²⁾)·W₁₂⁽²⁾·g′(a₁⁽¹⁾)",
                "(∂E/∂z₂⁽²⁾)·(∂z₂⁽²⁾/∂a₂⁽²⁾)·(∂a₂⁽²⁾/∂z₁⁽¹⁾)·(∂z₁⁽¹⁾/∂a₁⁽¹⁾)·(∂a₁⁽¹⁾/∂b₁⁽¹⁾) = "
                "(∂E/∂z₂⁽²⁾)·(∂z₂⁽²⁾/∂a₂⁽²⁾)·W₁₂⁽²⁾·g′(a₁⁽¹⁾)",
            ],
        ),
    ],
    ids=["one unit", "slopes that cancel", "Jacobian"],
)  # fmt: skip
def test_chains_as_they_are_written(network, place, chains):
    y = [1.0] if network.sizes[-1] == 1 else [1.0, 0.0]
    why = tw.trace(network, network.initialize(seed=3), [0.5], y).gradient_of(*place)
    assert [f"{why.chain(path).unicode} = {path.formula.unicode}" for path in why.paths] == chains


# --- The strongest ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "output", "n", "arithmetic"),
    [
        ("squared_error", "tanh", 1, Arithmetic()),
        ("cross_entropy", "softmax", 1, Arithmetic()),
        ("squared_error", "softmax", 1, Arithmetic()),
        ("squared_error", "softmax", 3, Arithmetic()),
        ("half_squared_error", "identity", 2, Arithmetic("rounded", Rounding(5))),
    ],
)
@pytest.mark.parametrize("strongest", [1, 3, 20])
def test_the_strongest_of_many_are_the_first_of_all(loss, output, n, arithmetic, strongest, rng, monkeypatch):
    network, p, X, Y = draw(rng, loss, output, ["tanh", "silu", "sigmoid"], n=n, sizes=[7, 3, 5, 2, 3])
    trace = tw.trace(network, p, X, Y, arithmetic=arithmetic)
    monkeypatch.setattr(paths, "STRONGEST", strongest)
    for place in [(1, 2, 3), (1, "b", 1), (2, 1, 5), (3, 4, 2), (4, 2, 1)]:
        every = trace.gradient_of(*place)
        assert every.is_complete
        size = sorted((abs(path.product) for path in every.paths), reverse=True)
        with monkeypatch.context() as few:
            few.setattr(paths, "MANY_PATHS", len(every.paths) - 1)
            some = trace.gradient_of(*place)
            assert not some.is_complete and some.n_paths == len(every.paths)
            assert len(some.paths) == min(strongest, len(every.paths))
            assert [abs(path.product) for path in some.paths] == size[:strongest]
            by_units = {(path.example, path.units): path.product for path in every.paths}
            assert all(by_units[path.example, path.units] == path.product for path in some.paths)
            chosen = {(path.example, path.units) for path in some.paths}
            assert len(chosen) == len(some.paths)
            assert some.to_dict()["total"] is None


def test_one_weight_of_a_large_network_costs_no_more_than_what_is_near_it(monkeypatch):
    network = tw.Network([784, 256, 251, 11], output="softmax", loss="cross_entropy")
    trace = tw.trace(network, network.initialize(seed=0), np.linspace(0.0, 1.0, 784), 3)
    asked, value = [], Steps.value
    monkeypatch.setattr(Steps, "value", lambda self, key: asked.append(key) or value(self, key))
    why = trace.gradient_of(1, 300, 7)
    assert why.n_paths == 251 * 11 and len(why.paths) == 20 and not why.is_complete
    sizes = [abs(path.product) for path in why.paths]
    assert sizes == sorted(sizes, reverse=True)
    assert len(asked) < 2_000 and network.n_parameters > 200_000


def test_a_thousand_paths_are_all_listed_and_one_more_are_not():
    for outputs, complete in ((1000, True), (1001, False)):
        network = tw.Network([1, 1, outputs], bias=False)
        why = tw.trace(network, np.ones(network.n_parameters), [1.0], np.zeros(outputs)).gradient_of(1, 1, 1)
        assert (why.n_paths, why.is_complete, len(why.paths)) == (outputs, complete, 1000 if complete else 20)


SIZES = st.lists(st.sampled_from([1, 2, 3]), min_size=2, max_size=5)


@given(SIZES, st.data())
def test_there_are_as_many_paths_as_ways_through_the_units_above(sizes, data):
    network = tw.Network(sizes, activation="tanh", output="softmax", loss="squared_error")
    trace = tw.trace(network, network.initialize(seed=len(sizes)), np.ones(sizes[0]), np.eye(sizes[-1])[0])
    layer, i, j = data.draw(st.sampled_from(list(places(network))))
    why = trace.gradient_of(layer, i, j)
    assert why.n_paths == len(why.paths) == math.prod(sizes[layer + 1 :]) * sizes[-1]
    assert len({path.units for path in why.paths}) == why.n_paths
    assert why.total == pytest.approx(why.step.result, rel=1e-9, abs=1e-14)


# --- The numeric check ------------------------------------------------------------------------------------------------


def test_the_quotients_are_those_of_50_digits(rng):
    network, p, X, Y = draw(rng, "squared_error", "sigmoid", ["tanh"], n=3, sizes=[2, 5, 3], reduction="mean", l2=0.1)
    m = by_hand.PRECISE

    def objective(q):
        one = by_hand.add_up(by_hand_traces(network, q, X, Y, m), m, reduction="mean")["E",]
        squares = [m.number(w) ** 2 for matrix in weights_of(network, q)[0] for row in matrix for w in row]
        return one + m.number("1/20") * sum(squares, m.number(0))

    for layer, i, j in [(1, 2, 3), (2, 1, 1), (1, "b", 2)]:
        why = tw.trace(network, p, X, Y).gradient_of(layer, i, j)
        place = network.place_of("b", layer, j) if i == "b" else network.place_of("W", layer, i, j)
        for row in why.check[:4]:
            ends = []
            for side in (1, -1):
                q = [m.number(one) for one in p]
                q[place] += side * m.number(row.epsilon)
                ends.append(objective(q))
            exact = float((ends[0] - ends[1]) / (2 * m.number(row.epsilon)))
            assert row.quotient == pytest.approx(exact, rel=1e-9, abs=1e-12 / row.epsilon)


def test_the_error_falls_with_the_square_of_the_step_and_rises_with_its_inverse():
    """E = sin-like enough: sigmoid and squared error have a third derivative, so truncation is ∝ ε²."""
    network = tw.Network([1, 2, 1], activation="tanh", output="sigmoid", loss="squared_error")
    trace = tw.trace(network, [0.7, -0.4, 0.1, 0.2, 0.9, -1.1, 0.3], [1.3], [0.2])
    why = trace.gradient_of(1, 1, 1)
    epsilon, error = (np.array([getattr(row, name) for row in why.check]) for name in ("epsilon", "error"))
    assert epsilon.tolist() == [10.0**-n for n in range(1, 14)]
    np.testing.assert_allclose(
        error[:2] / error[1:3], 100.0, rtol=0.05
    )  # a tenth of the step, a hundredth of the error
    assert 1e-6 <= why.best.epsilon <= 1e-3 and why.best.error == error.min() < 1e-10
    bound = 4.0 * 2.0**-52 * (abs(trace["E"].result) + abs(why.step.result)) / epsilon
    assert (error[5:] <= bound[5:]).all()  # what E loses in rounding, over the step
    assert error[-1] > 1e3 * why.best.error and error[-2:].max() > 100.0 * error[5:8].max()
    assert all(row.error == abs(row.quotient - why.step.result) for row in why.check)


def test_where_a_difference_overflows_the_shorter_ones_still_tell():
    """E = exp(2 exp(w)) is 1e301 at w = 5.85, and beyond float64 at 5.95."""
    network = tw.Network([1, 1, 1], activation="exp", output="exp", bias=False)
    why = tw.trace(network, [5.85, 1.0], [1.0], [0.0]).gradient_of(1, 1, 1)
    assert why.check[0].quotient == math.inf and why.check[2].quotient < math.inf
    assert why.best.error < 1e-6 * why.step.result
    plain = json.loads(json.dumps(why.to_dict(), allow_nan=False))
    assert plain["check"][0] == {"epsilon": 0.1, "quotient": "inf", "error": "inf"}
    none = tw.trace(network, [7.0, 1.0], [1.0], [0.0]).gradient_of(1, 1, 1)
    assert {row["error"] for row in none.to_dict()["check"]} == {"nan"} and none.best == none.check[0]


def test_of_fractions_the_check_is_that_of_the_nearest_floats():
    network = tw.Network([1, 2, 1], activation="relu", bias=False)
    p = [Fraction(1, 3), Fraction(2, 3), Fraction(-1, 7), Fraction(3)]
    exact = tw.trace(network, p, [Fraction(1, 3)], [Fraction(1, 9)], arithmetic=FRACTIONS).gradient_of(1, 1, 2)
    floats = tw.trace(network, [float(one) for one in p], [1 / 3], [1 / 9]).gradient_of(1, 1, 2)
    assert exact.check == floats.check and isinstance(exact.total, Fraction)


# --- Plain types, and what is refused ---------------------------------------------------------------------------------


def test_plain_types_say_the_same(rng):
    for trace in traces(rng):
        for place in places(trace.network):
            why = trace.gradient_of(*place)
            plain = json.loads(json.dumps(why.to_dict(), allow_nan=False))
            assert trace.named(plain["gradient"]["name"]).key == why.step.key and plain["n_paths"] == why.n_paths
            assert [tuple(one["units"]) for one in plain["paths"]] == [path.units for path in why.paths]
            for one, path in zip(plain["paths"], why.paths, strict=True):
                assert [trace[tuple(key)].key for key in one["factors"]] == [factor.key for factor in path.factors]
                assert one["names"] == [factor.name for factor in path.factors]
                assert one.get("example") == path.example
                kind = Fraction if trace.arithmetic.is_exact else float
                assert kind(one["product"]) == math.prod(map(kind, one["values"])) == path.product
            assert type(why.total)(plain["total"]) == why.total
            assert [row["epsilon"] for row in plain["check"]] == list(paths.STEPS)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ((3, 1, 1), r"W\[3\]\[1,1\] is out of range: the layer is 3, but there are 1 to 2 in 2-2-1"),
        ((0, 1, 1), "the layer is 0, but there are 1 to 2"),
        ((1, 3, 1), "the unit below is 3, but there are 1 to 2"),
        ((1, 1, 3), "the unit is 3, but there are 1 to 2"),
        ((2, 1, 2), "the unit is 2, but it is 1"),
        ((1, "b", 1), "this network has no biases"),
        ((1, "c", 1), "'W' takes the layer, the unit below, the unit, each a whole number from 1"),
        ((1, 1.0, 1), "each a whole number from 1"),
        ((1, True, 1), "each a whole number from 1"),
    ],
)
def test_a_weight_that_is_not_there_is_refused(place, said):
    with pytest.raises(tw.InputError, match=said):
        small(loss="squared_error").gradient_of(*place)
