"""Rows between those that are known: what a few dozen rows show by chance, many between them do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: A row is mixed with one of so many nearest ones.
_NEIGHBOURS = 20
#: So many rows at once, for the sake of memory.
_CHUNK = 250


def between(rows: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Rows with half of their features, at random, taken from one of their nearest neighbours.

    There are n of them, shape (n, n_features), or none where there is but one row. Every feature keeps a
    value that it has in some row: numbers stay integers or categories, and NaN is rare where it was rare.
    Deterministic.

    Parameters
    ----------
    rows : float32 array of shape (n_rows, n_features)
        NaN counts as the mean of its feature where distances are measured.
    n : int
    """
    if len(rows) == 1:
        return rows[:0]
    rng = np.random.default_rng(0)
    scaled = rows.astype(np.float64)
    filled = ~np.isnan(scaled)
    count = np.maximum(filled.sum(axis=0), 1)
    scaled = np.where(filled, scaled - np.where(filled, scaled, 0).sum(axis=0) / count, 0)
    deviation = np.sqrt((scaled**2).sum(axis=0) / count)
    scaled /= np.where(deviation > 0, deviation, 1)
    squares = (scaled**2).sum(axis=1)
    n_near = min(_NEIGHBOURS, len(rows) - 1)
    # Each row as often as any other, or evenly spaced ones.
    chosen = np.arange(n) * len(rows) // n if n < len(rows) else np.arange(n) % len(rows)
    partner = np.empty(n, np.int64)
    for start in range(0, n, _CHUNK):
        some = chosen[start : start + _CHUNK]
        at = np.arange(len(some))
        distance = squares - 2 * scaled[some] @ scaled.T
        distance[at, some] = np.inf
        near = np.argsort(distance, axis=1, kind="stable")[:, :n_near]
        partner[start + at] = near[at, rng.integers(0, n_near, len(some))]
    own = rng.random((n, rows.shape[1])) < 0.5
    return np.where(own, rows[chosen], rows[partner])
