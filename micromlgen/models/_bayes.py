"""What naive Bayes models have in common that add up integers from tables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax as exact_softmax

from micromlgen import fixedpoint
from micromlgen.fixedpoint import Exponential
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, ProbabilisticClassifier
from micromlgen.models._bayes_tables import layouts
from micromlgen.models._shares import PROBA_ONE, sigmoid, softmax, softmax_shift

Array = NDArray[Any]
#: Largest magnitude in the tables, by their width; those of float headers take three bytes.
_TOP = {"int8": 127, "int16": 32767, None: (1 << 23) - 1}
#: A narrower table may change the mean probability by so much.
_LOSS = 1e-3
#: Logarithms of float64 are not exact either.
FLOAT64 = 1e-12


@dataclass(frozen=True, eq=False)
class NaiveBayes(ProbabilisticClassifier):
    """The largest of several sums.

    Parameters
    ----------
    feature : int array of shape (n_used,)
        Feature of x that each used one is.
    first : int array of shape (n_used + 1,)
        First row of each, and the number of rows.
    rows : array of shape (n_rows, n_classes - 1)
        float64; quantised: integers of the width that they have in flash, or int32 of 24 bits.
    start : array of shape (n_classes - 1,)
        float64; quantised: int32.
    unit : float
        One unit of a sum; 1 before `quantize`.
    """

    feature: NDArray[np.int64]
    first: NDArray[np.int64]
    rows: Array
    start: Array
    unit: float

    @abstractmethod
    def chosen(self, Q: Array) -> NDArray[np.int64]:
        """The row of each used feature of encoded rows, shape (n, n_used); -1 for its first category."""

    @property
    def n_sums(self) -> int:
        """How many sums there are: one for each class but the first."""
        return len(self.start)

    @property
    def sum_dtype(self) -> np.dtype[Any]:
        """int16 or int32: what provably holds all sums."""
        return np.dtype(np.int16 if self._reach(self.rows, self.start).max(initial=0) < 1 << 15 else np.int32)

    def _reach(self, rows: Array, start: Array) -> NDArray[np.float64]:
        """Largest magnitude of each sum."""
        most = np.zeros(len(start))
        for low, high in zip(self.first[:-1], self.first[1:], strict=True):
            most += np.abs(rows[low:high]).max(axis=0, initial=0)
        return np.asarray(most + np.abs(start), np.float64)

    def _in_units(self, inputs: Input, width: Any) -> Self:
        """With tables of this width: as fine as they hold, and as 32 bits hold all sums."""
        largest = max(float(np.abs(self.rows).max(initial=0)), 1e-30)
        reach = max(float(self._reach(self.rows, self.start).max(initial=0)), 1e-30)
        # Each number is rounded by one half at most.
        scale = min(_TOP[width] / largest, (2.0**31 - 2 - len(self.first)) / reach)
        return replace(
            self,
            input=inputs,
            rows=np.rint(self.rows * scale).astype(width or np.int32),
            start=np.rint(self.start * scale).astype(np.int32),
            unit=1.0 / scale,
        )

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            return self._in_units(inputs, None)
        if by.weights is not None or by.rows is None:
            return self._in_units(inputs, by.weights or "int16")
        narrow, wide = (self._in_units(inputs, width) for width in ("int8", "int16"))
        Q = inputs.encode(by.rows)
        apart = np.abs(exact_softmax(narrow.logs(Q), axis=1) - exact_softmax(wide.logs(Q), axis=1))
        return narrow if apart.mean() <= _LOSS else wide

    def scores(self, Q: Array) -> NDArray[np.int64]:
        """Sums of encoded rows, with the 0 of the first class: shape (n, n_classes)."""
        total = np.zeros((len(Q), self.n_sums + 1), np.int64)
        total[:, 1:] = self.start
        for row in self.chosen(Q).T:
            total[:, 1:] += np.where(row[:, None] < 0, 0, self.rows[row])
        return total

    def logs(self, Q: Array) -> NDArray[np.float64]:
        """Logarithms of the probabilities, up to what all classes of a row have in common."""
        return np.asarray(self.scores(Q) * self.unit)

    def predict(self, Q: Array) -> Array:
        return np.asarray(self.scores(Q).argmax(axis=1), np.int32)

    @property
    def proba_one(self) -> int:
        return PROBA_ONE

    @property
    def exponential(self) -> Exponential:
        """Of the differences of sums."""
        return fixedpoint.exponential(self.unit)

    @property
    def exp_shift(self) -> int:
        """By so many bits exponentials are shifted right, so that their sum stays in 32 bits."""
        return softmax_shift(self.n_sums + 1)

    def predict_proba(self, Q: Array) -> Array:
        scores, integer = self.scores(Q), self.input.is_integer
        if self.n_sums == 1:
            # A tie goes to the first class here, and both have one half.
            return np.concatenate(sigmoid(scores[:, 1:], self.exponential, integer), axis=1)
        return softmax(scores, self.exponential, integer)

    @property
    def bound(self) -> float:
        """Most that the difference of two sums is off."""
        return (len(self.feature) + 1) * self.unit

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        if self.input.is_integer or self.n_sums == 0:
            return super().undecided(estimator, X)
        best = np.sort(np.asarray(estimator.predict_log_proba(X)), axis=1)[:, -2:]
        return np.asarray(~(best[:, 1] - best[:, 0] > self.bound + FLOAT64 * np.abs(best[:, 0])))[:, None]

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["sums of integers that provably stay in range; the largest decides"]
        return [
            "sums of integers: the class is scikit-learn's where the logarithms of its two best",
            f"probabilities differ by {self.bound:.1e}, and probabilities are as near",
        ]

    def layouts(self) -> Sequence[Layout]:
        return layouts(self)
