"""Spectra of frames of windows, as large as their integers go: the twin of dsp/spectral.h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.features._fft32 import RealFFT32, twiddles
from micromlgen.features._root import bit_length
from micromlgen.features._terms import is_integer
from micromlgen.features._windows import half_in_q15, window
from micromlgen.features.fft import square

Array = NDArray[Any]
_SIZES = tuple(2**k for k in range(3, 13))
#: Bits of the largest real or imaginary part, where the transform leaves no more.
_MOST = 29
CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code, and cycles of a sample of a frame times log2(n_fft), of a bin.
CODE = (6500, 2000, 1300, 1500)
CYCLES = ((200.0, 11.5, 3.8, 5.0), (260.0, 45.0, 24.0, 30.0))


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of n_fft samples, `hop_length` from one to the next.

    Parameters
    ----------
    transform : RealFFT32
    sample_rate : float
    hop_length : int
    n_frames : int
    n_channels : int
        Interleaved.
    """

    transform: RealFFT32
    sample_rate: float
    hop_length: int
    n_frames: int
    n_channels: int

    @property
    def n_bins(self) -> int:
        """From 0 to half the sample rate."""
        return self.transform.size + 1

    @property
    def spacing(self) -> float:
        """Hz from a bin to the next."""
        return self.sample_rate / self.transform.n_fft

    @property
    def stack(self) -> int:
        """Bytes of a spectrum, and of the samples of a channel."""
        n_fft = self.transform.n_fft
        return 4 * n_fft + 8 + (2 * n_fft if self.n_channels > 1 else 0)

    def spectra(self, X: NDArray[np.int16]) -> tuple[Array, Array, Array]:
        """Real and imaginary parts, shape (n, n_frames, n_bins), times 2**shift, (n, n_frames).

        Parameters
        ----------
        X : int16 array of shape (n, n_samples)
            Windows of one channel.
        """
        starts = np.arange(self.n_frames) * self.hop_length
        frames = X[:, starts[:, None] + np.arange(self.transform.n_fft)].reshape(-1, self.transform.n_fft)
        up = self.transform.headroom(frames)
        re, im = self.transform.spectrum(frames.astype(np.int64) << up[:, None])
        every = np.bitwise_or.reduce((re ^ (re >> 63)) | (im ^ (im >> 63)), axis=1)
        more = np.where(every > 0, np.maximum(_MOST - bit_length(every), 0), 0)
        shape = (len(X), self.n_frames, -1)
        parts = [(v << more[:, None]).reshape(shape) for v in (re, im)]
        return parts[0], parts[1], (up + more).reshape(shape[:2])

    def powers(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Of bins, shape (n, n_frames, n_bins), in steps of `unit**2 * 2**30 / 4**shift`, and the shift."""
        re, im, shift = self.spectra(X)
        return square(np.abs(re)) + square(np.abs(im)), shift

    def tables(self) -> dict[str, Array]:
        """In flash."""
        tables: dict[str, Array] = {"twiddles": twiddles(self.transform.n_fft).ravel()}
        if self.transform.window is not None:
            tables["window"] = self.transform.window
        return tables

    def cycles(self, core: int) -> float:
        """Of the spectra of a channel."""
        n = self.transform.n_fft
        return float(self.n_frames * (CYCLES[0][core] * n * np.log2(n) + CYCLES[1][core] * self.n_bins))

    def reference(self, samples: NDArray[np.float64], values: NDArray[np.float64] | None) -> Array:
        """Spectra of windows of one channel in float64, complex of shape (n, n_frames, n_bins)."""
        starts = np.arange(self.n_frames) * self.hop_length
        frames = samples[:, starts[:, None] + np.arange(self.transform.n_fft)]
        return np.asarray(np.fft.rfft(frames if values is None else frames * values))


def frames(who: str, given: dict[str, Any], n_samples: int | None) -> Frames:
    """Of the parameters sample_rate, n_fft, window, hop_length and n_channels, and windows of n_samples.

    Raises
    ------
    UnsupportedError
        If one is unfit, or there is no frame.
    """
    rate, n_fft, hop, channels = (given[k] for k in ("sample_rate", "n_fft", "hop_length", "n_channels"))
    number = is_integer(rate) or isinstance(rate, float | np.floating)
    if not number or not 0 < rate < 1e9:
        raise UnsupportedError(f"{who}: sample_rate={rate!r}: a number of Hz is needed")
    if n_fft not in _SIZES or not is_integer(n_fft):
        raise UnsupportedError(f"{who}: n_fft={n_fft!r}; a power of two from 8 to 4096 is needed")
    hop = n_fft // 2 if hop is None else hop
    for name, value, most in (("hop_length", hop, 1 << 15), ("n_channels", channels, 255)):
        if not is_integer(value) or not 1 <= value <= most:
            raise UnsupportedError(f"{who}: {name}={value!r}; an integer from 1 to {most} is needed")
    length = n_fft * channels if n_samples is None else n_samples
    n, rest = divmod(length, channels)
    if rest or n < n_fft:
        raise UnsupportedError(
            f"{who}: windows have {length} samples; of each of {channels} channels n_fft={n_fft} or more "
            "are needed"
        )
    return Frames(
        transform=RealFFT32(int(n_fft), half_in_q15(window(given["window"], int(n_fft), who))),
        sample_rate=float(rate),
        hop_length=int(hop),
        n_frames=1 + (n - int(n_fft)) // int(hop),
        n_channels=int(channels),
    )
