r"""A document as a whole LaTeX file in ASCII, which pdflatex sets with packages that every installation has.

A display breaks long sums in front of a plus sign; what is still too wide for the page, as a long product, is made
smaller by \fitted, so that nothing is lost in the margin.
"""

from __future__ import annotations

from thalweg import network_drawing
from thalweg.alignment import BREAKS_LATEX, aligned_latex
from thalweg.document import Code, Display, Document, Flat, Heading, Items, Paragraph, Table, unfolded
from thalweg.latex_words import latex_formula, latex_words
from thalweg.notation import LATEX
from thalweg.pieces import Blank, Link, Piece, Pieces, chain, each, plain


ROOM = 64  # characters of a row of a display
LONG = 30  # of a formula among words
FULL = 76  # of a row of a table
NARROW = 16  # of a column whose cells are never broken
HEADINGS = ("section", "subsection", "subsubsection", "paragraph", "subparagraph")
PREAMBLE = r"""\documentclass[11pt,a4paper,fleqn]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{\usepackage{ae,aecompl}}
\usepackage{textcomp}
\usepackage[margin=25mm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage{array,booktabs,longtable}
\usepackage{tikz}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.6\baselineskip}
\setlength{\LTleft}{0pt}
\renewcommand{\arraystretch}{1.35}
\setcounter{MaxMatrixCols}{100}
\renewcommand{\labelitemi}{$\bullet$}
\setlength{\emergencystretch}{3em}
\newlength{\room}
\newcommand{\fitted}[1]{%
  \setlength{\room}{\dimexpr\linewidth-\mathindent-3em\relax}%
  \resizebox{\ifdim\width>\room\room\else\width\fi}{!}{$\displaystyle#1$}}
"""


def latex(document: Document) -> str:
    r"""The document as a file for pdflatex.

    >>> file = latex(Document("50 %", (Paragraph("η is the rate."),)))
    >>> print(file[file.index(r"{\LARGE") :], end="")
    {\LARGE\bfseries\raggedright 50 \%\par}
    <BLANKLINE>
    \ensuremath{\eta} is the rate.
    \end{document}
    """
    blocks = [_block(block) for block in unfolded(document.blocks)]
    title = rf"{{\LARGE\bfseries\raggedright {latex_words(document.title)}\par}}"
    body = "\n\n".join([title, *filter(None, blocks)])
    return f"{PREAMBLE}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"


def _block(block: Flat) -> str:
    match block:
        case Heading():
            page = "\\clearpage\n" if block.new_page else ""
            return rf"{page}\{HEADINGS[min(block.level, len(HEADINGS)) - 1]}*{{{latex_words(block.text)}}}"
        case Paragraph():
            return _line(block.pieces)
        case Items():
            return _environment("itemize", "\n".join(rf"\item {_line(item)}" for item in block.items))
        case Display():
            return "\n".join(filter(None, [_line(block.note), _display(block)]))
        case Table():
            return _table(block)
        case Code():
            return _environment("quote", r"\ttfamily\small\raggedright" + "\n" + _code(block))
        case _:
            return _environment("center", network_drawing.tikz(block.drawing))


def _environment(name: str, inside: str) -> str:
    return f"\\begin{{{name}}}\n{inside}\n\\end{{{name}}}"


def _piece(piece: Piece) -> str:
    match piece:
        case str():
            return latex_words(piece)
        case Blank():
            return rf"\underline{{\hspace{{{0.5 * piece.width:g}em}}}}"
        case Link():
            return _piece(piece.piece)
        case _:
            return f"${_breakable(latex_formula(chain(piece).written(LATEX)))}$"


def _breakable(latex: str) -> str:
    """A long formula among words with brackets that TeX breaks lines in; those that grow hold their parts together."""
    if BREAKS_LATEX.width(latex) <= LONG:
        return latex
    return latex.replace(r"\left(", r"\bigl(").replace(r"\right)", r"\bigr)")


def _line(pieces: Pieces) -> str:
    return "".join(map(_piece, each(pieces))).strip()


def _display(display: Display) -> str:
    tag = rf"\tag{{{latex_words(display.number)}}}" if display.number else ""
    return _environment("equation*", rf"\fitted{{{latex_formula(aligned_latex(display.chain, ROOM))}}}{tag}")


def _code(code: Code) -> str:
    return "\\\\\n".join(rf"\mbox{{}}{_code_line(line)}" for line in code.shown.split("\n"))


def _code_line(line: str) -> str:
    # each blank counts, and quotes stay upright
    return r"\ ".join(r"\textquotesingle{}".join(map(latex_words, word.split("'"))) for word in line.split(" "))


def _table(table: Table) -> str:
    headings, *rows = [" & ".join(map(_line, row)) + r" \\" for row in (table.headings, *table.rows)]
    head = [r"\toprule", headings, r"\midrule"]
    lines = [*_caption(table), *head, r"\endfirsthead", *head, r"\endhead", *rows, r"\bottomrule"]
    return "\n".join([rf"\begin{{longtable}}{{@{{}}{_columns(table)}@{{}}}}", *lines, r"\end{longtable}"])


def _caption(table: Table) -> list[str]:
    """A row, so that no page ends between it and the table; without width, so that it makes no column wider."""
    text = rf"\makebox[0pt][l]{{\parbox{{\linewidth}}{{{latex_words(table.caption)}}}}}"
    return [rf"\multicolumn{{{len(table.headings)}}}{{@{{}}l}}{{{text}}} \\[0.4em]"] if table.caption else []


def _columns(table: Table) -> str:
    """r for numbers, l for others; of a table too wide for the page, wide columns of words share the room there is."""
    columns = zip(*(table.headings, *table.rows), strict=True)
    sizes = [2 + max(len(plain(cell)) for cell in column) for column in columns]
    looks = ["r" if right else "l" for right in table.of_numbers]
    if sum(sizes) > FULL:
        wide = [place for place, size in enumerate(sizes) if size > NARROW and looks[place] == "l"]
        total = sum(sizes[place] for place in wide)
        room = max(FULL - sum(sizes) + total, FULL // 2) / FULL
        for place in wide:
            looks[place] = rf">{{\raggedright\arraybackslash}}p{{{room * sizes[place] / total:.2f}\linewidth}}"
    return "".join(looks)
