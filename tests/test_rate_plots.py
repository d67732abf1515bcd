"""rate_plots: regimes and costs are shown as given, without colour too, whatever the numbers are."""

import functools
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import FancyArrowPatch, Polygon

from figures import assert_labelled, dashes, draw, drawn_elsewhere, labelled, luminance, numbers, points, texts, walks
from thalweg import plots, rate_plots
from thalweg.errors import InputError


MODES = ("batch", "incremental", "stochastic", "mini-batch")


def regime_map_arguments(columns=10, rows=8):
    rates, momenta = np.geomspace(0.01, 4, columns), np.linspace(0, 0.9, rows)
    share = rates / (2 * (1 + momenta[:, None]))
    words = np.select([share < 0.02, share < 0.4, share < 1], ["creeping", "monotone", "oscillating"], "diverging")
    return rates, momenta, words, 1 - np.abs(share - 0.4)


def strip(rates=None, **options):
    rates = np.geomspace(1e-3, 3, 40) if rates is None else rates
    words = np.select([rates < 0.02, rates < 0.5, rates < 1], ["creeping", "monotone", "oscillating"], "diverging")
    return rate_plots.regime_strip(rates, 4 * (1 - 2 * rates) ** 20 - 1, list(words), start_value=3.0, **options)


def cost_series(fall=1.0, k=50):
    seen = np.linspace(0, 1000, k)
    return {mode: (seen, seen * 1e-3 * (i + 1), np.exp(-seen * fall / 300 / (i + 1))) for i, mode in enumerate(MODES)}


@functools.cache
def all_figures():
    rates, momenta, words, speed = regime_map_arguments()
    return {
        "regime_strip": strip(one_over_L=0.5, two_over_L=1.0, best=0.45),
        "regime_map": rate_plots.regime_map(rates, momenta, words, digits_per_step=speed, bound=2 * (1 + momenta)),
        "cost": rate_plots.cost(cost_series(), cost_series(0.8)),
    }


EXPECTED = {
    "regime_strip": ["learning rate γ", "C  creeping", "M  monotone", "1/L = 0.5", "2/L = 1", "best: γ = 0.45", "1/L"],
    "regime_map": [
        "momentum β",
        "O  oscillating",
        "D  diverging",
        "bound γ(β)",
        "fastest: γ = ",
        "Numbers: digits won",
    ],
    "cost": ["constant rate", "decaying rate", "examples seen", "seconds", "mean loss per row", *MODES],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_svg_is_xml_and_holds_the_labels_as_text(name):
    assert_labelled(all_figures()[name], EXPECTED[name])


def test_svg_is_the_same_in_every_process():
    here = "".join(plots.svg(figure) for figure in all_figures().values())
    assert here == drawn_elsewhere("test_rate_plots")
    assert not re.search(r"\d{4}-\d\d-\d\dT|http://[^ ]*matplotlib", here)


def test_names_are_shown_literally():
    odd = "$x_1$"
    series = {odd: (np.arange(2), np.arange(2), np.ones(2))}
    assert texts(rate_plots.cost(series, series, measure=odd, headings=(odd, odd))).count(odd) == 5
    assert "$  $odd" in texts(rate_plots.regime_map(np.ones(1), np.zeros(1), np.array([["$odd"]])))


# ---- told apart without colour


def test_regimes_differ_in_letter_and_hatch_and_darken():
    letters, hatches, shades = zip(*rate_plots.REGIMES.values(), strict=True)
    assert len(set(letters)) == len(set(hatches)) == 4
    greys = [luminance(shade) for shade in shades]
    assert all(a > b + 0.05 for a, b in zip(greys, greys[1:], strict=False))


def test_the_lines_of_a_figure_differ_in_grey():
    for axes in all_figures()["cost"].axes:
        lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
        assert len({(str(line.get_linestyle()), str(dashes(line)), line.get_marker()) for line in lines}) == len(lines)
        assert len(lines) == 4


# ---- regimes


def test_bands_cover_the_axis_and_carry_their_regime():
    axes = strip().axes[0]
    bands = [patch for patch in axes.patches if not isinstance(patch, FancyArrowPatch | Polygon)]
    spans = [(band.get_x(), band.get_x() + band.get_width()) for band in bands]  # pyright: ignore
    assert [band.get_hatch() or "" for band in bands] == ["..", "", "//", "xx"]
    assert (spans[0][0], spans[-1][1]) == pytest.approx(axes.get_xlim())
    for (_, end), (begin, _) in zip(spans, spans[1:], strict=False):
        assert end == pytest.approx(begin)
    assert spans[1][0] < 0.02 < spans[1][0] * 1.2 and spans[3][0] < 1 < spans[3][0] * 1.2
    assert {"creeping", "monotone"} <= {text.get_text() for text in axes.texts}


def test_bounds_and_best_rate_are_lines_and_a_star():
    axes = strip(one_over_L=0.5, two_over_L=1.0, best=0.45).axes[0]
    lines = [labelled(axes, "1/L"), labelled(axes, "2/L")]
    assert [points(line)[0, 0] for line in lines] == [0.5, 1.0]
    assert dashes(lines[0]) != dashes(lines[1])
    assert points(labelled(axes, "best"))[0, 0] == 0.45
    assert not [line for line in strip(two_over_L=1e9).axes[0].lines if str(line.get_label()).startswith("2/L")]


def test_values_off_the_top_are_triangles():
    axes = strip().axes[0]
    above = labelled(axes, "higher")
    assert above.get_marker() == "^" and points(above)[:, 0].min() > 0.9
    assert axes.get_ylim()[1] < 10


def test_final_values_over_many_scales_are_logarithmic():
    rates = np.geomspace(1e-3, 0.4, 9)
    figure = rate_plots.regime_strip(rates, 0.1 ** (100 * rates), ["monotone"] * 9, start_value=1.0)
    assert figure.axes[0].get_yscale() == "log" and figure.axes[0].get_ylim()[0] > 1e-18
    assert points(labelled(figure.axes[0], "lower"))[:, 0].min() > 0.16


def test_rates_that_cannot_be_shown():
    none = rate_plots.regime_strip(np.array([0.0, -1.0]), np.ones(2), ["a", "b"], start_value=1.0)
    assert "no positive rates" in texts(none)
    one = rate_plots.regime_strip(np.array([0.1]), np.array([np.nan]), ["strange"], start_value=np.nan)
    assert "S  strange" in texts(one)
    assert "$  $odd" in texts(rate_plots.regime_map(np.ones(1), np.zeros(1), np.array([["$odd"]])))
    with pytest.raises(InputError, match="1 rates, 2 values and 1 regimes"):
        rate_plots.regime_strip(np.ones(1), np.ones(2), ["creeping"], start_value=1.0)


def test_the_map_writes_letters_and_speeds_into_few_cells():
    rates, momenta, words, speed = regime_map_arguments(5, 3)
    axes = rate_plots.regime_map(rates, momenta, words, digits_per_step=speed).axes[0]
    assert len(axes.texts) == 15
    expected = {f"{word[0].upper()}\n{value:.2g}" for word, value in zip(words.ravel(), speed.ravel(), strict=True)}
    assert {text.get_text() for text in axes.texts} == {text.replace("-", "−") for text in expected}
    plain = rate_plots.regime_map(rates, momenta, words).axes[0]
    assert {text.get_text() for text in plain.texts} == {word[0].upper() for word in words.ravel()}


def test_the_map_letters_every_regime_of_many_cells():
    rates, momenta, words, speed = regime_map_arguments(40, 30)
    figure = rate_plots.regime_map(rates, momenta, words, steps_needed=1 / speed)
    axes = figure.axes[0]
    letters = {text.get_text(): text.get_position() for text in axes.texts if text.get_text() in "CMOD"}
    assert set(letters) == set("CMOD")
    for letter, (rate, momentum) in letters.items():
        cell = words[np.abs(momenta - momentum).argmin(), np.abs(np.log(rates / rate)).argmin()]
        assert cell[0].upper() == letter
    assert {patch.get_hatch() or "" for patch in axes.patches} == {"..", "", "//", "xx"}
    assert "Dotted lines: steps needed." in texts(figure)


def test_the_star_is_on_the_fastest_cell_that_does_not_diverge():
    rates, momenta, words, speed = regime_map_arguments(40, 30)
    speed = np.where(words == "diverging", 99.0, speed)
    best = np.unravel_index(np.where(words == "diverging", -1, speed).argmax(), speed.shape)
    for options in ({"digits_per_step": speed}, {"steps_needed": 1 / speed}):
        if "steps_needed" in options:
            best = np.unravel_index(np.where(words == "diverging", 9, 1 / speed).argmin(), speed.shape)
        star = labelled(rate_plots.regime_map(rates, momenta, words, **options).axes[0], "fastest")
        assert points(star)[0, 1] == pytest.approx(momenta[best[0]])
        assert abs(np.log(points(star)[0, 0] / rates[best[1]])) < np.log(rates[1] / rates[0])


def test_the_map_refuses_what_does_not_go_together():
    rates, momenta, words, speed = regime_map_arguments(5, 3)
    with pytest.raises(InputError, match="give one of them"):
        rate_plots.regime_map(rates, momenta, words, digits_per_step=speed, steps_needed=speed)
    with pytest.raises(InputError, match=r"regimes have the shape \(5, 3\)"):
        rate_plots.regime_map(rates, momenta, words.T)
    assert "no positive rates" in texts(rate_plots.regime_map(-rates, momenta, words))


# ---- cost


def test_cost_has_a_row_without_and_one_with_decay():
    figure = all_figures()["cost"]
    assert len(figure.axes) == 4
    assert [axes.get_xlabel() for axes in figure.axes] == ["examples seen", "seconds"] * 2
    assert len({axes.get_ylim() for axes in figure.axes}) == 1 and {axes.get_yscale() for axes in figure.axes} == {
        "log"
    }
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(MODES)
    assert len(rate_plots.cost(cost_series()).axes) == 2


def test_a_mode_looks_the_same_in_every_panel():
    decayed = dict(reversed(cost_series().items()))
    looks = [
        {line.get_label(): (line.get_color(), line.get_marker()) for line in axes.lines}
        for axes in rate_plots.cost(cost_series(), decayed).axes
    ]
    assert all(look == looks[0] for look in looks)


def test_peaks_survive_the_thinning():
    t = np.arange(100_000)
    loss = np.ones(100_000)
    loss[77_777] = 5.0
    figure = rate_plots.cost({"batch": (t, t, loss)})
    assert points(figure.axes[0].lines[0])[:, 1].max() == 5.0
    assert len(plots.svg(figure)) < 200_000


def test_rows_of_costs_have_the_headings_that_were_given():
    figure = rate_plots.cost(cost_series(), cost_series(), headings=("one", "other"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["one", "", "other", ""]


def test_seconds_are_plain_numbers_and_examples_are_short():
    seen, loss = np.array([0, 100_000, 400_000]), np.array([1.0, 0.8, 0.7])
    figure = rate_plots.cost({"batch": (seen, np.array([0.0, 0.02, 0.04]), loss)})
    found = texts(figure)
    assert {"0.015", "0.030", "150 k"} <= set(found) and not [text for text in found if text.endswith(" m")]


# ---- odd numbers


@settings(max_examples=15)
@given(st.data(), st.integers(0, 14), st.integers(0, 12))
def test_no_regimes_raise_or_warn(data, r, m):
    word = st.sampled_from([*rate_plots.REGIMES, "$strange", ""])
    rates, momenta, values = (data.draw(walks(n)) for n in (r, m, r))
    edges = {name: data.draw(st.none() | numbers) for name in ("one_over_L", "two_over_L", "best")}
    words = data.draw(st.lists(word, min_size=r, max_size=r))
    cells = np.array(data.draw(st.lists(word, min_size=r * m, max_size=r * m)), object).reshape(m, r)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(rate_plots.regime_strip(rates, values, words, start_value=data.draw(numbers), **edges))
        speed = data.draw(walks((m, r)))
        draw(rate_plots.regime_map(rates, momenta, cells, steps_needed=speed, bound=data.draw(walks(m))))


@settings(max_examples=15)
@given(st.data(), st.integers(0, 25))
def test_no_series_of_costs_raises_or_warns(data, k):
    series = {name: tuple(data.draw(walks(k)) for _ in range(3)) for name in ("a", "b")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(rate_plots.cost(series, series))
