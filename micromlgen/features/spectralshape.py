"""The shape of spectra: where they lie, how wide and how flat they are, how they change, where they peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features import _shape as shape
from micromlgen.features._extractor import Extractor, chosen
from micromlgen.features._frames import CORES, Frames, OfSpectra, Reading, frames
from micromlgen.features._powers import DB, FLOOR
from micromlgen.features._root import log2_table
from micromlgen.features._terms import is_integer
from micromlgen.features._windows import window
from micromlgen.inputs import Input
from micromlgen.ir import Layout

Array = NDArray[Any]
FEATURES = ("centroid", "bandwidth", "rolloff", "flatness", "flux", "peaks")
#: Cycles of a bin of a frame for all of the features.
_BIN = (6000.0, 420.0, 170.0, 250.0)


@dataclass(frozen=True, eq=False)
class Shapes(OfSpectra):
    """Features of the frames of each channel in turn."""

    frames: Frames
    features: tuple[str, ...]
    #: In Q16.
    roll: int
    n_peaks: int

    @property
    def spectra(self) -> Frames:
        return self.frames

    @property
    def reads(self) -> Reading:
        return "magnitudes"

    def sharing(self) -> Self:
        return replace(self, frames=replace(self.frames, shared=True))

    @property
    def frame_size(self) -> int:
        return self.frames.n_channels

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32)

    @property
    def top(self) -> int:
        return 2**30 - 1

    @property
    def flux_bits(self) -> int:
        """A step of flux is so many steps of magnitudes, as powers of two."""
        # In int16 steps of magnitudes are halves.
        return (self.frames.n_bins - 1).bit_length() // 2 + 1 + int(self._block)

    @property
    def excess(self) -> int:
        """Bits by which magnitudes have more than 16."""
        return 0 if self._block else 14

    @property
    def _block(self) -> bool:
        return self.frames.precision == "int16"

    @property
    def plus(self) -> int:
        """Of the logarithm of a squared magnitude, in Q11."""
        return int(np.rint(2 * np.log2(self.frames.step_of_magnitude) * 2048))

    @property
    def lowest(self) -> int:
        """The floor of a peak's power."""
        return FLOOR * 512

    @property
    def mean(self) -> int:
        """``log2(n_bins)`` in Q16."""
        return shape.mean_of(self.frames.n_bins)

    def _of_frame(self, t: int) -> list[tuple[str, float]]:
        """Names of the features of frame t, and their units."""
        spacing, out = self.frames.spacing, []
        units = {"flux": self.frames.step_of_magnitude * 2.0**self.flux_bits, "flatness": 2.0**-16}
        units |= {"centroid": spacing / 2**16, "bandwidth": spacing / 2**16, "rolloff": spacing}
        for feature in self.features:
            if feature == "peaks":
                for i in range(self.n_peaks):
                    out += [(f"peak{i}_frequency", spacing), (f"peak{i}_power", DB)]
            elif feature != "flux" or t:
                out.append((feature, units[feature]))
        suffix = f"_{t}" if self.frames.n_frames > 1 else ""
        return [(name + suffix, unit) for name, unit in out]

    @property
    def per_frame(self) -> int:
        """Outputs of a frame, but for the first, which has no flux."""
        return len(self._of_frame(1))

    @property
    def flux_at(self) -> int:
        """Number of the flux among the outputs of a frame."""
        before = self.features[: self.features.index("flux")]
        return sum(2 * self.n_peaks if feature == "peaks" else 1 for feature in before)

    @property
    def kept(self) -> int:
        return 2 * self.per_frame * self.frames.n_channels  # int32

    @property
    def carried(self) -> int:
        # Magnitudes of a frame, and their shift.
        return (self.frames.n_bins + 1) * self.frames.n_channels if "flux" in self.features else 0

    def _of_channel(self) -> list[tuple[str, float]]:
        return [pair for t in range(self.frames.n_frames) for pair in self._of_frame(t)]

    def names(self) -> Sequence[str]:
        each, channels = [name for name, _ in self._of_channel()], self.frames.n_channels
        return each if channels == 1 else [f"{name}_{c}" for c in range(channels) for name in each]

    def unit(self) -> NDArray[np.float64]:
        return np.array([unit for _, unit in self._of_channel()] * self.frames.n_channels)

    def predict(self, Q: Array) -> Array:
        samples, channels = np.asarray(Q, np.int16), self.frames.n_channels
        out = [self._channel(samples[:, c::channels]) for c in range(channels)]
        return np.concatenate(out, axis=1).astype(np.int32)

    def _channel(self, X: NDArray[np.int16]) -> Array:
        s, shift = self.frames.magnitudes(X)
        out = []
        for t in range(self.frames.n_frames):
            for feature in self.features:
                if feature == "flux" and not t:
                    continue
                given = (s[:, t], shift[:, t], s[:, max(t - 1, 0)], shift[:, max(t - 1, 0)])
                out.append(self._feature(feature, *given))
        return np.concatenate(out, axis=1)

    def _feature(self, feature: str, s: Array, shift: Array, before: Array, shift_before: Array) -> Array:
        """Of one frame, shape (n, number of outputs)."""
        if feature == "peaks":
            at = shape.peaks(s, self.n_peaks)
            high = np.where(at > 0, np.take_along_axis(s, at, axis=1), 0)
            power = shape.decibels(high, self.plus - 4096 * shift[:, None])
            return np.stack([at, power], axis=2).reshape(len(s), -1)
        if feature == "flux":
            return shape.flux(s, before, shift, shift_before, 14 - self.excess, self.flux_bits)[:, None]
        if feature == "rolloff":
            return shape.rolloff(s, self.roll)[:, None]
        if feature == "flatness":
            return shape.flatness(s, self.excess)[:, None]
        of = {"centroid": shape.centroid, "bandwidth": shape.bandwidth}[feature]
        return of(s)[:, None]

    @property
    def stack(self) -> int:
        """Bytes of arrays on the stack."""
        before = 4 * self.frames.n_bins if "flux" in self.features else 0
        return self.frames.stack + before + (2 * self.n_peaks if "peaks" in self.features else 0)

    def layouts(self) -> Sequence[Layout]:
        tables = self.frames.tables()
        if {"flatness", "peaks"} & set(self.features):
            tables["log2"] = log2_table()
        sizes = [t.nbytes for t in tables.values()]
        flash = {
            core: float(self.frames.code(k) + 400 * len(self.features) + sum(sizes))
            for k, core in enumerate(CORES)
        }
        share = len(self.features) / len(FEATURES) * self.frames.n_bins * self.frames.n_frames
        cycles = {
            core: self.frames.n_channels * (self.frames.cycles(k) + share * _BIN[k])
            for k, core in enumerate(CORES)
        }
        return [Layout(f"{self.frames.precision}, radix 4", flash, cycles, lambda: {"tables": tables}, sizes)]

    def contract(self) -> Sequence[str]:
        framed = self.frames
        promises = {
            "centroid": "within 2^-13 of itself",
            "bandwidth": "within 2^-13 of itself and 2^-7 bins",
            "rolloff": "of a part of all within 2^-14 of the given one",
            "flatness": "within 0.001",
            "flux": "within 2^-13 of itself and a step",
            "peaks": "powers within 0.01 dB",
        }
        return [
            f"{framed.counted} of {framed.transform.n_fft} samples, bins every {framed.spacing:g} Hz",
            "of magnitudes that are off by "
            + ("2^-13 of the largest (root mean square)" if self._block else "up to 2^-14 of the largest")
            + ", by the transform",
            *(f"{feature} {promises[feature]}" for feature in self.features),
        ]


class SpectralShape(Extractor):
    """What the shape of the spectra of int16 windows is told by, frame by frame.

    Parameters
    ----------
    sample_rate : float
        Hz.
    features : sequence of str
        With S the magnitudes of the bins, as librosa has them: "centroid" (mean frequency, weighted by S),
        "bandwidth" (standard deviation from the centroid, weighted by S), "rolloff" (lowest frequency up to
        which there is `roll_percent` of the sum of S), "flatness" (geometric over arithmetic mean of the
        squares of S, of those no less than 2^-30 of the largest). "flux": Euclidean distance of S to that of
        the frame before, from the second frame on. "peaks": of bins that are larger than both neighbours the
        frequency and the power, 10 log10 of S squared of at least 2^-10, for the `n_peaks` largest, largest
        first; 0 Hz and that floor where there are no more. By default all of one frame.
    n_fft : int
        Samples of a frame: a power of two from 8 to 4096.
    window : str, tuple or None
        As of `scipy.signal.get_window`, periodic.
    hop_length : int
        Samples from a frame to the next, by default half a frame. A window has as many frames as fit.
    roll_percent : float
        For "rolloff", above 0 to below 1.
    n_peaks : int
        For "peaks", from 1 to 16.
    n_channels : int
        Channels, interleaved.
    precision : {"int32", "int16"}
        Integers of the transform, as in `FFT`. "int16" takes half the memory, and on AVR two thirds of the
        cycles; S is then off by 2^-13 of its largest (root mean square), which what is said of all bins
        feels most: flatness of tones, and bandwidth.

    Notes
    -----
    S is that of ``numpy.fft.rfft``: samples are integers, not fractions of the full scale. Of silence
    centroid, bandwidth and rolloff are 0, and flatness is 1.
    """

    def __init__(
        self,
        sample_rate: float,
        features: Sequence[str] = ("centroid", "bandwidth", "rolloff", "flatness", "peaks"),
        n_fft: int = 256,
        window: Any = "hann",
        hop_length: int | None = None,
        *,
        roll_percent: float = 0.85,
        n_peaks: int = 3,
        n_channels: int = 1,
        precision: str = "int32",
    ) -> None:
        self.sample_rate = sample_rate
        self.features = features
        self.n_fft = n_fft
        self.window = window
        self.hop_length = hop_length
        self.roll_percent = roll_percent
        self.n_peaks = n_peaks
        self.n_channels = n_channels
        self.precision = precision

    def extraction(self, n_samples: int | None = None) -> Shapes:
        features = chosen(self.features, FEATURES, "SpectralShape")
        length = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        framed = frames("SpectralShape", self.get_params(deep=False), length)
        length = framed.transform.n_fft * framed.n_channels if length is None else length
        number = isinstance(self.roll_percent, float | np.floating)
        if not number or not 2.0**-16 < self.roll_percent < 1:
            raise UnsupportedError(
                f"SpectralShape: roll_percent={self.roll_percent!r}; a number above 0 and below 1 is needed"
            )
        if not is_integer(self.n_peaks) or not 1 <= self.n_peaks <= 16:
            raise UnsupportedError(
                f"SpectralShape: n_peaks={self.n_peaks!r}; an integer from 1 to 16 is needed"
            )
        if "flux" in features and framed.n_frames == 1:
            raise UnsupportedError(
                "SpectralShape: 'flux' is between frames; windows have one: make them longer"
            )
        per_frame = [2 * int(self.n_peaks) if feature == "peaks" else 1 for feature in features]
        n_outputs = framed.n_frames * sum(per_frame) - ("flux" in features)
        return Shapes(
            source="SpectralShape",
            input=Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True),
            span=np.zeros((n_outputs * framed.n_channels, 2)),
            frames=framed,
            features=features,
            roll=round(self.roll_percent * 2**16),
            n_peaks=int(self.n_peaks),
        )

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        model = self.extraction(samples.shape[1])
        values = window(self.window, int(self.n_fft), "SpectralShape")
        channels, out = model.frames.n_channels, []
        for c in range(channels):
            s = np.abs(model.frames.reference(samples[:, c::channels], values))
            for t in range(model.frames.n_frames):
                out += [
                    _reference_of(f, s[:, t], s[:, t - 1], model, self.roll_percent)
                    for f in model.features
                    if t or f != "flux"
                ]
        return np.concatenate(out, axis=1)


def _reference_of(feature: str, s: Array, before: Array, model: Shapes, roll: float) -> Array:
    """A feature of frames' magnitudes in float64, shape (n, number of outputs)."""
    spacing = model.frames.spacing
    frequencies = np.arange(s.shape[1]) * spacing
    total = s.sum(axis=1, keepdims=True)
    weights = np.divide(s, total, out=np.zeros_like(s), where=total > 0)
    centroid = (weights * frequencies).sum(axis=1, keepdims=True)
    if feature == "centroid":
        return np.asarray(centroid)
    if feature == "bandwidth":
        return np.asarray(np.sqrt((weights * (frequencies - centroid) ** 2).sum(axis=1, keepdims=True)))
    if feature == "rolloff":
        return np.asarray(frequencies[np.argmax(np.cumsum(s, axis=1) >= roll * total, axis=1)][:, None])
    if feature == "flux":
        return np.asarray(np.sqrt(((s - before) ** 2).sum(axis=1, keepdims=True)))
    if feature == "flatness":
        power = np.maximum(s**2, 2.0 ** (-2 * shape.FLOOR_BITS) * (s**2).max(axis=1, keepdims=True))
        power = np.where(total > 0, power, 1)
        return np.asarray(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1))[:, None]
    at = shape.peaks(s, model.n_peaks)
    power = np.where(at > 0, np.take_along_axis(s, at, axis=1) ** 2, 0)
    both = [frequencies[at], 10 * np.log10(np.maximum(power, 2.0**FLOOR))]
    return np.stack(both, axis=2).reshape(len(s), -1)


@converts("micromlgen.features.SpectralShape")
def spectralshape(estimator: SpectralShape) -> Shapes:
    """Convert the parameters."""
    return estimator.extraction()
