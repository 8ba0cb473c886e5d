"""Feature extractors: fixed-point DSP as scikit-learn transformers, with the same integers on the board."""

from micromlgen.features.fft import FFT
from micromlgen.features.mel import MelSpectrogram
from micromlgen.features.mfcc import MFCC
from micromlgen.features.statistics import Statistics

__all__ = ["FFT", "MFCC", "MelSpectrogram", "Statistics"]
