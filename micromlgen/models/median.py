"""AdaBoostRegressor: the weighted median of what its trees predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Regressor
from micromlgen.models import _code
from micromlgen.models._leaves import LeafTable, coded
from micromlgen.models._nodes import fitted_trees, from_sklearn, trained_on_missing
from micromlgen.models._on_trees import OnTrees
from micromlgen.models._orders import Ordered
from micromlgen.models._table import table_layouts
from micromlgen.models._trees import Array
from micromlgen.tables import narrow, unsigned_for

#: Weights are integers whose sum is at most this.
_WEIGHTS = 1 << 30
#: The contract promises the median where the cumulative weights keep this distance from one half.
_MARGIN = 1e-6
# Bytes and cycles on AVR, Cortex-M0+, Cortex-M4F and RV32, measured with -Os: of a leaf that returns its
# rank, and of the loop that sorts it in.
_LEAF = ((6.0, 60.0), (4.0, 30.0), (4.0, 30.0), (4.0, 30.0))
_LOOP = ((200.0, 150.0), (120.0, 60.0), (120.0, 50.0), (120.0, 60.0))


@dataclass(frozen=True, eq=False)
class MedianRegressor(OnTrees, Regressor):
    """The lowest value at which the weights of the trees up to it reach half of all.

    `values` are the distinct leaf values in ascending order, so that trees are compared by their ranks; after
    `quantize` float32, or int32 in units of ``2**-exponent``; shape (n_distinct,).
    """

    spare_trees = (0.2, 0.35, 0.5, 0.6, 0.7, 0.8)
    #: int64 array of shape (n_trees,).
    weights: NDArray[np.int64]
    exponent: int

    @property
    def n_trees(self) -> int:
        """How many trees there are."""
        return len(self.weights)

    @property
    def rank_dtype(self) -> np.dtype[Any]:
        """Type of a rank."""
        return unsigned_for(len(self.values) - 1)

    @property
    def half(self) -> int:
        """The weight that has to be reached."""
        return -(-int(self.weights.sum()) // 2)

    @property
    def weights_in_flash(self) -> Array:
        """The weights in the narrowest type."""
        return narrow(self.weights)

    @property
    def output_scale(self) -> float:
        return float(2.0**-self.exponent)

    def quantize(self, inputs: Input, by: Calibration) -> MedianRegressor:
        if np.abs(self.span).max() > np.finfo(np.float32).max:
            raise UnsupportedError(f"{self.source} predicts values beyond float32; scale the targets")
        values: Array = self.values.astype(np.float32)
        exponent = 0
        if inputs.is_integer:
            exponent = fixedpoint.sum_exponent(np.abs(self.values).max(keepdims=True), 1)
            values = np.rint(np.ldexp(self.values, exponent)).astype(np.int32)
        trees = self.trees.quantize(inputs, by.rows)
        return replace(self, input=inputs, trees=trees, values=values, exponent=exponent)

    def thinned(self, share: float, spread: NDArray[np.float64], mean: Array) -> MedianRegressor:
        """The trees of the greatest weights remain."""
        n_kept = max(self.n_trees - int(share * self.n_trees), 1)
        kept = np.sort(np.argsort(-self.weights, kind="stable")[:n_kept])
        return replace(self, trees=self.trees.reordered(kept), weights=self.weights[kept])

    def _cumulative(self, Q: Array) -> tuple[Array, Array]:
        """Ranks in ascending order, and the weights up to and including each; both of shape (n, n_trees)."""
        rows = self.apply(Q)
        order = np.argsort(rows, axis=1, kind="stable")
        return np.take_along_axis(rows, order, axis=1), np.cumsum(self.weights[order], axis=1)

    def predict(self, Q: Array) -> Array:
        ranks, reached = self._cumulative(Q)
        median = (reached >= self.half).argmax(axis=1)
        return np.asarray(self.values[np.take_along_axis(ranks, median[:, None], axis=1)[:, 0]])

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        """Rows whose cumulative weights come too close to one half to tell the side."""
        _, reached = self._cumulative(self.input.encode(X.astype(np.float32)))
        distance = np.abs(reached / self.weights.sum() - 0.5).min(axis=1)
        return np.asarray(distance <= _MARGIN)[:, None]

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """Only the rounding of a leaf to float32."""
        return np.asarray(np.abs(self.span).max(axis=1) * 2.0**-24 + np.finfo(np.float32).smallest_subnormal)

    def contract(self) -> Sequence[str]:
        leaf = "the one that the encoded x reaches" if self.input.is_integer else "scikit-learn's"
        return [
            f"every tree's leaf is {leaf}",
            f"the median is exact where the weights up to it are further than {_MARGIN:g} from one half",
        ]

    def layouts(self) -> Sequence[Layout]:
        cost = tuple((a[0], a[1] * self.n_trees / 8 + 20) for a in _LOOP)
        straight = _code.code_layout("code", self.trees, self.input, self._code, _LEAF)
        if not len(self.trees.skip):  # C has no empty tables
            return [straight]
        return [straight, *table_layouts(self.trees, self.input, self._leaf_table, {}, cost)]

    def _leaf_table(self, ordered: Ordered) -> LeafTable:
        return coded(np.arange(len(self.values)), ordered)

    def _code(self) -> Mapping[str, Any]:
        return {"trees": (list(_code.steps(self.trees, self.input, t)) for t in range(self.n_trees))}


def regressor(estimator: Any) -> MedianRegressor:
    """Convert a boosted regressor over decision trees."""
    fitted = fitted_trees(estimator)
    trees, values = from_sklearn(fitted)
    values = values[:, 0, 0]
    weights = estimator.estimator_weights_[: len(fitted)]
    return MedianRegressor(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing(fitted)),
        span=np.array([[values.min(), values.max()]]),
        trees=trees,
        values=values,
        weights=np.rint(weights / weights.sum() * _WEIGHTS).astype(np.int64),
        exponent=0,
    )
