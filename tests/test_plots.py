"""plots: every figure is valid SVG, always the same, says what it shows, and survives odd names and odd data."""

import functools
import re
import subprocess
import sys
from typing import Any

import matplotlib
import numpy as np
import pytest

from figures import assert_labelled, texts
from thalweg import plots
from thalweg.errors import InputError


ODD = [
    "$x_1$",
    "a $ b",
    "<b>&amp;",
    "länge",
    "日本語",
    "tab\there",
    "nul\x00",
    "\ud800",
    r"back\$slash",
    "{brace}",
    "%s",
    "",
]


def points(line: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def losses(n=37, *, seed=1):
    rng = np.random.default_rng(seed)
    return np.arange(1, n + 1), 0.1 + np.exp(-np.arange(n) / 7) + rng.normal(0, 0.01, n)


@functools.cache
def all_figures():
    rng = np.random.default_rng(0)
    epoch, loss = losses()
    actual = rng.normal(200, 50, 211)
    p = rng.random(307)
    sizes = (17, 5, 3)
    weights = [rng.normal(size=pair) for pair in zip(sizes, sizes[1:], strict=False)]
    return {
        "loss_curves": plots.loss_curves(epoch, loss, loss + 0.1, 23),
        "confusion_matrix": plots.confusion_matrix(rng.integers(0, 50, (3, 3)), ["ham", "spam", "eggs"]),
        "residuals": plots.residuals(actual, actual + rng.normal(0, 20, 211), target="price"),
        "residuals_many": plots.residuals(np.tile(actual, 20), np.tile(actual, 20) + rng.normal(0, 20, 4220)),
        "calibration": plots.calibration(p, (rng.random(307) < p).astype(int)),
        "importance": plots.importance(["length", "trusted"], np.array([0.1, -0.02]), np.array([0.01, 0.02])),
        "network": plots.network(sizes, ["relu"], "softmax", list("abcdefghijklmnopq"), ["x", "y", "z"], weights),
    }


EXPECTED = {
    "loss_curves": ["Loss by epoch", "epoch", "mean loss per row", "training", "validation", "best: epoch 23"],
    "confusion_matrix": ["predicted class", "actual class", "ham", "spam", "eggs"],
    "residuals": ["actual price", "predicted price", "Residuals", "perfect prediction"],
    "residuals_many": ["rows per cell"],
    "calibration": ["predicted probability", "share that came true", "rows", "mean gap (ECE)"],
    "importance": ["length", "trusted", "rise of the held-out loss"],
    "network": [
        "17 features",
        "5 · relu",
        "3 · softmax",
        "⋮",
        "a",
        "q",
        "x",
        "z",
        "positive weight",
        "negative weight",
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_svg_is_xml_and_holds_the_labels_as_text(name):
    assert_labelled(all_figures()[name], EXPECTED[name])


def test_svg_is_the_same_in_every_process():
    def here():
        return {name: plots.svg(figure) for name, figure in all_figures().items()}

    code = "import sys; sys.path.insert(0, 'tests'); import test_plots as t; from thalweg import plots as p; "
    code += "sys.stdout.reconfigure(encoding='utf-8'); [print(p.svg(f), end='') for f in t.all_figures().values()]"
    root = __file__.rsplit("tests", 1)[0]
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=root, timeout=120)
    first = here()
    assert "".join(first.values()) == other.stdout.decode("utf-8").replace("\r\n", "\n")
    assert first == here()
    assert not any(re.search(r"\d{4}-\d\d-\d\dT|http://[^ ]*matplotlib", text) for text in first.values())


def test_svg_fits_into_a_page():
    text = plots.svg(all_figures()["network"])
    assert text.startswith("<svg") and text.rstrip().endswith("</svg>")
    assert "<script" not in text and 'href="http' not in text


def test_nobodys_settings_change_and_nobodys_settings_matter():
    expected = plots.svg(all_figures()["loss_curves"])
    with matplotlib.rc_context({"lines.linewidth": 9.0, "axes.facecolor": "black", "font.size": 30.0}):
        before = dict(matplotlib.rcParams)
        assert plots.svg(all_figures()["loss_curves"]) == expected
        assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_loaded():
    code = """
import sys
from thalweg import plots
assert "matplotlib" not in sys.modules
import numpy as np
plots.svg(plots.loss_curves(np.arange(3), np.ones(3)))
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    "draw",
    [
        lambda names: plots.confusion_matrix(np.eye(len(names), dtype=int), names),
        lambda names: plots.importance(names, np.arange(len(names), 0.0, -1), np.ones(len(names))),
        lambda names: plots.network([len(names), len(names)], [], "softmax", names, names),
        lambda names: plots.residuals(np.arange(3.0), np.arange(3.0), target=names[0]),
        lambda names: plots.importance(["x"], np.ones(1), np.ones(1), measure=names[0]),
        lambda names: plots.loss_curves(*losses(3), measure=names[0]),
        lambda names: plots.network([1, 1, 1], [names[0]], names[0]),
    ],
)
def test_odd_names_are_shown_literally_in_every_format(draw, tmp_path):
    figure = draw(ODD)
    assert "$x_1$" in " ".join(texts(figure))
    for form in ("png", "pdf"):
        plots.save(figure, tmp_path / f"odd.{form}")


def test_all_odd_names_of_the_confusion_matrix():
    found = texts(plots.confusion_matrix(np.eye(len(ODD), dtype=int), ODD))
    for name in [
        "$x_1$",
        "a $ b",
        "<b>&amp;",
        "länge",
        "日本語",
        "tab here",
        "nul�",
        "�",
        r"back\$slash",
        "{brace}",
        "%s",
    ]:
        assert found.count(name) == 2, (name, found)


def test_long_names_are_cut_with_an_ellipsis():
    found = texts(plots.importance(["x" * 500, "short"], np.ones(2), np.zeros(2)))
    assert "x" * 33 + "…" in found and "short" in found


# ---- loss curves


@pytest.mark.parametrize("n", [0, 1, 2, 37])
@pytest.mark.parametrize("validation", [False, True])
def test_loss_curves_of_any_length(n, validation):
    epoch, loss = losses(n)
    found = texts(plots.loss_curves(epoch, loss, loss * 2 if validation else None, n or None))
    assert ("validation" in found) == (validation and n > 0)
    assert ("no finite loss" in found) == (n == 0)


def test_loss_curves_with_values_that_are_not_finite():
    epoch, loss = losses(5)
    loss[1:3] = np.nan, np.inf
    figure = plots.loss_curves(epoch, loss, np.full(5, np.nan), 2)
    assert np.isnan(points(figure.axes[0].lines[0])[1][1:3]).all()
    assert "validation" not in texts(figure)
    assert "best: epoch 2" in texts(figure)
    assert "no finite loss" in texts(plots.loss_curves(epoch, np.full(5, np.inf)))


def test_a_loss_over_several_scales_is_shown_on_a_logarithmic_axis():
    epoch = np.arange(1, 30)
    wide, narrow, signed = np.geomspace(1e3, 1e-2, 29), np.linspace(2, 1, 29), np.geomspace(1e3, 1e-2, 29) - 1
    scales = [plots.loss_curves(epoch, loss).axes[0].get_yscale() for loss in (wide, narrow, signed)]
    assert scales == ["log", "linear", "linear"]
    assert {"0.01", "1000"} <= set(texts(plots.loss_curves(epoch, wide)))


def test_best_epoch_is_on_the_curve_that_chose_it():
    epoch, loss = losses(11)
    *_, star = plots.loss_curves(epoch, loss, loss + 1, 7).axes[0].lines
    assert points(star) == ([7], [loss[6] + 1])
    *_, star = plots.loss_curves(epoch, loss, None, 7).axes[0].lines
    assert points(star) == ([7], [loss[6]])


# ---- confusion matrix


@pytest.mark.parametrize("size", [1, 2, 7, 12, 13, 26, 53])
def test_confusion_matrix_of_any_size(size):
    matrix = np.arange(size * size).reshape(size, size) + 1000
    matrix[0] = 0  # a class absent from the held-out rows
    found = texts(plots.confusion_matrix(matrix, [f"c{i}" for i in range(size)]))
    assert ("share of the actual class" in found) == (size > 12)
    assert any(text.startswith(f"{1000 + size * size - 1:,}") for text in found) == (1 < size <= 12)
    assert "c0" in found


def test_confusion_matrix_shows_shares_of_the_actual_class():
    found = texts(plots.confusion_matrix(np.array([[30, 10], [0, 0]]), ["ham", "spam"]))
    joined = " ".join(found)
    assert "75%" in joined and "25%" in joined and "nan" not in joined


# ---- residuals, calibration, importance


@pytest.mark.parametrize("n", [0, 1, 2])
def test_residuals_of_few_rows(n):
    assert ("no finite values" in texts(plots.residuals(np.ones(n), np.ones(n)))) == (n == 0)


def test_residuals_are_actual_minus_predicted_and_leave_out_what_is_not_finite():
    figure = plots.residuals(np.array([1.0, 5.0, np.nan]), np.array([2.0, 2.0, 2.0]))
    np.testing.assert_array_equal(points(figure.axes[1].lines[0]), [[2.0, 2.0], [-1.0, 3.0]])


def test_many_residuals_stay_a_small_file():
    rng = np.random.default_rng(3)
    actual = rng.normal(size=100_003)
    assert len(plots.svg(plots.residuals(actual, actual + rng.normal(size=100_003)))) < 500_000


def test_calibration_of_a_hand_computed_example():
    """Two cells of (0, 0.5) and (0.5, 1): 4 rows at 0.25, one of them true; 2 rows at 1, both true."""
    figure = plots.calibration(np.array([0.25] * 4 + [1.0] * 2), np.array([1, 0, 0, 0, 1, 1]), bins=2)
    np.testing.assert_allclose(points(figure.axes[0].lines[1]), [[0.25, 1.0], [0.25, 1.0]])
    bars: Any = figure.axes[1].patches
    assert [bar.get_height() for bar in bars] == [4, 2]
    assert "mean gap (ECE) 0.0%" in texts(figure)


def test_calibration_intervals_are_wilsons():
    from scipy.stats import binomtest

    figure = plots.calibration(np.full(31, 0.65), np.arange(31) < 17)
    bars: Any = figure.axes[0].collections[0]
    low, high = bars.get_segments()[0][:, 1]
    expected = binomtest(17, 31).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose([low, high], [expected.low, expected.high], atol=1e-4)


def test_calibration_of_several_classes_is_about_the_most_probable_one():
    probability = np.array([[0.7, 0.2, 0.1], [0.1, 0.75, 0.15]])
    figure = plots.calibration(probability, np.array([0, 2]), bins=5)
    np.testing.assert_allclose(points(figure.axes[0].lines[1]), [[0.725], [0.5]])
    assert "probability of the predicted class" in texts(figure)


def test_calibration_without_rows():
    assert "mean gap" not in " ".join(texts(plots.calibration(np.zeros(0), np.zeros(0, int))))


def test_importance_shows_the_largest_twenty_in_order():
    rng = np.random.default_rng(4)
    means = rng.permutation(31) / 31 - 0.1
    figure = plots.importance([f"column {i}" for i in range(31)], means, np.full(31, 0.01))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[::-1] == [f"column {i}" for i in np.argsort(-means)[:20]]
    assert "Permutation importance (the largest 20 of 31 columns)" in texts(figure)
    assert "no columns" in texts(plots.importance([], np.zeros(0), np.zeros(0)))


# ---- network


def test_network_line_shows_the_weight():
    """The lecture's 2-2-2 network: four lines a layer, the strongest of each 3 points wide, negative ones dashed."""
    weights = [np.array([[1.0, -2.0], [0.0, 0.5]]), np.array([[4.0, 1.0], [-1.0, np.nan]])]
    figure = plots.network([2, 2, 2], ["sigmoid"], "sigmoid", ["length", "trusted"], ["ham", "spam"], weights)
    lines: Any = figure.axes[0].collections
    first, second = lines
    np.testing.assert_allclose(first.get_linewidths(), 0.25 + 2.75 * np.array([0.5, 1.0, 0.0, 0.25]))
    np.testing.assert_allclose(second.get_linewidths(), 0.25 + 2.75 * np.array([1.0, 0.25, 0.25, 0.0]))
    assert [style[1] is not None for style in first.get_linestyles()] == [False, True, False, False]
    assert {"length", "trusted", "ham", "spam"} <= set(texts(figure))


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3, 1), (57, 200, 26), (3, *[11] * 30, 2)])
def test_network_of_any_size(sizes):
    figure = plots.network(sizes, ["relu"] * (len(sizes) - 2), "identity")
    found = texts(figure)
    assert ("⋮" in found) == (max(sizes) > 10)
    assert ("⋯" in found) == (len(sizes) > 9)
    assert f"{sizes[0]} features" in " ".join(found)
    assert len(plots.svg(figure)) < 300_000


# ---- saving


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".PNG", b"\x89PNG"), (".pdf", b"%PDF")])
def test_saved_by_the_suffix_and_always_the_same(tmp_path, suffix, start):
    figure = all_figures()["importance"]
    paths = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for path in paths:
        plots.save(figure, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["figure.jpeg", "figure", ".svg"])
def test_an_unknown_suffix_gets_a_sentence(tmp_path, name):
    with pytest.raises(InputError, match=r"\.svg, \.png or \.pdf"):
        plots.save(all_figures()["importance"], tmp_path / name)
    assert not list(tmp_path.iterdir())
