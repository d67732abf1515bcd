"""walk_plots: every figure shows what it was given, without colour too, and survives walks that ran away."""

import functools
import re
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_hex

from figures import (
    GRID,
    arrows,
    assert_labelled,
    bowl,
    dashes,
    downhill,
    draw,
    drawn_elsewhere,
    ends,
    labelled,
    numbers,
    points,
    texts,
    walks,
)  # fmt: skip
from thalweg import plots, walk_plots


def parabola(start=2.0, rate=0.1, steps=8):
    """Points, values and slopes of a walk on x²."""
    x = start * (1 - 2 * rate) ** np.arange(steps + 1)
    return x, x**2, 2 * x


def curve(start=2.0, rate=0.1, steps=8, **options):
    return walk_plots.curve(GRID, GRID**2, *parabola(start, rate, steps), rate, **options)


@functools.cache
def all_figures():
    grid = bowl(fast=downhill(0.09), slow=downhill(0.02))
    heights = {name: path[:, 0] ** 2 + 10 * path[:, 1] ** 2 for name, path in grid[3].items()}
    steps = {name: (np.arange(len(f)), f, np.sqrt(f)) for name, f in heights.items()}
    return {
        "curve": curve(formula="x**2", minima=[0.0]),
        "contour": walk_plots.contour(*grid, minima=[(0, 0)], title="a bowl"),
        "surface": walk_plots.surface(*grid, heights, minima=[(0, 0)], title="a bowl"),
        "progress": walk_plots.progress(steps, lowest=0.0),
    }


EXPECTED = {
    "curve": ["f(x) = x**2", "minimum", "start", "last: step 8", "tangent", "−0.1 · 4 = −0.4", "step 5"],
    "contour": ["a bowl", "fast: 30 steps", "slow: 30 steps", "start", "minimum", "110"],
    "surface": ["a bowl", "fast", "slow", "start", "minimum", "f"],
    "progress": ["f − lowest", "‖∇f‖", "step", "fast", "slow"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_svg_is_xml_and_holds_the_labels_as_text(name):
    assert_labelled(all_figures()[name], EXPECTED[name])


def test_svg_is_the_same_in_every_process():
    here = "".join(plots.svg(figure) for figure in all_figures().values())
    assert here == drawn_elsewhere("test_walk_plots")
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
    ]
    assert f"f({odd}) = {odd}" in seen and f"{odd}: 1 step" in seen and seen.count(odd) >= 6
    assert "\N{ZERO WIDTH SPACE}_hidden: 1 step" in seen


def test_the_lines_of_a_figure_differ_in_grey():
    for axes in all_figures()["progress"].axes:
        lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
        assert len({(str(line.get_linestyle()), str(dashes(line)), line.get_marker()) for line in lines}) == len(lines)
        assert len(lines) == 2


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


def test_points_outside_and_not_finite_are_counted_by_walk():
    path = np.array([[4.0, 1.0], [3.0, 0.5], [30.0, 0.5], [np.nan, 1.0], [1e200, 0.0]])
    found = " ".join(texts(walk_plots.contour(*bowl(wild=path, tame=downhill(0.09)))))
    assert "1 of 5 points of wild are outside the window." in found
    assert "2 of 5 points of wild are not finite or beyond 1e100." in found and "of tame" not in found


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
