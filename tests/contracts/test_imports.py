"""A file imports only from rooms above its own, and `import thalweg` loads NumPy and the core only."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import thalweg


PACKAGE = Path(__file__).resolve().parents[2] / "src" / "thalweg"
FILES = sorted(PACKAGE.rglob("*.py"))

# The order, from the first room to the last. A file may import from the names before its own; "" is the front door,
# thalweg itself, which only `python -m thalweg` may import.
ROOMS: tuple[str, ...] = (
    *"""
    _version  errors  _core  elementary  notation  nodes  expressions  equations  closures  parsing
    outputs  plots  walk_drawing  walk_ground  walk_plots  rate_plots  layer_plots  animations
    comparison_plots
    randomness  whole_file  text_files  safe_file
    cells  dialects  frames  sources  table  coercion  records  features  choosing  targets  encoding  splitting
    settings  network_sketch  network_drawing  pieces  document  alignment
    text_writer  markdown_writer  latex_words  latex_writer  html_writer  notebook_writer  writers
    arithmetic  formulas  instructions  named  differences  activations  losses  row_checks  own_rows  network
    conventions  landscape
    schedules  line_searches  update_rules  directions  optimizers  steps  stopping  orders  examples
    engines.base  engines.programs  engines.reference  engines.cpu  engines
    evaluation  history  derivatives  interruption
    typed_numbers  typed_networks  trace_rules  computation  trace_steps  paths  matrices  tracing
    step_displays  trace_pages  weight_pages  straight_path  attribution
    slips  reckoning  answers  answer_files  exercises  worked_lines  descent_lines  descent_exercises  exercise_pages
    moodle
    functions  objectives  callables  starts  trail  diagnosis  walk_pictures  walk  descent  sweeps
    checkpoint  run  whole_batch  training  progress
    scores  metrics  callbacks  logs  checkups  findings  doctor
    labels  exports  onnx_graph  onnx_formulas  onnx_features  onnx_export
    c_words  c_formulas  c_features  c_network  c_answers  c_program  c_export
    mlp_parameters  mlp_settings  mlp_training  sparse_rows  estimator_files  fitted_network  mlp_base  rate_tests
    estimators  rivals  model  learning  fitting  predictions  explaining
    table_inputs  table_encoder  table_targets  table_files  table_estimators
    raw_features  folds  pruning_sequence  pruned_tree  tree_rules  tree_drawing
    bouts  boosters  contenders  intervals  budget
    tendencies  criteria  trial_ring  changed_columns  changed_rows  trials
    standings  judgement  verdict  report_page  explained_row  boundaries  boundary_plots
    comparison_report  comparison_table  comparison  tournament  comparing
    mail_decoding  mail_headers  mail_html  mail  mail_streams  mailboxes
    trusted_domains  mail_features  mail_explanations  spam  spam_header
    report  demo  console  comparison_console
    command_options  fit_cli  compare_cli  export_cli  descend_cli  exercise_cli  explain_cli  spam_cli  cli
""".split(),
    "",
    "__main__",
)

# Beyond the order: training knows engines by their protocol only, and a fast engine never leans on the reference.
BANNED = {"training": {"_core", "engines.reference", "engines.cpu"}, "engines.cpu": {"engines.reference"}}

# What may be imported outside a function; everything else would slow down or burden `import thalweg`.
LIGHT = sys.stdlib_module_names | {"numpy", "thalweg"}
COMMANDS = (
    "command_options", "fit_cli", "compare_cli", "export_cli", "descend_cli", "exercise_cli", "explain_cli", "spam_cli",
    "cli",
)  # fmt: skip
ESTIMATORS = (
    "fitted_network",
    "mlp_base",
    "estimators",
    "table_inputs",
    "table_encoder",
    "table_targets",
    "table_estimators",
)
MORE = {
    **{room: {"typer"} for room in COMMANDS},  # nothing but the command line loads it
    **{room: {"sklearn"} for room in ESTIMATORS},  # whose classes are those of its base classes
}

HEAVY = (
    "sklearn scipy duckdb pyarrow pandas polars narwhals matplotlib rich typer jinja2 safetensors sympy jaxtyping "
    "torch onnx onnxruntime"
).split()


def room_of(path: Path) -> str:
    """src/thalweg/engines/base.py → engines.base; a package's own file goes by the package's name."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported anywhere in a file, functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{source}.{alias.name}" if node.level == 0 else source) for alias in node.names)


def runs_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the file is imported: not function bodies, not what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            yield from (node for branch in child.orelse for node in [branch, *runs_at_import(branch)])
            continue
        yield child
        yield from runs_at_import(child)


def target(name: str) -> str:
    """thalweg.engines.base.Engine → engines.base: the longest beginning that is a room."""
    parts = name.split(".")[1:]
    while ".".join(parts) not in ROOMS:
        parts.pop()
    return ".".join(parts)


def violations(room: str, source: str) -> list[str]:
    """One sentence for each import in the file of `room` that breaks a rule."""
    if room not in ROOMS:
        return [f"thalweg.{room} has no place in the order of rooms: give it one in ROOMS"]
    tree = ast.parse(source)
    found = []
    for line, name in imported(tree):
        if name.startswith("."):
            found.append(f"line {line}: {name} is relative; write the full name")
        elif name.split(".")[0] == "thalweg":
            other = target(name)
            if ROOMS.index(other) >= ROOMS.index(room) or other in BANNED.get(room, ()):
                found.append(f"line {line}: {room or 'thalweg'} may not import {name} (see ROOMS and BANNED)")
    for node in runs_at_import(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        heavy = [name for name in names if name.split(".")[0] not in LIGHT | MORE.get(room, set())]
        found += [f"line {node.lineno}: {name} is imported outside the function that needs it" for name in heavy]
    return found


def test_there_are_files_and_rooms_to_check():
    assert len(FILES) > 5
    assert len(ROOMS) == len(set(ROOMS)) > 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rooms_above_its_own(path):
    assert violations(room_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("room", "source", "said"),
    [
        ("novelty", "import os", "has no place"),
        ("errors", "from thalweg.table import read", "errors may not import thalweg.table"),
        ("errors", "from thalweg import table", "errors may not import thalweg.table"),
        ("errors", "import thalweg.table", "errors may not import thalweg.table"),
        ("errors", "def f():\n    from thalweg.table import read", "line 2: errors may not import thalweg.table.read"),
        ("errors", "import thalweg as tw", "may not import thalweg ("),
        ("errors", "from .table import read", "relative"),
        (
            "training",
            "from thalweg.engines.reference import Reference",
            "training may not import thalweg.engines.reference",
        ),
        ("training", "from thalweg.engines import reference", "training may not import thalweg.engines.reference"),
        ("training", "def f():\n    from thalweg import _core", "may not import thalweg._core"),
        ("network", "from thalweg import engines", "may not import thalweg.engines"),
        ("engines.cpu", "from thalweg.engines.reference import Reference", "may not import thalweg.engines.reference"),
        ("engines.base", "from thalweg.engines import available", "may not import thalweg.engines.available"),
        ("table", "import duckdb", "duckdb is imported outside"),
        ("table", "import scipy.stats", "scipy.stats is imported outside"),
        ("table", "try:\n    from pandas import DataFrame\nexcept ImportError:\n    pass", "line 2: pandas"),
        ("table", "class A:\n    import pandas", "pandas is imported outside"),
        ("table", "if not TYPE_CHECKING:\n    import pandas", "pandas is imported outside"),
        ("table", "if TYPE_CHECKING:\n    pass\nelse:\n    import pandas", "line 4: pandas"),
    ],
)
def test_what_breaks_the_order_is_found(room, source, said):
    found = violations(room, source)
    assert len(found) == 1 and said in found[0], found


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("table", "from thalweg.errors import TableError\nimport numpy.typing as npt"),
        ("table", "def read():\n    import duckdb\n    from pyarrow import parquet"),
        ("table", "if TYPE_CHECKING:\n    from jaxtyping import Float"),
        ("training", "from thalweg.engines.base import Engine\nfrom thalweg.engines import find"),
        ("engines", "def f():\n    from thalweg import _core\n    from thalweg.engines.reference import Reference"),
        ("", "from thalweg.training import train as train"),
    ],
)
def test_what_keeps_the_order_passes(room, source):
    assert violations(room, source) == []


def test_no_public_name_is_that_of_a_room():
    """A room that is imported becomes an attribute of the package, and would take the place of the name."""
    assert set(thalweg.__all__) & {room.split(".")[0] for room in ROOMS} == set()
    assert all(hasattr(thalweg, name) for name in thalweg.__all__) and set(thalweg.__all__) <= set(dir(thalweg))
    with pytest.raises(AttributeError, match="'thalweg' has no attribute 'nothing'$"):
        getattr(thalweg, "nothing")  # noqa: B009
    with pytest.raises(AttributeError, match=r"'MLPClasifier'; did you mean MLPClassifier\?$"):
        getattr(thalweg, "MLPClasifier")  # noqa: B009


def test_importing_thalweg_loads_no_heavy_package():
    script = "import sys; before = set(sys.modules); import thalweg; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "thalweg" in loaded
    assert loaded & set(HEAVY) == set()
