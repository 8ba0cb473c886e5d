"""Probabilities from exponentials in fixed point: the twin of templates/shares.h.j2."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.fixedpoint import Exponential

Array = NDArray[Any]
#: Probabilities of integer modes: Q15, with a full one representable.
PROBA_ONE = 1 << 15


def shares(part: Array, whole: Array, integer: bool) -> Array:
    """``part / whole`` of uint64 arrays: float32, or in integers of `PROBA_ONE`."""
    if not integer:
        return np.asarray(part.astype(np.float32) / whole.astype(np.float32))
    shift = np.uint64(32) - np.ceil(np.log2((whole + np.uint64(1)).astype(np.float64))).astype(np.uint64)
    divisor = (whole << shift) >> np.uint64(15)
    return np.asarray(((part << shift) + (divisor >> np.uint64(1))) // divisor, np.uint16)


def sigmoid(scores: Array, scale: Exponential, integer: bool) -> tuple[Array, Array]:
    """Shares of the first and the second side of scores, as `shares`; 0 and above is on the second."""
    e = fixedpoint.exp_neg(np.abs(scores), scale)
    one = np.uint64(fixedpoint.EXP_ONE)
    first, second = np.where(scores < 0, one, e), np.where(scores < 0, e, one)
    return shares(first, one + e, integer), shares(second, one + e, integer)


def one_vs_rest(scores: Array, scale: Exponential) -> Array:
    """Shares of each score against the rest, shape (n, n_scores), in integers of `PROBA_ONE`."""
    # Where all say no, relative to the one that does so least.
    most = np.minimum(scores.max(axis=1, keepdims=True), 0)
    one = np.uint64(fixedpoint.EXP_ONE)
    part = np.where(scores < 0, fixedpoint.exp_neg(np.maximum(most - scores, 0), scale), one)
    each = shares(part, one + fixedpoint.exp_neg(np.abs(scores), scale), True).astype(np.uint64)
    return shares(each, each.sum(axis=1, keepdims=True), True)


def softmax_shift(n: int) -> int:
    """By so many bits n exponentials are shifted right, so that their sum stays in 32 bits."""
    return max(n.bit_length() - 1, 0)


def softmax(scores: Array, scale: Exponential, integer: bool) -> Array:
    """Shares of the exponentials of each row of scores, shape (n, n_scores), as `shares`."""
    e = fixedpoint.exp_neg(scores.max(axis=1, keepdims=True) - scores, scale)
    e >>= np.uint64(softmax_shift(scores.shape[1]))
    return shares(e, e.sum(axis=1, keepdims=True), integer)
