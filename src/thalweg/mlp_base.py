"""How MLPClassifier and MLPRegressor fit: parameters, random stream and rows as scikit-learn has them, our loop."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight

from thalweg import engines, estimator_files
from thalweg.activations import find_activation
from thalweg.checkpoint import Checkpoint, Progress
from thalweg.engines.base import Engine, TrainingState
from thalweg.errors import InputError, ThalwegWarning, TrainingFailed
from thalweg.examples import Examples, check_dtype, check_examples, check_targets, check_weights
from thalweg.fitted_network import FittedNetwork
from thalweg.history import History
from thalweg.mlp_parameters import check_all_rows, check_parameters, watches
from thalweg.mlp_settings import activations, hidden_sizes, optimizer_of
from thalweg.mlp_training import NoImprovement, Record, Shuffles, initial_parameters, lbfgs
from thalweg.network import Network
from thalweg.run import Run, TrainingResult, as_callbacks, check_callbacks
from thalweg.sparse_rows import SparseEngine, SparseExamples, check_rows, dense
from thalweg.stopping import Status, Stop
from thalweg.training import Loop
from thalweg.update_rules import UpdateRule


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " p"]


@dataclass(frozen=True)
class Held:
    """Rows that are only looked at; weights are None where none were given."""

    examples: Examples
    y: np.ndarray  # as the user has it
    weights: Float[np.ndarray, " n"] | None


class Saves:
    """A Checkpoint among the callbacks: the estimator as it is, in a file that `load` reads, every so many epochs."""

    def __init__(self, estimator: MLP, rule: NoImprovement, checkpoint: Checkpoint) -> None:
        self._estimator, self._rule, self._checkpoint = estimator, rule, checkpoint

    def on_epoch(self, run: Run) -> None:
        """Write the file if it is time."""
        if run.epoch % self._checkpoint.every == 0:
            p = run.parameters if run.answer is None else run.answer
            so_far = TrainingResult(p, run.parameters, Status.INTERRUPTED, run.history, run.network)
            self._estimator._tell(self._rule, so_far)
            estimator_files.save(self._estimator, self._checkpoint.path)


def _takes_weights(scorer: Any) -> bool:
    """Whether a scorer of scikit-learn has a use for sample weights."""
    score = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(score).parameters


class MLP(FittedNetwork):
    """What the two estimators share; each says what its outputs are, and scikit-learn's score of them."""

    activation: Any
    solver: str
    batch_size: int | str
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool | int
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
    max_fun: int
    loss: Any
    dropout: float | Sequence[float]
    optimizer: Any
    validation: Any
    metric: Any
    restore: str | None
    callbacks: Any
    dtype: Any
    time_limit: float | None

    n_iter_: int  # epochs, or steps of L-BFGS, of the last fit
    t_: int  # training rows seen in all, an epoch counting each once; 0 with L-BFGS
    loss_: float  # training loss of the last epoch, penalty included
    loss_curve_: list[float]  # training loss of each epoch, penalty included; not with L-BFGS
    best_loss_: float | None  # the lowest of loss_curve_; None where validation rows are looked at; not with L-BFGS
    validation_scores_: list[float] | None  # score of the validation rows after each epoch, None without them
    best_validation_score_: float | None  # the highest of validation_scores_, None without them
    best_epoch_: int  # the epoch, from 1, that did best by score or loss
    history_: History  # losses, learning rate, steps and seconds of each epoch of the last fit
    status_: Status  # why training stopped
    n_features_in_: int  # columns of X
    feature_names_in_: np.ndarray  # names of the columns of X, shape (d,); where X had names

    def _keep(self, given: dict[str, Any]) -> None:
        """Take the arguments of __init__ as they are; `check_parameters` looks at them in `fit`."""
        for name, value in given.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    # ── what the two estimators add ───────────────────────────────────────────────────────────────────────────────────

    def _output_and_loss(self) -> tuple[str, Any]:
        raise NotImplementedError

    def _weigh(self, weights: Float[np.ndarray, " n"] | None, y: np.ndarray) -> Float[np.ndarray, " n"] | None:
        return weights

    def _score_outputs(self, outputs: np.ndarray, held: Examples) -> float:
        raise NotImplementedError

    def _strata(self, Y: np.ndarray) -> np.ndarray | None:
        return None

    def _loss_offset(self, Y: np.ndarray) -> Float[np.ndarray, " n"] | None:
        """What the loss of each row is in scikit-learn beyond ours."""
        return None

    def _know(self, y: np.ndarray, *, is_sparse: bool, is_first: bool, goes_on: bool, classes: Any) -> None:
        """Learn from y what targets are, or whether y goes on with what is known."""

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, goes_on: bool = False, classes: Any = None) -> Self:
        """`goes_on`: a single epoch more, as partial_fit asks, with all labels that will ever come, `classes`."""
        check_parameters(self)
        listed, engine = as_callbacks(self.callbacks), engines.get(self.engine, self.threads)
        check_callbacks([one for one in listed if not isinstance(one, Checkpoint)])
        if goes_on and watches(self):
            raise InputError("partial_fit does not support early_stopping=True or validation=; leave them out")
        X, Y, y, weights = self._begin(X, y, sample_weight, goes_on=goes_on, classes=classes)
        held, kind = None, Y.dtype.type
        if not self._uses_scipy and watches(self):
            X, Y, weights, held = self._hold_out(X, Y, y, weights, kind)
        training = check_rows(self.network_, X, Y, weights, dtype=kind)
        if isinstance(training, SparseExamples):
            engine = SparseEngine(engine)
        start = self._vector().astype(kind)
        if self._uses_scipy:
            self._fit_lbfgs(training, start, engine)
        else:
            self._fit_by_steps(training, held, start, engine, listed, goes_on)
        if not goes_on:  # a partial_fit that follows begins with random_state, as in scikit-learn
            del self._random
        return self

    @property
    def _uses_scipy(self) -> bool:
        return self.optimizer is None and self.solver == "lbfgs"

    def _begin(
        self, X: Any, y: Any, sample_weight: Any, *, goes_on: bool = False, classes: Any = None
    ) -> tuple[Any, Float[np.ndarray, "n k"], np.ndarray, Float[np.ndarray, " n"] | None]:
        """X, what is learnt of y, y itself and the weights, checked; network and first weights are there."""
        is_first = not hasattr(self, "coefs_") or not (self.warm_start or goes_on)
        is_sparse = hasattr(y, "toarray")
        X, y = self._read(X, y, is_first=is_first)
        self._know(y, is_sparse=is_sparse, is_first=is_first, goes_on=goes_on, classes=classes)
        kind = np.float64 if self._uses_scipy else X.dtype.type if self.dtype is None else check_dtype(self.dtype)
        Y = self._targets(y, kind)
        weights = self._weigh(None if sample_weight is None else _check_sample_weight(sample_weight, X), y)
        if not (goes_on and hasattr(self, "_random")):  # repeated partial_fit goes on with the stream of the first
            self._random = check_random_state(self.random_state)
        self._describe(X.shape[1], Y.shape[1], is_first)
        if is_first:
            first = (activations(self) or [find_activation("relu")])[-1]
            self._take(initial_parameters(self.network_, first, self._random, kind))
            self._record, self._moments = Record(), None
        return X, Y, y, weights

    def _describe(self, inputs: int, outputs: int, is_first: bool) -> None:
        hidden = hidden_sizes(self)
        if not is_first and self.network_.sizes[-1] != outputs:
            message = (
                f"y asks for {outputs} output(s), and the fitted network has {self.network_.sizes[-1]}; go on with the "
                f"same kind of y, or fit anew with warm_start=False"
            )
            raise InputError(message)
        if not is_first and self.network_.sizes[1:-1] != hidden:
            warnings.warn(
                f"{type(self).__name__}: hidden layers {hidden} are ignored, as training goes on with the fitted ones, "
                f"{self.network_.sizes[1:-1]}; use warm_start=False for a new network.",
                ThalwegWarning,
                stacklevel=5,
            )
            hidden = self.network_.sizes[1:-1]
        output, loss = self._output_and_loss()
        g = activations(self)
        self.network_: Network = Network(
            [inputs, *hidden, outputs], activation=g if isinstance(self.activation, (list, tuple)) else g[0],
            output=output, loss=loss, l2=self.l2 or 0.0, dropout=self.dropout,
        )  # fmt: skip

    def _hold_out(
        self, X: Any, Y: np.ndarray, y: np.ndarray, weights: np.ndarray | None, kind: Any
    ) -> tuple[Any, np.ndarray, np.ndarray | None, Held]:
        """Training rows, and those that are only looked at: given, or split off in scikit-learn's way."""
        given = self.validation
        if isinstance(given, (tuple, list)):
            X_held, y_held = self._read(given[0], given[1], is_first=False)
            Y_held, of_held = self._targets(y_held, kind), given[2] if len(given) == 3 else None
        else:
            check_targets(self.network_, Y, len(Y), kind, "")  # before rows are shuffled: messages name the user's
            check_weights(weights, len(Y), kind, "")
            if hasattr(given, "split"):
                parts = next(iter(given.split(X, y)), None)
                if parts is None:
                    raise InputError(f"the splitter {given!r} of validation= gives no split; give one that does")
                kept, held = parts
            else:
                from sklearn.model_selection import train_test_split

                share = self.validation_fraction if given is None else given
                kept, held = train_test_split(
                    np.arange(len(Y)), random_state=self._random, test_size=share, stratify=self._strata(Y)
                )
            if len(held) < 2:
                name = "validation_fraction" if given is None else "validation"
                raise InputError(f"The validation set is too small. Increase {name!r} or the size of your dataset.")
            X = X.tocsr() if hasattr(X, "toarray") else X  # whose rows can be taken
            X_held, Y_held, y_held = X[held], Y[held], y[held]
            of_held = None if weights is None else weights[held]
            X, Y, weights = X[kept], Y[kept], None if weights is None else weights[kept]
        examples = check_examples(self.network_, dense(X_held), Y_held, of_held, dtype=kind, what="validation ")
        return X, Y, weights, Held(examples, y_held, of_held)

    def _fit_by_steps(
        self, training: Examples, held: Held | None, start: Vector, engine: Engine, callbacks: tuple[Any, ...],
        goes_on: bool,
    ) -> None:  # fmt: skip
        rule, n = optimizer_of(self), training.n
        by_batch = isinstance(rule, UpdateRule) and not rule.needs_all_rows
        if not by_batch:
            check_all_rows(self, rule)
        if self.batch_size != "auto" and int(self.batch_size) > n:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=4
            )
        batch = min(200 if self.batch_size == "auto" else int(self.batch_size), n) if by_batch else n
        order = Shuffles(n, self._random if self.shuffle else None)
        if not goes_on:
            self._record.rate_factor = 1.0
        by_solver = self.optimizer is None and self.solver == "sgd"  # the schedules of learning_rate are sgd's
        watch = NoImprovement(
            self._record, self._scoring(held, engine), float(self.tol), self.n_iter_no_change,
            float(self.learning_rate_init), self.learning_rate if by_solver else "constant", float(self.power_t),
            self.restore or ("best if nobody else chooses" if held else "last"), int(self.verbose), batch, order,
            self._loss_offset(training.Y),
        )  # fmt: skip
        saves = [Saves(self, watch, one) for one in callbacks if isinstance(one, Checkpoint)]
        state = TrainingState(start, rule.start(len(start), start.dtype), 0)
        if goes_on and self._moments is not None and set(self._moments[0]) == set(state.optimizer):
            vectors, steps = self._moments
            state = TrainingState(start, {name: v.astype(start.dtype) for name, v in vectors.items()}, steps)
        alpha = 0.0 if self.l2 is not None else float(self.alpha)
        loop = Loop(
            self.network_ if by_batch else self._penalized(training), training, held and held.examples, rule, batch,
            order if by_batch else "sweep", Stop(epochs=1 if goes_on else int(self.max_iter), seconds=self.time_limit),
            engine, int(self._random.randint(2**31)) if any(self.network_.dropout) else 0, start.dtype.type,
            (*(one for one in callbacks if not isinstance(one, Checkpoint)), watch, *saves), None, alpha=alpha,
        )  # fmt: skip
        progress = Progress(state, start, start, History())
        result = loop.run(progress)
        if not held:  # for partial_fit, which knows no validation
            self._moments = progress.state.optimizer, progress.state.steps
        self._tell(watch, result)
        if result.failure:
            cure = str(result.failure).replace("an optimizer with clip=1.0", "clip_gradient=1.0")
            where = f"those of epoch {self.best_epoch_}" if held else "those before it"
            message = (
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                f"preprocessed. {cure} The weights are {where}."
            )
            if held is None or not result.history:
                raise TrainingFailed(message, result)
            warnings.warn(message, ThalwegWarning, stacklevel=4)
        if result.status is Status.INTERRUPTED:
            raise KeyboardInterrupt  # what was reached is kept: the estimator is fitted, and a search around it ends
        if result.status is Status.EPOCHS and not goes_on:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _fit_lbfgs(self, training: Examples, start: Vector, engine: Engine) -> None:
        network = self._penalized(training)
        found = lbfgs(
            network, training, start, engine,
            max_iter=int(self.max_iter), max_fun=int(self.max_fun), tol=float(self.tol), verbose=int(self.verbose),
        )  # fmt: skip
        self.history_, self.status_, self.best_epoch_ = found.history, found.status, len(found.history)
        self.n_iter_, self.loss_, self.t_ = len(found.history), found.loss, 0
        offset = self._loss_offset(training.Y)
        if offset is not None:
            self.loss_ += float(np.average(offset, weights=training.weights))
        self._take(found.parameters if found.is_finite else start)
        if not found.is_finite:
            raise TrainingFailed(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be "
                "preprocessed: scale the inputs to about -3 ... 3. The weights are those of the start."
            )

    @property
    def validation_loss_curve_(self) -> list[float] | None:
        """The mean loss of the validation rows after each epoch, without penalty; None where there were none."""
        losses = self.history_.validation_loss
        return None if np.isnan(losses).all() else losses.tolist()

    def _scoring(self, held: Held | None, engine: Engine) -> Callable[[Vector], float] | None:
        """The score of parameters on the validation rows, higher being better; None without such rows."""
        if held is None:
            return None
        network, metric = self.network_, self.metric
        if metric == "loss" or (metric is None and not self.early_stopping):
            return lambda p: -engine.mean_loss(network, p, held.examples)
        if metric is None:
            return lambda p: self._score_outputs(engine.predict(network, p, held.examples.X), held.examples)
        if isinstance(metric, str) and (network.loss.n_outputs or 1) > 1:
            message = (
                f"metric={metric!r} judges one prediction for each row, and {network.loss!r} makes "
                f"{network.sizes[-1]}; use 'loss', or a callable (estimator, X, y) -> number"
            )
            raise InputError(message)
        from sklearn.metrics import get_scorer

        scorer: Any = get_scorer(metric) if isinstance(metric, str) else metric
        takes_weights = held.weights is not None and isinstance(metric, str) and _takes_weights(scorer)
        weights = {"sample_weight": held.weights} if takes_weights else {}
        probe = type(self).__new__(type(self))  # the estimator at any parameters, without names that X would lack
        probe.__dict__.update({key: value for key, value in self.__dict__.items() if key != "feature_names_in_"})

        def score(p: Vector) -> float:
            probe._show(p)
            return float(scorer(probe, held.examples.X, held.y, **weights))

        return score

    def _tell(self, watch: NoImprovement, result: TrainingResult) -> None:
        """The fitted attributes of what a training has reached; the epoch that broke down counts, as nan."""
        record, history = watch.record, result.history
        answer = watch.run.answer if watch.run else None
        if answer is None:  # nobody chose, or nothing was better than in the fits before: the last weights
            answer = result.parameters if result.failure else result.last_parameters
        self._take(answer)
        self.status_ = Status.PATIENCE if watch.stopped and result.status is Status.CALLBACK else result.status
        if result.failure:
            record.loss_curve.append(math.nan)
            record.validation_scores += [math.nan] * (watch.score is not None)
        self.history_, self.n_iter_, self.t_ = history, len(history) + bool(result.failure), record.samples
        self.loss_curve_ = record.loss_curve
        if record.loss_curve:
            self.loss_ = record.loss_curve[-1]
        self.best_epoch_ = result.chosen_epoch or watch.best_epoch or len(history)
        if watch.score is None:
            self.best_loss_, self.validation_scores_, self.best_validation_score_ = record.best_loss, None, None
        else:
            self.best_loss_, self.validation_scores_ = None, record.validation_scores
            self.best_validation_score_ = record.best_score
