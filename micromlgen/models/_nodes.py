"""From trees with child pointers, the way libraries keep them, to `Trees`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._categories import Categories, category_sets
from micromlgen.models._trees import Array, Trees


class Nodes(NamedTuple):
    """Nodes of many trees with child pointers, the way scikit-learn and others keep them; -1 is no child."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    roots: NDArray[np.int64]


def joined(left: Sequence[Array], right: Sequence[Array]) -> Nodes:
    """Trees one after another, from the children of each; negative ids are no child, node 0 is the root."""
    counts = [len(children) for children in left]
    roots = np.cumsum([0, *counts[:-1]], dtype=np.int64)
    first = np.repeat(roots, counts)

    def shifted(children: Sequence[Array]) -> NDArray[np.int64]:
        ids = np.concatenate(children).astype(np.int64)
        return np.where(ids < 0, -1, ids + first)

    return Nodes(shifted(left), shifted(right), roots)


def of_nodes(fitted: Sequence[Any], name: str) -> Array:
    """An attribute of scikit-learn's `tree_` objects that has a value for each node, tree after tree."""
    return np.concatenate([getattr(tree, name) for tree in fitted])


def nodes_of(fitted: Sequence[Any]) -> Nodes:
    """The nodes of scikit-learn's `tree_` objects."""
    return joined([tree.children_left for tree in fitted], [tree.children_right for tree in fitted])


def features_of(tree: Any, taken: Any) -> Array:
    """The feature of each node of a `tree_` that was fitted on some of the features, those `taken`."""
    return np.asarray(np.asarray(taken)[np.maximum(tree.feature, 0)])


def are_trees(estimators: Sequence[Any]) -> bool:
    """Whether all are decision trees."""
    return all(hasattr(grown, "tree_") for grown in estimators)


def fitted_trees(estimator: Any) -> list[Any]:
    """The `tree_` of each of an ensemble's estimators.

    Raises
    ------
    UnsupportedError
        If one of them is no decision tree.
    """
    for grown in estimator.estimators_:
        if not hasattr(grown, "tree_"):
            raise UnsupportedError(
                f"{type(estimator).__name__} of {type(grown).__name__} cannot be ported; use decision trees"
            )
    return [grown.tree_ for grown in estimator.estimators_]


def preorder(nodes: Nodes) -> tuple[Array, Array, Array, Array]:
    """Order the nodes as `Trees` wants them, level by level, so that depth costs no recursion.

    Returns
    -------
    inner, leaves : int64 arrays
        Ids of the inner nodes in preorder and of the leaves from left to right, tree after tree.
    skip : int64 array, of each of `inner`
    size : int64 array, of each tree
    """
    left, right, roots = nodes
    levels = [roots]
    while len(levels[-1]):
        parents = levels[-1][left[levels[-1]] >= 0]
        levels.append(np.concatenate([left[parents], right[parents]]))
    below = np.zeros(len(left), np.int64)
    for level in reversed(levels):
        parents = level[left[level] >= 0]
        below[parents] = 1 + below[left[parents]] + below[right[parents]]
    size = below[roots]
    node_at, leaf_at = np.empty_like(below), np.empty_like(below)
    node_at[roots] = np.cumsum(size) - size
    leaf_at[roots] = node_at[roots] + np.arange(len(roots))
    for level in levels:
        p = level[left[level] >= 0]
        a, b = left[p], right[p]
        node_at[a], leaf_at[a] = node_at[p] + 1, leaf_at[p]
        node_at[b], leaf_at[b] = node_at[p] + 1 + below[a], leaf_at[p] + below[a] + 1
    is_inner = left >= 0
    inner = np.empty(is_inner.sum(), np.int64)
    inner[node_at[is_inner]] = np.flatnonzero(is_inner)
    leaves = np.empty((~is_inner).sum(), np.int64)
    leaves[leaf_at[~is_inner]] = np.flatnonzero(~is_inner)
    return inner, leaves, below[left[inner]], size


def from_nodes(
    nodes: Nodes,
    feature: Array,
    threshold: Array,
    missing_left: Array,
    value: Array,
    categories: Categories | None = None,
) -> tuple[Trees, Array]:
    """Structure and distinct leaf values of trees that are given node by node.

    Parameters
    ----------
    nodes : Nodes
    feature, threshold, missing_left : arrays of shape (n_nodes,)
        As in `Trees`; leaves may hold anything.
    value : float64 array of shape (n_nodes, ...)
    categories : Categories or None

    Returns
    -------
    trees : Trees
        With float64 thresholds; `leaf` holds rows of `values`.
    values : float64 array of shape (n_distinct, ...)
    """
    inner, leaves, skip, size = preorder(nodes)
    at_leaves = value[leaves]
    distinct, row = np.unique(at_leaves.reshape(len(leaves), -1), axis=0, return_inverse=True)
    trees = Trees(
        feature=feature[inner].astype(np.int32),
        threshold=threshold[inner],
        skip=skip.astype(np.int32),
        missing_left=missing_left[inner].astype(bool),
        size=size,
        leaf=row.ravel().astype(np.int32),
    )
    if categories is not None:
        sets, which, kind = category_sets(categories, inner)
        if kind.any():
            trees = replace(trees, threshold=np.where(kind > 0, which, trees.threshold), kind=kind, sets=sets)
    return trees, distinct.reshape(-1, *value.shape[1:])


def from_sklearn(fitted: Sequence[Any]) -> tuple[Trees, Array]:
    """Structure and distinct leaf values of scikit-learn's fitted `tree_` objects.

    Returns
    -------
    trees : Trees
    values : float64 array of shape (n_distinct, n_outputs, max_n_classes)

    Raises
    ------
    UnsupportedError
        If a threshold or a leaf value is NaN, or a leaf value is infinite.
    """
    threshold, value = of_nodes(fitted, "threshold"), of_nodes(fitted, "value")
    if np.isnan(threshold).any() or not np.isfinite(value).all():
        raise UnsupportedError(
            "a threshold or a leaf value of the fitted trees is NaN or infinite; fit again"
        )
    missing_left = of_nodes(fitted, "missing_go_to_left")
    return from_nodes(nodes_of(fitted), of_nodes(fitted, "feature"), threshold, missing_left, value)


def trained_on_missing(fitted: Sequence[Any]) -> bool:
    """Whether a fitted `tree_` shows that its training data had NaN.

    scikit-learn sends NaN to the child with more samples at every node that saw none in training, so one
    node that does otherwise, or that splits missing from present (a threshold of +inf), has seen some. A
    model trained on NaN whose every node happens to follow the majority can't be told from one that was not.
    """
    for tree in fitted:
        inner = np.flatnonzero(tree.children_left >= 0)
        samples = tree.n_node_samples
        majority = samples[tree.children_left[inner]] > samples[tree.children_right[inner]]
        if (tree.missing_go_to_left[inner].astype(bool) != majority).any() or np.isinf(tree.threshold).any():
            return True
    return False
