"""What stands between the operators of a net."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Value:
    """What an operator takes or gives.

    Parameters
    ----------
    shape : tuple of int
        Of one row; images are (height, width, channels).
    scale : float or None
        ``real = (integer - zero) * scale`` for int8 values, a float32 number; None for float.
    zero : int
    """

    shape: tuple[int, ...]
    scale: float | None = None
    zero: int = 0

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    def integers(self, x: Array) -> NDArray[np.int8]:
        """Real numbers as int8, to the nearest."""
        return np.clip(np.rint(x / self.scale) + self.zero, -128, 127).astype(np.int8)

    def real(self, q: Array) -> NDArray[np.float64]:
        """What int8 numbers stand for."""
        return np.asarray((q.astype(np.float64) - self.zero) * (1.0 if self.scale is None else self.scale))
