"""Exports to C, compiled without a warning and run on raw cells: on every real table, for every role and activation."""

import csv
import ctypes
import datetime
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import thalweg as tw
from command_line import mails, write_csv
from compiled import CC, STRICT, answers, classes, compile, library, needs_compiler, numbers, program, structure
from exported import CASES, Case, every_role, fitted, inputs_of, learned, own_rows, quick, rows_of, transparent
from thalweg import c_export, c_features, c_network, c_words, table
from thalweg.activations import ACTIVATIONS, ELU, HIDDEN, LeakyReLU
from thalweg.cells import MISSING_WORDS
from thalweg.encoding import Encoder
from thalweg.features import ROLES, Category
from thalweg.network import Network


def named(case):  # pytest's id of a case
    return case.file.split(".")[0]


def ask(model, rows, path, output):
    """Export, compile and run on every row."""
    c_export.write_model(path, model.encoder, model.network, model.parameters)
    members = c_features.features(model.encoder).members
    return answers(path, members, inputs_of(model.encoder, rows), output)


@needs_compiler
@pytest.mark.parametrize("case", CASES, ids=named)
def test_predictions_on_real_tables_are_ours(shared, case: Case, tmp_path):
    model, rows = quick(case, shared)
    outputs, predicted = model.outputs(rows), model.predict(rows)
    if model.encoder.task == "regression":
        found = ask(model, rows, tmp_path / "real.c", numbers(["number"]))
        deviation = model.encoder.target_roles[0].deviation
        assert np.abs([each.number for each in found] - predicted).max() <= 1e-5 * deviation
        return
    found = ask(model, rows, tmp_path / "real.c", classes(len(model.classes)))
    p = np.array([list(each.probabilities) for each in found])
    assert p.shape == outputs.shape and np.abs(p - outputs).max() <= 1e-5
    # Where two classes are equally probable to the last digits, either may win.
    ordered = np.sort(outputs, axis=1)
    is_clear = ordered[:, -1] - ordered[:, -2] > 2e-5
    assert is_clear.mean() > 0.9
    labels = np.array([each.label.decode() for each in found])
    assert labels[is_clear].tolist() == [str(label) for label in predicted[is_clear]]
    assert [str(model.classes[each.index]) for each in found] == labels.tolist()


@pytest.fixture(scope="module")
def encoder():
    return learned()


def test_every_role_and_activation_can_be_exported():
    assert set(c_features.ROLES) == set(ROLES.values())
    assert {*c_network.ACTIVATIONS, "identity"} == set(ACTIVATIONS)


def features_of(encoder, cells, path):
    """Features as the exported encoder makes them."""
    own, network, parameters = transparent(encoder)
    c_export.write_model(path, own, network, parameters)
    d = len(encoder.feature_names)
    found = answers(path, c_features.features(encoder).members, cells, structure([("y", ctypes.c_double * d)]))
    return np.array([list(each.y) for each in found])


@needs_compiler
def test_features_of_every_role_are_those_of_the_encoder(encoder, tmp_path):
    rows = every_role(503)
    expected = encoder.encode(rows)
    assert np.isfinite(expected).all() and (expected.std(axis=0) > 0).all()
    found = features_of(encoder, inputs_of(encoder, rows), tmp_path / "every_role.c")
    assert np.abs(found - expected).max() <= 1e-15


@needs_compiler
def test_null_and_the_words_for_missing_are_missing_and_unknown_words_another(encoder, tmp_path):
    rows = every_role(7)
    cells = inputs_of(encoder, rows)
    place = next(i for i, r in enumerate(encoder.roles) if isinstance(r, Category) and r.missing_slot)
    cells[place] = np.array(["NA", "?", "", None, "never seen", "a ", b"\377"], dtype=object)
    slots = [i for i, name in enumerate(encoder.feature_columns) if name == encoder.roles[place].column]
    found = features_of(encoder, cells, tmp_path / "odd.c")[:, slots]
    missing, other = len(slots) - 1, len(slots) - 2
    assert found.argmax(axis=1).tolist() == [missing] * 4 + [other] * 3
    assert (found.sum(axis=1) == 1).all()


@needs_compiler
def test_dates_of_all_centuries_and_their_function(encoder, tmp_path):
    own, network, parameters = transparent(encoder)
    c_export.write_model(tmp_path / "dates.c", own, network, parameters)
    date = library(tmp_path / "dates.c").dates_date
    date.restype, date.argtypes = ctypes.c_int64, [ctypes.c_int] * 5 + [ctypes.c_double]

    @given(st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)))
    def is_that_of_python(moment):
        seconds = moment.second + moment.microsecond / 1e6
        given = date(moment.year, moment.month, moment.day, moment.hour, moment.minute, seconds)
        assert given == np.datetime64(moment, "us").astype(np.int64)

    is_that_of_python()


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", [*HIDDEN, LeakyReLU(0.3), LeakyReLU(0.0), ELU(2.5)], ids=str)
def test_networks_of_every_activation(activation, dtype, rng, tmp_path):
    network = Network([5, 7, 3, 2], activation=[activation, "tanh"], output=activation)
    parameters = network.initialize(seed=3).astype(dtype)
    X = np.concatenate([rng.normal(size=(31, 5)), 30.0 * rng.normal(size=(31, 5)), np.zeros((1, 5))]).astype(dtype)
    X = X / 20 if network.output.name == "exp" else X  # or rounding before the exponential is all that is seen
    c_export.write_network(tmp_path / "g.c", network, parameters)
    found = np.array([list(each.prediction) for each in called(tmp_path / "g.c", X, [("prediction", 2)])])
    expected = tw.predict(network, parameters.astype(np.float64), X.astype(np.float64), engine="reference")
    accuracy = 1e-12 if dtype == np.float64 else 1e-5
    assert (np.abs(found - expected) <= accuracy * np.maximum(1.0, np.abs(expected))).all()


@needs_compiler
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_own_activations_in_hidden_layers_and_at_the_output(dtype, rng, tmp_path):
    *hidden, output = own_rows()
    network = Network([5, 7, 3, 11, 13, 2], activation=[*hidden, hidden[0]], output=output)
    parameters = network.initialize(seed=3).astype(dtype)
    X = (3.0 * rng.normal(size=(101, 5))).astype(dtype)
    c_export.write_network(tmp_path / "own.c", network, parameters)
    found = np.array([list(each.prediction) for each in called(tmp_path / "own.c", X, [("prediction", 2)])])
    expected = tw.predict(network, parameters.astype(np.float64), X.astype(np.float64), engine="reference")
    assert np.abs(found - expected).max() <= (1e-12 if dtype == np.float64 else 1e-5)
    source = (tmp_path / "own.c").read_text(encoding="utf-8")
    assert source.count("static void own_own") == 4 and "swish2(b=0.5): a*sigmoid(b*a)" in source


def test_an_activation_of_python_functions_is_refused_with_the_way_out(tmp_path):
    cube = tw.own_activation("cube", g=lambda a: a**3, derivative=lambda a: 3 * a**2)
    network = Network([3, 5, 2], activation=cube)
    with pytest.raises(tw.InputError, match="cube is made of Python functions.*make it from a formula"):
        c_export.write_network(tmp_path / "cube.c", network, network.initialize())
    assert list(tmp_path.iterdir()) == []


def called(path, X, members):
    """The answers of a bare network; members with a number are arrays of its own type."""
    real = ctypes.c_float if X.dtype == np.float32 else ctypes.c_double
    Output = structure([(name, real * kind if isinstance(kind, int) else kind) for name, kind in members])
    predict = getattr(library(path), f"{path.stem}_predict")
    predict.restype = None
    found = []
    for row in X:
        answer = Output()
        predict((real * len(row))(*row.tolist()), ctypes.byref(answer))
        found.append(answer)
    return found


CLASSES = [("label", ctypes.c_char_p), ("index", ctypes.c_size_t)]


@needs_compiler
def test_a_bare_network_with_labels_without_biases_and_hidden_layers(rng, tmp_path):
    network = Network([5, 3], output="softmax", loss="cross_entropy", bias=False)
    parameters = network.initialize(seed=1).astype(np.float32)
    c_export.write_network(tmp_path / "n.c", network, parameters, ["a", "gr\u00f6\u00dfe", "c"])
    X = rng.normal(size=(41, 5)).astype(np.float32)
    found = called(tmp_path / "n.c", X, [*CLASSES, ("probabilities", 3)])
    p = tw.predict(network, parameters, X, dtype="float32")
    assert np.abs(np.array([list(each.probabilities) for each in found]) - p).max() <= 1e-5
    assert [each.label.decode() for each in found] == [["a", "gr\u00f6\u00dfe", "c"][i] for i in p.argmax(axis=1)]


@needs_compiler
def test_one_sigmoid_output_decides_between_two_labels(rng, tmp_path):
    network = Network([5, 1], output="sigmoid", loss="binary_cross_entropy")
    parameters = network.initialize(seed=1)
    c_export.write_network(tmp_path / "n.c", network, parameters, [False, True])
    X = rng.normal(size=(41, 5))
    found = called(tmp_path / "n.c", X, [*CLASSES, ("probabilities", 2)])
    p = tw.predict(network, parameters, X)[:, 0]
    assert np.abs(np.array([each.probabilities[1] for each in found]) - p).max() <= 1e-12
    assert [each.label for each in found] == [b"true" if one > 0.5 else b"false" for one in p]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tables") / "mails.csv", mails())


@needs_compiler
def test_several_targets_have_a_label_and_a_probability_each(data, tmp_path):
    model = fitted(data, "spam", "urgent")
    rows = rows_of(model, data)
    pair = structure([("label", ctypes.c_char_p), ("probability", ctypes.c_float)])
    found = ask(model, rows, tmp_path / "two.c", structure([("spam", pair), ("urgent", pair)]))
    p = np.array([[each.spam.probability, each.urgent.probability] for each in found])
    assert np.abs(p - model.outputs(rows)).max() <= 1e-5
    labels = [[each.spam.label.decode(), each.urgent.label.decode()] for each in found]
    assert labels == [[spam, str(urgent).lower()] for spam, urgent in model.predict(rows)]


@needs_compiler
def test_several_numbers_are_in_their_own_units(data, tmp_path):
    model = fitted(data, "score", "delay")
    rows = rows_of(model, data)
    found = ask(model, rows, tmp_path / "numbers.c", numbers(["score", "delay"]))
    assert np.abs(np.array([[each.score, each.delay] for each in found]) - model.predict(rows)).max() <= 1e-4


def sanitizers():
    """Whether this compiler's sanitizers link and run here."""
    if CC is None:
        return False
    done = subprocess.run([CC, "-fsanitize=address,undefined", "-x", "c", "-", "-o", "/dev/null"],
                          input="int main(void) { return 0; }", text=True, capture_output=True)  # fmt: skip
    return done.returncode == 0


@needs_compiler
@pytest.mark.parametrize("options", [(), ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")], ids=str)
@pytest.mark.parametrize("targets", [("spam",), ("spam", "urgent"), ("score", "delay")], ids=str)
def test_the_program_reads_rows_of_a_table(data, tmp_path, targets, options):
    if options and not sanitizers():
        pytest.skip("this compiler's sanitizers do not link here")
    model = fitted(data, *targets)
    model.to_c(tmp_path / "mails.c")
    made = program(tmp_path / "mails.c", *options)
    lines = [line.split(",")[:4] for line in data.read_text(encoding="utf-8").splitlines()[1:]]
    lines[1][2] = '"' + lines[1][2] + '"'
    text = "\n".join(map(",".join, lines))  # the last line has no end
    done = subprocess.run([made], input=text, capture_output=True, text=True, check=True)
    printed = [line.split(",") for line in done.stdout.splitlines()]
    assert len(printed) == len(lines) == 211 and done.stderr == ""
    expected = model.predict_table(data)
    if targets == ("spam",):
        expected = [expected["prediction"], expected["probability_ham"], expected["probability_spam"]]
    elif targets == ("spam", "urgent"):
        expected = [expected[f"{what}_{name}"] for name in targets for what in ("prediction", "probability")]
    else:
        expected = list(expected.values())
    for i, cells in enumerate(expected):
        found = [row[i] for row in printed]
        if cells.dtype.kind == "f":
            assert np.abs(np.array(found, dtype=float) - cells).max() <= 1e-4
        else:
            assert found == [str(cell).lower() for cell in cells]


@needs_compiler
@pytest.mark.parametrize("labels", [None, ['a "b"', "c,d"]])
def test_the_program_of_a_bare_network(tmp_path, labels, rng):
    network = Network([3, 2], output="softmax", loss="cross_entropy")
    parameters = network.initialize(seed=2)
    c_export.write_network(tmp_path / "bare.c", network, parameters, labels)
    X = rng.normal(size=(5, 3))
    text = "".join(",".join(map(repr, row)) + "\n" for row in X.tolist())
    done = subprocess.run([program(tmp_path / "bare.c")], input=text, capture_output=True, text=True, check=True)
    p = tw.predict(network, parameters, X)
    for line, row in zip(done.stdout.splitlines(), p, strict=True):
        if labels:
            label, line = line.rsplit(",", 2)[0], line.split(",", line.count(",") - 1)[-1]
            assert label == ['"a ""b"""', '"c,d"'][row.argmax()]
        assert np.abs(np.array(line.split(","), dtype=float) - row).max() <= 1e-8


@needs_compiler
def test_a_presence_is_read_from_any_cell(tmp_path, encoder):
    own, network, parameters = transparent(encoder)
    c_export.write_model(tmp_path / "roles.c", own, network, parameters)
    cells = ["1.5", "", "true", "yes", '"??/"', "a", "1961-02-28", "2001-03-04T05:06:07", "7", "always"]
    lines = ",".join(cells) + "\n" + ",".join([*cells[:-1], ""]) + "\n"
    done = subprocess.run([program(tmp_path / "roles.c")], input=lines, capture_output=True, text=True, check=True)
    there, missing = (np.array(line.split(","), dtype=float) for line in done.stdout.splitlines())
    changed = [encoder.feature_names[i] for i in np.flatnonzero(there != missing)]
    assert len(there) == len(encoder.feature_names) and changed == [" is missing"]


# What may stand in a cell of each column, and what may not.
NUMBERS = "7;+7;-.5;5.;1e3;1E+3;007;10:30;9:05:07.5;25:00;true;TRUE;-1e-999;NAN".split(";")
TRUTHS = "true;True;TRUE;tRuE;t;T;Y;yes;YES;n;N;no;f;False;FALSE;0;1;1.0;0.0;1e0;-0".split(";")
DATES = """2024-01-31;2024/1/5;2024-01/31;2024-1-5 9:05;2024-01-31 10;2024-01-31T10;2024-01-31 23:30:15.1234567
2024-01-31 10:30:15,5;2024-01-31  10:30;2024-01-31T10:30Z;2024-01-31 10:30 UTC;2024-01-31 10:30 GMT;2024-12-31 24:00
2024-01-31 23:30-02;2024-01-31 00:30 +02:00;2024-01-01 01:30:00+0200;2024-01-31 22:30:00-02:30:30;2024-02-29
2024-01-31t10:30;1968-03-01 10:3;0001-01-01;9999-12-31""".replace("\n", ";").split(";")
READ = {"n": NUMBERS, "b": TRUTHS, "d": DATES}
REFUSED = {
    "n": "1_000;0x10;inf;-Infinity;1e999;yes;1,5;1 000;1e;e5;.;+;1d;10:3;-10:30;7 NA;maybe;2024-01-31".split(";"),
    "b": "2;on;off;wahr;maybe;truee;tru;-1;2024-01-31;0x1;nope".split(";"),
    "d": """23.02.2024;31/01/2024;2024-02-30;2023-02-29;2024-13-01;2024-00-10;2024-01;2024-01-31T;24-01-31;7;10:30
2024-01-31 10:30z;2024-01-31 10:30+2;2024-01-31 10:30:60;2024-01-31 25:00;2024-01-31 24:01;2024-01-31Z;true
2024-01-31 10:30 x;2024-01-31 10:60;2024-01-31 10:30+""".replace("\n", ";").split(";"),
}
WHAT = {"n": "a finite number", "b": "true or false", "d": "an ISO date"}
ORDINARY = {"n": "3.5", "b": "true", "d": "2024-01-31 10:30"}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """An encoder of a number, a boolean and a date, and the program that prints its features."""
    folder = tmp_path_factory.mktemp("cells")
    columns = {
        "n": [None if i % 7 == 3 else i / 4 for i in range(53)],
        "b": [None if i % 5 == 1 else i % 3 == 0 for i in range(53)],
        "d": [None if i % 11 == 6 else f"{1990 + i}-{1 + i % 12:02}-{1 + i % 28:02} {i % 24:02}:30" for i in range(53)],
        "y": list(range(53)),
    }
    own, network, parameters = transparent(Encoder.learn(table.read(write_csv(folder / "t.csv", columns)), ["y"]))
    assert [type(role).__name__ for role in own.roles] == ["Number", "Boolean", "Date"]
    c_export.write_model(folder / "t.c", own, network, parameters)
    return own, program(folder / "t.c")


def piped(made, text):
    return subprocess.run([made], input=text, capture_output=True, text=True)


def one_row(folder, cells):
    return write_csv(folder / "one.csv", {name: [cell] for name, cell in cells.items()})


@needs_compiler
@pytest.mark.parametrize("name", READ)
def test_the_program_reads_the_cells_that_thalweg_reads(cells, name, tmp_path):
    encoder, made = cells
    spelled = [*READ[name], *MISSING_WORDS]
    files = [one_row(tmp_path, {**ORDINARY, name: cell}).read_text(encoding="utf-8") for cell in spelled]
    expected = []
    for text in files:
        (tmp_path / "one.csv").write_text(text, encoding="utf-8")
        expected.append(encoder.encode(table.read(tmp_path / "one.csv", columns=encoder.columns))[0])
    rows = [text.splitlines()[1] for text in files]
    around = [",".join(f' "{cell}"\t' for cell in cells) for cells in csv.reader(rows)]
    done = piped(made, "\n".join(rows))
    assert done.returncode == 0, done.stderr
    found = np.array([line.split(",") for line in done.stdout.splitlines()], dtype=float)
    assert np.abs(found - expected).max() <= 1e-9
    spaced = piped(made, "\r\n".join(around) + "\r\n")
    assert spaced.returncode == 0 and set(spaced.stdout.splitlines()) <= set(done.stdout.splitlines())


@needs_compiler
@pytest.mark.parametrize(("name", "cell"), [(name, cell) for name, cells in REFUSED.items() for cell in cells])
def test_a_cell_that_is_none_of_its_column_ends_the_program_as_it_ends_predicting(cells, name, cell, tmp_path):
    encoder, made = cells
    file = one_row(tmp_path, {**ORDINARY, name: cell})
    with pytest.raises(tw.TableError, match=" in row 1"):
        encoder.encode(table.read(file, columns=encoder.columns))
    good, bad = ",".join(ORDINARY.values()), file.read_text(encoding="utf-8").splitlines()[1]
    done = piped(made, f"{good}\n\n{bad}\n{good}\n")
    assert done.returncode == 2 and len(done.stdout.splitlines()) == 1
    assert done.stderr == f'row 2, column "{name}": "{cell}" is not {WHAT[name]}; correct the cell\n'


@needs_compiler
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,true", "row 1 has too few cells"),
        ("1,true,2024-01-31,4", "row 1 has too many cells"),
        ('1,true,"2024-01-31', "row 1 has a quote that does not end on its line"),
        ("1" * 2**20, "row 1 is too long, or has a zero byte"),
        ("n,b,d", 'row 1, column "n": "n" is not a finite number; correct the cell'),
    ],
)
def test_a_row_that_is_none_ends_the_program(cells, row, says):
    done = piped(cells[1], row + "\n")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", says + "\n")


@needs_compiler
def test_the_program_of_a_network_takes_numbers_only(tmp_path):
    network = Network([3, 2])
    c_export.write_network(tmp_path / "bare.c", network, network.initialize(seed=2))
    made = program(tmp_path / "bare.c")
    for cell in ("nan", "", "true", "0x10", "inf"):
        done = piped(made, f"1, 2.5 ,-3e1\n1,{cell},3\n")
        assert done.returncode == 2 and len(done.stdout.splitlines()) == 1
        assert done.stderr == f'row 2, column 2: "{cell}" is not a finite number; correct the cell\n'


@needs_compiler
def test_only_the_four_headers_nothing_kept_and_nothing_allocated(data, tmp_path):
    model = fitted(data, "spam")
    model.to_c(tmp_path / "mails.c")
    source = (tmp_path / "mails.c").read_text(encoding="utf-8")
    library_part, program_part = source.split("#ifdef THALWEG_MAIN")
    assert set(re.findall(r"#include <(.*)>", library_part)) <= {"math.h", "string.h", "stddef.h", "stdint.h"}
    assert set(re.findall(r"#include <(.*)>", program_part)) <= {"stdio.h", "stdlib.h"}
    compile(tmp_path / "mails.c", "-c", "-o", tmp_path / "mails.o", options=STRICT)
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("nm is not here to look into the object file")
    symbols = re.findall(r"(\w) (\S+)$", subprocess.check_output([nm, tmp_path / "mails.o"], text=True), re.MULTILINE)
    assert {name for kind, name in symbols if kind == "T"} == {"mails_predict", "mails_date"}
    assert [name for kind, name in symbols if kind in "bBcC"] == []
    constants = re.findall(r"const (\w+)\[", source)  # tables of pointers lie in data, read-only after relocation
    assert {name for kind, name in symbols if kind in "dD"} <= set(constants)
    called = {name for kind, name in symbols if kind == "U"} - {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}
    assert called <= {"strcmp", "memcpy", "memset", "exp", "expf", "sqrt", "fmin", "fmax", "fmaxf", "floor"}


@needs_compiler
def test_two_models_and_their_declarations_fit_into_one_program(data, tmp_path):
    fitted(data, "spam").to_c(tmp_path / "first.c")
    fitted(data, "score").to_c(tmp_path / "second.c")
    (tmp_path / "main.c").write_text(
        "#define THALWEG_DECLARATIONS\n"
        '#include "first.c"\n#include "second.c"\n#include "first.c"\n'
        "int main(void) {\n"
        '  const first_input mail = {0.5, 1, "shop", 0};\n'
        '  const second_input same = {0.5, 1, "shop", 0};\n'
        "  first_output spam; second_output score;\n"
        "  first_predict(&mail, &spam);\n  second_predict(&same, &score);\n"
        "  return spam.label != first_labels[spam.index] || score.score != score.score;\n}\n"
    )
    compile(tmp_path / "main.c", tmp_path / "first.c", tmp_path / "second.c", "-o", tmp_path / "main")
    assert subprocess.run([tmp_path / "main"]).returncode == 0


@needs_compiler
def test_a_category_of_rare_values_only(tmp_path):
    """All share a slot: there is no list of values."""
    learnt = learned()
    bare = [Category(r.column, (), r.missing_slot) if isinstance(r, Category) else r for r in learnt.roles]
    encoder = type(learnt)(learnt.task, tuple(bare), learnt.target_roles, learnt.decisions)
    rows = every_role(29)
    found = features_of(encoder, inputs_of(encoder, rows), tmp_path / "rare.c")
    assert np.abs(found - encoder.encode(rows)).max() <= 1e-15


def test_what_c_cannot_hold_is_refused_with_a_way_out(encoder, tmp_path):
    network = Network([2**15 + 1, 1])
    with pytest.raises(tw.InputError, match="too wide for C.*ONNX"):
        c_export.write_network(tmp_path / "wide.c", network, network.initialize(scheme="zero"))
    with pytest.raises(tw.InputError, match="zero byte.*ONNX"):
        c_export.network_source("x", Network([3, 2]), Network([3, 2]).initialize(), ["a", "b\0c"])
    with pytest.raises(tw.InputError, match="4,095 bytes.*ONNX"):
        c_export.network_source("x", Network([3, 2]), Network([3, 2]).initialize(), ["a", "\u00e4" * 2_048])
    assert list(tmp_path.iterdir()) == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=11)
HARD = ["??=", "*/", "/*", "//", "\\", "\\\n", '"', "\n", "\r\n", "%s", "\u202e", "\x7f", "@", "@real", "@f("]


@needs_compiler
def test_any_label_survives(tmp_path, rng):
    """Many odd texts in one file: each must come back to the byte."""
    seen: list[str] = list(HARD)

    @given(TEXTS)
    def collect(text):
        seen.append(text)

    collect()
    labels = list(dict.fromkeys(text for text in seen))
    network = Network([2, len(labels)], output="softmax", loss="cross_entropy", bias=False)
    parameters = np.zeros(network.n_parameters)
    c_export.write_network(tmp_path / "texts.c", network, parameters, labels)
    table = (ctypes.c_char_p * len(labels)).in_dll(library(tmp_path / "texts.c"), "texts_labels")
    assert [text.decode() for text in table] == labels and len(labels) > 20


@needs_compiler
def test_any_name_of_a_column_compiles(tmp_path):
    words = "_ 9 x x_2 y input output parts place main REAL INT64_MAX UINT8_C FLT_MAX M_PI HUGE_VAL FP_NAN SIZE_MAX"
    names = [*HARD, "", " ", *words.split(), *sorted(c_words.RESERVED)]
    taken: set[str] = set()
    members = [c_words.identifier(name, taken) for name in names]
    assert len(set(members)) == len(names)
    lines = [f"  int {member}; /* {c_words.comment(name)} */" for member, name in zip(members, names, strict=True)]
    headers = "".join(f"#include <{name}.h>\n" for name in ("math", "string", "stddef", "stdint", "stdio", "stdlib",
                      "limits", "float", "errno", "complex"))  # fmt: skip
    source = headers + "struct s {\n" + "\n".join(lines) + "\n};\nint main(void) { return 0; }\n"
    path = tmp_path / "names.c"
    path.write_text(c_words.filled(source, "names", "float"), encoding="utf-8")
    compile(path, "-o", tmp_path / "names")
    compile(path, "-o", tmp_path / "names", options=["-std=gnu11", "-Wall", "-Werror"])


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_are_written_to_the_bit(value):
    text = c_words.number(np.float32(value))
    assert text.endswith("f") and re.search(r"[.e]", text)
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_are_written_to_the_bit(value):
    text = c_words.number(value)
    assert re.search(r"[.e]", text) and np.float64(text).tobytes() == np.float64(value).tobytes()


@needs_compiler
def test_extreme_parameters_compile_and_stay(tmp_path):
    values = [5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, -0.0, 0.1]
    network = Network([1, 5], bias=False)
    c_export.write_network(tmp_path / "far.c", network, np.array(values))
    (answer,) = called(tmp_path / "far.c", np.array([[1.0]]), [("prediction", 5)])
    assert list(answer.prediction) == values
    few = np.array([1e-45, -1.1754944e-38, 3.4028235e38, 0.0, 0.1], dtype=np.float32)
    c_export.write_network(tmp_path / "few.c", network, few)
    (answer,) = called(tmp_path / "few.c", np.array([[1.0]], dtype=np.float32), [("prediction", 5)])
    assert np.array(list(answer.prediction), dtype=np.float32).tolist() == few.tolist()


def test_the_same_model_gives_the_same_file(data, tmp_path):
    model = fitted(data, "spam")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        model.to_c(tmp_path / folder / "m.c")
    assert (tmp_path / "a" / "m.c").read_bytes() == (tmp_path / "b" / "m.c").read_bytes()
    with pytest.raises(tw.FileError, match="does not exist"):
        model.to_c(tmp_path / "none" / "m.c")
