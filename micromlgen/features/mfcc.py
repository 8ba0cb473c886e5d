"""Mel-frequency cepstral coefficients: a cosine transform of the log energies of bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from micromlgen.convert import converts
from micromlgen.features._frames import Frames, OfSpectra, Reading
from micromlgen.features._melspec import Options
from micromlgen.features._over_frames import BITS, OverFrames
from micromlgen.features.logmel import LogMel, frame_names
from micromlgen.features.mel import MelExtractor
from micromlgen.ir import Layout

Array = NDArray[Any]
#: Bytes of code, and cycles of a product.
_CODE = (500, 250, 200, 200)
_CYCLES = (92.0, 10.0, 4.0, 6.0)


def cosines(given: Options) -> NDArray[np.float64]:
    """Rows of the DCT-II, times the lifter: shape (n_mfcc, n_mels)."""
    n, lifter = given.n_mfcc, given.lifter
    rows = np.asarray(dct(np.eye(given.n_mels), norm="ortho", axis=0))[:n]
    if given.dct == "htk":
        rows[0] *= np.sqrt(2)
    if lifter:
        order = np.arange(n) + given.lifter_from
        rows = rows * (1 + lifter / 2 * np.sin(np.pi * order / lifter))[:, None]
    return rows


@dataclass(frozen=True, eq=False)
class Cepstra(OfSpectra):
    """Frames, one after another, of coefficients in powers of two of log2."""

    mel: LogMel
    over: OverFrames

    @property
    def spectra(self) -> Frames:
        return self.mel.frames

    @property
    def reads(self) -> Reading:
        return self.mel.reads

    def sharing(self) -> Self:
        return replace(self, mel=self.mel.sharing())

    @property
    def n_mfcc(self) -> int:
        """Coefficients of a frame."""
        return self.mel.given.n_mfcc

    @property
    def half(self) -> int:
        """Bands of which each has the same cosine as another, up to the sign, and the one in the middle."""
        return (self.mel.bank.n_mels + 1) // 2

    @cached_property
    def _rows(self) -> NDArray[np.float64]:
        return cosines(self.mel.given)

    @cached_property
    def _exponents(self) -> NDArray[np.int64]:
        """Largest of two for which a row fits int16, shape (n_mfcc,)."""
        return np.asarray(np.floor(np.log2(32767 / np.abs(self._rows).max(axis=1))), np.int64)

    @cached_property
    def rows(self) -> NDArray[np.int16]:
        """First halves of the rows times powers of two, shape (n_mfcc, half)."""
        scaled = np.ldexp(self._rows[:, : self.half], self._exponents[:, None])
        return np.asarray(np.rint(scaled), np.int16)

    @cached_property
    def fraction(self) -> NDArray[np.int64]:
        """Bits of each coefficient behind the point, as many as the largest leaves: shape (n_mfcc,)."""
        low, high = self.mel.lowest / 512, self.mel.highest / 512
        middle, around = (low + high) / 2, np.full(self.n_mfcc, (high - low) / 2)
        if self.mel.range is not None:
            # Rows behind the first add up to 0: what matters is how far logs are apart.
            around[1:] = np.minimum(around[1:], self.mel.range / 512 / 2)
        most = 2**BITS if self.wide else 32767
        largest = around * np.abs(self._rows).sum(axis=1) + np.abs(middle * self._rows.sum(axis=1)) + 0.01
        bits: NDArray[np.int64] = np.floor(np.log2(most / (1.001 * largest))).astype(np.int64)
        if self.mel.given.energy:
            bits[0] = 9 + self.energy_bits
        return np.asarray(np.minimum(bits, np.minimum(self._exponents, 12)))

    @property
    def shifts(self) -> NDArray[np.uint8]:
        """By how much sums of logs in Q8 times rows over 2**8 are shifted down, shape (n_mfcc,)."""
        return (self._exponents - self.fraction).astype(np.uint8)

    @property
    def wide(self) -> bool:
        """Whether coefficients are a sequence: int16 would leave few steps of what differs little."""
        return self.over.delta > 0 or self.over.normalize is not None

    @property
    def energy_bits(self) -> int:
        """Of the fraction of a frame's log energy beyond those of logs."""
        return 3 if self.wide else 0

    @property
    def output_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32 if self.wide else np.int16)

    @property
    def top(self) -> int:
        return 2 ** (BITS + 1) if self.wide else 32767

    def names(self) -> Sequence[str]:
        kinds = ["mfcc", "delta", "delta_delta"][: self.over.delta + 1]
        return frame_names([f"{kind}{i}" for kind in kinds for i in range(self.n_mfcc)], self.mel.n_frames)

    @property
    def step(self) -> NDArray[np.float64]:
        """Of a frame's coefficients before they are taken as a sequence, shape (n_mfcc,)."""
        return np.asarray(self.mel.step * 512 * np.ldexp(1.0, -self.fraction), np.float64)

    def unit(self) -> NDArray[np.float64]:
        return np.tile(self.over.units(self.step), self.mel.n_frames)

    def predict(self, Q: Array) -> Array:
        log, whole = self.mel.with_energy(np.asarray(Q, np.int16))
        first, last = log[:, :, : self.half], log[:, :, ::-1][:, :, : self.half]
        middle = np.arange(self.half) * 2 + 1 == self.mel.bank.n_mels
        even = np.where(middle, first, first + last) >> 1
        odd = np.where(middle, 0, first - last) >> 1
        pairs = np.arange(0, self.half, 2)
        out = np.empty((*log.shape[:2], self.n_mfcc), np.int64)
        for i, (row, shift) in enumerate(zip(self.rows.astype(np.int64), self.shifts.tolist(), strict=True)):
            products = np.add.reduceat((odd if i % 2 else even) * row, pairs, axis=2)
            total = (products >> 8).sum(axis=2)
            out[:, :, i] = (total + (1 << shift >> 1)) >> shift
        if self.mel.given.energy:
            out[:, :, 0] = whole << self.energy_bits
        return self.over.integers(out).reshape(len(Q), -1).astype(self.output_dtype)

    @property
    def limited(self) -> bool:
        """Whether coefficients wait for all frames of a window, whose highest energy limits the others."""
        return self.mel.range is not None

    @property
    def keeps_logs(self) -> bool:
        """Whether log energies are kept of a frame, which are int16, rather than coefficients."""
        return self.limited or self.wide

    @property
    def kept(self) -> int:
        """Numbers of a frame before those of all are there: log energies, or coefficients."""
        return self.mel.bank.n_mels + int(self.mel.given.energy) if self.keeps_logs else self.n_mfcc

    def layouts(self) -> Sequence[Layout]:
        tables = self.mel.tables() | {"rows": self.rows.ravel(), "shifts": self.shifts}
        products = self.n_mfcc * self.half
        return self.mel.costs(tables, _CODE, [c * products for c in _CYCLES])

    def contract(self) -> Sequence[str]:
        given = self.mel.given
        liftered = f", lifter {given.lifter}" if given.lifter else ""
        first = "; the first is the log energy of the frame" if given.energy else ""
        orders = ["", ", and their differences", ", and their differences of first and second order"]
        what = f"{given.n_mfcc} coefficients, DCT-II ({given.dct}){liftered}{first}{orders[given.delta]}"
        over = {None: [], "mean": ["less their means over the frames"]}
        both = ["less their means over the frames, and in units of their deviations"]
        return [*self.mel.contract(), what, *over.get(given.normalize, both)]


class MFCC(MelExtractor):
    """Mel-frequency cepstral coefficients, frame by frame: (n_frames * n_mfcc) features.

    They are int16, and int32 with `normalize` or `delta`, since differences are small beside coefficients.

    Parameters
    ----------
    n_mfcc : int
        Coefficients of a frame, by default 13.
    lifter : int
        Coefficient i is multiplied by ``1 + lifter / 2 * sin(pi * i / lifter)``; by default 0, not at all.
        With ``preset="librosa"`` i counts from 1, as it does there.
    dct : {"ortho", "htk"}
        Orthonormal, by default; "htk": the first row is not divided by the square root of 2.
    energy : bool
        Whether the log energy of the frame takes the place of the first coefficient.

    normalize : {None, "mean", "variance"}
        Over the frames of a window: the mean of each coefficient is taken off it; "variance": and it is
        divided by its standard deviation, of at least 64 steps of it: 1/64 of log2, or more with a lifter.
    delta : {0, 1, 2}
        Orders of differences that follow the coefficients of each frame, by default 0. As
        python_speech_features.delta and torchaudio.functional.compute_deltas have them:
        ``sum(n * (c[t + n] - c[t - n])) / (2 * sum(n**2))``, the first and the last frame standing for those
        beyond. librosa.feature.delta differs at these ends.
    delta_width : int
        Frames before and behind that a difference is from, n = 1 … delta_width, by default 2.

    The other parameters are those of `MelSpectrogram`.
    """

    def __init__(
        self,
        sample_rate: float = 16000,
        n_fft: int | None = None,
        frame_length: int | None = None,
        hop_length: int | None = None,
        n_mels: int | None = None,
        n_mfcc: int | None = None,
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
        offset: float | None = None,
        top_db: float | None = None,
        pre_emphasis: float | None = None,
        scaled: bool | None = None,
        full_scale: float | None = None,
        lifter: int | None = None,
        dct: str | None = None,
        energy: bool | None = None,
        normalize: str | None = None,
        delta: int | None = None,
        delta_width: int | None = None,
        precision: str = "int32",
    ) -> None:
        self.sample_rate = sample_rate
        self.n_fft = n_fft
        self.frame_length = frame_length
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.n_mfcc = n_mfcc
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
        self.offset = offset
        self.top_db = top_db
        self.pre_emphasis = pre_emphasis
        self.scaled = scaled
        self.full_scale = full_scale
        self.lifter = lifter
        self.dct = dct
        self.energy = energy
        self.normalize = normalize
        self.delta = delta
        self.delta_width = delta_width
        self.precision = precision

    def extraction(self, n_samples: int | None = None) -> Cepstra:
        mel = self._log_mel(n_samples)
        given = mel.given
        steps = OverFrames(mel.n_frames, given.normalize, given.delta, given.delta_width)
        span = np.zeros((mel.n_frames * given.n_mfcc * (1 + given.delta), 2))
        return Cepstra("MFCC", mel.input, span, mel, steps)

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        given = self._options()
        log, whole = self._logs(samples)
        out = log @ cosines(given).T
        if given.energy:
            out[:, :, 0] = whole
        model = self.extraction(samples.shape[1])
        return model.over.reference(out, model.step).reshape(len(samples), -1)


@converts("micromlgen.features.MFCC")
def mfcc(estimator: MFCC) -> Cepstra:
    """Convert the parameters."""
    return estimator.extraction()
