"""Gaussian densities in float32: the twin of what templates/gaussian.h.j2 computes with floats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._gaussian import Densities, Diagonal
from micromlgen.models._matrix import ULP
from micromlgen.models._prepared import Prepared, placed

Array = NDArray[Any]
#: Squares whose sum is larger count as this, so that nothing becomes infinite.
MOST = float(np.float32(1e37))
#: Means so many times further from 0 than from each other cost float32 two of its seven digits.
_CANCELS = 32.0
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, eq=False)
class FloatSquares:
    """Sums of squares, plus a constant, for each density.

    Parameters
    ----------
    prepared : Prepared
    rows : float32 array of shape (n_densities, n_features) or (n_densities, n_rows, n_features)
        Factors as of `Diagonal`, or rows as of `Triangle`.
    offset : float32 array of shape (n_densities, n_rows)
    bias : float32 array of shape (n_densities,)
        At least 0.
    """

    prepared: Prepared
    rows: NDArray[np.float32]
    offset: NDArray[np.float32]
    bias: NDArray[np.float32]

    one = 1
    kernel = "f32"

    @property
    def diagonal(self) -> bool:
        """Whether each square is of one feature."""
        return self.rows.ndim == 2

    @property
    def n_rows(self) -> int:
        """Squares of a density."""
        return int(self.offset.shape[1])

    @property
    def first_length(self) -> int:
        """Features of the first row of a triangle."""
        return self.prepared.n - self.n_rows + 1

    @property
    def words(self) -> list[NDArray[np.float32]]:
        """What stands in flash of each density, in the order of use: offsets with what they belong to."""
        if self.diagonal:
            return [np.stack([r, o], axis=1).ravel() for r, o in zip(self.rows, self.offset, strict=True)]
        lengths = range(self.first_length, self.prepared.n + 1)
        return [
            np.concatenate([np.append(o[j], r[j, :m]) for j, m in enumerate(lengths)])
            for r, o in zip(self.rows, self.offset, strict=True)
        ]

    def _each(self, X: Array, k: int) -> tuple[Array, Array, Array]:
        """Of prepared rows: what is squared, what it adds up in magnitude, how far float32 may be off."""
        rows, offset = self.rows[k].astype(np.float64), self.offset[k].astype(np.float64)
        if self.diagonal:
            terms, sizes = X * rows + offset, np.abs(X * rows) + np.abs(offset)
            n: Array = np.array(3.0)
        else:
            terms, sizes = X @ rows.T + offset, np.abs(X) @ np.abs(rows).T + np.abs(offset)
            n = np.arange(self.first_length, self.prepared.n + 1) + 2.0
        # Denormals may count as 0.
        lost = _TINY * np.abs(rows).sum(axis=-1 if rows.ndim == 2 else ())
        return terms, sizes, n * ULP * sizes + lost

    def costs(self, Q: Array) -> NDArray[np.float64]:
        """Sums of encoded rows, shape (n, n_densities), free of rounding, at most `MOST`."""
        X = self.prepared.apply(Q)
        sums = [(self._each(X, k)[0] ** 2).sum(axis=1) + b for k, b in enumerate(self.bias)]
        return np.asarray(np.minimum(np.stack(sums, axis=1), MOST))

    def magnitude(self, Q: Array) -> NDArray[np.float64]:
        """What a sum adds up in magnitude, shape (n, n_densities).

        Of a square t**2 that is t times the magnitudes that t adds up; infinite where float32 may overflow.
        """
        X, out = self.prepared.apply(Q), []
        for k, b in enumerate(self.bias):
            terms, sizes, _ = self._each(X, k)
            total = (np.abs(terms) * sizes).sum(axis=1) + b
            out.append(np.where((sizes**2).sum(axis=1) < MOST, total, np.inf))
        return np.stack(out, axis=1)

    def rounding(self, Q: Array) -> NDArray[np.float64]:
        """Most that any order of float32 operations makes of each sum, shape (n, n_densities)."""
        X, out = self.prepared.apply(Q), []
        for k, b in enumerate(self.bias):
            terms, sizes, off = self._each(X, k)
            total = (terms**2).sum(axis=1) + b
            # Each square is rounded once, the sum with each.
            most = (2 * np.abs(terms) * off + off**2).sum(axis=1) + (self.n_rows + 2) * ULP * total
            out.append(np.where((sizes**2).sum(axis=1) < MOST, most + 1e-35, np.inf))
        return np.stack(out, axis=1)


def rounded(densities: Densities, used: Array) -> FloatSquares:
    """Densities in float32, of the `used` features of x.

    Raises
    ------
    UnsupportedError
        If a number is beyond float32.
    """
    own = densities.selected(used)
    center = _center(own)
    if center is not None:
        own = own.around(center.astype(np.float64))
    rows = own.factor if isinstance(own, Diagonal) else own.rows
    bias = own.const.max() - own.const
    largest = max(float(np.abs(part).max()) for part in (rows, own.offset, bias))
    if not largest < np.sqrt(MOST):
        raise UnsupportedError("a density is too narrow for float32; scale the features before training")
    prepared = Prepared(len(used), "float32", *placed(used), center)
    return FloatSquares(
        prepared, rows.astype(np.float32), own.offset.astype(np.float32), bias.astype(np.float32)
    )


def _center(densities: Densities) -> NDArray[np.float32] | None:
    """What is best subtracted from features, where means are far away from 0: else they would cancel."""
    mean, weights = densities.mean, densities.weights
    middle = mean.mean(axis=0)
    away, around = weights * np.abs(middle), 1.0 + weights * np.abs(mean - middle)
    return middle.astype(np.float32) if (away > _CANCELS * around).any() else None
