"""The arithmetic that Python and the C share, bit for bit.

Nothing here knows a model. Float32 values are compared as integers: `ordered` maps them to int32 so that
``a <= b`` holds for the floats exactly when it holds for the integers (FLInt, arXiv 2209.04181, shows the
same idea for tree inference).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

#: `ordered` of every NaN: above +inf, whatever the NaN's sign and payload.
NAN_KEY = np.int32(0x7FFFFFFF)
_INF_BITS = np.int32(0x7F800000)
# How far a share that is a quotient of two integers may be from it: a few roundings of float64.
_EXACT = 2.0**-50


def float32_floor(x: ArrayLike) -> NDArray[np.float32]:
    """Largest float32 that is not above x, so that ``f <= x`` stays exact for every float32 f.

    >>> float(float32_floor(0.1)) <= 0.1 < float(np.nextafter(float32_floor(0.1), np.float32(1)))
    True
    """
    x = np.asarray(x, np.float64)
    with np.errstate(over="ignore", under="ignore"):
        f = x.astype(np.float32)
        below = np.nextafter(f, np.float32(-np.inf))
    return np.where(f > x, below, f).astype(np.float32)


def ordered(x: ArrayLike) -> NDArray[np.int32]:
    """Float32 values as int32 keys of the same order; −0 and +0 get one key, every NaN gets `NAN_KEY`.

    >>> ordered([-1.0, -0.0, 0.0, 1.0, np.inf]).tolist()
    [-1065353217, 0, 0, 1065353216, 2139095040]
    """
    bits = np.asarray(x, np.float32).view(np.int32)
    keys = np.where(bits < 0, bits ^ NAN_KEY, bits)
    keys = np.where(bits == np.iinfo(np.int32).min, 0, keys)
    return np.where(bits & NAN_KEY > _INF_BITS, NAN_KEY, keys).astype(np.int32)


def unordered(keys: ArrayLike) -> NDArray[np.float32]:
    """Inverse of `ordered`: the float32 values that have these int32 keys."""
    k = np.asarray(keys, np.int32)
    return np.where(k < 0, k ^ NAN_KEY, k).astype(np.int32).view(np.float32)


def encode(
    X: NDArray[np.float32],
    center: NDArray[np.float32] | None,
    gain: NDArray[np.float32] | None,
    exponents: NDArray[np.int32],
    top: int,
    dtype: np.dtype[Any],
) -> Array:
    """Round ``(X - center) * gain * 2**exponents`` to the nearest integer, halves up.

    It saturates to ±top; NaN becomes the type's lowest value, which is kept for missing values. A difference
    and a product, each rounded to float32, which no compiler can fuse; the rest is exact, so that the C gets
    the same integers everywhere.

    Parameters
    ----------
    X : float32 array of shape (n, n_features)
        Any values.
    center, gain : float32 arrays of shape (n_features,), or None
        None: 0 and 1.
    exponents : int32 array of shape (n_features,)
        From −100 to 100, as of `exponent_for`.
    top : int
        At most the largest value of `dtype`.
    dtype : numpy.dtype
        int16 or int8.

    Returns
    -------
    array of the shape of X
        Q0 of the scaled features.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        v = X if center is None else X - center
        v = v if gain is None else v * gain
        scaled = np.ldexp(np.where(np.isnan(v), 0, v).astype(np.float64), exponents)
    q = np.floor(np.clip(scaled, -top, top) + 0.5)
    return np.where(np.isnan(v), np.iinfo(dtype).min, q).astype(dtype)


def rescale(Y: Array, exponents: ArrayLike, top: int) -> NDArray[np.int64]:
    """Round ``Y * 2**exponents`` to the nearest integer, halves up, saturated to ±top.

    Y: integers within ±(2**31 - 2); exponents below -31 and above 15 count as these, top is at most 32767.

    >>> rescale(np.array([-3, 3, 40000]), [-1, -1, 0], 32767).tolist()
    [-1, 2, 32767]
    """
    e = np.clip(exponents, -31, 15)
    wide = Y.astype(np.int64)
    right = np.where(e < 0, ((wide >> np.maximum(-e - 1, 0)) + 1) >> 1, wide)
    return np.asarray(np.clip(right << np.maximum(e, 0), -top, top))


def exponent_for(limit: ArrayLike, top: int) -> NDArray[np.int32]:
    """Largest e such that ``limit * 2**e`` still stays below `top`, per element.

    One step of room is left, so that an x beyond the limit does not saturate onto it. Between −100 and 100,
    which keeps ``2**e`` a normal float32.
    """
    limit = np.maximum(np.asarray(limit, np.float64), 1e-30)
    e: Array = np.floor(np.log2((top - 1) / limit))
    return np.asarray(np.clip(e, -100, 100), np.int32)


def share_denominator(fractions: ArrayLike) -> int:
    """Smallest D ≤ 65535 for which every fraction is a multiple of 1 / D, rounded to float64, else 2²⁰.

    Shares of one get D = 1, so one-hot leaves count single votes; a few simple fractions stay in 16 bits;
    anything else gets 2²⁰, whose rounding is within 2⁻²¹.

    >>> share_denominator([0.0, 1.0]), share_denominator([0.5, 1 / 3])
    (1, 6)
    """
    distinct = np.unique(np.asarray(fractions, np.float64))
    if len(distinct) > 4096:
        return 1 << 20
    denominator = 1
    for share in distinct:
        denominator = int(np.lcm(denominator, Fraction(share).limit_denominator(65535).denominator))
        if denominator > 65535:
            return 1 << 20
    scaled = distinct * denominator
    exact = bool(np.all(np.abs(scaled - np.rint(scaled)) <= _EXACT * denominator))
    return denominator if exact else 1 << 20


def sum_exponent(values: NDArray[np.float64], terms: int) -> int:
    """Largest e for which a sum of `terms` roundings of ``values * 2**e`` provably stays inside int32.

    `values` holds the largest magnitudes of the terms; their plain sum bounds the exact result, and each
    rounding adds at most one half. At most 100, which is also what sums of nothing but zeros get.
    """
    bound = max(float(np.sum(values)), 1e-30)
    return int(np.clip(np.floor(np.log2((2.0**31 - 1 - terms) / bound)), -100, 100))


#: Q30 of one: what `exp_neg` gives for 0.
EXP_ONE = 1 << 30
# 2**-f = c0 - f (c1 - f (c2 - ...)) for f in [0, 1), coefficients in Q30: Chebyshev's interpolation of
# (2**-f - 1) / f, so that 2**-0 is exactly 1.
EXP2_Q30 = (1073741824, 744260865, 257928559, 59494488, 10033292, 1077640)


LN2_Q16 = 45426
#: ``2**-(i / 16)`` in Q16 for i = 0, …, 16, lowered by half of what a chord lies above the curve.
EXP2_TABLE = (
    *(65528, 62749, 60089, 57541, 55102, 52766, 50529, 48386, 46335),
    *(44371, 42489, 40688, 38963, 37311, 35729, 34214, 32764),
)


@dataclass(frozen=True)
class Exponential:
    """How scores in integer units become exponents of two: ``y = s * 2**shift * multiplier / 2**32``, in Q25.

    Parameters
    ----------
    shift : int
        To the left where positive, else to the right.
    multiplier : int
        Of 32 bits, the highest one set.
    """

    shift: int
    multiplier: int

    @property
    def limit(self) -> int:
        """From this s on, ``exp(-s)`` counts as 0; below it nothing leaves 32 bits."""
        return max(min(int(31 * 2.0 ** (25 + 32 - self.shift) / self.multiplier), 2**32 - 1), 1)


def exponential(unit: float) -> Exponential:
    """The `Exponential` of scores in units of `unit`.

    >>> exponential(2.0**-20)
    Exponential(shift=6, multiplier=3098164009)
    """
    mantissa, exponent = np.frexp(unit / np.log(2) * 2.0**25)
    # Units beyond 2**5 are so far apart that the exponential of one is 0 in any case.
    multiplier, shift = int(np.rint(mantissa * 2.0**32)), min(int(exponent), 30)
    return Exponential(shift + 1, 1 << 31) if multiplier == 1 << 32 else Exponential(shift, multiplier)


def multiply_q16(a: Array, b: Any) -> Array:
    """``a * b / 2**16`` of 32-bit a and 16-bit b (uint64 arrays), each half of a rounded down."""
    return np.asarray((a >> np.uint64(16)) * b + (((a & np.uint64(0xFFFF)) * b) >> np.uint64(16)))


def _exponents_of_two(s: Array, scale: Exponential) -> Array:
    shift = np.uint64(min(abs(scale.shift), 63))
    shifted = s << shift if scale.shift > 0 else s >> shift
    high, low = np.uint64(scale.multiplier >> 16), np.uint64(scale.multiplier & 0xFFFF)
    return np.asarray(multiply_q16(shifted, high) + (multiply_q16(shifted, low) >> np.uint64(16)))


def exp2_fraction(y: Array) -> Array:
    """``2**-f`` in Q30, of f the fraction of y in Q25 (uint64 arrays): within 3e-7.

    A polynomial of the upper 16 bits of f; the lower 9 enter linearly.

    >>> exp2_fraction(np.array([0, 1 << 24], np.uint64)) / 2**30
    array([1.        , 0.70710678])
    """
    f = (y >> np.uint64(9)) & np.uint64(0xFFFF)
    p = np.full_like(f, EXP2_Q30[-1])
    for c in EXP2_Q30[-2::-1]:
        p = np.uint64(c) - multiply_q16(p, f)
    rest = multiply_q16((p >> np.uint64(15)) * (y & np.uint64(511)), np.uint64(LN2_Q16))
    return np.asarray(p - (rest >> np.uint64(10)))


def exp2_neg(y: Array) -> Array:
    """``2**-y`` in Q16 of y in Q12, below 2**16 (uint64 arrays): within 1.4e-4 of itself, and 2**-16.

    Chords between the sixteenths of an octave: a third of the bytes and a sixth of the time of `exp_neg`.

    >>> exp2_neg(np.array([0, 1 << 11, 1 << 12], np.uint64)).tolist()
    [65528, 46335, 32764]
    """
    at = ((y >> np.uint64(8)) & np.uint64(15)).astype(np.int64)
    table = np.array(EXP2_TABLE, np.uint64)
    p = table[at]
    step, part = p - table[at + 1], y & np.uint64(255)
    # In bytes, which 8-bit cores multiply.
    p -= (step >> np.uint64(8)) * part + (((step & np.uint64(255)) * part) >> np.uint64(8))
    return np.asarray(p >> (y >> np.uint64(12)))


def exp_neg(s: NDArray[np.int64], scale: Exponential) -> Array:
    """``exp(-s)`` in Q30 (uint64) of s >= 0 in the units of `scale`: within 4e-7."""
    within = s < scale.limit
    y = _exponents_of_two(np.where(within, s, 0).astype(np.uint64), scale)
    return np.where(within, exp2_fraction(y) >> (y >> np.uint64(25)), np.uint64(0))


#: From this float on, ``exp(-s)`` counts as 0; below it nothing leaves 32 bits.
EXP_NEG_LIMIT = 21.0
#: Exponent of two in Q25 of one.
LOG2_E_Q25 = 2.0**25 / np.log(2)
#: The same in Q31.
LOG2_E_Q31 = round(2.0**31 / np.log(2))

#: Largest score of which `<n>_exp` takes the exponential in float32.
EXP_LARGEST = 88.0

#: Largest magnitude of a score that `exp` takes.
EXP_LIMIT = 60.0


def exp(s: NDArray[np.int64], scale: Exponential) -> tuple[Array, NDArray[np.int64]]:
    """``exp(s)`` as a mantissa in Q30 (uint64) and an exponent of two, of s in the units of `scale`.

    Scores within ±`EXP_LIMIT`; the relative error is within 5e-7.
    """
    y = _exponents_of_two(np.abs(s).astype(np.uint64), scale)
    whole = np.uint64(25)
    up = (y + np.uint64((1 << 25) - 1)) >> whole
    positive = s >= 0
    k = np.where(positive, up.astype(np.int64), -(y >> whole).astype(np.int64))
    return exp2_fraction(np.where(positive, (up << whole) - y, y)), k
