"""Affine maps between vectors of features: what scalers, PCA and selections do, and a model can take in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Affine:
    """``matrix @ x + offset``.

    Parameters
    ----------
    matrix : float64 array of shape (n_out, n_features)
    offset : float64 array of shape (n_out,)
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def elementwise(cls, gain: Any, offset: Any) -> Affine:
        """``gain * x + offset``, feature by feature."""
        return cls(np.diag(np.asarray(gain, np.float64)), np.asarray(offset, np.float64))

    @property
    def gain(self) -> NDArray[np.float64] | None:
        """Factor of each feature, shape (n_features,), where none becomes part of another; else None."""
        square = self.matrix.shape[0] == self.matrix.shape[1]
        diagonal = np.diagonal(self.matrix) if square else np.empty(0)
        return diagonal if square and np.array_equal(self.matrix, np.diag(diagonal)) else None

    def after(self, before: Affine) -> Affine:
        """The map of what another one gives."""
        return Affine(self.matrix @ before.matrix, self.matrix @ before.offset + self.offset)

    def apply(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Of rows, shape (n, n_features): shape (n, n_out)."""
        return np.asarray(X.astype(np.float64) @ self.matrix.T + self.offset)
