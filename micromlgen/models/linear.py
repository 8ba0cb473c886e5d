"""Every estimator whose answer is a product with its features, or the largest of several.

Linear classifiers and regressors; with them discriminants, naive Bayes of counts and clusters by their
centres, whose comparisons of distances or likelihoods come to the same. Scalers and projections before them
are multiplied into the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit
from scipy.special import softmax as exact_softmax

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.ir import (
    Calibration,
    Classifier,
    DecisionClassifier,
    Input,
    Layout,
    Model,
    ProbabilisticClassifier,
    Regressor,
)
from micromlgen.models._matrix import Matrix
from micromlgen.models._shares import PROBA_ONE, one_vs_rest, sigmoid, softmax, softmax_shift
from micromlgen.models._widths import Width, narrowest, widths

Array = NDArray[Any]
#: How probabilities follow from scores.
Link = Literal["softmax", "logistic", "one-vs-rest"]
#: The contract: relative to the magnitudes that a score adds up.
_BOUND = 1e-5
#: Measured with -Os on AVR, Cortex-M0+, Cortex-M4F and RV32: bytes of code, cycles of one product, by kernel.
_CODE = {"f32": (1100, 1400, 150, 1500), "i16": (250, 120, 160, 110), "i8": (200, 120, 200, 110)}
_PRODUCT = {"f32": (250, 120, 4, 120), "i16": (36, 6, 2, 6), "i8": (15, 6, 2, 6)}
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")


@dataclass(frozen=True, eq=False)
class _Linear(Model):
    matrix: Matrix

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            return replace(self, input=inputs, matrix=self.matrix.rounded())

        def build(width: Width) -> Any:
            return replace(self, input=inputs, matrix=self.matrix.scaled(inputs, width))

        return narrowest(self, inputs, by, build, widths(inputs))

    @property
    def kernel(self) -> str:
        """The kernel that multiplies."""
        narrow = self.input.dtype == "int16" and self.matrix.kernel == "i8"
        return "i16w8" if narrow else self.matrix.kernel

    @property
    def n_scores(self) -> int:
        """How many scores there are."""
        return len(self.matrix.bias)

    def behind(self, stage: Affine) -> Self:
        """The same model of what `stage` is given."""
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, matrix=self.matrix.behind(stage))

    def scores(self, Q: Array) -> Array:
        """Scores of encoded rows, shape (n, n_scores)."""
        return self.matrix.scores(Q)

    def rounding(self, Q: Array) -> Array | None:
        return self.matrix.rounding(Q)

    def boundaries(self) -> Sequence[Array]:
        top = self.input.highest if self.input.is_integer else 1000.0
        values = np.array([-top, -1, 0, 1, top], self.input.dtype)
        return [values] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        tables = [*self.matrix.tables, self.matrix.bias]
        size = sum(t.nbytes for t in tables)
        return [
            Layout(
                name="rows",
                flash={c: size + _CODE[self.matrix.kernel][k] for k, c in enumerate(_CORES)},
                cycles={
                    c: self.matrix.weights.size * _PRODUCT[self.matrix.kernel][k]
                    for k, c in enumerate(_CORES)
                },
                build=dict,
                tables=[t.nbytes for t in tables],
            )
        ]


@dataclass(frozen=True, eq=False)
class LinearClassifier(_Linear, Classifier):
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
        rows = X.astype(np.float64)
        gap = self._gap(self._own(estimator, rows))
        return np.asarray(gap <= _BOUND * self.matrix.magnitude(rows).max(axis=1))[:, None]

    def _own(self, estimator: Any, X: Array) -> Array:
        """The estimator's own scores, shape (n, n_scores), where it tells them; else the twin's."""
        if not hasattr(estimator, "decision_function"):
            return self.scores(X)
        scores = np.asarray(estimator.decision_function(X))
        return scores[:, None] if scores.ndim == 1 else scores

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["scores are sums of integers that provably stay in 32 bits; the largest decides"]
        return [
            f"the class is scikit-learn's where its two best scores differ by {_BOUND:g} of what they add up"
        ]


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

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def exponential(self) -> Exponential | None:
        """Of the differences of integer scores."""
        return fixedpoint.exponential(self.matrix.unit) if self.input.is_integer else None

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_scores)

    def predict_proba(self, Q: Array) -> Array:
        scores, scale = self.scores(Q), self.exponential
        if scale is None:
            return _probabilities(scores, self.link).astype(np.float32)
        if self.link == "softmax" and self.n_scores > 1:
            return softmax(scores, scale, True)
        if self.n_scores == 1:
            return np.concatenate(sigmoid(scores, scale, True), axis=1)
        return one_vs_rest(scores, scale)

    def proba_rounding(self, Q: Array) -> Array | None:
        rounding = self.rounding(Q)
        return None if rounding is None else 3e-6 + 2 * rounding.max(axis=1, keepdims=True)


def _probabilities(scores: Array, link: Link) -> Array:
    """Of float64 scores, shape (n, n_classes)."""
    if scores.shape[1] == 1:
        return np.concatenate([expit(-scores), expit(scores)], axis=1)
    if link == "softmax":
        return np.asarray(exact_softmax(scores, axis=1))
    logs = log_expit(scores)
    return np.asarray(exact_softmax(logs, axis=1))


@dataclass(frozen=True, eq=False)
class LogisticClassifier(LinearDecision, LinearProbabilities):
    """A linear classifier with probabilities and a `decision_function`."""


@dataclass(frozen=True, eq=False)
class LinearRegressor(_Linear, Regressor):
    """Scores are the answer."""

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        model = super().quantize(inputs, by)
        if not inputs.is_integer:
            return model
        assert by.rows is not None, "integer modes of linear models need calibration rows"
        y = self.matrix.scores(inputs.scaled(by.rows))
        return replace(model, span=np.stack([y.min(axis=0), y.max(axis=0)], axis=1))

    def predict(self, Q: Array) -> Array:
        scores = self.scores(Q).astype(self.output_dtype)
        return scores[:, 0] if self.n_outputs == 1 else scores

    @property
    def output_scale(self) -> float:
        return self.matrix.unit

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return _BOUND * self.matrix.magnitude(X)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["numbers are sums of integers that provably stay in 32 bits"]
        return [f"numbers are within {_BOUND:g} of what they add up"]


def _classes(estimator: Any) -> Array:
    """`classes_` of a classifier with one output.

    Raises
    ------
    UnsupportedError
        If there are several outputs.
    """
    if isinstance(estimator.classes_, list) or (
        getattr(estimator, "_label_binarizer", None) is not None
        and (estimator._label_binarizer.y_type_.startswith("multilabel"))
    ):
        raise UnsupportedError(
            f"{type(estimator).__name__} with several outputs cannot be ported; use MultiOutputClassifier"
        )
    return np.asarray(estimator.classes_)


def _matrix(estimator: Any, coef: Any, intercept: Any) -> Matrix:
    """Weights of an estimator; of two rows only the difference decides."""
    weights = np.atleast_2d(coef.toarray() if hasattr(coef, "toarray") else np.asarray(coef, np.float64))
    bias = np.broadcast_to(np.asarray(intercept, np.float64), len(weights)).copy()
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise UnsupportedError(f"{type(estimator).__name__} has weights that are not finite; fit it again")
    return Matrix(weights.astype(np.float64), bias)


def _difference(matrix: Matrix) -> Matrix:
    """One score for two."""
    if len(matrix.bias) != 2:
        return matrix
    return Matrix(np.diff(matrix.weights, axis=0), np.diff(matrix.bias))


def _common(estimator: Any, n_features: int) -> dict[str, Any]:
    return {"source": type(estimator).__name__, "input": Input(n_features)}


def _decision(estimator: Any) -> LinearDecision:
    matrix = _matrix(estimator, estimator.coef_, estimator.intercept_)
    n = matrix.weights.shape[1]
    return LinearDecision(**_common(estimator, n), classes=(_classes(estimator),), matrix=matrix)


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


@converts(
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
    "sklearn.linear_model.LogisticRegression",
    "sklearn.linear_model.LogisticRegressionCV",
)
def logistic(estimator: Any) -> LogisticClassifier:
    """Convert a classifier with probabilities."""
    matrix = _matrix(estimator, estimator.coef_, estimator.intercept_)
    return LogisticClassifier(
        **_common(estimator, matrix.weights.shape[1]),
        classes=(_classes(estimator),),
        matrix=matrix,
        link=_link(estimator),
    )


def _link(estimator: Any) -> Link:
    """Until scikit-learn 1.8, logistic regression may set each class against the rest."""
    several = len(estimator.classes_) > 2
    kind = getattr(estimator, "multi_class", "auto")
    solver = getattr(estimator, "solver", None)
    rest = kind == "ovr" or (kind in ("auto", "deprecated") and (not several or solver == "liblinear"))
    return "one-vs-rest" if rest and several else "logistic" if rest else "softmax"


@converts("sklearn.linear_model.SGDClassifier")
def sgd(estimator: Any) -> LinearDecision:
    """Convert a classifier by stochastic gradient descent: the logarithmic loss has probabilities."""
    if estimator.loss != "log_loss":
        return _decision(estimator)
    matrix = _matrix(estimator, estimator.coef_, estimator.intercept_)
    link: Link = "one-vs-rest" if len(estimator.classes_) > 2 else "logistic"
    return LogisticClassifier(
        **_common(estimator, matrix.weights.shape[1]),
        classes=(_classes(estimator),),
        matrix=matrix,
        link=link,
    )


@converts("sklearn.naive_bayes.MultinomialNB", "sklearn.naive_bayes.ComplementNB")
def counts(estimator: Any) -> LinearProbabilities:
    """Convert naive Bayes of counts: log likelihoods are products with the counts."""
    alone = len(estimator.classes_) == 1
    prior = estimator.class_log_prior_ if type(estimator).__name__ == "MultinomialNB" or alone else 0.0
    matrix = _difference(_matrix(estimator, estimator.feature_log_prob_, prior))
    return LinearProbabilities(
        **_common(estimator, matrix.weights.shape[1]),
        classes=(estimator.classes_,),
        matrix=matrix,
        link="softmax",
    )


@converts("sklearn.cluster.KMeans", "sklearn.cluster.MiniBatchKMeans")
def clusters(estimator: Any) -> LinearClassifier:
    """Convert clusters: the nearest centre has the largest ``center @ x - |center|**2 / 2``."""
    centers = np.asarray(estimator.cluster_centers_, np.float64)
    # Around their middle the squares are smallest, and lose least to rounding.
    middle = centers.mean(axis=0)
    near = centers - middle
    matrix = _difference(_matrix(estimator, near, -(near @ middle) - (near**2).sum(axis=1) / 2))
    return LinearClassifier(
        **_common(estimator, centers.shape[1]), classes=(np.arange(len(centers)),), matrix=matrix
    )


@converts(
    "sklearn.linear_model.ARDRegression",
    "sklearn.linear_model.BayesianRidge",
    "sklearn.linear_model.ElasticNet",
    "sklearn.linear_model.ElasticNetCV",
    "sklearn.linear_model.HuberRegressor",
    "sklearn.linear_model.Lars",
    "sklearn.linear_model.LarsCV",
    "sklearn.linear_model.Lasso",
    "sklearn.linear_model.LassoCV",
    "sklearn.linear_model.LassoLars",
    "sklearn.linear_model.LassoLarsCV",
    "sklearn.linear_model.LassoLarsIC",
    "sklearn.linear_model.LinearRegression",
    "sklearn.linear_model.MultiTaskElasticNet",
    "sklearn.linear_model.MultiTaskElasticNetCV",
    "sklearn.linear_model.MultiTaskLasso",
    "sklearn.linear_model.MultiTaskLassoCV",
    "sklearn.linear_model.OrthogonalMatchingPursuit",
    "sklearn.linear_model.OrthogonalMatchingPursuitCV",
    "sklearn.linear_model.PassiveAggressiveRegressor",
    "sklearn.linear_model.QuantileRegressor",
    "sklearn.linear_model.Ridge",
    "sklearn.linear_model.RidgeCV",
    "sklearn.linear_model.SGDRegressor",
    "sklearn.linear_model.TheilSenRegressor",
    "sklearn.svm.LinearSVR",
)
def regressor(estimator: Any) -> LinearRegressor:
    """Convert a regressor."""
    matrix = _matrix(estimator, estimator.coef_, estimator.intercept_)
    return LinearRegressor(
        **_common(estimator, matrix.weights.shape[1]), span=np.zeros((len(matrix.bias), 2)), matrix=matrix
    )
