"""scikit-learn's HistGradientBoostingClassifier and HistGradientBoostingRegressor."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from micromlgen.errors import UnsupportedError
from micromlgen.models._boosted import Array, Boosted, Link
from micromlgen.models._categories import CATEGORY_LIMIT, Categories
from micromlgen.models._nodes import Nodes, joined

#: By the name of scikit-learn's link: the link, and the factor of its raw scores.
_LINKS: dict[str, tuple[Link, float]] = {
    "IdentityLink": ("identity", 1.0),
    "LogLink": ("exp", 1.0),
    "LogitLink": ("logistic", 1.0),
    "HalfLogitLink": ("logistic", 2.0),
    "MultinomialLogit": ("softmax", 1.0),
}


def from_hist_gradient_boosting(estimator: Any) -> Boosted:
    """What a fitted HistGradientBoostingClassifier or HistGradientBoostingRegressor has learnt.

    Raises
    ------
    UnsupportedError
        If a category is not an integer that float32 holds.
    """
    predictors = [tree for stage in estimator._predictors for tree in stage]
    fitted = np.concatenate([tree.nodes for tree in predictors])
    leaf = fitted["is_leaf"].astype(bool)
    nodes = _nodes(predictors)
    numeric = ~leaf & ~fitted["is_categorical"].astype(bool)
    link, factor = _LINKS[type(estimator._loss.link).__name__]
    return Boosted(
        source=type(estimator).__name__,
        n_features=estimator.n_features_in_,
        nodes=nodes,
        feature=np.where(leaf, 0, _columns(estimator)[fitted["feature_idx"] * ~leaf]).astype(np.int32),
        threshold=np.where(numeric, fitted["num_threshold"], 0.0),
        missing_left=~leaf & fitted["missing_go_to_left"].astype(bool),
        also_missing=None,
        categories=_categories(estimator, predictors),
        value=np.where(leaf, fitted["value"], 0.0)[:, None],
        column=np.tile(np.arange(estimator.n_trees_per_iteration_), len(estimator._predictors)),
        base=np.asarray(estimator._baseline_prediction, np.float64).ravel(),
        link=link,
        factor=factor,
        threshold_included=False,
        classes=estimator.classes_ if is_classifier(estimator) else None,
        missing=_knows_missing(estimator, fitted, nodes),
        narrowed=False,
    )


def _nodes(predictors: list[Any]) -> Nodes:
    """The children; a leaf's are 0 in scikit-learn."""

    def children(name: str) -> list[Array]:
        return [np.where(t.nodes["is_leaf"], -1, t.nodes[name].astype(np.int64)) for t in predictors]

    return joined(children("left"), children("right"))


def _columns(estimator: Any) -> NDArray[np.int64]:
    """Of each feature as the trees count them, the column of X: categorical ones come first in the trees."""
    if estimator.is_categorical_ is None:
        return np.arange(estimator.n_features_in_)
    mask = estimator.is_categorical_
    return np.concatenate([np.flatnonzero(mask), np.flatnonzero(~mask)])


def _knows_missing(estimator: Any, fitted: Array, nodes: Nodes) -> bool:
    """Whether the model shows that its training data had missing values.

    They are a category of their own. Where there were none, scikit-learn sends them to the child with more
    samples, and no node splits them from all others (a threshold of +inf).
    """
    if any(_is_missing(category) for found in _found(estimator).values() for category in found):
        return True
    inner = np.flatnonzero(nodes.left >= 0)
    majority = fitted["count"][nodes.left[inner]] > fitted["count"][nodes.right[inner]]
    other = fitted["missing_go_to_left"][inner].astype(bool) != majority
    return bool(other.any() or np.isinf(fitted["num_threshold"][inner]).any())


def _found(estimator: Any) -> dict[int, list[Any]]:
    """By categorical column of X, the categories of its training data, missing among them."""
    if estimator.is_categorical_ is None:
        return {}
    encoder = estimator._preprocessor.named_transformers_["encoder"]
    columns = np.flatnonzero(estimator.is_categorical_).tolist()
    return {column: found.tolist() for column, found in zip(columns, encoder.categories_, strict=True)}


def _categories(estimator: Any, predictors: list[Any]) -> Categories | None:
    """Tests of categories; the trees know a category by its position among its column's."""
    known = [
        [_integer(estimator, column, category) for category in found if not _is_missing(category)]
        for column, found in _found(estimator).items()
    ]
    fitted = np.concatenate([tree.nodes for tree in predictors])
    first = np.cumsum([0, *(len(tree.raw_left_cat_bitsets) for tree in predictors[:-1])])
    sets = np.concatenate([tree.raw_left_cat_bitsets for tree in predictors])
    row = fitted["bitset_idx"] + np.repeat(first, [len(tree.nodes) for tree in predictors])
    at = np.flatnonzero(fitted["is_categorical"].astype(bool) & ~fitted["is_leaf"].astype(bool))
    if not len(at):
        return None
    left: list[frozenset[int] | None] = [None] * len(fitted)
    knows = left.copy()
    for node in at.tolist():
        codes = known[fitted["feature_idx"][node]]
        bits = np.unpackbits(sets[row[node]].astype("<u4").view(np.uint8), bitorder="little")
        left[node] = frozenset(c for c, bit in zip(codes, bits[: len(codes)], strict=True) if bit)
        knows[node] = frozenset(codes)
    other_left = np.zeros(len(fitted), bool)
    other_left[at] = fitted["missing_go_to_left"][at]  # an unknown category counts as missing
    return Categories(left, other_left, knows, "none")


def _is_missing(category: Any) -> bool:
    return category is None or category != category


def _integer(estimator: Any, column: int, category: Any) -> int:
    """The category as the integer that stands for it in x."""
    number = float(category) if isinstance(category, Real) else np.nan
    if not (number.is_integer() and abs(number) < CATEGORY_LIMIT):
        raise UnsupportedError(
            f"{type(estimator).__name__}: categorical_features with categories like {category!r} (column "
            f"{column}) cannot be ported; encode them as integers below 2**24 before fitting"
        )
    return int(number)
