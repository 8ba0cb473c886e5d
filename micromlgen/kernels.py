"""The twin of templates/kernels.h.j2: products and distances of rows, bit for bit in integers.

Inputs are int16 or int8; every sum is taken modulo 2**32, so the order of its terms does not matter and no
core differs from another. A family proves that the sums it compares do not leave their 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Elements of a float64 block of rows: 8 MB.
_BLOCK = 1 << 20
#: Cores that multiply several rows at a time.
TOGETHER = frozenset({"cortex-m4f"})
#: Rows at once of ``mml2_rows_i8p``, and the fewest of their elements.
FOUR = 4
#: Elements at most of rows of which pairs are kept on the stack.
MOST_PAIRED = 512
# Rows at once that registers suffice for, and bytes that an instruction's offset reaches.
_MOST_TOGETHER = 6
_FARTHEST = 4080
# Instructions for four elements: those that all rows share, and each row's own.
_TURN = {"i16": (4, 4), "i16w8": (6, 5), "i8": (5, 5), "i8n": (5, 4), "i8p": (3, 4)}


def dot(X: Array, W: Array) -> NDArray[np.int64]:
    """Products of each row of X with each row of W, as ``mml2_dot_*`` and ``mml2_dots_*`` compute them.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        int16 or int8, any value.
    W : ndarray of shape (m, n_features)
        int16 or int8, any value.

    Returns
    -------
    products : ndarray of shape (n, m)
        The sum of ``x[i] * w[i]`` in Q0, wrapped to int32: exact wherever it fits.

    Examples
    --------
    >>> dot(np.int16([[3, -4]]), np.int16([[1, 2], [-32768, 0]])).tolist()
    [[-5, -98304]]
    """
    return _signed(_products(X, W))


def sqdist(X: Array, W: Array) -> NDArray[np.int64]:
    """Squared distances of each row of X to each row of W, as ``mml2_sqdist_*`` computes them.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        int16 or int8, any value.
    W : ndarray of shape (m, n_features)
        int16 or int8, any value.

    Returns
    -------
    distances : ndarray of shape (n, m)
        The sum of ``(x[i] - w[i]) ** 2`` in Q0, the difference of 17 bits exact, the sum modulo 2**32.

    Examples
    --------
    >>> sqdist(np.int8([[127, 0]]), np.int8([[-128, 1]])).tolist()
    [[65026]]
    """
    own = [(A.astype(np.int64) ** 2).sum(1) for A in (X, W)]
    return np.asarray((own[0][:, None] + own[1][None, :] - 2 * _products(X, W)) & np.int64(0xFFFFFFFF))


def neighbors(W: Array) -> NDArray[np.int64]:
    """What ``mml2_dots_i8n_*`` and ``mml2_dots_i8p_*`` add to the product of each row, whatever x is.

    Parameters
    ----------
    W : ndarray of shape (m, n_features)
        int8.

    Returns
    -------
    products : ndarray of shape (m,)
        The sum of the products of neighbours: of two and two in each four, and in the last four of a row too,
        if any is left.

    Examples
    --------
    >>> neighbors(np.int8([[1, 2, 3, 4], [5, 0, 0, 0]])).tolist(), neighbors(np.int8([range(1, 6)])).tolist()
    ([14, 0], [40])
    """
    W = W.astype(np.int64)
    n = W.shape[1]
    W = np.hstack([W[:, : n // 4 * 4], W[:, n - 4 :]] if n % 4 else [W[:, : n // 4 * 4]])
    return np.asarray((W[:, ::2] * W[:, 1::2]).sum(axis=1))


def together(kind: str, n: int, tables: Sequence[int]) -> int:
    """How many rows of n elements ``mml2_dots_<kind>_<n>x<rows>`` had better multiply at a time.

    Parameters
    ----------
    kind : {"i16", "i16w8", "i8", "i8n", "i8p"}
        Types of x and of the rows, as in templates/kernels.h.j2.
    n : int
    tables : sequence of int
        How many rows each table has.

    Returns
    -------
    int
        At most as many as any table has; 1 if that does not pay.

    Examples
    --------
    >>> together("i8", 64, [10]), together("i8", 64, [6]), together("i8", 3, [6])
    (5, 6, 1)
    """
    size = 2 if kind == "i16" else 1
    most = min(_MOST_TOGETHER, *tables, _FARTHEST // (n * size))
    if n < 4 or most < 2:
        return 1
    return min(range(2, most + 1), key=lambda rows: _instructions(kind, n, tables, rows))


def quicker(kind: str, other: str, n: int, tables: Sequence[int]) -> bool:
    """Whether one kind of ``mml2_dots_<kind>_<n>x<rows>`` takes fewer instructions than another.

    Examples
    --------
    >>> quicker("i8n", "i8", 64, [10]), quicker("i8n", "i8", 5, [3])
    (True, False)
    """
    a, b = (_instructions(each, n, tables, together(each, n, tables)) for each in (kind, other))
    return a < b


def _instructions(kind: str, n: int, tables: Sequence[int], rows: int) -> float:
    """Of products with all rows of tables, so many at a time; a rest may take another turn of the loop."""
    shared, own = _TURN[kind]
    turn, rest = shared + own * rows, n % 4
    each = n // 4 * turn + 2 * rows + 12
    if rest:
        each += turn + 5 if kind in ("i8n", "i8p") else (1 + 2 * rows, 2 + 4 * rows, 3 + 5 * rows)[rest - 1]
    return given(kind, n) + sum(-(-table // rows) for table in tables) * each


def element_together(kind: str, rows: int) -> float:
    """Instructions for an element of a row, where so many rows are multiplied at a time."""
    shared, own = _TURN[kind]
    return (shared + own * rows) / (4 * rows)


def bytes_together(kind: str, n: int, rows: int) -> int:
    """Bytes of code of ``mml2_dots_<kind>_<n>x<rows>`` beyond those of ``mml2_dot_*``."""
    if kind in ("i8n", "i8p"):
        return 16 * rows + 16 * (n % 4 > 0) + (-4 if kind == "i8p" else -60)
    return (20, 28, 36, 40)[n % 4] * rows - 60


def given(kind: str, n: int) -> float:
    """Instructions that make of x, once, what ``mml2_dots_<kind>_<n>x<rows>`` takes."""
    return 7 * n / 4 + 10 if kind == "i8p" else 0.0


def _products(X: Array, W: Array) -> NDArray[np.int64]:
    """Exact products: float64 holds sums of 2**22 terms of 31 bits, and multiplies matrices fast."""
    if X.shape[1] > 1 << 22:
        raise ValueError(f"{X.shape[1]} features: products of more than 2**22 are not exact in float64")
    weights = W.T.astype(np.float64)
    rows = max(1, _BLOCK // max(1, *weights.shape))
    out = np.empty((len(X), len(W)), np.int64)
    for i in range(0, len(X), rows):
        out[i : i + rows] = X[i : i + rows].astype(np.float64) @ weights
    return out


def _signed(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(((values + (1 << 31)) & np.int64(0xFFFFFFFF)) - (1 << 31))
