"""Boosted trees of four libraries, each stopped by rows that it does not learn from, or by the clock."""

from __future__ import annotations

import math
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np

from thalweg import rivals
from thalweg.bouts import VALIDATION, Bout, Fitted, limited, outputs_of, pickled_size, spread, standardised, threads_for


# Trees for each class at most, and without a better validation loss; what each adds.
ROUNDS, PATIENCE, RATE = 1000, 20, 0.05
FIRST_ROUNDS = 5  # after which boosting looks at the clock, where its time is limited
UNSTOPPED = 100  # trees for each class where no rows can be held out to stop by


@standardised
def boosting(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    """scikit-learn's histogram gradient boosting, on categories whole; `seconds` bounds its training."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind: Any = HistGradientBoostingClassifier if bout.n_classes else HistGradientBoostingRegressor
    X, y, held = bout.coded, bout.y, {}
    # It holds rows of every class out, if there are enough of each.
    counts = np.unique(y, return_counts=True)[1] if bout.n_classes else np.array([bout.n])
    stops = bool(counts.min() > 1 and VALIDATION * bout.n >= len(counts))
    if stops and bout.groups is not None:  # it knows nothing of groups
        fit_rows, valid_rows = bout.parts(seed)
        if bout.n_classes:
            valid_rows = valid_rows[np.isin(y[valid_rows], y[fit_rows])]
        stops = bool(len(valid_rows) and (not bout.n_classes or len(np.unique(y[fit_rows])) > 1))
        if stops:
            held = {"X_val": X[valid_rows], "y_val": y[valid_rows]}
            X, y = X[fit_rows], y[fit_rows]
    model = kind(
        max_iter=ROUNDS if stops else UNSTOPPED, learning_rate=RATE, early_stopping=stops,
        validation_fraction=VALIDATION, n_iter_no_change=PATIENCE, categorical_features=bout.categorical,
        random_state=seed % 2**32,
    )  # fmt: skip
    with limited(threads_for(bout, threads), "openmp"):
        if seconds < math.inf:
            _fit_within(seconds, model, X, y, held)
        else:
            model.fit(X, y, **held)
    leaves = sum(int(tree.get_n_leaf_nodes()) for round_ in model._predictors for tree in round_)
    answers = outputs_of(model, bout, "coded")

    def outputs(rows: Bout) -> np.ndarray:
        with limited(threads_for(rows, threads), "openmp"):
            return answers(rows)

    return Fitted(outputs, model, leaves, "leaves", pickled_size(model))


def _fit_within(seconds: float, model: Any, X: np.ndarray, y: np.ndarray, held: dict[str, np.ndarray]) -> None:
    """Fit boosting in pieces, the trees of each as many as those before it, until it stops or the time is over.

    In pieces it is the same model as at once, but for the time that it takes to bin the rows again.
    """
    most, started = model.max_iter, perf_counter()
    model.set_params(warm_start=True, max_iter=FIRST_ROUNDS)
    model.fit(X, y, **held)
    while model.n_iter_ == model.max_iter < most and perf_counter() - started < seconds:
        model.set_params(max_iter=min(2 * model.max_iter, most))
        model.fit(X, y, **held)


@standardised
def light_gbm(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    """LightGBM, on categories whole; `seconds` bounds its training."""
    import lightgbm  # pyright: ignore[reportMissingImports]

    k = bout.n_classes
    fit_rows, valid_rows = bout.parts(seed)
    settings = {
        "objective": "regression" if not k else "binary" if k == 2 else "multiclass", "num_class": k if k > 2 else 1,
        "learning_rate": RATE, "num_threads": threads_for(bout, threads) or 0, "seed": seed % 2**31, "verbosity": -1,
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


@standardised
def xg_boost(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    """XGBoost, on categories whole; `seconds` bounds its training."""
    import xgboost.callback  # pyright: ignore[reportMissingImports]

    end = perf_counter() + seconds

    class Late(xgboost.callback.TrainingCallback):
        def after_iteration(self, *_: Any) -> bool:
            return perf_counter() >= end

    kind = xgboost.XGBClassifier if bout.n_classes else xgboost.XGBRegressor
    model = kind(
        n_estimators=ROUNDS, learning_rate=RATE, tree_method="hist", early_stopping_rounds=PATIENCE,
        n_jobs=threads_for(bout, threads), random_state=seed % 2**31, enable_categorical=True, callbacks=[Late()],
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
    answers = outputs_of(model, bout, "coded", classes=seen)
    return Fitted(answers, model, leaves, "leaves", len(booster.save_raw()))


@standardised
def cat_boost(bout: Bout, *, seed: int, threads: int | None, seconds: float = math.inf, **_: Any) -> Fitted:
    """CatBoost, on categories as words; `seconds` bounds its training."""
    import catboost  # pyright: ignore[reportMissingImports]

    kind: Any = catboost.CatBoostClassifier if bout.n_classes else catboost.CatBoostRegressor
    several = {"loss_function": "MultiClass"} if bout.n_classes > 2 else {}
    model = kind(
        iterations=ROUNDS, early_stopping_rounds=PATIENCE, random_seed=seed % 2**31, verbose=False,
        allow_writing_files=False, thread_count=threads_for(bout, threads) or -1, **several,
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
        return spread(model.predict_proba(_worded(rows)), np.asarray(model.classes_), bout.n_classes)

    return Fitted(outputs, model, leaves, "leaves", pickled_size(model))


def _worded(bout: Bout) -> np.ndarray:
    """CatBoost takes a category as a word; a missing one is a word too."""
    X = bout.coded.astype(object)
    codes = np.where(np.isnan(bout.coded), -1.0, bout.coded)[:, bout.categorical].astype(np.int64)
    X[:, bout.categorical] = codes.astype(str)
    return X
