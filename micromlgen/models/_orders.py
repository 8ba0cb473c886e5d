"""Three orders in which the nodes of `Trees` can lie in flash, and so be walked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen.models._trees import Trees
from micromlgen.tables import narrow

Array = NDArray[Any]
#: A heap may hold so many more nodes than the trees have.
_PADDING = 1.5
Order = Literal["preorder", "heap", "oblivious"]


@dataclass(frozen=True, eq=False)
class Ordered:
    """Tests of nodes, and leaves, in the order of a table.

    preorder
        As in `Trees`; `extent` has the inner nodes of each tree.
    heap
        Every tree is filled up to the same depth d, which is `extent`; below a leaf, tests are repeated and
        both sides lead to it. The children of node i, counted from 1, are 2 i and 2 i + 1.
    oblivious
        All nodes of one level have the same test, so one is kept for each level; `extent` has the levels of
        each tree. The answers, first level first, are the bits of the leaf's number.

    Parameters
    ----------
    order : {"preorder", "heap", "oblivious"}
    feature, threshold, missing_left : arrays of shape (n_records,)
    skip : int32 array of shape (n_records,), or None
        Inner nodes in the left subtree; only in preorder.
    extent : int64 array of shape (n_trees,)
    leaf : int32 array
        Of each leaf, its row in the family's table of leaf values; tree after tree.
    first : int64 array of shape (n_trees,)
        First leaf of each tree.
    first_record : int64 array of shape (n_trees,)
    kind : uint8 array of shape (n_records,), or None
        As in `Trees`.
    """

    order: Order
    feature: NDArray[np.int32]
    threshold: Array
    missing_left: NDArray[np.bool_]
    skip: NDArray[np.int32] | None
    extent: NDArray[np.int64]
    leaf: NDArray[np.int32]
    first: NDArray[np.int64]
    first_record: NDArray[np.int64]
    kind: NDArray[np.uint8] | None


def by_tree(at: Array, first: Array) -> tuple[Array, Array | None]:
    """Exceptions among the nodes or leaves of trees, as they are listed in flash.

    Parameters
    ----------
    at : ascending integer array
        Their numbers among all.
    first : integer array of shape (n_trees,)
        First node or leaf of each tree.

    Returns
    -------
    within : unsigned array
        Their numbers within their trees.
    start : unsigned array of shape (n_trees,), or None
        First exception of each tree; None for a single tree.
    """
    tree = np.searchsorted(first, at, side="right") - 1
    start = narrow(np.searchsorted(at, first)) if len(first) > 1 else None
    return narrow(at - first[tree]), start


def preorder(trees: Trees) -> Ordered:
    """The order that `Trees` are in."""
    first = trees.start + np.arange(len(trees.size))
    return Ordered(
        "preorder",
        trees.feature,
        trees.threshold,
        trees.missing_left,
        trees.skip,
        trees.size,
        trees.leaf,
        first,
        trees.start,
        trees.kind,
    )


def _levels(trees: Trees, which: Array, depth: int) -> tuple[Array, Array, bool]:
    """Trees `which` as complete trees.

    Returns
    -------
    node : int64 array of shape (n, 2**depth - 1)
        Of each place in a heap, its node; below a leaf, the node above that leaf.
    leaf : int64 array of shape (n, 2**depth)
    complete : bool
        Whether nothing was filled up, and no tree is deeper.
    """
    n = len(which)
    node = trees.start[which][:, None]
    leaf = node + which[:, None]
    size = trees.size[which][:, None]
    above = np.minimum(node, len(trees.skip) - 1)  # any test will do for a tree of one leaf
    complete = True
    levels = []
    for _ in range(depth):
        inner = size > 0
        complete &= bool(inner.all())
        test = np.where(inner, node, above)
        levels.append(test)
        skip = np.where(inner, trees.skip[test], 0)
        below = (n, 2 * node.shape[1])
        right_size = np.maximum(size - skip - 1, 0)
        size_below = np.stack([skip, right_size], axis=2).reshape(below)
        leaf = np.stack([leaf, leaf + np.where(inner, skip + 1, 0)], axis=2).reshape(below)
        node = np.stack([node + 1, node + 1 + skip], axis=2).reshape(below)
        above = np.repeat(test, 2, axis=1)
        size = size_below
    return np.concatenate(levels, axis=1), leaf, complete and not size.any()


def _depths(trees: Trees) -> NDArray[np.int64]:
    """Levels of each tree: the most tests on the way to a leaf."""
    size, leaf = trees.extents
    depth = np.zeros(len(trees.leaf) + 1, np.int64)
    np.add.at(depth, leaf, 1)
    np.add.at(depth, leaf + size + 1, -1)
    return np.asarray(np.maximum.reduceat(np.cumsum(depth)[:-1], trees.start + np.arange(len(trees.size))))


def heap(trees: Trees) -> Ordered | None:
    """All trees filled up to one depth; None where that takes too many nodes more."""
    n = len(trees.size)
    depth = int(_depths(trees).max())
    if n * (2**depth - 1) > _PADDING * len(trees.skip):
        return None
    node, leaf, _ = _levels(trees, np.arange(n), depth)
    at = node.ravel()
    return Ordered(
        "heap",
        trees.feature[at],
        trees.threshold[at],
        trees.missing_left[at],
        None,
        np.full(n, depth),
        trees.leaf[leaf.ravel()],
        np.arange(n) << depth,
        np.arange(n) * (2**depth - 1),
        None if trees.kind is None else trees.kind[at],
    )


def oblivious(trees: Trees) -> Ordered | None:
    """One test for each level; None where a tree is not oblivious, or none has two levels."""
    depth = _depths(trees)
    if depth.max() < 2 or (trees.size + 1 != 1 << depth).any():
        return None
    records = np.concatenate([[0], np.cumsum(depth)])
    chosen = np.empty(records[-1], np.int64)
    for d in np.unique(depth).tolist():
        which = np.flatnonzero(depth == d)
        node, _, complete = _levels(trees, which, d)
        if not complete:
            return None
        for level in range(d):
            same = node[:, 2**level - 1 : 2 ** (level + 1) - 1]
            for column in (trees.feature, trees.threshold, trees.missing_left, trees.kind):
                if column is not None and (column[same] != column[same[:, :1]]).any():
                    return None
            chosen[records[which] + level] = same[:, 0]
    return Ordered(
        "oblivious",
        trees.feature[chosen],
        trees.threshold[chosen],
        trees.missing_left[chosen],
        None,
        depth,
        trees.leaf,
        np.cumsum(trees.size + 1) - trees.size - 1,
        records[:-1],
        None if trees.kind is None else trees.kind[chosen],
    )
