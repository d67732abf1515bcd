"""Network drawings: what stands where in the SVG and the TikZ, read back from their text; widths from a real font."""

import functools
import re
import shutil
import string
import subprocess
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

import thalweg as tw
from figures import luminance
from thalweg.expressions import Symbol, number
from thalweg.network_drawing import STYLE, NetworkDrawing, css_class, lit_svg_rules, svg, tikz


SVG = "{http://www.w3.org/2000/svg}"
PATH = [("x", 1), ("W", 1, 1, 3), ("unit", 1, 3), ("W", 2, 3, 2), ("unit", 2, 2), ("E",)]
FONT = FontProperties(family="DejaVu Sans", size=15)  # wider than most; a point of it is a pixel of the drawing


def keys_of(sizes, bias) -> list[Any]:
    keys: list[Any] = [("x", i) for i in range(1, sizes[0] + 1)] + [("E",)]
    for layer in range(1, len(sizes)):
        for j in range(1, sizes[layer] + 1):
            keys += [("unit", layer, j), *[("W", layer, i, j) for i in range(1, sizes[layer - 1] + 1)]]
            keys += [("b", layer, j)] * bias
    return keys


def labelled(sizes, bias=False, **more):
    """With a symbol at everything."""
    names = {"x": "x", "unit": "z", "W": "W", "b": "b", "E": "E"}
    labels = {
        key: Symbol(names[key[0]], key[1:] if key[0] == "x" else key[2:], key[1] if len(key) > 2 else None)
        for key in keys_of(sizes, bias)
    }
    return NetworkDrawing(sizes, bias, labels, **more)


def read(drawing, **how):
    return ET.fromstring(svg(drawing, **how))


def classes(element):
    return element.get("class", "").split()


def of(root, tag, key):
    return [element for element in root.iter(SVG + tag) if css_class(key) in classes(element)]


def centre(rect):
    x, y, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
    return x + width / 2, y + height / 2


def near(point):
    return pytest.approx(point, abs=0.2)  # places are written to a tenth of a pixel


def ends(line):
    x1, y1, x2, y2 = (float(line.get(name)) for name in ("x1", "y1", "x2", "y2"))
    return (x1, y1), (x2, y2)


def numbers_in(root, kind):
    """The numbers of the inputs or of layer 1's units that are shown."""
    found = [re.search(rf"\bk-{kind}-(\d+)", rect.get("class")) for rect in root.iter(SVG + "rect")]
    return [int(match[1]) for match in found if match]


@functools.cache
def width(words):
    return TextPath((0, 0), words, prop=FONT).get_extents().width


def box(text):
    """Left, right, top and bottom of a text, in a font that is there."""
    wide = width(text.text)
    x, y = float(text.get("x")), float(text.get("y"))
    left = x - wide if text.get("text-anchor") == "end" else x - wide / 2
    return left, left + wide, y - 11, y


def apart(a, b):
    return a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]


def test_every_element_has_its_class_and_stands_where_it_belongs():
    sizes = (2, 3, 5)
    root = read(labelled(sizes, bias=True))
    place = {}
    for key in keys_of(sizes, bias=True):
        shapes, words = of(root, "rect" if key[0] in ("x", "unit", "E") else "line", key), of(root, "text", key)
        assert len(shapes) == len(words) == 1, key
        if shapes[0].tag == SVG + "rect":
            place[key] = centre(shapes[0])
    for key in keys_of(sizes, bias=True):
        if key[0] == "W":
            _, layer, i, j = key
            start, end = ends(*of(root, "line", key))
            assert start == near(place["x", i] if layer == 1 else place["unit", layer - 1, i]), key
            assert end == near(place["unit", layer, j]), key
        if key[0] == "b":
            (x, y), (foot, under) = ends(*of(root, "line", key))
            assert (x, y) == near(place[("unit", *key[1:])]) and foot == x and under > y
    joins = [ends(line) for j in range(1, 6) for line in of(root, "line", ("E", 2, j))]
    assert joins == [(near(place["unit", 2, j]), near(place["E",])) for j in range(1, 6)]
    assert len([*root.iter(SVG + "line")]) == 2 * 3 + 3 * 5 + 3 + 5 + 5
    assert of(root, "text", ("W", 2, 3, 5))[0].text == "W₃₅⁽²⁾"
    assert [place["x", i][0] for i in (1, 2)] == [place["x", 1][0]] * 2 < [place["unit", 1, 1][0]] * 2
    assert place["unit", 1, 1][1] < place["unit", 1, 2][1] < place["unit", 1, 3][1]


def test_an_svg_for_a_page_and_one_alone():
    drawing = labelled((2, 3, 1))
    text = svg(drawing, title="A & B")
    root = ET.fromstring(text)
    assert root.get("role") == "img" and root.get("width") == "100%" and "height" not in root.attrib
    assert [child.tag for child in root][:2] == [SVG + "title", SVG + "desc"]
    assert root[0].text == "A & B" and root[1].text == drawing.description
    assert "<style" not in text and " id=" not in text and "<script" not in text and "url(" not in STYLE
    assert "some-lit" not in classes(root)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for rect in root.iter(SVG + "rect"):
        x, y = centre(rect)
        assert 0 < x < width and 0 < y < height
    alone = read(drawing, alone=True)
    assert [style.text for style in alone.iter(SVG + "style")] == [STYLE]
    assert svg(drawing) == svg(drawing)


def test_the_accent_is_seen_on_white_and_on_dark_pages():
    accent = re.findall("#[0-9a-f]{6}", STYLE)
    assert len(accent) == 1
    for page in ("#ffffff", "#15191c"):
        light, dark = sorted([luminance(accent[0]), luminance(page)], reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4


@given(st.dictionaries(st.sampled_from(keys_of((2, 3), True)), st.text(max_size=40)))
def test_any_label_makes_an_xml_with_that_text(labels):
    root = read(NetworkDrawing((2, 3), True, labels))
    for key, label in labels.items():
        text = of(root, "text", key)[0].text or ""
        shown = "".join(sign if sign.isprintable() else " " for sign in label)
        assert text == (shown if len(shown) <= 28 else shown[:27] + "…")


def test_labels_are_escaped():
    text = svg(NetworkDrawing((2, 1), labels={("x", 2): "a<b & c>d"}))
    assert ">a&lt;b &amp; c&gt;d</text>" in text


def test_what_is_lit_has_the_class_and_so_has_its_line_to_the_error():
    drawing = labelled((2, 3, 2), lit=frozenset(PATH))
    root = read(drawing)
    lit = [classes(element) for element in root.iter() if "lit" in classes(element)]
    assert "some-lit" in classes(root)
    assert {name for names in lit for name in names if name.startswith("k-")} == {
        *map(css_class, PATH), css_class(("E", 2, 2))
    }  # fmt: skip
    assert len(lit) == 2 * len(PATH) + 1  # a shape and a label each, and the line to the error
    lines = ["lit" in classes(line) for line in root.iter(SVG + "line")]
    assert lines == sorted(lines)  # above the others
    without = read(labelled((2, 3, 2), lit=frozenset({("unit", 2, 1)})))
    assert "lit" not in classes(of(without, "line", ("E", 2, 1))[0])


def test_the_sign_of_a_weight_is_seen_by_dashes():
    negative = frozenset({("W", 1, 2, 1), ("W", 1, 1, 3)})
    drawing = labelled((2, 3), negative=negative, lit=frozenset({("W", 1, 1, 3)}))
    root = read(drawing)
    dashed = [line for line in root.iter(SVG + "line") if "negative" in classes(line)]
    assert {names for line in dashed for names in classes(line)} == {"negative", "lit", "k-W-1-2-1", "k-W-1-1-3"}
    assert ".negative { stroke-dasharray" in STYLE
    assert "dashed: negative" in svg(drawing) and "dashed: negative" not in svg(labelled((2, 3)))
    assert tikz(drawing).count(", dashed") == 2 and "dashed" not in tikz(labelled((2, 3)))


def test_rules_light_what_a_drawing_has():
    when = ":root:has(#step-12:checked)"
    rules = lit_svg_rules(PATH, when)
    pale, lit = rules.splitlines()
    assert pale.startswith(f"{when} .network-drawing {{ --net-fade: 0.") and rules.count("{") == rules.count("}") == 2
    root = read(labelled((2, 3, 2)))
    there = {name for element in root.iter() for name in classes(element)}
    selectors = re.findall(r"\.(k-[\w-]+)", lit)
    assert set(selectors) == {*map(css_class, PATH), "k-E-2-2"} <= there
    assert lit_svg_rules([], when) == ""
    assert lit_svg_rules(set(PATH), when) == lit_svg_rules(reversed(PATH), when) == rules
    # every variable that rules set is one that STYLE reads
    assert set(re.findall(r"(--net-\w+):", rules)) <= set(re.findall(r"var\((--net-\w+)", STYLE))


def test_large_layers_are_abridged():
    root = read(NetworkDrawing((57, 20, 2)))
    assert numbers_in(root, "x") == [1, 2, 3, 4, 5, 57]
    assert numbers_in(root, "unit-1") == [1, 2, 3, 4, 5, 20]
    assert [text.text for text in root.iter(SVG + "text")].count("⋮") == 2
    assert "57 inputs" in svg(NetworkDrawing((57, 20, 2)))
    root = read(NetworkDrawing((57, 20, 2), lit=frozenset({("W", 1, 17, 9)}), kept=frozenset({("x", 55)})))
    assert numbers_in(root, "x") == [1, 2, 3, 4, 5, 17, 55, 56, 57]  # dots would stand for 56 alone
    assert numbers_in(root, "unit-1") == [1, 2, 3, 4, 5, 9, 20]
    assert [text.text for text in root.iter(SVG + "text")].count("⋮") == 4
    assert numbers_in(read(NetworkDrawing((8, 7, 1))), "x") == [*range(1, 9)]


@given(st.integers(1, 97), st.sets(st.integers(1, 97), max_size=7))
def test_dots_stand_for_two_units_or_more(size, asked):
    asked = {unit for unit in asked if unit <= size}
    root = read(NetworkDrawing((size, 2), kept=frozenset(("x", unit) for unit in asked)))
    seen = numbers_in(root, "x")
    assert seen == sorted(set(seen)) and asked | {1, size} <= set(seen) <= set(range(1, size + 1))
    gaps = [b - a - 1 for a, b in zip(seen, seen[1:], strict=False) if b - a > 1]
    assert all(gap >= 2 for gap in gaps)
    dots = [text for text in root.iter(SVG + "text") if text.text == "⋮"]
    assert len(dots) == len(gaps) and len(seen) + len(dots) <= 8 + 4 * len(asked)


def test_lines_and_labels_of_large_networks():
    def lines(drawing):
        root = read(drawing)
        thin = [line for line in root.iter(SVG + "line") if "thin" in classes(line)]
        weights = [line for line in root.iter(SVG + "line") if "k-W" in line.get("class", "")]
        texts = [text for text in root.iter(SVG + "text") if "k-W" in text.get("class", "")]
        return len(weights), len(thin), len(texts)

    assert lines(labelled((5, 7, 3))) == (56, 0, 56)  # 35 + 21
    assert lines(labelled((5, 7, 5))) == (70, 70, 0)
    weight = ("W", 2, 7, 5)
    assert lines(labelled((5, 7, 5), lit=frozenset({weight}))) == (70, 69, 1)
    assert lines(NetworkDrawing((5, 7, 5), labels={weight: "0.5"})) == (70, 69, 1)
    everything = labelled((57, 19, 2))  # 1,121 labels at weights; 6 · 6 + 6 · 2 weights between shown units
    assert lines(everything) == (48, 0, 48)
    assert lines(labelled((57, 19, 7), kept=frozenset({("W", 1, 17, 11)}))) == (7 * 7 + 7 * 7, 97, 1)
    deep = (7,) * 6  # 5 · 49 weights
    assert lines(NetworkDrawing(deep)) == (0, 0, 0)
    assert lines(labelled(deep, lit=frozenset({("W", 3, 2, 5)}), kept=frozenset({("W", 5, 7, 7)}))) == (2, 0, 2)


SIZES = st.lists(st.integers(1, 7), min_size=2, max_size=4).filter(
    lambda sizes: sum(a * b for a, b in zip(sizes, sizes[1:], strict=False)) <= 60
)


@settings(max_examples=30, deadline=None)
@given(SIZES, st.booleans(), st.sampled_from(["symbols", "−0.25", "−0.4862", "0.1"]))
def test_labels_do_not_overlap_and_stand_on_their_lines(sizes, bias, written):
    drawing = labelled(tuple(sizes), bias)
    if written != "symbols":
        drawing = NetworkDrawing(tuple(sizes), bias, {key: written for key in keys_of(sizes, bias)})
    root = read(drawing)
    texts = [text for text in root.iter(SVG + "text") if "caption" not in classes(text)]
    boxes = [box(text) for text in texts]
    for k, a in enumerate(boxes):
        for other, b in zip(texts[:k], boxes, strict=False):
            assert apart(a, b), (sizes, classes(texts[k]), classes(other))
    for rect in root.iter(SVG + "rect"):
        (x, y), half, down = centre(rect), *(float(rect.get(side, "")) / 2 for side in ("width", "height"))
        for text, a in zip(texts, boxes, strict=True):
            if "inside" in classes(text):
                if classes(text)[1] == classes(rect)[0]:
                    assert x - half < a[0] and a[1] < x + half
            else:
                assert apart(a, (x - half, x + half, y - down, y + down)), (sizes, classes(text), classes(rect))
    for key in keys_of(sizes, bias):
        if key[0] == "W":
            (line,), (text,) = of(root, "line", key), of(root, "text", key)
            (x1, y1), (x2, y2) = ends(line)
            x, baseline = (float(text.get(name, "")) for name in ("x", "y"))
            share = (x - x1) / (x2 - x1)
            assert 0 < share < 1 and y1 + share * (y2 - y1) == pytest.approx(baseline - 5.25, abs=0.3)


def test_a_drawing_in_words():
    labels: dict[Any, Any] = {("E",): "0.2", ("x", 1): Symbol("x", (1,)), ("b", 2, 1): number(-0.5)}
    drawing = NetworkDrawing(
        (2, 3, 1),
        bias=True,
        labels=labels | {("unit", 1, 3): "0.7"},
        lit=frozenset({("E",), ("W", 2, 3, 1), ("x", 2)}),
        negative=frozenset({("b", 2, 1)}),
    )
    assert drawing.description == (
        "Network: 2 inputs, layer 1: 3 units, layer 2: 1 output, biases, error. "
        "Lit: input 2, W 3→1 of layer 2, the error. Dashed: b 1 of layer 2. "
        "Labels: input 1 is x₁, unit 3 of layer 1 is 0.7, b 1 of layer 2 is −0.5, the error is 0.2."
    )
    assert labelled((57, 19, 2)).description == "Network: 57 inputs, layer 1: 19 units, layer 2: 2 outputs, error."


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("labels", ("x", 3)), ("labels", ("unit", 0, 1)), ("lit", ("unit", 3, 1)), ("lit", ("W", 1, 3, 1)),
        ("kept", ("W", 1, 1, 4)), ("kept", ("W", 2, 0, 1)), ("negative", ("b", 1, 1)), ("lit", ("W", "a", 1, 1)),
        ("lit", ("E", 1)), ("lit", "x"), ("lit", ()), ("lit", ("z", 1, 1)), ("lit", ("x", 1.5)),
    ],
)  # fmt: skip
def test_a_key_of_nothing_is_refused(name, key):
    keys: Any = {key: "0.5"} if name == "labels" else frozenset({key})
    sentence = f"{name} has {key!r}, which is nothing in a network 2-3-1 without biases: write"
    with pytest.raises(tw.InputError, match=re.escape(sentence)):
        NetworkDrawing((2, 3, 1), **{name: keys})


@pytest.mark.parametrize("sizes", [(), (2,), (2, 0), (2, -3, 1)])
def test_sizes_of_no_network_are_refused(sizes):
    with pytest.raises(tw.InputError, match=re.escape("a positive number of each: not " + "-".join(map(str, sizes)))):
        NetworkDrawing(sizes)


DRAWINGS = {
    "2-3-2": labelled((2, 3, 2), bias=True, lit=frozenset(PATH), negative=frozenset({("W", 1, 2, 2)})),
    "57-19-2": labelled((57, 19, 2), lit=frozenset({("W", 1, 17, 11), ("unit", 1, 11)})),
    "tall": NetworkDrawing((7, 5, 3), labels=dict.fromkeys(keys_of((7, 5, 3), False), "−0.4862")),
    "wide": labelled((2, 3, 3, 3, 3, 1), bias=True),
    "words": NetworkDrawing(
        (5, 3, 1),
        labels={
            ("x", 1): string.punctuation, ("x", 2): "Größe æøåßłœ", ("x", 3): "ŷ₁⁽²⁾ = θ²·δ ≈ −1",
            ("x", 4): "Ünïcödé ∂ → × ′ … 中", ("x", 5): r"100 % \section{a_b} $x^2$", ("E",): "",
        },
    ),
}  # fmt: skip


def nodes_and_lines(text):
    return text.count("\\node["), text.count("\\draw[")


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=DRAWINGS)
def test_tikz_has_what_the_svg_has(drawing):
    text, root = tikz(drawing), read(drawing)
    assert text.isascii() and text.count("\\begin{tikzpicture}") == text.count("\\end{tikzpicture}") == 1
    count = {tag: len([*root.iter(SVG + tag)]) for tag in ("rect", "line", "text")}
    assert nodes_and_lines(text) == (count["rect"] + count["text"], count["line"])
    bare = re.sub(r"\\[{}]", "", text)
    depths = [0]
    for brace in re.findall("[{}]", bare):
        depths.append(depths[-1] + (1 if brace == "{" else -1))
    assert depths[-1] == 0 == min(depths)
    assert text.count("$") % 2 == text.count(r"\$") % 2


def test_labels_in_latex_by_hand():
    def written(label):
        return re.findall(r"net before\] at \(.*?\) \{(.*)\};", tikz(NetworkDrawing((1, 2), labels={("x", 1): label})))

    assert written(Symbol("W", (1, 2), 3)) == ["$W_{12}^{(3)}$"] and written(number(-0.25)) == ["$-0.25$"]
    assert written("−0.25 & 5 %") == [r"$-$0.25 \& 5 \%"] and written("ŷ₁ é") == [r"\^{y}$_{1}$ \'{e}"]
    assert written("a_b\\{c}") == [r"a\_b\textbackslash{}\{c\}"] and written("δ²") == [r"$\delta$$^{2}$"]
    assert written("x" * 29) == ["x" * 27 + r"\ldots{}"]
    assert written("5 € 中") == [r"5 \texttt{U+20AC} \texttt{U+4E2D}"] and written(Symbol("Maß")) == [r"Ma\ss{}"]


def test_pdflatex_compiles_it_and_it_fits_a_page(tmp_path):
    if not shutil.which("pdflatex") or not shutil.which("kpsewhich"):
        pytest.skip("pdflatex is not installed")
    if subprocess.run(["kpsewhich", "tikz.sty"], capture_output=True).returncode:
        pytest.skip("LaTeX is here without TikZ")
    boxes = [
        f"\\setbox0=\\hbox{{{tikz(drawing)}}}\\typeout{{SIZE \\the\\wd0 \\space \\the\\ht0}}\\shipout\\box0"
        for drawing in DRAWINGS.values()
    ]
    document = ["\\documentclass{article}", "\\usepackage{tikz}", "\\begin{document}", *boxes, "\\end{document}"]
    (tmp_path / "drawings.tex").write_text("\n".join(document), encoding="ascii")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "drawings.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=240)
    said = done.stdout.decode("latin-1")
    assert done.returncode == 0, said[-2000:]
    assert "Missing character" not in said
    sizes = [(float(wide), float(tall)) for wide, tall in re.findall(r"SIZE ([\d.]+)pt ([\d.]+)pt", said)]
    assert len(sizes) == len(DRAWINGS)
    for wide, tall in sizes:
        assert 50 < wide < 440 and 50 < tall < 610
