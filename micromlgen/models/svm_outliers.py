"""The one-class SVM of libsvm: a sum of kernels, or a product, against an offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.inputs import Input
from micromlgen.ir import Detector, Model
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_float import FloatExpansion
from micromlgen.models._svm_model import BOUND, OnSums
from micromlgen.models._svm_read import common, sums_of
from micromlgen.models._widths import Width

Array = NDArray[Any]
#: Smallest unit of scores that are powers of two.
_FINEST = 2.0**-30


@dataclass(frozen=True, eq=False)
class OneClass(OnSums, Detector):
    """A sum above `offset` is that of an inlier."""

    #: So far from the offset the solver may leave the vectors that stand on the border, on either side.
    slack: float

    @property
    def _room(self) -> float:
        return abs(self.offset)

    def _counted(self, rows: Array) -> NDArray[np.bool_] | None:
        assert isinstance(self.exact, Expansion)
        return np.asarray(np.abs(self.exact.sums(rows)[:, 0] - self.offset) > self.slack)

    def _scaled(self, inputs: Input, matrix: Matrix, width: Width) -> Self:
        # Its bias makes room for the offset, with which the sum is compared.
        room = replace(matrix, bias=np.array([self.offset]))
        sums = room.scaled(inputs, width, finest=_FINEST, whole=True)
        return replace(self, input=inputs, sums=replace(sums, bias=np.zeros(1, np.int32)))

    @property
    def score_one(self) -> int:
        return round(1.0 / self.unit)

    @property
    def cut(self) -> Any:
        """The highest score of an outlier: int32 or float32."""
        if self.input.is_integer:
            return np.int32(round(self.offset * self.score_one))
        return np.float32(self.offset)

    @property
    def fixed_cut(self) -> np.int32:
        """The same of sums in steps."""
        assert isinstance(self.sums, FloatExpansion)
        assert self.sums.fixed is not None
        return np.int32(np.clip(round(self.offset / self.sums.fixed.unit), 1 - 2**31, 2**31 - 1))

    def score(self, Q: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(self.values(Q)[:, 0], self.output_dtype)

    def predict(self, Q: Array) -> Array:
        return np.where(self.values(Q)[:, 0] > self.cut, 1, -1).astype(np.int16)

    def unsure(self, Q: Array) -> NDArray[np.bool_]:
        off = self._off(Q)
        return super().unsure(Q) if off is None else np.asarray(np.abs(self.values(Q) - self.cut) <= off)

    def undecided(self, estimator: Any, X: Array) -> NDArray[np.bool_]:
        margin = BOUND * (self._magnitude(X) + abs(self.offset))
        margin = margin + self.slack if self.input.is_integer else margin
        return np.asarray(np.abs(estimator.decision_function(X))[:, None] <= margin)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["scores are sums of integers that provably stay in 32 bits"]
        return [f"right where the score differs from the offset by {BOUND:g} of what it adds up"]


@converts("sklearn.svm.OneClassSVM")
def one_class(estimator: Any) -> Model:
    """Convert a one-class SVM."""
    exact = sums_of(estimator, 0.0)
    more: dict[str, Any] = {"offset": float(np.ravel(estimator.offset_)[0]), **common(estimator)}
    return OneClass(exact=exact, slack=float(estimator.tol), **more)
