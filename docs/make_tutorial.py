"""Runs the code of the tutorials: refreshes the pictures that they save and the text blocks that they print.

The rules of a page. Every block marked python runs, from top to bottom, in one namespace and in the folder of the
pictures. What a block prints stands in a block marked text right below it, lines longer than 110 characters folded at
spaces; a block without one prints nothing. Every picture that is saved is shown, and every one shown is saved.
tests/test_tutorial.py fails while a page or a picture is out of date.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
from PIL import Image, ImageSequence


PAGE = Path(__file__).with_name("gradient-descent.md")  # the one with pictures
BACKPROPAGATION = Path(__file__).with_name("backpropagation.md")
PICTURES = Path(__file__).with_name("pictures")
WIDTH = 110
CODE = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<text>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"!\[[^\]]*\]\(pictures/([^)]+)\)")
MADE_WITH = re.compile(r"<!-- pictures made with Matplotlib (.*) -->")
NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
CLOSE = 0.02  # points of an SVG: processors differ in the last bits
FEW = 0.002  # of the pixels, for the same reason


def run(page: str, folder: Path, path: Path = PAGE) -> str:
    """The page with its text blocks refreshed, after all its code has run in `folder`, where the pictures then are."""
    names: dict[str, object] = {}

    def refreshed(found: re.Match[str]) -> str:
        code, line = found["code"], page.count("\n", 0, found.start()) + 1
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):  # the empty lines make tracebacks tell the page's own line
            exec(compile("\n" * line + code, str(path), "exec"), names)
        text = "\n".join(folded(line) for line in printed.getvalue().splitlines())
        return f"```python\n{code}```\n" + (f"\n```text\n{text}\n```\n" if text else "")

    with contextlib.chdir(folder):
        page = CODE.sub(refreshed, page)
    for path in folder.glob("*.png"):
        slim(path)
    return MADE_WITH.sub(f"<!-- pictures made with Matplotlib {matplotlib.__version__} -->", page)


def folded(line: str) -> str:
    """A printed line in pieces that a page holds."""
    return textwrap.fill(line, WIDTH) if len(line) > WIDTH else line


def same_drawing(one: Path, other: Path, *, same_program: bool = True) -> bool:
    """Whether two pictures show the same, apart from last bits, and from the times on an axis of seconds.

    Pictures drawn by different releases of Matplotlib have only their words in common.
    """
    if one.read_bytes() == other.read_bytes():
        return True
    if one.suffix != ".svg":
        return not same_program or _same_pixels(one, other)
    texts = [_texts(path) for path in (one, other)]
    words = [[text for text in part if not NUMBER.fullmatch(text.split(" ")[0])] for part in texts]
    if not same_program or "seconds" in words[0]:
        return words[0] == words[1]
    return texts[0] == texts[1] and _same_lines(one, other)


def slim(path: Path) -> None:
    """Leave a .png its 256 most frequent colours, for the others the nearest of them: a third of the bytes."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    colors, places, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    palette = colors[np.argsort(-counts, kind="stable")[:256]]
    nearest = np.concatenate(
        [
            np.abs(part[:, None].astype(int) - palette.astype(int)).sum(axis=2).argmin(axis=1)
            for part in np.array_split(colors, 64)
        ]
    )
    small = Image.fromarray(nearest[places].reshape(pixels.shape[:2]).astype(np.uint8), "P")
    small.putpalette(palette.ravel().tolist())
    small.save(path, optimize=True)


def _texts(path: Path) -> list[str]:
    return [(node.text or "").strip() for node in ElementTree.parse(path).iter() if node.tag.endswith("}text")]


def _same_lines(one: Path, other: Path) -> bool:
    """The same elements with the same attributes, their numbers as good as equal."""
    parts = [_attributes(path) for path in (one, other)]
    plain = [[NUMBER.sub("#", value) for value in part] for part in parts]
    if plain[0] != plain[1]:
        return False
    numbers = [[float(n.replace("−", "-")) for value in part for n in NUMBER.findall(value)] for part in parts]
    return bool(np.allclose(*numbers, rtol=1e-6, atol=CLOSE))


def _attributes(path: Path) -> list[str]:
    found = []
    for node in ElementTree.parse(path).iter():
        found.append(node.tag)
        for name, value in node.items():
            is_name = name.endswith(("id", "href", "clip-path")) or "url(#" in value
            found.append(name if is_name else value)
    return found


def _same_pixels(one: Path, other: Path) -> bool:
    frames = [list(_frames(path)) for path in (one, other)]
    if [frame.shape for frame in frames[0]] != [frame.shape for frame in frames[1]]:
        return False
    differs = [(np.abs(a - b).max(axis=2) > 32).mean() for a, b in zip(*frames, strict=True)]
    return max(differs) <= FEW


def _frames(path: Path) -> Iterator[np.ndarray]:
    with Image.open(path) as picture:
        for frame in ImageSequence.Iterator(picture):
            yield np.asarray(frame.convert("RGB")).astype(int)


def main() -> None:
    """Run the page; replace it and those pictures that have changed, remove those that are no longer made."""
    before = PAGE.read_text(encoding="utf-8")
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        page = run(before, Path(name))
        made = {path.name: path for path in Path(name).iterdir()}
        for name, path in made.items():
            kept = PICTURES / name
            # A picture of seconds is never the same twice: it is drawn anew when something has changed.
            if not (page == before and kept.is_file() and same_drawing(path, kept)):
                kept.write_bytes(path.read_bytes())
    for path in PICTURES.iterdir():
        if path.name not in made:
            path.unlink()
    PAGE.write_text(page, encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        page_without_pictures = run(BACKPROPAGATION.read_text(encoding="utf-8"), Path(name), BACKPROPAGATION)
    BACKPROPAGATION.write_text(page_without_pictures, encoding="utf-8")
    if odd := sorted(set(made) ^ set(SHOWN.findall(page))):
        sys.exit(f"saved but not shown, or shown but not saved: {', '.join(odd)}")


if __name__ == "__main__":
    main()
