"""XGBoost: XGBClassifier, XGBRegressor, XGBRanker, XGBRFClassifier and XGBRFRegressor.

The model is read from XGBoost's own JSON, whose shape is the same since 2.0 but for what is said below.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._boosted import Array, Boosted, Link
from micromlgen.models._categories import Categories
from micromlgen.models._nodes import joined

_IDENTITY = (
    *("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror"),
    *("reg:squaredlogerror", "rank:ndcg", "rank:map", "rank:pairwise"),
)
#: By objective.
_LINKS: dict[str, Link] = {
    **dict.fromkeys(_IDENTITY, "identity"),
    **dict.fromkeys(["count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"], "exp"),
    **dict.fromkeys(["binary:logistic", "reg:logistic"], "logistic"),
    **dict.fromkeys(["multi:softmax", "multi:softprob"], "softmax"),
}
#: Nearer to 0 and 1, versions of XGBoost disagree about the log odds of a base score.
_EPSILON = np.float32(1e-6)


def from_xgboost(estimator: Any) -> Boosted:
    """What a fitted estimator of XGBoost's scikit-learn interface has learnt.

    Raises
    ------
    UnsupportedError
        If the booster is linear, there are several targets, the objective has no link here, `base_score` is a
        probability of almost 0 or 1, or `missing` is a number while features are categorical.
    """
    learner = json.loads(estimator.get_booster().save_raw("json"))["learner"]
    link, classes = _answer(estimator, learner)
    trees, weights, columns = _used(estimator, learner["gradient_booster"])

    def of_nodes(name: str, dtype: Any) -> Array:
        return np.concatenate([np.asarray(tree[name], dtype) for tree in trees])

    nodes = joined([t["left_children"] for t in trees], [t["right_children"] for t in trees])
    leaf = nodes.left < 0
    categorical = ~leaf & of_nodes("split_type", bool)
    missing_left = ~leaf & of_nodes("default_left", bool)
    condition = of_nodes("split_conditions", np.float32)
    # XGBoost goes left where x < condition, in float32.
    below = np.nextafter(condition, np.float32(-np.inf))
    weight = np.repeat(weights, [len(tree["left_children"]) for tree in trees])
    also_missing = _also_missing(estimator, bool(categorical.any()))
    # Trained without missing values, all nodes with a threshold send them to the same side.
    side = missing_left[~leaf & ~categorical] != (estimator.get_params()["tree_method"] == "exact")
    return Boosted(
        source=type(estimator).__name__,
        n_features=int(learner["learner_model_param"]["num_feature"]),
        nodes=nodes,
        feature=np.where(leaf, 0, of_nodes("split_indices", np.int32)).astype(np.int32),
        threshold=np.where(leaf | categorical, 0.0, below.astype(np.float64)),
        missing_left=missing_left,
        also_missing=also_missing,
        categories=_categories(trees, nodes.roots, categorical),
        value=np.where(leaf, condition * weight, 0.0)[:, None],
        column=columns,
        base=_base(type(estimator).__name__, learner, link, classes),
        link=link,
        factor=1.0,
        threshold_included=False,
        classes=classes,
        sums_float32=True,
        missing=bool(side.any()) or also_missing is not None,
    )


def _answer(estimator: Any, learner: dict[str, Any]) -> tuple[Link, Array | None]:
    """The link, and a classifier's classes."""
    source = type(estimator).__name__
    booster = learner["gradient_booster"]["name"]
    if booster not in ("gbtree", "dart"):
        raise UnsupportedError(
            f"{source}: booster={booster!r} has no trees; use booster='gbtree' or a linear model"
        )
    if int(learner["learner_model_param"]["num_target"]) > 1:
        raise UnsupportedError(f"{source} predicts several numbers at once; fit one estimator for each")
    objective = learner["objective"]["name"]
    link = _LINKS.get(objective)
    n_classes = getattr(estimator, "n_classes_", None)
    if n_classes is None:
        expected, instead = set(_LINKS.values()) - {"softmax"}, "'reg:squarederror'"
    elif n_classes == 2:
        expected, instead = {"logistic"}, "'binary:logistic'"
    else:
        expected, instead = {"softmax"}, "'multi:softprob' and more than one class"
    if link is None or link not in expected:
        raise UnsupportedError(f"{source}: objective={objective!r} cannot be ported; use {instead}")
    return link, None if n_classes is None else np.asarray(estimator.classes_)


def _used(
    estimator: Any, booster: dict[str, Any]
) -> tuple[list[Any], NDArray[np.float64], NDArray[np.int64]]:
    """The trees that `predict` uses, and of each its weight and the raw score that it adds to."""
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    n_trees = len(model["trees"])
    # Early stopping; raises AttributeError where there was none.
    best = getattr(estimator, "best_iteration", None)
    if best is not None:
        n_trees = model["iteration_indptr"][best + 1]
    if not n_trees:
        raise UnsupportedError(f"{type(estimator).__name__} has no trees; fit with n_estimators=1 or more")
    # Trees that were dropped while others grew have weights: of "dart", from 3.4 on of the model.
    weights = booster.get("weight_drop", model.get("weight_drop")) or np.ones(n_trees)
    columns = np.array(model["tree_info"][:n_trees], np.int64)
    # Parallel trees of one score lie side by side; in rounds of one for each score they can be told apart by
    # counting.
    by_score = np.argsort(columns, kind="stable")
    places = np.empty(n_trees, np.int64)
    places[by_score] = np.arange(n_trees) - np.searchsorted(columns[by_score], columns[by_score])
    order = np.lexsort((columns, places))
    trees = [model["trees"][t] for t in order.tolist()]
    return trees, np.array(weights[:n_trees], np.float64)[order], columns[order]


def _base(source: str, learner: dict[str, Any], link: Link, classes: Array | None) -> NDArray[np.float64]:
    """Raw scores before the first tree; `base_score` is an answer, from 3.1 on one for each class."""
    scores = np.atleast_1d(json.loads(learner["learner_model_param"]["base_score"])).astype(np.float32)
    if link == "exp":
        scores = np.log(scores)
    if link == "logistic":
        if scores[0] < _EPSILON or scores[0] > 1 - _EPSILON:
            raise UnsupportedError(
                f"{source}: base_score={scores[0]} cannot be ported; use one between 1e-6 and 1 - 1e-6"
            )
        scores = -np.log(1 / scores - 1)  # in float32 as XGBoost does: close to 1 that differs
    n_columns = len(classes) if link == "softmax" and classes is not None else 1
    return np.broadcast_to(scores, n_columns).astype(np.float64)


def _also_missing(estimator: Any, categorical: bool) -> tuple[float, float] | None:
    """The number that counts as missing by the parameter of that name."""
    if estimator.missing is None or np.isnan(estimator.missing):
        return None
    if categorical:
        raise UnsupportedError(
            f"{type(estimator).__name__}: missing={estimator.missing} cannot be ported with categorical "
            "features; fit with missing=numpy.nan and NaN in its place"
        )
    number = float(np.float32(estimator.missing))
    return number, number


def _categories(
    trees: list[Any], roots: NDArray[np.int64], categorical: NDArray[np.bool_]
) -> Categories | None:
    """Sets of categories that go right; all others go left."""
    if not categorical.any():
        return None
    known: list[frozenset[int] | None] = [None] * len(categorical)
    for root, tree in zip(roots.tolist(), trees, strict=True):
        parts = (tree[f"categories_{part}"] for part in ("nodes", "segments", "sizes"))
        for node, first, size in zip(*parts, strict=True):
            known[root + node] = frozenset(tree["categories"][first : first + size])
    left = [None if right is None else frozenset[int]() for right in known]
    return Categories(left, categorical, known, "floor", codes=True)
