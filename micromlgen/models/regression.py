"""Regressors whose answer is a product with the features, or the exponential of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts, model_of
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Model, Regressor
from micromlgen.models import _links
from micromlgen.models._coefficients import is_logarithmic, projection_of
from micromlgen.models._linear import BOUND, OnProducts, coefficients, common
from micromlgen.models._matrix import Matrix
from micromlgen.models._widths import Width

Array = NDArray[Any]
_OF_CONSTANT = 0.1


@dataclass(frozen=True, eq=False)
class LinearRegressor(OnProducts, Regressor):
    """Scores are the answer."""

    def _scaled(self, inputs: Input, width: Width, rows: Array | None) -> Matrix:
        return self.matrix.scaled(inputs, width, rows=rows, by_row=True)

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            return super().quantize(inputs, by)
        assert by.rows is not None, "integer modes of linear models need calibration rows"
        spanning = self._spanning(self.matrix.scores(inputs.scaled(by.rows)))
        return super(LinearRegressor, spanning).quantize(inputs, by)

    def _spanning(self, scores: Array) -> Self:
        """The model that knows the scores on the calibration rows."""
        low, high = scores.min(axis=0), scores.max(axis=0)
        # Of a number that is always the same, a share is what errors are relative to.
        high = np.where(high - low > 1e-9 * np.abs(high), high, low + _OF_CONSTANT * np.abs(low))
        return replace(self, span=np.stack([low, high], axis=1))

    def predict(self, Q: Array) -> Array:
        with np.errstate(over="ignore"):
            scores = self.scores(Q).astype(self.output_dtype)
        return scores[:, 0] if self.n_outputs == 1 else scores

    @property
    def output_scale(self) -> float:
        return self.matrix.unit

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return BOUND * self.matrix.magnitude(X)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["numbers are sums of integers that provably stay in 32 bits"]
        return [f"numbers are within {BOUND:g} of what they add up"]


@dataclass(frozen=True, eq=False)
class LogRegressor(LinearRegressor):
    """The answer is the exponential of a score.

    Integer modes give it in units of ``2**-30`` of the largest, where it saturates: what they compute of the
    score is 0 there, and negative below.
    """

    #: Score of the largest answer of integer modes.
    ceiling: float = 0.0

    def _spanning(self, scores: Array) -> Self:
        ceiling = _links.ceiling(scores, self.source)
        return replace(self, span=np.exp([[scores.min(), scores.max()]]), ceiling=ceiling)

    def _scaled(self, inputs: Input, width: Width, rows: Array | None) -> Matrix:
        return replace(self.matrix, bias=self.matrix.bias - self.ceiling).scaled(inputs, width, rows=rows)

    @property
    def exponential(self) -> Exponential | None:
        """Of integer scores."""
        return fixedpoint.exponential(self.matrix.unit) if self.input.is_integer else None

    def predict(self, Q: Array) -> Array:
        scores, scale = self.scores(Q)[:, 0], self.exponential
        if scale is not None:
            return fixedpoint.exp_neg(np.maximum(-scores, 0), scale).astype(np.int32)
        return _links.exponential(scores).astype(np.float32)

    @property
    def output_scale(self) -> float:
        return float(np.exp(self.ceiling)) / fixedpoint.EXP_ONE

    def rounding(self, Q: Array) -> Array | None:
        scores = super().rounding(Q)
        return None if scores is None else _links.exponential_off(self.scores(Q), scores)

    def moves(self, Q: Array, by: Array) -> Array:
        return _links.exponential_off(self.scores(Q), super().moves(Q, by))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return _links.exponential_tolerance(self.scores(X), super().tolerance(X))

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return [f"answers saturate at {np.exp(self.ceiling):.4g}"]
        return [f"the logarithm of the answer is within {BOUND:g} of what it adds up"]


def _regressor(estimator: Any, matrix: Matrix) -> LinearRegressor:
    return LinearRegressor(**common(estimator, matrix), span=np.zeros((len(matrix.bias), 2)))


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
    return _regressor(estimator, coefficients(estimator))


@converts(
    "sklearn.cross_decomposition.CCA",
    "sklearn.cross_decomposition.PLSCanonical",
    "sklearn.cross_decomposition.PLSRegression",
)
def latent(estimator: Any) -> LinearRegressor:
    """Convert a regression on latent variables."""
    return _regressor(estimator, projection_of(estimator))


@converts(
    "sklearn.linear_model.GammaRegressor",
    "sklearn.linear_model.PoissonRegressor",
    "sklearn.linear_model.TweedieRegressor",
)
def generalized(estimator: Any) -> LinearRegressor:
    """Convert a generalised linear model."""
    matrix = coefficients(estimator)
    if not is_logarithmic(estimator):
        return _regressor(estimator, matrix)
    return LogRegressor(**common(estimator, matrix), span=np.zeros((1, 2)))


@converts("sklearn.linear_model.RANSACRegressor")
def consensus(estimator: Any) -> Model:
    """Convert the regressor that was fitted on the inliers."""
    return model_of(estimator.estimator_)
