"""Energies of the wavelet transform, octave by octave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._daubechies import FILTERS, UP, starts, taps, transform
from micromlgen.features._extractor import Extractor
from micromlgen.features._powers import Output, PowerOf, Powers, plus, power_of, reference
from micromlgen.features._root import log2_table
from micromlgen.features._squares import squares
from micromlgen.features._terms import is_integer
from micromlgen.inputs import Input
from micromlgen.ir import Layout

Array = NDArray[Any]
_MOST_SAMPLES = 8192
_MOST_LEVELS = 10
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code, cycles of a tap of a sample, of a sample, of a level.
_CODE = (2400, 900, 700, 800)
_CYCLES = ((75.0, 13.0, 4.0, 6.0), (130.0, 36.0, 12.0, 30.0), (1500.0, 250.0, 100.0, 150.0))


@dataclass(frozen=True, eq=False)
class WaveletEnergies(PowerOf):
    """Of the approximation at the last level, and of details from there to the first."""

    wavelet: str
    levels: int

    @property
    def n(self) -> int:
        """Samples of a channel."""
        return self.input.n_features // self.n_channels

    @property
    def length(self) -> int:
        """Taps of a filter."""
        return len(FILTERS[self.wavelet])

    @property
    def starts(self) -> list[int]:
        """Where filters begin on each level."""
        return starts(self.length, self.levels)

    @property
    def exponent(self) -> int:
        """All energy is at most 2**30 * n."""
        return (self.n - 1).bit_length() + 1

    def own_exponent(self, level: int) -> int:
        """Of what `squares` of a level's coefficients give."""
        return 16 + level - 2 * UP

    def powers(self, X: NDArray[np.int16]) -> tuple[Powers, Powers]:
        coefficients = transform(X, taps(self.wavelet), self.levels)
        levels = [*range(1, self.levels + 1), self.levels]
        each = [power_of(squares(v), self.own_exponent(k)) for v, k in zip(coefficients, levels, strict=True)]
        total = each[0]
        for one in each[1:]:
            total = plus(total, one)
        both = [np.stack(parts[::-1], axis=1) for parts in zip(*each, strict=True)]
        return Powers(both[0], both[1]), Powers(total.m[:, None], total.e[:, None])

    def layouts(self) -> Sequence[Layout]:
        tables: dict[str, Array] = {"taps": taps(self.wavelet)}
        if self.output == "log":
            tables["log2"] = log2_table()
        sizes = [t.nbytes for t in tables.values()]
        tap, sample, level = _CYCLES
        flash = {core: float(_CODE[k] + sum(sizes)) for k, core in enumerate(_CORES)}
        cycles = {
            core: self.n_channels * (self.n * (2 * self.length * tap[k] + sample[k]) + self.levels * level[k])
            for k, core in enumerate(_CORES)
        }
        return [Layout("in place", flash, cycles, lambda: {"tables": tables}, sizes)]

    def contract(self) -> Sequence[str]:
        return [
            f"energies of {self.wavelet} coefficients, {self.levels} levels, periodic, {self._contract()}",
            f"their roots within {self.levels} (2^-14 of that of the window's energy and 2^-13 sqrt(n))",
        ]


class Wavelet(Extractor):
    """Energies of the discrete wavelet transform of int16 windows.

    Parameters
    ----------
    wavelet : {"haar", "db2", "db3", "db4"}
    levels : int
        From 1 to 10.
    output : {"power", "log", "relative"}
        "power": sums of squared coefficients; "log": 10 log10 of them, of at least 2^-10; "relative": parts
        of their total.
    n_channels : int
        Channels, interleaved.

    Notes
    -----
    `reference` is that of ``pywt.wavedec(X, wavelet, mode="periodization", level=levels)``: windows go on
    from their end to their start, so that the energies add up to that of the window. Outputs are in the order
    of `wavedec`, those of the first channel first: the approximation of the last level, its details, and on
    to the details of the first level, the highest octave. Channels have a multiple of 2^levels samples, from
    the length of the filter at the last level to 8192.
    """

    def __init__(
        self, wavelet: str = "db4", levels: int = 3, output: str = "power", *, n_channels: int = 1
    ) -> None:
        self.wavelet = wavelet
        self.levels = levels
        self.output = output
        self.n_channels = n_channels

    def extraction(self, n_samples: int | None = None) -> WaveletEnergies:
        if not isinstance(self.wavelet, str) or self.wavelet not in FILTERS:
            raise UnsupportedError(f"Wavelet: wavelet={self.wavelet!r}: use one of {', '.join(FILTERS)}")
        if self.output not in get_args(Output):
            raise UnsupportedError(
                f"Wavelet: output={self.output!r}: use one of {', '.join(get_args(Output))}"
            )
        for name, most in (("levels", _MOST_LEVELS), ("n_channels", 255)):
            value = getattr(self, name)
            if not is_integer(value) or not 1 <= value <= most:
                raise UnsupportedError(f"Wavelet: {name}={value!r}; an integer from 1 to {most} is needed")
        length = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        if length is None:
            raise UnsupportedError("Wavelet is not fitted; call fit(X) with windows as long as those to come")
        step, least = 1 << self.levels, len(FILTERS[self.wavelet]) << (self.levels - 1)
        n, rest = divmod(length, self.n_channels)
        if rest or n % step or not least <= n <= _MOST_SAMPLES:
            raise UnsupportedError(
                f"Wavelet: windows of {length} samples; of each of {self.n_channels} channels a multiple of "
                f"{step}, from {least} to {_MOST_SAMPLES}, is needed"
            )
        parts = (f"a{self.levels}", *(f"d{k}" for k in range(self.levels, 0, -1)))
        return WaveletEnergies(
            source="Wavelet",
            input=Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True),
            span=np.zeros((len(parts) * self.n_channels, 2)),
            parts=parts,
            output=cast(Output, self.output),
            n_channels=int(self.n_channels),
            wavelet=self.wavelet,
            levels=int(self.levels),
        )

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        out = []
        for c in range(self.n_channels):
            x = samples[:, c :: self.n_channels]
            energies = np.stack([(v * v).sum(axis=1) for v in self._coefficients(x)[::-1]], axis=1)
            out.append(reference(energies, energies.sum(axis=1, keepdims=True), cast(Output, self.output)))
        return np.concatenate(out, axis=1)

    def _coefficients(self, x: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Details of each level and the last approximation, as pywt has them but for their order in time."""
        h = np.array(FILTERS[self.wavelet])
        out = []
        for start in starts(len(h), self.levels):
            n = x.shape[1]
            near = x[:, (np.arange(0, n, 2)[:, None] + start + np.arange(len(h))) % n]
            out.append(near @ (h[::-1] * np.where(np.arange(len(h)) % 2, -1, 1)))
            x = near @ h
        return [*out, x]


@converts("micromlgen.features.Wavelet")
def wavelet(estimator: Wavelet) -> WaveletEnergies:
    """Convert the parameters."""
    return estimator.extraction()
