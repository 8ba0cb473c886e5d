"""The order of features in which most rows are soon known to be too far, and how soon that is.

A distance is given up once it reaches the limit, so the features that differ most are worth comparing first.
Another order of the rows would bring the limit down sooner, but hardly: of 1347 digits 11.0 features a row
are read instead of 11.6 where rows that are often neighbours come first, and equal distances would need the
rows' old numbers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._neighbors_rows import Rows

#: So many features are compared before a distance is looked at, on average over the cores.
_STEP = 4
#: Queries and rows of the sample that is measured on.
_QUERIES, _ROWS = 48, 2000
#: An order must save this share of what is read, for it takes a table and a copy of x.
_PAYS = 0.1


def ordered(rows: Rows, k: int | None, limit: float, constants_matter: bool) -> Rows:
    """The rows with the best order of their features, and without those that are the same everywhere.

    Parameters
    ----------
    rows : Rows
        Quantised.
    k : int or None
        How many neighbours are searched for, or None: all up to `limit`.
    limit : float
        Highest reduced distance of a neighbour.
    constants_matter : bool
        Whether distances themselves matter, not only their order.
    """
    if rows.is_integer and rows.metric.direction:
        return replace(rows, read=float(rows.values.shape[1]))
    spread = rows.values.astype(np.float64).var(axis=0)
    if rows.metric.weights is not None:
        spread = spread * rows.metric.weights ** (2 / rows.metric.p)
    best = np.argsort(-spread, kind="stable")
    if not constants_matter and not rows.metric.largest and not rows.metric.direction:
        best = best[: max(1, np.count_nonzero(spread))]
    chosen = _chosen(rows, best)
    plain, better = _read(rows, k, limit), _read(chosen, k, limit)
    return replace(chosen, read=better) if better <= (1 - _PAYS) * plain else replace(rows, read=plain)


def _chosen(rows: Rows, features: NDArray[np.int64]) -> Rows:
    return replace(rows, values=rows.values[:, features], features=features, metric=rows.metric.of(features))


def _read(rows: Rows, k: int | None, limit: float) -> float:
    """Mean number of features compared with a row, for rows of training as x."""
    at = np.unique(np.linspace(0, len(rows.values) - 1, _ROWS).astype(np.int64))
    asked = np.unique(np.linspace(0, len(at) - 1, _QUERIES).astype(np.int64))
    values = rows.values[at].astype(np.float64)
    total = np.zeros((len(asked), len(at)))
    partial = [total]
    for i in range(values.shape[1]):
        term = rows.metric.term(values[asked, i, None] - values[None, :, i], i)
        total = np.maximum(total, term) if rows.metric.largest else total + term
        if i % _STEP == _STEP - 1 or i == values.shape[1] - 1:
            partial.append(total)
    bound = np.full((len(asked), 1), limit) if k is None else _bounds(total, asked, k)
    blocks = sum(np.count_nonzero(part < bound) for part in partial[:-1])
    return float(min(_STEP * blocks / total.size, values.shape[1]))


def _bounds(total: NDArray[np.float64], asked: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Limits when each row is reached: the k-th smallest distance so far, of rows other than x itself."""
    best = np.full((len(total), k), np.inf)
    bound = np.empty_like(total)
    for r in range(total.shape[1]):
        bound[:, r] = best[:, -1]
        best[:, -1] = np.where((total[:, r] < best[:, -1]) & (asked != r), total[:, r], best[:, -1])
        best.sort(axis=1)
    return bound
