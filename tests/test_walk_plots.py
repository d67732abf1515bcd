"""walk_plots: every figure shows what it was given, without colour too, and survives walks that ran away."""

import functools
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import FancyArrowPatch, Polygon

from thalweg import plots, walk_plots
from thalweg.errors import InputError


GRID = np.linspace(-5, 5, 201)
MODES = ("batch", "incremental", "stochastic", "mini-batch")


def texts(figure):
    """The text elements of the figure's SVG, in order."""
    tree = ElementTree.fromstring(plots.svg(figure).encode("utf-8"))
    return ["".join(element.itertext()).strip() for element in tree.iter("{http://www.w3.org/2000/svg}text")]


def parabola(start=2.0, rate=0.1, steps=8):
    """Points, values and slopes of a walk on x²."""
    x = start * (1 - 2 * rate) ** np.arange(steps + 1)
    return x, x**2, 2 * x


def curve(start=2.0, rate=0.1, steps=8, **options):
    return walk_plots.curve(GRID, GRID**2, *parabola(start, rate, steps), rate, **options)


def bowl(**paths):
    """Arguments of `contour` for x² + 10 y²."""
    y = np.linspace(-3, 3, 61)
    return GRID, y, GRID**2 + 10 * y[:, None] ** 2, paths


def downhill(rate, steps=30, start=(4.0, 1.0)):
    t = np.arange(steps + 1)[:, None]
    return np.array(start) * (1 - 2 * rate * np.array([1.0, 10.0])) ** t


def arrows(axes):
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def ends(arrow: Any) -> np.ndarray:
    """Tail and tip in data coordinates."""
    return np.array(arrow._posA_posB)


def points(line: Any) -> np.ndarray:
    return np.column_stack([line.get_xdata(), line.get_ydata()]).astype(float)


def dashes(line: Any) -> object:
    return line._dash_pattern


def labelled(axes: Any, label: str) -> Any:
    (line,) = [line for line in axes.lines if line.get_label().startswith(label)]
    return line


def luminance(color) -> float:
    """Relative luminance as WCAG defines it: what is left of a colour in grey."""
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def regime_map_arguments(columns=10, rows=8):
    rates, momenta = np.geomspace(0.01, 4, columns), np.linspace(0, 0.9, rows)
    share = rates / (2 * (1 + momenta[:, None]))
    words = np.select([share < 0.02, share < 0.4, share < 1], ["creeping", "monotone", "oscillating"], "diverging")
    return rates, momenta, words, 1 - np.abs(share - 0.4)


def strip(rates=None, **options):
    rates = np.geomspace(1e-3, 3, 40) if rates is None else rates
    words = np.select([rates < 0.02, rates < 0.5, rates < 1], ["creeping", "monotone", "oscillating"], "diverging")
    return walk_plots.regime_strip(rates, 4 * (1 - 2 * rates) ** 20 - 1, list(words), start_value=3.0, **options)


def cost_series(fall=1.0, k=50):
    seen = np.linspace(0, 1000, k)
    return {mode: (seen, seen * 1e-3 * (i + 1), np.exp(-seen * fall / 300 / (i + 1))) for i, mode in enumerate(MODES)}


@functools.cache
def all_figures():
    walk = downhill(0.09)
    grid = bowl(fast=walk, slow=downhill(0.02))
    heights = {name: path[:, 0] ** 2 + 10 * path[:, 1] ** 2 for name, path in grid[3].items()}
    steps = {name: (np.arange(len(f)), f, np.sqrt(f)) for name, f in heights.items()}
    rates, momenta, words, speed = regime_map_arguments()
    return {
        "curve": curve(formula="x**2", minima=[0.0]),
        "contour": walk_plots.contour(*grid, minima=[(0, 0)], title="a bowl"),
        "surface": walk_plots.surface(*grid, heights, minima=[(0, 0)], title="a bowl"),
        "progress": walk_plots.progress(steps, lowest=0.0),
        "regime_strip": strip(one_over_L=0.5, two_over_L=1.0, best=0.45),
        "regime_map": walk_plots.regime_map(rates, momenta, words, digits_per_step=speed, bound=2 * (1 + momenta)),
        "cost": walk_plots.cost(cost_series(), cost_series(0.8)),
    }


EXPECTED = {
    "curve": ["f(x) = x**2", "minimum", "start", "last: step 8", "tangent", "−0.1 · 4 = −0.4", "step 5"],
    "contour": ["a bowl", "fast: 30 steps", "slow: 30 steps", "start", "minimum", "110"],
    "surface": ["a bowl", "fast", "slow", "start", "minimum", "f"],
    "progress": ["f − lowest", "‖∇f‖", "step", "fast", "slow"],
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
    found = texts(all_figures()[name])
    for label in EXPECTED[name]:
        assert any(text.startswith(label) for text in found), (label, found)


def test_svg_is_the_same_in_every_process():
    code = "import sys; sys.path.insert(0, 'tests'); import test_walk_plots as t; from thalweg import plots as p; "
    code += "sys.stdout.reconfigure(encoding='utf-8'); [print(p.svg(f), end='') for f in t.all_figures().values()]"
    root = __file__.rsplit("tests", 1)[0]
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=root, timeout=240)
    here = "".join(plots.svg(figure) for figure in all_figures().values())
    assert here == other.stdout.decode("utf-8").replace("\r\n", "\n")
    assert not re.search(r"\d{4}-\d\d-\d\dT|http://[^ ]*matplotlib", here)


def test_pyplot_is_never_loaded():
    code = """
import sys
import numpy as np
from thalweg import plots, walk_plots
assert "matplotlib" not in sys.modules
x = np.linspace(-1, 1, 9)
path = np.array([[1.0, 1.0], [0.5, 0.5]])
plots.svg(walk_plots.surface(x, x, x + x[:, None], {"walk": path}, {"walk": path.sum(axis=1)}))
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_names_are_shown_literally():
    odd = "$x_1$"
    walk = np.array([[1.0, 1.0], [0.5, 0.2]])
    grid = bowl()[:3]
    seen = [
        *texts(curve(name=odd, formula=odd)),
        *texts(walk_plots.contour(*grid, {odd: walk, "_hidden": walk}, names=(odd, odd), title=odd)),
        *texts(walk_plots.progress({odd: (np.arange(2), np.ones(2), np.ones(2))})),
        *texts(walk_plots.cost({odd: (np.arange(2), np.arange(2), np.ones(2))}, measure=odd)),
    ]
    assert f"f({odd}) = {odd}" in seen and f"{odd}: 1 step" in seen and seen.count(odd) >= 8
    assert "\N{ZERO WIDTH SPACE}_hidden: 1 step" in seen


# ---- told apart without colour


@pytest.mark.parametrize("i", range(12))
def test_neighbouring_walks_differ_in_dashes_and_marks(i):
    one, other = walk_plots.look(i), walk_plots.look(i + 1)
    assert one["linestyle"] != other["linestyle"] and one["marker"] != other["marker"]


def test_28_walks_all_differ_in_dashes_or_mark():
    looks = {(str(look["linestyle"]), look["marker"]) for look in map(walk_plots.look, range(28))}
    assert len(looks) == 28


def test_the_lines_of_a_figure_differ_in_grey():
    figures = all_figures()
    for axes in (*figures["progress"].axes, *figures["cost"].axes):
        lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
        assert len({(str(line.get_linestyle()), str(dashes(line)), line.get_marker()) for line in lines}) == len(lines)
        assert len(lines) in (2, 4)


def test_regimes_differ_in_letter_and_hatch_and_darken():
    letters, hatches, shades = zip(*walk_plots.REGIMES.values(), strict=True)
    assert len(set(letters)) == len(set(hatches)) == 4
    greys = [luminance(shade) for shade in shades]
    assert all(a > b + 0.05 for a, b in zip(greys, greys[1:], strict=False))


def test_lines_are_dark_enough_on_white():
    for i in range(5):
        assert 1.05 / (luminance(walk_plots.look(i)["color"]) + 0.05) > 3


# ---- curve


def test_curve_shows_walk_steps_and_marks():
    x, f, _ = parabola()
    figure = curve(minima=[0.0])
    upper, lower = figure.axes
    np.testing.assert_allclose(points(labelled(upper, "start")), [[2.0, 4.0]])
    np.testing.assert_allclose(points(labelled(upper, "last: step 8")), [[x[-1], f[-1]]])
    np.testing.assert_allclose(points(labelled(upper, "minimum")), [[0.0, 0.0]], atol=1e-12)
    marks = {str(labelled(upper, label).get_marker()) for label in ("start", "last", "minimum")}
    assert len(marks) == 3
    upper_arrows = [ends(arrow) for arrow in arrows(upper)]
    np.testing.assert_allclose(upper_arrows[0], [[x[0], f[0]], [x[1], f[1]]])
    assert len(upper_arrows) == 8
    steps = np.array([ends(arrow)[:, 0] for arrow in arrows(lower)])
    np.testing.assert_allclose(steps, np.column_stack([x[:5], x[1:6]]))


def test_tangent_has_the_slope():
    upper = curve(start=2.0).axes[0]
    (x0, y0), (x1, y1) = points(labelled(upper, "tangent"))
    assert (y1 - y0) / (x1 - x0) == pytest.approx(4.0)
    assert (x0 + x1) / 2 == pytest.approx(2.0) and (y0 + y1) / 2 == pytest.approx(4.0)


def test_numbers_of_points_do_not_lie_on_each_other():
    upper = curve(rate=0.001, steps=1000).axes[0]
    assert [text.get_text() for text in upper.texts] == ["0"]
    assert [text.get_text() for text in curve(rate=0.2).axes[0].texts][:3] == ["0", "1", "2"]


def test_a_diverging_walk_leaves_the_window_and_is_counted():
    figure = curve(start=1.0, rate=1.1, steps=60)
    upper = figure.axes[0]
    assert upper.get_xlim() == (-5.0, 5.0) and upper.get_ylim()[1] < 30
    assert "52 of 61 points are outside the window." in texts(figure)
    assert all(np.all(np.abs(ends(arrow)[:, 0]) <= 5 + 1e-9) for arrow in arrows(upper))


def test_a_grid_stretched_by_a_walk_that_ran_away_is_not_shown_whole():
    x, f, slopes = parabola(1.0, 1.1, 40)
    grid = np.linspace(x.min(), x.max(), 20_001)
    low, high = walk_plots.curve(grid, grid**2, x, f, slopes, 1.1).axes[0].get_xlim()
    assert low > -20 and high < 20
    few = np.linspace(x.min(), x.max(), 101)
    low, high = walk_plots.curve(few, few**2, x, f, slopes, 1.1).axes[0].get_xlim()
    assert np.sum((few >= low) & (few <= high)) >= 40


def test_a_creeping_walk_is_shown_as_one():
    assert curve(rate=1e-6, steps=100).axes[0].get_xlim() == (-5.0, 5.0)


def test_a_pole_does_not_press_the_curve_flat():
    with np.errstate(divide="ignore"):
        f = 1 / GRID**2 + GRID
    x = np.array([3.0, 2.9])
    top = walk_plots.curve(GRID, f, x, 1 / x**2 + x, 1 - 2 / x**3, 0.1).axes[0].get_ylim()[1]
    assert 5 < top < 50


def test_the_lowest_point_is_marked_where_the_last_is_not_the_lowest():
    x = np.array([3.0, 0.1, 2.0])
    upper = walk_plots.curve(GRID, GRID**2, x, x**2, 2 * x, np.array([0.4, 0.1])).axes[0]
    np.testing.assert_allclose(points(labelled(upper, "lowest: step 1")), [[0.1, 0.01]])
    assert not [line for line in curve().axes[0].lines if str(line.get_label()).startswith("lowest")]


def test_a_walk_with_momentum_shows_where_it_went_instead():
    x = np.array([3.0, 2.0, 0.5])
    lower = walk_plots.curve(GRID, GRID**2, x, x**2, 2 * x, 0.1).axes[1]
    assert "where the walk went" in lower.get_title(loc="left")
    assert [points(line)[0, 0] for line in lower.lines if line.get_marker() == "|"] == [2.0, 0.5]
    assert "where the walk went" not in curve().axes[1].get_title(loc="left")


def test_one_point_and_no_point_and_a_constant():
    one = curve(steps=0)
    assert len(arrows(one.axes[0])) == 0 and len(arrows(one.axes[1])) == 1
    none = np.zeros(0)
    assert "f(x)" in texts(walk_plots.curve(GRID, GRID**2, none, none, none, 0.1))
    flat = walk_plots.curve(GRID, 0 * GRID + 3, np.ones(4), np.full(4, 3.0), np.zeros(4), 0.1)
    assert flat.axes[0].get_ylim()[0] < 3 < flat.axes[0].get_ylim()[1]
    assert "−0.1 · 0 = 0" in texts(flat)
    assert "no finite values" in texts(walk_plots.curve(GRID, GRID * np.nan, none, none, none, 0.1))


@pytest.mark.parametrize("cut", [{"path_y": np.ones(3)}, {"slopes": np.ones(5)}, {"grid_y": np.ones(3)}])
def test_lengths_that_do_not_go_together_get_a_sentence(cut):
    arguments = {"grid_x": GRID, "grid_y": GRID**2, "path_x": np.ones(4), "path_y": np.ones(4), "slopes": np.ones(4)}
    with pytest.raises(InputError, match="must go with"):
        walk_plots.curve(**{**arguments, **cut}, rates=0.1)
    with pytest.raises(InputError, match="4 points make 3 steps, but 2 rates"):
        walk_plots.curve(**arguments, rates=np.array([0.1, 0.2]))


# ---- contour and surface


def test_contour_shows_paths_ends_and_minima():
    walk = downhill(0.09)
    figure = walk_plots.contour(*bowl(fast=walk, slow=downhill(0.02)), minima=[(0, 0), (99, 0)])
    axes: Any = figure.axes[0]
    starts = [line for line in axes.lines if line.get_markerfacecolor() == "white" and line.get_marker() == "o"]
    assert [points(line).tolist() for line in starts] == [[[4.0, 1.0]]] * 2
    np.testing.assert_array_equal(points(labelled(axes, "minimum")), [[0.0, 0.0]])
    drawn = [line for line in axes.lines if len(points(line)) == 31 and line.get_linestyle() != "None"]
    np.testing.assert_allclose(points(drawn[0]), walk)
    assert len({str(dashes(line)) for line in drawn if to_hex(line.get_color()) != "#ffffff"}) == 2
    for arrow in arrows(axes):
        tail, tip = ends(arrow)
        assert tip[0] < tail[0]  # both walks go left all the way
    assert len(arrows(axes)) >= 6
    assert {"fast", "slow"} <= {text.get_text() for text in axes.texts}
    assert axes.get_aspect() == 1


def test_levels_of_a_wide_range_are_crowded_in_the_valley():
    y = np.linspace(-1, 3, 101)
    x = np.linspace(-2, 2, 101)
    rosenbrock = (1 - x) ** 2 + 100 * (y[:, None] - x**2) ** 2
    lines: Any = walk_plots.contour(x, y, rosenbrock, {}).axes[0].collections[1]
    assert np.sum(lines.levels < 100) > np.sum(lines.levels >= 100) > 0
    linear: Any = walk_plots.contour(*bowl()).axes[0].collections[1]
    assert np.ptp(np.diff(linear.levels)) < 1e-9


def test_contour_of_a_constant_and_of_nothing():
    x = np.linspace(0, 1, 5)
    walk = {"walk": np.array([[0.5, 0.5]])}
    assert "f is constant here" in texts(walk_plots.contour(x, x, np.ones((5, 5)), walk))
    for Z in (np.full((5, 5), np.nan), np.full((5, 5), 1e200)):
        assert "no finite values" in texts(walk_plots.contour(x, x, Z, walk))
        assert "no finite values" in texts(walk_plots.surface(x, x, Z, walk, {"walk": np.ones(1)}))


def test_points_outside_and_not_finite_are_counted_by_walk():
    path = np.array([[4.0, 1.0], [3.0, 0.5], [30.0, 0.5], [np.nan, 1.0], [1e200, 0.0]])
    found = " ".join(texts(walk_plots.contour(*bowl(wild=path, tame=downhill(0.09)))))
    assert "1 of 5 points of wild are outside the window." in found
    assert "2 of 5 points of wild are not finite or beyond 1e100." in found and "of tame" not in found


def test_the_trail_is_cut_at_the_edge():
    window = walk_plots.Window(np.zeros(2), np.ones(2))
    path = np.array([[0.5, 0.5], [0.5, 2.5], [0.5, 0.75], [np.nan, 0.0], [0.25, 0.5]])
    expected = [[0.5, 0.5], [0.5, 1.0], [np.nan] * 2, [0.5, 1.0], [0.5, 0.75], [np.nan] * 2, [0.25, 0.5]]
    np.testing.assert_allclose(walk_plots.trail(path, window), expected)


def test_surface_carries_its_path():
    walk = downhill(0.09)
    heights = walk[:, 0] ** 2 + 10 * walk[:, 1] ** 2
    axes: Any = walk_plots.surface(*bowl(walk=walk), {"walk": heights}, minima=[(0, 0)]).axes[0]
    line = labelled(axes, "walk")
    np.testing.assert_allclose(np.column_stack(line.get_data_3d()), np.column_stack([walk, heights]))
    assert axes.collections[0].get_alpha() < 0.8
    assert line.get_zorder() > axes.collections[0].get_zorder() and not axes.computed_zorder
    assert axes.get_zlabel() == "f"


def test_surface_of_a_wide_range_goes_by_powers_of_ten():
    x = np.linspace(-2, 2, 61)
    walk = np.array([[-1.0, 0.0], [-1.0, 1.0]])

    def rosenbrock(x, y):
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    values = rosenbrock(*walk.T)
    axes: Any = walk_plots.surface(x, x, rosenbrock(x, x[:, None]), {"a": walk}, {"a": values}).axes[0]
    assert "powers of ten" in axes.get_zlabel()
    np.testing.assert_allclose(labelled(axes, "a").get_data_3d()[2], np.log10(values), atol=0.01)


def test_shapes_that_do_not_go_together_get_a_sentence():
    x, y, Z, _ = bowl()
    with pytest.raises(InputError, match=r"Z has the shape \(201, 61\); the grid needs .*\(61, 201\)"):
        walk_plots.contour(x, y, Z.T, {})
    with pytest.raises(InputError, match=r"'walk' has the shape \(3,\)"):
        walk_plots.contour(x, y, Z, {"walk": np.ones(3)})
    with pytest.raises(InputError, match="'walk' has 3 points but 0 values"):
        walk_plots.surface(x, y, Z, {"walk": np.ones((3, 2))}, {})


# ---- progress


def test_progress_is_the_distance_to_the_lowest_value():
    t = np.arange(5)
    axes = walk_plots.progress({"a": (t, 0.5**t - 3, 0.5**t)}, lowest=-3.0).axes
    np.testing.assert_allclose(points(axes[0].lines[0]), np.column_stack([t, 0.5**t]))
    assert [panel.get_yscale() for panel in axes] == ["log", "log"]


def test_progress_without_a_lowest_value():
    t = np.arange(5)
    signed = {"a": (t, 0.5**t - 0.3, 0.5**t)}
    assert walk_plots.progress(signed).axes[0].get_yscale() == "linear"
    assert walk_plots.progress({"a": (t, 0.01**t, 0.5**t)}).axes[0].get_yscale() == "log"
    wrong = walk_plots.progress(signed, lowest=0.0).axes[0]  # f goes below it
    assert (wrong.get_title(loc="left"), wrong.get_yscale()) == ("f", "linear")
    rounded = walk_plots.progress({"a": (t, np.append(0.5 ** t[1:], -1e-17), 0.5**t)}, lowest=0.0)
    assert rounded.axes[0].get_title(loc="left") == "f − lowest"


def test_zeros_on_a_logarithmic_axis_are_marked_and_told():
    t = np.arange(4)
    figure = walk_plots.progress({"a": (t, np.array([1.0, 0.1, 0.0, 0.0]), np.ones(4))}, lowest=0.0)
    (mark,) = [line for line in figure.axes[0].lines if line.get_marker() == "v"]
    assert points(mark)[0, 0] == 2
    assert any("is 0 or less at 2 of 4 points" in text for text in texts(figure))


def test_a_walk_that_diverges_leaves_the_top():
    t = np.arange(60)
    figure = walk_plots.progress({"calm": (t, 0.9**t, 0.9**t), "wild": (t, 10.0**t, 10.0**t)}, lowest=0.0)
    assert figure.axes[0].get_ylim()[1] < 1e4
    assert any("of wild leaves the top at △" in text for text in texts(figure))
    assert [points(line)[0, 0] for line in figure.axes[0].lines if line.get_marker() == "^"] == [4]


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
    figure = walk_plots.regime_strip(rates, 0.1 ** (100 * rates), ["monotone"] * 9, start_value=1.0)
    assert figure.axes[0].get_yscale() == "log" and figure.axes[0].get_ylim()[0] > 1e-18
    assert points(labelled(figure.axes[0], "lower"))[:, 0].min() > 0.16


def test_rates_that_cannot_be_shown():
    none = walk_plots.regime_strip(np.array([0.0, -1.0]), np.ones(2), ["a", "b"], start_value=1.0)
    assert "no positive rates" in texts(none)
    one = walk_plots.regime_strip(np.array([0.1]), np.array([np.nan]), ["strange"], start_value=np.nan)
    assert "S  strange" in texts(one)
    assert "$  $odd" in texts(walk_plots.regime_map(np.ones(1), np.zeros(1), np.array([["$odd"]])))
    with pytest.raises(InputError, match="1 rates, 2 values and 1 regimes"):
        walk_plots.regime_strip(np.ones(1), np.ones(2), ["creeping"], start_value=1.0)


def test_the_map_writes_letters_and_speeds_into_few_cells():
    rates, momenta, words, speed = regime_map_arguments(5, 3)
    axes = walk_plots.regime_map(rates, momenta, words, digits_per_step=speed).axes[0]
    assert len(axes.texts) == 15
    expected = {f"{word[0].upper()}\n{value:.2g}" for word, value in zip(words.ravel(), speed.ravel(), strict=True)}
    assert {text.get_text() for text in axes.texts} == {text.replace("-", "−") for text in expected}
    plain = walk_plots.regime_map(rates, momenta, words).axes[0]
    assert {text.get_text() for text in plain.texts} == {word[0].upper() for word in words.ravel()}


def test_the_map_letters_every_regime_of_many_cells():
    rates, momenta, words, speed = regime_map_arguments(40, 30)
    figure = walk_plots.regime_map(rates, momenta, words, steps_needed=1 / speed)
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
        star = labelled(walk_plots.regime_map(rates, momenta, words, **options).axes[0], "fastest")
        assert points(star)[0, 1] == pytest.approx(momenta[best[0]])
        assert abs(np.log(points(star)[0, 0] / rates[best[1]])) < np.log(rates[1] / rates[0])


def test_the_map_refuses_what_does_not_go_together():
    rates, momenta, words, speed = regime_map_arguments(5, 3)
    with pytest.raises(InputError, match="give one of them"):
        walk_plots.regime_map(rates, momenta, words, digits_per_step=speed, steps_needed=speed)
    with pytest.raises(InputError, match=r"regimes have the shape \(5, 3\)"):
        walk_plots.regime_map(rates, momenta, words.T)
    assert "no positive rates" in texts(walk_plots.regime_map(-rates, momenta, words))


# ---- cost


def test_cost_has_a_row_without_and_one_with_decay():
    figure = all_figures()["cost"]
    assert len(figure.axes) == 4
    assert [axes.get_xlabel() for axes in figure.axes] == ["examples seen", "seconds"] * 2
    assert len({axes.get_ylim() for axes in figure.axes}) == 1 and {axes.get_yscale() for axes in figure.axes} == {
        "log"
    }
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(MODES)
    assert len(walk_plots.cost(cost_series()).axes) == 2


def test_a_mode_looks_the_same_in_every_panel():
    decayed = dict(reversed(cost_series().items()))
    looks = [
        {line.get_label(): (line.get_color(), line.get_marker()) for line in axes.lines}
        for axes in walk_plots.cost(cost_series(), decayed).axes
    ]
    assert all(look == looks[0] for look in looks)


def test_peaks_survive_the_thinning():
    t = np.arange(100_000)
    loss = np.ones(100_000)
    loss[77_777] = 5.0
    figure = walk_plots.cost({"batch": (t, t, loss)})
    assert points(figure.axes[0].lines[0])[:, 1].max() == 5.0
    assert len(plots.svg(figure)) < 200_000


# ---- long and odd walks


def test_ten_thousand_steps_stay_a_small_file():
    rng = np.random.default_rng(5)
    t = np.arange(10_001)
    x = 4 * 0.999**t * np.cos(t)
    path = np.column_stack([x, np.sin(t) * 0.9995**t]) + rng.normal(0, 0.01, (10_001, 2))
    f = path[:, 0] ** 2
    grid = bowl(a=path, b=path[::-1])
    figures = [
        walk_plots.curve(GRID, GRID**2, x, x**2, 2 * x, 0.1),
        walk_plots.contour(*grid),
        walk_plots.surface(*grid, {"a": f, "b": f}),
        walk_plots.progress({"a": (t, f, f), "b": (t, f[::-1], f)}, lowest=0.0),
    ]
    for figure in figures:
        assert len(plots.svg(figure)) < 1_000_000


def test_kept_steps():
    for n, most in ((0, 10), (1, 10), (10, 10), (11, 10), (500, 10), (10_000, 400)):
        steps = walk_plots.kept(n, most)
        assert len(steps) <= most and np.all(np.diff(steps) > 0)
        assert steps[:1].tolist() == [0] * (n > 0) and steps[-1:].tolist() == [n - 1] * (n > 0)


anything = st.floats(allow_nan=True, allow_infinity=True, width=64)
tame = st.floats(-10, 10)
numbers = st.one_of(tame, anything)


def draw(figure):
    figure.draw_without_rendering()


def walks(k):
    return arrays(float, k, elements=numbers)


@settings(max_examples=15)
@given(st.data(), st.integers(0, 25))
def test_no_walk_on_a_curve_raises_or_warns(data, k):
    path_x, path_y, slopes = (data.draw(walks(k)) for _ in range(3))
    grid_y = data.draw(arrays(float, 30, elements=numbers))
    grid_x = np.linspace(-1, 1, 30) * data.draw(st.sampled_from([1e-200, 1e-9, 1.0, 1e9, 1e99, 1e200]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = walk_plots.curve(
            grid_x, grid_y, path_x, path_y, slopes, data.draw(numbers), minima=data.draw(walks(2))
        )
        draw(figure)


@settings(max_examples=15)
@given(st.data(), st.integers(0, 25), st.booleans())
def test_no_walk_on_a_plane_raises_or_warns(data, k, solid):
    paths = {"a": data.draw(walks((k, 2))), "b": data.draw(walks((3, 2)))}
    Z = data.draw(arrays(float, (6, 5), elements=numbers))
    x, y = np.linspace(-1, 1, 5), np.linspace(-1, 1, 6) * data.draw(st.sampled_from([1e-200, 1e-9, 1.0, 1e9, 1e99]))
    minima = data.draw(walks((2, 2)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if solid:
            values = {"a": data.draw(walks(k)), "b": data.draw(walks(3))}
            figure = walk_plots.surface(x, y, Z, paths, values, minima=minima)
        else:
            figure = walk_plots.contour(x, y, Z, paths, minima=minima)
        draw(figure)


@settings(max_examples=15)
@given(st.data(), st.integers(0, 25))
def test_no_series_raises_or_warns(data, k):
    series = {name: tuple(data.draw(walks(k)) for _ in range(3)) for name in ("a", "b")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(walk_plots.progress(series, lowest=data.draw(st.none() | numbers)))
        draw(walk_plots.cost(series, series))


@settings(max_examples=15)
@given(st.data(), st.integers(0, 14), st.integers(0, 12))
def test_no_regimes_raise_or_warn(data, r, m):
    word = st.sampled_from([*walk_plots.REGIMES, "$strange", ""])
    rates, momenta, values = (data.draw(walks(n)) for n in (r, m, r))
    edges = {name: data.draw(st.none() | numbers) for name in ("one_over_L", "two_over_L", "best")}
    words = data.draw(st.lists(word, min_size=r, max_size=r))
    cells = np.array(data.draw(st.lists(word, min_size=r * m, max_size=r * m)), object).reshape(m, r)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(walk_plots.regime_strip(rates, values, words, start_value=data.draw(numbers), **edges))
        speed = data.draw(walks((m, r)))
        draw(walk_plots.regime_map(rates, momenta, cells, steps_needed=speed, bound=data.draw(walks(m))))
