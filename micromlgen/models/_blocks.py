"""Sparse rows of int8 weights, as blocks of four."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
SIZE = 4
#: In a row: AVR adds up 510 products in three bytes.
_MOST_BLOCKS = 127
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767


@dataclass(frozen=True, eq=False)
class Blocks:
    """Rows, each the number of its blocks and these: where one starts, and its weights.

    Parameters
    ----------
    table : int8 array
        All bytes.
    step : {1, 4}
        Starts are counted in so many elements; they are without sign.
    n_blocks : int
        Of all rows.
    """

    table: NDArray[np.int8]
    step: int
    n_blocks: int

    @property
    def nbytes(self) -> int:
        """In flash."""
        return self.table.nbytes


def blocks_of(weights: Array) -> Blocks | None:
    """The rows of an int8 matrix as blocks; None where their bytes do not fit.

    Examples
    --------
    >>> blocks_of(np.int8([[0, 5, 0, 0, 6, 0, 7, 0], [0, 0, 0, 0, 0, 0, 0, 0]])).table.tolist()
    [2, 1, 5, 0, 0, 6, 4, 0, 0, 7, 0, 0]
    """
    n = weights.shape[1]
    step = 1 if n <= 256 + SIZE - 1 else SIZE
    if weights.dtype != np.int8 or n < SIZE or (step > 1 and (n % SIZE or n > 256 * SIZE)):
        return None
    rows = [_starts(row, step) for row in weights]
    out: list[int] = []
    for row, starts in zip(weights, rows, strict=True):
        out.append(len(starts))
        rest = row.copy()
        for start in starts:
            out += [start // step, *rest[start : start + SIZE].tolist()]
            rest[start : start + SIZE] = 0  # the last block may overlap the one before
    if max(len(starts) for starts in rows) > _MOST_BLOCKS or len(out) > _LARGEST_OBJECT:
        return None
    table = np.array(out, np.int64).astype(np.uint8).view(np.int8)
    return Blocks(table, step, sum(len(starts) for starts in rows))


def _starts(row: Array, step: int) -> list[int]:
    """Of the fewest blocks that hold all weights but zeros."""
    starts: list[int] = []
    end = 0
    for i in np.flatnonzero(row).tolist():
        if i >= end:
            starts.append(min(i // step * step, len(row) - SIZE))
            end = starts[-1] + SIZE
    return starts
