r"""Words for LaTeX: any text in ASCII that pdflatex can set, letters and signs beyond it as commands.

    η·W₁₂⁽¹⁾ costs 5 % more  →  \ensuremath{\eta}\ensuremath{\cdot}W\ensuremath{_{1}} … costs 5 \% more

A sign that no standard package has is written by its number, U+4E2D: nothing is lost, and the file compiles.
"""

from __future__ import annotations

import re
import unicodedata

from thalweg.notation import GREEK, SUBSCRIPTS, SUPERSCRIPTS
from thalweg.pieces import words


TWICE = "-',<>"  # two of them would become one other sign
ASCII: dict[str, str] = {
    **{sign: "\\" + sign for sign in "{}%&_#$"}, "\\": r"\textbackslash{}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    **{sign: f"{{{sign}}}" for sign in "[]*"},  # which would be read as an option of the line break before them
}  # fmt: skip
LETTERS: dict[str, str] = {
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "ł": r"\l{}", "Ł": r"\L{}", "đ": r"\dj{}", "Đ": r"\DJ{}", "ð": r"\dh{}", "þ": r"\th{}", "ı": r"\i{}",
    "\N{NO-BREAK SPACE}": "~", "\N{THIN SPACE}": r"\,", "\N{NARROW NO-BREAK SPACE}": r"\,", "\N{SOFT HYPHEN}": r"\-",
    "–": "--", "—": "---", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "„": r"\quotedblbase{}",
    "«": r"\guillemotleft{}", "»": r"\guillemotright{}", "§": r"\S{}", "€": r"\texteuro{}",
    "£": r"\pounds{}", "⁄": "/", "‑": "-", "\N{ZERO WIDTH SPACE}": r"\hspace{0pt}", "\N{ZERO WIDTH NO-BREAK SPACE}": "",
}  # fmt: skip
SIGNS: dict[str, str] = {
    **{letter: "\\" + name for name, letter in GREEK.items()},
    **{chr(above): f"^{{{chr(sign)}}}" for sign, above in SUPERSCRIPTS.items() if chr(sign) != "−"},
    **{chr(below): f"_{{{chr(sign)}}}" for sign, below in SUBSCRIPTS.items()},
    "−": "-", "·": r"\cdot", "×": r"\times", "÷": r"\div", "±": r"\pm", "′": "'", "″": "''", "°": r"^{\circ}",
    "≈": r"\approx", "≠": r"\neq", "≤": r"\leq", "≥": r"\geq", "≪": r"\ll", "≫": r"\gg", "∝": r"\propto",
    "→": r"\to", "←": r"\leftarrow", "↔": r"\leftrightarrow", "⇒": r"\Rightarrow", "↦": r"\mapsto", "↑": r"\uparrow",
    "↓": r"\downarrow", "∂": r"\partial", "∇": r"\nabla", "√": r"\surd", "∞": r"\infty", "∈": r"\in", "ℓ": r"\ell",
    "∑": r"\sum", "∏": r"\prod", "⊙": r"\odot", "⊗": r"\otimes", "∘": r"\circ", "ᵀ": "^{T}", "‖": r"\Vert",
    "•": r"\bullet", "⋮": r"\vdots", "⋯": r"\cdots", "✓": r"\checkmark", "¬": r"\neg", "∧": r"\wedge", "∨": r"\vee",
}  # fmt: skip
# accent → its command among words, and in formulas
ACCENTS: dict[str, tuple[str, str]] = {
    "\N{COMBINING GRAVE ACCENT}": ("`", "grave"), "\N{COMBINING ACUTE ACCENT}": ("'", "acute"),
    "\N{COMBINING CIRCUMFLEX ACCENT}": ("^", "hat"), "\N{COMBINING TILDE}": ("~", "tilde"),
    "\N{COMBINING MACRON}": ("=", "bar"), "\N{COMBINING BREVE}": ("u", "breve"),
    "\N{COMBINING DOT ABOVE}": (".", "dot"), "\N{COMBINING DIAERESIS}": ('"', "ddot"),
    "\N{COMBINING RING ABOVE}": ("r", "mathring"), "\N{COMBINING CARON}": ("v", "check"),
    "\N{COMBINING DOUBLE ACUTE ACCENT}": ("H", ""), "\N{COMBINING CEDILLA}": ("c", ""),
    "\N{COMBINING OGONEK}": ("k", ""), "\N{COMBINING DOT BELOW}": ("d", ""),
}  # fmt: skip
CLUSTER = re.compile("(.)([\u0300-\u036f]*)")  # a sign with its accents
FOREIGN = re.compile("(?:[^\x00-\x7f]|[A-Za-z](?=[\u0300-\u036f]))[\u0300-\u036f]*")


def latex_words(text: str) -> str:
    r"""Words as LaTeX sets them.

    >>> print(latex_words("5 % of ŷ → naïve_Bayes #1, 中"))
    5 \% of \^{y} \ensuremath{\to} na\"{i}ve\_Bayes \#1, \texttt{U+4E2D}
    """
    return CLUSTER.sub(_cluster, unicodedata.normalize("NFC", words(text)))


def latex_formula(latex: str) -> str:
    r"""A formula of LaTeX with what letters beyond ASCII are in it as commands.

    >>> print(latex_formula(r"ŷ_{1} - \mathrm{Größe}"))
    \hat{y}_{1} - \mathrm{Gr\ddot{o}\text{\ss{}}e}
    """
    return FOREIGN.sub(lambda cluster: _letter(cluster[0]), unicodedata.normalize("NFC", latex))


def _cluster(found: re.Match[str]) -> str:
    apart = "{}" if found[1] in TWICE and found.string.startswith(found[1], found.end()) else ""
    return _word(found[1], found[2]) + apart


def _word(sign: str, accents: str) -> str:
    """A sign with accents among words."""
    if sign in ASCII or sign in LETTERS:
        text = ASCII.get(sign) or LETTERS[sign]
    elif sign in SIGNS:
        text = rf"\ensuremath{{{SIGNS[sign]}}}"
    elif sign.isascii():
        text = sign
    else:
        return _decomposed(sign, accents)
    for accent in accents:
        if accent in ACCENTS:
            text = rf"\{ACCENTS[accent][0]}{{{text}}}"
        else:
            text += _number(accent)
    return text


def _decomposed(sign: str, accents: str) -> str:
    """A sign that is a letter with accents, or stands for others, as ﬁ for f and i."""
    parts = unicodedata.normalize("NFKD", sign)
    if parts == sign:
        return _number(sign) + "".join(map(_number, accents))
    return CLUSTER.sub(_cluster, parts + accents)


def _number(sign: str) -> str:
    return rf"\texttt{{U+{ord(sign):04X}}}"


def _letter(cluster: str) -> str:
    """A letter with accents in a formula."""
    letter, *accents = unicodedata.normalize("NFD", cluster)
    if cluster in SIGNS:
        return rf"\ensuremath{{{SIGNS[cluster]}}}"
    commands = [ACCENTS.get(accent, ("", ""))[1] for accent in accents]
    if not accents or not all(commands) or not (letter.isascii() or letter in SIGNS):
        return rf"\text{{{latex_words(cluster)}}}"
    text = SIGNS.get(letter, letter)
    for command in commands:
        text = rf"\{command}{{{text}}}"
    return text
