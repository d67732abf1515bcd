"""Network drawings: a feed-forward network as SVG for pages and notebooks, and as TikZ for LaTeX."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable

from thalweg.network_sketch import EM, Label, forward, label_text, sketched, with_joins
from thalweg.network_sketch import Key as Key
from thalweg.network_sketch import NetworkDrawing as NetworkDrawing
from thalweg.notation import GREEK, SUBSCRIPTS, SUPERSCRIPTS


POINTS = 0.58, 0.68  # for a pixel across and down; the letters of LaTeX are narrower
PAPER = 430.0, 600.0  # points that a picture in LaTeX may be wide and tall

# What is lit is thicker and bolder too. The blue has a contrast above 4 both to white and to the dark of pages.
LIT = "--net-ink: var(--net-accent); --net-width: 3px; --net-weight: 700; --net-fade: 1; --net-soft: 1;"
PALE = "--net-fade: 0.35; --net-soft: 0.65;"
STYLE = f"""\
.network-drawing {{ --net-accent: var(--accent, #1a7fc4); display: block; width: 100%; height: auto; margin: 0 auto;
  --net-paper: var(--paper, var(--jp-layout-color0, var(--vscode-editor-background, Canvas)));
  font: {EM:g}px system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }}
.network-drawing line, .network-drawing rect {{ fill: var(--net-paper); stroke: var(--net-ink, currentColor);
  stroke-width: var(--net-width, 1.3px); stroke-opacity: var(--net-fade, 1); }}
.network-drawing text {{ fill: var(--net-ink, currentColor); fill-opacity: var(--net-soft, 1);
  font-weight: var(--net-weight, 400); }}
.network-drawing .beside {{ stroke: var(--net-paper); stroke-width: 9px; stroke-linejoin: round; paint-order: stroke; }}
.network-drawing .dots {{ font-size: 24px; }}
.network-drawing .caption {{ font-size: 13px; --net-soft: 0.75; }}
.network-drawing .thin {{ --net-width: 0.6px; --net-fade: 0.4; }}
.network-drawing .negative {{ stroke-dasharray: 7 4; }}
.network-drawing.some-lit {{ {PALE} }}
.network-drawing .lit {{ {LIT} }}
"""


def css_class(key: Key) -> str:
    """The class of all that is drawn for a key.

    >>> css_class(("W", 1, 1, 2)), css_class(("E",))
    ('k-W-1-1-2', 'k-E')
    """
    return "-".join(("k", *map(str, key)))


# SVG


def svg(drawing: NetworkDrawing, title: str = "Feed-forward network", alone: bool = False) -> str:
    """The drawing as one <svg> element, as wide as there is room; what is drawn for a key has its `css_class`.

    The page includes STYLE once; a drawing that is shown `alone`, as in a notebook, has it inside. Colours are the
    text's own, and `--accent` and `--paper` where the page sets them.

    >>> svg(NetworkDrawing((2, 3, 1)))[:70]
    '<svg xmlns="http://www.w3.org/2000/svg" class="network-drawing" role="'
    """
    sketch = sketched(drawing)
    lit = with_joins(drawing.lit)

    def marked(tag: str, look: str, key: Key) -> str:
        classes = [look, css_class(key) if key else "", "lit" if key in lit else ""]
        return f'<{tag} class="{" ".join(filter(None, classes))}"'

    shapes = []
    for key, (x, y), (to_x, to_y), thin in sorted(sketch.lines, key=lambda line: line.key in lit):
        look = " ".join(["thin"] * thin + ["negative"] * (key in drawing.negative))
        shapes.append(f'{marked("line", look, key)} x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>')
    for key, (x, y), across, down in sketch.units:
        size = f'width="{2 * across:.1f}" height="{2 * down:.1f}" rx="{down:.1f}"'
        shapes.append(f'{marked("rect", "", key)} x="{x - across:.1f}" y="{y - down:.1f}" {size}/>')
    words = []
    for look, (x, y), label, key in sketch.words:
        end = ' text-anchor="end"' if look == "before" else ""
        place = f'x="{x:.1f}" y="{y + 0.35 * EM:.1f}"'
        words.append(f"{marked('text', look, key)} {place}{end}>{html.escape(label_text(label))}</text>")
    look = f'class="network-drawing{" some-lit" if lit else ""}" role="img"'
    size = f'width="100%" style="max-width:{sketch.width:.0f}px" viewBox="0 0 {sketch.width:.1f} {sketch.height:.1f}"'
    # what the groups say is for programs that know no variables in CSS; STYLE overrides it
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {look} {size}>',
            f"<title>{html.escape(title)}</title>",
            f"<desc>{html.escape(drawing.description)}</desc>",
            *[f"<style>{STYLE}</style>"] * alone,
            '<g fill="white" stroke="currentColor" stroke-width="1.3">',
            *shapes,
            "</g>",
            f'<g fill="currentColor" font-family="sans-serif" font-size="{EM:g}" text-anchor="middle">',
            *words,
            "</g>",
            "</svg>",
        ]
    )


def lit_svg_rules(lit: Iterable[Key], when: str) -> str:
    """Rules of CSS that light these keys, and pale the rest, in drawings below what the selector `when` selects.

    >>> pale, lit = lit_svg_rules([("E",), ("unit", 1, 2)], ":root:has(#step-12:checked)").splitlines()
    >>> print(lit.partition(" {")[0])
    :root:has(#step-12:checked) .network-drawing :is(.k-E-1-2, .k-unit-1-2, .k-E)
    """
    keys = sorted(with_joins(lit), key=forward)
    these = ", ".join(f".{css_class(key)}" for key in keys)
    rules = [f"{when} .network-drawing {{ {PALE} }}", f"{when} .network-drawing :is({these}) {{ {LIT} }}"]
    return "\n".join(rules) if keys else ""


# TikZ

TIKZ = r"""\begin{tikzpicture}[x=%.3fpt, y=%.3fpt, scale=%.3f, transform shape,
  net line/.style={draw=%s}, net unit/.style={draw=%s, fill=white, inner sep=0pt},
  net words/.style={text=%s, inner sep=1pt}, net thin/.style={draw=black!30, line width=0.2pt},
  net lit/.style={draw=accent, line width=1.4pt}, net lit words/.style={text=accent, font=\bfseries\boldmath},
  net inside/.style={}, net beside/.style={fill=white}, net before/.style={anchor=east},
  net caption/.style={font=\footnotesize}, net dots/.style={}]
\definecolor{accent}{RGB}{0,114,178}"""

ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327", "`'^~=u.\"rHvc", strict=True)
)
SIGNS: dict[str, str] = {
    **{sign: "\\" + sign for sign in "{}%&_#$"}, **{sign: f"${sign}$" for sign in "<>|"},
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "ß": r"\ss{}", "ø": r"\o{}",
    "æ": r"\ae{}", "œ": r"\oe{}", "ł": r"\l{}", "…": r"\ldots{}", "–": "--", "⋮": r"$\vdots$", "−": "$-$",
    "·": r"$\cdot$", "×": r"$\times$", "≈": r"$\approx$", "→": r"$\to$", "′": "$'$", "∂": r"$\partial$",
    **{letter: rf"$\{name}$" for name, letter in GREEK.items()},
    **{chr(above): f"$^{{{chr(sign)}}}$" for sign, above in SUPERSCRIPTS.items()},
    **{chr(below): f"$_{{{chr(sign)}}}$" for sign, below in SUBSCRIPTS.items()},
}  # fmt: skip


def tikz(drawing: NetworkDrawing) -> str:
    r"""The drawing as one tikzpicture environment in ASCII, at most 430 by 600 points; it needs \usepackage{tikz}.

    A character that LaTeX has no command for is written by its number, as U+4E2D.

    >>> print(tikz(NetworkDrawing((2, 3), labels={("x", 2): "50 %"})).splitlines()[-3])
    \node[net words, net before] at (54.9,-105.0) {50 \%};
    """
    sketch = sketched(drawing)
    lit = with_joins(drawing.lit)
    scale = min(1.0, PAPER[0] / (POINTS[0] * sketch.width), PAPER[1] / (POINTS[1] * sketch.height))
    pale, soft = ("black!40", "black!65") if lit else ("black", "black")
    parts = [TIKZ % (*POINTS, scale, pale, pale, soft)]
    for key, (x, y), (to_x, to_y), thin in sorted(sketch.lines, key=lambda line: line.key in lit):
        looks = ", net thin" * thin + ", dashed" * (key in drawing.negative) + ", net lit" * (key in lit)
        parts.append(rf"\draw[net line{looks}] ({x:.1f},{-y:.1f}) -- ({to_x:.1f},{-to_y:.1f});")
    for key, (x, y), across, down in sketch.units:
        wide, high = 2 * across * POINTS[0], 2 * down * POINTS[0]
        # corners are not scaled with the rest, and those of exactly half the height leave spikes
        corner = 0.49 * high * scale
        box = f"minimum width={wide:.1f}pt, minimum height={high:.1f}pt, rounded corners={corner:.2f}pt"
        parts.append(rf"\node[net unit{', net lit' * (key in lit)}, {box}] at ({x:.1f},{-y:.1f}) {{}};")
    for look, (x, y), label, key in sketch.words:
        looks = f", net {look}" + ", net lit words" * (key in lit)
        parts.append(rf"\node[net words{looks}] at ({x:.1f},{-y:.1f}) {{{_latex(label)}}};")
    return "\n".join([*parts, r"\end{tikzpicture}"])


def _latex(label: Label) -> str:
    if not isinstance(label, str) and label.latex.isascii():
        return f"${label.latex}$"
    written: list[str] = []
    for sign in unicodedata.normalize("NFD", label_text(label)):
        if sign in ACCENTS and written:
            written[-1] = rf"\{ACCENTS[sign]}{{{written[-1]}}}"
        else:
            written.append(SIGNS.get(sign) or (sign if sign.isascii() else rf"\texttt{{U+{ord(sign):04X}}}"))
    return "".join(written)
