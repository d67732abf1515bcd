"""The demonstration: a real table, and the lecture's spam example (L6–L9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import randomness
from thalweg.evaluation import predict
from thalweg.network import Network
from thalweg.run import TrainingResult
from thalweg.schedules import InverseTime
from thalweg.stopping import Stop
from thalweg.training import train
from thalweg.update_rules import GradientDescent


if TYPE_CHECKING:
    from jaxtyping import Float

# The distribution of the lecture's e-mails, made up and stated: half are spam; ln(length in characters) is normal with
# these means and this standard deviation; a mail comes from a trusted organisation with these probabilities.
SPAM_LOG_LENGTH, WANTED_LOG_LENGTH, LOG_LENGTH_SD = 7.6, 6.6, 0.8
SPAM_TRUSTED, WANTED_TRUSTED = 0.05, 0.55
MIDDLE = (SPAM_LOG_LENGTH + WANTED_LOG_LENGTH) / 2


@dataclass(frozen=True)
class Mails:
    """E-mails: x₁ = ln(length) − 7.1, x₂ = 1 from a trusted organisation, else −1; the target of spam is [1, 0]."""

    X: Float[np.ndarray, "n 2"]
    Y: Float[np.ndarray, "n 2"]


@dataclass(frozen=True)
class SpamDemo:
    """The lecture's network after training, and how well it does on new mails."""

    network: Network
    result: TrainingResult
    accuracy: float
    best_accuracy: float  # of the rule that knows the distribution, on the same mails
    undecided: tuple[float, Float[np.ndarray, " 2"]]  # length of a mail that cannot be told apart, and the answer to it


def mails(n: int, seed: int = 0) -> Mails:
    """n e-mails drawn from the stated distribution.

    >>> mails(3).X.shape, mails(3).Y.sum(axis=1).tolist()
    ((3, 2), [1.0, 1.0, 1.0])
    """
    spam = randomness.uniform(seed, "demo", n, step=0) < 0.5
    log_length = np.where(spam, SPAM_LOG_LENGTH, WANTED_LOG_LENGTH)
    log_length = log_length + LOG_LENGTH_SD * randomness.normal(seed, "demo", n, step=1)
    trusted = randomness.uniform(seed, "demo", n, step=2) < np.where(spam, SPAM_TRUSTED, WANTED_TRUSTED)
    return Mails(_features(log_length, trusted), np.stack([spam, ~spam], axis=1).astype(float))


def log_odds(X: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, " n"]:
    """ln of P(spam | x) / P(not spam | x) by Bayes' rule: what no classifier can do better than."""
    by_length = (SPAM_LOG_LENGTH - WANTED_LOG_LENGTH) / LOG_LENGTH_SD**2 * X[:, 0]
    by_sender = np.where(
        X[:, 1] > 0, np.log(SPAM_TRUSTED / WANTED_TRUSTED), np.log((1 - SPAM_TRUSTED) / (1 - WANTED_TRUSTED))
    )
    return by_length + by_sender


def spam(seed: int = 0) -> SpamDemo:
    """Train the lecture's 2-2-2 sigmoid network incrementally on 2,000 mails, and try it on 10,000 new ones."""
    known, new = mails(2_000, seed), mails(10_000, seed + 1)
    network = Network([2, 2, 2], activation="sigmoid", output="sigmoid", loss="squared_error", bias=False)
    result = train(
        network, known.X, known.Y, optimizer=GradientDescent(InverseTime(0.5, decay=0.2)), batch=1, order="sweep",
        stop=Stop(epochs=15), dtype="float64", seed=seed,
    )  # fmt: skip
    is_spam = new.Y[:, 0] == 1
    answers = predict(network, result.parameters, new.X)
    from_stranger = np.array([False])
    level = MIDDLE - log_odds(_features(np.array([MIDDLE]), from_stranger))[0] * LOG_LENGTH_SD**2 / (
        SPAM_LOG_LENGTH - WANTED_LOG_LENGTH
    )
    answer = predict(network, result.parameters, _features(np.array([level]), from_stranger))[0]
    return SpamDemo(
        network, result,
        accuracy=float(np.mean((answers[:, 0] > answers[:, 1]) == is_spam)),
        best_accuracy=float(np.mean((log_odds(new.X) > 0) == is_spam)),
        undecided=(float(np.exp(level)), answer),
    )  # fmt: skip


def table() -> Any:
    """scikit-learn's breast cancer table: 569 rows, 30 measurements of cell nuclei, and the column `diagnosis`."""
    import pyarrow as pa
    from sklearn.datasets import load_breast_cancer

    bunch: Any = load_breast_cancer()
    columns = {name: bunch.data[:, j] for j, name in enumerate(bunch.feature_names)}
    return pa.table({**columns, "diagnosis": [str(bunch.target_names[k]) for k in bunch.target]})


def _features(log_length: np.ndarray, trusted: np.ndarray) -> Float[np.ndarray, "n 2"]:
    return np.stack([log_length - MIDDLE, np.where(trusted, 1.0, -1.0)], axis=1)
