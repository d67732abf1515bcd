"""The compiled core: what it sees of the processor, and how THALWEG_CPU overrides its choice."""

import ast
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from thalweg import _core


AVX2 = ["avx2", "fma"]
AVX512 = [*AVX2, "avx512f", "avx512dq", "avx512bw", "avx512vl"]
STUB = Path(__file__).resolve().parents[1] / "src" / "thalweg" / "_core.pyi"


def ask_anew(variable: str | None, script: str = "print(_core.cpu_features()['instruction_set'])"):
    """Run a line in a new process that imports the core with THALWEG_CPU set so."""
    environment = {name: value for name, value in os.environ.items() if name != "THALWEG_CPU"}
    if variable is not None:
        environment["THALWEG_CPU"] = variable
    command = [sys.executable, "-c", f"import os; from thalweg import _core; {script}"]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("features", "usable"),
    [
        ([], ["portable"]),
        (["avx2"], ["portable"]),  # AVX2 without FMA: the kernels need both
        (AVX2, ["avx2", "portable"]),
        (AVX512, ["avx512", "avx2", "portable"]),
        (AVX512[:-1], ["avx2", "portable"]),
        (["neon"], ["neon", "portable"]),
    ],
)
def test_a_set_is_usable_when_every_feature_is_there(features, usable):
    assert _core.usable_sets(features) == usable


def test_the_best_set_is_chosen_unless_one_is_named():
    assert _core.choose_set(["avx2", "portable"], "") == "avx2"
    assert _core.choose_set(["avx2", "portable"], "portable") == "portable"


def test_a_set_that_cannot_run_here_is_refused_with_what_can():
    with pytest.raises(
        ValueError, match=r"^THALWEG_CPU='avx512' asks for .*: unset it or use one of 'avx2', 'portable'\.$"
    ):
        _core.choose_set(["avx2", "portable"], "avx512")


def test_an_unknown_set_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"^THALWEG_CPU='AVX2' is not .* 'avx512', 'avx2', 'neon', 'portable'\)"):
        _core.choose_set(["avx2", "portable"], "AVX2")


def test_the_answer_is_coherent():
    answer = _core.cpu_features()
    assert answer["usable"] == _core.usable_sets(answer["features"])
    assert answer["instruction_set"] == _core.choose_set(answer["usable"], os.environ.get("THALWEG_CPU", ""))
    assert 1 <= answer["physical_cores"] <= answer["logical_cores"]
    assert answer["compiler"].split()[0] in {"gcc", "clang", "msvc"}
    assert min(answer["l1_bytes"], answer["l2_bytes"], answer["l3_bytes"]) >= 0


def test_the_architecture_is_the_one_python_runs_on():
    names = {"x86_64": "x86-64", "AMD64": "x86-64", "aarch64": "arm64", "arm64": "arm64", "ARM64": "arm64"}
    if sys.maxsize < 2**32 or platform.machine() not in names:
        pytest.skip(f"no expectation for {platform.machine()}")
    answer = _core.cpu_features()
    assert answer["architecture"] == names[platform.machine()]
    assert ("neon" in answer["usable"]) == (answer["architecture"] == "arm64")


@pytest.mark.skipif(
    not Path("/proc/cpuinfo").is_file() or platform.machine() != "x86_64", reason="Linux on x86-64 only"
)
def test_the_features_are_those_the_kernel_reports():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = set(next(line for line in lines if line.startswith("flags")).split())
    kernel_names = {"sse3": "pni", "sse4.1": "sse4_1", "sse4.2": "sse4_2"}
    ours = ["sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "avx", "f16c", *AVX512]
    assert set(_core.cpu_features()["features"]) == {name for name in ours if kernel_names.get(name, name) in flags}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not tell which cores are allowed")
def test_only_allowed_cores_are_counted():
    allowed = os.sched_getaffinity(0)
    assert _core.cpu_features()["logical_cores"] == len(allowed)
    done = ask_anew(None, f"os.sched_setaffinity(0, [{min(allowed)}]); print(_core.cpu_features()['logical_cores'])")
    assert done.stdout == "1\n", done.stderr


@pytest.mark.parametrize("name", _core.cpu_features()["usable"])
def test_the_variable_overrides_the_choice(name):
    done = ask_anew(name)
    assert done.stdout == f"{name}\n", done.stderr


@pytest.mark.parametrize("variable", [None, ""])
def test_without_the_variable_the_best_is_used(variable):
    assert ask_anew(variable).stdout == _core.cpu_features()["usable"][0] + "\n"


@pytest.mark.parametrize("name", ["sparkling", "avx512 ", "neon,portable"])
def test_a_wrong_variable_lets_the_import_pass_and_is_named_when_asked(name):
    assert ask_anew(name, "print('imported')").stdout == "imported\n"
    done = ask_anew(name)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ValueError: THALWEG_CPU='{name}' is not an instruction set")


def test_the_variable_is_read_once_at_import():
    script = "os.environ['THALWEG_CPU'] = 'sparkling'; print(_core.cpu_features()['instruction_set'])"
    assert ask_anew("portable", script).stdout == "portable\n"


def test_the_stub_names_exactly_what_the_core_has():
    body = ast.parse(STUB.read_text(encoding="utf-8")).body
    functions = {node.name: ast.get_docstring(node) for node in body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef) and node.name != "CpuFeatures"}
    assert functions and classes
    assert set(functions) | set(classes) == {name for name in dir(_core) if not name.startswith("_")}
    for name, node in classes.items():
        held = node if node.body[1:] else classes[ast.unparse(node.bases[0])]
        methods = {item.name for item in held.body if isinstance(item, ast.FunctionDef)} - {"__init__"}
        assert methods == {method for method in dir(getattr(_core, name)) if not method.startswith("_")}, name
    for name, docstring in functions.items():
        # nanobind puts the signature on the first line.
        assert getattr(_core, name).__doc__.split("\n\n", 1)[1] == docstring


def test_the_stub_lists_the_answer_key_by_key():
    body = ast.parse(STUB.read_text(encoding="utf-8")).body
    (answer,) = [node for node in body if isinstance(node, ast.ClassDef) and node.name == "CpuFeatures"]
    keys = [
        item.target.id for item in answer.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]
    assert keys == list(_core.cpu_features())
