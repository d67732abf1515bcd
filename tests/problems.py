"""The 35 problems of Moré, Garbow & Hillstrom, "Testing unconstrained optimization software", ACM TOMS 7 (1981) 17–41.

f(x) = Σ r_i(x)², each r and its Jacobian by hand, from the paper's standard starting point. Where the paper leaves n or
m open, one size is chosen. Every r and J takes complex x as well, so that the Hessian comes exact to the last bits from
an imaginary step, without a second table of derivatives to get wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Minimum:
    """A local minimum: its value, where it is, and what the paper prints of the value.

    `at` is None where the value is only approached as some x go to infinity. `paper` is empty where the paper does not
    list it: a multi-start search found it. The digits beyond the paper's come from Levenberg–Marquardt, Newton steps
    with the exact Hessian, and a sum in extended precision; `tests/test_problems.py` checks them.
    """

    value: float
    at: tuple[float, ...] | None
    paper: str = ""  # after "=" a formula instead of digits
    saddle: bool = False  # listed as a minimum, yet f falls from there, though by its sixth derivative only


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One row: f = Σ r², and what is known of its minima."""

    name: str
    number: int  # in the paper
    m: int
    residuals: Callable[[np.ndarray], np.ndarray]  # (n,) -> (m,)
    jacobian: Callable[[np.ndarray], np.ndarray]  # (n,) -> (m, n)
    start: tuple[float, ...]
    minima: tuple[Minimum, ...]

    @property
    def n(self) -> int:
        """The number of variables."""
        return len(self.start)

    def value(self, x: np.ndarray) -> float:
        """f(x) = Σ r²; far from the start it may be inf, which is an answer and no reason to warn."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            r = self.residuals(np.asarray(x, dtype=np.float64))
            return float(r @ r)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """∇f(x) = 2 Jᵀ r."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._gradient(np.asarray(x, dtype=np.float64))

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """∇²f(x): column k is Im ∇f(x + i h e_k) / h, where nothing cancels, so h may be tiny (Squire & Trapp 1998)."""
        h = 1e-100
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            H = np.stack([np.imag(self._gradient(x + 1j * h * e)) / h for e in np.eye(self.n)], axis=1)
        return 0.5 * (H + H.T)

    def _gradient(self, x: np.ndarray) -> np.ndarray:
        return 2.0 * self.jacobian(x).T @ self.residuals(x)

    def __str__(self) -> str:
        return self.name.replace("–", "-")


def rows(*entries: list[Any]) -> np.ndarray:
    """A matrix from its rows, real or complex as the entries are."""
    return np.array(entries)


def columns(*entries: Any) -> np.ndarray:
    """A matrix from its columns; a number stands for a whole column of it."""
    return np.stack(np.broadcast_arrays(*entries), axis=1)


def rosenbrock(x):
    return np.array([10.0 * (x[1] - x[0] ** 2), 1.0 - x[0]])


def rosenbrock_jacobian(x):
    return rows([-20.0 * x[0], 10.0], [-1.0, 0.0])


def freudenstein_roth(x):
    a, b = x
    return np.array([-13.0 + a + ((5.0 - b) * b - 2.0) * b, -29.0 + a + ((b + 1.0) * b - 14.0) * b])


def freudenstein_roth_jacobian(x):
    b = x[1]
    return rows([1.0, 10.0 * b - 3.0 * b**2 - 2.0], [1.0, 3.0 * b**2 + 2.0 * b - 14.0])


def powell_badly_scaled(x):
    return np.array([1e4 * x[0] * x[1] - 1.0, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def powell_badly_scaled_jacobian(x):
    return rows([1e4 * x[1], 1e4 * x[0]], [-np.exp(-x[0]), -np.exp(-x[1])])


def brown_badly_scaled(x):
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2.0])


def brown_badly_scaled_jacobian(x):
    return rows([1.0, 0.0], [0.0, 1.0], [x[1], x[0]])


BEALE = np.array([1.5, 2.25, 2.625])


def beale(x):
    return BEALE - x[0] * (1.0 - x[1] ** np.arange(1, 4))


def beale_jacobian(x):
    i = np.arange(1, 4)
    return columns(x[1] ** i - 1.0, x[0] * i * x[1] ** (i - 1))


def jennrich_sampson(x):
    i = np.arange(1.0, 11.0)
    return 2.0 + 2.0 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def jennrich_sampson_jacobian(x):
    i = np.arange(1.0, 11.0)
    return columns(-i * np.exp(i * x[0]), -i * np.exp(i * x[1]))


def helical_valley(x):
    a, b, c = x
    if a == 0.0:
        turn = math.copysign(0.25, b.real)  # as MINPACK has it; the paper leaves it open
    else:
        turn = np.arctan(b / a) / (2.0 * math.pi) + (0.5 if a.real < 0.0 else 0.0)
    return np.array([10.0 * (c - 10.0 * turn), 10.0 * (np.sqrt(a**2 + b**2) - 1.0), c])


def helical_valley_jacobian(x):
    a, b, _ = x
    square = a**2 + b**2
    length, factor = np.sqrt(square), 50.0 / (math.pi * square)
    return rows([factor * b, -factor * a, 10.0], [10.0 * a / length, 10.0 * b / length, 0.0], [0.0, 0.0, 1.0])


BARD = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])
BARD_U = np.arange(1.0, 16.0)
BARD_V = 16.0 - BARD_U
BARD_W = np.minimum(BARD_U, BARD_V)


def bard(x):
    return BARD - (x[0] + BARD_U / (BARD_V * x[1] + BARD_W * x[2]))


def bard_jacobian(x):
    square = (BARD_V * x[1] + BARD_W * x[2]) ** 2
    return columns(-1.0, BARD_U * BARD_V / square, BARD_U * BARD_W / square)


GAUSSIAN_HALF = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521]
GAUSSIAN = np.array([*GAUSSIAN_HALF, 0.3989, *GAUSSIAN_HALF[::-1]])
GAUSSIAN_T = (8.0 - np.arange(1.0, 16.0)) / 2.0


def gaussian(x):
    return x[0] * np.exp(-0.5 * x[1] * (GAUSSIAN_T - x[2]) ** 2) - GAUSSIAN


def gaussian_jacobian(x):
    d = GAUSSIAN_T - x[2]
    bell = np.exp(-0.5 * x[1] * d**2)
    return columns(bell, -0.5 * x[0] * bell * d**2, x[0] * x[1] * bell * d)


MEYER = np.array(
    [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872], dtype=float
)
MEYER_T = 45.0 + 5.0 * np.arange(1.0, 17.0)


def meyer(x):
    return x[0] * np.exp(x[1] / (MEYER_T + x[2])) - MEYER


def meyer_jacobian(x):
    s = MEYER_T + x[2]
    e = np.exp(x[1] / s)
    return columns(e, x[0] * e / s, -x[0] * x[1] * e / s**2)


GULF_T = np.arange(1.0, 100.0) / 100.0
GULF_Y = 25.0 + (-50.0 * np.log(GULF_T)) ** (2.0 / 3.0)


def gulf_distance(x):
    d = GULF_Y - x[1]
    return np.where(d.real < 0.0, -d, d)  # |d|, which has no meaning for a complex step


def gulf(x):
    # The paper prints "|y_i m i x_2|"; the misprint stands for a minus sign, or f would not be 0 at (50, 25, 1.5).
    return np.exp(-(gulf_distance(x) ** x[2]) / x[0]) - GULF_T


def gulf_jacobian(x):
    d = gulf_distance(x)
    power = d ** x[2]
    slope = np.exp(-power / x[0]) * power / x[0]
    return columns(slope / x[0], slope * x[2] / (GULF_Y - x[1]), -slope * np.log(d))


BOX_T = np.arange(1.0, 11.0) / 10.0


def box(x):
    t = BOX_T
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10.0 * t))


def box_jacobian(x):
    t = BOX_T
    return columns(-t * np.exp(-t * x[0]), t * np.exp(-t * x[1]), np.exp(-10.0 * t) - np.exp(-t))


def powell_singular(x):
    a, b, c, d = x
    return np.array([a + 10.0 * b, math.sqrt(5.0) * (c - d), (b - 2.0 * c) ** 2, math.sqrt(10.0) * (a - d) ** 2])


def powell_singular_jacobian(x):
    a, b, c, d = x
    five, bc, ad = math.sqrt(5.0), 2.0 * (b - 2.0 * c), 2.0 * math.sqrt(10.0) * (a - d)
    return rows([1.0, 10.0, 0.0, 0.0], [0.0, 0.0, five, -five], [0.0, bc, -2.0 * bc, 0.0], [ad, 0.0, 0.0, -ad])


def wood(x):
    a, b, c, d = x
    return np.array(
        [
            10.0 * (b - a**2),
            1.0 - a,
            math.sqrt(90.0) * (d - c**2),
            1.0 - c,
            math.sqrt(10.0) * (b + d - 2.0),
            (b - d) / math.sqrt(10.0),
        ]
    )


def wood_jacobian(x):
    ten, ninety = math.sqrt(10.0), math.sqrt(90.0)
    return rows(
        [-20.0 * x[0], 10.0, 0.0, 0.0],
        [-1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, -2.0 * ninety * x[2], ninety],
        [0.0, 0.0, -1.0, 0.0],
        [0.0, ten, 0.0, ten],
        [0.0, 1.0 / ten, 0.0, -1.0 / ten],
    )


KOWALIK_Y = np.array([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_U = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik_osborne(x):
    u = KOWALIK_U
    return KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def kowalik_osborne_jacobian(x):
    u = KOWALIK_U
    above, below = u**2 + u * x[1], u**2 + u * x[2] + x[3]
    return columns(-above / below, -x[0] * u / below, x[0] * above * u / below**2, x[0] * above / below**2)


BROWN_DENNIS_T = np.arange(1.0, 21.0) / 5.0


def brown_dennis(x):
    t = BROWN_DENNIS_T
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


def brown_dennis_jacobian(x):
    t = BROWN_DENNIS_T
    a, b = 2.0 * (x[0] + t * x[1] - np.exp(t)), 2.0 * (x[2] + x[3] * np.sin(t) - np.cos(t))
    return columns(a, a * t, b, b * np.sin(t))


OSBORNE_1 = np.array(
    """0.844 0.908 0.932 0.936 0.925 0.908 0.881 0.850 0.818 0.784 0.751 0.718 0.685 0.658 0.628 0.603 0.580
    0.558 0.538 0.522 0.506 0.490 0.478 0.467 0.457 0.448 0.438 0.431 0.424 0.420 0.414 0.411 0.406""".split(),
    dtype=float,
)


def osborne_1(x):
    t = 10.0 * np.arange(33)
    return OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def osborne_1_jacobian(x):
    t = 10.0 * np.arange(33)
    a, b = np.exp(-t * x[3]), np.exp(-t * x[4])
    return columns(-1.0, -a, -b, t * x[1] * a, t * x[2] * b)


BIGGS_T = np.arange(1.0, 14.0) / 10.0
BIGGS_Y = np.exp(-BIGGS_T) - 5.0 * np.exp(-10.0 * BIGGS_T) + 3.0 * np.exp(-4.0 * BIGGS_T)


def biggs_exp6(x):
    t = BIGGS_T
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - BIGGS_Y


def biggs_exp6_jacobian(x):
    t = BIGGS_T
    a, b, c = np.exp(-t * x[0]), np.exp(-t * x[1]), np.exp(-t * x[4])
    return columns(-t * x[2] * a, t * x[3] * b, a, -b, -t * x[5] * c, c)


OSBORNE_2 = np.array(
    """1.366 1.191 1.112 1.013 0.991 0.885 0.831 0.847 0.786 0.725 0.746 0.679 0.608 0.655 0.616 0.606 0.602
    0.626 0.651 0.724 0.649 0.649 0.694 0.644 0.624 0.661 0.612 0.558 0.533 0.495 0.500 0.423 0.395 0.375
    0.372 0.391 0.396 0.405 0.428 0.429 0.523 0.562 0.607 0.653 0.672 0.708 0.633 0.668 0.645 0.632 0.591
    0.559 0.597 0.625 0.739 0.710 0.729 0.720 0.636 0.581 0.428 0.292 0.162 0.098 0.054""".split(),
    dtype=float,
)
OSBORNE_2_T = np.arange(65) / 10.0


def osborne_2(x):
    t = OSBORNE_2_T
    bells = sum(x[k] * np.exp(-x[k + 4] * (t - x[k + 7]) ** 2) for k in (1, 2, 3))
    return OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + bells)


def osborne_2_jacobian(x):
    t, falling = OSBORNE_2_T, np.exp(-OSBORNE_2_T * x[4])
    d = [t - x[k + 7] for k in (1, 2, 3)]
    bells = [np.exp(-x[k + 4] * d[k - 1] ** 2) for k in (1, 2, 3)]
    heights = [x[k] * bells[k - 1] * d[k - 1] ** 2 for k in (1, 2, 3)]
    centres = [-2.0 * x[k] * x[k + 4] * bells[k - 1] * d[k - 1] for k in (1, 2, 3)]
    return columns(-falling, *(-bell for bell in bells), t * x[0] * falling, *heights, *centres)


def watson_powers(n):
    """t_i^(j−1) and its derivative in t, for t_i = i/29."""
    t, j = np.arange(1.0, 30.0)[:, None] / 29.0, np.arange(n)
    return t**j, j * t ** np.maximum(j - 1, 0)


def watson(x):
    powers, slopes = watson_powers(len(x))
    return np.concatenate([slopes @ x - (powers @ x) ** 2 - 1.0, [x[0], x[1] - x[0] ** 2 - 1.0]])


def watson_jacobian(x):
    powers, slopes = watson_powers(len(x))
    J = np.zeros((31, len(x)), dtype=x.dtype)
    J[:29] = slopes - 2.0 * (powers @ x)[:, None] * powers
    J[29, 0], J[30, 0], J[30, 1] = 1.0, -2.0 * x[0], 1.0
    return J


def in_blocks(function, size):
    """The same small problem once for each `size` variables in turn."""
    return lambda x: np.concatenate([function(part) for part in x.reshape(-1, size)])


def blocks_of_jacobian(jacobian, size):
    """The block diagonal matrix of `in_blocks`."""

    def whole(x):
        J = np.zeros((len(x), len(x)), dtype=x.dtype)
        for at in range(0, len(x), size):
            J[at : at + size, at : at + size] = jacobian(x[at : at + size])
        return J

    return whole


PENALTY = 1e-5


def penalty_1(x):
    return np.concatenate([math.sqrt(PENALTY) * (x - 1.0), [x @ x - 0.25]])


def penalty_1_jacobian(x):
    return np.vstack([math.sqrt(PENALTY) * np.eye(len(x)), 2.0 * x])


def penalty_2(x):
    n, e, i = len(x), np.exp(x / 10.0), np.arange(2.0, len(x) + 1.0)
    y = np.exp(i / 10.0) + np.exp((i - 1.0) / 10.0)
    small = math.sqrt(PENALTY) * np.concatenate([e[1:] + e[:-1] - y, e[1:] - math.exp(-0.1)])
    return np.concatenate([[x[0] - 0.2], small, [np.arange(n, 0.0, -1.0) @ x**2 - 1.0]])


def penalty_2_jacobian(x):
    n, e = len(x), math.sqrt(PENALTY) * np.exp(x / 10.0) / 10.0
    J = np.zeros((2 * n, n), dtype=x.dtype)
    J[0, 0], J[-1] = 1.0, 2.0 * np.arange(n, 0.0, -1.0) * x
    for i in range(1, n):
        J[i, i], J[i, i - 1], J[n - 1 + i, i] = e[i], e[i - 1], e[i]
    return J


def variably_dimensioned(x):
    s = np.arange(1.0, len(x) + 1.0) @ (x - 1.0)
    return np.concatenate([x - 1.0, [s, s**2]])


def variably_dimensioned_jacobian(x):
    j = np.arange(1.0, len(x) + 1.0)
    return np.vstack([np.eye(len(x)), j, 2.0 * (j @ (x - 1.0)) * j])


def trigonometric(x):
    n, i = len(x), np.arange(1.0, len(x) + 1.0)
    return n - np.sum(np.cos(x)) + i * (1.0 - np.cos(x)) - np.sin(x)


def trigonometric_jacobian(x):
    i = np.arange(1.0, len(x) + 1.0)
    return np.sin(x)[None, :] + np.diag(i * np.sin(x) - np.cos(x))


def brown_almost_linear(x):
    return np.concatenate([x[:-1] + np.sum(x) - (len(x) + 1.0), [np.prod(x) - 1.0]])


def brown_almost_linear_jacobian(x):
    n = len(x)
    J = np.eye(n, dtype=x.dtype) + 1.0
    J[-1] = [np.prod(np.delete(x, k)) for k in range(n)]
    return J


def grid(n):
    """The n inner points of [0, 1], and their distance."""
    return np.arange(1.0, n + 1.0) / (n + 1.0), 1.0 / (n + 1.0)


def neighbours(x):
    """x_{i−1} and x_{i+1}, with 0 beyond the ends."""
    padded = np.concatenate([[0.0], x, [0.0]])
    return padded[:-2], padded[2:]


def discrete_boundary(x):
    (t, h), (before, after) = grid(len(x)), neighbours(x)
    return 2.0 * x - before - after + h**2 * (x + t + 1.0) ** 3 / 2.0


def discrete_boundary_jacobian(x):
    t, h = grid(len(x))
    beside = np.ones(len(x) - 1)
    return np.diag(2.0 + 1.5 * h**2 * (x + t + 1.0) ** 2) - np.diag(beside, 1) - np.diag(beside, -1)


def green(t):
    """Green's function of −u″ on the grid: t_j (1 − t_i) up to the diagonal, t_i (1 − t_j) beyond."""
    return np.where(t[None, :] <= t[:, None], t[None, :] * (1.0 - t[:, None]), t[:, None] * (1.0 - t[None, :]))


def discrete_integral(x):
    t, h = grid(len(x))
    return x + h * green(t) @ (x + t + 1.0) ** 3 / 2.0


def discrete_integral_jacobian(x):
    t, h = grid(len(x))
    return np.eye(len(x)) + 1.5 * h * green(t) * (x + t + 1.0) ** 2


def broyden_tridiagonal(x):
    before, after = neighbours(x)
    return (3.0 - 2.0 * x) * x - before - 2.0 * after + 1.0


def broyden_tridiagonal_jacobian(x):
    beside = np.ones(len(x) - 1)
    return np.diag(3.0 - 4.0 * x) - np.diag(beside, -1) - 2.0 * np.diag(beside, 1)


def band(n):
    """1 where j is in J_i: from 5 before i to 1 after, but not i itself."""
    offset = np.arange(n)[None, :] - np.arange(n)[:, None]
    return ((offset >= -5) & (offset <= 1) & (offset != 0)).astype(float)


def broyden_banded(x):
    return x * (2.0 + 5.0 * x**2) + 1.0 - band(len(x)) @ (x * (1.0 + x))


def broyden_banded_jacobian(x):
    return np.diag(2.0 + 15.0 * x**2) - band(len(x)) * (1.0 + 2.0 * x)


LINEAR_M = 11


def linear_full_rank(x):
    return np.concatenate([x, np.zeros(LINEAR_M - len(x))]) - 2.0 / LINEAR_M * np.sum(x) - 1.0


def linear_full_rank_jacobian(x):
    return np.eye(LINEAR_M, len(x)) - 2.0 / LINEAR_M


def linear_rank_1(x):
    return np.arange(1.0, LINEAR_M + 1.0) * (np.arange(1.0, len(x) + 1.0) @ x) - 1.0


def linear_rank_1_jacobian(x):
    return np.outer(np.arange(1.0, LINEAR_M + 1.0), np.arange(1.0, len(x) + 1.0))


def linear_rank_1_zeros_jacobian(x):
    i, j = np.arange(LINEAR_M, dtype=float), np.arange(1.0, len(x) + 1.0)
    i[-1] = j[0] = j[-1] = 0.0
    return np.outer(i, j)


def linear_rank_1_zeros(x):
    return linear_rank_1_zeros_jacobian(x) @ x - 1.0


def chebyshev(x):
    """T_0 … T_n of [0, 1] at each x, and their derivatives, by the recurrence T_k = 2 y T_{k−1} − T_{k−2}."""
    y = 2.0 * x - 1.0
    T, slopes = [np.ones_like(y), y], [np.zeros_like(y), 2.0 * np.ones_like(y)]
    for _ in range(2, len(x) + 1):
        slopes.append(4.0 * T[-1] + 2.0 * y * slopes[-1] - slopes[-2])
        T.append(2.0 * y * T[-1] - T[-2])
    return np.array(T), np.array(slopes)


def chebyquad(x):
    i = np.arange(1.0, len(x) + 1.0)
    integrals = np.where(i % 2 == 0, -1.0 / np.where(i % 2 == 0, i**2 - 1.0, 1.0), 0.0)
    return chebyshev(x)[0][1:].mean(axis=1) - integrals


def chebyquad_jacobian(x):
    return chebyshev(x)[1][1:] / len(x)


ROOT = 0.9576589089325729  # of 7 α⁷ − 8 α⁶ + 1 = 0; the other root in (0, 2) is 1
# One curve solves both: the Green's function on the grid is the inverse of the second difference.
BOUNDARY = (-0.0580145243202403, -0.1065390630440839, -0.1433833009280173, -0.16563211411730044,
            -0.16931926897634783, -0.1489080115555556, -0.09643119010147022)  # fmt: skip
BOUNDARY_START = tuple(float(t * (t - 1.0)) for t in grid(7)[0])

PROBLEMS = (
    Problem(
        name="Rosenbrock", number=1, m=2, residuals=rosenbrock, jacobian=rosenbrock_jacobian,
        start=(-1.2, 1.0),
        minima=(Minimum(0.0, (1.0, 1.0), "0"),),
    ),
    Problem(
        name="Freudenstein–Roth", number=2, m=2, residuals=freudenstein_roth, jacobian=freudenstein_roth_jacobian,
        start=(0.5, -2.0),
        minima=(
            Minimum(0.0, (5.0, 4.0), "0"),
            Minimum(48.98425367924002, (11.412778986902095, -0.8968052532744765), "48.9842"),
        ),
    ),
    Problem(
        name="Powell badly scaled", number=3, m=2,
        residuals=powell_badly_scaled, jacobian=powell_badly_scaled_jacobian,
        start=(0.0, 1.0),
        minima=(
            Minimum(0.0, (1.0981593296997979e-05, 9.106146739866686), "0"),
            Minimum(1.0402940039616395, (-0.009948091925800946, -0.009948091925800946)),
        ),
    ),
    Problem(
        name="Brown badly scaled", number=4, m=3, residuals=brown_badly_scaled, jacobian=brown_badly_scaled_jacobian,
        start=(1.0, 1.0),
        minima=(Minimum(0.0, (1e6, 2e-6), "0"),),
    ),
    Problem(
        name="Beale", number=5, m=3, residuals=beale, jacobian=beale_jacobian,
        start=(1.0, 1.0),
        # With x_2 = 1 + c / x_1 and x_1 -> −∞ the residuals tend to y_i − i c, a straight line through the origin.
        minima=(Minimum(0.0, (3.0, 0.5), "0"), Minimum(0.4520089285714286, None)),
    ),
    Problem(
        name="Jennrich–Sampson", number=6, m=10, residuals=jennrich_sampson, jacobian=jennrich_sampson_jacobian,
        start=(0.3, 0.4),
        minima=(Minimum(124.36218235561485, (0.2578252136703641, 0.2578252136703641), "124.362"),),
    ),
    Problem(
        name="Helical valley", number=7, m=3, residuals=helical_valley, jacobian=helical_valley_jacobian,
        start=(-1.0, 0.0, 0.0),
        minima=(Minimum(0.0, (1.0, 0.0, 0.0), "0"),),
    ),
    Problem(
        name="Bard", number=8, m=15, residuals=bard, jacobian=bard_jacobian,
        start=(1.0, 1.0, 1.0),
        minima=(
            Minimum(0.00821487730657898, (0.08241055974978898, 1.1330360920297224, 2.3436951786425366), "8.21487e-3"),
            Minimum(17.428693333333333, None, "17.4286"),  # at (0.8406…, −∞, −∞): the sum of squares about the mean
        ),
    ),
    Problem(
        name="Gaussian", number=9, m=15, residuals=gaussian, jacobian=gaussian_jacobian,
        start=(0.4, 1.0, 0.0),
        minima=(Minimum(1.12793276961901e-08, (0.39895613783875666, 1.0000190844878056, 0.0), "1.12793e-8"),),
    ),
    Problem(
        name="Meyer", number=10, m=16, residuals=meyer, jacobian=meyer_jacobian,
        start=(0.02, 4000.0, 250.0),
        minima=(
            Minimum(87.945855170851, (0.005609636471028053, 6181.346346286372, 345.2236346241365), "87.9458"),
        ),
        # Measured: Newton with a floor of 1e-14 under the eigenvalues of the unscaled Hessian, which spread from 0.02
        # to 2e14, creeps to 2e-8 above the minimum.
    ),
    Problem(
        name="Gulf", number=11, m=99, residuals=gulf, jacobian=gulf_jacobian,
        start=(5.0, 2.5, 0.15),
        minima=(Minimum(0.0, (50.0, 25.0, 1.5), "0"),),
    ),
    Problem(
        name="Box 3-D", number=12, m=10, residuals=box, jacobian=box_jacobian,
        start=(0.0, 10.0, 20.0),
        # And wherever x_1 = x_2 and x_3 = 0: one such point stands for the line.
        minima=(
            Minimum(0.0, (1.0, 10.0, 1.0), "0"),
            Minimum(0.0, (10.0, 1.0, -1.0), "0"),
            Minimum(0.0, (2.0, 2.0, 0.0), "0"),
        ),
    ),
    Problem(
        name="Powell singular", number=13, m=4, residuals=powell_singular, jacobian=powell_singular_jacobian,
        start=(3.0, -1.0, 0.0, 1.0),
        minima=(Minimum(0.0, (0.0,) * 4, "0"),),
    ),
    Problem(
        name="Wood", number=14, m=6, residuals=wood, jacobian=wood_jacobian,
        start=(-3.0, -1.0, -3.0, -1.0),
        minima=(Minimum(0.0, (1.0,) * 4, "0"),),
    ),
    Problem(
        name="Kowalik–Osborne", number=15, m=11, residuals=kowalik_osborne, jacobian=kowalik_osborne_jacobian,
        start=(0.25, 0.39, 0.415, 0.39),
        minima=(
            Minimum(
                0.0003075056038492378,
                (0.19280693457903791, 0.1912823287343664, 0.1230565069263208, 0.13606233068379456),
                "3.07505e-4",
            ),
            Minimum(0.001027343048695457, None, "1.02734e-3"),  # at (∞, −14.07…, −∞, −∞)
        ),
    ),
    Problem(
        name="Brown–Dennis", number=16, m=20, residuals=brown_dennis, jacobian=brown_dennis_jacobian,
        start=(25.0, 5.0, -5.0, -1.0),
        minima=(
            Minimum(
                85822.20162635632,
                (-11.594439904762163, 13.203630051207202, -0.4034394881768596, 0.2367787744557363),
                "85822.2",
            ),
        ),
    ),
    Problem(
        name="Osborne 1", number=17, m=33, residuals=osborne_1, jacobian=osborne_1_jacobian,
        start=(0.5, 1.5, -1.0, 0.01, 0.02),
        minima=(
            Minimum(
                5.46489469748291e-05,
                (0.37541005210695205, 1.9358469127123656, -1.4646871366134215,
                 0.012867534640057288, 0.02212269966167263),
                "5.46489e-5",
            ),
        ),
    ),
    Problem(
        name="Biggs EXP6", number=18, m=13, residuals=biggs_exp6, jacobian=biggs_exp6_jacobian,
        start=(1.0, 2.0, 1.0, 1.0, 1.0, 1.0),
        # 5.65565e-3 is a line: x_1 = x_5 while x_3 + x_6 keeps its sum. Zero also where the two terms change places.
        minima=(
            Minimum(
                0.00565564992549995,
                (1.711415994719588, 17.683198180949077, -0.05774727180564874,
                 5.18656155199346, 1.7114159947195875, 2.3840345936434337),
                "5.65565e-3",
            ),
            Minimum(0.0, (1.0, 10.0, 1.0, 5.0, 4.0, 3.0), "0"),
        ),
    ),
    Problem(
        name="Osborne 2", number=19, m=65, residuals=osborne_2, jacobian=osborne_2_jacobian,
        start=(1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5),
        minima=(
            Minimum(
                0.04013773629354776,
                (1.3099771546273007, 0.431553794602989, 0.633661698960724, 0.5994305347859162, 0.7541832263280114,
                 0.9042885798596335, 1.365811835237028, 4.823698817227157, 2.3986848661317546, 4.568874597667672,
                 5.6753414705806415),
                "4.01377e-2",
            ),
        ),
    ),
    Problem(
        name="Watson", number=20, m=31, residuals=watson, jacobian=watson_jacobian,
        start=(0.0,) * 6,
        minima=(
            Minimum(
                0.0022876700535524,
                (-0.015725086401458373, 1.0124348693691099, -0.232991625956737,
                 1.2604300877996062, -1.5137289227222768, 0.9929964324311334),
                "2.28767e-3",
            ),
        ),
    ),
    Problem(
        name="Extended Rosenbrock", number=21, m=10,
        residuals=in_blocks(rosenbrock, 2), jacobian=blocks_of_jacobian(rosenbrock_jacobian, 2),
        start=(-1.2, 1.0) * 5,
        minima=(Minimum(0.0, (1.0,) * 10, "0"),),
    ),
    Problem(
        name="Extended Powell singular", number=22, m=12,
        residuals=in_blocks(powell_singular, 4), jacobian=blocks_of_jacobian(powell_singular_jacobian, 4),
        start=(3.0, -1.0, 0.0, 1.0) * 3,
        minima=(Minimum(0.0, (0.0,) * 12, "0"),),
    ),
    Problem(
        name="Penalty I", number=23, m=5, residuals=penalty_1, jacobian=penalty_1_jacobian,
        start=(1.0, 2.0, 3.0, 4.0),
        minima=(Minimum(2.249977500899937e-05, (0.2500074995875379,) * 4, "2.24997e-5"),),
    ),
    Problem(
        name="Penalty II", number=24, m=8, residuals=penalty_2, jacobian=penalty_2_jacobian,
        start=(0.5,) * 4,
        minima=(
            Minimum(
                9.37629300735545e-06,
                (0.1999993333503804, 0.1913167009927725, 0.4801014853326233, 0.5188454043902003),
                "9.37629e-6",
            ),
        ),
    ),
    Problem(
        name="Variably dimensioned", number=25, m=9,
        residuals=variably_dimensioned, jacobian=variably_dimensioned_jacobian,
        start=tuple(1.0 - j / 7.0 for j in range(1, 8)),
        minima=(Minimum(0.0, (1.0,) * 7, "0"),),
    ),
    Problem(
        name="Trigonometric", number=26, m=5, residuals=trigonometric, jacobian=trigonometric_jacobian,
        start=(0.2,) * 5,
        minima=(
            Minimum(0.0, (0.0,) * 5, "0"),
            Minimum(
                0.0,
                (0.10454850688520692, 0.11156249728066192, 0.12120260702025588, 0.35339436457174617,
                 0.19048990041083097),
            ),
            Minimum(
                0.001773376087901145,
                (0.1328032317966968, 0.1439870406746372, 0.3892889746956805, 0.18166398571772105, 0.1773637929957819),
            ),
        ),
    ),
    Problem(
        name="Brown almost linear", number=27, m=7,
        residuals=brown_almost_linear, jacobian=brown_almost_linear_jacobian,
        start=(0.5,) * 7,
        minima=(
            Minimum(0.0, (1.0,) * 7, "0"),
            Minimum(0.0, (ROOT,) * 6 + (ROOT**-6,), "0"),
            Minimum(1.0, (0.0,) * 6 + (8.0,), "1", saddle=True),  # x_i = d, x_n = 8 − 7 d: f = (8 d⁶ − 7 d⁷ − 1)²
        ),
    ),
    Problem(
        name="Discrete boundary", number=28, m=7, residuals=discrete_boundary, jacobian=discrete_boundary_jacobian,
        start=BOUNDARY_START,
        minima=(Minimum(0.0, BOUNDARY, "0"),),
    ),
    Problem(
        name="Discrete integral", number=29, m=7, residuals=discrete_integral, jacobian=discrete_integral_jacobian,
        start=BOUNDARY_START,
        minima=(Minimum(0.0, BOUNDARY, "0"),),
    ),
    Problem(
        name="Broyden tridiagonal", number=30, m=7,
        residuals=broyden_tridiagonal, jacobian=broyden_tridiagonal_jacobian,
        start=(-1.0,) * 7,
        minima=(
            Minimum(
                0.0,
                (-0.5699654853633517, -0.6798088825505086, -0.6968706979386585, -0.6910303752782464,
                 -0.6656331935052343, -0.5960021509147048, -0.41640519351439464),
                "0",
            ),
        ),
    ),
    Problem(
        name="Broyden banded", number=31, m=7, residuals=broyden_banded, jacobian=broyden_banded_jacobian,
        start=(-1.0,) * 7,
        minima=(
            Minimum(
                0.0,
                (-0.42830286358837366, -0.47659642447033596, -0.5196524479617339, -0.5581001416140893,
                 -0.5924766997602233, -0.6253598762280751, -0.5920068828405864),
                "0",
            ),
        ),
    ),
    Problem(
        name="Linear full rank", number=32, m=LINEAR_M, residuals=linear_full_rank, jacobian=linear_full_rank_jacobian,
        start=(1.0,) * 5,
        minima=(Minimum(6.0, (-1.0,) * 5, "= m − n"),),
    ),
    Problem(
        name="Linear rank 1", number=33, m=LINEAR_M, residuals=linear_rank_1, jacobian=linear_rank_1_jacobian,
        start=(1.0,) * 5,
        # Wherever Σ j x_j = 3/(2m + 1); this is the shortest such x.
        minima=(
            Minimum(
                55.0 / 23.0,
                tuple(3.0 * j / (23.0 * 55.0) for j in range(1, 6)),
                "= m (m − 1) / (2 (2 m + 1))",
            ),
        ),
    ),
    Problem(
        name="Linear rank 1 with zeros", number=34, m=LINEAR_M,
        residuals=linear_rank_1_zeros, jacobian=linear_rank_1_zeros_jacobian,
        start=(1.0,) * 5,
        # Wherever the sum of j x_j over 1 < j < n is 3/(2m − 3).
        minima=(
            Minimum(
                74.0 / 19.0,
                (0.0, *(3.0 * j / (19.0 * 29.0) for j in (2, 3, 4)), 0.0),
                "= (m² + 3 m − 6) / (2 (2 m − 3))",
            ),
        ),
    ),
    Problem(
        name="Chebyquad", number=35, m=8, residuals=chebyquad, jacobian=chebyquad_jacobian,
        start=tuple(j / 9.0 for j in range(1, 9)),
        minima=(
            Minimum(
                0.00351687372567793,
                (0.0431527601510166, 0.19309084038418614, 0.26632870689027294, 0.5, 0.5, 0.7336712931097271,
                 0.8069091596158139, 0.9568472398489833),
                "3.51687e-3",
            ),
        ),
    ),
)  # fmt: skip
