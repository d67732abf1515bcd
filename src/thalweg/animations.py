"""Walks downhill that move: the figures of `walk_plots` step by step, written as .gif or as one .html file.

At most 120 frames: of a longer walk the first 60 steps, then ever sparser ones, always the last. The page needs nothing
from anywhere else, may be stepped by hand, and stands still for who prefers less motion.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.outputs import form_of
from thalweg.plots import BLUE, INK, VERMILLION, literal, new_figure
from thalweg.plots import style as our_style
from thalweg.walk_drawing import (
    MARKED,
    PAPER,
    START,
    Window,
    kept,
    key_beside,
    left_out,
    look,
    number,
    say,
    trail,
)
from thalweg.walk_ground import (
    contour_arrays,
    contour_key,
    curve_arrays,
    draw_contour,
    draw_curve,
    draw_tangent,
    tangent_ends,
)


if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure
    from PIL.Image import Image

    Progress = Callable[[int, int | None], None]

FORMS = ("gif", "html")
FRAMES = 60  # each takes Matplotlib a tenth of a second and more
LASTING = 12_000  # milliseconds of the whole, no frame longer than 600
SLOWEST, FASTEST = 600, 100


def curve_animation(
    grid_x: Float[np.ndarray, " m"],
    grid_y: Float[np.ndarray, " m"],
    path_x: Float[np.ndarray, " k"],
    path_y: Float[np.ndarray, " k"],
    slopes: Float[np.ndarray, " k"],
    rates: float | Float[np.ndarray, " steps"],
    *,
    name: str = "x",
    formula: str = "",
    minima: Sequence[float] = (),
) -> FuncAnimation:
    """A walk on the curve of f: point and tangent move; below, the step −γ f′(x) along the axis and its numbers.

    The arguments are those of `walk_plots.curve`.

    >>> x, path = np.linspace(-2, 2, 81), np.array([1.5, 0.9, 0.54])
    >>> animation = curve_animation(x, x**2, path, path**2, 2 * path, 0.2, formula="x**2")
    >>> len(list(animation.new_frame_seq()))
    3
    """
    from matplotlib.patches import FancyArrowPatch

    grid_x, grid_y, walk, slopes, gammas = curve_arrays(grid_x, grid_y, path_x, path_y, slopes, rates)
    with our_style():
        figure, (upper, lower) = new_figure(5.2, None, rows=2, heights=(5, 0.5))
        window = draw_curve(upper, grid_x, grid_y, walk, name=name, formula=formula, minima=minima)
        lower.set(ylim=(-1, 1), yticks=[], xlabel=literal(name, 40))
        lower.grid(axis="y", visible=False)
        lower.spines["left"].set_visible(False)
        told = lower.set_title("step 0", fontsize=10.5, fontweight="normal", pad=6)
        lower.sharex(upper)
        upper.tick_params(labelbottom=False)
        if window is None or not len(walk):
            return _moving(figure, lambda t: None, 1)
        if window.holds(walk[:1])[0]:
            upper.plot(*walk[:1].T, label="start", zorder=5, **START)
        key_beside(upper)
        (line,) = upper.plot([], [], color=VERMILLION, linewidth=0.9, zorder=3)
        (dots,) = upper.plot([], [], "o", color=VERMILLION, markersize=3.5, linestyle="none", zorder=4)
        (ball,) = upper.plot([], [], "o", color=BLUE, markersize=10, markeredgecolor=INK, linestyle="none", zorder=7)
        tangent = draw_tangent(upper, walk[0], np.nan, window)
        (below,) = lower.plot([], [], "o", color=VERMILLION, markersize=6, linestyle="none")
        arrow = FancyArrowPatch((0, 0), (0, 0), arrowstyle="-|>", mutation_scale=14, color=VERMILLION, linewidth=2,
                                shrinkA=0, shrinkB=0)  # fmt: skip
        lower.add_patch(arrow)
        say(figure, left_out({"": walk}, window))
        short = literal(name, 12)
        strip = Window(np.array([window.low[0], -1.0]), np.array([window.high[0], 1.0]))

        def show(t: int) -> None:
            gone = _gone(walk, t)
            line.set_data(*trail(gone, window).T)
            dots.set_data(*gone[window.holds(gone)].T)
            here = walk[t : t + 1]
            inside = bool(window.holds(here)[0])
            ball.set_data(*(here if inside else here[:0]).T)
            tangent.set_data(*(tangent_ends(walk[t], slopes[t], window) if inside else np.zeros((2, 0))))
            with np.errstate(over="ignore", invalid="ignore"):
                way = -gammas[t] * slopes[t]
            tail, tip = np.array([walk[t, 0], 0.0]), np.array([walk[t, 0] + way, 0.0])
            below.set_data(*(tail[:, None] if strip.holds(tail[None])[0] else np.zeros((2, 0))))
            tip = strip.cut(tail, tip) if np.isfinite(tip[0]) and strip.holds(tail[None])[0] else tail
            drawn = bool(np.abs(tip - tail)[0] > 0.004 * (strip.high - strip.low)[0])
            arrow.set_visible(drawn)
            if drawn:
                arrow.set_positions((tail[0], 0.0), (tip[0], 0.0))
            words = f"step {t}:  {short} = {number(walk[t, 0])},  f = {number(walk[t, 1])},  f′ = {number(slopes[t])}"
            words += f",  −γ f′ = {number(way)}" if np.isfinite(way) else ""
            told.set_text(words.replace("nan", "not finite"))

        return _moving(figure, show, len(walk))


def contour_animation(
    grid_x: Float[np.ndarray, " m"],
    grid_y: Float[np.ndarray, " n"],
    Z: Float[np.ndarray, "n m"],
    paths: Mapping[str, Float[np.ndarray, "k 2"]],
    *,
    names: tuple[str, str] = ("x", "y"),
    minima: Sequence[Sequence[float]] = (),
    title: str = "",
) -> FuncAnimation:
    """Walks that race over the lines of equal height, all at the same step; who has arrived waits.

    The arguments are those of `walk_plots.contour`.

    >>> x = np.linspace(-2, 2, 41)
    >>> walk = np.array([[1.5, 1.0], [0.9, 0.2], [0.5, 0.0]])
    >>> animation = contour_animation(x, x, x**2 + 3 * x[:, None] ** 2, {"walk": walk})
    >>> len(list(animation.new_frame_seq()))
    3
    """
    grid_x, grid_y, Z, paths = contour_arrays(grid_x, grid_y, Z, paths)
    with our_style():
        figure, axes, window = draw_contour(grid_x, grid_y, Z, paths, names=names, minima=minima, title=title)
        longest = max((len(path) for path in paths.values()), default=0)
        if window is None or not longest:
            return _moving(figure, lambda t: None, 1)
        contour_key(figure, axes, paths, left_out(paths, window))
        told = axes.text(0.02, 0.97, "step 0", transform=axes.transAxes, va="top", fontsize=11, zorder=9, bbox=PAPER)
        moving = []
        for i, path in enumerate(paths.values()):
            if len(path) and window.holds(path[:1])[0]:
                axes.plot(*path[:1].T, zorder=5, **START)
            mine = look(i)
            (halo,) = axes.plot([], [], color="white", linewidth=3.2, alpha=0.75, zorder=3)
            (line,) = axes.plot([], [], color=mine["color"], linestyle=mine["linestyle"], linewidth=1.6, zorder=4)
            (ball,) = axes.plot([], [], marker=mine["marker"], color=mine["color"], markersize=10, linestyle="none",
                                markeredgecolor="white", zorder=7 + i)  # fmt: skip
            moving.append((path, halo, line, ball))

        def show(t: int) -> None:
            for path, halo, line, ball in moving:
                gone = _gone(path, t)
                for drawn in (halo, line):
                    drawn.set_data(*trail(gone, window).T)
                ball.set_data(*gone[-1:][window.holds(gone[-1:])].T)
            told.set_text(f"step {t:,}")

        return _moving(figure, show, longest)


def save(animation: FuncAnimation, path: str | os.PathLike[str], progress: Progress | None = None) -> None:
    """Write the animation as the suffix says: .gif, or .html with buttons, a slider and the arrow keys.

    Args:
        animation: what to write.
        path: where to.
        progress: called with the number of each frame drawn, from 0, and how many there are.

    Raises:
        InputError: another suffix.
    """
    is_gif = form_of(path, FORMS, "an animation") == "gif"
    Path(path).write_bytes(_gif(animation, progress) if is_gif else _page(animation, progress).encode("utf-8"))


def _gone(path: np.ndarray, t: int) -> np.ndarray:
    """The points up to step t, a long walk thinned in the same way for every t: what is drawn stays."""
    steps = kept(len(path), MARKED - 1)
    return path[np.append(steps[steps < t], t)] if t < len(path) else path[steps]


def _moving(figure: Figure, show: Callable[[int], None], points: int) -> FuncAnimation:
    from matplotlib.animation import FuncAnimation

    # Laid out once: with a layout for each frame the picture would tremble.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")

    class Walk(FuncAnimation):
        def __del__(self) -> None:
            """No warning: who never renders an animation has done no harm."""

    def draw(t: int) -> list[Any]:
        show(t)
        return []

    steps = kept(points, FRAMES).tolist()
    show(0)
    return Walk(figure, draw, frames=steps, interval=_pace(len(steps)), repeat=False, cache_frame_data=False)


def _frames(animation: FuncAnimation, encode: Callable[[Image, Image], Any], progress: Progress | None) -> list[Any]:
    """What `encode` makes of each frame and the first one."""
    from matplotlib.animation import AbstractMovieWriter
    from PIL.Image import frombytes

    first: list[Image] = []
    encoded = []

    class Collector(AbstractMovieWriter):
        def setup(self, fig: Figure, outfile: Any, dpi: float | None = None) -> None:
            self.fig, self.outfile, self.dpi = fig, outfile, dpi or fig.dpi

        def grab_frame(self, **savefig_kwargs: Any) -> None:
            buffer = io.BytesIO()
            self.fig.savefig(buffer, format="rgba", dpi=self.dpi)
            picture = frombytes("RGBA", self.frame_size, buffer.getvalue()).convert("RGB")
            first[:] = first or [picture]
            encoded.append(encode(picture, first[0]))

        def finish(self) -> None:
            pass

    with our_style():
        animation.save("", writer=Collector(), dpi=100, progress_callback=progress)
    return encoded


def _pace(frames: int) -> int:
    """Milliseconds for each frame."""
    return int(np.clip(LASTING // frames, FASTEST, SLOWEST))


def _gif(animation: FuncAnimation, progress: Progress | None) -> bytes:
    from PIL.Image import Dither, new

    palettes: list[Image] = []

    def encode(picture: Image, first: Image) -> Image:
        """In the colours of the first, the same for all: else all of every frame would differ from the one before."""
        if not palettes:
            colors, counts = np.unique(np.asarray(first).reshape(-1, 3), axis=0, return_counts=True)
            colors = colors[np.argsort(-counts, kind="stable")]
            # Of colours nearly alike the most frequent: Pillow would take the one for the other, and white were grey.
            _, alone = np.unique(colors // 8, axis=0, return_index=True)
            palettes.append(new("P", (1, 1)))
            palettes[0].putpalette(colors[np.sort(alone)[:256]].ravel().tolist())
        return picture.quantize(palette=palettes[0], dither=Dither.NONE)

    frames = _frames(animation, encode, progress)
    buffer = io.BytesIO()
    pauses = [_pace(len(frames))] * (len(frames) - 1) + [2000]  # time to see where it ended
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0)
    return buffer.getvalue()


def _page(animation: FuncAnimation, progress: Progress | None) -> str:
    from PIL.Image import fromarray

    grounds: list[str] = []

    def encode(picture: Image, first: Image) -> str:
        """Only what differs from the first picture, to be laid over it: a tenth of the bytes."""
        if not grounds:
            grounds.append(_address(picture))
        pixels, ground = np.asarray(picture), np.asarray(first)
        differs = np.any(pixels != ground, axis=2, keepdims=True)
        return _address(fromarray(np.concatenate([pixels * differs, 255 * differs], axis=2).astype(np.uint8)))

    layers = _frames(animation, encode, progress)
    words = {"GROUND": grounds[0], "LAST": layers[-1], "COUNT": str(len(layers) - 1), "PACE": str(_pace(len(layers)))}
    words["LAYERS"] = ",\n".join(f'"{layer}"' for layer in layers)
    page = _PAGE
    for word, text in words.items():
        page = page.replace(f"@{word}@", text)
    return page


def _address(picture: Image) -> str:
    """The picture itself as an address: data:image/png;…"""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


# No address of anywhere else, and a policy that would not let it be loaded.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>A walk downhill</title>
<style>
body { margin: 1rem auto; max-width: 50rem; padding: 0 1rem; font: 1rem/1.4 system-ui, sans-serif; color: #222;
  background: #fff; }
.stage { position: relative; }
img { display: block; width: 100%; height: auto; }
#picture { position: absolute; top: 0; left: 0; }
.bar { display: flex; gap: .5rem; align-items: center; }
button { font: inherit; min-width: 2.6rem; min-height: 2.2rem; }
input { flex: 1; }
output { min-width: 5.5rem; text-align: right; font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<div class="stage">
<img src="@GROUND@" alt="">
<img id="picture" src="@LAST@" alt="A walk downhill: the last picture.">
</div>
<div class="bar" id="bar" hidden>
<button id="first" aria-label="first picture">|◀</button>
<button id="back" aria-label="one back">◀</button>
<button id="play" aria-label="play or pause">play</button>
<button id="next" aria-label="one on">▶</button>
<input id="place" type="range" min="0" max="@COUNT@" value="0" aria-label="picture">
<output id="told" for="place"></output>
</div>
<script>
const pictures = [
@LAYERS@
];
const at = id => document.getElementById(id);
let timer = null;
function show(i) {
  i = Math.max(0, Math.min(pictures.length - 1, i));
  at("place").value = i;
  at("picture").src = pictures[i];
  at("picture").alt = "A walk downhill: picture " + (i + 1) + " of " + pictures.length + ".";
  at("told").textContent = (i + 1) + " of " + pictures.length;
}
function pause() { clearInterval(timer); timer = null; at("play").textContent = "play"; }
function move(by) { pause(); show(Number(at("place").value) + by); }
function play() {
  if (timer !== null) { pause(); return; }
  if (Number(at("place").value) === pictures.length - 1) show(0);
  at("play").textContent = "pause";
  timer = setInterval(() => {
    const i = Number(at("place").value) + 1;
    show(i);
    if (i >= pictures.length - 1) pause();
  }, @PACE@);
}
at("first").onclick = () => { pause(); show(0); };
at("back").onclick = () => move(-1);
at("next").onclick = () => move(1);
at("play").onclick = play;
at("place").oninput = () => move(0);
document.addEventListener("keydown", event => {
  if (event.target.tagName === "INPUT") return;
  if (event.key === "ArrowLeft") move(-1);
  if (event.key === "ArrowRight") move(1);
});
at("bar").hidden = false;
show(0);
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
</script>
</body>
</html>
"""
