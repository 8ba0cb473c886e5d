"""Sums over a window and what follows from them: the twin of dsp/sums.h and dsp/moments.h.

Windows are int64 arrays of shape (n_windows, n), one channel each.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._root import bit_length, root
from micromlgen.features._tops import constant, inverse, moved, top, upper

Array = NDArray[Any]
#: Bits of the fraction of skew and kurtosis.
FRACTION = 16


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


@dataclass(frozen=True)
class Root:
    """A square root, ``root * 2**exponent`` within 2**-15 of itself, of ``square``."""

    square: Array

    @cached_property
    def _top(self) -> tuple[Array, Array]:
        return top(self.square)

    @cached_property
    def root(self) -> Array:
        m, e = self._top
        return root(m >> (e & 1))

    @property
    def exponent(self) -> Array:
        _, e = self._top
        return np.asarray((e + (e & 1)) // 2)

    @cached_property
    def inverse(self) -> Array:
        """``2**(47 + e) / square`` in 16 bits; e is the exponent of its `top`."""
        return inverse(self._top[0])

    def in_steps(self, bits: int) -> Array:
        """``sqrt(square) * 2**bits``, rounded down."""
        return moved(self.root, self.exponent + bits)


def crossings(x: Array, level: Array) -> Array:
    """How often a sample is on the other side of a level than the one before: below it, or not."""
    below = x < level[:, None]
    return np.asarray((below[:, 1:] != below[:, :-1]).sum(axis=1))


def ceiling(total: Array, n: int) -> Array:
    """``ceil(total / n)``."""
    return -(-total // n)


class Higher(NamedTuple):
    """Sums of powers of ``d = (x - mean) * 2**shift``, rounded and off by ``off / n`` in the mean.

    The third is divided by 2**14, the fourth by 2**28.
    """

    third: Array
    fourth: Array
    shift: Array
    off: Array


def higher(x: Array, of: Sums) -> Higher:
    """Of deviations shifted so that they fill 15 bits."""
    n = x.shape[1]
    floor = of.sum // n
    rest = of.sum - floor * n
    bits = bit_length(np.maximum(of.high - floor, floor + 1 - of.low))
    # Wider ones are halved, which takes a quarter off their mean where as many are odd as are even.
    wide = bits > 15
    shift = np.where(wide, -1, 15 - bits)
    up = np.maximum(shift, 0)
    part = np.where(wide, (rest + (floor & 1) * n) >> 1, rest << up)
    more = (part + n // 2) // n
    mean = np.where(wide, floor >> 1, floor << up) + more
    d = np.where(wide[:, None], x >> 1, x << up[:, None]) - mean[:, None]
    t = (d * d + (1 << 13)) >> 14
    off = part - more * n - np.where(wide, n // 4, 0)
    return Higher((d * t).sum(axis=1), (t * t).sum(axis=1), shift, off)


def off_mean(of: Higher, spread: Root) -> Array:
    """What the mean of d is off, in standard deviations, in Q20."""
    _, e = spread._top
    y = spread.root * spread.inverse >> 16
    return moved(of.off * y, spread.exponent - 11 - e - of.shift)


def skew(of: Higher, spread: Root, n: int) -> Array:
    """Skew in Q16; 0 where all samples are equal."""
    _, e = spread._top
    m, exponent = top(np.abs(of.third))
    by, more = constant(n**2)
    q = upper(upper(upper(upper(m, spread.inverse), spread.inverse), spread.root), by)
    q = moved(q, exponent + more - 2 * e + spread.exponent - 3 * of.shift)
    skew = np.where(of.third < 0, -q, q) - (3 * off_mean(of, spread) >> 4)
    return np.where(spread.square > 0, skew, 0)


def kurtosis(of: Higher, spread: Root, n: int) -> Array:
    """Fisher's kurtosis in Q16; 0 where all samples are equal."""
    _, e = spread._top
    m, exponent = top(of.fourth)
    by, more = constant(n**3)
    q = upper(upper(upper(m, spread.inverse), spread.inverse), by)
    q = moved(q, exponent + more - 2 - 2 * e - 4 * of.shift)
    q -= off_mean(of, spread) * (skew(of, spread, n) >> 6) >> 12
    return np.where(spread.square > 0, q - (3 << FRACTION), 0)
