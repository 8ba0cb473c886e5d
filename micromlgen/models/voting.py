"""Votes over classes: of probabilities, or of the classes themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts, model_of
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Classifier, Layout, Model, ProbabilisticClassifier
from micromlgen.models._combined import combined, weighted_sum
from micromlgen.models._shares import PROBA_ONE
from micromlgen.models._shares import shares as integer_shares
from micromlgen.models._stage import ULP, only_layout
from micromlgen.models.answers import What, answers

Array = NDArray[Any]
#: Weights of integer modes add up to this.
_BITS = 15
_WHOLE = 1 << _BITS
#: The contract: the class is scikit-learn's where the two best differ by this share of all votes.
_MARGIN = 1e-5


@dataclass(frozen=True, eq=False)
class _Votes(Classifier):
    #: Of each voter; they add up to 1 where probabilities are averaged.
    weights: Array

    def takes_integers(self) -> bool:
        return False

    @property
    def isometric(self) -> bool:
        return True  # they are added

    def quantize(self, inputs: Input, by: Calibration) -> Model:
        stored = self._integers() if inputs.is_integer else self.weights.astype(np.float32)
        return replace(self, input=inputs, weights=stored)

    def _integers(self) -> NDArray[np.int32]:
        """The weights, as integers that add up to no more than 2**15."""
        return np.asarray(np.rint(self.weights / np.abs(self.weights).sum() * _WHOLE), np.int32)

    @property
    def _exact(self) -> Any:
        """The weights as the twin has them."""
        return self.weights.astype(np.int64 if self.input.is_integer else np.float64)

    def shares(self, Q: Array) -> Array:
        """Votes of each class, shape (n, n_classes): float64 or int64."""
        raise NotImplementedError

    def predict(self, Q: Array) -> Array:
        return np.asarray(self.shares(Q).argmax(axis=1), np.int32)

    def gap(self, Q: Array) -> NDArray[np.float64]:
        """How many votes the first class is before the second, shape (n, 1)."""
        best: Array = np.sort(self.shares(Q), axis=1)
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

    def feature_limits(self) -> NDArray[np.float64]:
        return np.ones(self.input.n_features)

    @property
    def proba_one(self) -> int:
        return PROBA_ONE if self.input.is_integer else 1

    @property
    def proba_shift(self) -> int:
        """Bits by which sums are shifted right, to be probabilities or, `normalized`, to be added up."""
        if self.normalized:
            return self.n_classes[0].bit_length()
        return round(float(-np.log2(self.input.unit[0]))) + _BITS - 15

    @property
    def proba_half(self) -> int:
        """Half a unit after that shift."""
        return (1 << self.proba_shift) >> 1

    def shares(self, Q: Array) -> Array:
        exact = self._exact
        each = Q.astype(exact.dtype).reshape(len(Q), len(exact), -1)
        return np.asarray(np.einsum("nmk,m->nk", each, exact))

    def predict_proba(self, Q: Array) -> Array:
        shares = self.shares(Q)
        if self.input.is_integer and not self.normalized:
            shifted = (shares + self.proba_half) >> self.proba_shift
            return np.clip(shifted, 0, PROBA_ONE).astype(np.uint16)
        if self.input.is_integer:
            part = (np.maximum(shares, 0) >> self.proba_shift).astype(np.uint64)
            total = part.sum(axis=1, keepdims=True)
            given = integer_shares(part, np.maximum(total, np.uint64(1)), True)
            return np.where(total > 0, given, 0).astype(np.uint16)
        whole = shares.sum(axis=1, keepdims=True) if self.normalized else np.ones((len(Q), 1))
        return np.divide(shares, whole, out=shares, where=whole != 0).astype(np.float32)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        return self.gap(X) <= _MARGIN

    def rounding(self, Q: Array) -> Array | None:
        if self.input.is_integer:
            return None
        return self._off(Q)

    def _off(self, Q: Array) -> Array:
        return np.asarray((len(self.weights) + 2) * ULP * self.shares(np.abs(Q)).max(axis=1, keepdims=True))

    def moves(self, Q: Array, by: Array) -> Array:
        return self.shares(by)

    def proba_rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else self._shared(Q, self._off(Q))

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
        if self.input.is_integer:
            top, lowest = self.input.highest, np.iinfo(self.input.dtype).min
            return [np.array([lowest, 0, 1, top // 2, top], self.input.dtype)] * self.input.n_features
        return [np.array([0, 0.5, 1], np.float32)] * self.input.n_features

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["probabilities are sums of integers that provably stay in 32 bits"]
        return [f"the class is scikit-learn's where its two best probabilities differ by {_MARGIN:g}"]


@dataclass(frozen=True, eq=False)
class Majority(_Votes):
    """The class that most voters name, the lowest one where votes tie; features are their indices."""

    @property
    def of_classes(self) -> bool:
        return True

    def feature_limits(self) -> NDArray[np.float64]:
        return np.full(self.input.n_features, self.n_classes[0] - 1.0)

    @property
    def _whole(self) -> bool:
        return bool((self.weights == np.rint(self.weights)).all())

    def _integers(self) -> NDArray[np.int32]:
        small = self._whole and np.abs(self.weights).sum() < _WHOLE
        return self.weights.astype(np.int32) if small else super()._integers()

    def shares(self, Q: Array) -> Array:
        named = Q[:, :, None] == np.arange(self.n_classes[0])
        return np.asarray(np.einsum("nmk,m->nk", named, self._exact))

    def rounding(self, Q: Array) -> Array | None:
        if self._whole:
            return None
        return np.full((len(Q), 1), len(self.weights) * ULP * float(np.abs(self.weights).sum()))

    def boundaries(self) -> Sequence[Array]:
        return [np.arange(self.n_classes[0]).astype(self.input.dtype)] * self.input.n_features

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
