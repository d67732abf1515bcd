"""A fitted table estimator as the file of its model: `tw.load`, `tw.fit`'s reports and the commands read it too.

Beside the model, the file's settings have under "estimator" what scikit-learn's manners need: the columns of X in their
order, and the type of the labels.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np

from thalweg import model
from thalweg.errors import FileError
from thalweg.learning import Recipe


_TASKS = {"TableClassifier": ("classification", "multilabel"), "TableRegressor": ("regression",)}


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write the model of a fitted estimator, whole or not at all; raises what `Model.save` raises."""
    classes = getattr(estimator, "classes_", None)
    listed = [] if classes is None else classes if isinstance(classes, list) else [classes]
    about = {
        "columns": estimator.names,
        "named": hasattr(estimator, "feature_names_in_"),
        "labels": [labels.dtype.str if labels.dtype.kind in "Ubiuf" else "object" for labels in listed],
    }
    settings = {**estimator.model_.settings, "estimator": about}
    dataclasses.replace(estimator.model_, settings=settings).save(path)


def load(kind: type[Any], path: str | os.PathLike[str]) -> Any:
    """The fitted estimator of this class from the file of a model, also of one that `tw.fit` made.

    Raises:
        FileError: the file is missing, damaged, no model, or the model of another class.
    """
    found = model.load(path)
    encoder, settings = found.encoder, found.settings
    if encoder.task not in _TASKS[kind.__name__]:
        other = next(name for name, tasks in _TASKS.items() if encoder.task in tasks)
        message = f"{str(path)!r} is a model of {encoder.task}, not of a {kind.__name__}; load it with {other}"
        raise FileError(message)
    try:
        recipe = {field.name: settings["recipe"][field.name] for field in dataclasses.fields(Recipe)}
        recipe["hidden"] = tuple(recipe["hidden"])
        share = {} if settings["validation"] is None else {"validation": settings["validation"]}
        estimator = kind(
            **recipe, **share, drop=tuple(settings["drop"]), keep=tuple(settings["keep"]), engine=settings["engine"]
        )
        columns = [decision.column for decision in encoder.decisions if decision.role != "target"]
        about = settings.get("estimator", {"columns": columns, "named": True, "labels": []})
        if not set(encoder.columns) <= set(about["columns"]):
            raise ValueError("the columns of X are not those of the encoder")
        estimator.model_, estimator.seed_ = found, settings["seed"]
        estimator.n_features_in_ = len(about["columns"])
        if about["named"]:
            estimator.feature_names_in_ = np.array(about["columns"], dtype=object)
        if encoder.task != "regression":
            known = encoder.classes if encoder.task == "multilabel" else [encoder.classes]
            types = about["labels"] or [labels.dtype for labels in known]
            classes = [labels.astype(_checked(dtype)) for labels, dtype in zip(known, types, strict=True)]
            estimator.classes_ = classes if encoder.task == "multilabel" else classes[0]
        return estimator
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        message = f"the model file {str(path)!r} is whole, but its parts do not fit together: {reason}"
        raise FileError(message) from error


def _checked(dtype: Any) -> np.dtype[Any]:
    if np.dtype(dtype).kind not in "OUbiuf":
        raise ValueError(f"labels cannot be of type {dtype!r}")
    return np.dtype(dtype)
