"""What contenders learn from and what they have learnt: rows in three forms, and answers for other rows."""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import folds, rivals
from thalweg.encoding import Encoder
from thalweg.raw_features import RawFeatures
from thalweg.splitting import split
from thalweg.table import Table, as_column
from thalweg.targets import NumberTarget


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, Num

VALIDATION = 0.15  # of the training rows, for those who stop by rows that they do not learn from
FEW_CELLS = 500_000  # below it one thread is as fast as several, which wait for each other when others work beside


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
    groups: Int[np.ndarray, " n"] | None = None  # whose rows are never parted

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
        groups = None if self.groups is None else self.groups[rows]
        return replace(
            self, scaled=self.scaled[rows], plain=self.plain[rows], coded=self.coded[rows], y=self.y[rows],
            groups=groups,
        )  # fmt: skip

    def parts(self, seed: int) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " v"]]:
        """Rows to learn from and rows to stop by, of each class about the same share, and other groups if there are."""
        labels = self.y.astype(np.int64) if self.n_classes else None
        k = 1 if self.groups is None else min(round(1 / VALIDATION), len(np.unique(self.groups)))
        if k > 1:  # rows of a group that was learnt from would say to go on for too long
            held = next(folds.repeated(self.n, k, 1, seed=seed, labels=labels, groups=self.groups))
            return held.train, held.test
        return split(self.n, VALIDATION, seed=seed, purpose="validation", labels=labels)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a contender has learnt. `outputs` are (n, k) probabilities, or (n,) numbers in the target's unit."""

    outputs: Callable[[Bout], Float[np.ndarray, "n ..."]]
    model: Any  # what it is inside
    count: int  # how large it is, in `unit`
    unit: str
    size: int  # bytes of its file


def outputs_of(
    model: Any, bout: Bout, view: str, classes: Num[np.ndarray, " c"] | None = None
) -> Callable[[Bout], np.ndarray]:
    """The outputs of a model of scikit-learn's form; a class that its training rows lacked gets probability 0."""
    if not bout.n_classes:
        return lambda rows: np.asarray(model.predict(rivals.tree_rows(getattr(rows, view))), dtype=np.float64)
    known = (model.classes_ if classes is None else classes).astype(np.int64)

    return lambda rows: spread(model.predict_proba(rivals.tree_rows(getattr(rows, view))), known, bout.n_classes)


def standardised(learn: Callable[..., Fitted]) -> Callable[..., Fitted]:
    """A contender that learns a target of mean 0 and deviation 1, and answers in the target's unit.

    scikit-learn sums squares: of values near 10⁹ that differ by 1 no digit is left. Its boosting stops at an
    improvement that is given in the target's unit, so that in grams it would stop later than in kilograms.
    """

    @functools.wraps(learn)
    def of(bout: Bout, **options: Any) -> Fitted:
        if bout.n_classes:
            return learn(bout, **options)
        mean, deviation = centre_and_width(bout.y)
        fitted = learn(replace(bout, y=(bout.y - mean) / deviation), **options)
        return replace(fitted, outputs=lambda rows: fitted.outputs(rows) * deviation + mean)

    return of


def centre_and_width(y: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Mean and standard deviation of a target, as the encoder of a model standardises it."""
    target = NumberTarget.learn(as_column("y", y), "the training rows")
    return target.mean, target.deviation


def spread(answers: np.ndarray, known: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities of all classes from those of the known ones."""
    spread = np.zeros((len(answers), n_classes))
    spread[:, known.astype(np.int64)] = answers
    return spread


def threads_for(bout: Bout, threads: int | None) -> int | None:
    """One thread for few cells, else what was asked for."""
    return 1 if bout.coded.size < FEW_CELLS else threads


def limited(threads: int | None, pool: str) -> Any:
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


def pickled_size(model: Any) -> int:
    """Bytes of a model's file."""
    file = _Counted()
    pickle.dump(model, file, protocol=5)
    return file.length
