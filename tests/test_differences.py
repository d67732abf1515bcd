"""Slopes by four points and to both sides, element by element; the other differences are tested where they are used."""

import numpy as np
import pytest

from thalweg.differences import EPSILON, four_points, one_sided


X = np.linspace(-2.9, 3.1, 37)


@pytest.mark.parametrize(
    ("f", "slope", "tolerance"),
    [
        (np.sin, np.cos, 1e-11),
        (np.exp, np.exp, 1e-11),
        (lambda x: np.tanh(50 * x), lambda x: 50 / np.cosh(50 * x) ** 2, 1e-6),  # a shorter step is better
        (lambda x: 1e6 + x, np.ones_like, 1e-6),  # a longer one is
        (lambda x: np.full_like(x, 3.0), np.zeros_like, 0.0),
    ],
)
def test_four_points_give_the_slope_and_how_far_it_may_be_off(f, slope, tolerance):
    found, unsure = four_points(f, X)
    off = np.abs(found - slope(X))
    assert (off <= tolerance * np.maximum(1.0, np.abs(slope(X)))).all()
    assert (off <= 10.0 * unsure + 1e-12).all()
    alone = [four_points(f, x) for x in X]
    np.testing.assert_allclose([float(one) for one, _ in alone], found, rtol=1e-5, atol=1e-8)


def test_where_there_is_no_value_the_slope_is_unsure():
    found, unsure = four_points(lambda x: np.where(x > 0, x, np.nan), np.array([-1.0, 1.0]))
    assert not unsure[0] < np.inf and found[1] == pytest.approx(1.0) and unsure[1] < 1e-6


def test_a_jump_of_the_slope_is_seen_and_a_bend_is_none():
    places = np.array([-1.0, 0.0, 0.5, 2.0])
    left, right, jumps = one_sided(lambda x: np.abs(x) + 3.0 * np.maximum(x - 2.0, 0.0), places, EPSILON)
    assert jumps.tolist() == [False, True, False, True]
    np.testing.assert_allclose(left, [-1.0, -1.0, 1.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(right, [-1.0, 1.0, 1.0, 4.0], atol=1e-6)
    assert not one_sided(np.exp, places, 8.0 * EPSILON * np.exp(places))[2].any()
