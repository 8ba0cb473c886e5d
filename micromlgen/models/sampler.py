"""Random features whose products are near those of a kernel: cosines of projections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.affine import Affine
from micromlgen.convert import converts
from micromlgen.inputs import Calibration, Input
from micromlgen.ir import Layout
from micromlgen.models._matrix import Matrix, naming
from micromlgen.models._requantized import all_scaled
from micromlgen.models._stage import TINY, IntegerStage, Stage, only_layout, zeros
from micromlgen.models._widths import widths

Array = NDArray[Any]
#: Most that cosf of any libm is off, and of its argument for each unit of that.
_COSINE, _ARGUMENT = 5e-7, 2.0**-22
#: The contract, relative to the largest value and what the argument adds up.
_BOUND = 1e-5
#: Parts of a quarter turn in the integer table, and the largest number in it.
_QUARTER, _TOP = 64, 32766


@dataclass(frozen=True, eq=False)
class Cosines(Stage):
    """``gain * cos(weights @ x + bias)``."""

    rows: Matrix
    gain: float

    @property
    def uses_math(self) -> bool:
        return True

    @property
    def factor(self) -> np.float32:
        """The gain as the C has it."""
        return np.float32(self.gain)

    def behind(self, stage: Affine) -> Cosines | None:
        if stage.cancels:
            return None
        inputs = replace(self.input, n_features=stage.matrix.shape[1])
        return replace(self, input=inputs, rows=self.rows.behind(stage))

    @property
    def wide(self) -> bool:
        return True

    @property
    def adds(self) -> bool:
        return True

    def refined(self, inputs: Input, by: Calibration) -> Input:
        # A feature that saturates turns cosines anywhere.
        return inputs if by.rows is None else all_scaled(inputs, inputs.scaled(by.rows))

    def reach(self, inputs: Input) -> NDArray[np.float64]:
        return np.full(self.n_outputs, abs(self.gain))

    def requantized(self, inputs: Input, to: Input, by: Calibration) -> Stage:
        assert to.exponents is not None
        return self._integers(inputs, to, to.exponents.astype(np.int64))

    def _integers(self, inputs: Input, to: Input | None, exponents: Array | None) -> IntegerCosines:
        turns = Matrix(self.rows.weights / (2 * np.pi), self.rows.bias / (2 * np.pi) % 1)
        with naming(self.source):
            rows = turns.scaled(inputs, widths(inputs)[-1], whole=True)
        most = int(np.floor(np.log2(_TOP / abs(self.gain))))
        table = np.cos(np.pi / 2 * np.arange(_QUARTER + 2) / _QUARTER) * abs(self.gain) * 2.0**most
        return IntegerCosines(
            source=self.source,
            input=inputs,
            span=np.tile([-abs(self.gain), abs(self.gain)], (self.n_outputs, 1)),
            to=to,
            rows=rows,
            table=np.rint(table).astype(np.int16),
            exponent=most,
            shift=None if exponents is None else np.clip(exponents - most, -31, 15).astype(np.int8),
        )

    def quantize(self, inputs: Input, by: Calibration) -> Stage:
        self.check_missing(inputs)
        if inputs.is_integer:
            return self._integers(inputs, None, None)
        return replace(self, input=inputs, rows=self.rows.rounded())

    def exact(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(float(self.factor) * np.cos(self.rows.scores(X)))

    def rounding(self, Q: Array) -> Array | None:
        size = self.rows.magnitude(Q)
        own = self.rows.rounding(Q)
        off = _COSINE + _ARGUMENT * size + (0.0 if own is None else own)
        return np.asarray(abs(self.gain) * np.minimum(off, 2.0) + TINY)

    def moves(self, Q: Array, by: Array) -> Array:
        off = by @ np.abs(self.rows.weights.T.astype(np.float64))
        return np.asarray(abs(self.gain) * np.minimum(off, 2.0))

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        return np.asarray(abs(self.gain) * np.minimum(_BOUND * (1 + self.rows.magnitude(X)), 2.0))

    def layouts(self) -> Sequence[Layout]:
        tables = [*self.rows.tables, self.rows.constants]
        products = [c * self.rows.weights.size for c in (250.0, 120, 4, 120)]
        work = [p + c * self.n_outputs for p, c in zip(products, (4000.0, 3000, 300, 3000), strict=True)]
        return only_layout("rows", tables, (2300, 5000, 1500, 5000), work)

    def contract(self) -> Sequence[str]:
        return [f"numbers are within {_BOUND:g} of the largest, times what the argument adds up"]


@dataclass(frozen=True, eq=False)
class IntegerCosines(IntegerStage):
    """Cosines of integers whose lower bits are the fraction of a turn.

    Sums stay in 32 bits by proof. Their fraction in 16 bits falls on lines between the 65 ends of 64 parts of
    a quarter turn, which are within 8e-5 of the cosine; the rest of the turn mirrors it.
    """

    rows: Matrix
    #: The cosine over a quarter turn, and one step beyond it, times the gain and ``2**exponent``.
    table: NDArray[np.int16]
    exponent: int
    #: Exponents of two from there to what the next model takes; None where there is none.
    shift: NDArray[np.int8] | None

    @property
    def output_scale(self) -> float:
        return 2.0**-self.exponent if self.to is None else 1.0

    @property
    def kernel(self) -> str:
        """The kernel that multiplies."""
        return self.rows.kernel_for(self.input)

    @property
    def left(self) -> int:
        """Bits that a sum is shifted left by, so that a turn has 32."""
        return 32 + int(np.log2(self.rows.unit))

    @property
    def shifts(self) -> bool:
        """Whether the next model takes cosines in other units."""
        return self.shift is not None and bool(self.shift.any())

    def predict(self, Q: Array) -> Array:
        turn = ((self.rows.scores(Q) << self.left) & 0xFFFFFFFF) >> 16
        half = turn & 0x7FFF
        second = half > 0x4000
        quarter = np.where(second, 0x8000 - half, half)
        table = self.table.astype(np.int64)
        at, part = quarter >> 8, quarter & 255
        y = table[at] - (((table[at] - table[at + 1]) * part + 128) >> 8)
        y = np.where((turn >= 0x8000) != second, -y, y)
        if self.shifts:
            assert self.shift is not None
            y = fixedpoint.rescale(y, self.shift, self.most)
        return np.asarray(y, self.output_dtype)

    def layouts(self) -> Sequence[Layout]:
        tables = [*self.rows.tables, self.rows.bias, self.table]
        products = [c * self.rows.weights.size for c in (32.0, 6, 2, 6)]
        work = [p + c * self.n_outputs for p, c in zip(products, (170.0, 40, 25, 40), strict=True)]
        return only_layout("rows", tables, (520, 260, 260, 280), work)

    def contract(self) -> Sequence[str]:
        return ["cosines are within 1e-4 of the largest, of sums of integers that provably stay in 32 bits"]


@converts("sklearn.kernel_approximation.RBFSampler")
def sampler(estimator: Any) -> Cosines:
    """Convert random features of the Gaussian kernel."""
    weights = np.asarray(estimator.random_weights_, np.float64).T
    rows = Matrix(weights, np.asarray(estimator.random_offset_, np.float64))
    n_outputs, n = weights.shape
    return Cosines(
        source=type(estimator).__name__,
        input=Input(n),
        span=zeros(n_outputs),
        rows=rows,
        gain=float(np.sqrt(2.0 / n_outputs)),
    )
