"""CatBoost: CatBoostClassifier, CatBoostRegressor and CatBoostRanker, on numbers only.

The model is read from the JSON that CatBoost saves. Its trees are symmetric unless another `grow_policy` was
asked for: all nodes of a level make the same test.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.models._boosted import Array, Boosted, Link
from micromlgen.models._nodes import joined

#: By loss, of classifiers and of regressors; other regressors predict raw scores, as rankers do.
_CLASSIFIERS: dict[str, Link] = {
    **dict.fromkeys(["Logloss", "CrossEntropy", "Focal"], "logistic"),
    "MultiClass": "softmax",
    "MultiClassOneVsAll": "one-vs-rest",
}
_EXPONENTIAL = {"Poisson", "Tweedie"}


class _Tree(NamedTuple):
    """Children by node id (-1 at leaves); feature and border of inner nodes; leaf values (n_nodes, width)."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int32]
    border: NDArray[np.float64]
    value: NDArray[np.float64]


def from_catboost(estimator: Any) -> Boosted:
    """What a fitted estimator of CatBoost's scikit-learn interface has learnt.

    Raises
    ------
    UnsupportedError
        If features are categories, text or embeddings, several numbers are predicted, the loss has no link
        here, or another probability than one half separates the classes.
    """
    _check_features(estimator)
    saved = _saved(estimator)
    scale, bias = saved["scale_and_bias"]
    base = np.atleast_1d(np.asarray(bias, np.float64))
    link, classes = _answer(estimator, saved["model_info"], len(base))
    if "oblivious_trees" in saved:
        trees = [_symmetric(tree, len(base)) for tree in saved["oblivious_trees"]]
    else:
        trees = [_nested(tree, len(base)) for tree in saved["trees"]]
    floats = saved["features_info"]["float_features"]
    n_features = len(estimator.feature_names_)
    missing_right = np.zeros(n_features, bool)
    missing_right[[f["feature_index"] for f in floats if f["nan_value_treatment"] == "AsTrue"]] = True
    nodes = joined([tree.left for tree in trees], [tree.right for tree in trees])
    feature = np.concatenate([tree.feature for tree in trees])
    inner = nodes.left >= 0
    return Boosted(
        source=type(estimator).__name__,
        n_features=n_features,
        nodes=nodes,
        feature=feature,
        # CatBoost goes right where x > border.
        threshold=np.concatenate([tree.border for tree in trees]),
        missing_left=inner & ~missing_right[feature],
        also_missing=None,
        categories=None,
        value=scale * np.concatenate([tree.value for tree in trees]),
        column=np.zeros(len(trees), np.int64),
        base=base,
        link=link,
        factor=1.0,
        threshold_included=False,
        classes=classes,
        missing=any(f["has_nans"] for f in floats),
    )


def _check_features(estimator: Any) -> None:
    kinds = {
        "categorical": estimator.get_cat_feature_indices(),
        "text": estimator.get_text_feature_indices(),
        "embedding": estimator.get_embedding_feature_indices(),
    }
    for kind, columns in kinds.items():
        if columns:
            raise UnsupportedError(
                f"{type(estimator).__name__}: {kind} features {columns} cannot be ported; encode them as "
                "numbers before fitting"
            )


def _saved(estimator: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        estimator.save_model(str(path), format="json")
        return dict(json.loads(path.read_text(encoding="utf-8")))


def _answer(estimator: Any, info: dict[str, Any], n_columns: int) -> tuple[Link, Array | None]:
    """The link, and a classifier's classes."""
    source = type(estimator).__name__
    loss = info["params"]["loss_function"]["type"]
    labels = np.asarray(estimator.classes_)
    if not len(labels):
        if n_columns > 1:
            raise UnsupportedError(
                f"{source}: loss_function={loss!r} predicts {n_columns} numbers; fit one estimator for each"
            )
        return "exp" if loss in _EXPONENTIAL else "identity", None
    link = _CLASSIFIERS.get(loss)
    if link is None or len(labels) < 2:
        raise UnsupportedError(
            f"{source}: loss_function={loss!r} on {len(labels)} classes cannot be ported; use 'Logloss' or "
            "'MultiClass' on two or more"
        )
    threshold = info.get("binclass_probability_threshold")
    if threshold is not None:
        raise UnsupportedError(
            f"{source}: a probability threshold of {threshold} cannot be ported; call "
            "set_probability_threshold(None), and compare the probability in the sketch"
        )
    return link, labels


def _symmetric(tree: dict[str, Any], width: int) -> _Tree:
    """A complete binary tree, level by level: the last split is the root's, leaves count in binary."""
    splits = (tree["splits"] or [])[::-1]
    n_inner, n_leaves = (1 << len(splits)) - 1, 1 << len(splits)
    ids = np.arange(n_inner)
    no_child, nothing = np.full(n_leaves, -1), np.zeros(n_leaves)
    per_level = 1 << np.arange(len(splits))
    feature = np.repeat([split["float_feature_index"] for split in splits], per_level)
    border = np.repeat([split["border"] for split in splits], per_level)
    leaves = np.reshape(tree["leaf_values"], (n_leaves, width))
    return _Tree(
        left=np.append(2 * ids + 1, no_child),
        right=np.append(2 * ids + 2, no_child),
        feature=np.append(feature, nothing).astype(np.int32),
        border=np.append(border, nothing),
        value=np.concatenate([np.zeros((n_inner, width)), leaves]),
    )


def _nested(tree: dict[str, Any], width: int) -> _Tree:
    """A tree of nodes in nodes."""
    left: list[int] = []
    right: list[int] = []
    feature: list[int] = []
    border: list[float] = []
    value: list[Any] = []
    todo: list[tuple[dict[str, Any], list[int], int]] = [(tree, [0], 0)]
    while todo:
        node, children, parent = todo.pop()
        children[parent] = at = len(left)
        split = node.get("split")
        left.append(-1)
        right.append(-1)
        feature.append(split["float_feature_index"] if split else 0)
        border.append(split["border"] if split else 0.0)
        value.append(np.zeros(width) if split else np.reshape(node["value"], width))
        if split:
            todo += [(node["right"], right, at), (node["left"], left, at)]
    return _Tree(
        np.array(left), np.array(right), np.array(feature, np.int32), np.array(border), np.stack(value)
    )
