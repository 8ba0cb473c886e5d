"""DecisionTree and ExtraTree: one tree, whose leaf is the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, ProbabilisticClassifier, Regressor
from micromlgen.models import _code
from micromlgen.models._coarse import SHARE_LEVELS, rounded_shares
from micromlgen.models._leaves import LeafTable, coded
from micromlgen.models._nodes import from_sklearn, trained_on_missing
from micromlgen.models._on_trees import OnTrees
from micromlgen.models._orders import Ordered
from micromlgen.models._table import table_layouts
from micromlgen.models._trees import Array, Trees
from micromlgen.tables import narrow, unsigned_for

#: Probabilities of integer modes: Q15, with a full one representable.
_PROBA_ONE = 1 << 15
# Bytes and cycles of a leaf, measured with -Os: one that returns its answer, and the look-up of it.
_RETURN = ((4.0, 8.0), (3.0, 3.0), (3.0, 3.0), (4.0, 3.0))
_LOOK_UP = ((60.0, 40.0), (20.0, 10.0), (20.0, 10.0), (20.0, 10.0))


@dataclass(frozen=True, eq=False)
class _Tree(OnTrees):
    @property
    @abstractmethod
    def answers(self) -> Array:
        """What `predict` gives for each row of `values`, shape (n_distinct, n_outputs)."""

    def predict(self, Q: Array) -> Array:
        y = self.answers[self.apply(Q)[:, 0]]
        return y[:, 0] if self.n_outputs == 1 else y

    def layouts(self) -> Sequence[Layout]:
        straight = _code.code_layout("code", self._deciding, self.input, self._code, _RETURN)
        if not len(self.trees.skip):  # C has no empty tables
            return [straight]
        answers = self._stored_answers()
        is_row = answers.dtype.kind == "u" and bool((answers[:, 0] == np.arange(len(answers))).all())
        context = {"answers": answers, "row_is_answer": is_row}
        return [straight, *table_layouts(self.trees, self.input, self._leaf_table, context, _LOOK_UP)]

    def _leaf_table(self, ordered: Ordered) -> LeafTable:
        return coded(np.arange(len(self.values)), ordered)

    @property
    def _row_dtype(self) -> np.dtype[Any]:
        return unsigned_for(len(self.values) - 1)

    @cached_property
    def _deciding(self) -> Trees:
        """The tree as far as `predict` needs it: of one output, leaves with one answer count as one."""
        return self.trees.merged(self.answers[:, 0]) if self.n_outputs == 1 else self.trees

    def _code(self) -> dict[str, Any]:
        return {
            "row_is_answer": False,
            "steps": list(_code.steps(self.trees, self.input, 0)),
            "deciding_steps": list(_code.steps(self._deciding, self.input, 0)),
            "row_dtype": self._row_dtype,
            "answers": self._stored_answers(),
        }

    def _stored_answers(self) -> Array:
        if self.kind == "regressor":
            return self.answers
        return narrow(self.answers)


@dataclass(frozen=True, eq=False)
class TreeClassifier(_Tree, ProbabilisticClassifier):
    """After `quantize`, `values` are probabilities as the C writes them: float32, or integers of `proba_one`.

    The class of a leaf is the argmax of scikit-learn's own float64 shares, the lowest index among equals.
    """

    leaf_levels = SHARE_LEVELS
    #: Class index of each row of `values` and output, shape (n_distinct, n_outputs).
    best: NDArray[np.int32]

    def arranged(self, trees: Trees, values: Array) -> TreeClassifier:
        best = values.argmax(axis=2).astype(np.int32)
        # By class, so that a tree of pure leaves needs no table from leaf to class.
        order = np.lexsort(best.T[::-1])
        trees = replace(trees, leaf=np.argsort(order).astype(np.int32)[trees.leaf])
        return replace(self, trees=trees, values=values[order], best=best[order])

    def levelled(self, values: Array, weight: NDArray[np.float64], levels: int) -> Array:
        return rounded_shares(values, levels)

    @property
    def proba_one(self) -> int:
        return _PROBA_ONE

    def quantize(self, inputs: Input, by: Calibration) -> TreeClassifier:
        one = _PROBA_ONE if inputs.is_integer else 1
        shares = np.concatenate([self.values[:, o, :k] for o, k in enumerate(self.n_classes)], axis=1)
        scaled = np.rint(shares * one) if inputs.is_integer else shares
        dtype = np.uint16 if inputs.is_integer else np.float32
        return replace(
            self, input=inputs, trees=self.trees.quantize(inputs, by.rows), values=scaled.astype(dtype)
        )

    @property
    def answers(self) -> Array:
        return self.best

    def predict_proba(self, Q: Array) -> Array:
        return np.asarray(self.values[self.apply(Q)[:, 0]])

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["the class of the leaf that the encoded x reaches; probabilities within 2^-16"]
        return ["the class is scikit-learn's for every x that it accepts; probabilities within 2^-24"]


@dataclass(frozen=True, eq=False)
class TreeRegressor(_Tree, Regressor):
    """After `quantize`, `values` are the answers, (n_distinct, n_outputs): float32 or scaled int32."""

    exponent: int

    @property
    def output_scale(self) -> float:
        return float(2.0**-self.exponent)

    def quantize(self, inputs: Input, by: Calibration) -> TreeRegressor:
        if np.abs(self.values).max() > np.finfo(np.float32).max:
            raise UnsupportedError(f"{self.source} predicts values beyond float32; scale the targets")
        values: Array = self.values[:, :, 0].astype(np.float32)
        exponent = 0
        if inputs.is_integer:
            exponent = fixedpoint.sum_exponent(np.abs(self.values).max(keepdims=True), 1)
            values = np.rint(np.ldexp(self.values[:, :, 0], exponent)).astype(np.int32)
        return replace(
            self, input=inputs, trees=self.trees.quantize(inputs, by.rows), values=values, exponent=exponent
        )

    @property
    def answers(self) -> Array:
        return self.values

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """Only the rounding of the leaf itself to float32."""
        return np.asarray(np.abs(self.span).max(axis=1) * 2.0**-24 + np.finfo(np.float32).smallest_subnormal)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["the value of the leaf that the encoded x reaches, to half a unit of the output scale"]
        return ["the value is scikit-learn's, rounded to float32, for every x that it accepts"]


@converts("sklearn.tree.DecisionTreeClassifier", "sklearn.tree.ExtraTreeClassifier")
def classifier(estimator: Any) -> TreeClassifier:
    """Convert a tree classifier."""
    trees, values = from_sklearn([estimator.tree_])
    several = estimator.n_outputs_ > 1
    model = TreeClassifier(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing([estimator.tree_])),
        classes=tuple(estimator.classes_) if several else (estimator.classes_,),
        trees=trees,
        values=values,
        best=np.empty((0, 0), np.int32),
    )
    return model.arranged(trees, values)


@converts("sklearn.tree.DecisionTreeRegressor", "sklearn.tree.ExtraTreeRegressor")
def regressor(estimator: Any) -> TreeRegressor:
    """Convert a tree regressor."""
    trees, values = from_sklearn([estimator.tree_])
    return TreeRegressor(
        source=type(estimator).__name__,
        input=Input(estimator.n_features_in_, missing=trained_on_missing([estimator.tree_])),
        span=np.stack([values[:, :, 0].min(axis=0), values[:, :, 0].max(axis=0)], axis=1),
        trees=trees,
        values=values,
        exponent=0,
    )
