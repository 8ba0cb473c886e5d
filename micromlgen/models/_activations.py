"""Activations; those that bend in integers too: the hyperbolic tangent by a table.

The logistic function is one half of it, moved: ``1 / (1 + exp(-z)) = (tanh(z / 2) + 1) / 2``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[Any]
Activation = Literal["identity", "logistic", "tanh", "relu"]
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
}


@dataclass(frozen=True, eq=False)
class Curve:
    """The hyperbolic tangent in units of one over the largest int8 or int16.

    Parameters
    ----------
    table : array of shape (n,)
        uint8, of multiples of one step; or uint16, of multiples of 256 steps, between which lines go.
    step : float
        What is looked up is in steps of this, before the activation.
    unit : float
        One unit of the activation.
    zero : int
        The integer that stands for 0.
    """

    table: Array
    step: float
    unit: float
    zero: int

    @property
    def between(self) -> bool:
        """Whether lines go between the entries."""
        return self.table.dtype == np.uint16

    @property
    def most(self) -> int:
        """Largest magnitude that is looked up, in steps."""
        return (len(self.table) - 1) * 256 - 1 if self.between else len(self.table) - 1

    def __call__(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        """The activation of integers within ±most; the table's type has room for the result."""
        size, table = np.abs(at), self.table.astype(np.int64)
        if self.between:
            i, part = size >> 8, size & 255
            out = table[i] + (((table[i + 1] - table[i]) * part + 128) >> 8)
        else:
            out = table[size]
        return np.where(at < 0, -out, out)


def curve_of(activation: str, dtype: str) -> Curve | None:
    """The table of an activation for outputs of int8 or int16; None where it has none."""
    if activation not in ("tanh", "logistic"):
        return None
    top = np.iinfo(dtype).max
    if dtype == "int8":
        step = 1 / 64
        table: Array = np.rint(top * np.tanh(np.arange(256) * step)).astype(np.uint8)
    else:
        step = 1 / 4096
        table = np.rint(top * np.tanh(np.arange(129) * 256 * step)).astype(np.uint16)
    if activation == "tanh":
        return Curve(table, step, 1 / top, 0)
    return Curve(table, 2 * step, 1 / (2 * top), -int(top))
