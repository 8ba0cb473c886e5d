"""Integers of 32 bits with an exponent, as floating point has them: the twin of dsp/tops.h."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._root import bit_length

Array = NDArray[Any]
#: Largest result of `limited`.
MOST = 2**30 - 1


def top(v: Array) -> tuple[Array, Array]:
    """``v / 2**exponent`` of 32 bits, the highest one set, but for the bits cut off, and the exponent."""
    exponent = bit_length(v) - 32
    return moved(v, -exponent), exponent


def moved(v: Array, by: Array) -> Array:
    """``v * 2**by``, rounded down."""
    return np.where(by >= 0, v << np.maximum(by, 0), v >> np.minimum(np.maximum(-by, 0), 63))


def upper(a: Array, b: Array | int) -> Array:
    """``a * b / 2**16`` of 32 and 16 bits, rounded down twice."""
    return np.asarray((a >> 16) * b + ((a & 0xFFFF) * b >> 16))


def upper_32(a: Array, b: Array) -> Array:
    """``a * b / 2**32`` of 32 bits each, rounded down by halves of b."""
    return np.asarray(upper(a, b >> 16) + (upper(a, b & 0xFFFF) >> 16))


def limited(v: Array, by: Array) -> Array:
    """``v * 2**by``, at most `MOST`."""
    over = (by >= 30) | (v >> np.clip(30 - by, 0, 63) > 0)
    return np.where(v == 0, 0, np.where(over, MOST, moved(v, np.where(over, 0, by))))


def inverse(m: Array) -> Array:
    """``2**47 / m`` in 16 bits, within 2**-15 of itself, of 32 bits with the highest one set."""
    half = np.clip((m >> 16) + (m >> 15 & 1), 1 << 15, 65535)
    return np.asarray(np.minimum(((1 << 31) + (half >> 1)) // half, 65535))


def inverse_32(m: Array, first: Array) -> Array:
    """``2**63 / m`` in 32 bits, within 2**-29 of itself, by a step of Newton from what `inverse` gives."""
    off = (1 << 31) - upper(m, first)
    step = np.abs(off) * first >> 15
    return np.asarray((first << 16) + np.where(off < 0, -step, step))


def constant(v: int) -> tuple[int, int]:
    """``v / 2**exponent`` of 16 bits, the highest one set, rounded, and the exponent."""
    exponent = v.bit_length() - 16
    rounded = round(v / 2.0**exponent)
    return (rounded, exponent) if rounded < 1 << 16 else (rounded - 1, exponent)
