"""Integers in other units: one multiplication and two shifts, which provably stay in 32 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError

Array = NDArray[Any]
#: Bits of the numbers that are multiplied, but for their signs.
_BITS = 15


@dataclass(frozen=True, eq=False)
class Rescaled:
    """``((v >> before) * multiplier + half) >> after`` of v within ±`limit`, then within ±`top`.

    Parameters
    ----------
    limit : int32 array of shape (n,)
        Beyond it v saturates.
    before, after : uint8 arrays of shape (n,)
    multiplier : int16 array of shape (n,)
        The factor in Q(before + after): v after the first shift and this have 15 bits each, their product and
        half a unit 31.
    top : int
    """

    limit: NDArray[np.int32]
    before: NDArray[np.uint8]
    multiplier: NDArray[np.int16]
    after: NDArray[np.uint8]
    top: int

    @classmethod
    def by(cls, factors: Array, top: int, source: str) -> Self:
        """Of a factor for each number, into integers within ±top.

        Raises
        ------
        UnsupportedError
            If one unit of what comes in is more than all that may come out.
        """
        limit = np.minimum(np.floor(top / factors), 2.0**31 - 1).astype(np.int64)
        if (limit < 1).any():
            raise UnsupportedError(
                f"{source}: its answers are too coarse for integers of {top}; use dtype='float32'"
            )
        before = np.array([max(int(v).bit_length() - _BITS, 0) for v in limit])
        exact = factors * np.ldexp(1.0, before)
        after = np.clip(np.floor(np.log2((2**_BITS - 1) / exact)), 0, 30).astype(np.int64)
        return cls(
            limit=limit.astype(np.int32),
            before=before.astype(np.uint8),
            multiplier=np.rint(np.ldexp(exact, after)).astype(np.int16),
            after=after.astype(np.uint8),
            top=top,
        )

    @property
    def alike(self) -> bool:
        """Whether all numbers have the same constants."""
        return bool((self.limit == self.limit[0]).all() and (self.multiplier == self.multiplier[0]).all())

    def apply(self, values: Array) -> NDArray[np.int64]:
        """Of integers of shape (n_rows, n), as the C has them."""
        limit, after = self.limit.astype(np.int64), self.after.astype(np.int64)
        within = np.clip(values.astype(np.int64), -limit, limit) >> self.before.astype(np.int64)
        half = (1 << after) >> 1
        return np.clip((within * self.multiplier.astype(np.int64) + half) >> after, -self.top, self.top)
