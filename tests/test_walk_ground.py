"""walk_ground: the whole grid is shown, poles and wide ranges too, and arrays that do not fit get a sentence."""

from typing import Any

import numpy as np
import pytest

import thalweg as tw
from figures import GRID, bowl, downhill, texts
from thalweg import walk_plots
from thalweg.errors import InputError


@pytest.mark.parametrize("rate", [1e-6, 0.1, 1.1])
def test_the_whole_grid_is_shown_whether_a_walk_creeps_or_runs_away(rate):
    x = (1 - 2 * rate) ** np.arange(41)
    grid = np.linspace(-9, 2000, 301)
    axes = walk_plots.curve(grid, grid**2, x, x**2, 2 * x, rate).axes[0]
    assert axes.get_xlim() == (-9.0, 2000.0)
    far, _, Z, paths = bowl(walk=downhill(rate))
    axes = walk_plots.contour(far * 1e6, np.linspace(-3, 3, 61), Z, paths).axes[0]
    assert axes.get_xlim() == (-5e6, 5e6) and axes.get_ylim() == (-3.0, 3.0)


def test_short_first_steps_do_not_hide_where_the_walk_went():
    slow = tw.GradientDescent(0.01)
    low, high = tw.descend("x**2 + 1", 4, optimizer=slow, stop=tw.Stop(steps=2000)).plot().axes[0].get_xlim()
    assert low < 0 and high > 4
    optimizers = {"slow": slow, "exact": tw.GradientDescent(tw.Exact())}
    raced = tw.race(tw.bowl(100), optimizers=optimizers, stop=tw.Stop(steps=40))
    axes = raced.plot().axes[0]
    for walk in raced.walks.values():
        for (low, high), column in zip((axes.get_xlim(), axes.get_ylim()), walk.path.T, strict=True):
            assert low < column.min() and column.max() < high


def test_a_pole_does_not_press_the_curve_flat():
    with np.errstate(divide="ignore"):
        f = 1 / GRID**2 + GRID
    x = np.array([3.0, 2.9])
    top = walk_plots.curve(GRID, f, x, 1 / x**2 + x, 1 - 2 / x**3, 0.1).axes[0].get_ylim()[1]
    assert 5 < top < 50


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


@pytest.mark.parametrize("cut", [{"path_y": np.ones(3)}, {"slopes": np.ones(5)}, {"grid_y": np.ones(3)}])
def test_lengths_that_do_not_go_together_get_a_sentence(cut):
    arguments = {"grid_x": GRID, "grid_y": GRID**2, "path_x": np.ones(4), "path_y": np.ones(4), "slopes": np.ones(4)}
    with pytest.raises(InputError, match="must go with"):
        walk_plots.curve(**{**arguments, **cut}, rates=0.1)
    with pytest.raises(InputError, match="4 points make 3 steps, but 2 rates"):
        walk_plots.curve(**arguments, rates=np.array([0.1, 0.2]))


def test_shapes_that_do_not_go_together_get_a_sentence():
    x, y, Z, _ = bowl()
    with pytest.raises(InputError, match=r"Z has the shape \(201, 61\); the grid needs .*\(61, 201\)"):
        walk_plots.contour(x, y, Z.T, {})
    with pytest.raises(InputError, match=r"'walk' has the shape \(3,\)"):
        walk_plots.contour(x, y, Z, {"walk": np.ones(3)})
    with pytest.raises(InputError, match="'walk' has 3 points but 0 values"):
        walk_plots.surface(x, y, Z, {"walk": np.ones((3, 2))}, {})
