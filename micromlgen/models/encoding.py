"""From the integers of a feature extractor to what the model behind takes: floats, or scaled integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from micromlgen import fixedpoint
from micromlgen.extraction import Extraction
from micromlgen.inputs import Calibration, Input, Number
from micromlgen.ir import Layout, Transformer
from micromlgen.models._stage import CORES, zeros

Array = NDArray[Any]
#: Integers beyond this are rounded by float32.
_EXACT = 1 << 24
_ULP = 2.0**-24
#: Bytes of code, and cycles of one feature, on `CORES`: as floats, shifted, and multiplied besides.
_FLOATS = (160, 150, 20, 160), (95, 60, 5, 60)
_SHIFTED = (90, 60, 50, 60), (45, 20, 12, 20)
_SCALED = (130, 90, 70, 90), (90, 32, 18, 32)


@dataclass(frozen=True, eq=False)
class Encoding(Transformer):
    """What `to.encode` gives of the same numbers, computed without floats where `to` is in integers.

    There ``round((y - center) * gain * 2**e)`` is taken in two steps: the difference is shifted to 16 bits
    with a sign, and multiplied by the gain's Q15 mantissa, each rounded halves up and saturated to ±`to.top`.
    """

    to: Input

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(self.to.dtype)

    @property
    def output_scale(self) -> float:
        return 1.0

    @property
    def center(self) -> NDArray[np.int32] | None:
        """`to.center` as integers, shape (n_features,), within ±2**30."""
        if self.to.center is None:
            return None
        return np.clip(np.rint(self.to.center), -(2**30), 2**30).astype(np.int32)

    @property
    def mantissa(self) -> NDArray[np.int16] | None:
        """Q15 of `to.gain`, shape (n_features,), from 2**14 to 2**15 - 1 in magnitude, or 0."""
        return None if self.to.gain is None else self._split()[0]

    @property
    def shift(self) -> NDArray[np.int8]:
        """Exponents of two, shape (n_features,), from -31 to 15."""
        assert self.to.exponents is not None
        exponents = self.to.exponents if self.to.gain is None else self.to.exponents + self._split()[1]
        return np.clip(exponents, -31, 15).astype(np.int8)

    def _split(self) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        fraction, exponent = np.frexp(np.asarray(self.to.gain, np.float64))
        mantissa = np.rint(fraction * 2**15)
        full = np.abs(mantissa) == 2**15
        return np.where(full, mantissa / 2, mantissa).astype(np.int16), exponent.astype(np.int32) + full

    def predict(self, Q: Array) -> Array:
        if not self.to.is_integer:
            return Q.astype(np.float32)
        d = Q.astype(np.int64) - (0 if self.center is None else self.center)
        if self.mantissa is None:
            return fixedpoint.rescale(d, self.shift, self.to.highest).astype(self.to.dtype)
        v = fixedpoint.rescale(d, self.shift, 32767)
        q = (v * self.mantissa + (1 << 14)) >> 15
        return np.clip(q, -self.to.highest, self.to.highest).astype(self.to.dtype)

    def quantize(self, inputs: Input, by: Calibration) -> Encoding:
        return self  # it is made of what was quantised

    def feature_limits(self) -> NDArray[np.float64]:
        return np.zeros(self.input.n_features)

    def takes_integers(self) -> bool:
        return True

    def tolerance(self, X: Array) -> NDArray[np.float64]:
        size = np.abs(X.astype(np.float64))
        return np.where(size > _EXACT, size * _ULP, 0.0)

    def moves(self, Q: Array, by: Array) -> Array:
        return by

    def boundaries(self) -> Sequence[Array]:
        top = np.iinfo(self.input.dtype).max
        return [np.array([-top, 0, top], self.input.dtype)] * self.input.n_features

    def layouts(self) -> Sequence[Layout]:
        tables: list[Array] = []
        if self.to.is_integer:
            wide = (self.center, self.mantissa, self.shift if np.ptp(self.shift) else None)
            tables = [t for t in wide if t is not None]
        code, cycles = _SCALED if self.to.gain is not None else _SHIFTED if self.to.is_integer else _FLOATS
        size = sum(t.nbytes for t in tables)
        n = self.input.n_features
        return [
            Layout(
                name="encoded",
                flash={c: size + code[k] for k, c in enumerate(CORES)},
                cycles={c: n * cycles[k] for k, c in enumerate(CORES)},
                build=dict,
                tables=[t.nbytes for t in tables],
            )
        ]

    def contract(self) -> Sequence[str]:
        return ["integers in another scale"]


def encoded(extraction: Extraction, to: Input) -> list[Encoding]:
    """What stands between an extractor and a model with the inputs `to`; nothing where its integers fit."""
    given = extraction.output_dtype
    plain = to.exponents is not None and to.center is None and to.gain is None and not to.exponents.any()
    if plain and given == to.dtype and extraction.top <= to.highest:
        return []
    n = extraction.n_outputs
    inputs = Input(n, dtype=cast(Number, given.name))
    return [Encoding(source=extraction.source, input=inputs, span=zeros(n), to=to)]
