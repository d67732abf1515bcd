"""Bytes of a mail as text, whatever they say they are: charsets, base64 and quoted-printable, and what was broken.

Nothing here raises, and all of it takes time in proportion to the bytes. Python's own table of charsets is asked, and
not `codecs.lookup`, because a mail may name any codec: "punycode" takes quadratic time, "unicode_escape" is no charset,
and each unknown name would be looked for on the disk and remembered for ever.
"""

from __future__ import annotations

import binascii
import codecs
from encodings import normalize_encoding
from encodings.aliases import aliases


MAX_DEFECTS = 20  # a person reads no more of them, and a hostile mail could have one for each byte

# Codecs that Python has and no mail may ask for: no charsets at all, or slow.
_NO_CHARSETS = {"rot_13", "punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
# Charsets that Python has without an alias, or that mails call by names of their own.
_MORE = {
    **{name: name for name in "utf_8_sig koi8_u koi8_t koi8_r cp437 cp737 cp856 cp874 cp875 cp1006 cp1252".split()},
    **{"windows_874": "cp874", "tis_620": "cp874", "x_sjis": "cp932", "x_gbk": "gb18030", "x_euc_jp": "euc_jp"},
    **{"iso_8859_8_i": "iso8859_8", "iso_8859_8_e": "iso8859_8", "x_mac_roman": "mac_roman", "cp_850": "cp850"},
}
# What the label means where mail is read: the superset (WHATWG Encoding Standard, "Names and labels").
_SUPERSETS = {
    "latin_1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}

_TEXT_CODECS = {name for name in aliases.values() if not name.endswith("_codec")} - _NO_CHARSETS | {"mac_roman"}
CHARSETS: dict[str, str] = {
    **{name: name for name in sorted(_TEXT_CODECS)},
    **{alias: name for alias, name in aliases.items() if name in _TEXT_CODECS},
    **_MORE,
}

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(sorted(set(range(256)) - set(_BASE64)))


class Defects:
    """What was broken or cut, in plain words, each once and at most `MAX_DEFECTS`.

    >>> found = Defects()
    >>> found.add("no headers")
    >>> found.add("no headers")
    >>> found.listed()
    ('no headers',)
    """

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    def add(self, sentence: str) -> None:
        """Take it in unless it is there, or there are too many."""
        if len(self._found) < MAX_DEFECTS - 1:
            self._found[sentence] = None
        elif sentence not in self._found:
            self._found["and further defects"] = None

    def listed(self) -> tuple[str, ...]:
        """In the order in which they were met."""
        return tuple(self._found)


def whole_text(data: bytes, charset: str, defects: Defects, cut: bool = False) -> str:
    """The text of bytes in this charset ("" if none is named), without NUL and without halves of characters.

    An unknown charset, and none, is UTF-8 if the bytes are, and otherwise Latin-1 as mail programs mean it.

    Args:
        data: the bytes.
        charset: its name in the mail.
        defects: takes in what is wrong.
        cut: whether the bytes were cut off, so that a piece of a character at their end is nothing wrong.

    >>> defects = Defects()
    >>> whole_text(b"Gr\\xc3\\xbc\\xc3\\x9fe", "utf-8", defects), whole_text(b"Gr\\xfc\\xdfe", "x-foo", defects)
    ('Grüße', 'Grüße')
    >>> defects.listed()
    ("unknown charset 'x-foo' read as Latin-1",)
    """
    label = normalize_encoding(charset[:40].strip("\"' ")).lower() if charset.isascii() else "?"
    name = CHARSETS.get(label, "")
    name = _SUPERSETS.get(name, name)
    if not name or name == "cp1252":  # many mails in UTF-8 say that they are in ASCII or Latin-1, or say nothing
        try:
            text = codecs.getincrementaldecoder("utf-8")().decode(data, not cut)
            guessed = "UTF-8"
        except UnicodeDecodeError:
            text, guessed = data.decode("cp1252", "replace"), "Latin-1"
        if label and not name:
            defects.add(f"unknown charset {_short(charset)} read as {guessed}")
    else:
        try:
            text = codecs.getincrementaldecoder(name)("replace").decode(data, not cut)
        except (UnicodeError, LookupError, RuntimeError):  # iso2022_jp_2 has an "internal codec error" for some noise
            text = data.decode("cp1252", "replace")
            defects.add(f"text that is not in its charset {_short(charset)} read as Latin-1")
        if "\ufffd" in text:
            defects.add(f"bytes that are nothing in the charset {_short(charset)}")
    if "\0" in text:
        defects.add("NUL bytes left out")
        text = text.replace("\0", "")
    return without_halves(text)


def without_halves(text: str) -> str:
    """The text with U+FFFD for each lone surrogate, which could not be written to any file.

    >>> without_halves("a\\ud800")
    'a\\ufffd'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def from_base64(data: bytes, defects: Defects) -> bytes:
    """Decoded as far as it can be: foreign characters are skipped, and missing ones at the end taken as missing.

    >>> from_base64(b"SGFsb\\nG8", Defects())
    b'Hallo'
    """
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        defects.add("broken base64")
        kept = data.translate(None, _NOT_BASE64)
        kept = kept[:-1] if len(kept) % 4 == 1 else kept
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def decoded_start(data: bytes, encoding: str, limit: int, defects: Defects) -> tuple[bytes, bool]:
    """The first `limit` bytes of a body after its Content-Transfer-Encoding, and whether there are more.

    >>> decoded_start(b"Gr=C3=BC=C3=9Fe", "quoted-printable", 4, Defects())
    (b'Gr\\xc3\\xbc', True)
    """
    if encoding == "base64":
        start = 2 * limit + 4  # 4 characters for 3 bytes, and the ends of lines
        body = from_base64(data[: start // 4 * 4] if len(data) > start else data, defects)
    elif encoding == "quoted-printable":
        start = 3 * limit + 3
        body = binascii.a2b_qp(data[:start])
    else:
        start = limit + 1
        body = data[:start]
    return body[:limit], len(body) > limit or len(data) > start


def decoded_size(data: bytes, encoding: str) -> int:
    """How many bytes a body has after its Content-Transfer-Encoding.

    >>> decoded_size(b"SGFs\\nbG8=", "base64"), decoded_size(b"=C3=BC", "quoted-printable"), decoded_size(b"ab", "7bit")
    (5, 2, 2)
    """
    if encoding == "base64":
        return len(data.translate(None, _NOT_BASE64)) * 3 // 4
    return len(binascii.a2b_qp(data)) if encoding == "quoted-printable" else len(data)


def _short(charset: str) -> str:
    """A charset's name for a sentence about it."""
    return repr(charset if len(charset) <= 40 else charset[:39] + "…")
