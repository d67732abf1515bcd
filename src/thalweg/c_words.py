"""Words of C99: names, texts, numbers and comments, so that whatever a column or a label is called compiles."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

import numpy as np

from thalweg.errors import InputError
from thalweg.exports import unused


LONGEST_TEXT = 4095  # bytes of a literal that every C99 compiler takes (section 5.2.4.1)
LONGEST_NAME = 48
WIDTH = 110

# Not for members of a structure: keywords of C and C++, and macros of the headers and of compilers.
RESERVED = frozenset(
    """
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class
    co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default
    delete do double dynamic_cast else enum explicit export extern false far float for friend goto if inline int
    interface long mutable namespace near new noexcept not not_eq nullptr operator or or_eq private protected public
    register reinterpret_cast requires restrict return short signed sizeof small static static_assert static_cast
    struct switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned
    using virtual void volatile wchar_t while xor xor_eq
    assert complex errno i386 imaginary linux max min noreturn stderr stdin stdout unix
    BIG_ENDIAN CHAR_BIT CHAR_MAX CHAR_MIN DOMAIN EOF FALSE HUGE I IN INFINITY LITTLE_ENDIAN MAXFLOAT NAN NULL OPTIONAL
    OUT OVERFLOW PLOSS SING SNAN TLOSS TRUE UNDERFLOW X_TLOSS
    """.split()
)
_MACROS = re.compile(
    r"(U?INT|U?LONG|U?LLONG|SHRT|SCHAR|FLT|DBL|LDBL)(\d|_|MAX|PTR|C_).*"
    r"|(DECIMAL|FP|HUGE|M|MATH|PTRDIFF|SIG|SIZE|SNAN|SSIZE|WCHAR|WINT)_.*|math_errhandling"
)
# Octal for @, which stands for the blanks of `filled`; \? so that no two of them begin a trigraph.
_SIMPLE = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\", "?": r"\?", "@": r"\100"}


def identifier(text: str, taken: set[str]) -> str:
    """A name that no other has: letters, digits and underscores, the first a letter.

    >>> taken = set()
    >>> [identifier(text, taken) for text in ("age", "work class", "class", "9 lives", "größe", "work-class")]
    ['age', 'work_class', 'class_', 'x9_lives', 'gr_e', 'work_class_2']
    """
    name = letters(text)
    if name in RESERVED or _MACROS.fullmatch(name):
        name += "_"
    return unused(name, taken)


def letters(text: str) -> str:
    """The letters, digits and underscores of a text, a letter first: the beginning of names.

    >>> letters("model-2"), letters("42")
    ('model_2', 'x42')
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", text)[:LONGEST_NAME].strip("_")
    return name if re.match("[A-Za-z]", name) else f"x{name}"


def string(text: str) -> str:
    r"""The text as a literal of its UTF-8 bytes.

    Raises:
        InputError: C cannot hold it: it has a zero byte, or is too long.

    >>> print(string('50 % "ß"??/'))
    "50 % \"\303\237\"\?\?/"
    """
    if "\0" in text:
        message = f"the text {_shortened(text)} has a zero byte, where a text of C ends; export to ONNX instead"
        raise InputError(message)
    if len(text.encode()) > LONGEST_TEXT:
        message = (
            f"the text {_shortened(text)} has over {LONGEST_TEXT:,} bytes, too many for a literal of C; export to ONNX "
            f"instead"
        )
        raise InputError(message)
    # Octal escapes end after three digits; hexadecimal ones would run on into what follows.
    return '"' + "".join(_SIMPLE.get(sign) or _bytes(sign) for sign in text) + '"'


def comment(text: str) -> str:
    """A text as it may stand inside a comment, in quotes: on one line, and without the end of the comment.

    >>> print(comment("a*/b"))
    "a\\052/b"
    """
    return '"' + "".join(_in_comment(sign) for sign in text) + '"'


def number(value: float | np.float32) -> str:
    """A constant that is read back to the same bits: the fewest digits that tell it from its neighbours.

    >>> number(np.float32(0.1)), number(1e-300), number(-2.0)
    ('0.1f', '1e-300', '-2.0')
    """
    return f"{value!s}f" if type(value) is np.float32 else repr(float(value))


def filled(code: str, name: str, real: str) -> str:
    """C with the blanks filled in: @ is the name that begins all names, @real the type of the network, @f its suffix.

    No text or name of a user has an @, as `string`, `comment` and `identifier` write them.

    >>> filled("@real @_half(@real a) { return exp@f(a) / 2; }", "spam", "float")
    'float spam_half(float a) { return expf(a) / 2; }'
    """
    blanks = {"@": name, "@real": real, "@f": "f" if real == "float" else ""}
    return re.sub(r"@(real|f\b)?", lambda found: blanks[found[0]], code)


def array(kind: str, name: str, cells: Iterable[str]) -> str:
    """A constant array that no other file sees.

    >>> print(array("float", "b", ["1.0f", "2.0f"]))
    static const float b[2] = {
        1.0f, 2.0f,
    };
    """
    cells = list(cells)
    return f"static const {kind} {name}[{len(cells)}] = {{\n{_filled(cells)}}};"


def _filled(cells: list[str]) -> str:
    """The cells, a comma behind each, on lines of about WIDTH. (textwrap is too slow for a million weights.)"""
    lines, line, width = [], [], 0
    for cell in cells:
        if line and width + len(cell) > WIDTH:
            lines.append(f"    {', '.join(line)},\n")
            line, width = [], 0
        line.append(cell)
        width += len(cell) + 2
    return "".join(lines) + f"    {', '.join(line)},\n"


def _bytes(sign: str) -> str:
    if " " <= sign <= "~":
        return sign
    return "".join(f"\\{byte:03o}" for byte in sign.encode())


def _in_comment(sign: str) -> str:
    if sign == "*":
        return r"\052"
    return _SIMPLE.get(sign) or (sign if sign.isprintable() else _bytes(sign))


def _shortened(text: str) -> str:
    return repr(textwrap.shorten(text, 40, placeholder=" …") if "\0" not in text else text[:40])
