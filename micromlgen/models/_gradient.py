"""scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor

from micromlgen.errors import UnsupportedError
from micromlgen.models._boosted import Array, Boosted, Link
from micromlgen.models._nodes import nodes_of, of_nodes

#: DummyClassifier's strategies of which every row gets the same probabilities.
_CONSTANT = {"prior", "most_frequent", "uniform", "constant"}


def from_gradient_boosting(estimator: Any) -> Boosted:
    """What a fitted GradientBoostingClassifier or GradientBoostingRegressor has learnt.

    Raises
    ------
    UnsupportedError
        If the raw scores do not start from constants.
    """
    stages, n_columns = estimator.estimators_.shape
    trees = [tree.tree_ for tree in estimator.estimators_.ravel()]

    nodes = nodes_of(trees)
    leaf = nodes.left < 0
    classes = estimator.classes_ if is_classifier(estimator) else None
    return Boosted(
        source=type(estimator).__name__,
        n_features=estimator.n_features_in_,
        nodes=nodes,
        feature=np.where(leaf, 0, of_nodes(trees, "feature")).astype(np.int32),
        threshold=np.where(leaf, 0.0, of_nodes(trees, "threshold")),
        missing_left=np.zeros(len(leaf), bool),  # its predict refuses NaN
        also_missing=None,
        categories=None,
        value=np.where(leaf, estimator.learning_rate * of_nodes(trees, "value")[:, 0, 0], 0.0)[:, None],
        column=np.tile(np.arange(n_columns), stages),
        base=_base(estimator),
        link=_link(classes, n_columns),
        # Exponential loss has half the log odds as raw score.
        factor=2.0 if estimator.loss == "exponential" else 1.0,
        threshold_included=True,
        classes=classes,
        missing=False,
    )


def _link(classes: Array | None, n_columns: int) -> Link:
    if classes is None:
        return "identity"
    return "logistic" if n_columns == 1 else "softmax"


def _base(estimator: Any) -> NDArray[np.float64]:
    """Raw scores that `init` gives to every row, shape (n_columns,)."""
    init = estimator.init_
    dummy = isinstance(init, DummyRegressor) or (
        isinstance(init, DummyClassifier) and init.strategy in _CONSTANT
    )
    if not (dummy or (isinstance(init, str) and init == "zero")):
        raise UnsupportedError(
            f"{type(estimator).__name__}: the predictions of init={init} depend on x and cannot be ported; "
            "fit with init=None, 'zero' or a dummy estimator whose predictions are constant"
        )
    row = np.zeros((1, estimator.n_features_in_), np.float32)
    return np.asarray(estimator._raw_predict_init(row)[0], np.float64)
