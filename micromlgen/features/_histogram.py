"""Entropy of a histogram: the twin of dsp/histogram.h."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._root import log2_q11

Array = NDArray[Any]


def counts(x: Array, bins: int) -> Array:
    """How many samples of each window are in each of so many equal parts of its range: (n_windows, bins).

    Parameters
    ----------
    x : int64 array of shape (n_windows, n)
    """
    low = x.min(axis=1, keepdims=True)
    width = np.maximum(x.max(axis=1, keepdims=True) - low, 1)
    at = np.minimum((x - low) * bins // width, bins - 1)
    return np.stack([(at == k).sum(axis=1) for k in range(bins)], axis=1)


def entropy(x: Array, bins: int) -> Array:
    """In steps of 1 / (2048 * n) bits."""
    c = counts(x, bins)
    n = x.shape[1]
    return np.asarray(n * log2_q11(np.array(n)) - (c * log2_q11(c)).sum(axis=1))


def reference(x: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Bits, with edges that are exact where NumPy's are rounded."""
    p = counts(x.astype(np.int64), bins) / x.shape[1]
    return np.asarray(-(p * np.log2(np.where(p > 0, p, 1))).sum(axis=1))
