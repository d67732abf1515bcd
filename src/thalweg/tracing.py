"""The trace: one example (or a batch) through a network and back, as steps that know what they came from.

    Trace ── Step ── symbol, operands (links to other steps), result, equation of the lecture, formulas at three depths

A trace is data. The command line, a notebook, an exercise and the checker of answers all read the same one. Steps are
made when they are asked for, so that one weight of a large network costs no more than two passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from thalweg.arithmetic import FLOATS, Arithmetic, Value, exactly, nearest_float
from thalweg.conventions import Conventions
from thalweg.errors import FileError, InputError, shown
from thalweg.examples import check_examples
from thalweg.matrices import MatrixStep, matrix_steps
from thalweg.network import Network
from thalweg.paths import Why
from thalweg.settings import check_number
from thalweg.trace_steps import Step, Steps, in_json


SCHEMA = "thalweg.trace/1"
MANY = 1_000  # parameters up to which a trace goes to JSON in full
MANY_BY_HAND = 10_000  # and up to which it is computed scalar by scalar
DEEP_BY_HAND = 40  # layers: each number asks for those that it comes from, one call within the other
_FRACTION = re.compile("-?[0-9]+(/[0-9]+)?")


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Steps):
    """Every a, z, E, δ and gradient of one example, or of a batch, as steps; see `trace`."""

    def gradient_of(self, layer: int, i: int | str, j: int) -> Why:
        """Why ∂E/∂W_ij⁽ℓ⁾ is what it is: every path to the error with its factors, their sum, and the numeric check.

        Args:
            layer: ℓ, from 1.
            i: the unit below, from 1; "b" for the bias of unit j.
            j: the unit of layer ℓ, from 1.

        Raises:
            InputError: there is no such weight; the message says the ranges.

        >>> from thalweg.network import Network
        >>> t = trace(Network([1, 1, 2], bias=False), [2.0, 3.0, -1.0], [1.0], [5.0, 0.0])
        >>> why = t.gradient_of(1, 1, 1)
        >>> for path in why.paths:
        ...     print(path.formula.unicode, "=", path.numbers.unicode, "=", path.product)
        (∂E/∂z₁⁽²⁾)·g′(a₁⁽²⁾)·W₁₁⁽²⁾·g′(a₁⁽¹⁾)·x₁ = 2·1·3·1·1 = 6.0
        (∂E/∂z₂⁽²⁾)·g′(a₂⁽²⁾)·W₁₂⁽²⁾·g′(a₁⁽¹⁾)·x₁ = (−4)·1·(−1)·1·1 = 4.0
        >>> why.total, why.step.result, round(why.best.quotient, 6)
        (10.0, 10.0, 10.0)
        """
        kind, *place = self.checked(("b", layer, j) if i == "b" else ("W", layer, i, j))
        return Why(self, (f"dE/d{kind}", *place))

    def matrices(self, example: int | None = None) -> Iterator[MatrixStep]:
        """The matrix view (L15): the same numbers, a layer at a time; of this example where there are several.

        >>> from thalweg.equations import equation
        >>> t = trace(Network([2, 1], bias=False), [0.5, 2.0], [1.0, 3.0], [4.5])
        >>> for step in t.matrices():
        ...     print(equation(*step.parts))
        a⁽¹⁾ = x·W⁽¹⁾ = [1 3]·[0.5; 2] = [6.5]
        z⁽¹⁾ = g(a⁽¹⁾) = [6.5]
        ∂E/∂z⁽¹⁾ = [4]
        δ⁽¹⁾ = (∂E/∂z⁽¹⁾)·diag(g′(a⁽¹⁾)) = [4]·[1] = [4]
        ∂E/∂W⁽¹⁾ = xᵀ·δ⁽¹⁾ = [1; 3]·[4] = [4; 12]
        """
        if self.has_totals and example is None:
            example = 1
        return matrix_steps(self, example)

    def to_dict(self, steps: Sequence[Any] | None = None) -> dict[str, Any]:
        """The trace in plain JSON types.

        Args:
            steps: the keys of those to write out; None is all of them up to 1,000 parameters, and none beyond.
        """
        if steps is None:
            keys = list(self.keys()) if self.network.n_parameters <= MANY else []
        else:
            keys = [self.checked(key) for key in steps]
        return {
            "schema": SCHEMA,
            "network": self.network.to_dict(),
            "parameters": [in_json(value) for value in self.parameters],
            "X": [[in_json(value) for value in row] for row in self.X],
            "Y": [[in_json(value) for value in row] for row in self.Y],
            "learning_rate": None if self.learning_rate is None else in_json(self.learning_rate),
            "arithmetic": self.arithmetic.to_dict(),
            "conventions": self.conventions.to_dict(),
            "steps": [Step(self, key).to_dict() for key in keys],
        }

    def to_json(self, steps: Sequence[Any] | None = None) -> str:
        """`to_dict` as text, with its `steps`.

        >>> from thalweg.network import Network
        >>> t = trace(Network([1, 1], bias=False), [0.5], [2.0], [3.0])
        >>> Trace.from_json(t.to_json())["delta", 1, 1].result
        -4.0
        """
        return json.dumps(self.to_dict(steps), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """The trace that `to_json` wrote; its steps are computed again, and must come to the same numbers.

        Raises:
            FileError: the text is no such trace, or a step in it has another number.
        """
        try:
            plain = json.loads(text)
            schema = plain["schema"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            message = f"this is no trace in JSON (it has no schema {SCHEMA!r}): {error}"
            raise FileError(message) from error
        if schema != SCHEMA:
            message = f"the trace is of the schema {schema!r}; this version of Thalweg reads {SCHEMA!r}"
            raise FileError(message)
        try:
            return cls._from_plain(plain)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else error
            message = f"the parts of this trace do not fit together: {reason}"
            raise FileError(message) from error

    @classmethod
    def _from_plain(cls, plain: Mapping[str, Any]) -> Trace:
        rate = plain["learning_rate"]
        again = trace(
            Network(**plain["network"]),
            [_number(value) for value in plain["parameters"]],
            [[_number(value) for value in row] for row in plain["X"]],
            [[_number(value) for value in row] for row in plain["Y"]],
            learning_rate=None if rate is None else _number(rate),
            arithmetic=Arithmetic.from_dict(plain["arithmetic"]),
            conventions=Conventions.from_dict(plain["conventions"]),
        )
        for step in plain["steps"]:
            mine = again[tuple(step["key"])]
            theirs = _number(step["result"])
            if mine.result != theirs and not (mine.result != mine.result and theirs != theirs):
                message = f"the step {step['name']} says {step['result']}, but comes to {in_json(mine.result)}"
                raise ValueError(message)
        return again

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and self.to_dict(()) == other.to_dict(())

    def __hash__(self) -> int:
        return hash((self.network, self.X, self.Y))

    def __repr__(self) -> str:
        examples = "one example" if self.n_examples == 1 else f"{self.n_examples} examples"
        return f"<trace of {examples} through {self.network}, in {self.arithmetic.kind}>"


def trace(
    network: Network,
    p: Any,
    x: Any,
    y: Any,
    *,
    learning_rate: float | Fraction | None = None,
    arithmetic: Arithmetic = FLOATS,
    conventions: Conventions | None = None,
) -> Trace:
    """Every a, z, E, δ and gradient of one example, or of a batch, as typed steps in the lecture's order (L10–L15).

    Args:
        network: the network and its objective; dropout is off.
        p: its parameter vector, shape (n_parameters,): floats, or Fractions for arithmetic by hand.
        x: the input of one example, shape (d,), or several, shape (n, d).
        y: the target, shape (k,), or (n, k); what else `check_examples` allows for several rows.
        learning_rate: with it, each weight's step of gradient descent is there too (L8).
        arithmetic: in floats (the reference engine's numbers), in fractions, or with every result rounded.
        conventions: how it is written; its ½ and its reduction replace the network's.

    Raises:
        InputError: an array has a wrong shape or values that are not allowed, an activation or the loss is of Python
            functions, or a network is too large to be computed by hand; when a step is asked for: it leads out of the
            fractions.

    >>> from thalweg.network import Network
    >>> net = Network([2, 2, 1], activation="relu", bias=False)
    >>> t = trace(net, [1.0, -1.0, 2.0, 0.5, 3.0, -1.0], [1.0, 2.0], [4.0])
    >>> for step in t.steps("delta"):
    ...     print(step)
    δ₁⁽²⁾ = (∂E/∂z₁⁽²⁾)·g′(a₁⁽²⁾) = 22·1 = 22
    δ₁⁽¹⁾ = δ₁⁽²⁾·W₁₁⁽²⁾·g′(a₁⁽¹⁾) = 22·3·1 = 66
    δ₂⁽¹⁾ = δ₁⁽²⁾·W₂₁⁽²⁾·g′(a₂⁽¹⁾) = 22·(−1)·0 = 0
    """
    for row in (*network.activation, network.output, network.loss):
        if not row.formula:
            message = f"{row!r} is made of Python functions, and a trace shows formulas; make it from a formula"
            raise InputError(message)
    conventions = conventions or Conventions()
    network = conventions.objective(network)
    by_hand = arithmetic.kind != "floats"
    given_p, given_X, given_Y = (np.array(given, dtype=object) for given in (p, x, y))
    if given_X.ndim == 1:  # one example
        given_X, given_Y = given_X[None], given_Y[None]
    floats = network.check_parameters(_floats(given_p, p)).astype(np.float64)
    floats.setflags(write=False)
    examples = check_examples(network, _floats(given_X, x), _floats(given_Y, y))
    if by_hand and network.n_parameters > MANY_BY_HAND:
        message = (
            f"a network of {network.n_parameters:,} parameters is too large to be computed by hand "
            f"(at most {MANY_BY_HAND:,}); compute in floats"
        )
        raise InputError(message)
    if by_hand and len(network.layers) > DEEP_BY_HAND:
        message = f"a network of {len(network.layers)} layers is too deep by hand (at most {DEEP_BY_HAND}); use floats"
        raise InputError(message)
    if learning_rate is not None:
        check_number(learning_rate, lambda rate: rate > 0.0, "learning_rate", "a number > 0")
    if by_hand and given_Y.size == examples.Y.size:  # a single output may come without its brackets
        given_Y = given_Y.reshape(examples.Y.shape)
    elif by_hand:  # a class by its number
        given_Y = examples.Y
    return Trace(
        network=network,
        parameters=tuple(map(exactly, given_p)) if by_hand else floats,
        X=_rows(given_X, exactly) if by_hand else _rows(examples.X, float),
        Y=_rows(given_Y, exactly) if by_hand else _rows(examples.Y, float),
        learning_rate=None if learning_rate is None else exactly(learning_rate) if by_hand else float(learning_rate),
        arithmetic=arithmetic,
        conventions=conventions,
    )


def _floats(array: np.ndarray, given: Any) -> Any:
    """Floats of what may be fractions; what is no array of numbers stays, for the checks to say so."""
    try:
        return array.astype(np.float64)
    except OverflowError:  # beyond floats: an infinity, which the checks name
        return np.vectorize(nearest_float, otypes=[np.float64])(array)
    except (TypeError, ValueError):
        return given


def _rows(array: np.ndarray, kind: Any) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(map(kind, row)) for row in array)


def _number(plain: Any) -> Value:
    if isinstance(plain, str) and plain in ("inf", "-inf", "nan"):
        return float(plain)
    if isinstance(plain, str) and not _FRACTION.fullmatch(plain):
        message = f"{shown(plain)} is no number such as 1/3"  # 1e999999999 would take for ever
        raise ValueError(message)
    return Fraction(plain) if isinstance(plain, str) else float(plain)
