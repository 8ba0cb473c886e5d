"""Scaling of sums by quantised multipliers, as LiteRT and TensorFlow Lite Micro do it; gemmlowp's numbers.

A real factor is ``multiplier * 2**(shift - 31)`` (Jacob and others, arXiv 1712.05877). The product is
rounded to 32 bits, and what is shifted again: twice. Only the fully connected kernel of LiteRT's references
rounds once: it takes the sum times the factor in float64, to the nearest, halves away from zero. `once`
finds integers that do the same.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: As LiteRT's reference kernels, or as TensorFlow Lite Micro.
Rounding = Literal["single", "double"]
_TOP = 2**31 - 1


def multipliers(factors: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Real factors, float64 of any shape, as multipliers below 2**31 and shifts of that shape."""
    mantissa, exponent = np.frexp(np.asarray(factors, np.float64))
    q = np.floor(mantissa * 2.0**31 + 0.5).astype(np.int64)
    shift = exponent.astype(np.int64)
    full = q == 1 << 31
    q, shift = np.where(full, q >> 1, q), np.where(full, shift + 1, shift)
    tiny = shift < -31
    return np.where(tiny, 0, q), np.where(tiny, 0, shift)


def once(factors: Any, most: Any, steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Multipliers and shifts with which `rounded_once` rounds as float64 does.

    The smallest sums that reach 1, 2, … `steps` bound the multiplier from both sides; what lies between the
    bounds gives the same integers for every sum.

    Parameters
    ----------
    factors : float64 array
    most : array of the same shape
        Largest magnitudes of the sums.
    steps : int
        Beyond so many, results saturate.

    Returns
    -------
    multipliers below 2**31, and shifts; None where there is no such multiplier.
    """
    factors, most = np.asarray(factors, np.float64), np.asarray(most, np.float64)
    nearest, shift = multipliers(factors)
    k = np.arange(steps)
    with np.errstate(over="ignore", divide="ignore"):
        about = np.floor((k + 0.5) / factors[:, None])
    # Sums that matter; beyond, any other does.
    within = about < most[:, None]
    about = np.where(within, about, 0.0)
    tried = np.maximum(about[..., None] + np.arange(-1, 3), 0)
    reached = tried * factors[:, None, None] >= k[:, None] + 0.5
    first = tried[np.arange(len(factors))[:, None], k, reached.argmax(axis=2)].astype(np.int64)
    within &= reached.any(axis=2) & (first > 0)
    total = 31 - shift
    if (total > 52).any():
        return None
    tie = (2 * k + 1)[None, :].astype(np.int64) << (total - 1)[:, None]
    low = np.where(within, tie // np.maximum(first, 1) + 1, 0).max(axis=1)
    below = np.maximum(first - 1, 1)
    high = np.where(within & (first > 1), -(-tie // below) - 1, 2**31 - 1).min(axis=1)
    if (low > high).any():
        return None
    return np.clip(nearest, low, high), shift


def rounded_once(x: Array, multiplier: Any, shift: Any) -> Array:
    """int32 values x, in int64, times ``multiplier * 2**(shift - 31)``, to the nearest, halves up."""
    total = 31 - np.asarray(shift, np.int64)
    return np.asarray((x * np.asarray(multiplier, np.int64) + (np.int64(1) << (total - 1))) >> total)


def doubling_high(a: Array, b: Any) -> Array:
    """``a * b / 2**31`` of int32 values in int64, to the nearest, halves up, saturated."""
    return np.asarray(np.minimum((a * b + (1 << 30)) >> 31, _TOP))


def divided(x: Array, bits: Any) -> Array:
    """``x / 2**bits`` to the nearest, halves away from zero."""
    mask = (np.int64(1) << np.asarray(bits, np.int64)) - 1
    return np.asarray((x >> bits) + ((x & mask) > (mask >> 1) + (x < 0)))


def scaled(x: Array, multiplier: Any, shift: Any) -> Array:
    """int32 values x, in int64, times ``multiplier * 2**(shift - 31)``, rounded twice."""
    multiplier, shift = np.asarray(multiplier, np.int64), np.asarray(shift, np.int64)
    left = np.asarray(x << np.maximum(shift, 0))
    return divided(doubling_high(left, multiplier), np.maximum(-shift, 0))


def saturated(x: Array) -> Array:
    """Within int32."""
    return np.clip(x, -_TOP - 1, _TOP)


def times_power(x: Array, exponent: int) -> Array:
    """``x * 2**exponent``, saturated; rounded where the exponent is negative."""
    return divided(x, -exponent) if exponent < 0 else saturated(x << exponent)


def raw(value: float, integer_bits: int) -> int:
    """A real constant with so many bits before the point and 31 in all."""
    return int(min(round(value * 2.0 ** (31 - integer_bits)), _TOP))


#: exp(-2**k) in Q31 for k = -2, …, 4: gemmlowp's constants.
_EXP_NEG = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def exp_neg(a: Array, integer_bits: int) -> Array:
    """``exp(a)`` of gemmlowp in Q31 of a <= 0 with so many integer bits."""
    fraction = 31 - integer_bits
    quarter = 1 << (fraction - 2)
    part = (a & (quarter - 1)) - quarter
    # Taylor's polynomial about -1/8, in Q31.
    x = times_power(part, integer_bits) + (1 << 28)
    x2 = doubling_high(x, x)
    x3, x4 = doubling_high(x2, x), doubling_high(x2, x2)
    third = raw(1 / 3, 0)
    rest = divided(doubling_high(divided(x4, 2) + x3, third) + x2, 1)
    eighth = 1895147668  # exp(-1/8)
    result = saturated(eighth + doubling_high(x + rest, eighth))
    remainder = part - a
    for k, factor in enumerate(_EXP_NEG):
        exponent = k - 2
        if integer_bits > exponent:
            bit = np.int64(1) << (fraction + exponent)
            result = np.where(remainder & bit, doubling_high(result, factor), result)
    if integer_bits > 5:
        result = np.where(a < -(1 << (fraction + 5)), 0, result)
    return np.where(a == 0, _TOP, result)


def half_sum(a: Array, b: Any) -> Array:
    """``(a + b) / 2`` to the nearest, halves away from zero."""
    total = a + b
    nudged = total + np.where(total >= 0, 1, -1)
    return np.where(nudged >= 0, nudged >> 1, -(-nudged >> 1))


def _newton(a: Array) -> Array:
    """``2 / (1 + a)`` in Q29 of a in Q31, from 0 to 1: three steps of Newton's method."""
    denominator = half_sum(a, _TOP)
    x = 1515870810 + doubling_high(denominator, -1010580540)  # 48/17 - 32/17 d, in Q29
    for _ in range(3):
        miss = (1 << 29) - doubling_high(denominator, x)
        x = saturated(x + times_power(doubling_high(x, miss), 2))
    return x


def reciprocal(a: Array) -> Array:
    """``1 / (1 + a)`` of gemmlowp in Q31 of a in Q31, from 0 to 1."""
    return times_power(_newton(a), 1)


def logistic(a: Array) -> Array:
    """Logistic function of gemmlowp in Q31 of a with 4 integer bits."""
    p = reciprocal(exp_neg(-np.abs(a), 4))
    return np.where(a == 0, 1 << 30, np.where(a > 0, p, _TOP - p))


def tanh(a: Array) -> Array:
    """Hyperbolic tangent of gemmlowp in Q31 of a with 4 integer bits."""
    e = exp_neg(-np.abs(a), 5)  # of twice a: the point moves
    # (1 - e) / (1 + e) is 2 / (1 + e) - 1.
    t = times_power(saturated(_newton(e) - (1 << 29)), 2)
    return np.where(a == 0, 0, np.where(a > 0, t, -t))
