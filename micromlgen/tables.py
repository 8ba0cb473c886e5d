"""Tables in flash, each at the width that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Column:
    """A table in flash: the elements themselves, or indices into a pool of the distinct ones.

    Templates print it with `flash.column` and read it with `flash.load`.

    Parameters
    ----------
    data : array
        Elements, or indices into `pool`.
    pool : array or None
    triple : numpy dtype or None
        int32 or uint32 where the elements take three bytes each, low byte first: then the array that holds
        them is of bytes.
    """

    data: Array
    pool: Array | None
    triple: np.dtype[Any] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element."""
        return self.triple or self.elements.dtype

    @property
    def elements(self) -> Array:
        """The array that holds the elements."""
        return self.data if self.pool is None else self.pool

    @property
    def tables(self) -> list[Array]:
        """The arrays in flash."""
        return [self.data] if self.pool is None else [self.data, self.pool]

    @property
    def nbytes(self) -> int:
        """Bytes in flash."""
        return sum(t.nbytes for t in self.tables)


def unsigned_for(limit: int) -> np.dtype[Any]:
    """Narrowest unsigned type that holds `limit`.

    >>> [unsigned_for(n).name for n in (255, 256, 65536)]
    ['uint8', 'uint16', 'uint32']
    """
    return np.dtype(np.min_scalar_type(max(int(limit), 0)))


def index_for(limit: int) -> np.dtype[Any]:
    """Type of a counter or index up to `limit`: 16 bits, or more where needed."""
    return max(unsigned_for(limit), np.dtype(np.uint16))


def narrow(values: Array) -> Array:
    """The same integers in the narrowest type that holds them all.

    >>> narrow(np.array([-300, -2])).dtype.name, narrow(np.array([-1, 128])).dtype.name
    ('int16', 'int16')
    """
    if values.size == 0:
        return values.astype(np.uint8)
    low, high = int(values.min()), int(values.max())
    if low >= 0:
        return values.astype(unsigned_for(high))
    return values.astype(np.min_scalar_type(min(low, -high - 1)))


def triples(values: Array) -> Array | None:
    """Integers in three bytes each, low byte first, shape (3 * n,); None where they do not fit or need less.

    >>> triples(np.array([-2, 70000], np.int32)).tolist()
    [254, 255, 255, 112, 17, 1]
    """
    if values.dtype.kind not in "iu" or values.dtype.itemsize != 4:
        return None
    low, high = (0, 1 << 24) if values.dtype.kind == "u" else (-(1 << 23), 1 << 23)
    if values.min() < low or values.max() >= high:
        return None
    return values.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].ravel()


def plain(values: Array) -> Column:
    """A table of the elements themselves.

    >>> plain(np.array([1, 70000])).nbytes, plain(np.array([1, 255])).nbytes
    (6, 2)
    """
    narrowed = narrow(values) if values.dtype.kind in "iu" else values
    packed = triples(narrowed)
    return Column(narrowed, None) if packed is None else Column(packed, None, narrowed.dtype)


def column(values: Array) -> Column:
    """The smaller of a plain table and a pool with indices.

    >>> column(np.array([70000, 70000, 70000, 5], np.uint32)).nbytes
    10
    """
    whole = plain(values)
    distinct, index = np.unique(values, return_inverse=True)
    short = index.ravel().astype(unsigned_for(len(distinct) - 1))
    pool = plain(distinct)
    if short.nbytes + pool.nbytes < whole.nbytes:
        return Column(short, pool.data, pool.triple)
    return whole
