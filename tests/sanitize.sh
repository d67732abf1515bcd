#!/bin/sh
# Builds the core with sanitizers and runs the engine's tests on it; a finding is a failure.
# Usage: sanitize.sh address|thread PYTHON [for pytest …], PYTHON of an environment with Thalweg's development tools
#
# The tests get an environment of their own, whose `thalweg` is the source tree with this core: without pip, and with a
# path file that leads to PYTHON's packages but does not read their path files, one of which is the editable install.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
which=$1
case $2 in
*/*) python=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") ;;
*) python=$(command -v "$2") ;;
esac
place=$root/build/sanitize-$which
case $which in
address)
    sanitizers="address;undefined"
    library=libasan.so
    # Python never frees what lives as long as it does.
    export ASAN_OPTIONS=detect_leaks=0:strict_string_checks=1:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=print_stacktrace=1
    ;;
thread)
    sanitizers=thread
    library=libtsan.so
    # A child of fork starts threads of its own here, which is what is tested.
    export TSAN_OPTIONS=halt_on_error=1:die_after_fork=0
    ;;
*)
    echo "Usage: $0 address|thread PYTHON [for pytest …]" >&2
    exit 2
    ;;
esac
for tool in cmake g++; do
    if ! command -v "$tool" >/dev/null; then
        echo "The sanitizers need $tool, which is not here; on Debian and Ubuntu: apt install cmake g++" >&2
        exit 1
    fi
done
runtime=$(g++ -print-file-name="$library")
if [ "$runtime" = "$library" ]; then
    echo "g++ has no $library here: install the sanitizers that belong to it." >&2
    exit 1
fi

# -O1: at -O3 the instrumented kernels take minutes to compile.
"$python" -m venv --without-pip "$place/venv"
cmake -S "$root" -B "$place/core" -DTHALWEG_SANITIZE="$sanitizers" -DTHALWEG_TESTS=ON -DCMAKE_CXX_COMPILER=g++ \
    -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O1 -DPython_EXECUTABLE="$python" \
    -Dnanobind_DIR="$("$python" -m nanobind --cmake_dir)" >/dev/null
cmake --build "$place/core" --parallel 2
"$place/core/test_kernels"

rm -rf "$place/package"
mkdir -p "$place/package/thalweg"
ln -s "$root"/src/thalweg/* "$place/package/thalweg/"
rm -f "$place"/package/thalweg/_core.*.so
ln -s "$place"/core/_core.*so "$place/package/thalweg/"
of() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
printf '%s\n' "$place/package" "$(of "$python")" >"$(of "$place/venv/bin/python")/sanitized.pth"

shift 2
cd "$root"
# libstdc++ too: the sanitizers look for its throw when the process begins, and Python brings it later.
export LD_PRELOAD="$runtime $(g++ -print-file-name=libstdc++.so.6)" THALWEG_SANITIZE="$which"
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
"$place/venv/bin/python" -c "
from thalweg import _core
assert _core.__file__.startswith('$place'), _core.__file__"
# A finding ends the process at once: --capture=sys lets the report of the sanitizer through.
exec "$place/venv/bin/python" -m pytest -q -p no:cacheprovider --capture=sys \
    tests/test_cpu.py tests/test_core.py tests/test_core_math.py tests/test_core_door.py tests/test_programs.py \
    tests/contracts/test_engine.py tests/test_training.py "$@"
