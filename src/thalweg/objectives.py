"""What `descend` walks on: a formula or a callable as a landscape, its gradient symbolic, given or numeric.

A callable may take a number, n numbers or a vector; may give a value, or a value and a gradient. All that is looked at
once, at the start, where mistakes are named; afterwards what is not finite is an answer, and no error.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import numbers
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from thalweg.closures import compiled
from thalweg.errors import InputError, shown
from thalweg.expressions import Expression, Undefined
from thalweg.landscape import bend, dot, norm


if TYPE_CHECKING:
    from jaxtyping import Float

    Vector = Float[np.ndarray, " n"]

EPSILON = float(np.finfo(np.float64).eps)
# Central differences err by O(h²) for truncation and O(ε/h) for rounding: h = ε^(1/3), relative to x, balances them.
CENTRAL = EPSILON ** (1 / 3)
# Of gradients that are themselves central differences, exact to about ε^(2/3): h = ε^(2/9).
CENTRAL_TWICE = EPSILON ** (2 / 9)
COMPLEX = 1e-100  # f(x + ih) = f(x) + ih f′(x) subtracts nothing, so that h may be as short as numbers allow
MOST_SCALED = 1_000  # coordinates whose scale is looked for, at four values of f each or more
SMALLEST = 13  # powers of ten that a scale may be below 1
SYMBOLIC_HESSIAN = 10  # coordinates; for more, n²/2 formulas cost more than n differences of gradients
GRADIENTS = ("complex", "central")
THE_FORMULA, DIFFERENCES = "the formula", "central differences"
GIVEN = ("gradient", "f itself")  # where a gradient comes from that the user wrote


@dataclass
class Objective:
    """A function of n numbers that counts what it is asked; outside `domain` it is not defined.

    `names` are those of the coordinates; `gradient_from` says where the gradient comes from.
    """

    names: tuple[str, ...]
    domain: tuple[Vector, Vector] | None
    gradient_from: str = ""
    formula: Expression | None = None
    minima: tuple[tuple[tuple[float, ...], float], ...] = ()  # those known: (place, value)
    why: str = ""  # f was not defined where it was last asked
    counts: dict[str, int] = field(default_factory=lambda: {"values": 0, "gradients": 0, "hessians": 0})

    _scale: Vector | None = field(init=False, repr=False, default=None)
    _value: Callable[[Vector], float] = field(init=False, repr=False)
    _gradient: Callable[[Vector], Vector] | None = field(init=False, repr=False, default=None)
    _both: Callable[[Vector], tuple[float, Vector]] | None = field(init=False, repr=False, default=None)
    _hessian: Callable[[Vector], np.ndarray] | None = field(init=False, repr=False, default=None)

    def scale(self, x: Vector) -> Vector:
        """How far along each coordinate f looks straight where x is 0: looked for once, at the first x."""
        if self._scale is None:
            with self.uncounted():
                self._scale = _scales(self, x) if self.formula is None else np.ones(self.n)
        return self._scale

    @contextlib.contextmanager
    def uncounted(self) -> Iterator[None]:
        """What is asked meanwhile is not counted."""
        counts = dict(self.counts)
        try:
            yield
        finally:
            self.counts.update(counts)

    @property
    def is_given(self) -> bool:
        """Whether the user wrote the gradient."""
        return self.gradient_from in GIVEN

    @property
    def n(self) -> int:
        """How many numbers f takes."""
        return len(self.names)

    def value(self, x: Vector) -> float:
        """f(x); nan where it is not defined, ±inf where it overflows."""
        if self.domain is not None and not self._is_inside(x):
            return math.nan
        self.counts["values"] += 1
        try:
            return self._value(x)
        except (ArithmeticError, ValueError) as error:
            return self._instead(error)

    def value_and_gradient(self, x: Vector) -> tuple[float, Vector]:
        """f(x) and ∇f(x); the gradient is nan where either is not defined."""
        if self._both is None:
            value = self.value(x)
            return value, (self.gradient(x) if math.isfinite(value) else np.full(self.n, math.nan))
        if self.domain is not None and not self._is_inside(x):
            return math.nan, np.full(self.n, math.nan)
        self.counts["values"] += 1
        self.counts["gradients"] += 1
        try:
            return self._both(x)
        except (ArithmeticError, ValueError) as error:
            value = self._instead(error)
            # A formula may have a value where its slope has none, as sqrt(x) at 0.
            return value if self.formula is None else self.value(x), np.full(self.n, math.nan)

    def gradient(self, x: Vector) -> Vector:
        """∇f(x), nan where it is not defined."""
        self.counts["gradients"] += 1
        try:
            return self._both(x)[1] if self._both else self._gradient(x)  # type: ignore[misc]
        except (ArithmeticError, ValueError) as error:
            self._instead(error)
            return np.full(self.n, math.nan)

    def hessian(self, x: Vector) -> Float[np.ndarray, "n n"]:
        """The second derivatives: given, symbolic, or differences of the gradient."""
        self.counts["hessians"] += 1
        try:
            if self._hessian is not None:
                return self._hessian(x)
            return np.stack([self.bend(x, d) for d in np.eye(self.n)])
        except (ArithmeticError, ValueError) as error:
            self._instead(error)
            return np.full((self.n, self.n), math.nan)

    def curvature(self, x: Vector, d: Vector) -> float:
        """dᵀ H(x) d."""
        if self._hessian is not None:
            return float(d @ self.hessian(x) @ d)
        return dot(d, self.bend(x, d))

    def bend(self, x: Vector, d: Vector) -> Vector:
        """H(x) d, by central differences of the gradient along d."""
        share = CENTRAL_TWICE if self.gradient_from == DIFFERENCES else CENTRAL
        wide, scale = max(1.0, float(np.abs(x).max())), self.scale(x)
        reach = np.where(scale < 1.0, np.maximum(scale, np.abs(x)), wide)  # of each coordinate
        length = norm(d)
        return bend(self.gradient, x, d, share / float((np.abs(d) / length / reach).max()) if length > 0.0 else share)

    def on_grid(self, *axes: Float[np.ndarray, " m"]) -> np.ndarray:
        """f on the grid of one or two axes, shape (m,) or (m₂, m₁) with x along the columns; nan where not defined."""
        grids = np.meshgrid(*axes)
        if self.formula is not None:
            return self.formula.on_grid(**dict(zip(self.names, grids, strict=True)))
        points = np.stack([grid.ravel() for grid in grids], axis=1)
        with np.errstate(all="ignore"), self.uncounted():
            heights = [self.value(point) for point in points]
        return np.array(heights).reshape(grids[0].shape)

    def _is_inside(self, x: Vector) -> bool:
        low, high = self.domain  # type: ignore[misc]
        outside = np.flatnonzero(~((low <= x) & (x <= high)))
        if not len(outside):
            return True
        i = int(outside[0])
        self.why = f"{self.names[i]} = {x[i]:.6g} lies outside the domain from {low[i]:g} to {high[i]:g}"
        return False

    def _instead(self, error: Exception) -> float:
        """The value where f raised an arithmetic error; what it tells is kept."""
        if isinstance(error, InputError):
            raise error
        self.why = str(error) if isinstance(error, Undefined) else f"f raised {type(error).__name__}: {error}"
        return math.inf if isinstance(error, OverflowError) else math.nan


def of_formula(formula: Expression, names: tuple[str, ...], domain: Any, gradient: Any, hessian: Any) -> Objective:
    """A formula with its symbolic derivatives; numeric ones where those would be too long."""
    if gradient is not None or hessian is not None:
        message = (
            "a formula brings its own gradient and Hessian; leave gradient and hessian out, or give f as a callable"
        )
        raise InputError(message)
    one = Objective(names, domain, THE_FORMULA, formula)
    value = compiled([formula], names)
    one._value = lambda x: value(x.tolist())[0]
    try:
        partials = [formula.derivative(name) for name in names]
    except InputError:
        one.gradient_from, one._gradient = DIFFERENCES, _central(one)
        return one
    both = compiled([formula, *partials], names)

    def value_and_gradient(x: Vector) -> tuple[float, Vector]:
        value, *slopes = both(x.tolist())
        return value, np.array(slopes)

    one._both = value_and_gradient
    if len(names) <= SYMBOLIC_HESSIAN:
        try:
            entries = compiled([partial.derivative(name) for partial in partials for name in names], names)
        except InputError:
            return one
        one._hessian = lambda x: np.array(entries(x.tolist())).reshape(len(names), len(names))
    return one


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
        one._value = lambda x: _number(f(*form(x))[0], x)
        one._both = lambda x: _value_and_gradient(f(*form(x)), x, len(x))
        one.gradient_from = GIVEN[1]
        one._both(start)
    else:
        one._value = lambda x: _number(f(*form(x)), x)
    if callable(gradient):
        slope_form = _form(gradient, len(start), is_number)
        one._gradient = lambda x: _vector(gradient(*slope_form(x)), len(x), "gradient")
        one.gradient_from = GIVEN[0]
        _first(gradient, slope_form, start, names, "gradient")
        one._gradient(start)
    elif not gives_both:
        if gradient not in (None, *GRADIENTS):
            message = f"gradient must be a callable, 'complex', 'central' or None, not {gradient!r}"
            raise InputError(message)
        complex_step = None if gradient == "central" else _complex(f, form, one, start)
        if gradient == "complex" and complex_step is None:
            message = (
                "gradient='complex' needs an f that computes with complex numbers, and this one gives another slope or "
                "none with them (abs, comparisons and conversions to float do not go along); use gradient='central'"
            )
            raise InputError(message)
        one.gradient_from = "the complex step" if complex_step else DIFFERENCES
        one._gradient = complex_step or _central(one)
    if hessian is not None:
        bend_form = _form(hessian, len(start), is_number)
        one._hessian = lambda x: _matrix(hessian(*bend_form(x)), len(x))
        _first(hessian, bend_form, start, names, "hessian")
        one._hessian(start)
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
        shown = f"an array of shape {array.shape}" if array.size != 1 else repr(given)
        message = f"f must give one number, and at {x} it gives {shown}"
    raise InputError(message)


def _value_and_gradient(given: Any, x: Vector, n: int) -> tuple[float, Vector]:
    return _number(given[0], x), _vector(given[1], n, "f's gradient")


def _vector(given: Any, n: int, what: str) -> Vector:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as NumPy's, where an imaginary part would be lost
            array = np.array(given, dtype=np.float64, ndmin=1)
    except (TypeError, ValueError, Warning):
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


def _scales(one: Objective, x: Vector) -> Vector:
    """How far along each coordinate differences may reach: 1, or less where f bends within that, by powers of ten.

    Two central differences, one over half the distance of the other, agree where f looks straight over both.
    """
    scale = np.ones(len(x))
    if len(x) > MOST_SCALED:
        return scale
    for i, xi in enumerate(x.tolist()):
        if abs(xi) >= 1.0:
            continue
        for decade in range(SMALLEST):
            h = CENTRAL * max(10.0**-decade, abs(xi))
            ends = [one.value(_moved(x, i, distance)) for distance in (-h, -0.5 * h, 0.5 * h, h)]
            wide, narrow = (ends[3] - ends[0]) / (2.0 * h), (ends[2] - ends[1]) / h
            rounding = 10.0 * EPSILON * max(map(abs, ends)) / h
            if abs(wide - narrow) <= 1e-4 * abs(narrow) + rounding or abs(xi) >= 10.0**-decade:
                scale[i] = 10.0**-decade
                break
    return scale


def _moved(x: Vector, i: int, distance: float) -> Vector:
    moved = x.copy()
    moved[i] += distance
    return moved


def _central(one: Objective) -> Callable[[Vector], Vector]:
    """(f(x + h) − f(x − h)) / 2h per coordinate; one-sided at the edge of the domain."""

    def gradient(x: Vector) -> Vector:
        slopes, scale = np.empty(len(x)), one.scale(x)
        for i, xi in enumerate(x.tolist()):
            h = CENTRAL * max(scale[i], abs(xi))
            ahead, behind = x.copy(), x.copy()
            ahead[i], behind[i] = xi + h, xi - h
            if one.domain is not None:
                ahead[i], behind[i] = min(ahead[i], one.domain[1][i]), max(behind[i], one.domain[0][i])
            slopes[i] = (one.value(ahead) - one.value(behind)) / (ahead[i] - behind[i])
        return slopes

    return gradient


def _complex(
    f: Callable[..., Any], form: Callable[[np.ndarray], tuple[Any, ...]], one: Objective, start: Vector
) -> Callable[[Vector], Vector] | None:
    """Im f(x + ih) / h per coordinate, if f goes along with complex numbers around the start (Squire & Trapp 1998)."""

    def steps(x: Vector) -> Vector:
        slopes = np.empty(len(x))
        for i in range(len(x)):
            moved = x.astype(np.complex128)
            moved[i] += 1j * COMPLEX
            slopes[i] = complex(np.asarray(f(*form(moved))).item()).imag / COMPLEX
            one.counts["values"] += 1
        return slopes

    central = _central(one)
    signs = np.where(np.arange(len(start)) % 2, -1.0, 1.0)

    def gradient(x: Vector) -> Vector:
        """f may meet |x|, or a branch that turns complex numbers real, at any point: one difference looks each time."""
        slopes = steps(x)
        d = CENTRAL * np.maximum(one.scale(x), np.abs(x)) * signs
        ahead, behind = one.value(x + d), one.value(x - d)
        foretold = 2.0 * dot(slopes, d)
        rounding = 10.0 * EPSILON / CENTRAL * max(abs(ahead), abs(behind))  # that of x ± d counts most
        sure = 1e-3 * (abs(foretold) + abs(ahead - behind)) + 2e-3 * float(np.abs(slopes * d).sum()) + rounding
        if math.isfinite(ahead - behind) and not abs(ahead - behind - foretold) <= sure:
            one._gradient, one.gradient_from = central, DIFFERENCES
            return central(x)
        return slopes

    size = 0.1 * np.maximum(one.scale(start), np.abs(start))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as NumPy's, where a conversion to float drops the imaginary part
            for x in (start, start + size, start - 0.7 * size, start + 0.31 * size * signs):
                x = x if one.domain is None else np.clip(x, *one.domain)
                exact, near = steps(x), central(x)
                scale = max(1.0, float(np.abs(near).max()), abs(one.value(x)))
                if not np.abs(exact - near).max() <= 1e-5 * scale:
                    return None
    except Exception:  # noqa: BLE001  (whatever f does not like about complex numbers, central differences do without)
        return None
    return gradient
