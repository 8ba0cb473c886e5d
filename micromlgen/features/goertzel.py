"""Spectra at a few frequencies: the algorithm of Goertzel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features._biquads import Constant, constant
from micromlgen.features._extractor import Extractor
from micromlgen.features._root import power_of, root
from micromlgen.features.fft import square
from micromlgen.inputs import Input
from micromlgen.ir import Layout

Array = NDArray[Any]
Output = Literal["power", "magnitude"]
_MOST_FREQUENCIES = 64
_FULL_SCALE, _MOST, _LEAST = 32768.0, 2.0**30, 2.0**-30
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code of all, and of a frequency; cycles of a sample, and of a magnitude.
_CODE, _EACH = (220, 20, 20, 20), (615, 250, 200, 230)
_CYCLES, _ROOT = (138.0, 21.0, 9.1, 10.7), (1500.0, 200.0, 140.0, 180.0)


class Resonance(NamedTuple):
    """One frequency.

    Parameters
    ----------
    bits : int
        Of the fraction with which samples are taken, so that no sum leaves 30 bits and a sign.
    near_one : bool
        Whether the frequency is less than a quarter of the sample rate.
    k : Constant
        ``2 - 2 * cos(w)``, or ``2 + 2 * cos(w)`` of those above.
    sine : Constant
        Of w.
    """

    bits: int
    near_one: bool
    k: Constant
    sine: Constant

    @property
    def angle(self) -> float:
        """The frequency that k stands for, in radians a sample."""
        cosine = 1 - self.k.value / 2
        return float(np.arccos(np.clip(cosine if self.near_one else -cosine, -1, 1)))

    def parts(self, samples: Array) -> tuple[Array, Array]:
        """Real and imaginary part, but for what turns both, of int64 samples of shape (n, n_samples)."""
        y = d = np.zeros(len(samples), np.int64)
        for x in samples.T:
            back = self.k.mantissa * y >> self.k.shift
            before, forth = y, (x << self.bits)
            y = forth + (y + d - back) if self.near_one else forth - (y + d - back)
            d = y - before if self.near_one else y + before
        half = (self.k.mantissa * before >> self.k.shift) >> 1
        return d + half if self.near_one else d - half, self.sine.mantissa * before >> self.sine.shift


@dataclass(frozen=True, eq=False)
class Resonances(Extraction):
    """What windows have at some frequencies."""

    resonances: tuple[Resonance, ...]
    frequencies: tuple[float, ...]
    sample_rate: float
    output: Output

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32)

    @property
    def top(self) -> int:
        return 2**30 - 1

    def names(self) -> Sequence[str]:
        return [f"{self.output}_{frequency:g}" for frequency in self.frequencies]

    def unit(self) -> NDArray[np.float64]:
        bits = np.array([r.bits for r in self.resonances])
        return np.asarray(np.ldexp(1.0, -bits if self.output == "magnitude" else 30 - 2 * bits), np.float64)

    def predict(self, Q: Array) -> Array:
        out = []
        for resonance in self.resonances:
            re, im = (np.abs(part) for part in resonance.parts(np.asarray(Q, np.int64)))
            if self.output == "power":
                out.append(square(re) + square(im))
            else:
                power, shift = power_of(re, im)
                out.append(root(power) << shift)
        return np.stack(out, axis=1).astype(np.int32)

    @cached_property
    def off(self) -> float:
        """Most that a frequency is off the one asked for, in Hz."""
        asked = 2 * np.pi * np.array(self.frequencies) / self.sample_rate
        return float(np.abs([r.angle for r in self.resonances] - asked).max() * self.sample_rate / 2 / np.pi)

    def layouts(self) -> Sequence[Layout]:
        n = len(self.resonances)
        return [
            Layout(
                name="Goertzel",
                flash={c: float(_CODE[k] + n * _EACH[k]) for k, c in enumerate(_CORES)},
                cycles={c: n * (self.input.n_features * _CYCLES[k] + _ROOT[k]) for k, c in enumerate(_CORES)},
                build=dict,
            )
        ]

    def contract(self) -> Sequence[str]:
        return [f"{self.output}s at frequencies within {self.off:.2g} Hz of those asked for"]


class Goertzel(Extractor):
    """Spectrum of int16 samples at a few frequencies, for which an FFT would be too much.

    Parameters
    ----------
    frequencies : sequence of float
        In Hz, from 0 to half the sample rate; they need not be those of an FFT's bins. At most 64.
    sample_rate : float
        In Hz.
    output : {"magnitude", "power"}
        The absolute value of the spectrum, or its square.

    Notes
    -----
    Each frequency takes one product a sample, and eight bytes of RAM. (G. Goertzel, "An algorithm for the
    evaluation of finite trigonometric series", 1958; here between differences, as in `IIRFilter`, so that low
    frequencies are as exact as others.) Sums have 32 bits, of which samples fill as many as no window
    overflows: windows may be the longer the higher the frequency.

    `reference` is ``abs(X @ exp(-2j * pi * f / sample_rate * n))`` of each frequency f, or its square.
    """

    def __init__(self, frequencies: Any, sample_rate: float, output: str = "magnitude") -> None:
        self.frequencies = frequencies
        self.sample_rate = sample_rate
        self.output = output

    def extraction(self, n_samples: int | None = None) -> Resonances:
        frequencies = self._frequencies()
        if self.output not in get_args(Output):
            raise UnsupportedError(f"Goertzel: output={self.output!r}; use one of magnitude, power")
        length = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        if length is None:
            raise UnsupportedError(
                "Goertzel is not fitted; call fit(X) with windows as long as those to come"
            )
        return Resonances(
            source="Goertzel",
            input=Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True),
            span=np.zeros((len(frequencies), 2)),
            resonances=tuple(_resonance(f, 2 * np.pi * f / self.sample_rate, length) for f in frequencies),
            frequencies=tuple(frequencies),
            sample_rate=float(self.sample_rate),
            output="power" if self.output == "power" else "magnitude",
        )

    def _frequencies(self) -> list[float]:
        rate = self.sample_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not 0 < rate < np.inf:
            raise UnsupportedError(f"Goertzel: sample_rate={rate!r}; a number of Hz is needed")
        try:
            frequencies = np.asarray(self.frequencies, np.float64)
        except (TypeError, ValueError) as error:
            raise UnsupportedError(f"Goertzel: frequencies is not an array of numbers: {error}") from error
        if frequencies.ndim != 1 or not 1 <= len(frequencies) <= _MOST_FREQUENCIES:
            raise UnsupportedError(
                f"Goertzel: frequencies has shape {frequencies.shape}; at least one and at most "
                f"{_MOST_FREQUENCIES} are needed: use FFT for more"
            )
        if not ((frequencies >= 0) & (frequencies <= rate / 2)).all():
            raise UnsupportedError(
                f"Goertzel: frequencies from {frequencies.min():g} to {frequencies.max():g} Hz; use some "
                f"from 0 to half the sample rate, {rate / 2:g} Hz"
            )
        return [float(f) for f in frequencies]

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        turns = np.outer(np.arange(samples.shape[1]), self._frequencies()) / self.sample_rate
        spectrum = np.abs(samples @ np.exp(-2j * np.pi * turns))
        return np.asarray(spectrum**2 if self.output == "power" else spectrum)


def _resonance(frequency: float, angle: float, length: int) -> Resonance:
    """A frequency of windows of a length.

    Raises
    ------
    UnsupportedError
        If sums would leave 32 bits.
    """
    near_one = angle <= np.pi / 2
    k = 4 * np.sin(angle / 2) ** 2 if near_one else 4 * np.cos(angle / 2) ** 2
    # At both ends they are 0 but for the rounding of pi.
    k, sine = (constant(value) if value > _LEAST else Constant(0, 16) for value in (k, np.sin(angle)))
    made = Resonance(0, near_one, k, sine)
    n = np.arange(1, length + 1)
    turning = made.angle if near_one else np.pi - made.angle
    # The response to an impulse: sin(n w) / sin(w).
    response = np.sinc(n * turning / np.pi) * n / np.sinc(turning / np.pi)
    most = max(np.abs(response).sum(), float(length))
    bits = int(np.floor(np.log2(_MOST / ((_FULL_SCALE + 3) * most + 4))))
    if bits < 0:
        raise UnsupportedError(
            f"Goertzel: sums over {length} samples at {frequency:g} Hz leave 32 bits; use shorter windows, "
            "or FIRFilter(taps, decimation=...) before"
        )
    return made._replace(bits=bits)


@converts("micromlgen.features.Goertzel")
def goertzel(estimator: Goertzel) -> Resonances:
    """Convert the parameters."""
    return estimator.extraction()
