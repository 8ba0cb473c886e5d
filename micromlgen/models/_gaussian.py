"""Gaussian densities as their estimators have them: logarithms that are squares of linear forms of x.

``log p_k(x) = const[k] - sum((row @ x + offset)**2 for the rows of k)``: what stands before a density's
exponent, its prior and its weight are the constant, a whitening of its covariance are the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine

Array = NDArray[Any]
#: Rows that differ by less, relative to the largest, are the same one to float64.
_SAME = 1e-12


@dataclass(frozen=True, eq=False)
class Diagonal:
    """Densities of independent features, one square for each.

    Parameters
    ----------
    factor : float64 array of shape (n_densities, n_features)
        Not negative; 0 for features that a density does not depend on.
    offset : float64 array of shape (n_densities, n_features)
        The square of feature j is that of ``factor[k, j] * x[j] + offset[k, j]``; 0 where the factor is.
    const : float64 array of shape (n_densities,)
    """

    factor: NDArray[np.float64]
    offset: NDArray[np.float64]
    const: NDArray[np.float64]

    @property
    def n_features(self) -> int:
        """Length of x."""
        return int(self.factor.shape[1])

    @property
    def mean(self) -> NDArray[np.float64]:
        """Where each square is 0, shape (n_densities, n_features); 0 where it always has the same value."""
        divisor = np.where(self.factor > 0, self.factor, 1.0)
        return np.where(self.factor > 0, -self.offset / divisor, 0.0)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Features that a density depends on, shape (n_features,)."""
        return np.asarray(self.factor.any(axis=0))

    @property
    def shared(self) -> bool:
        """Whether densities differ in their means alone."""
        return _same(self.factor)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Largest magnitude that each feature is multiplied with, per density: (n_densities, n_features)."""
        return self.factor

    def selected(self, features: Array) -> Self:
        """The same squares of some of the features; others must not be used."""
        return replace(self, factor=self.factor[:, features], offset=self.offset[:, features])

    def without_common(self) -> Self:
        """Without the squares that are the same in all densities: what remains decides between them."""
        both = [self.factor, self.offset]
        common = np.logical_and(*[(part == part[:1]).all(axis=0) for part in both])
        factor, offset = (np.where(common, 0.0, part) for part in both)
        return replace(self, factor=factor, offset=offset)

    def around(self, center: Array) -> Self:
        """The same squares, of ``x - center``."""
        return replace(self, offset=self.offset + self.factor * center)

    def scaled(self, unit: Array) -> Self:
        """The same squares, of ``x / unit``."""
        return replace(self, factor=self.factor * unit)

    def terms(self, X: Array, k: int) -> NDArray[np.float64]:
        """What is squared for density k, of rows of shape (n, n_features)."""
        return np.asarray(X * self.factor[k] + self.offset[k])

    def first(self) -> Self:
        """The squares that `shared` densities have in common, those around the mean of their means."""
        middle = self.offset.mean(axis=0, keepdims=True)
        return replace(self, factor=self.factor[:1], offset=middle, const=np.zeros(1))

    def linear(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights and constants of what `shared` densities are beyond `first`."""
        return _linear(self.offset, self.const, np.diag(self.factor[0]))

    def triangle(self) -> Triangle:
        """The same densities, as if features depended on each other."""
        rows = np.apply_along_axis(np.diag, 1, self.factor)
        return Triangle(rows, self.offset, self.const)

    def behind(self, stage: Affine) -> Diagonal | Triangle:
        """The same densities of the features that `stage` is given."""
        if stage.source is None:
            return self.triangle().behind(stage)
        factor, offset = self.factor * stage.factors, self.offset + self.factor * stage.offset
        shape = len(factor), stage.matrix.shape[1]
        square, cross = np.zeros(shape), np.zeros(shape)
        for o, feature in enumerate(stage.source):
            square[:, feature] += factor[:, o] ** 2
            cross[:, feature] += factor[:, o] * offset[:, o]
        # Several squares of one feature make one, and a constant.
        root = np.sqrt(square)
        moved = np.where(root > 0, cross / np.where(root > 0, root, 1.0), 0.0)
        rest = (offset**2).sum(axis=1) - (moved**2).sum(axis=1)
        return Diagonal(root, moved, self.const - rest)


@dataclass(frozen=True, eq=False)
class Triangle:
    """Densities of features that depend on each other.

    Parameters
    ----------
    rows : float64 array of shape (n_densities, n_rows, n_features)
        Row j uses the first ``n_features - n_rows + 1 + j`` features only.
    offset : float64 array of shape (n_densities, n_rows)
    const : float64 array of shape (n_densities,)
    """

    rows: NDArray[np.float64]
    offset: NDArray[np.float64]
    const: NDArray[np.float64]

    @classmethod
    def of(cls, rows: list[Array], offset: list[Array], const: Array) -> Triangle:
        """From forms ``rows[k] @ x + offset[k]`` of any shape: turned until they are triangular.

        A rotation of the forms leaves the sum of their squares as it is (Golub, Van Loan: Matrix
        Computations, 5.2).
        """
        parts = [_triangular(r, o) for r, o in zip(rows, offset, strict=True)]
        n_features, n_rows = rows[0].shape[1], max(len(p[0]) for p in parts)
        out = np.zeros((len(parts), n_rows, n_features))
        moved, rest = np.zeros((len(parts), n_rows)), np.zeros(len(parts))
        for k, (row, shift, constant) in enumerate(parts):
            out[k, n_rows - len(row) :], moved[k, n_rows - len(row) :], rest[k] = row, shift, constant
        return cls(out, moved, const - rest)

    @property
    def n_features(self) -> int:
        """Length of x."""
        return int(self.rows.shape[2])

    @property
    def mean(self) -> NDArray[np.float64]:
        """Where the squares are least, shape (n_densities, n_features)."""
        return np.stack(
            [np.linalg.lstsq(r, -o, rcond=None)[0] for r, o in zip(self.rows, self.offset, strict=True)]
        )

    @property
    def used(self) -> NDArray[np.bool_]:
        """Features that a density depends on, shape (n_features,)."""
        return np.asarray(self.rows.any(axis=(0, 1)))

    @property
    def shared(self) -> bool:
        """Whether densities differ in their means alone."""
        return _same(self.rows)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Largest magnitude that each feature is multiplied with, per density: (n_densities, n_features)."""
        return np.asarray(np.abs(self.rows).max(axis=1))

    def selected(self, features: Array) -> Triangle:
        """The same squares of some of the features; others must not be used."""
        return Triangle.of(list(self.rows[:, :, features]), list(self.offset), self.const)

    def without_common(self) -> Self:
        """As `Diagonal.without_common`: rows that depend on each other have none."""
        return self

    def around(self, center: Array) -> Self:
        """The same squares, of ``x - center``."""
        return replace(self, offset=self.offset + self.rows @ center)

    def scaled(self, unit: Array) -> Self:
        """The same squares, of ``x / unit``."""
        return replace(self, rows=self.rows * unit)

    def terms(self, X: Array, k: int) -> NDArray[np.float64]:
        """What is squared for density k, of rows of shape (n, n_features)."""
        return np.asarray(X @ self.rows[k].T + self.offset[k])

    def first(self) -> Self:
        """The squares that `shared` densities have in common, those around the mean of their means."""
        middle = self.offset.mean(axis=0, keepdims=True)
        return replace(self, rows=self.rows[:1], offset=middle, const=np.zeros(1))

    def linear(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights and constants of what `shared` densities are beyond `first`."""
        return _linear(self.offset, self.const, self.rows[0])

    def behind(self, stage: Affine) -> Triangle:
        """The same densities of the features that `stage` is given."""
        moved = self.offset + self.rows @ stage.offset
        return Triangle.of(list(self.rows @ stage.matrix), list(moved), self.const)


Densities = Diagonal | Triangle


def exact_scores(densities: Densities, X: Array) -> NDArray[np.float64]:
    """Logarithms of the densities at rows of shape (n, n_features): shape (n, n_densities), float64."""
    squares = [(densities.terms(X, k) ** 2).sum(axis=1) for k in range(len(densities.const))]
    return np.asarray(densities.const - np.stack(squares, axis=1))


def _same(parts: Array) -> bool:
    """Whether what stands for each density is the same, relative to the largest for each feature."""
    largest = np.abs(parts).max(axis=tuple(range(parts.ndim - 1)))
    return bool((np.abs(parts - parts[:1]) <= _SAME * largest).all())


def _linear(offset: Array, const: Array, rows: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``const - |rows @ x + offset|**2 + |rows @ x + middle|**2``, which is linear in x."""
    middle = offset.mean(axis=0)
    apart = offset - middle
    return -2.0 * apart @ rows, const - (apart**2).sum(axis=1) - 2.0 * apart @ middle


def _triangular(rows: Array, offset: Array) -> tuple[Array, Array, float]:
    """Rows below a diagonal, their offsets, and the constant that is left, with the same sum of squares."""
    n = rows.shape[1]
    turned = np.asarray(np.linalg.qr(np.column_stack([rows[:, ::-1], offset]), mode="r"))
    rest = float(turned[n, n] ** 2) if len(turned) > n else 0.0
    lower, moved = turned[:n, :n][::-1, ::-1], turned[:n, n][::-1]
    # The last feature of each row counts positive: rows that are the same then look the same.
    last = lower[np.arange(len(lower)), n - len(lower) + np.arange(len(lower))]
    sign = np.where(last < 0, -1.0, 1.0)
    return np.tril(lower * sign[:, None], n - len(lower)), moved * sign, rest
