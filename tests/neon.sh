#!/bin/sh
# Cross-compiles the core for 64-bit Arm and runs its kernels under qemu: test_kernels, which needs no Python. An
# emulator tells whether the results are right, not how fast they are.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
place=${1:-$root/build/neon}
for tool in cmake make aarch64-linux-gnu-g++ qemu-aarch64; do
    if ! command -v "$tool" >/dev/null; then
        echo "The Arm kernels are tested with $tool, which is not here; on Debian and Ubuntu:" \
            "apt install cmake make g++-aarch64-linux-gnu qemu-user" >&2
        exit 1
    fi
done

cmake -S "$root" -B "$place" -DTHALWEG_MODULE=OFF -DTHALWEG_TESTS=ON -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
    -DCMAKE_EXE_LINKER_FLAGS=-static -DCMAKE_COMPILE_WARNING_AS_ERROR=ON -G "Unix Makefiles"
cmake --build "$place"
qemu-aarch64 "$place/test_kernels" without-fork
