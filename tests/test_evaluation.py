"""Laws that the objective obeys, on every engine, whatever the numbers are."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import thalweg as tw


N = 11
OBJECTIVES = [  # output, loss
    ("identity", "squared_error"), ("sigmoid", "squared_error"), ("softmax", "cross_entropy"),
    ("sigmoid", "binary_cross_entropy"), ("exp", "poisson"), ("identity", tw.Huber(0.5)),
    ("identity", tw.Quantile(0.8)),
]  # fmt: skip
# The engine does not change between examples, so a function-scoped fixture is safe here.
SAME_ENGINE = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def make(output, loss, reduction="mean", **options):
    return tw.Network([3, 7, 5], activation="tanh", output=output, loss=loss, reduction=reduction, **options)


def data(network, seed, n=N):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    if network.loss.name == "cross_entropy":
        Y = np.eye(5)[random.integers(5, size=n)]
    elif network.loss.name in ("binary_cross_entropy", "poisson"):
        Y = random.integers(2, size=(n, 5)).astype(float)
    else:
        Y = random.normal(size=(n, 5))
    return network.initialize(seed % 1000), X, Y, random.uniform(0.1, 3.0, size=n)


def same(one, other, tolerance=1e-12):
    np.testing.assert_allclose(one[0], other[0], rtol=tolerance, atol=1e-14)
    np.testing.assert_allclose(one[1], other[1], rtol=tolerance, atol=tolerance * np.abs(other[1]).max() + 1e-14)


each_objective = pytest.mark.parametrize(("output", "loss"), OBJECTIVES, ids=str)
each_reduction = pytest.mark.parametrize("reduction", ["mean", "sum"])
seeds = st.integers(0, 2**32)


@each_objective
@each_reduction
@SAME_ENGINE
@given(seed=seeds, row=st.integers(0, N - 1))
def test_a_row_twice_is_a_row_of_weight_two(output, loss, reduction, engine, seed, row):
    network = make(output, loss, reduction)
    p, X, Y, weights = data(network, seed)
    twice = np.append(np.arange(N), row)
    doubled = np.where(np.arange(N) == row, 2.0, 1.0)
    same(
        tw.loss_and_gradient(network, p, X[twice], Y[twice], engine=engine),
        tw.loss_and_gradient(network, p, X, Y, sample_weight=doubled, engine=engine),
    )


@each_objective
@each_reduction
@SAME_ENGINE
@given(seed=seeds)
def test_the_order_of_the_rows_changes_nothing(output, loss, reduction, engine, seed):
    network = make(output, loss, reduction)
    p, X, Y, weights = data(network, seed)
    order = np.random.default_rng(seed).permutation(N)
    same(
        tw.loss_and_gradient(network, p, X[order], Y[order], sample_weight=weights[order], engine=engine),
        tw.loss_and_gradient(network, p, X, Y, sample_weight=weights, engine=engine),
    )
    there = tw.predict(network, p, X[order], engine=engine)
    np.testing.assert_allclose(there, tw.predict(network, p, X, engine=engine)[order], rtol=1e-12)


@each_objective
@SAME_ENGINE
@given(seed=seeds, factor=st.floats(1e-6, 1e6))
def test_the_scale_of_the_weights_changes_nothing_under_mean_and_multiplies_a_sum(output, loss, engine, seed, factor):
    for reduction, expected in (("mean", 1.0), ("sum", factor)):
        network = make(output, loss, reduction)
        p, X, Y, weights = data(network, seed)
        one = tw.loss_and_gradient(network, p, X, Y, sample_weight=weights, engine=engine)
        other = tw.loss_and_gradient(network, p, X, Y, sample_weight=factor * weights, engine=engine)
        same((other[0] / expected, other[1] / expected), one)


@each_objective
@each_reduction
@SAME_ENGINE
@given(seed=seeds, rows=st.sets(st.integers(0, N - 1), min_size=1, max_size=N - 1))
def test_rows_of_weight_zero_change_nothing(output, loss, reduction, engine, seed, rows):
    network = make(output, loss, reduction)
    p, X, Y, weights = data(network, seed)
    rest = np.setdiff1d(np.arange(N), list(rows))
    weights[list(rows)] = 0.0
    same(
        tw.loss_and_gradient(network, p, X, Y, sample_weight=weights, engine=engine),
        tw.loss_and_gradient(network, p, X[rest], Y[rest], sample_weight=weights[rest], engine=engine),
    )


@each_objective
@SAME_ENGINE
@given(seed=seeds)
def test_the_sum_is_the_mean_times_the_weights(output, loss, engine, seed):
    summed, averaged = make(output, loss, "sum"), make(output, loss, "mean")
    p, X, Y, weights = data(summed, seed)
    loss_sum, gradient_sum = tw.loss_and_gradient(summed, p, X, Y, sample_weight=weights, engine=engine)
    loss_mean, gradient_mean = tw.loss_and_gradient(averaged, p, X, Y, sample_weight=weights, engine=engine)
    same((loss_sum, gradient_sum), (loss_mean * weights.sum(), gradient_mean * weights.sum()))


@pytest.mark.parametrize("loss", ["squared_error", "half_squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("output", ["identity", "sigmoid", "softmax", "tanh"])
def test_a_perfect_prediction_has_a_gradient_of_exactly_zero(loss, output, engine, rng):
    network = make(output, loss)
    p, X, _, weights = data(network, rng.integers(2**32))
    perfect = tw.predict(network, p, X, engine=engine)
    value, gradient = tw.loss_and_gradient(network, p, X, perfect, sample_weight=weights, engine=engine)
    assert value == 0.0 and not gradient.any()


@each_reduction
def test_the_penalty_depends_on_the_weights_alone(reduction, engine, rng):
    """½ · l2 · ‖W‖², whatever the number of rows, their weights, and the reduction; biases are free (contract 7)."""
    plain, penalised = (
        make("identity", "squared_error", reduction),
        make("identity", "squared_error", reduction, l2=0.7),
    )
    p, X, Y, weights = data(plain, rng.integers(2**32))
    p = rng.normal(size=len(p))
    of_weights = np.concatenate([np.repeat([1.0, 0.0], [W.size, W.shape[1]]) for W, _ in plain.views(p)])
    for rows, given_weights in ((slice(0, 1), None), (slice(0, N), None), (slice(0, N), 100.0 * weights)):
        one = tw.loss_and_gradient(plain, p, X[rows], Y[rows], sample_weight=given_weights, engine=engine)
        other = tw.loss_and_gradient(penalised, p, X[rows], Y[rows], sample_weight=given_weights, engine=engine)
        assert other[0] - one[0] == pytest.approx(0.35 * np.sum(of_weights * p**2), rel=1e-9)
        np.testing.assert_allclose(other[1] - one[1], 0.7 * of_weights * p, rtol=1e-8, atol=1e-9 * np.abs(one[1]).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_entropies_are_finite_far_out(engine, dtype):
    for output, loss in (("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")):
        network = tw.Network([1, 2], output=output, loss=loss, bias=False)
        for target in ([[1.0, 0.0]], [[0.0, 1.0]]):
            value, gradient = tw.loss_and_gradient(
                network, [1000.0, -1000.0], [[1.0]], target, engine=engine, dtype=dtype
            )
            assert value == (0.0 if target[0][0] else 2000.0)
            assert gradient.tolist() == ([0.0, 0.0] if target[0][0] else [1.0, -1.0])


def test_classes_may_be_numbers_or_rows(engine):
    network = make("softmax", "cross_entropy")
    p, X, Y, _ = data(network, 3)
    same(
        tw.loss_and_gradient(network, p, X, Y.argmax(axis=1), engine=engine),
        tw.loss_and_gradient(network, p, X, Y, engine=engine),
    )


def test_weights_far_beyond_the_range_of_a_float32_sum(engine):
    """The sum of the weights overflows float32; loss and gradient are still of one definition."""
    network = tw.Network([1, 1], bias=False)
    X, Y = np.ones((20, 1)), np.zeros(20)
    loss, gradient = tw.loss_and_gradient(
        network, [0.5], X, Y, sample_weight=np.full(20, 3e37), engine=engine, dtype="float32"
    )
    assert (loss, gradient.tolist()) == (pytest.approx(0.25, rel=1e-6), pytest.approx([1.0], rel=1e-6))


def test_parameters_are_checked_at_the_door(engine):
    network = make("identity", "squared_error")
    p, X, Y, _ = data(network, 0)
    p[7] = np.nan
    said = r"parameters must be finite numbers, but W\[1\]\[2,1\] is nan"
    with pytest.raises(tw.InputError, match=said):
        tw.predict(network, p, X, engine=engine)
    with pytest.raises(tw.InputError, match=said):
        tw.loss_and_gradient(network, p, X, Y, engine=engine)
    with pytest.raises(tw.InputError, match="shape"):
        tw.predict(network, p[:-1], X, engine=engine)


def test_what_is_given_is_not_changed(engine):
    network = make("softmax", "cross_entropy", l2=0.1)
    p, X, Y, weights = data(network, 1)
    copies = [array.copy() for array in (p, X, Y, weights)]
    tw.loss_and_gradient(network, p, X, Y, sample_weight=weights, engine=engine)
    tw.predict(network, p, X, engine=engine)
    assert all(np.array_equal(array, copy) for array, copy in zip((p, X, Y, weights), copies, strict=True))
