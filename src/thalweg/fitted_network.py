"""A network that an estimator has fitted: its weights as scikit-learn shows them, predictions, and what is inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from thalweg import engines
from thalweg.engines.reference import forward, one_thread
from thalweg.evaluation import loss_and_gradient
from thalweg.examples import Examples, check_examples
from thalweg.mlp_parameters import ACTIVATION_NAMES
from thalweg.network import Network
from thalweg.sparse_rows import dense
from thalweg.tracing import Trace, trace


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " p"]

SKLEARN_NAMES = {ours: theirs for theirs, ours in ACTIVATION_NAMES.items()}
ROWS_AT_ONCE = 4096  # of sparse input that is spread out to be predicted


class FittedNetwork(BaseEstimator):
    """Weights, predictions, gradients; the estimators say what targets are (`_read`, `_targets`)."""

    network_: Network  # the network that was trained, as a description
    parameters_: Vector  # all its weights and biases; coefs_ and intercepts_ are views of it
    coefs_: list[Float[np.ndarray, "below above"]]  # the weights of each layer, a row for each unit below
    intercepts_: list[Any]  # the biases of each layer, each of shape (above,)
    engine: str
    threads: int | None
    alpha: float
    l2: float | None
    n_layers_: int  # layers, with inputs and outputs
    n_outputs_: int  # units of the output layer
    out_activation_: str  # the output's activation by scikit-learn's name

    def _read(self, X: Any, y: Any, *, is_first: bool) -> tuple[Any, np.ndarray]:
        """X and y, checked in scikit-learn's way."""
        raise NotImplementedError

    def _targets(self, y: np.ndarray, dtype: Any) -> Float[np.ndarray, "n k"]:
        """What the network learns of y."""
        raise NotImplementedError

    def _penalized(self, examples: Examples) -> Network:
        """The network whose objective over all these rows has the penalty that `alpha` means, or `l2`."""
        if self.l2 is not None:
            return self.network_
        strength = float(self.alpha) / float(examples.weights.sum(dtype=np.float64))
        return Network(**{**self.network_.to_dict(), "l2": strength})

    def _take(self, p: Vector) -> None:
        """These parameters are the estimator's from now on."""
        self._show(np.array(p))

    def _show(self, p: Vector) -> None:
        """scikit-learn's attributes of them: coefs_ and intercepts_ are views."""
        self.parameters_ = p
        views = self.network_.views(self.parameters_)
        self.coefs_, self.intercepts_ = [W for W, _ in views], [b for _, b in views]
        self.n_layers_, self.n_outputs_ = len(self.network_.sizes), self.network_.sizes[-1]
        output = self.network_.output.name
        self.out_activation_ = SKLEARN_NAMES.get(output, output)

    def _vector(self) -> Vector:
        """The parameters, with what a user has put in place of coefs_ or intercepts_."""
        p = self.parameters_
        parts = [*self.coefs_, *self.intercepts_]
        if not all(np.may_share_memory(part, p) for part in parts):
            given = [part for pair in zip(self.coefs_, self.intercepts_, strict=True) for part in pair]
            self._take(np.concatenate([np.ravel(part) for part in given]).astype(p.dtype))
        return self.parameters_

    # ── predict and look inside ───────────────────────────────────────────────────────────────────────────────────────

    def _outputs(self, X: Any) -> Float[np.ndarray, "n k"]:
        """ŷ of each row."""
        p, X = self._inputs(X)
        predict = engines.get(self.engine, self.threads).predict
        if not hasattr(X, "toarray"):
            return predict(self.network_, p, np.ascontiguousarray(X, dtype=p.dtype))
        chunks = [X[i : i + ROWS_AT_ONCE] for i in range(0, X.shape[0], ROWS_AT_ONCE)]
        return np.concatenate([predict(self.network_, p, dense(chunk).astype(p.dtype)) for chunk in chunks])

    def _inputs(self, X: Any) -> tuple[Vector, Any]:
        """The parameters and checked input, in float32 only where both are, as NumPy would have it."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        p = self._vector()
        return (p if X.dtype == p.dtype or p.dtype == np.float64 else p.astype(np.float64)), X

    def hidden_activations(self, X: Any) -> list[Float[np.ndarray, "n units"]]:
        """z of every hidden layer for each row of X, from the first layer to the last.

        Raises:
            NotFittedError: before `fit`.
        """
        p, X = self._inputs(X)
        with one_thread():
            return forward(self.network_, p, dense(X).astype(p.dtype, copy=False)).z[:-1]

    def loss_gradient(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[float, list[Any], list[Any]]:
        """The objective over these rows, penalty included, and its gradient as lists like coefs_ and intercepts_.

        Args:
            X: rows, as for `fit`.
            y: labels or targets, as for `fit`.
            sample_weight: weight of each row, shape (n,); None for 1 each.

        Raises:
            NotFittedError: before `fit`.
            ValueError: X or y are not what was fitted.
        """
        check_is_fitted(self)
        X, y = self._read(X, y, is_first=False)
        p = self._vector().astype(np.float64)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        examples = check_examples(self.network_, dense(X), self._targets(y, np.float64), weights)
        network = self._penalized(examples)
        loss, gradient = loss_and_gradient(
            network, p, examples.X, examples.Y, sample_weight=examples.weights, engine=self.engine
        )
        views = network.views(gradient)
        return loss, [W for W, _ in views], [b for _, b in views]

    def explain(self, x: Any, y: Any) -> Trace:
        """The trace of one example: every a, z, δ and gradient with its formula (see `tw.trace`), without penalty.

        Args:
            x: one row: shape (d,) or (1, d), or a row of a data frame, frame.iloc[[17]] or frame.iloc[17].
            y: its label or target, itself or as an array or a series of one.
        """
        check_is_fitted(self)
        if getattr(x, "ndim", 0) == 1 and hasattr(x, "to_frame"):  # a series: its index are the names
            x = x.to_frame().T
        row, target = x if getattr(x, "ndim", 0) == 2 else np.asarray(x)[None], np.asarray(y)
        target = target if target.ndim and len(target) == 1 else target[None]
        X, y = self._read(row, target, is_first=False)
        return trace(self.network_, self._vector().astype(np.float64), dense(X)[0], self._targets(y, np.float64)[0])

    def __getstate__(self) -> dict[str, Any]:
        """Each weight once: the lists are views of the vector of parameters."""
        state: dict[str, Any] = {**super().__getstate__()}  # pyright: ignore
        if "parameters_" in state:
            state["parameters_"] = self._vector()
            del state["coefs_"], state["intercepts_"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "parameters_" in state:
            self._show(self.parameters_)
