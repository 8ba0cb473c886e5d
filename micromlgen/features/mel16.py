"""Log energies of bands of a spectrum in int16 block floating point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft16 import RealFFT16, quarter_wave
from micromlgen.features._logmel import LogMel
from micromlgen.features._root import log2_table, root

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LogMel16(LogMel):
    """Log energies of mantissas, in sums of 32 bits."""

    transform: RealFFT16

    width = "int16"
    #: Measured with -O2.
    code = (6000, 3600, 2400, 3600)
    cycles = ((50.0, 14.0, 6.5, 11.0), (130.0, 30.0, 14.0, 20.0), (700.0, 120.0, 50.0, 100.0))

    @property
    def step_of_bin(self) -> float:
        unit = self.transform.unit / self.given.full_scale
        return unit / 2 if self.magnitude else unit**2

    def bins(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Of each frame: powers, or twice the magnitudes, (n, n_bins); and minus the exponent (n,)."""
        re, im, exponent = self.transform.mantissas(*self.frames(X))
        square = re * re + im * im
        return root(square << 2) if self.magnitude else square, -exponent

    def tables(self) -> dict[str, Array]:
        """Those that this one needs."""
        tables: dict[str, Array] = {"wave": quarter_wave(self.transform.n_fft)}
        if self.transform.window is not None:
            tables["window"] = self.transform.window
        return tables | {"log2": log2_table(), "weights": self.bank.weights} | self.sizes()
