"""For tests: a document that has every block and every piece, with words that each format must escape."""

from thalweg.document import (
    Blank,
    Block,
    Chain,
    Code,
    Details,
    Display,
    Document,
    Heading,
    Items,
    Link,
    Paragraph,
    Picture,
    Table,
    Walk,
)
from thalweg.equations import Applied, Matrix, Partial, SumOver
from thalweg.expressions import Symbol, call, number
from thalweg.network_drawing import NetworkDrawing


AWKWARD = r"50 % & <b>_x_</b> #1 $5 ~ ^ \ {a} | `b` [c](d) *e* ŷ é η² − → ≈ ½ 中 'f' " + '"g" -- h'
X1, X2, RATE, E = Symbol("x", (1,)), Symbol("x", (2,)), Symbol("eta"), Symbol("E")


def weight(layer: int, i: int, j: int) -> Symbol:
    return Symbol("W", (i, j), layer)


A = Symbol("a", (2,), layer=1)
DELTA = Symbol("delta", (1,), layer=1)
WEIGHTED = X1 * weight(1, 1, 2) + X2 * weight(1, 2, 2)
FORWARD = Display(
    Chain((A, WEIGHTED, WEIGHTED.with_numbers({X1: 0.5, X2: 1, weight(1, 1, 2): 0.3, weight(1, 2, 2): -0.2}), -0.05)),
    number="2",
    anchor="a-1-2",
    lit=frozenset({("x", 1), ("x", 2), ("W", 1, 1, 2), ("W", 1, 2, 2)}),
    note=("The weighted sum, ", X2, " < 2 & so on"),
)


def backward(terms: int) -> Display:
    """δ₁⁽¹⁾ from so many units above: a sum in brackets, times the slope."""
    slope = Applied("g", Symbol("a", (1,), layer=1), primes=1)
    deltas = [Symbol("delta", (k,), layer=2) for k in range(1, terms + 1)]
    whole = deltas[0] * weight(2, 1, 1)
    for k, delta in enumerate(deltas[1:], 2):
        whole = whole + delta * weight(2, 1, k)
    given = {delta: 0.125 * k for k, delta in enumerate(deltas, 1)}
    given |= {weight(2, 1, k): -0.25 * k for k in range(1, terms + 1)}
    sigma = SumOver("k", Symbol("delta", ("k",), layer=2) * Symbol("W", (1, "k"), layer=2))
    parts = (DELTA, sigma * slope, whole * slope, (whole * number(0.25)).with_numbers(given), -0.0123)
    return Display(Chain(parts), number="6", anchor="delta-1-1", lit=frozenset({("unit", 1, 1), ("W", 2, 1, 2)}))


UPDATE = Display(
    Chain((weight(1, 1, 2), weight(1, 1, 2) - RATE * Partial(E, weight(1, 1, 2)), 2 / 3, 0.667), True, True),
    note=("With ", Link(DELTA, "delta-1-1"), "."),
    lit=frozenset({("W", 1, 1, 2)}),
)
LABELS = {("x", 1): X1, ("W", 1, 1, 2): weight(1, 1, 2), ("x", 2): "5 < 7 & %"}
PICTURE = Picture(NetworkDrawing((2, 3, 5), labels=LABELS, negative=frozenset({("W", 1, 2, 2)})))
TABLE = Table(
    ("weight", "was", ("slope ", Partial(E, Symbol("W"))), "why | how"),
    (
        (weight(1, 1, 1), 0.5, "−1.2e-05", AWKWARD),
        (("*bias*", " ", Symbol("b", (1,), layer=1)), 3, Blank(7), "[a]"),
        ("* star", number(-12.25), "", Chain((call("abs", Symbol("y")), 1))),
    ),
    caption="Weights before & after",
)
CODE = Code("import thalweg as tw\n\nnet = tw.Network([2, 3, 5])  # ŷ\n    print(f'{net!r} <<>> 100% \"x\"')\n")
TERMINAL = Code("$ thalweg explain m.thalweg\n```\n\\end{verbatim}", "console")
SOLUTION = Details(
    "Solution & all",
    (
        Heading("In the solution", 2),
        Paragraph(("Hidden, see ", Link("the sum", "a-1-2"), ".")),
        Walk(PICTURE, (Display(FORWARD.chain), UPDATE)),
    ),
)
EVERYTHING = Document(
    f"Backpropagation: {AWKWARD}",
    (
        Paragraph(
            ("Let ", X1, " = ", 0.5, ", ", Chain((X2, 1)), " and ", Link(A, "a-1-2"), ". Fill in ", Blank(6), ".")
        ),
        Paragraph(AWKWARD),
        Paragraph(AWKWARD[::-1]),
        Heading(AWKWARD),
        Items(("1. one", "- two", ("[three] ", X1, X2), AWKWARD)),
        PICTURE,
        Heading("Backward", 2),
        Walk(PICTURE, (FORWARD, backward(12), UPDATE)),
        Display(Chain((Symbol("ŷ"), Matrix(((X1, number(2)), (number(-3), X1 + 4)))))),
        Display(Chain((backward(7).chain.nodes[2],))),
        Heading("Tables"),
        TABLE,
        Table(("quantity", "formula"), ((DELTA, backward(12).chain.nodes[2]),)),
        Table(("nothing",), ()),
        CODE,
        TERMINAL,
        SOLUTION,
    ),
)


def document(*blocks: Block) -> Document:
    return Document("Exercise", blocks)


def body(written: str) -> str:
    """What is written below the title."""
    return written.partition("\n\n")[2].removesuffix("\n")
