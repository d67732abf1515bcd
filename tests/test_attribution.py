"""Shares of a decision against shares by hand, in 50 digits, by PyTorch, and against the laws that define them."""

import itertools
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thalweg as tw
from by_hand import PRECISE, trace
from thalweg import straight_path
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.attribution import attribute, by_group


SIZES = (7, 11, 5, 3)


def problem(rng, sizes=SIZES, scale=0.5, **options):
    network = tw.Network(sizes, **options)
    p = scale * rng.normal(size=network.n_parameters)
    return network, p, rng.normal(size=sizes[0]), rng.normal(size=sizes[0])


def layers_of(network, p) -> Any:
    """[(W, b), …] of a network with biases, as views."""
    return network.views(p)


def output_at(network, p, x, k):
    return tw.predict(network, p, [x], engine="reference")[0, k - 1]


# --- By hand ----------------------------------------------------------------------------------------------------------


def test_in_a_linear_network_each_input_carries_its_weight_times_its_move():
    network = tw.Network([3, 2])
    W, b = [[2.0, -1.0], [0.5, 4.0], [-3.0, 1.0]], [10.0, 20.0]
    p = np.concatenate([np.ravel(W), b])
    found = attribute(network, p, [1.0, 2.0, 3.0], output=2, baseline=[0.5, 4.0, 3.0])
    assert found.value == -1.0 + 8.0 + 3.0 + 20.0 and found.baseline_value == -0.5 + 16.0 + 3.0 + 20.0
    assert found.difference == -8.5
    by_hand = [-0.5, -8.0, 0.0]
    np.testing.assert_allclose(found.integrated_gradients, by_hand, rtol=1e-14)
    np.testing.assert_allclose(found.gradient_times_input, by_hand, rtol=1e-14)
    np.testing.assert_allclose(found.weight_flow(1), [[0.0, -0.5], [0.0, -8.0], [0.0, 0.0]], rtol=1e-14)
    np.testing.assert_allclose(found.gradient_times_weight[0], [[0.0, -1.0], [0.0, 8.0], [0.0, 3.0]], rtol=1e-14)
    assert found.complete and abs(found.gap) < 1e-14


def test_a_relu_that_opens_halfway():
    """ŷ = 5 relu(x₁ + x₂ − 1) from 0 to (1, 1): closed for α < ½, then dŷ/dα = 10; at x the slope is 5 each."""
    network = tw.Network([2, 1, 1])
    found = attribute(network, [1.0, 1.0, -1.0, 5.0, 0.25], [1.0, 1.0], output=1)
    assert (found.value, found.baseline_value) == (5.25, 0.25)
    np.testing.assert_allclose(found.integrated_gradients, [2.5, 2.5], rtol=1e-14)
    np.testing.assert_allclose(found.gradient_times_input, [5.0, 5.0], rtol=1e-14)
    np.testing.assert_allclose(found.weight_flow(2), [[5.0]], rtol=1e-14)
    np.testing.assert_allclose(found.gradient_times_weight[1], [[5.0]], rtol=1e-14)


def test_an_input_that_saturates_a_unit_is_seen_where_the_gradient_is_zero():
    """The example of Sundararajan, Taly and Yan 2017, section 2.1: f(x) = 1 − relu(1 − x) from 0 to 2."""
    found = attribute(tw.Network([1, 1, 1]), [-1.0, 1.0, -1.0, 1.0], [2.0], output=1)
    assert found.gradient_times_input.tolist() == [0.0]
    np.testing.assert_allclose(found.integrated_gradients, [1.0], rtol=1e-14)


# --- 50 digits --------------------------------------------------------------------------------------------------------


class Precisely:
    """A network along a path in 50 digits: its traces by hand, its kinks, and its integrals between them."""

    def __init__(self, network, p, x, baseline, k):
        self.network, self.k, self.m = network, k, PRECISE.context
        self.weights = [W.tolist() for W, _ in network.views(p)]
        self.biases = [b.tolist() for _, b in network.views(p)]
        self.start = [self.m.mpf(float(one)) for one in baseline]
        self.moved = [self.m.mpf(float(one)) - low for one, low in zip(x, self.start, strict=True)]
        self.seen = {}

    def trace_with(self, alpha, y):
        sizes, last = self.network.sizes, self.network.output.name
        x = [low + alpha * moved for low, moved in zip(self.start, self.moved, strict=True)]
        hidden = [g.name for g in self.network.activation]
        return trace(sizes, hidden, last, "poisson", self.weights, self.biases, x, y, PRECISE)

    def at(self, alpha):
        """A trace with ∂E/∂ŷ of 1 at unit k, 0 at the others: poisson's 1 − y/ŷ, with y of 0 and of ŷ."""
        if alpha not in self.seen:
            units = range(1, self.network.sizes[-1] + 1)
            z = self.trace_with(alpha, [0] * len(units))
            last = len(self.weights)
            self.seen[alpha] = self.trace_with(alpha, [0 if j == self.k else z["z", last, j] for j in units])
        return self.seen[alpha]

    def kinks(self, layer, j, breaks):
        """Where a of a unit is 0 between two breaks: the networks that have kinks here are straight between them."""
        for low, high in itertools.pairwise(breaks):
            a, b = self.at(low)["a", layer, j], self.at(high)["a", layer, j]
            if (a > 0) != (b > 0):
                yield low + (high - low) * a / (a - b)

    def breaks(self):
        breaks = [self.m.mpf(0), self.m.mpf(1)]
        for layer, size in enumerate(self.network.sizes[1:-1], start=1):
            found = [kink for j in range(1, size + 1) for kink in self.kinks(layer, j, breaks)]
            breaks = sorted({*breaks, *found})
        return breaks

    def speed(self, t, layer, i):
        """dz_i/dα of a layer, by the chain rule from below."""
        if layer == 0:
            return self.moved[i - 1]
        sums = (
            self.speed(t, layer - 1, h) * self.m.mpf(row[i - 1]) for h, row in enumerate(self.weights[layer - 1], 1)
        )
        return t["g'", layer, i] * sum(sums)

    def flow(self, layer, i, j, breaks):
        def integrand(alpha):
            t = self.at(alpha)
            return (
                self.speed(t, layer - 1, i) * self.m.mpf(self.weights[layer - 1][i - 1][j - 1]) * t["delta", layer, j]
            )

        value, error = self.m.quad(integrand, breaks, error=True, method="gauss-legendre", maxdegree=5)
        assert error < 1e-20
        return value


def changing_sides(network, p, x, baseline, rng):
    """Biases with which every unit of the first layer has a = 0 somewhere on the path."""
    W, b = layers_of(network, p)[0]
    somewhere = baseline + rng.uniform(0.2, 0.8, size=(len(b), 1)) * (x - baseline)
    b[:] = -np.einsum("ji,ij->j", somewhere, W)


@pytest.mark.parametrize(
    ("sizes", "activation", "output"),
    [((3, 5, 2, 7), "relu", "softmax"), ((2, 5, 3), "leaky_relu", "exp"), ((2, 5, 3), "silu", "softmax")],
)
def test_every_flow_in_50_digits_with_kinks_on_the_path(sizes, activation, output, rng):
    network, p, x, baseline = problem(rng, sizes, activation=activation, output=output)
    changing_sides(network, p, x, baseline, rng)
    oracle = Precisely(network, p, x, baseline, k=2)
    breaks = oracle.breaks()
    assert len(breaks) >= sizes[1] + 2
    found = attribute(network, p, x, output=2, baseline=baseline, tolerance=1e-9)
    assert found.complete
    for layer, (below, above) in enumerate(itertools.pairwise(sizes), start=1):
        units = itertools.product(range(1, below + 1), range(1, above + 1))
        expected = np.array([float(oracle.flow(layer, i, j, breaks)) for i, j in units])
        size = max(found.value, np.abs(expected).max())
        np.testing.assert_allclose(found.weight_flow(layer).ravel(), expected, rtol=1e-8, atol=1e-10 * size)


def test_kinks_above_curved_layers_are_cut_at(rng):
    """relu above tanh: a⁽²⁾ bends on the way to its kink, which lies where mpmath finds it."""
    network = tw.Network([2, 3, 5, 1], activation=["tanh", "relu"])
    p, x = rng.normal(size=network.n_parameters), rng.normal(size=2)
    (V, c), (W, b), _ = layers_of(network, p)
    middle = np.tanh(rng.uniform(0.2, 0.8, size=(5, 1)) * (x @ V) + c)
    b[:] = -np.einsum("ji,ij->j", middle, W)

    def a(alpha, j):
        below = [mpmath.tanh(c[i] + alpha * mpmath.mpf(float(x @ V[:, i]))) for i in range(3)]
        return mpmath.mpf(b[j]) + sum(z * mpmath.mpf(W[i, j]) for i, z in enumerate(below))

    path = straight_path.straight_path(network, p, np.zeros(2), x, 0)
    grid = np.linspace(0.0, 1.0, 9)
    kinks = np.setdiff1d(straight_path._cut_at_kinks(path, grid, 1000), grid)
    changes = sum((a(low, j) > 0) != (a(high, j) > 0) for low, high in itertools.pairwise(grid) for j in range(5))
    assert len(kinks) == changes >= 1
    for kink in kinks:
        nearest = min(range(5), key=lambda j: abs(a(kink, j)))
        exact = mpmath.findroot(lambda alpha, j=nearest: a(alpha, j), kink)
        assert abs(kink - exact) < 1e-9, (kink, exact)


# --- Laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ACTIVATIONS)
@pytest.mark.parametrize("activation", HIDDEN)
def test_every_layer_shares_out_the_whole_difference(activation, output, rng):
    scale = 0.1 if "exp" in (activation, output) else 0.3  # e to the e to the e overflows soon
    network, p, x, baseline = problem(rng, activation=activation, output=output, scale=scale)
    found = attribute(network, p, x, output=3, baseline=baseline, tolerance=1e-7)
    assert found.value == pytest.approx(output_at(network, p, x, 3), rel=1e-13)
    assert found.baseline_value == pytest.approx(output_at(network, p, baseline, 3), rel=1e-13)
    assert found.complete and len(found.flows) == 3
    assert abs(found.integrated_gradients.sum() - found.difference) <= found.allowed
    size = max(np.abs(flow).sum() for flow in found.flows)
    for layer, (W, _) in enumerate(network.views(p), start=1):
        assert found.weight_flow(layer).shape == W.shape
        assert found.weight_flow(layer).sum() - found.difference == pytest.approx(found.gap, abs=1e-13 * size)
    np.testing.assert_allclose(found.weight_flow(1).sum(axis=1), found.integrated_gradients, atol=1e-14 * size)


@pytest.mark.parametrize("bias", [True, False])
@given(data=st.data())
@settings(max_examples=30)
def test_networks_of_any_shape(bias, data):
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    hidden = data.draw(st.lists(st.sampled_from(HIDDEN), min_size=len(sizes) - 2, max_size=len(sizes) - 2))
    network = tw.Network(sizes, activation=hidden, output=data.draw(st.sampled_from(sorted(ACTIVATIONS))), bias=bias)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    p, x = 0.4 * rng.normal(size=network.n_parameters), rng.normal(size=sizes[0])
    k = data.draw(st.integers(1, sizes[-1]))
    found = attribute(network, p, x, output=k)
    assert found.complete
    for flow in found.flows:
        assert abs(flow.sum() - found.difference) <= found.allowed + 1e-13 * np.abs(flow).sum()


@pytest.mark.parametrize("activation", HIDDEN)
def test_what_flows_into_a_unit_flows_out_of_it(activation, rng):
    """Conductance of a unit: ∫ ∂ŷ_k/∂z_j · dz_j/dα dα, by the weights below it as by those above."""
    network, p, x, baseline = problem(rng, activation=activation, output="tanh")
    found = attribute(network, p, x, output=1, baseline=baseline)
    for below, above in itertools.pairwise(found.flows):
        np.testing.assert_allclose(below.sum(axis=0), above.sum(axis=1), atol=1e-13 * np.abs(below).sum())


def test_an_input_without_weights_and_one_that_does_not_move_carry_nothing(rng):
    network, p, x, baseline = problem(rng, activation="tanh", output="softmax")
    network.views(p)[0][0][4] = 0.0
    baseline[1] = x[1]
    found = attribute(network, p, x, output=2, baseline=baseline)
    for shares in (found.integrated_gradients, found.gradient_times_input):
        assert set(np.flatnonzero(shares == 0.0)) == {1, 4}
    assert not found.weight_flow(1)[[1, 4]].any()


@pytest.mark.parametrize("activation", HIDDEN)
def test_a_unit_split_into_two_that_compute_the_same_changes_no_share(activation, rng):
    """Implementation invariance: two networks that are one function share alike, to what is tolerated."""
    network, p, x, baseline = problem(rng, (5, 3, 2), activation=activation, output="sigmoid")
    (W, b), (V, c) = layers_of(network, p)
    split = tw.Network((5, 4, 2), activation=activation, output="sigmoid")
    q = np.concatenate([np.c_[W, W[:, 2]].ravel(), [*b, b[2]], V[:2].ravel(), 0.3 * V[2], 0.7 * V[2], c])
    ours = attribute(network, p, x, output=2, baseline=baseline, tolerance=1e-9)
    same = attribute(split, q, x, output=2, baseline=baseline, tolerance=1e-9)
    assert same.value == pytest.approx(ours.value, rel=1e-13)
    np.testing.assert_allclose(same.integrated_gradients, ours.integrated_gradients, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(same.flows[1][2:].sum(axis=0), ours.flows[1][2], rtol=1e-9, atol=1e-12)


def test_softmax_shares_add_up_to_nothing_over_all_outputs(rng):
    """Σ_k ŷ_k is 1 at both ends: what carries one output up carries others down."""
    network, p, x, baseline = problem(rng, activation="gelu", output="softmax")
    shares = [attribute(network, p, x, output=k, baseline=baseline, tolerance=1e-9) for k in (1, 2, 3)]
    total = sum(one.integrated_gradients for one in shares)
    np.testing.assert_allclose(total, 0.0, atol=1e-8)


def test_the_way_back_takes_away_what_the_way_there_gave(rng):
    network, p, x, baseline = problem(rng, activation="silu")
    there = attribute(network, p, x, output=1, baseline=baseline, tolerance=1e-9)
    back = attribute(network, p, baseline, output=1, baseline=x, tolerance=1e-9)
    assert back.difference == -there.difference
    np.testing.assert_allclose(back.integrated_gradients, -there.integrated_gradients, rtol=1e-8, atol=1e-10)


def test_the_baseline_is_zeros_unless_said_and_arrays_are_left_as_they_are(rng):
    network, p, x, _ = problem(rng)
    kept = p.copy(), x.copy()
    found = attribute(network, p, x, output=2)
    assert found.baseline.tolist() == [0.0] * 7
    same = attribute(network, p.astype(np.float32), x.tolist(), output=2, baseline=np.zeros(7, dtype=int))
    np.testing.assert_allclose(same.integrated_gradients, found.integrated_gradients, rtol=1e-4, atol=1e-5)
    assert same.integrated_gradients.dtype == np.float64
    assert (p == kept[0]).all() and (x == kept[1]).all()


def test_from_x_to_x_nothing_is_shared_out(rng):
    network, p, x, _ = problem(rng)
    found = attribute(network, p, x, output=2, baseline=x)
    assert (found.difference, found.gap, found.complete) == (0.0, 0.0, True)
    assert not any(flow.any() for flow in found.flows)


# --- PyTorch ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax"])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "selu", "mish"])
def test_gradients_at_x_are_autograds(activation, output, rng):
    torch = pytest.importorskip("torch")
    network, p, x, baseline = problem(rng, activation=activation, output=output)
    functions = {"identity": lambda a: a, "sigmoid": torch.sigmoid, "softmax": lambda a: torch.softmax(a, dim=0)}
    layers = [[torch.tensor(part, requires_grad=True) for part in layer] for layer in network.views(p)]
    start = z = torch.tensor(x, requires_grad=True)
    for W, b in layers[:-1]:
        z = (torch.tanh if activation == "tanh" else getattr(torch.nn.functional, activation))(z @ W + b)
    W, b = layers[-1]
    value = functions[output](z @ W + b)[1]
    value.backward()
    found = attribute(network, p, x, output=2, baseline=baseline)
    assert found.value == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(found.gradient_times_input, (x - baseline) * start.grad.numpy(), rtol=1e-9, atol=1e-13)
    for shares, (W, _) in zip(found.gradient_times_weight, layers, strict=True):
        np.testing.assert_allclose(shares, (W * W.grad).detach().numpy(), rtol=1e-9, atol=1e-13)


# --- Points -----------------------------------------------------------------------------------------------------------


def test_straight_pieces_are_shared_out_to_rounding(rng):
    network, p, x, baseline = problem(rng, (7, 31, 23, 3), activation="relu")
    changing_sides(network, p, x, baseline, rng)
    found = attribute(network, p, x, output=1, baseline=baseline)
    assert abs(found.gap) < 1e-12 * np.abs(found.integrated_gradients).sum()
    assert found.points >= 4 * 31


def test_a_smaller_tolerance_takes_more_points_and_misses_less(rng):
    network, p, x, baseline = problem(rng, activation="tanh", scale=3.0)
    exact = attribute(network, p, x, output=1, baseline=baseline, tolerance=1e-9)
    points = []
    for tolerance in (1e-2, 1e-4, 1e-7):
        found = attribute(network, p, x, output=1, baseline=baseline, tolerance=tolerance)
        assert found.complete and abs(found.gap) <= found.allowed
        size = np.abs(exact.integrated_gradients).sum()
        off = np.abs(found.integrated_gradients - exact.integrated_gradients).max()
        assert off <= 10 * tolerance * size
        points.append(found.points)
    assert points == sorted(points) and points[-1] > points[0]


def test_two_units_that_jump_one_up_one_down_between_two_points_are_seen():
    """ŷ = tanh(900 (α − 0.525)) − tanh(900 (α − 0.535)) is the same at both ends: each weight still carried ±2."""
    network = tw.Network([1, 2, 1], activation="tanh")
    p = [900.0, 900.0, -900 * 0.525, -900 * 0.535, 1.0, -1.0, 0.3]
    found = attribute(network, p, [1.0], output=1)
    assert abs(found.difference) < 1e-12 and found.complete
    assert found.allowed == pytest.approx(1e-6 * 4.0)  # ten to the minus three of a thousandth of what is carried
    np.testing.assert_allclose(found.weight_flow(2), [[2.0], [-2.0]], rtol=1e-3)


@pytest.mark.parametrize("most", [4, 7, 29, 101])
def test_where_points_do_not_suffice_the_gap_is_shown(most, rng):
    network, p, x, baseline = problem(rng, (7, 211, 3), activation="relu", output="sigmoid")
    changing_sides(network, p, x, baseline, rng)
    found = attribute(network, p, x, output=1, baseline=baseline, tolerance=1e-9, max_points=most)
    assert found.points == most - most % 4
    assert not found.complete
    assert found.gap == found.integrated_gradients.sum() - found.difference != 0.0


def test_pieces_are_halved_until_the_points_are_used_up(rng):
    """Steep units without kinks: many pieces are as bad as one another, and one point too many would be four."""
    network, p, x, baseline = problem(rng, (7, 211, 3), activation="tanh", scale=10.0)
    changing_sides(network, p, x, baseline, rng)
    found = attribute(network, p, x, output=1, baseline=baseline, tolerance=1e-9, max_points=101)
    assert found.points == 100 and not found.complete


def test_roots_of_curved_functions_are_found_from_both_sides():
    """regula falsi alone would keep one end for ever: x⁹ = 2⁻⁹ and its mirror image, from 0 to 1."""
    low, high = np.zeros(2), np.ones(2)

    def f(x):
        return np.array([x[0] ** 9 - 0.5**9, (1.0 - x[1]) ** 9 - 0.5**9])

    np.testing.assert_allclose(straight_path._roots(f, low, high, f(low), f(high)), [0.5, 0.5], rtol=1e-9)


def test_parts_that_do_not_fit_side_by_side_make_no_difference(monkeypatch, rng):
    network, p, x, baseline = problem(rng, activation="leaky_relu", output="softmax")
    whole = attribute(network, p, x, output=2, baseline=baseline)
    monkeypatch.setattr(straight_path, "NUMBERS_AT_ONCE", 100)
    parts = attribute(network, p, x, output=2, baseline=baseline)
    assert parts.points == whole.points
    for one, other in zip(whole.flows, parts.flows, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


# --- Asking -----------------------------------------------------------------------------------------------------------


def test_the_weights_that_carried_most(rng):
    network, p, x, _ = problem(rng)
    found = attribute(network, p, x, output=1)
    listed = [
        (layer, i + 1, j + 1, flow[i, j])
        for layer, flow in enumerate(found.flows, start=1)
        for i, j in np.ndindex(flow.shape)
    ]
    listed.sort(key=lambda row: -abs(row[3]))
    assert found.top_weights(13) == listed[:13]
    assert found.top_weights(len(listed)) == listed and len(listed) == 7 * 11 + 11 * 5 + 5 * 3


@given(
    pairs=st.lists(st.tuples(st.sampled_from(["age", "city", "sex"]), st.integers(-9, 9)), max_size=13),
)
def test_groups_keep_the_sum_and_stand_by_size(pairs):
    names, values = [name for name, _ in pairs], [float(value) for _, value in pairs]
    grouped = by_group(values, names)
    assert sum(total for _, total in grouped) == sum(values)
    assert dict(grouped) == {name: sum(v for n, v in pairs if n == name) for name in set(names)}
    sizes = [abs(total) for _, total in grouped]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"x": [1.0, 2.0, 3.0]},
            r"x must be 2 numbers, one for each input .* an array of shape \(3,\); one row .* X\[0\]",
        ),
        ({"x": [[1.0, 2.0]]}, r"x must be 2 numbers.* not an array of shape \(1, 2\)"),
        ({"x": ["a", "b"]}, r"x must be 2 numbers.* not \['a', 'b'\]"),
        ({"x": [[1.0], [1.0, 2.0]]}, r"x must be 2 numbers.* not \[\[1.0\], \[1.0, 2.0\]\]"),
        ({"x": [0.0, np.nan]}, "x must be finite numbers, but input 2 is nan"),
        ({"baseline": [0.0]}, r"baseline must be 2 numbers.* shape \(1,\)"),
        ({"baseline": [-np.inf, 0.0]}, "baseline must be finite numbers, but input 1 is -inf"),
        ({"output": 0}, "output, a unit of the last layer, must be a whole number from 1 to 3, not 0"),
        ({"output": 4}, "from 1 to 3, not 4"),
        ({"output": True}, "from 1 to 3, not True"),
        ({"output": "spam"}, "from 1 to 3, not 'spam'"),
        ({"tolerance": 1e-10}, "tolerance must be a number ≥ 1e-9, not 1e-10"),
        ({"max_points": 3}, "max_points must be a whole number from 4 to"),
        ({"max_points": 10.5}, "max_points must be a whole number"),
        ({"p": [1.0]}, "parameter vector of shape"),
    ],
)
def test_bad_input_gets_a_sentence(options, said):
    network = tw.Network([2, 3])
    given = {"p": network.initialize(), "x": [1.0, 2.0], "output": 1} | options
    p, x = given.pop("p"), given.pop("x")
    with pytest.raises(tw.InputError, match=said):
        attribute(network, p, x, **given)


def test_bad_questions_get_a_sentence(rng):
    network, p, x, _ = problem(rng)
    found = attribute(network, p, x, output=1)
    with pytest.raises(tw.InputError, match="layer must be a whole number from 1 to 3, not 4"):
        found.weight_flow(4)
    with pytest.raises(tw.InputError, match="n must be a whole number from 1 to 147, not 0"):
        found.top_weights(0)
    with pytest.raises(tw.InputError, match="not 2 names for values of shape"):
        by_group(found.integrated_gradients, ["age", "city"])


@pytest.mark.parametrize("output", ["identity", "sigmoid"])
def test_a_network_that_overflows_on_the_way_is_refused(output):
    network = tw.Network([1, 1, 1], activation="exp", output=output)
    with pytest.raises(tw.InputError, match=r"output 1 of the network .* overflows between baseline .*; standardise"):
        attribute(network, [1000.0, 0.0, 1.0, 0.0], [1.0], output=1)
