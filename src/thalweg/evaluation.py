"""One pass over given rows: predictions, and the objective with its gradient, by the engine of your choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import engines
from thalweg.examples import check_dtype, check_examples, check_inputs


if TYPE_CHECKING:
    from jaxtyping import Float

    from thalweg.network import Network


def predict(
    network: Network, p: Any, X: Any, *, engine: str = engines.DEFAULT, dtype: Any = "float64"
) -> Float[np.ndarray, "n k"]:
    """The outputs ŷ = z⁽ᴸ⁾ of the network for each row: the forward pass (2), (3).

    Args:
        network: the network.
        p: its parameter vector, shape (n_parameters,).
        X: inputs, shape (n, d).
        engine: name of the engine.
        dtype: float64 or float32, in which it is computed.

    Raises:
        InputError: an array has a wrong shape or values that are not finite.
        EngineError: there is no such engine.

    >>> from thalweg.network import Network
    >>> net = Network([2, 2], bias=False)
    >>> predict(net, [1.0, 2.0, 3.0, 4.0], [[1.0, 10.0]]).tolist()
    [[31.0, 42.0]]
    """
    p = network.check_parameters(p).astype(check_dtype(dtype), copy=False)
    return engines.get(engine).predict(network, p, check_inputs(network, X, dtype=dtype))


def loss_and_gradient(
    network: Network,
    p: Any,
    X: Any,
    Y: Any,
    *,
    sample_weight: Any = None,
    engine: str = engines.DEFAULT,
    dtype: Any = "float64",
) -> tuple[float, Float[np.ndarray, " p"]]:
    """The network's objective over these rows and its gradient for every parameter (5)–(7), L13; without dropout.

    Args:
        network: the network and its objective.
        p: its parameter vector, shape (n_parameters,).
        X: inputs, shape (n, d).
        Y: targets, shape (n, k), or (n,) as `check_examples` allows.
        sample_weight: weight of each row, shape (n,), or None for 1.
        engine: name of the engine.
        dtype: float64 or float32, in which it is computed.

    Raises:
        InputError: an array has a wrong shape or values that are not finite or not allowed.
        EngineError: there is no such engine.

    >>> from thalweg.network import Network
    >>> net = Network([1, 1], bias=False)  # E = (w x − y)², ∂E/∂w = 2 (w x − y) x
    >>> loss, gradient = loss_and_gradient(net, [3.0], [[2.0]], [[5.0]])
    >>> loss, gradient.tolist()
    (1.0, [4.0])
    """
    p = network.check_parameters(p).astype(check_dtype(dtype), copy=False)
    examples = check_examples(network, X, Y, sample_weight, dtype=dtype)
    return engines.get(engine).loss_and_gradient(network, p, examples)
