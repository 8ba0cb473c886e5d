"""Binary decision trees as three numbers a node: what every tree family stands on.

The inner nodes of a tree are kept in preorder, so a left child is the next node and needs no pointer; its
leaves are kept from left to right. A walk holds three counters: the node `i`, the leftmost leaf below it
`leaf`, and the number of inner nodes below and including it `size`. At a node whose left subtree has `skip`
inner nodes (and so ``skip + 1`` leaves),

    left:   i + 1,          leaf,              size = skip
    right:  i + 1 + skip,   leaf + skip + 1,   size - skip - 1

and the walk ends at ``size == 0``, on leaf number `leaf`: neither child pointers nor leaf flags are stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.inputs import Input
from micromlgen.models._categories import CategorySets
from micromlgen.models._tree_integers import integer_thresholds

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Trees:
    """The structure of one or more trees, in the order of the module's docstring, trees one after another.

    Parameters
    ----------
    feature : int32 array of shape (n_inner,)
    threshold : array of shape (n_inner,)
        float64 as scikit-learn fitted it; after `quantize` int32: the `fixedpoint.ordered` key of a float32,
        or the integer that an encoded feature is compared with. A row goes left where ``x <= threshold``.
    skip : int32 array of shape (n_inner,)
        Inner nodes in the left subtree.
    missing_left : bool array of shape (n_inner,)
        Whether a missing value goes left.
    size : int64 array of shape (n_trees,)
        Inner nodes of each tree; it has one leaf more.
    leaf : int32 array of shape (n_inner + n_trees,)
        Of each leaf, its row in the family's table of leaf values.
    kind : uint8 array of shape (n_inner,), or None
        0 where x is compared with the threshold; else `threshold` is the number of a set: 1 where the
        categories of the set go left and all else right, 2 where they go right and all else left. None where
        there are only thresholds.
    sets : CategorySets or None
    narrowed : bool
        Whether the library rounds x to float32 before it compares: what transformers before it give may be
        float64.
    """

    feature: NDArray[np.int32]
    threshold: Array
    skip: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    size: NDArray[np.int64]
    leaf: NDArray[np.int32]
    kind: NDArray[np.uint8] | None = None
    sets: CategorySets | None = None
    narrowed: bool = True

    @property
    def start(self) -> NDArray[np.int64]:
        """First inner node of each tree; tree t's first leaf is ``start[t] + t``."""
        return np.cumsum(self.size) - self.size

    @cached_property
    def extents(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Of each inner node, its subtree's size (inner nodes, itself included) and leftmost leaf."""
        skip = self.skip.tolist()
        size, leaf = [0] * len(skip), [0] * len(skip)
        node = row = 0
        todo = self.size[::-1].tolist()
        while todo:
            below = todo.pop()
            if below:
                size[node], leaf[node] = below, row
                todo += [below - skip[node] - 1, skip[node]]
                node += 1
            else:
                row += 1
        return np.array(size, np.int64), np.array(leaf, np.int64)

    def merged(self, answer: Array) -> Trees:
        """The trees without tests that don't matter, where only ``answer[row]`` of a leaf is asked for.

        A subtree whose leaves all have one answer becomes its first leaf.
        """
        size, leaf = self.extents
        given = answer[self.leaf]
        changes = np.concatenate([[0], np.cumsum(given[1:] != given[:-1])])
        uniform = changes[leaf] == changes[leaf + size]
        first, last = np.arange(len(size))[uniform], (np.arange(len(size)) + size)[uniform]
        # +1 where a uniform subtree begins, -1 behind it: positive inside any.
        inside = np.zeros(len(size) + 1, np.int64)
        np.add.at(inside, first, 1)
        np.add.at(inside, last, -1)
        kept = np.cumsum(inside)[:-1] == 0
        follows = np.zeros(len(self.leaf) + 1, np.int64)
        np.add.at(follows, leaf[uniform] + 1, 1)
        np.add.at(follows, (leaf + size)[uniform] + 1, -1)
        before = np.concatenate([[0], np.cumsum(kept)])
        at = np.arange(len(size))
        starts = np.append(self.start, len(size))
        return Trees(
            feature=self.feature[kept],
            threshold=self.threshold[kept],
            skip=(before[at + 1 + self.skip] - before[at + 1])[kept].astype(np.int32),
            missing_left=self.missing_left[kept],
            size=np.diff(before[starts]),
            leaf=self.leaf[np.cumsum(follows)[:-1] == 0],
            kind=None if self.kind is None else self.kind[kept],
            sets=self.sets,
            narrowed=self.narrowed,
        )

    def reordered(self, order: NDArray[np.int64]) -> Trees:
        """The same trees, or some of them, tree ``order[0]`` first."""
        if np.array_equal(order, np.arange(len(self.size))):
            return self

        def gathered(start: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.int64]:
            starts, sizes = start[order], size[order]
            ends = np.cumsum(sizes)
            return np.arange(ends[-1]) + np.repeat(starts - ends + sizes, sizes)

        nodes = gathered(self.start, self.size)
        leaves = gathered(self.start + np.arange(len(self.size)), self.size + 1)
        return Trees(
            feature=self.feature[nodes],
            threshold=self.threshold[nodes],
            skip=self.skip[nodes],
            missing_left=self.missing_left[nodes],
            size=self.size[order],
            leaf=self.leaf[leaves],
            kind=None if self.kind is None else self.kind[nodes],
            sets=self.sets,
            narrowed=self.narrowed,
        )

    def quantize(self, inputs: Input, rows: NDArray[np.float32] | None) -> Trees:
        """Thresholds as the integers that the C compares with, by typical rows if those are known."""
        if inputs.exponents is None:
            keys = fixedpoint.ordered(fixedpoint.float32_floor(self.threshold))
        else:
            keys = integer_thresholds(self.threshold, self.feature, inputs, rows).astype(np.int32)
        if self.kind is not None:
            keys = np.where(self.kind > 0, self.threshold, keys).astype(np.int32)
        return replace(self, threshold=keys)

    def apply(
        self, keys: NDArray[np.int32], missing: int | None, values: Array | None = None
    ) -> NDArray[np.int32]:
        """Rows of the leaf values that encoded inputs reach, shape (n, n_trees): the walk, in NumPy.

        Parameters
        ----------
        keys : int32 array of shape (n, n_features)
            Features as the thresholds are: `fixedpoint.ordered` of float32, or encoded integers.
        missing : int or None
            The key that follows `missing_left`; None if no value is special.
        values : array of the shape of `keys`, optional
            The encoded inputs themselves, which tests of categories need.
        """
        numbers = None if self.sets is None or values is None else self.sets.numbers(values)
        out = np.empty((len(keys), len(self.size)), np.int32)
        for t, (start, size) in enumerate(zip(self.start, self.size, strict=True)):
            i = np.full(len(keys), start)
            leaf = np.full(len(keys), start + t)
            left_to_go = np.full(len(keys), size)
            rows = np.flatnonzero(left_to_go)
            while len(rows):
                node = i[rows]
                value = keys[rows, self.feature[node]]
                left = value <= self.threshold[node]
                if self.kind is not None and self.sets is not None and numbers is not None:
                    number, kind = numbers[rows, self.feature[node]], self.kind[node]
                    inside = self.sets.contain(np.where(kind > 0, self.threshold[node], 0), number)
                    left = np.where(kind > 0, inside == (kind == 1), left)
                if missing is not None:
                    left = np.where(value == missing, self.missing_left[node], left)
                skip = self.skip[node]
                jump = np.where(left, 0, skip)
                i[rows] += jump + 1
                leaf[rows] += jump + ~left
                left_to_go[rows] = np.where(left, skip, left_to_go[rows] - skip - 1)
                rows = rows[left_to_go[rows] > 0]
            out[:, t] = self.leaf[leaf]
        return out

    def boundaries(self, inputs: Input) -> list[Array]:
        """Per feature, each threshold, one step either side, zeros and extremes, as encoded inputs."""
        out = []
        compared = np.ones(len(self.threshold), bool) if self.kind is None else self.kind == 0
        for f in range(inputs.n_features):
            at = np.unique(self.threshold[compared & (self.feature == f)]).astype(np.int64)
            near = np.concatenate([at - 1, at, at + 1])
            if inputs.is_integer:
                info = np.iinfo(inputs.dtype)
                values = np.concatenate([near, [0, info.max, -info.max], [info.min] * inputs.missing])
                values = np.concatenate([values, self._categories_of(f)])
                out.append(np.unique(np.clip(values, info.min, info.max)).astype(inputs.dtype))
            else:
                near = np.concatenate([near, np.add.outer(inputs.missing_keys or [], [-1, 0, 1]).ravel()])
                near = near.astype(np.int64)
                biggest = int(fixedpoint.ordered(np.finfo(np.float32).max))
                finite = near[np.abs(near + 0.5) <= biggest].astype(np.int32)
                tiny, big = np.finfo(np.float32).smallest_subnormal, np.finfo(np.float32).max
                special = [0.0, -0.0, tiny, -tiny, big, -big, *[np.nan, -np.nan] * inputs.missing]
                categories = self._categories_of(f)
                around = np.concatenate([categories + d for d in (0, 0.5, -0.5, 1, -1)]).astype(np.float32)
                out.append(
                    np.concatenate([fixedpoint.unordered(finite), np.array(special, np.float32), around])
                )
        return out

    def _categories_of(self, feature: int) -> NDArray[np.int64]:
        """The categories that nodes test a feature for."""
        if self.kind is None or self.sets is None or not self.kind[self.feature == feature].any():
            return np.empty(0, np.int64)
        return self.sets.categories

    @property
    def has_categories(self) -> NDArray[np.bool_]:
        """Of each node, whether it tests for categories."""
        return np.zeros(len(self.feature), bool) if self.kind is None else self.kind > 0
