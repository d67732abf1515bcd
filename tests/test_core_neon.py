"""The kernels for 64-bit Arm, cross-compiled and run under qemu where both are installed."""

import shutil
import subprocess
from pathlib import Path

import pytest


TOOLS = ("cmake", "make", "aarch64-linux-gnu-g++", "qemu-aarch64")


@pytest.mark.acceptance
def test_the_arm_kernels_give_the_right_results_under_qemu(tmp_path):
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not found; apt install cmake make g++-aarch64-linux-gnu qemu-user")
    script = Path(__file__).with_name("neon.sh")
    ran = subprocess.run([script, tmp_path], capture_output=True, text=True, timeout=3600)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr
    assert "neon: products, functions, callers\n" in ran.stdout
