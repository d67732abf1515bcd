"""animations: the walk moves, the files stand alone and are always the same."""

import base64
import gc
import io
import re
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from thalweg import animations, plots
from thalweg.errors import InputError


GRID = np.linspace(-3, 3, 61)


def curve(steps=4, rate=0.3, **options):
    x = 2.0 * (1 - 2 * rate) ** np.arange(steps + 1)
    return animations.curve_animation(GRID, GRID**2, x, x**2, 2 * x, rate, **options)


def contour(**lengths):
    Z = GRID**2 + 3 * GRID[:, None] ** 2
    paths = {name: np.array([2.0, 1.0]) * 0.6 ** np.arange(n)[:, None] for name, n in lengths.items()}
    return animations.contour_animation(GRID, GRID, Z, paths, minima=[(0, 0)], title="a bowl")


def step(animation: Any, t: Any) -> Any:
    """The figure's axes as they look at step t."""
    animation._func(t)
    return animation._fig.axes


@pytest.mark.parametrize("make", [curve, lambda: contour(a=5, b=3)])
def test_gif_moves_and_is_always_the_same(tmp_path, make):
    for i in range(2):
        animations.save(make(), tmp_path / f"{i}.gif")
    assert (tmp_path / "0.gif").read_bytes() == (tmp_path / "1.gif").read_bytes()
    with Image.open(tmp_path / "0.gif") as picture:
        gif: Any = picture
        assert gif.n_frames == 5
        first = np.asarray(gif.convert("RGB")).astype(int)
        gif.seek(4)
        last = np.asarray(gif.convert("RGB")).astype(int)
        assert first[0, 0].tolist() == last[0, 0].tolist() == [255, 255, 255]
        assert 200 < np.any(np.abs(first - last) > 60, axis=2).sum() < 0.2 * first[..., 0].size


class Tags(HTMLParser):
    """The names and addresses in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.names: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_html_stands_alone_and_is_always_the_same(tmp_path):
    for i in range(2):
        animations.save(contour(a=4), tmp_path / f"{i}.html")
    page = (tmp_path / "0.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "1.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|//[a-z]+\.|@import|url\(|@[A-Z]+@", page)
    tags = Tags()
    tags.feed(page)
    assert len(tags.addresses) == 2 and all(address.startswith("data:image/png;base64,") for address in tags.addresses)
    assert "link" not in tags.names and "iframe" not in tags.names and tags.names.count("script") == 1
    assert "default-src 'none'" in page and "prefers-reduced-motion" in page and 'max="3"' in page


def test_the_layers_of_the_page_make_the_frames(tmp_path):
    animations.save(curve(), tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    pictures = [Image.open(io.BytesIO(base64.b64decode(code))) for code in re.findall(r"base64,([^\"]+)\"", page)]
    ground, shown, *layers = pictures
    assert len(layers) == 5 and shown.tobytes() == layers[-1].tobytes()
    assert not np.asarray(layers[0]).any()
    animations.save(curve(), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        gif.seek(4)
        expected = np.asarray(gif.convert("RGB")).astype(int)
    ground.paste(layers[-1], mask=layers[-1])
    assert np.mean(np.abs(np.asarray(ground).astype(int) - expected)) < 1


@pytest.mark.parametrize("name", ["walk.mp4", "walk", ".gif"])
def test_an_unknown_suffix_gets_a_sentence(tmp_path, name):
    with pytest.raises(InputError, match=r"\.gif or \.html"):
        animations.save(curve(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_frames_of_a_long_walk_are_thinned_and_keep_first_and_last():
    frames = list(curve(steps=10_000, rate=1e-4).new_frame_seq())
    assert len(frames) <= 120 and frames[:3] == [0, 1, 2] and frames[-1] == 10_000


def test_the_ball_is_where_the_walk_is():
    animation = curve(steps=4, rate=0.3)
    for t in (0, 3, 1):
        upper, lower = step(animation, t)
        x = 2.0 * 0.4**t
        (ball,) = [line for line in upper.lines if line.get_markersize() == 10]
        np.testing.assert_allclose([ball.get_xdata()[0], ball.get_ydata()[0]], [x, x**2])
        assert lower.get_title(loc="left").startswith(f"step {t}:  x = {x:.4g}")
        np.testing.assert_allclose(np.array(lower.patches[0]._posA_posB)[:, 0], [x, x - 0.6 * x])


def test_who_has_arrived_waits():
    animation = contour(long=6, short=2)
    (axes,) = step(animation, 5)
    balls = [line for line in axes.lines if line.get_markersize() == 10]
    np.testing.assert_allclose([line.get_xdata()[0] for line in balls], [2 * 0.6**5, 2 * 0.6])
    assert balls[0].get_marker() != balls[1].get_marker()
    assert "step 5" in [text.get_text() for text in axes.texts]
    assert {"long: 5 steps", "short: 1 step"} <= {text.get_text() for text in axes.figure.legends[0].get_texts()}


def test_the_window_stands_still():
    animation = curve(steps=30, rate=1.1)
    before = [(axes.get_position().bounds, axes.viewLim.bounds) for axes in step(animation, 0)]
    assert [(axes.get_position().bounds, axes.viewLim.bounds) for axes in step(animation, 30)] == before


def test_the_title_is_literal():
    figure = step(curve(formula="$x_1$"), 0)[0].figure
    assert r"\$x_1\$" in figure.axes[0].get_title(loc="left")
    plots.svg(figure)


def test_an_animation_that_nobody_renders_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curve()
        gc.collect()


def test_pyplot_is_never_loaded(tmp_path):
    code = f"""
import sys
import numpy as np
from thalweg import animations
assert "matplotlib" not in sys.modules and "PIL" not in sys.modules
x = np.linspace(-1, 1, 9)
a = animations.curve_animation(x, x**2, x[:2], x[:2] ** 2, 2 * x[:2], 0.1)
animations.save(a, {str(tmp_path / "a.gif")!r})
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_one_point_or_none_is_one_frame(tmp_path):
    none = np.zeros(0)
    alone = [curve(steps=0), contour(a=1), contour(), contour(a=0)]
    alone.append(animations.curve_animation(GRID, GRID**2, none, none, none, 0.1))
    alone.append(animations.curve_animation(GRID, GRID * np.nan, none, none, none, 0.1))
    for animation in alone:
        assert list(animation.new_frame_seq()) == [0]
        for suffix in ("gif", "html"):
            animations.save(animation, tmp_path / f"a.{suffix}")


numbers = st.one_of(st.floats(-3, 3), st.floats(allow_nan=True, allow_infinity=True))


@settings(max_examples=10)
@given(st.data(), st.integers(0, 8))
def test_no_walk_raises_or_warns(data, k):
    x, y, slopes = (data.draw(arrays(float, k, elements=numbers)) for _ in range(3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for animation in (
            animations.curve_animation(GRID, GRID**2, x, y, slopes, data.draw(numbers)),
            animations.contour_animation(
                GRID, GRID, GRID + GRID[:, None], {"a": np.column_stack([x, y]), "b": np.ones((2, 2))}
            ),
        ):
            for t in animation.new_frame_seq():
                step(animation, t)[0].figure.draw_without_rendering()
        gc.collect()
