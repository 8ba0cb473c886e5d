"""Transformers that are affine maps: scalers, projections, selections of features.

A selection copies, a scaler subtracts and multiplies once a feature, a projection is rows of products. In
integers the outputs are int32 of one common unit, or what the next model of a pipeline takes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from micromlgen.affine import Affine
from micromlgen.inputs import Calibration, DType, Input
from micromlgen.ir import Layout
from micromlgen.models._constants import around, finest, integer_matrix, projected, reach, scaled, shift
from micromlgen.models._matrix import Matrix
from micromlgen.models._stage import FLOAT_CYCLES, TINY, ULP, Stage, only_layout, passed_on, selects
from micromlgen.models._widths import widths
from micromlgen.tables import narrow

Array = NDArray[Any]
#: The contract of projections, relative to what they add up.
_BOUND = 1e-5


@dataclass(frozen=True, eq=False)
class AffineTransformer(Stage):
    """An affine map in the estimator's numbers; `quantize` finds the form that the C has."""

    map: Affine
    #: Type of the outputs where they are the next model's inputs in integer modes, and what they saturate to.
    narrow_to: tuple[DType, int] | None = field(default=None, kw_only=True)

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return super().output_dtype if self.narrow_to is None else np.dtype(self.narrow_to[0])

    @property
    def copies(self) -> bool:
        return selects(self.map) is not None

    def shifted(self, center: NDArray[np.float32]) -> tuple[Stage, NDArray[np.float32]] | None:
        if self.map.source is None:
            return None
        # Outputs that are features as they are; the others take it in.
        plain = (self.map.factors == 1) & (self.map.offset == 0)
        less = np.where(plain, center[self.map.source], 0).astype(np.float32)
        if not less.any():
            return None
        moved = self.centred(center)
        return replace(moved, map=replace(moved.map, offset=np.where(plain, 0, moved.map.offset))), less

    def passed(self, inputs: Input) -> Input:
        assert self.map.source is not None
        return passed_on(inputs, self.map.source)

    def behind(self, stage: Affine) -> AffineTransformer:
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, map=self.map.after(stage))

    def centred(self, center: NDArray[np.float32]) -> AffineTransformer:
        moved = self.behind(Affine.elementwise(np.ones(len(center)), center))
        return replace(moved, input=replace(moved.input, center=None))

    def quantize(self, inputs: Input, by: Calibration) -> Form:
        self.check_missing(inputs)
        common: dict[str, Any] = {"source": self.source, "span": self.span, "map": self.map}
        if not inputs.is_integer:
            if self.map.source is None:
                return Projected(**common, input=inputs, **projected(self.map))
            if (self.map.factors == 1).all() and not self.map.offset.any():
                return Selected(**common, input=inputs, source_of=self.map.source)
            return Scaled(**common, input=inputs, source_of=self.map.source, **scaled(self.map))
        assert by.rows is not None, "integer modes of transformers need calibration rows"
        if inputs.center is not None and self.input.center is not None:  # else it is centred already
            common["map"] = self.map.around(inputs.center.astype(np.float64))
        y = common["map"].apply(inputs.scaled(by.rows))
        common["span"] = np.stack([y.min(axis=0), y.max(axis=0)], axis=1)
        return replace(self, map=common["map"])._integers(inputs, None, by, common)

    def held(self, inputs: Input, to: Input) -> Input:
        """The inputs `to` of what follows, coarser where the constants would leave their integers."""
        assert to.exponents is not None
        matrix, offset = self._between(inputs, to)
        width = "int16" if self.map.source is not None else widths(inputs)[-1]
        own = np.log2(np.maximum(reach(matrix, offset, inputs, width), 1e-30))
        return replace(to, exponents=np.minimum(to.exponents, np.floor(-own)).astype(np.int32))

    def _between(self, inputs: Input, to: Input) -> tuple[Array, Array]:
        """Matrix and offset from encoded inputs to what the next model's are, before their exponents."""
        gain = np.ones(self.n_outputs) if to.gain is None else to.gain.astype(np.float64)
        offset = self.map.offset - (0.0 if to.center is None else to.center)
        return self.map.matrix * inputs.unit * gain[:, None], offset * gain

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Form:
        common: dict[str, Any] = {"source": self.source, "span": self.span, "map": self.map}
        return self._integers(inputs, to, by, {**common, "narrow_to": (to.dtype, to.highest)})

    def _integers(self, inputs: Input, to: Input | None, by: Calibration, common: dict[str, Any]) -> Form:
        matrix, offset = self.map.matrix * inputs.unit, self.map.offset
        if to is not None:
            assert to.exponents is not None
            matrix, offset = self._between(inputs, to)
            matrix, offset = np.ldexp(matrix, to.exponents[:, None]), np.ldexp(offset, to.exponents)
        if self.map.source is not None:
            factors = matrix[np.arange(len(matrix)), self.map.source]
            alike = bool((factors == factors[0]).all()) and not offset.any() and factors[0] > 0
            if alike and (to is None or factors[0] == 1):
                return Selected(**common, input=inputs, source_of=self.map.source, unit=float(factors[0]))
            weights = integer_matrix(factors[:, None], offset, inputs, "int16", to, self.source)
            gain, bits = weights.weights[:, 0], shift(weights, to)
            if to is None:
                gain, bits = finest(factors / weights.unit)
            return Scaled(
                **common,
                input=inputs,
                source_of=self.map.source,
                gain=gain,
                offset=weights.bias,
                unit=weights.unit,
                shift=bits,
            )
        width = by.weights if by.weights in widths(inputs) else widths(inputs)[-1]
        rows = integer_matrix(matrix, offset, inputs, width, to, self.source)
        return Projected(**common, input=inputs, rows=rows, shift=shift(rows, to))

    def exact(self, X: Array) -> NDArray[np.float64]:
        return self.map.apply(X)

    def rounding(self, Q: Array) -> Array | None:
        return np.zeros(self.n_outputs)

    def moves(self, Q: Array, by: Array) -> Array:
        return np.asarray(by @ np.abs(self.map.matrix.T))

    def layouts(self) -> Sequence[Layout]:
        raise NotImplementedError("not in the C's numbers yet")

    def contract(self) -> Sequence[str]:
        return []


@dataclass(frozen=True, eq=False)
class Form(AffineTransformer):
    """An affine map as the C has it."""

    form: ClassVar[str]
    #: In integer modes, bits that a sum is shifted right by to become the next model's input; of a header's
    #: own, those that a product is, before an offset is added that leaves it few bits.
    shift: int | None = field(default=None, kw_only=True)

    @property
    def half(self) -> int:
        """Half a unit after that shift, for rounding."""
        return (1 << (self.shift or 0)) >> 1

    @abstractmethod
    def exact(self, X: Array) -> NDArray[np.float64]: ...

    @abstractmethod
    def sums(self, Q: Array) -> NDArray[np.int64]:
        """Of encoded rows in integer modes, before any shift."""

    def predict(self, Q: Array) -> Array:
        if not self.input.is_integer:
            return super().predict(Q)
        y = self.sums(Q)
        if self.narrow_to is not None:
            top = self.narrow_to[1]
            y = np.clip((y + self.half) >> (self.shift or 0), -top, top)
        return y.astype(self.output_dtype)


@dataclass(frozen=True, eq=False)
class _Features(Form):
    """Outputs that depend on one feature each."""

    source_of: NDArray[np.int64]
    unit: float = field(default=1.0, kw_only=True)

    @property
    def output_scale(self) -> float:
        return self.unit

    @property
    def index(self) -> Array | None:
        """Table of the features; None where they follow each other."""
        first = self.source_of[0]
        follows = (self.source_of == first + np.arange(len(self.source_of))).all()
        return None if follows else narrow(self.source_of)

    @property
    def in_place(self) -> bool:
        return bool((self.source_of >= np.arange(len(self.source_of))).all())


@dataclass(frozen=True, eq=False)
class Selected(_Features):
    """Some of the features."""

    form = "selected"

    def exact(self, X: Array) -> NDArray[np.float64]:
        return X[:, self.source_of].astype(np.float64)

    def sums(self, Q: Array) -> NDArray[np.int64]:
        return Q[:, self.source_of].astype(np.int64)

    def predict(self, Q: Array) -> Array:
        return np.asarray(Q[:, self.source_of].astype(self.output_dtype))

    def rounding(self, Q: Array) -> Array | None:
        return None

    def moves(self, Q: Array, by: Array) -> Array:
        return np.asarray(by[:, self.source_of])

    def layouts(self) -> Sequence[Layout]:
        tables = [] if self.index is None else [self.index]
        return only_layout("copy", tables, (60, 40, 40, 40), [12.0 * self.n_outputs + 20] * 4)

    def contract(self) -> Sequence[str]:
        return ["features are copied"]


@dataclass(frozen=True, eq=False)
class Scaled(_Features):
    """``(x - center) * gain + offset`` of a feature each; in integers ``x * gain + offset``."""

    form = "scaled"
    gain: Array
    offset: Array
    center: Array | None = field(default=None, kw_only=True)

    @property
    def numbers(self) -> dict[str, Array]:
        """The constants that take part: zeros and ones do not."""
        known = {"center": self.center, "gain": self.gain, "offset": self.offset}
        given = {name: values for name, values in known.items() if values is not None}
        return {name: v for name, v in given.items() if (v != (1 if name == "gain" else 0)).any()}

    def exact(self, X: Array) -> NDArray[np.float64]:
        center = 0.0 if self.center is None else self.center.astype(np.float64)
        return np.asarray(
            (X[:, self.source_of].astype(np.float64) - center) * self.gain.astype(np.float64) + self.offset
        )

    def sums(self, Q: Array) -> NDArray[np.int64]:
        products = Q[:, self.source_of].astype(np.int64) * self.gain.astype(np.int64)
        if self.narrow_to is None and self.shift:
            products = (products + self.half) >> self.shift
        return np.asarray(products + self.offset)

    def rounding(self, Q: Array) -> Array | None:
        if self.input.is_integer:
            return None
        return np.asarray(4 * ULP * (np.abs(self.exact(Q)) + np.abs(self.offset)) + TINY)

    def moves(self, Q: Array, by: Array) -> Array:
        return np.asarray(by[:, self.source_of] * np.abs(self.gain.astype(np.float64)))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        known = 2e-6 * (around(self.map) + np.abs(self.map.apply(X)))
        # The constants' own rounding, behind differences that are exact.
        return np.asarray(known + 2.0**-44 * np.abs(self.map.offset) + TINY)

    def layouts(self) -> Sequence[Layout]:
        tables = [v for v in self.numbers.values() if (v != v[0]).any()]
        tables += [] if self.index is None else [self.index]
        cycles = [10.0, 8, 8, 8] if self.input.is_integer else FLOAT_CYCLES
        work = [(15 + len(self.numbers) * c) * self.n_outputs for c in cycles]
        code = (150, 60, 60, 60) if self.input.is_integer else (700, 900, 80, 1000)
        return only_layout("features", tables, code, work)

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["numbers are products of integers that provably stay in 32 bits"]
        return ["numbers are within 2e-6 of themselves and of their spread"]


@dataclass(frozen=True, eq=False)
class Projected(Form):
    """Rows of products with ``x - center``."""

    form = "projected"
    rows: Matrix
    center: Array | None = field(default=None, kw_only=True)

    @property
    def output_scale(self) -> float:
        return self.rows.unit

    @property
    def kernel(self) -> str:
        """The kernel that multiplies."""
        return self.rows.kernel_for(self.input)

    def _centred(self, X: Array) -> NDArray[np.float64]:
        return X.astype(np.float64) - (0.0 if self.center is None else self.center.astype(np.float64))

    def exact(self, X: Array) -> NDArray[np.float64]:
        return self.rows.scores(self._centred(X))

    def sums(self, Q: Array) -> NDArray[np.int64]:
        return np.asarray(self.rows.scores(Q), np.int64)

    def rounding(self, Q: Array) -> Array | None:
        return None if self.input.is_integer else self.rows.rounding(self._centred(Q))

    def moves(self, Q: Array, by: Array) -> Array:
        return np.asarray(by @ np.abs(self.rows.weights.T.astype(np.float64)))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return _BOUND * self.rows.magnitude(self._centred(X)) + TINY

    def layouts(self) -> Sequence[Layout]:
        tables = [*self.rows.tables, self.rows.constants, *([] if self.center is None else [self.center])]
        floats = (250, 120, 4, 120)
        cycles = (36, 6, 2, 6) if self.input.is_integer else floats
        code = (250, 120, 160, 110) if self.input.is_integer else (900, 1200, 120, 1300)
        return only_layout("rows", tables, code, [c * self.rows.weights.size for c in cycles])

    def contract(self) -> Sequence[str]:
        if self.input.is_integer:
            return ["numbers are sums of integers that provably stay in 32 bits"]
        return [f"numbers are within {_BOUND:g} of what they add up"]
