"""`thalweg explain`: what it prints of networks typed in and of models, in every format; and its refusals."""

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import thalweg as tw
from command_line import QUICK, mails, others, run, write_csv
from test_html_writer import Page
from test_latex_writer import compiled
from test_trace_pages import stands_alone
from thalweg import writers
from thalweg.arithmetic import FRACTIONS, Arithmetic, Rounding
from thalweg.conventions import Conventions
from thalweg.explain_cli import FORMATS
from thalweg.explaining import explain
from thalweg.trace_pages import most_relevant, whole
from thalweg.tracing import Trace
from thalweg.weight_pages import one_weight


TYPED = ("--weights", "1/2 -1; 2 1/3 | 3; -1", "--x", "1 2", "--y", "4", "--activation", "relu")
TOML = """
activation = "relu"
learning_rate = 0.25
weights = [[["1/2", -1], [2, "1/3"]], [[3], [-1]]]
x = [1, 2]
y = 4
"""


def typed(**options: Any) -> Trace:
    network = tw.TypedNetwork.from_texts(weights=TYPED[1], x="1 2", y="4", activation="relu")
    return tw.trace(network.network, network.parameters, network.X, network.Y, **options)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.toml").write_text(TOML, encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table, a model of its classes, one of its numbers, and one of 1,000 parameters and more."""
    folder = tmp_path_factory.mktemp("models")
    data = write_csv(folder / "mails.csv", mails())
    for target, hidden in (("spam", "7"), ("score", "7"), ("grade", "83")):
        words = ("--target", target, "--drop", others(target), *QUICK, "--hidden", hidden, "--quiet")
        assert run("fit", data, *words, "-o", folder / f"{target}.thalweg").status == 0
    return folder


def document_of(folder, target, row, weight=None):
    found = explain(tw.load(folder / f"{target}.thalweg"), folder / "mails.csv", row)
    if weight:
        return one_weight(found.trace.gradient_of(*weight), found.summary())
    return whole(found.trace, f"Why {found.prediction}", found.blocks(), backward=found.has_target)


# --- Networks typed in ------------------------------------------------------------------------------------------------


def test_options_and_a_file_are_explained_alike():
    by_options = run("explain", *TYPED, "--learning-rate", "1/4")
    by_file = run("explain", "net.toml")
    assert by_options.status == by_file.status == 0 and by_options.text == by_file.text
    assert by_file.text == writers.write(whole(typed(learning_rate=Fraction(1, 4))), "text")
    assert "W₁₁⁽¹⁾ := W₁₁⁽¹⁾ − η·(∂E/∂W₁₁⁽¹⁾)" in by_file.text
    other = run("explain", "net.toml", "--learning-rate", "0.5")
    assert other.text == writers.write(whole(typed(learning_rate=Fraction(1, 2))), "text")
    Path("NET.TOML").write_text(TOML, encoding="utf-8")
    assert run("explain", "NET.TOML").text == by_file.text


@pytest.mark.parametrize(
    ("options", "arithmetic"),
    [
        ((), Arithmetic()),
        (("--digits", 3), Arithmetic(rounding=Rounding(3))),
        (("--decimals", 2), Arithmetic(rounding=Rounding(2, decimals=True))),
        (("--arithmetic", "fractions"), FRACTIONS),
        (("--arithmetic", "rounded"), Arithmetic("rounded", Rounding(4))),
        (("--arithmetic", "rounded", "--digits", 2), Arithmetic("rounded", Rounding(2))),
        (("--arithmetic", "rounded", "--decimals", 0), Arithmetic("rounded", Rounding(0, decimals=True))),
    ],
    ids=str,
)
def test_arithmetic_and_digits(options, arithmetic):
    assert run("explain", *TYPED, *options).text == writers.write(whole(typed(arithmetic=arithmetic)), "text")


@pytest.mark.parametrize(
    ("given", "place"), [("1,2,1", (1, 2, 1)), (" 2 , 1,1 ", (2, 1, 1)), ("1,b,2", (1, "b", 2)), ("2,b,1", (2, "b", 1))]
)
def test_one_weight_or_bias(given, place):
    ran = run("explain", *TYPED, "--biases", "1 0 | 1/2", f"--weight={given}")
    network = tw.TypedNetwork.from_texts(weights=TYPED[1], biases="1 0 | 1/2", x="1 2", y="4", activation="relu")
    t = tw.trace(network.network, network.parameters, network.X, network.Y)
    assert ran.text == writers.write(one_weight(t.gradient_of(*place)), "text")


def test_every_option_of_a_network_reaches_it():
    ran = run(
        "explain", "--sizes", "1 2 2", "--activation", "tanh", "--output-activation", "softmax", "--loss",
        "squared_error", "--reduction", "mean", "--weights", "1 -1 | 1 2; 3 4", "--biases", "0 1 | 1 1", "--x", "1; -2",
        "--y", "1 0; 0 1", "--learning-rate", "1e-1",
    )  # fmt: skip
    assert ran.status == 0
    for part in ("layer 1: tanh", "layer 2: softmax", "squared_error", "Over the 2 examples: the mean", "b⁽²⁾ = [1 1]",
                 "Learning rate: η = 0.1", "Forward pass, example 2", "All examples together"):  # fmt: skip
        assert part in ran.text


def test_a_lecture_s_own_conventions():
    Path("mine.toml").write_text('error = "L"\nbefore = "z"\nafter = "a"\nhalf = true\nvectors = "column"\n')
    ran = run("explain", *TYPED, "--conventions", "mine.toml")
    mine = Conventions(error="L", before="z", after="a", half=True, vectors="column")
    assert ran.text == writers.write(whole(typed(conventions=mine)), "text")
    assert "half_squared_error, L = Σₖ (aₖ − yₖ)²/2" in ran.text and "W⁽¹⁾ ≈ [0.5 2; −1 0.333333]" in ran.text


# --- Models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["spam", "score", "grade"])
def test_a_row_of_a_model(folder, target):
    ran = run("explain", folder / f"{target}.thalweg", folder / "mails.csv", "--row", 17)
    assert ran.status == 0 and ran.text == writers.write(document_of(folder, target, 17), "text")
    for heading in ("Row 17", "From cells to inputs", "What carried the decision", "Given", "Forward pass"):
        assert f"\n{heading}\n" in ran.text


def test_one_weight_of_a_model_brings_the_row_along(folder):
    ran = run("explain", folder / "spam.thalweg", folder / "mails.csv", "--row", 17, "--weight", "1,2,3")
    assert ran.text == writers.write(document_of(folder, "spam", 17, (1, 2, 3)), "text")
    assert ran.text.startswith("Why ∂E/∂W₂₃⁽¹⁾ is ") and "\nRow 17\n" in ran.text and "\nGiven\n" in ran.text


def test_a_query_is_a_table_too(folder):
    query = f"SELECT * FROM '{folder / 'mails.csv'}' OFFSET 16"
    ran = run("explain", folder / "score.thalweg", query, "--row", 1)
    assert ran.text.replace("\nRow 1\n-----\n", "\nRow 17\n------\n") == writers.write(
        document_of(folder, "score", 17), "text"
    )


def test_without_a_target_it_ends_at_the_outputs(folder):
    cells = mails()
    for target in ("spam", "urgent", "grade", "score", "delay"):
        del cells[target]
    write_csv(Path("new.csv"), cells)
    ran = run("explain", folder / "spam.thalweg", "new.csv", "--row", 17)
    assert ran.status == 0 and "Forward pass" in ran.text and "Backward pass" not in ran.text
    assert "there is no error to go backward from" in ran.text and "What carried the decision" in ran.text
    words = ("explain", folder / "spam.thalweg", "new.csv", "--row", 17, "--weight", "1,1,1")
    sentence = "row 17 has no target ('spam'), so there is no error and no gradient; give a table that has it"
    assert sentence in run(*words).sentence and sentence in run(*words, "--json").sentence


def test_options_of_the_trace_reach_that_of_a_model(folder):
    Path("mine.toml").write_text('error = "L"\n')
    words = ("explain", folder / "score.thalweg", folder / "mails.csv", "--row", 5, "--conventions", "mine.toml")
    ran = run(*words, "--arithmetic", "rounded", "--digits", 3, "--learning-rate", "1/2")
    assert "Every number is rounded to 3 significant digits" in " ".join(ran.text.split())
    assert "Learning rate: η = 0.5" in ran.text and "∂L/∂W" in ran.text and "The step of gradient descent" in ran.text


def test_another_output_is_explained_on_request(folder):
    words = ("explain", folder / "grade.thalweg", folder / "mails.csv", "--row", 17)
    for unit in (1, 3, 4):
        assert f"\nOutput {unit} (grade = {unit - 1}) is " in run(*words, "--unit", unit).text
    for unit in (0, 5):
        assert (
            "output, a unit of the last layer, must be a whole number from 1 to 4"
            in run(*words, "--unit", unit).sentence
        )


# --- Formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", writers.WRITERS)
def test_every_format_from_the_terminal_and_to_a_file(format, folder):
    suffix = writers.WRITERS[format].suffix
    for words, document in (
        (("explain", *TYPED), whole(typed())),
        (("explain", *TYPED, "--weight", "1,1,1"), one_weight(typed().gradient_of(1, 1, 1))),
        (("explain", folder / "spam.thalweg", folder / "mails.csv", "--row", 3), document_of(folder, "spam", 3)),
    ):
        written = writers.write(document, format)
        assert run(*words, "--format", format).text == written.rstrip("\n") + "\n"
        ran = run(*words, "-o", f"out{suffix}")
        assert (ran.status, ran.text) == (0, f"explanation  out{suffix}\n")
        assert Path(f"out{suffix}").read_text(encoding="utf-8") == written
        assert run(*words, "--output", "any.name", "--format", format).status == 0
        assert Path("any.name").read_text(encoding="utf-8") == written


def test_json_of_a_small_network_is_its_trace():
    told = json.loads(run("explain", *TYPED, "--json", "--learning-rate", "1/4").text, parse_constant=no_constant)
    assert Trace.from_json(json.dumps(told["trace"])) == typed(learning_rate=Fraction(1, 4))
    assert len(told["trace"]["steps"]) == len(typed(learning_rate=Fraction(1, 4)))
    assert run("explain", *TYPED, "--format", "json").text == run("explain", *TYPED, "--json").text
    run("explain", *TYPED, "--output", "net.json")
    assert json.loads(Path("net.json").read_text())["trace"]["schema"] == "thalweg.trace/1"


def test_json_of_a_weight_is_why():
    told = json.loads(run("explain", *TYPED, "--json", "--weight", "1,1,1", "--arithmetic", "fractions").text)
    assert told == {"why": json.loads(json.dumps(typed(arithmetic=FRACTIONS).gradient_of(1, 1, 1).to_dict()))}
    assert told["why"]["total"] == "57"


@pytest.mark.parametrize("target", ["spam", "grade"])
def test_json_of_a_model_has_the_row_and_the_trace(folder, target):
    words = ("explain", folder / f"{target}.thalweg", folder / "mails.csv", "--row", 17, "--json")
    told = json.loads(run(*words).text, parse_constant=no_constant)
    found = explain(tw.load(folder / f"{target}.thalweg"), folder / "mails.csv", 17)
    assert told["explanation"] == json.loads(json.dumps(found.to_dict()))
    assert Trace.from_json(json.dumps(told["trace"])) == found.trace
    large = found.trace.network.n_parameters > 1_000
    assert large == (target == "grade")
    keys = [tuple(step["key"]) for step in told["trace"]["steps"]]
    assert keys == [step.key for step in (most_relevant(found.trace) if large else found.trace)]
    why = json.loads(run(*words, "--weight", "2,b,1").text, parse_constant=no_constant)
    assert why["why"]["weight"] == "b[2][1]" and why["explanation"] == told["explanation"]


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


def test_what_is_not_finite_is_json_all_the_same():
    words = ("explain", "--activation", "exp", "--weights", "800 | 1", "--x", "1", "--y", "0", "--json")
    for more in ((), ("--weight", "1,1,1")):
        ran = run(*words, *more)
        assert ran.status == 0 and '"inf"' in json.dumps(json.loads(ran.text, parse_constant=no_constant))


def test_the_page_lights_what_each_step_is_about_and_stands_alone(folder):
    for words in (("explain", *TYPED), ("explain", folder / "grade.thalweg", folder / "mails.csv", "--row", 17)):
        for more in ((), ("--weight", "1,2,1")):
            text = run(*words, *more, "--format", "html").text
            page = Page(text)
            stands_alone(page, text)
            buttons, body = page.all("input"), text.split("</style>")[-1]
            assert len(buttons) > 3
            for button in buttons:
                rules = [line for line in text.split("\n") if f"#{button['id']}:checked" in line and ".k-" in line]
                assert len(rules) == 1
                lit = set(re.findall(r"\.(k-[\w-]+)", rules[0]))
                walk = body[body.index(f'<div class="walk" id="{button["name"]}">') :]
                drawing = walk[: walk.index("</svg>")]
                assert lit and lit <= set(re.findall(r"k-[\w-]+", drawing)), button


def test_latex_of_a_model_compiles(folder, tmp_path):
    words = ("explain", folder / "spam.thalweg", folder / "mails.csv", "--row", 17, "-o", "row.tex")
    assert run(*words).status == 0
    log = compiled(Path("row.tex").read_text(encoding="utf-8"), tmp_path)
    assert re.findall(r"Overfull \\hbox \(\d{2,}\.\d*pt too wide\)", log) == [] and "Missing character" not in log


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "explain needs a model and a table, a network in a TOML file, or --weights, --x and --y"),
        (("--weights", "1"), "--x is missing; give --weights, --x, --y"),
        (("--x", "1"), "--weights is missing"),
        ((*TYPED, "--weight", "3,1,1"), "the layer is 3, but there are 1 to 2 in 2-2-1 relu"),
        ((*TYPED, "--weight", "1,3,1"), "the unit below is 3, but there are 1 to 2"),
        ((*TYPED, "--weight", "1,1,0"), "the unit is 0, but there are 1 to 2"),
        ((*TYPED, "--weight", "1,b,1"), "this network has no biases"),
        ((*TYPED, "--weight", "1,2"), "--weight takes LAYER,I,J such as 1,2,3, or LAYER,b,J for a bias, not '1,2'"),
        ((*TYPED, "--weight", "b,1,1"), "--weight takes LAYER,I,J"),
        ((*TYPED, "--weight", "1,-1,1"), "--weight takes LAYER,I,J"),
        ((*TYPED, "--weight", ""), "--weight takes LAYER,I,J"),
        (("--weights", "1 2 | 1; 2; 3", "--x", "1", "--y", "1"), "--weights of layer 2 has 3 × 1 numbers, and layer 1"),
        ((*TYPED, "--sizes", "2 3 1"), "--weights of layer 1 has 2 × 2 numbers, and sizes [2, 3, 1] need 2 × 3"),
        ((*TYPED, "--biases", "1 2 3 | 1"), "--biases of layer 1 has 3 numbers and needs 2"),
        ((*TYPED[:4], "--y", "1/0"), "--y, example 1, number 1 is '1/0', and nothing can be divided by 0"),
        (("--weights", "1/0", "--x", "1", "--y", "1"), "is '1/0', and nothing can be divided by 0; write another"),
        ((*TYPED, "--output-activation", "softplu"), "there is no activation 'softplu'"),
        ((*TYPED, "--output-activation", "elu(alpha=x)"), "--output-activation: 'alpha' must be a finite number"),
        ((*TYPED, "--loss", "cross_entropy"), "needs the output softmax, not relu; set --output-activation or --loss"),
        ((*TYPED, "--loss", "huber(delta=0)"), "delta must be a number > 0"),
        ((*TYPED, "--reduction", "max"), "reduction must be one of mean, sum"),
        ((*TYPED, "--learning-rate", "0"), "--learning-rate must be a number > 0, such as 0.5, not '0'"),
        ((*TYPED, "--learning-rate", "-1/2"), "--learning-rate must be a number > 0, such as 0.5, not '-1/2'"),
        ((*TYPED, "--learning-rate", ""), "--learning-rate must be a finite number"),
        ((*TYPED, "--learning-rate", "fast"), "--learning-rate must be a finite number such as"),
        ((*TYPED, "--arithmetic", "exact"), "--arithmetic must be one of floats, fractions, rounded, not 'exact'"),
        ((*TYPED, "--digits", "0"), "numbers are shown to 1 to 15 significant digits, not 0"),
        ((*TYPED, "--decimals", "16"), "numbers are shown to 0 to 15 decimals, not 16"),
        ((*TYPED, "--digits", "3", "--decimals", "2"), "--digits and --decimals exclude each other"),
        ((*TYPED, "--digits", "3", "--arithmetic", "fractions"), "--digits would do nothing with --arithmetic frac"),
        ((*TYPED, "--decimals", "3", "--arithmetic", "fractions"), "--decimals would do nothing with"),
        ((*TYPED, "--activation", "tanh", "--arithmetic", "fractions"), "is no fraction: its function leads out of"),
        ((*TYPED, "--conventions", "none.toml"), "'none.toml' does not exist"),
        ((*TYPED, "--conventions", "text.txt"), "the conventions 'text.txt' are no TOML"),
        ((*TYPED, "--conventions", "net.toml"), "there is no convention 'learning_rate'"),
        ((*TYPED, "--format", "pdf"), f"--format must be one of {', '.join(FORMATS)}, not 'pdf'"),
        ((*TYPED, "--format", "text", "--json"), "--json and --format text exclude each other"),
        ((*TYPED, "-o", "out.pdf"), f"is written as {', '.join(FORMATS.values())}, and the name 'out.pdf' ends"),
        ((*TYPED, "-o", "out"), "change it, or give --format"),
        ((*TYPED, "-o", "no/out.html"), "'no/out.html' cannot be written: the folder"),
        ((*TYPED, "--row", "1"), "--row belongs to a model; a network typed in has its examples in x and y"),
        (("net.toml", "t.csv"), "the table 't.csv' belongs to a model"),
        (("net.toml", "--row", "0"), "--row belongs to a model"),
        (("net.toml", "--unit", "1"), "--unit belongs to a model"),
        (("net.toml", "--x", "1 2"), "--x and the file 'net.toml' both describe the network"),
        (("net.toml", "--output-activation", "relu"), "--output-activation and the file 'net.toml' both describe"),
        (("net.toml", "-o", "net.toml", "--format", "text"), "the explanation would overwrite the network 'net.toml'"),
        (("none.toml",), "'none.toml' does not exist"),
        (("bad.toml",), "'bad.toml' is no TOML"),
        (("none.thalweg", "t.csv", "--row", "1"), "'none.thalweg' does not exist"),
        (("text.txt", "t.csv", "--row", "1"), "text.txt"),
        (("none.thalweg",), "which row is explained? Give a table after the model, and --row"),
        (("none.thalweg", "t.csv"), "which row is explained? Give --row, from 1"),
        (("none.thalweg", "t.csv", "--row", "1", "--y", "1"), "--y belongs to a network typed in; a model has its own"),
        (("none.thalweg", "t.csv", "--row", "first"), "--row"),
        ((*TYPED, "--bogus"), "No such option: --bogus"),
        (("net.toml", "--weigth", "1,1,1"), "No such option: --weigth"),
        (("none.thalweg", "--rows"), "No such option: --rows"),
    ],
)  # fmt: skip
def test_refusals(arguments, said):
    Path("text.txt").write_text("no model\n")
    Path("bad.toml").write_text("weights = [\n")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    ran = run("explain", *arguments)
    assert ran.status == 2 and said in ran.sentence
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before, "nothing is written"


def test_refusals_of_a_model(folder):
    model, data = folder / "spam.thalweg", folder / "mails.csv"
    for words, said in (
        ((data, "--row", 0), "rows are numbered from 1, the header not counted; there is no row 0"),
        ((data, "--row", -3), "there is no row -3"),
        ((data, "--row", 212), "mails.csv has rows 1 to 211, and no row 212; choose one of them"),
        (("none.csv", "--row", 1), "There is no file 'none.csv'"),
        ((data, "--row", 1, "--weight", "1,99,1"), "the unit below is 99, but there are 1 to"),
        ((data, "--row", 1, "--arithmetic", "fractions"), "is no fraction"),
        ((data, "--row", 1, "--learning-rate", "0"), "--learning-rate must be a number > 0"),
        ((data, "--row", 1, "-o", data), "an explanation is written as"),
        ((data, "--row", 1, "-o", data, "--format", "text"), "the explanation would overwrite the table"),
        ((data, "--row", 1, "-o", model, "--json"), "the explanation would overwrite the network"),
    ):
        ran = run("explain", model, *words)
        assert ran.status == 2 and said in ran.sentence, words


SCRIBBLE = st.text(alphabet="0123456789 .,;|/-+e()=abxπ½−", max_size=24)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["--weights", "--biases", "--x", "--y", "--sizes", "--activation", "--weight", "--digits"]),
    SCRIBBLE,
)
def test_whatever_is_typed_is_answered(option, text):
    words = dict(zip(TYPED[::2], TYPED[1::2], strict=True)) | {option: text}
    ran = run("explain", *[f"{name}={value}" for name, value in words.items()])
    assert ran.status == 0 or (ran.status == 2 and ran.err.startswith("thalweg: ") and ran.out == b"")
