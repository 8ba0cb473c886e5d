"""Rows of weights in flash, each with a constant: scores that are products with x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.affine import Affine
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Input

Array = NDArray[Any]
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767
#: Rounding of one float32 operation, relative to its result.
ULP = 2.0**-24


@dataclass(frozen=True, eq=False)
class Matrix:
    """Scores ``weights @ x + bias``, in units of `unit`.

    Parameters
    ----------
    weights : array of shape (n_rows, n_features)
        float64 as the estimator has them; quantised: float32, int16 or int8.
    bias : array of shape (n_rows,)
        float64; quantised: float32 or int32.
    unit : float
        One unit of a score; 1 in float.
    """

    weights: Array
    bias: Array
    unit: float = 1.0

    @property
    def is_integer(self) -> bool:
        """Whether the scores are integers."""
        return bool(self.weights.dtype.kind == "i")

    @property
    def kernel(self) -> str:
        """The kernel of templates/kernels.h.j2 that multiplies, for inputs of int16, int8 or float32."""
        return {"float32": "f32", "int16": "i16", "int8": "i8"}[self.weights.dtype.name]

    def behind(self, stage: Affine) -> Self:
        """The same scores of what `stage` is given."""
        return replace(
            self, weights=self.weights @ stage.matrix, bias=self.bias + self.weights @ stage.offset
        )

    def rounded(self) -> Self:
        """In float32.

        Raises
        ------
        UnsupportedError
            If a weight is beyond float32.
        """
        if max(np.abs(self.weights).max(), np.abs(self.bias).max()) > np.finfo(np.float32).max:
            raise UnsupportedError("a weight is beyond float32; scale the features or the targets")
        return replace(self, weights=self.weights.astype(np.float32), bias=self.bias.astype(np.float32))

    def scaled(self, inputs: Input, width: Literal["int8", "int16"]) -> Self:
        """In integers of this width: as fine as int32 sums of any encoded x prove to stay in range.

        Raises
        ------
        UnsupportedError
            If a weight is not finite.
        """
        weights = self.weights * inputs.unit
        most = float(inputs.highest + 1)  # what stands for NaN is one beyond
        terms = weights.shape[1]
        largest = float(np.abs(weights).max())
        reach = float((np.abs(weights).sum(axis=1) * most + np.abs(self.bias)).max())
        if not np.isfinite(reach):
            raise UnsupportedError("a weight is not finite; fit again on finite numbers")
        scale = (2.0**31 - 2 - terms * most / 2) / max(reach, 1e-300)
        scale = min(scale, np.iinfo(width).max / max(largest, 1e-300), 1e30)
        return replace(
            self,
            weights=np.rint(weights * scale).astype(width),
            bias=np.rint(self.bias * scale).astype(np.int32),
            unit=1.0 / scale,
        )

    def scores(self, Q: Array) -> Array:
        """Of encoded rows, shape (n, n_rows): int64 as the C has them, or float64 free of rounding."""
        if self.is_integer:
            return kernels.dot(Q, self.weights) + self.bias.astype(np.int64)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(Q.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias)

    def magnitude(self, Q: Array) -> NDArray[np.float64]:
        """Sum of the magnitudes of what a score adds, shape (n, n_rows)."""
        weights, bias = (np.abs(a.astype(np.float64)) for a in (self.weights, self.bias))
        return np.asarray(np.abs(Q.astype(np.float64)) @ weights.T + bias)

    def rounding(self, Q: Array) -> NDArray[np.float64] | None:
        """Most that float32 arithmetic makes of each score, shape (n, n_rows); None in integers."""
        if self.is_integer:
            return None
        return np.asarray((self.weights.shape[1] + 2) * ULP * self.magnitude(Q) + 1e-37)

    @property
    def starts(self) -> list[int]:
        """First rows of the tables: one, or as many as AVR's largest object asks for."""
        per_table = max(1, _LARGEST_OBJECT // (self.weights.shape[1] * self.weights.itemsize))
        return list(range(0, len(self.weights), per_table))

    @property
    def tables(self) -> Sequence[Array]:
        """The rows, cut at `starts`."""
        return np.split(self.weights, self.starts[1:])
