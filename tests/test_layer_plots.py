"""Figures of layers over the epochs: what they show, and that odd numbers leave gaps instead of errors."""

import numpy as np
import pytest

from figures import assert_labelled, draw, points, texts
from thalweg import plots
from thalweg.layer_plots import LOOKS, layer_signs


EPOCHS = np.arange(13)


def signs(layers=2, **changed):
    rng = np.random.default_rng(layers)
    values = {name: np.exp(rng.normal(size=(len(EPOCHS), layers))) for name in ("gradient", "update")}
    return layer_signs(EPOCHS, **{**values, **changed}, names=[f"${i} (relu)" for i in range(layers)], healthy=1e-3)


@pytest.mark.parametrize("layers", [1, 2, 5, 6, 31])
def test_up_to_five_layers_are_shown_the_first_and_the_last_among_them(layers):
    figure = signs(layers)
    lines = figure.axes[0].lines
    assert len(lines) == min(layers, len(LOOKS)) == len({str(line.get_marker()) for line in lines})
    assert_labelled(figure, ["$0 (relu)", f"${layers - 1} (relu)", "healthy: about 0.001", "epoch"])


def test_lines_are_the_numbers_and_what_is_no_number_is_a_gap():
    gradient = np.array([[1.0], [0.0], [np.nan], [np.inf], *[[2.0]] * 9])
    figure = signs(1, gradient=gradient)
    y = points(figure.axes[0].lines[0])[:, 1]
    assert np.isnan(y).tolist() == [False, True, True, True, *[False] * 9] and y[0] == 1.0
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log"]


def test_nothing_to_show_is_said():
    figure = signs(2, gradient=np.zeros((13, 2)), update=np.full((13, 2), np.nan))
    draw(figure)
    assert texts(figure).count("no finite values") == 2


def test_it_is_the_same_every_time():
    assert plots.svg(signs(3)) == plots.svg(signs(3))
