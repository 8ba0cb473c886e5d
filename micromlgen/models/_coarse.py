"""Trees made coarser: pruned, with fewer thresholds and with fewer leaf values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.lossy import Coarseness, Coarsening, Content

if TYPE_CHECKING:
    from micromlgen.models._trees import OnTrees, Trees

Array = NDArray[Any]
#: What a leaf counts beyond the rows that reach it, so that leaves which none reaches have a mean too.
_PRIOR = 1e-3
#: Denominators of class shares, the finest first; at 1 a leaf gives all to its best class.
SHARE_LEVELS = (16, 4, 2, 1)
_STEPS = 8


class TreeCoarsening(Coarsening):
    """Coarser models than one on trees.

    A subtree is the better to spare the less its leaves differ, summed over the rows that reach them and
    divided by its nodes; its mean leaf takes its place. Leaf values stand by leaf until the last step.
    """

    def __init__(self, model: OnTrees, rows: NDArray[np.float32]) -> None:
        self.model = model
        self.trees, self.levels = model.spare_trees, model.leaf_levels
        structure = model.trees
        numbered = replace(structure, leaf=np.arange(len(structure.leaf), dtype=np.int32))
        walked = replace(model, trees=numbered.quantize(model.input, rows)).apply(model.input.encode(rows))
        self._structure = numbered
        self._weight = np.bincount(walked.ravel(), minlength=len(structure.leaf)) + _PRIOR
        self._values = model.values[structure.leaf].astype(np.float64)
        self._sorted = np.sort(rows, axis=0)  # NaN comes last
        size, first = structure.extents
        spread, self._mean = self._of_ranges(first, first + size + 1)
        self._spread_of_nodes = spread / size
        roots = structure.start + np.arange(len(structure.size))
        self._tree_spread, self._tree_mean = self._of_ranges(roots, roots + structure.size + 1)

    def _of_ranges(self, first: Array, behind: Array) -> tuple[Array, Array]:
        """Of ranges of leaves: the sum of squared distances from their mean, and the mean."""
        flat = self._values.reshape(len(self._values), -1)
        width = np.ptp(flat, axis=0)
        middle = flat.mean(axis=0)  # sums of squares of small numbers keep their digits
        scaled = (flat - middle) / np.where(width > 0, width, 1.0)
        weight = self._weight[:, None]
        sums = np.cumsum(np.concatenate([weight, weight * scaled, weight * scaled**2], axis=1), axis=0)
        sums = np.concatenate([np.zeros((1, sums.shape[1])), sums])
        total, linear, squares = np.split(sums[behind] - sums[first], [1, 1 + flat.shape[1]], axis=1)
        spread = (squares - linear**2 / total).sum(axis=1)
        spread[spread <= 1e-12 * sums[-1, 0]] = 0.0  # what is left of equal leaves
        mean = middle + linear / total * np.where(width > 0, width, 1.0)
        return spread, mean.reshape(-1, *self._values.shape[1:])

    def __call__(self, coarseness: Coarseness) -> OnTrees:
        trees, values, weight = self._pruned(coarseness.nodes)
        if coarseness.thresholds is not None:
            trees = replace(trees, threshold=self._shared(trees, coarseness.thresholds, coarseness.short))
        model = replace(self.model, trees=trees, values=values)
        model = model.thinned(coarseness.trees, self._tree_spread, self._tree_mean)
        at_leaves, weight = model.values[model.trees.leaf], weight[model.trees.leaf]
        if coarseness.levels:
            at_leaves = model.levelled(at_leaves, weight, coarseness.levels)
        distinct, row = np.unique(at_leaves.reshape(len(weight), -1), axis=0, return_inverse=True)
        trees = replace(model.trees, leaf=row.ravel().astype(np.int32)).merged(np.arange(len(distinct)))
        trees = _without_unused_sets(trees)
        return model.arranged(trees, distinct.reshape(-1, *values.shape[1:]))

    def content(self, model: OnTrees) -> Content:
        """What a model on trees is made of."""
        trees = model.trees
        n_thresholds = len(np.unique(trees.threshold[~trees.has_categories]))
        return Content(len(trees.skip) + len(trees.leaf), n_thresholds, len(model.values))

    def _pruned(self, share: float) -> tuple[Trees, Array, Array]:
        """Trees without the subtrees that are easiest to spare; values and weights by leaf."""
        trees, values, weight = self._structure, self._values, self._weight
        n_spared = int(share * len(self._spread_of_nodes))
        if not n_spared:
            return trees, values, weight
        size, first = trees.extents
        limit = np.partition(self._spread_of_nodes, n_spared - 1)[n_spared - 1]
        at = np.flatnonzero(self._spread_of_nodes <= limit)
        covered = np.zeros(len(size) + 1, np.int64)
        np.add.at(covered, at + 1, 1)
        np.add.at(covered, at + size[at], -1)
        top = at[np.cumsum(covered)[at] == 0]
        # One group for the leaves below each topmost node, and one for each other leaf.
        n_leaves = size[top] + 1
        ends = np.cumsum(n_leaves)
        below = np.arange(ends[-1]) + np.repeat(first[top] - ends + n_leaves, n_leaves)
        group = np.arange(len(trees.leaf))
        group[below] = np.repeat(first[top], n_leaves)
        values = values.copy()
        values[first[top]] = self._mean[top]
        pruned = trees.merged(group)
        left = pruned.leaf
        gathered = np.bincount(group, weights=weight, minlength=len(group))[left]
        return replace(pruned, leaf=np.arange(len(left), dtype=np.int32)), values[left], gathered

    def _shared(self, trees: Trees, share: float, short: bool) -> Array:
        """Thresholds, of which those become one that at most this share of the rows lies between."""
        out = trees.threshold.copy()
        compared = np.isfinite(out) & ~trees.has_categories
        for f in np.unique(trees.feature[compared]).tolist():
            nodes = np.flatnonzero(compared & (trees.feature == f))
            column = self._sorted[:, f]
            out[nodes] = _fewer(out[nodes], column[~np.isnan(column)], share)
        if short:
            keys = fixedpoint.ordered(fixedpoint.float32_floor(out[compared])).astype(np.int64)
            rounded = np.clip((keys + 0x8000) & ~0xFFFF, -0x7F7F0000, 0x7F7F0000)
            out[compared] = fixedpoint.unordered(rounded)
        return out


def _without_unused_sets(trees: Trees) -> Trees:
    """The trees with those sets of categories only that nodes test for."""
    if trees.sets is None or trees.kind is None:
        return trees
    tests = trees.has_categories
    if not tests.any():
        return replace(trees, kind=None, sets=None)
    used, number = np.unique(trees.threshold[tests].astype(np.int64), return_inverse=True)
    threshold = trees.threshold.copy()
    threshold[tests] = number.ravel()
    return replace(trees, threshold=threshold, sets=replace(trees.sets, members=trees.sets.members[used]))


def _fewer(thresholds: Array, column: Array, share: float) -> Array:
    """Thresholds of one feature, shared; `column` has its values in ascending order."""
    distinct, which, counts = np.unique(thresholds, return_inverse=True, return_counts=True)
    rank = np.searchsorted(column, distinct, side="right")
    starts, ends = [], [0]
    while ends[-1] < len(distinct):
        starts.append(ends[-1])
        ends.append(int(np.searchsorted(rank, rank[starts[-1]] + int(share * len(column)), side="right")))
    group = np.repeat(np.arange(len(starts)), np.diff(ends))
    # The middle one of the nodes speaks for a group.
    passed = np.concatenate([[0], np.cumsum(counts)])
    half = (passed[starts] + passed[ends[1:]] - 1) // 2
    middle = np.searchsorted(passed, half, side="right") - 1
    return np.asarray(_simplest(distinct[middle], rank[middle], column)[group[which.ravel()]])


def _simplest(thresholds: Array, rank: Array, column: Array) -> Array:
    """Of each threshold, the number of the fewest bits that is well between the same two values."""
    inside = (rank > 0) & (rank < len(column))
    out = thresholds.astype(np.float64)
    below, above = (column[rank[inside] - i].astype(np.float64) for i in (1, 0))
    quarter = (above - below) / 4
    low = fixedpoint.ordered(fixedpoint.float32_floor(below + quarter)).astype(np.int64)
    high = fixedpoint.ordered(fixedpoint.float32_floor(above - quarter)).astype(np.int64)
    # The multiple of the highest power of two in (low, high]: 0, or the bits that both share and one more.
    zeros = np.frexp((low ^ high).astype(np.float64))[1].astype(np.int64) - 1
    zeros = np.where((low < 0) & (high >= 0), 31, np.maximum(zeros, 0))
    keys = high >> zeros << zeros
    chosen = fixedpoint.unordered(keys.astype(np.int32)).astype(np.float64)
    # Between neighbours of float32 there is nothing to choose.
    fits = (chosen >= below) & (chosen < above)
    out[inside] = np.where(fits, chosen, out[inside])
    return out


def rounded_shares(values: Array, denominator: int) -> Array:
    """Class shares, shape (n, n_outputs, n_classes), as multiples of 1 / `denominator` that sum to one.

    What is left after rounding down goes to the largest remainders, the lowest class first among equals.

    >>> rounded_shares(np.array([[[0.3, 0.3, 0.4]]]), 2).tolist()
    [[[0.5, 0.0, 0.5]]]
    """
    scaled = values * denominator
    whole = np.floor(scaled + 1e-9)
    left = np.rint(scaled.sum(axis=-1) - whole.sum(axis=-1))
    order = np.argsort(whole - scaled, axis=-1, kind="stable")
    place = np.argsort(order, axis=-1, kind="stable")
    return np.asarray((whole + (place < left[..., None])) / denominator)


def pooled(values: Array, weight: Array, levels: int) -> Array:
    """Numbers that are few: of each column, at most so many besides zero; k-means in one dimension.

    >>> pooled(np.array([[1.0], [2.0], [9.0], [0.0]]), np.ones(4), 2)[:, 0].tolist()
    [1.5, 1.5, 9.0, 0.0]
    """
    out = values.reshape(len(values), -1).copy()
    for column in out.T:
        filled = np.flatnonzero(column)
        distinct, which = np.unique(column[filled], return_inverse=True)
        if len(distinct) > levels:
            mass = np.bincount(which.ravel(), weights=weight[filled])
            column[filled] = _centres(distinct, mass, levels)[which.ravel()]
    return out.reshape(values.shape)


def _centres(numbers: Array, mass: Array, levels: int) -> Array:
    """Of each number, ascending, the centre that stands for it."""
    # The first centres are as many where numbers are dense as where they are spread.
    passed = np.cumsum(mass) / mass.sum() + (numbers - numbers[0]) / (numbers[-1] - numbers[0])
    group = np.minimum((passed / passed[-1] * levels).astype(np.int64), levels - 1)
    for _ in range(_STEPS):
        _, group = np.unique(group, return_inverse=True)
        centres = np.bincount(group, weights=mass * numbers) / np.bincount(group, weights=mass)
        group = np.searchsorted((centres[1:] + centres[:-1]) / 2, numbers)
    _, group = np.unique(group, return_inverse=True)
    return np.asarray((np.bincount(group, weights=mass * numbers) / np.bincount(group, weights=mass))[group])
