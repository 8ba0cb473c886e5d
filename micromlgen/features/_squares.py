"""Sums of squares of 30 bits: the twin of dsp/squares.h."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def squares(v: Array) -> Array:
    """Sums of squares of 30 bits along the last axis, over 2**16, each part rounded down."""
    high, low = v >> 15, v & 0x7FFF
    of_high, both, of_low = ((a * b).sum(axis=-1) for a, b in ((high, high), (high, low), (low, low)))
    return np.asarray((of_high << 14) + both + (of_low >> 16))
