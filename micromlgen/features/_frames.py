"""Spectra of frames of windows, and what is read from them: the twin of dsp/powers32.h and dsp/powers16.h."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.errors import UnsupportedError
from micromlgen.extraction import Extraction
from micromlgen.features._fft16 import RealFFT16, quarter_wave
from micromlgen.features._fft32 import RealFFT32, twiddles
from micromlgen.features._root import bit_length, power_of, root
from micromlgen.features._terms import is_integer
from micromlgen.features._windows import half_in_q15, window
from micromlgen.streams import Framing

Array = NDArray[Any]
Reading = Literal["powers", "magnitudes", "mantissas"]
_SIZES = tuple(2**k for k in range(3, 13))
CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code, and cycles of a sample of a frame times log2(n_fft), of a bin.
_CODE = {"int32": (5600, 2000, 1300, 1500), "int16": (3150, 2200, 1470, 2270)}
_CYCLES = {
    "int32": ((70.0, 9.6, 3.5, 5.2), (185.0, 40.0, 21.0, 30.0)),
    "int16": ((50.0, 15.0, 7.0, 11.2), (70.0, 18.0, 10.0, 20.0)),
}


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of windows, `hop_length` samples from one to the next.

    Parameters
    ----------
    transform : RealFFT32
        Of a frame; a `RealFFT16` for spectra in int16.
    sample_rate : float
    hop_length : int
    n_frames : int
    n_channels : int
        Interleaved.
    shared : bool
        Whether others compute the spectra.
    """

    transform: RealFFT32
    sample_rate: float
    hop_length: int
    n_frames: int
    n_channels: int = 1
    shared: bool = False

    @property
    def precision(self) -> str:
        """Integers of the transform."""
        return "int16" if isinstance(self.transform, RealFFT16) else "int32"

    @property
    def n_bins(self) -> int:
        """From 0 to half the sample rate."""
        return self.transform.size + 1

    @property
    def counted(self) -> str:
        """How many, for the contract."""
        return f"{self.n_frames} frame{'s' if self.n_frames > 1 else ''}"

    @property
    def spacing(self) -> float:
        """Hz from a bin to the next."""
        return self.sample_rate / self.transform.n_fft

    @property
    def looks_back(self) -> bool:
        """Whether the sample before a frame counts, unless it is the first of its window."""
        return self.transform.emphasis != 0 and self.n_frames > 1

    @property
    def same(self) -> tuple[Any, ...]:
        """What frames have in common whose spectra are the same."""
        transform = self.transform
        window = None if transform.window is None else transform.window.tobytes()
        hop = self.hop_length if self.n_frames > 1 else 0
        sizes = transform.n_fft, transform.length, transform.emphasis, hop, self.n_frames, self.n_channels
        return self.precision, window, *sizes

    @property
    def words(self) -> int:
        """A spectrum is in so many integers of 32 bits: two for a bin, or one of both its mantissas."""
        return self.transform.size + 1 if self.precision == "int16" else self.transform.n_fft + 2

    @property
    def stack(self) -> int:
        """Bytes of a spectrum, and of the samples of a channel."""
        return 4 * self.words + (2 * self.transform.n_fft if self.n_channels > 1 else 0)

    def cut(self, X: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Frames of windows of one channel, shape (n * n_frames, length), and the sample before each or 0."""
        length = self.transform.length
        starts = np.arange(self.n_frames) * self.hop_length
        before = np.where(starts > 0, X[:, np.maximum(starts - 1, 0)], 0).astype(np.int16)
        return X[:, starts[:, None] + np.arange(length)].reshape(-1, length), before.ravel()

    def powers(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Of bins, below 2**31: shape (n, n_frames, n_bins), times ``4**shift``; the shift, (n, n_frames).

        Parameters
        ----------
        X : int16 array of shape (n, n_samples)
            Windows of one channel.
        """
        if self.precision == "int16":
            square, shift = self._squares(X)
            return self._windows(square), self._windows(shift)[..., 0]
        re, im, up, bits = self._spectra(X)
        more = np.where(bits > 0, 31 - bits, 0)
        re, im = np.abs(re) << more[:, None], np.abs(im) << more[:, None]
        return self._windows((re * re >> 32) + (im * im >> 32)), self._windows(up + more)[..., 0]

    def magnitudes(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Likewise magnitudes, below 2**30 or, of spectra in int16, 2**16, times ``2**shift``."""
        if self.precision == "int16":
            square, shift = self._squares(X)
            return self._windows(root(square << 2)), self._windows(shift)[..., 0]
        re, im, up, bits = self._spectra(X)
        more = np.where(bits > 0, np.maximum(29 - bits, 0), 0)
        power, down = power_of(np.abs(re) << more[:, None], np.abs(im) << more[:, None])
        return self._windows(root(power) << down), self._windows(up + more)[..., 0]

    def parts(self, X: NDArray[np.int16]) -> tuple[Array, Array, Array]:
        """Real and imaginary ones of bins, (n, n_frames, n_bins), times ``2**shift``, and the shift."""
        re, im, up, _ = self._spectra(X)
        return self._windows(re), self._windows(im), self._windows(up)[..., 0]

    @property
    def step_of_power(self) -> float:
        """What one is, times ``4**-shift``: of samples times a window whose peak is 1."""
        return self.transform.unit**2 * (1.0 if self.precision == "int16" else 2.0**32)

    @property
    def step_of_magnitude(self) -> float:
        """Likewise, times ``2**-shift``."""
        return self.transform.unit * (0.5 if self.precision == "int16" else 1.0)

    def _windows(self, of_frames: Array) -> Array:
        return of_frames.reshape(-1, self.n_frames, of_frames.size // len(of_frames))

    def _spectra(self, X: NDArray[np.int16]) -> tuple[Array, Array, Array, Array]:
        """Real and imaginary parts of frames in int32, how far these were shifted up, bits of the largest."""
        frames, before = self.cut(X)
        up = self.transform.headroom(frames, before)
        re, im = self.transform.spectrum(
            frames.astype(np.int64) << up[:, None], before.astype(np.int64) << up
        )
        return re, im, up, bit_length(np.bitwise_or.reduce((re ^ (re >> 63)) | (im ^ (im >> 63)), axis=1))

    def _squares(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Squares of mantissas, and minus their exponents."""
        assert isinstance(self.transform, RealFFT16)
        re, im, exponent = self.transform.mantissas(*self.cut(X))
        return re * re + im * im, -exponent

    def tables(self) -> dict[str, Array]:
        """In flash."""
        n_fft, half = self.transform.n_fft, self.transform.window
        if self.shared:
            return {}
        tables: dict[str, Array] = (
            {"wave": quarter_wave(n_fft)}
            if self.precision == "int16"
            else {"twiddles": twiddles(n_fft).ravel()}
        )
        return tables if half is None else tables | {"window": half}

    def code(self, core: int) -> float:
        """Bytes."""
        return 0.0 if self.shared else float(_CODE[self.precision][core])

    def cycles(self, core: int) -> float:
        """Of the spectra of a channel."""
        n, (of_sample, of_bin) = self.transform.n_fft, _CYCLES[self.precision]
        one = of_sample[core] * n * np.log2(n) + of_bin[core] * self.n_bins
        return 0.0 if self.shared else float(self.n_frames * one)

    def reference(self, samples: NDArray[np.float64], values: NDArray[np.float64] | None) -> Array:
        """Spectra of windows of one channel in float64, complex of shape (n, n_frames, n_bins)."""
        starts = np.arange(self.n_frames) * self.hop_length
        frames = samples[:, starts[:, None] + np.arange(self.transform.n_fft)]
        return np.asarray(np.fft.rfft(frames if values is None else frames * values))


@dataclass(frozen=True, eq=False)
class OfSpectra(Extraction):
    """An extractor that reads spectra of frames one after another.

    Its template gives ``<name>_state_t``, ``<name>_frame(state, bins, shift, t, y)`` of each frame, and
    ``<name>_finish(state, y)`` behind the last one of a channel; y is where the channel's outputs begin.

    If `framed_by_streams`, it also gives what streams call: ``<name>_keep(bins, shift, kept)`` of a frame
    of a channel, and ``<name>_of_kept(kept, stride, y)`` of all frames of a window, `stride` numbers apart.
    Unless others compute the spectra, it gives ``<name>_kept(x, kept)`` of a frame's samples, and
    ``<name>_windowed_transform(kept, y)`` of frames of which nothing else is kept. `_kept` also takes
    ``follows`` where the sample before a frame counts; it and `_keep` take ``carried`` where numbers go
    from a frame to the next.
    """

    #: Whether a stream may keep its frames: it may not beside others that need the samples.
    in_frames: bool = field(default=True, kw_only=True)

    @property
    @abstractmethod
    def reads(self) -> Reading:
        """What of bins."""

    @property
    @abstractmethod
    def spectra(self) -> Frames:
        """That are read."""

    @abstractmethod
    def sharing(self) -> Self:
        """The same, where others compute the spectra."""

    @property
    @abstractmethod
    def kept(self) -> int:
        """What a stream keeps of a frame: int16 numbers of all channels, of each in turn."""

    @property
    def carried(self) -> int:
        """What goes from a frame to the next: uint32 numbers of all channels, of each in turn."""
        return 0

    @property
    def framed_by_streams(self) -> bool:
        """Whether functions for streams are there."""
        return self.in_frames and self.spectra.n_frames > 1

    def framing(self, hop: int) -> Framing | None:
        frames = self.spectra
        length = frames.transform.length
        behind = (frames.n_frames - 1) * frames.hop_length + length
        framing = Framing(
            length=length,
            hop=frames.hop_length,
            count=frames.n_frames,
            kept=self.kept,
            window_hop=hop,
            looks_back=frames.looks_back,
            n_channels=frames.n_channels,
            carried=self.carried,
            rest=self.input.n_features // frames.n_channels - behind,
        ).distinct
        return framing if self.framed_by_streams and framing.possible else None


def frames(who: str, given: dict[str, Any], n_samples: int | None) -> Frames:
    """By parameters (sample_rate, n_fft, window, hop_length, n_channels, precision), of windows of n_samples.

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
    if given["precision"] not in _CODE:
        raise UnsupportedError(f"{who}: precision={given['precision']!r}: use 'int32' or 'int16'")
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
    kind = RealFFT16 if given["precision"] == "int16" else RealFFT32
    return Frames(
        transform=kind(int(n_fft), half_in_q15(window(given["window"], int(n_fft), who))),
        sample_rate=float(rate),
        hop_length=int(hop),
        n_frames=1 + (n - int(n_fft)) // int(hop),
        n_channels=int(channels),
    )
