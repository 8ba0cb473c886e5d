"""Dual coefficients: what the kernel of each support vector counts in the decisions it takes part in.

Between two classes, or in a regression, there is one decision and each vector has one coefficient. Between
more classes there is one decision for each pair of them, and a vector of class c has a coefficient for each
other class: the kernel is computed once and multiplied with all of them. Of several sums that are about no
classes each has a coefficient of every vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.tables import narrow, unsigned_for

Array = NDArray[Any]
#: Most kernels that wait in RAM.
_MOST_WAITING = 96
#: Bytes of the largest object that avr-gcc takes.
_LARGEST_OBJECT = 32_767
#: Widest set of bits that tells which coefficients are stored.
_MOST_BITS = 32


def pairs(n_classes: int) -> Iterator[tuple[int, int]]:
    """Pairs of classes in libsvm's order."""
    return ((i, j) for i in range(n_classes) for j in range(i + 1, n_classes))


@dataclass(frozen=True, eq=False)
class Duals:
    """Sums ``values @ kernels + constant``.

    Parameters
    ----------
    values : array of shape (n_rows, n_vectors)
        Of a vector of class c, row r is about the pair of c and class r, or r + 1 from c on; in one group
        row r is that of the r-th sum. float64; quantised: float32, int16 or int8.
    starts : int array of shape (n_groups + 1,)
        Where the vectors of each class begin, and where the last ones end; one group if there are no pairs.
    constant : array of shape (n_sums,)
        float64; quantised: float32 or int32.
    """

    values: Array
    starts: NDArray[np.int64]
    constant: Array

    @property
    def n_groups(self) -> int:
        """How many classes, or one."""
        return len(self.starts) - 1

    @property
    def n_rows(self) -> int:
        """How many coefficients a vector has."""
        return len(self.values)

    @property
    def ends(self) -> Array:
        """Where the vectors of each class end."""
        return narrow(self.starts[1:])

    @property
    def is_filled(self) -> bool:
        """Whether every class has vectors."""
        return bool((np.diff(self.starts) > 0).all())

    @property
    def is_single(self) -> bool:
        """Whether there is one sum."""
        return self.n_groups == self.n_rows == 1

    @property
    def is_flat(self) -> bool:
        """Whether sums are about no pairs."""
        return self.n_groups == 1

    def spread(self) -> NDArray[np.float64]:
        """The coefficients of each sum, shape (n_sums, n_vectors)."""
        if self.is_flat:
            return self.values.astype(np.float64)
        out = np.zeros((len(self.constant), self.values.shape[1]))
        for p, (i, j) in enumerate(pairs(self.n_groups)):
            of_i, of_j = (slice(*self.starts[c : c + 2]) for c in (i, j))
            out[p, of_i] = self.values[j - 1, of_i]
            out[p, of_j] = self.values[i, of_j]
        return out

    def sums(self, kernels: Array, down: int = 0) -> Array:
        """Of kernels, shape (n, n_vectors): shape (n, n_sums).

        int64 kernels give int64, exactly, each product shifted right by `down` bits.
        """
        groups = []
        for c in range(self.n_groups):
            of_c = slice(*self.starts[c : c + 2])
            k, values = kernels[:, of_c], self.values[:, of_c].astype(kernels.dtype)
            if down:
                groups.append(np.stack([(k * row >> down).sum(axis=1) for row in values], axis=1))
            else:
                groups.append(k @ values.T)
        if self.is_flat:
            return np.asarray(groups[0] + self.constant)
        columns = [groups[i][:, j - 1] + groups[j][:, i] for i, j in pairs(self.n_groups)]
        return np.asarray(np.stack(columns, axis=1) + self.constant)

    def magnitude(self) -> NDArray[np.float64]:
        """Sum of the magnitudes of the coefficients of each sum, shape (n_sums,)."""
        return np.asarray(np.abs(self.spread()).sum(axis=1))

    def without(self, vectors: Array) -> tuple[Array, Self]:
        """Vectors, shape (n_vectors, n_features), and coefficients: each vector once per class, none idle."""
        kept_vectors, kept_values, starts = [], [], [0]
        for c in range(self.n_groups):
            of_c = slice(*self.starts[c : c + 2])
            distinct, first, which = np.unique(vectors[of_c], axis=0, return_index=True, return_inverse=True)
            total = np.zeros((self.n_rows, len(distinct)))
            np.add.at(total.T, which.ravel(), self.values[:, of_c].T)
            used = np.flatnonzero(total.any(axis=0))
            used = used[np.argsort(first[used])]  # in the order that they came
            kept_vectors.append(distinct[used])
            kept_values.append(total[:, used])
            starts.append(starts[-1] + len(used))
        values = np.concatenate(kept_values, axis=1)
        return np.concatenate(kept_vectors), replace(self, values=values, starts=np.array(starts))

    @property
    def mask(self) -> Array | None:
        """Which coefficients of each vector are not zero, as bits, if to store only those is smaller."""
        if self.is_single or self.n_rows > _MOST_BITS:
            return None
        used = self.values != 0
        bits = (used.T * (1 << np.arange(self.n_rows, dtype=np.uint64))).sum(axis=1, dtype=np.uint64)
        mask = bits.astype(unsigned_for((1 << self.n_rows) - 1))
        stored = int(used.sum()) * self.values.itemsize + mask.nbytes
        return mask if stored < self.values.nbytes and used.any() else None

    @property
    def dense(self) -> Array:
        """All coefficients, vector after vector."""
        return np.ascontiguousarray(self.values.T).ravel()

    @property
    def stored(self) -> Array:
        """Those that are not zero, for which a `mask` tells whose they are."""
        return np.asarray(self.dense[self.dense != 0])

    @property
    def longest(self) -> int:
        """How many vectors the largest class has."""
        return int(np.diff(self.starts).max())

    @property
    def chunk(self) -> int:
        """Of so many vectors at most the kernels wait in RAM for their coefficients: few times."""
        lengths = np.diff(self.starts)
        sizes = range(4, _MOST_WAITING + 1, 4)
        return min(self.longest, min(sizes, key=lambda size: (int((-(-lengths // size)).sum()), size)))

    def chunks(self) -> list[Array]:
        """The coefficients class by class: of its first `chunk` vectors row after row, of the next, ..."""
        out = []
        for begin, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            parts = [
                self.values[:, i : min(i + self.chunk, end)].ravel() for i in range(begin, end, self.chunk)
            ]
            out.append(np.concatenate(parts) if parts else self.values[:, :0].ravel())
        return out

    def tables(self) -> list[tuple[int, Array]]:
        """The same cut into tables that AVR takes, with the class that each begins with."""
        out: list[tuple[int, list[Array]]] = []
        for c, chunk in enumerate(self.chunks()):
            if not out or sum(t.nbytes for t in out[-1][1]) + chunk.nbytes > _LARGEST_OBJECT:
                out.append((c, []))
            out[-1][1].append(chunk)
        return [(c, np.concatenate(parts)) for c, parts in out]
