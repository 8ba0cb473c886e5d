"""Several targets one after another: each model is also given what those before it have answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import (
    Classifier,
    DecisionClassifier,
    Layout,
    Model,
    NumericModel,
    ProbabilisticClassifier,
    Regressor,
    Transformer,
)
from micromlgen.models._combined import linear_regressor, numbers_of, regressors, stacked
from micromlgen.models._matrix import Matrix
from micromlgen.models._sequence import SELECTION
from micromlgen.models._stage import only_layout
from micromlgen.models.answers import What, answers
from micromlgen.models.chain import chained
from micromlgen.models.regression import LinearRegressor
from micromlgen.models.scalers import of_map
from micromlgen.models.union import beside

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class _Picked(Model):
    #: The feature that each target is.
    picked: NDArray[np.int64]

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def quantize(self, inputs: Input, by: Calibration) -> Model:
        return replace(self, input=inputs)

    def layouts(self) -> Sequence[Layout]:
        return only_layout("picked", [], (30, 20, 20, 20), [8.0 * len(self.picked)] * 4)


@dataclass(frozen=True, eq=False)
class Numbers(_Picked, Regressor):
    """Some of the features are the answer."""

    @property
    def isometric(self) -> bool:
        return True  # all numbers have one scale

    @property
    def output_scale(self) -> float:
        return float(self.input.unit[0])

    def quantize(self, inputs: Input, by: Calibration) -> Numbers:
        span = self.span
        if by.rows is not None and inputs.is_integer:
            seen = by.rows[:, self.picked].astype(np.float64)
            span = np.stack([seen.min(axis=0), seen.max(axis=0)], axis=1)
        return replace(self, input=inputs, span=span)

    def predict(self, Q: Array) -> Array:
        return np.asarray(Q[:, self.picked].astype(self.output_dtype))

    def rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else np.zeros((1, self.n_outputs))

    def moves(self, Q: Array, by: Array) -> Array:
        return np.asarray(by[:, self.picked])

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.zeros(self.n_outputs)

    def boundaries(self) -> Sequence[Array]:
        top = self.input.highest if self.input.is_integer else 1000.0
        return [np.array([-top, 0, top], self.input.dtype)] * self.input.n_features

    def contract(self) -> Sequence[str]:
        return ["numbers are those of the models"]


@dataclass(frozen=True, eq=False)
class Sides(_Picked, Classifier):
    """The second class of a target where its feature is above a border."""

    border: float

    def feature_limits(self) -> NDArray[np.float64]:
        return np.full(self.input.n_features, self.border)

    @property
    def cuts(self) -> list[Any]:
        """The border of each target, as the C has it."""
        if not self.input.is_integer:
            return [np.float32(self.border)] * len(self.picked)
        return [np.int32(np.floor(self.border / self.input.unit[f] + 0.5)) for f in self.picked]

    def predict(self, Q: Array) -> Array:
        return np.asarray(Q[:, self.picked] > np.array(self.cuts), np.int32)

    def boundaries(self) -> Sequence[Array]:
        if not self.input.is_integer:
            border = np.float32(self.border)
            values = [-1000, border, np.nextafter(border, np.float32(1)), 1000]
            return [np.array(values, np.float32)] * self.input.n_features
        top = self.input.highest
        cuts = np.floor(self.border / self.input.unit + 0.5).astype(int).tolist()
        return [np.array([-top, cut, min(cut + 1, top), top], self.input.dtype) for cut in cuts]

    def contract(self) -> Sequence[str]:
        return ["classes are those of the models"]


@dataclass(frozen=True, eq=False)
class ProbableSides(Sides, ProbabilisticClassifier):
    """Features are the probabilities of the second classes."""

    @property
    def proba_one(self) -> int:
        return int(2.0 ** float(np.min(-np.log2(self.input.unit[self.picked]))))

    def predict_proba(self, Q: Array) -> Array:
        one = self.proba_one if self.input.is_integer else 1
        second = Q[:, self.picked]
        if self.input.is_integer:
            second = np.clip(second.astype(np.int64), 0, one)
        return np.stack([one - second, second], axis=2).reshape(len(Q), -1).astype(self.output_dtype)

    def proba_rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else np.full((1, 1), 2.0**-24)

    def proba_moves(self, Q: Array, by: Array) -> Array:
        return np.repeat(by[:, self.picked], 2, axis=1)

    @property
    def isometric(self) -> bool:
        return True  # one unit for all


class _Final:
    """What is left to decide behind the models."""

    def __init__(self, picked: NDArray[np.int64], border: float) -> None:
        self.picked, self.border = picked, border

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        return np.asarray(Z[:, self.picked] > self.border, int)


def _one_by_one(parts: Sequence[Transformer], n_features: int, source: str) -> list[Transformer]:
    """Stages of which each adds one answer to the features."""
    out = []
    for k, part in enumerate(parts):
        n = n_features + k
        every = of_map(SELECTION, Affine.selection(np.arange(n), n))
        out.append(beside(source, [every, part], n))
    return out


def _picked(estimator: Any) -> NDArray[np.int64]:
    """Where the answer for each target is."""
    return np.asarray(estimator.n_features_in_ + np.argsort(estimator.order_), np.int64)


def _given(estimator: Any, X: Array, method: What) -> NDArray[np.float64]:
    """X, and what each model answers of it and of the answers before."""
    rows = np.asarray(X, np.float64)
    for model in estimator.estimators_:
        answer = np.asarray(getattr(model, method)(rows), np.float64)
        answer = answer[:, 1] if answer.ndim == 2 else answer
        rows = np.concatenate([rows, answer[:, None]], axis=1)
    return rows


def _part(title: str, estimator: Any, method: What) -> Transformer:
    model = model_of(estimator)
    if not isinstance(model, Classifier) or model.n_classes != (2,) or model.classes[0].tolist() != [0, 1]:
        raise UnsupportedError(f"{title} needs classifiers of 0 and 1; use MultiOutputClassifier for others")
    if method == "predict":
        return answers(model, method, estimator=estimator)
    if method == "predict_proba" and isinstance(model, ProbabilisticClassifier):
        return answers(model, method, (1,), estimator)
    if method == "decision_function" and isinstance(model, DecisionClassifier):
        return answers(model, method, estimator=estimator)
    raise UnsupportedError(
        f"{title}: the {method} of {model.source} cannot be ported; use chain_method='predict'"
    )


@converts("sklearn.multioutput.ClassifierChain")
def classifiers(estimator: Any) -> Model:
    """Convert a chain of classifiers of 0 and 1.

    Raises
    ------
    UnsupportedError
        If there are other classes, or what a model adds to the features cannot be ported.
    """
    title, method = type(estimator).__name__, cast(What, getattr(estimator, "chain_method_", "predict"))
    parts = [_part(title, e, method) for e in estimator.estimators_]
    n, picked = estimator.n_features_in_, _picked(estimator)
    border = 0.0 if method == "decision_function" else 0.5
    kind = ProbableSides if method == "predict_proba" else Sides
    classes = tuple(np.arange(2) for _ in parts)
    inputs = Input(n + len(parts))
    last = kind(source=title, input=inputs, classes=classes, picked=picked, border=border)

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        return _Final(picked, border), _given(own, X, method)

    return replace(chained(_one_by_one(parts, n, title), last, title), split=split)


@converts("sklearn.multioutput.RegressorChain")
def numbers(estimator: Any) -> Model:
    """Convert a chain of regressors; linear ones become one linear model.

    Raises
    ------
    UnsupportedError
        If one of them cannot be ported.
    """
    title, n = type(estimator).__name__, estimator.n_features_in_
    models = [model_of(e) for e in estimator.estimators_]
    regressors(models, title)
    own = [stacked([m], LinearRegressor) for m in models]
    rows = [r for r in own if r is not None]
    if len(rows) == len(models):
        return linear_regressor(_unrolled(rows, n, np.argsort(estimator.order_)), title)
    parts = numbers_of(models, estimator.estimators_)
    spans = [m.span for m in models if isinstance(m, NumericModel)]
    order, picked = np.argsort(estimator.order_), _picked(estimator)
    inputs = Input(n + len(parts))
    last = Numbers(source=title, input=inputs, span=np.concatenate(spans)[order], picked=picked)

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        return _Final(picked, 0.0), _given(own, X, "predict")

    return replace(chained(_one_by_one(parts, n, title), last, title), split=split)


def _unrolled(rows: Sequence[Matrix], n_features: int, order: NDArray[np.int64]) -> Matrix:
    """Products with x alone: what a model makes of answers, it makes of the rows of their models."""
    weights, bias = np.zeros((0, n_features)), np.zeros(0)
    for row in rows:
        of_x, of_answers = row.weights[:, :n_features], row.weights[:, n_features:]
        weights = np.concatenate([weights, of_x + of_answers @ weights])
        bias = np.concatenate([bias, row.bias + of_answers @ bias])
    return Matrix(weights[order], bias[order])
