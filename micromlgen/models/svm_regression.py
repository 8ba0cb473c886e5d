"""Regressors of libsvm: the sum of kernels is the answer. Linear ones are `regression.LinearRegressor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Model, Regressor
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_integer import IntegerExpansion
from micromlgen.models._svm_model import BOUND, OnSums
from micromlgen.models._svm_quantize import Level, levelled
from micromlgen.models._svm_read import common, sums_of
from micromlgen.models.regression import LinearRegressor

Array = NDArray[Any]
#: Sums whose parts are so many times their span lose what answers differ by.
_CANCELLED = 1e4


@dataclass(frozen=True, eq=False)
class Svr(OnSums, Regressor):
    """The sum is the answer; in integers, far from zero, what `level` makes of it."""

    level: Level = field(default=Level(0, 0), kw_only=True)
    #: In integer modes, how many times the span of the answers the magnitudes of what is added up are.
    cancelled: float = field(default=0.0, kw_only=True)

    @property
    def loses(self) -> str:
        if self.cancelled < _CANCELLED:
            return ""
        return (
            f"{self.source} adds up {self.cancelled:.0e} times the span of its answers, of which the rest "
            "cancels; put a StandardScaler before it"
        )

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            return super().quantize(inputs, by)
        assert isinstance(self.exact, Expansion)
        assert by.rows is not None
        rows = inputs.scaled(by.rows)
        if inputs.center is not None and self.input.center is None:
            rows = rows + inputs.center  # of these inputs alone: the vectors are not centred yet
        y = self.exact.sums(rows)
        around, far = self.exact.around_zero()
        most = float(around.magnitude(rows).max())
        span = np.stack([y.min(axis=0), y.max(axis=0)], axis=1)
        spanning = replace(self, span=span, cancelled=most / max(float(np.ptp(span)), 1e-300))
        if abs(far) <= most:
            return super(Svr, spanning).quantize(inputs, by)
        made = super(Svr, replace(spanning, exact=around)).quantize(inputs, by)
        assert isinstance(made.sums, IntegerExpansion)
        sums, level = levelled(made.sums, around, far)
        return replace(made, exact=self.exact, sums=sums, level=level)

    def predict(self, Q: Array) -> Array:
        sums = self.values(Q)[:, 0]
        if self.input.is_integer:
            sums = (sums >> self.level.down) + self.level.base
        with np.errstate(over="ignore"):
            return sums.astype(self.output_dtype)

    @property
    def output_scale(self) -> float:
        return self.unit * 2.0**self.level.down

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return BOUND * self._magnitude(X)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["numbers are sums of integers that provably stay in 32 bits"]
        return [f"numbers are within {BOUND:g} of what they add up"]


@converts("sklearn.svm.SVR", "sklearn.svm.NuSVR")
def svr(estimator: Any) -> Model:
    """Convert a regressor."""
    exact = sums_of(estimator, estimator.intercept_)
    more: dict[str, Any] = {"span": np.zeros((1, 2)), **common(estimator)}
    return LinearRegressor(matrix=exact, **more) if isinstance(exact, Matrix) else Svr(exact=exact, **more)
