"""The parameters of MLPClassifier and MLPRegressor: scikit-learn's, with its meaning and defaults, and our own.

One row for each in PARAMETERS: what it may be, and when it counts. Where scikit-learn ignores a parameter in silence
there is a warning; our own keywords are refused where they would do nothing.
"""

from __future__ import annotations

import inspect
import math
import numbers
import textwrap
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from thalweg.activations import ACTIVATIONS, Activation
from thalweg.checkpoint import Checkpoint
from thalweg.errors import InputError, ThalwegWarning, shown
from thalweg.losses import LOSSES, Loss
from thalweg.run import HOOKS
from thalweg.update_rules import Optimizer


# scikit-learn's name -> ours
ACTIVATION_NAMES = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
SOLVERS = ("lbfgs", "sgd", "adam")
DEFAULT_WIDTH = 100


@dataclass(frozen=True)
class Parameter:
    """What one parameter is and may be, and when it counts."""

    meaning: str
    default: Any
    valid: Callable[[Any], bool]
    rule: str
    counts: Callable[[Any], bool] = lambda estimator: True  # noqa: E731
    when: str = ""  # it counts


def _flag(value: Any) -> bool:
    return isinstance(value, (bool, np.bool_))


def _whole(value: Any, low: int = 1) -> bool:
    return isinstance(value, numbers.Integral) and int(value) >= low


def _number(valid: Callable[[float], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, numbers.Real) and valid(float(value))


def are_sizes(value: Any) -> bool:
    """Whether these are the units of hidden layers: a whole number, or any sequence of them."""
    listed = list(value) if isinstance(value, Iterable) and not isinstance(value, (str, dict)) else [value]
    return all(_whole(size) for size in listed)


def _activation(value: Any) -> bool:
    listed = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(g, Activation) or g in ACTIVATION_NAMES or g in ACTIVATIONS for g in listed)


def _random_state(value: Any) -> bool:
    return value is None or isinstance(value, np.random.RandomState) or (_whole(value, 0) and value < 2**32)


def _loss(value: Any) -> bool:
    listed = value if isinstance(value, (list, tuple)) and value else [value]
    named = (*LOSSES, "log_loss")
    return are_levels(value) or all(isinstance(one, Loss) or (isinstance(one, str) and one in named) for one in listed)


def are_levels(value: Any) -> bool:
    """Whether these are levels of quantiles, numbers between 0 and 1."""
    level = _number(lambda level: 0.0 < level < 1.0)
    return isinstance(value, (list, tuple)) and bool(value) and all(map(level, value))


def _per_layer(value: Any) -> bool:
    share = _number(lambda rate: 0.0 <= rate < 1.0)
    return all(map(share, value)) if isinstance(value, (list, tuple)) else share(value)


def _validation(value: Any) -> bool:
    fraction = _number(lambda share: 0.0 < share < 1.0)
    return (
        fraction(value)
        or (hasattr(value, "split") and not isinstance(value, str))
        or (isinstance(value, (list, tuple)) and len(value) in (2, 3))
    )


def _callbacks(value: Any) -> bool:  # each of several is looked at in fit
    return isinstance(value, (Iterable, Checkpoint)) or any(hasattr(value, hook) for hook in HOOKS)


def _or_none(valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or valid(value)


def _steps_by_batch(estimator: Any) -> bool:
    return estimator.optimizer is not None or estimator.solver != "lbfgs"


def _solver(*names: str) -> dict[str, Any]:
    return {
        "counts": lambda estimator: estimator.optimizer is None and estimator.solver in names,
        "when": f"solver is {' or '.join(map(repr, names))}",
    }


_SGD, _ADAM, _LBFGS = _solver("sgd"), _solver("adam"), _solver("lbfgs")
_BY_BATCH = {"counts": _steps_by_batch, "when": "solver is 'sgd' or 'adam'"}

SKLEARN: dict[str, Parameter] = {
    "loss": Parameter(
        'what is made small: of MLPClassifier "log_loss", the cross-entropy; of MLPRegressor half the squared error',
        "squared_error", _loss,
        f"a str among 'log_loss' (of classes), {', '.join(map(repr, LOSSES))}, an object such as tw.Huber(0.5), or "
        "quantiles such as [0.1, 0.5, 0.9]",
    ),
    "hidden_layer_sizes": Parameter(
        "units of each hidden layer",
        (DEFAULT_WIDTH,), are_sizes, "an array-like of ints > 0 or an int > 0"
    ),
    "activation": Parameter(
        "of the hidden layers",
        "relu", _activation,
        "a str among 'identity', 'logistic', 'tanh', 'relu', or one of Thalweg's "
        f"({', '.join(name for name, row in ACTIVATIONS.items() if row.elementwise)}), or one for each hidden layer",
    ),
    "solver": Parameter(
        "the way downhill: L-BFGS on all rows, or gradient descent or Adam on mini-batches",
        "adam", lambda value: value in SOLVERS, "a str among 'lbfgs', 'sgd', 'adam'"
    ),
    "alpha": Parameter(
        "strength of the penalty ½ · alpha · ‖W‖² / rows",
        1e-4, _number(lambda x: 0.0 <= x < math.inf), "a float in the range [0.0, inf)"
    ),
    "batch_size": Parameter(
        "rows per step; 'auto' is 200, or all rows where there are fewer",
        "auto", lambda value: value == "auto" if isinstance(value, str) else _whole(value),
        "a str among 'auto' or an int in the range [1, inf)", **_BY_BATCH,
    ),
    "learning_rate": Parameter(
        "how the rate changes: not at all, as (rows seen)^-power_t, or divided by 5 whenever nothing improves",
        "constant", lambda value: value in ("constant", "invscaling", "adaptive"),
        "a str among 'constant', 'invscaling', 'adaptive'", **_SGD,
    ),
    "learning_rate_init": Parameter(
        "the rate at the start",
        1e-3, _number(lambda x: 0.0 < x < math.inf), "a float in the range (0.0, inf)", **_solver("sgd", "adam")
    ),
    "power_t": Parameter(
        "exponent of the falling rate",
        0.5, _number(lambda x: 0.0 <= x < math.inf), "a float in the range [0.0, inf)",
        lambda estimator: _SGD["counts"](estimator) and estimator.learning_rate == "invscaling",
        "solver='sgd' and learning_rate='invscaling'",
    ),
    "max_iter": Parameter(
        "epochs at most; of L-BFGS steps",
        200, _whole, "an int in the range [1, inf)"
    ),
    "shuffle": Parameter(
        "whether each epoch has the rows in a new order",
        True, _flag, "a bool", **_BY_BATCH
    ),
    "random_state": Parameter(
        "of weights, held-out rows, orders and dropout; a whole number gives the same fit again",
        None, _random_state, "an int in the range [0, 4294967295], an instance of RandomState or None"
    ),
    "tol": Parameter(
        "how much better an epoch must be to count as better; of L-BFGS how small the gradient must be",
        1e-4, _number(lambda x: 0.0 <= x < math.inf), "a float in the range [0.0, inf)"
    ),
    "verbose": Parameter(
        "print the loss of each epoch",
        False, lambda value: _flag(value) or _whole(value, 0), "a bool or an int in the range [0, inf)"
    ),
    "warm_start": Parameter(
        "whether fit goes on from the weights of the fit before",
        False, _flag, "a bool"
    ),
    "momentum": Parameter(
        "the share of the last step that goes on",
        0.9, _number(lambda x: 0.0 <= x <= 1.0), "a float in the range [0.0, 1.0]", **_SGD
    ),
    "nesterovs_momentum": Parameter(
        "whether momentum looks ahead",
        True, _flag, "a bool",
        lambda estimator: _SGD["counts"](estimator) and estimator.momentum > 0, "solver='sgd' and momentum > 0",
    ),
    "early_stopping": Parameter(
        "hold rows out, and stop when their score does not improve",
        False, _flag, "a bool", **_BY_BATCH
    ),
    "validation_fraction": Parameter(
        "share of the rows held out",
        0.1, _number(lambda x: 0.0 <= x < 1.0), "a float in the range [0.0, 1.0)",
        lambda estimator: estimator.early_stopping, "early_stopping is True",
    ),
    "beta_1": Parameter(
        "how slowly the mean of the gradient forgets",
        0.9, _number(lambda x: 0.0 <= x < 1.0), "a float in the range [0.0, 1.0)", **_ADAM
    ),
    "beta_2": Parameter(
        "how slowly the mean of its square forgets",
        0.999, _number(lambda x: 0.0 <= x < 1.0), "a float in the range [0.0, 1.0)", **_ADAM
    ),
    "epsilon": Parameter(
        "keeps the divisor from 0",
        1e-8, _number(lambda x: 0.0 < x < math.inf), "a float in the range (0.0, inf)", **_ADAM
    ),
    "n_iter_no_change": Parameter(
        "epochs without improvement until it stops",
        10, lambda value: _whole(value) or (isinstance(value, float) and value == math.inf),
        "an int in the range [1, inf) or np.inf", **_BY_BATCH,
    ),
    "max_fun": Parameter(
        "evaluations of the loss at most",
        15_000, _whole, "an int in the range [1, inf)", **_LBFGS
    ),
}  # fmt: skip
OURS: dict[str, Parameter] = {
    "dropout": Parameter(
        "share of hidden units switched off in each step",
        0.0, _per_layer, "a float in the range [0.0, 1.0), or one for each hidden layer", **_BY_BATCH
    ),
    "class_weight": Parameter(
        "weight of the rows of each class, beside sample_weight; 'balanced' is rows / (classes · rows of the class)",
        None, lambda value: value is None or value == "balanced" or isinstance(value, (dict, list)),
        "'balanced', a dict from class to weight, a list of these for several outputs, or None",
    ),
    "l2": Parameter(
        "strength of the penalty ½ · l2 · ‖W‖², whatever the number of rows",
        None, _or_none(_number(lambda x: 0.0 <= x < math.inf)), "a float in the range [0.0, inf), or None for alpha"
    ),
    "optimizer": Parameter(
        "takes the place of solver, its rates and momentum",
        None, lambda value: value is None or isinstance(value, (str, Optimizer)),
        "an optimizer such as tw.Adam(1e-3), the name of one, or None for solver's",
    ),
    "validation": Parameter(
        "rows that are looked at after each epoch: given, or split off",
        None, _or_none(_validation),
        "(X, y), (X, y, sample_weight), a float in the range (0.0, 1.0), a splitter or None", **_BY_BATCH,
    ),
    "metric": Parameter(
        "their score, which says the best epoch; None: accuracy or R² with early_stopping, else the loss",
        None, lambda value: value is None or isinstance(value, str) or callable(value),
        "'loss', the name of a scorer of scikit-learn, a callable (estimator, X, y) -> number, or None",
        lambda estimator: watches(estimator), "there are validation rows (validation= or early_stopping=True)",
    ),
    "restore": Parameter(
        "whether fit ends with the weights of the best epoch or of the last one",
        None, lambda value: value in (None, "best", "last"), "'best', 'last', or None for scikit-learn's rule",
        **_BY_BATCH,
    ),
    "clip_gradient": Parameter(
        "Euclidean norm to which longer gradients are shortened",
        None, _or_none(_number(lambda x: 0.0 < x < math.inf)), "a norm > 0 or None", **_BY_BATCH
    ),
    "callbacks": Parameter(
        "looked in on after each epoch",
        (), _callbacks, "a callback as of tw.train, or several in a list", **_BY_BATCH
    ),
    "n_layers": Parameter(
        "hidden layers, each of width units; instead of hidden_layer_sizes",
        None, _or_none(_whole), "a number of hidden layers in the range [1, inf) or None"
    ),
    "width": Parameter(
        "units of each hidden layer; instead of hidden_layer_sizes",
        None, _or_none(_whole), "units of each hidden layer in the range [1, inf) or None"
    ),
    "engine": Parameter(
        "which engine trains",
        "cpu", lambda value: isinstance(value, str), "the name of an engine"
    ),
    "threads": Parameter(
        "of the engine, which chooses where it is None",
        None, _or_none(_whole), "an int in the range [1, 64] or None"
    ),
    "dtype": Parameter(
        "of weights and training",
        None, lambda value: value is None or getattr(value, "__name__", value) in ("float32", "float64"),
        "'float32', 'float64' or None for that of X", **_BY_BATCH,
    ),
    "time_limit": Parameter(
        "stop after so many seconds",
        None, _or_none(_number(lambda x: 0.0 < x < math.inf)), "a number of seconds > 0 or None", **_BY_BATCH
    ),
}  # fmt: skip
PARAMETERS = {**SKLEARN, **OURS}


def watches(estimator: Any) -> bool:
    """Whether validation rows are looked at."""
    return bool(estimator.validation is not None or estimator.early_stopping)


def check_parameters(estimator: Any) -> None:
    """Look at every parameter: what it is, and whether it counts.

    Raises:
        InputError: one breaks its rule, in scikit-learn's words; one of ours would do nothing.
    """
    name = type(estimator).__name__
    given = {key: value for key, value in estimator.get_params(deep=False).items() if key in PARAMETERS}
    for key, value in given.items():
        if not _holds(PARAMETERS[key], value):
            message = f"The {key!r} parameter of {name} must be {PARAMETERS[key].rule}. Got {shown(value)} instead."
            raise InputError(message)
    idle = {key: row for key, row in PARAMETERS.items() if key in given and not row.counts(estimator)}
    idle = {key: row for key, row in idle.items() if not _is(given[key], row.default)}
    for key, row in idle.items():
        said = f"{key}={shown(given[key])} would do nothing: {key!r} counts only when {row.when}"
        if key in OURS:
            message = f"The {key!r} parameter of {name}: {said}; leave it out, or change that."
            raise InputError(message)
        why = "scikit-learn ignores it in silence"
        if estimator.optimizer is not None and "solver" in row.when:
            said, why = f"{key}={shown(given[key])} would do nothing", "it is solver's, and optimizer= has its own"
        warnings.warn(f"{name}: {said}; {why}.", ThalwegWarning, stacklevel=4)
    _check_rivals(estimator, name)


def _holds(row: Parameter, value: Any) -> bool:
    try:
        return bool(row.valid(value))
    except (TypeError, ValueError):  # an array among scalars, say
        return False


def _is(value: Any, default: Any) -> bool:
    same = value == default
    return bool(np.all(same)) if isinstance(same, np.ndarray) else bool(same)


# Of two parameters that say the same, ours refuses to be given beside the other.
_RIVALS = (
    ("n_layers", "hidden_layer_sizes"), ("width", "hidden_layer_sizes"), ("optimizer", "solver"), ("l2", "alpha"),
)  # fmt: skip


def _check_rivals(estimator: Any, name: str) -> None:
    for ours, theirs in _RIVALS:
        value, other = getattr(estimator, ours), getattr(estimator, theirs)
        if value is not None and not _is(other, PARAMETERS[theirs].default):
            message = (
                f"The {ours!r} parameter of {name} takes the place of {theirs!r}, and both are given; leave one out."
            )
            raise InputError(message)


def check_all_rows(estimator: Any, rule: Optimizer) -> None:
    """What means nothing where each step sees all rows: refused if it is ours, told if it is scikit-learn's.

    Raises:
        InputError: dropout is given.
    """
    for key in ("dropout", "batch_size", "shuffle"):
        value = getattr(estimator, key)
        if _is(value, PARAMETERS[key].default):
            continue
        said = f"{key}={shown(value)} would do nothing, as {rule!r} sees all rows at each step."
        message = f"{type(estimator).__name__}: {said}"
        if key in OURS:
            raise InputError(message + " Leave it out.")
        warnings.warn(message, ThalwegWarning, stacklevel=5)


def described(kind: type[Any]) -> str:
    """The parameters of an estimator class, a line or two each, for `help`."""
    lines = ["Parameters"]
    for name, parameter in inspect.signature(kind).parameters.items():
        row = PARAMETERS[name]
        when = f" Counts when {row.when}." if row.when else ""
        lines.append(f"    {name}={parameter.default!r}")
        lines += textwrap.wrap(f"{row.meaning}. It is {row.rule}.{when}", 100, initial_indent=" " * 8,
                               subsequent_indent=" " * 8)  # fmt: skip
    return "\n".join(lines)
