"""RandomForest, ExtraTrees and Bagging of trees: the mean over many trees, summed in integers.

Classifiers vote softly as scikit-learn does: each leaf adds its class shares, as integers in units of
1 / `share`; regressors add fixed-point leaf values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import ProbabilisticClassifier, Regressor
from micromlgen.models._coarse import SHARE_LEVELS, rounded_shares
from micromlgen.models._nodes import features_of, fitted_trees, from_sklearn, trained_on_missing
from micromlgen.models._sums import OnSums, WatchedSums
from micromlgen.models._trees import Array
from micromlgen.tables import unsigned_for

#: The contract promises the class where the two best mean shares differ by more than this.
_MARGIN = 1e-6
#: Rounding the leaves of a regressor may take this share of the span; the contract allows 2e-6 in all.
_ROUNDING = 1e-6


class Columns(NamedTuple):
    """The votes of one output."""

    first: int
    width: int
    n_classes: int


@dataclass(frozen=True, eq=False)
class ForestClassifier(WatchedSums, ProbabilisticClassifier):
    """Soft vote. An output with two classes has one column, the second class's: the first gets the rest."""

    leaf_levels = SHARE_LEVELS
    #: What one tree gives away: D of `fixedpoint.share_denominator`.
    share: int

    @property
    def total(self) -> int:
        """Sum of the votes of one output."""
        return self.share * self.n_trees

    @property
    def sum_dtype(self) -> np.dtype[Any]:
        """Wide enough for the votes of any number of trees."""
        return unsigned_for(self.total)

    @property
    def columns(self) -> list[Columns]:
        """Where each output's votes are."""
        widths = [1 if k == 2 else k for k in self.n_classes]
        starts = np.cumsum([0, *widths[:-1]]).tolist()
        return [Columns(*c) for c in zip(starts, widths, self.n_classes, strict=True)]

    @property
    def cut(self) -> int:
        return self.total // 2

    @property
    def proba_shift(self) -> int:
        """Bits by which integer modes shift votes down to 16 bits."""
        return max(self.total.bit_length() - 16, 0)

    @property
    def proba_half(self) -> int:
        """Half a unit after that shift, for rounding."""
        return (1 << self.proba_shift) >> 1

    @property
    def proba_one(self) -> int:
        return (self.total + self.proba_half) >> self.proba_shift

    def quantize(self, inputs: Input, by: Calibration) -> ForestClassifier:
        shares = np.concatenate(
            [
                self.values[:, o, 1:2] if k == 2 else self.values[:, o, :k]
                for o, k in enumerate(self.n_classes)
            ],
            axis=1,
        )
        share = fixedpoint.share_denominator(shares)
        votes = np.rint(shares * share).astype(np.int64)
        trees = self.trees.quantize(inputs, by.rows)
        start = np.zeros(votes.shape[1], np.int64)
        return replace(self, input=inputs, trees=trees, values=votes, share=share, start=start)

    def levelled(self, values: Array, weight: NDArray[np.float64], levels: int) -> Array:
        return rounded_shares(values, levels)

    def predict(self, Q: Array) -> Array:
        sums = self.sums(Q)
        best = [
            sums[:, a] > self.total // 2 if k == 2 else sums[:, a : a + w].argmax(axis=1)
            for a, w, k in self.columns
        ]
        out = np.stack(best, axis=1).astype(np.int32)
        return out[:, 0] if self.n_outputs == 1 else out

    def predict_proba(self, Q: Array) -> Array:
        sums = self.sums(Q)
        votes = np.concatenate(
            [
                np.stack([self.total - sums[:, a], sums[:, a]], axis=1) if k == 2 else sums[:, a : a + w]
                for a, w, k in self.columns
            ],
            axis=1,
        )
        if self.input.is_integer:
            return ((votes + self.proba_half) >> self.proba_shift).astype(np.uint16)
        return votes.astype(np.float32) * np.float32(1 / self.total)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        """Rows whose two best mean shares are closer than the margin; exact ties of single votes are not."""
        proba = estimator.predict_proba(X)
        out = []
        for p in proba if isinstance(proba, list) else [proba]:
            best = np.sort(np.column_stack([p, np.full(len(p), -1.0)]), axis=1)[:, ::-1]
            out.append((best[:, 0] - best[:, 1] <= _MARGIN) & (self.share > 1))
        return np.stack(out, axis=1)

    def contract(self) -> Sequence[str]:
        if self.share == 1:
            where = "the class is scikit-learn's, the lowest one where votes tie"
        else:
            where = f"the class is scikit-learn's where its two best shares differ by more than {_MARGIN:g}"
        if self.input.is_integer:
            return ["every tree's leaf is the one that the encoded x reaches", where]
        return ["every tree's leaf is scikit-learn's for every x that it accepts", where]


@dataclass(frozen=True, eq=False)
class ForestRegressor(OnSums, Regressor):
    """Sum of int32 leaf values in units of ``2**-exponent``, divided by the number of trees beforehand.

    The result is ``base + sum * 2**-exponent``: the product is exact, so a fused multiply-add gives the same
    bits. `base` is zero unless the targets lie so far from zero that 32 bits would not resolve their span.
    """

    #: Per output, shape (n_outputs,).
    exponents: NDArray[np.int32]
    base: NDArray[np.float32]

    @property
    def sum_dtype(self) -> np.dtype[Any]:
        """int32: `quantize` scales the leaf values so that no sum leaves it."""
        return np.dtype(np.int32)

    @property
    def output_scale(self) -> float:
        return float(2.0 ** -int(self.exponents[0]))

    def quantize(self, inputs: Input, by: Calibration) -> ForestRegressor:
        if np.abs(self.span).max() > np.finfo(np.float32).max:
            raise UnsupportedError(f"{self.source} predicts values beyond float32; scale the targets")
        y = self.values[:, :, 0]
        width = self.span[:, 1] - self.span[:, 0]
        base = np.zeros(self.n_outputs)
        exponents = self._exponents(y)
        if inputs.is_integer:  # one scale for all: <NAME>_OUTPUT_SCALE
            exponents[:] = exponents.min()
        else:
            coarse = self._rounding(y, exponents) > _ROUNDING * width
            base[coarse] = self.span[coarse].mean(axis=1).astype(np.float32)
            exponents = self._exponents(y - base)
            allowed = _ROUNDING * width + np.abs(self.span).max(axis=1) * 2.0**-24
            if (self._rounding(y - base, exponents) > allowed).any():
                raise UnsupportedError(
                    f"{self.source}: the mean of {self.n_trees} trees of this span can't be kept in 32 bits; "
                    "scale the targets or fit fewer trees"
                )
        exponents = self._narrowed(y - base, exponents, _ROUNDING * width)
        return replace(
            self,
            input=inputs,
            trees=self.trees.quantize(inputs, by.rows),
            values=np.rint(np.ldexp((y - base) / self.n_trees, exponents)).astype(np.int64),
            start=np.zeros(self.n_outputs, np.int64),
            exponents=exponents,
            base=base.astype(np.float32),
        )

    def _exponents(self, y: Array) -> NDArray[np.int32]:
        """Largest exponent per output for which no sum of leaf values leaves int32."""
        largest = self.largest(np.abs(y / self.n_trees))
        return np.array([fixedpoint.sum_exponent(terms, self.n_trees) for terms in largest.T], np.int32)

    def _narrowed(self, y: Array, exponents: NDArray[np.int32], allowed: Array) -> NDArray[np.int32]:
        """Smaller exponents, where leaves then fit fewer bytes and their rounding is within `allowed`."""
        leaves = y / self.n_trees
        largest = max(float(np.abs(leaves).max()), 1e-30)
        for bits in (8, 16, 24):
            limit = 2.0 ** (bits - (leaves.min() < 0)) - 1
            fewer = np.minimum(exponents, np.int32(np.clip(np.floor(np.log2(limit / largest)), -100, 100)))
            if (self._rounding(y, fewer) <= allowed).all():
                return np.asarray(fewer, np.int32)
        return exponents

    def _rounding(self, y: Array, exponents: NDArray[np.int32]) -> NDArray[np.float64]:
        """Bound per output of the error that comes from rounding the leaves."""
        scaled = np.ldexp(y / self.n_trees, exponents)
        errors = self.largest(np.abs(scaled - np.rint(scaled))).sum(axis=0)
        return np.asarray(np.ldexp(errors, -exponents))

    def predict(self, Q: Array) -> Array:
        sums = self.sums(Q).astype(np.int32)
        if self.input.is_integer:
            y: Array = sums
        else:
            y = sums.astype(np.float32) * np.ldexp(np.float32(1), -self.exponents) + self.base
        return y[:, 0] if self.n_outputs == 1 else y

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """2e-6 of the span, and the rounding of the answer itself to float32."""
        width = self.span[:, 1] - self.span[:, 0]
        return np.asarray(2e-6 * width + np.abs(self.span).max(axis=1) * 2.0**-24)

    def contract(self) -> Sequence[str]:
        bound = "within 2e-6 of the span of y, and the rounding of y to float32"
        if self.input.is_integer:
            return ["every tree's leaf is the one that the encoded x reaches", "sums are exact in int32"]
        return ["every tree's leaf is scikit-learn's for every x that it accepts", f"the mean is {bound}"]


class _Fitted(NamedTuple):
    """A scikit-learn tree, with its features and classes as the ensemble numbers them."""

    node_count: int
    children_left: Array
    children_right: Array
    feature: Array
    threshold: Array
    missing_go_to_left: Array
    n_node_samples: Array
    value: Array


def _fitted(estimator: Any) -> list[Any]:
    """The trees of a forest or a Bagging estimator."""
    fitted = fitted_trees(estimator)
    taken = getattr(estimator, "estimators_features_", None)
    return fitted if taken is None else [*map(_of_bagging, repeat(estimator), estimator.estimators_, taken)]


def _of_bagging(estimator: Any, grown: Any, taken: Any) -> _Fitted:
    tree, value = grown.tree_, grown.tree_.value
    n_classes = getattr(estimator, "n_classes_", None)
    if n_classes is not None:  # a bootstrap may have missed classes
        value = np.zeros((tree.node_count, 1, n_classes))
        value[:, :, np.asarray(grown.classes_, np.int64)] = tree.value
    same = {name: getattr(tree, name) for name in _Fitted._fields if name not in ("feature", "value")}
    return _Fitted(**same, feature=features_of(tree, taken), value=value)


@converts("sklearn.ensemble.RandomForestClassifier", "sklearn.ensemble.ExtraTreesClassifier")
def classifier(estimator: Any) -> ForestClassifier:
    """Convert a forest of classifiers."""
    fitted = _fitted(estimator)
    trees, values = from_sklearn(fitted)
    several = getattr(estimator, "n_outputs_", 1) > 1
    return ForestClassifier(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing(fitted)),
        classes=tuple(estimator.classes_) if several else (estimator.classes_,),
        trees=trees,
        values=values,
        column=np.zeros(len(fitted), np.int64),
        start=np.zeros(0, np.int64),
        share=0,
    )


@converts("sklearn.ensemble.RandomForestRegressor", "sklearn.ensemble.ExtraTreesRegressor")
def regressor(estimator: Any) -> ForestRegressor:
    """Convert a forest of regressors."""
    fitted = _fitted(estimator)
    trees, values = from_sklearn(fitted)
    y = values[:, :, 0]
    return ForestRegressor(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing(fitted)),
        span=np.stack([y.min(axis=0), y.max(axis=0)], axis=1),
        trees=trees,
        values=values,
        column=np.zeros(len(fitted), np.int64),
        start=np.zeros(0, np.int64),
        exponents=np.zeros(y.shape[1], np.int32),
        base=np.zeros(y.shape[1], np.float32),
    )
