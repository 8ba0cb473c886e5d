"""Support vector classifiers of libsvm.

Linear kernels collapse to products with x, one for each pair of classes; other kernels are computed once for
each support vector.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.fixedpoint import Exponential
from micromlgen.ir import DecisionClassifier, Model, ProbabilisticClassifier
from micromlgen.models import _svm_coupling as coupling
from micromlgen.models import _svm_votes as voting
from micromlgen.models._matrix import Matrix
from micromlgen.models._members import last_step
from micromlgen.models._shares import PROBA_ONE
from micromlgen.models._spread import tried
from micromlgen.models._svm_duals import pairs
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_model import BOUND, OnSums
from micromlgen.models._svm_read import common, sums_of
from micromlgen.models.linear import LinearDecision

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Svc(OnSums, DecisionClassifier):
    """Between two classes the sign of one sum decides, between more the votes of all pairs."""

    #: Whether decisions are those of pairs, or one for each class.
    ovo: bool
    #: Whether the largest decision decides.
    break_ties: bool

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes."""
        return self.n_sums == 1

    @property
    def by_class(self) -> bool:
        """Whether there is a decision for each class."""
        return not (self.ovo or self.is_binary)

    def predict(self, Q: Array) -> Array:
        sums, n = self.values(Q), self.n_classes[0]
        if self.is_binary:
            return (sums[:, 0] >= 0).astype(np.int32)
        of_class = self._decisions(sums) if self.break_ties else voting.votes(sums > 0, n)
        return np.asarray(of_class.argmax(axis=1), np.int32)

    @property
    def n_decisions(self) -> int:
        return self.n_classes[0] if self.by_class else self.n_sums

    @property
    def decision_scale(self) -> float:
        return 1 / voting.VOTE if self.by_class else self.unit

    def _decisions(self, sums: Array) -> Array:
        if not self.by_class:
            return sums
        if self.input.is_integer:
            return voting.integer_one_vs_rest(sums, self.unit, self.n_classes[0])
        return voting.one_vs_rest(sums, self.n_classes[0])

    def decision_function(self, Q: Array) -> Array:
        return np.asarray(self._decisions(self.values(Q)), np.int32 if self.input.is_integer else np.float32)

    @property
    def vote(self) -> int:
        """What a vote counts in integer decisions."""
        return voting.VOTE

    @property
    def confidence_divisor(self) -> int:
        """What integer sums are divided by before they are added."""
        return 1 << voting.confidence_shift(self.n_classes[0])

    @property
    def confidence_one(self) -> int:
        """A decision of one in their units."""
        return voting.confidence_one(self.unit, self.n_classes[0])

    def rounding(self, Q: Array) -> Array | None:
        off = self._off(Q)
        return off if off is None or not self.by_class else self._of_class(Q, off)

    def moves(self, Q: Array, by: Array) -> Array | None:
        return self._of_class(Q, tried(self.values, Q, by)) if self.by_class else None

    def _of_class(self, Q: Array, off: Array) -> Array:
        """Most that the decisions of classes differ where sums do by `off`."""
        close = (np.abs(self.values(Q)) <= off).astype(np.float64)
        each = np.zeros((len(Q), self.n_classes[0]))
        for p, (i, j) in enumerate(pairs(self.n_classes[0])):
            for c in (i, j):
                each[:, c] += off[:, p] / 3 + close[:, p]
        return each + 2.0**-22 * self.n_classes[0]

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        off = self._off(Q)
        if off is None:
            return super().unsure(Q)
        sums = self.values(Q)
        found = (np.abs(sums) <= off).any(axis=1)
        if self.break_ties:
            found |= _gap(self._decisions(sums)) <= 2 * self._of_class(Q, off).max(axis=1)
        return np.asarray(found)[:, None]

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        final, Z = last_step(estimator, X)
        pairwise = copy.copy(final)
        pairwise.decision_function_shape, pairwise.break_ties = "ovo", False
        sums = np.asarray(pairwise.decision_function(Z)).reshape(len(Z), -1)
        margin = BOUND * self._magnitude(X)
        found = (np.abs(sums) <= margin).any(axis=1)
        if self.break_ties:
            found |= _gap(np.asarray(final.decision_function(Z))) <= margin.sum(axis=1)
        return np.asarray(found)[:, None]

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["decisions are sums of integers that provably stay in 32 bits"]
        of = "every pair's decision" if not self.is_binary else "the decision"
        return [f"the class is scikit-learn's where {of} is above {BOUND:g} of what it adds up"]


def _gap(decisions: Array) -> Array:
    """Between the two largest of each row."""
    best = np.sort(decisions, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])


@dataclass(frozen=True, eq=False)
class SvcProbabilities(Svc, ProbabilisticClassifier):
    """With Platt's sigmoids of the decisions of pairs: ``1 / (1 + exp(a * decision + b))``."""

    a: NDArray[np.float64]
    b: NDArray[np.float64]

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def platt(self) -> coupling.Platt | coupling.IntegerPlatt:
        """The sigmoids."""
        if self.input.is_integer:
            return coupling.integer_platt(self.a, self.b, self.unit)
        return coupling.Platt(self.a.astype(np.float32), self.b.astype(np.float32))

    @property
    def exponential(self) -> Exponential | None:
        """Of their arguments."""
        platt = self.platt
        return platt.exponential if isinstance(platt, coupling.IntegerPlatt) else None

    @property
    def search(self) -> dict[str, Any]:
        """Constants of the search for probabilities."""
        n = self.n_classes[0]
        return {
            "sweeps": coupling.most_sweeps(n),
            "epsilon": coupling.integer_epsilon(n) if self.input.is_integer else coupling.epsilon(n),
            "spare": coupling.spare_bits(n),
            "least": coupling.LEAST,
        }

    def _pairs(self, sums: Array) -> Array:
        """Decisions as libsvm has them: of two classes the first is the positive one."""
        return -sums if self.is_binary else sums

    def _numbers(self, Q: Array, rows: Array, candidate: Self) -> float:
        assert isinstance(self.exact, Expansion)
        sums = self._pairs(self.exact.sums(rows))
        floats = coupling.Platt(self.a.astype(np.float32), self.b.astype(np.float32))
        right, _ = coupling.coupled(floats.pair(sums), self.n_classes[0])
        return float(np.abs(candidate.predict_proba(Q) / PROBA_ONE - right).mean())

    def predict_proba(self, Q: Array) -> Array:
        sums, platt, n = self._pairs(self.values(Q)), self.platt, self.n_classes[0]
        if isinstance(platt, coupling.IntegerPlatt):
            return coupling.integer_coupled(platt.pair(sums), n)
        return coupling.coupled(platt.pair(sums), n)[0].astype(np.float32)

    def proba_rounding(self, Q: Array) -> Array | None:
        off, platt = self._off(Q), self.platt
        if off is None or isinstance(platt, coupling.IntegerPlatt):
            return None
        return platt.rounding(self._pairs(self.values(Q)), off, self.n_classes[0])


@converts("sklearn.svm.SVC", "sklearn.svm.NuSVC")
def svc(estimator: Any) -> Model:
    """Convert a classifier.

    Raises
    ------
    UnsupportedError
        If its kernel cannot be ported, or it does not predict itself.
    """
    ovo = estimator.decision_function_shape == "ovo"
    if estimator.break_ties and ovo:
        raise UnsupportedError(
            f"{type(estimator).__name__} with break_ties=True and decision_function_shape='ovo' does not "
            "predict; use decision_function_shape='ovr'"
        )
    classes = np.asarray(estimator.classes_)
    if len(estimator.n_support_) < len(classes):
        raise UnsupportedError(
            f"{type(estimator).__name__} was fitted with a class whose rows all weigh nothing, which names "
            "the others wrongly; fit it without these rows"
        )
    exact = sums_of(estimator, estimator.intercept_)
    a, b = (np.ravel(getattr(estimator, name, ())) for name in ("_probA", "_probB"))
    more: dict[str, Any] = {"classes": (classes,), **common(estimator)}
    if isinstance(exact, Matrix) and len(classes) == 2 and not a.size:
        return LinearDecision(matrix=exact, **more)
    more |= {"exact": exact, "ovo": ovo, "break_ties": estimator.break_ties and len(classes) > 2}
    return SvcProbabilities(a=a, b=b, **more) if a.size else Svc(**more)
