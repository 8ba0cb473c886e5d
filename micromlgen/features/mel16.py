"""Log energies of bands of a spectrum in int16 block floating point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.features._fft16 import LARGEST, RealFFT16, quarter_wave, rounded
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
    def down(self) -> int:
        """By how much powers are shifted down, so that their sums fit 32 bits."""
        if self.magnitude:
            return 0
        together = (self.bank.counts[:-1] + self.bank.counts[1:]).max()
        terms = self.transform.size + 1 if self.given.energy else together
        return max(0, int(np.ceil(np.log2(terms * 2.0 * LARGEST**2 / 2.0**32))))

    @property
    def plus(self) -> int:
        """What the log of an energy of integers lacks to that of an energy, in Q11."""
        unit = self.transform.unit / self.given.full_scale
        energy = unit / 2 if self.magnitude else np.ldexp(unit**2, self.down)
        return int(np.rint(2048 * np.log2(energy / (self.given.n_fft if self.given.scaled else 1))))

    @property
    def weights(self) -> NDArray[np.uint16]:
        """How far each bin inside is between corners, in Q16."""
        rising = self.bank.rising[self.bank.first : self.bank.first + len(self.bank.weights)]
        return np.asarray(np.minimum(np.rint(rising * 2.0**16), 65535), np.uint16)

    def energies(self, X: NDArray[np.int16]) -> tuple[Array, Array, Array]:
        """Of each frame: sums of filters (n, n_mels) and of all bins (n,); and minus the exponent (n,)."""
        re, im, exponent = self.transform.mantissas(*self.frames(X))
        square = re * re + im * im
        p = root(square << 2) if self.magnitude else rounded(square, self.down)
        whole, part = self.segments(p), self.segments((p * self.spread(self.weights)) >> 16)
        return part[:, :-1] + whole[:, 1:] - part[:, 1:], p.sum(axis=1), -exponent

    def tables(self) -> dict[str, Array]:
        """Those that this one needs."""
        tables: dict[str, Array] = {"wave": quarter_wave(self.transform.n_fft)}
        if self.transform.window is not None:
            tables["window"] = self.transform.window
        return tables | {"log2": log2_table(), "weights": self.weights} | self.sizes()
