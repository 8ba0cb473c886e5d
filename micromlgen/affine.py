"""Affine maps between vectors of features: what scalers, PCA and selections do, and a model can take in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Offsets so many times larger than what remains cost float32 two of its seven digits.
_CANCELS = 32.0


@dataclass(frozen=True, eq=False)
class Affine:
    """``matrix @ x + offset``.

    Parameters
    ----------
    matrix : float64 array of shape (n_out, n_features)
    offset : float64 array of shape (n_out,)
    middle, spread : float64 arrays of shape (n_features,), or None
        Where the features were in training, and how far around it: what is lost by cancellation depends on
        that. A spread is infinite where it is not known.
    """

    matrix: NDArray[np.float64]
    offset: NDArray[np.float64]
    middle: NDArray[np.float64] | None = None
    spread: NDArray[np.float64] | None = None

    @classmethod
    def elementwise(cls, gain: Any, offset: Any, middle: Any = None, spread: Any = None) -> Affine:
        """``gain * x + offset``, feature by feature."""
        return cls(np.diag(np.asarray(gain, np.float64)), np.asarray(offset, np.float64), middle, spread)

    @classmethod
    def selection(cls, source: Any, n_features: int) -> Affine:
        """The features of these numbers."""
        return cls(np.eye(n_features)[np.asarray(source, np.int64)], np.zeros(len(source)))

    @property
    def gain(self) -> NDArray[np.float64] | None:
        """Factor of each feature, shape (n_features,), where none becomes part of another; else None."""
        square = self.matrix.shape[0] == self.matrix.shape[1]
        diagonal = np.diagonal(self.matrix) if square else np.empty(0)
        return diagonal if square and np.array_equal(self.matrix, np.diag(diagonal)) else None

    @cached_property
    def source(self) -> NDArray[np.int64] | None:
        """The only feature that each output depends on, shape (n_out,); None where one depends on several."""
        used = self.matrix != 0
        if (used.sum(axis=1) > 1).any():
            return None
        # What depends on none may as well be said to depend on its own.
        own = np.minimum(np.arange(len(used)), used.shape[1] - 1)
        return np.where(used.any(axis=1), used.argmax(axis=1), own)

    @property
    def factors(self) -> NDArray[np.float64]:
        """Where there is a `source`: its factors, shape (n_out,)."""
        assert self.source is not None
        return np.asarray(self.matrix[np.arange(len(self.matrix)), self.source])

    @property
    def n_constants(self) -> int:
        """How many numbers the map multiplies with."""
        return self.matrix.shape[0] if self.source is not None else self.matrix.size

    def after(self, before: Affine) -> Affine:
        """The map of what another one gives."""
        matrix, offset = self.matrix @ before.matrix, self.matrix @ before.offset + self.offset
        if before.middle is not None or self.middle is None or before.source is None:
            return Affine(matrix, offset, before.middle, before.spread)
        # A selection, or factors alone: seen through them.
        n, factors = before.matrix.shape[1], before.factors
        known = factors != 0
        at = before.source[known]
        middle, spread = np.zeros(n), np.full(n, np.inf)
        middle[at] = (self.middle - before.offset)[known] / factors[known]
        if self.spread is None:
            return Affine(matrix, offset, middle)
        spread[at] = self.spread[known] / np.abs(factors[known])
        return Affine(matrix, offset, middle, spread)

    def beside(self, other: Affine) -> Affine:
        """The outputs of both, of the same features."""
        matrix = np.concatenate([self.matrix, other.matrix])
        offset = np.concatenate([self.offset, other.offset])
        if self.middle is None and other.middle is None:
            return Affine(matrix, offset)
        n = matrix.shape[1]
        middles = [np.zeros(n) if m.middle is None else m.middle for m in (self, other)]
        spreads = [np.full(n, np.inf) if m.spread is None else m.spread for m in (self, other)]
        first = np.isfinite(spreads[0])
        middle, spread = (np.where(first, one, two) for one, two in (middles, spreads))
        return Affine(matrix, offset, middle, spread)

    @property
    def cancels(self) -> bool:
        """Whether the features are so far from zero that ``matrix @ x`` loses what makes them differ."""
        if self.middle is None or self.spread is None or not self.matrix.size:
            return False
        weights = np.abs(self.matrix)
        with np.errstate(invalid="ignore"):
            away = weights @ np.abs(self.middle)
            around = (weights * np.where(weights > 0, self.spread, 0.0)).sum(axis=1)
        return bool((away > _CANCELS * around).any())

    def around(self, middle: NDArray[np.float64]) -> Affine:
        """The same map, of ``x - middle``."""
        return replace(self, offset=self.matrix @ middle + self.offset, middle=None, spread=None)

    def apply(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Of rows, shape (n, n_features): shape (n, n_out)."""
        return np.asarray(X.astype(np.float64) @ self.matrix.T + self.offset)
