"""Training on all rows along directions and with line searches, on every engine: `optimizer=LBFGS()`, `batch="all"`.

SciPy finds the optima, NumPy's own loss the walks; what epochs, stops and checkpoints promise holds here as elsewhere.
"""

import math
import signal

import numpy as np
import pytest
import scipy.optimize
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import thalweg as tw
from thalweg import engines, training
from thalweg.directions import DIRECTIONS
from thalweg.engines.base import Epoch, TrainingState
from thalweg.examples import check_examples
from thalweg.line_searches import LINE_SEARCHES
from thalweg.randomness import permutation
from trainings import HALVED, HALVED_STOPS, assert_same


N = 41
X = np.random.default_rng(37).normal(size=(N, 5))
LABELS = (X @ [1.0, -1.0, 0.5, 0.0, 2.0] + np.random.default_rng(41).normal(size=N) > 0.0).astype(int)
Y = np.column_stack([np.sin(X[:, 0]) + X[:, 1], X[:, 2] * X[:, 3]])
WEIGHTS = np.random.default_rng(43).integers(0, 4, size=N).astype(float)  # some are 0
L2 = 0.03
LOGISTIC = tw.Network([5, 1], output="sigmoid", loss="binary_cross_entropy", l2=L2)
HIDDEN = tw.Network([5, 3, 2], activation="tanh", l2=1e-3)
CURVATURE = np.linalg.eigvalsh(np.c_[X, np.ones(N)].T @ np.c_[X, np.ones(N)])[-1] / (4 * N) + L2  # σ′ ≤ ¼

WALKS = {
    "LBFGS": tw.LBFGS(),
    "LBFGS of 2 with Backtracking": tw.LBFGS(tw.Backtracking(), memory=2),
    "LBFGS at a number": tw.LBFGS(0.5),
    "ConjugateGradient": tw.ConjugateGradient(),
    "ConjugateGradient with Exact": tw.ConjugateGradient(tw.Exact()),
    "Newton": tw.Newton(),
    "Newton with Wolfe": tw.Newton(tw.Wolfe()),
    "Backtracking": tw.GradientDescent(tw.Backtracking(4.0)),
    "Wolfe": tw.GradientDescent(tw.Wolfe()),
    "Exact": tw.GradientDescent(tw.Exact()),
    "BarzilaiBorwein": tw.GradientDescent(tw.BarzilaiBorwein()),
    "BarzilaiBorwein, short": tw.GradientDescent(tw.BarzilaiBorwein("short")),
    "Lipschitz": tw.GradientDescent(tw.Lipschitz()),
    "Lipschitz, known": tw.GradientDescent(tw.Lipschitz(CURVATURE)),
}
NEVER_UP = ["LBFGS of 2 with Backtracking", "Newton", "Backtracking"]
LOOKS_AROUND = [name for name in WALKS if "at a number" not in name and "known" not in name]


def train(engine, network=LOGISTIC, X=X, Y=LABELS, **options):
    options = {
        "optimizer": tw.LBFGS(), "batch": "all", "stop": tw.Stop(epochs=7), "dtype": "float64", "seed": 3, **options,
    }  # fmt: skip
    return tw.train(network, X, Y, engine=engine, **options)


def logistic(p, weights=None):
    """Σ s (log(1 + eᵃ) − y a) / Σ s + ½ l2 ‖W‖² and its gradient, with NumPy alone."""
    s = np.ones(N) if weights is None else weights
    s = s / s.sum()
    a = X @ p[:5] + p[5]
    error = s * (1.0 / (1.0 + np.exp(-a)) - LABELS)
    gradient = np.r_[X.T @ error + L2 * p[:5], error.sum()]
    return float(s @ (np.logaddexp(0.0, a) - LABELS * a)) + 0.5 * L2 * float(p[:5] @ p[:5]), gradient


def optimum(weights=None):
    found = scipy.optimize.minimize(
        logistic, np.zeros(6), args=(weights,), jac=True, method="BFGS", options={"gtol": 1e-11, "maxiter": 1000}
    )
    assert np.abs(logistic(found.x, weights)[1]).max() < 1e-9
    return found.x


class Recorder:
    """A callback that writes down what it sees."""

    def __init__(self, stop_at=None):
        self.stop_at, self.parameters, self.seen, self.ended = stop_at, [], [], []

    def on_start(self, run):
        assert run.epoch == 0 and math.isnan(run.loss)
        self.first_rate = run.learning_rate

    def on_epoch(self, run):
        self.parameters.append(run.parameters.copy())
        self.seen.append((run.epoch, run.loss, run.learning_rate))
        return run.epoch == self.stop_at

    def on_end(self, run):
        self.ended.append(run.status)


def test_every_direction_and_every_search_is_tried_here():
    assert {type(one).__name__ for one in WALKS.values()} == {"GradientDescent", *DIRECTIONS}
    assert {type(one.learning_rate).__name__ for one in WALKS.values()} == {"Constant", *LINE_SEARCHES}


# Where the walks lead


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["even", "weighted"])
@pytest.mark.parametrize("name", WALKS)
def test_a_convex_loss_is_walked_down_to_scipys_optimum(name, weights, engine):
    result = train(
        engine, optimizer=WALKS[name], sample_weight=weights, stop=tw.Stop(epochs=900, gradient_norm_below=1e-7)
    )
    assert result.status is tw.Status.GRADIENT_NORM_BELOW, result.message
    best = optimum(weights)
    np.testing.assert_allclose(result.parameters, best, atol=5e-6)
    assert logistic(result.parameters, weights)[0] <= logistic(best, weights)[0] + 1e-12
    assert np.linalg.norm(logistic(result.parameters, weights)[1]) < 1.01e-7
    assert np.array_equal(result.parameters, result.last_parameters)
    assert result.history.steps.tolist() == result.history.epoch.tolist()  # a step is an epoch


@pytest.mark.parametrize("name", WALKS)
def test_float32_comes_as_near_as_its_digits(name, engine):
    result = train(engine, optimizer=WALKS[name], dtype="float32", stop=tw.Stop(epochs=300, gradient_norm_below=2e-4))
    assert result.status is tw.Status.GRADIENT_NORM_BELOW, result.message
    assert result.parameters.dtype == np.float32
    np.testing.assert_allclose(result.parameters, optimum(), atol=5e-3)


@pytest.mark.parametrize("name", WALKS)
def test_a_weight_is_so_many_rows(name, engine):
    """Weights of 0 are rows that are absent: the same walk to rounding."""
    rows = np.repeat(np.arange(N), WEIGHTS.astype(int))
    one = train(engine, optimizer=WALKS[name], sample_weight=WEIGHTS, stop=tw.Stop(epochs=3))
    other = train(engine, X=X[rows], Y=LABELS[rows], optimizer=WALKS[name], stop=tw.Stop(epochs=3))
    np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(one.history.loss, other.history.loss, rtol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in WALKS if "Exact" not in name and "known" not in name])
def test_a_hidden_layer_is_never_worse_than_its_start(name, dtype, engine):
    """Whatever the start: no optimum is promised, but the way is down. (Exact asks for a convex loss.)"""
    stop = tw.Stop(epochs=5 if "Newton" in name else 29)
    for seed in (3, 5):
        watcher = Recorder()
        result = train(
            engine, HIDDEN, Y=Y, optimizer=WALKS[name], dtype=dtype, stop=stop, seed=seed, callbacks=[watcher]
        )
        start, _ = tw.loss_and_gradient(HIDDEN, HIDDEN.initialize(seed), X, Y)
        end, _ = tw.loss_and_gradient(HIDDEN, result.parameters, X, Y)
        assert end < 0.9 * start and result.history.loss[0] == pytest.approx(start, rel=1e-5)
        if name in NEVER_UP:
            assert (np.diff(result.history.loss) <= 0.0).all()
        losses = [tw.loss_and_gradient(HIDDEN, p, X, Y)[0] for p in watcher.parameters]
        np.testing.assert_allclose(result.history.loss[1:], losses[:-1], rtol=1e-5)  # before each step


@pytest.mark.parametrize("network", [LOGISTIC, HIDDEN], ids=["logistic", "hidden"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_backtracking_never_raises_the_recorded_loss(dtype, network, engine):
    """To the bit, and on past the point where nothing but rounding is left."""
    result = train(
        engine, network, Y=LABELS if network is LOGISTIC else Y, optimizer=WALKS["Backtracking"], dtype=dtype,
        stop=tw.Stop(epochs=400),
    )  # fmt: skip
    assert (np.diff(result.history.loss) <= 0.0).all()


@pytest.mark.parametrize("name", [name for name in WALKS if "Newton" not in name and "Exact" not in name])
def test_the_walk_is_that_of_descend_on_numpys_loss(name, engine):
    """Engines change nothing but rounding; a network is one more function."""
    if name.startswith("Bar") or name == "Lipschitz":  # these begin with a curvature, here by differences of gradients
        tolerance = 1e-6
    else:
        tolerance = 1e-8
    start, watcher = LOGISTIC.initialize(3), Recorder()
    result = train(engine, optimizer=WALKS[name], callbacks=[watcher], stop=tw.Stop(epochs=5))
    walk = tw.descend(
        lambda p: logistic(p)[0], start, gradient=lambda p: logistic(p)[1], optimizer=WALKS[name],
        stop=tw.Stop(steps=5),
    )  # fmt: skip
    np.testing.assert_allclose(watcher.parameters, walk.path[1:], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(result.history.loss, walk.values[:-1], rtol=tolerance)
    np.testing.assert_allclose(result.history.learning_rate, walk.rates[1:], rtol=1e3 * tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WALKS)
def test_engines_walk_alike(name, dtype):
    """To rounding, as long as it has not grown."""
    one, *others = [
        train(engine, optimizer=WALKS[name], dtype=dtype, stop=tw.Stop(epochs=3)) for engine in engines.available()
    ]
    tolerance = 1e-3 if dtype == "float32" else 1e-6
    for other in others:
        np.testing.assert_allclose(one.parameters, other.parameters, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(one.history.loss, other.history.loss, rtol=tolerance)
        np.testing.assert_allclose(one.history.learning_rate, other.history.learning_rate, rtol=10 * tolerance)


@pytest.mark.parametrize("name", ["Newton", "Newton with Wolfe"])
def test_newton_needs_few_steps(name, engine):
    """Its matrix is one of differences, and still it converges as Newton does."""
    result = train(engine, optimizer=WALKS[name], stop=tw.Stop(epochs=50, gradient_norm_below=1e-9))
    assert result.status is tw.Status.GRADIENT_NORM_BELOW and len(result.history) <= 8


# What is recorded


@pytest.mark.parametrize("name", [name for name in WALKS if isinstance(WALKS[name], tw.GradientDescent)])
def test_the_history_has_the_rates_that_the_search_chose(name, engine):
    watcher = Recorder()
    result = train(engine, optimizer=WALKS[name], callbacks=[watcher])
    points = [LOGISTIC.initialize(3), *watcher.parameters]
    for rate, old, new in zip(result.history.learning_rate, points[:-1], points[1:], strict=True):
        np.testing.assert_allclose(new, old - rate * logistic(old)[1], rtol=1e-11, atol=1e-13)
    assert [seen[2] for seen in watcher.seen] == result.history.learning_rate.tolist()
    assert math.isnan(watcher.first_rate)  # not known yet


def test_rates_of_directions_and_of_schedules_are_recorded_too(engine):
    assert train(engine, optimizer=tw.LBFGS(0.5)).history.learning_rate.tolist() == [0.5] * 7
    rates = train(engine, optimizer=tw.ConjugateGradient(tw.InverseTime(0.4, decay=0.5))).history.learning_rate
    np.testing.assert_allclose(rates, 0.4 / (1.0 + 0.5 * np.arange(7.0)), rtol=1e-14)
    newton = train(engine, optimizer=tw.Newton(), stop=tw.Stop(epochs=4)).history.learning_rate
    assert set(np.log2(newton).round(12) % 1.0) == {0.0} and newton[-1] == 1.0


@pytest.mark.parametrize("name", WALKS)
def test_callbacks_see_every_epoch(name, engine):
    watcher, stopping = Recorder(), Recorder(stop_at=3)
    result = train(engine, optimizer=WALKS[name], callbacks=[watcher, stopping])
    assert result.status is tw.Status.CALLBACK and watcher.ended == stopping.ended == [tw.Status.CALLBACK]
    assert [seen[0] for seen in watcher.seen] == [1, 2, 3]
    assert [seen[1] for seen in watcher.seen] == result.history.loss.tolist()
    assert np.array_equal(watcher.parameters[-1], result.parameters)
    assert not np.array_equal(watcher.parameters[0], watcher.parameters[1])  # no memory that is written over


@pytest.mark.parametrize("name", WALKS)
def test_losses_by_steps_and_over_all_rows(name, engine):
    watcher = Recorder()
    steps = train(engine, optimizer=WALKS[name], record="steps")
    assert steps.history.step_loss.tolist() == steps.history.loss.tolist()
    full = train(engine, optimizer=WALKS[name], training_loss="full", callbacks=[watcher])
    assert np.array_equal(full.parameters, steps.parameters)
    after = [logistic(p)[0] - 0.5 * L2 * float(p[:5] @ p[:5]) for p in watcher.parameters]
    np.testing.assert_allclose(full.history.loss, after, rtol=1e-12)


@pytest.mark.parametrize("name", WALKS)
def test_the_best_by_validation_comes_back(name, engine):
    """Validation rows whose classes are turned around: the first steps harm them, later ones more."""
    held = X[:7], np.where(np.arange(7) < 4, LABELS[:7], 1 - LABELS[:7])
    watcher = Recorder()
    result = train(engine, optimizer=WALKS[name], validation=held, callbacks=[watcher], stop=tw.Stop(epochs=11))
    plain = tw.Network([5, 1], output="sigmoid", loss="binary_cross_entropy")
    losses = [tw.loss_and_gradient(plain, p, *held)[0] for p in watcher.parameters]
    np.testing.assert_allclose(result.history.validation_loss, losses, rtol=1e-12)
    best = int(np.argmin(result.history.validation_loss))
    assert result.best_epoch == best + 1
    assert np.array_equal(result.parameters, watcher.parameters[best])
    assert np.array_equal(result.last_parameters, watcher.parameters[-1])


# Why it ends


BOWL = {**HALVED, "optimizer": tw.GradientDescent(tw.Lipschitz(4.0))}


@pytest.mark.parametrize(("settings", "status", "epochs"), HALVED_STOPS, ids=lambda one: str(one))
def test_each_stop_and_its_status(settings, status, epochs, engine):
    result = train(engine, **BOWL, stop=tw.Stop(**{"epochs": 30, **settings}))
    assert (result.status, len(result.history)) == (status, epochs)
    assert result.parameters.tolist() == [2.0**-epochs]
    assert result.message == status.value and result.failure is None


@pytest.mark.parametrize("patience", [1, 3])
def test_patience(patience, engine):
    """Validation wants w = ⅛, training 0: after the third epoch it is there, and then it gets worse."""
    result = train(engine, **BOWL, validation=([[1.0]], [0.125]), stop=tw.Stop(epochs=30, patience=patience))
    assert (result.status, len(result.history)) == (tw.Status.PATIENCE, 3 + patience)
    assert result.parameters.tolist() == [0.125] and result.last_parameters.tolist() == [0.125 * 2.0**-patience]


@pytest.mark.parametrize("name", LOOKS_AROUND)
def test_ctrl_c_ends_it_between_two_steps(name, engine):
    class Press:
        def on_epoch(self, run):
            if run.epoch == 3:
                signal.raise_signal(signal.SIGINT)

    result = train(engine, optimizer=WALKS[name], callbacks=[Press()])
    assert result.status is tw.Status.INTERRUPTED
    assert np.array_equal(result.parameters, train(engine, optimizer=WALKS[name], stop=tw.Stop(epochs=3)).parameters)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOOKS_AROUND)
def test_a_start_that_nothing_improves_stalls_at_once(name, dtype, engine):
    """All rows are met exactly: the gradient is 0. The start comes back, and nothing is recorded."""
    network, p = tw.Network([2, 3]), np.arange(9.0)
    W, b = network.views(p)[0]
    x = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.0], [2.0, 2.0], [1.0, 1.0]])
    watcher = Recorder()
    result = train(
        engine, network, X=x, Y=x @ W + b, parameters=p, optimizer=WALKS[name], dtype=dtype, callbacks=[watcher],
        validation=(x + 1.0, x @ W),
    )  # fmt: skip
    assert result.status is tw.Status.STALLED and watcher.ended == [tw.Status.STALLED] and not result.status.is_failure
    assert result.message == "Found no further step to take: the gradient is zero here." and not result.failure
    assert np.array_equal(result.parameters, p) and np.array_equal(result.last_parameters, p)
    assert len(result.history) == 0 and watcher.seen == [] and result.best_epoch == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NEVER_UP)
def test_a_walk_stalls_at_the_optimum(name, dtype, engine, tmp_path):
    """Where only rounding is left it says so; what comes back is the optimum, and a resumed training says the same.

    Each step lowers the loss, or leaves it and shortens the gradient: of that there is an end.
    """
    options = {"optimizer": WALKS[name], "dtype": dtype, "stop": tw.Stop(epochs=900)}
    result = train(engine, **options, checkpoint=tw.Checkpoint(tmp_path / "c", every=5))
    assert result.status is tw.Status.STALLED
    assert np.array_equal(result.parameters, result.last_parameters)
    np.testing.assert_allclose(result.parameters, optimum(), atol=1e-6 if dtype == "float64" else 1e-2)
    assert_same(train(engine, **options, resume=tmp_path / "c"), result)


def test_exact_steps_stall_where_the_loss_bends_downwards(engine):
    """The loss (tanh w − 1)² bends downwards at w = −2, along the gradient: there is no lowest point to step to."""
    network = tw.Network([1, 1], output="tanh", bias=False)
    result = train(
        engine, network, X=np.ones((1, 1)), Y=np.ones(1), parameters=[-2.0], optimizer=tw.GradientDescent(tw.Exact())
    )
    assert result.status is tw.Status.STALLED and result.parameters.tolist() == [-2.0]


# The same bits


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WALKS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 7), every=st.integers(1, 3), is_held=st.booleans())
def test_resumed_equals_uninterrupted(name, dtype, cut, every, is_held, engine, tmp_path):
    options = {
        "network": HIDDEN, "Y": Y, "optimizer": WALKS[name], "dtype": dtype, "record": "steps",
        "validation": 0.3 if is_held else None, "stop": tw.Stop(epochs=3 if "Newton" in name else 7),
    }  # fmt: skip
    path = tmp_path / "c"
    train(engine, **options, checkpoint=tw.Checkpoint(path, every=every), callbacks=[Recorder(stop_at=cut)])
    if not path.exists():  # it stalled before the first step was done
        assert "Exact" in name
        return
    assert_same(train(engine, **options, resume=path), train(engine, **options))


@pytest.mark.parametrize("status", [status for settings, status, _ in HALVED_STOPS if not {"seconds"} & set(settings)])
def test_every_stop_goes_on_counting(status, engine, tmp_path):
    settings = next(settings for settings, one, _ in HALVED_STOPS if one is status)
    options = {**BOWL, "stop": tw.Stop(**{"epochs": 30, **settings})}
    whole = train(engine, **options)
    goes_on = {**options, "parameters": None}
    for cut in (1, 2, len(whole.history) - 1, len(whole.history)):
        train(engine, **options, checkpoint=tw.Checkpoint(tmp_path / "c"), callbacks=[Recorder(stop_at=cut)])
        assert_same(train(engine, **goes_on, resume=tmp_path / "c"), whole)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (tw.LBFGS(), tw.LBFGS(memory=11)),
        (tw.LBFGS(), tw.LBFGS(tw.Wolfe(curvature=0.8))),
        (tw.LBFGS(), tw.Newton()),
        (tw.GradientDescent(tw.Backtracking()), tw.GradientDescent(0.1)),
        (tw.GradientDescent(tw.Lipschitz()), tw.GradientDescent(tw.Lipschitz(1.0))),
    ],
    ids=repr,
)
def test_a_checkpoint_of_another_optimizer_is_refused(old, new, engine, tmp_path):
    train(engine, optimizer=old, checkpoint=tw.Checkpoint(tmp_path / "c"))
    with pytest.raises(tw.InputError, match=r"c' was written with optimizer = .*, and now it is "):
        train(engine, optimizer=new, resume=tmp_path / "c")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WALKS)
def test_the_same_seed_gives_the_same_bits(name, dtype, engine):
    """In whatever order rows would be taken, and however many threads there are: all of them are one batch."""
    options = {"network": HIDDEN, "Y": Y, "optimizer": WALKS[name], "dtype": dtype, "stop": tw.Stop(epochs=3)}
    one = train(engine, **options)
    others = [{}, {"order": "sweep"}, {"batch": N}, {"batch": 1000}]
    for more in others + ([{"threads": 1}, {"threads": 2}] if engine == "cpu" else []):
        assert_same(train(engine, **options, **more), one)
    assert not np.array_equal(train(engine, **options, seed=4).parameters, one.parameters)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "optimizer",
    [tw.GradientDescent(0.1), tw.GradientDescent(0.1, momentum=0.9), tw.GradientDescent(0.1, clip=0.2), tw.Adam(0.05)],
    ids=repr,
)
def test_a_number_as_rate_is_the_engines_own_trainer(optimizer, dtype, engine, monkeypatch):
    """The same bits as the engine gives when it is handed the epochs; the walk along directions is not asked."""
    monkeypatch.setattr(training, "WholeBatchTrainer", None)
    result = train(engine, HIDDEN, Y=Y, optimizer=optimizer, dtype=dtype)
    p = HIDDEN.initialize(3).astype(dtype)
    state = TrainingState(p, optimizer.start(len(p), dtype), 0)
    trainer = engines.get(engine).trainer(HIDDEN, optimizer, check_examples(HIDDEN, X, Y, None, dtype=dtype), state)
    losses = []
    for number in range(1, 8):
        rows = permutation(3, "order", N, epoch=number)
        epoch = Epoch(number, rows, N, np.full(1, optimizer.learning_rate.rate), 3)
        losses.append(trainer.run(epoch, lambda: False).loss)
    assert np.array_equal(trainer.state().parameters, result.parameters)
    assert result.history.loss.tolist() == losses


# Values that are not finite (contract 2)


@pytest.mark.parametrize("name", WALKS)
def test_a_start_without_a_finite_loss(name, engine):
    """Targets whose squares overflow in float32: the start comes back, with a sentence that knows no rate."""
    network = tw.Network([5, 2])
    result = train(engine, network, Y=1e30 * Y, optimizer=WALKS[name], dtype="float32")
    assert result.status is tw.Status.NON_FINITE and result.status.is_failure and len(result.history) == 0
    assert np.array_equal(result.parameters, network.initialize(3).astype(np.float32))
    failure = result.failure
    assert failure is not None and (failure.epoch, failure.batch, failure.layer) == (1, 1, 1)
    assert result.message.startswith("Met a value that is not finite. In epoch 1, batch 1, the loss (layer 1) was not")
    assert "nan" not in result.message.lower() and "\n" not in result.message
    with pytest.raises(tw.TrainingFailed) as caught:
        train(engine, network, Y=1e30 * Y, optimizer=WALKS[name], dtype="float32", on_failure="raise")
    assert str(caught.value) == result.message


@pytest.mark.parametrize(
    "optimizer", [tw.GradientDescent(tw.Lipschitz(1e-9)), tw.LBFGS(1e9), tw.ConjugateGradient(1e9)], ids=repr
)
def test_steps_that_are_too_long_end_with_the_last_finite_loss(optimizer, engine):
    network = tw.Network([5, 2])
    result = train(engine, network, Y=Y, optimizer=optimizer, dtype="float32", stop=tw.Stop(epochs=100))
    assert result.status is tw.Status.NON_FINITE and "nan" not in result.message.lower()
    assert np.isfinite(result.parameters).all() and np.isfinite(result.history.loss).all()
    examples = check_examples(network, X, Y, None, dtype=np.float32)
    assert math.isfinite(engines.get(engine).mean_loss(network, result.parameters, examples))
    assert result.failure is not None and result.failure.epoch in (len(result.history), len(result.history) + 1)


@pytest.mark.parametrize("name", LOOKS_AROUND)
def test_validation_rows_without_a_finite_loss(name, engine):
    held = X.copy()
    held[3, 1] = 1e200
    result = train(engine, tw.Network([5, 2]), Y=Y, validation=(held, Y), optimizer=WALKS[name])
    assert result.status is tw.Status.NON_FINITE and len(result.history) == 0
    assert "In epoch 1, after the last batch, the validation loss (layer 1) was not finite" in result.message
    assert "nan" not in result.message.lower() and np.isfinite(result.parameters).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WALKS)
def test_targets_of_any_size_raise_nothing(name, dtype, engine):
    """Squares that overflow or are nothing end in a status: products of small changes must not divide by 0."""
    network = tw.Network([5, 1])
    for size in [*range(-44, 36, 7), -24, -21, -20, -19, -15, *((-162, -160, -158, 150) if dtype == "float64" else ())]:
        result = train(
            engine, network, Y=Y[:, 0] * 10.0**size, parameters=np.zeros(6), optimizer=WALKS[name], dtype=dtype,
            stop=tw.Stop(epochs=13),
        )  # fmt: skip
        assert np.isfinite(result.parameters).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("name", ["LBFGS", "ConjugateGradient with Exact", "BarzilaiBorwein", "Wolfe", "Newton"])
def test_targets_need_not_be_scaled(name, size, dtype, engine):
    """Linear regression from 0: prices in single coins as well as in millions lead to SciPy's least squares."""
    y = 0.5 + X @ [1.0, -2.0, 0.5, 0.0, 3.0] + 0.3 * Y[:, 1]
    result = train(
        engine, tw.Network([5, 1]), Y=y * size, parameters=np.zeros(6), optimizer=WALKS[name], dtype=dtype,
        stop=tw.Stop(epochs=60),
    )  # fmt: skip
    best = scipy.optimize.lsq_linear(np.c_[X, np.ones(N)], y).x
    np.testing.assert_allclose(result.parameters / size, best, atol=1e-3 if dtype == "float32" else 1e-6)


# What is refused


LARGE = tw.Network([53, 37, 2])  # 2,074 parameters
REFUSED = [
    ({"batch": 7}, r"LBFGS\(.*\) needs the same function at every look, and with batches of 7 of 41 rows it changes "
                   'from step to step; use batch="all", or an update rule such as Adam'),
    ({"batch": 40}, "with batches of 40 of 41 rows"),
    ({"batch": 7, "optimizer": tw.GradientDescent(tw.Backtracking())}, "needs the same function at every look"),
    ({"batch": 7, "optimizer": tw.Newton(0.5)}, "needs the same function at every look"),
    ({"order": "random"}, r"LBFGS\(.*\) sees all rows at each step, so order='random' would do nothing; leave it out"),
    ({"order": lambda epoch: [0, 1]}, "sees all rows at each step, so order=<function .* would do nothing"),
    ({"network": tw.Network([5, 7, 1], dropout=0.5, output="sigmoid", loss="binary_cross_entropy")},
     "needs the same loss at every look, and dropout draws it anew; use dropout=0"),
    ({"network": LARGE, "X": np.ones((3, 53)), "Y": np.ones((3, 2)), "optimizer": tw.Newton()},
     r"Newton takes a matrix of 2,074 × 2,074 numbers at each step, and 2,000 parameters are the most .* LBFGS\(\)"),
    ({"optimizer": "BFGS"}, "there is no optimizer 'BFGS'; choose one of .*ConjugateGradient, LBFGS, Newton"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=lambda one: one[:40] if isinstance(one, str) else "")
def test_what_would_do_nothing_or_harm_is_refused(options, said, engine):
    with pytest.raises(tw.InputError, match=said) as caught:
        train(engine, **options)
    assert "\n" not in str(caught.value)


def test_two_thousand_parameters_and_other_directions_are_not_too_many(engine):
    options = {"X": np.ones((3, 53)), "Y": np.ones((3, 2)), "stop": tw.Stop(epochs=1)}
    assert train(engine, LARGE, **options).status is tw.Status.EPOCHS


ALONE = [
    (lambda: tw.GradientDescent(tw.Backtracking(), momentum=0.9), r"GradientDescent: Backtracking\(.*\) looks along a "
     "straight direction, and the steps of this rule follow none; use GradientDescent without momentum and clip, "),
    (lambda: tw.GradientDescent(tw.Wolfe(), clip=1.0), "without momentum and clip"),
    (lambda: tw.Adam(tw.Wolfe()), r"Adam: Wolfe\(.*\) looks along a straight direction"),
    (lambda: tw.AdamW(tw.Exact()), r"AdamW: Exact\(\) looks along a straight direction"),
    (lambda: tw.RMSprop(tw.Lipschitz()), r"RMSprop: Lipschitz\(L=None\) looks along a straight direction"),
    (lambda: tw.LBFGS(tw.Lipschitz()), r"LBFGS: Lipschitz\(L=None\) gives rates for the gradient itself; use "
     "GradientDescent, or Wolfe or Backtracking"),
    (lambda: tw.Newton(tw.BarzilaiBorwein()), r"Newton: BarzilaiBorwein\(.*\) gives rates for the gradient itself"),
    (lambda: tw.ConjugateGradient(tw.Lipschitz(2.0)), "ConjugateGradient: Lipschitz.* for the gradient itself"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "said"), ALONE, ids=lambda one: one[:40] if isinstance(one, str) else "")
def test_a_search_stands_where_its_rates_mean_something(make, said):
    with pytest.raises(tw.InputError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
