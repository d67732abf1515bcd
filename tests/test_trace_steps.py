"""Steps: what they came from, each printed line recomputed, how they are asked for, and that no other is made."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import thalweg as tw
from recomputed import LEAVING, as_at_school, exact_of, of_text
from thalweg import trace_steps
from thalweg.activations import ACTIVATIONS, HIDDEN
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding, evaluate
from thalweg.expressions import Symbol
from thalweg.losses import LOSSES
from thalweg.notation import TEXT
from thalweg.tracing import trace
from worked import draw, small, traces


EPS = 2.0**-52
PAIRS = [(loss, output) for loss, row in LOSSES.items() for output, g in ACTIVATIONS.items() if row.outputs(g)]


# --- What a step came from --------------------------------------------------------------------------------------------


def test_the_links_of_a_step_lead_to_given_numbers_through_earlier_steps(rng):
    for t in traces(rng):
        place = {step.key: number for number, step in enumerate(t)}
        for step in t:
            assert step.operands or step.kind in ("dE/dz", "g'", "E"), step  # 0 or 1, whatever the numbers
            for operand in step.operands:
                from_nothing = not operand.operands and operand.numbers is None
                assert operand.key in t and operand.is_given == from_nothing == (operand.key not in place)
                assert operand.is_given or place[operand.key] < place[step.key], step
        for last in [step for step in t if step.is_update] or t.steps("dE/dW"):
            assert {step.kind for step in ancestors(last) if step.is_given} >= {"x", "y", "W"}


def ancestors(step):
    found, todo = {}, [step]
    while todo:
        one = todo.pop()
        if one.key not in found:
            found[one.key] = one
            todo.extend(one.operands)
    return found.values()


def test_each_step_worked_out_from_its_operands_is_its_result(rng):
    for t in traces(rng):
        for step in t:
            given: dict[Any, Any] = {operand.symbol: operand.result for operand in step.operands}
            of_layer = step.place and step.kind != "dE/dz"
            row = t.network.layers[step.place[0] - 1].activation if of_layer else t.network.loss
            for name, value in row.constants.items():
                given[Symbol(name)] = t.arithmetic.settle(Fraction(repr(value)))
            found = t.arithmetic.settle(evaluate(step.indexed[-1], given))
            if t.arithmetic.is_exact:
                assert found == step.result, step
            else:
                size = max(1.0, *(abs(float(value)) for value in given.values())) if given else 1.0
                assert found == pytest.approx(step.result, rel=1e-12, abs=64 * EPS * size**2), step


def test_a_step_says_what_it_is():
    network = tw.Network([2, 3, 2], output="softmax", loss="cross_entropy")
    t = trace(network, network.initialize(), np.ones((2, 2)), [0, 1], learning_rate=0.1)
    assert [t[key].words for key in [(1, "x", 2), (2, "y", 1), ("W", 1, 2, 3), ("b", 2, 1), ("eta",)]] == [
        "input 2, example 1", "target 1, example 2", "the weight from unit 2 to unit 3 of layer 1",
        "the bias of unit 1 of layer 2", "the learning rate",
    ]  # fmt: skip
    assert t[2, "dz/da", 2, 1, 2].words == "slope of output 1 by what enters unit 2, example 2"
    assert t["W_new", 1, 2, 3].words == "the weight from unit 2 to unit 3 of layer 1 after the step"
    step = t[2, "delta", 1, 3]
    assert (step.example, step.kind, step.place, step.is_given, step.is_update) == (2, "delta", (1, 3), False, False)
    assert t["W_new", 1, 2, 3].is_update and t["eta"].is_given and t["eta"].equation == ""
    assert repr(t) == "<trace of 2 examples through 2-3-2 relu, softmax output, cross_entropy, in floats>"


def test_a_step_is_found_by_its_name():
    t = small(loss="squared_error")
    for step in t:
        assert t.named(step.name).key == step.key
        assert t.named(step.symbol.unicode).key == step.key
    assert t.named(" dE/dW[1][2,  1] ").key == ("dE/dW", 1, 2, 1)
    with pytest.raises(tw.InputError, match=r"there is no value 'delta\[1\]\[3\]' here; .* such as delta\[1\]\[\d\]"):
        t.named("delta[1][3]")
    network = tw.Network([1, 1])
    batch = trace(network, [1.0, 2.0], [[1.0], [2.0]], [[1.0], [2.0]], learning_rate=0.1)
    assert batch.named("example 2: delta[1][1]").key == (2, "delta", 1, 1)
    assert batch.named("dE/dW[1][1,1]").key == batch.named("∂E/∂W₁₁⁽¹⁾").key == ("dE/dW", 1, 1, 1)
    assert batch.named("new W[1][1,1]").key == ("W_new", 1, 1, 1)


# --- Printed lines, recomputed ----------------------------------------------------------------------------------------


def draw_by_number(random, number):
    """A network of the number-th activation, loss and output, with numbers of a few digits; and its examples."""
    (loss, output), hidden = PAIRS[number % len(PAIRS)], HIDDEN[number // len(PAIRS) % len(HIDDEN)]
    depth = int(random.choice([1, 2, 2, 2, 3]))
    sizes = random.integers(1, 4, size=depth + 1).tolist() if depth < 3 else [1, 2, 1, int(random.integers(1, 3))]
    network = tw.Network(
        sizes, activation=[hidden, *random.choice(HIDDEN, size=max(0, depth - 2)).tolist()][: depth - 1], output=output,
        loss=loss, bias=bool(random.random() < 0.7), reduction=str(random.choice(["mean", "sum"])),
        l2=float(random.choice([0.0, 0.0, 0.0, 0.1])),
    )  # fmt: skip
    p = np.round(random.normal(size=network.n_parameters), int(random.integers(1, 9)))
    n = 2 if random.random() < 0.1 else 1
    X = np.round(random.normal(size=(n, sizes[0])), 2)
    return network, p, X, [draw_target(random, loss, sizes[-1]) for _ in range(n)]


def draw_target(random, loss, k):
    if loss == "cross_entropy":
        shares = random.integers(0, 3, size=k)
        shares[random.integers(k)] += 1
        return [Fraction(int(one), int(shares.sum())) for one in shares]
    if loss == "binary_cross_entropy":
        return random.choice([0.0, 1.0, 0.25], size=k).tolist()
    return random.integers(0, 4, size=k).tolist() if loss == "poisson" else np.round(random.normal(size=k), 2).tolist()


def check_line(step, rounding):
    """A printed line is right as it stands, and its operands stand as they do in their own lines."""
    printed, shown, line = str(step.numbers), str(step.shown), step.written(TEXT)
    value, result = exact_of(of_text(printed)), of_text(shown)
    assert result == step.result, line
    if abs(value) > Fraction(1, 10**80):  # what is left of 1 − 1 in 100 digits has no 6 of its own
        assert as_at_school(value, rounding) == result, line
    sign = " ~ " if step.is_about else " = "
    assert line.endswith(f" = {printed}{sign}{shown}" if printed != shown else f" = {printed}"), line
    assert step.is_about or value == result, line
    # said to be about, and exact: softmax of one unit, tanh(softplus(0)), what 150 digits take for 1
    assert not step.is_about or value != result or any(f"{name}(" in printed for name in LEAVING), line
    text, symbols = str(step.indexed[-1]), {str(operand.symbol): operand for operand in step.operands}
    for symbol in sorted(symbols, key=len, reverse=True):
        text = text.replace(symbol, f"({symbols[symbol].shown})")
    constants = {"slope", "alpha", "scale", "delta", "level"} & step.indexed[-1].symbols
    given = {name: as_at_school(constant_of(step, name), rounding) for name in constants}
    assert exact_of(of_text(text, given)) == value, line


def constant_of(step, name) -> Fraction:
    """What a name stands for in a step's formula: of its layer's activation, or of the loss."""
    network = step.trace.network
    row = network.loss if step.kind in ("E", "dE/dz") else network.layers[step.place[0] - 1].activation
    return Fraction(repr(row.constants[name]))


def check_networks(seed, numbers):
    """How many printed lines of these networks are right, and how many networks cannot be computed by hand."""
    lines = refused = 0
    for number in numbers:
        random = np.random.default_rng([seed, number])
        network, p, X, Y = draw_by_number(random, number)
        rounding = Rounding(int(random.integers(2, 7)), bool(random.random() < 0.5))
        t = trace(network, p, X, Y, learning_rate=0.1, arithmetic=Arithmetic("rounded", rounding))
        try:
            for step in t:
                check_line(step, rounding)
                lines += 1
        except tw.InputError as error:  # log 0 or 1/0, where z was rounded to 0 or 1, or e to the 800
            assert "cannot be computed by hand" in str(error), network
            refused += 1
    return lines, refused


def test_every_printed_line_is_right_when_it_is_recomputed(rng):
    """Each loss with each output that it allows, and with every other activation: half of 840 networks a run."""
    lines, refused = check_networks(rng.seed, [n for n in range(840) if (n + n // len(PAIRS) + rng.seed) % 2])
    assert lines > 10_000 and refused < 10


def test_in_fractions_every_line_is_exact_unless_a_number_is_abbreviated(rng):
    network, _, X, Y = draw(rng, "huber", "leaky_relu", ["relu", "identity"], n=2, sizes=[2, 3, 2, 2])
    p = [Fraction(int(n), 7) for n in rng.integers(-9, 10, size=network.n_parameters)]
    t = trace(network, p, np.round(X, 1), np.round(Y, 1), learning_rate=Fraction(1, 3), arithmetic=FRACTIONS)
    whole = abridged = 0
    for step in t:
        value = of_text(str(step.numbers))
        if all(str(part.shown) == str(part.result) for part in (step, *step.operands)):
            assert value == step.result and not step.is_about, step
            whole += 1
        else:  # 15 digits and more are shown as the nearest float
            assert float(value) == pytest.approx(float(step.result), rel=1e-9, abs=1e-12)
            assert of_text(str(step.shown)) == Fraction(repr(float(step.result))) or not step.is_about
            abridged += 1
    assert whole > 50 and whole + abridged == len(t)


def test_in_floats_results_are_shown_to_so_many_digits_and_equal_only_where_they_are(rng):
    arithmetic = Arithmetic("floats", Rounding(4))
    t = trace(
        *draw(rng, "cross_entropy", "softmax", ["gelu"], sizes=[2, 3, 2]), learning_rate=0.5, arithmetic=arithmetic
    )
    signs = {" ~ ": 0, " = ": 0}
    for step in t:
        shown = of_text(str(step.shown))
        assert shown == as_at_school(Fraction(step.result), Rounding(4)), step
        exact = exact_of(of_text(str(step.numbers))) == shown
        assert step.is_about != exact, step
        signs[" = " if exact else " ~ "] += 1
    assert min(signs.values()) > 3, signs


@pytest.mark.acceptance
def test_every_printed_line_of_10_000_networks_is_right_when_it_is_recomputed(rng):
    lines, refused = check_networks(rng.seed, range(10_000))
    assert lines > 200_000 and refused < 200


# --- Asking for what is there, and for what is not --------------------------------------------------------------------


def test_keys_are_tuples_of_whole_numbers_of_any_sort():
    t = small()
    assert t["E"].key == t[("E",)].key == ("E",)
    key = t["dE/dW", np.int64(1), np.uint8(2), 1].key
    assert key == ("dE/dW", 1, 2, 1) and all(type(part) in (str, int) for part in key)
    assert t[1, "delta", 1, 2].key == ("delta", 1, 2) and t[np.int64(1), "E"].symbol == t["E"].symbol
    assert ("delta", 1, 2) in t and ("delta", 1, 3) not in t and "E" in t and ["E"] not in t and None not in t
    assert ("W_new", 1, 1, 1) not in t and ("eta",) not in t and ("dE/db", 1, 1) not in t and ("x", 2) in t


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (("delta", 3, 1), r"delta\[3\]\[1\] is out of range: the layer is 3, but there are 1 to 2 in 2-2-1 relu, iden"),
        (("delta", 1, 3), r"delta\[1\]\[3\] is out of range: the unit is 3, but there are 1 to 2"),
        (("delta", 2, 2), r"delta\[2\]\[2\] is out of range: the unit is 2, but it is 1 in"),
        (("delta", 0, 1), r"delta\[0\]\[1\] is out of range: the layer is 0, but there are 1 to 2"),
        (("delta", 1, -1), r"delta\[1\]\[-1\] is out of range: the unit is -1, but there are 1 to 2"),
        (("dE/dW", 1, 3, 1), r"dE/dW\[1\]\[3,1\] is out of range: the unit below is 3, but there are 1 to 2"),
        (("dE/dW", 2, 1, 5), r"dE/dW\[2\]\[1,5\] is out of range: the unit is 5, but it is 1"),
        (("dE/dz", 1, 1), r"dE/dz\[1\]\[1\] is out of range: the layer is 1, but it is 2"),
        (("x", 3), r"x\[3\] is out of range: the unit below is 3, but there are 1 to 2"),
        (("y", 0), r"y\[0\] is out of range: the output is 0, but it is 1"),
        (("delta", 1), "'delta' takes the layer, the unit, each a whole number from 1, not"),
        (("delta", 1, 1.0), "'delta' takes the layer, the unit, each a whole number"),
        (("delta", 1, True), "'delta' takes the layer, the unit, each a whole number"),
        (("E", 1), "'E' takes no indices"),
        ("e", "a trace has no 'e'; it has x, y, W, b, eta, a, z, E, dE/dz"),
        ((), r"a trace has no \(\); it has"),
        (None, "a trace has no None; it has"),
        (1.5, "a trace has no 1.5; it has"),
        ((["E"], 1), r"a trace has no \['E'\]; it has"),
        (["delta", 1, 1], r"a trace has no \['delta', 1, 1\]; it has"),
        (("b", 1, 1), "this network has no biases"),
        (("dE/db", 1, 1), "this network has no biases"),
        (("W_new", 1, 1, 1), "this trace has no update of the weights; make it with learning_rate="),
        ("eta", "this trace has no update"),
        (("dz/da", 2, 1, 1), r"the Jacobian of identity is diagonal; its diagonal is g'\(a\)"),
        ((2, "E"), "there is one example here, not 2"),
        ((0, "delta", 1, 1), "there is one example here, not 0"),
    ],
)  # fmt: skip
def test_what_is_not_there_gets_a_sentence(key, said):
    with pytest.raises(tw.InputError, match=said):
        small()[key]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (("delta", 1, 1), r"'delta' is that of an example here: say which of 1 to 3, as t\[1, 'delta', …\]"),
        (("x", 1), "'x' is that of an example here"),
        ((4, "delta", 1, 1), "the examples are numbered 1 to 3, not 4"),
        ((0, "E"), "the examples are numbered 1 to 3, not 0"),
        ((1, "g'", 1, 1), "softmax has no g', as each output leans on every a; see its Jacobian 'dz/da', 1, k, j"),
        ((1, "dz/da", 1, 3, 1), r"dz/da\[1\]\[3,1\] is out of range: the output is 3, but there are 1 to 2"),
    ],
)
def test_what_is_not_there_in_a_batch_gets_a_sentence(key, said):
    network = tw.Network([1, 2], output="softmax", loss="cross_entropy")
    t = trace(network, network.initialize(), [[1.0], [2.0], [3.0]], [0, 1, 1])
    with pytest.raises(tw.InputError, match=said):
        t[key]
    assert key not in t


# --- Lazily -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def forms(monkeypatch):
    """The keys of steps whose formulas were made."""
    made = []
    form = trace_steps.form
    monkeypatch.setattr(
        trace_steps, "form", lambda t, key, *rest, **more: made.append(key) or form(t, key, *rest, **more)
    )
    return made


def test_one_weight_of_a_large_network_asks_for_its_own_steps_only(forms):
    network = tw.Network([784, 256, 10], activation="relu", output="softmax", loss="cross_entropy")
    t = trace(network, network.initialize(seed=3), np.linspace(0.0, 1.0, 784), 7)
    step = t["dE/dW", 1, 700, 200]
    assert isinstance(step.result, float) and not forms
    assert str(step).startswith("∂E/∂W₇₀₀,₂₀₀⁽¹⁾ = δ₂₀₀⁽¹⁾·x₇₀₀ = ")
    links = step.operands
    assert [link.key for link in links] == [("delta", 1, 200), ("x", 700)]
    assert set(forms) == {step.key}
    assert len(links[0].operands) == 21 and set(forms) == {step.key, ("delta", 1, 200)}
    _, gradient = tw.loss_and_gradient(network, t.p, t.X, t.Y, engine="reference")
    assert step.result == pytest.approx(network.views(gradient)[0][0][699, 199], rel=4 * EPS)


def test_looking_for_keys_makes_no_formulas(forms):
    network = tw.Network([31, 17, 3])
    t = trace(network, network.initialize(), np.ones((2, 31)), np.ones((2, 3)))
    assert len(t) == sum(1 for _ in t) and (2, "delta", 1, 3) in t and t.steps("delta", layer=1)
    assert hash(t) == hash(t) and t == t and t.to_dict(())["steps"] == []
    assert not forms
