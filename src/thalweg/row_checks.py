"""What a user's own activation or loss must keep before it is used: element by element, and with its own derivative.

Both are asked on a grid in float64. Beside a kink no difference says the slope, so there it has to lie between the
slopes to the left and to the right; a place without a finite value, or too rough to tell, says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from thalweg.differences import EPSILON, four_points, one_sided
from thalweg.errors import InputError, shown


if TYPE_CHECKING:
    from jaxtyping import Float

    Grid = Float[np.ndarray, " n"]
    OnArrays = Callable[..., np.ndarray]

TOLERANCE = 1e-5  # of a slope, relative to itself or to what slopes are on this grid
SLACK = 1e-3  # by which a slope at a kink may lie outside those beside it, which differ from the limits by h·f″
LEAST = 0.1  # share of the grid that must be compared for the answer to say anything
HALVINGS = 60  # of a cell of the grid in search of a kink: to the last bit


def check_elementwise(what: str, f: OnArrays, grids: Sequence[Grid]) -> None:
    """Call it as the engines will: arrays in, new arrays of the same shape out, each element from its own alone.

    Args:
        what: what messages call it.
        f: one array of each kind in (a; or z and y), one out.
        grids: a float64 vector for each array.

    Raises:
        InputError: it fails, changes an argument, or gives what is no such array.
    """
    half = len(grids[0]) // 2
    whole = _called(what, f, grids)
    reversed_rows = _called(what, f, [np.ascontiguousarray(grid[::-1]) for grid in grids])[::-1]
    table = _called(what, f, [grid[: 2 * half].reshape(half, 2) for grid in grids]).ravel()
    _called(what, f, [grid.astype(np.float32) for grid in grids])
    for other in (reversed_rows, table):
        expected = whole[: len(other)]
        same = np.isclose(other, expected, rtol=1e-9, atol=1e-12 * _largest(whole), equal_nan=True)
        if not same.all():
            place = int(np.argmin(same))
            message = (
                f"{what} must work element by element, but gives {expected[place]:g} or {other[place]:g} for the same "
                f"number {grids[0][place]:g}, depending on what stands beside it; write it without sums over the array"
            )
            raise InputError(message)


def _called(what: str, f: OnArrays, given: Sequence[np.ndarray]) -> np.ndarray:
    copies = [one.copy() for one in given]
    try:
        with np.errstate(all="ignore"):
            found = f(*copies)
    except Exception as error:
        message = (
            f"{what} must take whole NumPy arrays, but fails on one of shape {given[0].shape} and {given[0].dtype}: "
            f"{type(error).__name__}: {error}; write it with NumPy's functions, and np.where in the place of if"
        )
        raise InputError(message) from error
    if not isinstance(found, np.ndarray) or found.shape != given[0].shape or found.dtype.kind not in "fiub":
        got = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else shown(found)
        message = (
            f"{what} must give an array of numbers of the shape that it gets, {given[0].shape}, not {got}; "
            f"a constant is np.full_like(a, …)"
        )
        raise InputError(message)
    if found.dtype.kind == "f" and found.itemsize < given[0].itemsize:
        message = f"{what} gives {found.dtype} for {given[0].dtype}; let it compute in the dtype of what it gets"
        raise InputError(message)
    for one, copy in zip(given, copies, strict=True):
        if not np.array_equal(one, copy, equal_nan=True):
            message = f"{what} changes the array that it is given; let it make a new one, as a * 2 does and a *= 2 not"
            raise InputError(message)
    return found


def check_slope(what: str, f: OnArrays, derivative: OnArrays, points: Mapping[str, Grid]) -> None:
    """Compare the derivative with differences of f along the first variable.

    Args:
        what: what messages call it.
        f: values from arrays, in the order of `points`.
        derivative: its derivative with respect to the first of them, likewise.
        points: variable → float64 vector, where to compare.

    Raises:
        InputError: they disagree: where, and by how much; or there is nowhere to compare.
    """
    x, *fixed = points.values()

    def along(moved: Grid) -> Grid:
        return np.asarray(f(moved, *fixed), dtype=np.float64)

    with np.errstate(all="ignore"):
        values, slopes = along(x), np.asarray(derivative(x, *fixed), dtype=np.float64)
        numeric, unsure = four_points(along, x)
        left, right, jumps = one_sided(along, x, 8.0 * EPSILON * np.abs(values))
        size = np.maximum(np.maximum(np.abs(slopes), np.abs(numeric)), 1e-3 * _typical(numeric))
        clear = np.isfinite(values) & ~jumps & (unsure <= 0.1 * TOLERANCE * size)
        wrong = clear & ~(np.abs(slopes - numeric) <= TOLERANCE * size)
        slack = SLACK * np.maximum(np.maximum(np.abs(left), np.abs(right)), 1.0)
        between = (np.minimum(left, right) - slack <= slopes) & (slopes <= np.maximum(left, right) + slack)
        beside = jumps & np.isfinite(left) & np.isfinite(right)
    if wrong.any():
        place = int(np.argmax(np.where(wrong, np.nan_to_num(np.abs(slopes - numeric) / size, nan=np.inf), -1.0)))
        _refuse(what, points, place, f"{slopes[place]:.10g}", f"{numeric[place]:.10g}")
    if (beside & ~between).any():
        place = int(np.argmax(beside & ~between))
        sides = f"{left[place]:.6g} to the left, {right[place]:.6g} to the right"
        _refuse(what, points, place, f"{slopes[place]:.10g}", sides)
    if clear.mean() < LEAST:
        message = (
            f"the derivative of {what} cannot be checked: only {clear.mean():.0%} of the places looked at have a "
            f"finite value and a slope that differences can tell; see where it is defined, and that it computes in "
            f"float64"
        )
        raise InputError(message)
    if not slopes[clear].any():
        message = f"the derivative of {what} is 0 wherever it was looked at, so that nothing can be learnt through it"
        raise InputError(message)


def _refuse(what: str, points: Mapping[str, Grid], place: int, said: str, found: str) -> NoReturn:
    where = ", ".join(f"{name} = {grid[place]:g}" for name, grid in points.items())
    if said == "nan":
        remedy = "say what holds there: with if … else in a formula, with np.where in a Python function"
    else:
        remedy = "correct one of the two, or give a formula, which is differentiated for you"
    message = (
        f"the derivative of {what} is not that of its values: at {where} it is {said}, but differences of the values "
        f"say {found}; {remedy}"
    )
    raise InputError(message)


def check_values(what: str, values: Grid, grid: Grid) -> None:
    """Refuse an activation that has no value somewhere.

    Raises:
        InputError: one of the values is not a number.
    """
    missing = np.isnan(values)
    if missing.any():
        message = (
            f"{what} has no value at a = {grid[int(np.argmax(missing))]:g}, and a may be any number; say what holds "
            f"there, such as sqrt(a) if a > 0 else 0"
        )
        raise InputError(message)


def kinks_of(derivative: Callable[[Grid], np.ndarray], grid: Grid) -> tuple[float, ...]:
    """Where the derivative jumps: the cells of the grid over which it changes are halved until no room is left.

    >>> kinks_of(lambda a: np.sign(a - 0.3), np.linspace(-2.0, 2.0, 41))
    (0.3,)
    """
    with np.errstate(all="ignore"):
        slopes = np.asarray(derivative(grid), dtype=np.float64)
        scale = _largest(slopes)
        cells = np.flatnonzero(np.abs(np.diff(slopes)) > SLACK * scale)
        left, right = grid[cells], grid[cells + 1]
        at_left, at_right = slopes[cells], slopes[cells + 1]
        for _ in range(HALVINGS):
            middle = 0.5 * (left + right)
            at_middle = np.asarray(derivative(middle), dtype=np.float64)
            first = np.abs(at_middle - at_left) >= np.abs(at_right - at_middle)
            right, at_right = np.where(first, middle, right), np.where(first, at_middle, at_right)
            left, at_left = np.where(first, left, middle), np.where(first, at_left, at_middle)
        jumps = np.abs(at_right - at_left) > 1e-6 * scale
    return tuple(sorted({float(np.round(place, 12)) + 0.0 for place in right[jumps]}))


def _typical(slopes: Grid) -> float:
    """The median of the slopes that are not 0: half of a relu's are."""
    sizes = np.abs(slopes[np.isfinite(slopes) & (slopes != 0.0)])
    return float(np.median(sizes)) if len(sizes) else 1.0


def _largest(values: Grid) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
