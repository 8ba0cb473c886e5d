"""Logarithms of the energies in bands that are equally wide on the mel scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromlgen.convert import converts
from micromlgen.errors import UnsupportedError
from micromlgen.features._extractor import Extractor
from micromlgen.features._fft16 import RealFFT16
from micromlgen.features._fft32 import RealFFT32
from micromlgen.features._frames import Frames
from micromlgen.features._melspec import Options, options
from micromlgen.features._windows import half_in_q15, window
from micromlgen.features.logmel import LogMel
from micromlgen.inputs import Input


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
        bank = given.filterbank
        if not len(bank.weights):
            raise UnsupportedError(f"{who}: no bin lies between fmin={given.fmin} and fmax={given.fmax}")
        n_frames = 1 + (length - given.frame_length) // given.hop_length
        samples = Input(length, "int16", exponents=np.zeros(length, np.int32), samples=True)
        span = np.zeros((n_frames * given.n_mels, 2))
        kind = RealFFT16 if given.precision == "int16" else RealFFT32
        emphasis = int(np.rint(given.pre_emphasis * 2**15))
        transform = kind(given.n_fft, half, given.frame_length, emphasis)
        frames = Frames(transform, given.sample_rate, given.hop_length, n_frames)
        return LogMel(who, samples, span, frames, bank, given)

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
        log, own = (factor * np.log(np.maximum(e + given.offset, given.floor)) for e in (energies, whole))
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
    preset : {None, "librosa", "torchaudio", "python_speech_features", "tensorflow"}
        Sets what is not given, so that frames give what this library's defaults give, without the padding at
        the ends of a recording (``center=False``). torchaudio's n_fft=400 is a frame of 400 samples here, in
        512. "tensorflow": as its guide to mel spectrograms and MFCCs has it, by tf.signal.stft,
        linear_to_mel_weight_matrix and mfccs_from_log_mel_spectrograms.
    spectrum : {"power", "magnitude"}
    mel_scale : {"htk", "slaney"}
    mel_norm : {None, "slaney", "none"}
        "slaney": triangles of area 1 rather than of height 1. "none" is that of a preset which has one.
    edges : {"hertz", "bins", "mels"}
        Corners of triangles where they are, or rounded down to bins; "mels": where they are, but triangles
        are straight over mel rather than over Hz.
    log : {"ln", "log2", "db"}
        "db": 10 log10 of powers, 20 log10 of magnitudes.
    floor : float
        Least energy, by default 1e-10; what is below counts as this.
    offset : float
        Added to energies, by default 0.
    top_db : float
        Nothing in a window is further below its highest than this, by default 80, and 180 for anything: bands
        100 dB below the loudest of their frame have the noise of the transform.
    pre_emphasis : float
        This part of the sample before is taken off each, by default 0.
    scaled : bool
        Whether energies are divided by n_fft.
    full_scale : float
        What samples are divided by, by default 32768; 1 leaves them integers.
    precision : {"int32", "int16"}
        Integers of the transform, as in `FFT`. With "int16", features take half the memory and over a
        quarter fewer cycles on AVR, but bands of a frame that are 70 dB below its loudest have the noise of
        rounding: the error of coefficients, in units of their deviation, is 0.01 by root mean square in
        speech and 0.25 at worst, and may exceed 1 beside a loud tone.
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
        offset: float | None = None,
        top_db: float | None = None,
        pre_emphasis: float | None = None,
        scaled: bool | None = None,
        full_scale: float | None = None,
        precision: str = "int32",
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
        self.offset = offset
        self.top_db = top_db
        self.pre_emphasis = pre_emphasis
        self.scaled = scaled
        self.full_scale = full_scale
        self.precision = precision

    def extraction(self, n_samples: int | None = None) -> LogMel:
        return self._log_mel(n_samples)

    def _reference(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._logs(samples)[0].reshape(len(samples), -1)


@converts("micromlgen.features.MelSpectrogram")
def mel_spectrogram(estimator: MelSpectrogram) -> LogMel:
    """Convert the parameters."""
    return estimator.extraction()
