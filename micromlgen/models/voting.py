"""Votes over classes: of probabilities, or of the classes themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Calibration, Classifier, Input, Layout, Model, ProbabilisticClassifier
from micromlgen.models._combined import combined, weighted_sum
from micromlgen.models._stage import ULP, only_layout
from micromlgen.models.answers import What, answers

Array = NDArray[Any]
#: The contract: the class is scikit-learn's where the two best differ by this share of all votes.
_MARGIN = 1e-5


@dataclass(frozen=True, eq=False)
class _Votes(Classifier):
    #: Of each voter; they add up to 1 where probabilities are averaged.
    weights: Array

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return False

    def quantize(self, inputs: Input, by: Calibration) -> Model:
        if inputs.is_integer:
            raise UnsupportedError(f"{self.source} cannot be ported in integers; use dtype='float32'")
        return replace(self, input=inputs, weights=self.weights.astype(np.float32))

    def shares(self, Q: Array) -> NDArray[np.float64]:
        """Votes of each class, shape (n, n_classes)."""
        raise NotImplementedError

    def predict(self, Q: Array) -> Array:
        return np.asarray(self.shares(Q).argmax(axis=1), np.int32)

    def gap(self, Q: Array) -> NDArray[np.float64]:
        """How many votes the first class is before the second, shape (n, 1)."""
        best = np.sort(self.shares(Q), axis=1)
        return best[:, -1:] - best[:, -2:-1]

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        rounding = self.rounding(Q)
        return super().unsure(Q) if rounding is None else np.asarray(self.gap(Q) <= 2 * rounding)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        gap = self.gap(X)
        return np.asarray((gap <= _MARGIN * np.abs(self.weights).sum()) & (gap > 0))

    def layouts(self) -> Sequence[Layout]:
        n = self.input.n_features
        return only_layout("votes", [self.weights], (400, 300, 100, 300), [c * n for c in (250, 130, 8, 130)])


@dataclass(frozen=True, eq=False)
class MeanShares(_Votes, ProbabilisticClassifier):
    """The mean of the probabilities that several voters give."""

    #: Whether they are divided by their sum; where that is 0 they stay so.
    normalized: bool = False

    @property
    def proba_one(self) -> int:
        return 1

    def shares(self, Q: Array) -> NDArray[np.float64]:
        each = Q.astype(np.float64).reshape(len(Q), len(self.weights), -1)
        return np.asarray(np.einsum("nmk,m->nk", each, self.weights.astype(np.float64)))

    def predict_proba(self, Q: Array) -> Array:
        shares = self.shares(Q)
        whole = shares.sum(axis=1, keepdims=True) if self.normalized else np.ones((len(Q), 1))
        return np.divide(shares, whole, out=shares, where=whole != 0).astype(np.float32)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        return self.gap(X) <= _MARGIN

    def rounding(self, Q: Array) -> Array:
        return np.asarray((len(self.weights) + 2) * ULP * self.shares(np.abs(Q)).max(axis=1, keepdims=True))

    def moves(self, Q: Array, by: Array) -> Array:
        return self.shares(by)

    def proba_rounding(self, Q: Array) -> Array:
        return self._shared(Q, self.rounding(Q))

    def proba_moves(self, Q: Array, by: Array) -> Array:
        return self._shared(Q, self.moves(Q, by).max(axis=1, keepdims=True))

    def _shared(self, Q: Array, off: Array) -> Array:
        """The error of probabilities from that of votes, shape (n, 1)."""
        if not self.normalized:
            return off
        n = self.n_classes[0]
        whole = self.shares(Q).sum(axis=1, keepdims=True) - n * off
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(whole > 0, (n + 1) * off / whole + 4 * ULP, 1.0)

    def boundaries(self) -> Sequence[Array]:
        return [np.array([0, 0.5, 1], np.float32)] * self.input.n_features

    def contract(self) -> Sequence[str]:
        return [f"the class is scikit-learn's where its two best probabilities differ by {_MARGIN:g}"]


@dataclass(frozen=True, eq=False)
class Majority(_Votes):
    """The class that most voters name, the lowest one where votes tie; features are their indices."""

    @property
    def of_classes(self) -> bool:
        return True

    @property
    def _whole(self) -> bool:
        return bool((self.weights == np.rint(self.weights)).all())

    def shares(self, Q: Array) -> NDArray[np.float64]:
        named = Q[:, :, None] == np.arange(self.n_classes[0])
        return np.asarray(np.einsum("nmk,m->nk", named, self.weights.astype(np.float64)))

    def rounding(self, Q: Array) -> Array | None:
        if self._whole:
            return None
        return np.full((len(Q), 1), len(self.weights) * ULP * float(np.abs(self.weights).sum()))

    def boundaries(self) -> Sequence[Array]:
        return [np.arange(self.n_classes[0], dtype=np.float32)] * self.input.n_features

    def contract(self) -> Sequence[str]:
        return ["the class that most name, the lowest one where votes tie"]


class Final:
    """What decides behind the voters, of their own answers."""

    def __init__(self, votes: Classifier) -> None:
        self.votes = votes

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        return self.votes.predict(Z)


def _weights(estimator: Any) -> NDArray[np.float64]:
    """Of the voters that are not dropped."""
    weights = estimator._weights_not_none
    return np.ones(len(estimator.estimators_)) if weights is None else np.asarray(weights, np.float64)


@converts("sklearn.ensemble.VotingClassifier")
def classifier(estimator: Any) -> Model:
    """Convert a vote over classifiers.

    Raises
    ------
    UnsupportedError
        If it has several outputs, or a voter has no probabilities and is asked for them.
    """
    title, weights = type(estimator).__name__, _weights(estimator)
    if isinstance(estimator.classes_, list) or estimator.classes_.ndim != 1:
        raise UnsupportedError(f"{title} with several outputs cannot be ported; use MultiOutputClassifier")
    soft = estimator.voting == "soft"
    models = [model_of(e) for e in estimator.estimators_]
    for model in models:
        if soft and not isinstance(model, ProbabilisticClassifier):
            raise UnsupportedError(f"{title}: {model.source} has no predict_proba here; use voting='hard'")
        named = model.classes[0] if isinstance(model, Classifier) else None
        if named is None or not np.array_equal(named, np.arange(len(estimator.classes_))):
            raise UnsupportedError(f"{title}: {model.source} knows other classes; fit them together")
    kind = MeanShares if soft else Majority
    method: What = "predict_proba" if soft else "predict"
    pairs = zip(models, estimator.estimators_, strict=True)
    voters = [answers(model, method, estimator=e) for model, e in pairs]
    final = kind(
        source=title,
        input=Input(sum(v.n_outputs for v in voters)),
        classes=(estimator.classes_,),
        weights=weights / weights.sum() if soft else weights,
    )

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        asked = [getattr(e, method)(X) for e in own.estimators_]
        wide = [np.asarray(a, np.float64).reshape(len(X), -1) for a in asked]
        return Final(final), np.concatenate(wide, axis=1)

    return combined(voters, final, title, split)


@converts("sklearn.ensemble.VotingRegressor")
def regressor(estimator: Any) -> Model:
    """Convert the mean of regressors; of linear ones it is a linear one."""
    weights = _weights(estimator)
    return weighted_sum(estimator.estimators_, weights / weights.sum(), type(estimator).__name__)
