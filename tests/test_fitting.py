"""`fit`: the right task, honest figures on rows that nothing was learnt from, options that do what they say."""

import dataclasses
import signal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

import thalweg as tw
from command_line import RECIPE, TARGETS, mails
from thalweg import fitting, rivals, table


@pytest.fixture(scope="module")
def data():
    return frame(211, 5)


def frame(n, seed):
    """The table of `mails` with the types that a data frame can have."""
    columns = pd.DataFrame(mails(n, seed))
    columns["sent"] = pd.to_datetime(columns["sent"])
    return table.read(columns.assign(trusted=columns["trusted"] == "true", urgent=columns["urgent"] == "true"))


def fit(data, *targets, **options):
    drop = [name for name in TARGETS if name not in targets]
    return tw.fit(data, list(targets), **{**RECIPE, "drop": drop, **options})


def rows_of(data, model, purpose="holdout"):
    """The (kept, held) rows, found again by the documented split."""
    labels = None
    if model.encoder.task == "classification":
        labels = np.unique(data[model.encoder.targets[0]].values, return_inverse=True)[1]
    return fitting.split(data.n_rows, 0.2, seed=model.settings["seed"], purpose=purpose, labels=labels)


@pytest.mark.parametrize(
    ("targets", "options", "task", "classes", "output"),
    [
        (["spam"], {}, "classification", ["ham", "spam"], "softmax"),
        (["urgent"], {}, "classification", [False, True], "softmax"),
        (["grade"], {}, "classification", [0, 1, 2, 3], "softmax"),
        (["grade"], {"task": "regression"}, "regression", None, "identity"),
        (["score"], {}, "regression", None, "identity"),
        (["score", "delay"], {}, "regression", None, "identity"),
        (["spam", "urgent"], {}, "multilabel", [["ham", "spam"], [False, True]], "sigmoid"),
    ],
)
def test_the_task_follows_from_the_target(data, targets, options, task, classes, output):
    model = fit(data, *targets, **options)
    assert (model.encoder.task, model.network.output.name) == (task, output)
    found = model.classes
    assert (found if found is None else [np.asarray(one).tolist() for one in found]) == classes
    predictions = model.predict(data)
    assert predictions.shape == ((211,) if len(targets) == 1 else (211, len(targets)))
    if task == "classification":
        assert set(predictions.tolist()) <= set(classes) and type(predictions.tolist()[0]) is type(classes[0])
    assert set(model.encoder.columns) == {"length", "trusted", "sender", "sent"}


def test_figures_of_classes_are_those_of_scikit_learn_on_the_held_out_rows(data):
    model = fit(data, "grade", epochs=9)
    held = data.take(rows_of(data, model)[1])
    y, p = held["grade"].values.astype(int), model.predict_proba(held).astype(float)
    network = model.figures["network"]
    assert model.figures["rows"]["held_out"] == network["rows"] == len(y) == 42
    assert network["accuracy"] == metrics.accuracy_score(y, model.predict(held))
    assert network["log_loss"] == pytest.approx(metrics.log_loss(y, p / p.sum(axis=1, keepdims=True)), rel=1e-6)
    assert network["auc"] == pytest.approx(metrics.roc_auc_score(np.eye(4)[y], p, average="macro"), rel=1e-6)
    assert network["confusion"] == metrics.confusion_matrix(y, model.predict(held)).tolist()
    evidence: Any = model.evidence
    assert np.array_equal(evidence.y, y) and np.array_equal(evidence.outputs, model.predict_proba(held))


@pytest.mark.parametrize("targets", [["score"], ["score", "delay"]])
def test_figures_of_numbers_are_those_of_scikit_learn_in_the_targets_units(data, targets):
    model = fit(data, *targets)
    held = data.take(rows_of(data, model)[1])
    predictions = model.predict(held).reshape(len(held["score"].values), -1)
    for j, name in enumerate(targets):
        network = model.figures["network"]
        network = network["targets"][name] if len(targets) > 1 else network
        y = held[name].values
        assert network["rmse"] == pytest.approx(metrics.root_mean_squared_error(y, predictions[:, j]), rel=1e-9)
        assert network["mae"] == pytest.approx(metrics.mean_absolute_error(y, predictions[:, j]), rel=1e-9)
        assert network["r2"] == pytest.approx(metrics.r2_score(y, predictions[:, j]), rel=1e-9)


def test_tree_and_baseline_are_measured_on_the_same_rows(data, monkeypatch):
    seen = {}

    def tree(X, Y, X_valid, Y_valid, X_held, *rest):
        outputs, size = grow(X, Y, X_valid, Y_valid, X_held, *rest)
        seen.update(training=X, Y=Y, validation=X_valid, held=X_held, outputs=outputs)
        return outputs, size

    grow = rivals.tree
    monkeypatch.setattr(rivals, "tree", tree)
    model: Any = fit(data, "spam")
    kept, held = rows_of(data, model)
    y = (data["spam"].values[held] == "spam").astype(int)
    assert np.array_equal(seen["held"], model.evidence.X) and len(seen["held"]) == len(held)
    assert len(seen["training"]) + len(seen["validation"]) == len(kept)
    assert model.figures["tree"]["log_loss"] == pytest.approx(metrics.log_loss(y, seen["outputs"][:, 1]))
    share = seen["Y"].mean()
    baseline = metrics.log_loss(y, np.full(len(y), share))
    assert model.figures["baseline"]["log_loss"] == pytest.approx(baseline)
    assert model.figures["baseline"]["accuracy"] == np.mean(y == (share > 0.5))
    assert model.figures["paired"]["tree"]["difference"] == pytest.approx(
        model.figures["network"]["log_loss"] - model.figures["tree"]["log_loss"]
    )
    assert model.figures["paired"]["baseline"]["difference"] == pytest.approx(
        model.figures["network"]["log_loss"] - baseline
    )


def poisoned(data, rows, names):
    """Other cells in these rows: wild numbers, swapped truths and dates, categories never seen."""
    columns = []
    for column in data.columns:
        values, missing = column.values.copy(), column.missing.copy()
        if column.name in names:
            wild = {"number": 1e9, "boolean": True, "text": "nobody has seen this", "date": np.datetime64("1931-05-07")}
            values[rows], missing[rows] = wild[column.kind.value], False
        columns.append(dataclasses.replace(column, values=values, missing=missing))
    return dataclasses.replace(data, columns=tuple(columns))


@pytest.mark.parametrize("target", ["spam", "score"])
def test_held_out_rows_touch_neither_encoder_nor_training(data, target):
    honest = fit(data, target)
    held = rows_of(data, honest)[1]
    names = {"length", "trusted", "sender", "sent"} | ({target} if target == "score" else set())
    model = fit(poisoned(data, held, names), target)
    assert model.parameters.tobytes() == honest.parameters.tobytes()
    assert model.encoder.roles == honest.encoder.roles and model.encoder.target_roles == honest.encoder.target_roles
    assert np.array_equal(model.history.validation_loss, honest.history.validation_loss)
    assert model.figures["network"] != honest.figures["network"], "the poison must show somewhere"
    # What guards the test itself: the same poison in one row that is used changes everything.
    used = fit(poisoned(data, rows_of(data, honest)[0][:9], names), target)
    assert used.parameters.tobytes() != honest.parameters.tobytes()


def test_validation_rows_touch_neither_encoder_nor_steps(data):
    honest = fit(data, "score", holdout=0)
    valid = fitting.split(data.n_rows, 0.15, seed=0, purpose="validation")[1]
    model = fit(poisoned(data, valid, {"length", "trusted", "sender", "sent", "score"}), "score", holdout=0)
    assert np.array_equal(model.history.loss, honest.history.loss) and model.encoder.roles == honest.encoder.roles
    assert not np.array_equal(model.history.validation_loss, honest.history.validation_loss)
    assert "network" not in honest.figures and honest.evidence is None
    rows = {"given": 211, "without_target": 0, "training": 179, "validation": 32, "held_out": 0}
    rows["held_out_without_target"] = 0
    assert honest.figures["rows"] == rows


def test_a_table_of_its_own_to_validate_with(data):
    """The same rows as a share would take: the same network."""
    labels = np.unique(data["spam"].values, return_inverse=True)[1]
    training, valid = fitting.split(data.n_rows, 0.25, seed=3, purpose="validation", labels=labels)
    own = fit(data.take(training), "spam", validation=(data.take(valid), None), holdout=0, seed=3)
    share = fit(data, "spam", validation=0.25, holdout=0, seed=3)
    assert np.array_equal(own.history.validation_loss, share.history.validation_loss)
    assert own.settings["validation"] is None and own.figures["rows"]["training"] == len(training)


def test_a_table_of_its_own_to_test_on(data):
    test = frame(97, 8)
    model = fit(data, "score", test=test)
    assert model.figures["rows"]["held_out"] == 97 and model.figures["rows"]["training"] == 179
    assert model.parameters.tobytes() == fit(data, "score", holdout=0).parameters.tobytes()
    rmse = metrics.root_mean_squared_error(test["score"].values, model.predict(test))
    assert model.figures["network"]["rmse"] == pytest.approx(rmse)
    assert model.settings["test"] == "the data frame"


def test_codes_in_a_file_to_test_on_are_read_as_in_training(data, tmp_path):
    """Alone, 007 is a number in the second file; beside A12 in the first it is text."""
    codes = ["007", "12", "A12"]
    (tmp_path / "known.csv").write_text("code,y\n" + "".join(f"{codes[i % 3]},{i % 3 == 0}\n" for i in range(90)))
    (tmp_path / "new.csv").write_text("y,code\n" + "".join(f"{i % 2 == 0},{codes[i % 2]}\n" for i in range(40)))
    model = tw.fit(tmp_path / "known.csv", "y", test=tmp_path / "new.csv", hidden=(5,), epochs=60, learning_rate=0.1)
    assert model.figures["network"]["accuracy"] == 1.0


def test_a_class_that_training_has_not_is_refused_before_training(data):
    test = frame(31, 8)
    eggs = dataclasses.replace(test["spam"], values=np.full(31, "eggs", dtype=object))
    test = dataclasses.replace(test, columns=(*test.drop(["spam"]).columns, eggs))

    class Watcher:
        def on_start(self, run):
            raise AssertionError("trained first")

    with pytest.raises(tw.TableError, match=r"has 'eggs' in row 1, which is none of the classes in training"):
        fit(data, "spam", test=test, callbacks=[Watcher()])


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(data):
    one, same, other = (fit(data, "grade", seed=seed) for seed in (3, 3, 4))
    assert one.parameters.tobytes() == same.parameters.tobytes() != other.parameters.tobytes()
    assert one.figures["network"] == same.figures["network"]
    assert not np.array_equal(rows_of(data, one)[1], rows_of(data, other)[1])


def test_refit_learns_from_all_rows_and_keeps_the_figures(data):
    first, second = fit(data, "score"), fit(data, "score", refit=True)
    assert first.figures["network"] == second.figures["network"] and first.status is second.status
    assert not first.settings["refit"] and second.settings["refit"]
    assert second.parameters.tobytes() != first.parameters.tobytes()
    assert len(second.history) == second.settings["best_epoch"] == first.settings["best_epoch"]
    assert np.isnan(second.history.validation_loss).all(), "there is nothing left to validate with"
    target: Any = second.encoder.target_roles[0]
    assert target.mean == pytest.approx(data["score"].values.mean())
    # All rows: a changed held-out row now changes the model.
    held = rows_of(data, first)[1]
    third = fit(poisoned(data, held[:1], {"score"}), "score", refit=True)
    assert third.parameters.tobytes() != second.parameters.tobytes()


def test_columns_to_keep_though_they_look_like_identifiers(data):
    ids = dataclasses.replace(
        data["length"], name="mail_id", values=np.arange(211.0), missing=np.zeros(211, bool), integer=True
    )
    wide = dataclasses.replace(data, columns=(*data.columns, ids))
    assert "mail_id" not in fit(wide, "score").encoder.columns
    for refit in (False, True):
        model = fit(wide, "score", keep=["mail_id"], refit=refit)
        assert "mail_id" in model.encoder.columns and model.settings["keep"] == ["mail_id"]


def test_rows_without_a_target_are_left_out(data):
    values, missing = data["score"].values.copy(), data["score"].missing.copy()
    values[[2, 5]], missing[[2, 5]] = np.nan, True
    columns = [dataclasses.replace(c, values=values, missing=missing) if c.name == "score" else c for c in data.columns]
    model = fit(dataclasses.replace(data, columns=tuple(columns)), "score")
    assert model.figures["rows"]["without_target"] == 2 and model.figures["rows"]["given"] == 211
    assert sum(model.figures["rows"][part] for part in ("training", "validation", "held_out")) == 209


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden": (), "dropout": 0.2}, "dropout=0.2 would do nothing"),
        ({"hidden": 0, "activation": "tanh"}, "activation='tanh' would do nothing"),
        ({"hidden": "64"}, r"hidden must be the units .* not '64'"),
        ({"hidden": None}, "hidden must be the units"),
        ({"hidden": (5, 0)}, "whole numbers ≥ 1"),
        ({"widths": 7}, "fit has no setting 'widths'; the settings of its recipe are hidden, activation"),
        ({"test": "x.csv", "holdout": 0.3}, "holdout=0.3 would do nothing"),
        ({"holdout": 2}, "must lie between 0 and 1, not 2"),
        ({"holdout": float("nan")}, "must lie between 0 and 1, not nan"),
        ({"validation": 0.0}, "must lie between 0 and 1, not 0.0"),
        ({"task": "guess"}, "task must be 'auto', 'classification' or 'regression', not 'guess'"),
        ({"drop": ["nothing"]}, "the data frame has no column 'nothing'"),
        ({"drop": ["spam"]}, "'spam' cannot be a target and dropped"),
        ({"threads": 2, "engine": "reference"}, "threads=2 would do nothing"),
        ({"engine": "abacus"}, "no engine 'abacus'"),
        ({"learning_rate": -1.0}, "rate must be a number ≥ 0, not -1.0"),
        ({"patience": 0}, "patience must be a whole number > 0, not 0"),
        ({"seed": 2**64}, "the seed must be a whole number"),
    ],
)
def test_an_option_that_breaks_its_rule_or_would_do_nothing_is_refused(data, options, said):
    with pytest.raises(tw.InputError, match=said):
        fit(data, "spam", **options)


@pytest.mark.parametrize(("rows", "options", "needed"), [(2, {}, 3), (1, {"holdout": 0}, 2)])
def test_too_few_rows(data, rows, options, needed):
    with pytest.raises(tw.TableError, match=rf"has {rows} rows? with a target, and at least {needed} are needed"):
        fit(data.take(np.arange(rows)), "score", **options)


@pytest.mark.parametrize("hidden", [(), 0, 5, (5, 3)])
def test_hidden_layers(data, hidden):
    model = fit(data, "spam", hidden=hidden)
    inside = [] if not hidden else [hidden] if isinstance(hidden, int) else list(hidden)
    assert list(model.network.sizes[1:-1]) == inside and np.isfinite(model.predict_proba(data)).all()


def test_numbers_far_from_zero_keep_their_digits(data):
    """The network computes in float32, which has 128 between neighbours at 2·10⁹; predictions are float64."""
    frame = pd.DataFrame({"x": np.linspace(-1, 1, 211), "y": 2e9 + np.linspace(-1, 1, 211)})
    model = tw.fit(frame, "y", hidden=(7,), epochs=60)
    assert model.predict(frame).dtype == np.float64 and model.figures["network"]["rmse"] < 0.2


@pytest.mark.parametrize("rate", [1e6, 30.0])
@pytest.mark.parametrize("target", ["spam", "score"])
def test_a_learning_rate_that_is_too_large_never_gives_a_silently_bad_model(data, target, rate):
    """Contract 2: a refusal that says where it broke, or a finite model whose figures say what it is worth."""
    try:
        model = fit(data, target, learning_rate=rate, epochs=60)
    except tw.InputError as error:
        assert (
            "nothing could be learnt. Met" in str(error)
            and "In epoch" in str(error)
            and "smaller learning rate" in str(error)
        )
        return
    assert np.isfinite(model.parameters).all() and np.isfinite(model.outputs(data)).all()
    if model.status is tw.Status.NON_FINITE:
        assert model.figures["validation"]["loss"] < model.figures["validation"]["baseline"]
        assert "In epoch" in model.settings["message"]


def test_a_training_that_breaks_down_late_keeps_what_it_had_learnt(data, monkeypatch):
    """The best epoch before the breakdown is better than the baseline, so it is a model, and its status says so."""
    settings = fitting.Recipe.training

    def reckless(recipe, task, rows):
        from thalweg.schedules import Step

        options = settings(recipe, task, rows)
        return {**options, "optimizer": tw.GradientDescent(Step(0.02, factor=1e12, every=5.0))}

    monkeypatch.setattr(fitting.Recipe, "training", reckless)
    model = fit(data, "score", epochs=20)
    assert model.status is tw.Status.NON_FINITE and model.settings["best_epoch"] == 5
    assert model.figures["network"]["rmse"] < model.figures["baseline"]["rmse"]
    assert "In epoch 6, batch" in model.settings["message"]


class Press:
    """Ctrl-C in the callback after an epoch of the training of this number."""

    def __init__(self, epoch, training=1):
        self.epoch, self.training, self.started = epoch, training, 0

    def on_start(self, run):
        self.started += 1

    def on_epoch(self, run):
        if run.epoch == self.epoch and self.started == self.training:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_in_training_leaves_the_best_epoch_with_figures(data):
    model = fit(data, "score", callbacks=[Press(2)], refit=True)
    assert model.status is tw.Status.INTERRUPTED and len(model.history) == 2 and "network" in model.figures
    assert not model.settings["refit"], "who presses Ctrl-C does not want a second training"
    assert model.settings["message"] == "Interrupted from the keyboard."


def test_ctrl_c_before_the_first_epoch_leaves_nothing(data):
    class AtOnce:
        def on_start(self, run):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(data, "score", callbacks=[AtOnce()])


@pytest.mark.parametrize("where", ["tree", "refit"])
def test_ctrl_c_after_training_keeps_the_trained_network(data, monkeypatch, where):
    whole = fit(data, "score")

    def interrupted(*_):
        signal.raise_signal(signal.SIGINT)

    if where == "tree":
        monkeypatch.setattr(rivals, "tree", interrupted)
        model = fit(data, "score")
        assert "network" not in model.figures and model.evidence is None
    else:
        model = fit(data, "score", refit=True, callbacks=[Press(1, training=2)])
        assert model.figures["network"] == whole.figures["network"]
    assert model.status is tw.Status.INTERRUPTED and not model.settings["refit"]
    assert model.parameters.tobytes() == whole.parameters.tobytes()


def test_a_refit_that_breaks_down_keeps_the_first_training_and_says_so(data, monkeypatch):
    honest = fit(data, "score")
    again = fitting.train

    def train(*arguments, validation=None, **options):
        if validation is None:
            options["optimizer"] = tw.GradientDescent(1e9)
        return again(*arguments, validation=validation, **options)

    monkeypatch.setattr(fitting, "train", train)
    with pytest.warns(tw.ThalwegWarning, match="the training on all rows failed, so the model is that of the first"):
        model = fit(data, "score", refit=True)
    assert model.parameters.tobytes() == honest.parameters.tobytes() and not model.settings["refit"]


SUMS = "SELECT range * 37 % 101 AS x, range * 53 % 89 AS z, 0.1 * (range * 37 % 101) AS y FROM range(300)"


def test_a_refit_has_no_rows_for_a_callback_that_looks_at_validation():
    with pytest.raises(tw.InputError, match=r"refit=True .* EarlyStopping\(.*would find no validation rows"):
        tw.fit(SUMS, target="y", refit=True, callbacks=[tw.EarlyStopping("r2")], epochs=3)
    assert tw.fit(SUMS, target="y", refit=True, callbacks=[tw.ReduceOnPlateau("loss")], epochs=3).settings["refit"]


class Third:
    """Chooses the weights of the third epoch."""

    def on_epoch(self, run):
        if run.epoch == 3:
            run.answer = run.parameters.copy()


def test_figures_are_those_of_the_weights_that_a_callback_chose():
    model = tw.fit(SUMS, target="y", callbacks=[Third()], epochs=7, seed=3)
    assert model.settings["best_epoch"] == 3
    assert model.figures["validation"]["loss"] == pytest.approx(model.history.validation_loss[2], rel=1e-5)
    refit = tw.fit(SUMS, target="y", callbacks=[Third()], epochs=7, seed=3, refit=True)
    assert len(refit.history) == 3
