"""Spectra of real samples, by the fast Fourier transform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._extractor import Extractor
from micromlgen.features._fft32 import RealFFT32, twiddles
from micromlgen.features._root import log2_q11, log2_table, power_of, root
from micromlgen.features._windows import half_in_q15, window
from micromlgen.ir import Extraction, Input, Layout

Array = NDArray[Any]
Output = Literal["complex", "power", "magnitude", "log"]
_SIZES = tuple(2**k for k in range(3, 13))
#: dB of one step of output="log": a power of two, in Q9.
_DB = 10 * np.log10(2.0) / 512
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2 at 512: bytes of code with and without what an output needs, cycles of n * log2(n).
_CODE = {"complex": (4900, 1650, 1080, 1170), "power": (300, 100, 60, 90), "magnitude": (400, 160, 110, 160)}
_CYCLES = (155.0, 11.0, 3.5, 4.6)
_OF_BIN = {"complex": (0, 0, 0, 0), "power": (180, 26, 14, 20), "magnitude": (1400, 170, 120, 160)}


@dataclass(frozen=True, eq=False)
class Spectrum(Extraction):
    """Bins 0 … n_fft / 2 of a transform, as they are or as one number each."""

    transform: RealFFT32
    output: Output

    @property
    def n_bins(self) -> int:
        """Bins, both ends included."""
        return self.transform.size + 1

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16 if self.output == "log" else np.int32)

    @property
    def top(self) -> int:
        return 60 * 512 if self.output == "log" else 2**30 - 1

    def names(self) -> Sequence[str]:
        if self.output == "complex":
            return [f"{part}{k}" for k in range(self.n_bins) for part in ("re", "im")]
        return [f"{self.output}{k}" for k in range(self.n_bins)]

    def unit(self) -> NDArray[np.float64]:
        unit = self.transform.unit
        one = {"complex": unit, "magnitude": unit, "power": unit**2 * 2.0**30, "log": _DB}[self.output]
        return np.full(self.n_outputs, one)

    def dequantize(self, Y: Array) -> NDArray[np.float64]:
        decibels = 20 * np.log10(self.transform.unit) if self.output == "log" else 0.0
        return super().dequantize(Y) + decibels

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
        transform = self.transform
        tables: dict[str, Array] = {"twiddles": twiddles(transform.n_fft).ravel()}
        if transform.window is not None:
            tables["window"] = transform.window
        if self.output == "log":
            tables["log2"] = log2_table()
        size = sum(t.nbytes for t in tables.values())
        output = "magnitude" if self.output == "log" else self.output
        code = [_CODE["complex"][k] + (_CODE[output][k] if output != "complex" else 0) for k in range(4)]
        work = transform.n_fft * np.log2(transform.n_fft)
        cycles = [_CYCLES[k] * work + _OF_BIN[output][k] * self.n_bins for k in range(4)]
        return [
            Layout(
                name="int32, radix 4",
                flash={c: size + code[k] for k, c in enumerate(_CORES)},
                cycles={c: float(cycles[k]) for k, c in enumerate(_CORES)},
                build=lambda: {"tables": tables},
                tables=[t.nbytes for t in tables.values()],
            )
        ]

    def contract(self) -> Sequence[str]:
        unit = self.transform.unit
        what = {
            "complex": f"real and imaginary parts of bins 0 to {self.n_bins - 1} in steps of {unit:.6g}",
            "magnitude": f"magnitudes of bins in steps of {unit:.6g}, to 2^-13 of each",
            "power": f"powers of bins in steps of {unit**2 * 2.0**30:.6g}, within 4 steps",
            "log": f"powers of bins in steps of {_DB:.6f} dB; 0 is {20 * np.log10(unit):.2f} dB and below",
        }
        return [
            f"samples times a window whose peak is 1; {what[self.output]}",
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
    precision : {"int32"}
        Integers that the transform computes in: those of its definition, so that features are the same on
        every core.

    Notes
    -----
    `reference` is ``numpy.fft.rfft(X * window)``, and its absolute value, the square of that, or
    ``10 * log10`` of that.
    """

    def __init__(
        self, n_fft: int = 256, window: Any = None, output: str = "complex", precision: str = "int32"
    ) -> None:
        self.n_fft = n_fft
        self.window = window
        self.output = output
        self.precision = precision

    def extraction(self, n_samples: int | None = None) -> Spectrum:
        if self.n_fft not in _SIZES or isinstance(self.n_fft, bool):
            raise UnsupportedError(
                f"FFT: n_fft={self.n_fft!r}; a power of two from 8 to 4096 is needed: choose one, and "
                "windows of as many samples"
            )
        if self.output not in get_args(Output):
            raise UnsupportedError(f"FFT: output={self.output!r}: use one of {', '.join(get_args(Output))}")
        if self.precision != "int32":
            raise UnsupportedError(
                f"FFT: precision={self.precision!r}: this version computes in 'int32' on every core; use that"
            )
        n_fft = int(self.n_fft)
        if n_samples not in (None, n_fft):
            raise UnsupportedError(f"FFT: windows have {n_samples} samples; n_fft={n_fft} are needed")
        transform = RealFFT32(n_fft, half_in_q15(window(self.window, n_fft, "FFT")))
        n_outputs = (n_fft // 2 + 1) * (2 if self.output == "complex" else 1)
        return Spectrum(
            source="FFT",
            input=Input(n_fft, "int16", exponents=np.zeros(n_fft, np.int32), samples=True),
            span=np.zeros((n_outputs, 2)),
            transform=transform,
            output=cast(Output, self.output),
        )

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
def fft(estimator: FFT) -> Spectrum:
    """Convert the parameters."""
    return estimator.extraction()
