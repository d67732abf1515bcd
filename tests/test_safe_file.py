"""safe_file: whole or absent, every bit covered, nothing but data."""

import hashlib
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from thalweg import safe_file
from thalweg.errors import FileError, InputError


HEADER = {
    "columns": ["länge", "trusted", 'a "quoted" \\ name', "\ud800"],
    "l2": 1e-300,
    "seed": 2**64 - 1,
    "none": None,
}
ARRAYS = {
    "W": np.arange(15, dtype=np.float64).reshape(5, 3) / 7,
    "b": np.arange(3, dtype=np.float32),
    "used": np.array([True, False, True, True, False]),
    "empty": np.zeros((0, 11)),
    "step": np.array(17, dtype=np.int64),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.thalweg"


@pytest.fixture
def whole(path):
    """The bytes of a small valid file."""
    safe_file.write(path, kind="model", header=HEADER, arrays=ARRAYS)
    return path.read_bytes()


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], strict=True)


# ---- round trip


def test_round_trip_gives_the_same_and_a_file_of_its_own(path, whole):
    header, arrays = safe_file.read(path, kind="model")
    assert header == HEADER
    same(arrays, ARRAYS)
    arrays["W"][:] = 0  # writable, and touching nothing else
    np.testing.assert_array_equal(arrays["b"], ARRAYS["b"])
    assert path.read_bytes() == whole
    assert all(array.flags.aligned for array in arrays.values())
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def dtypes():
    return st.sampled_from([np.dtype(code) for code in safe_file.DTYPES.values()])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrays=st.dictionaries(
        st.text(max_size=7).filter("__metadata__".__ne__),
        dtypes().flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))),
        max_size=5,
    ),
    layout=st.sampled_from(["C", "F", "big-endian", "strided"]),
    header=st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=7,
        ),
        max_size=4,
    ),
)
@example(arrays={"a": np.zeros((0, 2**61), np.int8)}, layout="C", header={'"sha256":"' + "0" * 64 + '"': {}})
def test_any_content_comes_back(path, arrays, layout, header):
    given_arrays = {
        "C": lambda a: a,
        "F": lambda a: np.asarray(a, order="F"),
        "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
        "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim and a.shape[-1] < 9 else a,
    }
    safe_file.write(
        path, kind="checkpoint", header=header, arrays={k: given_arrays[layout](a) for k, a in arrays.items()}
    )
    read_header, read_arrays = safe_file.read(path, kind="checkpoint")
    assert read_header == header
    same(read_arrays, arrays)


def test_the_safetensors_library_reads_it(path, whole):
    same(safetensors.numpy.load(whole), ARRAYS)


def test_the_layout_of_the_library_is_read_too(path):
    """The library sorts arrays in another order, and any order without gaps is right."""
    theirs = safetensors.numpy.save(ARRAYS)
    end = 8 + int.from_bytes(theirs[:8], "little")
    path.write_bytes(forge(meta() | json.loads(theirs[8:end]), theirs[end:]))
    same(safe_file.read(path, kind="model")[1], ARRAYS)


def test_the_same_content_gives_the_same_bytes(path, whole):
    safe_file.write(path, kind="model", header=HEADER, arrays=dict(reversed(ARRAYS.items())))
    assert path.read_bytes() == whole


def test_the_digest_is_what_the_format_says(whole):
    found = re.search(rb'"sha256":"([0-9a-f]{64})"', whole)
    assert found
    assert hashlib.sha256(whole.replace(found[1], b"0" * 64)).hexdigest() == found[1].decode()


# ---- damage


def refused(path, data):
    path.write_bytes(data)
    with pytest.raises(FileError) as caught:
        safe_file.read(path, kind="model")
    message = str(caught.value)
    assert path.name in message and "\n" not in message
    return message


def test_every_single_bit_flip_is_refused(path, whole):
    assert len(whole) > 500
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        refused(path, damaged)


def test_every_cut_is_refused(path, whole):
    for length in range(len(whole)):
        refused(path, whole[:length])


def test_appended_bytes_are_refused(path, whole):
    rng = random.Random(2)
    for _ in range(2000):
        refused(path, whole + rng.randbytes(rng.randint(1, 99)))
    refused(path, whole + whole)


def test_several_changes_at_once_are_refused(path, whole):
    rng = random.Random(3)
    for _ in range(2500):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 9)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        if damaged != whole:
            refused(path, damaged)


# ---- hostile: the digest is right, the content is not


def forge(entries, data=b"", *, length=None, raw=None):
    """A file with a right digest around whatever JSON."""
    text = raw if raw is not None else json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    whole = (len(text) if length is None else length).to_bytes(8, "little") + text + data
    return whole.replace(b"0" * 64, hashlib.sha256(whole).hexdigest().encode(), 1)


def meta(**changed):
    entries = {"format": "thalweg", "kind": "model", "version": "1", "header": "{}", "sha256": "0" * 64}
    return {"__metadata__": {k: v for k, v in (entries | changed).items() if v is not None}}


def entry(dtype: object = "F64", shape=(1,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets} | more


def test_the_forger_can_make_a_valid_file(path):
    path.write_bytes(forge(meta() | {"a": entry()}, bytes(8)))
    same(safe_file.read(path, kind="model")[1], {"a": np.zeros(1)})


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (forge(meta() | {"a": entry(shape=(2,))}, bytes(8)), "shape [2]"),
        (forge(meta() | {"a": entry(shape=(2**62, 2**62))}, bytes(8)), "bytes"),
        (forge(meta() | {"a": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))}), "made by Thalweg"),
        (forge(meta() | {"a": entry(shape=(-1,))}, bytes(8)), "impossible shape"),
        (forge(meta() | {"a": entry(shape=(True,))}, bytes(8)), "impossible shape"),
        (forge(meta() | {"a": entry(shape=[1.0])}, bytes(8)), "impossible shape"),
        (forge(meta() | {"a": entry(shape="1")}, bytes(8)), "impossible shape"),
        (forge(meta() | {"a": entry(shape=[1] * 65)}, bytes(8)), "impossible shape"),
        (forge(meta() | {"a": entry(offsets=(0, 16), shape=(2,))}, bytes(8)), "bytes 0 to 16"),
        (forge(meta() | {"a": entry(offsets=(8, 16))}, bytes(16)), "bytes 8 to 16"),
        (forge(meta() | {"a": entry(offsets=(8, 0))}, bytes(8)), "bytes 8 to 0"),
        (forge(meta() | {"a": entry(offsets=(-8, 0))}, bytes(8)), "no usable offsets"),
        (forge(meta() | {"a": entry(offsets=(0, 2**63))}, bytes(8)), "no usable offsets"),
        (forge(meta() | {"a": entry(offsets=(0,))}, bytes(8)), "no usable offsets"),
        (forge(meta() | {"a": entry(), "b": entry()}, bytes(8)), "where 8 to at most 8 was due"),
        (forge(meta() | {"a": entry(), "b": entry(offsets=(16, 24))}, bytes(24)), "where 8 to at most 24 was due"),
        (forge(meta() | {"a": entry()}, bytes(9)), "1 bytes follow the last array"),
        (forge(meta() | {"a": entry("I8", (1,), (0, 1)), "b": entry("I16", (1,), (1, 3))}, bytes(3)), "not aligned"),
        (forge(meta() | {"a": entry("BOOL", (2,), (0, 2))}, b"\x01\x02"), "neither 0 nor 1"),
        (forge(meta() | {"a": entry("F8_E4M3", (8,))}, bytes(8)), "unknown dtype 'F8_E4M3'"),
        (forge(meta() | {"a": entry(["F64"])}, bytes(8)), "unknown dtype"),
        (forge(meta() | {"a": entry(more=1)}, bytes(8)), "has the entries"),
        (forge(meta() | {"a": {"data_offsets": (0, 8)}}, bytes(8)), "has the entries"),
        (forge(meta() | {"a": [1]}), "no usable offsets"),
        (forge(meta(version="2")), "made by a later Thalweg"),
        (forge(meta(version="2", header=None, more="x")), "made by a later Thalweg"),
        (forge(meta(version="0")), "does not say what it is"),
        (forge(meta(version=1)), "does not say what it is"),
        (forge(meta(version="９")), "does not say what it is"),
        (forge(meta(format="other", more="thalweg")), "does not say what it is"),
        (forge(meta(kind="checkpoint")), "is a Thalweg checkpoint, but a model is needed"),
        (forge(meta(kind=None)), "its metadata are"),
        (forge(meta(more="x")), "its metadata are"),
        (forge(meta(header=[1])), "not strings"),
        (forge(meta(header="[]")), "not an object"),
        (forge(meta(header='{"a":NaN}')), "NaN"),
        (forge(meta(header='{"a":-Infinity}')), "-Infinity"),
        (forge(meta(header='{"a":1e999}')), "1e999"),
        (forge(meta(header='{"a":' + "9" * 5000 + "}")), "made by Thalweg"),
        (forge(meta(header='{"a":1,"a":2}')), "'a' occurs twice"),
        (forge(meta(header='{"a":' + "[" * 5000 + "]" * 5000 + "}")), "more than 64 levels deep"),
        (forge(meta(header="[" * 3_000_000)), "more than 64 levels deep"),
        (forge(meta(header='{"a":"' + '\\"' * 2_000_000)), "made by Thalweg"),
        (forge(meta(header='{"a":1')), "made by Thalweg"),
        (forge(meta(header='{"a":"\ud800"}')), "made by Thalweg"),
        (forge({"thalweg": {"sha256": "0" * 64}, "a": "thalweg"}), "no metadata"),
        (forge({"__metadata__": ["thalweg", {"sha256": "0" * 64}]}), "does not say what it is"),
        (forge(meta() | {"a": {"sha256": "1" * 64}}), "2 checksums"),
        (forge(None, raw=b'["thalweg",{"sha256":"' + b"0" * 64 + b'"}]'), "not an object"),
        (forge(None, raw=b'{"thalweg":"\xff","sha256":"' + b"0" * 64 + b'"}'), "utf-8"),
        (forge(None, raw=json.dumps(meta(), separators=(",", ":")).encode()[:-1] + b',"__metadata__":{}}'), "twice"),
        (forge(meta(), length=2**63), "not a Thalweg file"),
        (forge(meta(), length=2**64 - 8), "not a Thalweg file"),
        (forge(meta(), length=0), "not a Thalweg file"),
        (b"", "not a Thalweg file"),
        (b"a,b,class\n1,2,spam\n3,4,ham\n", "not a Thalweg file"),
        (b"PAR1" + bytes(99) + b"PAR1", "not a Thalweg file"),
        (safetensors.numpy.save({"a": np.zeros(3)}), "not a Thalweg file"),
        (safetensors.numpy.save({"a": np.zeros(3)}, {"format": "thalweg"}), "0 checksums"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_files_get_a_sentence(path, data, says):
    message = refused(path, data)
    assert says in message
    assert len(message) < len(str(path)) + 400


def test_loading_a_forged_header_of_any_bytes_only_ever_refuses(path):
    rng = random.Random(5)
    valid = json.dumps(meta(header='{"a":[1.5,null,"x"]}') | {"a": entry()}, separators=(",", ":")).encode()
    fragments = [b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"-1", b"1e9", b"null", b"\xff", b"\x00", b"sha256"]
    reached = 0
    for _ in range(1500):
        raw = bytearray(valid)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randint(0, 4)] = rng.choice(fragments)
        path.write_bytes(forge(None, bytes(8), raw=bytes(raw)))
        try:
            safe_file.read(path, kind="model")
        except FileError as error:
            reached += "SHA-256" not in str(error)
    assert reached > 500  # most got past the digest, to the parser


# ---- paths


def test_unusual_paths_get_a_sentence(tmp_path, path, whole):
    arguments = {"kind": "model", "header": {}, "arrays": {}}
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    long = tmp_path / ("x" * 300)
    with pytest.raises(FileError, match=r"absent.*does not exist"):
        safe_file.read(tmp_path / "absent", kind="model")
    for unusual, says in [
        (tmp_path, "is a folder"),
        (path / "inside", "not a folder"),
        (pipe, "not an ordinary file"),
        (long, "long a name"),
    ]:
        with pytest.raises(FileError, match=says):
            safe_file.read(unusual, kind="model")
        with pytest.raises(FileError, match=says):
            safe_file.write(unusual, **arguments)
    with pytest.raises(FileError, match=r"the folder '.*absent' does not exist"):
        safe_file.write(tmp_path / "absent" / "m.thalweg", **arguments)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert path.read_bytes() == whole


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_no_permission_gets_a_sentence(tmp_path, path, whole):
    """In a process of an ordinary user, because the root user may read and write everything."""
    path.chmod(0o000)
    guarded = tmp_path / "guarded"
    guarded.mkdir(mode=0o555)
    code = f"""
import os, sys
from thalweg import safe_file
from thalweg.errors import FileError
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
def attempt(do, *given, **more):
    try:
        do(*given, **more)
    except FileError as error:
        assert "permission denied" in str(error), error
    else:
        sys.exit("nothing was refused")
attempt(safe_file.read, {str(path)!r}, kind="model")
attempt(safe_file.write, {str(path)!r}, kind="model", header={{}}, arrays={{}})
attempt(safe_file.write, {str(guarded / "m")!r}, kind="model", header={{}}, arrays={{}})
"""
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_mode & 0o001 == 0 and os.getuid() == 0 and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o001)
    run(code)


def test_a_link_stays_a_link(tmp_path, path, whole):
    link = tmp_path / "latest.thalweg"
    link.symlink_to(path.name)
    safe_file.write(link, kind="model", header={"new": 1}, arrays={})
    assert link.is_symlink()
    assert safe_file.read(path, kind="model")[0] == {"new": 1}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_ordinary_mode_and_an_old_one_keeps_its_own(path, umask, mode):
    before = os.umask(umask)
    try:
        safe_file.write(path, kind="model", header={}, arrays={})
        assert stat.S_IMODE(path.stat().st_mode) == mode
        path.chmod(0o640)
        safe_file.write(path, kind="model", header={}, arrays={})
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(before)


# ---- what cannot be written


@pytest.mark.parametrize(
    ("header", "arrays", "says"),
    [
        ({"a": float("nan")}, {}, "plain finite JSON"),
        ({"a": {1, 2}}, {}, "plain finite JSON"),
        ({"a": {1: 1, "1": 2}}, {}, "occurs twice"),
        ({"a": np.float32(1)}, {}, "plain finite JSON"),
        ({"a": "x" * 2**25}, {}, "name less"),
        ({}, {"a": np.array(["text"])}, "'a' has dtype <U4"),
        ({}, {"a": np.array([object()])}, "'a' has dtype object"),
        ({}, {"a": np.array([1 + 2j])}, "'a' has dtype complex128"),
        ({}, {"__metadata__": np.zeros(2)}, "reserved name"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(path, whole, header, arrays, says):
    with pytest.raises(InputError, match=says):
        safe_file.write(path, kind="model", header=header, arrays=arrays)
    assert path.read_bytes() == whole


def test_deep_header_is_not_written(path):
    deep: dict = {}
    for _ in range(70):
        deep = {"a": deep}
    with pytest.raises(InputError, match="levels deep"):
        safe_file.write(path, kind="model", header=deep, arrays={})
    assert not path.exists()


# ---- failure while writing


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_failure_at_any_step_leaves_the_old_file_and_nothing_else(path, whole, monkeypatch, call):
    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(safe_file.os, call, broken)
    with pytest.raises(OSError, match=r"could not be written: '.*model\.thalweg'"):
        safe_file.write(path, kind="model", header={}, arrays={})
    assert path.read_bytes() == whole
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_interrupt_leaves_the_old_file_and_nothing_else(path, whole, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(safe_file.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        safe_file.write(path, kind="model", header={}, arrays={})
    assert path.read_bytes() == whole
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_file_and_folder_are_synced_in_order(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(safe_file.os, "fsync", lambda fd: (calls.append(stat.S_ISDIR(os.fstat(fd).st_mode)), fsync(fd)))
    monkeypatch.setattr(safe_file.os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    safe_file.write(path, kind="model", header={}, arrays={})
    assert calls == [False, "replace", True]


def run(code, **more):
    return subprocess.run([sys.executable, "-c", code], check=True, timeout=120, **more)


@pytest.mark.skipif(os.name == "nt", reason="no file size limit to stand in for a full disk")
def test_a_full_disk_keeps_the_old_file(path, whole):
    """The file size limit stands in for a full disk: the write fails midway in the same manner."""
    code = f"""
import resource, signal, numpy as np
from thalweg import safe_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    safe_file.write({str(path)!r}, kind="model", header={{}}, arrays={{"W": np.ones(100_003)}})
except OSError as error:
    assert not isinstance(error, ValueError) and {path.name!r} in str(error), error
else:
    raise SystemExit("the write went through")
"""
    run(code)
    assert path.read_bytes() == whole
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def killed_while_overwriting(path: Path, times: int) -> None:
    """Start a process that overwrites the file in a loop, kill it at a random moment, look at the file; repeat."""
    code = f"""
import itertools, numpy as np
from thalweg import safe_file
for i in itertools.count():
    safe_file.write({str(path)!r}, kind="model", header={{"i": i}}, arrays={{"W": np.full(50_021, float(i))}})
    if i == 0:
        print("running", flush=True)
"""
    rng = random.Random(7)
    written = set()
    for _ in range(times):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout
        assert process.stdout.readline() == b"running\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=rng.uniform(0.0, 0.02))
        process.kill()
        process.wait()
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL
        header, arrays = safe_file.read(path, kind="model")
        np.testing.assert_array_equal(arrays["W"], np.full(50_021, float(header["i"])))
        written.add(header["i"])
    assert len(written) > 1  # killed at different moments


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_killed_while_overwriting(path):
    killed_while_overwriting(path, 20)


@pytest.mark.acceptance
@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_killed_while_overwriting_200_times(path):
    killed_while_overwriting(path, 200)


def test_the_memory_for_reading_is_bounded_by_the_file(path):
    """A file of a few bytes that claims a terabyte is refused without asking for it; a true one takes its size."""
    code = f"""
import resource, numpy as np
from thalweg import safe_file
from thalweg.errors import FileError
safe_file.write({str(path)!r}, kind="model", header={{}}, arrays={{"W": np.zeros(4_000_037)}})
try:
    safe_file.read({str(path)!r} + ".lie", kind="model")
except FileError:
    pass
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
safe_file.read({str(path)!r}, kind="model")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * 1024 / 32_000_296)
"""
    lie = path.with_name(path.name + ".lie")
    lie.write_bytes(forge(meta() | {"a": entry(shape=(2**37,), offsets=(0, 2**40))}, bytes(8)))
    output = run(code, capture_output=True, text=True).stdout
    assert float(output) < 2.0
