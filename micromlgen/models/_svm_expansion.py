"""Sums of kernels of support vectors, as an estimator has them: what the forms in the C are made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_duals import Duals

Array = NDArray[Any]
Kernel = Literal["rbf", "poly", "sigmoid"]
#: Elements of the blocks that rows are cut into.
_BLOCK = 1 << 22


def blocks(rows: Array, n_columns: int) -> list[Array]:
    """The rows in parts, of which each makes a matrix of so many columns that fits the cache."""
    size = max(1, _BLOCK // max(1, n_columns))
    return [rows[i : i + size] for i in range(0, len(rows), size)] or [rows]


@dataclass(frozen=True, eq=False)
class Expansion:
    """Sums of ``dual * kernel(x, vector)``.

    Parameters
    ----------
    kernel : {"rbf", "poly", "sigmoid"}
        ``exp(-gamma |x - v|**2)``, ``(gamma x @ v + coef0)**degree``, ``tanh(gamma x @ v + coef0)``.
    gamma, coef0 : float
    degree : int
    vectors : float64 array of shape (n_vectors, n_features)
    duals : Duals
    """

    kernel: Kernel
    gamma: float
    coef0: float
    degree: int
    vectors: NDArray[np.float64]
    duals: Duals

    @property
    def n_sums(self) -> int:
        """How many sums there are."""
        return len(self.duals.constant)

    def behind(self, stage: Affine) -> Expansion | None:
        """The same sums of what `stage` is given, where that is one factor for all features.

        Distances do not mind an offset either.
        """
        gain = stage.gain
        if gain is None or not gain.size or gain[0] == 0 or (gain != gain[0]).any():
            return None
        factor = float(gain[0])
        if self.kernel == "rbf":
            return replace(self, gamma=self.gamma * factor**2, vectors=(self.vectors - stage.offset) / factor)
        return None if stage.offset.any() else replace(self, gamma=self.gamma * factor)

    def around_zero(self) -> tuple[Expansion, float]:
        """The one sum that there is without its constant, and the constant."""
        constant = np.zeros_like(self.duals.constant)
        return replace(self, duals=replace(self.duals, constant=constant)), float(self.duals.constant[0])

    @property
    def linear(self) -> Matrix | None:
        """The sums as products with x, where they are nothing more."""
        duals = self.duals.spread()
        if not len(self.vectors) or self.gamma == 0 or (self.kernel == "poly" and self.degree == 0):
            zero = np.zeros((self.n_sums, self.vectors.shape[1]))
            return Matrix(zero, self.sums(zero[:1])[0])
        if self.kernel != "poly" or self.degree > 1:
            return None
        bias = self.duals.constant + self.coef0 * duals.sum(axis=1)
        return Matrix(self.gamma * duals @ self.vectors, bias)

    def arguments(self, X: Array) -> NDArray[np.float64]:
        """What `gamma` and `coef0` make of x and each vector, shape (n, n_vectors)."""
        rows = X.astype(np.float64)
        products = rows @ self.vectors.T
        if self.kernel != "rbf":
            return np.asarray(self.gamma * products + self.coef0)
        squares = (rows**2).sum(axis=1)[:, None] + (self.vectors**2).sum(axis=1) - 2 * products
        return np.asarray(self.gamma * np.maximum(squares, 0))

    def sums(self, X: Array) -> NDArray[np.float64]:
        """Of rows in the estimator's units, shape (n, n_sums)."""
        return np.concatenate([self._sums(part) for part in blocks(X, len(self.vectors))])

    def _sums(self, X: Array) -> NDArray[np.float64]:
        t = self.arguments(X)
        if self.kernel == "rbf":
            return self.duals.sums(np.exp(-t))
        return self.duals.sums(t**self.degree if self.kernel == "poly" else np.tanh(t))

    def magnitude(self, X: Array) -> NDArray[np.float64]:
        """Sum of the magnitudes of what a sum adds, kernels at their largest: (n, n_sums) or (1, n_sums)."""
        constant = np.abs(self.duals.constant)
        if self.kernel != "poly":
            return np.asarray(self.duals.magnitude() + constant)[None]
        duals, vectors = np.abs(self.duals.spread()), np.abs(self.vectors)
        parts = [
            (abs(self.gamma) * np.abs(part.astype(np.float64)) @ vectors.T + abs(self.coef0)) ** self.degree
            @ duals.T
            for part in blocks(X, len(vectors))
        ]
        return np.asarray(np.concatenate(parts) + constant)
