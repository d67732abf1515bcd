"""One counter-based generator: what is drawn depends on (seed, purpose, epoch, step) alone, never on who drew before.

Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). Key = (seed, number of the purpose),
counter = (block, step, epoch, 0), the first block being 1. NumPy guarantees these raw bits for ever, not its
distributions, so uniform, normal, permutation and mask are ours, written so that C++ can draw the very same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from thalweg import _core
from thalweg.errors import InputError


if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int, UInt64

# Streams that must not overlap. Append only: a number here is part of every seed's meaning.
PURPOSES = {"initialize": 1, "order": 2, "dropout": 3, "holdout": 4, "validation": 5, "demo": 6, "importance": 7,
            "exercise": 8, "checkup": 9, "pruning": 10, "comparison": 11, "trial": 12}  # fmt: skip

# Wichura's algorithm AS 241 (PPND16), "The percentage points of the normal distribution", 1988: numerator and
# denominator of the three rational approximations, highest power first.
_CENTRAL = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
     3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
     0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
     0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
     0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
)  # fmt: skip


def check_seed(seed: int) -> int:
    """The seed as an int.

    Raises:
        InputError: it is not a whole number from 0 to 2⁶⁴ − 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= int(seed) < 2**64:
        message = f"the seed must be a whole number from 0 to 2**64 - 1, not {seed!r}"
        raise InputError(message)
    return int(seed)


def bits(seed: int, purpose: str, n: int, *, epoch: int = 0, step: int = 0) -> UInt64[np.ndarray, " n"]:
    """n raw 64-bit words.

    >>> [hex(word) for word in bits(0, "order", 2)]
    ['0xd07eb80c9ffc0c00', '0x708eebd5fe6d0226']
    """
    generator = np.random.Philox(
        key=np.array([check_seed(seed), PURPOSES[purpose]], dtype=np.uint64),
        counter=np.array([0, step, epoch, 0], dtype=np.uint64),
    )
    return generator.random_raw(n)


def uniform(seed: int, purpose: str, n: int, *, epoch: int = 0, step: int = 0) -> Float[np.ndarray, " n"]:
    """n numbers of [0, 1), each a multiple of 2⁻⁵³ (the upper 53 bits of a word)."""
    return (bits(seed, purpose, n, epoch=epoch, step=step) >> np.uint64(11)) * 2.0**-53


def normal(seed: int, purpose: str, n: int, *, epoch: int = 0, step: int = 0) -> Float[np.ndarray, " n"]:
    """n standard normal numbers: the inverse distribution function (AS 241, relative error 1e-16) of uniform numbers.

    Rounded to multiples of 2⁻⁴⁰, because the tails need a logarithm, whose last bit differs among machines.
    """
    # The middle of each of the 2⁵³ cells, less ½: exact, whereas u + 2⁻⁵⁴ would round to 1 for the largest u.
    q = (uniform(seed, purpose, n, epoch=epoch, step=step) - 0.5) + 2.0**-54
    r = 0.180625 - q * q
    z = q * _ratio(_CENTRAL, r)
    outer = np.abs(q) > 0.425
    r = np.sqrt(-np.log(0.5 - np.abs(q[outer])))
    tail = np.where(r <= 5.0, _ratio(_MIDDLE, r - 1.6), _ratio(_TAIL, r - 5.0))
    z[outer] = np.copysign(tail, q[outer])
    return np.round(z * 2.0**40) * 2.0**-40


def permutation(seed: int, purpose: str, n: int, *, epoch: int = 0, step: int = 0) -> Int[np.ndarray, " n"]:
    """A random order of 0 … n − 1: the (stable) sorting order of n raw words."""
    order = np.empty(n, dtype=np.int64)
    _core.random_order(check_seed(seed), PURPOSES[purpose], epoch, step, order)  # 10 times as fast as np.argsort(bits)
    return order


def choice(seed: int, purpose: str, n: int, *, epoch: int = 0, step: int = 0) -> Int[np.ndarray, " n"]:
    """n draws from 0 … n − 1 with replacement (the upper 53 bits times n, rounded down)."""
    return (uniform(seed, purpose, n, epoch=epoch, step=step) * n).astype(np.int64)


def mask(seed: int, purpose: str, n: int, *, keep: float, epoch: int = 0, step: int = 0) -> Bool[np.ndarray, " n"]:
    """n booleans, each true with probability `keep`; 32 bits are spent on each, the lower half of a word first."""
    words = bits(seed, purpose, (n + 1) // 2, epoch=epoch, step=step)
    halves = np.stack([words & np.uint64(0xFFFFFFFF), words >> np.uint64(32)], axis=1).ravel()[:n]
    return halves < np.uint64(round(keep * 2**32))


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], r: np.ndarray) -> np.ndarray:
    numerator, denominator = polynomials
    return np.polyval(numerator, r) / np.polyval(denominator, r)
