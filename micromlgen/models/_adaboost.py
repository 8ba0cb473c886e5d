"""scikit-learn's AdaBoostClassifier over decision trees."""

from __future__ import annotations

from typing import Any

import numpy as np

from micromlgen.models._boosted import Boosted
from micromlgen.models._nodes import fitted_trees, nodes_of, of_nodes, trained_on_missing


def from_adaboost(estimator: Any) -> Boosted:
    """What a fitted AdaBoostClassifier has learnt: SAMME, and the SAMME.R of scikit-learn before 1.6.

    With K classes, SAMME gives a tree's weight to the class that the tree predicts, and takes its (K - 1)-th
    part from each other class; SAMME.R adds the logarithms of its class shares, less their mean.

    Raises
    ------
    UnsupportedError
        If it boosts anything but decision trees.
    """
    trees = fitted_trees(estimator)
    n_classes = len(estimator.classes_)
    weights = estimator.estimator_weights_[: len(trees)]
    total = weights.sum()
    real = getattr(estimator, "algorithm", "SAMME") == "SAMME.R"
    values, base = [], np.zeros(n_classes)
    for grown, weight in zip(estimator.estimators_, weights, strict=True):
        shares = grown.tree_.value[:, 0, :]
        present = np.searchsorted(estimator.classes_, grown.classes_)
        if real:
            shares = shares / shares.sum(axis=1, keepdims=True)
            logs = np.log(np.clip(shares, np.finfo(np.float64).eps, None))
            value = (n_classes - 1) * (logs - logs.mean(axis=1, keepdims=True)) / total
        else:
            # Weights to the winners alone; what the others lose is in the base.
            value = np.zeros((len(shares), n_classes))
            value[np.arange(len(shares)), present[shares.argmax(axis=1)]] = weight / total
            value *= n_classes / max(n_classes - 1, 1)
            base -= weight / total / max(n_classes - 1, 1)
        values.append(value)
    value = np.concatenate(values)

    nodes = nodes_of(trees)
    leaf = nodes.left < 0
    binary = n_classes == 2
    if binary:  # its decision is the difference of the two
        value, base = value[:, 1:] - value[:, :1], np.zeros(1)
    return Boosted(
        source=type(estimator).__name__,
        n_features=estimator.n_features_in_,
        nodes=nodes,
        feature=np.where(leaf, 0, of_nodes(trees, "feature")).astype(np.int32),
        threshold=np.where(leaf, 0.0, of_nodes(trees, "threshold")),
        missing_left=of_nodes(trees, "missing_go_to_left").astype(bool),
        also_missing=None,
        categories=None,
        value=np.where(leaf[:, None], value, 0.0),
        column=np.zeros(len(trees), np.int64),
        base=base,
        link="logistic" if binary else "softmax",
        factor=1.0 if binary else 1.0 / max(n_classes - 1, 1),
        threshold_included=False,
        classes=estimator.classes_,
        missing=trained_on_missing(trees),
    )
