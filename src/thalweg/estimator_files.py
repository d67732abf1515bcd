"""A fitted MLPClassifier or MLPRegressor as one safe file: no pickle, and loading runs no code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import safe_file
from thalweg.activations import Activation
from thalweg.errors import FileError, InputError, shown, with_article
from thalweg.history import History
from thalweg.labels import Labels
from thalweg.losses import Loss
from thalweg.mlp_parameters import PARAMETERS
from thalweg.mlp_training import Record
from thalweg.network import Network
from thalweg.optimizers import find_optimizer
from thalweg.own_rows import find_activation_or_own, find_loss_or_own
from thalweg.stopping import Status
from thalweg.update_rules import Optimizer


if TYPE_CHECKING:
    from jaxtyping import Float

# What is of this process, or of the rows: it does not come along, and a loaded estimator has the default.
LEFT_BEHIND = ("callbacks", "validation", "random_state")
COUNTS = ("n_iter_", "t_", "best_epoch_", "n_features_in_")
NUMBERS = ("loss_", "best_loss_", "best_validation_score_")
CURVES = ("loss_curve_", "validation_scores_")
_FINDERS = {"activation": find_activation_or_own, "loss": find_loss_or_own, "optimizer": find_optimizer}


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted estimator, whole or not at all.

    Raises:
        InputError: a parameter is a function, which no safe file can hold, or labels are neither text nor numbers.
        OSError: the disk is full or broken; an old file of this name survives.
    """
    header: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "parameters": {
            name: _plain(value, name)
            for name, value in estimator.get_params(deep=False).items()
            if name not in LEFT_BEHIND
        },
        "network": estimator.network_.to_dict(),
        "status": estimator.status_.name,
        "counts": {name: int(getattr(estimator, name)) for name in COUNTS},
    }
    labels = getattr(estimator, "_labels", None)
    if labels is not None:
        header["labels"] = {
            "kind": labels.kind, "classes": [_listed(known) for known in labels.classes], "sparse": labels.sparse,
        }  # fmt: skip
    if hasattr(estimator, "feature_names_in_"):
        header["features"] = list(estimator.feature_names_in_)
    arrays = {"parameters": estimator._vector()}
    for name in (*NUMBERS, *CURVES):  # which may be nan, as no JSON is
        if getattr(estimator, name, None) is not None:
            arrays[name] = np.asarray(getattr(estimator, name), dtype=np.float64)
    arrays |= {f"history.{name}": column for name, column in estimator.history_.to_arrays().items()}
    safe_file.write(path, kind="estimator", header=header, arrays=arrays)


def load(kind: type[Any], path: str | os.PathLike[str]) -> Any:
    """The estimator that `save` wrote, of this class.

    Raises:
        FileError: the file is missing, damaged, of another class or no estimator of ours.
    """
    header, arrays = safe_file.read(path, kind="estimator")
    try:
        if header["estimator"] != kind.__name__:
            found = header["estimator"]
            message = (
                f"{str(path)!r} is {with_article(found)}, not {with_article(kind.__name__)}; load it with "
                f"tw.{found}.load"
            )
            raise FileError(message)
        if unknown := set(header["parameters"]) - set(PARAMETERS):
            raise ValueError(f"it has no parameter {min(unknown)!r}")
        estimator: Any = kind(**{name: _thing(value) for name, value in header["parameters"].items()})
        estimator.network_, parameters, labels = _network(header, arrays)
        estimator._show(parameters)
        estimator.status_ = Status[header["status"]]
        for name in COUNTS:
            setattr(estimator, name, int(header["counts"][name]))
        for name in (*NUMBERS, *CURVES):
            setattr(estimator, name, arrays[name].tolist() if name in arrays else None)
        estimator._record, estimator._moments = Record.of(estimator), None
        columns = {name.removeprefix("history."): a for name, a in arrays.items() if name.startswith("history.")}
        estimator.history_ = History.from_arrays(columns)
        if "features" in header:
            estimator.feature_names_in_ = np.array(header["features"], dtype=object)
        if labels is not None:
            estimator._labels, estimator.classes_ = labels, labels.listed
        return estimator
    except FileError:
        raise
    except _MISFITS as error:
        raise _misfit(path, error) from error


def load_network(path: str | os.PathLike[str]) -> tuple[Network, Float[np.ndarray, " p"], Labels | None]:
    """Network, parameters and labels of an estimator's file, of whichever class it is: all that predicting takes.

    Raises:
        FileError: the file is missing, damaged or no estimator of ours.
    """
    header, arrays = safe_file.read(path, kind="estimator")
    try:
        return _network(header, arrays)
    except _MISFITS as error:
        raise _misfit(path, error) from error


_MISFITS = (KeyError, TypeError, ValueError, AttributeError)


def _misfit(path: str | os.PathLike[str], error: Exception) -> FileError:
    reason = f"{error} is missing" if isinstance(error, KeyError) else error
    return FileError(f"the file {str(path)!r} is whole, but its parts do not fit together: {reason}")


def _network(
    header: dict[str, Any], arrays: dict[str, np.ndarray]
) -> tuple[Network, Float[np.ndarray, " p"], Labels | None]:
    network = Network(**header["network"])
    parameters = network.check_parameters(arrays["parameters"])
    if "labels" not in header:
        return network, parameters, None
    known = tuple(_array(listed) for listed in header["labels"]["classes"])
    labels = Labels(header["labels"]["kind"], known, header["labels"]["sparse"])
    if labels.n_outputs != network.sizes[-1]:
        raise ValueError(f"the network has {network.sizes[-1]} outputs, and the labels take {labels.n_outputs}")
    return network, parameters, labels


def _plain(value: Any, name: str) -> Any:
    """A parameter in JSON types; objects of ours as what they say of themselves."""
    for kind, tag in ((Activation, "activation"), (Loss, "loss"), (Optimizer, "optimizer")):
        if isinstance(value, kind):
            return {"is": tag, "of": value.to_dict()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(one, name) for one in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, dict):
        return {"is": "dict", "of": [[_plain(key, name), _plain(one, name)] for key, one in value.items()]}
    if isinstance(value, type) or isinstance(value, np.dtype):
        return np.dtype(value).name
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"is": "float", "of": repr(value)}
    message = f"the parameter {name}={shown(value)} is code, which no safe file holds; set it to a name before saving"
    raise InputError(message)


def _thing(plain: Any) -> Any:
    """What `_plain` made this of; sequences come back as tuples."""
    if isinstance(plain, list):
        return tuple(_thing(one) for one in plain)
    if not isinstance(plain, dict):
        return plain
    if plain["is"] == "dict":
        return {_thing(key): _thing(one) for key, one in plain["of"]}
    return float(plain["of"]) if plain["is"] == "float" else _FINDERS[plain["is"]](plain["of"])


def _listed(known: np.ndarray) -> dict[str, Any]:
    """Labels and their type."""
    labels = known.tolist()
    if not all(isinstance(label, (str, bool, int, float)) for label in labels):
        message = f"the labels {shown(labels)} are neither text nor numbers, and no safe file holds them"
        raise InputError(message)
    return {"dtype": "object" if known.dtype == object else known.dtype.str, "labels": labels}


def _array(listed: dict[str, Any]) -> np.ndarray:
    if np.dtype(listed["dtype"]).kind not in "OUbiuf":
        raise ValueError(f"labels cannot be of type {listed['dtype']!r}")
    return np.array(listed["labels"], dtype=listed["dtype"])
