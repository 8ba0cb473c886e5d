"""Logarithms of sums of exponentials in fixed point: the twin of templates/logsum.h.j2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint

Array = NDArray[Any]
# log2(1 + f) = f (c0 - f (c1 - f (c2 - ...))) for f in [0, 1), coefficients in Q30: Chebyshev's
# interpolation of log2(1 + f) / f.
LOG2_Q30 = (1549079795, 774322573, 512707816, 363329749, 229719775, 101604763, 21492714)
#: Slope of log2(1 + f) at f = 0 in Q16, and half of it: what f lacks of its lowest bits enters linearly.
SLOPE_Q16 = 94548
#: Fractional bits of `log2`.
BITS = 26
_LN2 = float(np.log(2.0))


def log2(v: Array, bits: int) -> Array:
    """``log2(v / 2**bits)`` in Q26 (uint64), of uint64 v from ``2**bits`` up to 2**32 - 1: within 3e-6.

    >>> log2(np.array([1 << 30, 3 << 29], np.uint64), 30) / 2**26
    array([0.        , 0.58496...])
    """
    whole = np.frexp(v.astype(np.float64))[1].astype(np.uint64) - np.uint64(1)
    m = v << (np.uint64(31) - whole)
    f = (m >> np.uint64(15)) & np.uint64(0xFFFF)
    p = np.full_like(f, LOG2_Q30[-1])
    for c in LOG2_Q30[-2::-1]:
        p = np.uint64(c) - fixedpoint.multiply_q16(p, f)
    slope = np.uint64(SLOPE_Q16) - ((f * np.uint64(SLOPE_Q16 // 2)) >> np.uint64(16))
    rest = ((m & np.uint64(0x7FFF)) * slope) >> np.uint64(17)
    fraction = fixedpoint.multiply_q16(p, f) + rest
    return np.asarray(((whole - np.uint64(bits)) << np.uint64(BITS)) + (fraction >> np.uint64(30 - BITS)))


def nat(one: int) -> int:
    """What ``log2(...)`` is multiplied with, by 2**-32, to be in units of ``1 / one``."""
    return round(_LN2 * one * 2.0 ** (32 - BITS))


def ln(v: Array, bits: int, one: int) -> NDArray[np.int64]:
    """``one * log(v / 2**bits)``, for `one` up to 2**26, as `log2`."""
    y, multiplier = log2(v, bits), nat(one)
    high, low = np.uint64(multiplier >> 16), np.uint64(multiplier & 0xFFFF)
    product = fixedpoint.multiply_q16(y, high) + (fixedpoint.multiply_q16(y, low) >> np.uint64(16))
    return np.asarray(product.astype(np.int64))


#: What a `log2` in Q26 is multiplied with to be a float.
NAT = _LN2 * 2.0**-BITS
