"""A user's own activations and losses: rows like those of our tables, from a formula or from two Python functions.

A formula is differentiated by our own rules, is saved in files and runs on every engine that has its functions; Python
functions run on the engine 'reference' only, and no file keeps them. Either way the derivative is compared with
differences of the values before the row is used (`row_checks`).
"""

from __future__ import annotations

import copyreg
import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from thalweg.activations import ACTIVATIONS, INITIALIZATIONS, Activation, find_activation
from thalweg.errors import InputError, shown
from thalweg.expressions import Undefined
from thalweg.formulas import Formula, formula
from thalweg.losses import LOSSES, Loss, find_loss
from thalweg.parsing import MAX_LENGTH
from thalweg.row_checks import check_elementwise, check_slope, check_values, kinks_of
from thalweg.settings import check_choice, check_number


Values = Callable[..., np.ndarray]
Bounds = tuple[float | None, float | None]  # None where there is no bound

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
A = np.unique(np.append(np.linspace(-10.0, 10.0, 401), np.linspace(-1.0, 1.0, 41)))  # where activations are looked at
FEW = 23  # of the places looked at, for the questions that Python functions are asked first
OUTPUTS = np.linspace(
    -15.0, 15.0, 121
)  # what an output gives for these a shows its range, before float64 rounds it off
KINK_TARGETS = (0.0, 0.5, 1.0, -2.0)


def own_activation(
    name: str,
    formula: str = "",
    *,
    g: Values | None = None,
    derivative: Values | None = None,
    initialization: str = "glorot",
    **constants: float,
) -> Activation:
    """An activation of your own, from a formula in a or from two Python functions; it goes wherever a name goes.

    Args:
        name: what it is called in messages, files and traces.
        formula: z = g(a), such as "a*sigmoid(2*a)" or "a if a > 0 else slope*a"; see `tw.parse` for what it may hold.
        g: instead of a formula, a function of an array that gives an array of the same shape.
        derivative: with g, its derivative g′(a), likewise.
        initialization: which scheme suits a layer with it: "glorot", "he", "lecun" …
        constants: numbers for the other names in the formula.

    Raises:
        InputError: the formula is none, has a name without a number, or no value somewhere; the functions do not keep
            shapes or work element by element; the derivative is not that of the values: where, and both numbers.

    >>> swish = own_activation("swish2", "a*sigmoid(b*a)", b=2)
    >>> swish, swish(np.array([-1.0, 0.0, 1.0])).round(3).tolist()
    (swish2(b=2), [-0.119, 0.0, 0.881])
    >>> cube = own_activation("cube", g=lambda a: a**3, derivative=lambda a: 3 * a**2)
    """
    what = f"the activation {check_name(name, ACTIVATIONS)}"
    check_choice(initialization, tuple(INITIALIZATIONS), "initialization")
    options = () if initialization == "glorot" else (("initialization", initialization),)
    own = _Own(what, "a", formula, {"g": g, "derivative": derivative}, constants, {"a": A}, options)
    with np.errstate(all="ignore"):
        values = own.value(A)
        check_values(what, values, A)
        check_slope(what, own.value, own.slope, {"a": A})
        kinks = kinks_of(own.slope, A)
        positive = bool((own.value(OUTPUTS) > 0.0).all())
    return Activation(
        name, own.text, own.slope_text, lambda a, _: own.value(a), lambda a, _: own.slope(a), "a", kinks=kinks,
        positive=positive, initialization=initialization, fixed=own.constants, own=own.made_of,
    )  # fmt: skip


def own_loss(
    name: str,
    formula: str = "",
    *,
    value: Values | None = None,
    derivative: Values | None = None,
    targets: Bounds = (None, None),
    outputs: Bounds = (None, None),
    **constants: float,
) -> Loss:
    """A loss of your own, from a formula in z (the output ŷ) and y (the target) or from two Python functions.

    It says what one output adds to E; a row's E is the sum over its outputs, as for the losses of our table.

    Args:
        name: what it is called in messages, files and traces.
        formula: such as "log(cosh(z - y))" or "level*(y - z) if z <= y else (1 - level)*(z - y)".
        value: instead of a formula, a function of two arrays z and y that gives an array of their shape.
        derivative: with value, its derivative with respect to z, likewise.
        targets: the least and the greatest target that is allowed; None is no bound.
        outputs: the range that the output's activation must stay within, its ends excluded; None is no bound.
        constants: numbers for the other names in the formula.

    Raises:
        InputError: the formula is none, or has a name without a number; the functions do not keep shapes or work
            element by element; the derivative is not that of the values: where, and both numbers.

    >>> tilted = own_loss("tilted", "level*(y - z) if z <= y else (1 - level)*(z - y)", level=0.9)
    >>> tilted, tilted.kinks
    (tilted(level=0.9), (0.0,))
    >>> deviance = own_loss("gamma_deviance", "y/z + log(z)", targets=(0, None), outputs=(0, None))
    """
    what = f"the loss {check_name(name, LOSSES)}"
    targets, outputs = check_bounds(targets, "targets"), check_bounds(outputs, "outputs")
    options = [("targets", targets), ("outputs", outputs)]
    kept = tuple((key, bounds) for key, bounds in options if bounds != (None, None))
    grids = np.meshgrid(_samples(outputs, closed=False), _samples(targets, closed=True))
    points = {"z": grids[0].ravel(), "y": grids[1].ravel()}
    own = _Own(what, "z", formula, {"value": value, "derivative": derivative}, constants, points, kept)
    with np.errstate(all="ignore"):
        check_slope(what, own.value, own.slope, points)
    low, high = _infinite(targets)
    return Loss(
        name, own.text, own.slope_text, lambda z, y, _: own.value(z, y), lambda z, y, _: own.slope(z, y),
        outputs=lambda output: stays_within(output, outputs), outputs_rule=f"with values {_open_range(outputs)}",
        targets=lambda y: np.isfinite(y) & (low <= y) & (y <= high), targets_rule=_closed_range(targets),
        kinks=_residual_kinks(own.slope, targets, outputs), fixed=own.constants, own=own.made_of,
    )  # fmt: skip


class _Own:
    """Values and slope as functions of arrays, their texts, and what makes the row again."""

    def __init__(
        self,
        what: str,
        by: str,
        text: str,
        functions: Mapping[str, Values | None],
        constants: Mapping[str, Any],
        points: Mapping[str, np.ndarray],
        options: tuple[tuple[str, Any], ...],
    ) -> None:
        given = {name: function for name, function in functions.items() if function is not None}
        both = " and ".join(functions)
        if bool(text) == bool(given) or (given and len(given) < len(functions)):
            message = f"{what} is made from a formula or from two functions, {both}: give the one or the others"
            raise InputError(message)
        self.text = self.slope_text = ""
        self.constants = {name: _constant(what, name, value) for name, value in constants.items()}
        if text:
            self._from_formula(what, by, formula(text), tuple(points))
            self.made_of = (("formula", self.text), *self.constants.items(), *options)
            return
        if constants:
            message = f"{what}: {', '.join(constants)} would do nothing beside Python functions; leave it out"
            raise InputError(message)
        few = np.random.Generator(np.random.PCG64(0)).choice(len(points[by]), FEW, replace=False)
        for name, function in given.items():
            if not callable(function):
                message = f"{what}: {name} must be a function of arrays, not {shown(function)}"
                raise InputError(message)
            check_elementwise(f"{name} of {what}", function, [grid[few] for grid in points.values()])
        self.value, self.slope = (_read_only(function) for function in given.values())
        self.made_of = (*given.items(), *options)

    def _from_formula(self, what: str, by: str, typed: Formula, variables: tuple[str, ...]) -> None:
        allowed = {*variables, *self.constants}
        unknown, idle = sorted(typed.symbols - allowed), sorted(set(self.constants) - typed.symbols)
        if unknown:
            message = (
                f"{what}: its formula is of {' and '.join(variables)}, and {unknown[0]} is neither that nor a constant "
                f"with a number; give it one: {unknown[0]}=0.5"
            )
            raise InputError(message)
        if idle:
            message = f"{what}: the constant {idle[0]} would do nothing, as the formula does not have it; leave it out"
            raise InputError(message)
        if by not in typed.symbols:
            message = f"{what}: its formula is the same for every {by}, so that nothing can be learnt through it"
            raise InputError(message)
        slope = typed.derivative(by)
        self.text, self.slope_text = typed.text, slope.text
        if len(self.slope_text) > MAX_LENGTH:
            message = (
                f"{what}: its derivative has {len(self.slope_text):,} characters, and a formula may have "
                f"{MAX_LENGTH:,}; write it shorter, or give Python functions"
            )
            raise InputError(message)
        try:
            self.value, self.slope = (one.with_numbers(self.constants).on_arrays(variables) for one in (typed, slope))
        except Undefined as error:
            message = f"{what}: {error}"
            raise InputError(message) from error


def find_activation_or_own(given: Any) -> Activation:
    """The activation of this name, or itself, or the one that a file's dictionary describes, an own one too.

    Raises:
        InputError: there is none of this name, or the dictionary describes none.
    """
    return _made(own_activation, given) if _is_own(given) else find_activation(given)


def find_loss_or_own(given: Any) -> Loss:
    """The loss of this name, or itself, or the one that a file's dictionary describes, an own one too.

    Raises:
        InputError: there is none of this name, or the dictionary describes none.
    """
    return _made(own_loss, given) if _is_own(given) else find_loss(given)


def _reduced(row: Activation | Loss) -> tuple[Any, ...]:
    """What pickle keeps of a row: how it is found or made again; Python functions go the way pickle takes them."""
    make, find = (
        (own_activation, find_activation_or_own) if isinstance(row, Activation) else (own_loss, find_loss_or_own)
    )
    if any(callable(value) for _, value in row.own):
        return functools.partial(make, row.name, **dict(row.own)), ()
    return find, (row.to_dict(),)


# The functions of a row of our tables have no names that pickle could find.
copyreg.pickle(Activation, _reduced)
copyreg.pickle(Loss, _reduced)


def plain_activation(given: Any) -> Any:
    """An activation, or several, as a network may be given them, in plain JSON types.

    Raises:
        InputError: one is made of Python functions.
    """
    if isinstance(given, (list, tuple)):
        return [plain_activation(one) for one in given]
    return given.to_dict() if isinstance(given, Activation) else given


def _is_own(given: Any) -> bool:
    return isinstance(given, dict) and "formula" in given


def _made(make: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    try:
        return make(**given)
    except TypeError as error:  # a name is missing, or no text
        message = f"this describes no row of one's own: {error}"
        raise InputError(message) from None


def check_name(name: Any, taken: Mapping[str, Any]) -> str:
    """A name for a row that is none of our own table.

    Raises:
        InputError: it is taken, or no such name.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        message = f"a name begins with a letter and has at most 40 letters, digits and _, not {shown(name)}"
        raise InputError(message)
    if name in taken:
        message = f"there is a row {name!r} already; take another name"
        raise InputError(message)
    return name


def check_bounds(given: Any, what: str) -> Bounds:
    """Two bounds, the lower first, each a number or None.

    Raises:
        InputError: they are not.
    """
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        message = f"{what} must be two bounds such as (0, None), None where there is none, not {shown(given)}"
        raise InputError(message)
    low, high = (None if one is None else check_number(one, math.isfinite, what, "a number or None") for one in given)
    if low is not None and high is not None and not low < high:
        message = f"{what}: the first bound must be below the second, not {shown(given)}"
        raise InputError(message)
    return low, high


def stays_within(output: Activation, bounds: Bounds) -> bool:
    """Whether what this output gives lies between the bounds: looked at for many a."""
    if bounds == (None, None):
        return True
    low, high = _infinite(bounds)
    a = OUTPUTS[:, None] if output.elementwise else np.stack([OUTPUTS, np.zeros_like(OUTPUTS)], axis=1)
    z = output(a)
    return bool(((low < z) & (z < high)).all())


def own_row_hint(g: Activation, loss: Loss, what: str) -> str:
    """A sentence where a value that is not finite may come from an own row that has no value there; else nothing.

    Args:
        g: the activation of the layer in which it was met.
        loss: the network's loss.
        what: "the output", "the loss" …, as `engines.base.Broken` has it.
    """
    row = g if what == "the output" else loss
    if not row.own or what == "the gradient":
        return ""
    said = f"{row!r}, {row.formula}," if row.formula else f"{row!r}"
    if row is loss:
        return f"The loss {said} may have no value there: own_loss(outputs=…) keeps outputs where it has one."
    return f"The activation {said} may be too large there, or have no value."


def _constant(what: str, name: str, value: Any) -> float:
    return check_number(value, math.isfinite, f"{what}: {name}", "a number")


def _read_only(function: Values) -> Values:
    """The function on arrays that it cannot change, its result in their dtype."""

    def called(*arrays: np.ndarray) -> np.ndarray:
        views = [array.view() for array in arrays]
        for view in views:
            view.flags.writeable = False
        return np.asarray(function(*views)).astype(arrays[0].dtype, copy=False)

    return called


def _infinite(bounds: Bounds) -> tuple[float, float]:
    low, high = bounds
    return -math.inf if low is None else low, math.inf if high is None else high


def _samples(bounds: Bounds, *, closed: bool) -> np.ndarray:
    """Numbers between the bounds; the bounds themselves where the range is closed."""
    low, high = bounds
    if low is None and high is None:
        return np.unique(np.append(np.linspace(-5.0, 5.0, 41), [-30.0, -0.01, 0.01, 30.0]))
    if low is not None and high is not None:
        inner = low + (high - low) * np.linspace(0.0, 1.0, 43)[1:-1]
    else:
        distance = np.unique(np.append(np.geomspace(1e-2, 1e2, 33), np.arange(0.25, 5.0, 0.25)))
        inner = low + distance if low is not None else high - distance  # type: ignore[operator]
    return np.append([one for one in bounds if one is not None], inner) if closed else inner


def _residual_kinks(slope: Values, targets: Bounds, outputs: Bounds) -> tuple[float, ...]:
    """The ŷ − y at which the slope jumps, where these are the same for different targets."""
    low, high = _infinite(targets)
    grid = np.unique(np.append(A, _samples(outputs, closed=False)))
    least, greatest = _infinite(outputs)
    grid = grid[(least < grid) & (grid < greatest)]
    found = []
    for y in KINK_TARGETS:
        if low <= y <= high:
            kinks = kinks_of(lambda z, y=y: slope(z, np.full_like(z, y)), grid)
            found.append(tuple(round(kink - y, 9) + 0.0 for kink in kinks))
    return found[0] if found and all(one == found[0] for one in found) else ()


def _closed_range(bounds: Bounds) -> str:
    low, high = bounds
    if low is None and high is None:
        return "finite numbers"
    return f"numbers from {low:g} to {high:g}" if low is not None and high is not None else (
        f"numbers ≥ {low:g}" if low is not None else f"numbers ≤ {high:g}"
    )  # fmt: skip


def _open_range(bounds: Bounds) -> str:
    low, high = bounds
    if low is not None and high is not None:
        return f"between {low:g} and {high:g}"
    return "of any size" if bounds == (None, None) else f"above {low:g}" if low is not None else f"below {high:g}"
