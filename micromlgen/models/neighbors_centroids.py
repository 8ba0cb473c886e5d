"""NearestCentroid: the class whose centroid is nearest, or nearest less its prior."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Input
from micromlgen.ir import Classifier
from micromlgen.models._neighbors_convert import training_rows
from micromlgen.models._neighbors_model import BOUND, OnRows
from micromlgen.models._neighbors_rows import Rows

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class CentroidClassifier(OnRows, Classifier):
    """The nearest row is the class."""

    def predict(self, Q: Array) -> Array:
        return np.concatenate([found.index[:, 0] for _, found in self.found(Q)]).astype(np.int32)

    def rounding(self, Q: Array) -> Array | None:
        return None if self.rows.is_integer else np.zeros((len(Q), 1))

    def moves(self, Q: Array, by: Array) -> Array:
        return np.zeros((len(Q), 1))

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        if self.rows.is_integer:
            return super().unsure(Q)
        return np.concatenate([found.open.any(axis=1) for _, found in self.found(Q)])[:, None]

    def _on_a_border(self, estimator: Any, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        from sklearn.metrics import pairwise_distances  # which loads more than others need

        if self.rows.start is None:
            metric = self.rows.metric.name
            two = np.sort(pairwise_distances(X, estimator.centroids_, metric=metric), axis=1)[:, :2]
            return np.asarray(two[:, 1] - two[:, 0] <= self.margin(two[:, 1]))
        scores = estimator.decision_function(X)
        scores = np.stack([np.zeros(len(X)), scores], axis=1) if scores.ndim == 1 else scores
        best = np.sort(scores, axis=1)
        deviation = np.where(estimator.within_class_std_dev_ != 0, estimator.within_class_std_dev_, 1)
        far = pairwise_distances(X / deviation, estimator.centroids_ / deviation).max(axis=1) ** 2
        room = 2 * BOUND * (far + np.abs(self.rows.start).max()) + self.rows.metric.moved(far, 2 * self.lost)
        return np.asarray(best[:, -1] - best[:, -2] <= room)

    def neighbours(self) -> str:
        return f"the nearest of {len(self.rows.values)} centroids ({self.rows.metric.name})"


@converts("sklearn.neighbors.NearestCentroid")
def centroids(estimator: Any) -> CentroidClassifier:
    """Convert centroids, all alike or with priors."""
    rows = training_rows(estimator, estimator.centroids_)
    prior = getattr(estimator, "class_prior_", None)  # since scikit-learn 1.6
    n_classes = len(estimator.classes_)
    if prior is not None and not np.isclose(prior, 1 / n_classes).all():
        rows = _with_priors(estimator, rows, np.asarray(prior, np.float64))
    return CentroidClassifier(
        source=type(estimator).__name__,
        input=Input(rows.values.shape[1]),
        rows=rows,
        k=1,
        classes=(np.asarray(estimator.classes_),),
    )


def _with_priors(estimator: Any, rows: Rows, prior: NDArray[np.float64]) -> Rows:
    """Centroids as a discriminant compares them: by features over their deviation, less the priors.

    Hastie, Tibshirani and Friedman: The Elements of Statistical Learning, equation 18.2.
    """
    if rows.metric.p != 2:
        raise UnsupportedError(
            "NearestCentroid(metric='manhattan') with priors that differ cannot be ported; use "
            "metric='euclidean' or priors='uniform'"
        )
    if not prior.all():
        raise UnsupportedError("NearestCentroid with a prior of 0 cannot be ported; leave out that class")
    deviation = np.asarray(estimator.within_class_std_dev_, np.float64)
    weights = 1.0 / np.where(deviation != 0, deviation, 1.0) ** 2
    logs = -2.0 * np.log(prior)
    return replace(rows, metric=replace(rows.metric, weights=weights), start=logs - logs.min())
