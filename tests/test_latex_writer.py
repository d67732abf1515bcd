"""LaTeX: a document by hand, and what pdflatex says of every block and every sign."""

import re
import shutil
import subprocess
from typing import Any

import pytest

from documents import AWKWARD, CODE, EVERYTHING, document
from test_latex_words import braces_close
from thalweg.document import Blank, Chain, Display, Heading, Items, Paragraph, Table
from thalweg.expressions import Symbol
from thalweg.latex_words import ASCII, LETTERS, SIGNS
from thalweg.writers import write


def test_latex_is_ascii_with_its_braces_closed():
    written = write(EVERYTHING, "latex")
    assert written.isascii() and braces_close(written)
    begun, ended = (re.findall(rf"\\{word}\{{(\w+\*?)\}}", written) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended) and len(begun) > 20
    packages = set(",".join(re.findall(r"\\usepackage(?:\[[^]]*\])?\{([^}]*)\}", written)).split(","))
    assert packages <= set(
        "fontenc inputenc lmodern ae aecompl textcomp geometry amsmath amssymb array booktabs longtable tikz".split()
    )


def test_latex_by_hand():
    example = document(
        Heading("a_b"), Items(("[one]",)), Paragraph(("ŷ: ", Symbol("ŷ"), " ", Blank(8))),
        Display(Chain((Symbol("x"), 2)), "2"), CODE,
    )  # fmt: skip
    assert write(example, "latex").split("\\par}\n\n")[1] == (
        "\\section*{a\\_b}\n\n"
        "\\begin{itemize}\n\\item {[}one{]}\n\\end{itemize}\n\n"
        "\\^{y}: $\\hat{y}$ \\underline{\\hspace{4em}}\n\n"
        "\\begin{equation*}\n\\fitted{x = 2}\\tag{2}\n\\end{equation*}\n\n"
        "\\begin{quote}\n\\ttfamily\\small\\raggedright\n"
        "\\mbox{}import\\ thalweg\\ as\\ tw\\\\\n\\mbox{}\\\\\n"
        "\\mbox{}net\\ =\\ tw.Network({[}2,\\ 3,\\ 5{]})\\ \\ \\#\\ \\^{y}\\\\\n"
        "\\mbox{}\\ \\ \\ \\ print(f\\textquotesingle{}\\{net!r\\}\\ <{}<>{}>\\ 100\\%\\ "
        "\\textquotedbl{}x\\textquotedbl{}\\textquotesingle{})\n\\end{quote}\n\\end{document}\n"
    )


def compiled(source: str, folder: Any) -> str:
    """The log of pdflatex, which has found no error and nothing that runs off the page."""
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        pytest.skip("pdflatex is not on the path")
    if subprocess.run(["kpsewhich", "tikz.sty", "booktabs.sty"], capture_output=True).stdout.count(b"\n") < 2:
        pytest.skip("pdflatex is there without TikZ and booktabs")
    (folder / "out.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "out.tex"]
    for _ in range(2):  # a long table finds its columns in the second run
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=240)
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-3000:]
    assert (folder / "out.pdf").read_bytes().startswith(b"%PDF")
    return (folder / "out.log").read_text("utf-8", "replace")


def test_latex_compiles_and_nothing_runs_off_the_page(tmp_path):
    log = compiled(write(EVERYTHING, "latex"), tmp_path)
    assert re.findall(r"Overfull \\hbox \(\d{2,}\.\d*pt too wide\)", log) == []
    assert "Missing character" not in log


def test_every_sign_that_latex_is_told_of_compiles(tmp_path):
    signs = [*ASCII, *LETTERS, *SIGNS, *(letter + accent for letter in "eyE" for accent in "\u0301\u0302\u0308\u030c")]
    example = document(
        *[Paragraph(f"a{sign}b {sign}") for sign in signs],
        *[Paragraph(Symbol(sign)) for sign in "ŷéÅñşςцłß"],
        Table((AWKWARD, "* a", "[b]"), (("*", "[c]", AWKWARD), ("[d]", "", "e")), caption=AWKWARD),
        Table(("nothing",), ()),
    )
    assert "Missing character" not in compiled(write(example, "latex"), tmp_path)
