"""Sheets of exercises: what they ask and hide, that their solutions and grids are right, and what makes them again."""

import json
import math
import re
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import by_hand
from test_latex_writer import compiled
from thalweg import writers
from thalweg.arithmetic import Rounding
from thalweg.conventions import Conventions
from thalweg.descent_exercises import DESCENT_EXERCISES, descent_exercise
from thalweg.document import Code, Display, Heading, Paragraph, Picture, Table, Walk, unfolded
from thalweg.exercise_pages import accepted, call_of, grid, problem, sheet, solution, solutions, tolerance
from thalweg.exercises import EXERCISES, exercise
from thalweg.expressions import number
from thalweg.pieces import Blank, plain


KINDS = (*EXERCISES, *DESCENT_EXERCISES)
LECTURER = Conventions(error="L", before="z", after="a", weight="w", vectors="column")


def make(kind: str, seed: int = 7, variant: int = 1, **options: Any) -> Any:
    draw = exercise if kind in EXERCISES else descent_exercise
    return draw(kind, seed=seed, variant=variant, **options)


def tables(document: Any) -> list[Table]:
    return [block for block in unfolded(document.blocks) if isinstance(block, Table)]


def said(document: Any) -> str:
    """All words of the paragraphs."""
    return " ".join(plain(block.pieces) for block in unfolded(document.blocks) if isinstance(block, Paragraph))


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_asks_for_every_value_in_order_and_tells_none(kind):
    assert KINDS
    one = make(kind)
    (table,) = tables(problem(one))
    words = [plain(row[1]) for row in table.rows]
    assert words == [step.words for step in one.steps] and len(words) == len(set(words))
    assert all(isinstance(row[2], Blank) for row in table.rows)
    assert [plain(row[0]).removeprefix("new ") for row in table.rows] == [step.symbol.unicode for step in one.steps]
    text = writers.write(problem(one), "text")
    assert one.label in text and one.title in text
    told = set(re.findall(r"[−0-9./]+", text))
    hidden = {step.shown.unicode for step in one.steps if len(step.shown.unicode.strip("−")) > 4}
    assert not hidden & told, "a result stands on the sheet"


@pytest.mark.parametrize("kind", EXERCISES)
def test_the_drawing_has_the_given_numbers_and_lights_the_goals(kind):
    one = make(kind)
    (drawing,) = [block.drawing for block in problem(one).blocks if isinstance(block, Picture)]
    trace = one.trace
    kinds = {"W", "b"} if trace.n_examples > 1 else {"x", "W", "b"}
    given = [step.key for layer in (1,) for step in trace if step.kind == "a" for step in step.operands]
    assert {key[0] for key in drawing.labels} == kinds and given
    for key, label in drawing.labels.items():
        assert label == trace[key].shown
    if len(one.goals) <= 3:
        assert drawing.lit == {("W", *key[1:]) for key in one.goals}
        goal = trace[one.goals[0]]
        assert goal.words in said(problem(one)) and goal.symbol.unicode in said(problem(one))


@pytest.mark.parametrize("kind", KINDS)
def test_the_solution_shows_every_value_once_with_its_numbers(kind):
    one = make(kind)
    displays = [block for block in unfolded(solution(one).blocks) if isinstance(block, Display)]
    parts = [display.chain.parts for display in displays]
    for step in one.steps:
        found = [chain for chain in parts if chain[0] == step.symbol and chain[-1] == step.shown]
        assert found and (found == [step.parts] or "example" in step.words), step.name
    order = [chain[0] for chain in parts if any(chain == step.parts for step in one.steps)]
    if "example" not in one.steps[0].words:
        by_step = sorted(one.steps, key=lambda step: order.index(step.symbol))
        forward = [step.name for step in by_step if getattr(step, "kind", "") in ("a", "z")]
        assert forward == [step.name for step in one.steps if getattr(step, "kind", "") in ("a", "z")]


@pytest.mark.parametrize("kind", KINDS)
def test_the_grid_has_the_right_numbers_and_a_point_each(kind):
    one = make(kind)
    (table,) = tables(grid(one))
    *rows, total = table.rows
    assert len(rows) == len(one.steps) == total[-1] and all(row[-1] == 1 for row in rows)
    for row, step in zip(rows, one.steps, strict=True):
        right = Fraction(plain(row[2]).replace("−", "-"))
        assert right == step.result and one.check({step.name: right}).is_right
        if plain(row[3]):
            assert row[3] == number(tolerance(one, step), decimal=True)


def backpropagation(one: Any, written: Any) -> dict[str, float]:
    """The values of hidden-weight, each passed through `written`, from L10 and L11 alone."""
    t = one.trace
    p, x, y = [float(value) for value in t.parameters], [float(v) for v in t.X[0]], [float(v) for v in t.Y[0]]
    W = {1: np.array(p[:4]).reshape(2, 2), 2: np.array(p[6:10]).reshape(2, 2)}
    b = {1: p[4:6], 2: p[10:12]}
    v: dict[str, float] = {}
    below = x
    for layer in (1, 2):
        z = []
        for j in (0, 1):
            a = v[f"a[{layer}][{j + 1}]"] = written(below[0] * W[layer][0, j] + below[1] * W[layer][1, j] + b[layer][j])
            z.append(written(1 / (1 + math.exp(-a))))
            v[f"z[{layer}][{j + 1}]"] = z[-1]
        below = z
    delta = []
    for k in (0, 1):
        z = v[f"z[2][{k + 1}]"]
        e = v[f"dE/dz[2][{k + 1}]"] = written(2 * (z - y[k]))
        g = v[f"g'(a[2][{k + 1}])"] = written(z * (1 - z))
        delta.append(written(e * g))
        v[f"delta[2][{k + 1}]"] = delta[-1]
    for j in (0, 1):
        z = v[f"z[1][{j + 1}]"]
        g = v[f"g'(a[1][{j + 1}])"] = written(z * (1 - z))
        d = v[f"delta[1][{j + 1}]"] = written((delta[0] * W[2][j, 0] + delta[1] * W[2][j, 1]) * g)
        v |= {f"dE/dW[1][{i + 1},{j + 1}]": written(d * x[i]) for i in (0, 1)}
    return v


@pytest.mark.parametrize("variant", range(1, 6))
def test_whoever_rounds_in_whatever_way_is_accepted(variant, rng):
    one = make("hidden-weight", variant=variant)
    edges = {step.name: accepted(one, step) for step in one.steps}

    def unit(value: float) -> float:
        return 10.0 ** (math.floor(math.log10(abs(value))) - 3) if value else 0.0

    def jittered(value: float) -> float:
        """As far off as rounding may lead; what has 4 digits only is not rounded."""
        is_short = abs(float(Rounding(4)(value)) - value) < 1e-12
        return value if is_short else value + rng.uniform(-0.5, 0.5) * unit(value)

    styles = [lambda value: value, lambda value: float(Rounding(4)(value)), *[jittered] * 30]
    for written in styles:
        values = backpropagation(one, written)
        for name, (low, high) in edges.items():
            assert low - 1e-12 <= values[name] <= high + 1e-12, name
    exact = backpropagation(one, lambda value: value)
    for step in one.steps:
        low, high = edges[step.name]
        assert (low + high) / 2 == pytest.approx(exact[step.name], rel=1e-9)
        assert (high - low) / 2 < 100 * unit(exact[step.name]), "so wide that it would take anything"


@pytest.mark.parametrize("kind", EXERCISES)
def test_what_is_accepted_lies_around_the_exact_value_and_within_the_tolerance(kind):
    one = make(kind, seed=11)
    t, examples = one.trace, []
    p = iter(t.parameters)
    weights, biases = [], []
    for layer in t.network.layers:
        weights.append([[next(p) for _ in range(layer.above)] for _ in range(layer.below)])
        biases.append([next(p) for _ in range(layer.above)])
    hidden = [g.name for g in t.network.activation]
    for x, y in zip(t.X, t.Y, strict=True):
        network = (t.network.sizes, hidden, t.network.output.name, t.network.loss.name, weights, biases)
        examples.append(by_hand.trace(*network, x, y, by_hand.PRECISE))
    seen = 0
    for step in one.steps:
        if step.is_update or (step.example is None and len(examples) > 1):
            continue
        key = ("dE/dz", step.place[1]) if step.kind == "dE/dz" else (step.kind, *step.place)
        exact = float(examples[(step.example or 1) - 1][key])
        low, high = accepted(one, step)
        off = tolerance(one, step)
        assert low < exact < high and (low + high) / 2 == pytest.approx(exact, rel=1e-9, abs=1e-12)
        slack = 1e-5 * float(off)
        assert float(step.result - off) - slack <= low and high <= float(step.result + off) + slack
        assert float(off) <= 1.1 * (high - low) + 1e-12
        seen += 1
    assert seen > 5


def test_softmax_comes_with_its_jacobian_and_what_is_left_of_it():
    one = make("softmax")
    z = [Fraction(one.trace["z", 2, k].result) for k in (1, 2, 3)]
    text = writers.write(solution(one), "text")
    rows = [" ".join(_jacobian(z, k)) for k in range(3)]
    assert f"∂z⁽²⁾/∂a⁽²⁾ = [{'; '.join(rows)}]" in text
    assert "= z⁽²⁾ − y" in text and "zₖ⁽²⁾·(1 − zₖ⁽²⁾) for k = j" in text and "∂E/∂zₖ⁽²⁾ = −yₖ/zₖ⁽²⁾" in text
    assert "Softmax with" not in writers.write(solution(make("hidden-weight")), "text")
    squared = writers.write(solution(make("softmax", loss="squared_error")), "text")
    assert "The slopes of softmax" in squared and "is left is output minus target" not in squared


def _jacobian(z: list[Fraction], k: int) -> list[str]:
    row = [float(z[k] * ((k == j) - z[j])) for j in range(3)]
    return [f"{float(Rounding(4)(value)):.10g}".replace("-", "−") for value in row]


def test_rounding_and_fractions_are_said():
    assert "Round every result to 3 decimals." in said(problem(make("batch", rounding=Rounding(3, decimals=True))))
    assert "Compute in exact fractions." in said(problem(make("relu")))
    assert "one step of gradient descent" in said(problem(make("update")))
    assert "every weight and bias" in said(problem(make("all")))


def test_a_sheet_has_a_heading_for_each_variant_and_can_be_made_again():
    ones = [make("output-weight", variant=n) for n in (1, 2, 3)]
    text = writers.write(sheet(ones, "Exercise 5"), "markdown")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [f"## Variant {n}" for n in (1, 2, 3)]
    assert all(one.label in text for one in ones)
    again = [make("output-weight", variant=n) for n in (1, 2, 3)]
    assert writers.write(sheet(again, "Exercise 5"), "markdown") == text
    mixed = sheet([make("relu"), make("momentum")], "Exercise 6")
    headings = [block.text for block in mixed.blocks if isinstance(block, Heading) and block.level == 1]
    assert headings == [f"Variant 1: {make(kind).title}" for kind in ("relu", "momentum")]
    assert not [block for block in sheet(ones[:1], "Alone").blocks if getattr(block, "text", "").startswith("Variant")]


def test_solutions_of_many_have_their_walks_and_grids():
    ones = [make("hidden-weight", variant=n) for n in (1, 2)]
    made = solutions(ones, "Solutions")
    assert len(tables(made)) == 2 and len([block for block in made.blocks if isinstance(block, Walk)]) == 4
    assert len([block for block in made.blocks if getattr(block, "text", "") == "Marking"]) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_in_every_format(kind):
    one = make(kind)
    for name in writers.WRITERS:
        for document in (problem(one), solution(one)):
            assert one.title in writers.write(document, name)


def test_latex_compiles_and_stays_on_the_page(tmp_path):
    ones = [make(kind) for kind in ("softmax", "batch", "convergence-2d")]
    for name, document in (("sheet", sheet(ones, "Exercises")), ("solutions", solutions(ones, "Solutions"))):
        folder = tmp_path / name
        folder.mkdir()
        log = compiled(writers.write(document, "latex"), folder)
        assert re.findall(r"Overfull \\hbox \(\d{2,}\.\d*pt too wide\)", log) == []


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("hidden-weight", {"layers": [2, 3, 1], "activation": "tanh", "bias": False}),
    ("update", {"learning_rate": Fraction(1, 3), "rounding": Rounding(3)}),
    ("relu", {"dead_units": True}),
    ("softmax", {"conventions": LECTURER}),
    ("momentum", {"learning_rate": Fraction(1, 5), "rounding": Rounding(5)}),
    ("convergence", {}),
]


@pytest.mark.parametrize(("kind", "options"), OPTIONS, ids=lambda value: str(value))
def test_the_call_makes_the_same_exercise_again(kind, options):
    one = make(kind, variant=2, **options)
    tw = SimpleNamespace(
        exercise=exercise, descent_exercise=descent_exercise, Rounding=Rounding, Conventions=Conventions
    )
    again = eval(call_of(one), {"tw": tw, "Fraction": Fraction})
    assert again.solution == one.solution and again.label == one.label
    assert [step.symbol for step in again.steps] == [step.symbol for step in one.steps]


@pytest.mark.parametrize(("kind", "options"), [row for row in OPTIONS if row[0] in EXERCISES], ids=str)
def test_a_notebook_checks_what_is_filled_in(kind, options, capsys):
    one = make(kind, variant=2, **options)
    made = json.loads(writers.write(sheet([one], one.title, code=True), "notebook"))
    answers, check = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
    for name, value in one.solution.items():
        answers = answers.replace(f"{json.dumps(name)}: None", f"{json.dumps(name)}: {float(value)!r}")
    assert "None" not in answers
    left_out, first = json.dumps(one.steps[0].name), one.steps[0].result
    answers = answers.replace(f"{left_out}: {float(first)!r}", f"{left_out}: None")
    exec(answers + "\n" + check, {})
    said = capsys.readouterr().out
    n = len(one.steps) - 1
    assert said.rstrip().endswith(f"{n} of {n} accepted") and "wrong" not in said


def test_only_a_notebook_has_code():
    assert not [block for block in sheet([make("relu")], "a").blocks if isinstance(block, Code)]
