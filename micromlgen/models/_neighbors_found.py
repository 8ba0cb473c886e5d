"""Which training rows are the neighbours of x, how much each counts, and what float32 leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._neighbors_metric import POWF, ULP
from micromlgen.models._neighbors_rows import Rows

Array = NDArray[Any]
#: Weights of integer modes: Q15 of that of the nearest row.
WEIGHT_ONE = 1 << 15
#: Rows of x at a time, so that a block of distances stays small.
BLOCK = 256
#: Roundings of a root and a quotient, in ULP.
ROOTED = 4


@dataclass(frozen=True, eq=False)
class Found:
    """Neighbours of n rows.

    Parameters
    ----------
    index : int64 array of shape (n, n_found)
        Of training rows, nearest first; where a radius decides all of them, in their own order.
    reduced : array of shape (n, n_found)
        Their reduced distances.
    inside : bool array of shape (n, n_found)
        Which are neighbours.
    open : bool array of shape (n, n_rows)
        Training rows that float32 arithmetic may count as neighbours or not.
    slack : float64 array of shape (n, n_found)
        Most by which that is off the reduced distances.
    """

    index: NDArray[np.int64]
    reduced: Array
    inside: NDArray[np.bool_]
    open: NDArray[np.bool_]
    slack: NDArray[np.float64]

    @property
    def count(self) -> NDArray[np.int64]:
        """How many neighbours each row has."""
        return np.asarray(self.inside.sum(axis=1))


def nearest(reduced: Array, slack: NDArray[np.float64], k: int) -> Found:
    """The k nearest rows; of equal ones the first.

    Parameters
    ----------
    reduced, slack : arrays of shape (n, n_rows)
    """
    order = np.argsort(reduced, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(reduced, order, axis=1)
    last = best[:, -1:]
    with np.errstate(invalid="ignore"):
        room = slack + np.take_along_axis(slack, order[:, -1:], axis=1)
        apart = np.abs(reduced - last)
        # Without slack the order of equal rows is certain.
        near = (apart <= room) & (room > 0)
        surely = (reduced < last) & ~near
    several = near.sum(axis=1) + surely.sum(axis=1) > k
    return Found(
        index=order,
        reduced=best,
        inside=np.ones(best.shape, bool),
        open=(near & several[:, None]) | ~np.isfinite(last),
        slack=np.take_along_axis(slack, order, axis=1),
    )


def within(reduced: Array, slack: NDArray[np.float64], limit: float) -> Found:
    """All rows up to a reduced distance."""
    with np.errstate(invalid="ignore"):
        on_border = (np.abs(reduced - limit) <= slack) & (slack > 0)
    return Found(
        index=np.broadcast_to(np.arange(reduced.shape[1]), reduced.shape),
        reduced=reduced,
        inside=reduced <= limit,
        open=on_border | ~np.isfinite(reduced),
        slack=slack,
    )


def weights(rows: Rows, found: Found, by_distance: bool) -> tuple[Array, NDArray[np.float64]]:
    """How much each neighbour counts, and the largest error of float32, relative to that; (n, n_found) both.

    1 each; or by the inverse of the distance, where rows at no distance, if there are any, count alone. In
    integers the nearest has `WEIGHT_ONE`.
    """
    if not by_distance:
        return found.inside.astype(np.int64), np.zeros(found.inside.shape)
    nearest_one = np.where(found.inside, found.reduced, np.inf).min(axis=1, keepdims=True)
    if rows.is_integer:
        least = np.where(np.isfinite(nearest_one), nearest_one, 0).astype(np.int64)
        whole = np.where(found.inside, _shares(least, found.reduced, rows.metric.root), 0)
        return whole, np.zeros(found.inside.shape)
    reduced = found.reduced
    exact = reduced == 0
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse = np.where(nearest_one > 0, reduced ** (-1.0 / rows.metric.root), exact.astype(np.float64))
        relative = found.slack / np.where(exact, 1, reduced)
        # What may round to nothing counts alone, or does not.
        relative = np.where(relative < 0.5, relative * (2.0 / rows.metric.root), np.inf)
    off = ROOTED * ULP + (0.0 if rows.metric.root in (1.0, 2.0) else POWF)
    relative = np.where(exact, 0.0, relative + off)
    return np.where(found.inside, inverse, 0.0), np.where(found.inside, relative, 0.0)


def spoiled(weight: Array, relative: NDArray[np.float64]) -> NDArray[np.float64]:
    """The errors of weights; what may count alone or not at all spoils everything."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(np.isinf(relative), np.inf, weight * relative)


def _shares(least: Array, reduced: Array, root: float) -> NDArray[np.int64]:
    """``(least / reduced) ** (1 / root)`` in Q15, as templates/neighbors_weights.h.j2 computes it."""
    q30 = np.where(reduced > 0, (least << 30) // np.maximum(reduced, 1), 1 << 30)
    q30 = np.where((least == 0) & (reduced > 0), 0, q30)
    return integer_root(q30) if root == 2 else np.asarray(q30 >> 15)


def integer_root(values: Array) -> NDArray[np.int64]:
    """Square roots, rounded down, of integers below 2**52.

    >>> integer_root(np.array([0, 15, 16, 2**30])).tolist()
    [0, 3, 4, 32768]
    """
    return np.asarray(np.sqrt(values.astype(np.float64)).astype(np.int64))
