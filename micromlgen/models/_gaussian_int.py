"""Gaussian densities in integers: the twin of what templates/gaussian.h.j2 computes with them.

A sum of squares is in units of ``1 / one``, what is squared in units of ``1 / sqrt(one)``. All sums provably
stay below 2**31.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import kernels
from micromlgen.models._gaussian import Diagonal, Triangle
from micromlgen.models._prepared import Prepared

Array = NDArray[Any]
#: Bits of a row's products that may be shifted out.
_MOST_BITS = 30


class Room(NamedTuple):
    """What a scale leaves for squares.

    Parameters
    ----------
    one : int
        A sum of one.
    bias : int64 array of shape (n_densities,)
        What each sum starts with, at least 0.
    left : int
        Largest value that a sum may have.
    """

    one: int
    bias: NDArray[np.int64]
    left: int


@dataclass(frozen=True, eq=False)
class DiagonalIntegers:
    """Squares of single features: ``((x * factor + pair) >> bits)**2``, of pairs
    ``offset << bits | factor``.

    One load brings both constants. That the factor stands below the offset adds less than one unit, which
    the offset takes into account.

    Parameters
    ----------
    prepared : Prepared
        Of int16 or int8 features; `bits` is as many.
    pairs : int32 or int16 array of shape (n_densities, n_features)
    bias : int32 array of shape (n_densities,)
    one : int
    """

    prepared: Prepared
    pairs: Array
    bias: NDArray[np.int32]
    one: int

    diagonal = True

    @property
    def words(self) -> list[Array]:
        """What stands in flash of each density."""
        return list(self.pairs)

    @property
    def kernel(self) -> str:
        """The function of templates/squares.h.j2 that adds up the squares."""
        return "i16" if self.prepared.dtype == "int16" else "i8"

    @property
    def bits(self) -> int:
        """By so many bits a product is shifted right."""
        return _bits(self.prepared)

    def squared(self, X: Array, k: int) -> NDArray[np.int64]:
        """What is squared for density k, of prepared rows."""
        words = self.pairs[k].astype(np.int64)
        factor = words & ((1 << (self.bits - 1)) - 1)
        return np.asarray((X.astype(np.int64) * factor + words) >> self.bits)

    def costs(self, Q: Array) -> NDArray[np.int64]:
        """Sums of encoded rows, shape (n, n_densities)."""
        X = self.prepared.apply(Q)
        sums = [(self.squared(X, k) ** 2).sum(axis=1) for k in range(len(self.bias))]
        return np.asarray(np.stack(sums, axis=1) + self.bias.astype(np.int64))


def _bits(prepared: Prepared) -> int:
    return int(np.iinfo(prepared.dtype).bits)


def diagonal_integers(
    densities: Diagonal, prepared: Prepared, reach: float, room: Room
) -> DiagonalIntegers | None:
    """Diagonal densities in integers; None where sums would not provably stay in range.

    Parameters
    ----------
    densities : Diagonal
        Of the prepared features, in steps.
    prepared : Prepared
    reach : float
        Factors are cut so that nothing beyond this is squared: of a density so narrow that it would be, it
        makes a wider one.
    room : Room
    """
    words = _words(densities, prepared, room.one, reach)
    model = DiagonalIntegers(prepared, words, room.bias.astype(np.int32), room.one)
    ends = np.array([[prepared.lowest], [-prepared.lowest - 1]]) + np.zeros(prepared.n, np.int64)
    # Linear in x, what is squared is largest at one of the ends.
    most = [int((model.squared(ends, k) ** 2).max(axis=0).sum()) + int(b) for k, b in enumerate(room.bias)]
    return model if max(most) <= room.left else None


def _words(densities: Diagonal, prepared: Prepared, one: int, reach: float) -> Array:
    """The words of `DiagonalIntegers`."""
    bits = _bits(prepared)
    whole, top = 1 << bits, (1 << (bits - 1)) - 1
    mean = densities.mean - prepared.lost
    low, high = prepared.lowest, -prepared.lowest - 1
    farthest = np.maximum(np.abs(low - mean), np.abs(high - mean))
    root = np.sqrt(one)
    # Two units are left for rounding.
    cut = np.minimum(reach * root, top - 2) * whole / farthest
    factor = np.clip(np.floor(np.minimum(np.rint(densities.factor * root * whole), cut)), 0, top)
    # Rounded down afterwards, and a fraction of one above its own value by the factor below.
    offset = np.rint(np.where(factor > 0, 0.5 - (mean + 1.0) * factor / whole, 0.0))
    words = (offset.astype(np.int64) << bits) | factor.astype(np.int64)
    return np.asarray(words.astype(np.int32 if bits == 16 else np.int16))


@dataclass(frozen=True, eq=False)
class TriangleIntegers:
    """Squares of rows: products with x plus an offset, shifted right, cut to ±`top`.

    Parameters
    ----------
    prepared : Prepared
    weights : int16 or int8 array of shape (n_densities, n_rows, n_features)
        As `Triangle.rows`.
    offset : int32 array of shape (n_densities, n_rows)
    shift : uint8 array of shape (n_densities, n_rows)
    bias : int32 array of shape (n_densities,)
    one : int
    top : int
    """

    prepared: Prepared
    weights: Array
    offset: NDArray[np.int32]
    shift: NDArray[np.uint8]
    bias: NDArray[np.int32]
    one: int
    top: int

    diagonal = False

    @property
    def n_rows(self) -> int:
        """Squares of a density."""
        return int(self.offset.shape[1])

    @property
    def first_length(self) -> int:
        """Features of the first row."""
        return self.prepared.n - self.n_rows + 1

    @property
    def kernel(self) -> str:
        """The kernel that multiplies."""
        if self.prepared.dtype == "int8":
            return "i8"
        return "i16" if self.weights.dtype == np.int16 else "i16w8"

    @property
    def words(self) -> list[Array]:
        """Weights of each density in the order of use."""
        lengths = range(self.first_length, self.prepared.n + 1)
        return [np.concatenate([r[j, :m] for j, m in enumerate(lengths)]) for r in self.weights]

    def costs(self, Q: Array) -> NDArray[np.int64]:
        """Sums of encoded rows, shape (n, n_densities)."""
        X, out = self.prepared.apply(Q), []
        for weights, offset, shift, bias in zip(
            self.weights, self.offset, self.shift, self.bias, strict=True
        ):
            z = (kernels.dot(X, weights) + offset.astype(np.int64)) >> shift
            out.append((np.clip(z, -self.top, self.top) ** 2).sum(axis=1) + int(bias))
        return np.stack(out, axis=1)


def triangle_integers(
    densities: Triangle, prepared: Prepared, width: str, room: Room
) -> TriangleIntegers | None:
    """Triangular densities in integers; None where their constants leave no room for squares.

    Parameters
    ----------
    densities : Triangle
        Of the prepared features, in steps.
    prepared : Prepared
    width : {"int8", "int16"}
        Of the weights.
    room : Room
    """
    spare = (room.left - int(room.bias.max())) // densities.offset.shape[1]
    if spare < 1:
        return None
    root = np.sqrt(room.one)
    rows, offset = densities.rows * root, densities.offset * root
    most = -float(prepared.lowest)
    # Each weight is rounded by one half at most, the offset by one.
    space = 2.0**31 - 2 - np.count_nonzero(rows, axis=2) * most / 2
    reached = np.maximum(np.abs(rows).sum(axis=2) * most + np.abs(offset) + 0.5, 1e-300)
    fine = np.minimum(space / reached, np.iinfo(width).max / np.maximum(np.abs(rows).max(axis=2), 1e-300))
    shift = np.clip(np.floor(np.log2(fine)), 0, _MOST_BITS)
    # Rows too narrow for a whole factor are made wider.
    finer = np.where(fine < 1, fine, 2.0**shift)
    half = np.where(shift > 0, 2.0 ** (shift - 1), 0.0)
    return TriangleIntegers(
        prepared,
        np.rint(rows * finer[:, :, None]).astype(width),
        np.rint(offset * finer + half).astype(np.int32),
        shift.astype(np.uint8),
        room.bias.astype(np.int32),
        room.one,
        int(min(np.sqrt(spare), 32767)),
    )
