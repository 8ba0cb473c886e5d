"""What the shape of a spectrum is told by: the twin of dsp/shape.h.

Magnitudes are int64 arrays of shape (..., n_bins), below 2**30 or, of spectra in int16, 2**16; results are in
bins unless stated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._moments import Root
from micromlgen.features._powers import FLOOR, power_of, shares
from micromlgen.features._root import log2_q11
from micromlgen.features._squares import squares
from micromlgen.features._tops import inverse, limited, moved, upper

Array = NDArray[Any]
#: Powers are taken as no further below that of the largest bin, in bits of magnitude.
FLOOR_BITS = 15
#: Coefficients of 2**-f in Q16, exact at 0 and 1 and within 2**-13 between: 1 - f * (a - f * (b - f * c)).
_A, _B, _C = 45313, 15110, 2565


def centroid(s: Array) -> Array:
    """Mean bin, weighted by magnitudes, in Q16; 0 of silence."""
    bins = np.arange(s.shape[-1])
    return shares(power_of((s * bins).sum(axis=-1), 0), power_of(s.sum(axis=-1), 0))


def bandwidth(s: Array) -> Array:
    """Standard deviation from the centroid, weighted by magnitudes, in Q16."""
    middle = (centroid(s) + (1 << 15)) >> 16
    off = np.arange(s.shape[-1]) - middle[..., None]
    total = power_of(s.sum(axis=-1), 0)
    second = power_of((s * off * off).sum(axis=-1), 0)
    q = upper(second.m, inverse(np.maximum(total.m, 1 << 31)))
    variance = moved(q, np.where(second.m > 0, second.e - total.e + 1, 0))  # Q32
    mean = shares(power_of(np.abs((s * off).sum(axis=-1)), 0), total)
    variance = np.maximum(variance - mean * mean, 0)
    return np.where(total.m > 0, Root(variance).in_steps(0), 0)


def rolloff(s: Array, part: int) -> Array:
    """First bin up to which magnitudes add up to a part, in Q16, of all."""
    reached = (np.cumsum(s, axis=-1) << 16) >= s.sum(axis=-1, keepdims=True) * part
    return np.asarray(np.argmax(reached, axis=-1))


def _exp2_neg(v: Array) -> Array:
    """``2**-v`` in Q16 of v in Q16."""
    f = v & 0xFFFF
    part = _A - (f * (_B - (f * _C >> 16)) >> 16)
    return np.asarray((65536 - (f * part >> 16)) >> np.minimum(v >> 16, 31))


def flatness(s: Array, bits: int) -> Array:
    """Geometric over arithmetic mean of powers, in Q16; 1 of silence. The squares are of ``s >> bits``."""
    n = s.shape[-1]
    highest = s.max(axis=-1, keepdims=True)
    floored = np.maximum(s, np.maximum(highest >> FLOOR_BITS, np.minimum(highest, 1)))
    geometric = 2 * (log2_q11(floored).sum(axis=-1) * 32 // n)
    part = power_of(((floored >> bits) ** 2).sum(axis=-1), 2 * bits)
    arithmetic = (log2_q11(part.m) << 5) + (part.e << 16) - mean_of(n)
    return np.where(part.m > 0, _exp2_neg(np.maximum(arithmetic - geometric, 0)), 65536)


def mean_of(n: int) -> int:
    """``log2(n)`` in Q16."""
    return int(np.rint(np.log2(n) * 2**16))


def peaks(s: Array, k: int) -> Array:
    """Bins of the k largest that are larger than both neighbours, shape (..., k); 0 for none."""
    inner = s[..., 1:-1]
    high = np.where((inner > s[..., :-2]) & (inner > s[..., 2:]), inner, 0)
    order = np.argsort(-high, axis=-1, kind="stable")[..., :k]
    found = np.where(np.take_along_axis(high, order, axis=-1) > 0, order + 1, 0)
    return np.pad(found, [(0, 0)] * (found.ndim - 1) + [(0, k - found.shape[-1])])


def decibels(s: Array, plus: Array) -> Array:
    """``log2`` in Q9 of squares, and a constant in Q11; the floor of less."""
    log = (2 * log2_q11(s) + plus + 2) >> 2
    return np.where(s > 0, np.maximum(log, FLOOR * 512), FLOOR * 512)


def flux(s: Array, before: Array, shift: Array, shift_before: Array, up: int, bits: int) -> Array:
    """Root of the sum of the squared differences of two spectra, which are times 2**shift, over 2**bits.

    Squares are of 30 bits, which differences shifted up by `up` have.
    """
    least = np.minimum(shift, shift_before)
    down, down_before = (np.minimum(v - least, 63)[..., None] for v in (shift, shift_before))
    difference = (s >> down) - (before >> down_before)
    of = Root(squares(np.abs(difference) << up))
    return np.where(of.square > 0, limited(of.root, of.exponent + 8 - least - up - bits), 0)
