"""Rows of length one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.convert import converts
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Layout
from micromlgen.models._stage import FLOAT_CYCLES, TINY, ULP, IntegerStage, Stage, only_layout, zeros

Array = NDArray[Any]
#: Integers of a header's own count ``2**-_ALONE``.
_ALONE = 30
_UINT32 = np.int64(0xFFFFFFFF)


@dataclass(frozen=True, eq=False)
class Normalized(Stage):
    """Features over their norm; zeros where all are."""

    norm: Literal["l1", "l2", "max"]

    @property
    def uses_math(self) -> bool:
        return self.norm == "l2"

    @property
    def in_place(self) -> bool:
        return True

    @property
    def wide(self) -> bool:
        return True

    def highest_input(self, dtype: DType) -> int:
        # Of features in one unit the squares need no shift.
        own = super().highest_input(dtype)
        return min(own, isqrt((2**32 - 1) // self.n_outputs)) if self.norm == "l2" else own

    def reach(self, inputs: Input) -> NDArray[np.float64]:
        return np.ones(self.n_outputs)

    def quantize(self, inputs: Input, by: Calibration) -> Stage:
        self.check_missing(inputs)
        if not inputs.is_integer:
            return replace(self, input=inputs)
        assert by.rows is not None, "integer modes of transformers need calibration rows"
        y = self.exact(inputs.scaled(by.rows))
        # From zero on, where the largest feature is always the same.
        span = np.stack([y.min(axis=0, initial=0), y.max(axis=0, initial=0)], axis=1)
        return IntegerNorm(self.source, inputs, span, norm=self.norm, exponents=np.full(len(span), _ALONE))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Stage:
        assert to.exponents is not None
        exponents = to.exponents.astype(np.int64)
        return IntegerNorm(self.source, inputs, self.span, to=to, norm=self.norm, exponents=exponents)

    def _size(self, X: Array) -> NDArray[np.float64]:
        """The norm of rows, shape (n, 1)."""
        rows = np.abs(X.astype(np.float64))
        if self.norm == "l2":
            return np.asarray(np.sqrt((rows**2).sum(axis=1, keepdims=True)))
        return np.asarray((rows.sum if self.norm == "l1" else rows.max)(axis=1, keepdims=True))

    def exact(self, X: Array) -> NDArray[np.float64]:
        size = self._size(X)
        return np.asarray(X / np.where(size > 0, size, 1.0))

    def rounding(self, Q: Array) -> Array | None:
        return np.asarray((Q.shape[1] + 5) * ULP * np.abs(self.exact(Q)) + TINY)

    def moves(self, Q: Array, by: Array) -> Array:
        size, shift = self._size(Q), self._size(by)
        least = size - shift
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = (by + np.abs(self.exact(Q)) * shift) / least
        # From nothing it may turn anywhere.
        return np.where(shift == 0, 0.0, np.where(least > 0, moved, 2.0))

    def layouts(self) -> Sequence[Layout]:
        work = [(2 * c + 20.0) * self.n_outputs + 500 for c in FLOAT_CYCLES]
        return only_layout("norm", [], (900, 1100, 120, 1300), work)

    def contract(self) -> Sequence[str]:
        return ["numbers are within 1e-6 of themselves for each eight features"]


@dataclass(frozen=True, eq=False)
class IntegerNorm(IntegerStage):
    """Integers over their norm, by a reciprocal of 16 bits.

    The sum of the features' magnitudes or squares (or the largest magnitude) is uint32 in units of the
    features that are coarsest; those of finer ones are shifted right. Shifted left until its highest bits are
    set, its root (bit by bit) or its upper half has 16 bits, and so has 2**31 over that. Products with that
    provably have 31 bits and a sign; they are rounded, halves up, and saturate. Rows of zeros stay zeros.
    """

    norm: Literal["l1", "l2", "max"]
    #: One of output k is ``2**exponents[k]``.
    exponents: NDArray[np.int64]

    @property
    def in_place(self) -> bool:
        return self.output_dtype == self.input.dtype

    @property
    def output_scale(self) -> float:
        return 2.0**-_ALONE if self.to is None else 1.0

    @property
    def top(self) -> int:
        """Largest magnitude of an output."""
        return 2**_ALONE if self.to is None else self.most

    @cached_property
    def _unit(self) -> int:
        """What is added up counts ``2**-_unit``, or squares of that: as fine as the sum stays in uint32."""
        assert self.input.exponents is not None
        power = 2 if self.norm == "l2" else 1
        top, e = float(self.input.highest), self.input.exponents.astype(np.float64)
        largest = power * (np.log2(top) - e)
        most = largest.max() if self.norm == "max" else np.logaddexp2.reduce(largest)
        return int(np.floor((np.log2(2.0**32 - 1) - most) / power + 1e-12))

    @property
    def before(self) -> NDArray[np.int8]:
        """Exponents of two that what is added up is multiplied by, shape (n_features,)."""
        assert self.input.exponents is not None
        shift = (2 if self.norm == "l2" else 1) * (self._unit - self.input.exponents.astype(np.int64))
        return np.clip(shift, -31, 31).astype(np.int8)

    @property
    def after(self) -> NDArray[np.int16]:
        """The same of products with the reciprocal, but for what the sum was shifted left by."""
        assert self.input.exponents is not None
        own = self._unit - self.input.exponents.astype(np.int64) + self.exponents
        return np.asarray(own - (31 if self.norm == "l2" else 47), np.int16)

    def sums(self, Q: Array) -> NDArray[np.int64]:
        """What the norm is of, shape (n,), as uint32."""
        size, e = np.abs(Q.astype(np.int64)), self.before.astype(np.int64)
        size = size**2 if self.norm == "l2" else size
        each = ((size >> np.maximum(-e, 0)) << np.maximum(e, 0)) & _UINT32
        return np.asarray((each.max(axis=1) if self.norm == "max" else each.sum(axis=1)) & _UINT32)

    def predict(self, Q: Array) -> Array:
        sums, step = self.sums(Q), 2 if self.norm == "l2" else 1
        bits = np.frexp(sums.astype(np.float64))[1]  # exact: sums have 32 bits
        left = (32 - bits) // step
        shifted = sums << np.where(sums > 0, left * step, 0)
        if self.norm == "l2":
            root = np.floor(np.sqrt(shifted.astype(np.float64))).astype(np.int64)  # exact below 2**52
        else:
            root = shifted >> 16
        root = np.where(sums > 0, root, 1)
        reciprocal = np.minimum(((1 << 31) + (root >> 1)) // root, 65535)
        products = Q.astype(np.int64) * reciprocal[:, None]
        y = fixedpoint.rescale(products, self.after + left[:, None], self.top)
        return np.where(sums[:, None] > 0, y, 0).astype(self.output_dtype)

    def layouts(self) -> Sequence[Layout]:
        tables = [t for t in (self.before, self.after) if t.min() != t.max()]
        each = ((260.0, 60, 24, 60), (900.0, 500, 260, 420))
        work = [a * self.n_outputs + b for a, b in zip(*each, strict=True)]
        return only_layout("norm", tables, (620, 260, 240, 280), work)

    def contract(self) -> Sequence[str]:
        return ["norms are integers that provably stay in 32 bits, their reciprocals have 16"]


@converts("sklearn.preprocessing.Normalizer")
def normalizer(estimator: Any) -> Normalized:
    """Convert a Normalizer."""
    n = estimator.n_features_in_
    return Normalized(source=type(estimator).__name__, input=Input(n), span=zeros(n), norm=estimator.norm)
