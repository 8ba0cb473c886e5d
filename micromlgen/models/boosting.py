"""Boosted trees: GradientBoosting, HistGradientBoosting, and the boosters of XGBoost, LightGBM and CatBoost.

Leaves add integers in units of ``2**-exponent`` to one raw score, or to one for each class. A class is the
comparison of raw scores; probabilities take the exponential in fixed point, so that no float routine of the
compiler or of libm decides about their bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import DecisionClassifier, Model, ProbabilisticClassifier, Regressor
from micromlgen.models._boosted import Boosted, Link
from micromlgen.models._catboost import from_catboost
from micromlgen.models._gradient import from_gradient_boosting
from micromlgen.models._hist import from_hist_gradient_boosting
from micromlgen.models._lightgbm import from_lightgbm
from micromlgen.models._nodes import from_nodes
from micromlgen.models._shares import PROBA_ONE, sigmoid, softmax, softmax_shift
from micromlgen.models._sums import OnSums, WatchedSums
from micromlgen.models._trees import Array
from micromlgen.models._xgboost import from_xgboost

#: Largest leaf, in units.
_LARGEST = 2**31 - 1
#: Bits of a leaf that are tried, the sign included.
_LEAF_BITS = (8, 16, 24, 32)


@dataclass(frozen=True, eq=False)
class _Boosting(OnSums):
    #: Raw scores before the first tree, float64 of shape (n_sums,).
    base: NDArray[np.float64]
    link: Link
    #: The link is applied to ``factor * raw``.
    factor: float
    #: Sums are raw scores in units of ``2**-exponent``.
    exponent: int
    #: As of `Boosted`.
    sums_float32: bool

    @property
    def sum_dtype(self) -> np.dtype[Any]:
        """int32: `quantize` scales the leaves so that no sum, and no difference of two, leaves it."""
        return np.dtype(np.int32)

    @property
    def unit(self) -> float:
        """One unit of a sum; a power of two."""
        return float(2.0**-self.exponent)

    @property
    def bound(self) -> float:
        """Most that a raw score may differ from the exact one.

        n · 2⁻²⁴ of the sum of the largest leaves of its n trees; of many trees 2⁻²⁰ is enough and kept.
        """
        return float(min(self._per_score, 16) * 2.0**-24 * self._magnitude().max() * self.unit)

    @property
    def _per_score(self) -> float:
        """Trees that add to one score."""
        return float(self.n_trees * self.values.shape[1] / self.n_sums)

    def _magnitude(self) -> NDArray[np.float64]:
        """Of each score, the sum of the largest leaves of its trees: it bounds any part of the sum."""
        return self.added(self.largest(np.abs(self.values)))

    @property
    def library_rounding(self) -> float:
        """Most that the library's own float32 sum differs from the exact one; 0 where it adds in float64."""
        if not self.sums_float32:
            return 0.0
        magnitude = self._magnitude().max() * self.unit
        return float(self.n_trees * 2.0**-24 * (np.abs(self.base).max() + magnitude)) + 1e-7

    def _quantized(self, inputs: Input, by: Calibration, base: NDArray[np.float64]) -> _Boosting:
        """Leaves at the narrowest width that keeps to `bound`, trees that decide most first."""
        largest = float(np.abs(self.values).max())
        # One bit below int32, for the difference of two scores.
        most = fixedpoint.sum_exponent(self._magnitude() + np.abs(base), self.n_trees + 1) - 1
        exponent = most
        terms = self._per_score + 1
        for bits in _LEAF_BITS:
            fitting = fixedpoint.sum_exponent(np.array([largest]), 1) - (32 - bits)
            if fitting < most and terms * 2.0 ** -(fitting + 1) <= self.bound:
                exponent = fitting
                break
        values = np.rint(np.ldexp(self.values, exponent))
        start = np.rint(np.ldexp(base, exponent))
        if max(np.abs(values).max(), np.abs(start).max()) > _LARGEST:
            raise UnsupportedError(f"{self.source}: leaves are beyond 1e30; fit with a smaller learning rate")
        if largest and terms * 2.0 ** -(exponent + 1) > self.bound + np.abs(base).max() * 2.0**-24:
            raise UnsupportedError(f"{self.source}: leaves are too small for their base; scale the targets")
        order = self._order()
        return replace(
            self,
            input=inputs,
            trees=self.trees.quantize(inputs, by.rows).reordered(order),
            values=values.astype(np.int64),
            column=self.column[order],
            start=start.astype(np.int64),
            exponent=exponent,
        )

    @property
    def _per_round(self) -> int:
        """Trees that have to stay together: where there is one for each score, those of a round."""
        return self.n_sums if self.values.shape[1] == 1 else 1

    def thinned(self, share: float, spread: NDArray[np.float64], mean: Array) -> Self:
        """The base takes the mean answer of trees that say little, or but one thing."""
        together = self._per_round
        spreads = spread.reshape(-1, together).sum(axis=1)
        order = np.argsort(-spreads, kind="stable")
        kept = np.zeros(len(order), bool)
        kept[order[: len(order) - int(share * len(order))]] = True
        kept &= self.trees.size.reshape(-1, together).any(axis=1)
        kept[order[0]] |= not kept.any()
        remains = np.repeat(kept, together)
        base = self.base + self.added(np.where(remains[:, None], 0.0, mean))
        return replace(self.chosen(np.flatnonzero(remains)), base=base)

    def _order(self) -> NDArray[np.int64]:
        """Trees in the order of what they can change, most first, so that an answer is certain early.

        Where every round has a tree for each score, rounds stay together.
        """
        change = (self.largest(self.values) + self.largest(-self.values)).max(axis=1)
        rounds = change.reshape(-1, self._per_round).sum(axis=1)
        first = np.argsort(-rounds, kind="stable")
        return np.asarray((first[:, None] * self._per_round + np.arange(self._per_round)).ravel())

    def contract(self) -> list[str]:
        leaf = "the one that the encoded x reaches" if self.input.is_integer else "the library's own"
        return [f"every tree's leaf is {leaf}", f"raw scores are within {self.bound:.2g}"]


@dataclass(frozen=True, eq=False)
class BoostingClassifier(_Boosting, WatchedSums, DecisionClassifier, ProbabilisticClassifier):
    """One raw score decides between two classes, one for each among more."""

    #: Whether a raw score of exactly 0 is the second class.
    threshold_included: bool

    @property
    def cut(self) -> int:
        return -1 if self.threshold_included else 0

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def exponential(self) -> Exponential:
        """Of the differences of scores."""
        return fixedpoint.exponential(self.unit * self.factor)

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_sums)

    @property
    def n_decisions(self) -> int:
        return self.n_sums

    @property
    def decision_scale(self) -> float:
        return self.unit

    def quantize(self, inputs: Input, by: Calibration) -> BoostingClassifier:
        out = self._quantized(inputs, by, self.base)
        assert isinstance(out, BoostingClassifier)
        return out

    def predict(self, Q: Array) -> Array:
        sums = self.sums(Q)
        if self.n_sums == 1:
            return (sums[:, 0] > self.cut).astype(np.int32)
        return np.asarray(sums.argmax(axis=1), np.int32)

    def decision_function(self, Q: Array) -> Array:
        sums = self.sums(Q).astype(np.int32)
        return sums if self.input.is_integer else sums.astype(np.float32) * np.float32(self.unit)

    def predict_proba(self, Q: Array) -> Array:
        sums = self.sums(Q)
        if self.link == "softmax":
            return softmax(sums, self.exponential, self.input.is_integer)
        first, second = sigmoid(sums, self.exponential, self.input.is_integer)
        return second if self.n_sums > 1 else np.concatenate([first, second], axis=1)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        """Rows whose raw score, or whose two best ones, are closer than the bound allows to tell."""
        raw = self.unit * self.sums(self.input.encode(X.astype(np.float32)))
        margin = 4 * self.bound + 2 * self.library_rounding
        if self.n_sums == 1:
            return np.asarray(np.abs(raw) <= margin)
        best = np.sort(raw, axis=1)
        return np.asarray(best[:, -1:] - best[:, -2:-1] <= margin)


@dataclass(frozen=True, eq=False)
class BoostingRegressor(_Boosting, Regressor):
    """One raw score is the answer, or its logarithm."""

    #: Added in the end, in float32: the base where it is not in `start`.
    offset: np.float32
    #: Lowest and highest raw score that the leaves allow.
    raw_span: tuple[float, float]

    @property
    def logarithmic(self) -> bool:
        """Whether raw scores are logarithms."""
        return self.link == "exp"

    @property
    def exponential(self) -> Exponential:
        """Of the scores."""
        return fixedpoint.exponential(self.unit * self.factor)

    @property
    def output_exponent(self) -> int:
        """Integer modes give the answer in units of ``2**-output_exponent``."""
        if self.link == "logistic":
            return 15
        if not self.logarithmic:
            return self.exponent
        return fixedpoint.sum_exponent(np.exp([self.raw_span[1] + self.bound]), 1)

    @property
    def output_scale(self) -> float:
        return float(2.0**-self.output_exponent)

    def quantize(self, inputs: Input, by: Calibration) -> BoostingRegressor:
        if np.abs(self.span).max() > np.finfo(np.float32).max:
            raise UnsupportedError(f"{self.source} predicts values beyond float32; scale the targets")
        if self.logarithmic and np.abs(self.raw_span).max() >= fixedpoint.EXP_LIMIT:
            raise UnsupportedError(
                f"{self.source}: leaves allow raw scores beyond ±{fixedpoint.EXP_LIMIT:g}, whose "
                "exponentials are not ported; scale the targets, or fit fewer trees or with a smaller "
                "learning rate"
            )
        # A base far from the scores would cost them resolution; float32 adds it in the end.
        inside = inputs.is_integer or self.link != "identity"
        out = self._quantized(inputs, by, self.base if inside else np.zeros_like(self.base))
        assert isinstance(out, BoostingRegressor)
        return replace(out, offset=np.float32(0 if inside else self.base[0]))

    def predict(self, Q: Array) -> Array:
        sums = self.sums(Q)[:, 0]
        if self.link == "logistic":
            return sigmoid(sums, self.exponential, self.input.is_integer)[1].astype(self.output_dtype)
        if self.logarithmic:
            mantissa, k = fixedpoint.exp(sums, self.exponential)
            if not self.input.is_integer:
                return np.asarray(mantissa.astype(np.float32) * np.ldexp(np.float32(1), k - 30))
            shift = 30 - self.output_exponent - k
            right = np.where(shift < 32, mantissa >> np.clip(shift, 0, 31).astype(np.uint64), np.uint64(0))
            return np.where(shift < 0, mantissa << np.uint64(1), right).astype(np.int32)
        if self.input.is_integer:
            return sums.astype(np.int32)
        y = sums.astype(np.int32).astype(np.float32) * np.float32(self.unit) + self.offset
        return np.asarray(y)

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        """The bound of the raw score, and the rounding of the answer itself to float32."""
        largest = np.abs(self.span).max()
        raw = 2 * self.bound + self.library_rounding
        if self.logarithmic:
            return np.array([(raw + 5e-7) * largest])
        if self.link == "logistic":
            return np.array([raw + 1e-6])
        return np.array([raw + largest * 2.0**-23 + np.finfo(np.float32).smallest_subnormal])


def of_boosted(boosted: Boosted) -> Model:
    """The model of what a booster has learnt.

    Raises
    ------
    UnsupportedError
        If it has learnt one class only, or categories beside numbers that count as missing.
    """
    categories = boosted.categories
    if categories is not None and boosted.also_missing is not None:
        raise UnsupportedError(
            f"{boosted.source}: categories beside numbers that count as missing cannot be ported; fit "
            "without zero_as_missing"
        )
    trees, values = from_nodes(
        boosted.nodes, boosted.feature, boosted.threshold, boosted.missing_left, boosted.value, categories
    )
    trees = replace(trees, narrowed=boosted.narrowed)
    common: dict[str, Any] = {
        "source": boosted.source,
        "input": Input(
            boosted.n_features,
            missing=boosted.missing,
            also_missing=boosted.also_missing,
            codes=categories is not None and categories.codes,
        ),
        "trees": trees,
        "values": values,
        "column": boosted.column,
        "start": np.zeros(len(boosted.base), np.int64),
        "base": boosted.base,
        "link": boosted.link,
        "factor": boosted.factor,
        "exponent": 0,
        "sums_float32": boosted.sums_float32,
    }
    if boosted.classes is not None and len(boosted.classes) < 2:
        raise UnsupportedError(f"{boosted.source} was fitted on one class; fit it on two or more")
    if boosted.classes is not None:
        return BoostingClassifier(
            **common, classes=(boosted.classes,), threshold_included=boosted.threshold_included
        )
    model = BoostingRegressor(**common, span=np.zeros((1, 2)), offset=np.float32(0), raw_span=(0.0, 0.0))
    low = float(boosted.base[0] - model.added(model.largest(-values))[0])
    high = float(boosted.base[0] + model.added(model.largest(values))[0])
    with np.errstate(over="ignore"):
        span = np.exp([[low, high]]) if model.logarithmic else np.array([[low, high]])
    if boosted.link == "logistic":
        span = np.array([[0.0, 1.0]])
    return replace(model, span=span, raw_span=(low, high))


#: Who turns a fitted estimator into `Boosted`, by its import path.
_IMPORTERS: Mapping[str, Callable[[Any], Boosted]] = {
    **dict.fromkeys(
        ("sklearn.ensemble.GradientBoostingClassifier", "sklearn.ensemble.GradientBoostingRegressor"),
        from_gradient_boosting,
    ),
    **dict.fromkeys(
        (
            "sklearn.ensemble.HistGradientBoostingClassifier",
            "sklearn.ensemble.HistGradientBoostingRegressor",
        ),
        from_hist_gradient_boosting,
    ),
    **dict.fromkeys(
        (
            "xgboost.XGBClassifier",
            "xgboost.XGBRegressor",
            "xgboost.XGBRanker",
            "xgboost.XGBRFClassifier",
            "xgboost.XGBRFRegressor",
        ),
        from_xgboost,
    ),
    **dict.fromkeys(
        ("lightgbm.LGBMClassifier", "lightgbm.LGBMRegressor", "lightgbm.LGBMRanker"), from_lightgbm
    ),
    **dict.fromkeys(
        ("catboost.CatBoostClassifier", "catboost.CatBoostRegressor", "catboost.CatBoostRanker"),
        from_catboost,
    ),
}


def _converter(importer: Callable[[Any], Boosted]) -> Callable[[Any], Model]:
    return lambda estimator: of_boosted(importer(estimator))


for _path, _importer in _IMPORTERS.items():
    converts(_path)(_converter(_importer))
