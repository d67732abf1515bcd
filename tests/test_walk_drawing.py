"""walk_drawing: walks are told apart without colour; trails end at the window's edge and stay short."""

import numpy as np
import pytest

from figures import luminance
from thalweg import walk_drawing


@pytest.mark.parametrize("i", range(12))
def test_neighbouring_walks_differ_in_dashes_and_marks(i):
    one, other = walk_drawing.look(i), walk_drawing.look(i + 1)
    assert one["linestyle"] != other["linestyle"] and one["marker"] != other["marker"]


def test_28_walks_all_differ_in_dashes_or_mark():
    looks = {(str(look["linestyle"]), look["marker"]) for look in map(walk_drawing.look, range(28))}
    assert len(looks) == 28


def test_lines_are_dark_enough_on_white():
    for i in range(5):
        assert 1.05 / (luminance(walk_drawing.look(i)["color"]) + 0.05) > 3


def test_the_trail_is_cut_at_the_edge():
    window = walk_drawing.Window(np.zeros(2), np.ones(2))
    path = np.array([[0.5, 0.5], [0.5, 2.5], [0.5, 0.75], [np.nan, 0.0], [0.25, 0.5]])
    expected = [[0.5, 0.5], [0.5, 1.0], [np.nan] * 2, [0.5, 1.0], [0.5, 0.75], [np.nan] * 2, [0.25, 0.5]]
    np.testing.assert_allclose(walk_drawing.trail(path, window), expected)


def test_kept_steps():
    for n, most in ((0, 10), (1, 10), (10, 10), (11, 10), (500, 10), (10_000, 400)):
        steps = walk_drawing.kept(n, most)
        assert len(steps) <= most and np.all(np.diff(steps) > 0)
        assert steps[:1].tolist() == [0] * (n > 0) and steps[-1:].tolist() == [n - 1] * (n > 0)
