"""Spectra in int16 block floating point, whose exponent is added back to each output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft16 import RealFFT16, quarter_wave, rounded
from micromlgen.features._frames import Frames, OfSpectra, Reading
from micromlgen.features._root import log2_q11, root
from micromlgen.features._spectrum import Bins, Costs
from micromlgen.ir import Layout

Array = NDArray[Any]
#: Measured with -O2 at 256: bytes of code, and what an output adds; cycles of n * log2(n), and of a bin.
_COSTS = Costs(
    {"complex": (3150, 2200, 1470, 2270), "power": (200, 100, 100, 50), "magnitude": (150, 0, 60, 0)},
    (47.4, 15.0, 6.8, 11.1),
    {"complex": (70, 18, 10, 20), "power": (110, 18, 15, 20), "magnitude": (530, 100, 100, 85)},
)


@dataclass(frozen=True, eq=False)
class Spectrum16(Bins, OfSpectra):
    """Outputs of a transform in int16, in the units of that in int32."""

    transform: RealFFT16
    #: Whether others compute it.
    shared: bool = False

    @property
    def reads(self) -> Reading:
        return "mantissas"

    @property
    def spectra(self) -> Frames:
        return Frames(self.transform, 1.0, self.transform.n_fft, 1, shared=self.shared)

    def sharing(self) -> Self:
        return replace(self, shared=True)

    @property
    def kept(self) -> int:
        return 0  # of the only frame

    def predict(self, Q: Array) -> Array:
        re, im, exponent = self.transform.mantissas(np.asarray(Q, np.int16))
        exponent = exponent[:, None]
        if self.output == "complex":
            parts = np.stack([re, im], axis=2).reshape(len(re), -1)
            return _scaled(parts, exponent).astype(np.int32)
        square = re * re + im * im
        if self.output == "power":
            up = 2 * exponent - 30
            return np.asarray((square << np.maximum(up, 0)) >> np.maximum(-up, 0), np.int32)
        if self.output == "magnitude":
            return _scaled(root(square << 2), exponent - 1).astype(np.int32)
        log = np.maximum(log2_q11(square) + (exponent << 12) + 2, 0) >> 2
        return np.where(square > 0, log, 0).astype(np.int16)

    def layouts(self) -> Sequence[Layout]:
        wave = None if self.shared else {"wave": quarter_wave(self.transform.n_fft)}
        return [self.layout("int16, radix 4", wave, _COSTS)]

    def contract(self) -> Sequence[str]:
        what = self.what("to 2^-14 of the loudest bin's", "rounded down")
        return [
            f"samples times a window whose peak is 1; {what}",
            "66 dB of noise above the error, against float64; all bins of a window share an exponent",
        ]


def _scaled(a: Array, exponent: Array) -> Array:
    """``a * 2**exponent``, rounded to nearest."""
    return rounded(a << np.maximum(exponent, 0), np.maximum(-exponent, 0))
