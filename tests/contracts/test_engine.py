"""Contract 1, on every engine: loss and gradient come from one definition, and every engine agrees with the reference.

The oracle is a numeric derivative of its own (four-point, not thalweg.derivatives). All sizes are different primes.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from thalweg import engines
from thalweg._core import cpu_features
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.engines.base import Epoch, TrainingState
from thalweg.engines.cpu import Cpu
from thalweg.engines.reference import Reference
from thalweg.examples import check_examples
from thalweg.losses import LOSSES
from thalweg.randomness import mask


N, INPUTS, UNITS = 11, 3, 7
WIDTHS = (1, 2, 5)
STEP = 5e-4
CLEAR = 0.01  # how far every a and every residual stays from a kink, or from where a curvature jumps

# Written out, not asked of the tables: which outputs each loss is valid with.
ANY = (
    "identity sigmoid tanh relu leaky_relu elu selu gelu silu mish softplus exp softmax".split()
)  # fmt: skip
VALID = {
    "squared_error": ANY,
    "half_squared_error": ANY,
    "absolute_error": ANY,
    "huber": ANY,
    "quantile": ANY,
    "cross_entropy": ["softmax"],
    "binary_cross_entropy": ["sigmoid"],
    "poisson": ["exp", "softplus", "sigmoid"],
}
BENT_AT_ZERO = {"relu", "leaky_relu", "elu", "selu", "own_leaky"}
PARAMETRIC = {"huber": tw.Huber(0.3), "quantile": tw.Quantile(0.9), "leaky_relu": tw.LeakyReLU(0.2), "elu": tw.ELU(0.6)}

# A user's own rows: of one piece and of several, with constants, hidden and as output, behind a loss of the table too.
OWN = {
    row.name: row
    for row in (
        tw.own_activation("own_swish", "a*sigmoid(b*a)", b=2),
        tw.own_activation("own_leaky", "a if a > 0 else k*a", k=0.3),
        tw.own_activation("own_bump", "exp(-a**2) + erf(a)/3 + a/7"),
        tw.own_activation("own_positive", "softplus(2*a) + 1/10"),
        tw.own_loss("own_log_cosh", "log(cosh(z - y))"),
        tw.own_loss("own_tilted", "level*(y - z) if z <= y else (1 - level)*(z - y)", level=0.9),
        tw.own_loss("own_gamma", "y/z + log(z)", targets=(0, None), outputs=(0, None)),
    )
}
OWN_CASES = [
    ("squared_error", "identity", 2, "own_swish"), ("squared_error", "own_bump", 5, "own_leaky"),
    ("huber", "own_leaky", 1, "own_bump"), ("poisson", "own_positive", 2, "own_positive"),
    ("own_log_cosh", "identity", 5, "tanh"), ("own_log_cosh", "softmax", 5, "own_swish"),
    ("own_tilted", "own_bump", 2, "own_swish"), ("own_gamma", "own_positive", 2, "own_leaky"),
    ("own_gamma", "exp", 1, "relu"), ("own_gamma", "softmax", 2, "own_swish"),
]  # fmt: skip
# Rows of one's own that say what rows of the table say.
TWINS = [
    (tw.own_activation("twin", "a*sigmoid(a)"), "silu"),
    (tw.own_activation("twin", "a if a > 0 else 0"), "relu"),
    (tw.own_activation("twin", "a*tanh(softplus(a))"), "mish"),
    (tw.own_activation("twin", "a if a > 0 else alpha*(exp(a) - 1)", alpha=0.6), tw.ELU(0.6)),
]
LOSS_TWINS = [
    (tw.own_loss("twin", "(z - y)**2/2"), "half_squared_error"),
    (tw.own_loss("twin", "(z - y)**2/2 if abs(z - y) <= d else d*(abs(z - y) - d/2)", d=0.3), tw.Huber(0.3)),
]


@dataclass(frozen=True)
class Case:
    """One network and whether its rows have weights."""

    network: tw.Network
    weighted: bool
    name: str


def make_case(number, loss, output, width, weighted, hidden="tanh", depth=1):
    """`number` spreads the other options over the cases: reduction, l2, biases, and losses with a parameter."""
    reduction, l2, bias = ("mean", "sum")[number // 2 % 2], (0.0, 0.3)[number // 4 % 2], number % 3 != 0
    use_parameter = number // 6 % 2 == 1
    rows = OWN | (PARAMETRIC if use_parameter else {})
    named = [rows.get(name, name) if isinstance(name, str) else name for name in (loss, output, hidden)]
    network = tw.Network(
        [INPUTS, *(UNITS, 5)[:depth], width], activation=named[2], output=named[1], loss=named[0], bias=bias,
        reduction=reduction, l2=l2,
    )  # fmt: skip
    words = [str(loss), output, f"{width} wide", hidden, reduction, "l2" if l2 else "", "bias" if bias else "no bias"]
    return Case(network, weighted, " ".join(word for word in [*words, "weights" if weighted else ""] if word))


def loss_cases():
    listed = [
        (loss, output, width, weighted)
        for loss, outputs in VALID.items()
        for output in outputs
        for width in WIDTHS
        for weighted in (False, True)
    ]
    return [make_case(number, *one) for number, one in enumerate(listed)]


def hidden_cases():
    listed = [(hidden, weighted, depth) for hidden in HIDDEN for weighted in (False, True) for depth in (1, 2)]
    return [
        make_case(number, "squared_error", "identity", 2, weighted, hidden, depth)
        for number, (hidden, weighted, depth) in enumerate(listed)
    ]


def own_cases():
    listed = [(*one, weighted, depth) for one in OWN_CASES for weighted, depth in ((False, 2), (True, 1))]
    return [
        make_case(number, loss, output, width, weighted, hidden, depth)
        for number, (loss, output, width, hidden, weighted, depth) in enumerate(listed)
    ]


# A level for each output.
LEVELS = {1: [0.9], 2: [0.8, 0.1], 5: [0.05, 0.3, 0.5, 0.7, 0.97]}
LEVEL_OUTPUTS = ("identity", "own_bump", "softplus", "softmax")


def level_cases():
    listed = [(output, width, weighted) for output in LEVEL_OUTPUTS for width in WIDTHS for weighted in (False, True)]
    return [
        make_case(number, tw.Quantile(LEVELS[width]), output, width, weighted)
        for number, (output, width, weighted) in enumerate(listed)
    ]


CASES = loss_cases() + hidden_cases() + own_cases() + level_cases()


def targets(network, random, n=N):
    k = network.sizes[-1]
    if network.loss.name == "cross_entropy":
        return random.dirichlet(np.ones(k), size=n) if k > 2 else np.eye(k)[random.integers(k, size=n)]
    if network.loss.name == "binary_cross_entropy":
        return random.integers(2, size=(n, k)).astype(float)
    if network.loss.name == "poisson":
        return random.poisson(2.0, size=(n, k)).astype(float)
    return random.gamma(2.0, size=(n, k)) if network.loss.name == "own_gamma" else random.normal(size=(n, k))


def far_from_kinks(network, p, X, Y):
    """Whether every a and every residual keeps its distance, by a forward pass of our own; and no e^a explodes."""
    z, clear = X, True
    for (W, b), g in zip(network.views(p), (*network.activation, network.output), strict=True):
        a = z @ W + (0.0 if b is None else b)
        clear &= g.name not in BENT_AT_ZERO or bool((np.abs(a) > CLEAR).all())
        clear &= g.name != "exp" or bool((a < 4.0).all())
        z = g(a)
    bent = {"absolute_error": [0.0], "quantile": [0.0], "own_tilted": [0.0], "huber": [-1.0, 1.0]}
    corners = bent.get(network.loss.name, [])
    scale = network.loss.parameter if network.loss.name == "huber" else 1.0
    return clear and all(bool((np.abs(z - Y - scale * corner) > CLEAR).all()) for corner in corners)


def point(case, random):
    """Parameters and examples of a case, away from kinks."""
    network = case.network
    scale = 0.2 if "exp" in (g.name for g in network.activation) else 0.5
    for _ in range(200):
        p = random.normal(scale=scale, size=network.n_parameters)
        X, Y = random.normal(size=(N, INPUTS)), targets(network, random)
        weights = None
        if case.weighted:
            weights = np.append(random.uniform(0.1, 3.0, size=N - 1), 0.0)
        if far_from_kinks(network, p, X, Y):
            return p, X, Y, weights
    raise AssertionError(f"found no point away from kinks for {case.name}")


def slope(f, p):
    """(f(p−2h) − 8 f(p−h) + 8 f(p+h) − f(p+2h)) / 12h, for each parameter."""
    numeric = np.empty_like(p)
    for i in range(len(p)):
        values = []
        for distance in (-2, -1, 1, 2):
            moved = p.copy()
            moved[i] += distance * STEP
            values.append(f(moved))
        numeric[i] = (values[0] - 8.0 * values[1] + 8.0 * values[2] - values[3]) / (12.0 * STEP)
    return numeric


def agree(one, other, tolerance):
    """Equal relative to the larger entry, and to the largest entry of all."""
    scale = max(1e-3, float(np.max(np.abs(other))))
    np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


def test_the_list_of_cases_is_whole():
    assert len(loss_cases()) == (5 * 13 + 1 + 1 + 3) * 3 * 2 == 420
    assert len(hidden_cases()) == 12 * 2 * 2
    assert set(VALID) == set(LOSSES)
    assert set(ANY) == set(ACTIVATIONS)
    assert set(OWN) & (set(LOSSES) | set(ACTIVATIONS)) == set() and len(own_cases()) == 20
    outputs = {case.network.output.name for case in CASES}
    hidden = {g.name for case in CASES for g in case.network.activation}
    assert {case.network.loss.name for case in CASES} - set(OWN) == set(LOSSES)
    assert outputs - set(OWN) == set(ACTIVATIONS)
    assert hidden - set(OWN) == set(HIDDEN) == set(ACTIVATIONS) - {"softmax"}
    assert (outputs | hidden | {case.network.loss.name for case in CASES}) >= set(OWN)
    assert {case.network.loss.n_outputs for case in level_cases()} == set(WIDTHS) and len(level_cases()) == 24
    options = {(case.network.reduction, case.network.l2 > 0, case.network.bias, case.weighted) for case in CASES}
    assert len(options) == 16
    assert len({case.name for case in loss_cases()}) == 420
    parameters = {row.parameter for case in CASES for row in (case.network.loss, *case.network.activation)}
    assert {0.3, 0.9, 0.2, 0.6} <= parameters


def test_no_other_output_is_accepted():
    refused = 0
    for loss, outputs in VALID.items():
        for output in set(ACTIVATIONS) - set(outputs):
            with pytest.raises(tw.InputError, match=rf"the loss {loss}.* needs the output"):
                tw.Network([2, 1], loss=loss, output=output)
            refused += 1
    assert refused == 8 * 13 - 70


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gradient_is_the_derivative_of_the_loss(case, engine, rng):
    p, X, Y, weights = point(case, rng)
    assert far_from_kinks(case.network, p, X, Y)
    loss, gradient = tw.loss_and_gradient(case.network, p, X, Y, sample_weight=weights, engine=engine)
    assert isinstance(loss, float) and gradient.shape == p.shape and gradient.dtype == np.float64
    examples, chosen = check_examples(case.network, X, Y, weights), engines.get(engine)
    numeric = slope(lambda q: chosen.loss_and_gradient(case.network, q, examples)[0], p)
    agree(gradient, numeric, 2e-8)

    loss32, gradient32 = tw.loss_and_gradient(
        case.network, p, X, Y, sample_weight=weights, engine=engine, dtype="float32"
    )
    assert gradient32.dtype == np.float32
    agree(loss32, loss, 2e-5)
    agree(gradient32, gradient, 2e-4)


def test_an_error_in_the_gradient_would_be_found(rng):
    case = CASES[0]
    p, X, Y, weights = point(case, rng)
    examples, chosen = check_examples(case.network, X, Y, weights), engines.get("reference")
    numeric = slope(lambda q: chosen.loss_and_gradient(case.network, q, examples)[0], p)
    _, gradient = chosen.loss_and_gradient(case.network, p, examples)
    with pytest.raises(AssertionError):
        agree(gradient * (1 + 1e-6), numeric, 2e-8)


def test_every_engine_agrees_with_the_reference(engine, rng):
    if engine == "reference":
        pytest.skip("this is the reference")
    for case in CASES:
        p, X, Y, weights = point(case, rng)
        given = (case.network, p, X, Y)
        loss, gradient = tw.loss_and_gradient(*given, sample_weight=weights, engine=engine)
        true_loss, true_gradient = tw.loss_and_gradient(*given, sample_weight=weights, engine="reference")
        np.testing.assert_allclose(loss, true_loss, rtol=1e-10, err_msg=case.name)
        agree(gradient, true_gradient, 1e-10)
        agree(tw.predict(case.network, p, X, engine=engine), tw.predict(case.network, p, X, engine="reference"), 1e-10)
        examples = check_examples(case.network, X, Y, weights)
        means = [engines.get(name).mean_loss(case.network, p, examples) for name in (engine, "reference")]
        np.testing.assert_allclose(*means, rtol=1e-10, err_msg=case.name)


def gradients_and_steps(engine, network, dtype, batch, random):
    """Loss, gradient and prediction over all rows, and where an epoch of steps of this many rows leads."""
    n = 53
    X, Y = random.normal(size=(n, INPUTS)), random.normal(size=(n, 2))
    p = random.normal(scale=0.5, size=network.n_parameters).astype(dtype)
    examples = check_examples(network, X, Y, random.uniform(0.5, 2.0, size=n), dtype=dtype)
    loss, gradient = engine.loss_and_gradient(network, p, examples)
    trainer = engine.trainer(network, tw.GradientDescent(0.01), examples, TrainingState(p.copy(), {}, 0))
    steps = -(-n // batch)
    outcome = trainer.run(Epoch(1, random.permutation(n), batch, np.full(steps, 0.01), seed=0), lambda: False)
    assert outcome.broken is None
    return loss, gradient, engine.predict(network, p, examples.X), trainer.state().parameters


@pytest.mark.parametrize("batch", [1, 7, 53])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("instruction_set", [*cpu_features()["usable"], "reference"])
def test_own_rows_train_like_their_twins_of_the_table(instruction_set, dtype, batch, rng):
    engine = Reference() if instruction_set == "reference" else Cpu(instruction_set=instruction_set)
    pairs = [({"activation": own}, {"activation": row}) for own, row in TWINS]
    pairs += [({"output": own}, {"output": row}) for own, row in TWINS]
    pairs += [({"loss": own}, {"loss": row}) for own, row in LOSS_TWINS]
    for own, row in pairs:
        seed = int(rng.integers(2**32))
        networks = [tw.Network([INPUTS, UNITS, 5, 2], dropout=0.2, **given) for given in (own, row)]
        found = [
            gradients_and_steps(engine, network, dtype, batch, np.random.default_rng(seed)) for network in networks
        ]
        for one, other in zip(*found, strict=True):
            agree(one, other, 1e-12 if dtype == "float64" else 2e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES[::37], ids=lambda case: case.name)
def test_predictions_are_the_forward_pass(case, dtype, engine, rng):
    p, X, _, _ = point(case, rng)
    out = tw.predict(case.network, p, X, engine=engine, dtype=dtype)
    z = X
    for (W, b), g in zip(case.network.views(p), (*case.network.activation, case.network.output), strict=True):
        z = g(z @ W + (0.0 if b is None else b))
    assert out.shape == (N, case.network.sizes[-1]) and out.dtype == dtype
    agree(out, z, 1e-12 if dtype == "float64" else 1e-5)


# Few rows have a way of their own through the core. Layers are narrower and wider than a vector, and none ends where a
# vector does; without biases the last row of W ends the parameters.
SHAPES = [(1, 1), (3, 2), (1, 7, 1), (3, 17, 5), (5, 37, 2, 67), (29, 2, 3, 1)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("instruction_set", cpu_features()["usable"])
def test_few_rows_are_predicted_like_many(instruction_set, dtype, rng):
    engine, shapes = Cpu(instruction_set=instruction_set), 0
    for sizes in SHAPES:
        for bias in (True, False):
            for output in ("identity", "softmax", "elu", OWN["own_bump"]):
                for hidden in ("relu", "gelu", tw.LeakyReLU(0.3), OWN["own_swish"]):
                    network = tw.Network(sizes, activation=hidden, output=output, bias=bias)
                    p = rng.normal(scale=0.4, size=network.n_parameters).astype(dtype)
                    X = rng.normal(size=(97, sizes[0])).astype(dtype)
                    many = engine.predict(network, p, X)
                    agree(many, Reference().predict(network, p, X), 1e-12 if dtype == "float64" else 2e-5)
                    for rows in (1, 2, 3, 5, 8, 13, 16, 17):
                        few = engine.predict(network, p, X[4 : 4 + rows])
                        assert np.array_equal(few, many[4 : 4 + rows])  # to the bit, as scikit-learn expects
                    shapes += 1
    assert shapes == len(SHAPES) * 2 * 4 * 4


@pytest.mark.parametrize("rows", [1, 8191, 8192, 8193, 20011])
def test_many_rows_are_predicted_one_by_one(rows, engine):
    network = tw.Network([1, 2], output="identity", bias=False)
    X = np.arange(rows, dtype=float)[:, None]
    assert np.array_equal(tw.predict(network, [1.0, -2.0], X, engine=engine), X * [1.0, -2.0])
    weights = np.where(np.arange(rows) == rows - 1, 2.0, 0.0)
    examples = check_examples(network, X, np.zeros((rows, 2)), weights)
    mean = engines.get(engine).mean_loss(network, np.array([1.0, -2.0]), examples)
    assert mean == pytest.approx(5.0 * (rows - 1) ** 2, rel=1e-12)


def test_the_mean_loss_has_no_penalty_and_ignores_the_reduction(engine, rng):
    p, X, Y, weights = point(CASES[1], rng)
    plain = tw.Network([INPUTS, UNITS, 1], activation="tanh", bias=True)
    p = rng.normal(size=plain.n_parameters)
    other = tw.Network([INPUTS, UNITS, 1], activation="tanh", bias=True, l2=5.0, reduction="sum")
    expected, _ = tw.loss_and_gradient(plain, p, X, Y, sample_weight=weights, engine=engine)
    for network in (plain, other):
        mean = engines.get(engine).mean_loss(network, p, check_examples(network, X, Y, weights))
        assert mean == pytest.approx(expected, rel=1e-12)


def test_a_trainer_takes_the_steps_of_gradient_descent(engine, rng):
    """Two epochs through the engine's trainer against a loop over its own gradients; the given state is not changed."""
    network = tw.Network([INPUTS, UNITS, 2], activation="silu", l2=0.1)
    p = rng.normal(scale=0.5, size=network.n_parameters)
    X, Y, weights = rng.normal(size=(N, INPUTS)), rng.normal(size=(N, 2)), rng.uniform(0.5, 2.0, size=N)
    given = TrainingState(p.copy(), {}, 0)
    optimizer = tw.GradientDescent(0.1)
    trainer = engines.get(engine).trainer(network, optimizer, check_examples(network, X, Y, weights), given)
    expected, steps = p.copy(), 0
    for number in (1, 2):
        order, rates = rng.permutation(N), rng.uniform(0.01, 0.1, size=3)
        outcome = trainer.run(Epoch(number, order, 4, rates, seed=0), lambda: False)
        losses = []
        for k in range(3):
            rows = order[4 * k : 4 * k + 4]
            loss, gradient = tw.loss_and_gradient(
                network, expected, X[rows], Y[rows], sample_weight=weights[rows], engine=engine
            )
            losses.append(loss)
            expected -= rates[k] * gradient
            steps += 1
        assert outcome.broken is None and not outcome.interrupted
        agree(outcome.losses, losses, 1e-12)
        assert outcome.loss == pytest.approx(np.mean(losses), rel=1e-12)
        agree(trainer.state().parameters, expected, 1e-12)
        assert trainer.state().steps == steps
    assert np.array_equal(given.parameters, p) and given.steps == 0


@pytest.mark.parametrize("batch", [1, 5])
def test_alpha_is_a_penalty_over_the_weights_of_the_rows_of_each_step(batch, engine, rng):
    """½ · alpha · ‖W‖² / Σ_n s_n beside l2: the loss and gradient of each step are those with that l2."""
    network = tw.Network([INPUTS, UNITS, 2], activation="silu", l2=0.1)
    p, rate, alpha = network.initialize(seed=3), 0.05, 0.7
    examples = check_examples(network, rng.normal(size=(N, INPUTS)), rng.normal(size=(N, 2)), rng.uniform(0.5, 2.0, N))
    order = np.arange(N)
    steps = -(-N // batch)
    trainer = engines.get(engine).trainer(network, tw.GradientDescent(rate), examples, TrainingState(p, {}, 0))
    outcome = trainer.run(Epoch(1, order, batch, np.full(steps, rate), 0, alpha), lambda: False)
    walked = p.copy()
    for k in range(steps):
        rows = order[k * batch : (k + 1) * batch]
        one = tw.Network(**{**network.to_dict(), "l2": 0.1 + alpha / examples.weights[rows].sum()})
        loss, gradient = tw.loss_and_gradient(
            one, walked, examples.X[rows], examples.Y[rows], sample_weight=examples.weights[rows], engine="reference"
        )
        np.testing.assert_allclose(outcome.losses[k], loss, rtol=1e-12)
        walked -= rate * gradient
    np.testing.assert_allclose(trainer.state().parameters, walked, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(
    "rule", [tw.Adam(epsilon_hat=True), tw.AdamW(epsilon_hat=True), tw.GradientDescent(momentum=1.0)]
)
def test_the_odder_settings_of_update_rules_agree_with_the_reference(rule, engine, rng):
    network = tw.Network([INPUTS, UNITS, 2], activation="tanh")
    X, Y = rng.normal(size=(N, INPUTS)), 1e-7 * rng.normal(size=(N, 2))  # small gradients, beside which ε counts
    walks = [
        tw.train(
            network, X, Y, optimizer=dataclasses.replace(rule, learning_rate=1e-3), batch=5, stop=tw.Stop(epochs=7),
            dtype="float64", engine=name,
        )
        for name in ("reference", engine)
    ]  # fmt: skip
    np.testing.assert_allclose(walks[1].parameters, walks[0].parameters, rtol=1e-9, atol=1e-13)


def test_a_trainer_stops_between_steps_when_asked(engine):
    network = tw.Network([1, 1], bias=False)
    state = TrainingState(np.array([1.0]), {}, 0)
    examples = check_examples(network, np.ones((5, 1)), np.zeros(5))
    trainer = engines.get(engine).trainer(network, tw.GradientDescent(0.1), examples, state)
    outcome = trainer.run(Epoch(1, np.arange(5), 1, np.full(5, 0.1), seed=0), lambda: True)
    assert outcome.interrupted and len(outcome.losses) < 5
    assert trainer.state().steps == len(outcome.losses)


@pytest.mark.parametrize(
    ("X", "p", "layer", "what"),
    [
        ([[1.0], [1e300]], [1e10, 1.0], 1, "the output"),
        ([[1e-300], [1e100]], [1e100, 1e200], 2, "the output"),
        ([[1.0], [1e100]], [1e100, 1.0], 2, "the loss"),
        ([[1.0], [1e154]], [1e-160, 1e150], 1, "the gradient"),
    ],
)
def test_a_trainer_says_where_a_value_was_first_not_finite(X, p, layer, what, engine):
    network = tw.Network([1, 1, 1], activation="identity", bias=False)
    state = TrainingState(np.array(p), {}, 0)
    trainer = engines.get(engine).trainer(
        network, tw.GradientDescent(0.1), check_examples(network, X, [0.0, 0.0]), state
    )
    outcome = trainer.run(Epoch(1, np.array([0, 1]), 1, np.array([0.0, 0.1]), seed=0), lambda: False)
    assert outcome.broken is not None
    assert (outcome.broken.step, outcome.broken.layer, outcome.broken.what) == (1, layer, what)
    assert len(outcome.losses) == 1 and np.isfinite(outcome.losses).all()
    assert np.array_equal(trainer.state().parameters, p)  # nothing was updated in that step


def test_dropout_masks_are_drawn_for_each_step_and_scaled(engine):
    """A network that only adds up its hidden units: its prediction in a step shows how many were kept."""
    units, rate = 997, 0.3
    network = tw.Network([1, units, 1], activation="identity", bias=False, dropout=rate)
    p = np.ones(network.n_parameters)
    examples = check_examples(network, np.ones((2, 1)), np.zeros(2))
    trainer = engines.get(engine).trainer(network, tw.GradientDescent(0.0), examples, TrainingState(p, {}, 0))
    losses = np.concatenate([
        trainer.run(Epoch(number, np.array([0, 1]), 1, np.zeros(2), seed=5), lambda: False).losses for number in (1, 2)
    ])  # fmt: skip
    kept = np.sqrt(losses) * (1.0 - rate)  # E = (kept / (1 − rate))²
    # Layer ℓ of step k draws from the stream k · L + ℓ − 1 of its epoch, in every engine.
    drawn = [mask(5, "dropout", units, keep=1.0 - rate, epoch=e, step=2 * k).sum() for e in (1, 2) for k in (0, 1)]
    np.testing.assert_allclose(kept, drawn, atol=1e-9)
    assert len(set(drawn)) > 2
    assert abs(kept.mean() - (1.0 - rate) * units) < 4 * np.sqrt(units * rate * (1.0 - rate) / 4)
    assert tw.predict(network, p, [[1.0]], engine=engine) == units  # none is dropped in a prediction
    again = engines.get(engine).trainer(network, tw.GradientDescent(0.0), examples, TrainingState(p, {}, 0))
    assert np.array_equal(
        again.run(Epoch(1, np.array([0, 1]), 1, np.zeros(2), seed=5), lambda: False).losses, losses[:2]
    )


def test_the_gradient_of_a_step_with_dropout_is_that_of_its_masked_loss(engine, rng):
    """From the update of one step, against the numeric derivative of the loss that steps from other points report."""
    network = tw.Network([INPUTS, UNITS, 5, 2], activation="tanh", dropout=[0.4, 0.2])
    p = rng.normal(scale=0.5, size=network.n_parameters)
    examples = check_examples(network, rng.normal(size=(N, INPUTS)), rng.normal(size=(N, 2)))

    def step(q, rate):
        trainer = engines.get(engine).trainer(network, tw.GradientDescent(rate), examples, TrainingState(q, {}, 0))
        outcome = trainer.run(Epoch(3, np.arange(N), N, np.array([rate]), seed=8), lambda: False)
        return float(outcome.losses[0]), trainer.state().parameters

    gradient = (p - step(p, 1.0)[1]) / 1.0
    agree(gradient, slope(lambda q: step(q, 0.0)[0], p), 1e-7)
    _, without = tw.loss_and_gradient(network, p, examples.X, examples.Y, engine=engine)
    assert not np.allclose(gradient, without)


def test_unknown_engines_and_threads_are_refused():
    with pytest.raises(tw.EngineError, match="there is no engine 'abacus'.*choose one of cpu, reference"):
        engines.get("abacus")
    with pytest.raises(tw.EngineError, match="threads=2 would do nothing: the engine 'reference'"):
        engines.get("reference", 2)
    listed: list[Any] = [0, -1, 65, 2**31, 1.5, True, "2"]
    for wrong in listed:
        with pytest.raises(tw.EngineError, match="threads must be a whole number from 1 to 64"):
            engines.get("cpu", wrong)
    assert engines.DEFAULT in engines.available()
