#!/bin/sh
# Builds and installs Thalweg where the path holds no compiler, no CMake and no Ninja, in an empty environment with an
# empty Zig cache, then asks the core which compiler made it. Usage: prove_without_compiler.sh PYTHON
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

mkdir "$place/bin"
for tool in sh env uname cat cp ln ls mkdir mv rm touch sed grep; do
    ln -s "$(command -v "$tool")" "$place/bin/$tool"
done
"$1" -m venv "$place/venv"
python=$place/venv/bin/python

unset CC CXX CMAKE_ARGS CMAKE_GENERATOR
export PATH="$place/bin" ZIG_GLOBAL_CACHE_DIR="$place/zig" ZIG_LOCAL_CACHE_DIR="$place/zig"

echo "Building with no compiler on the path …"
"$python" -m pip --disable-pip-version-check install -q "$root"
cd "$place"
"$python" - <<'EOF'
from thalweg import _core

compiler = _core.cpu_features()["compiler"]
assert compiler.startswith("clang"), f"expected Zig's Clang, found {compiler}"
print(f"Built without a compiler on the machine, by the ziglang package's {compiler}; {_core.__file__} loads.")
EOF
