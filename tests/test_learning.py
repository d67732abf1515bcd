"""`Lesson`: rows split, encoded and weighted, and what is learnt from them."""

import numpy as np
import pytest

from command_line import mails
from thalweg import learning, table
from thalweg.learning import Lesson, Recipe
from thalweg.splitting import split


@pytest.fixture(scope="module")
def data():
    columns = mails(211, 5)
    return table.Table("mails", tuple(table.as_column(name, np.array(columns[name])) for name in ("grade", "score")))


def prepare(data, target, task, weights=None):
    names = {"task": task, "drop": [], "keep": ["grade", "score"]}
    names["keep"].remove(target)
    labels = learning.strata(data, [target], task)
    return Lesson.prepare(data, [target], **names, validation=0.2, seed=3, labels=labels, weights=weights)


@pytest.mark.parametrize(("target", "task"), [("grade", "classification"), ("score", "regression")])
def test_rows_and_their_weights_are_split_alike(data, target, task, rng):
    weights = rng.uniform(0.5, 2.0, 211)
    lesson = prepare(data, target, task, weights)
    labels = data["grade"].values if task == "classification" else None
    for part, rows in zip(
        (lesson.training, lesson.validation), split(211, 0.2, seed=3, purpose="validation", labels=labels), strict=True
    ):
        assert part.n == len(rows) and part.weights is not None and np.array_equal(part.weights, weights[rows])
        assert np.array_equal(part.X, lesson.encoder.encode(data.take(rows)))
        assert np.array_equal(part.Y, lesson.encoder.encode_targets(data.take(rows)))
    assert prepare(data, target, task).training.weights is None


def test_the_baseline_is_that_of_the_weights(data, rng):
    weights = rng.uniform(0.5, 2.0, 211)
    classes = prepare(data, "grade", "classification", weights)
    assert classes.training.weights is not None
    shares = np.array([classes.training.weights[classes.training.Y == k].sum() for k in range(4)])
    assert classes.baseline(2) == pytest.approx(np.tile(shares / shares.sum(), (2, 1)))
    numbers = prepare(data, "score", "regression", weights)
    mean = np.average(numbers.training.Y[:, 0], weights=numbers.training.weights)
    assert numbers.baseline(3) == pytest.approx(np.full((3, 1), mean)) and abs(mean) > 1e-9


def test_the_model_says_how_it_was_made(data):
    lesson = prepare(data, "grade", "classification")
    model = lesson.learn(Recipe(hidden=(5,), epochs=3), seed=3, engine="reference", threads=None)
    settings = {"data": "mails", "task": "classification", "keep": ["score"], "seed": 3, "engine": "reference"}
    assert settings.items() <= model.settings.items() and model.settings["recipe"]["epochs"] == 3
    assert model.figures["rows"]["training"] == lesson.training.n and model.figures["rows"]["held_out"] == 0
    assert model.figures["columns"] == {"given": 1, "used": 1, "features": 1} and len(model.history) == 3
    losses = -np.log(lesson.baseline(lesson.validation.n)[np.arange(lesson.validation.n), lesson.validation.Y])
    assert model.figures["validation"]["baseline"] == pytest.approx(losses.mean())
