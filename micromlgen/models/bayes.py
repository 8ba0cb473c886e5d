"""Naive Bayes of categories, and of features that are there or not: sums of integers from tables.

Every feature has categories, and a row for each but the first, which is part of what sums start with: of the
logarithms of its probabilities, less those of the first category, and less those of the first class. So a
feature that is not there costs nothing, and the first class always has a sum of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.models._bayes import FLOAT64, NaiveBayes

Array = NDArray[Any]
M = TypeVar("M", bound=NaiveBayes)
_MOST_CATEGORIES = 1 << 15


@dataclass(frozen=True, eq=False)
class Presence(NaiveBayes):
    """Features that are there where they are above a threshold.

    Parameters
    ----------
    threshold : float64 array of shape (n_used,)
    blur : float64 array of shape (n_used,)
        scikit-learn's own answer is not certain within this distance of a threshold that stands for one
        behind a scaler.
    binary : bool
        Whether features must be 0 or 1.
    """

    threshold: NDArray[np.float64]
    blur: NDArray[np.float64]
    binary: bool

    def feature_limits(self) -> NDArray[np.float64]:
        limits = np.zeros(self.input.n_features)
        np.maximum.at(limits, self.feature, np.abs(self.threshold))
        return limits

    def takes_integers(self) -> bool:
        return self.binary

    def categorical(self) -> NDArray[np.bool_]:
        return np.full(self.input.n_features, self.binary)

    def chosen(self, Q: Array) -> NDArray[np.int64]:
        return np.where(Q[:, self.feature] > self.cuts, np.arange(len(self.feature)), -1)

    @property
    def cuts(self) -> NDArray[Any]:
        """Thresholds of the C: float32 or int16."""
        if not self.input.is_integer:
            with np.errstate(over="ignore"):
                return fixedpoint.float32_floor(self.threshold)
        floor = np.floor(self.threshold / self.input.unit[self.feature])
        return np.clip(floor, -32768, 32767).astype(np.int16)

    @property
    def keys(self) -> NDArray[Any]:
        """These as integers that order like the features."""
        return self.cuts if self.input.is_integer else fixedpoint.ordered(self.cuts)

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if self.binary and by.rows is not None and not np.isin(by.rows, (0, 1)).all():
            raise UnsupportedError(
                f"{self.source}(binarize=None) takes features of 0 and 1, but calibration has others; fit "
                "with a number as binarize"
            )
        return super().quantize(inputs, by)

    def behind(self, stage: Affine) -> Self | None:
        """The same model of what `stage` is given, where each feature keeps its order."""
        if stage.source is None or self.binary or (stage.factors[self.feature] <= 0).any():
            return None
        factor, offset = stage.factors[self.feature], stage.offset[self.feature]
        threshold = (self.threshold - offset) / factor
        size = FLOAT64 * (np.abs(threshold) + np.abs(offset / factor))
        return replace(
            self,
            input=replace(self.input, n_features=stage.matrix.shape[1]),
            feature=stage.source[self.feature],
            threshold=threshold,
            blur=self.blur / factor + np.where((factor == 1) & (offset == 0), 0.0, size),
        )

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        out, wide = super().undecided(estimator, X), np.asarray(X, np.float64)
        if self.input.is_integer:
            return out
        if self.binary:
            unclear = (wide != 0) & (wide != 1)
        else:
            unclear = np.abs(wide[:, self.feature] - self.threshold) < self.blur
        return np.asarray(out | unclear.any(axis=1, keepdims=True))

    def boundaries(self) -> Sequence[Array]:
        n, dtype = self.input.n_features, self.input.dtype
        if self.binary:
            return [np.array([0, 1], dtype)] * n
        out = []
        for j in range(n):
            own = self.cuts[self.feature == j]
            if self.input.is_integer:
                top = self.input.highest
                values = np.concatenate([own.astype(np.int64), own.astype(np.int64) + 1, [-top, 0, top]])
                out.append(np.unique(np.clip(values, -top, top)).astype(dtype))
            else:
                above = np.nextafter(own, np.float32(np.inf))
                out.append(np.concatenate([own, above, [-1e30, -0.0, 1e30]]).astype(np.float32))
        return out

    def contract(self) -> Sequence[str]:
        return [*super().contract(), *(["features must be 0 or 1"] if self.binary else [])]


@dataclass(frozen=True, eq=False)
class Categories(NaiveBayes):
    """Features that are numbers of categories."""

    @property
    def counts(self) -> NDArray[np.int64]:
        """Categories of each used feature."""
        return np.diff(self.first) + 1

    def feature_limits(self) -> NDArray[np.float64]:
        limits = np.zeros(self.input.n_features)
        limits[self.feature] = self.counts - 1
        return limits

    def takes_integers(self) -> bool:
        return True

    def categorical(self) -> NDArray[np.bool_]:
        return np.ones(self.input.n_features, bool)

    def chosen(self, Q: Array) -> NDArray[np.int64]:
        values = Q[:, self.feature].astype(np.float64)
        within = (values >= 1) & (values < self.counts)
        return np.where(within, self.first[:-1] + np.where(within, values, 1).astype(np.int64) - 1, -1)

    def behind(self, stage: Affine) -> Self | None:
        """The same model of what `stage` is given, where that selects features."""
        if stage.source is None or (stage.factors != 1).any() or stage.offset.any():
            return None
        return replace(
            self,
            input=replace(self.input, n_features=stage.matrix.shape[1]),
            feature=stage.source[self.feature],
        )

    def boundaries(self) -> Sequence[Array]:
        # Others than its categories scikit-learn refuses.
        out = [np.zeros(1)] * self.input.n_features
        for j, count in zip(self.feature.tolist(), self.counts.tolist(), strict=True):
            fractions = [] if self.input.is_integer else [0.5, count - 0.5]
            hostile = (
                [-1, count, self.input.highest, -self.input.highest - 1] if self.input.is_integer else []
            )
            out[j] = np.array([0, min(1, count - 1), count - 1, *fractions, *hostile])
        return [values.astype(self.input.dtype) for values in out]

    def contract(self) -> Sequence[str]:
        return [
            *super().contract(),
            "features are numbers of categories; fractions are dropped, what is none counts as the first",
        ]


def _model(kind: type[M], estimator: Any, logs: list[Array], base: Array, **more: Any) -> M:
    """A model from the logarithms of each feature's categories, shapes (n_classes, n_categories).

    Raises
    ------
    UnsupportedError
        If a logarithm is not finite.
    """
    title = type(estimator).__name__
    if not all(np.isfinite(part).all() for part in [*logs, base]):
        raise UnsupportedError(
            f"{title} cannot be ported with probabilities of 0; fit with alpha > 0, and without classes or "
            "priors of 0"
        )
    # Less those of the first category, and of the first class.
    parts = [((log - log[:, :1]) - (log - log[:, :1])[:1])[1:, 1:].T for log in logs]
    start = base + sum(log[:, 0] for log in logs)
    return kind(
        source=title,
        input=Input(len(logs)),
        classes=(np.asarray(estimator.classes_),),
        feature=np.arange(len(logs)),
        first=np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64),
        rows=np.concatenate(parts).astype(np.float64),
        start=(start - start[0])[1:],
        unit=1.0,
        **more,
    )


@converts("sklearn.naive_bayes.BernoulliNB")
def bernoulli(estimator: Any) -> Presence:
    """Convert naive Bayes of features that are there or not."""
    there = np.asarray(estimator.feature_log_prob_, np.float64)
    with np.errstate(divide="ignore"):
        logs = np.stack([np.log(1.0 - np.exp(there)), there], axis=2)
    n, binary = there.shape[1], estimator.binarize is None
    # 0 is below it and 1 above.
    threshold = np.full(n, 0.0 if binary else float(estimator.binarize))
    return _model(
        Presence,
        estimator,
        list(logs.transpose(1, 0, 2)),
        np.asarray(estimator.class_log_prior_, np.float64),
        threshold=threshold,
        blur=np.zeros(n),
        binary=binary,
    )


@converts("sklearn.naive_bayes.CategoricalNB")
def categorical(estimator: Any) -> Categories:
    """Convert naive Bayes of categories."""
    logs = [np.asarray(log, np.float64) for log in estimator.feature_log_prob_]
    if (most := max(log.shape[1] for log in logs)) > _MOST_CATEGORIES:
        raise UnsupportedError(
            f"CategoricalNB cannot be ported with {most} categories of a feature; {_MOST_CATEGORIES} can be"
        )
    return _model(Categories, estimator, logs, np.asarray(estimator.class_log_prior_, np.float64))
