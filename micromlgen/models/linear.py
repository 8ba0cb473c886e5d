"""Classifiers whose answer is the largest of several products with the features.

With linear classifiers come discriminants, naive Bayes of counts and clusters by their centres, whose
comparisons of distances or likelihoods come to the same. Scalers and projections before them are multiplied
into the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Input
from micromlgen.ir import Classifier, DecisionClassifier, Detector, ProbabilisticClassifier
from micromlgen.models import _links
from micromlgen.models._coefficients import centers_of, classes_of, difference, logistic_link, matrix_of
from micromlgen.models._linear import BOUND, OnProducts, coefficients, common
from micromlgen.models._links import Link
from micromlgen.models._matrix import Matrix
from micromlgen.models._members import last_step
from micromlgen.models._shares import PROBA_ONE, clipped_shift, softmax_shift
from micromlgen.models._widths import Width

Array = NDArray[Any]
#: Smallest unit of scores that are powers of two.
_FINEST = 2.0**-30


@dataclass(frozen=True, eq=False)
class LinearClassifier(OnProducts, Classifier):
    """The sign of one score decides between two classes, the largest of several among more."""

    def predict(self, Q: Array) -> Array:
        scores = self.scores(Q)
        if self.n_scores == 1:
            return (scores[:, 0] > 0).astype(np.int32)
        return np.asarray(scores.argmax(axis=1), np.int32)

    def _gap(self, scores: Array) -> Array:
        """How far each row is from another class, shape (n,)."""
        if self.n_scores == 1:
            return np.asarray(np.abs(scores[:, 0]))
        best = np.sort(scores, axis=1)
        return np.asarray(best[:, -1] - best[:, -2])

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        rounding = self.rounding(Q)
        if rounding is None:
            return super().unsure(Q)
        return np.asarray(self._gap(self.scores(Q)) <= 2 * rounding.max(axis=1))[:, None]

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:  # which promise no more than their agreement
            return super().undecided(estimator, X)
        rows = X.astype(np.float64)
        own = np.asarray(self._own(estimator, X))
        gap = self._gap(own[:, None] if own.ndim == 1 else own)
        return np.asarray(gap <= BOUND * self.matrix.magnitude(rows).max(axis=1))[:, None]

    def _own(self, estimator: Any, X: Array) -> Array:
        """The estimator's own scores, shape (n, n_scores) or (n,)."""
        return np.asarray(estimator.decision_function(X))

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["scores are sums of integers that provably stay in 32 bits; the largest decides"]
        return [
            f"the class is scikit-learn's where its two best scores differ by {BOUND:g} of what they add up"
        ]


@dataclass(frozen=True, eq=False)
class Clusters(LinearClassifier):
    """The nearest of several centres."""

    def _own(self, estimator: Any, X: Array) -> Array:
        own, rows = last_step(estimator, X)
        apart = rows[:, None, :] - own.cluster_centers_[None, :, :]
        near = -(apart**2).sum(axis=2) / 2
        return near if near.shape[1] > 2 else np.diff(near, axis=1)


@dataclass(frozen=True, eq=False)
class Sefr(LinearClassifier):
    """The package sefr's classifier, which micromlgen 1.x ported: a weighted sum against a bias."""

    def _own(self, estimator: Any, X: Array) -> Array:
        return np.asarray(X @ estimator.weights - estimator.bias)


@dataclass(frozen=True, eq=False)
class LinearDecision(LinearClassifier, DecisionClassifier):
    """A linear classifier whose scores are its `decision_function`."""

    @property
    def n_decisions(self) -> int:
        return self.n_scores

    @property
    def decision_scale(self) -> float:
        return self.matrix.unit

    def decision_function(self, Q: Array) -> Array:
        return np.asarray(self.scores(Q), np.int32 if self.input.is_integer else np.float32)


@dataclass(frozen=True, eq=False)
class LinearProbabilities(LinearClassifier, ProbabilisticClassifier):
    """A linear classifier with probabilities."""

    link: Link

    def _scaled(self, inputs: Input, width: Width, rows: Array | None) -> Matrix:
        if self.link != "clipped":
            return super()._scaled(inputs, width, rows)
        return self.matrix.scaled(inputs, width, rows=rows, finest=_FINEST, whole=True)

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def exponential(self) -> Exponential | None:
        """Of the differences of integer scores."""
        unit = self.matrix.unit * _links.factor(self.link, self.n_scores)
        return fixedpoint.exponential(unit) if self.input.is_integer else None

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_scores)

    @property
    def one(self) -> int:
        """A score of one, in integer modes."""
        return _links.one_of(self.matrix.unit)

    @property
    def clipped_shift(self) -> int:
        """By so many bits clipped scores are shifted right, so that their sum stays in 32 bits."""
        return clipped_shift(self.one)

    def predict_proba(self, Q: Array) -> Array:
        scores = self.scores(Q)
        if self.input.is_integer:
            return _links.integer_probabilities(scores, self.link, self.matrix.unit)
        return _links.probabilities(scores, self.link).astype(np.float32)

    def proba_rounding(self, Q: Array) -> Array | None:
        rounding = self.rounding(Q)
        return None if rounding is None else _links.off(self.scores(Q), rounding, self.link)


@dataclass(frozen=True, eq=False)
class Counts(LinearProbabilities):
    """Naive Bayes, whose scores are joint log probabilities, or the difference of two."""

    def _own(self, estimator: Any, X: Array) -> Array:
        logs = np.asarray(estimator.predict_log_proba(X))
        return logs if logs.shape[1] > 2 else np.diff(logs, axis=1)


@dataclass(frozen=True, eq=False)
class LogisticClassifier(LinearDecision, LinearProbabilities):
    """A linear classifier with probabilities and a `decision_function`."""


@dataclass(frozen=True, eq=False)
class LinearDetector(OnProducts, Detector):
    """A score that is at least `offset` is that of an inlier."""

    def _scaled(self, inputs: Input, width: Width, rows: Array | None) -> Matrix:
        # The bias makes room for the offset, with which the score is compared.
        own = self.matrix.bias
        room = np.abs(own) + abs(self.offset)
        made = replace(self.matrix, bias=room).scaled(inputs, width, rows=rows, finest=_FINEST, whole=True)
        return replace(made, bias=made.bias + np.rint((own - room) / made.unit).astype(np.int32))

    @property
    def score_one(self) -> int:
        return round(1.0 / self.matrix.unit)

    @property
    def cut(self) -> Any:
        """The lowest score of an inlier: int32 or float32."""
        if self.input.is_integer:
            return np.int32(round(self.offset * self.score_one))
        return np.float32(self.offset)

    def score(self, Q: Array) -> Array:
        return np.asarray(self.scores(Q)[:, 0], self.output_dtype)

    def predict(self, Q: Array) -> Array:
        return np.where(self.scores(Q)[:, 0] >= self.cut, 1, -1).astype(np.int16)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        rounding = self.rounding(Q)
        if rounding is None:
            return super().unsure(Q)
        return np.asarray(np.abs(self.scores(Q) - self.cut) <= rounding)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:
            return super().undecided(estimator, X)
        magnitude = self.matrix.magnitude(X) + abs(self.offset)
        return np.asarray(np.abs(estimator.decision_function(X))[:, None] <= BOUND * magnitude)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["scores are sums of integers that provably stay in 32 bits"]
        return [f"right where the score differs from the offset by {BOUND:g} of what it adds up"]


@converts(
    "sklearn.linear_model.Perceptron",
    "sklearn.linear_model.PassiveAggressiveClassifier",
    "sklearn.linear_model.RidgeClassifier",
    "sklearn.linear_model.RidgeClassifierCV",
    "sklearn.svm.LinearSVC",
)
def decision(estimator: Any) -> LinearDecision:
    """Convert a classifier without probabilities."""
    return _decision(estimator)


def _decision(estimator: Any) -> LinearDecision:
    classes = classes_of(estimator)
    return LinearDecision(**common(estimator, coefficients(estimator)), classes=(classes,))


def _probabilistic(estimator: Any, link: Link) -> LogisticClassifier:
    classes = classes_of(estimator)
    return LogisticClassifier(**common(estimator, coefficients(estimator)), classes=(classes,), link=link)


@converts("sklearn.linear_model.LogisticRegression", "sklearn.linear_model.LogisticRegressionCV")
def logistic(estimator: Any) -> LogisticClassifier:
    """Convert logistic regression."""
    return _probabilistic(estimator, logistic_link(estimator, coefficients(estimator)))


@converts("sklearn.discriminant_analysis.LinearDiscriminantAnalysis")
def discriminant(estimator: Any) -> LogisticClassifier:
    """Convert a linear discriminant."""
    return _probabilistic(estimator, "softmax" if len(estimator.classes_) > 2 else "logistic")


@converts("sklearn.linear_model.SGDClassifier")
def sgd(estimator: Any) -> LinearDecision:
    """Convert a classifier by stochastic gradient descent: two of its losses have probabilities."""
    if estimator.loss == "modified_huber":
        return _probabilistic(estimator, "clipped")
    if estimator.loss == "log_loss":
        return _probabilistic(estimator, "one-vs-rest" if len(estimator.classes_) > 2 else "logistic")
    return _decision(estimator)


@converts("sklearn.naive_bayes.MultinomialNB", "sklearn.naive_bayes.ComplementNB")
def counts(estimator: Any) -> Counts:
    """Convert naive Bayes of counts: log likelihoods are products with the counts."""
    classes = classes_of(estimator)
    prior = estimator.class_log_prior_ if type(estimator).__name__ == "MultinomialNB" else 0.0
    matrix = difference(matrix_of(estimator, estimator.feature_log_prob_, prior))
    link: Link = "softmax" if len(classes) > 2 else "logistic"
    return Counts(**common(estimator, matrix), classes=(classes,), link=link)


@converts(
    "sklearn.cluster.AffinityPropagation",
    "sklearn.cluster.KMeans",
    "sklearn.cluster.MeanShift",
    "sklearn.cluster.MiniBatchKMeans",
)
def clusters(estimator: Any) -> Clusters:
    """Convert clusters.

    Raises
    ------
    UnsupportedError
        If there are fewer than two.
    """
    if not hasattr(estimator, "n_clusters") and len(estimator.cluster_centers_) < 2:
        raise UnsupportedError(f"{type(estimator).__name__} found no two clusters; use other parameters")
    names = np.arange(len(estimator.cluster_centers_))
    return Clusters(**common(estimator, centers_of(estimator)), classes=(names,))


@converts("sklearn.linear_model.SGDOneClassSVM")
def one_class(estimator: Any) -> LinearDetector:
    """Convert a linear one-class SVM."""
    matrix = matrix_of(estimator, estimator.coef_, 0.0)
    return LinearDetector(**common(estimator, matrix), offset=float(np.ravel(estimator.offset_)[0]))


@converts("sefr.SEFR")
def sefr(estimator: Any) -> Sefr:
    """Convert SEFR, whose classes are 0 and 1."""
    if len(estimator.weights) == 0:
        raise UnsupportedError("SEFR is not fitted; call fit(X, y) first")
    matrix = matrix_of(estimator, estimator.weights, -estimator.bias)
    return Sefr(**common(estimator, matrix), classes=(np.arange(2),))
