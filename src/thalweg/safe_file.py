"""One safe file: whole or absent, every bit under a checksum, and reading it runs no code (DESIGN.md, contract 9).

The format, version 1, is a safetensors file that any safetensors library opens:
    8 bytes      N, the length of the next part, little-endian; 8 + N is a multiple of 8, at most 32 MiB
    N bytes      JSON, padded with spaces: {"__metadata__": {…}, name: {"dtype", "shape", "data_offsets"}, …}
    the rest     the arrays, little-endian, C order, without gaps, largest items first (so each one is aligned)
`__metadata__` holds five strings and nothing else:
    format       "thalweg"
    kind         what the file is: "model", "checkpoint", …; a reader asks for one kind
    version      "1", a whole number; a reader refuses a larger one
    header       a JSON object, escaped as a string; no NaN or infinity, at most 64 levels deep
    sha256       64 lower-case hexadecimal digits: SHA-256 of the whole file with these 64 bytes taken as "0"

The digest comes first: every version finds it by `"sha256":"` in the JSON, which no string in it can imitate, because
a quote inside a string is escaped. The same content always gives the same bytes. (The container is written here and
not by the safetensors library, 0.8.0 of which puts the metadata in a random order and an array in Fortran order down
transposed without a word.)
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from io import BufferedReader
from typing import Any, NoReturn

import numpy as np

from thalweg import whole_file
from thalweg.errors import FileError, InputError, with_article


VERSION = 1
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_CODES = {np.dtype(code): name for name, code in DTYPES.items()}
_LARGEST_HEADER = 32 * 2**20
_DEEPEST = 64
_DIGEST = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_NO_DIGEST = b"0" * 64
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # linear, also for a string that never ends
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_META = {"format", "kind", "version", "header", "sha256"}


def write(
    path: str | os.PathLike[str], *, kind: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write arrays and a JSON header as one file; whatever happens, the old file or the new one is there, whole.

    Raises:
        InputError: the header is not plain finite JSON, or an array has a dtype the format does not have.
        FileError: the path cannot be written: no such folder, no permission, not an ordinary file.
        OSError: the disk is full or fails; the old file is intact.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(folder + "/a.thalweg", kind="model", header={"depth": 2}, arrays={"W": np.eye(2)})
    ...     read(folder + "/a.thalweg", kind="model")
    ({'depth': 2}, {'W': array([[1., 0.],
           [0., 1.]])})
    """
    head, parts = _pack(kind, header, arrays)
    with whole_file.writing(path) as file:
        file.write(head)
        file.writelines(parts)


def read(path: str | os.PathLike[str], *, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the arrays of a file of the given kind, after its checksum has been verified.

    The arrays are writable, are views of one buffer of the file's size, and share no bytes.

    Raises:
        FileError: the file cannot be opened, is damaged, cut or hostile, or is of another kind or a later version.
    """
    found, header, arrays = _unpack(path)
    if found != kind:
        message = (
            f"{os.fspath(path)!r} is a Thalweg {found[:40]}, but {with_article(kind)} is needed here"
            f"{_way_out(found, header)}"
        )
        raise FileError(message)
    return header, arrays


def _way_out(kind: str, header: Mapping[str, Any]) -> str:
    """What reads a file of this kind, if it is one that a user reads."""
    if kind == "model":
        return "; load it with tw.load, or use `thalweg predict MODEL TABLE`"
    if kind == "spam filter":
        return "; load it with tw.SpamFilter.load, or use `thalweg spam classify FILTER MAIL`"
    name = header.get("estimator")
    return f"; load it with tw.{name[:40]}.load" if kind == "estimator" and isinstance(name, str) else ""


def kind_of(path: str | os.PathLike[str]) -> str:
    """What a file is: "model", "checkpoint", …, after its checksum has been verified.

    Raises:
        FileError: the file cannot be opened, is damaged, cut or hostile, or is of a later version.
    """
    return _unpack(path)[0]


def _pack(kind: str, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> tuple[bytes, list[memoryview]]:
    """The first part of the file, and the bytes of the arrays in their order."""
    for name, array in arrays.items():
        if array.dtype.newbyteorder("<") not in _CODES:
            message = f"array {name!r} has dtype {array.dtype}, which the file format does not have; use {[*DTYPES]}"
            raise InputError(message)
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    # Not np.ascontiguousarray, which turns a 0-d array into a 1-d one.
    stored = [np.asarray(arrays[name], arrays[name].dtype.newbyteorder("<"), order="C") for name in order]
    parts = [array.reshape(-1).view(np.uint8).data for array in stored]
    entries: dict[str, Any] = {
        "__metadata__": {
            "format": "thalweg", "kind": kind, "version": str(VERSION),
            "header": _to_json(dict(header)), "sha256": _NO_DIGEST.decode(),
        }
    }  # fmt: skip
    start = 0
    for name, array in zip(order, stored, strict=True):
        if name in entries:
            message = f"{name!r} is a reserved name in the file format; give the array another one"
            raise InputError(message)
        entries[name] = {
            "dtype": _CODES[array.dtype], "shape": array.shape, "data_offsets": (start, start + array.nbytes),
        }  # fmt: skip
        start += array.nbytes
    text = _to_json(entries).encode()
    text += b" " * (-len(text) % 8)
    if 8 + len(text) > _LARGEST_HEADER:
        message = f"the header takes {len(text):,} bytes and the file format allows {_LARGEST_HEADER:,}: name less"
        raise InputError(message)
    head = len(text).to_bytes(8, "little") + text
    digest = hashlib.sha256(head)
    for part in parts:
        digest.update(part)
    position = next(_DIGEST.finditer(head)).start(1)
    return head[:position] + digest.hexdigest().encode() + head[position + 64 :], parts


def _to_json(value: dict[str, Any]) -> str:
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        _from_json(text.encode())  # what the reader refuses is not written, such as {1: …, "1": …}
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the header of a file must be plain finite JSON, but: {error}"
        raise InputError(message) from error
    return text


def _read_whole(file: BufferedReader, name: str) -> np.ndarray:
    """All bytes of a file that at first sight is ours; a large file of another kind is not read."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 16 or 8 + length > min(size, _LARGEST_HEADER) or length % 8 or b'"thalweg"' not in file.read(length):
        message = f"{name!r} is not a Thalweg file, or it was cut short or damaged"
        raise FileError(message)
    file.seek(0)
    try:
        buffer = np.empty(size, np.uint8)
    except MemoryError as error:
        message = f"{name!r} has {size:,} bytes, which do not fit into memory"
        raise FileError(message) from error
    # A read can be short; a file that grows or shrinks meanwhile is being written by somebody.
    done = 0
    while done < size and (got := file.readinto(buffer[done:].data)):
        done += got
    if done < size or file.read(1):
        message = f"{name!r} changed while it was being read; try again"
        raise FileError(message)
    return buffer


def _unpack(path: str | os.PathLike[str]) -> tuple[str, dict[str, Any], dict[str, np.ndarray]]:
    """Kind, header and arrays."""
    name = os.fspath(path)
    try:
        whole_file.ordinary_mode(os.stat(path), name)  # before opening, because opening a pipe could wait for ever
        with open(path, "rb") as file:
            buffer = _read_whole(file, name)
    except OSError as error:
        whole_file.raise_sentence(error, name, "read")
    end = 8 + int.from_bytes(buffer[:8].tobytes(), "little")
    head = buffer[:end].tobytes()
    _check_digest(head, buffer[end:], name)
    # From here on the file is as it was written, but perhaps not by us: everything is still checked.
    try:
        entries = _from_json(head[8:])
        meta = entries.pop("__metadata__")
        if not isinstance(meta, dict) or meta.get("format") != "thalweg" or not _is_count(meta.get("version")):
            _wrong("its metadata does not say what it is")
        if int(meta["version"]) > VERSION:
            message = (
                f"{name!r} was made by a later Thalweg (file version {meta['version']}; this one reads up to "
                f"{VERSION}); upgrade with `pip install --upgrade thalweg`"
            )
            raise FileError(message)
        if set(meta) != _META or not all(isinstance(value, str) for value in meta.values()):
            _wrong(f"its metadata are {sorted(meta)[:9]}, not strings under {sorted(_META)}")
        return meta["kind"], _from_json(meta["header"].encode()), _arrays(entries, buffer[end:])
    except FileError:
        raise
    # ValueError: every rule below, JSON and UTF-8; KeyError: no metadata; RecursionError cannot happen (_DEEPEST).
    except (ValueError, KeyError) as error:
        reason = "it has no metadata" if isinstance(error, KeyError) else error
        message = f"{name!r} is damaged or was not made by Thalweg: {reason}"
        raise FileError(message) from error


def _check_digest(head: bytes, data: np.ndarray, name: str) -> None:
    found = list(_DIGEST.finditer(head))
    if len(found) != 1:
        message = f"{name!r} is damaged or was not made by Thalweg: it has {len(found)} checksums, not one"
        raise FileError(message)
    position = found[0].start(1)
    digest = hashlib.sha256(head[:position])
    digest.update(_NO_DIGEST)
    digest.update(head[position + 64 :])
    digest.update(data.data)
    if digest.hexdigest().encode() != found[0][1]:
        message = f"{name!r} is damaged: its SHA-256 does not match (cut short, altered or partly copied); copy it anew"
        raise FileError(message)


def _arrays(entries: dict[str, Any], data: np.ndarray) -> dict[str, np.ndarray]:
    arrays = {}
    position = 0
    for name, entry in sorted(entries.items(), key=_offsets):
        shown = repr(name[:60])
        start, end = entry["data_offsets"]
        shape = entry["shape"]
        if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
            _wrong(f"array {shown} has the unknown dtype {str(entry['dtype'])[:20]!r}")
        if not isinstance(shape, list) or len(shape) > 64 or not all(map(_is_size, shape)):
            _wrong(f"array {shown} has the impossible shape {str(shape)[:60]}")
        dtype = np.dtype(DTYPES[entry["dtype"]])
        if start != position or end < start or end > len(data):
            _wrong(f"array {shown} lies at bytes {start} to {end}, where {position} to at most {len(data)} was due")
        if math.prod(shape) * dtype.itemsize != end - start:
            _wrong(f"array {shown} has shape {shape} and dtype {entry['dtype']}, but {end - start} bytes")
        if start % dtype.itemsize:
            _wrong(f"array {shown} is not aligned")
        raw = data[start:end]
        if dtype == np.bool_ and np.any(raw > 1):
            _wrong(f"array {shown} has booleans that are neither 0 nor 1")
        # An empty array may still have sides whose product NumPy cannot hold: reshape then raises ValueError.
        arrays[name] = raw.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
        position = end
    if position != len(data):
        _wrong(f"{len(data) - position} bytes follow the last array")
    return arrays


def _offsets(item: tuple[str, Any]) -> tuple[int, int]:
    name, entry = item
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
        _wrong(f"array {name[:60]!r} has no usable offsets")
    if set(entry) != {"dtype", "shape", "data_offsets"}:
        _wrong(f"array {name[:60]!r} has the entries {sorted(entry)[:9]}")
    return offsets[0], offsets[1]


def _from_json(raw: bytes) -> dict[str, Any]:
    """A JSON object; stricter than json.loads: no duplicate keys, NaN, infinity, excessive depth or numbers."""
    if _depth(raw) > _DEEPEST:
        _wrong(f"the JSON is more than {_DEEPEST} levels deep")
    value = json.loads(
        raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_number, parse_float=_finite
    )
    if not isinstance(value, dict):
        _wrong("the JSON is not an object")
    return value


def _depth(raw: bytes) -> int:
    brackets = np.frombuffer(_STRING.sub(b"", raw).translate(None, _NOT_BRACKETS), np.uint8)
    steps = np.where((brackets == ord("[")) | (brackets == ord("{")), 1, -1)
    return int(np.max(np.cumsum(steps), initial=0))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = {}
    for key, item in pairs:
        if key in value:
            _wrong(f"the key {key[:60]!r} occurs twice")
        value[key] = item
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse_number(text)
    return value


def _refuse_number(text: str) -> NoReturn:
    _wrong(f"it holds {text[:20]} where a finite number is due")


def _is_count(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch("[1-9][0-9]{0,8}", text, re.ASCII) is not None


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _wrong(reason: str) -> NoReturn:
    raise ValueError(reason)
