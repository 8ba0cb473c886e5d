"""Sums over a window and what follows from them: the twin of dsp/moments.h.

Windows are int64 arrays of shape (n_windows, n), one channel each.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._root import bit_length, root

Array = NDArray[Any]


class Sums(NamedTuple):
    """Of each window, exact."""

    sum: Array
    squares: Array
    low: Array
    high: Array


def sums(x: Array) -> Sums:
    """Sum, sum of squares, lowest and highest sample."""
    return Sums(x.sum(axis=1), (x * x).sum(axis=1), x.min(axis=1), x.max(axis=1))


def scatter(of: Sums, n: int) -> Array:
    """``n**2`` times the variance: exact, below 2**62 for samples of 18 bits."""
    return np.asarray(n * of.squares - of.sum**2)


def top(v: Array) -> tuple[Array, Array]:
    """``v / 2**exponent`` of 32 bits, the highest one set, but for the bits cut off, and the exponent."""
    exponent = bit_length(v) - 32
    return moved(v, -exponent), exponent


def moved(v: Array, by: Array) -> Array:
    """``v * 2**by``, rounded down."""
    return np.where(by >= 0, v << np.maximum(by, 0), v >> np.minimum(np.maximum(-by, 0), 63))


def root_of(v: Array, bits: int) -> Array:
    """``sqrt(v) * 2**bits``, within 2**-15 of itself and one, rounded down."""
    m, e = top(v)
    odd = e & 1
    return moved(root(m >> odd), (e + odd) // 2 + bits)


def crossings(x: Array, level: Array) -> Array:
    """How often a sample is on the other side of a level than the one before: below it, or not."""
    below = x < level[:, None]
    return np.asarray((below[:, 1:] != below[:, :-1]).sum(axis=1))


def ceiling(total: Array, n: int) -> Array:
    """``ceil(total / n)``."""
    return -(-total // n)


class Higher(NamedTuple):
    """Sums of powers of what samples are off their mean: times 2**(3 shift - 14) and 2**(4 shift - 28)."""

    third: Array
    fourth: Array
    shift: Array


def higher(x: Array, of: Sums) -> Higher:
    """Of deviations shifted so that they fill 15 bits."""
    n = x.shape[1]
    floor = of.sum // n
    most = np.maximum(of.high - floor, floor + 1 - of.low)
    bits = bit_length(most)
    k = np.where(bits <= 15, 15 - bits, -2)
    rest = of.sum - floor * n
    up, down = np.maximum(k, 0), np.maximum(-k, 0)
    mean = ((floor >> down) << up) + (rest << up) // n
    d = ((x >> down[:, None]) << up[:, None]) - mean[:, None]
    t = (d * d + (1 << 13)) >> 14
    third, fourth = (d * t).sum(axis=1), (t * t).sum(axis=1)
    # What the mean that was taken is off, the same of all samples, in Q16.
    off = ((d.sum(axis=1) + 2 * n) << 16) // n - 131072
    return Higher(third - (3 * off * t.sum(axis=1) >> 16), fourth - (off * third >> 28), k)


def skew(moments: Higher, spread: Array, bits: int) -> Array:
    """``third * 2**14 / (spread * 4**shift)**1.5 * 2**bits``, within 2**-14 of itself and one.

    0 where all samples are equal.
    """
    (m, e), (size, exponent) = top(spread), top(np.abs(moments.third))
    half, odd = _halved(m), e & 1
    r = np.maximum(root(m >> odd), 1)
    q = ((size // half << 15) + (r >> 1)) // r
    q = moved(q, exponent + bits - 17 - (3 * e + odd) // 2 - 3 * moments.shift)
    return np.where(spread == 0, 0, np.where(moments.third < 0, -q, q))


def kurtosis(moments: Higher, spread: Array, bits: int) -> Array:
    """``fourth * 2**28 / (spread * 4**shift)**2 * 2**bits``, within 2**-14 of itself and one.

    0 where all samples are equal.
    """
    (m, e), (size, exponent) = top(spread), top(moments.fourth)
    half = _halved(m)
    q = ((size // half << 15) + (half >> 1)) // half
    return np.where(spread == 0, 0, moved(q, exponent + bits - 19 - 2 * e - 4 * moments.shift))


def _halved(m: Array) -> Array:
    """The upper 16 bits of 32, rounded; so that their divisions stay in 32 bits."""
    return np.maximum((m >> 16) + (m >> 15 & 1), 1)
