"""`thalweg descend`: what it prints, the pictures it leaves, and its refusals."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import thalweg as tw
from command_line import run


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_walk_is_told_in_full():
    ran = run("descend", "x**2 + 3*sin(x)", "--start", 4, "--rows", 6, "--latex")
    assert ran.status == 0
    lines = ran.text.splitlines()
    assert lines[0] == "f  = x**2 + 3*sin(x)" and lines[2] == "f′ = 2*x + 3*cos(x)"
    assert lines[3].split() == ["2", "x", "+", "3", r"\cos\left(x\right)"]
    d = tw.descend("x**2 + 3*sin(x)", 4, stop=tw.Stop(steps=1000, gradient_norm_below=1e-8))
    steps = [line.split() for line in lines[5:] if line.split()[:1] and line.split()[0].lstrip("*").isdigit()]
    assert len(steps) == 6 and steps[0][:3] == ["0", "4", f"{d.values[0]:.8g}"]
    assert steps[1][1:5] == [
        f"{d.path[1]:.6g}",
        f"{d.values[1]:.8g}",
        f"{d.values[1] - d.values[0]:+.2e}",
        f"{d.gradients[1]:.4g}",
    ]
    assert any(row[0] == f"*{d.best_step}" for row in steps)
    assert repr(d) in ran.text and d.message in ran.text and str(d.diagnosis) in ran.text


def test_json_is_the_walk():
    told = json.loads(run("descend", "rosenbrock", "--optimizer", "L-BFGS", "--json").text)
    d = tw.descend("rosenbrock", optimizer=tw.LBFGS(), stop=tw.Stop(steps=1000, gradient_norm_below=1e-8))
    assert (
        told["x"] == d.x.tolist()
        and told["status"] == "GRADIENT_NORM_BELOW"
        and len(told["steps"]["x"]) == len(d.steps)
    )


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((), tw.GradientDescent(0.1)),
        (("--optimizer", "gd", "--learning-rate", 0.02), tw.GradientDescent(0.02)),
        (("--optimizer", "momentum", "--learning-rate", "0.01"), tw.GradientDescent(0.01, momentum=0.9)),
        (("--optimizer", "Nesterov", "--momentum", 0.5), tw.GradientDescent(0.1, momentum=0.5, nesterov=True)),
        (("--optimizer", "adam"), tw.Adam()),
        (("--optimizer", "conjugate-gradient"), tw.ConjugateGradient()),
        (("--optimizer", "newton", "--learning-rate", "wolfe"), tw.Newton(tw.Wolfe())),
        (("--learning-rate", "barzilai-borwein"), tw.GradientDescent(tw.BarzilaiBorwein())),
    ],
)
def test_optimizers_and_rates_by_name(arguments, rule):
    told = json.loads(run("descend", "bowl", "--steps", 7, "--json", *arguments).text)
    stop = tw.Stop(steps=7, gradient_norm_below=1e-8)
    assert told["optimizer"] == rule.to_dict()
    assert told["steps"]["x"] == tw.descend("bowl", optimizer=rule, stop=stop).path.tolist()


@pytest.mark.parametrize(("start", "x"), [("1,-2", [1, -2]), ("y=-2,x=1", [1, -2]), ("-3.5, 4e-1", [-3.5, 0.4])])
def test_starts(start, x):
    told = json.loads(run("descend", "x**2 + y**2", f"--start={start}", "--steps", 1, "--json").text)
    assert told["steps"]["x"][0] == x


def test_a_formula_that_begins_with_a_minus():
    assert "f  = -x + x**2" in run("descend", "-x + x**2", "--start", -3).text


@pytest.mark.parametrize("name", ["walk.svg", "walk.png", "walk.pdf"])
def test_pictures(name):
    ran = run("descend", "x**2", "--start", 3, "--plot", name)
    assert ran.status == 0 and ran.text.endswith(f"picture    {name}\n") and Path(name).stat().st_size > 2000


@pytest.mark.parametrize(
    "arguments",
    [
        ("bowl", "--kind", "contour"), ("bowl", "--kind", "surface"), ("bowl", "--kind", "progress"),
        ("x**4", "--start", 2, "--sweep"), ("rosenbrock", "--optimizer", "lbfgs", "--optimizer", "newton"),
        ("x1**2 + x2**2 + x3**4", "--start", "1,2,3"), ("x**2", "--start", 3, "--learning-rate", 1.2),
    ],
)  # fmt: skip
def test_pictures_of_every_kind(arguments):
    ran = run("descend", *arguments, "--plot", "a.svg")
    assert ran.status == 0, ran
    assert Path("a.svg").read_text(encoding="utf-8").count("<path") > 5


@pytest.mark.parametrize("arguments", [("x**2", "--start", 3), ("bowl",)])
def test_animations(arguments):
    ran = run("descend", *arguments, "--steps", 12, "--animate", "walk.gif")
    assert ran.status == 0 and "animation  walk.gif" in ran.text
    with Image.open("walk.gif") as image:
        assert getattr(image, "n_frames", 1) > 5


def test_a_race_and_a_sweep():
    ran = run("descend", "rosenbrock", "--optimizer", "lbfgs", "--optimizer", "newton")
    assert [line.split()[0] for line in ran.text.splitlines()[:3]] == ["optimizer", "lbfgs", "newton"]
    told = json.loads(run("descend", "x**2", "--start", 3, "--sweep", "--json").text)
    assert set(told["regimes"]) == {"creeping", "monotone", "oscillating", "diverging"} and told["values"][-1] is None
    assert (
        "The lowest f was reached at the rate 0.5; at the start 1/L = 0.5 and 2/L = 1."
        in run("descend", "x**2", "--start", 3, "--sweep").text
    )


def test_the_list():
    text = run("descend", "--list").text
    assert all(name in text and function.text in text for name, function in tw.FUNCTIONS.items())
    assert json.loads(run("descend", "--list", "--json").text)["absolute"]["formula"] == "abs(x)"


def test_a_walk_that_fails_is_told_and_no_error():
    ran = run("descend", "x**2", "--start", 3, "--learning-rate", 1.5)
    assert ran.status == 0 and "DIVERGING" in ran.text and "Take a smaller rate: 0.5 is safe here" in ran.text
    assert "log(x) is not defined at x = " in run("descend", "log(x)", "--start", 1).text


@pytest.mark.parametrize(
    ("formula", "place"), [("x**2 + sinus(x)", 7), ("x +", 3), ("(x", 0), ("x**1e9", 1), ("x.real", 1), ("2x", 1)]
)
def test_a_formula_that_cannot_be_read_has_a_caret(formula, place):
    ran = run("descend", formula, "--start", 1)
    first, shown, caret = ran.err.splitlines()
    assert ran.status == 2 and ran.out == b"" and first.startswith("thalweg: at character ")
    assert shown.strip() == formula and caret.index("^") - (len(shown) - len(shown.lstrip())) == place


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "descend needs a function"),
        (("x**2",), "descend needs a start"),
        (("x**2", "--start", "four"), "--start takes numbers parted by commas"),
        (("x**2", "--start", "x=4=5"), "--start takes numbers"),
        (("x**2", "--start", "y=4"), "start names y, and the variables are x"),
        (("x*y", "--start", "4"), "so start needs as many numbers"),
        (("x", "--start", "4", "--domain", "1"), "--domain takes two numbers"),
        (("x", "--start", "4", "--domain", "0,1"), "lies outside the domain"),
        (("x", "--start", "4", "--optimizer", "sgd"), "there is no optimizer 'sgd'; choose one of"),
        (("x", "--start", "4", "--learning-rate", "fast"), "--learning-rate takes a number or one of Backtracking"),
        (("x", "--start", "4", "--learning-rate", "-1"), "rate must be a number ≥ 0"),
        (("x", "--start", "4", "--optimizer", "adam", "--learning-rate", "wolfe"), "looks along a straight direction"),
        (("x", "--start", "4", "--optimizer", "adam", "--momentum", "0.9"), "--momentum is for GradientDescent"),
        (("x", "--start", "4", "--steps", "0"), "steps must be a whole number > 0"),
        (("x", "--start", "4", "--plot", "a.jpg"), "a figure is written as .svg, .png or .pdf"),
        (("x", "--start", "4", "--plot", "no/a.svg"), "the folder"),
        (("x", "--start", "4", "--animate", "a.mp4"), "an animation is written as .gif or .html"),
        (("x", "--start", "4", "--plot", "a.svg", "--kind", "surface"), "a surface shows a function of 2"),
        (("x", "--start", "4", "--plot", "a.svg", "--kind", "pie"), "a picture's kind must be one of"),
        (("x", "--start", "4", "--sweep", "--learning-rate", "1"), "--sweep tries its own learning rates"),
        (("x", "--start", "4", "--sweep", "--animate", "a.gif"), "an animation shows one walk"),
        (("x1 + x2 + x3", "--start", "1,1,1", "--animate", "a.gif"), "1 or 2 coordinates"),
        (("x", "--start", "4", "--rows", "-1"), "rows"),
        (("x", "--start", "4", "--bogus"), "--bogus"),
    ],
)  # fmt: skip
def test_refusals(arguments, said):
    ran = run("descend", *arguments)
    assert ran.status == 2 and said in ran.sentence
    assert not list(Path().iterdir()), "nothing is written, and it is said before the walk"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="xy0123456789.+-*/^()eπ sincoqrtlgab,=_[]'\"\n", max_size=40), st.text(max_size=8))
def test_whatever_is_typed_is_answered(formula, start):
    ran = run("descend", "--steps", 20, f"--start={start}", "--", formula)
    assert ran.status in (0, 2) and (ran.status == 0 or ran.err.startswith("thalweg: "))
