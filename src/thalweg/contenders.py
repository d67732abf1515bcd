"""Who is compared: one row for each kind of model, every one with settings that its own users would choose.

A contender learns from a `Bout`, the training rows of one fold, and answers for the rows of another. What needs a part
of its training rows to say when to stop (the network, boosted trees) takes 15 % of them; the pruned tree takes
its size from a cross-validation of its own; the forest and the linear model take all rows at once. `CONTENDERS` is the
table that dispatch, tests, benchmarks and documents read: a further contender is one row.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import math
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines, pruned_tree, rivals
from thalweg.encoding import Encoder
from thalweg.learning import Recipe
from thalweg.raw_features import RawFeatures
from thalweg.splitting import split
from thalweg.stopping import Status
from thalweg.table import Table, as_column
from thalweg.targets import NumberTarget
from thalweg.training import train


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Num

VALIDATION = 0.15  # of the training rows, for those who stop by rows that they do not learn from
# Of boosting: trees for each class at most, and without a better validation loss; what each adds.
ROUNDS, PATIENCE, RATE = 1000, 20, 0.05
FIRST_ROUNDS = 5  # after which boosting looks at the clock, where its time is limited
UNSTOPPED = 100  # trees for each class where no rows can be held out to stop by
FEW_CELLS = 500_000  # below it one thread is as fast as several, which wait for each other when others work beside
TREES = 100  # of the forest


@dataclass(frozen=True, eq=False)
class Bout:
    """Rows to learn from or to answer for, in the forms that contenders take.

    Shapes: `scaled` (n, d), `plain` (n, e), `coded` (n, c), `y` (n,). Trees find the same splits in `scaled` as in
    `plain`, whose rules are readable.
    """

    task: str  # classification or regression
    n_classes: int  # 0 for regression
    scaled: Float[np.ndarray, "n d"]  # as the network takes them
    plain: Float[np.ndarray, "n e"]  # in the units of the table, nan where missing (raw_features.py)
    coded: Float[np.ndarray, "n c"]  # the same with one number for each category
    categorical: Bool[np.ndarray, " c"]  # which of `coded` are categories
    y: Num[np.ndarray, " n"]  # numbers of classes, or the target in its unit

    @classmethod
    def of(cls, encoder: Encoder, table: Table, *, answered: bool = True) -> Bout:
        """The rows of a table, whose target is nan where they are not `answered`; raises TableError as `encode`."""
        raw = RawFeatures(encoder)
        classes = encoder.task == "classification"
        if not answered:
            y = np.full(table.n_rows, np.nan)
        else:
            y = encoder.encode_targets(table) if classes else table[encoder.targets[0]].values.astype(np.float64)
        k = len(encoder.classes) if classes else 0
        return cls(encoder.task, k, encoder.encode(table), raw.plain(table), raw.coded(table), raw.categorical, y)

    @classmethod
    def of_matrix(cls, X: Float[np.ndarray, "n d"], y: Num[np.ndarray, " n"], task: str, n_classes: int) -> Bout:
        """Rows of numbers that are the same to everyone."""
        return cls(task, n_classes, X, X, X, np.zeros(X.shape[1], dtype=bool), y)

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.y)

    def take(self, rows: Any) -> Bout:
        """These rows: indices or a mask."""
        return replace(self, scaled=self.scaled[rows], plain=self.plain[rows], coded=self.coded[rows], y=self.y[rows])

    def parts(self, seed: int) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " v"]]:
        """Rows to learn from and rows to stop by, of each class about the same share."""
        return split(self.n, VALIDATION, seed=seed, purpose="validation", labels=self.y if self.n_classes else None)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a contender has learnt. `outputs` are (n, k) probabilities, or (n,) numbers in the target's unit."""

    outputs: Callable[[Bout], Float[np.ndarray, "n ..."]]
    model: Any  # what it is inside
    count: int  # how large it is, in `unit`
    unit: str
    size: int  # bytes of its file


@dataclass(frozen=True)
class Contender:
    """One kind of model."""

    name: str  # it goes by
    family: str  # whom its win speaks for: network, trees, linear, baseline
    what: str  # it is, and with which settings
    scaling: bool  # whether it needs its inputs on one scale
    learn: Callable[..., Fitted]  # (bout, seed=, threads=, recipe=, engine=)
    package: str | None = None  # that must be installed for it
    called: str | None = None  # within a sentence; None is its name
    # Whether it takes `seconds=` too, after which it stops early: what may take longer than all others together.
    stops: bool = False

    @property
    def words(self) -> str:
        """What it is called within a sentence."""
        return self.called or self.name

    @property
    def installed(self) -> bool:
        """Whether it can be had here."""
        return self.package is None or importlib.util.find_spec(self.package) is not None


def _network(bout: Bout, *, seed: int, threads: int | None, recipe: Recipe, engine: str) -> Fitted:
    """As `fit` trains it: the same recipe, stopped by validation rows, the weights of the best epoch."""
    fit_rows, valid_rows = bout.parts(seed)
    mean, deviation = (0.0, 1.0) if bout.n_classes else _centre_and_width(bout.y)
    Y = bout.y if bout.n_classes else ((bout.y - mean) / deviation)[:, None]
    network = recipe.of_sizes(bout.scaled.shape[1], bout.n_classes or 1, bout.task)
    result = train(
        network, bout.scaled[fit_rows], Y[fit_rows], validation=(bout.scaled[valid_rows], Y[valid_rows]),
        seed=seed, engine=engine, threads=threads, **recipe.training(bout.task, len(fit_rows)),
    )  # fmt: skip
    if result.status is Status.INTERRUPTED:  # what it has so far would be no fair contender
        raise KeyboardInterrupt
    p = result.parameters

    def outputs(rows: Bout) -> np.ndarray:
        answers = engines.get(engine).predict(network, p, rows.scaled.astype(p.dtype)).astype(np.float64)
        return answers if bout.n_classes else answers[:, 0] * deviation + mean

    return Fitted(outputs, result, network.n_parameters, "parameters", p.nbytes)


def _pruned_tree(bout: Bout, *, seed: int, **_: Any) -> Fitted:
    grown = pruned_tree.grow(bout.plain, bout.y, bout.task, bout.n_classes, seed=seed)
    return Fitted(lambda rows: grown.outputs(rows.plain), grown, grown.leaves, "leaves", _pickled(grown))


def _boosting(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind: Any = HistGradientBoostingClassifier if bout.n_classes else HistGradientBoostingRegressor
    # It holds rows of every class out, if there are enough of each.
    counts = np.unique(bout.y, return_counts=True)[1] if bout.n_classes else np.array([bout.n])
    stops = bool(counts.min() > 1 and VALIDATION * bout.n >= len(counts))
    model = kind(
        max_iter=ROUNDS if stops else UNSTOPPED, learning_rate=RATE, early_stopping=stops,
        validation_fraction=VALIDATION, n_iter_no_change=PATIENCE, categorical_features=bout.categorical,
        random_state=seed % 2**32,
    )  # fmt: skip
    with _limited(_threads(bout, threads), "openmp"):
        if seconds < math.inf:
            _fit_within(seconds, model, bout)
        else:
            model.fit(bout.coded, bout.y)
    leaves = sum(int(tree.get_n_leaf_nodes()) for round_ in model._predictors for tree in round_)
    answers = _answers(model, bout, "coded")

    def outputs(rows: Bout) -> np.ndarray:
        with _limited(_threads(rows, threads), "openmp"):
            return answers(rows)

    return Fitted(outputs, model, leaves, "leaves", _pickled(model))


def _fit_within(seconds: float, model: Any, bout: Bout) -> None:
    """Fit boosting in pieces, the trees of each as many as those before it, until it stops or the time is over.

    In pieces it is the same model as at once, but for the time that it takes to bin the rows again.
    """
    most, started = model.max_iter, perf_counter()
    model.set_params(warm_start=True, max_iter=FIRST_ROUNDS)
    model.fit(bout.coded, bout.y)
    while model.n_iter_ == model.max_iter < most and perf_counter() - started < seconds:
        model.set_params(max_iter=min(2 * model.max_iter, most))
        model.fit(bout.coded, bout.y)


def _forest(bout: Bout, *, seed: int, threads: int | None, **_: Any) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if bout.n_classes else RandomForestRegressor
    model = kind(n_estimators=TREES, n_jobs=_threads(bout, threads) or -1, random_state=seed % 2**32)
    model.fit(rivals.tree_rows(bout.plain), bout.y)
    leaves = sum(int(tree.get_n_leaves()) for tree in model.estimators_)
    answers = _answers(model, bout, "plain")
    if not bout.n_classes:
        return Fitted(answers, model, leaves, "leaves", _pickled(model))
    # All trees may agree and be wrong, at an infinite log-loss: one tree more answers with the shares of the classes.
    shares = rivals.majority(bout.y, 1, bout.n_classes)
    return Fitted(lambda rows: (answers(rows) * TREES + shares) / (TREES + 1), model, leaves, "leaves", _pickled(model))


def _lightgbm(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    import lightgbm  # pyright: ignore[reportMissingImports]

    k = bout.n_classes
    fit_rows, valid_rows = bout.parts(seed)
    settings = {
        "objective": "regression" if not k else "binary" if k == 2 else "multiclass", "num_class": k if k > 2 else 1,
        "learning_rate": RATE, "num_threads": _threads(bout, threads) or 0, "seed": seed % 2**31, "verbosity": -1,
    }  # fmt: skip
    categories = np.flatnonzero(bout.categorical).tolist()
    rows = lightgbm.Dataset(bout.coded[fit_rows], bout.y[fit_rows], categorical_feature=categories)
    others = lightgbm.Dataset(bout.coded[valid_rows], bout.y[valid_rows], reference=rows)
    end = perf_counter() + seconds

    def late(env: Any) -> None:
        if perf_counter() >= end:
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    booster = lightgbm.train(settings, rows, ROUNDS, valid_sets=[others], callbacks=[stop, late])
    text = booster.model_to_string()
    leaves = sum(int(line.partition("=")[2]) for line in text.splitlines() if line.startswith("num_leaves="))

    def outputs(rows: Bout) -> np.ndarray:
        answers = np.asarray(booster.predict(rows.coded))
        return np.stack([1.0 - answers, answers], axis=1) if k == 2 else answers

    return Fitted(outputs, booster, leaves, "leaves", len(text))


def _xgboost(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    import xgboost.callback  # pyright: ignore[reportMissingImports]

    end = perf_counter() + seconds

    class Late(xgboost.callback.TrainingCallback):
        def after_iteration(self, *_: Any) -> bool:
            return perf_counter() >= end

    kind = xgboost.XGBClassifier if bout.n_classes else xgboost.XGBRegressor
    model = kind(
        n_estimators=ROUNDS, learning_rate=RATE, tree_method="hist", early_stopping_rounds=PATIENCE,
        n_jobs=_threads(bout, threads), random_state=seed % 2**31, enable_categorical=True, callbacks=[Late()],
        feature_types=["c" if is_category else "q" for is_category in bout.categorical],
    )  # fmt: skip
    fit_rows, valid_rows = bout.parts(seed)
    # It wants the classes 0, 1, … of the rows it learns from, without a gap.
    seen, y = np.unique(bout.y[fit_rows], return_inverse=True) if bout.n_classes else (None, bout.y[fit_rows])
    known = valid_rows if seen is None else valid_rows[np.isin(bout.y[valid_rows], seen)]
    y_known = bout.y[known] if seen is None else np.searchsorted(seen, bout.y[known])
    fit_cells, known_cells = (
        rivals.tree_rows(bout.coded[rows]) for rows in (fit_rows, known)
    )  # it refuses larger ones
    model.fit(fit_cells, y, eval_set=[(known_cells, y_known)], verbose=False)
    booster = model.get_booster()
    leaves = sum(text.count("leaf=") for text in booster.get_dump())
    answers = _answers(model, bout, "coded", classes=seen)
    return Fitted(answers, model, leaves, "leaves", len(booster.save_raw()))


def _catboost(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    import catboost  # pyright: ignore[reportMissingImports]

    kind: Any = catboost.CatBoostClassifier if bout.n_classes else catboost.CatBoostRegressor
    several = {"loss_function": "MultiClass"} if bout.n_classes > 2 else {}
    model = kind(
        iterations=ROUNDS, early_stopping_rounds=PATIENCE, random_seed=seed % 2**31, verbose=False,
        allow_writing_files=False, thread_count=_threads(bout, threads) or -1, **several,
    )  # fmt: skip
    fit_rows, valid_rows = bout.parts(seed)
    end = perf_counter() + seconds
    on_time = SimpleNamespace(after_iteration=lambda _: perf_counter() < end)
    X = _worded(bout)
    model.fit(
        X[fit_rows], bout.y[fit_rows], eval_set=(X[valid_rows], bout.y[valid_rows]),
        cat_features=np.flatnonzero(bout.categorical).tolist(), callbacks=[on_time] if seconds < math.inf else None,
    )  # fmt: skip
    leaves = int(np.sum(model.get_tree_leaf_counts()))

    def outputs(rows: Bout) -> np.ndarray:
        if not bout.n_classes:
            return np.asarray(model.predict(_worded(rows)), dtype=np.float64)
        return _spread(model.predict_proba(_worded(rows)), np.asarray(model.classes_), bout.n_classes)

    return Fitted(outputs, model, leaves, "leaves", _pickled(model))


def _worded(bout: Bout) -> np.ndarray:
    """CatBoost takes a category as a word; a missing one is a word too."""
    X = bout.coded.astype(object)
    codes = np.where(np.isnan(bout.coded), -1.0, bout.coded)[:, bout.categorical].astype(np.int64)
    X[:, bout.categorical] = codes.astype(str)
    return X


def _linear(bout: Bout, *, threads: int | None, **_: Any) -> Fitted:
    """Logistic or ridge regression on the network's inputs."""
    from sklearn.linear_model import LogisticRegression, RidgeCV

    model: Any = LogisticRegression(max_iter=300) if bout.n_classes else RidgeCV(np.logspace(-3, 3, 13))
    with _limited(_threads(bout, threads), "blas"), warnings.catch_warnings():
        # A solution that is not exact to the last digit does for a comparison.
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        model.fit(bout.scaled, bout.y)
    numbers = np.size(model.coef_) + np.size(model.intercept_)
    return Fitted(_answers(model, bout, "scaled"), model, numbers, "coefficients", _pickled(model))


def _baseline(bout: Bout, **_: Any) -> Fitted:
    """The shares of the classes, or the mean, for every row."""
    k = bout.n_classes
    answer = rivals.majority(bout.y, 1, k) if k else rivals.mean(bout.y, 1)
    return Fitted(lambda rows: np.repeat(answer, rows.n, axis=0), answer, k or 1, "numbers", answer.nbytes)


def _answers(
    model: Any, bout: Bout, view: str, classes: Num[np.ndarray, " c"] | None = None
) -> Callable[[Bout], np.ndarray]:
    """The outputs of a model of scikit-learn's form; a class that its training rows lacked gets probability 0."""
    if not bout.n_classes:
        return lambda rows: np.asarray(model.predict(rivals.tree_rows(getattr(rows, view))), dtype=np.float64)
    known = (model.classes_ if classes is None else classes).astype(np.int64)

    return lambda rows: _spread(model.predict_proba(rivals.tree_rows(getattr(rows, view))), known, bout.n_classes)


def _spread(answers: np.ndarray, known: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities of all classes from those of the known ones."""
    spread = np.zeros((len(answers), n_classes))
    spread[:, known.astype(np.int64)] = answers
    return spread


def _threads(bout: Bout, threads: int | None) -> int | None:
    return 1 if bout.coded.size < FEW_CELLS else threads


def _limited(threads: int | None, pool: str) -> Any:
    """scikit-learn's boosting takes its number of threads from "openmp" alone, its linear models theirs from "blas"."""
    return _pools().limit(limits=threads, user_api=pool)


@functools.cache
def _pools() -> Any:
    """Looking for the libraries takes a millisecond, as long as an answer for one row."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _Counted(io.RawIOBase):
    """A file that keeps nothing but its length: a forest may be larger than the memory that is left."""

    length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self.length += size
        return size


def _pickled(model: Any) -> int:
    file = _Counted()
    pickle.dump(model, file, protocol=5)
    return file.length


def _centre_and_width(y: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Mean and standard deviation of a target, as the encoder of a model standardises it."""
    target = NumberTarget.learn(as_column("y", y), "the training rows")
    return target.mean, target.deviation


CONTENDERS = {
    one.name: one
    for one in (
        Contender(
            "network", "network", "our network, with the recipe of `fit`", True, _network, called="the network",
        ),
        Contender(
            "tree", "trees", "a decision tree, its size chosen by cost-complexity pruning", False, _pruned_tree,
            called="the pruned tree",
        ),
        Contender(
            "boosting", "trees", "scikit-learn's histogram gradient boosting, stopped early", False, _boosting,
            called="gradient boosting", stops=True,
        ),
        Contender(
            "forest", "trees", f"scikit-learn's random forest of {TREES} trees", False, _forest,
            called="the random forest",
        ),
        Contender("lightgbm", "trees", "LightGBM, stopped early", False, _lightgbm, "lightgbm", "LightGBM", True),
        Contender("xgboost", "trees", "XGBoost, stopped early", False, _xgboost, "xgboost", "XGBoost", True),
        Contender("catboost", "trees", "CatBoost, stopped early", False, _catboost, "catboost", "CatBoost", True),
        Contender(
            "linear", "linear", "logistic or ridge regression on the network's inputs", True, _linear,
            called="the linear model",
        ),
        Contender(
            "baseline", "baseline", "always the same answer: the shares of the classes, or the mean", False, _baseline,
            called="always the same answer",
        ),
    )
}  # fmt: skip
