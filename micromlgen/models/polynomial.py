"""Polynomial features: products of features, each one multiplication from one of lower degree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.ir import Calibration, Input, Layout
from micromlgen.models._stage import FLOAT_CYCLES, TINY, ULP, Stage, only_layout, zeros

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Polynomial(Stage):
    """Products of up to `degree` features, in scikit-learn's order."""

    degree: int
    #: Whether no feature is in a product twice.
    interaction_only: bool
    #: Whether the first output is 1.
    bias: bool

    def quantize(self, inputs: Input, by: Calibration) -> Polynomial:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        self.check_missing(inputs)
        return replace(self, input=inputs)

    def exact(self, X: Array) -> NDArray[np.float64]:
        rows, features = X.astype(np.float64), range(X.shape[1])
        combine = combinations if self.interaction_only else combinations_with_replacement
        terms = [c for d in range(1, self.degree + 1) for c in combine(features, d)]
        columns = [np.ones(len(rows))] if self.bias else []
        return np.stack(columns + [rows[:, list(c)].prod(axis=1) for c in terms], axis=1)

    def rounding(self, Q: Array) -> Array | None:
        return np.asarray((self.degree + 1) * ULP * np.abs(self.exact(Q)) + TINY)

    def moves(self, Q: Array, by: Array) -> Array:
        size = np.abs(Q.astype(np.float64))
        return self.exact(size + by) - self.exact(size)

    def layouts(self) -> Sequence[Layout]:
        work = [(c + 20.0) * self.n_outputs for c in FLOAT_CYCLES]
        return only_layout("products", [], (500, 400, 120, 500), work)

    def contract(self) -> Sequence[str]:
        return ["products are within 1e-6 of themselves"]


@converts("sklearn.preprocessing.PolynomialFeatures")
def polynomial(estimator: Any) -> Polynomial:
    """Convert PolynomialFeatures.

    Raises
    ------
    UnsupportedError
        If products of lower degree are left out.
    """
    n, degree = estimator.n_features_in_, estimator.degree
    lowest, highest = (0, degree) if np.ndim(degree) == 0 else degree
    if lowest > 1 or highest < 1:
        raise UnsupportedError(
            f"PolynomialFeatures(degree={degree}) cannot be ported: products are made of lower ones; use a "
            "degree from 1 on and select after it"
        )
    return Polynomial(
        source=type(estimator).__name__,
        input=Input(n),
        span=zeros(estimator.n_output_features_),
        degree=int(highest),
        interaction_only=bool(estimator.interaction_only),
        bias=bool(estimator.include_bias),
    )
