"""Several classes by a model of each pair of them: votes, and confidences where these tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import DecisionClassifier, Layout, Model
from micromlgen.models import _svm_votes as voting
from micromlgen.models._combined import combined
from micromlgen.models._members import last_step
from micromlgen.models._shares import shares
from micromlgen.models._sides import border_of, rows_of, sides, sure
from micromlgen.models._stage import only_layout
from micromlgen.models._svm_duals import pairs
from micromlgen.models._svm_model import BOUND
from micromlgen.models.linear import LinearClassifier
from micromlgen.models.svm import Svc

Array = NDArray[Any]
#: The contract: the class is scikit-learn's where the two best decisions differ by so much for each class.
_MARGIN = 1e-6
#: What a float32 decision is off for each class.
_ROUNDING = 2.0**-22


def _gap(decisions: Array) -> NDArray[np.float64]:
    best = np.sort(decisions, axis=1)
    return np.asarray(best[:, -1:] - best[:, -2:-1])


class _Final:
    """What decides behind the models, of how sure they are of their second class."""

    def __init__(self, border: float, n_classes: int) -> None:
        self.border, self.n_classes = border, n_classes

    def decisions(self, Z: Array) -> NDArray[np.float64]:
        """One for each class."""
        rows = Z.astype(np.float64)
        of_class = voting.confidences(-rows, self.n_classes)
        votes = voting.votes(~(rows > self.border), self.n_classes)
        return np.asarray(votes + of_class / (3 * (np.abs(of_class) + 1)))

    def predict(self, Z: Array) -> Array:
        """Indices of classes."""
        return np.asarray(self.decisions(Z).argmax(axis=1))


@dataclass(frozen=True, eq=False)
class Duels(DecisionClassifier):
    """The class that wins most pairs; a feature tells how sure a model is of the second class of its pair.

    Decisions are votes, and sums of these numbers as shares of a third of one. Integer modes give them in
    units of 1 / `vote`.
    """

    #: From where on the second class wins.
    border: float

    @property
    def rule(self) -> _Final:
        """In float64."""
        return _Final(self.border, self.n_classes[0])

    def feature_limits(self) -> NDArray[np.float64]:
        return np.full(self.input.n_features, self.border)

    def takes_integers(self) -> bool:
        return False

    @property
    def isometric(self) -> bool:
        return True  # numbers of different pairs are added

    def quantize(self, inputs: Input, by: Calibration) -> Duels:
        return replace(self, input=inputs)

    @property
    def cut(self) -> int:
        """The border in integer modes."""
        return round(self.border / float(self.input.unit[0]))

    @property
    def vote(self) -> int:
        """What a vote counts in integer decisions."""
        return voting.VOTE

    @property
    def confidence_one(self) -> int:
        """A confidence of one in integer modes."""
        return int(np.clip(np.rint(1 / float(self.input.unit[0])), 1, 2**30))

    @property
    def n_decisions(self) -> int:
        return 1 if self.n_classes[0] == 2 else self.n_classes[0]

    @property
    def decision_scale(self) -> float:
        return 1 / voting.VOTE

    def _decisions(self, Q: Array) -> Array:
        if not self.input.is_integer:
            return self.rule.decisions(Q)
        rows, n = Q.astype(np.int64), self.n_classes[0]
        of_class = voting.confidences(-rows, n)
        part = np.abs(of_class).astype(np.uint64)
        share = shares(part, part + np.uint64(self.confidence_one), True).astype(np.int64)
        votes = voting.votes(~(rows > self.cut), n)
        return np.asarray(votes * voting.VOTE + np.where(of_class < 0, -share, share))

    def decision_function(self, Q: Array) -> Array:
        of_class = self._decisions(Q)[:, -self.n_decisions :]
        return np.asarray(of_class, np.int32 if self.input.is_integer else np.float32)

    def predict(self, Q: Array) -> Array:
        return np.asarray(self._decisions(Q).argmax(axis=1), np.int32)

    def rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else self._moved(Q, np.zeros(Q.shape))[:, -self.n_decisions :]

    def moves(self, Q: Array, by: Array) -> Array:
        return self._moved(Q, by)[:, -self.n_decisions :]

    def _moved(self, Q: Array, by: Array) -> NDArray[np.float64]:
        """Most that decisions of float32 differ where features do by `by`, shape (n, n_classes)."""
        rows, n = np.abs(Q.astype(np.float64)), self.n_classes[0]
        near = (by > 0) & (np.abs(Q - self.border) <= by)
        each = np.zeros((len(Q), n))
        for p, (i, j) in enumerate(pairs(n)):
            for c in (i, j):
                each[:, c] += np.minimum((by[:, p] + n * 2.0**-24 * rows[:, p]) / 3, 1) + near[:, p]
        return np.minimum(each, n) + _ROUNDING * n

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        if self.input.is_integer:
            return super().unsure(Q)
        off = self._moved(Q, np.zeros(Q.shape)).max(axis=1, keepdims=True)
        return np.asarray((_gap(self._decisions(Q)) <= 2 * off) & ~_whole(Q))

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        gap = _gap(estimator.decisions(X))
        return np.asarray((gap <= _MARGIN * self.n_classes[0]) & ~_whole(X))

    def boundaries(self) -> Sequence[Array]:
        if self.input.is_integer:
            top, lowest = self.input.highest, np.iinfo(self.input.dtype).min
            values = np.array([lowest, -top, self.cut, self.cut + 1, top], self.input.dtype)
        else:
            after = np.nextafter(np.float32(self.border), np.float32(1))
            values = np.array([-1000, 0, self.border, after, 1, 1000], np.float32)
        return [values] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        work = [c * self.input.n_features for c in (650.0, 350, 30, 350)]
        return only_layout("duels", [], (900, 700, 200, 800), work)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["votes are those of the models; confidences are sums of integers that stay in 32 bits"]
        return [f"the class is scikit-learn's where its two best decisions differ by {_MARGIN:g} a class"]


def _whole(Q: Array) -> NDArray[np.bool_]:
    """Rows of small integers, shape (n, 1), whose sums are exact whatever their order: ties are ties."""
    return np.asarray(((np.rint(Q) == Q) & (np.abs(Q) < 1000)).all(axis=1, keepdims=True))


@dataclass(frozen=True, eq=False)
class LinearDuels(Svc):
    """The same of linear models: rows of products for the first class of each pair."""

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        own, rows = last_step(estimator, X)
        numbers = sure(own.estimators_, rows)
        margin = BOUND * self._magnitude(np.asarray(X, np.float64))
        close = (np.abs(numbers) <= margin).any(axis=1, keepdims=True)
        gap = _gap(_Final(0.0, self.n_classes[0]).decisions(numbers))
        return np.asarray(close | (gap <= margin.sum(axis=1, keepdims=True)))


class LinearDuel(LinearClassifier):
    """One linear model decides between two classes."""

    def _own(self, estimator: Any, X: Array) -> Array:
        own, rows = last_step(estimator, X)
        return sure(own.estimators_, rows)


@converts("sklearn.multiclass.OneVsOneClassifier")
def one_vs_one(estimator: Any) -> Model:
    """Convert one model for each pair of classes; linear ones are rows of one machine.

    Raises
    ------
    UnsupportedError
        If one of them has neither decisions nor probabilities, or counts votes itself.
    """
    title, estimators = type(estimator).__name__, estimator.estimators_
    parts = sides(estimators, title)
    if any(part.model.source == title for part in parts):  # whose decision is no distance from a border
        raise UnsupportedError(f"{title} of {title} cannot be ported; use the estimator inside")
    classes, border = (np.asarray(estimator.classes_),), border_of(estimators)
    rows = rows_of(parts)
    if rows is not None:
        common: dict[str, Any] = {"source": title, "input": parts[0].input, "classes": classes}
        if len(parts) == 1:
            return LinearDuel(**common, matrix=rows)
        first = replace(rows, weights=-rows.weights, bias=-rows.bias)
        return LinearDuels(**common, exact=first, ovo=False, break_ties=True)
    last = Duels(source=title, input=Input(len(parts)), classes=classes, border=border)

    def split(own: Any, X: Array) -> tuple[Any, Array]:
        return _Final(border, len(classes[0])), sure(own.estimators_, X)

    return combined(parts, last, title, split)
