"""What every ensemble of trees has in common whose answer follows from sums over the trees.

Leaves add integers to one or more columns. Integer sums do not depend on their order and are provably wide
enough, and no float routine runs inside the loop.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.ir import Layout
from micromlgen.models import _code
from micromlgen.models._leaves import LeafTable, Votes, amounts, coded, pack_votes
from micromlgen.models._on_trees import OnTrees
from micromlgen.models._orders import Ordered
from micromlgen.models._table import table_layouts
from micromlgen.models._trees import Array
from micromlgen.tables import Column, plain

# On AVR, Cortex-M0+, Cortex-M4F and RV32, measured with -Os: bytes and cycles of a leaf that returns its only
# amount, of up to 16 bits or of more, that adds one amount in place, that returns its code; and of the loop
# over tables, with one amount or a code for each leaf.
_NARROW_LEAF = ((8.0, 22.0), (6.0, 7.0), (6.0, 7.0), (7.0, 5.0))
_WIDE_LEAF = ((18.0, 25.0), (13.0, 8.0), (13.0, 8.0), (15.0, 5.0))
_ADD = ((28.0, 24.0), (9.0, 6.0), (9.0, 5.0), (10.0, 5.0))
_LEAF_CODE = ((6.0, 100.0), (4.0, 45.0), (4.0, 32.0), (4.0, 42.0))
_TABLE_SCALAR = ((130.0, 60.0), (45.0, 40.0), (40.0, 20.0), (35.0, 24.0))
_TABLE_VOTES = ((410.0, 230.0), (370.0, 75.0), (375.0, 75.0), (300.0, 80.0))
#: An answer that is watched is looked at about so many times.
_CHECKS = 16
#: From here on it is: fewer trees end sooner than that pays.
_WATCHED_TREES = 16


@dataclass(frozen=True, eq=False)
class Series:
    """Integers by number of a check: a formula where their steps are equal, else a table."""

    values: NDArray[np.int64]

    @property
    def step(self) -> int | None:
        """The step where all are equal."""
        steps = np.unique(np.diff(self.values))
        return None if len(steps) > 1 else int(steps[0]) if len(steps) else 0

    @cached_property
    def column(self) -> Column:
        """The table."""
        return plain(self.values)


class Watch(NamedTuple):
    """Trees after which `predict` looks whether its answer is certain: each `period`-th from `first` on.

    Parameters
    ----------
    period : int
        A power of two.
    first : int
        The check after tree t is number ``(t - first) // period``.
    trees : list of int
    above : Series or None
        For one sum, by check: where it is higher, whatever the later trees add leaves it above `cut`.
    rest : Series
        By check: the most that the later trees add to the only sum, or by which they can change the distance
        of two sums.
    """

    period: int
    first: int
    trees: list[int]
    above: Series | None
    rest: Series


@dataclass(frozen=True, eq=False)
class OnSums(OnTrees):
    """After `quantize`, `values` are the integers that each leaf adds: (n_distinct, n_own_columns).

    Column c of a leaf of tree t is added to sum ``column[t] + c``.
    """

    spare_trees = (0.2, 0.35, 0.5, 0.6, 0.7, 0.78, 0.84, 0.9)
    #: First sum that each tree adds to, shape (n_trees,).
    column: NDArray[np.int64]
    #: What the sums start with, int64 array of shape (n_sums,).
    start: NDArray[np.int64]

    @property
    def first_sums(self) -> Column:
        """`start` as a table."""
        return plain(self.start)

    @property
    def n_trees(self) -> int:
        """How many trees there are."""
        return len(self.trees.size)

    @property
    def n_sums(self) -> int:
        """How many sums there are."""
        return len(self.start)

    @property
    def watched(self) -> bool:
        """Whether `predict` may stop once its answer is certain: there, `<name>_sum` is told if it may."""
        return False

    def added(self, each: Array) -> NDArray[np.float64]:
        """What the trees add to each sum, shape (n_sums,), if tree t adds ``each[t]`` (one per column)."""
        out = np.zeros(self.n_sums)
        for c in range(self.values.shape[1]):
            np.add.at(out, self.column + c, each[:, c])
        return out

    @property
    @abstractmethod
    def sum_dtype(self) -> np.dtype[Any]:
        """Type of a sum, wide enough by proof."""

    def sums(self, Q: Array) -> NDArray[np.int64]:
        """Sums over the trees, shape (n, n_sums)."""
        total = np.tile(self.start, (len(Q), 1))
        width = self.values.shape[1]
        for rows, first in zip(self.apply(Q).T, self.column.tolist(), strict=True):
            total[:, first : first + width] += self.values[rows]
        return total

    def chosen(self, trees: NDArray[np.int64]) -> Self:
        """The same model with some of its trees only."""
        return replace(self, trees=self.trees.reordered(trees), column=self.column[trees])

    def thinned(self, share: float, spread: NDArray[np.float64], mean: Array) -> Self:
        """The mean over the smallest trees stands for that over all: any of them would do."""
        n_kept = max(self.n_trees - int(share * self.n_trees), 1)
        return self.chosen(np.sort(np.argsort(self.trees.size, kind="stable")[:n_kept]))

    def largest(self, of_rows: Array) -> Array:
        """Of each tree, the largest of what its leaves have; `of_rows` as `values`, or one-dimensional."""
        first_leaf = self.trees.start + np.arange(self.n_trees)
        return np.asarray(np.maximum.reduceat(of_rows[self.trees.leaf], first_leaf, axis=0))

    def layouts(self) -> Sequence[Layout]:
        scalar = self.values.shape[1] == 1
        if scalar:
            wide = np.abs(self.values).max() >= 1 << 16
            straight = [self._straight("code", self._code, _WIDE_LEAF if wide else _NARROW_LEAF)]
        else:
            terms = np.count_nonzero(self.values[self.trees.leaf]) / len(self.trees.leaf)
            adds = [(2 + b * terms, 4 + n * terms) for b, n in _ADD]
            straight = [
                self._straight("code", self._code, adds),
                self._straight("code+leaves", self._code_and_votes, _LEAF_CODE, self.votes.tables),
            ]
        if not len(self.trees.skip):  # C has no empty tables
            return straight
        cost = _TABLE_SCALAR if scalar else _TABLE_VOTES
        context = {"votes": None if scalar else self.votes}
        more = () if scalar else self.votes.tables
        tables = table_layouts(self.trees, self.input, self._leaf_table, context, cost, more)
        return [*straight, *tables]

    def _straight(
        self,
        name: str,
        build: Callable[[], Mapping[str, Any]],
        leaf: Sequence[tuple[float, float]],
        tables: Sequence[Array] = (),
    ) -> Layout:
        return _code.code_layout(name, self.trees, self.input, build, leaf, tables)

    @cached_property
    def votes(self) -> Votes:
        """What leaves add to several columns."""
        return pack_votes(self.values)

    def _leaf_table(self, ordered: Ordered) -> LeafTable:
        if self.values.shape[1] == 1:
            return amounts(self.values[:, 0], ordered)
        return coded(self.votes.code, ordered)

    def _code(self) -> dict[str, Any]:
        return {
            "votes": None,
            "trees": (list(_code.steps(self.trees, self.input, t)) for t in range(self.n_trees)),
            # Adding a zero, where there is nothing to add, uses the parameters and compiles to nothing.
            "terms": [
                [(int(c), int(row[c])) for c in np.flatnonzero(row)] or [(0, 0)] for row in self.values
            ],
        }

    def _code_and_votes(self) -> dict[str, Any]:
        return {**self._code(), "votes": self.votes}


@dataclass(frozen=True, eq=False)
class WatchedSums(OnSums):
    """Sums that decide between classes: `predict` may stop once no later tree can change the answer."""

    @property
    def watched(self) -> bool:
        return self.n_outputs == 1 and self.n_trees >= _WATCHED_TREES

    @property
    @abstractmethod
    def cut(self) -> int:
        """Of the only sum: the highest value that is still the first class."""

    @cached_property
    def watch(self) -> Watch | None:
        """Where to look whether the answer is certain; None if it does not pay."""
        if self.n_sums == 1:
            least, most = self.largest(-self.values[:, 0]), self.largest(self.values[:, 0])
            least, most = -np.maximum(least, 0), np.maximum(most, 0)
        else:
            low, high = self.values.min(axis=1), self.values.max(axis=1)
            if self.values.shape[1] < self.n_sums:  # the other sums get nothing
                low, high = np.minimum(low, 0), np.maximum(high, 0)
            most = self.largest(high - low)
            least = np.zeros_like(most)
        before = [np.cumsum(x) for x in (least, most)]
        rest_least, rest_most = (b[-1] - b for b in before)
        if self.n_sums == 1:
            possible = (self.start[0] + before[1] > self.cut - rest_least) | (
                self.start[0] + before[0] + rest_most <= self.cut
            )
        else:
            possible = before[1] + np.ptp(self.start) > rest_most
        period = 1 << max(self.n_trees // _CHECKS, 1).bit_length() - 1
        at = np.arange(period - 1, self.n_trees, period)
        at = at[possible[at]]
        if not len(at):
            return None
        above = Series(self.cut - rest_least[at]) if self.n_sums == 1 else None
        return Watch(period, int(at[0]), at.tolist(), above, Series(rest_most[at]))
