"""RandomForest and ExtraTrees: the mean over many trees, summed in integers.

Classifiers vote softly as scikit-learn does: each leaf adds its class shares, as integers in units of
1 / `share`; regressors add fixed-point leaf values. Integer sums do not depend on their order and are
provably wide enough, and no float routine runs inside the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Classifier, Input, Layout, Regressor
from micromlgen.models import _walk
from micromlgen.models._trees import Array, OnTrees, from_sklearn, trained_on_missing
from micromlgen.tables import column, index_for, unsigned_for

#: The contract promises the class where the two best mean shares differ by more than this.
_MARGIN = 1e-6
#: Rounding the leaves of a regressor may take this share of the span; the contract allows 2e-6 in all.
_ROUNDING = 1e-6
#: From here on a vote is watched, to stop once it can't change: fewer trees end sooner than the watch pays.
_WATCHED_TREES = 16
# Bytes and cycles of a leaf, measured with -Os: one that returns its only amount, one that adds one amount in
# place, one that returns its code, and what the loop over a table does with a leaf.
_SCALAR_LEAF = {
    "avr": (11.0, 20.0),
    "cortex-m0plus": (6.0, 6.0),
    "cortex-m4f": (8.0, 6.0),
    "rv32imc": (8.0, 6.0),
}
_ADD = {"avr": (28.0, 24.0), "cortex-m0plus": (9.0, 6.0), "cortex-m4f": (9.0, 5.0), "rv32imc": (10.0, 5.0)}
_LEAF_CODE = {
    "avr": (6.0, 70.0),
    "cortex-m0plus": (4.0, 25.0),
    "cortex-m4f": (4.0, 22.0),
    "rv32imc": (4.0, 22.0),
}
_TABLE_LEAF = {
    "avr": (80.0, 110.0),
    "cortex-m0plus": (20.0, 35.0),
    "cortex-m4f": (20.0, 30.0),
    "rv32imc": (20.0, 30.0),
}

Build = Callable[[], Mapping[str, Any]]


class Columns(NamedTuple):
    """The votes of one output."""

    first: int
    width: int
    n_classes: int


@dataclass(frozen=True, eq=False)
class _Forest(OnTrees):
    """After `quantize`, `values` are the integers that each leaf adds: (n_distinct, n_columns)."""

    @property
    def n_trees(self) -> int:
        return len(self.trees.size)

    def sums(self, Q: Array) -> NDArray[np.int64]:
        """Column sums over the trees, shape (n, n_columns)."""
        total = np.zeros((len(Q), self.values.shape[1]), np.int64)
        for rows in self.apply(Q).T:
            total += self.values[rows]
        return total

    def layouts(self) -> Sequence[Layout]:
        if self.values.shape[1] == 1:
            straight = [self._code_layout("code", self._code, _SCALAR_LEAF)]
            tables = column(self.values[self.trees.leaf, 0]).tables
        else:
            leaves = self._leaves
            terms = np.count_nonzero(self.values[self.trees.leaf]) / len(self.trees.leaf)
            adds = {c: (2 + b * terms, 4 + n * terms) for c, (b, n) in _ADD.items()}
            straight = [
                self._code_layout("code", self._code, adds),
                self._code_layout("code+leaves", self._code_and_leaves, _LEAF_CODE, leaves.pairs),
            ]
            tables = [*leaves.pairs, *leaves.leaf.tables]
        if not len(self.trees.skip):  # C has no empty tables
            return straight
        return [*straight, _walk.table_layout(self.trees, self._packed, self._table, _TABLE_LEAF, tables)]

    def _code_layout(
        self,
        name: str,
        build: Build,
        leaf: Mapping[str, tuple[float, float]],
        tables: Sequence[Array] = (),
    ) -> Layout:
        return _walk.code_layout(name, self.trees, self.input, build, leaf, tables)

    @cached_property
    def _packed(self) -> _walk.Table:
        return _walk.pack(self.trees, self.input)

    @cached_property
    def _leaves(self) -> _walk.Leaves:
        return _walk.pack_leaves(self.values, self.trees.leaf)

    def _code(self) -> dict[str, Any]:
        n = self.n_trees
        return {
            "trees": (list(_walk.steps(self.trees, self.input, t)) for t in range(n)),
            # Adding a zero, where there is nothing to add, uses the parameters and compiles to nothing.
            "terms": [
                [(int(c), int(row[c])) for c in np.flatnonzero(row)] or [(0, 0)] for row in self.values
            ],
            # Trees after which a watched vote is looked at.
            "checks": {n * k // 8 - 1 for k in (4, 5, 6, 7)},
        }

    def _code_and_leaves(self) -> dict[str, Any]:
        return {**self._code(), "leaves": self._leaves}

    def _table(self) -> dict[str, Any]:
        scalar = self.values.shape[1] == 1
        return {
            "table": self._packed,
            "leaves": {"leaf": column(self.values[self.trees.leaf, 0])} if scalar else self._leaves,
            "tree_dtype": index_for(self.n_trees),
        }


@dataclass(frozen=True, eq=False)
class ForestClassifier(_Forest, Classifier):
    """Soft vote. An output with two classes has one column, the second class's: the first gets the rest."""

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
    def watched(self) -> bool:
        """Whether `predict` stops once the vote can no longer change."""
        return self.n_outputs == 1 and self.n_trees >= _WATCHED_TREES and self.n_classes[0] > 1

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

    def quantize(self, inputs: Input) -> ForestClassifier:
        shares = np.concatenate(
            [
                self.values[:, o, 1:2] if k == 2 else self.values[:, o, :k]
                for o, k in enumerate(self.n_classes)
            ],
            axis=1,
        )
        share = fixedpoint.share_denominator(shares)
        votes = np.rint(shares * share).astype(np.int64)
        trees = self.trees.quantize(inputs)
        return replace(self, input=inputs, trees=trees, values=votes, share=share)

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
class ForestRegressor(_Forest, Regressor):
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

    def quantize(self, inputs: Input) -> ForestRegressor:
        if np.abs(self.span).max() > np.finfo(np.float32).max:
            raise UnsupportedError(f"{self.source} predicts values beyond float32; scale the targets")
        y = self.values[:, :, 0]
        base = np.zeros(self.n_outputs)
        exponents = self._exponents(y)
        if inputs.is_integer:  # one scale for all: <NAME>_OUTPUT_SCALE
            exponents[:] = exponents.min()
        else:
            width = self.span[:, 1] - self.span[:, 0]
            coarse = self._rounding(y, exponents) > _ROUNDING * width
            base[coarse] = self.span[coarse].mean(axis=1).astype(np.float32)
            exponents = self._exponents(y - base)
            allowed = _ROUNDING * width + np.abs(self.span).max(axis=1) * 2.0**-24
            if (self._rounding(y - base, exponents) > allowed).any():
                raise UnsupportedError(
                    f"{self.source}: the mean of {self.n_trees} trees of this span can't be kept in 32 bits; "
                    "scale the targets or fit fewer trees"
                )
        return replace(
            self,
            input=inputs,
            trees=self.trees.quantize(inputs),
            values=np.rint(np.ldexp((y - base) / self.n_trees, exponents)).astype(np.int64),
            exponents=exponents,
            base=base.astype(np.float32),
        )

    def _largest(self, of_rows: Array) -> Array:
        """Of each tree and output, the largest of what its leaves have: it bounds what the tree adds."""
        first_leaf = self.trees.start + np.arange(self.n_trees)
        return np.asarray(np.maximum.reduceat(of_rows[self.trees.leaf], first_leaf, axis=0))

    def _exponents(self, y: Array) -> NDArray[np.int32]:
        """Largest exponent per output for which no sum of leaf values leaves int32."""
        largest = self._largest(np.abs(y / self.n_trees))
        return np.array([fixedpoint.sum_exponent(terms, self.n_trees) for terms in largest.T], np.int32)

    def _rounding(self, y: Array, exponents: NDArray[np.int32]) -> NDArray[np.float64]:
        """Bound per output of the error that comes from rounding the leaves."""
        scaled = np.ldexp(y / self.n_trees, exponents)
        errors = self._largest(np.abs(scaled - np.rint(scaled))).sum(axis=0)
        return np.asarray(np.ldexp(errors, -exponents))

    def predict(self, Q: Array) -> Array:
        sums = self.sums(Q).astype(np.int32)
        if self.input.is_integer:
            y: Array = sums
        else:
            y = sums.astype(np.float32) * np.ldexp(np.float32(1), -self.exponents) + self.base
        return y[:, 0] if self.n_outputs == 1 else y

    def tolerance(self) -> NDArray[np.float64]:
        """2e-6 of the span, and the rounding of the answer itself to float32."""
        width = self.span[:, 1] - self.span[:, 0]
        return np.asarray(2e-6 * width + np.abs(self.span).max(axis=1) * 2.0**-24)

    def contract(self) -> Sequence[str]:
        bound = "within 2e-6 of the span of y, and the rounding of y to float32"
        if self.input.is_integer:
            return ["every tree's leaf is the one that the encoded x reaches", "sums are exact in int32"]
        return ["every tree's leaf is scikit-learn's for every x that it accepts", f"the mean is {bound}"]


@converts("sklearn.ensemble.RandomForestClassifier", "sklearn.ensemble.ExtraTreesClassifier")
def classifier(estimator: Any) -> ForestClassifier:
    """Convert a forest of classifiers."""
    fitted = [e.tree_ for e in estimator.estimators_]
    trees, values = from_sklearn(fitted)
    several = estimator.n_outputs_ > 1
    return ForestClassifier(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing(fitted)),
        classes=tuple(estimator.classes_) if several else (estimator.classes_,),
        trees=trees,
        values=values,
        share=0,
    )


@converts("sklearn.ensemble.RandomForestRegressor", "sklearn.ensemble.ExtraTreesRegressor")
def regressor(estimator: Any) -> ForestRegressor:
    """Convert a forest of regressors."""
    fitted = [e.tree_ for e in estimator.estimators_]
    trees, values = from_sklearn(fitted)
    y = values[:, :, 0]
    return ForestRegressor(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing(fitted)),
        span=np.stack([y.min(axis=0), y.max(axis=0)], axis=1),
        trees=trees,
        values=values,
        exponents=np.zeros(y.shape[1], np.int32),
        base=np.zeros(y.shape[1], np.float32),
    )
