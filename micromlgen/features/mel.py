"""Logarithms of the energies in bands that are equally wide on the mel scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._extractor import Extractor
from micromlgen.features._fft32 import RealFFT32, twiddles
from micromlgen.features._filterbank import Filterbank
from micromlgen.features._melspec import Options, options
from micromlgen.features._root import bit_length, log2_q11, log2_table, power_of, root
from micromlgen.features._windows import half_in_q15, window
from micromlgen.ir import Extraction, Input, Layout

Array = NDArray[Any]
#: One step of `log` in the units of its base: log2 in Q9.
STEPS = {"log2": 1 / 512, "ln": np.log(2) / 512, "db": 10 * np.log10(2) / 512}
_CORES = ("avr", "cortex-m0plus", "cortex-m4f", "rv32imc")
#: Measured with -O2: bytes of code, and cycles of a sample of a frame times log2(n_fft), a bin, a filter.
_CODE = (10500, 2700, 1800, 2300)
_CYCLES = ((270.0, 12.5, 4.3, 5.5), (420.0, 90.0, 28.0, 50.0), (900.0, 250.0, 60.0, 100.0))


@dataclass(frozen=True, eq=False)
class LogMel(Extraction):
    """Frames, one after another, of log energies in Q9 of log2."""

    transform: RealFFT32
    bank: Filterbank
    given: Options
    n_frames: int

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int16)

    @property
    def top(self) -> int:
        return 32767

    def names(self) -> Sequence[str]:
        return frame_names("mel", range(self.bank.n_mels), self.n_frames)

    @property
    def step(self) -> float:
        """One step of an output: of a magnitude, dB are twice as many."""
        twice = self.given.log == "db" and self.given.spectrum == "magnitude"
        return float(STEPS[self.given.log] * (2 if twice else 1))

    def unit(self) -> NDArray[np.float64]:
        return np.full(self.n_outputs, self.step)

    @property
    def lowest(self) -> int:
        """The floor in Q9 of log2."""
        return int(np.rint(np.log2(self.given.floor) * 512))

    @property
    def range(self) -> int | None:
        """`top_db` in Q9 of log2; None where it is so large that it limits nothing."""
        decibels = STEPS["db"] * (2 if self.magnitude else 1)
        return None if self.given.top_db >= 180 else int(np.rint(self.given.top_db / decibels))

    @property
    def magnitude(self) -> bool:
        """Whether energies are sums of magnitudes."""
        return self.given.spectrum == "magnitude"

    @cached_property
    def plus(self) -> int:
        """What the log of an energy of integers lacks to that of an energy, in Q11."""
        unit = self.transform.unit / self.given.full_scale
        energy = np.ldexp(unit, -15) if self.magnitude else np.ldexp(unit**2, 32 - 15)
        return int(np.rint(2048 * np.log2(energy / (self.given.n_fft if self.given.scaled else 1))))

    @property
    def factors(self) -> NDArray[np.int16] | None:
        """Log of each filter's factor in Q11, shape (n_mels,); None where all are 1."""
        if self.bank.norm is None:
            return None
        return np.asarray(np.rint(2048 * np.log2(self.bank.factors)), np.int16)

    def frames(self, X: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Frames of windows, shape (n * n_frames, frame_length), and the sample before each or 0."""
        length, hop = self.transform.length, self.given.hop_length
        starts = np.arange(self.n_frames) * hop
        at = starts[:, None] + np.arange(length)
        before = np.where(starts > 0, X[:, np.maximum(starts - 1, 0)], 0).astype(np.int16)
        return X[:, at].reshape(-1, length), before.ravel()

    def energies(self, X: NDArray[np.int16]) -> tuple[Array, Array, Array]:
        """Of each frame in Q15: sums of filters (n, n_mels) and of all bins (n,); and the shift (n,)."""
        frames, before = self.frames(X)
        up = self.transform.headroom(frames, before)
        re, im = self.transform.spectrum(
            frames.astype(np.int64) << up[:, None], before.astype(np.int64) << up
        )
        every = np.bitwise_or.reduce((re ^ (re >> 63)) | (im ^ (im >> 63)), axis=1)
        most = 29 if self.magnitude else 30
        headroom = np.where(every > 0, np.maximum(most - bit_length(every), 0), 0)
        re, im = np.abs(re) << headroom[:, None], np.abs(im) << headroom[:, None]
        p = _magnitude(re, im) if self.magnitude else _square(re) + _square(im)
        inside = p[:, self.bank.first : self.bank.first + len(self.bank.weights)]
        w = self.bank.weights.astype(np.int64)
        rising = inside * w
        ends = np.concatenate([[0], np.cumsum(self.bank.counts)])
        sums = [
            np.concatenate([np.zeros((len(p), 1), np.int64), np.cumsum(v, axis=1)], axis=1)
            for v in (inside, rising)
        ]
        whole, part = (np.diff(v[:, ends], axis=1) for v in sums)
        return part[:, :-1] + (whole[:, 1:] << 15) - part[:, 1:], p.sum(axis=1) << 15, headroom + up

    def logs(self, energy: Array, headroom: Array, factors: Array | int = 0) -> Array:
        """Of energies, shape (n, m), in Q9 of log2, at least the floor."""
        shift = np.where(energy >= 1 << 44, 24, np.where(energy >= 1 << 32, 12, 0))
        log = log2_q11(energy >> shift) + (shift << 11)
        plus = self.plus - headroom * (2048 if self.magnitude else 4096)
        q9 = (log + plus[:, None] + factors + 2) >> 2
        return np.where(energy == 0, self.lowest, np.maximum(q9, self.lowest))

    def with_energy(self, X: NDArray[np.int16]) -> tuple[Array, Array]:
        """Log energies of windows, int64 (n, n_frames, n_mels), and those of whole frames, (n, n_frames)."""
        energy, whole, headroom = self.energies(X)
        factors = 0 if self.factors is None else self.factors.astype(np.int64)
        log = self.logs(energy, headroom, factors).reshape(len(X), self.n_frames, -1)
        if self.range is not None:
            log = np.maximum(log, log.max(axis=(1, 2), keepdims=True) - self.range)
        return log, self.logs(whole[:, None], headroom).reshape(len(X), self.n_frames)

    def predict(self, Q: Array) -> Array:
        return self.with_energy(np.asarray(Q, np.int16))[0].reshape(len(Q), -1).astype(np.int16)

    def tables(self) -> dict[str, Array]:
        """Those that this one needs."""
        tables: dict[str, Array] = {"twiddles": twiddles(self.transform.n_fft).ravel()}
        if self.transform.window is not None:
            tables["window"] = self.transform.window
        tables |= {
            "log2": log2_table(),
            "counts": self.bank.counts.astype(np.uint16),
            "weights": self.bank.weights,
        }
        if self.factors is not None:
            tables["factors"] = self.factors
        return tables

    def costs(self, tables: dict[str, Array], code: Sequence[int], cycles: Sequence[float]) -> list[Layout]:
        """The only layout, of what costs so much more than this, on AVR, Cortex-M0+, Cortex-M4F and RV32."""
        n, bins = self.transform.n_fft, len(self.bank.weights)
        of_sample, of_bin, of_filter = _CYCLES
        size = sum(t.nbytes for t in tables.values())
        frame = [
            of_sample[k] * n * np.log2(n) + of_bin[k] * bins + of_filter[k] * self.bank.n_mels + cycles[k]
            for k in range(4)
        ]
        return [
            Layout(
                name="int32, radix 4",
                flash={c: size + _CODE[k] + code[k] for k, c in enumerate(_CORES)},
                cycles={c: float(frame[k] * self.n_frames) for k, c in enumerate(_CORES)},
                build=lambda: {"tables": tables},
                tables=[t.nbytes for t in tables.values()],
            )
        ]

    def layouts(self) -> Sequence[Layout]:
        return self.costs(self.tables(), (0, 0, 0, 0), (0, 0, 0, 0))

    def contract(self) -> Sequence[str]:
        given = self.given
        return [
            f"{self.n_frames} frames of {given.frame_length} samples at {given.sample_rate:g} Hz, "
            f"{self.bank.n_mels} bands from {given.fmin:g} to {given.fmax:g} Hz",
            f"{given.log} of at least {given.floor:g}, in steps of {self.step:.6f}; silence is exact",
        ]


def _square(a: Array) -> Array:
    """``a**2 / 2**32``, rounded to nearest."""
    return np.asarray((a * a + (1 << 31)) >> 32)


def _magnitude(re: Array, im: Array) -> Array:
    """``sqrt(re**2 + im**2)`` of 15 bits."""
    power, shift = power_of(re, im)
    return np.asarray(root(power) << shift)


def frame_names(what: str, numbers: Sequence[int], n_frames: int) -> list[str]:
    """Names of the features of frames, whose number they have where there are several."""
    return [f"{what}{i}" + (f"_{t}" if n_frames > 1 else "") for t in range(n_frames) for i in numbers]


class MelExtractor(Extractor):
    """What MelSpectrogram and MFCC have in common."""

    sample_rate: float

    def _options(self) -> Options:
        return options(type(self).__name__, self.get_params(deep=False))

    def _n_samples(self, given: Options, n_samples: int | None) -> int:
        """Length of a window: that of `fit`, or one frame.

        Raises
        ------
        UnsupportedError
            If it holds no frame.
        """
        known = getattr(self, "n_features_in_", None) if n_samples is None else n_samples
        known = given.frame_length if known is None else int(known)
        if known < given.frame_length:
            raise UnsupportedError(
                f"{type(self).__name__}: windows have {known} samples; a frame has {given.frame_length}"
            )
        return known

    def _log_mel(self, n_samples: int | None) -> LogMel:
        """The log energies of windows of so many samples."""
        given = self._options()
        length = self._n_samples(given, n_samples)
        who = type(self).__name__
        half = half_in_q15(window(given.window, given.frame_length, who))
        transform = RealFFT32(given.n_fft, half, given.frame_length, int(np.rint(given.pre_emphasis * 2**15)))
        bank = given.filterbank
        if not len(bank.weights):
            raise UnsupportedError(f"{who}: no bin lies between fmin={given.fmin} and fmax={given.fmax}")
        n_frames = 1 + (length - given.frame_length) // given.hop_length
        return LogMel(
            source=who,
            input=Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True),
            span=np.zeros((n_frames * given.n_mels, 2)),
            transform=transform,
            bank=bank,
            given=given,
            n_frames=n_frames,
        )

    def _energies(
        self, samples: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], Options]:
        """In float64: of bands, shape (n, n_frames, n_mels), and of whole frames, (n, n_frames)."""
        model = self._log_mel(samples.shape[1])
        given = model.given
        x = samples / given.full_scale
        emphasised = x.copy()
        emphasised[:, 1:] -= given.pre_emphasis * x[:, :-1]
        starts = np.arange(model.n_frames) * given.hop_length
        frames = emphasised[:, starts[:, None] + np.arange(given.frame_length)]
        values = window(given.window, given.frame_length, type(self).__name__)
        spectrum = np.abs(np.fft.rfft(frames if values is None else frames * values, given.n_fft))
        power = spectrum if model.magnitude else spectrum**2
        power = power / given.n_fft if given.scaled else power
        return power @ model.bank.matrix().T, power.sum(axis=2), given

    def _logs(self, samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Their logarithms, limited by the floor and `top_db`."""
        energies, whole, given = self._energies(samples)
        in_db = 20 if given.spectrum == "magnitude" else 10
        factor = {"ln": 1.0, "log2": 1 / np.log(2), "db": in_db / np.log(10)}[given.log]
        log, own = (factor * np.log(np.maximum(e, given.floor)) for e in (energies, whole))
        if given.top_db < 180:
            in_base = given.top_db * np.log(10) / in_db * factor
            log = np.maximum(log, log.max(axis=(1, 2), keepdims=True) - in_base)
        return log, own


class MelSpectrogram(MelExtractor):
    """Log energies of bands on the mel scale, frame by frame: (n_frames * n_mels) int16 features.

    Parameters
    ----------
    sample_rate : float
        Hz.
    n_fft : int
        A power of two from 8 to 4096; a frame that is shorter ends in zeros. By default 512.
    frame_length : int
        Samples of a frame, by default n_fft.
    hop_length : int
        Samples from a frame to the next, by default half a frame. A window has as many frames as fit.
    n_mels : int
        By default 40.
    fmin, fmax : float
        Hz, by default from 0 to half the sample rate.
    window : str or tuple
        As of `scipy.signal.get_window`, periodic; by default "hann". "ones": none.
    preset : {None, "librosa", "torchaudio", "python_speech_features"}
        Sets what is not given, so that frames give what this library's defaults give, without the padding at
        the ends of a recording (``center=False``). torchaudio's n_fft=400 is a frame of 400 samples here, in
        512.
    spectrum : {"power", "magnitude"}
    mel_scale : {"htk", "slaney"}
    mel_norm : {None, "slaney"}
        "slaney": triangles of area 1 rather than of height 1.
    edges : {"hertz", "bins"}
        Corners of triangles where they are, or rounded down to bins.
    log : {"ln", "log2", "db"}
        "db": 10 log10 of powers, 20 log10 of magnitudes.
    floor : float
        Least energy, by default 1e-10; what is below counts as this.
    top_db : float
        Nothing in a window is further below its highest than this, by default 80, and 180 for anything: what
        integers of a frame span is about 90 dB.
    pre_emphasis : float
        This part of the sample before is taken off each, by default 0.
    scaled : bool
        Whether energies are divided by n_fft.
    full_scale : float
        What samples are divided by, by default 32768; 1 leaves them integers.
    """

    def __init__(
        self,
        sample_rate: float = 16000,
        n_fft: int | None = None,
        frame_length: int | None = None,
        hop_length: int | None = None,
        n_mels: int | None = None,
        fmin: float | None = None,
        fmax: float | None = None,
        window: Any = None,
        preset: str | None = None,
        *,
        spectrum: str | None = None,
        mel_scale: str | None = None,
        mel_norm: str | None = None,
        edges: str | None = None,
        log: str | None = None,
        floor: float | None = None,
        top_db: float | None = None,
        pre_emphasis: float | None = None,
        scaled: bool | None = None,
        full_scale: float | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.fmin = fmin
        self.fmax = fmax
        self.window = window
        self.preset = preset
        self.spectrum = spectrum
        self.mel_scale = mel_scale
        self.mel_norm = mel_norm
        self.edges = edges
        self.log = log
        self.floor = floor
        self.top_db = top_db
        self.pre_emphasis = pre_emphasis
        self.scaled = scaled
        self.full_scale = full_scale

    def extraction(self, n_samples: int | None = None) -> LogMel:
        return self._log_mel(n_samples)

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._logs(samples)[0].reshape(len(samples), -1)


@converts("micromlgen.features.MelSpectrogram")
def mel_spectrogram(estimator: MelSpectrogram) -> LogMel:
    """Convert the parameters."""
    return estimator.extraction()
