"""The build: which compiler it decides for, what its wrapper scripts run, and that the version is told once."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import thalweg_build


ROOT = Path(__file__).resolve().parents[1]
HOOKS = [thalweg_build.get_requires_for_build_wheel, thalweg_build.get_requires_for_build_editable]
posix_only = pytest.mark.skipif(os.name == "nt", reason="stand-in compilers here are shell scripts")


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A path that holds one empty folder, and no variable that names a compiler."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("ProgramFiles(x86)", raising=False)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    monkeypatch.chdir(ROOT)
    return folder


def put_compiler(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def asks_for_zig(hook) -> bool:
    return any(requirement.startswith("ziglang") for requirement in hook())


@pytest.mark.parametrize("hook", HOOKS)
def test_without_a_compiler_zig_is_required(path, hook):
    assert asks_for_zig(hook)


@posix_only
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", thalweg_build.CANDIDATES)
def test_with_a_compiler_of_any_usual_name_zig_is_not_required(path, hook, name):
    put_compiler(path, name, "exit 0")
    assert not asks_for_zig(hook)


@posix_only
def test_a_compiler_that_cannot_compile_does_not_count(path):
    put_compiler(path, "c++", "echo 'install the command line tools first' >&2; exit 1")
    assert thalweg_build.needs_zig()
    put_compiler(path, "clang++", "exit 0")
    assert not thalweg_build.needs_zig()


@posix_only
def test_the_probe_asks_for_cpp20(path, tmp_path):
    put_compiler(
        path,
        "g++",
        f'echo "$@" > {tmp_path}/arguments; while read -r line; do echo "$line"; done < probe.cpp > {tmp_path}/probe',
    )
    assert thalweg_build.compiles_cpp20("g++")
    assert (tmp_path / "arguments").read_text() == "-std=c++20 probe.cpp\n"
    assert "#include <concepts>" in (tmp_path / "probe").read_text()


@pytest.mark.parametrize("hook", HOOKS)
def test_cxx_is_obeyed_even_if_it_is_not_there(path, monkeypatch, hook):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not asks_for_zig(hook)
    with thalweg_build.compiler():
        assert os.environ["CXX"] == "no-such-compiler"


def test_zig_comes_on_top_of_what_scikit_build_core_asks_for(path):
    inner = thalweg_build.inner.get_requires_for_build_wheel()
    assert set(inner) < set(thalweg_build.get_requires_for_build_wheel())


@pytest.mark.parametrize(
    ("tool", "first"),
    [("cc", ["cc", "-mcpu=baseline"]), ("c++", ["c++", "-mcpu=baseline"]), ("ar", ["ar"]), ("ranlib", ["ranlib"])],
)
def test_a_wrapper_runs_zig_with_its_arguments_untouched(tmp_path, tool, first):
    stand_in = tmp_path / "modules" / "ziglang"
    stand_in.mkdir(parents=True)
    (stand_in / "__init__.py").touch()
    (stand_in / "__main__.py").write_text("import sys\nprint(*sys.argv[1:], sep='\\n')\n")
    folder = tmp_path / "a folder"
    folder.mkdir()
    scripts = thalweg_build.write_wrappers(folder)
    assert set(scripts) == set(thalweg_build.ZIG_TOOLS)
    done = subprocess.run(
        [scripts[tool], "-c", "a b.cpp"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(stand_in.parent)},
    )
    assert done.stdout.splitlines() == [*first, "-c", "a b.cpp"]


def test_the_build_sees_the_wrappers_and_leaves_no_trace(path, monkeypatch):
    monkeypatch.setenv("CMAKE_ARGS", "-DKEPT=1")
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match="the build broke"), thalweg_build.compiler():
        compiler = Path(os.environ["CXX"])
        assert compiler.is_file() and Path(os.environ["CC"]).is_file()
        kept, archiver, _ = os.environ["CMAKE_ARGS"].split()
        assert kept == "-DKEPT=1"
        assert archiver == f"-DCMAKE_AR={(compiler.parent / 'ar').as_posix()}" or os.name == "nt"
        raise RuntimeError("the build broke")
    assert dict(os.environ) == before
    assert not compiler.parent.exists()


@posix_only
def test_with_a_compiler_the_environment_is_left_alone(path):
    put_compiler(path, "c++", "exit 0")
    before = dict(os.environ)
    with thalweg_build.compiler():
        assert dict(os.environ) == before


def test_metadata_and_changelog_tell_the_package_version():
    from thalweg._version import __version__

    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert importlib.metadata.version("thalweg") == __version__
    assert headings[0] == __version__


def test_the_command_is_installed():
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="thalweg")
    assert command.value == "thalweg.cli:main"
    assert sys.version_info >= (3, 11)


# ── no instruction set leaks into another ────────────────────────────────────────────────────────────────────────────

SHOWN = {
    "template": "template <class T> T twice(T x) { return x + x; }\ntemplate float twice(float);",
    "inline function": "inline float twice(float x) { return x + x; }\nfloat (*use())(float) { return twice; }",
    "variable of a template": "template <class T> T value{1};\ntemplate float value<float>;",
    "function": "float twice(float x) { return x + x; }",
}
HIDDEN = """
namespace {
template <class T> T twice(T x) { return x + x; }
inline float thrice(float x) { return 3 * x; }
}
"""
TABLE = "namespace thalweg {{ extern const int kernels_avx2; const int kernels_avx2 = {value}; }}\n"


def check_symbols(folder: Path, code: str, value: str = "2") -> subprocess.CompletedProcess:
    """What core/check_symbols.cmake says of the object file of this code and a table."""
    compiler = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    missing = [name for name, found in (("cmake", shutil.which("cmake")), ("nm", shutil.which("nm")),
                                        ("a C++ compiler", compiler)) if not found]  # fmt: skip
    if missing or sys.platform == "win32":
        pytest.skip(f"not here: {', '.join(missing) or 'object files as Unix has them'}")
    (folder / "kernels.cpp").write_text(code + TABLE.format(value=value))
    subprocess.run([str(compiler), "-std=c++20", "-O1", "-c", "kernels.cpp", "-o", "a.o"], cwd=folder, check=True)
    command = ["cmake", "-DNM=nm", "-DTABLE=kernels_avx2", "-DOBJECTS=a.o", "-P", ROOT / "core" / "check_symbols.cmake"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    ran.stderr = " ".join(ran.stderr.split())
    return ran


def test_an_object_that_shows_only_its_table_passes(tmp_path):
    ran = check_symbols(tmp_path, HIDDEN, "static_cast<int>(twice(3.0f) + thrice(2.0f))")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("code", SHOWN.values(), ids=SHOWN)
def test_an_object_that_shows_more_stops_the_build(tmp_path, code):
    ran = check_symbols(tmp_path, code + "\n")
    assert ran.returncode == 1
    assert re.search(r"a\.o also has \S+(twice|use|value)\S* .*put .* into the unnamed namespace\.", ran.stderr), (
        ran.stderr
    )


def test_an_object_without_its_table_stops_the_build(tmp_path):
    ran = check_symbols(tmp_path, "#define kernels_avx2 kernels_other\n")
    assert ran.returncode == 1 and "kernels_avx2" in ran.stderr
