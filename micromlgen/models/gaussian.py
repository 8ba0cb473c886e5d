"""Estimators that compare Gaussian densities, or tell whether one is high enough.

Densities are sums of squares (see `_gaussian.py`); the smallest sum wins. Where all have the same shape,
their squares of x are common to all, and a product with x decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.special import softmax as exact_softmax

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Input
from micromlgen.ir import DecisionClassifier, Detector, ProbabilisticClassifier, Scored
from micromlgen.models import _densities, _logsum
from micromlgen.models._gaussian import Densities
from micromlgen.models._matrix import ULP
from micromlgen.models._on_squares import BOUND, OnSquares
from micromlgen.models._shares import PROBA_ONE, softmax, softmax_shift

Array = NDArray[Any]
#: Most that exponentials, logarithms and shares of float32 are off.
_SHARES, _LOGS = 3e-6, 5e-6


@dataclass(frozen=True, eq=False)
class GaussianClassifier(OnSquares, ProbabilisticClassifier):
    """The class of the highest density."""

    def predict(self, Q: Array) -> Array:
        return np.asarray(self.scores(Q).argmax(axis=1), np.int32)

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def exponential(self) -> Exponential | None:
        """Of the differences of integer scores."""
        return fixedpoint.exponential(self.unit) if self.input.is_integer else None

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_densities)

    def predict_proba(self, Q: Array) -> Array:
        scores, scale = self.scores(Q), self.exponential
        if scale is not None:
            return softmax(scores, scale, True)
        return np.asarray(exact_softmax(scores, axis=1), np.float32)

    def _apart(self, Q: Array) -> tuple[Array, Array]:
        """Least that each score is below the largest, and most that each is off, both (n, n_densities)."""
        scores, off = self.scores(Q), self.rounding_each(Q)
        assert off is not None
        best = scores.argmax(axis=1)[:, None]
        gap = np.take_along_axis(scores, best, axis=1) - scores
        return np.maximum(gap - off - np.take_along_axis(off, best, axis=1), 0.0), off

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:
            return super().unsure(Q)
        return np.asarray((self._apart(Q)[0] == 0).sum(axis=1) > 1)[:, None]

    def _moved(self, Q: Array) -> Array:
        """Most that rounding moves the logarithm of the sum of densities, shape (n, 1)."""
        gap, off = self._apart(Q)
        return np.asarray((np.exp(-np.minimum(gap, 700.0)) * off).sum(axis=1, keepdims=True))

    def proba_rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else _SHARES + 2 * self._moved(Q)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer or self.n_densities == 1:
            return super().undecided(estimator, X)
        own = self._own(estimator, X)
        best = np.argsort(-own, axis=1, kind="stable")[:, :2]
        first, second = np.take_along_axis(own, best, axis=1).T
        scale = np.take_along_axis(self.magnitude(np.asarray(X, np.float64)), best, axis=1).max(axis=1)
        return np.asarray(~(first - second > BOUND * scale))[:, None]

    def _own(self, estimator: Any, X: Array) -> Array:
        """The estimator's own logarithms, up to what all classes of a row have in common."""
        return np.asarray(estimator.predict_log_proba(X))

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["sums of squares provably stay in 32 bits; the least decides", *self._levels()]
        return [
            f"the class is scikit-learn's where the logarithms of its two best densities differ by {BOUND:g}",
            "of what they add up, and that is within 1e37; probabilities are as near as these logarithms",
            *self._levels(),
        ]

    def _levels(self) -> Sequence[str]:
        return []


@dataclass(frozen=True, eq=False)
class GaussianDecision(GaussianClassifier, DecisionClassifier):
    """A classifier whose decisions are its logarithms, or the difference of two."""

    @property
    def n_decisions(self) -> int:
        return 1 if self.n_densities == 2 else self.n_densities

    @property
    def absolute(self) -> bool:
        return self.n_decisions > 1

    @property
    def decision_scale(self) -> float:
        return self.unit

    def decision_function(self, Q: Array) -> Array:
        decisions = np.diff(self.scores(Q), axis=1) if self.n_decisions == 1 else self.levels(Q)
        return np.asarray(decisions, np.int32 if self.input.is_integer else np.float32)

    def rounding(self, Q: Array) -> Array | None:
        each = self.rounding_each(Q)
        if each is None:
            return None
        if self.n_decisions == 1:
            return np.asarray(each.sum(axis=1, keepdims=True) + ULP * np.abs(self.decision_function(Q)))
        return each + self.rounding_levels(Q)

    def _own(self, estimator: Any, X: Array) -> Array:
        own = np.asarray(estimator.decision_function(X))
        return np.stack([np.zeros(len(own)), own], axis=1) if own.ndim == 1 else own


@dataclass(frozen=True, eq=False)
class GaussianComponents(GaussianClassifier, Scored):
    """The component of a mixture to which x belongs most likely, and the density of their sum."""

    @property
    def absolute(self) -> bool:
        return True

    @property
    def score_one(self) -> int:
        return self.one

    @property
    def nat(self) -> int:
        """As of `_logsum`, in integer modes."""
        return _logsum.nat(self.one)

    def score(self, Q: Array) -> Array:
        levels, scale = self.levels(Q), self.exponential
        if scale is None:
            return np.asarray(logsumexp(levels, axis=1), np.float32)
        most = levels.max(axis=1)
        e = fixedpoint.exp_neg(most[:, None] - levels, scale) >> np.uint64(self.exp_shift)
        more = _logsum.ln(e.sum(axis=1), 30 - self.exp_shift, self.one)
        return np.asarray(most + more, np.int32)

    def rounding(self, Q: Array) -> Array | None:
        if self.input.is_integer:
            return None
        most = self.rounding_levels(Q).max(axis=1, keepdims=True)
        return np.asarray(self._moved(Q) + most + _LOGS + 4 * ULP * np.abs(self.score(Q))[:, None])

    def _own(self, estimator: Any, X: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(estimator.predict_proba(X)))

    def _levels(self) -> Sequence[str]:
        if self.input.is_integer:
            return []
        return ["the score is within 1e-5, and 1e-5 of what it adds up"]


@dataclass(frozen=True, eq=False)
class Envelope(OnSquares, Detector):
    """Whether x is within an ellipsoid: the score is the square of its distance from the middle, negative."""

    @property
    def absolute(self) -> bool:
        return True

    @property
    def level(self) -> float:
        return self.offset

    @property
    def score_one(self) -> int:
        return self.one

    @property
    def cut(self) -> Any:
        """The largest sum of an inlier: int32 or float32."""
        if self.input.is_integer:
            return self.top - np.int32(round(self.offset * self.score_one))
        return np.float32(float(self.top) - self.offset)

    def score(self, Q: Array) -> Array:
        return np.asarray(self.levels(Q)[:, 0], self.output_dtype)

    def predict(self, Q: Array) -> Array:
        return np.where(-self.scores(Q)[:, 0] <= self.cut, 1, -1).astype(np.int16)

    def rounding(self, Q: Array) -> Array | None:
        each = self.rounding_each(Q)
        return None if each is None else each + self.rounding_levels(Q)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        off = self.rounding_each(Q)
        if off is None:
            return super().unsure(Q)
        return np.asarray(np.abs(self.scores(Q) + self.cut) <= off + ULP * abs(self.cut))

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:
            return super().undecided(estimator, X)
        scale = self.magnitude(np.asarray(X, np.float64)) + abs(self.offset)
        return np.asarray(~(np.abs(estimator.decision_function(X))[:, None] > BOUND * scale))

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["the sum of squares provably stays in 32 bits"]
        return [f"right where the score differs from the offset by {BOUND:g} of what it adds up"]


def _common(estimator: Any, densities: Densities) -> dict[str, Any]:
    return {
        "source": type(estimator).__name__,
        "input": Input(densities.n_features),
        "densities": _densities.checked(estimator, densities),
    }


@converts("sklearn.naive_bayes.GaussianNB")
def naive_bayes(estimator: Any) -> GaussianClassifier:
    """Convert naive Bayes of normal distributions."""
    classes = (np.asarray(estimator.classes_),)
    return GaussianClassifier(**_common(estimator, _densities.naive(estimator)), classes=classes)


@converts("sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis")
def quadratic_discriminant(estimator: Any) -> GaussianDecision:
    """Convert a quadratic discriminant."""
    classes = (np.asarray(estimator.classes_),)
    return GaussianDecision(**_common(estimator, _densities.quadratic(estimator)), classes=classes)


@converts("sklearn.mixture.GaussianMixture", "sklearn.mixture.BayesianGaussianMixture")
def mixture(estimator: Any) -> GaussianComponents:
    """Convert a mixture: its classes are the numbers of its components."""
    classes = (np.arange(estimator.n_components),)
    return GaussianComponents(**_common(estimator, _densities.mixture(estimator)), classes=classes)


@converts("sklearn.covariance.EllipticEnvelope")
def elliptic_envelope(estimator: Any) -> Envelope:
    """Convert an elliptic envelope."""
    densities = _densities.envelope(estimator)
    return Envelope(**_common(estimator, densities), offset=float(estimator.offset_))
