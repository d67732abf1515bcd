"""Steps as displays: general formulas above them, why a branch was taken, what they light, the network's picture."""

import re

import numpy as np
import pytest

import thalweg as tw
from thalweg import activations, losses, step_displays
from thalweg.arithmetic import FRACTIONS, Arithmetic
from thalweg.conventions import Conventions
from thalweg.document import ANCHOR, Link
from thalweg.network_drawing import css_class, svg
from thalweg.notation import UNICODE
from thalweg.pieces import plain
from thalweg.step_displays import anchor, display, displays, elements, lit, picture
from worked import draw, small, traces


def notes(t, *kinds):
    """What is said above the steps of these kinds."""
    return [plain(one.note) for one in displays(t.steps(*kinds))]


# --- General formulas, and why a branch was taken ---------------------------------------------------------------------


def test_the_first_of_each_kind_and_layer_brings_the_general_formula(rng):
    for t in traces(rng):
        shown = displays(t)
        assert len(shown) == len(t)
        seen = set()
        for step, one in zip(t, shown, strict=True):
            group = (step.kind, step.place[:1] if len(step.place) > 1 else ())
            general = plain(display(step, general=True).note)
            assert plain(one.note) == (general if group not in seen else plain(display(step).note))
            seen.add(group)
            assert one.number == step.equation.strip("()") and one.anchor == anchor(step.key)
            if len(step.operands) <= step_displays.LONG:
                assert one.chain.written(UNICODE) == step.written()


def test_a_dead_unit_says_why():
    assert notes(small(loss="squared_error"), "z", "g'") == [
        "zⱼ⁽¹⁾ = g(aⱼ⁽¹⁾) = aⱼ⁽¹⁾ if aⱼ⁽¹⁾ > 0, else 0; here a₁⁽¹⁾ = 5 > 0",
        "Here a₂⁽¹⁾ = 0",
        "zⱼ⁽²⁾ = g(aⱼ⁽²⁾) = aⱼ⁽²⁾",
        "g′(aⱼ⁽²⁾) = 1",
        "g′(aⱼ⁽¹⁾) = 1 if zⱼ⁽¹⁾ > 0, else 0; here z₁⁽¹⁾ = 5 > 0",
        "Here z₂⁽¹⁾ = 0",
    ]


@pytest.mark.parametrize(
    ("g", "above", "below", "slope_above", "slope_below"),
    [
        ("relu", "a₁⁽¹⁾ = 2 > 0", "a₁⁽¹⁾ = −2 ≤ 0", "z₁⁽¹⁾ = 2 > 0", "z₁⁽¹⁾ = 0"),
        (tw.LeakyReLU(0.5), "a₁⁽¹⁾ = 2 > 0", "a₁⁽¹⁾ = −2 ≤ 0", "a₁⁽¹⁾ = 2 > 0", "a₁⁽¹⁾ = −2 ≤ 0"),
        ("elu", "a₁⁽¹⁾ = 2 > 0", "a₁⁽¹⁾ = −2 ≤ 0", "z₁⁽¹⁾ = 2 > 0", "z₁⁽¹⁾ = −0.864665 ≤ 0"),
        ("selu", "a₁⁽¹⁾ = 2 > 0", "a₁⁽¹⁾ = −2 ≤ 0", "z₁⁽¹⁾ = 2.1014 > 0", "z₁⁽¹⁾ = −1.52017 ≤ 0"),
    ],
)
def test_each_activation_of_pieces_says_which_side_it_is_on(g, above, below, slope_above, slope_below):
    network = tw.Network([1, 1], output=g, bias=False)
    for a, said in ((2.0, (above, slope_above)), (-2.0, (below, slope_below))):
        t = tw.trace(network, [a], [1.0], [0.0])
        assert [note.rpartition("here ")[2] for note in notes(t, "z", "g'")] == list(said)


def test_every_activation_and_loss_of_pieces_gives_its_reason():
    """All others give none: they are the same formula everywhere."""
    of_pieces = {name for name, row in activations.ACTIVATIONS.items() if " if " in row.formula}
    assert of_pieces == {"relu", "leaky_relu", "elu", "selu"}
    for name in activations.HIDDEN:
        t = tw.trace(tw.Network([1, 1], output=name, bias=False), [0.5], [1.0], [0.0])
        assert all(("here " in note) == (name in of_pieces) for note in notes(t, "z", "g'")), name
    assert {name for name, row in losses.LOSSES.items() if " if " in row.formula or " if " in row.slope} == {
        "cross_entropy", "binary_cross_entropy", "huber", "quantile", "poisson"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "output", "w", "y", "error", "slope"),
    [
        (tw.Huber(0.5), "identity", 2.0, 1.0, "|z₁⁽¹⁾ − y₁| = |2 − 1| > 0.5", "|z₁⁽¹⁾ − y₁| = |2 − 1| > 0.5"),
        (tw.Huber(0.5), "identity", 2.0, 1.75, "|z₁⁽¹⁾ − y₁| = |2 − 1.75| ≤ 0.5", "|z₁⁽¹⁾ − y₁| = |2 − 1.75| ≤ 0.5"),
        (tw.Huber(0.5), "identity", 2.0, 1.5, "|z₁⁽¹⁾ − y₁| = 0.5", "|z₁⁽¹⁾ − y₁| = 0.5"),
        ("quantile", "identity", 2.0, 3.0, "z₁⁽¹⁾ = 2 ≤ y₁ = 3", "z₁⁽¹⁾ = 2 < y₁ = 3"),
        ("quantile", "identity", 2.0, 1.0, "z₁⁽¹⁾ = 2 > y₁ = 1", "z₁⁽¹⁾ = 2 > y₁ = 1"),
        ("quantile", "identity", 2.0, 2.0, "z₁⁽¹⁾ = y₁ = 2", "z₁⁽¹⁾ = y₁ = 2"),
        ("binary_cross_entropy", "sigmoid", 2.0, 0.0, "y₁ = 0", "y₁ = 0"),
        ("binary_cross_entropy", "sigmoid", 2.0, 1.0, "y₁ = 1", "y₁ = 1"),
        ("binary_cross_entropy", "sigmoid", 2.0, 0.5, "", ""),
        ("poisson", "exp", 2.0, 0.0, "y₁ = 0", "y₁ = 0"),
        ("poisson", "exp", 2.0, 3.0, "", ""),
        ("absolute_error", "identity", 2.0, 2.0, "", ""),
    ],
)
def test_each_loss_of_pieces_says_which_it_is(loss, output, w, y, error, slope):
    t = tw.trace(tw.Network([1, 1], output=output, loss=loss, bias=False), [w], [1.0], [y])
    assert [note.partition("; here ")[2] for note in notes(t, "E", "dE/dz")] == [error, slope]


def test_the_general_formulas_of_pieces_have_all_of_them():
    t = tw.trace(tw.Network([1, 2], output="elu", loss="huber", bias=False), [2.0, -1.0], [1.0], [0.0, 0.5])
    z, _, error, slope, *_ = notes(t, "z", "E", "dE/dz")
    assert z.partition(";")[0] == "zⱼ⁽¹⁾ = g(aⱼ⁽¹⁾) = aⱼ⁽¹⁾ if aⱼ⁽¹⁾ > 0, else α·(exp(aⱼ⁽¹⁾) − 1)"
    assert error.partition(";")[0] == (
        "E = Σₖ Eₖ with Eₖ = (zₖ⁽¹⁾ − yₖ)²/2 if |zₖ⁽¹⁾ − yₖ| ≤ δ, else δ·(|zₖ⁽¹⁾ − yₖ| − δ/2)"
    )
    assert slope.partition(";")[0] == "∂E/∂zₖ⁽¹⁾ = zₖ⁽¹⁾ − yₖ if |zₖ⁽¹⁾ − yₖ| ≤ δ, else δ·sign(zₖ⁽¹⁾ − yₖ)"


def test_of_softmax_a_target_of_0_and_both_cases_of_the_jacobian():
    network = tw.Network([1, 3], output="softmax", loss="cross_entropy")
    t = tw.trace(network, network.initialize(seed=1), [1.0], [0.0, 1.0, 0.0])
    assert notes(t, "E", "dE/dz") == [
        "E = Σₖ (−yₖ·ln(zₖ⁽¹⁾)); here y₁ = 0, y₃ = 0",
        "∂E/∂zₖ⁽¹⁾ = −yₖ/zₖ⁽¹⁾; here y₁ = 0",
        "",
        "Here y₃ = 0",
    ]
    assert notes(t, "dz/da")[0] == "∂zₖ⁽¹⁾/∂aⱼ⁽¹⁾ = zₖ⁽¹⁾·(1 − zₖ⁽¹⁾) if k = j, else −zₖ⁽¹⁾·zⱼ⁽¹⁾"
    assert set(notes(t, "dz/da")[1:]) == {""}
    many = tw.Network([1, 7], output="softmax", loss="cross_entropy")
    assert notes(tw.trace(many, many.initialize(), [1.0], 2), "E") == ["E = Σₖ (−yₖ·ln(zₖ⁽¹⁾))"]


def test_reasons_are_written_as_the_lecture_writes_and_computes():
    network = tw.Network([1, 1], output="relu", bias=False)
    conventions = Conventions(before="z", after="a", activation="sigma", target="t")
    t = tw.trace(network, [-0.5], [1.0], [0.0], arithmetic=FRACTIONS, conventions=conventions)
    assert notes(t, "z") == ["aⱼ⁽¹⁾ = σ(zⱼ⁽¹⁾) = zⱼ⁽¹⁾ if zⱼ⁽¹⁾ > 0, else 0; here z₁⁽¹⁾ = −1/2 ≤ 0"]
    batch = tw.trace(network, [2.0], [[1.0], [-1.0]], [0.0, 0.0], conventions=conventions)
    assert [plain(display(batch[n, "z", 1, 1]).note) for n in (1, 2)] == ["Here z₁⁽¹⁾ = 2 > 0", "Here z₁⁽¹⁾ = −2 ≤ 0"]


# --- Long formulas ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arithmetic", "sign"), [(Arithmetic(), "≈"), (FRACTIONS, "=")])
def test_a_sum_of_many_is_written_with_its_sign_and_lights_the_unit_only(arithmetic, sign):
    network = tw.Network([13, 1], bias=False)
    t = tw.trace(network, [1] * 13, [2] * 13, [0], arithmetic=arithmetic)
    one = display(t["a", 1, 1])
    assert one.chain.written(UNICODE) == f"a₁⁽¹⁾ = Σᵢ xᵢ·Wᵢ₁⁽¹⁾ {sign} 26"
    assert one.lit == {("unit", 1, 1)}
    few = display(tw.trace(tw.Network([6, 1], bias=False), [1] * 6, [2] * 6, [0])["a", 1, 1])
    assert few.chain.written(UNICODE).startswith("a₁⁽¹⁾ = x₁·W₁₁⁽¹⁾ + ") and len(few.lit) == 13


# --- What is lit, anchors, the picture --------------------------------------------------------------------------------


def test_what_steps_light_is_drawn_under_its_name(rng):
    for t in traces(rng):
        drawn = svg(picture(t, 1 if t.has_totals else None).drawing)
        classes = set(re.findall(r"k-[\w-]+", drawn))
        for step in t:
            assert {css_class(key) for key in lit(step)} <= classes, step
            assert lit(step) >= set(elements(step)) != set()


def test_steps_light_themselves_and_what_they_came_from():
    t = small(loss="squared_error")
    assert lit(t["a", 1, 2]) == {("unit", 1, 2), ("x", 1), ("x", 2), ("W", 1, 1, 2), ("W", 1, 2, 2)}
    assert lit(t["E"]) == {("E",), ("unit", 2, 1)}  # the target is not drawn
    assert lit(t["dE/dz", 2, 1]) == {("E",), ("unit", 2, 1)}
    assert lit(t["delta", 1, 1]) == {("unit", 1, 1), ("unit", 2, 1), ("W", 2, 1, 1)}
    assert lit(t["dE/dW", 1, 2, 1]) == {("W", 1, 2, 1), ("unit", 1, 1), ("x", 2)}


def test_anchors_are_names_and_differ(rng):
    for t in traces(rng):
        names = [anchor(step.key) for step in t]
        assert len(set(names)) == len(names) and all(ANCHOR.fullmatch(name) for name in names)
    assert not display(small()["E"], anchored=False).anchor
    assert Link("E", anchor(("E",))).anchor == "step-E"


def test_the_picture_of_a_small_network_has_every_number(rng):
    network, p, X, Y = draw(rng, "squared_error", "sigmoid", ["tanh"], n=2, sizes=[2, 5, 3])
    t = tw.trace(network, p, X, Y)
    drawn = picture(t, 2, lit=frozenset({("E",)})).drawing
    assert drawn.lit == {("E",)} and len(drawn.labels) == 2 + 5 + 3 + network.n_parameters + 1
    for key, label in drawn.labels.items():
        own = ("z", *key[1:]) if key[0] == "unit" else key
        step = t[own] if key[0] in ("W", "b") else t[2, *own]
        assert label == step.shown
        assert (key in drawn.negative) == (key[0] in ("W", "b") and step.result < 0)
    assert picture(t).drawing.labels["E",] == t[1, "E"].shown


def test_the_picture_of_a_large_network_has_the_numbers_of_what_it_is_about():
    network = tw.Network([11, 13, 2])
    t = tw.trace(network, network.initialize(seed=1), np.ones(11), [1.0, 0.0])
    assert picture(t).drawing.labels == {}
    weight = ("W", 1, 11, 7)
    drawn = picture(t, lit=frozenset({weight}), about=[("unit", 1, 7), ("E",)]).drawing
    assert set(drawn.labels) == {weight, ("unit", 1, 7), ("E",)} and drawn.lit == {weight}
    assert drawn.labels["unit", 1, 7] == t["z", 1, 7].shown
