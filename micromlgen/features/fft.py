"""Spectra of real samples, by the fast Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._extractor import Extractor
from micromlgen.features._fft16 import RealFFT16
from micromlgen.features._fft32 import RealFFT32, twiddles
from micromlgen.features._root import log2_q11, power_of, root
from micromlgen.features._spectrum import Bins, Costs, Output
from micromlgen.features._windows import half_in_q15, window
from micromlgen.features.fft16 import Spectrum16
from micromlgen.inputs import Input
from micromlgen.ir import Layout

Array = NDArray[Any]
_SIZES = tuple(2**k for k in range(3, 13))
#: Measured with -O2 at 512: bytes of code with and without what an output needs, cycles of n * log2(n).
_COSTS = Costs(
    {"complex": (4700, 1650, 1080, 1170), "power": (350, 100, 60, 90), "magnitude": (400, 160, 110, 160)},
    (71.0, 9.0, 3.5, 4.6),
    {"complex": (0, 0, 0, 0), "power": (360, 26, 14, 20), "magnitude": (600, 170, 120, 160)},
)


@dataclass(frozen=True, eq=False)
class Spectrum(Bins):
    """Outputs of a transform in int32."""

    def predict(self, Q: Array) -> Array:
        re, im = self.transform.spectrum(np.asarray(Q, np.int16))
        if self.output == "complex":
            return np.stack([re, im], axis=2).reshape(len(Q), -1).astype(np.int32)
        re, im = np.abs(re), np.abs(im)
        if self.output == "power":
            return (square(re) + square(im)).astype(np.int32)
        power, shift = power_of(re, im)
        if self.output == "magnitude":
            return np.asarray(root(power) << shift, np.int32)
        return np.asarray(((shift << 12) + log2_q11(power) + 2) >> 2, np.int16)

    def layouts(self) -> Sequence[Layout]:
        return [self.layout("int32, radix 4", {"twiddles": twiddles(self.transform.n_fft).ravel()}, _COSTS)]

    def contract(self) -> Sequence[str]:
        what = self.what("to 2^-13 of each", "within 4 steps")
        return [
            f"samples times a window whose peak is 1; {what}",
            "signal to noise at least 90 dB at full scale, against float64",
        ]


def square(a: Array) -> Array:
    """``a**2 / 2**30`` of a from 0 to 2**30, rounded down twice."""
    high, low = a >> 15, a & 0x7FFF
    return np.asarray(high * high + (high * low >> 14))


class FFT(Extractor):
    """Spectrum of real int16 samples.

    Parameters
    ----------
    n_fft : int
        Length of a window: a power of two from 8 to 4096.
    window : str, tuple or None
        As of `scipy.signal.get_window`, periodic.
    output : {"complex", "power", "magnitude", "log"}
        Of each bin from 0 to n_fft / 2. "complex": real and imaginary part in turn; "power": the square of
        the magnitude; "log": dB of it, of at least one step of "complex" squared.
    precision : {"int32", "int16"}
        Integers that the transform computes in: those of its definition, so that features are the same on
        every core. "int16": block floating point, all bins of a window with one exponent, in half the memory,
        and a quarter fewer cycles on AVR; see the notes.

    Notes
    -----
    `reference` is ``numpy.fft.rfft(X * window)``, and its absolute value, the square of that, or
    ``10 * log10`` of that.

    In int32 noise is 90 dB and more below a window at full scale. In int16 it is 66 dB and more below the
    noise of a window, and below its tones from 75 dB of 8 points to 53 of 4096, however quiet, since samples
    are first shifted up as far as they go. The exponent is added back to the outputs, which have the units
    that they have in int32: one for all windows, as scalers and classifiers need. In C,
    ``<name>_spectrum(samples, z)`` gives the mantissas of "complex" in n_fft + 2 int16 and returns their
    exponent. `transform` needs no memory but its output, in which it works, and for "log" that of the
    mantissas.
    """

    def __init__(
        self, n_fft: int = 256, window: Any = None, output: str = "complex", precision: str = "int32"
    ) -> None:
        self.n_fft = n_fft
        self.window = window
        self.output = output
        self.precision = precision

    def extraction(self, n_samples: int | None = None) -> Bins:
        if self.n_fft not in _SIZES or isinstance(self.n_fft, bool):
            raise UnsupportedError(
                f"FFT: n_fft={self.n_fft!r}; a power of two from 8 to 4096 is needed: choose one, and "
                "windows of as many samples"
            )
        if self.output not in get_args(Output):
            raise UnsupportedError(f"FFT: output={self.output!r}: use one of {', '.join(get_args(Output))}")
        if self.precision not in ("int32", "int16"):
            raise UnsupportedError(f"FFT: precision={self.precision!r}: use 'int32' or 'int16'")
        n_fft = int(self.n_fft)
        if n_samples not in (None, n_fft):
            raise UnsupportedError(f"FFT: windows have {n_samples} samples; n_fft={n_fft} are needed")
        half = half_in_q15(window(self.window, n_fft, "FFT"))
        output = cast(Output, self.output)
        inputs = Input(n_fft, "int16", exponents=np.zeros(n_fft, np.int32), samples=True)
        span = np.zeros(((n_fft // 2 + 1) * (2 if output == "complex" else 1), 2))
        if self.precision == "int16":
            return Spectrum16("FFT", inputs, span, RealFFT16(n_fft, half), output)
        return Spectrum("FFT", inputs, span, RealFFT32(n_fft, half), output)

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        values = window(self.window, int(self.n_fft), "FFT")
        spectrum = np.fft.rfft(samples if values is None else samples * values)
        if self.output == "complex":
            return np.stack([spectrum.real, spectrum.imag], axis=2).reshape(len(samples), -1)
        if self.output == "magnitude":
            return np.abs(spectrum)
        power = np.abs(spectrum) ** 2
        if self.output == "power":
            return power
        return np.asarray(10 * np.log10(np.maximum(power, self.extraction().transform.unit ** 2)))


@converts("micromlgen.features.FFT")
def fft(estimator: FFT) -> Bins:
    """Convert the parameters."""
    return estimator.extraction()
