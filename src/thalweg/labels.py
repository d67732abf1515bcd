"""Class labels and what a network learns of them: which output stands for which label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.errors import InputError


if TYPE_CHECKING:
    from jaxtyping import Float, Int, Shaped


@dataclass(frozen=True)
class Labels:
    """The classes of each target column.

    kind: "binary" (one sigmoid output), "multiclass" (softmax), "multilabel" (a 0/1 matrix, a sigmoid each), or
    "multioutput" (several columns of classes; a sigmoid for each class of each, of which the largest is taken).
    """

    kind: str
    classes: tuple[Shaped[np.ndarray, " k"], ...]  # one array for each column; for "multilabel" the columns' numbers
    sparse: bool = False  # whether the 0/1 matrix was a sparse one, and so are predictions

    @classmethod
    def learn(cls, y: np.ndarray, classes: Any = None) -> Labels:
        """The labels in `y`, or those in `classes`, more than which `y` may not hold.

        Raises:
            InputError: `y` holds numbers that are no classes.
        """
        from sklearn.utils.multiclass import check_classification_targets, type_of_target

        check_classification_targets(y)
        form = type_of_target(y, input_name="y")
        if form == "multilabel-indicator":
            if classes is not None and len(np.unique(classes)) != y.shape[1]:
                message = f"classes={classes!r} are {len(np.unique(classes))}, and y has {y.shape[1]} columns of labels"
                raise InputError(message)
            return cls("multilabel", (np.arange(y.shape[1]),))
        if form == "multiclass-multioutput":
            if classes is not None and len(classes) != y.shape[1]:
                message = (
                    f"y has {y.shape[1]} columns of classes, so classes= must be a list of as many, not {classes!r}"
                )
                raise InputError(message)
            return cls("multioutput", tuple(_sorted(column) for column in (y.T if classes is None else classes)))
        known = _sorted(y if classes is None else classes)
        return cls("binary" if len(known) <= 2 else "multiclass", (known,))

    @property
    def output(self) -> str:
        """The activation of the outputs."""
        return "softmax" if self.kind == "multiclass" else "sigmoid"

    @property
    def n_outputs(self) -> int:
        """How many outputs the network has."""
        return 1 if self.kind == "binary" else sum(map(len, self.classes))

    @property
    def listed(self) -> Any:
        """classes_ as scikit-learn has it: an array, or a list of arrays."""
        return list(self.classes) if self.kind == "multioutput" else self.classes[0]

    def are(self, classes: Any) -> bool:
        """Whether these are the classes, for several columns a list of them."""
        given = classes if self.kind == "multioutput" else [classes]
        return len(given) == len(self.classes) and all(
            np.array_equal(_sorted(one), known) for one, known in zip(given, self.classes, strict=True)
        )

    def encode(self, y: np.ndarray, dtype: Any) -> Float[np.ndarray, "n outputs"]:
        """0 and 1 for each output.

        Raises:
            InputError: `y` holds a label that is none of ours, in scikit-learn's words.
        """
        if self.kind == "multilabel":
            return np.asarray(y, dtype=dtype)
        columns = _columns(y)
        if any(len(np.setdiff1d(column, known)) for column, known in zip(columns, self.classes, strict=True)):
            message = (
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.listed}. 'y' has {np.unique(y)}."
            )
            raise InputError(message)
        places = [
            np.searchsorted(known, column.astype(known.dtype))
            for column, known in zip(columns, self.classes, strict=True)
        ]  # fmt: skip
        if self.kind == "binary":
            return (places[0] == 1).astype(dtype)[:, None]
        return np.hstack(
            [np.eye(len(known), dtype=dtype)[place] for place, known in zip(places, self.classes, strict=True)]
        )

    def decide(self, outputs: Float[np.ndarray, "n outputs"]) -> Int[np.ndarray, "n ..."]:
        """The place of the label that each row gets, or 0/1 for each output of "multilabel"."""
        if self.kind == "binary":
            return (outputs[:, 0] > 0.5).astype(np.int64) if len(self.classes[0]) > 1 else np.zeros(len(outputs), int)
        if self.kind == "multilabel":
            return (outputs > 0.5).astype(np.int64)
        if self.kind == "multiclass":
            return outputs.argmax(axis=1)
        return np.stack([group.argmax(axis=1) for group in self._groups(outputs)], axis=1)

    def decode(self, outputs: Float[np.ndarray, "n outputs"]) -> Shaped[np.ndarray, "n ..."]:
        """The label of each row."""
        decided = self.decide(outputs)
        if self.kind == "multilabel":
            return decided
        if self.kind != "multioutput":
            return self.classes[0][decided]
        return np.stack([known[decided[:, j]] for j, known in enumerate(self.classes)], axis=1)

    def probabilities(self, outputs: Float[np.ndarray, "n outputs"]) -> Any:
        """The probability of each label, (n, k); for "multioutput" a list, each group scaled to sum to 1."""
        if self.kind == "binary":
            return np.hstack([1.0 - outputs, outputs])
        if self.kind != "multioutput":
            return outputs
        tiny = np.finfo(outputs.dtype).tiny
        return [group / np.maximum(group.sum(axis=1, keepdims=True), tiny) for group in self._groups(outputs)]

    def _groups(self, outputs: np.ndarray) -> list[np.ndarray]:
        return np.split(outputs, np.cumsum([len(known) for known in self.classes])[:-1], axis=1)

    def check_same(self, y: np.ndarray) -> None:
        """Whether a warm start may go on with `y`: it has each of these labels, and no other.

        Raises:
            InputError: it does not, in scikit-learn's words.
        """
        if self.kind == "multilabel":
            return
        given = [np.unique(column) for column in _columns(y)]
        if any(set(one.tolist()) != set(known.tolist()) for one, known in zip(given, self.classes, strict=True)):
            message = (
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.listed}, `y` has {given[0] if len(given) == 1 else given}"
            )
            raise InputError(message)


def _columns(y: np.ndarray) -> list[np.ndarray]:
    return list(y.T) if y.ndim == 2 else [y]


def _sorted(labels: Any) -> Shaped[np.ndarray, " k"]:
    """The labels in order, once each; text as NumPy's own, as scikit-learn has it."""
    known = np.unique(np.asarray(labels))
    return np.array(known.tolist()) if known.dtype == object else known
