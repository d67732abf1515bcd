"""Pictures of finished walks: the right window of f, the right kind, files where they were asked for."""

import numpy as np
import pytest

import thalweg as tw
from thalweg.walk_pictures import check_kind, window


def shown(*walks):
    return window(walks[0].objective, [walk.trail for walk in walks])


def test_the_window_holds_the_walk_and_minima_nearby():
    d = tw.descend("rosenbrock", optimizer=tw.LBFGS())
    for (low, high), column in zip(shown(d), d.path.T, strict=True):
        assert low < column.min() and column.max() < high and high - low < 3 * np.ptp(column)
    short = tw.descend("bowl", [4.0, 1.0], stop=tw.Stop(steps=20))
    assert all(low < 0.0 < high for low, high in shown(short)), "the known minimum at the origin"


def test_of_a_walk_that_runs_away_the_beginning_is_shown():
    far = tw.descend("x**2", 3.0, optimizer=tw.GradientDescent(40.0))
    near = tw.descend("x**2", 3.0)
    assert far.status is tw.Status.DIVERGING
    low, high = shown(far)[0]
    assert low < 0.0 < 3.0 < high < 40.0
    assert shown(far, near)[0][1] < 40.0


def test_a_walk_to_far_away_is_shown_whole():
    d = tw.descend("(x - 5000)**2", 0.1)
    low, high = shown(d)[0]
    assert low < 0.1 and high > 5000


def test_a_domain_is_not_left():
    d = tw.descend("x - log(x)", 0.5, domain=(0.25, 3.0))
    assert shown(d)[0][0] >= 0.25


def test_one_point_has_a_window():
    d = tw.descend("x**2 + y**2", [0.0, 0.0])
    assert all(low < 0.0 < high for low, high in shown(d))


@pytest.mark.parametrize(
    ("kind", "n", "walks", "settled"),
    [("auto", 1, 1, "curve"), ("auto", 1, 2, "progress"), ("auto", 2, 5, "contour"), ("auto", 3, 1, "progress"),
     ("surface", 2, 2, "surface"), ("progress", 1, 1, "progress")],
)  # fmt: skip
def test_which_kind_auto_is(kind, n, walks, settled):
    assert check_kind(kind, n, walks) == settled


@pytest.mark.parametrize(
    ("kind", "n", "walks", "said"),
    [("curve", 2, 1, "a curve shows a function of 1 coordinate, and this one has 2"), ("curve", 1, 2, "shows one walk"),
     ("contour", 1, 1, "of 2 coordinates, and this one has 1"), ("pie", 1, 1, "must be one of curve, contour")],
)  # fmt: skip
def test_kinds_that_do_not_suit(kind, n, walks, said):
    with pytest.raises(tw.InputError, match=said):
        check_kind(kind, n, walks)


def test_pictures_are_written_where_a_path_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    d = tw.descend("bowl", stop=tw.Stop(steps=7))
    for kind in ("contour", "surface", "progress"):
        figure = d.plot(kind, tmp_path / f"{kind}.svg")
        assert figure.axes and (tmp_path / f"{kind}.svg").stat().st_size > 2000
    tw.race("bowl", optimizers=["LBFGS", "Newton"]).plot(path="race.png")
    tw.learning_rate_range("x**2", 3.0, rates=[0.1, 2.0], steps=9).plot("rates.svg")
    tw.regime_map("bowl", rates=[0.01, 0.1], momenta=[0.0, 0.5], steps=9).plot("map.svg")
    d.animate("walk.html")
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {
        "contour.svg", "surface.svg", "progress.svg", "race.png", "rates.svg", "map.svg", "walk.html"
    }  # fmt: skip
    with pytest.raises(tw.InputError, match="a figure is written as .svg, .png or .pdf, not '.gif'"):
        d.plot(path="walk.gif")
    with pytest.raises(tw.InputError, match="an animation is written as .gif or .html, not '.svg'"):
        d.animate("walk.svg")
    with pytest.raises(tw.InputError, match="1 or 2 coordinates, and this one has 3"):
        tw.descend(lambda x: x @ x, [1.0, 2.0, 3.0]).animate()


def test_what_a_picture_asks_of_f_is_not_counted():
    asked = []

    def f(x, y):
        asked.append((x, y))
        return x * x + 3 * y * y

    d = tw.descend(f, [2.0, 1.0], gradient="central", stop=tw.Stop(steps=5))
    counted, calls = dict(d.evaluations), len(asked)
    d.plot("contour")
    assert len(asked) > calls + 1000 and d.objective.counts == counted == d.evaluations
