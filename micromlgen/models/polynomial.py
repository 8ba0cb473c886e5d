"""Polynomial features: products of features, each one multiplication from one of lower degree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout
from micromlgen.models._stage import FLOAT_CYCLES, TINY, ULP, IntegerStage, Stage, only_layout, zeros

Array = NDArray[Any]
#: Integer products of a header's own stay below this: room for what rounds.
_MOST = 2.0**31 * (1 - 2.0**-10)


@dataclass(frozen=True, eq=False)
class Polynomial(Stage):
    """Products of up to `degree` features, in scikit-learn's order."""

    degree: int
    #: Whether no feature is in a product twice.
    interaction_only: bool
    #: Whether the first output is 1.
    bias: bool

    @property
    def wide(self) -> bool:
        return True

    def quantize(self, inputs: Input, by: Calibration) -> Stage:
        self.check_missing(inputs)
        if not inputs.is_integer:
            return replace(self, input=inputs)
        assert by.rows is not None, "integer modes of transformers need calibration rows"
        y = self.exact(inputs.scaled(by.rows))
        span = np.stack([y.min(axis=0), y.max(axis=0)], axis=1)
        reach = float(self.reach(inputs).max())
        # No finer than the product of the finest features is.
        assert inputs.exponents is not None
        finest = max(self.degree * int(inputs.exponents.max()), 0)
        exponent = min(int(np.floor(np.log2(_MOST / max(reach, 1e-30)))), finest)
        return self._integers(inputs, None, np.full(self.n_outputs, exponent), span)

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Stage:
        assert to.exponents is not None
        return self._integers(inputs, to, to.exponents, self.span)

    def _integers(self, inputs: Input, to: Input | None, exponents: Array, span: Array) -> IntegerProducts:
        first = int(self.bias)
        one = round(min(2.0 ** int(exponents[0]), 2.0**30 if to is None else to.highest))
        return IntegerProducts(
            source=self.source,
            input=inputs,
            span=span,
            to=to,
            terms=tuple(self._terms),
            degree=self.degree,
            interaction_only=self.interaction_only,
            exponents=np.asarray(exponents[first:], np.int64),
            one=one if self.bias else None,
        )

    @property
    def _terms(self) -> list[tuple[int, ...]]:
        """The features of each product."""
        combine = combinations if self.interaction_only else combinations_with_replacement
        features = range(self.input.n_features)
        return [c for d in range(1, self.degree + 1) for c in combine(features, d)]

    def reach(self, inputs: Input) -> NDArray[np.float64]:
        return np.asarray(self.exact(((inputs.highest + 1) * inputs.unit)[None, :])[0])

    def exact(self, X: Array) -> NDArray[np.float64]:
        rows = X.astype(np.float64)
        columns = [np.ones(len(rows))] if self.bias else []
        return np.stack(columns + [rows[:, list(c)].prod(axis=1) for c in self._terms], axis=1)

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


@dataclass(frozen=True, eq=False)
class IntegerProducts(IntegerStage):
    """Products of integers, each rounded to the unit of its output.

    For a next model x and y have 16 bits, their products 31 with the sign, and y saturates to ±`most`. Of a
    header's own all y have one unit, and int32 holds them by proof; there products of three features and more
    are multiplied in int64.
    """

    #: Features of each product, in scikit-learn's order.
    terms: tuple[tuple[int, ...], ...]
    degree: int
    interaction_only: bool
    #: Output k counts ``2**-exponents[k]``, shape (n_terms,).
    exponents: NDArray[np.int64]
    #: What the first output is, before the products; None: nothing.
    one: int | None

    @property
    def output_scale(self) -> float:
        return 2.0 ** -int(self.exponents[0]) if self.to is None else 1.0

    @property
    def int64(self) -> bool:
        """Whether products have 64 bits."""
        return self.to is None and self.degree > 2

    @property
    def factors(self) -> NDArray[np.int64]:
        """Of each product the feature, and the number of the shorter product that it multiplies, or -1."""
        number = {term: k for k, term in enumerate(self.terms)}
        return np.array([(t[0], number[t[1:]] if len(t) > 1 else -1) for t in self.terms], np.int64)

    @property
    def shift(self) -> NDArray[np.int8]:
        """Exponents of two that products are multiplied by, shape (n_terms,)."""
        own = np.asarray(self.input.exponents, np.int64)
        feature, shorter = self.factors.T
        pairs = np.array([len(t) == 2 for t in self.terms])
        at = np.where(pairs, own[shorter % len(own)], self.exponents[shorter])
        unit = own[feature] + np.where(shorter < 0, 0, at)
        return np.asarray(np.clip(self.exponents - unit, -31, 15 if self.to is not None else 30), np.int8)

    def predict(self, Q: Array) -> Array:
        x, (feature, shorter) = Q.astype(np.int64), self.factors.T
        y = np.empty((len(Q), len(self.terms)), np.int64)
        length = np.array([len(t) for t in self.terms])
        for degree in range(1, self.degree + 1):
            of = np.flatnonzero(length == degree)
            other = x[:, shorter[of]] if degree == 2 else y[:, shorter[of]] if degree > 2 else 1
            y[:, of] = self._rounded(x[:, feature[of]] * other, self.shift[of])
        columns = [y] if self.one is None else [np.full((len(y), 1), self.one), y]
        return np.concatenate(columns, axis=1).astype(self.output_dtype)

    def _rounded(self, products: Array, shift: Array) -> Array:
        if self.to is not None:
            return fixedpoint.rescale(products, shift, self.most)
        e = shift.astype(np.int64)
        right = ((products >> np.maximum(-e - 1, 0)) + 1) >> 1
        return np.where(e < 0, right, products << np.maximum(e, 0))

    def layouts(self) -> Sequence[Layout]:
        tables = [] if (self.shift == self.shift[0]).all() else [self.shift]
        work = [c * len(self.terms) for c in ((400.0, 120, 40, 120) if self.int64 else (170.0, 34, 22, 34))]
        code = (1500, 400, 300, 400) if self.int64 else (420, 220, 200, 260)
        return only_layout("products", tables, code, work)

    def contract(self) -> Sequence[str]:
        return ["products are rounded to the unit of their output; they provably stay in their integers"]


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
