"""Files of predictions: the order of the rows, batches, types and names, and an old file that survives."""

import csv
import io

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

import thalweg as tw
from command_line import RECIPE, write_csv
from thalweg import predictions, table


ODD = ["a,b", 'say "hi"', "Zeile\nzwei", "ß·Ω·日本", "=1+1", "probability"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    x = np.arange(240) * 37 % 240
    return write_csv(tmp_path_factory.mktemp("odd") / "odd.csv", {"x": x, "y": [ODD[i % 6] for i in range(240)]})


@pytest.fixture(scope="module")
def model(data):
    return tw.fit(data, "y", **RECIPE)


def in_batches(model, data, rows):
    for batch in table.batches(data, rows=rows, columns=model.encoder.columns, text=model.encoder.text_columns):
        yield model.predict_table(batch)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".CSV"])
@pytest.mark.parametrize("rows", [7, 65_536])
def test_batches_are_written_in_order_and_equal_one_piece(model, data, tmp_path, suffix, rows):
    path = tmp_path / f"out{suffix}"
    assert predictions.write(in_batches(model, data, rows), path) == 240
    if suffix == ".parquet":
        read = pyarrow.parquet.read_table(path).to_pydict()
    else:
        records = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        read = {name: list(cells) for name, cells in zip(records[0], zip(*records[1:], strict=True), strict=True)}
    whole = model.predict_table(data)
    assert list(read) == list(whole) == ["prediction", *(f"probability_{label}" for label in sorted(ODD))]
    assert read["prediction"] == whole["prediction"].tolist()
    p = np.array([read[name] for name in list(read)[1:]], dtype=float).T
    # The product of a batch of other height may differ in the last bit of float32.
    assert np.allclose(p, model.predict_proba(data), rtol=0, atol=1e-6) and np.allclose(p.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(p.argmax(axis=1), model.predict_proba(data).argmax(axis=1))


def test_predict_batches_is_the_whole_table(model, data):
    batches = list(model.predict_batches(data))
    whole = model.predict_table(data)
    for name, cells in whole.items():
        assert np.concatenate([batch[name] for batch in batches]).tolist() == cells.tolist()


@pytest.mark.parametrize(
    ("column", "type_in_parquet"), [("y", "string"), ("truth", "bool"), ("whole", "int64"), ("number", "double")]
)
def test_predictions_keep_the_type_of_the_target(tmp_path, column, type_in_parquet):
    x = np.arange(120) * 37 % 120
    cells = {
        "x": x, "y": np.where(x > 60, "up", "down"), "truth": x > 60, "whole": np.where(x > 60, 5, 2), "number": x / 2,
    }  # fmt: skip
    frame = table.read(write_csv(tmp_path / "t.csv", cells))
    model = tw.fit(frame, column, drop=[name for name in cells if name not in ("x", column)], **RECIPE)
    predictions.write([model.predict_table(frame)], tmp_path / "out.parquet")
    schema = pyarrow.parquet.read_schema(tmp_path / "out.parquet")
    assert str(schema.field("prediction").type) == type_in_parquet
    predictions.write([model.predict_table(frame)], tmp_path / "out.csv")
    back = pyarrow.csv.read_csv(tmp_path / "out.csv")["prediction"].to_pylist()
    assert back == pyarrow.parquet.read_table(tmp_path / "out.parquet")["prediction"].to_pylist()


@pytest.mark.parametrize("name", ["out.txt", "out", "out.csv.gz", ".parquet", "-x"])
def test_other_names_are_refused(name):
    with pytest.raises(tw.InputError, match=r"as \.csv or \.parquet, by the name of the output, not"):
        predictions.check_output(name)
    with pytest.raises(tw.InputError):
        predictions.write([], name)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_error_in_a_later_batch_leaves_the_old_file_alone(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"what was there before")

    def batches():
        yield {"prediction": np.arange(5)}
        raise tw.TableError("row 6 does not fit")

    with pytest.raises(tw.TableError, match="row 6 does not fit"):
        predictions.write(batches(), path)
    assert path.read_bytes() == b"what was there before" and [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_does_not_exist(tmp_path):
    with pytest.raises(tw.FileError, match="does not exist"):
        predictions.write([{"prediction": np.arange(3)}], tmp_path / "none" / "out.csv")
