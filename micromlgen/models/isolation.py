"""IsolationForest: the mean depth of the leaves that x reaches, in integers fine enough to be exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Detector
from micromlgen.models._nodes import (
    features_of,
    fitted_trees,
    from_nodes,
    nodes_of,
    of_nodes,
    trained_on_missing,
)
from micromlgen.models._sums import WatchedSums
from micromlgen.models._trees import Array

#: Depths are in units of 2**-40: far finer than what the order of adding does to scikit-learn's own sums, and
#: 2**24 levels in all still fit 64 bits.
_EXPONENT = 40


@dataclass(frozen=True, eq=False)
class IsolationForest(WatchedSums, Detector):
    """The sum of depths decides; the score is ``-2**-(sum / normal)``."""

    #: The sum of depths of a point like any other, float64; 0 if trees saw one point each.
    normal: float
    #: The highest sum of depths at which scikit-learn calls x an outlier, float64; below 0 if there is none.
    outlier: float

    @property
    def sum_dtype(self) -> np.dtype[Any]:
        """uint64, see `_EXPONENT`."""
        return np.dtype(np.uint64)

    @property
    def cut(self) -> int:
        # Rounded depths may put a row whose score is the threshold itself, an inlier, lower.
        highest = int(np.ldexp(self.outlier, _EXPONENT)) if self.outlier >= 0 else -1
        return max(highest - self.n_trees - 1, -1)

    @property
    def watched(self) -> bool:
        return super().watched and self.cut >= 0

    @property
    def score_shift(self) -> int:
        """Bits by which a sum is shifted right to fit 32 bits."""
        return max(int(self.largest(self.values[:, 0]).sum()).bit_length() - 32, 0)

    @property
    def exponential(self) -> Exponential:
        """Of shifted sums: ``exp(-s)`` there is ``2**-(sum / normal)``; None needed where `normal` is 0."""
        return fixedpoint.exponential(
            np.log(2) * 2.0 ** (self.score_shift - _EXPONENT) / (self.normal or 1.0)
        )

    def quantize(self, inputs: Input, by: Calibration) -> IsolationForest:
        return replace(
            self,
            input=inputs,
            trees=self.trees.quantize(inputs, by.rows),
            values=np.rint(np.ldexp(self.values, _EXPONENT)).astype(np.int64),
            start=np.zeros(1, np.int64),
        )

    def thinned(self, share: float, spread: NDArray[np.float64], mean: Array) -> Self:
        fewer = super().thinned(share, spread, mean)
        part = fewer.n_trees / self.n_trees
        outlier = self.outlier * part if self.outlier >= 0 else self.outlier
        return replace(fewer, normal=self.normal * part, outlier=outlier)

    def predict(self, Q: Array) -> Array:
        return np.where(self.sums(Q)[:, 0] > self.cut, 1, -1).astype(np.int16)

    @property
    def score_one(self) -> int:
        return fixedpoint.EXP_ONE

    def score(self, Q: Array) -> Array:
        if not self.normal:
            half = -self.score_one // 2 if self.input.is_integer else -0.5
            return np.full(len(Q), half, self.output_dtype)
        s = self.sums(Q)[:, 0] >> self.score_shift
        part = fixedpoint.exp_neg(s, self.exponential)
        if self.input.is_integer:
            return -part.astype(np.int32)
        return np.asarray(part.astype(np.float32) * np.float32(-(2.0**-30)))

    def contract(self) -> Sequence[str]:
        leaf = "the one that the encoded x reaches" if self.input.is_integer else "scikit-learn's"
        return [f"every tree's leaf is {leaf}; the sum of their depths is exact", "scores are within 1e-6"]


def _average_path_length(n: Array) -> NDArray[np.float64]:
    """Mean depth at which n points are isolated (Liu, Ting and Zhou: Isolation Forest, 2008)."""
    many = np.maximum(n, 3).astype(np.float64)
    length = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, length))


def _highest_outlier(offset: float, normal: float, most: float) -> float:
    """Bisect for the highest float64 up to `most` that scikit-learn calls an outlier; -1 if there is none."""

    def is_outlier(depths: float) -> bool:
        return bool(-(2 ** (-np.divide(depths, normal) if normal else -1.0)) - offset < 0)

    if not is_outlier(0.0):
        return -1.0
    low, high = np.array([0.0, most]).view(np.int64).tolist()  # the bits of floats order like them
    while low < high:
        middle = (low + high + 1) // 2
        if is_outlier(np.int64(middle).view(np.float64)):
            low = middle
        else:
            high = middle - 1
    return float(np.int64(low).view(np.float64))


@converts("sklearn.ensemble.IsolationForest")
def isolation_forest(estimator: Any) -> IsolationForest:
    """Convert an isolation forest."""
    fitted = fitted_trees(estimator)
    taken = [*map(features_of, fitted, estimator.estimators_features_)]
    levels = np.concatenate([tree.compute_node_depths() for tree in fitted])
    depth = levels - 1.0 + _average_path_length(of_nodes(fitted, "n_node_samples"))
    trees, values = from_nodes(
        nodes_of(fitted),
        np.concatenate(taken),
        of_nodes(fitted, "threshold"),
        of_nodes(fitted, "missing_go_to_left"),
        depth[:, None],
    )
    normal = float(len(fitted) * _average_path_length(np.array([estimator._max_samples]))[0])
    model = IsolationForest(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing(fitted)),
        trees=trees,
        values=values,
        column=np.zeros(len(fitted), np.int64),
        start=np.zeros(1, np.int64),
        offset=float(estimator.offset_),
        normal=normal,
        outlier=-1.0,
    )
    most = float(model.largest(values[:, 0]).sum()) + 1.0
    return replace(model, outlier=_highest_outlier(float(estimator.offset_), normal, most))
