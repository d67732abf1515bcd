"""The build backend: scikit-build-core, plus a compiler for machines that have none.

Where no C++20 compiler works, the package `ziglang` (Clang and libc++ in one wheel) becomes a build requirement, and
small wrapper scripts make it answer to the names that CMake asks for. CXX, if set, is obeyed and never replaced.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scikit_build_core import build as inner
from scikit_build_core.build import (  # noqa: F401  (hooks that need no compiler)
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)


CANDIDATES = ("c++", "g++", "clang++", "cl")
# The processor of the build machine must not leak into the binary, so Zig is told not to compile for it.
ZIG_TOOLS = {
    "cc": "cc -mcpu=baseline",
    "c++": "c++ -mcpu=baseline",
    "ar": "ar",
    "ranlib": "ranlib",
}
PROBE = "#include <concepts>\nint main() { return std::same_as<int, int> ? 0 : 1; }\n"


def compiles_cpp20(compiler: str) -> bool:
    """Whether this program turns a C++20 file into a program; a bare name on the path may be an empty shim."""
    standard = ["/std:c++20"] if compiler == "cl" else ["-std=c++20"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "probe.cpp").write_text(PROBE)
        command = [compiler, *standard, "probe.cpp"]
        return subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def needs_zig() -> bool:
    """Whether this machine has no C++20 compiler that CMake would find."""
    if os.environ.get("CXX"):
        return False
    if os.name == "nt":  # Visual Studio is not on the path; CMake asks its installer, and so does this.
        programs = os.environ.get("ProgramFiles(x86)", "")
        if Path(programs, "Microsoft Visual Studio", "Installer", "vswhere.exe").is_file():
            return False
    return not any(shutil.which(name) and compiles_cpp20(name) for name in CANDIDATES)


def write_wrappers(folder: Path) -> dict[str, Path]:
    """One script for each of Zig's tools, by the name that CMake knows it under."""
    scripts = {}
    for name, arguments in ZIG_TOOLS.items():
        if os.name == "nt":
            scripts[name] = folder / f"{name}.cmd"
            scripts[name].write_text(f'@"{sys.executable}" -m ziglang {arguments} %*\n')
        else:
            scripts[name] = folder / name
            scripts[name].write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m ziglang {arguments} "$@"\n')
            scripts[name].chmod(0o755)
    return scripts


@contextmanager
def compiler() -> Iterator[None]:
    """Within it, CMake finds a C++20 compiler: the machine's own, else Zig's."""
    if not needs_zig():
        yield
        return
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="thalweg-zig-") as folder:
        scripts = write_wrappers(Path(folder))
        tools = f"-DCMAKE_AR={scripts['ar'].as_posix()} -DCMAKE_RANLIB={scripts['ranlib'].as_posix()}"
        os.environ.update(CC=str(scripts["cc"]), CXX=str(scripts["c++"]), THALWEG_ZIG="1")  # pyproject.toml asks for it
        os.environ["CMAKE_ARGS"] = f"{before.get('CMAKE_ARGS', '')} {tools}".strip()
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def with_zig_if_needed(requirements: list[str]) -> list[str]:
    return [*requirements, "ziglang>=0.13"] if needs_zig() else requirements


def get_requires_for_build_wheel(config_settings=None) -> list[str]:
    return with_zig_if_needed(inner.get_requires_for_build_wheel(config_settings))


def get_requires_for_build_editable(config_settings=None) -> list[str]:
    return with_zig_if_needed(inner.get_requires_for_build_editable(config_settings))


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None) -> str:
    with compiler():
        return inner.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None) -> str:
    with compiler():
        return inner.build_editable(wheel_directory, config_settings, metadata_directory)
