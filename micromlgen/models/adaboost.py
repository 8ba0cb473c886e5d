"""AdaBoost of models that are no trees: their weighted votes, or the weighted median of their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Classifier, DecisionClassifier, Layout, Model, ProbabilisticClassifier, Regressor
from micromlgen.models import _links, boosting, median
from micromlgen.models._adaboost import from_adaboost
from micromlgen.models._combined import combined, numbers_of, regressors
from micromlgen.models._links import Link
from micromlgen.models._nodes import are_trees
from micromlgen.models._shares import PROBA_ONE, softmax_shift
from micromlgen.models._stage import ULP, only_layout
from micromlgen.models.answers import answers
from micromlgen.tables import narrow

Array = NDArray[Any]
#: The contract: relative to all weights, how far the two best votes, or the votes and a half, are apart.
_MARGIN = 1e-6
#: Weights of integer modes, and of medians, add up to this, of which four are in range.
_WHOLE = 1 << 28


@dataclass(frozen=True, eq=False)
class Boosters(DecisionClassifier, ProbabilisticClassifier):
    """SAMME: a model gives its weight to the class that it names; features are the indices of classes.

    A decision is ``(K * sum of weights - 1) / (K - 1)``, of K classes and weights that add up to one; between
    two classes there is the difference of their decisions.
    """

    #: float64, shape (n_models,), that add up to one; then times `gain`, float32 or int32.
    weights: Array

    def feature_limits(self) -> NDArray[np.float64]:
        return np.full(self.input.n_features, self.n_classes[0] - 1.0)

    def takes_integers(self) -> bool:
        return True

    def quantize(self, inputs: Input, by: Calibration) -> Boosters:
        weights = self.weights * self.gain
        stored = (
            np.rint(weights * _WHOLE).astype(np.int32) if inputs.is_integer else weights.astype(np.float32)
        )
        return replace(self, input=inputs, weights=stored)

    @property
    def one(self) -> int:
        """The feature of class 1."""
        return round(1 / float(self.input.unit[0]))

    @property
    def of_classes(self) -> bool:
        return True

    @property
    def gain(self) -> float:
        """What a decision takes of the weights."""
        n = self.n_classes[0]
        return 4.0 if n == 2 else n / (n - 1)

    @property
    def base(self) -> Any:
        """The decision for a class that none names, int32 or float32."""
        lost = -2.0 if self.n_scores == 1 else 1 - self.gain
        return np.int32(round(lost * _WHOLE)) if self.input.is_integer else np.float32(lost)

    @property
    def n_scores(self) -> int:
        """How many decisions there are."""
        return 1 if self.n_classes[0] == 2 else self.n_classes[0]

    @property
    def n_decisions(self) -> int:
        return self.n_scores

    @property
    def decision_scale(self) -> float:
        return 1 / _WHOLE

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def link(self) -> Link:
        """From decisions times `factor` to probabilities."""
        return "logistic" if self.n_scores == 1 else "softmax"

    @property
    def factor(self) -> float:
        """What exponentials take of a decision."""
        return 1 / (self.n_classes[0] - 1)

    @property
    def exponential(self) -> Exponential | None:
        """Of integer decisions."""
        return fixedpoint.exponential(self.factor / _WHOLE) if self.input.is_integer else None

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_scores)

    def scores(self, Q: Array) -> Array:
        """Decisions, shape (n, n_scores): int64 or float64."""
        names = np.arange(self.n_classes[0])[-self.n_scores :] * (self.one if self.input.is_integer else 1)
        weights = self.weights.astype(np.int64 if self.input.is_integer else np.float64)
        return np.asarray(np.einsum("nmk,m->nk", Q[:, :, None] == names, weights) + self.base)

    def decision_function(self, Q: Array) -> Array:
        return np.asarray(self.scores(Q), np.int32 if self.input.is_integer else np.float32)

    def predict(self, Q: Array) -> Array:
        scores = self.scores(Q)
        return np.asarray(scores[:, 0] > 0 if self.n_scores == 1 else scores.argmax(axis=1), np.int32)

    def predict_proba(self, Q: Array) -> Array:
        scores = self.scores(Q)
        if self.input.is_integer:
            return _links.integer_probabilities(scores, self.link, self.factor / _WHOLE)
        return _links.probabilities(scores * self.factor, self.link).astype(np.float32)

    def rounding(self, Q: Array) -> Array | None:
        if self.input.is_integer:
            return None
        return np.full((len(Q), 1), (len(self.weights) + 4) * 4 * ULP)

    def moves(self, Q: Array, by: Array) -> Array:
        # A feature that may be another one may name another class.
        return np.asarray((by > 0) @ np.abs(self.weights.astype(np.float64))[:, None])

    def proba_rounding(self, Q: Array) -> Array | None:
        off = self.rounding(Q)
        return None if off is None else _links.off(self.scores(Q) * self.factor, off, self.link)

    def proba_moves(self, Q: Array, by: Array) -> Array:
        return 2 * self.moves(Q, by)

    def _gap(self, scores: Array) -> NDArray[np.float64]:
        if self.n_scores == 1:
            return np.asarray(np.abs(scores))
        best = np.sort(scores, axis=1)
        return np.asarray(best[:, -1:] - best[:, -2:-1])

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        off = self.rounding(Q)
        return super().unsure(Q) if off is None else np.asarray(self._gap(self.scores(Q)) <= 2 * off)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        return np.asarray(self._gap(estimator.scores(X)) <= _MARGIN)

    def boundaries(self) -> Sequence[Array]:
        names = np.arange(self.n_classes[0]) * (self.one if self.input.is_integer else 1)
        return [names.astype(self.input.dtype)] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        work = [c * self.input.n_features for c in (250.0, 130, 8, 130)]
        return only_layout("votes", [self.weights], (700, 500, 250, 600), work)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["decisions are sums of integers that provably stay in 32 bits"]
        return [f"the class is scikit-learn's where its two best decisions differ by {_MARGIN:g}"]


class _Final:
    """What decides behind the models, in float64."""

    def __init__(self, votes: Boosters) -> None:
        self.votes = votes.quantize(votes.input, Calibration())
        self.weights = votes.weights * votes.gain

    def scores(self, Z: Array) -> NDArray[np.float64]:
        """As of `Boosters`."""
        return np.asarray(replace(self.votes, weights=self.weights).scores(Z), np.float64)

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        scores = self.scores(Z)
        return np.asarray(scores[:, 0] > 0 if scores.shape[1] == 1 else scores.argmax(axis=1), int)


@dataclass(frozen=True, eq=False)
class Median(Regressor):
    """The lowest feature at which the weights of those up to it reach half of all."""

    #: Integers, shape (n_features,).
    weights: NDArray[np.int64]

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    @property
    def isometric(self) -> bool:
        return True

    def quantize(self, inputs: Input, by: Calibration) -> Median:
        span = self.span
        if inputs.is_integer and by.rows is not None:
            span = np.array([[by.rows.min(), by.rows.max()]], np.float64)
        return replace(self, input=inputs, span=span)

    @property
    def output_scale(self) -> float:
        return float(self.input.unit[0])

    @property
    def half(self) -> int:
        """The weight that has to be reached."""
        return -(-int(self.weights.sum()) // 2)

    @property
    def table(self) -> Array:
        """The weights in the narrowest type."""
        return narrow(self.weights)

    def _reached(self, Q: Array) -> tuple[Array, NDArray[np.int64]]:
        order = np.argsort(Q, axis=1, kind="stable")
        return order, np.cumsum(self.weights[order], axis=1)

    def predict(self, Q: Array) -> Array:
        order, reached = self._reached(Q)
        at = (reached >= self.half).argmax(axis=1)
        rows = np.arange(len(Q))
        return np.asarray(Q[rows, order[rows, at]].astype(self.output_dtype))

    def moves(self, Q: Array, by: Array) -> Array:
        # No further than the feature that moves most.
        return np.asarray(by.max(axis=1, keepdims=True))

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        _, reached = self._reached(X)
        far = np.abs(reached / self.weights.sum() - 0.5).min(axis=1)
        return np.asarray(far <= _MARGIN)[:, None]

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(2.0**-23 * np.abs(X).max(axis=1, keepdims=True))

    def boundaries(self) -> Sequence[Array]:
        top = self.input.highest if self.input.is_integer else 1000.0
        return [np.array([-top, 0, k, top], self.input.dtype) for k in range(self.input.n_features)]

    def layouts(self) -> Sequence[Layout]:
        work = [c * self.input.n_features**2 for c in (30.0, 20, 6, 20)]
        return only_layout("median", [self.table], (350, 200, 160, 220), work)

    def contract(self) -> Sequence[str]:
        return [f"the median is that of the models where weights are further than {_MARGIN:g} from one half"]


@converts("sklearn.ensemble.AdaBoostClassifier")
def classifier(estimator: Any) -> Model:
    """Convert boosted classifiers.

    Raises
    ------
    UnsupportedError
        If SAMME.R boosts others than trees, or a model lacks a class.
    """
    if are_trees(estimator.estimators_):
        return boosting.of_boosted(from_adaboost(estimator))
    title, classes = type(estimator).__name__, np.asarray(estimator.classes_)
    if getattr(estimator, "algorithm", "SAMME") == "SAMME.R":
        raise UnsupportedError(f"{title}(algorithm='SAMME.R') of no trees cannot be ported; use 'SAMME'")
    members = list(estimator.estimators_)
    models = [model_of(e) for e in members]
    for model in models:
        if not isinstance(model, Classifier) or not np.array_equal(model.classes[0], classes):
            raise UnsupportedError(f"{title}: a {model.source} knows other classes; fit it on more rows")
    weights = np.asarray(estimator.estimator_weights_[: len(members)], np.float64)
    final = Boosters(
        source=title, input=Input(len(members)), classes=(classes,), weights=weights / weights.sum()
    )

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        named = [np.searchsorted(own.classes_, e.predict(X)) for e in own.estimators_]
        return _Final(final), np.stack(named, axis=1)

    pairs = zip(models, members, strict=True)
    return combined([answers(m, "predict", estimator=e) for m, e in pairs], final, title, split)


@converts("sklearn.ensemble.AdaBoostRegressor")
def regressor(estimator: Any) -> Model:
    """Convert boosted regressors."""
    if are_trees(estimator.estimators_):
        return median.regressor(estimator)
    title, members = type(estimator).__name__, list(estimator.estimators_)
    models = [model_of(e) for e in members]
    regressors(models, title)
    weights = np.asarray(estimator.estimator_weights_[: len(members)], np.float64)
    final = Median(
        source=title,
        input=Input(len(members)),
        span=np.zeros((1, 2)),
        weights=np.rint(weights / weights.sum() * _WHOLE).astype(np.int64),
    )

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        return final, np.stack([e.predict(X) for e in own.estimators_], axis=1)

    return combined(numbers_of(models, members), final, title, split)
