"""Power of a signal in bands of frequencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, cast, get_args

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._extractor import Extractor
from micromlgen.features._frames import CORES, Frames, OfSpectra, Reading, frames
from micromlgen.features._powers import Output, PowerOf, Powers, plus, power_of, reference, times
from micromlgen.features._root import log2_table
from micromlgen.features._windows import window
from micromlgen.inputs import Input
from micromlgen.ir import Layout

Array = NDArray[Any]
#: Cycles of a band of a frame.
_BAND = (2500.0, 400.0, 150.0, 250.0)


@dataclass(frozen=True, eq=False)
class BandPowers(OfSpectra, PowerOf):
    """Mean over the frames of a window; of bands from a bin to before another."""

    frames: Frames
    #: Of each band, and of what they all lie in, shape (n_parts + 1, 2).
    bins: NDArray[np.uint16]
    #: Of all samples' squares times the window's, over n_fft and the frames: what a step of a bin's power is.
    gain: float

    @property
    def spectra(self) -> Frames:
        return self.frames

    @property
    def reads(self) -> Reading:
        return "powers"

    def sharing(self) -> Self:
        return replace(self, frames=replace(self.frames, shared=True))

    @property
    def used(self) -> int:
        """Bands whose powers are needed: those of the outputs, and what they are parts of."""
        return self.n_parts + int(self.output == "relative")

    @property
    def kept(self) -> int:
        return 3 * self.used * self.n_channels  # mantissas of 32 bits, and exponents

    @property
    def exponent(self) -> int:
        return 0

    @property
    def stack(self) -> int:
        """Bytes of arrays on the stack."""
        return self.frames.stack + 8 * len(self.bins)

    @property
    def factor(self) -> tuple[int, int]:
        """The gain in 16 bits, and its exponent."""
        fraction, exponent = np.frexp(self.gain)
        return min(round(float(fraction) * 2**16), 65535), int(exponent) - 16

    def powers(self, X: NDArray[np.int16]) -> tuple[Powers, Powers]:
        p, shift = self.frames.powers(X)
        last = self.frames.n_bins - 1
        sides = np.where((np.arange(last + 1) == 0) | (np.arange(last + 1) == last), 1, 2)
        sums = np.concatenate([np.zeros((*p.shape[:2], 1), np.int64), np.cumsum(p * sides, axis=2)], axis=2)
        first, end = self.bins.astype(np.int64).T
        of = power_of(sums[:, :, end] - sums[:, :, first], -2 * shift[:, :, None])
        of = times(of, *self.factor)
        mean = Powers(of.m[:, 0], of.e[:, 0])
        for t in range(1, self.frames.n_frames):
            mean = plus(mean, Powers(of.m[:, t], of.e[:, t]))
        return Powers(mean.m[:, :-1], mean.e[:, :-1]), Powers(mean.m[:, -1:], mean.e[:, -1:])

    def layouts(self) -> Sequence[Layout]:
        used = self.bins[: self.used]
        tables = self.frames.tables() | {"bins": used.ravel()}
        if self.output == "log":
            tables["log2"] = log2_table()
        sizes = [t.nbytes for t in tables.values()]
        flash = {core: float(self.frames.code(k) + 800 + sum(sizes)) for k, core in enumerate(CORES)}
        bands = len(used) * self.frames.n_frames
        cycles = {
            core: self.n_channels * (self.frames.cycles(k) + bands * _BAND[k]) for k, core in enumerate(CORES)
        }
        return [Layout(f"{self.frames.precision}, radix 4", flash, cycles, lambda: {"tables": tables}, sizes)]

    def contract(self) -> Sequence[str]:
        off = f"{2.0**-21 + 2.0**-27 * self.frames.transform.n_fft:.2g}"
        if self.frames.precision == "int16":
            off = "by root mean square 2^-13"
        return [
            f"{self.frames.counted} of {self.frames.transform.n_fft} samples, bins every "
            f"{self.frames.spacing:g} Hz; powers {self._contract()}",
            f"within 2^-11 of themselves, {off} of the power of all bins, and a step",
        ]


class BandPower(Extractor):
    """Power of int16 windows in bands, by the fast Fourier transform of their frames.

    Parameters
    ----------
    bands : sequence of (low, high), or dict of these by name
        Hz: of bins from `low` on to before `high`; half the sample rate is within a band that ends there.
    sample_rate : float
        Hz.
    n_fft : int
        Samples of a frame: a power of two from 8 to 4096.
    window : str, tuple or None
        As of `scipy.signal.get_window`, periodic.
    hop_length : int
        Samples from a frame to the next, by default half a frame. A window has as many frames as fit.
    output : {"power", "log", "relative"}
        "power": mean square of what is in the band; "log": 10 log10 of it, of at least 2^-10; "relative": its
        part of what is from the lowest to the highest corner of all bands.
    n_channels : int
        Channels, interleaved.
    precision : {"int32", "int16"}
        Integers of the transform, as in `FFT`. "int16" takes half the memory and on AVR three quarters of
        the cycles; a power is then off by 2^-13 of that of all bins (root mean square).

    Notes
    -----
    `reference` is Welch's method, the sum over bins of ``scipy.signal.welch(X, sample_rate, window, n_fft,
    n_fft - hop_length, detrend=False)`` times their distance, ``sample_rate / n_fft``. Nothing is subtracted
    before: where there is a constant part, as of gravity, begin the lowest band above the window's main lobe,
    such as two bins of "hann".
    """

    def __init__(
        self,
        bands: Any,
        sample_rate: float,
        n_fft: int = 256,
        window: Any = "hann",
        hop_length: int | None = None,
        output: str = "power",
        *,
        n_channels: int = 1,
        precision: str = "int32",
    ) -> None:
        self.bands = bands
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.window = window
        self.hop_length = hop_length
        self.output = output
        self.n_channels = n_channels
        self.precision = precision

    def extraction(self, n_samples: int | None = None) -> BandPowers:
        length = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        framed = frames("BandPower", self.get_params(deep=False), length)
        if self.output not in get_args(Output):
            outputs = ", ".join(get_args(Output))
            raise UnsupportedError(f"BandPower: output={self.output!r}: use one of {outputs}")
        names, bins = self._bins(framed)
        transform = framed.transform
        energy = float((transform.whole_window.astype(float) ** 2).sum()) * (
            1 if transform.window is None else 32767.0**-2
        )
        n = transform.n_fft if length is None else length // framed.n_channels
        return BandPowers(
            source="BandPower",
            input=Input(
                n * framed.n_channels,
                "int16",
                exponents=np.zeros(n * framed.n_channels, np.int32),
                samples=True,
            ),
            span=np.zeros((len(names) * framed.n_channels, 2)),
            parts=names,
            output=cast(Output, self.output),
            n_channels=framed.n_channels,
            frames=framed,
            bins=bins,
            gain=framed.step_of_power / (transform.n_fft * energy * framed.n_frames),
        )

    def _bins(self, framed: Frames) -> tuple[tuple[str, ...], NDArray[np.uint16]]:
        """Names of the bands, and their bins."""
        named = isinstance(self.bands, Mapping)
        half = framed.sample_rate / 2
        try:
            edges = np.array([*(self.bands.values() if named else self.bands)], float)
        except (TypeError, ValueError):
            edges = np.zeros(0)
        low, high = edges.T if edges.ndim == 2 and edges.shape[1] == 2 else np.zeros((2, 1))
        if not ((low >= 0) & (low < high) & (high <= half)).all():
            raise UnsupportedError(
                f"BandPower: bands={self.bands!r}: pairs of Hz are needed, the lower one first, from 0 to "
                f"sample_rate / 2 = {half:g}"
            )
        if self.output == "relative" and len(edges) == 1:
            raise UnsupportedError("BandPower: output='relative' is of several bands; there is one")
        frequencies = np.arange(framed.n_bins) * framed.spacing
        every = np.concatenate([edges, [[low.min(), high.max()]]])
        first = np.searchsorted(frequencies, every[:, 0])
        end = np.where(every[:, 1] == half, framed.n_bins, np.searchsorted(frequencies, every[:, 1]))
        if (first >= end).any():
            lowest, highest = every[np.argmax(first >= end)]
            raise UnsupportedError(
                f"BandPower: no bin lies from {lowest:g} to {highest:g} Hz; they are {framed.spacing:g} Hz "
                "apart: use a wider band or a larger n_fft"
            )
        names = list(self.bands) if named else [f"band_{a:g}_{b:g}" for a, b in edges]
        return tuple(map(str, names)), np.stack([first, end], axis=1).astype(np.uint16)

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        model = self.extraction(samples.shape[1])
        values = window(self.window, int(self.n_fft), "BandPower")
        energy = self.n_fft if values is None else (values**2).sum()
        sides = np.full(model.frames.n_bins, 2.0)
        sides[[0, -1]] = 1
        out = []
        for c in range(model.n_channels):
            spectra = model.frames.reference(samples[:, c :: model.n_channels], values)
            power = (np.abs(spectra) ** 2).mean(axis=1) * sides / (self.n_fft * energy)
            bands = np.stack([power[:, a:b].sum(axis=1) for a, b in model.bins.tolist()], axis=1)
            out.append(reference(bands[:, :-1], bands[:, -1:], model.output))
        return np.concatenate(out, axis=1)


@converts("micromlgen.features.BandPower")
def bandpower(estimator: BandPower) -> BandPowers:
    """Convert the parameters."""
    return estimator.extraction()
