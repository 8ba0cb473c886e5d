"""Weights that take few values, as numbers of four bits in a table of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
#: Values that four bits tell apart.
MOST = 16
#: Fewer weights than this for each value are not worth a table.
_LEAST = 8
#: Inputs whose products AVR adds up in three bytes.
_MOST_INPUTS = 510
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767


@dataclass(frozen=True, eq=False)
class Codes:
    """Rows of weights.

    Parameters
    ----------
    book : int8 array of shape (16,)
        The values.
    table : uint8 array
        Two weights a byte, the first in its lower half; each row begins with a byte of its own.
    """

    book: NDArray[np.int8]
    table: NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        """In flash."""
        return self.book.nbytes + self.table.nbytes


def few(weights: Array) -> bool:
    """Whether weights are shared: many of them have few values."""
    return weights.size >= MOST * _LEAST and len(np.unique(weights)) <= MOST


def codes_of(weights: Array) -> Codes | None:
    """The rows of an int8 matrix by the numbers of their values; None where these are too many.

    Examples
    --------
    >>> codes_of(np.repeat(np.int8([[5, 7, 5]]), 50, axis=0)).table[:2].tolist()
    [16, 0]
    """
    if weights.dtype != np.int8 or weights.shape[1] > _MOST_INPUTS or not few(weights):
        return None
    values, code = np.unique(weights, return_inverse=True)
    code = code.reshape(weights.shape).astype(np.uint8)
    pairs: Array = np.pad(code, ((0, 0), (0, weights.shape[1] % 2)))
    table = (pairs[:, ::2] | pairs[:, 1::2] << 4).ravel().astype(np.uint8)
    if len(table) > _LARGEST_OBJECT:
        return None
    return Codes(np.pad(values, (0, MOST - len(values))), table)
