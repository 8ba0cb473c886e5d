"""Class indices of training rows in flash: several in a byte where there are few classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.tables import unsigned_for

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Labels:
    """Indices of `bits` bits each, the first in the lowest; of 8 and more, each has an element of its own.

    Examples
    --------
    >>> Labels.of(np.array([1, 0, 2, 3, 1]), 4).data.tolist()
    [225, 1]
    """

    data: Array
    bits: int

    @classmethod
    def of(cls, values: NDArray[np.int64], n_classes: int) -> Self:
        """Of values below n_classes, shape (n_rows,)."""
        bits = next(b for b in (1, 2, 4, 8, 16, 32) if n_classes <= 1 << b)
        if bits >= 8:
            return cls(values.astype(unsigned_for(n_classes - 1)), bits)
        per_byte = 8 // bits
        padded = np.concatenate([values, np.zeros(-len(values) % per_byte, np.int64)])
        shifted = padded.reshape(-1, per_byte) << (bits * np.arange(per_byte))
        return cls(shifted.sum(axis=1).astype(np.uint8), bits)

    @property
    def shift(self) -> int:
        """Element r is in byte ``r >> shift``."""
        return (8 // self.bits).bit_length() - 1 if self.bits < 8 else 0

    @property
    def bits_shift(self) -> int:
        """At bit ``(r & mask) << bits_shift``."""
        return self.bits.bit_length() - 1
