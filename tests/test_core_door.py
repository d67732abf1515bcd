"""The door of the compiled core and that of `tw.train`: whatever comes in, there is an answer or an error, no crash.

What is refused at the door of `tw` gets a sentence (an InputError); the core itself only makes sure that it never reads
or writes where it must not, with TypeError for a wrong kind of array and ValueError for a size that does not fit.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg import _core
from thalweg.engines.cpu import UNUSED, described


NETWORK = tw.Network([3, 4, 2], activation="tanh", output="softmax", loss="cross_entropy")
N = 7

ODD_NUMBERS = st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 1e300, -1e300, 1e-300, 3e38, 1e39, np.inf, -np.inf, np.nan, 2.0**53]
)


@st.composite
def arrays(draw, shape):
    """An array of about this shape: sometimes of another shape, dtype, order or stride, or with odd numbers."""
    shape = draw(st.sampled_from([shape] * 6 + [shape[:-1], (*shape, 1), tuple(n + 1 for n in shape), (0, *shape[1:])]))
    dtype = draw(
        st.sampled_from(["float32"] * 4 + ["float64", "int64", "bool", "complex64", "object", "float16", "U3"])
    )
    array = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 2, size=shape).astype(dtype)
    if array.size and array.dtype.kind == "f" and draw(st.booleans()):
        with np.errstate(over="ignore"):
            array.flat[draw(st.integers(0, array.size - 1))] = draw(ODD_NUMBERS)
    way = draw(st.sampled_from(["C"] * 4 + ["F", "strided", "reversed", "read only"]))
    if way == "F":
        return np.asfortranarray(array)
    if way == "strided" and array.ndim:
        return np.repeat(array, 2, axis=-1)[..., ::2]
    if way == "reversed" and array.ndim:
        return array[::-1]
    array.flags.writeable = way != "read only"
    return array


def core_answers(function, *given):
    try:
        return function(*given)
    except (TypeError, ValueError) as error:
        assert str(error)
        return error


@settings(max_examples=300)
@given(
    p=arrays((NETWORK.n_parameters,)), X=arrays((N, 3)), Y=arrays((N, 2)), weights=st.none() | arrays((N,)),
    gradient=arrays((NETWORK.n_parameters,)), out=arrays((N, 2)), threads=st.integers(-2, 3),
)  # fmt: skip
def test_the_core_takes_any_arrays(p, X, Y, weights, gradient, out, threads):
    network = described(NETWORK)
    core_answers(_core.mean_loss, network, p, X, Y, weights, threads, "")
    core_answers(_core.loss_and_gradient, network, p, X, Y, weights, threads, "", gradient)
    core_answers(_core.predict, network, p, X, threads, "", out)
    core_answers(_core.multiply, "", X, Y, out, True)
    core_answers(_core.apply, "", "exp", p, gradient)


P = NETWORK.n_parameters
RULE: dict[str, Any] = UNUSED | {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
# What a training is given: a good value of each, and what else it may be. One at most is spoilt; the others pass.
GOOD: dict[str, Any] = {
    "X": np.ones((N, 3), "float32"), "Y": np.eye(2, dtype="float32")[np.arange(N) % 2], "weights": None,
    "p": np.full(P, 0.1, "float32"), "moments": [np.zeros(P, "float32")] * 2, "t": 3, "threads": 2,
    "epoch": 1, "order": np.arange(N), "batch": 2, "rates": np.ones(4), "seed": 0, "losses": np.empty(4),
}  # fmt: skip
WHOLE = st.integers(-3, 2**65) | st.sampled_from([-(2**63), 2**31, 2**32, 2**62, 2**63 - 1])
SPOILT = {
    "X": arrays((N, 3)), "Y": arrays((N, 2)), "weights": arrays((N,)), "p": arrays((P,)),
    "moments": st.lists(arrays((P,)), max_size=3), "t": WHOLE, "threads": WHOLE, "epoch": WHOLE,
    "order": st.lists(st.integers(-2, N + 1) | st.integers(-(2**63), 2**63 - 1), max_size=9).map(np.array),
    "batch": WHOLE, "rates": arrays((4,)), "seed": WHOLE, "losses": arrays((4,)),
}  # fmt: skip


@settings(max_examples=500)
@given(st.sampled_from(sorted(SPOILT)).flatmap(lambda name: st.tuples(st.just(name), SPOILT[name])))
def test_a_trainer_takes_anything(spoilt):
    name, value = spoilt
    given_ = GOOD | {name: value}
    rule = _core.Optimizer("Adam", **RULE, clip=1.0)
    examples = (given_["X"], given_["Y"], given_["weights"], given_["p"], given_["moments"], given_["t"])
    trainer = core_answers(_core.TrainerFloat32, described(NETWORK), rule, *examples, given_["threads"], "")
    if isinstance(trainer, Exception):
        return
    asked = [given_[key] for key in ("epoch", "order", "batch", "rates", "seed", "losses")]
    for _ in range(2):
        answer = core_answers(trainer.run, *asked, lambda: False)
        assert isinstance(answer, Exception) or 0 <= answer[0] <= 4
    p, moments = np.empty(P, "float32"), [np.empty(P, "float32") for _ in range(2)]
    core_answers(trainer.state, p, moments)
    core_answers(trainer.state, given_["p"].copy(), given_["moments"][:1])


def test_what_is_good_is_taken():
    rule = _core.Optimizer("Adam", **RULE, clip=1.0)
    X, Y, weights, p, moments, t, threads = (GOOD[key] for key in ("X", "Y", "weights", "p", "moments", "t", "threads"))
    trainer = _core.TrainerFloat32(described(NETWORK), rule, X, Y, weights, p, moments, t, threads, "")
    assert trainer.run(1, GOOD["order"], 2, GOOD["rates"], 0.0, 0, GOOD["losses"], lambda: False) == (4, None, False)
    assert trainer.t == 7 and np.isfinite(GOOD["losses"]).all()


@given(rows=st.lists(st.tuples(
    st.integers(-1, 2**62), st.integers(-1, 2**62), st.sampled_from(["relu", "softmax", "zigzag"]), st.floats(),
    st.floats(), st.integers(-5, 99), st.integers(-5, 99),
), max_size=3))  # fmt: skip
def test_the_core_takes_any_layers(rows):
    core_answers(_core.Network, rows, "squared_error", 0.0, True, 0.0)


def test_an_optimizer_without_its_vectors_is_refused():
    rule = _core.Optimizer("Adam", **RULE, clip=0.0)
    p = np.zeros(P)
    with pytest.raises(ValueError, match="as many vectors as its rule needs"):
        _core.TrainerFloat64(described(NETWORK), rule, np.ones((N, 3)), np.ones((N, 2)), None, p, [p], 0, 1, "")


@settings(max_examples=200)
@given(X=arrays((N, 3)), Y=arrays((N, 2)) | arrays((N,)), weights=st.none() | arrays((N,)), p=st.none() | arrays((26,)))
def test_train_answers_with_a_result_or_a_sentence(X, Y, weights, p):
    network = tw.Network([3, 4, 2], loss="squared_error")
    try:
        result = tw.train(network, X, Y, sample_weight=weights, parameters=p, stop=tw.Stop(epochs=2), batch=3)
    except tw.InputError as error:
        assert len(str(error)) > 20
    else:
        assert np.isfinite(result.parameters).all()


@pytest.mark.parametrize(("n", "sizes"), [(1, [1, 1]), (1, [2**22, 1]), (3, [1, 2**22]), (2, [1, 1, 1, 1, 1, 1, 1, 1])])
def test_extreme_shapes(n, sizes, engine):
    network = tw.Network(sizes, activation="tanh")
    X, Y, p = np.ones((n, sizes[0])), np.ones((n, sizes[-1])), np.full(network.n_parameters, 1e-3)
    loss, gradient = tw.loss_and_gradient(network, p, X, Y, engine=engine)
    assert np.isfinite(loss) and np.isfinite(gradient).all()
    assert np.isfinite(tw.train(network, X, Y, engine=engine, batch=1, stop=tw.Stop(epochs=1)).parameters).all()


def test_more_weights_than_an_index_can_count_are_refused():
    with pytest.raises(tw.InputError, match="more than 2\\^31 weights"):
        tw.Network([2**40, 2**40])


def test_sorting_orders(rng):
    for n in (0, 1, 2, 3, 5, 16, 17, 1000, 99_991):
        for words in (
            rng.integers(2**64, size=n, dtype=np.uint64), rng.integers(3, size=n, dtype=np.uint64),
            np.sort(rng.integers(2**64, size=n, dtype=np.uint64))[::-1].copy(), np.full(n, 2**64 - 1, dtype=np.uint64),
        ):  # fmt: skip
            order = np.empty(n, dtype=np.int64)
            _core.sorting_order(words, order)
            assert np.array_equal(order, np.argsort(words, kind="stable"))
