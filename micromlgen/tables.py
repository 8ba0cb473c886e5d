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
    """

    data: Array
    pool: Array | None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element."""
        return self.data.dtype if self.pool is None else self.pool.dtype

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


def column(values: Array) -> Column:
    """The smaller of a plain table and a pool with indices.

    >>> column(np.array([70000, 70000, 70000, 5], np.uint32)).nbytes
    12
    """
    plain = narrow(values) if values.dtype.kind in "iu" else values
    pool, index = np.unique(plain, return_inverse=True)
    short = index.ravel().astype(unsigned_for(len(pool) - 1))
    if short.nbytes + pool.nbytes < plain.nbytes:
        return Column(short, pool)
    return Column(plain, None)
