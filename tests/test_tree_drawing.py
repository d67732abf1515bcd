"""tree_drawing: texts stand apart and inside the figure, nothing is lost, and what is left out is counted."""

import re
import warnings

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from thalweg import plots
from thalweg.pruned_tree import grow
from thalweg.raw_features import RawFeature
from thalweg.tree_drawing import drawing


LONG = [
    RawFeature("the_very_long_name_of_a_column_with_its_unit_in_kg_per_m3", ""),
    RawFeature("名前の長い列の値段と重さ$", ""),
    RawFeature("W" * 40, ""),
    RawFeature("job = a very long value, indeed a sentence", "job", "a very long value, indeed a sentence " * 3),
]


def tree_of(task="classification", *, n=1009, missing=0.05):
    rng = np.random.default_rng(3)
    X = rng.random((n, 4))
    X[:, 3] = X[:, 3] > 0.5
    y = (X[:, 0] * 3).astype(int) * 3 + (X[:, 1] * 3).astype(int) + 9 * (X[:, 2] > 0.5) * X[:, 3]
    X[rng.random(X.shape) < missing] = np.nan
    return grow(X, y if task == "regression" else y.astype(int), task, 18), X


def boxes(figure):
    """Text and place (pixels) of every text, of those in a box that of the box."""
    canvas = FigureCanvasAgg(figure)
    with plots.style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        canvas.draw()
        renderer = canvas.get_renderer()
        found = []
        for text in figure.axes[0].texts:
            patch = text.get_bbox_patch()
            found.append((text.get_text(), (patch or text).get_window_extent(renderer)))
    return found


@pytest.mark.parametrize("features", [LONG, [RawFeature(name, name) for name in "abcd"]], ids=["long", "short"])
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(("most", "deepest"), [(1, 5), (2, 5), (16, 5), (30, 12)])
def test_nothing_overlaps_or_leaves_the_figure(task, features, most, deepest):
    tree, _ = tree_of(task)
    figure = drawing(
        tree, features, [f"class of a long name {i}" for i in range(18)], max_leaves=most, max_depth=deepest
    )
    found = boxes(figure)
    assert len(found) >= 2 * min(most, 2) - 1
    width, height = figure.get_size_inches() * figure.dpi
    for at, (text, one) in enumerate(found):
        assert one.x0 >= 0 and one.y0 >= 0 and one.x1 <= width and one.y1 <= height, text
        for other, two in found[:at]:
            apart = one.x1 <= two.x0 or two.x1 <= one.x0 or one.y1 <= two.y0 or two.y1 <= one.y0
            assert apart, (text, other)


def test_all_that_matters_is_said_even_with_long_names():
    tree, _ = tree_of()
    said = [text for text, _ in boxes(drawing(tree, LONG, range(18), max_leaves=99, max_depth=99))]
    questions = [text.replace("\n", "") for text in said if "≤" in text]
    assert len(questions) == np.count_nonzero(np.isfinite(tree.threshold) & (tree.feature < 3))
    for text in questions:
        assert re.search(r"≤ ?0\.\d+( ?or missing)?$", text), text
    assert said.count("yes") == said.count("no") == tree.leaves - 1
    leaves = [text for text in said if " rows" in text or " row" in text]
    assert sum(int(re.search(r"([\d,]+) row", text)[1].replace(",", "")) for text in leaves) == 1009  # pyright: ignore[reportOptionalSubscript]


def test_a_name_without_an_end_is_shortened():
    tree, _ = tree_of()
    features = [RawFeature("W" * 3_000 if i == 0 else f"x{i}", "") for i in range(4)]
    said = [text for text, _ in boxes(drawing(tree, features, range(18))) if "W" in text]
    assert said and all(text.count("\n") <= 2 and "…" in text and "≤" in text for text in said)


def test_what_is_left_out_is_counted():
    tree, _ = tree_of()
    figure = drawing(tree, LONG, range(18), max_leaves=5, max_depth=3)
    said = "\n".join(text for text, _ in boxes(figure))
    shown = said.count("rows")
    assert sum(int(n) - 1 for n in re.findall(r"… (\d+) leaves", said)) == tree.leaves - shown
    assert f"{shown} of its {tree.leaves} leaves" in figure.axes[0].get_title(loc="left")


def test_it_is_written_as_svg_and_png_and_leaves_settings_alone(tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    tree, _ = tree_of("regression")
    figure = drawing(tree, LONG, unit="$ & <m>")
    assert plots.svg(figure).startswith("<svg")
    plots.save(figure, tmp_path / "tree.png")
    assert (tmp_path / "tree.png").stat().st_size > 10_000
    assert dict(matplotlib.rcParams) == before
