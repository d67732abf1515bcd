"""Whatever table comes: a model whose predictions are all finite, or one sentence. Nothing else, no warning but ours.

`make test` tries a sample, `make acceptance` 10,000 tables.
"""

import io
import os
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onnx_answers
import thalweg as tw
from thalweg import rivals, table


NAMES = st.one_of(
    st.sampled_from(
        ["x", "X", "y", "id", "a,b", 'say "hi"', " ", "", "0", "nan", "c0", "the_query", "größe", "送信者"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=7),
)
EXTREME = [0.0, -0.0, 1.0, 5e-324, 1e-308, 1e-30, 1e12, 2.0**53, 1e30, 1e155, 1.7976931348623157e308, np.inf, np.nan]
WORDS = """a|A|b| b|NA|nan|?||true|no|0|007|7.0|1e999|2024-02-30|10:30|½|a b c d e f|\t|"|'""".split("|")


def cells(n: int) -> st.SearchStrategy[list[Any]]:
    """A column of any kind."""

    def listed(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(st.one_of(st.none(), one) if one is not numbers else one, min_size=n, max_size=n)

    numbers = st.floats(-1e3, 1e3)
    few = st.lists(st.sampled_from(EXTREME), min_size=1, max_size=4).flatmap(lambda some: listed(st.sampled_from(some)))
    seeded = st.integers(0, 2**32 - 1).map(np.random.default_rng)
    return st.one_of(
        seeded.map(lambda rng: rng.normal(size=n).round(3).tolist()),
        seeded.map(lambda rng: rng.integers(0, 4, n).tolist()),
        seeded.map(lambda rng: rng.choice(["up", "down", "left"], n).tolist()),
        seeded.map(lambda rng: (rng.random(n) < 0.5).tolist()),
        seeded.map(lambda rng: (10.0 ** rng.uniform(-300, 300, n) * rng.choice([-1, 1], n)).tolist()),
        listed(numbers),
        listed(st.floats(allow_nan=True, allow_infinity=False)),
        few,
        listed(st.integers(-(2**63), 2**63 - 1)),
        listed(st.booleans()),
        listed(st.sampled_from(WORDS)),
        listed(st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
        listed(st.datetimes(datetime(1678, 1, 1), datetime(2261, 1, 1))),  # what nanoseconds in 64 bits can hold
        st.sampled_from([None, 0, 1.5, "same", True]).map(lambda value: [value] * n),
        st.just(list(range(1, n + 1))),
    )


def as_csv(columns: list[tuple[str, list[Any]]]) -> Any:
    text = io.StringIO()
    pd.DataFrame({i: pd.Series(cells, dtype=object) for i, (_, cells) in enumerate(columns)}).to_csv(
        text, index=False, header=[name for name, _ in columns], lineterminator="\n"
    )
    return text.getvalue().encode()


def as_frame(columns: list[tuple[str, list[Any]]]) -> Any:
    """A pandas frame; of columns that pandas can give a type by itself, or objects as they are."""
    frame = pd.DataFrame({i: pd.Series(cells) for i, (_, cells) in enumerate(columns)})
    return frame.set_axis([name for name, _ in columns], axis=1)


def as_arrow(columns: list[tuple[str, list[Any]]]) -> Any:
    return pa.table([pa.array(cells, from_pandas=True) for _, cells in columns], names=[name for name, _ in columns])


FORMS: list[Callable[[list[tuple[str, list[Any]]]], Any]] = [as_csv, as_frame, as_arrow]


@st.composite
def jobs(draw: st.DrawFn) -> tuple[Any, list[str], dict[str, Any]]:
    """A table, its target or targets, and options of `fit`.

    What the table is like comes from a seed, evenly: Hypothesis would mostly try what is small and refused at the door.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**64 - 1)))
    n = int(rng.choice([1, 2, 3, 4, 5, 7, 11, 13, 31, 61], p=[0.02, 0.03, 0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2]))
    wide = int(rng.integers(2, 6)) if rng.random() < 0.95 else 1
    if rng.random() < 0.3:
        names = draw(st.lists(NAMES, min_size=wide, max_size=wide, unique=bool(rng.random() < 0.8)))
    else:
        names = rng.permutation(["x", "X", "a,b", "größe ☠️", "0", "time", 'say "hi"'])[:wide].tolist()
    columns = [(name, draw(cells(n))) for name in names]
    if rng.random() < 0.6:  # a target that can be learnt, and a column that tells something of it
        truth = rng.normal(size=n)
        words = np.where(truth > 0, "yes", "no")
        ways = [truth * 10.0 ** rng.integers(-300, 300), truth.round(1), truth.round(), truth > 0, words]
        columns[-1] = (names[-1], ways[rng.integers(len(ways))].tolist())
        columns[0] = columns[0] if wide == 1 else (names[0], (truth + 0.1 * rng.normal(size=n)).tolist())
    targets = names[-2:] if rng.random() < 0.15 else names[-1:]
    options = {
        "task": str(rng.choice(["auto", "auto", "classification", "regression"])),
        "holdout": float(rng.choice([0.2, 0.2, 0.5, 0.0])),
        "seed": int(rng.integers(3)),
        "hidden": (4,) if rng.random() < 0.8 else (),
        "refit": bool(rng.random() < 0.2),
    }
    return FORMS[rng.integers(len(FORMS))](columns), [name.strip() for name in targets], options


def finite(value: Any) -> bool:
    """Whether all numbers inside, however deep, are finite."""
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(finite, value))
    return not isinstance(value, float) or np.isfinite(value)


def check(job: tuple[Any, list[str], dict[str, Any]], folder: Any) -> str:
    data, targets, options = job
    if isinstance(data, bytes):
        path = folder / "any.csv"
        path.write_bytes(data)
        data = path
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", tw.ThalwegWarning)
        try:
            read = table.read(data)
            model = tw.fit(read, targets, epochs=2, **options)
        except tw.InputError as error:
            sentence = str(error)
            assert 10 < len(sentence) < 2_000 and "Traceback" not in sentence
            return "refused"
        outputs, predictions = model.outputs(read), model.predict(read)
    assert np.isfinite(model.parameters).all() and np.isfinite(outputs).all()
    assert len(predictions) == read.n_rows
    if model.encoder.task == "regression":
        assert np.isfinite(predictions).all()
    else:
        known = model.classes if model.encoder.task == "classification" else np.concatenate(model.classes)
        assert set(predictions.ravel().tolist()) <= set(np.asarray(known, dtype=object).tolist())
        assert (outputs >= 0).all() and (outputs <= 1).all()
    assert finite(model.figures) and ("network" in model.figures) == bool(options["holdout"])
    model.save(folder / "any.thalweg")
    onnx_answers.check(model, read)
    again = tw.load(folder / "any.thalweg")
    assert again.outputs(read).tobytes() == outputs.tobytes()
    return model.encoder.task


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("any")


@pytest.fixture(scope="module")
def few_trees():
    """The search for a tree's size takes most of the time, whatever the table; a shorter one is the same code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rivals, "ROWS_PER_LEAF", (1,))
        patch.setattr(rivals, "LEAVES", (2, 8))
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


def try_tables(folder: Any, **how: Any) -> None:
    seen: Counter[str] = Counter()

    @settings(suppress_health_check=[HealthCheck.too_slow], **how)
    @given(jobs())
    def gives_a_finite_model_or_a_sentence(job: Any) -> None:
        seen[check(job, folder)] += 1

    gives_a_finite_model_or_a_sentence()
    print(dict(seen))
    assert seen["refused"] and seen["classification"] and seen["regression"], "the tables were all of one kind"


def test_any_table_gives_a_finite_model_or_a_sentence(folder, few_trees):
    try_tables(folder, max_examples=60)


@pytest.mark.acceptance
def test_many_tables_give_a_finite_model_or_a_sentence(folder, few_trees):
    try_tables(folder)
