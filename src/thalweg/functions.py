"""Functions to walk on, by name: each shows something that walks meet. One row each in `FUNCTIONS`.

The minima are those that the literature lists; the tests prove them. Sources: Rosenbrock 1960; Himmelblau 1972; Beale
1958; Rastrigin 1974; the others are the lecture's and textbook ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from thalweg.errors import InputError
from thalweg.expressions import Expression
from thalweg.parsing import parse
from thalweg.settings import check_number


@dataclass(frozen=True)
class Function:
    """A formula with a start, a window to draw and its minima.

    >>> FUNCTIONS["rosenbrock"](1.0, 1.0)
    0.0
    """

    name: str  # a key of FUNCTIONS
    text: str  # the formula
    shows: str  # what a walk meets here
    start: tuple[float, ...]  # where walks begin
    window: tuple[tuple[float, float], ...]  # one pair for each variable
    minima: tuple[tuple[tuple[float, ...], float], ...]  # (place, value): the known ones, the lowest among them

    @cached_property
    def formula(self) -> Expression:
        """The formula as a tree."""
        return parse(self.text)

    @property
    def lowest(self) -> float:
        """The lowest of the minima."""
        return min(value for _, value in self.minima)

    def __call__(self, *x: float) -> float:
        """f(x), one number for each variable in their order."""
        return self.formula(*x)


_AROUND = ((-5.0, 5.0), (-5.0, 5.0))
_ROWS = (
    Function("parabola", "x**2", "the lecture's y = xᵀx: steep means far, so a longer step", (4.0,), ((-5.0, 5.0),),
             (((0.0,), 0.0),)),
    Function("waves", "x**2 + 3*sin(x) + 2*cos(3*x)", "local minima: the start decides where a walk ends", (4.0,),
             ((-6.0, 6.0),),
             (((-1.0208494066656209,), -3.509278513986872), ((0.8267321757139334,), 1.3123813226680507),
              ((2.9682481083357923,), 7.592325088774365))),
    Function("plateau", "x**2/(1 + x**2)", "flat far away: the gradient says little", (5.0,), ((-8.0, 8.0),),
             (((0.0,), 0.0),)),
    Function("absolute", "abs(x)", "a kink: the gradient does not shrink, so a constant rate never settles", (3.3,),
             ((-5.0, 5.0),), (((0.0,), 0.0),)),
    Function("bowl", "x**2/2 + 10*y**2/2", "condition number 10: the path zigzags across the valley", (8.0, 2.0),
             ((-10.0, 10.0), (-4.0, 4.0)), (((0.0, 0.0), 0.0),)),
    Function("rosenbrock", "(1 - x)**2 + 100*(y - x**2)**2", "a bent, narrow valley: soon in it, long to its end",
             (-1.2, 1.0), ((-2.0, 2.0), (-1.0, 3.0)), (((1.0, 1.0), 0.0),)),
    Function("himmelblau", "(x**2 + y - 11)**2 + (x + y**2 - 7)**2", "four minima of one depth", (0.0, 0.0), _AROUND,
             (((3.0, 2.0), 0.0), ((-2.805118086952745, 3.131312518250573), 0.0),
              ((-3.779310253377747, -3.283185991286170), 0.0), ((3.584428340330492, -1.848126526964404), 0.0))),
    Function("beale", "(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2",
             "steep walls around a flat floor", (1.0, 1.0), ((-4.5, 4.5), (-4.5, 4.5)), (((3.0, 0.5), 0.0),)),
    Function("rastrigin", "20 + x**2 + y**2 - 10*cos(2*pi*x) - 10*cos(2*pi*y)", "a minimum in every cell",
             (3.3, -2.3), ((-5.12, 5.12), (-5.12, 5.12)),
             (((0.0, 0.0), 0.0),)),
    Function("saddle", "x**2 - y**2 + y**4/4", "a saddle at the origin, where the gradient vanishes too",
             (2.0, 1e-6), ((-3.0, 3.0), (-2.5, 2.5)),
             (((0.0, 1.4142135623730951), -1.0), ((0.0, -1.4142135623730951), -1.0))),
)  # fmt: skip

# The functions to walk on that have a name; each is a `Function` with `formula`, `start`, `window` and `minima`.
FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}


def bowl(condition: float, n: int = 2) -> Function:
    """½ Σ λ_i x_i² with curvatures λ_i from 1 to `condition`, spaced by equal factors: the condition number is chosen.

    Args:
        condition: largest over smallest curvature, ≥ 1.
        n: variables, 1 to 20.

    Raises:
        InputError: a number breaks its rule.

    >>> str(bowl(100).formula), bowl(9, n=3)(0.0, 1.0, 0.0)
    ('0.5*x**2 + 50*y**2', 1.5)
    """
    condition = check_number(condition, lambda c: 1.0 <= c <= 1e12, "bowl: condition", "a number from 1 to 1e12")
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 20:
        message = f"bowl: n must be a whole number from 1 to 20, not {n!r}; larger ones are two lines of NumPy"
        raise InputError(message)
    names = ("x", "y")[:n] if n <= 2 else tuple(f"x{i + 1}" for i in range(n))
    curvatures = [condition ** (i / (n - 1)) if n > 1 else condition for i in range(n)]
    text = " + ".join(f"{0.5 * bend!r}*{name}**2" for bend, name in zip(curvatures, names, strict=True))
    start = tuple(8.0 / bend**0.5 for bend in curvatures)
    window = tuple((-1.25 * x, 1.25 * x) for x in start)
    return Function("bowl", text, f"condition number {condition:g}", start, window, (((0.0,) * n, 0.0),))


def find_function(given: Any) -> Function | None:
    """A named function from itself or its name; None if it is neither."""
    if isinstance(given, Function):
        return given
    return FUNCTIONS.get(given) if isinstance(given, str) else None
