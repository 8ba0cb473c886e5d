"""What models on trees have in common, and how `compress` makes coarser ones of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.ir import Model
from micromlgen.lossy import Coarseness, Coarsening, Content
from micromlgen.models._coarse import fewer_thresholds, pooled
from micromlgen.models._trees import Trees

Array = NDArray[Any]
#: So many different thresholds on halves are no chance: features of one decimal would give 1 in 10 to this.
_EVIDENCE = 8
#: What a leaf counts beyond the rows that reach it, so that leaves which none reaches have a mean too.
_PRIOR = 1e-3


@dataclass(frozen=True, eq=False)
class OnTrees(Model):
    """What every model that stands on trees has in common."""

    trees: Trees
    #: Distinct leaf values, (n_distinct, n_outputs, max_n_classes) as fitted; families say what `quantize`
    #: makes of them.
    values: Array

    @property
    def saturates(self) -> bool:
        return True

    def feature_limits(self) -> NDArray[np.float64]:
        limits = np.zeros(self.input.n_features)
        finite = np.isfinite(self.trees.threshold) & ~self.trees.has_categories
        np.maximum.at(limits, self.trees.feature[finite], np.abs(self.trees.threshold[finite]))
        if self.trees.sets is not None:
            categorical = self.trees.feature[self.trees.has_categories]
            np.maximum.at(limits, categorical, np.abs(self.trees.sets.categories).max())
        return limits

    def categorical(self) -> NDArray[np.bool_]:
        out = np.zeros(self.input.n_features, bool)
        out[self.trees.feature[self.trees.has_categories]] = True
        return out

    def takes_integers(self) -> bool:
        """Thresholds of a model fitted on integers lie midway between two of them: whole, or on a half.

        At a half, rounding a feature to an integer changes nothing. A whole one may lie between two decimals
        as well: a few of them are chance, and show nothing.
        """
        compared = np.isfinite(self.trees.threshold) & ~self.trees.has_categories
        distinct = np.unique(self.trees.threshold[compared])
        on_halves = bool((2 * distinct == np.rint(2 * distinct)).all())
        return on_halves and (len(distinct) >= _EVIDENCE or not (distinct == np.rint(distinct)).any())

    def centred(self, center: NDArray[np.float32]) -> Self:
        threshold = self.trees.threshold - center[self.trees.feature]
        return replace(self, trees=replace(self.trees, threshold=threshold))

    def boundaries(self) -> list[Array]:
        return self.trees.boundaries(self.input)

    #: How finely `compress` may keep leaf values: see `levelled`.
    leaf_levels: ClassVar[tuple[int, ...]] = (256, 64, 16)
    #: Shares of the trees that `compress` may give up: see `thinned`.
    spare_trees: ClassVar[tuple[float, ...]] = ()

    def coarsening(self, rows: NDArray[np.float32]) -> TreeCoarsening:
        return TreeCoarsening(self, rows)

    def arranged(self, trees: Trees, values: Array) -> Self:
        """The same model with other trees and leaf values, which are distinct and in ascending order."""
        return replace(self, trees=trees, values=values)

    def thinned(self, share: float, spread: NDArray[np.float64], mean: Array) -> Self:
        """The same model without a share of its trees.

        Parameters
        ----------
        share : float
            One of `spare_trees`, or 0.
        spread : float64 array of shape (n_trees,)
            Sum over typical rows of the squared distances of a tree's answers from its mean answer.
        mean : float64 array of shape (n_trees, ...)
            The mean answers, shaped as `values`.
        """
        return self

    def levelled(self, values: Array, weight: NDArray[np.float64], levels: int) -> Array:
        """Values of leaves with few distinct ones, by how many `levels` is about; where rows are, more exact.

        Parameters
        ----------
        values : float64 array of shape (n_leaves, ...)
        weight : float64 array of shape (n_leaves,)
            How many typical rows reach each leaf.
        levels : int
            One of `leaf_levels`.
        """
        return pooled(values, weight, levels)

    def apply(self, Q: Array) -> NDArray[np.int32]:
        """Rows of `values` that encoded inputs reach, shape (n, n_trees)."""
        if self.input.is_integer:
            missing = int(np.iinfo(self.input.dtype).min)
            keys = np.asarray(Q, np.int32)
        else:
            missing = int(fixedpoint.NAN_KEY)
            keys = fixedpoint.ordered(Q)
            if self.input.missing_keys is not None:
                low, high = self.input.missing_keys
                keys = np.where((keys >= low) & (keys <= high), fixedpoint.NAN_KEY, keys)
        return self.trees.apply(keys, missing if self.input.missing else None, Q)


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
            out[nodes] = fewer_thresholds(out[nodes], column[~np.isnan(column)], share)
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
