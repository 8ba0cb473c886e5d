"""Rows of length one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.ir import Calibration, Input, Layout
from micromlgen.models._stage import FLOAT_CYCLES, TINY, ULP, Stage, only_layout, zeros

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Normalized(Stage):
    """Features over their norm; zeros where all are."""

    norm: Literal["l1", "l2", "max"]

    @property
    def uses_math(self) -> bool:
        return self.norm == "l2"

    @property
    def in_place(self) -> bool:
        return True

    def quantize(self, inputs: Input, by: Calibration) -> Normalized:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        self.check_missing(inputs)
        return replace(self, input=inputs)

    def _size(self, X: Array) -> NDArray[np.float64]:
        """The norm of rows, shape (n, 1)."""
        rows = np.abs(X.astype(np.float64))
        if self.norm == "l2":
            return np.asarray(np.sqrt((rows**2).sum(axis=1, keepdims=True)))
        return np.asarray((rows.sum if self.norm == "l1" else rows.max)(axis=1, keepdims=True))

    def exact(self, X: Array) -> NDArray[np.float64]:
        size = self._size(X)
        return np.asarray(X / np.where(size > 0, size, 1.0))

    def rounding(self, Q: Array) -> Array | None:
        return np.asarray((Q.shape[1] + 5) * ULP * np.abs(self.exact(Q)) + TINY)

    def moves(self, Q: Array, by: Array) -> Array:
        size, shift = self._size(Q), self._size(by)
        least = size - shift
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = (by + np.abs(self.exact(Q)) * shift) / least
        # From nothing it may turn anywhere.
        return np.where(shift == 0, 0.0, np.where(least > 0, moved, 2.0))

    def layouts(self) -> Sequence[Layout]:
        work = [(2 * c + 20.0) * self.n_outputs + 500 for c in FLOAT_CYCLES]
        return only_layout("norm", [], (900, 1100, 120, 1300), work)

    def contract(self) -> Sequence[str]:
        return ["numbers are within 1e-6 of themselves for each eight features"]


@converts("sklearn.preprocessing.Normalizer")
def normalizer(estimator: Any) -> Normalized:
    """Convert a Normalizer."""
    n = estimator.n_features_in_
    return Normalized(source=type(estimator).__name__, input=Input(n), span=zeros(n), norm=estimator.norm)
