"""Order statistics of sorted windows: what dsp/order.h selects without sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: Bits of the fraction of a quantile.
QUANTILE_BITS = 14


def median_twice(ordered: Array) -> Array:
    """Twice the median."""
    n = ordered.shape[1]
    return np.asarray(ordered[:, (n - 1) // 2] + ordered[:, n // 2])


def quantile_at(q: float, n: int) -> tuple[int, int]:
    """Where a quantile of n samples lies: behind sample i, by a fraction in Q16."""
    at = round(q * (n - 1) * (1 << 16))
    i = min(at >> 16, n - 2)
    return i, at - (i << 16)


def quantile(ordered: Array, i: int, fraction: int) -> Array:
    """A quantile in Q14, rounded down."""
    low, high = ordered[:, i], ordered[:, i + 1]
    return np.asarray((low << QUANTILE_BITS) + ((high - low) * fraction >> 2))


def deviation_four_times(ordered: Array) -> Array:
    """Four times the median of the absolute deviations from the median."""
    off = np.sort(np.abs(2 * ordered - median_twice(ordered)[:, None]), axis=1)
    return median_twice(off)
