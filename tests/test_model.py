"""A model: what it predicts, for which tables, and that its file brings it back to the last bit or not at all."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest

import thalweg as tw
from command_line import RECIPE, TARGETS, mails, write_csv
from thalweg import safe_file, table


KINDS = ["grade", "spam", "score", "score,delay", "spam,urgent"]
INPUTS = ("length", "trusted", "sender", "sent")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("tables") / "mails.csv", mails())


def fit(path, *targets, **options):
    drop = [name for name in TARGETS if name not in targets]
    return tw.fit(path, list(targets), **{**RECIPE, "drop": drop, **options})


@pytest.fixture(scope="module")
def models(path):
    return {tuple(name.split(",")): fit(path, *name.split(",")) for name in KINDS}


@pytest.fixture(scope="module", params=KINDS)
def model(request, models):
    return models[tuple(request.param.split(","))]


def columns(**changed):
    """The inputs of the table, changed."""
    return {**{name: cells for name, cells in mails().items() if name in INPUTS}, **changed}


def test_a_loaded_model_is_the_saved_one_to_the_last_bit(model, path, tmp_path):
    model.save(tmp_path / "m.thalweg")
    loaded = tw.load(tmp_path / "m.thalweg")
    assert loaded.parameters.dtype == model.parameters.dtype
    assert loaded.parameters.tobytes() == model.parameters.tobytes()
    assert loaded.outputs(path).tobytes() == model.outputs(path).tobytes()
    assert loaded.predict(path).tolist() == model.predict(path).tolist()
    assert loaded.network == model.network and loaded.encoder == model.encoder and loaded.status is model.status
    assert loaded.settings == json.loads(json.dumps(model.settings))
    assert loaded.figures == json.loads(json.dumps(model.figures))
    assert np.array_equal(loaded.history.validation_loss, model.history.validation_loss)
    assert loaded.evidence is None
    loaded.save(tmp_path / "again.thalweg")
    assert (tmp_path / "again.thalweg").read_bytes() == (tmp_path / "m.thalweg").read_bytes()


def test_probabilities_and_predictions_agree(model, path):
    if model.encoder.task == "regression":
        with pytest.raises(tw.InputError, match="the target 'score' is a number, which has no classes; use predict"):
            model.predict_proba(path)
        return
    p, predictions = model.predict_proba(path), model.predict(path)
    assert p.shape[0] == 211 and (0 <= p).all() and (p <= 1).all()
    if model.encoder.task == "classification":
        assert np.allclose(p.sum(axis=1), 1, atol=1e-6)
        assert predictions.tolist() == model.classes[p.argmax(axis=1)].tolist()
    else:
        expected = [[labels[int(one >= 0.5)] for labels, one in zip(model.classes, row, strict=True)] for row in p]
        assert predictions.tolist() == expected


def test_named_columns(models, path):
    def names(*targets):
        return list(models[targets].predict_table(path))

    assert names("grade") == ["prediction", *(f"probability_{k}" for k in range(4))]
    assert names("score") == ["prediction"]
    assert names("score", "delay") == ["prediction_score", "prediction_delay"]
    assert names("spam", "urgent") == ["prediction_spam", "prediction_urgent", "probability_spam", "probability_urgent"]


def test_the_order_of_columns_and_columns_that_are_not_needed_do_not_matter(model, path, tmp_path):
    cells = columns()
    shuffled = {name: cells[name] for name in reversed(cells)}
    more = {"more": ["x"] * 211, **shuffled, "endless": ["inf"] * 211, "full": [1e308] * 211}
    other = write_csv(tmp_path / "other.csv", more)
    assert model.predict(other).tolist() == model.predict(path).tolist()
    assert model.outputs(pd.read_csv(path)[list(shuffled)]).tobytes() == model.outputs(path).tobytes()


def test_a_path_a_query_a_frame_and_a_table_are_the_same_data(models, path):
    model = models[("score",)]
    expected = model.predict(path).tolist()
    assert model.predict(str(path)).tolist() == expected
    assert model.predict(f"SELECT * FROM '{path}'").tolist() == expected
    assert model.predict(pd.read_csv(path)).tolist() == expected
    assert model.predict(table.read(path)).tolist() == expected
    assert model.predict(pd.read_csv(path).iloc[[40]]).tolist() == pytest.approx(expected[40:41])


def test_unknown_categories_and_missing_cells_are_understood(model, tmp_path):
    """Each row has something that training has never seen in that column; the last one has nothing at all."""
    rows = {
        "length": ["0.5", None, "1e12", "-3", None],
        "trusted": [None, "true", "false", "1", None],
        "sender": ["work", "aunt", "shop", None, None],
        "sent": ["2024-02-29", "1931-05-07", None, "2199-12-31", None],
    }
    outputs = model.outputs(write_csv(tmp_path / "new.csv", rows))
    assert outputs.shape[0] == 5 and np.isfinite(outputs).all() and len(model.predict(tmp_path / "new.csv")) == 5


def test_missing_columns_are_named(model, tmp_path):
    cells = columns()
    cells["Length"] = cells.pop("length")
    del cells["sender"]
    with pytest.raises(tw.TableError, match=r"new\.csv has no column 'length', 'sender'; did you mean 'Length'\?"):
        model.predict(write_csv(tmp_path / "new.csv", cells))


@pytest.mark.parametrize(
    ("name", "cell", "rule"),
    [("length", "long", "a number"), ("trusted", "perhaps", "true or false"), ("sent", "yesterday", "an ISO date")],
)
def test_a_cell_that_does_not_fit_is_named(models, tmp_path, name, cell, rule):
    cells = columns()
    cells[name] = [*cells[name][:130], cell, *cells[name][131:]]
    said = rf"Column '{name}' of new\.csv has '{cell}' in row 131, which is not {rule} as in training"
    with pytest.raises(tw.TableError, match=said):
        models[("grade",)].predict(write_csv(tmp_path / "new.csv", cells))


def test_codes_that_look_like_numbers_stay_text(tmp_path):
    codes = ["007", "7", "A"]
    cells = {"code": [codes[i % 3] for i in range(120)], "y": ["yes" if i % 3 == 0 else "no" for i in range(120)]}
    write_csv(tmp_path / "known.csv", cells)
    model = tw.fit(tmp_path / "known.csv", "y", hidden=(5,), epochs=60, learning_rate=0.1)
    write_csv(tmp_path / "new.csv", {"code": ["007", "7", "007"]})
    assert model.predict(tmp_path / "new.csv").tolist() == ["yes", "no", "yes"]


@pytest.fixture(scope="module")
def saved(models, tmp_path_factory):
    place = tmp_path_factory.mktemp("models") / "m.thalweg"
    models[("grade",)].save(place)
    return place


def parts(saved):
    header, arrays = safe_file.read(saved, kind="model")
    return json.loads(json.dumps(header)), dict(arrays)


def without(header, *places):
    for place in places:
        *way, last = place.split(".")
        inner = header
        for key in way:
            inner = inner[key]
        del inner[last]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h, a: without(h, "network"), "'network' is missing"),
        (lambda h, a: without(h, "settings.message"), "'settings.message' is missing"),
        (lambda h, a: without(h, "figures.rows"), "'figures.rows' is missing"),
        (lambda h, a: h["network"].update(sizes=[3, 7, 4]), "does not have the .* inputs and 4 outputs of the encoder"),
        (lambda h, a: h["network"].update(sizes=[h["network"]["sizes"][0], 8, 4]), "parameter vector"),
        (lambda h, a: h["network"].update(sizes=[2**40, 2**40]), r"more than 2\^31 weights"),
        (lambda h, a: h["network"].update(loss="guess"), "guess"),
        (lambda h, a: h["network"].update(depth=2), "depth"),
        (lambda h, a: h.update(status="FINE"), "FINE"),
        (lambda h, a: h["encoder"]["roles"].pop(), "The encoder in the file is damaged"),
        (lambda h, a: a.pop("parameters"), "'parameters' is missing"),
        (lambda h, a: a["parameters"].__setitem__(11, np.nan), "parameters must be finite"),
        (lambda h, a: a.pop("history.loss"), "'loss' is missing"),
        (lambda h, a: a.update({"history.loss": np.zeros(2)}), "same shape"),
        (lambda h, a: h.update(figures=None), "NoneType"),
    ],
)
def test_a_whole_file_whose_parts_do_not_fit_is_refused(saved, tmp_path, change, said):
    """The checksum holds, so only the content can tell: a file that somebody has put together."""
    header, arrays = parts(saved)
    change(header, arrays)
    safe_file.write(tmp_path / "odd.thalweg", kind="model", header=header, arrays=arrays)
    with pytest.raises(tw.FileError, match=rf"(?s)odd\.thalweg' is whole, but its parts do not fit together: .*{said}"):
        tw.load(tmp_path / "odd.thalweg")


def test_a_pickle_is_not_loaded(tmp_path):
    class Harm:
        def __reduce__(self):
            return exec, ("raise SystemExit('the file was run')",)

    (tmp_path / "m.thalweg").write_bytes(pickle.dumps(Harm()))
    with pytest.raises(tw.FileError, match="not a Thalweg file"):
        tw.load(tmp_path / "m.thalweg")


def test_a_model_is_shown_without_its_numbers(models):
    shown = repr(models[("grade",)])
    assert shown.startswith("Model of grade (classification): ") and "parameters" in shown and len(shown) < 200
