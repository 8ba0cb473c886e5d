"""Sets of categories that nodes of trees test x for, where other nodes compare it with a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.tables import narrow

Array = NDArray[Any]
#: Which category a number that is no integer stands for: none; the integer below; the one towards zero.
Rounding = Literal["none", "floor", "truncate"]
#: Categories are smaller in magnitude: below it float32 holds every integer.
CATEGORY_LIMIT = 1 << 24
#: Up to so many times the categories that occur, their whole range is numbered; else they are looked up.
_SPARSE = 4


@dataclass(frozen=True, eq=False)
class Categories:
    """Tests of which categories go left, for the nodes that have one instead of a threshold.

    All categories are integers below 2**24 in magnitude. NaN is none of them and follows
    `Boosted.missing_left`; infinities are numbers that no node knows.

    Parameters
    ----------
    left : sequence of (frozenset of int, or None), one a node
        Categories that go left; None at leaves and at nodes with a threshold.
    other_left : bool array of shape (n_nodes,)
        Whether a number that is no category which the node knows goes left.
    known : sequence of (frozenset of int, or None), one a node
        Categories that the node knows; all others follow `other_left`.
    rounding : {"none", "floor", "truncate"}
        Which category 2.7 or -0.5 is.
    codes : bool
        Whether a library that was fitted on a frame numbers its categories anew: then the codes are meant.
    """

    left: Sequence[frozenset[int] | None]
    other_left: NDArray[np.bool_]
    known: Sequence[frozenset[int] | None]
    rounding: Rounding
    codes: bool = False


@dataclass(frozen=True, eq=False)
class CategorySets:
    """Sets of categories.

    Parameters
    ----------
    categories : int64 array of shape (n,), ascending
        All that occur in a set. Their numbers are their places, or where they are `dense` the distances to
        the first.
    members : uint8 array of shape (n_sets, n_bytes)
        Whether the category of a number is in a set: bits, the lowest first.
    rounding : {"none", "floor", "truncate"}
        Which category 2.7 or -0.5 is.
    """

    categories: NDArray[np.int64]
    members: NDArray[np.uint8]
    rounding: Rounding

    @property
    def dense(self) -> bool:
        """Whether the numbers of categories are their distances to the first."""
        return bool(len(self.categories) * _SPARSE > self.categories[-1] - self.categories[0])

    @property
    def count(self) -> int:
        """How many numbers there are."""
        if self.dense:
            return int(self.categories[-1] - self.categories[0]) + 1
        return len(self.categories)

    @property
    def listed(self) -> Array:
        """The categories as a table, to be looked up."""
        return narrow(self.categories)

    @property
    def tables(self) -> list[Array]:
        """The arrays in flash."""
        return [self.members] if self.dense else [self.members, self.listed]

    def numbers(self, values: Array) -> NDArray[np.int64]:
        """Numbers of the categories that float32 values or integers are; `count` for any other value."""
        within = np.abs(np.nan_to_num(values.astype(np.float64), nan=np.inf)) < CATEGORY_LIMIT
        v = np.where(within, values, 0).astype(np.float64)
        category = np.floor(v) if self.rounding == "floor" else np.trunc(v)
        within &= (category == v) | (self.rounding != "none")
        place = np.searchsorted(self.categories, category)
        known = self.categories[np.minimum(place, len(self.categories) - 1)] == category
        number = category - self.categories[0] if self.dense else place
        return np.where(within & known, number, self.count).astype(np.int64)

    def contain(self, which: Array, numbers: Array) -> NDArray[np.bool_]:
        """Whether sets `which` hold the categories of `numbers`, element by element."""
        known = numbers < self.count
        at = np.where(known, numbers, 0)
        return np.asarray(known & (self.members[which, at // 8] >> (at % 8) & 1).astype(bool))


def category_sets(tests: Categories, inner: NDArray[np.int64]) -> tuple[CategorySets, Array, Array]:
    """The sets of the nodes `inner`, of which one at least tests categories.

    Returns
    -------
    sets : CategorySets
        A node's set holds the categories that do not go where all others go.
    which : int64 array of shape (len(inner),)
        Its set, 0 for a node without.
    kind : uint8 array of shape (len(inner),)
        As `Trees.kind`.
    """
    exceptions: list[frozenset[int]] = []
    kind = np.zeros(len(inner), np.uint8)
    for i, node in enumerate(inner.tolist()):
        left, known = tests.left[node], tests.known[node]
        others = bool(tests.other_left[node])
        exceptions.append(frozenset())
        if left is not None and known is not None:
            kind[i] = 1 + others
            exceptions[i] = known - left if others else left
    distinct = sorted({e for e, k in zip(exceptions, kind.tolist(), strict=True) if k}, key=sorted)
    place = {e: i for i, e in enumerate(distinct)}
    categories = np.array(sorted(frozenset().union(*distinct)) or [0], np.int64)
    empty = CategorySets(categories, np.zeros((len(distinct), 0), np.uint8), tests.rounding)
    members = np.zeros((len(distinct), empty.count), np.uint8)
    for i, e in enumerate(distinct):
        members[i, empty.numbers(np.array(sorted(e), np.float64))] = 1
    packed = np.packbits(members, axis=1, bitorder="little")
    which = np.array([place[e] if k else 0 for e, k in zip(exceptions, kind.tolist(), strict=True)], np.int64)
    return CategorySets(categories, packed, tests.rounding), which, kind
