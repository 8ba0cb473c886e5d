"""What nets in int8 take: real numbers by one scale and one zero, as LiteRT quantises them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.inputs import Input

Array = NDArray[Any]
#: Beyond this, quotients saturate in any case.
_BEYOND = np.float32(512)


@dataclass(frozen=True, eq=False)
class NetInput(Input):
    """Feature i is given as ``round(x[i] / scale) + zero``, within int8; NaN as the zero.

    Parameters
    ----------
    scale : float
        A float32 number.
    zero : int
    """

    scale: float = 1.0
    zero: int = 0

    @classmethod
    def of(cls, n_features: int, scale: float, zero: int) -> Self:
        """So many features of one scale."""
        return cls(
            n_features,
            "int8",
            exponents=np.zeros(n_features, np.int32),
            center=np.full(n_features, -zero * scale, np.float32),
            gain=np.full(n_features, 1 / scale, np.float32),
            scale=scale,
            zero=zero,
        )

    def encode(self, X: Array) -> Array:
        with np.errstate(over="ignore", under="ignore"):
            quotient = np.asarray(X, np.float32) / np.float32(self.scale)
        within = np.clip(np.nan_to_num(quotient, nan=0.0), -_BEYOND, _BEYOND)
        rounded = np.trunc(within + np.copysign(np.float32(0.5), within))
        return np.asarray(np.clip(rounded.astype(np.int32) + self.zero, -128, 127), np.int8)
