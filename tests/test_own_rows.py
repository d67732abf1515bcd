"""A user's own activations and losses: made from a formula or from functions, used everywhere, kept in files."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from thalweg.activations import ACTIVATIONS
from thalweg.elementary import FUNCTIONS
from thalweg.engines.programs import functions
from thalweg.losses import LOSSES
from thalweg.own_rows import stays_within


SWISH = tw.own_activation("swish2", "a*sigmoid(b*a)", b=2)
TILTED = tw.own_loss("tilted", "level*(y - z) if z <= y else (1 - level)*(z - y)", level=0.9)
CUBE = tw.own_activation("cube", g=lambda a: a**3, derivative=lambda a: 3 * a**2)
QUARTIC = tw.own_loss("quartic", value=lambda z, y: (z - y) ** 4, derivative=lambda z, y: 4 * (z - y) ** 3)


def examples(rng, inputs, outputs, n=37):
    return rng.normal(size=(n, inputs)), rng.normal(size=(n, outputs))


# --- Rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_formula_gives_values_and_slopes_in_the_dtype_of_what_comes_in(dtype, rng):
    a = rng.normal(scale=3.0, size=(5, 7)).astype(dtype)
    s = 1.0 / (1.0 + np.exp(-2.0 * a.astype(np.float64)))
    z, slope = SWISH(a), SWISH.backward(a, np.ones_like(a))
    assert z.dtype == slope.dtype == dtype and z.shape == slope.shape == a.shape
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    np.testing.assert_allclose(z, a * s, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slope, s + 2.0 * a * s * (1.0 - s), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.elementwise])
def test_the_formula_of_each_row_of_the_table_makes_the_same_row(name, rng):
    row = ACTIVATIONS[name]
    constants: dict[str, Any] = row.constants
    own = tw.own_activation("mine", row.formula, initialization=row.initialization, **constants)
    a = np.append(rng.normal(scale=3.0, size=101), [0.0, 1.0, -1.0])
    saved = row(a) if row.saves == "z" else a
    np.testing.assert_allclose(own(a), row(a), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(
        own.backward(a, np.ones_like(a)), row.backward(saved, np.ones_like(a)), rtol=1e-10, atol=1e-14
    )
    assert own.kinks == row.kinks and own.positive == row.positive


@pytest.mark.parametrize(
    "name", ["squared_error", "half_squared_error", "absolute_error", "huber", "quantile", "poisson"]
)
def test_the_formula_of_each_loss_makes_the_same_loss(name, rng):
    row = LOSSES[name]
    ranges: dict[str, Any] = {"targets": (0, None), "outputs": (0, None)} if name == "poisson" else {}
    own = tw.own_loss("mine", row.formula, **row.constants, **ranges)
    z, y = np.exp(rng.normal(size=(2, 53, 3)))
    y[0] = 0.0
    np.testing.assert_allclose(own.value(z, y, 0.0), row.value(z, y, row.parameter), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(own.gradient(z, y, 0.0), row.gradient(z, y, row.parameter), rtol=1e-12, atol=1e-14)
    assert own.kinks == row.kinks


def test_functions_are_called_with_arrays_that_they_cannot_change():
    seen = []

    def g(a):
        seen.append((a.flags.writeable, a.dtype))
        return np.tanh(a.astype(np.float64))

    row = tw.own_activation("mine", g=g, derivative=lambda a: 1 - np.tanh(a) ** 2)
    assert row(np.array([0.5], dtype=np.float32)).dtype == np.float32
    assert seen[-1] == (False, np.float32)


def test_rows_are_equal_where_they_are_made_of_the_same():
    assert SWISH == tw.own_activation("swish2", "a * sigmoid(b*a)", b=2.0)
    others = [
        tw.own_activation("swish2", "a*sigmoid(b*a)", b=3), tw.own_activation("swish3", "a*sigmoid(b*a)", b=2),
        tw.own_activation("swish2", "a*tanh(b*a)", b=2),
        tw.own_activation("swish2", "a*sigmoid(b*a)", b=2, initialization="he"),
    ]  # fmt: skip
    assert len({SWISH, *others}) == 5
    assert repr(SWISH) == "swish2(b=2)" and repr(CUBE) == "cube" and repr(TILTED) == "tilted(level=0.9)"


def test_kinks_and_ranges_are_found():
    assert tw.own_activation("hat", "relu(1 - abs(a - 1/4)) + a/10").kinks == (-0.75, 0.25, 1.25)
    assert SWISH.kinks == () and TILTED.kinks == (0.0,)
    assert tw.own_loss("dead_zone", "0 if abs(z - y) <= 1/2 else abs(z - y) - 1/2").kinks == (-0.5, 0.5)
    assert tw.own_loss("odd", "abs(z - 2*y)").kinks == ()  # its kinks are at no residual
    assert not SWISH.positive and tw.own_activation("up", "exp(-a**2) + 1").positive


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "from a formula or from two functions, g and derivative: give the one or the others"),
        ({"formula": "a", "g": np.tanh}, "give the one or the others"),
        ({"g": np.tanh}, "give the one or the others"),
        ({"g": np.tanh, "derivative": 1.0}, "derivative must be a function of arrays, not 1.0"),
        ({"g": np.tanh, "derivative": np.cos}, "the derivative of the activation mine is not that of its values"),
        ({"g": np.tanh, "derivative": np.cos, "b": 1}, "b would do nothing beside Python functions"),
        ({"formula": "a*b"}, "b is neither that nor a constant with a number; give it one: b=0.5"),
        ({"formula": "a*z"}, "z is neither"),
        ({"formula": "a", "b": 2}, "the constant b would do nothing"),
        ({"formula": "a*b", "b": "2"}, "b must be a number, not '2'"),
        ({"formula": "a*b", "b": np.inf}, "b must be a number"),
        ({"formula": "2"}, "the same for every a"),
        ({"formula": "sign(a)"}, "is 0 wherever it was looked at"),
        ({"formula": "sqrt(a)"}, "no value at a = -10, and a may be any number"),
        ({"formula": "1/a"}, "no value at a = 0"),
        ({"formula": "log(-1)*a"}, r"log\(-1\) is not defined"),
        ({"formula": "sqrt(abs(a))"}, "at a = 0 it is nan"),
        ({"formula": "a", "initialization": "luck"}, "initialization"),
        ({"formula": "sin(" * 30 + "a" + ")" * 30}, "its derivative has .* characters"),
        ({"formula": "a if a > 0"}, "this if has no else"),
        ({"formula": "__import__('os')"}, "at character 1"),
        ({"formula": 3}, "a formula is text"),
    ],
)  # fmt: skip
def test_what_makes_no_activation_is_refused(given, said):
    with pytest.raises(tw.InputError, match=said):
        tw.own_activation("mine", **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"formula": "y**2"}, "the same for every z"),
        ({"formula": "(z - y)**2 + a"}, "a is neither"),
        ({"value": lambda z, y: (z - y) ** 2, "derivative": lambda z, y: z - y}, r"at z = \S+, y = \S+ it is"),
        ({"formula": "sqrt(abs(z - y))"}, "say what holds there"),
        ({"formula": "log(-z**2)"}, "cannot be checked: only 0%"),
        ({"formula": "(z - y)**2", "targets": 3}, "targets must be two bounds"),
        ({"formula": "(z - y)**2", "targets": (1, 1)}, "the first bound must be below the second"),
        ({"formula": "(z - y)**2", "outputs": (0, "1")}, "outputs must be a number or None"),
        ({"formula": "(z - y)**2", "outputs": (0, np.nan)}, "outputs must be a number or None"),
    ],
)
def test_what_makes_no_loss_is_refused(given, said):
    with pytest.raises(tw.InputError, match=said):
        tw.own_loss("mine", **given)


@pytest.mark.parametrize("name", ["relu", "", "1a", "a b", "x" * 41, "é", None, "<b>"])
def test_a_name_is_new_and_plain(name):
    with pytest.raises(tw.InputError, match="already|a name begins with a letter"):
        tw.own_activation(name, "a")
    if name != "relu":
        with pytest.raises(tw.InputError, match="a name begins"):
            tw.own_loss(name, "(z - y)**2")
    with pytest.raises(tw.InputError, match="there is a row 'huber' already"):
        tw.own_loss("huber", "(z - y)**2")


# --- In networks ------------------------------------------------------------------------------------------------------


def test_targets_outside_the_range_are_refused(engine):
    loss = tw.own_loss("mine", "(z - y)**2", targets=(-1, 2))
    net = tw.Network([1, 1], loss=loss)
    with pytest.raises(tw.InputError, match="the loss mine takes numbers from -1 to 2, but row 2, column 1 is 2.5"):
        tw.loss_and_gradient(net, [1.0, 0.0], [[0.0], [1.0]], [2.0, 2.5], engine=engine)
    assert tw.loss_and_gradient(net, [1.0, 0.0], [[1.0], [1.0]], [2.0, -1.0], engine=engine)[0] == 2.5


WITHIN = {
    (None, None): "identity sigmoid tanh relu leaky_relu elu selu gelu silu mish softplus exp softmax",
    (0, None): "sigmoid softplus exp softmax",
    (0, 1): "sigmoid softmax",
    (-1, 1): "sigmoid tanh softmax",
    (-2, None): "sigmoid tanh relu leaky_relu elu selu gelu silu mish softplus exp softmax",
    (None, 0): "",
}


@pytest.mark.parametrize("bounds", WITHIN)
def test_an_output_must_stay_where_the_loss_has_values(bounds):
    assert [name for name, row in ACTIVATIONS.items() if stays_within(row, bounds)] == WITHIN[bounds].split()
    loss = tw.own_loss("mine", "(z - y)**2", outputs=bounds)
    for name in ACTIVATIONS:
        if name in WITHIN[bounds].split():
            assert tw.Network([2, 3], output=name, loss=loss).loss is loss
        else:
            with pytest.raises(tw.InputError, match="the loss mine needs the output with values"):
                tw.Network([2, 3], output=name, loss=loss)


@pytest.mark.parametrize("row", [SWISH, CUBE], ids=repr)
@pytest.mark.parametrize("loss", [TILTED, QUARTIC], ids=repr)
def test_any_layer_may_have_its_own(row, loss, rng):
    net = tw.Network(
        [3, 5, 7, 2], activation=[row, "tanh"], output=tw.own_activation("third", "a/3 + tanh(a)"), loss=loss
    )
    X, Y = examples(rng, 3, 2)
    assert tw.check_gradient(net, 0.5 * net.initialize(seed=3), X, Y, engine="reference").ok
    start = 0.5 * net.initialize(seed=3)
    done = tw.train(
        net, X, Y, parameters=start, optimizer=tw.GradientDescent(1e-4), batch="all", engine="reference",
        dtype="float64", stop=tw.Stop(epochs=5),
    )  # fmt: skip
    assert (np.diff(done.history.loss) < 0.0).all()


@pytest.mark.parametrize(("given"), [{"activation": CUBE}, {"output": CUBE}, {"loss": QUARTIC}], ids=str)
def test_python_functions_are_refused_by_the_fast_engine_with_the_way_out(given, rng):
    net = tw.Network([3, 5, 2], **given)
    X, Y = examples(rng, 3, 2)
    for call in (
        lambda: tw.train(net, X, Y, stop=tw.Stop(epochs=1)), lambda: tw.predict(net, net.initialize(), X),
        lambda: tw.loss_and_gradient(net, net.initialize(), X, Y),
    ):  # fmt: skip
        with pytest.raises(tw.EngineError, match="made of Python functions.*use engine='reference', or make it from a"):
            call()


def test_training_from_a_formula_and_from_functions_is_the_same(rng):
    formula = tw.own_loss("mine", "(z - y)**4")
    X, Y = examples(rng, 3, 2)
    ends = [
        tw.train(tw.Network([3, 5, 2], loss=loss), X, Y, engine="reference", dtype="float64", stop=tw.Stop(epochs=3))
        for loss in (formula, QUARTIC)
    ]
    np.testing.assert_allclose(ends[0].parameters, ends[1].parameters, rtol=1e-10, atol=1e-12)


def test_a_value_that_is_missing_stops_training_and_the_formula_is_named(engine, rng):
    X, _ = examples(rng, 3, 1)
    net = tw.Network([3, 1], loss=tw.own_loss("mine", "z - y*log(z)"))
    done = tw.train(net, X, np.ones((37, 1)), engine=engine, stop=tw.Stop(epochs=3))
    assert done.status is tw.Status.NON_FINITE
    assert "The loss mine, z - y*log(z), may have no value there: own_loss(outputs=…)" in done.message
    net = tw.Network([3, 2, 1], activation=tw.own_activation("steep", "exp(a**2)"))
    done = tw.train(net, 100 * X, np.ones((37, 1)), engine=engine, stop=tw.Stop(epochs=3))
    assert "The activation steep, exp(a**2), may be too large there" in done.message
    done = tw.train(tw.Network([3, 1], output="exp"), 1000 * X, np.ones((37, 1)), engine=engine, stop=tw.Stop(epochs=3))
    assert done.status is tw.Status.NON_FINITE and "may" not in done.message


@pytest.mark.parametrize("batch", [1, 5, 32])
def test_units_that_are_not_there_have_no_say(batch, engine, rng):
    """1/a has no value at 0, which fills the vectors up behind the last unit."""
    row = tw.own_activation("inverse", "1/a if abs(a) > 1/100 else 1/a*0 if abs(a) > 1/1000 else a + 1")
    outside = tw.own_activation("log_of", "log(a**2) if abs(a) > 1/1000000 else -30 + 0*a")
    X, Y = examples(rng, 3, 1)
    for g in (row, outside):
        net = tw.Network([3, 5, 1], activation=g)
        done = tw.train(
            net, X, Y, engine=engine, batch=batch, stop=tw.Stop(epochs=1), optimizer=tw.GradientDescent(1e-5)
        )
        assert done.status is tw.Status.EPOCHS, done.message


# --- Files ------------------------------------------------------------------------------------------------------------


ROWS = [
    ({"activation": SWISH}, {"name": "swish2", "formula": "a*sigmoid(b*a)", "b": 2.0}),
    ({"output": tw.own_activation("mine", "a if a>0 else a/2", initialization="he")},
     {"name": "mine", "formula": "a if a > 0 else a/2", "initialization": "he"}),
    ({"loss": TILTED}, {"name": "tilted", "formula": "level*(y - z) if z <= y else (1 - level)*(z - y)", "level": 0.9}),
    ({"loss": tw.own_loss("mine", "y/z + log(z)", targets=(0, None), outputs=(0, 9)), "output": "sigmoid"},
     {"name": "mine", "formula": "y/z + log(z)", "targets": [0.0, None], "outputs": [0.0, 9.0]}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "kept"), ROWS, ids=lambda value: str(value.get("name", "")))
def test_a_formula_is_kept_as_text_and_read_back(given, kept):
    net = tw.Network([3, 5, 2], **given)
    plain = json.loads(json.dumps(net.to_dict(), allow_nan=False))
    what, row = next(iter(given.items()))
    assert (plain[what][0] if what == "activation" else plain[what]) == kept
    again = tw.Network(**plain)
    assert again == net and hash(again) == hash(net)
    z = np.linspace(0.1, 0.9, 7)
    mine = {"activation": again.activation[0], "output": again.output, "loss": again.loss}[what]
    one, other = (each(z) if what != "loss" else each.value(z, z[::-1], 0.0) for each in (row, mine))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("given", [{"activation": CUBE}, {"loss": QUARTIC}], ids=str)
def test_python_functions_are_kept_in_no_file(given):
    with pytest.raises(tw.InputError, match="made of Python functions, which no file keeps; make it from a formula"):
        tw.Network([3, 5, 2], **given).to_dict()


def test_a_model_with_its_own_activation_is_saved_and_loaded(tmp_path, rng):
    x = rng.normal(size=(101, 2))
    table = tmp_path / "t.csv"
    table.write_text("u,v,w\n" + "\n".join(f"{a:.4f},{b:.4f},{a * b:.4f}" for a, b in x))
    model = tw.fit(table, target="w", activation=SWISH, epochs=3)
    model.save(tmp_path / "m.thalweg")
    again = tw.load(tmp_path / "m.thalweg")
    assert again.network == model.network and again.network.activation[0] == SWISH
    assert np.array_equal(again.predict(table), model.predict(table))


def test_a_table_is_not_fitted_with_what_no_file_keeps(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("u,w\n" + "\n".join(f"{n},{n * n}" for n in range(53)))
    with pytest.raises(tw.InputError, match="no file keeps"):
        tw.fit(table, target="w", activation=[CUBE, "relu"], engine="reference")
    mixed = tw.fit(table, target="w", activation=[SWISH, "relu"], epochs=2)
    assert mixed.settings["recipe"]["activation"] == [SWISH.to_dict(), "relu"]


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"formula": "a"}, "describes no row"),
        ({"name": "mine", "formula": "open('x')"}, "at character"),
        ({"name": "mine", "formula": ["a"]}, "a formula is text"),
        ({"name": "mine", "formula": "a", "g": "print"}, "give the one or the others"),
        ({"name": "mine", "formula": "", "g": "print", "derivative": "print"}, "must be a function of arrays"),
        ({"name": "mine", "formula": "a*b", "b": [1]}, "b must be a number"),
        ({"name": ["mine"], "formula": "a"}, "a name begins"),
        ({"name": "mine", "formula": "a", "initialization": 3}, "initialization"),
        ({"name": "mine", "g": "print"}, "there is no activation"),
        ({"name": "mine", "formula": "a", "name ": 1}, "would do nothing"),
    ],
)
def test_a_dictionary_that_describes_no_row_is_refused(plain, said):
    with pytest.raises(tw.InputError, match=said):
        tw.Network([1, 1], output=plain)


KEYS = ["name", "formula", "g", "derivative", "value", "targets", "outputs", "initialization", "b"]
NUMBERS = st.integers() | st.lists(st.integers(), max_size=2)


@given(
    st.dictionaries(st.sampled_from(KEYS), st.none() | NUMBERS | st.text(max_size=9) | st.sampled_from(["a", "z*b"]))
)
def test_any_dictionary_makes_a_row_or_a_sentence(plain):
    for what in ("output", "loss"):
        try:
            tw.Network([1, 1], **{what: plain})
        except tw.InputError as error:
            assert str(error)


# --- Traces -----------------------------------------------------------------------------------------------------------


def test_a_trace_shows_the_formula_with_its_numbers(rng):
    net = tw.Network([2, 3, 2], activation=SWISH, loss=TILTED)
    p = net.initialize(seed=2)
    t = tw.trace(net, p, [0.5, -0.7], [1.0, 0.0])
    z, slope = t[("z", 1, 1)], t[("g'", 1, 1)]
    assert "·σ(b·a₁⁽¹⁾) = " in str(z)
    a = float(t[("a", 1, 1)].result)
    assert float(z.result) == pytest.approx(float(SWISH(np.array([a]))[0]), rel=1e-12)
    assert float(slope.result) == pytest.approx(float(SWISH.backward(np.array([a]), np.ones(1))[0]), rel=1e-12)
    loss, gradient = tw.loss_and_gradient(net, p, [[0.5, -0.7]], [[1.0, 0.0]], engine="reference")
    assert float(t[("E",)].result) == pytest.approx(loss, rel=1e-12)
    for place, key in enumerate([(1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 2, 1)]):
        assert float(t[("dE/dW", *key)].result) == pytest.approx(gradient[place], rel=1e-12)
    assert tw.Trace.from_json(t.to_json()) == t
    rounded = tw.Arithmetic("rounded", tw.Rounding(3))
    by_hand = tw.trace(net, [round(x, 1) for x in p.tolist()], [0.5, -0.7], [1.0, 0.0], arithmetic=rounded)
    assert float(by_hand[("E",)].result) == pytest.approx(loss, abs=0.1)


@pytest.mark.parametrize("given", [{"activation": CUBE}, {"output": CUBE}, {"loss": QUARTIC}], ids=str)
def test_a_trace_of_python_functions_is_refused(given):
    net = tw.Network([2, 3, 1], **given)
    with pytest.raises(
        tw.InputError, match="made of Python functions, and a trace shows formulas; make it from a formula"
    ):
        tw.trace(net, net.initialize(), [0.5, -0.7], [1.0])


# --- The tutorial -----------------------------------------------------------------------------------------------------


PAGE = (Path(__file__).resolve().parents[1] / "docs" / "own-rows.md").read_text(encoding="utf-8")


def test_the_tutorial_prints_what_it_says(capsys):
    blocks = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == PAGE.count("```python") == 8
    names: dict[str, Any] = {}
    for code, text in blocks:
        exec(compile(code, "own-rows.md", "exec"), names)
        assert capsys.readouterr().out == text


def test_the_tutorial_names_what_the_fast_engine_has():
    said = re.search(r"runs formulas of (.*?) as programs", PAGE, re.DOTALL)
    others = re.search(r"The others \((.*?)\) run on", PAGE, re.DOTALL)
    assert said and others
    assert set(re.findall(r"\w+", said.group(1))) - {"and"} == set(functions())
    assert set(re.findall(r"\w+", others.group(1))) == set(FUNCTIONS) - set(functions())
