"""The C++ engine beyond the contract that all engines share: instruction sets, threads, fork, memory, stops."""

import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

import thalweg as tw
from thalweg import _core, engines
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.engines.base import Epoch, TrainingState
from thalweg.engines.cpu import Cpu
from thalweg.engines.reference import Reference
from thalweg.examples import check_examples
from thalweg.update_rules import UPDATE_RULES


SETS = _core.cpu_features()["usable"]
SIZES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 47, 49, 97)
DTYPES = ("float32", "float64")
# Rounding of a sum of `terms` products, relative to the sum of their sizes.
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}


def test_there_are_sets_to_test():
    assert SETS[-1] == "portable" and set(SETS) <= {"avx512", "avx2", "neon", "portable"}


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SETS)
def test_products_of_every_size(name, dtype, across, rng):
    """Each tail of rows, columns and terms, against NumPy in extended precision."""
    shapes = [(n, k, m) for n in SIZES for k, m in zip(SIZES, SIZES[::-1], strict=True)]
    shapes += [(5, 191, 3), (7, 192, 9), (3, 193, 11), (50, 577, 131), (49, 200, 259)]
    assert len(shapes) > 190
    for n, k, m in shapes:
        A, B = rng.normal(size=(n, k)).astype(dtype), rng.normal(size=(k, m)).astype(dtype)
        C = np.full((n, m), np.nan, dtype=dtype)
        _core.multiply(name, A, np.ascontiguousarray(B.T) if across else B, C, across)
        exact = A.astype(np.longdouble) @ B.astype(np.longdouble)
        bound = (k + 1) * UNIT[dtype] * (np.abs(A) @ np.abs(B)) * 1.01
        assert (np.abs(C - exact) <= bound).all(), (n, k, m)


def test_a_product_without_terms_is_zero():
    for name in SETS:
        C = np.full((3, 5), np.nan)
        _core.multiply(name, np.empty((3, 0)), np.empty((0, 5)), C, False)
        assert (C == 0).all()
        _core.multiply(name, np.empty((0, 4)), np.empty((4, 5)), np.empty((0, 5)), False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SETS)
def test_every_activation_on_every_set_agrees_with_the_reference(name, dtype, rng):
    """The whole of both passes, for batches and widths around the length of a vector."""
    tolerance = 1e-10 if dtype == "float64" else 1e-4
    tried = 0
    for number, (n, units) in enumerate([(n, SIZES[-1 - i]) for i, n in enumerate(SIZES)]):
        for hidden in HIDDEN[number % 3 :: 3]:
            network = tw.Network([5, units, 3], activation=hidden, output="softmax", loss="cross_entropy", l2=0.01)
            p = rng.normal(scale=0.3, size=network.n_parameters).astype(dtype)
            X, y = rng.normal(size=(n, 5)), rng.integers(3, size=n)
            examples = check_examples(network, X, y, rng.uniform(0.5, 2.0, size=n), dtype=dtype)
            loss, gradient = Cpu(instruction_set=name).loss_and_gradient(network, p, examples)
            exact = check_examples(network, examples.X, examples.Y, examples.weights)
            true_loss, true_gradient = Reference().loss_and_gradient(network, p.astype(np.float64), exact)
            scale = np.abs(true_gradient).max()
            np.testing.assert_allclose(loss, true_loss, rtol=tolerance)
            np.testing.assert_allclose(gradient, true_gradient, rtol=tolerance, atol=tolerance * scale, err_msg=hidden)
            tried += 1
    assert tried > 40


# ── training beside the reference ────────────────────────────────────────────────────────────────────────────────────

SMOOTH = [name for name in HIDDEN if name not in ("relu", "leaky_relu", "elu", "selu", "exp")]
RULES = {
    "GradientDescent": tw.GradientDescent(0.02),
    "momentum": tw.GradientDescent(0.002, momentum=0.9),
    "nesterov": tw.GradientDescent(0.002, momentum=0.9, nesterov=True),
    "RMSprop": tw.RMSprop(1e-3),
    "Adam": tw.Adam(3e-3),
    "AdamW": tw.AdamW(tw.InverseTime(3e-3), weight_decay=0.1, clip=0.5),
}


def data(rng, n=61, d=5, k=3):
    X = rng.normal(size=(n, d))
    return X, np.argmax(X @ rng.normal(size=(d, k)) + 0.3 * rng.normal(size=(n, k)), axis=1)


def test_every_optimizer_is_followed():
    assert {type(rule).__name__ for rule in RULES.values()} == set(UPDATE_RULES)


@pytest.mark.parametrize("batch", [1, 2, 7, 16, "all"])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_training_follows_the_reference(rule, batch, rng):
    """With smooth activations over 50 epochs, whichever way through the network a batch of this size goes."""
    X, y = data(rng)
    activation = [str(SMOOTH[i % len(SMOOTH)]) for i in rng.integers(100, size=2)]
    network = tw.Network([5, 9, 7, 3], activation=activation, output="softmax", loss="cross_entropy", l2=1e-3)
    options = {
        "batch": batch, "optimizer": rule, "stop": tw.Stop(epochs=50), "sample_weight": rng.uniform(0.5, 2, size=61)
    }  # fmt: skip
    for dtype, tolerance in (("float64", 1e-9), ("float32", 1e-3)):
        ours, theirs = (
            tw.train(network, X, y, dtype=dtype, engine=engine, **options).history.loss
            for engine in ("cpu", "reference")
        )
        assert len(ours) == 50
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, err_msg=f"{dtype} {activation}")


@pytest.mark.parametrize("batch", [1, 3, 20])
@pytest.mark.parametrize("hidden", ["relu", "leaky_relu", "elu", "selu"])
def test_each_step_near_a_kink_is_that_of_the_reference(hidden, batch, rng):
    """Walks along kinks drift apart; a step from the same point does not, unless an a changes its sign."""
    X, y = data(rng)
    network = tw.Network([5, 11, 3], activation=hidden, output="softmax", loss="cross_entropy", dropout=0.2)
    examples, rule = check_examples(network, X, y), tw.Adam(0.01)
    p = network.initialize(seed=3)
    state = TrainingState(p, rule.start(len(p), np.float64), 0)
    for number in range(1, 31):
        epoch = Epoch(number, rng.permutation(61)[:batch], batch, np.array([0.01]), seed=4)
        stepped = []
        for engine in (Cpu(), Reference()):
            trainer = engine.trainer(network, rule, examples, state)
            outcome = trainer.run(epoch, lambda: False)
            stepped.append((outcome.losses[0], trainer.state().copy()))
        (loss, ours), (true_loss, state) = stepped
        assert loss == pytest.approx(true_loss, rel=1e-11)
        np.testing.assert_allclose(ours.parameters, state.parameters, atol=1e-9)
        assert ours.steps == state.steps == number


BIG = tw.Network([37, 131, 67, 5], activation="silu", output="softmax", loss="cross_entropy", l2=1e-3, dropout=0.1)
BIG_RULE = tw.AdamW(1e-3, clip=1.0)


def big_data():
    random = np.random.default_rng(5)
    return *data(random, n=3001, d=37, k=5), random.uniform(0.1, 2.0, size=3001)


WIDE = tw.Network([1, 120_007, 1], activation="tanh", dropout=0.3)  # so wide that a few rows fill the memory


@pytest.mark.parametrize(("network", "batch"), [("BIG", 509), ("BIG", "all"), ("WIDE", 21)])
def test_an_epoch_cut_into_slots_or_parts_is_that_of_the_reference(network, batch, rng):
    """Dropout, weights, penalty and clipping do not see where a step is cut."""
    network = {"BIG": BIG, "WIDE": WIDE}[network]
    X, y, weights = big_data()
    if network is WIDE:
        X, y, weights = X[:21, :1], y[:21] * 0.1, weights[:21]
    examples = check_examples(network, X, y, weights)
    size = len(X) if batch == "all" else batch
    p = network.initialize(seed=2)
    epoch = Epoch(1, rng.permutation(len(X)), size, np.full(-(-len(X) // size), 1e-3), seed=7)
    start = TrainingState(p, BIG_RULE.start(len(p), np.float64), 0)
    (ours, losses), (theirs, true_losses) = (
        (trainer.state().parameters, outcome.losses)
        for trainer in (engine.trainer(network, BIG_RULE, examples, start) for engine in (Cpu(), Reference()))
        for outcome in [trainer.run(epoch, lambda: False)]
    )
    np.testing.assert_allclose(losses, true_losses, rtol=1e-11)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert not np.allclose(theirs, p, atol=1e-6)


@pytest.mark.parametrize(
    ("hidden", "output", "loss", "layer", "what"),
    [("exp", "identity", "squared_error", 1, "the output"), ("tanh", "exp", "poisson", 2, "the output")],
)
def test_an_output_that_overflows_is_named_as_the_reference_names_it(hidden, output, loss, layer, what):
    network = tw.Network([1, 1, 1], activation=hidden, output=output, loss=loss, bias=False)
    p = np.array([800.0, 1.0] if hidden == "exp" else [1.0, 1e4])
    for batch in (1, 30):
        examples = check_examples(network, np.ones((30, 1)), np.zeros(30))
        for engine in (Cpu(), Reference()):
            trainer = engine.trainer(network, tw.GradientDescent(), examples, TrainingState(p, {}, 0))
            broken = trainer.run(Epoch(1, np.arange(30), batch, np.ones(1), seed=0), lambda: False).broken
            assert broken is not None and (broken.step, broken.layer, broken.what) == (0, layer, what)


def test_a_trainer_goes_on_when_the_size_of_its_batches_changes(rng):
    """Small batches go row by row, large ones side by side: the state moves from one layout to the other."""
    X, y = data(rng)
    network = tw.Network([5, 17, 3], activation="tanh", output="softmax", loss="cross_entropy")
    examples, rule, p = check_examples(network, X, y), tw.Adam(0.01), network.initialize(seed=1)
    ours, theirs = (
        engine.trainer(network, rule, examples, TrainingState(p, rule.start(len(p), np.float64), 0))
        for engine in (Cpu(), Reference())
    )
    for number, batch in enumerate((1, 40, 2, 61), start=1):
        order = rng.permutation(61)
        epoch = Epoch(number, order, batch, np.full(-(-61 // batch), 0.01), seed=0)
        for trainer in (ours, theirs):
            trainer.run(epoch, lambda: False)
        np.testing.assert_allclose(ours.state().parameters, theirs.state().parameters, atol=1e-11)
        for name in ("mean", "square"):
            np.testing.assert_allclose(ours.state().optimizer[name], theirs.state().optimizer[name], atol=1e-11)


# ── threads ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch", [509, "all"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SETS)
def test_any_number_of_threads_gives_the_same_bits(name, dtype, batch):
    X, y, weights = big_data()
    examples = check_examples(BIG, X, y, weights, dtype=dtype)
    p = BIG.initialize(seed=2).astype(dtype)
    size = len(X) if batch == "all" else batch
    results = []
    for threads in (1, 2, 3, 4):
        trainer = Cpu(threads, name).trainer(
            BIG, BIG_RULE, examples, TrainingState(p, BIG_RULE.start(len(p), dtype), 0)
        )
        epoch = Epoch(1, np.arange(3001), size, np.full(-(-3001 // size), 1e-3), seed=7)
        losses = trainer.run(epoch, lambda: False).losses
        assert trainer._core.threads == threads
        engine = Cpu(threads, name)
        results.append((
            losses, trainer.state().parameters, engine.predict(BIG, p, examples.X),
            engine.mean_loss(BIG, p, examples), *engine.loss_and_gradient(BIG, p, examples),
        ))  # fmt: skip
    assert not np.array_equal(results[0][1], p)
    for others in results[1:]:
        for one, other in zip(results[0], others, strict=True):
            assert np.array_equal(one, other)


def test_a_small_network_gets_one_thread_whatever_is_asked():
    network = tw.Network([2, 2, 2])
    trainer = Cpu(4).trainer(
        network, tw.GradientDescent(), check_examples(network, np.ones((9, 2)), np.ones((9, 2))),
        TrainingState(network.initialize(seed=0), {}, 0),
    )  # fmt: skip
    trainer.run(Epoch(1, np.arange(9), 3, np.ones(3), seed=0), lambda: False)
    assert trainer._core.threads == 1


def test_several_python_threads_train_at_once():
    X, y, _ = big_data()
    alone = [train_big(X, y, seed) for seed in range(4)]
    together = [np.empty(0)] * 4

    def work(seed):
        together[seed] = train_big(X, y, seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
    assert len({one.tobytes() for one in alone}) == 4


def train_big(X, y, seed):
    return tw.train(BIG, X, y, batch=509, seed=seed, threads=2, stop=tw.Stop(epochs=3)).parameters


FORKS = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of fork beside threads, which is what is tested
import numpy as np
from test_cpu import big_data, train_big
X, y, _ = big_data()
before = train_big(X, y, 1)  # the pool's threads are there
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(train_big(X, y, 1), before) else 3)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert np.array_equal(train_big(X, y, 1), before)
print("whole")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_of_fork_trains_and_so_does_its_parent():
    ran = python(FORKS)
    assert ran.stdout == "whole\n", ran.stderr


def python(script, **environment):
    here = os.path.dirname(__file__)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300,
        env=os.environ | {"PYTHONPATH": here} | environment,
    )  # fmt: skip


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────

COUNTER = """
#include <stdatomic.h>
#include <stddef.h>
extern void* __libc_malloc(size_t);
extern void* __libc_memalign(size_t, size_t);
static atomic_long calls;
long allocations(void) { return calls; }
void* malloc(size_t n) { ++calls; return __libc_malloc(n); }
void* aligned_alloc(size_t alignment, size_t n) { ++calls; return __libc_memalign(alignment, n); }
"""

COUNTS = """
import ctypes
import numpy as np
from test_cpu import BIG, BIG_RULE, Cpu, Epoch, TrainingState, big_data, check_examples, tw
count = ctypes.CDLL(None).allocations
X, y, weights = big_data()
for network, batch in ((BIG, 509), (BIG, 1500), (tw.Network([37, 5, 5], dropout=0.1), 1)):
    for threads in (1, 2):
        examples = check_examples(network, X, y if network is BIG else np.eye(5)[y], weights, dtype="float32")
        p = network.initialize(seed=0).astype("float32")
        start = TrainingState(p, BIG_RULE.start(len(p), "float32"), 0)
        trainer = Cpu(threads).trainer(network, BIG_RULE, examples, start)
        counts = []
        for steps in (1, 1, 3, 50):  # the first lays out memory and starts threads
            epoch = Epoch(1, np.arange(steps * batch) % len(X), batch, np.full(steps, 1e-3), seed=0)
            before = count()
            trainer.run(epoch, lambda: False)
            counts.append(count() - before)
        assert counts[0] > counts[1], counts  # the counter counts
        assert counts[3] < counts[1] + 5, (network, batch, threads, counts)  # Python itself takes one now and then
print("none")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts allocations by LD_PRELOAD, which is Linux's")
@pytest.mark.skipif("THALWEG_SANITIZE" in os.environ, reason="the sanitizer's malloc is another")
def test_no_step_allocates(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the counter with")
    (tmp_path / "counter.c").write_text(COUNTER)
    library = tmp_path / "counter.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, tmp_path / "counter.c"], check=True)
    ran = python(COUNTS, LD_PRELOAD=str(library))
    assert ran.stdout == "none\n", ran.stderr


# ── stops ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_step_of_many_rows_is_given_up_when_asked(rng):
    """Within a step, too, the question is asked by the clock; what the step has done is forgotten."""
    network = tw.Network([61, 307, 3], activation="mish")
    X = rng.normal(size=(200_003, 61)).astype(np.float32)
    examples = check_examples(network, X, np.zeros((len(X), 3)), dtype="float32")
    p, asked = network.initialize(seed=0).astype(np.float32), []
    trainer = Cpu().trainer(network, tw.GradientDescent(), examples, TrainingState(p, {}, 0))

    def should_stop():
        asked.append(True)
        return len(asked) > 1

    outcome = trainer.run(Epoch(1, np.arange(len(X)), len(X), np.ones(1), seed=0), should_stop)
    assert outcome.interrupted and len(outcome.losses) == 0 and len(asked) == 2
    assert np.array_equal(trainer.state().parameters, p) and trainer.state().steps == 0


def test_an_error_in_the_question_is_raised_and_leaves_a_trainer_that_works(rng):
    network = tw.Network([2, 3, 1])
    examples = check_examples(network, rng.normal(size=(5, 2)), np.zeros(5))
    trainer = Cpu().trainer(network, tw.GradientDescent(), examples, TrainingState(network.initialize(), {}, 0))
    epoch = Epoch(1, np.arange(5), 2, np.full(3, 0.1), seed=0)

    def fails():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.run(epoch, fails)
    assert trainer.state().steps == 0
    assert len(trainer.run(epoch, lambda: False).losses) == 3 and trainer.state().steps == 3


def test_numbers_too_small_to_be_normal_are_kept_outside(rng):
    """Inside, results below the smallest normal number become 0; the caller's arithmetic is left as it was."""
    tw.train(tw.Network([2, 2]), rng.normal(size=(5, 2)), np.ones((5, 2)), stop=tw.Stop(epochs=1))
    assert np.float32(1e-38) / np.float32(10) > 0


# ── what it cannot do ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_that_the_core_lacks_is_refused():
    import dataclasses

    class Slower(tw.GradientDescent):
        pass

    network = tw.Network([2, 3, 1], activation=dataclasses.replace(ACTIVATIONS["tanh"], name="tanh_of_my_own"))
    with pytest.raises(tw.EngineError, match="no activation 'tanh_of_my_own'; use engine='reference'"):
        tw.predict(network, network.initialize(), np.ones((1, 2)), engine="cpu")
    with pytest.raises(tw.EngineError, match="no optimizer .*Slower.*; use engine='reference'"):
        tw.train(tw.Network([2, 1]), np.ones((3, 2)), np.ones(3), optimizer=Slower(0.1), engine="cpu")
    assert engines.get("reference").predict(network, network.initialize(), np.ones((1, 2))).shape == (1, 1)


def test_a_wrong_variable_is_named_when_the_engine_is_used():
    ran = python("import thalweg as tw; tw.predict(tw.Network([1, 1]), [1, 1], [[1]])", THALWEG_CPU="sparkling")
    assert ran.stderr.splitlines()[-1].startswith("thalweg.errors.EngineError: THALWEG_CPU='sparkling' is not an instr")


def test_a_set_that_cannot_run_here_is_refused():
    missing = {"neon", "avx512", "avx2"} - set(SETS)
    assert missing
    with pytest.raises(ValueError, match="does not offer"):
        Cpu(instruction_set=missing.pop()).predict(tw.Network([1, 1]), np.ones(2), np.ones((1, 1)))
