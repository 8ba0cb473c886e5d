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


def clipped_shift(one: int) -> int:
    """By so many bits scores between 0 and twice `one` are shifted right, to end at 2**16 or below.

    Sums then are divided without a carry out of 32 bits, even where they are their only part.
    """
    return max(one.bit_length() - 16, 0)


def clipped(scores: Array, one: int) -> Array:
    """Shares of scores that are cut to between -one and one, a power of two; of one score: two shares."""
    shift = np.uint64(clipped_shift(one))
    part = (np.clip(scores, -one, one) + one).astype(np.uint64) >> shift
    n = scores.shape[1]
    if n == 1:
        two = np.full_like(part, np.uint64(2 * one) >> shift)
        return np.concatenate([shares(two - part, two, True), shares(part, two, True)], axis=1)
    whole = part.sum(axis=1, keepdims=True)
    each = shares(part, np.maximum(whole, np.uint64(1)), True)
    return np.where(whole == 0, np.uint16(PROBA_ONE // n), each)


def softmax_shift(n: int) -> int:
    """By so many bits n exponentials are shifted right, so that their sum stays in 32 bits."""
    return max(n.bit_length() - 1, 0)


def softmax(scores: Array, scale: Exponential, integer: bool) -> Array:
    """Shares of the exponentials of each row of scores, shape (n, n_scores), as `shares`."""
    e = fixedpoint.exp_neg(scores.max(axis=1, keepdims=True) - scores, scale)
    e >>= np.uint64(softmax_shift(scores.shape[1]))
    return shares(e, e.sum(axis=1, keepdims=True), integer)
