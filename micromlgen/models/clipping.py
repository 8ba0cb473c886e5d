"""Features that are kept within limits: what scalers with clip=True end with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout, Model
from micromlgen.models._stage import ExactStage, only_layout
from micromlgen.models.chain import with_outputs

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Clipped(ExactStage):
    """Features, no lower and no higher than two limits."""

    lowest: float
    highest: float

    @property
    def in_place(self) -> bool:
        return True

    @property
    def copies(self) -> bool:
        return True

    def passed(self, inputs: Input) -> Input:
        return Input(self.n_outputs, inputs.dtype, exponents=inputs.exponents, top=inputs.top)

    def exact(self, X: Array) -> NDArray[np.float64]:
        return np.clip(X.astype(np.float64), np.float32(self.lowest), np.float32(self.highest))

    def in_integers(self) -> Model:
        return with_outputs([self], self.source, self.input)

    def quantize(self, inputs: Input, by: Calibration) -> Clipped:
        if inputs.is_integer:
            raise self._no_integers(inputs)
        self.check_missing(inputs)
        return replace(self, input=inputs)

    def moves(self, Q: Array, by: Array) -> Array:
        return by

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.full(self.n_outputs, 2.0**-24 * max(abs(self.lowest), abs(self.highest)))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Clipped:
        assert inputs.exponents is not None
        assert to.exponents is not None
        if not np.array_equal(inputs.exponents, to.exponents):
            raise self._no_integers(inputs)
        return replace(self, input=inputs, to=to)

    @property
    def limits(self) -> tuple[Array, Array]:
        """What the C compares with: float32 numbers, or integers of each feature."""
        if self.to is None:
            return np.full(1, self.lowest, np.float32), np.full(1, self.highest, np.float32)
        assert self.to.exponents is not None
        top = self.to.highest
        low, high = (np.rint(np.ldexp(v, self.to.exponents)) for v in (self.lowest, self.highest))
        dtype = self.to.dtype
        return np.clip(low, -top, top).astype(dtype), np.clip(high, -top, top).astype(dtype)

    def predict(self, Q: Array) -> Array:
        return super().predict(Q) if self.to is None else np.clip(Q, *self.limits)

    def layouts(self) -> Sequence[Layout]:
        return only_layout("clip", [], (150, 120, 60, 120), [c * self.n_outputs for c in (120.0, 60, 6, 60)])

    def contract(self) -> Sequence[str]:
        return ["numbers are clipped"]
