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
from micromlgen.features._tops import constant, inverse, inverse_32, moved, top, upper, upper_32

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

    @cached_property
    def inverse_32(self) -> Array:
        """``2**(63 + e) / square`` in 32 bits."""
        return inverse_32(self._top[0], self.inverse)

    @cached_property
    def rest(self) -> Array:
        """What `root` lacks, over itself, in Q30."""
        m, e = self._top
        return np.asarray(((m >> (e & 1)) - self.root**2 >> 1) * self.inverse >> (17 - (e & 1)))

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


def _shift(most: Array, spread: Root, n: int) -> Array:
    """By how much deviations, the largest of which is `most`, are shifted up; -1: they are halved.

    They fill 15 bits, but for windows with peaks: there the standard deviation becomes 2**12 or more, so that
    those above 15 bits are few, and do not reach 20. What is rounded moves kurtosis by
    ``4 * e * sum(d**3) / n / sigma**4`` where d is off by e, ``2**14 / sigma**2`` where squares over 2**14
    are off by a half. A bit is cut off only where that is no more than a thousandth.
    """
    by, more = constant(n)
    bits = bit_length(most)
    least = 12 + more - spread.exponent + (spread.root < by)
    halved = (bits > 15) & ((spread.in_steps(0) // n) ** 2 >= 2200 * most)
    shift = np.where(halved, -1, np.maximum(np.maximum(15 - bits, 0), least))
    return np.asarray(np.where(spread.square > 0, shift, 0))


def higher(x: Array, of: Sums, spread: Root) -> Higher:
    """Of deviations shifted up."""
    n = x.shape[1]
    floor = of.sum // n
    rest = of.sum - floor * n
    shift = _shift(np.maximum(of.high - floor, floor + 1 - of.low), spread, n)
    # Halving takes a quarter off their mean where as many are odd as are even.
    half, up = shift < 0, np.maximum(shift, 0)
    part = np.where(half, (rest + (floor & 1) * n) >> 1, rest << up)
    more = (part + n // 2) // n
    whole = np.where(half[:, None], (x >> 1) - (floor >> 1)[:, None], (x - floor[:, None]) << up[:, None])
    d = whole - more[:, None]
    t = (d * d + (1 << 13)) >> 14
    off = part - more * n - np.where(half, n // 4, 0)
    return Higher((d * t).sum(axis=1), (t * t).sum(axis=1), shift, off)


class Shape(NamedTuple):
    """What skew and kurtosis have in common.

    ``n**2 / square**2`` in 32 bits, and what the mean of d is off, in standard deviations, in Q24.
    """

    scale: Array
    off: Array


def _shape(of: Higher, spread: Root, n: int) -> Shape:
    _, e = spread._top
    ratio = upper(spread.inverse_32, constant(n)[0])
    y = spread.root * spread.inverse >> 16
    return Shape(upper_32(ratio, ratio), moved(of.off * y, spread.exponent - 7 - e - of.shift))


def skew(of: Higher, spread: Root, n: int) -> Array:
    """Skew in Q16; 0 where all samples are equal."""
    _, e = spread._top
    shape = _shape(of, spread, n)
    m, exponent = top(np.abs(of.third))
    q = upper(upper_32(m, shape.scale), spread.root)
    q = q + (upper(q, spread.rest) >> 14)
    q = moved(q, exponent + 2 * constant(n)[1] + 16 - 2 * e + spread.exponent - 3 * of.shift)
    skew = np.where(of.third < 0, -q, q) - (3 * shape.off >> 8)
    return np.where(spread.square > 0, skew, 0)


def kurtosis(of: Higher, spread: Root, n: int) -> Array:
    """Fisher's kurtosis in Q16; 0 where all samples are equal."""
    _, e = spread._top
    by, more = constant(n)
    shape = _shape(of, spread, n)
    m, exponent = top(of.fourth)
    q = upper(upper_32(m, shape.scale), by)
    q = moved(q, exponent + 3 * more + 30 - 2 * e - 4 * of.shift)
    q -= shape.off * (skew(of, spread, n) >> 6) >> 16
    return np.where(spread.square > 0, q - (3 << FRACTION), 0)
