"""Square roots and logarithms of integers: the twins of dsp/root.h and dsp/log2.h."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_STEPS = 32


def bit_length(v: Array) -> Array:
    """Bits of integers from 0 to 2**63 - 1, of the same shape: of halves, which float64 holds."""
    wide = v.astype(np.int64)
    high, low = (np.frexp(half.astype(np.float64))[1] for half in (wide >> 32, wide & 0xFFFFFFFF))
    return np.where(high > 0, 32 + high, low).astype(np.int64)


def root(v: Array) -> Array:
    """``floor(sqrt(v))`` of integers from 0 to 2**32 - 1."""
    return np.sqrt(v.astype(np.float64)).astype(np.int64)


def power_of(re: Array, im: Array) -> tuple[Array, Array]:
    """``re**2 + im**2`` of both, from 0 on, shifted down by as much as leaves 15 bits; the shift.

    The twin of `mml2_bin_normal` of dsp/bins.h.
    """
    shift = np.maximum(bit_length(re | im) - 15, 0)
    return (re >> shift) ** 2 + (im >> shift) ** 2, shift


def log2_table() -> NDArray[np.uint16]:
    """``log2(1 + i / 32)`` in Q16 for i = 0 … 32, the last one less a step."""
    exact = np.rint(np.log2(1 + np.arange(_STEPS + 1) / _STEPS) * 2**16)
    return np.asarray(np.minimum(exact, 65535), np.uint16)


def log2_q11(v: Array) -> Array:
    """``log2(v)`` in Q11 of integers from 1 to 2**32 - 1, within 1.5 steps; 0 of 0.

    Between the entries of `log2_table` a line: 2**-12.4 at most below, rounded to nearest.
    """
    v = np.maximum(v, 1)
    exponent = bit_length(v) - 1
    fraction = (v << (31 - exponent)) - (1 << 31)
    at, rest = fraction >> 26, (fraction >> 15) & 0x7FF
    table = log2_table().astype(np.int64)
    mantissa = table[at] + ((table[at + 1] - table[at]) * rest >> 11)
    return np.asarray((exponent << 11) + ((mantissa + 16) >> 5))
