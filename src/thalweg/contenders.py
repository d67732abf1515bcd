"""Who is compared: one row for each kind of model, every one with settings that its own users would choose.

A contender learns from a `Bout`, the training rows of one fold, and answers for the rows of another. What needs a part
of its training rows to say when to stop (the network, boosted trees) takes 15 % of them; the pruned tree takes
its size from a cross-validation of its own; the forest and the linear model take all rows at once. `CONTENDERS` is the
table that dispatch, tests, benchmarks and documents read: a further contender is one row.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg import boosters, engines, pruned_tree, rivals
from thalweg.bouts import Bout, Fitted, centre_and_width, limited, outputs_of, pickled_size, standardised, threads_for
from thalweg.learning import Recipe
from thalweg.stopping import Status
from thalweg.training import train


TREES = 100  # of the forest


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
    mean, deviation = (0.0, 1.0) if bout.n_classes else centre_and_width(bout.y)
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
    grown = pruned_tree.grow(bout.plain, bout.y, bout.task, bout.n_classes, groups=bout.groups, seed=seed)
    return Fitted(lambda rows: grown.outputs(rows.plain), grown, grown.leaves, "leaves", pickled_size(grown))


@standardised
def _forest(bout: Bout, *, seed: int, threads: int | None, **_: Any) -> Fitted:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestClassifier if bout.n_classes else RandomForestRegressor
    model = kind(n_estimators=TREES, n_jobs=threads_for(bout, threads) or -1, random_state=seed % 2**32)
    model.fit(rivals.tree_rows(bout.plain), bout.y)
    leaves = sum(int(tree.get_n_leaves()) for tree in model.estimators_)
    answers = outputs_of(model, bout, "plain")
    if not bout.n_classes:
        return Fitted(answers, model, leaves, "leaves", pickled_size(model))
    # All trees may agree and be wrong, at an infinite log-loss: one tree more answers with the shares of the classes.
    shares = rivals.majority(bout.y, 1, bout.n_classes)
    return Fitted(
        lambda rows: (answers(rows) * TREES + shares) / (TREES + 1), model, leaves, "leaves", pickled_size(model)
    )


def _linear(bout: Bout, *, threads: int | None, **_: Any) -> Fitted:
    """Logistic or ridge regression on the network's inputs."""
    from sklearn.linear_model import LogisticRegression, RidgeCV

    model: Any = LogisticRegression(max_iter=300) if bout.n_classes else RidgeCV(np.logspace(-3, 3, 13))
    with limited(threads_for(bout, threads), "blas"), warnings.catch_warnings():
        # A solution that is not exact to the last digit does for a comparison.
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        model.fit(bout.scaled, bout.y)
    numbers = np.size(model.coef_) + np.size(model.intercept_)
    return Fitted(outputs_of(model, bout, "scaled"), model, numbers, "coefficients", pickled_size(model))


def _baseline(bout: Bout, **_: Any) -> Fitted:
    """The shares of the classes, or the mean, for every row."""
    k = bout.n_classes
    answer = rivals.majority(bout.y, 1, k) if k else rivals.mean(bout.y, 1)
    return Fitted(lambda rows: np.repeat(answer, rows.n, axis=0), answer, k or 1, "numbers", answer.nbytes)


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
            "boosting", "trees", "scikit-learn's histogram gradient boosting, stopped early", False,
            boosters.boosting,
            called="gradient boosting", stops=True,
        ),
        Contender(
            "forest", "trees", f"scikit-learn's random forest of {TREES} trees", False, _forest,
            called="the random forest",
        ),
        Contender(
            "lightgbm", "trees", "LightGBM, stopped early", False, boosters.light_gbm, "lightgbm", "LightGBM", True,
        ),
        Contender(
            "xgboost", "trees", "XGBoost, stopped early", False, boosters.xg_boost, "xgboost", "XGBoost", True,
        ),
        Contender(
            "catboost", "trees", "CatBoost, stopped early", False, boosters.cat_boost, "catboost", "CatBoost", True,
        ),
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
