"""A callable as an objective: how it takes a point, what it gives, and where its gradient comes from.

It may take a number, n numbers or a vector, and give a value, or a value and a gradient. All that is looked at once, at
the start, where mistakes are named; afterwards what is not finite is an answer, and no error.
"""

from __future__ import annotations

import inspect
import numbers
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg import differences
from thalweg.errors import InputError, shown
from thalweg.objectives import COMPLEX_STEP, DIFFERENCES, GIVEN, Objective


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]

GRADIENTS = ("complex", "central")


def of_callable(
    f: Callable[..., Any], start: Vector, is_number: bool, domain: Any, gradient: Any, hessian: Any
) -> Objective:
    """A callable looked at once, at the start, to learn how it is called and what it gives.

    Raises:
        InputError: it does not give one finite number there, or its gradient not n finite numbers.
    """
    names = coordinate_names(len(start), is_number)
    one = Objective(names, domain)
    form = _form(f, len(start), is_number)
    answer = _first(f, form, start, names)
    gives_both = isinstance(answer, (tuple, list)) and len(answer) == 2
    gives_both = gives_both and (len(start) == 1 or np.size(answer[1]) == len(start))
    if gives_both:
        if gradient is not None:
            message = "f gives value and gradient already; leave gradient out, or let f give the value alone"
            raise InputError(message)
        one.value_of = lambda x: _number(f(*form(x))[0], x)
        one.both_of = lambda x: _value_and_gradient(f(*form(x)), x)
        one.gradient_from = GIVEN[1]
        _value_and_gradient(answer, start)
    else:
        one.value_of = lambda x: _number(f(*form(x)), x)
    if callable(gradient):
        slope_form = _form(gradient, len(start), is_number)
        one.gradient_of = lambda x: _vector(gradient(*slope_form(x)), len(x), "gradient")
        one.gradient_from = GIVEN[0]
        _vector(_first(gradient, slope_form, start, names, "gradient"), len(start), "gradient")
    elif not gives_both:
        if gradient not in (None, *GRADIENTS):
            message = f"gradient must be a callable, 'complex', 'central' or None, not {gradient!r}"
            raise InputError(message)
        watched = None if gradient == "central" else _watched(f, form, one, start)
        if gradient == "complex" and watched is None:
            message = (
                "gradient='complex' needs an f that computes with complex numbers, and this one gives another slope or "
                "none with them (abs, comparisons and conversions to float do not go along); use gradient='central'"
            )
            raise InputError(message)
        one.gradient_from = COMPLEX_STEP if watched else DIFFERENCES
        one.gradient_of = watched or one.differences
    if hessian is not None:
        bend_form = _form(hessian, len(start), is_number)
        one.hessian_of = lambda x: _matrix(hessian(*bend_form(x)), len(x))
        _matrix(_first(hessian, bend_form, start, names, "hessian"), len(start))
    return one


def coordinate_names(n: int, is_number: bool) -> tuple[str, ...]:
    """What the coordinates of a callable are called, from 1."""
    return ("x",) if is_number else tuple(f"x[{i + 1}]" for i in range(n))


def _form(f: Callable[..., Any], n: int, is_number: bool) -> Callable[[np.ndarray], tuple[Any, ...]]:
    """How f takes a point: one number, n numbers where it has so many required parameters, or a vector."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # built in: it does not tell
        parameters = []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is inspect.Parameter.empty]
    if len(required) > 1 and len(required) != n:
        message = f"the callable takes {len(required)} numbers, so start needs as many, and it has {n}"
        raise InputError(message)
    if is_number:
        return lambda x: (x[0].item(),)
    if n > 1 and len(required) == n:
        return lambda x: tuple(x.tolist())
    return lambda x: (x.copy(),)  # f may write into what it gets


def _first(f: Callable[..., Any], form: Callable[[np.ndarray], tuple[Any, ...]], start: Vector, names: Sequence[str],
           what: str = "f") -> Any:  # fmt: skip
    """What f gives at the start, errors of arithmetic and of the number of coordinates named."""
    place = ", ".join(f"{name} = {x:g}" for name, x in zip(names[:5], start.tolist(), strict=False))
    try:
        return f(*form(start))
    except (ArithmeticError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        message = f"{what} is not defined at the start {place}: {type(error).__name__}: {error}; choose another start"
        raise InputError(message) from error
    except (TypeError, IndexError) as error:
        told = f"{type(error).__name__}: {error}"
        message = f"{what} cannot take the start {place} ({told}); give as many numbers as it takes"
        raise InputError(message) from error


def _number(given: Any, x: Vector) -> float:
    """A value of f as a float; an array of one entry counts as a number."""
    if type(given) is float:
        return given
    if isinstance(given, numbers.Real):
        return float(given)  # also Python's own fractions and endless integers
    array = np.asarray(given)
    if array.size == 1 and array.dtype.kind in "fiub":
        return float(array.reshape(()))
    if array.size == 1 and array.dtype.kind == "c":
        message = f"f gives the complex number {given!r} at {x}; it must give real numbers"
    else:
        what = f"an array of shape {array.shape}" if array.size != 1 else repr(given)
        message = f"f must give one number, and at {x} it gives {what}"
    raise InputError(message)


def _value_and_gradient(given: Any, x: Vector) -> tuple[float, Vector]:
    return _number(given[0], x), _vector(given[1], len(x), "f's gradient")


def _vector(given: Any, n: int, what: str) -> Vector:
    """A gradient as a vector of its own, which nobody else changes."""
    if type(given) is np.ndarray and given.dtype == np.float64 and given.shape == (n,):
        return given.copy()  # at each step: what follows costs more than the step
    try:
        array = np.array(given, ndmin=1)
        if array.dtype.kind not in "fiub":
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        message = f"{what} must give {n} real number{'s' * (n > 1)}, and it gives {shown(given)}"
        raise InputError(message) from None
    if array.shape == (n, 1):
        array = array[:, 0]
    if array.shape != (n,):
        message = (
            f"{what} must give {n} number{'s' * (n > 1)}, one for each coordinate, and it gives shape {array.shape}"
        )
        raise InputError(message)
    return array


def _matrix(given: Any, n: int) -> Float[np.ndarray, "n n"]:
    array = np.array(given, dtype=np.float64)
    array = array.reshape(1, 1) if n == 1 and array.size == 1 else array
    if array.shape != (n, n):
        message = f"hessian must give {n} × {n} numbers, and it gives shape {array.shape}"
        raise InputError(message)
    return array


def _watched(
    f: Callable[..., Any], form: Callable[[np.ndarray], tuple[Any, ...]], one: Objective, start: Vector
) -> Callable[[Vector], Vector] | None:
    """The complex step, if f goes along with complex numbers around the start.

    Farther away it may meet |x|, or a branch that turns complex numbers real: at each point one difference looks, and
    where it does not agree, central differences take over for good.
    """

    def steps(x: Vector) -> Vector:
        one.counts["values"] += len(x)
        return differences.complex_step(lambda moved: f(*form(moved)), x)

    def gradient(x: Vector) -> Vector:
        slopes = steps(x)
        if differences.foretold(one.value, x, one.scale(x), slopes):
            return slopes
        one.gradient_of, one.gradient_from = one.differences, DIFFERENCES
        return one.differences(x)

    size = 0.1 * np.maximum(one.scale(start), np.abs(start))
    signs = np.where(np.arange(len(start)) % 2, -1.0, 1.0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as NumPy's, where a conversion to float drops the imaginary part
            for x in (start, start + size, start - 0.7 * size, start + 0.31 * size * signs):
                x = x if one.domain is None else np.clip(x, *one.domain)
                exact, near = steps(x), one.differences(x)
                scale = max(1.0, float(np.abs(near).max()), abs(one.value(x)))
                if not np.abs(exact - near).max() <= 1e-5 * scale:
                    return None
    except Exception:  # noqa: BLE001  (whatever f does not like about complex numbers, central differences do without)
        return None
    return gradient
