"""Regressors of libsvm: the sum of kernels is the answer. Linear ones are `regression.LinearRegressor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Model, Regressor
from micromlgen.models._matrix import Matrix
from micromlgen.models._svm_expansion import Expansion
from micromlgen.models._svm_model import BOUND, OnSums
from micromlgen.models._svm_read import common, sums_of
from micromlgen.models.regression import LinearRegressor

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Svr(OnSums, Regressor):
    """The sum is the answer."""

    def quantize(self, inputs: Input, by: Calibration) -> Self:
        if not inputs.is_integer:
            return super().quantize(inputs, by)
        assert isinstance(self.exact, Expansion)
        assert by.rows is not None
        rows = inputs.scaled(by.rows)
        if inputs.center is not None and self.input.center is None:
            rows = rows + inputs.center  # of these inputs alone: the vectors are not centred yet
        y = self.exact.sums(rows)
        spanning = replace(self, span=np.stack([y.min(axis=0), y.max(axis=0)], axis=1))
        return super(Svr, spanning).quantize(inputs, by)

    def predict(self, Q: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(self.values(Q)[:, 0], self.output_dtype)

    @property
    def output_scale(self) -> float:
        return self.unit

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
