"""Thresholds of trees as integers, which encoded features are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.inputs import Input

Array = NDArray[Any]


def integer_thresholds(
    threshold: Array, feature: Array, inputs: Input, rows: NDArray[np.float32] | None
) -> NDArray[np.int64]:
    """The integers by which encoded features go left, up to and with them.

    Features are rounded to the nearest integer, so those of one or two integers lie on both sides of a
    threshold. Where features come in steps, as of 0.1, thresholds midway between two steps are often at a
    third: the sides of all its rows then hang on one integer. Of the three integers that are next to a
    threshold the one is taken that has the most calibration rows on their side, and where there are none
    around, the one below it.

    Parameters
    ----------
    threshold : float64 array of shape (n_inner,), in the units of ``inputs.scaled``
    feature : integer array of shape (n_inner,)
    inputs : Input, of an integer mode
    rows : float32 array of shape (n_rows, n_features), or None
        Typical raw rows.
    """
    assert inputs.exponents is not None
    info = np.iinfo(inputs.dtype)
    with np.errstate(over="ignore"):
        below = np.floor(np.ldexp(threshold, inputs.exponents[feature]))
    # The lowest value means "missing": no threshold needs to tell it from its successor.
    out: NDArray[np.int64] = np.clip(below, info.min, info.max).astype(np.int64)
    if rows is None:
        return out
    encoded, scaled = inputs.encode(rows).astype(np.int64), inputs.scaled(rows)
    for f in np.unique(feature):
        nodes = feature == f
        known = encoded[:, f] != info.min
        order = np.argsort(scaled[known, f], kind="stable")
        x, q = scaled[known, f][order], encoded[known, f][order]
        here = out[nodes]
        low, middle, high = (np.searchsorted(q, here + d) for d in (0, 1, 2))
        left = np.clip(np.searchsorted(x, threshold[nodes], side="right"), low, high)
        # Rows of the integer itself, and of the one above, that are on the other side.
        wrong = np.stack([np.abs(left - middle), left - low, high - left])
        out[nodes] = np.clip(here + np.array([0, -1, 1])[wrong.argmin(axis=0)], info.min, info.max)
    return out
