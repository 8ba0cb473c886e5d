"""Trees inside an estimator that came from a file: compiled code follows their indices without looking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.neighbors import BallTree, KDTree

_SEARCH = (BallTree, KDTree)


def make_sound(model: Any) -> bool:
    """Whether decision trees lead somewhere; trees to search neighbours in are grown anew.

    Parameters
    ----------
    model : fitted estimator
        Its search trees are replaced by those of its training rows.
    """
    grown = set()
    for each, n_features in _objects(model, {}, 0):
        if hasattr(each, "children_left") or type(each).__name__ == "TreePredictor":
            if not _leads_somewhere(each, n_features):
                return False
        elif isinstance(each, _SEARCH):
            if id(each) not in grown:
                return False  # nothing is known of its rows
        elif isinstance(getattr(each, "_tree", None), _SEARCH):
            params = each.effective_metric_params_
            each._tree = type(each._tree)(
                each._fit_X, each.leaf_size, metric=each.effective_metric_, **(params or {})
            )
            grown.add(id(each._tree))
    return True


def _objects(value: Any, seen: dict[int, Any], n_features: int) -> Iterator[tuple[Any, int]]:
    """Every object inside an estimator, outer ones first, and how many features its estimator takes."""
    if id(value) in seen or isinstance(value, (str, bytes, int, float, type(None))):
        return
    seen[id(value)] = value  # kept, because the number of what is gone is given to another
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.dtype == object else ()
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _objects(each, seen, n_features)
        return
    yield value, n_features
    if hasattr(value, "__dict__"):
        yield from _objects(dict(vars(value)), seen, getattr(value, "n_features_in_", n_features))


def _leads_somewhere(tree: Any, n_features: int) -> bool:
    """Whether children follow their parents inside the tree, as scikit-learn grows it, and features exist."""
    if type(tree).__name__ == "TreePredictor":
        nodes = tree.nodes
        left, right, leaf = nodes["left"], nodes["right"], nodes["is_leaf"].astype(bool)
        feature = nodes["feature_idx"]
        sets = nodes["bitset_idx"][nodes["is_categorical"].astype(bool) & ~leaf]
        if (sets >= len(tree.raw_left_cat_bitsets)).any():
            return False
    else:
        left, right, feature = tree.children_left, tree.children_right, tree.feature
        leaf, n_features = left == -1, tree.n_features
    if not ((feature >= 0) & (feature < n_features))[~leaf].all():
        return False
    own = np.flatnonzero(~leaf)
    children = np.stack([left[own], right[own]]).astype(np.int64)
    return bool(((children > own) & (children < len(left))).all())
