"""What the tests of figures share: reading a figure's words and lines, walks on a bowl, and walks of odd numbers."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch

from thalweg import plots


GRID = np.linspace(-5, 5, 201)

tame = st.floats(-10, 10)
numbers = st.one_of(tame, st.floats(allow_nan=True, allow_infinity=True, width=64))


def texts(figure):
    """The text elements of the figure's SVG, in order."""
    tree = ElementTree.fromstring(plots.svg(figure).encode("utf-8"))
    return ["".join(element.itertext()).strip() for element in tree.iter("{http://www.w3.org/2000/svg}text")]


def assert_labelled(figure, labels) -> None:
    """The SVG is XML, and holds texts that begin with these."""
    found = texts(figure)
    for label in labels:
        assert any(text.startswith(label) for text in found), (label, found)


def points(line: Any) -> np.ndarray:
    return np.column_stack([line.get_xdata(), line.get_ydata()]).astype(float)


def labelled(axes: Any, label: str) -> Any:
    (line,) = [line for line in axes.lines if line.get_label().startswith(label)]
    return line


def dashes(line: Any) -> object:
    return line._dash_pattern


def luminance(color) -> float:
    """Relative luminance as WCAG defines it: what is left of a colour in grey."""
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def arrows(axes):
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]


def ends(arrow: Any) -> np.ndarray:
    """Tail and tip in data coordinates."""
    return np.array(arrow._posA_posB)


def bowl(**paths):
    """Arguments of `contour` for x² + 10 y²."""
    y = np.linspace(-3, 3, 61)
    return GRID, y, GRID**2 + 10 * y[:, None] ** 2, paths


def downhill(rate, steps=30, start=(4.0, 1.0)):
    t = np.arange(steps + 1)[:, None]
    return np.array(start) * (1 - 2 * rate * np.array([1.0, 10.0])) ** t


def walks(k):
    return arrays(float, k, elements=numbers)


def draw(figure):
    figure.draw_without_rendering()


def drawn_elsewhere(module: str) -> str:
    """The SVGs of a test file's `all_figures`, one after the other, from another process."""
    code = f"import sys; sys.path.insert(0, 'tests'); import {module} as t; from thalweg import plots as p; "
    code += "sys.stdout.reconfigure(encoding='utf-8'); [print(p.svg(f), end='') for f in t.all_figures().values()]"
    root = __file__.rsplit("tests", 1)[0]
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=root, timeout=240)
    return other.stdout.decode("utf-8").replace("\r\n", "\n")
