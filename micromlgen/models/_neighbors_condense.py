"""Fewer training rows that classify as all of them do: a step that loses something, and only if asked for.

The idea is Hart's (The Condensed Nearest Neighbor Rule, 1968): rows far from another class decide nothing.
Rows get the class that all neighbours together give them, as Wilson edits them (Asymptotic Properties of
Nearest Neighbor Rules Using Edited Data, 1972), and then one neighbour is enough. Hart's own choice depends
on the order of the rows and keeps what noise needs. Here the next row is the one that does most for the
margin: how much nearer the nearest row of the right class is than the nearest of another, for the training
rows and for rows between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.lossy import Coarseness, Coarsening, Content

Array = NDArray[Any]
#: At most so many rows are kept, chosen among so many.
_MOST, _AMONG = 400, 3000
#: How steeply a row becomes wrong as its margin shrinks, and below what it is left alone.
_STEEP, _SETTLED = np.float32(20), 0.02


class Condensing(Coarsening):
    """The first rows of a good order, as many as `Coarseness.nodes` leaves.

    Parameters
    ----------
    order : int64 array of shape (n,)
        Training rows, the most useful first.
    build : callable
        Makes the model of these rows, or of all.
    """

    trees: Sequence[float] = ()
    levels: Sequence[int] = ()
    thresholds: Sequence[float] = ()
    parts = ("training rows", "", "")

    def __init__(self, order: NDArray[np.int64], build: Callable[[NDArray[np.int64] | None], Any]) -> None:
        self.order, self.build = order, build

    def __call__(self, coarseness: Coarseness) -> Any:
        if coarseness.nodes == 0:
            return self.build(None)
        kept = max(2, round(len(self.order) * (1 - coarseness.nodes)))
        return self.build(np.sort(self.order[:kept]))

    def content(self, model: Any) -> Content:
        return Content(nodes=len(model.rows.values), thresholds=0, leaves=0)


def useful_order(
    distance: NDArray[np.float64], classes: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Training rows, the next always the one with which one nearest neighbour classifies best.

    Parameters
    ----------
    distance : float64 array of shape (n, n_rows)
        Of n rows of x to all training rows.
    classes : int64 array of shape (n_rows,)
        Of training rows.
    wanted : int64 array of shape (n,)
        Of the rows of x.

    Returns
    -------
    int64 array of shape (n_kept,)
        At most half of the rows; fewer where no further one widens the margins.
    """
    among = np.unique(np.linspace(0, distance.shape[1] - 1, _AMONG).astype(np.int64))
    far = np.ascontiguousarray(distance[:, among], np.float32)
    fits = classes[among][None, :] == wanted[:, None]
    # All are wrong before a row of their class is kept.
    other = np.full(len(far), 2 * far.max() + 1, np.float32)
    own = 2 * other
    kept: list[int] = []
    while len(kept) < min(_MOST, -(-len(among) // 2)):
        wrong = _wrong(own, other)
        at = wrong > _SETTLED
        nearer_own = np.where(fits[at], np.minimum(own[at, None], far[at]), own[at, None])
        nearer_other = np.where(fits[at], other[at, None], np.minimum(other[at, None], far[at]))
        total = _wrong(nearer_own, nearer_other).sum(axis=0)
        total[kept] = np.inf
        chosen = int(total.argmin())
        if total[chosen] >= wrong[at].sum():
            break
        kept.append(chosen)
        d, fit = far[:, chosen], fits[:, chosen]
        own = np.where(fit, np.minimum(own, d), own)
        other = np.where(fit, other, np.minimum(other, d))
    return among[kept]


def _wrong(own: Array, other: Array) -> Array:
    """From 0 where the right class is much nearer, to 1 where another is."""
    return np.asarray(1 / (1 + np.exp(-_STEEP * (own - other) / (own + other))))
