"""Fewer different numbers for trees to keep: thresholds, shares of classes and leaf values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint

Array = NDArray[Any]
#: Denominators of class shares, the finest first; at 1 a leaf gives all to its best class.
SHARE_LEVELS = (16, 4, 2, 1)
_STEPS = 8


def fewer_thresholds(thresholds: Array, column: Array, share: float) -> Array:
    """Thresholds of one feature, of which those become one that few values lie between.

    Parameters
    ----------
    thresholds : float64 array of shape (n,)
    column : float32 array of shape (n_rows,)
        Values of the feature, in ascending order.
    share : float
        At most this share of the values lies between thresholds that become one.

    Returns
    -------
    float64 array of shape (n,)
    """
    distinct, which, counts = np.unique(thresholds, return_inverse=True, return_counts=True)
    rank = np.searchsorted(column, distinct, side="right")
    starts, ends = [], [0]
    while ends[-1] < len(distinct):
        starts.append(ends[-1])
        ends.append(int(np.searchsorted(rank, rank[starts[-1]] + int(share * len(column)), side="right")))
    group = np.repeat(np.arange(len(starts)), np.diff(ends))
    # The middle one of the nodes speaks for a group.
    passed = np.concatenate([[0], np.cumsum(counts)])
    half = (passed[starts] + passed[ends[1:]] - 1) // 2
    middle = np.searchsorted(passed, half, side="right") - 1
    return np.asarray(_simplest(distinct[middle], rank[middle], column)[group[which.ravel()]])


def _simplest(thresholds: Array, rank: Array, column: Array) -> Array:
    """Of each threshold, the number of the fewest bits that is well between the same two values."""
    inside = (rank > 0) & (rank < len(column))
    out = thresholds.astype(np.float64)
    below, above = (column[rank[inside] - i].astype(np.float64) for i in (1, 0))
    quarter = (above - below) / 4
    low = fixedpoint.ordered(fixedpoint.float32_floor(below + quarter)).astype(np.int64)
    high = fixedpoint.ordered(fixedpoint.float32_floor(above - quarter)).astype(np.int64)
    # The multiple of the highest power of two in (low, high]: 0, or the bits that both share and one more.
    zeros = np.frexp((low ^ high).astype(np.float64))[1].astype(np.int64) - 1
    zeros = np.where((low < 0) & (high >= 0), 31, np.maximum(zeros, 0))
    keys = high >> zeros << zeros
    chosen = fixedpoint.unordered(keys.astype(np.int32)).astype(np.float64)
    # Between neighbours of float32 there is nothing to choose.
    fits = (chosen >= below) & (chosen < above)
    out[inside] = np.where(fits, chosen, out[inside])
    return out


def rounded_shares(values: Array, denominator: int) -> Array:
    """Class shares, shape (n, n_outputs, n_classes), as multiples of 1 / `denominator` that sum to one.

    What is left after rounding down goes to the largest remainders, the lowest class first among equals.

    >>> rounded_shares(np.array([[[0.3, 0.3, 0.4]]]), 2).tolist()
    [[[0.5, 0.0, 0.5]]]
    """
    scaled = values * denominator
    whole = np.floor(scaled + 1e-9)
    left = np.rint(scaled.sum(axis=-1) - whole.sum(axis=-1))
    order = np.argsort(whole - scaled, axis=-1, kind="stable")
    place = np.argsort(order, axis=-1, kind="stable")
    return np.asarray((whole + (place < left[..., None])) / denominator)


def pooled(values: Array, weight: Array, levels: int) -> Array:
    """Numbers that are few: of each column, at most so many besides zero; k-means in one dimension.

    >>> pooled(np.array([[1.0], [2.0], [9.0], [0.0]]), np.ones(4), 2)[:, 0].tolist()
    [1.5, 1.5, 9.0, 0.0]
    """
    out = values.reshape(len(values), -1).copy()
    for column in out.T:
        filled = np.flatnonzero(column)
        distinct, which = np.unique(column[filled], return_inverse=True)
        if len(distinct) > levels:
            mass = np.bincount(which.ravel(), weights=weight[filled])
            column[filled] = _centres(distinct, mass, levels)[which.ravel()]
    return out.reshape(values.shape)


def _centres(numbers: Array, mass: Array, levels: int) -> Array:
    """Of each number, ascending, the centre that stands for it."""
    # The first centres are as many where numbers are dense as where they are spread.
    passed = np.cumsum(mass) / mass.sum() + (numbers - numbers[0]) / (numbers[-1] - numbers[0])
    group = np.minimum((passed / passed[-1] * levels).astype(np.int64), levels - 1)
    for _ in range(_STEPS):
        _, group = np.unique(group, return_inverse=True)
        centres = np.bincount(group, weights=mass * numbers) / np.bincount(group, weights=mass)
        group = np.searchsorted((centres[1:] + centres[:-1]) / 2, numbers)
    _, group = np.unique(group, return_inverse=True)
    return np.asarray((np.bincount(group, weights=mass * numbers) / np.bincount(group, weights=mass))[group])
